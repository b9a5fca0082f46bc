// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-block.c - block nodes, with a file in the place of a device.
 *
 * What only a real device does (discard) is in the lab's scenarios.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"

#define SIZE	(4u << 20)

static char buf[1 << 20], want[1 << 20];

static void reads_and_writes(void **state)
{
	struct fixture *f = *state;
	uint32_t h, i;
	int fd;

	connect_blk(f);
	fd = temp_file(SIZE);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR | VSYS_O_DIRECT);
	for (i = 0; i < 64; i++) {
		uint32_t at = rand() % (SIZE / 512) * 512, len = (1 + rand() % 2048) * 512;
		int64_t n = do_read(f, h, at, buf, len, VSYS_O_DIRECT);

		assert_int_equal(n, at + len <= SIZE ? len : SIZE - at);
		assert_int_equal(pread(fd, want, n, at), n);
		assert_memory_equal(buf, want, n);
	}
	memset(buf, 0x77, sizeof(buf));
	assert_int_equal(do_write(f, h, 8192, buf, 1 << 20, VSYS_O_DIRECT), 1 << 20);
	assert_int_equal(pread(fd, want, 1 << 20, 8192), 1 << 20);
	assert_memory_equal(buf, want, 1 << 20);
	ask_counters(f);
	assert_int_equal(f->counters.copies, 0);
	assert_int_equal(f->counters.bytes_written, 1 << 20);
	close(fd);
}

static void many_in_flight(void **state)
{
	static const struct setup s = { .ring_order = 2, .pool_pages = 512, .queues = 4,
					.block = true };
	struct fixture *f = *state;
	uint16_t id[4][64];
	unsigned int q, i;
	uint32_t h;
	int fd;

	connect_device(f, &s);
	fd = temp_file(SIZE);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR | VSYS_O_DIRECT);
	for (q = 0; q < 4; q++)
		for (i = 0; i < 64; i++)
			id[q][i] = submit_on(f, q, rq_rw(VSYS_OP_READ, h, (q * 64 + i) * 4096,
							 i * 4096, 4096, 0));
	for (q = 0; q < 4; q++) {
		for (i = 0; i < 64; i++) {
			assert_int_equal(wait_for_on(f, q, id[q][i])->value, 4096);
			pool_get(f, q, i * 4096, buf, 4096);
			pread(fd, want, 4096, (q * 64 + i) * 4096);
			assert_memory_equal(buf, want, 4096);
		}
	}
	close(fd);
}

/* More in one round than the submission queue takes. */
static void more_than_the_queue(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 64, .queues = 8,
					.block = true };
	struct fixture *f = *state;
	unsigned int q, i, k;
	struct vsys_request r;
	char c;
	uint32_t h;
	int fd;

	connect_device(f, &s);
	fd = temp_file(SIZE);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	for (k = 0; k < 5; k++) {
		memset(f->answered, 0, sizeof(f->answered));
		f->nr_responses = 0;
		for (q = 0; q < 8; q++) {
			for (i = 0; i < 512; i++) {
				r = rq_rw(VSYS_OP_READ, h, q * 512 + i, i, 1, 0);
				r.id = i;
				push_raw(f, q, &r);
			}
			kick(f, q);
		}
		while (f->nr_responses < 8 * 512)
			step(f);
		for (q = 0; q < 8; q++) {
			for (i = 0; i < 512; i++) {
				assert_int_equal(f->rsp[q][i].value, 1);
				pool_get(f, q, i, &c, 1);
				assert_int_equal(pread(fd, want, 1, q * 512 + i), 1);
				assert_int_equal(c, want[0]);
			}
		}
	}
	close(fd);
}

static void flush(void **state)
{
	struct fixture *f = *state;
	struct vsys_request r;

	connect_blk(f);
	r = rq(VSYS_OP_FSYNC, do_open_fd(f, temp_file(4096), VSYS_O_RDWR));
	assert_int_equal(call(f, r)->status, 0);
	r.flags = VSYS_FSYNC_DATA;
	assert_int_equal(call(f, r)->status, 0);
}

