/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.h - native calls that io_uring does not make as the guest expects.
 *
 * io_uring waits with poll() before it reads or writes a file that has it.  For
 * device files that is not the same as a blocking read(): a terminal with
 * VMIN=0 never becomes readable although read() returns, some drivers start
 * working only when read() is called, and O_NONBLOCK turns into waiting.  Such
 * calls are made by a thread, as the system call that they are; so are close()
 * (whose end a ring does not show) and rare operations.
 *
 * Threads start when needed, end when idle for long, and their number is
 * bounded; a job beyond the bound waits.  Everything here except run() is
 * called in the main thread.
 */
#ifndef VSYS_THREADS_H
#define VSYS_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bell.h"
#include "near.h"
#include "uring.h"

struct thread_job {
	/*
	 * In a thread: the call, made again if it returns -EINTR and was not
	 * cancelled.  Result or negative errno.
	 */
	long (*run)(struct thread_job *job);
	/* In the main thread.  -ECANCELED: run() was never called. */
	void (*done)(struct thread_job *job, long res);

	TAILQ_ENTRY(thread_job) link;
	enum { JOB_NONE, JOB_QUEUED, JOB_RUNNING, JOB_FINISHED } state;
	bool cancelled;
	bool kicked;
	pthread_t thread;
	long res;
};

TAILQ_HEAD(thread_jobs, thread_job);

struct threads {
	pthread_mutex_t lock;
	pthread_cond_t more;		/* a job was queued, or stop */
	pthread_cond_t fewer;		/* a thread ended */
	struct thread_jobs queued, running, finished;
	unsigned int nr, idle, max;
	unsigned int nr_cancelled;	/* running, and told to end */
	bool stop;
	bool any_ended;
	pthread_t ended;		/* the last one that did; to be joined */

	const struct near *near;	/* where the worker may run */
	struct bell bell;		/* rung when finished becomes non-empty */
};

/* Negative errno; an error has been logged. */
int threads_init(struct threads *t, struct uring *u, const struct near *near, unsigned int max);
/* No job may be running.  When it comes back, no thread runs any more, its destructors done. */
void threads_exit(struct threads *t);

void threads_start(struct threads *t, struct thread_job *job);
/* Ends a waiting job, interrupts a running one; done() comes in any case. */
void threads_cancel(struct threads *t, struct thread_job *job);
/* Interrupts all running jobs that were cancelled, again; true if any is. */
bool threads_kick(struct threads *t);

#endif /* VSYS_THREADS_H */
