// SPDX-License-Identifier: GPL-2.0
/*
 * rw.c - read and write of an open file.
 *
 * One call of the application is one native call, as long as it fits into one
 * request (vdev->max_length).  A longer one is continued only while all before
 * it was done in full, as a native driver would have done; a read of a stream
 * is not continued, since that could wait for more than there is.
 *
 * Position: the native file has one of its own.  A call at the file's position
 * says so (VSYS_RW_CURPOS) and takes the position from the answer.
 *
 * Data that holds pointers (payload=pointers) is not copied here: such a call
 * is mirrored.
 */
#include <linux/aio.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vsysfront.h"

static u32 vsys_rw_flags(const struct kiocb *iocb)
{
	u32 flags = vsys_file_flags(iocb->ki_filp->f_flags) & ~VSYS_O_EXCL;

	/* What RWF_ flags of this call add to the file's. */
	if ((iocb->ki_flags & IOCB_DSYNC) && !(flags & VSYS_O_DSYNC))
		flags |= VSYS_RW_DSYNC;
	if ((iocb->ki_flags & IOCB_SYNC) && !(flags & VSYS_O_SYNC))
		flags |= VSYS_RW_SYNC;
	if ((iocb->ki_flags & IOCB_APPEND) && !(flags & VSYS_O_APPEND))
		flags |= VSYS_RW_APPEND;
	if (iocb->ki_flags & IOCB_NOWAIT)
		flags |= VSYS_RW_NOWAIT;
	if (iocb->ki_flags & IOCB_HIPRI)
		flags |= VSYS_RW_HIPRI;
	return flags;
}

/* Where the call begins.  curpos: at the file's own position. */
static void vsys_set_position(struct vsys_call *call, const struct kiocb *iocb,
			      bool curpos)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;

	if (vsys_file_is_stream(vf))
		return;
	call->req.wire.offset = iocb->ki_pos;
	if (curpos)
		call->req.wire.flags |= VSYS_RW_CURPOS;
}

static void vsys_update_position(struct vsys_call *call, struct kiocb *iocb)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;

	if (vsys_file_is_stream(vf))
		return;
	if (call->req.wire.flags & VSYS_RW_CURPOS)
		iocb->ki_pos = call->req.rsp.pos;
	else
		iocb->ki_pos += call->req.rsp.value;
}

/* One native read or write of at most *length bytes; *length: what was tried. */
static ssize_t vsys_rw_once(struct kiocb *iocb, struct iov_iter *iter, u8 op,
			     u32 *length, bool curpos)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	struct vsys_call *call;
	ssize_t ret;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vf->vdev), op, vf->handle,
			       *length, 0);
	if (!call)
		return -ENOMEM;
	call->req.waits = op == VSYS_OP_READ;
	call->req.wire.flags = vsys_rw_flags(iocb);
	vsys_set_position(call, iocb, curpos);
	ret = vsys_call_reserve(call, length,
				iocb->ki_filp->f_flags & O_NONBLOCK);
	if (ret)
		goto out;
	if (op == VSYS_OP_WRITE &&
	    vsys_call_copy(call, iter, *length) != *length) {
		vsys_queue_unreserve(call->q, &call->req);
		ret = -EFAULT;
		goto out;
	}
	vsys_pool_describe(&call->q->pool, &call->req, *length);
	ret = vsys_call_send(call);
	if (!ret)
		ret = vsys_call_wait(call);
	if (ret)
		goto out;

	ret = call->req.rsp.value;
	vsys_update_position(call, iocb);
	if (op == VSYS_OP_READ) {
		size_t n = vsys_call_copy(call, iter, ret);

		if (n < ret)
			ret = n ? n : -EFAULT;
	} else {
		iov_iter_revert(iter, *length - ret);
	}
out:
	vsys_call_put(call);
	return ret;
}

static ssize_t vsys_rw_sync(struct kiocb *iocb, struct iov_iter *iter, u8 op,
			     bool curpos)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	ssize_t done = 0, n;

	do {
		u32 length = min_t(size_t, iov_iter_count(iter),
				   vf->vdev->max_length);

		n = vsys_rw_once(iocb, iter, op, &length, curpos);
		if (n < 0)
			break;
		done += n;
		if (n < length ||
		    (op == VSYS_OP_READ && vsys_file_is_stream(vf)))
			break;
	} while (iov_iter_count(iter));
	return done ? done : n;
}

/* An asynchronous read or write: of AIO or io_uring. */
struct vsys_aio {
	struct vsys_call call;
	struct kiocb *iocb;
	struct iov_iter iter;		/* READ: a copy */
	const void *to_free;
	struct mm_struct *mm;		/* READ to user memory: grabbed */
};

static void vsys_aio_complete(struct vsys_aio *aio, long ret)
{
	struct kiocb *iocb = aio->iocb;

	kfree(aio->to_free);
	if (aio->mm)
		mmdrop(aio->mm);
	/* Until ki_complete() takes it off its list, it may be cancelled. */
	iocb->ki_complete(iocb, ret);
	vsys_call_put(&aio->call);
}

/* User memory can't be written by the interrupt handler. */
static void vsys_aio_work(struct work_struct *work)
{
	struct vsys_aio *aio = container_of(work, struct vsys_aio, call.work);
	long ret = aio->call.req.rsp.value;
	size_t n = 0;

	if (!aio->mm) {
		n = vsys_call_copy(&aio->call, &aio->iter, ret);
	} else if (mmget_not_zero(aio->mm)) {
		kthread_use_mm(aio->mm);
		n = vsys_call_copy(&aio->call, &aio->iter, ret);
		kthread_unuse_mm(aio->mm);
		mmput(aio->mm);
	}
	if (n < ret)
		ret = n ? n : -EFAULT;
	vsys_aio_complete(aio, ret);
}

