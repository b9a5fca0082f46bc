/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor-fixture.c - the supervisor for tests; see supervisor-fixture.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor-fixture.h"
#include "xen-backend/irq.h"
#include "xen-backend/log.h"
#include "xen-backend/worker-exec.h"

#define MAX_WORKERS 1024

struct supervisor sup;
char fx_dir[64];

static char etc[128], registry[128], record[128], policy[128];
static struct {
	uint32_t domid;
	uint64_t caps;
	int fd, pidfd;
	pid_t pid;
} workers[MAX_WORKERS];
static unsigned int nr_spawned;

static struct {
	struct ioport_range ports;
	int fd;
	pid_t pid;
	unsigned int nr;
} executor;

static void leave(int signal)
{
	(void)signal;
	_exit(0);
}

/* A process that waits for its end; of SIGTERM it ends well. */
static pid_t stand_in(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	/* It must not keep any socket open. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	signal(SIGTERM, leave);
	signal(SIGSEGV, SIG_DFL);	/* the tests' handler goes on with the tests */
	close_range(3, ~0u, 0);
	for (;;)
		pause();
}

/* In the place of worker-exec.c. */
int ports_exec(const char *program, uint32_t domid, const struct ioport_range *ports, int socket,
	       pid_t *pid)
{
	(void)domid;
	if (!strcmp(program, "/does/not/exist"))
		return -ENOENT;
	*pid = stand_in();
	if (*pid < 0)
		return -errno;
	if (executor.fd > 0)
		close(executor.fd);
	executor.fd = dup(socket);
	executor.ports = *ports;
	executor.pid = *pid;
	executor.nr++;
	return 0;
}

unsigned int fx_nr_executors(void)
{
	return executor.nr;
}

pid_t fx_executor_pid(void)
{
	return executor.pid;
}

int fx_executor_socket(void)
{
	return executor.fd;
}

const struct ioport_range *fx_executor_ports(void)
{
	return &executor.ports;
}

/* In the place of irq.c. */
static struct {
	bool refused;
	unsigned int lent, taken_back;
} irqs;

int irq_lend(uint32_t domid, int irq, struct fault *f)
{
	(void)domid;
	if (irqs.refused)
		return fault(f, -ESRCH, "Xen does not give it");
	irqs.lent++;
	return irq + 16;
}

void irq_take_back(uint32_t domid, int pirq)
{
	(void)domid;
	(void)pirq;
	irqs.taken_back++;
}

void fx_refuse_irqs(bool refuse)
{
	irqs.refused = refuse;
}

unsigned int fx_irqs_lent(void)
{
	return irqs.lent - irqs.taken_back;
}

int worker_exec(const char *program, uint32_t domid, uint64_t caps, int socket, pid_t *pid)
{
	(void)program;
	assert_true(nr_spawned < MAX_WORKERS);
	workers[nr_spawned].domid = domid;
	workers[nr_spawned].caps = caps;
	workers[nr_spawned].fd = dup(socket);
	*pid = stand_in();
	if (*pid < 0)
		return -errno;
	/* A process id may mean another process once this one is gone. */
	workers[nr_spawned].pidfd = syscall(SYS_pidfd_open, *pid, 0);
	assert_true(workers[nr_spawned].pidfd >= 0);
	workers[nr_spawned++].pid = *pid;
	return 0;
}

static void end_process(unsigned int n)
{
	if (workers[n].pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, workers[n].pidfd, SIGKILL, NULL, 0);
	close(workers[n].pidfd);
	workers[n].pidfd = -1;
}

static unsigned int worker_of(uint32_t domid)
{
	unsigned int i = nr_spawned;

	while (i--)
		if (workers[i].domid == domid)
			return i;
	fail_msg("no worker was started for domain %u", domid);
	return 0;
}

void fx_start(void)
{
	struct xst *xs = sup.xs;

	memset(&sup, 0, sizeof(sup));
	sup.xs = xs;
	sup.config.etc = etc;
	sup.config.registry = registry;
	sup.record_path = record;
	sup.policy.own = policy;
	sup.policy.shipped = "xen-backend/policy";
	sup.worker_path = "-";
	sup.ports_path = "-";
	sup.loop = loop_new();
	assert_non_null(sup.loop);
	assert_int_equal(supervisor_start(&sup), 0);
	fx_settle();
}

