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

/* Of all queues of a device; zeros are its beginning. */
struct coalesce_shared {
	struct pace pace;	/* since ever; only differences mean something */
	uint64_t at;		/* the guest was told last; clock_ticks(), for who measures */
	unsigned int want;	/* was right last where the guest asks to be told; 0: not known */
};

struct coalesce {
	struct coalesce_shared *shared;
	unsigned int want;	/* so many responses have one notification */
	unsigned int most;	/* ... at most */
	unsigned int good;	/* times in a row that as many came as were wanted ... */
	struct pace since;	/* shared.pace was that when it began */
	unsigned int every;	/* so many of them before another number is tried */
	bool trial;		/* another number is being tried */
	bool fewer;		/* ... a smaller one, or will be next */
	unsigned int bad;	/* ... and fewer came so often */
	unsigned int untried;	/* so many were wanted before the trial ... */
	struct pace was;	/* ... that fast */
	unsigned int before;	/* so many were wanted until fewer came, and are once more; or 0 */
	bool again;		/* they are wanted again, since lately */
	unsigned int asked;	/* times more that the guest asked to be told than that it did not */
	bool unasked;		/* for a while it did not */
};

/* entries: of the ring.  shared is the caller's, and outlives c. */
void coalesce_init(struct coalesce *c, unsigned int entries, struct coalesce_shared *shared);
/* nr responses have been told of, ticks after those before; 0: how long does not count. */
void coalesce_pace(struct coalesce_shared *s, unsigned int nr, uint64_t ticks);
/* As many came as were wanted; their pace is known. */
void coalesce_met(struct coalesce *c);
/* Only nr came in time. */
void coalesce_missed(struct coalesce *c, unsigned int nr);
/* The guest has found responses by itself. */
void coalesce_unasked(struct coalesce *c);
/* It does so all the time, and needs no notifications. */
void coalesce_needless(struct coalesce *c);

#endif /* VSYS_COALESCE_H */
