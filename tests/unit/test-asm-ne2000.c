// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-asm-ne2000.c - a driver of an NE2000, with the accesses that Linux's own
 * makes, on a pretended card: through a queue with the card's profile, and
 * without one.  The frames and the card's memory must be the same, and the
 * number of batches is what it is all for.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/runtime/profile.h"

#define BASE		0x300u
#define MEMORY		0x8000u		/* 128 pages; the receive ring is 0x46 to 0x80 */
#define RING_START	0x46u
#define RING_STOP	0x80u
#define TX_PAGE		0x40u

/* Bits of CR and ISR. */
#define TXP		0x04u
#define ISR_RX		0x01u
#define ISR_TX		0x02u
#define ISR_RDC		0x40u

struct card {
	uint8_t cr, isr, imr, bnry, curr, tsr, tpsr, par[6];
	uint16_t tbcr, rsar, rbcr;
	bool transmits;			/* TXP: ends when time passes */
	uint8_t memory[MEMORY];
	unsigned int frames;
	uint32_t sum;			/* of all that was sent */
	unsigned int accesses;
	unsigned int commands;		/* values written to CR */
};

static struct card cards[2];		/* by a queue, directly */
static struct vpio_queue q;
static unsigned int waits, batches;

static u64 now;

u64 vpio_clock(void)
{
	return now;
}

static unsigned int page(const struct card *c)
{
	return c->cr >> 6;
}

static uint8_t card_data(struct card *c, bool write, uint8_t value)
{
	uint8_t *cell = &c->memory[c->rsar % MEMORY];

	if (write)
		*cell = value;
	else
		value = *cell;
	if (++c->rsar == RING_STOP << 8)
		c->rsar = RING_START << 8;
	if (c->rbcr && !--c->rbcr)
		c->isr |= ISR_RDC;
	return value;
}

static void card_reset(struct card *c)
{
	c->cr = 0x21;
	c->isr |= 0x80;
	c->imr = 0;
	memset(c->par, 0, sizeof(c->par));
}

static uint8_t card_in(struct card *c, unsigned int reg)
{
	c->accesses++;
	if (reg >= 0x18) {
		card_reset(c);
		return 0;
	}
	if (reg >= 0x10)
		return card_data(c, false, 0);
	if (!reg)
		return c->cr;
	if (page(c) == 1)
		return reg == 7 ? c->curr : reg < 7 ? c->par[reg - 1] : 0;
	switch (reg) {
	case 3:
		return c->bnry;
	case 4:
		return c->tsr;
	case 7:
		return c->isr;
	default:
		return 0x5a;
	}
}

static void card_command(struct card *c, uint8_t value)
{
	c->commands++;
	c->cr = (uint8_t)((c->cr & TXP) | value);
	if (!(value & TXP) || c->transmits)
		return;
	c->transmits = true;
	c->tsr = 0;
	for (unsigned int i = 0; i < c->tbcr; i++)
		c->sum = c->sum * 31 + c->memory[((c->tpsr << 8) + i) % MEMORY];
}

static void card_out(struct card *c, unsigned int reg, uint8_t value)
{
	c->accesses++;
	if (reg >= 0x18) {
		card_reset(c);
	} else if (reg >= 0x10) {
		card_data(c, true, value);
	} else if (!reg) {
		card_command(c, value);
	} else if (page(c) == 1) {
		if (reg == 7)
			c->curr = value;
		else if (reg < 7)
			c->par[reg - 1] = value;
	} else {
		switch (reg) {
		case 3:
			c->bnry = value;
			break;
		case 4:
			c->tpsr = value;
			break;
		case 5:
			c->tbcr = (uint16_t)((c->tbcr & 0xff00) | value);
			break;
		case 6:
			c->tbcr = (uint16_t)((c->tbcr & 0xff) | value << 8);
			break;
		case 7:
			c->isr &= (uint8_t)~value;
			break;
		case 8:
			c->rsar = (uint16_t)((c->rsar & 0xff00) | value);
			break;
		case 9:
			c->rsar = (uint16_t)((c->rsar & 0xff) | value << 8);
			break;
		case 0xa:
			c->rbcr = (uint16_t)((c->rbcr & 0xff00) | value);
			break;
		case 0xb:
			c->rbcr = (uint16_t)((c->rbcr & 0xff) | value << 8);
			break;
		case 0xf:
			c->imr = value;
			break;
		}
	}
}

