// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-claim.c - the claim by which exclusive=attach keeps this domain's own users
 * of a block node out.  The node is one in name only: what the kernel says of each
 * open, the tests say in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "supervisor-fixture.h"
#include "xen-backend/share.h"

#define DEV "/dev/zero"

/* --- in the kernel's place ---------------------------------------------- */

static struct {
	struct loop_open *op;	/* that is not answered */
	int flags;
	bool cancelled;
} asked;

/* The linker has the supervisor call these. */
int __wrap_loop_open_start(struct loop *loop, struct loop_open *op, const char *path, int flags);
void __wrap_loop_open_cancel(struct loop *loop, struct loop_open *op);

int __wrap_loop_open_start(struct loop *loop, struct loop_open *op, const char *path, int flags)
{
	(void)loop;
	assert_null(asked.op);
	assert_string_equal(path, DEV);
	asked.op = op;
	asked.flags = flags;
	asked.cancelled = false;
	return 0;
}

void __wrap_loop_open_cancel(struct loop *loop, struct loop_open *op)
{
	(void)loop;
	assert_ptr_equal(asked.op, op);
	asked.cancelled = true;
}

static void answer(int result)
{
	struct loop_open *op = asked.op;

	assert_non_null(op);
	asked.op = NULL;
	op->done(op, result);
	fx_settle();
}

