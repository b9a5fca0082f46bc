// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * disc.c - the state of a disc and its files.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disc.h"
#include "sector.h"

static const char *const medium_names[] = {
	[CD_ROM] = "cd-rom", [CD_R] = "cd-r", [CD_RW] = "cd-rw",
};

static const char *const state_names[] = {
	[TRACK_RESERVED] = "reserved", [TRACK_OPEN] = "open", [TRACK_COMPLETE] = "complete",
};

const char *disc_medium_name(enum medium medium)
{
	return medium_names[medium];
}

static int index_of(const char *const *names, int nr, const char *name)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

/* A lead-out of 1:30 after the first session, 0:30 after others; a lead-in of 1:00. */
int32_t session_gap(unsigned int nr)
{
	return (nr == 1 ? 6750 : 2250) + 4500 + DISC_PREGAP;
}

int32_t layout_end(const struct layout *at)
{
	const struct track *t;

	if (!at->tracks)
		return 0;
	t = &at->track[at->tracks - 1];
	if (t->state == TRACK_OPEN && t->size < t->written)
		return t->start + t->written;
	return t->start + t->size;
}

int32_t layout_next_start(const struct layout *at)
{
	if (at->final || at->tracks == DISC_TRACKS || at->sessions == DISC_SESSIONS)
		return -1;
	if (!at->tracks)
		return 0;
	if (at->sessions && at->session[at->sessions - 1].last == at->tracks)
		return at->session[at->sessions - 1].lead_out + session_gap(at->sessions);
	return layout_end(at) + DISC_PREGAP;
}

int32_t disc_next_start(const struct disc *d)
{
	int32_t start = d->medium == CD_ROM ? -1 : layout_next_start(&d->at);

	return start < d->blocks ? start : -1;
}

int32_t disc_free_blocks(const struct disc *d)
{
	int32_t start = disc_next_start(d);

	return start < 0 ? 0 : d->blocks - start;
}

bool disc_empty(const struct disc *d)
{
	return !d->at.tracks && !d->at.sessions;
}

unsigned int disc_open_first(const struct disc *d)
{
	return d->at.sessions ? d->at.session[d->at.sessions - 1].last + 1 : 1;
}

const struct track *disc_track_at(const struct disc *d, int32_t lba)
{
	for (unsigned int i = 0; i < d->at.tracks; i++) {
		const struct track *t = &d->at.track[i];
		int32_t size = t->size > t->written ? t->size : t->written;

		if (lba >= t->start - t->pregap && lba < t->start + size)
			return t;
	}
	return NULL;
}

int disc_read(const struct disc *d, int32_t lba, uint8_t raw[SECTOR_RAW])
{
	ssize_t got = 0;

	memset(raw, 0, SECTOR_RAW);
	/* The pregap of the first track has no place in the file: it is silent. */
	if (lba >= 0)
		got = pread(d->fd, raw, SECTOR_RAW, (off_t)lba * SECTOR_RAW);
	return got < 0 ? -errno : 0;
}

int disc_write(const struct disc *d, int32_t lba, size_t at, const void *data, size_t len)
{
	ssize_t put;

	if (lba < 0)
		return 0;
	put = pwrite(d->fd, data, len, (off_t)lba * SECTOR_RAW + at);
	if (put < 0)
		return -errno;
	return (size_t)put == len ? 0 : -ENOSPC;
}

void disc_blank(struct disc *d)
{
	memset(&d->at, 0, sizeof(d->at));
	/* What is left of the data can't be read from a blank disc anyway. */
	if (ftruncate(d->fd, 0))
		return;
}

int disc_save(const struct disc *d)
{
	char *new;
	FILE *f;
	int ret = 0;

	if (asprintf(&new, "%s.new", d->toc) < 0)
		return -ENOMEM;
	f = fopen(new, "we");
	if (!f) {
		ret = -errno;
		goto out;
	}
	fprintf(f, "medium %s\nblocks %d\n", medium_names[d->medium], d->blocks);
	for (unsigned int i = 0; i < d->at.tracks; i++) {
		const struct track *t = &d->at.track[i];

		fprintf(f, "track %s session %u control %u mode %u pregap %d start %d size %d "
			"written %d\n", state_names[t->state], t->session, t->control, t->mode,
			t->pregap, t->start, t->size, t->written);
	}
	for (unsigned int i = 0; i < d->at.sessions; i++) {
		const struct session *s = &d->at.session[i];

		fprintf(f, "session first %u last %u type %u lead-out %d\n",
			s->first, s->last, s->type, s->lead_out);
	}
	fprintf(f, "final %d\n", d->at.final);
	if (fclose(f) || rename(new, d->toc))
		ret = -errno;
out:
	free(new);
	return ret;
}

