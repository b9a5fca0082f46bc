// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bring.c - what a call finds in the mirror: pages and files are put in place for
 * it, and what earlier calls left is renewed or taken away.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "call-parts.h"
#include "container.h"
#include "limits.h"
#include "ring.h"
#include "worker.h"

static bool call_uses(struct mcall *c, struct mpage *p)
{
	unsigned int i;

	for (i = 0; i < c->nr_pages; i++)
		if (c->page[i] == p)
			return true;
	if (c->nr_pages == c->max_pages) {
		unsigned int max = c->max_pages ? 2 * c->max_pages : 16;
		void *page = realloc(c->page, max * sizeof(*c->page));

		if (!page)
			return false;
		c->page = page;
		c->max_pages = max;
	}
	c->page[c->nr_pages++] = p;
	p->users++;
	return true;
}

/* The same page may be kept elsewhere, too. */
static void renew_kept(struct mcall *c, uint64_t addr, const void *content, bool writable)
{
	struct mirror *m;
	struct mpage *p;
	unsigned int i;

	for (i = 0; c->mm->nr_kept > c->m->nr_kept && i < MACHINE_LANES; i++) {
		m = c->mm->mirror[i];
		p = m && m != c->m && m->nr_kept ? page_find(m, addr) : NULL;
		if (p && p->kept)
			page_bring(m, addr, content, writable, c->arrived);
	}
}

/* Nobody writes to it.  One step for pages that follow each other. */
static void protect(struct mcall *c, struct mpage *p)
{
	struct call_step *last = c->nr_steps ? &c->step[c->nr_steps - 1] : NULL;

	if (last && !c->steps_run && last->op.nr == SYS_mprotect &&
	    last->op.arg[0] + last->op.arg[1] == p->addr)
		last->op.arg[1] += VSYS_PAGE_SIZE;
	else
		step_page(c, p, AFTER_WAKE, SYS_mprotect, p->addr, VSYS_PAGE_SIZE, PROT_READ, 0,
			  0, 0);
}

static void bring_page(struct mcall *c, const struct vsys_item *item)
{
	bool was_readonly, writable = item->flags & VSYS_ITEM_WRITABLE;
	const void *content = call_page(c->r, item->page);
	struct mirror *m = c->m;
	struct mpage *p = page_find(m, item->addr);

	was_readonly = p && p->readonly;
	renew_kept(c, item->addr, content, writable);
	p = page_bring(m, item->addr, content, writable, c->arrived);
	if (!p)
		return;
	c->q->dev->counters.copies++;
	c->brought++;
	/* Idle ones that can't be written any more. */
	if (p->state == PAGE_PRESENT && !p->users)
		p->readonly = !writable;
	if (p->readonly && !was_readonly)
		protect(c, p);
	/* Not counted as used, it is idle, and goes before the next call. */
	call_uses(c, p);
}

/* There is nothing: who touches it gets EFAULT. */
void bring_nothing(struct mcall *c, uint64_t addr)
{
	struct mirror *m = c->m;
	struct mpage *p = page_find(m, addr);

	if (addr < VSYS_MIRROR_START || addr >= MIRROR_END ||
	    (p && p->state != PAGE_ASKED))
		return;
	if (!p)
		p = page_new(m, addr, PAGE_REFUSED);
	if (!p || !call_uses(c, p))
		return;
	p->state = PAGE_REFUSED;
	c->refused = true;
	step_map(c, p, AFTER_WAKE, PROT_NONE, ANONYMOUS, -1, 0);
}

static void bring_grant(struct mcall *c, const struct vsys_item *item)
{
	int prot = PROT_READ | (item->flags & VSYS_ITEM_WRITABLE ? PROT_WRITE : 0);
	struct worker *w = c->q->dev->worker;
	struct mirror *m = c->m;
	struct mpage *p = page_find(m, item->addr);
	uint64_t index;

	if (p && p->state != PAGE_ASKED)
		return;
	/* What nobody asked for is not mapped where it does harm: wants_map(). */
	if (!w->maps || w->executors.gntdev < 0 || page_map_grant(m, item->value, &index)) {
		bring_nothing(c, item->addr);
		return;
	}
	if (!p)
		p = page_new(m, item->addr, PAGE_MAPPED);
	if (!p || !call_uses(c, p) ||
	    !step_map(c, p, AFTER_WAKE, prot, MAP_SHARED, EXECUTOR_GNTDEV, index)) {
		page_unmap_grant(m, index);
		return;
	}
	p->state = PAGE_MAPPED;
	c->step[c->nr_steps - 1].has_grant = true;
	c->step[c->nr_steps - 1].grant = index;
}

