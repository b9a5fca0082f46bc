/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-domain.c - domains that come, get names, reboot and go; daemons that end
 * and start.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor-fixture.h"

static void configured(void **state)
{
	(void)state;
	fx_config("g", "['dev=/dev/zero,name=z,mode=ro', 'dev=/dev/null']");
	fx_domain(1, "g");
	assert_string_equal(fx_back(1, 0, "name"), "z");
	assert_string_equal(fx_back(1, 0, "mode"), "ro");
	assert_string_equal(fx_back(1, 1, "name"), "null");
	assert_int_equal(fx_dom(1)->nr_faults, 0);
}

/* Rule 20: a guest that nobody lists anything for gets nothing. */
static void not_listed(void **state)
{
	(void)state;
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, "other");
	fx_domain(2, "G");
	assert_int_equal(fx_dom(1)->nr_devices + fx_dom(2)->nr_devices, 0);
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
	assert_int_equal(fx_nr_spawned(), 0);
	/* The domain of the back-end is no guest. */
	assert_null(fx_dom(0));
}

/* Rule 7: a guest that writes without end delays others by a turn, not for ever. */
static void storm_of_events(void **state)
{
	char path[XST_PATH];
	uint32_t devid;
	int turns = 0;

	(void)state;
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, "g");
	devid = TAILQ_FIRST(&fx_dom(1)->devices)->devid;
	snprintf(path, sizeof(path), "/local/domain/1/device/vsys/%u/state", devid);
	for (int i = 0; i < 20 * LIMIT_XS_BURST; i++)
		fake_put(sup.xs, path, "1");
	while (fake_has_events(sup.xs)) {
		assert_true(loop_turn(sup.loop, 0) >= 0);
		turns++;
	}
	assert_in_range(turns, 20, 40);
}

static void name_comes_later(void **state)
{
	(void)state;
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, NULL);
	assert_non_null(fx_dom(1));
	assert_int_equal(fx_dom(1)->nr_devices, 0);
	fake_put(sup.xs, "/local/domain/1/name", "g");
	fx_settle();
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	/* A new name of a guest that has its devices changes nothing. */
	fx_config("h", "['dev=/dev/null']");
	fake_put(sup.xs, "/local/domain/1/name", "h");
	fx_settle();
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	assert_string_equal(fx_dom(1)->name, "h");
}

static void migrates_in(void **state)
{
	(void)state;
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, "g--incoming");
	assert_int_equal(fx_dom(1)->nr_devices, 0);
	fake_put(sup.xs, "/local/domain/1/name", "g");
	fx_settle();
	assert_int_equal(fx_dom(1)->nr_devices, 1);
}

static void reboot(void **state)
{
	(void)state;
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, "g");
	fx_domain_gone(1);
	assert_null(fx_dom(1));
	fx_config("g", "['dev=/dev/zero', 'dev=/dev/null']");
	fx_domain(2, "g");
	assert_int_equal(fx_dom(2)->nr_devices, 2);
}

/* One bad stanza is not in the way of the others; each has one sentence. */
static void faults(void **state)
{
	static const char *const sentences[] = {
		":2: vsys[0]: unknown key 'foo' (known: dev, mode, name, ioctl, payload, caps, numbers, exclusive, ioport, irq)",
		":2: vsys[1]: key 'dev' or 'ioport' is missing",
		":2: vsys[2]: dev '/dev/nope' does not exist",
		":2: vsys[3]: dev '/etc' is not a device node",
		":2: vsys[5]: the guest has a device with the name 'z' (/dev/zero) already",
		":2: vsys[6]: is not a string",
	};
	unsigned int i;

	(void)state;
	fx_config("g", "['dev=/dev/null,foo=1', 'mode=rw', 'dev=/dev/nope', 'dev=/etc,name=x', "
		  "'dev=/dev/zero,name=z', 'dev=/dev/null,name=z', ['dev=/dev/null'], "
		  "'dev=/dev/full']");
	fx_domain(1, "g");
	assert_int_equal(fx_dom(1)->nr_devices, 2);
	assert_string_equal(fx_back(1, 0, "name"), "z");
	assert_string_equal(fx_back(1, 1, "name"), "full");
	assert_int_equal(fx_dom(1)->nr_faults, sizeof(sentences) / sizeof(sentences[0]));
	for (i = 0; i < fx_dom(1)->nr_faults; i++) {
		char want[512];

		snprintf(want, sizeof(want), "%s/etc/g.cfg%s", fx_dir, sentences[i]);
		assert_string_equal(fx_dom(1)->faults[i], want);
	}
}

