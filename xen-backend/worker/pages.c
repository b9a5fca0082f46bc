// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pages.c - pages of a mirror: their contents, from and to the guest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <xen/io/vsysif.h>
#include <xen/xen.h>
#include <xen/sys/gntdev.h>

#include "../log.h"
#include "limits.h"
#include "mirror.h"
#include "worker.h"

static struct mpage_list *bucket(struct mirror *m, uint64_t addr)
{
	return &m->hash[(addr >> 12) % MIRROR_HASH];
}

struct mpage *page_find(struct mirror *m, uint64_t addr)
{
	struct mpage *p;

	LIST_FOREACH(p, bucket(m, addr), of_hash)
		if (p->addr == addr)
			return p;
	return NULL;
}

struct mpage *page_new(struct mirror *m, uint64_t addr, enum page_state state)
{
	struct worker *w = m->mm->dev->worker;
	struct mpage *p;

	if (m->nr_pages >= VSYS_MIRROR_PAGES || w->nr_mirror_pages >= VSYS_DOMAIN_PAGES)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->m = m;
	p->addr = addr;
	p->state = state;
	m->nr_pages++;
	w->nr_mirror_pages++;
	LIST_INSERT_HEAD(bucket(m, addr), p, of_hash);
	LIST_INSERT_HEAD(&m->pages, p, of_mirror);
	return p;
}

void page_free(struct mpage *p)
{
	LIST_REMOVE(p, of_hash);
	LIST_REMOVE(p, of_mirror);
	p->m->nr_pages--;
	p->m->mm->dev->worker->nr_mirror_pages--;
	free(p->image);
	free(p->told);
	free(p);
}

static bool page_write(struct mirror *m, uint64_t to, const void *from, size_t length)
{
	struct iovec here = { (void *)(uintptr_t)from, length };
	struct iovec there = { (void *)(uintptr_t)to, length };

	return process_vm_writev(m->lane->pid, &here, 1, &there, 1, 0) == (ssize_t)length;
}

bool pages_read(const struct mirror *m, const uint64_t *from, unsigned int nr, void *to)
{
	struct iovec here = { to, nr * VSYS_PAGE_SIZE }, there[PAGE_READS];
	unsigned int i;

	for (i = 0; i < nr; i++)
		there[i] = (struct iovec){ (void *)(uintptr_t)from[i], VSYS_PAGE_SIZE };
	return process_vm_readv(m->lane->pid, &here, 1, there, nr, 0) == (ssize_t)here.iov_len;
}

/*
 * Who waits for it is woken when all that came is in its place, and read-only where it
 * is: see continue_call().
 */
static int copy_in(struct mirror *m, const struct mpage *p)
{
	struct uffdio_copy copy = {
		.dst = p->addr, .src = (uintptr_t)p->image, .len = VSYS_PAGE_SIZE,
		.mode = UFFDIO_COPY_MODE_DONTWAKE,
	};

	return ioctl(m->lane->uffd, UFFDIO_COPY, &copy) < 0 ? -errno : 0;
}

#define MERGE_RUNS	128

static void write_runs(struct mirror *m, const struct mpage *p, const struct iovec *here,
		       const struct iovec *there, unsigned int nr)
{
	if (nr && !p->readonly && process_vm_writev(m->lane->pid, here, nr, there, nr, 0) < 0)
		log_debug("a page that is in use: %m");
}

/*
 * The page is in use.  What the guest changed since it came is taken over, but where
 * a driver has written: that byte is newer.
 */
static void merge(struct mirror *m, struct mpage *p, const unsigned char *content)
{
	struct iovec here[MERGE_RUNS], there[MERGE_RUNS];
	unsigned char now[VSYS_PAGE_SIZE];
	unsigned int i, start, nr = 0;

	if (!memcmp(p->image, content, sizeof(now)) || !pages_read(m, &p->addr, 1, now))
		return;
	for (i = 0; i < sizeof(now); i++) {
		start = i;
		while (i < sizeof(now) && content[i] != p->image[i] && now[i] == p->image[i])
			i++;
		if (i == start)
			continue;
		memcpy(p->image + start, content + start, i - start);
		here[nr] = (struct iovec){ p->image + start, i - start };
		there[nr++] = (struct iovec){ (void *)(uintptr_t)(p->addr + start), i - start };
		if (nr == MERGE_RUNS) {
			write_runs(m, p, here, there, nr);
			nr = 0;
		}
	}
	write_runs(m, p, here, there, nr);
}

