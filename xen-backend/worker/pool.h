/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.h - the pages of a queue through which data goes, in pieces.
 *
 * The first piece is there from connecting on.  A front-end under load adds others
 * behind it, and takes them back when it has not needed them for a while.  A piece
 * is contiguous here; two of them need not be neighbours.
 */
#ifndef VSYS_POOL_H
#define VSYS_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <xen/io/vsysif.h>

struct queue;
struct request;

struct pool_piece {
	void *base;
	unsigned int pages;
};

struct pool {
	struct pool_piece piece[VSYS_MAX_POOL_PIECES];
	unsigned int nr_pieces;
	uint64_t size;			/* bytes, of all */
};

/*
 * Maps pages that the directory with this grant reference lists, as the first piece.
 * 0; -EPROTO: the directory ends too early; -ENOMEM: it can't be done.  reason
 * (VSYS_IPC_REASON bytes) says why.
 */
int pool_map(struct queue *q, uint32_t ref, unsigned int pages, char *reason);
/* All of it; nothing may be in flight. */
void pool_unmap(struct queue *q);

/* Where a segment is; NULL: not in the pool, or not in one piece of it. */
void *pool_at(const struct pool *p, const struct vsys_segment *s);

/*
 * Carries out POOL_GROW and POOL_SHRINK, to be answered with 0.  Negative errno: to be
 * answered with that.  1: it breaks the protocol, and reason says how.
 */
int pool_resize(struct request *r, char *reason, size_t size);

#endif /* VSYS_POOL_H */
