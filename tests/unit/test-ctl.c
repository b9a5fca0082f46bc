/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-ctl.c - the control socket: requests and answers to the letter, clients
 * that leave, lie or say nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor-fixture.h"
#include "xen-backend/ctl.h"
#include "xen-backend/ctl-client.h"

static struct ctl *ctl;
static char path[100];

static int setup(void **state)
{
	if (fx_setup(state))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", fx_dir);
	ctl = ctl_new(&sup, path);
	return ctl ? 0 : -1;
}

static int teardown(void **state)
{
	ctl_free(ctl);
	assert_int_equal(access(path, F_OK), -1);
	return fx_teardown(state);
}

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	fx_settle();
}

/* All that has been answered so far. */
static const char *hear(int fd)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* One request on a connection of its own. */
static const char *ask(const char *text)
{
	const char *answer;
	int fd = dial();

	say(fd, text);
	answer = hear(fd);
	close(fd);
	fx_settle();
	return answer;
}

/* --- requests --------------------------------------------------------- */

static void attach_and_list(void **state)
{
	(void)state;
	fx_domain(1, "g");
	assert_string_equal(ask("list\n"), "ok\n");
	assert_string_equal(ask("attach g dev=/dev/zero%2cname=z\n"),
			    "data domain=g,domid=1,devid=0,name=z,dev=/dev/zero,class=char,"
			    "mode=rw,ioctl=none,state=waiting,reason=,exclusive=none,use=,handles=0\nok\n");
	assert_string_equal(ask("list 1\n"),
			    "data domain=g,domid=1,devid=0,name=z,dev=/dev/zero,class=char,"
			    "mode=rw,ioctl=none,state=waiting,reason=,exclusive=none,use=,handles=0\nok\n");
	fx_domain(2, "h");
	assert_string_equal(ask("list h\n"), "ok\n");
}

static void sentences(void **state)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{ "\n", "error the request is malformed or unknown\n" },
		{ "frobnicate\n", "error the request is malformed or unknown\n" },
		{ "attach g\n", "error the request is malformed or unknown\n" },
		{ "attach g dev=/dev/zero 1 2\n", "error the request is malformed or unknown\n" },
		{ "list %zz\n", "error the request is malformed or unknown\n" },
		{ "list a%00b\n", "error the request is malformed or unknown\n" },
		{ "attach g \n", "error command line: key 'dev' or 'ioport' is missing\n" },
		{ "attach  dev=/dev/zero\n", "error domain '' does not exist\n" },
		{ "attach x dev=/dev/zero\n", "error domain 'x' does not exist\n" },
		{ "attach 77 dev=/dev/zero\n", "error domain '77' does not exist\n" },
		{ "attach 0 dev=/dev/zero\n", "error domain '0' does not exist\n" },
		{ "attach %0a%1b dev=/dev/zero\n", "error domain '?" "?' does not exist\n" },
		{ "attach g dev=/dev/zero%2cfoo=1\n",
		  "error command line: unknown key 'foo' (known: dev, mode, name, ioctl, payload, caps, numbers, exclusive, ioport, irq)\n" },
		{ "attach g dev=/dev/nope\n",
		  "error command line: dev '/dev/nope' does not exist\n" },
		{ "attach g dev=/etc%2cname=x\n",
		  "error command line: dev '/etc' is not a device node\n" },
		{ "attach g dev=/dev/null\n",
		  "error command line: the guest has a device with the name 'null' (/dev/null) "
		  "already\n" },
		{ "attach g dev=/dev/zero soon\n", "error 'soon' is not a number of seconds\n" },
		{ "detach g nope\n", "error domain 'g' has no device 'nope'\n" },
		{ "detach x null\n", "error domain 'x' does not exist\n" },
		{ "list x\n", "error domain 'x' does not exist\n" },
		{ "stat g nope\n", "error domain 'g' has no device 'nope'\n" },
		{ "register g.cfg\n", "error 'g.cfg' is not an absolute path\n" },
		{ "register /does/not/exist\n",
		  "error /does/not/exist: No such file or directory\n" },
	};
	size_t i;

	(void)state;
	fx_domain(1, "g");
	ask("attach g dev=/dev/null\n");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(ask(cases[i].request), cases[i].answer);
	assert_int_equal(fx_dom(1)->nr_devices, 1);
}

