// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pins.c - which commands of a device leave pages pinned; see pins.h.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log.h"
#include "device.h"
#include "limits.h"
#include "pins.h"

static int vmstat = -1;

void pins_open(void)
{
	vmstat = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	if (vmstat < 0)
		log_warn("cannot open /proc/vmstat, so what drivers pin is not seen: %m");
}

void pins_close(void)
{
	if (vmstat >= 0)
		close(vmstat);
	vmstat = -1;
}

static int64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static bool pinned_now(int64_t *pages)
{
	char text[16384];
	ssize_t n = vmstat >= 0 ? pread(vmstat, text, sizeof(text) - 1, 0) : -1;

	if (n <= 0)
		return false;
	text[n] = '\0';
	*pages = field(text, "nr_foll_pin_acquired ") - field(text, "nr_foll_pin_released ");
	return true;
}

bool pins_more_than(int64_t before)
{
	int64_t now;

	return pinned_now(&now) && now > before;
}

static struct pinning *find(const struct device *dev, uint32_t cmd)
{
	unsigned int i;

	for (i = 0; i < dev->nr_pinnings; i++)
		if (dev->pinning[i].cmd == cmd)
			return (struct pinning *)&dev->pinning[i];
	return NULL;
}

bool pins_begin(struct device *dev, uint32_t cmd, int64_t *before)
{
	struct pinning *p = find(dev, cmd);

	if (p && !p->pins && p->measured >= VSYS_PIN_MEASUREMENTS)
		return false;
	/* A guest that makes up commands is not measured without end. */
	if (!p && dev->nr_pinnings == VSYS_PIN_COMMANDS)
		return false;
	return pinned_now(before);
}

bool pins_end(struct device *dev, uint32_t cmd, int64_t before)
{
	struct pinning *p = find(dev, cmd);
	int64_t now;

	if (!pinned_now(&now))
		return false;
	if (!p && dev->nr_pinnings < VSYS_PIN_COMMANDS) {
		p = &dev->pinning[dev->nr_pinnings++];
		*p = (struct pinning){ .cmd = cmd };
	}
	if (p) {
		p->measured++;
		p->pins |= now > before;
	}
	return now > before;
}

bool pins_known(const struct device *dev, uint32_t cmd)
{
	const struct pinning *p = find(dev, cmd);

	return p && p->pins;
}
