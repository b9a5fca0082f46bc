// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * open.c - opens native nodes for workers; see open.h.
 *
 * A request may have to wait for others' (share.h), in the supervisor's queue. It
 * outlives its device if the kernel does not let go of the open, and even its domain;
 * it then closes what it gets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail.h"
#include "limits.h"
#include "log.h"
#include "open.h"
#include "share.h"
#include "supervisor.h"

struct open_request {
	LIST_ENTRY(open_request) link;
	TAILQ_ENTRY(open_request) in_queue;
	struct loop_open op;		/* of the claim, then of the node */
	struct loop *loop;
	struct domain *domain;		/* NULL: freed */
	struct device *device;		/* NULL: abandoned */
	uint32_t cookie;
	int flags;			/* of open(2) */
	bool only_claims;		/* of exclusive=attach: nobody asked for an open */
	bool waits;			/* in the queue; else op is under way */
	bool counted;			/* the device holds by it */
	bool cancelled;
	int64_t limit;			/* ms: until then a claim is tried for */
};

static const struct {
	uint32_t vsys;
	int native;
} open_flags[] = {
	{ VSYS_O_NONBLOCK, O_NONBLOCK },
	{ VSYS_O_EXCL, O_EXCL },
	{ VSYS_O_DIRECT, O_DIRECT },
	{ VSYS_O_SYNC, O_SYNC },
	{ VSYS_O_DSYNC, O_DSYNC },
	{ VSYS_O_APPEND, O_APPEND },
};

/* open(2) flags, or a negative errno if the stanza does not allow the mode. */
static int native_flags(const struct stanza *s, uint32_t oflags)
{
	uint32_t access = oflags & VSYS_O_ACCMODE;
	int flags = O_NOCTTY | O_CLOEXEC;

	if ((oflags & ~VSYS_O_MASK) || access == VSYS_O_ACCMODE)
		return -EINVAL;
	if (access != VSYS_O_WRONLY && !stanza_reads(s))
		return -EACCES;
	if (access != VSYS_O_RDONLY && !stanza_writes(s))
		return -EACCES;
	flags |= access == VSYS_O_WRONLY ? O_WRONLY :
		 access == VSYS_O_RDWR ? O_RDWR : O_RDONLY;
	for (size_t i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++)
		if (oflags & open_flags[i].vsys)
			flags |= open_flags[i].native;
	return flags;
}

static void answer(struct device *d, uint32_t cookie, int error, int fd)
{
	struct vsys_ipc msg = {
		.type = IPC_OPENED,
		.devid = d->devid,
		.u.open = { .cookie = cookie, .error = error, .era = d->era,
			    .oflags = d->claim >= 0 ? VSYS_O_EXCL : 0 },
	};

	if (d->domain->worker)
		worker_send(d->domain->worker, &msg, fd);
}

/*
 * Executors open it once more, of which the driver may take reads and writes.  What
 * is refused without it, the guest's program sees.
 */
static void show_node(const struct device *d, dev_t rdev)
{
	const struct domain *dom = d->domain;
	int err = jail_add_node(dom->sup->jail_path, dom->domid, d->devid, rdev,
				stanza_reads(&d->stanza), stanza_writes(&d->stanza));

	if (err)
		log_warn("%s: %s: its node cannot be made for the worker: %s",
			 domain_label(dom), d->stanza.name, strerror(-err));
}

/* The path may name something else by now. */
static int check_class(const struct device *d, int fd)
{
	struct stat st;
	bool same;

	if (fstat(fd, &st))
		return -errno;
	same = d->native.class == VSYS_CLASS_BLOCK ? S_ISBLK(st.st_mode) : S_ISCHR(st.st_mode);
	if (same && S_ISCHR(st.st_mode) && d->stanza.payload == VSYS_PAYLOAD_POINTERS)
		show_node(d, st.st_rdev);
	return same ? 0 : -ENODEV;
}

