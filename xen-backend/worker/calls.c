// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * calls.c - native calls in a mirror; see calls.h and docs/mirror.md.
 *
 *   WAITING    for an executor, or for another call that puts the mirror in order
 *   PREPARING  pages and files are put in place
 *   FETCHING   what a driver has pinned is renewed first
 *   RUNNING    the native call is made; it may need more
 *   GUESSING   it failed, and is made again with more
 *   ENDING     it has returned; what changed is told
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "../log.h"
#include "call-parts.h"
#include "container.h"
#include "limits.h"
#include "pins.h"
#include "ring.h"
#include "worker.h"

/* Of the 32-bit system call table. */
#define COMPAT_NR_READ		3
#define COMPAT_NR_WRITE		4
#define COMPAT_NR_IOCTL		54
/* try_pointers() */
#define GUESS_BYTES		256
#define GUESS_LENGTH		(16u << 20)
#define GUESS_POINTERS		8

static void native_done(struct xjob *job, int64_t value, unsigned int made);

/* --- birth and end of a call ------------------------------------------- */

/* The page that its driver waits for; NULL: none, or it came by another call. */
struct mpage *call_needs(const struct mcall *c)
{
	struct mpage *p = c->need_addr ? page_find(c->m, page_of(c->need_addr)) : NULL;

	return p && p->state == PAGE_ASKED ? p : NULL;
}

static void call_free(struct mcall *c)
{
	struct mirror *m = c->m;
	struct handle *h = c->h;
	unsigned int i;

	/* While its pages are there. */
	if (c->told_shared)
		call_taken(c);
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
void call_answer(struct mcall *c, long status, uint64_t value, uint64_t pos)
{
	struct request *r = c->r;

	c->r = NULL;
	if (r) {
		r->call_of = NULL;
		request_end(r, status, value, pos);
	}
	call_free(c);
}

void call_park(struct mcall *c)
{
	struct request *r = c->r;

	c->r = NULL;
	r->call_of = NULL;
	c->parked_since = worker_now();
	worker_tick_slowly(c->q->dev->worker);
	request_end(r, 0, 0, c->nr_items | VSYS_CALL_MORE);
}

/* It ends with err, and changed nothing; or nobody would hear of it. */
void call_fail(struct mcall *c, int err)
{
	if (c->m->gate == c)
		c->m->gate = NULL;
	c->phase = CALL_ENDING;
	c->result = err;
	c->done = c->nr_pages;
	c->nr_batch = 0;
	call_tell(c);
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

	m->held++;
	while ((c = TAILQ_FIRST(&m->waiting))) {
		TAILQ_REMOVE(&m->waiting, c, of_waiting);
		call_fail(c, err);
	}
	m->held--;
}

/* The device stops: nobody will continue these. */
void calls_drop_parked(struct mirror *m)
{
	struct mcall *c;

	/* The end of one may be that of others. */
	do {
		LIST_FOREACH(c, &m->calls, of_mirror)
			if (!c->r && !c->steps_run &&
			    (c->phase == CALL_ENDING || c->phase == CALL_FETCHING ||
			     c->phase == CALL_GUESSING))
				break;
		if (c)
			call_free(c);
	} while (c);
}

/* --- the beginning ----------------------------------------------------- */

static void call_go(struct mcall *c);

static void gate_opens(struct mcall *c)
{
	struct mirror *m = c->m;

	if (m->gate == c)
		m->gate = NULL;
	call_go(c);
	mirror_start_waiting(m);
}

static void begin_in_order(struct mcall *c)
{
	struct mirror *m = c->m;

	bring_items(c);
	if (fetch_kept(c))
		return;
	c->phase = CALL_PREPARING;
	if (m->gate == c)
		drop_stale(c);
	if (!bring_files(c)) {
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
	forget_fetched(m);
	if (m->nr_active++ == 0)
		drop_special(c);
	steps_run(c, begin_in_order);
}

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
	c->pins = policy_pins(c->q->dev->policy, c->cmd);
	if (c->pins)
		c->pins_before = pins_count();
	executor_run(c->m->x, job);
}

struct mcall *calls_of_job(struct xjob *job)
{
	return job && job->done == native_done ? container_of(job, struct mcall, job) : NULL;
}

/* --- faults ------------------------------------------------------------ */

/*
 * The guest's own page: for what drivers keep, and for what is large.  Not in a PV
 * dom0: gntdev of Linux 6.1 leaves the page table entry of a page that somebody
 * still refers to, and get_user_pages() makes the LRU lists refer to it; the
 * munmap() then finds a bad entry ("BUG: Bad page map").
 */
static bool wants_map(const struct mcall *c)
{
	return c->q->dev->worker->maps &&
	       (c->run_pages >= VSYS_MAP_PAGES || c->pins);
}

static void tell_need(struct mcall *c)
{
	struct vsys_item *items = call_page(c->r, 0);
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
		call_tell(c);
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
	if (c->told_shared)
		call_taken(c);	/* all that was told before */
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
		bring_items(c);
		steps_run(c, call_go);
		return;
	}
	if (c->phase == CALL_RUNNING && !c->late && c->m->x) {
		bring_items(c);
		if (c->nr_steps && !c->steps_run)
			steps_run(c, continue_call);
		else
			continue_call(c);
		return;
	}
	continue_call(c);
}

