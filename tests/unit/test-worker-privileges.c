// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-privileges.c - a worker that gave up its privileges still works,
 * and cannot do what it gave up.
 *
 * The worker runs in a thread, because the filter is one of threads; guest and
 * supervisor are in the main thread, which stays free.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/ports-fixture.h"
#include "tests/unit/worker-fixture.h"
#include "xen-backend/caps.h"
#include "xen-backend/worker/privileges.h"

/* Its own stack for signals is one more system call, of the sanitizer only. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

struct confined {
	struct fixture *f;
	int ipc_fd;
	int init, dropped;
	int open_errno, socket_errno, fork_errno, exec_errno, kill_errno, ioctl_errno,
	    uring_errno, ptrace_errno, dupfd_errno;
	bool ready;
	pthread_t thread;
};

static int refused(long ret)
{
	return ret < 0 ? errno : 0;
}

static void *confined_main(void *arg)
{
	struct confined *c = arg;

	c->init = worker_init(&c->f->w, &c->f->t->base, c->ipc_fd);
	c->dropped = c->init ? -1 : privileges_confine();
	if (c->dropped == 0) {
		c->open_errno = refused(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
		c->socket_errno = refused(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
		c->fork_errno = refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
		c->exec_errno = refused(syscall(SYS_execve, "/bin/true", NULL, NULL));
		c->kill_errno = refused(syscall(SYS_kill, getpid(), 0));
		c->ioctl_errno = refused(syscall(SYS_ioctl, 0, 0x5401, 0));	/* TCGETS */
		c->uring_errno = refused(syscall(SYS_io_uring_setup, 8, NULL));
		c->ptrace_errno = refused(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
		c->dupfd_errno = refused(syscall(SYS_fcntl, 0, F_DUPFD, 0));
	}
	__atomic_store_n(&c->ready, true, __ATOMIC_RELEASE);
	while (c->dropped == 0 && worker_round(&c->f->w, -1))
		;
	if (c->init == 0)
		worker_exit(&c->f->w);
	return NULL;
}

static void confine(struct confined *c)
{
	memset(c, 0, sizeof(*c));
	c->f = fixture_new(&c->ipc_fd);
	c->f->elsewhere = true;
	assert_int_equal(pthread_create(&c->thread, NULL, confined_main, c), 0);
	while (!__atomic_load_n(&c->ready, __ATOMIC_ACQUIRE))
		usleep(1000);
	assert_int_equal(c->init, 0);
	assert_int_equal(c->dropped, 0);
}

static void free_again(struct confined *c)
{
	shutdown(c->f->supervisor, SHUT_RDWR);
	pthread_join(c->thread, NULL);
	assert_int_equal(c->f->t->pages_mapped, 0);
	c->f->t->base.ops->close(&c->f->t->base);
	close(c->f->supervisor);
	close(c->ipc_fd);
	free(c->f);
}

static void refuses(void **state)
{
	struct confined c;

	(void)state;
	confine(&c);
	assert_int_equal(c.open_errno, EPERM);
	assert_int_equal(c.socket_errno, EPERM);
	assert_int_equal(c.fork_errno, EPERM);
	assert_int_equal(c.exec_errno, EPERM);
	assert_int_equal(c.kill_errno, EPERM);
	assert_int_equal(c.ioctl_errno, EPERM);
	assert_int_equal(c.uring_errno, EPERM);
	assert_int_equal(c.ptrace_errno, EPERM);
	assert_int_equal(c.dupfd_errno, EPERM);
	free_again(&c);
}

