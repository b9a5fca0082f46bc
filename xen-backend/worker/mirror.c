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

static void on_ready(struct executor *x, int err);
static void on_fault(struct executor *x, const struct uffd_msg *msg, unsigned int thread);
static void on_dead(struct executor *x);

static const struct executor_ops executor_ops = { on_ready, on_fault, on_dead };

static void file_remove(struct mfile *f)
{
	LIST_REMOVE(f, of_mirror);
	f->h = NULL;
	if (!f->busy)
		free(f);	/* else by who installs it */
}

/* --- executors ------------------------------------------------------------ */

/* One that nobody uses makes room for another. */
static void evict_one(struct worker *w)
{
	struct mirror *m;

	TAILQ_FOREACH(m, &w->mirrors, of_worker) {
		if (m->x && m->ready && LIST_EMPTY(&m->calls) && !m->nr_kept &&
		    !m->x->dying) {
			executor_kill(m->x);
			return;
		}
	}
}

void mirror_want_executor(struct mirror *m)
{
	struct worker *w = m->dev->worker;

	if (m->x)
		return;
	m->x = executor_new(&w->executors, &executor_ops, m);
	m->wants_executor = !m->x;
	if (m->x)
		return;
	if (!executors_alive(&w->executors)) {
		m->wants_executor = false;
		calls_fail_waiting(m, -EOPNOTSUPP);
		return;
	}
	/* Whoever dies, or ends a call, makes room. */
	evict_one(w);
}

/* Those for whom there was no room. */
static void serve_wanting(struct worker *w)
{
	struct mirror *m;

	TAILQ_FOREACH(m, &w->mirrors, of_worker)
		if (m->wants_executor) {
			mirror_want_executor(m);
			return;
		}
}

static void on_ready(struct executor *x, int err)
{
	struct mirror *m = x->owner;

	if (err) {
		calls_fail_waiting(m, -EIO);
		return;
	}
	m->ready = true;
	mirror_start_waiting(m);
	mirror_settle(m);
}

void mirror_start_waiting(struct mirror *m)
{
	struct mcall *c;

	while (m->ready && !m->gate && !m->x->dying && (c = TAILQ_FIRST(&m->waiting)))
		call_begin(c);
}

struct refusal {
	struct xjob job;
	struct mirror *m;
	uint64_t addr;
};

static void refused(struct xjob *job, int64_t value, unsigned int made)
{
	struct refusal *r = container_of(job, struct refusal, job);

	(void)made;
	if (value >= 0 && r->m->x)
		page_wake(r->m, r->addr);
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
		executor_kill(m->x);
		return;
	}
	p->state = PAGE_REFUSED;
	r->m = m;
	r->addr = addr;
	r->job.done = refused;
	xjob_op(&r->job, SYS_mmap, addr, 4096, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	executor_agent(m->x, &r->job);
}

static void on_fault(struct executor *x, const struct uffd_msg *msg, unsigned int thread)
{
	uint64_t exact = msg->arg.pagefault.address, addr = exact & ~4095ull;
	struct mirror *m = x->owner;
	struct mpage *p = page_find(m, addr);
	struct mcall *c = thread ? calls_of_job(x->job[thread]) : NULL;

	if (p && p->state == PAGE_ASKED)
		return;			/* whoever brings it wakes all */
	if (p) {
		page_wake(m, addr);	/* it came, or is about to go */
		return;
	}
	if (!c || !call_need(c, exact, msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE))
		refuse(m, addr);
}

static void mirror_free(struct mirror *m)
{
	struct worker *w = m->dev->worker;
	struct request *exit = m->exit;
	struct mfile *f;

	while ((f = LIST_FIRST(&m->files))) {
		LIST_REMOVE(f, of_mirror);
		free(f);
	}
	pages_gone(m);
	LIST_REMOVE(m, of_device);
	TAILQ_REMOVE(&w->mirrors, m, of_worker);
	free(m);
	if (exit)
		request_end(exit, 0, 0, 0);
}

static void on_dead(struct executor *x)
{
	struct mirror *m = x->owner;
	struct worker *w = m->dev->worker;
	struct mfile *f, *next;

	m->x = NULL;
	m->ready = false;
	pages_gone(m);
	for (f = LIST_FIRST(&m->files); f; f = next) {
		next = LIST_NEXT(f, of_mirror);
		f->installed = false;
		if (!f->mirrored)
			f->number = -1;
		if (!f->h && !f->busy)
			file_remove(f);
	}
	m->held++;
	if (!TAILQ_EMPTY(&m->waiting) && !m->dev->stopping)
		mirror_want_executor(m);
	m->held--;
	mirror_settle(m);
	serve_wanting(w);
}

/* --- mirrors ---------------------------------------------------------------- */

struct mirror *mirror_get(struct device *dev, uint32_t mm)
{
	struct worker *w = dev->worker;
	struct mirror *m;
	unsigned int i;

