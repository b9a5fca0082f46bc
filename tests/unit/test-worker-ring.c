// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-ring.c - what a guest may write into its ring, and what follows.
 *
 * The numbers of rules are those of docs/security.md.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"

static void nop(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	unsigned int i;

	connect_chr(f);
	for (i = 0; i < 1000; i++) {
		rsp = call(f, rq(VSYS_OP_NOP, 0));
		assert_int_equal(rsp->status, 0);
		assert_int_equal(rsp->value, 0);
	}
	ask_counters(f);
	assert_int_equal(f->counters.requests, 1000);
	assert_int_equal(f->counters.responses, 1000);
	assert_int_equal(f->counters.errors, 0);
}

/* Requests that came before the event channel was bound. */
static void early_request(void **state)
{
	static const struct setup s = { .pool_pages = 8, .queues = 1 };
	struct fixture *f = *state;
	struct vsys_ipc msg;
	uint16_t id;

	guest_prepare(f, &s);
	connect_message(f, &msg);
	id = submit(f, rq(VSYS_OP_NOP, 0));
	tell_msg(f, &msg, -1);
	assert_int_equal(wait_for(f, id)->status, 0);
}

static void full_ring(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 8, .queues = 2 };
	struct vsys_request r = rq(VSYS_OP_NOP, 0);
	struct fixture *f = *state;
	unsigned int i, round, n;

	connect_device(f, &s);
	n = RING_SIZE(&f->ring[0]);
	assert_int_equal(n, 512);
	for (round = 0; round < 20; round++) {
		f->nr_responses = 0;
		memset(f->answered, 0, sizeof(f->answered));
		for (i = 0; i < n; i++) {
			r.id = n - 1 - i;
			push_raw(f, 0, &r);
			push_raw(f, 1, &r);
		}
		kick(f, 0);
		kick(f, 1);
		UNTIL(f, f->nr_responses == 2 * n);
	}
	/* At most one notification for a sweep, not one for a response. */
	ask_counters(f);
	assert_int_equal(f->counters.responses, 2 * 20 * n);
	assert_in_range(f->counters.events_out, 1, 2 * 20 * (n / VSYS_SWEEP));
}

/* A guest that looks by itself is not woken up. */
static void notifies_on_demand(void **state)
{
	struct vsys_request r = rq(VSYS_OP_NOP, 0);
	struct fixture *f = *state;
	unsigned int i;

	connect_chr(f);
	f->ring[0].sring->rsp_event = 3;
	for (i = 1; i <= 5; i++) {
		r.id = i;
		push_raw(f, 0, &r);
		kick(f, 0);
		while (f->ring[0].sring->rsp_prod != i)
			assert_true(worker_round(&f->w, 10));
		assert_int_equal(loop_take(f->t, REMOTE_PORT(0)), i == 3);
	}
}

/* Rule 2. */
static void producer_overflow(void **state)
{
	static const uint32_t wild[] = { 33, 34, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		connect_chr(f);
		f->ring[0].sring->req_prod = wild[i];
		loop_notify(f->t, REMOTE_PORT(0));
		wait_failed(f, "queue 0: producer index");
		assert_non_null(strstr(f->reason, "the ring has 32 entries"));
	}
	/* Also when requests are in the ring, and some have no response. */
	connect_chr(f);
	call(f, rq(VSYS_OP_NOP, 0));
	f->open_hold = true;
	submit(f, rq(VSYS_OP_OPEN, 0));
	settle(f);
	f->ring[0].sring->req_prod = 1 + 33;
	loop_notify(f->t, REMOTE_PORT(0));
	wait_failed(f, "producer index 34 with 1 answered");
}

/* A producer that goes back asks for 2^32 - 1 requests. */
static void producer_back(void **state)
{
	struct fixture *f = *state;

	connect_chr(f);
	call(f, rq(VSYS_OP_NOP, 0));
	call(f, rq(VSYS_OP_NOP, 0));
	f->ring[0].sring->req_prod = 1;
	loop_notify(f->t, REMOTE_PORT(0));
	wait_failed(f, "producer index 1 with 2 answered");
}

