// SPDX-License-Identifier: GPL-2.0
/*
 * chr.c - the character node: a file whose calls are made in the back-end.
 *
 * One call of the application is one native call, as long as it fits into one
 * request (vdev->max_length).  A longer one is continued only while all before
 * it was done in full, as a native driver would have done; a read of a stream
 * is not continued, since that could wait for more than there is.
 *
 * Position: the native file has one of its own.  A call at the file's position
 * says so (VSYS_RW_CURPOS) and takes the position from the answer.
 */
#include <linux/aio.h>
#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vsysfront.h"

#define VSYS_CHR_MINORS		4096

static dev_t vsys_chr_first;
static struct class *vsys_class;
static DEFINE_IDA(vsys_chr_minors);

/* The node.  Open files hold it through its cdev. */
struct vsys_chr {
	struct device dev;
	struct cdev cdev;
	struct vsys_device *vdev;
	int minor;
};

/* An open file. */
struct vsys_file {
	struct vsys_device *vdev;
	u32 handle;
	u32 can;			/* VSYS_FILE_* */
};

static bool vsys_file_is_stream(const struct vsys_file *vf)
{
	return !(vf->can & (VSYS_FILE_PREAD | VSYS_FILE_PWRITE));
}

static int vsys_chr_open(struct inode *inode, struct file *file)
{
	struct vsys_chr *chr = container_of(inode->i_cdev, struct vsys_chr, cdev);
	struct vsys_file *vf;
	int err;

	vf = kzalloc(sizeof(*vf), GFP_KERNEL);
	if (!vf)
		return -ENOMEM;
	vf->vdev = chr->vdev;
	err = vsys_open(vf->vdev, vsys_file_flags(file->f_flags), &vf->handle,
			&vf->can);
	if (err) {
		kfree(vf);
		return err;
	}
	vsys_device_get(vf->vdev);
	file->private_data = vf;

	/* What the native file refuses is refused here, by the VFS. */
	if (vsys_file_is_stream(vf))
		stream_open(inode, file);
	if (!(vf->can & VSYS_FILE_LSEEK))
		file->f_mode &= ~FMODE_LSEEK;
	if (!(vf->can & VSYS_FILE_PREAD))
		file->f_mode &= ~FMODE_PREAD;
	if (!(vf->can & VSYS_FILE_PWRITE))
		file->f_mode &= ~FMODE_PWRITE;
	/* Whether RWF_NOWAIT is supported, the native call says. */
	file->f_mode |= FMODE_NOWAIT;
	/* The native open took it, so this one may, too. */
	if (file->f_flags & O_DIRECT)
		file->f_mode |= FMODE_CAN_ODIRECT;
	return 0;
}

static int vsys_chr_release(struct inode *inode, struct file *file)
{
	struct vsys_file *vf = file->private_data;

	vsys_release(vf->vdev, vf->handle);
	vsys_device_put(vf->vdev);
	kfree(vf);
	return 0;
}

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
static ssize_t vsys_chr_once(struct kiocb *iocb, struct iov_iter *iter, u8 op,
			     u32 *length, bool curpos)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	struct vsys_call *call;
	ssize_t ret;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vf->vdev), op, vf->handle,
			       *length, 0);
	if (!call)
		return -ENOMEM;
	call->req.reads = op == VSYS_OP_READ;
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

static ssize_t vsys_chr_sync(struct kiocb *iocb, struct iov_iter *iter, u8 op,
			     bool curpos)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	ssize_t done = 0, n;

	do {
		u32 length = min_t(size_t, iov_iter_count(iter),
				   vf->vdev->max_length);

		n = vsys_chr_once(iocb, iter, op, &length, curpos);
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

static ssize_t vsys_chr_async(struct kiocb *iocb, struct iov_iter *iter, u8 op,
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
	call->req.reads = op == VSYS_OP_READ;
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

static ssize_t vsys_chr_rw(struct kiocb *iocb, struct iov_iter *iter, u8 op)
{
	struct vsys_file *vf = iocb->ki_filp->private_data;
	bool curpos = iocb->ki_pos == iocb->ki_filp->f_pos;

	/* It would wait, for the back-end; then io_uring tries without. */
	if (!is_sync_kiocb(iocb) && (iocb->ki_flags & IOCB_NOWAIT))
		return -EAGAIN;
	if (!is_sync_kiocb(iocb) &&
	    iov_iter_count(iter) <= vf->vdev->max_length)
		return vsys_chr_async(iocb, iter, op, false);
	return vsys_chr_sync(iocb, iter, op, curpos);
}

static ssize_t vsys_chr_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return vsys_chr_rw(iocb, to, VSYS_OP_READ);
}

static ssize_t vsys_chr_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return vsys_chr_rw(iocb, from, VSYS_OP_WRITE);
}

