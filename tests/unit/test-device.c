/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-device.c - the states of a device, as guests, workers and administrators
 * move them: in order, out of order, and with ill will.
 */
#include <unistd.h>

#include "supervisor-fixture.h"

#define DEV "dev=/dev/zero,name=z"

static uint32_t attach(const char *stanza)
{
	struct fault f;
	struct device *d = domain_attach(fx_dom(1), stanza, ORIGIN_COMMAND, "test", &f);

	assert_non_null(d);
	fx_settle();
	return d->devid;
}

static void expect_failed(uint32_t devid, const char *sentence)
{
	struct device *d = fx_dev(1, devid);

	assert_non_null(d);
	assert_true(d->failed);
	assert_string_equal(d->reason, sentence);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
	assert_string_equal(fx_error(1, devid), sentence);
	assert_string_equal(device_state_name(d), "failed");
}

/* --- in order --------------------------------------------------------- */

static void published_nodes(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach("dev=/dev/zero,mode=ro,name=z");
	assert_int_equal(devid, 0);
	assert_string_equal(fx_back(1, 0, "frontend"), "/local/domain/1/device/vsys/0");
	assert_string_equal(fx_back(1, 0, "frontend-id"), "1");
	assert_string_equal(fx_back(1, 0, "online"), "1");
	assert_string_equal(fx_back(1, 0, "state"), "2");
	assert_string_equal(fx_back(1, 0, "hotplug-status"), "connected");
	assert_string_equal(fx_back(1, 0, "versions"), "1");
	assert_string_equal(fx_back(1, 0, "name"), "z");
	assert_string_equal(fx_back(1, 0, "class"), "char");
	assert_string_equal(fx_back(1, 0, "mode"), "ro");
	assert_string_equal(fake_get(sup.xs, "/local/domain/1/device/vsys/0/state"), "1");
	assert_string_equal(fake_get(sup.xs, "/local/domain/1/device/vsys/0/backend"),
			    "/local/domain/0/backend/vsys/1/0");
	assert_string_equal(fake_get(sup.xs, "/local/domain/1/device/vsys/0/backend-id"), "0");
}

#define LINK "/local/domain/1/device/vsys/0/backend"

static bool shown_within(int ms)
{
	fake_put(sup.xs, LINK, "old");
	fx_skip(ms);
	fx_settle();
	return strcmp(fake_get(sup.xs, LINK), "old") != 0;
}

/* A guest that has not begun gets it shown again, some times. */
static void shown_again(void **state)
{
	(void)state;
	fx_domain(1, "g");
	attach(DEV);
	for (int i = 0; i < LIMIT_SHOWS; i++) {
		/* Real time passes, too. */
		assert_false(shown_within((LIMIT_SHOW_MS << i) / 2));
		assert_true(shown_within((LIMIT_SHOW_MS << i) / 2 + 1));
		assert_string_equal(fake_get(sup.xs, LINK), "/local/domain/0/backend/vsys/1/0");
	}
	assert_false(shown_within((LIMIT_SHOW_MS << LIMIT_SHOWS) + 1));
}

static void not_shown_again(void **state)
{
	(void)state;
	fx_domain(1, "g");
	fx_connected(1, DEV);
	assert_false(shown_within(LIMIT_SHOW_MS + 1));
	attach("dev=/dev/zero,name=y");
	fake_release(sup.xs, 1);
	fake_remove(sup.xs, "/local/domain/1");
	fx_skip(LIMIT_SHOW_MS + 1);
	fx_settle();
	assert_null(fake_get(sup.xs, "/local/domain/1/device/vsys/1/backend"));
}

/* Who may write what; and the host's path is nowhere (rule 20). */
static void permissions(void **state)
{
	char *dump;

	(void)state;
	fx_domain(1, "g");
	attach("dev=/dev/zero,name=z");
	assert_string_equal(fake_perms(sup.xs, "/local/domain/0/backend/vsys/1/0"), "n0,r1");
	assert_string_equal(fake_perms(sup.xs, "/local/domain/0/backend/vsys/1/0/state"), "n0,r1");
	assert_string_equal(fake_perms(sup.xs, "/local/domain/1/device/vsys/0"), "n1,r0");
	assert_string_equal(fake_perms(sup.xs, "/local/domain/1/device/vsys/0/state"), "n1,r0");
	assert_string_equal(fake_perms(sup.xs, "/local/domain/1/device/vsys/0/backend"), "n0,r1");
	assert_string_equal(fake_perms(sup.xs, "/local/domain/1/device/vsys/0/backend-id"),
			    "n0,r1");
	dump = fake_dump(sup.xs);
	assert_null(strstr(dump, "/dev/zero"));
	free(dump);
}

