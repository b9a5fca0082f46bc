/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nodes.h - what the supervisor writes into XenStore for a device.
 *
 * Both sides' directories come in one transaction, so that a guest never sees a
 * part.  The path of the host's node is not among what is written.
 */
#ifndef VSYS_NODES_H
#define VSYS_NODES_H

#include "device.h"
#include "xs.h"

/* -ENOENT if the domain is not there (any more). */
int nodes_publish(struct xst *x, const struct device *d);
/* The limits, before a front-end connects again. */
int nodes_refresh(struct xst *x, const struct device *d);

int nodes_set_state(struct xst *x, const struct device *d, enum xenbus_state state);
/*
 * Writes KEY, of which a front-end has to hear while it is connected, and then the state
 * again, which is what it watches: a guest has too few watches for one of each key.
 */
int nodes_tell(struct xst *x, const struct device *d, const char *key, uint32_t value);
/*
 * Writes a node of the front-end's directory again, unchanged, if the domain is still there.
 * -EAGAIN: somebody else was at XenStore meanwhile, and it was not written.
 */
int nodes_show(struct xst *x, const struct device *d);
int nodes_set_offline(struct xst *x, const struct device *d);
int nodes_set_error(struct xst *x, const struct device *d, const char *text);

/* Both sides, the error node, and directories that are empty then. */
int nodes_remove(struct xst *x, uint32_t domid, uint32_t devid);
/* All of a domain: what there is of it, known or not. */
void nodes_remove_domain(struct xst *x, uint32_t domid, bool lives);

/* What is offered: batches of ports have one order, so one queue. */
uint32_t nodes_max_queues(const struct device *d);

#endif /* VSYS_NODES_H */
