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
 */
#include "coalesce.h"

#define OFTEN	16	/* times in a row before another number is tried, and that long ... */
#define LEAST	64	/* ... and so many responses: less time says nothing */
#define SELDOM	1024	/* ... before it is, when it was in vain */
#define ENOUGH	4	/* times: that is not by chance */
#define SLIGHT	16	/* a difference of less than this part is none */

void coalesce_init(struct coalesce *c, unsigned int entries)
{
	*c = (struct coalesce){ .want = 1, .most = entries > 2 ? entries / 2 : 1, .every = OFTEN };
}

void coalesce_pace(struct coalesce *c, unsigned int nr, uint64_t ticks)
{
	if (!ticks)
		return;
	c->pace.nr += nr;
	c->pace.ticks += ticks;
}

static void measure_anew(struct coalesce *c)
{
	c->good = 0;
	c->pace = (struct pace){ 0, 0 };
}

/* Whether a response clearly takes longer in a than in b. */
static bool is_slower(const struct pace *a, const struct pace *b)
{
	return a->ticks * b->nr > (b->ticks + b->ticks / SLIGHT) * a->nr;
}

static void try_another(struct coalesce *c)
{
	unsigned int larger = c->want + (c->want + 1) / 2;
	bool more = larger <= c->most;

	if (!more && c->want == 1)
		return;
	c->fewer = (c->fewer && c->want > 1) || !more;
	c->untried = c->want;
	c->want = c->fewer ? c->want - (c->want + 2) / 3 : larger;
	c->was = c->pace;
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

static void judge(struct coalesce *c)
{
	if (c->fewer ? is_slower(&c->was, &c->pace) : !is_slower(&c->pace, &c->was)) {
		c->trial = false;
		c->every = OFTEN;
		return;
	}
	c->want = c->untried;
	in_vain(c);
}

void coalesce_met(struct coalesce *c)
{
	c->good++;
	if (c->good >= ENOUGH) {
		c->again = c->before;
		if (c->before) {
			c->want = c->before;
			c->before = 0;
			measure_anew(c);
		}
	}
	if (c->good < (c->trial ? OFTEN : c->every) || c->good * c->want < LEAST)
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
		c->want = nr > c->want / 2 ? nr : c->want / 2;
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
