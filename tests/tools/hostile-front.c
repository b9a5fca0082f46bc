// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile-front - a front-end in user space that breaks the protocol.
 *
 * Runs as root in a guest whose module is not bound to the device.  It connects
 * to the back-end as the protocol demands, does one thing that a front-end must
 * never do, and prints what became of the back-end, in one line:
 *
 *   closed             the back-end is in state Closed
 *   alive              it is Connected, and ordinary calls work
 *   left               this process ends with everything connected and mapped
 *   wrong: TEXT        it did what it should not, or nothing within the limit
 *
 *   hostile-front list          prints for each case: name, what it demands of
 *                               the back-end, which device it is for, and a
 *                               pattern for the reason that the back-end gives
 *   hostile-front DEVICE CASE   DEVICE is a number, or the name in the guest
 *
 * Exit status 0 if the back-end did what the case demands.  The case "good"
 * breaks nothing: it shows that this program knows the protocol, and that a
 * device works.  The modules xen-gntalloc and xen-evtchn must be loaded.
 *
 * This is not an example of a front-end: it never waits for an event, and trusts
 * its back-end only where a test does not depend on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/vsysif.h>
#include <xen/io/xenbus.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "vsys-xenstore.h"

#define LIMIT_MS	20000	/* for whatever the back-end has to do */
#define POOL_PAGES	64
#define POOL_SIZE	(POOL_PAGES * VSYS_PAGE_SIZE)
#define ENTRIES		32	/* of a ring of one page */
#define MAX_ORDER	4
#define MAX_QUEUES	2

/* Places in the pool where arrays of segments lie, made by fill_pool(). */
#define LIST_GOOD	(32 * VSYS_PAGE_SIZE)	/* all {0, 512} */
#define LIST_WILD	(40 * VSYS_PAGE_SIZE)	/* the second one is outside */

struct queue {
	struct vsys_sring *sring;
	struct vsys_front_ring ring;
	uint32_t ring_ref[1u << MAX_ORDER];
	struct vsys_pool_dir *dir;
	uint32_t dir_ref;
	char *pool;
	uint32_t pool_ref[POOL_PAGES];
	evtchn_port_t port;
	uint16_t id;			/* of the next request */
};

struct front {
	struct xs_handle *xs;
	xengntshr_handle *grants;
	xenevtchn_handle *events;
	char path[64];			/* own directory, relative */
	char *back;
	uint32_t pool_pages;		/* what is told; POOL_PAGES are there */
	uint32_t order;
	uint32_t nr_queues;
	struct queue queue[MAX_QUEUES];
	bool disk;			/* data may be written and read back */
	bool abandoned;			/* say nothing more to the back-end */
};

enum want { FAILS, CLOSES, LIVES, EITHER, LEFT };

static const char *const want_names[] = {
	[FAILS]  = "fails",	/* Closed, with a reason */
	[CLOSES] = "closes",	/* Closed, as it was asked to */
	[LIVES]  = "lives",
	[EITHER] = "either",	/* fails or lives, but not undecided */
	[LEFT]   = "left",
};

struct attack {
	const char *name;
	enum want want;
	const char *device;		/* NULL: any disk */
	const char *says;		/* FAILS: pattern for the reason */

	/* A node with another value; NULL: without the node. */
	const char *key, *value;
	/* Before anything is shared: sizes. */
	void (*shape)(struct front *f);
	/* Before the nodes are written: grants, directory. */
	void (*spoil)(struct front *f);
	/* Requests, pushed at once; READ and WRITE get the handle of an open. */
	unsigned int nr;
	struct vsys_request rq[2];
	/* What is done once connected; or instead of connecting. */
	void (*run)(struct front *f);
	bool unconnected;
};

/* --- end ---------------------------------------------------------------- */

static struct front *current;

static void set_state(struct front *f, enum xenbus_state state);
static void wait_back(struct front *f, enum xenbus_state wanted);

static __attribute__((format(printf, 1, 2), noreturn)) void wrong(const char *fmt, ...)
{
	va_list ap;

	printf("wrong: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	/* So that what comes next finds a back-end that may start over. */
	if (current && current->back && !current->abandoned)
		set_state(current, XenbusStateClosed);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- XenStore ----------------------------------------------------------- */

static char *read_node(struct front *f, const char *dir, const char *key)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return xs_read(f->xs, XBT_NULL, path, NULL);
}

static bool try_write(struct front *f, const char *key, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->path, key);
	return xs_write(f->xs, XBT_NULL, path, value, strlen(value));
}

static void write_node(struct front *f, const char *key, const char *value)
{
	if (!try_write(f, key, value))
		wrong("cannot write %s: %s", key, strerror(errno));
}

static void write_number(struct front *f, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	write_node(f, key, text);
}

static void remove_node(struct front *f, const char *key)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->path, key);
	xs_rm(f->xs, XBT_NULL, path);
}

static void set_state(struct front *f, enum xenbus_state state)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", state);
	try_write(f, VSYS_KEY_STATE, text);
}

/* XenbusStateUnknown if there is none. */
static enum xenbus_state back_state(struct front *f)
{
	char *text = read_node(f, f->back, VSYS_KEY_STATE);
	int state = text ? atoi(text) : XenbusStateUnknown;

	free(text);
	return state;
}