static void works(void **state)
{
	struct vsys_request r;
	struct confined c;
	struct fixture *f;
	uint32_t h, z;
	uint16_t id;
	char buf[64];
	int p[2], i;

	(void)state;
	confine(&c);
	f = c.f;
	connect_chr(f);

	/* Everything that takes other system calls than the rest. */
	z = do_open(f, "/dev/zero", VSYS_O_RDWR);
	assert_int_equal(do_read(f, z, 0, buf, 64, 0), 64);
	assert_int_equal(do_read(f, z, 0, buf, 64, VSYS_RW_CURPOS), 64);
	assert_int_equal(do_read(f, z, 0, buf, 0, 0), 0);
	assert_int_equal(do_write(f, z, 0, buf, 64, VSYS_O_NONBLOCK), 64);
	r = rq_rw(VSYS_OP_READ, z, 0, 0, 16, 0);
	r.nr_segments = 2;
	r.u.segment[1].offset = 8192;
	r.u.segment[1].length = 16;
	r.length = 32;
	assert_int_equal(call(f, r)->value, 32);
	call(f, rq(VSYS_OP_FSYNC, z));
	r = rq(VSYS_OP_LSEEK, z);
	assert_int_equal(call(f, r)->status, 0);

	assert_int_equal(pipe(p), 0);
	h = do_open_fd(f, p[0], VSYS_O_RDONLY);
	for (i = 0; i < 20; i++) {
		id = submit(f, rq_rw(VSYS_OP_READ, h, 0, 0, 10, 0));
		settle(f);
		if (i % 2) {
			assert_int_equal(write(p[1], "abc", 3), 3);
			assert_int_equal(wait_for(f, id)->value, 3);
		} else {
			assert_int_equal(do_cancel(f, id)->value, 1);
			assert_int_equal(wait_for(f, id)->status, -VSYS_EINTR);
		}
	}
	assert_int_equal(do_release(f, h), 0);
	close(p[1]);
	disconnect_device(f);

	connect_blk(f);
	h = do_open_fd(f, temp_file(1 << 20), VSYS_O_RDWR);
	assert_int_equal(do_read(f, h, 0, buf, 64, 0), 64);
	r = rq(VSYS_OP_WRITE_ZEROES, h);
	r.u.range.length = 4096;
	assert_int_equal(call(f, r)->status, 0);
	r.op = VSYS_OP_DISCARD;		/* passes the filter; a file has no such thing */
	assert_int_equal(call(f, r)->status, -VSYS_ENOTTY);
	disconnect_device(f);
	free_again(&c);
}

/* What a batch takes: the worker sends it, and closes the socket at the end. */
static void works_with_ports(void **state)
{
	struct vsys_port_op op = { .op = VSYS_PORT_IN, .port = 0x300 };
	struct setup s = { .pool_pages = 8, .queues = 1, .ports = true, .port_first = 0x300,
			   .port_last = 0x31f };
	struct vsys_request r = rq(VSYS_OP_PORT_BATCH, 0);
	struct port_executor x;
	struct confined c;
	int i;

	(void)state;
	confine(&c);
	port_executor_start(&x, 0x300, 0x31f, &card_device, NULL);
	s.ports_fd = x.worker_fd;
	connect_device(c.f, &s);
	pool_put(c.f, 0, 0, &op, sizeof(op));
	r.nr_segments = 1;
	r.length = r.u.ports.segment[0].length = sizeof(op);
	r.u.ports.nr = 1;
	for (i = 0; i < 100; i++)
		assert_int_equal(call(c.f, r)->value, 1);
	close(x.worker_fd);
	disconnect_device(c.f);
	pthread_join(x.thread, NULL);
	close(x.fd);
	assert_int_equal(x.result, 0);
	assert_int_equal(x.card.accesses, 100);
	free_again(&c);
}

/* --- user and capabilities -------------------------------------------- */

