/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-check-limits.c - the checker of live stores: who may read and write, and
 * that nothing which a guest writes makes it work without end, crash or print.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-fixture.h"

static void permission_read(void **state)
{
	struct fake_node *node = fake_find(&fake, BACK "/versions");

	(void)state;
	node->perms[1].read = false;
	expect(VSYS_ERROR, BACK "/versions", "Domain 5 may not read this");
	/* An entry of another domain is not the guest's. */
	node->perms[2] = (struct vsys_perm){ .id = 5 };
	node->perms[1] = (struct vsys_perm){ .id = 0, .read = true };
	node->nr_perms = 3;
	expect(VSYS_ERROR, BACK "/versions", "Domain 5 may not read this");
	node->nr_perms = 1;
	expect(VSYS_ERROR, BACK "/versions", "Domain 5 may not read this");
	node->nr_perms = 0;
	expect(VSYS_ERROR, BACK "/versions", "gives no permissions");
}

static void permission_write(void **state)
{
	struct fake_node *node = fake_find(&fake, BACK "/mode");

	(void)state;
	node->perms[1].write = true;
	expect(VSYS_ERROR, BACK "/mode", "Domain 5 may write this, but only domain 0 should");
	node->perms[1].write = false;
	node->perms[0].write = true;
	expect(VSYS_ERROR, BACK "/mode", "Domains other than the two sides may write");
	node->perms[0].write = false;
	node = fake_find(&fake, FRONT "/queue-0/ring-ref0");
	node->perms[2] = (struct vsys_perm){ .id = 7, .write = true };
	node->nr_perms = 3;
	expect(VSYS_ERROR, FRONT "/queue-0/ring-ref0", "Domains other than the two sides may write");
	node->perms[2] = (struct vsys_perm){ .id = 7, .read = true };
	expect(VSYS_WARNING, FRONT "/queue-0/ring-ref0", "Domains other than the two sides may read");
}

static void permission_owner(void **state)
{
	struct fake_node *node = fake_find(&fake, BACK);

	(void)state;
	node->perms[0].id = GUEST;
	node->perms[1].id = BACK_DOM;
	expect(VSYS_ERROR, BACK, "Domain 5 owns this, but domain 0 should");
	gone(state);
	connected(state);
	node = fake_find(&fake, FRONT "/queue-1");
	node->perms[0].id = 7;
	node->perms[1].id = BACK_DOM;
	expect(VSYS_ERROR, FRONT "/queue-1", "Domain 7 owns this, but domain 5 should");
}

/* The toolstack's nodes in the guest's directory: either side may own them. */
static void permission_either(void **state)
{
	struct fake_node *node = fake_find(&fake, FRONT "/backend");

	(void)state;
	node->perms[0].id = BACK_DOM;
	node->perms[1].id = GUEST;
	expect_clean();
	node->perms[1].read = false;
	expect(VSYS_ERROR, FRONT "/backend", "Domain 5 may not read this");
}

static void bad_device_id(void **state)
{
	(void)state;
	fake_put(&fake, GUEST, BACK_DOM, "/local/domain/5/device/vsys/x1", "");
	expect(VSYS_ERROR, "/local/domain/5/device/vsys", "\"x1\" is not a device id");
	fake_remove(&fake, "/local/domain/5/device/vsys/x1");
	fake_put(&fake, GUEST, BACK_DOM, "/local/domain/5/device/vsys/00", "");
	expect(VSYS_ERROR, "/local/domain/5/device/vsys", "\"00\" is not a device id");
}

static void add_children(size_t from, size_t to)
{
	char key[32];

	for (; from < to; from++) {
		snprintf(key, sizeof(key), "zz-%zu", from);
		front(key, "");
	}
}

static void many_children(void **state)
{
	/* backend, backend-id, state, version, three sizes, two queues */
	const size_t known = 9, room = VSYS_CHECK_MAX_CHILDREN - known;
	struct findings found;
	size_t reads;

	(void)state;
	check(&found);
	reads = fake.reads;
	add_children(0, room);
	assert_int_equal(check(&found), 0);
	assert_int_equal(found.count, room);
	add_children(room, 3000);
	fake.reads = 0;
	assert_int_equal(check(&found), 1);
	assert_int_equal(found.bounded, 1);
	assert_int_equal(found.count, room + 1);
	assert_int_equal(fake.reads, reads);
}

