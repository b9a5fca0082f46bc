// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-share.c - several guests have one native device: who may open it, who waits,
 * and how it is given up.  Claims of block nodes are test-claim.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "supervisor-fixture.h"
#include "xen-backend/media.h"
#include "xen-backend/open.h"
#include "xen-backend/share.h"

#define NR 4		/* domains, from 1 on */

static void connect_all(const char *exclusive)
{
	char stanza[80];
	uint32_t i;

	snprintf(stanza, sizeof(stanza), "dev=/dev/zero,name=z,exclusive=%s", exclusive);
	for (i = 1; i <= NR; i++) {
		char name[8];

		snprintf(name, sizeof(name), "g%u", i);
		if (!fx_dom(i))
			fx_domain(i, name);
		assert_int_equal(fx_connected(i, stanza), 0);
	}
}

static void ask(uint32_t domid, uint32_t cookie)
{
	struct vsys_ipc msg = { .type = IPC_OPEN, .u.open = { .cookie = cookie } };

	fx_worker_send(domid, &msg, sizeof(msg));
	fx_settle();
}

/* 0, or the error. */
static int answer(uint32_t domid, uint32_t cookie)
{
	struct vsys_ipc msg;
	int fd;

	msg = fx_worker_take(domid, IPC_OPENED, &fd);
	assert_int_equal(msg.u.open.cookie, cookie);
	assert_int_equal(fd >= 0, !msg.u.open.error);
	if (fd >= 0)
		close(fd);
	return msg.u.open.error;
}

static void closes(uint32_t domid)
{
	struct vsys_ipc msg = { .type = IPC_CLOSED };

	msg.u.open.era = fx_dev(domid, 0)->era;
	fx_worker_send(domid, &msg, sizeof(msg));
	fx_settle();
}

static void plain(void **state)
{
	(void)state;
	connect_all("none");
	for (uint32_t i = 1; i <= NR; i++) {
		ask(i, i);
		assert_int_equal(answer(i, i), 0);
		assert_string_equal(share_use(fx_dev(i, 0)), "");
	}
}

static void who_is_first(void **state)
{
	(void)state;
	connect_all("open");
	ask(1, 1);
	assert_int_equal(answer(1, 1), 0);
	assert_string_equal(share_use(fx_dev(1, 0)), "holds");
	ask(2, 1);
	assert_int_equal(answer(2, 1), -EBUSY);
	/* The same guest once more; until the last close. */
	ask(1, 2);
	assert_int_equal(answer(1, 2), 0);
	closes(1);
	ask(2, 2);
	assert_int_equal(answer(2, 2), -EBUSY);
	closes(1);
	ask(2, 3);
	assert_int_equal(answer(2, 3), 0);
	ask(1, 3);
	assert_int_equal(answer(1, 3), -EBUSY);
	/* More closes than opens count for nothing. */
	closes(1);
	closes(1);
	ask(1, 4);
	assert_int_equal(answer(1, 4), -EBUSY);
}

static void next_to_one_that_shares(void **state)
{
	(void)state;
	connect_all("none");
	fx_dev(2, 0)->stanza.exclusive = VSYS_EXCLUSIVE_OPEN;
	share_attached(fx_dev(2, 0));
	ask(1, 1);
	assert_int_equal(answer(1, 1), 0);
	ask(3, 1);
	assert_int_equal(answer(3, 1), 0);
	ask(2, 1);
	assert_int_equal(answer(2, 1), -EBUSY);
	closes(1);
	closes(3);
	ask(2, 2);
	assert_int_equal(answer(2, 2), 0);
	ask(1, 2);
	assert_int_equal(answer(1, 2), -EBUSY);
}

static void in_order(void **state)
{
	struct vsys_ipc cancel = { .type = IPC_OPEN_CANCEL };

	(void)state;
	connect_all("queue");
	for (uint32_t i = 1; i <= NR; i++)
		ask(i, i);
	assert_int_equal(answer(1, 1), 0);
	assert_false(fx_worker_has_message(2));
	assert_string_equal(share_use(fx_dev(2, 0)), "waits 0");
	assert_string_equal(share_use(fx_dev(4, 0)), "waits 2");
	/* Who has it may open it again; who interrupts leaves the queue. */
	ask(1, 11);
	assert_int_equal(answer(1, 11), 0);
	cancel.u.open.cookie = 3;
	fx_worker_send(3, &cancel, sizeof(cancel));
	assert_int_equal(answer(3, 3), -EINTR);
	assert_string_equal(share_use(fx_dev(4, 0)), "waits 1");
	closes(1);
	assert_false(fx_worker_has_message(2));
	/* It asks again before the other one has it: behind the others. */
	closes(1);
	ask(1, 12);
	assert_int_equal(answer(2, 2), 0);
	assert_false(fx_worker_has_message(4));
	closes(2);
	assert_int_equal(answer(4, 4), 0);
	assert_false(fx_worker_has_message(1));
	closes(4);
	assert_int_equal(answer(1, 12), 0);
	assert_string_equal(share_use(fx_dev(4, 0)), "");
}

