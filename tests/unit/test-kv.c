/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-kv.c - lists of key=value: what they hold, and the sentence for each fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xen-backend/kv.h"

static struct kv_list list;

static void good(const char *text, unsigned int flags, unsigned int nr)
{
	struct fault f;

	assert_int_equal(kv_parse(&list, text, flags, &f), 0);
	assert_int_equal(list.nr, nr);
}

static void bad(const char *text, unsigned int flags, const char *sentence)
{
	struct fault f;

	assert_true(kv_parse(&list, text, flags, &f) < 0);
	assert_string_equal(f.text, sentence);
}

static void values(void **state)
{
	(void)state;
	good("a=1,b=x y,c==", 0, 3);
	assert_string_equal(kv_get(&list, "a"), "1");
	assert_string_equal(kv_get(&list, "b"), "x y");
	assert_string_equal(kv_get(&list, "c"), "=");
	assert_null(kv_get(&list, "d"));
	good(" a = 1 ,\tb=2 ", 0, 2);
	assert_string_equal(kv_get(&list, "a"), "1");
	assert_string_equal(kv_get(&list, "b"), "2");
	/* A stanza is taken as it stands. */
	good("a=%41", 0, 1);
	assert_string_equal(kv_get(&list, "a"), "%41");
}

static void encoded(void **state)
{
	(void)state;
	good("a=%41%2c%0a,b=", KV_ENCODED, 2);
	assert_string_equal(kv_get(&list, "a"), "A,\n");
	assert_string_equal(kv_get(&list, "b"), "");
	bad("a=%4", KV_ENCODED, "key 'a' has a malformed value");
	bad("a=%zz", KV_ENCODED, "key 'a' has a malformed value");
	bad("a=%00", KV_ENCODED, "key 'a' has a malformed value");
}

static void faults(void **state)
{
	(void)state;
	bad("", 0, "empty, key=value expected");
	bad("  ", 0, "empty, key=value expected");
	bad("a", 0, "'a' is not of the form key=value");
	bad("a=1,b", 0, "'b' is not of the form key=value");
	bad("=1", 0, "'=1' has no key");
	bad("a=", 0, "key 'a' has no value");
	bad("a=1,,b=2", 0, "empty entry (two commas, or one at an end)");
	bad("a=1,", 0, "empty entry (two commas, or one at an end)");
	bad(",a=1", 0, "empty entry (two commas, or one at an end)");
	bad("a=1,a=2", 0, "key 'a' is given twice");
	bad("a\n=\n,", 0, "key 'a' has no value");
	/* What a terminal would obey does not get there. */
	bad("\033[31m", 0, "'?[31m' is not of the form key=value");
}

static void sizes(void **state)
{
	char text[KV_TEXT + 1];
	size_t len = 0;
	int i;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[KV_TEXT] = '\0';
	bad(text, 0, "longer than 4095 bytes");
	for (i = 0; i < KV_MAX; i++)
		len += sprintf(text + len, "%sk%d=1", i ? "," : "", i);
	bad(text, 0, "more than 63 keys");
	*strrchr(text, ',') = '\0';
	good(text, 0, KV_MAX - 1);
}

/* What was written is what is read, whatever it was. */
static void round_trip(void **state)
{
	unsigned int seed = 1, round, i;

	(void)state;
	for (round = 0; round < 2000; round++) {
		char value[3][32], *text;
		bool first = true;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		for (i = 0; i < 3; i++) {
			size_t len = rand_r(&seed) % 31, k;
			char key[2] = { (char)('a' + i), '\0' };

			for (k = 0; k < len; k++)
				value[i][k] = (char)(1 + rand_r(&seed) % 255);
			value[i][len] = '\0';
			kv_write(out, &first, key, "%s", value[i]);
		}
		fclose(out);
		good(text, KV_ENCODED, 3);
		for (i = 0; i < 3; i++) {
			char key[2] = { (char)('a' + i), '\0' };

			assert_string_equal(kv_get(&list, key), value[i]);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(encoded),
		cmocka_unit_test(faults),
		cmocka_unit_test(sizes),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
