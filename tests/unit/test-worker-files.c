// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-files.c - operations on native files that every system has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"
#include "xen-backend/worker/wire-errno.h"

static char buf[1 << 20];

static uint64_t abilities(struct fixture *f, const char *path, uint32_t oflags)
{
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);
	struct vsys_response *rsp;

	f->path = path;
	r.flags = oflags;
	rsp = call(f, r);
	assert_int_equal(rsp->status, 0);
	return rsp->pos;
}

static void what_a_file_can_do(void **state)
{
	const uint64_t all = VSYS_FILE_LSEEK | VSYS_FILE_PREAD | VSYS_FILE_PWRITE;
	struct fixture *f = *state;
	int p[2];

	connect_chr(f);
	assert_int_equal(abilities(f, "/dev/zero", VSYS_O_RDWR), all);
	assert_int_equal(abilities(f, "/dev/zero", VSYS_O_RDONLY), all);
	assert_int_equal(abilities(f, "/dev/null", VSYS_O_WRONLY), all);
	assert_int_equal(abilities(f, "/dev/ptmx", VSYS_O_RDWR), 0);

	assert_int_equal(pipe(p), 0);
	do_open_fd(f, p[0], VSYS_O_RDONLY);
	assert_int_equal(f->rsp[0][f->next_id - 1].pos, 0);
	close(p[1]);
}

static void access_modes(void **state)
{
	static const struct setup ro = { .pool_pages = 8, .queues = 1, .read_only = true };
	static const struct setup wo = { .pool_pages = 8, .queues = 1, .write_only = true };
	struct fixture *f = *state;
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);

	connect_device(f, &ro);
	do_open(f, "/dev/null", VSYS_O_RDONLY);
	r.flags = VSYS_O_WRONLY;
	assert_int_equal(call(f, r)->status, -VSYS_EACCES);
	r.flags = VSYS_O_RDWR;
	assert_int_equal(call(f, r)->status, -VSYS_EACCES);
	r.flags = VSYS_O_ACCMODE;
	assert_int_equal(call(f, r)->status, -VSYS_EACCES);
	assert_int_equal(f->opens, 1);	/* the supervisor was not asked */
	disconnect_device(f);

	connect_device(f, &wo);
	do_open(f, "/dev/null", VSYS_O_WRONLY);
	r.flags = VSYS_O_RDONLY;
	assert_int_equal(call(f, r)->status, -VSYS_EACCES);
	r.flags = VSYS_O_RDWR;
	assert_int_equal(call(f, r)->status, -VSYS_EACCES);
}

static void errors_of_open(void **state)
{
	struct fixture *f = *state;

	connect_chr(f);
	f->path = "/dev/vsys-no-such-node";
	assert_int_equal(call(f, rq(VSYS_OP_OPEN, 0))->status, -VSYS_ENOENT);
	f->path = "/dev/null/x";
	assert_int_equal(call(f, rq(VSYS_OP_OPEN, 0))->status, -VSYS_ENOTDIR);
	assert_int_equal(do_open(f, "/dev/null", VSYS_O_RDONLY), 1);
}

static void handles(void **state)
{
	struct fixture *f = *state;
	uint32_t a, b, c;

	connect_chr(f);
	a = do_open(f, "/dev/zero", VSYS_O_RDWR);
	b = do_open(f, "/dev/null", VSYS_O_RDWR);
	assert_int_not_equal(a, b);
	assert_int_equal(do_read(f, a, 0, buf, 10, 0), 10);
	assert_int_equal(do_read(f, b, 0, buf, 10, 0), 0);
	assert_int_equal(do_release(f, a), 0);
	UNTIL(f, f->closeds == 1);
	/* A stale handle; and the second close of the same file. */
	assert_int_equal(do_read(f, a, 0, buf, 10, 0), -VSYS_EBADF);
	assert_int_equal(do_release(f, a), -VSYS_EBADF);
	c = do_open(f, "/dev/full", VSYS_O_RDWR);
	assert_int_equal(c, a);
	assert_int_equal(do_write(f, c, 0, "x", 1, 0), -VSYS_ENOSPC);
	ask_counters(f);
	assert_int_equal(f->counters.handles, 2);
}