/* The descriptor. */
static int answer_file(void)
{
	int fd = open(DEV, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	answer(fd);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* --- attach --------------------------------------------------------------- */

static struct device *attach_as(const char *stanza)
{
	struct native n = {
		.path = DEV, .class = VSYS_CLASS_BLOCK, .rdev = makedev(1, 5),
		.limits = { .sectors = 2048, .sector_size = 512 },
	};
	struct stanza s;
	struct device *d;
	struct fault f;

	if (!fx_dom(1))
		fx_domain(1, "g");
	assert_int_equal(stanza_parse(&s, stanza, &f), 0);
	d = device_attach(fx_dom(1), 0, &s, &n, ORIGIN_COMMAND, &f);
	assert_non_null(d);
	fx_settle();
	return d;
}

static struct device *attach(void)
{
	return attach_as("dev=" DEV ",name=z,exclusive=attach");
}

static void connect(void)
{
	fx_front_ready(1, 0);
	fx_worker_take(1, IPC_CONNECT, NULL);
	fx_worker_say(1, IPC_UP, 0);
	fx_front_state(1, 0, XenbusStateConnected);
}

static void guest_opens(uint32_t cookie, uint32_t oflags)
{
	struct vsys_ipc msg = { .type = IPC_OPEN };

	msg.u.open.cookie = cookie;
	msg.u.open.oflags = oflags;
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
}

static void was_answered(uint32_t cookie, int error)
{
	struct vsys_ipc msg = fx_worker_take(1, IPC_OPENED, NULL);

	assert_int_equal(msg.u.open.cookie, cookie);
	assert_int_equal(msg.u.open.error, error);
}

static void claimed(void **state)
{
	struct device *d = attach();
	int fd;

	(void)state;
	assert_int_equal(asked.flags, O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC);
	assert_true(d->claiming);
	fd = answer_file();
	assert_false(d->claiming);
	assert_int_equal(d->claim, fd);
	fx_skip(LIMIT_CLAIM_MS + 1);
	assert_null(asked.op);
	assert_true(is_open(fd));
	device_detach(d);
	assert_null(fx_dev(1, 0));
	fx_until(!is_open(fd));
}

/* Somebody of this domain has it, and lets it go in time. */
static void tried_again(void **state)
{
	struct device *d = attach();
	int fd;

	(void)state;
	for (int i = 0; i < 2; i++) {
		answer(-EBUSY);
		assert_null(asked.op);
		assert_true(d->claiming);
		assert_false(d->failed);
		fx_skip(LIMIT_WAIT_MS + 1);
	}
	fd = answer_file();
	assert_int_equal(d->claim, fd);
	assert_false(d->claiming);
	assert_true(TAILQ_EMPTY(&sup.waiting));
}

static void failed(struct device *d, const char *reason)
{
	assert_true(d->failed);
	assert_string_equal(d->reason, reason);
	assert_false(d->claiming);
	assert_int_equal(d->claim, -1);
	assert_int_equal(fx_back_state(1, 0), XenbusStateClosed);
	assert_true(TAILQ_EMPTY(&sup.waiting));
	fx_skip(LIMIT_WAIT_MS + 1);
	assert_null(asked.op);
	device_detach(d);
	assert_null(fx_dev(1, 0));
}

static void in_use_for_too_long(void **state)
{
	int64_t begin = loop_now_ms();
	struct device *d = attach();
	int tries = 0;

	(void)state;
	while (!d->failed) {
		answer(-EBUSY);
		assert_true(++tries <= 2 + LIMIT_CLAIM_MS / LIMIT_WAIT_MS);
		fx_skip(LIMIT_WAIT_MS);
	}
	assert_true(loop_now_ms() - begin >= LIMIT_CLAIM_MS);
	assert_true(tries > 1);
	failed(d, "dev '" DEV "' is in use in this domain (exclusive=attach)");
}

static void refused(void **state)
{
	struct device *d = attach();

	(void)state;
	answer(-EACCES);
	failed(d, "dev '" DEV "' cannot be claimed: Permission denied");
}

/* --- meanwhile ------------------------------------------------------------ */

static void detached_between_tries(void **state)
{
	struct device *d = attach();

	(void)state;
	answer(-EBUSY);
	device_detach(d);
	assert_null(fx_dev(1, 0));
	assert_true(TAILQ_EMPTY(&sup.waiting));
	fx_skip(LIMIT_WAIT_MS + 1);
	assert_null(asked.op);
}

/* The kernel may have it open by then. */
static void detached_in_a_try(void **state)
{
	int fd;

	(void)state;
	device_detach(attach());
	assert_null(fx_dev(1, 0));
	assert_true(asked.cancelled);
	answer(-ECANCELED);
	device_detach(attach());
	fd = answer_file();
	fx_until(!is_open(fd));
	attach();
	fx_domain_gone(1);
	assert_true(asked.cancelled);
	fd = answer_file();
	fx_until(!is_open(fd));
}

static void open_waits_for_the_claim(void **state)
{
	struct device *d = attach();

	(void)state;
	connect();
	guest_opens(3, VSYS_O_RDWR | VSYS_O_EXCL);
	answer(-EBUSY);
	fx_skip(LIMIT_WAIT_MS + 1);
	assert_int_equal(d->opens, 0);
	answer_file();
	/* Its own claim must not be in its way. */
	assert_int_equal(asked.flags, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(d->opens, 1);
	answer(-ENXIO);
	was_answered(3, -ENXIO);
	/* And stays when the last open has gone. */
	assert_int_equal(d->opens, 0);
	assert_true(d->claim >= 0 && is_open(d->claim));
}

/* There is no second open that the driver would count. */
static void first_open_is_the_claim(void **state)
{
	struct device *d = attach_as("dev=" DEV ",name=z,exclusive=queue");
	int fd;

	(void)state;
	assert_null(asked.op);
	connect();
	guest_opens(1, VSYS_O_RDONLY | VSYS_O_NONBLOCK);
	assert_int_equal(asked.flags, O_RDONLY | O_NONBLOCK | O_EXCL | O_NOCTTY | O_CLOEXEC);
	assert_true(d->claiming);
	/* Another one waits until it is known who has it. */
	guest_opens(2, VSYS_O_RDONLY);
	answer(-ENXIO);
	was_answered(1, -ENXIO);
	assert_int_equal(d->claim, -1);
	/* Of which it becomes the first. */
	assert_int_equal(asked.flags, O_RDONLY | O_EXCL | O_NOCTTY | O_CLOEXEC);
	answer(-EBUSY);
	fx_skip(LIMIT_WAIT_MS + 1);
	assert_int_equal(asked.flags, O_RDONLY | O_EXCL | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(d->opens, 1);
	/* What is none of its class is nobody's, and both descriptors go. */
	fd = answer_file();
	was_answered(2, -ENODEV);
	fx_until(!is_open(fd));
	assert_int_equal(d->claim, -1);
	assert_int_equal(d->opens, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(claimed), T(tried_again), T(in_use_for_too_long), T(refused),
		T(detached_between_tries), T(detached_in_a_try), T(open_waits_for_the_claim),
		T(first_open_is_the_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
