// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * request.c - requests of a guest: checks, segments, life and end.
 *
 * Everything is checked on our copy (rule 1), before any driver is called
 * (rule 4).  What a correct front-end can send by bad luck or on behalf of a bad
 * program is answered by an error; what it can never send is a violation.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "container.h"
#include "ops.h"
#include "ports.h"
#include "request.h"
#include "ring.h"
#include "wire-errno.h"
#include "worker.h"

/* Violations are told as "queue 0: request 17 ...". */
__attribute__((format(printf, 4, 5)))
static int violation(struct request *r, char *reason, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(reason, size, "queue %u: request %u ", r->queue->index, r->rq.id);
	if (n < 0 || (size_t)n >= size)
		return 1;
	va_start(args, fmt);
	vsnprintf(reason + n, size - n, fmt, args);
	va_end(args);
	return 1;
}

static int check_segments(struct request *r, const struct vsys_segment *segment,
			  unsigned int nr, char *reason, size_t size)
{
	struct queue *q = r->queue;
	struct iovec *last = NULL;
	uint64_t sum = 0;
	unsigned int i;

	r->nr_iov = 0;
	for (i = 0; i < nr; i++) {
		char *base = pool_at(&q->pool, &segment[i]);

		if (!base)
			return violation(r, reason, size, "names segment %u beyond the pool or a piece "
					 "of it (offset %u, length %u, pool %" PRIu64 " bytes)", i,
					 segment[i].offset, segment[i].length, q->pool.size);
		sum += segment[i].length;
		if (segment[i].length == 0)
			continue;
		/* Where one segment ends and the next begins has no meaning. */
		if (last && (char *)last->iov_base + last->iov_len == base) {
			last->iov_len += segment[i].length;
			continue;
		}
		last = &r->iov[r->nr_iov++];
		last->iov_base = base;
		last->iov_len = segment[i].length;
	}
	if (sum != r->rq.length)
		return violation(r, reason, size, "has length %u, but its segments have %"
				 PRIu64, r->rq.length, sum);
	return 0;
}

/* Where the request's own segments are, and how many there can be. */
static const struct vsys_segment *request_segments(const struct request *r, unsigned int *max)
{
	const struct op *op = op_get(r->rq.op);

	if (max)
		*max = op && op->call ? VSYS_CALL_SEGMENTS : VSYS_INLINE_SEGMENTS;
	if (op && op->ports)
		return r->rq.u.ports.segment;
	return op && op->call ? r->rq.u.call.segment : r->rq.u.segment;
}

/* What was not negotiated is not there, whatever the request looks like. */
static bool is_there(const struct device *dev, const struct vsys_request *rq)
{
	const struct op *op = op_get(rq->op);

	if (!op)
		return false;
	if (dev->ports)
		return op->ports || rq->op == VSYS_OP_NOP || rq->op == VSYS_OP_CANCEL;
	return !op->ports && (dev->ioctl || (!op->call && rq->op != VSYS_OP_MM_EXIT));
}

/* The array of segments lies in the pool: copy it out once, then check. */
static int check_indirect(struct request *r, char *reason, size_t size)
{
	const struct vsys_segment *where = request_segments(r, NULL);
	struct vsys_segment array[VSYS_MAX_SEGMENTS];
	struct queue *q = r->queue;
	const void *from = pool_at(&q->pool, where);
	unsigned int nr;

	if (r->rq.nr_segments != 1)
		return violation(r, reason, size, "is indirect with %u segments",
				 r->rq.nr_segments);
	if (where->length % sizeof(array[0]) || where->length > sizeof(array))
		return violation(r, reason, size, "has an array of segments of %u bytes",
				 where->length);
	if (!from)
		return violation(r, reason, size, "has its array of segments beyond the pool or a "
				 "piece of it (offset %u, length %u, pool %" PRIu64 " bytes)",
				 where->offset, where->length, q->pool.size);
	nr = where->length / sizeof(array[0]);
	memcpy(array, from, where->length);
	/* From here on only the copy counts, whatever the compiler thinks. */
	__asm__ __volatile__("" ::: "memory");

	if (nr > VSYS_INLINE_SEGMENTS) {
		r->iov = malloc(nr * sizeof(*r->iov));
		if (!r->iov) {
			r->iov = r->inline_iov;
			return -ENOMEM;
		}
	}
	return check_segments(r, array, nr, reason, size);
}

int request_check(struct request *r, char *reason, size_t size)
{
	const struct vsys_request *rq = &r->rq;
	const struct op *op;
	unsigned int max;

	r->items = NULL;
	r->call_of = NULL;
	r->iov = r->inline_iov;
	r->nr_iov = 0;
	if (rq->op >= VSYS_OP_LIMIT)
		return violation(r, reason, size, "has operation %u", rq->op);
	if (rq->flags & ~VSYS_FLAGS_MASK)
		return violation(r, reason, size, "has unknown flags 0x%x",
				 rq->flags & ~VSYS_FLAGS_MASK);
	request_segments(r, &max);
	if (rq->nr_segments > max)
		return violation(r, reason, size, "has %u segments", rq->nr_segments);

	op = op_get(rq->op);
	if (!is_there(r->queue->dev, rq))
		return -ENOSYS;
	if (op->ports && (rq->nr_segments != 1 || rq->flags & VSYS_RQ_INDIRECT))
		return violation(r, reason, size, "is a batch that has not just one segment");
	if (!op->data) {
		if (rq->nr_segments || rq->flags & VSYS_RQ_INDIRECT)
			return violation(r, reason, size, "has segments, but operation %u "
					 "takes none", rq->op);
	} else {
		int ret;

		if (rq->length > VSYS_MAX_LENGTH)
			return violation(r, reason, size, "has length %u", rq->length);
		if (rq->flags & VSYS_RQ_INDIRECT)
			ret = check_indirect(r, reason, size);
		else
			ret = check_segments(r, request_segments(r, NULL), rq->nr_segments,
					     reason, size);
		if (ret)
			return ret;
	}
	if (op->call || rq->op == VSYS_OP_MM_EXIT)
		return calls_check(r, reason, size);
	if (op->resizes)
		return pool_resize(r, reason, size);
	if (rq->op == VSYS_OP_CANCEL && rq->u.cancel.id >= r->queue->entries)
		return violation(r, reason, size, "cancels request %u of %u",
				 rq->u.cancel.id, r->queue->entries);
	return 0;
}

