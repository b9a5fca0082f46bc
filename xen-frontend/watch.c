// SPDX-License-Identifier: GPL-2.0
/*
 * watch.c - what drivers write to memory that they keep (pinned buffers), while no
 * call of its owner is made.
 *
 * The answer to a call says that there is such memory; then one WATCH per address
 * space waits in the back-end, until something has changed.  A work item carries it
 * out, as the address space that it is for: what can't be written there any more is
 * not written.  The conversation ends when nothing is kept any more, or the address
 * space goes.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "mirror.h"

/* Of the pool, for one answer: items, bits and pages. */
#define VSYS_WATCH_PAGES	10u

static void vsys_watch_answered(struct vsys_call *call);

/* Sends conv's request; once the address space goes, only one that ends it. */
static int vsys_watch_send(struct vsys_conv *conv, bool first)
{
	struct vsys_mm *m = conv->m;
	struct vsys_call *call = conv->call;
	int err = -ESRCH;

	/* Once sent, its answer may take conv, and the last reference with it. */
	kref_get(&m->kref);
	mutex_lock(&m->order);
	spin_lock(&m->watch_lock);
	if (!m->watch_over || !first) {
		if (m->watch_over)
			call->req.wire.flags |= VSYS_CALL_ABORT;
		/* There is nobody but the work item. */
		vsys_call_abandon(call);
		err = vsys_conv_send(conv);
		if (!err)
			m->watch = call;
	}
	spin_unlock(&m->watch_lock);
	mutex_unlock(&m->order);
	vsys_mm_put(m);
	return err;
}

/* Nothing of it is in flight. */
static void vsys_watch_end(struct vsys_conv *conv)
{
	struct vsys_mm *m = conv->m;
	bool again;

	spin_lock(&m->watch_lock);
	again = m->watch_again && !m->watch_over;
	m->watch_again = false;
	m->watching = false;
	spin_unlock(&m->watch_lock);
	if (again)
		vsys_watch_begin(m);
	vsys_conv_free(conv);
}

/* By a work item: an answer is there. */
static void vsys_watch_answered(struct vsys_call *call)
{
	struct vsys_conv *conv = call->owner;
	struct vsys_mm *m = conv->m;
	struct mm_struct *mm = m->notifier.mm;
	bool more = call->req.rsp.pos & VSYS_CALL_MORE;
	bool mine = mmget_not_zero(mm);
	int err;

	spin_lock(&m->watch_lock);
	m->watch = NULL;
	spin_unlock(&m->watch_lock);
	if (mine)
		kthread_use_mm(mm);
	err = vsys_conv_take(conv, mine);
	if (mine) {
		kthread_unuse_mm(mm);
		mmput(mm);
	}
	if (!err && more) {
		vsys_conv_next(conv, 0);
		err = vsys_watch_send(conv, false);
		if (!err)
			return;
	}
	vsys_watch_end(conv);
}

/* A driver keeps memory of the address space.  Without room, the next call asks again. */
void vsys_watch_begin(struct vsys_mm *m)
{
	static const struct vsys_mirrored what = { .op = VSYS_OP_WATCH };
	u32 length = min(VSYS_WATCH_PAGES, m->vdev->call_pages) * VSYS_PAGE_SIZE;
	struct vsys_conv *conv;
	struct vsys_call *call;
	bool mine;

	spin_lock(&m->watch_lock);
	mine = !m->watching && !m->watch_over;
	m->watch_again = m->watching;
	m->watching |= mine;
	spin_unlock(&m->watch_lock);
	if (!mine)
		return;
	kref_get(&m->kref);
	conv = vsys_conv_new(m, &what);
	if (!conv) {
		spin_lock(&m->watch_lock);
		m->watching = false;
		spin_unlock(&m->watch_lock);
		return;
	}
	call = vsys_call_alloc(m->q, VSYS_OP_WATCH, 0, length, 0);
	if (!call) {
		vsys_watch_end(conv);
		return;
	}
	call->req.waits = true;
	call->req.keep_id = true;
	call->req.min_pages = 2;
	call->owner = conv;
	call->orphaned = vsys_watch_answered;
	if (vsys_queue_reserve(m->q, &call->req, length)) {
		vsys_call_put(call);
		vsys_watch_end(conv);
		return;
	}
	conv->call = call;
	if (vsys_watch_send(conv, true))
		vsys_watch_end(conv);
}

void vsys_watch_init(struct vsys_mm *m)
{
	spin_lock_init(&m->watch_lock);
}

/* The address space goes: in the notifier, or with the device. */
void vsys_watch_stop(struct vsys_mm *m)
{
	spin_lock(&m->watch_lock);
	m->watch_over = true;
	if (m->watch)
		vsys_call_cancel(m->watch);
	spin_unlock(&m->watch_lock);
}
