// SPDX-License-Identifier: GPL-2.0
/*
 * ports-irq.c - the interrupt of a device whose ports are another domain's.
 *
 * A driver that knows nothing of Xen requests a Linux interrupt by number and
 * frees it when it likes, maybe long after the device is gone.  So the number is
 * one of our own, behind which a source stands that can go earlier:
 *
 *   Xen's event for the machine's interrupt -\
 *                                             +-> our number -> the driver's handler
 *   a timer, where Xen does not bring it ----/
 *
 * Numbers that a driver still has when their source goes are kept until the
 * module ends; the driver holds the module as long as it has one.
 */
#include <linux/hrtimer.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xen/interface/physdev.h>
#include <xen/xen.h>

#include "ports.h"

static unsigned int ports_irq_us = 4000;
module_param(ports_irq_us, uint, 0444);
MODULE_PARM_DESC(ports_irq_us, "where Xen does not bring a device's interrupt, its handler is called every so many microseconds; 0: never (default 4000)");

#define SHORTEST_US	100u

struct vsys_ports_irq {
	struct list_head link;		/* of those whose source is gone */
	int irq;
	int source;			/* the event channel's interrupt; 0: the timer */
	int pirq;			/* of that */
	bool needs_eoi;
	struct hrtimer timer;
	bool on;			/* a driver has it */
	atomic64_t events;
};

static DEFINE_MUTEX(orphans_mutex);
static LIST_HEAD(orphans);

static ktime_t period(void)
{
	return ns_to_ktime((u64)max(ports_irq_us, SHORTEST_US) * NSEC_PER_USEC);
}

/* --- the number ----------------------------------------------------------- */

static unsigned int startup(struct irq_data *data)
{
	struct vsys_ports_irq *pi = irq_data_get_irq_chip_data(data);

	WRITE_ONCE(pi->on, true);
	if (!pi->source && ports_irq_us)
		hrtimer_start(&pi->timer, period(),
			      HRTIMER_MODE_REL_HARD);
	return 0;
}

/* The timer's function may wait for the lock that we hold, so it ends by itself. */
static void shutdown(struct irq_data *data)
{
	struct vsys_ports_irq *pi = irq_data_get_irq_chip_data(data);

	WRITE_ONCE(pi->on, false);
	hrtimer_try_to_cancel(&pi->timer);
}

static void nothing(struct irq_data *data)
{
}

static struct irq_chip ports_chip = {
	.name		= "xen-vsys-ports",
	.irq_startup	= startup,
	.irq_shutdown	= shutdown,
	.irq_mask	= nothing,
	.irq_unmask	= nothing,
	.irq_ack	= nothing,
};

/* --- its sources ---------------------------------------------------------- */

static irqreturn_t on_event(int irq, void *arg)
{
	struct vsys_ports_irq *pi = arg;
	struct physdev_eoi eoi = { .irq = pi->pirq };

	atomic64_inc(&pi->events);
	generic_handle_irq(pi->irq);
	if (pi->needs_eoi)
		HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &eoi);
	return IRQ_HANDLED;
}

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct vsys_ports_irq *pi = container_of(timer, struct vsys_ports_irq, timer);

	if (!READ_ONCE(pi->on))
		return HRTIMER_NORESTART;
	/*
	 * From now, not from when it was due: the handler may be slow.  And before it,
	 * who may let another CPU start the timer.
	 */
	hrtimer_forward_now(timer, period());
	atomic64_inc(&pi->events);
	generic_handle_irq(pi->irq);
	return HRTIMER_RESTART;
}

static void bind_pirq(struct vsys_ports_irq *pi, const char *label, int pirq)
{
	struct physdev_irq_status_query query = { .irq = pirq };
	struct evtchn_bind_pirq bind = { .pirq = pirq };
	struct evtchn_close close;
	int err;

	err = HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, &bind);
	if (err) {
		pr_err("xen-vsysfront: %s: Xen does not bind interrupt %d: error %d\n", label, pirq, err);
		return;
	}
	/* Xen also says so of interrupts that do without. */
	pi->pirq = pirq;
	if (!HYPERVISOR_physdev_op(PHYSDEVOP_irq_status_query, &query))
		pi->needs_eoi = query.flags & XENIRQSTAT_needs_eoi;
	err = bind_evtchn_to_irqhandler(bind.port, on_event, 0, label, pi);
	if (err < 0) {
		close.port = bind.port;
		HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
		pr_err("xen-vsysfront: %s: interrupt %d: error %d\n", label, pirq, err);
		return;
	}
	pi->source = err;
}

/* --- beginning and end ---------------------------------------------------- */

static void free_number(struct vsys_ports_irq *pi)
{
	hrtimer_cancel(&pi->timer);
	irq_free_desc(pi->irq);
	kfree(pi);
}

struct vsys_ports_irq *vsys_ports_irq_make(const char *label, int pirq)
{
	struct vsys_ports_irq *pi = kzalloc(sizeof(*pi), GFP_KERNEL);
	int err;

	if (!pi)
		return ERR_PTR(-ENOMEM);
	hrtimer_init(&pi->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	pi->timer.function = on_timer;
	pi->irq = __irq_alloc_descs(-1, 0, 1, NUMA_NO_NODE, THIS_MODULE, NULL);
	if (pi->irq < 0) {
		err = pi->irq;
		kfree(pi);
		return ERR_PTR(err);
	}
	irq_set_chip_data(pi->irq, pi);
	irq_set_chip_and_handler_name(pi->irq, &ports_chip, handle_edge_irq, "edge");
	/* Not all calls are for the device, and a driver may look if one would come. */
	irq_modify_status(pi->irq, IRQ_NOREQUEST, IRQ_IS_POLLED | IRQ_NOPROBE);
	/* If Xen does not bind it, the timer is its source; that was said. */
	if (pirq >= 0)
		bind_pirq(pi, label, pirq);
	return pi;
}

int vsys_ports_irq_number(const struct vsys_ports_irq *pi)
{
	return pi->irq;
}

void vsys_ports_irq_show(struct vsys_ports_irq *pi, struct seq_file *m)
{
	seq_printf(m, "irq_source: %s\nirq_events: %lld\n", pi->source ? "xen" : "timer",
		   atomic64_read(&pi->events));
}

void vsys_ports_irq_stop(struct vsys_ports_irq *pi)
{
	if (pi->source)
		unbind_from_irqhandler(pi->source, pi);
	WRITE_ONCE(pi->on, false);
	hrtimer_cancel(&pi->timer);
	mutex_lock(&orphans_mutex);
	if (irq_has_action(pi->irq))
		list_add(&pi->link, &orphans);
	else
		free_number(pi);
	mutex_unlock(&orphans_mutex);
}

void vsys_ports_irq_exit(void)
{
	struct vsys_ports_irq *pi, *next;

	list_for_each_entry_safe(pi, next, &orphans, link)
		free_number(pi);
}
