// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-machine.c - the program of executors: lists of operations, signals, who is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/executor-fixture.h"
#include "xen-backend/worker/template.h"

/*
 * Signals at any moment: no result is lost, none is made twice.  Those that the worker would
 * have to be quick for are in signal_at_each_instruction().
 */
static void storm_of_signals(void **state)
{
	struct lane *l = new_executor();
	struct run *r = new_run();
	unsigned int i, interrupted = 0;
	int pipe_fd[2], fd;
	char c;

	(void)state;
	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK), 0);
	fd = lend(l, pipe_fd[1]);
	memset(seen.page, 'z', sizeof(seen.page));
	seen.answer = true;
	for (i = 0; i < 1000; i++) {
		int64_t end = now_ms() + 10000;

		r->job.nr = r->done = 0;
		xjob_op(&r->job, SYS_write, fd, ADDR, 1, 0, 0, 0);
		lane_run(l, &r->job);
		while (!r->done && now_ms() < end) {
			lane_kick(&r->job);
			turn(i % 2, 1);
		}
		assert_int_equal(r->done, 1);
		if (r->value == -EINTR) {
			interrupted++;
			assert_int_equal(read(pipe_fd[0], &c, 1), -1);
		} else {
			assert_int_equal(r->value, 1);
			assert_int_equal(read(pipe_fd[0], &c, 1), 1);
			assert_int_equal(read(pipe_fd[0], &c, 1), -1);
		}
	}
	print_message("%u of %u were interrupted\n", interrupted, i);
	free(r);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

/* The thread that makes calls is given a list; bell: it is to say when all is made. */
static void give(struct lane *l, const struct xjob *job, uint32_t bell)
{
	struct machine_slot *slot = l->slot[LANE_CALL];

	memcpy(slot->op, job->op, job->nr * sizeof(job->op[0]));
	slot->nr = job->nr;
	slot->bell = bell;
	__atomic_store_n(&slot->seq, slot->seq + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &slot->seq, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void until_made(const struct lane *l)
{
	int64_t end = now_ms() + 10000;

	while (__atomic_load_n(&l->result[LANE_CALL].seq, __ATOMIC_ACQUIRE) !=
	       l->slot[LANE_CALL]->seq) {
		assert_true(now_ms() < end);
		usleep(100);
	}
}

static void bell_is_rung_if_wanted(void **state)
{
	struct lane *l = new_executor();
	struct xjob job = { .nr = 0 };
	struct pollfd rung = { .fd = all.bell.fd, .events = POLLIN };
	uint64_t times;
	unsigned int i;

	(void)state;
	xjob_op(&job, SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0, 0);
	until_asleep(l, l->pid);
	until_asleep(l, l->caller);
	while (read(all.bell.fd, &times, sizeof(times)) > 0)
		;
	for (i = 0; i < 100; i++) {
		give(l, &job, 0);
		until_made(l);
	}
	until_asleep(l, l->caller);
	give(l, &job, 1);
	assert_int_equal(poll(&rung, 1, 10000), 1);
	assert_int_equal(read(all.bell.fd, &times, sizeof(times)), 8);
	assert_int_equal(times, 1);
	end_executor(l);
}

/*
 * A signal that comes while it says that all is made, when the next list stands there
 * already: no part of that is made with this one.
 */
static void signal_between_lists(void **state)
{
	struct lane *l = new_executor();
	struct xjob job = { .nr = 0 };
	uint64_t full = UINT64_MAX - 1;
	int pipe_fd[2], event = eventfd(0, 0), fd;
	char c[4];

	(void)state;
	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK), 0);
	assert_int_equal(write(event, &full, sizeof(full)), 8);
	fd = lend(l, pipe_fd[1]);
	memset(seen.page, 'z', sizeof(seen.page));
	seen.answer = true;
	assert_int_equal(agent(l, SYS_write, fd, ADDR, 1, 0, 0), 1);
	assert_int_equal(read(pipe_fd[0], c, sizeof(c)), 1);

	/* To say so takes as long as nobody hears. */
	l->slot[LANE_CALL]->event_fd = lend(l, event);
	xjob_op(&job, SYS_write, fd, ADDR, 1, 0, 0, 0);
	give(l, &job, 1);
	until_made(l);
	until_asleep(l, l->caller);
	assert_int_equal(read(pipe_fd[0], c, sizeof(c)), 1);
	l->slot[LANE_CALL]->event_fd = EXECUTOR_EVENT;
	/* The next one: one byte, and then two. */
	xjob_op(&job, SYS_write, fd, ADDR, 2, 0, 0, 0);
	give(l, &job, 1);
	/* It ends what it says now. */
	syscall(SYS_tgkill, l->pid, l->caller, KICK_SIGNAL);
	until_made(l);
	assert_int_equal(l->result[LANE_CALL].value, 2);
	assert_int_equal(l->result[LANE_CALL].nr, 1);
	assert_int_equal(read(pipe_fd[0], c, sizeof(c)), 3);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(event);
	end_executor(l);
}

/* A thread that makes calls, under ptrace(): false if that is not allowed. */
static bool stop(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return false;
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	assert_true(WIFSTOPPED(status));
	return true;
}

static void go(pid_t tid, int signal)
{
	assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)signal), 0);
}

/* One instruction, or the delivery of a signal: of the one that was returned last, or 0. */
static int step(pid_t tid, int signal)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SINGLESTEP, tid, NULL, (void *)(intptr_t)signal), 0);
	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	assert_true(WIFSTOPPED(status));
	if (WSTOPSIG(status) == KICK_SIGNAL)
		return KICK_SIGNAL;
	assert_int_equal(WSTOPSIG(status), SIGTRAP);
	return 0;
}

