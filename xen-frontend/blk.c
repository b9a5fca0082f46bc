// SPDX-License-Identifier: GPL-2.0
/*
 * blk.c - the block node: a disk whose requests are carried out in the back-end.
 *
 * Caching, merging, partitions, O_DIRECT, O_SYNC and O_EXCL among this guest's
 * openers are the block layer's, as for a native disk.  The back-end has at
 * most three open files of the node:
 *
 *   waited    of those who opened it without O_NONBLOCK, and for all data: with
 *             O_DIRECT, because this guest caches;
 *   unwaited  of those with O_NONBLOCK, who may have a drive without a medium;
 *   claim     an earlier one of these, that has O_EXCL.
 *
 * One of them has O_EXCL while somebody here has the disk exclusively (mount
 * does), so that a mount here and one in the back-end's domain exclude each
 * other as natively.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/hdreg.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vsysfront.h"

/* Requests in flight per queue; the ring has more ids than that. */
#define VSYS_BLK_DEPTH		64u
/* Device numbers: of a disk with its first partitions; and disks. */
#define VSYS_BLK_PARTS		16
#define VSYS_BLK_DISKS		4096
/* No handle of an open file; a back-end answers EBADF. */
#define VSYS_BLK_NO_HANDLE	(~0u)

static int vsys_blk_major;
/* A node that could not be added, and one that is told of an event. */
static DEFINE_MUTEX(vsys_blk_node_lock);
static DEFINE_IDA(vsys_blk_minors);

/*
 * A native open file.  It is closed when nobody has it any more: who makes a call on it
 * keeps it, also when an opener has replaced it meanwhile.
 */
struct vsys_blk_native {
	refcount_t users;
	struct rcu_head rcu;
	u32 handle, flags;		/* VSYS_O_* that matter to calls */
	bool writable;
};

/* What there is of one kind.  Its openers waited for a medium, or did not. */
struct vsys_blk_file {
	struct vsys_blk_native __rcu *native;	/* NULL: none is open */
	unsigned int openers;
	bool excl;			/* opened with O_EXCL */
};

struct vsys_blk {
	struct vsys_device *vdev;
	struct gendisk *disk;
	struct blk_mq_tag_set tags;
	int minor;			/* its first one / VSYS_BLK_PARTS, or < 0 */
	unsigned int sector_size;
	bool flush;			/* the native device has a cache */
	struct work_struct event_work;
	atomic_t events;		/* DISK_EVENT_*, to be told */
	bool added;

	/* The disk's open_mutex protects these, as open and release hold it. */
	unsigned int exclusive;		/* openers */
	struct vsys_blk_file waited, unwaited;
	struct vsys_blk_file claim;	/* one of them before, that had O_EXCL */
	bool claimed;			/* the back-end keeps other domains out */
};

/*
 * For data, and for those who opened without O_NONBLOCK; and for the others.  For
 * readers of RCU, and for who holds the open_mutex.
 */
static struct vsys_blk_native *vsys_blk_native(struct vsys_blk *blk, bool nonblock)
{
	struct vsys_blk_native *waited = rcu_dereference_check(blk->waited.native, 1);
	struct vsys_blk_native *unwaited = rcu_dereference_check(blk->unwaited.native, 1);

	return nonblock ? unwaited ?: waited : waited ?: unwaited;
}

/* For a call; NULL: no file is open.  vsys_blk_native_put() ends it. */
static struct vsys_blk_native *vsys_blk_native_get(struct vsys_blk *blk, bool nonblock)
{
	struct vsys_blk_native *native;

	rcu_read_lock();
	do
		native = vsys_blk_native(blk, nonblock);
	while (native && !refcount_inc_not_zero(&native->users));
	rcu_read_unlock();
	return native;
}

/* Waits for the native close, if it was the last one's. */
static void vsys_blk_native_put(struct vsys_blk *blk, struct vsys_blk_native *native)
{
	if (!refcount_dec_and_test(&native->users))
		return;
	vsys_release(blk->vdev, native->handle);
	kfree_rcu(native, rcu);
}

