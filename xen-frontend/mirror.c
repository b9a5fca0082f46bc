// SPDX-License-Identifier: GPL-2.0
/*
 * mirror.c - a call whose argument may lead to any memory of the caller.
 *
 * The native call is made in an address space that mirrors the caller's, and
 * what it finds there is brought from here: docs/mirror.md.  A call is a
 * conversation: a request brings pages, the answer asks for more or says what
 * has changed, and the caller carries that out by itself, as itself.  All of it
 * has one id of the ring and one set of pages, from its beginning to its end, so
 * that a call that has begun never waits for room.  The id names the call, too.
 *
 * A caller that is killed leaves the conversation to a work item, which ends it
 * without touching the caller's memory.
 *
 * The answer's items are copied once, and checked before any is carried out.
 * What they ask for is no more than the caller could do to itself.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mirror.h"

static bool vsys_ranges_have(const struct vsys_ranges *r, u64 addr)
{
	u32 i;

	for (i = 0; i < r->nr; i++)
		if (addr >= r->range[i].start && addr < r->range[i].end)
			return true;
	return false;
}

/* One that does not fit is forgotten: then its page may be sent twice. */
static void vsys_ranges_add(struct vsys_ranges *r, u64 addr)
{
	u32 i;

	if (vsys_ranges_have(r, addr))
		return;
	for (i = 0; i < r->nr; i++) {
		if (r->range[i].end == addr) {
			r->range[i].end += VSYS_PAGE_SIZE;
			return;
		}
	}
	if (r->nr == VSYS_MAX_RANGES)
		return;
	r->range[r->nr].start = addr;
	r->range[r->nr].end = addr + VSYS_PAGE_SIZE;
	r->nr++;
}

static void *vsys_conv_page(const struct vsys_conv *conv, u32 index)
{
	return vsys_buf_page(&conv->call->q->pool, &conv->call->req.buf, index);
}

/* Adds an item to the request that is made.  False: there is no room for it. */
bool vsys_conv_item(struct vsys_conv *conv, u8 op, u64 addr, u32 value,
		    u16 page, u8 flags)
{
	struct vsys_item *items = vsys_conv_page(conv, 0);

	if (conv->nr_items == VSYS_PAGE_ITEMS)
		return false;
	items[conv->nr_items++] = (struct vsys_item) {
		.addr = addr,
		.value = value,
		.page = page,
		.op = op,
		.flags = flags,
	};
	return true;
}

/* The page shall be sent, if there is room and it is reached at all. */
static bool vsys_conv_plan(struct vsys_conv *conv, u64 addr, bool must)
{
	u32 room = min(conv->call->req.buf.nr - 1u, VSYS_CALL_DATA_PAGES);

	if (conv->nr_plan == room)
		return false;
	if (!must && (addr < VSYS_MIRROR_START || addr >= VSYS_MIRROR_END))
		return false;
	conv->plan[conv->nr_plan++] = addr | (must ? VSYS_PLAN_MUST : 0);
	vsys_ranges_add(&conv->sent, addr);
	return true;
}

/* The pages from addr to end, as far as they go; where that is. */
static u64 vsys_conv_plan_run(struct vsys_conv *conv, u64 addr, u64 end)
{
	for (; addr < end; addr += VSYS_PAGE_SIZE)
		if (!vsys_ranges_have(&conv->sent, addr) &&
		    !vsys_conv_plan(conv, addr, false))
			break;
	return addr;
}

/*
 * Copies the pages that are planned, and describes them.  What can't be read is
 * said of those that the driver waits for only.
 */
static void vsys_conv_copy_in(struct vsys_conv *conv)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = NULL;
	u32 i, nr = 0;

	for (i = 0; i < conv->nr_plan; i++) {
		u64 addr = conv->plan[i] & VSYS_PAGE_MASK;

		if (!copy_from_user(vsys_conv_page(conv, nr + 1),
				    (void __user *)(unsigned long)addr,
				    VSYS_PAGE_SIZE))
			conv->plan[nr++] = addr;
		else if (conv->plan[i] & VSYS_PLAN_MUST)
			vsys_conv_item(conv, VSYS_ITEM_NONE, addr, 0, 0, 0);
	}

	if (!nr)
		return;
	/* Only for the driver to know; the copying back is the caller's. */
	mmap_read_lock(mm);
	for (i = 0; i < nr; i++) {
		u64 addr = conv->plan[i];
		bool writable;

		if (!vma || addr < vma->vm_start || addr >= vma->vm_end)
			vma = vma_lookup(mm, addr);
		writable = vma && (vma->vm_flags & VM_WRITE);
		if (!vsys_conv_item(conv, VSYS_ITEM_PAGE, addr, 0, i + 1,
				    writable ? VSYS_ITEM_WRITABLE : 0))
			break;
		conv->nr_writable += writable;
	}
	mmap_read_unlock(mm);
	conv->pages_sent += i;
}

