/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-show.c - how lists of devices look: table, lines, JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/show.h"

static struct kv_list list;

static void add(struct show *s, const char *text)
{
	struct fault f;

	assert_int_equal(kv_parse(&list, text, KV_ENCODED, &f), 0);
	show_add(s, &list);
	/* It has a copy. */
	memset(&list, 'x', sizeof(list));
}

static const char *shown(struct show *s, enum show_form form)
{
	static char text[4096];
	FILE *file = tmpfile();
	int out = dup(1);
	size_t len;

	fflush(stdout);
	dup2(fileno(file), 1);
	show_print(s, form);
	fflush(stdout);
	dup2(out, 1);
	close(out);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	show_free(s);
	return text;
}

static struct show *two(void)
{
	struct show *s = show_new();

	add(s, "domain=g,domid=1,devid=0,name=ram0,dev=/dev/ram0,class=block,mode=rw,ioctl=none,"
	       "state=connected,reason=,handles=12,use=waits%201");
	add(s, "domain=guest%20two,domid=10,devid=3,name=z,dev=/dev/zero,class=char,mode=ro,ioctl=tty,"
	       "state=failed,reason=the%20%22pool%22%20\\%20%0a,handles=0");
	return s;
}

static void table(void **state)
{
	(void)state;
	assert_string_equal(shown(two(), SHOW_TABLE),
		"DOMAIN     DOMID  DEVID  NAME  DEV        CLASS  MODE  IOCTL  STATE      OPEN  USE\n"
		"g          1      0      ram0  /dev/ram0  block  rw    none   connected  12    waits 1\n"
		"guest two  10     3      z     /dev/zero  char   ro    tty    failed     0     -\n");
	assert_string_equal(shown(show_new(), SHOW_TABLE),
		"DOMAIN  DOMID  DEVID  NAME  DEV  CLASS  MODE  IOCTL  STATE  OPEN  USE\n");
}

static void lines(void **state)
{
	(void)state;
	assert_string_equal(shown(two(), SHOW_LINES),
		"domain: g\ndomid: 1\ndevid: 0\nname: ram0\ndev: /dev/ram0\nclass: block\n"
		"mode: rw\nioctl: none\nstate: connected\nhandles: 12\nuse: waits 1\n\n"
		"domain: guest two\ndomid: 10\ndevid: 3\nname: z\ndev: /dev/zero\nclass: char\n"
		"mode: ro\nioctl: tty\nstate: failed\nreason: the \"pool\" \\ ?\nhandles: 0\n");
}

static void json(void **state)
{
	(void)state;
	assert_string_equal(shown(two(), SHOW_JSON),
		"[\n  { \"domain\": \"g\", \"domid\": 1, \"devid\": 0, \"name\": \"ram0\", "
		"\"dev\": \"/dev/ram0\", \"class\": \"block\", \"mode\": \"rw\", \"ioctl\": \"none\", "
		"\"state\": \"connected\", \"reason\": \"\", \"handles\": 12, \"use\": \"waits 1\" },\n"
		"  { \"domain\": \"guest two\", \"domid\": 10, \"devid\": 3, \"name\": \"z\", "
		"\"dev\": \"/dev/zero\", \"class\": \"char\", \"mode\": \"ro\", \"ioctl\": \"tty\", "
		"\"state\": \"failed\", \"reason\": \"the \\\"pool\\\" \\\\ \\u000a\", "
		"\"handles\": 0 }\n]\n");
	assert_string_equal(shown(show_new(), SHOW_JSON), "[]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(lines),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
