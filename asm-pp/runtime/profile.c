// SPDX-License-Identifier: GPL-2.0
/*
 * profile.c - rules for kinds of devices, from their data sheets.
 *
 * A port that has several meanings gets only what is right for all of them.
 */
#include "profile.h"

/*
 * DP8390: the command register's page bits change what 1 to 15 are.  In all
 * pages 3, 4 and 7 read without effect; 13 to 15 are counters that a read
 * clears, 16 and up the data port and the reset.  TXP starts the transmitter.
 */
static const struct vpio_rule ne2000[] = {
	{ 0, 0, VPIO_PURE | VPIO_DOORBELL, 0x04 },
	{ 3, 4, VPIO_PURE, 0 },
	{ 7, 7, VPIO_PURE, 0 },
};

/*
 * 16550: 3, 4 and 7 are plain registers.  0 and 1 depend on LCR's bit 7; reading
 * IIR, LSR and MSR clears bits.  A character that is written is sent.
 */
static const struct vpio_rule uart[] = {
	{ 0, 0, VPIO_DOORBELL, 0 },
	{ 3, 4, VPIO_PURE | VPIO_KEPT, 0 },
	{ 7, 7, VPIO_PURE | VPIO_KEPT, 0 },
};

/*
 * ATA: a command starts work, and so does the end of a block of data.  Reading
 * status acknowledges the interrupt.
 */
static const struct vpio_rule ata[] = {
	{ 0, 0, VPIO_DOORBELL, 0 },
	{ 7, 7, VPIO_DOORBELL, 0 },
};

/* SPP: data reads as written unless the port is turned round, so no more. */
static const struct vpio_rule parport[] = {
	{ 1, 1, VPIO_PURE, 0 },
	{ 2, 2, VPIO_PURE | VPIO_DOORBELL, 0x01 },
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
