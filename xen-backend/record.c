// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - remembers what was attached by hand; see record.h.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv.h"
#include "log.h"
#include "record.h"
#include "supervisor.h"

static bool is_recorded(const struct device *d)
{
	return d->origin == ORIGIN_COMMAND && (d->online || d->reattach);
}

static void write_device(FILE *out, const struct device *d)
{
	char text[STANZA_TEXT];

	stanza_format(&d->stanza, text, sizeof(text));
	fprintf(out, "%u ", d->domain->domid);
	kv_encode(out, d->domain->vm);
	fputc(' ', out);
	kv_encode(out, text);
	fputc('\n', out);
}

static bool has_recorded(const struct domain *dom)
{
	struct device *d;

	TAILQ_FOREACH(d, &dom->devices, link)
		if (is_recorded(d))
			return true;
	return false;
}

static bool file_of(char *path, const struct supervisor *sup, uint32_t domid)
{
	return snprintf(path, PATH_MAX, "%s/%u", sup->record_path, domid) < PATH_MAX;
}

void record_forget(const struct supervisor *sup, uint32_t domid)
{
	char path[PATH_MAX];

	if (sup->record_path && file_of(path, sup, domid))
		unlink(path);
}

/* Whether there is a file to be written now; path is its name. */
static bool may_write(char *path, const struct domain *dom)
{
	const struct supervisor *sup = dom->sup;

	/* While devices come again or go, the file says more than we know. */
	return sup->record_path && sup->started && !sup->stopping &&
	       file_of(path, sup, dom->domid);
}

void record_add(const struct device *d)
{
	char path[PATH_MAX], buffer[2 * STANZA_TEXT];
	FILE *out;

	if (!is_recorded(d) || !may_write(path, d->domain))
		return;
	out = fopen(path, "ae");
	if (!out) {
		log_warn("%s: %s", path, strerror(errno));
		return;
	}
	/* The line goes in one piece. */
	setvbuf(out, buffer, _IOFBF, sizeof(buffer));
	write_device(out, d);
	if (fclose(out))
		log_warn("%s: %s", path, strerror(errno));
}

void record_save(const struct domain *dom)
{
	const struct supervisor *sup = dom->sup;
	char path[PATH_MAX], new[PATH_MAX];
	struct device *d;
	FILE *out;

	if (!may_write(path, dom))
		return;
	if (!has_recorded(dom)) {
		unlink(path);
		return;
	}
	if (snprintf(new, sizeof(new), "%s/new", sup->record_path) >= (int)sizeof(new))
		return;
	out = fopen(new, "we");
	if (!out) {
		log_warn("%s: %s", new, strerror(errno));
		return;
	}
	TAILQ_FOREACH(d, &dom->devices, link)
		if (is_recorded(d))
			write_device(out, d);
	/* Either the old or the new file is there, whole. */
	if (fclose(out) || rename(new, path))
		log_warn("%s: %s", path, strerror(errno));
}

static void take_line(char *line,
		      void (*fn)(void *arg, uint32_t domid, const char *vm, const char *stanza),
		      void *arg)
{
	char *save, *domid = strtok_r(line, " \n", &save);
	char *vm = domid ? strtok_r(NULL, " \n", &save) : NULL;
	char *stanza = vm ? strtok_r(NULL, " \n", &save) : NULL;
	uint32_t number;

	if (stanza && kv_decode(vm) && kv_decode(stanza) &&
	    !vsys_parse_frontend_id(domid, &number))
		fn(arg, number, vm, stanza);
}

static void take_file(const char *path,
		      void (*fn)(void *arg, uint32_t domid, const char *vm, const char *stanza),
		      void *arg)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!in)
		return;
	while (getline(&line, &size, in) > 0)
		take_line(line, fn, arg);
	free(line);
	fclose(in);
}

/* What an earlier version left is one file: while it becomes a directory, it is there. */
static void old_path(char *old, const char *path)
{
	snprintf(old, PATH_MAX, "%s.old", path);
}

static int any_file(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

void record_load(const char *path,
		 void (*fn)(void *arg, uint32_t domid, const char *vm, const char *stanza),
		 void *arg)
{
	char file[2 * PATH_MAX], old[PATH_MAX];
	struct dirent **entry;
	int nr, i;

	if (!path)
		return;
	old_path(old, path);
	take_file(old, fn, arg);
	take_file(path, fn, arg);
	nr = scandir(path, &entry, any_file, versionsort);
	for (i = 0; i < nr; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);
		take_file(file, fn, arg);
		free(entry[i]);
	}
	if (nr >= 0)
		free(entry);
}

static void forget_others(struct supervisor *sup)
{
	struct dirent **entry;
	int nr = scandir(sup->record_path, &entry, any_file, NULL), i;
	uint32_t domid;

	for (i = 0; i < nr; i++) {
		if (!vsys_parse_frontend_id(entry[i]->d_name, &domid) &&
		    !supervisor_domain(sup, domid))
			record_forget(sup, domid);
		free(entry[i]);
	}
	if (nr >= 0)
		free(entry);
}

void record_save_all(struct supervisor *sup)
{
	const char *path = sup->record_path;
	char old[PATH_MAX];
	struct domain *dom;
	struct stat st;

	if (!path)
		return;
	old_path(old, path);
	if (!stat(path, &st) && !S_ISDIR(st.st_mode) && rename(path, old))
		log_warn("%s: %s", path, strerror(errno));
	if (mkdir(path, 0700) && errno != EEXIST)
		log_warn("%s: %s", path, strerror(errno));
	TAILQ_FOREACH(dom, &sup->domains, link)
		record_save(dom);
	forget_others(sup);
	unlink(old);
}
