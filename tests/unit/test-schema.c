/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-schema.c - the generated names and parsers of vsys-xenstore.h.
 *
 * Including both headers is a test of its own: where they define the same limit,
 * a difference does not compile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <vsys-xenstore.h>
#include <xen/io/vsysif.h>
#include <xen/io/xenbus.h>

_Static_assert(VSYS_MAX_MAX_RING_PAGE_ORDER == VSYS_MAX_RING_PAGE_ORDER, "ring order");
_Static_assert(VSYS_MAX_MULTI_QUEUE_MAX_QUEUES == VSYS_MAX_QUEUES, "queues");
_Static_assert(VSYS_MAX_MULTI_QUEUE_NUM_QUEUES == VSYS_MAX_QUEUES, "queues");
_Static_assert(VSYS_MAX_MAX_POOL_PAGES == VSYS_MAX_POOL_PAGES, "pool pages");
_Static_assert(VSYS_MAX_STATE == XenbusStateReconfigured, "states");
_Static_assert(VSYS_SIZE_NAME == 64, "name and its end");

static void names(void **state)
{
	char path[64];

	(void)state;
	assert_string_equal(VSYS_KEY_RING_PAGE_ORDER, "ring-page-order");
	assert_string_equal(VSYS_KEY_EVENT_CHANNEL, "event-channel");
	snprintf(path, sizeof(path), VSYS_KEYF_QUEUE "/" VSYS_KEYF_RING_REF, 3u, 7u);
	assert_string_equal(path, "queue-3/ring-ref7");
	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND, 0u, 5u, 2u);
	assert_string_equal(path, "/local/domain/0/backend/vsys/5/2");
	snprintf(path, sizeof(path), VSYS_PATHF_FRONTEND, 5u, 2u);
	assert_string_equal(path, "/local/domain/5/device/vsys/2");
	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND_ALL, 0u, 5u);
	assert_string_equal(path, "/local/domain/0/backend/vsys/5");
	snprintf(path, sizeof(path), VSYS_PATHF_FRONTEND_ERROR, 5u, 2u);
	assert_string_equal(path, "/local/domain/5/error/device/vsys/2");
}

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(VSYS_DEFAULT_MAX_RING_PAGE_ORDER, 0);
	assert_int_equal(VSYS_DEFAULT_MULTI_QUEUE_MAX_QUEUES, 1);
	assert_int_equal(VSYS_DEFAULT_MULTI_QUEUE_NUM_QUEUES, 1);
	assert_int_equal(VSYS_DEFAULT_FEATURE_IOCTL, 0);
	assert_int_equal(VSYS_DEFAULT_FEATURE_PORT_BATCH, 0);
}

