// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * steps.c - what an executor's agent does for a call before it can go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../log.h"
#include "call-parts.h"
#include "container.h"
#include "ring.h"
#include "worker.h"

struct call_step *step_add(struct mcall *c)
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
bool step_page(struct mcall *c, struct mpage *p, int after, uint64_t nr, uint64_t a0,
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

bool step_map(struct mcall *c, struct mpage *p, int after, int prot, int flags, int fd,
	      uint64_t offset)
{
	return step_page(c, p, after, SYS_mmap, p->addr, VSYS_PAGE_SIZE, prot, flags | MAP_FIXED,
			 fd, offset);
}

static void steps_post(struct mcall *c);

static void step_done(struct mcall *c, struct call_step *s)
{
	struct mirror *m = c->m;

	if (s->has_grant)
		page_unmap_grant(m, s->grant);
	if (s->after == AFTER_WATCH) {
		page_watch(m, s->page->addr);
		page_free(s->page);
	}
}

static void steps_failed(struct mcall *c, int err)
{
	for (; c->steps_done < c->nr_steps; c->steps_done++) {
		struct mfile *f = c->step[c->steps_done].file;

		if (!f)
			continue;
		f->busy = false;
		if (!f->h)
			free(f);
	}
	c->nr_steps = c->steps_done = 0;
	c->steps_run = false;
	if (err != -EIO) {
		log_err("a mirror cannot be put in order: %s", strerror(-err));
		mirror_kill(c->m);
	}
	if (c->phase == CALL_ENDING || c->phase == CALL_PREPARING)
		call_fail(c, -EIO);
	/* RUNNING: its own end comes by the executor's death. */
}

static void steps_finished(struct mcall *c)
{
	void (*next)(struct mcall *) = c->next;
	unsigned int i;

	/* Who is woken may go on to any of these pages. */
	for (i = 0; i < c->nr_steps; i++)
		if (c->step[i].after == AFTER_WAKE)
			pages_wake(c->m, c->step[i].op.arg[0], c->step[i].op.arg[1]);
	c->nr_steps = c->steps_done = 0;
	c->steps_run = false;
	c->next = NULL;
	if (next)
		next(c);
	else if (c->phase == CALL_ENDING)
		call_tell(c);	/* which waited for this */
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
	if (!executor_is_file(value)) {
		steps_failed(c, IS_ERROR(value) ? (int)value : -EBADF);
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
		LIST_FOREACH(other, &c->mm->files, of_mm)
			if (other != f && other->number == f->number) {
				other->installed = false;
				other->number = -1;
			}
		xjob_op(job, SYS_dup3, value, f->number, O_CLOEXEC, 0, 0, 0);
	}
	xjob_op(job, SYS_close, value, 0, 0, 0, 0, 0);
	lane_agent(c->m->lane, job);
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
	if (!mirror_alive(c->m)) {
		steps_failed(c, -EIO);
		return;
	}
	c->steps_run = true;
	job->nr = 0;
	s = &c->step[c->steps_done];
	if (s->kind == STEP_FILE) {
		if (!s->file->h) {
			free(s->file);	/* closed meanwhile */
			c->steps_done++;
			steps_post(c);
			return;
		}
		job->done = file_got;
		xjob_op(job, SYS_pidfd_getfd, EXECUTOR_WORKER, s->file->h->fd, 0, 0, 0, 0);
		lane_agent(c->m->lane, job);
		return;
	}
	for (; job->nr < MACHINE_OPS && c->steps_done + job->nr < c->nr_steps; s++) {
		if (s->kind != STEP_OP)
			break;
		job->op[job->nr++] = s->op;
	}
	c->steps_posted = job->nr;
	job->done = ops_done;
	lane_agent(c->m->lane, job);
}

/* Runs what was added, then next. */
void steps_run(struct mcall *c, void (*next)(struct mcall *c))
{
	c->next = next;
	steps_post(c);
}
