/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irq.h - a machine's interrupt, given to a guest by Xen.
 *
 * Tests put something else in the place of irq.c.
 */
#ifndef VSYS_IRQ_H
#define VSYS_IRQ_H

#include <stdint.h>

#include "fault.h"

/*
 * The number by which the guest has it from now on, or a negative errno and the
 * reason.  A domain that is gone has nothing to be taken back.
 */
int irq_lend(uint32_t domid, int irq, struct fault *f);
void irq_take_back(uint32_t domid, int pirq);

#endif /* VSYS_IRQ_H */
