// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tell.c - what a call has changed: pages are compared with what came from the
 * guest, and the difference is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call-parts.h"
#include "ring.h"
#include "worker.h"

/* linux/mman.h has it, and clashes. */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

_Static_assert(MACHINE_SCRATCH_SIZE / 4096 / MACHINE_THREADS >= CALL_MOVED,
	       "each thread has a scratch area for a batch");

static uint64_t scratch(const struct mcall *c, unsigned int n)
{
	return MACHINE_SCRATCH + ((uint64_t)c->job.thread * CALL_MOVED + n) * VSYS_PAGE_SIZE;
}

static bool comparable(const struct mpage *p)
{
	return (p->state == PAGE_PRESENT || p->state == PAGE_MOVING || p->state == PAGE_MOVED) &&
	       !p->readonly;
}

/* The batch's pages are where they can be read. */
static void batch_read(struct mcall *c)
{
	uint64_t from[CALL_BATCH];
	unsigned int i, nr = 0;
	bool all;

	/* Those that have nothing to tell leave the batch. */
	for (i = 0; i < c->nr_batch; i++) {
		struct mpage *p = c->page[c->done + i];

		c->fresh[i] = comparable(p) && c->m->x;
		if (c->fresh[i])
			from[nr++] = p->state == PAGE_MOVED ? scratch(c, i) : p->addr;
		c->place[i] = c->batch + (nr - c->fresh[i]) * VSYS_PAGE_SIZE;
	}
	all = !nr || pages_read(c->m, from, nr, c->batch);
	for (i = 0; !all && i < c->nr_batch; i++)
		c->fresh[i] = c->fresh[i] &&
			      pages_read(c->m, &from[(c->place[i] - c->batch) / VSYS_PAGE_SIZE], 1,
					 c->place[i]);
	c->in_batch = c->in_page = 0;
}

static void batch_moved(struct mcall *c)
{
	batch_read(c);
	call_tell(c);
}

/*
 * Other calls run: the pages that only this one uses leave the mirror before
 * they are read, so that what others write there later faults, and is not lost.
 */
static void leave_mirror(struct mcall *c, struct mpage *p, unsigned int n)
{
	if (p->users > 1 || p->state != PAGE_PRESENT)
		return;
	p->state = PAGE_MOVING;
	if (p->readonly) {
		step_page(c, NULL, AFTER_NOTHING, SYS_madvise, p->addr, VSYS_PAGE_SIZE,
			  MADV_DONTNEED, 0, 0, 0);
		step_page(c, p, AFTER_MOVE, SYS_mprotect, p->addr, VSYS_PAGE_SIZE,
			  PROT_READ | PROT_WRITE, 0, 0, 0);
		return;
	}
	step_page(c, p, AFTER_MOVE, SYS_mremap, p->addr, VSYS_PAGE_SIZE, VSYS_PAGE_SIZE,
		  MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, scratch(c, n), 0);
}

/* False: it takes a while, and call_tell() is called then. */
static bool batch_load(struct mcall *c)
{
	unsigned int i, max = c->m->nr_active > 1 ? CALL_MOVED : CALL_BATCH;

	c->nr_batch = c->nr_pages - c->done < max ? c->nr_pages - c->done : max;
	for (i = 0; c->m->nr_active > 1 && i < c->nr_batch; i++)
		leave_mirror(c, c->page[c->done + i], i);
	if (c->nr_steps) {
		steps_run(c, batch_moved);
		return false;
	}
	batch_read(c);
	return true;
}

/* A descriptor that the driver made: it gets a handle, and the guest is told. */
static bool tell_file(struct mcall *c, uint64_t addr, int number, int fd, uint8_t flags)
{
	struct device *dev = c->q->dev;
	struct vsys_item *items = call_page(c->r, 0);
	struct handle *h = handle_reserve(&dev->handles);
	struct mfile *f = h ? calloc(1, sizeof(*f)) : NULL;
	int mode;

	if (!f) {
		if (h)
			handle_free(h);
		return false;
	}
	mode = fcntl(fd, F_GETFL);
	handle_open(h, fd, (mode & O_ACCMODE) | (mode & O_NONBLOCK ? VSYS_O_NONBLOCK : 0), false,
		    dev->worker->probe_fd);
	dev->counters.handles++;
	f->h = h;
	f->number = number;
	f->installed = true;
	LIST_INSERT_HEAD(&c->m->files, f, of_mirror);
	items[c->nr_items++] = (struct vsys_item){
		.addr = addr, .value = h->number, .op = VSYS_ITEM_NEW_FILE, .flags = flags,
		.page = (h->lseek ? VSYS_FILE_LSEEK : 0) | (h->pread ? VSYS_FILE_PREAD : 0) |
			(h->pwrite ? VSYS_FILE_PWRITE : 0),
	};
	c->file_addr[c->nr_files++ % CALL_FILES] = addr;
	return true;
}

