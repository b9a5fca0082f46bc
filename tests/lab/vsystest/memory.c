// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that follow pointers of the caller while they run.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "vsystest.h"

u32 vt_digest(const void *data, size_t len, u32 digest)
{
	const u8 *p = data;

	while (len--)
		digest = (digest ^ *p++) * 16777619u;
	return digest;
}

/* Byte number i depends on salt and i only, wherever a piece begins. */
static u8 vt_byte(u32 salt, size_t i)
{
	u32 x = ((u32)i + salt) * 2654435761u;

	return (x >> 24) ^ (x >> 11);
}

void vt_fill(void *data, size_t len, u32 salt, size_t from)
{
	u8 *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = vt_byte(salt, from + i);
}

/* A piece that is in the kernel's memory, `from` bytes behind the beginning. */
static void vt_change(u32 op, u8 *p, size_t len, u32 salt, size_t from)
{
	size_t i;

	switch (op) {
	case VT_OP_OUT:
		vt_fill(p, len, salt, from);
		break;
	case VT_OP_INOUT:
		for (i = 0; i < len; i++)
			p[i] = (p[i] ^ vt_byte(salt, from + i)) + 1;
		break;
	}
}

/* Every 7th byte, one at a time, and neither of their neighbours. */
static int vt_some(const u8 *p, u8 __user *data, size_t len, u32 salt, size_t from)
{
	size_t i;

	for (i = (7 - from % 7) % 7; i < len; i += 7)
		if (put_user((u8)(p[i] ^ vt_byte(salt, from + i)), data + i))
			return -EFAULT;
	return 0;
}

static int vt_piece(u32 op, void *buf, u8 __user *data, size_t len, u32 salt, size_t from,
		    u32 *result)
{
	if (op == VT_OP_CLEAR)
		return clear_user(data, len) ? -EFAULT : 0;
	if (op != VT_OP_OUT) {
		if (copy_from_user(buf, data, len))
			return -EFAULT;
		*result = vt_digest(buf, len, *result);
	}
	if (op == VT_OP_IN)
		return 0;
	if (op == VT_OP_SOME)
		return vt_some(buf, data, len, salt, from);
	vt_change(op, buf, len, salt, from);
	return copy_to_user(data, buf, len) ? -EFAULT : 0;
}

