/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mirror.h - the address space of a guest's process, as an executor has it.
 *
 * docs/mirror.md: what is where and for how long.  pages.c puts pages in place
 * and takes them away, mirror.c has executors, files and the end of both, and
 * calls.c is the conversation with the guest about one call.
 */
#ifndef VSYS_MIRROR_H
#define VSYS_MIRROR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "executor.h"
#include "handles.h"

struct device;
struct mcall;
struct request;
struct worker;

enum page_state {
	PAGE_ASKED,		/* a driver waits for it */
	PAGE_PRESENT,		/* a copy; image is what came from the guest */
	PAGE_MOVING,		/* on its way out of the mirror */
	PAGE_MOVED,		/* out; the copy is in the scratch area */
	PAGE_MAPPED,		/* the guest's own */
	PAGE_REFUSED,		/* no access */
	PAGE_GONE,		/* with its executor */
};

struct mpage {
	LIST_ENTRY(mpage) of_hash;
	uint64_t addr;
	enum page_state state;
	bool readonly;
	bool stale;			/* idle, and nobody renewed it yet */
	bool fetched;			/* kept, and asked for in this call */
	bool kept;			/* a driver may have it pinned: that counts as a user */
	unsigned int users;		/* calls that brought it */
	/*
	 * A call has told what this page has changed, others use it, and the guest
	 * is not known to have taken it yet: what was told, and which bytes.
	 */
	struct mcall *teller;
	unsigned char *told;
	uint8_t told_bytes[4096 / 8];
	unsigned char *image;		/* PRESENT, MOVING, MOVED: VSYS_PAGE_SIZE bytes */
};

LIST_HEAD(mpage_list, mpage);

/* A descriptor of the executor. */
struct mfile {
	LIST_ENTRY(mfile) of_mirror;
	struct handle *h;		/* NULL: gone, or of no name (call_other_files()) */
	int number;			/* -1: none yet, any will do */
	bool mirrored;			/* the caller has it under this number */
	bool installed, busy;
};

#define MIRROR_HASH	256

struct mirror {
	struct device *dev;
	uint32_t mm;
	LIST_ENTRY(mirror) of_device;
	TAILQ_ENTRY(mirror) of_worker;	/* least recently used first */
	struct executor *x;		/* NULL: none now */
	bool ready;
	bool wants_executor;		/* there was no room for one */
	unsigned int held;		/* it is in use up the stack: not to be freed */

	struct mpage_list hash[MIRROR_HASH];
	unsigned int nr_pages, nr_kept;
	int64_t pins_before;		/* nr_kept: what was pinned when there was none */
	int64_t kept_since;		/* ms: the last one */
	LIST_HEAD(, mfile) files;

	LIST_HEAD(, mcall) calls;	/* all of it */
	TAILQ_HEAD(, mcall) waiting;	/* ... that wait for the executor or the gate */
	struct mcall *gate;		/* it puts the mirror in order for itself */
	unsigned int nr_active;		/* calls between begin and end */
	struct request *exit;		/* MM_EXIT */
};

LIST_HEAD(mirror_list, mirror);
TAILQ_HEAD(mirror_queue, mirror);

/* mirror.c */
struct mirror *mirror_get(struct device *dev, uint32_t mm);	/* makes one; NULL: no memory */
void mirror_want_executor(struct mirror *m);
void mirror_start_waiting(struct mirror *m);
/* A call has gone. */
void mirror_settle(struct mirror *m);
void mirror_exit(struct request *r);			/* MM_EXIT */
/* The device stops: everything ends.  mirrors_gone() once it has. */
void mirrors_stop(struct device *dev);
bool mirrors_gone(const struct device *dev);
/* Where the executor has h, or will; NULL: nowhere. */
struct mfile *mirror_file(struct mirror *m, const struct handle *h);
/* FILE of the guest: number is h, or (NULL) nothing. */
void mirror_set_file(struct mirror *m, int number, struct handle *h);
/* The number of the next file that a driver makes; and whether one is taken. */
int mirror_lowest_free(const struct mirror *m);
bool mirror_knows(const struct mirror *m, int number);
/*
 * Before a handle's descriptor is closed: executors close theirs.  True: that goes
 * on, and resume(h) is called when it is done.
 */
bool mirrors_forget(struct handle *h, void (*resume)(struct handle *h));

/* pages.c */
struct mpage *page_find(struct mirror *m, uint64_t addr);
struct mpage *page_new(struct mirror *m, uint64_t addr, enum page_state state);
void page_free(struct mirror *m, struct mpage *p);
/*
 * The page as the guest has it now.  Copied into place, or renewed, or merged with
 * what other calls have made of it.  NULL: no memory, or no executor.
 */
struct mpage *page_bring(struct mirror *m, uint64_t addr, const void *content, bool writable);
void page_wake(struct mirror *m, uint64_t addr);
void page_watch(struct mirror *m, uint64_t addr);
int page_map_grant(struct mirror *m, uint32_t ref, uint64_t *index);
void page_unmap_grant(struct mirror *m, uint64_t index);
/* Each of nr (at most PAGE_READS) pages to its part of "to"; false: not all could be read. */
#define PAGE_READS	8
bool pages_read(struct mirror *m, const uint64_t *from, unsigned int nr, void *to);
void pages_gone(struct mirror *m);

#endif /* VSYS_MIRROR_H */
