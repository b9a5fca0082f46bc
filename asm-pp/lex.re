// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lex.re - cuts assembler text into tokens; re2c makes lex.c of it.
 *
 * What gas's own reader does for x86 ELF decides: '#' starts a comment
 * anywhere, '/' at the start of a line or after ';'; ';' ends a statement; a string ends at
 * its quote and knows backslashes; 'c is a number, whatever c is.
 */
#include <string.h>

#include "asm-pp/lex.h"

/*!re2c
	re2c:define:YYCTYPE = "unsigned char";
	re2c:yyfill:enable = 0;

	nul	= "\x00";
	eol	= "\r\n" | "\n";
	blank	= [ \t\f\r];
	wordc	= [A-Za-z0-9_.$\x80-\xff];
	word	= (wordc \ [$]) wordc*;
	inline	= [^\n\x00];
*/

void lex_start(struct lexer *lex, const char *text, size_t len)
{
	lex->at = text;
	lex->end = text + len;
	lex->line = 1;
	lex->line_start = true;
}

static enum token_kind lex_scan(struct lexer *lex)
{
	const unsigned char *YYCURSOR = (const unsigned char *)lex->at;
	const unsigned char *YYMARKER;
	enum token_kind kind;

	/*!re2c
	nul				{ kind = TOKEN_NUL; goto done; }
	eol				{ kind = TOKEN_NEWLINE; goto done; }
	";"				{ kind = TOKEN_SEMICOLON; goto done; }
	blank+				{ kind = TOKEN_SPACE; goto done; }
	"#" inline*			{ kind = TOKEN_COMMENT; goto done; }
	"/*" ([^*\x00] | "*"+ [^*/\x00])* "*"+ "/"
					{ kind = TOKEN_COMMENT; goto done; }
	"/*"				{ kind = TOKEN_OPEN_COMMENT; goto done; }
	["] ([^"\\\n\x00] | "\\" [^\n\x00])* ["]
					{ kind = TOKEN_STRING; goto done; }
	["]				{ kind = TOKEN_OPEN_STRING; goto done; }
	"'" ([^\\\n\x00] | "\\" [^\n\x00]) "'"?
					{ kind = TOKEN_CHAR; goto done; }
	word				{ kind = TOKEN_WORD; goto done; }
	*				{ kind = TOKEN_PUNCT; goto done; }
	*/
done:
	lex->at = (const char *)YYCURSOR;
	return kind;
}

/* A marker stands in the first column: # 12 "file" ... */
static bool is_marker(const char *text, const char *end)
{
	const char *p = text + 1;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p < '0' || *p > '9')
		return false;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == '"';
}

static void count_lines(struct lexer *lex, const struct token *token)
{
	const char *p = token->text, *end = p + token->len;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		lex->line++;
		p++;
	}
}

void lex_next(struct lexer *lex, struct token *token)
{
	token->text = lex->at;
	token->line = lex->line;
	token->len = 0;
	if (lex->at == lex->end) {
		token->kind = TOKEN_END;
		return;
	}
	if (lex->line_start && *lex->at == '/' && lex->at[1] != '*') {
		/* Up to the line's end or a NUL, which is a token of its own. */
		lex->at += strcspn(lex->at, "\n");
		token->kind = TOKEN_COMMENT;
	} else {
		token->kind = lex_scan(lex);
	}
	token->len = (size_t)(lex->at - token->text);
	if (token->kind == TOKEN_COMMENT && *token->text == '#' && lex->line_start &&
	    (token->line == 1 || token->text[-1] == '\n') && is_marker(token->text, lex->at))
		token->kind = TOKEN_MARKER;
	if (token->kind == TOKEN_NEWLINE)
		lex->line++;
	else if (token->kind == TOKEN_COMMENT)
		count_lines(lex, token);
	lex->line_start = token->kind == TOKEN_NEWLINE || token->kind == TOKEN_SEMICOLON ||
			  (lex->line_start && token->kind == TOKEN_SPACE);
}

/*
 * Both functions below match a word that some other byte follows, which need
 * not be NUL: so they look at a copy.  No keyword is longer.
 */
#define KEYWORD_LENGTH 24

