/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake-store.h - a XenStore in memory, as the schema's checker sees one.
 *
 * As in xenstored, a node comes with the directories above it, which get its
 * permissions; removing one removes what is below.
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "xenstore-schema/check.h"

struct fake_node {
	char *path;
	char *value;
	size_t len;
	struct vsys_perm perms[3];
	size_t nr_perms;
};

struct fake_store {
	struct vsys_store store;
	struct fake_node *node;
	size_t count;
	size_t reads;			/* calls of all kinds */
	const char *failing;		/* this path gives error "error" ... */
	bool failing_perms;		/* ... only when asked for its permissions */
	int error;
	bool failed;
	size_t after_failure;		/* calls after the first such error */
};

void fake_store_init(struct fake_store *fake);
void fake_store_free(struct fake_store *fake);

/* Owner and one reader; an existing node keeps its permissions. */
void fake_put(struct fake_store *fake, uint32_t owner, uint32_t reader,
	      const char *path, const char *value);
void fake_put_bytes(struct fake_store *fake, const char *path, const char *bytes, size_t len);
void fake_remove(struct fake_store *fake, const char *path);
struct fake_node *fake_find(struct fake_store *fake, const char *path);

#endif /* FAKE_STORE_H */
