// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mmc.c - which commands there are, sense data, the tray, and what every SCSI device
 * has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "drive.h"

#define ANY_TIME	1	/* also with a unit attention pending */
#define NEEDS_DISC	2
#define TAKES_DATA	4

static int nothing(struct mmc *m, struct xfer *x)
{
	(void)m;
	(void)x;
	return 0;
}

static void sense_fill(uint8_t buf[MMC_SENSE_SIZE], int sense)
{
	memset(buf, 0, MMC_SENSE_SIZE);
	buf[0] = 0x70;
	buf[2] = sense >> 16;
	buf[7] = MMC_SENSE_SIZE - 8;
	buf[12] = sense >> 8;
	buf[13] = sense;
}

static int attention_take(struct mmc *m)
{
	for (int i = 0; i < 2; i++) {
		int sense = m->attention[i];

		if (sense) {
			m->attention[i] = 0;
			return sense;
		}
	}
	return 0;
}

static int no_medium(const struct mmc *m)
{
	return m->open ? NO_MEDIUM_OPEN : NO_MEDIUM_CLOSED;
}

static int sense_request(struct mmc *m, struct xfer *x)
{
	uint8_t buf[MMC_SENSE_SIZE];
	int sense = m->sense ?: attention_take(m);

	if (!sense && !loaded(m))
		sense = no_medium(m);
	sense_fill(buf, sense);
	return reply(x, buf, sizeof(buf), x->cdb[4]);
}

static int product_data(struct mmc *m, struct xfer *x)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83 };
	uint8_t buf[64] = { 0x05, x->cdb[2] };
	size_t len;

	switch (x->cdb[2]) {
	case 0x00:
		len = sizeof(pages);
		memcpy(buf + 4, pages, len);
		break;
	case 0x80:
		len = m->serial_len;
		memcpy(buf + 4, m->serial, len);
		break;
	case 0x83:
		/* One designator: vendor, product and serial number in ASCII. */
		len = 4 + 8 + 16 + m->serial_len;
		buf[4] = 0x02;
		buf[5] = 0x01;
		buf[7] = len - 4;
		memcpy(buf + 8, m->vendor, 8);
		memcpy(buf + 16, m->product, 16);
		memcpy(buf + 32, m->serial, m->serial_len);
		break;
	default:
		return BAD_FIELD;
	}
	buf[3] = len;
	return reply(x, buf, 4 + len, get16(x->cdb + 3));
}

static int inquiry(struct mmc *m, struct xfer *x)
{
	uint8_t buf[36] = { 0x05, 0x80, 0x05, 0x02, sizeof(buf) - 5 };

	if (x->cdb[1] & 1)
		return product_data(m, x);
	if (x->cdb[2])
		return BAD_FIELD;
	memcpy(buf + 8, m->vendor, 8);
	memcpy(buf + 16, m->product, 16);
	memcpy(buf + 32, m->revision, 4);
	return reply(x, buf, sizeof(buf), get16(x->cdb + 3));
}

static void event_add(struct mmc *m, enum media_event event)
{
	/* A host that never asks has no use for the old ones. */
	if (m->events == EVENTS)
		memmove(m->event, m->event + 1, --m->events * sizeof(m->event[0]));
	m->event[m->events++] = event;
}

/* The host's way, which a lock forbids, or the button's. */
int tray_open(struct mmc *m)
{
	if (m->locked)
		return LOCKED;
	if (m->open)
		return 0;
	burn_stop(m);
	m->open = true;
	if (m->disc)
		event_add(m, EVENT_REMOVED);
	return 0;
}

void tray_close(struct mmc *m)
{
	if (!m->open)
		return;
	m->open = false;
	if (m->disc) {
		event_add(m, EVENT_NEW);
		m->attention[1] = MEDIUM_CHANGED;
	}
}

static int start_stop(struct mmc *m, struct xfer *x)
{
	uint8_t what = x->cdb[4];

	if (what & 0xf0)
		return 0;	/* power conditions: there is nothing to save */
	switch (what & 3) {
	case 2:
		return tray_open(m);
	case 3:
		tray_close(m);
		return 0;
	case 1:
		return loaded(m) ? 0 : no_medium(m);
	default:
		return 0;
	}
}

/* A changer's command; of its slots there is one. */
static int load_unload(struct mmc *m, struct xfer *x)
{
	if (x->cdb[8])
		return BAD_FIELD;
	if (x->cdb[4] & 1)
		tray_close(m);
	else if (x->cdb[4] & 2)
		return tray_open(m);
	return 0;
}

