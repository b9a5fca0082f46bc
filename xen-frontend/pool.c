// SPDX-License-Identifier: GPL-2.0
/*
 * pool.c - pages that are granted to the back-end once, for all data.
 *
 * A pool begins small, grows by pieces when there is not enough, and gives the
 * last piece back when it was not needed for a while.
 *
 * Whole, zeroed pages (XSA-403), which belong to nothing else: data is copied
 * in and out, so that the back-end never sees a byte beside it.  Pages are
 * named by their index.  A request may have any free ones; neighbours are
 * preferred, because they make one segment.
 *
 * The caller holds the queue's lock where a function changes what is in use.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <xen/page.h>

#include "vsysfront.h"

static int vsys_pool_grant(struct xenbus_device *xdev, void *page,
			   grant_ref_t *gref)
{
	int ref = gnttab_grant_foreign_access(xdev->otherend_id,
					      virt_to_gfn(page), 0);

	if (ref < 0)
		return ref;
	*gref = ref;
	return 0;
}

/* Grants pages of the piece that begins at page first; how far it came is nr_granted. */
static int vsys_pool_fill(struct vsys_queue *q, u32 nr, gfp_t gfp)
{
	struct vsys_pool *pool = &q->pool;
	int err;

	for (; nr; nr--) {
		struct page *page = alloc_page(gfp | __GFP_ZERO);

		if (!page)
			return -ENOMEM;
		err = vsys_pool_grant(q->vdev->xdev, page_address(page),
				      &pool->gref[pool->nr_granted]);
		if (err) {
			__free_page(page);
			return err;
		}
		pool->page[pool->nr_granted++] = page;
	}
	return 0;
}

/* The directory: its pages are linked from the last to the first. */
static int vsys_pool_create_dirs(struct vsys_queue *q)
{
	struct vsys_pool *pool = &q->pool;
	u32 nr_dirs = DIV_ROUND_UP(pool->nr_pages, VSYS_POOL_DIR_GREFS);
	u32 i, d;
	int err;

	for (d = 0; d < nr_dirs; d++) {
		struct vsys_pool_dir *dir = (void *)get_zeroed_page(GFP_KERNEL);

		if (!dir)
			return -ENOMEM;
		err = vsys_pool_grant(q->vdev->xdev, dir, &pool->dir_gref[d]);
		if (err) {
			free_page((unsigned long)dir);
			return err;
		}
		pool->dir[d] = dir;
		pool->nr_dirs = d + 1;
		if (d > 0)
			((struct vsys_pool_dir *)pool->dir[d - 1])->next =
				pool->dir_gref[d];
	}
	for (i = 0; i < pool->nr_pages; i++) {
		struct vsys_pool_dir *dir = pool->dir[i / VSYS_POOL_DIR_GREFS];

		dir->gref[i % VSYS_POOL_DIR_GREFS] = pool->gref[i];
	}
	return 0;
}

/*
 * Allocates and grants nr_pages pages, which may become max_pages.  On error the
 * caller calls vsys_pool_end_access() and vsys_pool_free() for what was made so far.
 */
int vsys_pool_create(struct vsys_queue *q, u32 nr_pages, u32 max_pages)
{
	struct vsys_pool *pool = &q->pool;
	int err;

	pool->used = bitmap_zalloc(max_pages, GFP_KERNEL);
	pool->edge = bitmap_zalloc(max_pages, GFP_KERNEL);
	pool->page = kvcalloc(max_pages, sizeof(*pool->page), GFP_KERNEL);
	pool->gref = kvcalloc(max_pages, sizeof(*pool->gref), GFP_KERNEL);
	if (!pool->used || !pool->edge || !pool->page || !pool->gref)
		return -ENOMEM;
	pool->max_pages = max_pages;
	err = vsys_pool_fill(q, nr_pages, GFP_KERNEL);
	if (err)
		return err;
	pool->nr_pages = nr_pages;
	pool->nr_free = nr_pages;
	pool->least_free = nr_pages;
	return vsys_pool_create_dirs(q);
}

/*
 * Of pages that are in nobody's use.  False: the back-end still has some mapped; the
 * kernel keeps these until it lets go.
 */
static bool vsys_pool_release(struct vsys_pool *pool, u32 first)
{
	bool all = true;

	while (pool->nr_granted > first) {
		u32 i = --pool->nr_granted;

		if (gnttab_try_end_foreign_access(pool->gref[i])) {
			__free_page(pool->page[i]);
		} else {
			gnttab_end_foreign_access(pool->gref[i], pool->page[i]);
			all = false;
		}
		pool->gref[i] = 0;
		pool->page[i] = NULL;
	}
	return all;
}