/* Rule 3: every byte of a response is written, and nothing behind it. */
static void response_bytes(void **state)
{
	struct fixture *f = *state;
	union vsys_sring_entry *e;
	unsigned int i, k;
	struct vsys_request r;
	const uint8_t *p;

	connect_chr(f);
	for (i = 0; i < 40; i++) {
		e = &f->ring[0].sring->ring[i % 32];
		r = rq(i % 2 ? VSYS_OP_NOP : VSYS_OP_RELEASE, 0xa5a5a5a5);
		memset(&r.u, 0xa5, sizeof(r.u));
		r.offset = r.length = 0xa5a5a5a5;
		call(f, r);
		p = (const uint8_t *)e;
		assert_int_equal(p[3], 0);
		for (k = 8; k < 32; k++)
			assert_int_equal(p[k], 0);
		for (k = 32; k < 64; k++)
			assert_int_equal(p[k], 0xa5);
	}
}

/* Rule 1: what the guest writes after the request was taken has no effect. */
static void copied_once(void **state)
{
	struct vsys_segment array[6];
	struct fixture *f = *state;
	struct vsys_response *rsp;
	struct vsys_request r;
	uint16_t id, id2;
	int p[2], p2[2], i;
	char c[8];
	uint32_t h, h2;

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(p2), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	h2 = do_open_fd(f, p2[0], VSYS_O_RDONLY);
	r = rq_rw(VSYS_OP_READ, h, 0, 4096, 4, 0);
	id = submit(f, r);
	for (i = 0; i < 6; i++) {
		array[i].offset = 8192 + 16 * i;
		array[i].length = 1;
	}
	pool_put(f, 0, 100, array, sizeof(array));
	r = rq_rw(VSYS_OP_READ, h2, 0, 100, sizeof(array), VSYS_RQ_INDIRECT);
	r.length = 6;
	id2 = submit(f, r);
	settle(f);

	memset(f->ring[0].sring->ring, 0xff, 32 * 64);
	pool_fill(f, 0, 100, 0xff, sizeof(array));
	assert_int_equal(write(p[1], "abcd", 4), 4);
	rsp = wait_for(f, id);
	assert_int_equal(rsp->status, 0);
	assert_int_equal(rsp->value, 4);
	assert_int_equal(rsp->op, VSYS_OP_READ);
	pool_get(f, 0, 4096, c, 4);
	assert_memory_equal(c, "abcd", 4);
	assert_int_equal(write(p2[1], "uvwxyz", 6), 6);
	assert_int_equal(wait_for(f, id2)->value, 6);
	for (i = 0; i < 6; i++) {
		pool_get(f, 0, 8192 + 16 * i, c, 1);
		assert_int_equal(c[0], "uvwxyz"[i]);
	}
	close(p[1]);
	close(p2[1]);
}

static void violates(struct fixture *f, struct vsys_request r, const char *words)
{
	connect_chr(f);
	assert_int_equal(do_open(f, "/dev/zero", VSYS_O_RDWR), 1);
	submit(f, r);
	wait_failed(f, words);
	assert_int_equal(f->faileds, 1);
}

