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

static unsigned char *page_now(const struct mcall *c, unsigned int n)
{
	return c->batch + n * VSYS_PAGE_SIZE;
}

static unsigned char *page_was(const struct mcall *c, unsigned int n)
{
	return c->batch + (CALL_BATCH + n) * VSYS_PAGE_SIZE;
}

/*
 * Reads the next pages.  What has changed is this call's to tell from here on:
 * telling may take several answers, and what happens to kept pages meanwhile is told
 * by the next call.
 */
static void batch_read(struct mcall *c)
{
	unsigned int place[CALL_BATCH], i, nr = 0;
	uint64_t from[CALL_BATCH];
	bool all;

	c->nr_batch = c->nr_pages - c->done < CALL_BATCH ? c->nr_pages - c->done : CALL_BATCH;
	c->in_batch = c->in_page = 0;
	/* All of the own mirror at once, without gaps to begin with; then to its place. */
	for (i = 0; i < c->nr_batch; i++) {
		struct mpage *p = c->page[c->done + i];

		c->fresh[i] = p->state == PAGE_PRESENT && !p->readonly && mirror_alive(p->m);
		if (!c->fresh[i] || p->m != c->m)
			continue;
		place[nr] = i;
		from[nr++] = p->addr;
	}
	all = !nr || pages_read(c->m, from, nr, c->batch);
	while (all && nr-- > 0)
		if (place[nr] != nr)
			memcpy(page_now(c, place[nr]), page_now(c, nr), VSYS_PAGE_SIZE);
	for (i = 0; i < c->nr_batch; i++) {
		struct mpage *p = c->page[c->done + i];

		if (!c->fresh[i])
			continue;
		if (!all || p->m != c->m)
			c->fresh[i] = pages_read(p->m, &p->addr, 1, page_now(c, i));
		c->fresh[i] = c->fresh[i] && memcmp(page_now(c, i), p->image, VSYS_PAGE_SIZE);
		if (!c->fresh[i])
			continue;
		memcpy(page_was(c, i), p->image, VSYS_PAGE_SIZE);
		p->teller = c;
	}
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
	LIST_INSERT_HEAD(&c->mm->files, f, of_mm);
	items[c->nr_items++] = (struct vsys_item){
		.addr = addr, .value = h->number, .op = VSYS_ITEM_NEW_FILE, .flags = flags,
		.page = (h->lseek ? VSYS_FILE_LSEEK : 0) | (h->pread ? VSYS_FILE_PREAD : 0) |
			(h->pwrite ? VSYS_FILE_PWRITE : 0),
	};
	if (flags & VSYS_ITEM_RETURN)
		return true;
	if (!c->last_file || addr < c->first_file)
		c->first_file = addr;
	if (addr > c->last_file)
		c->last_file = addr;
	return true;
}

/* A number in what the driver wrote or returned may be that of a file it has made. */
void call_look_for_file(struct mcall *c, uint64_t addr, uint32_t word, bool is_return)
{
	uint32_t lowest = mm_lowest_free(c->mm);
	int fd;

	if (!c->m || !c->m->lane || word < lowest || word >= lowest + CALL_FILE_RANGE ||
	    word >= MIRRORED_FDS || mm_knows_file(c->mm, word) ||
	    c->nr_items >= VSYS_PAGE_ITEMS || c->nr_probes++ >= CALL_PROBES)
		return;
	fd = syscall(SYS_pidfd_getfd, c->m->lane->pidfd, word, 0);
	if (fd >= 0 && !tell_file(c, is_return ? 0 : addr, word, fd,
				  is_return ? VSYS_ITEM_RETURN : 0))
		close(fd);
}

/* The page of addr, if the driver can have written there. */
static struct mpage *written_page(const struct mcall *c, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i]->addr == page_of(addr) && c->page[i]->image &&
		    !c->page[i]->readonly)
			return c->page[i];
	return NULL;
}

/* The first place from addr to end where the number stands; 0: nowhere. */
static uint64_t number_between(const struct mcall *c, uint64_t addr, uint64_t end,
			       uint32_t number)
{
	struct mpage *p = NULL;
	uint32_t word;

	for (; addr + 4 <= end; addr += 4) {
		if (!p || addr % VSYS_PAGE_SIZE == 0)
			p = written_page(c, addr);
		if (!p) {
			addr = page_of(addr) + VSYS_PAGE_SIZE - 4;
			continue;
		}
		memcpy(&word, (p->told ? p->told : p->image) + addr % VSYS_PAGE_SIZE,
		       sizeof(word));
		if (word == number)
			return addr;
	}
	return 0;
}

