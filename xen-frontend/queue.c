// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - one queue: a ring, the ids of what is in flight, an event channel.
 *
 * Not the place that knows what a request is for: it sends, and calls done().
 *
 * Invariants, under the queue's lock:
 *  - slot[id] is the request in flight with that id; each id is either in
 *    free_id[], reserved by a request that is not sent yet, or in a slot;
 *  - there are as many ids as ring entries, so the ring is never full;
 *  - a request with keep_id has its id reserved again once it is answered, for
 *    the next request of the same call;
 *  - each request that was sent gets done() exactly once: by its response, or
 *    by vsys_queue_stop().
 *
 * The back-end is not trusted: a response is copied out of the ring once, and
 * what does not fit a request in flight breaks the device (it goes to Closing).
 */
#include <linux/interrupt.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xen/page.h>

#include "vsysfront.h"

struct vsys_queue *vsys_queue_of_this_cpu(struct vsys_device *vdev)
{
	return &vdev->queue[raw_smp_processor_id() % vdev->nr_queues];
}

/* From the wire's errno to ours; what is not in the table is EIO. */
int vsys_errno(s32 status)
{
	if (!status)
		return 0;
	switch (-status) {
#define VSYS_CASE(name, number) case number: return -name;
	VSYS_ERRNO_TABLE(VSYS_CASE)
#undef VSYS_CASE
	}
	return -EIO;
}

/* Room came back: wake who waits for it. */
void vsys_queue_room(struct vsys_queue *q)
{
	if (wq_has_sleeper(&q->room))
		wake_up_all(&q->room);
	if (READ_ONCE(q->starved))
		q->vdev->ops->room(q);
}

/* Pages that what may wait for ever leaves free. */
static u32 vsys_queue_keep(const struct vsys_queue *q)
{
	return max(VSYS_KEEP_FREE(q->pool.nr_pages), q->vdev->keep_pages);
}

/* Takes an id and pages.  -EAGAIN: not now; wait on q->room.  -ENOMEM: never. */
int vsys_queue_reserve(struct vsys_queue *q, struct vsys_req *req, u32 length)
{
	u32 keep_ids = VSYS_CANCEL_IDS, keep_pages = 0, nr;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&q->lock, flags);
	if (!q->live) {
		err = READ_ONCE(q->vdev->broken) ? -EIO : -ENODEV;
		goto out;
	}
	if (req->waits) {
		keep_ids += VSYS_KEEP_FREE(q->nr_ids);
		keep_pages = vsys_queue_keep(q);
	}
	err = -EAGAIN;
	if (q->nr_free_ids <= keep_ids)
		goto out;
	if (req->min_pages)
		err = vsys_pool_get_some(&q->pool, &req->buf, req->min_pages,
					 vsys_buf_pages(length), keep_pages);
	else
		err = vsys_pool_get(q, &req->buf, length, keep_pages);
	if (err || (req->min_pages && req->buf.nr < vsys_buf_pages(length)))
		vsys_pool_short(q);
	/* It could not grow: so many there will never be, with the page for their list. */
	nr = vsys_buf_pages(length);
	if (err && !req->min_pages &&
	    nr + (nr > VSYS_INLINE_SEGMENTS) + keep_pages > q->pool.max_pages)
		err = -ENOMEM;
	if (!err) {
		req->wire.id = q->free_id[--q->nr_free_ids];
		vsys_pool_left(&q->pool, keep_pages);
	}
out:
	spin_unlock_irqrestore(&q->lock, flags);
	return err;
}

/* Gives back what was reserved by a request that is not sent. */
void vsys_queue_unreserve(struct vsys_queue *q, struct vsys_req *req)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	q->free_id[q->nr_free_ids++] = req->wire.id;
	vsys_pool_put(&q->pool, &req->buf);
	spin_unlock_irqrestore(&q->lock, flags);
	vsys_queue_room(q);
}

/*
 * For the next request of a call, which goes on with its pages: as many as
 * length needs, if there are any to spare; never fewer than now.  What is in
 * them is lost.
 */
