/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stubs.S - what rewritten code calls in the place of an instruction.
 *
 * A stub keeps every register and every flag but those that the instruction
 * changes.  Flags are saved first and restored last, and nothing in between
 * looks at them.  It saves what C functions do not keep; vector registers it
 * does not save, and code below it must not touch them, as kernel code may not.
 *
 * Not safe below a red zone, nor without a stack: asm-pp refuses such code.
 */
#include "op.h"

#ifdef __KERNEL__
#include <linux/linkage.h>
#define ALIGN_STACK
#define RESTORE_STACK
#else
#define SYM_FUNC_START(name)	.globl name; .type name, @function; .p2align 4; name:
#define SYM_FUNC_END(name)	.size name, . - name
#define RET			ret
/* User space's ABI wants 16 bytes; %rbp is one that C keeps. */
#define ALIGN_STACK		pushq %rbp; movq %rsp, %rbp; andq $-16, %rsp
#define RESTORE_STACK		movq %rbp, %rsp; popq %rbp
#endif

	.text

.macro VPIO_ENTER op
	pushfq
	pushq	$\op
	std		/* objtool takes DF for clear here, and a lone cld for an error */
	cld
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	movq	%rsp, %rdi
	ALIGN_STACK
	call	vpio_access
	RESTORE_STACK
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
	leaq	8(%rsp), %rsp
	popfq
.endm

.macro VPIO_STUB name op
SYM_FUNC_START(__vpio_\name)
	VPIO_ENTER \op
	RET
SYM_FUNC_END(__vpio_\name)
.endm

VPIO_STUB inb,		VPIO_OP(VPIO_OP_IN, 0, 0)
VPIO_STUB inw,		VPIO_OP(VPIO_OP_IN, 1, 0)
VPIO_STUB inl,		VPIO_OP(VPIO_OP_IN, 2, 0)
VPIO_STUB outb,		VPIO_OP(VPIO_OP_OUT, 0, 0)
VPIO_STUB outw,		VPIO_OP(VPIO_OP_OUT, 1, 0)
VPIO_STUB outl,		VPIO_OP(VPIO_OP_OUT, 2, 0)
VPIO_STUB insb,		VPIO_OP(VPIO_OP_INS, 0, 0)
VPIO_STUB insw,		VPIO_OP(VPIO_OP_INS, 1, 0)
VPIO_STUB insl,		VPIO_OP(VPIO_OP_INS, 2, 0)
VPIO_STUB outsb,	VPIO_OP(VPIO_OP_OUTS, 0, 0)
VPIO_STUB outsw,	VPIO_OP(VPIO_OP_OUTS, 1, 0)
VPIO_STUB outsl,	VPIO_OP(VPIO_OP_OUTS, 2, 0)
VPIO_STUB rep_insb,	VPIO_OP(VPIO_OP_INS, 0, 1)
VPIO_STUB rep_insw,	VPIO_OP(VPIO_OP_INS, 1, 1)
VPIO_STUB rep_insl,	VPIO_OP(VPIO_OP_INS, 2, 1)
VPIO_STUB rep_outsb,	VPIO_OP(VPIO_OP_OUTS, 0, 1)
VPIO_STUB rep_outsw,	VPIO_OP(VPIO_OP_OUTS, 1, 1)
VPIO_STUB rep_outsl,	VPIO_OP(VPIO_OP_OUTS, 2, 1)

/* pushf has pushed already; popf pops after. */
VPIO_STUB pushf,	VPIO_OP(VPIO_OP_POINT, VPIO_POINT_OFF, 0)
VPIO_STUB popf,		VPIO_OP(VPIO_OP_POINT, VPIO_POINT_ON, 0)

SYM_FUNC_START(__vpio_cli)
	VPIO_ENTER VPIO_OP(VPIO_OP_POINT, VPIO_POINT_OFF, 0)
	cli
	RET
SYM_FUNC_END(__vpio_cli)

SYM_FUNC_START(__vpio_sti)
	VPIO_ENTER VPIO_OP(VPIO_OP_POINT, VPIO_POINT_ON, 0)
	sti
	RET
SYM_FUNC_END(__vpio_sti)

SYM_FUNC_START(__vpio_hlt)
	VPIO_ENTER VPIO_OP(VPIO_OP_POINT, VPIO_POINT_IDLE, 0)
	hlt
	RET
SYM_FUNC_END(__vpio_hlt)

/* No interrupt comes between these two, or a wake-up would be lost. */
SYM_FUNC_START(__vpio_sti_hlt)
	VPIO_ENTER VPIO_OP(VPIO_OP_POINT, VPIO_POINT_IDLE, 0)
	sti
	hlt
	RET
SYM_FUNC_END(__vpio_sti_hlt)

#ifndef __KERNEL__
	.section .note.GNU-stack, "", @progbits
#endif
