// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker-fixture.c - a worker with a pretended guest and a pretended supervisor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "xen-backend/log.h"
#include "tests/unit/ipc-send.h"
#include "tests/unit/worker-fixture.h"

static int64_t deadline;

void patience(void)
{
	deadline = worker_now() + PATIENCE_MS;
}

void check_patience(const char *what)
{
	if (worker_now() > deadline)
		fail_msg("nothing happened: %s", what);
}

int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int open_path(struct fixture *f, const struct vsys_ipc *msg)
{
	static const int mode[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	uint32_t o = msg->u.open.oflags;
	int fd;

	fd = open(f->path, mode[o & VSYS_O_ACCMODE] | O_CLOEXEC | O_NOCTTY |
		  (o & VSYS_O_NONBLOCK ? O_NONBLOCK : 0) | (o & VSYS_O_APPEND ? O_APPEND : 0) |
		  (o & VSYS_O_DIRECT ? O_DIRECT : 0));
	return fd < 0 ? -errno : fd;
}

bool can_run(void)
{
	struct uring u;
	int err = uring_init(&u);

	if (err) {
		printf("1..0 # SKIP io_uring is not available here: %s\n", strerror(-err));
		return false;
	}
	uring_exit(&u);
	return true;
}

struct fixture *fixture_new(int *ipc_fd)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	log_init("test", true);
	f->fds_before = count_fds();
	f->t = transport_loop_open(DOMID);
	assert_non_null(f->t);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	f->supervisor = pair[0];
	f->open_with = open_path;
	*ipc_fd = pair[1];
	return f;
}

int fixture_setup(void **state)
{
	int ipc_fd;
	struct fixture *f = fixture_new(&ipc_fd);

	assert_int_equal(worker_init(&f->w, &f->t->base, ipc_fd), 0);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	int ipc = f->w.link.fd;

	worker_exit(&f->w);
	assert_int_equal(f->w.nr_stopping, 0);
	assert_int_equal(f->t->pages_mapped, 0);
	assert_int_equal(f->t->ports_bound, 0);
	f->t->base.ops->close(&f->t->base);
	close(ipc);
	close(f->supervisor);
	assert_int_equal(count_fds(), f->fds_before);
	free(f);
	return 0;
}

/* The pool's pages are not in the order of their references. */
static uint32_t pool_ref(struct fixture *f, unsigned int q, unsigned int page)
{
	return POOL_REF(q) + f->setup.pool_pages - 1 - page;
}

void guest_prepare(struct fixture *f, const struct setup *s)
{
	unsigned int q, i;

	f->setup = *s;
	memset(f->answered, 0, sizeof(f->answered));
	f->next_id = 0;
	for (q = 0; q < s->queues; q++) {
		struct vsys_sring *sring = loop_page(f->t, RING_REF(q));
		uint32_t ref = DIR_REF(q);

		memset(sring, 0xa5, VSYS_PAGE_SIZE << s->ring_order);
		XEN_FRONT_RING_INIT(&f->ring[q], sring, VSYS_PAGE_SIZE << s->ring_order);
		for (i = 0; i < s->pool_pages; i++) {
			struct vsys_pool_dir *dir = loop_page(f->t, ref + i / VSYS_POOL_DIR_GREFS);

			dir->gref[i % VSYS_POOL_DIR_GREFS] = pool_ref(f, q, i);
			dir->next = s->pool_pages > (i / VSYS_POOL_DIR_GREFS + 1) * VSYS_POOL_DIR_GREFS ?
				    ref + i / VSYS_POOL_DIR_GREFS + 1 : 0;
		}
	}
}

