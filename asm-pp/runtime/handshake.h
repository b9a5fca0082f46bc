/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handshake.h - what is known of a device that takes commands and moves blocks of
 * data when its status says so: busy, asking for data, neither.
 *
 * A rule is constant and of the device's kind; docs/asm-pp.md says what is made of it.
 * For queue.c, under the queue's lock; drivers know nothing of it.
 */
#ifndef VPIO_HANDSHAKE_H
#define VPIO_HANDSHAKE_H

#include "vpio.h"

#define VPIO_BLOCK	8192u	/* bytes that are read ahead, at most */
#define VPIO_TRANSFERS	16	/* commands of a rule */

/* What a command makes the device do.  Of others nothing is known. */
#define VPIO_NO_DATA	0u
#define VPIO_FROM_DEVICE 1u
#define VPIO_TO_DEVICE	2u
#define VPIO_ONE	4u	/* one unit; else as many as the count says */
#define VPIO_LONG	8u	/* the count was written twice, high part first */

struct vpio_transfer {
	u8 command;
	u8 flags;
};

struct vpio_handshake {
	/* Ports, counted from the queue's first. */
	u16 data;		/* its values are a stream of bytes, whatever the width */
	u16 status;		/* reading it acknowledges the interrupt */
	u16 peek;		/* the same, and does not */
	u16 command, control, select, count;
	u8 busy, asks, wrong;	/* bits of the status; the others mean nothing with the first */
	u8 quiet, reset;	/* of the control: no interrupts; all is forgotten */
	u8 device;		/* of the selection: which one it is that all is said of */
	u16 unit;		/* bytes that the count counts; a block has at least one */
	const struct vpio_transfer *transfer;
	unsigned int transfers;
};

/* Of a queue.  Bytes and blocks are as far as the driver is. */
struct vpio_hand {
	const struct vpio_handshake *rule;	/* NULL: there is none */

	bool known;		/* the status, not busy: it changes by outputs and data only */
	u8 value;
	bool acknowledged;	/* nothing more would come of reading it */
	bool unsent;		/* what makes the device busy is not on its way yet */
	bool held;		/* ... and would have been a doorbell */
	bool fresh;		/* it was the last access */
	bool peeks;		/* at once after it, as the driver does or does not */
	bool busy_after;	/* the device was busy after a block that was read ahead */
	unsigned int busy_said;	/* so often at once, to the driver */
	u64 said_time;

	bool is_quiet, is_reset, is_selected;
	u8 selected;
	u8 count[2];		/* written last, and before */

	const struct vpio_transfer *transfer;	/* under way, or NULL */
	bool first;		/* and nothing of it was moved */
	u32 left;		/* bytes of it */
	u32 went;		/* since the driver asked for the status */
	u32 most[VPIO_TRANSFERS];	/* of that, by command: so long a block was */
	u8 width;		/* of accesses to the data port */
	unsigned int records, units;	/* of the batch: where they are fetched, and how many */

	u32 fetched, taken;	/* bytes that were read ahead, and of them by the driver */
	u8 after;		/* the status after them */
	u8 block[VPIO_BLOCK];
};

#endif /* VPIO_HANDSHAKE_H */
