// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * calls.c - native calls in a mirror; see calls.h and docs/mirror.md.
 *
 *   WAITING    for an executor, or for another call that puts the mirror in order
 *   PREPARING  pages and files are put in place
 *   RUNNING    the native call is made; it may need more
 *   ENDING     it has returned; what changed is told
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../log.h"
#include "calls.h"
#include "container.h"
#include "limits.h"
#include "pins.h"
#include "ring.h"
#include "worker.h"

/* linux/mman.h has it, and clashes. */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif
/* Of the 32-bit system call table. */
#define COMPAT_NR_READ		3
#define COMPAT_NR_WRITE		4
#define COMPAT_NR_IOCTL		54
/* try_pointers() */
#define GUESS_BYTES		256
#define GUESS_LENGTH		(16u << 20)
#define GUESS_POINTERS		8
#define IS_ERROR(value)		((value) < 0 && (value) >= -4095)

_Static_assert(MACHINE_SCRATCH_SIZE / 4096 / MACHINE_THREADS >= CALL_MOVED,
	       "each thread has a scratch area for a batch");

static void end_step(struct mcall *c);
static void call_go(struct mcall *c);
static void call_finish(struct mcall *c);

static uint64_t page_of(uint64_t addr)
{
	return addr & ~(uint64_t)(VSYS_PAGE_SIZE - 1);
}

/* --- the request's pages and items ------------------------------------------ */

/* Where page number index of a request is in our memory. */
static void *request_page(const struct request *r, unsigned int index)
{
	size_t offset = (size_t)index * VSYS_PAGE_SIZE;
	unsigned int i;

	for (i = 0; i < r->nr_iov; i++) {
		if (offset < r->iov[i].iov_len)
			return (char *)r->iov[i].iov_base + offset;
		offset -= r->iov[i].iov_len;
	}
	return NULL;
}

static unsigned int request_pages(const struct request *r)
{
	return r->rq.length / VSYS_PAGE_SIZE;
}

static const char *item_fault(const struct request *r, const struct vsys_item *item)
{
	bool whole = item->addr % VSYS_PAGE_SIZE == 0 && item->addr >= VSYS_MIRROR_START &&
		     item->addr < MIRROR_END;

	switch (item->op) {
	case VSYS_ITEM_PAGE:
		if (!whole || item->page == 0 || item->page >= request_pages(r))
			return "a page that is none";
		return item->flags & ~VSYS_ITEM_WRITABLE ? "unknown flags" : NULL;
	case VSYS_ITEM_NONE:
		return item->addr % VSYS_PAGE_SIZE ? "a page that is none" :
		       item->flags ? "unknown flags" : NULL;
	case VSYS_ITEM_GRANT:
		if (!whole)
			return "a page that is none";
		return item->flags & ~VSYS_ITEM_WRITABLE ? "unknown flags" : NULL;
	case VSYS_ITEM_FILE:
		if (item->addr >= EXECUTOR_OWN_FDS)
			return "a descriptor out of range";
		return item->flags ? "unknown flags" : NULL;
	default:
		return "an unknown operation";
	}
}

/* Copied once (rule 1), then checked. */
static int copy_items(struct request *r, char *reason, size_t size)
{
	unsigned int i, nr = r->rq.u.call.nr_items;
	const char *fault;

	if (!nr)
		return 0;
	r->items = malloc(nr * sizeof(*r->items));
	if (!r->items)
		return -ENOMEM;
	memcpy(r->items, request_page(r, 0), nr * sizeof(*r->items));
	__asm__ __volatile__("" ::: "memory");
	for (i = 0; i < nr; i++) {
		fault = item_fault(r, &r->items[i]);
		if (fault) {
			snprintf(reason, size, "queue %u: request %u has item %u with %s",
				 r->queue->index, r->rq.id, i, fault);
			free(r->items);
			r->items = NULL;
			return 1;
		}
	}
	return 0;
}

static const char *call_fault(const struct request *r)
{
	const struct vsys_request *rq = &r->rq;
	struct queue *q = r->queue;
	struct mcall *c;
	unsigned int i;

	if (rq->u.call.mm >= VSYS_MAX_MMS)
		return "an address space out of range";
	if (rq->op == VSYS_OP_MM_EXIT)
		return NULL;
	if (rq->u.call.call >= VSYS_MAX_CALLS)
		return "a call out of range";
	c = q->calls ? q->calls[rq->u.call.call] : NULL;
	if (rq->op == VSYS_OP_CONTINUE) {
		if (!c || c->r || c->m->mm != rq->u.call.mm)
			return "a call to continue that is not there";
	} else if (c) {
		return "a call that is in use";
	}
	if (rq->u.call.nr_items > VSYS_PAGE_ITEMS)
		return "too many items";
	if (rq->length < VSYS_PAGE_SIZE)
		return "no page for items";
	for (i = 0; i < r->nr_iov; i++)
		if (((char *)r->iov[i].iov_base - (char *)q->pool) % VSYS_PAGE_SIZE ||
		    r->iov[i].iov_len % VSYS_PAGE_SIZE)
			return "segments that are not whole pages";
	return NULL;
}

