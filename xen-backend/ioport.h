/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioport.h - a range of I/O ports that an administrator lends: "0x300-0x31f".
 */
#ifndef VSYS_IOPORT_H
#define VSYS_IOPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

#define IOPORT_TEXT	16

struct ioport_range {
	uint16_t first, last;
};

/* FIRST-LAST, each decimal or with 0x; what ioport_check() finds good. */
int ioport_parse(struct ioport_range *range, const char *text, struct fault *f);

/* How many there are, and that none of them is one that gives away the machine. */
int ioport_check(const struct ioport_range *range, struct fault *f);

/* Text of IOPORT_TEXT bytes that gives the same again. */
void ioport_format(const struct ioport_range *range, char *text, size_t size);

static inline bool ioport_overlap(const struct ioport_range *a, const struct ioport_range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

#endif /* VSYS_IOPORT_H */
