// SPDX-License-Identifier: GPL-2.0
/*
 * call.c - one call of a process: room, sending, waiting, signals.
 *
 * A call is counted: its caller, the ring while the request is in flight, and
 * a CANCEL of it.  A caller that is killed leaves the call behind as an
 * "orphan": the pages stay its own until the response is there, so that the
 * back-end never writes into somebody else's data; orphaned() undoes what the
 * answer brings: an OPEN that succeeds is closed again.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "vsysfront.h"

/* How long a close waits for the native close, and a killed task for room. */
#define VSYS_CLOSE_TIMEOUT	(30 * HZ)
/* A long READ takes this much when it could not get all at once. */
#define VSYS_SHORT_READ		65536u

static void vsys_call_release(struct kref *kref)
{
	struct vsys_call *call = container_of(kref, struct vsys_call, kref);
	struct vsys_device *vdev = call->q->vdev;

	vsys_queue_put_buf(call->q, &call->req);
	kfree(call->req.buf.page);
	kfree(call);
	vsys_device_put(vdev);
}

/* Any context. */
void vsys_call_put(struct vsys_call *call)
{
	kref_put(&call->kref, vsys_call_release);
}

/* There is an answer that nobody waits for any more. */
static void vsys_call_orphan_work(struct work_struct *work)
{
	struct vsys_call *call = container_of(work, struct vsys_call, work);

	call->orphaned(call);
	vsys_call_put(call);
}

static void vsys_call_done(struct vsys_req *req)
{
	struct vsys_call *call = container_of(req, struct vsys_call, req);
	unsigned long flags;
	bool orphan;

	if (call->async_done) {
		call->async_done(call);
		return;
	}
	spin_lock_irqsave(&call->lock, flags);
	call->finished = true;
	orphan = call->orphan;
	spin_unlock_irqrestore(&call->lock, flags);

	complete(&call->done);
	if (orphan && call->orphaned)
		queue_work(vsys_wq, &call->work);
	else
		vsys_call_put(call);
}

static void vsys_cancel_done(struct vsys_req *cancel)
{
	vsys_call_put(container_of(cancel, struct vsys_call, cancel));
}

static void vsys_call_init(struct vsys_call *call, struct vsys_queue *q, u8 op,
			   u32 handle)
{
	kref_init(&call->kref);
	init_completion(&call->done);
	spin_lock_init(&call->lock);
	INIT_WORK(&call->work, vsys_call_orphan_work);
	call->req.wire.op = op;
	call->req.wire.handle = handle;
	call->req.done = vsys_call_done;
	call->cancel.done = vsys_cancel_done;
	call->q = q;
	vsys_device_get(q->vdev);
}

/*
 * A call of at least sizeof(struct vsys_call) bytes, zeroed behind that, with
 * space for the pages of max_length bytes.  NULL: no memory.
 */
struct vsys_call *vsys_call_alloc(struct vsys_queue *q, u8 op, u32 handle,
				  u32 max_length, size_t size)
{
	struct vsys_call *call = kzalloc(max(size, sizeof(*call)), GFP_KERNEL);

	if (!call)
		return NULL;
	if (max_length) {
		call->req.buf.page = kmalloc_array(vsys_buf_pages(max_length) + 1,
						   sizeof(u16), GFP_KERNEL);
		if (!call->req.buf.page) {
			kfree(call);
			return NULL;
		}
	}
	vsys_call_init(call, q, op, handle);
	return call;
}

/*
 * The next request of a call with keep_id, of which prev was answered.  It takes
 * over the id and the pages, so it needs no room, and there is always memory for
 * it: a call that has begun must be brought to its end.
 */
struct vsys_call *vsys_call_next(struct vsys_call *prev, u8 op)
{
	struct vsys_call *call = kzalloc(sizeof(*call),
					 GFP_KERNEL | __GFP_NOFAIL);

