/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-store-xs.c - the checker's store over libxenstore.
 *
 * The functions of libxenstore are replaced by those below: no xenstored is
 * needed, and what is passed to them can be seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xenstore.h>

#include "xenstore-schema/check.h"

#define HANDLE		((struct xs_handle *)0x1000)
#define TRANSACTION	77u

static int started, ended;

static void looks_at(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	assert_ptr_equal(h, HANDLE);
	assert_int_equal(t, TRANSACTION);
	assert_string_equal(path, "/local/domain/5/x");
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	assert_ptr_equal(h, HANDLE);
	started++;
	errno = EMFILE;
	return mock_type(xs_transaction_t);
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool give_up)
{
	assert_ptr_equal(h, HANDLE);
	assert_int_equal(t, TRANSACTION);
	/* A commit could fail, or worse, change something. */
	assert_true(give_up);
	ended++;
	return true;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	looks_at(h, t, path);
	errno = ENOENT;
	if (!mock_type(bool))
		return NULL;
	*len = 3;
	return memcpy(malloc(4), "a\0b", 4);
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
	char **names;

	looks_at(h, t, path);
	errno = EACCES;
	if (!mock_type(bool))
		return NULL;
	names = malloc(sizeof(*names) + 2);
	names[0] = memcpy(names + 1, "y", 2);
	*num = 1;
	return names;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t,
					  const char *path, unsigned int *num)
{
	static const struct xs_permissions perms[] = {
		{ .id = 0, .perms = XS_PERM_NONE },
		{ .id = 5, .perms = XS_PERM_READ },
		{ .id = 6, .perms = XS_PERM_READ | XS_PERM_WRITE },
		{ .id = 7, .perms = XS_PERM_WRITE },
	};

	looks_at(h, t, path);
	errno = ENOENT;
	*num = mock_type(unsigned int);
	return *num ? memcpy(malloc(sizeof(perms)), perms, sizeof(perms)) : NULL;
}

static void begin(struct vsys_store_xs *sx)
{
	will_return(xs_transaction_start, TRANSACTION);
	started = ended = 0;
	assert_int_equal(vsys_store_xs_begin(sx, HANDLE), 0);
}

static void one_transaction(void **state)
{
	struct vsys_store_xs sx;

	(void)state;
	begin(&sx);
	vsys_store_xs_end(&sx);
	assert_int_equal(started, 1);
	assert_int_equal(ended, 1);
	will_return(xs_transaction_start, XBT_NULL);
	assert_int_equal(vsys_store_xs_begin(&sx, HANDLE), -EMFILE);
}

static void reads(void **state)
{
	struct vsys_store_xs sx;
	size_t len = 0;
	char *text;

	(void)state;
	begin(&sx);
	will_return(xs_read, true);
	text = sx.store.read(sx.store.ctx, "/local/domain/5/x", &len);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
	free(text);
	will_return(xs_read, false);
	assert_null(sx.store.read(sx.store.ctx, "/local/domain/5/x", &len));
	assert_int_equal(errno, ENOENT);
}

static void lists(void **state)
{
	struct vsys_store_xs sx;
	size_t count = 0;
	char **names;

	(void)state;
	begin(&sx);
	will_return(xs_directory, true);
	names = sx.store.list(sx.store.ctx, "/local/domain/5/x", &count);
	assert_int_equal(count, 1);
	assert_string_equal(names[0], "y");
	free(names);
	will_return(xs_directory, false);
	assert_null(sx.store.list(sx.store.ctx, "/local/domain/5/x", &count));
	assert_int_equal(errno, EACCES);
}

static void permissions(void **state)
{
	struct vsys_store_xs sx;
	struct vsys_perm *perms;
	size_t count = 0, i;

	(void)state;
	begin(&sx);
	will_return(xs_get_permissions, 4);
	perms = sx.store.perms(sx.store.ctx, "/local/domain/5/x", &count);
	assert_int_equal(count, 4);
	for (i = 0; i < count; i++) {
		static const uint32_t ids[] = { 0, 5, 6, 7 };

		assert_int_equal(perms[i].id, ids[i]);
		assert_int_equal(perms[i].read, i == 1 || i == 2);
		assert_int_equal(perms[i].write, i >= 2);
	}
	free(perms);
	will_return(xs_get_permissions, 0);
	assert_null(sx.store.perms(sx.store.ctx, "/local/domain/5/x", &count));
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_transaction),
		cmocka_unit_test(reads),
		cmocka_unit_test(lists),
		cmocka_unit_test(permissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
