// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * calls.c - native calls in a mirror; see calls.h and docs/mirror.md.
 *
 *   WAITING    for a mirror, or for another call that puts descriptors in order
 *   PREPARING  pages and files are put in place
 *   FETCHING   what a driver has pinned is renewed first
 *   JUDGING    what the policy looks at is fetched
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
	struct mpage *p = c->m && c->need_addr ? page_find(c->m, page_of(c->need_addr)) : NULL;

	return p && p->state == PAGE_ASKED ? p : NULL;
}

bool call_runs(const struct mcall *c)
{
	return c && c->phase == CALL_RUNNING;
}

/*
 * A thread that waits for a page would only be kept busy by a signal, until the page
 * is there; and a call whose agent is at work could not be taken back.
 */
void call_kick(struct mcall *c)
{
	if (call_runs(c) && (c->aborted || (!call_needs(c) && !c->steps_run)))
		lane_kick(&c->job);
}

static void open_gate(struct mcall *c)
{
	if (c->mm->gate != c)
		return;
	c->mm->gate = NULL;
	calls_look_again(c->mm);
}

void call_drop_pages(struct mcall *c)
{
	while (c->nr_pages > 0) {
		struct mpage *p = c->page[--c->nr_pages];

		p->users--;
		p->judged &= p->users > p->kept;
		if (!p->users && p->state == PAGE_GONE)
			page_free(p);
	}
}

static void call_free(struct mcall *c)
{
	struct handle *h = c->h;
	struct mm *mm = c->mm;

	mm->held++;
	c->waits = c->retry = false;
	pins_forget(c->q->dev->worker, &c->counting);
	/* While its pages are there. */
	if (c->told_shared || c->nr_batch)
		call_taken(c, true);
	call_drop_pages(c);
	if (mm->watch == c)
		mm->watch = NULL;
	if (call_needs(c) && !call_needs(c)->users)
		page_free(call_needs(c));
	if (c->m)
		mirror_idle(c->m);
	open_gate(c);
	c->q->calls[c->index] = NULL;
	LIST_REMOVE(c, of_mm);
	free(c->step);
	free(c->page);
	free(c->batch);
	free(c);
	if (h && !--h->holds)
		request_handle_idle(h);
	mm_start_waiting(mm);
	mm->held--;
	mm_settle(mm);
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
	c->phase = CALL_ENDING;
	c->result = err;
	c->done = c->nr_pages;
	call_tell(c);
}

struct mcall *call_new(struct request *r, struct mm *mm)
{
	struct queue *q = r->queue;
	struct mcall *c;

	if (!q->calls)
		q->calls = calloc(VSYS_MAX_CALLS, sizeof(*q->calls));
	c = q->calls ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return NULL;
	c->q = q;
	c->mm = mm;
	c->h = r->handle;
	if (c->h)
		c->h->holds++;
	c->index = r->rq.u.call.call;
	c->op = r->rq.op;
	c->cmd = r->rq.u.call.cmd;
	c->arg = r->rq.offset;
	c->compat = c->op == VSYS_OP_COMPAT_IOCTL || r->rq.flags & VSYS_CALL_COMPAT;
	c->r = r;
	c->begun = c->arrived = ++mm->arrivals;
	r->call_of = c;
	r->where = REQ_MIRROR;
	q->calls[c->index] = c;
	LIST_INSERT_HEAD(&mm->calls, c, of_mm);
	return c;
}

void calls_start(struct request *r)
{
	struct device *dev = r->queue->dev;
	bool rw = r->rq.op == VSYS_OP_MIRROR_READ || r->rq.op == VSYS_OP_MIRROR_WRITE;
	struct mcall *c;
	struct mm *mm;

	if (!dev->ioctl || (rw && !dev->pointers)) {
		request_end(r, -ENOSYS, 0, 0);
		return;
	}
	if (!rw && !policy_allows(dev->policy, r->rq.u.call.cmd)) {
		policy_denied(dev, r->rq.u.call.cmd);
		request_end(r, -EPERM, 0, 0);
		return;
	}
	mm = mm_get(dev, r->rq.u.call.mm);
	if (mm && mm->exit) {
		request_end(r, -ESRCH, 0, 0);
		return;
	}
	c = mm ? call_new(r, mm) : NULL;
	if (!c) {
		request_end(r, -ENOMEM, 0, 0);
		return;
	}
	dev->counters.calls++;
	TAILQ_INSERT_TAIL(&mm->waiting, c, of_waiting);
	mm_want_executor(mm);
	mm_start_waiting(mm);
}

