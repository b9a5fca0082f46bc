// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-ports.c - PORT_BATCH, from a guest's ring to an executor and back.
 *
 * Where the moment matters the test plays the executor; else a thread has a
 * pretended card.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/ports-fixture.h"
#include "tests/unit/worker-fixture.h"

#define FIRST	0x300
#define LAST	0x31f
#define OP	sizeof(struct vsys_port_op)

static struct setup port_setup(int fd)
{
	return (struct setup){ .pool_pages = 64, .queues = 1, .ports = true, .port_first = FIRST,
			       .port_last = LAST, .ports_fd = fd };
}

static void connect_ports(struct fixture *f, int fd)
{
	struct setup s = port_setup(fd);

	connect_device(f, &s);
}

static void connect_card(struct fixture *f, struct port_executor *x)
{
	port_executor_start(x, FIRST, LAST, &card_device, NULL);
	connect_ports(f, x->worker_fd);
}

/* --- batches ------------------------------------------------------------------ */

struct batch {
	struct vsys_port_op op[VSYS_PORT_MAX_OPS];
	unsigned int nr, bytes;
};

static struct vsys_port_op *add(struct batch *b, uint8_t op, uint16_t port, uint8_t width,
				uint32_t value)
{
	struct vsys_port_op *o = &b->op[b->nr++];

	*o = (struct vsys_port_op){ .op = op, .port = port, .width = width, .value = value };
	return o;
}

/* With its operations in the pool. */
static struct vsys_request rq_batch(struct fixture *f, const struct batch *b, uint32_t pool)
{
	struct vsys_request r = rq(VSYS_OP_PORT_BATCH, 0);

	pool_put(f, 0, pool, b->op, b->nr * OP);
	r.nr_segments = 1;
	r.length = b->nr * OP + b->bytes;
	r.u.ports.nr = b->nr;
	r.u.ports.segment[0].offset = pool;
	r.u.ports.segment[0].length = r.length;
	return r;
}

static void expect(const struct vsys_response *rsp, int status, uint64_t value)
{
	assert_int_equal(rsp->status, status);
	assert_int_equal(rsp->value, value);
	assert_int_equal(rsp->pos, 0);
}

static uint32_t value_at(struct fixture *f, uint32_t pool, unsigned int nr)
{
	struct vsys_port_op op;

	pool_get(f, 0, pool + nr * OP, &op, sizeof(op));
	return op.value;
}

/* The executor, played: by who has the first end. */
static void connect_played(struct fixture *f, int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	connect_ports(f, pair[1]);
}

/* The next batch. */
static void take(struct fixture *f, int fd, struct ports_message *m)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t len;

	UNTIL(f, poll(&p, 1, 0) == 1);
	len = read(fd, m, sizeof(*m));
	assert_true(len >= (ssize_t)PORTS_HEADER);
	assert_int_equal(m->len, len - PORTS_HEADER);
}

static void give(int fd, const struct ports_message *m, size_t len)
{
	assert_int_equal(write(fd, m, PORTS_HEADER + len), PORTS_HEADER + len);
}

