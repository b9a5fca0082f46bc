/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-cdrw.c - the CD-RW drive of the lab: the commands that wodim and libburn send,
 * in their order, and what they look for in the answers; then anything at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/target_core_user.h>

#include "tests/tools/cdrw/control.h"
#include "tests/tools/cdrw/mmc.h"
#include "tests/tools/cdrw/ring.h"
#include "tests/tools/cdrw/sector.h"

#define BLOCKS	30000

static char dir[100];
static struct mmc *m;
static uint8_t data[1 << 20], want[1 << 20], sense[MMC_SENSE_SIZE];
static size_t done;

static struct disc *disc_new(const char *name, enum medium medium)
{
	struct disc *d = disc_open(dir, name, medium, BLOCKS);

	assert_non_null(d);
	return d;
}

/* Names are used once: discs stay. */
static const char *fresh(void)
{
	static char name[20];
	static int nr;

	snprintf(name, sizeof(name), "disc%d", nr++);
	return name;
}

static int send(const char *hex, size_t len)
{
	uint8_t cdb[MMC_CDB_MAX] = { 0 };
	unsigned int byte;
	int n;

	for (int i = 0; sscanf(hex, "%2x%n", &byte, &n) == 1; hex += n)
		cdb[i++] = byte;
	return mmc_command(m, cdb, data, len, &done, sense);
}

static void good(const char *hex, size_t len)
{
	int status = send(hex, len);

	if (status)
		print_error("%s: %x/%02x/%02x\n", hex, sense[2], sense[12], sense[13]);
	assert_int_equal(status, MMC_GOOD);
}

static void bad(const char *hex, size_t len, unsigned int what)
{
	assert_int_equal(send(hex, len), MMC_CHECK);
	assert_int_equal(done, 0);
	assert_int_equal(sense[2] << 16 | sense[12] << 8 | sense[13], what);
}

static uint32_t be32(size_t at)
{
	return (uint32_t)data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
}

/* MODE SELECT of the write parameters, as wodim sends them. */
static void write_page(uint8_t type, uint8_t track, uint8_t block, uint8_t session)
{
	memset(data, 0, 60);
	data[8] = 0x05;
	data[9] = 0x32;
	data[10] = 0x40 | type;
	data[11] = track;
	data[12] = block;
	data[16] = session;
	data[23] = 0x96;
	good("55 10 00 00 00 00 00 00 3c 00", 60);
}

static void fill(uint8_t *to, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		to[i] = seed >> 16;
	}
}

static void write_blocks(int32_t lba, unsigned int nr, size_t size, unsigned int seed)
{
	char hex[60];

	for (unsigned int n; nr; nr -= n, lba += n) {
		n = nr < 31 ? nr : 31;
		for (unsigned int i = 0; i < n; i++)
			fill(data + i * size, size, seed + lba + i);
		snprintf(hex, sizeof(hex), "2a 00 %02x %02x %02x %02x 00 00 %02x 00",
			 lba >> 24 & 255, lba >> 16 & 255, lba >> 8 & 255, lba & 255, n);
		good(hex, n * size);
	}
}

static void check_blocks(int32_t lba, unsigned int nr, unsigned int seed)
{
	char hex[60];

	for (; nr; nr--, lba++) {
		snprintf(hex, sizeof(hex), "28 00 00 00 %02x %02x 00 00 01 00", lba >> 8, lba & 255);
		good(hex, SECTOR_DATA);
		fill(want, SECTOR_DATA, seed + lba);
		assert_memory_equal(data, want, SECTOR_DATA);
	}
}

static void quiet(void)
{
	while (send("00 00 00 00 00 00", 0) && sense[2] == 6)
		;
}

static void load(enum medium medium)
{
	assert_int_equal(mmc_insert(m, disc_new(fresh(), medium)), 0);
	quiet();
}

static void state(unsigned int byte2)
{
	good("51 00 00 00 00 00 00 00 22 00", 34);
	assert_int_equal(done, 34);
	assert_int_equal(data[2], byte2);
}

static int setup(void **s)
{
	struct mmc_model model = { .vendor = "ACME", .product = "BURNER", .serial = "S7" };

	(void)s;
	m = mmc_new(&model);
	assert_non_null(m);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	mmc_free(m);
	return 0;
}