/* Rule 12. */
static void too_many_files(void **state)
{
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);
	struct fixture *f = *state;
	uint32_t i, h = 0;

	connect_chr(f);
	for (i = 0; i < VSYS_MAX_HANDLES; i++) {
		f->path = "/dev/null";
		if (call(f, r)->status == -VSYS_EMFILE)
			break;
		h++;
	}
	if (i < VSYS_MAX_HANDLES) {
		/* Our own limit of descriptors came first. */
		print_message("# only %u files can be open here\n", h);
		assert_true(h > 100);
	} else {
		assert_int_equal(call(f, r)->status, -VSYS_EMFILE);
	}
	assert_int_equal(do_release(f, h / 2), 0);
	assert_int_equal(do_open(f, "/dev/null", VSYS_O_RDWR), h / 2);
}

/* Those that are still being opened count. */
static void too_many_opens(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 8, .queues = 8 };
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);
	unsigned int q, i, refused = 0, n;
	struct fixture *f = *state;

	connect_device(f, &s);
	n = 8 * RING_SIZE(&f->ring[0]);
	assert_int_equal(n, VSYS_MAX_HANDLES);
	f->open_hold = true;
	for (q = 0; q < 8; q++) {
		for (i = 0; i < n / 8; i++) {
			r.id = i;
			push_raw(f, q, &r);
		}
		kick(f, q);
	}
	while (f->opens < n)
		step(f);
	answer_open(f, &f->last_open, -EBUSY);
	while (f->nr_responses < 1)
		step(f);
	for (q = 0; q < 8; q++)
		for (i = 0; i < n / 8; i++)
			refused += f->answered[q][i];
	assert_int_equal(refused, 1);
	disconnect_device(f);
	assert_int_equal(f->open_cancels, n - 1);
}

static int64_t native_pos_after_read(const char *path, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t pos;

	assert_int_equal(read(fd, buf, len), len);
	pos = lseek(fd, 0, SEEK_CUR);
	close(fd);
	return pos;
}

