/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops.h - the operations: what each needs, and how it is carried out.
 */
#ifndef VSYS_OPS_H
#define VSYS_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

struct vsys_ipc;

struct op {
	bool handle;		/* takes an open file, which start() finds in r->handle */
	bool data;		/* takes segments of the pool */
	bool call;		/* ... as calls.c has them */
	bool ports;		/* ... of ports.c */
	bool resizes;		/* the pool: done when it is checked (pool.c) */
	/* Ends by request_end(), before it returns or later. */
	void (*start)(struct request *r);
};

/* NULL: not carried out. */
const struct op *op_get(unsigned int number);

/* The guest interrupted an OPEN that the supervisor has. */
void op_open_cancel(struct request *r);
/* The supervisor's answer to an OPEN; fd is -1 if error (negative errno) is set. */
void op_open_done(struct request *r, int fd, const struct vsys_ipc *opened, int error);

void op_rw_start(struct request *r);		/* rw.c */

#endif /* VSYS_OPS_H */
