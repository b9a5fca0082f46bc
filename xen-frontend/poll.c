// SPDX-License-Identifier: GPL-2.0
/*
 * poll.c - select, poll and epoll on an open file.
 *
 * The truth is asked for each time, by a POLL that is answered at once.  Where
 * nothing is ready, and somebody waits, a second POLL waits in the back-end;
 * its answer wakes, and who was woken asks for the truth again.  So an answer
 * that is out of date wakes once too often, and is never wrong; and what becomes
 * ready between the two requests is there when the second one arrives.
 *
 * There is one waiting POLL per open file, for the events that all pollers
 * together want.  Those that it brought are no longer wanted until somebody
 * asks again: otherwise a file that is always writable would be woken for that
 * without end.  One that is missing (no room in the ring, an error) is replaced
 * by looking again after a while.
 *
 * An edge triggered poller asks again only after it was woken.  It has read
 * until EAGAIN by then, so that is when the file is armed for it.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "vsysfront.h"

#define VSYS_POLL_AGAIN		(HZ / 10)
/* Part of a queue's ids that POLLs may wait with. */
#define VSYS_POLL_SHARE(nr_ids)	((nr_ids) / 4)

#define VSYS_POLL_EVENTS	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDNORM | \
				 EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND | \
				 EPOLLMSG | EPOLLRDHUP)
#define VSYS_POLL_ALWAYS	(EPOLLERR | EPOLLHUP)

/* The wire has the numbers of poll(2), which are those of x86 for all of them. */
static u32 vsys_to_wire(__poll_t events)
{
	return (__force u32)(events & VSYS_POLL_EVENTS);
}

static __poll_t vsys_from_wire(u64 revents)
{
	return (__force __poll_t)(u32)revents &
	       (VSYS_POLL_EVENTS | VSYS_POLL_ALWAYS);
}

static __poll_t vsys_poll_error(int err)
{
	switch (err) {
	case -ENOSYS:
	case -EPERM:
		/* The native file has no poll. */
		return DEFAULT_POLLMASK;
	case -EINTR:
	case -ERESTARTSYS:
		return 0;
	default:
		return EPOLLERR | EPOLLHUP;
	}
}

static struct vsys_call *vsys_poll_alloc(struct vsys_file *vf, u32 flags,
					 u32 events)
{
	struct vsys_queue *q = vsys_queue_of_this_cpu(vf->vdev);
	struct vsys_call *call = vsys_call_alloc(q, VSYS_OP_POLL, vf->handle, 0, 0);

	if (call) {
		call->req.wire.flags = flags;
		call->req.wire.u.poll.events = events;
	}
	return call;
}

/* What is ready now. */
static __poll_t vsys_poll_now(struct vsys_file *vf, u32 events)
{
	struct vsys_call *call = vsys_poll_alloc(vf, VSYS_POLL_NOW, events);
	__poll_t ready;
	int err;

	if (!call)
		return 0;
	err = vsys_call_simple(call);
	ready = err ? vsys_poll_error(err) : vsys_from_wire(call->req.rsp.value);
	vsys_call_put(call);
	return ready;
}

/* The waiting POLL was answered: from the interrupt handler. */
static void vsys_poll_done(struct vsys_call *call)
{
	struct vsys_file *vf = call->owner;
	struct vsys_poll *p = &vf->poll;
	int err = call->req.rsp.status;
	__poll_t ready = err ? vsys_poll_error(err) :
			       vsys_from_wire(call->req.rsp.value);
	bool dead = err == -ENODEV || err == -EIO;
	struct vsys_queue *q = call->q;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	q->polls--;
	spin_unlock_irqrestore(&q->lock, flags);

	spin_lock_irqsave(&p->lock, flags);
	p->call = NULL;
	p->wanted &= ~vsys_to_wire(ready);
	p->failed = err && err != -EINTR && !dead;
	/* More was wanted meanwhile, or something else still is. */
	if (p->wanted && !p->closed && !dead)
		mod_delayed_work(vsys_wq, &p->work,
				 p->failed ? VSYS_POLL_AGAIN : 0);
	spin_unlock_irqrestore(&p->lock, flags);

	if (ready && !p->failed)
		wake_up_poll(&p->wait, ready);
	vsys_call_put(call);
	vsys_file_put(vf);
}