static void connect_message(void **state)
{
	struct vsys_ipc msg;
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach("dev=/dev/zero,mode=ro,name=z");
	fx_front_ready(1, devid);
	msg = fx_worker_take(1, IPC_CONNECT, NULL);
	assert_int_equal(msg.devid, devid);
	assert_int_equal(msg.u.connect.domid, 1);
	assert_int_equal(msg.u.connect.block, 0);
	assert_int_equal(msg.u.connect.readable, 1);
	assert_int_equal(msg.u.connect.writable, 0);
	assert_int_equal(msg.u.connect.sector_size, 1);
	assert_int_equal(msg.u.connect.nr_queues, 2);
	assert_int_equal(msg.u.connect.ring_page_order, 1);
	assert_int_equal(msg.u.connect.pool_pages, 64);
	assert_int_equal(msg.u.connect.queue[1].ring_ref[1], 111);
	assert_int_equal(msg.u.connect.queue[1].event_channel, 21);
	assert_int_equal(msg.u.connect.queue[1].pool_ref, 201);
	/* Not before the worker has mapped everything. */
	assert_int_equal(fx_back_state(1, devid), XenbusStateInitWait);
	fx_worker_say(1, IPC_UP, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateConnected);
	assert_false(fx_worker_has_message(1));
}

/* What a stanza offers, what the guest wants, and what is in use. */
static void features(void **state)
{
	static const struct {
		const char *stanza, *back_ioctl, *payload, *ioctl, *poll;
		uint32_t use_ioctl, use_poll, use_pointers;
	} cases[] = {
		{ "", "0", "bytes", NULL, NULL, 0, 0, 0 },
		{ "", "0", "bytes", "1", "1", 0, 1, 0 },
		{ ",ioctl=any", "1", "bytes", "0", "0", 0, 0, 0 },
		{ ",ioctl=any", "1", "bytes", "1", NULL, 1, 0, 0 },
		{ ",ioctl=rtc,payload=pointers", "1", "pointers", "1", "1", 1, 1, 1 },
		{ ",ioctl=rtc,payload=pointers", "1", "pointers", NULL, "1", 0, 1, 0 },
	};
	struct vsys_ipc msg;
	char stanza[128];
	uint32_t devid;
	size_t i;
	int fd;

	(void)state;
	fx_domain(1, "g");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(stanza, sizeof(stanza), "dev=/dev/zero,name=z%zu%s", i, cases[i].stanza);
		devid = attach(stanza);
		assert_string_equal(fx_back(1, devid, "feature-ioctl"), cases[i].back_ioctl);
		assert_string_equal(fx_back(1, devid, "feature-poll"), "1");
		assert_string_equal(fx_back(1, devid, "payload"), cases[i].payload);
		fx_front(1, devid, "feature-ioctl", cases[i].ioctl);
		fx_front(1, devid, "feature-poll", cases[i].poll);
		fx_front_ready(1, devid);
		msg = fx_worker_take(1, IPC_CONNECT, &fd);
		assert_int_equal(msg.u.connect.ioctl, cases[i].use_ioctl);
		assert_int_equal(msg.u.connect.poll, cases[i].use_poll);
		assert_int_equal(msg.u.connect.pointers, cases[i].use_pointers);
		assert_int_equal(fd >= 0, cases[i].use_ioctl);
		if (fd >= 0)
			close(fd);
	}
	devid = attach("dev=/dev/zero,name=bad,ioctl=any");
	fx_front(1, devid, "feature-ioctl", "2");
	fx_front_ready(1, devid);
	assert_true(fx_dev(1, devid)->failed);
	assert_string_equal(fx_error(1, devid),
			    "the front-end's node 'feature-ioctl' is '2', which is malformed");
}

