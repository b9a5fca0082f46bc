/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mirror.h - what the parts of a mirrored call share.  docs/mirror.md.
 *
 *   mirror.c   the conversation of one call, in its caller's context
 *   learn.c    what such calls touched before
 *   mm.c       the caller's address space, as a number
 *   fds.c      its descriptors: told to the back-end, and new ones
 *   grant.c    pages of it that the back-end maps
 *   watch.c    what drivers write there after their call
 */
#ifndef VSYS_MIRROR_H
#define VSYS_MIRROR_H

#include <linux/mmu_notifier.h>
#include <linux/xarray.h>

#include "vsysfront.h"

/* Pages of one request, in all and copied; other items are for descriptors. */
#define VSYS_CALL_PAGES		224u
#define VSYS_CALL_DATA_PAGES	192u
/* Descriptors from here on are the back-end's own. */
#define VSYS_MAX_MIRRORED_FD	4096u
/* Nobody has memory from here on: not with the four levels of page tables. */
#define VSYS_MIRROR_END		min_t(u64, TASK_SIZE_MAX, (1ull << 47) - PAGE_SIZE)
/* In the address of a page: the driver waits for it. */
#define VSYS_PLAN_MUST		1u
/* New files of one call. */
#define VSYS_NEW_FILES		256u

#define VSYS_PAGE_MASK		(~(u64)(VSYS_PAGE_SIZE - 1))

/* Memory of the caller: page-aligned ranges. */
#define VSYS_MAX_RANGES		64u
struct vsys_ranges {
	u32 nr;
	struct {
		u64 start, end;
	} range[VSYS_MAX_RANGES];
};

/*
 * What a call touched: memory that is found from the argument by following
 * pointers.  Node 0 is what the argument itself points to.
 */
#define VSYS_SHAPE_NODES	24u
struct vsys_shape_node {
	u8 parent;		/* a node before this one */
	s32 offset;		/* of the pointer, in bytes from the parent's start */
	u32 sure;		/* bytes from the start that were touched */
	u32 reach;		/* bytes that are sent; not less, but for a try */
	u32 map_from;		/* from this byte on its pages are granted */
	u32 wait;		/* calls between two tries with less */
};

struct vsys_shape {
	struct list_head lru;
	u8 op;
	u32 cmd;
	u32 calls;
	u32 nr;
	struct vsys_shape_node node[VSYS_SHAPE_NODES];
};

/* A shape in use by one call. */
struct vsys_learner {
	struct vsys_shape shape;	/* a copy */
	u64 addr[VSYS_SHAPE_NODES];	/* where the nodes are; 0: nowhere */
	u32 before[VSYS_SHAPE_NODES];	/* reach, of those tried with less */
	u32 known;			/* nodes from calls before this one */
	u32 size;			/* bytes that are surely at node 0 */
	u8 width;			/* bytes of a pointer */
	bool exact;			/* size is all that there is at node 0 */
	bool changed;
};

/* learn.c */
void vsys_learn_begin(struct vsys_learner *l, struct vsys_device *vdev,
		      const struct vsys_mirrored *what);
u32 vsys_learn_node_bytes(const struct vsys_learner *l, u32 node);
int vsys_learn_fault(struct vsys_learner *l, const struct vsys_ranges *sent,
		     u64 addr, bool *map, u32 *pages);
void vsys_learn_wrote(struct vsys_learner *l, u64 end);
void vsys_learn_sent(struct vsys_learner *l, int node, u64 end);
void vsys_learn_end(struct vsys_learner *l, struct vsys_device *vdev);

/* An address space that calls of one device come from. */
struct vsys_mm {
	struct mmu_notifier notifier;
	struct hlist_node hash;
	struct vsys_device *vdev;
	struct vsys_queue *q;		/* of all of its requests, for their order */
	struct kref kref;		/* calls; and the hash, while it lives */
	u32 number;
	struct work_struct exit_work;

	/*
	 * Held from a look at the caller's memory and table of files until what was
	 * seen is sent, so that the back-end has it in order.
	 */
	struct mutex order;
	struct xarray fds;		/* by descriptor: the serial that was told */
	DECLARE_BITMAP(seen, VSYS_MAX_MIRRORED_FD);

	spinlock_t watch_lock;		/* all below: watch.c */
	struct vsys_call *watch;	/* WATCH in flight, or NULL */
	bool watching, watch_again, watch_over;
};

/* mm.c */
struct vsys_mm *vsys_mm_get(struct vsys_device *vdev);
void vsys_mm_put(struct vsys_mm *m);

/* grant.c */
int vsys_grant_page(struct vsys_device *vdev, u64 addr, struct list_head *grants,
		    grant_ref_t *gref, bool *writable);
void vsys_grants_answered(struct list_head *grants);
void vsys_grants_kick(void);

/* A new file on its way to the caller. */
struct vsys_new_file {
	struct list_head link;
	struct file *file;
	int fd;
	bool is_result;
	u64 addr;
};

/* One call: several requests, one after the other. */
struct vsys_conv {
	struct vsys_mirrored what;
	struct vsys_mm *m;
	struct vsys_call *call;		/* the request that is made, or was answered */
	struct vsys_item *answer;	/* a copy of its items */
	u32 nr_answer;
	u32 nr_items, nr_data;		/* used of the request: items, pages */
	u32 nr_plan;
	u64 plan[VSYS_CALL_DATA_PAGES];	/* pages to send; and VSYS_PLAN_MUST */
	struct vsys_ranges sent;
	struct vsys_learner learner;
	u32 nr_writable;		/* pages that may come back */
	struct list_head grants;	/* of the request in flight: grant.c */
	int error;			/* of the caller's memory */
	u32 nr_new;
	struct list_head new;		/* of struct vsys_new_file */
	u64 round_trips, needs, pages_sent, dirty_bytes, grants_mapped;
};

/* mirror.c, for fds.c and watch.c */
struct vsys_conv *vsys_conv_new(struct vsys_mm *m, const struct vsys_mirrored *what);
void vsys_conv_next(struct vsys_conv *conv, u32 flags);
int vsys_conv_send(struct vsys_conv *conv);
int vsys_conv_take(struct vsys_conv *conv, bool mine);
void vsys_conv_free(struct vsys_conv *conv);
bool vsys_conv_item(struct vsys_conv *conv, u8 op, u64 addr, u32 value,
		    u16 page, u8 flags);

/* fds.c */
void vsys_fds_tell(struct vsys_conv *conv);
void vsys_fds_take(struct vsys_conv *conv, const struct vsys_item *item);
long vsys_fds_install(struct vsys_conv *conv, long ret);
void vsys_fds_drop(struct vsys_conv *conv);

/* watch.c */
void vsys_watch_init(struct vsys_mm *m);
void vsys_watch_begin(struct vsys_mm *m);
void vsys_watch_stop(struct vsys_mm *m);

#endif /* VSYS_MIRROR_H */