static bool reaches(struct front *f, enum xenbus_state wanted, int ms)
{
	int64_t end = now_ms() + ms;

	while (back_state(f) != wanted) {
		if (now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

static void wait_back(struct front *f, enum xenbus_state wanted)
{
	if (!reaches(f, wanted, LIMIT_MS))
		wrong("the back-end is in state %d, not %d", back_state(f), wanted);
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

/* The device's directory, by number or by the name that the back-end tells. */
static void find_device(struct front *f, const char *device)
{
	unsigned int nr = 0, i;
	char **ids = xs_directory(f->xs, XBT_NULL, "device/vsys", &nr);

	for (i = 0; ids && i < nr && !f->back; i++) {
		char *name;

		snprintf(f->path, sizeof(f->path), "device/vsys/%.16s", ids[i]);
		f->back = read_node(f, f->path, VSYS_KEY_BACKEND);
		name = f->back ? read_node(f, f->back, VSYS_KEY_NAME) : NULL;
		if (!name || strcmp(is_number(device) ? ids[i] : name, device)) {
			free(f->back);
			f->back = NULL;
		}
		free(name);
	}
	free(ids);
	if (!f->back)
		wrong("there is no device '%s'", device);
}

/* --- pages, port, nodes --------------------------------------------------- */

static void *share(struct front *f, uint32_t domid, unsigned int nr, uint32_t *refs, bool writable)
{
	void *p = xengntshr_share_pages(f->grants, domid, nr, refs, writable);

	if (!p)
		wrong("cannot share %u pages: %s", nr, strerror(errno));
	return p;
}

static void fill_pool(struct queue *q)
{
	struct vsys_segment *good = (void *)(q->pool + LIST_GOOD);
	struct vsys_segment *wild = (void *)(q->pool + LIST_WILD);
	unsigned int i;

	for (i = 0; i < 2 * VSYS_MAX_SEGMENTS; i++)
		good[i] = (struct vsys_segment){ 0, 512 };
	wild[0] = (struct vsys_segment){ 0, 512 };
	wild[1] = (struct vsys_segment){ POOL_SIZE, 512 };
}

static void make_queue(struct front *f, struct queue *q)
{
	unsigned int i;
	int port;

	q->sring = share(f, 0, 1u << f->order, q->ring_ref, true);
	SHARED_RING_INIT(q->sring);
	FRONT_RING_INIT(&q->ring, q->sring, VSYS_PAGE_SIZE << f->order);
	q->pool = share(f, 0, POOL_PAGES, q->pool_ref, true);
	fill_pool(q);
	q->dir = share(f, 0, 1, &q->dir_ref, true);
	memset(q->dir, 0, sizeof(*q->dir));
	for (i = 0; i < POOL_PAGES; i++)
		q->dir->gref[i] = q->pool_ref[i];
	port = xenevtchn_bind_unbound_port(f->events, 0);
	if (port < 0)
		wrong("cannot make an event channel: %s", strerror(errno));
	q->port = port;
}

static void write_queue(struct front *f, unsigned int index)
{
	const struct queue *q = &f->queue[index];
	unsigned int i;
	char key[64];

	for (i = 0; i < 1u << f->order; i++) {
		snprintf(key, sizeof(key), VSYS_KEYF_QUEUE "/" VSYS_KEYF_RING_REF, index, i);
		write_number(f, key, q->ring_ref[i]);
	}
	snprintf(key, sizeof(key), VSYS_KEYF_QUEUE "/" VSYS_KEY_EVENT_CHANNEL, index);
	write_number(f, key, q->port);
	snprintf(key, sizeof(key), VSYS_KEYF_QUEUE "/" VSYS_KEY_POOL_REF, index);
	write_number(f, key, q->dir_ref);
}

static void write_nodes(struct front *f)
{
	unsigned int i;

	write_number(f, VSYS_KEY_VERSION, VSYS_PROTOCOL_VERSION);
	write_number(f, VSYS_KEY_RING_PAGE_ORDER, f->order);
	write_number(f, VSYS_KEY_POOL_PAGES, f->pool_pages);
	write_number(f, VSYS_KEY_MULTI_QUEUE_NUM_QUEUES, f->nr_queues);
	for (i = 0; i < f->nr_queues; i++)
		write_queue(f, i);
}

/* Ready to connect, whatever was there before. */
static void start_over(struct front *f)
{
	if (back_state(f) == XenbusStateInitWait)
		return;
	set_state(f, XenbusStateInitialising);
	wait_back(f, XenbusStateInitWait);
}

/* false: the back-end has closed the device. */
static bool connect_back(struct front *f)
{
	int64_t end = now_ms() + LIMIT_MS;
	enum xenbus_state state;

	set_state(f, XenbusStateInitialised);
	do {
		usleep(5000);
		state = back_state(f);
		if (state == XenbusStateClosed)
			return false;
		if (now_ms() > end)
			wrong("not connected: the back-end is in state %d", state);
	} while (state != XenbusStateConnected);
	set_state(f, XenbusStateConnected);
	return true;
}

static void close_back(struct front *f)
{
	set_state(f, XenbusStateClosing);
	wait_back(f, XenbusStateClosed);
	set_state(f, XenbusStateClosed);
}

/* --- requests ------------------------------------------------------------- */

#define READ_OF(len)	.op = VSYS_OP_READ, .length = (len)
#define SEGMENT(o, l)	.nr_segments = 1, .u.segment = { { (o), (l) } }
#define LIST(o, l)	SEGMENT(o, l), .flags = VSYS_RQ_INDIRECT

static void put(struct queue *q, const struct vsys_request *rq)
{
	*RING_GET_REQUEST(&q->ring, q->ring.req_prod_pvt) = *rq;
	q->ring.req_prod_pvt++;
}

static void kick(struct front *f, struct queue *q)
{
	xenevtchn_notify(f->events, q->port);
}

static void push(struct front *f, struct queue *q)
{
	RING_PUSH_REQUESTS(&q->ring);
	kick(f, q);
}

static uint16_t next_id(struct queue *q)
{
	return q->id++ % RING_SIZE(&q->ring);
}

/* false: none within the time. */
static bool take(struct queue *q, struct vsys_response *rsp, int ms)
{
	int64_t end = now_ms() + ms;

	while (!RING_HAS_UNCONSUMED_RESPONSES(&q->ring)) {
		if (now_ms() > end)
			return false;
		usleep(100);
	}
	xen_rmb();
	*rsp = *RING_GET_RESPONSE(&q->ring, q->ring.rsp_cons);
	q->ring.rsp_cons++;
	return true;
}

static void take_checked(struct queue *q, struct vsys_response *rsp)
{
	if (!take(q, rsp, LIMIT_MS))
		wrong("a request is not answered");
	/* Rule 3: nothing of the back-end's memory comes along. */
	if (rsp->zero0 || rsp->zero1)
		wrong("a response has bytes that are not zero");
	if (rsp->status > 0)
		wrong("a response has status %d", rsp->status);
}

static struct vsys_response call_on(struct front *f, struct queue *q, struct vsys_request rq)
{
	struct vsys_response rsp;

	rq.id = next_id(q);
	put(q, &rq);
	push(f, q);
	take_checked(q, &rsp);
	if (rsp.id != rq.id || rsp.op != rq.op)
		wrong("operation %u of id %u was answered as %u of id %u", rq.op, rq.id,
		      rsp.op, rsp.id);
	return rsp;
}

static struct vsys_response call(struct front *f, struct vsys_request rq)
{
	return call_on(f, &f->queue[0], rq);
}

static void expect(const char *what, const struct vsys_response *rsp, int status, uint64_t value)
{
	if (rsp->status != status || rsp->value != value)
		wrong("%s: status %d and value %llu instead of %d and %llu", what, rsp->status,
		      (unsigned long long)rsp->value, status, (unsigned long long)value);
}

static uint32_t open_on(struct front *f, struct queue *q, uint32_t flags)
{
	struct vsys_response rsp = call_on(f, q, (struct vsys_request){
		.op = VSYS_OP_OPEN, .flags = flags });

	if (rsp.status)
		wrong("OPEN: status %d", rsp.status);
	return rsp.value;
}

static uint32_t open_rw(struct front *f)
{
	return open_on(f, &f->queue[0], VSYS_O_RDWR);
}

static void release(struct front *f, uint32_t handle)
{
	struct vsys_response rsp = call(f, (struct vsys_request){
		.op = VSYS_OP_RELEASE, .handle = handle });

	expect("RELEASE", &rsp, 0, 0);
}

/* An ordinary round of calls; what is read must be what was written. */
static void check_alive(struct front *f)
{
	struct vsys_response rsp = call(f, (struct vsys_request){ .op = VSYS_OP_NOP });
	struct queue *q = &f->queue[0];
	unsigned int len = 3 * VSYS_PAGE_SIZE, i;
	char mark = now_ms();
	uint32_t h;

	expect("NOP", &rsp, 0, 0);
	if (!f->disk)
		return;
	h = open_rw(f);
	for (i = 0; i < len; i++)
		q->pool[i] = mark + i / 7;
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_WRITE, .handle = h, .offset = 8192,
		   .length = len, .flags = VSYS_O_RDWR, SEGMENT(0, len) });
	expect("WRITE", &rsp, 0, len);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_READ, .handle = h, .offset = 8192,
		   .length = len, .flags = VSYS_O_RDWR, SEGMENT(8 * VSYS_PAGE_SIZE, len) });
	expect("READ", &rsp, 0, len);
	if (memcmp(q->pool, q->pool + 8 * VSYS_PAGE_SIZE, len))
		wrong("what was read is not what was written");
	release(f, h);
}

