// SPDX-License-Identifier: GPL-2.0
/*
 * fds.c - descriptors in calls: numbers that the caller passes, new ones that it
 * gets.
 *
 * The back-end makes calls in a process that has the caller's remote files under
 * the same numbers.  So it is told, before each call, what has changed: which
 * number is which of our open files, or none any more.  Nothing tells us when a
 * process closes, duplicates or receives a descriptor, so the table is looked
 * through at each call: as many words as it has places.
 *
 * A file is known by its serial, since its handle may be another file's by the
 * next call.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mirror.h"

struct vsys_fd_scan {
	struct vsys_conv *conv;
	struct vsys_mm *m;
};

/* The lock of the table is held.  Not 0: no more, for now. */
static int vsys_fd_visit(const void *arg, struct file *file, unsigned int fd)
{
	const struct vsys_fd_scan *scan = arg;
	struct vsys_mm *m = scan->m;
	struct vsys_file *vf = vsys_file_of(file);
	const struct vsys_device *vdev;

	if (fd >= VSYS_MAX_MIRRORED_FD)
		return 1;
	if (!vf)
		return 0;
	vdev = vf->vdev;
	if (vdev->backend_id != m->vdev->backend_id || vdev->devid > U16_MAX)
		return 0;
	__set_bit(fd, m->seen);
	if (xa_load(&m->fds, fd) == xa_mk_value(vf->serial))
		return 0;
	if (!vsys_conv_item(scan->conv, VSYS_ITEM_FILE, fd, vf->handle,
			    vdev->devid, 0))
		return 1;
	/* If there is no memory for it, it will be told again. */
	xa_store(&m->fds, fd, xa_mk_value(vf->serial), GFP_ATOMIC);
	return 0;
}

/*
 * Adds what changed to the request that is made.  The caller holds order until
 * it is sent: what two calls tell must arrive in the order of their looks.
 */
void vsys_fds_tell(struct vsys_conv *conv)
{
	struct vsys_mm *m = conv->m;
	struct vsys_fd_scan scan = { .conv = conv, .m = m };
	unsigned long fd;
	void *entry;

	bitmap_zero(m->seen, VSYS_MAX_MIRRORED_FD);
	iterate_fd(current->files, 0, vsys_fd_visit, &scan);
	xa_for_each(&m->fds, fd, entry) {
		if (test_bit(fd, m->seen))
			continue;
		if (!vsys_conv_item(conv, VSYS_ITEM_FILE, fd, 0, 0, 0))
			break;
		xa_erase(&m->fds, fd);
	}
}

/* The call made a file. */
void vsys_fds_take(struct vsys_conv *conv, const struct vsys_item *item)
{
	struct vsys_device *vdev = conv->m->vdev;
	struct vsys_new_file *new = NULL;

	if (conv->nr_new < VSYS_NEW_FILES)
		new = kmalloc(sizeof(*new), GFP_KERNEL);
	if (!new) {
		vsys_release(vdev, item->value);
		conv->error = -EMFILE;
		return;
	}
	*new = (struct vsys_new_file) {
		.file = vsys_file_make(vdev, item->value, item->page),
		.fd = -1,
		.is_result = item->flags & VSYS_ITEM_RETURN,
		.addr = item->addr,
	};
	if (IS_ERR(new->file)) {
		conv->error = PTR_ERR(new->file);
		kfree(new);
		return;
	}
	list_add_tail(&new->link, &conv->new);
	conv->nr_new++;
}

/* Gives back what is not installed; the files are released. */
void vsys_fds_drop(struct vsys_conv *conv)
{
	struct vsys_new_file *new, *next;

	list_for_each_entry_safe(new, next, &conv->new, link) {
		if (new->fd >= 0)
			put_unused_fd(new->fd);
		fput(new->file);
		kfree(new);
	}
	INIT_LIST_HEAD(&conv->new);
}

/*
 * The call has succeeded with ret: its files become the caller's, all or none.
 * What the call returns, or an error.
 */
long vsys_fds_install(struct vsys_conv *conv, long ret)
{
	struct vsys_new_file *new, *next;

	list_for_each_entry(new, &conv->new, link) {
		/* Whether natively it were so, nobody says; it is the safe way. */
		new->fd = get_unused_fd_flags(O_CLOEXEC);
		if (new->fd < 0)
			return new->fd;
		if (new->is_result)
			ret = new->fd;
		else if (copy_to_user((void __user *)(unsigned long)new->addr,
				      &new->fd, sizeof(u32)))
			return -EFAULT;
	}
	list_for_each_entry_safe(new, next, &conv->new, link) {
		fd_install(new->fd, new->file);
		kfree(new);
	}
	INIT_LIST_HEAD(&conv->new);
	return ret;
}
