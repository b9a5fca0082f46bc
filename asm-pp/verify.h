/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify.h - does an object still have port instructions?
 */
#ifndef ASM_PP_VERIFY_H
#define ASM_PP_VERIFY_H

#include "asm-pp/buf.h"
#include "asm-pp/object.h"
#include "asm-pp/rewrite.h"

struct verify_options {
	unsigned int also;		/* ASM_PP_HLT, ASM_PP_CLI, ASM_PP_STI */
	bool no_iomap;			/* ioread8() and its kin may be called */
	const char *const *allow;	/* functions that may use ports */
	size_t allowed;
};

struct verified {
	size_t bytes;		/* of code */
	size_t ports;		/* instructions that are not allowed */
	size_t unknown;		/* places that are no instruction */
	size_t calls;		/* undefined ioread8 and so on */
	struct buf text;	/* a line "SECTION+OFFSET (SYMBOL+OFFSET): ..." for each */
};

/* True if nothing was found. */
bool verify(struct verified *v, const struct object *object,
	    const struct verify_options *options);

#endif /* ASM_PP_VERIFY_H */
