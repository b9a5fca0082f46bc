// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hold.c - which responses have one notification together; see hold.h.
 *
 * A worker that looks for requests answers each as it comes, so a guest with sixteen
 * of them in flight would be interrupted sixteen times where it could do with one.
 * How many responses are worth waiting for is tried: twice as many, as long as they
 * come in time.  If they do not, the guest had no more in flight than came, and waits
 * for us: then three quarters of them are enough, so that it works while the rest is
 * answered.  What was tried in vain is tried less and less often.
 */
#include <string.h>

#include "../log.h"
#include "clock.h"
#include "device.h"
#include "hold.h"
#include "ring.h"
#include "worker.h"

#define OFTEN	16	/* times in a row before more is tried */
#define SELDOM	1024	/* ... when it was in vain before */
#define ENOUGH	4	/* times: it was not in vain */
#define UNASKED	64	/* times in a row that the guest found its responses by itself */
#define SHARE	4	/* of the time that requests are looked for: without another response */

void hold_init(struct queue *q)
{
	struct hold *h = &q->hold;

	memset(h, 0, sizeof(*h));
	h->told = q->pushed;
	h->want = 1;
	h->every = OFTEN;
}

/* What RING_PUSH_RESPONSES_AND_CHECK_NOTIFY asks, for all since it was told. */
static bool is_wanted(const struct queue *q)
{
	RING_IDX now = q->pushed, event;

	xen_mb();	/* the guest sees the responses, or we see that it asks */
	event = *(volatile RING_IDX *)&q->ring.sring->rsp_event;
	return (RING_IDX)(now - event) < (RING_IDX)(now - q->hold.told);
}

void hold_forget(struct queue *q)
{
	if (q->hold.holds)
		q->dev->worker->nr_holding--;
	q->hold.holds = false;
	q->hold.told = q->pushed;
}

static void tell(struct queue *q)
{
	struct transport *t = q->dev->worker->transport;
	int err;

	hold_forget(q);
	q->hold.unasked = 0;
	q->dev->counters.events_out++;
	err = t->ops->notify(t, q->port);
	if (err)
		log_debug("device %u queue %u: notify: %s", q->dev->devid, q->index,
			  strerror(-err));
}

static void as_many_came(struct hold *h, unsigned int entries)
{
	h->good++;
	if (h->before && h->good >= ENOUGH) {
		h->want = h->before;
		h->before = 0;
		h->good = 0;
		h->again = true;
	}
	if (h->good >= ENOUGH)
		h->again = false;
	if (h->trial && h->good >= ENOUGH) {
		h->trial = false;
		h->every = OFTEN;
	}
	if (h->good >= h->every && 2 * h->want <= entries / 2) {
		h->want *= 2;
		h->good = 0;
		h->trial = true;
	}
}

/* Less by half, at most. */
static void fewer_came(struct hold *h, unsigned int nr)
{
	if (h->trial)
		h->every = 2 * h->every < SELDOM ? 2 * h->every : SELDOM;
	/* It may have been by chance. */
	h->before = h->trial || h->again ? 0 : h->want > h->before ? h->want : h->before;
	h->trial = h->again = false;
	h->good = 0;
	nr -= nr / 4;
	h->want = nr > h->want / 2 ? nr : h->want / 2;
}

/* Nothing is learned from that, and a guest that looks is not to be kept waiting. */
static void unasked(struct queue *q)
{
	struct hold *h = &q->hold;

	hold_forget(q);
	if (++h->unasked < UNASKED)
		return;
	h->want = 1;
	h->before = h->unasked = 0;
	h->trial = h->again = false;
}

void hold_pushed(struct queue *q)
{
	struct worker *w = q->dev->worker;
	struct hold *h = &q->hold;
	unsigned int nr = q->pushed - h->told;

	if (!nr)
		return;
	if (!is_wanted(q)) {
		unasked(q);
	} else if (!q->spinning) {
		tell(q);
	} else if (nr >= h->want) {
		tell(q);
		as_many_came(h, q->entries);
	} else {
		h->last = clock_ticks();
		if (h->holds)
			return;
		h->holds = true;
		h->since = h->last;
		w->nr_holding++;
	}
}

void hold_end(struct queue *q)
{
	struct hold *h = &q->hold;
	unsigned int nr = q->pushed - h->told;

	if (!h->holds)
		return;
	if (is_wanted(q)) {
		tell(q);
		fewer_came(h, nr);
	} else {
		unasked(q);
	}
}

uint64_t hold_left(const struct queue *q, uint64_t now, bool comes)
{
	uint64_t longest = clock_of_ns(q->dev->worker->spin.max_ns), gap = longest / SHARE;
	const struct hold *h = &q->hold;
	uint64_t held = now - h->since, still = now - h->last;

	if (!h->holds)
		return UINT64_MAX;
	if (held >= longest || (!comes && still >= gap))
		return 0;
	return comes || longest - held < gap - still ? longest - held : gap - still;
}

void hold_round(struct worker *w)
{
	struct queue *q;
	uint64_t now;

	if (!w->nr_holding)
		return;
	now = clock_ticks();
	TAILQ_FOREACH(q, &w->spin.queues, of_spinning)
		if (!hold_left(q, now, false))
			hold_end(q);
}
