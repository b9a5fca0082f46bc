// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * store-xs.c - the checker's view of a store, over libxenstore.
 *
 * Reads only; the transaction is always given up, so it never conflicts.
 */
#include <errno.h>
#include <stdlib.h>
#include <xenstore.h>

#include "check.h"

static char *store_xs_read(void *ctx, const char *path, size_t *len)
{
	struct vsys_store_xs *sx = ctx;
	unsigned int length = 0;
	char *text = xs_read(sx->xs, sx->transaction, path, &length);

	*len = length;
	return text;
}

static char **store_xs_list(void *ctx, const char *path, size_t *count)
{
	struct vsys_store_xs *sx = ctx;
	unsigned int number = 0;
	char **names = xs_directory(sx->xs, sx->transaction, path, &number);

	*count = number;
	return names;
}

static struct vsys_perm *store_xs_perms(void *ctx, const char *path, size_t *count)
{
	struct vsys_store_xs *sx = ctx;
	unsigned int number = 0, i;
	struct xs_permissions *from = xs_get_permissions(sx->xs, sx->transaction, path, &number);
	struct vsys_perm *to;

	if (!from)
		return NULL;
	to = calloc(number ? number : 1, sizeof(*to));
	for (i = 0; to && i < number; i++) {
		to[i].id = from[i].id;
		to[i].read = from[i].perms & XS_PERM_READ;
		to[i].write = from[i].perms & XS_PERM_WRITE;
	}
	free(from);
	if (!to)
		errno = ENOMEM;
	*count = number;
	return to;
}

int vsys_store_xs_begin(struct vsys_store_xs *sx, struct xs_handle *xs)
{
	sx->xs = xs;
	sx->transaction = xs_transaction_start(xs);
	if (sx->transaction == XBT_NULL)
		return -errno;
	sx->store.ctx = sx;
	sx->store.read = store_xs_read;
	sx->store.list = store_xs_list;
	sx->store.perms = store_xs_perms;
	return 0;
}

void vsys_store_xs_end(struct vsys_store_xs *sx)
{
	xs_transaction_end(sx->xs, sx->transaction, true);
}
