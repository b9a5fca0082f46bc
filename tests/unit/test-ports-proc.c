// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-ports-proc.c - ranges of ports in the supervisor: to whom they are lent, and
 * the life of their executors, for which processes stand that only wait.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor-fixture.h"

#define PORTS "ioport=0x300-0x31f,name=ne0,irq=5"

static uint32_t attach(uint32_t domid, const char *stanza)
{
	struct fault f;
	struct device *d = domain_attach(fx_dom(domid), stanza, ORIGIN_COMMAND, "test", &f);

	assert_non_null(d);
	fx_settle();
	return d->devid;
}

static void refuses(uint32_t domid, const char *stanza, const char *sentence)
{
	struct fault f;

	assert_null(domain_attach(fx_dom(domid), stanza, ORIGIN_COMMAND, "test", &f));
	assert_string_equal(f.text, sentence);
}

static void front_ready(uint32_t domid, uint32_t devid, const char *batch, const char *queues)
{
	fx_front(domid, devid, "version", "1");
	fx_front(domid, devid, "pool-pages", "64");
	fx_front(domid, devid, "multi-queue-num-queues", queues);
	fx_front(domid, devid, "feature-port-batch", batch);
	fx_front(domid, devid, "queue-0/ring-ref0", "100");
	fx_front(domid, devid, "queue-0/event-channel", "20");
	fx_front(domid, devid, "queue-0/pool-ref", "200");
	fx_front_state(domid, devid, XenbusStateInitialised);
}

/* The other end of what the worker got is the executor's. */
static void are_connected(int a, int b)
{
	struct pollfd p = { .fd = b, .events = POLLIN };
	char byte = 'x';

	assert_int_equal(write(a, &byte, 1), 1);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(read(b, &byte, 1), 1);
}

/* The executor's process. */
static pid_t connected(uint32_t domid, uint32_t devid)
{
	unsigned int nr = fx_nr_executors();
	struct vsys_ipc msg;
	int fd;

	front_ready(domid, devid, "1", "1");
	msg = fx_worker_take(domid, IPC_CONNECT, &fd);
	assert_int_equal(msg.devid, devid);
	assert_int_equal(msg.u.connect.ports, 1);
	assert_int_equal(msg.u.connect.port_first, 0x300);
	assert_int_equal(msg.u.connect.port_last, 0x31f);
	assert_int_equal(msg.u.connect.ioctl, 0);
	assert_int_equal(msg.u.connect.poll, 0);
	assert_int_equal(msg.u.connect.nr_queues, 1);
	assert_int_equal(fx_nr_executors(), nr + 1);
	assert_int_equal(fx_executor_ports()->first, 0x300);
	assert_int_equal(fx_executor_ports()->last, 0x31f);
	assert_true(fd >= 0);
	are_connected(fd, fx_executor_socket());
	close(fd);
	/* The supervisor keeps none of both ends; the process that waits lets go of its own. */
	fx_until(recv(fx_executor_socket(), &fd, 1, MSG_DONTWAIT) == 0);
	fx_worker_say(domid, IPC_UP, devid);
	assert_int_equal(fx_back_state(domid, devid), XenbusStateConnected);
	fx_front_state(domid, devid, XenbusStateConnected);
	assert_true(fx_process_lives(fx_executor_pid()));
	return fx_executor_pid();
}

static void published(void **state)
{
	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	assert_string_equal(fx_back(1, 0, "class"), "ports");
	assert_string_equal(fx_back(1, 0, "name"), "ne0");
	assert_string_equal(fx_back(1, 0, "port-first"), "768");
	assert_string_equal(fx_back(1, 0, "port-last"), "799");
	assert_string_equal(fx_back(1, 0, "irq"), "5");
	assert_string_equal(fx_back(1, 0, "feature-port-batch"), "1");
	assert_string_equal(fx_back(1, 0, "feature-ioctl"), "0");
	assert_string_equal(fx_back(1, 0, "feature-poll"), "0");
	assert_string_equal(fx_back(1, 0, "multi-queue-max-queues"), "1");
	attach(1, "ioport=0x320-0x33f,name=ne1");
	assert_null(fx_back(1, 1, "irq"));
	attach(1, "dev=/dev/zero,name=z");
	assert_null(fx_back(1, 2, "port-first"));
	assert_null(fx_back(1, 2, "feature-port-batch"));
	/* By what it is called here, too. */
	assert_ptr_equal(domain_find_device(fx_dom(1), "0x320-0x33f"), fx_dev(1, 1));
	assert_int_equal(fx_nr_executors(), 0);
}

