/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * near.h - calls of executors on the worker's own processor, as long as they are brief.
 *
 * To wake somebody up on an idle processor costs an interrupt there.  The worker has
 * nothing to do while its only call is made (spin.h), so the two need no more than one
 * processor; and a call may be done when the system call that wakes its lane up returns.
 */
#ifndef VSYS_NEAR_H
#define VSYS_NEAR_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct lane;

/* Of a worker's executors. */
struct near {
	cpu_set_t all;		/* where the worker may run otherwise */
	int64_t brief_ns;	/* a brief call takes no longer; 0: none is brief */
	unsigned int running;	/* calls */
	struct lane *bound;	/* that is on one processor, with us; NULL: none */
	unsigned int calls;	/* since then */
	uint64_t ended;		/* the latest call; clock_ticks() */
};

/* A call is to be given to the lane; it has come back. */
void near_begin(struct lane *l);
void near_end(struct lane *l);
/* A call is being made on our processor. */
bool near_runs(const struct near *n);
/* Now and then: a call is not brief after all, or there are none any more. */
void near_round(struct near *n);
/* The lane goes. */
void near_forget(struct lane *l);

#endif /* VSYS_NEAR_H */
