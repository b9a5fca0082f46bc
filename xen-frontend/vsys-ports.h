/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vsys-ports.h - for modules that use ranges of I/O ports of another domain.
 *
 * A range is there from VSYS_PORTS_ADD on until its last vsys_ports_put().  When
 * the device goes it stays, gone: batches give -ENODEV, and it never comes back;
 * a device that is attached again is another range.
 */
#ifndef VSYS_PORTS_H
#define VSYS_PORTS_H

#include <linux/notifier.h>
#include <linux/types.h>

#include <xen/io/vsysif.h>

struct vsys_ports;

struct vsys_ports_info {
	const char *name;	/* of the device; as long as the range */
	u16 first, last;
	int irq;		/* Linux's number of its interrupt; 0: none */
};

/*
 * Those who want to know what ranges there are.  The chain is called from process
 * context, with VSYS_PORTS_ADD also for the ranges that were there before.
 */
#define VSYS_PORTS_ADD		1ul
#define VSYS_PORTS_GONE		2ul

int vsys_ports_watch(struct notifier_block *nb);
void vsys_ports_unwatch(struct notifier_block *nb);

void vsys_ports_get(struct vsys_ports *p);
void vsys_ports_put(struct vsys_ports *p);
void vsys_ports_info(const struct vsys_ports *p, struct vsys_ports_info *info);

/*
 * Carries out nr operations (VSYS_PORT_MAX_OPS at most) with len bytes of blocks
 * (VSYS_PORT_MAX_BYTES at most), after all that came before.  Any context but NMI;
 * it does not sleep, allocate or print.  With wait the answers are in op and bytes
 * when it returns, which may take as long as the device needs.  Without, it
 * returns earlier, and there are no answers.
 *
 * 0, also if the back-end has refused some ports: their inputs are all ones.
 * Negative: the device is gone.
 */
int vsys_ports_carry_out(struct vsys_ports *p, struct vsys_port_op *op, unsigned int nr,
			 u8 *bytes, unsigned int len, bool wait);

#endif /* VSYS_PORTS_H */
