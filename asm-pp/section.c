// SPDX-License-Identifier: GPL-2.0-or-later
/* section.c - follows .section, .pushsection and their kin. */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/buf.h"
#include "asm-pp/operand.h"
#include "asm-pp/section.h"

static const struct {
	const char *name;
	const char *why;
} refused[] = {
	{ ".altinstr_replacement",
	  "code in .altinstr_replacement is copied elsewhere, where a call would miss" },
	{ ".noinstr.text", "code in .noinstr.text may not call what can be traced" },
	{ ".entry.text", "code in .entry.text may run without a kernel stack" },
	{ ".head.text", "code in .head.text runs before modules" },
};

void sections_start(struct sections *s)
{
	*s = (struct sections){ .current = { ".text", 5 }, .previous = { ".text", 5 } };
}

static void sections_push(struct sections *s)
{
	if (s->depth == s->room) {
		s->room = s->room ? 2 * s->room : 8;
		s->saved = grow(s->saved, 2 * s->room, sizeof(*s->saved));
	}
	s->saved[2 * s->depth] = s->current;
	s->saved[2 * s->depth + 1] = s->previous;
	s->depth++;
}

/* A name ends at a comma; it may be quoted, and may hold signs. */
static struct section_name name_of(const struct token *token, size_t tokens)
{
	struct section_name name = { "", 0 };
	size_t i;

	if (!tokens)
		return name;
	if (token->kind == TOKEN_STRING) {
		name.text = token->text + 1;
		name.len = token->len - 2;
		return name;
	}
	name.text = token->text;
	for (i = 0; i < tokens && !token_punct(&token[i], ','); i++)
		name.len = (size_t)(token[i].text + token[i].len - name.text);
	return name;
}

bool sections_directive(struct sections *s, enum keyword directive,
			const struct token *token, size_t tokens, const struct token *name)
{
	struct section_name old = s->current;

	switch (directive) {
	case KEYWORD_PUSHSECTION:
		sections_push(s);
		s->current = name_of(token, tokens);
		s->previous = old;
		return true;
	case KEYWORD_POPSECTION:
		if (!s->depth)
			return false;
		s->depth--;
		s->current = s->saved[2 * s->depth];
		s->previous = s->saved[2 * s->depth + 1];
		return true;
	case KEYWORD_PREVIOUS:
		s->current = s->previous;
		s->previous = old;
		return true;
	case KEYWORD_SECTION:
		s->current = name_of(token, tokens);
		s->previous = old;
		return true;
	default:	/* .text, .data, .bss */
		s->current = (struct section_name){ name->text, name->len };
		s->previous = old;
		return true;
	}
}

bool sections_in(const struct sections *s, const char *name)
{
	return s->current.len == strlen(name) && !memcmp(s->current.text, name, s->current.len);
}

const char *sections_refuse(const struct sections *s)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		size_t len = strlen(refused[i].name);

		/* Also .noinstr.text.NAME. */
		if (s->current.len >= len && !memcmp(s->current.text, refused[i].name, len) &&
		    (s->current.len == len || s->current.text[len] == '.'))
			return refused[i].why;
	}
	return NULL;
}

void sections_free(struct sections *s)
{
	free(s->saved);
	s->saved = NULL;
}
