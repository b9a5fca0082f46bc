/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - how many pages drivers have pinned (FOLL_PIN), in the whole machine.
 *
 * The kernel counts them in pieces, one for each CPU, and sums these up once a second;
 * root can have that done at once (vm.stat_refresh).
 */
#ifndef VSYS_SUPERVISOR_PINS_H
#define VSYS_SUPERVISOR_PINS_H

#include <stdint.h>

/* Exactly; or a negative errno. */
int64_t pins_count(void);

#endif /* VSYS_SUPERVISOR_PINS_H */
