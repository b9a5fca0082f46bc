// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * verify.c - looks at every instruction of every executable section.
 *
 * A section is decoded from its start to its end.  Where a symbol or a direct
 * branch leads into the middle of what was decoded, it is decoded from there
 * too, until both agree.  What stays out of sight: a jump by a computed address
 * into the middle of an instruction, and code that is made at run time.
 */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/decode.h"
#include "asm-pp/lex.h"
#include "asm-pp/verify.h"

struct place {
	size_t section;			/* index in object->section */
	uint64_t offset;
};

struct sweep {
	struct verified *v;
	const struct object *object;
	const struct verify_options *options;
	const struct object_section *section;	/* where we are */
	unsigned char **start;		/* of each section: an instruction starts here */
	struct place *todo;		/* yet to be decoded from */
	size_t nr_todo, room;
};

static void say(struct sweep *s, size_t offset, const char *what)
{
	const struct object_symbol *symbol = object_find(s->object, s->section->index, offset);

	buf_printf(&s->v->text, "%s+0x%zx", s->section->name, offset);
	if (symbol)
		buf_printf(&s->v->text, " (%s+0x%llx)", symbol->name,
			   (unsigned long long)(offset - symbol->offset));
	buf_printf(&s->v->text, ": %s\n", what);
}

static bool is_allowed(const struct sweep *s, size_t offset)
{
	const struct object_symbol *symbol = object_find(s->object, s->section->index, offset);

	if (!symbol || !symbol->function || offset - symbol->offset >= symbol->size)
		return false;
	for (size_t i = 0; i < s->options->allowed; i++)
		if (!strcmp(symbol->name, s->options->allow[i]))
			return true;
	return false;
}

static bool is_forbidden(const struct sweep *s, enum decode_kind kind)
{
	switch (kind) {
	case DECODE_PORT:
		return true;
	case DECODE_HLT:
		return s->options->also & ASM_PP_HLT;
	case DECODE_CLI:
		return s->options->also & ASM_PP_CLI;
	case DECODE_STI:
		return s->options->also & ASM_PP_STI;
	default:
		return false;
	}
}

static void add_todo(struct sweep *s, size_t elf_section, uint64_t offset)
{
	const struct object *o = s->object;
	size_t i = 0;

	while (i < o->sections && o->section[i].index != elf_section)
		i++;
	if (i == o->sections || offset >= o->section[i].size || s->start[i][offset])
		return;
	if (s->nr_todo == s->room) {
		s->room = 2 * s->room + 64;
		s->todo = grow(s->todo, s->room, sizeof(*s->todo));
	}
	s->todo[s->nr_todo++] = (struct place){ i, offset };
}

/* Where a direct branch leads: the linker may have to say. */
static void follow(struct sweep *s, size_t at, const struct decoded *d)
{
	const struct object_relocation *r =
		object_relocation(s->object, s->section->index, at + d->field);

	if (r)
		add_todo(s, r->to_section, r->to_offset);
	else
		add_todo(s, s->section->index, at + d->len + (uint64_t)d->to);
}

/* Decodes until the end, or until a place that was decoded before. */
static void sweep_from(struct sweep *s, const struct place *place)
{
	unsigned char *start = s->start[place->section];
	size_t at = place->offset;

	s->section = &s->object->section[place->section];
	while (at < s->section->size && !start[at]) {
		struct decoded d;

		decode(&d, s->object->bits, s->section->code + at, s->section->size - at);
		start[at] = 1;
		if (!d.len) {
			s->v->unknown++;
			say(s, at, "these bytes are no instruction");
			at++;
			continue;
		}
		if (is_forbidden(s, d.kind) && !is_allowed(s, at)) {
			s->v->ports++;
			say(s, at, d.text);
		}
		/* Targets further on are looked at when all is decoded. */
		if (d.branches)
			follow(s, at, &d);
		at += d.len;
	}
}

static void verify_code(struct sweep *s)
{
	const struct object *o = s->object;

	s->start = grow(NULL, o->sections + 1, sizeof(*s->start));
	for (size_t i = 0; i < o->sections; i++) {
		s->start[i] = grow(NULL, o->section[i].size, 1);
		memset(s->start[i], 0, o->section[i].size);
		s->v->bytes += o->section[i].size;
	}
	for (size_t i = 0; i < o->sections; i++)
		sweep_from(s, &(struct place){ i, 0 });
	for (size_t i = 0; i < o->symbols; i++)
		add_todo(s, o->symbol[i].section, o->symbol[i].offset);
	/* Tables of addresses. */
	for (size_t i = 0; i < o->relocations && !o->relocation[i].section; i++)
		add_todo(s, o->relocation[i].to_section, o->relocation[i].to_offset);
	while (s->nr_todo) {
		struct place next = s->todo[--s->nr_todo];

		sweep_from(s, &next);
	}
	for (size_t i = 0; i < o->sections; i++)
		free(s->start[i]);
	free(s->start);
	free(s->todo);
}

static void verify_calls(struct verified *v, const struct object *object)
{
	for (size_t i = 0; i < object->symbols; i++) {
		const struct object_symbol *symbol = &object->symbol[i];

		if (symbol->section || !lex_is_iomap(symbol->name, strlen(symbol->name)))
			continue;
		v->calls++;
		buf_printf(&v->text, "%s is called and may reach a port\n", symbol->name);
	}
}

bool verify(struct verified *v, const struct object *object,
	    const struct verify_options *options)
{
	struct sweep s = { .v = v, .object = object, .options = options };

	*v = (struct verified){ 0 };
	verify_code(&s);
	if (!options->no_iomap)
		verify_calls(v, object);
	return !v->ports && !v->unknown && !v->calls;
}
