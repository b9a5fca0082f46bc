// SPDX-License-Identifier: GPL-2.0
/*
 * mm.c - the address spaces that calls come from, as numbers.
 *
 * The first call of an address space on a device gives it a number.  It is over
 * when the kernel says that the address space goes (mmu notifier), or the device
 * goes; then, after the last call, the back-end is told (MM_EXIT), and when it
 * has answered the number is free.  One for which no answer comes is never used
 * again.
 *
 * The notifier holds the struct mm_struct, so that its address, by which it is
 * found, is nobody else's.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mirror.h"

static u32 vsys_mm_tell(struct vsys_mm *m)
{
	struct vsys_call *call = vsys_call_alloc(m->q, VSYS_OP_MM_EXIT, 0, 0, 0);
	int err = -ENOMEM;

	if (call) {
		call->req.wire.u.call.mm = m->number;
		err = vsys_call_last(call);
		vsys_call_put(call);
	}
	return err;
}

static void vsys_mm_exit_work(struct work_struct *work)
{
	struct vsys_mm *m = container_of(work, struct vsys_mm, exit_work);
	struct vsys_device *vdev = m->vdev;

	if (!vsys_mm_tell(m))
		ida_free(&vdev->mms.numbers, m->number);
	vsys_grants_kick();
	mmu_notifier_unregister(&m->notifier, m->notifier.mm);
	xa_destroy(&m->fds);
	kfree(m);
	vsys_device_put(vdev);
}

static void vsys_mm_last(struct kref *kref)
{
	struct vsys_mm *m = container_of(kref, struct vsys_mm, kref);

	/* The notifier's own callback may not wait for itself. */
	queue_work(vsys_wq, &m->exit_work);
}

void vsys_mm_put(struct vsys_mm *m)
{
	kref_put(&m->kref, vsys_mm_last);
}

/* No call begins any more.  More than once, from any side. */
static void vsys_mm_unhash(struct vsys_mm *m)
{
	struct vsys_mms *mms = &m->vdev->mms;
	bool mine;

	spin_lock(&mms->lock);
	mine = hash_hashed(&m->hash);
	if (mine)
		hash_del(&m->hash);
	spin_unlock(&mms->lock);
	if (mine) {
		vsys_watch_stop(m);
		vsys_mm_put(m);
	}
}

static void vsys_mm_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	vsys_mm_unhash(container_of(notifier, struct vsys_mm, notifier));
}

static const struct mmu_notifier_ops vsys_mm_ops = {
	.release	= vsys_mm_release,
};

static struct vsys_mm *vsys_mm_find(struct vsys_mms *mms, struct mm_struct *mm)
{
	struct vsys_mm *m;

	spin_lock(&mms->lock);
	hash_for_each_possible(mms->hash, m, hash, (unsigned long)mm) {
		if (m->notifier.mm == mm) {
			kref_get(&m->kref);
			spin_unlock(&mms->lock);
			return m;
		}
	}
	spin_unlock(&mms->lock);
	return NULL;
}

/* make_lock is held. */
static struct vsys_mm *vsys_mm_make(struct vsys_device *vdev)
{
	struct vsys_mms *mms = &vdev->mms;
	bool closed = READ_ONCE(mms->closed);
	struct vsys_mm *m;
	int number, err;

	if (closed)
		return ERR_PTR(-ENODEV);
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	number = ida_alloc_max(&mms->numbers, VSYS_MAX_MMS - 1, GFP_KERNEL);
	if (number < 0) {
		kfree(m);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&m->kref);
	INIT_WORK(&m->exit_work, vsys_mm_exit_work);
	mutex_init(&m->order);
	vsys_watch_init(m);
	xa_init(&m->fds);
	m->number = number;
	m->vdev = vdev;
	m->q = &vdev->queue[number % vdev->nr_queues];
	m->notifier.ops = &vsys_mm_ops;
	err = mmu_notifier_register(&m->notifier, current->mm);
	if (err) {
		ida_free(&mms->numbers, number);
		kfree(m);
		return ERR_PTR(err == -EINTR ? -ERESTARTSYS : err);
	}
	vsys_device_get(vdev);
	kref_get(&m->kref);

	spin_lock(&mms->lock);
	closed = mms->closed;
	if (!closed)
		hash_add(mms->hash, &m->hash, (unsigned long)current->mm);
	spin_unlock(&mms->lock);
	if (closed) {
		vsys_mm_put(m);
		vsys_mm_put(m);
		return ERR_PTR(-ENODEV);
	}
	return m;
}

/* The current process's address space, counted. */
struct vsys_mm *vsys_mm_get(struct vsys_device *vdev)
{
	struct vsys_mms *mms = &vdev->mms;
	struct vsys_mm *m = vsys_mm_find(mms, current->mm);

	if (m)
		return m;
	if (mutex_lock_interruptible(&mms->make_lock))
		return ERR_PTR(-ERESTARTSYS);
	m = vsys_mm_find(mms, current->mm);
	if (!m)
		m = vsys_mm_make(vdev);
	mutex_unlock(&mms->make_lock);
	return m;
}

void vsys_mms_init(struct vsys_device *vdev)
{
	mutex_init(&vdev->mms.make_lock);
	spin_lock_init(&vdev->mms.lock);
	hash_init(vdev->mms.hash);
	ida_init(&vdev->mms.numbers);
}

/* The device's queues have stopped for ever. */
void vsys_mms_close(struct vsys_device *vdev)
{
	struct vsys_mms *mms = &vdev->mms;
	struct hlist_node *next;
	struct vsys_mm *m;
	int i;

	spin_lock(&mms->lock);
	mms->closed = true;
	hash_for_each_safe(mms->hash, i, next, m, hash) {
		hash_del(&m->hash);
		vsys_mm_put(m);
	}
	spin_unlock(&mms->lock);
}

void vsys_mms_exit(struct vsys_device *vdev)
{
	ida_destroy(&vdev->mms.numbers);
}
