// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * open.c - opens native nodes for workers; see open.h.
 *
 * A request outlives its device if the kernel does not let go of the open, and
 * even its domain; it then closes what it gets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail.h"
#include "limits.h"
#include "log.h"
#include "open.h"
#include "supervisor.h"

struct open_request {
	LIST_ENTRY(open_request) link;
	struct loop_open op;		/* first: the loop knows this address */
	struct loop *loop;
	struct domain *domain;		/* NULL: freed */
	struct device *device;		/* NULL: abandoned */
	uint32_t cookie;
	bool cancelled;
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
		.u.open = { .cookie = cookie, .error = error },
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

static void open_done(struct loop_open *op, int result)
{
	struct open_request *r = (void *)((char *)op - offsetof(struct open_request, op));
	struct device *d = r->device;
	int fd = result >= 0 ? result : -1;

	if (result == -ECANCELED)
		result = -EINTR;
	if (d && fd >= 0)
		result = check_class(d, fd);
	if (d)
		answer(d, r->cookie, result < 0 ? result : 0, result < 0 ? -1 : fd);
	/*
	 * If it went to the worker, this close is not the last one and does
	 * nothing to the device; if not, it is, and may block.
	 */
	if (fd >= 0 && d && result >= 0)
		close(fd);
	else if (fd >= 0)
		loop_close(r->loop, fd);
	if (r->domain) {
		LIST_REMOVE(r, link);
		r->domain->nr_opens--;
	}
	free(r);
}

static int try_start(struct device *d, uint32_t cookie, uint32_t oflags)
{
	struct domain *dom = d->domain;
	int flags = native_flags(&d->stanza, oflags), err;
	struct open_request *r;

	if (flags < 0)
		return flags;
	if (d->state != DEV_CONNECTED)
		return -ENODEV;
	if (dom->nr_opens >= LIMIT_OPENS)
		return -ENFILE;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->op.done = open_done;
	r->loop = dom->sup->loop;
	r->domain = dom;
	r->device = d;
	r->cookie = cookie;
	err = loop_open_start(r->loop, &r->op, d->native.path, flags);
	if (err) {
		free(r);
		return err;
	}
	LIST_INSERT_HEAD(&dom->opens, r, link);
	dom->nr_opens++;
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
	if (!r->cancelled)
		loop_open_cancel(r->loop, &r->op);
	r->cancelled = true;
}

void open_cancel(struct device *d, uint32_t cookie)
{
	struct open_request *r;

	LIST_FOREACH(r, &d->domain->opens, link)
		if (r->device == d && r->cookie == cookie)
			cancel(r);
}

void open_cancel_all(struct device *d)
{
	struct open_request *r;

	LIST_FOREACH(r, &d->domain->opens, link)
		if (r->device == d)
			cancel(r);
}

void open_abandon(struct device *d)
{
	struct open_request *r;

	LIST_FOREACH(r, &d->domain->opens, link) {
		if (r->device == d) {
			cancel(r);
			r->device = NULL;
		}
	}
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
