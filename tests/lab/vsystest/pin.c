// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of the caller that is used after the call: pinned by VT_PIN, written by
 * a timer and by later calls, until VT_UNPIN or the close of the file.
 */
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "vsystest.h"

struct vt_pinning {
	struct kref ref;
	struct list_head list;
	struct vt_dev *dev;
	struct delayed_work work;
	struct completion written;
	u32 id, len, salt, offset, nr_pages;
	struct page *pages[];
};

static void vt_pin_free(struct kref *ref)
{
	struct vt_pinning *pin = container_of(ref, struct vt_pinning, ref);

	unpin_user_pages_dirty_lock(pin->pages, pin->nr_pages, true);
	atomic_dec(&pin->dev->pins);
	kvfree(pin);
}

static void vt_pin_put(struct vt_pinning *pin)
{
	kref_put(&pin->ref, vt_pin_free);
}

/* Calls fn for each piece of the range that is in one page. */
static void vt_pin_pieces(struct vt_pinning *pin, u32 at, u32 len,
			  void (*fn)(void *p, u32 n, u32 done, void *context), void *context)
{
	u32 done, n;

	for (done = 0; done < len; done += n) {
		u32 where = pin->offset + at + done;
		u8 *p = kmap_local_page(pin->pages[where / PAGE_SIZE]);

		n = min_t(u32, len - done, PAGE_SIZE - where % PAGE_SIZE);
		fn(p + where % PAGE_SIZE, n, done, context);
		kunmap_local(p);
	}
}

static void vt_pin_fill(void *p, u32 n, u32 done, void *salt)
{
	vt_fill(p, n, *(u32 *)salt, done);
}

static void vt_pin_digest(void *p, u32 n, u32 done, void *digest)
{
	*(u32 *)digest = vt_digest(p, n, *(u32 *)digest);
}

static void vt_pin_work(struct work_struct *work)
{
	struct vt_pinning *pin = container_of(work, struct vt_pinning, work.work);

	vt_pin_pieces(pin, 0, pin->len, vt_pin_fill, &pin->salt);
	complete_all(&pin->written);
}

/* The caller has taken it from the list. */
static void vt_pin_end(struct vt_pinning *pin)
{
	cancel_delayed_work_sync(&pin->work);
	complete_all(&pin->written);
	vt_pin_put(pin);
}

static struct vt_pinning *vt_pin_find(struct vt_file *vf, u32 id)
{
	struct vt_pinning *pin;

	lockdep_assert_held(&vf->lock);
	list_for_each_entry(pin, &vf->pins, list)
		if (pin->id == id)
			return pin;
	return NULL;
}

static struct vt_pinning *vt_pin_get(struct vt_file *vf, u32 id)
{
	struct vt_pinning *pin;

	mutex_lock(&vf->lock);
	pin = vt_pin_find(vf, id);
	if (pin)
		kref_get(&pin->ref);
	mutex_unlock(&vf->lock);
	return pin;
}

static struct vt_pinning *vt_pin_new(struct vt_dev *dev, const struct vt_pin *arg)
{
	u32 offset = arg->data & ~PAGE_MASK;
	u32 nr = DIV_ROUND_UP(offset + arg->len, PAGE_SIZE);
	struct vt_pinning *pin;
	int got;

	pin = kvzalloc(struct_size(pin, pages, nr), GFP_KERNEL);
	if (!pin)
		return ERR_PTR(-ENOMEM);
	got = pin_user_pages_fast(arg->data & PAGE_MASK, nr, FOLL_WRITE | FOLL_LONGTERM,
				  pin->pages);
	if (got != nr) {
		if (got > 0)
			unpin_user_pages(pin->pages, got);
		kvfree(pin);
		return ERR_PTR(-EFAULT);
	}
	kref_init(&pin->ref);
	INIT_DELAYED_WORK(&pin->work, vt_pin_work);
	init_completion(&pin->written);
	pin->dev = dev;
	pin->len = arg->len;
	pin->salt = arg->salt;
	pin->offset = offset;
	pin->nr_pages = nr;
	atomic_inc(&dev->pins);
	return pin;
}

