// SPDX-License-Identifier: GPL-2.0
/*
 * ports.c - a range of I/O ports of another domain: batches of accesses to it.
 *
 * Batches come from drivers that believe to use port instructions, so from any
 * context: interrupts off, locks held.  Hence nothing here sleeps, allocates or
 * prints, and this is not the way of other requests (call.c, queue.c): of the
 * queue only ring, pool and event channel are used.
 *
 * The event channel never interrupts.  Who needs an answer looks for it for a while
 * if the back-end is awake, and else waits in Xen until the channel is pending
 * (SCHEDOP_poll), which takes no interrupt; nobody else wants events, and the ring
 * is told to send none.  Waking the back-end and waiting are one hypercall.
 *
 * Invariants, under the range's lock:
 *  - slot[id] has its own pages of the pool, neighbours; it is busy from its
 *    request until its response;
 *  - a response is copied once, and must answer a busy slot; answers are copied
 *    out of the pool once, to places that the request decided.
 */
#include <linux/irq.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <xen/events.h>
#include <xen/interface/sched.h>
#include <xen/interface/vcpu.h>
#include <xen/xen-ops.h>

#include "ports.h"

static unsigned int ports_limit_ms = 1000;
module_param(ports_limit_ms, uint, 0644);
MODULE_PARM_DESC(ports_limit_ms, "a device that needs longer for a batch of port accesses is gone (default 1000)");

static unsigned int ports_spin_us = 50;
module_param(ports_spin_us, uint, 0644);
MODULE_PARM_DESC(ports_spin_us, "how long to look for the answer to port accesses, with interrupts off, before waiting in Xen, at most (default 50; 0: never)");

#define SPIN_MAX_US	100000u

#define SLOT_PAGES	3u	/* for the largest batch */
#define SLOTS		(VSYS_PORTS_POOL_PAGES / SLOT_PAGES)

static_assert(VSYS_PORT_MAX_OPS * sizeof(struct vsys_port_op) + VSYS_PORT_MAX_BYTES <=
	      SLOT_PAGES * VSYS_PAGE_SIZE);
static_assert(SLOTS <= VSYS_RING_ENTRIES(0));

/* A look at the ring at least so often, whatever event may be missing. */
#define LOOK_NS		(100 * NSEC_PER_MSEC)
/* Xen's clock and ours may differ by what they drift apart in this time: some ms. */
#define CLOCK_NS	(10 * NSEC_PER_SEC)

struct ports_slot {
	bool busy;
	u32 nr;			/* operations of its request */
	int status;		/* of its response, a Linux errno */
};

struct ports_stats {
	u64 batches, waits, denied;
	u64 hypercalls;			/* all that the batches took, and of them: */
	u64 polls, notifications, both;	/* ... in one */
	u64 looked;			/* answers that were found by looking */
};

struct vsys_ports {
	struct kref kref;
	struct list_head link;		/* under ports_mutex */
	struct vsys_device *vdev;	/* held */
	struct vsys_queue *q;
	u16 first, last;
	struct vsys_ports_irq *irq;	/* or NULL; not after remove */
	int irq_number;

	raw_spinlock_t lock;		/* all below */
	bool gone;
	struct ports_slot slot[SLOTS];
	unsigned int nr_slots, busy;
	struct ports_stats stats;
	u64 look_ns;			/* how long looking is worth it, by what was last */
	u64 clock_read;			/* when clock_offset was */
	s64 clock_offset;		/* Xen's clock, less ours */
};

static DEFINE_MUTEX(ports_mutex);	/* both below */
static LIST_HEAD(ports_list);
static BLOCKING_NOTIFIER_HEAD(ports_chain);

/* --- the ring ----------------------------------------------------------- */

/* Of this piece of a slot's pages: where it is, and how much until the page ends. */
static u8 *slot_place(const struct vsys_ports *p, unsigned int id, u32 at, u32 *room)
{
	struct page *page = p->q->pool.page[id * SLOT_PAGES + at / VSYS_PAGE_SIZE];

	*room = VSYS_PAGE_SIZE - at % VSYS_PAGE_SIZE;
	return (u8 *)page_address(page) + at % VSYS_PAGE_SIZE;
}