/* The policy that comes along is the one that was there at attach, at each connection. */
static void policy_comes_along(void **state)
{
	static struct policy_table t;
	char command[256];
	uint32_t devid;
	int i, fd;

	(void)state;
	snprintf(command, sizeof(command),
		 "mkdir -p %s/policy && echo 'allow A 0x1234' >%s/policy/mine.policy", fx_dir, fx_dir);
	assert_int_equal(system(command), 0);
	fx_domain(1, "g");
	devid = attach("dev=/dev/zero,name=z,ioctl=mine");
	snprintf(command, sizeof(command), "echo nonsense >%s/policy/mine.policy", fx_dir);
	assert_int_equal(system(command), 0);
	fx_front(1, devid, "feature-ioctl", "1");
	fx_front_ready(1, devid);
	for (i = 0; i < 3; i++) {
		fx_worker_take(1, IPC_CONNECT, &fd);
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &t, sizeof(t), 0), sizeof(t));
		assert_int_equal(t.command[0].number, 0x1234);
		assert_string_equal(t.class, "mine");
		/* A worker cannot change it for the next one. */
		assert_true(pwrite(fd, "x", 1, 0) < 0);
		assert_true(ftruncate(fd, 0) < 0);
		close(fd);
		fx_worker_say(1, IPC_UP, devid);
		fx_front_state(1, devid, XenbusStateClosed);
		fx_worker_take(1, IPC_DISCONNECT, NULL);
		fx_worker_say(1, IPC_DOWN, devid);
		fx_front_state(1, devid, XenbusStateInitialising);
		fx_front_state(1, devid, XenbusStateInitialised);
	}
}

static void no_policy(void **state)
{
	char sentence[FAULT_SIZE];
	struct fault f;

	(void)state;
	fx_domain(1, "g");
	assert_null(domain_attach(fx_dom(1), DEV ",ioctl=nope", ORIGIN_COMMAND, "test", &f));
	snprintf(sentence, sizeof(sentence),
		 "test: there is no policy 'nope' (in %s/policy, xen-backend/policy)", fx_dir);
	assert_string_equal(f.text, sentence);
	assert_int_equal(fx_dom(1)->nr_devices, 0);
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
}

/* --- capabilities ----------------------------------------------------- */

#define RAWIO	CAPS_BIT(17)
#define ADMIN	CAPS_BIT(21)

/* The worker is started with what all devices need, in whatever order they come. */
static void caps_of_all(void **state)
{
	(void)state;
	fx_config("g", "['dev=/dev/zero,name=a', 'dev=/dev/zero,name=b,ioctl=any,caps=sys_rawio', "
		  "'dev=/dev/zero,name=c,ioctl=any', "
		  "'dev=/dev/zero,name=d,ioctl=any,caps=sys_admin+sys_rawio']");
	fx_domain(1, "g");
	assert_int_equal(fx_dom(1)->nr_devices, 4);
	assert_true(fx_worker_caps(1) == (RAWIO | ADMIN));
	fx_domain(2, "h");
	fx_connected(2, DEV);
	assert_true(fx_worker_caps(2) == 0);
}

static void caps_later(void **state)
{
	struct device *d;
	struct fault f;
	uint32_t devid;
	pid_t pid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	pid = fx_worker_pid(1);
	assert_null(domain_attach(fx_dom(1), "dev=/dev/null,ioctl=any,caps=sys_rawio",
				  ORIGIN_COMMAND, "test", &f));
	assert_string_equal(f.text,
		"test: the guest's worker process runs without capability sys_rawio, and the guest "
		"uses another device: attach this one first, or list it in the guest's "
		"configuration");
	assert_int_equal(fx_worker_pid(1), pid);
	/* No more than it has is needed. */
	attach("dev=/dev/null,name=n1,ioctl=any");
	assert_int_equal(fx_worker_pid(1), pid);
	/* Nothing is in use: it is started anew, and the other device has its union. */
	fx_front_state(1, devid, XenbusStateClosed);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, devid);
	attach("dev=/dev/null,name=n2,ioctl=any,caps=sys_rawio");
	assert_int_not_equal(fx_worker_pid(1), pid);
	assert_true(fx_worker_caps(1) == RAWIO);
	fx_front_state(1, devid, XenbusStateInitialising);
	fx_front_ready(1, devid);
	fx_worker_take(1, IPC_CONNECT, NULL);
	fx_worker_say(1, IPC_UP, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateConnected);
	/* After a death as before. */
	fx_worker_die(1);
	d = domain_device_by_name(fx_dom(1), "n2");
	assert_non_null(d);
	fx_front_state(1, devid, XenbusStateClosed);
	fx_until(domain_device_by_name(fx_dom(1), "z"));
	assert_true(fx_worker_caps(1) == RAWIO);
}

