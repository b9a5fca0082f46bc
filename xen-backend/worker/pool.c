// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pool.c - mapping a queue's pool, piece by piece; see pool.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../limits.h"
#include "../log.h"
#include "device.h"
#include "pool.h"
#include "ring.h"
#include "worker.h"

/*
 * Copy the grant references of a piece out of its directory.  The number of
 * directory pages is bounded by the pages that are still missing.
 */
static uint32_t *read_directory(struct queue *q, uint32_t ref, unsigned int pages, char *reason,
				int *err)
{
	const struct vsys_pool_dir *dir;
	unsigned int have = 0, nr;
	uint32_t *refs;

	*err = -ENOMEM;
	refs = malloc(pages * sizeof(*refs));
	if (!refs) {
		snprintf(reason, VSYS_IPC_REASON, "queue %u: out of memory", q->index);
		return NULL;
	}
	while (have < pages) {
		if (have && ref == 0) {
			snprintf(reason, VSYS_IPC_REASON, "queue %u: the pool's directory "
				 "ends after %u of %u pages", q->index, have, pages);
			*err = -EPROTO;
			free(refs);
			return NULL;
		}
		dir = queue_map(q, &ref, 1, "pool's directory", reason);
		if (!dir) {
			free(refs);
			return NULL;
		}
		nr = pages - have < VSYS_POOL_DIR_GREFS ? pages - have : VSYS_POOL_DIR_GREFS;
		memcpy(refs + have, dir->gref, nr * sizeof(*refs));
		have += nr;
		ref = *(const volatile uint32_t *)&dir->next;
		queue_unmap(q, (void *)(uintptr_t)dir, 1);
	}
	return refs;
}

int pool_map(struct queue *q, uint32_t ref, unsigned int pages, char *reason)
{
	struct pool *p = &q->pool;
	uint32_t *refs;
	void *base;
	int err;

	refs = read_directory(q, ref, pages, reason, &err);
	if (!refs)
		return err;
	base = queue_map(q, refs, pages, "pool", reason);
	free(refs);
	if (!base)
		return -ENOMEM;
	p->piece[p->nr_pieces++] = (struct pool_piece){ base, pages };
	p->size += (uint64_t)pages * VSYS_PAGE_SIZE;
	return 0;
}

static void unmap_last(struct queue *q)
{
	struct pool *p = &q->pool;
	struct pool_piece *last = &p->piece[--p->nr_pieces];

	p->size -= (uint64_t)last->pages * VSYS_PAGE_SIZE;
	queue_unmap(q, last->base, last->pages);
}

void pool_unmap(struct queue *q)
{
	while (q->pool.nr_pieces)
		unmap_last(q);
}

void *pool_at(const struct pool *p, const struct vsys_segment *s)
{
	uint64_t offset = s->offset, length;
	unsigned int i;

	for (i = 0; i < p->nr_pieces; i++) {
		length = (uint64_t)p->piece[i].pages * VSYS_PAGE_SIZE;
		if (offset < length || (offset == length && !s->length))
			return s->length <= length - offset ? (char *)p->piece[i].base + offset :
							      NULL;
		offset -= length;
	}
	return NULL;
}

/* A request that has some of this piece; NULL: there is none. */
static const struct request *user_of(const struct queue *q, const struct pool_piece *piece)
{
	const char *begin = piece->base;
	const char *end = begin + (size_t)piece->pages * VSYS_PAGE_SIZE;
	unsigned int i, k;

	for (i = 0; i < q->entries; i++) {
		const struct request *r = &q->request[i];

		if (r->where == REQ_IDLE)
			continue;
		for (k = 0; k < r->nr_iov; k++)
			if ((const char *)r->iov[k].iov_base < end &&
			    (const char *)r->iov[k].iov_base + r->iov[k].iov_len > begin)
				return r;
	}
	return NULL;
}

static int shrink(struct queue *q, char *reason, size_t size)
{
	const struct request *user;

	if (q->pool.nr_pieces < 2) {
		snprintf(reason, size, "queue %u: the pool's first piece is to go", q->index);
		return 1;
	}
	user = user_of(q, &q->pool.piece[q->pool.nr_pieces - 1]);
	if (user) {
		snprintf(reason, size, "queue %u: a piece of the pool is to go that request %u uses",
			 q->index, user->rq.id);
		return 1;
	}
	unmap_last(q);
	return 0;
}

int pool_resize(struct request *r, char *reason, size_t size)
{
	uint32_t length = r->rq.length;
	struct queue *q = r->queue;
	char why[VSYS_IPC_REASON];
	int err;

	/* It costs more than other requests do: the others' turn comes after it. */
	q->resized = true;
	if (r->rq.op == VSYS_OP_POOL_SHRINK)
		return shrink(q, reason, size);
	if (!length || length % VSYS_PAGE_SIZE) {
		snprintf(reason, size, "queue %u: the pool is to grow by %u bytes", q->index, length);
		return 1;
	}
	if (q->pool.nr_pieces == VSYS_MAX_POOL_PIECES ||
	    q->pool.size + length > (uint64_t)LIMIT_POOL_PAGES * VSYS_PAGE_SIZE)
		return -ENOMEM;
	err = pool_map(q, r->rq.u.pool.ref, length / VSYS_PAGE_SIZE, why);
	if (err == -EPROTO) {
		snprintf(reason, size, "%s", why);
		return 1;
	}
	/* That may be for want of something here, and the guest has what it had. */
	if (err && !q->dev->pool_warned) {
		log_warn("domain %u device %u: %s", q->dev->worker->transport->domid,
			 q->dev->devid, why);
		q->dev->pool_warned = true;
	}
	return err;
}