/* A number in what the driver wrote or returned may be that of a file it has made. */
void call_look_for_file(struct mcall *c, uint64_t addr, uint32_t word, bool is_return)
{
	uint32_t lowest = mirror_lowest_free(c->m);
	int fd;

	if (!c->m->x || word < lowest || word >= lowest + CALL_FILE_RANGE ||
	    word >= MIRRORED_FDS || mirror_knows(c->m, word) ||
	    c->nr_items >= VSYS_PAGE_ITEMS || c->nr_probes++ >= CALL_PROBES)
		return;
	fd = syscall(SYS_pidfd_getfd, c->m->x->pidfd, word, 0);
	if (fd >= 0 && !tell_file(c, is_return ? 0 : addr, word, fd,
				  is_return ? VSYS_ITEM_RETURN : 0))
		close(fd);
}

/* The word at addr, as the driver left it. */
static bool word_at(struct mcall *c, uint64_t addr, uint32_t *word)
{
	struct mpage *p;
	unsigned int i;

	for (i = 0; addr % 4 == 0 && i < c->nr_pages; i++) {
		p = c->page[i];
		if (p->addr != page_of(addr) || !p->image || p->readonly)
			continue;
		memcpy(word, p->image + addr % VSYS_PAGE_SIZE, sizeof(*word));
		return true;
	}
	return false;
}

/* Where the number stands, although the driver changed nothing by writing it. */
static uint64_t find_number(struct mcall *c, uint32_t number)
{
	unsigned int i, size = c->cmd >> 16 & 0x3fff;
	uint64_t addr;
	uint32_t word;

	for (i = 0; i + 4 <= size; i += 4)
		if (word_at(c, c->arg + i, &word) && word == number)
			return c->arg + i;
	for (i = 0; i < 2 * CALL_FILES && i / 2 < c->nr_files; i++) {
		addr = c->file_addr[i / 2] + (i % 2 ? 4 : -4);
		if (word_at(c, addr, &word) && word == number)
			return addr;
	}
	return 0;
}

/*
 * The call has succeeded: files that it made and that no change told of.  What
 * nobody knows the place of stays in the executor, unnamed.  False: the answer has
 * no more room.
 */
bool call_other_files(struct mcall *c)
{
	struct mfile *f;
	uint64_t addr;
	int fd, number;

	/* Commands that return nothing make nothing. */
	if (!c->m->x || c->op > VSYS_OP_COMPAT_IOCTL ||
	    (c->cmd >> 16 && !(c->cmd & 0x80000000u)))
		return true;
	for (;;) {
		number = mirror_lowest_free(c->m);
		fd = syscall(SYS_pidfd_getfd, c->m->x->pidfd, number, 0);
		if (fd < 0)
			return true;
		if (c->nr_items >= VSYS_PAGE_ITEMS) {
			close(fd);
			return false;
		}
		addr = find_number(c, number);
		if (addr && tell_file(c, addr, number, fd, 0))
			continue;
		close(fd);
		f = calloc(1, sizeof(*f));
		if (!f)
			return true;
		f->number = number;
		f->installed = true;
		LIST_INSERT_HEAD(&c->m->files, f, of_mirror);
	}
}

static void look_for_files(struct mcall *c, const struct mpage *p, const unsigned char *now,
			   unsigned int from, unsigned int to)
{
	unsigned int i;
	uint32_t word;

	for (i = from & ~3u; i < to; i += 4) {
		memcpy(&word, now + i, sizeof(word));
		if (word < MIRRORED_FDS)
			call_look_for_file(c, p->addr + i, word, false);
	}
}

/* The next byte from i on that the driver changed; VSYS_PAGE_SIZE: none. */
static unsigned int next_change(const unsigned char *now, const unsigned char *was, unsigned int i)
{
	while (i < VSYS_PAGE_SIZE) {
		/* Most of a page is as it was. */
		if (i % 64 == 0 && !memcmp(now + i, was + i, 64))
			i += 64;
		else if (now[i] == was[i])
			i++;
		else
			break;
	}
	return i;
}

/*
 * What a page that several calls use has changed may be the work of another call's
 * driver, and that call's program must not go on before it is in the guest's memory.
 * So who tells it makes sure that it was taken (one round trip more), and the others
 * wait with their end for that.
 */
