// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker.c - the main loop: events, messages, completions, rounds.
 *
 * A round is one io_uring_enter(), which submits what the previous round
 * prepared and waits, and then the work that it made possible.  A request at
 * depth 1 costs two rounds and one notification: three system calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "../log.h"
#include "calls.h"
#include "container.h"
#include "worker.h"

#define OF(call, member)	container_of(call, struct worker, member)

int64_t worker_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * The numbers, to be written to the event descriptor.  Such a write may run when
 * the queue that asked for it is gone, so what it reads belongs to no queue.
 */
static uint32_t port_numbers[VSYS_MAX_PORTS];

const uint32_t *worker_port_number(unsigned int port)
{
	return &port_numbers[port];
}

int worker_set_port(struct worker *w, unsigned int port, struct queue *q)
{
	if (port >= VSYS_MAX_PORTS)
		return -EMFILE;
	port_numbers[port] = port;
	if (port >= w->nr_ports) {
		unsigned int i, nr = port + 64;
		void *p = realloc(w->by_port, nr * sizeof(*w->by_port));

		if (!p)
			return -ENOMEM;
		w->by_port = p;
		for (i = w->nr_ports; i < nr; i++)
			w->by_port[i] = NULL;
		w->nr_ports = nr;
	}
	w->by_port[port] = q;
	return 0;
}

static void event_read(struct worker *w)
{
	struct io_uring_sqe *sqe = uring_get(&w->uring);

	if (!sqe) {
		w->quit = true;
		return;
	}
	io_uring_prep_read(sqe, w->transport->event_fd, w->events, sizeof(w->events), 0);
	uring_own(sqe, &w->event_call);
	w->event_reading = true;
}

static void event_done(struct uring_call *call, int res)
{
	struct worker *w = OF(call, event_call);
	unsigned int i;
	struct queue *q;

	w->event_reading = false;
	if (res == -ECANCELED)
		return;
	if (res < 0 && res != -EINTR && res != -EAGAIN) {
		log_err("reading event channels: %s", strerror(-res));
		w->quit = true;
		return;
	}
	for (i = 0; res > 0 && i < res / sizeof(w->events[0]); i++) {
		q = w->events[i] < w->nr_ports ? w->by_port[w->events[i]] : NULL;
		if (!q)
			continue;	/* unbound meanwhile */
		q->masked = true;
		q->dev->counters.events_in++;
		queue_ready(q);
	}
	event_read(w);
}

static void tick_arm(struct worker *w)
{
	struct io_uring_sqe *sqe = uring_get(&w->uring);

	if (!sqe)
		return;
	w->tick_time.tv_sec = w->tick_ms / 1000;
	w->tick_time.tv_nsec = w->tick_ms % 1000 * 1000000ll;
	io_uring_prep_timeout(sqe, &w->tick_time, 0, 0);
	uring_own(sqe, &w->tick_call);
	w->tick_armed = true;
}

static void tick_done(struct uring_call *call, int res)
{
	struct worker *w = OF(call, tick_call);
	bool again = w->nr_stopping > 0;
	struct device *dev;

	w->tick_armed = false;
	if (res == -ECANCELED)
		return;
	LIST_FOREACH(dev, &w->devices, of_worker)
		again |= calls_tick(dev);
	again |= threads_kick(&w->reads);
	again |= threads_kick(&w->calls);
	if (!again)
		return;
	w->tick_ms = 2 * w->tick_ms < VSYS_KICK_MAX_MS ? 2 * w->tick_ms : VSYS_KICK_MAX_MS;
	tick_arm(w);
}

void worker_tick(struct worker *w)
{
	w->tick_ms = VSYS_KICK_MIN_MS;
	if (!w->tick_armed)
		tick_arm(w);
}

void worker_tick_slowly(struct worker *w)
{
	if (w->tick_armed)
		return;
	w->tick_ms = VSYS_KICK_MAX_MS;
	tick_arm(w);
}

static void on_message(struct link *l, const struct vsys_ipc *msg, int fd)
{
	struct worker *w = OF(l, link);

	switch (msg->type) {
	case IPC_CONNECT:
		w->spin.max_ns = msg->u.connect.spin_us * INT64_C(1000);
		w->executors.near.brief_ns = w->spin.max_ns;
		device_connect(w, msg, fd);
		return;		/* fd is taken */
	case IPC_DISCONNECT:
		device_disconnect(w, msg->devid);
		break;
	case IPC_OPENED:
		device_opened(w, msg, fd);
		return;		/* fd is taken */
	case IPC_PINS:
		pins_answered(w, msg->u.pins.cookie, msg->u.pins.count);
		break;
	case IPC_STATS:
		device_counters(w, msg->devid);
		break;
	default:
		log_err("message %u from the supervisor is unknown", msg->type);
		break;
	}
	if (fd >= 0)
		close(fd);
}

