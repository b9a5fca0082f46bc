// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * madt.c - what ACPI's table "APIC" says of ISA interrupts; see madt.h.
 *
 * After 44 bytes of headers come entries, each with its type and length.
 */
#include "madt.h"

#define HEADERS		44
#define OVERRIDE	2	/* type: bus, interrupt, four bytes of GSI, two of flags */
#define OVERRIDE_SIZE	10
#define TRIGGER(flags)	((flags) >> 2 & 3)
#define LEVEL		3

bool madt_is_level(const uint8_t *table, size_t len, int irq)
{
	size_t at, size;

	for (at = HEADERS; at + 2 <= len; at += size) {
		const uint8_t *entry = table + at;

		size = entry[1];
		if (size < 2 || size > len - at)
			return false;
		if (entry[0] == OVERRIDE && size >= OVERRIDE_SIZE && entry[3] == irq)
			return TRIGGER(entry[8]) == LEVEL;
	}
	return false;
}