static void identity(void **s)
{
	(void)s;
	good("12 00 00 00 24 00", 36);
	assert_int_equal(data[0], 5);
	assert_int_equal(data[1], 0x80);
	assert_memory_equal(data + 8, "ACME    BURNER          1.00", 28);
	good("12 01 80 00 ff 00", 255);
	assert_memory_equal(data + 4, "S7", 2);
	assert_int_equal(done, 6);
	good("12 00 00 00 05 00", 36);
	assert_int_equal(done, 5);
	bad("12 01 77 00 ff 00", 255, 0x52400);
	bad("3b 05 00 00 00 00 00 10 00 00", 4096, 0x52000);
	bad("04 00 00 00 00 00", 0, 0x62900);
	bad("04 00 00 00 00 00", 0, 0x52000);
	assert_int_equal(mmc_firmware_writes(m), 1);
}

static void attentions(void **s)
{
	(void)s;
	bad("00", 0, 0x62900);
	bad("00", 0, 0x23a01);
	/* Polled for, and otherwise told once. */
	good("4a 01 00 00 10 00 00 00 08 00", 8);
	assert_memory_equal(data, "\0\6\4\x10\0\0\0\0", 8);
	assert_int_equal(mmc_insert(m, disc_new(fresh(), CD_RW)), 0);
	good("4a 01 00 00 10 00 00 00 08 00", 8);
	assert_memory_equal(data, "\0\6\4\x10\2\2\0\0", 8);
	good("4a 01 00 00 10 00 00 00 08 00", 8);
	assert_memory_equal(data, "\0\6\4\x10\0\2\0\0", 8);
	good("12 00 00 00 24 00", 36);
	bad("00", 0, 0x62800);
	good("00", 0);
	/* REQUEST SENSE takes one, too. */
	assert_int_equal(mmc_button(m), 0);
	assert_int_equal(mmc_button(m), 0);
	good("03 00 00 00 12 00", 18);
	assert_int_equal(data[2] << 8 | data[12], 0x628);
	good("00", 0);
	bad("4a 00 00 00 10 00 00 00 08 00", 8, 0x52400);
}

static void tray(void **s)
{
	(void)s;
	load(CD_RW);
	good("1e 00 00 00 01 00", 0);
	bad("1b 00 00 00 02 00", 0, 0x55302);
	assert_int_not_equal(mmc_button(m), 0);
	assert_int_not_equal(mmc_remove(m), 0);
	good("4a 01 00 00 10 00 00 00 08 00", 8);	/* the disc that came */
	good("4a 01 00 00 10 00 00 00 08 00", 8);
	assert_int_equal(data[4], 1);			/* somebody pressed the button */
	good("5a 00 2a 00 00 00 00 00 38 00", 56);
	assert_true(data[8 + 6] & 2);
	good("1e 00 00 00 00 00", 0);
	good("1b 00 00 00 02 00", 0);
	bad("00", 0, 0x23a02);
	good("4a 01 00 00 10 00 00 00 08 00", 8);
	assert_memory_equal(data + 4, "\3\1", 2);
	good("bd 00 00 00 00 00 00 00 00 08 00 00", 8);
	assert_int_equal(data[1], 0x10);
	good("1b 00 00 00 03 00", 0);
	bad("00", 0, 0x62800);
	good("00", 0);
	/* As by the kernel's scanning: out, and nothing is in. */
	assert_int_equal(mmc_remove(m), 0);
	good("1b 00 00 00 03 00", 0);
	bad("00", 0, 0x23a01);
}

