/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs.h - XenStore as the supervisor uses it.
 *
 * A small face of libxenstore, so that the unit tests can put a tree in memory
 * in its place (tests/unit/fake-xs.c).  A node is named by directory and key.
 * Errors are negative errno values.
 *
 * Between xst_begin() and xst_commit() or xst_abort() everything belongs to one
 * transaction.  There is never more than one.
 */
#ifndef VSYS_XS_H
#define VSYS_XS_H

#include <stdbool.h>
#include <stdint.h>

#define XST_PATH	256	/* of the paths that this program builds */
#define XST_TOKEN	64

struct xst;

struct xst *xst_open(void);
void xst_close(struct xst *x);
int xst_fd(struct xst *x);

/*
 * Whether there was a watch event; its token is copied.  As long as there are
 * more, xst_fd() is readable.  A negative value means that the store is gone.
 */
int xst_event(struct xst *x, char token[XST_TOKEN]);
int xst_watch(struct xst *x, const char *path, const char *token);
void xst_unwatch(struct xst *x, const char *path, const char *token);

int xst_begin(struct xst *x);
/* -EAGAIN: somebody else changed the same nodes; start again. */
int xst_commit(struct xst *x);
void xst_abort(struct xst *x);

/*
 * The value, to be freed, or NULL and errno.  One with a NUL inside gives
 * EINVAL: whoever parses strings would see only a part of it.
 */
char *xst_read(struct xst *x, const char *dir, const char *key);
int xst_write(struct xst *x, const char *dir, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Creates a directory that belongs to one domain and is read by another. */
int xst_mkdir(struct xst *x, const char *path, uint32_t owner, uint32_t reader);
int xst_set_owner(struct xst *x, const char *dir, const char *key, uint32_t owner,
		  uint32_t reader);

/* With everything below; that there is nothing is no error. */
int xst_remove(struct xst *x, const char *path);

/* Names of what is in a directory, to be freed in one piece; NULL and errno. */
char **xst_list(struct xst *x, const char *path, unsigned int *nr);

/* Whether xenstored knows the domain, that is, it lives. */
bool xst_domain_lives(struct xst *x, uint32_t domid);

#endif /* VSYS_XS_H */
