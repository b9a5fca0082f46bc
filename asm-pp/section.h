/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * section.h - in which section the text is.
 */
#ifndef ASM_PP_SECTION_H
#define ASM_PP_SECTION_H

#include "asm-pp/lex.h"

struct section_name {
	const char *text;	/* in the input, not terminated */
	size_t len;
};

struct sections {
	struct section_name current, previous;
	struct section_name *saved;	/* pairs: current, previous */
	size_t depth;			/* pairs that are in use */
	size_t room;
};

void sections_start(struct sections *s);

/*
 * A directive of the kinds KEYWORD_SECTION to KEYWORD_PREVIOUS; the tokens are
 * those after it.  False: .popsection without .pushsection.
 */
bool sections_directive(struct sections *s, enum keyword directive,
			const struct token *token, size_t tokens, const struct token *name);
bool sections_in(const struct sections *s, const char *name);

/* NULL, or why code of this section must stay as it is. */
const char *sections_refuse(const struct sections *s);
void sections_free(struct sections *s);

#endif /* ASM_PP_SECTION_H */
