/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tool.h - what the two ways of calling asm-pp share: as a filter (asm-pp.c)
 * and in the place of the assembler (as.c).
 */
#ifndef ASM_PP_TOOL_H
#define ASM_PP_TOOL_H

#include "asm-pp/rewrite.h"

/* One sentence, and the end. */
void die(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* Words of --also: hlt, cli, sti, pushf, popf, or all of them. */
void tool_also(struct rewrite_options *options, const char *words);

/* Reads a file, or standard input if it is NULL or "-". */
void tool_read(struct buf *text, const char *file);

/* Says each problem; the number of them. */
size_t tool_problems(const struct rewritten *result);

/* Text, or JSON if the file's name ends so or json says so. "-": standard error. */
void tool_report(const struct rewritten *result, const struct rewrite_options *options,
		 const char *file, bool json);

int as_main(int argc, char **argv);

#endif /* ASM_PP_TOOL_H */
