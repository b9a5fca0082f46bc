// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that wait, until another call signals their token.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "vsystest.h"

static bool vt_signalled(struct vt_dev *dev, u32 token)
{
	bool yes;

	spin_lock(&dev->lock);
	yes = dev->signals[token];
	if (yes)
		dev->signals[token]--;
	spin_unlock(&dev->lock);
	return yes;
}

static void vt_count_waiter(struct vt_dev *dev, u32 token, int by)
{
	spin_lock(&dev->lock);
	dev->waiters[token] += by;
	spin_unlock(&dev->lock);
}

static long vt_await(struct vt_dev *dev, struct file *file, u32 token)
{
	long left;

	if (file->f_flags & O_NONBLOCK)
		return vt_signalled(dev, token) ? 0 : -EAGAIN;
	vt_count_waiter(dev, token, 1);
	left = wait_event_interruptible_timeout(dev->wait, vt_signalled(dev, token),
						VT_WAIT_LIMIT * HZ);
	vt_count_waiter(dev, token, -1);
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

long vt_wait(struct vt_call *c)
{
	struct vt_wait wait;
	u32 result = 0;
	long err;

	if (VT_GET(c, &wait, vt_ptr(c->arg), VT_WAIT_WORDS))
		return -EFAULT;
	if (wait.token >= VT_TOKENS)
		return -EINVAL;
	if (wait.flags & VT_WAIT_TOUCH) {
		err = vt_touch(VT_OP_IN, vt_ptr(wait.data), wait.len, 0, &result);
		if (err)
			return err;
	}
	err = vt_await(c->vf->dev, c->file, wait.token);
	if (err == -ERESTARTSYS && (wait.flags & VT_WAIT_EINTR))
		err = -EINTR;
	if (err)
		return err;
	wait.result = result;
	if (!(wait.flags & VT_WAIT_NOWRITE)) {
		err = vt_touch(VT_OP_OUT, vt_ptr(wait.data), wait.len, wait.salt, &result);
		if (err)
			return err;
	}
	return vt_put_value(c, vt_ptr(c->arg), VT_WAIT_WORDS, 4, wait.result);
}

long vt_signal(struct vt_call *c)
{
	struct vt_dev *dev = c->vf->dev;

	if (c->arg >= VT_TOKENS)
		return -EINVAL;
	spin_lock(&dev->lock);
	dev->signals[c->arg]++;
	spin_unlock(&dev->lock);
	wake_up_interruptible_all(&dev->wait);
	return 0;
}

long vt_waiters(struct vt_call *c)
{
	struct vt_dev *dev = c->vf->dev;
	long waiters;

	if (c->arg >= VT_TOKENS)
		return -EINVAL;
	spin_lock(&dev->lock);
	waiters = dev->waiters[c->arg];
	spin_unlock(&dev->lock);
	return waiters;
}