static int removal_prevent(struct mmc *m, struct xfer *x)
{
	m->locked = x->cdb[4] & 1;
	return 0;
}

static int event_status(struct mmc *m, struct xfer *x)
{
	uint8_t buf[8] = { 0, 2, 0x80, 0x10 };

	if (!(x->cdb[1] & 1))
		return BAD_FIELD;	/* no asynchronous ones */
	if (!(x->cdb[4] & 0x10))
		return reply(x, buf, 4, get16(x->cdb + 7));
	buf[1] = 6;
	buf[2] = 4;
	/* Only a host with room for it has read it. */
	if (m->events && get16(x->cdb + 7) >= sizeof(buf) && x->len >= sizeof(buf)) {
		buf[4] = m->event[0];
		memmove(m->event, m->event + 1, --m->events * sizeof(m->event[0]));
	}
	buf[5] = (m->open ? 1 : 0) | (loaded(m) ? 2 : 0);
	return reply(x, buf, sizeof(buf), get16(x->cdb + 7));
}

/* Firmware, of all things, must not come through: who tries is counted. */
static int buffer_write(struct mmc *m, struct xfer *x)
{
	(void)x;
	m->firmware_writes++;
	return BAD_OPCODE;
}

struct command {
	const char *name;
	int (*run)(struct mmc *m, struct xfer *x);
	unsigned int flags;
};

static const struct command commands[256] = {
	[0x00] = { "TEST UNIT READY", nothing, NEEDS_DISC },
	[0x01] = { "REZERO UNIT", nothing, NEEDS_DISC },
	[0x03] = { "REQUEST SENSE", sense_request, ANY_TIME },
	[0x12] = { "INQUIRY", inquiry, ANY_TIME },
	[0x15] = { "MODE SELECT(6)", mode_select, TAKES_DATA },
	[0x1a] = { "MODE SENSE(6)", mode_sense, 0 },
	[0x1b] = { "START STOP UNIT", start_stop, 0 },
	[0x1e] = { "PREVENT ALLOW MEDIUM REMOVAL", removal_prevent, 0 },
	[0x25] = { "READ CAPACITY", capacity_read, NEEDS_DISC },
	[0x28] = { "READ(10)", blocks_read, NEEDS_DISC },
	[0x2a] = { "WRITE(10)", blocks_write, NEEDS_DISC | TAKES_DATA },
	[0x2b] = { "SEEK(10)", nothing, NEEDS_DISC },
	[0x35] = { "SYNCHRONIZE CACHE", cache_flush, NEEDS_DISC },
	[0x23] = { "READ FORMAT CAPACITIES", NULL, 0 },
	[0x3b] = { "WRITE BUFFER", buffer_write, ANY_TIME | TAKES_DATA },
	[0x3c] = { "READ BUFFER", NULL, 0 },
	[0x42] = { "READ SUB-CHANNEL", subchannel_read, NEEDS_DISC },
	[0x43] = { "READ TOC/PMA/ATIP", toc_read, NEEDS_DISC },
	[0x44] = { "READ HEADER", header_read, NEEDS_DISC },
	[0x46] = { "GET CONFIGURATION", configuration_get, ANY_TIME },
	[0x4a] = { "GET EVENT STATUS NOTIFICATION", event_status, ANY_TIME },
	[0x51] = { "READ DISC INFORMATION", disc_info, NEEDS_DISC },
	[0x52] = { "READ TRACK INFORMATION", track_info, NEEDS_DISC },
	[0x53] = { "RESERVE TRACK", track_reserve, NEEDS_DISC },
	[0x54] = { "SEND OPC INFORMATION", nothing, NEEDS_DISC | TAKES_DATA },
	[0x55] = { "MODE SELECT(10)", mode_select, TAKES_DATA },
	[0x5a] = { "MODE SENSE(10)", mode_sense, 0 },
	[0x5b] = { "CLOSE TRACK/SESSION", track_close, NEEDS_DISC },
	[0x5c] = { "READ BUFFER CAPACITY", buffer_capacity, NEEDS_DISC },
	[0x5d] = { "SEND CUE SHEET", cue_send, NEEDS_DISC | TAKES_DATA },
	[0xa1] = { "BLANK", disc_erase, NEEDS_DISC },
	[0xa6] = { "LOAD/UNLOAD", load_unload, 0 },
	[0xa8] = { "READ(12)", blocks_read, NEEDS_DISC },
	[0xaa] = { "WRITE(12)", blocks_write, NEEDS_DISC | TAKES_DATA },
	[0xac] = { "GET PERFORMANCE", performance_get, NEEDS_DISC },
	[0xb6] = { "SET STREAMING", stream_set, NEEDS_DISC | TAKES_DATA },
	[0xb9] = { "READ CD MSF", cd_read, NEEDS_DISC },
	[0xbb] = { "SET CD SPEED", speed_set, 0 },
	[0xbd] = { "MECHANISM STATUS", mechanism_status, 0 },
	[0xbe] = { "READ CD", cd_read, NEEDS_DISC },
};

