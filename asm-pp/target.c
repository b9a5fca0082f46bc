// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * target.c - what an instruction becomes.
 *
 *	outb %al, %dx		call __vpio_outb
 *	outb %al, $0x80		pushq %rdx; movl $0,%edx; movb $0x80,%dl;
 *				call __vpio_outb; popq %rdx
 *	rep; insw		; call __vpio_rep_insw
 *	sti; hlt		; call __vpio_sti_hlt
 *	pushfq			pushfq; call __vpio_pushf
 *	popfq			call __vpio_popf; popfq
 *	call ioread8		call __vpio_ioread8
 *
 * All stays on its line.  None of it changes a flag before the call, and movb
 * makes the assembler check the port's range, as it would have.
 */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/state.h"

static const char *const port_call[4][3] = {
	[PORT_IN]   = { "__vpio_inb", "__vpio_inw", "__vpio_inl" },
	[PORT_OUT]  = { "__vpio_outb", "__vpio_outw", "__vpio_outl" },
	[PORT_INS]  = { "__vpio_insb", "__vpio_insw", "__vpio_insl" },
	[PORT_OUTS] = { "__vpio_outsb", "__vpio_outsw", "__vpio_outsl" },
};

static const char *const rep_call[4][3] = {
	[PORT_INS]  = { "__vpio_rep_insb", "__vpio_rep_insw", "__vpio_rep_insl" },
	[PORT_OUTS] = { "__vpio_rep_outsb", "__vpio_rep_outsw", "__vpio_rep_outsl" },
};

static const char *token_end(const struct token *token)
{
	return token->text + token->len;
}

/* The text of some tokens, blanks and comments between them as one blank. */
static char *words_of(const struct token *first, const struct token *last, bool rep)
{
	struct buf b = { 0 };

	if (rep)
		buf_str(&b, "rep ");
	for (const struct token *t = first; t <= last; t++) {
		if (t > first && token_end(t - 1) < t->text)
			buf_str(&b, " ");
		buf_add(&b, t->text, t->len);
	}
	return b.bytes;
}

static void add_site(struct state *s, const struct token *first, const struct token *last,
		     bool rep, const char *call)
{
	struct rewritten *result = s->result;
	struct site *site;

	if (!(result->sites & (result->sites + 1)))
		result->site = grow(result->site, 2 * (result->sites + 1), sizeof(*site));
	site = &result->site[result->sites++];
	*site = (struct site){ .asm_line = first->line, .call = call };
	place_find(&s->place, s->options, first->line, &site->file, &site->line);
	site->function = copy_text(s->place.function.text ? s->place.function.text : "",
				   s->place.function.len);
	site->section = copy_text(s->sections.current.text, s->sections.current.len);
	site->instruction = words_of(first, last, rep);
}

static void free_site(struct site *site)
{
	free(site->file);
	free(site->function);
	free(site->section);
	free(site->instruction);
}

static void drop_site(struct state *s)
{
	free_site(&s->result->site[--s->result->sites]);
}

void target_free_sites(struct rewritten *result)
{
	for (size_t i = 0; i < result->sites; i++)
		free_site(&result->site[i]);
	free(result->site);
}

/* Labels that stand here must not be known to the exception table. */
static bool check_labels(struct state *s, const struct token *token)
{
	for (size_t i = 0; i < s->nr_bound; i++) {
		if (labels_target(&s->labels, s->bound[i].text, s->bound[i].len, token->line))
			continue;
		state_problem(s, token, "an entry of the exception table names this instruction");
		return false;
	}
	return true;
}

/* May a target stand here at all? */
static bool check_place(struct state *s, const struct token *token)
{
	const char *why = sections_refuse(&s->sections);

	if (s->macro_depth)
		why = "it is in the body of a macro or of a repetition";
	else if (s->intel)
		why = "it is in Intel syntax";
	else if (s->bits != s->options->bits)
		why = "it is in code of another width than the object's";
	if (why) {
		state_problem(s, token, "%.*s cannot be rewritten: %s",
			      (int)token->len, token->text, why);
		return false;
	}
	return true;
}

static void emit_port(struct state *s, const struct port_insn *insn, const char *call)
{
	struct buf *out = &s->result->text;
	const char *dx = s->bits == 64 ? "rdx" : "edx", suffix = s->bits == 64 ? 'q' : 'l';

	if (!insn->imm) {
		buf_printf(out, "call %s", call);
		return;
	}
	buf_printf(out, "push%c %%%s; movl $0,%%edx; movb $", suffix, dx);
	buf_add(out, insn->imm->text, (size_t)(token_end(insn->imm_last) - insn->imm->text));
	buf_printf(out, ",%%dl; call %s; pop%c %%%s", call, suffix, dx);
}

