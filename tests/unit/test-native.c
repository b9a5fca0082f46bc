/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-native.c - what is found out about device nodes, without opening them.
 *
 * Character nodes are this machine's; block nodes are made in a folder (as root,
 * else those tests are skipped) and described by a sysfs that is a folder, too.
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

#include "xen-backend/native.h"

/* A number that no driver has: opening it would give ENXIO. */
#define MAJOR 240
#define MINOR 77

static char dir[] = "/tmp/test-native-XXXXXX";
static char sysfs[64], node[64];

static void run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static void attr(const char *name, const char *value)
{
	run("mkdir -p $(dirname %s/disk/%s) && echo '%s' >%s/disk/%s", sysfs, name, value,
	    sysfs, name);
}

static void block_node(void)
{
	unlink(node);
	if (mknod(node, S_IFBLK | 0600, makedev(MAJOR, MINOR)))
		skip();
	run("rm -rf %s && mkdir -p %s/disk %s/dev/block && ln -s ../../disk %s/dev/block/%d:%d",
	    sysfs, sysfs, sysfs, sysfs, MAJOR, MINOR);
	attr("size", "65536");
	attr("ro", "0");
	attr("removable", "1");
	attr("queue/logical_block_size", "512");
	attr("queue/physical_block_size", "4096");
	attr("queue/minimum_io_size", "4096");
	attr("queue/optimal_io_size", "65536");
	attr("queue/rotational", "1");
	attr("queue/write_cache", "write back");
	attr("queue/discard_granularity", "4096");
	attr("queue/discard_max_bytes", "2147450880");
	attr("queue/write_zeroes_max_bytes", "1048576");
}

static int probe(struct native *n, const char *text, struct fault *f)
{
	struct stanza s;

	assert_int_equal(stanza_parse(&s, text, f), 0);
	return native_probe(n, &s, f);
}

static void bad(const char *text, int err, const char *sentence)
{
	struct native n;
	struct fault f;

	assert_int_equal(probe(&n, text, &f), err);
	assert_string_equal(f.text, sentence);
}

static void character(void **state)
{
	struct native n;
	struct fault f;

	(void)state;
	assert_int_equal(probe(&n, "dev=/dev/null", &f), 0);
	assert_int_equal(n.class, VSYS_CLASS_CHAR);
	assert_string_equal(n.path, "/dev/null");
}

static void symbolic_link(void **state)
{
	struct native n;
	char text[128];
	struct fault f;

	(void)state;
	run("ln -s /dev/zero %s/link", dir);
	snprintf(text, sizeof(text), "dev=%s/link,name=x", dir);
	assert_int_equal(probe(&n, text, &f), 0);
	assert_string_equal(n.path, "/dev/zero");
}

static void faults(void **state)
{
	(void)state;
	bad("dev=/dev/does-not-exist", -ENOENT, "dev '/dev/does-not-exist' does not exist");
	bad("dev=/dev/null/x", -ENOENT, "dev '/dev/null/x' does not exist");
	bad("dev=/dev,name=x", -ENOTTY, "dev '/dev' is not a device node");
	bad("dev=/etc/passwd,name=x", -ENOTTY, "dev '/etc/passwd' is not a device node");
}

static void block(void **state)
{
	struct native n;
	char text[128];
	struct fault f;

	(void)state;
	block_node();
	snprintf(text, sizeof(text), "dev=%s,name=x", node);
	assert_int_equal(probe(&n, text, &f), 0);
	assert_int_equal(n.class, VSYS_CLASS_BLOCK);
	assert_int_equal(n.limits.sectors, 65536);
	assert_int_equal(n.limits.sector_size, 512);
	assert_int_equal(n.limits.physical_sector_size, 4096);
	assert_int_equal(n.limits.minimum_io_size, 4096);
	assert_int_equal(n.limits.optimal_io_size, 65536);
	assert_int_equal(n.limits.discard_granularity, 4096);
	assert_int_equal(n.limits.discard_max_bytes, 2147450880);
	assert_int_equal(n.limits.write_zeroes_max_bytes, 1048576);
	assert_true(n.limits.rotational && n.limits.removable && n.limits.flush);
	assert_false(n.limits.read_only);

	assert_false(native_refresh(&n));
	/* Another medium. */
	attr("size", "8");
	attr("queue/write_cache", "write through");
	assert_true(native_refresh(&n));
	assert_int_equal(n.limits.sectors, 8);
	assert_false(n.limits.flush);
}

static void partition(void **state)
{
	struct native n;
	char text[128];
	struct fault f;

	(void)state;
	block_node();
	attr("part/size", "100");
	attr("part/ro", "0");
	run("ln -sfn ../../disk/part %s/dev/block/%d:%d", sysfs, MAJOR, MINOR);
	snprintf(text, sizeof(text), "dev=%s,name=x", node);
	assert_int_equal(probe(&n, text, &f), 0);
	assert_int_equal(n.limits.sectors, 100);
	assert_int_equal(n.limits.physical_sector_size, 4096);
	assert_true(n.limits.removable);
}

static void modes_of_a_block_node(void **state)
{
	char text[128], sentence[200];
	struct native n;
	struct fault f;

	(void)state;
	block_node();
	snprintf(text, sizeof(text), "dev=%s,name=x,mode=wo", node);
	snprintf(sentence, sizeof(sentence), "mode wo: dev '%s' is a block device", node);
	bad(text, -EINVAL, sentence);
	attr("ro", "1");
	snprintf(text, sizeof(text), "dev=%s,name=x,mode=rw", node);
	/* That of the medium. */
	assert_int_equal(probe(&n, text, &f), 0);
	attr("removable", "0");
	snprintf(sentence, sizeof(sentence), "mode rw: dev '%s' is read-only", node);
	bad(text, -EROFS, sentence);
	snprintf(text, sizeof(text), "dev=%s,name=x,mode=ro", node);
	assert_int_equal(probe(&n, text, &f), 0);
	attr("queue/logical_block_size", "8192");
	snprintf(sentence, sizeof(sentence), "dev '%s' has sectors of 8192 bytes", node);
	bad(text, -EOPNOTSUPP, sentence);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(sysfs, sizeof(sysfs), "%s/sys", dir);
	snprintf(node, sizeof(node), "%s/node", dir);
	native_sysfs = sysfs;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run("rm -rf %s", dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(character),
		cmocka_unit_test(symbolic_link),
		cmocka_unit_test(faults),
		cmocka_unit_test(block),
		cmocka_unit_test(partition),
		cmocka_unit_test(modes_of_a_block_node),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