/* Rules 1, 4, 18: each kind of nonsense, and the sentence about it. */
static void malformed(void **state)
{
	const uint32_t pool = 64 * 4096;
	struct fixture *f = *state;
	struct vsys_segment array[VSYS_MAX_SEGMENTS + 1];
	struct vsys_request r;

	violates(f, rq(VSYS_OP_LIMIT, 0), "queue 0: request 1 has operation 64");
	violates(f, rq(255, 0), "has operation 255");

	r = rq(VSYS_OP_NOP, 0);
	r.flags = 0x00004000;
	violates(f, r, "has unknown flags 0x4000");
	r.flags = ~0u;
	violates(f, r, "has unknown flags 0x7fe0c000");

	r = rq_rw(VSYS_OP_READ, 1, 0, 0, 8, 0);
	r.nr_segments = 6;
	violates(f, r, "has 6 segments");
	r = rq(VSYS_OP_RELEASE, 1);
	r.nr_segments = 1;
	violates(f, r, "takes none");
	r = rq(VSYS_OP_LSEEK, 1);
	r.flags = VSYS_RQ_INDIRECT;
	violates(f, r, "takes none");
	r = rq(VSYS_OP_IOCTL, 1);
	r.nr_segments = 255;
	violates(f, r, "has 255 segments");

	/* Segments beyond the pool, with and without overflow. */
	violates(f, rq_rw(VSYS_OP_READ, 1, 0, pool, 1, 0),
		 "names segment 0 beyond the pool or a piece of it (offset 262144, length 1, pool 262144 bytes)");
	violates(f, rq_rw(VSYS_OP_WRITE, 1, 0, pool - 1, 2, 0), "names segment 0 beyond");
	violates(f, rq_rw(VSYS_OP_READ, 1, 0, 0xfffff000, 0x1000, 0), "names segment 0 beyond");
	violates(f, rq_rw(VSYS_OP_READ, 1, 0, 0xffffffff, 1, 0), "names segment 0 beyond");
	violates(f, rq_rw(VSYS_OP_READ, 1, 0, pool + 1, 0, 0), "names segment 0 beyond");
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, 8, 0);
	r.nr_segments = 3;
	r.u.segment[2].offset = 1;
	r.u.segment[2].length = pool;
	violates(f, r, "names segment 2 beyond");

	/* Lengths. */
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, 8, 0);
	r.length = 9;
	violates(f, r, "has length 9, but its segments have 8");
	r.length = 0;
	violates(f, r, "has length 0, but its segments have 8");
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, VSYS_MAX_LENGTH + 1, 0);
	violates(f, r, "has length 1048577");
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, 8, 0);
	r.nr_segments = 5;
	r.u.segment[1].length = r.u.segment[2].length = r.u.segment[3].length =
		r.u.segment[4].length = pool;
	violates(f, r, "has length 8, but its segments have 1048584");
	r.length = 0;
	violates(f, r, "has length 0, but its segments");

	/* Arrays of segments. */
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, 8, VSYS_RQ_INDIRECT);
	r.nr_segments = 0;
	violates(f, r, "is indirect with 0 segments");
	r.nr_segments = 2;
	violates(f, r, "is indirect with 2 segments");
	r.nr_segments = 1;
	r.u.segment[0].length = 12;
	violates(f, r, "array of segments of 12 bytes");
	r.u.segment[0].length = sizeof(array);
	violates(f, r, "array of segments of 2064 bytes");
	r.u.segment[0].length = 0xfffffff8;
	violates(f, r, "array of segments of 4294967288 bytes");
	r.u.segment[0].length = 8;
	r.u.segment[0].offset = pool - 4;
	violates(f, r, "has its array of segments beyond the pool or a piece of it (offset 262140, length 8");
	r.u.segment[0].offset = 0xfffffffc;
	violates(f, r, "has its array of segments beyond the pool");

	connect_chr(f);
	do_open(f, "/dev/zero", VSYS_O_RDWR);
	memset(array, 0, sizeof(array));
	array[200].offset = pool;
	array[200].length = 1;
	pool_put(f, 0, 0, array, sizeof(array));
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, 257 * 8, VSYS_RQ_INDIRECT);
	r.length = 1;
	submit(f, r);
	wait_failed(f, "names segment 200 beyond");
}

/* 256 times 16 MiB are 0 only modulo 2^32. */
static void sum_of_lengths(void **state)
{
	static const struct setup s = { .pool_pages = VSYS_MAX_POOL_PAGES, .queues = 1 };
	struct vsys_segment array[256];
	struct fixture *f = *state;
	struct vsys_request r;
	unsigned int i;

	connect_device(f, &s);
	do_open(f, "/dev/zero", VSYS_O_RDWR);
	for (i = 0; i < 256; i++) {
		array[i].offset = 0;
		array[i].length = VSYS_MAX_POOL_PAGES * VSYS_PAGE_SIZE;
	}
	pool_put(f, 0, 0, array, sizeof(array));
	r = rq_rw(VSYS_OP_READ, 1, 0, 0, sizeof(array), VSYS_RQ_INDIRECT);
	r.length = 0;
	submit(f, r);
	wait_failed(f, "has length 0, but its segments have 4294967296");
}