/* --- no attack: what ordinary front-ends do --------------------------------- */

static void good_lists(struct front *f, uint32_t h)
{
	struct queue *q = &f->queue[0];
	struct vsys_segment *list = (void *)(q->pool + LIST_GOOD);
	unsigned int i, len = VSYS_MAX_SEGMENTS * 512;
	struct vsys_response rsp;

	/* The sectors of three pages, in reverse order. */
	rsp = call(f, (struct vsys_request){ READ_OF(5 * 512), .handle = h, .offset = 8192,
		   .nr_segments = 5, .u.segment = { { 2048 + 65536, 512 }, { 1536 + 65536, 512 },
		   { 1024 + 65536, 512 }, { 512 + 65536, 512 }, { 65536, 512 } } });
	expect("READ of five segments", &rsp, 0, 5 * 512);
	for (i = 0; i < 5; i++)
		if (memcmp(q->pool + 512 * i, q->pool + 65536 + 512 * (4 - i), 512))
			wrong("segment %u has not the data of its place", i);

	for (i = 0; i < VSYS_MAX_SEGMENTS; i++)
		list[i].length = 512;
	rsp = call(f, (struct vsys_request){ READ_OF(len), .handle = h, .offset = 0,
		   LIST(LIST_GOOD, VSYS_MAX_SEGMENTS * sizeof(list[0])) });
	expect("READ of 257 segments", &rsp, 0, len);
}

static void run_good(struct front *f)
{
	struct vsys_response rsp;
	uint32_t h;

	check_alive(f);
	h = open_rw(f);
	good_lists(f, h);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_LSEEK, .handle = h, .offset = 4096,
		   .length = VSYS_SEEK_SET });
	expect("LSEEK", &rsp, 0, 4096);
	rsp = call(f, (struct vsys_request){ READ_OF(512), .handle = h, .offset = 4096,
		   .flags = VSYS_O_RDWR | VSYS_RW_CURPOS, SEGMENT(0, 512) });
	expect("READ at the position", &rsp, 0, 512);
	if (rsp.pos != 4608)
		wrong("the position is %llu", (unsigned long long)rsp.pos);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_FSYNC, .handle = h });
	expect("FSYNC", &rsp, 0, 0);
	release(f, h);
}

/* --- requests that are odd, but not against the protocol ---------------------- */

#define SOME_ERROR	1	/* for .status: any negative one */
#define THE_HANDLE	0xfffffff0u	/* for .handle: of a file open for reading */

static const struct {
	const char *what;
	struct vsys_request rq;
	int status;
} odd[] = {
	{ "READ, handle 0", { READ_OF(512), SEGMENT(0, 512) }, -VSYS_EBADF },
	{ "READ, handle 4242", { READ_OF(512), .handle = 4242, SEGMENT(0, 512) }, -VSYS_EBADF },
	{ "WRITE, handle 2^32-1", { .op = VSYS_OP_WRITE, .handle = ~0u }, -VSYS_EBADF },
	{ "LSEEK, handle 4096", { .op = VSYS_OP_LSEEK, .handle = 4096 }, -VSYS_EBADF },
	{ "FSYNC, handle 2^31", { .op = VSYS_OP_FSYNC, .handle = 1u << 31 }, -VSYS_EBADF },
	{ "RELEASE, handle 4097", { .op = VSYS_OP_RELEASE, .handle = 4097 }, -VSYS_EBADF },
	{ "DISCARD, handle 99", { .op = VSYS_OP_DISCARD, .handle = 99 }, -VSYS_EBADF },
	{ "WRITE_ZEROES, handle 99", { .op = VSYS_OP_WRITE_ZEROES, .handle = 99 }, -VSYS_EBADF },
	{ "WRITE to a file for reading", { .op = VSYS_OP_WRITE, .handle = THE_HANDLE,
		.length = 512, SEGMENT(0, 512) }, -VSYS_EBADF },
	{ "WRITE_ZEROES to a file for reading", { .op = VSYS_OP_WRITE_ZEROES,
		.handle = THE_HANDLE, .u.range.length = 512 }, SOME_ERROR },
	{ "DISCARD of 2^64-1 bytes", { .op = VSYS_OP_DISCARD, .handle = THE_HANDLE,
		.offset = 4096, .u.range.length = ~0ull }, SOME_ERROR },
	{ "READ without segments", { READ_OF(0), .handle = THE_HANDLE }, 0 },
	{ "READ of five empty segments", { READ_OF(0), .handle = THE_HANDLE,
		.nr_segments = 5 }, 0 },
	{ "READ of an empty segment at the pool's end", { READ_OF(0), .handle = THE_HANDLE,
		SEGMENT(POOL_SIZE, 0) }, 0 },
	{ "READ of an empty list", { READ_OF(0), .handle = THE_HANDLE,
		LIST(LIST_GOOD, 0) }, 0 },
	{ "READ of an empty list at the pool's end", { READ_OF(0), .handle = THE_HANDLE,
		LIST(POOL_SIZE, 0) }, 0 },
	{ "READ beyond any file", { READ_OF(512), .handle = THE_HANDLE,
		.offset = -4096ull, SEGMENT(0, 512) }, SOME_ERROR },
	{ "LSEEK, whence 5", { .op = VSYS_OP_LSEEK, .handle = THE_HANDLE, .length = 5 },
		-VSYS_EINVAL },
	{ "LSEEK, whence 2^32-1", { .op = VSYS_OP_LSEEK, .handle = THE_HANDLE, .length = ~0u },
		-VSYS_EINVAL },
	{ "LSEEK to a negative position", { .op = VSYS_OP_LSEEK, .handle = THE_HANDLE,
		.offset = -1ull }, -VSYS_EINVAL },
	{ "CANCEL of an idle request", { .op = VSYS_OP_CANCEL, .u.cancel.id = 31 }, 0 },
	{ "NOP with a handle", { .op = VSYS_OP_NOP, .handle = ~0u, .length = ~0u }, 0 },
	{ "OPEN with access mode 3", { .op = VSYS_OP_OPEN, .flags = 3 }, SOME_ERROR },
	{ "operation 12", { .op = 12 }, -VSYS_ENOSYS },
	{ "a pool that grows by nothing granted", { .op = VSYS_OP_POOL_GROW, .length = 4096,
						    .u.pool.ref = ~0u }, -VSYS_ENOMEM },
	{ "IOCTL", { .op = VSYS_OP_IOCTL, .handle = THE_HANDLE }, -VSYS_ENOSYS },
	{ "MMAP", { .op = VSYS_OP_MMAP, .handle = THE_HANDLE }, -VSYS_ENOSYS },
	{ "CONTINUE", { .op = VSYS_OP_CONTINUE }, -VSYS_ENOSYS },
	{ "PORT_BATCH", { .op = VSYS_OP_PORT_BATCH, .u.ports.nr = ~0u }, -VSYS_ENOSYS },
	{ "operation 63", { .op = 63 }, -VSYS_ENOSYS },
};