/* The worker dies, the guest goes, the device is detached: the next one has it. */
static void ends(void **state)
{
	(void)state;
	connect_all("queue");
	for (uint32_t i = 1; i <= NR; i++)
		ask(i, i);
	assert_int_equal(answer(1, 1), 0);
	fx_domain_gone(1);
	assert_int_equal(answer(2, 2), 0);
	/* One that waits goes, too. */
	fx_domain_gone(3);
	fx_worker_say(2, IPC_FAILED, 0);
	assert_int_equal(answer(4, 4), 0);
	assert_true(TAILQ_EMPTY(&sup.waiting));
}

static void a_worker_dies(void **state)
{
	(void)state;
	connect_all("open");
	ask(1, 1);
	assert_int_equal(answer(1, 1), 0);
	fx_worker_die(1);
	fx_until(!fx_dev(1, 0) || !fx_dev(1, 0)->opens);
	ask(2, 1);
	assert_int_equal(answer(2, 1), 0);
}

static void attached_alone(void **state)
{
	static const char stanza[] = "dev=/dev/zero,name=z,exclusive=attach";
	struct fault f;

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		fx_domain(i, i == 1 ? "one" : i == 2 ? "two" : "three");
	assert_int_equal(fx_connected(1, stanza), 0);
	assert_string_equal(share_use(fx_dev(1, 0)), "holds");
	assert_null(domain_attach(fx_dom(2), "dev=/dev/zero,name=z", ORIGIN_COMMAND, "here", &f));
	assert_string_equal(f.text, "here: dev '/dev/zero' is lent to domain 1 (one) alone (exclusive=attach)");
	assert_int_equal(fx_connected(2, "dev=/dev/null,name=n"), 0);
	assert_null(domain_attach(fx_dom(3), "dev=/dev/null,name=z,exclusive=attach",
				  ORIGIN_COMMAND, "here", &f));
	assert_string_equal(f.text,
			    "here: dev '/dev/null' is lent to domain 2 (two), too, so exclusive=attach cannot be");
	fx_domain_gone(1);
	assert_non_null(domain_attach(fx_dom(2), stanza, ORIGIN_COMMAND, "here", &f));
}

/* The state as the front-end would have missed it, unless it is written again. */
static void forget_state(uint32_t domid)
{
	struct device *d = fx_dev(domid, 0);

	assert_int_equal(xst_write(sup.xs, d->back, VSYS_KEY_STATE, "0"), 0);
}

/* Others want it, and its guest is asked if it is still there. */
static void silence(void **state)
{
	(void)state;
	connect_all("queue");
	fx_front(1, 0, "pong", "0");
	ask(1, 1);
	assert_int_equal(answer(1, 1), 0);
	assert_null(fx_back(1, 0, "ping"));
	forget_state(1);
	ask(2, 2);
	assert_string_equal(fx_back(1, 0, "ping"), "1");
	assert_int_equal(fx_back_state(1, 0), XenbusStateConnected);
	fx_front(1, 0, "pong", "1");
	fx_skip(LIMIT_PING_MS + 1);
	fx_settle();
	assert_true(fx_dev(1, 0)->online);
	/* Asked again, it says nothing. */
	fx_skip(LIMIT_WAIT_MS + 1);
	fx_settle();
	assert_string_equal(fx_back(1, 0, "ping"), "2");
	fx_skip(LIMIT_PING_MS + 1);
	fx_settle();
	assert_false(fx_dev(1, 0)->online);
	fx_skip(LIMIT_DETACH_MS + 1);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	assert_false(fx_worker_has_message(2));
	fx_worker_say(1, IPC_DOWN, 0);
	assert_int_equal(answer(2, 2), 0);
}

/* Of a front-end that knows no ping nothing can be said. */
static void silence_of_an_old_one(void **state)
{
	(void)state;
	connect_all("queue");
	ask(1, 1);
	assert_int_equal(answer(1, 1), 0);
	ask(2, 2);
	for (int i = 0; i < 3; i++) {
		fx_skip(LIMIT_PING_MS + 1);
		fx_settle();
	}
	assert_true(fx_dev(1, 0)->online);
	assert_false(fx_worker_has_message(2));
}

static uint32_t media_key(uint32_t domid, const char *key)
{
	const char *text = fx_back(domid, 0, key);

	return text ? strtoul(text, NULL, 10) : 0;
}

static void media(void **state)
{
	const dev_t drive = makedev(11, 0);

	(void)state;
	connect_all("none");
	for (uint32_t i = 1; i <= 3; i++) {
		fx_dev(i, 0)->native.class = VSYS_CLASS_BLOCK;
		fx_dev(i, 0)->native.rdev = i == 3 ? makedev(11, 1) : drive;
	}
	media_event(&sup, drive, true, false);
	forget_state(1);
	forget_state(3);
	media_event(&sup, drive, true, true);
	media_event(&sup, makedev(11, 2), true, true);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(media_key(i, VSYS_KEY_MEDIA_CHANGES), i == 3 ? 0 : 2);
		assert_int_equal(media_key(i, VSYS_KEY_EJECT_REQUESTS), i == 3 ? 0 : 1);
	}
	/* Told to those that have the drive, by the node that they watch. */
	assert_int_equal(fx_back_state(1, 0), XenbusStateConnected);
	assert_int_equal(fx_back_state(3, 0), XenbusStateUnknown);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(plain), T(who_is_first), T(next_to_one_that_shares), T(in_order), T(ends),
		T(a_worker_dies), T(attached_alone), T(silence), T(silence_of_an_old_one),
		T(media),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