int calls_check(struct request *r, char *reason, size_t size)
{
	const char *fault = call_fault(r);

	if (fault) {
		snprintf(reason, size, "queue %u: request %u has %s", r->queue->index, r->rq.id,
			 fault);
		return 1;
	}
	return r->rq.op == VSYS_OP_MM_EXIT ? 0 : copy_items(r, reason, size);
}

/* --- birth and end of a call -------------------------------------------------- */

/* The page that its driver waits for; NULL: none, or it came by another call. */
static struct mpage *call_needs(const struct mcall *c)
{
	struct mpage *p = c->need_addr ? page_find(c->m, page_of(c->need_addr)) : NULL;

	return p && p->state == PAGE_ASKED ? p : NULL;
}

static void call_free(struct mcall *c)
{
	struct mirror *m = c->m;
	struct handle *h = c->h;
	unsigned int i;

	for (i = 0; i < c->nr_pages; i++) {
		struct mpage *p = c->page[i];

		p->users--;
		if (!p->users && (p->state == PAGE_MOVED || p->state == PAGE_GONE))
			page_free(m, p);
		else if (!p->users && p->state == PAGE_MOVING)
			p->state = PAGE_PRESENT;
	}
	if (call_needs(c) && !call_needs(c)->users)
		page_free(m, call_needs(c));
	if (c->active)
		m->nr_active--;
	if (m->gate == c)
		m->gate = NULL;
	c->q->calls[c->index] = NULL;
	c->q->dev->nr_calls--;
	LIST_REMOVE(c, of_mirror);
	free(c->step);
	free(c->page);
	free(c->batch);
	free(c);
	if (!--h->holds)
		request_handle_idle(h);
	mirror_start_waiting(m);
	mirror_settle(m);
}

/* The last answer. */
static void call_answer(struct mcall *c, long status, uint64_t value, uint64_t pos)
{
	struct request *r = c->r;

	c->r = NULL;
	if (r) {
		r->call_of = NULL;
		request_end(r, status, value, pos);
	}
	call_free(c);
}

static void call_park(struct mcall *c)
{
	struct request *r = c->r;

	c->r = NULL;
	r->call_of = NULL;
	c->parked_since = worker_now();
	worker_tick_slowly(c->q->dev->worker);
	request_end(r, 0, 0, c->nr_items | VSYS_CALL_MORE);
}

/* It ends with err, and changed nothing; or nobody would hear of it. */
static void call_fail(struct mcall *c, int err)
{
	if (c->m->gate == c)
		c->m->gate = NULL;
	c->phase = CALL_ENDING;
	c->result = err;
	c->done = c->nr_pages;
	c->nr_batch = 0;
	end_step(c);
}

static struct mcall *call_new(struct request *r, struct mirror *m)
{
	struct queue *q = r->queue;
	struct mcall *c;

	if (!q->calls)
		q->calls = calloc(VSYS_MAX_CALLS, sizeof(*q->calls));
	c = q->calls ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return NULL;
	c->q = q;
	c->m = m;
	c->h = r->handle;
	c->h->holds++;
	c->index = r->rq.u.call.call;
	c->op = r->rq.op;
	c->cmd = r->rq.u.call.cmd;
	c->arg = r->rq.offset;
	c->compat = c->op == VSYS_OP_COMPAT_IOCTL || r->rq.flags & VSYS_CALL_COMPAT;
	c->r = r;
	r->call_of = c;
	r->where = REQ_MIRROR;
	q->calls[c->index] = c;
	q->dev->nr_calls++;
	LIST_INSERT_HEAD(&m->calls, c, of_mirror);
	return c;
}

void calls_start(struct request *r)
{
	struct device *dev = r->queue->dev;
	bool rw = r->rq.op == VSYS_OP_MIRROR_READ || r->rq.op == VSYS_OP_MIRROR_WRITE;
	struct mirror *m;
	struct mcall *c;

	if (!dev->ioctl || (rw && !dev->pointers)) {
		request_end(r, -ENOSYS, 0, 0);
		return;
	}
	if (!rw && !policy_allows(dev->policy, r->rq.u.call.cmd)) {
		policy_denied(dev, r->rq.u.call.cmd);
		request_end(r, -EPERM, 0, 0);
		return;
	}
	m = mirror_get(dev, r->rq.u.call.mm);
	if (m && m->exit) {
		request_end(r, -ESRCH, 0, 0);
		return;
	}
	c = m ? call_new(r, m) : NULL;
	if (!c) {
		request_end(r, -ENOMEM, 0, 0);
		return;
	}
	dev->counters.calls++;
	TAILQ_INSERT_TAIL(&m->waiting, c, of_waiting);
	mirror_want_executor(m);
	mirror_start_waiting(m);
}

void calls_fail_waiting(struct mirror *m, int err)
{
	struct mcall *c;

	while ((c = TAILQ_FIRST(&m->waiting))) {
		TAILQ_REMOVE(&m->waiting, c, of_waiting);
		call_fail(c, err);
	}
}

