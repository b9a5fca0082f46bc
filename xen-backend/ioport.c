// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ioport.c - a range of I/O ports that an administrator lends; see ioport.h.
 *
 * The list is of ports that are at the same place in every PC, and with which a
 * guest has the machine, or can stop it.  Ports that the firmware placed (power
 * management, SMBus) cannot be known here; /proc/ioports names them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/io/vsysif.h>

#include "ioport.h"

static const struct {
	struct ioport_range range;
	const char *what;
} refused[] = {
	{ { 0x000, 0x00f }, "the DMA controller, which reaches all memory" },
	{ { 0x020, 0x021 }, "the interrupt controller" },
	{ { 0x022, 0x023 }, "the chip set's configuration" },
	{ { 0x040, 0x043 }, "the machine's timer" },
	{ { 0x060, 0x060 }, "the keyboard controller, which resets the machine" },
	{ { 0x061, 0x061 }, "the machine's timer and its NMI" },
	{ { 0x064, 0x064 }, "the keyboard controller, which resets the machine" },
	{ { 0x070, 0x071 }, "the CMOS memory and the NMI mask" },
	{ { 0x080, 0x08f }, "the DMA controller, which reaches all memory" },
	{ { 0x092, 0x092 }, "the A20 gate, which resets the machine" },
	{ { 0x0a0, 0x0a1 }, "the interrupt controller" },
	{ { 0x0b2, 0x0b3 }, "the firmware's system management mode" },
	{ { 0x0c0, 0x0df }, "the DMA controller, which reaches all memory" },
	{ { 0x4d0, 0x4d1 }, "the interrupt controller" },
	{ { 0xcf8, 0xcff }, "the PCI configuration, which moves and starts every device" },
};

int ioport_check(const struct ioport_range *range, struct fault *f)
{
	char text[IOPORT_TEXT];
	size_t i;

	ioport_format(range, text, sizeof(text));
	if (range->first > range->last)
		return fault(f, -EINVAL, "ioport '%s' ends before it begins", text);
	if (range->last - range->first >= (int)VSYS_PORT_MAX_RANGE)
		return fault(f, -EINVAL, "ioport '%s' is more than %u ports", text,
			     VSYS_PORT_MAX_RANGE);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (ioport_overlap(range, &refused[i].range))
			return fault(f, -EPERM, "ioport '%s' is refused: port 0x%x is that of %s",
				     text, range->first > refused[i].range.first ? range->first :
				     refused[i].range.first, refused[i].what);
	return 0;
}

/* What follows the number; NULL: there is none of 16 bits. */
static const char *parse_port(const char *text, uint16_t *port)
{
	unsigned long value;
	char *end;

	/* strtoul() would take a sign and white space. */
	if (*text < '0' || *text > '9')
		return NULL;
	value = strtoul(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	if (value > UINT16_MAX)
		return NULL;
	*port = value;
	return end;
}

int ioport_parse(struct ioport_range *range, const char *text, struct fault *f)
{
	const char *end = parse_port(text, &range->first);

	if (end && *end == '-')
		end = parse_port(end + 1, &range->last);
	else
		end = NULL;
	if (!end || *end)
		return fault(f, -EINVAL, "ioport '%s' is not FIRST-LAST, as in 0x300-0x31f", text);
	return ioport_check(range, f);
}

void ioport_format(const struct ioport_range *range, char *text, size_t size)
{
	snprintf(text, size, "0x%x-0x%x", range->first, range->last);
}
