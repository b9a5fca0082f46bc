// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - remembers what was attached by hand; see record.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kv.h"
#include "log.h"
#include "record.h"
#include "supervisor.h"

static void write_device(FILE *out, const struct device *d)
{
	char text[STANZA_TEXT];

	if (d->origin != ORIGIN_COMMAND || (!d->online && !d->reattach))
		return;
	stanza_format(&d->stanza, text, sizeof(text));
	fprintf(out, "%u ", d->domain->domid);
	kv_encode(out, d->domain->vm);
	fputc(' ', out);
	kv_encode(out, text);
	fputc('\n', out);
}

void record_save(const struct supervisor *sup)
{
	char new[PATH_MAX];
	struct domain *dom;
	struct device *d;
	FILE *out;

	/* While devices come again or go, the file says more than we know. */
	if (!sup->record_path || !sup->started || sup->stopping)
		return;
	snprintf(new, sizeof(new), "%s.new", sup->record_path);
	out = fopen(new, "we");
	if (!out) {
		log_warn("%s: %s", new, strerror(errno));
		return;
	}
	TAILQ_FOREACH(dom, &sup->domains, link)
		TAILQ_FOREACH(d, &dom->devices, link)
			write_device(out, d);
	/* Either the old or the new file is there, whole. */
	if (fclose(out) || rename(new, sup->record_path))
		log_warn("%s: %s", sup->record_path, strerror(errno));
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

void record_load(const char *path,
		 void (*fn)(void *arg, uint32_t domid, const char *vm, const char *stanza),
		 void *arg)
{
	FILE *in = path ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t size = 0;

	if (!in)
		return;
	while (getline(&line, &size, in) > 0)
		take_line(line, fn, arg);
	free(line);
	fclose(in);
}