/* Of the file that block requests use now. */
static u32 vsys_blk_handle(struct vsys_blk *blk)
{
	struct vsys_blk_native *native;
	u32 handle;

	rcu_read_lock();
	native = vsys_blk_native(blk, false);
	handle = native ? native->handle : VSYS_BLK_NO_HANDLE;
	rcu_read_unlock();
	return handle;
}

/* What a block request carries: the vsys request, and its pages. */
struct vsys_blk_cmd {
	struct vsys_req req;
	u16 page[];
};

static struct vsys_queue *vsys_blk_queue(const struct blk_mq_hw_ctx *hctx)
{
	struct vsys_blk *blk = hctx->queue->queuedata;

	return &blk->vdev->queue[hctx->queue_num];
}

/* Copies between the request's bio and the pool. */
static void vsys_blk_copy(struct vsys_queue *q, struct request *rq, bool in)
{
	struct vsys_blk_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct req_iterator iter;
	struct bio_vec bv;
	u32 at = 0;

	rq_for_each_segment(bv, rq, iter) {
		void *data = bvec_kmap_local(&bv);
		u32 done = 0;

		while (done < bv.bv_len) {
			void *page = vsys_buf_page(&q->pool, &cmd->req.buf,
						   at / VSYS_PAGE_SIZE);
			u32 offset = at % VSYS_PAGE_SIZE;
			u32 n = min(bv.bv_len - done, VSYS_PAGE_SIZE - offset);

			if (in)
				memcpy(page + offset, data + done, n);
			else
				memcpy(data + done, page + offset, n);
			done += n;
			at += n;
		}
		kunmap_local(data);
	}
}

/* From the interrupt handler. */
static void vsys_blk_done(struct vsys_req *req)
{
	struct vsys_blk_cmd *cmd = container_of(req, struct vsys_blk_cmd, req);
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	struct vsys_queue *q = vsys_blk_queue(rq->mq_hctx);
	struct vsys_blk *blk = rq->q->queuedata;
	u32 done = req->rsp.value, length = blk_rq_bytes(rq);
	bool data = req_op(rq) == REQ_OP_READ || req_op(rq) == REQ_OP_WRITE;
	blk_status_t status = errno_to_blk_status(req->rsp.status);

	if (req->rsp.status == -EOPNOTSUPP || req->rsp.status == -ENOSYS)
		status = BLK_STS_NOTSUPP;
	/* Ends of sectors only; nothing at all would be tried for ever. */
	if (data && !status && done < length && (!done || done % SECTOR_SIZE))
		status = BLK_STS_IOERR;
	if (!status && req_op(rq) == REQ_OP_READ)
		vsys_blk_copy(q, rq, false);
	vsys_queue_put_buf(q, req);
	if (data && !status && done < length) {
		blk_update_request(rq, BLK_STS_OK, done);
		blk_mq_requeue_request(rq, true);
		return;
	}
	/* An opener has replaced the file meanwhile, and its close has ended this. */
	if ((req->rsp.status == -EBADF || req->rsp.status == -EINTR) &&
	    req->wire.handle != vsys_blk_handle(blk)) {
		blk_mq_requeue_request(rq, true);
		return;
	}
	blk_mq_end_request(rq, status);
}