static void modes(void **s)
{
	(void)s;
	load(CD_RW);
	good("5a 00 3f 00 00 00 00 00 08 00", 8);
	assert_int_equal(done, 8);
	good("5a 00 2a 00 00 00 00 00 38 00", 56);
	assert_int_equal(data[1], 54);
	assert_int_equal(data[8], 0x2a);
	assert_int_equal(data[8 + 3] & 3, 3);
	good("5a 00 05 00 00 00 00 00 3c 00", 60);
	assert_int_equal(data[10], 1);
	good("5a 00 45 00 00 00 00 00 3c 00", 60);
	assert_int_equal(data[10], 0x7f);
	good("1a 00 0e 00 ff 00", 255);
	assert_int_equal(done, 20);
	bad("5a 00 30 00 00 00 00 00 08 00", 8, 0x52400);
	bad("5a 00 c5 00 00 00 00 00 3c 00", 60, 0x53900);
	/* What wodim probes for, and must not find. */
	memset(data, 0, 60);
	memcpy(data + 8, "\x05\x32\x03\x04\x01", 5);
	bad("55 10 00 00 00 00 00 00 3c 00", 60, 0x52600);
	data[10] = 0;
	bad("55 10 00 00 00 00 00 00 3c 00", 60, 0x52600);
	data[9] = 0x31;
	bad("55 10 00 00 00 00 00 00 3c 00", 60, 0x52600);
	bad("55 10 00 00 00 00 00 00 3c 00", 20, 0x52400);
	/* An empty list with a block descriptor is what wodim ends with. */
	memset(data, 0, 16);
	data[7] = 8;
	good("55 10 00 00 00 00 00 00 10 00", 16);
	good("46 02 00 37 00 00 00 00 10 00", 16);
	assert_int_equal(data[7], 0x0a);
	assert_int_equal(data[10], 1);
	good("46 00 00 00 00 00 00 00 08 00", 8);
	assert_int_equal(done, 8);
	good("bb 00 1b 90 06 e4 00 00 00 00 00 00", 0);
	good("5a 00 2a 00 00 00 00 00 38 00", 56);
	assert_int_equal(data[8 + 28] << 8 | data[8 + 29], 1764);
	good("ac 00 00 00 00 00 00 00 00 00 03 00", 8);
	assert_int_equal(be32(0), 4 + 4 * 16);
	good("ac 00 00 00 00 00 00 00 00 04 03 00", 200);
	assert_int_equal(done, 8 + 4 * 16);
	assert_int_equal(be32(8 + 12), 4234);
}

/* wodim -tao, of two data tracks; then blank=fast and another. */
static void wodim_tao(void **s)
{
	(void)s;
	load(CD_RW);
	state(0x10);
	bad("43 00 00 00 00 00 00 00 04 00", 4, 0x52400);
	good("43 00 04 00 00 00 00 00 1c 00", 28);
	assert_int_equal(data[6] & 0x40, 0x40);
	write_page(1, 4, 8, 0);
	good("54 01 00 00 00 00 00 00 00 00", 0);
	good("52 01 00 00 00 ff 00 00 1c 00", 28);
	assert_int_equal(data[6] & 0x40, 0x40);
	assert_int_equal(be32(12), 0);
	assert_int_equal(be32(16), BLOCKS);
	write_blocks(0, 400, SECTOR_DATA, 1);
	good("5c 00 00 00 00 00 00 00 0c 00", 12);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	good("52 01 00 00 00 ff 00 00 1c 00", 28);
	assert_int_equal(be32(12), 552);
	bad("2a 00 00 00 00 00 00 00 01 00", 2048, 0x52102);
	write_page(1, 4, 8, 0);
	write_blocks(552, 100, SECTOR_DATA, 2);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	state(0x15);
	good("5b 00 02 00 00 00 00 00 00 00", 0);
	state(0x1e);
	bad("2a 00 00 00 05 00 00 00 01 00", 2048, 0x52102);
	bad("52 01 00 00 00 ff 00 00 1c 00", 28, 0x52400);
	/* The second track was too short, and both have run-out blocks. */
	good("25 00 00 00 00 00 00 00 00 00", 8);
	assert_int_equal(be32(0), 552 + 300 + 2 - 1);
	assert_int_equal(be32(4), 2048);
	check_blocks(0, 400, 1);
	check_blocks(552, 100, 2);
	good("28 00 00 00 01 91 00 00 01 00", 2048);
	bad("28 00 00 00 03 56 00 00 01 00", 2048, 0x52100);
	good("43 00 00 00 00 00 00 00 ff 00", 255);
	assert_int_equal(done, 4 + 3 * 8);
	assert_int_equal(be32(4 + 8 + 4), 552);
	good("43 02 00 00 00 00 aa 00 0c 00", 12);
	assert_memory_equal(data + 9, "\0\x0d\x1d", 3);
	good("43 00 00 00 00 00 00 00 0c 40", 12);	/* as Linux asks for sessions */
	assert_int_equal(data[6], 1);
	good("44 00 00 00 00 00 00 00 08 00", 8);
	assert_int_equal(data[0], 1);
	good("a1 01 00 00 00 00 00 00 00 00 00 00", 0);
	state(0x10);
	good("25 00 00 00 00 00 00 00 00 00", 8);
	assert_int_equal(be32(0), 0);
	write_blocks(0, 300, SECTOR_DATA, 3);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	check_blocks(0, 300, 3);
}