static void bring_file(struct mcall *c, const struct vsys_item *item)
{
	struct device *dev = item->value ? device_find(c->q->dev->worker, item->page) : NULL;
	struct handle *h = dev ? handle_get(&dev->handles, item->value) : NULL;

	mm_set_file(c->mm, item->addr, h);
}

/* What the first request says of the caller's descriptors. */
void bring_table(struct mcall *c)
{
	unsigned int i;

	for (i = 0; i < c->r->rq.u.call.nr_items; i++)
		if (c->r->items[i].op == VSYS_ITEM_FILE)
			bring_file(c, &c->r->items[i]);
}

void bring_items(struct mcall *c)
{
	struct request *r = c->r;
	unsigned int i;

	for (i = 0; i < r->rq.u.call.nr_items; i++) {
		const struct vsys_item *item = &r->items[i];

		switch (item->op) {
		case VSYS_ITEM_PAGE:
			bring_page(c, item);
			break;
		case VSYS_ITEM_NONE:
			bring_nothing(c, item->addr);
			break;
		case VSYS_ITEM_GRANT:
			bring_grant(c, item);
			break;
		case VSYS_ITEM_FILE:
			/* For the next call, if it comes in the middle of one. */
			if (c->arrived != c->begun)
				bring_file(c, item);
			break;
		}
	}
}

/*
 * A driver has made it, and the caller has it under another number, or none yet: this
 * one must be nothing, if a call names it.  True: it is to be installed anew.
 */
static bool move_away(struct mcall *c, struct mfile *f)
{
	if (f->mirrored || f->number >= (int)MIRRORED_FDS)
		return false;
	if (!step_page(c, NULL, AFTER_NOTHING, SYS_close, f->number, 0, 0, 0, 0, 0))
		return false;
	f->installed = false;
	f->number = -1;
	return true;
}

/* The files that the call may name, and that whose call it is. */
bool bring_files(struct mcall *c)
{
	struct mfile *f = mm_file(c->mm, c->h);
	struct call_step *s;

	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return false;
		f->h = c->h;
		f->number = -1;
		LIST_INSERT_HEAD(&c->mm->files, f, of_mm);
	}
	LIST_FOREACH(f, &c->mm->files, of_mm) {
		if (f->busy || !f->h || (f->installed && !move_away(c, f)))
			continue;
		s = step_add(c);
		if (!s)
			return false;
		if (f->number < 0)
			f->number = mm_high_number(c->mm);
		s->kind = STEP_FILE;
		s->file = f;
		f->busy = true;		/* it is not freed before it was its turn */
		c->mm->gate = c;	/* nobody sees numbers that are on their way */
	}
	return true;
}

/* Something that is not in the guest's memory yet. */
static bool kept_changed(const struct mm *mm)
{
	unsigned char now[VSYS_PAGE_SIZE];
	const struct mirror *m;
	const struct mpage *p;
	unsigned int i;

	for (i = 0; mm->nr_kept && i < MACHINE_LANES; i++) {
		m = mm->mirror[i];
		if (!m || !m->nr_kept || !mirror_alive(m))
			continue;
		LIST_FOREACH(p, &m->pages, of_mirror)
			if (p->kept && (p->teller || !pages_read(m, &p->addr, 1, now) ||
					memcmp(now, p->image, VSYS_PAGE_SIZE)))
				return true;
	}
	return false;
}

static void unpinned_answered(struct pins_question *q, int64_t count)
{
	struct mm *mm = container_of(q, struct mm, unpinned);
	const struct mcall *c;

	if (count < 0 || count > mm->pins_before || mm->keeps != mm->unpinned_keeps)
		return;
	/* What these have pinned is not kept yet. */
	LIST_FOREACH(c, &mm->calls, of_mm)
		if (c->pins && c->phase != CALL_ENDING)
			return;
	/* What a driver has written before it released them is told first. */
	mm->let_go = !kept_changed(mm);
}

static void ask_unpinned(struct mm *mm)
{
	int64_t now = worker_now();

	if (mm->unpinned.asked || now - mm->unpinned_asked < VSYS_PIN_ASK_MS)
		return;
	mm->unpinned_asked = now;
	mm->unpinned_keeps = mm->keeps;
	mm->unpinned.answered = unpinned_answered;
	pins_ask(mm->dev->worker, &mm->unpinned);
}

/* The mirror's call keeps it, as long as it runs: its driver may write there. */
static void pass_kept(struct mirror *m, struct mpage *p)
{
	struct mcall *c = m->call;

	if (c && c->placed && c->phase != CALL_ENDING)
		call_uses(c, p);
}

/*
 * What drivers had pinned has been released.  A call of their mirror may be at its
 * beginning just now, and has not had all of them renewed: these are stale.
 */
