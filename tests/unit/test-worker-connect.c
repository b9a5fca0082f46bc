// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-connect.c - devices come and go: mapping, failure, teardown once.
 *
 * The teardown of each test checks that no page is mapped, no port bound and no
 * descriptor open.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"

static void counts_pages(void **state)
{
	static const struct setup s = { .ring_order = 2, .pool_pages = 100, .queues = 3 };
	struct fixture *f = *state;

	connect_device(f, &s);
	assert_int_equal(f->t->pages_mapped, 3 * (4 + 100));
	assert_int_equal(f->t->ports_bound, 3);
	ask_counters(f);
	assert_int_equal(f->counters.grant_maps, 3 * (4 + 100 + 1));	/* and a directory */
	assert_int_equal(f->counters.grant_unmaps, 3);
	disconnect_device(f);
	assert_int_equal(f->t->maps, f->t->unmaps);
}

static void long_directory(void **state)
{
	static const struct setup s = { .ring_order = 4, .pool_pages = 1500, .queues = 1 };
	struct fixture *f = *state;
	uint32_t h;
	char c = 'x';

	connect_device(f, &s);
	assert_int_equal(f->t->pages_mapped, 16 + 1500);
	/* The last page of the pool is where the directory says. */
	h = do_open(f, "/dev/zero", VSYS_O_RDWR);
	pool_put(f, 0, 1500 * 4096 - 1, &c, 1);
	assert_int_equal(call(f, rq_rw(VSYS_OP_READ, h, 0, 1500 * 4096 - 1, 1, 0))->value, 1);
	pool_get(f, 0, 1500 * 4096 - 1, &c, 1);
	assert_int_equal(c, 0);
}

/* Rule 9: whichever page cannot be mapped, nothing stays mapped. */
static void unmappable(void **state)
{
	static const struct setup s = { .ring_order = 1, .pool_pages = 8, .queues = 2 };
	static const struct { uint32_t bad; const char *words; } at[] = {
		{ RING_REF(0), "queue 0: cannot map the ring (2 pages, grant references 16 to 17)" },
		{ RING_REF(0) + 1, "queue 0: cannot map the ring" },
		{ DIR_REF(0), "queue 0: cannot map the pool's directory" },
		{ RING_REF(1), "queue 1: cannot map the ring" },
		{ POOL_REF(0), "queue 0: cannot map the pool (8 pages, grant references 1024 to" },
		{ POOL_REF(0) + 7, "queue 0: cannot map the pool" },
		{ POOL_REF(1) + 7, "queue 1: cannot map the pool" },
	};
	struct fixture *f = *state;
	struct vsys_ipc msg;
	size_t i;

	guest_prepare(f, &s);
	connect_message(f, &msg);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		f->faileds = 0;
		f->t->bad_ref = at[i].bad;
		tell_msg(f, &msg, -1);
		wait_failed(f, at[i].words);
	}
	f->t->bad_ref = UINT32_MAX;
	f->t->bind_fails = true;
	f->faileds = 0;
	tell_msg(f, &msg, -1);
	wait_failed(f, "queue 0: cannot bind event channel 40");
	f->t->bind_fails = false;
	assert_int_equal(f->ups, 0);
	connect_device(f, &s);
}

static void out_of_range(void **state)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 8, .queues = 1 };
	struct fixture *f = *state;
	struct vsys_ipc good, msg;

	guest_prepare(f, &s);
	connect_message(f, &good);

#define TRY(assignment, words)			\
	do {					\
		msg = good;			\
		msg.u.connect.assignment;	\
		f->faileds = 0;			\
		tell_msg(f, &msg, -1);		\
		wait_failed(f, words);		\
	} while (0)
	TRY(domid = 8, "another domain");
	TRY(nr_queues = 0, "number of queues");
	TRY(nr_queues = VSYS_IPC_MAX_QUEUES + 1, "number of queues");
	TRY(nr_queues = UINT32_MAX, "number of queues");
	TRY(ring_page_order = VSYS_MAX_RING_PAGE_ORDER + 1, "order of the ring");
	TRY(ring_page_order = 32, "order of the ring");
	TRY(pool_pages = 0, "pool's pages");
	TRY(pool_pages = VSYS_MAX_POOL_PAGES + 1, "pool's pages");
	TRY(pool_pages = UINT32_MAX, "pool's pages");
}