static void run_odd(struct front *f)
{
	uint32_t h = open_on(f, &f->queue[0], VSYS_O_RDONLY);
	unsigned int i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct vsys_request rq = odd[i].rq;
		struct vsys_response rsp;

		if (rq.handle == THE_HANDLE)
			rq.handle = h;
		rsp = call(f, rq);
		if (odd[i].status == SOME_ERROR ? rsp.status < 0 : rsp.status == odd[i].status)
			continue;
		wrong("%s: status %d instead of %d", odd[i].what, rsp.status, odd[i].status);
	}
	release(f, h);
}

static void run_stale(struct front *f)
{
	uint32_t h = open_rw(f);
	struct vsys_response rsp;

	release(f, h);
	rsp = call(f, (struct vsys_request){ READ_OF(512), .handle = h, SEGMENT(0, 512) });
	expect("READ after RELEASE", &rsp, -VSYS_EBADF, 0);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_RELEASE, .handle = h });
	expect("second RELEASE", &rsp, -VSYS_EBADF, 0);
}

static void run_read_only(struct front *f)
{
	struct vsys_response rsp;
	uint32_t h;

	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_OPEN, .flags = VSYS_O_RDWR });
	expect("OPEN for both", &rsp, -VSYS_EACCES, 0);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_OPEN, .flags = VSYS_O_WRONLY });
	expect("OPEN for writing", &rsp, -VSYS_EACCES, 0);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_OPEN, .flags = 3 });
	expect("OPEN with access mode 3", &rsp, -VSYS_EACCES, 0);
	h = open_on(f, &f->queue[0], VSYS_O_RDONLY);
	rsp = call(f, (struct vsys_request){ .op = VSYS_OP_WRITE, .handle = h, .length = 512,
		   .flags = VSYS_O_RDWR, SEGMENT(0, 512) });
	expect("WRITE", &rsp, -VSYS_EBADF, 0);
	release(f, h);
}

/* --- attacks on the ring ---------------------------------------------------- */

static void run_requests(struct front *f, const struct attack *a)
{
	struct queue *q = &f->queue[0];
	uint32_t h = open_rw(f);
	unsigned int i;

	for (i = 0; i < a->nr; i++) {
		struct vsys_request rq = a->rq[i];

		if (rq.op == VSYS_OP_READ || rq.op == VSYS_OP_WRITE)
			rq.handle = h;
		put(q, &rq);
	}
	push(f, q);
}

static void run_index_far(struct front *f)
{
	struct queue *q = &f->queue[0];

	q->sring->req_prod = q->ring.req_prod_pvt + ENTRIES + 1;
	kick(f, q);
}

static void run_index_back(struct front *f)
{
	struct queue *q = &f->queue[0];

	check_alive(f);
	q->sring->req_prod = q->ring.req_prod_pvt - 1;
	kick(f, q);
}

/* Two queues: one has work to be acknowledged while the other one fails. */
static void run_second_queue(struct front *f)
{
	struct vsys_request nop = { .op = VSYS_OP_NOP }, bad = { .op = VSYS_OP_LIMIT };

	put(&f->queue[0], &nop);
	put(&f->queue[1], &bad);
	RING_PUSH_REQUESTS(&f->queue[0].ring);
	RING_PUSH_REQUESTS(&f->queue[1].ring);
	kick(f, &f->queue[0]);
	kick(f, &f->queue[1]);
}

/* READs of a megabyte, as many as the ring holds; on a stream they wait. */
static void put_reads(struct front *f, unsigned int nr)
{
	struct vsys_request rq = { READ_OF(4 * POOL_SIZE), .flags = VSYS_O_RDWR, .nr_segments = 4,
		.u.segment = { { 0, POOL_SIZE }, { 0, POOL_SIZE }, { 0, POOL_SIZE },
			       { 0, POOL_SIZE } } };
	struct queue *q = &f->queue[0];

	rq.handle = open_rw(f);
	while (nr--) {
		rq.id = next_id(q);
		put(q, &rq);
	}
	push(f, q);
}

static void run_close_busy(struct front *f)
{
	put_reads(f, ENTRIES);
	set_state(f, XenbusStateClosing);
}

static void run_break_busy(struct front *f)
{
	struct vsys_request bad = { .op = VSYS_OP_LIMIT };
	struct queue *q = &f->queue[0];

	put_reads(f, ENTRIES - 1);
	usleep(200000);
	bad.id = next_id(q);
	put(q, &bad);
	push(f, q);
}

/* The protocol broken and an ordinary end, at the same time (rule 11). */
static void run_break_close(struct front *f)
{
	struct vsys_request bad = { .op = VSYS_OP_LIMIT };

	put_reads(f, ENTRIES - 1);
	put(&f->queue[0], &bad);
	push(f, &f->queue[0]);
	set_state(f, XenbusStateClosing);
	set_state(f, XenbusStateClosed);
	set_state(f, XenbusStateInitialising);
}

static void run_leave_busy(struct front *f)
{
	put_reads(f, ENTRIES);
	usleep(100000);
}

/* Laps of the ring without a look at any response. */
static void run_deaf(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_NOP };
	struct queue *q = &f->queue[0];
	int64_t end = now_ms() + LIMIT_MS;
	unsigned int lap, i;

	for (lap = 0; lap < 100; lap++) {
		for (i = 0; i < ENTRIES; i++) {
			rq.id = next_id(q);
			put(q, &rq);
		}
		push(f, q);
		while (*(volatile RING_IDX *)&q->sring->rsp_prod != q->ring.req_prod_pvt)
			if (usleep(50) || now_ms() > end)
				wrong("the back-end waits for its responses to be read");
	}
	q->ring.rsp_cons = q->ring.req_prod_pvt;
}

static void run_storm(struct front *f)
{
	int64_t end = now_ms() + 4000;
	unsigned int i;

	while (now_ms() < end)
		for (i = 0; i < 100; i++)
			kick(f, &f->queue[0]);
}

static void run_unbind(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_NOP };

	put(&f->queue[0], &rq);
	push(f, &f->queue[0]);
	xenevtchn_unbind(f->events, f->queue[0].port);
	usleep(100000);
	set_state(f, XenbusStateClosing);
}

/* Handles 1 to nr, a ring's entries at once. */
static void release_all(struct front *f, unsigned int nr)
{
	struct vsys_request rq = { .op = VSYS_OP_RELEASE };
	struct queue *q = &f->queue[0];
	struct vsys_response rsp;
	unsigned int in_flight;

	while (rq.handle < nr) {
		for (in_flight = 0; in_flight < ENTRIES && rq.handle < nr; in_flight++) {
			rq.handle++;
			rq.id = next_id(q);
			put(q, &rq);
		}
		push(f, q);
		while (in_flight--) {
			take_checked(q, &rsp);
			expect("RELEASE", &rsp, 0, 0);
		}
	}
}