/* Where the number stands, although the driver changed nothing by writing it. */
static uint64_t find_number(const struct mcall *c, uint32_t number)
{
	uint64_t end = c->arg + (c->cmd >> 16 & 0x3fff), addr = 0;

	if (c->arg % 4 == 0)
		addr = number_between(c, c->arg, end, number);
	/* Among the others that it has made, or beside them. */
	end = c->last_file + 4 * (CALL_FILES + 1);
	if (!addr && c->last_file && c->last_file - c->first_file < VSYS_PAGE_SIZE)
		addr = number_between(c, c->first_file - 4 * CALL_FILES, end, number);
	return addr;
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

	/* Commands that return nothing make nothing, nor do those that touched nothing. */
	if (!c->m->lane || c->op > VSYS_OP_COMPAT_IOCTL || !c->nr_pages ||
	    (c->cmd >> 16 && !(c->cmd & 0x80000000u)))
		return true;
	for (;;) {
		number = mm_lowest_free(c->mm);
		fd = syscall(SYS_pidfd_getfd, c->m->lane->pidfd, number, 0);
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
		LIST_INSERT_HEAD(&c->mm->files, f, of_mm);
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
 * What a kept page has changed is told by the call that ends first; programs of others
 * must not go on before it is in the guest's memory, as they may know of it.
 * So who tells it makes sure that it was taken (one round trip more), and the others
 * wait with their end for that.  The image stays what it was for now: what the guest
 * sends meanwhile is from before, and must not look like something newer.
 */
static bool shared_told(struct mcall *c, struct mpage *p, const unsigned char *now,
			const unsigned char *was)
{
	unsigned int i;

	if (p->users - p->kept < 2 && c->op != VSYS_OP_WATCH)
		return false;
	c->told_shared = true;
	p->told = malloc(VSYS_PAGE_SIZE);
	if (!p->told)
		return false;
	memset(p->told_bytes, 0, sizeof(p->told_bytes));
	for (i = 0; i < VSYS_PAGE_SIZE; i++)
		if (now[i] != was[i])
			p->told_bytes[i / 8] |= 1u << i % 8;
	memcpy(p->told, now, VSYS_PAGE_SIZE);
	return true;
}

/* All of it is told, by this call. */
static void page_told(struct mcall *c, struct mpage *p, const unsigned char *now,
		      const unsigned char *was)
{
	unsigned int i;

	if (shared_told(c, p, now, was))
		return;
	p->teller = NULL;
	for (i = 0; i < VSYS_PAGE_SIZE; i++)
		if (now[i] != was[i])
			p->image[i] = now[i];
}

static void page_taken(struct mpage *p)
{
	unsigned int i;

	for (i = 0; p->told && i < VSYS_PAGE_SIZE; i++)
		if (p->told_bytes[i / 8] & 1u << i % 8)
			p->image[i] = p->told[i];
	free(p->told);
	p->told = NULL;
	p->teller = NULL;
}

/*
 * For another call, which tells what this one may have changed; or because numbers
 * of descriptors are on their way, which must not be taken for new files.
 */
static bool must_wait(const struct mcall *c)
{
	unsigned int i;

	if (!IS_ERROR(c->result) && mm_numbers_move(c->mm))
		return true;
	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i]->teller && c->page[i]->teller != c)
			return true;
	return false;
}

void calls_look_again(struct mm *mm)
{
	struct mcall *c;

	mm->held++;
	LIST_FOREACH(c, &mm->calls, of_mm) {
		c->retry |= c->waits;
		c->waits = false;
	}
	/* Each may end, and others with it: from the beginning each time. */
	do {
		LIST_FOREACH(c, &mm->calls, of_mm)
			if (c->retry)
				break;
		if (c) {
			c->retry = false;
			call_tell(c);
		}
	} while (c);
	mm->held--;
	mm_settle(mm);
}

/* The guest has taken what was told; or (all) will not take any more. */
void call_taken(struct mcall *c, bool all)
{
	unsigned int i;

	c->told_shared = false;
	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i]->teller == c && (all || c->page[i]->told))
			page_taken(c->page[i]);
	calls_look_again(c->mm);
}

/* A page for data or bits of this answer; NULL: there is no more. */
static void *answer_page(struct mcall *c)
{
	return c->data_page < call_nr_pages(c->r) ? call_page(c->r, c->data_page++) : NULL;
}

