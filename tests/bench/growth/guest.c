// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest.c - pretended guests with pretended front-ends.
 *
 * A front-end does what xen-vsysfront does, as far as the back-end can see: it waits
 * for InitWait, grants a ring and a pool, writes its nodes, and has requests answered.
 * All of them are in this process and thread, so what they cost is not the daemon's.
 * They trust the back-end, except for the contents of answers, which are counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/vsysif.h>
#include <xen/io/xenbus.h>

#include "growth.h"
#include "vsys-xenstore.h"
#include "xen-backend/worker/transport-loop.h"

/* As xen-vsysfront by default, with one processor. */
#define POOL_PAGES	256u
#define ENTRIES		32u

/* The guest's pages: those of a device follow each other. */
#define DEVICE_PAGES	(2 + POOL_PAGES)
#define RING_REF(i)	(1 + (i) * DEVICE_PAGES)
#define DIR_REF(i)	(RING_REF(i) + 1)
#define POOL_REF(i)	(RING_REF(i) + 2)
#define REMOTE_PORT(i)	(1 + (i))

struct guests_count guests_count;

struct front {
	struct guest *guest;
	uint32_t index;			/* also its devid */
	struct vsys_front_ring ring;
	uint32_t handle;
	uint16_t free_id[ENTRIES];
	unsigned int nr_free;
	unsigned long sent;
	int64_t since;			/* depth 1: when the request was sent */
};

struct guest {
	uint32_t domid;
	struct transport_loop *t;
	struct loop_fd upcall, unmask;
	struct front *front;
};

static struct guest *guests;
static unsigned int nr_guests, nr_devices;
static struct loop_fd machine;

static struct {
	struct front *one;		/* NULL: all */
	unsigned long limit;
	int64_t until;
	unsigned int in_flight;
	int64_t *sample;		/* of one at depth 1 */
	unsigned long nr_samples;
} work;

/* --- XenStore ---------------------------------------------------------- */

static const char *path_of(const struct front *f, const char *format, const char *key)
{
	static char path[XST_PATH];
	int len = snprintf(path, sizeof(path), format, f->guest->domid, f->index);

	snprintf(path + len, sizeof(path) - len, "/%s", key);
	return path;
}

static void put(const struct front *f, const char *key, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	fake_put(store_xs, path_of(f, VSYS_PATHF_FRONTEND, key), text);
}

static void set_state(struct front *f, enum xenbus_state state)
{
	put(f, VSYS_KEY_STATE, state);
}

static void make_ring(struct front *f)
{
	struct transport_loop *t = f->guest->t;
	struct vsys_sring *sring = loop_page(t, RING_REF(f->index));
	struct vsys_pool_dir *dir = loop_page(t, DIR_REF(f->index));
	unsigned int i;

	XEN_FRONT_RING_INIT(&f->ring, sring, VSYS_PAGE_SIZE);
	if (RING_SIZE(&f->ring) != ENTRIES)
		die("the ring has %u entries", RING_SIZE(&f->ring));
	for (i = 0; i < POOL_PAGES; i++)
		dir->gref[i] = POOL_REF(f->index) + i;
	for (i = 0; i < ENTRIES; i++)
		f->free_id[i] = i;
	f->nr_free = ENTRIES;
}

static void initialise(struct front *f)
{
	make_ring(f);
	put(f, VSYS_KEY_VERSION, VSYS_PROTOCOL_VERSION);
	put(f, VSYS_KEY_RING_PAGE_ORDER, 0);
	put(f, VSYS_KEY_POOL_PAGES, POOL_PAGES);
	put(f, VSYS_KEY_MULTI_QUEUE_NUM_QUEUES, 1);
	put(f, "queue-0/ring-ref0", RING_REF(f->index));
	put(f, "queue-0/event-channel", REMOTE_PORT(f->index));
	put(f, "queue-0/pool-ref", POOL_REF(f->index) - 1);
	set_state(f, XenbusStateInitialised);
}

void guests_state_written(uint32_t domid, uint32_t devid)
{
	struct front *f;
	const char *text;
	char path[XST_PATH];

	if (domid < 1 || domid > nr_guests || devid >= nr_devices)
		die("domain %u has a device %u", domid, devid);
	f = &guests[domid - 1].front[devid];
	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND "/" VSYS_KEY_STATE, 0, domid, devid);
	text = fake_get(store_xs, path);
	switch (text ? atoi(text) : XenbusStateUnknown) {
	case XenbusStateInitWait:
		initialise(f);
		break;
	case XenbusStateConnected:
		guests_count.connected++;
		set_state(f, XenbusStateConnected);
		break;
	case XenbusStateClosing:
		set_state(f, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		guests_count.closed++;
		set_state(f, XenbusStateClosed);
		break;
	}
}

