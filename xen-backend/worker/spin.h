/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spin.h - looking for the next request for a while, before sleeping.
 *
 * A queue that has nothing more is put on a list instead of asking its guest for a
 * notification.  As long as it is there the guest does not notify, and what it sends
 * is found by looking.
 */
#ifndef VSYS_SPIN_H
#define VSYS_SPIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct queue;
struct worker;

struct spin {
	TAILQ_HEAD(, queue) queues;	/* whose guests do not notify */
	int64_t max_ns;			/* 0: never */
	int64_t now_ns;			/* how long it is tried, by what was seen last */
	bool idle;			/* there is nothing to do since ... */
	uint64_t began;			/* clock_ticks() */
};

void spin_init(struct spin *s, int64_t max_ns);
/* True: the queue is looked at, and its guest need not notify. */
bool spin_takes(struct worker *w, struct queue *q);
/* The queue goes. */
void spin_forget(struct worker *w, struct queue *q);
/*
 * Nothing is to be done.  0: now there is.  -1: the worker should sleep; the guests
 * notify from here on.  Else it may sleep for so many ns at most, though they don't
 * (nap.h), and then is to look again.  Nothing may wait for its submission.
 */
int64_t spin_round(struct worker *w);
/*
 * While there is something else to do: queues that have had no turn for long, and have
 * requests, are ready from here on.
 */
void spin_look(struct worker *w);
/* It has slept, or found something: how long it should look the next time. */
void spin_learn(struct worker *w);

#endif /* VSYS_SPIN_H */