/* Time passes: the transmitter is done.  True: an interrupt. */
static bool card_time(struct card *c)
{
	if (c->transmits) {
		c->transmits = false;
		c->cr &= (uint8_t)~TXP;
		c->tsr = 1;
		c->isr |= ISR_TX;
		c->frames++;
	}
	return c->isr & c->imr;
}

static void card_receive(struct card *c, unsigned int length, uint8_t fill)
{
	unsigned int pages = (length + 4 + 255) / 256, next = c->curr + pages, at = c->curr << 8;
	uint8_t header[4];

	if (next >= RING_STOP)
		next -= RING_STOP - RING_START;
	header[0] = 1;
	header[1] = (uint8_t)next;
	header[2] = (uint8_t)(length + 4);
	header[3] = (uint8_t)((length + 4) >> 8);
	for (unsigned int i = 0; i < length + 4; i++) {
		c->memory[at] = i < 4 ? header[i] : (uint8_t)(fill + i);
		if (++at == RING_STOP << 8)
			at = RING_START << 8;
	}
	c->curr = (uint8_t)next;
	c->isr |= ISR_RX;
}

/* Without a queue, or as a sink does it. */
static uint32_t raw_in(struct card *c, unsigned int reg, unsigned int width)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < 1u << width; i++)
		value |= (uint32_t)card_in(c, reg >= 0x10 ? reg : reg + i) << (8 * i);
	return value;
}

static void raw_out(struct card *c, unsigned int reg, unsigned int width, uint32_t value)
{
	for (unsigned int i = 0; i < 1u << width; i++)
		card_out(c, reg >= 0x10 ? reg : reg + i, (uint8_t)(value >> (8 * i)));
}

static unsigned int to_come;		/* frames that arrive meanwhile */
static uint8_t next_fill;
static void card_receive(struct card *c, unsigned int length, uint8_t fill);

/* Maybe one arrives, if there is room. */
static void card_meanwhile(struct card *c)
{
	unsigned int used = (c->curr - c->bnry + RING_STOP - RING_START) % (RING_STOP - RING_START);

	if (to_come && used < RING_STOP - RING_START - 10 && rand() % 12 == 0) {
		to_come--;
		card_receive(c, 60 + 4 * (rand() % 300), next_fill++);
	}
}

static int carry_out(void *data, struct vpio_rec *rec, unsigned int nr, u8 *bytes,
		     unsigned int len, bool wait)
{
	struct card *c = data;

	(void)len;
	batches++;
	waits += wait;
	for (unsigned int i = 0; i < nr; i++) {
		struct vpio_rec *r = &rec[i];
		unsigned int reg = r->port - BASE, n = 0;
		uint32_t value;

		card_meanwhile(c);
		switch (r->op) {
		case VPIO_REC_OUT:
			raw_out(c, reg, r->width, r->value);
			break;
		case VPIO_REC_IN:
			r->value = raw_in(c, reg, r->width);
			break;
		case VPIO_REC_CHANGE:
			do
				value = raw_in(c, reg, r->width);
			while (!((value ^ r->value) & r->mask) && ++n < r->count);
			r->value = value;
			break;
		case VPIO_REC_UNTIL:
			while ((raw_in(c, reg, r->width) & r->mask) != r->value)
				if (++n == r->count)
					return -EIO;
			break;
		default:
			for (; n < r->count; n++) {
				u8 *at = bytes + r->value + ((size_t)n << r->width);

				value = 0;
				if (r->op == VPIO_REC_OUTS) {
					memcpy(&value, at, 1u << r->width);
					raw_out(c, reg, r->width, value);
				} else {
					value = raw_in(c, reg, r->width);
					memcpy(at, &value, 1u << r->width);
				}
			}
		}
	}
	return 0;
}

