/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-open.c - opens for workers: what is allowed, what comes back, and opens
 * that block.
 *
 * A pseudo terminal's slave is a character device whose open can be told to
 * fail; a FIFO stands for a driver that blocks in open: the device's path is made
 * to lead to it, behind the supervisor's back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor-fixture.h"

static uint32_t connected(const char *stanza)
{
	if (!fx_dom(1))
		fx_domain(1, "g");
	return fx_connected(1, stanza);
}

static void ask_open(uint32_t devid, uint32_t cookie, uint32_t oflags)
{
	struct vsys_ipc msg = { .type = IPC_OPEN, .devid = devid,
				.u.open = { .cookie = cookie, .oflags = oflags } };

	fx_worker_send(1, &msg, sizeof(msg));
}

static int expect_fd(uint32_t devid, uint32_t cookie)
{
	struct vsys_ipc msg;
	int fd;

	msg = fx_worker_take(1, IPC_OPENED, &fd);
	assert_int_equal(msg.devid, devid);
	assert_int_equal(msg.u.open.cookie, cookie);
	assert_int_equal(msg.u.open.error, 0);
	assert_true(fd >= 0);
	return fd;
}

static void expect_error(uint32_t devid, uint32_t cookie, int error)
{
	struct vsys_ipc msg;
	int fd;

	msg = fx_worker_take(1, IPC_OPENED, &fd);
	assert_int_equal(msg.devid, devid);
	assert_int_equal(msg.u.open.cookie, cookie);
	assert_int_equal(msg.u.open.error, error);
	assert_int_equal(fd, -1);
}

static unsigned int nr_links_to(const char *path)
{
	unsigned int nr = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		char link[64], target[256];
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, target, sizeof(target) - 1);
		if (len > 0 && (target[len] = '\0', !strcmp(target, path)))
			nr++;
	}
	return nr;
}

/* --- what is allowed -------------------------------------------------- */

static void descriptor(void **state)
{
	uint32_t devid = connected("dev=/dev/zero,name=z");
	char byte = 1;
	int fd;

	(void)state;
	ask_open(devid, 7, VSYS_O_RDWR);
	fd = expect_fd(devid, 7);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 0);
	/* The worker has the only one. */
	assert_int_equal(nr_links_to("/dev/zero"), 1);
	close(fd);
}

static void flags(void **state)
{
	static const struct {
		uint32_t vsys;
		int native;
	} cases[] = {
		{ VSYS_O_RDONLY, O_RDONLY }, { VSYS_O_WRONLY, O_WRONLY }, { VSYS_O_RDWR, O_RDWR },
		{ VSYS_O_NONBLOCK, O_NONBLOCK }, { VSYS_O_APPEND | VSYS_O_WRONLY, O_APPEND | O_WRONLY },
		{ VSYS_O_DSYNC, O_DSYNC }, { VSYS_O_SYNC | VSYS_O_DSYNC, O_SYNC },
	};
	uint32_t devid = connected("dev=/dev/zero,name=z"), i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd;

		ask_open(devid, i, cases[i].vsys);
		fd = expect_fd(devid, i);
		assert_int_equal(fcntl(fd, F_GETFL) & ~0100000, cases[i].native);
		close(fd);
	}
	ask_open(devid, 1, VSYS_O_MASK + 1);
	expect_error(devid, 1, -EINVAL);
	ask_open(devid, 2, ~0u);
	expect_error(devid, 2, -EINVAL);
	ask_open(devid, 3, VSYS_O_ACCMODE);
	expect_error(devid, 3, -EINVAL);
}

static void modes(void **state)
{
	uint32_t ro, wo;

	(void)state;
	ro = connected("dev=/dev/zero,name=ro,mode=ro");
	ask_open(ro, 1, VSYS_O_RDWR);
	expect_error(ro, 1, -EACCES);
	ask_open(ro, 2, VSYS_O_WRONLY);
	expect_error(ro, 2, -EACCES);
	ask_open(ro, 3, VSYS_O_RDONLY);
	close(expect_fd(ro, 3));
	wo = connected("dev=/dev/zero,name=wo,mode=wo");
	ask_open(wo, 1, VSYS_O_RDONLY);
	expect_error(wo, 1, -EACCES);
	ask_open(wo, 2, VSYS_O_RDWR);
	expect_error(wo, 2, -EACCES);
	ask_open(wo, 3, VSYS_O_WRONLY);
	close(expect_fd(wo, 3));
}

