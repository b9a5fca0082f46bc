/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * object.h - what the verifier needs of an ELF file: code, symbols, and the
 * notes that asm-pp left.
 */
#ifndef ASM_PP_OBJECT_H
#define ASM_PP_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object_section {
	const char *name;
	const uint8_t *code;
	size_t size;
	size_t index;
};

struct object_symbol {
	const char *name;
	size_t section;		/* index; 0: undefined */
	uint64_t offset;	/* in the section */
	uint64_t size;
	bool function;
};

/* An address that the linker fills in, and the code that it is of. */
struct object_relocation {
	size_t section;		/* where, or 0: anywhere but in code */
	uint64_t offset;
	size_t to_section;	/* 0: undefined here */
	uint64_t to_offset;
};

struct object {
	unsigned int bits;
	struct object_section *section;	/* those that are executed */
	size_t sections;
	struct object_symbol *symbol;	/* by section, then offset */
	size_t symbols;
	struct object_relocation *relocation;	/* by section, then offset */
	size_t relocations;
	unsigned long notes;		/* of asm-pp */
	unsigned long sites;		/* that they count */
	char version[64];		/* in the first of them */
	bool versions_differ;
	void *elf;
	int fd;
};

/* False: *why is a sentence, good until the next call. */
bool object_open(struct object *object, const char *file, const char **why);
void object_close(struct object *object);

/*
 * The function that an offset of a section belongs to, or the last symbol
 * before it, or NULL.
 */
const struct object_symbol *object_find(const struct object *object, size_t section,
					uint64_t offset);

/* What the linker fills in at this place, or NULL. */
const struct object_relocation *object_relocation(const struct object *object, size_t section,
						  uint64_t offset);

#endif /* ASM_PP_OBJECT_H */
