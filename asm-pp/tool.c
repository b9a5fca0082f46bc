// SPDX-License-Identifier: GPL-2.0-or-later
/* tool.c - files, messages and options of asm-pp. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asm-pp/report.h"
#include "asm-pp/tool.h"

void die(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("asm-pp: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

void tool_also(struct rewrite_options *options, const char *words)
{
	static const struct {
		const char *word;
		unsigned int bits;
	} known[] = {
		{ "hlt", ASM_PP_HLT },
		{ "cli", ASM_PP_CLI },
		{ "sti", ASM_PP_STI },
		{ "pushf", ASM_PP_PUSHF },
		{ "popf", ASM_PP_POPF },
		{ "all", ASM_PP_HLT | ASM_PP_CLI | ASM_PP_STI | ASM_PP_PUSHF | ASM_PP_POPF },
	};

	while (*words) {
		size_t len = strcspn(words, ",+"), i;

		for (i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (strlen(known[i].word) == len && !memcmp(known[i].word, words, len))
				break;
		if (i == sizeof(known) / sizeof(*known))
			die(2, "'%.*s' is none of hlt, cli, sti, pushf, popf, all",
			    (int)len, words);
		options->also |= known[i].bits;
		words += len;
		words += *words != '\0';
	}
}

void tool_read(struct buf *text, const char *file)
{
	bool standard = !file || !strcmp(file, "-");
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC), err;

	err = fd < 0 ? -errno : buf_read(text, fd);
	if (err)
		die(1, "%s: %s", standard ? "standard input" : file, strerror(-err));
	if (!standard)
		close(fd);
}

size_t tool_problems(const struct rewritten *result)
{
	for (size_t i = 0; i < result->problems; i++)
		fprintf(stderr, "asm-pp: %s\n", result->problem[i].text);
	return result->problems;
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

void tool_report(const struct rewritten *result, const struct rewrite_options *options,
		 const char *file, bool json)
{
	struct buf out = { 0 };
	int fd, err;

	if (json || ends_in(file, ".json"))
		report_json(&out, result, options->name, options->bits);
	else
		report_text(&out, result, options->name);
	if (!strcmp(file, "-"))
		fd = STDERR_FILENO;
	else
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	err = fd < 0 ? -errno : buf_write(&out, fd);
	if (fd > STDERR_FILENO && close(fd) && !err)
		err = -errno;
	if (err)
		die(1, "%s: %s", file, strerror(-err));
	buf_free(&out);
}