static void ranges(void **state)
{
	struct fixture *f = *state;
	struct vsys_request r;
	uint32_t h, ro;
	int fd;

	connect_blk(f);
	fd = temp_file(SIZE);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	ro = do_open_fd(f, dup(fd), VSYS_O_RDONLY);

	r = rq(VSYS_OP_WRITE_ZEROES, h);
	r.offset = 8192;
	r.u.range.length = 4096;
	assert_int_equal(call(f, r)->status, 0);
	assert_int_equal(pread(fd, buf, 3 * 4096, 4096), 3 * 4096);
	memset(want, 0, 4096);
	assert_memory_equal(buf + 4096, want, 4096);
	assert_memory_not_equal(buf, want, 4096);
	assert_memory_not_equal(buf + 8192, want, 4096);
	r.u.range.length = 0;
	assert_int_equal(call(f, r)->status, 0);
	r.u.range.length = UINT64_MAX;
	assert_int_equal(call(f, r)->status, -VSYS_EINVAL);
	r.offset = UINT64_MAX - 4095;
	r.u.range.length = 8192;
	assert_int_equal(call(f, r)->status, -VSYS_EINVAL);
	r.handle = ro;
	r.offset = 0;
	assert_int_equal(call(f, r)->status, -VSYS_EBADF);

	/* A file knows no BLKDISCARD: the native error comes through. */
	r = rq(VSYS_OP_DISCARD, h);
	r.u.range.length = 4096;
	assert_int_equal(call(f, r)->status, -VSYS_ENOTTY);
	close(fd);
}

static void no_discard(void **state)
{
	static const struct setup s = { .pool_pages = 8, .queues = 1, .block = true };
	struct fixture *f = *state;
	struct vsys_request r;

	connect_device(f, &s);
	r = rq(VSYS_OP_DISCARD, do_open_fd(f, temp_file(4096), VSYS_O_RDWR));
	r.u.range.length = 4096;
	assert_int_equal(call(f, r)->status, -VSYS_EOPNOTSUPP);
}

static void disconnect_under_load(void **state)
{
	static const struct setup s = { .ring_order = 2, .pool_pages = 512, .queues = 2,
					.block = true };
	struct fixture *f = *state;
	unsigned int i, round;
	uint32_t h;

	for (round = 0; round < 10; round++) {
		connect_device(f, &s);
		h = do_open_fd(f, temp_file(SIZE), VSYS_O_RDWR);
		for (i = 0; i < 60; i++) {
			submit_on(f, 0, rq_rw(VSYS_OP_READ, h, i * 65536, i * 32768, 32768, 0));
			submit_on(f, 1, rq_rw(VSYS_OP_WRITE, h, i * 65536, i * 32768, 32768, 0));
		}
		if (round % 2)
			step_ms(f, 0);
		disconnect_device(f);
	}
}

/*
 * Depth 1 costs three system calls: two rounds and a notification, which here
 * is none.  A round that only wakes up to go back to sleep would be a third.
 */
static void rounds_per_request(void **state)
{
	struct fixture *f = *state;
	unsigned int i, rounds = 0;
	uint16_t id;
	uint32_t h;
	int fd;

	connect_blk(f);
	fd = temp_file(SIZE);
	h = do_open_fd(f, fd, VSYS_O_RDWR);
	settle(f);
	for (i = 0; i < 200; i++) {
		id = submit(f, rq_rw(VSYS_OP_READ, h, i * 4096, 0, 4096, 0));
		while (!answered(f, id)) {
			step_ms(f, 1000);
			rounds++;
		}
		assert_int_equal(f->rsp[0][id].value, 4096);
	}
	ask_counters(f);
	assert_in_range(rounds, 200, 2 * 200);
	assert_true(f->counters.events_out <= f->counters.responses);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(reads_and_writes), T(many_in_flight), T(more_than_the_queue), T(flush), T(ranges), T(no_discard),
		T(disconnect_under_load), T(rounds_per_request),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
