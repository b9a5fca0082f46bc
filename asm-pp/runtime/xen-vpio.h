/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xen-vpio.h - for modules that carry port accesses out: sinks.
 */
#ifndef XEN_VPIO_H
#define XEN_VPIO_H

#include "profile.h"

struct vpio_space;

/*
 * From now on accesses to these ports go to the sink, in batches.  carry_out is
 * called with interrupts off and a raw spinlock held, in any context but NMI: it
 * must not sleep, nor print (the console may be behind it), and with wait set it
 * answers before it returns.  An ERR_PTR:
 * -EBUSY if somebody has one of the ports, -ENOSPC if there are too many.
 */
struct vpio_space *vpio_claim(u16 first, u16 last, const struct vpio_sink *sink, void *data,
			      const struct vpio_profile *profile, unsigned int threshold);

/*
 * The ports of old are this sink's from now on: no access is the machine's own, or nobody's,
 * meanwhile.  old ends as by vpio_release().  An ERR_PTR: old stays.
 */
struct vpio_space *vpio_replace(struct vpio_space *old, const struct vpio_sink *sink, void *data,
				const struct vpio_profile *profile, unsigned int threshold);

/* What waits is carried out first; then carry_out is not called any more. */
void vpio_release(struct vpio_space *space);

/* Everything that waits goes out now. */
void vpio_flush(struct vpio_space *space);

/* On this machine's own ports. */
u32 vpio_native_in(u16 port, unsigned int width);
void vpio_native_out(u16 port, unsigned int width, u32 value);
void vpio_native_ins(u16 port, unsigned int width, void *buffer, u64 count, int step);
void vpio_native_outs(u16 port, unsigned int width, const void *buffer, u64 count, int step);

/* native.c: a sink for tests and measurements, that is such a port space. */
extern const struct vpio_sink vpio_native_sink;

#endif /* XEN_VPIO_H */
