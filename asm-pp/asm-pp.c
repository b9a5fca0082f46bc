// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * asm-pp.c - rewrites port instructions of assembler text to calls of the
 * xen-vpio runtime.  Called as "as" it does so and assembles; see as.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asm-pp/tool.h"

static const char usage[] =
	"usage: asm-pp [OPTION]... [FILE]\n"
	"  -o, --output=FILE     where to (standard output)\n"
	"  --32, --64            width of the code (64)\n"
	"  --also=WORD,...       hlt, cli, sti, pushf, popf, all: rewrite these too\n"
	"  --no-iomap            leave calls of ioread8() and its kin\n"
	"  --report[=FILE]       list what was rewritten (on standard error)\n"
	"  --json                the list as JSON\n"
	"  --help, --version\n";

static void write_text(const struct buf *text, const char *file)
{
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;
	int err = fd < 0 ? -errno : buf_write(text, fd);

	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (err)
		die(1, "%s: %s", file ? file : "standard output", strerror(-err));
}

static int filter_main(int argc, char **argv)
{
	enum { OPT_32 = 256, OPT_64, OPT_ALSO, OPT_NO_IOMAP, OPT_REPORT, OPT_JSON, OPT_HELP,
	       OPT_VERSION };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "32", no_argument, NULL, OPT_32 },
		{ "64", no_argument, NULL, OPT_64 },
		{ "also", required_argument, NULL, OPT_ALSO },
		{ "no-iomap", no_argument, NULL, OPT_NO_IOMAP },
		{ "report", optional_argument, NULL, OPT_REPORT },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};
	struct rewrite_options how = { .bits = 64 };
	const char *output = NULL, *report = NULL, *input;
	struct rewritten result;
	struct buf text = { 0 };
	bool json = false;
	int c, status = 1;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			output = optarg;
			break;
		case OPT_32:
			how.bits = 32;
			break;
		case OPT_64:
			how.bits = 64;
			break;
		case OPT_ALSO:
			tool_also(&how, optarg);
			break;
		case OPT_NO_IOMAP:
			how.no_iomap = true;
			break;
		case OPT_REPORT:
			report = optarg ? optarg : "-";
			break;
		case OPT_JSON:
			json = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			return 0;
		case OPT_VERSION:
			puts("asm-pp " VSYS_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind > 1)
		die(2, "more than one input file (%s, %s)", argv[optind], argv[optind + 1]);
	if (json && !report)
		report = "-";
	input = argv[optind];
	tool_read(&text, input);
	how.name = input && strcmp(input, "-") ? input : "standard input";
	if (rewrite(&result, text.bytes, text.len, &how)) {
		write_text(&result.text, output);
		if (report)
			tool_report(&result, &how, report, json);
		status = 0;
	} else {
		tool_problems(&result);
	}
	rewritten_free(&result);
	buf_free(&text);
	return status;
}

int main(int argc, char **argv)
{
	const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argv[0];

	if (name && !strcmp(name, "as"))
		return as_main(argc, argv);
	return filter_main(argc, argv);
}
