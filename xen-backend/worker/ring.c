// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ring.c - one queue of a device: taking requests and giving responses.
 *
 * The shared pages belong to the guest, which may write anything at any time.
 * Indexes are read once, each request is copied once (rule 1), and what we
 * produce depends only on our private indexes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "ports.h"
#include "ring.h"
#include "worker.h"

void *queue_map(struct queue *q, const uint32_t *refs, unsigned int nr, const char *what,
		char *reason)
{
	struct transport *t = q->dev->worker->transport;
	uint32_t low = refs[0], high = refs[0];
	unsigned int i;
	void *addr;

	addr = t->ops->map(t, refs, nr);
	if (addr) {
		q->dev->counters.grant_maps += nr;
		return addr;
	}
	for (i = 1; i < nr; i++) {
		low = refs[i] < low ? refs[i] : low;
		high = refs[i] > high ? refs[i] : high;
	}
	snprintf(reason, VSYS_IPC_REASON,
		 "queue %u: cannot map the %s (%u pages, grant references %u to %u): %s",
		 q->index, what, nr, low, high, strerror(errno));
	return NULL;
}

void queue_unmap(struct queue *q, void *addr, unsigned int nr)
{
	struct transport *t = q->dev->worker->transport;
	int err = t->ops->unmap(t, addr, nr);

	if (err)
		log_err("device %u queue %u: cannot unmap %u pages: %s", q->dev->devid,
			q->index, nr, strerror(-err));
	q->dev->counters.grant_unmaps += nr;
}

static int map_ring(struct queue *q, const uint32_t *refs, unsigned int order, char *reason)
{
	struct vsys_sring *sring;
	RING_IDX start;

	q->ring_pages = queue_map(q, refs, 1u << order, "ring", reason);
	if (!q->ring_pages)
		return -1;
	q->nr_ring_pages = 1u << order;

	/* A new ring starts at 0; we go on where the previous worker was. */
	sring = q->ring_pages;
	start = *(volatile RING_IDX *)&sring->rsp_prod;
	BACK_RING_ATTACH(&q->ring, sring, start, VSYS_PAGE_SIZE << order);
	q->pushed = start;
	q->entries = RING_SIZE(&q->ring);
	hold_init(q);
	return 0;
}

static int bind_event(struct queue *q, uint32_t remote, char *reason)
{
	struct worker *w = q->dev->worker;
	int port = w->transport->ops->bind(w->transport, remote);

	if (port >= 0 && worker_set_port(w, port, q) < 0) {
		w->transport->ops->unbind(w->transport, port);
		port = -ENOMEM;
	}
	if (port < 0) {
		snprintf(reason, VSYS_IPC_REASON, "queue %u: cannot bind event channel %u: %s",
			 q->index, remote, strerror(-port));
		return -1;
	}
	q->port = port;
	return 0;
}

int queue_connect(struct queue *q, struct device *dev, unsigned int index,
		  const struct vsys_ipc *msg, char *reason)
{
	const struct vsys_ipc_queue *from = &msg->u.connect.queue[index];
	unsigned int i;

	memset(q, 0, sizeof(*q));
	q->dev = dev;
	q->index = index;
	q->port = -1;
	if (map_ring(q, from->ring_ref, msg->u.connect.ring_page_order, reason) < 0 ||
	    pool_map(q, from->pool_ref, msg->u.connect.pool_pages, reason) < 0)
		goto fail;

	q->request = calloc(q->entries, sizeof(*q->request));
	if (!q->request) {
		snprintf(reason, VSYS_IPC_REASON, "queue %u: out of memory", index);
		goto fail;
	}
	for (i = 0; i < q->entries; i++) {
		q->request[i].queue = q;
		q->request[i].iov = q->request[i].inline_iov;
	}
	if (bind_event(q, from->event_channel, reason) < 0)
		goto fail;
	/* Requests may have come before there was anybody to be notified. */
	queue_ready(q);
	return 0;

fail:
	queue_disconnect(q);
	return -1;
}

void queue_disconnect(struct queue *q)
{
	struct worker *w = q->dev->worker;

	if (q->ready) {
		TAILQ_REMOVE(&w->ready, q, of_ready);
		q->ready = false;
	}
	spin_forget(w, q);
	if (q->port >= 0) {
		worker_set_port(w, q->port, NULL);
		w->transport->ops->unbind(w->transport, q->port);
		q->port = -1;
	}
	pool_unmap(q);
	if (q->ring_pages)
		queue_unmap(q, q->ring_pages, q->nr_ring_pages);
	free(q->request);
	free(q->calls);
	q->calls = NULL;
	q->ring_pages = NULL;
	q->request = NULL;
}