const char *mmc_name(uint8_t opcode)
{
	return commands[opcode].name ?: "unknown";
}

bool mmc_takes_data(const uint8_t *cdb)
{
	return commands[cdb[0]].flags & TAKES_DATA;
}

static int run(struct mmc *m, struct xfer *x)
{
	const struct command *c = &commands[x->cdb[0]];

	if (!(c->flags & ANY_TIME)) {
		int sense = attention_take(m);

		if (sense)
			return sense;
	}
	if (!c->run)
		return BAD_OPCODE;
	if (c->flags & NEEDS_DISC && !loaded(m))
		return no_medium(m);
	return c->run(m, x);
}

int mmc_command(struct mmc *m, const uint8_t *cdb, uint8_t *data, size_t len, size_t *done,
		uint8_t sense[MMC_SENSE_SIZE])
{
	struct xfer x = { .cdb = cdb, .data = data, .len = len };

	m->sense = run(m, &x);
	sense_fill(sense, m->sense);
	*done = m->sense ? 0 : x.done;
	return m->sense ? MMC_CHECK : MMC_GOOD;
}

unsigned int mmc_firmware_writes(const struct mmc *m)
{
	return m->firmware_writes;
}

int mmc_button(struct mmc *m)
{
	if (m->open) {
		tray_close(m);
	} else if (tray_open(m)) {
		/* The host may want to know that somebody would like to. */
		event_add(m, EVENT_EJECT);
		return -EBUSY;
	}
	return 0;
}

bool mmc_tray_is_open(const struct mmc *m)
{
	return m->open;
}

int mmc_remove(struct mmc *m)
{
	if (tray_open(m))
		return -EBUSY;
	disc_close(m->disc);
	m->disc = NULL;
	return 0;
}

int mmc_insert(struct mmc *m, struct disc *disc)
{
	if (mmc_remove(m))
		return -EBUSY;
	m->disc = disc;
	tray_close(m);
	return 0;
}

void mmc_reset(struct mmc *m)
{
	burn_stop(m);
	m->locked = false;
	m->sense = 0;
	m->events = 0;
	m->attention[0] = POWER_ON;
	m->attention[1] = 0;
	mode_init(m);
}

void mmc_describe(const struct mmc *m, char *text, size_t size)
{
	const struct disc *d = m->disc;
	int n = snprintf(text, size, "tray %s%s, firmware writes %u, ",
			 m->open ? "open" : "closed", m->locked ? " and locked" : "",
			 m->firmware_writes);

	if (n < 0 || (size_t)n >= size)
		return;
	if (!d)
		snprintf(text + n, size - n, "no disc");
	else
		snprintf(text + n, size - n, "disc %s, %s, %s, %u sessions, %u tracks", d->name,
			 disc_medium_name(d->medium),
			 disc_empty(d) ? "blank" : d->at.final ? "complete" : "appendable",
			 d->at.sessions, d->at.tracks);
}

static void pad(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size);

	memcpy(to, from, len);
	memset(to + len, ' ', size - len);
}

struct mmc *mmc_new(const struct mmc_model *model)
{
	struct mmc *m = calloc(1, sizeof(*m));
	const char *serial = model->serial ?: "0001";

	if (!m)
		return NULL;
	pad(m->vendor, sizeof(m->vendor), model->vendor ?: "XENVSYS");
	pad(m->product, sizeof(m->product), model->product ?: "CD-RW");
	pad(m->revision, sizeof(m->revision), model->revision ?: "1.00");
	m->serial_len = strnlen(serial, sizeof(m->serial));
	memcpy(m->serial, serial, m->serial_len);
	mmc_reset(m);
	return m;
}

void mmc_free(struct mmc *m)
{
	burn_stop(m);
	disc_close(m->disc);
	free(m);
}
