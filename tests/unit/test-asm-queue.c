// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-asm-queue.c - the ordering rules of docs/asm-pp.md, one by one, and by
 * chance: a pretended device must see and say the same through a queue as
 * without one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/runtime/profile.h"
#include "asm-pp/runtime/wire.h"

#define FIRST	0x300u
#define PORTS	0x20u
#define LOG	(1u << 16)

/*
 * A card: 0 and 1 pure status, 2 index and 3 data of it, 4 scratch that keeps
 * what was written, 5 a counter that each read moves on, 6 a doorbell, 7 pure
 * but busy for a while after a write, 0x10 a data port of 32 bits.
 */
struct card {
	uint8_t scratch, index, cells[256], counter, rung;
	unsigned int busy;		/* reads of 7 until it is ready */
	uint32_t data;
	unsigned int nr;		/* accesses, and what they were */
	struct vpio_rec log[LOG];
	unsigned int batches, waits;
	bool gone;
};

static const struct vpio_rule rules[] = {
	{ .first = 0, .last = 1, .flags = VPIO_PURE },
	{ .first = 4, .last = 4, .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 6, .last = 6, .flags = VPIO_DOORBELL, .bits = 0x80 },
	{ .first = 7, .last = 7, .flags = VPIO_PURE },
};

static struct card card;
static struct vpio_queue q;
static u64 now;

u64 vpio_clock(void)
{
	return now;
}

static uint32_t card_in(struct card *c, uint16_t port)
{
	switch (port - FIRST) {
	case 0:
	case 1:
		return (uint8_t)(c->cells[0] + port);
	case 3:
		return c->cells[c->index++];
	case 4:
		return c->scratch;
	case 5:
		return c->counter++;
	case 7:
		if (c->busy)
			c->busy--;
		return c->busy ? 0x80 : 0;
	case 0x10:
		c->data = c->data * 1664525 + 1013904223;
		return c->data;
	default:
		return 0xee;
	}
}

static void card_out(struct card *c, uint16_t port, uint32_t value)
{
	struct vpio_rec *rec = &c->log[c->nr++ % LOG];

	*rec = (struct vpio_rec){ .port = port, .value = value };
	switch (port - FIRST) {
	case 2:
		c->index = (uint8_t)value;
		break;
	case 3:
		c->cells[c->index++] = (uint8_t)value;
		break;
	case 4:
		c->scratch = (uint8_t)value;
		break;
	case 6:
		c->rung++;
		break;
	case 7:
		c->busy = 5;
		break;
	case 0x10:
		c->data ^= value;
		break;
	}
}

static int carry_out(void *data, struct vpio_rec *rec, unsigned int nr, u8 *bytes,
		     unsigned int len, bool wait)
{
	struct card *c = data;

	assert_true(nr > 0 && nr <= VPIO_RECORDS && len <= VPIO_BYTES);
	c->batches++;
	c->waits += wait;
	if (c->gone)
		return -ENODEV;
	for (unsigned int i = 0; i < nr; i++) {
		struct vpio_rec *r = &rec[i];
		uint32_t old = r->value;

		if (r->op == VPIO_REC_IN)
			r->value = card_in(c, r->port);
		else if (r->op == VPIO_REC_OUT)
			card_out(c, r->port, r->value);
		if (r->op == VPIO_REC_CHANGE) {
			unsigned int n = r->count;

			while ((r->value = card_in(c, r->port)) == old && --n)
				;
		}
		if (r->op != VPIO_REC_INS && r->op != VPIO_REC_OUTS)
			continue;
		assert_true(old + ((uint64_t)r->count << r->width) <= len);
		assert_int_equal(old % (1u << r->width), 0);
		for (unsigned int n = 0; n < r->count; n++) {
			u8 *at = bytes + old + ((size_t)n << r->width);
			uint32_t value = 0;

			if (r->op == VPIO_REC_INS) {
				value = card_in(c, r->port);
				memcpy(at, &value, 1u << r->width);
			} else {
				memcpy(&value, at, 1u << r->width);
				card_out(c, r->port, value);
			}
		}
		/* Who does not wait gets no answer. */
		assert_true(wait || r->op == VPIO_REC_OUTS);
	}
	return 0;
}

static const struct vpio_sink sink = { .carry_out = carry_out };

