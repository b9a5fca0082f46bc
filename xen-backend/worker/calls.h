/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls.h - native calls in a mirror: the conversation with the guest about one.
 *
 * A call is named by (queue, call) from its first request until the answer that
 * has no VSYS_CALL_MORE. It outlives its requests: between an answer with MORE and
 * the CONTINUE it is "parked", and has none.
 */
#ifndef VSYS_CALLS_H
#define VSYS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <xen/io/vsysif.h>

#include "executor.h"
#include "mirror.h"

struct queue;
struct request;

#define CALL_BATCH	PAGE_READS	/* pages that are compared at a time */
#define CALL_RUNS	8	/* more in a page are told by bits */
#define CALL_PROBES	64	/* numbers that are tried for files, of a call */
#define CALL_FILE_RANGE	64	/* ... from the lowest free one on */
#define CALL_FILES	4	/* items of an answer that are kept for new files,
				   and how many words may lie between numbers of two */

/* What an agent does for a call, one after another. */
struct call_step {
	enum { STEP_OP, STEP_FILE } kind;
	struct machine_op op;
	struct mfile *file;
	/* When it is done, touches are faults again; when all is, drivers go on. */
	enum { AFTER_NOTHING, AFTER_WAKE, AFTER_WATCH } after;
	struct mpage *page;
	bool has_grant;
	uint64_t grant;			/* gntdev's index, to be let go */
};

struct mcall {
	struct queue *q;
	struct mm *mm;
	struct mirror *m;		/* NULL: it waits for one */
	struct handle *h;
	uint16_t index;
	LIST_ENTRY(mcall) of_mm;
	TAILQ_ENTRY(mcall) of_waiting;

	uint8_t op;			/* VSYS_OP_ */
	bool compat;			/* of a 32-bit program */
	uint32_t cmd;
	uint64_t arg;

	struct request *r;		/* to be answered; NULL: parked */
	uint64_t arrived, begun;	/* the last one, and the first, see struct mm */
	enum { CALL_WAITING, CALL_PREPARING, CALL_RUNNING, CALL_FETCHING,
	       CALL_JUDGING, CALL_GUESSING, CALL_ENDING, CALL_WATCHING } phase;
	bool cancelled, aborted, late;
	bool yields;			/* it is to make room for another one: own.c */
	bool refused, guessed, table_brought;
	unsigned int judge_rounds;
	unsigned int guess_pages;	/* nr_pages before the last guess */
	int64_t parked_since;

	struct call_step *step;
	unsigned int nr_steps, max_steps, steps_done, steps_posted;
	bool steps_run;
	struct xjob agent;
	void (*next)(struct mcall *c);	/* when all steps are done */

	struct xjob job;
	int64_t result;

	struct mpage **page;		/* that it brought, each once */
	unsigned int nr_pages, max_pages;
	uint64_t need_addr;		/* its driver waits for; 0: it does not */
	bool need_write, need_told;
	uint64_t next_need;		/* or rather for this one: call_need(); 0: no */
	bool next_need_write;
	uint32_t run_pages;		/* that are asked for at once */

	/*
	 * Comparing: pages [done, done + nr_batch).  batch has what they were when they
	 * were read, and behind that what came from the guest; fresh: these differ.
	 */
	unsigned int done, nr_batch, in_batch, in_page;
	unsigned char *batch;
	bool fresh[CALL_BATCH];
	unsigned int next_bits;		/* SCATTERED: a multiple of 8: there is no page for it */
	unsigned int nr_items, data_page;	/* of the answer that is made */
	unsigned int nr_probes;
	uint64_t first_file, last_file;	/* where numbers of new files were found */
	bool placed;			/* what is old in its mirror is gone */
	unsigned int brought, brought_before;	/* pages; FETCHING: when it was last asked */
	bool pins;			/* its driver may keep pages, says the policy */
	bool told_shared, waits, retry;	/* tell.c: must_wait() */
	struct pins_question counting;	/* of a call that may pin: what was pinned before */
	bool counted;
	int64_t pins_before;
	int64_t next_look;		/* ms: of a WATCH */
};

/* Of request_check(): as it. */
int calls_check(struct request *r, char *reason, size_t size);
/* IOCTL, COMPAT_IOCTL, MIRROR_READ, MIRROR_WRITE. */
void calls_start(struct request *r);
void calls_continue(struct request *r);
void calls_cancel(struct request *r);
/* Interrupts again what was cancelled, and ends what waits too long; true: again. */
bool calls_tick(struct device *dev);

/* watch.c: WATCH; and its end, if there is one. */
void watch_start(struct request *r);
void watch_end(struct mm *mm, int err);

/* own.c: a read or write of a file that a lane has opened by itself. */
bool call_has_own_lane(const struct mcall *c);
/* That lane's, if the call can be made now. */
struct mirror *call_own_mirror(struct mcall *c);

/* For mirror.c.  What it says of descriptors comes first; false: that has been done. */
bool call_brings_table(struct mcall *c);
/* m is idle, and its own from here on. */
void call_begin(struct mcall *c, struct mirror *m);
/* Its driver is at work; m's call, or NULL. */
bool call_runs(const struct mcall *c);
/* Its thread needs the page of addr, which is not there.  False: it can't be had. */
bool call_need(struct mcall *c, uint64_t addr, bool write);
void calls_fail_waiting(struct mm *mm, int err);
void calls_drop_parked(struct mm *mm);
/* Calls that could not end yet try again. */
void calls_look_again(struct mm *mm);

#endif /* VSYS_CALLS_H */