/* As a module that is unloaded and loaded in the guest, a hundred times. */
static void module_reload(void **state)
{
	unsigned int nodes, watches, i;
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	nodes = fake_count(sup.xs);
	watches = fake_nr_watches(sup.xs);
	for (i = 0; i < 100; i++) {
		fx_front_state(1, devid, XenbusStateClosing);
		assert_int_equal(fx_worker_take(1, IPC_DISCONNECT, NULL).devid, devid);
		/* Grants may be ended at Closed only. */
		assert_int_equal(fx_back_state(1, devid), XenbusStateClosing);
		fx_worker_say(1, IPC_DOWN, devid);
		assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
		fx_front_state(1, devid, XenbusStateClosed);
		fx_front_state(1, devid, XenbusStateInitialising);
		if (i >= LIMIT_REVIVALS)
			fx_skip(LIMIT_REVIVAL_MS);
		assert_int_equal(fx_back_state(1, devid), XenbusStateInitWait);
		fx_front_state(1, devid, XenbusStateInitialised);
		fx_worker_take(1, IPC_CONNECT, NULL);
		fx_worker_say(1, IPC_UP, devid);
		assert_int_equal(fx_back_state(1, devid), XenbusStateConnected);
		fx_front_state(1, devid, XenbusStateConnected);
	}
	assert_int_equal(fake_count(sup.xs), nodes);
	assert_int_equal(fake_nr_watches(sup.xs), watches);
	assert_int_equal(fx_nr_spawned(), 1);
}

static void detach_in_order(void **state)
{
	char *before, *after;
	unsigned int watches;
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	before = fake_dump(sup.xs);
	watches = fake_nr_watches(sup.xs);
	devid = fx_connected(1, DEV);
	device_detach(fx_dev(1, devid));
	fx_settle();
	assert_string_equal(fx_back(1, devid, "online"), "0");
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosing);
	/* The front-end is still using it. */
	assert_false(fx_worker_has_message(1));
	fx_front_state(1, devid, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
	assert_non_null(fx_dev(1, devid));
	fx_front_state(1, devid, XenbusStateClosed);
	assert_null(fx_dev(1, devid));
	after = fake_dump(sup.xs);
	assert_string_equal(before, after);
	assert_int_equal(fake_nr_watches(sup.xs), watches);
	/* Without devices there is no worker. */
	assert_null(fx_dom(1)->worker);
	free(before);
	free(after);
}

/* No driver in the guest: nobody to wait for. */
static void detach_unused(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach(DEV);
	device_detach(fx_dev(1, devid));
	assert_null(fx_dev(1, devid));
	assert_int_equal(fx_back_state(1, devid), -1);
}

static void detach_by_force(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	device_detach(fx_dev(1, devid));
	fx_skip(LIMIT_DETACH_MS - 1000);
	assert_false(fx_worker_has_message(1));
	fx_skip(2000);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	assert_non_null(fx_dev(1, devid));
	fx_worker_say(1, IPC_DOWN, devid);
	assert_null(fx_dev(1, devid));
	assert_null(fake_get(sup.xs, "/local/domain/1/device/vsys/0"));
}

/* A number is not used again while a slow guest may take it for the old one. */
static void numbers_go_up(void **state)
{
	(void)state;
	fx_domain(1, "g");
	assert_int_equal(attach(DEV), 0);
	device_detach(fx_dev(1, 0));
	assert_int_equal(attach(DEV), 1);
	device_detach(fx_dev(1, 1));
	assert_int_equal(attach(DEV), 2);
}

