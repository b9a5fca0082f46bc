// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-jail.c - the directories that workers have as their root.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/ipc.h"
#include "xen-backend/jail.h"

static char top[] = "/tmp/vsys-jail-XXXXXX", base[64], path[128];

static int setup(void **state)
{
	(void)state;
	umask(077);
	if (!mkdtemp(top))
		return -1;
	snprintf(base, sizeof(base), "%s/base", top);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	jail_clear(base);
	rmdir(top);
	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	return 0;
}

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void directories(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(jail_make(base, 7), 0);
	assert_int_equal(jail_make(base, 7), 0);
	assert_int_equal(jail_make(base, 32751), 0);
	assert_int_equal(stat(at("7"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0711);
	jail_remove(base, 7);
	assert_int_equal(access(at("7"), F_OK), -1);
	jail_remove(base, 7);
	jail_remove_node(base, 7, 1);
	assert_int_equal(access(at("32751"), F_OK), 0);
	jail_clear(base);
	assert_int_equal(access(base, F_OK), -1);
	jail_clear(base);
}

static void nowhere(void **state)
{
	(void)state;
	assert_int_equal(jail_make(NULL, 1), 0);
	assert_int_equal(jail_add_node(NULL, 1, 2, makedev(1, 3), true, true), 0);
	jail_remove_node(NULL, 1, 2);
	jail_remove(NULL, 1);
	jail_clear(NULL);
	assert_int_equal(jail_add_node(base, 1, 2, makedev(1, 3), true, true), -ENOENT);
	assert_int_equal(jail_make("/dev/null", 1), -ENOTDIR);
}

static void nodes(void **state)
{
	struct stat st;
	int err;

	(void)state;
	assert_int_equal(jail_make(base, 7), 0);
	err = jail_add_node(base, 7, 3, makedev(1, 3), true, true);
	if (err == -EPERM) {
		print_message("# no rights to make nodes\n");
		skip();
	}
	assert_int_equal(err, 0);
	assert_int_equal(stat(at("7/3"), &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_uid, VSYS_BASE_UID + 7);
	assert_int_equal(st.st_gid, VSYS_BASE_UID + 7);
	assert_int_equal(st.st_rdev, makedev(1, 3));
	/* It is what it should be; then it should be something else. */
	assert_int_equal(jail_add_node(base, 7, 3, makedev(1, 3), true, true), 0);
	assert_int_equal(jail_add_node(base, 7, 3, makedev(1, 5), true, false), 0);
	assert_int_equal(stat(at("7/3"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	assert_int_equal(st.st_rdev, makedev(1, 5));
	assert_int_equal(jail_add_node(base, 7, 4, makedev(1, 5), false, true), 0);
	assert_int_equal(stat(at("7/4"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0200);
	jail_remove_node(base, 7, 3);
	assert_int_equal(access(at("7/3"), F_OK), -1);
	jail_remove(base, 7);
	assert_int_equal(access(at("7"), F_OK), -1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { T(directories), T(nowhere), T(nodes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