static void attach_and_wait(void **state)
{
	int fd, late, gone;

	(void)state;
	fx_domain(1, "g");
	fd = dial();
	say(fd, "attach g dev=/dev/zero 10\n");
	assert_string_equal(hear(fd), "");
	fx_front_ready(1, 0);
	fx_worker_take(1, IPC_CONNECT, NULL);
	fx_worker_say(1, IPC_UP, 0);
	assert_string_equal(hear(fd), "");
	fx_front_state(1, 0, XenbusStateConnected);
	assert_string_equal(hear(fd), "ok\n");
	close(fd);

	late = dial();
	say(late, "attach g dev=/dev/null 10\n");
	fx_skip(10001);
	assert_string_equal(hear(late),
			    "error the guest did not connect device 'null' within 10 s\n");
	close(late);

	gone = dial();
	say(gone, "attach g dev=/dev/full 10\n");
	device_detach(fx_dev(1, 2));
	fx_settle();
	assert_string_equal(hear(gone), "error the device was detached\n");
	close(gone);

	fd = dial();
	say(fd, "attach g dev=/dev/random 10\n");
	fx_front_state(1, 3, XenbusStateConnected);
	assert_string_equal(hear(fd),
			    "error the front-end said Connected without a connection\n");
	close(fd);
}

static void detach(void **state)
{
	uint32_t devid;
	int fd;

	(void)state;
	fx_domain(1, "g");
	fx_domain(2, "h");
	ask("attach g dev=/dev/zero%2cname=a\n");
	ask("attach g dev=/dev/full%2cname=b\n");
	ask("attach g dev=/dev/null%2cname=c\n");
	assert_string_equal(ask("detach g a\n"), "ok\n");
	assert_string_equal(ask("detach 1 1\n"), "ok\n");
	assert_string_equal(ask("detach g /dev/null\n"), "ok\n");
	assert_int_equal(fx_dom(1)->nr_devices, 0);

	devid = fx_connected(1, "dev=/dev/zero");
	fd = dial();
	say(fd, "detach g zero\n");
	assert_string_equal(hear(fd), "");
	fx_front_state(1, devid, XenbusStateClosing);
	fx_worker_take(1, IPC_DISCONNECT, NULL);
	fx_worker_say(1, IPC_DOWN, devid);
	assert_string_equal(hear(fd), "");
	fx_front_state(1, devid, XenbusStateClosed);
	assert_string_equal(hear(fd), "ok\n");
	/* The domain goes while somebody waits. */
	devid = fx_connected(1, "dev=/dev/zero");
	say(fd, "detach g zero\n");
	fx_domain_gone(1);
	assert_string_equal(hear(fd), "ok\n");
	close(fd);
}

static void stat_asks_the_worker(void **state)
{
	struct vsys_ipc msg = { .type = IPC_COUNTERS, .u.counters = {
		.requests = 1, .responses = 2, .events_in = 3, .events_out = 4,
		.bytes_read = 5, .bytes_written = 6, .copies = 7, .grant_maps = 8,
		.grant_unmaps = 9, .errors = 10, .denied = 11, .handles = 1ull << 63,
	} };
	int fd;

	(void)state;
	fx_domain(1, "g");
	msg.devid = fx_connected(1, "dev=/dev/zero");
	fd = dial();
	say(fd, "stat g\n");
	assert_string_equal(hear(fd), "");
	fx_worker_take(1, IPC_STATS, NULL);
	fx_worker_send(1, &msg, sizeof(msg));
	fx_settle();
	assert_string_equal(hear(fd),
			    "data domain=g,domid=1,devid=0,name=zero,dev=/dev/zero,class=char,"
			    "mode=rw,ioctl=none,state=connected,reason=,exclusive=none,use=,handles=9223372036854775808,"
			    "payload=bytes,caps=,requests=1,responses=2,events_in=3,events_out=4,bytes_read=5,"
			    "bytes_written=6,copies=7,grant_maps=8,grant_unmaps=9,errors=10,calls=0,faults=0,denied=11\nok\n");
	/* A worker that does not answer is not waited for. */
	say(fd, "list\n");
	fx_worker_take(1, IPC_STATS, NULL);
	assert_string_equal(hear(fd), "");
	fx_skip(LIMIT_STATS_MS + 1);
	assert_non_null(strstr(hear(fd), "state=connected"));
	/* Nor is one that dies. */
	say(fd, "list\n");
	fx_worker_die(1);
	assert_non_null(strstr(hear(fd), "state=failed"));
	close(fd);
}