/* What a process of a worker's rights finds; 0: all as it should be. */
static int in_child(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool have_caps(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	return syscall(SYS_capget, &header, d) == 0 &&
	       (d[0].permitted | (uint64_t)d[1].permitted << 32) == permitted &&
	       (d[0].effective | (uint64_t)d[1].effective << 32) == effective &&
	       !d[0].inheritable && !d[1].inheritable;
}

/* line numbers as exit statuses would wrap */
#define MUST(condition) do { if (!(condition)) return __COUNTER__ + 1; } while (0)

static int becomes_user(void)
{
	const uid_t want = VSYS_BASE_UID + 7;
	struct rlimit core;
	uid_t r, e, s;

	MUST(privileges_change(7, 0) == 0);
	MUST(getresuid(&r, &e, &s) == 0 && r == want && e == want && s == want);
	MUST(getresgid(&r, &e, &s) == 0 && r == want && e == want && s == want);
	MUST(getgroups(0, NULL) == 0);
	MUST(have_caps(0, 0));
	MUST(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	MUST(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
	MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	MUST(getrlimit(RLIMIT_NPROC, &core) == 0 && core.rlim_max == VSYS_MAX_THREADS);
	MUST(setresuid(0, 0, 0) < 0 && errno == EPERM);
	MUST(privileges_use(CAPS_BIT(CAP_SYS_RAWIO)) == -EPERM);
	return 0;
}

static int keeps_capabilities(void)
{
	const uint64_t caps = CAPS_BIT(CAP_SYS_RAWIO) | CAPS_BIT(CAP_BPF);

	MUST(privileges_change(7, caps) == 0);
	MUST(geteuid() == VSYS_BASE_UID + 7);
	MUST(have_caps(caps, 0));
	MUST(privileges_use(CAPS_BIT(CAP_SYS_ADMIN)) == -EPERM);
	MUST(privileges_use(caps) == 0);
	MUST(have_caps(caps, caps));
	return 0;
}

static int secret = 4711;

static bool can_read(pid_t pid)
{
	int value = 0;
	struct iovec to = { &value, sizeof(value) }, from = { &secret, sizeof(secret) };

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == sizeof(value) && value == 4711;
}

/* Starts a process with these rights, which lives as long as this one has life[1] open. */
static pid_t start(const int *life, uint32_t domid, uint64_t caps, bool use)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		close(life[1]);
		if (privileges_change(domid, caps) < 0 || (use && privileges_use(caps) < 0))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(life[0], &c, 1) != 0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static int reaches_own_executors_only(void)
{
	const uint64_t caps = CAPS_BIT(CAP_SYS_RAWIO);
	pid_t own, less, more, other, root = getppid();
	int life[2], result = 1;

	MUST(pipe(life) == 0);
	own = start(life, 7, caps, true);
	less = start(life, 7, 0, false);
	more = start(life, 7, caps | CAPS_BIT(CAP_SYS_ADMIN), true);
	other = start(life, 8, 0, false);
	if (own > 0 && less > 0 && more > 0 && other > 0 && privileges_change(7, caps) == 0) {
		result = !can_read(own) * 2 + !can_read(less) * 4 + can_read(more) * 8 +
			 can_read(other) * 16 + can_read(root) * 32;
		/* As a worker that was taken over would. */
		if (ptrace(PTRACE_SEIZE, other, 0, 0) == 0 || kill(other, 0) == 0)
			result |= 64;
	}
	return result;
}

#define AS_ROOT(fn)				\
static void fn##_test(void **state)		\
{						\
	(void)state;				\
	if (geteuid() != 0)			\
		skip();				\
	assert_int_equal(in_child(fn), 0);	\
}

AS_ROOT(becomes_user)
AS_ROOT(keeps_capabilities)
AS_ROOT(reaches_own_executors_only)

/* Without being root there is no user to change to; all else is the same. */
static int as_nobody(void)
{
	MUST(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
	MUST(privileges_change(7, 0) == 0);
	MUST(have_caps(0, 0));
	MUST(privileges_change(7, CAPS_BIT(CAP_SYS_RAWIO)) == -EPERM);
	return 0;
}

static void not_root(void **state)
{
	(void)state;
	assert_int_equal(in_child(as_nobody), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(becomes_user_test), cmocka_unit_test(keeps_capabilities_test),
		cmocka_unit_test(reaches_own_executors_only_test), cmocka_unit_test(not_root),
		cmocka_unit_test(works), cmocka_unit_test(works_with_ports),
		cmocka_unit_test(refuses),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