static void ids(void **state)
{
	struct vsys_request r = rq(VSYS_OP_NOP, 0);
	struct fixture *f = *state;

	connect_chr(f);
	r.id = 32;
	push_raw(f, 0, &r);
	kick(f, 0);
	wait_failed(f, "queue 0: request id 32, but the ring has 32 entries");

	connect_chr(f);
	r.id = 0xffff;
	push_raw(f, 0, &r);
	kick(f, 0);
	wait_failed(f, "request id 65535");

	/* In use: the OPEN has no response yet. */
	connect_chr(f);
	f->open_hold = true;
	r = rq(VSYS_OP_OPEN, 0);
	r.id = 7;
	push_raw(f, 0, &r);
	kick(f, 0);
	settle(f);
	r = rq(VSYS_OP_NOP, 0);
	r.id = 7;
	push_raw(f, 0, &r);
	kick(f, 0);
	wait_failed(f, "request id 7 is in use");

	connect_chr(f);
	r = rq(VSYS_OP_CANCEL, 0);
	r.u.cancel.id = 32;
	submit(f, r);
	wait_failed(f, "cancels request 32 of 32");
}

/* The same id in two queues is two requests. */
static void ids_of_queues(void **state)
{
	static const struct setup s = { .pool_pages = 8, .queues = 2 };
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);
	struct fixture *f = *state;

	connect_device(f, &s);
	f->open_hold = true;
	r.id = 3;
	push_raw(f, 0, &r);
	push_raw(f, 1, &r);
	kick(f, 0);
	kick(f, 1);
	UNTIL(f, f->opens == 2);
	r = rq(VSYS_OP_CANCEL, 0);
	r.id = 4;
	r.u.cancel.id = 3;
	push_raw(f, 1, &r);
	kick(f, 1);
	assert_int_equal(wait_for_on(f, 1, 3)->status, -VSYS_EINTR);
	assert_int_equal(wait_for_on(f, 1, 4)->value, 1);
	assert_false(f->answered[0][3]);
}

/* Rule 4: not a violation, but answers. */
static void answers(void **state)
{
	static const uint8_t later[] = {
		VSYS_OP_MMAP, VSYS_OP_MUNMAP, VSYS_OP_LOCK, VSYS_OP_FALLOCATE,
		VSYS_OP_PORT_BATCH, 63, 12,
		/* There, but not negotiated. */
		VSYS_OP_IOCTL, VSYS_OP_COMPAT_IOCTL, VSYS_OP_MIRROR_READ, VSYS_OP_MIRROR_WRITE,
		VSYS_OP_CONTINUE, VSYS_OP_MM_EXIT,
	};
	static const uint8_t with_handle[] = {
		VSYS_OP_RELEASE, VSYS_OP_READ, VSYS_OP_WRITE, VSYS_OP_LSEEK, VSYS_OP_FSYNC,
		VSYS_OP_DISCARD, VSYS_OP_WRITE_ZEROES, VSYS_OP_POLL,
	};
	static const uint32_t handles[] = { 0, 1, 2, 8, 9, 4096, 4097, 0x80000000, 0xffffffff };
	struct fixture *f = *state;
	struct vsys_response *rsp;
	size_t i, k;

	connect_chr(f);
	for (i = 0; i < sizeof(later); i++) {
		rsp = call(f, rq(later[i], 1));
		assert_int_equal(rsp->status, -VSYS_ENOSYS);
	}
	for (i = 0; i < sizeof(with_handle); i++) {
		for (k = 0; k < sizeof(handles) / sizeof(handles[0]); k++) {
			rsp = call(f, rq(with_handle[i], handles[k]));
			assert_int_equal(rsp->status, -VSYS_EBADF);
		}
	}
	ask_counters(f);
	assert_int_equal(f->counters.errors, 13 + 8 * 9);
}