static void directory_ends(void **state)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 1100, .queues = 1 };
	struct vsys_pool_dir *dir;
	struct fixture *f = *state;
	struct vsys_ipc msg;

	guest_prepare(f, &s);
	connect_message(f, &msg);
	dir = loop_page(f->t, DIR_REF(0));
	dir->next = 0;
	tell_msg(f, &msg, -1);
	wait_failed(f, "directory ends after 1022 of 1100 pages");

	/* A circle is followed no further than the pool is long. */
	f->faileds = 0;
	dir->next = DIR_REF(0);
	tell_msg(f, &msg, -1);
	UNTIL(f, f->ups);
	assert_int_equal(f->t->pages_mapped, 1 + 1100);
}

/* Rules 11 and 19. */
static void disconnect_twice(void **state)
{
	struct fixture *f = *state;

	connect_chr(f);
	do_open(f, "/dev/null", VSYS_O_RDWR);
	tell(f, IPC_DISCONNECT);
	tell(f, IPC_DISCONNECT);
	UNTIL(f, f->downs);
	settle(f);
	assert_in_range(f->downs, 1, 2);
	assert_int_equal(f->faileds, 0);
	assert_int_equal(f->t->maps, f->t->unmaps);
	connect_chr(f);
	do_open(f, "/dev/null", VSYS_O_RDWR);
}

static void disconnect_at_once(void **state)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 8, .queues = 1 };
	struct fixture *f = *state;
	struct vsys_ipc msg;

	guest_prepare(f, &s);
	connect_message(f, &msg);
	tell_msg(f, &msg, -1);
	tell(f, IPC_DISCONNECT);
	UNTIL(f, f->downs);
	settle(f);
	assert_int_equal(f->ups, 1);
	assert_int_equal(f->downs, 1);
	assert_int_equal(f->t->pages_mapped, 0);
}

static void violation_then_disconnect(void **state)
{
	struct vsys_request bad = rq(VSYS_OP_LIMIT, 0);
	struct fixture *f = *state;
	uint32_t h;
	int p[2];

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 1, 0));
	settle(f);
	submit(f, bad);
	UNTIL(f, f->w.nr_stopping);
	/* The read is still being cancelled. */
	assert_int_equal(f->faileds, 0);
	tell(f, IPC_DISCONNECT);
	UNTIL(f, f->downs);
	settle(f);
	assert_int_equal(f->faileds, 1);
	assert_int_equal(f->downs, 1);
	assert_int_equal(f->t->maps, f->t->unmaps);
	assert_int_equal(f->t->pages_mapped, 0);

	close(p[1]);

	/* And when all is done already. */
	connect_chr(f);
	submit(f, bad);
	wait_failed(f, "operation 64");
	disconnect_device(f);
	assert_int_equal(f->faileds, 1);
}

static void connect_twice(void **state)
{
	struct fixture *f = *state;
	struct vsys_ipc msg;

	connect_chr(f);
	connect_message(f, &msg);
	tell_msg(f, &msg, -1);
	wait_failed(f, "twice");
	connect_chr(f);
}

/* Rule 10: the pool stays while a native call may write to it. */
static void unmap_after_io(void **state)
{
	struct fixture *f = *state;
	int p[2], i;
	uint32_t h;

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < 8; i++)
		submit(f, rq_rw(VSYS_OP_READ, h, 0, i * 4096, 4096, 0));
	settle(f);
	f->nr_responses = 0;
	disconnect_device(f);
	/* After DISCONNECT nothing is written to the ring. */
	assert_int_equal(f->nr_responses, 0);
	/* Nobody reads any more. */
	assert_int_equal(write(p[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(p[1]);
}

static void violation_with_io(void **state)
{
	struct fixture *f = *state;
	int p[2];
	uint32_t h;

	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 4096, 0));
	settle(f);
	submit(f, rq(200, 0));
	wait_failed(f, "request 2 has operation 200");
	assert_int_equal(write(p[1], "x", 1), -1);
	close(p[1]);
}

/* An answer to an OPEN that nobody waits for any more is closed. */
static void late_open(void **state)
{
	struct vsys_request r = rq(VSYS_OP_OPEN, 0);
	struct fixture *f = *state;
	int p[2], fds, before = count_fds();

	connect_chr(f);
	f->open_hold = true;
	submit(f, r);
	UNTIL(f, f->opens == 1);
	disconnect_device(f);
	assert_int_equal(f->open_cancels, 1);

	assert_int_equal(pipe(p), 0);
	fds = count_fds();
	answer_open(f, &f->last_open, p[0]);
	settle(f);		/* it has arrived */
	UNTIL(f, count_fds() == fds - 1);
	close(p[1]);

	/* The same for the next device of that number. */
	f->open_hold = false;
	connect_chr(f);
	assert_int_equal(pipe(p), 0);
	fds = count_fds();
	answer_open(f, &f->last_open, p[0]);
	settle(f);		/* it has arrived */
	UNTIL(f, count_fds() == fds - 1);
	close(p[1]);
	assert_int_equal(count_fds(), before);
	assert_int_equal(do_open(f, "/dev/null", VSYS_O_RDONLY), 1);
}

