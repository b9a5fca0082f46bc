// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-asm-ata.c - a driver of an ATA disk in PIO mode, with the accesses that Linux's
 * libata makes, on a pretended disk through a queue with the disk's profile.  What is
 * read and written must be right, no interrupt may be lost, and the number of batches is
 * what it is all for.
 *
 * Also drivers that do otherwise, and disks that are slow, fail, are another, are reset.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/runtime/profile.h"
#include "tests/unit/ata-disk.h"

#define BASE	0x180u

/* --- the way there -------------------------------------------------------- */

static struct vpio_queue q;
static unsigned int waits, batches;
static bool meanwhile;		/* the disk may get ready at any moment */
static u64 now;

u64 vpio_clock(void)
{
	return now;
}

static void move(const struct vpio_rec *r, u8 *bytes)
{
	for (unsigned int n = 0; n < r->count; n++) {
		u8 *at = bytes + r->value + ((size_t)n << r->width);
		uint32_t value = 0;

		if (r->op == VPIO_REC_OUTS) {
			memcpy(&value, at, 1u << r->width);
			disk_out(r->port - BASE, r->width, value);
		} else {
			value = disk_in(r->port - BASE, r->width);
			memcpy(at, &value, 1u << r->width);
		}
	}
}

static int carry_out(void *unused, struct vpio_rec *rec, unsigned int nr, u8 *bytes,
		     unsigned int len, bool wait)
{
	(void)unused;
	(void)len;
	batches++;
	waits += wait;
	for (unsigned int i = 0; i < nr; i++) {
		struct vpio_rec *r = &rec[i];
		unsigned int reg = r->port - BASE, n = 0;
		uint32_t value;

		if (meanwhile && rand() % 5 == 0)
			disk_time();
		switch (r->op) {
		case VPIO_REC_OUT:
			disk_out(reg, r->width, r->value);
			break;
		case VPIO_REC_IN:
			r->value = disk_in(reg, r->width);
			break;
		case VPIO_REC_CHANGE:
			do
				value = disk_in(reg, r->width);
			while (!((value ^ r->value) & r->mask) && ++n < r->count);
			r->value = value;
			break;
		case VPIO_REC_WHEN:
			value = disk_in(reg, r->width);
			if ((value & r->mask) != r->value)
				i += r->count;
			r->value = value;
			break;
		default:
			move(r, bytes);
		}
	}
	return 0;
}

static const struct vpio_sink sink = { .carry_out = carry_out };

/* --- the driver ----------------------------------------------------------- */

/* How this one differs from libata with interrupts. */
static struct {
	bool polls;		/* with interrupts off */
	bool no_pause;		/* no peek after commands and blocks */
	bool no_peek;		/* nor in the handler */
	bool level;		/* called as long as the line is asserted */
	unsigned int width;	/* of data */
	unsigned int piece;	/* bytes that are moved by one instruction */
	bool asks_often;	/* for the status, also within a block */
} kind;

static struct {
	bool active, writes, last, failed, done;
	uint8_t *buffer;
	unsigned int left, per;
} rq;

static unsigned int selected_device, calls;

static uint8_t in(unsigned int reg)
{
	now += 100;
	return (uint8_t)(direct ? disk_in(reg, 0) : vpio_queue_in(&q, (u16)(BASE + reg), 0));
}

static void out(unsigned int reg, unsigned int value)
{
	now += 100;
	if (direct)
		disk_out(reg, 0, value);
	else
		vpio_queue_out(&q, (u16)(BASE + reg), 0, value & 0xff);
}

static void sector(void *at, bool write)
{
	unsigned int n = kind.piece >> kind.width;

	for (uint8_t *p = at; p < (uint8_t *)at + SECTOR; p += kind.piece) {
		if (kind.asks_often && rand() % 8 == 0)
			assert_int_equal(in(write || rand() % 2 ? STATUS : PEEK), DRDY | DRQ);
		struct vpio_rec r = { .port = BASE, .width = (u8)kind.width, .count = n,
				      .op = write ? VPIO_REC_OUTS : VPIO_REC_INS };

		if (direct) {
			d->accesses -= n - 1;	/* one instruction */
			move(&r, p);
		} else if (write && n == 1) {
			u32 value = 0;

			memcpy(&value, p, 1u << kind.width);
			vpio_queue_out(&q, BASE, kind.width, value);
		} else if (write) {
			vpio_queue_outs(&q, BASE, kind.width, p, n, 1);
		} else if (n == 1) {
			u32 value = vpio_queue_in(&q, BASE, kind.width);

			memcpy(p, &value, 1u << kind.width);
		} else {
			vpio_queue_ins(&q, BASE, kind.width, p, n, 1);
		}
	}
}