static bool has_batch(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* ------------------------------------------------------------------------------- */

/* Of the pool, from a little before a batch on. */
#define AROUND	200
#define SEEN	1024

/* A batch until the played executor has it, and what the pool is then. */
static uint16_t hand_over(struct fixture *f, int fd, const struct batch *b, uint32_t pool,
			  uint8_t before[SEEN], struct ports_message *m)
{
	uint16_t id;

	pool_fill(f, 0, pool - AROUND, 0xa5, SEEN);
	id = submit(f, rq_batch(f, b, pool));
	pool_get(f, 0, pool - AROUND, before, SEEN);
	take(f, fd, m);
	assert_int_equal(m->nr, b->nr);
	return id;
}

/* All of it was done. */
static void hand_back(struct fixture *f, int fd, struct ports_message *m, uint16_t id, int status)
{
	m->done = m->nr;
	give(fd, m, m->len);
	expect(wait_for(f, id), status, m->nr);
}

/* Answers are where they belong, and nothing else has changed. */
static void in_place(void **state)
{
	struct fixture *f = *state;
	struct batch b = { .bytes = 40 };
	uint8_t before[SEEN], after[SEEN];
	struct ports_message m;
	uint32_t pool = 5 * VSYS_PAGE_SIZE - 100;	/* over the end of a page */
	uint16_t id;
	int pair[2];

	connect_played(f, pair);
	add(&b, VSYS_PORT_OUT, 0x302, 0, 7);
	add(&b, VSYS_PORT_IN, 0x303, 0, 0);
	add(&b, VSYS_PORT_INS, 0x310, 1, 10)->count = 3;
	add(&b, VSYS_PORT_OUTS, 0x310, 0, 1)->count = 3;
	add(&b, VSYS_PORT_CHANGE, 0x304, 0, 9)->count = 5;
	add(&b, VSYS_PORT_UNTIL, 0x304, 0, 0)->count = 5;
	id = hand_over(f, pair[0], &b, pool, before, &m);
	assert_int_equal(m.len, 6 * OP + 40);
	assert_memory_equal(m.op, b.op, 6 * OP);
	/* It scribbles over all there is. */
	memset(m.data, 0x3c, m.len);
	hand_back(f, pair[0], &m, id, 0);
	pool_get(f, 0, pool - AROUND, after, sizeof(after));
	memset(before + AROUND + OP + 4, 0x3c, 4);
	memset(before + AROUND + 4 * OP + 4, 0x3c, 4);
	memset(before + AROUND + 6 * OP + 10, 0x3c, 6);
	assert_memory_equal(before, after, sizeof(before));
	disconnect_device(f);
	close(pair[0]);
	close(pair[1]);
}

/* What the guest writes after the batch was taken counts for nothing. */
static void copied_once(void **state)
{
	struct fixture *f = *state;
	struct batch b = { .bytes = 16 };
	struct ports_message m;
	uint8_t bytes[64];
	uint16_t id;
	int pair[2];

	connect_played(f, pair);
	add(&b, VSYS_PORT_INS, 0x310, 0, 0)->count = 16;
	id = submit(f, rq_batch(f, &b, 0));
	take(f, pair[0], &m);
	b.op[0].value = 0xffffff00;
	b.op[0].count = 0xffffff;
	b.op[0].port = 0xcf8;
	pool_put(f, 0, 0, b.op, OP);
	memset(m.data + OP, 0x77, 16);
	hand_back(f, pair[0], &m, id, 0);
	pool_get(f, 0, 0, bytes, sizeof(bytes));
	assert_memory_equal(bytes, b.op, OP);
	assert_int_equal(bytes[OP], 0x77);
	assert_int_equal(bytes[OP + 15], 0x77);
	assert_int_not_equal(bytes[OP + 16], 0x77);
	disconnect_device(f);
	close(pair[0]);
	close(pair[1]);
}

/* Many at once: one after the other, in the order of the ring. */
static void order(void **state)
{
	struct fixture *f = *state;
	struct port_executor x;
	struct card same = { .now = 1 };
	uint16_t id[32];
	unsigned int round, i;

	connect_card(f, &x);
	the_card = &same;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 32; i++) {
			struct batch b = { 0 };

			add(&b, VSYS_PORT_OUT, 0x302 + i % 3, 0, i * round);
			add(&b, VSYS_PORT_IN, 0x305, 0, 0);
			id[i] = submit(f, rq_batch(f, &b, i * 64));
		}
		for (i = 0; i < 32; i++) {
			expect(wait_for(f, id[i]), 0, 2);
			card_device.out(0x302 + i % 3, 0, i * round);
			assert_int_equal(value_at(f, i * 64, 1), card_device.in(0x305, 0));
		}
	}
	disconnect_device(f);
	port_executor_join(&x);
	assert_int_equal(x.result, 0);
	assert_true(x.card.hash == same.hash);
}