static void many_faults(void **state)
{
	char vsys[4096] = "[";
	int i;

	(void)state;
	for (i = 0; i < 2 * LIMIT_FAULTS; i++)
		strcat(vsys, "'x', ");
	strcat(vsys, "'dev=/dev/zero']");
	fx_config("g", vsys);
	fx_domain(1, "g");
	assert_int_equal(fx_dom(1)->nr_faults, LIMIT_FAULTS);
	assert_int_equal(fx_dom(1)->nr_devices, 1);
}

static void broken_file(void **state)
{
	(void)state;
	fx_config("aaa", "[[[");
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, "aaa");
	fx_domain(2, "g");
	assert_int_equal(fx_dom(1)->nr_devices, 0);
	assert_int_equal(fx_dom(2)->nr_devices, 1);
}

/* --- the end of a domain (rule 8) ------------------------------------- */

static void all_gone(void **state)
{
	char *before, *after;
	unsigned int watches;
	pid_t pid;

	(void)state;
	before = fake_dump(sup.xs);
	watches = fake_nr_watches(sup.xs);
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/zero,name=a");
	fx_connected(1, "dev=/dev/zero,name=b");
	fx_front_state(1, 1, 9);		/* leaves an error node */
	pid = fx_worker_pid(1);
	fx_domain_gone(1);
	after = fake_dump(sup.xs);
	assert_string_equal(before, after);
	assert_int_equal(fake_nr_watches(sup.xs), watches);
	assert_int_equal(sup.nr_domains, 0);
	/* The socket is closed: a worker ends by itself, or else by force. */
	fx_skip(LIMIT_EXIT_MS + 1);
	fx_until(!fx_process_lives(pid));
	fx_until(LIST_EMPTY(&sup.workers));
	free(before);
	free(after);
}

/* Shut down, but there: released is what is no more. */
static void only_shut_down(void **state)
{
	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/zero,name=a");
	fx_domain(2, "h");
	fx_domain_gone(2);
	assert_int_equal(fx_back_state(1, 0), XenbusStateConnected);
}

/* The same number, between two looks: nothing of the old one stays. */
static void number_used_again(void **state)
{
	char path[] = "/local/domain/1";
	uint64_t serial;

	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/zero,name=secret");
	serial = fx_dom(1)->serial;
	fake_remove(sup.xs, path);
	fake_put(sup.xs, "/local/domain/1/vm", "/vm/another");
	fake_put(sup.xs, "/local/domain/1/name", "other");
	fake_release(sup.xs, 1);
	fake_introduce(sup.xs, 1);
	fx_settle();
	assert_non_null(fx_dom(1));
	assert_int_not_equal(fx_dom(1)->serial, serial);
	assert_int_equal(fx_dom(1)->nr_devices, 0);
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
}

/* An event of a device that is no more, for one that has its number now. */
static void stale_event(void **state)
{
	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/zero,name=a");
	/* The event is on its way when the domain goes. */
	fx_front(1, 0, "state", "5");
	fake_remove(sup.xs, "/local/domain/1");
	fake_release(sup.xs, 1);
	fake_put(sup.xs, "/local/domain/1/vm", "/vm/another");
	fake_introduce(sup.xs, 1);
	fx_settle();
	assert_int_equal(fx_dom(1)->nr_devices, 0);
}

static void many_domains(void **state)
{
	uint32_t domid;

	(void)state;
	fx_config("g", "['dev=/dev/zero']");
	for (domid = 1; domid <= 50; domid++)
		fx_domain(domid, "g");
	assert_int_equal(sup.nr_domains, 50);
	assert_int_equal(fx_nr_spawned(), 50);
	for (domid = 50; domid; domid--)
		fx_domain_gone(domid);
	assert_int_equal(sup.nr_domains, 0);
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
}