/* The device stops: nobody will continue these. */
void calls_drop_parked(struct mirror *m)
{
	struct mcall *c, *next;

	for (c = LIST_FIRST(&m->calls); c; c = next) {
		next = LIST_NEXT(c, of_mirror);
		if (!c->r && !c->steps_run &&
		    (c->phase == CALL_ENDING || c->phase == CALL_FETCHING ||
		     c->phase == CALL_GUESSING))
			call_free(c);
	}
}

/* --- steps: what the agent does ----------------------------------------------- */

static struct call_step *step_add(struct mcall *c)
{
	struct call_step *s;

	if (c->nr_steps == c->max_steps) {
		unsigned int max = c->max_steps ? 2 * c->max_steps : 16;
		void *p = realloc(c->step, max * sizeof(*c->step));

		if (!p)
			return NULL;
		c->step = p;
		c->max_steps = max;
	}
	s = &c->step[c->nr_steps++];
	memset(s, 0, sizeof(*s));
	return s;
}

/* Something at the page's address; false: no memory. */
static bool step_page(struct mcall *c, struct mpage *p, int after, uint64_t nr, uint64_t a0,
		      uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct call_step *s = step_add(c);

	if (!s)
		return false;
	s->op = (struct machine_op){ .nr = nr, .arg = { a0, a1, a2, a3, a4, a5 } };
	s->page = p;
	s->after = after;
	return true;
}

static bool step_map(struct mcall *c, struct mpage *p, int after, int prot, int flags, int fd,
		     uint64_t offset)
{
	return step_page(c, p, after, SYS_mmap, p->addr, VSYS_PAGE_SIZE, prot, flags | MAP_FIXED,
			 fd, offset);
}

#define ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static void steps_post(struct mcall *c);

static void step_done(struct mcall *c, struct call_step *s)
{
	struct mirror *m = c->m;

	if (s->has_grant)
		page_unmap_grant(m, s->grant);
	switch (s->after) {
	case AFTER_NOTHING:
		break;
	case AFTER_WAKE:
		page_wake(m, s->page->addr);
		break;
	case AFTER_WATCH:
		page_watch(m, s->page->addr);
		page_free(m, s->page);
		break;
	case AFTER_MOVE:
		LIST_REMOVE(s->page, of_hash);
		m->nr_pages--;
		s->page->state = PAGE_MOVED;
		break;
	}
}

static void steps_failed(struct mcall *c, int err)
{
	c->nr_steps = c->steps_done = 0;
	c->steps_run = false;
	if (err != -EIO) {
		log_err("a mirror cannot be put in order: %s", strerror(-err));
		if (c->m->x)
			executor_kill(c->m->x);
	}
	if (c->phase == CALL_ENDING || c->phase == CALL_PREPARING)
		call_fail(c, -EIO);
	/* RUNNING: its own end comes by the executor's death. */
}

static void steps_finished(struct mcall *c)
{
	void (*next)(struct mcall *) = c->next;

	c->nr_steps = c->steps_done = 0;
	c->steps_run = false;
	c->next = NULL;
	if (next)
		next(c);
}

static void file_placed(struct mcall *c, struct mfile *f, int number)
{
	f->busy = false;
	if (!f->h) {		/* closed meanwhile; what came after that is closed, too */
		free(f);
	} else {
		f->number = number;
		f->installed = true;
	}
	c->steps_done++;
	steps_post(c);
}

/* dup3() and close() are done. */
static void file_moved(struct xjob *job, int64_t value, unsigned int made)
{
	struct mcall *c = container_of(job, struct mcall, agent);
	struct mfile *f = c->step[c->steps_done].file;

	(void)made;
	if (IS_ERROR(value)) {
		f->busy = false;
		if (!f->h)
			free(f);
		steps_failed(c, value);
		return;
	}
	file_placed(c, f, f->number);
}

/* The executor has a copy of the worker's descriptor, under some number. */
static void file_got(struct xjob *job, int64_t value, unsigned int made)
{
	struct mcall *c = container_of(job, struct mcall, agent);
	struct mfile *f = c->step[c->steps_done].file, *other;

	(void)made;
	if (IS_ERROR(value)) {
		f->busy = false;
		if (!f->h)
			free(f);
		steps_failed(c, value);
		return;
	}
	if (f->h && (f->number < 0 || f->number == value)) {
		file_placed(c, f, value);
		return;
	}
	job->nr = 0;
	job->done = file_moved;
	if (f->h) {
		/* Whoever had the number has it no more. */
		LIST_FOREACH(other, &c->m->files, of_mirror)
			if (other != f && other->number == f->number) {
				other->installed = false;
				other->number = -1;
			}
		xjob_op(job, SYS_dup3, value, f->number, O_CLOEXEC, 0, 0, 0);
	}
	xjob_op(job, SYS_close, value, 0, 0, 0, 0, 0);
	executor_agent(c->m->x, job);
}

