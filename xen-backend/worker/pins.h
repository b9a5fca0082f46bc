/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - how many pages drivers have pinned.
 *
 * The kernel counts them (/proc/vmstat, nr_foll_pin_*): of the whole machine, and
 * late by up to a second, so what goes by it is held too long rather than too short.
 */
#ifndef VSYS_PINS_H
#define VSYS_PINS_H

#include <stdint.h>

/* Before the worker gives up its rights. */
void pins_open(void);

/* Pages that are pinned, as far as is known. */
int64_t pins_count(void);

#endif /* VSYS_PINS_H */
