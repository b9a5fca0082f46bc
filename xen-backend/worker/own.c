// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * own.c - files that a lane of an executor opens by itself.
 *
 * A driver may take read() and write() only from those who opened the file: sg
 * compares the very struct cred.  That of a file which the supervisor has opened is
 * nobody's here.  So on devices whose reads and writes carry pointers, the first call
 * of a file opens it anew, in the lane that makes the call, and that file is the
 * handle's from then on.  Its reads and writes by the same address space are made in
 * this lane, one at a time: a read that waits is interrupted when a write comes, and
 * made again after it, as natively after a signal.  Another address space is refused
 * by the driver, as another process is natively.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../log.h"
#include "call-parts.h"
#include "container.h"
#include "ring.h"
#include "worker.h"

static struct worker *worker_of(const struct handle *h)
{
	return container_of(h->table, struct device, handles)->worker;
}

/* --- opening ------------------------------------------------------------- */

static bool wants_own(const struct mcall *c)
{
	const struct handle *h = c->h;

	return c->q->dev->pointers && h && h->opened && !h->block && !h->own_tried;
}

static void own_closed(struct xjob *job, int64_t value, unsigned int made)
{
	struct mcall *c = container_of(job, struct mcall, agent);

	(void)value;
	if (made)
		c->next(c);
	else
		call_fail(c, -EIO);
}

/*
 * The worker has it now, under the handle's number.  Another call may have brought the
 * other file into the executor: the new one takes its place there (bring_files()).
 */
static int take_file(struct mcall *c, int number)
{
	int fd = syscall(SYS_pidfd_getfd, c->m->lane->pidfd, number, 0), err = 0;
	struct handle *h = c->h;
	struct mfile *f;

	if (fd < 0)
		return -errno;
	if (dup3(fd, h->fd, O_CLOEXEC) < 0)
		err = -errno;
	close(fd);
	LIST_FOREACH(f, &c->mm->files, of_mm)
		if (!err && f->h == h)
			f->installed = false;
	return err;
}

static void own_opened(struct xjob *job, int64_t value, unsigned int made)
{
	struct mcall *c = container_of(job, struct mcall, agent);
	struct handle *h = c->h;
	int err = IS_ERROR(value) ? (int)value : 0;

	if (!made) {
		call_fail(c, -EIO);
		return;
	}
	if (!err && !executor_is_file(value))
		err = -EBADF;
	if (!err)
		err = take_file(c, value);
	if (err) {
		/* What the driver does not refuse goes on as it can. */
		log_warn("domain %u device %u: an executor cannot open its node: %s",
			 worker_of(h)->transport->domid, c->q->dev->devid, strerror(-err));
		if (h->oflags & VSYS_O_EXCL)
			call_fail(c, err);
		else
			c->next(c);
		return;
	}
	h->oflags |= VSYS_O_NONBLOCK;
	h->opener = c->m;
	LIST_INSERT_HEAD(&c->m->opened, h, of_opener);
	job->nr = 0;
	job->done = own_closed;
	xjob_op(job, SYS_close, value, 0, 0, 0, 0, 0);
	lane_agent(c->m->lane, job);
}

void own_open(struct mcall *c, void (*next)(struct mcall *c))
{
	struct handle *h = c->h;
	char name[16];
	int flags;

	if (!wants_own(c)) {
		next(c);
		return;
	}
	h->own_tried = true;
	flags = fcntl(h->fd, F_GETFL);
	/* Nothing shall wait here: who had it open was let in a moment ago. */
	flags |= O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	if (h->oflags & VSYS_O_EXCL) {
		flags |= O_EXCL;
		if (dup3(worker_of(h)->executors.path_fd, h->fd, O_CLOEXEC) < 0) {
			call_fail(c, -errno);
			return;
		}
	}
	snprintf(name, sizeof(name), "%u", c->q->dev->devid);
	c->mm->gate = c;	/* a number is on its way */
	c->next = next;
	c->agent.done = own_opened;
	lane_open(c->m->lane, &c->agent, name, flags);
}

/* --- reading and writing --------------------------------------------------- */

bool call_has_own_lane(const struct mcall *c)
{
	return c->h && c->h->opener && c->h->opener->mm == c->mm &&
	       (c->op == VSYS_OP_MIRROR_READ || c->op == VSYS_OP_MIRROR_WRITE);
}

struct mirror *call_own_mirror(struct mcall *c)
{
	struct mirror *m = c->h->opener;
	struct mcall *other = m->call;

	if (!other)
		return m;
	/* What it waits for may well be what this one brings. */
	if (other->op == VSYS_OP_MIRROR_READ && c->op == VSYS_OP_MIRROR_WRITE) {
		other->yields = true;
		call_kick(other);
		worker_tick(c->q->dev->worker);
	}
	return NULL;
}

bool call_yield(struct mcall *c)
{
	struct mirror *m = c->m;
	struct mm *mm = c->mm;

	/* What the agent does for it cannot be taken back. */
	if (!c->yields || c->cancelled || !c->r || c->steps_run || c->q->dev->stopping ||
	    !mirror_alive(m))
		return false;
	mm->held++;
	c->yields = c->refused = c->guessed = false;
	c->need_addr = 0;
	c->nr_items = 0;
	call_drop_pages(c);
	c->m = NULL;
	c->phase = CALL_WAITING;
	TAILQ_INSERT_TAIL(&mm->waiting, c, of_waiting);
	mirror_idle(m);
	mm_start_waiting(mm);
	mm->held--;
	mm_settle(mm);
	return true;
}

/* --- the end --------------------------------------------------------------- */

bool mm_owns_no_file(const struct mm *mm)
{
	unsigned int i;

	for (i = 0; i < MACHINE_LANES; i++)
		if (mm->mirror[i] && !LIST_EMPTY(&mm->mirror[i]->opened))
			return false;
	return true;
}

void own_lost(struct mirror *m)
{
	struct handle *h;

	while ((h = LIST_FIRST(&m->opened))) {
		LIST_REMOVE(h, of_opener);
		h->opener = NULL;
	}
}

void own_forget(struct handle *h)
{
	if (!h->opener)
		return;
	LIST_REMOVE(h, of_opener);
	h->opener = NULL;
}
