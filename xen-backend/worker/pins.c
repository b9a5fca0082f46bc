// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pins.c - how many pages drivers have pinned; see pins.h.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log.h"
#include "pins.h"

static int vmstat = -1;

void pins_open(void)
{
	vmstat = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	if (vmstat < 0)
		log_warn("cannot open /proc/vmstat, so what drivers pin is not seen: %m");
}

static int64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

int64_t pins_count(void)
{
	char text[16384];
	ssize_t n = vmstat >= 0 ? pread(vmstat, text, sizeof(text) - 1, 0) : -1;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return field(text, "nr_foll_pin_acquired ") - field(text, "nr_foll_pin_released ");
}
