// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - the module vpiotest: port accesses by order, rewritten by asm-pp as a
 * driver's are.
 *
 * What is written to /sys/kernel/debug/vpiotest is carried out: words, numbers in
 * hexadecimal.  What inputs said is read from there.
 *
 *	o PORT VALUE		outb
 *	w PORT VALUE		outw
 *	i PORT			inb
 *	s PORT BYTE... .	outsb of these bytes
 *	r PORT COUNT		insb
 *	n COUNT ACTIONS		the rest of the line so many times (decimal)
 *	irqoff, hardirq		before all others: in which context (default: a task)
 *	suspend			before all others: these when the kernel suspends next, after all
 *				devices and with interrupts off
 *	pairs PORT COUNT	two CPUs, one lock: index and data, so many times (decimal);
 *				says how often the data was not what belongs to the index
 *	watch PORT VALUE	a thread reads this port until "stop", which says how often
 *				it was this value, and how often another one
 *	nmi PORT OWN COUNT	NMIs interrupt so many accesses (nmi.c)
 *	dma PORT COUNT		a card reads and writes memory, so many times (dma.c)
 *	panic
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/syscore_ops.h>
#include <linux/uaccess.h>

#include "vpiotest.h"

#define TEXT	2048

static char answers[TEXT];
static DEFINE_MUTEX(mutex);	/* of who writes */

void vpiotest_say(u32 value)
{
	size_t at = strlen(answers);

	snprintf(answers + at, sizeof(answers) - at, at ? " %x" : "%x", value);
}

/* --- two CPUs -------------------------------------------------------------- */

struct pair {
	struct task_struct *task;
	u16 port;
	unsigned int count, bad;
	u8 index;
	bool done;
};

/*
 * An NE2000's command register selects what 1 is; each CPU has a register and a
 * value of its own there.
 */
static DEFINE_SPINLOCK(pair_lock);

static int pair_run(void *arg)
{
	struct pair *p = arg;
	unsigned int n;

	for (n = 0; n < p->count; n++) {
		unsigned long flags;
		u8 value = p->index * 16 + n % 16;

		spin_lock_irqsave(&pair_lock, flags);
		outb(0x61, p->port);
		outb(value, p->port + p->index);
		outb(0x21, p->port);
		spin_unlock_irqrestore(&pair_lock, flags);
		cond_resched();
		spin_lock_irqsave(&pair_lock, flags);
		outb(0x61, p->port);
		p->bad += inb(p->port + p->index) != value;
		outb(0x21, p->port);
		spin_unlock_irqrestore(&pair_lock, flags);
	}
	WRITE_ONCE(p->done, true);
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

static int pairs(u16 port, unsigned int count)
{
	struct pair pair[2] = {};
	int i, err = 0;

	for (i = 0; i < 2; i++) {
		pair[i].port = port;
		pair[i].count = count;
		pair[i].index = i + 1;
		pair[i].task = kthread_create(pair_run, &pair[i], "vpiotest/%d", i);
		if (IS_ERR(pair[i].task)) {
			err = PTR_ERR(pair[i].task);
			break;
		}
		kthread_bind(pair[i].task, i % num_online_cpus());
		wake_up_process(pair[i].task);
	}
	while (i--) {
		while (!READ_ONCE(pair[i].done))
			msleep(10);
		kthread_stop(pair[i].task);
		vpiotest_say(pair[i].bad);
	}
	return err;
}

/* --- a watcher -------------------------------------------------------------- */

static struct watch {
	struct task_struct *task;
	u16 port;
	u8 value;
	unsigned int same, others;
} watch;

static int watch_run(void *arg)
{
	while (!kthread_should_stop()) {
		if (inb(watch.port) == watch.value)
			watch.same++;
		else
			watch.others++;
		cond_resched();
	}
	return 0;
}

static int watch_start(u16 port, u8 value)
{
	if (watch.task)
		return -EBUSY;
	watch = (struct watch){ .port = port, .value = value };
	watch.task = kthread_run(watch_run, NULL, "vpiotest/watch");
	if (IS_ERR(watch.task)) {
		int err = PTR_ERR(watch.task);

		watch.task = NULL;
		return err;
	}
	return 0;
}

static void watch_stop(void)
{
	if (!watch.task)
		return;
	kthread_stop(watch.task);
	watch.task = NULL;
	vpiotest_say(watch.same);
	vpiotest_say(watch.others);
}

/* --- actions ------------------------------------------------------------------ */

static int number(char **text, unsigned int base, unsigned long *value)
{
	char *word = strsep(text, " \n");

	return word ? kstrtoul(word, base, value) : -EINVAL;
}

static int two(char **text, unsigned int base, unsigned long *a, unsigned long *b)
{
	int err = number(text, 16, a);

	return err ? err : number(text, base, b);
}

static int block_out(u16 port, char **text)
{
	u8 bytes[64];
	unsigned int n = 0;
	char *word;

	while ((word = strsep(text, " \n")) && strcmp(word, ".")) {
		if (n == sizeof(bytes) || kstrtou8(word, 16, &bytes[n++]))
			return -EINVAL;
	}
	outsb(port, bytes, n);
	return 0;
}

static int block_in(u16 port, unsigned int count)
{
	u8 bytes[64];
	unsigned int n;

	if (count > sizeof(bytes))
		return -EINVAL;
	insb(port, bytes, count);
	for (n = 0; n < count; n++)
		vpiotest_say(bytes[n]);
	return 0;
}

static int actions(char *text)
{
	unsigned long a, b;
	char *word, *rest;
	int err = 0;

	while (!err && (word = strsep(&text, " \n"))) {
		switch (word[0]) {
		case '\0':
			break;
		case 'o':
			err = two(&text, 16, &a, &b);
			if (!err)
				outb(b, a);
			break;
		case 'w':
			err = two(&text, 16, &a, &b);
			if (!err)
				outw(b, a);
			break;
		case 'i':
			err = number(&text, 16, &a);
			if (!err)
				vpiotest_say(inb(a));
			break;
		case 's':
			err = number(&text, 16, &a);
			if (!err)
				err = block_out(a, &text);
			break;
		case 'r':
			err = two(&text, 16, &a, &b);
			if (!err)
				err = block_in(a, b);
			break;
		case 'n':
			err = number(&text, 10, &a);
			for (; !err && a; a--) {
				rest = kstrdup(text ?: "", GFP_ATOMIC);
				err = rest ? actions(rest) : -ENOMEM;
				kfree(rest);
			}
			return err;
		case 'p':
			panic("vpiotest was told to");
		default:
			err = -EINVAL;
		}
	}
	return err;
}

/* --- contexts ------------------------------------------------------------------ */

struct in_interrupt {
	struct hrtimer timer;
	struct completion done;
	char *text;
	int err;
};

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct in_interrupt *in = container_of(timer, struct in_interrupt, timer);

	in->err = actions(in->text);
	complete(&in->done);
	return HRTIMER_NORESTART;
}