/*
 * Tells the back-end, and waits for its answer, as long as it takes: what it has is not
 * known otherwise.  vsys_queue_stop() ends that.  ref: of the piece's directory.
 */
static int vsys_pool_tell(struct vsys_queue *q, u8 op, u32 nr, grant_ref_t ref)
{
	struct vsys_call *call = vsys_call_alloc(q, op, 0, 0, 0);
	int err;

	if (!call)
		return -ENOMEM;
	call->req.wire.length = nr * VSYS_PAGE_SIZE;
	call->req.wire.u.pool.ref = ref;
	wait_event_idle(q->room,
			(err = vsys_queue_reserve(q, &call->req, 0)) != -EAGAIN);
	if (!err)
		err = vsys_call_send(call);
	if (!err) {
		while (!wait_for_completion_timeout(&call->done, 30 * HZ))
			;
		err = call->req.rsp.status;
	}
	vsys_call_put(call);
	return err;
}

/* refused: the back-end does not want it; else it may be tried again. */
static int vsys_pool_add_piece(struct vsys_queue *q, u32 nr, bool *refused)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct vsys_pool *pool = &q->pool;
	u32 first = pool->nr_granted, i;
	struct vsys_pool_dir *dir;
	grant_ref_t ref;
	int err;

	dir = (void *)get_zeroed_page(gfp);
	if (!dir)
		return -ENOMEM;
	err = vsys_pool_grant(q->vdev->xdev, dir, &ref);
	if (err) {
		free_page((unsigned long)dir);
		return err;
	}
	err = vsys_pool_fill(q, nr, gfp);
	for (i = first; i < pool->nr_granted; i++)
		dir->gref[i - first] = pool->gref[i];
	if (!err) {
		err = vsys_pool_tell(q, VSYS_OP_POOL_GROW, nr, ref);
		*refused = err;
	}
	gnttab_end_foreign_access(ref, virt_to_page(dir));
	if (err)
		vsys_pool_release(pool, first);
	return err;
}

/* The lock is held: it stays as it is, and so no request may be larger than that allows. */
static void vsys_pool_stays(struct vsys_queue *q)
{
	struct vsys_pool *pool = &q->pool;
	u32 most = max(pool->nr_pages / 4, 1u) * VSYS_PAGE_SIZE;

	pool->max_pages = pool->nr_pages;
	if (q->vdev->max_length > most)
		WRITE_ONCE(q->vdev->max_length, most);
}

/* It was short of pages. */
void vsys_pool_grow_work(struct work_struct *work)
{
	struct vsys_queue *q = container_of(to_delayed_work(work),
					    struct vsys_queue, grow_work);
	/* Memory may come free only by what waits for this. */
	unsigned int noio = memalloc_noio_save();
	struct vsys_pool *pool = &q->pool;
	bool refused = false, again;
	int err = 0;
	u32 had, nr;

	mutex_lock(&q->resize_lock);
	had = pool->nr_pages;
	nr = min3(had, pool->max_pages - had, VSYS_POOL_DIR_GREFS);
	if (nr)
		err = vsys_pool_add_piece(q, nr, &refused);
	spin_lock_irq(&q->lock);
	if (refused) {
		vsys_pool_stays(q);
	} else if (nr && !err) {
		__set_bit(had, pool->edge);
		pool->nr_pages += nr;
		pool->nr_free += nr;
		pool->least_free = 0;
	}
	again = err && !refused && q->live;
	pool->growing = again;
	spin_unlock_irq(&q->lock);
	mutex_unlock(&q->resize_lock);
	if (again) {
		queue_delayed_work(vsys_wq, &q->grow_work, VSYS_POOL_AGAIN);
	} else {
		vsys_queue_room(q);
		queue_delayed_work(vsys_wq, &q->shrink_work, VSYS_POOL_IDLE);
	}
	memalloc_noio_restore(noio);
}

/* The last piece goes if what there is beside it was enough since the last look. */
void vsys_pool_shrink_work(struct work_struct *work)
{
	struct vsys_queue *q = container_of(to_delayed_work(work),
					    struct vsys_queue, shrink_work);
	unsigned int noio = memalloc_noio_save();
	struct vsys_pool *pool = &q->pool;
	u32 first, nr;
	bool goes;

	mutex_lock(&q->resize_lock);
	spin_lock_irq(&q->lock);
	first = find_last_bit(pool->edge, pool->nr_pages);
	if (first == pool->nr_pages)
		first = 0;
	nr = pool->nr_pages - first;
	goes = first && !pool->growing && pool->least_free >= nr &&
	       find_next_bit(pool->used, pool->nr_pages, first) == pool->nr_pages;
	pool->least_free = pool->nr_free;
	if (goes) {
		__clear_bit(first, pool->edge);
		pool->nr_pages = first;
		pool->nr_free -= nr;
		pool->least_free = pool->nr_free;
	}
	spin_unlock_irq(&q->lock);
	if (goes) {
		bool stays = vsys_pool_tell(q, VSYS_OP_POOL_SHRINK, 0, 0);

		/* One that keeps what it gave back would get more and more. */
		stays |= !vsys_pool_release(pool, first);
		if (stays) {
			spin_lock_irq(&q->lock);
			vsys_pool_stays(q);
			spin_unlock_irq(&q->lock);
		}
	}
	mutex_unlock(&q->resize_lock);
	if (first)
		queue_delayed_work(vsys_wq, &q->shrink_work, VSYS_POOL_IDLE);
	memalloc_noio_restore(noio);
}