void calls_fail_waiting(struct mm *mm, int err)
{
	struct mcall *c;

	mm->held++;
	while ((c = TAILQ_FIRST(&mm->waiting))) {
		TAILQ_REMOVE(&mm->waiting, c, of_waiting);
		call_fail(c, err);
	}
	mm->held--;
}

/* The device stops: nobody will continue these. */
void calls_drop_parked(struct mm *mm)
{
	struct mcall *c;

	/* The end of one may be that of others. */
	do {
		LIST_FOREACH(c, &mm->calls, of_mm)
			if (!c->r && !c->steps_run &&
			    (c->phase == CALL_ENDING || c->phase == CALL_FETCHING ||
			     c->phase == CALL_JUDGING || c->phase == CALL_GUESSING))
				break;
		if (c)
			call_free(c);
	} while (c);
}

/* --- the beginning ----------------------------------------------------- */

static void in_order(struct mcall *c)
{
	struct mm *mm = c->mm;
	bool gate = mm->gate == c;

	mm->held++;
	open_gate(c);
	call_judge(c);
	if (gate)
		mm_start_waiting(mm);
	mm->held--;
	mm_settle(mm);
}

static void begin_in_order(struct mcall *c)
{
	bring_items(c);
	if (fetch_kept(c))
		return;
	c->phase = CALL_PREPARING;
	drop_stale(c);
	steps_run(c, in_order);
}

/* Descriptors that it says are closed are so when it begins. */
bool call_brings_table(struct mcall *c)
{
	if (c->table_brought)
		return false;
	c->table_brought = true;
	bring_table(c);
	return true;
}

static void put_in_order(struct mcall *c)
{
	handle_set_flags(c->h, c->r->rq.flags & VSYS_O_MASK);
	drop_special(c);
	if (!bring_files(c)) {
		call_fail(c, -ENOMEM);
		return;
	}
	steps_run(c, begin_in_order);
}

/* It is the first of those that wait. */
void call_begin(struct mcall *c, struct mirror *m)
{
	TAILQ_REMOVE(&c->mm->waiting, c, of_waiting);
	c->m = m;
	m->call = c;
	c->phase = CALL_PREPARING;
	if (c->cancelled) {
		call_fail(c, -EINTR);
		return;
	}
	own_open(c, put_in_order);
}

static void counted(struct pins_question *q, int64_t count)
{
	struct mcall *c = container_of(q, struct mcall, counting);

	c->counted = count >= 0;
	c->pins_before = count;
	call_go(c);
}

/* What is pinned before anything of this address space is. */
static bool count_first(struct mcall *c)
{
	if (!c->pins || c->counting.answered || c->mm->nr_kept)
		return false;
	c->counting.answered = counted;
	pins_ask(c->q->dev->worker, &c->counting);
	return true;
}

