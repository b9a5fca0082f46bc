// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * coalesce.c - how many responses have one notification; see coalesce.h.
 *
 * A worker that looks for requests answers each as it comes, so a guest with sixteen of
 * them in flight would be interrupted sixteen times where it could do with one.  If it
 * waits for all of them, though, it has nothing to do meanwhile, and then neither have
 * we.  So the number is tried: 1, 2, 3, 5, 8, 12, ..., a step more or less, and that is kept
 * if the guest gets its responses as fast as before, or for fewer clearly faster.  If they
 * do not come in time, the guest had no more in flight than came, and waits for us: then
 * three quarters of them are enough, so that it works while the rest is answered.  What was
 * tried in vain is tried less and less often.
 *
 * A program may run on another CPU, so with another queue, at any time.  So fast is what the
 * queues of a device are together; and where a guest that found its responses by itself asks
 * to be told again, so that it has more in flight than it had, the number begins with what
 * was right last for one that asks.
 */
#include "coalesce.h"

#define OFTEN	16	/* times in a row before another number is tried, and that long ... */
#define LEAST	64	/* ... and so many responses: less time says nothing */
#define SELDOM	1024	/* ... before it is, when it was in vain */
#define ENOUGH	4	/* times: that is not by chance */
#define SLIGHT	16	/* a difference of less than this part is none, for more ... */
#define CLEAR	8	/* ... of less than this one for fewer, ... */
#define LONGER	4	/* ... which is measured so many times longer */

void coalesce_init(struct coalesce *c, unsigned int entries, struct coalesce_shared *shared)
{
	*c = (struct coalesce){
		.want = 1, .most = entries > 2 ? entries / 2 : 1, .every = OFTEN,
		.shared = shared, .since = shared->pace,
	};
}

void coalesce_pace(struct coalesce_shared *s, unsigned int nr, uint64_t ticks)
{
	if (!ticks)
		return;
	s->pace.nr += nr;
	s->pace.ticks += ticks;
}

static void measure_anew(struct coalesce *c)
{
	c->good = 0;
	c->since = c->shared->pace;
}

static struct pace pace_since(const struct pace *then, const struct pace *now)
{
	return (struct pace){ now->nr - then->nr, now->ticks - then->ticks };
}

/*
 * Whether a response takes longer in a than in b, by more than that part.  A queue may have
 * been idle for hours while others were not: more than 64 bits.
 */
static bool is_slower(const struct pace *a, const struct pace *b, unsigned int part)
{
	return (double)a->ticks * b->nr > (double)(b->ticks + b->ticks / part) * a->nr;
}

/* It is right, as far as is known. */
static void keep(struct coalesce *c, unsigned int want)
{
	c->want = want;
	if (c->asked == OFTEN)
		c->shared->want = want;
}

/*
 * The numbers that are tried.  They do not depend on the one that is left, or it would
 * depend on what the guest did before if all that it has in flight is nearly reached (14 of
 * 16 come too late too often) or far from it.
 */
static unsigned int next_number(unsigned int n)
{
	return n + (n + 1) / 2;
}

static unsigned int number_above(unsigned int want)
{
	unsigned int n = 1;

	while (n <= want)
		n = next_number(n);
	return n;
}

static unsigned int number_below(unsigned int want)
{
	unsigned int n = 1;

	while (next_number(n) < want)
		n = next_number(n);
	return n;
}

static void try_another(struct coalesce *c)
{
	unsigned int larger = number_above(c->want);
	bool more = larger <= c->most;

	if (!more && c->want == 1)
		return;
	c->fewer = (c->fewer && c->want > 1) || !more;
	c->untried = c->want;
	c->want = c->fewer ? number_below(c->want) : larger;
	c->was = pace_since(&c->since, &c->shared->pace);
	c->bad = 0;
	c->trial = true;
}

/* The other direction is next, and both later if this was the second. */
static void in_vain(struct coalesce *c)
{
	c->trial = false;
	if (c->fewer || c->untried == 1)
		c->every = 2 * c->every < SELDOM ? 2 * c->every : SELDOM;
	c->fewer = !c->fewer;
}

/* What is kept has been measured, and the next one can be tried at once. */
static void judge(struct coalesce *c)
{
	struct pace is = pace_since(&c->since, &c->shared->pace);

	c->trial = false;
	if (c->fewer ? is_slower(&c->was, &is, CLEAR) : !is_slower(&is, &c->was, SLIGHT)) {
		keep(c, c->want);
		c->every = OFTEN;
		try_another(c);
		return;
	}
	keep(c, c->untried);
	in_vain(c);
}

static void is_asked(struct coalesce *c)
{
	if (c->asked == OFTEN || ++c->asked < OFTEN || !c->unasked)
		return;
	c->unasked = false;
	c->every = OFTEN;
	if (!c->trial && c->shared->want > c->want && c->shared->want <= c->most) {
		c->want = c->shared->want;
		measure_anew(c);
	}
}

void coalesce_unasked(struct coalesce *c)
{
	if (c->asked)
		c->asked--;
	c->unasked |= !c->asked;
}

void coalesce_met(struct coalesce *c)
{
	is_asked(c);
	c->good++;
	if (c->good >= ENOUGH) {
		c->again = c->before;
		if (c->before) {
			keep(c, c->before);
			c->before = 0;
			measure_anew(c);
		}
	}
	if (c->good < (c->trial ? OFTEN : c->every) ||
	    c->good * c->want < (c->fewer ? LONGER * LEAST : LEAST))
		return;
	if (c->trial)
		judge(c);
	else
		try_another(c);
	measure_anew(c);
}

void coalesce_missed(struct coalesce *c, unsigned int nr)
{
	if (c->trial) {
		/* What it costs if they come too late now and then is in their pace. */
		if (++c->bad < ENOUGH)
			return;
		c->want = c->untried;
		in_vain(c);
	} else {
		/* It may have been by chance.  Else less, by half at most. */
		c->before = c->again ? 0 : c->want > c->before ? c->want : c->before;
		nr -= nr / 4;
		keep(c, nr > c->want / 2 ? nr : c->want / 2);
	}
	c->again = false;
	measure_anew(c);
}

void coalesce_needless(struct coalesce *c)
{
	c->want = 1;
	c->before = 0;
	c->trial = c->again = false;
	measure_anew(c);
}
