// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * asm-pp-verify.c - proves of objects and modules that asm-pp rewrote them and
 * that no port instruction is left.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/verify.h"

static const char usage[] =
	"usage: asm-pp-verify [OPTION]... FILE...\n"
	"  --allow=FUNCTION   this function may use ports\n"
	"  --also=WORD,...    hlt, cli, sti: none of these either\n"
	"  --no-iomap         calls of ioread8() and its kin may remain\n"
	"  --no-note          the file need not have been rewritten\n"
	"  --list             only say what there is\n"
	"  --quiet            say nothing of files that are right\n"
	"  --help, --version\n";

struct checks {
	struct verify_options options;
	bool no_note;
	bool list;
	bool quiet;
};

static void fail(const char *file, const char *sentence)
{
	fprintf(stderr, "asm-pp-verify: %s: %s\n", file, sentence);
}

/* Each line of the findings with the file's name before it. */
static void print_lines(FILE *to, const char *before, const char *file, const char *lines)
{
	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");

		fprintf(to, "%s%s: %.*s\n", before, file, (int)len, lines);
		lines += len + 1;
	}
}

static bool check_note(const struct object *object, const char *file)
{
	char sentence[160];

	if (!object->notes) {
		fail(file, "it was not rewritten by asm-pp (no section " ASM_PP_NOTE_SECTION ")");
		return false;
	}
	if (!object->versions_differ && !strcmp(object->version, VSYS_VERSION))
		return true;
	snprintf(sentence, sizeof(sentence), "it was rewritten by asm-pp %s%s, not by %s",
		 object->version, object->versions_differ ? " and others" : "", VSYS_VERSION);
	fail(file, sentence);
	return false;
}

static bool check_file(const struct checks *checks, const char *file)
{
	struct object object;
	struct verified v;
	const char *why;
	bool ok;

	if (!object_open(&object, file, &why)) {
		fail(file, why);
		return false;
	}
	ok = verify(&v, &object, &checks->options);
	if (checks->list) {
		print_lines(stdout, "", file, v.text.bytes);
		printf("%s: %zu bytes of code, %zu port instructions, %lu sites rewritten\n",
		       file, v.bytes, v.ports, object.sites);
		ok = true;
	} else {
		print_lines(stderr, "asm-pp-verify: ", file, v.text.bytes);
		if (!checks->no_note && !check_note(&object, file))
			ok = false;
		if (ok && !checks->quiet)
			printf("%s: %zu bytes of code, no port instruction, %lu sites rewritten\n",
			       file, v.bytes, object.sites);
	}
	buf_free(&v.text);
	object_close(&object);
	return ok;
}

static bool parse_also(struct verify_options *options, char *words)
{
	for (char *word = strtok(words, ","); word; word = strtok(NULL, ",")) {
		if (!strcmp(word, "hlt")) {
			options->also |= ASM_PP_HLT;
		} else if (!strcmp(word, "cli")) {
			options->also |= ASM_PP_CLI;
		} else if (!strcmp(word, "sti")) {
			options->also |= ASM_PP_STI;
		} else {
			fprintf(stderr, "asm-pp-verify: '%s' is none of hlt, cli, sti\n", word);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	enum { OPT_ALLOW = 256, OPT_ALSO, OPT_NO_IOMAP, OPT_NO_NOTE, OPT_LIST, OPT_QUIET, OPT_HELP,
	       OPT_VERSION };
	static const struct option options[] = {
		{ "allow", required_argument, NULL, OPT_ALLOW },
		{ "also", required_argument, NULL, OPT_ALSO },
		{ "no-iomap", no_argument, NULL, OPT_NO_IOMAP },
		{ "no-note", no_argument, NULL, OPT_NO_NOTE },
		{ "list", no_argument, NULL, OPT_LIST },
		{ "quiet", no_argument, NULL, OPT_QUIET },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};
	const char **allow = NULL;
	struct checks checks = { 0 };
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_ALLOW:
			allow = grow(allow, checks.options.allowed + 1, sizeof(*allow));
			allow[checks.options.allowed++] = optarg;
			break;
		case OPT_ALSO:
			if (!parse_also(&checks.options, optarg))
				return 2;
			break;
		case OPT_NO_IOMAP:
			checks.options.no_iomap = true;
			break;
		case OPT_NO_NOTE:
			checks.no_note = true;
			break;
		case OPT_LIST:
			checks.list = true;
			break;
		case OPT_QUIET:
			checks.quiet = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			return 0;
		case OPT_VERSION:
			puts("asm-pp-verify " VSYS_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	checks.options.allow = allow;
	for (; optind < argc; optind++)
		ok &= check_file(&checks, argv[optind]);
	free(allow);
	return ok ? 0 : 1;
}
