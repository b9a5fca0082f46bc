// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vsys - the administrator's tool.
 *
 * It asks xen-vsysd (ctl-client.h) and shows the answer; only "check" looks into
 * XenStore itself, because it has to work when nothing else does.
 *
 * Exit status: 0 done, 1 not done, 2 usage; of "create" also that of xl.
 */
#include <errno.h>
#include <limits.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vsys-xenstore.h>
#include <xenstore.h>

#include "ctl.h"
#include "ctl-client.h"
#include "show.h"
#include "xenstore-schema/check.h"

#define EXIT_USAGE	2
#define CREATE_WAIT	"20"	/* seconds, for the daemon to see the domain */
#define WAIT_SECONDS	"60"

static const char *socket_path = CTL_SOCKET;

struct options {
	bool json;
	bool wait;
	const char *wait_seconds;
};

static int fail(const char *text)
{
	fprintf(stderr, "xen-vsys: %s\n", text);
	return 1;
}

static int ask(const char *const *words, void (*data)(void *arg, const struct kv_list *list),
	       void *arg)
{
	struct fault f;

	return ctl_ask(socket_path, words, data, arg, &f) ? fail(f.text) : 0;
}

static int do_attach(char **arg, const struct options *o)
{
	const char *words[] = { "attach", arg[0], arg[1], o->wait ? o->wait_seconds : NULL, NULL };

	return ask(words, NULL, NULL);
}

static int do_detach(char **arg, const struct options *o)
{
	const char *words[] = { "detach", arg[0], arg[1], NULL };

	(void)o;
	return ask(words, NULL, NULL);
}

static int do_list(char **arg, const struct options *o)
{
	const char *words[] = { "list", arg[0], NULL };
	struct show *s = show_new();
	int status = ask(words, show_add, s);

	if (!status)
		show_print(s, o->json ? SHOW_JSON : SHOW_TABLE);
	show_free(s);
	return status;
}

static int do_stat(char **arg, const struct options *o)
{
	const char *words[] = { "stat", arg[0], arg[1], NULL };
	struct show *s = show_new();
	int status = ask(words, show_add, s);

	if (!status)
		show_print(s, o->json ? SHOW_JSON : SHOW_LINES);
	show_free(s);
	return status;
}

/* --- create ----------------------------------------------------------- */

static void take_name(void *arg, const struct kv_list *list)
{
	const char *name = kv_get(list, "name");
	char **copy = arg;

	free(*copy);
	*copy = name ? strdup(name) : NULL;
}

static void show_fault(void *arg, const struct kv_list *list)
{
	const char *text = kv_get(list, "fault");

	if (text)
		fail(text);
	*(bool *)arg = true;
}