static void vsys_aio_done(struct vsys_call *call)
{
	struct vsys_aio *aio = container_of(call, struct vsys_aio, call);
	const struct vsys_response *rsp = &call->req.rsp;

	if (rsp->status) {
		vsys_aio_complete(aio, rsp->status);
		return;
	}
	vsys_update_position(call, aio->iocb);
	if (call->req.wire.op == VSYS_OP_READ && rsp->value)
		queue_work(vsys_wq, &call->work);
	else
		vsys_aio_complete(aio, rsp->value);
}

static int vsys_aio_cancel(struct kiocb *iocb)
{
	struct vsys_aio *aio = iocb->private;

	vsys_call_cancel(&aio->call);
	return 0;
}

static ssize_t vsys_rw_async(struct kiocb *iocb, struct iov_iter *iter, u8 op,
			      bool curpos)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	u32 length = iov_iter_count(iter);
	struct vsys_call *call;
	struct vsys_aio *aio;
	ssize_t ret = -ENOMEM;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vf->vdev), op, vf->handle,
			       length, sizeof(*aio));
	if (!call)
		return -ENOMEM;
	aio = container_of(call, struct vsys_aio, call);
	aio->iocb = iocb;
	call->async_done = vsys_aio_done;
	INIT_WORK(&call->work, vsys_aio_work);
	call->req.waits = op == VSYS_OP_READ;
	call->req.wire.flags = vsys_rw_flags(iocb);
	vsys_set_position(call, iocb, curpos);
	if (op == VSYS_OP_READ) {
		aio->to_free = dup_iter(&aio->iter, iter, GFP_KERNEL);
		if (iter_is_iovec(iter) && !aio->to_free)
			goto out;
		if (user_backed_iter(iter)) {
			aio->mm = current->mm;
			mmgrab(aio->mm);
		}
	}
	ret = vsys_call_reserve(call, &length,
				iocb->ki_filp->f_flags & O_NONBLOCK);
	if (ret)
		goto out;
	if (op == VSYS_OP_WRITE &&
	    vsys_call_copy(call, iter, length) != length) {
		vsys_queue_unreserve(call->q, &call->req);
		ret = -EFAULT;
		goto out;
	}
	vsys_pool_describe(&call->q->pool, &call->req, length);
	iocb->private = aio;
	kiocb_set_cancel_fn(iocb, vsys_aio_cancel);
	ret = vsys_call_send(call);
	if (!ret) {
		vsys_call_put(call);
		return -EIOCBQUEUED;
	}
out:
	kfree(aio->to_free);
	if (aio->mm)
		mmdrop(aio->mm);
	vsys_call_put(call);
	return ret;
}

/* The part of the caller's memory that comes next. */
static void vsys_iter_segment(const struct iov_iter *iter, u64 *addr, u32 *length)
{
	if (iter_is_ubuf(iter)) {
		*addr = (unsigned long)iter->ubuf + iter->iov_offset;
		*length = iov_iter_count(iter);
	} else {
		struct iovec iov = iov_iter_iovec(iter);

		*addr = (unsigned long)iov.iov_base;
		*length = iov.iov_len;
	}
}

/* Each segment is a native call: a driver takes each for a message. */
static ssize_t vsys_rw_mirrored(struct kiocb *iocb, struct iov_iter *iter, u8 op)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	struct vsys_mirrored what = {
		.op = op == VSYS_OP_READ ? VSYS_OP_MIRROR_READ :
					   VSYS_OP_MIRROR_WRITE,
		.compat = in_compat_syscall(),
		.handle = vf->handle,
		.flags = vsys_rw_flags(iocb) |
			 (in_compat_syscall() ? VSYS_CALL_COMPAT : 0),
	};
	ssize_t done = 0, n;

	do {
		vsys_iter_segment(iter, &what.arg, &what.cmd);
		what.size = what.cmd;
		n = vsys_mirror_call(vf->vdev, &what);
		if (n < 0)
			break;
		iov_iter_advance(iter, n);
		done += n;
	} while (n == what.cmd && iov_iter_count(iter));
	return done ? done : n;
}

static ssize_t vsys_rw(struct kiocb *iocb, struct iov_iter *iter, u8 op)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	bool curpos = iocb->ki_pos == iocb->ki_filp->f_pos;

	/* It would wait, for the back-end; then io_uring tries without. */
	if (!is_sync_kiocb(iocb) && (iocb->ki_flags & IOCB_NOWAIT))
		return -EAGAIN;
	if (vf->vdev->payload == VSYS_PAYLOAD_POINTERS &&
	    vf->vdev->feature_ioctl && user_backed_iter(iter) && current->mm)
		return vsys_rw_mirrored(iocb, iter, op);
	if (!is_sync_kiocb(iocb) &&
	    iov_iter_count(iter) <= vf->vdev->max_length)
		return vsys_rw_async(iocb, iter, op, false);
	return vsys_rw_sync(iocb, iter, op, curpos);
}

ssize_t vsys_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	ssize_t ret = vsys_rw(iocb, to, VSYS_OP_READ);

	if (ret == -EAGAIN)
		vsys_poll_drained(iocb->ki_filp->private_data,
				  EPOLLIN | EPOLLRDNORM);
	return ret;
}

ssize_t vsys_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	ssize_t ret = vsys_rw(iocb, from, VSYS_OP_WRITE);

	if (ret == -EAGAIN)
		vsys_poll_drained(iocb->ki_filp->private_data,
				  EPOLLOUT | EPOLLWRNORM);
	return ret;
}
