// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fault.c - errors that are a number and a sentence; see fault.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "log.h"

int fault(struct fault *f, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	/* It goes to terminals and line based protocols. */
	log_printable(f->text);
	return err;
}

int fault_at(struct fault *f, int err, const char *fmt, ...)
{
	char old[FAULT_SIZE];
	va_list ap;
	size_t len;

	snprintf(old, sizeof(old), "%s", f->text);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	len = strlen(f->text);
	snprintf(f->text + len, sizeof(f->text) - len, ": %s", old);
	log_printable(f->text);
	return err;
}
