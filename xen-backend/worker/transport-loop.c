// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * transport-loop.c - a transport without Xen, for tests and fuzzers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport-loop.h"

#define PAGE	4096u

static struct transport_loop *to_loop(struct transport *t)
{
	return (struct transport_loop *)t;
}

static void *loop_map(struct transport *base, const uint32_t *refs, unsigned int count)
{
	struct transport_loop *t = to_loop(base);
	unsigned int i;
	char *addr;

	for (i = 0; i < count; i++) {
		if (refs[i] >= LOOP_PAGES || refs[i] == t->bad_ref) {
			errno = EINVAL;
			return NULL;
		}
	}
	addr = mmap(NULL, (size_t)count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return NULL;
	for (i = 0; i < count; i++) {
		if (mmap(addr + (size_t)i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, t->memory_fd, (off_t)refs[i] * PAGE) == MAP_FAILED) {
			munmap(addr, (size_t)count * PAGE);
			return NULL;
		}
	}
	t->pages_mapped += count;
	t->maps++;
	return addr;
}

static int loop_unmap(struct transport *base, void *addr, unsigned int count)
{
	struct transport_loop *t = to_loop(base);

	if (count > t->pages_mapped)
		abort();		/* never was mapped, or is not any more */
	t->pages_mapped -= count;
	t->unmaps++;
	return munmap(addr, (size_t)count * PAGE) < 0 ? -errno : 0;
}

static void deliver(struct transport_loop *t, uint32_t port)
{
	if (!t->port[port].pending || t->port[port].masked || !t->port[port].bound)
		return;
	t->port[port].pending = false;
	t->port[port].masked = true;	/* as the kernel does when it queues it */
	t->delivered++;
	if (write(t->guest_fd, &port, sizeof(port)) != sizeof(port))
		abort();
}

/* What the worker wrote to its descriptor: ports to unmask. */
static void drain(struct transport_loop *t)
{
	uint32_t port;

	while (read(t->guest_fd, &port, sizeof(port)) == sizeof(port)) {
		if (port >= LOOP_PORTS)
			abort();
		t->unmasks++;
		t->port[port].masked = false;
		deliver(t, port);
	}
}

static int loop_bind(struct transport *base, uint32_t remote)
{
	struct transport_loop *t = to_loop(base);
	uint32_t port;

	if (t->bind_fails)
		return -EINVAL;
	for (port = 1; port < LOOP_PORTS; port++) {
		if (t->port[port].bound)
			continue;
		memset(&t->port[port], 0, sizeof(t->port[port]));
		t->port[port].bound = true;
		t->port[port].remote = remote;
		t->ports_bound++;
		return port;
	}
	return -ENOSPC;
}

static int loop_unbind(struct transport *base, uint32_t port)
{
	struct transport_loop *t = to_loop(base);

	drain(t);
	if (port >= LOOP_PORTS || !t->port[port].bound)
		abort();
	t->port[port].bound = false;
	t->ports_bound--;
	return 0;
}

static int loop_notify_guest(struct transport *base, uint32_t port)
{
	struct transport_loop *t = to_loop(base);

	if (port >= LOOP_PORTS || !t->port[port].bound)
		return -EINVAL;
	t->port[port].to_guest++;
	return 0;
}

static void loop_close(struct transport *base)
{
	struct transport_loop *t = to_loop(base);

	munmap(t->memory, (size_t)LOOP_PAGES * PAGE);
	close(t->memory_fd);
	close(t->guest_fd);
	close(base->event_fd);
	free(t);
}

static const struct transport_ops loop_ops = {
	.map	= loop_map,
	.unmap	= loop_unmap,
	.bind	= loop_bind,
	.unbind	= loop_unbind,
	.notify	= loop_notify_guest,
	.close	= loop_close,
};

struct transport_loop *transport_loop_open(uint32_t domid)
{
	struct transport_loop *t = calloc(1, sizeof(*t));
	int pair[2];

	if (!t)
		return NULL;
	t->base.ops = &loop_ops;
	t->base.domid = domid;
	t->bad_ref = UINT32_MAX;
	t->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (t->memory_fd < 0 || ftruncate(t->memory_fd, (off_t)LOOP_PAGES * PAGE) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return NULL;		/* a test ends then */
	t->base.event_fd = pair[0];
	t->guest_fd = pair[1];
	t->memory = mmap(NULL, (size_t)LOOP_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 t->memory_fd, 0);
	return t->memory == MAP_FAILED ? NULL : t;
}

void *loop_page(struct transport_loop *t, uint32_t ref)
{
	return t->memory + (size_t)ref * PAGE;
}

static uint32_t local_port(struct transport_loop *t, uint32_t remote)
{
	uint32_t port;

	for (port = 1; port < LOOP_PORTS; port++)
		if (t->port[port].bound && t->port[port].remote == remote)
			return port;
	return 0;
}

void loop_notify(struct transport_loop *t, uint32_t remote)
{
	uint32_t port = local_port(t, remote);

	drain(t);
	if (!port)
		return;
	t->port[port].pending = true;
	deliver(t, port);
}

unsigned int loop_take(struct transport_loop *t, uint32_t remote)
{
	uint32_t port = local_port(t, remote);
	unsigned int n = t->port[port].to_guest;

	drain(t);
	t->port[port].to_guest = 0;
	return n;
}

bool loop_masked(struct transport_loop *t, uint32_t remote)
{
	drain(t);
	return t->port[local_port(t, remote)].masked;
}
