/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of the test driver, for itself and for its client
 * (tests/tools/ioctl-client).
 *
 * Each structure is a number of words (pointers and longs of the caller) and
 * after them an even number of 32-bit values.  So the layout of a 32-bit
 * program follows from that of a 64-bit one: its words are half as long, and
 * the size in the command's number is smaller by four bytes a word.
 *
 * What a call gives depends on nothing but its input and the calls before it:
 * no addresses, times, process ids or descriptor numbers.
 */
#ifndef VSYSTEST_ABI_H
#define VSYSTEST_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VT_MAGIC	0xb9
#define VT_NODES	4		/* /dev/vsystest0 and on */
/*
 * As sg: only who has opened it may read and write, and a read waits also if there
 * is no request yet.
 */
#define VT_NODE_OPENER_ONLY	3
#define VT_MAX_LEN	(4u << 20)	/* of one piece of data */
#define VT_MAX_LIST	4096
#define VT_MAX_TREE	256		/* nodes of a tree */
#define VT_MAX_DEPTH	8
#define VT_MAX_CHILDREN	16
#define VT_MAX_VECS	1024
#define VT_MAX_PINS	64		/* of an open file */
#define VT_MAX_FILES	64		/* of VT_FILE_MANY */
#define VT_FILE_SIZE	65536		/* bytes that a new file keeps */
#define VT_TOKENS	64
#define VT_WAIT_LIMIT	120		/* seconds, then ETIMEDOUT: no test hangs */

/* What is done with data. */
enum vt_op {
	VT_OP_IN,		/* read */
	VT_OP_OUT,		/* written */
	VT_OP_INOUT,		/* read, changed, written */
	VT_OP_SOME,		/* read, and every 7th byte written */
	VT_OP_STRING,		/* read up to a zero byte */
	VT_OP_CLEAR,		/* written with zeroes */
	VT_OP_BACKWARD,		/* in and out, a byte at a time from the last */
	VT_OP_NOTHING,		/* the pointer is not followed */
	VT_OP_LIMIT,
	VT_OP_CHUNKED = 0x100	/* or'ed: by 4096 bytes instead of all at once */
};

/* One piece of data. */
struct vt_data {
	unsigned long data;
	__u32 op, len, salt, result;
};

#define VT_DATA_WORDS 1

/* Pointers three deep; each level is read and written. */
struct vt_deep {
	unsigned long mid;
	__u32 salt, result;
};

#define VT_DEEP_WORDS 1

struct vt_mid {
	unsigned long before, leaf;
	__u32 salt, result;
};

#define VT_MID_WORDS 2

/* VT_DEEP's last level is a struct vt_data. */

/* A linked list, walked to its end or for nr nodes. */
struct vt_list {
	unsigned long head;
	__u32 nr, reverse, result, zero;
};

#define VT_LIST_WORDS 1

struct vt_node {
	unsigned long next, data;
	__u32 op, len, salt, result;
};

#define VT_NODE_WORDS 2

/* Bytes of some iovecs are changed, and stored into others. */
struct vt_vecs {
	unsigned long in, out;
	__u32 nr_in, nr_out, salt, result;
};

#define VT_VECS_WORDS 2

/* A tree: `children` points to `nr` pointers to further nodes. */
struct vt_tree {
	unsigned long data, children;
	__u32 op, len, salt, nr, result, zero;
};

#define VT_TREE_WORDS 2

/* No pointer in it. */
struct vt_flat {
	__u32 v[16];
};

/* Memory that is used after the call. */
struct vt_pin {
	unsigned long data;
	__u32 len, salt;
	__u32 delay;		/* ms until it is written; 0: not by itself */
	__u32 id;		/* out */
};

#define VT_PIN_WORDS 1

struct vt_pinned {
	__u32 id, offset, len, salt, result, zero;
};

/* A call that waits. */
struct vt_wait {
	unsigned long data;
	__u32 token, len, salt, flags, result, zero;
};

