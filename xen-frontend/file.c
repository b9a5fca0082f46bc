// SPDX-License-Identifier: GPL-2.0
/*
 * file.c - an open file whose calls are made in the back-end.
 *
 * It was opened at a character node (chr.c), or a call made it (fds.c).  Read
 * and write are in rw.c, poll in poll.c.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vsysfront.h"

/* handle and can are the caller's to set, before the file is used. */
struct vsys_file *vsys_file_alloc(struct vsys_device *vdev)
{
	static atomic64_t serial;
	struct vsys_file *vf = kzalloc(sizeof(*vf), GFP_KERNEL);

	if (!vf)
		return NULL;
	kref_init(&vf->kref);
	vf->serial = atomic64_inc_return(&serial);
	vf->vdev = vdev;
	vsys_device_get(vdev);
	vsys_poll_init(vf);
	return vf;
}

static void vsys_file_free(struct kref *kref)
{
	struct vsys_file *vf = container_of(kref, struct vsys_file, kref);

	vsys_device_put(vf->vdev);
	kfree(vf);
}

/* Any context. */
void vsys_file_put(struct vsys_file *vf)
{
	kref_put(&vf->kref, vsys_file_free);
}

/* What the native file refuses is refused here, by the VFS. */
void vsys_file_set_mode(struct inode *inode, struct file *file)
{
	struct vsys_file *vf = file->private_data;

	if (vsys_file_is_stream(vf))
		stream_open(inode, file);
	/* Some that are no files of bytes tell their size by it: dma-bufs. */
	if (vf->can & VSYS_FILE_LSEEK)
		file->f_mode |= FMODE_LSEEK;
	else
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
}

/* A file for a handle, which is released with it; also if there is an error. */
struct file *vsys_file_make(struct vsys_device *vdev, u32 handle, u32 can)
{
	struct vsys_file *vf = vsys_file_alloc(vdev);
	struct file *file = ERR_PTR(-ENOMEM);

	if (vf) {
		vf->handle = handle;
		vf->can = can;
		file = anon_inode_getfile("[vsys]", vdev->feature_poll ?
					  &vsys_file_poll_fops : &vsys_file_fops,
					  vf, O_RDWR);
	}
	if (!IS_ERR(file)) {
		file->f_mode |= FMODE_PREAD | FMODE_PWRITE;
		vsys_file_set_mode(file_inode(file), file);
		return file;
	}
	vsys_release(vdev, handle);
	if (vf)
		vsys_file_put(vf);
	return file;
}

/* NULL: it is not one of ours. */
struct vsys_file *vsys_file_of(struct file *file)
{
	if (file->f_op != &vsys_file_fops && file->f_op != &vsys_file_poll_fops)
		return NULL;
	return file->private_data;
}

static int vsys_file_release(struct inode *inode, struct file *file)
{
	struct vsys_file *vf = file->private_data;

	vsys_poll_stop(vf);
	vsys_release(vf->vdev, vf->handle);
	vsys_file_put(vf);
	return 0;
}

static long vsys_file_do_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg, bool compat)
{
	struct vsys_file *vf = file->private_data;
	u32 flags = vsys_file_flags(file->f_flags) & ~VSYS_O_EXCL;
	long ret;

	ret = vsys_mirror_ioctl(vf->vdev, vf->handle, flags, cmd, arg, compat);
	if (ret == -EAGAIN)
		vsys_poll_drained(vf, EPOLLIN | EPOLLOUT | EPOLLPRI |
				  EPOLLRDNORM | EPOLLWRNORM);
	return ret;
}

static long vsys_file_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	return vsys_file_do_ioctl(file, cmd, arg, false);
}

#ifdef CONFIG_COMPAT
static long vsys_file_compat_ioctl(struct file *file, unsigned int cmd,
				   unsigned long arg)
{
	return vsys_file_do_ioctl(file, cmd, arg, true);
}
#else
#define vsys_file_compat_ioctl NULL
#endif

/* pos: where the caller's file is. */
loff_t vsys_seek(struct vsys_device *vdev, u32 handle, loff_t offset,
		 int whence, loff_t pos)
{
	struct vsys_call *call;
	loff_t ret;

	call = vsys_call_alloc(vsys_queue_of_this_cpu(vdev), VSYS_OP_LSEEK,
			       handle, 0, 0);
	if (!call)
		return -ENOMEM;
	BUILD_BUG_ON(SEEK_SET != VSYS_SEEK_SET || SEEK_CUR != VSYS_SEEK_CUR ||
		     SEEK_END != VSYS_SEEK_END || SEEK_DATA != VSYS_SEEK_DATA ||
		     SEEK_HOLE != VSYS_SEEK_HOLE);
	call->req.wire.offset = offset;
	call->req.wire.length = whence;
	call->req.wire.u.lseek.pos = pos;
	ret = vsys_call_simple(call);
	if (!ret)
		ret = call->req.rsp.value;
	vsys_call_put(call);
	return ret;
}

static loff_t vsys_file_llseek(struct file *file, loff_t offset, int whence)
{
	struct vsys_file *vf = file->private_data;
	loff_t ret = vsys_seek(vf->vdev, vf->handle, offset, whence,
			       file->f_pos);

	/* Positions in memory may be "negative". */
	if (ret >= 0 || ret < -MAX_ERRNO)
		file->f_pos = ret;
	return ret;
}

static int vsys_file_fsync(struct file *file, loff_t start, loff_t end,
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

#define VSYS_FILE_OPS						\
	.owner		= THIS_MODULE,				\
	.release	= vsys_file_release,			\
	.read_iter	= vsys_file_read_iter,			\
	.write_iter	= vsys_file_write_iter,			\
	.llseek		= vsys_file_llseek,			\
	.fsync		= vsys_file_fsync,			\
	.unlocked_ioctl	= vsys_file_ioctl,			\
	.compat_ioctl	= vsys_file_compat_ioctl,		\
	.splice_read	= generic_file_splice_read,		\
	.splice_write	= iter_file_splice_write

/* A file without poll is always ready, and epoll does not take it. */
const struct file_operations vsys_file_fops = {
	VSYS_FILE_OPS,
};

const struct file_operations vsys_file_poll_fops = {
	VSYS_FILE_OPS,
	.poll		= vsys_file_poll,
};