static loff_t vsys_chr_llseek(struct file *file, loff_t offset, int whence)
{
	struct vsys_file *vf = file->private_data;
	struct vsys_call *call;
	loff_t ret;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vf->vdev), VSYS_OP_LSEEK,
			       vf->handle, 0, 0);
	if (!call)
		return -ENOMEM;
	BUILD_BUG_ON(SEEK_SET != VSYS_SEEK_SET || SEEK_CUR != VSYS_SEEK_CUR ||
		     SEEK_END != VSYS_SEEK_END || SEEK_DATA != VSYS_SEEK_DATA ||
		     SEEK_HOLE != VSYS_SEEK_HOLE);
	call->req.wire.offset = offset;
	call->req.wire.length = whence;
	call->req.wire.u.lseek.pos = file->f_pos;
	ret = vsys_call_simple(call);
	if (!ret) {
		ret = call->req.rsp.value;
		file->f_pos = ret;
	}
	vsys_call_put(call);
	return ret;
}

static int vsys_chr_fsync(struct file *file, loff_t start, loff_t end,
			  int datasync)
{
	struct vsys_file *vf = file->private_data;
	struct vsys_call *call;
	int err;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vf->vdev), VSYS_OP_FSYNC,
			       vf->handle, 0, 0);
	if (!call)
		return -ENOMEM;
	if (datasync)
		call->req.wire.flags = VSYS_FSYNC_DATA;
	err = vsys_call_simple(call);
	vsys_call_put(call);
	return err;
}

static const struct file_operations vsys_chr_fops = {
	.owner		= THIS_MODULE,
	.open		= vsys_chr_open,
	.release	= vsys_chr_release,
	.read_iter	= vsys_chr_read_iter,
	.write_iter	= vsys_chr_write_iter,
	.llseek		= vsys_chr_llseek,
	.fsync		= vsys_chr_fsync,
	.splice_read	= generic_file_splice_read,
	.splice_write	= iter_file_splice_write,
};

static void vsys_chr_free(struct device *dev)
{
	struct vsys_chr *chr = container_of(dev, struct vsys_chr, dev);

	ida_free(&vsys_chr_minors, chr->minor);
	vsys_device_put(chr->vdev);
	kfree(chr);
}

static int vsys_chr_add(struct vsys_device *vdev)
{
	struct vsys_chr *chr = kzalloc(sizeof(*chr), GFP_KERNEL);
	int err;

	if (!chr)
		return -ENOMEM;
	chr->minor = ida_alloc_max(&vsys_chr_minors, VSYS_CHR_MINORS - 1,
				   GFP_KERNEL);
	if (chr->minor < 0) {
		err = chr->minor;
		kfree(chr);
		return err;
	}
	chr->vdev = vdev;
	vsys_device_get(vdev);
	device_initialize(&chr->dev);
	chr->dev.class = vsys_class;
	chr->dev.parent = &vdev->xdev->dev;
	chr->dev.release = vsys_chr_free;
	chr->dev.devt = vsys_chr_first + chr->minor;
	cdev_init(&chr->cdev, &vsys_chr_fops);
	chr->cdev.owner = THIS_MODULE;
	/* The core turns a '/' of the name into a folder of /dev. */
	err = dev_set_name(&chr->dev, "%s", vdev->name);
	if (!err)
		err = cdev_device_add(&chr->cdev, &chr->dev);
	if (err) {
		put_device(&chr->dev);
		return err;
	}
	vdev->node = chr;
	return 0;
}

static void vsys_chr_remove(struct vsys_device *vdev)
{
	struct vsys_chr *chr = vdev->node;

	cdev_device_del(&chr->cdev, &chr->dev);
	put_device(&chr->dev);
}

const struct vsys_node_ops vsys_chr_ops = {
	.add	= vsys_chr_add,
	.remove	= vsys_chr_remove,
};

int vsys_chr_init(void)
{
	int err = alloc_chrdev_region(&vsys_chr_first, 0, VSYS_CHR_MINORS, "vsys");

	if (err)
		return err;
	vsys_class = class_create(THIS_MODULE, "vsys");
	if (IS_ERR(vsys_class)) {
		unregister_chrdev_region(vsys_chr_first, VSYS_CHR_MINORS);
		return PTR_ERR(vsys_class);
	}
	return 0;
}

void vsys_chr_exit(void)
{
	class_destroy(vsys_class);
	unregister_chrdev_region(vsys_chr_first, VSYS_CHR_MINORS);
	ida_destroy(&vsys_chr_minors);
}
