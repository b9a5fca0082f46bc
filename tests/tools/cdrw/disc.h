/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disc.h - a compact disc: what is recorded on it, and the two files that keep it.
 *
 *   NAME.toc      text: medium, sessions, tracks
 *   NAME.sectors  sparse: block n is the 2352 bytes from n * 2352 on.  What the drive
 *                 can compute (sync, header, EDC, ECC) is left zero, see sector.h
 *
 * Nothing here knows of commands.  Positions are LBAs: 0 is 00:02:00.
 */
#ifndef CDRW_DISC_H
#define CDRW_DISC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISC_TRACKS	99
#define DISC_SESSIONS	99
#define DISC_BLOCKS	359849	/* of a disc of 80 minutes */
#define DISC_BLOCKS_MIN	1000
#define DISC_BLOCKS_MAX	449850	/* 99:59:74 */
#define DISC_PREGAP	150
#define DISC_RUN_OUT	2
#define DISC_TRACK_MIN	300	/* 4 s: shorter tracks are padded */

enum medium { CD_ROM, CD_R, CD_RW };

enum track_state { TRACK_RESERVED, TRACK_OPEN, TRACK_COMPLETE };

struct track {
	enum track_state state;
	uint8_t session;	/* from 1 */
	uint8_t control;	/* of the Q sub-channel: 4 is data */
	uint8_t mode;		/* 1 or 2; 0 is audio */
	int32_t pregap;		/* recorded blocks before the start, of SAO */
	int32_t start;
	int32_t size;		/* with run-out; of a reserved track: what is reserved */
	int32_t written;
};

struct session {
	uint8_t first, last;	/* tracks */
	uint8_t type;		/* 0x00 CD-DA or CD-ROM, 0x20 XA */
	int32_t lead_out;
};

/* What the TOC and PMA say.  Sessions are closed ones; tracks of the next number
 * belong to the open one. */
struct layout {
	unsigned int tracks, sessions;
	bool final;		/* nothing can follow */
	struct track track[DISC_TRACKS];
	struct session session[DISC_SESSIONS];
};

struct disc {
	char *name;
	char *toc;		/* path */
	int fd;			/* of NAME.sectors */
	enum medium medium;
	int32_t blocks;		/* where a lead-out may start at the latest */
	struct layout at;
};

/* Opens a disc, or makes a blank one.  NULL with errno; EINVAL if its files are damaged
 * or the name is not one of a file in DIR. */
struct disc *disc_open(const char *dir, const char *name, enum medium medium, int32_t blocks);
int disc_save(const struct disc *d);
void disc_close(struct disc *d);
const char *disc_medium_name(enum medium medium);

void disc_blank(struct disc *d);

/* Of the track that does not exist yet: where it starts, or -1 if there can't be one. */
int32_t disc_next_start(const struct disc *d);
/* The same, for a given layout. */
int32_t layout_next_start(const struct layout *at);
int32_t disc_free_blocks(const struct disc *d);
bool disc_empty(const struct disc *d);
/* First track of the session that is open. */
unsigned int disc_open_first(const struct disc *d);
/* One after the last track, and after its run-out. */
int32_t layout_end(const struct layout *at);
/* From the lead-out of session NR (from 1) to where the next may begin. */
int32_t session_gap(unsigned int nr);

/* The track that a block belongs to, with its pregap; NULL: none. */
const struct track *disc_track_at(const struct disc *d, int32_t lba);

/* The recorded bytes of a block.  0 or -errno. */
int disc_read(const struct disc *d, int32_t lba, uint8_t raw[2352]);
int disc_write(const struct disc *d, int32_t lba, size_t at, const void *data, size_t len);

#endif
