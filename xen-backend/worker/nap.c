// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nap.c - sleeping for a moment where the next requests can be foretold; see nap.h.
 *
 * A guest with many requests in flight sends them one by one, but nothing is lost if some
 * are taken together: until as many are there as have one notification together (hold.h),
 * nobody waits for us.  Half a gap is left to look: who comes too late costs the guest
 * more than a nap saves.
 *
 * How long a gap is, only a look tells that found nothing, and the next that did.  What has
 * come in a nap is counted, and the time goes on.  If all has come in it, the guest may have
 * waited for us: a longer gap would be of our own making, so it is taken for shorter.
 *
 * A nap is a system call, a timer and a change of tasks, and how much too late it ends
 * tells what these cost here.  Shorter than twice that, it saves nothing.
 */
#include "clock.h"
#include "device.h"
#include "nap.h"
#include "ring.h"
#include "worker.h"

#define WEIGHT	8	/* of what was, against what is */
#define LEAST	20000	/* ns; on any machine a nap costs some microseconds */
#define SHARE	2	/* of the time that requests are looked for: the longest nap */
#define QUIET	2	/* so many gaps later than foretold: it is not coming */
#define BUSY	32	/* so many longest naps after a lone request: there is none more */
#define FORGET	256	/* naps not taken until a late end counts half as much, about */

static uint64_t longest(const struct worker *w)
{
	return clock_of_ns(w->spin.max_ns) / SHARE;
}

/* So many more are to come until those that are there have their notification. */
static unsigned int wanted(const struct queue *q)
{
	unsigned int held = q->hold.holds ? q->pushed - q->hold.told : 0;

	return q->hold.coalesce.want > held ? q->hold.coalesce.want - held : 1;
}

void nap_found(struct queue *q, unsigned int nr)
{
	struct worker *w = q->dev->worker;
	struct rhythm *r = &q->rhythm;
	uint64_t now, gap;

	if (!nr || !w->spin.max_ns)
		return;
	now = clock_ticks();
	/* Responses follow requests: a notification that is held back has reason to be. */
	if (q->hold.holds)
		q->hold.last = now;
	if (w->nap.slept && nr < wanted(q) && r->before < q->entries) {
		r->before += nr;	/* who knows when they came; the next one is looked for */
		return;
	}
	gap = (now - r->last) / (r->before + nr);
	r->last = now;
	r->before = 0;
	/* All are there, and the guest may have waited for us. */
	if (w->nap.slept)
		r->gap -= r->gap / WEIGHT;
	else if (w->nap.looked && gap <= longest(w))	/* else it is a pause, and no rhythm */
		r->gap = r->gap ? (r->gap * (WEIGHT - 1) + gap) / WEIGHT : gap;
}

/*
 * From now on, until as many requests as are wanted should be there; UINT64_MAX: it is not
 * known when; 0: any moment.  A guest that waits for each answer has each at once.
 */
static uint64_t foretold(const struct worker *w, const struct queue *q, uint64_t now)
{
	const struct rhythm *r = &q->rhythm;
	unsigned int more = wanted(q);
	uint64_t until = r->gap * (r->before + more) - r->gap / 2, passed = now - r->last;

	if (more == 1 && q->hold.coalesce.want == 1)
		return passed < BUSY * longest(w) ? 0 : UINT64_MAX;
	if (!r->gap || passed >= until + QUIET * r->gap)
		return UINT64_MAX;
	return passed < until ? until - passed : 0;
}

void nap_look(struct worker *w, bool first)
{
	struct nap *n = &w->nap;

	n->looked = !first;
	n->slept = first && n->over;
	n->over = false;
}

void nap_served(struct worker *w, bool slept)
{
	w->nap.looked = w->nap.slept = false;
	w->nap.over &= slept;
}

int64_t nap_begin(struct worker *w)
{
	uint64_t now = clock_ticks(), left, held, least = UINT64_MAX;
	struct nap *n = &w->nap;
	bool foreseen = false;
	struct queue *q;

	TAILQ_FOREACH(q, &w->spin.queues, of_spinning) {
		left = foretold(w, q, now);
		foreseen |= left != UINT64_MAX;
		held = hold_left(q, now, left != UINT64_MAX);
		left = held < left ? held : left;
		least = left < least ? left : least;
	}
	if (!foreseen)
		return 0;
	if (least > longest(w))
		least = longest(w);
	if (least < 2 * n->late || least < clock_of_ns(LEAST)) {
		n->late -= n->late / FORGET;
		return 0;
	}
	least -= n->late;
	n->end = now + least;
	return clock_to_ns(least);
}

void nap_over(struct worker *w)
{
	struct nap *n = &w->nap;
	uint64_t late = clock_ticks() - n->end;

	n->end = 0;
	n->over = n->slept = true;
	n->looked = false;
	/* Something else has ended it, or it was not a nap's cost that made it so long. */
	if (late > longest(w))
		return;
	n->late = (n->late * (WEIGHT - 1) + late) / WEIGHT;
}