static const struct vpio_sink sink = { .carry_out = carry_out };

/* The driver.  direct says which card, and how it is reached. */
static bool direct;

static uint8_t in(unsigned int reg)
{
	if (direct)
		return card_in(&cards[1], reg);
	return (uint8_t)vpio_queue_in(&q, (u16)(BASE + reg), 0);
}

static void out(unsigned int reg, unsigned int value)
{
	if (direct)
		card_out(&cards[1], reg, (uint8_t)value);
	else
		vpio_queue_out(&q, (u16)(BASE + reg), 0, value & 0xff);
}

static void remote(unsigned int command, unsigned int address, unsigned int length)
{
	out(0x0, 0x22);
	if (command == 0x12)
		out(0x7, ISR_RDC);
	out(0xa, length);
	out(0xb, length >> 8);
	out(0x8, address);
	out(0x9, address >> 8);
	out(0x0, command);
}

static void block_in(void *to, unsigned int address, unsigned int length)
{
	remote(0x0a, address, length);
	if (direct)
		for (unsigned int i = 0; i < length; i++)
			((uint8_t *)to)[i] = card_in(&cards[1], 0x10);
	else
		vpio_queue_ins(&q, BASE + 0x10, 2, to, length / 4, 1);
	out(0x7, ISR_RDC);
}

static void block_out(const void *from, unsigned int address, unsigned int length)
{
	unsigned int patience = 10;

	remote(0x12, address, length);
	if (direct)
		for (unsigned int i = 0; i < length; i++)
			card_out(&cards[1], 0x10, ((const uint8_t *)from)[i]);
	else
		vpio_queue_outs(&q, BASE + 0x10, 2, from, length / 4, 1);
	while (!(in(0x7) & ISR_RDC))
		assert_true(--patience > 0);
	out(0x7, ISR_RDC);
}

static void driver_send(const void *frame, unsigned int length)
{
	out(0xf, 0);
	block_out(frame, TX_PAGE << 8, length);
	out(0x0, 0x22);
	assert_false(in(0x0) & TXP);
	out(0x5, length);
	out(0x6, length >> 8);
	out(0x4, TX_PAGE);
	out(0x0, 0x26);
	out(0xf, 0x3f);
}

static unsigned int frames_in;
static uint8_t last_fill;

static uint32_t driver_receive(void)
{
	static uint32_t frame[512];
	uint32_t sum = 0;
	uint8_t header[4];

	for (;;) {
		unsigned int current, at, length, first;

		out(0x0, 0x62);
		current = in(0x7);
		out(0x0, 0x22);
		at = in(0x3) + 1u;
		if (at >= RING_STOP)
			at = RING_START;
		if (at == current)
			break;
		block_in(header, at << 8, 4);
		length = (header[2] | header[3] << 8) - 4u;
		first = (at << 8) + 4;
		block_in(frame, first, length);
		for (unsigned int i = 0; i < length; i++)
			sum = sum * 31 + ((uint8_t *)frame)[i];
		frames_in++;
		last_fill = (uint8_t)(*(uint8_t *)frame - 4);
		out(0x3, header[1] == RING_START ? RING_STOP - 1 : header[1] - 1u);
	}
	out(0x7, ISR_RX);
	return sum;
}

static uint32_t driver_interrupt(void)
{
	uint32_t sum = 0;
	uint8_t isr;

	now += 1000000;
	out(0x0, 0x22);
	while ((isr = in(0x7))) {
		if (isr & ISR_RX)
			sum += driver_receive();
		if (isr & ISR_TX) {
			assert_int_equal(in(0x4), 1);
			out(0x7, ISR_TX);
		}
		out(0x0, 0x22);
	}
	/* The handler returns. */
	if (!direct)
		vpio_queue_flush(&q);
	return sum;
}

