/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - accesses to a device's ports that wait to be carried out together.
 *
 * One queue is one order: everything that is put in is carried out in the order
 * of the calls, once.  What a driver can see is what a slower device would
 * show.  docs/asm-pp.md has the rules; queue.c keeps them.
 *
 * Not locked, and knows no kernel: whoever calls holds the queue's lock.
 */
#ifndef VPIO_QUEUE_H
#define VPIO_QUEUE_H

#include "handshake.h"
#include "vpio.h"

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <stddef.h>
#include <string.h>
#endif

#define VPIO_RECORDS	128
#define VPIO_BYTES	8192	/* of block operations */
#define VPIO_PORTS	256	/* of a queue */
#define VPIO_INPUTS	8	/* values that were read ahead */
#define VPIO_AHEAD	3	/* at most so many with one input */
#define VPIO_FOLLOW	2	/* inputs that are known to follow one */
#define VPIO_AGE_NS	50000	/* two inputs further apart are no pair, and no poll */
#define VPIO_POLL_READS	1000	/* of one port, until its value changes */

/* What a record asks for.  The layout is that of struct vsys_port_op. */
#define VPIO_REC_OUT	1	/* value */
#define VPIO_REC_IN	2	/* value is the answer */
#define VPIO_REC_OUTS	3	/* count values, at byte "value" of the bytes */
#define VPIO_REC_INS	4	/* the same, to there */
#define VPIO_REC_CHANGE	5	/* as IN, again until (new ^ value) & mask, at most count times */

struct vpio_rec {
	u16 port;
	u8 op;
	u8 width;
	u32 value;
	u32 count;
	u32 mask;
};

/*
 * Where a batch goes.  Carries all records out, in order, and puts answers
 * where the values and bytes were.  Without wait there is nothing to answer,
 * and it may come back earlier; the records are its own to copy.  Not 0: the
 * device is gone.
 */
struct vpio_sink {
	int (*carry_out)(void *data, struct vpio_rec *rec, unsigned int nr,
			 u8 *bytes, unsigned int len, bool wait);
};

#define VPIO_REC_UNTIL	6	/* as IN, again until (new & mask) == value; else the sink fails */
#define VPIO_REC_WHEN	7	/* as IN; unless (new & mask) == value, count records after it are left out */

/*
 * What is known of ports.  Without a rule a port is taken for the worst.  The
 * first rule that fits counts; one that has a bank fits while it is selected.
 */
#define VPIO_PURE	1u	/* reading it changes nothing */
#define VPIO_KEPT	2u	/* and it reads as what was written last, but for "clears" */
#define VPIO_DOORBELL	4u	/* writing these bits starts something */
#define VPIO_AWAITED	8u	/* these bits come when a block was written to "after" */
#define VPIO_SELECTS	16u	/* these bits select the bank */
#define VPIO_RESETS	32u	/* any access resets the device: nothing is known any more */
#define VPIO_PRODUCES	64u	/* how far the device is in a ring that the driver follows by "after" */
#define VPIO_NOTED	128u	/* what was written last counts for PRODUCES, but reads as something else */

#define VPIO_BANKS	4
#define VPIO_BANK(n)	((n) + 1)	/* for .bank; 0: any */

struct vpio_rule {
	u16 first, last;	/* ports, counted from the queue's first */
	u8 flags;
	u8 bank;
	u8 bits;		/* DOORBELL (0: any value), AWAITED */
	u8 selects;
	u8 clears;		/* the device clears them, and nobody else does */
	u16 after;		/* a port, counted from the first */
	/* SELECTS: a value that has "idle" in the bits of "rest" does nothing but select. */
	u8 rest, idle;
	/* PRODUCES: ports that were written the ring's first place, and the one after its last. */
	u8 start, stop;
};

/* Why a batch left. */
enum vpio_why {
	VPIO_WHY_INPUT,		/* somebody waits for its answer */
	VPIO_WHY_THRESHOLD,
	VPIO_WHY_DOORBELL,
	VPIO_WHY_FULL,		/* a block has no room */
	VPIO_WHY_FLUSH,		/* an interrupt handler's end, hlt, suspend and the like */
	VPIO_WHY_TICK,
	VPIO_WHYS
};

struct vpio_stats {
	u64 outs, ins;		/* as the driver made them */
	u64 known, ahead, posted;	/* inputs that needed no batch */
	u64 batches, waits;	/* handed to the sink; of them, waited for */
	u64 records;
	u64 changes;		/* polls that were carried out elsewhere */
	u64 lost;		/* after the device was gone */
	u64 why[VPIO_WHYS];	/* of the batches */
};

