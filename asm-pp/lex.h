/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lex.h - the tokens of GNU assembler text for x86, as gas itself cuts it.
 *
 * Every byte of the input belongs to exactly one token, so that what is not
 * rewritten can be copied as it stands.
 */
#ifndef ASM_PP_LEX_H
#define ASM_PP_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_NEWLINE,		/* ends a statement */
	TOKEN_SEMICOLON,	/* ends a statement */
	TOKEN_SPACE,
	TOKEN_COMMENT,
	TOKEN_MARKER,		/* # LINE "FILE" ..., of a preprocessor */
	TOKEN_WORD,		/* mnemonic, symbol, directive, number */
	TOKEN_STRING,
	TOKEN_CHAR,		/* 'c */
	TOKEN_PUNCT,		/* one character */
	TOKEN_OPEN_STRING,	/* a string that does not end on its line */
	TOKEN_OPEN_COMMENT,	/* a comment that does not end */
	TOKEN_NUL,		/* a NUL byte inside the text */
};

struct token {
	enum token_kind kind;
	const char *text;	/* in the input, not terminated */
	size_t len;
	unsigned long line;	/* where it starts, from 1 */
};

struct lexer {
	const char *at;
	const char *end;	/* *end is NUL */
	unsigned long line;
	bool line_start;	/* nothing but blanks since a line or ';' ended */
};

void lex_start(struct lexer *lex, const char *text, size_t len);
void lex_next(struct lexer *lex, struct token *token);

/* What a word means at the start of a statement, or KEYWORD_NONE. */
enum keyword {
	KEYWORD_NONE,

	/* Targets.  Without suffix, then b, w, l: rewrite.c counts on the order. */
	KEYWORD_IN, KEYWORD_INB, KEYWORD_INW, KEYWORD_INL,
	KEYWORD_OUT, KEYWORD_OUTB, KEYWORD_OUTW, KEYWORD_OUTL,
	KEYWORD_INS, KEYWORD_INSB, KEYWORD_INSW, KEYWORD_INSL,
	KEYWORD_OUTS, KEYWORD_OUTSB, KEYWORD_OUTSW, KEYWORD_OUTSL,
	KEYWORD_HLT, KEYWORD_CLI, KEYWORD_STI, KEYWORD_PUSHF, KEYWORD_POPF,
	KEYWORD_INTEL_STRING,	/* insd, outsd: only in Intel syntax */

	KEYWORD_REP,
	KEYWORD_PREFIX,		/* any other prefix */

	/* what moves the stack pointer */
	KEYWORD_CALL, KEYWORD_LEA, KEYWORD_MOV, KEYWORD_PUSH, KEYWORD_SUB, KEYWORD_AND,

	KEYWORD_SECTION, KEYWORD_TEXT, KEYWORD_DATA, KEYWORD_BSS, KEYWORD_PUSHSECTION,
	KEYWORD_POPSECTION, KEYWORD_PREVIOUS,
	KEYWORD_MACRO, KEYWORD_ENDM, KEYWORD_REPT, KEYWORD_ENDR,
	KEYWORD_INTEL_SYNTAX, KEYWORD_ATT_SYNTAX,
	KEYWORD_CODE16, KEYWORD_CODE32, KEYWORD_CODE64,
	KEYWORD_INCLUDE, KEYWORD_END, KEYWORD_FILE, KEYWORD_LOC,
};

enum keyword lex_keyword(const char *text, size_t len);

/* Is this symbol a function that reaches ports by GENERIC_IOMAP? */
bool lex_is_iomap(const char *text, size_t len);

#endif /* ASM_PP_LEX_H */
