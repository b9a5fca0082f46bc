// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dma.c - memory that a card reads and writes by itself, while the accesses to its
 * ports wait in a queue.
 *
 * The card is an RTL8139 that sends frames to itself (loopback), the guest a PV one,
 * which knows its pages' places in the machine.  Each frame is another one.  The card
 * reads it when the output of its length comes; what it has received it writes to
 * memory, and then says so in its interrupt's status.  A frame that was not in memory
 * when the batch left comes back as the one before; one that is not in memory when
 * the input of the status has ended is missing.
 *
 * Says how many frames were wrong, of COUNT times four:
 *  1. an input after each;
 *  2. all in one batch;
 *  3. in memory only after the outputs, but before the batch leaves: no driver may do
 *     that, but it shows that this is the moment;
 *  4. in memory only after the batch has left: all of them, or nothing is shown at all.
 */
#include <asm/xen/page.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/string.h>
#include <xen/xen.h>

#include "vpiotest.h"

/* Registers, and what is used of them. */
#define TX_STATUS	0x10	/* of four; the length: sends it */
#define TX_ADDRESS	0x20	/* of four */
#define RX_ADDRESS	0x30
#define COMMAND		0x37
#define COMMAND_RESET	0x10
#define COMMAND_RX_TX	0x0c
#define STATUS		0x3e
#define STATUS_RX	0x01
#define TX_CONFIG	0x40
#define TX_LOOPBACK	(3u << 17)
#define RX_CONFIG	0x44
#define RX_ALL		0x0f

#define SLOTS		4
#define FRAME		248	/* with what the card adds: ROOM */
#define ROOM		256
#define RX_HEADER	4
#define RX_OK		1
#define CRC		4

struct pages {
	u8 *tx, *rx;		/* one page each */
	u32 tx_machine, rx_machine;	/* to the card */
};

/* The card has 32 bits for it. */
static u8 *page_of_machine(u32 *address)
{
	u8 *page = (u8 *)get_zeroed_page(GFP_KERNEL);
	u64 machine;

	if (!page)
		return NULL;
	machine = virt_to_machine(page).maddr;
	*address = machine;
	if (*address == machine)
		return page;
	free_page((unsigned long)page);
	return NULL;
}

static void frame_fill(u8 *frame, u32 number)
{
	unsigned int i;

	for (i = 0; i < FRAME; i += sizeof(number), number = number * 1664525 + 1013904223)
		memcpy(frame + i, &number, sizeof(number));
}

/* What the card has received in this place. */
static bool frame_is(const u8 *rx, u32 number)
{
	u8 frame[FRAME];
	u32 header = RX_OK | (FRAME + CRC) << 16, got;

	frame_fill(frame, number);
	memcpy(&got, rx, sizeof(got));
	/* Its status may have more bits: to whom it was. */
	return (got & (0xffff0000 | RX_OK)) == header &&
	       !memcmp(rx + RX_HEADER, frame, FRAME);
}

/* All slots once, from the beginning of the card's ring on. */
static void begin(u16 port, const struct pages *p)
{
	memset(p->rx, 0, PAGE_SIZE);
	outb(COMMAND_RESET, port + COMMAND);
	outb(COMMAND_RX_TX, port + COMMAND);
	outl(p->rx_machine, port + RX_ADDRESS);
	outl(RX_ALL, port + RX_CONFIG);
	outl(TX_LOOPBACK, port + TX_CONFIG);
}

static void fill(const struct pages *p, u32 first)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		frame_fill(p->tx + i * ROOM, first + i);
}

static void send(u16 port, const struct pages *p, unsigned int slot)
{
	outl(p->tx_machine + slot * ROOM, port + TX_ADDRESS + 4 * slot);
	outl(FRAME, port + TX_STATUS + 4 * slot);
}

static void send_all(u16 port, const struct pages *p)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		send(port, p, i);
}

/* Of those from this slot on, until that one: how many are not there, as the card says. */
static unsigned int wrong(u16 port, const struct pages *p, unsigned int slot, unsigned int end,
			  u32 first)
{
	u16 status = inw(port + STATUS);
	unsigned int bad = 0, i;

	for (i = slot; i < end; i++)
		bad += !(status & STATUS_RX) || !frame_is(p->rx + i * ROOM, first + i);
	outw(status, port + STATUS);
	return bad;
}

static unsigned int one_by_one(u16 port, const struct pages *p, u32 first)
{
	unsigned int bad = 0, i;

	begin(port, p);
	for (i = 0; i < SLOTS; i++) {
		frame_fill(p->tx + i * ROOM, first + i);
		send(port, p, i);
		bad += wrong(port, p, i, i + 1, first);
	}
	return bad;
}

static unsigned int together(u16 port, const struct pages *p, u32 first)
{
	begin(port, p);
	fill(p, first);
	send_all(port, p);
	return wrong(port, p, 0, SLOTS, first);
}

/* left: the batch has left before the frames are in memory. */
static unsigned int late(u16 port, const struct pages *p, u32 first, bool left)
{
	unsigned long flags;
	unsigned int bad;

	begin(port, p);
	/* Or a tick takes it along. */
	local_irq_save(flags);
	send_all(port, p);
	if (left)
		inb(port + COMMAND);
	fill(p, first);
	bad = wrong(port, p, 0, SLOTS, first);
	local_irq_restore(flags);
	return bad;
}

static void run(u16 port, const struct pages *p, unsigned int count)
{
	unsigned int bad[4] = {}, i;
	u32 number = 0;

	while (count--) {
		bad[0] += one_by_one(port, p, number += SLOTS);
		bad[1] += together(port, p, number += SLOTS);
		bad[2] += late(port, p, number += SLOTS, false);
		bad[3] += late(port, p, number += SLOTS, true);
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		vpiotest_say(bad[i]);
	/* Nothing of the card's goes on. */
	outb(COMMAND_RESET, port + COMMAND);
	inb(port + COMMAND);
}

int vpiotest_dma(u16 port, unsigned int count)
{
	struct pages p;
	int err = -ENOMEM;

	if (!xen_pv_domain())
		return -EOPNOTSUPP;
	p.tx = page_of_machine(&p.tx_machine);
	p.rx = page_of_machine(&p.rx_machine);
	if (p.tx && p.rx) {
		run(port, &p, count);
		err = 0;
	}
	free_page((unsigned long)p.tx);
	free_page((unsigned long)p.rx);
	return err;
}
