// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests by write(), results by read(), with pointers in the payload.
 */
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "vsystest.h"

#define VT_MAX_ASYNC 16	/* requests of an open file */

struct vt_request {
	struct list_head list;
	struct vt_file *vf;
	struct delayed_work work;
	bool done;
	struct vt_async arg;
};

static size_t vt_async_size(struct vt_call *c)
{
	return sizeof(struct vt_async) - (c->compat ? VT_ASYNC_WORDS * 4 : 0);
}

static void vt_async_work(struct work_struct *work)
{
	struct vt_request *rq = container_of(work, struct vt_request, work.work);
	struct vt_file *vf = rq->vf;

	spin_lock(&vf->async_lock);
	rq->done = true;
	spin_unlock(&vf->async_lock);
	wake_up_interruptible(&vf->async_wait);
}

/* Whether there is room for one more; it is taken. */
static bool vt_async_reserve(struct vt_file *vf)
{
	bool room;

	spin_lock(&vf->async_lock);
	room = vf->nr_async < VT_MAX_ASYNC;
	vf->nr_async += room;
	spin_unlock(&vf->async_lock);
	return room;
}

static void vt_async_free(struct vt_request *rq)
{
	spin_lock(&rq->vf->async_lock);
	rq->vf->nr_async--;
	spin_unlock(&rq->vf->async_lock);
	kfree(rq);
}

/* As sg: who has opened the file, nobody else. */
static int vt_async_may(struct vt_call *c)
{
	return c->vf->dev->opener_only && c->file->f_cred != current_real_cred() ? -EPERM : 0;
}

ssize_t vt_async_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct vt_call c = { .vf = file->private_data, .file = file,
			     .compat = in_compat_syscall() };
	size_t size = vt_async_size(&c);
	struct vt_request *rq;
	int err;

	atomic_inc(&c.vf->dev->count[VT_COUNT_WRITE]);
	err = vt_async_may(&c);
	if (err)
		return err;
	if (count != size)
		return -EINVAL;
	rq = kzalloc(sizeof(*rq), GFP_KERNEL);
	if (!rq)
		return -ENOMEM;
	rq->vf = c.vf;
	if (!vt_async_reserve(c.vf)) {
		kfree(rq);
		return -EDOM;	/* as sg says it */
	}
	if (VT_GET(&c, &rq->arg, (const void __user *)buf, VT_ASYNC_WORDS))
		err = -EFAULT;
	else if (rq->arg.op != VT_OP_OUT)
		err = vt_touch(VT_OP_IN, vt_ptr(rq->arg.data), rq->arg.len, 0, &rq->arg.result);
	if (err) {
		vt_async_free(rq);
		return err;
	}
	INIT_DELAYED_WORK(&rq->work, vt_async_work);
	spin_lock(&c.vf->async_lock);
	list_add_tail(&rq->list, &c.vf->async);
	spin_unlock(&c.vf->async_lock);
	schedule_delayed_work(&rq->work, 1);
	return count;
}

/* Takes the first that is done, or that of a tag; `some`: there is one at all. */
static struct vt_request *vt_async_take(struct vt_file *vf, u32 tag, bool *some)
{
	struct vt_request *rq, *found = NULL;

	*some = false;
	spin_lock(&vf->async_lock);
	list_for_each_entry(rq, &vf->async, list) {
		if (tag && rq->arg.tag != tag)
			continue;
		*some = true;
		/* In order: the second does not overtake the first. */
		if (rq->done) {
			list_del(&rq->list);
			found = rq;
		}
		break;
	}
	spin_unlock(&vf->async_lock);
	return found;
}

/* Taken, or there is none to wait for. */
static bool vt_async_poll_take(struct vt_file *vf, u32 tag, struct vt_request **rq)
{
	bool some;

	*rq = vt_async_take(vf, tag, &some);
	return *rq || !(some || vf->dev->opener_only);
}

ssize_t vt_async_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct vt_call c = { .vf = file->private_data, .file = file,
			     .compat = in_compat_syscall() };
	size_t size = vt_async_size(&c);
	struct vt_request *rq;
	struct vt_async arg;
	int err;
	bool some;

	atomic_inc(&c.vf->dev->count[VT_COUNT_READ]);
	err = vt_async_may(&c);
	if (err)
		return err;
	if (count < size)
		return -EINVAL;
	if (VT_GET(&c, &arg, (const void __user *)buf, VT_ASYNC_WORDS))
		return -EFAULT;
	if (file->f_flags & O_NONBLOCK) {
		rq = vt_async_take(c.vf, arg.tag, &some);
		if (!rq)
			return some ? -EAGAIN : -ENODATA;
	} else {
		err = wait_event_interruptible(c.vf->async_wait,
					       vt_async_poll_take(c.vf, arg.tag, &rq));
		if (err)
			return err;
		if (!rq)
			return -ENODATA;
	}
	/* Its work has run, but for the last line. */
	cancel_delayed_work_sync(&rq->work);
	err = 0;
	if (rq->arg.op != VT_OP_IN) {
		u32 digest;

		err = vt_touch(VT_OP_OUT, vt_ptr(rq->arg.data), rq->arg.len, rq->arg.salt,
			       &digest);
	}
	rq->arg.status = -err;
	err = VT_PUT(&c, (void __user *)buf, &rq->arg, VT_ASYNC_WORDS);
	vt_async_free(rq);
	return err ?: size;
}

__poll_t vt_async_poll(struct file *file, struct poll_table_struct *table)
{
	struct vt_file *vf = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;
	struct vt_request *rq;

	poll_wait(file, &vf->async_wait, table);
	spin_lock(&vf->async_lock);
	rq = list_first_entry_or_null(&vf->async, struct vt_request, list);
	if (rq && rq->done)
		events |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&vf->async_lock);
	return events;
}

/* The file is closed: nobody else is in here, but works. */
void vt_async_end(struct vt_file *vf)
{
	struct vt_request *rq, *next;

	list_for_each_entry_safe(rq, next, &vf->async, list) {
		cancel_delayed_work_sync(&rq->work);
		list_del(&rq->list);
		vt_async_free(rq);
	}
}
