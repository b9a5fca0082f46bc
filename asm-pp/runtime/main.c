// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - the module xen-vpio: which ports belong to whom, and when a queue is
 * carried out.
 *
 * Accesses come from any context.  A port that nobody claimed is the machine's
 * own and costs what it always did.  A claimed one has a queue with a raw lock,
 * taken with interrupts off.  In an NMI no lock may be taken, so there a claimed
 * port reads as all ones, and what is written is lost and counted.
 *
 * When (docs/asm-pp.md says why): at once for an input or a doorbell, at the
 * threshold; at the end of the interrupt whose handler wrote; at the next timer
 * tick; before hlt; at suspend, reboot and panic.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/panic_notifier.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/syscore_ops.h>
#include <linux/timer.h>

#include "xen-vpio.h"

#define SPACES		8
#define DELAY_PORT	0x80	/* written for its delay only */

struct vpio_space {
	raw_spinlock_t lock;
	struct vpio_queue queue;
	struct timer_list timer;
	struct tasklet_struct tasklet;
	atomic_t lost_in_nmi;
	struct rcu_head rcu;
};

static char *native;
module_param(native, charp, 0444);
MODULE_PARM_DESC(native, "ports FIRST-LAST that go through a queue to this machine's own ports");
static char *profile = "none";
module_param(profile, charp, 0444);
MODULE_PARM_DESC(profile, "what they are: none, ne2000, 16550, ata, parport");
static unsigned int threshold = 64;
module_param(threshold, uint, 0444);
MODULE_PARM_DESC(threshold, "outputs of a batch");
static bool delay;
module_param(delay, bool, 0644);
MODULE_PARM_DESC(delay, "carry out writes to port 0x80");

static struct vpio_space __rcu *spaces[SPACES];
static DEFINE_MUTEX(spaces_mutex);	/* of those who change them */
static struct vpio_space *native_space;
static struct dentry *debug_file;

/* All of the access must be in the range. */
static struct vpio_space *find(u16 port, unsigned int width)
{
	struct vpio_space *space;
	int i;

	for (i = 0; i < SPACES; i++) {
		space = rcu_dereference(spaces[i]);
		if (space && port >= space->queue.first &&
		    port + (1 << width) - 1 <= space->queue.last)
			return space;
	}
	return NULL;
}

/*
 * Something waits: when does it go?  A handler's outputs may be what ends the
 * interrupt, so they go when it returns.
 */
static void arm(struct vpio_space *space)
{
	if (!space->queue.nr) {
		/* Or an idle guest would be woken for nothing. */
		if (timer_pending(&space->timer))
			del_timer(&space->timer);
		return;
	}
	if (in_hardirq())
		tasklet_hi_schedule(&space->tasklet);
	else if (!timer_pending(&space->timer))
		mod_timer(&space->timer, jiffies + 1);
}

static void lose(struct vpio_space *space)
{
	atomic_inc(&space->lost_in_nmi);
}

u64 vpio_clock(void)
{
	return local_clock();
}

u32 vpio_in(u16 port, unsigned int width)
{
	struct vpio_space *space;
	unsigned long flags;
	u32 value = ~0u;

	rcu_read_lock();
	space = find(port, width);
	if (!space) {
		value = vpio_native_in(port, width);
	} else if (in_nmi()) {
		lose(space);
	} else {
		raw_spin_lock_irqsave(&space->lock, flags);
		space->queue.in_handler = in_hardirq();
		value = vpio_queue_in(&space->queue, port, width);
		arm(space);
		raw_spin_unlock_irqrestore(&space->lock, flags);
	}
	rcu_read_unlock();
	return value;
}

void vpio_out(u16 port, unsigned int width, u32 value)
{
	struct vpio_space *space;
	unsigned long flags;

	if (port == DELAY_PORT && !delay)
		return;
	rcu_read_lock();
	space = find(port, width);
	if (!space) {
		vpio_native_out(port, width, value);
	} else if (in_nmi()) {
		lose(space);
	} else {
		raw_spin_lock_irqsave(&space->lock, flags);
		vpio_queue_out(&space->queue, port, width, value);
		arm(space);
		raw_spin_unlock_irqrestore(&space->lock, flags);
	}
	rcu_read_unlock();
}

void vpio_ins(u16 port, unsigned int width, void *buffer, u64 count, int step)
{
	struct vpio_space *space;
	unsigned long flags;

	rcu_read_lock();
	space = find(port, width);
	if (!space) {
		vpio_native_ins(port, width, buffer, count, step);
	} else if (in_nmi()) {
		memset(step > 0 ? buffer : buffer - ((count - 1) << width), 0xff, count << width);
		lose(space);
	} else {
		raw_spin_lock_irqsave(&space->lock, flags);
		vpio_queue_ins(&space->queue, port, width, buffer, count, step);
		arm(space);
		raw_spin_unlock_irqrestore(&space->lock, flags);
	}
	rcu_read_unlock();
}