static void attach_detach_loop(void **state)
{
	char *before, *after;
	unsigned int i;

	(void)state;
	fx_domain(1, "g");
	attach("dev=/dev/null,name=stays");
	before = fake_dump(sup.xs);
	for (i = 0; i < 100; i++) {
		uint32_t devid = fx_connected(1, DEV);

		device_detach(fx_dev(1, devid));
		fx_front_state(1, devid, XenbusStateClosing);
		fx_worker_take(1, IPC_DISCONNECT, NULL);
		fx_worker_say(1, IPC_DOWN, devid);
		fx_front_state(1, devid, XenbusStateClosed);
		assert_null(fx_dev(1, devid));
	}
	after = fake_dump(sup.xs);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void disturbed_transactions(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	fake_disturb(sup.xs, 5);
	devid = attach(DEV);
	assert_int_equal(fx_back_state(1, devid), XenbusStateInitWait);
	fake_disturb(sup.xs, 5);
	device_detach(fx_dev(1, devid));
	assert_int_equal(fx_back_state(1, devid), -1);
}

static void domain_ends(void)
{
	fake_remove(sup.xs, "/local/domain/1");
	fake_release(sup.xs, 1);
}

/* It must not leave a tree for a domain that is no more (rule 8). */
static void domain_ends_during_attach(void **state)
{
	struct fault f;

	(void)state;
	fx_domain(1, "g");
	fake_before_commit(sup.xs, domain_ends);
	assert_null(domain_attach(fx_dom(1), DEV, ORIGIN_COMMAND, "test", &f));
	assert_string_equal(f.text, "test: the domain does not exist any more");
	fx_settle();
	assert_null(fake_get(sup.xs, "/local/domain/1"));
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
	assert_null(fx_dom(1));
}

/* --- nonsense in the front-end's nodes -------------------------------- */

static void nonsense(void **state)
{
	static const struct {
		const char *key, *value, *sentence;
	} cases[] = {
		{ "version", NULL, "the front-end's node 'version' is missing" },
		{ "version", "2", "the front-end chose version 2, which was not offered" },
		{ "version", "1x", "the front-end's node 'version' is '1x', which is malformed" },
		{ "version", "", "the front-end's node 'version' is '', which is malformed" },
		{ "ring-page-order", "5",
		  "the front-end's node 'ring-page-order' is '5', which is out of range" },
		{ "ring-page-order", "-1",
		  "the front-end's node 'ring-page-order' is '-1', which is malformed" },
		{ "ring-page-order", "\033[2J",
		  "the front-end's node 'ring-page-order' is '?[2J', which is malformed" },
		{ "pool-pages", NULL, "the front-end's node 'pool-pages' is missing" },
		{ "pool-pages", "0",
		  "the front-end's node 'pool-pages' is '0', which is out of range" },
		{ "pool-pages", "4096",
		  "the front-end's node 'pool-pages' is '4096', which is out of range" },
		{ "pool-pages", "99999999999999999999",
		  "the front-end's node 'pool-pages' is '99999999999999999999', which is out of range" },
		{ "multi-queue-num-queues", "0",
		  "the front-end's node 'multi-queue-num-queues' is '0', which is out of range" },
		{ "multi-queue-num-queues", "9",
		  "the front-end's node 'multi-queue-num-queues' is '9', which is out of range" },
		{ "multi-queue-num-queues", "3",
		  "queue-2: the front-end's node 'event-channel' is missing" },
		{ "queue-1", NULL, "queue-1: the front-end's node 'event-channel' is missing" },
		{ "queue-0/ring-ref1", NULL,
		  "queue-0: the front-end's node 'ring-ref1' is missing" },
		{ "queue-0/ring-ref0", "0",
		  "queue-0: the front-end's node 'ring-ref0' is '0', which is out of range" },
		{ "queue-0/ring-ref0", "4294967296",
		  "queue-0: the front-end's node 'ring-ref0' is '4294967296', which is out of range" },
		{ "queue-1/event-channel", "131072",
		  "queue-1: the front-end's node 'event-channel' is '131072', which is out of range" },
		{ "queue-1/pool-ref", "0x10",
		  "queue-1: the front-end's node 'pool-ref' is '0x10', which is malformed" },
		{ "queue-1/pool-ref", "%s%n%s%n",
		  "queue-1: the front-end's node 'pool-ref' is '%s%n%s%n', which is malformed" },
	};
	size_t i;

	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/null,name=other");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t devid = attach(DEV);

		fx_front_ready(1, devid);
		/* Undo what connecting did, then change one node. */
		fx_worker_take(1, IPC_CONNECT, NULL);
		fx_worker_say(1, IPC_UP, devid);
		fx_front_state(1, devid, XenbusStateClosing);
		fx_worker_take(1, IPC_DISCONNECT, NULL);
		fx_worker_say(1, IPC_DOWN, devid);
		fx_front_state(1, devid, XenbusStateInitialising);
		fx_front(1, devid, cases[i].key, cases[i].value);
		fx_front_state(1, devid, XenbusStateInitialised);
		expect_failed(devid, cases[i].sentence);
		assert_false(fx_worker_has_message(1));
		/* The other device has not noticed. */
		assert_int_equal(fx_back_state(1, 0), XenbusStateConnected);
		fx_front_state(1, devid, XenbusStateClosed);
		device_detach(fx_dev(1, devid));
		assert_null(fx_dev(1, devid));
		assert_null(fx_error(1, devid));
	}
}