/* Other than at the attach: not opened for the guest. */
static void other_class(void **state)
{
	uint32_t devid = connected("dev=/dev/zero,name=z");
	struct native *n = &fx_dev(1, devid)->native;
	char *path = fx_dev(1, devid)->stanza.dev;

	(void)state;
	sprintf(path, "%s/file", fx_dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ask_open(devid, 1, VSYS_O_RDWR);
	expect_error(devid, 1, -ENODEV);
	fx_settle();
	fx_until(nr_links_to(path) == 0);
	strcpy(path, "/dev/zero");
	n->class = VSYS_CLASS_BLOCK;
	ask_open(devid, 2, VSYS_O_RDWR);
	expect_error(devid, 2, -ENODEV);
	strcpy(path, "/does/not/exist");
	ask_open(devid, 3, VSYS_O_RDWR);
	expect_error(devid, 3, -ENOENT);
}

/* --- opens that block ------------------------------------------------- */

static char fifo[128];

static uint32_t blocking(void)
{
	uint32_t devid = connected("dev=/dev/zero,name=blocks");

	snprintf(fifo, sizeof(fifo), "%s/fifo", fx_dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	strcpy(fx_dev(1, devid)->stanza.dev, fifo);
	return devid;
}

static void cancelled(void **state)
{
	struct vsys_ipc msg = { .type = IPC_OPEN_CANCEL, .u.open.cookie = 5 };
	uint32_t devid = blocking();

	(void)state;
	ask_open(devid, 5, VSYS_O_RDONLY);
	fx_until(fx_dom(1)->nr_opens == 1);
	usleep(50000);
	fx_settle();
	assert_false(fx_worker_has_message(1));
	msg.devid = devid;
	fx_worker_send(1, &msg, sizeof(msg));
	expect_error(devid, 5, -EINTR);
	assert_int_equal(fx_dom(1)->nr_opens, 0);
	/* It may have ended by itself: no error, no second answer. */
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
	assert_false(fx_worker_has_message(1));
	assert_true(fx_process_lives(fx_worker_pid(1)));
}

/* One that blocks is not in the way of others. */
static void others_go_on(void **state)
{
	uint32_t devid = blocking(), other = connected("dev=/dev/zero,name=z");

	(void)state;
	ask_open(devid, 1, VSYS_O_RDONLY);
	ask_open(other, 2, VSYS_O_RDONLY);
	close(expect_fd(other, 2));
}

static void limited(void **state)
{
	uint32_t devid = blocking(), other, i;

	(void)state;
	for (i = 0; i < LIMIT_OPENS; i++) {
		ask_open(devid, i, VSYS_O_RDONLY);
		/* The socket does not take all of them at once. */
		fx_until(fx_dom(1)->nr_opens == i + 1);
	}
	fx_until(fx_dom(1)->nr_opens == LIMIT_OPENS);
	ask_open(devid, LIMIT_OPENS, VSYS_O_RDONLY);
	expect_error(devid, LIMIT_OPENS, -ENFILE);
	/* Another guest has its own. */
	fx_domain(2, "h");
	other = fx_connected(2, "dev=/dev/zero,name=z");
	{
		struct vsys_ipc msg = { .type = IPC_OPEN, .devid = other };
		int fd;

		fx_worker_send(2, &msg, sizeof(msg));
		msg = fx_worker_take(2, IPC_OPENED, &fd);
		assert_int_equal(msg.u.open.error, 0);
		close(fd);
	}
	fx_domain_gone(1);
}

/* Each is answered, once, and nothing is opened any more. */
static void disconnected(void **state)
{
	uint32_t devid = blocking();
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		ask_open(devid, i, VSYS_O_RDONLY);
	fx_until(fx_dom(1)->nr_opens == 3);
	fx_front_state(1, devid, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	for (i = 0; i < 3; i++) {
		int fd;

		assert_int_equal(fx_worker_take(1, IPC_OPENED, &fd).u.open.error, -EINTR);
	}
	ask_open(devid, 9, VSYS_O_RDONLY);
	expect_error(devid, 9, -ENODEV);
	fx_worker_say(1, IPC_DOWN, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
}

/* One that is on its way counts as reader. */
static bool has_no_reader(int fd)
{
	struct pollfd p = { .fd = fd };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents & POLLERR;
}

/* Rule 8: what a domain started does not reach the next one. */
static void domain_gone_meanwhile(void **state)
{
	uint32_t devid = blocking();
	int fd;

	(void)state;
	ask_open(devid, 1, VSYS_O_RDONLY);
	fx_until(fx_dom(1)->nr_opens == 1);
	fx_domain_gone(1);
	fx_domain(1, "g");
	devid = connected("dev=/dev/zero,name=z");
	/* Now it would succeed; if it was too late to cancel it, it is closed. */
	fd = open(fifo, O_WRONLY | O_NONBLOCK);
	if (fd < 0)
		assert_int_equal(errno, ENXIO);
	else
		fx_until(has_no_reader(fd));
	fx_settle();
	assert_int_equal(nr_links_to(fifo), fd < 0 ? 0 : 1);
	assert_false(fx_worker_has_message(1));
	close(fd);
	assert_int_equal(fx_dom(1)->nr_opens, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(descriptor), T(flags), T(modes), T(other_class), T(cancelled), T(others_go_on),
		T(limited), T(disconnected), T(domain_gone_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
