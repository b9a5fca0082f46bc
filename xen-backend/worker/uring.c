// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uring.c - the worker's one io_uring: set-up, submission, completions.
 *
 * Only features of Linux 6.1 are used.  The ring is created disabled, limited
 * to the few operations that the worker needs, and then enabled: seccomp does
 * not see what goes through a ring.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "limits.h"
#include "uring.h"

#define NS_PER_SECOND INT64_C(1000000000)

struct uring_completion {
	struct uring_call *call;
	int res;
	bool more;
};

static void nobody_done(struct uring_call *call, int res)
{
	(void)call;
	/* What was to be cancelled had ended, or ends soon. */
	if (res < 0 && res != -ENOENT && res != -EALREADY)
		log_debug("a submission that nobody waits for failed: %s", strerror(-res));
}

struct uring_call uring_nobody = { .done = nobody_done };

static const unsigned char allowed_ops[] = {
	IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV,
	IORING_OP_FSYNC, IORING_OP_RECVMSG, IORING_OP_TIMEOUT, IORING_OP_ASYNC_CANCEL,
	IORING_OP_POLL_ADD,
};

static int uring_restrict(struct uring *u)
{
	struct io_uring_restriction list[sizeof(allowed_ops) + 1];
	size_t i;

	memset(list, 0, sizeof(list));
	for (i = 0; i < sizeof(allowed_ops); i++) {
		list[i].opcode = IORING_RESTRICTION_SQE_OP;
		list[i].sqe_op = allowed_ops[i];
	}
	list[i].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	list[i].sqe_flags = IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS;
	/* The library has functions for this and the next, but does not export them. */
	return io_uring_register(u->ring.ring_fd, IORING_REGISTER_RESTRICTIONS, list, i + 1);
}

int uring_init(struct uring *u)
{
	unsigned int workers[2] = { VSYS_IOWQ_BOUNDED, VSYS_IOWQ_UNBOUNDED };
	struct io_uring_params p = {
		/*
		 * SINGLE_ISSUER and DEFER_TASKRUN: completions are handled when
		 * this thread asks for them, and interrupt it at no other time.
		 */
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		.cq_entries = VSYS_CQ_ENTRIES,
	};
	const char *what = "set up io_uring";
	int ret;

	memset(u, 0, sizeof(*u));
	ret = io_uring_queue_init_params(VSYS_SQ_ENTRIES, &u->ring, &p);
	if (ret) {
		log_err("cannot %s: %s", what, strerror(-ret));
		return ret;
	}
	what = "bound the kernel's I/O threads";
	ret = io_uring_register_iowq_max_workers(&u->ring, workers);
	if (!ret) {
		what = "restrict io_uring";
		ret = uring_restrict(u);
	}
	if (!ret) {
		what = "enable io_uring";
		ret = io_uring_register(u->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	}
	if (ret < 0) {
		log_err("cannot %s: %s", what, strerror(-ret));
		io_uring_queue_exit(&u->ring);
		return ret;
	}
	return 0;
}

void uring_exit(struct uring *u)
{
	io_uring_queue_exit(&u->ring);
	free(u->stash);
	u->stash = NULL;
}

/* Make room in the completion queue without calling anybody. */
static int uring_stash(struct uring *u)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&u->ring, head, cqe) {
		if (u->nr_stash == u->max_stash) {
			unsigned int max = u->max_stash ? 2 * u->max_stash : 256;
			void *p = realloc(u->stash, max * sizeof(*u->stash));

			if (!p)
				break;
			u->stash = p;
			u->max_stash = max;
		}
		u->stash[u->nr_stash].call = io_uring_cqe_get_data(cqe);
		u->stash[u->nr_stash].res = cqe->res;
		u->stash[u->nr_stash].more = cqe->flags & IORING_CQE_F_MORE;
		u->nr_stash++;
		n++;
	}
	io_uring_cq_advance(&u->ring, n);
	return n;
}

struct io_uring_sqe *uring_get(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	int tries, ret;

	for (tries = 0; !sqe && tries < 16; tries++) {
		ret = io_uring_submit_and_get_events(&u->ring);
		/* Full of completions: take them, their time comes later. */
		if (ret < 0 && !uring_stash(u) && ret != -EINTR)
			break;
		sqe = io_uring_get_sqe(&u->ring);
	}
	return sqe;
}

void uring_own(struct io_uring_sqe *sqe, struct uring_call *call)
{
	io_uring_sqe_set_data(sqe, call);
}

void uring_own_quiet(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data(sqe, &uring_nobody);
}

void uring_cancel(struct uring *u, struct uring_call *call)
{
	struct io_uring_sqe *sqe = uring_get(u);

	if (!sqe)
		return;		/* it ends in its own time */
	io_uring_prep_cancel(sqe, call, 0);
	uring_own_quiet(sqe);
}

/* Waits for timeout_ns at most; 0: not at all, -1: without limit. */
static int uring_enter(struct uring *u, int64_t timeout_ns)
{
	struct __kernel_timespec ts;
	struct io_uring_cqe *cqe;

	if (!timeout_ns)
		return io_uring_submit_and_get_events(&u->ring);
	if (timeout_ns < 0)
		return io_uring_submit_and_wait(&u->ring, 1);
	ts.tv_sec = timeout_ns / NS_PER_SECOND;
	ts.tv_nsec = timeout_ns % NS_PER_SECOND;
	return io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
}

bool uring_pending(const struct uring *u)
{
	return io_uring_sq_ready(&u->ring);
}

bool uring_quiet(const struct uring *u)
{
	return !io_uring_sq_ready(&u->ring) && !io_uring_cq_ready(&u->ring) && !u->nr_stash &&
	       !(IO_URING_READ_ONCE(*u->ring.sq.kflags) &
		 (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

int uring_wait(struct uring *u, int64_t timeout_ns)
{
	struct io_uring_cqe *cqe;
	struct uring_call *call;
	unsigned int i;
	int ret, res;

	ret = uring_enter(u, u->nr_stash ? 0 : timeout_ns);
	if (ret < 0 && ret != -EINTR && ret != -ETIME && ret != -EAGAIN && ret != -EBUSY) {
		log_err("io_uring_enter: %s", strerror(-ret));
		return ret;
	}
	/* done() may make submissions, and these may stash once more. */
	for (i = 0; i < u->nr_stash; i++) {
		call = u->stash[i].call;
		u->more = u->stash[i].more;
		call->done(call, u->stash[i].res);
		u->nr_done++;
	}
	u->nr_stash = 0;
	while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
		call = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		u->more = cqe->flags & IORING_CQE_F_MORE;
		io_uring_cqe_seen(&u->ring, cqe);
		call->done(call, res);
		u->nr_done++;
		if (u->nr_stash)
			break;	/* the next round has them, in order */
	}
	return 0;
}

int uring_run(struct uring *u, bool wait, int timeout_ms)
{
	return uring_wait(u, !wait ? 0 : timeout_ms < 0 ? -1 : timeout_ms * INT64_C(1000000));
}
