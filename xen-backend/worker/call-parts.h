/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * call-parts.h - what the parts of a call share: items.c, steps.c, bring.c, tell.c,
 * and calls.c, which has it all go on.
 */
#ifndef VSYS_CALL_PARTS_H
#define VSYS_CALL_PARTS_H

#include "calls.h"

#define IS_ERROR(value)		((value) < 0 && (value) >= -4095)
/* As the mirror is, where nothing else is mapped. */
#define ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static inline uint64_t page_of(uint64_t addr)
{
	return addr & ~(uint64_t)(VSYS_PAGE_SIZE - 1);
}

/* items.c: page number index of a request, in our memory, and how many there are. */
void *call_page(const struct request *r, unsigned int index);
unsigned int call_nr_pages(const struct request *r);

/* steps.c */
struct call_step *step_add(struct mcall *c);		/* NULL: no memory */
/* Something at the page's address; false: no memory. */
bool step_page(struct mcall *c, struct mpage *p, int after, uint64_t nr, uint64_t a0,
	       uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);
bool step_map(struct mcall *c, struct mpage *p, int after, int prot, int flags, int fd,
	      uint64_t offset);
/* Runs what was added, then next; it may be called before this returns. */
void steps_run(struct mcall *c, void (*next)(struct mcall *c));

/* bring.c */
void bring_table(struct mcall *c);
void bring_items(struct mcall *c);
void bring_nothing(struct mcall *c, uint64_t addr);
bool bring_files(struct mcall *c);			/* false: no memory */
void drop_special(struct mcall *c);
void drop_stale(struct mcall *c);
void release_kept(struct mm *mm);
void keep_pages(struct mcall *c);
void add_kept(struct mcall *c);
bool fetch_kept(struct mcall *c);

/* own.c: the file is opened, if it is to be, and then: */
void own_open(struct mcall *c, void (*next)(struct mcall *c));
/* It was asked to make room, and did not begin, or was interrupted: it waits again. */
bool call_yield(struct mcall *c);

/* tell.c */
void call_tell(struct mcall *c);
void call_look_for_file(struct mcall *c, uint64_t addr, uint32_t word, bool is_return);

bool call_other_files(struct mcall *c);
void call_taken(struct mcall *c, bool all);

/* watch.c */
void watch_look(struct mcall *c);
/* All that was found is told; or there was nothing. */
void watch_told(struct mcall *c);
void watch_continues(struct mcall *c);
/* The answer has to say that a WATCH would be good. */
bool watch_missing(const struct mcall *c);

/* judge.c: makes the call, if it may be made */
void call_judge(struct mcall *c);

/* calls.c */
void call_go(struct mcall *c);
/* Interrupts its driver, if that waits for what is not a page; once may not be enough. */
void call_kick(struct mcall *c);
struct mcall *call_new(struct request *r, struct mm *mm);
void call_drop_pages(struct mcall *c);
struct mpage *call_needs(const struct mcall *c);
void call_answer(struct mcall *c, long status, uint64_t value, uint64_t pos);
void call_park(struct mcall *c);
void call_fail(struct mcall *c, int err);
void call_finish(struct mcall *c);

#endif /* VSYS_CALL_PARTS_H */