/* All is said, and the next instruction would wait. */
static bool rests(const struct lane *l)
{
	struct user_regs_struct regs;

	assert_int_equal(ptrace(PTRACE_GETREGS, l->caller, NULL, &regs), 0);
	return regs.rax == SYS_futex && l->result[LANE_CALL].seq == l->slot[LANE_CALL]->seq &&
	       (ptrace(PTRACE_PEEKTEXT, l->caller, (void *)(uintptr_t)regs.rip, NULL) & 0xffff) ==
		       0x050f;	/* syscall */
}

static unsigned int in_pipe(int fd)
{
	char c[16];
	ssize_t n = read(fd, c, sizeof(c));

	return n < 0 ? 0 : n;
}

/*
 * A list of two that write a byte each.  After nth instructions a signal comes, and after
 * more of them another one; what is said is what was made, and the next list is made as
 * if nothing had been.  False: it has not so many.
 */
static bool interrupted_at(struct lane *l, const struct xjob *job, uint32_t bell, int out,
			   unsigned int nth, unsigned int more)
{
	const struct machine_result *r = &l->result[LANE_CALL];
	const unsigned int at[2] = { nth, nth + more };
	unsigned int i, made = 0;
	int signal = 0;

	until_asleep(l, l->caller);
	assert_true(stop(l->caller));
	give(l, job, bell);
	for (i = 0; i < 2; i++) {
		for (; made < at[i] && !rests(l); made++)
			signal = step(l->caller, signal);
		syscall(SYS_tgkill, l->pid, l->caller, KICK_SIGNAL);
	}
	go(l->caller, signal);
	until_made(l);
	assert_in_range(r->nr, 0, 1);
	assert_true(r->value == 1 || (int64_t)r->value == -EINTR);
	assert_int_equal(in_pipe(out), r->nr + (r->value == 1));
	assert_true(r->value != 1 || r->nr == 1);
	give(l, job, 0);
	until_made(l);
	assert_int_equal(in_pipe(out), 2);
	assert_int_equal(r->value, 1);
	assert_int_equal(r->nr, 1);
	return made == at[1];
}

static void signal_at_each_instruction(void **state)
{
	struct lane *l = new_executor();
	struct xjob job = { .nr = 0 };
	unsigned int nth, more, runs = 0, bell;
	int pipe_fd[2], fd;

	(void)state;
	if (!stop(l->caller)) {
		print_message("ptrace() is not allowed here: %s\n", strerror(errno));
		end_executor(l);
		skip();
	}
	go(l->caller, 0);
	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK), 0);
	fd = lend(l, pipe_fd[1]);
	seen.answer = true;
	assert_int_equal(agent(l, SYS_write, fd, ADDR, 1, 0, 0), 1);
	assert_int_equal(agent(l, SYS_write, fd, 0x8000010, 1, 0, 0), 1);
	assert_int_equal(in_pipe(pipe_fd[0]), 2);
	xjob_op(&job, SYS_write, fd, ADDR, 1, 0, 0, 0);
	if (has_compat(l))
		xjob_op(&job, WRITE_32, fd, 0x8000010, 1, 0, 0, 0)->flags = OP_COMPAT;
	else
		xjob_op(&job, SYS_write, fd, 0x8000010, 1, 0, 0, 0);
	for (bell = 0; bell < 2; bell++) {
		for (nth = 0; interrupted_at(l, &job, bell, pipe_fd[0], nth, 0); nth++)
			runs++;
		/* It is more than a few instructions. */
		assert_in_range(nth, 60, 1000);
	}
	for (nth = 0; interrupted_at(l, &job, 0, pipe_fd[0], nth, 1); nth += 3)
		for (more = 2; interrupted_at(l, &job, 0, pipe_fd[0], nth, more); more += 5)
			runs++;
	print_message("%u runs\n", runs);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

static void lists_end_at_an_error(void **state)
{
	struct lane *l = new_executor();
	struct run *r = new_run();

	(void)state;
	xjob_op(&r->job, SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0, 0);
	xjob_op(&r->job, SYS_close, 777, 0, 0, 0, 0, 0);
	xjob_op(&r->job, SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0, 0);
	lane_run(l, &r->job);
	UNTIL(r->done);
	assert_int_equal(r->value, -EBADF);
	assert_int_equal(r->made, 2);
	free(r);
	end_executor(l);
}

static void compat_ioctl(void **state)
{
	struct lane *l = new_executor();
	int pipe_fd[2], fd;
	int n = 0;
	struct iovec here = { &n, 4 }, there = { (void *)0x8000010, 4 };

	(void)state;
	if (!has_compat(l)) {
		print_message("this kernel runs no 32-bit programs\n");
		end_executor(l);
		skip();
	}
	assert_int_equal(pipe(pipe_fd), 0);
	assert_int_equal(write(pipe_fd[1], "abc", 3), 3);
	fd = lend(l, pipe_fd[0]);
	seen.answer = true;
	assert_int_equal(ioctl_32(l, fd, FIONREAD, 0x8000010), 0);
	assert_int_equal(process_vm_readv(l->pid, &here, 1, &there, 1, 0), 4);
	assert_int_equal(n, 3);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, executors_setup, executors_teardown)
	const struct CMUnitTest tests[] = {
		T(storm_of_signals), T(lists_end_at_an_error), T(compat_ioctl),
		T(bell_is_rung_if_wanted), T(signal_between_lists), T(signal_at_each_instruction),
	};

	return executors_can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
