// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rewrite.c - reads statements and knows what each kind means for the targets.
 *
 * The input is copied to the output lazily: an edit copies what stands before
 * it and leaves out what it replaces.  So whatever is not understood here
 * passes through as it is, and it is the verifier (asm-pp-verify) that decides
 * about the result, from the machine code.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/state.h"

void state_copy(struct state *s, const char *upto)
{
	buf_add(&s->result->text, s->copied, (size_t)(upto - s->copied));
	s->copied = upto;
}

void state_skip(struct state *s, const char *upto)
{
	s->copied = upto;
}

void state_problem(struct state *s, const struct token *token, const char *fmt, ...)
{
	struct rewritten *result = s->result;
	struct buf text = { 0 };
	char sentence[512], *file;
	unsigned long line;
	va_list ap;

	if (result->problems == MAX_PROBLEMS)
		return;
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	place_find(&s->place, s->options, token->line, &file, &line);
	buf_printf(&text, "%s:%lu: %s", file, line, sentence);
	free(file);
	if (s->place.function.len)
		buf_printf(&text, " (in %.*s)", (int)s->place.function.len, s->place.function.text);
	result->problem = grow(result->problem, result->problems + 1, sizeof(*result->problem));
	result->problem[result->problems++].text = text.bytes;
}

/* What cannot be cut into tokens is no text to be trusted with. */
static bool check_token(struct state *s, const struct token *token)
{
	switch (token->kind) {
	case TOKEN_NUL:
		state_problem(s, token, "a NUL byte is not assembler text");
		return false;
	case TOKEN_OPEN_STRING:
		state_problem(s, token, "the string does not end on its line");
		return false;
	case TOKEN_OPEN_COMMENT:
		state_problem(s, token, "the comment does not end");
		return false;
	default:
		return true;
	}
}

/* Reads one statement; false at the end of the text, or if it must not go on. */
static bool read_statement(struct state *s)
{
	s->tokens = 0;
	for (;;) {
		struct token token;

		lex_next(&s->lex, &token);
		if (!check_token(s, &token))
			return false;
		switch (token.kind) {
		case TOKEN_END:
			return s->tokens > 0;
		case TOKEN_NEWLINE:
		case TOKEN_SEMICOLON:
			return true;
		case TOKEN_MARKER:
			place_marker(&s->place, &token);
			break;
		case TOKEN_SPACE:
		case TOKEN_COMMENT:
			break;
		default:
			if (s->tokens == s->token_room) {
				s->token_room = 2 * s->token_room + 64;
				s->token = grow(s->token, s->token_room, sizeof(*s->token));
			}
			s->token[s->tokens++] = token;
		}
	}
}

static void bind_label(struct state *s, const struct section_name *label)
{
	if (s->nr_bound == s->bound_room) {
		s->bound_room = 2 * s->bound_room + 8;
		s->bound = grow(s->bound, s->bound_room, sizeof(*s->bound));
	}
	s->bound[s->nr_bound++] = *label;
}

static void define_label(struct state *s, const struct token *token)
{
	struct section_name label = { token->text, token->len };

	if (token->kind == TOKEN_STRING)
		label = (struct section_name){ token->text + 1, token->len - 2 };
	s->pending.label = true;
	s->sti_label = true;
	if (s->macro_depth || !label.len)
		return;
	if (*label.text >= '0' && *label.text <= '9') {
		labels_define(&s->labels, label.text, label.len);
	} else if (lex_is_iomap(label.text, label.len) && !s->options->no_iomap) {
		state_problem(s, token, "%.*s is defined here; its calls cannot be redirected",
			      (int)label.len, label.text);
	} else if (*label.text != '.') {
		bool cold = label.len > 5 && memmem(label.text, label.len, ".cold", 5);

		if (!cold)
			frame_start(&s->frame);
		place_label(&s->place, token);
	}
	bind_label(s, &label);
}

/* The index of what follows the labels. */
static size_t take_labels(struct state *s)
{
	size_t i = 0;

	while (i + 1 < s->tokens && token_punct(&s->token[i + 1], ':') &&
	       (s->token[i].kind == TOKEN_WORD || s->token[i].kind == TOKEN_STRING)) {
		define_label(s, &s->token[i]);
		i += 2;
	}
	return i;
}

