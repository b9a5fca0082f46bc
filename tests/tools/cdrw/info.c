// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * info.c - what the host asks about the disc: TOC, PMA, ATIP, disc and track
 * information.
 */
#include "drive.h"

/* From the ATIP: where the lead-in starts.  By that programs tell who made the disc. */
static const uint8_t lead_in[3] = { 97, 26, 60 };

static uint32_t lead_out(const struct disc *d)
{
	return d->at.sessions ? d->at.session[d->at.sessions - 1].lead_out : 0;
}

static unsigned int last_closed(const struct disc *d)
{
	return d->at.sessions ? d->at.session[d->at.sessions - 1].last : 0;
}

int capacity_read(struct mmc *m, struct xfer *x)
{
	uint8_t buf[8];
	uint32_t end = lead_out(m->disc);

	put32(buf, end ? end - 1 : 0);
	put32(buf + 4, SECTOR_DATA);
	return reply(x, buf, sizeof(buf), sizeof(buf));
}

static void put_address(uint8_t *p, int32_t lba, bool msf)
{
	p[0] = 0;
	if (msf)
		lba_to_msf(lba, p + 1);
	else
		put32(p, lba);
}

struct toc {
	uint8_t buf[4 + 11 * (DISC_TRACKS + 5 * DISC_SESSIONS)];
	size_t len;
};

static void toc_entry(struct toc *t, uint8_t control, uint8_t nr, int32_t lba, bool msf)
{
	uint8_t *p = t->buf + t->len;

	p[1] = 0x10 | control;
	p[2] = nr;
	put_address(p + 4, lba, msf);
	t->len += 8;
}

static int toc_tracks(const struct disc *d, struct toc *t, uint8_t from, bool msf)
{
	unsigned int last = last_closed(d);

	if (!last || (from > last && from != 0xaa))
		return BAD_FIELD;
	t->buf[2] = 1;
	t->buf[3] = last;
	for (unsigned int i = from ? from : 1; i <= last; i++)
		toc_entry(t, d->at.track[i - 1].control, i, d->at.track[i - 1].start, msf);
	toc_entry(t, d->at.track[last - 1].control, 0xaa, lead_out(d), msf);
	return 0;
}

static int toc_sessions(const struct disc *d, struct toc *t, bool msf)
{
	unsigned int nr = d->at.sessions, first;

	if (!nr)
		return BAD_FIELD;
	first = d->at.session[nr - 1].first;
	t->buf[2] = 1;
	t->buf[3] = nr;
	toc_entry(t, d->at.track[first - 1].control, first, d->at.track[first - 1].start, msf);
	return 0;
}

/* MIN is what the point is about, P what it says. */
static void raw_entry(struct toc *t, uint8_t session, uint8_t adr_control, uint8_t point,
		      const uint8_t min[3], uint8_t zero, const uint8_t p[3])
{
	uint8_t *e = t->buf + t->len;

	memset(e, 0, 11);
	e[0] = session;
	e[1] = adr_control;
	e[3] = point;
	if (min)
		memcpy(e + 4, min, 3);
	e[7] = zero;
	memcpy(e + 8, p, 3);
	t->len += 11;
}

static void raw_session(const struct disc *d, struct toc *t, unsigned int nr)
{
	const struct session *s = &d->at.session[nr - 1];
	const struct track *first = &d->at.track[s->first - 1], *last = &d->at.track[s->last - 1];
	uint8_t msf[3], next[3];

	raw_entry(t, nr, 0x10 | first->control, 0xa0, NULL, 0, (uint8_t[]){ s->first, s->type, 0 });
	raw_entry(t, nr, 0x10 | last->control, 0xa1, NULL, 0, (uint8_t[]){ s->last, 0, 0 });
	lba_to_msf(s->lead_out, msf);
	raw_entry(t, nr, 0x10 | last->control, 0xa2, NULL, 0, msf);
	for (unsigned int i = s->first; i <= s->last; i++) {
		lba_to_msf(d->at.track[i - 1].start, msf);
		raw_entry(t, nr, 0x10 | d->at.track[i - 1].control, i, NULL, 0, msf);
	}
	if (nr == d->at.sessions && d->at.final)
		return;
	/* Where the next session may be written, and up to where. */
	lba_to_msf(s->lead_out + session_gap(nr) - DISC_PREGAP, next);
	lba_to_msf(d->blocks, msf);
	raw_entry(t, nr, 0x50, 0xb0, next, nr == 1 ? 2 : 1, msf);
	if (nr == 1)
		raw_entry(t, nr, 0x50, 0xc0, (uint8_t[]){ 0xa0, 0, 0 }, 0, lead_in);
}

