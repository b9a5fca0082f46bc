// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * clock.c - the processor's counter, and what its ticks are; see clock.h.
 *
 * How long a tick is comes from a comparison with the kernel's clock, over a short time
 * at first, and over a second or more since.  Nothing absolute is made of it: should a
 * comparison be wrong (another domain ran in its middle), a time that is looked is
 * longer or shorter by that, until the next one, and not without end.
 */
#include <stdbool.h>
#include <time.h>
#include <x86intrin.h>

#include "clock.h"

#define FIRST_NS	INT64_C(200000)
#define AGAIN_NS	INT64_C(1000000000)
#define TRIES		4

struct moment {
	int64_t ns;
	uint64_t ticks;
};

static struct {
	struct moment at;	/* of the latest comparison */
	double rate;		/* ns per tick */
} state;

uint64_t clock_ticks(void)
{
	return __rdtsc();
}

/* The kernel's clock, and the counter at about that moment: what took least of some tries. */
static struct moment moment_now(void)
{
	uint64_t before, took, least = UINT64_MAX;
	struct moment m = { 0, 0 };
	struct timespec ts;
	int i;

	for (i = 0; i < TRIES; i++) {
		before = clock_ticks();
		clock_gettime(CLOCK_MONOTONIC, &ts);
		took = clock_ticks() - before;
		if (took < least) {
			least = took;
			m.ticks = before + took / 2;
			m.ns = ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
		}
	}
	return m;
}

/* True: so long ago that a tick's length was found. */
static bool compare(const struct moment *now, int64_t ns)
{
	int64_t passed = now->ns - state.at.ns;

	if (passed < ns || now->ticks <= state.at.ticks)
		return false;
	state.rate = (double)passed / (double)(now->ticks - state.at.ticks);
	return true;
}

void clock_init(void)
{
	struct moment now;
	int64_t begin;

	if (state.rate > 0)
		return;
	do {
		state.at = moment_now();
		begin = state.at.ns;
		do
			now = moment_now();
		while (now.ns - begin < FIRST_NS);
	} while (!compare(&now, FIRST_NS));	/* else it ran backwards */
	state.at = now;
}

void clock_adjust(void)
{
	struct moment now;

	if (clock_to_ns(clock_ticks() - state.at.ticks) < AGAIN_NS)
		return;
	now = moment_now();
	compare(&now, AGAIN_NS / 2);
	state.at = now;
}

int64_t clock_to_ns(uint64_t ticks)
{
	double ns = (double)ticks * state.rate;

	return ns < (double)(INT64_MAX / 2) ? (int64_t)ns : INT64_MAX / 2;
}

uint64_t clock_of_ns(int64_t ns)
{
	return (uint64_t)((double)ns / state.rate);
}
