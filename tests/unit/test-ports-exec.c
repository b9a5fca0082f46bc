// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-ports-exec.c - a port executor that gave up its privileges still works, and
 * cannot do what it gave up.
 *
 * What is given up cannot be had again, so each part runs in a child.  No port of
 * this machine is touched: an instruction that is to be carried out is never tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/ipc.h"
#include "xen-backend/log.h"
#include "xen-backend/ports/batch.h"
#include "xen-backend/ports/confine.h"
#include "xen-backend/ports/native.h"

#define DOMID	7
#define SKIPPED	77

static char program[256];

/* --- a child that does one thing ---------------------------------------------- */

/*
 * As _exit(), but not marked as such: before one that is, AddressSanitizer makes a
 * call that is not allowed.
 */
static void leave(int status)
{
	syscall(SYS_exit_group, status);
}

static int run(void (*what)(int fd), int *fd)
{
	int pair[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGSYS, SIG_DFL);
		close(pair[0]);
		what(pair[1]);
		leave(0);
	}
	close(pair[1]);
	if (fd) {
		*fd = pair[0];
		return pid;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(pair[0]);
	return status;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool exited(int status, int with)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == with;
}

static bool killed(int status, int by)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == by;
}

/* --- works ------------------------------------------------------------------------ */

static uint64_t steps;

static uint32_t fake_in(uint16_t port, unsigned int width)
{
	(void)width;
	return port + steps++;
}

static void fake_out(uint16_t port, unsigned int width, uint32_t value)
{
	(void)port;
	(void)width;
	steps += value;
}

static const struct port_device fake = { .in = fake_in, .out = fake_out };

static void confined_serve(int fd)
{
	if (confine_close(fd))
		leave(1);
	leave(ports_serve(fd, 0x300, 0x31f, &fake) ? 3 : 0);
}

static void add(struct ports_message *m, uint8_t op, uint16_t port, uint32_t value)
{
	m->op[m->nr++] = (struct vsys_port_op){ .op = op, .port = port, .value = value };
	m->len = m->nr * sizeof(m->op[0]);
}

static void works(void **state)
{
	struct ports_message m = { 0 };
	int fd, i;
	pid_t pid = run(confined_serve, &fd);

	(void)state;
	add(&m, VSYS_PORT_OUT, 0x300, 10);
	add(&m, VSYS_PORT_IN, 0x301, 0);
	for (i = 1; i < 100; i++) {
		assert_int_equal(write(fd, &m, PORTS_HEADER + m.len), PORTS_HEADER + m.len);
		assert_int_equal(read(fd, &m, sizeof(m)), PORTS_HEADER + m.len);
		assert_int_equal(m.done, 2);
		assert_int_equal(m.op[1].value, 0x301 + 11 * i - 1);
	}
	/* It ends with the worker. */
	close(fd);
	assert_true(exited(wait_for(pid), 0));
}

/* Whoever writes there was not what it should be: nothing more is done. */
static void ends_at_nonsense(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct ports_message m = { 0 };
		int fd;
		pid_t pid = run(confined_serve, &fd);
		size_t size;

		add(&m, VSYS_PORT_IN, i == 0 ? 0x320 : 0x300, 0);
		if (i == 1)
			m.op[0].op = 8;
		if (i == 2)
			m.nr = 0x10000001;
		size = PORTS_HEADER + m.len;
		if (i == 3)
			m.len = 64;
		if (i == 4)
			size = 7;
		if (i == 5)
			m.len = size = sizeof(m) - PORTS_HEADER + 8;
		if (i == 5) {
			static char big[sizeof(m) + 8];

			memcpy(big, &m, PORTS_HEADER);
			assert_int_equal(write(fd, big, sizeof(big)), sizeof(big));
		} else {
			assert_int_equal(write(fd, &m, size), size);
		}
		assert_true(exited(wait_for(pid), 3));
		close(fd);
	}
}

/* --- cannot ----------------------------------------------------------------------- */

static void nothing(int fd)
{
	if (confine_close(fd))
		leave(1);
}

