/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-worker-proc.c - workers that lie, hang and die: their own domain pays,
 * nobody else does.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc-send.h"
#include "supervisor-fixture.h"

#define DEV "dev=/dev/zero,name=z"

static struct {
	uint32_t other;		/* device of domain 2, which must not notice */
	pid_t pid;		/* of the worker of domain 1 */
	uint32_t devid;
} it;

static int setup(void **state)
{
	if (fx_setup(state))
		return -1;
	fx_domain(1, "bad");
	fx_domain(2, "good");
	it.other = fx_connected(2, DEV);
	it.devid = fx_connected(1, DEV);
	it.pid = fx_worker_pid(1);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(fx_back_state(2, it.other), XenbusStateConnected);
	assert_false(fx_worker_has_message(2));
	return fx_teardown(state);
}

/* The process is ended and the guest gets the device anew, from another one. */
static void expect_ended(void)
{
	fx_until(!fx_process_lives(it.pid));
	fx_until(!fx_dev(1, it.devid) || fx_back_state(1, it.devid) == XenbusStateClosed);
	fx_front_state(1, it.devid, XenbusStateClosed);
	assert_null(fx_dev(1, it.devid));
	assert_non_null(fx_dev(1, it.devid + 1));
	assert_string_equal(fx_back(1, it.devid + 1, "name"), "z");
	assert_int_equal(fx_back_state(1, it.devid + 1), XenbusStateInitWait);
	fx_front_ready(1, it.devid + 1);
	assert_int_not_equal(fx_worker_pid(1), it.pid);
	fx_worker_take(1, IPC_CONNECT, NULL);
}

static void say(uint32_t type, uint32_t devid)
{
	fx_worker_say(1, type, devid);
}

static void unknown_type(void **state)
{
	(void)state;
	say(77, it.devid);
	expect_ended();
}

static void order_to_the_supervisor(void **state)
{
	(void)state;
	say(IPC_CONNECT, it.devid);
	expect_ended();
}

static void unknown_device(void **state)
{
	(void)state;
	say(IPC_DOWN, 4711);
	expect_ended();
}

static void up_twice(void **state)
{
	(void)state;
	say(IPC_UP, it.devid);
	expect_ended();
}

static void down_unasked(void **state)
{
	(void)state;
	say(IPC_DOWN, it.devid);
	expect_ended();
}

static void idle_device(void **state)
{
	struct fault f;
	struct device *d = domain_attach(fx_dom(1), "dev=/dev/null,name=n", ORIGIN_COMMAND,
					 "test", &f);

	(void)state;
	fx_settle();
	say(IPC_OPEN, d->devid);
	fx_until(!fx_process_lives(it.pid));
	/* The idle device had nothing to lose. */
	fx_until(fx_back_state(1, it.devid) == XenbusStateClosed);
	assert_int_equal(fx_back_state(1, d->devid), XenbusStateInitWait);
}

static void short_message(void **state)
{
	(void)state;
	fx_worker_send(1, "hello", 5);
	fx_settle();
	expect_ended();
}

static void long_message(void **state)
{
	char bytes[sizeof(struct vsys_ipc) + 1] = { 0 };

	(void)state;
	fx_worker_send(1, bytes, sizeof(bytes));
	fx_settle();
	expect_ended();
}

static void reason_without_end(void **state)
{
	struct vsys_ipc msg = { .type = IPC_FAILED, .devid = it.devid };

	(void)state;
	memset(msg.u.failed.reason, 'x', sizeof(msg.u.failed.reason));
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
	expect_ended();
}

static void unprintable_reason(void **state)
{
	struct vsys_ipc msg = { .type = IPC_FAILED, .devid = it.devid,
				.u.failed.reason = "a\nb\033[0m%s%n" };

	(void)state;
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
	assert_string_equal(fx_error(1, it.devid), "a?b?[0m%s%n");
	assert_true(fx_process_lives(it.pid));
}

/* Harmless, since the question and the end of a device may cross. */
static void counters_unasked(void **state)
{
	struct vsys_ipc msg = { .type = IPC_COUNTERS, .devid = it.devid,
				.u.counters.requests = 5 };

	(void)state;
	fx_worker_send(1, &msg, sizeof(msg));
	msg.devid = 4711;
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
	assert_int_equal(fx_dev(1, it.devid)->counters.requests, 0);
	assert_true(fx_process_lives(it.pid));
}

