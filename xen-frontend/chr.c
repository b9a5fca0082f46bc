// SPDX-License-Identifier: GPL-2.0
/*
 * chr.c - the character node: each open of it is a native open.  The open file
 * is in file.c.
 */
#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vsysfront.h"

#define VSYS_CHR_MINORS		4096

static dev_t vsys_chr_first;
static struct class *vsys_class;
static DEFINE_IDA(vsys_chr_minors);

/* The node.  Open files hold it through its cdev. */
struct vsys_chr {
	struct device dev;
	struct cdev cdev;
	struct vsys_device *vdev;
	int minor;
	dev_t native;		/* a number of its own, or 0 */
};

static int vsys_chr_open(struct inode *inode, struct file *file)
{
	struct vsys_chr *chr = container_of(inode->i_cdev, struct vsys_chr, cdev);
	struct vsys_file *vf;
	int err;

	vf = vsys_file_alloc(chr->vdev);
	if (!vf)
		return -ENOMEM;
	err = vsys_open(vf->vdev, vsys_file_flags(file->f_flags), &vf->handle,
			&vf->can);
	if (err) {
		vsys_file_put(vf);
		return err;
	}
	file->private_data = vf;
	/* Of the same owner, which this file holds already. */
	file->f_op = vf->vdev->feature_poll ? &vsys_file_poll_fops :
					      &vsys_file_fops;
	vsys_file_set_mode(inode, file);
	return 0;
}

static const struct file_operations vsys_chr_fops = {
	.owner		= THIS_MODULE,
	.open		= vsys_chr_open,
};

static void vsys_chr_free(struct device *dev)
{
	struct vsys_chr *chr = container_of(dev, struct vsys_chr, dev);

	ida_free(&vsys_chr_minors, chr->minor);
	if (chr->native)
		unregister_chrdev_region(chr->native, 1);
	vsys_device_put(chr->vdev);
	kfree(chr);
}

/* The number of the host's node, for programs that look at it; or any. */
static dev_t vsys_chr_number(struct vsys_chr *chr)
{
	struct vsys_device *vdev = chr->vdev;
	dev_t native = MKDEV(vdev->native_major, vdev->native_minor);

	if (!vdev->native_major)
		return vsys_chr_first + chr->minor;
	if (register_chrdev_region(native, 1, "vsys")) {
		pr_notice("%s: %s cannot be %u:%u, which is in use here\n",
			  vdev->label, vdev->name, MAJOR(native),
			  MINOR(native));
		return vsys_chr_first + chr->minor;
	}
	chr->native = native;
	return native;
}

static int vsys_chr_add(struct vsys_device *vdev)
{
	struct vsys_chr *chr = kzalloc(sizeof(*chr), GFP_KERNEL);
	int err;

	if (!chr)
		return -ENOMEM;
	chr->minor = ida_alloc_max(&vsys_chr_minors, VSYS_CHR_MINORS - 1,
				   GFP_KERNEL);
	if (chr->minor < 0) {
		err = chr->minor;
		kfree(chr);
		return err;
	}
	chr->vdev = vdev;
	vsys_device_get(vdev);
	device_initialize(&chr->dev);
	chr->dev.class = vsys_class;
	chr->dev.parent = &vdev->xdev->dev;
	chr->dev.release = vsys_chr_free;
	chr->dev.devt = vsys_chr_number(chr);
	cdev_init(&chr->cdev, &vsys_chr_fops);
	chr->cdev.owner = THIS_MODULE;
	/* The core turns a '/' of the name into a folder of /dev. */
	err = dev_set_name(&chr->dev, "%s", vdev->name);
	if (!err)
		err = cdev_device_add(&chr->cdev, &chr->dev);
	if (err) {
		put_device(&chr->dev);
		return err;
	}
	vdev->node = chr;
	return 0;
}

static void vsys_chr_remove(struct vsys_device *vdev)
{
	struct vsys_chr *chr = vdev->node;

	cdev_device_del(&chr->cdev, &chr->dev);
	put_device(&chr->dev);
}

const struct vsys_node_ops vsys_chr_ops = {
	.add	= vsys_chr_add,
	.remove	= vsys_chr_remove,
};

int vsys_chr_init(void)
{
	int err = alloc_chrdev_region(&vsys_chr_first, 0, VSYS_CHR_MINORS, "vsys");

	if (err)
		return err;
	vsys_class = class_create(THIS_MODULE, "vsys");
	if (IS_ERR(vsys_class)) {
		unregister_chrdev_region(vsys_chr_first, VSYS_CHR_MINORS);
		return PTR_ERR(vsys_class);
	}
	return 0;
}

void vsys_chr_exit(void)
{
	class_destroy(vsys_class);
	unregister_chrdev_region(vsys_chr_first, VSYS_CHR_MINORS);
	ida_destroy(&vsys_chr_minors);
}