static int setup(void **state)
{
	(void)state;
	memset(&card, 0, sizeof(card));
	return vpio_queue_init(&q, FIRST, FIRST + PORTS - 1, &sink, &card, rules,
			       sizeof(rules) / sizeof(*rules), 100);
}

static void out(unsigned int offset, unsigned int value)
{
	vpio_queue_out(&q, (u16)(FIRST + offset), 0, value);
}

static u32 in(unsigned int offset)
{
	return vpio_queue_in(&q, (u16)(FIRST + offset), 0);
}

static void test_outputs_wait(void **state)
{
	(void)state;
	out(2, 1);
	out(3, 7);
	assert_int_equal(card.batches, 0);
	vpio_queue_flush(&q);
	assert_int_equal(card.batches, 1);
	assert_int_equal(card.waits, 0);
	assert_int_equal(card.cells[1], 7);
	vpio_queue_flush(&q);
	vpio_queue_tick(&q);
	assert_int_equal(card.batches, 1);	/* an empty queue is no batch */
	out(2, 1);
	vpio_queue_tick(&q);
	assert_int_equal(card.batches, 2);
}

static void test_input_comes_after_outputs(void **state)
{
	(void)state;
	card.cells[9] = 42;
	out(2, 9);
	assert_int_equal(in(3), 42);
	assert_int_equal(card.batches, 1);
	assert_int_equal(card.waits, 1);
	assert_int_equal(q.stats.records, 2);
}

static void test_index_and_data(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		out(2, i);
		out(3, i * 3);
	}
	for (unsigned int i = 0; i < 20; i++) {
		out(2, i);
		assert_int_equal(in(3), i * 3);
	}
	assert_int_equal(card.batches, 20);
}

static void test_threshold(void **state)
{
	(void)state;
	q.threshold = 4;
	for (unsigned int i = 0; i < 10; i++)
		out(2, i);
	assert_int_equal(card.nr, 8);
	assert_int_equal(card.batches, 2);
	for (unsigned int i = 0; i < card.nr; i++)
		assert_int_equal(card.log[i].value, i);
	q.threshold = 1;
	out(2, 10);
	assert_int_equal(card.nr, 11);
}

static void test_doorbell(void **state)
{
	(void)state;
	out(2, 1);
	out(6, 0x7f);
	assert_int_equal(card.batches, 0);
	out(6, 0x81);
	assert_int_equal(card.batches, 1);
	assert_int_equal(card.waits, 0);
	assert_int_equal(card.rung, 2);
}

static void test_kept(void **state)
{
	(void)state;
	out(4, 0x12);
	assert_int_equal(in(4), 0x12);
	assert_int_equal(card.batches, 0);
	assert_int_equal(q.stats.known, 1);
	/* A wider access over it makes it unknown. */
	vpio_queue_out(&q, FIRST + 3, 1, 0x3456);
	in(4);
	assert_int_equal(card.waits, 1);
	assert_int_equal(in(4), card.scratch);
	assert_int_equal(card.waits, 1);
	/* Others may change by themselves. */
	out(5, 9);
	assert_int_equal(in(5), 0);
	assert_int_equal(in(5), 1);
}

static void test_read_ahead(void **state)
{
	(void)state;
	in(0);
	in(1);
	out(2, 0);
	assert_int_equal(card.waits, 2);
	/* Now they are known to come together. */
	assert_int_equal(in(0), (uint8_t)FIRST);
	assert_int_equal(in(1), (uint8_t)(FIRST + 1));
	assert_int_equal(card.waits, 3);
	assert_int_equal(q.stats.ahead, 1);
	/* Once each. */
	card.cells[0] = 5;
	assert_int_equal(in(1), (uint8_t)(FIRST + 6));
	assert_int_equal(card.waits, 4);
	/* Not over an output ... */
	in(0);
	out(2, 0);
	out(3, 50);
	assert_int_equal(in(1), (uint8_t)(FIRST + 51));
	/* ... and not over a tick. */
	in(0);
	card.cells[0] = 60;
	vpio_queue_tick(&q);
	assert_int_equal(in(1), (uint8_t)(FIRST + 61));
	/* ... and not for long. */
	in(0);
	now += VPIO_AGE_NS;
	card.cells[0] = 70;
	assert_int_equal(in(1), (uint8_t)(FIRST + 61));
	in(0);
	now += VPIO_AGE_NS + 1;
	card.cells[0] = 80;
	assert_int_equal(in(1), (uint8_t)(FIRST + 81));
}