/* libburn: a cue sheet, the pregap too. */
static void libburn_sao(void **s)
{
	static const uint8_t cue[] = {
		0x41, 0x00, 0x00, 0x14, 0x00, 0, 0, 0,
		0x41, 0x01, 0x00, 0x10, 0x00, 0, 0, 0,
		0x41, 0x01, 0x01, 0x10, 0x00, 0, 2, 0,
		0x41, 0xaa, 0x01, 0x14, 0x00, 0, 8, 0,
	};

	(void)s;
	load(CD_RW);
	memcpy(data, cue, sizeof(cue));
	bad("5d 00 00 00 00 00 00 00 20 00", sizeof(cue), 0x52c00);
	write_page(2, 4, 8, 0);
	bad("2a 00 ff ff ff 6a 00 00 01 00", 2048, 0x52c00);
	good("52 01 00 00 00 ff 00 00 14 00", 20);
	assert_int_equal((int32_t)be32(12), -150);
	memcpy(data, cue, sizeof(cue));
	data[16 + 6] = 3;	/* not where a first track starts */
	bad("5d 00 00 00 00 00 00 00 20 00", sizeof(cue), 0x52600);
	memcpy(data, cue, sizeof(cue));
	good("5d 00 00 00 00 00 00 00 20 00", sizeof(cue));
	bad("2a 00 00 00 00 00 00 00 01 00", 2048, 0x52102);
	write_blocks(-150, 150, SECTOR_DATA, 0);
	write_blocks(0, 449, SECTOR_DATA, 5);
	good("35 02 00 00 00 00 00 00 00 00", 0);
	write_blocks(449, 1, SECTOR_DATA, 5);
	good("35 02 00 00 00 00 00 00 00 00", 0);
	state(0x1e);
	good("43 02 02 00 00 00 00 00 30 00", 48);
	assert_int_equal(done, 4 + 4 * 11);
	assert_memory_equal(data + 4 + 2 * 11 + 3, "\xa2\0\0\0\0\0\x08\0", 8);
	good("52 01 00 00 00 01 00 00 22 00", 34);
	assert_int_equal(be32(24), 450);
	check_blocks(0, 450, 5);
	bad("28 00 00 00 01 c2 00 00 01 00", 2048, 0x52100);
}

/* Sessions: mode 2 by wodim -multi, and what follows where. */
static void multisession(void **s)
{
	struct disc *d;
	char *name;

	(void)s;
	name = strdup(fresh());
	assert_int_equal(mmc_insert(m, disc_new(name, CD_R)), 0);
	quiet();
	state(0x00);
	write_page(1, 4 | 0xc0, 10, 0x20);
	write_blocks(0, 500, SECTOR_DATA, 1);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	good("5b 00 02 00 00 00 00 00 00 00", 0);
	state(0x01);
	assert_int_equal(data[8], 0x20);
	good("52 01 00 00 00 ff 00 00 1c 00", 28);
	assert_int_equal(be32(12), 502 + 11400);
	write_blocks(502 + 11400, 500, SECTOR_DATA, 2);
	good("5b 00 02 00 00 00 00 00 00 00", 0);
	good("52 01 00 00 00 ff 00 00 1c 00", 28);
	assert_int_equal(be32(12), 11902 + 502 + 6900);
	good("43 00 00 00 00 00 00 00 0c 40", 12);
	assert_int_equal(data[6], 2);
	assert_int_equal(be32(8), 11902);
	good("43 02 02 00 00 00 00 00 ff 00", 255);
	assert_int_equal(data[3], 2);
	check_blocks(0, 20, 1);
	check_blocks(11902, 20, 2);
	bad("28 00 00 00 20 00 00 00 01 00", 2048, 0x31100);
	bad("a1 01 00 00 00 00 00 00 00 00 00 00", 0, 0x53005);
	/* The disc is put away, and comes back. */
	assert_int_equal(mmc_remove(m), 0);
	d = disc_new(name, CD_RW);
	assert_int_equal(d->medium, CD_R);
	assert_int_equal(mmc_insert(m, d), 0);
	quiet();
	state(0x01);
	check_blocks(11902, 20, 2);
	write_page(1, 4, 8, 0);
	write_blocks(19304, 300, SECTOR_DATA, 3);
	good("5b 00 02 00 00 00 00 00 00 00", 0);
	state(0x0e);
	free(name);
}

