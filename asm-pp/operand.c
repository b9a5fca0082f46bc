// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * operand.c - the operands of port instructions.
 *
 *	in   PORT[, REG]		PORT: %dx, (%dx) or $EXPRESSION
 *	out  [REG,] PORT
 *	ins  [%dx, MEM]			MEM: [%es:](%rdi)
 *	outs [MEM, %dx]			MEM: [%ds:](%rsi)
 *
 * What is not of this form is refused, also when gas would take it: the
 * assembler cannot check what it does not see any more.
 */
#include <string.h>
#include <strings.h>

#include "asm-pp/operand.h"

struct cursor {
	const struct token *at;
	const struct token *end;
};

static const char *const accumulator[] = { "al", "ax", "eax" };

bool token_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && token->len == strlen(word) &&
	       !strncasecmp(token->text, word, token->len);
}

bool token_punct(const struct token *token, char c)
{
	return token->kind == TOKEN_PUNCT && *token->text == c;
}

static bool eat_punct(struct cursor *c, char punct)
{
	if (c->at == c->end || !token_punct(c->at, punct))
		return false;
	c->at++;
	return true;
}

/* "%NAME", or "NAME" where registers are written without a sign. */
static bool eat_register(struct cursor *c, const char *name)
{
	struct cursor saved = *c;

	eat_punct(c, '%');
	if (c->at != c->end && token_is(c->at, name)) {
		c->at++;
		return true;
	}
	*c = saved;
	return false;
}

static bool eat_dx(struct cursor *c)
{
	struct cursor saved = *c;

	if (eat_register(c, "dx"))
		return true;
	if (eat_punct(c, '(') && eat_register(c, "dx") && eat_punct(c, ')'))
		return true;
	*c = saved;
	return false;
}

static bool eat_port(struct cursor *c, struct port_insn *insn)
{
	int depth = 0;

	if (eat_dx(c))
		return true;
	if (!eat_punct(c, '$'))
		return false;
	insn->imm = c->at;
	for (; c->at != c->end; c->at++) {
		if (token_punct(c->at, '('))
			depth++;
		else if (token_punct(c->at, ')'))
			depth--;
		else if (token_punct(c->at, '%') || token_punct(c->at, '$') ||
			 c->at->kind == TOKEN_STRING || lex_is_iomap(c->at->text, c->at->len))
			return false;	/* no number */
		else if (token_punct(c->at, ',') && !depth)
			break;
	}
	if (c->at == insn->imm || depth)
		return false;
	insn->imm_last = c->at - 1;
	return true;
}

/* The register also says how wide an instruction without suffix is. */
static bool eat_accumulator(struct cursor *c, int *width)
{
	for (int i = 0; i < 3; i++) {
		if (eat_register(c, accumulator[i])) {
			if (*width >= 0 && *width != i)
				return false;
			*width = i;
			return true;
		}
	}
	return false;
}

static bool eat_memory(struct cursor *c, const char *segment, const char *base)
{
	if (eat_register(c, segment) && !eat_punct(c, ':'))
		return false;
	return eat_punct(c, '(') && eat_register(c, base) && eat_punct(c, ')');
}

static const char *parse_in_out(struct port_insn *insn, struct cursor *c, int *width)
{
	bool ok;

	if (insn->kind == PORT_IN)
		ok = eat_port(c, insn) &&
		     (c->at == c->end || (eat_punct(c, ',') && eat_accumulator(c, width)));
	else if (eat_accumulator(c, width))
		ok = eat_punct(c, ',') && eat_port(c, insn);
	else
		ok = eat_port(c, insn);
	if (!ok || c->at != c->end)
		return "its operands are not understood";
	return NULL;
}

static const char *parse_string(struct port_insn *insn, struct cursor *c, unsigned int bits)
{
	const char *index = insn->kind == PORT_INS ? bits == 64 ? "rdi" : "edi"
						   : bits == 64 ? "rsi" : "esi";
	bool ok;

	if (c->at == c->end)
		return NULL;
	if (insn->kind == PORT_INS)
		ok = eat_dx(c) && eat_punct(c, ',') && eat_memory(c, "es", index);
	else
		ok = eat_memory(c, "ds", index) && eat_punct(c, ',') && eat_dx(c);
	if (!ok || c->at != c->end)
		return "its operands are not the plain ones (no other segment, no other address size)";
	return NULL;
}

const char *operand_parse(struct port_insn *insn, enum keyword mnemonic,
			  const struct token *token, size_t tokens, unsigned int bits)
{
	struct cursor c = { token, token + tokens };
	unsigned int nr = mnemonic - KEYWORD_IN;	/* four of each kind */
	int width = (int)(nr % 4) - 1;
	const char *why;

	*insn = (struct port_insn){ .kind = (enum port_kind)(nr / 4) };
	if (insn->kind == PORT_IN || insn->kind == PORT_OUT)
		why = parse_in_out(insn, &c, &width);
	else
		why = parse_string(insn, &c, bits);
	if (why)
		return why;
	if (width < 0)
		return "neither suffix nor register says how wide it is";
	insn->width = (unsigned int)width;
	return NULL;
}
