// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-blocking.c - calls that wait: they hold up nobody, can be
 * interrupted, and return what they return natively.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"

#define THREADS	100

static char buf[1 << 18];

static void reads_wait_alone(void **state)
{
	struct fixture *f = *state;
	uint32_t a, b, z;
	uint16_t ra, rb;
	int pa[2], pb[2];

	connect_chr(f);
	assert_int_equal(pipe(pa), 0);
	assert_int_equal(pipe(pb), 0);
	a = do_open_fd(f, pa[0], VSYS_O_RDONLY);
	b = do_open_fd(f, pb[0], VSYS_O_RDONLY);
	z = do_open(f, "/dev/zero", VSYS_O_RDONLY);
	ra = submit(f, rq_rw(VSYS_OP_READ, a, 0, 4096, 100, 0));
	rb = submit(f, rq_rw(VSYS_OP_READ, b, 0, 8192, 100, 0));
	assert_int_equal(do_read(f, z, 0, buf, 100, 0), 100);
	settle(f);
	assert_false(answered(f, ra));
	assert_false(answered(f, rb));

	/* The second first; and a read() returns what there is. */
	assert_int_equal(write(pb[1], "bbb", 3), 3);
	assert_int_equal(wait_for(f, rb)->value, 3);
	assert_false(answered(f, ra));
	assert_int_equal(write(pa[1], "aaaa", 4), 4);
	assert_int_equal(wait_for(f, ra)->value, 4);
	pool_get(f, 0, 4096, buf, 4);
	assert_memory_equal(buf, "aaaa", 4);
	/* End of file is no error. */
	close(pa[1]);
	assert_int_equal(do_read(f, a, 0, buf, 10, 0), 0);
	close(pb[1]);
}

static void cancel_read(void **state)
{
	struct fixture *f = *state;
	int p[2], i;
	uint32_t h;
	uint16_t id;

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < 200; i++) {
		id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 100, 0));
		if (i % 3)
			step_ms(f, 1);
		if (i % 3 == 2)
			settle(f);
		assert_int_equal(do_cancel(f, id)->value, 1);
		assert_int_equal(wait_for(f, id)->status, -VSYS_EINTR);
		assert_int_equal(f->rsp[0][id].value, 0);
	}
	/* No data was lost, and a late signal hits nobody. */
	for (i = 0; i < 20; i++) {
		assert_int_equal(write(p[1], "data", 4), 4);
		assert_int_equal(do_read(f, h, 0, buf, 100, 0), 4);
	}
	close(p[1]);
}

static void cancel_nothing(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	uint16_t id;

	connect_chr(f);
	id = submit(f, rq(VSYS_OP_NOP, 0));
	wait_for(f, id);
	rsp = do_cancel(f, id);		/* it had ended */
	assert_int_equal(rsp->status, 0);
	assert_int_equal(rsp->value, 0);
	rsp = do_cancel(f, f->next_id % 32);	/* itself */
	assert_int_equal(rsp->status, 0);
	assert_int_equal(rsp->value, 0);
}

/* The same where io_uring makes the call: it does for what is called a block node. */
static void cancel_uring(void **state)
{
	struct fixture *f = *state;
	uint16_t id, other;
	int p[2], i;
	uint32_t h;

	connect_blk(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < 50; i++) {
		id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 100, 0));
		other = submit(f, rq_rw(VSYS_OP_READ, h, 0, 4096, 100, 0));
		if (i % 2)
			settle(f);
		assert_int_equal(do_cancel(f, id)->value, 1);
		assert_int_equal(wait_for(f, id)->status, -VSYS_EINTR);
		settle(f);
		assert_false(answered(f, other));
		assert_int_equal(write(p[1], "data", 4), 4);
		assert_int_equal(wait_for(f, other)->value, 4);
	}
	submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 100, 0));
	settle(f);
	disconnect_device(f);
	assert_int_equal(write(p[1], "x", 1), -1);
	close(p[1]);
}

