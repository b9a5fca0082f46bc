/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h - one queue of a device: its ring, its pool, its event channel.
 */
#ifndef VSYS_RING_H
#define VSYS_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <xen/io/vsysif.h>

#include "../ipc.h"
#include "hold.h"
#include "nap.h"
#include "pool.h"
#include "request.h"

struct device;

struct queue {
	struct device *dev;
	unsigned int index;

	struct vsys_back_ring ring;
	RING_IDX pushed;		/* responses that the guest may see */
	struct hold hold;
	struct rhythm rhythm;
	unsigned int entries;
	struct request *request;	/* [entries] */
	struct mcall **calls;		/* [VSYS_MAX_CALLS] that go on; NULL: never any */

	void *ring_pages;
	unsigned int nr_ring_pages;
	struct pool pool;
	bool resized;			/* in this turn */

	int port;			/* local, -1: none */
	bool masked;			/* a notification was read */

	bool ready;			/* on worker->ready */
	TAILQ_ENTRY(queue) of_ready;
	bool spinning;			/* the guest does not notify */
	unsigned int served;		/* in this of the worker's rounds, last */
	TAILQ_ENTRY(queue) of_spinning;
};

TAILQ_HEAD(queue_list, queue);

/*
 * Map and bind.  On error nothing is held, and reason (of VSYS_IPC_REASON
 * bytes) says what could not be done.
 */
int queue_connect(struct queue *q, struct device *dev, unsigned int index,
		  const struct vsys_ipc *msg, char *reason);
/* Nothing may be in flight. */
void queue_disconnect(struct queue *q);

/*
 * Maps granted pages, nr of them; what: for reason, which says why it returns NULL.
 * They are contiguous, and the queue's counters know of them.
 */
void *queue_map(struct queue *q, const uint32_t *refs, unsigned int nr, const char *what,
		char *reason);
void queue_unmap(struct queue *q, void *addr, unsigned int nr);

/* Let the main loop serve this queue in this round. */
void queue_ready(struct queue *q);

/*
 * Take requests, push responses, notify.  If the guest broke the protocol:
 * -EPROTO, and reason says how.
 */
int queue_serve(struct queue *q, char *reason);

/* The guest has sent what was not taken. */
bool queue_has_requests(const struct queue *q);
/* From here on the guest notifies; or there is something, and the queue is ready. */
void queue_arm(struct queue *q);

/* Put a response into the ring, to be pushed by queue_serve(). */
void queue_respond(struct queue *q, const struct vsys_response *rsp);

#endif /* VSYS_RING_H */