/* Whatever standard error was told. */
static unsigned int count_lines(int fd, const char *words)
{
	char text[16384];
	unsigned int n = 0;
	const char *p;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(len >= 0);
	text[len] = '\0';
	for (p = text; (p = strstr(p, words)); p++)
		n++;
	return n;
}

static void denied(void **state)
{
	struct fixture *f = *state;
	struct port_executor x;
	struct batch good = { 0 }, bad = { 0 };
	int log = temp_file(0), old = dup(2);
	unsigned int i;

	connect_card(f, &x);
	add(&good, VSYS_PORT_OUT, LAST, 0, 1);
	add(&bad, VSYS_PORT_OUT, FIRST, 0, 1);
	add(&bad, VSYS_PORT_OUT, LAST, 1, 1);
	dup2(log, 2);
	for (i = 0; i < 5; i++) {
		expect(call(f, rq_batch(f, &bad, 0)), -VSYS_EPERM, 2);
		bad.op[1].port = 0x1f0 + i;
		expect(call(f, rq_batch(f, &good, 0)), 0, 1);
	}
	dup2(old, 2);
	assert_int_equal(count_lines(log, "domain 7 device 51: port 0x31f is denied: 0x300-0x31f are lent"), 1);
	assert_int_equal(count_lines(log, "denied"), 1);
	close(log);
	close(old);
	ask_counters(f);
	assert_int_equal(f->counters.denied, 5);
	assert_int_equal(f->counters.errors, 5);
	disconnect_device(f);
	port_executor_join(&x);
	assert_int_equal(x.card.accesses, 10);
}

/*
 * Of a batch only what is not lent is left out, and what it would have brought is all
 * ones; the rest is done, in order.
 */
static void partly_denied(void **state)
{
	struct fixture *f = *state;
	struct batch b = { .bytes = 40 };
	uint8_t before[SEEN], after[SEEN];
	struct ports_message m;
	uint32_t pool = 300;
	unsigned int i;
	uint16_t id;
	int pair[2];

	connect_played(f, pair);
	add(&b, VSYS_PORT_OUT, 0x302, 0, 7);
	add(&b, VSYS_PORT_OUT, 0xcf8, 2, 7);
	add(&b, VSYS_PORT_IN, FIRST - 1, 1, 0x55);	/* one byte of it is lent */
	add(&b, VSYS_PORT_INS, LAST + 1, 1, 10)->count = 3;
	add(&b, VSYS_PORT_IN, 0x303, 0, 0);
	add(&b, VSYS_PORT_OUTS, 0x20, 0, 1)->count = 3;
	add(&b, VSYS_PORT_UNTIL, 0x21, 0, 0)->count = 5;
	add(&b, VSYS_PORT_CHANGE, 0x21, 0, 9)->count = 5;
	add(&b, VSYS_PORT_INS, 0x310, 0, 20)->count = 4;
	id = hand_over(f, pair[0], &b, pool, before, &m);
	for (i = 0; i < 9; i++) {
		if (i == 0 || i == 4 || i == 8) {
			assert_memory_equal(&m.op[i], &b.op[i], OP);
			continue;
		}
		/* A place, and no access. */
		assert_int_equal(m.op[i].op, VSYS_PORT_CHANGE);
		assert_int_equal(m.op[i].count, 0);
		assert_in_range(m.op[i].port, FIRST, LAST);
	}
	m.op[4].value = 0x77;
	memset(m.data + 9 * OP, 0x3c, 40);
	hand_back(f, pair[0], &m, id, -VSYS_EPERM);
	pool_get(f, 0, pool - AROUND, after, sizeof(after));
	memset(before + AROUND + 2 * OP + 4, 0xff, 4);
	memset(before + AROUND + 9 * OP + 10, 0xff, 6);
	memcpy(before + AROUND + 4 * OP + 4, &(uint32_t){ 0x77 }, 4);
	memset(before + AROUND + 7 * OP + 4, 0xff, 4);
	memset(before + AROUND + 9 * OP + 20, 0x3c, 4);
	assert_memory_equal(before, after, sizeof(before));
	/* The next one has nothing of this. */
	b.nr = 0;
	add(&b, VSYS_PORT_IN, 0x303, 0, 0);
	id = submit(f, rq_batch(f, &b, pool));
	take(f, pair[0], &m);
	m.op[0].value = 0x78;
	hand_back(f, pair[0], &m, id, 0);
	assert_int_equal(value_at(f, pool, 0), 0x78);
	/* Too late, and denied. */
	b.op[0].op = VSYS_PORT_UNTIL;
	add(&b, VSYS_PORT_OUT, 0x20, 0, 0);
	id = submit(f, rq_batch(f, &b, pool));
	take(f, pair[0], &m);
	m.done = 0;
	m.status = -ETIMEDOUT;
	give(pair[0], &m, m.len);
	expect(wait_for(f, id), -VSYS_ETIMEDOUT, 0);
	disconnect_device(f);
	close(pair[0]);
	close(pair[1]);
}