/*
 * Lets the back-end map the pages from addr to end, as far as that can be done;
 * where that is.
 */
static u64 vsys_conv_map(struct vsys_conv *conv, u64 addr, u64 end)
{
	for (; addr < end; addr += VSYS_PAGE_SIZE) {
		grant_ref_t gref;
		bool writable;

		if (conv->nr_items + conv->nr_plan >= VSYS_CALL_PAGES ||
		    addr < VSYS_MIRROR_START || addr >= VSYS_MIRROR_END ||
		    vsys_grant_page(conv->m->vdev, addr, &conv->grants, &gref,
				    &writable))
			break;
		vsys_conv_item(conv, VSYS_ITEM_GRANT, addr, gref, 0,
			       writable ? VSYS_ITEM_WRITABLE : 0);
		vsys_ranges_add(&conv->sent, addr);
		conv->grants_mapped++;
	}
	return addr;
}

/*
 * What shall be sent along of a node: pages from first to map are copied, from
 * there to end granted.  False: nothing.
 */
static bool vsys_conv_node(const struct vsys_conv *conv, u32 i, u64 *first,
			   u64 *map, u64 *end)
{
	u64 addr = conv->learner.addr[i];
	u32 bytes = vsys_learn_node_bytes(&conv->learner, i);

	if (!bytes || addr < VSYS_MIRROR_START || addr >= VSYS_MIRROR_END)
		return false;
	*first = addr & VSYS_PAGE_MASK;
	*end = (addr + bytes + VSYS_PAGE_SIZE - 1) & VSYS_PAGE_MASK;
	*map = min(*first + conv->learner.shape.node[i].map_from, *end);
	return true;
}

/* How many pages such a call touches, if it is like those before. */
static u32 vsys_conv_guess(const struct vsys_conv *conv)
{
	u64 first, map, end, pages = 0;
	u32 i;

	for (i = 0; i < conv->learner.shape.nr; i++)
		if (vsys_conv_node(conv, i, &first, &map, &end))
			pages += (map - first) / VSYS_PAGE_SIZE;
	return min_t(u64, pages, VSYS_CALL_DATA_PAGES);
}

/* Sends these along: of each node something, before one takes all the room. */
static void vsys_conv_along(struct vsys_conv *conv)
{
	u32 i, nr = conv->learner.shape.nr;
	u64 first, map, end;

	for (i = 0; i < nr; i++)
		if (vsys_conv_node(conv, i, &first, &map, &end) && first < map)
			vsys_conv_plan_run(conv, first, first + VSYS_PAGE_SIZE);
	for (i = 0; i < nr; i++)
		if (vsys_conv_node(conv, i, &first, &map, &end) &&
		    (first == map ||
		     vsys_conv_plan_run(conv, first, map) == map))
			vsys_conv_map(conv, map, end);
	vsys_conv_copy_in(conv);
}

/* Sends the request; if that fails, the call is over. */
int vsys_conv_send(struct vsys_conv *conv)
{
	struct vsys_request *wire = &conv->call->req.wire;
	int err;

	wire->u.call.cmd = conv->what.cmd;
	wire->u.call.mm = conv->m->number;
	wire->u.call.call = wire->id;
	wire->u.call.nr_items = conv->nr_items;
	vsys_pool_describe_call(&conv->call->q->pool, &conv->call->req);
	conv->round_trips++;
	err = vsys_call_send(conv->call);
	if (err) {
		vsys_call_put(conv->call);
		conv->call = NULL;
	}
	return err;
}

static void vsys_conv_orphaned(struct vsys_call *call);