static int toc_raw(const struct disc *d, struct toc *t, uint8_t from)
{
	if (!d->at.sessions || from > d->at.sessions)
		return BAD_FIELD;
	t->buf[2] = 1;
	t->buf[3] = d->at.sessions;
	for (unsigned int nr = from ? from : 1; nr <= d->at.sessions; nr++)
		raw_session(d, t, nr);
	return 0;
}

static int toc_pma(const struct disc *d, struct toc *t)
{
	for (unsigned int i = 0; i < d->at.tracks; i++) {
		const struct track *track = &d->at.track[i];
		uint8_t start[3], end[3];

		lba_to_msf(track->start, start);
		lba_to_msf(track->start + track->size, end);
		raw_entry(t, 0, 0x10 | track->control, i + 1, end, 0, start);
	}
	return 0;
}

static int toc_atip(const struct disc *d, struct toc *t)
{
	uint8_t *p = t->buf + 4;

	if (d->medium == CD_ROM)
		return BAD_FIELD;
	t->len += 24;
	p[0] = 0xd0 | (d->medium == CD_RW ? 2 : 0);
	p[1] = 0x00;
	p[2] = 0x80 | (d->medium == CD_RW ? 0x40 | 0x04 : 0);
	memcpy(p + 4, lead_in, 3);
	lba_to_msf(d->blocks, p + 8);
	if (d->medium == CD_RW) {
		/* Speeds from 1x to 4x, and what a laser would like to know. */
		p[12] = 0x13;
		p[13] = 0x54;
		p[14] = 0x5e;
	}
	return 0;
}

int toc_read(struct mmc *m, struct xfer *x)
{
	bool msf = x->cdb[1] & 2;
	uint8_t format = x->cdb[2] & 15, from = x->cdb[6];
	struct toc t = { .len = 4 };
	int ret;

	/* Where ATAPI drives had it first, and where Linux still puts it. */
	if (!format)
		format = x->cdb[9] >> 6;
	switch (format) {
	case 0:
		ret = toc_tracks(m->disc, &t, from, msf);
		break;
	case 1:
		ret = toc_sessions(m->disc, &t, msf);
		break;
	case 2:
		ret = toc_raw(m->disc, &t, from);
		break;
	case 3:
		ret = toc_pma(m->disc, &t);
		break;
	case 4:
		ret = toc_atip(m->disc, &t);
		break;
	default:
		ret = BAD_FIELD;	/* no CD-TEXT */
	}
	if (ret)
		return ret;
	put16(t.buf, t.len - 2);
	return reply(x, t.buf, t.len, get16(x->cdb + 7));
}

int disc_info(struct mmc *m, struct xfer *x)
{
	const struct disc *d = m->disc;
	bool invisible = disc_next_start(d) >= 0, closed = d->at.final || d->medium == CD_ROM;
	unsigned int first = disc_open_first(d), last = d->at.tracks + invisible;
	uint8_t buf[34] = { 0, 32 }, state;

	if (x->cdb[1] & 7)
		return BAD_FIELD;
	if (closed && d->at.sessions) {
		first = d->at.session[d->at.sessions - 1].first;
		last = d->at.tracks;
		state = 3 << 2 | 2;
	} else if (disc_empty(d)) {
		state = 0;
	} else {
		state = (d->at.tracks >= first ? 1 : 0) << 2 | 1;
	}
	buf[2] = (d->medium == CD_RW ? 0x10 : 0) | state;
	buf[3] = 1;
	buf[4] = d->at.sessions + !closed;
	buf[5] = first;
	buf[6] = last < first ? first : last;
	buf[7] = 0x20;
	buf[8] = d->at.sessions ? d->at.session[0].type : 0xff;
	if (closed) {
		memset(buf + 17, 0xff, 3);
		memset(buf + 21, 0xff, 3);
	} else {
		if (d->at.sessions)
			lba_to_msf(lead_out(d) + session_gap(d->at.sessions) - DISC_PREGAP - 4500,
				   buf + 17);
		else
			memcpy(buf + 17, lead_in, 3);
		lba_to_msf(d->blocks, buf + 21);
	}
	return reply(x, buf, sizeof(buf), get16(x->cdb + 7));
}

