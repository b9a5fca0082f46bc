// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The nodes of the test driver, its commands and their counters.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vsystest.h"

static struct vt_dev vt_devs[VT_NODES];

/*
 * Between the caller's layout and the native one.  Values follow words without
 * a gap in both.
 */
int vt_get(void *to, const void __user *from, size_t size, u32 words, bool compat)
{
	unsigned long *native = to;
	u32 narrow[4];
	u32 i;

	if (!compat)
		return copy_from_user(to, from, size) ? -EFAULT : 0;
	if (WARN_ON_ONCE(words > ARRAY_SIZE(narrow)))
		return -EINVAL;
	if (copy_from_user(narrow, from, words * 4) ||
	    copy_from_user(native + words, from + words * 4, size - words * 8))
		return -EFAULT;
	for (i = 0; i < words; i++)
		native[i] = narrow[i];
	return 0;
}

int vt_put(void __user *to, const void *from, size_t size, u32 words, bool compat)
{
	const unsigned long *native = from;
	u32 narrow[4];
	u32 i;

	if (!compat)
		return copy_to_user(to, from, size) ? -EFAULT : 0;
	if (WARN_ON_ONCE(words > ARRAY_SIZE(narrow)))
		return -EINVAL;
	for (i = 0; i < words; i++)
		narrow[i] = native[i];
	if (copy_to_user(to, narrow, words * 4) ||
	    copy_to_user(to + words * 4, native + words, size - words * 8))
		return -EFAULT;
	return 0;
}

static long vt_none(struct vt_call *c)
{
	return atomic_inc_return(&c->vf->calls);
}

static long vt_int(struct vt_call *c)
{
	return ((u32)c->arg * 2654435761u) >> 1;
}

static long vt_count(struct vt_call *c)
{
	struct vt_count count;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(count.nr); i++)
		count.nr[i] = atomic_read(&c->vf->dev->count[i]);
	return copy_to_user(vt_ptr(c->arg), &count, sizeof(count)) ? -EFAULT : 0;
}

static long vt_count_reset(struct vt_call *c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c->vf->dev->count); i++)
		atomic_set(&c->vf->dev->count[i], 0);
	return 0;
}

static const struct {
	u32 cmd, words, count;
	long (*fn)(struct vt_call *c);
} vt_commands[] = {
	{ VT_NONE, 0, 0, vt_none },
	{ VT_INT, 0, 1, vt_int },
	{ VT_OLD, 0, VT_COUNT_OLD, vt_flat },
	{ VT_FLAT, 0, 2, vt_flat },
	{ VT_DATA, VT_DATA_WORDS, 3, vt_data },
	{ VT_DATA_RET, VT_DATA_WORDS, 4, vt_data_ret },
	{ VT_DEEP, VT_DEEP_WORDS, 5, vt_deep },
	{ VT_LIST, VT_LIST_WORDS, 6, vt_list },
	{ VT_VECS, VT_VECS_WORDS, 7, vt_vecs },
	{ VT_TREE, VT_TREE_WORDS, 8, vt_tree },
	{ VT_LIE, 0, 9, vt_data },
	{ VT_PIN, VT_PIN_WORDS, 16, vt_pin },
	{ VT_PIN_WRITE, 0, 17, vt_pin_write },
	{ VT_PIN_READ, 0, 18, vt_pin_read },
	{ VT_PIN_WAIT, 0, 19, vt_pin_wait },
	{ VT_UNPIN, 0, 20, vt_unpin },
	{ VT_PINS, 0, 21, vt_pins },
	{ VT_WAIT, VT_WAIT_WORDS, 24, vt_wait },
	{ VT_SIGNAL, 0, 25, vt_signal },
	{ VT_WAITERS, 0, 26, vt_waiters },
	{ VT_FILE_RET, 0, 32, vt_file_ret },
	{ VT_FILE_NEW, 0, 33, vt_file_new },
	{ VT_FILE_MANY, VT_FILE_MANY_WORDS, 34, vt_file_many },
	{ VT_FILE_USE, VT_FILE_USE_WORDS, 35, vt_file_use },
	{ VT_FILES, 0, 36, vt_files },
	{ VT_COUNT, 0, 48, vt_count },
	{ VT_COUNT_RESET, 0, 49, vt_count_reset },
};

static long vt_dispatch(struct file *file, u32 cmd, unsigned long arg, bool compat)
{
	struct vt_file *vf = file->private_data;
	struct vt_call c = { .vf = vf, .file = file, .arg = arg, .compat = compat };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vt_commands); i++) {
		u32 known = vt_commands[i].cmd;

		if (compat)
			known -= (vt_commands[i].words * 4) << _IOC_SIZESHIFT;
		if (known != cmd)
			continue;
		atomic_inc(&vf->dev->count[vt_commands[i].count]);
		return vt_commands[i].fn(&c);
	}
	return -ENOTTY;
}

static long vt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vt_dispatch(file, cmd, arg, false);
}

static long vt_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vt_dispatch(file, cmd, (u32)arg, true);
}

static int vt_open(struct inode *inode, struct file *file)
{
	struct vt_file *vf = kzalloc(sizeof(*vf), GFP_KERNEL);

	if (!vf)
		return -ENOMEM;
	vf->dev = container_of(file->private_data, struct vt_dev, misc);
	mutex_init(&vf->lock);
	INIT_LIST_HEAD(&vf->pins);
	spin_lock_init(&vf->async_lock);
	INIT_LIST_HEAD(&vf->async);
	init_waitqueue_head(&vf->async_wait);
	file->private_data = vf;
	return stream_open(inode, file);
}

static int vt_release(struct inode *inode, struct file *file)
{
	struct vt_file *vf = file->private_data;

	vt_unpin_all(vf);
	vt_async_end(vf);
	kfree(vf);
	return 0;
}

static const struct file_operations vt_fops = {
	.owner = THIS_MODULE,
	.open = vt_open,
	.release = vt_release,
	.read = vt_async_read,
	.write = vt_async_write,
	.poll = vt_async_poll,
	.unlocked_ioctl = vt_ioctl,
	.compat_ioctl = vt_compat_ioctl,
	.llseek = no_llseek,
};

static void vt_remove(int nr)
{
	while (nr--)
		misc_deregister(&vt_devs[nr].misc);
}

static int __init vt_init(void)
{
	int i, err;

	for (i = 0; i < VT_NODES; i++) {
		struct vt_dev *dev = &vt_devs[i];

		snprintf(dev->name, sizeof(dev->name), "vsystest%d", i);
		init_waitqueue_head(&dev->wait);
		spin_lock_init(&dev->lock);
		dev->opener_only = i == VT_NODE_OPENER_ONLY;
		dev->misc.minor = MISC_DYNAMIC_MINOR;
		dev->misc.name = dev->name;
		dev->misc.fops = &vt_fops;
		err = misc_register(&dev->misc);
		if (err) {
			vt_remove(i);
			return err;
		}
	}
	return 0;
}

static void __exit vt_exit(void)
{
	vt_remove(VT_NODES);
}

module_init(vt_init);
module_exit(vt_exit);
MODULE_DESCRIPTION("Test driver for system-call level device virtualization");
MODULE_LICENSE("GPL");