static int setup(void **state)
{
	const struct vpio_profile *p = vpio_profile_find("ne2000");

	(void)state;
	memset(cards, 0, sizeof(cards));
	for (unsigned int i = 0; i < 2; i++) {
		cards[i].bnry = RING_START;
		cards[i].curr = RING_START + 1;
	}
	waits = batches = 0;
	return vpio_queue_init(&q, BASE, BASE + 0x1f, &sink, &cards[0], p->rule, p->rules, 64);
}

/* As a driver does it before it starts the card. */
static void set_ring(void)
{
	for (unsigned int c = 0; c < 2; c++) {
		direct = c;
		out(0x0, 0x21);
		out(0x1, RING_START);
		out(0x2, RING_STOP);
		out(0x3, RING_START);
		/* The card's address, at the same ports. */
		out(0x0, 0x61);
		for (unsigned int i = 1; i < 7; i++)
			out(i, 0x50 + i);
		out(0x0, 0x22);
	}
}

static void same_cards(void)
{
	assert_int_equal(cards[0].frames, cards[1].frames);
	assert_int_equal(cards[0].sum, cards[1].sum);
	assert_memory_equal(cards[0].memory, cards[1].memory, MEMORY);
	assert_int_equal(cards[0].cr, cards[1].cr);
	assert_int_equal(cards[0].isr, cards[1].isr);
	assert_int_equal(cards[0].imr, cards[1].imr);
	assert_int_equal(cards[0].bnry, cards[1].bnry);
	assert_false(q.gone);
}

/* Sends, and takes the interrupt that comes when the card is done. */
static void send_all(unsigned int frames)
{
	static uint32_t frame[350];

	for (unsigned int n = 0; n < frames; n++) {
		unsigned int length = 60 + 4 * (n * 7 % 300);

		for (unsigned int i = 0; i < length; i++)
			((uint8_t *)frame)[i] = (uint8_t)(n * 13 + i);
		for (unsigned int c = 0; c < 2; c++) {
			direct = c;
			driver_send(frame, length);
			if (!q.rules)
				vpio_queue_tick(&q);	/* who knows no doorbell waits for it */
			assert_true(card_time(&cards[c]));
			driver_interrupt();
		}
	}
}

static void test_send(void **state)
{
	(void)state;
	send_all(10);
	same_cards();
	waits = batches = cards[0].accesses = cards[1].accesses = 0;
	send_all(100);
	same_cards();
	assert_int_equal(cards[0].frames, 110);
	/* One batch to send; ISR with TSR and CR, and ISR again, in the interrupt. */
	assert_int_equal(waits, 200);
	assert_int_equal(batches, 300);
	/* Each frame has 24 accesses, if the data is one. */
	assert_true(q.stats.known >= 100 && q.stats.ahead >= 100 && q.stats.posted >= 100);
}

static void receive_all(void)
{
	uint32_t sums[2] = { 0, 0 };

	for (unsigned int n = 0; n < 100; n++) {
		for (unsigned int c = 0; c < 2; c++) {
			direct = c;
			cards[c].imr = 0x3f;
			for (unsigned int i = 0; i < 9; i++)
				card_receive(&cards[c], 60 + 4 * (n + i), (uint8_t)(n * 9 + i));
			assert_true(card_time(&cards[c]));
			sums[c] = sums[c] * 31 + driver_interrupt();
		}
	}
	same_cards();
	assert_int_equal(sums[0], sums[1]);
}

static void test_receive(void **state)
{
	(void)state;
	receive_all();
	waits = batches = 0;
	receive_all();
	/* CURR (the first with ISR), header and frame for each; CURR and ISR at the end. */
	assert_int_equal(waits, 3 * 900 + 2 * 100);
	assert_int_equal(batches, waits);
	/* Where the ring is known, CURR is asked for only when the driver has come up to it. */
	set_ring();
	receive_all();
	waits = batches = 0;
	receive_all();
	assert_int_equal(waits, 2 * 900 + 3 * 100);
	assert_int_equal(batches, waits);
}

