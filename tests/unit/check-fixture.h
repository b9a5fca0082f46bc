/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check-fixture.h - stores without fault for the tests of the checker, and what a
 * test wants it to find.
 */
#ifndef CHECK_FIXTURE_H
#define CHECK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake-store.h"
#include "xenstore-schema/check-internal.h"

#define BACK_DOM	0u
#define GUEST		5u
#define BACK		"/local/domain/0/backend/vsys/5/0"
#define FRONT		"/local/domain/5/device/vsys/0"

extern struct fake_store fake;

struct findings {
	size_t count, errors;
	size_t bounded;			/* errors that tell of a limit of the checker */
	enum vsys_severity severity;	/* of the last one */
	char path[512], sentence[512];
};

/* Run the checker on the fake store; its result. */
int check(struct findings *found);

/* Write a node of the back-end or of the front-end. */
void back(const char *key, const char *value);
void front(const char *key, const char *value);

/* Setup and teardown of a test. */
int connected(void **state);		/* class char, two queues, rings of two pages */
int connected_block(void **state);	/* the same as block, with every optional node */
int gone(void **state);

/* No finding; exactly this finding. */
void expect_clean(void);
void expect(enum vsys_severity severity, const char *path, const char *words);

#define T(test)		cmocka_unit_test_setup_teardown(test, connected, gone)
#define T_BLOCK(test)	{ #test " (block)", test, connected_block, gone, NULL }

#endif /* CHECK_FIXTURE_H */
