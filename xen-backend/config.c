// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c - reads xl's configuration files; see config.h.
 */
#include <errno.h>
#include <libxlutil.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "config-index.h"
#include "limits.h"
#include "log.h"
#include "registry.h"

/* What libxlutil says goes to a stream in memory. */
struct report {
	FILE *stream;
	char *text;
	size_t size;
};

static const char *report_text(struct report *r)
{
	fflush(r->stream);
	return r->text;
}

static void report_clear(struct report *r)
{
	rewind(r->stream);
	fflush(r->stream);
}

/*
 * The library has no call that gives the line of a value, but it says it in its
 * warnings, so one is asked for: a string is not a list.
 */
static unsigned int value_line(XLU_Config *cfg, XLU_ConfigValue *value,
			       struct report *r, const char *file)
{
	bool string = xlu_cfg_value_type(value) == XLU_STRING;
	size_t len = strlen(file);
	XLU_ConfigList *list;
	const char *text;
	char *str;

	report_clear(r);
	if (string)
		xlu_cfg_value_get_list(cfg, value, &list, 0);
	else
		xlu_cfg_value_get_string(cfg, value, &str, 0);
	text = report_text(r);
	if (strncmp(text, file, len) || text[len] != ':')
		return 0;
	return strtoul(text + len + 1, NULL, 10);
}

static int take_entries(struct config *c, XLU_Config *cfg, XLU_ConfigList *list, int nr,
			struct report *r)
{
	int i;

	c->entry = calloc(nr ? nr : 1, sizeof(*c->entry));
	if (!c->entry)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		const char *text = xlu_cfg_get_listitem(list, i);

		c->entry[i].text = text ? strdup(text) : NULL;
		if (text && !c->entry[i].text)
			return -ENOMEM;
		c->entry[i].line = value_line(cfg, xlu_cfg_get_listitem2(list, i), r, c->file);
		c->nr = i + 1;
	}
	return 0;
}

/* The first line of a report is the sentence; it names file and line. */
static int report_fault(struct fault *f, int err, struct report *r, const char *file)
{
	const char *text = report_text(r), *warning;
	int len = strcspn(text, "\n");

	if (!len)
		return fault(f, err, "%s: %s", file, strerror(-err));
	warning = memmem(text, len, "warning: ", strlen("warning: "));
	if (!warning)
		return fault(f, err, "%.*s", len, text);
	/* It is one to xl, which can do without. */
	return fault(f, err, "%.*s%.*s", (int)(warning - text), text,
		     (int)(text + len - warning - strlen("warning: ")),
		     warning + strlen("warning: "));
}

static int take_values(struct config *c, XLU_Config *cfg, struct report *r, struct fault *f)
{
	XLU_ConfigList *list;
	const char *name;
	int nr, err;

	if (!xlu_cfg_get_string(cfg, "name", &name, 1)) {
		c->name = strdup(name);
		if (!c->name)
			return fault(f, -ENOMEM, "%s: out of memory", c->file);
	}
	report_clear(r);
	err = xlu_cfg_get_list(cfg, "vsys", &list, &nr, 0);
	if (err == ESRCH)
		return 0;
	if (err)
		return report_fault(f, -err, r, c->file);
	err = take_entries(c, cfg, list, nr, r);
	return err ? fault(f, err, "%s: out of memory", c->file) : 0;
}

/* No pipe that blocks, no file that fills the memory. */
static int check_file(const char *file, struct fault *f)
{
	struct stat st;

	if (stat(file, &st))
		return fault(f, -errno, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fault(f, -EINVAL, "%s: not a regular file", file);
	if (st.st_size > LIMIT_CONFIG_SIZE)
		return fault(f, -EFBIG, "%s: larger than %u bytes", file, LIMIT_CONFIG_SIZE);
	return 0;
}

static int read_with(struct config *c, struct report *r, struct fault *f)
{
	XLU_Config *cfg = xlu_cfg_init(r->stream, c->file);
	int err;

	if (!cfg)
		return fault(f, -ENOMEM, "%s: out of memory", c->file);
	err = xlu_cfg_readfile(cfg, c->file);
	if (err)
		err = report_fault(f, -err, r, c->file);
	else
		err = take_values(c, cfg, r, f);
	xlu_cfg_destroy(cfg);
	return err;
}

int config_read(struct config **config, const char *file, struct fault *f)
{
	struct report r = { 0 };
	struct config *c;
	int err = check_file(file, f);

	*config = NULL;
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	r.stream = open_memstream(&r.text, &r.size);
	if (!c || !r.stream || !(c->file = strdup(file)))
		err = fault(f, -ENOMEM, "%s: out of memory", file);
	else
		err = read_with(c, &r, f);
	if (r.stream)
		fclose(r.stream);
	free(r.text);
	if (err) {
		config_free(c);
		return err;
	}
	*config = c;
	return 0;
}

void config_free(struct config *c)
{
	unsigned int i;

	if (!c)
		return;
	for (i = 0; i < c->nr; i++)
		free(c->entry[i].text);
	free(c->entry);
	free(c->name);
	free(c->file);
	free(c);
}

/* One message for each version of a bad file, not one for each new guest. */
static void complain_once(const char *file, const struct fault *f)
{
	static struct {
		char file[PATH_MAX];
		struct timespec mtime;
	} seen[16];
	static unsigned int next;
	struct stat st = { 0 };
	unsigned int i;

	stat(file, &st);
	for (i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		if (!strcmp(seen[i].file, file) &&
		    seen[i].mtime.tv_sec == st.st_mtim.tv_sec &&
		    seen[i].mtime.tv_nsec == st.st_mtim.tv_nsec)
			return;
	i = next++ % (sizeof(seen) / sizeof(seen[0]));
	snprintf(seen[i].file, sizeof(seen[i].file), "%s", file);
	seen[i].mtime = st.st_mtim;
	log_err("%s", f->text);
}

static struct config *try_file(const char *file, const char *name)
{
	struct config *c;
	struct fault f;

	if (config_read(&c, file, &f)) {
		complain_once(file, &f);
		return NULL;
	}
	if (c->name && !strcmp(c->name, name))
		return c;
	config_free(c);
	return NULL;
}

static char *name_of(const char *file)
{
	struct config *c;
	struct fault f;
	char *name;

	if (config_read(&c, file, &f)) {
		complain_once(file, &f);
		return NULL;
	}
	name = c->name;
	c->name = NULL;
	config_free(c);
	return name;
}

static struct config *search(const char *etc, const char *name)
{
	const char *file = config_index_find(etc, name, name_of);
	struct config *c = file ? try_file(file, name) : NULL;

	if (c || !file)
		return c;
	/* It has another name now, so another file may have this one. */
	config_index_doubt();
	file = config_index_find(etc, name, name_of);
	return file ? try_file(file, name) : NULL;
}

int config_find(struct config **config, const struct config_paths *paths, const char *name)
{
	char path[PATH_MAX];

	*config = NULL;
	if (!registry_lookup(paths->registry, name, path, sizeof(path)))
		*config = try_file(path, name);
	if (!*config)
		*config = search(paths->etc, name);
	return *config ? 0 : -ENOENT;
}
