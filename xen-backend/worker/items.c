// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * items.c - pages and items of a call's requests: checks, and where they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call-parts.h"
#include "ring.h"

/* Where page number index of a request is in our memory. */
void *call_page(const struct request *r, unsigned int index)
{
	size_t offset = (size_t)index * VSYS_PAGE_SIZE;
	unsigned int i;

	for (i = 0; i < r->nr_iov; i++) {
		if (offset < r->iov[i].iov_len)
			return (char *)r->iov[i].iov_base + offset;
		offset -= r->iov[i].iov_len;
	}
	return NULL;
}

unsigned int call_nr_pages(const struct request *r)
{
	return r->rq.length / VSYS_PAGE_SIZE;
}

static const char *item_fault(const struct request *r, const struct vsys_item *item)
{
	bool whole = item->addr % VSYS_PAGE_SIZE == 0 && item->addr >= VSYS_MIRROR_START &&
		     item->addr < MIRROR_END;

	switch (item->op) {
	case VSYS_ITEM_PAGE:
		if (!whole || item->page == 0 || item->page >= call_nr_pages(r))
			return "a page that is none";
		return item->flags & ~VSYS_ITEM_WRITABLE ? "unknown flags" : NULL;
	case VSYS_ITEM_NONE:
		return item->addr % VSYS_PAGE_SIZE ? "a page that is none" :
		       item->flags ? "unknown flags" : NULL;
	case VSYS_ITEM_GRANT:
		if (!whole)
			return "a page that is none";
		return item->flags & ~VSYS_ITEM_WRITABLE ? "unknown flags" : NULL;
	case VSYS_ITEM_FILE:
		if (item->addr >= MIRRORED_FDS)
			return "a descriptor out of range";
		return item->flags ? "unknown flags" : NULL;
	default:
		return "an unknown operation";
	}
}

/* Copied once (rule 1), then checked. */
static int copy_items(struct request *r, char *reason, size_t size)
{
	unsigned int i, nr = r->rq.u.call.nr_items;
	const char *fault;

	if (!nr)
		return 0;
	r->items = malloc(nr * sizeof(*r->items));
	if (!r->items)
		return -ENOMEM;
	memcpy(r->items, call_page(r, 0), nr * sizeof(*r->items));
	__asm__ __volatile__("" ::: "memory");
	for (i = 0; i < nr; i++) {
		fault = item_fault(r, &r->items[i]);
		if (fault) {
			snprintf(reason, size, "queue %u: request %u has item %u with %s",
				 r->queue->index, r->rq.id, i, fault);
			free(r->items);
			r->items = NULL;
			return 1;
		}
	}
	return 0;
}

static const char *call_fault(const struct request *r)
{
	const struct vsys_request *rq = &r->rq;
	struct queue *q = r->queue;
	struct mcall *c;
	unsigned int i;

	if (rq->u.call.mm >= VSYS_MAX_MMS)
		return "an address space out of range";
	if (rq->op == VSYS_OP_MM_EXIT)
		return NULL;
	if (rq->u.call.call >= VSYS_MAX_CALLS)
		return "a call out of range";
	c = q->calls ? q->calls[rq->u.call.call] : NULL;
	if (rq->op == VSYS_OP_CONTINUE) {
		if (!c || c->r || c->mm->number != rq->u.call.mm)
			return "a call to continue that is not there";
	} else if (c) {
		return "a call that is in use";
	}
	if (rq->u.call.nr_items > VSYS_PAGE_ITEMS)
		return "too many items";
	if (rq->length < VSYS_PAGE_SIZE)
		return "no page for items";
	for (i = 0; i < r->nr_iov; i++)
		if ((uintptr_t)r->iov[i].iov_base % VSYS_PAGE_SIZE ||
		    r->iov[i].iov_len % VSYS_PAGE_SIZE)
			return "segments that are not whole pages";
	return NULL;
}

int calls_check(struct request *r, char *reason, size_t size)
{
	const char *fault = call_fault(r);

	if (fault) {
		snprintf(reason, size, "queue %u: request %u has %s", r->queue->index, r->rq.id,
			 fault);
		return 1;
	}
	return r->rq.op == VSYS_OP_MM_EXIT ? 0 : copy_items(r, reason, size);
}