/* As many OPENs as the device has handles, and more. */
static void run_open_flood(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_OPEN, .flags = VSYS_O_RDONLY };
	unsigned int i, open = 0, refused = 0, laps = VSYS_MAX_HANDLES / ENTRIES + 2;
	struct queue *q = &f->queue[0];
	struct vsys_response rsp;

	while (laps--) {
		for (i = 0; i < ENTRIES; i++) {
			rq.id = next_id(q);
			put(q, &rq);
		}
		push(f, q);
		for (i = 0; i < ENTRIES; i++) {
			take_checked(q, &rsp);
			if (rsp.status && rsp.status != -VSYS_EMFILE)
				wrong("OPEN: status %d", rsp.status);
			rsp.status ? refused++ : open++;
		}
	}
	if (open != VSYS_MAX_HANDLES || refused != 2 * ENTRIES)
		wrong("%u files are open, %u were refused", open, refused);
	/* Half of them are closed when the device is. */
	release_all(f, VSYS_MAX_HANDLES / 2);
}

static void shape_large(struct front *f)
{
	f->order = MAX_ORDER;
}

/* All that a ring can hold at once. */
static void run_open_burst(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_OPEN, .flags = VSYS_O_RDONLY };
	struct queue *q = &f->queue[0];
	unsigned int i, open = 0, nr = RING_SIZE(&q->ring);
	struct vsys_response rsp;

	for (i = 0; i < nr; i++) {
		rq.id = next_id(q);
		put(q, &rq);
	}
	push(f, q);
	for (i = 0; i < nr; i++) {
		take_checked(q, &rsp);
		open += rsp.status == 0;
	}
	if (!open)
		wrong("no OPEN succeeded");
	release_all(f, open);
}

/* --- attacks while the back-end looks (rule 1) --------------------------------- */

static struct {
	struct front *front;
	void (*flip)(struct front *f, unsigned int turn);
	volatile bool stop;
} flipper;

static void *flip_thread(void *arg)
{
	unsigned int turn = 0;

	(void)arg;
	while (!flipper.stop)
		flipper.flip(flipper.front, turn++);
	return NULL;
}

/* Requests of length rq.length for some seconds, while a thread changes them. */
static void run_flips(struct front *f, struct vsys_request rq,
		      void (*flip)(struct front *f, unsigned int turn))
{
	int64_t end = now_ms() + 3000;
	struct queue *q = &f->queue[0];
	struct vsys_response rsp;
	unsigned int i, in_flight;
	pthread_t thread;
	bool going = true;

	flipper.front = f;
	flipper.flip = flip;
	rq.handle = open_rw(f);
	if (pthread_create(&thread, NULL, flip_thread, NULL))
		wrong("cannot start a thread");
	while (going && now_ms() < end) {
		for (i = 0; i < ENTRIES; i++) {
			rq.id = i;
			put(q, &rq);
		}
		push(f, q);
		for (in_flight = ENTRIES; going && in_flight; in_flight--)
			while (going && !take(q, &rsp, 200)) {
				going = back_state(f) == XenbusStateConnected;
				push(f, q);	/* the index may have been put back */
			}
	}
	flipper.stop = true;
	pthread_join(thread, NULL);
	q->id = 0;
}

static volatile struct vsys_request *slot(struct front *f, unsigned int turn)
{
	return RING_GET_REQUEST(&f->queue[0].ring, turn % ENTRIES);
}

/* For a moment only, so that checks see the good one and uses may not. */
static void flip_segment(struct front *f, unsigned int turn)
{
	volatile struct vsys_request *rq = slot(f, turn);

	if (turn % 61)
		return;
	rq->u.segment[0].offset = 0xfffff000u;
	rq->u.segment[0].offset = 0;
}

static void run_flip_segment(struct front *f)
{
	run_flips(f, (struct vsys_request){ READ_OF(4096), SEGMENT(0, 4096) }, flip_segment);
}

static void flip_list(struct front *f, unsigned int turn)
{
	volatile struct vsys_segment *s = (void *)(f->queue[0].pool + LIST_GOOD);

	s += turn * 13 % 32;
	if (turn % 61)
		return;
	s->offset = 0xfffff000u;
	s->offset = 0;
}

static void run_flip_list(struct front *f)
{
	run_flips(f, (struct vsys_request){ READ_OF(32 * 512), LIST(LIST_GOOD, 32 * 8) },
		  flip_list);
}

static void flip_list_place(struct front *f, unsigned int turn)
{
	volatile struct vsys_request *rq = slot(f, turn);

	if (turn % 61)
		return;
	rq->u.segment[0].length = 0xfffffff8u;
	rq->u.segment[0].length = 32 * 8;
}

static void run_flip_list_place(struct front *f)
{
	run_flips(f, (struct vsys_request){ READ_OF(32 * 512), LIST(LIST_GOOD, 32 * 8) },
		  flip_list_place);
}

static void flip_index(struct front *f, unsigned int turn)
{
	volatile RING_IDX *prod = &f->queue[0].sring->req_prod;
	RING_IDX old = *prod;

	if (turn % 61)
		return;
	*prod = old + 0x10000;
	*prod = old;
}

static void run_flip_index(struct front *f)
{
	run_flips(f, (struct vsys_request){ READ_OF(4096), SEGMENT(0, 4096) }, flip_index);
}

/* Each of these is allowed at any time. */
static void flip_harmless(struct front *f, unsigned int turn)
{
	volatile struct vsys_request *rq = slot(f, turn);

	rq->offset = (uint64_t)turn << 40;
	rq->handle = turn;
	rq->u.segment[0].offset = turn % 2 ? 0 : POOL_SIZE - 4096;
	rq->op = turn % 3 ? VSYS_OP_READ : VSYS_OP_WRITE;
}

static void run_flip_harmless(struct front *f)
{
	run_flips(f, (struct vsys_request){ READ_OF(4096), SEGMENT(0, 4096) }, flip_harmless);
}

/* All of the ring's page that a front-end does not need, over and over. */
static void scribble(struct front *f, unsigned int turn)
{
	volatile struct vsys_sring *s = f->queue[0].sring;

	s->rsp_prod = turn * 2654435761u;
	s->req_event = turn;
	s->rsp_event = turn * 40503u;
}

static void run_scribble(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_NOP, .handle = ~0u };
	struct queue *q = &f->queue[0];
	int64_t end = now_ms() + 2000;
	pthread_t thread;
	unsigned int i;

	flipper.front = f;
	flipper.flip = scribble;
	if (pthread_create(&thread, NULL, flip_thread, NULL))
		wrong("cannot start a thread");
	while (now_ms() < end) {
		for (i = 0; i < ENTRIES; i++) {
			rq.id = i;
			put(q, &rq);
		}
		push(f, q);
		/* The index of responses lies: look at where they are written. */
		for (i = 0; i < ENTRIES; i++)
			while (slot(f, i)->handle == ~0u && now_ms() < end + LIMIT_MS)
				usleep(100);
	}
	flipper.stop = true;
	pthread_join(thread, NULL);
	q->sring->rsp_prod = q->ring.rsp_cons = q->ring.req_prod_pvt;
	q->sring->rsp_event = q->ring.rsp_cons + 1;
	q->id = 0;
}

/* --- attacks by grants -------------------------------------------------------- */

static void spoil_foreign(struct front *f)
{
	share(f, DOMID_FIRST_RESERVED - 1, 1, f->queue[0].ring_ref, true);
}

static void spoil_read_only(struct front *f)
{
	share(f, 0, 1, f->queue[0].ring_ref, false);
}

static void spoil_pool_read_only(struct front *f)
{
	share(f, 0, 1, &f->queue[0].dir->gref[POOL_PAGES / 2], false);
}

