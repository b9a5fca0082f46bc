/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-config.c - xl's files: lines of entries, faults with file and line, and
 * which file is a guest's.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/config.h"
#include "xen-backend/config-index.h"
#include "xen-backend/registry.h"

static char dir[] = "/tmp/test-config-XXXXXX";
static char etc[64], registry[64];
static struct config_paths paths = { .registry = registry, .etc = etc };

static int setup(void **state)
{
	char command[256];

	(void)state;
	strcpy(dir, "/tmp/test-config-XXXXXX");
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

/* --- the index ---------------------------------------------------------- */

static unsigned int nr_read;

static char *read_name(const char *file)
{
	struct config *c;
	struct fault f;
	char *name;

	nr_read++;
	if (config_read(&c, file, &f))
		return NULL;
	name = c->name ? strdup(c->name) : NULL;
	config_free(c);
	return name;
}

/* The index trusts no time that is of this moment. */
static void set_time(const char *path, time_t seconds)
{
	const struct timespec times[2] = { { seconds, 1 }, { seconds, 1 } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_old(const char *path)
{
	set_time(path, 1000000000);
}

/* For as long as the test takes, on whatever machine. */
static void make_new(const char *path)
{
	set_time(path, time(NULL) + 3600);
}

static void put_old(const char *name, const char *text)
{
	make_old(put(name, text));
}

static void dirs_are_old(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/auto", etc);
	make_old(path);
	make_old(etc);
}

static void expect_index(const char *name, const char *file, unsigned int reads)
{
	const char *found;

	nr_read = 0;
	found = config_index_find(etc, name, read_name);
	if (!file)
		assert_null(found);
	else
		assert_string_equal(found + strlen(etc), file);
	assert_int_equal(nr_read, reads);
}

static void index_reads_once(void **state)
{
	char path[256], name[32], text[64];
	unsigned int i;

	(void)state;
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "g%02u.cfg", i);
		snprintf(text, sizeof(text), "name='n%02u'\n", i);
		put_old(name, text);
	}
	dirs_are_old();
	expect_index("n50", "/g50.cfg", 100);
	expect_index("n99", "/g99.cfg", 0);
	expect_index("n00", "/g00.cfg", 0);
	/* A name that nobody has needs a look at all of them, but no reading. */
	expect_index("none", NULL, 0);

	/* Written anew in its place: of another size, or at another time. */
	make_old(put("g10.cfg", "name='other'\n"));
	expect_index("other", "/g10.cfg", 1);
	make_new(put("g11.cfg", "name='m11'\n"));
	expect_index("m11", "/g11.cfg", 1);
	/* The time is of now, so it cannot be trusted yet. */
	expect_index("none", NULL, 1);
	make_old(put("g11.cfg", "name='m11'\n"));
	config_index_doubt();
	expect_index("m11", "/g11.cfg", 1);

	/* What comes, goes, or comes before. */
	put_old("auto/x", "name='n50'\n");
	expect_index("n50", "/auto/x", 1);
	snprintf(path, sizeof(path), "%s/auto/x", etc);
	unlink(path);
	expect_index("n50", "/g50.cfg", 0);
	snprintf(path, sizeof(path), "%s/g50.cfg", etc);
	unlink(path);
	expect_index("n50", NULL, 0);
	expect_index("n51", "/g51.cfg", 0);
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
		cmocka_unit_test(index_reads_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