static void ops_done(struct xjob *job, int64_t value, unsigned int made)
{
	struct mcall *c = container_of(job, struct mcall, agent);
	unsigned int i;

	if (made == 0 || IS_ERROR(value)) {
		steps_failed(c, made ? (int)value : -EIO);
		return;
	}
	for (i = 0; i < c->steps_posted; i++)
		step_done(c, &c->step[c->steps_done + i]);
	c->steps_done += c->steps_posted;
	steps_post(c);
}

/* The next ones, as many as fit. */
static void steps_post(struct mcall *c)
{
	struct xjob *job = &c->agent;
	struct call_step *s;

	if (c->steps_done == c->nr_steps) {
		steps_finished(c);
		return;
	}
	if (!c->m->x || c->m->x->dying) {
		steps_failed(c, -EIO);
		return;
	}
	c->steps_run = true;
	job->nr = 0;
	s = &c->step[c->steps_done];
	if (s->kind == STEP_FILE) {
		if (!s->file->h || s->file->installed || s->file->busy) {
			/* Gone, or somebody else's work. */
			c->steps_done++;
			steps_post(c);
			return;
		}
		s->file->busy = true;
		job->done = file_got;
		xjob_op(job, SYS_pidfd_getfd, EXECUTOR_WORKER, s->file->h->fd, 0, 0, 0, 0);
		executor_agent(c->m->x, job);
		return;
	}
	for (; job->nr < MACHINE_OPS && c->steps_done + job->nr < c->nr_steps; s++) {
		if (s->kind != STEP_OP)
			break;
		job->op[job->nr++] = s->op;
	}
	c->steps_posted = job->nr;
	job->done = ops_done;
	executor_agent(c->m->x, job);
}

/* Runs what was added, then next. */
static void steps_run(struct mcall *c, void (*next)(struct mcall *c))
{
	c->next = next;
	steps_post(c);
}

/* --- what a request brings ------------------------------------------------------ */

static bool call_uses(struct mcall *c, struct mpage *p)
{
	unsigned int i;

	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i] == p)
			return true;
	if (c->nr_pages == c->max_pages) {
		unsigned int max = c->max_pages ? 2 * c->max_pages : 16;
		void *page = realloc(c->page, max * sizeof(*c->page));

		if (!page)
			return false;
		c->page = page;
		c->max_pages = max;
	}
	c->page[c->nr_pages++] = p;
	p->users++;
	return true;
}

static void bring_page(struct mcall *c, const struct vsys_item *item)
{
	bool present, writable = item->flags & VSYS_ITEM_WRITABLE;
	struct mirror *m = c->m;
	struct mpage *p = page_find(m, item->addr);

	present = p && p->state == PAGE_PRESENT;
	p = page_bring(m, item->addr, request_page(c->r, item->page), writable);
	if (!p)
		return;
	c->q->dev->counters.copies++;
	/* Not counted as used, it is idle, and goes before the next call. */
	call_uses(c, p);
	if (!present && p->state == PAGE_PRESENT && p->readonly)
		step_page(c, p, AFTER_WAKE, SYS_mprotect, p->addr, VSYS_PAGE_SIZE, PROT_READ, 0,
			  0, 0);
}

/* There is nothing: who touches it gets EFAULT. */
static void bring_nothing(struct mcall *c, uint64_t addr)
{
	struct mirror *m = c->m;
	struct mpage *p = page_find(m, addr);

	if (addr < VSYS_MIRROR_START || addr >= MIRROR_END ||
	    (p && p->state != PAGE_ASKED))
		return;
	if (!p)
		p = page_new(m, addr, PAGE_REFUSED);
	if (!p || !call_uses(c, p))
		return;
	p->state = PAGE_REFUSED;
	c->refused = true;
	step_map(c, p, AFTER_WAKE, PROT_NONE, ANONYMOUS, -1, 0);
}

static void bring_grant(struct mcall *c, const struct vsys_item *item)
{
	int prot = PROT_READ | (item->flags & VSYS_ITEM_WRITABLE ? PROT_WRITE : 0);
	struct mirror *m = c->m;
	struct mpage *p = page_find(m, item->addr);
	uint64_t index;

	if (p && p->state != PAGE_ASKED)
		return;
	if (c->q->dev->worker->executors.gntdev < 0 || page_map_grant(m, item->value, &index)) {
		bring_nothing(c, item->addr);
		return;
	}
	if (!p)
		p = page_new(m, item->addr, PAGE_MAPPED);
	if (!p || !call_uses(c, p) ||
	    !step_map(c, p, AFTER_WAKE, prot, MAP_SHARED, EXECUTOR_GNTDEV, index)) {
		page_unmap_grant(m, index);
		return;
	}
	p->state = PAGE_MAPPED;
	c->step[c->nr_steps - 1].has_grant = true;
	c->step[c->nr_steps - 1].grant = index;
}

static void bring_file(struct mcall *c, const struct vsys_item *item)
{
	struct device *dev = item->value ? device_find(c->q->dev->worker, item->page) : NULL;
	struct handle *h = dev ? handle_get(&dev->handles, item->value) : NULL;

	mirror_set_file(c->m, item->addr, h);
}

