// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ring.c - entries of the ring: found, done, answered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/target_core_user.h>

#include "ring.h"

#define GOOD	0x00

#define ENTRY_IOVS	offsetof(struct tcmu_cmd_entry, req.iov)

/* The mailbox is a packed structure, whose members have no address for the compiler. */
static uint32_t *head_of(const struct ring *r)
{
	return (uint32_t *)(r->map + offsetof(struct tcmu_mailbox, cmd_head));
}

static uint32_t *tail_of(const struct ring *r)
{
	return (uint32_t *)(r->map + offsetof(struct tcmu_mailbox, cmd_tail));
}

int ring_open(struct ring *r, void *map, size_t size)
{
	const struct tcmu_mailbox *mb = map;

	if (size < sizeof(*mb) || mb->version != TCMU_MAILBOX_VERSION)
		return -EPROTO;
	*r = (struct ring){
		.map = map, .size = size, .at = mb->cmdr_off, .len = mb->cmdr_size,
		.read_len = mb->flags & TCMU_MAILBOX_FLAG_CAP_READ_LEN,
	};
	if (r->at < sizeof(*mb) || r->at % 8 || r->at > size || !r->len || r->len > size - r->at)
		return -EPROTO;
	return 0;
}

void ring_close(struct ring *r)
{
	free(r->buf);
	r->buf = NULL;
	r->room = 0;
}

/* An entry has no length of its command: the opcode says it. */
static size_t cdb_len(uint8_t opcode)
{
	static const uint8_t len[8] = { 6, 10, 10, 12, 16, 12, 10, 10 };

	return len[opcode >> 5];
}

/* The pieces, and what they are together; -1 if one is not in the shared memory. */
static int pieces(const struct ring *r, const struct iovec *iov, uint32_t nr, size_t *all)
{
	*all = 0;
	for (uint32_t i = 0; i < nr; i++) {
		size_t at = (size_t)iov[i].iov_base;

		if (at > r->size || iov[i].iov_len > r->size - at)
			return -1;
		*all += iov[i].iov_len;
	}
	return 0;
}

static void gather(const struct ring *r, const struct iovec *iov, uint32_t nr, uint8_t *to)
{
	for (uint32_t i = 0; i < nr; to += iov[i++].iov_len)
		memcpy(to, r->map + (size_t)iov[i].iov_base, iov[i].iov_len);
}

static void scatter(const struct ring *r, const struct iovec *iov, uint32_t nr,
		    const uint8_t *from)
{
	for (uint32_t i = 0; i < nr; from += iov[i++].iov_len)
		memcpy(r->map + (size_t)iov[i].iov_base, from, iov[i].iov_len);
}

static int room_for(struct ring *r, size_t len)
{
	uint8_t *more;

	if (len <= r->room)
		return 0;
	more = realloc(r->buf, len);
	if (!more)
		return -ENOMEM;
	r->buf = more;
	r->room = len;
	return 0;
}

static int command(struct ring *r, struct tcmu_cmd_entry *e, uint32_t len,
		   const struct ring_ops *ops, void *arg)
{
	uint8_t cdb[RING_CDB] = { 0 }, sense[RING_SENSE] = { 0 };
	uint32_t nr = e->req.iov_cnt;
	uint64_t cdb_off = e->req.cdb_off;
	struct iovec *iov;
	size_t all, done = 0;
	bool out;
	int status;

	if (len < sizeof(*e) || nr > (len - ENTRY_IOVS) / sizeof(*iov) ||
	    cdb_off >= r->size || cdb_len(r->map[cdb_off]) > r->size - cdb_off)
		return -EPROTO;
	/* The answer goes where the list of pieces is: that is needed after it, too. */
	iov = malloc((nr + 1) * sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	memcpy(iov, (uint8_t *)e + ENTRY_IOVS, nr * sizeof(*iov));
	status = pieces(r, iov, nr, &all) ? -EPROTO : room_for(r, all);
	if (status)
		goto out;
	memcpy(cdb, r->map + cdb_off, cdb_len(r->map[cdb_off]));

	out = ops->takes_data(cdb);
	/* What is not filled reads as zeroes, not as an older command's data. */
	if (out)
		gather(r, iov, nr, r->buf);
	else if (all)
		memset(r->buf, 0, all);
	status = ops->command(arg, cdb, r->buf, all, &done, sense);
	if (!out)
		scatter(r, iov, nr, r->buf);

	memset(&e->rsp, 0, sizeof(e->rsp));
	e->rsp.scsi_status = status;
	if (status != GOOD)
		memcpy(e->rsp.sense_buffer, sense, sizeof(sense));
	/* With a length the kernel takes a failed read for one that has data. */
	if (!out && status == GOOD && r->read_len) {
		e->rsp.read_len = done;
		e->hdr.uflags |= TCMU_UFLAG_READ_LEN;
	}
	status = 0;
out:
	free(iov);
	return status;
}

static int entry(struct ring *r, uint32_t at, uint32_t *len, const struct ring_ops *ops, void *arg)
{
	struct tcmu_cmd_entry *e = (struct tcmu_cmd_entry *)(r->map + r->at + at);
	int ret;

	/* Even padding at the very end has a head of this size. */
	if (r->len - at < sizeof(e->hdr))
		return -EPROTO;
	*len = tcmu_hdr_get_len(e->hdr.len_op);
	if (*len < sizeof(e->hdr) || *len > r->len - at)
		return -EPROTO;
	switch (tcmu_hdr_get_op(e->hdr.len_op)) {
	case TCMU_OP_CMD:
		ret = command(r, e, *len, ops, arg);
		/* A ring that can't be followed must not be guessed at. */
		return ret;
	case TCMU_OP_PAD:
	case TCMU_OP_TMR:	/* all is done before a reset could matter */
		return 0;
	default:
		e->hdr.uflags |= TCMU_UFLAG_UNKNOWN_OP;
		return 0;
	}
}

int ring_run(struct ring *r, const struct ring_ops *ops, void *arg)
{
	uint32_t at = __atomic_load_n(tail_of(r), __ATOMIC_RELAXED);
	int nr = 0;

	for (;;) {
		/* Entries are complete before the head is moved beyond them. */
		uint32_t head = __atomic_load_n(head_of(r), __ATOMIC_ACQUIRE), len;
		int ret;

		if (head >= r->len || at >= r->len || at % 8)
			return -EPROTO;
		if (head == at)
			return nr;
		ret = entry(r, at, &len, ops, arg);
		if (ret)
			return ret;
		at = (at + len) % r->len;
		/* And so is the answer before the tail. */
		__atomic_store_n(tail_of(r), at, __ATOMIC_RELEASE);
		nr++;
	}
}