static void numbers(void **state)
{
	uint32_t value = 77;

	(void)state;
	assert_int_equal(vsys_parse_ring_page_order("0", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(vsys_parse_ring_page_order("4", &value), 0);
	assert_int_equal(value, 4);
	value = 77;
	assert_int_equal(vsys_parse_ring_page_order("5", &value), -ERANGE);
	assert_int_equal(vsys_parse_pool_pages("0", &value), -ERANGE);
	assert_int_equal(vsys_parse_pool_pages("4097", &value), -ERANGE);
	assert_int_equal(vsys_parse_state("9", &value), -ERANGE);
	assert_int_equal(value, 77);
	assert_int_equal(vsys_parse_pool_pages("4096", &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(vsys_parse_ring_ref("4294967295", &value), 0);
	assert_int_equal(value, 4294967295u);
	assert_int_equal(vsys_parse_ring_ref("0", &value), -ERANGE);
	assert_int_equal(vsys_parse_ring_ref("4294967296", &value), -ERANGE);
}

static void numbers_malformed(void **state)
{
	static const char *const bad[] = {
		"", " ", " 1", "1 ", "+1", "-1", "-0", "0x1", "1a", "a", "01", "00", "1,", "1\n",
		"1.0", "99999999999999999999999x", "\xd9\xa1",
	};
	uint32_t value = 77;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (vsys_parse_pool_pages(bad[i], &value) != -EINVAL)
			fail_msg("\"%s\" is taken for a number", bad[i]);
	assert_int_equal(value, 77);
}

static void numbers_wide(void **state)
{
	uint64_t value = 77;

	(void)state;
	assert_int_equal(vsys_parse_sectors("18014398509481983", &value), 0);
	assert_true(value == (UINT64_MAX >> 1) / 512);
	assert_int_equal(vsys_parse_discard_max_bytes("9223372036854775807", &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(vsys_parse_discard_max_bytes("9223372036854775808", &value), -ERANGE);
	/* The type itself, and what wraps to something small. */
	assert_int_equal(vsys_schema_u64("18446744073709551615", 0, UINT64_MAX, false, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(vsys_schema_u64("18446744073709551616", 0, UINT64_MAX, false, &value), -ERANGE);
	assert_int_equal(vsys_schema_u64("18446744073709551620", 0, UINT64_MAX, false, &value), -ERANGE);
	assert_int_equal(vsys_schema_u64("36893488147419103233", 0, UINT64_MAX, false, &value), -ERANGE);
	assert_int_equal(vsys_schema_u64("184467440737095516150", 0, UINT64_MAX, false, &value), -ERANGE);
}

static void powers_of_two(void **state)
{
	uint32_t value = 77;

	(void)state;
	assert_int_equal(vsys_parse_sector_size("512", &value), 0);
	assert_int_equal(vsys_parse_sector_size("4096", &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(vsys_parse_sector_size("520", &value), -ERANGE);
	assert_int_equal(vsys_parse_sector_size("256", &value), -ERANGE);
	assert_int_equal(vsys_parse_sector_size("8192", &value), -ERANGE);
}

static void flags(void **state)
{
	bool value = false;

	(void)state;
	assert_int_equal(vsys_parse_feature_ioctl("1", &value), 0);
	assert_true(value);
	assert_int_equal(vsys_parse_feature_ioctl("2", &value), -EINVAL);
	assert_int_equal(vsys_parse_feature_ioctl("", &value), -EINVAL);
	assert_int_equal(vsys_parse_feature_ioctl("00", &value), -EINVAL);
	assert_true(value);
	assert_int_equal(vsys_parse_online("0", &value), 0);
	assert_false(value);
}

static void enums(void **state)
{
	enum vsys_hotplug_status hotplug;
	enum vsys_class class = VSYS_CLASS_CHAR;
	enum vsys_mode mode = VSYS_MODE_RO;

	(void)state;
	assert_int_equal(vsys_parse_class("block", &class), 0);
	assert_int_equal(class, VSYS_CLASS_BLOCK);
	assert_int_equal(vsys_parse_class("bloc", &class), -EINVAL);
	assert_int_equal(vsys_parse_class("blocks", &class), -EINVAL);
	assert_int_equal(vsys_parse_class("", &class), -EINVAL);
	assert_int_equal(vsys_parse_mode("wo", &mode), 0);
	assert_int_equal(mode, VSYS_MODE_WO);
	assert_int_equal(vsys_parse_mode("RW", &mode), -EINVAL);
	assert_int_equal(vsys_parse_hotplug_status("connected", &hotplug), 0);
	assert_string_equal(vsys_hotplug_status_name(hotplug), "connected");
	assert_string_equal(vsys_class_name(VSYS_CLASS_CHAR), "char");
	assert_string_equal(vsys_mode_name(VSYS_MODE_RW), "rw");
	assert_string_equal(vsys_mode_name((enum vsys_mode)9), "?");
}

static void device_names(void **state)
{
	static const char *const good[] = {
		"ram0", "snd/pcmC0D0p", "a", "bus/usb/001/002", "mapper/a..b", "x-y:z_.", "...", "A9/Z0",
	};
	static const char *const bad[] = {
		"", "/ram0", "ram0/", "a//b", ".", "..", "../sda", "a/../b", "a/.", "a/..", "./a", "/",
		"a b", "a\n", "a\\b", "a%b", "\xc3\xa4", "a*",
	};
	char buf[VSYS_SIZE_NAME];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (vsys_parse_name(good[i], buf, sizeof(buf)))
			fail_msg("\"%s\" is not taken for a name", good[i]);
		assert_string_equal(buf, good[i]);
	}
	strcpy(buf, "untouched");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (vsys_parse_name(bad[i], buf, sizeof(buf)) != -EINVAL)
			fail_msg("\"%s\" is taken for a name", bad[i]);
	assert_string_equal(buf, "untouched");
}

static void string_lengths(void **state)
{
	char text[VSYS_MAX_NAME + 2], buf[VSYS_SIZE_NAME];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[VSYS_MAX_NAME] = '\0';
	assert_int_equal(vsys_parse_name(text, buf, sizeof(buf)), 0);
	assert_string_equal(buf, text);
	assert_int_equal(vsys_parse_name(text, buf, sizeof(buf) - 1), -ERANGE);
	assert_int_equal(vsys_parse_name("x", buf, 0), -ERANGE);
	text[VSYS_MAX_NAME] = 'x';
	text[VSYS_MAX_NAME + 1] = '\0';
	assert_int_equal(vsys_parse_name(text, buf, sizeof(buf)), -ERANGE);
}

static void version_lists(void **state)
{
	(void)state;
	assert_int_equal(vsys_parse_versions("1", 1), 0);
	assert_int_equal(vsys_parse_versions("3,2,1", 1), 0);
	assert_int_equal(vsys_parse_versions("1,2", 2), 0);
	assert_int_equal(vsys_parse_versions("2,3", 1), -EPROTONOSUPPORT);
	assert_int_equal(vsys_parse_versions("10,11", 1), -EPROTONOSUPPORT);
	assert_int_equal(vsys_parse_versions("", 1), -EINVAL);
	assert_int_equal(vsys_parse_versions("1,", 1), -EINVAL);
	assert_int_equal(vsys_parse_versions(",1", 1), -EINVAL);
	assert_int_equal(vsys_parse_versions("1 ,2", 1), -EINVAL);
	assert_int_equal(vsys_parse_versions("1, 2", 1), -EINVAL);
	assert_int_equal(vsys_parse_versions("1,x", 1), -EINVAL);
	/* No wrap: 2^32 + 1 is not 1. */
	assert_int_equal(vsys_parse_versions("4294967297", 1), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(defaults),
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_malformed),
		cmocka_unit_test(numbers_wide),
		cmocka_unit_test(powers_of_two),
		cmocka_unit_test(flags),
		cmocka_unit_test(enums),
		cmocka_unit_test(device_names),
		cmocka_unit_test(string_lengths),
		cmocka_unit_test(version_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