static int vsys_conv_begin(struct vsys_conv *conv)
{
	struct vsys_device *vdev = conv->m->vdev;
	const struct vsys_mirrored *what = &conv->what;
	struct vsys_call *call;
	u32 length;
	int err;

	vsys_learn_begin(&conv->learner, vdev, what);
	length = max(vsys_conv_guess(conv), 1u);
	/* Items, and bits of what is scattered. */
	length += 1 + length / 8;
	length = min(length, vdev->call_pages) * VSYS_PAGE_SIZE;
	call = vsys_call_alloc(conv->m->q, what->op, what->handle,
			       vdev->call_pages * VSYS_PAGE_SIZE, 0);
	if (!call)
		return -ENOMEM;
	call->req.waits = true;
	call->req.keep_id = true;
	call->req.min_pages = 2;
	call->req.wire.offset = what->arg;
	call->req.wire.flags = what->flags;
	call->owner = conv;
	call->orphaned = vsys_conv_orphaned;
	err = vsys_call_reserve(call, &length, false);
	if (err) {
		vsys_call_put(call);
		return err;
	}
	conv->call = call;

	/*
	 * What is newer must arrive later: the back-end takes the bytes of a page
	 * that comes after another for the newer ones.
	 */
	mutex_lock(&conv->m->order);
	vsys_conv_along(conv);
	vsys_fds_tell(conv);
	err = vsys_conv_send(conv);
	mutex_unlock(&conv->m->order);
	return err;
}

/* The next request, with the pages of the one that was answered. */
void vsys_conv_next(struct vsys_conv *conv, u32 flags)
{
	struct vsys_call *prev = conv->call;

	conv->call = vsys_call_next(prev, VSYS_OP_CONTINUE);
	conv->call->req.wire.flags = flags;
	conv->nr_items = 0;
	conv->nr_plan = 0;
	vsys_call_put(prev);
}

static bool vsys_item_writes(const struct vsys_item *item)
{
	return item->op == VSYS_ITEM_DIRTY || item->op == VSYS_ITEM_SCATTERED;
}

/* What makes no sense in an item, or NULL. */
static const char *vsys_item_fault(const struct vsys_conv *conv,
				   const struct vsys_item *item)
{
	if (conv->what.op == VSYS_OP_WATCH && !vsys_item_writes(item))
		return "an item of a call, without a call";
	switch (item->op) {
	case VSYS_ITEM_NEED:
		if (item->flags & ~(VSYS_ITEM_WRITE | VSYS_ITEM_MAP) ||
		    !item->value || item->addr < VSYS_MIRROR_START)
			return "a need of nothing";
		return NULL;
	case VSYS_ITEM_DIRTY:
		if (item->flags & ~VSYS_ITEM_KEPT ||
		    item->addr < VSYS_MIRROR_START || !item->page || item->page >= conv->call->req.buf.nr ||
		    !item->value || item->value > VSYS_PAGE_SIZE -
					item->addr % VSYS_PAGE_SIZE)
			return "changed bytes that are nowhere";
		return NULL;
	case VSYS_ITEM_SCATTERED:
		if (item->flags & ~VSYS_ITEM_KEPT ||
		    item->addr < VSYS_MIRROR_START ||
		    item->addr % VSYS_PAGE_SIZE || !item->page ||
		    item->page >= conv->call->req.buf.nr || item->value < 8 ||
		    item->value / 8 >= conv->call->req.buf.nr)
			return "scattered bytes that are nowhere";
		return NULL;
	case VSYS_ITEM_NEW_FILE:
		if (item->flags & ~VSYS_ITEM_RETURN || !item->value ||
		    item->page & ~(VSYS_FILE_LSEEK | VSYS_FILE_PREAD |
				   VSYS_FILE_PWRITE))
			return "a new file without a handle";
		return NULL;
	case VSYS_ITEM_UNMAPPED:
		if (item->flags || item->addr % VSYS_PAGE_SIZE)
			return "an unmapped page that is none";
		return NULL;
	default:
		return "an item of no kind";
	}
}

