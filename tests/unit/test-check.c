/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-check.c - the checker of live stores: does each rule see what breaks it?
 *
 * Each test takes a store without fault, breaks one thing, and wants exactly one
 * finding: about that path, of that severity, with those words.
 */
#include <stdio.h>
#include <string.h>

#include "check-fixture.h"

static void clean(void **state)
{
	(void)state;
	expect_clean();
}

/* As the toolstack leaves it, before any driver has looked. */
static void clean_before_drivers(void **state)
{
	static const char *const later[] = {
		FRONT "/version", FRONT "/ring-page-order", FRONT "/pool-pages",
		FRONT "/multi-queue-num-queues", FRONT "/queue-0", FRONT "/queue-1",
		BACK "/versions", BACK "/max-ring-page-order", BACK "/multi-queue-max-queues",
		BACK "/max-pool-pages", BACK "/hotplug-status",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		fake_remove(&fake, later[i]);
	back("state", "1");
	front("state", "1");
	expect_clean();
}

static void clean_with_defaults(void **state)
{
	(void)state;
	fake_remove(&fake, FRONT "/ring-page-order");
	fake_remove(&fake, FRONT "/queue-0/ring-ref1");
	fake_remove(&fake, FRONT "/queue-1");
	fake_remove(&fake, FRONT "/multi-queue-num-queues");
	fake_remove(&fake, BACK "/max-ring-page-order");
	fake_remove(&fake, BACK "/multi-queue-max-queues");
	expect_clean();
}

static void clean_without_devices(void **state)
{
	(void)state;
	fake_remove(&fake, BACK);
	fake_remove(&fake, FRONT);
	expect_clean();
	fake_remove(&fake, "/local");
	expect_clean();
}

/* Every required node, one after the other. */
static void missing(void **state)
{
	int id;

	for (id = 0; id < VSYS_NODES; id++) {
		const struct vsys_schema_node *node = &vsys_schema_nodes[id];
		const char *dir = node->dir == VSYS_DIR_BACKEND ? BACK :
				  node->dir == VSYS_DIR_QUEUE ? FRONT "/queue-1" : FRONT;
		struct findings found;
		char path[256];

		if (!node->required || node->only_class)
			continue;
		connected(state);
		snprintf(path, sizeof(path), "%s/%s%s", dir, node->key, node->indexed ? "1" : "");
		fake_remove(&fake, path);
		/* Without its state a side is of no use: no other finding. */
		if (check(&found) != 1 || found.count != 1 || strcmp(found.path, path))
			fail_msg("no single finding about %s: %s: %s", path, found.path, found.sentence);
		if (node->required == 0x1ff)
			assert_string_equal(found.sentence, "This is missing.");
		else
			assert_non_null(strstr(found.sentence, "is missing, but the"));
		gone(state);
	}
}

static void missing_of_block(void **state)
{
	(void)state;
	fake_remove(&fake, BACK "/sector-size");
	expect(VSYS_ERROR, BACK "/sector-size", "missing, but the back-end is in state Connected");
}

static void type_number(void **state)
{
	(void)state;
	front("queue-0/event-channel", "0xb");
	expect(VSYS_ERROR, FRONT "/queue-0/event-channel", "\"0xb\" is not a plain decimal number");
}

static void type_range(void **state)
{
	(void)state;
	back("max-pool-pages", "4097");
	expect(VSYS_ERROR, BACK "/max-pool-pages", "\"4097\" is not a number from 1 to 4096");
}

static void type_power_of_two(void **state)
{
	(void)state;
	back("sector-size", "520");
	expect(VSYS_ERROR, BACK "/sector-size", "power of two");
}

static void type_flag(void **state)
{
	(void)state;
	back("online", "yes");
	expect(VSYS_ERROR, BACK "/online", "neither 0 nor 1");
}

static void type_enum(void **state)
{
	static const char *const bad[] = { "", "r", "rwx", ",", "ro,wo", "x" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		back("mode", bad[i]);
		expect(VSYS_ERROR, BACK "/mode", "is none of ro,wo,rw");
	}
}

static void type_class(void **state)
{
	(void)state;
	/* What depends on the class is left alone. */
	back("class", "tape");
	expect(VSYS_ERROR, BACK "/class", "none of char,block");
}

static void type_string(void **state)
{
	(void)state;
	back("name", "../sda");
	expect(VSYS_ERROR, BACK "/name", "no path below a directory");
	back("name", "a b");
	expect(VSYS_ERROR, BACK "/name", "a character that is not allowed");
	back("name", "0123456789012345678901234567890123456789012345678901234567890123");
	expect(VSYS_ERROR, BACK "/name", "more than 63 characters");
}

static void type_versions(void **state)
{
	(void)state;
	back("versions", "1;2");
	expect(VSYS_ERROR, BACK "/versions", "list of numbers");
}

static void type_path(void **state)
{
	(void)state;
	front("backend", "local/domain/0");
	expect(VSYS_ERROR, FRONT "/backend", "not an absolute path");
}

static void type_state(void **state)
{
	(void)state;
	back("state", "9");
	expect(VSYS_ERROR, BACK "/state", "from 0 to 8");
}

static void type_dir(void **state)
{
	(void)state;
	front("queue-0", "5");
	expect(VSYS_ERROR, FRONT "/queue-0", "directory, but has the value");
}

static void zero_byte(void **state)
{
	(void)state;
	fake_put_bytes(&fake, BACK "/online", "1\0", 2);
	expect(VSYS_ERROR, BACK "/online", "zero byte");
}

static void unknown(void **state)
{
	(void)state;
	front("ring-page-ordr", "1");
	expect(VSYS_WARNING, FRONT "/ring-page-ordr", "does not know");
	fake_remove(&fake, FRONT "/ring-page-ordr");
	back("queue-0", "");
	expect(VSYS_WARNING, BACK "/queue-0", "does not know");
	fake_remove(&fake, BACK "/queue-0");
	front("queue-16", "");
	expect(VSYS_WARNING, FRONT "/queue-16", "does not know");
	fake_remove(&fake, FRONT "/queue-16");
	front("queue-01", "");
	expect(VSYS_WARNING, FRONT "/queue-01", "does not know");
	fake_remove(&fake, FRONT "/queue-01");
	front("queue-1/ring-ref", "");
	expect(VSYS_WARNING, FRONT "/queue-1/ring-ref", "does not know");
}

static void too_early(void **state)
{
	(void)state;
	fake_remove(&fake, FRONT "/queue-0");
	fake_remove(&fake, FRONT "/queue-1");
	fake_remove(&fake, FRONT "/ring-page-order");
	fake_remove(&fake, FRONT "/pool-pages");
	fake_remove(&fake, FRONT "/multi-queue-num-queues");
	front("state", "1");
	back("state", "2");
	expect(VSYS_WARNING, FRONT "/version", "means nothing while the front-end is in state Initialising");
}

static void wrong_class(void **state)
{
	(void)state;
	back("sectors", "2048");
	expect(VSYS_ERROR, BACK "/sectors", "devices of class block only");
}

static void index_extra(void **state)
{
	(void)state;
	front("queue-0/ring-ref2", "30");
	expect(VSYS_ERROR, FRONT "/queue-0/ring-ref2", "only 2, as ring-page-order says");
	fake_remove(&fake, FRONT "/queue-0/ring-ref2");
	fake_remove(&fake, FRONT "/queue-1");
	front("multi-queue-num-queues", "1");
	expect_clean();
	front("queue-1/ring-ref0", "18");
	front("queue-1/ring-ref1", "19");
	front("queue-1/event-channel", "12");
	front("queue-1/pool-ref", "20");
	expect(VSYS_ERROR, FRONT "/queue-1", "only 1, as multi-queue-num-queues says");
}

static void index_value(void **state)
{
	(void)state;
	front("queue-1/ring-ref1", "0");
	expect(VSYS_ERROR, FRONT "/queue-1/ring-ref1", "from 1 to 4294967295");
}

/* A count that cannot be read says nothing about what it counts. */
static void index_count_unknown(void **state)
{
	(void)state;
	front("ring-page-order", "x");
	expect(VSYS_ERROR, FRONT "/ring-page-order", "not a plain decimal number");
}

static void link_paths(void **state)
{
	(void)state;
	back("frontend", FRONT "1");
	expect(VSYS_ERROR, BACK "/frontend", "not the other side's directory, which is " FRONT);
	back("frontend", FRONT);
	front("backend", "/local/domain/0/backend/vsys/6/0");
	expect(VSYS_ERROR, FRONT "/backend", "not the other side's directory, which is " BACK);
}

static void link_ids(void **state)
{
	(void)state;
	back("frontend-id", "6");
	expect(VSYS_ERROR, BACK "/frontend-id", "not the other side's domain, which is 5");
	back("frontend-id", "5");
	front("backend-id", "1");
	expect(VSYS_ERROR, FRONT "/backend-id", "not the other side's domain, which is 0");
}

static void limits(void **state)
{
	(void)state;
	back("max-ring-page-order", "0");
	expect(VSYS_ERROR, FRONT "/ring-page-order", "1 is more than the other side's max-ring-page-order, which is 0");
	fake_remove(&fake, BACK "/max-ring-page-order");
	expect(VSYS_ERROR, FRONT "/ring-page-order", "which is 0");
	back("max-ring-page-order", "1");
	back("multi-queue-max-queues", "1");
	expect(VSYS_ERROR, FRONT "/multi-queue-num-queues", "multi-queue-max-queues, which is 1");
	back("multi-queue-max-queues", "2");
	back("max-pool-pages", "255");
	expect(VSYS_ERROR, FRONT "/pool-pages", "max-pool-pages, which is 255");
	back("max-pool-pages", "256");
	expect_clean();
}

static void version_listed(void **state)
{
	(void)state;
	front("version", "3");
	expect(VSYS_ERROR, FRONT "/version", "3 is not in the other side's versions, which is \"1,2\"");
}

static void alone(void **state)
{
	(void)state;
	fake_remove(&fake, FRONT);
	expect(VSYS_ERROR, BACK, "There is no front-end");
	gone(state);
	connected(state);
	fake_remove(&fake, BACK);
	expect(VSYS_ERROR, FRONT, "There is no back-end");
	front("backend-id", "3");
	expect(VSYS_WARNING, FRONT, "The back-end is in domain 3");
}

static void states(void **state)
{
	(void)state;
	back("state", "2");
	expect(VSYS_WARNING, FRONT, "front-end is Connected, but the back-end is in state InitWait");
	back("state", "6");
	expect_clean();
	front("state", "5");
	back("state", "4");
	expect_clean();
	/* The front-end's keys stay in these two. */
	front("state", "3");
	expect_clean();
}

static void states_backend_ahead(void **state)
{
	(void)state;
	fake_remove(&fake, FRONT);
	front("backend", BACK);
	front("backend-id", "0");
	front("state", "1");
	expect(VSYS_WARNING, BACK, "back-end is Connected, but the front-end is in state Initialising");
}

static void error_texts(void **state)
{
	(void)state;
	fake_put(&fake, GUEST, BACK_DOM, "/local/domain/5/error/device/vsys/0/error", "-22 bad\033[2J ring\n");
	expect(VSYS_ERROR, "/local/domain/5/error/device/vsys/0/error", "a character that is not allowed");
	fake_put(&fake, GUEST, BACK_DOM, "/local/domain/5/error/device/vsys/0/error", "22 granting the ring\n");
	expect(VSYS_WARNING, "/local/domain/5/error/device/vsys/0", "front-end reported: 22 granting the ring");
	fake_remove(&fake, "/local/domain/5/error");
	fake_put(&fake, BACK_DOM, BACK_DOM, "/local/domain/0/error/backend/vsys/5/0/error", "2 opening /dev/x");
	expect(VSYS_WARNING, "/local/domain/0/error/backend/vsys/5/0", "back-end reported: 2 opening /dev/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(clean), T_BLOCK(clean), T(clean_before_drivers), T(clean_with_defaults),
		T(clean_without_devices),
		cmocka_unit_test(missing), T_BLOCK(missing_of_block),
		T(type_number), T(type_range), T_BLOCK(type_power_of_two), T(type_flag), T(type_enum),
		T(type_class), T_BLOCK(type_class), T(type_string), T(type_versions), T(type_path),
		T(type_state), T(type_dir), T(zero_byte),
		T(unknown), T(too_early), T(wrong_class),
		T(index_extra), T(index_value), T(index_count_unknown),
		T(link_paths), T(link_ids), T(limits), T(version_listed), T(alone),
		T(states), T(states_backend_ahead), T(error_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