static bool track_parse(struct layout *at, const char *line)
{
	struct track *t = &at->track[at->tracks];
	unsigned int session, control, mode;
	char state[20];
	int nr;

	if (at->tracks == DISC_TRACKS)
		return false;
	nr = sscanf(line, "track %19s session %u control %u mode %u pregap %d start %d size %d "
		    "written %d", state, &session, &control, &mode, &t->pregap, &t->start,
		    &t->size, &t->written);
	if (nr != 8 || session < 1 || session > DISC_SESSIONS || control > 15 || mode > 2)
		return false;
	nr = index_of(state_names, 3, state);
	if (nr < 0 || t->start < 0 || t->start > DISC_BLOCKS_MAX || t->size < 0 ||
	    t->size > DISC_BLOCKS_MAX || t->written < 0 || t->written > t->size ||
	    t->pregap < 0 || t->pregap > DISC_BLOCKS_MAX)
		return false;
	t->state = nr;
	t->session = session;
	t->control = control;
	t->mode = mode;
	at->tracks++;
	return true;
}

static bool session_parse(struct layout *at, const char *line)
{
	struct session *s = &at->session[at->sessions];
	unsigned int first, last, type;

	if (at->sessions == DISC_SESSIONS ||
	    sscanf(line, "session first %u last %u type %u lead-out %d", &first, &last, &type,
		   &s->lead_out) != 4)
		return false;
	if (!first || first > last || last > at->tracks || type > 0x20 || s->lead_out < 0 ||
	    s->lead_out > DISC_BLOCKS_MAX)
		return false;
	s->first = first;
	s->last = last;
	s->type = type;
	at->sessions++;
	return true;
}

/* 0, or -errno: a file that was damaged must not become a drive that is. */
static int disc_load(struct disc *d)
{
	bool good = true;
	char line[200], name[20];
	int final = 0, nr;
	FILE *f = fopen(d->toc, "re");

	if (!f)
		return -errno;
	while (good && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "medium %19s", name) == 1) {
			nr = index_of(medium_names, 3, name);
			good = nr >= 0;
			if (good)
				d->medium = nr;
		} else if (sscanf(line, "blocks %d", &d->blocks) == 1) {
			good = d->blocks >= DISC_BLOCKS_MIN && d->blocks <= DISC_BLOCKS_MAX;
		} else if (!strncmp(line, "track ", 6)) {
			good = track_parse(&d->at, line);
		} else if (!strncmp(line, "session ", 8)) {
			good = session_parse(&d->at, line);
		} else {
			good = sscanf(line, "final %d", &final) == 1;
		}
	}
	d->at.final = final;
	fclose(f);
	return good ? 0 : -EINVAL;
}

struct disc *disc_open(const char *dir, const char *name, enum medium medium, int32_t blocks)
{
	struct disc *d;
	char *path;
	int ret;

	if (!*name || *name == '.' || strchr(name, '/') || blocks < DISC_BLOCKS_MIN ||
	    blocks > DISC_BLOCKS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->fd = -1;
	d->medium = medium;
	d->blocks = blocks;
	d->name = strdup(name);
	if (!d->name || asprintf(&d->toc, "%s/%s.toc", dir, name) < 0)
		goto fail;
	if (asprintf(&path, "%s/%s.sectors", dir, name) < 0)
		goto fail;
	d->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ret = d->fd < 0 ? -errno : disc_load(d);
	free(path);
	if (ret == -ENOENT && d->fd >= 0)
		ret = disc_save(d);
	if (!ret)
		return d;
	errno = -ret;
fail:
	ret = errno;
	disc_close(d);
	errno = ret;
	return NULL;
}

void disc_close(struct disc *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d->name);
	free(d->toc);
	free(d);
}
