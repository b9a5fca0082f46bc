// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * burn.c - writing: track at once, session at once, closing, erasing.
 *
 * Track at once: the first block to where the next track starts begins a track,
 * SYNCHRONIZE CACHE or CLOSE TRACK ends it, CLOSE SESSION writes what a reader needs.
 * Session at once: a cue sheet says what will come, and the last block ends all of it.
 */
#include "drive.h"

/* Of the block types of mode 2. */
#define TYPE_FORM1	10
#define TYPE_FORM2	12

#define BUFFER_SIZE	(2048 * 1024)

static struct track *track_open(struct disc *d)
{
	struct track *t = d->at.tracks ? &d->at.track[d->at.tracks - 1] : NULL;

	return t && t->state == TRACK_OPEN ? t : NULL;
}

int32_t burn_next(const struct mmc *m)
{
	int32_t start = disc_next_start(m->disc);

	if (m->burn.cued)
		return m->burn.next;
	/* Session at once writes its first pregap too. */
	return start >= 0 && mode_write_type(m) == WRITE_SAO ? start - DISC_PREGAP : start;
}

/* Errors of saving show when the disc is next put in: there is no host for them. */
static void save(struct mmc *m)
{
	if (!m->burn.rehearsal)
		disc_save(m->disc);
}

static void rehearsal_begin(struct mmc *m)
{
	if (m->burn.rehearsal || !mode_rehearse(m))
		return;
	m->burn.rehearsal = true;
	m->burn.before = m->disc->at;
}

static void rehearsal_end(struct mmc *m)
{
	if (!m->burn.rehearsal)
		return;
	m->disc->at = m->burn.before;
	m->burn.rehearsal = false;
}

static int store(struct mmc *m, int32_t lba, uint16_t at, const uint8_t *data, size_t len)
{
	if (m->burn.rehearsal)
		return 0;
	return disc_write(m->disc, lba, at, data, len) ? WRITE_ERROR : 0;
}

static void track_complete(struct mmc *m, struct track *t)
{
	int32_t least = t->state == TRACK_RESERVED ? t->size : DISC_TRACK_MIN;

	/* Padding is zeroes: the file has a hole there. */
	if (t->written < least)
		t->written = least;
	t->size = t->written + DISC_RUN_OUT;
	if (t->state == TRACK_RESERVED)
		t->size = least;
	t->state = TRACK_COMPLETE;
	save(m);
}

static bool session_is_open(const struct disc *d)
{
	return d->at.tracks >= disc_open_first(d);
}

static void session_close(struct mmc *m)
{
	struct layout *at = &m->disc->at;
	struct session *s = &at->session[at->sessions];
	struct track *t;

	for (unsigned int i = disc_open_first(m->disc); i <= at->tracks; i++) {
		t = &at->track[i - 1];
		if (t->state != TRACK_COMPLETE)
			track_complete(m, t);
	}
	s->first = disc_open_first(m->disc);
	s->last = at->tracks;
	s->type = mode_write_page(m)[8];
	s->lead_out = layout_end(at);
	at->sessions++;
	at->final = !mode_multisession(m);
	m->burn.cued = false;
	save(m);
}

void burn_stop(struct mmc *m)
{
	struct disc *d = m->disc;
	struct track *t;

	if (!d)
		return;
	if (m->burn.cued) {
		/* A session that breaks off: its last track has what came. */
		m->burn.cued = false;
		if (session_is_open(d) && m->burn.next > d->at.track[disc_open_first(d) - 1].start) {
			while (d->at.track[d->at.tracks - 1].start >= m->burn.next)
				d->at.tracks--;
			t = &d->at.track[d->at.tracks - 1];
			t->written = m->burn.next - t->start;
			t->size = t->written;
			t->state = TRACK_COMPLETE;
			session_close(m);
		}
	}
	t = track_open(d);
	if (t)
		track_complete(m, t);
	rehearsal_end(m);
	disc_save(d);
}

static int writable(const struct mmc *m)
{
	if (m->disc->medium == CD_ROM)
		return CANNOT_WRITE;
	return m->disc->at.final ? BAD_WRITE_ADDRESS : 0;
}

/* Session at once. */