static void pause_400ns(void)
{
	if (!kind.no_pause)
		in(PEEK);
}

/* Not busy, nor in a block; or as it is after a while. */
static uint8_t wait_idle(void)
{
	unsigned int patience = 1000;
	uint8_t status;

	do
		status = in(STATUS);
	while (status & (BSY | DRQ) && --patience);
	return status;
}

static void block(void)
{
	unsigned int n = rq.left < rq.per ? rq.left : rq.per;

	for (; n; n--, rq.left--, rq.buffer += SECTOR)
		sector(rq.buffer, rq.writes);
	rq.last = !rq.left;
	pause_400ns();
}

static void complete(bool failed)
{
	rq.active = false;
	rq.done = true;
	rq.failed = failed;
	if (kind.polls) {
		out(CONTROL, 0x08);
		wait_idle();
	}
}

/* It is not busy.  True: more is to come, and it is asked for. */
static void go(uint8_t status)
{
	if (rq.last) {
		complete(status & ERR);
	} else if (!(status & DRQ)) {
		assert_true(status & ERR);
		complete(true);
	} else {
		assert_false(status & ERR);
		block();
		if (rq.last && !rq.writes)
			complete(wait_idle() & ERR);
	}
}

static void handler(void)
{
	uint8_t status;

	calls++;
	now += 1000000;
	if (!rq.active)
		return;
	q.in_handler = true;
	if (kind.no_peek || !(in(PEEK) & BSY)) {
		status = in(STATUS);
		if (!(status & BSY))
			go(status);
	}
	q.in_handler = false;
	if (!direct)
		vpio_queue_flush(&q);
}

static void issue(uint8_t value, unsigned int device, unsigned int lba, unsigned int n)
{
	wait_idle();
	out(DEVICE, 0xa0 | device << 4);
	if (device != selected_device || !kind.no_pause)
		in(PEEK);
	selected_device = device;
	wait_idle();
	if (kind.polls) {
		out(CONTROL, 0x08 | NIEN);
		wait_idle();
	}
	for (unsigned int high = value == READ_EXT || value == READ_MULTIPLE_EXT ||
	     value == WRITE_EXT || value == WRITE_MULTIPLE_EXT; high + 1; high--) {
		out(ERROR, 0);
		out(COUNT, n >> (8 * high));
		out(LBA, high ? 0 : lba);
		out(LBA + 1, high ? 0 : lba >> 8);
		out(LBA + 2, 0);
	}
	out(DEVICE, 0xe0 | device << 4);
	wait_idle();
	out(COMMAND, value);
	pause_400ns();
}

/* The task that polls, for all or for the first block that is written. */
static void task(bool all)
{
	unsigned int patience = 100000;
	uint8_t status;

	do {
		now += 10000;
		status = in(STATUS);
		if (status & BSY)
			assert_true(--patience > 0);
		else
			go(status);
	} while (rq.active && (all || status & BSY));
}

static void drive(void)
{
	unsigned int patience = 10000;

	if (kind.polls || rq.writes)
		task(kind.polls);
	while (rq.active) {
		bool called;

		if (!direct && rand() % 8 == 0)
			vpio_queue_tick(&q);
		/* Timers, and others that share the interrupt. */
		if (meanwhile && rand() % 6 == 0)
			handler();
		else if (rand() % 2)
			disk_time();
		called = kind.level ? d->line && !(d->control & NIEN) : d->edge;
		d->edge = false;
		if (called)
			handler();
		assert_true(--patience > 0);	/* an interrupt got lost */
	}
	d->edge = false;
}

/* False: the disk says that it did not work. */
static bool request(uint8_t value, unsigned int device, unsigned int lba, unsigned int n,
		    void *buffer)
{
	memset(&rq, 0, sizeof(rq));
	rq.active = true;
	rq.buffer = buffer;
	rq.left = n;
	rq.writes = value == WRITE_SECTORS || value == WRITE_EXT || value == WRITE_MULTIPLE ||
		    value == WRITE_MULTIPLE_EXT;
	rq.per = value == READ_MULTIPLE || value == READ_MULTIPLE_EXT || value == WRITE_MULTIPLE ||
		 value == WRITE_MULTIPLE_EXT ? disks[device].multiple : 1;
	rq.last = value == FLUSH || value == SET_MULTIPLE;
	issue(value, device, lba, n);
	drive();
	assert_true(rq.done);
	return !rq.failed;
}

