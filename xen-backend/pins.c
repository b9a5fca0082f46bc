// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pins.c - how many pages drivers have pinned; see pins.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pins.h"

static int refresh(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	/* EINVAL: some other counter is odd; they are summed up all the same. */
	if (write(fd, "1", 1) < 0 && errno != EINVAL)
		err = -errno;
	close(fd);
	return err;
}

static int64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

int64_t pins_count(void)
{
	int64_t acquired, released;
	int err = refresh(), fd;
	char text[32768];
	ssize_t n;

	if (err)
		return err;
	fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[n] = '\0';
	acquired = field(text, "\nnr_foll_pin_acquired ");
	released = field(text, "\nnr_foll_pin_released ");
	if (acquired < 0 || released < 0)
		return -ENODATA;
	/* The two are not read in one moment. */
	return acquired > released ? acquired - released : 0;
}
