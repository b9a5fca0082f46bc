// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-executor.c - executors: birth, calls at a guest's addresses, signals, death.
 *
 * The real thing, but for Xen: forked processes, seccomp, userfaultfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/log.h"
#include "xen-backend/worker/executor.h"
#include "xen-backend/worker/template.h"

#define ADDR	0x7f1234567000ull
/* By int 0x80. */
#define WRITE_32	4
#define IOCTL_32	54

static struct uring uring;
static struct executors all;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* As a worker's round: what is done is not waited for. */
static void turn(bool wait, int ms)
{
	executors_round(&all);
	assert_int_equal(uring_run(&uring, wait && !all.answered, ms), 0);
}

#define UNTIL(cond) do { \
	int64_t end__ = now_ms() + 10000; \
	while (!(cond)) { \
		turn(true, 50); \
		assert_true(now_ms() < end__); \
	} \
} while (0)

/* What the callbacks saw. */
static struct {
	int ready, err, dead, faults;
	uint64_t addr;
	bool in_call;
	char page[4096] __attribute__((aligned(4096)));
	bool answer;
} seen;

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

static const struct executor_ops ops = { on_ready, on_fault, on_dead };

struct run {
	struct xjob job;
	int done;
	int64_t value;
	unsigned int made;
};

static void run_done(struct xjob *job, int64_t value, unsigned int made)
{
	struct run *r = (struct run *)job;

	r->done++;
	r->value = value;
	r->made = made;
}

static struct run *new_run(void)
{
	struct run *r = calloc(1, sizeof(*r));

	r->job.done = run_done;
	return r;
}

/* One system call in the agent: its value. */
static int64_t agent(struct lane *l, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
		     uint64_t a3, uint64_t a4)
{
	struct run *r = new_run();
	int64_t value;

	xjob_op(&r->job, nr, a0, a1, a2, a3, a4, 0);
	lane_agent(l, &r->job);
	UNTIL(r->done);
	value = r->value;
	free(r);
	return value;
}

/* Its first lane. */
static struct lane *new_executor(void)
{
	struct executor *x;

	memset(&seen, 0, sizeof(seen));
	x = executor_new(&all, &ops, NULL);
	assert_non_null(x);
	UNTIL(seen.ready);
	assert_int_equal(seen.err, 0);
	return x->lane[0];
}

static struct lane *new_lane(struct lane *first)
{
	int ready = seen.ready;
	struct lane *l = executor_add_lane(first->x);

	assert_non_null(l);
	UNTIL(seen.ready > ready);
	assert_int_equal(seen.err, 0);
	return l;
}

static void end_executor(struct lane *l)
{
	executor_kill(l->x);
	UNTIL(seen.dead);
	assert_int_equal(all.nr_dying, 0);
}

/* The executor's number of our descriptor. */
static int lend(struct lane *l, int fd)
{
	return agent(l, SYS_pidfd_getfd, EXECUTOR_WORKER, fd, 0, 0, 0);
}

static void memory_is_bare(void **state)
{
	struct lane *l = new_executor();
	char path[64], line[256];
	unsigned long from, to;
	int areas = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/maps", l->pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char perms[8];

		assert_int_equal(sscanf(line, "%lx-%lx %7s", &from, &to, perms), 3);
		if (from >= MIRROR_END)
			continue;	/* [vsyscall] is no memory of the process */
		areas++;
		if (from < MIRROR_START) {
			assert_true(to <= MIRROR_START);
			/* Nothing is both. */
			assert_false(strchr(perms, 'w') && strchr(perms, 'x'));
			if (from == MACHINE_CODE)
				assert_string_equal(perms, "r-xp");
			else if (from < MACHINE_RESULTS)
				assert_string_equal(perms, "r--s");
		} else {
			assert_int_equal(from, MIRROR_START);
			assert_int_equal(to, MIRROR_END);
		}
	}
	fclose(f);
	/* code, own slots, own results, stacks, the mirror */
	assert_int_equal(areas, 5);
	end_executor(l);
}