void vsys_queue_grow(struct vsys_queue *q, struct vsys_req *req, u32 length)
{
	unsigned long flags;
	u32 keep;

	if (vsys_buf_pages(length) <= req->buf.nr)
		return;
	spin_lock_irqsave(&q->lock, flags);
	keep = vsys_queue_keep(q);
	vsys_pool_grow(&q->pool, &req->buf, vsys_buf_pages(length), keep);
	vsys_pool_left(&q->pool, keep);
	if (req->buf.nr < vsys_buf_pages(length))
		vsys_pool_short(q);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* Gives back the pages of a request that is done. */
void vsys_queue_put_buf(struct vsys_queue *q, struct vsys_req *req)
{
	unsigned long flags;

	if (!req->buf.nr)
		return;
	spin_lock_irqsave(&q->lock, flags);
	vsys_pool_put(&q->pool, &req->buf);
	spin_unlock_irqrestore(&q->lock, flags);
	vsys_queue_room(q);
}

/* The lock is held, and the request has an id. */
static void vsys_queue_put(struct vsys_queue *q, struct vsys_req *req)
{
	*RING_GET_REQUEST(&q->ring, q->ring.req_prod_pvt) = req->wire;
	q->ring.req_prod_pvt++;
	q->slot[req->wire.id] = req;
	q->stats.requests++;
	vsys_spin_begin(q, req);
}

/* The lock is held: publishes the requests, and tells who sleeps. */
static void __vsys_queue_push(struct vsys_queue *q)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->ring, notify);
	if (notify) {
		q->stats.notifications++;
		notify_remote_via_irq(q->irq);
	}
}

void vsys_queue_push(struct vsys_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	if (q->live)
		__vsys_queue_push(q);
	spin_unlock_irqrestore(&q->lock, flags);
}

/*
 * Sends a request that has a reservation.  From then on done() will be called.
 * -ENODEV: the device is gone; the reservation still belongs to the request.
 * Without push the request waits for the next one, or vsys_queue_push().
 */
int vsys_queue_send(struct vsys_queue *q, struct vsys_req *req, bool push)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	if (!q->live) {
		spin_unlock_irqrestore(&q->lock, flags);
		return -ENODEV;
	}
	q->stats.copied_pages += req->wire.op == VSYS_OP_WRITE ? req->buf.nr : 0;
	vsys_queue_put(q, req);
	if (push)
		__vsys_queue_push(q);
	spin_unlock_irqrestore(&q->lock, flags);
	return 0;
}

static void vsys_finish(struct list_head *done)
{
	struct vsys_req *req, *next;

	list_for_each_entry_safe(req, next, done, link) {
		list_del(&req->link);
		req->done(req);
	}
}

/*
 * The lock is held: sends the CANCELs that have an id, in order.  A target
 * whose response came in the meantime needs none; its id may be another
 * request's by now, which must not be hit.
 */
static bool vsys_queue_send_cancels(struct vsys_queue *q, struct list_head *done)
{
	struct vsys_req *cancel, *next;
	bool sent = false;

	list_for_each_entry_safe(cancel, next, &q->cancels, link) {
		if (q->slot[cancel->wire.u.cancel.id] != cancel->target) {
			list_move_tail(&cancel->link, done);
			continue;
		}
		if (!q->nr_free_ids)
			break;
		list_del(&cancel->link);
		cancel->wire.id = q->free_id[--q->nr_free_ids];
		vsys_queue_put(q, cancel);
		sent = true;
	}
	return sent;
}

/*
 * Asks the back-end to end target early.  Does not sleep.  False: target has
 * its response, and cancel->done() will not be called.
 */
bool vsys_queue_cancel(struct vsys_queue *q, struct vsys_req *cancel,
		       struct vsys_req *target)
{
	LIST_HEAD(done);
	unsigned long flags;
	bool in_flight;