static bool vsys_blk_prepare(struct vsys_blk *blk, struct request *rq,
			     struct vsys_req *req)
{
	req->wire.handle = vsys_blk_handle(blk);
	req->wire.offset = (u64)blk_rq_pos(rq) << SECTOR_SHIFT;
	switch (req_op(rq)) {
	case REQ_OP_READ:
		req->wire.op = VSYS_OP_READ;
		req->wire.flags = VSYS_O_DIRECT | VSYS_O_RDWR;
		return true;
	case REQ_OP_WRITE:
		req->wire.op = VSYS_OP_WRITE;
		req->wire.flags = VSYS_O_DIRECT | VSYS_O_RDWR;
		return true;
	case REQ_OP_FLUSH:
		req->wire.op = VSYS_OP_FSYNC;
		req->wire.flags = VSYS_FSYNC_DATA;
		req->wire.offset = 0;
		return true;
	case REQ_OP_DISCARD:
		req->wire.op = VSYS_OP_DISCARD;
		req->wire.u.range.length = blk_rq_bytes(rq);
		return true;
	case REQ_OP_WRITE_ZEROES:
		req->wire.op = VSYS_OP_WRITE_ZEROES;
		if (rq->cmd_flags & REQ_NOUNMAP)
			req->wire.flags = VSYS_ZERO_NOUNMAP;
		req->wire.u.range.length = blk_rq_bytes(rq);
		return true;
	default:
		return false;
	}
}

static blk_status_t vsys_blk_queue_rq(struct blk_mq_hw_ctx *hctx,
				      const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct vsys_blk *blk = hctx->queue->queuedata;
	struct vsys_queue *q = vsys_blk_queue(hctx);
	struct vsys_blk_cmd *cmd = blk_mq_rq_to_pdu(rq);
	bool data = req_op(rq) == REQ_OP_READ || req_op(rq) == REQ_OP_WRITE;
	u32 length = data ? blk_rq_bytes(rq) : 0;
	u16 id;
	int err;

	memset(&cmd->req, 0, sizeof(cmd->req));
	cmd->req.buf.page = cmd->page;
	cmd->req.done = vsys_blk_done;
	if (!vsys_blk_prepare(blk, rq, &cmd->req))
		return BLK_STS_NOTSUPP;
	err = vsys_queue_reserve(q, &cmd->req, length);
	if (err == -EAGAIN) {
		/* What is sent must run, or nothing will make room. */
		vsys_queue_push(q);
		/*
		 * In this order: who takes the mark away starts what is stopped.
		 * And room may have come before the mark was seen.
		 */
		blk_mq_stop_hw_queue(hctx);
		smp_mb();
		WRITE_ONCE(q->starved, true);
		smp_mb();
		err = vsys_queue_reserve(q, &cmd->req, length);
		if (err == -EAGAIN)
			return BLK_STS_DEV_RESOURCE;
		q->vdev->ops->room(q);
	}
	if (err)
		return BLK_STS_IOERR;

	blk_mq_start_request(rq);
	if (req_op(rq) == REQ_OP_WRITE)
		vsys_blk_copy(q, rq, true);
	if (data)
		vsys_pool_describe(&q->pool, &cmd->req, length);
	vsys_device_get(blk->vdev);
	id = cmd->req.wire.id;
	err = vsys_queue_send(q, &cmd->req, bd->last);
	if (err)
		vsys_queue_unreserve(q, &cmd->req);
	else if (bd->last && READ_ONCE(cmd->req.look))
		vsys_spin(q, &cmd->req, id);
	vsys_device_put(blk->vdev);
	return err ? BLK_STS_IOERR : BLK_STS_OK;
}

static void vsys_blk_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	vsys_queue_push(vsys_blk_queue(hctx));
}

/* Like a native driver, for as long as the native device takes. */
static enum blk_eh_timer_return vsys_blk_timeout(struct request *rq)
{
	return BLK_EH_RESET_TIMER;
}

static const struct blk_mq_ops vsys_blk_mq_ops = {
	.queue_rq	= vsys_blk_queue_rq,
	.commit_rqs	= vsys_blk_commit_rqs,
	.timeout	= vsys_blk_timeout,
};

/* Ids or pages came back, and a hardware queue had stopped for want of them. */
static void vsys_blk_room(struct vsys_queue *q)
{
	struct vsys_blk *blk = q->vdev->node;

	if (xchg(&q->starved, false))
		blk_mq_start_stopped_hw_queues(blk->disk->queue, true);
}

