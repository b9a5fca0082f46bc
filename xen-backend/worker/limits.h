/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - every bound of a worker that the protocol does not set (rule 12).
 *
 * What a guest can make its worker hold: entries of its rings times the size of
 * a struct request, VSYS_MAX_HANDLES files per device, VSYS_MAX_FILES in all,
 * and the threads below.  A call that finds no thread waits for one.
 */
#ifndef VSYS_WORKER_LIMITS_H
#define VSYS_WORKER_LIMITS_H

#define VSYS_SQ_ENTRIES		512	/* submitted when full */
#define VSYS_CQ_ENTRIES		4096

/* Threads of the kernel for block and regular files, and for all others. */
#define VSYS_IOWQ_BOUNDED	32
#define VSYS_IOWQ_UNBOUNDED	128

/*
 * Threads of the worker, for reads, for other calls that may block, and for
 * closing files: however many reads wait, what they wait for gets through.
 */
#define VSYS_READ_THREADS	512
#define VSYS_CALL_THREADS	64
#define VSYS_CLOSE_THREADS	16
#define VSYS_THREAD_STACK	(64u << 10)

#define VSYS_MAX_FILES		16384	/* RLIMIT_NOFILE */
/* Of the domain's user: all of the above, and 256 lanes of executors, of 2 threads. */
#define VSYS_MAX_THREADS	4096	/* RLIMIT_NPROC */

/* Lanes of all executors of the domain, with the template: two threads each. */
#define VSYS_MAX_LANES		256
/* Pages of the guest that one mirror holds, in its executor and as images. */
#define VSYS_MIRROR_PAGES	8192
/* ... and all mirrors of the domain: 64 MiB, twice. */
#define VSYS_DOMAIN_PAGES	16384
/* A run of so many pages is mapped rather than copied. */
#define VSYS_MAP_PAGES		64
/* How long the guest may take to go on with a call. */
#define VSYS_CALL_LIMIT_MS	30000
/* WATCH: that much time between two looks for the time that one takes. */
#define VSYS_WATCH_SHARE	20
/* As often at most an address space asks if what it keeps is still pinned. */
#define VSYS_PIN_ASK_MS		100

/* A device that does not stop within this time gets a line in the log. */
#define VSYS_STOP_WARN_MS	5000

/* How often a thread is told again that its call was cancelled. */
#define VSYS_KICK_MIN_MS	2
#define VSYS_KICK_MAX_MS	1000

/* Requests taken from one queue before the others have their turn. */
#define VSYS_SWEEP		64

/*
 * After so many rounds without a turn, a queue that is looked at, whose guest does not
 * notify, has one though there is something else to do; after twice as many at most.
 */
#define VSYS_BUSY_ROUNDS	16

/* Different commands that are logged when the policy denies them, per device. */
#define VSYS_POLICY_SEEN	64

#define VSYS_MAX_PORTS		131072u	/* event channels of a domain (FIFO ABI) */
#define VSYS_EVENT_BATCH	64	/* ports per read of the event descriptor */

#endif /* VSYS_WORKER_LIMITS_H */
