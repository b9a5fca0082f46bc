// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spin.c - looking for the next request for a while; see spin.h.
 *
 * To sleep and to be woken costs an event channel's notification, an interrupt and a
 * change of processes.  If the next request comes sooner than that is worth, looking
 * for it is cheaper; if not, it is a waste.  What comes next is guessed from what
 * came last: an idle time that looking would have bridged makes it longer, one that
 * it would not makes it shorter, down to nothing.
 *
 * Who has just given an executor a job that is not done yet does not look: the executor
 * needs a processor, and on a busy machine that is ours.  Its answer wakes us.  Nor does
 * who shares one with an executor that runs (near.h).
 */
#include "clock.h"
#include "device.h"
#include "limits.h"
#include "ring.h"
#include "spin.h"
#include "worker.h"

#define LOOKS	32	/* between two looks at the clock */

void spin_init(struct spin *s, int64_t max_ns)
{
	TAILQ_INIT(&s->queues);
	s->max_ns = max_ns;
	s->now_ns = 0;
	s->idle = false;
	clock_init();
}

bool spin_takes(struct worker *w, struct queue *q)
{
	if (!w->spin.now_ns)
		return false;
	if (!q->spinning)
		TAILQ_INSERT_TAIL(&w->spin.queues, q, of_spinning);
	/* Before, it may have been asked to; what was taken is none that it tells of. */
	q->ring.sring->req_event = q->ring.req_cons;
	q->spinning = true;
	return true;
}

void spin_forget(struct worker *w, struct queue *q)
{
	hold_forget(q);
	if (q->spinning)
		TAILQ_REMOVE(&w->spin.queues, q, of_spinning);
	q->spinning = false;
}

/* At those that have not been served for so many rounds. */
static void look(struct worker *w, unsigned int rounds)
{
	struct queue *q;

	TAILQ_FOREACH(q, &w->spin.queues, of_spinning)
		if (!q->dev->stopping && w->rounds - q->served >= rounds && queue_has_requests(q))
			queue_ready(q);
}

void spin_look(struct worker *w)
{
	look(w, VSYS_BUSY_ROUNDS);
}

static bool found(struct worker *w)
{
	look(w, 0);
	return !TAILQ_EMPTY(&w->ready) || !uring_quiet(&w->uring);
}

int64_t spin_round(struct worker *w)
{
	struct spin *s = &w->spin;
	bool gives_way = executors_seen(&w->executors) || near_runs(&w->executors.near);
	uint64_t ticks;
	struct queue *q;
	int64_t nap;
	int i;

	if (s->max_ns && !s->idle) {
		s->idle = true;
		s->began = clock_ticks();
	}
	if (TAILQ_EMPTY(&s->queues))
		return -1;
	ticks = gives_way ? 0 : clock_of_ns(s->now_ns);
	nap_look(w, true);
	/* What was found may have been nothing: the idle time goes on, and has an end. */
	while (clock_ticks() - s->began < ticks) {
		for (i = 0; i < LOOKS; i++) {
			if (found(w))
				return 0;
			nap_look(w, false);
			__builtin_ia32_pause();
		}
		hold_round(w);
		nap = nap_begin(w);
		if (nap)
			return nap;
	}
	while ((q = TAILQ_FIRST(&s->queues))) {
		hold_end(q);
		spin_forget(w, q);
		queue_arm(q);
	}
	return TAILQ_EMPTY(&w->ready) ? -1 : 0;
}

void spin_learn(struct worker *w)
{
	struct spin *s = &w->spin;
	int64_t idle;

	if (!s->idle)
		return;
	idle = clock_to_ns(clock_ticks() - s->began);
	s->idle = false;
	clock_adjust();
	if (idle > s->max_ns)
		s->now_ns = s->now_ns / 2 < s->max_ns / 16 ? 0 : s->now_ns / 2;
	else if (2 * idle > s->now_ns)
		s->now_ns = 2 * idle < s->max_ns ? 2 * idle : s->max_ns;
}