static void test_never_ahead_of_what_reading_changes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++) {
		in(0);
		assert_int_equal(in(5), i);
		out(2, 0);
	}
	assert_int_equal(card.counter, 10);
	assert_int_equal(q.stats.ahead, 0);
}

static void test_poll(void **state)
{
	unsigned int reads = 0;

	(void)state;
	out(7, 0);
	card.busy = 500;
	out(2, 0);
	vpio_queue_flush(&q);
	card.busy = 500;
	while (in(7) & 0x80)
		reads++;
	assert_true(reads < 4);
	assert_int_equal(q.stats.changes, 1);
	/* Now and then is no poll. */
	for (unsigned int i = 0; i < 10; i++) {
		in(7);
		now += VPIO_AGE_NS + 1;
	}
	assert_int_equal(q.stats.changes, 1);
	/* One that never ends does not hang the sink. */
	card.busy = ~0u;
	assert_int_equal(in(7), 0x80);
	assert_int_equal(in(7), 0x80);
	assert_int_equal(in(7), 0x80);
	assert_int_equal(card.busy, ~0u - 2 - VPIO_POLL_READS);
}

static void test_blocks(void **state)
{
	static uint32_t from[5000], to[5000], back[5000];
	static struct card same;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++)
		from[i] = i * 2654435761u;
	same = card;
	vpio_queue_outs(&q, FIRST + 0x10, 2, from, 5000, 1);
	vpio_queue_ins(&q, FIRST + 0x10, 2, to, 5000, 1);
	for (unsigned int i = 0; i < 5000; i++)
		card_out(&same, FIRST + 0x10, from[i]);
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(to[i], card_in(&same, FIRST + 0x10));
	assert_true(card.batches < 8);
	/* Of mixed widths, in one batch. */
	vpio_queue_outs(&q, FIRST + 0x10, 0, from, 3, 1);
	vpio_queue_outs(&q, FIRST + 0x10, 1, from, 3, 1);
	vpio_queue_ins(&q, FIRST + 0x10, 2, to, 2, 1);
	for (unsigned int i = 0; i < 6; i++)
		card_out(&same, FIRST + 0x10, i < 3 ? ((uint8_t *)from)[i] : ((uint16_t *)from)[i - 3]);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(to[i], card_in(&same, FIRST + 0x10));
	/* Downwards: the first value is at the highest address. */
	vpio_queue_outs(&q, FIRST + 0x10, 2, &from[4999], 5000, -1);
	vpio_queue_ins(&q, FIRST + 0x10, 2, &back[4999], 5000, -1);
	for (unsigned int i = 5000; i--;)
		card_out(&same, FIRST + 0x10, from[i]);
	for (unsigned int i = 5000; i--;)
		assert_int_equal(back[i], card_in(&same, FIRST + 0x10));
}