static void spoil_pool_hole(struct front *f)
{
	f->queue[0].dir->gref[POOL_PAGES - 1] = 30000;
}

/* A directory that goes round; it names the same pages again and again. */
static void spoil_loop(struct front *f)
{
	struct queue *q = &f->queue[0];
	unsigned int i;

	for (i = 0; i < VSYS_POOL_DIR_GREFS; i++)
		q->dir->gref[i] = q->pool_ref[i % POOL_PAGES];
	q->dir->next = q->dir_ref;
	f->pool_pages = 2 * VSYS_POOL_DIR_GREFS;
}

static void spoil_short(struct front *f)
{
	spoil_loop(f);
	f->queue[0].dir->next = 0;
}

static void spoil_next(struct front *f)
{
	spoil_loop(f);
	f->queue[0].dir->next = 30000;
}

/* The back-end's own answers and data go over the ring. */
static void spoil_ring_in_pool(struct front *f)
{
	f->queue[0].dir->gref[0] = f->queue[0].ring_ref[0];
}

static void run_ring_in_pool(struct front *f)
{
	struct vsys_request rq = { READ_OF(4096), .handle = open_rw(f), SEGMENT(0, 4096) };

	rq.id = next_id(&f->queue[0]);
	put(&f->queue[0], &rq);
	push(f, &f->queue[0]);
	usleep(300000);
}

static void spoil_dir_in_pool(struct front *f)
{
	f->queue[0].dir->gref[POOL_PAGES - 1] = f->queue[0].dir_ref;	/* data goes elsewhere */
}

static void run_dir_in_pool(struct front *f)
{
	memset(f->queue[0].dir, 0xff, sizeof(*f->queue[0].dir));
}

static void shape_two_pages(struct front *f)
{
	f->order = 1;
}

static void spoil_same_page(struct front *f)
{
	f->queue[0].ring_ref[1] = f->queue[0].ring_ref[0];
}

static void run_same_page(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_NOP };
	struct queue *q = &f->queue[0];
	unsigned int i;

	for (i = 0; i < RING_SIZE(&q->ring); i++) {
		rq.id = i;
		put(q, &rq);
	}
	push(f, q);
	usleep(300000);
}

static void shape_two_queues(struct front *f)
{
	f->nr_queues = 2;
}

static void spoil_same_port(struct front *f)
{
	f->queue[1].port = f->queue[0].port;
}

static void spoil_same_ring(struct front *f)
{
	f->queue[1].ring_ref[0] = f->queue[0].ring_ref[0];
}

static void run_same_ring(struct front *f)
{
	struct vsys_request rq = { .op = VSYS_OP_NOP };
	unsigned int i;

	for (i = 0; i < 100; i++) {
		rq.id = i % ENTRIES;
		put(&f->queue[0], &rq);
		RING_PUSH_REQUESTS(&f->queue[0].ring);
		kick(f, &f->queue[0]);
		kick(f, &f->queue[1]);
		usleep(2000);
	}
}

/* --- attacks by XenStore -------------------------------------------------------- */

static void spoil_above_offer(struct front *f)
{
	char *text = read_node(f, f->back, VSYS_KEY_MAX_POOL_PAGES);

	f->pool_pages = text ? atoi(text) + 1 : 0;
	free(text);
}

static void run_long_value(struct front *f)
{
	static char text[1801];	/* xenstored takes 2048 bytes */

	memset(text, '1', sizeof(text) - 1);
	write_node(f, VSYS_KEY_VERSION, text);
	set_state(f, XenbusStateInitialised);
}

static void run_nul_value(struct front *f)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" VSYS_KEY_VERSION, f->path);
	xs_write(f->xs, XBT_NULL, path, "1\0 2", 4);
	set_state(f, XenbusStateInitialised);
}

/* As many nodes as the store lets us have; room for the other devices stays. */
static void run_node_flood(struct front *f)
{
	unsigned int i;
	char key[64];

	for (i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "flood-%u/%u", i % 20, i);
		if (!try_write(f, key, "water"))
			break;
	}
	if (i < 100)
		wrong("only %u nodes could be written: %s", i, strerror(errno));
	remove_node(f, "flood-0");
	remove_node(f, "flood-1");
	remove_node(f, "flood-2");
}

static void run_state(struct front *f, const char *value)
{
	write_node(f, VSYS_KEY_STATE, value);
}

static void run_state_text(struct front *f)
{
	run_state(f, "Connected");
}

static void run_state_empty(struct front *f)
{
	run_state(f, "");
}

static void run_state_range(struct front *f)
{
	run_state(f, "9");
}

static void run_state_control(struct front *f)
{
	run_state(f, "4\n\033[2J\007");
}

static void run_state_early(struct front *f)
{
	set_state(f, XenbusStateConnected);
}

/* All nodes are right, but there is no order in the states. */
static void run_state_jump(struct front *f)
{
	set_state(f, XenbusStateInitialised);
	set_state(f, XenbusStateClosing);
	set_state(f, XenbusStateInitialised);
	set_state(f, XenbusStateConnected);
}

static void run_state_storm(struct front *f)
{
	int64_t end = now_ms() + 4000;

	while (now_ms() < end) {
		set_state(f, XenbusStateInitialised);
		set_state(f, XenbusStateClosing);
		set_state(f, XenbusStateClosed);
		set_state(f, XenbusStateInitialising);
	}
}

static void run_vanish(struct front *f)
{
	xs_rm(f->xs, XBT_NULL, f->path);
	f->abandoned = true;
}

/* More often than the back-end wants to; each time with a file left open. */
static void run_reconnect(struct front *f)
{
	unsigned int i;

	for (i = 0; i < 24; i++) {
		struct queue *q = &f->queue[0];

		open_rw(f);
		close_back(f);
		start_over(f);
		xenevtchn_unbind(f->events, q->port);
		q->port = xenevtchn_bind_unbound_port(f->events, 0);
		SHARED_RING_INIT(q->sring);
		FRONT_RING_INIT(&q->ring, q->sring, VSYS_PAGE_SIZE);
		write_nodes(f);
		if (!connect_back(f))
			wrong("connection %u failed", i + 1);
	}
}

/* --- the table ------------------------------------------------------------------- */

#define BAD_NODE(k, v)	.key = (k), .value = (v), .want = FAILS
#define BAD_REQUEST(...) .want = FAILS, .nr = 1, .rq = { { __VA_ARGS__ } }

