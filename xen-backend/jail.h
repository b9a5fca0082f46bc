/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.h - the directories that are all of the file system to workers.
 *
 * A domain's worker and its executors have an own root directory.  It is empty, but
 * for nodes of devices whose files executors open by themselves (docs/mirror.md,
 * "Files of one's own"): these are named by the device's number, and belong to the
 * domain's user.
 */
#ifndef VSYS_JAIL_H
#define VSYS_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * base: where they are; NULL: nowhere, and nothing is done.  All return 0 or a
 * negative errno, and do nothing to what is there already as it should be.
 */
int jail_make(const char *base, uint32_t domid);
int jail_add_node(const char *base, uint32_t domid, uint32_t devid, dev_t rdev, bool reads,
		  bool writes);
void jail_remove_node(const char *base, uint32_t domid, uint32_t devid);
void jail_remove(const char *base, uint32_t domid);
/* All of them: left by a daemon that was killed. */
void jail_clear(const char *base);

#endif /* VSYS_JAIL_H */
