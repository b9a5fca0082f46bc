/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the key "vsys" in the configuration files of xl.
 *
 * xl ignores keys that it does not know, so the same file serves both.  It is
 * parsed by xl's own library.  Stanzas are not looked into here: see stanza.h.
 */
#ifndef VSYS_CONFIG_H
#define VSYS_CONFIG_H

#include "fault.h"

struct config_entry {
	char *text;		/* NULL if the entry is not a string */
	unsigned int line;	/* 0 if it is not known */
};

struct config {
	char *file;
	char *name;		/* of the guest */
	unsigned int nr;
	struct config_entry *entry;
};

/*
 * Where to look: the files that "xen-vsys create" registered, then
 * <etc>/auto (any file), then <etc> (files *.cfg).
 */
struct config_paths {
	const char *registry;
	const char *etc;
};

/* The sentence starts with file and, where there is one, line. */
int config_read(struct config **config, const char *file, struct fault *f);
void config_free(struct config *config);

/*
 * The first file whose name= is that of the guest.  -ENOENT if there is none.
 * A file that cannot be read or parsed is named in the log, once for each
 * version of it, and is not in the way of the others.
 */
int config_find(struct config **config, const struct config_paths *paths, const char *name);

#endif /* VSYS_CONFIG_H */
