// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mode.c - mode pages, and speeds.
 */
#include "drive.h"

#define ERROR_RECOVERY	0x01
#define WRITE_PARAMETERS 0x05
#define CD_DEVICE	0x0d
#define CD_AUDIO	0x0e
#define POWER		0x1a
#define TIME_OUT	0x1d
#define CAPABILITIES	0x2a
#define ALL_PAGES	0x3f

/* kB/s of 24x, 16x, 10x and 4x; the first is the default. */
static const uint16_t write_speeds[] = { 4234, 2822, 1764, 706 };
#define SPEEDS		(sizeof(write_speeds) / sizeof(write_speeds[0]))
#define READ_SPEED	7056

static struct mode_page *page_find(const struct mmc *m, uint8_t code)
{
	for (unsigned int i = 0; i < m->pages; i++)
		if (m->page[i].now[0] == code)
			return (struct mode_page *)&m->page[i];
	return NULL;
}

static void page_add(struct mmc *m, uint8_t len, const uint8_t *start, const uint8_t *changeable)
{
	struct mode_page *p = &m->page[m->pages++];

	p->len = len;
	memcpy(p->start, start, len);
	p->start[1] = len - 2;
	memcpy(p->now, p->start, len);
	memset(p->changeable, 0, len);
	memcpy(p->changeable, p->start, 2);
	if (changeable)
		memcpy(p->changeable + 2, changeable + 2, len - 2);
}

void mode_init(struct mmc *m)
{
	static const uint8_t error[12] = { ERROR_RECOVERY, 0, 0x00, 8, [8] = 1 };
	static const uint8_t error_changeable[12] = { 0, 0, 0x37, 0xff, [8] = 0xff };
	/* Track at once, of mode 1; a pause of 2 s between audio tracks. */
	static const uint8_t write[52] = {
		WRITE_PARAMETERS, 0, WRITE_TAO, 4, 8, [15] = DISC_PREGAP,
	};
	static const uint8_t device[8] = { CD_DEVICE, 0, 0, 1, 0, 60, 0, 75 };
	static const uint8_t audio[16] = { CD_AUDIO, 0, 4, [8] = 1, 0xff, 2, 0xff };
	static const uint8_t audio_changeable[16] = {
		0, 0, 2, [8] = 0x0f, 0xff, 0x0f, 0xff,
	};
	static const uint8_t power[12] = { POWER };
	static const uint8_t power_changeable[12] = { [3] = 3, [4] = 0xff, 0xff, 0xff, 0xff,
						      0xff, 0xff, 0xff, 0xff };
	static const uint8_t time_out[12] = { TIME_OUT, 0, [8] = 0, 60, 0, 60 };
	static const uint8_t time_out_changeable[12] = { [4] = 4, [8] = 0xff, 0xff, 0xff, 0xff };
	uint8_t write_changeable[52] = { 0, 0, 0x7f, 0xff, 0x0f, 0xff, 0, 0x3f, 0xff, 0 };
	uint8_t what[32 + 4 * SPEEDS] = {
		CAPABILITIES, 0,
		0x07,	/* reads CD-R, CD-RW, method 2 */
		0x07,	/* writes CD-R, CD-RW, rehearses */
		0xf0,	/* buffer underrun free, multi-session, mode 2 form 1 and 2 */
		0x1f,	/* CD-DA, accurate; sub-channels; C2 */
		0x29,	/* tray, ejects, locks */
		0x00,
	};

	memset(write_changeable + 10, 0xff, sizeof(write_changeable) - 10);
	put16(what + 8, READ_SPEED);
	put16(what + 12, 2048);		/* buffer, KiB */
	put16(what + 14, READ_SPEED);
	put16(what + 18, write_speeds[0]);
	put16(what + 20, write_speeds[0]);
	put16(what + 22, 1);
	put16(what + 28, write_speeds[0]);
	put16(what + 30, SPEEDS);
	for (unsigned int i = 0; i < SPEEDS; i++)
		put16(what + 32 + 4 * i + 2, write_speeds[i]);

	m->pages = 0;
	page_add(m, sizeof(error), error, error_changeable);
	page_add(m, sizeof(write), write, write_changeable);
	page_add(m, sizeof(device), device, NULL);
	page_add(m, sizeof(audio), audio, audio_changeable);
	page_add(m, sizeof(power), power, power_changeable);
	page_add(m, sizeof(time_out), time_out, time_out_changeable);
	page_add(m, sizeof(what), what, NULL);
	m->read_speed = READ_SPEED;
	m->write_speed = write_speeds[0];
}