/* --- tests ---------------------------------------------------------------- */

static uint8_t buffer[SECTORS][SECTOR];

static void fill(void *at, unsigned int size)
{
	for (uint8_t *p = at; size--; p++)
		*p = (uint8_t)rand();
}

static void begin(unsigned int threshold)
{
	const struct vpio_profile *p = vpio_profile_find("ata");

	assert_int_equal(vpio_queue_init(&q, BASE, BASE + 15, &sink, NULL, p->rule, p->rules,
					 threshold), 0);
	assert_int_equal(vpio_queue_handshake(&q, p->handshake), 0);
}

static int setup(void **state)
{
	(void)state;
	srand(7);
	memset(both, 0, sizeof(both));
	memset(&kind, 0, sizeof(kind));
	direct = false;
	for (unsigned int i = 0; i < 2; i++) {
		fill(disks[i].memory, sizeof(disks[i].memory));
		disks[i].status = DRDY;
		disks[i].multiple = 16;
		disks[i].slow = 30;
		disks[i].bad = NEVER;
	}
	memcpy(both[1], both[0], sizeof(both[0]));
	kind.width = 1;
	kind.piece = SECTOR;
	unit[0] = unit[1] = 0;
	direct = meanwhile = false;
	selected_device = 0;
	waits = batches = calls = 0;
	begin(64);
	return 0;
}

static void read_and_compare(uint8_t value, unsigned int lba, unsigned int n)
{
	memset(buffer, 0xdd, sizeof(buffer));
	assert_true(request(value, 0, lba, n, buffer));
	assert_memory_equal(buffer, disks[0].memory[lba], n * SECTOR);
	assert_int_equal(disks[0].violations, 0);
}

static void write_and_compare(uint8_t value, unsigned int lba, unsigned int n)
{
	fill(buffer, n * SECTOR);
	assert_true(request(value, 0, lba, n, buffer));
	assert_memory_equal(buffer, disks[0].memory[lba], n * SECTOR);
	assert_int_equal(disks[0].violations, 0);
}

/* Batches (and of them, with an answer) for a request of so many sectors, when all is known. */
static void costs(bool writes, unsigned int n, unsigned int all, unsigned int answered)
{
	void (*some)(uint8_t, unsigned int, unsigned int) = writes ? write_and_compare : read_and_compare;
	uint8_t value = writes ? WRITE_MULTIPLE_EXT : READ_MULTIPLE_EXT;
	unsigned int accesses;

	some(value, 7, 128);
	some(value, 7, n);
	direct = true;
	accesses = disks[0].accesses;
	some(value, 7, n);
	accesses = disks[0].accesses - accesses;
	direct = false;
	batches = waits = 0;
	for (unsigned int i = 0; i < 10; i++)
		some(value, 7, n);
	print_message("# %s%s %u KiB: %u accesses, %.1f batches, %.1f with an answer\n",
		      kind.polls ? "polled " : "", writes ? "written" : "read", n / 2, accesses,
		      batches / 10.0, waits / 10.0);
	assert_int_equal(batches, 10 * all);
	assert_int_equal(waits, 10 * answered);
}

static void test_costs(void **state)
{
	(void)state;
	costs(false, 8, 2, 1);
	costs(false, 128, 9, 8);
	costs(true, 8, 3, 2);
	costs(true, 128, 17, 9);
}

static void test_costs_polled(void **state)
{
	(void)state;
	kind.polls = true;
	costs(false, 8, 1, 1);
	costs(false, 128, 8, 8);
	costs(true, 8, 2, 2);
	costs(true, 128, 9, 9);
}

