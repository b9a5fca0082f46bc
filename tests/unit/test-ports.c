// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-ports.c - batches of port operations: what is accepted, and what is done.
 *
 * The card is a list of what was done to it, and says what it is told to.  Then
 * hostile batches, by chance, against a model that reads the bytes of a message by
 * the tables of docs/protocol.md and knows nothing of batch.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xen-backend/ports/batch.h"

#define FIRST	0x300
#define LAST	0x31f
#define MS	UINT64_C(1000000)

/* --- the card --------------------------------------------------------------- */

#define LOG	40000

static struct access {
	char kind;			/* i, o */
	uint8_t width;
	uint16_t port;
	uint32_t value;
} done[LOG], expected[LOG];

static unsigned int nr_done, nr_expected;
static uint32_t says;			/* what an input is, and how it changes */
static uint32_t says_step;
static uint64_t now, now_step;

static uint32_t width_mask(unsigned int width)
{
	return width == 2 ? UINT32_MAX : (1u << (8 << width)) - 1;
}

static uint32_t fake_in(uint16_t port, unsigned int width)
{
	uint32_t value = says & width_mask(width);

	assert_true(nr_done < LOG);
	done[nr_done++] = (struct access){ 'i', width, port, value };
	says += says_step;
	now += now_step;
	return value;
}

static void fake_out(uint16_t port, unsigned int width, uint32_t value)
{
	assert_true(nr_done < LOG);
	done[nr_done++] = (struct access){ 'o', width, port, value & width_mask(width) };
	now += now_step;
}

static void fake_ins(uint16_t port, unsigned int width, uint8_t *to, uint32_t count)
{
	for (; count--; to += 1 << width) {
		uint32_t value = fake_in(port, width);

		memcpy(to, &value, 1 << width);
	}
}

static void fake_outs(uint16_t port, unsigned int width, const uint8_t *from, uint32_t count)
{
	for (; count--; from += 1 << width) {
		uint32_t value = 0;

		memcpy(&value, from, 1 << width);
		fake_out(port, width, value);
	}
}

static uint64_t fake_now(void)
{
	return now;
}

static const struct port_device fake = {
	.in = fake_in, .out = fake_out, .ins = fake_ins, .outs = fake_outs, .now = fake_now,
};

static int setup(void **state)
{
	(void)state;
	nr_done = nr_expected = 0;
	says = 0x11223344;
	says_step = 1;
	now = 5 * MS;
	now_step = 0;
	return 0;
}

/* --- batches by hand -------------------------------------------------------- */

static struct ports_message m;

static struct vsys_port_op *add(uint8_t op, uint16_t port, uint8_t width, uint32_t value)
{
	struct vsys_port_op *o = &m.op[m.nr++];

	*o = (struct vsys_port_op){ .op = op, .port = port, .width = width, .value = value };
	m.len += sizeof(*o);
	return o;
}

static void begin(void)
{
	memset(&m, 0, sizeof(m));
}

static int check(void)
{
	uint16_t port;

	return ports_check(&m, FIRST, LAST, &port);
}

static void run(int status, uint32_t nr)
{
	assert_int_equal(check(), 0);
	ports_carry_out(&m, &fake);
	assert_int_equal(m.status, status);
	assert_int_equal(m.done, nr);
}

static void did(unsigned int n, char kind, uint16_t port, uint8_t width, uint32_t value)
{
	assert_true(n < nr_done);
	assert_int_equal(done[n].kind, kind);
	assert_int_equal(done[n].port, port);
	assert_int_equal(done[n].width, width);
	assert_int_equal(done[n].value, value);
}

static void in_order(void **state)
{
	(void)state;
	begin();
	run(0, 0);
	add(VSYS_PORT_OUT, 0x302, 0, 0xabcd);
	add(VSYS_PORT_IN, 0x303, 0, 99);
	add(VSYS_PORT_OUT, 0x304, 1, 0x12345);
	add(VSYS_PORT_IN, 0x31e, 1, 99);
	add(VSYS_PORT_OUT, 0x300, 2, 0xdeadbeef);
	add(VSYS_PORT_IN, 0x31c, 2, 99);
	assert_true(ports_answers(&m));
	run(0, 6);
	assert_int_equal(nr_done, 6);
	did(0, 'o', 0x302, 0, 0xcd);
	did(1, 'i', 0x303, 0, 0x44);
	did(2, 'o', 0x304, 1, 0x2345);
	did(3, 'i', 0x31e, 1, 0x3345);
	did(4, 'o', 0x300, 2, 0xdeadbeef);
	did(5, 'i', 0x31c, 2, 0x11223346);
	assert_int_equal(m.op[1].value, 0x44);
	assert_int_equal(m.op[3].value, 0x3345);
	assert_int_equal(m.op[5].value, 0x11223346);
	assert_int_equal(m.op[0].value, 0xabcd);
}

