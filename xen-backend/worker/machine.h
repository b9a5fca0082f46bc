/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.h - the program of an executor: what machine.S and the worker share.
 *
 * An executor (docs/mirror.md) runs nothing but the machine: each of its threads
 * waits for its slot to change, makes the system calls that stand there one
 * after another, stores the result of the last one, and says so by an eventfd, if the
 * worker wants that.
 * Everything that decides what it does is in the slot, which it can't write.
 */
#ifndef VSYS_MACHINE_H
#define VSYS_MACHINE_H

/* Addresses in an executor. */
#define MACHINE_CODE		0x10000
#define MACHINE_SLOTS		0x20000

#define MACHINE_MAX		32	/* executors, with the template */
#define MACHINE_LANES		64	/* of an executor; see executor.h */
#define MACHINE_OPS		15	/* of the agent's slot; others have MACHINE_CALL_OPS */
#define MACHINE_CALL_OPS	3
#define MACHINE_SLOT_SIZE	256
#define MACHINE_AGENT_SLOTS	4	/* the agent's slot is that much larger */
#define MACHINE_RESULT_SIZE	16
#define MACHINE_THREADS		2	/* of a lane: the agent, and that which makes calls */
#define MACHINE_STACK_SIZE	0x2000	/* of a thread, for signal frames */

#define MACHINE_LANE_SIZE	((MACHINE_AGENT_SLOTS + 1) * MACHINE_SLOT_SIZE)
#define MACHINE_SLOT_AREA	0x14000	/* of an executor */
#define MACHINE_RESULTS		(MACHINE_SLOTS + MACHINE_MAX * MACHINE_SLOT_AREA)
#define MACHINE_RESULT_AREA	0x1000
#define MACHINE_STACKS		(MACHINE_RESULTS + MACHINE_MAX * MACHINE_RESULT_AREA)
#define MACHINE_LIMIT		(MACHINE_STACKS + MACHINE_THREADS * MACHINE_STACK_SIZE)

/* struct machine_slot */
#define SLOT_SEQ		0
#define SLOT_NR			4
#define SLOT_RESULT		8
#define SLOT_STACK		16
#define SLOT_EVENT		24
#define SLOT_SIGNAL		28
#define SLOT_BELL		32
#define SLOT_OPS		64
/* struct machine_op */
#define OP_NR			0
#define OP_ARG(n)		(8 + 8 * (n))
#define OP_FLAGS		56
#define OP_SIZE			64
/* struct machine_result */
#define RESULT_VALUE		0
#define RESULT_SEQ		8
#define RESULT_NR		12

#define OP_COMPAT		1	/* by int 0x80, as a 32-bit program does */
#define OP_CLONE		2	/* the child's slot is args[5] */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct machine_op {
	uint64_t nr;
	uint64_t arg[6];
	uint64_t flags;
};

struct machine_slot {
	uint32_t seq;			/* a new value: go; a futex */
	uint32_t nr;			/* operations */
	uint64_t result;		/* address of the struct machine_result */
	uint64_t stack;			/* top of the signal stack */
	uint32_t event_fd;
	uint32_t signal;		/* 1: what it does may be interrupted */
	uint32_t bell;			/* 1: the worker does not look, the event_fd is written */
	uint32_t zero[7];
	struct machine_op op[MACHINE_CALL_OPS];
};

struct machine_result {
	uint64_t value;			/* of the last operation that was made */
	uint32_t seq;			/* of the slot, when all is done */
	uint32_t nr;			/* index of that operation */
};

_Static_assert(sizeof(struct machine_op) == OP_SIZE, "OP_SIZE");
_Static_assert(offsetof(struct machine_op, flags) == OP_FLAGS, "OP_FLAGS");
_Static_assert(MACHINE_LANES * MACHINE_LANE_SIZE <= MACHINE_SLOT_AREA, "MACHINE_SLOT_AREA");
_Static_assert(SLOT_OPS + MACHINE_OPS * OP_SIZE <= MACHINE_AGENT_SLOTS * MACHINE_SLOT_SIZE,
	       "MACHINE_AGENT_SLOTS");
_Static_assert(MACHINE_LANES * MACHINE_THREADS * MACHINE_RESULT_SIZE <= MACHINE_RESULT_AREA,
	       "MACHINE_RESULT_AREA");
_Static_assert(MACHINE_LIMIT <= 0x400000, "all of it is below what is the guest's");
_Static_assert(sizeof(struct machine_slot) == MACHINE_SLOT_SIZE, "MACHINE_SLOT_SIZE");
_Static_assert(offsetof(struct machine_slot, result) == SLOT_RESULT, "SLOT_RESULT");
_Static_assert(offsetof(struct machine_slot, stack) == SLOT_STACK, "SLOT_STACK");
_Static_assert(offsetof(struct machine_slot, event_fd) == SLOT_EVENT, "SLOT_EVENT");
_Static_assert(offsetof(struct machine_slot, signal) == SLOT_SIGNAL, "SLOT_SIGNAL");
_Static_assert(offsetof(struct machine_slot, bell) == SLOT_BELL, "SLOT_BELL");
_Static_assert(offsetof(struct machine_slot, op) == SLOT_OPS, "SLOT_OPS");
_Static_assert(sizeof(struct machine_result) == MACHINE_RESULT_SIZE, "MACHINE_RESULT_SIZE");

/* The code, to be copied to MACHINE_CODE; it runs at any address. */
extern const char machine_begin[], machine_end[];
/* Entries, as they lie in it. */
extern const char machine_enter[], machine_signal[], machine_restorer[];
#endif

#endif /* VSYS_MACHINE_H */
