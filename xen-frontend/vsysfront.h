/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vsysfront.h - what the parts of the front-end module share.
 *
 * Layers, each of which knows only the one below:
 *
 *   chr.c, blk.c   the node
 *   ports.c        in the place of a node, and of all below but queue.c's
 *                  beginning and end: a range of ports; its interrupt: ports-irq.c
 *   file.c         an open file: of a character node, or made by a call
 *   rw.c, poll.c   its read and write; its poll
 *   mirror.c       a call whose arguments lead to the caller's memory
 *   call.c         one request from process context: wait, signal, orphan
 *   queue.c        one queue: ring, ids, pool, event channel
 *   main.c         the xenbus device: states, negotiation (beside the above)
 *
 * Lifetime: a vsys_device is counted.  Its xenbus device, each node and each
 * call hold it.  The queues are part of it and stay until the end, but a queue
 * that is not "live" has no ring, and takes no request.
 */
#ifndef VSYSFRONT_H
#define VSYSFRONT_H

#include <linux/completion.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>
#include <xen/xenbus.h>

#include <xen/io/vsysif.h>
#include "vsys-xenstore.h"

struct vsys_queue;
struct vsys_device;

/* Ids that only CANCEL requests get, so that a full ring can be emptied. */
#define VSYS_CANCEL_IDS		4u
/*
 * Reads of a character node, ioctls and polls may wait for ever.  They leave
 * this part of the ids and of the pool free, so that the writes that they may
 * wait for, opens and closes always get through.
 */
#define VSYS_KEEP_FREE(n)	((n) / 4)

/* Of a device, in all queues, to begin with; but of each queue at least these. */
#define VSYS_POOL_BEGIN		256u
#define VSYS_POOL_LEAST		64u
/* That long a piece must not have been needed to be given back. */
#define VSYS_POOL_IDLE		(10 * HZ)

/* It is tried again, if there was no memory for it. */
#define VSYS_POOL_AGAIN		HZ

/* Of a range of ports: pages for batches on their way. */
#define VSYS_PORTS_POOL_PAGES	24u

/* Pages of the pool that belong to a request. */
struct vsys_buf {
	u16 nr;			/* pages of data, in page[] */
	bool indirect;		/* page[nr] holds the array of segments */
	u16 *page;		/* room for the pages and one more */
};

/* A request on its way.  Embedded in what it is for. */
struct vsys_req {
	struct vsys_request wire;	/* id is set when it is sent */
	struct vsys_response rsp;	/* a checked copy; status: a Linux errno */
	struct vsys_buf buf;
	bool waits;			/* may wait for ever: VSYS_KEEP_FREE */
	/* Of a call: its id stays reserved, and it is content with min_pages. */
	bool keep_id;
	u16 min_pages;
	struct vsys_req *target;	/* of a CANCEL; lives as long as it */
	struct list_head link;		/* of responses that wait for done() */
	u64 sent_ns;			/* it was alone; 0: it was not */
	bool look;			/* ... and vsys_spin() may be called */
	/*
	 * Called once for each sent request, from the interrupt handler or,
	 * with rsp.status == -ENODEV, when the device goes.  No lock is held.
	 */
	void (*done)(struct vsys_req *req);
};

struct vsys_pool {
	u32 nr_pages;			/* that may be taken */
	u32 nr_free;
	u32 least_free;			/* since shrinking was thought of */
	u32 max_pages;
	u32 nr_granted;			/* with those of a piece on its way */
	bool growing;
	u32 hint;			/* where to look for a free page */
	unsigned long *used;		/* bitmap */
	unsigned long *edge;		/* bitmap: with it a further piece begins */
	struct page **page;
	grant_ref_t *gref;
	u32 nr_dirs;
	void *dir[VSYS_MAX_POOL_PAGES / VSYS_POOL_DIR_GREFS + 1];
	grant_ref_t dir_gref[VSYS_MAX_POOL_PAGES / VSYS_POOL_DIR_GREFS + 1];
};

struct vsys_stats {
	u64 requests, responses, notifications, interrupts;
	u64 copied_pages;		/* from or to the pool, by this side */
	u64 waits;			/* for an id or for pages */
	/* Of mirrored calls. */
	u64 calls, round_trips, needs, pages_sent, dirty_bytes, grants_mapped;
};

struct vsys_queue {
	struct vsys_device *vdev;
	unsigned int index;