static void registration(void **state)
{
	char request[256], file[128];
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/there", fx_dir);
	fx_config("x", "['dev=/dev/zero', 'dev=/dev/zero', 'nonsense']");
	snprintf(request, sizeof(request), "%s/etc/x.cfg", fx_dir);
	assert_int_equal(rename(request, file), 0);
	snprintf(request, sizeof(request), "register %s\n", file);
	assert_string_equal(ask(request), "data name=x\nok\n");

	fd = dial();
	say(fd, "configured x 20\n");
	assert_string_equal(hear(fd), "");
	fx_domain(1, "x");
	snprintf(request, sizeof(request),
		 "data fault=%s:2:%%20vsys[1]:%%20the%%20guest%%20has%%20a%%20device%%20with%%20"
		 "the%%20name%%20'zero'%%20(/dev/zero)%%20already\n", file);
	assert_memory_equal(hear(fd), request, strlen(request));
	close(fd);
	assert_int_equal(fx_dom(1)->nr_devices, 1);

	fd = dial();
	say(fd, "configured y 20\n");
	fx_skip(20001);
	assert_string_equal(hear(fd), "error domain 'y' does not exist\n");
	close(fd);
}

/* An administrator who attaches something looks after the guest. */
static void attach_revives(void **state)
{
	(void)state;
	fx_domain(1, "g");
	fx_dom(1)->down = true;
	assert_memory_equal(ask("attach g dev=/dev/zero\n"), "data", 4);
	assert_false(fx_dom(1)->down);
}

/* --- clients ---------------------------------------------------------- */

static void private_socket(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void pieces_and_rows(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "ver");
	assert_string_equal(hear(fd), "");
	say(fd, "sion\nversion\nver");
	assert_string_equal(hear(fd), "data version=" VSYS_VERSION "\nok\ndata version="
			    VSYS_VERSION "\nok\n");
	say(fd, "sion\n");
	assert_string_equal(hear(fd), "data version=" VSYS_VERSION "\nok\n");
	close(fd);
}

static void long_line(void **state)
{
	char text[LIMIT_LINE + 1];
	int fd = dial();

	(void)state;
	memset(text, 'x', sizeof(text));
	send(fd, text, sizeof(text), MSG_NOSIGNAL);
	fx_settle();
	/* The connection is ended: nothing more comes. */
	assert_string_equal(hear(fd), "");
	close(fd);
	fx_settle();
	assert_string_equal(ask("list\n"), "ok\n");
}

static void leaves_while_waiting(void **state)
{
	int fd;

	(void)state;
	fx_domain(1, "g");
	fd = dial();
	say(fd, "attach g dev=/dev/zero 10\n");
	close(fd);
	fx_settle();
	fx_skip(11000);
	assert_string_equal(ask("detach g zero\n"), "ok\n");
	/* Half closed: the answer still comes. */
	fd = dial();
	say(fd, "version\n");
	shutdown(fd, SHUT_WR);
	fx_settle();
	assert_memory_equal(hear(fd), "data", 4);
	close(fd);
}