/* --- cancelling, time -------------------------------------------------- */

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
	if (!c->q->dev->late_warned)
		log_warn("domain %u device %u: the guest does not go on with a call",
			 c->q->dev->worker->transport->domid, c->q->dev->devid);
	c->q->dev->late_warned = true;
	if (c->phase == CALL_RUNNING)
		refuse_need(c);
	if (c->told_shared)
		call_taken(c);
	if (c->phase == CALL_FETCHING || c->phase == CALL_GUESSING) {
		call_fail(c, -ETIMEDOUT);
		mirror_start_waiting(c->m);	/* it had the gate */
	}
}

bool calls_tick(struct device *dev)
{
	int64_t now = worker_now();
	struct mirror *m;
	struct mcall *c, *next;
	bool again = false;

	if (dev->stopping)
		return false;		/* it has its own tick, and no mercy */
	LIST_FOREACH(m, &dev->mirrors, of_device) {
		for (c = LIST_FIRST(&m->calls); c; c = next) {
			next = LIST_NEXT(c, of_mirror);
			if (!c->r && now - c->parked_since >= VSYS_CALL_LIMIT_MS)
				call_is_late(c);
			if (c->cancelled && c->phase == CALL_RUNNING)
				executor_kick(&c->job);
			again |= !c->r || c->cancelled;
		}
	}
	return again;
}

/* --- the end ----------------------------------------------------------- */

/* The first page from addr to end that is not there; end: none, or it can't be. */
static uint64_t first_missing(struct mirror *m, uint64_t addr, uint64_t end)
{
	struct mpage *p;

	for (; addr < end; addr = page_of(addr) + VSYS_PAGE_SIZE) {
		p = page_find(m, page_of(addr));
		if (p && p->state == PAGE_REFUSED)
			return end;
		if (!p || p->state == PAGE_ASKED)
			return addr;
	}
	return end;
}

/*
 * Pinning for long (FOLL_LONGTERM) does not wait for a page that is not there: on
 * Linux 6.1 the driver gets EFAULT, and nobody hears of a fault.  So a call of a
 * command that pins (says the policy: no other call is ever made twice), which ends
 * that way although nothing was refused, is made once more, with all that its
 * argument may point to: each pointer in it, and as many pages as the greatest
 * number in it that could be a length.  Mapped, since it is to be pinned.  And once
 * more, as long as that brings pages: the guest may not have room for all at once.
 * False: there is nothing to try.
 */
static bool try_pointers(struct mcall *c)
{
	unsigned int size = c->cmd >> 16 & 0x3fff, words, i;
	struct vsys_item *items = call_page(c->r, 0);
	uint64_t value[GUESS_BYTES / 8], addr, end, length = 1;
	uint32_t half[GUESS_BYTES / 4];
	struct mpage *p;

	if (!c->pins || c->op != VSYS_OP_IOCTL ||
	    (c->guessed ? c->nr_pages <= c->guess_pages : c->refused))
		return false;
	c->guessed = true;
	c->guess_pages = c->nr_pages;
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
		if (value[i] < VSYS_MIRROR_START || value[i] >= MIRROR_END - length)
			continue;
		end = value[i] + length;
		addr = first_missing(c->m, value[i], end);
		if (addr == end)
			continue;
		items[c->nr_items++] = (struct vsys_item){
			.addr = addr, .op = VSYS_ITEM_NEED,
			.value = (page_of(end - 1) - page_of(addr)) / VSYS_PAGE_SIZE + 1,
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
	if (c->pins && !IS_ERROR(value))
		keep_pages(c);
	add_kept(c);
	call_tell(c);
}

void call_finish(struct mcall *c)
{
	long status = IS_ERROR(c->result) ? c->result : 0;

	if (!status && c->m->x && c->op <= VSYS_OP_COMPAT_IOCTL && c->result > 0 &&
	    c->result < MIRRORED_FDS)
		call_look_for_file(c, 0, c->result, true);
	if (!status && c->r && !call_other_files(c)) {
		call_park(c);
		return;
	}
	if (c->told_shared && c->r) {
		call_park(c);
		return;
	}
	call_answer(c, status, status ? 0 : c->result, c->nr_items);
}
