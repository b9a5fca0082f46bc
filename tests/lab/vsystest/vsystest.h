/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsystest - a driver for tests of system-call level device virtualization.
 *
 * It is the native driver in dom0 of which the front-end and back-end know
 * nothing.  main.c has the nodes and the table of commands; each of the others
 * a way of using memory or descriptors of the caller.
 *
 * It trusts its callers with kernel memory (bounded for each open file), so it
 * belongs into test machines only.
 */
#ifndef VSYSTEST_H
#define VSYSTEST_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "abi.h"

/* One /dev/vsystestN. */
struct vt_dev {
	struct miscdevice misc;
	char name[16];
	bool opener_only;
	atomic_t count[64];
	atomic_t pins;
	atomic_t files;
	wait_queue_head_t wait;
	spinlock_t lock;		/* signals, waiters */
	u32 signals[VT_TOKENS];
	u32 waiters[VT_TOKENS];
};

/* One open file of it. */
struct vt_file {
	struct vt_dev *dev;
	atomic_t calls;
	struct mutex lock;		/* pins, next_pin */
	struct list_head pins;
	u32 nr_pins, next_pin;
	spinlock_t async_lock;		/* async, nr_async */
	struct list_head async;
	u32 nr_async;
	wait_queue_head_t async_wait;
};

/* One call: where it came from and in which layout. */
struct vt_call {
	struct vt_file *vf;
	struct file *file;
	unsigned long arg;
	bool compat;
};

static inline void __user *vt_ptr(u64 word)
{
	return u64_to_user_ptr(word);
}

/*
 * A structure of the caller: `words` words, then 32-bit values.  The result has
 * native words in any case.
 */
int vt_get(void *to, const void __user *from, size_t size, u32 words, bool compat);
int vt_put(void __user *to, const void *from, size_t size, u32 words, bool compat);
#define VT_GET(c, to, from, words) \
	vt_get(to, from, sizeof(*(to)), words, (c)->compat)
#define VT_PUT(c, to, from, words) \
	vt_put(to, from, sizeof(*(from)), words, (c)->compat)

/* Only the value number `index` of such a structure. */
static inline int vt_put_value(struct vt_call *c, void __user *record, u32 words,
			       u32 index, u32 value)
{
	u32 __user *p = record + words * (c->compat ? 4 : 8) + index * 4;

	return put_user(value, p);
}

/* memory.c: also how bytes and digests are made, for all. */
u32 vt_digest(const void *data, size_t len, u32 digest);
void vt_fill(void *data, size_t len, u32 salt, size_t from);
int vt_touch(u32 op, void __user *data, u32 len, u32 salt, u32 *result);
long vt_flat(struct vt_call *c);
long vt_data(struct vt_call *c);
long vt_data_ret(struct vt_call *c);
long vt_deep(struct vt_call *c);
long vt_list(struct vt_call *c);
long vt_vecs(struct vt_call *c);
long vt_tree(struct vt_call *c);

/* pin.c */
long vt_pin(struct vt_call *c);
long vt_pin_write(struct vt_call *c);
long vt_pin_read(struct vt_call *c);
long vt_pin_wait(struct vt_call *c);
long vt_unpin(struct vt_call *c);
long vt_pins(struct vt_call *c);
void vt_unpin_all(struct vt_file *vf);

/* wait.c */
long vt_wait(struct vt_call *c);
long vt_signal(struct vt_call *c);
long vt_waiters(struct vt_call *c);

/* file.c */
long vt_file_ret(struct vt_call *c);
long vt_file_new(struct vt_call *c);
long vt_file_many(struct vt_call *c);
long vt_file_use(struct vt_call *c);
long vt_files(struct vt_call *c);

/* async.c */
ssize_t vt_async_write(struct file *file, const char __user *buf, size_t count, loff_t *pos);
ssize_t vt_async_read(struct file *file, char __user *buf, size_t count, loff_t *pos);
__poll_t vt_async_poll(struct file *file, struct poll_table_struct *table);
void vt_async_end(struct vt_file *vf);

#endif /* VSYSTEST_H */