	vsys_call_init(call, prev->q, op, prev->req.wire.handle);
	call->req.wire.id = prev->req.wire.id;
	call->req.buf = prev->req.buf;
	prev->req.buf = (struct vsys_buf){};
	call->req.keep_id = true;
	call->orphaned = prev->orphaned;
	call->owner = prev->owner;
	return call;
}

/*
 * Takes an id and pages for *length bytes, waiting for them if need be.  A
 * READ that would have to wait for others is content with less: *length says what
 * it got.  -EAGAIN (nonblock), -ERESTARTSYS, -ENODEV, -ENOMEM.
 */
int vsys_call_reserve(struct vsys_call *call, u32 *length, bool nonblock)
{
	struct vsys_queue *q = call->q;
	struct vsys_req *req = &call->req;
	int err = -EAGAIN;

	/* Whoever waits already is first. */
	if (!mutex_is_locked(&q->alloc_lock))
		err = vsys_queue_reserve(q, req, *length);
	if ((err == -EAGAIN || err == -ENOMEM) && req->wire.op == VSYS_OP_READ &&
	    *length > VSYS_SHORT_READ &&
	    (nonblock || err == -ENOMEM || !READ_ONCE(q->pool.growing))) {
		*length = VSYS_SHORT_READ;
		err = vsys_queue_reserve(q, req, *length);
	}
	if (err != -EAGAIN || nonblock)
		return err;

	q->stats.waits++;
	if (mutex_lock_interruptible(&q->alloc_lock))
		return -ERESTARTSYS;
	if (wait_event_interruptible(q->room,
			(err = vsys_queue_reserve(q, req, *length)) != -EAGAIN))
		err = -ERESTARTSYS;
	mutex_unlock(&q->alloc_lock);
	return err;
}

/* Sends what was reserved.  On error the reservation is given back. */
int vsys_call_send(struct vsys_call *call)
{
	int err;

	kref_get(&call->kref);
	err = vsys_queue_send(call->q, &call->req, true);
	if (err) {
		vsys_queue_unreserve(call->q, &call->req);
		vsys_call_put(call);
	}
	return err;
}

/* Any context; the request was sent. */
void vsys_call_cancel(struct vsys_call *call)
{
	kref_get(&call->kref);
	if (!vsys_queue_cancel(call->q, &call->cancel, &call->req))
		vsys_call_put(call);
}

/*
 * The caller goes away, and leaves the answer to orphaned().  False: the
 * response is there after all.
 */
bool vsys_call_abandon(struct vsys_call *call)
{
	unsigned long flags;
	bool finished;

	spin_lock_irqsave(&call->lock, flags);
	finished = call->finished;
	call->orphan = !finished;
	spin_unlock_irqrestore(&call->lock, flags);
	return !finished;
}

/*
 * Waits for the response.  A signal asks the back-end to interrupt the native
 * call, and then its answer counts: what was done is never lost.  Only a fatal
 * signal does not wait for that: false, the call was abandoned.
 */
bool vsys_call_await(struct vsys_call *call)
{
	if (call->req.look)
		vsys_spin(call->q, &call->req, call->req.wire.id);
	if (!wait_for_completion_interruptible(&call->done))
		return true;
	vsys_call_cancel(call);
	return !wait_for_completion_killable(&call->done) ||
	       !vsys_call_abandon(call);
}

/* The same; the response's status. */
int vsys_call_wait(struct vsys_call *call)
{
	int err;

	if (!vsys_call_await(call))
		return -EINTR;
	err = call->req.rsp.status;
	/* As a native driver: the system call may be restarted (SA_RESTART). */
	if (err == -EINTR && signal_pending(current))
		err = -ERESTARTSYS;
	return err;
}

/* Reserve, send and wait, for a call without data. */
int vsys_call_simple(struct vsys_call *call)
{
	u32 length = 0;
	int err = vsys_call_reserve(call, &length, false);

	if (!err)
		err = vsys_call_send(call);
	if (!err)
		err = vsys_call_wait(call);
	return err;
}