/* A call that has begun goes on, also if its file has been released meanwhile. */
static struct handle *handle_of(const struct request *r)
{
	if (r->rq.op == VSYS_OP_CONTINUE)
		return r->queue->calls[r->rq.u.call.call]->h;
	return handle_get(&r->queue->dev->handles, r->rq.handle);
}

void request_start(struct request *r)
{
	const struct op *op = op_get(r->rq.op);

	if (op->handle) {
		r->handle = handle_of(r);
		/* A WATCH has none. */
		if (!r->handle && r->rq.op != VSYS_OP_CONTINUE) {
			request_end(r, -EBADF, 0, 0);
			return;
		}
		if (r->handle)
			LIST_INSERT_HEAD(&r->handle->requests, r, link);
	}
	op->start(r);
}

void request_cancel(struct request *r)
{
	struct worker *w = r->queue->dev->worker;

	if (r->cancelled)
		return;
	switch (r->where) {
	case REQ_URING:
		r->cancelled = true;
		uring_cancel(&w->uring, &r->call);
		break;
	case REQ_THREAD:
		r->cancelled = true;
		threads_cancel(r->threads, &r->job);
		worker_tick(w);
		break;
	case REQ_SUPERVISOR:
		r->cancelled = true;
		op_open_cancel(r);
		break;
	case REQ_MIRROR:
		calls_cancel(r);
		break;
	case REQ_PORTS:
		ports_cancel(r);
		break;
	case REQ_IDLE:
	case REQ_HERE:
	case REQ_CLOSING:
		break;
	}
}

void request_in_thread(struct request *r, long (*run)(struct thread_job *),
		       void (*done)(struct thread_job *, long))
{
	struct worker *w = r->queue->dev->worker;

	r->job.run = run;
	r->job.done = done;
	r->threads = r->rq.op == VSYS_OP_READ ? &w->reads : &w->calls;
	r->where = REQ_THREAD;
	threads_start(r->threads, &r->job);
}

static void close_if_idle(struct handle *h);

/* A handle's last request has gone: if somebody waits to close it, now. */
static void leave_handle(struct request *r)
{
	struct handle *h = r->handle;

	LIST_REMOVE(r, link);
	r->handle = NULL;
	if (h->closing)
		close_if_idle(h);
}

void request_drop(struct request *r)
{
	if (r->iov != r->inline_iov)
		free(r->iov);
	free(r->items);
	r->items = NULL;
	r->iov = r->inline_iov;
	r->where = REQ_IDLE;
	r->cancelled = false;
	r->queue->dev->in_flight--;
}

void request_end(struct request *r, long status, uint64_t value, uint64_t pos)
{
	struct queue *q = r->queue;
	struct device *dev = q->dev;
	struct vsys_response rsp;

	if (r->cancelled && status == -ECANCELED)
		status = -EINTR;

	memset(&rsp, 0, sizeof(rsp));	/* rule 3 */
	rsp.id = r->rq.id;
	rsp.op = r->rq.op;
	rsp.status = vsys_status_of(status);
	rsp.value = value;
	rsp.pos = pos;

	request_drop(r);
	if (r->handle)
		leave_handle(r);

	if (dev->stopping)
		return;		/* the ring is no longer ours to write */
	dev->counters.responses++;
	if (rsp.status < 0)
		dev->counters.errors++;
	queue_respond(q, &rsp);
}

static long close_run(struct thread_job *job)
{
	struct handle *h = container_of(job, struct handle, close_job);

	/* Whatever it returns, the descriptor is gone: never close twice. */
	if (close(h->fd) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

static void close_done(struct thread_job *job, long res)
{
	struct handle *h = container_of(job, struct handle, close_job);
	struct device *dev = container_of(h->table, struct device, handles);
	struct request *r = h->release;

	if (res == -ENOMEM)	/* no thread to be had: then we wait for it here */
		res = close_run(job);
	dev->counters.handles--;
	if (h->opened)
		device_file_closed(dev->worker, dev->devid, h->era);
	handle_free(h);
	if (r)
		request_end(r, res, 0, 0);
}

void request_handle_idle(struct handle *h)
{
	if (h->closing)
		close_if_idle(h);
}

static void close_if_idle(struct handle *h)
{
	struct device *dev = container_of(h->table, struct device, handles);

	if (!LIST_EMPTY(&h->requests) || h->holds || h->copies || h->close_job.run)
		return;
	own_forget(h);
	/* The native close is that of the last descriptor. */
	if (mms_forget_handle(h, close_if_idle))
		return;
	h->close_job.run = close_run;
	h->close_job.done = close_done;
	threads_start(&dev->worker->closes, &h->close_job);
}

void request_close_handle(struct handle *h, struct request *release)
{
	struct request *r, *next;

	if (h->closing)
		return;
	h->closing = true;
	h->release = release;
	if (release)
		release->where = REQ_CLOSING;
	for (r = LIST_FIRST(&h->requests); r; r = next) {
		next = LIST_NEXT(r, link);
		request_cancel(r);
	}
	close_if_idle(h);
}