static void blocks(void **state)
{
	static const uint8_t said[] = { 0x44, 0x45, 0x46, 0x47 };
	uint8_t *bytes;

	(void)state;
	begin();
	add(VSYS_PORT_OUTS, 0x310, 1, 0)->count = 2;
	add(VSYS_PORT_INS, 0x311, 0, 5)->count = 4;
	add(VSYS_PORT_OUTS, 0x312, 0, 5)->count = 4;	/* what INS has just read */
	add(VSYS_PORT_OUTS, 0x313, 2, 9)->count = 0;
	bytes = m.data + m.len;
	memcpy(bytes, "\x01\x02\x03\x04\x99", 5);
	m.len += 9;
	assert_true(ports_answers(&m));
	run(0, 4);
	assert_int_equal(nr_done, 10);
	did(0, 'o', 0x310, 1, 0x0201);
	did(1, 'o', 0x310, 1, 0x0403);
	did(2, 'i', 0x311, 0, 0x44);
	did(9, 'o', 0x312, 0, 0x47);
	assert_memory_equal(bytes, "\x01\x02\x03\x04\x99", 5);
	assert_memory_equal(bytes + 5, said, 4);
}

static void changes(void **state)
{
	struct vsys_port_op *op;

	(void)state;
	begin();
	/* Bit 4 is there after twelve more: 0x44 ... 0x50. */
	op = add(VSYS_PORT_CHANGE, 0x301, 0, 0x44);
	op->mask = 0x10;
	op->count = 1000;
	run(0, 1);
	assert_int_equal(m.op[0].value, 0x50);
	assert_int_equal(nr_done, 13);
	/* It is different at once. */
	begin();
	op = add(VSYS_PORT_CHANGE, 0x301, 0, 0);
	op->mask = 0xff;
	op->count = 1000;
	run(0, 1);
	assert_int_equal(nr_done, 14);
	/* Never: so many reads, and the last one. */
	begin();
	says_step = 0;
	op = add(VSYS_PORT_CHANGE, 0x301, 0, says & 0xff);
	op->mask = 0xff;
	op->count = 1000;
	op = add(VSYS_PORT_CHANGE, 0x301, 0, 7);
	op->mask = 0;
	op->count = 3;
	op = add(VSYS_PORT_CHANGE, 0x301, 0, 7);	/* not a single read */
	op->mask = 0xff;
	run(0, 3);
	assert_int_equal(nr_done, 14 + 1000 + 3);
	assert_int_equal(m.op[0].value, says & 0xff);
	assert_int_equal(m.op[1].value, says & 0xff);
	assert_int_equal(m.op[2].value, 7);
}

static void waits_until(void **state)
{
	struct vsys_port_op *op;

	(void)state;
	begin();
	op = add(VSYS_PORT_UNTIL, 0x307, 0, 0x40);
	op->mask = 0xc0;
	op->count = 1;
	op = add(VSYS_PORT_UNTIL, 0x307, 0, 0x80);
	op->mask = 0xc0;
	op->count = 1000;
	add(VSYS_PORT_OUT, 0x300, 0, 1);
	assert_false(ports_answers(&m));
	run(0, 3);
	assert_int_equal(nr_done, 1 + (0x80 - 0x45 + 1) + 1);
	assert_int_equal(m.op[1].value, 0x80);
	did(nr_done - 1, 'o', 0x300, 0, 1);
}