static void take_macro(struct state *s, enum keyword directive, size_t at)
{
	const struct token *name = &s->token[at + 1];

	if (directive == KEYWORD_ENDM || directive == KEYWORD_ENDR) {
		if (s->macro_depth)
			s->macro_depth--;
		return;
	}
	s->macro_depth++;
	if (directive == KEYWORD_MACRO && at + 1 < s->tokens && name->kind == TOKEN_WORD) {
		enum keyword keyword = lex_keyword(name->text, name->len);

		if (keyword >= KEYWORD_IN && keyword <= KEYWORD_PREFIX)
			state_problem(s, name, "a macro has the name of the instruction %.*s",
				      (int)name->len, name->text);
	}
}

/* Operands of data in the exception table. */
static void take_exception(struct state *s, size_t at)
{
	for (size_t i = at + 1; i < s->tokens; i++) {
		const struct token *t = &s->token[i];

		if (t->kind != TOKEN_WORD || (t->len == 1 && *t->text == '.'))
			continue;
		if (labels_except(&s->labels, t->text, t->len))
			state_problem(s, t, "an entry of the exception table names a port instruction");
	}
}

static void take_directive(struct state *s, enum keyword directive, size_t at)
{
	const struct token *name = &s->token[at], *rest = name + 1;
	size_t nr = s->tokens - at - 1;

	switch (directive) {
	case KEYWORD_MACRO:
	case KEYWORD_ENDM:
	case KEYWORD_REPT:
	case KEYWORD_ENDR:
		take_macro(s, directive, at);
		return;
	case KEYWORD_INTEL_SYNTAX:
		s->intel = true;
		return;
	case KEYWORD_ATT_SYNTAX:
		s->intel = false;
		return;
	case KEYWORD_CODE16:
		s->bits = 16;
		return;
	case KEYWORD_CODE32:
		s->bits = 32;
		return;
	case KEYWORD_CODE64:
		s->bits = 64;
		return;
	case KEYWORD_INCLUDE:
		state_problem(s, name, ".include is not followed; let the C preprocessor do it");
		return;
	case KEYWORD_FILE:
		place_file(&s->place, rest, nr);
		return;
	case KEYWORD_LOC:
		place_loc(&s->place, rest, nr);
		return;
	case KEYWORD_NONE:
		s->pending.label = true;
		if (sections_in(&s->sections, "__ex_table"))
			take_exception(s, at);
		return;
	default:
		s->pending.label = true;
		if (s->macro_depth)
			return;
		if (!sections_directive(&s->sections, directive, rest, nr, name))
			state_problem(s, name, ".popsection without .pushsection");
		if (sections_in(&s->sections, ASM_PP_NOTE_SECTION))
			s->result->again = true;
		if (s->sections.current.len > 9 &&
		    !memcmp(s->sections.current.text, ".gnu.lto_", 9))
			state_problem(s, name, "this is no machine code yet; compile without -flto");
	}
}

/* Prefixes of the statement; the index of what follows them. */
static size_t take_prefixes(struct state *s, size_t at)
{
	size_t i = at;

	while (i < s->tokens && s->token[i].kind == TOKEN_WORD) {
		enum keyword k = lex_keyword(s->token[i].text, s->token[i].len);

		if (k != KEYWORD_REP && k != KEYWORD_PREFIX)
			break;
		i++;
	}
	if (i < s->tokens)
		return i;
	/* Nothing but prefixes: they belong to the next statement. */
	for (i = at; i < s->tokens; i++) {
		if (lex_keyword(s->token[i].text, s->token[i].len) == KEYWORD_REP &&
		    !s->pending.rep && s->tokens == at + 1) {
			s->pending.rep = true;
			s->pending.rep_token = s->token[i];
			s->pending.label = false;
		} else {
			s->pending.other = true;
		}
	}
	return i;
}

