// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * feature.c - GET CONFIGURATION: what the drive can do, and what with this disc.
 */
#include "drive.h"

#define PROFILE_NONE	0
#define PROFILE_CD_ROM	0x08
#define PROFILE_CD_R	0x09
#define PROFILE_CD_RW	0x0a

static uint16_t profile(const struct mmc *m)
{
	const struct disc *d = loaded(m);

	if (!d)
		return PROFILE_NONE;
	return d->medium == CD_RW ? PROFILE_CD_RW : d->medium == CD_R ? PROFILE_CD_R :
	       PROFILE_CD_ROM;
}

/* When a feature is current. */
enum when { ALWAYS, WITH_DISC, WITH_RECORDED, WITH_WRITABLE, WITH_REWRITABLE };

static const struct feature {
	uint16_t code;
	uint8_t version;	/* and bit 0: persistent */
	enum when when;
	uint8_t len;
	uint8_t data[12];
} features[] = {
	{ 0x0000, 0x01, ALWAYS, 12, { 0 } },			/* profiles: made below */
	{ 0x0001, 0x09, ALWAYS, 8, { 0, 0, 0, 1, 3 } },	/* core: SCSI */
	{ 0x0002, 0x05, ALWAYS, 4, { 0 } },			/* morphing: polled events */
	{ 0x0003, 0x01, ALWAYS, 4, { 0x29 } },		/* removable: tray, ejects, locks */
	{ 0x0010, 0x00, WITH_RECORDED, 8, { 0, 0, 8, 0, 0, 1, 1 } }, /* reads blocks of 2048 */
	{ 0x001d, 0x00, WITH_DISC, 0, { 0 } },		/* multi-read */
	{ 0x001e, 0x08, WITH_DISC, 4, { 0x02 } },		/* CD read, with C2 */
	{ 0x002d, 0x08, WITH_WRITABLE, 4, { 0x46, 0, 0x3f, 1 } },	/* track at once */
	{ 0x002e, 0x04, WITH_WRITABLE, 4, { 0x66, 0, 0x0c } },	/* session at once */
	{ 0x0037, 0x00, WITH_REWRITABLE, 4, { 0, 0xff } },	/* CD-RW */
	{ 0x0100, 0x01, ALWAYS, 0, { 0 } },			/* power management */
	{ 0x0105, 0x01, ALWAYS, 4, { 0 } },			/* time-outs */
	{ 0x0107, 0x0c, WITH_DISC, 4, { 0x1e } },		/* streaming: speeds */
	{ 0x0108, 0x01, ALWAYS, 0, { 0 } },			/* serial number: made below */
};

static bool current(const struct mmc *m, enum when when)
{
	const struct disc *d = loaded(m);

	switch (when) {
	case ALWAYS:
		return true;
	case WITH_DISC:
		return d;
	case WITH_RECORDED:
		return d && d->at.sessions;
	case WITH_WRITABLE:
		return d && d->medium != CD_ROM;
	default:
		return d && d->medium == CD_RW;
	}
}

/* The profiles, that of the disc first as drives do. */
static size_t profiles(const struct mmc *m, uint8_t *p)
{
	static const uint16_t all[] = { PROFILE_CD_RW, PROFILE_CD_R, PROFILE_CD_ROM };

	for (int i = 0; i < 3; i++, p += 4) {
		put16(p, all[i]);
		p[2] = all[i] == profile(m);
	}
	return 12;
}

static size_t feature_put(const struct mmc *m, const struct feature *f, uint8_t *p)
{
	size_t len = f->len;

	put16(p, f->code);
	p[2] = (f->version & ~1) | (f->version & 1 ? 2 : 0) | current(m, f->when);
	if (f->code == 0x0000) {
		len = profiles(m, p + 4);
	} else if (f->code == 0x0108) {
		memset(p + 4, ' ', sizeof(m->serial));
		memcpy(p + 4, m->serial, m->serial_len);
		len = (m->serial_len + 3) & ~3;
	} else {
		memcpy(p + 4, f->data, len);
	}
	p[3] = len;
	return 4 + len;
}

int configuration_get(struct mmc *m, struct xfer *x)
{
	uint8_t buf[512] = { 0 };
	uint8_t which = x->cdb[1] & 3;
	uint16_t from = get16(x->cdb + 2);
	size_t len = 8;

	if (which == 3)
		return BAD_FIELD;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];

		if (which == 2 ? f->code != from : f->code < from)
			continue;
		if (which == 1 && !current(m, f->when))
			continue;
		len += feature_put(m, f, buf + len);
	}
	put32(buf, len - 4);
	put16(buf + 6, profile(m));
	return reply(x, buf, len, get16(x->cdb + 7));
}
