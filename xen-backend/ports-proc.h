/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports-proc.h - the port executor of a device, seen from the supervisor.
 *
 * There is one from when a device of class ports is to be connected until the
 * worker holds nothing of it any more, or is dead.  It has no link to the
 * supervisor; if it ends by itself, the device fails.
 */
#ifndef VSYS_PORTS_PROC_H
#define VSYS_PORTS_PROC_H

#include "fault.h"

struct device;

/* Starts it: its socket, which is for the worker, and the caller closes; or an errno. */
int ports_start(struct device *d, struct fault *f);

/*
 * If there is one, it is gone when this returns, whoever holds its socket: the ports
 * may be lent to somebody else.
 */
void ports_stop(struct device *d);

#endif /* VSYS_PORTS_PROC_H */
