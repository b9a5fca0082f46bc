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
 * ATA, the 16 ports of a contiguous mapping: task file at 0 to 7, control and alternate
 * status at 14.  Reading the task file changes nothing, but it reads as written only if
 * there is a device, so this is not known.  The status is BSY, DRQ, and DF or ERR.
 */
static const struct vpio_rule ata[] = {
	{ .first = 1, .last = 6, .flags = VPIO_PURE },
};

static const struct vpio_transfer ata_transfer[] = {
	{ 0x20, VPIO_FROM_DEVICE },			/* READ SECTORS */
	{ 0x24, VPIO_FROM_DEVICE | VPIO_LONG },		/* ... EXT */
	{ 0xc4, VPIO_FROM_DEVICE },			/* READ MULTIPLE */
	{ 0x29, VPIO_FROM_DEVICE | VPIO_LONG },
	{ 0xec, VPIO_FROM_DEVICE | VPIO_ONE },		/* IDENTIFY DEVICE */
	{ 0xa1, VPIO_FROM_DEVICE | VPIO_ONE },		/* IDENTIFY PACKET DEVICE */
	{ 0x30, VPIO_TO_DEVICE },			/* WRITE SECTORS */
	{ 0x34, VPIO_TO_DEVICE | VPIO_LONG },
	{ 0xc5, VPIO_TO_DEVICE },			/* WRITE MULTIPLE */
	{ 0x39, VPIO_TO_DEVICE | VPIO_LONG },
	{ 0xe7, VPIO_NO_DATA },				/* FLUSH CACHE */
	{ 0xea, VPIO_NO_DATA },				/* ... EXT */
};

static const struct vpio_handshake ata_handshake = {
	.data = 0, .status = 7, .peek = 14, .command = 7, .control = 14, .select = 6, .count = 2,
	.busy = 0x80, .asks = 0x08, .wrong = 0x21, .quiet = 0x02, .reset = 0x04, .device = 0x10,
	.unit = 512,
	.transfer = ata_transfer, .transfers = sizeof(ata_transfer) / sizeof(*ata_transfer),
};

/* SPP: data reads as written unless the port is turned round, so no more. */
static const struct vpio_rule parport[] = {
	{ .first = 1, .last = 1, .flags = VPIO_PURE },
	{ .first = 2, .last = 2, .flags = VPIO_PURE | VPIO_DOORBELL, .bits = 0x01 },
};

#define PROFILE(name, rules, handshake) { name, rules, sizeof(rules) / sizeof(*(rules)), handshake }

static const struct vpio_profile profiles[] = {
	{ "none", NULL, 0, NULL },
	PROFILE("ne2000", ne2000, NULL),
	PROFILE("16550", uart, NULL),
	PROFILE("ata", ata, &ata_handshake),
	PROFILE("parport", parport, NULL),
};

const struct vpio_profile *vpio_profile_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}