/*
 * Frames arrive while others are fetched.  One that comes after CURR was read for the
 * last time waits for the next one's interrupt, as without a queue; none is lost, or
 * comes twice.
 */
static void test_receive_meanwhile(void **state)
{
	unsigned int rounds, n;

	(void)state;
	srand(11);
	set_ring();
	frames_in = 0;
	next_fill = 0;
	direct = false;
	cards[0].imr = 0x3f;
	for (rounds = n = 0; rounds < 300; rounds++) {
		unsigned int more = (unsigned int)rand() % 12;

		to_come = more;
		n += more + 1;
		card_receive(&cards[0], 60, next_fill++);
		while (to_come || card_time(&cards[0])) {
			driver_interrupt();
			card_meanwhile(&cards[0]);
		}
		if (frames_in == n)
			assert_int_equal(last_fill, (uint8_t)(next_fill - 1));
		assert_in_range(frames_in, n - more, n);
	}
	card_receive(&cards[0], 60, next_fill++);
	driver_interrupt();
	assert_int_equal(frames_in, n + 1);
	assert_int_equal(last_fill, (uint8_t)(next_fill - 1));
	assert_true(q.stats.known > 300 && q.stats.ahead > 100);
}

/* Without a profile everything is right, too. */
static void test_no_profile(void **state)
{
	(void)state;
	assert_int_equal(vpio_queue_init(&q, BASE, BASE + 0x1f, &sink, &cards[0], NULL, 0, 64), 0);
	send_all(100);
	same_cards();
	receive_all();
	assert_int_equal(q.stats.known + q.stats.ahead + q.stats.posted, 0);
}

/* TXP is the card's, until it is seen clear. */
static void test_transmits(void **state)
{
	static const uint32_t frame[16];
	unsigned int before;

	(void)state;
	for (unsigned int c = 0; c < 2; c++) {
		direct = c;
		driver_send(frame, 64);
		out(0x0, 0x22);
		assert_int_equal(in(0x0), 0x26);
		assert_true(card_time(&cards[c]));
		assert_int_equal(in(0x0), 0x22);
	}
	direct = false;
	before = batches;
	out(0x0, 0x62);
	assert_int_equal(in(0x0), 0x62);
	assert_int_equal(batches, before);
	/* 4 is TSR in one bank, and plain in the other. */
	out(0x4, 0x44);
	assert_int_equal(in(0x4), 0x44);
	assert_int_equal(batches, before);
	out(0x0, 0x22);
	assert_int_equal(in(0x4), 1);
	out(0x0, 0x62);
	before = batches;
	assert_int_equal(in(0x4), 0x44);
	/* A register of this bank, written as a part of a word. */
	out(0x2, 0x11);
	assert_int_equal(in(0x2), 0x11);
	assert_int_equal(batches, before);
	vpio_queue_out(&q, BASE + 1, 1, 0x3322);
	assert_int_equal(in(0x2), 0x33);
}

/*
 * A register of another bank is read ahead only where selecting it and selecting back
 * changes nothing: not while a command would be given once more.
 */