static unsigned int nr_open_files(void)
{
	unsigned int nr = 0;
	int fd;

	for (fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			nr++;
	return nr;
}

/* Descriptors that nobody asked for do not stay. */
static void sends_descriptors(void **state)
{
	struct vsys_ipc msg = { .type = IPC_COUNTERS, .devid = it.devid };
	unsigned int before = nr_open_files(), i;

	(void)state;
	for (i = 0; i < 20; i++) {
		assert_true(ipc_send(fx_worker_socket(1), &msg, STDERR_FILENO, 0));
		fx_settle();
	}
	assert_int_equal(nr_open_files(), before);
	assert_true(fx_process_lives(it.pid));
}

/* Messages without end are read, but others have their turn. */
static void flood(void **state)
{
	struct vsys_ipc msg = { .type = IPC_COUNTERS, .devid = it.devid };
	unsigned int i, turns = 0;

	(void)state;
	for (i = 0; i < 64; i++)
		fx_worker_send(1, &msg, sizeof(msg));
	fx_front(2, it.other, "state", "5");
	while (!fx_worker_has_message(2) && turns++ < 20)
		loop_turn(sup.loop, 0);
	assert_true(turns < 8);
	fx_worker_take(2, IPC_DISCONNECT, NULL);
	fx_worker_say(2, IPC_DOWN, it.other);
	fx_front_state(2, it.other, XenbusStateInitialised);
	fx_worker_take(2, IPC_CONNECT, NULL);
	fx_worker_say(2, IPC_UP, it.other);
}

/* One that reads nothing is not waited for. */
static void deaf(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000 && fx_dom(1)->worker && !fx_dom(1)->worker->killed; i++) {
		device_ask_stats(fx_dev(1, it.devid));
		fx_dev(1, it.devid)->stats_asked = false;
	}
	assert_true(i < 100000);
	expect_ended();
}

static void dies(void **state)
{
	(void)state;
	fx_worker_die(1);
	assert_int_equal(fx_back_state(1, it.devid), XenbusStateClosed);
	assert_string_equal(fx_error(1, it.devid),
			    "the worker process was ended by signal 9 (Killed)");
	expect_ended();
}

/* Its last words count. */
static void says_why_and_dies(void **state)
{
	struct vsys_ipc msg = { .type = IPC_FAILED, .devid = it.devid,
				.u.failed.reason = "the pool is gone" };

	(void)state;
	fx_worker_send(1, &msg, sizeof(msg));
	fx_worker_die(1);
	assert_string_equal(fx_error(1, it.devid), "the pool is gone");
}

/* Not for ever: then it stays down until somebody looks after it. */
static void dies_too_often(void **state)
{
	struct fault f;
	uint32_t devid = it.devid;
	int i;

	(void)state;
	for (i = 0; i < LIMIT_RESPAWNS; i++) {
		fx_worker_die(1);
		assert_false(fx_dom(1)->down);
		fx_front_state(1, devid, XenbusStateClosed);
		assert_null(fx_dev(1, devid));
		devid++;
		fx_front_ready(1, devid);
		fx_worker_take(1, IPC_CONNECT, NULL);
		fx_worker_say(1, IPC_UP, devid);
	}
	fx_worker_die(1);
	assert_true(fx_dom(1)->down);
	fx_front_state(1, devid, XenbusStateClosed);
	assert_non_null(fx_dev(1, devid));
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
	assert_null(domain_worker(fx_dom(1), &f));
	assert_string_equal(f.text, "the worker process died more than 3 times within 60 s and stays down");
}

static void dies_seldom(void **state)
{
	uint32_t devid = it.devid;
	int i;

	(void)state;
	for (i = 0; i < 3 * LIMIT_RESPAWNS; i++) {
		fx_worker_die(1);
		assert_false(fx_dom(1)->down);
		fx_front_state(1, devid++, XenbusStateClosed);
		fx_front_ready(1, devid);
		fx_worker_take(1, IPC_CONNECT, NULL);
		fx_worker_say(1, IPC_UP, devid);
		fx_skip(LIMIT_RESPAWN_MS / LIMIT_RESPAWNS + 1);
	}
}

/* Told to end, it does not: by force. */
static void does_not_end(void **state)
{
	(void)state;
	device_detach(fx_dev(1, it.devid));
	fx_front_state(1, it.devid, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	say(IPC_DOWN, it.devid);
	fx_front_state(1, it.devid, XenbusStateClosed);
	assert_null(fx_dom(1)->worker);
	assert_true(fx_process_lives(it.pid));
	fx_skip(LIMIT_EXIT_MS + 1);
	fx_until(!fx_process_lives(it.pid));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(unknown_type), T(order_to_the_supervisor), T(unknown_device), T(up_twice),
		T(down_unasked), T(idle_device), T(short_message), T(long_message),
		T(reason_without_end), T(unprintable_reason), T(counters_unasked),
		T(sends_descriptors), T(flood), T(deaf), T(dies), T(says_why_and_dies),
		T(dies_too_often), T(dies_seldom), T(does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
