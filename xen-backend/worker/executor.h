/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * executor.h - processes that make calls at the addresses of a guest's process.
 *
 * An executor runs machine.S and nothing else; docs/mirror.md says why.  It has
 * "lanes": processes that share one table of descriptors, each with an address space
 * of its own and two threads, one for what has to be done there (the agent), one
 * that makes calls.  Here are their birth (the first is a clone of the template, the
 * others of the first), their jobs and their death.  What the calls mean, and what
 * is in the memory, is mirror.c's and calls.c's.
 *
 * All functions are called in the worker's main thread, and so are all callbacks,
 * never from inside of the function that causes them.
 */
#ifndef VSYS_EXECUTOR_H
#define VSYS_EXECUTOR_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "bell.h"
#include "machine.h"
#include "near.h"
#include "uring.h"

/* Of <linux/userfaultfd.h> of 6.1, which C libraries may be older than. */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW	_IO(0xAA, 0x00)
#endif

/* The range that is the guest's. */
#define MIRROR_START	0x400000ull
#define MIRROR_END	0x7ffffffff000ull

/* Descriptors of the machine itself, in each executor; a guest's are far below. */
#define EXECUTOR_OWN_FDS	12288
#define MIRRORED_FDS		4096	/* docs/protocol.md, FILE */
#define EXECUTOR_FIRST_FD	3	/* those below are never free */
enum executor_fd {
	EXECUTOR_EVENT = EXECUTOR_OWN_FDS,
	EXECUTOR_GNTDEV,
	EXECUTOR_UFFD_DEV,
	EXECUTOR_WORKER,		/* pidfd of the worker */
	/* Opened with O_PATH: to a driver it is nothing.  Where lane_open() finds nodes. */
	EXECUTOR_PATH,
};

/*
 * What an executor says a new descriptor's number is, which drivers can overwrite: not
 * one of its own, which no call of a guest may get to.
 */
static inline bool executor_is_file(int64_t number)
{
	return number >= EXECUTOR_FIRST_FD && number < EXECUTOR_OWN_FDS;
}

struct executor;
struct lane;

/* System calls, one after another: MACHINE_OPS in the agent, else MACHINE_CALL_OPS. */
struct xjob {
	struct machine_op op[MACHINE_OPS];
	unsigned int nr, data;		/* data: behind them, as many of no meaning */
	/*
	 * value: of the last operation that was made, as the kernel returned it;
	 * made: how many were made.  The executor died: -EIO and 0.
	 */
	void (*done)(struct xjob *job, int64_t value, unsigned int made);

	/* executor.c's */
	struct lane *lane;
	TAILQ_ENTRY(xjob) link;
	uint32_t seq;
	uint32_t posted;		/* executors.posted_since, then */
	bool running;
};

TAILQ_HEAD(xjob_list, xjob);

struct executor_ops {
	/*
	 * It can take jobs; or it could not be made (negative errno): then it is freed
	 * after this, and if it is the first its executor dies.
	 */
	void (*ready)(struct lane *l, int err);
	/* A thread of it touched an empty page; in_call: that of the job that runs. */
	void (*fault)(struct lane *l, const struct uffd_msg *msg, bool in_call);
	/* It is gone, with all lanes, and freed after this. */
	void (*dead)(struct executor *x);
};

enum lane_thread { LANE_AGENT, LANE_CALL };

struct lane {
	struct executor *x;
	unsigned int index;
	void *owner;			/* not executor.c's */

	pid_t pid, caller;		/* 0: not born yet; and the thread that makes calls */
	int pidfd, uffd;
	bool ready;
	struct machine_slot *slot[MACHINE_THREADS];
	struct machine_result *result;	/* MACHINE_THREADS of them */
	struct xjob *job[MACHINE_THREADS];	/* that runs */
	struct xjob_list agent_jobs;	/* that wait for it */
	struct xjob birth;

	uint64_t began;			/* the call; near.c */
	unsigned int brief;		/* calls in a row */

	struct uring_call death;
	bool watching_death;
	struct uring_call faults;
	bool watching_faults;
	struct uffd_msg msg[8];
};

struct executor {
	struct executors *all;
	const struct executor_ops *ops;
	void *owner;
	unsigned int index;
	bool dying, burying;
	struct lane *lane[MACHINE_LANES];
	unsigned int nr_lanes;		/* highest index + 1 */
	/* Lanes that are being made: these have descriptors for a moment. */
	unsigned int births;
};

struct executors {
	struct uring *uring;
	bool usable;			/* executors_start() was successful */
	unsigned int nr_posted;		/* jobs since spin.c has seen them, that are not done ... */
	uint32_t posted_since;		/* ... which have this number */
	bool answered;			/* a job was done as soon as it was given */
	struct near near;
	int memory_fd, uffd_dev, gntdev, path_fd;
	const char *root;		/* where nodes are: "/" of a worker in its jail */
	struct machine_slot *slots;	/* MACHINE_MAX areas */
	char *results;
	struct executor *x[MACHINE_MAX];	/* x[0]: the template */
	struct bell bell;		/* rung by each thread that is done later (post()) */
	unsigned int nr_dying, nr_lanes;
};

/* Opens what needs rights.  gntdev: -1 without Xen.  0 or negative errno, logged. */
int executors_prepare(struct executors *e, int gntdev);
/*
 * Forks the template.  confine() is called there, to give up what it has too
 * much; 0 or negative errno.
 */
int executors_start(struct executors *e, struct uring *u, int (*confine)(void));
/* Ends all executors that are left, and frees what it has; ops->dead() comes before. */
void executors_exit(struct executors *e);

/* False: there never will be another one. */
bool executors_alive(const struct executors *e);
/* With one lane.  NULL: no room for another one, or no memory. */
struct executor *executor_new(struct executors *e, const struct executor_ops *ops, void *owner);
/* Another lane of it, whose first is ready.  NULL: no room, or no memory. */
struct lane *executor_add_lane(struct executor *x);
/* Ends it; ops->dead() follows. */
void executor_kill(struct executor *x);

/*
 * Ends the jobs that were done as soon as they were given, of which no completion of the
 * io_uring tells: before a wait, as long as ->answered.
 */
void executors_round(struct executors *e);
/* A job has been given since this was asked last, and is not done. */
bool executors_seen(struct executors *e);

/* An operation of a job; returns it, for what is rare. */
struct machine_op *xjob_op(struct xjob *job, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
			   uint64_t a3, uint64_t a4, uint64_t a5);
/* In the agent, in order. */
void lane_agent(struct lane *l, struct xjob *job);
/* name, of at most LANE_NAME characters, of the worker's jail; flags as of open(2). */
#define LANE_NAME	(OP_SIZE - 1)
void lane_open(struct lane *l, struct xjob *job, const char *name, int flags);
/* A call.  There must be none. */
void lane_run(struct lane *l, struct xjob *job);
/* Interrupts a call, if it runs; once may not be enough. */
void lane_kick(struct xjob *job);

/* How processes are made: the kernel says where who it has made, whatever happens then. */
#define LANE_FLAGS	(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD)

/* filter.c: what an executor may do, from now on, for the calling process. */
int executor_filter(void);

#endif /* VSYS_EXECUTOR_H */