/* In the same sweep, before the native call was even made. */
static void cancel_at_once(void **state)
{
	struct vsys_request r, c = rq(VSYS_OP_CANCEL, 0);
	struct fixture *f = *state;
	uint32_t h;
	int p[2], i;

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < 50; i++) {
		memset(f->answered, 0, sizeof(f->answered));
		r = rq_rw(VSYS_OP_READ, h, 0, 0, 100, 0);
		r.id = 5;
		c.id = 6;
		c.u.cancel.id = 5;
		push_raw(f, 0, &r);
		push_raw(f, 0, &c);
		kick(f, 0);
		assert_int_equal(wait_for(f, 6)->value, 1);
		assert_int_equal(wait_for(f, 5)->status, -VSYS_EINTR);
	}
	close(p[1]);
}

/* A write that was interrupted half way has written half. */
static void cancel_write(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	ssize_t n, got = 0;
	int p[2], in_pipe;
	uint32_t h;
	uint16_t id;

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	fcntl(p[1], F_SETPIPE_SZ, 65536);
	h = do_open_fd(f, p[1], VSYS_O_WRONLY);
	pool_fill(f, 0, 0, 'w', 200000);
	id = submit(f, rq_rw(VSYS_OP_WRITE, h, 0, 0, 200000, 0));
	UNTIL(f, ioctl(p[0], FIONREAD, &in_pipe) == 0 && in_pipe == 65536);
	assert_false(answered(f, id));
	assert_int_equal(do_cancel(f, id)->value, 1);
	rsp = wait_for(f, id);
	assert_int_equal(rsp->status, 0);
	assert_in_range(rsp->value, 1, 199999);
	assert_int_equal(do_release(f, h), 0);
	while ((n = read(p[0], buf, sizeof(buf))) > 0)
		got += n;
	assert_int_equal(got, rsp->value);
	close(p[0]);
}

static void broken_pipe(void **state)
{
	struct fixture *f = *state;
	uint32_t h;
	int p[2];

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	h = do_open_fd(f, p[1], VSYS_O_WRONLY);
	assert_int_equal(do_write(f, h, 0, "x", 1, 0), -VSYS_EPIPE);
}

static void nonblocking(void **state)
{
	struct fixture *f = *state;
	uint32_t h, w;
	uint16_t id;
	int p[2];

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, dup(p[0]), VSYS_O_RDONLY);
	w = do_open_fd(f, dup(p[1]), VSYS_O_WRONLY);
	assert_int_equal(do_read(f, h, 0, buf, 10, VSYS_O_NONBLOCK), -VSYS_EAGAIN);
	assert_true(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(write(p[1], "abc", 3), 3);
	assert_int_equal(do_read(f, h, 0, buf, 10, VSYS_O_NONBLOCK), 3);
	assert_int_equal(do_read(f, h, 0, buf, 10, VSYS_O_NONBLOCK), -VSYS_EAGAIN);

	/* The program cleared the flag: now it waits. */
	id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 10, 0));
	settle(f);
	assert_false(answered(f, id));
	assert_int_equal(write(p[1], "abc", 3), 3);
	assert_int_equal(wait_for(f, id)->value, 3);

	pool_fill(f, 0, 0, 'w', 200000);
	assert_in_range(do_write(f, w, 0, buf, 200000, VSYS_O_NONBLOCK), 4096, 199999);
	assert_int_equal(do_write(f, w, 0, buf, 200000, VSYS_O_NONBLOCK), -VSYS_EAGAIN);
	close(p[0]);
	close(p[1]);
}