static void take_items(struct mcall *c)
{
	struct request *r = c->r;
	unsigned int i;

	for (i = 0; i < r->rq.u.call.nr_items; i++) {
		const struct vsys_item *item = &r->items[i];

		switch (item->op) {
		case VSYS_ITEM_PAGE:
			bring_page(c, item);
			break;
		case VSYS_ITEM_NONE:
			bring_nothing(c, item->addr);
			break;
		case VSYS_ITEM_GRANT:
			bring_grant(c, item);
			break;
		case VSYS_ITEM_FILE:
			bring_file(c, item);
			break;
		}
	}
}

/* --- the beginning ---------------------------------------------------------------- */

/* What drivers had pinned has been released. */
static void release_kept(struct mirror *m)
{
	struct mpage *p;
	unsigned int i;

	if (!m->nr_kept || pins_more_than(m->pins_before))
		return;
	for (i = 0; i < MIRROR_HASH; i++) {
		LIST_FOREACH(p, &m->hash[i], of_hash) {
			p->users -= p->kept;
			p->kept = false;
		}
	}
	m->nr_kept = 0;
}

/* Pages of earlier calls that can't be renewed in place: away with them. */
static void drop_special(struct mcall *c)
{
	struct mirror *m = c->m;
	struct mpage *p;
	unsigned int i;

	release_kept(m);
	for (i = 0; i < MIRROR_HASH; i++) {
		LIST_FOREACH(p, &m->hash[i], of_hash) {
			if (p->users)
				continue;
			if (p->state == PAGE_REFUSED || p->state == PAGE_MAPPED ||
			    (p->state == PAGE_PRESENT && p->readonly))
				step_map(c, p, AFTER_WATCH, PROT_READ | PROT_WRITE, ANONYMOUS,
					 -1, 0);
			else if (p->state == PAGE_PRESENT)
				p->stale = true;
		}
	}
}

/* The files that the call may name, and that whose call it is. */
static bool need_files(struct mcall *c)
{
	struct mfile *f = mirror_file(c->m, c->h);
	struct call_step *s;

	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return false;
		f->h = c->h;
		f->number = -1;
		LIST_INSERT_HEAD(&c->m->files, f, of_mirror);
	}
	LIST_FOREACH(f, &c->m->files, of_mirror) {
		if (f->installed || f->busy)
			continue;
		s = step_add(c);
		if (!s)
			return false;
		s->kind = STEP_FILE;
		s->file = f;
	}
	return true;
}

/* What is idle and was not renewed goes. */
static void drop_stale(struct mcall *c)
{
	struct mirror *m = c->m;
	struct mpage *p, *next;
	unsigned int i;

	for (i = 0; i < MIRROR_HASH; i++) {
		for (p = LIST_FIRST(&m->hash[i]); p; p = next) {
			next = LIST_NEXT(p, of_hash);
			if (!p->stale || p->users)
				continue;
			step_page(c, NULL, AFTER_NOTHING, SYS_madvise, p->addr, VSYS_PAGE_SIZE,
				  MADV_DONTNEED, 0, 0, 0);
			page_free(m, p);
		}
	}
}

static void gate_opens(struct mcall *c)
{
	struct mirror *m = c->m;

	if (m->gate == c)
		m->gate = NULL;
	call_go(c);
	mirror_start_waiting(m);
}

/*
 * What a driver has pinned it may look at during any call: the guest's content of
 * now is fetched first.  False: there is nothing.
 */
static bool fetch_kept(struct mcall *c)
{
	struct vsys_item *items = request_page(c->r, 0);
	struct mpage *p;
	unsigned int i;

	c->nr_items = 0;
	for (i = 0; c->m->nr_kept && i < MIRROR_HASH; i++)
		LIST_FOREACH(p, &c->m->hash[i], of_hash)
			if (p->kept && c->nr_items < VSYS_PAGE_ITEMS)
				items[c->nr_items++] = (struct vsys_item){
					.addr = p->addr, .value = 1, .op = VSYS_ITEM_NEED,
				};
	if (!c->nr_items)
		return false;
	c->phase = CALL_FETCHING;
	call_park(c);
	return true;
}

static void begin_in_order(struct mcall *c)
{
	struct mirror *m = c->m;

	if (c->phase == CALL_PREPARING) {
		take_items(c);
		if (fetch_kept(c))
			return;
	} else {
		c->phase = CALL_PREPARING;
		take_items(c);
	}
	if (m->gate == c)
		drop_stale(c);
	if (!need_files(c)) {
		if (m->gate == c)
			m->gate = NULL;
		call_fail(c, -ENOMEM);
		return;
	}
	steps_run(c, gate_opens);
}

/* It is the first of those that wait, and the mirror is ready. */
void call_begin(struct mcall *c)
{
	struct mirror *m = c->m;

	TAILQ_REMOVE(&m->waiting, c, of_waiting);
	c->phase = CALL_PREPARING;
	if (c->cancelled) {
		call_fail(c, -EINTR);
		return;
	}
	handle_set_flags(c->h, c->r->rq.flags & VSYS_O_MASK);
	c->active = true;
	m->gate = c;
	if (m->nr_active++ == 0)
		drop_special(c);
	steps_run(c, begin_in_order);
}