static void slot_write(const struct vsys_ports *p, unsigned int id, u32 at, const void *from, u32 len)
{
	u32 room;

	for (; len; at += room, from += room, len -= room) {
		u8 *to = slot_place(p, id, at, &room);

		room = min(room, len);
		memcpy(to, from, room);
	}
}

static void slot_read(const struct vsys_ports *p, unsigned int id, u32 at, void *to, u32 len)
{
	u32 room;

	for (; len; at += room, to += room, len -= room) {
		const u8 *from = slot_place(p, id, at, &room);

		room = min(room, len);
		memcpy(to, from, room);
	}
}

static const char *response_fault(const struct vsys_ports *p, const struct vsys_response *rsp)
{
	if (rsp->id >= p->nr_slots || !p->slot[rsp->id].busy)
		return "a response to no request";
	if (rsp->op != VSYS_OP_PORT_BATCH)
		return "a response of another operation";
	if (rsp->status > 0)
		return "a status above zero";
	if ((!rsp->status || vsys_errno(rsp->status) == -EPERM) &&
	    rsp->value != p->slot[rsp->id].nr)
		return "another number of port accesses than was asked for";
	return NULL;
}

/* What came: NULL, or what is wrong with it. */
static const char *collect(struct vsys_ports *p)
{
	struct vsys_front_ring *ring = &p->q->ring;
	RING_IDX i, prod = READ_ONCE(ring->sring->rsp_prod);
	const char *fault = NULL;

	/* The responses are read after the index that names them. */
	virt_rmb();
	if (RING_RESPONSE_PROD_OVERFLOW(ring, prod))
		return "a response index beyond the requests";
	for (i = ring->rsp_cons; i != prod; i++) {
		struct vsys_response rsp;
		struct ports_slot *slot;

		RING_COPY_RESPONSE(ring, i, &rsp);
		fault = response_fault(p, &rsp);
		if (fault)
			break;
		slot = &p->slot[rsp.id];
		slot->busy = false;
		p->busy--;
		slot->status = vsys_errno(rsp.status);
		if (slot->status == -EPERM)
			p->stats.denied++;
		else if (slot->status)
			fault = "an error for a batch of port accesses";
	}
	ring->rsp_cons = i;
	return fault;
}

/* --- waiting ------------------------------------------------------------ */

/*
 * SCHEDOP_poll wants a time of Xen's clock, which the kernel shows no module.  But
 * Xen says when this CPU began to run, which is not after now: a little before, if
 * it has just waited.  Too early a time lets the poll end early, which costs
 * another one, and that is when it has just waited.
 */
static void read_clock(struct vsys_ports *p, u64 now)
{
	struct vcpu_runstate_info state;

	p->clock_read = now;
	p->stats.hypercalls++;
	if (!HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, xen_vcpu_nr(smp_processor_id()), &state))
		p->clock_offset = state.state_entry_time - now;
}

/*
 * Until the channel is pending, or for LOOK_NS, or shorter.  With wake the back-end is
 * notified first, in the same hypercall: one exit, and the answer may as well be there
 * before the poll.
 */
static void poll_channel(struct vsys_ports *p, u64 now, bool wake)
{
	evtchn_port_t port = p->q->evtchn;
	struct evtchn_send send = { .port = port };
	struct sched_poll poll = {
		.nr_ports = 1,
		.timeout = now + p->clock_offset + LOOK_NS,
	};
	struct multicall_entry call[] = {
		{ .op = __HYPERVISOR_event_channel_op,
		  .args = { EVTCHNOP_send, (unsigned long)&send } },
		{ .op = __HYPERVISOR_sched_op, .args = { SCHEDOP_poll, (unsigned long)&poll } },
	};
	long err;

	set_xen_guest_handle(poll.ports, &port);
	p->stats.polls++;
	p->stats.hypercalls++;
	if (wake) {
		p->stats.notifications++;
		p->stats.both++;
		err = HYPERVISOR_multicall(call, ARRAY_SIZE(call));
		if (!err)
			err = call[1].result;
		else
			notify_remote_via_irq(p->q->irq);
	} else {
		err = HYPERVISOR_sched_op(SCHEDOP_poll, &poll);
	}
	if (err) {
		p->stats.hypercalls++;
		HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
	}
}

/* id SLOTS: any slot is free. */
static bool has_ended(const struct vsys_ports *p, unsigned int id)
{
	return id < SLOTS ? !p->slot[id].busy : p->busy < p->nr_slots;
}