static void zero_null_full(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	uint32_t z, n, u;
	size_t i;

	connect_chr(f);
	z = do_open(f, "/dev/zero", VSYS_O_RDWR);
	n = do_open(f, "/dev/null", VSYS_O_RDWR);
	u = do_open(f, "/dev/urandom", VSYS_O_RDONLY);
	assert_int_equal(do_read(f, z, 0, buf, 100000, 0), 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(do_read(f, n, 0, buf, 100, 0), 0);
	assert_int_equal(do_write(f, n, 0, buf, 100, 0), 100);
	assert_int_equal(do_read(f, u, 0, buf, 64, 0), 64);
	/* Opened for reading only. */
	assert_int_equal(do_write(f, u, 0, buf, 64, 0), -VSYS_EBADF);

	rsp = call(f, rq_rw(VSYS_OP_READ, z, 0, 0, 10, VSYS_RW_CURPOS));
	assert_int_equal(rsp->value, 10);
	assert_int_equal(rsp->pos, native_pos_after_read("/dev/zero", 10));
	/* A device that does. */
	rsp = call(f, rq_rw(VSYS_OP_READ, u, 0, 0, 10, VSYS_RW_CURPOS));
	assert_int_equal(rsp->value, 10);
	assert_int_equal(rsp->pos, native_pos_after_read("/dev/urandom", 10));
}

/* Positions: what read() and pread() do natively. */
static void positions(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	struct vsys_request r;
	char want[64];
	uint32_t h;
	int fd;

	connect_chr(f);
	fd = temp_file(64 << 10);
	assert_int_equal(pread(fd, want, 64, 1000), 64);
	h = do_open_fd(f, fd, VSYS_O_RDWR);

	assert_int_equal(do_read(f, h, 1000, buf, 64, 0), 64);
	assert_memory_equal(buf, want, 64);
	/* pread() did not move it. */
	r = rq(VSYS_OP_LSEEK, h);
	r.length = VSYS_SEEK_CUR;
	assert_int_equal(call(f, r)->value, 0);

	rsp = call(f, rq_rw(VSYS_OP_READ, h, 1000, 0, 64, VSYS_RW_CURPOS));
	assert_int_equal(rsp->value, 64);
	assert_int_equal(rsp->pos, 1064);
	pool_get(f, 0, 0, buf, 64);
	assert_memory_equal(buf, want, 64);
	r.u.lseek.pos = 1064;
	assert_int_equal(call(f, r)->value, 1064);
	/* The guest's idea of the position counts. */
	r.u.lseek.pos = 5;
	r.offset = 10;
	assert_int_equal(call(f, r)->value, 15);
	r.u.lseek.pos = 0;
	r.offset = (uint64_t)-1;
	assert_int_equal(call(f, r)->status, -VSYS_EINVAL);
	r.length = VSYS_SEEK_SET;
	assert_int_equal(call(f, r)->status, -VSYS_EINVAL);
	r.offset = 77;
	assert_int_equal(call(f, r)->value, 77);
	r.length = VSYS_SEEK_END;
	r.offset = (uint64_t)-7;
	assert_int_equal(call(f, r)->value, (64 << 10) - 7);
	r.length = 5;
	assert_int_equal(call(f, r)->status, -VSYS_EINVAL);
	r.length = ~0u;
	assert_int_equal(call(f, r)->status, -VSYS_EINVAL);

	/* At the end there is less, and then nothing. */
	rsp = call(f, rq_rw(VSYS_OP_READ, h, (64 << 10) - 7, 0, 64, VSYS_RW_CURPOS));
	assert_int_equal(rsp->value, 7);
	assert_int_equal(rsp->pos, 64 << 10);
	rsp = call(f, rq_rw(VSYS_OP_READ, h, 64 << 10, 0, 64, VSYS_RW_CURPOS));
	assert_int_equal(rsp->status, 0);
	assert_int_equal(rsp->value, 0);

	/* Offsets that are none; for io_uring -1 would be the position. */
	assert_int_equal(do_read(f, h, UINT64_MAX, buf, 64, 0), -VSYS_EINVAL);
	assert_int_equal(do_read(f, h, 1ull << 63, buf, 64, 0), -VSYS_EINVAL);
	assert_int_equal(do_write(f, h, UINT64_MAX, buf, 64, 0), -VSYS_EINVAL);

	assert_int_equal(do_write(f, h, 500, "hello", 5, VSYS_RW_CURPOS), 5);
	assert_int_equal(do_read(f, h, 500, buf, 5, 0), 5);
	assert_memory_equal(buf, "hello", 5);
}

static void many_positions_at_once(void **state)
{
	struct fixture *f = *state;
	uint16_t id[16];
	char want[16];
	uint32_t h;
	int fd, i;

	connect_chr(f);
	fd = temp_file(64 << 10);
	h = do_open_fd(f, dup(fd), VSYS_O_RDONLY);
	for (i = 0; i < 16; i++)
		id[i] = submit(f, rq_rw(VSYS_OP_READ, h, 4096 * (15 - i), 64 * i, 16,
					VSYS_RW_CURPOS));
	for (i = 0; i < 16; i++) {
		assert_int_equal(wait_for(f, id[i])->value, 16);
		assert_int_equal(f->rsp[0][id[i]].pos, 4096 * (15 - i) + 16);
		assert_int_equal(pread(fd, want, 16, 4096 * (15 - i)), 16);
		pool_get(f, 0, 64 * i, buf, 16);
		assert_memory_equal(buf, want, 16);
	}
	close(fd);
}

static void segments(void **state)
{
	struct vsys_segment array[VSYS_MAX_SEGMENTS];
	struct fixture *f = *state;
	struct vsys_request r;
	uint32_t h, i, at;
	int fd;

	connect_chr(f);
	fd = temp_file(1 << 20);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);

	/* Five pieces, apart, in any order. */
	r = rq_rw(VSYS_OP_READ, h, 100, 0, 0, 0);
	r.nr_segments = 5;
	for (i = 0, at = 0; i < 5; i++) {
		r.u.segment[i].offset = 20000 - 4000 * i;
		r.u.segment[i].length = 10 + i;
		at += 10 + i;
	}
	r.length = at;
	assert_int_equal(call(f, r)->value, at);
	for (i = 0, at = 0; i < 5; i++) {
		pool_get(f, 0, 20000 - 4000 * i, buf + at, 10 + i);
		at += 10 + i;
	}
	assert_int_equal(pread(fd, buf + 1000, at, 100), at);
	assert_memory_equal(buf, buf + 1000, at);

	/* As many as there can be, some of them neighbours. */
	for (i = 0, at = 0; i < VSYS_MAX_SEGMENTS; i++) {
		array[i].offset = 8192 + i * 512 + (i % 3 == 2 ? 7 : 0);
		array[i].length = i % 3 ? 505 : 512;
		at += array[i].length;
	}
	pool_put(f, 0, 0, array, sizeof(array));
	r = rq_rw(VSYS_OP_WRITE, h, 4096, 0, sizeof(array), VSYS_RQ_INDIRECT);
	r.length = at;
	for (i = 0; i < VSYS_MAX_SEGMENTS; i++)
		pool_fill(f, 0, array[i].offset, i, array[i].length);
	assert_int_equal(call(f, r)->value, at);
	assert_int_equal(pread(fd, buf, at, 4096), at);
	for (i = 0, at = 0; i < VSYS_MAX_SEGMENTS; at += array[i++].length)
		assert_int_equal((unsigned char)buf[at], i & 0xff);
	close(fd);
}

