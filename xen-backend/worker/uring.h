/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uring.h - the worker's one io_uring.
 *
 * Everything that the main thread waits for comes through it: notifications,
 * messages of the supervisor, threads that finished, native I/O.  A submission
 * made while handling completions goes out with the next uring_run(), so that
 * one round of the main loop costs one system call.
 *
 * A caller embeds a struct uring_call and gets it back in done(), which runs in
 * the main thread, never inside of a submission.
 */
#ifndef VSYS_URING_H
#define VSYS_URING_H

#include <liburing.h>
#include <stdbool.h>

struct uring_call {
	/* res as of the system call: a count, or a negative errno. */
	void (*done)(struct uring_call *call, int res);
};

struct uring_completion;

struct uring {
	struct io_uring ring;
	/* Completions taken early, because the queues were full. */
	struct uring_completion *stash;
	unsigned int nr_stash, max_stash;
	unsigned long nr_done;		/* completions, ever */
	bool more;			/* in done(): it will be called once more, at least */
};

/* Negative errno; an error has been logged. */
int uring_init(struct uring *u);
void uring_exit(struct uring *u);

/*
 * A cleared entry that will complete to call.  NULL only if the kernel has no
 * memory.  The caller fills it by an io_uring_prep_ function and then calls
 * uring_own().
 */
struct io_uring_sqe *uring_get(struct uring *u);
void uring_own(struct io_uring_sqe *sqe, struct uring_call *call);

/* Ask that call ends early.  It completes in any case, once. */
void uring_cancel(struct uring *u, struct uring_call *call);

/* Something waits for its submission. */
bool uring_pending(const struct uring *u);
/* ... or nothing does, and nothing has completed. */
bool uring_quiet(const struct uring *u);
/*
 * Submit what was prepared, wait for a completion if wait is set (at most
 * timeout_ms; -1: without limit), call done() for all there are.  Negative
 * errno if the ring is beyond use.
 */
int uring_run(struct uring *u, bool wait, int timeout_ms);
/* The same, in nanoseconds; 0: without waiting. */
int uring_wait(struct uring *u, int64_t timeout_ns);

/* For entries nobody waits for: success completes to nothing. */
extern struct uring_call uring_nobody;
void uring_own_quiet(struct io_uring_sqe *sqe);

#endif /* VSYS_URING_H */
