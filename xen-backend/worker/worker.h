/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - the context of a worker process: what its parts share.
 *
 * Layers, each using only those after it:
 *
 *   main       the process: arguments, privileges
 *   worker     the main loop: events, messages, rounds
 *   device     connect, disconnect, violation
 *   ring       requests in, responses out
 *   request    checks and operations; handles: open files
 *   uring, threads, link, transport
 */
#ifndef VSYS_WORKER_H
#define VSYS_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "executor.h"
#include "limits.h"
#include "link.h"
#include "pins.h"
#include "nap.h"
#include "spin.h"
#include "threads.h"
#include "transport.h"
#include "uring.h"

struct worker {
	struct transport *transport;
	struct uring uring;
	/* For native calls that may block; no kind waits for another. */
	struct threads reads, calls, closes;
	struct link link;

	struct executors executors;	/* not usable if start failed */
	struct mm_queue mms;
	unsigned int nr_mirror_pages;	/* of all mirrors */
	bool maps;			/* guests' pages may be mapped in mirrors, see calls.c */

	struct device_list devices;
	unsigned int nr_stopping;
	struct queue_list ready;	/* to be served in this round */
	struct spin spin;
	unsigned int rounds;		/* ever */
	struct nap nap;
	unsigned int nr_holding;	/* queues that hold a notification back */
	struct queue **by_port;		/* [local port] */
	unsigned int nr_ports;

	struct uring_call event_call;
	bool event_reading;
	uint32_t events[VSYS_EVENT_BATCH];

	struct uring_call tick_call;
	struct __kernel_timespec tick_time;
	bool tick_armed;
	unsigned int tick_ms;

	uint32_t last_cookie;
	struct pins_questions questions;
	int probe_fd;			/* epoll, see handle_open() */
	bool quit;
};

int worker_init(struct worker *w, struct transport *t, int ipc_fd);
/*
 * One round: wait (at most timeout_ms; -1: without limit), then do all that has
 * become possible.  False when the worker has to end.
 */
bool worker_round(struct worker *w, int timeout_ms);
/* Takes down every device and waits for it. */
void worker_exit(struct worker *w);

/* Something has to be looked at again before long. */
void worker_tick(struct worker *w);
/* ... but there is time. */
void worker_tick_slowly(struct worker *w);
int64_t worker_now(void);		/* ms, monotonic */

/* Which queue a local port belongs to; NULL: none any more. */
int worker_set_port(struct worker *w, unsigned int port, struct queue *q);
/* Where port's number stands, for as long as the process lives; port was set. */
const uint32_t *worker_port_number(unsigned int port);

#endif /* VSYS_WORKER_H */