/* What changes by itself. */
static void capabilities_update(struct mmc *m)
{
	uint8_t *p = page_find(m, CAPABILITIES)->now;

	p[6] = (p[6] & ~2) | (m->locked ? 2 : 0);
	put16(p + 14, m->read_speed);
	put16(p + 20, m->write_speed);
	put16(p + 28, m->write_speed);
}

int mode_sense(struct mmc *m, struct xfer *x)
{
	bool ten = x->cdb[0] == 0x5a;
	size_t head = ten ? 8 : 4, len = head;
	uint8_t code = x->cdb[2] & 0x3f, control = x->cdb[2] >> 6;
	uint8_t buf[8 + MODE_PAGES * MODE_PAGE_MAX] = { 0 };

	if (control == 3)
		return NOT_SAVED;
	if (code != ALL_PAGES && !page_find(m, code))
		return BAD_FIELD;
	capabilities_update(m);
	for (unsigned int i = 0; i < m->pages; i++) {
		const struct mode_page *p = &m->page[i];

		if (code != ALL_PAGES && code != p->now[0])
			continue;
		memcpy(buf + len, control == 0 ? p->now : control == 1 ? p->changeable : p->start,
		       p->len);
		len += p->len;
	}
	if (ten) {
		put16(buf, len - 2);
		return reply(x, buf, len, get16(x->cdb + 7));
	}
	buf[0] = len - 1 < 255 ? len - 1 : 255;
	return reply(x, buf, len, x->cdb[4]);
}

uint16_t mode_block(uint8_t type, uint16_t *at)
{
	static const struct { uint16_t size, at; } blocks[16] = {
		[0] = { SECTOR_RAW, 0 },	/* audio */
		[8] = { SECTOR_DATA, SECTOR_HEADER },
		[9] = { 2336, SECTOR_HEADER },
		[10] = { SECTOR_DATA, SECTOR_HEADER + SECTOR_SUB },
		[11] = { SECTOR_SUB + SECTOR_DATA, SECTOR_HEADER },
		[12] = { 2324, SECTOR_HEADER + SECTOR_SUB },
		[13] = { SECTOR_SUB + 2324, SECTOR_HEADER },
	};

	*at = blocks[type & 15].at;
	return blocks[type & 15].size;
}

/* Programs probe by trying: what can't be done must be refused. */
static bool write_page_good(const uint8_t *p)
{
	uint8_t type = p[2] & 15, block = p[4] & 15, multi = p[3] >> 6;
	uint16_t at;

	if (type != WRITE_TAO && type != WRITE_SAO)
		return false;
	/* The session's form; hosts that mean CD-ROM or CD-DA say 0. */
	if (p[8] != 0 && p[8] != 0x10 && p[8] != 0x20)
		return false;
	return multi != 1 && multi != 2 && mode_block(block, &at);
}

static int page_set(struct mmc *m, const uint8_t *from, size_t len)
{
	struct mode_page *p = page_find(m, from[0] & 0x3f);
	uint8_t new[MODE_PAGE_MAX];

	if (!p || p->len != len)
		return BAD_PARAMETER;
	memcpy(new, from, len);
	new[0] &= 0x3f;
	if (new[0] == CAPABILITIES)
		return 0;	/* nothing there can be set; some write back what they read */
	for (size_t i = 2; i < len; i++)
		new[i] = (new[i] & p->changeable[i]) | (p->now[i] & ~p->changeable[i]);
	if (new[0] == WRITE_PARAMETERS) {
		if (!write_page_good(new))
			return BAD_PARAMETER;
		/* Another way of writing forgets the cue sheet. */
		if ((new[2] & 15) != mode_write_type(m))
			m->burn.cued = false;
	}
	memcpy(p->now, new, len);
	return 0;
}

