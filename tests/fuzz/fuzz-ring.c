// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-ring.c - a guest that writes nonsense, against a whole worker.
 *
 * The input is a little program for guest and supervisor: connect with these
 * values, put these bytes into ring, pool or indexes, notify, let the worker do
 * a round, answer an open, disconnect.  Whatever it does: the worker does not
 * crash or hang, writes no more responses than there were requests, and at the
 * end holds no page, port or descriptor.  A device may be a range of I/O ports:
 * then no batch reaches its executor, which is here, that it would not take.
 *
 * Built with clang it is a libFuzzer target; otherwise standalone.c drives it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/ipc-send.h"
#include "xen-backend/log.h"
#include "xen-backend/ports/batch.h"
#include "xen-backend/worker/transport-loop.h"
#include "xen-backend/worker/worker.h"

#define DOMID		1u
#define DEVID		9u
#define QUEUES		3u
#define RING_REF(q)	(16u + 32u * (q))
#define DIR_REF(q)	(RING_REF(q) + 16u)
#define POOL_REF(q)	(256u + 64u * (q))
#define POOL_PAGES	32u
#define PATIENCE_MS	10000
#define MAX_FILES	64
#define FIRST_PORT	0x300
#define LAST_PORT	0x31f

static struct worker worker;
static struct transport_loop *loop;
static int supervisor;

/* Of one run. */
static const uint8_t *in, *in_end;
static bool connected, down;
static uint32_t order, queues;
static uint32_t cookies[8];
static unsigned int nr_cookies;
static int files[MAX_FILES];		/* other ends of pipes */
static unsigned int nr_files;
static RING_IDX prod[QUEUES];
static bool honest[QUEUES];		/* the indexes have been left alone */
static int executor = -1;		/* our end of its socket */
static bool bent;			/* nobody knows which ports were lent */
static uint32_t pulse;			/* of the card */

static void broken(const char *what)
{
	fprintf(stderr, "fuzz-ring: %s\n", what);
	abort();
}

static uint8_t take(void)
{
	return in < in_end ? *in++ : 0;
}

static uint32_t take32(void)
{
	uint32_t n = take();

	n |= take() << 8;
	n |= take() << 16;
	return n | (uint32_t)take() << 24;
}

/* Numbers near the edges are what matters. */
static uint32_t take_edge(uint32_t limit)
{
	uint8_t how = take();

	switch (how % 8) {
	case 0: return how >> 3;
	case 1: return limit - 1;
	case 2: return limit;
	case 3: return limit + 1;
	case 4: return 0xffffffffu - (how >> 3);
	case 5: return take32();
	default: return limit ? take32() % limit : 0;
	}
}

