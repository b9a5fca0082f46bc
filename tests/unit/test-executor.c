// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-executor.c - executors: birth, calls at a guest's addresses, interruption, death.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/executor-fixture.h"

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

static void death_ends_its_jobs(void **state)
{
	struct lane *l = new_executor(), *other;
	struct executor *y;
	struct run *r = new_run();
	int pipe_fd[2], fd;

	(void)state;
	y = executor_new(&all, &executor_ops, NULL);
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
		assert_non_null(executor_new(&all, &executor_ops, NULL));
	assert_null(executor_new(&all, &executor_ops, NULL));
	UNTIL(seen.ready == MACHINE_MAX - 1);
	for (i = 1; i < MACHINE_MAX; i++) {
		x = all.x[i];
		assert_int_equal(agent(x->lane[0], SYS_madvise, ADDR, 4096, MADV_DONTNEED, 0, 0), 0);
	}
	/* Also one that is killed before it is born. */
	executor_kill(all.x[7]);
	UNTIL(seen.dead == 1);
	assert_non_null(executor_new(&all, &executor_ops, NULL));
	for (i = 1; i < MACHINE_MAX; i++)
		executor_kill(all.x[i]);
	UNTIL(seen.dead == MACHINE_MAX);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, executors_setup, executors_teardown)
	const struct CMUnitTest tests[] = {
		T(memory_is_bare), T(call_at_an_address), T(own_memory_is_out_of_reach),
		T(system_calls_are_filtered), T(own_descriptors_are_out_of_reach),
		T(lanes_share_descriptors_only), T(waiting_calls_are_interrupted),
		T(death_ends_its_jobs), T(death_while_lanes_are_made), T(exit_ends_all), T(many),
	};

	return executors_can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
