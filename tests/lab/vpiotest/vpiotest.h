/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpiotest.h - between the parts of the module vpiotest.
 */
#ifndef VPIOTEST_H
#define VPIOTEST_H

#include <linux/types.h>

/* One more number for who reads the file. */
void vpiotest_say(u32 value);

/*
 * Another CPU makes count accesses to port, a register that keeps what was written,
 * while NMIs come to it, whose handler makes accesses, too: to port, and to own, such a
 * register of a range that nobody claimed.
 */
int vpiotest_nmi(u16 port, u16 own, unsigned int count);

/* An RTL8139 at these ports sends frames to itself, so many times. */
int vpiotest_dma(u16 port, unsigned int count);

#endif /* VPIOTEST_H */