/* 0, and the pin belongs to the file. */
static int vt_pin_add(struct vt_file *vf, struct vt_pinning *pin)
{
	int err = 0;

	mutex_lock(&vf->lock);
	if (vf->nr_pins < VT_MAX_PINS) {
		pin->id = ++vf->next_pin;
		vf->nr_pins++;
		list_add(&pin->list, &vf->pins);
	} else {
		err = -ENOSPC;
	}
	mutex_unlock(&vf->lock);
	return err;
}

long vt_pin(struct vt_call *c)
{
	struct vt_pinning *pin;
	struct vt_pin arg;
	u32 id;
	int err;

	if (VT_GET(c, &arg, vt_ptr(c->arg), VT_PIN_WORDS))
		return -EFAULT;
	if (!arg.len || arg.len > VT_MAX_LEN || arg.delay > 10000)
		return -EINVAL;
	pin = vt_pin_new(c->vf->dev, &arg);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	err = vt_pin_add(c->vf, pin);
	if (err) {
		vt_pin_put(pin);
		return err;
	}
	id = pin->id;
	if (arg.delay)
		schedule_delayed_work(&pin->work, msecs_to_jiffies(arg.delay));
	return vt_put_value(c, vt_ptr(c->arg), VT_PIN_WORDS, 3, id);
}

/* The pin and the range in it that an argument names. */
static struct vt_pinning *vt_pin_range(struct vt_call *c, struct vt_pinned *arg)
{
	struct vt_pinning *pin;

	if (copy_from_user(arg, vt_ptr(c->arg), sizeof(*arg)))
		return ERR_PTR(-EFAULT);
	pin = vt_pin_get(c->vf, arg->id);
	if (!pin)
		return ERR_PTR(-ENOENT);
	if (arg->len > pin->len || arg->offset > pin->len - arg->len) {
		vt_pin_put(pin);
		return ERR_PTR(-EINVAL);
	}
	return pin;
}

long vt_pin_write(struct vt_call *c)
{
	struct vt_pinning *pin;
	struct vt_pinned arg;

	pin = vt_pin_range(c, &arg);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	vt_pin_pieces(pin, arg.offset, arg.len, vt_pin_fill, &arg.salt);
	vt_pin_put(pin);
	return 0;
}

long vt_pin_read(struct vt_call *c)
{
	u32 digest = 2166136261u;
	struct vt_pinning *pin;
	struct vt_pinned arg;

	pin = vt_pin_range(c, &arg);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	vt_pin_pieces(pin, arg.offset, arg.len, vt_pin_digest, &digest);
	vt_pin_put(pin);
	return vt_put_value(c, vt_ptr(c->arg), 0, 4, digest);
}

long vt_pin_wait(struct vt_call *c)
{
	struct vt_pinning *pin = vt_pin_get(c->vf, c->arg);
	long left;

	if (!pin)
		return -ENOENT;
	left = wait_for_completion_interruptible_timeout(&pin->written, VT_WAIT_LIMIT * HZ);
	vt_pin_put(pin);
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

long vt_unpin(struct vt_call *c)
{
	struct vt_file *vf = c->vf;
	struct vt_pinning *pin;

	mutex_lock(&vf->lock);
	pin = vt_pin_find(vf, c->arg);
	if (pin) {
		list_del(&pin->list);
		vf->nr_pins--;
	}
	mutex_unlock(&vf->lock);
	if (!pin)
		return -ENOENT;
	vt_pin_end(pin);
	return 0;
}

long vt_pins(struct vt_call *c)
{
	return atomic_read(&c->vf->dev->pins);
}

/* The file is closed: nobody else is in here. */
void vt_unpin_all(struct vt_file *vf)
{
	struct vt_pinning *pin, *next;

	list_for_each_entry_safe(pin, next, &vf->pins, list) {
		list_del(&pin->list);
		vt_pin_end(pin);
	}
}
