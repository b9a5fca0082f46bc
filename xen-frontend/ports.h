/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ports.h - between ports.c and ports-irq.c.
 */
#ifndef VSYS_FRONT_PORTS_H
#define VSYS_FRONT_PORTS_H

#include "vsysfront.h"
#include "vsys-ports.h"

struct vsys_ports_irq;

/*
 * The interrupt of a range.  pirq: Xen's number of it in this domain, or negative:
 * Xen does not bring it, so the handler is called all the time.  An ERR_PTR.
 */
struct vsys_ports_irq *vsys_ports_irq_make(const char *label, int pirq);
/* Linux's number. */
int vsys_ports_irq_number(const struct vsys_ports_irq *pi);
void vsys_ports_irq_show(struct vsys_ports_irq *pi, struct seq_file *m);
/* No more interrupts.  The number stays as long as a driver has it. */
void vsys_ports_irq_stop(struct vsys_ports_irq *pi);
/* At the module's end, when no driver can have one. */
void vsys_ports_irq_exit(void);

#endif /* VSYS_FRONT_PORTS_H */
