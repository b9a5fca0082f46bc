// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rw.c - READ and WRITE, straight between the native file and the pool.
 *
 * The guest's program called read() or pread() (or their kin), and the native
 * driver shall see the same call: with the file's own position or with an
 * offset, blocking or not, cut into the same pieces.  By io_uring where that
 * gives the same result, which is so for block nodes and for drivers without
 * poll(); by a thread where it does not (threads.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "container.h"
#include "ops.h"
#include "ring.h"
#include "worker.h"

static int rw_flags(uint32_t flags)
{
	return (flags & VSYS_RW_DSYNC ? RWF_DSYNC : 0) |
	       (flags & VSYS_RW_SYNC ? RWF_SYNC : 0) |
	       (flags & VSYS_RW_APPEND ? RWF_APPEND : 0) |
	       (flags & VSYS_RW_NOWAIT ? RWF_NOWAIT : 0) |
	       (flags & VSYS_RW_HIPRI ? RWF_HIPRI : 0);
}

static bool is_write(const struct request *r)
{
	return r->rq.op == VSYS_OP_WRITE;
}

/*
 * A read() at the native position is the exact thing for a guest's read(), also
 * if the driver moves the position by something else than the count, or reads
 * differently in pread().  There is one native position: a second request that
 * wants it at the same time gets pread(), which differs in nothing but that.
 */
static void choose_position(struct request *r)
{
	struct handle *h = r->handle;
	bool positional = is_write(r) ? h->pwrite : h->pread;

	r->at_pos = false;
	if (r->rq.flags & VSYS_RW_CURPOS && h->lseek && h->nr_curpos == 0 &&
	    handle_seek_to(h, r->rq.offset) == 0) {
		r->at_pos = true;
		h->nr_curpos++;
	}
	r->at_offset = !r->at_pos && positional;
}

static void rw_end(struct request *r, long res)
{
	struct vsys_counters *c = &r->queue->dev->counters;
	struct handle *h = r->handle;
	uint64_t pos = 0;

	if (r->rq.flags & VSYS_RW_CURPOS) {
		pos = r->rq.offset + (res > 0 ? res : 0);
		if (r->at_pos) {
			h->nr_curpos--;
			if (handle_learn_pos(h) != -ESPIPE && h->pos_known)
				pos = h->pos;
		}
	}
	if (res < 0) {
		request_end(r, res, 0, pos);
		return;
	}
	if (is_write(r))
		c->bytes_written += res;
	else
		c->bytes_read += res;
	request_end(r, 0, res, pos);
}

static void rw_uring_done(struct uring_call *call, int res)
{
	rw_end(container_of(call, struct request, call), res);
}

static void rw_uring(struct request *r)
{
	struct io_uring_sqe *sqe = uring_get(&r->queue->dev->worker->uring);
	struct handle *h = r->handle;
	/* -1: the file's own position, as for read(). */
	uint64_t offset = r->at_offset ? r->rq.offset : (uint64_t)-1;
	struct iovec *iov = r->iov;

	if (!sqe) {
		rw_end(r, -ENOMEM);
		return;
	}
	if (r->nr_iov == 1 && is_write(r))
		io_uring_prep_write(sqe, h->fd, iov->iov_base, iov->iov_len, offset);
	else if (r->nr_iov == 1)
		io_uring_prep_read(sqe, h->fd, iov->iov_base, iov->iov_len, offset);
	else if (is_write(r))
		io_uring_prep_writev(sqe, h->fd, iov, r->nr_iov, offset);
	else
		io_uring_prep_readv(sqe, h->fd, iov, r->nr_iov, offset);
	/* io_uring refuses HIPRI, which is a hint, on a ring that does not poll. */
	sqe->rw_flags = r->rw_flags & ~RWF_HIPRI;
	/*
	 * io_uring believes that no O_NONBLOCK file ever blocks and would call
	 * a driver that does not care about the flag from this thread.  And its first
	 * try may not wait, not even for the processor: a driver that looks for that
	 * between pages, as that of /dev/zero, ends with what it has.
	 */
	if (!h->block && (h->oflags & VSYS_O_NONBLOCK || r->rq.length > VSYS_PAGE_SIZE))
		sqe->flags |= IOSQE_ASYNC;
	r->call.done = rw_uring_done;
	r->where = REQ_URING;
	uring_own(sqe, &r->call);
}

/* In a thread, as the rest down to rw_thread_run(). */
static ssize_t rw_plain(const struct request *r, void *buf)
{
	size_t len = r->rq.length;
	int fd = r->handle->fd;

	if (r->at_offset)
		return is_write(r) ? pwrite(fd, buf, len, r->rq.offset) :
				     pread(fd, buf, len, r->rq.offset);
	return is_write(r) ? write(fd, buf, len) : read(fd, buf, len);
}

static ssize_t rw_vector(const struct request *r, int flags)
{
	off_t offset = r->at_offset ? (off_t)r->rq.offset : -1;
	int fd = r->handle->fd;

	return is_write(r) ? pwritev2(fd, r->iov, r->nr_iov, offset, flags) :
			     preadv2(fd, r->iov, r->nr_iov, offset, flags);
}

/* One call although the pieces lie apart: the one place where data is copied. */
static ssize_t rw_bounce(struct request *r)
{
	char *buf = malloc(r->rq.length);
	size_t done, left, n;
	unsigned int i;
	ssize_t ret;

	if (!buf) {
		errno = ENOMEM;
		return -1;
	}
	r->bounced = true;
	for (i = 0, done = 0; is_write(r) && i < r->nr_iov; i++) {
		memcpy(buf + done, r->iov[i].iov_base, r->iov[i].iov_len);
		done += r->iov[i].iov_len;
	}
	ret = rw_plain(r, buf);
	left = !is_write(r) && ret > 0 ? ret : 0;
	for (i = 0, done = 0; left; i++) {
		n = left < r->iov[i].iov_len ? left : r->iov[i].iov_len;
		memcpy(r->iov[i].iov_base, buf + done, n);
		done += n;
		left -= n;
	}
	i = errno;
	free(buf);
	errno = i;
	return ret;
}

/*
 * The guest's program made one call, but a driver with the old read() method is
 * called by readv() once for each piece, which is another thing for whoever
 * keeps messages apart or waits.  Such a driver refuses flags, before it is
 * called; RWF_DSYNC means nothing to a character device that does not.
 */
static ssize_t rw_pieces(struct request *r)
{
	ssize_t ret;

	if (r->vector == VECTOR_UNKNOWN) {
		ret = rw_vector(r, r->rw_flags | RWF_DSYNC);
		if (ret >= 0 || errno != EOPNOTSUPP) {
			if (ret >= 0)
				r->vector = VECTOR_WHOLE;
			return ret;
		}
		r->vector = VECTOR_PIECES;
	}
	return r->vector == VECTOR_WHOLE ? rw_vector(r, r->rw_flags) : rw_bounce(r);
}

static long rw_thread_run(struct thread_job *job)
{
	struct request *r = container_of(job, struct request, job);
	char none[1];
	ssize_t n;

	if (r->rw_flags)
		n = rw_vector(r, r->rw_flags);
	else if (r->nr_iov == 0)
		n = rw_plain(r, none);
	else if (r->nr_iov == 1)
		n = rw_plain(r, r->iov->iov_base);
	else
		n = rw_pieces(r);
	return n < 0 ? -errno : n;
}

static void rw_thread_done(struct thread_job *job, long res)
{
	struct request *r = container_of(job, struct request, job);

	if (r->bounced)
		r->queue->dev->counters.copies++;
	if (is_write(r))
		r->handle->writev = r->vector;
	else
		r->handle->readv = r->vector;
	rw_end(r, res);
}

void op_rw_start(struct request *r)
{
	struct handle *h = r->handle;
	int err = 0;

	r->rw_flags = rw_flags(r->rq.flags);
	if (!h->block)
		err = handle_set_flags(h, r->rq.flags);
	if (err) {
		request_end(r, err, 0, r->rq.offset);
		return;
	}
	choose_position(r);
	/* For io_uring offset -1 is something else than for pread(). */
	if (r->at_offset && r->rq.offset > INT64_MAX) {
		request_end(r, -EINVAL, 0, r->rq.offset);
		return;
	}
	r->vector = is_write(r) ? h->writev : h->readv;
	r->bounced = false;
	if (h->block || (!h->polls && r->rq.length && !r->rw_flags &&
			 (r->nr_iov == 1 || r->vector == VECTOR_WHOLE))) {
		rw_uring(r);
		return;
	}
	request_in_thread(r, rw_thread_run, rw_thread_done);
}
