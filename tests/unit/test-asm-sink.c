// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-asm-sink.c - a driver's accesses through the queue of asm-pp, a guest's ring,
 * worker and executor, against the same accesses carried out at once.
 *
 * Two cards that are alike: one is the executor's, the other is here.  What the
 * driver sees, and what the cards have seen, must be the same.  With rules the
 * queue answers inputs by itself, so then only what the driver sees and what was
 * written counts.
 */
#include <stdlib.h>
#include <string.h>

#include "asm-pp/runtime/wire.h"
#include "tests/unit/ports-fixture.h"
#include "tests/unit/worker-fixture.h"

#define FIRST	0x300u
#define LAST	0x31fu

/*
 * 0, 1: status that only outputs change; 2, 3: index and data; 4: keeps what was
 * written; 5: each read moves it on; 6: a doorbell; 7: bit 6 comes some reads after
 * a block was written to 0x10, bit 0 after an output to 7; 0x10: a data port of any
 * width.
 */
struct register_card {
	uint8_t cells[256], index, scratch, counter;
	unsigned int busy, writing;	/* reads of 7 until it is ready */
	uint32_t data;
	uint64_t written;		/* hash of all outputs */
	unsigned int reads;
};

static uint32_t reg_in(struct register_card *c, uint16_t port, unsigned int width)
{
	uint32_t value = 0xeeeeeeee;

	c->reads++;
	switch (port - FIRST) {
	case 0:
	case 1:
		value = c->cells[port - FIRST];
		break;
	case 3:
		value = c->cells[c->index++];
		break;
	case 4:
		value = c->scratch;
		break;
	case 5:
		value = c->counter++;
		break;
	case 7:
		c->busy -= c->busy > 0;
		c->writing -= c->writing > 0;
		value = (c->busy ? 0 : 1) | (c->writing ? 0 : 0x40);
		break;
	case 0x10:
		value = c->data = c->data * 1664525 + 1013904223;
		break;
	}
	return width == 2 ? value : value & ((1u << (8 << width)) - 1);
}

static void reg_out(struct register_card *c, uint16_t port, unsigned int width, uint32_t value)
{
	if (width < 2)
		value &= (1u << (8 << width)) - 1;
	c->written = (c->written ^ port ^ (uint64_t)width << 16 ^ (uint64_t)value << 24) *
		     UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	switch (port - FIRST) {
	case 2:
		c->index = value;
		break;
	case 3:
		c->cells[c->index++] = value;
		break;
	case 4:
		c->scratch = value;
		break;
	case 7:
		c->busy = value % 64;
		break;
	case 0x10:
		c->data ^= value;
		c->writing = 40;
		break;
	}
}

/* The executor's: of its thread. */
static uint32_t own_in(uint16_t port, unsigned int width)
{
	return reg_in(the_own, port, width);
}

static void own_out(uint16_t port, unsigned int width, uint32_t value)
{
	reg_out(the_own, port, width, value);
}

static void reg_ins(struct register_card *c, uint16_t port, unsigned int width, uint8_t *to,
		    uint32_t count, int step)
{
	for (; count--; to += step * (1 << width)) {
		uint32_t value = reg_in(c, port, width);

		memcpy(to, &value, 1 << width);
	}
}

static void reg_outs(struct register_card *c, uint16_t port, unsigned int width,
		     const uint8_t *from, uint32_t count, int step)
{
	for (; count--; from += step * (1 << width)) {
		uint32_t value = 0;

		memcpy(&value, from, 1 << width);
		reg_out(c, port, width, value);
	}
}

static void own_ins(uint16_t port, unsigned int width, uint8_t *to, uint32_t count)
{
	reg_ins(the_own, port, width, to, count, 1);
}

static void own_outs(uint16_t port, unsigned int width, const uint8_t *from, uint32_t count)
{
	reg_outs(the_own, port, width, from, count, 1);
}

static uint64_t own_now(void)
{
	return 1;
}

static const struct port_device own_device = {
	.in = own_in, .out = own_out, .ins = own_ins, .outs = own_outs, .now = own_now,
};

/* --- the sink ------------------------------------------------------------------- */

static uint32_t place;			/* in the pool: another one each time */