static void audio(void **s)
{
	uint8_t q[12];

	(void)s;
	load(CD_RW);
	write_page(1, 0, 0, 0);
	write_blocks(0, 400, SECTOR_RAW, 1);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	write_blocks(552, 320, SECTOR_RAW, 2);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	good("5b 00 02 00 00 00 00 00 00 00", 0);
	good("43 00 00 00 00 00 00 00 ff 00", 255);
	assert_int_equal(data[5], 0x10);
	assert_int_equal(be32(4 + 8 + 4), 552);
	/* As cdparanoia reads, and as the kernel does. */
	good("be 00 00 00 02 2a 00 00 02 f8 00 00", 2 * SECTOR_RAW);
	assert_int_equal(done, 2 * SECTOR_RAW);
	fill(want, SECTOR_RAW, 2 + 554);
	assert_memory_equal(data, want, SECTOR_RAW);
	good("b9 04 00 00 09 1d 00 09 1e 10 02 00", SECTOR_RAW + 16);
	assert_int_equal(done, SECTOR_RAW + 16);
	fill(want, SECTOR_RAW, 2 + 554);
	assert_memory_equal(data, want, SECTOR_RAW);
	sector_q(q, 0, 2, 2, 554);
	assert_memory_equal(data + SECTOR_RAW, q, 12);
	assert_int_equal(q[1], 2);
	good("be 00 00 00 01 f4 00 00 01 10 00 00", SECTOR_RAW);	/* the pause */
	bad("be 08 00 00 02 2a 00 00 01 f8 00 00", SECTOR_RAW, 0x56400);
	bad("28 00 00 00 00 00 00 00 01 00", 2048, 0x56400);
	good("42 02 40 01 00 00 00 00 10 00", 16);
	assert_int_equal(data[1], 0x15);
}

/* What a reader of raw blocks gets must be a block: its checks are right. */
static void raw_data(void **s)
{
	uint8_t p[2] = { 0 };

	(void)s;
	load(CD_RW);
	write_page(1, 4, 8, 0);
	write_blocks(0, 300, SECTOR_DATA, 1);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	good("be 00 00 00 00 07 00 00 01 f8 00 00", SECTOR_RAW);
	assert_int_equal(done, SECTOR_RAW);
	assert_memory_equal(data + 10, "\xff\0\x00\x02\x07\x01", 6);
	fill(want, SECTOR_DATA, 1 + 7);
	assert_memory_equal(data + 16, want, SECTOR_DATA);
	/* The first column of P, and the first diagonal of Q: each sums up to nothing. */
	for (int i = 0; i < 26; i++)
		p[0] ^= data[12 + 86 * i];
	for (int i = 0; i < 43; i++)
		p[1] ^= data[12 + 88 * i % 2236];
	assert_int_equal(p[0], 0);
	assert_int_equal(p[1] ^ data[2248] ^ data[2300], 0);
	good("be 00 00 00 00 07 00 00 01 10 00 00", SECTOR_RAW);
	assert_int_equal(done, SECTOR_DATA);
	good("be 00 00 00 00 07 00 00 01 f8 01 00", SECTOR_RAW + 96);
	assert_int_equal(done, SECTOR_RAW + 96);
	bad("be 04 00 00 00 07 00 00 01 f8 00 00", SECTOR_RAW, 0x56400);
	good("be 00 00 00 00 07 00 00 01 00 00 00", 0);
}

static void rehearsal(void **s)
{
	(void)s;
	load(CD_RW);
	write_page(1 | 0x10, 4, 8, 0);
	write_blocks(0, 320, SECTOR_DATA, 1);
	good("35 00 00 00 00 00 00 00 00 00", 0);
	good("5b 00 02 00 00 00 00 00 00 00", 0);
	state(0x10);
}

