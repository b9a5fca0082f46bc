/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sector.h - what a block looks like on the disc (ECMA-130): 2352 bytes, of which data
 * tracks use 16 for sync and header and up to 288 for error correction.
 */
#ifndef CDRW_SECTOR_H
#define CDRW_SECTOR_H

#include <stdint.h>

#define SECTOR_RAW	2352
#define SECTOR_DATA	2048
#define SECTOR_SYNC	12
#define SECTOR_HEADER	16	/* sync and header */
#define SECTOR_SUB	8	/* sub-header of mode 2 */

#define SUBMODE_DATA	0x08
#define SUBMODE_FORM2	0x20

enum sector_kind { SECTOR_AUDIO, SECTOR_MODE1, SECTOR_FORM1, SECTOR_FORM2 };

/* By the track's mode, and in mode 2 by the sub-header. */
enum sector_kind sector_kind(uint8_t mode, const uint8_t raw[SECTOR_RAW]);

/* Fills in what is not kept in the file. */
void sector_complete(uint8_t raw[SECTOR_RAW], enum sector_kind kind, int32_t lba);

/* Minute, second, frame of a block; 0 is 00:02:00. */
void lba_to_msf(int32_t lba, uint8_t msf[3]);
int32_t msf_to_lba(const uint8_t msf[3]);

/* The Q sub-channel in its 12 bytes, with CRC. */
void sector_q(uint8_t q[12], uint8_t control, uint8_t track, int32_t relative, int32_t lba);
/* The 96 bytes of all sub-channels, for that Q. */
void sector_pw(uint8_t pw[96], const uint8_t q[12]);

#endif