static void vsys_blk_close_file(struct vsys_blk *blk, struct vsys_blk_file *file)
{
	struct vsys_blk_native *native = rcu_replace_pointer(file->native, NULL, true);

	file->excl = false;
	if (native)
		vsys_blk_native_put(blk, native);
}

/* One native file at most has O_EXCL: a second one would meet the first. */
static bool vsys_blk_claims(const struct vsys_blk *blk)
{
	return blk->claimed || rcu_access_pointer(blk->claim.native) ||
	       blk->waited.excl || blk->unwaited.excl;
}

/*
 * Opens a file: as much as the node allows, not less than asked; with O_EXCL by the
 * mode, if there is none yet.
 */
static int vsys_blk_open_file(struct vsys_blk *blk, struct vsys_blk_file *file,
			      fmode_t mode)
{
	struct vsys_device *vdev = blk->vdev;
	bool write = vdev->writable, excl;
	u32 flags = VSYS_O_DIRECT, can;
	struct vsys_blk_file old = *file;
	struct vsys_blk_native *native;
	int err;

	native = kmalloc(sizeof(*native), GFP_KERNEL);
	if (!native)
		return -ENOMEM;
	excl = mode & FMODE_EXCL && !vsys_blk_claims(blk);
	if (excl)
		flags |= VSYS_O_EXCL;
	if (file == &blk->unwaited)
		flags |= VSYS_O_NONBLOCK;
	do {
		err = vsys_open(vdev, flags | (write ? VSYS_O_RDWR : VSYS_O_RDONLY),
				&native->handle, &can);
		if (err == -EINVAL && (flags & VSYS_O_DIRECT)) {
			flags &= ~VSYS_O_DIRECT;
			continue;
		}
		/* A read-only medium, and nobody wants to write. */
		if ((err == -EROFS || err == -EACCES) && write &&
		    !(mode & FMODE_WRITE)) {
			write = false;
			continue;
		}
		break;
	} while (1);
	if (err) {
		kfree(native);
		return err;
	}
	refcount_set(&native->users, 1);
	native->flags = VSYS_O_DIRECT | VSYS_O_RDWR | (flags & VSYS_O_NONBLOCK);
	native->writable = write;
	rcu_assign_pointer(file->native, native);
	file->excl = excl;
	blk->claimed = can & VSYS_FILE_CLAIMED;
	if (old.excl && mode & FMODE_EXCL)
		blk->claim = old;
	else
		vsys_blk_close_file(blk, &old);
	/* Without O_DIRECT there is a cache to flush: the back-end's. */
	blk_queue_write_cache(blk->disk->queue,
			      blk->flush || !(flags & VSYS_O_DIRECT), false);
	return 0;
}

/*
 * A medium may be another one at each open, and another drive may be behind the node;
 * the native open has looked.  What is cached of the old one goes by its event.
 */
static void vsys_blk_look_at_size(struct vsys_blk *blk)
{
	loff_t size = vsys_seek(blk->vdev, vsys_blk_handle(blk), 0,
				SEEK_END, 0);

	if (size >= 0)
		set_capacity(blk->disk, size >> SECTOR_SHIFT);
}

/* Natively another opener; 0, or a negative errno. */
static int vsys_blk_touch(struct vsys_blk *blk, u32 flags)
{
	u32 handle, can;
	int err = vsys_open(blk->vdev, VSYS_O_RDONLY | flags, &handle, &can);

	if (!err)
		vsys_release(blk->vdev, handle);
	return err;
}