static void reserved(void **s)
{
	(void)s;
	load(CD_RW);
	write_page(1, 4, 8, 0);
	good("53 00 00 00 00 00 00 01 90 00", 0);
	good("52 01 00 00 00 01 00 00 24 00", 36);
	assert_int_equal(data[6] & 0xc0, 0xc0);
	assert_int_equal(be32(24), 400);
	write_blocks(0, 390, SECTOR_DATA, 1);
	bad("2a 00 00 00 01 86 00 00 0b 00", 11 * 2048, 0x52100);
	write_blocks(390, 10, SECTOR_DATA, 1);
	good("5b 00 01 00 00 01 00 00 00 00", 0);
	good("52 01 00 00 00 ff 00 00 24 00", 36);
	assert_int_equal(be32(12), 550);
	check_blocks(0, 400, 1);
	good("53 00 00 00 00 00 00 01 90 00", 0);
	good("a1 03 00 00 00 00 00 00 00 00 00 00", 0);
	good("52 01 00 00 00 ff 00 00 24 00", 36);
	assert_int_equal(be32(12), 550);
}

/* The disc is taken out in the middle, by force of a reset. */
static void broken_off(void **s)
{
	(void)s;
	load(CD_RW);
	write_page(1, 4, 8, 0);
	write_blocks(0, 310, SECTOR_DATA, 1);
	mmc_reset(m);
	quiet();
	check_blocks(0, 310, 1);
	good("52 01 00 00 00 ff 00 00 24 00", 36);
	assert_int_equal(be32(12), 310 + 2 + 150);
}

static const char *ask(const struct control *c, const char *line)
{
	static char answer[CONTROL_TEXT];
	char copy[100];

	snprintf(copy, sizeof(copy), "%s", line);
	control_do(c, copy, answer, sizeof(answer));
	return answer;
}

static void hand(void **s)
{
	struct control c = { .dir = dir, .blocks = BLOCKS, .m = m };

	(void)s;
	assert_string_equal(ask(&c, "state"), "+tray closed, firmware writes 0, no disc");
	assert_string_equal(ask(&c, "insert hand cd-r"), "+disc hand is in");
	assert_string_equal(ask(&c, "state"), "+tray closed, firmware writes 0, disc hand, cd-r, "
			    "blank, 0 sessions, 0 tracks");
	assert_string_equal(ask(&c, "insert hand dvd"), "-'dvd' is neither cd-rw nor cd-r");
	assert_int_equal(ask(&c, "insert ../x")[0], '-');
	assert_int_equal(ask(&c, "insert")[0], '-');
	assert_string_equal(ask(&c, "close"), "+tray is closed");
	assert_string_equal(ask(&c, "insert hand"), "+disc hand is in");
	quiet();
	good("1e 00 00 00 01 00", 0);
	assert_string_equal(ask(&c, "eject"), "-the tray is locked by the host");
	assert_string_equal(ask(&c, "insert other"), "-the tray is locked by the host");
	assert_int_equal(ask(&c, "reset")[0], '+');
	assert_string_equal(ask(&c, "eject"), "+tray is open");
	assert_string_equal(ask(&c, "eject"), "+tray is open");
	assert_int_equal(ask(&c, "remove")[0], '+');
	assert_int_equal(ask(&c, "fly")[0], '-');
	assert_int_equal(ask(&c, "")[0], '-');
}

static void damaged(void **s)
{
	static const char *const texts[] = {
		"medium dvd\n", "blocks -1\n", "nonsense\n", "track open\n",
		"track open session 0 control 4 mode 1 pregap 0 start 0 size 1 written 1\n",
		"session first 1 last 1 type 0 lead-out 300\n",
	};
	char path[150];

	(void)s;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/damaged.toc", dir);
		f = fopen(path, "w");
		fputs(texts[i], f);
		fclose(f);
		assert_null(disc_open(dir, "damaged", CD_RW, BLOCKS));
	}
}

/* The ring, with the kernel's part played here. */
#define RING_AREA	8192
#define DATA_AT		(128 + RING_AREA)

static struct {
	struct tcmu_mailbox mb;
	uint8_t entries[RING_AREA];
	uint8_t data[65536];
} shared __attribute__((aligned(64)));

