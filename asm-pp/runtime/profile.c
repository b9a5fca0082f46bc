// SPDX-License-Identifier: GPL-2.0
/*
 * profile.c - rules for kinds of devices, from their data sheets.
 */
#include "profile.h"

/*
 * DP8390 with a data port at 16.  The command register's PS bits select what 1 to
 * 15 are; it reads as written, but for TXP, which starts the transmitter and is
 * cleared by it.  Drivers mask interrupts while they set up a frame; so it is the
 * unmasking, after TXP, that lets everything go.  Without TXP, STP and with remote
 * DMA aborted, writing the command register does nothing but select.  ISR has RDC when
 * the data port has taken a block.  BNRY moves only by writing, CURR by itself, and
 * what is between them has been received: the ring is from PSTART to before PSTOP (1
 * and 2, which read as something else).  The page-1 registers are plain.  24 to 31
 * reset the card.
 */
static const struct vpio_rule ne2000[] = {
	{ .first = 0, .last = 0, .flags = VPIO_PURE | VPIO_KEPT | VPIO_SELECTS, .clears = 0x04,
	  .selects = 0xc0, .rest = 0x3d, .idle = 0x20 },
	{ .first = 1, .last = 2, .bank = VPIO_BANK(0), .flags = VPIO_NOTED },
	{ .first = 15, .last = 15, .bank = VPIO_BANK(0), .flags = VPIO_DOORBELL, .bits = 0x3f },
	{ .first = 3, .last = 3, .bank = VPIO_BANK(0), .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 4, .last = 4, .bank = VPIO_BANK(0), .flags = VPIO_PURE },
	{ .first = 7, .last = 7, .bank = VPIO_BANK(0), .flags = VPIO_PURE | VPIO_AWAITED,
	  .bits = 0x40, .after = 16 },
	{ .first = 1, .last = 6, .bank = VPIO_BANK(1), .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 7, .last = 7, .bank = VPIO_BANK(1), .flags = VPIO_PURE | VPIO_PRODUCES,
	  .after = 3, .start = 1, .stop = 2 },
	{ .first = 24, .last = 31, .flags = VPIO_RESETS },
};

/*
 * 16550: 3, 4 and 7 are plain registers, and LCR's bit 7 selects what 0 and 1
 * are.  Reading IIR, LSR and MSR clears bits.  A character that is written is
 * sent.
 */
static const struct vpio_rule uart[] = {
	{ .first = 3, .last = 3, .flags = VPIO_PURE | VPIO_KEPT | VPIO_SELECTS, .selects = 0x80 },
	{ .first = 4, .last = 4, .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 7, .last = 7, .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 0, .last = 0, .bank = VPIO_BANK(0), .flags = VPIO_DOORBELL },
	{ .first = 1, .last = 1, .bank = VPIO_BANK(0), .flags = VPIO_PURE | VPIO_KEPT },
	{ .first = 0, .last = 1, .bank = VPIO_BANK(1), .flags = VPIO_PURE | VPIO_KEPT },
};

/*
 * ATA: a command starts work, and so does the end of a block of data.  Reading
 * status acknowledges the interrupt.
 */
static const struct vpio_rule ata[] = {
	{ .first = 0, .last = 0, .flags = VPIO_DOORBELL },
	{ .first = 7, .last = 7, .flags = VPIO_DOORBELL },
};

/* SPP: data reads as written unless the port is turned round, so no more. */
static const struct vpio_rule parport[] = {
	{ .first = 1, .last = 1, .flags = VPIO_PURE },
	{ .first = 2, .last = 2, .flags = VPIO_PURE | VPIO_DOORBELL, .bits = 0x01 },
};

#define PROFILE(name, rules) { name, rules, sizeof(rules) / sizeof(*(rules)) }

static const struct vpio_profile profiles[] = {
	{ "none", NULL, 0 },
	PROFILE("ne2000", ne2000),
	PROFILE("16550", uart),
	PROFILE("ata", ata),
	PROFILE("parport", parport),
};

const struct vpio_profile *vpio_profile_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}