/* Left out is what follows, so much of it as there is; and that is no error. */
static void only_when(void **state)
{
	struct vsys_port_op *op;

	(void)state;
	says_step = 0;
	begin();
	op = add(VSYS_PORT_WHEN, 0x307, 0, 0x40);
	op->mask = 0xc0;
	op->count = 1000;
	op = add(VSYS_PORT_WHEN, 0x307, 0, 0x80);
	op->mask = 0xc0;
	op->count = 2;
	add(VSYS_PORT_OUT, 0x300, 0, 1);
	op = add(VSYS_PORT_WHEN, 0x307, 0, 0x40);
	op->mask = 0xc0;
	op->count = 1000;
	add(VSYS_PORT_OUT, 0x300, 0, 2);
	op = add(VSYS_PORT_WHEN, 0x307, 0, 0);
	op->mask = 0xff;
	op->count = UINT32_MAX;
	add(VSYS_PORT_INS, 0x310, 0, 0)->count = 4;
	m.len += 4;
	assert_true(ports_answers(&m));
	run(0, 7);
	assert_int_equal(nr_done, 4);
	did(2, 'o', 0x300, 0, 2);
	assert_int_equal(m.op[0].value, 0x44);
	assert_int_equal(m.op[1].value, 0x44);
	/* As it was asked. */
	assert_int_equal(m.op[3].value, 0x40);
	/* One alone is an answer, too. */
	begin();
	add(VSYS_PORT_WHEN, 0x307, 0, 0);
	assert_true(ports_answers(&m));
}

static void until_does_not_come(void **state)
{
	struct vsys_port_op *op;

	(void)state;
	says_step = 0;
	begin();
	add(VSYS_PORT_IN, 0x300, 0, 0);
	op = add(VSYS_PORT_UNTIL, 0x307, 0, 0x80);
	op->mask = 0x80;
	op->count = 1000;
	add(VSYS_PORT_OUT, 0x300, 0, 1);
	run(-ETIMEDOUT, 1);
	assert_int_equal(nr_done, 1 + 1000);
	assert_int_equal(m.op[0].value, 0x44);
	/* No read at all, and it is not so. */
	m.op[1].count = 0;
	run(-ETIMEDOUT, 1);
}

/* A slow card: time ends it before the reads do. */
static void until_is_late(void **state)
{
	struct vsys_port_op *op;
	unsigned int i;

	(void)state;
	says_step = 0;
	now_step = MS / 2;
	begin();
	op = add(VSYS_PORT_UNTIL, 0x307, 0, 0x80);
	op->mask = 0x80;
	op->count = 1000;
	run(-ETIMEDOUT, 0);
	assert_in_range(nr_done, 40, 40 + 16);
	assert_true(now - 5 * MS < 2 * VSYS_PORT_MAX_POLL_MS * MS);
	/* All polls of a batch together: the first takes the time of the others. */
	nr_done = 0;
	begin();
	for (i = 0; i < VSYS_PORT_MAX_OPS - 1; i++) {
		op = add(VSYS_PORT_CHANGE, 0x307, 0, 0x44);
		op->mask = 0xff;
		op->count = 1000;
	}
	/* What is so needs no time. */
	op = add(VSYS_PORT_UNTIL, 0x307, 0, 0x44);
	op->mask = 0xff;
	op->count = 1;
	run(0, VSYS_PORT_MAX_OPS);
	assert_in_range(nr_done, 40, 40 + 16 * VSYS_PORT_MAX_OPS);
	/* A new batch has its own. */
	nr_done = 0;
	begin();
	op = add(VSYS_PORT_CHANGE, 0x307, 0, 0x44);
	op->mask = 0xff;
	op->count = 20;
	run(0, 1);
	assert_int_equal(nr_done, 20);
}

static void one_wrong(int err, uint8_t op, uint16_t port, uint8_t width, uint32_t value,
		      uint32_t count)
{
	begin();
	add(VSYS_PORT_OUT, FIRST, 0, 0);
	add(op, port, width, value)->count = count;
	m.len += 64;
	assert_int_equal(check(), err);
}