/* The same for the answer as a whole. */
static const char *vsys_answer_fault(const struct vsys_conv *conv,
				     const struct vsys_response *rsp)
{
	bool more = rsp->pos & VSYS_CALL_MORE;

	if (rsp->pos & ~(u64)(VSYS_CALL_ITEMS | VSYS_CALL_MORE | VSYS_CALL_KEPT) ||
	    (rsp->pos & VSYS_CALL_ITEMS) > VSYS_PAGE_ITEMS)
		return "more items than a page has";
	if (rsp->status)
		return more ? "a failed call that goes on" : NULL;
	if (more)
		return NULL;
	if (IS_ERR_VALUE((unsigned long)rsp->value))
		return "an error as a call's value";
	if (conv->learner.exact && rsp->value > conv->what.cmd)
		return "more bytes than were asked for";
	return NULL;
}

/*
 * Whether all that the driver changed can be written.  Natively it would have met
 * what can't, and not have gone on to tell of its success: so then nothing of the
 * answer is written.
 */
static bool vsys_conv_writable(const struct vsys_conv *conv)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = NULL;
	bool writable = true;
	u32 i;

	mmap_read_lock(mm);
	for (i = 0; i < conv->nr_answer && writable; i++) {
		u64 addr = conv->answer[i].addr;

		if (!vsys_item_writes(&conv->answer[i]) ||
		    conv->answer[i].flags & VSYS_ITEM_KEPT)
			continue;
		if (!vma || addr < vma->vm_start || addr >= vma->vm_end)
			vma = vma_lookup(mm, addr);
		writable = vma && (vma->vm_flags & VM_WRITE);
	}
	mmap_read_unlock(mm);
	return writable;
}

static void vsys_conv_write(struct vsys_conv *conv, const struct vsys_item *item,
			    u64 addr, const u8 *from, u32 length)
{
	if (copy_to_user((void __user *)(unsigned long)addr, from, length)) {
		if (!(item->flags & VSYS_ITEM_KEPT))
			conv->error = -EFAULT;
		return;
	}
	conv->dirty_bytes += length;
	vsys_learn_wrote(&conv->learner, addr + length);
}

/* The back-end may change the bits meanwhile: what is read is within the page. */
static void vsys_conv_write_scattered(struct vsys_conv *conv,
				      const struct vsys_item *item)
{
	const unsigned long *bits = vsys_conv_page(conv, item->value / 8) +
				    item->value % 8 * VSYS_SCATTERED_BITS;
	const u8 *from = vsys_conv_page(conv, item->page);
	unsigned long start, end = 0;

	for (;;) {
		start = find_next_bit(bits, VSYS_PAGE_SIZE, end);
		if (start >= VSYS_PAGE_SIZE)
			return;
		end = find_next_zero_bit(bits, VSYS_PAGE_SIZE, start + 1);
		vsys_conv_write(conv, item, item->addr + start, from + start,
				end - start);
	}
}

/* Writes the bytes that the driver changed, and only those. */
static void vsys_conv_dirty(struct vsys_conv *conv)
{
	u32 i;

	if (conv->nr_answer && !vsys_conv_writable(conv)) {
		conv->error = -EFAULT;
		return;
	}
	for (i = 0; i < conv->nr_answer; i++) {
		const struct vsys_item *item = &conv->answer[i];

		if (item->op == VSYS_ITEM_SCATTERED)
			vsys_conv_write_scattered(conv, item);
		else if (item->op == VSYS_ITEM_DIRTY)
			vsys_conv_write(conv, item, item->addr,
					vsys_conv_page(conv, item->page) +
					item->addr % VSYS_PAGE_SIZE,
					item->value);
	}
}

/*
 * Takes the answer: all but its NEEDs.  mine: the current process is the caller.
 * -EIO: it makes no sense.
 */
int vsys_conv_take(struct vsys_conv *conv, bool mine)
{
	const struct vsys_response *rsp = &conv->call->req.rsp;
	const char *fault = vsys_answer_fault(conv, rsp);
	u32 i;

	vsys_grants_answered(&conv->grants);
	conv->nr_answer = fault ? 0 : rsp->pos & VSYS_CALL_ITEMS;
	memcpy(conv->answer, vsys_conv_page(conv, 0),
	       conv->nr_answer * sizeof(*conv->answer));
	for (i = 0; i < conv->nr_answer && !fault; i++)
		fault = vsys_item_fault(conv, &conv->answer[i]);
	if (fault) {
		vsys_device_broken(conv->call->q, fault);
		return -EIO;
	}
	if (mine)
		vsys_conv_dirty(conv);
	for (i = 0; i < conv->nr_answer; i++) {
		const struct vsys_item *item = &conv->answer[i];

		if (item->op == VSYS_ITEM_NEW_FILE)
			vsys_fds_take(conv, item);
		else if (item->op == VSYS_ITEM_UNMAPPED)
			vsys_grants_kick();
	}
	return 0;
}

