// SPDX-License-Identifier: GPL-2.0
/*
 * learn.c - what calls of a device touched, to be sent along the next time.
 *
 * For each command a shape: memory that is found from the argument by following
 * pointers (struct vsys_shape).  It is a guess, and only that: a page that was
 * sent in vain costs its copy, one that was not sent is asked for.
 *
 * A node is learned from a fault.  The pointer to it is looked for in the memory
 * of the nodes so far: first the very address of the fault, the newest node
 * first, since drivers follow what they have just read; then in all of their
 * pages; then the end of a run of pages; then a pointer into the same page.  The
 * memory is the caller's, read
 * again: what was sent is in pages that the back-end can change.
 *
 * How long a run is, nobody says: the back-end does not tell what it touched of
 * what came along.  So a node knows what surely was needed and what was sent, and
 * now and then a call tries with less: often while that goes well, seldom when it
 * does not, as then it costs a round trip.
 *
 * Each call works on a copy.  Of two that learn at the same time the later one
 * wins, and the other is learned again.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/unaligned.h>

#include "mirror.h"

#define VSYS_SHAPES		64u	/* per device */
/* Calls of a shape between two tries with less of a node. */
#define VSYS_WAIT_MIN		16u
#define VSYS_WAIT_MAX		256u
/* Where pointers are looked for: bytes of a node, from its start. */
#define VSYS_SEARCH_BYTES	(4 * VSYS_PAGE_SIZE)
#define VSYS_MAX_REACH		(64u << 20)

static u64 vsys_page_of(u64 addr)
{
	return addr & VSYS_PAGE_MASK;
}

/* The lock is held. */
static struct vsys_shape *vsys_shape_find(struct vsys_shapes *s, u8 op, u32 cmd)
{
	struct vsys_shape *shape;

	list_for_each_entry(shape, &s->lru, lru)
		if (shape->cmd == cmd && shape->op == op)
			return shape;
	return NULL;
}

/*
 * This time with less of some nodes: half of what was sent and may have been too
 * much, or of all that was needed once.
 */
static void vsys_learn_try_less(struct vsys_learner *l)
{
	u32 i, less;

	for (i = l->exact; i < l->shape.nr; i++) {
		struct vsys_shape_node *n = &l->shape.node[i];

		if (l->shape.calls % n->wait)
			continue;
		if (n->reach > n->sure + VSYS_PAGE_SIZE)
			less = n->sure + (n->reach - n->sure) / 2;
		else if (n->reach > n->sure)
			less = n->sure;
		else if (n->sure > VSYS_PAGE_SIZE)
			less = n->sure / 2;
		else
			continue;
		l->before[i] = n->reach;
		n->reach = less;
		l->changed = true;
	}
}

/* It was too little: as before, and it will be long until the next try. */
static void vsys_learn_tried_in_vain(struct vsys_learner *l, u32 node)
{
	struct vsys_shape_node *n = &l->shape.node[node];

	if (!l->before[node])
		return;
	n->reach = l->before[node];
	n->wait = min(2 * n->wait, VSYS_WAIT_MAX);
	l->before[node] = 0;
}

/* The call has ended: where nothing was missing, less is enough. */
static void vsys_learn_tried(struct vsys_learner *l)
{
	u32 i;

	for (i = 0; i < l->shape.nr; i++) {
		struct vsys_shape_node *n = &l->shape.node[i];

		if (!l->before[i])
			continue;
		if (l->addr[i]) {
			n->sure = min(n->sure, n->reach);
			n->wait = VSYS_WAIT_MIN;
		} else {
			n->reach = l->before[i];
		}
	}
}

/* The caller's pointer at addr, or 0. */
static u64 vsys_read_pointer(const struct vsys_learner *l, u64 addr)
{
	u64 value = 0;

	if (copy_from_user(&value, (void __user *)(unsigned long)addr, l->width))
		return 0;
	return value;
}

/* Finds the shape of such calls, and where its nodes are in this one. */
void vsys_learn_begin(struct vsys_learner *l, struct vsys_device *vdev,
		      const struct vsys_mirrored *what)
{
	struct vsys_shapes *s = &vdev->shapes;
	/* Reads and writes differ in their count, which says nothing. */
	bool ioctl = what->op == VSYS_OP_IOCTL || what->op == VSYS_OP_COMPAT_IOCTL;
	u32 cmd = ioctl ? what->cmd : what->compat;
	struct vsys_shape *shape;
	u32 i;

	l->changed = false;
	l->exact = !ioctl;
	l->width = what->compat ? sizeof(u32) : sizeof(u64);
	l->size = min_t(u64, what->size, VSYS_MAX_REACH);
	spin_lock(&s->lock);
	shape = vsys_shape_find(s, what->op, cmd);
	if (shape) {
		shape->calls++;
		list_move(&shape->lru, &s->lru);
		l->shape = *shape;
	}
	spin_unlock(&s->lock);
	if (!shape)
		l->shape = (struct vsys_shape) {
			.op = what->op,
			.cmd = cmd,
			.nr = 1,
			.node[0].wait = VSYS_WAIT_MIN,
			.node[0].map_from = U32_MAX,
		};
	l->known = shape ? l->shape.nr : 0;
	memset(l->before, 0, sizeof(l->before));
	vsys_learn_try_less(l);

	l->addr[0] = what->arg;
	for (i = 1; i < l->shape.nr; i++) {
		const struct vsys_shape_node *node = &l->shape.node[i];
		u64 from = l->addr[node->parent];

		l->addr[i] = from ? vsys_read_pointer(l, from + node->offset) : 0;
	}
}

