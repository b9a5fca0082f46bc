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
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"
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
	c->dropped = c->init ? -1 : privileges_drop();
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
	struct rlimit core;
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
	getrlimit(RLIMIT_CORE, &core);
	assert_int_equal(core.rlim_max, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works), cmocka_unit_test(refuses),
	};

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