void connect_message(struct fixture *f, struct vsys_ipc *msg)
{
	unsigned int q, i;

	memset(msg, 0, sizeof(*msg));
	msg->type = IPC_CONNECT;
	msg->devid = DEVID;
	msg->u.connect.domid = DOMID;
	msg->u.connect.block = f->setup.block;
	msg->u.connect.readable = !f->setup.write_only;
	msg->u.connect.writable = !f->setup.read_only;
	msg->u.connect.discard = f->setup.discard;
	msg->u.connect.ioctl = f->setup.policy != NULL;
	msg->u.connect.pointers = f->setup.pointers;
	msg->u.connect.ports = f->setup.ports;
	msg->u.connect.port_first = f->setup.port_first;
	msg->u.connect.port_last = f->setup.port_last;
	msg->u.connect.sector_size = f->setup.block ? 512 : 1;
	msg->u.connect.nr_queues = f->setup.queues;
	msg->u.connect.ring_page_order = f->setup.ring_order;
	msg->u.connect.pool_pages = f->setup.pool_pages;
	for (q = 0; q < f->setup.queues; q++) {
		for (i = 0; i < 1u << f->setup.ring_order; i++)
			msg->u.connect.queue[q].ring_ref[i] = RING_REF(q) + i;
		msg->u.connect.queue[q].event_channel = REMOTE_PORT(q);
		msg->u.connect.queue[q].pool_ref = DIR_REF(q);
	}
}

static int policy_fd(const struct policy_table *table)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);

	assert_int_equal(write(fd, table, sizeof(*table)), sizeof(*table));
	return fd;
}

void connect_device(struct fixture *f, const struct setup *s)
{
	struct vsys_ipc msg;
	int policy = s->policy ? policy_fd(s->policy) : -1;

	f->ups = f->downs = f->faileds = 0;
	guest_prepare(f, s);
	connect_message(f, &msg);
	tell_msg(f, &msg, s->ports ? s->ports_fd : policy);
	if (policy >= 0)
		close(policy);
	UNTIL(f, f->ups);
	assert_int_equal(f->faileds, 0);
	f->ups = 0;
}

void connect_chr(struct fixture *f)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 64, .queues = 1 };

	connect_device(f, &s);
}

void connect_blk(struct fixture *f)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 512, .queues = 1,
					.block = true, .discard = true };

	connect_device(f, &s);
}

void tell_msg(struct fixture *f, const struct vsys_ipc *msg, int fd)
{
	assert_true(ipc_send(f->supervisor, msg, fd, 0));
}

void tell(struct fixture *f, uint32_t type)
{
	struct vsys_ipc msg = { .type = type, .devid = DEVID };

	tell_msg(f, &msg, -1);
}

void answer_open(struct fixture *f, const struct vsys_ipc *open, int fd)
{
	struct vsys_ipc msg = { .type = IPC_OPENED, .devid = open->devid };

	msg.u.open.cookie = open->u.open.cookie;
	msg.u.open.error = fd < 0 ? fd : 0;
	msg.u.open.era = 17;
	tell_msg(f, &msg, fd);
	if (fd >= 0)
		close(fd);
}

static void supervise(struct fixture *f)
{
	struct vsys_ipc msg;
	ssize_t n;

	while ((n = recv(f->supervisor, &msg, sizeof(msg), MSG_DONTWAIT)) > 0) {
		assert_int_equal(n, sizeof(msg));
		switch (msg.type) {
		case IPC_UP:
			f->ups++;
			break;
		case IPC_DOWN:
			f->downs++;
			break;
		case IPC_FAILED:
			f->faileds++;
			assert_non_null(memchr(msg.u.failed.reason, 0, VSYS_IPC_REASON));
			memcpy(f->reason, msg.u.failed.reason, VSYS_IPC_REASON);
			break;
		case IPC_OPEN:
			f->opens++;
			f->last_open = msg;
			if (!f->open_hold)
				answer_open(f, &msg, f->open_with(f, &msg));
			break;
		case IPC_CLOSED:
			assert_int_equal(msg.devid, DEVID);
			assert_int_equal(msg.u.open.era, 17);
			f->closeds++;
			break;
		case IPC_PINS:
			if (f->counting)
				f->counting(f);
			msg.u.pins.count = f->pinned;
			tell_msg(f, &msg, -1);
			break;
		case IPC_OPEN_CANCEL:
			f->open_cancels++;
			break;
		case IPC_COUNTERS:
			f->counters_seen++;
			f->counters = msg.u.counters;
			break;
		default:
			fail_msg("message %u", msg.type);
		}
	}
}