	LIST_FOREACH(m, &dev->mirrors, of_device)
		if (m->mm == mm)
			break;
	if (m) {
		TAILQ_REMOVE(&w->mirrors, m, of_worker);
		TAILQ_INSERT_TAIL(&w->mirrors, m, of_worker);
		return m;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->dev = dev;
	m->mm = mm;
	for (i = 0; i < MIRROR_HASH; i++)
		LIST_INIT(&m->hash[i]);
	LIST_INIT(&m->files);
	LIST_INIT(&m->calls);
	TAILQ_INIT(&m->waiting);
	LIST_INSERT_HEAD(&dev->mirrors, m, of_device);
	TAILQ_INSERT_TAIL(&w->mirrors, m, of_worker);
	return m;
}

void mirror_settle(struct mirror *m)
{
	struct worker *w = m->dev->worker;

	if (m->held || !LIST_EMPTY(&m->calls))
		return;
	if (m->exit || m->dev->stopping) {
		if (m->x)
			executor_kill(m->x);
		else
			mirror_free(m);
		return;
	}
	/* Idle: others may need the place more. */
	TAILQ_FOREACH(m, &w->mirrors, of_worker)
		if (m->wants_executor) {
			evict_one(w);
			return;
		}
}

void mirror_exit(struct request *r)
{
	struct mirror *m;

	LIST_FOREACH(m, &r->queue->dev->mirrors, of_device)
		if (m->mm == r->rq.u.call.mm)
			break;
	if (!m || m->exit) {
		request_end(r, m ? -EBUSY : 0, 0, 0);
		return;
	}
	r->where = REQ_CLOSING;
	m->exit = r;
	mirror_settle(m);
}

void mirrors_stop(struct device *dev)
{
	struct mirror *m, *next;

	for (m = LIST_FIRST(&dev->mirrors); m; m = next) {
		next = LIST_NEXT(m, of_device);
		m->wants_executor = false;
		m->held++;
		if (m->x)
			executor_kill(m->x);
		calls_fail_waiting(m, -EIO);
		calls_drop_parked(m);
		m->held--;
		mirror_settle(m);
	}
}

bool mirrors_gone(const struct device *dev)
{
	return LIST_EMPTY(&dev->mirrors);
}

/* --- descriptors -------------------------------------------------------------- */

struct mfile *mirror_file(struct mirror *m, const struct handle *h)
{
	struct mfile *f, *any = NULL;

	LIST_FOREACH(f, &m->files, of_mirror) {
		if (f->h != h)
			continue;
		if (f->installed)
			return f;
		any = f;
	}
	return any;
}

static struct mfile *file_at(struct mirror *m, int number)
{
	struct mfile *f;

	LIST_FOREACH(f, &m->files, of_mirror)
		if (f->number == number)
			return f;
	return NULL;
}

bool mirror_knows(const struct mirror *m, int number)
{
	const struct mfile *f;

	LIST_FOREACH(f, &m->files, of_mirror)
		if (f->number == number && f->installed)
			return true;
	return false;
}

int mirror_lowest_free(const struct mirror *m)
{
	int n = EXECUTOR_FIRST_FD;

	while (mirror_knows(m, n))
		n++;
	return n;
}

struct closing {
	struct xjob job;
	struct handle *h;		/* NULL: nobody waits */
	void (*resume)(struct handle *h);
};

static void closed(struct xjob *job, int64_t value, unsigned int made)
{
	struct closing *c = container_of(job, struct closing, job);

	(void)value;
	(void)made;
	if (c->h && !--c->h->copies)
		c->resume(c->h);
	free(c);
}

/* False: there was nothing to do, or (no memory) it stays open until the end. */
static bool close_number(struct mirror *m, int number, struct handle *h,
			 void (*resume)(struct handle *h))
{
	struct closing *c;

	if (number < 0 || !m->x || m->x->dying)
		return false;
	c = calloc(1, sizeof(*c));
	if (!c)
		return false;
	c->h = h;
	c->resume = resume;
	c->job.done = closed;
	if (number < EXECUTOR_FIRST_FD)
		xjob_op(&c->job, SYS_dup3, EXECUTOR_PATH, number, O_CLOEXEC, 0, 0, 0);
	else
		xjob_op(&c->job, SYS_close, number, 0, 0, 0, 0, 0);
	if (h)
		h->copies++;
	executor_agent(m->x, &c->job);
	return true;
}

void mirror_set_file(struct mirror *m, int number, struct handle *h)
{
	struct mfile *f = file_at(m, number);

	if (f && f->h == h) {
		f->mirrored = true;
		return;
	}
	if (f && !f->h && !f->busy) {
		file_remove(f);	/* it had no name; dup3() closes it */
		f = NULL;
	}
	if (f && !f->mirrored && h) {
		/* Its number is taken from it by dup3(). */
		f->number = -1;
		f->installed = false;
		f = NULL;
	}
	if (f) {
		if (f->installed && !h)
			close_number(m, number, NULL, NULL);
		file_remove(f);
	}
	if (!h)
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		return;		/* the driver will say EBADF */
	f->h = h;
	f->number = number;
	f->mirrored = true;
	LIST_INSERT_HEAD(&m->files, f, of_mirror);
}

bool mirrors_forget(struct handle *h, void (*resume)(struct handle *h))
{
	struct device *dev = container_of(h->table, struct device, handles);
	struct mfile *f, *next;
	struct mirror *m;

	TAILQ_FOREACH(m, &dev->worker->mirrors, of_worker) {
		for (f = LIST_FIRST(&m->files); f; f = next) {
			next = LIST_NEXT(f, of_mirror);
			if (f->h != h)
				continue;
			if (f->installed)
				close_number(m, f->number, h, resume);
			file_remove(f);
		}
	}
	return h->copies > 0;
}
