/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what was rewritten, for a person or for a program.
 */
#ifndef ASM_PP_REPORT_H
#define ASM_PP_REPORT_H

#include "asm-pp/rewrite.h"

void report_text(struct buf *out, const struct rewritten *result, const char *input);
void report_json(struct buf *out, const struct rewritten *result, const char *input,
		 unsigned int bits);

#endif /* ASM_PP_REPORT_H */