static void drop_watches(void)
{
	/* As xenstored does when the connection ends. */
	struct xst *old = sup.xs, *new = xst_open();
	char *text = fake_dump(old), *line, *save;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strstr(line, " = \"");

		*value = '\0';
		value += strlen(" = \"");
		value[strlen(value) - 1] = '\0';
		fake_put(new, line, value);
	}
	free(text);
	for (uint32_t domid = 1; domid < 100; domid++)
		if (xst_domain_lives(old, domid))
			fake_introduce(new, domid);
	xst_close(old);
	sup.xs = new;
}

void fx_stop(bool crash)
{
	unsigned int i;

	if (!crash)
		supervisor_stop(&sup);
	/* As a worker does when its socket closes. */
	for (i = 0; i < nr_spawned; i++)
		end_process(i);
	supervisor_free(&sup);
	loop_free(sup.loop);
	for (i = 0; i < nr_spawned; i++)
		if (workers[i].fd >= 0)
			close(workers[i].fd);
	nr_spawned = 0;
	if (executor.fd > 0)
		close(executor.fd);
	memset(&executor, 0, sizeof(executor));
	drop_watches();
}

void fx_restart(bool crash)
{
	fx_stop(crash);
	fx_start();
}

int fx_setup(void **state)
{
	char command[512];

	(void)state;
	log_set_verbose(false);
	strcpy(fx_dir, "/tmp/test-supervisor-XXXXXX");
	if (!mkdtemp(fx_dir))
		return -1;
	snprintf(etc, sizeof(etc), "%s/etc", fx_dir);
	snprintf(registry, sizeof(registry), "%s/lib", fx_dir);
	snprintf(record, sizeof(record), "%s/attached", fx_dir);
	snprintf(policy, sizeof(policy), "%s/policy", fx_dir);
	snprintf(command, sizeof(command), "mkdir -p %s/auto", etc);
	if (system(command))
		return -1;
	sup.xs = xst_open();
	fake_put(sup.xs, "/local/domain/0/name", "Domain-0");
	fake_put(sup.xs, "/local/domain/0/backend", "");
	fx_start();
	return 0;
}

int fx_teardown(void **state)
{
	char command[512];

	(void)state;
	fx_stop(true);
	xst_close(sup.xs);
	snprintf(command, sizeof(command), "rm -rf %s", fx_dir);
	return system(command);
}

void fx_settle(void)
{
	int turns, did;

	for (turns = 0; turns < 100000; turns++) {
		did = loop_turn(sup.loop, 0);
		assert_true(did >= 0);
		if (!did)
			return;
	}
	fail_msg("the supervisor does not come to rest");
}

void fx_skip(int ms)
{
	loop_skip_ms(ms);
	fx_settle();
}

/* --- toolstack -------------------------------------------------------- */

void fx_config(const char *name, const char *vsys)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.cfg", etc, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "name='%s'\nvsys=%s\n", name, vsys);
	fclose(file);
}

static void put(uint32_t domid, const char *key, const char *value)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, key);
	fake_put(sup.xs, path, value);
}

void fx_domain(uint32_t domid, const char *name)
{
	char vm[64];

	snprintf(vm, sizeof(vm), "/vm/%08u", domid);
	put(domid, "vm", vm);
	put(domid, "device", "");
	if (name)
		put(domid, "name", name);
	fake_introduce(sup.xs, domid);
	fx_settle();
}

void fx_domain_gone(uint32_t domid)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	fake_remove(sup.xs, path);
	fake_release(sup.xs, domid);
	fx_settle();
	/* On a busy machine looks for domains that have died are put off. */
	fx_until(!fx_dom(domid));
}

struct domain *fx_dom(uint32_t domid)
{
	return supervisor_domain(&sup, domid);
}

struct device *fx_dev(uint32_t domid, uint32_t devid)
{
	struct domain *dom = fx_dom(domid);

	return dom ? domain_device(dom, devid) : NULL;
}

/* --- front-end -------------------------------------------------------- */

void fx_front(uint32_t domid, uint32_t devid, const char *key, const char *value)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u/device/vsys/%u/%s", domid, devid, key);
	if (value)
		fake_put(sup.xs, path, value);
	else
		fake_remove(sup.xs, path);
}

void fx_front_state(uint32_t domid, uint32_t devid, enum xenbus_state state)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", state);
	fx_front(domid, devid, "state", text);
	fx_settle();
}