static int run_xl(const char *file)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return fail(strerror(errno));
	if (pid == 0) {
		execlp("xl", "xl", "create", file, (char *)NULL);
		fprintf(stderr, "xen-vsys: xl: %s\n", strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * The guest is created even if one of its stanzas is wrong, for the sake of the
 * others; the exit status tells.
 */
static int do_create(char **arg, const struct options *o)
{
	char path[PATH_MAX], *name = NULL;
	const char *add[] = { "register", path, NULL };
	bool faults = false;
	int status;

	(void)o;
	if (!realpath(arg[0], path)) {
		fprintf(stderr, "xen-vsys: %s: %s\n", arg[0], strerror(errno));
		return 1;
	}
	status = ask(add, take_name, &name);
	if (!status)
		status = run_xl(path);
	if (!status && name) {
		const char *wait[] = { "configured", name, CREATE_WAIT, NULL };

		status = ask(wait, show_fault, &faults);
	}
	free(name);
	return status ? status : faults;
}

/* --- check ------------------------------------------------------------ */

static void show_finding(void *arg, enum vsys_severity severity, const char *path,
			 const char *sentence)
{
	(void)arg;
	printf("%s: %s%s\n", path, severity == VSYS_WARNING ? "warning: " : "", sentence);
}

/* false: there is no such domain. */
static bool find_domid(struct xs_handle *xs, const char *text, uint32_t *domid)
{
	unsigned int nr, i;
	char **names, path[64];
	bool found = false;

	if (!vsys_parse_frontend_id(text, domid))
		return xs_is_domain_introduced(xs, *domid);
	names = xs_directory(xs, XBT_NULL, "/local/domain", &nr);
	for (i = 0; names && !found && i < nr; i++) {
		char *name;

		if (vsys_parse_frontend_id(names[i], domid))
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/name", *domid);
		name = xs_read(xs, XBT_NULL, path, NULL);
		found = name && !strcmp(name, text);
		free(name);
	}
	free(names);
	return found;
}

static int check_domain(struct xs_handle *xs, const char *text)
{
	struct vsys_store_xs store;
	uint32_t domid;
	int errors;

	if (!find_domid(xs, text, &domid)) {
		fprintf(stderr, "xen-vsys: domain '%s' does not exist\n", text);
		return 1;
	}
	errors = vsys_store_xs_begin(&store, xs);
	if (!errors) {
		errors = vsys_schema_check(&store.store, 0, domid, show_finding, NULL);
		vsys_store_xs_end(&store);
	}
	if (errors < 0)
		fprintf(stderr, "xen-vsys: XenStore: %s\n", strerror(-errors));
	return errors ? 1 : 0;
}

static int do_check(char **arg, const struct options *o)
{
	struct xs_handle *xs = xs_open(0);
	int status;

	(void)o;
	if (!xs) {
		fprintf(stderr, "xen-vsys: XenStore cannot be reached: %s\n", strerror(errno));
		return 1;
	}
	status = check_domain(xs, arg[0]);
	xs_close(xs);
	return status;
}

/* --- command line ----------------------------------------------------- */

static const struct {
	const char *name;
	int least, most;		/* arguments */
	bool json, wait;		/* options that it has */
	int (*run)(char **arg, const struct options *o);
	const char *usage, *text;
} commands[] = {
	{ "attach", 2, 2, false, true, do_attach, "attach [--wait[=SECONDS]] DOMAIN STANZA",
	  "give a guest a device, as dev=/dev/ram0,mode=rw,name=ram0" },
	{ "detach", 2, 2, false, false, do_detach, "detach DOMAIN DEVICE",
	  "take it away; DEVICE is its name, number or path" },
	{ "list", 0, 1, true, false, do_list, "list [--json] [DOMAIN]", "show the devices" },
	{ "stat", 1, 2, true, false, do_stat, "stat [--json] DOMAIN [DEVICE]",
	  "show what they did" },
	{ "create", 1, 1, false, false, do_create, "create FILE",
	  "xl create FILE, and remember where the guest comes from" },
	{ "check", 1, 1, false, false, do_check, "check DOMAIN",
	  "compare what is in XenStore with the protocol" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("usage: xen-vsys COMMAND ...\n", out);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-42s %s\n", commands[i].usage, commands[i].text);
	fputs("  --help, --version\n"
	      "DOMAIN is a name or number.  See xen-vsys(8).\n", out);
}

static int run_command(size_t n, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "wait", optional_argument, NULL, 'w' },
		{ 0 },
	};
	struct options o = { .wait_seconds = WAIT_SECONDS };
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j' && commands[n].json)
			o.json = true;
		else if (c == 'w' && commands[n].wait)
			o.wait = true;
		else
			good = false;
		if (c == 'w' && optarg)
			o.wait_seconds = optarg;
	}
	if (!good || argc - optind < commands[n].least || argc - optind > commands[n].most) {
		fprintf(stderr, "usage: xen-vsys %s\n", commands[n].usage);
		return EXIT_USAGE;
	}
	/* argv ends with NULL, so what is left out is NULL for all commands. */
	return commands[n].run(argv + optind, &o);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	const char *path = getenv("XEN_VSYS_SOCKET");

	if (path)
		socket_path = path;
	if (!strcmp(command, "--help") || !strcmp(command, "-h") || !strcmp(command, "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(command, "--version") || !strcmp(command, "-V")) {
		puts("xen-vsys " VSYS_VERSION);
		return 0;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, command))
			return run_command(i, argc - 1, argv + 1);
	if (*command)
		fprintf(stderr, "xen-vsys: unknown command '%s'\n", command);
	usage(stderr);
	return EXIT_USAGE;
}
