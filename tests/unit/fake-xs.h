/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake-xs.h - a XenStore in memory, in the place of xen-backend/xs.c.
 *
 * With owners, watches and transactions, as far as the supervisor can see them.
 * The functions here are what others do: toolstack, guests, xenstored.
 */
#ifndef TESTS_FAKE_XS_H
#define TESTS_FAKE_XS_H

#include <stdbool.h>
#include <stdint.h>

#include "xen-backend/xs.h"

/* Writes a node and those above it, and fires watches. */
void fake_put(struct xst *x, const char *path, const char *value);
/* The value may hold any byte. */
void fake_put_bytes(struct xst *x, const char *path, const char *value, unsigned int len);
void fake_remove(struct xst *x, const char *path);
const char *fake_get(struct xst *x, const char *path);	/* NULL: no node */
unsigned int fake_count(struct xst *x);			/* nodes */
/* "n0,r1": owner and who else may read. */
const char *fake_perms(struct xst *x, const char *path);
/* All nodes, for a comparison; to be freed. */
char *fake_dump(struct xst *x);

void fake_introduce(struct xst *x, uint32_t domid);
void fake_release(struct xst *x, uint32_t domid);

/* How the supervisor uses it. */
unsigned int fake_nr_watches(struct xst *x);
bool fake_has_events(struct xst *x);		/* that nobody took yet */
/* As xst_event(), with what has changed. */
bool fake_event(struct xst *x, char path[XST_PATH], char token[XST_TOKEN]);
unsigned long fake_nr_calls(struct xst *x);
/* Whether the top of a removed tree was this very path, since the trace began. */
void fake_trace_removals(struct xst *x);
bool fake_was_removed(struct xst *x, const char *path);
/* The next commits fail with EAGAIN. */
void fake_disturb(struct xst *x, unsigned int commits);
/* Called in each commit, before it takes effect; fires once. */
void fake_before_commit(struct xst *x, void (*fn)(void));

#endif /* TESTS_FAKE_XS_H */