/* Any requests, of any driver, with any disk. */
static void test_random(void **state)
{
	static const uint8_t reads[] = { READ_SECTORS, READ_EXT, READ_MULTIPLE, READ_MULTIPLE_EXT };
	static const uint8_t writes[] = { WRITE_SECTORS, WRITE_EXT, WRITE_MULTIPLE, WRITE_MULTIPLE_EXT };
	static const unsigned int thresholds[] = { 1, 3, 8, 64 };
	unsigned int ahead = 0, known = 0, posted = 0, failed = 0;

	(void)state;
	for (unsigned int round = 0; round < 400; round++) {
		kind.polls = rand() % 3 == 0;
		kind.no_pause = rand() % 3 == 0;
		kind.no_peek = rand() % 3 == 0;
		kind.level = rand() % 2;
		kind.width = 1 + (unsigned int)rand() % 2;
		kind.piece = rand() % 4 ? SECTOR : rand() % 3 ? 64 : 1u << kind.width;
		kind.asks_often = rand() % 4 == 0;
		meanwhile = rand() % 2;
		disks[0].slow = rand() % 3 ? (unsigned int)rand() % 60 : (unsigned int)rand() % 3;
		disks[1].slow = disks[0].slow;
		disks[0].slow_end = rand() % 4 == 0;
		begin(thresholds[rand() % 4]);
		for (unsigned int i = 0; i < 12; i++) {
			unsigned int device = rand() % 5 == 0, n = 1 + (unsigned int)rand() % 40;
			unsigned int lba = (unsigned int)rand() % (SECTORS - n);
			struct disk *x = &disks[device];
			bool bad = rand() % 10 == 0;

			/* Blocks get shorter or longer, and nobody is told. */
			if (rand() % 10 == 0 && x->slow > 5 && !meanwhile && !kind.asks_often)
				x->multiple = 1u << rand() % 5;
			x->bad = bad ? lba + (unsigned int)rand() % n : NEVER;
			switch (rand() % 6) {
			case 0:
				assert_true(request(FLUSH, device, 0, 1, NULL));
				break;
			case 1:
				/* Blocks are shorter from now on, or longer. */
				assert_true(request(SET_MULTIPLE, device, 0, 1u << rand() % 5, NULL));
				break;
			case 2:
				x->bad = NEVER;
				assert_true(request(IDENTIFY, device, 0, 1, buffer));
				assert_memory_equal(buffer, identity, SECTOR);
				break;
			case 3:
				fill(buffer, n * SECTOR);
				if (!request(writes[rand() % 4], device, lba, n, buffer))
					failed++;
				else
					assert_memory_equal(buffer, x->memory[lba], n * SECTOR);
				assert_int_equal(rq.failed, bad);
				break;
			default:
				if (!request(reads[rand() % 4], device, lba, n, buffer))
					failed++;
				else
					assert_memory_equal(buffer, x->memory[lba], n * SECTOR);
				assert_int_equal(rq.failed, bad);
			}
			assert_int_equal(x->violations, 0);
		}
		vpio_queue_flush(&q);
		disk_time();
		ahead += q.stats.ahead;
		known += q.stats.known;
		posted += q.stats.posted;
	}
	assert_true(ahead > 10000 && known > 10000 && posted > 1000 && failed > 100);
}

/* Where, and how much. */
static void task_file(unsigned int lba, unsigned int n)
{
	out(COUNT, n);
	out(LBA, lba);
	out(LBA + 1, lba >> 8);
	out(DEVICE, 0xe0);
}

/* From the first sector on, and the disk has the first block. */
static void ready_read(uint8_t value, unsigned int n)
{
	task_file(0, n);
	out(COMMAND, value);
	vpio_queue_flush(&q);
	disk_time();
}

/*
 * A driver that peeks after a command is told that the disk is busy, since it is not told
 * of the command before; one that does not has the bell rung by what it does next.
 */
static void test_bell(void **state)
{
	unsigned int before;

	(void)state;
	read_and_compare(READ_SECTORS, 5, 1);
	before = batches;
	out(COMMAND, FLUSH);
	assert_int_equal(batches, before);
	assert_int_equal(in(PEEK), BSY);
	assert_int_equal(batches, before + 1);
	disk_time();
	/* Once. */
	assert_int_equal(in(PEEK), DRDY);
	in(STATUS);
	before = batches;
	out(COMMAND, FLUSH);
	out(ERROR, 0);
	assert_int_equal(batches, before + 1);
	assert_int_equal(in(PEEK), BSY | DRDY);
	disk_time();
	in(STATUS);
	/* This one did not peek last time, so it is not waited for. */
	before = batches;
	out(COMMAND, FLUSH);
	assert_int_equal(batches, before + 1);
	assert_int_equal(in(PEEK), BSY | DRDY);
	disk_time();
	/* Whoever has turned interrupts off is not waited for, nor in a hurry. */
	in(STATUS);
	out(CONTROL, NIEN);
	before = batches;
	out(COMMAND, FLUSH);
	assert_int_equal(batches, before);
	vpio_queue_tick(&q);
	assert_int_equal(batches, before + 1);
}

