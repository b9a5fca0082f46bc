/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * executor-fixture.h - executors without a worker, and calls made in them.
 */
#ifndef VSYS_EXECUTOR_FIXTURE_H
#define VSYS_EXECUTOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "xen-backend/worker/executor.h"

#define ADDR	0x7f1234567000ull
/* By int 0x80. */
#define WRITE_32	4
#define IOCTL_32	54

extern struct uring uring;
extern struct executors all;
extern const struct executor_ops executor_ops;

#define UNTIL(cond) do { \
	int64_t end__ = now_ms() + 10000; \
	while (!(cond)) { \
		turn(true, 50); \
		assert_true(now_ms() < end__); \
	} \
} while (0)

/* What the callbacks saw. */
struct seen {
	int ready, err, dead, faults;
	uint64_t addr;
	bool in_call;
	char page[4096] __attribute__((aligned(4096)));
	bool answer;
};
extern struct seen seen;

struct run {
	struct xjob job;
	int done;
	int64_t value;
	unsigned int made;
};

/* False: a skipped plan has been printed that says why. */
bool executors_can_run(void);
int executors_setup(void **state);
int executors_teardown(void **state);

int64_t now_ms(void);
/* As a worker's round: what is done is not waited for. */
void turn(bool wait, int ms);
/* To be freed by the caller, when it is done. */
struct run *new_run(void);
/* One system call in the agent: its value. */
int64_t agent(struct lane *l, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
	      uint64_t a3, uint64_t a4);
/* Its first lane. */
struct lane *new_executor(void);
struct lane *new_lane(struct lane *first);
void end_executor(struct lane *l);
/* The executor's number of our descriptor. */
int lend(struct lane *l, int fd);
int64_t ioctl_32(struct lane *l, uint64_t fd, uint64_t cmd, uint64_t arg);
/* The kernel can be told not to let 32-bit programs in. */
bool has_compat(struct lane *l);
/* A thread of the lane's. */
void until_asleep(const struct lane *l, pid_t tid);

#endif /* VSYS_EXECUTOR_FIXTURE_H */
