/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stanza.h - what an administrator writes to give a guest one device:
 * "dev=/dev/ram0,mode=rw,name=ram0".
 *
 * Only the text is judged here; native.h looks at the device.
 */
#ifndef VSYS_STANZA_H
#define VSYS_STANZA_H

#include <stdbool.h>
#include <vsys-xenstore.h>

#include "fault.h"

#define STANZA_DEV	256
#define STANZA_TEXT	(STANZA_DEV + VSYS_SIZE_NAME + 32)

struct stanza {
	char dev[STANZA_DEV];		/* absolute path, as it was written */
	char name[VSYS_SIZE_NAME];	/* of the node in the guest */
	enum vsys_mode mode;
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

#endif /* VSYS_STANZA_H */