/* Nothing of it changes any more; after vsys_queue_stop(). */
void vsys_pool_settle(struct vsys_queue *q)
{
	cancel_delayed_work_sync(&q->grow_work);
	cancel_delayed_work_sync(&q->shrink_work);
}

/* The lock is held: pages were taken by who had to leave so many. */
void vsys_pool_left(struct vsys_pool *pool, u32 keep)
{
	u32 left = pool->nr_free > keep ? pool->nr_free - keep : 0;

	pool->least_free = min(pool->least_free, left);
}

/* The lock is held: there were not as many pages as wanted. */
void vsys_pool_short(struct vsys_queue *q)
{
	struct vsys_pool *pool = &q->pool;

	if (pool->growing || !q->live || pool->nr_pages >= pool->max_pages)
		return;
	pool->growing = true;
	queue_delayed_work(vsys_wq, &q->grow_work, 0);
}

/*
 * Takes the grants back.  Where the back-end still has a page mapped, the
 * kernel keeps a reference to it until it lets go (XSA-396), so the pages may
 * be freed by us at any time after.
 */
void vsys_pool_end_access(struct vsys_pool *pool)
{
	u32 i;

	for (i = 0; i < pool->nr_granted; i++) {
		if (pool->gref[i])
			gnttab_end_foreign_access(pool->gref[i], NULL);
		pool->gref[i] = 0;
	}
	for (i = 0; i < pool->nr_dirs; i++) {
		gnttab_end_foreign_access(pool->dir_gref[i], NULL);
		free_page((unsigned long)pool->dir[i]);
		pool->dir[i] = NULL;
	}
	pool->nr_dirs = 0;
}

void vsys_pool_free(struct vsys_pool *pool)
{
	u32 i;

	for (i = 0; i < pool->nr_granted; i++)
		__free_page(pool->page[i]);
	bitmap_free(pool->used);
	bitmap_free(pool->edge);
	kvfree(pool->page);
	kvfree(pool->gref);
	memset(pool, 0, sizeof(*pool));
}

static void vsys_pool_take(struct vsys_pool *pool, struct vsys_buf *buf, u32 i)
{
	__set_bit(i, pool->used);
	pool->nr_free--;
	buf->page[buf->nr++] = i;
}

/*
 * Takes pages for length bytes into buf, whose page[] has room for them and
 * one more.  -EAGAIN if afterwards fewer than keep_free were left.
 */
int vsys_pool_get(struct vsys_queue *q, struct vsys_buf *buf, u32 length,
		  u32 keep_free)
{
	struct vsys_pool *pool = &q->pool;
	u32 nr = vsys_buf_pages(length), ranges = 1, i, last;

	buf->nr = 0;
	buf->indirect = false;
	if (!nr)
		return 0;
	if (pool->nr_free < nr + keep_free)
		return -EAGAIN;

	i = bitmap_find_next_zero_area(pool->used, pool->nr_pages, 0, nr, 0);
	if (i < pool->nr_pages &&
	    find_next_bit(pool->edge, i + nr, i + 1) == i + nr) {
		while (buf->nr < nr)
			vsys_pool_take(pool, buf, i++);
		return 0;
	}

	/* Scattered: more than a few ranges need a page for the list. */
	if (nr > VSYS_INLINE_SEGMENTS && pool->nr_free < nr + 1 + keep_free)
		return -EAGAIN;
	last = pool->nr_pages;
	for_each_clear_bit(i, pool->used, pool->nr_pages) {
		if (buf->nr && (i != last + 1 || test_bit(i, pool->edge)))
			ranges++;
		vsys_pool_take(pool, buf, i);
		last = i;
		if (buf->nr == nr)
			break;
	}
	if (ranges > VSYS_INLINE_SEGMENTS) {
		i = find_first_zero_bit(pool->used, pool->nr_pages);
		vsys_pool_take(pool, buf, i);
		buf->nr--;
		buf->indirect = true;
	}
	return 0;
}