static void wrong(void **state)
{
	struct fixture *f = *state;
	struct port_executor x;
	struct batch b = { .bytes = 8 };
	struct vsys_request r;

	connect_card(f, &x);
	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	add(&b, 8, FIRST, 0, 1);
	expect(call(f, rq_batch(f, &b, 0)), -VSYS_EINVAL, 0);
	b.op[1].op = VSYS_PORT_OUTS;
	b.op[1].count = 8;
	expect(call(f, rq_batch(f, &b, 0)), -VSYS_EINVAL, 0);
	b.op[1].value = 0;
	expect(call(f, rq_batch(f, &b, 0)), 0, 2);
	/* As many as there may be, and one more. */
	b.nr = 0;
	b.bytes = VSYS_PORT_MAX_BYTES;
	while (b.nr < VSYS_PORT_MAX_OPS)
		add(&b, VSYS_PORT_IN, FIRST, 2 * (b.nr % 2), 1);
	b.op[7].op = VSYS_PORT_INS;
	b.op[7].value = 0;
	b.op[7].width = 0;
	b.op[7].count = VSYS_PORT_MAX_BYTES;
	r = rq_batch(f, &b, 4096);
	expect(call(f, r), 0, VSYS_PORT_MAX_OPS);
	r.u.ports.nr++;
	expect(call(f, r), -VSYS_EINVAL, 0);
	r.u.ports.nr = UINT32_MAX;
	expect(call(f, r), -VSYS_EINVAL, 0);
	r.u.ports.nr = 1;
	expect(call(f, r), -VSYS_EINVAL, 0);	/* the rest is too many bytes */
	r.u.ports.nr = 0;
	r.length = r.u.ports.segment[0].length = 200000;
	expect(call(f, r), -VSYS_EINVAL, 0);
	r.length = r.u.ports.segment[0].length = 0;
	expect(call(f, r), 0, 0);
	disconnect_device(f);
	port_executor_join(&x);
	assert_int_equal(x.result, 0);
	assert_int_equal(x.card.accesses, 2 + 7 + VSYS_PORT_MAX_OPS - 1 + VSYS_PORT_MAX_BYTES);
}

/* A batch is one segment; and nothing but that breaks the protocol. */
static void violations(void **state)
{
	struct fixture *f = *state;
	struct batch b = { 0 };
	unsigned int i;
	int pair[2];

	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	for (i = 0; i < 5; i++) {
		struct vsys_request r;

		connect_ports(f, pair[1]);
		r = rq_batch(f, &b, 0);
		if (i == 0)
			r.nr_segments = 0;
		else if (i == 1)
			r.nr_segments = 2;
		else if (i == 2)
			r.flags |= VSYS_RQ_INDIRECT;
		else if (i == 3)
			r.length++;
		else
			r.u.ports.segment[0].offset = 64 * VSYS_PAGE_SIZE;
		submit(f, r);
		wait_failed(f, i < 3 ? "not just one segment" : i == 3 ? "has length 17" :
			    "beyond the pool");
	}
	assert_false(has_batch(pair[0]));
	close(pair[0]);
	close(pair[1]);
}