static void test_selects(void **state)
{
	static const uint8_t busy[] = { 0x26, 0x12, 0x0a, 0x21 };
	unsigned int before;

	(void)state;
	direct = false;
	cards[0].curr = 0x50;
	out(0x0, 0x22);
	in(0x7);
	out(0x0, 0x62);
	assert_int_equal(in(0x7), 0x50);
	for (unsigned int i = 0; i < sizeof(busy); i++) {
		now += 1000000;
		out(0x0, 0x22);
		before = cards[0].commands;
		in(0x7);
		/* The driver's own; there, and back. */
		assert_int_equal(cards[0].commands - before, 3);
		assert_int_equal(cards[0].cr & 0xfb, 0x22);
		before = waits;
		out(0x0, 0x62);
		assert_int_equal(in(0x7), 0x50);
		assert_int_equal(waits, before);
		out(0x0, 0x22);
		now += 1000000;
		out(0x0, busy[i]);
		vpio_queue_flush(&q);
		before = cards[0].commands;
		in(0x7);
		assert_int_equal(cards[0].commands, before);
		/* What was read before a command is no value after it. */
		out(0x0, 0x22);
		in(0x7);
		out(0x0, busy[i]);
		cards[0].curr = 0x51;
		out(0x0, 0x62);
		assert_int_equal(in(0x7), 0x51);
		cards[0].curr = 0x50;
	}
}

/* A reset changes what registers keep, by an input as by an output. */
static void test_reset(void **state)
{
	(void)state;
	send_all(3);
	for (unsigned int c = 0; c < 2; c++) {
		direct = c;
		out(0x0, 0x62);
		out(0x2, 0x77);
		assert_int_equal(in(0x2), 0x77);
		out(0x1f, in(0x1f));
		assert_int_equal(in(0x0), 0x21);
		out(0x0, 0x61);
		assert_int_equal(in(0x2), 0);
		out(0x2, 0x78);
		in(0x18);
		out(0x0, 0x61);
		assert_int_equal(in(0x2), 0);
		out(0x0, 0x22);
		out(0x7, 0xff);
	}
	send_all(3);
	same_cards();
}

/* The bits that a block sets do not come: the device is gone, not the guest. */
static void test_never_done(void **state)
{
	static const uint32_t words[4];

	(void)state;
	direct = false;
	remote(0x12, 0x4000, 100);	/* more than there will be */
	vpio_queue_outs(&q, BASE + 0x10, 2, words, 4, 1);
	assert_int_equal(in(0x4), 0);	/* no other port has these bits */
	vpio_queue_outs(&q, BASE + 0x10, 2, words, 4, 1);
	assert_int_equal(in(0x7), ISR_RDC);
	assert_false(q.gone);
	vpio_queue_flush(&q);
	assert_true(q.gone);
	assert_int_equal(in(0x7), 0xff);
}

/* Drivers that do not all do as Linux's: none is told what it may not believe. */
static void test_other_drivers(void **state)
{
	static const uint32_t words[4];
	uint8_t place;
	unsigned int i;

	(void)state;
	set_ring();
	direct = false;
	/* To this one BNRY at CURR says that it has all. */
	for (i = 0; i < 3; i++) {
		out(0x0, 0x62);
		place = in(0x7);
		assert_int_equal(place, cards[0].curr);
		out(0x0, 0x22);
		out(0x3, place);
		card_receive(&cards[0], 60, 1);
	}
	/* This one gives up in the middle of a block. */
	remote(0x12, 0x4000, 100);
	vpio_queue_outs(&q, BASE + 0x10, 2, words, 4, 1);
	out(0x0, 0x22);
	assert_int_equal(in(0x7) & ISR_RDC, 0);
	vpio_queue_flush(&q);
	assert_false(q.gone);
	/* And this one reads the interrupt's status last, and again when one comes. */
	out(0x7, 0xff);
	for (i = 0; i < 4; i++) {
		out(0x0, 0x62);
		in(0x7);
		out(0x0, 0x22);
		if (i < 3)
			assert_int_equal(in(0x7), 0);
	}
	cards[0].isr |= ISR_TX;
	out(0x0, 0x22);
	assert_int_equal(in(0x7), ISR_TX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_send, setup),
		cmocka_unit_test_setup(test_receive, setup),
		cmocka_unit_test_setup(test_receive_meanwhile, setup),
		cmocka_unit_test_setup(test_no_profile, setup),
		cmocka_unit_test_setup(test_transmits, setup),
		cmocka_unit_test_setup(test_selects, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_never_done, setup),
		cmocka_unit_test_setup(test_other_drivers, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
