// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-coalesce.c - the number of responses that have one notification is that
 * with which the guest has most of them per second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "xen-backend/worker/coalesce.h"

#define ENTRIES	128
#define SLOWLY	UINT64_C(1000)	/* ticks: what a guest waits for that has fewer in flight */

/* How long one of nr responses takes that are told together. */
typedef uint64_t takes(unsigned int nr);

/* A guest with so many requests in flight gets that many responses; how often it was told of so many. */
static void play(struct coalesce *c, unsigned int flight, takes *takes, unsigned int all,
		 unsigned int *times)
{
	unsigned int nr;

	while (all) {
		nr = c->want;
		if (nr > flight) {
			nr = flight;
			coalesce_pace(c->shared, nr, nr * takes(nr) + SLOWLY);
			coalesce_missed(c, nr);
		} else {
			coalesce_pace(c->shared, nr, nr * takes(nr));
			coalesce_met(c);
		}
		assert_in_range(c->want, 1, ENTRIES / 2);
		times[nr] += nr;
		all -= nr < all ? nr : all;
	}
}

/* A guest that works on one half while we do the other one; a notification costs 300. */
static uint64_t halves_of_sixteen(unsigned int nr)
{
	return nr > 8 ? 330 : 200 + 300 / nr;
}

static uint64_t each_at_once(unsigned int nr)
{
	return nr > 1 ? 700 : 500;
}

static uint64_t pairs(unsigned int nr)
{
	return nr == 1 ? 500 : nr == 2 ? 450 : 520;
}

static uint64_t all_the_same(unsigned int nr)
{
	(void)nr;
	return 100;
}

/* Three times out of ten another part of the machine's work hits. */
static uint64_t at_a_busy_time(unsigned int nr)
{
	static unsigned int chance = 1;

	chance = chance * 1103515245 + 12345;
	return halves_of_sixteen(nr) + ((chance >> 16) % 10 < 3 ? 40 : 0);
}

/* More than 17 of 20 responses, when the number has been found, are told of so many together. */
static void finds(struct coalesce *c, unsigned int flight, takes *takes, unsigned int best)
{
	unsigned int times[ENTRIES] = { 0 };

	play(c, flight, takes, 12000, times);
	times[best] = 0;
	play(c, flight, takes, 20000, times);
	assert_in_range(times[best], 17000, 20000 + best);
}

static void fastest(void **state)
{
	struct coalesce_shared shared = { 0 };
	struct coalesce c;

	(void)state;
	coalesce_init(&c, ENTRIES, &shared);
	assert_int_equal(c.want, 1);
	finds(&c, 16, halves_of_sixteen, 8);
	/* The guest does something else. */
	finds(&c, 2, each_at_once, 1);
	finds(&c, 4, pairs, 2);
	finds(&c, 16, halves_of_sixteen, 8);
}

/* What makes no difference has as few notifications as possible. */
static void fewest(void **state)
{
	struct coalesce_shared shared = { 0 };
	struct coalesce c;

	(void)state;
	coalesce_init(&c, ENTRIES, &shared);
	finds(&c, 64, all_the_same, 62);
	coalesce_init(&c, ENTRIES, &shared);
	finds(&c, 8, all_the_same, 8);
}

/* Wherever it begins below. */
static void same_numbers(void **state)
{
	struct coalesce_shared shared = { 0 };
	struct coalesce c;
	unsigned int i;

	(void)state;
	for (i = 1; i <= 12; i++) {
		coalesce_init(&c, ENTRIES, &shared);
		c.want = i;
		finds(&c, 16, all_the_same, 12);
	}
}

static void noise(void **state)
{
	unsigned int times[ENTRIES] = { 0 };
	struct coalesce_shared shared = { 0 };
	struct coalesce c;

	(void)state;
	coalesce_init(&c, ENTRIES, &shared);
	play(&c, 16, at_a_busy_time, 4000, times);
	times[8] = 0;
	play(&c, 16, at_a_busy_time, 20000, times);
	assert_in_range(times[8], 12000, 20008);
}

/* Its program goes on with another queue; what has been found for one is known for both. */
static void another_queue(void **state)
{
	struct coalesce_shared shared = { 0 };
	struct coalesce one, other;
	unsigned int i;

	(void)state;
	coalesce_init(&one, ENTRIES, &shared);
	coalesce_init(&other, ENTRIES, &shared);
	finds(&one, 16, halves_of_sixteen, 8);
	for (i = 0; i < 100; i++)
		coalesce_unasked(&other);
	assert_int_equal(other.want, 1);
	/* A guest that looks asks now and then, too, where a response is late. */
	for (i = 0; i < 100; i++) {
		coalesce_pace(&shared, 1, 500);
		coalesce_met(&other);
		coalesce_unasked(&other);
	}
	assert_int_equal(other.want, 1);
	for (i = 0; i < 16 && other.want == 1; i++) {
		coalesce_pace(&shared, 1, 500);
		coalesce_met(&other);
	}
	assert_in_range(other.want, 5, 12);
	/* The first has nothing in flight, and the guest of the other one needs all at once. */
	coalesce_needless(&other);
	for (i = 0; i < 100; i++)
		coalesce_unasked(&other);
	assert_int_equal(other.want, 1);
	finds(&other, 2, each_at_once, 1);
}

/* After it was told nothing for long, and all was tried in vain. */
static void asks_again(void **state)
{
	struct coalesce_shared shared = { 0 };
	unsigned int i, times[ENTRIES] = { 0 };
	struct coalesce c;

	(void)state;
	coalesce_init(&c, ENTRIES, &shared);
	play(&c, 2, each_at_once, 20000, times);
	assert_in_range(c.every, 512, 1024);
	for (i = 0; i < 100; i++)
		coalesce_unasked(&c);
	coalesce_needless(&c);
	/* Within less than a thousand responses, not after as many notifications. */
	play(&c, 16, halves_of_sixteen, 900, times);
	assert_in_range(c.want, 5, 12);
}

/* Times that do not count: tried as if all were equally fast. */
static void pauses(void **state)
{
	unsigned int i;
	struct coalesce_shared shared = { 0 };
	struct coalesce c;

	(void)state;
	coalesce_init(&c, ENTRIES, &shared);
	for (i = 0; i < 500; i++) {
		coalesce_pace(c.shared, c.want, 0);
		coalesce_met(&c);
	}
	assert_in_range(c.want, ENTRIES / 3, ENTRIES / 2);
	coalesce_needless(&c);
	assert_int_equal(c.want, 1);
	/* The smallest ring has no two to tell of together. */
	coalesce_init(&c, 1, &shared);
	for (i = 0; i < 5000; i++)
		coalesce_met(&c);
	assert_int_equal(c.want, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fastest),
		cmocka_unit_test(fewest),
		cmocka_unit_test(same_numbers),
		cmocka_unit_test(noise),
		cmocka_unit_test(another_queue),
		cmocka_unit_test(asks_again),
		cmocka_unit_test(pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
