/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caps.h - names of capabilities: what stanzas say, and what a worker may keep.
 *
 * A set is a mask, bit n for capability n of <linux/capability.h>.
 */
#ifndef VSYS_CAPS_H
#define VSYS_CAPS_H

#include <stddef.h>
#include <stdint.h>

#define CAPS_TEXT	768	/* all names, with the terminator */

#define CAPS_BIT(cap)	(UINT64_C(1) << (cap))

/* "sys_admin+sys_rawio"; 0 or -EINVAL: then *bad is where the unknown name begins. */
int caps_parse(const char *text, uint64_t *caps, const char **bad);

/* The text that gives the same again; "" for none.  size is at least CAPS_TEXT. */
void caps_format(uint64_t caps, char *text, size_t size);

#endif /* VSYS_CAPS_H */