void call_go(struct mcall *c)
{
	struct mfile *f = mm_file(c->mm, c->h);
	struct xjob *job = &c->job;
	int fd;

	c->pins = policy_pins(c->q->dev->policy, c->cmd);
	if (call_yield(c) || count_first(c))
		return;
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
	lane_run(c->m->lane, job);
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
	uint32_t run = 1;

	/* A driver that goes through memory gets as much again as it has had of it. */
	while (run < VSYS_PAGE_ITEMS && page_find(c->m, page - (uint64_t)run * VSYS_PAGE_SIZE))
		run++;
	c->run_pages = run;
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

/*
 * A thread waits for one page at a time: if it needs another now, the one that was
 * asked for was that of a fault that is over.
 */
bool call_need(struct mcall *c, uint64_t addr, bool write)
{
	if (call_needs(c)) {
		c->next_need = addr;
		c->next_need_write = write;
		return true;
	}
	if (!page_new(c->m, page_of(addr), PAGE_ASKED))
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

/* The former need has been met, or is refused. */
static void next_need(struct mcall *c)
{
	uint64_t addr = c->next_need;

	c->next_need = 0;
	if (addr && (page_find(c->m, page_of(addr)) ||
		     !call_need(c, addr, c->next_need_write)))
		pages_wake(c->m, page_of(addr), VSYS_PAGE_SIZE);
	if (c->cancelled || c->yields) {
		call_kick(c);
		worker_tick(c->q->dev->worker);
	}
}

/* After CONTINUE has brought what it brings. */
static void continue_call(struct mcall *c)
{
	if (c->phase == CALL_ENDING) {
		call_tell(c);
		return;
	}
	if (!c->r)
		return;		/* it has asked for more meanwhile */
	if (!mirror_alive(c->m))
		return;		/* its end is on its way */
	if (!call_needs(c)) {
		if (c->need_addr)
			pages_wake(c->m, page_of(c->need_addr), VSYS_PAGE_SIZE);
		c->need_addr = 0;
		next_need(c);
	} else if (c->need_told || c->aborted) {
		refuse_need(c);		/* it was not among what came */
		next_need(c);
	} else {
		tell_need(c);
	}
}

void calls_continue(struct request *r)
{
	struct mcall *c = r->queue->calls[r->rq.u.call.call];

	c->r = r;
	c->arrived = ++c->mm->arrivals;
	c->nr_items = c->next_bits = 0;
	c->data_page = 1;
	r->call_of = c;
	r->where = REQ_MIRROR;
	if (r->rq.flags & VSYS_CALL_ABORT && !c->aborted && c->op != VSYS_OP_WATCH) {
		c->aborted = true;
		calls_cancel(r);
	}
	if (c->told_shared)
		call_taken(c, false);
	if (c->op == VSYS_OP_WATCH) {
		watch_continues(c);
		return;
	}
	if (c->phase != CALL_ENDING && !mirror_alive(c->m)) {
		if (c->phase != CALL_RUNNING)	/* else its end is on its way */
			call_fail(c, -EIO);
		return;
	}
	if (c->phase == CALL_FETCHING) {
		begin_in_order(c);
		return;
	}
	if (c->phase == CALL_JUDGING) {
		c->phase = CALL_PREPARING;
		bring_items(c);
		steps_run(c, call_judge);
		return;
	}
	if (c->phase == CALL_GUESSING) {
		c->phase = CALL_PREPARING;
		bring_items(c);
		steps_run(c, call_go);
		return;
	}
	if (c->phase == CALL_RUNNING && !c->late) {
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
		TAILQ_REMOVE(&c->mm->waiting, c, of_waiting);
		call_fail(c, -EINTR);
	} else if (c->op == VSYS_OP_WATCH) {
		call_answer(c, -EINTR, 0, 0);
	} else if (c->phase == CALL_RUNNING) {
		call_kick(c);
		worker_tick(c->q->dev->worker);
	}
}

static void call_is_late(struct mcall *c)
{
	c->late = c->cancelled = true;
	if (!c->q->dev->late_warned)
		log_warn("domain %u device %u: the guest does not go on with a call",
			 c->q->dev->worker->transport->domid, c->q->dev->devid);
	c->q->dev->late_warned = true;
	if (c->phase == CALL_RUNNING) {
		refuse_need(c);
		next_need(c);
	}
	if (c->told_shared)
		call_taken(c, false);
	if (c->phase == CALL_FETCHING || c->phase == CALL_JUDGING || c->phase == CALL_GUESSING)
		call_fail(c, -ETIMEDOUT);
}

bool calls_tick(struct device *dev)
{
	int64_t now = worker_now();
	struct mcall *c, *next;
	struct mm *mm, *next_mm;
	bool again = false;

	if (dev->stopping)
		return false;		/* it has its own tick, and no mercy */
	for (mm = LIST_FIRST(&dev->mms); mm; mm = next_mm) {
		mm->held++;
		for (c = LIST_FIRST(&mm->calls); c; c = next) {
			next = LIST_NEXT(c, of_mm);
			if (c->cancelled || c->yields)
				call_kick(c);
			again |= !c->r || c->cancelled || c->yields || c->op == VSYS_OP_WATCH;
			if (!c->r && !c->late && now - c->parked_since >= VSYS_CALL_LIMIT_MS) {
				call_is_late(c);
				next = LIST_FIRST(&mm->calls);	/* others may have gone */
			}
		}
		if (mm->watch)
			watch_look(mm->watch);
		mm->held--;
		next_mm = LIST_NEXT(mm, of_device);
		mm_settle(mm);
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
 * What the argument is in the mirror, in whole words; it may cross a page.  Of a page
 * of the guest's own there is no image.
 */
static unsigned int read_argument(const struct mcall *c, uint32_t *half, unsigned int size)
{
	unsigned char now[VSYS_PAGE_SIZE];
	unsigned int done, n;
	struct mpage *p;

	for (done = 0; done < size; done += n) {
		uint64_t addr = c->arg + done;

		n = VSYS_PAGE_SIZE - addr % VSYS_PAGE_SIZE;
		if (n > size - done)
			n = size - done;
		p = page_find(c->m, page_of(addr));
		if (!p || (p->state != PAGE_PRESENT && p->state != PAGE_MAPPED) ||
		    !pages_read(c->m, &p->addr, 1, now))
			break;
		memcpy((unsigned char *)half + done, now + addr % VSYS_PAGE_SIZE, n);
	}
	return done / 4;
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
	unsigned int size = c->cmd >> 16 & 0x3fff, width = c->compat ? 4 : 8, words, i;
	struct vsys_item *items = call_page(c->r, 0);
	uint64_t value, addr, end, length = 1;
	uint32_t half[GUESS_BYTES / 4];

	if (!c->pins || c->op > VSYS_OP_COMPAT_IOCTL ||
	    (c->guessed ? c->nr_pages <= c->guess_pages : c->refused))
		return false;
	c->guessed = true;
	c->guess_pages = c->nr_pages;
	if (size == 0 || size > GUESS_BYTES)
		size = GUESS_BYTES;
	words = read_argument(c, half, size);
	size = words * 4;
	for (i = 0; i < words; i++)
		if (half[i] > length && half[i] <= GUESS_LENGTH)
			length = half[i];
	c->nr_items = 0;
	for (i = 0; (i + 1) * width <= size && c->nr_items < GUESS_POINTERS; i++) {
		value = half[i * width / 4];
		if (!c->compat)
			value |= (uint64_t)half[i * width / 4 + 1] << 32;
		if (value < VSYS_MIRROR_START || value >= MIRROR_END - length)
			continue;
		end = value + length;
		addr = first_missing(c->m, value, end);
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

	c->next_need = 0;
	if (made && value == -EINTR && call_yield(c))
		return;
	if (made && value == -EFAULT && c->r && !c->steps_run && !c->cancelled && !c->q->dev->stopping &&
	    try_pointers(c))
		return;
	if (!made || c->late || c->q->dev->stopping) {
		call_fail(c, made && c->late ? -ETIMEDOUT : -EIO);
		return;
	}
	c->phase = CALL_ENDING;
	c->result = value;
	c->done = c->nr_batch = 0;
	c->nr_items = c->next_bits = 0;
	c->data_page = 1;
	if (c->pins && !IS_ERROR(value))
		keep_pages(c);
	add_kept(c);
	call_tell(c);
}

void call_finish(struct mcall *c)
{
	long status = IS_ERROR(c->result) ? c->result : 0;

	if (c->op == VSYS_OP_WATCH) {
		watch_told(c);
		return;
	}
	if (!status && c->m->lane && c->op <= VSYS_OP_COMPAT_IOCTL && c->result > 0 &&
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
	call_answer(c, status, status ? 0 : c->result,
		    c->nr_items | (watch_missing(c) ? VSYS_CALL_KEPT : 0));
}