static void limits(void **state)
{
	uint16_t port = 0;
	unsigned int i;

	(void)state;
	one_wrong(-EINVAL, 0, FIRST, 0, 0, 0);
	one_wrong(-EINVAL, 8, FIRST, 0, 0, 0);
	one_wrong(-EINVAL, VSYS_PORT_OUT, FIRST, 3, 0, 0);
	one_wrong(-EINVAL, VSYS_PORT_OUT, 0, 255, 0, 0);
	one_wrong(-EPERM, VSYS_PORT_OUT, FIRST - 1, 0, 0, 0);
	one_wrong(-EPERM, VSYS_PORT_OUT, LAST + 1, 0, 0, 0);
	one_wrong(0, VSYS_PORT_OUT, LAST, 0, 0, 0);
	one_wrong(-EPERM, VSYS_PORT_OUT, LAST, 1, 0, 0);
	one_wrong(-EPERM, VSYS_PORT_OUT, LAST - 2, 2, 0, 0);
	one_wrong(0, VSYS_PORT_OUT, LAST - 3, 2, 0, 0);
	one_wrong(-EPERM, VSYS_PORT_OUT, 0xffff, 2, 0, 0);
	one_wrong(0, VSYS_PORT_OUTS, FIRST, 0, 0, 64);
	one_wrong(-EINVAL, VSYS_PORT_OUTS, FIRST, 0, 0, 65);
	one_wrong(0, VSYS_PORT_OUTS, FIRST, 0, 64, 0);
	one_wrong(-EINVAL, VSYS_PORT_OUTS, FIRST, 0, 65, 0);
	one_wrong(0, VSYS_PORT_INS, FIRST, 2, 1, 15);
	one_wrong(-EINVAL, VSYS_PORT_INS, FIRST, 2, 1, 16);
	one_wrong(-EINVAL, VSYS_PORT_INS, FIRST, 2, 0, 0x40000000);
	one_wrong(-EINVAL, VSYS_PORT_INS, FIRST, 0, UINT32_MAX, 2);
	one_wrong(-EINVAL, VSYS_PORT_INS, FIRST, 1, 2, UINT32_MAX);
	one_wrong(0, VSYS_PORT_CHANGE, FIRST, 0, UINT32_MAX, 1000);
	one_wrong(-EINVAL, VSYS_PORT_CHANGE, FIRST, 0, 0, 1001);
	one_wrong(-EINVAL, VSYS_PORT_UNTIL, FIRST, 0, 0, UINT32_MAX);
	one_wrong(0, VSYS_PORT_WHEN, FIRST, 0, UINT32_MAX, UINT32_MAX);
	/* Fields that are not used. */
	one_wrong(0, VSYS_PORT_OUT, FIRST, 0, UINT32_MAX, UINT32_MAX);

	begin();
	for (i = 0; i < VSYS_PORT_MAX_OPS; i++)
		add(VSYS_PORT_OUT, FIRST, 0, 0);
	m.len += VSYS_PORT_MAX_BYTES;
	assert_int_equal(check(), 0);
	m.len++;
	assert_int_equal(check(), -EINVAL);
	m.len = m.nr * sizeof(m.op[0]) - 1;
	assert_int_equal(check(), -EINVAL);
	m.nr = VSYS_PORT_MAX_OPS + 1;
	m.len = PORTS_DATA_SIZE;
	assert_int_equal(check(), -EINVAL);
	m.nr = 0x10000000;		/* times 16 is 0 */
	m.len = 0;
	assert_int_equal(check(), -EINVAL);
	m.nr = 1;
	m.len = UINT32_MAX;
	assert_int_equal(check(), -EINVAL);
	m.len = sizeof(m.op[0]) + VSYS_PORT_MAX_BYTES + 1;
	assert_int_equal(check(), -EINVAL);

	/* Blocks may share bytes, but are not more in all. */
	begin();
	add(VSYS_PORT_OUTS, FIRST, 0, 0)->count = 5000;
	add(VSYS_PORT_INS, FIRST, 0, 100)->count = 3192;
	m.len += 8000;
	assert_int_equal(check(), 0);
	m.op[1].count++;
	assert_int_equal(check(), -EINVAL);

	/* Who is to blame: the first one, unless there is one that cannot be. */
	begin();
	add(VSYS_PORT_OUT, FIRST, 0, 0);
	add(VSYS_PORT_OUT, 0x1234, 0, 0);
	add(VSYS_PORT_OUT, 0x4321, 0, 0);
	assert_int_equal(ports_check(&m, FIRST, LAST, &port), -EPERM);
	assert_int_equal(port, 0x1234);
	add(99, FIRST, 0, 0);
	assert_int_equal(check(), -EINVAL);
}

/* --- by chance, against a model --------------------------------------------- */

static uint32_t rand_state = 1;

static uint32_t rnd(void)
{
	rand_state = rand_state * 1664525 + 1013904223;
	return rand_state >> 8 ^ rand_state << 20;
}

static uint32_t below(uint32_t n)
{
	return (rnd() >> 4) % n;
}

static uint32_t number(const uint8_t *at, unsigned int size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | at[size];
	return value;
}