	spinlock_t lock;		/* all below, up to the next blank line */
	bool live;			/* requests may be sent */
	struct vsys_front_ring ring;
	struct vsys_req **slot;		/* by id: the request in flight */
	u16 *free_id;
	u32 nr_ids, nr_free_ids;
	struct vsys_pool pool;
	struct vsys_stats stats;
	bool starved;			/* the block node waits for room */
	struct list_head cancels;	/* CANCELs that wait for an id */
	u32 polls;			/* POLLs that wait, in flight */
	u64 spin_ns;			/* how long to look for a response: spin.c */
	u32 spin_skip, spin_lone;	/* lone requests: not to look for; counted */
	bool looked;			/* responses were taken without an event */
	bool spin_trial;		/* the latest one is not looked for */

	struct mutex resize_lock;	/* of the pool: one at a time */
	struct delayed_work grow_work, shrink_work;

	struct mutex alloc_lock;	/* first come, first served, for room */
	wait_queue_head_t room;

	void *sring;
	grant_ref_t ring_ref[1u << VSYS_MAX_RING_PAGE_ORDER];
	evtchn_port_t evtchn;
	int irq;
};

struct vsys_node_ops;
struct vsys_mm;

/* The address spaces that calls came from: mm.c. */
struct vsys_mms {
	struct mutex make_lock;		/* one is made at a time */
	spinlock_t lock;		/* all below */
	DECLARE_HASHTABLE(hash, 6);	/* of struct vsys_mm, by their mm */
	bool closed;
	struct ida numbers;		/* has a lock of its own */
};

/* What calls touched: learn.c. */
struct vsys_shapes {
	spinlock_t lock;
	struct list_head lru;		/* of struct vsys_shape; first: the newest */
	u32 nr;
};

enum vsys_phase {
	VSYS_NEW,			/* waits for the back-end's InitWait */
	VSYS_PUBLISHED,			/* queues exist */
	VSYS_PLUGGED,			/* queues are live, the node is there or will be */
	VSYS_UNPLUGGED,			/* for ever: the next life is another struct */
};

struct vsys_device {
	struct kref kref;
	struct xenbus_device *xdev;	/* not after remove */
	char label[32];			/* for messages, also after remove */
	enum vsys_phase phase;		/* of xenwatch and remove, never at once */
	const char *broken;		/* what nonsense the back-end sent, or NULL */
	bool unplugging;		/* ... and nobody is to hear of it any more */
	struct work_struct add_work, broken_work, free_work;

	unsigned int ring_order;
	unsigned int nr_queues;
	u32 max_length;			/* bytes of one READ or WRITE */
	u32 blk_max_length;		/* of a block request: needs no further piece of a pool */
	u32 keep_pages;			/* of a pool, that calls leave to block requests */
	u32 call_pages;			/* of the pool, for one request of a call */
	struct vsys_queue *queue;
	domid_t backend_id;
	u32 devid;
	bool feature_ioctl, feature_poll, feature_pool_grow;
	enum vsys_payload payload;
	enum vsys_exclusive exclusive;
	u32 ping, media_changes, eject_requests;
	bool tells_media;		/* its media can change */
	u32 native_major, native_minor;	/* the node's, if it can be; 0: any */
	struct vsys_mms mms;
	struct vsys_shapes shapes;

	char name[VSYS_MAX_NAME + 1];
	bool readable, writable;
	const struct vsys_node_ops *ops;
	void *node;			/* of chr.c or blk.c, NULL: none */
	struct dentry *debugfs;
};

/* A kind of node. */
struct vsys_node_ops {
	/* Make the node.  Called once, connected; 0 or negative errno. */
	int (*add)(struct vsys_device *vdev);
	/* The node disappears; open files stay, their calls give ENODEV. */
	void (*remove)(struct vsys_device *vdev);
	/* May be NULL: the native driver has said so.  events: DISK_EVENT_*. */
	void (*event)(struct vsys_device *vdev, unsigned int events);
	/* Ids or pages came back: from the interrupt handler. */
	void (*room)(struct vsys_queue *q);
	/* May be NULL: more lines for the debugfs file. */
	void (*show)(struct vsys_device *vdev, struct seq_file *m);
	/* It sends and collects by itself: the queues are never live. */
	bool own_ring;
};

extern const struct vsys_node_ops vsys_chr_ops;
extern const struct vsys_node_ops vsys_blk_ops;
extern const struct vsys_node_ops vsys_ports_ops;

/* main.c */
extern struct workqueue_struct *vsys_wq;
void vsys_device_get(struct vsys_device *vdev);
void vsys_device_put(struct vsys_device *vdev);
void vsys_device_broken(struct vsys_queue *q, const char *what);