static int carry_out(void *data, struct vpio_rec *rec, unsigned int nr, u8 *bytes,
		     unsigned int len, bool wait)
{
	struct fixture *f = data;
	struct vsys_request r = rq(VSYS_OP_PORT_BATCH, 0);
	const struct vsys_response *rsp;
	size_t size = nr * sizeof(*rec);

	(void)wait;
	place = (place + 1237) % (48 * VSYS_PAGE_SIZE);
	pool_put(f, 0, place, rec, size);
	pool_put(f, 0, place + size, bytes, len);
	r.nr_segments = 1;
	r.length = size + len;
	r.u.ports.nr = nr;
	r.u.ports.segment[0] = (struct vsys_segment){ place, r.length };
	rsp = call(f, r);
	pool_get(f, 0, place, rec, size);
	pool_get(f, 0, place + size, bytes, len);
	return rsp->status || rsp->value != nr ? -EIO : 0;
}

static const struct vpio_sink sink = { .carry_out = carry_out };

static const struct vpio_rule rules[] = {
	{ .first = 0, .last = 1, .flags = VPIO_PURE },
	{ .first = 4, .last = 4, .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 6, .last = 6, .flags = VPIO_DOORBELL, .bits = 0x80 },
	{ .first = 7, .last = 7, .flags = VPIO_PURE | VPIO_AWAITED, .bits = 0x40, .after = 0x10 },
};

static struct vpio_queue q;
static u64 now;

u64 vpio_clock(void)
{
	return now++;
}

static struct port_executor x;
static struct register_card cards[2];	/* the executor's, and ours */

static void begin(struct fixture *f, const struct vpio_rule *rule, unsigned int nr,
		  unsigned int threshold)
{
	struct setup s = { .pool_pages = 64, .queues = 1, .ports = true, .port_first = FIRST,
			   .port_last = LAST };

	memset(cards, 0, sizeof(cards));
	port_executor_start(&x, FIRST, LAST, &own_device, &cards[0]);
	s.ports_fd = x.worker_fd;
	connect_device(f, &s);
	assert_int_equal(vpio_queue_init(&q, FIRST, LAST, &sink, f, rule, nr, threshold), 0);
}

static void finish(struct fixture *f)
{
	vpio_queue_flush(&q);
	assert_false(q.gone);
	assert_int_equal(q.stats.lost, 0);
	disconnect_device(f);
	port_executor_join(&x);
	assert_int_equal(x.result, 0);
	assert_true(cards[0].written == cards[1].written);
	assert_memory_equal(cards[0].cells, cards[1].cells, sizeof(cards[0].cells));
	assert_int_equal(cards[0].index, cards[1].index);
	assert_int_equal(cards[0].counter, cards[1].counter);
	assert_int_equal(cards[0].data, cards[1].data);
}

static void one_block(uint16_t port)
{
	static uint8_t from[24000], to[24000], same[24000];
	struct register_card *c = &cards[1];
	unsigned int width = rand() % 3, most = rand() % 20 ? 200 : sizeof(to);
	unsigned int count = rand() % (most >> width), i;
	int step = rand() % 4 ? 1 : -1;
	size_t start = step > 0 || !count ? 0 : (count - 1) << width;

	if (rand() % 2) {
		for (i = 0; i < count << width; i++)
			from[i] = rand();
		vpio_queue_outs(&q, port, width, from + start, count, step);
		reg_outs(c, port, width, from + start, count, step);
	} else {
		vpio_queue_ins(&q, port, width, to + start, count, step);
		reg_ins(c, port, width, same + start, count, step);
		assert_memory_equal(to, same, count << width);
	}
}