/* A driver with the old read() gets one call for one call, pieces or not. */
static void pieces_are_one_call(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	struct vsys_request r;
	char want[64];
	uint32_t h;
	int fd, i;

	connect_chr(f);
	/* The only such file that everybody may read: no iterator in procfs. */
	fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip();
	assert_int_equal(pread(fd, want, 48, 16), 48);
	h = do_open_fd(f, fd, VSYS_O_RDONLY);
	for (i = 0; i < 3; i++) {
		r = rq_rw(VSYS_OP_READ, h, 16, 0, 16, VSYS_RW_CURPOS);
		r.nr_segments = 3;
		r.u.segment[1].offset = 8192;
		r.u.segment[1].length = 16;
		r.u.segment[2].offset = 4096;
		r.u.segment[2].length = 16;
		r.length = 48;
		rsp = call(f, r);
		assert_int_equal(rsp->status, 0);
		assert_int_equal(rsp->value, 48);
		assert_int_equal(rsp->pos, 64);
		pool_get(f, 0, 0, buf, 16);
		pool_get(f, 0, 8192, buf + 16, 16);
		pool_get(f, 0, 4096, buf + 32, 16);
		assert_memory_equal(buf, want, 48);
	}
	ask_counters(f);
	assert_true(f->counters.copies == 3 || f->counters.copies == 0);
	if (f->counters.copies == 0)
		print_message("# this kernel's auxv is read by pieces natively\n");

	/* Cut in two, no event fits: readv() of the pieces gives EINVAL. */
	fd = inotify_init1(IN_CLOEXEC);
	assert_true(inotify_add_watch(fd, "/dev/null", IN_OPEN) >= 0);
	h = do_open_fd(f, fd, VSYS_O_RDONLY);
	for (i = 0; i < 3; i++) {
		close(open("/dev/null", O_RDONLY | O_CLOEXEC));
		r = rq_rw(VSYS_OP_READ, h, 0, 0, 8, VSYS_RW_CURPOS);
		r.nr_segments = 2;
		r.u.segment[1].offset = 8192;
		r.u.segment[1].length = 8;
		r.length = 16;
		rsp = call(f, r);
		assert_int_equal(rsp->status, 0);
		assert_int_equal(rsp->value, 16);
	}
	ask_counters(f);

	/* /dev/zero takes all of it at once: no copy. */
	h = do_open(f, "/dev/zero", VSYS_O_RDONLY);
	i = f->counters.copies;
	r.handle = h;
	assert_int_equal(call(f, r)->value, 16);
	assert_int_equal(call(f, r)->value, 16);
	ask_counters(f);
	assert_int_equal(f->counters.copies, i);
}

