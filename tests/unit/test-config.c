/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-config.c - xl's files: lines of entries, faults with file and line, and
 * which file is a guest's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/config.h"
#include "xen-backend/registry.h"

static char dir[] = "/tmp/test-config-XXXXXX";
static char etc[64], registry[64];
static struct config_paths paths = { .registry = registry, .etc = etc };

static const char *put(const char *name, const char *text)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static void bad(const char *text, int err, const char *rest)
{
	const char *path = put("bad.cfg", text);
	struct config *c;
	struct fault f;

	assert_int_equal(config_read(&c, path, &f), err);
	assert_null(c);
	assert_memory_equal(f.text, path, strlen(path));
	assert_string_equal(f.text + strlen(path), rest);
	unlink(path);
}

static void entries(void **state)
{
	const char *path = put("g.cfg", "name=\"g\"\n# comment\nvsys = [\n 'dev=/dev/a',\n"
					"\n \"dev=/dev/b,\" # more\n , ['x'],\n 'c' ]\nmemory=5\n");
	struct config *c;
	struct fault f;

	(void)state;
	assert_int_equal(config_read(&c, path, &f), 0);
	assert_string_equal(c->file, path);
	assert_string_equal(c->name, "g");
	assert_int_equal(c->nr, 4);
	assert_string_equal(c->entry[0].text, "dev=/dev/a");
	assert_int_equal(c->entry[0].line, 4);
	assert_string_equal(c->entry[1].text, "dev=/dev/b,");
	assert_int_equal(c->entry[1].line, 6);
	assert_null(c->entry[2].text);
	assert_int_equal(c->entry[2].line, 7);
	assert_int_equal(c->entry[3].line, 8);
	config_free(c);
	unlink(path);
}

/* xl adds to a list with +=. */
static void added_entries(void **state)
{
	const char *path = put("g.cfg", "vsys = ['a']\nvsys += ['b']\n");
	struct config *c;
	struct fault f;

	(void)state;
	assert_int_equal(config_read(&c, path, &f), 0);
	assert_null(c->name);
	assert_int_equal(c->nr, 2);
	assert_int_equal(c->entry[0].line, 1);
	assert_int_equal(c->entry[1].line, 2);
	config_free(c);
	unlink(path);
}

static void no_entries(void **state)
{
	const char *path = put("g.cfg", "name='g'\n");
	struct config *c;
	struct fault f;

	(void)state;
	assert_int_equal(config_read(&c, path, &f), 0);
	assert_int_equal(c->nr, 0);
	config_free(c);
	put("g.cfg", "name='g'\nvsys=[]\n");
	assert_int_equal(config_read(&c, path, &f), 0);
	assert_int_equal(c->nr, 0);
	config_free(c);
	unlink(path);
}

static void faults(void **state)
{
	struct config *c;
	struct fault f;

	(void)state;
	bad("name='g'\nvsys=['a'\n", -EINVAL,
	    ":2: config parsing error near `': syntax error, unexpected $end, expecting ']'");
	bad("name='g'\nvsys=(\n", -EINVAL, ":2: config parsing error near `(': lexical error");
	bad("\nvsys='dev=/dev/a'\n", -EINVAL,
	    ":2: parameter `vsys' is a single value but should be a list");
	assert_int_equal(config_read(&c, "/does/not/exist", &f), -ENOENT);
	assert_string_equal(f.text, "/does/not/exist: No such file or directory");
	assert_int_equal(config_read(&c, etc, &f), -EINVAL);
	assert_non_null(strstr(f.text, ": not a regular file"));
}

static void large_file(void **state)
{
	const char *path = put("big.cfg", "");
	struct config *c;
	struct fault f;

	(void)state;
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	assert_int_equal(config_read(&c, path, &f), -EFBIG);
	unlink(path);
}

static void expect_file(const char *name, const char *file)
{
	struct config *c;

	assert_int_equal(config_find(&c, &paths, name), 0);
	assert_string_equal(c->file + strlen(c->file) - strlen(file), file);
	config_free(c);
}

static void find(void **state)
{
	struct config *c;
	char path[256];
	struct fault f;

	(void)state;
	put("a.cfg", "name='one'\n");
	put("b.cfg", "name='two'\nvsys=[]\n");
	put("c.cfg", "name='two'\n");
	put("d.conf", "name='three'\n");
	/* One that is broken is not in the way, wherever it is in the order. */
	put("aa.cfg", "name=(((\n");
	put("zz.cfg", "vsys=[\n");
	expect_file("one", "/a.cfg");
	expect_file("two", "/b.cfg");
	assert_int_equal(config_find(&c, &paths, "three"), -ENOENT);
	assert_int_equal(config_find(&c, &paths, ""), -ENOENT);

	put("auto/two", "name='two'\n");
	expect_file("two", "/auto/two");

	snprintf(path, sizeof(path), "%s/d.conf", etc);
	assert_int_equal(registry_add(registry, "three", path, &f), 0);
	expect_file("three", "/d.conf");
	/* Of another name meanwhile, or gone: as if it was not there. */
	snprintf(path, sizeof(path), "%s/c.cfg", etc);
	assert_int_equal(registry_add(registry, "one", path, &f), 0);
	expect_file("one", "/a.cfg");
	assert_int_equal(registry_add(registry, "two", "/does/not/exist", &f), 0);
	expect_file("two", "/auto/two");
}

static void registered_names(void **state)
{
	static const char *const names[] = { "a", "../../etc/passwd", "..", ".", "a b", "\xff/" };
	char file[256], want[128];
	struct fault f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(want, sizeof(want), "%s/r%zu.cfg", etc, i);
		put(strrchr(want, '/') + 1, "name='x'\n");
		assert_int_equal(registry_add(registry, names[i], want, &f), 0);
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(want, sizeof(want), "%s/r%zu.cfg", etc, i);
		assert_int_equal(registry_lookup(registry, names[i], file, sizeof(file)), 0);
		assert_string_equal(file, want);
	}
	assert_int_equal(registry_lookup(registry, "b", file, sizeof(file)), -ENOENT);
}

static int setup(void **state)
{
	char command[256];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(etc, sizeof(etc), "%s/etc", dir);
	snprintf(registry, sizeof(registry), "%s/lib", dir);
	snprintf(command, sizeof(command), "mkdir -p %s/auto", etc);
	return system(command);
}

static int teardown(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(added_entries),
		cmocka_unit_test(no_entries),
		cmocka_unit_test(faults),
		cmocka_unit_test(large_file),
		cmocka_unit_test(find),
		cmocka_unit_test(registered_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
