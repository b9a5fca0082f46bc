// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-near.c - brief calls, one after another, are made where the worker is.
 */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

#define SECOND	INT64_C(1000000000)
#define ROW	16	/* brief calls, before */

static struct pty p;
static int all;		/* processors that we may run on */

/* On how many processors the thread may run; 0: ourselves. */
static int processors(pid_t thread)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(thread, sizeof(set), &set), 0);
	return CPU_COUNT(&set);
}

/* Calls shorter than limit are brief. */
static void begin(struct fixture *f, int64_t limit)
{
	all = processors(0);
	connect_calls(f);
	f->w.executors.near.brief_ns = limit;
	p = pty_new(f);
}

static void brief_calls(struct fixture *f, unsigned int nr)
{
	while (nr--)
		assert_int_equal(do_ioctl(f, p.handle, TCFLSH, TCIFLUSH), 0);
}

static void is_bound(struct fixture *f, bool bound)
{
	const struct lane *l = the_mm(f, MM)->mirror[0]->lane;
	int nr = bound ? 1 : all;

	assert_int_equal(processors(0), nr);
	assert_int_equal(processors(l->caller), nr);
	assert_ptr_equal(f->w.executors.near.bound, bound ? l : NULL);
}

static void after_some(void **state)
{
	struct fixture *f = *state;

	begin(f, 100 * SECOND);
	brief_calls(f, ROW);
	is_bound(f, false);
	brief_calls(f, 1);
	is_bound(f, true);
	/* The scheduler may place them anew now and then. */
	f->w.executors.near.calls = 4096;
	brief_calls(f, 1);
	is_bound(f, false);
	brief_calls(f, ROW);
	is_bound(f, true);
	/* Nothing stays when the lane goes. */
	assert_int_equal(do_exit(f, MM), 0);
	TALK(f, !f->w.executors.near.bound);
	assert_int_equal(processors(0), all);
	pty_close(&p);
}

/* A call that is not brief frees them, and so it does if that is found out at its end. */
static void not_brief(void **state)
{
	struct fixture *f = *state;

	begin(f, 1);
	brief_calls(f, 3 * ROW);
	is_bound(f, false);
	f->w.executors.near.brief_ns = 100 * SECOND;
	brief_calls(f, ROW + 1);
	is_bound(f, true);
	f->w.executors.near.brief_ns = 1;
	brief_calls(f, 1);
	is_bound(f, false);
	/* Who never looks is never bound. */
	f->w.executors.near.brief_ns = 0;
	brief_calls(f, 3 * ROW);
	is_bound(f, false);
	pty_close(&p);
}

/* Nor may another call have to wait for the processor. */
static void not_alone(void **state)
{
	struct fixture *f = *state;
	uint32_t handle;
	struct conv *c;
	int end;

	begin(f, 100 * SECOND);
	brief_calls(f, ROW + 1);
	is_bound(f, true);
	end = pipe_new(f, &handle);
	mem_new(ADDR, 1);
	c = blocked_read(f, handle, MM + 1);
	is_bound(f, false);
	brief_calls(f, 3 * ROW);
	is_bound(f, false);
	assert_int_equal(write(end, "x", 1), 1);
	assert_int_equal(conv_end(f, c), 1);
	brief_calls(f, ROW + 1);
	is_bound(f, true);
	close(end);
	pty_close(&p);
}

/* Nor is anybody bound for longer than there are calls, or by one that goes on. */
static void not_for_ever(void **state)
{
	struct fixture *f = *state;
	uint32_t handle;
	struct conv *c;
	int end;

	begin(f, SECOND / 10);
	brief_calls(f, ROW + 1);
	is_bound(f, true);
	UNTIL(f, !f->w.executors.near.bound);
	is_bound(f, false);
	/* The same process' next call waits. */
	end = pipe_new(f, &handle);
	mem_new(ADDR, 1);
	brief_calls(f, ROW);
	c = blocked_read(f, handle, MM);
	UNTIL(f, !f->w.executors.near.bound);
	is_bound(f, false);
	assert_int_equal(f->w.executors.near.running, 1);
	assert_int_equal(write(end, "x", 1), 1);
	assert_int_equal(conv_end(f, c), 1);
	assert_int_equal(f->w.executors.near.running, 0);
	close(end);
	pty_close(&p);
}

/* A thread that is made meanwhile may run where it likes. */
static void threads_are_free(void **state)
{
	struct fixture *f = *state;
	struct dirent *entry;
	unsigned int nr = 0;
	char buf[3];
	DIR *tasks;

	begin(f, 100 * SECOND);
	brief_calls(f, ROW + 1);
	is_bound(f, true);
	pty_put(&p, "abc");
	assert_int_equal(do_read(f, p.handle, sizeof(buf), buf, sizeof(buf), 0), 3);
	is_bound(f, true);
	tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == gettid())
			continue;
		assert_int_equal(processors(atoi(entry->d_name)), all);
		nr++;
	}
	closedir(tasks);
	assert_true(nr > 0);
	pty_close(&p);
}

/* An executor that dies in a call leaves nobody bound. */
static void executor_dies(void **state)
{
	struct fixture *f = *state;
	uint32_t handle;
	struct conv *c;
	int end;

	begin(f, 100 * SECOND);
	end = pipe_new(f, &handle);
	mem_new(ADDR, 1);
	brief_calls(f, ROW);
	c = blocked_read(f, handle, MM);
	is_bound(f, true);
	assert_int_equal(kill(the_mm(f, MM)->mirror[0]->lane->pid, SIGKILL), 0);
	assert_true(conv_end(f, c) < 0);
	TALK(f, !f->w.executors.near.bound);
	assert_int_equal(f->w.executors.near.running, 0);
	assert_int_equal(processors(0), all);
	close(end);
	pty_close(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(after_some), T(not_brief), T(not_alone), T(not_for_ever), T(threads_are_free),
		T(executor_dies),
	};

	if (!calls_can_run())
		return 0;
	if (processors(0) < 2) {
		printf("1..0 # SKIP there is one processor only\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