static unsigned int count_runs(const unsigned char *now, const unsigned char *was)
{
	unsigned int start, end = 0, nr = 0;

	while (nr <= CALL_RUNS && (start = next_change(now, was, end)) < VSYS_PAGE_SIZE) {
		for (end = start; end < VSYS_PAGE_SIZE && now[end] != was[end]; end++)
			;
		nr++;
	}
	return nr;
}

/* Tells all of a page by bits.  False: there are no pages for that. */
static bool tell_scattered(struct mcall *c, const struct mpage *p, const unsigned char *now,
			   const unsigned char *was)
{
	bool fresh_bits = c->next_bits % 8 == 0;
	struct vsys_item *items = call_page(c->r, 0);
	unsigned char *data, *bits;
	unsigned int i;

	if (call_nr_pages(c->r) - c->data_page < 1u + fresh_bits ||
	    c->nr_items >= VSYS_PAGE_ITEMS - CALL_FILES)
		return false;
	if (fresh_bits) {
		c->next_bits = c->data_page * 8;
		answer_page(c);
	}
	data = answer_page(c);
	bits = (unsigned char *)call_page(c->r, c->next_bits / 8) +
	       c->next_bits % 8 * VSYS_SCATTERED_BITS;
	memcpy(data, now, VSYS_PAGE_SIZE);
	memset(bits, 0, VSYS_SCATTERED_BITS);
	for (i = 0; i < VSYS_PAGE_SIZE; i++)
		if (now[i] != was[i])
			bits[i / 8] |= 1u << i % 8;
	/* Before the files, which may take all the items that are left. */
	items[c->nr_items++] = (struct vsys_item){
		.addr = p->addr, .value = c->next_bits++, .page = c->data_page - 1,
		.op = VSYS_ITEM_SCATTERED, .flags = p->kept ? VSYS_ITEM_KEPT : 0,
	};
	for (i = 0; !IS_ERROR(c->result) && i < VSYS_PAGE_SIZE; i += 4)
		if (memcmp(now + i, was + i, 4))
			look_for_files(c, p, now, i, i + 4);
	return true;
}

/*
 * Tells what changed in the page that is compared, from in_page on.  False: there
 * is no more room in this answer.
 */
static bool tell_page(struct mcall *c)
{
	const unsigned char *now = page_now(c, c->in_batch), *was = page_was(c, c->in_batch);
	struct mpage *p = c->page[c->done + c->in_batch];
	struct vsys_item *items = call_page(c->r, 0);
	unsigned int start, end = c->in_page;
	unsigned char *data = NULL;

	if (end == 0 && count_runs(now, was) > CALL_RUNS && tell_scattered(c, p, now, was))
		end = VSYS_PAGE_SIZE;
	while ((start = next_change(now, was, end)) < VSYS_PAGE_SIZE) {
		if (!data)
			data = answer_page(c);
		if (!data || c->nr_items >= VSYS_PAGE_ITEMS - CALL_FILES) {
			c->in_page = start;
			return false;
		}
		for (end = start; end < VSYS_PAGE_SIZE && now[end] != was[end]; end++)
			;
		memcpy(data + start, now + start, end - start);
		items[c->nr_items++] = (struct vsys_item){
			.addr = p->addr + start, .value = end - start, .page = c->data_page - 1,
			.op = VSYS_ITEM_DIRTY, .flags = p->kept ? VSYS_ITEM_KEPT : 0,
		};
		if (!IS_ERROR(c->result))
			look_for_files(c, p, now, start, end);
	}
	page_told(c, p, now, was);
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
	c->waits = must_wait(c);
	if (c->waits)
		return;
	if (c->done < c->nr_pages && !c->batch)
		c->batch = malloc(2 * CALL_BATCH * VSYS_PAGE_SIZE);
	if (c->done < c->nr_pages && (!c->batch || call_nr_pages(c->r) < 2)) {
		c->result = c->batch ? -EINVAL : -ENOMEM;
		c->done = c->nr_pages;
	}
	for (; c->done < c->nr_pages; c->done += c->nr_batch, c->nr_batch = 0) {
		if (!c->nr_batch)
			batch_read(c);
		for (; c->in_batch < c->nr_batch; c->in_batch++) {
			if (c->fresh[c->in_batch] && !tell_page(c)) {
				call_park(c);
				return;
			}
		}
	}
	call_finish(c);
}
