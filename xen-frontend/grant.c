// SPDX-License-Identifier: GPL-2.0
/*
 * grant.c - pages of callers that the back-end maps: what a driver keeps.
 *
 * Such a page is pinned as a native driver's would be, and granted.  It stays so
 * until the grant is really no longer in use (XSA-396): the back-end says that
 * it unmapped the page, or the address space or the device goes, but the page is
 * let go only when the hypervisor agrees.  Until then it is on a list of the
 * module, which is tried again and again, and depends on no device.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/page.h>

#include "mirror.h"

/* Of all devices.  The rest of the grant table is for others. */
#define VSYS_MAX_GRANTS		8192
#define VSYS_GRANT_RETRY	(HZ / 4)

struct vsys_grant {
	struct list_head link;		/* of the address space, or of the ending */
	u64 addr;
	struct page *page;
	grant_ref_t gref;
	bool writable;
};

static atomic_t vsys_nr_grants = ATOMIC_INIT(0);
static LIST_HEAD(vsys_ending);
static DEFINE_SPINLOCK(vsys_ending_lock);

static void vsys_grants_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(vsys_grants_retry, vsys_grants_work);

static void vsys_grant_free(struct vsys_grant *g)
{
	unpin_user_pages_dirty_lock(&g->page, 1, g->writable);
	kfree(g);
	atomic_dec(&vsys_nr_grants);
}

static void vsys_grants_work(struct work_struct *work)
{
	struct vsys_grant *g, *next;
	LIST_HEAD(list);

	spin_lock(&vsys_ending_lock);
	list_splice_init(&vsys_ending, &list);
	spin_unlock(&vsys_ending_lock);

	list_for_each_entry_safe(g, next, &list, link) {
		if (!gnttab_try_end_foreign_access(g->gref))
			continue;
		list_del(&g->link);
		vsys_grant_free(g);
		cond_resched();
	}
	if (list_empty(&list))
		return;
	spin_lock(&vsys_ending_lock);
	list_splice(&list, &vsys_ending);
	spin_unlock(&vsys_ending_lock);
	/* One that was queued meanwhile comes first, and that is all right. */
	queue_delayed_work(vsys_wq, &vsys_grants_retry, VSYS_GRANT_RETRY);
}

static void vsys_grants_ending(struct list_head *list)
{
	spin_lock(&vsys_ending_lock);
	list_splice_tail_init(list, &vsys_ending);
	spin_unlock(&vsys_ending_lock);
	mod_delayed_work(vsys_wq, &vsys_grants_retry, 0);
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

static bool vsys_is_granted(struct vsys_mm *m, u64 addr, struct page *page)
{
	struct vsys_grant *g;
	bool found = false;

	spin_lock(&m->grant_lock);
	list_for_each_entry(g, &m->grants, link) {
		found = g->addr == addr && g->page == page;
		if (found)
			break;
	}
	spin_unlock(&m->grant_lock);
	return found;
}

/*
 * Pins and grants the page at addr, of the current process.  again: also if the
 * back-end has it already, otherwise -EEXIST.  Another error: it can't be done.
 */
int vsys_grant_map(struct vsys_mm *m, u64 addr, bool again, grant_ref_t *gref,
		   bool *writable)
{
	struct vsys_grant *g;
	int err, ref;

	if (atomic_inc_return(&vsys_nr_grants) > VSYS_MAX_GRANTS) {
		err = -ENOSPC;
		goto out_count;
	}
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
	err = -EEXIST;
	if (!again && vsys_is_granted(m, addr, g->page))
		goto out_unpin;
	err = -EFAULT;
	if (!vsys_page_grantable(g->page))
		goto out_unpin;
	ref = gnttab_grant_foreign_access(m->vdev->backend_id,
					  xen_page_to_gfn(g->page), !g->writable);
	err = ref;
	if (ref < 0)
		goto out_unpin;
	g->addr = addr;
	g->gref = ref;
	*gref = ref;
	*writable = g->writable;
	spin_lock(&m->grant_lock);
	list_add(&g->link, &m->grants);
	spin_unlock(&m->grant_lock);
	return 0;
out_unpin:
	unpin_user_page(g->page);
out_free:
	kfree(g);
out_count:
	atomic_dec(&vsys_nr_grants);
	return err;
}

/* The back-end let go of a page.  False: it never had it. */
bool vsys_grant_unmapped(struct vsys_mm *m, u64 addr, grant_ref_t gref)
{
	struct vsys_grant *g;
	LIST_HEAD(list);

	spin_lock(&m->grant_lock);
	list_for_each_entry(g, &m->grants, link) {
		if (g->gref != gref || g->addr != addr)
			continue;
		list_move(&g->link, &list);
		break;
	}
	spin_unlock(&m->grant_lock);
	if (list_empty(&list))
		return false;
	vsys_grants_ending(&list);
	return true;
}

/* The address space is gone, and the back-end has been told. */
void vsys_grants_end(struct vsys_mm *m)
{
	if (!list_empty(&m->grants))
		vsys_grants_ending(&m->grants);
}

/*
 * The module goes.  What is still mapped is left to the kernel, which holds the
 * page by itself until the grant ends.
 */
void vsys_grants_exit(void)
{
	struct vsys_grant *g, *next;

	cancel_delayed_work_sync(&vsys_grants_retry);
	list_for_each_entry_safe(g, next, &vsys_ending, link) {
		gnttab_end_foreign_access(g->gref, NULL);
		vsys_grant_free(g);
	}
	INIT_LIST_HEAD(&vsys_ending);
}
