// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ports.c - batches of port operations, and the way to their executor; see ports.h.
 *
 * One batch is with the executor at a time, so that their order is that of the
 * requests, and one copy is enough: what the guest writes after that copy was made
 * counts for nothing, and where answers go is decided by it.
 *
 * A read of the socket is always under way: it brings the answer, or tells that the
 * executor has ended, whether somebody waits for it or not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../log.h"
#include "../ports/batch.h"
#include "container.h"
#include "device.h"
#include "ports.h"
#include "worker.h"

struct ports {
	struct device *dev;
	int fd;
	uint16_t first, last;
	bool said;			/* that a port was denied */
	bool lost;			/* the executor */

	TAILQ_HEAD(, request) waiting;
	struct request *current;	/* the executor has it */
	struct uring_call call;
	bool listening, cancelled;

	struct ports_message batch;	/* of current */
	struct vsys_port_op asked[VSYS_PORT_MAX_OPS];	/* by the guest, if some were denied */
	bool denied[VSYS_PORT_MAX_OPS], any_denied;
	struct ports_message answer;
};

static void listen_on(struct ports *p);
static void next(struct ports *p);

static void lose(struct ports *p, const char *reason)
{
	struct request *r = p->current;

	p->lost = true;
	p->current = NULL;
	if (r)
		request_end(r, -EIO, 0, 0);
	if (!p->dev->stopping)
		device_fail(p->dev, reason);
}

/* --- answers -------------------------------------------------------------- */

static bool is_answer(const struct ports *p, int size)
{
	const struct ports_message *b = &p->batch, *a = &p->answer;
	size_t data = ports_answers(b) ? b->len : 0;

	if (size != (int)(PORTS_HEADER + data) || a->nr != b->nr || a->len != b->len)
		return false;
	return a->status ? a->status == -ETIMEDOUT && a->done < b->nr : a->done == b->nr;
}

/* base: the segment, in the guest's memory. */
static void put_answers(const struct ports *p, uint8_t *base)
{
	const struct ports_message *b = &p->batch, *a = &p->answer;
	size_t at, bytes = b->nr * sizeof(b->op[0]);
	uint32_t i;

	for (i = 0; i < a->done; i++) {
		const struct vsys_port_op *op = p->any_denied ? &p->asked[i] : &b->op[i];

		switch (op->op) {
		case VSYS_PORT_IN:
		case VSYS_PORT_CHANGE:
		case VSYS_PORT_WHEN:
			at = i * sizeof(*op) + offsetof(struct vsys_port_op, value);
			memcpy(base + at, a->data + at, sizeof(op->value));
			break;
		case VSYS_PORT_INS:
			at = bytes + op->value;
			if (p->any_denied && p->denied[i])
				memset(base + at, 0xff, (size_t)op->count << op->width);
			else
				memcpy(base + at, a->data + at, (size_t)op->count << op->width);
			break;
		}
	}
}

static void answered(struct uring_call *call, int res)
{
	struct ports *p = container_of(call, struct ports, call);
	struct request *r = p->current;
	int status;

	p->listening = false;
	if (res == -ECANCELED)
		return;
	if (res == -EINTR || res == -EAGAIN) {
		listen_on(p);
		return;
	}
	if (res <= 0 || !r) {
		lose(p, "the port executor ended");
		return;
	}
	if (!is_answer(p, res)) {
		lose(p, "the port executor gave an answer that cannot be");
		return;
	}
	p->current = NULL;
	/* When the device stops, too: its memory is mapped as long as this request is there. */
	if (r->nr_iov)
		put_answers(p, r->iov[0].iov_base);
	status = p->answer.status;
	if (!status && p->any_denied)
		status = -EPERM;
	request_end(r, status, p->answer.done, 0);
	listen_on(p);
	next(p);
}

static bool listen_once(struct ports *p)
{
	struct io_uring_sqe *sqe = uring_get(&p->dev->worker->uring);

	if (!sqe)
		return false;
	io_uring_prep_read(sqe, p->fd, &p->answer, sizeof(p->answer), 0);
	uring_own(sqe, &p->call);
	p->listening = true;
	return true;
}

static void listen_on(struct ports *p)
{
	if (!p->lost && !(p->dev->stopping && !p->current) && !listen_once(p))
		lose(p, "out of memory");
}

/* --- batches ---------------------------------------------------------------- */

