/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * growth.h - parts of the growth bench: see docs/performance.md.
 *
 *   main       arguments, what is run with how many devices
 *   run        one measurement, from the daemon's start to its end
 *   guest      pretended guests: memory, event channels, front-ends
 *   store      XenStore's socket
 *   measure    what /proc says about the daemon's processes
 *   report     table, JSON, bounds
 *
 * The daemon's side are programs of their own: supervisor.c and transport.c, with
 * all else of xen-vsysd and xen-vsys-worker as it is.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "xen-backend/loop.h"
#include "tests/unit/fake-xs.h"

/* Names of files in the run's own directory. */
#define GROWTH_STORE	"store"		/* socket: XenStore */
#define GROWTH_MACHINE	"machine"	/* socket: gives workers their guest's memory */
#define GROWTH_WORKER	"worker"	/* link to the worker's program */
#define GROWTH_CONTROL	"control"	/* socket: xen-vsysd's */

#define GROWTH_SKIP	77		/* exit status: cannot be run here */

extern struct loop *growth_loop;
extern char growth_dir[64];

__attribute__((format(printf, 1, 2), noreturn)) void die(const char *fmt, ...);
int64_t now_ns(void);
/* GROWTH_ names to paths; four of them at a time. */
const char *growth_path(const char *name);

/* --- store.c ---------------------------------------------------------- */

extern struct xst *store_xs;
extern unsigned long store_requests;	/* of the daemon */

/* Calls back when the back-end has written the state of a device. */
void store_open(void (*state_written)(uint32_t domid, uint32_t devid));
void store_close(void);
/* After the store was changed here: tells the daemon. */
void store_flush(void);

/* --- guest.c ---------------------------------------------------------- */

/* What all front-ends of all guests have done. */
struct guests_count {
	unsigned int connected, closed, opened;
	unsigned long answers, bad_answers;
};

extern struct guests_count guests_count;

void guests_open(unsigned int nr_guests, unsigned int nr_devices);
void guests_close(void);
/* The toolstack creates one, or destroys it. */
void guest_introduce(unsigned int guest);
void guest_release(unsigned int guest);
/* As if none of them had been there: they may be introduced again. */
void guests_reset(void);
void guests_state_written(uint32_t domid, uint32_t devid);

/* Each front-end opens its node. */
void guests_call_open(void);
/*
 * Reads and writes in turn, of one page; so many at a time, until there were "limit"
 * of them, or time_ns is over (0: no matter).  Of one front-end, or of all.
 */
void guests_work(bool all, unsigned int depth, unsigned long limit, int64_t time_ns);
bool guests_idle(void);
/* Of the work of one front-end at depth 1: ns. */
int64_t guests_median_ns(void);

/* --- measure.c -------------------------------------------------------- */

struct measure {
	unsigned int processes, threads, fds;
	long rss, pss, private;		/* KiB; private: and written to */
	double cpu;			/* s */
	unsigned long switches;		/* voluntary */
};

/* Adds what there is of the process to *m. */
void measure_add(struct measure *m, pid_t pid);
/* CPU time and switches only, which is quick. */
void measure_add_time(struct measure *m, pid_t pid);
/* How many entries that directory of /proc/PID has. */
unsigned int measure_entries(pid_t pid, const char *name);
/* Calls back for each process that this one has started. */
void measure_children(pid_t pid, void (*fn)(pid_t child, void *arg), void *arg);

/* --- run.c ------------------------------------------------------------ */

struct result {
	unsigned int guests, devices;	/* devices: of each guest */
	struct measure start;		/* supervisor, before anything */
	struct measure sup;		/* with all connected and open */
	struct measure workers;		/* ... of all */
	struct measure end;		/* supervisor, after all */
	struct measure again;		/* ... and after all a second time */
	double attach_s, attach_sup_cpu, attach_worker_cpu;
	unsigned long attach_requests;	/* of XenStore */
	double open_s, open_sup_cpu;
	double idle_sup, idle_workers;	/* switches per second */
	double one_ns, one_rate;	/* depth 1: latency; depth 16: requests per second */
	double all_rate, all_cpu_us;	/* of a request: worker's CPU time */
	double detach_s, detach_sup_cpu;
	unsigned long detach_requests;
	double release_s, release_sup_cpu;
	unsigned long release_requests;
	/* What should be 0. */
	unsigned int left_processes, left_nodes, left_watches, left_jails, bad_answers;
	int status;			/* of the daemon */
};

/* Of how long a time the parts that are timed take. */
struct effort {
	double idle_s, busy_s;
	unsigned long calls;		/* of one front-end */
};

void run_one(struct result *r, unsigned int guests, unsigned int devices,
	     const struct effort *effort);

/* --- report.c --------------------------------------------------------- */

void report_table(const struct result *r, unsigned int nr, const char *title);
void report_json(FILE *out, const struct result *r, unsigned int nr, const char *name);
/* How many bounds do not hold; says which.  counts_only: nothing that a busy machine changes. */
unsigned int report_judge(const struct result *r, unsigned int nr, bool counts_only);

#endif /* GROWTH_H */