static int in_hardirq_context(char *text)
{
	struct in_interrupt in = { .text = text };

	init_completion(&in.done);
	hrtimer_init_on_stack(&in.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	in.timer.function = on_timer;
	hrtimer_start(&in.timer, ns_to_ktime(100 * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);
	wait_for_completion(&in.done);
	hrtimer_cancel(&in.timer);
	destroy_hrtimer_on_stack(&in.timer);
	return in.err;
}

/*
 * Who is registered last is called first: before xen-vpio, whose symbols this module
 * uses.  No timer runs any more.
 */
static char *when_suspended;	/* under the mutex, or with all tasks stopped */

static int on_suspend(void)
{
	char *text = when_suspended;
	int err;

	if (!text)
		return 0;
	when_suspended = NULL;
	err = actions(text);
	kfree(text);
	return err;
}

static struct syscore_ops suspend_ops = { .suspend = on_suspend };

static int at_suspend(const char *text)
{
	kfree(when_suspended);
	when_suspended = kstrdup(text, GFP_KERNEL);
	return when_suspended ? 0 : -ENOMEM;
}

static int carry_out(char *text)
{
	unsigned long flags, a, b, count;
	char *rest = text;
	char *word = strsep(&rest, " \n");
	int err;

	if (!strcmp(word, "irqoff")) {
		local_irq_save(flags);
		err = actions(rest);
		local_irq_restore(flags);
		return err;
	}
	if (!strcmp(word, "hardirq"))
		return rest ? in_hardirq_context(rest) : -EINVAL;
	if (!strcmp(word, "suspend"))
		return rest ? at_suspend(rest) : -EINVAL;
	if (!strcmp(word, "pairs") || !strcmp(word, "dma")) {
		err = two(&rest, 10, &a, &count);
		if (err)
			return err;
		return word[0] == 'p' ? pairs(a, count) : vpiotest_dma(a, count);
	}
	if (!strcmp(word, "watch")) {
		err = two(&rest, 16, &a, &b);
		return err ? err : watch_start(a, b);
	}
	if (!strcmp(word, "nmi")) {
		err = two(&rest, 16, &a, &b);
		if (!err)
			err = number(&rest, 10, &count);
		return err ? err : vpiotest_nmi(a, b, count);
	}
	if (!strcmp(word, "stop")) {
		watch_stop();
		return 0;
	}
	if (rest)
		word[strlen(word)] = ' ';
	return actions(text);
}

static ssize_t vpiotest_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char *text;
	int err;

	if (len >= TEXT)
		return -E2BIG;
	text = memdup_user_nul(buf, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&mutex);
	answers[0] = '\0';
	err = carry_out(text);
	mutex_unlock(&mutex);
	kfree(text);
	return err ? err : len;
}

static ssize_t vpiotest_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	ssize_t ret;

	mutex_lock(&mutex);
	ret = simple_read_from_buffer(buf, len, pos, answers, strlen(answers));
	mutex_unlock(&mutex);
	return ret;
}

static const struct file_operations vpiotest_fops = {
	.owner = THIS_MODULE,
	.write = vpiotest_write,
	.read = vpiotest_read,
};

static struct dentry *debug_file;

static int __init vpiotest_init(void)
{
	register_syscore_ops(&suspend_ops);
	debug_file = debugfs_create_file("vpiotest", 0600, NULL, NULL, &vpiotest_fops);
	return 0;
}
module_init(vpiotest_init);

static void __exit vpiotest_exit(void)
{
	debugfs_remove(debug_file);
	unregister_syscore_ops(&suspend_ops);
	kfree(when_suspended);
	watch_stop();
}
module_exit(vpiotest_exit);

MODULE_DESCRIPTION("Port accesses by order, for tests");
MODULE_LICENSE("GPL");
