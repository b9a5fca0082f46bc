// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * place.c - where in the source an instruction comes from: by the markers of
 * gcc's asm statements, or by .loc, or else not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/state.h"

#define MAX_FILES 4096

static struct section_name unquote(const struct token *token)
{
	return (struct section_name){ token->text + 1, token->len - 2 };
}

/* # LINE "FILE" FLAGS...: the line after it is LINE of FILE. */
void place_marker(struct place *p, const struct token *token)
{
	const char *end = token->text + token->len;
	const char *open = memchr(token->text, '"', token->len);
	const char *close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;

	if (!close)
		return;
	p->marker_file = (struct section_name){ open + 1, (size_t)(close - open - 1) };
	p->marker_line = strtoul(token->text + 1, NULL, 10);
	p->marker_asm = token->line;
}

/* .file "NAME", or .file NUMBER ["FOLDER"] "NAME" [md5 ...] */
void place_file(struct place *p, const struct token *token, size_t tokens)
{
	size_t nr;

	if (tokens && token->kind == TOKEN_STRING)
		p->source = unquote(token);
	if (tokens < 2 || token->kind != TOKEN_WORD || token[1].kind != TOKEN_STRING)
		return;
	nr = strtoul(token->text, NULL, 0);
	if (nr >= MAX_FILES)
		return;
	if (nr >= p->nr_files) {
		p->files = grow(p->files, nr + 1, sizeof(*p->files));
		memset(p->files + p->nr_files, 0, (nr + 1 - p->nr_files) * sizeof(*p->files));
		p->nr_files = nr + 1;
	}
	p->files[nr] = unquote(&token[tokens > 2 && token[2].kind == TOKEN_STRING ? 2 : 1]);
}

/* .loc FILE LINE ... */
void place_loc(struct place *p, const struct token *token, size_t tokens)
{
	size_t nr;

	if (tokens < 2 || token[0].kind != TOKEN_WORD || token[1].kind != TOKEN_WORD)
		return;
	nr = strtoul(token[0].text, NULL, 0);
	p->loc_line = strtoul(token[1].text, NULL, 0);
	if (nr < p->nr_files && p->files[nr].len)
		p->loc_file = p->files[nr];
	else
		p->loc_file = p->source;
	if (!p->loc_file.len)
		p->loc_line = 0;
}

/* A function's cold part is still that function. */
void place_label(struct place *p, const struct token *token)
{
	if (*token->text == '.' || (*token->text >= '0' && *token->text <= '9'))
		return;
	if (token->kind == TOKEN_STRING)
		p->function = unquote(token);
	else
		p->function = (struct section_name){ token->text, token->len };
	p->loc_line = 0;
}

void place_find(const struct place *p, const struct rewrite_options *options,
		unsigned long asm_line, char **file, unsigned long *line)
{
	if (p->marker_file.len && p->marker_file.text[0] != '<') {
		*file = copy_text(p->marker_file.text, p->marker_file.len);
		/* A marker may claim any line. */
		*line = p->marker_line + (asm_line - p->marker_asm - 1);
	} else if (p->loc_line) {
		*file = copy_text(p->loc_file.text, p->loc_file.len);
		*line = p->loc_line;
	} else {
		*file = copy_text(options->name, strlen(options->name));
		*line = asm_line;
	}
}

void place_free(struct place *p)
{
	free(p->files);
	p->files = NULL;
}