static u64 spin_max(void)
{
	return (u64)min(READ_ONCE(ports_spin_us), SPIN_MAX_US) * NSEC_PER_USEC;
}

/*
 * How long looking is worth it, from how long an answer took: as spin.c does it,
 * which says why.
 */
static void learn(struct vsys_ports *p, u64 took)
{
	u64 max = spin_max();

	if (took > max)
		p->look_ns = p->look_ns / 2 < max / 16 ? 0 : p->look_ns / 2;
	else if (2 * took > p->look_ns)
		p->look_ns = min(2 * took, max);
}

/* The back-end is awake: NULL if there was nothing wrong until now. */
static const char *look(struct vsys_ports *p, unsigned int id, u64 begin)
{
	u64 end = begin + min(p->look_ns, spin_max());
	const char *fault;

	do {
		fault = collect(p);
		if (!fault && has_ended(p, id))
			p->stats.looked++;
		if (fault || has_ended(p, id))
			return fault;
		cpu_relax();
	} while (ktime_get_mono_fast_ns() < end);
	return NULL;
}

/*
 * Until the slot has its response; id SLOTS: until any slot is free.  wake: the
 * back-end has yet to be notified.  NULL, or what is wrong.
 */
static const char *await(struct vsys_ports *p, unsigned int id, bool wake)
{
	u64 now = ktime_get_mono_fast_ns(), begin = now;
	u64 limit = (u64)READ_ONCE(ports_limit_ms) * NSEC_PER_MSEC;
	struct vsys_front_ring *ring = &p->q->ring;
	const char *fault = NULL;
	bool polled = false;

	if (!wake && p->look_ns)
		fault = look(p, id, begin);
	while (!fault && !has_ended(p, id)) {
		/* Pending again only by what comes after the look at the ring. */
		xen_clear_irq_pending(p->q->irq);
		ring->sring->rsp_event = ring->rsp_cons + (id < SLOTS ? p->busy : 1);
		virt_mb();
		fault = collect(p);
		if (fault || has_ended(p, id))
			break;
		now = ktime_get_mono_fast_ns();
		if (now - begin > limit)
			return "no answer to port accesses in time";
		if (polled || now - p->clock_read > CLOCK_NS)
			read_clock(p, now);
		polled = true;
		poll_channel(p, now, wake);
		wake = false;
	}
	if (!fault)
		learn(p, ktime_get_mono_fast_ns() - begin);
	return fault;
}

/* --- a batch -------------------------------------------------------------- */

static unsigned int free_slot(const struct vsys_ports *p)
{
	unsigned int id;

	for (id = 0; id < p->nr_slots && p->slot[id].busy; id++)
		;
	return id;
}

/* True: the back-end has to be notified. */
static bool send(struct vsys_ports *p, unsigned int id, const struct vsys_port_op *op,
		 unsigned int nr, const u8 *bytes, unsigned int len)
{
	u32 ops = nr * sizeof(*op);
	struct vsys_front_ring *ring = &p->q->ring;
	struct vsys_request rq = {
		.id = id,
		.op = VSYS_OP_PORT_BATCH,
		.nr_segments = 1,
		.length = ops + len,
		.u.ports.nr = nr,
		.u.ports.segment[0] = {
			.offset = id * SLOT_PAGES * VSYS_PAGE_SIZE,
			.length = ops + len,
		},
	};
	int notify;

	slot_write(p, id, 0, op, ops);
	slot_write(p, id, ops, bytes, len);
	p->slot[id].busy = true;
	p->slot[id].nr = nr;
	p->busy++;
	p->stats.batches++;
	*RING_GET_REQUEST(ring, ring->req_prod_pvt) = rq;
	ring->req_prod_pvt++;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(ring, notify);
	return notify;
}

/* Where an operation's block is; false: beyond the bytes. */
static bool block_of(const struct vsys_port_op *op, unsigned int len, u32 *size)
{
	u64 end = op->value + ((u64)op->count << op->width);

	*size = op->count << op->width;
	return end <= len;
}

