/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.h - batches of port operations: PORT_BATCH of a device of class ports.
 *
 * The worker has no ports.  It copies a batch out of the guest's memory, checks it,
 * and gives it to the port executor (../ports/), one after the other.
 */
#ifndef VSYS_WORKER_PORTS_H
#define VSYS_WORKER_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct device;
struct ports;
struct request;

/* fd leads to the executor and is taken; NULL: no memory, and it is not. */
struct ports *ports_new(struct device *dev, int fd, uint16_t first, uint16_t last);
/* After ports_gone(). */
void ports_free(struct ports *p);

/* In its turn; not more than the length of what it brings has been checked. */
void ports_start(struct request *r);
/* If it is not its turn yet. */
void ports_cancel(struct request *r);

/* A batch is with the executor: when it ends, its queue is served.  NULL: no. */
bool ports_busy(const struct ports *p);

/* The device is stopping: whether nothing is under way any more. */
bool ports_gone(struct ports *p);

#endif /* VSYS_WORKER_PORTS_H */
