// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs.c - XenStore through libxenstore; see xs.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "xs.h"

struct xst {
	struct xs_handle *handle;
	xs_transaction_t transaction;
};

struct xst *xst_open(void)
{
	struct xst *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->handle = xs_open(0);
	if (!x->handle) {
		free(x);
		return NULL;
	}
	return x;
}

void xst_close(struct xst *x)
{
	if (!x)
		return;
	xs_close(x->handle);
	free(x);
}

int xst_fd(struct xst *x)
{
	return xs_fileno(x->handle);
}

int xst_event(struct xst *x, char token[XST_TOKEN])
{
	char **event = xs_check_watch(x->handle);

	if (!event)
		return errno == EAGAIN ? 0 : -errno;
	snprintf(token, XST_TOKEN, "%s", event[XS_WATCH_TOKEN]);
	free(event);
	return 1;
}

int xst_watch(struct xst *x, const char *path, const char *token)
{
	return xs_watch(x->handle, path, token) ? 0 : -errno;
}

void xst_unwatch(struct xst *x, const char *path, const char *token)
{
	xs_unwatch(x->handle, path, token);
}

int xst_begin(struct xst *x)
{
	x->transaction = xs_transaction_start(x->handle);
	return x->transaction ? 0 : -errno;
}

int xst_commit(struct xst *x)
{
	bool ok = xs_transaction_end(x->handle, x->transaction, false);

	x->transaction = XBT_NULL;
	return ok ? 0 : -errno;
}

void xst_abort(struct xst *x)
{
	xs_transaction_end(x->handle, x->transaction, true);
	x->transaction = XBT_NULL;
}

static int join(char *path, const char *dir, const char *key)
{
	int len = snprintf(path, XST_PATH, "%s/%s", dir, key);

	return len < XST_PATH ? 0 : -ENAMETOOLONG;
}

char *xst_read(struct xst *x, const char *dir, const char *key)
{
	char path[XST_PATH], *value;
	unsigned int len;

	if (join(path, dir, key)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	value = xs_read(x->handle, x->transaction, path, &len);
	if (value && strlen(value) != len) {
		free(value);
		errno = EINVAL;
		return NULL;
	}
	return value;
}

int xst_write(struct xst *x, const char *dir, const char *key, const char *fmt, ...)
{
	char path[XST_PATH], *value;
	va_list ap;
	int len, err = join(path, dir, key);

	if (err)
		return err;
	va_start(ap, fmt);
	len = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -ENOMEM;
	if (!xs_write(x->handle, x->transaction, path, value, len))
		err = -errno;
	free(value);
	return err;
}

static int set_permissions(struct xst *x, const char *path, uint32_t owner, uint32_t reader)
{
	struct xs_permissions perms[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = reader, .perms = XS_PERM_READ },
	};

	return xs_set_permissions(x->handle, x->transaction, path, perms, 2) ? 0 : -errno;
}

int xst_mkdir(struct xst *x, const char *path, uint32_t owner, uint32_t reader)
{
	if (!xs_mkdir(x->handle, x->transaction, path))
		return -errno;
	return set_permissions(x, path, owner, reader);
}

int xst_set_owner(struct xst *x, const char *dir, const char *key, uint32_t owner,
		  uint32_t reader)
{
	char path[XST_PATH];
	int err = join(path, dir, key);

	return err ? err : set_permissions(x, path, owner, reader);
}

int xst_remove(struct xst *x, const char *path)
{
	if (xs_rm(x->handle, x->transaction, path) || errno == ENOENT)
		return 0;
	return -errno;
}

char **xst_list(struct xst *x, const char *path, unsigned int *nr)
{
	return xs_directory(x->handle, x->transaction, path, nr);
}

bool xst_domain_lives(struct xst *x, uint32_t domid)
{
	return xs_is_domain_introduced(x->handle, domid);
}
