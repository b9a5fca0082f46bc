// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * watch.c - WATCH: what drivers write to memory that they keep, without any call.
 *
 * There is no fault to learn it from: the page is there, and writable.  So kept
 * pages are compared now and then: often after something was pinned or has changed,
 * then less and less; docs/mirror.md.  Telling it is as at the end of a call, but
 * always with the guest's word that it was taken, since other calls may end
 * meanwhile whose programs know of what was written.
 */
#include <errno.h>

#include "call-parts.h"
#include "limits.h"
#include "ring.h"
#include "worker.h"

void watch_start(struct request *r)
{
	struct device *dev = r->queue->dev;
	struct mm *mm = dev->ioctl ? mm_get(dev, r->rq.u.call.mm) : NULL;
	struct mcall *c;
	int err = !dev->ioctl ? -ENOSYS : !mm ? -ENOMEM : mm->exit ? -ESRCH :
		  mm->watch ? -EBUSY : 0;

	if (err || !mm->nr_kept) {
		request_end(r, err, 0, 0);
		return;
	}
	c = call_new(r, mm);
	if (!c) {
		request_end(r, -ENOMEM, 0, 0);
		return;
	}
	c->phase = CALL_WATCHING;
	c->result = -EINPROGRESS;	/* no new files are looked for */
	mm->watch = c;
	worker_tick(dev->worker);
}

void watch_end(struct mm *mm, int err)
{
	if (mm->watch && mm->watch->r)
		call_answer(mm->watch, err, 0, 0);
}

bool watch_missing(const struct mcall *c)
{
	return c->mm->nr_kept && !c->mm->watch && !c->mm->exit;
}

void watch_look(struct mcall *c)
{
	int64_t now = worker_now();

	if (c->phase != CALL_WATCHING || !c->r || now < c->next_look)
		return;
	release_kept(c->mm);
	if (!c->mm->nr_kept) {
		call_answer(c, 0, 0, 0);
		return;
	}
	add_kept(c);
	c->phase = CALL_ENDING;
	c->next_look = now;		/* when it began, until it is over */
	c->done = c->nr_batch = 0;
	c->nr_items = c->next_bits = 0;
	c->data_page = 1;
	call_tell(c);
}

void watch_told(struct mcall *c)
{
	int64_t now = worker_now(), pause = VSYS_WATCH_SHARE * (now - c->next_look);

	/* It takes a twentieth of the time; but waiting for other calls was no work. */
	c->next_look = now + (pause < VSYS_KICK_MAX_MS ? pause : VSYS_KICK_MAX_MS);
	if (c->nr_items || c->told_shared) {
		worker_tick(c->q->dev->worker);
		call_park(c);
		return;
	}
	c->phase = CALL_WATCHING;
	call_drop_pages(c);
}

/* All that was told is taken; c->r waits for the next. */
void watch_continues(struct mcall *c)
{
	if (c->r->rq.flags & VSYS_CALL_ABORT) {
		call_answer(c, 0, 0, 0);
	} else if (c->done < c->nr_pages) {
		call_tell(c);		/* there was no room for all */
	} else {
		c->phase = CALL_WATCHING;
		call_drop_pages(c);
	}
}
