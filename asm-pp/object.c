// SPDX-License-Identifier: GPL-2.0-or-later
/* object.c - reads ELF files through libelf. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asm-pp/buf.h"
#include "asm-pp/object.h"
#include "asm-pp/rewrite.h"

static bool add_section(struct object *o, Elf_Scn *scn, const GElf_Shdr *shdr, const char *name,
			const char **why)
{
	Elf_Data *data;

	if (!shdr->sh_size)
		return true;
	data = elf_getdata(scn, NULL);
	if (shdr->sh_type == SHT_NOBITS || !data || !data->d_buf ||
	    data->d_size != shdr->sh_size || elf_getdata(scn, data)) {
		*why = "an executable section has no contents";
		return false;
	}
	o->section = grow(o->section, o->sections + 1, sizeof(*o->section));
	o->section[o->sections++] = (struct object_section){
		.name = name, .code = data->d_buf, .size = data->d_size, .index = elf_ndxscn(scn),
	};
	return true;
}

/* Where symbols of a linked file count from. */
static uint64_t section_address(const struct object *o, size_t index)
{
	Elf_Scn *scn = elf_getscn(o->elf, index);
	GElf_Ehdr ehdr;
	GElf_Shdr shdr;

	if (!scn || !gelf_getshdr(scn, &shdr) || !gelf_getehdr(o->elf, &ehdr) ||
	    ehdr.e_type == ET_REL)
		return 0;
	return shdr.sh_addr;
}

static bool add_symbols(struct object *o, Elf_Scn *scn, const GElf_Shdr *shdr, const char **why)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t nr = shdr->sh_entsize ? shdr->sh_size / shdr->sh_entsize : 0;

	if (!data || !nr) {
		*why = "its symbol table cannot be read";
		return false;
	}
	o->symbol = grow(o->symbol, o->symbols + nr, sizeof(*o->symbol));
	for (size_t i = 1; i < nr; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) ||
		    !(name = elf_strptr(o->elf, shdr->sh_link, sym.st_name))) {
			*why = "its symbol table cannot be read";
			return false;
		}
		if (!*name || GELF_ST_TYPE(sym.st_info) == STT_SECTION ||
		    GELF_ST_TYPE(sym.st_info) == STT_FILE || sym.st_shndx >= SHN_LORESERVE)
			continue;
		o->symbol[o->symbols++] = (struct object_symbol){
			.name = name,
			.section = sym.st_shndx,
			.offset = sym.st_value - section_address(o, sym.st_shndx),
			.size = sym.st_size,
			.function = GELF_ST_TYPE(sym.st_info) == STT_FUNC,
		};
	}
	return true;
}

/* REL has the addend in the place itself. */
static int64_t addend_in_place(const struct object *o, size_t section, uint64_t offset)
{
	Elf_Data *data = elf_getdata(elf_getscn(o->elf, section), NULL);
	int32_t addend;

	if (!data || !data->d_buf || data->d_size < 4 || offset > data->d_size - 4)
		return 0;
	memcpy(&addend, (const char *)data->d_buf + offset, 4);
	return addend;
}

/* How far before its target a relative branch's field says it is. */
static bool relocation_kind(const struct object *o, uint64_t type, bool in_code, int64_t *bias)
{
	*bias = 0;
	if (o->bits == 64 && (type == R_X86_64_64 || type == R_X86_64_32 || type == R_X86_64_32S))
		return true;
	if (o->bits == 32 && type == R_386_32)
		return true;
	*bias = 4;
	return in_code && (o->bits == 64 ? type == R_X86_64_PC32 || type == R_X86_64_PLT32
					 : type == R_386_PC32 || type == R_386_PLT32);
}

static bool add_relocations(struct object *o, Elf_Scn *scn, const GElf_Shdr *shdr,
			    const char **why)
{
	Elf_Data *data = elf_getdata(scn, NULL), *symbols = NULL;
	size_t nr = shdr->sh_entsize ? shdr->sh_size / shdr->sh_entsize : 0;
	Elf_Scn *table = elf_getscn(o->elf, shdr->sh_link), *place = elf_getscn(o->elf, shdr->sh_info);
	GElf_Shdr of;
	bool in_code;

	/* Those of a linked file are no matter of code. */
	if (!place || !gelf_getshdr(place, &of) || !shdr->sh_info)
		return true;
	if (table)
		symbols = elf_getdata(table, NULL);
	if (!data || !symbols) {
		*why = "its relocations cannot be read";
		return false;
	}
	in_code = of.sh_flags & SHF_EXECINSTR;
	o->relocation = grow(o->relocation, o->relocations + nr + 1, sizeof(*o->relocation));
	for (size_t i = 0; i < nr; i++) {
		GElf_Rela rela;
		GElf_Rel rel;
		GElf_Sym sym;
		int64_t bias;

		if (shdr->sh_type == SHT_REL && gelf_getrel(data, (int)i, &rel)) {
			rela = (GElf_Rela){ rel.r_offset, rel.r_info,
					    addend_in_place(o, shdr->sh_info, rel.r_offset) };
		} else if (shdr->sh_type != SHT_RELA || !gelf_getrela(data, (int)i, &rela)) {
			*why = "its relocations cannot be read";
			return false;
		}
		if (!gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &sym) ||
		    !relocation_kind(o, GELF_R_TYPE(rela.r_info), in_code, &bias))
			continue;
		o->relocation[o->relocations++] = (struct object_relocation){
			.section = in_code ? shdr->sh_info : 0,
			.offset = rela.r_offset,
			.to_section = sym.st_shndx < SHN_LORESERVE ? sym.st_shndx : 0,
			.to_offset = sym.st_value + (uint64_t)rela.r_addend + (uint64_t)bias,
		};
	}
	return true;
}

