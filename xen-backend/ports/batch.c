// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * batch.c - checks a batch of port operations and carries it out; see batch.h.
 *
 * How long a batch takes is bounded by what is checked: so many operations, so
 * many values in blocks, and so many milliseconds of polling.
 */
#include <errno.h>
#include <unistd.h>

#include "batch.h"

/* Reads of a poll between two looks at the clock. */
#define READS_PER_LOOK	16

/* --- what may be in it -------------------------------------------------- */

static bool is_block(const struct vsys_port_op *op)
{
	return op->op == VSYS_PORT_OUTS || op->op == VSYS_PORT_INS;
}

static bool is_poll(const struct vsys_port_op *op)
{
	return op->op == VSYS_PORT_CHANGE || op->op == VSYS_PORT_UNTIL;
}

/* size: bytes of blocks; *used: by the operations before. */
static bool block_fits(const struct vsys_port_op *op, uint32_t size, uint64_t *used)
{
	uint64_t length = (uint64_t)op->count << op->width;

	if (op->value > size || length > size - op->value)
		return false;
	*used += length;
	return *used <= VSYS_PORT_MAX_BYTES;
}

bool ports_lent(const struct vsys_port_op *op, uint16_t first, uint16_t last)
{
	return op->port >= first && op->port + (1 << op->width) - 1 <= last;
}

int ports_check(const struct ports_message *m, uint16_t first, uint16_t last, uint16_t *port)
{
	uint64_t used = 0;
	uint32_t size, i;
	int err = 0;

	if (m->nr > VSYS_PORT_MAX_OPS || m->len > PORTS_DATA_SIZE ||
	    m->len < m->nr * sizeof(m->op[0]))
		return -EINVAL;
	size = m->len - m->nr * sizeof(m->op[0]);
	if (size > VSYS_PORT_MAX_BYTES)
		return -EINVAL;
	for (i = 0; i < m->nr; i++) {
		const struct vsys_port_op *op = &m->op[i];

		if (op->op < VSYS_PORT_OUT || op->op > VSYS_PORT_WHEN || op->width > 2)
			return -EINVAL;
		if (!err && !ports_lent(op, first, last)) {
			*port = op->port;
			err = -EPERM;
		}
		if (is_block(op) && !block_fits(op, size, &used))
			return -EINVAL;
		if (is_poll(op) && op->count > VSYS_PORT_MAX_READS)
			return -EINVAL;
	}
	return err;
}

bool ports_answers(const struct ports_message *m)
{
	uint32_t i;

	for (i = 0; i < m->nr; i++)
		if (m->op[i].op == VSYS_PORT_IN || m->op[i].op == VSYS_PORT_INS ||
		    m->op[i].op == VSYS_PORT_CHANGE || m->op[i].op == VSYS_PORT_WHEN)
			return true;
	return false;
}

/* --- carrying it out ---------------------------------------------------- */

/* All polls of a batch have this much time together. */
struct patience {
	const struct port_device *dev;
	uint64_t limit;			/* 0: nobody has polled yet */
};

/* After that many reads of one poll: whatever the time, there are some. */
static bool is_late(struct patience *p, uint32_t reads)
{
	if (!p->limit)
		p->limit = p->dev->now() + VSYS_PORT_MAX_POLL_MS * UINT64_C(1000000);
	return reads && reads % READS_PER_LOOK == 0 && p->dev->now() >= p->limit;
}

static uint32_t change(const struct vsys_port_op *op, struct patience *p)
{
	uint32_t value = op->value, n;

	for (n = 0; n < op->count && !((value ^ op->value) & op->mask) && !is_late(p, n); n++)
		value = p->dev->in(op->port, op->width);
	return value;
}

static bool until(const struct vsys_port_op *op, struct patience *p)
{
	uint32_t n;

	for (n = 0; n < op->count && !is_late(p, n); n++)
		if ((p->dev->in(op->port, op->width) & op->mask) == op->value)
			return true;
	return false;
}

/* So many operations after it are left out. */
static uint32_t when(struct vsys_port_op *op, const struct port_device *dev)
{
	uint32_t value = dev->in(op->port, op->width);
	bool comes = (value & op->mask) == op->value;

	op->value = value;
	return comes ? 0 : op->count;
}

/* false: an UNTIL that did not come true. */
static bool carry_out(struct vsys_port_op *op, uint8_t *bytes, struct patience *p)
{
	const struct port_device *dev = p->dev;

	switch (op->op) {
	case VSYS_PORT_OUT:
		dev->out(op->port, op->width, op->value);
		break;
	case VSYS_PORT_IN:
		op->value = dev->in(op->port, op->width);
		break;
	case VSYS_PORT_OUTS:
		dev->outs(op->port, op->width, bytes + op->value, op->count);
		break;
	case VSYS_PORT_INS:
		dev->ins(op->port, op->width, bytes + op->value, op->count);
		break;
	case VSYS_PORT_CHANGE:
		op->value = change(op, p);
		break;
	case VSYS_PORT_UNTIL:
		return until(op, p);
	}
	return true;
}

void ports_carry_out(struct ports_message *m, const struct port_device *dev)
{
	struct patience p = { .dev = dev };
	uint8_t *bytes = m->data + m->nr * sizeof(m->op[0]);
	uint32_t left_out = 0;

	m->status = 0;
	for (m->done = 0; m->done < m->nr; m->done++) {
		if (left_out) {
			left_out--;
		} else if (m->op[m->done].op == VSYS_PORT_WHEN) {
			left_out = when(&m->op[m->done], dev);
		} else if (!carry_out(&m->op[m->done], bytes, &p)) {
			m->status = -ETIMEDOUT;
			return;
		}
	}
}

int ports_serve(int fd, uint16_t first, uint16_t last, const struct port_device *dev)
{
	struct ports_message m;
	uint16_t port;
	ssize_t len;

	for (;;) {
		do {
			len = read(fd, &m, sizeof(m));
		} while (len < 0 && errno == EINTR);
		if (len == 0 || (len < 0 && errno == ECONNRESET))
			return 0;
		if (len < 0)
			return -errno;
		if (len < (ssize_t)PORTS_HEADER || m.len != len - PORTS_HEADER ||
		    ports_check(&m, first, last, &port))
			return -EPROTO;
		ports_carry_out(&m, dev);
		len = PORTS_HEADER + (ports_answers(&m) ? m.len : 0);
		if (write(fd, &m, len) != len)
			return errno == EPIPE || errno == ECONNRESET ? 0 : -EIO;
	}
}
