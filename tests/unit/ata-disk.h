/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ata-disk.h - pretended ATA disks in PIO mode, two on a cable, and two of the same beside
 * them, which a test drives directly to compare.
 */
#ifndef ATA_DISK_H
#define ATA_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define SECTORS	400u
#define SECTOR	512u
#define NEVER	~0u

#define DATA	0u
#define ERROR	1u
#define COUNT	2u
#define LBA	3u
#define DEVICE	6u
#define STATUS	7u
#define COMMAND	7u
#define CONTROL	14u
#define PEEK	14u

#define BSY	0x80u
#define DRDY	0x40u
#define DRQ	0x08u
#define ERR	0x01u

#define NIEN	0x02u
#define SRST	0x04u

#define READ_SECTORS		0x20u
#define READ_EXT		0x24u
#define READ_MULTIPLE		0xc4u
#define READ_MULTIPLE_EXT	0x29u
#define WRITE_SECTORS		0x30u
#define WRITE_EXT		0x34u
#define WRITE_MULTIPLE		0xc5u
#define WRITE_MULTIPLE_EXT	0x39u
#define SET_MULTIPLE		0xc6u
#define IDENTIFY		0xecu
#define FLUSH			0xe7u

enum way { NOTHING, TO_HOST, TO_DISK };

struct disk {
	uint8_t memory[SECTORS][SECTOR];
	uint8_t reg[8][2];		/* written last, and before */
	uint8_t status, control;
	unsigned int multiple;		/* as it was set */
	unsigned int slow;		/* accesses, each time that it is busy */
	unsigned int busy;		/* ... that are left */
	bool absent;
	bool slow_end;			/* also when all has been read */
	enum way way;
	bool first;			/* no block of this command was moved */
	bool identifies;
	unsigned int at, left, per;	/* sectors; of a block */
	unsigned int size, done;	/* bytes of the present block */
	bool line, edge;		/* it interrupts; it began to, since the driver was called */
	unsigned int bad;		/* a sector that can't be had */
	unsigned int violations;	/* of the protocol, by the driver or for it */
	unsigned int accesses;
};

/* By a queue, and directly; which of each two is selected; which two are meant now. */
extern struct disk both[2][2];
extern unsigned int unit[2];
extern bool direct;

#define disks	(both[direct])
#define d	(&disks[unit[direct]])

/* What the disk says to IDENTIFY. */
extern const uint8_t identity[SECTOR];

/* An access to a register, by 1 << width bytes. */
uint32_t disk_in(unsigned int reg, unsigned int width);
void disk_out(unsigned int reg, unsigned int width, uint32_t value);
/* Time passes: what the selected disk is busy with, if it ever ends, is done. */
void disk_time(void);

#endif /* ATA_DISK_H */