/* Ports are no file, and files no ports. */
static void not_there(void **state)
{
	static const uint8_t ops[] = {
		VSYS_OP_OPEN, VSYS_OP_READ, VSYS_OP_POLL, VSYS_OP_IOCTL, VSYS_OP_DISCARD,
		VSYS_OP_MM_EXIT, VSYS_OP_WATCH, VSYS_OP_MMAP,
	};
	struct fixture *f = *state;
	struct port_executor x;
	struct batch b = { 0 };
	size_t i;

	connect_card(f, &x);
	for (i = 0; i < sizeof(ops); i++)
		expect(call(f, rq(ops[i], 1)), -VSYS_ENOSYS, 0);
	expect(call(f, rq(VSYS_OP_NOP, 0)), 0, 0);
	assert_int_equal(f->opens, 0);
	disconnect_device(f);
	port_executor_join(&x);
	connect_chr(f);
	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	expect(call(f, rq_batch(f, &b, 0)), -VSYS_ENOSYS, 0);
	disconnect_device(f);
}

/* What was before it is done, and answered; what comes after goes on. */
static void time_out(void **state)
{
	struct fixture *f = *state;
	struct port_executor x;
	struct batch b = { .bytes = 4 };
	struct vsys_port_op *op;

	connect_card(f, &x);
	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	add(&b, VSYS_PORT_IN, 0x301, 0, 0xeeee);
	add(&b, VSYS_PORT_INS, 0x301, 0, 0)->count = 4;
	op = add(&b, VSYS_PORT_UNTIL, 0x302, 0, 0x80);
	op->mask = 0x80;
	op->count = 1000;
	add(&b, VSYS_PORT_IN, 0x301, 0, 0xeeee);
	expect(call(f, rq_batch(f, &b, 0)), -VSYS_ETIMEDOUT, 3);
	assert_true(value_at(f, 0, 1) < 4);
	assert_int_equal(value_at(f, 0, 4), 0xeeee);
	b.nr = 3;
	expect(call(f, rq_batch(f, &b, 0)), 0, 3);
	disconnect_device(f);
	port_executor_join(&x);
	assert_int_equal(x.card.accesses, 6 + 1000 + 6);
}

static void cancelled(void **state)
{
	struct fixture *f = *state;
	struct batch b = { 0 };
	struct ports_message m;
	uint16_t first, second, third;
	int pair[2];

	connect_played(f, pair);
	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	first = submit(f, rq_batch(f, &b, 0));
	b.op[0].value = 2;
	second = submit(f, rq_batch(f, &b, 64));
	b.op[0].value = 3;
	third = submit(f, rq_batch(f, &b, 128));
	take(f, pair[0], &m);
	assert_int_equal(do_cancel(f, second)->value, 1);
	expect(wait_for(f, second), -VSYS_EINTR, 0);
	assert_int_equal(do_cancel(f, first)->value, 1);
	assert_int_equal(do_cancel(f, second)->value, 0);
	settle(f);
	assert_false(answered(f, first));
	m.done = 1;
	give(pair[0], &m, 0);
	expect(wait_for(f, first), 0, 1);
	take(f, pair[0], &m);
	assert_int_equal(m.op[0].value, 3);
	m.done = 1;
	give(pair[0], &m, 0);
	expect(wait_for(f, third), 0, 1);
	disconnect_device(f);
	close(pair[0]);
	close(pair[1]);
}

/*
 * A worker that looks for requests at all needs no notification while an executor has a
 * batch: its answer wakes it.  One that never looks does.
 */