static void interrupt(void **state)
{
	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	assert_int_equal(fx_irqs_lent(), 1);
	assert_string_equal(fx_back(1, 0, "irq"), "5");
	assert_string_equal(fx_back(1, 0, "pirq"), "21");
	attach(1, "ioport=0x320-0x33f,name=ne1");
	assert_int_equal(fx_irqs_lent(), 1);
	assert_null(fx_back(1, 1, "pirq"));
	/* Lent twice it would be taken from both. */
	attach(1, "ioport=0x340-0x35f,name=ne2,irq=5");
	assert_int_equal(fx_irqs_lent(), 1);
	assert_null(fx_back(1, 2, "pirq"));
	device_detach(fx_dev(1, 0));
	fx_until(!fx_dev(1, 0));
	assert_int_equal(fx_irqs_lent(), 0);

	/* The ports are lent all the same. */
	fx_refuse_irqs(true);
	attach(1, PORTS);
	fx_refuse_irqs(false);
	assert_string_equal(fx_back(1, 3, "irq"), "5");
	assert_null(fx_back(1, 3, "pirq"));
	device_detach(fx_dev(1, 3));
	fx_until(!fx_dev(1, 3));
	assert_int_equal(fx_irqs_lent(), 0);
}

static void lent_to_one(void **state)
{
	(void)state;
	fx_domain(1, "one");
	fx_domain(2, "two");
	attach(1, PORTS);
	refuses(2, PORTS, "test: ioport '0x300-0x31f' overlaps 0x300-0x31f, lent to domain 1 (one)");
	refuses(2, "ioport=0x2f0-0x300,name=a",
		"test: ioport '0x2f0-0x300' overlaps 0x300-0x31f, lent to domain 1 (one)");
	refuses(2, "ioport=0x31f-0x31f,name=a",
		"test: ioport '0x31f-0x31f' overlaps 0x300-0x31f, lent to domain 1 (one)");
	refuses(2, "ioport=0x2f0-0x3a0,name=a",
		"test: ioport '0x2f0-0x3a0' overlaps 0x300-0x31f, lent to domain 1 (one)");
	refuses(1, "ioport=0x308-0x30f,name=a",
		"test: ioport '0x308-0x30f' overlaps 0x300-0x31f, lent to domain 1 (one)");
	attach(2, "ioport=0x320-0x33f,name=a");
	attach(2, "ioport=0x2e0-0x2ff,name=b");
	/* Nodes are another matter. */
	attach(2, "dev=/dev/zero,name=z,exclusive=attach");
	refuses(1, "ioport=0x33f-0x340,name=a",
		"test: ioport '0x33f-0x340' overlaps 0x320-0x33f, lent to domain 2 (two)");
	device_detach(fx_dev(1, 0));
	fx_settle();
	assert_null(fx_dev(1, 0));
	attach(2, "ioport=0x300-0x31f,name=c");
	refuses(2, "ioport=0xcf8-0xcff,name=d",
		"test: ioport '0xcf8-0xcff' is refused: port 0xcf8 is that of the PCI configuration, which moves and starts every device");
}

static void connects(void **state)
{
	struct vsys_ipc msg = { .type = IPC_OPEN, .u.open.cookie = 9 };
	pid_t first, second;

	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	first = connected(1, 0);
	/* There is nothing to open. */
	fx_worker_send(1, &msg, sizeof(msg));
	assert_int_equal(fx_worker_take(1, IPC_OPENED, NULL).u.open.error, -ENXIO);
	/* Until the worker holds nothing any more. */
	fx_front_state(1, 0, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	assert_true(fx_process_lives(first));
	fx_worker_say(1, IPC_DOWN, 0);
	assert_false(fx_process_lives(first));
	assert_false(fx_dev(1, 0)->failed);
	/* Once more. */
	fx_front_state(1, 0, XenbusStateInitialising);
	second = connected(1, 0);
	device_detach(fx_dev(1, 0));
	fx_settle();
	fx_front_state(1, 0, XenbusStateClosed);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, 0);
	assert_false(fx_process_lives(second));
	assert_null(fx_dev(1, 0));
	assert_int_equal(fx_nr_executors(), 2);
}

