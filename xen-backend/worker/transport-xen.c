// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * transport-xen.c - the transport over gntdev and evtchn of a Linux dom0.
 *
 * The event descriptor is xenevtchn_fd() itself: on Linux xenevtchn_pending()
 * and xenevtchn_unmask() are a read and a write of a port number on it, and the
 * worker leaves both to its io_uring, which saves two system calls per event.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "../log.h"
#include "transport.h"

struct transport_xen {
	struct transport base;
	xengnttab_handle *grants;
	xenevtchn_handle *events;
};

static struct transport_xen *to_xen(struct transport *t)
{
	return (struct transport_xen *)t;
}

/*
 * gntdev checks the status of every single grant and fails the whole mmap()
 * when one is bad (rule 9), so there is no partly mapped range to look after.
 */
static void *xen_map(struct transport *t, const uint32_t *refs, unsigned int count)
{
	return xengnttab_map_domain_grant_refs(to_xen(t)->grants, count, t->domid,
					       (uint32_t *)refs, PROT_READ | PROT_WRITE);
}

static int xen_unmap(struct transport *t, void *addr, unsigned int count)
{
	return xengnttab_unmap(to_xen(t)->grants, addr, count) < 0 ? -errno : 0;
}

static int xen_bind(struct transport *t, uint32_t remote_port)
{
	int port = xenevtchn_bind_interdomain(to_xen(t)->events, t->domid, remote_port);

	return port < 0 ? -errno : port;
}

static int xen_unbind(struct transport *t, uint32_t port)
{
	return xenevtchn_unbind(to_xen(t)->events, port) < 0 ? -errno : 0;
}

static int xen_notify(struct transport *t, uint32_t port)
{
	return xenevtchn_notify(to_xen(t)->events, port) < 0 ? -errno : 0;
}

static void xen_close(struct transport *t)
{
	struct transport_xen *x = to_xen(t);

	if (x->events)
		xenevtchn_close(x->events);
	if (x->grants)
		xengnttab_close(x->grants);
	free(x);
}

static const struct transport_ops xen_ops = {
	.map	= xen_map,
	.unmap	= xen_unmap,
	.bind	= xen_bind,
	.unbind	= xen_unbind,
	.notify	= xen_notify,
	.close	= xen_close,
};

struct transport *transport_xen_open(uint32_t domid)
{
	struct transport_xen *x = calloc(1, sizeof(*x));
	int flags, err;

	if (!x)
		return NULL;
	x->base.ops = &xen_ops;
	x->base.domid = domid;

	x->grants = xengnttab_open(NULL, 0);
	if (!x->grants) {
		err = errno;
		log_err("cannot open the grant device: %m");
		goto fail;
	}
	x->events = xenevtchn_open(NULL, 0);
	if (!x->events) {
		err = errno;
		log_err("cannot open the event channel device: %m");
		goto fail;
	}
	/*
	 * From here on the descriptor reaches only channels of this domain.  A
	 * kernel that cannot do so (before 4.12) is no reason to stop.
	 */
	if (xenevtchn_restrict(x->events, domid) < 0)
		log_warn("cannot restrict event channels to domain %u: %m", domid);

	x->base.event_fd = xenevtchn_fd(x->events);
	flags = fcntl(x->base.event_fd, F_GETFL);
	if (flags < 0 || fcntl(x->base.event_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err = errno;
		log_err("cannot make the event channel device non-blocking: %m");
		goto fail;
	}
	return &x->base;

fail:
	xen_close(&x->base);
	errno = err;
	return NULL;
}