static void found_by_answer(void **state)
{
	struct fixture *f = *state;
	struct batch b = { 0 };
	struct vsys_request r;
	struct ports_message m;
	unsigned int i;
	int pair[2], notify;
	uint16_t id;

	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	for (i = 0; i < 2; i++) {
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
		f->downs = 0;
		connect_ports(f, pair[1]);
		f->w.spin.max_ns = i ? 0 : INT64_C(1000000000);
		f->w.spin.now_ns = 0;
		id = submit(f, rq_batch(f, &b, 0));
		take(f, pair[0], &m);
		settle(f);
		r = rq_batch(f, &b, 64);
		r.id = f->next_id++ % RING_SIZE(&f->ring[0]);
		f->answered[0][r.id] = false;
		push_raw(f, 0, &r);
		RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&f->ring[0], notify);
		assert_int_equal(notify, i);
		m.done = 1;
		give(pair[0], &m, 0);
		expect(wait_for(f, id), 0, 1);
		take(f, pair[0], &m);
		m.done = 1;
		give(pair[0], &m, 0);
		expect(wait_for(f, r.id), 0, 1);
		disconnect_device(f);
		close(pair[0]);
		close(pair[1]);
	}
}

/* The batch that the executor has ends first; the others never begin. */
static void disconnected_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct batch b = { 0 };
	struct ports_message m;
	unsigned int i;
	int pair[2];

	connect_played(f, pair);
	add(&b, VSYS_PORT_IN, FIRST, 0, 1);
	for (i = 0; i < 10; i++)
		submit(f, rq_batch(f, &b, 64 * i));
	take(f, pair[0], &m);
	tell(f, IPC_DISCONNECT);
	settle(f);
	assert_int_equal(f->downs, 0);
	assert_true(f->t->pages_mapped > 0);
	m.done = 1;
	give(pair[0], &m, m.len);
	UNTIL(f, f->downs);
	assert_int_equal(f->t->pages_mapped, 0);
	assert_false(has_batch(pair[0]));
	close(pair[1]);
	/* The worker's end is closed. */
	assert_int_equal(read(pair[0], &m, sizeof(m)), 0);
	close(pair[0]);
}

static void executor_dies(void **state)
{
	struct fixture *f = *state;
	struct batch b = { 0 };
	struct ports_message m;
	unsigned int i;

	add(&b, VSYS_PORT_IN, FIRST, 0, 1);
	for (i = 0; i < 3; i++) {
		int pair[2];

		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
		f->faileds = 0;
		connect_ports(f, pair[1]);
		close(pair[1]);
		if (i) {
			submit(f, rq_batch(f, &b, 0));
			submit(f, rq_batch(f, &b, 64));
			take(f, pair[0], &m);
		}
		if (i == 2) {
			tell(f, IPC_DISCONNECT);
			settle(f);
		}
		close(pair[0]);
		if (i == 2)
			UNTIL(f, f->downs);
		else
			wait_failed(f, "the port executor ended");
	}
}

static void executor_talks_nonsense(void **state)
{
	struct fixture *f = *state;
	struct batch b = { 0 };
	struct ports_message m;
	unsigned int i;

	add(&b, VSYS_PORT_IN, FIRST, 0, 1);
	add(&b, VSYS_PORT_IN, FIRST, 0, 1);
	for (i = 0; i < 9; i++) {
		size_t len = 2 * OP;
		int pair[2];

		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
		f->faileds = 0;
		connect_ports(f, pair[1]);
		close(pair[1]);
		submit(f, rq_batch(f, &b, 0));
		take(f, pair[0], &m);
		m.done = 2;
		m.status = 0;
		if (i == 0)
			m.done = 1;
		else if (i == 1)
			m.done = 3;
		else if (i == 2)
			m.status = -ETIMEDOUT;
		else if (i == 3)
			m.status = -EPERM;
		else if (i == 4)
			m.nr = 1;
		else if (i == 5)
			m.len += 16;
		else if (i == 6)
			len = 0;
		else if (i == 7)
			len += 4;
		if (i == 8)
			assert_int_equal(write(pair[0], &m, 3), 3);
		else
			give(pair[0], &m, len);
		wait_failed(f, "an answer that cannot be");
		close(pair[0]);
	}
}