void release_kept(struct mm *mm)
{
	struct mirror *m;
	struct mpage *p;
	unsigned int i;

	if (!mm->nr_kept)
		return;
	if (!mm->let_go) {
		ask_unpinned(mm);
		return;
	}
	mm->let_go = false;
	for (i = 0; i < MACHINE_LANES; i++) {
		m = mm->mirror[i];
		if (!m || !m->nr_kept)
			continue;
		LIST_FOREACH(p, &m->pages, of_mirror) {
			if (p->kept)
				pass_kept(m, p);
			p->users -= p->kept;
			p->stale |= p->kept;
			p->kept = false;
		}
		m->nr_kept = 0;
	}
	mm->nr_kept = 0;
}

/* Pages of earlier calls that can't be renewed in place: away with them. */
void drop_special(struct mcall *c)
{
	struct mpage *p;

	release_kept(c->mm);
	LIST_FOREACH(p, &c->m->pages, of_mirror) {
		if (p->users)
			continue;
		if (p->state == PAGE_REFUSED || p->state == PAGE_MAPPED ||
		    (p->state == PAGE_PRESENT && p->readonly))
			step_map(c, p, AFTER_WATCH, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
		else if (p->state == PAGE_PRESENT)
			p->stale = true;
	}
}

/* What is idle and was not renewed goes. */
void drop_stale(struct mcall *c)
{
	struct mpage *p, *next;

	c->placed = true;
	for (p = LIST_FIRST(&c->m->pages); p; p = next) {
		next = LIST_NEXT(p, of_mirror);
		if (!p->stale || p->users)
			continue;
		step_page(c, NULL, AFTER_NOTHING, SYS_madvise, p->addr, VSYS_PAGE_SIZE,
			  MADV_DONTNEED, 0, 0, 0);
		page_free(p);
	}
}

/*
 * A driver has pinned something: what it was given stays, as long as it can.  Not
 * the argument itself, which drivers copy.
 */
void keep_pages(struct mcall *c)
{
	unsigned int i;

	/* Of calls at the same time the one that was counted first. */
	if (c->counted && (!c->mm->nr_kept || c->pins_before < c->mm->pins_before))
		c->mm->pins_before = c->pins_before;
	c->mm->keeps++;
	c->mm->let_go = false;
	if (c->mm->watch)
		worker_tick(c->q->dev->worker);
	for (i = 0; i < c->nr_pages; i++) {
		struct mpage *p = c->page[i];

		if (p->state != PAGE_PRESENT || p->readonly || p->kept ||
		    p->addr == page_of(c->arg))
			continue;
		p->kept = true;
		p->users++;
		c->m->nr_kept++;
		c->mm->nr_kept++;
	}
}

/* What a driver may have written to pages that it kept is told with each call. */
void add_kept(struct mcall *c)
{
	struct mirror *m;
	struct mpage *p;
	unsigned int i;

	for (i = 0; c->mm->nr_kept && i < MACHINE_LANES; i++) {
		m = c->mm->mirror[i];
		if (!m || !m->nr_kept)
			continue;
		LIST_FOREACH(p, &m->pages, of_mirror)
			if (p->kept)
				call_uses(c, p);
	}
}

/* It was there before the call began, and will be there when its driver looks. */
static bool is_old(const struct mcall *c, const struct mpage *p)
{
	return p->arrived < c->begun &&
	       (p->kept || (p->m == c->m && p->stale && p->users &&
			    p->state == PAGE_PRESENT));
}

/*
 * What is pinned this call's driver may look at, too, and would see what was there
 * before the call began: the guest's content of now is fetched first.  So is what
 * was pinned, and can't be dropped while another call tells of it.  False: there is
 * nothing to fetch.
 */
bool fetch_kept(struct mcall *c)
{
	/* As many as the guest has pages for. */
	unsigned int i, max = call_nr_pages(c->r) > 16 ? call_nr_pages(c->r) - 1 : 16;
	struct vsys_item *items = call_page(c->r, 0);
	unsigned int left = 0;
	struct mirror *m;
	struct mpage *p;

	if (max > VSYS_PAGE_ITEMS)
		max = VSYS_PAGE_ITEMS;
	c->nr_items = 0;
	for (i = 0; i < MACHINE_LANES; i++) {
		m = c->mm->mirror[i];
		if (!m || (!m->nr_kept && m != c->m))
			continue;
		LIST_FOREACH(p, &m->pages, of_mirror) {
			if (!is_old(c, p) || left++ >= max)
				continue;
			items[c->nr_items++] = (struct vsys_item){
				.addr = p->addr, .value = 1, .op = VSYS_ITEM_NEED,
			};
		}
	}
	/* What is not there any more does not come. */
	if (!left || (c->phase == CALL_FETCHING && c->brought == c->brought_before))
		return false;
	c->brought_before = c->brought;
	c->phase = CALL_FETCHING;
	call_park(c);
	return true;
}