struct vpio_input {
	u16 port;
	u8 width, bank;
	u16 rec;		/* of the batch that brings it */
	u32 value;
};

/* An input that came after another one, with nothing between but the bank's selection. */
struct vpio_follower {
	u16 port;		/* 0: none; else counted from the first, plus 1 */
	u8 bank;
	u8 select;		/* what selected it */
};

struct vpio_queue {
	u16 first, last;	/* ports */
	const struct vpio_sink *sink;
	void *data;
	const struct vpio_rule *rule;
	unsigned int rules;
	unsigned int threshold;	/* records; 1: no batches */
	bool gone;

	struct vpio_rec rec[VPIO_RECORDS];
	unsigned int nr, used;
	u8 bytes[VPIO_BYTES];

	struct vpio_input input[VPIO_INPUTS];	/* the input queue: read ahead */
	unsigned int input_head, inputs;

	/* By port, counted from the first. */
	u8 kept_width[VPIO_BANKS][VPIO_PORTS];	/* 0: not known; else width + 1 */
	u32 kept[VPIO_BANKS][VPIO_PORTS];
	struct vpio_follower follows[VPIO_BANKS][VPIO_PORTS][VPIO_FOLLOW];	/* latest first */

	u8 bank;				/* VPIO_BANK(), or 0: not known */
	const struct vpio_rule *selector;	/* the rule of the port that selects it, or NULL */
	u8 select;				/* what was written there last */
	bool selects_only;			/* and that may be written again */
	const struct vpio_rule *awaited;	/* its bits are on their way */
	bool wanted;				/* the driver reads what clears itself */

	/* The input before, if nothing came after it but selections. */
	bool repeated;
	bool same;		/* and it said the same as the one before */
	u16 last_port;
	u8 last_width, last_bank;
	u64 last_time;
	u64 ahead_time;		/* when those inputs were read */
	u32 last_value;

	bool in_handler;	/* set by the caller: an interrupt's, so a driver's answer to it */
	struct vpio_hand hand;

	struct vpio_stats stats;
	u32 waits_at[VPIO_PORTS];	/* which inputs the batches waited for */
};

/* Supplied by whoever has a clock, in nanoseconds. */
u64 vpio_clock(void);

/* -EINVAL: ports, rules or threshold are impossible. */
int vpio_queue_init(struct vpio_queue *q, u16 first, u16 last, const struct vpio_sink *sink,
		    void *data, const struct vpio_rule *rule, unsigned int rules,
		    unsigned int threshold);

/* Before the first access.  -EINVAL: such a device has not these ports. */
int vpio_queue_handshake(struct vpio_queue *q, const struct vpio_handshake *rule);

u32 vpio_queue_in(struct vpio_queue *q, u16 port, unsigned int width);
void vpio_queue_out(struct vpio_queue *q, u16 port, unsigned int width, u32 value);
void vpio_queue_ins(struct vpio_queue *q, u16 port, unsigned int width, void *buffer, u64 count,
		    int step);
void vpio_queue_outs(struct vpio_queue *q, u16 port, unsigned int width, const void *buffer,
		     u64 count, int step);

/* Nothing is left waiting. */
void vpio_queue_flush(struct vpio_queue *q);

/* Nor is anything remembered that was read ahead and may have changed. */
void vpio_queue_tick(struct vpio_queue *q);

/* --- between queue.c and hand.c ------------------------------------------ */

struct vpio_rec *vpio_queue_add(struct vpio_queue *q, u8 op, u16 port, unsigned int width, u32 value);
bool vpio_queue_carry_out(struct vpio_queue *q, enum vpio_why why);

/* What an output means, which is in the queue already.  True: it rings. */
bool vpio_hand_out(struct vpio_queue *q, u16 port, unsigned int width, u32 value);

/* So many bytes of a block are in the queue, or went.  True: they ring. */
bool vpio_hand_outs(struct vpio_queue *q, u16 port, unsigned int width, u64 len);

/* An input; false: it is an ordinary one. */
bool vpio_hand_in(struct vpio_queue *q, u16 port, unsigned int width, u32 *value);

/* So many bytes of a block were read ahead, and are in *from now; 0: none. */
u32 vpio_hand_ins(struct vpio_queue *q, u16 port, unsigned int width, u64 len, const u8 **from);

/* So many were read at once. */
void vpio_hand_ins_done(struct vpio_queue *q, u16 port, u64 len);

#endif /* VPIO_QUEUE_H */