/* Nothing is known of the card: each access is its own. */
static void without_rules(void **state)
{
	static const uint8_t offsets[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x1c };
	struct fixture *f = *state;
	unsigned int i, threshold;

	srand(5);
	for (threshold = 1; threshold <= 100; threshold += 33) {
		begin(f, NULL, 0, threshold);
		for (i = 0; i < 4000; i++) {
			uint16_t port = FIRST + offsets[rand() % sizeof(offsets)];
			unsigned int width = rand() % 3;
			uint32_t value = (unsigned int)rand() * 2654435761u;
			int what = rand() % 16;

			if (what < 9) {
				vpio_queue_out(&q, port, width, value);
				reg_out(&cards[1], port, width, value);
			} else if (what < 13) {
				assert_int_equal(vpio_queue_in(&q, port, width),
						 reg_in(&cards[1], port, width));
			} else if (what < 15) {
				one_block(FIRST + (rand() % 2 ? 0x10 : 3));
			} else if (rand() % 2) {
				vpio_queue_flush(&q);
			} else {
				vpio_queue_tick(&q);
			}
		}
		finish(f);
		assert_int_equal(cards[0].reads, cards[1].reads);
	}
}

/* Kept, read ahead: without 7, where the number of reads is what counts. */
static void with_rules(void **state)
{
	static const uint8_t offsets[] = { 0, 1, 2, 3, 4, 5, 6, 0x10 };
	struct fixture *f = *state;
	unsigned int i;

	srand(6);
	begin(f, rules, sizeof(rules) / sizeof(rules[0]), 20);
	for (i = 0; i < 8000; i++) {
		uint16_t port = FIRST + offsets[rand() % sizeof(offsets)];
		uint32_t value = rand() & 0xff;

		if (rand() % 2) {
			vpio_queue_out(&q, port, 0, value);
			reg_out(&cards[1], port, 0, value);
		} else if (rand() % 8) {
			assert_int_equal(vpio_queue_in(&q, port, 0), reg_in(&cards[1], port, 0));
		} else {
			one_block(FIRST + 0x10);
		}
		if (rand() % 30 == 0)
			vpio_queue_tick(&q);
	}
	assert_true(q.stats.known > 0 && q.stats.ahead > 0);
	finish(f);
}

/* A driver that waits for its card: the executor waits in its place. */
static void polls(void **state)
{
	struct fixture *f = *state;
	uint16_t words[64];
	unsigned int i, n;

	srand(7);
	begin(f, rules, sizeof(rules) / sizeof(rules[0]), 64);
	for (i = 0; i < 1000; i++) {
		unsigned int busy = rand() % 64;

		/* CHANGE */
		vpio_queue_out(&q, FIRST + 7, 0, busy);
		reg_out(&cards[1], FIRST + 7, 0, busy);
		for (n = 0; !(vpio_queue_in(&q, FIRST + 7, 0) & 1); n++)
			assert_true(n < 64);
		while (!(reg_in(&cards[1], FIRST + 7, 0) & 1))
			;
		/* UNTIL */
		for (n = 0; n < 64; n++)
			words[n] = rand();
		vpio_queue_outs(&q, FIRST + 0x10, 1, words, 64, 1);
		reg_outs(&cards[1], FIRST + 0x10, 1, (uint8_t *)words, 64, 1);
		assert_true(vpio_queue_in(&q, FIRST + 7, 0) & 0x40);
		vpio_queue_out(&q, FIRST + 2, 0, i);
		reg_out(&cards[1], FIRST + 2, 0, i);
		while (!(reg_in(&cards[1], FIRST + 7, 0) & 0x40))
			;
	}
	assert_true(q.stats.changes > 900);
	assert_int_equal(q.stats.posted, 1000);
	finish(f);
}

/* The bits never come: the sink says so, and the device is gone for the driver. */
static void never_ready(void **state)
{
	static const struct vpio_rule never[] = {
		{ .first = 7, .last = 7, .flags = VPIO_PURE | VPIO_AWAITED, .bits = 0x80,
		  .after = 0x10 },
	};
	struct fixture *f = *state;
	uint16_t word = 1;

	begin(f, never, 1, 64);
	vpio_queue_outs(&q, FIRST + 0x10, 1, &word, 1, 1);
	assert_int_equal(vpio_queue_in(&q, FIRST + 7, 0), 0x80);
	assert_int_equal(vpio_queue_in(&q, FIRST + 5, 0), 0xff);
	assert_true(q.gone);
	disconnect_device(f);
	port_executor_join(&x);
	assert_int_equal(cards[0].reads, VPIO_POLL_READS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(without_rules), T(with_rules), T(polls), T(never_ready),
	};

	if (!can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
