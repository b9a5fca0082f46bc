// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * transport-loop.c - a transport without Xen; see transport-loop.h.
 *
 * Where guest and worker are two processes, each looks at the other's fields of a port
 * only by atomic operations; a port is bound when all else of it is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport-loop.h"

#define PAGE	4096u
#define TABLE	((LOOP_PORTS * sizeof(struct loop_port) + PAGE - 1) / PAGE * PAGE)

static struct transport_loop *to_loop(struct transport *t)
{
	return (struct transport_loop *)t;
}

/* References that follow each other are one mapping. */
static unsigned int run_of(const uint32_t *refs, unsigned int count)
{
	unsigned int n = 1;

	while (n < count && refs[n] == refs[0] + n)
		n++;
	return n;
}

static void *loop_map(struct transport *base, const uint32_t *refs, unsigned int count)
{
	struct transport_loop *t = to_loop(base);
	unsigned int i, n;
	char *addr;

	for (i = 0; i < count; i++) {
		if (refs[i] >= t->nr_pages || refs[i] == t->bad_ref) {
			errno = EINVAL;
			return NULL;
		}
	}
	addr = mmap(NULL, (size_t)count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return NULL;
	for (i = 0; i < count; i += n) {
		n = run_of(refs + i, count - i);
		if (mmap(addr + (size_t)i * PAGE, (size_t)n * PAGE, PROT_READ | PROT_WRITE,
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

static bool is_bound(const struct transport_loop *t, uint32_t port)
{
	return __atomic_load_n(&t->port[port].bound, __ATOMIC_ACQUIRE);
}

static void deliver(struct transport_loop *t, uint32_t port)
{
	if (!t->port[port].pending || t->port[port].masked || !is_bound(t, port))
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

	if (t->guest_fd < 0)
		return;		/* the guest's process does */
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
		if (is_bound(t, port))
			continue;
		memset(&t->port[port], 0, sizeof(t->port[port]));
		t->port[port].remote = remote;
		__atomic_store_n(&t->port[port].bound, true, __ATOMIC_RELEASE);
		t->ports_bound++;
		return port;
	}
	return -ENOSPC;
}

static int loop_unbind(struct transport *base, uint32_t port)
{
	struct transport_loop *t = to_loop(base);

	drain(t);
	if (port >= LOOP_PORTS || !is_bound(t, port))
		abort();
	__atomic_store_n(&t->port[port].bound, false, __ATOMIC_RELEASE);
	t->ports_bound--;
	return 0;
}

static int loop_notify_guest(struct transport *base, uint32_t port)
{
	struct transport_loop *t = to_loop(base);
	static const uint64_t one = 1;

	if (port >= LOOP_PORTS || !is_bound(t, port))
		return -EINVAL;
	__atomic_add_fetch(&t->port[port].to_guest, 1, __ATOMIC_SEQ_CST);
	if (t->upcall_fd >= 0 && write(t->upcall_fd, &one, sizeof(one)) != sizeof(one))
		return -errno;
	return 0;
}

static void loop_close(struct transport *base)
{
	struct transport_loop *t = to_loop(base);

	if (t->memory)
		munmap(t->memory, (size_t)t->nr_pages * PAGE);
	munmap(t->port, TABLE);
	close(t->memory_fd);
	if (t->guest_fd >= 0)
		close(t->guest_fd);
	if (t->upcall_fd >= 0)
		close(t->upcall_fd);
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

static void *map_shared(const struct transport_loop *t, size_t size, off_t offset)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, t->memory_fd, offset);

	return addr == MAP_FAILED ? NULL : addr;
}

/* With what guest and worker share; NULL and errno. */
static struct transport_loop *new(uint32_t domid, int memory_fd, unsigned int nr_pages)
{
	struct transport_loop *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->base.ops = &loop_ops;
	t->base.domid = domid;
	t->bad_ref = UINT32_MAX;
	t->guest_fd = t->upcall_fd = -1;
	t->memory_fd = memory_fd;
	t->nr_pages = nr_pages;
	t->port = map_shared(t, TABLE, (off_t)nr_pages * PAGE);
	if (!t->port) {
		free(t);
		return NULL;
	}
	return t;
}

/* A caller that gets NULL ends: nothing is undone. */
static struct transport_loop *open_with(uint32_t domid, unsigned int nr_pages)
{
	int fd = memfd_create("guest", MFD_CLOEXEC), pair[2];
	struct transport_loop *t;

	if (fd < 0 || ftruncate(fd, (off_t)nr_pages * PAGE + TABLE) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return NULL;
	t = new(domid, fd, nr_pages);
	if (!t)
		return NULL;
	t->base.event_fd = pair[0];
	t->guest_fd = pair[1];
	t->memory = map_shared(t, (size_t)nr_pages * PAGE, 0);
	return t->memory ? t : NULL;
}

struct transport_loop *transport_loop_open(uint32_t domid)
{
	return open_with(domid, LOOP_PAGES);
}

struct transport_loop *transport_loop_open_apart(uint32_t domid, unsigned int nr_pages)
{
	struct transport_loop *t = open_with(domid, nr_pages);

	if (!t)
		return NULL;
	t->upcall_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t->upcall_fd < 0 ? NULL : t;
}

struct transport_loop *transport_loop_attach(uint32_t domid, int memory_fd, int event_fd,
					     int upcall_fd)
{
	struct transport_loop *t;
	struct stat st;

	if (fstat(memory_fd, &st) < 0)
		return NULL;
	t = new(domid, memory_fd, (st.st_size - TABLE) / PAGE);
	if (!t)
		return NULL;
	t->base.event_fd = event_fd;
	t->upcall_fd = upcall_fd;
	return t;
}

void *loop_page(struct transport_loop *t, uint32_t ref)
{
	return t->memory + (size_t)ref * PAGE;
}

static uint32_t local_port(struct transport_loop *t, uint32_t remote)
{
	uint32_t port;

	for (port = 1; port < LOOP_PORTS; port++)
		if (is_bound(t, port) && t->port[port].remote == remote)
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

	drain(t);
	return __atomic_exchange_n(&t->port[port].to_guest, 0, __ATOMIC_SEQ_CST);
}

void loop_upcall(struct transport_loop *t)
{
	uint64_t count;

	/* First: what is notified from here on makes it readable again. */
	if (read(t->upcall_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
}

uint32_t loop_take_next(struct transport_loop *t, uint32_t *at)
{
	while (++*at < LOOP_PORTS)
		if (is_bound(t, *at) &&
		    __atomic_exchange_n(&t->port[*at].to_guest, 0, __ATOMIC_SEQ_CST))
			return t->port[*at].remote;
	return 0;
}

void loop_unmasked(struct transport_loop *t)
{
	drain(t);
}

bool loop_masked(struct transport_loop *t, uint32_t remote)
{
	drain(t);
	return t->port[local_port(t, remote)].masked;
}