static void put_domain(const struct guest *g, const char *key, const char *format)
{
	char path[XST_PATH], value[32];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", g->domid, key);
	snprintf(value, sizeof(value), format, g->domid);
	fake_put(store_xs, path, value);
}

void guest_introduce(unsigned int guest)
{
	const struct guest *g = &guests[guest];

	put_domain(g, "vm", "/vm/%08u");
	put_domain(g, "device", "");
	put_domain(g, "name", "g%u");
	fake_introduce(store_xs, g->domid);
	store_flush();
}

void guest_release(unsigned int guest)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u", guests[guest].domid);
	fake_remove(store_xs, path);
	fake_release(store_xs, guests[guest].domid);
	store_flush();
}

/* --- requests ----------------------------------------------------------- */

static void submit(struct front *f, struct vsys_request *r)
{
	int notify;

	r->id = f->free_id[--f->nr_free];
	work.in_flight++;
	if (r->op == VSYS_OP_READ || r->op == VSYS_OP_WRITE)
		r->u.segment[0].offset = r->id * VSYS_PAGE_SIZE;
	*RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt) = *r;
	f->ring.req_prod_pvt++;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&f->ring, notify);
	if (notify)
		loop_notify(f->guest->t, REMOTE_PORT(f->index));
}

static void submit_io(struct front *f)
{
	struct vsys_request r = {
		.op = f->sent++ % 2 ? VSYS_OP_WRITE : VSYS_OP_READ,
		.nr_segments = 1,
		.handle = f->handle,
		.length = VSYS_PAGE_SIZE,
		.u.segment[0].length = VSYS_PAGE_SIZE,
	};

	submit(f, &r);
}

void guests_call_open(void)
{
	const struct vsys_request r = { .op = VSYS_OP_OPEN, .flags = VSYS_O_RDWR };
	unsigned int i, k;

	for (i = 0; i < nr_guests; i++) {
		for (k = 0; k < nr_devices; k++) {
			struct vsys_request copy = r;

			submit(&guests[i].front[k], &copy);
		}
	}
}

static void answered(struct front *f, const struct vsys_response *rsp)
{
	f->free_id[f->nr_free++] = rsp->id;
	work.in_flight--;
	if (rsp->op == VSYS_OP_OPEN) {
		guests_count.opened++;
		guests_count.bad_answers += rsp->status != 0;
		f->handle = rsp->value;
		return;
	}
	guests_count.answers++;
	guests_count.bad_answers += rsp->status != 0 || rsp->value != VSYS_PAGE_SIZE;
	if (f == work.one && f->nr_free == ENTRIES) {
		int64_t now = now_ns();

		work.sample[work.nr_samples++] = now - f->since;
		f->since = now;
	}
	if (work.limit ? f->sent < work.limit : now_ns() < work.until)
		submit_io(f);
}

static void take_answers(struct front *f)
{
	struct vsys_response rsp;
	int more;

	do {
		while (RING_HAS_UNCONSUMED_RESPONSES(&f->ring)) {
			xen_rmb();
			RING_COPY_RESPONSE(&f->ring, f->ring.rsp_cons, &rsp);
			f->ring.rsp_cons++;
			answered(f, &rsp);
		}
		RING_FINAL_CHECK_FOR_RESPONSES(&f->ring, more);
	} while (more);
}

static void start(struct front *f, unsigned int depth)
{
	f->sent = 0;
	f->since = now_ns();
	while (depth--)
		submit_io(f);
}

void guests_work(bool all, unsigned int depth, unsigned long limit, int64_t time_ns)
{
	unsigned int i, k;

	/* One in the middle: neither the first nor the last anywhere. */
	work.one = all ? NULL : &guests[nr_guests / 2].front[nr_devices / 2];
	work.limit = limit;
	work.until = now_ns() + time_ns;
	work.nr_samples = 0;
	free(work.sample);
	work.sample = all ? NULL : calloc(limit, sizeof(*work.sample));
	if (!all) {
		start(work.one, depth);
		return;
	}
	for (i = 0; i < nr_guests; i++)
		for (k = 0; k < nr_devices; k++)
			start(&guests[i].front[k], depth);
}

