/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - which commands of a device leave pages pinned when they return?
 *
 * A driver that keeps the caller's pages must be given the pages themselves, not
 * copies.  Nobody tells us, so it is measured: the kernel counts pages that are
 * pinned and released (/proc/vmstat, nr_foll_pin_*).  If there are more after a
 * call than before, the command is one that keeps pages.  The count is that of the
 * whole machine, so this may hold for a command that keeps none: then its pages
 * are mapped where copying would be cheaper, and that is all.
 *
 * The first few calls of each command are measured, not all.
 */
#ifndef VSYS_PINS_H
#define VSYS_PINS_H

#include <stdbool.h>
#include <stdint.h>

struct device;

/* Before the worker gives up its rights. */
void pins_open(void);
void pins_close(void);

/* Before and after a call.  pins_begin(): false, it is not measured. */
bool pins_begin(struct device *dev, uint32_t cmd, int64_t *before);
/* True: it keeps pages. */
bool pins_end(struct device *dev, uint32_t cmd, int64_t before);
bool pins_known(const struct device *dev, uint32_t cmd);
/* False: so many are pinned as were at that time, or fewer. */
bool pins_more_than(int64_t before);

#endif /* VSYS_PINS_H */