/* From a cue sheet's data form: bytes from the host, and where in the block.  -1: no. */
static int form_block(uint8_t form, uint8_t *mode, uint16_t *at)
{
	static const struct { int16_t size; uint16_t at; uint8_t mode; } forms[8][5] = {
		[0] = { { SECTOR_RAW, 0, 0 }, { 0, 0, 0 } },
		[1] = { { SECTOR_DATA, 16, 1 }, { SECTOR_RAW, 0, 1 }, { SECTOR_DATA, 16, 1 },
			{ SECTOR_RAW, 0, 1 }, { 0, 0, 1 } },
		[2] = { { 2336, 16, 2 }, { SECTOR_RAW, 0, 2 }, { 2336, 16, 2 },
			{ SECTOR_RAW, 0, 2 }, { 0, 0, 2 } },
	};
	uint8_t kind = form >> 4 & 3, how = form & 15;

	/* Sub-channels of the host's own are not for this drive. */
	if (form & 0xc0 || kind > 2 || how > (kind ? 4 : 1))
		return -1;
	*mode = forms[kind][how].mode;
	*at = forms[kind][how].at;
	return forms[kind][how].size;
}

struct cue {
	struct layout at;	/* with the session's tracks */
	struct region region[REGIONS];
	unsigned int regions;
	int32_t end;		/* lead-out; 0: not seen */
};

/* Index 0, or index 1 without one, begins the next track. */
static int cue_track(struct mmc *m, struct cue *c, const uint8_t *e, int32_t lba)
{
	unsigned int last = c->at.tracks;
	struct track *t = last ? &c->at.track[last - 1] : NULL;
	bool begins = e[1] != last || last < disc_open_first(m->disc);
	struct region *r = &c->region[c->regions];
	uint8_t mode;
	int size = form_block(e[3], &mode, &r->at);

	if (size < 0 || c->regions == REGIONS || e[2] > 99)
		return BAD_PARAMETER;
	if (c->regions && lba <= c->region[c->regions - 1].start)
		return BAD_PARAMETER;
	if (begins) {
		if (e[1] != last + 1 || last == DISC_TRACKS || e[2] > 1)
			return BAD_PARAMETER;
		t = &c->at.track[c->at.tracks++];
		*t = (struct track){
			.state = TRACK_OPEN, .session = c->at.sessions + 1,
			.control = e[0] >> 4, .mode = mode, .start = -1,
			.pregap = lba,	/* where it begins; a length once index 1 is known */
		};
	} else if (e[2] < 1) {
		return BAD_PARAMETER;
	}
	if (e[2] == 1) {
		if (t->start >= 0)
			return BAD_PARAMETER;
		t->pregap = begins ? 0 : lba - t->pregap;
		t->start = lba;
		t->mode = mode;
	}
	r->start = lba;
	r->block = size;
	r->track = c->at.tracks - 1;
	c->regions++;
	return 0;
}

static int cue_entry(struct mmc *m, struct cue *c, const uint8_t *e)
{
	int32_t lba = msf_to_lba(e + 5);

	/* Catalog numbers and ISRCs leave no trace. */
	if ((e[0] & 15) != 1)
		return (e[0] & 15) == 2 || (e[0] & 15) == 3 ? 0 : BAD_PARAMETER;
	if (c->end || e[6] > 59 || e[7] > 74)
		return BAD_PARAMETER;
	if (e[1] == 0)
		return c->regions ? BAD_PARAMETER : 0;
	if (e[1] != 0xaa)
		return cue_track(m, c, e, lba);
	if (!c->regions || lba <= c->region[c->regions - 1].start)
		return BAD_PARAMETER;
	c->end = lba;
	return 0;
}

static bool cue_good(struct mmc *m, struct cue *c)
{
	unsigned int first = disc_open_first(m->disc);

	if (!c->end || c->end > m->disc->blocks ||
	    c->region[0].start != disc_next_start(m->disc) - DISC_PREGAP)
		return false;
	for (unsigned int i = first; i <= c->at.tracks; i++) {
		struct track *t = &c->at.track[i - 1], *next = t + 1;
		int32_t end = c->end;

		if (t->start < 0)
			return false;
		if (i < c->at.tracks)
			end = next->start - next->pregap;
		t->size = end - t->start;
		if (t->size <= 0)
			return false;
	}
	return c->at.track[first - 1].start == disc_next_start(m->disc);
}

int cue_send(struct mmc *m, struct xfer *x)
{
	uint32_t len = get24(x->cdb + 6);
	struct cue c = { .at = m->disc->at };
	int ret = writable(m);

	if (ret)
		return ret;
	if (mode_write_type(m) != WRITE_SAO || session_is_open(m->disc))
		return BAD_SEQUENCE;
	if (!len || len % 8 || len > x->len)
		return BAD_FIELD;
	for (uint32_t i = 0; i < len; i += 8) {
		ret = cue_entry(m, &c, x->data + i);
		if (ret)
			return ret;
	}
	if (!cue_good(m, &c))
		return BAD_PARAMETER;
	m->burn.cued = true;
	m->burn.regions = c.regions;
	memcpy(m->burn.region, c.region, sizeof(c.region));
	m->burn.next = c.region[0].start;
	m->burn.end = c.end;
	/* The tracks come with the first block: the host may still think again. */
	m->burn.coming = c.at;
	return 0;
}

