/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - a batch of the queue is a PORT_BATCH of the vsys protocol as it is:
 * the same records, numbers and limits.  For sinks that send it.
 */
#ifndef VPIO_WIRE_H
#define VPIO_WIRE_H

#include <xen/io/vsysif.h>

#include "queue.h"

#define VPIO_SAME_PLACE(field) \
	VSYS_STATIC_ASSERT(offsetof(struct vpio_rec, field) == \
			   offsetof(struct vsys_port_op, field) && \
			   sizeof(((struct vpio_rec *)0)->field) == \
			   sizeof(((struct vsys_port_op *)0)->field), #field)
VPIO_SAME_PLACE(port);
VPIO_SAME_PLACE(op);
VPIO_SAME_PLACE(width);
VPIO_SAME_PLACE(value);
VPIO_SAME_PLACE(count);
VPIO_SAME_PLACE(mask);
VSYS_STATIC_ASSERT(sizeof(struct vpio_rec) == sizeof(struct vsys_port_op), "vpio_rec");

VSYS_STATIC_ASSERT(VPIO_REC_OUT == VSYS_PORT_OUT, "OUT");
VSYS_STATIC_ASSERT(VPIO_REC_IN == VSYS_PORT_IN, "IN");
VSYS_STATIC_ASSERT(VPIO_REC_OUTS == VSYS_PORT_OUTS, "OUTS");
VSYS_STATIC_ASSERT(VPIO_REC_INS == VSYS_PORT_INS, "INS");
VSYS_STATIC_ASSERT(VPIO_REC_CHANGE == VSYS_PORT_CHANGE, "CHANGE");
VSYS_STATIC_ASSERT(VPIO_REC_UNTIL == VSYS_PORT_UNTIL, "UNTIL");
VSYS_STATIC_ASSERT(VPIO_REC_WHEN == VSYS_PORT_WHEN, "WHEN");

VSYS_STATIC_ASSERT(VPIO_RECORDS <= VSYS_PORT_MAX_OPS, "records");
VSYS_STATIC_ASSERT(VPIO_BYTES <= VSYS_PORT_MAX_BYTES, "bytes");
VSYS_STATIC_ASSERT(VPIO_PORTS <= VSYS_PORT_MAX_RANGE, "ports");
VSYS_STATIC_ASSERT(VPIO_POLL_READS <= VSYS_PORT_MAX_READS, "reads");

#endif /* VPIO_WIRE_H */