/*
 * The prefixes of a target: at most one rep, and only for strings.  It may have
 * been a statement of its own, which then goes away.
 */
static const char *check_prefixes(struct state *s, size_t first, size_t at,
				  enum port_kind kind, bool *rep)
{
	*rep = s->pending.rep;
	for (size_t i = first; i < at; i++) {
		if (lex_keyword(s->token[i].text, s->token[i].len) != KEYWORD_REP || *rep)
			return "of its prefixes";
		*rep = true;
	}
	if (s->pending.other)
		return "of its prefixes";
	if (*rep && kind != PORT_INS && kind != PORT_OUTS)
		return "rep does not belong to it";
	if (s->pending.rep && s->pending.label)
		return "a label or directive stands between it and its prefix";
	return NULL;
}

static void rewrite_port(struct state *s, enum keyword mnemonic, size_t first, size_t at)
{
	const struct token *name = &s->token[at], *last = &s->token[s->tokens - 1];
	struct port_insn insn;
	const char *why, *call;
	bool rep = false;

	why = operand_parse(&insn, mnemonic, name + 1, s->tokens - at - 1, s->bits);
	if (!why)
		why = check_prefixes(s, first, at, insn.kind, &rep);
	if (!why && memchr(name->text, '\n', (size_t)(token_end(last) - name->text)))
		why = "it is spread over several lines";
	if (why) {
		state_problem(s, name, "%.*s cannot be rewritten: %s",
			      (int)name->len, name->text, why);
		return;
	}
	call = (rep ? rep_call : port_call)[insn.kind][insn.width];
	add_site(s, &s->token[at], last, rep, call);
	if (s->pending.rep) {
		/* The prefix was held back: copied from before it to here. */
		state_copy(s, s->pending.rep_token.text);
		state_skip(s, token_end(&s->pending.rep_token));
	}
	state_copy(s, s->token[first].text);
	emit_port(s, &insn, call);
	state_skip(s, token_end(last));
}

/* Its place in the output, should hlt follow. */
static void note_sti(struct state *s, const struct token *name)
{
	state_copy(s, name->text);
	s->sti_at = s->result->text.len;
	s->sti_end = token_end(name);
	s->sti_label = false;
}

static void rewrite_hlt(struct state *s, size_t at)
{
	struct token *hlt = &s->token[at];

	if (!s->sti_end) {
		add_site(s, hlt, hlt, false, "__vpio_hlt");
		state_copy(s, hlt->text);
		buf_str(&s->result->text, "call __vpio_hlt");
		state_skip(s, token_end(hlt));
		return;
	}
	/*
	 * Between sti and hlt no interrupt comes; a call in between would lose
	 * that, and with it a wake-up.  So the two are one call.
	 */
	s->result->text.len = s->sti_at;
	if (s->options->also & ASM_PP_STI)
		drop_site(s);
	add_site(s, hlt, hlt, false, "__vpio_sti_hlt");
	s->copied = s->sti_end;
	state_copy(s, hlt->text);
	buf_str(&s->result->text, "call __vpio_sti_hlt");
	state_skip(s, token_end(hlt));
}

static void rewrite_flags(struct state *s, enum keyword mnemonic, size_t at)
{
	static const char after[] = "; call __vpio_pushf";
	struct token *name = &s->token[at];
	const char *end = token_end(name);
	struct buf *out = &s->result->text;

	switch (mnemonic) {
	case KEYWORD_CLI:
		add_site(s, name, name, false, "__vpio_cli");
		state_copy(s, name->text);
		buf_str(out, "call __vpio_cli");
		state_skip(s, end);
		break;
	case KEYWORD_STI:
		note_sti(s, name);
		add_site(s, name, name, false, "__vpio_sti");
		buf_str(out, "call __vpio_sti");
		state_skip(s, end);
		break;
	case KEYWORD_PUSHF:
		if ((size_t)(s->lex.end - end) >= sizeof(after) - 1 &&
		    !memcmp(end, after, sizeof(after) - 1))
			break;	/* done by an earlier run */
		add_site(s, name, name, false, "__vpio_pushf");
		state_copy(s, end);
		buf_str(out, after);
		break;
	default:
		if (s->popf_called)
			break;
		add_site(s, name, name, false, "__vpio_popf");
		state_copy(s, name->text);
		buf_str(out, "call __vpio_popf; ");
		break;
	}
}