/* A terminal's read() depends on VMIN and VTIME, which poll() does not. */
static void terminal(void **state)
{
	struct fixture *f = *state;
	struct termios t;
	int master, slave;
	int64_t before;
	uint16_t id;
	uint32_t h;

	connect_chr(f);
	open_pty(&master, &slave);
	h = do_open_fd(f, dup(slave), VSYS_O_RDWR);
	assert_int_equal(write(master, "line", 4), 4);
	assert_int_equal(do_read(f, h, 0, buf, 100, 0), 4);
	assert_int_equal(do_write(f, h, 0, "answer", 6, 0), 6);
	assert_int_equal(read(master, buf, 100), 6);

	tcgetattr(slave, &t);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	assert_int_equal(do_read(f, h, 0, buf, 100, 0), 0);	/* at once */

	t.c_cc[VTIME] = 2;
	tcsetattr(slave, TCSANOW, &t);
	before = worker_now();
	assert_int_equal(do_read(f, h, 0, buf, 100, 0), 0);
	assert_in_range(worker_now() - before, 150, 2000);

	t.c_cc[VMIN] = 5;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 100, 0));
	assert_int_equal(write(master, "abc", 3), 3);
	settle(f);
	assert_false(answered(f, id));
	assert_int_equal(write(master, "de", 2), 2);
	assert_int_equal(wait_for(f, id)->value, 5);

	/* The line hangs up. */
	id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 100, 0));
	settle(f);
	close(slave);
	close(master);
	wait_for(f, id);
	assert_int_equal(do_write(f, h, 0, "x", 1, 0), -VSYS_EIO);
}

static void release_interrupts(void **state)
{
	struct fixture *f = *state;
	uint16_t r1, r2, c;
	uint32_t h;
	int p[2];

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	r1 = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 10, 0));
	r2 = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 10, 0));
	settle(f);
	c = submit(f, rq(VSYS_OP_RELEASE, h));
	/* From here on it is closed, for everybody. */
	assert_int_equal(call(f, rq(VSYS_OP_RELEASE, h))->status, -VSYS_EBADF);
	assert_int_equal(wait_for(f, c)->status, 0);
	assert_true(answered(f, r1));
	assert_true(answered(f, r2));
	assert_int_equal(f->rsp[0][r1].status, -VSYS_EINTR);
	/* The file is really closed when the response is there. */
	assert_int_equal(write(p[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(p[1]);
}

/* A close() that takes long (a line drains) holds up only its own response. */
static void slow_close(void **state)
{
	struct fixture *f = *state;
	int master, slave;
	uint16_t c;
	uint32_t h, z;

	connect_chr(f);
	open_pty(&master, &slave);
	z = do_open(f, "/dev/zero", VSYS_O_RDONLY);
	h = do_open_fd(f, slave, VSYS_O_RDWR);
	c = submit(f, rq(VSYS_OP_RELEASE, h));
	assert_int_equal(do_read(f, z, 0, buf, 10, 0), 10);
	assert_int_equal(wait_for(f, c)->status, 0);
	assert_int_equal(do_open(f, "/dev/null", VSYS_O_RDONLY), h);
	close(master);
}

static void cancel_open(void **state)
{
	struct fixture *f = *state;
	int p[2], fds;
	uint16_t id;

	connect_chr(f);
	f->open_hold = true;
	id = submit(f, rq(VSYS_OP_OPEN, 0));
	settle(f);
	assert_int_equal(do_cancel(f, id)->value, 1);
	assert_int_equal(wait_for(f, id)->status, -VSYS_EINTR);
	UNTIL(f, f->open_cancels == 1);

	/* It was opened nevertheless: nobody has it. */
	assert_int_equal(pipe(p), 0);
	fds = count_fds();
	answer_open(f, &f->last_open, p[0]);
	settle(f);		/* it has arrived */
	UNTIL(f, count_fds() == fds - 1);
	close(p[1]);
	f->open_hold = false;
	assert_int_equal(do_open(f, "/dev/null", VSYS_O_RDONLY), 1);
}

static unsigned int count_answered(struct fixture *f, const uint16_t *id, unsigned int n)
{
	unsigned int i, sum = 0;

	for (i = 0; i < n; i++)
		sum += answered(f, id[i]);
	return sum;
}

/* More calls that wait than threads: those beyond wait, none is lost. */
static void more_than_threads(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 64, .queues = 1 };
	const unsigned int n = 2 * THREADS + 20;
	struct fixture *f = *state;
	unsigned int i;
	uint16_t id[2 * THREADS + 20], c;
	uint32_t h, w;
	int p[2];

	f->w.reads.max = THREADS;	/* fewer than the ring has entries */
	connect_device(f, &s);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < n; i++)
		id[i] = submit(f, rq_rw(VSYS_OP_READ, h, 0, 8 * i, 1, 0));
	settle(f);
	assert_in_range(f->w.reads.nr, 1, THREADS);
	assert_int_equal(f->nr_responses, 1);
	/* Cancelled ones, waiting or running, make room. */
	for (i = 0; i < n; i += 2)
		assert_int_equal(do_cancel(f, id[i])->value, 1);
	for (i = 0; i < n; i += 2)
		assert_int_equal(wait_for(f, id[i])->status, -VSYS_EINTR);
	memset(buf, 'd', n / 2);
	assert_int_equal(write(p[1], buf, n / 2), n / 2);
	for (i = 1; i < n; i += 2)
		assert_int_equal(wait_for(f, id[i])->value, 1);
	/* Threads that are all busy keep nobody from writing what they wait for. */
	for (i = 0; i < n; i++)
		id[i] = submit(f, rq_rw(VSYS_OP_READ, h, 0, 8 * i, 1, 0));
	w = do_open_fd(f, dup(p[1]), VSYS_O_WRONLY);
	assert_int_equal(do_write(f, w, 0, buf, 50, 0), 50);
	UNTIL(f, count_answered(f, id, n) == 50);
	/* ... nor a file from being closed. */
	c = submit(f, rq(VSYS_OP_RELEASE, h));
	assert_int_equal(wait_for(f, c)->status, 0);
	close(p[1]);
}

