// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-asm.c - any text, as if it were assembler, through asm-pp.
 *
 * The first byte says with which options.  Whatever the text is: no crash, no
 * hang; text without a target comes out as it was; lines stay lines; and what
 * was rewritten once has nothing left to rewrite.
 */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/report.h"
#include "asm-pp/rewrite.h"
#include "tests/fuzz/fuzz.h"

static void require(int condition)
{
	if (!condition)
		abort();
}

static size_t lines(const char *text, size_t len)
{
	size_t n = 0;

	while (len--)
		n += *text++ == '\n';
	return n;
}

static void check(const struct rewritten *r, const char *text, size_t len,
		  const struct rewrite_options *options)
{
	struct rewritten empty, again;
	struct buf report = { 0 };
	size_t note;

	require(rewrite(&empty, "", 0, options));
	note = empty.text.len;
	if (!r->sites && r->again) {
		require(r->text.len == len && !memcmp(r->text.bytes, text, len));
	} else if (!r->sites) {
		/* Nothing but the note, and perhaps a newline before it. */
		const char *at = memmem(r->text.bytes, r->text.len, empty.text.bytes, note);
		size_t newline = r->text.len - len - note, before = (size_t)(at - r->text.bytes);

		require(at && newline <= 1 && before >= newline);
		require(!memcmp(r->text.bytes, text, before - newline));
		require(!memcmp(at + note, text + before - newline, len - before + newline));
	}
	if (!r->again)
		require(lines(r->text.bytes, r->text.len) >=
			lines(text, len) + lines(empty.text.bytes, empty.text.len));
	require(rewrite(&again, r->text.bytes, r->text.len, options));
	require(!again.sites && again.text.len == r->text.len &&
		!memcmp(again.text.bytes, r->text.bytes, r->text.len));
	report_text(&report, r, options->name);
	report_json(&report, r, options->name, options->bits);
	buf_free(&report);
	rewritten_free(&again);
	rewritten_free(&empty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rewrite_options options = { .name = "fuzz.s" };
	struct rewritten r;
	char *text;

	if (!size)
		return 0;
	options.bits = data[0] & 1 ? 32 : 64;
	options.also = data[0] & 2 ? 31 : data[0] & 4 ? ASM_PP_HLT : 0;
	options.no_iomap = data[0] & 8;
	options.intel = data[0] & 16;
	text = copy_text((const char *)data + 1, size - 1);
	if (rewrite(&r, text, size - 1, &options)) {
		check(&r, text, size - 1, &options);
	} else {
		require(r.problems > 0);
		for (size_t i = 0; i < r.problems; i++)
			require(r.problem[i].text && *r.problem[i].text);
	}
	rewritten_free(&r);
	free(text);
	return 0;
}