static struct open_request *request_of(struct loop_open *op)
{
	return (void *)((char *)op - offsetof(struct open_request, op));
}

static void discount(struct open_request *r)
{
	if (r->counted && r->device)
		share_closed(r->device, 1);
	r->counted = false;
}

static void end(struct open_request *r)
{
	struct supervisor *sup = r->domain ? r->domain->sup : NULL;

	if (r->waits)
		TAILQ_REMOVE(&sup->waiting, r, in_queue);
	if (r->domain) {
		LIST_REMOVE(r, link);
		r->domain->nr_opens--;
	}
	free(r);
}

static void claim_failed(struct device *d, int err)
{
	char reason[FAULT_SIZE];

	if (err == -EBUSY)
		snprintf(reason, sizeof(reason),
			 "dev '%s' is in use in this domain (exclusive=attach)", d->stanza.dev);
	else
		snprintf(reason, sizeof(reason), "dev '%s' cannot be claimed: %s", d->stanza.dev,
			 strerror(-err));
	device_fail(d, reason);
}

/* Without a file. */
static void refuse(struct open_request *r, int err)
{
	struct device *d = r->device;
	uint32_t cookie = r->cookie;

	if (r->only_claims) {
		end(r);
		if (d)
			claim_failed(d, err);
		return;
	}
	discount(r);
	end(r);
	if (d)
		answer(d, cookie, err, -1);
}

static void open_done(struct loop_open *op, int result)
{
	struct open_request *r = request_of(op);
	struct device *d = r->device;
	int fd = result >= 0 ? result : -1;

	if (result == -ECANCELED)
		result = -EINTR;
	if (d && fd >= 0)
		result = check_class(d, fd);
	if (d && result >= 0) {
		answer(d, r->cookie, 0, fd);
		/* It is the worker's now; this close does nothing to the device. */
		close(fd);
		end(r);
		return;
	}
	/* This may be the last close of it, and may block. */
	if (fd >= 0)
		loop_close(r->loop, fd);
	refuse(r, result < 0 ? result : -ENODEV);
}

static void wait_longer(struct open_request *r);

static void open_node(struct open_request *r)
{
	struct device *d = r->device;
	int err;

	/* What keeps others out is the claim, which its own opens must not meet. */
	if (d->claim >= 0)
		r->flags &= ~O_EXCL;
	r->op.done = open_done;
	err = loop_open_start(r->loop, &r->op, d->stanza.dev, r->flags);
	if (err)
		refuse(r, err);
}

static void keep_claim(struct device *d, int fd)
{
	struct stat st;

	d->claim = fd;
	d->claim_rdev = fstat(fd, &st) ? 0 : st.st_rdev;
}

/* Of a guest's first open: both have the same open file, which the driver counts once. */
static int share_claim(struct device *d, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), err = -errno;

	if (copy >= 0) {
		keep_claim(d, copy);
		return fd;
	}
	loop_close(d->domain->sup->loop, fd);
	return err;
}

static void claim_done(struct loop_open *op, int result)
{
	struct open_request *r = request_of(op);
	struct device *d = r->device;
	struct supervisor *sup;

	if (!d) {
		if (result >= 0)
			loop_close(r->loop, result);
		end(r);
		return;
	}
	sup = d->domain->sup;
	d->claiming = false;
	if (result == -EBUSY && !r->cancelled &&
	    (d->stanza.exclusive == VSYS_EXCLUSIVE_QUEUE || loop_now_ms() < r->limit)) {
		/* This domain's own users have it; or the claim of the guest before is not gone yet. */
		d->claiming = r->only_claims;
		discount(r);
		wait_longer(r);
		return;
	}
	if (!r->only_claims) {
		open_done(op, result >= 0 ? share_claim(d, result) : result);
	} else if (result >= 0) {
		keep_claim(d, result);
		end(r);
	} else {
		refuse(r, result);
		return;
	}
	opens_serve(sup);	/* others of the same guest */
}