bool guests_idle(void)
{
	return !work.in_flight;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t guests_median_ns(void)
{
	if (!work.nr_samples)
		return 0;
	qsort(work.sample, work.nr_samples, sizeof(*work.sample), by_time);
	return work.sample[work.nr_samples / 2];
}

/* --- event channels and memory -------------------------------------------- */

static void upcall(void *arg, uint32_t events)
{
	struct guest *g = arg;
	uint32_t at = 0, port;

	(void)events;
	loop_upcall(g->t);
	while ((port = loop_take_next(g->t, &at)))
		take_answers(&g->front[port - REMOTE_PORT(0)]);
}

static void unmasked(void *arg, uint32_t events)
{
	(void)events;
	loop_unmasked(((struct guest *)arg)->t);
}

static void give(int s, const struct transport_loop *t)
{
	int fd[] = { t->memory_fd, t->base.event_fd, t->upcall_fd };
	char control[CMSG_SPACE(sizeof(fd))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { (char *)control, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), fd, sizeof(fd));
	if (sendmsg(s, &h, MSG_NOSIGNAL) < 0)
		die("a worker does not take its guest's memory: %s", strerror(errno));
}

static void machine_ready(void *arg, uint32_t events)
{
	int s = accept4(machine.fd, NULL, NULL, SOCK_CLOEXEC);
	struct timeval patience = { .tv_sec = 10 };
	uint32_t domid;

	(void)arg;
	(void)events;
	/* It has connected to say this, and at once. */
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    recv(s, &domid, sizeof(domid), 0) != sizeof(domid))
		die("a worker: %s", strerror(errno));
	if (domid < 1 || domid > nr_guests)
		die("a worker for domain %u", domid);
	give(s, guests[domid - 1].t);
	close(s);
}

void guests_reset(void)
{
	unsigned int bad = guests_count.bad_answers;

	if (work.in_flight)
		die("a request was not answered");
	memset(&guests_count, 0, sizeof(guests_count));
	guests_count.bad_answers = bad;
}

static void open_guest(struct guest *g, uint32_t domid)
{
	unsigned int i;

	g->domid = domid;
	g->t = transport_loop_open_apart(domid, 1 + nr_devices * DEVICE_PAGES);
	g->front = calloc(nr_devices, sizeof(*g->front));
	if (!g->t || !g->front)
		die("guest %u: %s", domid, strerror(errno));
	for (i = 0; i < nr_devices; i++) {
		g->front[i].guest = g;
		g->front[i].index = i;
	}
	g->upcall = (struct loop_fd){ .fd = g->t->upcall_fd, .ready = upcall, .arg = g };
	g->unmask = (struct loop_fd){ .fd = g->t->guest_fd, .ready = unmasked, .arg = g };
	if (loop_fd_add(growth_loop, &g->upcall, EPOLLIN) ||
	    loop_fd_add(growth_loop, &g->unmask, EPOLLIN))
		die("guest %u: %s", domid, strerror(errno));
}

void guests_open(unsigned int guests_wanted, unsigned int devices)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned int i;

	if (REMOTE_PORT(devices) > LOOP_PORTS)
		die("a guest cannot have %u devices here", devices);
	nr_guests = guests_wanted;
	nr_devices = devices;
	memset(&guests_count, 0, sizeof(guests_count));
	guests = calloc(nr_guests, sizeof(*guests));
	for (i = 0; guests && i < nr_guests; i++)
		open_guest(&guests[i], 1 + i);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", growth_path(GROWTH_MACHINE));
	machine.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	machine.ready = machine_ready;
	if (machine.fd < 0 || bind(machine.fd, (void *)&addr, sizeof(addr)) ||
	    listen(machine.fd, 1024) || loop_fd_add(growth_loop, &machine, EPOLLIN))
		die("%s: %s", addr.sun_path, strerror(errno));
}

void guests_close(void)
{
	unsigned int i;

	loop_fd_remove(growth_loop, &machine);
	close(machine.fd);
	unlink(growth_path(GROWTH_MACHINE));
	for (i = 0; i < nr_guests; i++) {
		loop_fd_remove(growth_loop, &guests[i].upcall);
		loop_fd_remove(growth_loop, &guests[i].unmask);
		guests[i].t->base.ops->close(&guests[i].t->base);
		free(guests[i].front);
	}
	free(guests);
	free(work.sample);
	memset(&work, 0, sizeof(work));
}