void fx_front_ready(uint32_t domid, uint32_t devid)
{
	fx_front(domid, devid, "version", "1");
	fx_front(domid, devid, "ring-page-order", "1");
	fx_front(domid, devid, "pool-pages", "64");
	fx_front(domid, devid, "multi-queue-num-queues", "2");
	for (int q = 0; q < 2; q++) {
		char key[64], value[16];

		for (int i = 0; i < 2; i++) {
			snprintf(key, sizeof(key), "queue-%d/ring-ref%d", q, i);
			snprintf(value, sizeof(value), "%d", 100 + 10 * q + i);
			fx_front(domid, devid, key, value);
		}
		snprintf(key, sizeof(key), "queue-%d/event-channel", q);
		snprintf(value, sizeof(value), "%d", 20 + q);
		fx_front(domid, devid, key, value);
		snprintf(key, sizeof(key), "queue-%d/pool-ref", q);
		snprintf(value, sizeof(value), "%d", 200 + q);
		fx_front(domid, devid, key, value);
	}
	fx_front_state(domid, devid, XenbusStateInitialised);
}

const char *fx_back(uint32_t domid, uint32_t devid, const char *key)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/0/backend/vsys/%u/%u/%s", domid, devid, key);
	return fake_get(sup.xs, path);
}

int fx_back_state(uint32_t domid, uint32_t devid)
{
	const char *text = fx_back(domid, devid, "state");

	return text ? atoi(text) : -1;
}

const char *fx_error(uint32_t domid, uint32_t devid)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/0/error/backend/vsys/%u/%u/error", domid,
		 devid);
	return fake_get(sup.xs, path);
}

/* --- worker ----------------------------------------------------------- */

unsigned int fx_nr_spawned(void)
{
	return nr_spawned;
}

uint64_t fx_worker_caps(uint32_t domid)
{
	return workers[worker_of(domid)].caps;
}

bool fx_worker_has_message(uint32_t domid)
{
	struct pollfd p = { .fd = workers[worker_of(domid)].fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

struct vsys_ipc fx_worker_take(uint32_t domid, uint32_t type, int *fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct vsys_ipc msg;
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;

	fx_until(fx_worker_has_message(domid));
	assert_int_equal(recvmsg(workers[worker_of(domid)].fd, &m, 0), sizeof(msg));
	assert_int_equal(msg.type, type);
	c = CMSG_FIRSTHDR(&m);
	if (fd) {
		*fd = -1;
		if (c)
			memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	} else {
		assert_null(c);
	}
	return msg;
}

void fx_worker_send(uint32_t domid, const void *bytes, size_t len)
{
	/* The supervisor may have closed its end. */
	send(workers[worker_of(domid)].fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void fx_worker_say(uint32_t domid, uint32_t type, uint32_t devid)
{
	struct vsys_ipc msg = { .type = type, .devid = devid };

	fx_worker_send(domid, &msg, sizeof(msg));
	fx_settle();
}

int fx_worker_socket(uint32_t domid)
{
	return workers[worker_of(domid)].fd;
}

pid_t fx_worker_pid(uint32_t domid)
{
	return workers[worker_of(domid)].pid;
}

void fx_worker_die(uint32_t domid)
{
	unsigned int n = worker_of(domid);

	end_process(n);
	close(workers[n].fd);
	workers[n].fd = -1;
	/* Reaped is when the process is gone. */
	fx_until(kill(workers[n].pid, 0) && errno == ESRCH);
	fx_settle();
}

bool fx_process_lives(pid_t pid)
{
	return !kill(pid, 0);
}

/* --- all of it -------------------------------------------------------- */

uint32_t fx_connected(uint32_t domid, const char *stanza)
{
	struct device *d;
	struct fault f;

	d = domain_attach(fx_dom(domid), stanza, ORIGIN_COMMAND, "test", &f);
	assert_non_null(d);
	fx_settle();
	fx_front_ready(domid, d->devid);
	assert_int_equal(fx_worker_take(domid, IPC_CONNECT, NULL).devid, d->devid);
	fx_worker_say(domid, IPC_UP, d->devid);
	assert_int_equal(fx_back_state(domid, d->devid), XenbusStateConnected);
	fx_front_state(domid, d->devid, XenbusStateConnected);
	return d->devid;
}