static void append_and_sync(void **state)
{
	struct fixture *f = *state;
	struct vsys_request r;
	int fd, native;
	uint32_t h;

	connect_chr(f);
	fd = temp_file(4096);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	/* The flag of this moment counts, as after F_SETFL. */
	assert_int_equal(do_write(f, h, 0, "abc", 3, VSYS_O_APPEND | VSYS_RW_CURPOS), 3);
	assert_int_equal(f->rsp[0][f->next_id - 1].pos, 4099);
	assert_true(fcntl(fd, F_GETFL) & O_APPEND);
	assert_int_equal(do_write(f, h, 0, "abc", 3, 0), 3);
	assert_false(fcntl(fd, F_GETFL) & O_APPEND);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4099);
	assert_int_equal(do_write(f, h, 0, "def", 3, VSYS_RW_APPEND), 3);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4102);
	assert_int_equal(do_write(f, h, 0, "def", 3, VSYS_RW_DSYNC | VSYS_RW_HIPRI), 3);
	assert_int_equal(do_write(f, h, 0, "def", 3, VSYS_RW_SYNC), 3);
	r = rq(VSYS_OP_FSYNC, h);
	assert_int_equal(call(f, r)->status, 0);
	r.flags = VSYS_FSYNC_DATA;
	assert_int_equal(call(f, r)->status, 0);
	close(fd);

	/* No fsync() in the driver. */
	h = do_open(f, "/dev/null", VSYS_O_RDWR);
	r.handle = h;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	native = fsync(fd) ? -errno : 0;
	close(fd);
	assert_int_equal(call(f, r)->status, native);
}

static void not_for_characters(void **state)
{
	struct fixture *f = *state;
	struct vsys_request r;

	connect_chr(f);
	r = rq(VSYS_OP_DISCARD, do_open(f, "/dev/null", VSYS_O_RDWR));
	r.u.range.length = 4096;
	assert_int_equal(call(f, r)->status, -VSYS_EOPNOTSUPP);
	r.op = VSYS_OP_WRITE_ZEROES;
	assert_int_equal(call(f, r)->status, -VSYS_EOPNOTSUPP);
}

static void errno_numbers(void **state)
{
	(void)state;
	assert_int_equal(vsys_status_of(0), 0);
	assert_int_equal(vsys_status_of(-EPIPE), -32);
	assert_int_equal(vsys_status_of(-EWOULDBLOCK), -VSYS_EAGAIN);
	assert_int_equal(vsys_status_of(-525), -VSYS_EIO);		/* not in the table */
	assert_int_equal(vsys_status_of(-512), -VSYS_EINTR);		/* ERESTARTSYS */
	assert_int_equal(vsys_status_of(-516), -VSYS_EINTR);
	assert_int_equal(vsys_status_of(-524), -VSYS_EOPNOTSUPP);	/* ENOTSUPP */
	assert_int_equal(vsys_status_of(-100000), -VSYS_EIO);
	assert_int_equal(vsys_status_of(5), -VSYS_EIO);
	assert_int_equal(vsys_native_of(-VSYS_ENOMEDIUM), -ENOMEDIUM);
	assert_int_equal(vsys_native_of(-4000), -EIO);
	assert_int_equal(vsys_native_of(0), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(what_a_file_can_do), T(access_modes), T(errors_of_open), T(handles),
		T(too_many_files), T(too_many_opens), T(zero_null_full), T(positions),
		T(many_positions_at_once), T(segments), T(pieces_are_one_call),
		T(append_and_sync), T(not_for_characters), cmocka_unit_test(errno_numbers),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
