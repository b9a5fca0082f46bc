/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transport.h - shared memory and notifications between a worker and its guest.
 *
 * Everything above this interface runs equally on Xen (transport-xen.c) and
 * with a pretended guest (transport-loop.c, for tests, fuzzers and tests/bench/growth).
 *
 * A transport belongs to one domain.  Its event descriptor behaves as
 * /dev/xen/evtchn does: reading gives the 32-bit numbers of local ports that
 * were notified, and masks each of them; writing a port's number unmasks it,
 * and what was notified in between is then readable.  It does not block.
 */
#ifndef VSYS_TRANSPORT_H
#define VSYS_TRANSPORT_H

#include <stdint.h>

struct transport;

struct transport_ops {
	/*
	 * Map count pages of the guest, readable and writable, as one range of
	 * addresses.  NULL and errno if any of them cannot be mapped: then none
	 * is.  unmap takes exactly what map gave.
	 */
	void *(*map)(struct transport *t, const uint32_t *refs, unsigned int count);
	int (*unmap)(struct transport *t, void *addr, unsigned int count);

	/* Local port connected to the guest's, or negative errno. */
	int (*bind)(struct transport *t, uint32_t remote_port);
	int (*unbind)(struct transport *t, uint32_t port);
	int (*notify)(struct transport *t, uint32_t port);

	void (*close)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	uint32_t domid;
	int event_fd;
};

/* NULL and errno; an error has been logged. */
struct transport *transport_xen_open(uint32_t domid);

#endif /* VSYS_TRANSPORT_H */
