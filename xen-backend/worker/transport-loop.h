/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transport-loop.h - a transport without Xen: the guest is in this process.
 *
 * For tests and fuzzers.  The guest's memory is a file in memory; a grant
 * reference names one page of it.  The worker's mappings show the same pages,
 * so both sides see each other's writes, as on Xen.  Event channels behave as
 * /dev/xen/evtchn: a port that was read is masked until it is written back.
 *
 * It counts, so that a test can see what was left mapped, bound or unmasked.
 */
#ifndef VSYS_TRANSPORT_LOOP_H
#define VSYS_TRANSPORT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"

#define LOOP_PAGES	8192u		/* of the guest: references 0 ... 8191 */
#define LOOP_PORTS	64u

struct transport_loop {
	struct transport base;
	int memory_fd;
	char *memory;			/* the guest's own view */
	int guest_fd;			/* other end of event_fd */

	/* This one cannot be mapped. */
	uint32_t bad_ref;
	bool bind_fails;

	struct {
		bool bound;
		bool masked;
		bool pending;
		uint32_t remote;
		unsigned int to_guest;		/* notifications, not yet taken */
	} port[LOOP_PORTS];

	unsigned int pages_mapped, ports_bound;
	unsigned int maps, unmaps;		/* calls */
	unsigned int unmasks, delivered;
};

/* NULL and errno. */
struct transport_loop *transport_loop_open(uint32_t domid);

/* The guest's page that a reference names. */
void *loop_page(struct transport_loop *t, uint32_t ref);

/* The guest notifies the port that is bound to its remote one. */
void loop_notify(struct transport_loop *t, uint32_t remote);
/* Notifications that the guest got on its port since it last asked. */
unsigned int loop_take(struct transport_loop *t, uint32_t remote);
/* Whether the port that is bound to the guest's is masked now. */
bool loop_masked(struct transport_loop *t, uint32_t remote);

#endif /* VSYS_TRANSPORT_LOOP_H */