/* What the guest finds in its rings; responses must be those it waits for. */
static void take_responses(struct fixture *f)
{
	struct vsys_response rsp;
	unsigned int q, events;
	int more;

	for (q = 0; q < f->setup.queues; q++) {
		struct vsys_front_ring *ring = &f->ring[q];

		if (!ring->sring)
			continue;
		events = loop_take(f->t, REMOTE_PORT(q));
		f->notified += events;
		if (f->by_event && !events)
			continue;
		do {
			while (RING_HAS_UNCONSUMED_RESPONSES(ring)) {
				xen_rmb();
				RING_COPY_RESPONSE(ring, ring->rsp_cons, &rsp);
				ring->rsp_cons++;
				assert_in_range(rsp.id, 0, 511);
				assert_false(f->answered[q][rsp.id]);
				assert_int_equal(rsp.zero0, 0);
				assert_int_equal(rsp.zero1, 0);
				f->answered[q][rsp.id] = true;
				f->rsp[q][rsp.id] = rsp;
				f->nr_responses++;
			}
			RING_FINAL_CHECK_FOR_RESPONSES(ring, more);
		} while (more);
	}
}

void step_ms(struct fixture *f, int timeout_ms)
{
	if (f->elsewhere)
		usleep(200);
	else
		assert_true(worker_round(&f->w, timeout_ms));
	supervise(f);
	take_responses(f);
}

void step(struct fixture *f)
{
	step_ms(f, 10);
}

void settle(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < 5; i++)
		step_ms(f, 5);
}

void wait_failed(struct fixture *f, const char *words)
{
	UNTIL(f, f->faileds);
	if (!strstr(f->reason, words))
		fail_msg("'%s' does not say '%s'", f->reason, words);
	assert_int_equal(f->t->pages_mapped, 0);
	assert_int_equal(f->t->ports_bound, 0);
}

void ask_counters(struct fixture *f)
{
	f->counters_seen = 0;
	tell(f, IPC_STATS);
	UNTIL(f, f->counters_seen);
}

void disconnect_device(struct fixture *f)
{
	f->downs = 0;
	tell(f, IPC_DISCONNECT);
	UNTIL(f, f->downs);
	if (!f->elsewhere)
		assert_int_equal(f->w.nr_stopping, 0);
	assert_int_equal(f->t->pages_mapped, 0);
	assert_int_equal(f->t->ports_bound, 0);
}

static void pool_copy(struct fixture *f, unsigned int q, uint32_t offset, void *data, size_t len,
		      bool put, int fill)
{
	while (len) {
		size_t in = offset % VSYS_PAGE_SIZE, n = VSYS_PAGE_SIZE - in;
		char *p;

		n = n < len ? n : len;
		p = (char *)loop_page(f->t, pool_ref(f, q, offset / VSYS_PAGE_SIZE)) + in;
		if (!data)
			memset(p, fill, n);
		else if (put)
			memcpy(p, data, n);
		else
			memcpy(data, p, n);
		data = data ? (char *)data + n : NULL;
		offset += n;
		len -= n;
	}
}

void pool_put(struct fixture *f, unsigned int q, uint32_t offset, const void *data, size_t len)
{
	pool_copy(f, q, offset, (void *)(uintptr_t)data, len, true, 0);
}

void pool_get(struct fixture *f, unsigned int q, uint32_t offset, void *data, size_t len)
{
	pool_copy(f, q, offset, data, len, false, 0);
}

void pool_fill(struct fixture *f, unsigned int q, uint32_t offset, int byte, size_t len)
{
	pool_copy(f, q, offset, NULL, len, true, byte);
}

struct vsys_request rq(uint8_t op, uint32_t handle)
{
	struct vsys_request r;

	memset(&r, 0, sizeof(r));
	r.op = op;
	r.handle = handle;
	return r;
}

struct vsys_request rq_rw(uint8_t op, uint32_t handle, uint64_t pos, uint32_t pool, uint32_t len,
			  uint32_t flags)
{
	struct vsys_request r = rq(op, handle);

	r.offset = pos;
	r.length = len;
	r.flags = flags;
	r.nr_segments = 1;
	r.u.segment[0].offset = pool;
	r.u.segment[0].length = len;
	return r;
}

void push_raw(struct fixture *f, unsigned int q, const struct vsys_request *r)
{
	*RING_GET_REQUEST(&f->ring[q], f->ring[q].req_prod_pvt) = *r;
	f->ring[q].req_prod_pvt++;
}

