// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * measure.c - what /proc says about a process.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "growth.h"

static FILE *open_of(pid_t pid, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, "re");
}

unsigned int measure_entries(pid_t pid, const char *name)
{
	const struct dirent *e;
	char path[80];
	unsigned int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		nr += *e->d_name != '.';
	if (dir)
		closedir(dir);
	return nr;
}

static void add_memory(struct measure *m, pid_t pid)
{
	FILE *in = open_of(pid, "smaps_rollup");
	char line[128];
	long kib;

	while (in && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "Rss: %ld", &kib) == 1)
			m->rss += kib;
		else if (sscanf(line, "Pss: %ld", &kib) == 1)
			m->pss += kib;
		else if (sscanf(line, "Private_Dirty: %ld", &kib) == 1)
			m->private += kib;
	}
	if (in)
		fclose(in);
}

static void add_switches(struct measure *m, pid_t pid)
{
	char path[80], line[128];
	const struct dirent *e;
	unsigned long nr;
	DIR *dir;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "task/%.16s/status", e->d_name);
		in = *e->d_name == '.' ? NULL : open_of(pid, path);
		while (in && fgets(line, sizeof(line), in))
			if (sscanf(line, "voluntary_ctxt_switches: %lu", &nr) == 1)
				m->switches += nr;
		if (in)
			fclose(in);
	}
	if (dir)
		closedir(dir);
}

/* Of all threads, also those that have ended, by the nanosecond. */
static double cpu_of(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return t.tv_sec + t.tv_nsec / 1e9;
}

void measure_add_time(struct measure *m, pid_t pid)
{
	m->cpu += cpu_of(pid);
	add_switches(m, pid);
}

void measure_add(struct measure *m, pid_t pid)
{
	m->processes++;
	m->threads += measure_entries(pid, "task");
	m->fds += measure_entries(pid, "fd");
	add_memory(m, pid);
	measure_add_time(m, pid);
}

void measure_children(pid_t pid, void (*fn)(pid_t child, void *arg), void *arg)
{
	FILE *in;
	char path[40];
	int child;

	snprintf(path, sizeof(path), "task/%d/children", pid);
	in = open_of(pid, path);
	while (in && fscanf(in, "%d", &child) == 1)
		fn(child, arg);
	if (in)
		fclose(in);
}