static const struct region *region_at(const struct burn *b, int32_t lba)
{
	const struct region *r = b->region;

	for (unsigned int i = 1; i < b->regions && b->region[i].start <= lba; i++)
		r++;
	return r;
}

/* Past what the drive makes itself. */
static const struct region *region_next(struct burn *b)
{
	const struct region *r = region_at(b, b->next);

	while (!r->block && b->next < b->end) {
		bool last = r == &b->region[b->regions - 1];

		b->next = last ? b->end : r[1].start;
		if (!last)
			r++;
	}
	return r;
}

static void sao_begin(struct mmc *m)
{
	if (session_is_open(m->disc))
		return;
	rehearsal_begin(m);
	m->disc->at = m->burn.coming;
}

static int sao_write(struct mmc *m, struct xfer *x, int32_t lba, uint32_t nr)
{
	struct burn *b = &m->burn;
	const struct region *r;
	size_t at = 0;
	int ret;

	if (!b->cued)
		return BAD_SEQUENCE;
	r = region_next(b);
	if (lba != b->next)
		return BAD_WRITE_ADDRESS;
	sao_begin(m);
	for (; nr; nr--, at += r->block, b->next++) {
		struct track *t;

		r = region_next(b);
		if (b->next >= b->end)
			return BAD_LBA;
		if (r->block > x->len - at)
			return BAD_FIELD;
		t = &m->disc->at.track[r->track];
		ret = store(m, b->next, r->at, x->data + at, r->block);
		if (ret)
			return ret;
		if (b->next >= t->start)
			t->written = b->next + 1 - t->start;
	}
	region_next(b);
	if (b->next < b->end)
		return 0;
	for (unsigned int i = disc_open_first(m->disc); i <= m->disc->at.tracks; i++) {
		m->disc->at.track[i - 1].written = m->disc->at.track[i - 1].size;
		m->disc->at.track[i - 1].state = TRACK_COMPLETE;
	}
	session_close(m);
	rehearsal_end(m);
	return 0;
}

/* Track at once. */

static struct track *tao_track(struct mmc *m, int32_t lba)
{
	struct layout *at = &m->disc->at;
	const uint8_t *page = mode_write_page(m);
	uint8_t type = page[4] & 15, mode = type == 0 ? 0 : type == 8 ? 1 : 2;
	struct track *t = NULL;

	for (unsigned int i = disc_open_first(m->disc); i <= at->tracks && !t; i++)
		if (at->track[i - 1].state != TRACK_COMPLETE &&
		    at->track[i - 1].start + at->track[i - 1].written == lba)
			t = &at->track[i - 1];
	if (!t) {
		/* One after the other: a reserved one may be written besides. */
		if (track_open(m->disc) || lba != disc_next_start(m->disc))
			return NULL;
		rehearsal_begin(m);
		t = &at->track[at->tracks];
		*t = (struct track){
			.state = TRACK_OPEN, .session = at->sessions + 1, .start = lba,
		};
		at->tracks++;
	}
	rehearsal_begin(m);
	if (!t->written) {
		t->control = page[3] & 15;
		t->mode = mode;
	}
	return t;
}

static int tao_store(struct mmc *m, int32_t lba, const uint8_t *data, uint16_t size, uint16_t at)
{
	const uint8_t *page = mode_write_page(m);
	uint8_t type = page[4] & 15, sub[SECTOR_SUB] = { 0 };
	int ret;

	if (type == TYPE_FORM1 || type == TYPE_FORM2) {
		/* The sub-header is the drive's business. */
		memcpy(sub, page + 48, 4);
		if (!get32(sub))
			sub[2] = SUBMODE_DATA;
		sub[2] = (sub[2] & ~SUBMODE_FORM2) | (type == TYPE_FORM2 ? SUBMODE_FORM2 : 0);
		memcpy(sub + 4, sub, 4);
		ret = store(m, lba, SECTOR_HEADER, sub, sizeof(sub));
		if (ret)
			return ret;
	}
	return store(m, lba, at, data, size);
}

static int tao_write(struct mmc *m, struct xfer *x, int32_t lba, uint32_t nr)
{
	uint16_t at, size = mode_block(mode_write_page(m)[4], &at);
	struct track *t;
	int32_t end;

	if ((size_t)nr * size > x->len)
		return BAD_FIELD;
	if (lba < 0 || (int32_t)nr > m->disc->blocks - lba)
		return BAD_LBA;
	t = tao_track(m, lba);
	if (!t)
		return BAD_WRITE_ADDRESS;
	end = t->state == TRACK_RESERVED ? t->start + t->size : m->disc->blocks;
	if ((int32_t)nr > end - lba)
		return BAD_LBA;
	for (uint32_t i = 0; i < nr; i++) {
		int ret = tao_store(m, lba + i, x->data + (size_t)i * size, size, at);

		if (ret)
			return ret;
		t->written++;
	}
	if (t->state == TRACK_OPEN)
		t->size = t->written;
	return 0;
}