void queue_ready(struct queue *q)
{
	if (!q->ready) {
		q->ready = true;
		TAILQ_INSERT_TAIL(&q->dev->worker->ready, q, of_ready);
	}
}

void queue_respond(struct queue *q, const struct vsys_response *rsp)
{
	/*
	 * The slot is that of a request that was copied out: as many responses
	 * are produced as requests were taken, never more.
	 */
	*RING_GET_RESPONSE(&q->ring, q->ring.rsp_prod_pvt) = *rsp;
	q->ring.rsp_prod_pvt++;
	queue_ready(q);
}

static void queue_push(struct queue *q)
{
	if (q->pushed == q->ring.rsp_prod_pvt)
		return;
	RING_PUSH_RESPONSES(&q->ring);
	q->pushed = q->ring.rsp_prod_pvt;
	hold_pushed(q);
}

/* Rule 6: the next notification may come when this one's work is done. */
static void queue_unmask(struct queue *q)
{
	struct worker *w = q->dev->worker;
	struct io_uring_sqe *sqe;

	if (!q->masked)
		return;
	sqe = uring_get(&w->uring);
	if (!sqe)
		return;		/* still masked: tried again after the next completion */
	io_uring_prep_write(sqe, w->transport->event_fd, worker_port_number(q->port),
			    sizeof(uint32_t), 0);
	uring_own_quiet(sqe);
	q->masked = false;
}

bool queue_has_requests(const struct queue *q)
{
	return *(volatile RING_IDX *)&q->ring.sring->req_prod != q->ring.req_cons;
}

/*
 * Looks again before we sleep.  Who looks at all looks without a processor while a
 * batch is with its executor: the answer wakes us, and then the ring is looked at.
 */
void queue_arm(struct queue *q)
{
	bool woken = q->dev->worker->spin.max_ns && ports_busy(q->dev->ports);
	int more;

	if (woken)
		more = queue_has_requests(q);
	else
		RING_FINAL_CHECK_FOR_REQUESTS(&q->ring, more);
	if (more)
		queue_ready(q);
	else if (!woken)
		queue_unmask(q);
}

static int take_one(struct queue *q, char *reason)
{
	struct vsys_request rq;
	struct request *r;
	int ret;

	RING_COPY_REQUEST(&q->ring, q->ring.req_cons, &rq);
	q->ring.req_cons++;
	q->dev->counters.requests++;

	if (rq.id >= q->entries) {
		snprintf(reason, VSYS_IPC_REASON, "queue %u: request id %u, but the ring has "
			 "%u entries", q->index, rq.id, q->entries);
		return -EPROTO;
	}
	r = &q->request[rq.id];
	if (r->where != REQ_IDLE) {
		snprintf(reason, VSYS_IPC_REASON, "queue %u: request id %u is in use", q->index,
			 rq.id);
		return -EPROTO;
	}
	r->rq = rq;
	r->where = REQ_HERE;
	r->cancelled = false;
	r->handle = NULL;
	q->dev->in_flight++;

	ret = request_check(r, reason, VSYS_IPC_REASON);
	if (ret > 0) {
		request_drop(r);
		return -EPROTO;
	}
	if (ret < 0)
		request_end(r, ret, 0, 0);
	else
		request_start(r);
	return 0;
}

int queue_serve(struct queue *q, char *reason)
{
	RING_IDX prod = *(volatile RING_IDX *)&q->ring.sring->req_prod;
	unsigned int n;

	q->served = q->dev->worker->rounds;
	xen_rmb();	/* the requests up to prod are there */
	if (RING_REQUEST_PROD_OVERFLOW(&q->ring, prod)) {
		snprintf(reason, VSYS_IPC_REASON, "queue %u: producer index %u with %u answered, "
			 "but the ring has %u entries", q->index, prod, q->ring.rsp_prod_pvt,
			 q->entries);
		return -EPROTO;
	}
	q->resized = false;
	for (n = 0; n < VSYS_SWEEP && q->ring.req_cons != prod && !q->resized; n++)
		if (take_one(q, reason) < 0)
			return -EPROTO;
	nap_found(q, n);
	queue_push(q);

	if (q->ring.req_cons != prod) {
		queue_ready(q);		/* after the other queues */
		return 0;
	}
	if (!spin_takes(q->dev->worker, q))
		queue_arm(q);
	return 0;
}
