/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine.h - what a port executor gives up before it reads a batch.
 *
 * Each says what failed, and then returns a negative errno.
 */
#ifndef VSYS_PORTS_CONFINE_H
#define VSYS_PORTS_CONFINE_H

#include <stdint.h>

/* The ports, and no others: needs CAP_SYS_RAWIO. */
int confine_take_ports(uint16_t first, uint16_t last);
/* Root directory, user, capabilities. */
int confine_drop(const char *dir, uint32_t domid);
/* All descriptors but fd, all system calls but read and write on it. */
int confine_close(int fd);

#endif /* VSYS_PORTS_CONFINE_H */
