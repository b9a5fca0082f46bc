// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-bell.c - who rings is heard, without a submission for each time.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/worker/bell.h"
#include "xen-backend/worker/container.h"
#include "xen-backend/worker/limits.h"

struct fixture {
	struct uring u;
	struct bell b;
	unsigned int rung, read;
	struct uring_call zero;
};

static void rung(struct bell *b)
{
	container_of(b, struct fixture, b)->rung++;
}

static void was_read(struct uring_call *call, int res)
{
	assert_int_equal(res, 1);
	container_of(call, struct fixture, zero)->read++;
}

static void ring(struct fixture *f)
{
	const uint64_t one = 1;

	assert_int_equal(write(f->b.fd, &one, sizeof(one)), sizeof(one));
}

/* What is there to be done; waits if nothing is. */
static void hear(struct fixture *f, unsigned int times)
{
	unsigned int i;

	for (i = 0; i < 20 && f->rung < times; i++)
		assert_int_equal(uring_run(&f->u, true, 1000), 0);
	assert_in_range(f->rung, times, times + 1);
}

static void begin(struct fixture *f)
{
	f->rung = f->read = 0;
	f->zero.done = was_read;
	assert_int_equal(uring_init(&f->u), 0);
	assert_int_equal(bell_make(&f->b, rung), 0);
}

static void end(struct fixture *f)
{
	bell_exit(&f->b);
	assert_false(f->b.watched);
	assert_int_equal(f->b.fd, -1);
	uring_exit(&f->u);
}

static void each_time(void **state)
{
	struct fixture f;
	uint64_t count;
	unsigned int i;

	(void)state;
	begin(&f);
	ring(&f);
	bell_watch(&f.b, &f.u);
	hear(&f, 1);
	for (i = 2; i <= 100; i++) {
		ring(&f);
		hear(&f, i);
		assert_true(f.b.watched);
		/* Nothing that would have to be submitted once more. */
		assert_false(uring_pending(&f.u));
	}
	assert_int_equal(read(f.b.fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 100);
	end(&f);
}

/* The kernel ends the watching if there is no room for what it has to say. */
static void no_room(void **state)
{
	struct fixture f;
	unsigned int i;
	char byte;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	begin(&f);
	bell_watch(&f.b, &f.u);
	assert_int_equal(uring_run(&f.u, false, 0), 0);
	for (i = 0; i < VSYS_CQ_ENTRIES; i++) {
		struct io_uring_sqe *sqe = uring_get(&f.u);

		assert_non_null(sqe);
		io_uring_prep_read(sqe, fd, &byte, 1, 0);
		uring_own(sqe, &f.zero);
	}
	assert_in_range(io_uring_submit_and_get_events(&f.u.ring), 0, VSYS_CQ_ENTRIES);
	assert_int_equal(io_uring_cq_ready(&f.u.ring), VSYS_CQ_ENTRIES);
	ring(&f);
	assert_in_range(io_uring_submit_and_get_events(&f.u.ring), 0, 0);
	hear(&f, 1);
	assert_int_equal(f.read, VSYS_CQ_ENTRIES);
	assert_true(f.b.watched);
	assert_true(uring_pending(&f.u));	/* it is watched anew */
	f.rung = 0;
	ring(&f);
	hear(&f, 1);
	assert_true(f.b.watched);
	end(&f);
	close(fd);
}

/* Nobody has ever watched it; or there is none. */
static void never(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	ring(&f);
	end(&f);
	begin(&f);
	end(&f);
	bell_exit(&f.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_time),
		cmocka_unit_test(no_room),
		cmocka_unit_test(never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
