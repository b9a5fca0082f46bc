/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker-proc.h - the process that serves one domain, seen from the supervisor.
 *
 * Its messages are checked as if the guest had sent them, since a guest may have
 * taken it over: one message that cannot be ends the process.
 */
#ifndef VSYS_WORKER_PROC_H
#define VSYS_WORKER_PROC_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "fault.h"
#include "ipc.h"
#include "loop.h"

struct domain;
struct supervisor;

LIST_HEAD(worker_list, worker);

struct worker {
	LIST_ENTRY(worker) link;
	struct supervisor *sup;
	struct domain *domain;		/* NULL: it is no longer needed */
	uint32_t domid;
	uint64_t caps;			/* what it was started with */
	pid_t pid;
	int64_t pins, pins_since;	/* the last count, and when these began: */
	unsigned int nr_pins;
	bool killed;			/* nothing it says counts any more */
	struct loop_fd socket;		/* fd -1: closed */
	struct loop_fd exit;		/* pidfd */
	struct loop_timer kill_timer;
};

struct worker *worker_spawn(struct supervisor *sup, struct domain *dom, uint64_t caps,
			    struct fault *f);

/* fd goes along if it is not negative; it stays open here. */
void worker_send(struct worker *w, const struct vsys_ipc *msg, int fd);

/*
 * The domain needs it no more: its socket is closed, it ends by itself or, after
 * LIMIT_EXIT_MS, by force.
 */
void worker_release(struct worker *w);

/* Ends it now, because of what the sentence says. */
void worker_kill(struct worker *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* VSYS_WORKER_PROC_H */