static bool is_wanted(const struct state *s, enum keyword mnemonic)
{
	switch (mnemonic) {
	case KEYWORD_HLT:
		return s->options->also & ASM_PP_HLT;
	case KEYWORD_CLI:
		return s->options->also & ASM_PP_CLI;
	case KEYWORD_STI:
		return s->options->also & ASM_PP_STI;
	case KEYWORD_PUSHF:
		return s->options->also & ASM_PP_PUSHF;
	case KEYWORD_POPF:
		return s->options->also & ASM_PP_POPF;
	default:
		return true;
	}
}

/* pushfw and popfw are not the width of the stack's entries. */
static const char *check_flags(const struct state *s, enum keyword mnemonic, size_t first,
			       size_t at)
{
	const struct token *name = &s->token[at];
	char last = (char)(name->text[name->len - 1] | 0x20);

	if (mnemonic == KEYWORD_HLT && s->sti_end && s->sti_label)
		return "a label stands between it and the sti before it";
	if (first != at || s->pending.rep || s->pending.other)
		return "of its prefixes";
	if (at + 1 != s->tokens)
		return "it has operands";
	if ((mnemonic == KEYWORD_PUSHF || mnemonic == KEYWORD_POPF) && last != 'f' &&
	    last != (s->bits == 64 ? 'q' : 'l'))
		return "of its width";
	return NULL;
}

void target_rewrite(struct state *s, enum keyword mnemonic, size_t first, size_t at)
{
	const struct token *name = &s->token[at];
	const char *why;

	if (mnemonic == KEYWORD_INTEL_STRING && !s->intel)
		return;
	if (!is_wanted(s, mnemonic)) {
		if (mnemonic == KEYWORD_STI && !s->macro_depth && !check_flags(s, mnemonic, first, at))
			note_sti(s, name);
		return;
	}
	if (!check_place(s, name) || !check_labels(s, name))
		return;
	if (mnemonic < KEYWORD_HLT) {
		rewrite_port(s, mnemonic, first, at);
		return;
	}
	why = check_flags(s, mnemonic, first, at);
	if (why)
		state_problem(s, name, "%.*s cannot be rewritten: %s", (int)name->len,
			      name->text, why);
	else if (mnemonic == KEYWORD_HLT)
		rewrite_hlt(s, at);
	else
		rewrite_flags(s, mnemonic, at);
}

/* Tables of functions are redirected as well as calls. */
void target_iomap(struct state *s, size_t from)
{
	static const struct {
		const char *name, *call;
	} calls[] = {
#define CALL(f) { #f, "__vpio_" #f }
		CALL(ioread8), CALL(ioread16), CALL(ioread16be), CALL(ioread32), CALL(ioread32be),
		CALL(ioread8_rep), CALL(ioread16_rep), CALL(ioread32_rep),
		CALL(ioread64_lo_hi), CALL(ioread64_hi_lo),
		CALL(ioread64be_lo_hi), CALL(ioread64be_hi_lo),
		CALL(iowrite8), CALL(iowrite16), CALL(iowrite16be), CALL(iowrite32),
		CALL(iowrite32be), CALL(iowrite8_rep), CALL(iowrite16_rep), CALL(iowrite32_rep),
		CALL(iowrite64_lo_hi), CALL(iowrite64_hi_lo),
		CALL(iowrite64be_lo_hi), CALL(iowrite64be_hi_lo),
#undef CALL
	};

	for (size_t i = from; i < s->tokens; i++) {
		const struct token *t = &s->token[i];

		if (t->kind != TOKEN_WORD || !lex_is_iomap(t->text, t->len) ||
		    s->options->no_iomap)
			continue;
		for (size_t n = 0; n < sizeof(calls) / sizeof(*calls); n++) {
			if (strlen(calls[n].name) != t->len ||
			    memcmp(calls[n].name, t->text, t->len))
				continue;
			add_site(s, &s->token[from ? from - 1 : 0], &s->token[s->tokens - 1], false,
				 calls[n].call);
			state_copy(s, t->text);
			buf_str(&s->result->text, calls[n].call);
			state_skip(s, token_end(t));
		}
	}
}
