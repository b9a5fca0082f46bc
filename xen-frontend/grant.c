// SPDX-License-Identifier: GPL-2.0
/*
 * grant.c - pages of callers that the back-end maps: what a driver keeps.
 *
 * Such a page is pinned as a native driver's would be, and granted.  The
 * back-end maps it before it answers the request that brought it, or never.  So
 * from the answer on, the grant ends as soon as the hypervisor agrees that
 * nobody has it mapped, and not before (XSA-396); then the page is let go.  That
 * is tried again and again, by the module, and depends on no device.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/page.h>

#include "mirror.h"

/* Of all devices.  The rest of the grant table is for others. */
#define VSYS_MAX_GRANTS		8192
/* Between two tries; doubled each time that nothing could be ended. */
#define VSYS_TRY_MIN		max(HZ / 50, 1)
#define VSYS_TRY_MAX		(2 * HZ)

struct vsys_grant {
	struct list_head link;
	struct page *page;
	grant_ref_t gref;
	bool writable;
};

static atomic_t vsys_nr_grants = ATOMIC_INIT(0);
static LIST_HEAD(vsys_ending);
static DEFINE_SPINLOCK(vsys_ending_lock);
static unsigned long vsys_try_after = 1;

static void vsys_grants_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(vsys_grants_try, vsys_grants_work);

static void vsys_grant_free(struct vsys_grant *g)
{
	unpin_user_pages_dirty_lock(&g->page, 1, g->writable);
	kfree(g);
	atomic_dec(&vsys_nr_grants);
}

/* Ends what can be ended.  False: nothing is left to be done. */
static bool vsys_grants_end(void)
{
	struct vsys_grant *g, *next;
	bool progress = false, left;
	LIST_HEAD(list);

	spin_lock(&vsys_ending_lock);
	list_splice_init(&vsys_ending, &list);
	spin_unlock(&vsys_ending_lock);

	list_for_each_entry_safe(g, next, &list, link) {
		if (!gnttab_try_end_foreign_access(g->gref))
			continue;
		list_del(&g->link);
		vsys_grant_free(g);
		progress = true;
		cond_resched();
	}

	spin_lock(&vsys_ending_lock);
	list_splice(&list, &vsys_ending);
	left = !list_empty(&vsys_ending);
	vsys_try_after = progress ? VSYS_TRY_MIN :
				    min_t(unsigned long, 2 * vsys_try_after,
					  VSYS_TRY_MAX);
	spin_unlock(&vsys_ending_lock);
	return left;
}

static void vsys_grants_work(struct work_struct *work)
{
	if (vsys_grants_end())
		queue_delayed_work(vsys_wq, &vsys_grants_try,
				   READ_ONCE(vsys_try_after));
}

/* The back-end has unmapped something, as far as one can know. */
void vsys_grants_kick(void)
{
	if (!atomic_read(&vsys_nr_grants))
		return;
	WRITE_ONCE(vsys_try_after, VSYS_TRY_MIN);
	mod_delayed_work(vsys_wq, &vsys_grants_try, 0);
}

/* The request that brought these was answered. */
void vsys_grants_answered(struct list_head *grants)
{
	if (list_empty(grants))
		return;
	spin_lock(&vsys_ending_lock);
	list_splice_tail_init(grants, &vsys_ending);
	vsys_try_after = VSYS_TRY_MIN;
	spin_unlock(&vsys_ending_lock);
	mod_delayed_work(vsys_wq, &vsys_grants_try, VSYS_TRY_MIN);
}

/* Whether the caller may write there, and may at all. */
static int vsys_vma_writable(u64 addr, bool *writable)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma)
		*writable = vma->vm_flags & VM_WRITE;
	mmap_read_unlock(mm);
	return vma ? 0 : -EFAULT;
}

/* A page of another domain, or of a device, is not ours to grant. */
static bool vsys_page_grantable(struct page *page)
{
	return !PageForeign(page) && !is_zone_device_page(page);
}

/* One more; false: there are too many. */
static bool vsys_grant_count(void)
{
	if (atomic_inc_return(&vsys_nr_grants) <= VSYS_MAX_GRANTS)
		return true;
	/* Those of calls that have just ended are not tried yet. */
	vsys_grants_end();
	if (atomic_read(&vsys_nr_grants) <= VSYS_MAX_GRANTS)
		return true;
	atomic_dec(&vsys_nr_grants);
	return false;
}

/*
 * Pins and grants the page at addr, of the current process, and adds the grant
 * to those of the request that is made.  An error: it can't be done.
 */
int vsys_grant_page(struct vsys_device *vdev, u64 addr, struct list_head *grants,
		    grant_ref_t *gref, bool *writable)
{
	struct vsys_grant *g;
	int err, ref;

	if (!vsys_grant_count())
		return -ENOSPC;
	err = -ENOMEM;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		goto out_count;
	err = vsys_vma_writable(addr, &g->writable);
	if (err)
		goto out_free;
	err = pin_user_pages_fast(addr, 1, FOLL_LONGTERM |
				  (g->writable ? FOLL_WRITE : 0), &g->page);
	if (err != 1) {
		err = -EFAULT;
		goto out_free;
	}
	err = -EFAULT;
	if (!vsys_page_grantable(g->page))
		goto out_unpin;
	ref = gnttab_grant_foreign_access(vdev->backend_id,
					  xen_page_to_gfn(g->page), !g->writable);
	err = ref;
	if (ref < 0)
		goto out_unpin;
	g->gref = ref;
	*gref = ref;
	*writable = g->writable;
	list_add_tail(&g->link, grants);
	return 0;
out_unpin:
	unpin_user_page(g->page);
out_free:
	kfree(g);
out_count:
	atomic_dec(&vsys_nr_grants);
	return err;
}

/*
 * The module goes.  What is still mapped is left to the kernel, which holds the
 * page by itself until the grant ends.
 */
void vsys_grants_exit(void)
{
	struct vsys_grant *g, *next;

	cancel_delayed_work_sync(&vsys_grants_try);
	list_for_each_entry_safe(g, next, &vsys_ending, link) {
		gnttab_end_foreign_access(g->gref, NULL);
		vsys_grant_free(g);
	}
	INIT_LIST_HEAD(&vsys_ending);
}
