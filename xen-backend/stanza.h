/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stanza.h - what an administrator writes to give a guest one device:
 * "dev=/dev/ram0,mode=rw,name=ram0", or a range of I/O ports:
 * "ioport=0x300-0x31f,name=ne0,irq=5".
 *
 * Only the text is judged here; native.h looks at the device.
 */
#ifndef VSYS_STANZA_H
#define VSYS_STANZA_H

#include <stdbool.h>
#include <vsys-xenstore.h>

#include "caps.h"
#include "fault.h"
#include "ioport.h"

#define STANZA_DEV	256
#define STANZA_CLASS	32
#define STANZA_TEXT	(STANZA_DEV + VSYS_SIZE_NAME + STANZA_CLASS + CAPS_TEXT + 64)

#define STANZA_NO_IRQ	-1

struct stanza {
	/* Absolute path, as it was written; of ports: ioport_format(). */
	char dev[STANZA_DEV];
	bool is_ports;			/* ioport=: the next two, and name, are all there is */
	struct ioport_range ports;
	int irq;			/* which interrupt belongs to them; or STANZA_NO_IRQ */
	char name[VSYS_SIZE_NAME];	/* of the node in the guest */
	enum vsys_mode mode;
	char ioctl[STANZA_CLASS];	/* which commands: a policy's class, or "none" */
	enum vsys_payload payload;
	enum vsys_exclusive exclusive;	/* see share.h */
	bool native_numbers;		/* the guest's node has the device number of the host's */
	uint64_t caps;			/* what native calls may need beside the open file */
};

int stanza_parse(struct stanza *s, const char *text, struct fault *f);

/* The text that gives the same again; size is at least STANZA_TEXT. */
void stanza_format(const struct stanza *s, char *text, size_t size);

static inline bool stanza_reads(const struct stanza *s)
{
	return s->mode != VSYS_MODE_WO;
}

static inline bool stanza_writes(const struct stanza *s)
{
	return s->mode != VSYS_MODE_RO;
}

/* Whether there are any other calls than those on plain bytes. */
bool stanza_calls(const struct stanza *s);

#endif /* VSYS_STANZA_H */
