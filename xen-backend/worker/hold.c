// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hold.c - which responses have one notification together; see hold.h.
 *
 * How many responses are worth waiting for is coalesce.h's; how long, is decided here.
 */
#include <string.h>

#include "../log.h"
#include "clock.h"
#include "device.h"
#include "hold.h"
#include "ring.h"
#include "worker.h"

#define UNASKED	64	/* times in a row that the guest found its responses by itself */
#define SHARE	4	/* of the time that requests are looked for: without another response */

void hold_init(struct queue *q)
{
	struct hold *h = &q->hold;

	memset(h, 0, sizeof(*h));
	h->told = q->pushed;
	coalesce_init(&h->coalesce, q->entries, &q->dev->coalesce);
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

/* A pause is not the guest's pace: what took longer than we look, or slept, does not count. */
static void measure(struct queue *q)
{
	uint64_t now = clock_ticks(), longest = clock_of_ns(q->dev->worker->spin.max_ns);
	struct coalesce_shared *s = &q->dev->coalesce;
	uint64_t ticks = now - s->at;

	coalesce_pace(s, q->pushed - q->hold.told, q->spinning && ticks < longest ? ticks : 0);
	s->at = now;
}

static void tell(struct queue *q)
{
	struct transport *t = q->dev->worker->transport;
	int err;

	measure(q);
	hold_forget(q);
	q->hold.unasked = 0;
	q->dev->counters.events_out++;
	err = t->ops->notify(t, q->port);
	if (err)
		log_debug("device %u queue %u: notify: %s", q->dev->devid, q->index,
			  strerror(-err));
}

/* Nothing is learned from that, and a guest that looks is not to be kept waiting. */
static void unasked(struct queue *q)
{
	struct hold *h = &q->hold;

	measure(q);
	hold_forget(q);
	coalesce_unasked(&h->coalesce);
	if (++h->unasked < UNASKED)
		return;
	h->unasked = 0;
	coalesce_needless(&h->coalesce);
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
	} else if (nr >= h->coalesce.want) {
		tell(q);
		coalesce_met(&h->coalesce);
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
		coalesce_missed(&h->coalesce, nr);
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
