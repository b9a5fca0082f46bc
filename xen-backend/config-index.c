// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config-index.c - names of configuration files; see config-index.h.
 *
 * As long as neither directory has changed, a name that is known leads to its file at
 * once.  Else, and for a name that no file has, every file is looked at, but only what
 * has changed is read.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "config-index.h"

#define NR_DIRS 2

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	bool good;		/* a later change has another time */
};

struct note {
	char *file;
	char *name;		/* NULL: it has none, or cannot be read */
	struct stamp stamp;
	unsigned int place;	/* in the order of the search */
};

static struct {
	char *etc;
	bool doubted;
	struct stamp dir[NR_DIRS];
	struct note *note;	/* by place */
	struct note **by_name;	/* those that have one */
	unsigned int nr, nr_named;
} known;

/* --- time stamps ------------------------------------------------------- */

/*
 * Times have the grain of the kernel's tick, or of a second where the file system has
 * no more: a change right after this would not be seen.
 */
static bool is_old(const struct timespec *mtime)
{
	int64_t grain = mtime->tv_nsec ? 20000000ll : 2000000000ll;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - mtime->tv_sec) * 1000000000ll + now.tv_nsec - mtime->tv_nsec >
	       grain;
}

static struct stamp stamp_of(const char *path)
{
	struct stamp s = { 0 };
	struct stat st;

	if (stat(path, &st)) {
		/* What is not there has no time, and is the same only if it stays so. */
		s.good = errno == ENOENT;
		return s;
	}
	s.dev = st.st_dev;
	s.ino = st.st_ino;
	s.size = st.st_size;
	s.mtime = st.st_mtim;
	s.good = is_old(&s.mtime);
	return s;
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return a->good && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* --- what is known ------------------------------------------------------ */

static void free_notes(struct note *note, unsigned int nr)
{
	while (nr--) {
		free(note[nr].file);
		free(note[nr].name);
	}
	free(note);
}

static void forget(void)
{
	free_notes(known.note, known.nr);
	free(known.by_name);
	free(known.etc);
	memset(&known, 0, sizeof(known));
}

static int by_name(const void *a, const void *b)
{
	const struct note *x = *(struct note *const *)a, *y = *(struct note *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->place < y->place ? -1 : 1;
}

static void sort_names(void)
{
	unsigned int i;

	free(known.by_name);
	known.nr_named = 0;
	known.by_name = calloc(known.nr ? known.nr : 1, sizeof(*known.by_name));
	for (i = 0; known.by_name && i < known.nr; i++)
		if (known.note[i].name)
			known.by_name[known.nr_named++] = &known.note[i];
	if (known.by_name)
		qsort(known.by_name, known.nr_named, sizeof(*known.by_name), by_name);
}

/* The first of this name. */
static const struct note *look_up(const char *name)
{
	unsigned int low = 0, high = known.nr_named;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (strcmp(known.by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == known.nr_named || strcmp(known.by_name[low]->name, name))
		return NULL;
	return known.by_name[low];
}

/* --- looking at all files ------------------------------------------------- */

static int any_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int cfg_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return any_file(entry) && dot && !strcmp(dot, ".cfg");
}

static void dir_path(char *path, const char *etc, unsigned int dir)
{
	snprintf(path, PATH_MAX, dir == 0 ? "%s/auto" : "%s", etc);
}

struct search {
	struct note *note;
	unsigned int nr;
	unsigned int old;	/* of known: where the next one is, if it was there */
	char *(*read_name)(const char *file);
};

/* Both have the same order, so what has gone is passed over once. */
static struct note *old_note(struct search *s, const char *file)
{
	unsigned int i;

	for (i = s->old; i < known.nr; i++) {
		if (known.note[i].file && !strcmp(known.note[i].file, file)) {
			s->old = i + 1;
			return &known.note[i];
		}
	}
	return NULL;
}

static void take_file(struct search *s, const char *file)
{
	struct note *n = &s->note[s->nr], *old = old_note(s, file);

	/* Before it is read: a change in between makes it read again. */
	n->stamp = stamp_of(file);
	n->file = strdup(file);
	if (!n->file)
		return;
	if (old && is_same(&old->stamp, &n->stamp)) {
		n->name = old->name;
		old->name = NULL;
	} else {
		n->name = s->read_name(file);
	}
	n->place = s->nr++;
}

static void search_dir(struct search *s, const char *dir, int (*filter)(const struct dirent *))
{
	struct dirent **entry;
	char file[PATH_MAX];
	struct note *more;
	int nr = scandir(dir, &entry, filter, alphasort), i;

	if (nr < 0)
		return;
	more = realloc(s->note, (s->nr + nr + 1) * sizeof(*more));
	if (more) {
		s->note = more;
		memset(s->note + s->nr, 0, (nr + 1) * sizeof(*more));
	}
	for (i = 0; i < nr; i++) {
		if (more && snprintf(file, sizeof(file), "%s/%s", dir, entry[i]->d_name) <
			    (int)sizeof(file))
			take_file(s, file);
		free(entry[i]);
	}
	free(entry);
}

static void search(const char *etc, char *(*read_name)(const char *file))
{
	struct search s = { .read_name = read_name };
	struct stamp stamp[NR_DIRS];
	char path[PATH_MAX];
	unsigned int dir;

	if (known.etc && strcmp(known.etc, etc))
		forget();
	for (dir = 0; dir < NR_DIRS; dir++) {
		dir_path(path, etc, dir);
		stamp[dir] = stamp_of(path);
		search_dir(&s, path, dir == 0 ? any_file : cfg_file);
	}
	forget();
	memcpy(known.dir, stamp, sizeof(stamp));
	known.etc = strdup(etc);
	known.note = s.note;
	known.nr = s.nr;
	sort_names();
}

static bool is_current(const char *etc)
{
	char path[PATH_MAX];
	struct stamp now;
	unsigned int dir;

	if (!known.etc || strcmp(known.etc, etc) || known.doubted)
		return false;
	for (dir = 0; dir < NR_DIRS; dir++) {
		dir_path(path, etc, dir);
		now = stamp_of(path);
		if (!is_same(&known.dir[dir], &now))
			return false;
	}
	return true;
}

const char *config_index_find(const char *etc, const char *name,
			      char *(*read_name)(const char *file))
{
	const struct note *n = is_current(etc) ? look_up(name) : NULL;

	if (!n) {
		search(etc, read_name);
		n = look_up(name);
	}
	return n ? n->file : NULL;
}

void config_index_doubt(void)
{
	known.doubted = true;
}
