/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports-fixture.h - port executors in threads, with a pretended card for each.
 *
 * Each access of a card changes what the next one says, so that two cards are
 * alike only if their accesses were the same ones in the same order.
 */
#ifndef PORTS_FIXTURE_H
#define PORTS_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "xen-backend/ports/batch.h"

struct card {
	uint64_t hash;			/* of all accesses */
	uint32_t accesses;
	uint64_t now;			/* ns */
	uint64_t step;			/* ... that an access takes */
};

/* The card of this thread. */
extern _Thread_local struct card *the_card;
extern const struct port_device card_device;

struct port_executor {
	struct card card;
	uint16_t first, last;
	const struct port_device *device;
	void *own;			/* for the_own of its thread */
	int fd;				/* its end */
	int worker_fd;			/* the other one */
	pthread_t thread;
	int result;			/* of ports_serve() */
};

extern _Thread_local void *the_own;

void port_executor_start(struct port_executor *x, uint16_t first, uint16_t last,
			 const struct port_device *device, void *own);
/* The worker has closed its end, or is about to. */
void port_executor_join(struct port_executor *x);

#endif /* PORTS_FIXTURE_H */