static void native_done(struct xjob *job, int64_t value, unsigned int made);

static void call_go(struct mcall *c)
{
	struct mfile *f = mirror_file(c->m, c->h);
	struct xjob *job = &c->job;
	int fd;

	if (c->cancelled || !f || !f->installed) {
		call_fail(c, c->cancelled ? -EINTR : -EIO);
		return;
	}
	fd = f->number;
	job->nr = 0;
	job->done = native_done;
	switch (c->op) {
	case VSYS_OP_IOCTL:
		xjob_op(job, SYS_ioctl, fd, c->cmd, c->arg, 0, 0, 0);
		break;
	case VSYS_OP_COMPAT_IOCTL:
		xjob_op(job, COMPAT_NR_IOCTL, fd, c->cmd, c->arg, 0, 0, 0);
		break;
	case VSYS_OP_MIRROR_READ:
		xjob_op(job, c->compat ? COMPAT_NR_READ : SYS_read, fd, c->arg, c->cmd, 0, 0, 0);
		break;
	default:
		xjob_op(job, c->compat ? COMPAT_NR_WRITE : SYS_write, fd, c->arg, c->cmd, 0, 0, 0);
		break;
	}
	if (c->compat)
		job->op[0].flags = OP_COMPAT;
	c->phase = CALL_RUNNING;
	c->measured = pins_begin(c->q->dev, c->cmd, &c->pins_before);
	executor_run(c->m->x, job);
}

struct mcall *calls_of_job(struct xjob *job)
{
	return job && job->done == native_done ? container_of(job, struct mcall, job) : NULL;
}

/* --- faults ------------------------------------------------------------------------ */

/*
 * The guest's own page: for what drivers keep, and for what is large.  Not in a PV
 * dom0: gntdev of Linux 6.1 leaves the page table entry of a page that somebody
 * still refers to, and get_user_pages() makes the LRU lists refer to it; the
 * munmap() then finds a bad entry ("BUG: Bad page map").
 */
static bool wants_map(const struct mcall *c)
{
	return c->q->dev->worker->maps &&
	       (c->run_pages >= VSYS_MAP_PAGES || pins_known(c->q->dev, c->cmd));
}

static void tell_need(struct mcall *c)
{
	struct vsys_item *items = request_page(c->r, 0);
	uint64_t page = page_of(c->need_addr);

	/* A driver that goes through memory gets more each time. */
	if (page != c->run_end)
		c->run_pages = 1;
	else if (c->run_pages < VSYS_PAGE_ITEMS)
		c->run_pages *= 2;
	c->run_end = page + (uint64_t)c->run_pages * VSYS_PAGE_SIZE;
	c->need_told = true;
	items[0] = (struct vsys_item){
		.addr = c->need_addr, .value = c->run_pages, .op = VSYS_ITEM_NEED,
		.flags = (c->need_write ? VSYS_ITEM_WRITE : 0) |
			 (wants_map(c) ? VSYS_ITEM_MAP : 0),
	};
	c->nr_items = 1;
	call_park(c);
}

static void refuse_need(struct mcall *c)
{
	struct mpage *p = call_needs(c);

	c->need_addr = 0;
	if (!p)
		return;
	bring_nothing(c, p->addr);
	if (!c->steps_run)
		steps_run(c, NULL);
}

bool call_need(struct mcall *c, uint64_t addr, bool write)
{
	if (call_needs(c) || !page_new(c->m, page_of(addr), PAGE_ASKED))
		return false;
	c->q->dev->counters.faults++;
	c->need_addr = addr;
	c->need_write = write;
	c->need_told = false;
	if (c->aborted || c->late || c->q->dev->stopping)
		refuse_need(c);
	else if (c->r)
		tell_need(c);
	return true;
}

/* After CONTINUE has brought what it brings. */
static void continue_call(struct mcall *c)
{
	if (c->phase == CALL_ENDING) {
		end_step(c);
		return;
	}
	if (!call_needs(c))
		c->need_addr = 0;
	else if (c->need_told || c->aborted)
		refuse_need(c);		/* it was not among what came */
	else
		tell_need(c);
}

void calls_continue(struct request *r)
{
	struct mcall *c = r->queue->calls[r->rq.u.call.call];

	c->r = r;
	c->nr_items = 0;
	c->data_page = 1;
	r->call_of = c;
	r->where = REQ_MIRROR;
	if (r->rq.flags & VSYS_CALL_ABORT && !c->aborted) {
		c->aborted = true;
		calls_cancel(r);
	}
	if (c->phase != CALL_ENDING && (!c->m->x || c->m->x->dying)) {
		if (c->phase != CALL_RUNNING)	/* else its end is on its way */
			call_fail(c, -EIO);
		return;
	}
	if (c->phase == CALL_FETCHING) {
		begin_in_order(c);
		return;
	}
	if (c->phase == CALL_GUESSING) {
		c->phase = CALL_PREPARING;
		take_items(c);
		steps_run(c, call_go);
		return;
	}
	if (c->phase == CALL_RUNNING && !c->late && c->m->x) {
		take_items(c);
		if (c->nr_steps && !c->steps_run)
			steps_run(c, continue_call);
		else
			continue_call(c);
		return;
	}
	continue_call(c);
}

