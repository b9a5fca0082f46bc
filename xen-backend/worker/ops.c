// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ops.c - the operations other than READ and WRITE (rw.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "calls.h"
#include "container.h"
#include "ops.h"
#include "ports.h"
#include "ring.h"
#include "worker.h"

static struct request *of_job(struct thread_job *job)
{
	return container_of(job, struct request, job);
}

static void nop_start(struct request *r)
{
	request_end(r, 0, 0, 0);
}

static bool access_allowed(const struct device *dev, uint32_t oflags)
{
	switch (oflags & VSYS_O_ACCMODE) {
	case VSYS_O_RDONLY:
		return dev->readable;
	case VSYS_O_WRONLY:
		return dev->writable;
	default:	/* also 3, which is for ioctl alone and natively needs both */
		return dev->readable && dev->writable;
	}
}

static void send_open(struct request *r, uint32_t type)
{
	struct device *dev = r->queue->dev;
	struct vsys_ipc msg = { .type = type, .devid = dev->devid };

	msg.u.open.cookie = r->cookie;
	msg.u.open.oflags = r->rq.flags & VSYS_O_MASK;
	link_send(&dev->worker->link, &msg);
}

static void open_start(struct request *r)
{
	struct device *dev = r->queue->dev;

	if (!access_allowed(dev, r->rq.flags)) {
		request_end(r, -EACCES, 0, 0);
		return;
	}
	/* The number is reserved first: what is open is bounded at any time. */
	r->handle = handle_reserve(&dev->handles);
	if (!r->handle) {
		request_end(r, -errno, 0, 0);
		return;
	}
	r->cookie = ++dev->worker->last_cookie;
	r->where = REQ_SUPERVISOR;
	LIST_INSERT_HEAD(&dev->opening, r, link);
	send_open(r, IPC_OPEN);
}

static void open_end(struct request *r, int err, uint64_t value, uint64_t pos)
{
	struct handle *h = r->handle;

	LIST_REMOVE(r, link);
	r->handle = NULL;
	if (err)
		handle_free(h);
	request_end(r, err, value, pos);
}

void op_open_done(struct request *r, int fd, const struct vsys_ipc *opened, int error)
{
	struct device *dev = r->queue->dev;
	struct handle *h = r->handle;

	if (error) {
		open_end(r, error, 0, 0);
		return;
	}
	handle_open(h, fd, r->rq.flags, dev->block, dev->worker->probe_fd);
	h->opened = true;
	h->era = opened->u.open.era;
	dev->counters.handles++;
	open_end(r, 0, h->number, (h->lseek ? VSYS_FILE_LSEEK : 0) |
				  (h->pread ? VSYS_FILE_PREAD : 0) |
				  (h->pwrite ? VSYS_FILE_PWRITE : 0) |
				  (opened->u.open.oflags & VSYS_O_EXCL ? VSYS_FILE_CLAIMED : 0));
}

/*
 * The guest gets its EINTR now: the supervisor may be caught in a driver that
 * does not let go.  Its answer then names nobody, and the file is closed.
 */
void op_open_cancel(struct request *r)
{
	send_open(r, IPC_OPEN_CANCEL);
	open_end(r, -EINTR, 0, 0);
}

static void release_start(struct request *r)
{
	struct handle *h = r->handle;

	/* It ends after all others of the file, and must not wait for itself. */
	LIST_REMOVE(r, link);
	r->handle = NULL;
	request_close_handle(h, r);
}

static void lseek_start(struct request *r)
{
	static const int whence[] = {
		[VSYS_SEEK_SET] = SEEK_SET, [VSYS_SEEK_CUR] = SEEK_CUR,
		[VSYS_SEEK_END] = SEEK_END, [VSYS_SEEK_DATA] = SEEK_DATA,
		[VSYS_SEEK_HOLE] = SEEK_HOLE,
	};
	struct handle *h = r->handle;
	int err = 0;
	off_t pos;

	if (r->rq.length >= sizeof(whence) / sizeof(whence[0])) {
		request_end(r, -EINVAL, 0, 0);
		return;
	}
	/* Only SEEK_CUR starts from the position; others may fail to go there. */
	if (h->lseek)
		err = handle_seek_to(h, r->rq.u.lseek.pos);
	if (err && r->rq.length == VSYS_SEEK_CUR) {
		request_end(r, err, 0, 0);
		return;
	}
	errno = 0;
	pos = lseek(h->fd, r->rq.offset, whence[r->rq.length]);
	if (pos == -1 && errno) {
		request_end(r, -errno, 0, 0);
		return;
	}
	h->pos = pos;
	h->pos_known = true;
	request_end(r, 0, pos, 0);
}

static void fsync_done(struct uring_call *call, int res)
{
	request_end(container_of(call, struct request, call),
		    res < 0 ? res : 0, 0, 0);
}

static void fsync_start(struct request *r)
{
	struct io_uring_sqe *sqe = uring_get(&r->queue->dev->worker->uring);

	if (!sqe) {
		request_end(r, -ENOMEM, 0, 0);
		return;
	}
	io_uring_prep_fsync(sqe, r->handle->fd,
			    r->rq.flags & VSYS_FSYNC_DATA ? IORING_FSYNC_DATASYNC : 0);
	r->call.done = fsync_done;
	r->where = REQ_URING;
	uring_own(sqe, &r->call);
}