/* A page that the driver waits for, and what may follow it. */
struct vsys_need {
	u64 first, end;
	bool map;
	int node;
};

static struct vsys_need vsys_conv_need(struct vsys_conv *conv,
				       const struct vsys_item *item)
{
	struct vsys_need need = {
		.first = item->addr & VSYS_PAGE_MASK,
		.map = item->flags & VSYS_ITEM_MAP,
	};
	u32 pages = min(item->value, VSYS_CALL_PAGES);

	conv->needs++;
	need.node = vsys_learn_fault(&conv->learner, &conv->sent, item->addr,
				     &need.map, &pages);
	need.end = need.first + (u64)pages * VSYS_PAGE_SIZE;
	return need;
}

/* The buffer for what is needed, and for all that may come back. */
static void vsys_conv_grow(struct vsys_conv *conv, u64 pages)
{
	struct vsys_device *vdev = conv->m->vdev;

	/* And bits, a page for eight. */
	pages += 1 + conv->nr_writable + conv->nr_writable / 8;
	pages = min_t(u64, pages, vdev->call_pages);
	vsys_queue_grow(conv->call->q, &conv->call->req, pages * VSYS_PAGE_SIZE);
}

/*
 * Carries out what the back-end needs: the first item in any case, the others as
 * far as the pages go; it asks again for what is missing.
 */
static void vsys_conv_fetch(struct vsys_conv *conv)
{
	bool first = true;
	u32 i;

	/* What was in the pages before is lost by this. */
	vsys_conv_grow(conv, 0);
	for (i = 0; i < conv->nr_answer; i++) {
		const struct vsys_item *item = &conv->answer[i];
		struct vsys_need need;

		if (item->op != VSYS_ITEM_NEED)
			continue;
		need = vsys_conv_need(conv, item);
		if (first && !need.map)
			vsys_conv_grow(conv, (need.end - need.first) /
					     VSYS_PAGE_SIZE);
		first = false;
		if (need.map) {
			u64 end = vsys_conv_map(conv, need.first, need.end);

			vsys_learn_sent(&conv->learner, need.node, end);
			if (end > need.first)
				continue;
		}
		if (!vsys_conv_plan(conv, need.first, true))
			break;
		need.end = vsys_conv_plan_run(conv, need.first + VSYS_PAGE_SIZE,
					      need.end);
		vsys_learn_sent(&conv->learner, need.node, need.end);
	}
	vsys_conv_copy_in(conv);
}

/* The call is over: nothing of it is in use by the back-end any more. */
void vsys_conv_free(struct vsys_conv *conv)
{
	struct vsys_queue *q = conv->m->q;
	unsigned long flags;

	vsys_fds_drop(conv);
	vsys_grants_answered(&conv->grants);
	if (conv->call) {
		vsys_queue_unreserve(q, &conv->call->req);
		vsys_call_put(conv->call);
	}
	spin_lock_irqsave(&q->lock, flags);
	if (conv->what.op != VSYS_OP_WATCH) {
		q->stats.calls++;
		q->stats.round_trips += conv->round_trips;
	}
	q->stats.needs += conv->needs;
	q->stats.pages_sent += conv->pages_sent;
	q->stats.dirty_bytes += conv->dirty_bytes;
	q->stats.grants_mapped += conv->grants_mapped;
	spin_unlock_irqrestore(&q->lock, flags);
	vsys_mm_put(conv->m);
	kfree(conv->answer);
	kfree(conv);
}

/* From here on there is no caller: the call is brought to its end. */
static int vsys_conv_abort(struct vsys_conv *conv)
{
	vsys_conv_next(conv, VSYS_CALL_ABORT);
	/* Before it is sent, so that the answer is an orphan's. */
	vsys_call_abandon(conv->call);
	return vsys_conv_send(conv);
}

