/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h - the commands that TCM_USER2 puts into memory it shares with a process, and
 * the answers to them.  Only memory: who wakes whom is said in tcmu.h.
 *
 * Commands are answered in their order.  A command's data lies in pieces all over the
 * shared memory; here it is one buffer.
 */
#ifndef CDRW_RING_H
#define CDRW_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_CDB	16
#define RING_SENSE	18

struct ring_ops {
	/* Does the initiator send data with it? */
	bool (*takes_data)(const uint8_t *cdb);
	/* As mmc_command(): the SCSI status. */
	int (*command)(void *arg, const uint8_t cdb[RING_CDB], uint8_t *data, size_t len,
		       size_t *done, uint8_t sense[RING_SENSE]);
};

struct ring {
	uint8_t *map;
	size_t size;
	uint32_t at, len;	/* of the entries */
	bool read_len;		/* the kernel hears how much data there is */
	uint8_t *buf;
	size_t room;
};

/* The memory is the kernel's, and mapped.  0, or -EPROTO if it is not such a ring. */
int ring_open(struct ring *r, void *map, size_t size);
void ring_close(struct ring *r);
/* Answers what is there.  The number of entries, or -EPROTO, -ENOMEM. */
int ring_run(struct ring *r, const struct ring_ops *ops, void *arg);

#endif
