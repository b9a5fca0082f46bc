/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check.h - compare a live XenStore with the schema of vsys.
 *
 * The store is reached through three callbacks, so that tests can give one of
 * their own; store-xs.c has those of libxenstore.  What guests wrote is taken
 * for what it is: every directory, every list of findings and every text is
 * looked at up to a limit, and a finding says when a limit was met.
 */
#ifndef VSYS_CHECK_H
#define VSYS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits, of one domain. */
#define VSYS_CHECK_MAX_DEVICES	256
#define VSYS_CHECK_MAX_CHILDREN	128	/* looked at per directory */
#define VSYS_CHECK_MAX_FINDINGS	1000

/*
 * As in XenStore: the first entry's id is the owner, and its read and write are
 * what domains may do that have no entry.  An owner may always do both.
 */
struct vsys_perm {
	uint32_t id;
	bool read;
	bool write;
};

/*
 * All return memory that one free() releases, or NULL with errno; ENOENT: there
 * is no such node.  read: terminated, and len is the length in the store, so
 * that a zero byte inside is seen.  list: an array of count pointers to strings
 * in the same piece of memory, not NULL even if count is 0.
 */
struct vsys_store {
	void *ctx;
	char *(*read)(void *ctx, const char *path, size_t *len);
	char **(*list)(void *ctx, const char *path, size_t *count);
	struct vsys_perm *(*perms)(void *ctx, const char *path, size_t *count);
};

enum vsys_severity {
	VSYS_WARNING,		/* unusual, or only for a moment; works */
	VSYS_ERROR,		/* the schema is broken */
};

/* path and sentence are printable ASCII, whatever the guest wrote. */
typedef void (*vsys_report_fn)(void *ctx, enum vsys_severity severity,
			       const char *path, const char *sentence);

/*
 * All vsys devices of domid that have their back-end in backend_domid.  Returns
 * the number of errors, also those beyond VSYS_CHECK_MAX_FINDINGS; or a negative
 * errno if the store could not be read.
 */
int vsys_schema_check(const struct vsys_store *store, uint32_t backend_domid,
		      uint32_t domid, vsys_report_fn report, void *ctx);

/*
 * A store over libxenstore.  All reads are of one transaction, so that nothing
 * changes in between.  Returns 0 or a negative errno.
 */
struct xs_handle;
struct vsys_store_xs {
	struct vsys_store store;
	struct xs_handle *xs;
	uint32_t transaction;
};

int vsys_store_xs_begin(struct vsys_store_xs *sx, struct xs_handle *xs);
void vsys_store_xs_end(struct vsys_store_xs *sx);

#endif /* VSYS_CHECK_H */