static struct tcmu_cmd_entry *ring_put(uint8_t op, uint32_t len)
{
	struct tcmu_cmd_entry *e = (void *)(shared.entries + shared.mb.cmd_head);

	memset(e, 0, len);
	e->hdr.len_op = len | op;
	shared.mb.cmd_head = (shared.mb.cmd_head + len) % RING_AREA;
	return e;
}

static struct tcmu_cmd_entry *ring_command(const uint8_t *cdb, size_t len, unsigned int nr,
					   const struct iovec *iov)
{
	size_t base = offsetof(struct tcmu_cmd_entry, req.iov) + nr * sizeof(*iov), at;
	struct tcmu_cmd_entry *e;

	if (base < sizeof(*e))
		base = sizeof(*e);
	at = (len + 7) & ~7;
	if (RING_AREA - shared.mb.cmd_head < base + at)
		ring_put(TCMU_OP_PAD, RING_AREA - shared.mb.cmd_head);
	e = ring_put(TCMU_OP_CMD, base + at);
	memcpy((uint8_t *)e + base, cdb, len);
	e->req.cdb_off = (uint8_t *)e + base - (uint8_t *)&shared;
	e->req.iov_cnt = nr;
	if (nr)
		memcpy((uint8_t *)e + offsetof(struct tcmu_cmd_entry, req.iov), iov,
		       nr * sizeof(*iov));
	return e;
}

static int ring_do(void *arg, const uint8_t *cdb, uint8_t *to, size_t len, size_t *n, uint8_t *sns)
{
	(void)arg;
	return mmc_command(m, cdb, to, len, n, sns);
}

static void ring(void **s)
{
	static const struct ring_ops ops = { mmc_takes_data, ring_do };
	static const uint8_t inquiry[] = { 0x12, 0, 0, 0, 36, 0 }, ready[6], select[10] = {
		0x55, 0x10, [8] = 60,
	}, sense5[10] = { 0x5a, 0, 5, [8] = 60 };
	struct iovec iov[3] = {
		{ (void *)(DATA_AT + 4096UL), 10 }, { (void *)(DATA_AT + 0UL), 20 },
		{ (void *)(DATA_AT + 8192UL), 4000 },
	};
	struct tcmu_cmd_entry *e;
	struct ring r;

	(void)s;
	assert_int_equal(offsetof(typeof(shared), entries), 128);
	memset(&shared, 0xee, sizeof(shared));
	shared.mb = (struct tcmu_mailbox){ .version = 1, .flags = 15, .cmdr_off = 128,
					   .cmdr_size = RING_AREA };
	assert_int_not_equal(ring_open(&r, &shared, sizeof(shared)), 0);
	shared.mb.version = 2;
	assert_int_equal(ring_open(&r, &shared, sizeof(shared)), 0);
	assert_int_equal(ring_run(&r, &ops, NULL), 0);

	/* Data in pieces; the rest of the room is zeroes. */
	e = ring_command(inquiry, sizeof(inquiry), 3, iov);
	assert_int_equal(ring_run(&r, &ops, NULL), 1);
	assert_int_equal(e->rsp.scsi_status, 0);
	assert_int_equal(e->rsp.read_len, 36);
	assert_true(e->hdr.uflags & TCMU_UFLAG_READ_LEN);
	assert_memory_equal(shared.data + 4096 + 8, "AC", 2);
	assert_memory_equal(shared.data, "ME    BURNER", 12);
	assert_int_equal(shared.data[8192 + 6], 0);
	assert_int_equal(shared.data[8192 + 3999], 0);
	assert_int_equal(shared.data[8192 + 4000], 0xee);
	assert_int_equal(shared.mb.cmd_tail, shared.mb.cmd_head);

	/* Sense; several at once; a reset and padding between. */
	e = ring_command(ready, sizeof(ready), 0, NULL);
	ring_put(TCMU_OP_TMR, 32);
	ring_command(inquiry, sizeof(inquiry), 1, iov + 2);
	assert_int_equal(ring_run(&r, &ops, NULL), 3);
	assert_int_equal(e->rsp.scsi_status, 2);
	assert_memory_equal(e->rsp.sense_buffer, "\x70\0\6\0\0\0\0\x0a\0\0\0\0\x29", 13);
	assert_false(e->hdr.uflags & TCMU_UFLAG_READ_LEN);

	/* Data from the initiator. */
	iov[2].iov_len = 30;
	memset(shared.data, 0, 9000);
	memcpy(shared.data + 4096 + 8, "\x05\x32", 2);
	memcpy(shared.data, "\x02\x04\x08", 3);
	ring_command(select, sizeof(select), 3, iov);
	iov[2].iov_len = 60;
	ring_command(sense5, sizeof(sense5), 1, iov + 2);
	assert_int_equal(ring_run(&r, &ops, NULL), 2);
	assert_memory_equal(shared.data + 8192 + 8, "\x05\x32\x02\x04\x08", 5);

	/* Round and round. */
	for (int i = 0; i < 500; i++) {
		e = ring_command(inquiry, sizeof(inquiry), 1 + i % 3, iov);
		assert_in_range(ring_run(&r, &ops, NULL), 1, 2);
		assert_int_equal(e->rsp.scsi_status, 0);
	}
	/* Nothing that it can follow. */
	iov[0].iov_base = (void *)(sizeof(shared) - 5);
	ring_command(inquiry, sizeof(inquiry), 1, iov);
	assert_true(ring_run(&r, &ops, NULL) < 0);
	ring_close(&r);
}