/* spin.c */
void vsys_spin_begin(struct vsys_queue *q, struct vsys_req *req);
void vsys_spin_learn(struct vsys_queue *q, const struct vsys_req *req);
void vsys_spin(struct vsys_queue *q, struct vsys_req *req, u16 id);

/* queue.c */
int vsys_errno(s32 status);
struct vsys_queue *vsys_queue_of_this_cpu(struct vsys_device *vdev);
int vsys_queue_connect(struct vsys_queue *q, unsigned int order, u32 pool_pages,
		       u32 max_pool_pages);
bool vsys_queue_look(struct vsys_queue *q, const struct vsys_req *req, u16 id);
void vsys_queue_arm(struct vsys_queue *q);
void vsys_queue_start(struct vsys_queue *q);
void vsys_queue_stop(struct vsys_queue *q, int error);
void vsys_queue_disconnect(struct vsys_queue *q);
void vsys_queue_free(struct vsys_queue *q);
void vsys_queue_room(struct vsys_queue *q);
int vsys_queue_reserve(struct vsys_queue *q, struct vsys_req *req, u32 length);
void vsys_queue_grow(struct vsys_queue *q, struct vsys_req *req, u32 length);
void vsys_queue_unreserve(struct vsys_queue *q, struct vsys_req *req);
void vsys_queue_put_buf(struct vsys_queue *q, struct vsys_req *req);
int vsys_queue_send(struct vsys_queue *q, struct vsys_req *req, bool push);
void vsys_queue_push(struct vsys_queue *q);
bool vsys_queue_cancel(struct vsys_queue *q, struct vsys_req *cancel,
		       struct vsys_req *target);

/* pool.c */
int vsys_pool_create(struct vsys_queue *q, u32 nr_pages, u32 max_pages);
void vsys_pool_grow_work(struct work_struct *work);
void vsys_pool_shrink_work(struct work_struct *work);
void vsys_pool_short(struct vsys_queue *q);
void vsys_pool_settle(struct vsys_queue *q);
void vsys_pool_left(struct vsys_pool *pool, u32 keep);
void vsys_pool_end_access(struct vsys_pool *pool);
void vsys_pool_free(struct vsys_pool *pool);
int vsys_pool_get(struct vsys_queue *q, struct vsys_buf *buf, u32 length,
		  u32 keep_free);
int vsys_pool_get_some(struct vsys_pool *pool, struct vsys_buf *buf, u32 min,
		       u32 want, u32 keep_free);
void vsys_pool_grow(struct vsys_pool *pool, struct vsys_buf *buf, u32 want,
		    u32 keep_free);
void vsys_pool_put(struct vsys_pool *pool, struct vsys_buf *buf);
void vsys_pool_describe(struct vsys_pool *pool, struct vsys_req *req,
			u32 length);
void vsys_pool_describe_call(struct vsys_pool *pool, struct vsys_req *req);
static inline u32 vsys_buf_pages(u32 length)
{
	return DIV_ROUND_UP(length, VSYS_PAGE_SIZE);
}
static inline void *vsys_buf_page(const struct vsys_pool *pool,
				  const struct vsys_buf *buf, u32 index)
{
	return page_address(pool->page[buf->page[index]]);
}

/* call.c */
struct vsys_call {
	struct vsys_req req;
	struct vsys_req cancel;
	struct vsys_queue *q;
	struct kref kref;		/* the caller, the ring, the cancel */
	struct completion done;
	spinlock_t lock;		/* the two flags */
	bool finished, orphan;
	/*
	 * An asynchronous caller: called from the interrupt handler instead
	 * of completing "done"; takes over the ring's reference.
	 */
	void (*async_done)(struct vsys_call *call);
	/* By a work item: the answer to a call that was abandoned.  Or NULL. */
	void (*orphaned)(struct vsys_call *call);
	void *owner;			/* of who set the two above */
	struct work_struct work;
};

struct vsys_call *vsys_call_alloc(struct vsys_queue *q, u8 op, u32 handle,
				  u32 max_length, size_t size);
