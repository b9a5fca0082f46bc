// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-madt.c - level-triggered ISA interrupts in ACPI's table, and tables that
 * are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "xen-backend/madt.h"

static const uint8_t entries[] = {
	0, 8, 0, 0, 1, 0, 0, 0,				/* a CPU */
	2, 10, 0, 0, 2, 0, 0, 0, 0x00, 0,		/* 0: as the bus has it */
	2, 10, 0, 5, 5, 0, 0, 0, 0x0d, 0,		/* 5: level, high */
	2, 10, 0, 7, 7, 0, 0, 0, 0x05, 0,		/* 7: edge, high */
	2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,		/* 9: level, low */
};

/* Exactly so long, so that a sanitizer sees a read beyond. */
static bool is_level(size_t len, int irq)
{
	uint8_t *table = calloc(1, 44 + sizeof(entries));
	uint8_t *copy = malloc(len ? len : 1);
	bool level;

	memcpy(table + 44, entries, sizeof(entries));
	memcpy(copy, table, len);
	level = madt_is_level(copy, len, irq);
	free(copy);
	free(table);
	return level;
}

static void overrides(void **state)
{
	size_t all = 44 + sizeof(entries);

	(void)state;
	assert_false(is_level(all, 0));
	assert_false(is_level(all, 3));
	assert_true(is_level(all, 5));
	assert_false(is_level(all, 7));
	assert_true(is_level(all, 9));
}

static void cut_off(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len < 44 + sizeof(entries); len++)
		assert_false(is_level(len, 9));
}

static void no_progress(void **state)
{
	uint8_t table[64] = { 0 };

	(void)state;
	assert_false(madt_is_level(table, sizeof(table), 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overrides), cmocka_unit_test(cut_off),
		cmocka_unit_test(no_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