int blocks_write(struct mmc *m, struct xfer *x)
{
	uint32_t nr = x->cdb[0] == 0xaa ? get32(x->cdb + 6) : get16(x->cdb + 7);
	int32_t lba = get32(x->cdb + 2);
	int ret = writable(m);

	if (ret)
		return ret;
	if (!nr)
		return 0;
	if (nr > DISC_BLOCKS_MAX)
		return BAD_LBA;
	if (mode_write_type(m) == WRITE_SAO)
		return sao_write(m, x, lba, nr);
	return tao_write(m, x, lba, nr);
}

int cache_flush(struct mmc *m, struct xfer *x)
{
	struct track *t = track_open(m->disc);

	(void)x;
	if (t && !m->burn.cued && t->written) {
		track_complete(m, t);
		rehearsal_end(m);
	}
	return 0;
}

int track_reserve(struct mmc *m, struct xfer *x)
{
	uint32_t size = get32(x->cdb + 5);
	struct layout *at = &m->disc->at;
	int32_t start = disc_next_start(m->disc);
	int ret = writable(m);

	if (ret)
		return ret;
	if (start < 0 || track_open(m->disc) || m->burn.cued)
		return BAD_SEQUENCE;
	if (!size || size > DISC_BLOCKS_MAX || (int32_t)size > m->disc->blocks - start)
		return BAD_FIELD;
	at->track[at->tracks++] = (struct track){
		.state = TRACK_RESERVED, .session = at->sessions + 1, .control = 4, .mode = 1,
		.start = start, .size = size,
	};
	save(m);
	return 0;
}

int track_close(struct mmc *m, struct xfer *x)
{
	struct layout *at = &m->disc->at;
	unsigned int nr = get16(x->cdb + 4);
	struct track *t = track_open(m->disc);
	int ret = writable(m);

	if (ret || m->burn.cued)
		return ret ?: BAD_SEQUENCE;
	switch (x->cdb[2] & 7) {
	case 0:		/* stops background formatting, of which there is none */
		return 0;
	case 1:
		if (nr && nr <= at->tracks && at->track[nr - 1].state != TRACK_COMPLETE)
			t = &at->track[nr - 1];
		if (t && (t->written || t->state == TRACK_RESERVED))
			track_complete(m, t);
		rehearsal_end(m);
		return 0;
	case 2:
		/* After a rehearsal nothing is there to be closed. */
		if (session_is_open(m->disc) && !m->burn.rehearsal)
			session_close(m);
		rehearsal_end(m);
		return 0;
	default:
		return BAD_FIELD;
	}
}

static int session_reopen(struct mmc *m)
{
	struct layout *at = &m->disc->at;

	if (!at->sessions || session_is_open(m->disc))
		return BAD_SEQUENCE;
	at->sessions--;
	at->final = false;
	return 0;
}

int disc_erase(struct mmc *m, struct xfer *x)
{
	struct layout *at = &m->disc->at;
	int ret = 0;

	if (m->disc->medium != CD_RW)
		return CANNOT_WRITE;
	m->burn.cued = false;
	switch (x->cdb[1] & 7) {
	case 0:		/* all */
	case 1:		/* what says that there is something */
		disc_blank(m->disc);
		break;
	case 3:		/* unreserve the last track */
		if (!session_is_open(m->disc) || at->track[at->tracks - 1].state != TRACK_RESERVED)
			return BAD_SEQUENCE;
		at->tracks--;
		break;
	case 5:		/* unclose the last session */
		ret = session_reopen(m);
		break;
	case 6:		/* erase the last session, open or closed */
		if (!session_is_open(m->disc))
			ret = session_reopen(m);
		if (!ret)
			at->tracks = at->sessions ? at->session[at->sessions - 1].last : 0;
		break;
	default:	/* a track, the tail of one */
		return BAD_FIELD;
	}
	if (!ret)
		save(m);
	return ret;
}

int buffer_capacity(struct mmc *m, struct xfer *x)
{
	uint8_t buf[12] = { 0, 10 };

	if (x->cdb[1] & 1)
		return BAD_FIELD;
	/* All that comes is on the disc already, but programs complain of an empty buffer. */
	put32(buf + 4, BUFFER_SIZE);
	put32(buf + 8, m->burn.cued || track_open(m->disc) ? BUFFER_SIZE / 4 : BUFFER_SIZE);
	return reply(x, buf, sizeof(buf), get16(x->cdb + 7));
}
