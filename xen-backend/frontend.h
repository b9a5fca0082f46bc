/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frontend.h - reads what a front-end wrote into XenStore.
 *
 * Each node is read once and goes through the schema's parser; nothing that a
 * guest wrote is used as a path or a format.
 */
#ifndef VSYS_FRONTEND_H
#define VSYS_FRONTEND_H

#include "device.h"
#include "fault.h"
#include "ipc.h"
#include "xs.h"

/* The state node. */
enum device_front frontend_state(struct xst *x, const struct device *d);

/* The IPC_CONNECT that follows from its nodes. */
int frontend_read(struct xst *x, const struct device *d, struct vsys_ipc *msg, struct fault *f);

#endif /* VSYS_FRONTEND_H */
