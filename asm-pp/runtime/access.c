// SPDX-License-Identifier: GPL-2.0
/*
 * access.c - what port instructions do to registers and memory.
 *
 * inb changes %al and inw %ax only; inl clears the upper half of %rax, as every
 * 32-bit result does.  Strings move %rdi or %rsi by the direction flag; with rep
 * %rcx is counted down to zero, and zero at the start does nothing.  No flag
 * changes.
 */
#include "vpio.h"

#define FLAGS_DF 0x400u

static const u32 mask[] = { 0xff, 0xffff, 0xffffffff };

static void access_in(struct vpio_frame *f, unsigned int width)
{
	u32 value = vpio_in((u16)f->rdx, width) & mask[width];

	if (width == 2)
		f->rax = value;
	else
		f->rax = (f->rax & ~(u64)mask[width]) | value;
}

static void access_string(struct vpio_frame *f, unsigned int width, bool in, bool rep)
{
	int step = f->flags & FLAGS_DF ? -1 : 1;
	u64 count = rep ? f->rcx : 1;
	u64 *index = in ? &f->rdi : &f->rsi;

	if (!count)
		return;
	if (in)
		vpio_ins((u16)f->rdx, width, (void *)(unsigned long)*index, count, step);
	else
		vpio_outs((u16)f->rdx, width, (const void *)(unsigned long)*index, count, step);
	if (step > 0)
		*index += count << width;
	else
		*index -= count << width;
	if (rep)
		f->rcx = 0;
}

void vpio_access(struct vpio_frame *f)
{
	unsigned int op = (unsigned int)f->op, width = VPIO_OP_WIDTH(op);

	switch (VPIO_OP_KIND(op)) {
	case VPIO_OP_IN:
		access_in(f, width);
		break;
	case VPIO_OP_OUT:
		vpio_out((u16)f->rdx, width, (u32)f->rax & mask[width]);
		break;
	case VPIO_OP_INS:
		access_string(f, width, true, VPIO_OP_REP(op));
		break;
	case VPIO_OP_OUTS:
		access_string(f, width, false, VPIO_OP_REP(op));
		break;
	default:
		vpio_point(width);
		break;
	}
}