static const unsigned char *copy_word(unsigned char *copy, const char *text, size_t len)
{
	if (len > KEYWORD_LENGTH)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

enum keyword lex_keyword(const char *text, size_t len)
{
	unsigned char copy[KEYWORD_LENGTH + 1];
	const unsigned char *YYCURSOR = copy_word(copy, text, len);
	const unsigned char *YYMARKER;

	if (!YYCURSOR)
		return KEYWORD_NONE;
	/*!re2c
	size	= [wlqWLQ];	/* '...' knows no case of letters, [...] does */

	'in' nul		{ return KEYWORD_IN; }
	'inb' nul		{ return KEYWORD_INB; }
	'inw' nul		{ return KEYWORD_INW; }
	'inl' nul		{ return KEYWORD_INL; }
	'out' nul		{ return KEYWORD_OUT; }
	'outb' nul		{ return KEYWORD_OUTB; }
	'outw' nul		{ return KEYWORD_OUTW; }
	'outl' nul		{ return KEYWORD_OUTL; }
	'ins' nul		{ return KEYWORD_INS; }
	'insb' nul		{ return KEYWORD_INSB; }
	'insw' nul		{ return KEYWORD_INSW; }
	'insl' nul		{ return KEYWORD_INSL; }
	'outs' nul		{ return KEYWORD_OUTS; }
	'outsb' nul		{ return KEYWORD_OUTSB; }
	'outsw' nul		{ return KEYWORD_OUTSW; }
	'outsl' nul		{ return KEYWORD_OUTSL; }
	('insd' | 'outsd') nul	{ return KEYWORD_INTEL_STRING; }
	'hlt' nul		{ return KEYWORD_HLT; }
	'cli' nul		{ return KEYWORD_CLI; }
	'sti' nul		{ return KEYWORD_STI; }
	'pushf' size? nul	{ return KEYWORD_PUSHF; }
	'popf' size? nul	{ return KEYWORD_POPF; }

	'rep' ('e' | 'z')? nul		{ return KEYWORD_REP; }
	('repne' | 'repnz' | 'lock' | 'data16' | 'data32' | 'addr16' | 'addr32' |
	 'aword' | 'adword' | 'word' | 'dword' |
	 'xacquire' | 'xrelease' | 'bnd' | 'notrack' | [cdefgsCDEFGS] 's' |
	 'rex' [.wrxbWRXB0-9]*) nul
				{ return KEYWORD_PREFIX; }

	'call' size? nul	{ return KEYWORD_CALL; }
	'lea' size? nul		{ return KEYWORD_LEA; }
	'mov' size? nul		{ return KEYWORD_MOV; }
	'push' size? nul	{ return KEYWORD_PUSH; }
	'sub' size? nul		{ return KEYWORD_SUB; }
	'and' size? nul		{ return KEYWORD_AND; }

	('.section' | '.sect') ('.s')? nul	{ return KEYWORD_SECTION; }
	'.text' nul		{ return KEYWORD_TEXT; }
	'.data' nul		{ return KEYWORD_DATA; }
	'.bss' nul		{ return KEYWORD_BSS; }
	'.pushsection' nul	{ return KEYWORD_PUSHSECTION; }
	'.popsection' nul	{ return KEYWORD_POPSECTION; }
	'.previous' nul		{ return KEYWORD_PREVIOUS; }
	'.macro' nul		{ return KEYWORD_MACRO; }
	'.endm' nul		{ return KEYWORD_ENDM; }
	('.rept' | '.rep' | '.irp' | '.irpc' | '.irep' | '.irepc') nul
				{ return KEYWORD_REPT; }
	'.endr' nul		{ return KEYWORD_ENDR; }
	'.intel_syntax' nul	{ return KEYWORD_INTEL_SYNTAX; }
	'.att_syntax' nul	{ return KEYWORD_ATT_SYNTAX; }
	('.code16' | '.code16gcc') nul
				{ return KEYWORD_CODE16; }
	'.code32' nul		{ return KEYWORD_CODE32; }
	'.code64' nul		{ return KEYWORD_CODE64; }
	'.include' nul		{ return KEYWORD_INCLUDE; }
	'.end' nul		{ return KEYWORD_END; }
	'.file' nul		{ return KEYWORD_FILE; }
	'.loc' nul		{ return KEYWORD_LOC; }
	*			{ return KEYWORD_NONE; }
	*/
}

bool lex_is_iomap(const char *text, size_t len)
{
	unsigned char copy[KEYWORD_LENGTH + 1];
	const unsigned char *YYCURSOR;
	const unsigned char *YYMARKER;

	if (len < 7 || text[0] != 'i' || text[1] != 'o')
		return false;
	YYCURSOR = copy_word(copy, text, len);
	if (!YYCURSOR)
		return false;
	/*!re2c
	width64	= "64" ("be")? "_" ("lo_hi" | "hi_lo");
	("ioread" | "iowrite") ("8" | ("16" | "32") ("be")? | ("8" | "16" | "32") "_rep" | width64) nul
				{ return true; }
	*			{ return false; }
	*/
}
