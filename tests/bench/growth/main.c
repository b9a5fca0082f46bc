// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * growth - how the daemon's cost grows with the number of guests and devices.
 *
 * The real supervisor and real workers, without Xen: see growth.h for the parts, and
 * docs/performance.md for what is measured and which bounds are kept.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "growth.h"
#include "xen-backend/log.h"

#define MAX_RESULTS 8

struct loop *growth_loop;
char growth_dir[64];

static pid_t own_pid;

static void remove_dir(void)
{
	char command[128];

	/* Not when a child of this process ends. */
	if (!*growth_dir || getpid() != own_pid)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", growth_dir);
	if (system(command))
		fprintf(stderr, "growth: %s is left\n", growth_dir);
}

void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "growth: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	/* What the daemon said is of use then. */
	*growth_dir = '\0';
	exit(1);
}

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

const char *growth_path(const char *name)
{
	static char path[4][108];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", growth_dir, name);
	return p;
}

/* The daemon's programs are beside this one. */
static void link_program(const char *program, const char *name)
{
	char self[512], target[600];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len <= 0)
		die("/proc/self/exe: %s", strerror(errno));
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(target, sizeof(target), "%s/%s", self, program);
	if (access(target, X_OK) || symlink(target, growth_path(name)))
		die("%s: %s", target, strerror(errno));
}

static void make_dir(void)
{
	strcpy(growth_dir, "/tmp/vsys-growth-XXXXXX");
	if (!mkdtemp(growth_dir))
		die("/tmp: %s", strerror(errno));
	own_pid = getpid();
	atexit(remove_dir);
	if (mkdir(growth_path("etc"), 0755) || mkdir(growth_path("etc/auto"), 0755) ||
	    mkdir(growth_path("registry"), 0755))
		die("%s: %s", growth_dir, strerror(errno));
	link_program("growth-supervisor", "supervisor");
	link_program("growth-worker", GROWTH_WORKER);
}

/* Four descriptors for a guest here; the daemon inherits it, as systemd gives it. */
static void raise_limits(unsigned int guests)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		die("limits: %s", strerror(errno));
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur < 4 * guests + 64)
		die("%u guests need more than %llu open files", guests,
		    (unsigned long long)r.rlim_cur);
}

static void run_series(struct result *r, const unsigned int *nr, bool of_guests,
		       const struct effort *effort)
{
	unsigned int i;

	for (i = 0; nr[i]; i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "growth: %u %s\n", nr[i], of_guests ? "guests" : "devices");
		run_one(&r[i], of_guests ? nr[i] : 1, of_guests ? 1 : nr[i], effort);
	}
}

static unsigned int length(const unsigned int *nr)
{
	unsigned int i = 0;

	while (nr[i])
		i++;
	return i;
}

static void write_json(const char *path, const struct result *guests, unsigned int nr_guests,
		       const struct result *devices, unsigned int nr_devices)
{
	FILE *out = fopen(path, "w");

	if (!out)
		die("%s: %s", path, strerror(errno));
	fprintf(out, "{\n");
	report_json(out, guests, nr_guests, "guests");
	fprintf(out, ",\n");
	report_json(out, devices, nr_devices, "devices");
	fprintf(out, "\n}\n");
	if (fclose(out))
		die("%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	static const unsigned int all_guests[] = { 1, 8, 64, 256, 1000, 0 };
	static const unsigned int all_devices[] = { 1, 8, 64, 256, 0 };
	static const unsigned int quick[] = { 8, 64, 0 };
	static const struct effort thorough = { .idle_s = 1, .busy_s = 2, .calls = 5000 };
	static const struct effort hasty = { .idle_s = 0.5, .busy_s = 0.2, .calls = 200 };
	static struct result guests[MAX_RESULTS], devices[MAX_RESULTS];
	bool is_quick = argc > 1 && !strcmp(argv[1], "--quick");
	const unsigned int *nr_guests = is_quick ? quick : all_guests;
	const unsigned int *nr_devices = is_quick ? quick : all_devices;
	const struct effort *effort = is_quick ? &hasty : &thorough;
	const char *json = argc > 1 + is_quick ? argv[1 + is_quick] : NULL;
	unsigned int broken;

	if (argc > 2 + is_quick || (json && *json == '-')) {
		fprintf(stderr, "usage: growth [--quick] [JSON]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	log_init("growth", true);
	raise_limits(nr_guests[length(nr_guests) - 1]);
	growth_loop = loop_new();
	if (!growth_loop)
		return GROWTH_SKIP;
	make_dir();
	run_series(guests, nr_guests, true, effort);
	run_series(devices, nr_devices, false, effort);
	loop_free(growth_loop);

	report_table(guests, length(nr_guests), "Guests with one device each");
	report_table(devices, length(nr_devices), "Devices of one guest");
	if (json)
		write_json(json, guests, length(nr_guests), devices, length(nr_devices));
	broken = report_judge(guests, length(nr_guests), is_quick);
	broken += report_judge(devices, length(nr_devices), is_quick);
	if (!broken)
		printf("All bounds hold.\n");
	return broken ? 1 : 0;
}