static void expect_failed(uint32_t devid, const char *sentence)
{
	struct device *d = fx_dev(1, devid);

	assert_true(d->failed);
	assert_string_equal(d->reason, sentence);
	assert_int_equal(fx_back_state(1, devid), XenbusStateClosed);
	assert_string_equal(fx_error(1, devid), sentence);
}

static void front_end_is_wrong(void **state)
{
	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	attach(1, "ioport=0x320-0x33f,name=ne1");
	attach(1, "ioport=0x340-0x35f,name=ne2");
	front_ready(1, 0, NULL, "1");
	expect_failed(0, "the front-end's node 'feature-port-batch' is missing");
	front_ready(1, 1, "0", "1");
	expect_failed(1, "the front-end does not want PORT_BATCH, and ports have nothing else");
	front_ready(1, 2, "1", "2");
	expect_failed(2, "the front-end's node 'multi-queue-num-queues' is '2', which is out of range");
	assert_int_equal(fx_nr_executors(), 0);
}

static void executor_dies(void **state)
{
	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	kill(connected(1, 0), SIGSEGV);
	fx_until(fx_dev(1, 0)->failed);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, 0);
	expect_failed(0, "the port executor was ended by signal 11 (Segmentation fault)");
	/* Not by itself, but by hand. */
	device_detach(fx_dev(1, 0));
	fx_settle();
	fx_front_state(1, 0, XenbusStateClosed);
	attach(1, PORTS);
	connected(1, 1);
}

/* As it does when the worker has closed its end: the worker will say why. */
static void executor_ends_well(void **state)
{
	pid_t pid;

	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	pid = connected(1, 0);
	kill(pid, SIGTERM);
	fx_until(!fx_process_lives(pid));
	fx_settle();
	assert_false(fx_dev(1, 0)->failed);
	assert_false(fx_worker_has_message(1));
	fx_worker_die(1);
	assert_string_equal(fx_dev(1, 0)->reason, "the worker process was ended by signal 9 (Killed)");
}

/* The worker may be the first to see it. */
static void worker_says_so(void **state)
{
	struct vsys_ipc msg = { .type = IPC_FAILED };
	pid_t pid;

	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	pid = connected(1, 0);
	kill(pid, SIGKILL);
	strcpy(msg.u.failed.reason, "the port executor ended");
	fx_worker_send(1, &msg, sizeof(msg));
	fx_until(fx_dev(1, 0)->failed);
	fx_settle();
	assert_false(fx_process_lives(pid));
	if (fx_worker_has_message(1)) {
		fx_worker_take(1, IPC_DISCONNECT, NULL);
		fx_worker_say(1, IPC_DOWN, 0);
	}
	fx_settle();
	assert_int_equal(fx_back_state(1, 0), XenbusStateClosed);
}

static void cannot_be_started(void **state)
{
	(void)state;
	sup.ports_path = "/does/not/exist";
	fx_domain(1, "g");
	attach(1, PORTS);
	front_ready(1, 0, "1", "1");
	expect_failed(0, "port executor '/does/not/exist' cannot be started: No such file or directory");
	assert_false(fx_worker_has_message(1));
}

static void worker_dies(void **state)
{
	pid_t pid;

	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	pid = connected(1, 0);
	fx_worker_die(1);
	fx_until(!fx_process_lives(pid));
	/* It is attached afresh, with the same ports. */
	fx_front_state(1, 0, XenbusStateClosed);
	fx_until(fx_dev(1, 1));
	assert_string_equal(fx_back(1, 1, "port-first"), "768");
	assert_string_equal(fx_back(1, 1, "irq"), "5");
	connected(1, 1);
}

static void domain_goes(void **state)
{
	pid_t pid;

	(void)state;
	fx_domain(1, "g");
	attach(1, PORTS);
	pid = connected(1, 0);
	fx_domain_gone(1);
	assert_false(fx_process_lives(pid));
	fx_domain(2, "h");
	attach(2, PORTS);
	pid = connected(2, 0);
	/* The daemon ends without a word, and the next one knows what it was. */
	fx_restart(true);
	assert_false(fx_process_lives(pid));
	assert_string_equal(fx_back(2, 1, "port-last"), "799");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(published), T(interrupt), T(lent_to_one), T(connects), T(front_end_is_wrong), T(executor_dies),
		T(executor_ends_well),
		T(worker_says_so), T(cannot_be_started), T(worker_dies), T(domain_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
