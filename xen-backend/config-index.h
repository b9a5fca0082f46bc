/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config-index.h - which of xl's configuration files has which name=.
 *
 * Without it, each new guest would have all files read until its own is found.  What
 * was read is remembered with the file's time of change, so it is never older than the
 * file; a file that is found has to be read by the caller all the same.
 */
#ifndef VSYS_CONFIG_INDEX_H
#define VSYS_CONFIG_INDEX_H

/*
 * The file in ETC/auto, or else the file *.cfg in ETC, that has this name; the first
 * of several.  NULL: none has.  The path is good until the next call.  read_name()
 * gives the name of a file, to be freed, or NULL.
 */
const char *config_index_find(const char *etc, const char *name,
			      char *(*read_name)(const char *file));
/* What was found is not so: the next search looks at all files. */
void config_index_doubt(void);

#endif /* VSYS_CONFIG_INDEX_H */
