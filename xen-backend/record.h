/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - what was attached by hand, for the next start of the daemon.
 *
 * A file in /run: it ends with the machine's boot, as the domains do.  What a
 * guest's configuration lists is not in it.  A line is "domid vm stanza", each
 * word percent encoded; vm tells a domain from a later one of the same number.
 */
#ifndef VSYS_RECORD_H
#define VSYS_RECORD_H

#include <stdint.h>

struct supervisor;

void record_save(const struct supervisor *sup);

/* No file is an empty record; a line that makes no sense is passed over. */
void record_load(const char *path,
		 void (*fn)(void *arg, uint32_t domid, const char *vm, const char *stanza),
		 void *arg);

#endif /* VSYS_RECORD_H */
