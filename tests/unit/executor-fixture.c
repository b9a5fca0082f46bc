// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * executor-fixture.c - executors without a worker, and calls made in them.
 *
 * The real thing, but for Xen: forked processes, seccomp, userfaultfd.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/executor-fixture.h"
#include "xen-backend/log.h"

struct uring uring;
struct executors all;
struct seen seen;

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void turn(bool wait, int ms)
{
	executors_round(&all);
	assert_int_equal(uring_run(&uring, wait && !all.answered, ms), 0);
}

static void on_ready(struct lane *l, int err)
{
	(void)l;
	seen.ready++;
	seen.err = err;
}

static void answer(struct lane *l)
{
	struct uffdio_copy copy = { .dst = seen.addr & ~4095ull, .len = 4096,
				    .src = (uintptr_t)seen.page };

	/* With a signal on its way it faults again and again: what is told may be over. */
	assert_true(ioctl(l->uffd, UFFDIO_COPY, &copy) == 0 || errno == EEXIST);
}

static void on_fault(struct lane *l, const struct uffd_msg *msg, bool in_call)
{
	seen.faults++;
	seen.addr = msg->arg.pagefault.address;
	seen.in_call = in_call;
	if (seen.answer)
		answer(l);
}

static void on_dead(struct executor *x)
{
	(void)x;
	seen.dead++;
}

const struct executor_ops executor_ops = { on_ready, on_fault, on_dead };

static void run_done(struct xjob *job, int64_t value, unsigned int made)
{
	struct run *r = (struct run *)job;

	r->done++;
	r->value = value;
	r->made = made;
}

struct run *new_run(void)
{
	struct run *r = calloc(1, sizeof(*r));

	r->job.done = run_done;
	return r;
}

static int64_t value_of(struct run *r)
{
	int64_t value;

	UNTIL(r->done);
	value = r->value;
	free(r);
	return value;
}

int64_t agent(struct lane *l, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
	      uint64_t a3, uint64_t a4)
{
	struct run *r = new_run();

	xjob_op(&r->job, nr, a0, a1, a2, a3, a4, 0);
	lane_agent(l, &r->job);
	return value_of(r);
}

struct lane *new_executor(void)
{
	struct executor *x;

	memset(&seen, 0, sizeof(seen));
	x = executor_new(&all, &executor_ops, NULL);
	assert_non_null(x);
	UNTIL(seen.ready);
	assert_int_equal(seen.err, 0);
	return x->lane[0];
}

struct lane *new_lane(struct lane *first)
{
	int ready = seen.ready;
	struct lane *l = executor_add_lane(first->x);

	assert_non_null(l);
	UNTIL(seen.ready > ready);
	assert_int_equal(seen.err, 0);
	return l;
}

void end_executor(struct lane *l)
{
	executor_kill(l->x);
	UNTIL(seen.dead);
	assert_int_equal(all.nr_dying, 0);
}

int lend(struct lane *l, int fd)
{
	return agent(l, SYS_pidfd_getfd, EXECUTOR_WORKER, fd, 0, 0, 0);
}

int64_t ioctl_32(struct lane *l, uint64_t fd, uint64_t cmd, uint64_t arg)
{
	struct run *r = new_run();

	xjob_op(&r->job, IOCTL_32, fd, cmd, arg, 0, 0, 0)->flags = OP_COMPAT;
	lane_run(l, &r->job);
	return value_of(r);
}

bool has_compat(struct lane *l)
{
	return ioctl_32(l, EXECUTOR_FIRST_FD, 0, 0) != -ENOSYS;
}

void until_asleep(const struct lane *l, pid_t tid)
{
	int64_t end = now_ms() + 10000;
	char name[64], stat[256], *state;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/stat", l->pid, tid);
	do {
		assert_true(now_ms() < end);
		usleep(100);
		file = fopen(name, "r");
		assert_non_null(file);
		assert_non_null(fgets(stat, sizeof(stat), file));
		fclose(file);
		state = strrchr(stat, ')');
		assert_non_null(state);
	} while (state[2] != 'S');
}

bool executors_can_run(void)
{
	if (access("/dev/userfaultfd", R_OK | W_OK) == 0)
		return true;
	printf("1..0 # SKIP /dev/userfaultfd is not here: %s\n", strerror(errno));
	return false;
}

int executors_setup(void **state)
{
	(void)state;
	log_init("test", true);
	assert_int_equal(uring_init(&uring), 0);
	assert_int_equal(executors_prepare(&all, -1), 0);
	assert_int_equal(executors_start(&all, &uring, executor_filter), 0);
	return 0;
}

int executors_teardown(void **state)
{
	(void)state;
	executors_exit(&all);
	uring_exit(&uring);
	return 0;
}
