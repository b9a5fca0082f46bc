/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coalesce.h - how many responses of a queue have one notification together.
 *
 * Not the place that knows when to tell the guest: that is hold.h.
 */
#ifndef VSYS_COALESCE_H
#define VSYS_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

/* How fast a guest gets its responses. */
struct pace {
	unsigned int nr;	/* so many responses ... */
	uint64_t ticks;		/* ... took so long */
};

struct coalesce {
	unsigned int want;	/* so many responses have one notification */
	unsigned int most;	/* ... at most */
	unsigned int good;	/* times in a row that as many came as were wanted ... */
	struct pace pace;	/* ... that fast */
	unsigned int every;	/* so many of them before another number is tried */
	bool trial;		/* another number is being tried */
	bool fewer;		/* ... a smaller one, or will be next */
	unsigned int bad;	/* ... and fewer came so often */
	unsigned int untried;	/* so many were wanted before the trial ... */
	struct pace was;	/* ... that fast */
	unsigned int before;	/* so many were wanted until fewer came, and are once more; or 0 */
	bool again;		/* they are wanted again, since lately */
};

/* entries: of the ring. */
void coalesce_init(struct coalesce *c, unsigned int entries);
/* nr responses have been told of, ticks after those before; 0: how long does not count. */
void coalesce_pace(struct coalesce *c, unsigned int nr, uint64_t ticks);
/* As many came as were wanted; their pace is known. */
void coalesce_met(struct coalesce *c);
/* Only nr came in time. */
void coalesce_missed(struct coalesce *c, unsigned int nr);
/* The guest needs no notifications. */
void coalesce_needless(struct coalesce *c);

#endif /* VSYS_COALESCE_H */