static void nul_inside(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach(DEV);
	fake_put_bytes(sup.xs, "/local/domain/1/device/vsys/0/version", "1\0002", 3);
	fx_front_state(1, devid, XenbusStateInitialised);
	expect_failed(devid, "the front-end's node 'version' cannot be read: Invalid argument");
}

static void nonsense_states(void **state)
{
	static const char *const values[] = { "9", "-1", "", "4x", "7", "04", "99999999999999" };
	size_t i;

	(void)state;
	fx_domain(1, "g");
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint32_t devid = attach(DEV);

		fx_front(1, devid, "state", values[i]);
		fx_settle();
		expect_failed(devid, "the front-end's state is none that it may have");
		fx_front_state(1, devid, XenbusStateClosed);
		device_detach(fx_dev(1, devid));
	}
	{
		uint32_t devid = attach(DEV);

		fx_front_state(1, devid, XenbusStateConnected);
		expect_failed(devid, "the front-end said Connected without a connection");
	}
}

/* A device that failed stays so until it is detached and attached. */
static void failed_stays_closed(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach(DEV);
	fx_front_state(1, devid, XenbusStateConnected);
	expect_failed(devid, "the front-end said Connected without a connection");
	fx_front_state(1, devid, XenbusStateClosed);
	fx_front_state(1, devid, XenbusStateInitialising);
	fx_front_ready(1, devid);
	expect_failed(devid, "the front-end said Connected without a connection");
	assert_false(fx_worker_has_message(1));
	fx_front_state(1, devid, XenbusStateClosed);
	device_detach(fx_dev(1, devid));
	assert_null(fx_dev(1, devid));
	fx_connected(1, DEV);
}

/* The guest removes its own directory. */
static void front_gone(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	fake_remove(sup.xs, "/local/domain/1/device/vsys/0");
	fx_settle();
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
	device_detach(fx_dev(1, devid));
	assert_null(fx_dev(1, devid));
}

/* --- out of order ----------------------------------------------------- */

/* Changes that are seen as one: Connected, and ready again. */
static void front_starts_over(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	fx_front(1, devid, "state", "6");
	fx_front(1, devid, "state", "1");
	fx_front_state(1, devid, XenbusStateInitialised);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, devid);
	fx_worker_take(1, IPC_CONNECT, NULL);
	/* Closed in between would look like an end to it. */
	assert_int_equal(fx_back_state(1, devid), XenbusStateInitWait);
	fx_worker_say(1, IPC_UP, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateConnected);
}

static void front_closes_while_connecting(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach(DEV);
	fx_front_ready(1, devid);
	fx_front_state(1, devid, XenbusStateClosing);
	fx_worker_take(1, IPC_CONNECT, NULL);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	/* The answers cross the second order. */
	fx_worker_say(1, IPC_UP, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosing);
	fx_worker_say(1, IPC_DOWN, devid);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
}

/* Failure and ordinary removal at once: teardown happens once (rules 11, 19). */
static void failure_crosses_detach(void **state)
{
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	device_detach(fx_dev(1, devid));
	fx_front_state(1, devid, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_FAILED, devid);
	assert_int_equal(fx_dev(1, devid)->state, DEV_DISCONNECTING);
	fx_worker_say(1, IPC_DOWN, devid);
	fx_front_state(1, devid, XenbusStateClosed);
	assert_null(fx_dev(1, devid));
	assert_int_equal(fx_back_state(1, devid), -1);
}