/* However many there are, one more costs what the first did. */
static void cost_of_one_more(void **state)
{
	unsigned long before, first = 0, last = 0;
	uint32_t domid;

	(void)state;
	for (domid = 1; domid <= 60; domid++) {
		before = fake_nr_calls(sup.xs);
		fx_domain(domid, NULL);
		last = fake_nr_calls(sup.xs) - before;
		if (domid == 1)
			first = last;
	}
	assert_int_equal(sup.nr_domains, 60);
	assert_int_equal(last, first);
}

/* --- daemons that end and start --------------------------------------- */

static void stop_closes_devices(void **state)
{
	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/zero,name=a");
	sup.stopping = true;
	device_shut(fx_dev(1, 0));
	fx_settle();
	assert_int_equal(fx_back_state(1, 0), XenbusStateClosing);
	fx_front_state(1, 0, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, 0);
	assert_int_equal(fx_back_state(1, 0), XenbusStateClosed);
	fx_front_state(1, 0, XenbusStateClosed);
	assert_null(fx_dev(1, 0));
	/* The nodes are the next one's to remove. */
	assert_string_equal(fx_back(1, 0, "online"), "0");
}

/*
 * Attached by hand or by the configuration: both come again, with other numbers,
 * also if the daemon had no time to say good-bye.
 */
static void restart(bool crash)
{
	fx_config("g", "['dev=/dev/zero']");
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/null,name=hand,mode=ro");
	if (!crash) {
		/* So that nobody waits for it. */
		fx_front_state(1, 1, XenbusStateClosing);
		fx_worker_say(1, IPC_DOWN, 1);
		fx_front_state(1, 1, XenbusStateClosed);
	}
	fx_restart(crash);
	assert_int_equal(fx_dom(1)->nr_devices, 2);
	assert_int_equal(fx_back_state(1, 0), -1);
	assert_int_equal(fx_back_state(1, 1), -1);
	assert_null(fake_get(sup.xs, "/local/domain/1/device/vsys/0"));
	assert_null(fake_get(sup.xs, "/local/domain/1/device/vsys/1"));
	assert_string_equal(fx_back(1, 2, "name"), "zero");
	assert_string_equal(fx_back(1, 3, "name"), "hand");
	assert_string_equal(fx_back(1, 3, "mode"), "ro");
	assert_string_equal(fake_get(sup.xs, "/local/domain/1/device/vsys/2/state"), "1");
	/* And once more. */
	fx_restart(true);
	assert_int_equal(fx_dom(1)->nr_devices, 2);
	assert_string_equal(fx_back(1, 5, "name"), "hand");
}

static void restart_after_order(void **state)
{
	(void)state;
	restart(false);
}

static void restart_after_crash(void **state)
{
	(void)state;
	restart(true);
}

/* Linux looks at device/vsys/N, not at device/vsys. */
static void guest_sees_each_device_go(void **state)
{
	static const char *const paths[] = {
		"/local/domain/1/device/vsys/0", "/local/domain/1/device/vsys/1",
	};
	size_t i;

	(void)state;
	fx_domain(1, "g");
	fx_connected(1, "dev=/dev/zero,name=a");
	fx_connected(1, "dev=/dev/zero,name=b");
	fx_stop(true);
	fake_trace_removals(sup.xs);
	fx_start();
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_true(fake_was_removed(sup.xs, paths[i]));
}

static void detached_is_not_recorded(void **state)
{
	struct fault f;

	(void)state;
	fx_domain(1, "g");
	domain_attach(fx_dom(1), "dev=/dev/null,name=a", ORIGIN_COMMAND, "test", &f);
	domain_attach(fx_dom(1), "dev=/dev/null,name=b", ORIGIN_COMMAND, "test", &f);
	device_detach(fx_dev(1, 0));
	fx_restart(true);
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	assert_string_equal(fx_back(1, 2, "name"), "b");
}

/* What was attached to a domain is not given to a later one of that number. */
static void record_of_another(void **state)
{
	struct fault f;

	(void)state;
	fx_domain(1, "g");
	domain_attach(fx_dom(1), "dev=/dev/null,name=a", ORIGIN_COMMAND, "test", &f);
	fake_put(sup.xs, "/local/domain/1/vm", "/vm/another");
	fx_restart(true);
	assert_int_equal(fx_dom(1)->nr_devices, 0);
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
}

