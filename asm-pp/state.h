/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - one run of rewrite(): what rewrite.c (statements), target.c
 * (instructions) and place.c (where we are in the source) share.
 */
#ifndef ASM_PP_STATE_H
#define ASM_PP_STATE_H

#include "asm-pp/frame.h"
#include "asm-pp/labels.h"
#include "asm-pp/lex.h"
#include "asm-pp/operand.h"
#include "asm-pp/rewrite.h"
#include "asm-pp/section.h"

/* A run stops adding problems after so many; there is no text then anyway. */
#define MAX_PROBLEMS 50

struct place {
	struct section_name marker_file;	/* of # LINE "FILE" */
	unsigned long marker_line, marker_asm;
	struct section_name source;		/* of .file "NAME" */
	struct section_name *files;		/* of .file NUMBER "NAME" */
	size_t nr_files;
	struct section_name loc_file;
	unsigned long loc_line;			/* of .loc; 0: none */
	struct section_name function;
};

/* Prefixes that stand as statements of their own, before an instruction. */
struct pending {
	bool rep;
	struct token rep_token;
	bool other;			/* a prefix that targets do not have */
	bool label;			/* a label or directive after it */
};

struct state {
	const struct rewrite_options *options;
	struct rewritten *result;
	struct lexer lex;
	const char *copied;		/* the input is in the output up to here */

	struct token *token;		/* the statement, without blanks, comments */
	size_t tokens, token_room;
	struct token end;		/* what ended it */

	struct place place;
	struct sections sections;
	struct labels labels;
	struct section_name *bound;	/* labels that stand right here */
	size_t nr_bound, bound_room;
	unsigned int macro_depth;	/* in .macro, .rept and their kin */
	unsigned int bits;		/* of the code here */
	bool intel;
	struct pending pending;

	size_t sti_at;			/* in the output, before a sti; valid if sti_end */
	const char *sti_end;		/* in the input, after it; NULL: none */
	bool sti_label;			/* a label after it */
	bool popf_called;		/* the call before a popf stands here already */

	struct frame frame;
	unsigned long below;		/* line of the first use of the red zone, or 0 */
};

/* Copies the input up to here. */
void state_copy(struct state *s, const char *upto);

/* Leaves the input up to here out. */
void state_skip(struct state *s, const char *upto);

void state_problem(struct state *s, const struct token *token, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An instruction that is a target; first is its first token (a prefix, maybe). */
void target_rewrite(struct state *s, enum keyword mnemonic, size_t first, size_t mnemonic_at);

void target_free_sites(struct rewritten *result);

/* Symbols of GENERIC_IOMAP in the operands. */
void target_iomap(struct state *s, size_t from);

void place_marker(struct place *p, const struct token *token);
void place_file(struct place *p, const struct token *token, size_t tokens);
void place_loc(struct place *p, const struct token *token, size_t tokens);
void place_label(struct place *p, const struct token *token);

/* "FILE:LINE" of the source if the text tells, else of the text. */
void place_find(const struct place *p, const struct rewrite_options *options,
		unsigned long asm_line, char **file, unsigned long *line);
void place_free(struct place *p);

#endif /* ASM_PP_STATE_H */