static void take_instruction(struct state *s, size_t at)
{
	size_t name_at = take_prefixes(s, at), i = name_at;
	bool calls_popf = false;
	enum keyword k;

	if (i == s->tokens) {
		s->sti_end = NULL;
		return;
	}
	k = s->token[i].kind == TOKEN_WORD ? lex_keyword(s->token[i].text, s->token[i].len)
					   : KEYWORD_NONE;
	if (k == KEYWORD_STI)
		s->sti_end = NULL;
	if (k >= KEYWORD_IN && k <= KEYWORD_INTEL_STRING) {
		target_rewrite(s, k, at, i);
	} else {
		target_iomap(s, i + 1);
		calls_popf = k == KEYWORD_CALL && i + 2 == s->tokens &&
			     token_is(&s->token[i + 1], "__vpio_popf");
	}
	if (s->bits == 64 && !s->below && !s->macro_depth &&
	    frame_insn(&s->frame, k, &s->token[i + 1], s->tokens - i - 1))
		s->below = s->token[i].line;
	s->popf_called = calls_popf;
	s->pending = (struct pending){ 0 };
	if (k != KEYWORD_STI)
		s->sti_end = NULL;
	s->nr_bound = 0;
}

/* False: the text ends here. */
static bool take_statement(struct state *s)
{
	size_t at = take_labels(s);
	enum keyword k = KEYWORD_NONE;
	const struct token *first;

	if (at == s->tokens)
		return true;
	first = &s->token[at];
	if (first->kind == TOKEN_WORD && *first->text == '.')
		k = lex_keyword(first->text, first->len);
	if (k == KEYWORD_END) {
		state_copy(s, first->text);
		return false;
	}
	if (at + 1 < s->tokens && token_punct(&s->token[at + 1], '='))
		target_iomap(s, at + 1);	/* SYMBOL = EXPRESSION */
	else if (first->kind == TOKEN_WORD && *first->text == '.') {
		take_directive(s, k, at);
		if (k == KEYWORD_NONE)
			target_iomap(s, at + 1);
	} else {
		take_instruction(s, at);
	}
	return true;
}

/*
 * struct elf_note: two names' lengths, a type; then who wrote it; then how many
 * sites there are, and the version as text.
 */
static void add_note(struct state *s)
{
	struct buf *out = &s->result->text;

	if (s->result->again)
		return;
	if (out->len && out->bytes[out->len - 1] != '\n')
		buf_str(out, "\n");
	buf_printf(out,
		   "\t.pushsection %s,\"a\",@note\n"
		   "\t.balign 4\n"
		   "\t.long 7, %zu, %d\n"
		   "\t.asciz \"%s\"\n"
		   "\t.balign 4\n"
		   "\t.long %zu\n"
		   "\t.asciz \"%s\"\n"
		   "\t.balign 4\n"
		   "\t.popsection\n",
		   ASM_PP_NOTE_SECTION, 4 + sizeof(VSYS_VERSION), ASM_PP_NOTE_TYPE,
		   ASM_PP_NOTE_NAME, s->result->sites, VSYS_VERSION);
}

static void check_red_zone(struct state *s)
{
	struct token token = { .kind = TOKEN_WORD, .line = s->below };

	if (!s->below || !s->result->sites)
		return;
	/* Where it is in the source is not known any more. */
	s->place.marker_file.len = 0;
	s->place.loc_line = 0;
	s->place.function.len = 0;
	state_problem(s, &token, "memory below the stack pointer is used here, which a call would "
		      "overwrite; compile with -mno-red-zone");
}

bool rewrite(struct rewritten *result, const char *text, size_t len,
	     const struct rewrite_options *options)
{
	struct state s = {
		.options = options,
		.result = result,
		.copied = text,
		.bits = options->bits,
		.intel = options->intel,
	};
	bool ended = false;

	*result = (struct rewritten){ 0 };
	lex_start(&s.lex, text, len);
	sections_start(&s.sections);
	while (!ended && read_statement(&s))
		ended = !take_statement(&s);
	if (ended) {
		add_note(&s);
		state_copy(&s, text + len);
	} else {
		state_copy(&s, text + len);
		add_note(&s);
	}
	check_red_zone(&s);
	if (s.macro_depth) {
		struct token end = { .kind = TOKEN_END, .line = s.lex.line };

		state_problem(&s, &end, "a macro or repetition does not end");
	}
	free(s.token);
	free(s.bound);
	place_free(&s.place);
	sections_free(&s.sections);
	labels_free(&s.labels);
	return !result->problems;
}

void rewritten_free(struct rewritten *result)
{
	target_free_sites(result);
	for (size_t i = 0; i < result->problems; i++)
		free(result->problem[i].text);
	free(result->problem);
	buf_free(&result->text);
	*result = (struct rewritten){ 0 };
}
