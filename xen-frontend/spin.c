// SPDX-License-Identifier: GPL-2.0
/*
 * spin.c - who waits for a lone request looks for the response for a while, before
 * it sleeps.
 *
 * To be woken costs an event, an interrupt and a change of tasks.  While somebody
 * looks, the back-end is not asked for events.  How long it is worth looking is
 * guessed from how long the latest lone requests took; it is nothing where they
 * take longer than spin_us.  Requests among others are not looked for: they have
 * their event together.
 *
 * Who looks sends nothing, so a program that would send more without waiting must
 * not be kept from it.  Now and then a lone request is not looked for; if others
 * follow while it is in flight, the next ones are not looked for either.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "vsysfront.h"

static unsigned int spin_us = 50;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us, "how long to look for a lone response before sleeping, at most (default 50; 0: never)");

#define VSYS_SPIN_MAX_US	100000u
#define VSYS_SPIN_TRY		32u	/* one lone request in so many is not looked for */
#define VSYS_SPIN_PAUSE		256u	/* so many, when others followed it */

static u64 vsys_spin_max(void)
{
	return (u64)min(READ_ONCE(spin_us), VSYS_SPIN_MAX_US) * NSEC_PER_USEC;
}

/* The queue's lock is held, and req is in the ring, not yet published. */
void vsys_spin_begin(struct vsys_queue *q, struct vsys_req *req)
{
	bool lone = q->ring.req_prod_pvt - q->ring.rsp_cons == 1;

	req->sent_ns = 0;
	req->look = false;
	if (!READ_ONCE(spin_us))
		return;
	if (lone) {
		req->sent_ns = ktime_get_ns();
		if (q->spin_skip)
			q->spin_skip--;
		else
			req->look = q->spin_ns;
		q->spin_trial = !req->look;
		if (!q->spin_skip && ++q->spin_lone % VSYS_SPIN_TRY == 0)
			q->spin_skip = 1;
	} else if (q->spin_trial) {
		q->spin_trial = false;
		q->spin_skip = VSYS_SPIN_PAUSE;
	}
}

/* The queue's lock is held: there is the response to req. */
void vsys_spin_learn(struct vsys_queue *q, const struct vsys_req *req)
{
	u64 took, max = vsys_spin_max();

	if (!req->sent_ns)
		return;
	took = ktime_get_ns() - req->sent_ns;
	if (took > max)
		q->spin_ns = q->spin_ns / 2 < max / 16 ? 0 : q->spin_ns / 2;
	else if (2 * took > q->spin_ns)
		q->spin_ns = min(2 * took, max);
}

/*
 * Looks for the response to req, which has been sent with id and has look, and
 * calls done() for it and what else comes.  The caller holds a reference of the
 * device; req may be gone at any time.
 */
void vsys_spin(struct vsys_queue *q, struct vsys_req *req, u16 id)
{
	u64 end = READ_ONCE(q->spin_ns);

	if (!end)
		return;
	end += ktime_get_ns();
	/* Others of the queue have no event meanwhile. */
	preempt_disable();
	while (vsys_queue_look(q, req, id)) {
		if (ktime_get_ns() >= end || need_resched()) {
			vsys_queue_arm(q);
			break;
		}
		cpu_relax();
	}
	preempt_enable();
}
