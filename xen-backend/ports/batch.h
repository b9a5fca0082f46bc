/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch.h - a batch of port operations: what may be in it, and carrying it out.
 *
 * A worker and the port executor of one of its devices exchange these messages
 * on a SOCK_SEQPACKET pair, in turn: a batch, its answer, the next batch.  Both
 * check what a guest wrote, each on a copy that nobody else can change: the worker
 * because a guest is told what is wrong, the executor because a guest may have
 * taken over the worker.
 */
#ifndef VSYS_PORTS_BATCH_H
#define VSYS_PORTS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/vsysif.h>

#define PORTS_OPS_SIZE	(VSYS_PORT_MAX_OPS * sizeof(struct vsys_port_op))
#define PORTS_DATA_SIZE	(PORTS_OPS_SIZE + VSYS_PORT_MAX_BYTES)

struct ports_message {
	uint32_t nr;		/* operations */
	uint32_t len;		/* of data: operations, then the bytes of blocks */
	int32_t status;		/* of an answer: 0 or -ETIMEDOUT */
	uint32_t done;		/* of an answer: operations carried out */
	union {
		struct vsys_port_op op[VSYS_PORT_MAX_OPS];
		uint8_t data[PORTS_DATA_SIZE];
	};
};

#define PORTS_HEADER	offsetof(struct ports_message, data)

/* Who has the port instructions, and the time.  Tests have their own. */
struct port_device {
	uint32_t (*in)(uint16_t port, unsigned int width);
	void (*out)(uint16_t port, unsigned int width, uint32_t value);
	/* Blocks: count values, ascending. */
	void (*ins)(uint16_t port, unsigned int width, uint8_t *to, uint32_t count);
	void (*outs)(uint16_t port, unsigned int width, const uint8_t *from, uint32_t count);
	uint64_t (*now)(void);		/* ns, monotonic */
};

/* Whether all bytes of the access, of a width that can be, are first to last. */
bool ports_lent(const struct vsys_port_op *op, uint16_t first, uint16_t last);

/*
 * Whether all of it can be carried out with ports first to last: 0; -EINVAL, something
 * can't be; or -EPERM, only of ports that are not lent, and in *port the first of them.
 */
int ports_check(const struct ports_message *m, uint16_t first, uint16_t last, uint16_t *port);

/* Whether the answer has data, and not its header alone. */
bool ports_answers(const struct ports_message *m);

/* What was checked.  The message becomes its answer. */
void ports_carry_out(struct ports_message *m, const struct port_device *dev);

/*
 * Batches from fd, until the worker closes it: 0.  What is not right there is not
 * a guest's doing, but that of a worker that is not what it was: -EPROTO.
 */
int ports_serve(int fd, uint16_t first, uint16_t last, const struct port_device *dev);

#endif /* VSYS_PORTS_BATCH_H */
