/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - which commands of a device leave pages pinned when they return?
 *
 * Nobody tells us.  But a driver that pins for long (FOLL_LONGTERM) does not wait
 * for a page that is not there: on Linux 6.1 it fails with EFAULT, without a fault
 * that we would hear of.  A command that failed so, and succeeds when its pages are
 * in place, is one that pins.  How long, the kernel's count of pinned pages shows
 * (/proc/vmstat, nr_foll_pin_*): it is the whole machine's, and late by up to a
 * second, so pages are held too long rather than too short.
 */
#ifndef VSYS_PINS_H
#define VSYS_PINS_H

#include <stdbool.h>
#include <stdint.h>

struct device;

/* Before the worker gives up its rights. */
void pins_open(void);
void pins_close(void);

void pins_learn(struct device *dev, uint32_t cmd);
bool pins_known(const struct device *dev, uint32_t cmd);

/* Pages that are pinned, as far as is known. */
int64_t pins_count(void);

#endif /* VSYS_PINS_H */