struct mpage *page_bring(struct mirror *m, uint64_t addr, const void *content, bool writable,
			 uint64_t arrived)
{
	struct mpage *p = page_find(m, addr);
	unsigned char copy[VSYS_PAGE_SIZE];

	if (p && (p->state == PAGE_MAPPED || p->state == PAGE_REFUSED))
		return p;
	if (p && p->state == PAGE_PRESENT) {
		if (p->users && (p->judged || arrived < p->arrived))
			return p;	/* what is there is newer, or must stay */
		p->arrived = arrived;
		p->stale = false;
		/* As it was when this was compared, whatever the guest writes there now. */
		if (!memcmp(p->image, content, VSYS_PAGE_SIZE))
			return p;
	}
	memcpy(copy, content, sizeof(copy));	/* the guest may go on writing there */
	__asm__ __volatile__("" ::: "memory");
	if (p && p->state == PAGE_PRESENT) {
		if (p->users) {
			merge(m, p, copy);
			return p;
		}
		if (!page_write(m, addr, copy, sizeof(copy)))
			return NULL;
		memcpy(p->image, copy, sizeof(copy));
		return p;
	}
	if (!p)
		p = page_new(m, addr, PAGE_ASKED);
	if (!p)
		return NULL;
	p->image = malloc(VSYS_PAGE_SIZE);
	if (!p->image)
		return NULL;
	memcpy(p->image, copy, sizeof(copy));
	p->readonly = !writable;
	if (copy_in(m, p)) {
		free(p->image);
		p->image = NULL;
		return NULL;
	}
	p->arrived = arrived;
	p->state = PAGE_PRESENT;
	return p;
}

void pages_wake(struct mirror *m, uint64_t addr, uint64_t length)
{
	struct uffdio_range range = { addr, length };

	if (ioctl(m->lane->uffd, UFFDIO_WAKE, &range) < 0)
		log_debug("waking a driver: %m");
}

/* After something else was mapped there: touches are faults again. */
void page_watch(struct mirror *m, uint64_t addr)
{
	struct uffdio_register reg = {
		.range = { addr, VSYS_PAGE_SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(m->lane->uffd, UFFDIO_REGISTER, &reg) < 0) {
		log_err("a page of a mirror cannot be watched: %m");
		mirror_kill(m);
	}
}

int page_map_grant(struct mirror *m, uint32_t ref, uint64_t *index)
{
	struct ioctl_gntdev_map_grant_ref map = { .count = 1 };
	struct worker *w = m->mm->dev->worker;

	map.refs[0].domid = w->transport->domid;
	map.refs[0].ref = ref;
	if (ioctl(w->executors.gntdev, IOCTL_GNTDEV_MAP_GRANT_REF, &map) < 0)
		return -errno;
	*index = map.index;
	m->mm->dev->counters.grant_maps++;
	return 0;
}

/*
 * It stays mapped as long as it is in the executor; and gntdev keeps it as long as
 * a driver has it pinned, whatever is unmapped.
 */
void page_unmap_grant(struct mirror *m, uint64_t index)
{
	struct ioctl_gntdev_unmap_grant_ref unmap = { .index = index, .count = 1 };

	if (ioctl(m->mm->dev->worker->executors.gntdev, IOCTL_GNTDEV_UNMAP_GRANT_REF, &unmap) < 0)
		log_err("a grant cannot be let go: %m");
}

/* The executor has died.  Calls still hold what they brought. */
void pages_gone(struct mirror *m)
{
	struct mpage *p, *next;

	m->mm->nr_kept -= m->nr_kept;
	m->nr_kept = 0;
	for (p = LIST_FIRST(&m->pages); p; p = next) {
		next = LIST_NEXT(p, of_mirror);
		p->users -= p->kept;
		p->kept = false;
		p->state = PAGE_GONE;
		if (!p->users)
			page_free(p);
	}
}
