// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cost - in dom0: what has been spent so far, one "NAME VALUE" a line, so that a
 * bench can subtract what it was before.
 *
 *   cost [--window SECONDS] [NAME=TEXT]...
 *
 * With --window all is printed twice, so many seconds apart: between the two times
 * this program does nothing but sleep.
 *
 *   clock_ns       monotonic time
 *   cpu_ns_DOMID   each domain's CPU time, of all its virtual CPUs, as Xen accounts
 *                  it: interrupts and hypercalls are in it, a CPU that is idle not
 *   task_NAME_ns   CPU time of all processes whose name contains TEXT, kernel threads
 *                  too, with their threads and those that have ended
 *   irq_NAME       interrupts on lines of /proc/interrupts that contain TEXT
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xenctrl.h>

#define MAX_DOMAINS 64

static unsigned long long nanoseconds(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int print_domains(void)
{
	static xc_dominfo_t info[MAX_DOMAINS];
	xc_interface *xen = xc_interface_open(NULL, NULL, 0);
	int nr;

	if (!xen) {
		fprintf(stderr, "cost: no access to Xen: %s\n", strerror(errno));
		return -1;
	}
	nr = xc_domain_getinfo(xen, 0, MAX_DOMAINS, info);
	for (int i = 0; i < nr; i++)
		printf("cpu_ns_%u %llu\n", info[i].domid, (unsigned long long)info[i].cpu_time);
	xc_interface_close(xen);
	if (nr <= 0)
		fprintf(stderr, "cost: Xen tells of no domain: %s\n", strerror(errno));
	return nr > 0 ? 0 : -1;
}

/* A process may end at any moment: then it counts nothing. */
static unsigned long long process_time(const char *pid, const char *text)
{
	char path[300], name[64] = "";
	clockid_t clock;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	if (!strstr(name, text) || clock_getcpuclockid(atoi(pid), &clock))
		return 0;
	return nanoseconds(clock);
}

static void print_tasks(const char *name, int length, const char *text)
{
	unsigned long long sum = 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			sum += process_time(entry->d_name, text);
	if (proc)
		closedir(proc);
	printf("task_%.*s_ns %llu\n", length, name, sum);
}

/* "  42:   17   3   xen-dyn   -event   NAME" */
static unsigned long long line_sum(const char *line)
{
	unsigned long long sum = 0, value;
	const char *p = strchr(line, ':');
	char *end;

	if (!p)
		return 0;
	for (p++;; p = end) {
		value = strtoull(p, &end, 10);
		if (end == p || !isspace((unsigned char)*end))
			return sum;
		sum += value;
	}
}

static void print_interrupts(const char *name, int length, const char *text)
{
	unsigned long long sum = 0;
	FILE *f = fopen("/proc/interrupts", "r");
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0)
		if (strstr(line, text))
			sum += line_sum(line);
	free(line);
	if (f)
		fclose(f);
	printf("irq_%.*s %llu\n", length, name, sum);
}

static int print_times(void)
{
	printf("clock_ns %llu\n", nanoseconds(CLOCK_MONOTONIC));
	return print_domains();
}

static void print_counters(char **pair)
{
	for (; *pair; pair++) {
		char *text = strchr(*pair, '=');

		print_tasks(*pair, text - *pair, text + 1);
		print_interrupts(*pair, text - *pair, text + 1);
	}
}

int main(int argc, char **argv)
{
	struct timespec window = {};
	char **pair = argv + 1;

	if (argc > 2 && !strcmp(argv[1], "--window")) {
		window.tv_sec = atoi(argv[2]);
		pair += 2;
		if (window.tv_sec < 1) {
			fprintf(stderr, "cost: '%s' is no number of seconds\n", argv[2]);
			return 2;
		}
	}
	for (char **p = pair; *p; p++)
		if (!strchr(*p, '=') || **p == '=') {
			fprintf(stderr, "cost: '%s' is not NAME=TEXT\n", *p);
			return 2;
		}
	/* What the counters cost themselves is outside of the window. */
	if (window.tv_sec) {
		print_counters(pair);
		if (print_times() < 0)
			return 1;
		while (nanosleep(&window, &window) < 0 && errno == EINTR)
			;
	}
	if (print_times() < 0)
		return 1;
	print_counters(pair);
	return 0;
}