/* Reads and cancels against data that comes: every byte arrives once. */
static void cancel_race(void **state)
{
	struct fixture *f = *state;
	struct vsys_response *rsp;
	unsigned int sent = 0, got = 0, i, interrupted = 0;
	uint16_t id;
	uint32_t h;
	char c;
	int p[2];

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < 1000; i++) {
		id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 1, 0));
		if (i % 7 < 3)
			step_ms(f, 0);
		if (i % 2) {
			c = sent++;
			assert_int_equal(write(p[1], &c, 1), 1);
		}
		if (!(i % 5 == 1))
			do_cancel(f, id);
		else if (sent == got) {
			c = sent++;
			assert_int_equal(write(p[1], &c, 1), 1);
		}
		rsp = wait_for(f, id);
		if (rsp->status) {
			assert_int_equal(rsp->status, -VSYS_EINTR);
			interrupted++;
			continue;
		}
		assert_int_equal(rsp->value, 1);
		pool_get(f, 0, 0, &c, 1);
		assert_int_equal((unsigned char)c, got & 0xff);
		got++;
	}
	while (got < sent) {
		assert_int_equal(do_read(f, h, 0, &c, 1, 0), 1);
		assert_int_equal((unsigned char)c, got & 0xff);
		got++;
	}
	assert_int_equal(do_read(f, h, 0, &c, 1, VSYS_O_NONBLOCK), -VSYS_EAGAIN);
	print_message("# %u of 1000 interrupted\n", interrupted);
	close(p[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(reads_wait_alone), T(cancel_read), T(cancel_uring), T(cancel_nothing), T(cancel_at_once),
		T(cancel_write), T(broken_pipe), T(nonblocking), T(terminal),
		T(release_interrupts), T(slow_close), T(cancel_open), T(more_than_threads),
		T(cancel_race),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