/* With nobody to ask, or with ports that cannot be. */
static void refused(void **state)
{
	struct fixture *f = *state;
	struct setup s = port_setup(-1);
	struct vsys_ipc msg;
	int pair[2];

	guest_prepare(f, &s);
	connect_message(f, &msg);
	tell_msg(f, &msg, -1);
	wait_failed(f, "the port executor cannot be reached");
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	f->faileds = 0;
	msg.u.connect.port_last = 0x10000;
	tell_msg(f, &msg, pair[1]);
	wait_failed(f, "the ports are none that can be");
	f->faileds = 0;
	msg.u.connect.port_last = FIRST - 1;
	tell_msg(f, &msg, pair[1]);
	wait_failed(f, "the ports are none that can be");
	close(pair[1]);
	assert_int_equal(read(pair[0], &msg, sizeof(msg)), 0);
	close(pair[0]);
}

/* Two ranges of one guest: each to its own executor, neither waits for the other. */
static void two_devices(void **state)
{
	struct fixture *f = *state;
	struct setup s = port_setup(-1);
	struct batch b = { 0 }, c = { 0 };
	struct vsys_request other;
	struct port_executor x;
	struct ports_message m;
	struct vsys_ipc msg;
	int pair[2];
	uint16_t id;

	/* The memory of two queues, of which each device has one. */
	port_executor_start(&x, 0x3f8, 0x3ff, &card_device, NULL);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	s.queues = 2;
	guest_prepare(f, &s);
	connect_message(f, &msg);
	msg.u.connect.nr_queues = 1;
	tell_msg(f, &msg, pair[1]);
	msg.devid = DEVID + 1;
	msg.u.connect.port_first = 0x3f8;
	msg.u.connect.port_last = 0x3ff;
	msg.u.connect.queue[0] = msg.u.connect.queue[1];
	tell_msg(f, &msg, x.worker_fd);
	UNTIL(f, f->ups == 2);

	add(&b, VSYS_PORT_OUT, FIRST, 0, 1);
	id = submit(f, rq_batch(f, &b, 0));
	take(f, pair[0], &m);
	/* The first one's executor takes its time. */
	add(&c, VSYS_PORT_OUT, 0x3f8, 0, 1);
	other = rq_batch(f, &c, 0);
	pool_put(f, 1, 0, c.op, OP);
	expect(wait_for_on(f, 1, submit_on(f, 1, other)), 0, 1);
	pool_put(f, 1, 0, b.op, OP);
	expect(wait_for_on(f, 1, submit_on(f, 1, other)), -VSYS_EPERM, 1);
	assert_false(answered(f, id));
	/* It dies: that is no matter of the other's. */
	close(pair[0]);
	close(pair[1]);
	UNTIL(f, f->faileds);
	pool_put(f, 1, 0, c.op, OP);
	expect(wait_for_on(f, 1, submit_on(f, 1, other)), 0, 1);
	msg = (struct vsys_ipc){ .type = IPC_DISCONNECT, .devid = DEVID + 1 };
	tell_msg(f, &msg, -1);
	UNTIL(f, f->downs);
	port_executor_join(&x);
	assert_int_equal(x.card.accesses, 2);
}

static bool not_done[VSYS_PORT_MAX_OPS];

/*
 * What is not lent is not done, nor what depends on it: an OUTS of nothing stands in its
 * place.
 */
static unsigned int without_denied(struct ports_message *m)
{
	unsigned int i, n = 0, left_out = 0;

	for (i = 0; i < m->nr; i++) {
		not_done[i] = left_out || !ports_lent(&m->op[i], FIRST, LAST);
		if (left_out)
			left_out--;
		else if (not_done[i] && m->op[i].op == VSYS_PORT_WHEN)
			left_out = m->op[i].count;
		if (!not_done[i])
			continue;
		m->op[i].op = VSYS_PORT_OUTS;
		m->op[i].count = 0;
		n++;
	}
	return n;
}