void vpio_outs(u16 port, unsigned int width, const void *buffer, u64 count, int step)
{
	struct vpio_space *space;
	unsigned long flags;

	rcu_read_lock();
	space = find(port, width);
	if (!space) {
		vpio_native_outs(port, width, buffer, count, step);
	} else if (in_nmi()) {
		lose(space);
	} else {
		raw_spin_lock_irqsave(&space->lock, flags);
		vpio_queue_outs(&space->queue, port, width, buffer, count, step);
		arm(space);
		raw_spin_unlock_irqrestore(&space->lock, flags);
	}
	rcu_read_unlock();
}

void vpio_flush(struct vpio_space *space)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&space->lock, flags);
	vpio_queue_flush(&space->queue);
	raw_spin_unlock_irqrestore(&space->lock, flags);
}
EXPORT_SYMBOL_GPL(vpio_flush);

static void flush_all(void)
{
	struct vpio_space *space;
	int i;

	rcu_read_lock();
	for (i = 0; i < SPACES; i++) {
		space = rcu_dereference(spaces[i]);
		if (space)
			vpio_flush(space);
	}
	rcu_read_unlock();
}

/*
 * Before hlt nothing may wait.  When interrupts go on, a tick that was due comes
 * by itself; when they go off there is nothing to do.
 */
void vpio_point(unsigned int point)
{
	if (point == VPIO_POINT_IDLE && !in_nmi())
		flush_all();
}

static void on_timer(struct timer_list *timer)
{
	struct vpio_space *space = from_timer(space, timer, timer);
	unsigned long flags;

	raw_spin_lock_irqsave(&space->lock, flags);
	vpio_queue_tick(&space->queue);
	raw_spin_unlock_irqrestore(&space->lock, flags);
}

static void on_tasklet(struct tasklet_struct *tasklet)
{
	struct vpio_space *space = from_tasklet(space, tasklet, tasklet);

	vpio_flush(space);
}

/* old: whose place is taken, or NULL. */
static int place_for(u16 first, u16 last, const struct vpio_space *old)
{
	int i, place = -ENOSPC;

	for (i = 0; i < SPACES; i++) {
		struct vpio_space *space = rcu_dereference_protected(spaces[i],
								     lockdep_is_held(&spaces_mutex));

		if (old && space == old)
			return i;
		if (!space)
			place = i;
		else if (first <= space->queue.last && last >= space->queue.first)
			return -EBUSY;
	}
	return place;
}

static struct vpio_space *claim(struct vpio_space *old, u16 first, u16 last,
				const struct vpio_sink *sink, void *data,
				const struct vpio_profile *known, unsigned int batch)
{
	struct vpio_space *space;
	int err;

	space = kzalloc(sizeof(*space), GFP_KERNEL);
	if (!space)
		return ERR_PTR(-ENOMEM);
	err = vpio_queue_init(&space->queue, first, last, sink, data, known->rule, known->rules,
			      batch);
	if (!err)
		err = vpio_queue_handshake(&space->queue, known->handshake);
	if (err)
		goto fail;
	raw_spin_lock_init(&space->lock);
	timer_setup(&space->timer, on_timer, 0);
	tasklet_setup(&space->tasklet, on_tasklet);

	mutex_lock(&spaces_mutex);
	err = place_for(first, last, old);
	if (err >= 0)
		rcu_assign_pointer(spaces[err], space);
	mutex_unlock(&spaces_mutex);
	if (err < 0)
		goto fail;
	return space;
fail:
	kfree(space);
	return ERR_PTR(err);
}

struct vpio_space *vpio_claim(u16 first, u16 last, const struct vpio_sink *sink, void *data,
			      const struct vpio_profile *known, unsigned int batch)
{
	return claim(NULL, first, last, sink, data, known, batch);
}
EXPORT_SYMBOL_GPL(vpio_claim);

/* Nobody finds it any more. */
static void end_space(struct vpio_space *space)
{
	/* Whoever found it before is done with it, also in an interrupt. */
	synchronize_rcu();
	tasklet_kill(&space->tasklet);
	del_timer_sync(&space->timer);
	vpio_flush(space);
	kfree(space);
}

struct vpio_space *vpio_replace(struct vpio_space *old, const struct vpio_sink *sink, void *data,
				const struct vpio_profile *known, unsigned int batch)
{
	struct vpio_space *space;

	space = claim(old, old->queue.first, old->queue.last, sink, data, known, batch);
	if (!IS_ERR(space))
		end_space(old);
	return space;
}
EXPORT_SYMBOL_GPL(vpio_replace);

void vpio_release(struct vpio_space *space)
{
	int i;

	mutex_lock(&spaces_mutex);
	for (i = 0; i < SPACES; i++)
		if (rcu_access_pointer(spaces[i]) == space)
			RCU_INIT_POINTER(spaces[i], NULL);
	mutex_unlock(&spaces_mutex);
	end_space(space);
}
EXPORT_SYMBOL_GPL(vpio_release);