static const struct attack attacks[] = {
	{ "good", LIVES, .run = run_good },

	/* What the page on the protocol lists, in its order. */
	{ "version-missing", BAD_NODE("version", NULL), .says = "version.*missing" },
	{ "version-99", BAD_NODE("version", "99"), .says = "version 99" },
	{ "version-text", BAD_NODE("version", "one"), .says = "version.*'one'" },
	{ "version-control", BAD_NODE("version", "\033[2J\r\n1"), .says = "version" },
	{ "version-long", FAILS, .says = "version.*111", .unconnected = true,
	  .run = run_long_value },
	{ "version-nul", FAILS, .says = "version", .unconnected = true, .run = run_nul_value },
	{ "ring-order-5", BAD_NODE("ring-page-order", "5"), .says = "ring-page-order.*range" },
	{ "ring-order-minus", BAD_NODE("ring-page-order", "-1"), .says = "ring-page-order" },
	{ "ring-order-4g", BAD_NODE("ring-page-order", "4294967296"),
	  .says = "ring-page-order" },
	{ "ring-order-more", BAD_NODE("ring-page-order", "1"), .says = "ring-ref1.*missing" },
	{ "pool-pages-missing", BAD_NODE("pool-pages", NULL), .says = "pool-pages.*missing" },
	{ "pool-pages-0", BAD_NODE("pool-pages", "0"), .says = "pool-pages.*range" },
	{ "pool-pages-4097", BAD_NODE("pool-pages", "4097"), .says = "pool-pages.*range" },
	{ "pool-pages-offer", FAILS, .says = "pool-pages.*range", .spoil = spoil_above_offer },
	{ "queues-0", BAD_NODE("multi-queue-num-queues", "0"),
	  .says = "multi-queue-num-queues.*range" },
	{ "queues-17", BAD_NODE("multi-queue-num-queues", "17"),
	  .says = "multi-queue-num-queues.*range" },
	{ "queues-more", BAD_NODE("multi-queue-num-queues", "2"), .says = "queue-1.*missing" },
	{ "ring-ref-missing", BAD_NODE("queue-0/ring-ref0", NULL), .says = "ring-ref0.*missing" },
	{ "ring-ref-text", BAD_NODE("queue-0/ring-ref0", "0x10"), .says = "ring-ref0.*malformed" },
	{ "ring-ref-0", BAD_NODE("queue-0/ring-ref0", "0"), .says = "ring-ref0.*range" },
	{ "ring-ref-4g", BAD_NODE("queue-0/ring-ref0", "4294967296"), .says = "ring-ref0" },
	{ "port-missing", BAD_NODE("queue-0/event-channel", NULL),
	  .says = "event-channel.*missing" },
	{ "port-text", BAD_NODE("queue-0/event-channel", " 5"),
	  .says = "event-channel.*malformed" },
	{ "port-128k", BAD_NODE("queue-0/event-channel", "131072"),
	  .says = "event-channel.*range" },
	{ "pool-ref-missing", BAD_NODE("queue-0/pool-ref", NULL), .says = "pool-ref.*missing" },
	{ "pool-ref-text", BAD_NODE("queue-0/pool-ref", ""), .says = "pool-ref.*malformed" },

	{ "ring-ref-none", BAD_NODE("queue-0/ring-ref0", "30000"), .says = "map the ring" },
	{ "ring-ref-max", BAD_NODE("queue-0/ring-ref0", "4294967295"), .says = "map the ring" },
	{ "ring-ref-foreign", FAILS, .says = "map the ring", .spoil = spoil_foreign },
	{ "ring-ref-read-only", FAILS, .says = "map the ring", .spoil = spoil_read_only },
	{ "pool-ref-none", BAD_NODE("queue-0/pool-ref", "30000"), .says = "pool's directory" },
	{ "pool-hole", FAILS, .says = "map the pool", .spoil = spoil_pool_hole },
	{ "pool-read-only", FAILS, .says = "map the pool", .spoil = spoil_pool_read_only },
	{ "dir-short", FAILS, .says = "directory.*ends", .spoil = spoil_short },
	{ "dir-next-none", FAILS, .says = "pool's directory", .spoil = spoil_next },
	{ "port-none", BAD_NODE("queue-0/event-channel", "900"), .says = "event channel 900" },
	{ "port-taken", BAD_NODE("queue-0/event-channel", "1"), .says = "event channel 1" },
	{ "port-twice", FAILS, .says = "queue 1.*event channel", .shape = shape_two_queues,
	  .spoil = spoil_same_port },

	{ "index-far", FAILS, .says = "producer index", .run = run_index_far },
	{ "index-back", FAILS, .says = "producer index", .run = run_index_back },
	{ "id-large", BAD_REQUEST(.id = ENTRIES, .op = VSYS_OP_NOP), .says = "id 32" },
	{ "id-max", BAD_REQUEST(.id = 0xffff, .op = VSYS_OP_NOP), .says = "id 65535" },
	{ "id-twice", FAILS, .says = "id 7.*in use", .nr = 2, .rq = {
		{ .id = 7, READ_OF(4096), SEGMENT(0, 4096) },
		{ .id = 7, READ_OF(4096), SEGMENT(4096, 4096) } } },
	{ "op-limit", BAD_REQUEST(.op = VSYS_OP_LIMIT), .says = "operation 64" },
	{ "op-255", BAD_REQUEST(.op = 255), .says = "operation 255" },
	{ "flags-low", BAD_REQUEST(READ_OF(0), .flags = 0x4000), .says = "flags 0x4000" },
	{ "flags-high", BAD_REQUEST(.op = VSYS_OP_OPEN, .flags = 0x40000000),
	  .says = "flags 0x40000000" },
	{ "segments-6", BAD_REQUEST(READ_OF(0), .nr_segments = 6), .says = "6 segments" },
	{ "segments-255", BAD_REQUEST(READ_OF(0), .nr_segments = 255), .says = "255 segments" },
	{ "list-odd", BAD_REQUEST(READ_OF(512), LIST(LIST_GOOD, 12)), .says = "12 bytes" },
	{ "list-long", BAD_REQUEST(READ_OF(258 * 512), LIST(LIST_GOOD, 258 * 8)),
	  .says = "2064 bytes" },
	{ "list-outside", BAD_REQUEST(READ_OF(1024), LIST(POOL_SIZE - 8, 16)),
	  .says = "beyond the pool" },
	{ "list-far", BAD_REQUEST(READ_OF(512), LIST(0xfffffff8u, 8)),
	  .says = "beyond the pool" },
	{ "list-two", BAD_REQUEST(READ_OF(512), .flags = VSYS_RQ_INDIRECT, .nr_segments = 2,
				  .u.segment = { { LIST_GOOD, 8 }, { LIST_GOOD, 8 } }),
	  .says = "indirect with 2" },
	{ "list-wild", BAD_REQUEST(READ_OF(1024), LIST(LIST_WILD, 16)),
	  .says = "segment 1 beyond the pool" },
	{ "segment-outside", BAD_REQUEST(READ_OF(512), SEGMENT(POOL_SIZE, 512)),
	  .says = "beyond the pool" },
	{ "segment-over", BAD_REQUEST(.op = VSYS_OP_WRITE, .length = 2, SEGMENT(POOL_SIZE - 1, 2)),
	  .says = "beyond the pool" },
	{ "segment-wraps", BAD_REQUEST(READ_OF(8192), SEGMENT(0xfffff000u, 8192)),
	  .says = "beyond the pool" },
	{ "segment-max", BAD_REQUEST(READ_OF(~0u), SEGMENT(1, ~0u)), .says = "length" },
	{ "segment-last", BAD_REQUEST(READ_OF(512), .nr_segments = 5, .u.segment = {
				      [0] = { 0, 512 }, [4] = { POOL_SIZE + 1, 0 } }),
	  .says = "segment 4 beyond the pool" },
	{ "sum-less", BAD_REQUEST(READ_OF(8192), SEGMENT(0, 4096)), .says = "segments have 4096" },
	{ "sum-more", BAD_REQUEST(READ_OF(0), SEGMENT(0, 4096)), .says = "segments have 4096" },
	{ "length-max", BAD_REQUEST(READ_OF(VSYS_MAX_LENGTH + 1), .nr_segments = 5, .u.segment = {
				    { 0, POOL_SIZE }, { 0, POOL_SIZE }, { 0, POOL_SIZE },
				    { 0, POOL_SIZE }, { 0, 1 } }),
	  .says = "length 1048577" },
	{ "grow-nothing", BAD_REQUEST(.op = VSYS_OP_POOL_GROW, .u.pool.ref = 8), .says = "grow by 0 bytes" },
	{ "grow-odd", BAD_REQUEST(.op = VSYS_OP_POOL_GROW, .length = 4097, .u.pool.ref = 8),
	  .says = "grow by 4097 bytes" },
	{ "shrink-first", BAD_REQUEST(.op = VSYS_OP_POOL_SHRINK), .says = "first piece is to go" },
	{ "queue-two", FAILS, .says = "queue 1.*operation 64", .shape = shape_two_queues,
	  .run = run_second_queue },
	{ "break-busy", FAILS, .says = "operation 64", .device = "stream",
	  .run = run_break_busy },

	/* States of XenStore. */
	{ "state-text", FAILS, .says = "state", .run = run_state_text },
	{ "state-empty", FAILS, .says = "state", .run = run_state_empty },
	{ "state-9", FAILS, .says = "state", .run = run_state_range, .unconnected = true },
	{ "state-control", FAILS, .says = "state", .run = run_state_control },
	{ "state-early", FAILS, .says = "Connected", .run = run_state_early,
	  .unconnected = true },
	{ "state-jump", EITHER, .run = run_state_jump, .unconnected = true },
	{ "state-storm", EITHER, .run = run_state_storm, .unconnected = true },
	{ "vanish", CLOSES, .run = run_vanish },

	/* While the back-end looks. */
	{ "flip-segment", EITHER, .run = run_flip_segment },
	{ "flip-list", EITHER, .run = run_flip_list },
	{ "flip-list-place", EITHER, .run = run_flip_list_place },
	{ "flip-index", EITHER, .run = run_flip_index },
	{ "ring-in-pool", EITHER, .spoil = spoil_ring_in_pool, .run = run_ring_in_pool },
	{ "ring-page-twice", EITHER, .shape = shape_two_pages, .spoil = spoil_same_page,
	  .run = run_same_page },
	{ "ring-twice", EITHER, .shape = shape_two_queues, .spoil = spoil_same_ring,
	  .run = run_same_ring },
	{ "break-close", EITHER, .run = run_break_close },

	/* What a back-end has to live with. */
	{ "flip-harmless", LIVES, .run = run_flip_harmless },
	{ "scribble", LIVES, .run = run_scribble },
	{ "dir-loop", LIVES, .spoil = spoil_loop },
	{ "dir-in-pool", LIVES, .spoil = spoil_dir_in_pool, .run = run_dir_in_pool },
	{ "odd-requests", LIVES, .run = run_odd },
	{ "stale-handle", LIVES, .run = run_stale },
	{ "read-only", LIVES, .device = "read-only", .run = run_read_only },
	{ "deaf", LIVES, .run = run_deaf },
	{ "open-flood", LIVES, .run = run_open_flood },
	{ "open-burst", LIVES, .shape = shape_large, .run = run_open_burst },
	{ "event-storm", LIVES, .run = run_storm },
	{ "reconnect", LIVES, .run = run_reconnect },
	{ "close-busy", CLOSES, .run = run_close_busy },
	{ "close-busy-stream", CLOSES, .device = "stream", .run = run_close_busy },
	{ "unbind", CLOSES, .run = run_unbind },
	{ "node-flood", LIVES, .run = run_node_flood },
	{ "leave", LEFT, .run = check_alive },
	{ "leave-busy", LEFT, .device = "stream", .run = run_leave_busy },
};

