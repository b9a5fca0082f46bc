/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decode.h - machine code, one instruction at a time.
 */
#ifndef ASM_PP_DECODE_H
#define ASM_PP_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decode_kind {
	DECODE_OTHER,
	DECODE_PORT,		/* in, out, ins, outs */
	DECODE_HLT,
	DECODE_CLI,
	DECODE_STI,
};

struct decoded {
	unsigned int len;	/* 0: these bytes are no instruction */
	enum decode_kind kind;
	bool branches;		/* to: an offset from the instruction's end */
	int64_t to;
	unsigned int field;	/* where in the instruction that offset is */
	char text[64];		/* of anything but OTHER, in AT&T syntax */
};

void decode(struct decoded *d, unsigned int bits, const uint8_t *code, size_t size);

#endif /* ASM_PP_DECODE_H */
