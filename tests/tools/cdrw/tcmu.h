/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcmu.h - a SCSI device of this kernel whose commands come to this process: a
 * TCM_USER2 backstore, made in configfs, behind a host of tcm_loop.
 *
 * Linking and unlinking wait for the new device's driver, and that for answers to its
 * commands: whoever links must not be who answers.
 */
#ifndef CDRW_TCMU_H
#define CDRW_TCMU_H

#include <stddef.h>
#include <stdint.h>

struct tcmu {
	char name[64];
	char text[600];		/* what failed: a sentence */
	/* Below configfs. */
	char hba[100], store[200], wwn[100], tpg[120], lun[140], link[220];
	int uio;
	void *map;
	size_t size;
};

/* Makes the backstore and maps its ring.  0 or -errno, with the sentence. */
int tcmu_open(struct tcmu *t, const char *name, uint64_t bytes);
/* Forgets it; when no link is left. */
int tcmu_close(struct tcmu *t);

/* The SCSI device appears; it goes. */
int tcmu_link(struct tcmu *t);
int tcmu_unlink(struct tcmu *t);

/* Before and after the ring is looked at: the kernel's call, and ours. */
int tcmu_hear(struct tcmu *t);
int tcmu_tell(struct tcmu *t);

/* "sr0 sg1", as far as drivers have made them; "" if there is none. */
void tcmu_nodes(const struct tcmu *t, char *text, size_t size);

#endif