/* The file's lock is held.  -EAGAIN: no room. */
static int vsys_poll_send(struct vsys_file *vf, struct vsys_call *call)
{
	struct vsys_queue *q = call->q;
	int err = -EAGAIN;
	bool room;

	spin_lock(&q->lock);
	room = q->polls < VSYS_POLL_SHARE(q->nr_ids);
	q->polls += room;
	spin_unlock(&q->lock);
	if (!room)
		return err;
	vf->poll.call = call;
	vf->poll.cancelled = false;
	vf->poll.asked = call->req.wire.u.poll.events;
	err = vsys_queue_reserve(q, &call->req, 0);
	if (!err)
		err = vsys_call_send(call);
	if (!err) {
		/* In time: vsys_poll_done() needs the lock first. */
		kref_get(&vf->kref);
		return 0;
	}
	vf->poll.call = NULL;
	spin_lock(&q->lock);
	q->polls--;
	spin_unlock(&q->lock);
	return err;
}

/* Sees to it that a POLL for all that is wanted is on its way. */
static void vsys_poll_arm(struct vsys_file *vf, u32 events)
{
	struct vsys_poll *p = &vf->poll;
	struct vsys_call *call = vsys_poll_alloc(vf, 0, 0);
	unsigned long flags;
	int err = -ENOMEM;

	spin_lock_irqsave(&p->lock, flags);
	p->wanted |= events;
	if (p->closed || !p->wanted)
		goto out;
	if (p->call) {
		/* Its end will start one for all. */
		if ((p->wanted & ~p->asked) && !p->cancelled) {
			p->cancelled = true;
			vsys_call_cancel(p->call);
		}
		goto out;
	}
	if (call) {
		call->req.waits = true;
		call->req.wire.u.poll.events = p->wanted;
		call->owner = vf;
		call->async_done = vsys_poll_done;
		err = vsys_poll_send(vf, call);
	}
	/* Else the device is gone, which pollers see by themselves. */
	if (err == -EAGAIN || err == -ENOMEM)
		mod_delayed_work(vsys_wq, &p->work, VSYS_POLL_AGAIN);
out:
	spin_unlock_irqrestore(&p->lock, flags);
	if (call)
		vsys_call_put(call);
}

/*
 * The last POLL did not bring all, or could not be sent.  Pollers that are still
 * there are asked to look for themselves, and arm the file again.
 */
static void vsys_poll_work(struct work_struct *work)
{
	struct vsys_file *vf = container_of(to_delayed_work(work),
					    struct vsys_file, poll.work);
	struct vsys_poll *p = &vf->poll;
	bool failed;

	spin_lock_irq(&p->lock);
	/* A poller that comes now says under the lock what it wants. */
	if (!wq_has_sleeper(&p->wait))
		p->wanted = 0;
	failed = p->failed;
	p->failed = false;
	spin_unlock_irq(&p->lock);

	if (!failed)
		vsys_poll_arm(vf, 0);
	if (failed || !READ_ONCE(p->call))
		wake_up_poll(&p->wait, VSYS_POLL_EVENTS | VSYS_POLL_ALWAYS);
}

void vsys_poll_init(struct vsys_file *vf)
{
	init_waitqueue_head(&vf->poll.wait);
	spin_lock_init(&vf->poll.lock);
	INIT_DELAYED_WORK(&vf->poll.work, vsys_poll_work);
}

/* The file is closed: nobody polls it any more. */
void vsys_poll_stop(struct vsys_file *vf)
{
	struct vsys_poll *p = &vf->poll;

	spin_lock_irq(&p->lock);
	p->closed = true;
	if (p->call && !p->cancelled) {
		p->cancelled = true;
		vsys_call_cancel(p->call);
	}
	spin_unlock_irq(&p->lock);
	cancel_delayed_work_sync(&p->work);
}

__poll_t vsys_file_poll(struct file *file, poll_table *wait)
{
	struct vsys_file *vf = file->private_data;
	u32 events = vsys_to_wire(poll_requested_events(wait));
	__poll_t ready;

	poll_wait(file, &vf->poll.wait, wait);
	ready = vsys_poll_now(vf, events);
	/* Nobody is on the list when it is a look only. */
	if (!(ready & (poll_requested_events(wait) | VSYS_POLL_ALWAYS)) &&
	    wq_has_sleeper(&vf->poll.wait))
		vsys_poll_arm(vf, events);
	return ready;
}

/* A call found nothing of events. */
void vsys_poll_drained(struct vsys_file *vf, __poll_t events)
{
	if (vf->vdev->feature_poll && wq_has_sleeper(&vf->poll.wait))
		vsys_poll_arm(vf, vsys_to_wire(events));
}