static void setup(void)
{
	int pair[2];

	if (loop)
		return;
	signal(SIGPIPE, SIG_IGN);
	log_init("fuzz", true);
	loop = transport_loop_open(DOMID);
	if (!loop || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		broken("no transport");
	supervisor = pair[0];
	if (worker_init(&worker, &loop->base, pair[1]) < 0) {
		/* Not everywhere is io_uring allowed. */
		fprintf(stderr, "fuzz-ring: skipped: io_uring is not available here\n");
		exit(77);
	}
}

/* False: there is no room, the worker has to read first. */
static bool tell(const struct vsys_ipc *msg, int fd)
{
	bool sent = ipc_send(supervisor, msg, fd, MSG_DONTWAIT);

	if (fd >= 0)
		close(fd);
	return sent;
}

static bool tell_type(uint32_t type)
{
	struct vsys_ipc msg = { .type = type, .devid = DEVID };

	return tell(&msg, -1);
}

/* A file for the guest; nothing here can fill a disk or block an open. */
static int some_file(uint8_t kind)
{
	int p[2], fd;

	switch (kind % 8) {
	case 0: return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1: return open("/dev/full", O_RDWR | O_CLOEXEC);
	case 2:
	case 3:
		if (nr_files == MAX_FILES || pipe2(p, O_CLOEXEC) < 0)
			return -EMFILE;
		files[nr_files++] = p[kind % 8 == 2];
		return p[kind % 8 == 3];
	case 4:
		fd = memfd_create("block", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (fd >= 0 && (ftruncate(fd, 1 << 20) < 0 ||
				fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0))
			abort();
		return fd;
	case 5: return -EBUSY;
	case 6: return -(int)take();
	default: return open("/dev/zero", O_RDWR | O_CLOEXEC);
	}
}

static void answer_open(uint32_t cookie)
{
	struct vsys_ipc msg = { .type = IPC_OPENED, .devid = DEVID };
	int fd = some_file(take());

	msg.u.open.cookie = cookie;
	msg.u.open.error = fd < 0 ? fd : 0;
	tell(&msg, fd);
}

static void hear(void)
{
	struct vsys_ipc msg;

	while (recv(supervisor, &msg, sizeof(msg), MSG_DONTWAIT) == sizeof(msg)) {
		switch (msg.type) {
		case IPC_OPEN:
			/* Some are answered later, some never. */
			if (msg.u.open.cookie % 4)
				answer_open(msg.u.open.cookie);
			else
				cookies[nr_cookies++ % 8] = msg.u.open.cookie;
			break;
		case IPC_FAILED:
			if (!memchr(msg.u.failed.reason, 0, VSYS_IPC_REASON) ||
			    !msg.u.failed.reason[0])
				broken("no reason");
			if (!device_find(&worker, DEVID) && loop->pages_mapped)
				broken("failed, but something is mapped");
			break;
		case IPC_DOWN:
			down = true;
			break;
		case IPC_UP: case IPC_OPEN_CANCEL: case IPC_CLOSED: case IPC_COUNTERS:
			break;
		default:
			broken("unknown message");
		}
	}
}

static uint32_t card_in(uint16_t port, unsigned int width)
{
	(void)width;
	return pulse++ >> (port & 3);
}

static void card_out(uint16_t port, unsigned int width, uint32_t value)
{
	pulse += port + width + (value & 15);
}

static void card_ins(uint16_t port, unsigned int width, uint8_t *to, uint32_t count)
{
	memset(to, card_in(port, width) & 0xff, (size_t)count << width);
}

static void card_outs(uint16_t port, unsigned int width, const uint8_t *from, uint32_t count)
{
	for (count <<= width; count--; from++)
		card_out(port, width, *from);
}

static uint64_t card_now(void)
{
	return pulse * UINT64_C(100000);
}

static const struct port_device card = {
	.in = card_in, .out = card_out, .ins = card_ins, .outs = card_outs, .now = card_now,
};

static void end_executor(void)
{
	if (executor >= 0)
		close(executor);
	executor = -1;
}

/* One batch, if there is one: carried out, answered wrongly, or the end. */
static void execute(void)
{
	static struct ports_message m;
	uint16_t port;
	uint8_t how;
	ssize_t len;

	len = executor < 0 ? -1 : recv(executor, &m, sizeof(m), MSG_DONTWAIT);
	if (len <= 0)
		return;
	how = take();
	if (bent || how % 32 == 0) {
		end_executor();
		return;
	}
	if (len < (ssize_t)PORTS_HEADER || m.len != len - PORTS_HEADER ||
	    ports_check(&m, FIRST_PORT, LAST_PORT, &port))
		broken("a batch that cannot be has reached the executor");
	ports_carry_out(&m, &card);
	len = PORTS_HEADER + (ports_answers(&m) ? m.len : 0);
	if (how % 32 == 1)
		((uint8_t *)&m)[take() % PORTS_HEADER] ^= 1 << take() % 8;
	else if (how % 32 == 2)
		len = 1 + take();
	(void)!send(executor, &m, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct vsys_sring *sring(unsigned int q)
{
	return loop_page(loop, RING_REF(q));
}

static void check_ring(unsigned int q)
{
	uint32_t entries = VSYS_RING_ENTRIES(order);

	if (!connected || !honest[q] || q >= queues)
		return;
	if (prod[q] - sring(q)->rsp_prod > entries)
		broken("more responses than requests");
}

static void round_of(int timeout_ms)
{
	unsigned int q;

	if (!worker_round(&worker, timeout_ms))
		broken("the worker wants to end");
	hear();
	execute();
	for (q = 0; q < QUEUES; q++) {
		loop_take(loop, 40 + q);
		check_ring(q);
	}
}

/* Valid values, some of them bent. */
static void connect_device(void)
{
	struct vsys_ipc msg = { .type = IPC_CONNECT, .devid = DEVID };
	uint8_t bend = take(), flags = take();
	int pair[2] = { -1, -1 };
	unsigned int q, i;

	order = flags & 3;
	queues = bend & 16 ? 1 : 1 + (flags >> 2) % QUEUES;
	msg.u.connect.domid = DOMID;
	msg.u.connect.block = flags >> 4 & 1;
	msg.u.connect.readable = !(flags >> 5 & 1);
	msg.u.connect.writable = !(flags >> 6 & 1);
	msg.u.connect.discard = flags >> 7;
	msg.u.connect.nr_queues = queues;
	msg.u.connect.ring_page_order = order;
	msg.u.connect.pool_pages = POOL_PAGES;
	for (q = 0; q < queues; q++) {
		struct vsys_pool_dir *dir = loop_page(loop, DIR_REF(q));

		memset(sring(q), 0, VSYS_PAGE_SIZE << order);
		SHARED_RING_INIT(sring(q));
		prod[q] = 0;
		honest[q] = true;
		for (i = 0; i < 1u << order; i++)
			msg.u.connect.queue[q].ring_ref[i] = RING_REF(q) + i;
		msg.u.connect.queue[q].event_channel = 40 + q;
		msg.u.connect.queue[q].pool_ref = DIR_REF(q);
		dir->next = 0;
		for (i = 0; i < POOL_PAGES; i++)
			dir->gref[i] = POOL_REF(q) + i;
	}
	end_executor();
	bent = bend & 1;
	if (bend & 16 && !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		msg.u.connect.ports = 1;
		msg.u.connect.port_first = FIRST_PORT;
		msg.u.connect.port_last = LAST_PORT;
		executor = pair[0];
	}
	if (bend & 1) {
		uint8_t *p = (uint8_t *)&msg.u.connect;

		for (i = take() % 8; i; i--)
			p[take32() % sizeof(msg.u.connect)] = take();
		/* What it is then connected to is not what we look at. */
		for (q = 0; q < QUEUES; q++)
			honest[q] = false;
	}
	if (bend & 2) {
		struct vsys_pool_dir *dir = loop_page(loop, DIR_REF(take() % QUEUES));

		dir->gref[take() % POOL_PAGES] = take32();
	}
	if (bend & 4)
		loop->bind_fails = true;
	if (bend & 8)
		sring(0)->rsp_prod = sring(0)->req_prod = prod[0] = take32();
	tell(&msg, pair[1]);
	round_of(0);
	round_of(0);
	loop->bind_fails = false;
	connected = true;
}

static void segment(struct vsys_segment *s)
{
	s->offset = take_edge(POOL_PAGES * VSYS_PAGE_SIZE);
	s->length = take() % 4 ? take() : take_edge(POOL_PAGES * VSYS_PAGE_SIZE);
}

static void fill_indirect(unsigned int q, struct vsys_request *r)
{
	struct vsys_segment *array = loop_page(loop, POOL_REF(q));
	unsigned int i, nr = take() % 64;

	r->flags |= VSYS_RQ_INDIRECT;
	r->nr_segments = 1;
	r->u.segment[0].offset = 0;
	r->u.segment[0].length = 8 * nr;
	for (i = 0, r->length = 0; i < nr; i++) {
		segment(&array[i]);
		r->length += array[i].length;
	}
}

/* Mostly good. */
static void fill_batch(unsigned int q, struct vsys_request *r)
{
	uint32_t at = take() % 64 * 64, bytes = take();
	struct vsys_port_op *op = (void *)((char *)loop_page(loop, POOL_REF(q)) + at);
	unsigned int i;

	r->op = VSYS_OP_PORT_BATCH;
	r->nr_segments = 1;
	r->u.ports.nr = take() % 16;
	for (i = 0; i < r->u.ports.nr; i++) {
		op[i].op = 1 + take() % 7;
		op[i].width = take() % 3;
		op[i].port = FIRST_PORT + take() % (LAST_PORT - FIRST_PORT + 1);
		op[i].value = take_edge(bytes);
		op[i].count = take();
		op[i].mask = take();
	}
	r->u.ports.segment[0].offset = at;
	r->length = r->u.ports.segment[0].length = r->u.ports.nr * sizeof(*op) + bytes;
}

static void request(void)
{
	static const uint8_t common[] = {
		VSYS_OP_OPEN, VSYS_OP_READ, VSYS_OP_WRITE, VSYS_OP_RELEASE, VSYS_OP_LSEEK,
		VSYS_OP_FSYNC, VSYS_OP_CANCEL, VSYS_OP_NOP, VSYS_OP_DISCARD,
		VSYS_OP_WRITE_ZEROES, VSYS_OP_READ, VSYS_OP_OPEN,
	};
	uint32_t entries = VSYS_RING_ENTRIES(order);
	unsigned int i, q = take() % queues;
	struct vsys_request r;
	uint8_t how = take();

	memset(&r, 0, sizeof(r));
	/* An honest guest has at most a ring full; the others come elsewhere. */
	if (prod[q] - sring(q)->rsp_prod >= entries)
		return;
	r.id = how & 1 ? take() : prod[q] % entries;
	r.op = how & 2 && take() % 4 == 0 ? take() : common[take() % sizeof(common)];
	r.handle = how & 4 ? take_edge(5) : 1u + take() % 3;
	r.offset = how & 8 ? (uint64_t)take32() << 32 | take32() : take() * 512u;
	r.flags = how & 16 ? take32() & VSYS_FLAGS_MASK & ~VSYS_RQ_INDIRECT : 0;
	if (executor >= 0 && take() % 8) {
		fill_batch(q, &r);
	} else if (r.op == VSYS_OP_READ || r.op == VSYS_OP_WRITE) {
		if (how & 32) {
			fill_indirect(q, &r);
		} else {
			r.nr_segments = take() % 6;
			for (i = 0; i < r.nr_segments && i < VSYS_INLINE_SEGMENTS; i++) {
				segment(&r.u.segment[i]);
				r.length += r.u.segment[i].length;
			}
		}
	} else if (r.op == VSYS_OP_OPEN) {
		r.flags |= take() & 3;
	} else if (r.op == VSYS_OP_CANCEL) {
		r.u.cancel.id = take() % entries;
	} else {
		r.length = take() % 8;
		r.u.range.length = (uint64_t)take_edge(1 << 20) << (take() % 4 ? 0 : 32);
	}
	if (how & 64) {
		uint8_t *p = (uint8_t *)&r;

		p[take() % sizeof(r)] ^= 1 << take() % 8;
	}
	sring(q)->ring[prod[q] & (entries - 1)].req = r;
	prod[q]++;
	xen_wmb();
	sring(q)->req_prod = prod[q];
	if (!(how & 128))
		loop_notify(loop, 40 + q);
}

static void scribble(void)
{
	unsigned int q = take() % QUEUES, n = take() % 16, at = take32();
	uint8_t *page;

	switch (take() % 4) {
	case 0:
		sring(q)->req_prod = take_edge(prod[q] + VSYS_RING_ENTRIES(order));
		honest[q] = false;
		loop_notify(loop, 40 + q);
		break;
	case 1:
		/* All of the first page but our producer index. */
		page = loop_page(loop, RING_REF(q));
		while (n--) {
			uint32_t k = 4 + (at + n) % (VSYS_PAGE_SIZE - 4);

			page[k] = take();
		}
		honest[q] = false;
		break;
	default:
		page = loop_page(loop, POOL_REF(q) + at / VSYS_PAGE_SIZE % POOL_PAGES);
		while (n--)
			page[(at + n) % VSYS_PAGE_SIZE] = take();
		break;
	}
}

static void action(void)
{
	static const char data[5000];
	uint8_t what = take();
	unsigned int i;

	switch (what % 16) {
	case 0:
		round_of(0);
		break;
	case 1:
		round_of(1);
		break;
	case 2:
		scribble();
		break;
	case 3:
		if (nr_files) {
			i = take() % nr_files;
			if (what & 16) {
				close(files[i]);
				files[i] = files[--nr_files];
			} else {
				fcntl(files[i], F_SETFL, O_NONBLOCK);
				(void)!write(files[i], data, 1 + take() * 16);
			}
		}
		break;
	case 4:
		if (nr_cookies)
			answer_open(cookies[take() % 8]);
		break;
	case 5:
		for (i = 0; i < 100; i++)
			loop_notify(loop, 40 + take() % QUEUES);
		break;
	case 6:
		tell_type(IPC_STATS);
		break;
	case 7:
		if (what & 16) {
			tell_type(IPC_DISCONNECT);
		} else if (what & 32) {
			connect_device();
		}
		break;
	default:
		request();
		break;
	}
}

static void check_nothing_left(void)
{
	if (loop->pages_mapped || loop->ports_bound)
		broken("something is still mapped or bound");
	if (worker.nr_stopping || !LIST_EMPTY(&worker.devices))
		broken("a device is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int q;
	int64_t until;
	int fds;

	setup();
	fds = fuzz_count_fds();
	in = data;
	in_end = data + size;
	connected = false;
	nr_cookies = nr_files = 0;
	memset(cookies, 0, sizeof(cookies));
	connect_device();
	while (in < in_end)
		action();

	/* Now it has to let go of everything. */
	while (nr_cookies)
		answer_open(cookies[--nr_cookies % 8]);
	down = false;
	for (q = 0; q < QUEUES; q++)
		honest[q] = false;
	until = worker_now() + PATIENCE_MS;
	while (!tell_type(IPC_DISCONNECT))
		round_of(0);
	while (!down || !LIST_EMPTY(&worker.devices) || !TAILQ_EMPTY(&worker.ready)) {
		round_of(5);
		if (worker_now() > until)
			broken("the device does not go down");
	}
	check_nothing_left();
	end_executor();
	while (nr_files)
		close(files[--nr_files]);

	/* Files that came late are closed by threads. */
	while (fuzz_count_fds() > fds) {
		round_of(1);
		if (worker_now() > until)
			broken("a descriptor is left open");
	}
	return 0;
}