static void call_at_an_address(void **state)
{
	struct lane *l = new_executor();
	struct run *r = new_run();
	struct iovec here, there;
	char back[16];
	int pipe_fd[2], fd;

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	assert_true(fd >= 0 && fd < 64);
	assert_int_equal(write(pipe_fd[1], "hello", 5), 5);
	memset(seen.page, 'x', sizeof(seen.page));
	seen.answer = true;
	xjob_op(&r->job, SYS_read, fd, ADDR + 100, 5, 0, 0, 0);
	lane_run(l, &r->job);
	assert_int_equal(all.nr_posted, 1);
	UNTIL(r->done);
	/* Nobody needs to give way any more. */
	assert_int_equal(all.nr_posted, 0);
	assert_false(executors_seen(&all));
	assert_int_equal(r->value, 5);
	assert_int_equal(seen.faults, 1);
	assert_int_equal(seen.addr, ADDR + 100);
	assert_true(seen.in_call);
	here = (struct iovec){ back, 7 };
	there = (struct iovec){ (void *)(uintptr_t)(ADDR + 99), 7 };
	assert_int_equal(process_vm_readv(l->pid, &here, 1, &there, 1, 0), 7);
	assert_memory_equal(back, "xhellox", 7);
	free(r);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

static void own_memory_is_out_of_reach(void **state)
{
	static const uint64_t wrong[] = { 0, MACHINE_CODE, MACHINE_SLOTS, 0x3ff000 };
	struct lane *l = new_executor();
	int pipe_fd[2], fd;
	unsigned int i;

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	assert_int_equal(write(pipe_fd[1], "0123456789abcdef", 16), 16);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(agent(l, SYS_read, fd, wrong[i], 8, 0, 0), -EFAULT);
	assert_int_equal(seen.faults, 0);
	/* What can be written decides nothing: it still works. */
	assert_int_equal(agent(l, SYS_read, fd, l->slot[0]->stack - 4096, 8, 0, 0), 8);
	assert_int_equal(agent(l, SYS_read, fd, l->slot[0]->result + MACHINE_RESULT_SIZE, 8, 0, 0),
			 8);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

static void system_calls_are_filtered(void **state)
{
	struct lane *l = new_executor();

	(void)state;
	assert_int_equal(agent(l, SYS_openat, AT_FDCWD, MACHINE_CODE, O_RDONLY, 0, 0), -EPERM);
	assert_int_equal(agent(l, SYS_socket, 1, 1, 0, 0, 0), -EPERM);
	assert_int_equal(agent(l, SYS_execve, MACHINE_CODE, 0, 0, 0, 0), -EPERM);
	assert_int_equal(agent(l, SYS_mprotect, ADDR, 4096, PROT_READ | PROT_EXEC, 0, 0), -EPERM);
	assert_int_equal(agent(l, SYS_ptrace, 0, 0, 0, 0, 0), -EPERM);
	assert_int_equal(agent(l, SYS_clone, SIGCHLD, 0, 0, 0, 0), -EPERM);
	end_executor(l);
}

static int64_t ioctl_32(struct lane *l, uint64_t fd, uint64_t cmd, uint64_t arg)
{
	struct run *r = new_run();
	int64_t value;

	xjob_op(&r->job, IOCTL_32, fd, cmd, arg, 0, 0, 0)->flags = OP_COMPAT;
	lane_run(l, &r->job);
	UNTIL(r->done);
	value = r->value;
	free(r);
	return value;
}

/* The kernel can be told not to let 32-bit programs in. */
static bool has_compat(struct lane *l)
{
	return ioctl_32(l, EXECUTOR_FIRST_FD, 0, 0) != -ENOSYS;
}

/* A number that was forged gets nobody at them; a 32-bit program's neither. */
static void own_descriptors_are_out_of_reach(void **state)
{
	struct lane *l = new_executor();
	bool compat = has_compat(l);
	int pipe_fd[2], fd, i;

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	for (i = EXECUTOR_EVENT; i <= EXECUTOR_PATH; i++) {
		assert_int_equal(agent(l, SYS_ioctl, i, FIONREAD, ADDR, 0, 0), -EPERM);
		assert_int_equal(agent(l, SYS_read, i, ADDR, 8, 0, 0), -EPERM);
		if (i != EXECUTOR_EVENT)
			assert_int_equal(agent(l, SYS_write, i, MACHINE_CODE, 8, 0, 0), -EPERM);
		assert_int_equal(agent(l, SYS_close, i, 0, 0, 0, 0), -EPERM);
		assert_int_equal(agent(l, SYS_dup3, fd, i, O_CLOEXEC, 0, 0), -EPERM);
		if (i != EXECUTOR_PATH)
			assert_int_equal(agent(l, SYS_dup3, i, 100, O_CLOEXEC, 0, 0), -EPERM);
		if (i != EXECUTOR_WORKER)
			assert_int_equal(agent(l, SYS_pidfd_getfd, i, 1, 0, 0, 0), -EPERM);
		if (i != EXECUTOR_PATH)
			assert_int_equal(agent(l, SYS_openat, i, MACHINE_CODE, O_RDONLY, 0, 0),
					 -EPERM);
		if (compat)
			assert_int_equal(ioctl_32(l, i, FIONREAD, 0x8000010), -EPERM);
	}
	assert_int_equal(seen.faults, 0);
	/* To a number of 32 bits this would be one of them. */
	assert_int_equal(agent(l, SYS_read, (1ull << 32) + EXECUTOR_EVENT, ADDR, 8, 0, 0), -EPERM);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

/* One table of descriptors, and memory of its own. */
static void lanes_share_descriptors_only(void **state)
{
	struct lane *l = new_executor(), *other;
	struct run *r = new_run();
	int pipe_fd[2], fd;
	char back[4] = "";
	struct iovec here = { back, 3 }, there = { (void *)(uintptr_t)ADDR, 3 };

	(void)state;
	seen.answer = true;
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	assert_int_equal(write(pipe_fd[1], "onetwo", 6), 6);
	xjob_op(&r->job, SYS_read, fd, ADDR, 3, 0, 0, 0);
	lane_run(l, &r->job);
	UNTIL(r->done);
	other = new_lane(l);
	assert_int_not_equal(other->pid, l->pid);
	r->job.nr = r->done = 0;
	xjob_op(&r->job, SYS_read, fd, ADDR, 3, 0, 0, 0);
	lane_run(other, &r->job);
	UNTIL(r->done);
	assert_int_equal(r->value, 3);
	/* Nothing was there: it has faulted anew. */
	assert_int_equal(seen.faults, 2);
	assert_int_equal(process_vm_readv(l->pid, &here, 1, &there, 1, 0), 3);
	assert_string_equal(back, "one");
	assert_int_equal(process_vm_readv(other->pid, &here, 1, &there, 1, 0), 3);
	assert_string_equal(back, "two");
	assert_int_equal(agent(other, SYS_close, fd, 0, 0, 0, 0), 0);
	assert_int_equal(agent(l, SYS_close, fd, 0, 0, 0, 0), -EBADF);
	/* The death of one is that of all. */
	kill(other->pid, SIGKILL);
	UNTIL(seen.dead);
	assert_int_equal(all.nr_lanes, 1);
	free(r);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void waiting_calls_are_interrupted(void **state)
{
	struct lane *l = new_executor(), *lane[8];
	struct run *wait[8], *r = new_run();
	int pipe_fd[2], fd;
	unsigned int i;

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	seen.answer = true;
	for (i = 0; i < 8; i++) {
		lane[i] = new_lane(l);
		wait[i] = new_run();
		xjob_op(&wait[i]->job, SYS_read, fd, ADDR + 8192, 1, 0, 0, 0);
		lane_run(lane[i], &wait[i]->job);
	}
	/* They hold up nobody. */
	xjob_op(&r->job, SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0, 0);
	lane_run(l, &r->job);
	UNTIL(r->done);
	assert_int_equal(r->value, 0);
	/* Others have been given meanwhile, and have not been seen; that is one thing for all. */
	assert_int_equal(all.nr_posted, 8);
	assert_true(executors_seen(&all));
	assert_false(executors_seen(&all));
	for (i = 0; i < 8; i++) {
		int64_t end = now_ms() + 10000;

		while (!wait[i]->done && now_ms() < end) {
			lane_kick(&wait[i]->job);
			turn(true, 2);
		}
		assert_int_equal(wait[i]->done, 1);
		assert_int_equal(wait[i]->value, -EINTR);
		assert_int_equal(all.nr_posted, 0);
		free(wait[i]);
	}
	/* The threads go on as before. */
	assert_int_equal(write(pipe_fd[1], "y", 1), 1);
	r->job.nr = r->done = 0;
	xjob_op(&r->job, SYS_read, fd, ADDR + 8192, 1, 0, 0, 0);
	lane_run(lane[3], &r->job);
	UNTIL(r->done);
	assert_int_equal(r->value, 1);
	free(r);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	end_executor(l);
}

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

static void until_asleep(const struct lane *l, pid_t tid)
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

static void death_ends_its_jobs(void **state)
{
	struct lane *l = new_executor(), *other;
	struct executor *y;
	struct run *r = new_run();
	int pipe_fd[2], fd;

	(void)state;
	y = executor_new(&all, &ops, NULL);
	assert_non_null(y);
	UNTIL(seen.ready == 2);
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	xjob_op(&r->job, SYS_read, fd, ADDR, 1, 0, 0, 0);
	lane_run(l, &r->job);
	UNTIL(r->job.running);
	kill(l->pid, SIGKILL);
	UNTIL(r->done);
	assert_int_equal(r->value, -EIO);
	assert_int_equal(seen.dead, 1);
	/* The other one lives. */
	other = y->lane[0];
	assert_int_equal(agent(other, SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0), 0);
	executor_kill(y);
	UNTIL(seen.dead == 2);
	free(r);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static unsigned int count_children(void)
{
	char path[64];
	unsigned int n = 0, pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	while (fscanf(f, "%u", &pid) == 1)
		n++;
	fclose(f);
	return n;
}

/* Killed at any moment while lanes are made: no process is left that nobody knows. */
static void death_while_lanes_are_made(void **state)
{
	struct lane *l;
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 60; i++) {
		l = new_executor();
		for (n = 0; n < 3; n++)
			assert_non_null(executor_add_lane(l->x));
		for (n = 0; n < i % 12; n++)
			turn(true, 1);
		if (i % 2)
			executor_kill(l->x);
		else
			kill(l->pid, SIGKILL);
		UNTIL(seen.dead);
		assert_int_equal(count_children(), 1);	/* the template */
		assert_int_equal(all.nr_lanes, 1);
	}
}

/* Though nobody has ended them, and one waits in a call. */
static void exit_ends_all(void **state)
{
	struct lane *l = new_executor();
	struct run *r = new_run();
	int pipe_fd[2], fd;

	(void)state;
	new_lane(l);
	assert_int_equal(pipe(pipe_fd), 0);
	fd = lend(l, pipe_fd[0]);
	xjob_op(&r->job, SYS_read, fd, ADDR, 1, 0, 0, 0);
	lane_run(l, &r->job);
	until_asleep(l, l->caller);
	executors_exit(&all);
	assert_int_equal(r->done, 1);
	assert_int_equal(r->value, -EIO);
	assert_int_equal(seen.dead, 1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
	free(r);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void many(void **state)
{
	struct executor *x;
	unsigned int i;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	for (i = 1; i < MACHINE_MAX; i++)
		assert_non_null(executor_new(&all, &ops, NULL));
	assert_null(executor_new(&all, &ops, NULL));
	UNTIL(seen.ready == MACHINE_MAX - 1);
	for (i = 1; i < MACHINE_MAX; i++) {
		x = all.x[i];
		assert_int_equal(agent(x->lane[0], SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0), 0);
	}
	/* Also one that is killed before it is born. */
	executor_kill(all.x[7]);
	UNTIL(seen.dead == 1);
	assert_non_null(executor_new(&all, &ops, NULL));
	for (i = 1; i < MACHINE_MAX; i++)
		executor_kill(all.x[i]);
	UNTIL(seen.dead == MACHINE_MAX);
}

static int setup(void **state)
{
	(void)state;
	log_init("test", true);
	assert_int_equal(uring_init(&uring), 0);
	assert_int_equal(executors_prepare(&all, -1), 0);
	assert_int_equal(executors_start(&all, &uring, executor_filter), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	executors_exit(&all);
	uring_exit(&uring);
	return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memory_is_bare), T(call_at_an_address), T(own_memory_is_out_of_reach),
		T(system_calls_are_filtered), T(own_descriptors_are_out_of_reach),
		T(lanes_share_descriptors_only), T(waiting_calls_are_interrupted),
		T(storm_of_signals), T(lists_end_at_an_error), T(compat_ioctl),
		T(bell_is_rung_if_wanted), T(signal_between_lists), T(signal_at_each_instruction),
		T(death_ends_its_jobs), T(death_while_lanes_are_made), T(exit_ends_all), T(many),
	};

	if (access("/dev/userfaultfd", R_OK | W_OK) < 0) {
		printf("1..0 # SKIP /dev/userfaultfd is not here: %s\n", strerror(errno));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
