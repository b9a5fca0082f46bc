// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * as.c - in the place of the assembler: rewrites its input, then becomes the
 * real one.
 *
 * A compiler calls us as it calls "as", by -B or -fno-integrated-as.  The real
 * assembler reads the rewritten text from its standard input.  With a problem
 * it is not called, and an object file of before is removed: no build goes on
 * with it.
 *
 * Options of our own start with --asm-pp.  An assembler that is not us rejects
 * them, so that a build which asks for us cannot silently get another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asm-pp/tool.h"

#define OUR	"--asm-pp"
#define NESTED	"ASM_PP_NESTED"

struct as_call {
	struct rewrite_options options;
	const char *input;		/* NULL: standard input */
	const char *output;
	const char *report;		/* NULL: none; "": beside the output */
	const char *real;		/* the real assembler; NULL: of PATH */
	bool other_text;		/* only asks for version or help */
	char **argv;			/* for the real one */
	int argc;
};

static const char *after(const char *text, const char *start)
{
	size_t len = strlen(start);

	return strncmp(text, start, len) ? NULL : text + len;
}

static void our_option(struct as_call *call, const char *arg)
{
	const char *value;

	if (!strcmp(arg, OUR))
		return;			/* only says that it must be us */
	if ((value = after(arg, OUR "-also=")))
		tool_also(&call->options, value);
	else if (!strcmp(arg, OUR "-no-iomap"))
		call->options.no_iomap = true;
	else if (!strcmp(arg, OUR "-report"))
		call->report = "";
	else if ((value = after(arg, OUR "-report=")) && *value)
		call->report = value;
	else if ((value = after(arg, OUR "-as=")) && *value)
		call->real = value;
	else
		die(2, "unknown option '%s'", arg);
}

/* Options whose argument is the next word.  gas takes long ones with one dash, too. */
static bool takes_word(const char *arg)
{
	static const char *const options[] = {
		"o", "I", "t", "defsym", "MD", "debug-prefix-map", "hash-size", "itbl",
		"listing-lhs-width", "listing-lhs-width2", "listing-rhs-width", "listing-cont-lines",
	};

	if (*arg != '-')
		return false;
	arg += arg[1] == '-' ? 2 : 1;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!strcmp(arg, options[i]))
			return true;
	return false;
}

static void code_option(struct as_call *call, const char *arg)
{
	if (!strcmp(arg, "--32"))
		call->options.bits = 32;
	else if (!strcmp(arg, "--64"))
		call->options.bits = 64;
	else if (!strcmp(arg, "--x32"))
		die(1, "code for x32 is not rewritten");
	else if (!strcmp(arg, "-msyntax=intel"))
		call->options.intel = true;
	else if (!strcmp(arg, "-msyntax=att"))
		call->options.intel = false;
	else if (!strcmp(arg, "-M") || !strcmp(arg, "--mri"))
		die(1, "text in MRI mode is not understood");
	else if (!strcmp(arg, "--version") || !strcmp(arg, "--help") ||
		 !strcmp(arg, "--target-help") || !strcmp(arg, "--dump-config"))
		call->other_text = true;
}

static void parse(struct as_call *call, int argc, char **argv)
{
	bool options = true;

	call->argv = grow(NULL, (size_t)argc + 1, sizeof(*call->argv));
	call->argv[call->argc++] = argv[0];
	for (int i = 1; i < argc; i++) {
		char *arg = argv[i];

		if (options && after(arg, OUR)) {
			our_option(call, arg);
			continue;
		}
		if (*arg == '@')
			die(2, "options in a file (%s) are not read", arg);
		if (options && takes_word(arg) && i + 1 < argc) {
			call->argv[call->argc++] = arg;
			if (!strcmp(arg, "-o"))
				call->output = argv[i + 1];
			arg = argv[++i];
		} else if (options && !strcmp(arg, "--")) {
			options = false;
			continue;
		} else if (options && arg[0] == '-' && arg[1]) {
			code_option(call, arg);
			if (arg[1] == 'o')
				call->output = arg + 2;
		} else if (call->input) {
			die(2, "more than one input file (%s, %s)", call->input, arg);
		} else {
			call->input = arg;
			continue;
		}
		call->argv[call->argc++] = arg;
	}
	call->argv[call->argc] = NULL;
	if (!call->output)
		call->output = "a.out";
}

