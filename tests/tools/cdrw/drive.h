/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drive.h - the inside of the drive, for those files that do its commands.
 */
#ifndef CDRW_DRIVE_H
#define CDRW_DRIVE_H

#include <string.h>

#include "disc.h"
#include "mmc.h"
#include "sector.h"

#define MODE_PAGES	8
#define MODE_PAGE_MAX	64
#define EVENTS		8
#define REGIONS		256
#define FOREVER		0xffff

/* Commands return 0 or one of these: key, code and qualifier of the sense data. */
#define SENSE(key, asc, ascq)	((key) << 16 | (asc) << 8 | (ascq))
#define NO_MEDIUM_CLOSED	SENSE(2, 0x3a, 0x01)
#define NO_MEDIUM_OPEN		SENSE(2, 0x3a, 0x02)
#define UNREADABLE		SENSE(3, 0x11, 0x00)
#define WRITE_ERROR		SENSE(3, 0x0c, 0x00)
#define BAD_OPCODE		SENSE(5, 0x20, 0x00)
#define BAD_LBA			SENSE(5, 0x21, 0x00)
#define BAD_WRITE_ADDRESS	SENSE(5, 0x21, 0x02)
#define BAD_FIELD		SENSE(5, 0x24, 0x00)
#define BAD_PARAMETER		SENSE(5, 0x26, 0x00)
#define BAD_SEQUENCE		SENSE(5, 0x2c, 0x00)
#define CANNOT_WRITE		SENSE(5, 0x30, 0x05)
#define NOT_SAVED		SENSE(5, 0x39, 0x00)
#define LOCKED			SENSE(5, 0x53, 0x02)
#define WRONG_TRACK_MODE	SENSE(5, 0x64, 0x00)
#define MEDIUM_CHANGED		SENSE(6, 0x28, 0x00)
#define POWER_ON		SENSE(6, 0x29, 0x00)

enum write_type { WRITE_TAO = 1, WRITE_SAO = 2 };

enum media_event { EVENT_NONE, EVENT_EJECT, EVENT_NEW, EVENT_REMOVED };

/* Data of one command, either way. */
struct xfer {
	const uint8_t *cdb;
	uint8_t *data;
	size_t len, done;
};

/* A stretch of a cue sheet: blocks of one form. */
struct region {
	int32_t start;
	uint16_t block;		/* bytes that the host sends for each; 0: the drive makes it */
	uint16_t at;		/* where in the 2352 they belong */
	uint8_t track;		/* index in the layout */
};

struct burn {
	/* Session at once. */
	bool cued;
	unsigned int regions;
	struct region region[REGIONS];
	int32_t next, end;
	struct layout coming;	/* the disc with those tracks, from the first block on */
	/* Of a rehearsal, what the disc was before. */
	bool rehearsal;
	struct layout before;
};

struct mode_page {
	uint8_t len;			/* with its head of two bytes */
	uint8_t now[MODE_PAGE_MAX];
	uint8_t changeable[MODE_PAGE_MAX];
	uint8_t start[MODE_PAGE_MAX];
};

struct mmc {
	/* Who it is: padded with blanks, as INQUIRY shows it. */
	char vendor[8], product[16], revision[4], serial[20];
	uint8_t serial_len;

	struct disc *disc;		/* in the tray, be that open or not */
	bool open, locked;

	/* What the host was not told yet. */
	int attention[2];		/* sense; power on goes before medium changed */
	enum media_event event[EVENTS];
	unsigned int events;

	int sense;			/* of the command before, for REQUEST SENSE */
	unsigned int firmware_writes;
	uint16_t read_speed, write_speed;	/* kB/s */

	struct mode_page page[MODE_PAGES];
	unsigned int pages;
	struct burn burn;
};

static inline uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get24(const uint8_t *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, uint32_t n)
{
	p[0] = n >> 8;
	p[1] = n;
}

static inline void put32(uint8_t *p, uint32_t n)
{
	put16(p, n >> 16);
	put16(p + 2, n);
}

/* As much of it as the command asks for, and as there is room. */
static inline int reply(struct xfer *x, const void *from, size_t size, size_t asked)
{
	size_t n = size < asked ? size : asked;

	if (n > x->len)
		n = x->len;
	if (n)
		memcpy(x->data, from, n);
	x->done = n;
	return 0;
}

/* The disc, if it can be used; else NULL. */
static inline struct disc *loaded(const struct mmc *m)
{
	return m->open ? NULL : m->disc;
}

/* mmc.c */
int tray_open(struct mmc *m);
void tray_close(struct mmc *m);

/* mode.c */
void mode_init(struct mmc *m);
int mode_sense(struct mmc *m, struct xfer *x);
int mode_select(struct mmc *m, struct xfer *x);
int speed_set(struct mmc *m, struct xfer *x);
int performance_get(struct mmc *m, struct xfer *x);
int stream_set(struct mmc *m, struct xfer *x);
enum write_type mode_write_type(const struct mmc *m);
bool mode_rehearse(const struct mmc *m);
bool mode_multisession(const struct mmc *m);
/* Of a data block type: bytes of a block, and where they belong.  0: can't be written. */
uint16_t mode_block(uint8_t type, uint16_t *at);
const uint8_t *mode_write_page(const struct mmc *m);

/* feature.c */
int configuration_get(struct mmc *m, struct xfer *x);

/* info.c */
int capacity_read(struct mmc *m, struct xfer *x);
int toc_read(struct mmc *m, struct xfer *x);
int disc_info(struct mmc *m, struct xfer *x);
int track_info(struct mmc *m, struct xfer *x);
int subchannel_read(struct mmc *m, struct xfer *x);
int header_read(struct mmc *m, struct xfer *x);
int mechanism_status(struct mmc *m, struct xfer *x);

/* read.c */
int blocks_read(struct mmc *m, struct xfer *x);
int cd_read(struct mmc *m, struct xfer *x);

/* burn.c */
int blocks_write(struct mmc *m, struct xfer *x);
int cache_flush(struct mmc *m, struct xfer *x);
int track_reserve(struct mmc *m, struct xfer *x);
int cue_send(struct mmc *m, struct xfer *x);
int track_close(struct mmc *m, struct xfer *x);
int disc_erase(struct mmc *m, struct xfer *x);
int buffer_capacity(struct mmc *m, struct xfer *x);
/* The disc leaves: what was begun ends here. */
void burn_stop(struct mmc *m);
/* Where the next track is written from, for the current way of writing; -1: nowhere. */
int32_t burn_next(const struct mmc *m);

#endif
