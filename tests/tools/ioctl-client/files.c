// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors that the driver makes, and those that it is given by number; and
 * requests by write() and read().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

/* An address without memory, unknown to the compiler. */
static void *volatile nowhere = (void *)8;

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static int ready(int fd, int events, int timeout)
{
	struct pollfd p = { .fd = fd, .events = events };
	int nr = poll(&p, 1, timeout);

	return nr <= 0 ? nr : p.revents;
}

static long use(int fd, int file, const void *data, uint32_t len, uint32_t *sum)
{
	struct vt_file_use arg = { .data = word(data), .fd = file, .len = len };
	long ret = call(fd, VT_FILE_USE, &arg);

	*sum = arg.result;
	return ret;
}

/* All that can be done with one. */
static void exercise(int fd, int file)
{
	unsigned char buf[300] = {};
	struct vt_data data;
	uint32_t sum;

	show(file >= 0 ? 0 : file, "  a descriptor");
	show(!!(fcntl(file, F_GETFD) & FD_CLOEXEC), "  close-on-exec");
	show(result(fcntl(file, F_GETFL) & O_ACCMODE), "  its mode");
	show(ready(file, POLLIN | POLLOUT, 0), "  poll");
	show(result(read(file, buf, 30)), "  read");
	say("  %08x", digest(buf, sizeof(buf)));
	show(result(write(file, "some bytes", 10)), "  write");
	show(use(fd, file, "more", 4, &sum), "  handed back");
	say("  %08x", sum);
	data = data_at(buf, VT_OP_INOUT, sizeof(buf), 1);
	show(call(file, VT_FILE_STAT, &data), "  its own ioctl");
	say("  %08x %08x", data.result, digest(buf, sizeof(buf)));
	show(call(file, VT_FLAT, buf), "  an ioctl that it has not");
	memset(buf, 0, sizeof(buf));
	show(result(read(file, buf, sizeof(buf))), "  read to the end");
	say("  %08x", digest(buf, sizeof(buf)));
	show(ready(file, POLLIN | POLLOUT, 0), "  poll");
	show(result(lseek(file, 0, SEEK_SET)), "  lseek");
	show(result(write(file, nowhere, 10)), "  write from nowhere");
	show(result(read(file, nowhere, 10)), "  read to nowhere (EAGAIN comes first)");
}

static void nonblock(int file)
{
	fcntl(file, F_SETFL, O_NONBLOCK);
}

static void wrong(int fd)
{
	int pipes[2], node2 = open_node(0);
	uint32_t sum;

	if (pipe(pipes))
		fail("pipe");
	show(use(fd, -1, "x", 1, &sum), "descriptor -1");
	/* A back-end may have some of its own at such numbers. */
	for (int i = 4000; i < 4200; i++)
		if (use(fd, i, "x", 1, &sum) != -EBADF)
			say("descriptor %d is one", i);
	show(use(fd, 1 << 30, "x", 1, &sum), "a large number");
	show(use(fd, pipes[1], "x", 1, &sum), "a pipe");
	show(use(fd, node2, "x", 1, &sum), "the node itself");
	show(use(fd, fd, "x", 1, &sum), "the very same descriptor");
	close(pipes[0]);
	close(pipes[1]);
	close(node2);
	show(use(fd, pipes[1], "x", 1, &sum), "a closed one");
}

/* To another process, which then uses it without the node. */
static void pass(int fd, int file)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2], got;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		fail("socketpair");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(file);
		if (recvmsg(pair[1], &msg, 0) != 1)
			_exit(1);
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
		say("passed to another process");
		exercise(fd, got);
		fflush(stdout);
		_exit(0);
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof(file));
	if (sendmsg(pair[0], &msg, 0) != 1)
		fail("sendmsg");
	waitpid(pid, NULL, 0);
	close(pair[0]);
	close(pair[1]);
}

