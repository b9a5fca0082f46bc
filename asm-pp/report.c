// SPDX-License-Identifier: GPL-2.0-or-later
/* report.c - lists the sites, and counts them by the function that they call. */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/report.h"

struct count {
	const char *call;
	size_t nr;
};

static int by_call(const void *a, const void *b)
{
	return strcmp(((const struct count *)a)->call, ((const struct count *)b)->call);
}

/* One entry for each function that is called, by name. */
static struct count *count_calls(const struct rewritten *result, size_t *nr)
{
	struct count *count = grow(NULL, result->sites + 1, sizeof(*count));
	size_t n = 0;

	for (size_t i = 0; i < result->sites; i++)
		count[i] = (struct count){ result->site[i].call, 1 };
	qsort(count, result->sites, sizeof(*count), by_call);
	for (size_t i = 0; i < result->sites; i++) {
		if (n && !strcmp(count[n - 1].call, count[i].call))
			count[n - 1].nr++;
		else
			count[n++] = count[i];
	}
	*nr = n;
	return count;
}

void report_text(struct buf *out, const struct rewritten *result, const char *input)
{
	size_t nr;
	struct count *count = count_calls(result, &nr);

	for (size_t i = 0; i < result->sites; i++) {
		const struct site *site = &result->site[i];

		buf_printf(out, "%s:%lu: %s%s%s -> %s\n", site->file, site->line, site->function,
			   *site->function ? ": " : "", site->instruction, site->call);
	}
	for (size_t i = 0; i < nr; i++)
		buf_printf(out, "%8zu  %s\n", count[i].nr, count[i].call);
	buf_printf(out, "%8zu  in %s\n", result->sites, input);
	free(count);
}

static void json_string(struct buf *out, const char *text)
{
	buf_str(out, "\"");
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			buf_printf(out, "\\u%04x", *p);
		else
			buf_add(out, (const char *)p, 1);
	}
	buf_str(out, "\"");
}

static void json_member(struct buf *out, const char *name, const char *text)
{
	json_string(out, name);
	buf_str(out, ": ");
	json_string(out, text);
}

void report_json(struct buf *out, const struct rewritten *result, const char *input,
		 unsigned int bits)
{
	size_t nr;
	struct count *count = count_calls(result, &nr);

	buf_str(out, "{\n  ");
	json_member(out, "version", VSYS_VERSION);
	buf_str(out, ",\n  ");
	json_member(out, "input", input);
	buf_printf(out, ",\n  \"bits\": %u,\n  \"sites\": [", bits);
	for (size_t i = 0; i < result->sites; i++) {
		const struct site *site = &result->site[i];

		buf_str(out, i ? ",\n    {" : "\n    {");
		json_member(out, "file", site->file);
		buf_printf(out, ", \"line\": %lu, \"asm_line\": %lu, ", site->line, site->asm_line);
		json_member(out, "function", site->function);
		buf_str(out, ", ");
		json_member(out, "section", site->section);
		buf_str(out, ", ");
		json_member(out, "instruction", site->instruction);
		buf_str(out, ", ");
		json_member(out, "call", site->call);
		buf_str(out, "}");
	}
	buf_str(out, result->sites ? "\n  ],\n  \"counts\": {" : "],\n  \"counts\": {");
	for (size_t i = 0; i < nr; i++)
		buf_printf(out, "%s\"%s\": %zu", i ? ", " : "", count[i].call, count[i].nr);
	buf_str(out, "}\n}\n");
	free(count);
}