static int vsys_blk_open(struct block_device *bdev, fmode_t mode)
{
	struct vsys_blk *blk = bdev->bd_disk->private_data;
	bool removable = blk->disk->flags & GENHD_FL_REMOVABLE;
	struct vsys_blk_file *file =
		mode & FMODE_NDELAY ? &blk->unwaited : &blk->waited;
	struct vsys_blk_native *native = rcu_dereference_protected(file->native, true);
	int err;

	/*
	 * Natively each open finds out whether there is another medium, and each
	 * close has the kernel look for it, who may be the last.  A file that has
	 * it exclusively stays, and there is a short-lived one beside it: programs
	 * that burn open it anew while the tray is open, and the kernel would know
	 * of no change otherwise.  It also stays if the back-end keeps others out
	 * by it: beside that, another one would be a second user to the driver.
	 */
	if (!native || (removable && !file->excl && !blk->claimed) ||
	    (mode & FMODE_EXCL && !vsys_blk_claims(blk)) ||
	    (mode & FMODE_WRITE && blk->vdev->writable && !native->writable)) {
		/* What there is of a claim stays. */
		err = vsys_blk_open_file(blk, file,
					 file->excl ? mode | FMODE_EXCL : mode);
		if (err)
			return err;
	} else if (removable && file->excl) {
		/* Whether it succeeds is not ours to know. */
		vsys_blk_touch(blk, VSYS_O_NONBLOCK);
	} else if (removable) {
		err = vsys_blk_touch(blk, native->flags & VSYS_O_NONBLOCK);
		if (err)
			return err;
	}
	if (removable)
		vsys_blk_look_at_size(blk);
	file->openers++;
	blk->exclusive += !!(mode & FMODE_EXCL);
	return 0;
}

/* Nobody has it exclusively any more. */
static void vsys_blk_unclaim(struct vsys_blk *blk, struct vsys_blk_file *file)
{
	/* If that can't be, the claim goes with the last opener. */
	if (file->excl && file->openers)
		vsys_blk_open_file(blk, file, 0);
	else
		file->excl = false;
}

/*
 * A partition's opens reach us once, with the mode of the first, and its close
 * with that of the last: so a claim may be kept until the last opener goes, and
 * a file until the last of the other kind.
 */
static void vsys_blk_release(struct gendisk *disk, fmode_t mode)
{
	struct vsys_blk *blk = disk->private_data;
	bool nonblock = mode & FMODE_NDELAY;
	struct vsys_blk_file *file = nonblock ? &blk->unwaited : &blk->waited;

	if (!file->openers)
		file = nonblock ? &blk->waited : &blk->unwaited;
	file->openers--;
	if (mode & FMODE_EXCL && blk->exclusive)
		blk->exclusive--;
	if (!blk->waited.openers && !blk->unwaited.openers)
		blk->exclusive = 0;
	if (!blk->exclusive) {
		vsys_blk_unclaim(blk, &blk->waited);
		vsys_blk_unclaim(blk, &blk->unwaited);
		vsys_blk_close_file(blk, &blk->claim);
	}
	if (!blk->waited.openers && !blk->waited.excl)
		vsys_blk_close_file(blk, &blk->waited);
	if (!blk->unwaited.openers && !blk->unwaited.excl)
		vsys_blk_close_file(blk, &blk->unwaited);
}

static int vsys_blk_getgeo(struct block_device *bdev, struct hd_geometry *geo)
{
	/* What native disks without a geometry of their own say. */
	geo->heads = 255;
	geo->sectors = 63;
	geo->cylinders = get_capacity(bdev->bd_disk) / (255 * 63);
	return 0;
}

/*
 * To all who listen, as of a native disk; and what is cached of the old medium goes.
 * The size is looked at with each native open.
 */
static void vsys_blk_event_work(struct work_struct *work)
{
	struct vsys_blk *blk = container_of(work, struct vsys_blk, event_work);

	disk_force_media_change(blk->disk, atomic_xchg(&blk->events, 0));
}

/*
 * By xenwatch, which also removes the node, or the watches have ended before: the
 * node is not removed meanwhile. Its add goes on beside this, and may fail: the lock.
 */
static void vsys_blk_event(struct vsys_device *vdev, unsigned int events)
{
	struct vsys_blk *blk;

	mutex_lock(&vsys_blk_node_lock);
	blk = vdev->node;
	if (blk) {
		atomic_or(events, &blk->events);
		/* Else it is told of when the disk is added. */
		if (blk->added)
			queue_work(vsys_wq, &blk->event_work);
	}
	mutex_unlock(&vsys_blk_node_lock);
}

