// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-spin.c - requests that are found by looking, without a notification.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xen-backend/worker/clock.h"
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

/* However much there is to do elsewhere. */
static void among_others(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	spinning(f, 10000, 10000);
	assert_true(push(f, true));
	UNTIL(f, answered(f, 0));
	assert_false(push(f, true));
	for (i = 0; i < 40 && !answered(f, last); i++) {
		f->w.executors.answered = true;
		step_ms(f, 0);
	}
	assert_true(answered(f, last));
	f->w.spin.now_ns = 0;
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

static void sleeps_now(struct fixture *f, const struct queue *q)
{
	int64_t began = worker_now();

	f->w.executors.nr_posted = 1;
	while (q->spinning)
		step_ms(f, 0);
	/* Else it would have looked for ten seconds. */
	assert_in_range(worker_now() - began, 0, 5000);
}

/* Who has given an executor a job sleeps once, and looks again when it has an answer. */
static void gives_way(void **state)
{
	struct fixture *f = *state;
	struct queue *q;

	spinning(f, 10000, 10000);
	q = &LIST_FIRST(&f->w.devices)->queue[0];
	assert_true(push(f, true));
	UNTIL(f, answered(f, 0));
	assert_true(q->spinning);
	sleeps_now(f, q);
	/* The answer: the guest is not to notify any more. */
	queue_ready(q);
	step_ms(f, 0);
	assert_true(q->spinning);
	assert_false(push(f, false));
	UNTIL(f, answered(f, 1));
	/* Meanwhile it was to. */
	sleeps_now(f, q);
	assert_true(push(f, false));
	settle(f);
	assert_false(answered(f, 2));
	loop_notify(f->t, REMOTE_PORT(0));
	UNTIL(f, answered(f, 2));
	f->w.spin.now_ns = 0;
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

static struct queue *the_queue(struct fixture *f, unsigned int nr)
{
	return &LIST_FIRST(&f->w.devices)->queue[nr];
}

static struct coalesce *the_number(struct fixture *f)
{
	return &LIST_FIRST(&f->w.devices)->queue[0].hold.coalesce;
}

/*
 * A guest that waits for events and keeps nr requests in flight, until there were all responses.
 * How fast it gets them depends on what else this machine does, so it does not count.
 */
static void keep(struct fixture *f, unsigned int nr, unsigned int all)
{
	unsigned int sent = f->nr_responses;

	f->by_event = true;
	f->notified = 0;
	all += sent;
	patience();
	while (f->nr_responses < all) {
		/* One is answered while the next is on its way. */
		if (sent - f->nr_responses < nr) {
			push(f, true);
			sent++;
		}
		the_number(f)->shared->at = 0;	/* a pause, which does not count */
		step(f);
		the_number(f)->since = the_number(f)->shared->pace;
		check_patience("all responses");
	}
	UNTIL(f, f->nr_responses == sent);
}

/* What has a notification together: most of what a guest has in flight. */
static void together(void **state)
{
	struct fixture *f = *state;

	spinning(f, 400, 400);
	keep(f, 16, 2000);
	keep(f, 16, 1000);
	assert_in_range(f->notified, 1000 / 16, 110);
	/* Another guest has fewer, and still nothing waits for ever. */
	keep(f, 3, 200);
	keep(f, 3, 300);
	assert_in_range(f->notified, 300 / 3, 150);
	/* One by one each has its own, but for a trial now and then. */
	keep(f, 1, 100);
	keep(f, 1, 900);
	assert_in_range(f->notified, 899, 901);
	assert_int_equal(the_number(f)->want, 1);
}

/* What once was fewer is wanted again soon, and not if it is fewer again. */
static void once(void **state)
{
	struct fixture *f = *state;
	struct coalesce *c;

	spinning(f, 400, 400);
	keep(f, 1, 1);
	c = the_number(f);
	c->want = 8;
	c->every = 100000;
	keep(f, 3, 1);
	assert_int_equal(c->want, 4);
	assert_int_equal(c->before, 8);
	keep(f, 16, 400);
	assert_in_range(f->notified, 400 / 8, 400 / 8 + 10);
	c->want = 8;
	c->before = 0;
	c->again = false;
	keep(f, 3, 60);
	assert_true(c->want <= 4);
	assert_true(c->before <= 4);
}

/* Not longer than a part of the time that is looked. */
static void in_time(void **state)
{
	struct fixture *f = *state;
	uint64_t begin;

	spinning(f, 400, 400);
	keep(f, 1, 1);
	the_number(f)->want = 8;
	begin = clock_ticks();
	keep(f, 3, 1);
	assert_true(clock_to_ns(clock_ticks() - begin) >= 90 * MS);
	assert_int_equal(f->w.nr_holding, 0);
	assert_int_equal(the_number(f)->want, 4);
	/* Who looks no more, tells before. */
	the_number(f)->want = 8;
	f->w.spin.max_ns = INT64_C(1000000) * MS;
	f->w.spin.now_ns = 5 * MS;
	keep(f, 3, 1);
	assert_int_equal(f->w.nr_holding, 0);
}

/* A guest that has found its responses by itself is not told. */
static void found_by_itself(void **state)
{
	struct fixture *f = *state;
	struct queue *q;
	unsigned int i;

	spinning(f, 400, 400);
	keep(f, 1, 1);
	the_number(f)->want = 8;
	push(f, true);
	UNTIL(f, f->w.nr_holding == 1);
	f->by_event = false;
	f->notified = 0;
	UNTIL(f, answered(f, last));
	UNTIL(f, f->w.nr_holding == 0);
	assert_int_equal(f->notified, 0);
	assert_int_equal(the_number(f)->want, 8);
	/* ... and if it always does, and never asks, nothing is wanted of it. */
	q = the_queue(f, 0);
	for (i = 0; i < 64; i++) {
		q->ring.sring->rsp_event = q->pushed - 1000;
		q->pushed++;
		hold_pushed(q);
	}
	assert_int_equal(q->hold.coalesce.want, 1);
	q->pushed -= i;
	q->hold.told = q->pushed;
	q->ring.sring->rsp_event = q->pushed + 1;
	/* A device that goes leaves nothing behind. */
	keep(f, 1, 1);
	the_number(f)->want = 8;
	push(f, true);
	UNTIL(f, f->w.nr_holding == 1);
	disconnect_device(f);
	assert_int_equal(f->w.nr_holding, 0);
}

/* Requests come every gap ms, and the last one just now. */
static void rhythm(struct queue *q, int64_t gap, unsigned int want)
{
	q->rhythm.gap = clock_of_ns(gap * MS);
	q->rhythm.last = clock_ticks();
	q->hold.coalesce.want = want;
}

/* In ms: what would be slept then. */
static int64_t nap(struct fixture *f, int64_t gap, unsigned int want)
{
	int64_t ns;

	rhythm(the_queue(f, 0), gap, want);
	ns = nap_begin(&f->w);
	f->w.nap.end = 0;
	return (ns + MS / 2) / MS;
}

/* Until half a gap before as many have come as have one notification together. */
static void foretold(void **state)
{
	struct fixture *f = *state;
	struct nap *n = &f->w.nap;

	spinning(f, 100000, 100000);
	keep(f, 1, 1);
	assert_in_range(nap(f, 1000, 4), 3000, 3500);
	assert_in_range(nap(f, 1000, 16), 15000, 15500);
	/* Half of the time that is looked, at most. */
	assert_in_range(nap(f, 10000, 16), 49500, 50000);
	/* For one alone it does not pay, and what is not known can't be foretold. */
	assert_int_equal(nap(f, 1000, 1), 0);
	assert_int_equal(nap(f, 0, 8), 0);
	/* It ends too late: it is to begin to end earlier, or is not worth it. */
	n->late = clock_of_ns(1000 * MS);
	assert_in_range(nap(f, 1000, 4), 2000, 2500);
	n->late = clock_of_ns(3000 * MS);
	assert_int_equal(nap(f, 1000, 4), 0);
	/* Which is not for ever. */
	for (int i = 0; i < 2000; i++)
		nap(f, 1000, 4);
	assert_true(n->late < clock_of_ns(2000 * MS));
	n->late = 0;
	f->w.spin.now_ns = 0;
}

/* Only what is looked for says how long a gap is. */
static void learnt(void **state)
{
	struct fixture *f = *state;
	struct nap *n = &f->w.nap;
	struct queue *q;
	int64_t gap;

	spinning(f, 100000, 100000);
	keep(f, 1, 1);
	q = the_queue(f, 0);
	rhythm(q, 1000, 8);
	/* Two in a nap, and the third is seen to come: in 4000 ms. */
	q->rhythm.last -= clock_of_ns(4000 * MS);
	n->slept = true;
	nap_found(q, 2);
	assert_int_equal(q->rhythm.before, 2);
	n->slept = false;
	n->looked = true;
	nap_found(q, 1);
	gap = clock_to_ns(q->rhythm.gap) / MS;
	assert_in_range(gap, 1030, 1060);
	assert_int_equal(q->rhythm.before, 0);
	/* A nap too long, as it may be. */
	rhythm(q, 1000, 8);
	q->rhythm.last -= clock_of_ns(16000 * MS);
	n->slept = true;
	n->looked = false;
	nap_found(q, 8);
	gap = clock_to_ns(q->rhythm.gap) / MS;
	assert_in_range(gap, 860, 880);
	/* It came while there was something else to do; a pause. */
	rhythm(q, 1000, 8);
	q->rhythm.last -= clock_of_ns(3000 * MS);
	n->slept = false;
	nap_found(q, 1);
	assert_true(clock_ticks() - q->rhythm.last < clock_of_ns(1000 * MS));
	n->looked = true;
	q->rhythm.last -= clock_of_ns(60000 * MS);
	nap_found(q, 1);
	gap = clock_to_ns(q->rhythm.gap) / MS;
	assert_in_range(gap, 995, 1005);
	/* Whose guest looks for itself, and is never told, has an end of counting, too. */
	n->slept = true;
	for (unsigned int i = 0; i < 3 * q->entries; i++)
		nap_found(q, 1);
	assert_true(q->rhythm.before <= q->entries);
	n->slept = false;
	f->w.spin.now_ns = 0;
}

/* The last one that is wanted: half of its gap is slept, for other queues' sake, too. */
static void last_of_many(void **state)
{
	struct fixture *f = *state;
	struct queue *q;

	spinning(f, 100000, 100000);
	keep(f, 1, 1);
	q = the_queue(f, 0);
	q->hold.holds = true;
	q->hold.since = q->hold.last = clock_ticks();
	q->hold.told = q->pushed - 3;
	assert_in_range(nap(f, 1000, 4), 450, 500);
	q->hold.holds = false;
	q->hold.told = q->pushed;
	f->w.spin.now_ns = 0;
}

/* Another queue's guest is not told late, nor is a request of its found late. */
static void naps_of_others(void **state)
{
	static const struct setup two = { .ring_order = 0, .pool_pages = 64, .queues = 2 };
	struct fixture *f = *state;
	struct queue *other;

	connect_device(f, &two);
	f->w.spin.max_ns = f->w.spin.now_ns = 100000 * MS;
	keep(f, 1, 1);
	other = the_queue(f, 1);
	if (!other->spinning)
		assert_true(spin_takes(&f->w, other));
	assert_in_range(nap(f, 1000, 16), 15000, 15500);
	/* The soonest counts, of those that are coming. */
	rhythm(other, 1000, 8);
	assert_in_range(nap(f, 1000, 16), 7000, 7500);
	other->rhythm.last -= clock_of_ns(20000 * MS);
	assert_in_range(nap(f, 1000, 16), 15000, 15500);
	/* One at a time: it may come at any moment, unless the last one was long ago. */
	rhythm(other, 0, 1);
	assert_int_equal(nap(f, 1000, 16), 0);
	other->rhythm.last -= clock_of_ns(40 * 50000 * MS);
	assert_in_range(nap(f, 1000, 16), 15000, 15500);
	/* What it holds back: a quarter of the time that is looked, if nothing follows. */
	other->hold.coalesce.want = 8;
	other->hold.holds = true;
	other->hold.since = other->hold.last = clock_ticks() - clock_of_ns(20000 * MS);
	assert_in_range(nap(f, 1000, 16), 4500, 5000);
	/* ... and all of it if more is coming. */
	rhythm(other, 1000, 16);
	other->hold.since -= clock_of_ns(70000 * MS);
	assert_in_range(nap(f, 1000, 16), 9500, 10000);
	other->hold.holds = false;
	f->w.spin.now_ns = 0;
}

/* Requests that come while the worker sleeps are found when it wakes up. */
static void naps(void **state)
{
	struct fixture *f = *state;
	struct queue *q;
	int64_t began;
	int i;

	spinning(f, 2000, 2000);
	keep(f, 1, 1);
	q = the_queue(f, 0);
	assert_true(q->spinning);
	q->rhythm.gap = 0;
	q->hold.coalesce.want = 6;
	for (i = 0; i < 3; i++)
		assert_false(push(f, true));
	UNTIL(f, f->w.nr_holding == 1 && TAILQ_EMPTY(&f->w.ready));
	/* The other three: after two of them, and a half. */
	rhythm(q, 100, 6);
	began = worker_now();
	step_ms(f, -1);
	assert_in_range(worker_now() - began, 150, 1500);
	assert_int_equal(f->w.nr_holding, 1);
	assert_true(q->spinning);
	assert_false(push(f, true));
	UNTIL(f, answered(f, last));
	/* It has come in the nap, for all that is known. */
	assert_int_equal(q->rhythm.before, 1);
	assert_in_range(clock_to_ns(q->rhythm.gap) / MS, 98, 101);
	UNTIL(f, f->w.nr_holding == 0);
	f->w.spin.now_ns = 0;
}

/* Its ticks are as long as they are. */
static void clock_goes(void **state)
{
	struct timespec from, to;
	uint64_t ticks;
	int64_t ns;
	unsigned int i;

	(void)state;
	clock_init();
	for (i = 0; i < 3; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		ticks = clock_ticks();
		usleep(i < 2 ? 50000 : 1100000);
		ticks = clock_ticks() - ticks;
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = (to.tv_sec - from.tv_sec) * 1000 * MS + to.tv_nsec - from.tv_nsec;
		/* Never more than it really was, but for the comparison's error. */
		assert_in_range(clock_to_ns(ticks), ns / 2, ns + ns / 8);
		assert_in_range(clock_to_ns(clock_of_ns(ns)), ns - 2, ns + 2);
		clock_adjust();
	}
	/* What is nonsense is long. */
	assert_true(clock_to_ns((uint64_t)-1000) > 1000000 * MS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(found), T(among_others), T(asks_again), T(gives_way), T(comes_at_last), T(learns), T(not_deaf),
		T(together), T(once), T(in_time), T(found_by_itself), T(foretold), T(learnt), T(last_of_many),
		T(naps_of_others), T(naps), T(clock_goes),
	};

	if (!can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
