/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold.h - notifications that are held back, because more responses will follow.
 *
 * The responses themselves are in the ring at once: a guest that looks finds them.
 * Only a queue that is looked at (spin.h) holds anything back, as only then there is
 * somebody to see that the time is over.
 */
#ifndef VSYS_HOLD_H
#define VSYS_HOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/io/vsysif.h>

#include "coalesce.h"

struct queue;
struct worker;

struct hold {
	RING_IDX told;		/* up to here the guest needs no notification */
	struct coalesce coalesce;
	unsigned int unasked;	/* times in a row that the guest wanted no notification */
	bool holds;		/* something is held back ... */
	uint64_t since, last;	/* ... since then, and then there was more; clock_ticks() */
};

void hold_init(struct queue *q);
/* There are more responses in the ring: now the guest is told, or soon. */
void hold_pushed(struct queue *q);
/* The queue is looked at no more: now the guest is told. */
void hold_end(struct queue *q);
/* The queue goes: the guest is told nothing. */
void hold_forget(struct queue *q);
/*
 * Ticks until something that is held back is to be told; UINT64_MAX: nothing is.  comes:
 * there will be more responses before.
 */
uint64_t hold_left(const struct queue *q, uint64_t now, bool comes);
/* Tells those whose time is over.  Cheap if nothing is held back. */
void hold_round(struct worker *w);

#endif /* VSYS_HOLD_H */
