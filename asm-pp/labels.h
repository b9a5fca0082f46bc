/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * labels.h - which labels stand at a target, and which of them an entry of the
 * exception table names.
 *
 * A target that the kernel's exception table knows cannot be rewritten: the
 * fault would come from within the runtime, at an address that has no entry.
 * Entry and instruction come in any order.  A numeric label (1:, 1b, 1f) may be
 * defined again and again; only its last definition is known.
 */
#ifndef ASM_PP_LABELS_H
#define ASM_PP_LABELS_H

#include <stdbool.h>
#include <stddef.h>

struct label {
	char *name;
	unsigned long target;	/* line of the target that it stands at, or 0 */
	bool excepted;		/* an exception entry names it */
	bool excepted_next;	/* the same for the next definition, "1f" */
};

struct labels {
	struct label *slot;	/* open hash table; a power of two */
	size_t slots;
	size_t used;
};

/* A numeric label is defined. */
void labels_define(struct labels *l, const char *name, size_t len);

/* The label stands at a target.  False: an exception entry names it. */
bool labels_target(struct labels *l, const char *name, size_t len, unsigned long line);

/*
 * An exception entry has this word in its operands: a symbol, "1b" or "1f".
 * Returns the line of the target that the label stands at, or 0.
 */
unsigned long labels_except(struct labels *l, const char *word, size_t len);

void labels_free(struct labels *l);

#endif /* ASM_PP_LABELS_H */
