// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-near.c - brief calls, one after another, are made where the worker is.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

#define SECOND	INT64_C(1000000000)
#define ROW	16	/* brief calls, before */

static struct pty p;

/* Calls shorter than limit are brief. */
static void begin(struct fixture *f, int64_t limit)
{
	connect_calls(f);
	f->w.executors.near.brief_ns = limit;
	p = pty_new(f);
}

static void brief_calls(struct fixture *f, unsigned int nr)
{
	while (nr--)
		assert_int_equal(do_ioctl(f, p.handle, TCFLSH, TCIFLUSH), 0);
}

/* On how many processors the thread may run; 0: ourselves. */
static int processors(pid_t thread)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(thread, sizeof(set), &set), 0);
	return CPU_COUNT(&set);
}

static void is_bound(struct fixture *f, bool bound)
{
	const struct lane *l = the_mm(f, MM)->mirror[0]->lane;
	int nr = bound ? 1 : CPU_COUNT(&f->w.executors.near.all);

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
	assert_int_equal(processors(0), CPU_COUNT(&f->w.executors.near.all));
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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(after_some), T(not_brief), T(not_alone),
	};

	if (!calls_can_run())
		return 0;
	if (processors(0) < 2) {
		printf("1..0 # SKIP there is one processor only\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