/* Others are stopped, or this one stopped them: then the lock may stay held. */
static int on_panic(struct notifier_block *block, unsigned long event, void *data)
{
	struct vpio_space *space;
	int i;

	for (i = 0; i < SPACES; i++) {
		space = rcu_dereference_raw(spaces[i]);
		if (!space || in_nmi() || !raw_spin_trylock(&space->lock))
			continue;
		vpio_queue_flush(&space->queue);
		raw_spin_unlock(&space->lock);
	}
	return NOTIFY_DONE;
}

static int on_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	flush_all();
	return NOTIFY_DONE;
}

static int on_suspend(void)
{
	flush_all();
	return 0;
}

static struct notifier_block panic_block = { .notifier_call = on_panic };
static struct notifier_block reboot_block = { .notifier_call = on_reboot };
static struct syscore_ops suspend_ops = { .suspend = on_suspend };

/* A copy is shown, since the lock is one of interrupts. */
struct shown {
	struct vpio_stats stats;
	u32 waits_at[VPIO_PORTS];
};

static void show_space(struct seq_file *m, struct vpio_space *space, struct shown *shown)
{
	static const char *const why[] = { "input", "threshold", "doorbell", "full", "flush", "tick" };
	const struct vpio_stats *s = &shown->stats;
	unsigned long flags;
	int i;

	static_assert(ARRAY_SIZE(why) == VPIO_WHYS);
	raw_spin_lock_irqsave(&space->lock, flags);
	shown->stats = space->queue.stats;
	memcpy(shown->waits_at, space->queue.waits_at, sizeof(shown->waits_at));
	raw_spin_unlock_irqrestore(&space->lock, flags);
	seq_printf(m, "ports: %#x-%#x\nouts: %llu\nins: %llu\nknown: %llu\nahead: %llu\nposted: %llu\n"
		   "batches: %llu\nwaits: %llu\nrecords: %llu\nchanges: %llu\nlost: %llu\n",
		   space->queue.first, space->queue.last, s->outs, s->ins, s->known, s->ahead,
		   s->posted, s->batches, s->waits, s->records, s->changes,
		   s->lost + atomic_read(&space->lost_in_nmi));
	for (i = 0; i < VPIO_WHYS; i++)
		seq_printf(m, "by_%s: %llu\n", why[i], s->why[i]);
	for (i = 0; i < VPIO_PORTS; i++)
		if (shown->waits_at[i])
			seq_printf(m, "waits_at_%#x: %u\n", space->queue.first + i, shown->waits_at[i]);
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct shown *shown = kmalloc(sizeof(*shown), GFP_KERNEL);
	struct vpio_space *space;
	int i;

	if (!shown)
		return -ENOMEM;
	mutex_lock(&spaces_mutex);
	for (i = 0; i < SPACES; i++) {
		space = rcu_dereference_protected(spaces[i], lockdep_is_held(&spaces_mutex));
		if (space)
			show_space(m, space, shown);
	}
	mutex_unlock(&spaces_mutex);
	kfree(shown);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* FIRST-LAST */
static int parse_range(const char *text, u16 *first, u16 *last)
{
	char copy[16], *dash;
	int err;

	if (strscpy(copy, text, sizeof(copy)) < 0)
		return -EINVAL;
	dash = strchr(copy, '-');
	if (!dash)
		return -EINVAL;
	*dash = '\0';
	err = kstrtou16(copy, 0, first);
	return err ? err : kstrtou16(dash + 1, 0, last);
}

static int __init claim_native(void)
{
	const struct vpio_profile *known = vpio_profile_find(profile);
	u16 first, last;
	int err;

	if (!native)
		return 0;
	if (!known) {
		pr_err("xen-vpio: there is no profile '%s'\n", profile);
		return -EINVAL;
	}
	err = parse_range(native, &first, &last);
	if (err) {
		pr_err("xen-vpio: native=%s is not FIRST-LAST\n", native);
		return err;
	}
	native_space = vpio_claim(first, last, &vpio_native_sink, NULL, known, threshold);
	if (!IS_ERR(native_space))
		return 0;
	err = PTR_ERR(native_space);
	pr_err("xen-vpio: ports %s with threshold %u: error %d\n", native, threshold, err);
	return err;
}

static int __init vpio_init(void)
{
	int err = claim_native();

	if (err)
		return err;
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	register_reboot_notifier(&reboot_block);
	register_syscore_ops(&suspend_ops);
	debug_file = debugfs_create_file("xen-vpio", 0400, NULL, NULL, &stats_fops);
	return 0;
}
module_init(vpio_init);

static void __exit vpio_exit(void)
{
	debugfs_remove(debug_file);
	unregister_syscore_ops(&suspend_ops);
	unregister_reboot_notifier(&reboot_block);
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	if (native_space)
		vpio_release(native_space);
}
module_exit(vpio_exit);

#define VPIO_EXPORT(name) EXPORT_SYMBOL_GPL(__vpio_##name);
VPIO_STUBS(VPIO_EXPORT)
EXPORT_SYMBOL_GPL(vpio_profile_find);

MODULE_DESCRIPTION("Port I/O in batches, for drivers that asm-pp rewrote");
MODULE_LICENSE("GPL");
