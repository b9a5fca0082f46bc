// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * handles.c - the open files of one device: numbers, abilities, position, flags.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xen/io/vsysif.h>

#include "handles.h"

/* What fcntl(F_SETFL) can change of an open file. */
#define SETTABLE	(VSYS_O_NONBLOCK | VSYS_O_APPEND | VSYS_O_DIRECT)

static int grow(struct handles *t)
{
	uint32_t i, nr = t->nr_slots ? 2 * t->nr_slots : 8;
	struct handle **slot;

	if (nr > VSYS_MAX_HANDLES)
		nr = VSYS_MAX_HANDLES;
	if (nr == t->nr_slots) {
		errno = EMFILE;
		return -1;
	}
	slot = realloc(t->slot, nr * sizeof(*slot));
	if (!slot)
		return -1;
	for (i = t->nr_slots; i < nr; i++)
		slot[i] = NULL;
	t->slot = slot;
	t->nr_slots = nr;
	return 0;
}

struct handle *handle_reserve(struct handles *t)
{
	struct handle *h;
	uint32_t i;

	for (i = t->hint; i < t->nr_slots && t->slot[i]; i++)
		;
	if (i == t->nr_slots && grow(t) < 0)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->table = t;
	h->number = i + 1;
	h->fd = -1;
	LIST_INIT(&h->requests);
	t->slot[i] = h;
	t->hint = i + 1;
	t->nr++;
	return h;
}

void handle_free(struct handle *h)
{
	struct handles *t = h->table;

	t->slot[h->number - 1] = NULL;
	if (h->number - 1 < t->hint)
		t->hint = h->number - 1;
	t->nr--;
	free(h);
}

/*
 * poll(2) answers also for files without poll(); epoll refuses them.  Asking
 * does not disturb the driver more than any poll() would.
 */
static bool has_poll(int fd, int probe_fd)
{
	struct epoll_event none = { 0 };

	if (epoll_ctl(probe_fd, EPOLL_CTL_ADD, fd, &none) < 0)
		return errno != EPERM;
	epoll_ctl(probe_fd, EPOLL_CTL_DEL, fd, NULL);
	return true;
}

void handle_open(struct handle *h, int fd, uint32_t oflags, bool block, int probe_fd)
{
	h->fd = fd;
	h->oflags = oflags & VSYS_O_MASK;
	h->block = block;
	/* Without a buffer these reach no driver, only the file's mode. */
	h->pread = preadv(fd, NULL, 0, 0) == 0 || errno != ESPIPE;
	h->pwrite = pwritev(fd, NULL, 0, 0) == 0 || errno != ESPIPE;
	/* Some can be asked for their end only, as those of dma-buf. */
	h->lseek = handle_learn_pos(h) != -ESPIPE || h->pos_known;
	h->polls = !block && has_poll(fd, probe_fd);
}

struct handle *handle_get(struct handles *t, uint32_t number)
{
	struct handle *h;

	if (number == 0 || number > t->nr_slots)
		return NULL;
	h = t->slot[number - 1];
	return h && h->fd >= 0 && !h->closing ? h : NULL;
}

struct handle *handle_next(struct handles *t, uint32_t *i)
{
	while (*i < t->nr_slots) {
		struct handle *h = t->slot[(*i)++];

		if (h && h->fd >= 0)
			return h;
	}
	return NULL;
}

void handles_exit(struct handles *t)
{
	free(t->slot);
	t->slot = NULL;
	t->nr_slots = 0;
}

int64_t handle_learn_pos(struct handle *h)
{
	off_t pos;

	/*
	 * A position may be "negative" (memory above 2^63): only errno tells
	 * it from an error.
	 */
	errno = 0;
	pos = lseek(h->fd, 0, SEEK_CUR);
	if (pos == -1 && errno) {
		h->pos_known = false;
		return -errno;
	}
	h->pos = pos;
	h->pos_known = true;
	return pos;
}

int handle_seek_to(struct handle *h, int64_t pos)
{
	off_t now;

	if (h->pos_known && h->pos == pos)
		return 0;
	errno = 0;
	now = lseek(h->fd, pos, SEEK_SET);
	if (now == -1 && errno)
		return -errno;
	h->pos = now;
	h->pos_known = true;
	return now == pos ? 0 : -EINVAL;
}

static int native_flags(uint32_t oflags)
{
	return (oflags & VSYS_O_NONBLOCK ? O_NONBLOCK : 0) |
	       (oflags & VSYS_O_APPEND ? O_APPEND : 0) |
	       (oflags & VSYS_O_DIRECT ? O_DIRECT : 0);
}

int handle_set_flags(struct handle *h, uint32_t oflags)
{
	if (!((h->oflags ^ oflags) & SETTABLE))
		return 0;
	if (fcntl(h->fd, F_SETFL, native_flags(oflags)) < 0)
		return -errno;
	h->oflags = (h->oflags & ~SETTABLE) | (oflags & SETTABLE);
	return 0;
}