	spin_lock_irqsave(&q->lock, flags);
	in_flight = q->live && q->slot[target->wire.id] == target;
	if (in_flight) {
		cancel->wire.op = VSYS_OP_CANCEL;
		cancel->wire.u.cancel.id = target->wire.id;
		cancel->target = target;
		list_add_tail(&cancel->link, &q->cancels);
		if (vsys_queue_send_cancels(q, &done))
			__vsys_queue_push(q);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	vsys_finish(&done);
	return in_flight;
}

/* A response, copied, that does not answer anything that was asked: why. */
static const char *vsys_response_fault(struct vsys_queue *q,
				       const struct vsys_response *rsp)
{
	const struct vsys_req *req;

	if (rsp->id >= q->nr_ids || !q->slot[rsp->id])
		return "a response to no request";
	req = q->slot[rsp->id];
	if (rsp->op != req->wire.op)
		return "a response of another operation";
	if (rsp->status > 0)
		return "a status above zero";
	if ((rsp->op == VSYS_OP_READ || rsp->op == VSYS_OP_WRITE) &&
	    !rsp->status && rsp->value > req->wire.length)
		return "more bytes than were asked for";
	return NULL;
}

/* The lock is held: moves what was answered to done. */
static const char *vsys_queue_collect(struct vsys_queue *q,
				      struct list_head *done)
{
	int more;