/* Another program with the open file. */
static void pass_exec(int file)
{
	char number[20];
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		snprintf(number, sizeof(number), "%d", dup(file));
		execl("/proc/self/exe", "ioctl-client", "use-file", number, NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

int use_file(int fd)
{
	unsigned char buf[100];
	struct vt_data data = data_at(buf, VT_OP_INOUT, sizeof(buf), 1);

	fill(buf, sizeof(buf), 1);
	show(call(fd, VT_FILE_STAT, &data), "another program: its ioctl");
	say("  %08x %08x", data.result, digest(buf, sizeof(buf)));
	show(result(write(fd, "exec", 4)), "  write");
	return 0;
}

static void blocking_read(int fd, int file)
{
	char buf[100] = {};
	uint32_t sum;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(100000);
		use(fd, file, "woken", 5, &sum);
		_exit(0);
	}
	show(ready(file, POLLIN, 60000), "poll that waits");
	show(result(read(file, buf, sizeof(buf))), "read of what came");
	say("  %s", buf);
	waitpid(pid, &status, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(100000);
		if (write(file, "again", 5) != 5)
			_exit(1);
		_exit(0);
	}
	memset(buf, 0, sizeof(buf));
	show(result(read(file, buf, sizeof(buf))), "read that waits");
	say("  %s", buf);
	waitpid(pid, &status, 0);
}

/* A thread with a table of its own, in which the number is another file. */
static void *other_table(void *arg)
{
	int *at = arg, fd = at[0], file;
	uint32_t sum;

	if (unshare(CLONE_FILES))
		fail("unshare: %s", strerror(errno));
	file = call_int(fd, VT_FILE_RET, 99);
	dup2(file, at[1]);
	close(file);
	show(use(fd, at[1], NULL, 0, &sum), "in a table of the thread's own");
	say("  %08x", sum);
	close(at[1]);
	show(use(fd, at[1], NULL, 0, &sum), "... closed there");
	return NULL;
}

static void tables(int fd)
{
	int at[2] = { fd, 100 }, file = call_int(fd, VT_FILE_RET, 98);
	pthread_t thread;
	uint32_t sum;

	dup2(file, 100);
	close(file);
	show(use(fd, 100, NULL, 0, &sum), "in the process's table");
	say("  %08x", sum);
	if (pthread_create(&thread, NULL, other_table, at))
		fail("pthread_create");
	pthread_join(thread, NULL);
	show(use(fd, 100, NULL, 0, &sum), "... and still");
	say("  %08x", sum);
	close(100);
	await_count(fd, VT_FILES, 0);
}

static void make_many(int fd)
{
	__s32 fds[20];
	struct vt_file_many arg = { .fds = word(fds), .nr = 20, .salt = 40 };
	uint32_t sum, all = 0;
	int nr = 0;

	memset(fds, 0xff, sizeof(fds));
	show(call(fd, VT_FILE_MANY, &arg), "twenty at once");
	for (int i = 0; i < 20; i++) {
		nr += fds[i] >= 0 && fcntl(fds[i], F_GETFD) >= 0;
		if (use(fd, fds[i], &i, sizeof(i), &sum) == sizeof(i))
			all = all * 31 + sum;
	}
	say("  %d are open, %08x", nr, all);
	show(call_int(fd, VT_FILES, 0), "  open");
	for (int i = 0; i < 20; i += 2)
		close(fds[i]);
	await_count(fd, VT_FILES, 10);
	/* Numbers that are used again are other files. */
	show(call(fd, VT_FILE_MANY, &arg), "twenty more");
	for (int i = 0; i < 20; i++)
		if (use(fd, fds[i], NULL, 0, &sum) == 0)
			all = all * 31 + sum;
	say("  %08x", all);
	arg.fds = 8;
	show(call(fd, VT_FILE_MANY, &arg), "to a bad place");
	show(call_int(fd, VT_FILES, 0), "  open");
	for (int i = 3; i < 200; i++)
		if (i != fd)
			close(i);
	await_count(fd, VT_FILES, 0);
}

void test_files(void)
{
	struct vt_file_new new = { .salt = 57 };
	int fd = open_node(0), file, copy;
	uint32_t sum;

	file = call_int(fd, VT_FILE_RET, 45);
	say("a descriptor as return value");
	nonblock(file);
	exercise(fd, file);
	show(result(close(file)), "  close");
	await_count(fd, VT_FILES, 0);
	show(use(fd, file, "x", 1, &sum), "  handed back after its close");

	show(call(fd, VT_FILE_NEW, &new), "a descriptor in a structure");
	nonblock(new.fd);
	exercise(fd, new.fd);
	copy = dup(new.fd);
	close(new.fd);
	show(use(fd, copy, "x", 1, &sum), "a copy of it, handed back");
	say("  %08x", sum);
	copy = dup2(copy, 100);
	show(use(fd, 100, "x", 1, &sum), "number 100, handed back");
	say("  %08x", sum);
	pass(fd, copy);
	pass_exec(copy);
	show(use(fd, copy, NULL, 0, &sum), "after all that");
	say("  %08x", sum);
	close(copy);
	for (int i = 3; i < 100; i++)
		if (i != fd)
			close(i);
	await_count(fd, VT_FILES, 0);

	file = call_int(fd, VT_FILE_RET, 0);
	blocking_read(fd, file);
	/* It lives on without the node. */
	copy = open_node(0);
	close(fd);
	fd = copy;
	nonblock(file);
	exercise(fd, file);
	close(file);
	await_count(fd, VT_FILES, 0);
	wrong(fd);
	tables(fd);
	make_many(fd);
	show(call(fd, VT_FILE_NEW, (void *)8), "a structure that is nowhere");
	show(call_int(fd, VT_FILES, 0), "open at the end");
	close(fd);
}

/* ---- write() and read() with pointers in the payload ---- */

static struct vt_async request(void *data, uint32_t op, uint32_t len, uint32_t tag)
{
	return (struct vt_async){
		.data = word(data), .op = op, .len = len, .salt = tag * 3, .tag = tag,
	};
}

static long get(int fd, uint32_t tag)
{
	struct vt_async rq = { .tag = tag };
	long ret = result(read(fd, &rq, sizeof(rq)));

	show(ret, "read, tag %u", tag);
	if (ret > 0)
		say("  tag %u op %u status %u result %08x", rq.tag, rq.op, rq.status, rq.result);
	return ret;
}

void test_async(void)
{
	static unsigned char buf[8][70000];
	int fd = open_node(0);
	struct vt_async rq;

	fill(buf, sizeof(buf), 1);
	for (uint32_t i = 0; i < 8; i++) {
		rq = request(buf[i] + i, i % 3, i < 6 ? 100 * i : 65536, i + 1);
		show(result(write(fd, &rq, sizeof(rq))), "write, op %u of %u", rq.op, rq.len);
		memset(&rq, 0, sizeof(rq));
	}
	show(ready(fd, POLLIN, 60000), "poll");
	get(fd, 3);
	get(fd, 8);
	for (int i = 0; i < 6; i++)
		get(fd, 0);
	get(fd, 0);
	say("  %08x", digest(buf, sizeof(buf)));
	rq = request(buf[0], VT_OP_OUT, 100, 20);
	show(result(write(fd, &rq, sizeof(rq) - 1)), "a short write");
	show(result(write(fd, nowhere, sizeof(rq))), "from nowhere");
	rq = request((void *)8, VT_OP_IN, 100, 21);
	show(result(write(fd, &rq, sizeof(rq))), "data from nowhere");
	rq = request((void *)8, VT_OP_OUT, 100, 22);
	show(result(write(fd, &rq, sizeof(rq))), "data to nowhere");
	get(fd, 0);
	show(ready(fd, POLLIN | POLLOUT, 0), "poll");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	get(fd, 0);
	fcntl(fd, F_SETFL, 0);
	for (uint32_t i = 0; i < 17; i++) {
		rq = request(buf[0], VT_OP_OUT, 100, i + 1);
		if (i == 16)
			show(result(write(fd, &rq, sizeof(rq))), "one too many");
		else if (write(fd, &rq, sizeof(rq)) != sizeof(rq))
			fail("write number %u", i);
	}
	/* Closed with requests that are not done. */
	close(fd);
}

/* ---- who has opened a node, and who has not ---- */

static void *read_later(void *p)
{
	int fd = *(int *)p;

	get(fd, 0);
	return NULL;
}

static long reads(int fd)
{
	struct vt_count count;

	return call(fd, VT_COUNT, &count) ? -1 : (long)count.nr[VT_COUNT_READ];
}

/* A thread waits for what this one writes then. */
static void read_first(int fd, unsigned char *data, uint32_t tag)
{
	struct vt_async rq = request(data, VT_OP_OUT, 5000, tag);
	long before = reads(fd);
	pthread_t thread;
	long ret;

	fflush(stdout);
	if (pthread_create(&thread, NULL, read_later, &fd))
		fail("pthread_create");
	while (reads(fd) == before)
		usleep(1000);
	usleep(20000);
	ret = result(write(fd, &rq, sizeof(rq)));
	pthread_join(thread, NULL);
	show(ret, "write, while a thread reads");
}

static void *exchange(void *p)
{
	static unsigned char data[8][3000];
	uint32_t tag = *(uint32_t *)p, sum = 0;
	int fd = open_node(0);
	struct vt_async rq;

	for (int i = 0; i < 20; i++) {
		rq = request(data[tag], VT_OP_OUT, sizeof(data[0]) - i, tag);
		if (write(fd, &rq, sizeof(rq)) != sizeof(rq))
			fail("write %d of thread %u: %s", i, tag, strerror(errno));
		if (read(fd, &rq, sizeof(rq)) != sizeof(rq))
			fail("read %d of thread %u: %s", i, tag, strerror(errno));
		if (rq.tag != tag || rq.status)
			fail("read %d of thread %u: tag %u, %s", i, tag, rq.tag, strerror(rq.status));
		sum = sum * 31 + digest(data[tag], sizeof(data[0]));
	}
	close(fd);
	return (void *)(unsigned long)sum;
}

void test_opener(void)
{
	static unsigned char data[5000];
	uint32_t tag[8];
	pthread_t thread[8];
	int fd = open_node(0), status;
	struct vt_async rq;
	void *sum;
	pid_t pid;

	/* A setting of the open file, before anything is read or written. */
	for (int i = 0; i < 3; i++)
		show(call_int(fd, VT_NONE, 0), "call");
	for (uint32_t i = 1; i < 4; i++)
		read_first(fd, data, i);
	say("  %08x", digest(data, sizeof(data)));
	show(call_int(fd, VT_NONE, 0), "call");
	rq = request(data, VT_OP_IN, 100, 9);
	show(result(write(fd, &rq, sizeof(rq))), "write");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		show(result(write(fd, &rq, sizeof(rq))), "write of a child");
		show(result(read(fd, &rq, sizeof(rq))), "read of a child");
		show(call_int(fd, VT_NONE, 0), "call of a child");
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	get(fd, 9);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	get(fd, 0);
	for (uint32_t i = 0; i < 8; i++) {
		tag[i] = i;
		if (pthread_create(&thread[i], NULL, exchange, &tag[i]))
			fail("pthread_create");
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(thread[i], &sum);
		say("thread %d: %08lx", i, (unsigned long)sum & 0xffffffff);
	}
	close(fd);
}