#define NR_ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

static int list_attacks(void)
{
	const struct attack *a;

	for (a = attacks; a < attacks + NR_ATTACKS; a++)
		printf("%s\t%s\t%s\t%s\n", a->name, want_names[a->want],
		       a->device ? a->device : "disk", a->says ? a->says : "");
	return 0;
}

/* --- one attack -------------------------------------------------------------------- */

static void prepare(struct front *f, const struct attack *a)
{
	unsigned int i;

	f->pool_pages = POOL_PAGES;
	f->nr_queues = 1;
	f->disk = !a->device;
	if (a->shape)
		a->shape(f);
	start_over(f);
	for (i = 0; i < f->nr_queues; i++)
		make_queue(f, &f->queue[i]);
	if (a->spoil)
		a->spoil(f);
	write_nodes(f);
	if (a->key && a->value)
		write_node(f, a->key, a->value);
	else if (a->key)
		remove_node(f, a->key);
}

static void attack(struct front *f, const struct attack *a)
{
	prepare(f, a);
	if (!a->unconnected && !connect_back(f))
		return;
	if (a->nr)
		run_requests(f, a);
	if (a->run)
		a->run(f);
}

/* Connected and closed are states to stay in; all others are on the way to one. */
static bool is_closed(struct front *f)
{
	int64_t end = now_ms() + LIMIT_MS;
	enum xenbus_state state;

	while ((state = back_state(f)) != XenbusStateClosed) {
		if (state == XenbusStateConnected || state == XenbusStateInitWait)
			return false;
		if (now_ms() > end)
			wrong("the back-end stays in state %d", state);
		usleep(10000);
	}
	return true;
}

/* What is said first is said also if the rest goes wrong. */
static void judge(struct front *f, const struct attack *a)
{
	bool closed;

	switch (a->want) {
	case LEFT:
		puts("left");
		return;
	case FAILS:
	case CLOSES:
		wait_back(f, XenbusStateClosed);
		puts("closed");
		if (!f->abandoned)
			set_state(f, XenbusStateClosed);
		return;
	case LIVES:
		if (back_state(f) != XenbusStateConnected)
			wrong("the back-end is in state %d", back_state(f));
		check_alive(f);
		close_back(f);
		puts("alive");
		return;
	case EITHER:
		/* It may yet have to find out. */
		usleep(200000);
		closed = is_closed(f);
		if (!closed)
			close_back(f);
		set_state(f, XenbusStateClosed);
		puts(closed ? "closed" : "alive");
		return;
	}
}

int main(int argc, char **argv)
{
	static struct front front;
	const struct attack *a;

	if (argc == 2 && !strcmp(argv[1], "list"))
		return list_attacks();
	if (argc != 3) {
		fprintf(stderr, "usage: hostile-front list | DEVICE CASE\n");
		return 2;
	}
	for (a = attacks; a < attacks + NR_ATTACKS && strcmp(a->name, argv[2]); a++)
		;
	if (a == attacks + NR_ATTACKS) {
		fprintf(stderr, "hostile-front: there is no case '%s'\n", argv[2]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	current = &front;
	front.xs = xs_open(0);
	front.grants = xengntshr_open(NULL, 0);
	front.events = xenevtchn_open(NULL, 0);
	if (!front.xs || !front.grants || !front.events)
		wrong("cannot open XenStore, grants or event channels: %s", strerror(errno));
	find_device(&front, argv[1]);
	attack(&front, a);
	judge(&front, a);
	return 0;
}
