// SPDX-License-Identifier: GPL-2.0-or-later
/* frame.c - finds use of the red zone in 64-bit code. */
#include <stdlib.h>

#include "asm-pp/frame.h"
#include "asm-pp/operand.h"

void frame_start(struct frame *frame)
{
	*frame = (struct frame){ 0 };
}

static bool is_register(const struct token *token, size_t tokens, const char *name)
{
	return tokens >= 2 && token_punct(&token[0], '%') && token_is(&token[1], name);
}

/* The last operand. */
static bool writes_rsp(const struct token *token, size_t tokens)
{
	return tokens >= 3 && token_punct(&token[tokens - 3], ',') &&
	       is_register(&token[tokens - 2], 2, "rsp");
}

/* Tokens are text of the input, where a number ends by itself. */
static unsigned long long number(const struct token *token)
{
	return strtoull(token->text, NULL, 0);
}

static bool is_number(const struct token *token)
{
	return token->kind == TOKEN_WORD && *token->text >= '0' && *token->text <= '9';
}

/* "-N(%BASE": the operand that starts here. */
static bool is_below(const struct token *token, size_t tokens, const char *base)
{
	return tokens >= 5 && token_punct(&token[0], '-') && is_number(&token[1]) &&
	       token_punct(&token[2], '(') && is_register(&token[3], tokens - 3, base);
}

static void make_room(struct frame *frame, enum keyword mnemonic,
		      const struct token *token, size_t tokens)
{
	if (mnemonic == KEYWORD_PUSH) {
		frame->room += 8;
	} else if (mnemonic == KEYWORD_SUB && writes_rsp(token, tokens)) {
		if (tokens == 5 && token_punct(&token[0], '$') && is_number(&token[1]))
			frame->room += number(&token[1]);
		else
			frame->unknown = true;
	} else if ((mnemonic == KEYWORD_LEA || mnemonic == KEYWORD_AND ||
		    mnemonic == KEYWORD_MOV) && writes_rsp(token, tokens)) {
		frame->unknown = true;
	}
}

bool frame_insn(struct frame *frame, enum keyword mnemonic,
		const struct token *token, size_t tokens)
{
	if (mnemonic == KEYWORD_MOV && tokens == 5 && is_register(token, tokens, "rsp") &&
	    token_punct(&token[2], ',') && is_register(&token[3], 2, "rbp")) {
		frame->pointer = true;
		frame->room = 0;
		return false;
	}
	make_room(frame, mnemonic, token, tokens);
	for (size_t i = 0; i < tokens; i++) {
		if (i && !token_punct(&token[i - 1], ',') && !token_punct(&token[i - 1], '*') &&
		    !token_punct(&token[i - 1], ':'))
			continue;
		if (mnemonic != KEYWORD_LEA && is_below(&token[i], tokens - i, "rsp"))
			return true;
		if (frame->pointer && !frame->unknown && is_below(&token[i], tokens - i, "rbp") &&
		    number(&token[i + 1]) > frame->room)
			return true;
	}
	return false;
}