void kick(struct fixture *f, unsigned int q)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&f->ring[q], notify);
	if (notify)
		loop_notify(f->t, REMOTE_PORT(q));
}

/* Ids are used in turn, so that a late answer is not taken for a new one. */
uint16_t submit_on(struct fixture *f, unsigned int q, struct vsys_request r)
{
	r.id = f->next_id++ % RING_SIZE(&f->ring[q]);
	f->answered[q][r.id] = false;
	push_raw(f, q, &r);
	kick(f, q);
	return r.id;
}

uint16_t submit(struct fixture *f, struct vsys_request r)
{
	return submit_on(f, 0, r);
}

bool answered(struct fixture *f, uint16_t id)
{
	return f->answered[0][id];
}

struct vsys_response *wait_for_on(struct fixture *f, unsigned int q, uint16_t id)
{
	UNTIL(f, f->answered[q][id]);
	assert_int_equal(f->rsp[q][id].id, id);
	return &f->rsp[q][id];
}

struct vsys_response *wait_for(struct fixture *f, uint16_t id)
{
	return wait_for_on(f, 0, id);
}

struct vsys_response *call(struct fixture *f, struct vsys_request r)
{
	struct vsys_response *rsp = wait_for(f, submit(f, r));

	assert_int_equal(rsp->op, r.op);
	return rsp;
}

uint32_t do_open(struct fixture *f, const char *path, uint32_t oflags)
{
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);
	struct vsys_response *rsp;

	f->path = path;
	r.flags = oflags;
	rsp = call(f, r);
	assert_int_equal(rsp->status, 0);
	assert_true(rsp->value > 0 && rsp->value <= VSYS_MAX_HANDLES);
	return rsp->value;
}

static int given_fd;

static int open_given(struct fixture *f, const struct vsys_ipc *msg)
{
	(void)f;
	(void)msg;
	return given_fd;
}

uint32_t do_open_fd(struct fixture *f, int fd, uint32_t oflags)
{
	uint32_t handle;

	given_fd = fd;
	f->open_with = open_given;
	handle = do_open(f, "", oflags);
	f->open_with = open_path;
	return handle;
}

int32_t do_release(struct fixture *f, uint32_t handle)
{
	return call(f, rq(VSYS_OP_RELEASE, handle))->status;
}

int64_t do_read(struct fixture *f, uint32_t handle, uint64_t pos, void *buf, uint32_t len,
		uint32_t flags)
{
	struct vsys_response *rsp;

	pool_fill(f, 0, 0, 0x5a, len);
	rsp = call(f, rq_rw(VSYS_OP_READ, handle, pos, 0, len, flags));
	if (rsp->status) {
		assert_int_equal(rsp->value, 0);
		return rsp->status;
	}
	assert_true(rsp->value <= len);
	pool_get(f, 0, 0, buf, rsp->value);
	return rsp->value;
}

int64_t do_write(struct fixture *f, uint32_t handle, uint64_t pos, const void *buf, uint32_t len,
		 uint32_t flags)
{
	struct vsys_response *rsp;

	pool_put(f, 0, 0, buf, len);
	rsp = call(f, rq_rw(VSYS_OP_WRITE, handle, pos, 0, len, flags));
	return rsp->status ? rsp->status : (int64_t)rsp->value;
}

struct vsys_response *do_cancel(struct fixture *f, uint16_t id)
{
	struct vsys_request r = rq(VSYS_OP_CANCEL, 0);

	r.u.cancel.id = id;
	return call(f, r);
}

int temp_file(size_t size)
{
	char name[] = "/tmp/vsys-test-XXXXXX", buf[4096];
	int fd = mkstemp(name);
	size_t i, k;

	assert_true(fd >= 0);
	unlink(name);
	for (i = 0; i < size; i += sizeof(buf)) {
		for (k = 0; k < sizeof(buf); k++)
			buf[k] = (i + k) * 31 >> 8 ^ (i + k);
		assert_int_equal(write(fd, buf, sizeof(buf)), sizeof(buf));
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

void open_pty(int *master, int *slave)
{
	struct termios raw;

	assert_int_equal(openpty(master, slave, NULL, NULL, NULL), 0);
	tcgetattr(*slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(*slave, TCSANOW, &raw);
}
