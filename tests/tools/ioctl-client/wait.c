// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that wait: signals, others beside them, ends of processes, and memory
 * that changes meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define MANY 32

/* A call in a thread of its own. */
struct waiter {
	pthread_t thread;
	int fd;
	long ret;
	struct vt_wait arg;
};

static void *wait_call(void *arg)
{
	struct waiter *w = arg;

	w->ret = call(w->fd, VT_WAIT, &w->arg);
	return NULL;
}

static void start(struct waiter *w, int fd, uint32_t token, void *data, uint32_t len,
		  uint32_t flags)
{
	*w = (struct waiter){
		.fd = fd,
		.arg = { .data = word(data), .token = token, .len = len, .salt = token + 5,
			 .flags = flags },
	};
	if (pthread_create(&w->thread, NULL, wait_call, w))
		fail("pthread_create");
}

/* Lets it go on; prints what it gave. */
static void finish(struct waiter *w, const char *what)
{
	call_int(w->fd, VT_SIGNAL, w->arg.token);
	pthread_join(w->thread, NULL);
	show(w->ret, "%s", what);
	say("  %08x", w->arg.result);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* A child that sends SIGALRM once this process waits; then lets the call go on. */
static pid_t alarm_when_waiting(int fd, uint32_t token, bool signal_too)
{
	pid_t parent = getpid(), pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	await_waiters(fd, token, 1);
	kill(parent, SIGALRM);
	if (signal_too) {
		/* Not for a restart, which may be quicker than this looks. */
		usleep(200000);
		await_waiters(fd, token, 1);
		call_int(fd, VT_SIGNAL, token);
	}
	_exit(0);
}

static void interrupted(int fd, const char *what, int sa_flags, uint32_t flags, bool signal_too)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = sa_flags };
	unsigned char buf[100];
	struct vt_wait arg = { .data = word(buf), .token = 3, .len = 100, .flags = flags };
	pid_t pid;

	memset(buf, 'i', sizeof(buf));
	sigaction(SIGALRM, &sa, NULL);
	signals = 0;
	pid = alarm_when_waiting(fd, 3, signal_too);
	show(call(fd, VT_WAIT, &arg), "%s", what);
	waitpid(pid, NULL, 0);
	say("  %d signals, %08x %08x", (int)signals, arg.result, digest(buf, sizeof(buf)));
	await_waiters(fd, 3, 0);
}

static void many(int fd)
{
	static struct waiter w[MANY];
	static unsigned char buf[MANY][300];
	struct vt_flat flat = {};

	for (int i = 0; i < MANY; i++)
		start(&w[i], fd, 8 + i, buf[i], sizeof(buf[i]), i % 2);
	for (int i = 0; i < MANY; i++)
		await_waiters(fd, 8 + i, 1);
	show(call(fd, VT_FLAT, &flat), "a call beside %d that wait", MANY);
	for (int i = MANY - 1; i >= 0; i--)
		finish(&w[i], "one of many");
	say("  %08x", digest(buf, sizeof(buf)));
}

static void killed(int fd)
{
	static struct waiter w[3];
	unsigned char buf[100];
	struct vt_wait arg = { .data = word(buf), .token = 4, .len = 100 };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		call(fd, VT_WAIT, &arg);
		_exit(1);
	}
	await_waiters(fd, 4, 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	say("killed: %d by %d", WIFSIGNALED(status), WTERMSIG(status));
	await_waiters(fd, 4, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 3; i++)
			start(&w[i], fd, 4, buf, 30 * i, VT_WAIT_TOUCH);
		await_waiters(fd, 4, 3);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	say("exit with three threads that wait: %d", WEXITSTATUS(status));
	await_waiters(fd, 4, 0);
}

static void nonblock(int fd)
{
	struct vt_wait arg = { .token = 5, .flags = VT_WAIT_NOWRITE };

	fcntl(fd, F_SETFL, O_NONBLOCK);
	show(call(fd, VT_WAIT, &arg), "nothing there, O_NONBLOCK");
	call_int(fd, VT_SIGNAL, 5);
	show(call(fd, VT_WAIT, &arg), "something there, O_NONBLOCK");
	fcntl(fd, F_SETFL, 0);
	call_int(fd, VT_SIGNAL, 5);
	show(call(fd, VT_WAIT, &arg), "something there");
}

void test_wait(void)
{
	unsigned char buf[200];
	struct waiter w;
	int fd = open_node(0), fd2;

	memset(buf, 'w', sizeof(buf));
	start(&w, fd, 0, buf, sizeof(buf), 0);
	await_waiters(fd, 0, 1);
	finish(&w, "waited");
	say("  %08x", digest(buf, sizeof(buf)));
	start(&w, fd, 0, buf, sizeof(buf), VT_WAIT_TOUCH);
	await_waiters(fd, 0, 1);
	finish(&w, "waited, had read before");
	say("  %08x", digest(buf, sizeof(buf)));
	nonblock(fd);
	interrupted(fd, "a signal", 0, 0, false);
	interrupted(fd, "a signal, had read before", 0, VT_WAIT_TOUCH, false);
	interrupted(fd, "a signal, the driver says EINTR", 0, VT_WAIT_EINTR, false);
	interrupted(fd, "a signal with SA_RESTART", SA_RESTART, VT_WAIT_TOUCH, true);
	many(fd);
	killed(fd);

	/* The descriptor is closed; the call holds the file. */
	fd2 = open_node(0);
	start(&w, fd2, 6, buf, sizeof(buf), VT_WAIT_TOUCH);
	await_waiters(fd, 6, 1);
	close(fd2);
	w.fd = fd;
	finish(&w, "closed while it waited");
	close(fd);
}