/*
 * A guest's first open is the claim, too: some calls of a driver are for who is the only
 * one that has it open, as those that eject a medium.  Who writes exclusively keeps the
 * kernel from looking at the medium meanwhile.
 */
static void open_claim(struct open_request *r)
{
	struct device *d = r->device;
	int err;

	r->op.done = claim_done;
	err = loop_open_start(r->loop, &r->op, d->stanza.dev,
			      r->only_claims ? O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC :
			      r->flags | O_EXCL);
	if (err)
		refuse(r, err);
	else
		d->claiming = true;
}

static void serve_later(void *arg)
{
	opens_serve(arg);
}

static void wait_longer(struct open_request *r)
{
	struct supervisor *sup = r->domain->sup;

	r->waits = true;
	/* It was first, and is so again. */
	TAILQ_INSERT_HEAD(&sup->waiting, r, in_queue);
	if (!sup->waiting_timer.set)
		loop_timer_set(sup->loop, &sup->waiting_timer, LIMIT_WAIT_MS, serve_later, sup);
}

/* Others came first, and this guest does not have it already. */
static bool is_overtaking(const struct open_request *r, dev_t rdev)
{
	const struct device *d = r->device;
	const struct open_request *other;

	if (d->opens && d->open_rdev == rdev)
		return false;
	TAILQ_FOREACH(other, &d->domain->sup->waiting, in_queue) {
		if (other == r)
			break;
		if (other->device != d && other->device->native.class == d->native.class &&
		    other->device->native.rdev == d->native.rdev)
			return true;
	}
	return false;
}

/* True: it is on its way, or over; false: it is to wait. */
static bool try_open(struct open_request *r)
{
	struct device *d = r->device, *holder;
	bool queues = d->stanza.exclusive == VSYS_EXCLUSIVE_QUEUE;
	struct stat st;

	if (r->only_claims) {
		if (r->waits)
			TAILQ_REMOVE(&d->domain->sup->waiting, r, in_queue);
		r->waits = false;
		open_claim(r);
		return true;
	}
	/* If it is not there, the open says why. */
	if (!stat(d->stanza.dev, &st)) {
		holder = share_holder(d, st.st_rdev);
		if (holder)
			share_wanted(holder);
		if (holder && !queues) {
			refuse(r, -EBUSY);
			return true;
		}
		if (holder || (queues && is_overtaking(r, st.st_rdev)) || d->claiming)
			return false;
		if (r->waits)
			TAILQ_REMOVE(&d->domain->sup->waiting, r, in_queue);
		r->waits = false;
		share_drop_claim(d, st.st_rdev);
		share_opened(d, st.st_rdev);
		r->counted = true;
		if (share_claims(d) && d->claim < 0) {
			open_claim(r);
			return true;
		}
	} else if (r->waits) {
		TAILQ_REMOVE(&d->domain->sup->waiting, r, in_queue);
		r->waits = false;
	}
	open_node(r);
	return true;
}

/* One may free others: from the beginning, each time that something has gone. */
void opens_serve(struct supervisor *sup)
{
	struct open_request *r;

	if (sup->serving) {
		sup->serve_again = true;
		return;
	}
	sup->serving = true;
	do {
		sup->serve_again = false;
		TAILQ_FOREACH(r, &sup->waiting, in_queue) {
			if (try_open(r)) {
				sup->serve_again = true;
				break;
			}
		}
	} while (sup->serve_again);
	sup->serving = false;
	if (!TAILQ_EMPTY(&sup->waiting))
		loop_timer_set(sup->loop, &sup->waiting_timer, LIMIT_WAIT_MS, serve_later, sup);
	else
		loop_timer_clear(sup->loop, &sup->waiting_timer);
}

int opens_before(const struct device *d)
{
	const struct open_request *r;
	int nr = 0;

	TAILQ_FOREACH(r, &d->domain->sup->waiting, in_queue) {
		if (r->device == d)
			return nr;
		nr += r->device->native.rdev == d->native.rdev &&
		      r->device->native.class == d->native.class;
	}
	return -1;
}