	do {
		RING_IDX i, prod = READ_ONCE(q->ring.sring->rsp_prod);

		/* The responses are read after the index that names them. */
		virt_rmb();
		if (RING_RESPONSE_PROD_OVERFLOW(&q->ring, prod))
			return "a response index beyond the requests";
		for (i = q->ring.rsp_cons; i != prod; i++) {
			struct vsys_response rsp;
			struct vsys_req *req;
			const char *fault;

			RING_COPY_RESPONSE(&q->ring, i, &rsp);
			fault = vsys_response_fault(q, &rsp);
			if (fault)
				return fault;
			req = q->slot[rsp.id];
			q->slot[rsp.id] = NULL;
			vsys_spin_learn(q, req);
			if (!req->keep_id)
				q->free_id[q->nr_free_ids++] = rsp.id;
			q->stats.responses++;
			if (rsp.op == VSYS_OP_READ && !rsp.status)
				q->stats.copied_pages +=
					vsys_buf_pages(rsp.value);
			rsp.status = vsys_errno(rsp.status);
			req->rsp = rsp;
			list_add_tail(&req->link, done);
		}
		q->ring.rsp_cons = i;
		RING_FINAL_CHECK_FOR_RESPONSES(&q->ring, more);
	} while (more);
	return NULL;
}

/* Takes the responses that are there.  False: there were none. */
static bool vsys_queue_take(struct vsys_queue *q)
{
	const char *fault = NULL;
	LIST_HEAD(done);
	unsigned long flags;
	bool any;

	spin_lock_irqsave(&q->lock, flags);
	if (q->live) {
		fault = vsys_queue_collect(q, &done);
		if (fault)
			q->live = false;
		else if (vsys_queue_send_cancels(q, &done))
			__vsys_queue_push(q);
	}
	any = !list_empty(&done);
	spin_unlock_irqrestore(&q->lock, flags);

	vsys_finish(&done);
	if (any)
		vsys_queue_room(q);
	if (fault)
		vsys_device_broken(q, fault);
	return any;
}

/*
 * Takes the responses, if there are any; else the back-end need not notify until
 * vsys_queue_arm(), or the next responses are taken.  False: req has its response.
 */
bool vsys_queue_look(struct vsys_queue *q, const struct vsys_req *req, u16 id)
{
	unsigned long flags;
	bool waits, any = false;

	spin_lock_irqsave(&q->lock, flags);
	waits = q->live && q->slot[id] == req;
	if (waits) {
		any = READ_ONCE(q->ring.sring->rsp_prod) != q->ring.rsp_cons;
		if (any)
			q->looked = true;
		else
			q->ring.sring->rsp_event = q->ring.rsp_cons;
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (any)
		vsys_queue_take(q);
	return waits;
}

/* Somebody has looked in vain: from here on there are events again. */
void vsys_queue_arm(struct vsys_queue *q)
{
	vsys_queue_take(q);
}

static irqreturn_t vsys_interrupt(int irq, void *arg)
{
	struct vsys_queue *q = arg;
	bool spurious;

	q->stats.interrupts++;
	/* Or the response was found first by who looked for it. */
	spurious = !vsys_queue_take(q) && !READ_ONCE(q->looked);
	WRITE_ONCE(q->looked, false);
	/* An event without a response costs its sender a delay (XSA-332). */
	xen_irq_lateeoi(irq, spurious ? XEN_EOI_FLAG_SPURIOUS : 0);
	return IRQ_HANDLED;
}

/*
 * If each CPU has a queue, responses come where the requests come from: else a CPU would
 * be woken up only to wake up another one.  Queues that several CPUs share are where the
 * kernel likes.  The administrator may choose otherwise: /proc/irq/N/smp_affinity.
 */
static void vsys_queue_place(struct vsys_queue *q)
{
	unsigned int cpu = q - q->vdev->queue;

	if (q->vdev->nr_queues >= num_online_cpus() && cpu_online(cpu))
		irq_set_affinity_and_hint(q->irq, cpumask_of(cpu));
}

/*
 * Makes ring, pool and event channel, for the caller to publish.  On error
 * the caller calls vsys_queue_disconnect().
 */
int vsys_queue_connect(struct vsys_queue *q, unsigned int order, u32 pool_pages,
		       u32 max_pool_pages)
{
	struct xenbus_device *xdev = q->vdev->xdev;
	u32 i, nr_ids;
	int err;

	err = xenbus_setup_ring(xdev, GFP_KERNEL, &q->sring, 1u << order,
				q->ring_ref);
	if (err)
		return err;
	XEN_FRONT_RING_INIT(&q->ring, (struct vsys_sring *)q->sring,
			    VSYS_PAGE_SIZE << order);
	nr_ids = RING_SIZE(&q->ring);
	q->slot = kvcalloc(nr_ids, sizeof(*q->slot), GFP_KERNEL);
	q->free_id = kvcalloc(nr_ids, sizeof(*q->free_id), GFP_KERNEL);
	if (!q->slot || !q->free_id)
		return -ENOMEM;
	for (i = 0; i < nr_ids; i++)
		q->free_id[i] = nr_ids - 1 - i;
	q->nr_ids = nr_ids;
	q->nr_free_ids = nr_ids;

	err = vsys_pool_create(q, pool_pages, max_pool_pages);
	if (err)
		return err;
	err = xenbus_alloc_evtchn(xdev, &q->evtchn);
	if (err)
		return err;
	err = bind_evtchn_to_irqhandler_lateeoi(q->evtchn, vsys_interrupt, 0,
						q->vdev->label, q);
	if (err < 0) {
		xenbus_free_evtchn(xdev, q->evtchn);
		return err;
	}
	q->irq = err;
	vsys_queue_place(q);
	return 0;
}

void vsys_queue_start(struct vsys_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	q->live = true;
	spin_unlock_irqrestore(&q->lock, flags);
}

/* No request is taken any more; those in flight end with error. */
void vsys_queue_stop(struct vsys_queue *q, int error)
{
	struct vsys_req *req, *next;
	LIST_HEAD(done);
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&q->lock, flags);
	q->live = false;
	for (i = 0; i < q->nr_ids; i++) {
		if (!q->slot[i])
			continue;
		q->slot[i]->rsp.status = error;
		list_add_tail(&q->slot[i]->link, &done);
		q->slot[i] = NULL;
	}
	list_for_each_entry_safe(req, next, &q->cancels, link) {
		req->rsp.status = error;
		list_move_tail(&req->link, &done);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	vsys_finish(&done);
	vsys_queue_room(q);
}

/* After vsys_queue_stop(): no interrupt, no grant.  May be called again. */
void vsys_queue_disconnect(struct vsys_queue *q)
{
	if (q->irq) {
		irq_set_affinity_and_hint(q->irq, NULL);
		/* Closes the event channel, too. */
		unbind_from_irqhandler(q->irq, q);
		q->irq = 0;
	}
	if (q->sring)
		xenbus_teardown_ring(&q->sring, 1u << q->vdev->ring_order,
				     q->ring_ref);
	vsys_pool_settle(q);
	vsys_pool_end_access(&q->pool);
}

/* The memory, when nobody copies to or from the pool any more. */
void vsys_queue_free(struct vsys_queue *q)
{
	vsys_pool_free(&q->pool);
	kvfree(q->slot);
	kvfree(q->free_id);
	q->slot = NULL;
	q->free_id = NULL;
	q->nr_ids = 0;
}