/* ---- memory that changes while a call runs ---- */

enum change {
	NEIGHBOURS, UNMAP, REMAP, READ_ONLY, FORK, FORK_EXIT, DONTNEED, MOVE,
};

/* over: a pipe that ends when the call does. */
static void change(enum change how, unsigned char *p, uint32_t at, uint32_t len,
		   const int over[2])
{
	pid_t pid;
	char end;

	switch (how) {
	case NEIGHBOURS:
		/* Before and behind what the driver will write. */
		memset(p, 'N', at);
		memset(p + at + len, 'M', 2 * PAGE - at - len);
		break;
	case UNMAP:
		munmap(p, 2 * PAGE);
		break;
	case REMAP:
		munmap(p, 2 * PAGE);
		if (mmap(p, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != p)
			fail("mmap again");
		break;
	case READ_ONLY:
		mprotect(p, 2 * PAGE, PROT_READ);
		break;
	case FORK:
	case FORK_EXIT:
		fflush(stdout);
		pid = fork();
		if (!pid) {
			/* Its copy is its own. */
			if (how == FORK) {
				close(over[1]);
				if (read(over[0], &end, 1))
					_exit(1);
				say("  child sees %08x", digest(p, 2 * PAGE));
				fflush(stdout);
			}
			_exit(0);
		}
		if (how == FORK_EXIT)
			waitpid(pid, NULL, 0);
		break;
	case DONTNEED:
		madvise(p, 2 * PAGE, MADV_DONTNEED);
		break;
	case MOVE:
		if (mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   p + 4 * PAGE) != p + 4 * PAGE)
			fail("mremap");
		break;
	}
}

/* The driver's own pattern. */
static unsigned char pattern(uint32_t salt, uint32_t i)
{
	uint32_t x = (i + salt) * 2654435761u;

	return (x >> 24) ^ (x >> 11);
}

/*
 * What was there before is nowhere what the driver will write: a byte that a
 * remote driver writes as it was is not written back, and so does not come to
 * memory that was put there meanwhile (docs/mirror.md).
 */
static void fill_otherwise(unsigned char *p, uint32_t at, uint32_t len, uint32_t salt)
{
	fill(p, 2 * PAGE, at);
	for (uint32_t i = 0; i < len; i++)
		if (p[at + i] == pattern(salt, i))
			p[at + i] ^= 0x55;
}

static void changed(int fd, const char *what, enum change how, uint32_t flags, uint32_t at,
		    uint32_t len)
{
	unsigned char *p = pages(8 * PAGE, PROT_READ | PROT_WRITE);
	struct waiter w;
	int over[2];

	if (pipe(over))
		fail("pipe");
	fill_otherwise(p, at, len, 7 + 5);	/* as start() sets salt */
	start(&w, fd, 7, p + at, len, flags);
	await_waiters(fd, 7, 1);
	change(how, p, at, len, over);
	finish(&w, what);
	close(over[1]);
	while (wait(NULL) > 0)
		;
	close(over[0]);
	if (how == MOVE)
		say("  moved: %08x", digest(p + 4 * PAGE, 2 * PAGE));
	else if (how != UNMAP)
		say("  %08x", digest(p, 2 * PAGE));
	munmap(p, 8 * PAGE);
}

void test_changes(void)
{
	static const struct { const char *name; enum change how; } all[] = {
		{ "neighbours written", NEIGHBOURS },
		{ "unmapped", UNMAP },
		{ "mapped anew", REMAP },
		{ "made read-only", READ_ONLY },
		{ "forked", FORK },
		{ "forked, child gone", FORK_EXIT },
		{ "emptied", DONTNEED },
		{ "moved away", MOVE },
	};
	int fd = open_node(0);
	char what[80];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (uint32_t flags = 0; flags <= VT_WAIT_TOUCH; flags++) {
			snprintf(what, sizeof(what), "%s while it waits%s", all[i].name,
				 flags ? ", had read before" : "");
			changed(fd, what, all[i].how, flags, 100, 64);
			changed(fd, what, all[i].how, flags, 4000, 200);
			changed(fd, what, all[i].how, flags | VT_WAIT_NOWRITE, 1, 5000);
		}
	}
	close(fd);
}

/* Waits until somebody outside does something; then shows that calls go on. */
void test_park(void)
{
	unsigned char buf[100] = "parked";
	struct vt_wait arg = {
		.data = word(buf), .token = VT_TOKENS - 1, .len = sizeof(buf),
		.flags = VT_WAIT_TOUCH,
	};
	int fd = open_node(0);
	struct vt_flat flat = {};

	show(call(fd, VT_WAIT, &arg), "the call that waited");
	show(call(fd, VT_FLAT, &flat), "the next one");
	close(fd);
}

/* What is there of all clients of the node; opened by this one: nothing. */
void test_left(void)
{
	int fd = open_node(0);
	long waiters = 0;

	for (unsigned int token = 0; token < VT_TOKENS; token++)
		waiters += call_int(fd, VT_WAITERS, token);
	say("%ld pins, %ld files, %ld waiters", call_int(fd, VT_PINS, 0),
	    call_int(fd, VT_FILES, 0), waiters);
	close(fd);
}