static void vsys_blk_free(struct gendisk *disk)
{
	struct vsys_blk *blk = disk->private_data;

	blk_mq_free_tag_set(&blk->tags);
	if (blk->minor >= 0)
		ida_free(&vsys_blk_minors, blk->minor);
	vsys_device_put(blk->vdev);
	kfree(blk);
}

/*
 * An opener that may only read, and may not do raw I/O otherwise, gets an open
 * file of its own, with which the native driver refuses what it would.
 */
static int vsys_blk_read_only_ioctl(struct vsys_blk *blk, unsigned int cmd,
				    unsigned long arg, bool compat)
{
	u32 flags = VSYS_O_RDONLY | VSYS_O_NONBLOCK, handle, can;
	int ret = vsys_open(blk->vdev, flags, &handle, &can);

	if (ret)
		return ret;
	ret = vsys_mirror_ioctl(blk->vdev, handle, flags, cmd, arg, compat);
	vsys_release(blk->vdev, handle);
	return ret;
}

/* What the block layer does not know is the native driver's. */
static int vsys_blk_do_ioctl(struct block_device *bdev, fmode_t mode,
			     unsigned int cmd, unsigned long arg, bool compat)
{
	struct vsys_blk *blk = bdev->bd_disk->private_data;
	bool raw = capable(CAP_SYS_RAWIO);
	struct vsys_blk_native *native;
	int ret;

	/* Such commands are for the whole disk, as natively (CVE-2011-4127). */
	if (!blk->vdev->feature_ioctl || (bdev_is_partition(bdev) && !raw))
		return -ENOTTY;
	native = vsys_blk_native_get(blk, mode & FMODE_NDELAY);
	if (!native)
		return -ENODEV;
	if (!(mode & FMODE_WRITE) && native->writable && !raw)
		ret = vsys_blk_read_only_ioctl(blk, cmd, arg, compat);
	else
		ret = vsys_mirror_ioctl(blk->vdev, native->handle, native->flags,
					cmd, arg, compat);
	vsys_blk_native_put(blk, native);
	return ret;
}

static int vsys_blk_ioctl(struct block_device *bdev, fmode_t mode,
			  unsigned int cmd, unsigned long arg)
{
	return vsys_blk_do_ioctl(bdev, mode, cmd, arg, false);
}

#ifdef CONFIG_COMPAT
static int vsys_blk_compat_ioctl(struct block_device *bdev, fmode_t mode,
				 unsigned int cmd, unsigned long arg)
{
	return vsys_blk_do_ioctl(bdev, mode, cmd, arg, true);
}
#else
#define vsys_blk_compat_ioctl NULL
#endif

static const struct block_device_operations vsys_blk_fops = {
	.owner		= THIS_MODULE,
	.open		= vsys_blk_open,
	.release	= vsys_blk_release,
	.ioctl		= vsys_blk_ioctl,
	.compat_ioctl	= vsys_blk_compat_ioctl,
	.getgeo		= vsys_blk_getgeo,
	.free_disk	= vsys_blk_free,
};

/* The keys of the native device's limits, read and checked by the schema. */
struct vsys_blk_limits {
	u64 sectors, discard_max_bytes, write_zeroes_max_bytes;
	u32 sector_size, physical_sector_size, minimum_io_size, optimal_io_size;
	u32 discard_granularity;
	bool rotational, removable;
	bool feature_flush, feature_discard, feature_write_zeroes;
};