/* By a work item: there is an answer, and the caller was killed. */
static void vsys_conv_orphaned(struct vsys_call *call)
{
	struct vsys_conv *conv = call->owner;
	bool more = call->req.rsp.pos & VSYS_CALL_MORE;

	if (vsys_conv_take(conv, false) || !more || vsys_conv_abort(conv))
		vsys_conv_free(conv);
}

/* The call has ended with an answer: what the caller gets. */
static long vsys_conv_result(struct vsys_conv *conv)
{
	const struct vsys_response *rsp = &conv->call->req.rsp;

	vsys_learn_end(&conv->learner, conv->m->vdev);
	switch (rsp->status) {
	case 0:
		break;
	case -EINTR:
		/* As vsys_call_wait(). */
		return signal_pending(current) ? -ERESTARTSYS : -EINTR;
	default:
		return rsp->status;
	}
	if (conv->error)
		return conv->error;
	return vsys_fds_install(conv, rsp->value);
}

/* The conversation, until its end.  False: it goes on without the caller. */
static bool vsys_conv_talk(struct vsys_conv *conv, long *ret)
{
	*ret = vsys_conv_begin(conv);
	while (!*ret) {
		if (!vsys_call_await(conv->call))
			return false;
		*ret = vsys_conv_take(conv, true);
		if (*ret)
			break;
		if (!(conv->call->req.rsp.pos & VSYS_CALL_MORE)) {
			*ret = vsys_conv_result(conv);
			if (conv->call->req.rsp.pos & VSYS_CALL_KEPT)
				vsys_watch_begin(conv->m);
			break;
		}
		/* A back-end that answers at once gives no time to be killed. */
		if (fatal_signal_pending(current)) {
			*ret = vsys_conv_abort(conv);
			if (!*ret)
				return false;
			break;
		}
		vsys_conv_next(conv, 0);
		mutex_lock(&conv->m->order);
		vsys_conv_fetch(conv);
		*ret = vsys_conv_send(conv);
		mutex_unlock(&conv->m->order);
	}
	return true;
}

/* Takes over the reference to m, also if there is no memory (NULL). */
struct vsys_conv *vsys_conv_new(struct vsys_mm *m, const struct vsys_mirrored *what)
{
	struct vsys_conv *conv = kzalloc(sizeof(*conv), GFP_KERNEL);

	if (!conv) {
		vsys_mm_put(m);
		return NULL;
	}
	conv->m = m;
	conv->what = *what;
	INIT_LIST_HEAD(&conv->new);
	INIT_LIST_HEAD(&conv->grants);
	conv->answer = kmalloc_array(VSYS_PAGE_ITEMS, sizeof(*conv->answer),
				     GFP_KERNEL);
	if (!conv->answer) {
		vsys_conv_free(conv);
		return NULL;
	}
	return conv;
}

/* Makes a native call; what it returns, or an error. */
long vsys_mirror_call(struct vsys_device *vdev, const struct vsys_mirrored *what)
{
	struct vsys_conv *conv;
	struct vsys_mm *m;
	long ret;

	m = vsys_mm_get(vdev);
	if (IS_ERR(m))
		return PTR_ERR(m);
	conv = vsys_conv_new(m, what);
	if (!conv)
		return -ENOMEM;
	if (!vsys_conv_talk(conv, &ret))
		return -EINTR;
	vsys_conv_free(conv);
	return ret;
}

/* An ioctl with handle; flags: the file's.  -ENOTTY: the back-end makes none. */
long vsys_mirror_ioctl(struct vsys_device *vdev, u32 handle, u32 flags,
		       unsigned int cmd, unsigned long arg, bool compat)
{
	struct vsys_mirrored what = {
		.op = compat ? VSYS_OP_COMPAT_IOCTL : VSYS_OP_IOCTL,
		.compat = compat,
		.handle = handle,
		.flags = flags,
		.cmd = cmd,
		.arg = arg,
		/* Most say themselves how much there is. */
		.size = _IOC_DIR(cmd) == _IOC_NONE ? 0 : _IOC_SIZE(cmd),
	};

	if (!vdev->feature_ioctl || !current->mm)
		return -ENOTTY;
	return vsys_mirror_call(vdev, &what);
}