static void worker_reports_violation(void **state)
{
	struct vsys_ipc msg = { .type = IPC_FAILED, .u.failed.reason = "queue 0: id 77 is in use" };
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/null,name=other");
	msg.devid = devid = fx_connected(1, DEV);
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
	expect_failed(devid, "queue 0: id 77 is in use");
	assert_int_equal(fx_back_state(1, 0), XenbusStateConnected);
	/* Then it is removed as any other. */
	device_detach(fx_dev(1, devid));
	fx_front_state(1, devid, XenbusStateClosed);
	assert_null(fx_dev(1, devid));
	assert_false(fx_worker_has_message(1));
}

static void worker_does_not_disconnect(void **state)
{
	uint32_t devid;
	pid_t pid;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	pid = fx_worker_pid(1);
	device_detach(fx_dev(1, devid));
	fx_front_state(1, devid, XenbusStateClosed);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_skip(LIMIT_DOWN_MS + 1);
	fx_until(!fx_process_lives(pid));
	fx_until(!fx_dev(1, devid));
}

/* --- storms (rule 7) -------------------------------------------------- */

static void event_storm(void **state)
{
	const unsigned long looks = 1000 / LIMIT_XS_BURST;
	unsigned long calls;
	uint32_t devid;
	int i;

	(void)state;
	fx_domain(1, "g");
	devid = fx_connected(1, DEV);
	calls = fake_nr_calls(sup.xs);
	for (i = 0; i < 1000; i++)
		fx_front(1, devid, "state", "4");
	fx_settle();
	/* One look at the state in a turn, not a thousand. */
	assert_true(fake_nr_calls(sup.xs) - calls <= looks + 2);
	for (i = 0; i < 1000; i++)
		fx_front(1, devid, "state/x", "4");
	fx_settle();
	assert_true(fake_nr_calls(sup.xs) - calls <= 2 * (looks + 2));
	assert_int_equal(fx_back_state(1, devid), XenbusStateConnected);
}

/* Connecting is expensive: not as often as the guest likes. */
static void connect_storm(void **state)
{
	unsigned int connects = 0, i;
	uint32_t devid;

	(void)state;
	fx_domain(1, "g");
	devid = attach(DEV);
	fx_front_ready(1, devid);
	for (i = 0; i < 100; i++) {
		if (!fx_worker_has_message(1))
			break;
		fx_worker_take(1, IPC_CONNECT, NULL);
		connects++;
		fx_front_state(1, devid, XenbusStateClosed);
		fx_worker_take(1, IPC_DISCONNECT, NULL);
		fx_worker_say(1, IPC_UP, devid);
		fx_worker_say(1, IPC_DOWN, devid);
		fx_front_state(1, devid, XenbusStateInitialised);
	}
	assert_true(connects > LIMIT_REVIVALS && connects < 100);
	/* It is late, not refused. */
	fx_skip(LIMIT_REVIVAL_MS + 1);
	fx_worker_take(1, IPC_CONNECT, NULL);
}

/* Not even to and fro without a connection. */
static void revival_storm(void **state)
{
	unsigned long calls;
	uint32_t devid;
	unsigned int i;

	(void)state;
	fx_domain(1, "g");
	devid = attach(DEV);
	for (i = 0; i < 2 * LIMIT_REVIVALS; i++) {
		fx_front_state(1, devid, XenbusStateClosed);
		fx_front_state(1, devid, XenbusStateInitialising);
	}
	calls = fake_nr_calls(sup.xs);
	for (i = 0; i < 100; i++) {
		fx_front_state(1, devid, XenbusStateClosed);
		fx_front_state(1, devid, XenbusStateInitialising);
	}
	/* One read for each; now and then a revival that time has earned. */
	assert_true(fake_nr_calls(sup.xs) - calls < 200 + 20);
	fx_skip(LIMIT_REVIVAL_MS + 1);
	assert_int_equal(fx_back_state(1, devid), XenbusStateInitWait);
}