static void test_gone(void **state)
{
	uint16_t words[4] = { 0 };

	(void)state;
	out(2, 1);
	card.gone = true;
	assert_int_equal(in(5), 0xff);
	assert_int_equal(vpio_queue_in(&q, FIRST, 2), 0xffffffff);
	vpio_queue_ins(&q, FIRST + 0x10, 1, words, 4, 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(words[i], 0xffff);
	for (unsigned int i = 0; i < 1000; i++)
		out(2, i);
	assert_int_equal(card.batches, 1);	/* nobody is asked again */
	vpio_queue_flush(&q);
	assert_int_equal(q.stats.lost, 2 + 1 + 1000);
}

static void test_init(void **state)
{
	static const struct vpio_rule wrong[] = {
		{ .first = 3, .last = PORTS },
		{ .first = 3, .last = 2 },
		{ .first = 1, .last = 1, .bank = VPIO_BANKS + 1 },
		{ .first = 1, .last = 1, .after = PORTS },
		{ .first = 1, .last = 2, .flags = VPIO_SELECTS, .selects = 1 },
		{ .first = 1, .last = 1, .flags = VPIO_SELECTS },
		{ .first = 1, .last = 1, .flags = VPIO_SELECTS, .selects = 1, .bank = 1 },
	};

	(void)state;
	assert_int_equal(vpio_queue_init(&q, 2, 1, &sink, NULL, NULL, 0, 1), -EINVAL);
	assert_int_equal(vpio_queue_init(&q, 0, VPIO_PORTS, &sink, NULL, NULL, 0, 1), -EINVAL);
	assert_int_equal(vpio_queue_init(&q, 0, 1, NULL, NULL, NULL, 0, 1), -EINVAL);
	assert_int_equal(vpio_queue_init(&q, 0, 1, &sink, NULL, NULL, 0, 0), -EINVAL);
	assert_int_equal(vpio_queue_init(&q, 0, 1, &sink, NULL, NULL, 0, VPIO_RECORDS), -EINVAL);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(vpio_queue_init(&q, 0, PORTS - 1, &sink, NULL, &wrong[i], 1, 1),
				 -EINVAL);
	assert_int_equal(vpio_queue_init(&q, 0, PORTS - 1, &sink, NULL, NULL, 0, 1), 0);
}

/* Rules are for the ports that such a device has. */
static void test_profiles(void **state)
{
	static const struct {
		const char *name;
		u16 ports;
	} known[] = { { "none", 1 }, { "ne2000", 32 }, { "16550", 8 }, { "ata", 15 }, { "parport", 3 } };

	(void)state;
	assert_null(vpio_profile_find("frob"));
	for (unsigned int i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct vpio_profile *p = vpio_profile_find(known[i].name);

		assert_non_null(p);
		assert_int_equal(vpio_queue_init(&q, 0, known[i].ports - 1, &sink, &card, p->rule,
						 p->rules, 64), 0);
		assert_int_equal(vpio_queue_handshake(&q, p->handshake), 0);
	}
}

/* A block that a device waits for rings, too. */
static void test_block_rings(void **state)
{
	static const struct vpio_rule rule = { .first = 0, .last = 0, .flags = VPIO_DOORBELL };
	static const uint16_t words[256];

	(void)state;
	assert_int_equal(vpio_queue_init(&q, FIRST, FIRST + 7, &sink, &card, &rule, 1, 64), 0);
	vpio_queue_outs(&q, FIRST, 1, words, 256, 1);
	assert_int_equal(card.batches, 1);
	assert_int_equal(card.nr, 256);
}

/* A driver that does anything, and the same driver without a queue. */
static void test_random(void **state)
{
	static struct card direct;

	(void)state;
	srand(1);
	q.threshold = 7;
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int offset = (unsigned int)rand() % 9;

		if (offset == 7)	/* time is not the same there */
			continue;
		if (offset == 8)
			offset = 0x10;
		if (rand() % 2) {
			unsigned int value = (unsigned int)rand() & 0xff;

			out(offset, value);
			card_out(&direct, (u16)(FIRST + offset), value);
		} else {
			assert_int_equal(in(offset), card_in(&direct, (u16)(FIRST + offset)) & 0xff);
		}
		if (!(rand() % 50))
			vpio_queue_tick(&q);
	}
	vpio_queue_flush(&q);
	assert_int_equal(card.nr, direct.nr);
	assert_memory_equal(card.log, direct.log, sizeof(card.log));
	assert_memory_equal(card.cells, direct.cells, sizeof(card.cells));
	assert_int_equal(card.counter, direct.counter);
	assert_true(q.stats.ahead > 0 && q.stats.known > 0);
	assert_int_equal(q.stats.lost, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_outputs_wait, setup),
		cmocka_unit_test_setup(test_input_comes_after_outputs, setup),
		cmocka_unit_test_setup(test_index_and_data, setup),
		cmocka_unit_test_setup(test_threshold, setup),
		cmocka_unit_test_setup(test_doorbell, setup),
		cmocka_unit_test_setup(test_kept, setup),
		cmocka_unit_test_setup(test_read_ahead, setup),
		cmocka_unit_test_setup(test_never_ahead_of_what_reading_changes, setup),
		cmocka_unit_test_setup(test_poll, setup),
		cmocka_unit_test_setup(test_blocks, setup),
		cmocka_unit_test_setup(test_gone, setup),
		cmocka_unit_test_setup(test_init, setup),
		cmocka_unit_test_setup(test_profiles, setup),
		cmocka_unit_test_setup(test_block_rings, setup),
		cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
