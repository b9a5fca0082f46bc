// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New descriptors: files that keep what was written to them until it is read,
 * and can be named by number in a later call on the node.
 */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "vsystest.h"

struct vt_new {
	struct vt_dev *dev;
	struct mutex lock;		/* len, data */
	wait_queue_head_t wait;
	u32 salt, len;
	u8 data[VT_FILE_SIZE];
};

static ssize_t vt_new_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct vt_new *new = file->private_data;
	ssize_t n;
	int err;

	while (1) {
		mutex_lock(&new->lock);
		if (new->len)
			break;
		mutex_unlock(&new->lock);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(new->wait, READ_ONCE(new->len));
		if (err)
			return err;
	}
	n = min_t(size_t, count, new->len);
	if (copy_to_user(buf, new->data, n)) {
		n = -EFAULT;
	} else {
		new->len -= n;
		memmove(new->data, new->data + n, new->len);
	}
	mutex_unlock(&new->lock);
	return n;
}

static ssize_t vt_append(struct vt_new *new, const void __user *data, size_t count)
{
	ssize_t n;

	mutex_lock(&new->lock);
	n = min_t(size_t, count, VT_FILE_SIZE - new->len);
	if (count && !n)
		n = -ENOSPC;
	else if (copy_from_user(new->data + new->len, data, n))
		n = -EFAULT;
	else
		WRITE_ONCE(new->len, new->len + n);
	mutex_unlock(&new->lock);
	wake_up_interruptible(&new->wait);
	return n;
}

static ssize_t vt_new_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	return vt_append(file->private_data, buf, count);
}

static __poll_t vt_new_poll(struct file *file, struct poll_table_struct *table)
{
	struct vt_new *new = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &new->wait, table);
	mutex_lock(&new->lock);
	if (new->len)
		events |= EPOLLIN | EPOLLRDNORM;
	if (new->len < VT_FILE_SIZE)
		events |= EPOLLOUT | EPOLLWRNORM;
	mutex_unlock(&new->lock);
	return events;
}

static u32 vt_new_digest(struct vt_new *new)
{
	u32 digest;

	mutex_lock(&new->lock);
	digest = vt_digest(new->data, new->len, 2166136261u ^ new->salt);
	mutex_unlock(&new->lock);
	return digest;
}

static long vt_new_ioctl_at(struct file *file, u32 cmd, unsigned long arg, bool compat)
{
	struct vt_call c = { .file = file, .arg = arg, .compat = compat };
	u32 stat = VT_FILE_STAT;
	struct vt_data data;
	u32 result;
	int err;

	if (compat)
		stat -= (VT_DATA_WORDS * 4) << _IOC_SIZESHIFT;
	if (cmd != stat)
		return -ENOTTY;
	if (VT_GET(&c, &data, vt_ptr(arg), VT_DATA_WORDS))
		return -EFAULT;
	err = vt_touch(data.op, vt_ptr(data.data), data.len, data.salt, &result);
	if (err)
		return err;
	result = result * 31 + vt_new_digest(file->private_data);
	return vt_put_value(&c, vt_ptr(arg), VT_DATA_WORDS, 3, result);
}

static long vt_new_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vt_new_ioctl_at(file, cmd, arg, false);
}

static long vt_new_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vt_new_ioctl_at(file, cmd, (u32)arg, true);
}

static int vt_new_release(struct inode *inode, struct file *file)
{
	struct vt_new *new = file->private_data;

	atomic_dec(&new->dev->files);
	kvfree(new);
	return 0;
}

static const struct file_operations vt_new_fops = {
	.owner = THIS_MODULE,
	.release = vt_new_release,
	.read = vt_new_read,
	.write = vt_new_write,
	.poll = vt_new_poll,
	.unlocked_ioctl = vt_new_ioctl,
	.compat_ioctl = vt_new_compat_ioctl,
	.llseek = no_llseek,
};

/* The file, and a number for it that is not in use before fd_install(). */
static struct file *vt_make(struct vt_dev *dev, u32 salt, int *fd)
{
	struct vt_new *new;
	struct file *file;

	new = kvzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->dev = dev;
	new->salt = salt;
	new->len = salt % 100;	/* so that there is something to read */
	vt_fill(new->data, new->len, salt, 0);
	mutex_init(&new->lock);
	init_waitqueue_head(&new->wait);
	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd < 0) {
		kvfree(new);
		return ERR_PTR(*fd);
	}
	file = anon_inode_getfile("[vsystest]", &vt_new_fops, new, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(*fd);
		kvfree(new);
		return file;
	}
	atomic_inc(&dev->files);
	return file;
}

long vt_file_ret(struct vt_call *c)
{
	struct file *file;
	int fd;

	file = vt_make(c->vf->dev, c->arg, &fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd_install(fd, file);
	return fd;
}

long vt_file_new(struct vt_call *c)
{
	struct vt_file_new arg;
	struct file *file;
	int fd;

	if (copy_from_user(&arg, vt_ptr(c->arg), sizeof(arg)))
		return -EFAULT;
	file = vt_make(c->vf->dev, arg.salt, &fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	arg.fd = fd;
	if (copy_to_user(vt_ptr(c->arg), &arg, sizeof(arg))) {
		put_unused_fd(fd);
		fput(file);
		return -EFAULT;
	}
	fd_install(fd, file);
	return 0;
}

long vt_file_many(struct vt_call *c)
{
	struct file *files[VT_MAX_FILES];
	struct vt_file_many arg;
	int fds[VT_MAX_FILES];
	long err = 0;
	u32 nr;

	if (VT_GET(c, &arg, vt_ptr(c->arg), VT_FILE_MANY_WORDS))
		return -EFAULT;
	if (arg.nr > VT_MAX_FILES)
		return -EINVAL;
	for (nr = 0; nr < arg.nr; nr++) {
		files[nr] = vt_make(c->vf->dev, arg.salt + nr, &fds[nr]);
		if (IS_ERR(files[nr])) {
			err = PTR_ERR(files[nr]);
			break;
		}
	}
	if (!err && copy_to_user(vt_ptr(arg.fds), fds, nr * sizeof(fds[0])))
		err = -EFAULT;
	while (nr--) {
		if (err) {
			put_unused_fd(fds[nr]);
			fput(files[nr]);
		} else {
			fd_install(fds[nr], files[nr]);
		}
	}
	return err;
}

long vt_file_use(struct vt_call *c)
{
	struct vt_file_use arg;
	struct fd f;
	long n;

	if (VT_GET(c, &arg, vt_ptr(c->arg), VT_FILE_USE_WORDS))
		return -EFAULT;
	f = fdget(arg.fd);
	if (!f.file)
		return -EBADF;
	n = -EBADF;
	if (f.file->f_op == &vt_new_fops)
		n = vt_append(f.file->private_data, vt_ptr(arg.data), arg.len);
	if (n >= 0) {
		arg.result = vt_new_digest(f.file->private_data);
		if (vt_put_value(c, vt_ptr(c->arg), VT_FILE_USE_WORDS, 2, arg.result))
			n = -EFAULT;
	}
	fdput(f);
	return n;
}

long vt_files(struct vt_call *c)
{
	return atomic_read(&c->vf->dev->files);
}