/* How much of a node shall be sent along. */
u32 vsys_learn_node_bytes(const struct vsys_learner *l, u32 node)
{
	u32 reach = l->shape.node[node].reach;

	if (node > 0)
		return reach;
	return l->exact ? l->size : max(reach, l->size);
}

/* Where a pointer was found. */
struct vsys_found {
	int parent;
	s32 offset;
	u64 value;
};

/*
 * Looks for a pointer to addr in length bytes, the first of which is at offset
 * from a node's start.  True: to this very address.  Otherwise near may have got
 * one that points before it in its page.
 */
static bool vsys_search(const struct vsys_learner *l, const u8 *data, u32 length,
			s32 offset, u64 addr, struct vsys_found *near)
{
	u32 i;

	for (i = 0; i + l->width <= length; i += sizeof(u32)) {
		u64 value = l->width == sizeof(u32) ?
			get_unaligned((const u32 *)(data + i)) :
			get_unaligned((const u64 *)(data + i));

		if (value > addr || vsys_page_of(value) != vsys_page_of(addr) ||
		    value <= near->value)
			continue;
		near->value = value;
		near->offset = offset + (s32)i;
		if (value == addr)
			return true;
	}
	return false;
}

/*
 * The memory of a node that is searched: its own; or all of its pages, as what
 * lies there with it never faults, and so is no node of its own.
 */
static void vsys_search_range(const struct vsys_learner *l, u32 node, bool all,
			      u64 *from, u64 *to)
{
	u64 start = l->addr[node];
	u32 bytes = min(vsys_learn_node_bytes(l, node), VSYS_SEARCH_BYTES);

	*from = start;
	*to = start + bytes;
	if (node > 0 || !l->size || all)
		*to = vsys_page_of(*to + VSYS_PAGE_SIZE - 1);
	if (all)
		*from = vsys_page_of(start);
}

static bool vsys_search_node(const struct vsys_learner *l, u32 node, bool all,
			     u8 *page, u64 addr, struct vsys_found *near)
{
	u64 from, to;
	u32 n;

	vsys_search_range(l, node, all, &from, &to);
	for (; from < to; from += n) {
		n = min_t(u64, to - from, VSYS_PAGE_SIZE);
		if (copy_from_user(page, (void __user *)(unsigned long)from, n))
			break;
		if (vsys_search(l, page, n, from - l->addr[node], addr, near))
			return true;
	}
	return false;
}

/* The pointer that leads to addr.  True: to this very address. */
static bool vsys_search_nodes(const struct vsys_learner *l, u64 addr, bool all,
			      struct vsys_found *found)
{
	u8 *page = (u8 *)__get_free_page(GFP_KERNEL);
	bool exact = false;
	int i;

	for (i = l->shape.nr - 1; page && i >= 0 && !exact; i--) {
		struct vsys_found near = {};

		if (l->addr[i])
			exact = vsys_search_node(l, i, all, page, addr, &near);
		if (near.value && (exact || found->parent < 0)) {
			*found = near;
			found->parent = i;
		}
	}
	free_page((unsigned long)page);
	return exact;
}

static int vsys_add_node(struct vsys_learner *l, const struct vsys_found *found)
{
	struct vsys_shape *shape = &l->shape;
	u32 i;

	for (i = 1; i < shape->nr; i++)
		if (shape->node[i].parent == found->parent &&
		    shape->node[i].offset == found->offset)
			break;
	if (i == VSYS_SHAPE_NODES)
		return -1;
	if (i == shape->nr) {
		shape->node[i] = (struct vsys_shape_node) {
			.parent = found->parent,
			.offset = found->offset,
			.wait = VSYS_WAIT_MIN,
			.map_from = U32_MAX,
		};
		shape->nr++;
	}
	/* Else the pointer has changed since the call began. */
	l->addr[i] = found->value;
	return i;
}

/* The end of what was sent from addr on without a gap, or 0. */
static u64 vsys_sent_end(const struct vsys_ranges *sent, u64 addr)
{
	u64 end = 0, at = addr;
	u32 i, rounds;

	for (rounds = 0; rounds < sent->nr; rounds++) {
		for (i = 0; i < sent->nr; i++)
			if (at >= sent->range[i].start && at < sent->range[i].end)
				break;
		if (i == sent->nr)
			break;
		end = sent->range[i].end;
		at = end;
	}
	return end;
}

