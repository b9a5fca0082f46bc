/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - does this code use memory below its stack pointer?
 *
 * A call overwrites it.  Compilers use this "red zone" in functions that call
 * nothing, and an asm statement is no call to them.  What is looked for:
 * operands -N(%rsp), and -N(%rbp) beyond what the function made room for.
 */
#ifndef ASM_PP_FRAME_H
#define ASM_PP_FRAME_H

#include "asm-pp/lex.h"

struct frame {
	bool pointer;			/* %rbp is the frame pointer */
	bool unknown;			/* room that cannot be told */
	unsigned long long room;	/* below %rbp */
};

/* A function begins. */
void frame_start(struct frame *frame);

/* An instruction; true: it uses memory below the stack pointer. */
bool frame_insn(struct frame *frame, enum keyword mnemonic,
		const struct token *token, size_t tokens);

#endif /* ASM_PP_FRAME_H */
