/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transport-loop.h - a transport without Xen.
 *
 * For tests, fuzzers and tests/bench/growth.  The guest's memory is a file in
 * memory; a grant reference names one page of it.  The worker's mappings show the
 * same pages, so both sides see each other's writes, as on Xen.  Event channels
 * behave as /dev/xen/evtchn: a port that was read is masked until it is written back.
 *
 * The guest is in the worker's process, or in another one: then the guest opens the
 * transport, and the worker's process attaches to it by the three descriptors.  Who
 * is bound to what is in the file, behind the guest's pages.
 *
 * It counts, so that a test can see what was left mapped, bound or unmasked.
 */
#ifndef VSYS_TRANSPORT_LOOP_H
#define VSYS_TRANSPORT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"

#define LOOP_PAGES	8192u		/* of the guest: references 0 ... 8191 */
#define LOOP_PORTS	512u

/* The worker binds and notifies; masked and pending are the guest's side's. */
struct loop_port {
	bool bound;
	bool masked;
	bool pending;
	uint32_t remote;
	unsigned int to_guest;		/* notifications, not yet taken */
};

struct transport_loop {
	struct transport base;
	int memory_fd;
	unsigned int nr_pages;
	char *memory;			/* the guest's own view; NULL: it is elsewhere */
	int guest_fd;			/* other end of event_fd; -1: the guest has it */
	int upcall_fd;			/* eventfd for a guest that is elsewhere, or -1 */
	struct loop_port *port;		/* LOOP_PORTS of them, shared */

	/* This one cannot be mapped. */
	uint32_t bad_ref;
	bool bind_fails;

	unsigned int pages_mapped, ports_bound;
	unsigned int maps, unmaps;		/* calls */
	unsigned int unmasks, delivered;
};

/* NULL and errno. */
struct transport_loop *transport_loop_open(uint32_t domid);
/* With so many pages, and an upcall_fd: for a worker in another process. */
struct transport_loop *transport_loop_open_apart(uint32_t domid, unsigned int nr_pages);
/* The worker's side of that: memory_fd, event_fd and upcall_fd, which it takes. */
struct transport_loop *transport_loop_attach(uint32_t domid, int memory_fd, int event_fd,
					     int upcall_fd);

/* The guest's page that a reference names. */
void *loop_page(struct transport_loop *t, uint32_t ref);

/* The guest notifies the port that is bound to its remote one. */
void loop_notify(struct transport_loop *t, uint32_t remote);
/* Notifications that the guest got on its port since it last asked. */
unsigned int loop_take(struct transport_loop *t, uint32_t remote);
/*
 * For a guest that is apart: upcall_fd was readable.  Its next port that was notified,
 * after the last one (*at is 0 at first); 0: there is no more.
 */
void loop_upcall(struct transport_loop *t);
uint32_t loop_take_next(struct transport_loop *t, uint32_t *at);
/* guest_fd is readable: ports were unmasked, and what was notified meanwhile goes out. */
void loop_unmasked(struct transport_loop *t);
/* Whether the port that is bound to the guest's is masked now. */
bool loop_masked(struct transport_loop *t, uint32_t remote);

#endif /* VSYS_TRANSPORT_LOOP_H */