/* By number, or by block, or by session; 0xff is the one that is not there yet. */
static int track_choose(struct mmc *m, uint8_t how, uint32_t what)
{
	const struct disc *d = m->disc;
	bool invisible = disc_next_start(d) >= 0;
	const struct track *t;

	switch (how) {
	case 0:
		t = disc_track_at(d, what);
		if (t)
			return t - d->at.track;
		return invisible && (int32_t)what >= 0 &&
		       (int32_t)what >= layout_end(&d->at) && (int32_t)what < d->blocks ?
		       (int)d->at.tracks : -1;
	case 1:
		if (what == 0xff) {
			/* One that is being written still counts as not there. */
			if (d->at.tracks && d->at.track[d->at.tracks - 1].state == TRACK_OPEN)
				return d->at.tracks - 1;
			return invisible ? (int)d->at.tracks : -1;
		}
		return what >= 1 && what <= d->at.tracks + invisible ? (int)what - 1 : -1;
	case 2:
		if (what >= 1 && what <= d->at.sessions)
			return d->at.session[what - 1].first - 1;
		if (what == d->at.sessions + 1 && disc_open_first(d) <= d->at.tracks + invisible)
			return disc_open_first(d) - 1;
		return -1;
	default:
		return -1;
	}
}

int track_info(struct mmc *m, struct xfer *x)
{
	const struct disc *d = m->disc;
	uint8_t buf[36] = { 0, sizeof(buf) - 2 };
	int nr = track_choose(m, x->cdb[1] & 3, get32(x->cdb + 2));
	const struct track *t;

	if (nr < 0)
		return BAD_FIELD;
	buf[2] = nr + 1;
	if ((unsigned int)nr == d->at.tracks) {
		const uint8_t *page = mode_write_page(m);

		buf[3] = d->at.sessions + 1;
		buf[5] = page[3] & 15;
		buf[6] = 0x40 | 0x0f;
		buf[7] = 1;
		put32(buf + 8, disc_next_start(d));
		put32(buf + 12, burn_next(m));
		put32(buf + 16, disc_free_blocks(d));
		put32(buf + 24, disc_free_blocks(d));
		return reply(x, buf, sizeof(buf), get16(x->cdb + 7));
	}
	t = &d->at.track[nr];
	buf[3] = t->session;
	buf[5] = t->control;
	buf[6] = t->mode ? t->mode : 0x0f;
	put32(buf + 8, t->start);
	put32(buf + 24, t->size);
	if (t->state == TRACK_COMPLETE) {
		if (t->written) {
			buf[7] |= 2;
			put32(buf + 28, t->start + t->written - 1);
		}
	} else {
		buf[6] |= t->state == TRACK_RESERVED && !t->written ? 0xc0 : 0x00;
		buf[7] |= 1;
		put32(buf + 12, m->burn.cued ? m->burn.next : t->start + t->written);
		put32(buf + 16, t->state == TRACK_RESERVED ? t->size - t->written :
		      d->blocks - t->start - t->written);
		put32(buf + 24, t->state == TRACK_RESERVED ? t->size : d->blocks - t->start);
	}
	return reply(x, buf, sizeof(buf), get16(x->cdb + 7));
}

int subchannel_read(struct mmc *m, struct xfer *x)
{
	uint8_t buf[24] = { 0, 0x15 }, format = x->cdb[3];	/* plays nothing */
	size_t len = 4;

	(void)m;
	if (x->cdb[2] & 0x40) {
		buf[4] = format;
		switch (format) {
		case 1:
			len = 16;
			break;
		case 2:		/* no catalog number, */
		case 3:		/* no ISRC */
			len = 24;
			break;
		default:
			return BAD_FIELD;
		}
		buf[3] = len - 4;
	}
	return reply(x, buf, len, get16(x->cdb + 7));
}

int header_read(struct mmc *m, struct xfer *x)
{
	int32_t lba = get32(x->cdb + 2);
	const struct track *t = disc_track_at(m->disc, lba);
	uint8_t buf[8] = { 0 };

	if (!t)
		return BAD_LBA;
	if (!t->mode)
		return WRONG_TRACK_MODE;
	buf[0] = t->mode;
	put_address(buf + 4, lba, x->cdb[1] & 2);
	return reply(x, buf, sizeof(buf), get16(x->cdb + 7));
}

int mechanism_status(struct mmc *m, struct xfer *x)
{
	uint8_t buf[8] = { 0, m->open ? 0x10 : 0 };

	return reply(x, buf, sizeof(buf), get16(x->cdb + 8));
}
