// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * near.c - calls of executors on the worker's own processor; see near.h.
 *
 * The scheduler wakes a thread up where it finds an idle processor, and never knows that
 * the waker is about to sleep.  So after some brief calls of one lane, one after another,
 * worker and lane are bound to the processor where the worker is.  A call that is not
 * alone, or not brief, frees both, and so does a pause; and after a number of calls the
 * scheduler may place them anew.
 *
 * Should a call not let the processor go at all, in a kernel that can't be preempted, the
 * worker has to wait for its end, as who else is on that processor.
 */
#include <limits.h>

#include "../log.h"
#include "clock.h"
#include "executor.h"
#include "near.h"

#define OFTEN	16	/* brief calls in a row, before */
#define ANEW	4096	/* brief calls, after which both are free again */
#define PAUSE	16	/* times as long as a brief call: there are none any more */

static void let_go(struct near *n)
{
	struct lane *l = n->bound;

	if (!l)
		return;
	n->bound = NULL;
	l->brief = 0;
	/* Of a lane that has died there is nothing to free. */
	sched_setaffinity(l->caller, sizeof(n->all), &n->all);
	if (sched_setaffinity(0, sizeof(n->all), &n->all) < 0)
		log_err("cannot leave one processor: %m");
}

static void hold_near(struct near *n, struct lane *l)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	/* The administrator may have changed it. */
	if (cpu < 0 || sched_getaffinity(0, sizeof(n->all), &n->all) < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	n->bound = l;
	n->calls = 0;
	if (sched_setaffinity(0, sizeof(one), &one) < 0 ||
	    sched_setaffinity(l->caller, sizeof(one), &one) < 0)
		let_go(n);
}

void near_begin(struct lane *l)
{
	struct near *n = &l->x->all->near;

	n->running++;
	if (!n->brief_ns)
		return;
	if (n->running > 1) {
		let_go(n);
		l->brief = 0;
		return;
	}
	if (n->bound && n->bound != l)
		let_go(n);
	l->began = clock_ticks();
	if (n->bound && ++n->calls > ANEW)
		let_go(n);
	else if (!n->bound && l->brief >= OFTEN)
		hold_near(n, l);
}

void near_end(struct lane *l)
{
	struct near *n = &l->x->all->near;
	uint64_t took;

	n->ended = clock_ticks();
	took = n->ended - l->began;
	n->running--;
	if (!n->brief_ns)
		return;
	if (!n->running && clock_to_ns(took) <= n->brief_ns) {
		if (l->brief < UINT_MAX)
			l->brief++;
		return;
	}
	if (n->bound == l)
		let_go(n);
	l->brief = 0;
}

bool near_runs(const struct near *n)
{
	return n->bound && n->running;
}

void near_round(struct near *n)
{
	uint64_t now;

	if (!n->bound)
		return;
	now = clock_ticks();
	if (n->running ? clock_to_ns(now - n->bound->began) > n->brief_ns :
			 clock_to_ns(now - n->ended) > PAUSE * n->brief_ns)
		let_go(n);
}

void near_forget(struct lane *l)
{
	struct near *n = &l->x->all->near;

	if (n->bound == l)
		let_go(n);
}
