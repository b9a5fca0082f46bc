// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * files.c - the descriptors of an executor, as the guest's process has them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "container.h"
#include "mirror.h"
#include "worker.h"

void mm_forget_file(struct mfile *f)
{
	LIST_REMOVE(f, of_mm);
	f->h = NULL;
	if (!f->busy)
		free(f);	/* else by who installs it */
}

struct mfile *mm_file(struct mm *mm, const struct handle *h)
{
	struct mfile *f, *any = NULL;

	LIST_FOREACH(f, &mm->files, of_mm) {
		if (f->h != h)
			continue;
		if (f->installed)
			return f;
		any = f;
	}
	return any;
}

bool mm_files_in_place(struct mm *mm, const struct handle *h)
{
	const struct mfile *f;

	LIST_FOREACH(f, &mm->files, of_mm)
		if (f->h && !f->installed)
			return false;
	return mm_file(mm, h) != NULL;
}

static struct mfile *file_at(struct mm *mm, int number)
{
	struct mfile *f;

	LIST_FOREACH(f, &mm->files, of_mm)
		if (f->number == number)
			return f;
	return NULL;
}

bool mm_knows_file(const struct mm *mm, int number)
{
	const struct mfile *f;

	LIST_FOREACH(f, &mm->files, of_mm)
		if (f->number == number && f->installed)
			return true;
	return false;
}

int mm_lowest_free(const struct mm *mm)
{
	int n = EXECUTOR_FIRST_FD;

	while (mm_knows_file(mm, n))
		n++;
	return n;
}

int mm_high_number(struct mm *mm)
{
	int n = MIRRORED_FDS;

	while (file_at(mm, n))
		n++;
	return n;
}

struct closing {
	struct xjob job;
	struct mm *mm;
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
	mm_number_closed(c->mm);
	free(c);
}

/* False: there was nothing to do, or (no memory) it stays open until the end. */
static bool close_number(struct mm *mm, int number, struct handle *h,
			 void (*resume)(struct handle *h))
{
	struct closing *c;

	if (number < 0 || !mm->x || mm->x->dying || !mm->x->lane[0]->ready)
		return false;
	c = calloc(1, sizeof(*c));
	if (!c)
		return false;
	c->mm = mm;
	c->h = h;
	c->resume = resume;
	c->job.done = closed;
	if (number < EXECUTOR_FIRST_FD)
		xjob_op(&c->job, SYS_dup3, EXECUTOR_PATH, number, O_CLOEXEC, 0, 0, 0);
	else
		xjob_op(&c->job, SYS_close, number, 0, 0, 0, 0, 0);
	if (h)
		h->copies++;
	mm->nr_closing++;
	lane_agent(mm->x->lane[0], &c->job);
	return true;
}

void mm_set_file(struct mm *mm, int number, struct handle *h)
{
	struct mfile *f = file_at(mm, number);

	if (f && f->h == h) {
		f->mirrored = true;
		return;
	}
	if (f && !f->h && !f->busy) {
		mm_forget_file(f);	/* it had no name; dup3() closes it */
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
			close_number(mm, number, NULL, NULL);
		mm_forget_file(f);
	}
	if (!h)
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		return;		/* the driver will say EBADF */
	f->h = h;
	f->number = number;
	f->mirrored = true;
	LIST_INSERT_HEAD(&mm->files, f, of_mm);
}

bool mms_forget_handle(struct handle *h, void (*resume)(struct handle *h))
{
	struct device *dev = container_of(h->table, struct device, handles);
	struct mfile *f, *next;
	struct mm *mm;

	TAILQ_FOREACH(mm, &dev->worker->mms, of_worker) {
		for (f = LIST_FIRST(&mm->files); f; f = next) {
			next = LIST_NEXT(f, of_mm);
			if (f->h != h)
				continue;
			if (f->installed)
				close_number(mm, f->number, h, resume);
			mm_forget_file(f);
		}
	}
	return h->copies > 0;
}