static void expect(char kind, unsigned int width, uint16_t port, uint32_t value)
{
	assert_true(nr_expected < LOG);
	expected[nr_expected++] = (struct access){ kind, width, port, value };
}

/* What the card would say: it is told the same. */
struct model {
	uint32_t says;
	uint64_t now, limit;
	uint8_t data[PORTS_DATA_SIZE];
	uint32_t done;
	int status;
};

static uint32_t model_in(struct model *k, uint16_t port, unsigned int width)
{
	uint32_t value = k->says & width_mask(width);

	expect('i', width, port, value);
	k->says += says_step;
	k->now += now_step;
	return value;
}

/* Of a poll: may there be one more read? */
static bool goes_on(struct model *k, uint32_t reads, uint32_t count)
{
	if (reads >= count)
		return false;
	if (!k->limit)
		k->limit = k->now + 20 * MS;
	return !reads || reads % 16 || k->now < k->limit;
}

/* 1: carried out; else the error. */
static int model_check(const uint8_t *data, uint32_t nr, uint32_t len, uint16_t *port)
{
	uint64_t sum = 0;
	int err = 0;
	uint32_t i;

	if (nr > 128 || len > 128 * 16 + 8192 || nr * 16 > len || len - nr * 16 > 8192)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		const uint8_t *op = data + 16 * i;
		uint64_t value = number(op + 4, 4), count = number(op + 8, 4), size;
		uint32_t p = number(op, 2);

		if (op[2] == 0 || op[2] > 7 || op[3] > 2)
			return -EINVAL;
		size = op[3] == 0 ? 1 : op[3] == 1 ? 2 : 4;
		if ((p < FIRST || p + size > LAST + 1) && !err) {
			*port = p;
			err = -EPERM;
		}
		if (op[2] == 3 || op[2] == 4) {
			sum += count * size;
			if (value + count * size > len - nr * 16 || sum > 8192)
				return -EINVAL;
		}
		if ((op[2] == 5 || op[2] == 6) && count > 1000)
			return -EINVAL;
	}
	return err;
}

static void put(uint8_t *at, unsigned int size, uint32_t value)
{
	for (; size--; value >>= 8)
		*at++ = value;
}

static void model_run(struct model *k, uint32_t nr)
{
	uint8_t *bytes = k->data + 16 * nr;
	uint64_t from = 0;		/* operations before it are left out */

	for (k->done = 0; k->done < nr; k->done++) {
		uint8_t *op = k->data + 16 * k->done;
		uint32_t port = number(op, 2), value = number(op + 4, 4), count = number(op + 8, 4);
		uint32_t mask = number(op + 12, 4), size = 1u << op[3], got = value, n;
		bool came = false;

		if (k->done < from)
			continue;
		switch (op[2]) {
		case 1:
			expect('o', op[3], port, value & width_mask(op[3]));
			k->now += now_step;
			break;
		case 2:
			put(op + 4, 4, model_in(k, port, op[3]));
			break;
		case 3:
			for (n = 0; n < count; n++) {
				expect('o', op[3], port, number(bytes + value + n * size, size));
				k->now += now_step;
			}
			break;
		case 4:
			for (n = 0; n < count; n++)
				put(bytes + value + n * size, size, model_in(k, port, op[3]));
			break;
		case 5:
			for (n = 0; ((got ^ value) & mask) == 0 && goes_on(k, n, count); n++)
				got = model_in(k, port, op[3]);
			put(op + 4, 4, got);
			break;
		case 6:
			for (n = 0; !came && goes_on(k, n, count); n++)
				came = (model_in(k, port, op[3]) & mask) == value;
			if (!came) {
				k->status = -ETIMEDOUT;
				return;
			}
			break;
		case 7:
			got = model_in(k, port, op[3]);
			put(op + 4, 4, got);
			if ((got & mask) != value)
				from = k->done + 1 + (uint64_t)count;
			break;
		}
	}
}

