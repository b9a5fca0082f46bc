// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show.c - tables, lines and JSON; see show.h.
 */
#include <stdlib.h>
#include <string.h>

#include "show.h"

struct row {
	struct kv_list list;	/* first: its items point into it */
};

struct show {
	unsigned int nr;
	struct row **row;
};

static const struct {
	const char *key, *title;
} columns[] = {
	{ "domain", "DOMAIN" },
	{ "domid", "DOMID" },
	{ "devid", "DEVID" },
	{ "name", "NAME" },
	{ "dev", "DEV" },
	{ "class", "CLASS" },
	{ "mode", "MODE" },
	{ "ioctl", "IOCTL" },
	{ "state", "STATE" },
	{ "handles", "OPEN" },
	{ "use", "USE" },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Values that are numbers in JSON; all others are strings. */
static const char *const numbers[] = {
	"domid", "devid", "handles", "requests", "responses", "events_in", "events_out",
	"bytes_read", "bytes_written", "copies", "grant_maps", "grant_unmaps", "errors",
	"calls", "faults", "denied",
};

static void *must(void *p)
{
	if (!p) {
		fputs("xen-vsys: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

struct show *show_new(void)
{
	return must(calloc(1, sizeof(struct show)));
}

void show_add(void *arg, const struct kv_list *device)
{
	struct show *s = arg;
	struct row *r = must(malloc(sizeof(*r)));
	unsigned int i;

	r->list = *device;
	for (i = 0; i < device->nr; i++) {
		r->list.item[i].key = r->list.text + (device->item[i].key - device->text);
		r->list.item[i].value = r->list.text + (device->item[i].value - device->text);
	}
	s->row = must(realloc(s->row, (s->nr + 1) * sizeof(*s->row)));
	s->row[s->nr++] = r;
}

void show_free(struct show *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		free(s->row[i]);
	free(s->row);
	free(s);
}

/* For a terminal, and for readers of lines: no control characters. */
static void clean(struct kv_list *list)
{
	unsigned int i;
	char *p;

	for (i = 0; i < list->nr; i++)
		for (p = list->item[i].value; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				*p = '?';
}

static const char *cell(const struct row *r, size_t column)
{
	const char *text = kv_get(&r->list, columns[column].key);

	return text && *text ? text : "-";
}

static void print_table(const struct show *s)
{
	int width[NR_COLUMNS];
	unsigned int r;
	size_t c;

	for (c = 0; c < NR_COLUMNS; c++) {
		width[c] = strlen(columns[c].title);
		for (r = 0; r < s->nr; r++)
			if ((int)strlen(cell(s->row[r], c)) > width[c])
				width[c] = strlen(cell(s->row[r], c));
	}
	/* No blanks at the end of a line. */
	width[NR_COLUMNS - 1] = 0;
	for (c = 0; c < NR_COLUMNS; c++)
		printf("%-*s%s", width[c], columns[c].title, c + 1 < NR_COLUMNS ? "  " : "\n");
	for (r = 0; r < s->nr; r++)
		for (c = 0; c < NR_COLUMNS; c++)
			printf("%-*s%s", width[c], cell(s->row[r], c),
			       c + 1 < NR_COLUMNS ? "  " : "\n");
}

static void print_lines(const struct show *s)
{
	unsigned int r, i;

	for (r = 0; r < s->nr; r++) {
		const struct kv_list *list = &s->row[r]->list;

		if (r)
			putchar('\n');
		for (i = 0; i < list->nr; i++)
			if (*list->item[i].value)
				printf("%s: %s\n", list->item[i].key, list->item[i].value);
	}
}

static void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static int is_number(const char *key)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(numbers[i], key))
			return 1;
	return 0;
}

static void print_json(const struct show *s)
{
	unsigned int r, i;

	printf("[");
	for (r = 0; r < s->nr; r++) {
		const struct kv_list *list = &s->row[r]->list;

		printf("%s\n  {", r ? "," : "");
		for (i = 0; i < list->nr; i++) {
			printf("%s", i ? ", " : " ");
			json_string(list->item[i].key);
			printf(": ");
			if (is_number(list->item[i].key))
				printf("%s", list->item[i].value);
			else
				json_string(list->item[i].value);
		}
		printf(" }");
	}
	printf("%s]\n", s->nr ? "\n" : "");
}

void show_print(struct show *s, enum show_form form)
{
	unsigned int i;

	for (i = 0; form != SHOW_JSON && i < s->nr; i++)
		clean(&s->row[i]->list);
	switch (form) {
	case SHOW_TABLE:
		print_table(s);
		break;
	case SHOW_LINES:
		print_lines(s);
		break;
	case SHOW_JSON:
		print_json(s);
		break;
	}
}