static int vsys_blk_read_limits(struct vsys_device *vdev,
				struct vsys_blk_limits *l)
{
	*l = (struct vsys_blk_limits) {
		.sector_size = SECTOR_SIZE,
	};
	if (VSYS_READ_KEY(vdev, l, sectors, VSYS_KEY_SECTORS) ||
	    VSYS_READ_KEY(vdev, l, sector_size, VSYS_KEY_SECTOR_SIZE) ||
	    VSYS_READ_KEY(vdev, l, physical_sector_size,
			  VSYS_KEY_PHYSICAL_SECTOR_SIZE) ||
	    VSYS_READ_KEY(vdev, l, minimum_io_size, VSYS_KEY_MINIMUM_IO_SIZE) ||
	    VSYS_READ_KEY(vdev, l, optimal_io_size, VSYS_KEY_OPTIMAL_IO_SIZE) ||
	    VSYS_READ_KEY(vdev, l, rotational, VSYS_KEY_ROTATIONAL) ||
	    VSYS_READ_KEY(vdev, l, removable, VSYS_KEY_REMOVABLE) ||
	    VSYS_READ_KEY(vdev, l, feature_flush, VSYS_KEY_FEATURE_FLUSH) ||
	    VSYS_READ_KEY(vdev, l, feature_discard, VSYS_KEY_FEATURE_DISCARD) ||
	    VSYS_READ_KEY(vdev, l, discard_granularity,
			  VSYS_KEY_DISCARD_GRANULARITY) ||
	    VSYS_READ_KEY(vdev, l, discard_max_bytes,
			  VSYS_KEY_DISCARD_MAX_BYTES) ||
	    VSYS_READ_KEY(vdev, l, feature_write_zeroes,
			  VSYS_KEY_FEATURE_WRITE_ZEROES) ||
	    VSYS_READ_KEY(vdev, l, write_zeroes_max_bytes,
			  VSYS_KEY_WRITE_ZEROES_MAX_BYTES))
		return -EINVAL;
	return 0;
}

static void vsys_blk_set_limits(struct vsys_blk *blk,
				const struct vsys_blk_limits *l)
{
	struct request_queue *rq = blk->disk->queue;
	u32 max_sectors = blk->vdev->blk_max_length >> SECTOR_SHIFT;

	blk->sector_size = l->sector_size;
	blk->flush = l->feature_flush;
	blk_queue_logical_block_size(rq, l->sector_size);
	blk_queue_physical_block_size(rq, max(l->physical_sector_size,
					      l->sector_size));
	if (l->minimum_io_size)
		blk_queue_io_min(rq, l->minimum_io_size);
	if (l->optimal_io_size)
		blk_queue_io_opt(rq, l->optimal_io_size);
	/* Data is copied to and from the pool: any segments do. */
	blk_queue_max_hw_sectors(rq, max_sectors);
	blk_queue_max_segments(rq, USHRT_MAX);
	blk_queue_max_segment_size(rq, UINT_MAX);
	if (!l->rotational)
		blk_queue_flag_set(QUEUE_FLAG_NONROT, rq);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, rq);
	blk_queue_write_cache(rq, blk->flush, false);
	if (l->feature_discard && blk->vdev->writable) {
		rq->limits.discard_granularity = max(l->discard_granularity,
						     l->sector_size);
		blk_queue_max_discard_sectors(rq,
			min_t(u64, l->discard_max_bytes >> SECTOR_SHIFT,
			      UINT_MAX >> SECTOR_SHIFT));
	}
	if (l->feature_write_zeroes && blk->vdev->writable)
		blk_queue_max_write_zeroes_sectors(rq,
			min_t(u64, l->write_zeroes_max_bytes >> SECTOR_SHIFT,
			      UINT_MAX >> SECTOR_SHIFT));
	if (l->removable) {
		blk->disk->flags |= GENHD_FL_REMOVABLE;
		blk->disk->events = DISK_EVENT_MEDIA_CHANGE |
				    DISK_EVENT_EJECT_REQUEST;
		blk->disk->event_flags = DISK_EVENT_FLAG_UEVENT;
	}
	/* Nobody shall look for partitions who may have to wait for another guest. */
	if (blk->vdev->exclusive == VSYS_EXCLUSIVE_QUEUE)
		blk->disk->flags |= GENHD_FL_NO_PART;
	set_capacity(blk->disk, l->sectors);
	set_disk_ro(blk->disk, !blk->vdev->writable);
}