/* That the disk was busy after a block is true for who looks at once. */
static void test_busy_after(void **state)
{
	(void)state;
	read_and_compare(READ_MULTIPLE, 0, 32);
	task_file(0, 32);
	out(COMMAND, READ_MULTIPLE);
	in(PEEK);
	disk_time();
	assert_int_equal(in(STATUS), DRDY | DRQ);
	vpio_queue_ins(&q, BASE, 1, buffer, 16 * SECTOR / 2, 1);
	assert_int_equal(in(STATUS), BSY | DRDY);
	disk_time();
	assert_int_equal(in(PEEK), DRDY | DRQ);
	vpio_queue_ins(&q, BASE, 1, buffer[16], 16 * SECTOR / 2, 1);
	assert_memory_equal(buffer, disks[0].memory, 32 * SECTOR);
	/* Nor is it after a while. */
	task_file(0, 32);
	out(COMMAND, READ_MULTIPLE);
	in(PEEK);
	disk_time();
	assert_int_equal(in(STATUS), DRDY | DRQ);
	vpio_queue_ins(&q, BASE, 1, buffer, 16 * SECTOR / 2, 1);
	disk_time();
	now += VPIO_AGE_NS + 1;
	assert_int_equal(in(PEEK), DRDY | DRQ);
	assert_int_equal(disks[0].violations, 0);
}

/* Some controllers interrupt when interrupts are turned on or off. */
static void test_control(void **state)
{
	(void)state;
	read_and_compare(READ_SECTORS, 5, 1);
	disks[0].line = true;
	out(CONTROL, 0x08);
	assert_int_equal(in(STATUS), DRDY);
	vpio_queue_flush(&q);
	assert_false(disks[0].line);
}

/* Nobody has asked whether there is data, and where units begin is not known then. */
static void test_unasked(void **state)
{
	uint8_t *to = buffer[0];

	(void)state;
	read_and_compare(READ_MULTIPLE, 0, 32);
	ready_read(READ_MULTIPLE, 32);
	memset(buffer, 0, sizeof(buffer));
	vpio_queue_ins(&q, BASE, 1, to, 50, 1);
	assert_int_equal(in(STATUS), DRDY | DRQ);
	vpio_queue_ins(&q, BASE, 1, to + 100, 16 * SECTOR / 2 - 50, 1);
	assert_int_equal(in(STATUS), BSY | DRDY);
	disk_time();
	assert_int_equal(in(STATUS), DRDY | DRQ);
	vpio_queue_ins(&q, BASE, 1, buffer[16], 16 * SECTOR / 2, 1);
	assert_memory_equal(buffer, disks[0].memory, 32 * SECTOR);
	assert_int_equal(disks[0].violations, 0);
}

/* What was read ahead before a block is not what is there after it. */
static void test_ahead(void **state)
{
	(void)state;
	read_and_compare(READ_SECTORS, 0, 4);
	ready_read(READ_SECTORS, 4);
	for (unsigned int i = 0; i < 4; i++) {
		in(ERROR);
		in(COUNT);
	}
	for (unsigned int left = 4; left; left--) {
		/* Right after a block it is busy, whatever it is. */
		if (left < 4)
			in(PEEK);
		assert_int_equal(in(PEEK), DRDY | DRQ);
		/* One after the other: so they come together. */
		in(ERROR);
		for (unsigned int i = 0; i < SECTOR / 2; i++)
			vpio_queue_in(&q, BASE, 1);
		assert_int_equal(in(COUNT), left - 1);
		disk_time();
	}
	assert_int_equal(disks[0].violations, 0);
}

/* A command that comes with another register, in one access. */
static void test_wide(void **state)
{
	(void)state;
	read_and_compare(READ_SECTORS, 5, 1);
	assert_int_equal(in(STATUS), DRDY);
	vpio_queue_out(&q, BASE + DEVICE, 1, FLUSH << 8 | 0xe0);
	assert_int_equal(in(STATUS), BSY | DRDY);
}