static void on_broken(struct link *l)
{
	OF(l, link)->quit = true;
}

int worker_init(struct worker *w, struct transport *t, int ipc_fd)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->transport = t;
	LIST_INIT(&w->devices);
	TAILQ_INIT(&w->mms);
	TAILQ_INIT(&w->ready);
	spin_init(&w->spin, 0);
	TAILQ_INIT(&w->questions);
	w->event_call.done = event_done;
	w->tick_call.done = tick_done;

	w->probe_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->probe_fd < 0) {
		log_err("epoll: %m");
		return -errno;
	}
	err = uring_init(&w->uring);
	if (err) {
		close(w->probe_fd);
		return err;
	}
	err = threads_init(&w->reads, &w->uring, &w->executors.near, VSYS_READ_THREADS);
	if (!err)
		err = threads_init(&w->calls, &w->uring, &w->executors.near, VSYS_CALL_THREADS);
	if (!err)
		err = threads_init(&w->closes, &w->uring, &w->executors.near, VSYS_CLOSE_THREADS);
	if (err)
		return err;	/* the process ends */
	link_init(&w->link, &w->uring, ipc_fd, on_message, on_broken);
	event_read(w);
	return 0;
}

static void serve_ready(struct worker *w)
{
	struct queue_list list = TAILQ_HEAD_INITIALIZER(list);
	char reason[VSYS_IPC_REASON];
	struct queue *q;

	/* Who becomes ready from here on has its turn in the next round. */
	TAILQ_CONCAT(&list, &w->ready, of_ready);
	while ((q = TAILQ_FIRST(&list))) {
		TAILQ_REMOVE(&list, q, of_ready);
		q->ready = false;
		if (q->dev->stopping)
			continue;
		if (queue_serve(q, reason) < 0)
			device_fail(q->dev, reason);
	}
}

bool worker_round(struct worker *w, int timeout_ms)
{
	int64_t wait = 0, limit = timeout_ms < 0 ? -1 : timeout_ms * INT64_C(1000000);
	unsigned long done = w->uring.nr_done;
	bool idle = TAILQ_EMPTY(&w->ready) && !w->executors.answered;

	/* First what waits for its submission; who gives way sleeps at once, and submits it then. */
	if (uring_pending(&w->uring) && !TAILQ_EMPTY(&w->spin.queues) && !w->executors.nr_posted)
		idle = false;
	w->rounds++;
	if (idle)
		wait = spin_round(w);
	else if (w->rounds % VSYS_BUSY_ROUNDS == 0)
		spin_look(w);
	if ((wait || !uring_quiet(&w->uring)) &&
	    uring_wait(&w->uring, wait < 0 ? limit : wait) < 0)
		return false;
	if (wait > 0)
		nap_over(w);
	if (idle && (wait < 0 || !TAILQ_EMPTY(&w->ready) || w->uring.nr_done != done))
		spin_learn(w);
	near_round(&w->executors.near);
	executors_round(&w->executors);
	serve_ready(w);
	nap_served(w, wait > 0);
	/* After a nap, what came meanwhile is to be found first. */
	if (wait <= 0)
		hold_round(w);
	if (w->nr_stopping)
		devices_reap(w);
	return !w->quit;
}

void worker_exit(struct worker *w)
{
	struct device *dev;

	LIST_FOREACH(dev, &w->devices, of_worker)
		device_fail(dev, "the worker ends");
	while (!LIST_EMPTY(&w->devices))
		worker_round(w, 1000);

	if (w->event_reading)
		uring_cancel(&w->uring, &w->event_call);
	if (w->tick_armed)
		uring_cancel(&w->uring, &w->tick_call);
	while ((w->event_reading || w->tick_armed) && uring_run(&w->uring, true, 1000) == 0)
		;
	if (w->executors.usable)
		executors_exit(&w->executors);
	threads_exit(&w->reads);
	threads_exit(&w->calls);
	threads_exit(&w->closes);
	link_exit(&w->link);
	uring_exit(&w->uring);
	free(w->by_port);
	close(w->probe_fd);
}
