/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * operand.h - the operands of port instructions, in AT&T syntax.
 */
#ifndef ASM_PP_OPERAND_H
#define ASM_PP_OPERAND_H

#include "asm-pp/lex.h"

enum port_kind {
	PORT_IN,
	PORT_OUT,
	PORT_INS,
	PORT_OUTS,
};

struct port_insn {
	enum port_kind kind;
	unsigned int width;		/* 0, 1, 2: 1, 2 or 4 bytes */
	const struct token *imm;	/* the port's expression, or NULL: %dx */
	const struct token *imm_last;
};

/*
 * Tokens are those after the mnemonic, without blanks and comments.
 * NULL, or why the instruction cannot be rewritten.
 */
const char *operand_parse(struct port_insn *insn, enum keyword mnemonic,
			  const struct token *token, size_t tokens, unsigned int bits);

/* Is this token the word, in any case of letters? */
bool token_is(const struct token *token, const char *word);

/* Is this token that character? */
bool token_punct(const struct token *token, char c);

#endif /* ASM_PP_OPERAND_H */
