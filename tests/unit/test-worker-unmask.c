// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A queue that worked and one that broke the protocol, in the same round: the
 * write that unmasks the first one's event channel runs when both are gone, and
 * must not read freed memory.  The pretended guest aborts at a port that it does
 * not know; tests/unit/run fills what is freed, so that it would be one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"

static void unmask_after_violation(void **state)
{
	static const struct setup s = { .pool_pages = 8, .queues = 2 };
	struct fixture *f = *state;
	struct vsys_request good = rq(VSYS_OP_NOP, 0), bad = rq(VSYS_OP_LIMIT, 0);

	connect_device(f, &s);
	good.id = 1;
	bad.id = 2;
	push_raw(f, 0, &good);
	push_raw(f, 1, &bad);
	kick(f, 0);
	kick(f, 1);
	UNTIL(f, f->faileds == 1);
	settle(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unmask_after_violation, fixture_setup,
						fixture_teardown),
	};

	if (!can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
