/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request.h - one request of a guest: check it, carry it out.
 *
 * A request is a slot of its queue, found by the id that the guest chose.  It
 * is busy from when it was taken until its response is in the ring.
 */
#ifndef VSYS_REQUEST_H
#define VSYS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <xen/io/vsysif.h>

#include "handles.h"
#include "threads.h"
#include "uring.h"

struct mcall;
struct queue;

enum request_where {
	REQ_IDLE = 0,
	REQ_HERE,		/* being looked at; ends before we return */
	REQ_URING,
	REQ_THREAD,
	REQ_SUPERVISOR,		/* an OPEN: waits for IPC_OPENED */
	REQ_CLOSING,		/* a RELEASE: waits for the handle's end; MM_EXIT, too */
	REQ_MIRROR,		/* belongs to a call, calls.h */
	REQ_PORTS,		/* a PORT_BATCH: with the executor, or waits, ports.h */
};

struct request {
	struct queue *queue;
	struct vsys_request rq;		/* our copy: the guest cannot change it */
	enum request_where where;
	bool cancelled;

	struct handle *handle;
	LIST_ENTRY(request) link;	/* of handle->requests, or device->opening */
	bool at_pos;			/* uses and moves the native position */
	bool at_offset;			/* pread()/pwrite(), else read()/write() */
	int rw_flags;			/* RWF_* */
	bool bounced;			/* the data took a way through our memory */
	int vector;			/* what was found out: handle->readv, writev */

	struct vsys_item *items;	/* of a call: our copy */
	struct mcall *call_of;		/* REQ_MIRROR */
	TAILQ_ENTRY(request) of_ports;	/* REQ_PORTS */

	uint32_t cookie;		/* names an OPEN towards the supervisor */

	struct uring_call call;
	struct thread_job job;
	struct threads *threads;	/* which of the worker's have it */
	struct iovec *iov;		/* own, or inline_iov */
	unsigned int nr_iov;
	struct iovec inline_iov[VSYS_INLINE_SEGMENTS];
};

/*
 * Check the request that was copied to r->rq, and make r->iov.  0; or negative
 * errno for an answer to the guest; or 1 if the guest broke the protocol, and
 * then reason says how.
 */
int request_check(struct request *r, char *reason, size_t size);

/* Carry out what was checked.  It ends by request_end(), maybe before return. */
void request_start(struct request *r);
/* Ask that it ends early. */
void request_cancel(struct request *r);

/* Let a thread make the call; done() ends the request. */
void request_in_thread(struct request *r, long (*run)(struct thread_job *),
		       void (*done)(struct thread_job *, long));

/* A request that was refused by request_check(): no response. */
void request_drop(struct request *r);
/* status: negative errno of this system.  The slot is free afterwards. */
void request_end(struct request *r, long status, uint64_t value, uint64_t pos);

/*
 * Cancel the requests of an open file, and close it when they have ended.
 * release, if there is one, ends after that.
 */
void request_close_handle(struct handle *h, struct request *release);

/* Nothing holds the open file any more: if it is closing, it goes on. */
void request_handle_idle(struct handle *h);

#endif /* VSYS_REQUEST_H */
