// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pins.c - asks the supervisor how many pages drivers have pinned; see pins.h.
 */
#include "pins.h"
#include "worker.h"

void pins_ask(struct worker *w, struct pins_question *q)
{
	struct vsys_ipc msg = { .type = IPC_PINS };

	if (q->asked)
		return;
	q->asked = true;
	q->cookie = ++w->last_cookie;
	TAILQ_INSERT_TAIL(&w->questions, q, link);
	msg.u.pins.cookie = q->cookie;
	link_send(&w->link, &msg);
}

void pins_forget(struct worker *w, struct pins_question *q)
{
	if (q->asked)
		TAILQ_REMOVE(&w->questions, q, link);
	q->asked = false;
}

void pins_answered(struct worker *w, uint32_t cookie, int64_t count)
{
	struct pins_question *q;

	TAILQ_FOREACH(q, &w->questions, link) {
		if (q->cookie == cookie) {
			pins_forget(w, q);
			q->answered(q, count);
			return;
		}
	}
}