/* The next free neighbours of one piece, from *end on. */
static bool vsys_pool_range(const struct vsys_pool *pool, u32 *begin, u32 *end)
{
	*begin = find_next_zero_bit(pool->used, pool->nr_pages, *end);
	if (*begin == pool->nr_pages)
		return false;
	*end = min(find_next_bit(pool->used, pool->nr_pages, *begin),
		   find_next_bit(pool->edge, pool->nr_pages, *begin + 1));
	return true;
}

/*
 * Takes min to want pages into buf, for a call: in VSYS_CALL_SEGMENTS ranges at
 * most, since its request has no room for more.  -EAGAIN if there are fewer, or
 * afterwards fewer than keep_free were left.
 */
int vsys_pool_get_some(struct vsys_pool *pool, struct vsys_buf *buf, u32 min,
		       u32 want, u32 keep_free)
{
	u32 ranges;

	buf->nr = 0;
	buf->indirect = false;
	if (pool->nr_free < min + keep_free)
		return -EAGAIN;
	want = clamp(want, min, pool->nr_free - keep_free);
	for (ranges = 0; ranges < VSYS_CALL_SEGMENTS && buf->nr < want; ranges++) {
		u32 begin, end, best = 0, best_end = 0;

		for (end = 0; vsys_pool_range(pool, &begin, &end);) {
			if (end - begin <= best_end - best)
				continue;
			best = begin;
			best_end = end;
			if (end - begin >= want - buf->nr)
				break;
		}
		while (best < best_end && buf->nr < want)
			vsys_pool_take(pool, buf, best++);
	}
	if (buf->nr >= min)
		return 0;
	vsys_pool_put(pool, buf);
	return -EAGAIN;
}

/*
 * Exchanges buf's pages for want of them, as far as keep_free are left.  Those
 * that it had lie in few ranges, so it gets as many again in any case.
 */
void vsys_pool_grow(struct vsys_pool *pool, struct vsys_buf *buf, u32 want,
		    u32 keep_free)
{
	u32 had = buf->nr;

	vsys_pool_put(pool, buf);
	want = min(want, pool->nr_free > keep_free ? pool->nr_free - keep_free : 0);
	WARN_ON_ONCE(vsys_pool_get_some(pool, buf, had, max(want, had), 0));
}

void vsys_pool_put(struct vsys_pool *pool, struct vsys_buf *buf)
{
	u32 i, nr = buf->nr + buf->indirect;

	for (i = 0; i < nr; i++)
		__clear_bit(buf->page[i], pool->used);
	pool->nr_free += nr;
	buf->nr = 0;
	buf->indirect = false;
}

/* Writes the segments of buf's first length bytes; how many. */
static u32 vsys_buf_segments(const struct vsys_pool *pool,
			     const struct vsys_buf *buf,
			     struct vsys_segment *seg, u32 length)
{
	u32 nr = 0, i = 0;

	while (length) {
		struct vsys_segment s = {
			.offset = buf->page[i] * VSYS_PAGE_SIZE,
		};

		do {
			s.length += min(length, VSYS_PAGE_SIZE);
			length -= min(length, VSYS_PAGE_SIZE);
			i++;
		} while (length && buf->page[i] == buf->page[i - 1] + 1 &&
			 !test_bit(buf->page[i], pool->edge));
		seg[nr++] = s;
	}
	return nr;
}

/*
 * Writes the segments of the request's pages, for length bytes.  The list of
 * an indirect request is only written, never read: the back-end can change it.
 */
void vsys_pool_describe(struct vsys_pool *pool, struct vsys_req *req,
			u32 length)
{
	struct vsys_buf *buf = &req->buf;
	struct vsys_segment *seg = req->wire.u.segment;
	u32 nr;

	if (buf->indirect)
		seg = vsys_buf_page(pool, buf, buf->nr);
	nr = vsys_buf_segments(pool, buf, seg, length);
	req->wire.length = length;
	if (buf->indirect) {
		req->wire.flags |= VSYS_RQ_INDIRECT;
		req->wire.u.segment[0].offset =
			buf->page[buf->nr] * VSYS_PAGE_SIZE;
		req->wire.u.segment[0].length = nr * sizeof(*seg);
		nr = 1;
	}
	req->wire.nr_segments = nr;
}

/* The same for a request of a call: all of its pages. */
void vsys_pool_describe_call(struct vsys_pool *pool, struct vsys_req *req)
{
	req->wire.length = req->buf.nr * VSYS_PAGE_SIZE;
	req->wire.nr_segments = vsys_buf_segments(pool, &req->buf,
						  req->wire.u.call.segment,
						  req->wire.length);
}
