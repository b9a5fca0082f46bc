/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmc.h - a CD-RW drive as its host sees it: SCSI commands (MMC-3, SPC) in, data and
 * sense out.  It knows no transport, and it has no time: all is done at once.
 *
 * It writes track at once and session at once, no packets and no raw blocks.  It plays
 * no sound, and it is no DVD drive.
 */
#ifndef CDRW_MMC_H
#define CDRW_MMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disc.h"

#define MMC_CDB_MAX	16
#define MMC_SENSE_SIZE	18

#define MMC_GOOD	0x00
#define MMC_CHECK	0x02

struct mmc;

/* What a host identifies the drive by.  NULL: a default. */
struct mmc_model {
	const char *vendor, *product, *revision, *serial;
};

struct mmc *mmc_new(const struct mmc_model *model);
/* Takes the disc out and closes it. */
void mmc_free(struct mmc *m);

/*
 * One command.  DATA has LEN bytes from the host, or room for the host; *DONE is what
 * of the room was filled.  The result is MMC_GOOD, or MMC_CHECK with sense.
 */
int mmc_command(struct mmc *m, const uint8_t *cdb, uint8_t *data, size_t len, size_t *done,
		uint8_t sense[MMC_SENSE_SIZE]);
/* Does the host send data with this command? */
bool mmc_takes_data(const uint8_t *cdb);
/* For a log: never NULL. */
const char *mmc_name(uint8_t opcode);
/* How often somebody tried to send firmware (WRITE BUFFER). */
unsigned int mmc_firmware_writes(const struct mmc *m);

/* What a person does.  -EBUSY while the host has locked the tray. */
int mmc_button(struct mmc *m);				/* opens the tray, or closes it */
int mmc_insert(struct mmc *m, struct disc *disc);	/* ends with a closed tray */
int mmc_remove(struct mmc *m);				/* leaves the tray open */
bool mmc_tray_is_open(const struct mmc *m);
/* Power off and on: the host hears of it, the disc stays. */
void mmc_reset(struct mmc *m);
void mmc_describe(const struct mmc *m, char *text, size_t size);

#endif
