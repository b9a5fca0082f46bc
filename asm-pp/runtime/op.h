/* SPDX-License-Identifier: GPL-2.0 */
/*
 * op.h - which instruction a stub stands for; for C and for the assembler.
 */
#ifndef VPIO_OP_H
#define VPIO_OP_H

#define VPIO_OP_IN	0
#define VPIO_OP_OUT	1
#define VPIO_OP_INS	2
#define VPIO_OP_OUTS	3
#define VPIO_OP_POINT	4	/* no port: see vpio_point() */

/* width: 0, 1, 2 for 1, 2, 4 bytes; rep: 0 or 1. */
#define VPIO_OP(kind, width, rep) ((kind) | (width) << 3 | (rep) << 5)
#define VPIO_OP_KIND(op)	((op) & 7)
#define VPIO_OP_WIDTH(op)	((op) >> 3 & 3)
#define VPIO_OP_REP(op)		((op) >> 5 & 1)

/* Points, in the place of the width. */
#define VPIO_POINT_IDLE		0	/* before hlt */
#define VPIO_POINT_ON		1	/* before sti and popf */
#define VPIO_POINT_OFF		2	/* before cli, after pushf */

#endif /* VPIO_OP_H */
