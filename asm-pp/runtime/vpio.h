/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vpio.h - between the stubs that rewritten code calls and what carries the
 * accesses out.
 *
 *	rewritten driver -> stubs.S -> access.c -> vpio_in(), vpio_out() ...
 *
 * Stubs and access.c know registers and no device; what is below knows ports
 * and no register.  Neither needs a kernel: tests run them in user space.
 */
#ifndef VPIO_H
#define VPIO_H

#include "op.h"

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#endif

/*
 * What a stub leaves on the stack, lowest address first: the registers that C
 * does not keep, the operation, the flags, and the stub's return address.
 */
struct vpio_frame {
	u64 r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	u64 op;
	u64 flags;
	u64 ip;
};

/* Called by the stubs only: does what the instruction does to registers. */
void vpio_access(struct vpio_frame *frame);

/*
 * Supplied by what is below.  A width is 0, 1 or 2.  Block operations move
 * count values in the order of their addresses; step is 1, or -1 if the
 * direction flag is set: then buffer is the last and highest.
 */
u32 vpio_in(u16 port, unsigned int width);
void vpio_out(u16 port, unsigned int width, u32 value);
void vpio_ins(u16 port, unsigned int width, void *buffer, u64 count, int step);
void vpio_outs(u16 port, unsigned int width, const void *buffer, u64 count, int step);
void vpio_point(unsigned int point);

/* The stubs.  They are no C functions: these names are for exporting them. */
#define VPIO_STUBS(X)								\
	X(inb) X(inw) X(inl) X(outb) X(outw) X(outl)				\
	X(insb) X(insw) X(insl) X(outsb) X(outsw) X(outsl)			\
	X(rep_insb) X(rep_insw) X(rep_insl)					\
	X(rep_outsb) X(rep_outsw) X(rep_outsl)					\
	X(hlt) X(sti_hlt) X(cli) X(sti) X(pushf) X(popf)

#define VPIO_DECLARE(name) void __vpio_##name(void);
VPIO_STUBS(VPIO_DECLARE)
#undef VPIO_DECLARE

#endif /* VPIO_H */
