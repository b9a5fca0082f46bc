/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rewrite.h - assembler text in, the same text with calls for port instructions
 * out.
 *
 * All or nothing: with one problem the text must not be used.  A problem is a
 * target that cannot be rewritten safely, or text that cannot be understood.
 */
#ifndef ASM_PP_REWRITE_H
#define ASM_PP_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "asm-pp/buf.h"

/* The section in which an object says that it was rewritten, and the note. */
#define ASM_PP_NOTE_SECTION	".note.asm-pp"
#define ASM_PP_NOTE_NAME	"asm-pp"
#define ASM_PP_NOTE_TYPE	1

#define ASM_PP_HLT		1u
#define ASM_PP_CLI		2u
#define ASM_PP_STI		4u
#define ASM_PP_PUSHF		8u
#define ASM_PP_POPF		16u

struct rewrite_options {
	const char *name;	/* of the input, for messages */
	unsigned int bits;	/* of the code: 64 or 32 */
	unsigned int also;	/* ASM_PP_* */
	bool no_iomap;		/* leave calls of ioread8() and so on */
	bool intel;		/* the text starts in Intel syntax */
};

/* One place that was rewritten. */
struct site {
	char *file;		/* source, as far as the text tells */
	unsigned long line;	/* in it */
	unsigned long asm_line;	/* in the assembler text */
	char *function;		/* "" if there is none */
	char *section;
	char *instruction;	/* as it was */
	const char *call;	/* the runtime's function */
};

struct problem {
	char *text;		/* "FILE:LINE: sentence" */
};

struct rewritten {
	struct buf text;
	struct site *site;
	size_t sites;
	struct problem *problem;
	size_t problems;
	bool again;		/* the text had been rewritten before */
};

/* False if there are problems.  text[len] must be NUL. */
bool rewrite(struct rewritten *result, const char *text, size_t len,
	     const struct rewrite_options *options);
void rewritten_free(struct rewritten *result);

#endif /* ASM_PP_REWRITE_H */
