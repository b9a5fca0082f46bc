/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - how much time passes between two looks, for next to nothing.
 *
 * In a PV domain the kernel's clock is a system call, which goes through Xen twice:
 * dearer than what the looking is to save.  So this is the processor's counter.  A
 * difference of two counts may be nonsense if the counters of the processors are not
 * equal: compare it as an unsigned number, so that nonsense is a long time.
 *
 * For the main thread only.
 */
#ifndef VSYS_CLOCK_H
#define VSYS_CLOCK_H

#include <stdint.h>

/* Before all others. */
void clock_init(void);
uint64_t clock_ticks(void);
/* Now and then: compares with the kernel's clock, if that was more than a second ago. */
void clock_adjust(void);
int64_t clock_to_ns(uint64_t ticks);
uint64_t clock_of_ns(int64_t ns);

#endif /* VSYS_CLOCK_H */
