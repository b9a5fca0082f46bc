/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - what was attached by hand, for the next start of the daemon.
 *
 * A directory in /run, which ends with the machine's boot, as the domains do.  It has
 * a file for each domain, so that a change costs what the domain has, however many
 * others there are.  What a guest's configuration lists is not in it.  A line is
 * "domid vm stanza", each word percent encoded; vm tells a domain from a later one of
 * the same number.
 */
#ifndef VSYS_RECORD_H
#define VSYS_RECORD_H

#include <stdint.h>

struct device;
struct domain;
struct supervisor;

/* A device was attached: what is recorded of its domain stays. */
void record_add(const struct device *d);
/* Something else has changed. */
void record_save(const struct domain *dom);
/* The domain is gone. */
void record_forget(const struct supervisor *sup, uint32_t domid);

/* Of all domains, after record_load(): no other is in it from now on. */
void record_save_all(struct supervisor *sup);

/* No file is an empty record; a line that makes no sense is passed over. */
void record_load(const char *path,
		 void (*fn)(void *arg, uint32_t domid, const char *vm, const char *stanza),
		 void *arg);

#endif /* VSYS_RECORD_H */