/* How much there is to fetch: more than 255 sectors, and not beyond the end. */
static void test_counts(void **state)
{
	u64 records;

	(void)state;
	read_and_compare(READ_MULTIPLE_EXT, 7, 300);
	waits = 0;
	read_and_compare(READ_MULTIPLE_EXT, 7, 300);
	assert_int_equal(waits, 19);
	records = q.stats.records;
	read_and_compare(READ_MULTIPLE_EXT, 7, 1);
	assert_in_range(q.stats.records - records, 10, 25);
	/* 0 is 256 of them. */
	waits = 0;
	memset(buffer, 0, sizeof(buffer));
	assert_true(request(READ_MULTIPLE, 0, 9, 256, buffer));
	assert_memory_equal(buffer, disks[0].memory[9], 256 * SECTOR);
	assert_int_equal(disks[0].violations, 0);
}

/* The device goes in the midst of all. */
static void test_gone(void **state)
{
	(void)state;
	read_and_compare(READ_MULTIPLE, 0, 32);
	task_file(0, 32);
	out(COMMAND, READ_MULTIPLE);
	in(PEEK);
	disk_time();
	in(STATUS);
	vpio_queue_ins(&q, BASE, 1, buffer, SECTOR / 2, 1);
	q.gone = true;
	assert_int_equal(in(STATUS), 0xff);
	assert_int_equal(in(PEEK), 0xff);
	memset(buffer, 0, SECTOR);
	vpio_queue_ins(&q, BASE, 1, buffer, SECTOR / 2, 1);
	assert_int_equal(buffer[0][0], 0xff);
	assert_int_equal(buffer[0][SECTOR - 1], 0xff);
}

/* Rules that can't be. */
static void test_init(void **state)
{
	static const struct vpio_handshake good = { .status = 7, .peek = 14, .command = 7, .control = 14,
						    .busy = 0x80, .asks = 8, .unit = 512 };
	struct vpio_handshake wrong[8];

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		wrong[i] = good;
	wrong[0].data = 16;
	wrong[1].peek = 16;
	wrong[2].busy = 0;
	wrong[3].asks = 0;
	wrong[4].unit = 0;
	wrong[5].unit = 510;
	wrong[6].unit = VPIO_BLOCK + 4;
	wrong[7].transfers = VPIO_TRANSFERS + 1;
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(vpio_queue_handshake(&q, &wrong[i]), -EINVAL);
	assert_int_equal(vpio_queue_handshake(&q, &good), 0);
	assert_int_equal(vpio_queue_handshake(&q, NULL), 0);
}

/* Accesses as they come, without commands: what is there, is it reset, what is written. */
static void test_probe(void **state)
{
	(void)state;
	both[0][1].absent = both[1][1].absent = true;
	for (unsigned int i = 0; i < 4; i++)
		both[i / 2][i % 2].slow = 0;
	for (unsigned int i = 0; i < 300000; i++) {
		static const uint8_t controls[] = { 0x08, 0x08 | NIEN, 0x08 | SRST, 0x08, 0x88 };
		unsigned int reg = 1 + (unsigned int)rand() % 8, what = (unsigned int)rand() % 20;
		uint8_t value = (uint8_t)rand(), seen[2];

		if (reg == 8)
			reg = PEEK;
		if (what == 0)
			value = controls[rand() % 5], reg = CONTROL;
		else if (what < 3)
			value = (uint8_t)(0xa0 | (value & 0x10)), reg = DEVICE;
		for (unsigned int k = 0; k < 2; k++) {
			direct = k;
			if (what == 0 || what == 1 || what == 2 || (what < 6 && reg < DEVICE))
				out(reg, value);
			else
				seen[k] = in(reg);
		}
		if (what > 5)
			assert_int_equal(seen[0], seen[1]);
		if (what == 7)
			now += 1000000;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_costs, setup),
		cmocka_unit_test_setup(test_costs_polled, setup),
		cmocka_unit_test_setup(test_bell, setup),
		cmocka_unit_test_setup(test_busy_after, setup),
		cmocka_unit_test_setup(test_control, setup),
		cmocka_unit_test_setup(test_unasked, setup),
		cmocka_unit_test_setup(test_ahead, setup),
		cmocka_unit_test_setup(test_wide, setup),
		cmocka_unit_test_setup(test_counts, setup),
		cmocka_unit_test_setup(test_gone, setup),
		cmocka_unit_test_setup(test_init, setup),
		cmocka_unit_test_setup(test_random, setup),
		cmocka_unit_test_setup(test_probe, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