/* Any command, with any data, at any moment. */
static void fuzz(void **s)
{
	static const uint8_t opcodes[] = {
		0x00, 0x03, 0x12, 0x15, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2a, 0x2a, 0x35, 0x42, 0x43,
		0x46, 0x4a, 0x51, 0x52, 0x53, 0x55, 0x5a, 0x5b, 0x5c, 0x5d, 0xa1, 0xa8, 0xaa, 0xac,
		0xb6, 0xb9, 0xbb, 0xbd, 0xbe,
	};
	uint8_t cdb[MMC_CDB_MAX];

	(void)s;
	srandom(1);
	for (int i = 0; i < 40000; i++) {
		size_t len = random() % 4 ? random() % 8192 : 0;
		int status;

		if (i % 2000 == 0)
			load(i % 4000 ? CD_RW : CD_R);
		for (int j = 0; j < MMC_CDB_MAX; j++)
			cdb[j] = random() % 3 ? random() % 3 : random();
		if (random() % 50)
			cdb[0] = opcodes[random() % sizeof(opcodes)];
		/* An address that may be right, of data that may be, too. */
		if (random() % 2) {
			int next = send("52 01 00 00 00 ff 00 00 1c 00", 28) ? 0 : (int)be32(12);

			for (int j = 0; j < 4; j++)
				cdb[2 + j] = next >> 8 * (3 - j);
		}
		for (size_t j = 0; j < len && j < 100; j++)
			data[j] = random() % 3 ? random() % 3 : random();
		if (random() % 3 == 0 && len > 60) {
			memset(data, 0, 8);
			memcpy(data + 8, "\x05\x32", 2);
			memcpy(cdb, "\x55\x10\0\0\0\0\0\0\x3c", 9);
		}
		status = mmc_command(m, cdb, data, len, &done, sense);
		assert_true(done <= len);
		assert_int_equal(status, sense[2] ? MMC_CHECK : MMC_GOOD);
		if (cdb[0] == 0x1e)
			send("1e 00 00 00 00 00", 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity, setup, teardown),
		cmocka_unit_test_setup_teardown(attentions, setup, teardown),
		cmocka_unit_test_setup_teardown(tray, setup, teardown),
		cmocka_unit_test_setup_teardown(modes, setup, teardown),
		cmocka_unit_test_setup_teardown(wodim_tao, setup, teardown),
		cmocka_unit_test_setup_teardown(libburn_sao, setup, teardown),
		cmocka_unit_test_setup_teardown(multisession, setup, teardown),
		cmocka_unit_test_setup_teardown(audio, setup, teardown),
		cmocka_unit_test_setup_teardown(raw_data, setup, teardown),
		cmocka_unit_test_setup_teardown(rehearsal, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_off, setup, teardown),
		cmocka_unit_test_setup_teardown(hand, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(ring, setup, teardown),
		cmocka_unit_test_setup_teardown(fuzz, setup, teardown),
	};
	char command[150];
	int ret;

	snprintf(dir, sizeof(dir), "%s/test-cdrw-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(dir))
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 1 : ret;
}