/*
 * Copies length bytes between an iterator and the call's pages, in the
 * iterator's direction; returns how many could be read or written there.
 */
size_t vsys_call_copy(struct vsys_call *call, struct iov_iter *iter,
		      size_t length)
{
	bool from_iter = iov_iter_rw(iter) == WRITE;
	size_t done = 0;
	u32 i;

	for (i = 0; done < length; i++) {
		void *page = vsys_buf_page(&call->q->pool, &call->req.buf, i);
		size_t part = min_t(size_t, length - done, VSYS_PAGE_SIZE);
		size_t n = from_iter ? copy_from_iter(page, part, iter) :
				       copy_to_iter(page, part, iter);

		done += n;
		if (n != part)
			break;
	}
	return done;
}

/* The flags of an open file, in the protocol's numbers. */
u32 vsys_file_flags(unsigned int f_flags)
{
	u32 flags = f_flags & O_ACCMODE;

	BUILD_BUG_ON(O_RDONLY != VSYS_O_RDONLY || O_WRONLY != VSYS_O_WRONLY ||
		     O_RDWR != VSYS_O_RDWR || O_ACCMODE != VSYS_O_ACCMODE);
	if (f_flags & O_NONBLOCK)
		flags |= VSYS_O_NONBLOCK;
	if (f_flags & O_EXCL)
		flags |= VSYS_O_EXCL;
	if (f_flags & O_DIRECT)
		flags |= VSYS_O_DIRECT;
	if (f_flags & __O_SYNC)
		flags |= VSYS_O_SYNC;
	if (f_flags & O_DSYNC)
		flags |= VSYS_O_DSYNC;
	if (f_flags & O_APPEND)
		flags |= VSYS_O_APPEND;
	return flags;
}

/* An OPEN that nobody waits for. */
static void vsys_open_orphaned(struct vsys_call *call)
{
	if (!call->req.rsp.status)
		vsys_release(call->q->vdev, call->req.rsp.value);
}

/*
 * Opens the native node: a handle, and VSYS_FILE_* of what it can do.
 * Interruptible.  Errors are those of the native open.
 */
int vsys_open(struct vsys_device *vdev, u32 oflags, u32 *handle, u32 *can)
{
	struct vsys_call *call;
	int err;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vdev), VSYS_OP_OPEN, 0, 0,
			       0);
	if (!call)
		return -ENOMEM;
	call->req.wire.flags = oflags;
	call->orphaned = vsys_open_orphaned;
	err = vsys_call_simple(call);
	if (!err) {
		*handle = call->req.rsp.value;
		*can = call->req.rsp.pos;
	}
	vsys_call_put(call);
	return err;
}

/*
 * Reserve, send and wait, for a call without data that ends something.  It is
 * made also when the task is being killed, but does not wait for ever: a
 * back-end that does not answer may not keep a process from its end.
 */
int vsys_call_last(struct vsys_call *call)
{
	struct vsys_queue *q = call->q;
	int err;

	if (!wait_event_timeout(q->room,
			(err = vsys_queue_reserve(q, &call->req, 0)) != -EAGAIN,
			VSYS_CLOSE_TIMEOUT))
		return -ETIMEDOUT;
	if (!err)
		err = vsys_call_send(call);
	if (err)
		return err;
	if (!wait_for_completion_timeout(&call->done, VSYS_CLOSE_TIMEOUT) &&
	    vsys_call_abandon(call))
		return -ETIMEDOUT;
	return call->req.rsp.status;
}

/* Closes a handle; waits for the native close. */
void vsys_release(struct vsys_device *vdev, u32 handle)
{
	struct vsys_call *call;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vdev), VSYS_OP_RELEASE,
			       handle, 0, 0);
	if (!call)
		return;	/* a leak in the back-end, until the device goes */
	vsys_call_last(call);
	vsys_call_put(call);
}