static void tries_open(int fd)
{
	nothing(fd);
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void tries_socket(int fd)
{
	nothing(fd);
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void tries_ioperm(int fd)
{
	nothing(fd);
	syscall(SYS_ioperm, 0xcf8, 8, 1);
}

static void tries_mmap(int fd)
{
	nothing(fd);
	syscall(SYS_mmap, NULL, 4096, 7, 0x22, -1, 0);
}

static void tries_fork(int fd)
{
	nothing(fd);
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void tries_kill(int fd)
{
	nothing(fd);
	syscall(SYS_kill, getppid(), SIGTERM);
}

static void tries_exec(int fd)
{
	nothing(fd);
	syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void tries_another_descriptor(int fd)
{
	int other = dup(fd);

	nothing(fd);
	syscall(SYS_write, other, "x", 1);
}

/* What was open is not. */
static void has_one_descriptor(int fd)
{
	int other = dup2(fd, 100);

	if (confine_close(other))
		leave(1);
	leave(write(other, "x", 1) == 1 ? 0 : 2);
}

static void filtered(void **state)
{
	static void (*const tries[])(int fd) = {
		tries_open, tries_socket, tries_ioperm, tries_mmap, tries_fork, tries_kill,
		tries_exec, tries_another_descriptor,
	};
	char byte;
	size_t i;
	pid_t pid;
	int fd;

	(void)state;
	assert_true(exited(run(nothing, NULL), 0));
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		assert_true(killed(run(tries[i], NULL), SIGSYS));
	pid = run(has_one_descriptor, &fd);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_true(exited(wait_for(pid), 0));
	/* Its other copies went with it. */
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

static void look_at_myself(int fd)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uid_t id = VSYS_PORTS_UID + DOMID, r, e, s;
	char dir[] = "/tmp/test-ports-exec-XXXXXX";

	(void)fd;
	if (!mkdtemp(dir) || confine_drop(dir, DOMID))
		leave(1);
	if (getresuid(&r, &e, &s) || r != id || e != id || s != id)
		leave(2);
	if (getresgid(&r, &e, &s) || r != id || e != id || s != id || getgroups(0, NULL))
		leave(3);
	if (syscall(SYS_capget, &header, data) || data[0].permitted || data[0].effective ||
	    data[1].permitted || data[1].effective)
		leave(4);
	if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		leave(5);
	if (access("/etc", F_OK) == 0 || access("/proc", F_OK) == 0)
		leave(6);
	if (ioperm(0x300, 1, 1) == 0 || iopl(3) == 0 || setuid(0) == 0)
		leave(7);
	if (fork() >= 0)
		leave(8);
}

static void dropped(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(exited(run(look_at_myself, NULL), 0));
	/* The directory that the child made is empty. */
	assert_int_equal(system("rmdir /tmp/test-ports-exec-??????"), 0);
}

/* The instructions, where nobody gave the port. */
static void reads_without(int fd)
{
	(void)fd;
	native_ports.in(0x300, 0);
}

static void writes_without(int fd)
{
	(void)fd;
	native_ports.out(0x300, 0, 0);
}

static void reads_beyond(int fd)
{
	(void)fd;
	if (ioperm(0x300, 0x20, 1))
		leave(SKIPPED);
	native_ports.in(0x31f, 1);
}

static void reads_block_before(int fd)
{
	uint8_t bytes[4];

	(void)fd;
	if (ioperm(0x300, 0x20, 1))
		leave(SKIPPED);
	native_ports.ins(0x2ff, 0, bytes, 4);
}

static void other_ports(void **state)
{
	int status;

	(void)state;
	assert_true(killed(run(reads_without, NULL), SIGSEGV));
	assert_true(killed(run(writes_without, NULL), SIGSEGV));
	status = run(reads_beyond, NULL);
	if (exited(status, SKIPPED))
		skip();
	assert_true(killed(status, SIGSEGV));
	assert_true(killed(run(reads_block_before, NULL), SIGSEGV));
}

/* --- the program ------------------------------------------------------------------ */

static int start(const char *domid, const char *first, const char *last)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return wait_for(pid);
	null = open("/dev/null", O_RDWR);
	dup2(null, 2);
	dup2(null, 3);
	execl(program, program, domid, first, last, NULL);
	_exit(99);
}

/* Nothing of it gets so far as to have a port. */
static void usage(void **state)
{
	(void)state;
	assert_true(exited(start("7", "768", NULL), 2));
	assert_true(exited(start("x", "768", "799"), 2));
	assert_true(exited(start("32752", "768", "799"), 2));
	assert_true(exited(start("7", "-1", "799"), 2));
	assert_true(exited(start("7", "768", "65536"), 2));
	assert_true(exited(start("7", "799", "768"), 2));
	assert_true(exited(start("7", "768", "1024"), 2));
	assert_true(exited(start("7", "3320", "3327"), 2));
	assert_true(exited(start("7", "32", "33"), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works),
		cmocka_unit_test(ends_at_nonsense),
		cmocka_unit_test(filtered),
		cmocka_unit_test(dropped),
		cmocka_unit_test(other_ports),
		cmocka_unit_test(usage),
	};

	snprintf(program, sizeof(program), "%s/xen-vsys-ports", getenv("B") ? getenv("B") : "build");
	log_init("test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