static struct open_request *request_new(struct device *d)
{
	struct open_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = d->domain->sup->loop;
	r->domain = d->domain;
	r->device = d;
	r->limit = loop_now_ms() + LIMIT_CLAIM_MS;
	LIST_INSERT_HEAD(&d->domain->opens, r, link);
	d->domain->nr_opens++;
	return r;
}

void open_claim_attached(struct device *d)
{
	struct open_request *r;

	if (d->stanza.exclusive != VSYS_EXCLUSIVE_ATTACH || !share_claims(d))
		return;
	r = request_new(d);
	if (!r) {
		claim_failed(d, -ENOMEM);
		return;
	}
	r->only_claims = true;
	open_claim(r);
}

static int try_start(struct device *d, uint32_t cookie, uint32_t oflags)
{
	struct domain *dom = d->domain;
	int flags = native_flags(&d->stanza, oflags);
	struct open_request *r;

	if (flags < 0)
		return flags;
	/* There is no node; only a worker that was taken over asks. */
	if (d->native.class == VSYS_CLASS_PORTS)
		return -ENXIO;
	if (d->state != DEV_CONNECTED)
		return -ENODEV;
	if (dom->nr_opens >= LIMIT_OPENS)
		return -ENFILE;
	r = request_new(d);
	if (!r)
		return -ENOMEM;
	r->cookie = cookie;
	r->flags = flags;
	if (try_open(r))
		return 0;
	r->waits = true;
	TAILQ_INSERT_TAIL(&dom->sup->waiting, r, in_queue);
	if (!dom->sup->waiting_timer.set)
		loop_timer_set(dom->sup->loop, &dom->sup->waiting_timer, LIMIT_WAIT_MS,
			       serve_later, dom->sup);
	return 0;
}

void open_start(struct device *d, uint32_t cookie, uint32_t oflags)
{
	int err = try_start(d, cookie, oflags);

	if (err)
		answer(d, cookie, err, -1);
}

static void cancel(struct open_request *r)
{
	if (r->waits) {
		refuse(r, -EINTR);
		return;
	}
	if (!r->cancelled)
		loop_open_cancel(r->loop, &r->op);
	r->cancelled = true;
}

static struct open_request *claim_of(const struct device *d)
{
	struct open_request *r;

	LIST_FOREACH(r, &d->domain->opens, link)
		if (r->device == d && r->only_claims)
			break;
	return r;
}

static struct open_request *find(const struct domain *dom, const struct device *d,
				 const uint32_t *cookie)
{
	struct open_request *r;

	LIST_FOREACH(r, &dom->opens, link)
		if (r->device == d && !r->only_claims && !r->cancelled &&
		    (!cookie || r->cookie == *cookie))
			break;
	return r;
}

void open_cancel(struct device *d, uint32_t cookie)
{
	struct open_request *r = find(d->domain, d, &cookie);

	if (r)
		cancel(r);
}

void open_cancel_all(struct device *d)
{
	struct open_request *r;

	while ((r = find(d->domain, d, NULL)))
		cancel(r);
}

void open_abandon(struct device *d)
{
	struct open_request *r;

	open_cancel_all(d);
	LIST_FOREACH(r, &d->domain->opens, link) {
		if (r->device == d && !r->only_claims) {
			discount(r);
			r->device = NULL;
		}
	}
	if (!claim_of(d))
		d->claiming = false;
}

void open_give_up_claim(struct device *d)
{
	struct open_request *r = claim_of(d);

	if (!r)
		return;
	d->claiming = false;
	if (r->waits) {
		end(r);
		return;
	}
	r->device = NULL;
	loop_open_cancel(r->loop, &r->op);
}

void open_forget(struct domain *dom)
{
	struct open_request *r;

	while ((r = LIST_FIRST(&dom->opens))) {
		LIST_REMOVE(r, link);
		r->domain = NULL;
	}
	dom->nr_opens = 0;
}