static void open_without_descriptor(void **state)
{
	struct fixture *f = *state;
	struct vsys_ipc msg;
	uint16_t id;

	connect_chr(f);
	f->open_hold = true;
	id = submit(f, rq(VSYS_OP_OPEN, 0));
	UNTIL(f, f->opens == 1);
	msg = f->last_open;
	msg.type = IPC_OPENED;
	msg.u.open.error = 0;
	msg.u.open.era = 17;
	tell_msg(f, &msg, -1);		/* the kernel had no room for it */
	assert_int_equal(wait_for(f, id)->status, -VSYS_EMFILE);
	UNTIL(f, f->closeds == 1);
	f->open_hold = false;
	assert_int_equal(do_open(f, "/dev/null", VSYS_O_RDONLY), 1);
}

static void many_times(void **state)
{
	static const struct setup s = { .ring_order = 1, .pool_pages = 32, .queues = 2 };
	struct fixture *f = *state;
	unsigned int i, fds = 0;

	for (i = 0; i < 100; i++) {
		connect_device(f, &s);
		do_open(f, "/dev/zero", VSYS_O_RDONLY);
		do_open(f, "/dev/full", VSYS_O_RDWR);
		if (i == 5)
			fds = count_fds();
		disconnect_device(f);
	}
	connect_device(f, &s);
	do_open(f, "/dev/zero", VSYS_O_RDONLY);
	do_open(f, "/dev/full", VSYS_O_RDWR);
	assert_int_equal(count_fds(), fds);
}

static int table_fd(uint32_t magic)
{
	static struct policy_table table;
	int fd = memfd_create("policy", MFD_CLOEXEC);

	memset(&table, 0, sizeof(table));
	table.magic = magic;
	table.nr_commands = 1;
	table.command[0].number = 0x5309;
	table.command[0].mask = UINT32_MAX;
	table.command[0].allow = 1;
	assert_int_equal(write(fd, &table, sizeof(table)), sizeof(table));
	return fd;
}

/* A device with ioctl has a policy, or is not connected. */
static void policy(void **state)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 8, .queues = 1 };
	struct fixture *f = *state;
	struct vsys_ipc msg;
	struct device *dev;
	int fd;

	guest_prepare(f, &s);
	connect_message(f, &msg);
	msg.u.connect.ioctl = 1;
	tell_msg(f, &msg, -1);
	UNTIL(f, f->faileds == 1);
	assert_string_equal(f->reason, "the policy did not arrive whole");
	fd = table_fd(0);
	tell_msg(f, &msg, fd);
	close(fd);
	UNTIL(f, f->faileds == 2);
	msg.u.connect.poll = 1;
	fd = table_fd(POLICY_MAGIC);
	tell_msg(f, &msg, fd);
	close(fd);
	UNTIL(f, f->ups);
	dev = device_find(&f->w, DEVID);
	assert_true(dev->ioctl && dev->poll && !dev->pointers);
	assert_true(policy_allows(dev->policy, 0x5309));
	assert_false(policy_allows(dev->policy, 0x530a));
	policy_denied(dev, 0x530a);
	ask_counters(f);
	assert_int_equal(f->counters.denied, 1);
	disconnect_device(f);
	/* One that comes unasked is closed. */
	msg.u.connect.ioctl = 0;
	fd = table_fd(POLICY_MAGIC);
	guest_prepare(f, &s);
	f->ups = 0;
	tell_msg(f, &msg, fd);
	close(fd);
	UNTIL(f, f->ups);
	assert_null(device_find(&f->w, DEVID)->policy);
}

static void supervisor_ends(void **state)
{
	struct fixture *f = *state;
	unsigned int i;
	bool on = true;

	connect_chr(f);
	shutdown(f->supervisor, SHUT_RDWR);
	for (i = 0; on && i < 100; i++)
		on = worker_round(&f->w, 10);
	assert_false(on);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(counts_pages), T(long_directory), T(unmappable), T(out_of_range),
		T(directory_ends), T(disconnect_twice), T(disconnect_at_once),
		T(violation_then_disconnect), T(connect_twice), T(unmap_after_io),
		T(violation_with_io), T(late_open), T(open_without_descriptor), T(many_times),
		T(policy), T(supervisor_ends),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
