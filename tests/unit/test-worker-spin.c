// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-spin.c - requests that are found by looking, without a notification.
 */
#include <string.h>

#include "tests/unit/worker-fixture.h"

#define MS	INT64_C(1000000)

/* Looks for at most max_ms, and for now_ms to begin with. */
static void spinning(struct fixture *f, int64_t max_ms, int64_t now_ms)
{
	connect_chr(f);
	f->w.spin.max_ns = max_ms * MS;
	f->w.spin.now_ns = now_ms * MS;
}

static uint16_t last;	/* request */

/* A request; true: the worker asked to be notified of it.  It is, if tell. */
static bool push(struct fixture *f, bool tell)
{
	struct vsys_request r = rq(VSYS_OP_NOP, 0);
	int notify;

	last = r.id = f->next_id++ % RING_SIZE(&f->ring[0]);
	f->answered[0][last] = false;
	push_raw(f, 0, &r);
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&f->ring[0], notify);
	if (notify && tell)
		loop_notify(f->t, REMOTE_PORT(0));
	return notify;
}

static void found(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	spinning(f, 10000, 10000);
	/* That it is looked for begins with the first. */
	assert_true(push(f, true));
	UNTIL(f, answered(f, 0));
	for (i = 1; i < 500; i++) {
		assert_false(push(f, true));
		UNTIL(f, answered(f, last));
	}
	/* Nothing has been looked for in vain. */
	assert_int_equal(f->w.spin.now_ns, 10000 * MS);
	f->w.spin.now_ns = 0;
	ask_counters(f);
	assert_int_equal(f->counters.requests, 500);
	assert_int_equal(f->counters.events_in, 1);
}

/* It was in vain: from then on the guest is to notify. */
static void asks_again(void **state)
{
	struct fixture *f = *state;

	spinning(f, 10000, 5);
	assert_true(push(f, true));
	UNTIL(f, answered(f, 0));
	UNTIL(f, TAILQ_EMPTY(&f->w.spin.queues));
	assert_true(push(f, false));
	settle(f);
	assert_false(answered(f, 1));
	loop_notify(f->t, REMOTE_PORT(0));
	UNTIL(f, answered(f, 1));
}

/* What comes while it stops looking is not lost. */
static void comes_at_last(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	spinning(f, 10000, 1);
	for (i = 0; i < 300; i++) {
		f->w.spin.now_ns = 1 + i % 3 * 20000;
		push(f, true);
		UNTIL(f, answered(f, last));
	}
}

static void learns(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	/* Requests that follow each other are worth it. */
	spinning(f, 1000, 0);
	for (i = 0; i < 20; i++) {
		push(f, true);
		UNTIL(f, answered(f, last));
	}
	assert_in_range(f->w.spin.now_ns, 1, 1000 * MS);
	/* Others are not. */
	f->w.spin.max_ns = 2 * MS;
	f->w.spin.now_ns = 2 * MS;
	for (i = 0; f->w.spin.now_ns && i < 10; i++)
		step_ms(f, 20);
	assert_int_equal(f->w.spin.now_ns, 0);
	/* Never is never. */
	f->w.spin.max_ns = 0;
	for (i = 20; i < 40; i++) {
		assert_true(push(f, true));
		UNTIL(f, answered(f, last));
	}
	assert_int_equal(f->w.spin.now_ns, 0);
}

/* What else the worker waits for ends the looking. */
static void not_deaf(void **state)
{
	struct fixture *f = *state;
	int fd = temp_file(8192);
	char buf[512];
	uint32_t h;

	spinning(f, 30000, 30000);
	assert_true(push(f, true));
	UNTIL(f, answered(f, 0));
	/* An answer of the supervisor, a thread, and the end. */
	h = do_open_fd(f, fd, VSYS_O_RDWR);
	assert_int_equal(do_read(f, h, 100, buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(f->w.spin.now_ns, 30000 * MS);
	disconnect_device(f);
	assert_true(TAILQ_EMPTY(&f->w.spin.queues));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(found), T(asks_again), T(comes_at_last), T(learns), T(not_deaf),
	};

	if (!can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
