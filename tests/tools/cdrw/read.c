// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * read.c - reading blocks: data as such, or any part of what is recorded.
 *
 * A block between tracks that a pause precedes reads as silence or as zeroes, as do run-
 * out blocks, which real drives often fail to read: a program that reads the whole disc
 * should succeed here.
 */
#include "drive.h"

#define FLAG_SYNC	0x80
#define FLAG_SUB	0x40
#define FLAG_HEADER	0x20
#define FLAG_USER	0x10
#define FLAG_EDC	0x08

/* The track whose kind of block it is.  NULL: outside. */
static const struct track *track_of(const struct disc *d, int32_t lba)
{
	const struct track *t = disc_track_at(d, lba);

	if (t)
		return t->state == TRACK_COMPLETE || lba < t->start + t->written ? t : NULL;
	/* The pause of a track of its own. */
	t = disc_track_at(d, lba + DISC_PREGAP);
	return t && lba < t->start && lba >= 0 ? t : NULL;
}

static int out_of_range(const struct disc *d, int32_t lba)
{
	return lba < 0 || lba >= layout_end(&d->at) ? BAD_LBA : UNREADABLE;
}

int blocks_read(struct mmc *m, struct xfer *x)
{
	uint32_t nr = x->cdb[0] == 0xa8 ? get32(x->cdb + 6) : get16(x->cdb + 7);
	uint32_t lba = get32(x->cdb + 2);
	uint8_t raw[SECTOR_RAW];

	if (lba > DISC_BLOCKS_MAX || nr > DISC_BLOCKS_MAX - lba)
		return BAD_LBA;
	if (!nr)
		return 0;
	/* Before anything moves: is there an end of it? */
	if (!track_of(m->disc, lba + nr - 1))
		return out_of_range(m->disc, lba + nr - 1);
	for (; nr && x->done < x->len; nr--, lba++) {
		const struct track *t = track_of(m->disc, lba);
		size_t at, n = x->len - x->done < SECTOR_DATA ? x->len - x->done : SECTOR_DATA;

		if (!t)
			return out_of_range(m->disc, lba);
		if (!t->mode)
			return WRONG_TRACK_MODE;
		if (disc_read(m->disc, lba, raw))
			return UNREADABLE;
		at = sector_kind(t->mode, raw) == SECTOR_MODE1 ? SECTOR_HEADER :
		     SECTOR_HEADER + SECTOR_SUB;
		memcpy(x->data + x->done, raw + at, n);
		x->done += n;
	}
	return 0;
}

/* Parts of a data block that follow each other; each with the flag that asks for it. */
struct part {
	uint8_t flag;
	uint16_t end;
};

static const struct part parts[][6] = {
	[SECTOR_MODE1] = {
		{ FLAG_SYNC, 12 }, { FLAG_HEADER, 16 }, { FLAG_USER, 2064 }, { FLAG_EDC, 2352 },
	},
	[SECTOR_FORM1] = {
		{ FLAG_SYNC, 12 }, { FLAG_HEADER, 16 }, { FLAG_SUB, 24 }, { FLAG_USER, 2072 },
		{ FLAG_EDC, 2352 },
	},
	[SECTOR_FORM2] = {
		{ FLAG_SYNC, 12 }, { FLAG_HEADER, 16 }, { FLAG_SUB, 24 }, { FLAG_USER, 2348 },
		{ FLAG_EDC, 2352 },
	},
};

static size_t part_copy(uint8_t *to, const uint8_t raw[SECTOR_RAW], enum sector_kind kind,
			uint8_t flags)
{
	size_t at = 0, len = 0;

	if (kind == SECTOR_AUDIO) {
		/* It is all user data, whatever else is asked for with it. */
		if (flags & FLAG_USER)
			memcpy(to, raw, len = SECTOR_RAW);
		return len;
	}
	for (const struct part *p = parts[kind]; p->end; p++) {
		if (flags & p->flag) {
			memcpy(to + len, raw + at, p->end - at);
			len += p->end - at;
		}
		at = p->end;
	}
	return len;
}

static bool kind_asked(uint8_t asked, enum sector_kind kind)
{
	switch (asked) {
	case 0:
		return true;
	case 1:
		return kind == SECTOR_AUDIO;
	case 2:
		return kind == SECTOR_MODE1;
	case 4:
		return kind == SECTOR_FORM1;
	case 5:
		return kind == SECTOR_FORM2;
	default:
		return false;
	}
}

static size_t subchannel_copy(uint8_t *to, const struct disc *d, const struct track *t,
			      int32_t lba, uint8_t which)
{
	uint8_t q[12];

	sector_q(q, t->control, t - d->at.track + 1, lba - t->start, lba);
	switch (which) {
	case 1:
		sector_pw(to, q);
		return 96;
	case 2:
		memset(to, 0, 16);
		memcpy(to, q, 12);
		if (!q[2])
			to[15] = 0x80;
		return 16;
	case 4:
		memset(to, 0, 96);	/* R to W: empty */
		return 96;
	default:
		return 0;
	}
}

/* One block as asked for; the number of bytes, or 0 - sense. */
static int cd_block(struct mmc *m, const struct xfer *x, int32_t lba, uint8_t *to)
{
	const struct disc *d = m->disc;
	const struct track *t = track_of(d, lba);
	uint8_t raw[SECTOR_RAW], flags = x->cdb[9], c2 = x->cdb[9] >> 1 & 3;
	enum sector_kind kind;
	size_t len;

	if (!t)
		return -out_of_range(d, lba);
	if (disc_read(d, lba, raw))
		return -UNREADABLE;
	kind = sector_kind(t->mode, raw);
	if (!kind_asked(x->cdb[1] >> 2 & 7, kind))
		return -WRONG_TRACK_MODE;
	sector_complete(raw, kind, lba);
	len = part_copy(to, raw, kind, flags);
	if (c2) {
		/* No errors. */
		memset(to + len, 0, c2 == 1 ? 294 : 296);
		len += c2 == 1 ? 294 : 296;
	}
	return len + subchannel_copy(to + len, d, t, lba, x->cdb[10] & 7);
}

int cd_read(struct mmc *m, struct xfer *x)
{
	uint8_t block[SECTOR_RAW + 296 + 96], sub = x->cdb[10] & 7;
	int32_t lba, end;

	if (x->cdb[0] == 0xb9) {
		lba = msf_to_lba(x->cdb + 3);
		end = msf_to_lba(x->cdb + 6);
		if (end < lba)
			return BAD_FIELD;
	} else {
		lba = get32(x->cdb + 2);
		if (lba < -DISC_PREGAP || lba > DISC_BLOCKS_MAX)
			return BAD_LBA;
		end = lba + get24(x->cdb + 6);
	}
	if (x->cdb[1] & 1 || (x->cdb[9] & 6) == 6 || (sub != 0 && sub != 1 && sub != 2 && sub != 4))
		return BAD_FIELD;
	if (lba < end && !track_of(m->disc, end - 1))
		return out_of_range(m->disc, end - 1);
	/* No part of the blocks: it is enough that they are there. */
	if (!(x->cdb[9] & 0xfe) && !sub)
		return 0;
	for (; lba < end; lba++) {
		int len = cd_block(m, x, lba, block);
		size_t n;

		if (len < 0)
			return -len;
		n = x->len - x->done < (size_t)len ? x->len - x->done : (size_t)len;
		if (n)
			memcpy(x->data + x->done, block, n);
		x->done += n;
		if (x->done == x->len)
			break;
	}
	return 0;
}