/* Rule 5. */
static void nothing_to_do(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	struct vsys_request r;
	uint32_t h;

	connect_chr(f);
	h = do_open(f, "/dev/zero", VSYS_O_RDWR);
	r = rq_rw(VSYS_OP_READ, h, 0, 0, 0, 0);
	r.nr_segments = 0;
	rsp = call(f, r);
	assert_int_equal(rsp->status, 0);
	assert_int_equal(rsp->value, 0);
	r.op = VSYS_OP_WRITE;
	assert_int_equal(call(f, r)->status, 0);
	r.nr_segments = 5;
	assert_int_equal(call(f, r)->status, 0);
	r.u.segment[3].offset = 64 * 4096;	/* the end of the pool is in it */
	assert_int_equal(call(f, r)->status, 0);

	/* An empty array. */
	r.flags = VSYS_RQ_INDIRECT;
	r.nr_segments = 1;
	assert_int_equal(call(f, r)->status, 0);

	/* Empty ones between others. */
	r = rq_rw(VSYS_OP_READ, h, 0, 0, 4, 0);
	r.nr_segments = 5;
	r.u.segment[3].offset = 8192;
	r.u.segment[3].length = 4;
	r.length = 8;
	rsp = call(f, r);
	assert_int_equal(rsp->status, 0);
	assert_int_equal(rsp->value, 8);
}

/*
 * Rule 6: while there is work of an event to be done, the port stays masked,
 * however often the guest notifies.
 */
static void event_storm(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 8, .queues = 1 };
	struct vsys_request r = rq(VSYS_OP_NOP, 0);
	unsigned int i, delivered;
	struct fixture *f = *state;

	connect_device(f, &s);
	settle(f);
	delivered = f->t->delivered;
	for (i = 0; i < 2 * VSYS_SWEEP + 1; i++) {
		r.id = i;
		push_raw(f, 0, &r);
	}
	kick(f, 0);
	while (f->nr_responses < 2 * VSYS_SWEEP + 1) {
		for (i = 0; i < 100; i++)
			loop_notify(f->t, REMOTE_PORT(0));
		assert_true(loop_masked(f->t, REMOTE_PORT(0)));
		step(f);
		if (f->nr_responses && f->nr_responses < 2 * VSYS_SWEEP + 1)
			assert_true(loop_masked(f->t, REMOTE_PORT(0)));
	}
	/* What was notified meanwhile comes once, after the unmasking. */
	settle(f);
	assert_in_range(f->t->delivered - delivered, 1, 2);
	assert_false(loop_masked(f->t, REMOTE_PORT(0)));

	/* A storm without any work costs a round for each that is let through. */
	delivered = f->t->delivered;
	for (i = 0; i < 10000; i++)
		loop_notify(f->t, REMOTE_PORT(0));
	assert_int_equal(f->t->delivered - delivered, 1);
	for (i = 0; i < 10; i++)
		step_ms(f, 1);
	assert_in_range(f->t->delivered - delivered, 1, 2);
	assert_int_equal(call(f, rq(VSYS_OP_NOP, 0))->status, 0);
}

/* A guest that never stops does not keep another one's queue from its turn. */
static void turns(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 8, .queues = 2 };
	struct vsys_request r = rq(VSYS_OP_NOP, 0);
	struct fixture *f = *state;
	unsigned int i;
	uint16_t id;

	connect_device(f, &s);
	for (i = 0; i < 512; i++) {
		r.id = i;
		push_raw(f, 0, &r);
	}
	kick(f, 0);
	while (!f->nr_responses)
		step(f);
	memset(f->answered, 0, sizeof(f->answered));
	f->next_id = 1;
	id = submit_on(f, 1, rq(VSYS_OP_NOP, 0));
	for (i = 0; i < 4 && !f->answered[1][id]; i++)
		step(f);
	assert_true(f->answered[1][id]);
	assert_true(f->nr_responses < 513);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(nop), T(early_request), T(full_ring), T(notifies_on_demand), T(producer_overflow), T(producer_back),
		T(response_bytes), T(copied_once), T(malformed), T(sum_of_lengths), T(ids), T(ids_of_queues),
		T(answers), T(nothing_to_do), T(event_storm), T(turns),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