#define VT_WAIT_WORDS	1
#define VT_WAIT_TOUCH	1	/* data is read before */
#define VT_WAIT_EINTR	2	/* a signal gives EINTR, not a restart */
#define VT_WAIT_NOWRITE	4	/* data is not written after */

/* New descriptors. */
struct vt_file_new {
	__s32 fd;		/* out */
	__u32 salt;
};

struct vt_file_many {
	unsigned long fds;	/* to __s32[nr], out */
	__u32 nr, salt;
};

#define VT_FILE_MANY_WORDS 1

/* One that is handed back. */
struct vt_file_use {
	unsigned long data;	/* appended to what the file keeps */
	__s32 fd;
	__u32 len, result, zero;
};

#define VT_FILE_USE_WORDS 1

/* How many calls of each command were made on this node, by its number. */
struct vt_count {
	__u32 nr[64];
};

/*
 * write() of one of these starts a request, read() waits for one that is done
 * (that of `tag`, or any if it is 0) and stores the data where the request
 * said, not where the reader's structure says: as /dev/sg does.
 */
struct vt_async {
	unsigned long data;
	__u32 op, len, salt, tag, status, result;
};

#define VT_ASYNC_WORDS 1

#define VT_NONE		_IO(VT_MAGIC, 0)	/* returns 1, 2, ... */
#define VT_INT		_IO(VT_MAGIC, 1)	/* argument: a number */
#define VT_OLD		0x5a77			/* as VT_FLAT; encodes no size */
#define VT_FLAT		_IOWR(VT_MAGIC, 2, struct vt_flat)
#define VT_DATA		_IOWR(VT_MAGIC, 3, struct vt_data)
#define VT_DATA_RET	_IOW(VT_MAGIC, 4, struct vt_data)	/* result is returned */
#define VT_DEEP		_IOWR(VT_MAGIC, 5, struct vt_deep)
#define VT_LIST		_IOWR(VT_MAGIC, 6, struct vt_list)
#define VT_VECS		_IOWR(VT_MAGIC, 7, struct vt_vecs)
#define VT_TREE		_IOWR(VT_MAGIC, 8, struct vt_tree)
#define VT_LIE		_IO(VT_MAGIC, 9)	/* as VT_DATA, and hides that it takes a pointer */
#define VT_PIN		_IOWR(VT_MAGIC, 16, struct vt_pin)
#define VT_PIN_WRITE	_IOW(VT_MAGIC, 17, struct vt_pinned)
#define VT_PIN_READ	_IOWR(VT_MAGIC, 18, struct vt_pinned)
#define VT_PIN_WAIT	_IO(VT_MAGIC, 19)	/* id; until it was written by itself */
#define VT_UNPIN	_IO(VT_MAGIC, 20)	/* id */
#define VT_PINS		_IO(VT_MAGIC, 21)	/* pins of the node, by all files */
#define VT_WAIT		_IOWR(VT_MAGIC, 24, struct vt_wait)
#define VT_SIGNAL	_IO(VT_MAGIC, 25)	/* token; one waiter goes on */
#define VT_WAITERS	_IO(VT_MAGIC, 26)	/* token */
#define VT_FILE_RET	_IO(VT_MAGIC, 32)	/* salt; returns the descriptor */
#define VT_FILE_NEW	_IOWR(VT_MAGIC, 33, struct vt_file_new)
#define VT_FILE_MANY	_IOWR(VT_MAGIC, 34, struct vt_file_many)
#define VT_FILE_USE	_IOWR(VT_MAGIC, 35, struct vt_file_use)
#define VT_FILES	_IO(VT_MAGIC, 36)	/* new files of the node that are open */
#define VT_FILE_STAT	_IOWR(VT_MAGIC, 40, struct vt_data)	/* of a new file */
#define VT_COUNT	_IOR(VT_MAGIC, 48, struct vt_count)
#define VT_COUNT_RESET	_IO(VT_MAGIC, 49)

/* Places in struct vt_count that are no command's own number. */
#define VT_COUNT_OLD	50
#define VT_COUNT_READ	51
#define VT_COUNT_WRITE	52

#endif /* VSYSTEST_ABI_H */