/* In a thread. */
static long discard_run(struct thread_job *job)
{
	struct request *r = of_job(job);
	uint64_t range[2] = { r->rq.offset, r->rq.u.range.length };

	return ioctl(r->handle->fd, BLKDISCARD, range) < 0 ? -errno : 0;
}

/* In a thread. */
static long zeroes_run(struct thread_job *job)
{
	struct request *r = of_job(job);
	off_t start = r->rq.offset, length = r->rq.u.range.length;
	int fd = r->handle->fd;

	if (!(r->rq.flags & VSYS_ZERO_NOUNMAP)) {
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, length) == 0)
			return 0;
		if (errno != EOPNOTSUPP)
			return -errno;
	}
	return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, start, length) < 0 ?
	       -errno : 0;
}

static void range_done(struct thread_job *job, long res)
{
	request_end(of_job(job), res, 0, 0);
}

static void range_start(struct request *r, long (*run)(struct thread_job *))
{
	struct device *dev = r->queue->dev;
	uint64_t length = r->rq.u.range.length;

	if (!dev->block || (r->rq.op == VSYS_OP_DISCARD && !dev->discard)) {
		request_end(r, -EOPNOTSUPP, 0, 0);
		return;
	}
	if ((r->handle->oflags & VSYS_O_ACCMODE) == VSYS_O_RDONLY) {
		request_end(r, -EBADF, 0, 0);
		return;
	}
	if (length > INT64_MAX || r->rq.offset > INT64_MAX - length) {
		request_end(r, -EINVAL, 0, 0);
		return;
	}
	if (length == 0) {
		request_end(r, 0, 0, 0);	/* fallocate() would call it an error */
		return;
	}
	request_in_thread(r, run, range_done);
}

static void discard_start(struct request *r)
{
	range_start(r, discard_run);
}

static void zeroes_start(struct request *r)
{
	range_start(r, zeroes_run);
}

static void cancel_start(struct request *r)
{
	struct request *target = &r->queue->request[r->rq.u.cancel.id];
	bool found = target != r && target->where != REQ_IDLE;

	if (found)
		request_cancel(target);
	request_end(r, 0, found, 0);
}

static void poll_done(struct uring_call *call, int res)
{
	request_end(container_of(call, struct request, call), res < 0 ? res : 0,
		    res < 0 ? 0 : res, 0);
}

static void poll_start(struct request *r)
{
	struct pollfd p = { .fd = r->handle->fd, .events = r->rq.u.poll.events };
	struct io_uring_sqe *sqe;

	if (!r->queue->dev->poll) {
		request_end(r, -ENOSYS, 0, 0);
		return;
	}
	if (r->rq.flags & VSYS_POLL_NOW) {
		int nr = poll(&p, 1, 0);

		request_end(r, nr < 0 ? -errno : 0, nr > 0 ? p.revents : 0, 0);
		return;
	}
	sqe = uring_get(&r->queue->dev->worker->uring);
	if (!sqe) {
		request_end(r, -ENOMEM, 0, 0);
		return;
	}
	io_uring_prep_poll_add(sqe, p.fd, r->rq.u.poll.events & 0xffff);
	r->call.done = poll_done;
	r->where = REQ_URING;
	uring_own(sqe, &r->call);
}

static const struct op ops[VSYS_OP_LIMIT] = {
	[VSYS_OP_NOP]		= { .start = nop_start },
	[VSYS_OP_OPEN]		= { .start = open_start },
	[VSYS_OP_RELEASE]	= { .start = release_start,	.handle = true },
	[VSYS_OP_READ]		= { .start = op_rw_start,	.handle = true, .data = true },
	[VSYS_OP_WRITE]		= { .start = op_rw_start,	.handle = true, .data = true },
	[VSYS_OP_LSEEK]		= { .start = lseek_start,	.handle = true },
	[VSYS_OP_FSYNC]		= { .start = fsync_start,	.handle = true },
	[VSYS_OP_CANCEL]	= { .start = cancel_start },
	[VSYS_OP_DISCARD]	= { .start = discard_start,	.handle = true },
	[VSYS_OP_WRITE_ZEROES]	= { .start = zeroes_start,	.handle = true },
	[VSYS_OP_POOL_GROW]	= { .start = nop_start,		.resizes = true },
	[VSYS_OP_POOL_SHRINK]	= { .start = nop_start,		.resizes = true },
	[VSYS_OP_POLL]		= { .start = poll_start,	.handle = true },
	[VSYS_OP_IOCTL]		= { .start = calls_start, .handle = true, .data = true, .call = true },
	[VSYS_OP_COMPAT_IOCTL]	= { .start = calls_start, .handle = true, .data = true, .call = true },
	[VSYS_OP_MIRROR_READ]	= { .start = calls_start, .handle = true, .data = true, .call = true },
	[VSYS_OP_MIRROR_WRITE]	= { .start = calls_start, .handle = true, .data = true, .call = true },
	[VSYS_OP_CONTINUE]	= { .start = calls_continue, .handle = true, .data = true, .call = true },
	[VSYS_OP_MM_EXIT]	= { .start = mm_exit },
	[VSYS_OP_WATCH]		= { .start = watch_start, .data = true, .call = true },
	[VSYS_OP_PORT_BATCH]	= { .start = ports_start, .data = true, .ports = true },
};

const struct op *op_get(unsigned int number)
{
	return number < VSYS_OP_LIMIT && ops[number].start ? &ops[number] : NULL;
}