static bool shared_told(struct mcall *c, struct mpage *p, const unsigned char *now)
{
	unsigned int i;

	if (p->users - p->kept < 2)
		return false;
	p->told = malloc(VSYS_PAGE_SIZE);
	if (!p->told)
		return false;
	/*
	 * The image stays what it was for now: what the guest sends meanwhile is
	 * from before, and must not look like something newer.
	 */
	memset(p->told_bytes, 0, sizeof(p->told_bytes));
	for (i = 0; i < VSYS_PAGE_SIZE; i++)
		if (now[i] != p->image[i])
			p->told_bytes[i / 8] |= 1u << i % 8;
	memcpy(p->told, now, VSYS_PAGE_SIZE);
	p->teller = c;
	c->told_shared = true;
	return true;
}

static void page_taken(struct mpage *p)
{
	unsigned int i;

	for (i = 0; i < VSYS_PAGE_SIZE; i++)
		if (p->told_bytes[i / 8] & 1u << i % 8)
			p->image[i] = p->told[i];
	free(p->told);
	p->told = NULL;
	p->teller = NULL;
}

static bool must_wait(struct mcall *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i]->teller && c->page[i]->teller != c)
			return true;
	return false;
}

/* The guest has taken it, or will not. */
void call_taken(struct mcall *c)
{
	struct mirror *m = c->m;
	struct mcall *other;
	unsigned int i;

	c->told_shared = false;
	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i]->teller == c)
			page_taken(c->page[i]);
	m->held++;
	LIST_FOREACH(other, &m->calls, of_mirror) {
		other->retry |= other->waits_ack;
		other->waits_ack = false;
	}
	/* Each may end, and others with it: from the beginning each time. */
	do {
		LIST_FOREACH(other, &m->calls, of_mirror)
			if (other->retry)
				break;
		if (other) {
			other->retry = false;
			call_tell(other);
		}
	} while (other);
	m->held--;
}

/*
 * Tells what changed in the page that is compared, from in_page on.  False: there
 * is no more room in this answer.
 */
static bool tell_page(struct mcall *c)
{
	unsigned char *now = c->place[c->in_batch], *data = NULL;
	struct mpage *p = c->page[c->done + c->in_batch];
	struct vsys_item *items = call_page(c->r, 0);
	unsigned int start, end = c->in_page;

	while ((start = next_change(now, p->image, end)) < VSYS_PAGE_SIZE) {
		if (!data && c->data_page < call_nr_pages(c->r))
			data = call_page(c->r, c->data_page++);
		if (!data || c->nr_items >= VSYS_PAGE_ITEMS - CALL_FILES) {
			c->in_page = start;
			return false;
		}
		for (end = start; end < VSYS_PAGE_SIZE && now[end] != p->image[end]; end++)
			;
		memcpy(data + start, now + start, end - start);
		items[c->nr_items++] = (struct vsys_item){
			.addr = p->addr + start, .value = end - start, .page = c->data_page - 1,
			.op = VSYS_ITEM_DIRTY,
		};
		if (!IS_ERROR(c->result))
			look_for_files(c, p, now, start, end);
	}
	if (!memcmp(p->image, now, VSYS_PAGE_SIZE) || !shared_told(c, p, now))
		memcpy(p->image, now, VSYS_PAGE_SIZE);
	c->in_page = 0;
	return true;
}

/* Tells what changed, as long as there is somebody and there is room. */
void call_tell(struct mcall *c)
{
	if (c->steps_run)
		return;			/* comes back */
	if (c->q->dev->stopping) {
		call_answer(c, -EIO, 0, 0);
		return;
	}
	if (!c->r)
		return;
	c->waits_ack = must_wait(c);
	if (c->waits_ack)
		return;
	if (c->done < c->nr_pages && !c->batch)
		c->batch = malloc(CALL_BATCH * VSYS_PAGE_SIZE);
	if (c->done < c->nr_pages && (!c->batch || call_nr_pages(c->r) < 2)) {
		c->result = c->batch ? -EINVAL : -ENOMEM;
		c->done = c->nr_pages;
	}
	for (; c->done < c->nr_pages; c->done += c->nr_batch, c->nr_batch = 0) {
		if (!c->nr_batch && !batch_load(c))
			return;
		for (; c->in_batch < c->nr_batch; c->in_batch++) {
			if (c->fresh[c->in_batch] && !tell_page(c)) {
				call_park(c);
				return;
			}
		}
	}
	call_finish(c);
}