static bool add_notes(struct object *o, Elf_Scn *scn, const char **why)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t at = 0, next, name, desc;
	GElf_Nhdr nhdr;

	while (data && (next = gelf_getnote(data, at, &nhdr, &name, &desc))) {
		const char *bytes = data->d_buf, *version = bytes + desc + 4;
		uint32_t sites;

		if (nhdr.n_type != ASM_PP_NOTE_TYPE || nhdr.n_namesz != sizeof(ASM_PP_NOTE_NAME) ||
		    memcmp(bytes + name, ASM_PP_NOTE_NAME, nhdr.n_namesz) || nhdr.n_descsz < 5 ||
		    nhdr.n_descsz - 4 > sizeof(o->version) ||
		    strnlen(version, nhdr.n_descsz - 4) != nhdr.n_descsz - 5)
			break;
		memcpy(&sites, bytes + desc, 4);
		o->sites += sites;
		if (!o->notes++)
			strcpy(o->version, version);
		else if (strcmp(o->version, version))
			o->versions_differ = true;
		at = next;
	}
	if (!data || at != data->d_size) {
		*why = "its section " ASM_PP_NOTE_SECTION " cannot be read";
		return false;
	}
	return true;
}

static bool read_sections(struct object *o, const char **why)
{
	Elf_Scn *scn = NULL;
	size_t strings;

	if (elf_getshdrstrndx(o->elf, &strings)) {
		*why = elf_errmsg(-1);
		return false;
	}
	while ((scn = elf_nextscn(o->elf, scn))) {
		const char *name;
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr) ||
		    !(name = elf_strptr(o->elf, strings, shdr.sh_name))) {
			*why = elf_errmsg(-1);
			return false;
		}
		if ((shdr.sh_flags & SHF_EXECINSTR) && !add_section(o, scn, &shdr, name, why))
			return false;
		if (shdr.sh_type == SHT_SYMTAB && !add_symbols(o, scn, &shdr, why))
			return false;
		if ((shdr.sh_type == SHT_RELA || shdr.sh_type == SHT_REL) &&
		    !add_relocations(o, scn, &shdr, why))
			return false;
		if (shdr.sh_type == SHT_NOTE && !strcmp(name, ASM_PP_NOTE_SECTION) &&
		    !add_notes(o, scn, why))
			return false;
	}
	return true;
}

static bool read_header(struct object *o, const char **why)
{
	GElf_Ehdr ehdr;
	size_t nr;

	if (elf_kind(o->elf) != ELF_K_ELF || !gelf_getehdr(o->elf, &ehdr)) {
		*why = "it is no ELF file";
		return false;
	}
	if (ehdr.e_machine != EM_X86_64 && ehdr.e_machine != EM_386) {
		*why = "it is for another machine than x86";
		return false;
	}
	if (elf_getshdrnum(o->elf, &nr) || nr < 2) {
		*why = "it has no section headers, so its code cannot be found";
		return false;
	}
	o->bits = ehdr.e_machine == EM_X86_64 ? 64 : 32;
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct object_symbol *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_offset(const void *a, const void *b)
{
	const struct object_relocation *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

bool object_open(struct object *o, const char *file, const char **why)
{
	*o = (struct object){ .fd = open(file, O_RDONLY | O_CLOEXEC) };
	if (o->fd < 0) {
		*why = strerror(errno);
		return false;
	}
	elf_version(EV_CURRENT);
	o->elf = elf_begin(o->fd, ELF_C_READ, NULL);
	if (!o->elf) {
		*why = elf_errmsg(-1);
		close(o->fd);
		return false;
	}
	if (!read_header(o, why) || !read_sections(o, why)) {
		object_close(o);
		return false;
	}
	if (o->symbols)
		qsort(o->symbol, o->symbols, sizeof(*o->symbol), by_place);
	if (o->relocations)
		qsort(o->relocation, o->relocations, sizeof(*o->relocation), by_offset);
	return true;
}

void object_close(struct object *o)
{
	free(o->section);
	free(o->symbol);
	free(o->relocation);
	elf_end(o->elf);
	close(o->fd);
}

/* The first symbol after the place. */
static size_t symbol_after(const struct object *o, size_t section, uint64_t offset)
{
	size_t low = 0, high = o->symbols;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct object_symbol *s = &o->symbol[mid];

		if (s->section < section || (s->section == section && s->offset <= offset))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct object_symbol *object_find(const struct object *o, size_t section, uint64_t offset)
{
	const struct object_symbol *last = NULL;

	for (size_t i = symbol_after(o, section, offset); i--;) {
		const struct object_symbol *s = &o->symbol[i];

		if (s->section != section)
			break;
		if (s->function)
			return s;
		if (!last)
			last = s;
	}
	return last;
}

const struct object_relocation *object_relocation(const struct object *o, size_t section,
						  uint64_t offset)
{
	struct object_relocation key = { .section = section, .offset = offset };

	if (!o->relocations)
		return NULL;
	return bsearch(&key, o->relocation, o->relocations, sizeof(key), by_offset);
}