static int vt_backward(u8 __user *data, u32 len, u32 salt, u32 *result)
{
	u8 byte;

	while (len--) {
		if (get_user(byte, data + len))
			return -EFAULT;
		*result = vt_digest(&byte, 1, *result);
		if (put_user((u8)(byte + vt_byte(salt, len)), data + len))
			return -EFAULT;
		if (!(len & 4095) && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int vt_string(const char __user *data, u32 len, u32 *result)
{
	long got;
	char *s;

	if (!len)
		return -EINVAL;
	got = strnlen_user(data, len);
	if (!got)
		return -EFAULT;
	s = strndup_user(data, len);
	if (IS_ERR(s))
		return PTR_ERR(s);
	*result = vt_digest(s, strlen(s), *result + got);
	kfree(s);
	return 0;
}

/* What `op` says to `len` bytes; *result gets a digest of what was read. */
int vt_touch(u32 op, void __user *data, u32 len, u32 salt, u32 *result)
{
	bool chunked = op & VT_OP_CHUNKED;
	size_t step, at, n;
	int err = 0;
	void *buf;

	op &= ~VT_OP_CHUNKED;
	*result = 2166136261u;
	if (op >= VT_OP_LIMIT || len > VT_MAX_LEN)
		return -EINVAL;
	if (op == VT_OP_NOTHING || (!len && op != VT_OP_STRING))
		return 0;
	if (op == VT_OP_STRING)
		return vt_string(data, len, result);
	if (op == VT_OP_BACKWARD)
		return vt_backward(data, len, salt, result);
	step = chunked ? min(len, 4096u) : len;
	buf = kvmalloc(step, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	for (at = 0; at < len && !err; at += n) {
		n = min_t(size_t, step, len - at);
		err = vt_piece(op, buf, data + at, n, salt, at, result);
	}
	kvfree(buf);
	return err;
}

long vt_flat(struct vt_call *c)
{
	struct vt_flat flat;
	size_t i;

	if (copy_from_user(&flat, vt_ptr(c->arg), sizeof(flat)))
		return -EFAULT;
	for (i = 1; i < ARRAY_SIZE(flat.v); i++)
		flat.v[i] += flat.v[i - 1] * 31;
	return copy_to_user(vt_ptr(c->arg), &flat, sizeof(flat)) ? -EFAULT : 0;
}

static long vt_data_at(struct vt_call *c, void __user *at, u32 *result)
{
	struct vt_data data;
	int err;

	if (VT_GET(c, &data, at, VT_DATA_WORDS))
		return -EFAULT;
	err = vt_touch(data.op, vt_ptr(data.data), data.len, data.salt, result);
	return err;
}

long vt_data(struct vt_call *c)
{
	u32 result;
	long err = vt_data_at(c, vt_ptr(c->arg), &result);

	return err ?: vt_put_value(c, vt_ptr(c->arg), VT_DATA_WORDS, 3, result);
}

long vt_data_ret(struct vt_call *c)
{
	u32 result;
	long err = vt_data_at(c, vt_ptr(c->arg), &result);

	return err ?: result >> 1;
}

long vt_deep(struct vt_call *c)
{
	struct vt_deep deep;
	struct vt_mid mid;
	u32 result;
	long err;

	if (VT_GET(c, &deep, vt_ptr(c->arg), VT_DEEP_WORDS) ||
	    VT_GET(c, &mid, vt_ptr(deep.mid), VT_MID_WORDS))
		return -EFAULT;
	err = vt_data_at(c, vt_ptr(mid.leaf), &result);
	if (err)
		return err;
	if (vt_put_value(c, vt_ptr(mid.leaf), VT_DATA_WORDS, 3, result))
		return -EFAULT;
	/* The middle one as a whole, its pointers too. */
	mid.result = result * 31 + mid.salt;
	if (VT_PUT(c, vt_ptr(deep.mid), &mid, VT_MID_WORDS))
		return -EFAULT;
	return vt_put_value(c, vt_ptr(c->arg), VT_DEEP_WORDS, 1, mid.result * 31 + deep.salt);
}

/* One node of a list: its data, then its result, and its new successor. */
static long vt_list_node(struct vt_call *c, unsigned long at, struct vt_node *node,
			 bool reverse, unsigned long before)
{
	long err;
	u32 len;

	if (VT_GET(c, node, vt_ptr(at), VT_NODE_WORDS))
		return -EFAULT;
	err = vt_touch(node->op, vt_ptr(node->data), node->len, node->salt, &node->result);
	if (err)
		return err;
	if (vt_put_value(c, vt_ptr(at), VT_NODE_WORDS, 3, node->result))
		return -EFAULT;
	if (!reverse)
		return 0;
	len = c->compat ? 4 : 8;	/* little endian, as all that Xen runs on here */
	return copy_to_user(vt_ptr(at), &before, len) ? -EFAULT : 0;
}

long vt_list(struct vt_call *c)
{
	unsigned long at, before = 0;
	struct vt_list list;
	struct vt_node node;
	u32 nr = 0;
	long err;

	if (VT_GET(c, &list, vt_ptr(c->arg), VT_LIST_WORDS))
		return -EFAULT;
	list.nr = min_t(u32, list.nr, VT_MAX_LIST);
	list.result = 0;
	for (at = list.head; at && nr < list.nr; nr++) {
		err = vt_list_node(c, at, &node, list.reverse, before);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		list.result = list.result * 31 + node.result;
		before = at;
		at = node.next;
	}
	if (list.reverse)
		list.head = before;
	if (VT_PUT(c, vt_ptr(c->arg), &list, VT_LIST_WORDS))
		return -EFAULT;
	return nr;
}

/* As readv and writev get at it, whose layout the kernel itself knows. */
static ssize_t vt_import(struct vt_call *c, unsigned long vecs, u32 nr, int dir,
			 struct iovec **iov, struct iov_iter *iter)
{
	*iov = NULL;
	return import_iovec(dir, (void __user *)vecs, nr, 0, iov, iter);
}

long vt_vecs(struct vt_call *c)
{
	struct iovec *iov_in, *iov_out;
	struct iov_iter in, out;
	struct vt_vecs vecs;
	ssize_t len_in, len_out, done = 0;
	u8 *buf;

	if (VT_GET(c, &vecs, vt_ptr(c->arg), VT_VECS_WORDS))
		return -EFAULT;
	if (vecs.nr_in > VT_MAX_VECS || vecs.nr_out > VT_MAX_VECS)
		return -EINVAL;
	len_in = vt_import(c, vecs.in, vecs.nr_in, ITER_SOURCE, &iov_in, &in);
	if (len_in < 0)
		return len_in;
	len_out = vt_import(c, vecs.out, vecs.nr_out, ITER_DEST, &iov_out, &out);
	if (len_out < 0) {
		kfree(iov_in);
		return len_out;
	}
	buf = kmalloc(3000, GFP_KERNEL);	/* no divisor of a page */
	vecs.result = 2166136261u;
	while (buf && done < len_in && done < VT_MAX_LEN) {
		size_t want = min_t(size_t, 3000, VT_MAX_LEN - done);
		size_t got = copy_from_iter(buf, want, &in);
		size_t n = min_t(size_t, got, iov_iter_count(&out));

		vecs.result = vt_digest(buf, got, vecs.result);
		vt_change(VT_OP_INOUT, buf, got, vecs.salt, done);
		n = copy_to_iter(buf, n, &out);
		vecs.result += n;
		done += got;
		if (got < want)
			break;
	}
	kfree(iov_in);
	kfree(iov_out);
	if (!buf)
		return -ENOMEM;
	kfree(buf);
	if (done < min_t(ssize_t, len_in, VT_MAX_LEN))
		return -EFAULT;
	if (vt_put_value(c, vt_ptr(c->arg), VT_VECS_WORDS, 3, vecs.result))
		return -EFAULT;
	return done;
}

struct vt_walk {
	u32 nr, result;
	unsigned long bytes;
};

static long vt_walk(struct vt_call *c, unsigned long at, u32 depth, struct vt_walk *walk)
{
	size_t size = c->compat ? 4 : 8;
	struct vt_tree tree;
	long err;
	u32 i;

	if (depth >= VT_MAX_DEPTH || walk->nr++ >= VT_MAX_TREE)
		return -ELOOP;
	if (VT_GET(c, &tree, vt_ptr(at), VT_TREE_WORDS))
		return -EFAULT;
	walk->bytes += tree.len;
	if (tree.nr > VT_MAX_CHILDREN || walk->bytes > VT_MAX_LEN)
		return -EINVAL;
	if (fatal_signal_pending(current))
		return -EINTR;
	err = vt_touch(tree.op, vt_ptr(tree.data), tree.len, tree.salt, &tree.result);
	if (err)
		return err;
	walk->result = walk->result * 31 + tree.result;
	for (i = 0; i < tree.nr; i++) {
		unsigned long child = 0;

		if (copy_from_user(&child, vt_ptr(tree.children + i * size), size))
			return -EFAULT;
		if (!child)
			continue;
		err = vt_walk(c, child, depth + 1, walk);
		if (err)
			return err;
	}
	return vt_put_value(c, vt_ptr(at), VT_TREE_WORDS, 4, walk->result);
}

long vt_tree(struct vt_call *c)
{
	struct vt_walk walk = {};
	long err = vt_walk(c, c->arg, 0, &walk);

	return err ?: walk.nr;
}