/* As the guest sees it: the answers in the order of the operations, blocks may overlap. */
static void put_back(struct ports_message *m, const struct vsys_port_op *asked)
{
	static struct ports_message got;
	unsigned int i;

	got = *m;
	for (i = 0; i < m->nr; i++) {
		const struct vsys_port_op *op = &asked[i];
		bool lent = !not_done[i];
		size_t at = m->nr * OP + op->value;

		m->op[i] = *op;
		if (i >= m->done)
			continue;
		if (op->op == VSYS_PORT_IN || op->op == VSYS_PORT_CHANGE ||
		    op->op == VSYS_PORT_WHEN)
			m->op[i].value = lent ? got.op[i].value : UINT32_MAX;
		else if (op->op == VSYS_PORT_INS && lent)
			memcpy(m->data + at, got.data + at, (size_t)op->count << op->width);
		else if (op->op == VSYS_PORT_INS)
			memset(m->data + at, 0xff, (size_t)op->count << op->width);
	}
}

/* Anything, against a card of our own. */
static void random_batches(void **state)
{
	struct fixture *f = *state;
	struct port_executor x;
	struct card same = { .now = 1 };
	struct ports_message m;
	static uint8_t back[PORTS_DATA_SIZE];
	unsigned int round, i, good = 0, denied = 0;

	connect_card(f, &x);
	the_card = &same;
	srand(3);
	for (round = 0; round < 4000; round++) {
		uint32_t pool = rand() % (60 * VSYS_PAGE_SIZE);
		struct batch b = { .bytes = rand() % 500 };
		const struct vsys_response *rsp;
		unsigned int nr = rand() % 20;
		uint16_t port;
		int err;

		for (i = 0; i < nr; i++) {
			struct vsys_port_op *op;

			op = add(&b, rand() % 400 ? 1 + rand() % 7 : rand(),
				 rand() % 400 ? FIRST + rand() % 28 : rand(), rand() % 3, rand() % 100);
			op->count = rand() % 60;
			op->mask = rand() % 2 ? 3 : 0xff;
			if (op->op == VSYS_PORT_UNTIL || op->op == VSYS_PORT_WHEN)
				op->value %= 4;
		}
		memset(&m, 0, sizeof(m));
		m.nr = nr;
		m.len = nr * OP + b.bytes;
		for (i = 0; i < b.bytes; i++)
			m.data[nr * OP + i] = rand();
		memcpy(m.op, b.op, nr * OP);
		pool_put(f, 0, pool, m.data, m.len);
		rsp = call(f, rq_batch(f, &b, pool));
		err = ports_check(&m, FIRST, LAST, &port);
		memset(not_done, 0, sizeof(not_done));
		if (err == -EPERM)
			denied += without_denied(&m);
		if (err != -EINVAL) {
			ports_carry_out(&m, &card_device);
			err = m.status ? m.status : err;
			good++;
		}
		if (err != -EINVAL)
			put_back(&m, b.op);
		expect(rsp, err == -EPERM ? -VSYS_EPERM : err == -EINVAL ? -VSYS_EINVAL :
		       err ? -VSYS_ETIMEDOUT : 0, m.done);
		pool_get(f, 0, pool, back, m.len);
		assert_memory_equal(back, m.data, m.len);
	}
	assert_true(good > 1000 && denied > 20);
	disconnect_device(f);
	port_executor_join(&x);
	assert_true(x.card.hash == same.hash);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(in_place), T(copied_once), T(order), T(denied), T(partly_denied), T(wrong), T(violations),
		T(not_there), T(time_out), T(cancelled), T(found_by_answer), T(disconnected_meanwhile),
		T(executor_dies), T(executor_talks_nonsense), T(refused), T(two_devices),
		T(random_batches),
	};

	if (!can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