static void add_devices(size_t from, size_t to)
{
	char path[128];

	for (; from < to; from++) {
		snprintf(path, sizeof(path), "/local/domain/5/device/vsys/%zu/state", from);
		fake_put(&fake, GUEST, BACK_DOM, path, "4");
	}
}

static void many_devices(void **state)
{
	struct findings found;
	int result;

	(void)state;
	add_devices(0, VSYS_CHECK_MAX_DEVICES);
	check(&found);
	assert_int_equal(found.bounded, 0);
	add_devices(VSYS_CHECK_MAX_DEVICES, 600);
	fake.reads = 0;
	result = check(&found);
	assert_true(result > VSYS_CHECK_MAX_FINDINGS);
	assert_int_equal(found.bounded, 1);
	/* One more, which says that there are more. */
	assert_int_equal(found.count, VSYS_CHECK_MAX_FINDINGS + 1);
	assert_non_null(strstr(found.sentence, "the rest is not shown"));
	assert_in_range(fake.reads, 1, VSYS_CHECK_MAX_DEVICES * 200);
}

static void store_fails(void **state)
{
	static const char *const paths[] = {	/* of every second: the permissions */
		"/local/domain/5/device/vsys", FRONT,
		BACK, BACK,
		BACK "/versions", BACK "/versions",
		FRONT "/queue-1", FRONT "/queue-1",
		FRONT "/queue-0/ring-ref1", FRONT "/queue-0/ring-ref1",
	};
	struct findings found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fake.error = EIO;
		fake.failing = paths[i];
		fake.failing_perms = i % 2;
		fake.failed = false;
		assert_int_equal(check(&found), -EIO);
		assert_int_equal(found.count, 0);
		/* A dead store is not asked again. */
		assert_true(fake.failed);
		assert_int_equal(fake.after_failure, 0);
	}
	fake.error = EACCES;
	fake.failing_perms = true;
	fake.failing = FRONT "/version";
	expect(VSYS_ERROR, FRONT "/version", "may not be read");
	fake.failing_perms = false;
	fake.failing = FRONT "/feature-ioctl";
	expect(VSYS_ERROR, FRONT "/feature-ioctl", "may not be read");
}

/* Mostly nonsense, sometimes almost right. */
static size_t make_noise(char *bytes, size_t size, unsigned int *seed)
{
	static const char *const likely[] = {
		"", "0", "1", "2", "4", "16", "17", "4294967295", "18446744073709551616", "-1", "/", "block",
		"%s%n", FRONT, BACK,
	};
	size_t len = rand_r(seed) % size, i;

	if (rand_r(seed) % 2) {
		const char *text = likely[rand_r(seed) % (sizeof(likely) / sizeof(likely[0]))];

		strcpy(bytes, text);
		return strlen(text);
	}
	for (i = 0; i < len; i++)
		bytes[i] = (char)rand_r(seed);
	return len;
}

/* Whatever a guest writes: no crash, and only printable findings. */
static void noise(void **state)
{
	struct findings found;
	unsigned int seed = 1;
	int round;

	for (round = 0; round < 500; round++) {
		size_t victims = 1 + rand_r(&seed) % 4;

		gone(state);
		connected_block(state);
		while (victims--) {
			struct fake_node *node = &fake.node[rand_r(&seed) % fake.count];
			char bytes[200];
			size_t len = make_noise(bytes, sizeof(bytes), &seed);

			if (rand_r(&seed) % 8)
				fake_put_bytes(&fake, node->path, bytes, len);
			else
				fake_remove(&fake, node->path);
			if (!fake.count)
				break;
		}
		assert_true(check(&found) >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(permission_read), T(permission_write), T(permission_owner), T(permission_either),
		T(bad_device_id), T(many_children), T(many_devices), T(store_fails), T_BLOCK(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
