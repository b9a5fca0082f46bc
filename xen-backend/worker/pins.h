/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - asks the supervisor how many pages drivers have pinned.
 */
#ifndef VSYS_PINS_H
#define VSYS_PINS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct worker;

struct pins_question {
	TAILQ_ENTRY(pins_question) link;
	uint32_t cookie;
	bool asked;
	/* Pages of the whole machine, or a negative errno. */
	void (*answered)(struct pins_question *q, int64_t count);
};

TAILQ_HEAD(pins_questions, pins_question);

/* Nothing if it is asked already. */
void pins_ask(struct worker *w, struct pins_question *q);
/* Before it goes: no answer will come. */
void pins_forget(struct worker *w, struct pins_question *q);
void pins_answered(struct worker *w, uint32_t cookie, int64_t count);

#endif /* VSYS_PINS_H */
