/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nap.h - sleeping for a moment where the next requests can be foretold.
 *
 * Who looks (spin.h) for requests that come in a steady rhythm need not look all the
 * time.  A nap ends by the clock, so that the guest sends no notification for it.
 */
#ifndef VSYS_NAP_H
#define VSYS_NAP_H

#include <stdbool.h>
#include <stdint.h>

struct queue;
struct worker;

/* Of a queue; clock_ticks(). */
struct rhythm {
	uint64_t last;		/* requests were found */
	uint64_t gap;		/* from one request to the next, lately; 0: not known */
	unsigned int before;	/* so many came after that, at a time that is not known */
};

/* Of a worker. */
struct nap {
	uint64_t end;		/* it is to end then; 0: there is none */
	uint64_t late;		/* so much later naps end, lately */
	bool over;		/* it has just ended */
	bool slept;		/* what is found now has come in a nap ... */
	bool looked;		/* ... or just now: the look before found nothing */
};

/* The queue's guest has sent nr requests. */
void nap_found(struct queue *q, unsigned int nr);
/* Queues are looked at, for the first time since there was something to do or not. */
void nap_look(struct worker *w, bool first);
/* What was found has been served; what is now there came meanwhile, or in the nap before. */
void nap_served(struct worker *w, bool slept);
/* There is nothing to do: how long a nap is worth while, in ns; 0: none is. */
int64_t nap_begin(struct worker *w);
/* It is over, by the clock or not. */
void nap_over(struct worker *w);

#endif /* VSYS_NAP_H */