static int vsys_blk_add(struct vsys_device *vdev)
{
	struct vsys_blk_limits limits;
	struct vsys_blk *blk;
	int err;

	if (strlen(vdev->name) >= DISK_NAME_LEN) {
		xenbus_dev_fatal(vdev->xdev, -ENAMETOOLONG,
				 "the name '%s' is too long for a disk",
				 vdev->name);
		return -ENAMETOOLONG;
	}
	err = vsys_blk_read_limits(vdev, &limits);
	if (err)
		return err;
	blk = kzalloc(sizeof(*blk), GFP_KERNEL);
	if (!blk)
		return -ENOMEM;
	blk->vdev = vdev;
	blk->tags.ops = &vsys_blk_mq_ops;
	blk->tags.nr_hw_queues = vdev->nr_queues;
	blk->tags.queue_depth = min(VSYS_BLK_DEPTH, vdev->queue[0].nr_ids / 2);
	blk->tags.numa_node = NUMA_NO_NODE;
	blk->tags.cmd_size = struct_size((struct vsys_blk_cmd *)NULL, page,
					 vsys_buf_pages(vdev->blk_max_length) + 1);
	blk->tags.flags = BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	err = blk_mq_alloc_tag_set(&blk->tags);
	if (err) {
		kfree(blk);
		return err;
	}
	blk->disk = blk_mq_alloc_disk(&blk->tags, blk);
	if (IS_ERR(blk->disk)) {
		err = PTR_ERR(blk->disk);
		blk_mq_free_tag_set(&blk->tags);
		kfree(blk);
		return err;
	}
	blk->minor = ida_alloc_max(&vsys_blk_minors, VSYS_BLK_DISKS - 1,
				   GFP_KERNEL);
	if (blk->minor >= 0) {
		/*
		 * A major of its own: programs take the one that is for all for
		 * NVMe's.
		 */
		blk->disk->major = vsys_blk_major;
		blk->disk->first_minor = blk->minor * VSYS_BLK_PARTS;
		blk->disk->minors = VSYS_BLK_PARTS;
	}
	/* From here on vsys_blk_free() frees. */
	vsys_device_get(vdev);
	blk->disk->fops = &vsys_blk_fops;
	blk->disk->private_data = blk;
	strscpy(blk->disk->disk_name, vdev->name, DISK_NAME_LEN);
	vsys_blk_set_limits(blk, &limits);
	INIT_WORK(&blk->event_work, vsys_blk_event_work);
	vdev->node = blk;
	err = device_add_disk(&vdev->xdev->dev, blk->disk, NULL);
	mutex_lock(&vsys_blk_node_lock);
	if (err)
		vdev->node = NULL;
	else
		blk->added = true;
	if (!err && atomic_read(&blk->events))
		queue_work(vsys_wq, &blk->event_work);
	mutex_unlock(&vsys_blk_node_lock);
	if (err)
		put_disk(blk->disk);
	return err;
}

static void vsys_blk_remove(struct vsys_device *vdev)
{
	struct vsys_blk *blk = vdev->node;

	blk_mark_disk_dead(blk->disk);
	cancel_work_sync(&blk->event_work);
	del_gendisk(blk->disk);
	put_disk(blk->disk);
}

const struct vsys_node_ops vsys_blk_ops = {
	.add	= vsys_blk_add,
	.remove	= vsys_blk_remove,
	.event	= vsys_blk_event,
	.room	= vsys_blk_room,
};

int vsys_blk_init(void)
{
	vsys_blk_major = register_blkdev(0, "vsys");
	return min(vsys_blk_major, 0);
}

void vsys_blk_exit(void)
{
	unregister_blkdev(vsys_blk_major, "vsys");
	ida_destroy(&vsys_blk_minors);
}