int mode_select(struct mmc *m, struct xfer *x)
{
	bool ten = x->cdb[0] == 0x55;
	size_t all = ten ? get16(x->cdb + 7) : x->cdb[4], at = ten ? 8 : 4;

	if (!(x->cdb[1] & 0x10) || x->cdb[1] & 1)
		return BAD_FIELD;
	if (!all)
		return 0;
	if (all > x->len || all < at)
		return BAD_FIELD;
	at += ten ? get16(x->data + 6) : x->data[3];
	if (at > all)
		return BAD_PARAMETER;
	while (at < all) {
		size_t len;
		int ret;

		if (all - at < 2)
			return BAD_PARAMETER;
		len = 2 + x->data[at + 1];
		if (len > all - at || len > MODE_PAGE_MAX)
			return BAD_PARAMETER;
		ret = page_set(m, x->data + at, len);
		if (ret)
			return ret;
		at += len;
	}
	return 0;
}

const uint8_t *mode_write_page(const struct mmc *m)
{
	return page_find(m, WRITE_PARAMETERS)->now;
}

enum write_type mode_write_type(const struct mmc *m)
{
	return mode_write_page(m)[2] & 15;
}

bool mode_rehearse(const struct mmc *m)
{
	return mode_write_page(m)[2] & 0x10;
}

bool mode_multisession(const struct mmc *m)
{
	return mode_write_page(m)[3] >> 6 == 3;
}

/* The fastest that is not faster than asked for. */
static void write_speed_choose(struct mmc *m, uint32_t asked)
{
	m->write_speed = write_speeds[SPEEDS - 1];
	for (unsigned int i = 0; i < SPEEDS; i++)
		/* Hosts round: 4x is 704 to some, 706 to others. */
		if (write_speeds[i] <= asked + asked / 50 + 4) {
			m->write_speed = write_speeds[i];
			break;
		}
}

int speed_set(struct mmc *m, struct xfer *x)
{
	uint16_t read = get16(x->cdb + 2);

	m->read_speed = read == 0 || read > READ_SPEED ? READ_SPEED : read;
	if (get16(x->cdb + 4))
		write_speed_choose(m, get16(x->cdb + 4));
	return 0;
}

int stream_set(struct mmc *m, struct xfer *x)
{
	uint32_t size, time;

	if (get16(x->cdb + 9) < 28 || x->len < 28)
		return BAD_FIELD;
	if (x->data[0] & 4) {
		write_speed_choose(m, write_speeds[0]);
		return 0;
	}
	size = get32(x->data + 20);
	time = get32(x->data + 24);
	if (!time)
		return BAD_PARAMETER;
	write_speed_choose(m, (uint64_t)size * 1000 / time);
	return 0;
}

int performance_get(struct mmc *m, struct xfer *x)
{
	const struct disc *d = loaded(m);
	unsigned int max = get16(x->cdb + 8), nr;
	uint8_t buf[8 + 16 * SPEEDS] = { 0 }, *p = buf + 8;

	switch (x->cdb[10]) {
	case 0x00:	/* performance: the same everywhere */
		if (x->cdb[1] & 3)
			nr = 0;	/* exceptions: there are none */
		else
			nr = 1;
		buf[4] = x->cdb[1] & 4 ? 2 : 0;
		put32(p + 4, x->cdb[1] & 4 ? m->write_speed : m->read_speed);
		put32(p + 8, d->blocks - 1);
		put32(p + 12, x->cdb[1] & 4 ? m->write_speed : m->read_speed);
		break;
	case 0x03:	/* write speeds */
		nr = d->medium == CD_ROM ? 0 : SPEEDS;
		for (unsigned int i = 0; i < nr; i++, p += 16) {
			p[0] = 0x02;	/* also while reading */
			put32(p + 4, d->blocks - 1);
			put32(p + 8, READ_SPEED);
			put32(p + 12, write_speeds[i]);
		}
		break;
	default:
		return BAD_FIELD;
	}
	/* The length is that of all there are: programs ask for none first. */
	put32(buf, 4 + 16 * nr);
	if (nr > max)
		nr = max;
	return reply(x, buf, 8 + 16 * nr, sizeof(buf));
}