/* --- cancelling, time ------------------------------------------------------------- */

void calls_cancel(struct request *r)
{
	struct mcall *c = r->call_of;

	if (!c || c->cancelled)
		return;
	c->cancelled = true;
	if (c->phase == CALL_WAITING) {
		TAILQ_REMOVE(&c->m->waiting, c, of_waiting);
		call_fail(c, -EINTR);
	} else if (c->phase == CALL_RUNNING) {
		if (executor_unqueue(&c->job)) {
			call_fail(c, -EINTR);
			return;
		}
		executor_kick(&c->job);
		worker_tick(c->q->dev->worker);
	}
}

static void call_is_late(struct mcall *c)
{
	if (c->late)
		return;
	c->late = c->cancelled = true;
	log_warn("domain %u device %u: the guest does not go on with a call",
		 c->q->dev->worker->transport->domid, c->q->dev->devid);
	if (c->phase == CALL_RUNNING)
		refuse_need(c);
	if (c->phase == CALL_FETCHING || c->phase == CALL_GUESSING)
		call_fail(c, -ETIMEDOUT);
}

bool calls_tick(struct device *dev)
{
	int64_t now = worker_now();
	struct mirror *m;
	struct mcall *c;
	bool again = false;

	LIST_FOREACH(m, &dev->mirrors, of_device) {
		LIST_FOREACH(c, &m->calls, of_mirror) {
			if (!c->r && now - c->parked_since >= VSYS_CALL_LIMIT_MS)
				call_is_late(c);
			if (c->cancelled && c->phase == CALL_RUNNING)
				executor_kick(&c->job);
			again |= !c->r || c->cancelled;
		}
	}
	return again;
}

/* --- the end ------------------------------------------------------------------------- */

/*
 * A driver has pinned something: what it was given stays, as long as it can.  Not
 * the argument itself, which drivers copy.
 */
static void keep_pages(struct mcall *c)
{
	unsigned int i;

	if (!c->m->nr_kept)
		c->m->pins_before = c->pins_before;
	for (i = 0; i < c->nr_pages; i++) {
		struct mpage *p = c->page[i];

		if (p->state != PAGE_PRESENT || p->readonly || p->kept ||
		    p->addr == page_of(c->arg))
			continue;
		p->kept = true;
		p->users++;
		c->m->nr_kept++;
	}
}

/* What a driver may have written to pages that it kept is told with each call. */
static void add_kept(struct mcall *c)
{
	struct mpage *p;
	unsigned int i;

	for (i = 0; c->m->nr_kept && i < MIRROR_HASH; i++)
		LIST_FOREACH(p, &c->m->hash[i], of_hash)
			if (p->kept)
				call_uses(c, p);
}

/*
 * Pinning for long (FOLL_LONGTERM) does not wait for a page that is not there: on
 * Linux 6.1 the driver gets EFAULT, and nobody hears of a fault.  So a call that
 * ends that way, although nothing was refused, is made once more, with all that its
 * argument may point to: each pointer in it, and as many pages as the greatest
 * number in it that could be a length.  Mapped, since it is to be pinned.  False:
 * there is nothing to try.
 */
static bool try_pointers(struct mcall *c)
{
	unsigned int size = c->cmd >> 16 & 0x3fff, words, i;
	struct vsys_item *items = request_page(c->r, 0);
	uint64_t value[GUESS_BYTES / 8], pages, length = 1;
	uint32_t half[GUESS_BYTES / 4];
	struct mpage *p;

	if (c->guessed || c->refused || c->op != VSYS_OP_IOCTL)
		return false;
	c->guessed = true;
	if (size == 0 || size > GUESS_BYTES)
		size = GUESS_BYTES;
	p = page_find(c->m, page_of(c->arg));
	if (!p || !p->image)
		return false;
	if (size > VSYS_PAGE_SIZE - c->arg % VSYS_PAGE_SIZE)
		size = VSYS_PAGE_SIZE - c->arg % VSYS_PAGE_SIZE;
	words = size / 8;
	memcpy(value, p->image + c->arg % VSYS_PAGE_SIZE, words * 8);
	memcpy(half, value, words * 8);
	for (i = 0; i < 2 * words; i++)
		if (half[i] > length && half[i] <= GUESS_LENGTH)
			length = half[i];
	c->nr_items = 0;
	for (i = 0; i < words && c->nr_items < GUESS_POINTERS; i++) {
		p = page_find(c->m, page_of(value[i]));
		if (value[i] < VSYS_MIRROR_START || value[i] >= MIRROR_END ||
		    (p && p->state != PAGE_ASKED && length <= VSYS_PAGE_SIZE))
			continue;
		pages = (value[i] % VSYS_PAGE_SIZE + length + VSYS_PAGE_SIZE - 1) / VSYS_PAGE_SIZE;
		items[c->nr_items++] = (struct vsys_item){
			.addr = value[i], .value = pages, .op = VSYS_ITEM_NEED,
			.flags = VSYS_ITEM_WRITE |
				 (c->q->dev->worker->maps ? VSYS_ITEM_MAP : 0),
		};
	}
	if (!c->nr_items)
		return false;
	c->phase = CALL_GUESSING;
	call_park(c);
	return true;
}