/* The places of answers are read from the slot's pages: none but these. */
static void take_answers(const struct vsys_ports *p, unsigned int id, struct vsys_port_op *op,
			 unsigned int nr, u8 *bytes, unsigned int len)
{
	u32 at, size;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		switch (op[i].op) {
		case VSYS_PORT_IN:
		case VSYS_PORT_CHANGE:
		case VSYS_PORT_WHEN:
			at = i * sizeof(*op) + offsetof(struct vsys_port_op, value);
			slot_read(p, id, at, &op[i].value, sizeof(op[i].value));
			break;
		case VSYS_PORT_INS:
			if (block_of(&op[i], len, &size))
				slot_read(p, id, nr * sizeof(*op) + op[i].value,
					  bytes + op[i].value, size);
			break;
		}
	}
}

int vsys_ports_carry_out(struct vsys_ports *p, struct vsys_port_op *op, unsigned int nr,
			 u8 *bytes, unsigned int len, bool wait)
{
	const char *fault = NULL;
	unsigned long flags;
	unsigned int id;
	int err = -ENODEV;
	bool wake;

	if (!nr || nr > VSYS_PORT_MAX_OPS || len > VSYS_PORT_MAX_BYTES)
		return -EINVAL;
	raw_spin_lock_irqsave(&p->lock, flags);
	if (p->gone)
		goto out;
	/* Of batches that nobody waited for. */
	fault = collect(p);
	if (!fault && p->busy == p->nr_slots)
		fault = await(p, SLOTS, false);
	if (fault)
		goto out;
	id = free_slot(p);
	wake = send(p, id, op, nr, bytes, len);
	err = 0;
	if (wait) {
		p->stats.waits++;
		fault = await(p, id, wake);
		if (!fault)
			take_answers(p, id, op, nr, bytes, len);
	} else if (wake) {
		p->stats.notifications++;
		p->stats.hypercalls++;
		notify_remote_via_irq(p->q->irq);
	}
out:
	if (fault) {
		p->gone = true;
		err = -EIO;
	}
	raw_spin_unlock_irqrestore(&p->lock, flags);
	/* It is said, and the device closed, where one may sleep. */
	if (fault)
		vsys_device_broken(p->q, fault);
	return err;
}
EXPORT_SYMBOL_GPL(vsys_ports_carry_out);

/* --- who uses it ---------------------------------------------------------- */

static void ports_release(struct kref *kref)
{
	struct vsys_ports *p = container_of(kref, struct vsys_ports, kref);

	vsys_device_put(p->vdev);
	kfree(p);
}

void vsys_ports_get(struct vsys_ports *p)
{
	kref_get(&p->kref);
}
EXPORT_SYMBOL_GPL(vsys_ports_get);

void vsys_ports_put(struct vsys_ports *p)
{
	kref_put(&p->kref, ports_release);
}
EXPORT_SYMBOL_GPL(vsys_ports_put);

void vsys_ports_info(const struct vsys_ports *p, struct vsys_ports_info *info)
{
	info->name = p->vdev->name;
	info->first = p->first;
	info->last = p->last;
	info->irq = p->irq_number;
}
EXPORT_SYMBOL_GPL(vsys_ports_info);

