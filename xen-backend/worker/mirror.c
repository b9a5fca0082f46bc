// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mirror.c - mirrors: their executors, their descriptors, their end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../log.h"
#include "calls.h"
#include "container.h"
#include "limits.h"
#include "mirror.h"
#include "request.h"
#include "worker.h"

static void on_ready(struct lane *l, int err);
static void on_fault(struct lane *l, const struct uffd_msg *msg, bool in_call);
static void on_dead(struct executor *x);

static const struct executor_ops executor_ops = { on_ready, on_fault, on_dead };

/* --- executors ------------------------------------------------------------ */

/* One that nobody uses makes room for another. */
static void evict_one(struct worker *w)
{
	struct mm *mm;

	TAILQ_FOREACH(mm, &w->mms, of_worker) {
		if (mm->x && mm->mirror[0] && LIST_EMPTY(&mm->calls) && !mm->nr_kept &&
		    mm_owns_no_file(mm) && !mm->x->dying) {
			executor_kill(mm->x);
			return;
		}
	}
}

void mm_want_executor(struct mm *mm)
{
	struct worker *w = mm->dev->worker;

	/* What idle ones still have in place is kept only as long as there is room. */
	if (w->nr_mirror_pages > VSYS_DOMAIN_PAGES / 4 * 3)
		evict_one(w);
	if (mm->x)
		return;
	mm->x = executor_new(&w->executors, &executor_ops, mm);
	mm->wants_executor = !mm->x;
	if (mm->x)
		return;
	if (!executors_alive(&w->executors)) {
		mm->wants_executor = false;
		calls_fail_waiting(mm, -EOPNOTSUPP);
		return;
	}
	/* Whoever dies, or ends a call, makes room. */
	evict_one(w);
}

/* Those for whom there was no room. */
static void serve_wanting(struct worker *w)
{
	struct mm *mm;

	TAILQ_FOREACH(mm, &w->mms, of_worker)
		if (mm->wants_executor) {
			mm_want_executor(mm);
			return;
		}
}

static struct mirror *mirror_new(struct mm *mm, struct lane *l)
{
	struct mirror *m = calloc(1, sizeof(*m));
	unsigned int i;

	if (!m)
		return NULL;
	m->mm = mm;
	m->lane = l;
	for (i = 0; i < MIRROR_HASH; i++)
		LIST_INIT(&m->hash[i]);
	LIST_INIT(&m->pages);
	LIST_INIT(&m->opened);
	l->owner = m;
	mm->mirror[l->index] = m;
	return m;
}

/* It is no longer the mirror of a lane; a call may still hold it. */
static void mirror_part(struct mirror *m)
{
	m->mm->mirror[m->lane->index] = NULL;
	m->lane = NULL;
	own_lost(m);
	pages_gone(m);
	if (!m->call)
		free(m);
}

bool mirror_alive(const struct mirror *m)
{
	return m->lane && !m->lane->x->dying;
}

void mirror_kill(struct mirror *m)
{
	if (m->lane)
		executor_kill(m->lane->x);
}

void mirror_idle(struct mirror *m)
{
	m->call = NULL;
	if (!m->lane)
		free(m);
}

static void on_ready(struct lane *l, int err)
{
	struct mm *mm = l->x->owner;

	if (!err && !mirror_new(mm, l)) {
		executor_kill(l->x);
		return;
	}
	mm->held++;
	if (err && l->index == 0)
		calls_fail_waiting(mm, -EIO);
	calls_look_again(mm);
	mm->held--;
	mm_start_waiting(mm);
	mm_settle(mm);
}

static struct mirror *idle_mirror(const struct mm *mm)
{
	unsigned int i;

	for (i = 0; i < mm->x->nr_lanes; i++)
		if (mm->mirror[i] && !mm->mirror[i]->call)
			return mm->mirror[i];
	return NULL;
}

/* There are more calls than mirrors: as many are made as are missing. */
static void add_mirrors(struct mm *mm)
{
	unsigned int wanted = 0;
	struct mcall *c;

	TAILQ_FOREACH(c, &mm->waiting, of_waiting)
		wanted += !call_has_own_lane(c);
	while (mm->x->births < wanted && executor_add_lane(mm->x))
		;
	if (!mm->x->births)
		evict_one(mm->dev->worker);	/* it may have been for lack of room */
}

void mm_start_waiting(struct mm *mm)
{
	struct mcall *c = TAILQ_FIRST(&mm->waiting);
	struct mirror *m;

	while (c && mm->x && mm->mirror[0] && !mm->gate && !mm->nr_closing && !mm->x->dying) {
		if (call_brings_table(c))
			continue;	/* which may have closed something */
		/* A number that is a file's may be that of a new lane's userfaultfd now. */
		if (mm->x->births && !mm_files_in_place(mm, c->h))
			return;
		if (call_has_own_lane(c)) {
			m = call_own_mirror(c);
			if (!m) {
				c = TAILQ_NEXT(c, of_waiting);
				continue;
			}
		} else {
			m = idle_mirror(mm);
		}
		if (!m) {
			add_mirrors(mm);
			return;
		}
		call_begin(c, m);
		/* Anything may have come and gone. */
		c = TAILQ_FIRST(&mm->waiting);
	}
}

bool mm_numbers_move(const struct mm *mm)
{
	return mm->gate || mm->nr_closing || (mm->x && mm->x->births);
}

void mm_number_closed(struct mm *mm)
{
	if (--mm->nr_closing)
		return;
	mm->held++;
	calls_look_again(mm);
	mm_start_waiting(mm);
	mm->held--;
	mm_settle(mm);
}

struct refusal {
	struct xjob job;
	struct lane *lane;
	uint64_t addr;
};

