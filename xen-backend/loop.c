// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop.c - event loop of epoll and io_uring; see loop.h.
 *
 * Readiness comes from epoll and not from the ring: epoll forgets a descriptor
 * the moment it is removed, whereas a poll in the ring completes once more, into
 * memory that its owner may have freed.  Events are taken one by one for the
 * same reason; epoll's list rotates, so everybody has his turn.
 *
 * Opening is the one operation that may block without any descriptor to wait
 * for, and that must be cancelled: io_uring has it (IOSQE_ASYNC, so that it
 * never runs in this thread).  Its completions reach the loop by an eventfd.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"

#define LOOP_RING_ENTRIES 128
#define LOOP_FREE_MS 2000	/* opens may take to let go, in the end */

TAILQ_HEAD(timer_list, loop_timer);

struct loop {
	int epoll;
	bool stop;
	struct timer_list timers;	/* the earliest first */
	struct io_uring ring;
	unsigned int opens;		/* started, and not done */
	struct loop_fd ring_event;
	void (*turn_end)(void *arg);
	void *turn_end_arg;
};

static void ring_ready(void *arg, uint32_t events)
{
	struct loop *loop = arg;
	struct io_uring_cqe *cqe;
	uint64_t count;

	(void)events;
	if (read(loop->ring_event.fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
	while (!io_uring_peek_cqe(&loop->ring, &cqe)) {
		struct loop_open *op = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&loop->ring, cqe);
		/* What a signal would have restarted was interrupted by a cancel. */
		if (result <= -512 && result >= -516)
			result = -EINTR;
		if (op) {
			loop->opens--;
			op->done(op, result);
		}
	}
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return NULL;
	TAILQ_INIT(&loop->timers);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = io_uring_queue_init(LOOP_RING_ENTRIES, &loop->ring, 0);
	if (err) {
		log_err("io_uring: %s", strerror(-err));
		goto no_ring;
	}
	loop->ring_event.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->ring_event.ready = ring_ready;
	loop->ring_event.arg = loop;
	if (loop->epoll < 0 || loop->ring_event.fd < 0 ||
	    io_uring_register_eventfd(&loop->ring, loop->ring_event.fd) ||
	    loop_fd_add(loop, &loop->ring_event, EPOLLIN))
		goto failed;
	return loop;

failed:
	log_err("event loop: %s", strerror(errno));
	if (loop->ring_event.fd >= 0)
		close(loop->ring_event.fd);
	io_uring_queue_exit(&loop->ring);
no_ring:
	if (loop->epoll >= 0)
		close(loop->epoll);
	free(loop);
	return NULL;
}

/*
 * Whoever started an open has cancelled it by now; its end frees what belongs
 * to it.  A driver that does not let go is not waited for.
 */
void loop_free(struct loop *loop)
{
	struct __kernel_timespec ms = { .tv_nsec = 100000000 };
	int64_t deadline = loop_now_ms() + LOOP_FREE_MS;
	struct io_uring_cqe *cqe;

	/* Each wait may bring one only. */
	while (loop->opens && loop_now_ms() < deadline) {
		io_uring_wait_cqe_timeout(&loop->ring, &cqe, &ms);
		ring_ready(loop, 0);
	}
	io_uring_queue_exit(&loop->ring);
	close(loop->ring_event.fd);
	close(loop->epoll);
	free(loop);
}

static int64_t skipped_ms;

int64_t loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000 + skipped_ms;
}

void loop_skip_ms(int ms)
{
	skipped_ms += ms;
}

void loop_set_turn_end(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	loop->turn_end = fn;
	loop->turn_end_arg = arg;
}

int loop_fd_add(struct loop *loop, struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, f->fd, &ev) ? -errno : 0;
}

void loop_fd_change(struct loop *loop, struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };

	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, f->fd, &ev);
}

void loop_fd_remove(struct loop *loop, struct loop_fd *f)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, f->fd, NULL);
}

void loop_timer_set(struct loop *loop, struct loop_timer *t, int ms,
		    void (*fire)(void *arg), void *arg)
{
	struct loop_timer *other;

	loop_timer_clear(loop, t);
	t->deadline = loop_now_ms() + ms;
	t->fire = fire;
	t->arg = arg;
	t->set = true;
	/* Most are due before all others, or after: work to be done now, and limits. */
	other = TAILQ_FIRST(&loop->timers);
	if (!other || other->deadline > t->deadline) {
		TAILQ_INSERT_HEAD(&loop->timers, t, link);
		return;
	}
	TAILQ_FOREACH_REVERSE(other, &loop->timers, timer_list, link)
		if (other->deadline <= t->deadline)
			break;
	TAILQ_INSERT_AFTER(&loop->timers, other, t, link);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *t)
{
	if (t->set)
		TAILQ_REMOVE(&loop->timers, t, link);
	t->set = false;
}

static int wait_ms(struct loop *loop, int timeout_ms)
{
	struct loop_timer *first = TAILQ_FIRST(&loop->timers);
	int64_t left;

	if (!first)
		return timeout_ms;
	left = first->deadline - loop_now_ms();
	if (left < 0)
		left = 0;
	if (timeout_ms >= 0 && left > timeout_ms)
		left = timeout_ms;
	return left > 60000 ? 60000 : (int)left;
}

/* Those that are due now: one that sets itself again has its turn later. */
static bool fire_timers(struct loop *loop)
{
	int64_t now = loop_now_ms();
	struct loop_timer *t = TAILQ_FIRST(&loop->timers);
	bool fired = false;

	while (t && t->deadline <= now && !(fired && t->deadline == now)) {
		loop_timer_clear(loop, t);
		t->fire(t->arg);
		fired = true;
		t = TAILQ_FIRST(&loop->timers);
	}
	return fired;
}

int loop_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_event ev;
	int nr = epoll_wait(loop->epoll, &ev, 1, wait_ms(loop, timeout_ms));

	if (nr < 0 && errno != EINTR)
		return -errno;
	if (nr > 0) {
		struct loop_fd *f = ev.data.ptr;

		f->ready(f->arg, ev.events);
	}
	if (fire_timers(loop))
		nr = 1;
	if (loop->turn_end)
		loop->turn_end(loop->turn_end_arg);
	return nr > 0;
}

int loop_run(struct loop *loop)
{
	int err = 0;

	while (err >= 0 && !loop->stop)
		err = loop_turn(loop, -1);
	return err < 0 ? err : 0;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

static int submit(struct loop *loop, struct io_uring_sqe *sqe, void *data)
{
	int nr;

	io_uring_sqe_set_data(sqe, data);
	nr = io_uring_submit(&loop->ring);
	return nr < 0 ? nr : 0;
}

int loop_open_start(struct loop *loop, struct loop_open *op, const char *path, int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);
	int err;

	if (!sqe)
		return -EAGAIN;
	io_uring_prep_openat(sqe, AT_FDCWD, path, flags, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	err = submit(loop, sqe, op);
	if (!err)
		loop->opens++;
	return err;
}

void loop_open_cancel(struct loop *loop, struct loop_open *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (!sqe)
		return;
	io_uring_prep_cancel(sqe, op, 0);
	submit(loop, sqe, NULL);
}

void loop_open_limit(struct loop *loop, unsigned int nr)
{
	unsigned int max[2] = { nr, nr };
	int err = io_uring_register_iowq_max_workers(&loop->ring, max);

	if (err)
		log_warn("io_uring: number of threads: %s", strerror(-err));
}

void loop_close(struct loop *loop, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (!sqe) {
		close(fd);
		return;
	}
	io_uring_prep_close(sqe, fd);
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	submit(loop, sqe, NULL);
}