static void leftovers_of_the_dead(void **state)
{
	(void)state;
	fake_put(sup.xs, "/local/domain/0/backend/vsys/7/0/state", "4");
	fake_put(sup.xs, "/local/domain/0/backend/vsys/7/3/state", "4");
	fake_put(sup.xs, "/local/domain/0/error/backend/vsys/7/0/error", "x");
	fx_restart(true);
	assert_null(fake_get(sup.xs, "/local/domain/0/backend/vsys"));
	assert_null(fake_get(sup.xs, "/local/domain/0/error"));
	assert_null(fake_get(sup.xs, "/local/domain/7"));
}

static struct stat file_of_record(uint32_t domid)
{
	struct stat st = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/%u", sup.record_path, domid);
	stat(path, &st);
	return st;
}

/* A guest's changes leave what is recorded of others alone. */
static void record_of_each(void **state)
{
	struct stat before;
	struct fault f;

	(void)state;
	fx_domain(1, "g");
	fx_domain(2, "h");
	assert_non_null(domain_attach(fx_dom(1), "dev=/dev/null,name=a", ORIGIN_COMMAND, "t", &f));
	before = file_of_record(1);
	assert_int_not_equal(before.st_size, 0);
	assert_non_null(domain_attach(fx_dom(2), "dev=/dev/null,name=b", ORIGIN_COMMAND, "t", &f));
	assert_non_null(domain_attach(fx_dom(2), "dev=/dev/zero,name=c", ORIGIN_COMMAND, "t", &f));
	device_detach(fx_dev(2, 0));
	fx_settle();
	assert_int_equal(file_of_record(1).st_ino, before.st_ino);
	fx_restart(true);
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	assert_int_equal(fx_dom(2)->nr_devices, 1);
	device_detach(TAILQ_FIRST(&fx_dom(2)->devices));
	fx_settle();
	assert_int_equal(file_of_record(2).st_ino, 0);
	fx_domain_gone(1);
	assert_int_equal(file_of_record(1).st_ino, 0);
}

/* Earlier versions had one file for all. */
static void record_in_one_file(void **state)
{
	FILE *file;

	(void)state;
	fx_domain(1, "g");
	fx_domain(2, "h");
	fx_stop(true);
	assert_int_equal(rmdir(sup.record_path), 0);
	file = fopen(sup.record_path, "w");
	assert_non_null(file);
	fputs("1 /vm/00000001 dev=/dev/null%2cname=a\n2 /vm/00000002 dev=/dev/null%2cname=b\n", file);
	fclose(file);
	fx_start();
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	assert_int_equal(fx_dom(2)->nr_devices, 1);
	fx_restart(true);
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	assert_int_equal(fx_dom(2)->nr_devices, 1);
}

static void damaged_record(void **state)
{
	static const char *const lines[] = {
		"", " ", "1", "1 /vm/00000001", "x /vm/00000001 dev=/dev/null",
		"1 /vm/00000001 dev=/dev/null%2cname=%zz", "1 /vm/00000001 garbage",
		"99999999999 /vm/00000001 dev=/dev/null%2cname=n",
		"1 /vm/00000001 dev=/dev/null%2cname=good",
	};
	char path[128];
	FILE *file;
	size_t i;

	(void)state;
	fx_domain(1, "g");
	fx_restart(true);
	snprintf(path, sizeof(path), "%s/1", sup.record_path);
	file = fopen(path, "w");
	assert_non_null(file);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(file, "%s\n", lines[i]);
	fclose(file);
	fx_restart(true);
	assert_int_equal(fx_dom(1)->nr_devices, 1);
	assert_string_equal(TAILQ_FIRST(&fx_dom(1)->devices)->stanza.name, "good");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configured), T(not_listed), T(storm_of_events),
		T(name_comes_later), T(migrates_in), T(reboot),
		T(faults), T(many_faults), T(broken_file), T(all_gone), T(only_shut_down),
		T(number_used_again), T(stale_event), T(many_domains), T(cost_of_one_more),
		T(stop_closes_devices),
		T(restart_after_order), T(restart_after_crash), T(guest_sees_each_device_go),
		T(detached_is_not_recorded),
		T(record_of_another), T(record_of_each), T(record_in_one_file),
		T(leftovers_of_the_dead), T(damaged_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