static void say_denied(struct ports *p, uint16_t port)
{
	static struct log_limit limit;
	struct device *dev = p->dev;

	dev->counters.denied++;
	if (p->said)
		return;
	p->said = true;
	log_limited(&limit, LOG_WARNING,
		    "domain %u device %u: port 0x%x is denied: 0x%x-0x%x are lent",
		    dev->worker->transport->domid, dev->devid, port, p->first, p->last);
}

/*
 * What reaches other ports becomes a poll of no read, in a place of its own: the order
 * of the others stays, and the executor has nothing to refuse.  The answer is all ones,
 * as of an empty bus.  A WHEN that is not done does not come true.
 */
static void deny(struct ports *p)
{
	struct ports_message *b = &p->batch;
	uint32_t i, left_out = 0;

	memcpy(p->asked, b->op, b->nr * sizeof(b->op[0]));
	for (i = 0; i < b->nr; i++) {
		p->denied[i] = left_out || !ports_lent(&b->op[i], p->first, p->last);
		if (left_out)
			left_out--;
		else if (p->denied[i] && b->op[i].op == VSYS_PORT_WHEN)
			left_out = b->op[i].count;
		if (p->denied[i])
			b->op[i] = (struct vsys_port_op){ .op = VSYS_PORT_CHANGE, .port = p->first,
							  .value = UINT32_MAX };
	}
	p->any_denied = true;
}

/* Out of the guest's memory, once. */
static int take(struct ports *p, const struct request *r)
{
	struct ports_message *b = &p->batch;
	uint16_t port;
	int err;

	if (r->rq.length > sizeof(b->data))
		return -EINVAL;
	memset(b, 0, PORTS_HEADER);
	b->nr = r->rq.u.ports.nr;
	b->len = r->rq.length;
	if (b->len)
		memcpy(b->data, r->iov[0].iov_base, b->len);
	/* From here on only the copy counts, whatever the compiler thinks. */
	__asm__ __volatile__("" ::: "memory");

	p->any_denied = false;
	err = ports_check(b, p->first, p->last, &port);
	if (err != -EPERM)
		return err;
	say_denied(p, port);
	deny(p);
	return 0;
}

/*
 * Not through the ring: the executor, which waits, begins at once.  There is room,
 * since it has read the batch before.
 */
static int give(struct ports *p)
{
	size_t size = PORTS_HEADER + p->batch.len;

	if (send(p->fd, &p->batch, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size)
		return 0;
	/* That it has ended is what we read next. */
	return errno == EPIPE || errno == ECONNRESET ? 0 : -ENOMEM;
}

static void next(struct ports *p)
{
	struct request *r;
	int err;

	while (!p->current && (r = TAILQ_FIRST(&p->waiting))) {
		TAILQ_REMOVE(&p->waiting, r, of_ports);
		err = p->lost ? -EIO : take(p, r);
		if (!err)
			err = give(p);
		if (err)
			request_end(r, err, 0, 0);
		else
			p->current = r;
	}
}

void ports_start(struct request *r)
{
	struct ports *p = r->queue->dev->ports;

	r->where = REQ_PORTS;
	TAILQ_INSERT_TAIL(&p->waiting, r, of_ports);
	next(p);
}

void ports_cancel(struct request *r)
{
	struct ports *p = r->queue->dev->ports;

	/* One that has begun takes no longer than a moment (batch.c). */
	if (r == p->current)
		return;
	TAILQ_REMOVE(&p->waiting, r, of_ports);
	request_end(r, -EINTR, 0, 0);
}

/* --- beginning and end -------------------------------------------------------- */

struct ports *ports_new(struct device *dev, int fd, uint16_t first, uint16_t last)
{
	struct ports *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->dev = dev;
	p->fd = fd;
	p->first = first;
	p->last = last;
	TAILQ_INIT(&p->waiting);
	p->call.done = answered;
	if (!listen_once(p)) {
		free(p);
		return NULL;
	}
	return p;
}

void ports_free(struct ports *p)
{
	if (!p)
		return;
	close(p->fd);
	free(p);
}

bool ports_busy(const struct ports *p)
{
	return p && p->current;
}

bool ports_gone(struct ports *p)
{
	if (!p)
		return true;
	if (p->listening && !p->current && !p->cancelled) {
		p->cancelled = true;
		uring_cancel(&p->dev->worker->uring, &p->call);
	}
	return !p->listening && !p->current;
}