int vsys_ports_watch(struct notifier_block *nb)
{
	struct vsys_ports *p;
	int err;

	mutex_lock(&ports_mutex);
	err = blocking_notifier_chain_register(&ports_chain, nb);
	if (!err)
		list_for_each_entry(p, &ports_list, link)
			nb->notifier_call(nb, VSYS_PORTS_ADD, p);
	mutex_unlock(&ports_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(vsys_ports_watch);

void vsys_ports_unwatch(struct notifier_block *nb)
{
	mutex_lock(&ports_mutex);
	blocking_notifier_chain_unregister(&ports_chain, nb);
	mutex_unlock(&ports_mutex);
}
EXPORT_SYMBOL_GPL(vsys_ports_unwatch);

/* --- the device ----------------------------------------------------------- */

static int read_range(struct vsys_device *vdev, struct vsys_ports *p)
{
	struct {
		u32 port_first, port_last;
	} key = { .port_first = 1 };
	int err;

	err = VSYS_READ_KEY(vdev, &key, port_first, VSYS_KEY_PORT_FIRST);
	if (!err)
		err = VSYS_READ_KEY(vdev, &key, port_last, VSYS_KEY_PORT_LAST);
	if (err)
		return err;
	if (key.port_first > key.port_last ||
	    key.port_last - key.port_first >= VSYS_PORT_MAX_RANGE)
		return -EINVAL;
	p->first = key.port_first;
	p->last = key.port_last;
	return 0;
}

/* A device without its interrupt is better than none. */
static void add_irq(struct vsys_device *vdev, struct vsys_ports *p)
{
	char *text = vsys_backend_key(vdev, VSYS_KEY_IRQ);
	struct {
		u32 pirq;
	} key = { .pirq = U32_MAX };

	if (!text)
		return;
	kfree(text);
	if (VSYS_READ_KEY(vdev, &key, pirq, VSYS_KEY_PIRQ))
		return;
	p->irq = vsys_ports_irq_make(vdev->label, key.pirq == U32_MAX ? -1 : (int)key.pirq);
	if (IS_ERR(p->irq)) {
		pr_err("xen-vsysfront: %s: interrupt: error %ld\n", vdev->label, PTR_ERR(p->irq));
		p->irq = NULL;
		return;
	}
	p->irq_number = vsys_ports_irq_number(p->irq);
}

static int ports_add(struct vsys_device *vdev)
{
	struct vsys_queue *q = &vdev->queue[0];
	struct vsys_ports *p;
	int err;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	kref_init(&p->kref);
	raw_spin_lock_init(&p->lock);
	p->vdev = vdev;
	p->q = q;
	p->nr_slots = min(q->pool.nr_pages / SLOT_PAGES, SLOTS);
	err = p->nr_slots ? read_range(vdev, p) : -ENOSPC;
	if (err) {
		kfree(p);
		return err;
	}
	vsys_device_get(vdev);
	/* Never delivered; it is only waited for. */
	disable_irq(q->irq);
	add_irq(vdev, p);
	pr_info("xen-vsysfront: %s: ports %#x-%#x, %s: interrupt %d\n", vdev->label, p->first,
		p->last, vdev->name, p->irq_number);
	vdev->node = p;

	mutex_lock(&ports_mutex);
	list_add_tail(&p->link, &ports_list);
	blocking_notifier_call_chain(&ports_chain, VSYS_PORTS_ADD, p);
	mutex_unlock(&ports_mutex);
	return 0;
}

static void ports_remove(struct vsys_device *vdev)
{
	struct vsys_ports *p = vdev->node;
	unsigned long flags;

	/* After this nobody touches the ring. */
	raw_spin_lock_irqsave(&p->lock, flags);
	p->gone = true;
	raw_spin_unlock_irqrestore(&p->lock, flags);

	/* Who looks for it in the list looks at its interrupt, too. */
	mutex_lock(&ports_mutex);
	list_del(&p->link);
	if (p->irq)
		vsys_ports_irq_stop(p->irq);
	p->irq = NULL;
	blocking_notifier_call_chain(&ports_chain, VSYS_PORTS_GONE, p);
	mutex_unlock(&ports_mutex);
	vsys_ports_put(p);
}

static void ports_show(struct vsys_device *vdev, struct seq_file *m)
{
	struct ports_stats stats;
	struct vsys_ports *p;
	unsigned long flags;

	/* The node goes while the file is open: only those in the list are there. */
	mutex_lock(&ports_mutex);
	list_for_each_entry(p, &ports_list, link) {
		if (p->vdev != vdev)
			continue;
		raw_spin_lock_irqsave(&p->lock, flags);
		stats = p->stats;
		raw_spin_unlock_irqrestore(&p->lock, flags);
		seq_printf(m, "ports: %#x-%#x\nirq: %d\n", p->first, p->last, p->irq_number);
		seq_printf(m, "batches: %llu\nbatch_waits: %llu\nbatch_polls: %llu\n",
			   stats.batches, stats.waits, stats.polls);
		seq_printf(m, "batch_notifications: %llu\nbatch_both: %llu\nbatch_hypercalls: %llu\n"
			   "batches_looked: %llu\nbatches_denied: %llu\n",
			   stats.notifications, stats.both, stats.hypercalls, stats.looked,
			   stats.denied);
		if (p->irq)
			vsys_ports_irq_show(p->irq, m);
	}
	mutex_unlock(&ports_mutex);
}

const struct vsys_node_ops vsys_ports_ops = {
	.add		= ports_add,
	.remove		= ports_remove,
	.show		= ports_show,
	.own_ring	= true,
};
