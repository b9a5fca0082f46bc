/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bell.h - an eventfd by which threads and executors say that something is done.
 *
 * It is watched for good by one submission, and its count is never read: that would
 * be a submission and a system call for each job.  So who rings is heard, but how
 * often is not.
 */
#ifndef VSYS_BELL_H
#define VSYS_BELL_H

#include <stdbool.h>

#include "uring.h"

struct bell {
	int fd;				/* writing 8 bytes with the value 1 rings; -1: none */
	void (*rung)(struct bell *b);	/* in the main thread, once or more often since the last */
	struct uring *uring;
	struct uring_call call;
	bool watched, ends;
};

/* Nobody hears it yet.  Negative errno. */
int bell_make(struct bell *b, void (*rung)(struct bell *b));
/* From here on rung() is called, also for what was rung before.  An error is logged. */
void bell_watch(struct bell *b, struct uring *u);
/* Not from inside rung(). */
void bell_exit(struct bell *b);

#endif /* VSYS_BELL_H */