void vsys_call_put(struct vsys_call *call);
int vsys_call_reserve(struct vsys_call *call, u32 *length, bool nonblock);
int vsys_call_send(struct vsys_call *call);
bool vsys_call_await(struct vsys_call *call);
bool vsys_call_abandon(struct vsys_call *call);
int vsys_call_wait(struct vsys_call *call);
void vsys_call_cancel(struct vsys_call *call);
int vsys_call_simple(struct vsys_call *call);
int vsys_call_last(struct vsys_call *call);
struct vsys_call *vsys_call_next(struct vsys_call *prev, u8 op);
size_t vsys_call_copy(struct vsys_call *call, struct iov_iter *iter,
		      size_t length);
int vsys_open(struct vsys_device *vdev, u32 oflags, u32 *handle, u32 *can);
void vsys_release(struct vsys_device *vdev, u32 handle);
u32 vsys_file_flags(unsigned int f_flags);

/* main.c: a key of the back-end's directory; the text, to be freed, or NULL */
char *vsys_backend_key(struct vsys_device *vdev, const char *key);

/* The same, read into field of what; 0, or an errno, which was reported. */
#define VSYS_READ_KEY(vdev, what, field, key) ({			\
	char *text__ = vsys_backend_key(vdev, key);			\
	int err__ = text__ ? vsys_parse_##field(text__, &(what)->field) : 0; \
									\
	if (err__)							\
		xenbus_dev_fatal((vdev)->xdev, err__,			\
				 "the back-end's %s is '%.20s'", key, text__); \
	kfree(text__);							\
	err__;								\
})

/* chr.c */
int vsys_chr_init(void);
int vsys_blk_init(void);
void vsys_blk_exit(void);
void vsys_chr_exit(void);

/* poll.c: of an open file */
struct vsys_poll {
	wait_queue_head_t wait;
	spinlock_t lock;		/* all below */
	struct vsys_call *call;		/* POLL in flight, or NULL */
	bool cancelled;			/* it is */
	bool failed;			/* the last one: look again, later */
	bool closed;
	u32 asked;			/* events of the POLL in flight */
	u32 wanted;			/* events that pollers wait for */
	struct delayed_work work;
};

/* file.c */
struct vsys_file {
	struct kref kref;		/* the file, and its POLL in flight */
	struct vsys_device *vdev;
	u32 handle;
	u32 can;			/* VSYS_FILE_* */
	u64 serial;			/* no other file ever has or had it */
	struct vsys_poll poll;
};

extern const struct file_operations vsys_file_fops, vsys_file_poll_fops;
struct vsys_file *vsys_file_alloc(struct vsys_device *vdev);
void vsys_file_put(struct vsys_file *vf);
void vsys_file_set_mode(struct inode *inode, struct file *file);
struct file *vsys_file_make(struct vsys_device *vdev, u32 handle, u32 can);
struct vsys_file *vsys_file_of(struct file *file);
loff_t vsys_seek(struct vsys_device *vdev, u32 handle, loff_t offset,
		 int whence, loff_t pos);
static inline bool vsys_file_is_stream(const struct vsys_file *vf)
{
	return !(vf->can & (VSYS_FILE_PREAD | VSYS_FILE_PWRITE));
}

/* rw.c */
ssize_t vsys_file_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t vsys_file_write_iter(struct kiocb *iocb, struct iov_iter *from);

/* poll.c */
void vsys_poll_init(struct vsys_file *vf);
void vsys_poll_stop(struct vsys_file *vf);
__poll_t vsys_file_poll(struct file *file, poll_table *wait);
void vsys_poll_drained(struct vsys_file *vf, __poll_t events);

/* mirror.c: a native call with an argument that may lead anywhere */
struct vsys_mirrored {
	u8 op;				/* VSYS_OP_IOCTL and its kin */
	bool compat;			/* the caller is a 32-bit program */
	u32 handle;
	u32 flags;			/* VSYS_O_* and VSYS_RW_* */
	u32 cmd;			/* of ioctl; bytes of read and write */
	u64 arg;
	u64 size;			/* bytes that are surely at arg, if known */
};

long vsys_mirror_call(struct vsys_device *vdev, const struct vsys_mirrored *what);
long vsys_mirror_ioctl(struct vsys_device *vdev, u32 handle, u32 flags,
		       unsigned int cmd, unsigned long arg, bool compat);

/* mm.c, learn.c, grant.c: beginning and end */
void vsys_mms_init(struct vsys_device *vdev);
void vsys_mms_close(struct vsys_device *vdev);
void vsys_mms_exit(struct vsys_device *vdev);
void vsys_shapes_init(struct vsys_device *vdev);
void vsys_shapes_exit(struct vsys_device *vdev);
void vsys_grants_exit(void);

#endif /* VSYSFRONT_H */