/*
 * gcc tells the programs that it starts what its options are.  The last of two
 * that contradict each other counts.
 */
static void check_compiler(const struct as_call *call, const struct rewritten *result)
{
	const char *p = getenv("COLLECT_GCC_OPTIONS");
	bool red_zone = true;

	if (!p || !result->sites || call->options.bits != 64)
		return;
	/* 'OPTION' 'OPTION' ... */
	while ((p = strchr(p, '\''))) {
		if (after(p, "'-mno-red-zone'"))
			red_zone = false;
		else if (after(p, "'-mred-zone'"))
			red_zone = true;
		p = strchr(p + 1, '\'');
		if (!p)
			break;
		p++;
	}
	if (red_zone)
		die(1, "%s has port instructions, and code that may use memory below the stack "
		    "pointer, which a call would overwrite; compile with -mno-red-zone",
		    result->site[0].file);
}

/* The first "as" of PATH that is not this program. */
static char *find_real(void)
{
	const char *path = getenv("PATH");
	struct stat self, st;
	char *file = NULL;

	if (stat("/proc/self/exe", &self))
		die(1, "/proc/self/exe: %s", strerror(errno));
	if (!path || !*path)
		path = "/usr/bin:/bin";
	while (path) {
		size_t len = strcspn(path, ":");

		free(file);
		if (asprintf(&file, "%.*s/as", len ? (int)len : 1, len ? path : ".") < 0)
			die(1, "out of memory");
		if (!stat(file, &st) && S_ISREG(st.st_mode) && !access(file, X_OK) &&
		    (st.st_dev != self.st_dev || st.st_ino != self.st_ino))
			return file;
		path = path[len] ? path + len + 1 : NULL;
	}
	die(1, "no assembler (as) in PATH");
}

static void exec_real(struct as_call *call)
{
	char *real = call->real ? copy_text(call->real, strlen(call->real)) : find_real();

	if (getenv(NESTED))
		die(1, "%s calls asm-pp again; name the real assembler by " OUR "-as=FILE", real);
	if (setenv(NESTED, "1", 1))
		die(1, "out of memory");
	call->argv[0] = real;
	execv(real, call->argv);
	die(1, "%s: %s", real, strerror(errno));
}

/* The rewritten text becomes standard input: in memory, so nobody need write. */
static void give_text(const struct buf *text)
{
	int fd = memfd_create("asm-pp", MFD_CLOEXEC), err;

	err = fd < 0 ? -errno : buf_write(text, fd);
	if (!err && (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0))
		err = -errno;
	if (err)
		die(1, "cannot hand over the text: %s", strerror(-err));
}

static void write_report(const struct as_call *call, const struct rewritten *result)
{
	char *file = NULL;

	if (!call->report)
		return;
	if (*call->report) {
		tool_report(result, &call->options, call->report, false);
		return;
	}
	if (asprintf(&file, "%s.asm-pp.json", call->output) < 0)
		die(1, "out of memory");
	tool_report(result, &call->options, file, true);
	free(file);
}

/* No object of an earlier build may be taken for this one's. */
static const char *stale_object;

static void remove_stale(void)
{
	struct stat st;

	if (stale_object && !lstat(stale_object, &st) && S_ISREG(st.st_mode))
		unlink(stale_object);
}

int as_main(int argc, char **argv)
{
	struct as_call call = { .options = { .bits = sizeof(void *) == 8 ? 64 : 32 } };
	struct rewritten result;
	struct buf text = { 0 };

	parse(&call, argc, argv);
	if (call.other_text) {
		if (call.input)
			call.argv[call.argc++] = (char *)call.input;
		exec_real(&call);
	}
	stale_object = call.output;
	atexit(remove_stale);
	tool_read(&text, call.input);
	call.options.name = call.input && strcmp(call.input, "-") ? call.input : "standard input";
	if (!rewrite(&result, text.bytes, text.len, &call.options)) {
		tool_problems(&result);
		return 1;
	}
	check_compiler(&call, &result);
	write_report(&call, &result);
	give_text(&result.text);
	exec_real(&call);
	return 1;
}