/* The node whose run of pages ends where addr is; the nearest one. */
static int vsys_run_before(const struct vsys_learner *l,
			   const struct vsys_ranges *sent, u64 addr)
{
	int i, best = -1;

	for (i = 0; i < l->shape.nr; i++) {
		u64 start = l->addr[i];

		if (!start || start > addr ||
		    vsys_sent_end(sent, start) < vsys_page_of(addr))
			continue;
		if (best < 0 || start > l->addr[best])
			best = i;
	}
	return best;
}

/*
 * The driver wants addr, which was not sent.  The node that it belongs to now,
 * or -1; how many pages from there on should be sent, at least *pages; and
 * whether they should be granted, which may be so before the back-end says it.
 */
int vsys_learn_fault(struct vsys_learner *l, const struct vsys_ranges *sent,
		     u64 addr, bool *map, u32 *pages)
{
	struct vsys_shape_node *n;
	struct vsys_found found = { .parent = -1 };
	u64 start, end, run;
	int node = -1;

	if (vsys_page_of(addr) == vsys_page_of(l->addr[0]) && addr >= l->addr[0])
		node = 0;
	else if (vsys_search_nodes(l, addr, false, &found) ||
		 vsys_search_nodes(l, addr, true, &found))
		node = vsys_add_node(l, &found);
	if (node < 0)
		node = vsys_run_before(l, sent, addr);
	if (node < 0 && found.parent >= 0)
		node = vsys_add_node(l, &found);
	if (node < 0 || addr - l->addr[node] >= VSYS_MAX_REACH)
		return -1;

	n = &l->shape.node[node];
	start = vsys_page_of(l->addr[node]);
	if (*map)
		n->map_from = min_t(u32, n->map_from, vsys_page_of(addr) - start);
	*map = vsys_page_of(addr) - start >= n->map_from;
	vsys_learn_tried_in_vain(l, node);
	if (node > 0 || !l->exact)
		n->sure = max_t(u32, n->sure, addr - l->addr[node] + 1);
	end = l->addr[node] + vsys_learn_node_bytes(l, node);
	/* A run that goes on: to its known end; or as much again, if it is new. */
	run = (vsys_page_of(addr) - start) / VSYS_PAGE_SIZE;
	if (end > addr)
		run = (vsys_page_of(end - 1) - vsys_page_of(addr)) /
		      VSYS_PAGE_SIZE + 1;
	else if (node < l->known)
		run /= 8;
	*pages = max_t(u64, *pages, run);
	l->changed = true;
	return node;
}

/* Pages were sent for a fault, up to end. */
void vsys_learn_sent(struct vsys_learner *l, int node, u64 end)
{
	struct vsys_shape_node *n;

	if (node < 0 || (node == 0 && l->exact))
		return;
	n = &l->shape.node[node];
	n->reach = max_t(u32, n->reach, min_t(u64, end - l->addr[node],
					      VSYS_MAX_REACH));
	n->reach = max(n->reach, n->sure);
}

/* The driver has written what is before end: these pages no call tries without. */
void vsys_learn_wrote(struct vsys_learner *l, u64 end)
{
	struct vsys_shape_node *n;
	int i, best = -1;

	for (i = l->exact ? 1 : 0; i < l->shape.nr; i++) {
		u64 start = l->addr[i];

		if (start && start < end && end - start <= l->shape.node[i].reach &&
		    (best < 0 || start > l->addr[best]))
			best = i;
	}
	if (best < 0)
		return;
	n = &l->shape.node[best];
	if (end - l->addr[best] <= n->sure)
		return;
	n->sure = end - l->addr[best];
	l->changed = true;
}

/* The call has ended: what it learned is for the next one. */
void vsys_learn_end(struct vsys_learner *l, struct vsys_device *vdev)
{
	struct vsys_shapes *s = &vdev->shapes;
	struct vsys_shape *shape, *new, *old = NULL;

	vsys_learn_tried(l);
	if (!l->changed)
		return;
	new = kmalloc(sizeof(*new), GFP_KERNEL);
	spin_lock(&s->lock);
	shape = vsys_shape_find(s, l->shape.op, l->shape.cmd);
	if (shape) {
		/* The list and the number of calls are its own. */
		shape->nr = l->shape.nr;
		memcpy(shape->node, l->shape.node, sizeof(shape->node));
	} else if (new) {
		*new = l->shape;
		list_add(&new->lru, &s->lru);
		new = NULL;
		if (s->nr == VSYS_SHAPES) {
			old = list_last_entry(&s->lru, struct vsys_shape, lru);
			list_del(&old->lru);
		} else {
			s->nr++;
		}
	}
	spin_unlock(&s->lock);
	kfree(old);
	kfree(new);
}

void vsys_shapes_init(struct vsys_device *vdev)
{
	spin_lock_init(&vdev->shapes.lock);
	INIT_LIST_HEAD(&vdev->shapes.lru);
}

void vsys_shapes_exit(struct vsys_device *vdev)
{
	struct vsys_shape *shape, *next;

	list_for_each_entry_safe(shape, next, &vdev->shapes.lru, lru)
		kfree(shape);
}
