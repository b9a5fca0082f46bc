/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-worker-exec.c - what a worker's process starts with: its socket, and
 * nothing else of the supervisor.
 *
 * The program is a shell script that says on descriptor 3 what it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen-backend/caps.h"
#include "xen-backend/log.h"
#include "xen-backend/worker-exec.h"

static char program[] = "/tmp/test-worker-exec-XXXXXX";
static uint64_t exec_caps;

static void script(const char *text)
{
	FILE *file = fopen(program, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s", text);
	fclose(file);
	chmod(program, 0700);
}

/* What it says until it ends. */
static void say(const char *text, char *answer, size_t size)
{
	int pair[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	script(text);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(worker_exec(program, 7, exec_caps, pair[1], &pid), 0);
	close(pair[1]);
	while ((n = read(pair[0], answer + len, size - 1 - len)) > 0)
		len += n;
	answer[len] = '\0';
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
}

static void descriptors(void **state)
{
	int extra[20], i;
	char answer[4096];

	(void)state;
	/* Some without close-on-exec, as a library might leave them. */
	for (i = 0; i < 20; i++)
		extra[i] = open("/dev/null", O_RDWR | (i % 2 ? O_CLOEXEC : 0));
	/* The shell has its script open as 10 or above. */
	say("for f in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && echo $f >&3; done\n"
	    "ls -l /proc/$$/fd/0 /proc/$$/fd/1 | sed 's/.*-> //' >&3\n"
	    "ls /proc/$$/fd | awk '$1 > 20' | grep -v 255 >&3\n",
	    answer, sizeof(answer));
	assert_string_equal(answer, "0\n1\n2\n3\n/dev/null\n/dev/null\n");
	for (i = 0; i < 20; i++)
		close(extra[i]);
}

static void socket_is_descriptor_3_already(void **state)
{
	char answer[64];
	int taken = -1;

	(void)state;
	/* Whether 3 is free in this process or not, the worker has it. */
	if (fcntl(3, F_GETFD) >= 0)
		taken = dup(3);
	close(3);
	say("echo hello >&3\n", answer, sizeof(answer));
	assert_string_equal(answer, "hello\n");
	if (taken >= 0) {
		dup2(taken, 3);
		close(taken);
	}
}

static void argument_and_environment(void **state)
{
	char answer[4096];

	(void)state;
	setenv("XEN_VSYS_TEST_SECRET", "1", 1);
	say("echo \"$# $1\" >&3; env | grep -v '^PWD=\\|^_=\\|^SHLVL=\\|^OLDPWD=' | sort >&3\n", answer, sizeof(answer));
	assert_string_equal(answer, "1 7\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
				    "XEN_VSYS_LOG=stderr\n");
	log_set_verbose(true);
	say("env | grep VERBOSE >&3\n", answer, sizeof(answer));
	assert_string_equal(answer, "XEN_VSYS_VERBOSE=1\n");
	log_set_verbose(false);
}

static void capabilities(void **state)
{
	char answer[256];

	(void)state;
	exec_caps = CAPS_BIT(17) | CAPS_BIT(21);
	say("echo \"$# $1 $2\" >&3\n", answer, sizeof(answer));
	exec_caps = 0;
	assert_string_equal(answer, "2 7 sys_rawio+sys_admin\n");
}

static void signals(void **state)
{
	char answer[256];
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* 32 and above: the C library's own, as whoever started us left them. */
	say("sed -n 's/^\\(Sig[BI][lg][kn]:\\).*\\(.......\\)$/\\1 \\2/p' /proc/self/status >&3\n",
	    answer, sizeof(answer));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_string_equal(answer, "SigBlk: 0000000\nSigIgn: 0000000\n");
}

static void no_program(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(worker_exec("/does/not/exist", 1, 0, 0, &pid), -ENOENT);
}

static int setup(void **state)
{
	int fd = mkstemp(program);

	(void)state;
	close(fd);
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(socket_is_descriptor_3_already),
		cmocka_unit_test(argument_and_environment),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(signals),
		cmocka_unit_test(no_program),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
