/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mirror.h - the address space of a guest's process, as an executor has it.
 *
 * docs/mirror.md: what is where and for how long.  A struct mm is a guest's address
 * space: it has an executor, and of that a mirror for each call that is made at the
 * same time.  pages.c puts pages in place and takes them away, mirror.c has the
 * executors and the end of all, files.c the descriptors, and calls.c is the
 * conversation with the guest about one call.
 */
#ifndef VSYS_MIRROR_H
#define VSYS_MIRROR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "executor.h"
#include "handles.h"
#include "pins.h"

struct device;
struct mcall;
struct request;
struct worker;

enum page_state {
	PAGE_ASKED,		/* a driver waits for it */
	PAGE_PRESENT,		/* a copy; image is what came from the guest */
	PAGE_MAPPED,		/* the guest's own */
	PAGE_REFUSED,		/* no access */
	PAGE_GONE,		/* with its executor */
};

struct mpage {
	LIST_ENTRY(mpage) of_hash, of_mirror;
	struct mirror *m;
	uint64_t addr;
	enum page_state state;
	bool readonly;
	bool stale;			/* idle, and nobody renewed it yet */
	bool judged;			/* not renewed until the call ends: judge.c */
	bool kept;			/* a driver may have it pinned: that counts as a user */
	unsigned int users;		/* the call that brought it; of kept pages, others, too */
	uint64_t arrived;		/* of the newest content, see struct mm */
	/*
	 * A call tells what this page has changed.  told: all of it, others use the
	 * page, and the guest is not known to have taken it yet: what, and which bytes.
	 */
	struct mcall *teller;
	unsigned char *told;
	uint8_t told_bytes[4096 / 8];
	unsigned char *image;		/* PRESENT: VSYS_PAGE_SIZE bytes */
};

LIST_HEAD(mpage_list, mpage);

/* A descriptor of the executor. */
struct mfile {
	LIST_ENTRY(mfile) of_mm;
	struct handle *h;		/* NULL: gone, or of no name (call_other_files()) */
	int number;			/* -1: none yet, one that the caller can't have */
	bool mirrored;			/* the caller has it under this number */
	bool installed, busy;
};

#define MIRROR_HASH	256

/* What one lane of the executor has in its memory: for one call at a time. */
struct mirror {
	struct mm *mm;
	struct lane *lane;		/* NULL: it is gone */
	struct mcall *call;		/* NULL: idle */
	struct mpage_list hash[MIRROR_HASH], pages;
	unsigned int nr_pages, nr_kept;
	LIST_HEAD(, handle) opened;	/* own.c */
};

struct mm {
	struct device *dev;
	uint32_t number;
	LIST_ENTRY(mm) of_device;
	TAILQ_ENTRY(mm) of_worker;	/* least recently used first */
	struct executor *x;		/* NULL: none now */
	bool wants_executor;		/* there was no room for one */
	unsigned int held;		/* it is in use up the stack: not to be freed */
	struct mirror *mirror[MACHINE_LANES];	/* by lane; those that are ready */

	unsigned int nr_kept;		/* pages, of all mirrors */
	int64_t pins_before;		/* nr_kept: what was pinned when there was none */
	unsigned int keeps;		/* calls that kept something */
	struct pins_question unpinned;	/* is it what it was? */
	int64_t unpinned_asked;		/* ms */
	unsigned int unpinned_keeps;	/* keeps, then */
	bool let_go;			/* it is */
	LIST_HEAD(, mfile) files;

	LIST_HEAD(, mcall) calls;	/* all of it */
	TAILQ_HEAD(, mcall) waiting;	/* ... that wait for a mirror or the gate */
	struct mcall *gate;		/* it puts descriptors in order for all */
	unsigned int nr_closing;	/* descriptors that are on their way out */
	/*
	 * Requests are counted as they come.  What one brings may have to wait, and is
	 * older then than what is there already.
	 */
	uint64_t arrivals;
	struct mcall *watch;		/* WATCH */
	struct request *exit;		/* MM_EXIT */
};

LIST_HEAD(mm_list, mm);
TAILQ_HEAD(mm_queue, mm);

/* mirror.c */
struct mm *mm_get(struct device *dev, uint32_t number);	/* makes one; NULL: no memory */
void mm_want_executor(struct mm *mm);
void mm_start_waiting(struct mm *mm);
/* A call has gone. */
void mm_settle(struct mm *mm);
void mm_exit(struct request *r);			/* MM_EXIT */
/* The device stops: everything ends.  mms_gone() once it has. */
void mms_stop(struct device *dev);
bool mms_gone(const struct device *dev);
bool mirror_alive(const struct mirror *m);
void mirror_kill(struct mirror *m);
/* Its call has ended. */
void mirror_idle(struct mirror *m);
void mm_number_closed(struct mm *mm);
/* Numbers of descriptors are in use that nobody shall see. */
bool mm_numbers_move(const struct mm *mm);

/* files.c */
/* Where the executor has h, or will; NULL: nowhere. */
struct mfile *mm_file(struct mm *mm, const struct handle *h);
/* The executor has h, and all that the guest has told. */
bool mm_files_in_place(struct mm *mm, const struct handle *h);
/* FILE of the guest: number is h, or (NULL) nothing. */
void mm_set_file(struct mm *mm, int number, struct handle *h);
void mm_forget_file(struct mfile *f);
/* The number of the next file that a driver makes; and whether one is taken. */
int mm_lowest_free(const struct mm *mm);
/* A free one that is no number of the caller's. */
int mm_high_number(struct mm *mm);
bool mm_knows_file(const struct mm *mm, int number);
/*
 * Before a handle's descriptor is closed: executors close theirs.  True: that goes
 * on, and resume(h) is called when it is done.
 */
bool mms_forget_handle(struct handle *h, void (*resume)(struct handle *h));

/* own.c: files that a lane opens by itself. */
/* No mirror of it has one. */
bool mm_owns_no_file(const struct mm *mm);
/* The lane is gone. */
void own_lost(struct mirror *m);
/* The handle is about to be closed. */
void own_forget(struct handle *h);

/* pages.c */
struct mpage *page_find(struct mirror *m, uint64_t addr);
struct mpage *page_new(struct mirror *m, uint64_t addr, enum page_state state);
void page_free(struct mpage *p);
/*
 * The page as the guest had it when a request arrived.  Copied into place, or renewed,
 * or merged with what drivers have made of it.  NULL: no memory, or no executor.
 */
struct mpage *page_bring(struct mirror *m, uint64_t addr, const void *content, bool writable,
			 uint64_t arrived);
void pages_wake(struct mirror *m, uint64_t addr, uint64_t length);	/* in bytes */
void page_watch(struct mirror *m, uint64_t addr);
int page_map_grant(struct mirror *m, uint32_t ref, uint64_t *index);
void page_unmap_grant(struct mirror *m, uint64_t index);
/* Each of nr (at most PAGE_READS) pages to its part of "to"; false: not all could be read. */
#define PAGE_READS	8
bool pages_read(const struct mirror *m, const uint64_t *from, unsigned int nr, void *to);
void pages_gone(struct mirror *m);

#endif /* VSYS_MIRROR_H */
