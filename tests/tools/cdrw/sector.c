// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sector.c - sync, header, EDC, ECC and sub-channel of a block.
 */
#include <stdbool.h>
#include <string.h>

#include "disc.h"
#include "sector.h"

#define ECC_AT	2076	/* P parity; Q follows */

static uint8_t gf_double[256];	/* in GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1 */
static uint8_t gf_by_three[256];	/* what, times (x + 1), gives the index */

static void tables_make(void)
{
	if (gf_double[1])
		return;
	for (int i = 0; i < 256; i++)
		gf_double[i] = i << 1 ^ (i & 0x80 ? 0x1d : 0);
	for (int i = 0; i < 256; i++)
		gf_by_three[gf_double[i] ^ i] = i;
}

static uint8_t bcd(int n)
{
	return n / 10 << 4 | n % 10;
}

void lba_to_msf(int32_t lba, uint8_t msf[3])
{
	/* Before 00:00:00 there is the lead-in, that counts up to 99:59:74. */
	int32_t frames = lba >= -DISC_PREGAP ? lba + DISC_PREGAP : lba + DISC_PREGAP + 450000;

	msf[0] = frames / (75 * 60);
	msf[1] = frames / 75 % 60;
	msf[2] = frames % 75;
}

int32_t msf_to_lba(const uint8_t msf[3])
{
	return (msf[0] * 60 + msf[1]) * 75 + msf[2] - DISC_PREGAP;
}

enum sector_kind sector_kind(uint8_t mode, const uint8_t raw[SECTOR_RAW])
{
	if (mode == 0)
		return SECTOR_AUDIO;
	if (mode == 1)
		return SECTOR_MODE1;
	return raw[SECTOR_HEADER + 2] & SUBMODE_FORM2 ? SECTOR_FORM2 : SECTOR_FORM1;
}

static uint32_t edc(const uint8_t *p, size_t len)
{
	uint32_t crc = 0;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xd8018001 : 0);
	}
	return crc;
}

static void put_le32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = n >> 8 * i;
}

/*
 * One of the two codes: VECTORS code words of LEN bytes each, with two parity bytes.
 * The sum of all bytes is zero, and so is the sum of the bytes times x^(distance from
 * the end).  Code word v begins at v (rows of two bytes) and continues by STEP.
 */
static void parity(const uint8_t *from, uint8_t *to, int vectors, int len, int step, int row)
{
	int all = vectors * len;

	for (int v = 0; v < vectors; v++) {
		int at = v / 2 * row + v % 2;
		uint8_t sum = 0, weighted = 0, first;

		for (int i = 0; i < len; i++) {
			sum ^= from[at];
			weighted = gf_double[weighted ^ from[at]];
			at += step;
			if (at >= all)
				at -= all;
		}
		/* That was times x for the last byte, which has two after it. */
		weighted = gf_double[weighted];
		first = gf_by_three[sum ^ weighted];
		to[v] = first;
		to[v + vectors] = first ^ sum;
	}
}

static void ecc(uint8_t raw[SECTOR_RAW], bool with_header)
{
	uint8_t header[4];

	/* Mode 2 computes with a header of zero, so that a block can be moved. */
	memcpy(header, raw + SECTOR_SYNC, 4);
	if (!with_header)
		memset(raw + SECTOR_SYNC, 0, 4);
	parity(raw + SECTOR_SYNC, raw + ECC_AT, 86, 24, 86, 2);
	parity(raw + SECTOR_SYNC, raw + ECC_AT + 2 * 86, 52, 43, 88, 86);
	memcpy(raw + SECTOR_SYNC, header, 4);
}

void sector_complete(uint8_t raw[SECTOR_RAW], enum sector_kind kind, int32_t lba)
{
	uint8_t msf[3];

	if (kind == SECTOR_AUDIO)
		return;
	tables_make();
	lba_to_msf(lba, msf);
	memset(raw, 0xff, SECTOR_SYNC);
	raw[0] = raw[11] = 0;
	for (int i = 0; i < 3; i++)
		raw[SECTOR_SYNC + i] = bcd(msf[i]);
	raw[15] = kind == SECTOR_MODE1 ? 1 : 2;
	switch (kind) {
	case SECTOR_MODE1:
		put_le32(raw + 2064, edc(raw, 2064));
		memset(raw + 2068, 0, 8);
		ecc(raw, true);
		break;
	case SECTOR_FORM1:
		put_le32(raw + 2072, edc(raw + 16, SECTOR_SUB + SECTOR_DATA));
		ecc(raw, false);
		break;
	default:
		put_le32(raw + 2348, edc(raw + 16, SECTOR_SUB + 2324));
	}
}

static uint16_t crc16(const uint8_t *p, size_t len)
{
	uint16_t crc = 0;

	while (len--) {
		crc ^= *p++ << 8;
		for (int i = 0; i < 8; i++)
			crc = crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0);
	}
	return ~crc;
}

void sector_q(uint8_t q[12], uint8_t control, uint8_t track, int32_t relative, int32_t lba)
{
	uint8_t msf[3];
	uint16_t crc;

	q[0] = control << 4 | 1;
	q[1] = bcd(track);
	q[2] = relative < 0 ? 0 : 1;
	lba_to_msf((relative < 0 ? -relative : relative) - DISC_PREGAP, msf);
	for (int i = 0; i < 3; i++)
		q[3 + i] = bcd(msf[i]);
	q[6] = 0;
	lba_to_msf(lba, msf);
	for (int i = 0; i < 3; i++)
		q[7 + i] = bcd(msf[i]);
	crc = crc16(q, 10);
	q[10] = crc >> 8;
	q[11] = crc;
}

void sector_pw(uint8_t pw[96], const uint8_t q[12])
{
	for (int i = 0; i < 96; i++) {
		pw[i] = q[i / 8] >> (7 - i % 8) & 1 ? 0x40 : 0;
		if (!q[2])
			pw[i] |= 0x80;	/* P marks the pause before a track */
	}
}