static void refused(struct xjob *job, int64_t value, unsigned int made)
{
	struct refusal *r = container_of(job, struct refusal, job);
	struct mirror *m = r->lane->owner;

	if (made && value >= 0)
		pages_wake(m, r->addr, VSYS_PAGE_SIZE);
	free(r);
}

/* Nobody's fault is answered: whoever touches the page gets EFAULT. */
static void refuse(struct mirror *m, uint64_t addr)
{
	struct refusal *r = calloc(1, sizeof(*r));
	struct mpage *p = page_find(m, addr);

	if (!p)
		p = page_new(m, addr, PAGE_REFUSED);
	if (!r || !p) {
		free(r);
		mirror_kill(m);
		return;
	}
	p->state = PAGE_REFUSED;
	r->lane = m->lane;
	r->addr = addr;
	r->job.done = refused;
	xjob_op(&r->job, SYS_mmap, addr, 4096, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	lane_agent(m->lane, &r->job);
}

/*
 * A thread that has a signal does not sleep in its fault but tries again and again,
 * and says so each time.  So this may be of a fault, and even of a call, that is over.
 */
static void on_fault(struct lane *l, const struct uffd_msg *msg, bool in_call)
{
	uint64_t exact = msg->arg.pagefault.address, addr = exact & ~4095ull;
	bool write = msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE;
	struct mirror *m = l->owner;
	struct mpage *p = page_find(m, addr);

	if (p && p->state == PAGE_ASKED)
		return;			/* whoever brings it wakes all */
	if (p || (in_call && !call_runs(m->call)))
		pages_wake(m, addr, VSYS_PAGE_SIZE);	/* it came, or is about to go */
	else if (!in_call || !call_need(m->call, exact, write))
		refuse(m, addr);
}

static void mm_free(struct mm *mm)
{
	struct worker *w = mm->dev->worker;
	struct request *exit = mm->exit;
	struct mfile *f;

	pins_forget(w, &mm->unpinned);
	while ((f = LIST_FIRST(&mm->files))) {
		LIST_REMOVE(f, of_mm);
		free(f);
	}
	LIST_REMOVE(mm, of_device);
	TAILQ_REMOVE(&w->mms, mm, of_worker);
	free(mm);
	if (exit)
		request_end(exit, 0, 0, 0);
}

static void on_dead(struct executor *x)
{
	struct mm *mm = x->owner;
	struct worker *w = mm->dev->worker;
	struct mfile *f, *next;
	unsigned int i;

	mm->x = NULL;
	for (i = 0; i < MACHINE_LANES; i++)
		if (mm->mirror[i])
			mirror_part(mm->mirror[i]);
	for (f = LIST_FIRST(&mm->files); f; f = next) {
		next = LIST_NEXT(f, of_mm);
		f->installed = false;
		if (!f->mirrored)
			f->number = -1;
		if (!f->h && !f->busy)
			mm_forget_file(f);
	}
	mm->held++;
	calls_look_again(mm);
	if (!TAILQ_EMPTY(&mm->waiting) && !mm->dev->stopping)
		mm_want_executor(mm);
	mm->held--;
	mm_settle(mm);
	serve_wanting(w);
}

/* --- address spaces --------------------------------------------------------- */

static struct mm *mm_find(const struct device *dev, uint32_t number)
{
	struct mm *mm;

	LIST_FOREACH(mm, &dev->mms, of_device)
		if (mm->number == number)
			break;
	return mm;
}

struct mm *mm_get(struct device *dev, uint32_t number)
{
	struct mm *mm = mm_find(dev, number);
	struct worker *w = dev->worker;

	if (mm) {
		TAILQ_REMOVE(&w->mms, mm, of_worker);
		TAILQ_INSERT_TAIL(&w->mms, mm, of_worker);
		return mm;
	}
	mm = calloc(1, sizeof(*mm));
	if (!mm)
		return NULL;
	mm->dev = dev;
	mm->number = number;
	LIST_INIT(&mm->files);
	LIST_INIT(&mm->calls);
	TAILQ_INIT(&mm->waiting);
	LIST_INSERT_HEAD(&dev->mms, mm, of_device);
	TAILQ_INSERT_TAIL(&w->mms, mm, of_worker);
	return mm;
}

void mm_settle(struct mm *mm)
{
	struct worker *w = mm->dev->worker;

	if (mm->held || !LIST_EMPTY(&mm->calls))
		return;
	if (mm->exit || mm->dev->stopping) {
		if (mm->x)
			executor_kill(mm->x);
		else
			mm_free(mm);
		return;
	}
	/* Idle: others may need the place more. */
	TAILQ_FOREACH(mm, &w->mms, of_worker)
		if (mm->wants_executor) {
			evict_one(w);
			return;
		}
}

void mm_exit(struct request *r)
{
	struct mm *mm = mm_find(r->queue->dev, r->rq.u.call.mm);

	if (!mm || mm->exit) {
		request_end(r, mm ? -EBUSY : 0, 0, 0);
		return;
	}
	r->where = REQ_CLOSING;
	mm->exit = r;
	mm_settle(mm);
}

void mms_stop(struct device *dev)
{
	struct mm *mm, *next;

	for (mm = LIST_FIRST(&dev->mms); mm; mm = next) {
		next = LIST_NEXT(mm, of_device);
		mm->wants_executor = false;
		mm->held++;
		if (mm->x)
			executor_kill(mm->x);
		calls_fail_waiting(mm, -EIO);
		calls_drop_parked(mm);
		watch_end(mm, -EIO);
		mm->held--;
		mm_settle(mm);
	}
}

bool mms_gone(const struct device *dev)
{
	return LIST_EMPTY(&dev->mms);
}
