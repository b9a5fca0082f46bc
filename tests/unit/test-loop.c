/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-loop.c - the event loop: order, fairness, and ends in the middle.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/loop.h"

static struct loop *loop;
static char trace[256];

static int setup(void **state)
{
	(void)state;
	trace[0] = '\0';
	loop = loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void note(void *arg)
{
	strcat(trace, arg);
}

static void *letter(char c)
{
	static char text[256][2];

	text[(unsigned char)c][0] = c;
	return text[(unsigned char)c];
}

static void run(void)
{
	while (loop_turn(loop, 0) > 0)
		;
}

static void timers_in_order(void **state)
{
	struct loop_timer t[4] = { 0 };

	(void)state;
	loop_timer_set(loop, &t[0], 300, note, letter('c'));
	loop_timer_set(loop, &t[1], 100, note, letter('a'));
	loop_timer_set(loop, &t[2], 200, note, letter('b'));
	loop_timer_set(loop, &t[3], 150, note, letter('x'));
	loop_timer_clear(loop, &t[3]);
	loop_timer_clear(loop, &t[3]);
	run();
	assert_string_equal(trace, "");
	loop_skip_ms(250);
	run();
	assert_string_equal(trace, "ab");
	loop_timer_set(loop, &t[0], 1000, note, letter('C'));
	loop_skip_ms(500);
	run();
	assert_string_equal(trace, "ab");
	loop_skip_ms(501);
	run();
	assert_string_equal(trace, "abC");
}

static struct loop_timer self;

static void again(void *arg)
{
	strcat(trace, "t");
	loop_timer_set(loop, &self, 0, again, arg);
}

static void read_byte(void *arg, uint32_t events)
{
	char byte;

	(void)events;
	assert_int_equal(read(*(int *)arg, &byte, 1), 1);
	strncat(trace, &byte, 1);
}

/* A timer that sets itself at once does not keep others waiting. */
static void timer_is_fair(void **state)
{
	struct loop_fd f = { .ready = read_byte };
	int fd[2], i;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	f.fd = fd[0];
	f.arg = &f.fd;
	loop_fd_add(loop, &f, EPOLLIN);
	assert_int_equal(write(fd[1], "x", 1), 1);
	loop_timer_set(loop, &self, 0, again, NULL);
	for (i = 0; i < 5; i++)
		assert_int_equal(loop_turn(loop, 0), 1);
	assert_non_null(strchr(trace, 'x'));
	assert_true(strlen(trace) <= 12);
	loop_timer_clear(loop, &self);
	close(fd[0]);
	close(fd[1]);
}

/* Two that are always ready have their turns alternately. */
static void descriptors_are_fair(void **state)
{
	struct loop_fd f[2] = { { .ready = read_byte }, { .ready = read_byte } };
	int a[2], b[2], i;

	(void)state;
	assert_int_equal(pipe(a) | pipe(b), 0);
	for (i = 0; i < 10; i++) {
		assert_int_equal(write(a[1], "a", 1), 1);
		assert_int_equal(write(b[1], "b", 1), 1);
	}
	f[0].fd = a[0];
	f[0].arg = &f[0].fd;
	f[1].fd = b[0];
	f[1].arg = &f[1].fd;
	loop_fd_add(loop, &f[0], EPOLLIN);
	loop_fd_add(loop, &f[1], EPOLLIN);
	for (i = 0; i < 6; i++)
		loop_turn(loop, 0);
	assert_string_equal(trace, trace[0] == 'a' ? "ababab" : "bababa");
	for (i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static struct loop_fd *one, *two;

static void remove_both(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	strcat(trace, "r");
	loop_fd_remove(loop, one);
	loop_fd_remove(loop, two);
	close(one->fd);
	close(two->fd);
	free(one);
	free(two);
}

/* Both are ready; whoever is first ends both, and is not heard of again. */
static void ends_another(void **state)
{
	int a[2], b[2];

	(void)state;
	assert_int_equal(pipe(a) | pipe(b), 0);
	one = calloc(1, sizeof(*one));
	two = calloc(1, sizeof(*two));
	one->fd = a[0];
	two->fd = b[0];
	one->ready = two->ready = remove_both;
	loop_fd_add(loop, one, EPOLLIN);
	loop_fd_add(loop, two, EPOLLIN);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	run();
	assert_string_equal(trace, "r");
	close(a[1]);
	close(b[1]);
}

struct opened {
	struct loop_open op;
	int result;
	bool done;
};

static void opened(struct loop_open *op, int result)
{
	struct opened *o = (struct opened *)op;

	assert_false(o->done);
	o->done = true;
	o->result = result;
}

static void until_done(struct opened *o)
{
	int64_t end = loop_now_ms() + 5000;

	while (!o->done && loop_now_ms() < end)
		loop_turn(loop, 10);
	assert_true(o->done);
}

static void opens(void **state)
{
	struct opened o = { .op.done = opened }, bad = { .op.done = opened };

	(void)state;
	assert_int_equal(loop_open_start(loop, &o.op, "/dev/null", O_RDWR | O_CLOEXEC), 0);
	until_done(&o);
	assert_true(o.result >= 0);
	assert_int_equal(fcntl(o.result, F_GETFD), FD_CLOEXEC);
	loop_close(loop, o.result);
	assert_int_equal(loop_open_start(loop, &bad.op, "/does/not/exist", O_RDWR), 0);
	until_done(&bad);
	assert_int_equal(bad.result, -ENOENT);
	while (fcntl(o.result, F_GETFD) >= 0)
		loop_turn(loop, 10);
}

static void cancelled_opens(void **state)
{
	struct opened o[50] = { 0 };
	char dir[] = "/tmp/test-loop-XXXXXX", path[64];
	int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* More than may run: some are cancelled before they begin. */
	loop_open_limit(loop, 4);
	for (i = 0; i < 50; i++) {
		o[i].op.done = opened;
		assert_int_equal(loop_open_start(loop, &o[i].op, path, O_RDONLY), 0);
	}
	for (i = 0; i < 20; i++)
		loop_turn(loop, 1);
	for (i = 0; i < 50; i++)
		assert_false(o[i].done);
	for (i = 0; i < 50; i++)
		loop_open_cancel(loop, &o[i].op);
	for (i = 0; i < 50; i++) {
		until_done(&o[i]);
		assert_true(o[i].result == -EINTR || o[i].result == -ECANCELED);
	}
	unlink(path);
	rmdir(dir);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(timers_in_order), T(timer_is_fair), T(descriptors_are_fair), T(ends_another),
		T(opens), T(cancelled_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