static void too_many_devices(void **state)
{
	char stanza[64];
	struct fault f;
	int i;

	(void)state;
	fx_domain(1, "g");
	for (i = 0; i < LIMIT_DEVICES; i++) {
		snprintf(stanza, sizeof(stanza), "dev=/dev/zero,name=z%d", i);
		assert_non_null(domain_attach(fx_dom(1), stanza, ORIGIN_COMMAND, "test", &f));
	}
	assert_null(domain_attach(fx_dom(1), DEV, ORIGIN_COMMAND, "test", &f));
	assert_string_equal(f.text, "test: the guest has 256 devices already");
}

static void names(void **state)
{
	struct fault f;

	(void)state;
	fx_domain(1, "g");
	attach("dev=/dev/zero,name=a/b");
	assert_null(domain_attach(fx_dom(1), "dev=/dev/null,name=a/b", ORIGIN_COMMAND, "test", &f));
	assert_string_equal(f.text,
			    "test: the guest has a device with the name 'a/b' (/dev/zero) already");
	assert_null(domain_attach(fx_dom(1), "dev=/dev/null,name=a", ORIGIN_COMMAND, "test", &f));
	assert_null(domain_attach(fx_dom(1), "dev=/dev/null,name=a/b/c", ORIGIN_COMMAND, "test", &f));
	assert_string_equal(f.text,
			    "test: the names 'a/b/c' and 'a/b' (/dev/zero) cannot be in one guest");
	attach("dev=/dev/null,name=a/bc");
}

/* Any order of anything: no crash, no state that cannot be left. */
static void random_walk(void **state)
{
	static const char *const states[] = { "0", "1", "2", "3", "4", "5", "6", "7", "x" };
	unsigned int seed, step;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		unsigned int r = seed;

		fx_domain(seed, "g");
		for (step = 0; step < 60; step++) {
			struct domain *dom = fx_dom(seed);
			struct device *d = TAILQ_FIRST(&dom->devices);
			struct fault f;

			if (!d) {
				d = domain_attach(dom, DEV, ORIGIN_COMMAND, "test", &f);
				if (!d) {
					dom->down = false;
					memset(dom->deaths, 0, sizeof(dom->deaths));
					continue;
				}
				loop_turn(sup.loop, 0);
				fx_front_ready(seed, d->devid);
			}
			switch (rand_r(&r) % 12) {
			case 0:
				device_detach(d);
				break;
			case 1:
				fx_skip(LIMIT_DETACH_MS);
				break;
			case 2: {
				uint32_t type = d->state == DEV_CONNECTING ? IPC_UP :
						d->state == DEV_DISCONNECTING ? IPC_DOWN : 0;

				if (type)
					fx_worker_say(seed, type, d->devid);
				break;
			}
			case 3:
				if (device_is_active(d))
					fx_worker_say(seed, IPC_FAILED, d->devid);
				break;
			case 4:
				if (dom->worker && rand_r(&r) % 4 == 0)
					fx_worker_die(seed);
				break;
			case 5:
				fx_front(seed, d->devid, "state", NULL);
				break;
			default:
				fx_front(seed, d->devid, "state",
					 states[rand_r(&r) % (sizeof(states) / sizeof(states[0]))]);
			}
			loop_turn(sup.loop, 0);
		}
		fx_domain_gone(seed);
		assert_null(fx_dom(seed));
		assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
		assert_null(fake_get(sup.xs, "/local/domain/0/error/backend/vsys"));
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(published_nodes), T(shown_again), T(not_shown_again), T(permissions), T(connect_message), T(features),
		T(policy_comes_along), T(no_policy), T(caps_of_all), T(caps_later), T(module_reload),
		T(detach_in_order), T(detach_unused), T(detach_by_force), T(numbers_go_up),
		T(attach_detach_loop), T(disturbed_transactions), T(domain_ends_during_attach),
		T(nonsense), T(nul_inside), T(nonsense_states), T(failed_stays_closed),
		T(front_gone), T(front_starts_over), T(front_closes_while_connecting),
		T(failure_crosses_detach), T(worker_reports_violation),
		T(worker_does_not_disconnect), T(event_storm), T(connect_storm), T(revival_storm),
		T(too_many_devices), T(names), T(random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
