/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.h - what a worker gives up before it touches a guest's memory.
 *
 * In two steps: executors have the rights of the first, and a filter of their
 * own instead of the second, so their template is forked in between.
 */
#ifndef VSYS_PRIVILEGES_H
#define VSYS_PRIVILEGES_H

#include <stdint.h>

/* All of these: 0, or a negative errno and a line in the log. */

/*
 * dir is all of the file system from here on, for this process and its executors.
 * Without root nothing changes.
 */
int privileges_enter(const char *dir);

/*
 * After everything is open.  Becomes the domain's user, without any capability
 * but caps (a mask), which stay permitted but not effective.
 */
int privileges_change(uint32_t domid, uint64_t caps);

/* In an executor, after the above with the same caps: they are in effect. */
int privileges_use(uint64_t caps);

/* Before the first message: the filter of system calls. */
int privileges_confine(void);

#endif /* VSYS_PRIVILEGES_H */