static void native_done(struct xjob *job, int64_t value, unsigned int made)
{
	struct mcall *c = container_of(job, struct mcall, job);

	if (made && value == -EFAULT && c->r && !c->cancelled && !c->q->dev->stopping &&
	    try_pointers(c))
		return;
	if (!made || c->late || c->q->dev->stopping) {
		call_fail(c, made && c->late ? -ETIMEDOUT : -EIO);
		return;
	}
	c->phase = CALL_ENDING;
	c->result = value;
	c->done = c->nr_batch = 0;
	c->nr_items = 0;
	c->data_page = 1;
	if (c->measured && pins_end(c->q->dev, c->cmd, c->pins_before))
		keep_pages(c);
	add_kept(c);
	end_step(c);
}

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
	end_step(c);
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

/* False: it takes a while, and end_step() is called then. */
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

/* A number in what the driver wrote may be that of a file that it has made. */
static void look_for_file(struct mcall *c, uint64_t addr, uint32_t word, bool is_return)
{
	struct device *dev = c->q->dev;
	struct worker *w = dev->worker;
	struct vsys_item *items;
	struct mfile *f;
	struct handle *h;
	int fd, flags;

	if (!c->m->x || word != (uint32_t)mirror_lowest_free(c->m) || word >= EXECUTOR_OWN_FDS ||
	    c->nr_items >= VSYS_PAGE_ITEMS)
		return;
	fd = syscall(SYS_pidfd_getfd, c->m->x->pidfd, word, 0);
	if (fd < 0)
		return;
	h = handle_reserve(&dev->handles);
	f = h ? calloc(1, sizeof(*f)) : NULL;
	if (!f) {
		if (h)
			handle_free(h);
		close(fd);
		return;
	}
	flags = fcntl(fd, F_GETFL);
	handle_open(h, fd, (flags & O_ACCMODE) | (flags & O_NONBLOCK ? VSYS_O_NONBLOCK : 0),
		    false, w->probe_fd);
	dev->counters.handles++;
	f->h = h;
	f->number = word;
	f->installed = true;
	LIST_INSERT_HEAD(&c->m->files, f, of_mirror);
	items = request_page(c->r, 0);
	items[c->nr_items++] = (struct vsys_item){
		.addr = is_return ? 0 : addr, .value = h->number,
		.page = (h->lseek ? VSYS_FILE_LSEEK : 0) | (h->pread ? VSYS_FILE_PREAD : 0) |
			(h->pwrite ? VSYS_FILE_PWRITE : 0),
		.op = VSYS_ITEM_NEW_FILE, .flags = is_return ? VSYS_ITEM_RETURN : 0,
	};
}

static void look_for_files(struct mcall *c, const struct mpage *p, const unsigned char *now,
			   unsigned int from, unsigned int to)
{
	unsigned int i;
	uint32_t word;

	for (i = from & ~3u; i < to; i += 4) {
		memcpy(&word, now + i, sizeof(word));
		if (word < EXECUTOR_OWN_FDS)
			look_for_file(c, p->addr + i, word, false);
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
 * Tells what changed in the page that is compared, from in_page on.  False: there
 * is no more room in this answer.
 */
static bool tell_page(struct mcall *c)
{
	unsigned char *now = c->place[c->in_batch], *data = NULL;
	struct mpage *p = c->page[c->done + c->in_batch];
	struct vsys_item *items = request_page(c->r, 0);
	unsigned int start, end = c->in_page;

	while ((start = next_change(now, p->image, end)) < VSYS_PAGE_SIZE) {
		if (!data && c->data_page < request_pages(c->r))
			data = request_page(c->r, c->data_page++);
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
	memcpy(p->image, now, VSYS_PAGE_SIZE);
	c->in_page = 0;
	return true;
}

/* Tells what changed, as long as there is somebody and there is room. */
static void end_step(struct mcall *c)
{
	if (c->steps_run)
		return;			/* comes back */
	if (c->q->dev->stopping) {
		call_answer(c, -EIO, 0, 0);
		return;
	}
	if (!c->r)
		return;
	if (c->done < c->nr_pages && !c->batch)
		c->batch = malloc(CALL_BATCH * VSYS_PAGE_SIZE);
	if (c->done < c->nr_pages && (!c->batch || request_pages(c->r) < 2)) {
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

static void call_finish(struct mcall *c)
{
	long status = IS_ERROR(c->result) ? c->result : 0;

	if (!status && c->m->x && c->op <= VSYS_OP_COMPAT_IOCTL && c->result > 0 &&
	    c->result < EXECUTOR_OWN_FDS)
		look_for_file(c, 0, c->result, true);
	call_answer(c, status, status ? 0 : c->result, c->nr_items);
}