/* Mostly good, sometimes on the edge, sometimes anything. */
static void random_op(uint8_t *at, uint32_t bytes, unsigned int wild)
{
	static const uint32_t mask[] = { 0, 1, 0x80, 0xff, 0xffff, UINT32_MAX };
	uint8_t op = 1 + below(7), width = below(3);
	uint16_t port = FIRST + below(LAST - FIRST + 2 - (1 << width));
	uint32_t value = rnd(), count = below(1100), m4 = mask[below(6)];

	if (op == VSYS_PORT_OUTS || op == VSYS_PORT_INS) {
		value = below(bytes + 1);
		count = below(((bytes - value) >> width) / 4 + 1);
	} else if (op == VSYS_PORT_UNTIL || op == VSYS_PORT_WHEN) {
		value &= m4;
		m4 &= 0x3f;
		value &= m4;
	}
	if (op >= VSYS_PORT_CHANGE && count > 1000 && below(20))
		count = 1000;
	if (op == VSYS_PORT_WHEN && below(20))
		count %= 5;
	if (!below(wild))
		op = rnd();
	if (!below(wild))
		width = below(5);
	if (!below(wild))
		port = below(2) ? rnd() : LAST - 2 + below(6);
	if (!below(wild))
		value = rnd();
	if (!below(wild))
		count = below(2) ? rnd() : UINT32_MAX - below(9);
	put(at, 2, port);
	at[2] = op;
	at[3] = width;
	put(at + 4, 4, value);
	put(at + 8, 4, count);
	put(at + 12, 4, m4);
}

static void random_message(uint8_t *data, uint32_t *nr, uint32_t *len)
{
	unsigned int wild = below(4) ? 2000 : 1 + below(60);
	uint32_t bytes = below(3) ? below(300) : below(8193), i;

	*nr = below(4) ? below(12) : below(129);
	*len = *nr * 16 + bytes;
	for (i = 0; i < bytes; i++)
		data[*nr * 16 + i] = rnd();
	if (!below(30)) {
		/* Nothing is as it should be. */
		for (i = 0; i < PORTS_DATA_SIZE; i++)
			data[i] = rnd();
		*nr = below(2) ? below(150) : rnd();
		*len = below(2) ? below(PORTS_DATA_SIZE + 9) : rnd();
		return;
	}
	for (i = 0; i < *nr; i++)
		random_op(data + 16 * i, bytes, wild);
	if (!below(50))
		*nr += below(3);
	if (!below(50))
		*len -= below(*len + 1);
	if (!below(200))
		*len = rnd();
}

static void hostile(void **state)
{
	static const uint64_t steps[] = { 0, 1000, MS / 10, 3 * MS };
	unsigned int round, good = 0, denied = 0, wrong = 0, late = 0;
	static struct ports_message before;
	static struct model k;

	(void)state;
	for (round = 0; round < 100000; round++) {
		uint16_t port = 0, model_port = 0;
		int err;

		memset(&m, 0xee, sizeof(m));
		random_message(m.data, &m.nr, &m.len);
		says = rnd();
		says_step = below(3) ? below(3) : rnd();
		now_step = steps[below(4)];
		nr_done = nr_expected = 0;
		memset(&k, 0, sizeof(k));
		k.says = says;
		k.now = now;
		memcpy(k.data, m.data, sizeof(k.data));
		before = m;

		err = ports_check(&m, FIRST, LAST, &port);
		assert_int_equal(err, model_check(k.data, m.nr, m.len, &model_port));
		assert_memory_equal(&m, &before, sizeof(m));
		if (err) {
			assert_int_equal(port, model_port);
			denied += err == -EPERM;
			wrong += err == -EINVAL;
			continue;
		}
		good++;
		model_run(&k, m.nr);
		ports_carry_out(&m, &fake);
		assert_int_equal(m.status, k.status);
		assert_int_equal(m.done, k.done);
		assert_int_equal(nr_done, nr_expected);
		assert_memory_equal(done, expected, nr_done * sizeof(done[0]));
		assert_memory_equal(m.data, k.data, sizeof(k.data));
		late += m.status == -ETIMEDOUT;
	}
	/* All kinds were there. */
	print_message("# %u carried out, %u of them too late; %u denied, %u wrong\n", good, late,
		      denied, wrong);
	assert_true(good > 30000 && late > 3000 && denied > 1500 && wrong > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_order, setup),
		cmocka_unit_test_setup(blocks, setup),
		cmocka_unit_test_setup(changes, setup),
		cmocka_unit_test_setup(waits_until, setup),
		cmocka_unit_test_setup(only_when, setup),
		cmocka_unit_test_setup(until_does_not_come, setup),
		cmocka_unit_test_setup(until_is_late, setup),
		cmocka_unit_test_setup(limits, setup),
		cmocka_unit_test_setup(hostile, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