static void many_clients(void **state)
{
	int fd[LIMIT_CLIENTS + 10], i;

	(void)state;
	for (i = 0; i < LIMIT_CLIENTS + 10; i++) {
		fd[i] = dial();
		fx_settle();
	}
	for (i = 0; i < LIMIT_CLIENTS; i++) {
		say(fd[i], "list\n");
		assert_string_equal(hear(fd[i]), "ok\n");
	}
	for (i = 0; i < LIMIT_CLIENTS + 10; i++)
		close(fd[i]);
	fx_settle();
	assert_string_equal(ask("list\n"), "ok\n");
}

/* An answer that is longer than what the socket takes. */
static void long_answer(void **state)
{
	char text[4096], name[2001];
	size_t total = 0;
	ssize_t n;
	uint32_t domid;
	int fd = dial(), i;

	(void)state;
	memset(name, 'g', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (domid = 1; domid <= 3; domid++) {
		fx_domain(domid, name);
		for (i = 0; i < LIMIT_DEVICES; i++) {
			struct fault f;

			snprintf(text, sizeof(text), "dev=/dev/zero,name=z%d", i);
			domain_attach(fx_dom(domid), text, ORIGIN_CONFIG, "test", &f);
		}
	}
	say(fd, "list\n");
	for (;;) {
		n = recv(fd, text, sizeof(text), 0);
		if (n <= 0) {
			fx_settle();
			n = recv(fd, text, sizeof(text), 0);
			if (n <= 0)
				break;
		}
		total += n;
		if (n >= 3 && !memcmp(text + n - 3, "ok\n", 3))
			break;
	}
	assert_true(total > 3 * LIMIT_DEVICES * sizeof(name));
	close(fd);
}

/* --- the tool's side -------------------------------------------------- */

struct question {
	const char *words[5];
	int result;
	struct fault f;
	char heard[1024];
};

static void hear_data(void *arg, const struct kv_list *list)
{
	struct question *q = arg;
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		snprintf(q->heard + strlen(q->heard), sizeof(q->heard) - strlen(q->heard),
			 "%s=%s;", list->item[i].key, list->item[i].value);
}

static void *ask_in_thread(void *arg)
{
	struct question *q = arg;

	q->result = ctl_ask(path, q->words, hear_data, q, &q->f);
	return NULL;
}

static void client(struct question *q)
{
	pthread_t thread;
	int i;

	pthread_create(&thread, NULL, ask_in_thread, q);
	for (i = 0; i < 100 && pthread_tryjoin_np(thread, NULL); i++)
		loop_turn(sup.loop, 10);
	assert_true(i < 100);
}

static void tool(void **state)
{
	struct question add = { .words = { "attach", "my guest", "dev=/dev/zero,name=z" } };
	struct question bad = { .words = { "attach", "my guest", "dev=/dev/zero,nme=z" } };
	struct question list = { .words = { "list" } };

	(void)state;
	fx_domain(1, "my guest");
	client(&add);
	assert_int_equal(add.result, 0);
	client(&bad);
	assert_int_equal(bad.result, -EIO);
	assert_string_equal(bad.f.text,
			    "command line: unknown key 'nme' (known: dev, mode, name, ioctl, payload, caps, numbers, exclusive, ioport, irq)");
	client(&list);
	assert_string_equal(list.heard,
			    "domain=my guest;domid=1;devid=0;name=z;dev=/dev/zero;class=char;"
			    "mode=rw;ioctl=none;state=waiting;reason=;exclusive=none;use=;handles=0;");
}

static void no_daemon(void **state)
{
	const char *words[] = { "list", NULL };
	struct fault f;

	(void)state;
	assert_int_equal(ctl_ask("/does/not/exist", words, NULL, NULL, &f), -ENOTCONN);
	assert_string_equal(f.text, "xen-vsysd is not running");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(attach_and_list), T(sentences), T(attach_and_wait), T(detach),
		T(stat_asks_the_worker), T(registration), T(attach_revives), T(private_socket),
		T(pieces_and_rows), T(long_line), T(leaves_while_waiting), T(many_clients),
		T(long_answer), T(tool), T(no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
