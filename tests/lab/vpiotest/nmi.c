// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nmi.c - port accesses in NMIs that interrupt port accesses.
 *
 * A CPU that waits for an answer holds its queue's lock with interrupts off.  An NMI
 * comes all the same, on that very CPU.  The thread has interrupts on outside its
 * accesses, so an NMI that finds them off came within one (or in another interrupt, if
 * the accesses are short).
 */
#include <asm/apic.h>
#include <asm/nmi.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <xen/xen.h>

#include "vpiotest.h"

#define BLOCK		4
#define SEND_CPU	0
#define ACCESS_CPU	1

static struct {
	u16 port, own;
	unsigned int count;
	bool done;
	unsigned int nmis;
	unsigned int within;	/* of them */
	unsigned int nmi_bad;	/* whose accesses gave what they must not */
	unsigned int bad;	/* accesses of the thread */
} run;

/* Claimed: nothing is written, all ones are read.  Four accesses. */
static bool claimed_is_right(u16 port)
{
	u8 bytes[BLOCK] = {};

	outb(0x55, port);
	outsb(port, bytes, sizeof(bytes));
	insb(port, bytes, sizeof(bytes));
	return inb(port) == 0xff && !memchr_inv(bytes, 0xff, sizeof(bytes));
}

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	u8 value;

	if (raw_smp_processor_id() != ACCESS_CPU)
		return NMI_DONE;
	value = run.nmis;
	run.within += !(regs->flags & X86_EFLAGS_IF);
	outb(value, run.own);
	run.nmi_bad += !claimed_is_right(run.port) || inb(run.own) != value;
	WRITE_ONCE(run.nmis, run.nmis + 1);
	return NMI_HANDLED;
}

static int access_run(void *unused)
{
	unsigned int n;

	for (n = 0; n < run.count; n++) {
		u8 value = n % 0x50;

		outb(value, run.port);
		run.bad += inb(run.port) != value;
		cond_resched();
	}
	WRITE_ONCE(run.done, true);
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

/* One after the other, each at another moment of the accesses. */
static int send_run(void *unused)
{
	while (!kthread_should_stop()) {
		unsigned int before = READ_ONCE(run.nmis);

		apic->send_IPI_mask(cpumask_of(ACCESS_CPU), NMI_VECTOR);
		while (READ_ONCE(run.nmis) == before && !kthread_should_stop())
			cond_resched();
		udelay(get_random_u32_below(1000));
	}
	return 0;
}

static int start_both(struct task_struct *task[2])
{
	task[0] = kthread_run_on_cpu(send_run, NULL, SEND_CPU, "vpiotest/send");
	if (IS_ERR(task[0]))
		return PTR_ERR(task[0]);
	task[1] = kthread_run_on_cpu(access_run, NULL, ACCESS_CPU, "vpiotest/access");
	if (!IS_ERR(task[1]))
		return 0;
	kthread_stop(task[0]);
	return PTR_ERR(task[1]);
}

int vpiotest_nmi(u16 port, u16 own, unsigned int count)
{
	struct task_struct *task[2];
	int err;

	if (xen_pv_domain() || !cpu_online(ACCESS_CPU))
		return -EOPNOTSUPP;
	memset(&run, 0, sizeof(run));
	run.port = port;
	run.own = own;
	run.count = count;
	err = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "vpiotest");
	if (err)
		return err;
	err = start_both(task);
	if (!err) {
		while (!READ_ONCE(run.done))
			msleep(10);
		/* First who sends: what comes to the other is expected. */
		kthread_stop(task[0]);
		kthread_stop(task[1]);
		vpiotest_say(run.nmis);
		vpiotest_say(run.within);
		vpiotest_say(run.nmi_bad);
		vpiotest_say(run.bad);
	}
	unregister_nmi_handler(NMI_LOCAL, "vpiotest");
	return err;
}
