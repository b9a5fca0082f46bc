// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any command with any argument and memory full of anything.  Nothing is
 * compared: the test is that everybody else lives on.  What is done is done in
 * children, since a driver may write anywhere into them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define ARENA_SIZE (256u * PAGE)
/* Seconds until a child must have ended; a wait that nobody interrupts takes longer. */
#define CHILD_LIMIT 100
_Static_assert(CHILD_LIMIT < VT_WAIT_LIMIT, "");

static const unsigned long cmds[] = {
	VT_NONE, VT_INT, VT_OLD, VT_FLAT, VT_DATA, VT_DATA_RET, VT_DEEP, VT_LIST, VT_VECS,
	VT_TREE, VT_LIE, VT_PIN, VT_PIN_WRITE, VT_PIN_READ, VT_PIN_WAIT, VT_UNPIN, VT_PINS,
	VT_WAIT, VT_SIGNAL, VT_WAITERS, VT_FILE_RET, VT_FILE_NEW, VT_FILE_MANY, VT_FILE_USE,
	VT_FILES, VT_FILE_STAT, VT_COUNT,
};

static unsigned char *arena;
static uint32_t r;

static uint32_t below(uint32_t n)
{
	return next_random(&r) % n;
}

static uint64_t wide(void)
{
	uint64_t high = next_random(&r);

	return high << 32 | next_random(&r);
}

/* An address or what could be taken for one. */
static unsigned long random_word(void)
{
	switch (below(16)) {
	case 0: return below(16);
	case 1: return below(0x400000);		/* below the mirror */
	case 2: return 0x3ff000 + below(0x3000);	/* its first page */
	case 3: return wide();
	case 4: return wide() & 0x7fffffffffffull;
	case 5: return (unsigned long)(0x7ffffffff000ull - below(0x3000));
	case 6: return word(&r) + below(100000);	/* the stack's or the program's */
	case 7: return 0x10000 + below(0x3000);	/* the executor's machine */
	default: return word(arena) + below(ARENA_SIZE);
	}
}

static uint32_t random_value(void)
{
	switch (below(8)) {
	case 0: return next_random(&r);
	case 1: return below(VT_MAX_LEN + 2);
	case 2: return 1u << below(32);
	case 3: return PAGE * below(64);
	default: return below(40);
	}
}

/* Words and values at places where structures may be. */
static void scatter(void)
{
	for (uint32_t i = below(2000); i; i--) {
		uint32_t at = below(ARENA_SIZE - 64);
		unsigned long w = random_word();
		uint32_t v = random_value();

		if (below(4))
			at &= ~7u;
		memcpy(arena + at, &w, sizeof(w));
		memcpy(arena + at + sizeof(w), &v, sizeof(v));
	}
}

static void change_mappings(void)
{
	unsigned char *p = arena + below(250) * PAGE;
	size_t size = (1 + below(5)) * PAGE;

	switch (below(6)) {
	case 0: mprotect(p, size, PROT_READ); break;
	case 1: mprotect(p, size, PROT_NONE); break;
	case 2: munmap(p, size); break;
	case 3: madvise(p, size, MADV_DONTNEED); break;
	default:
		mmap(arena, ARENA_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		scatter();
	}
}

static void one_call(int fd, int other)
{
	unsigned long cmd = cmds[below(sizeof(cmds) / sizeof(cmds[0]))];
	unsigned long arg = random_word();

	switch (below(32)) {
	case 0: cmd = next_random(&r); break;
	case 1: cmd ^= 1u << below(32); break;
	case 2: cmd = below(0x10000); break;
	}
	switch (below(16)) {
	case 0:
		if (read(below(2) ? fd : other, (void *)arg, random_value()) < 0)
			return;
		break;
	case 1:
		if (write(below(2) ? fd : other, (void *)arg, random_value()) < 0)
			return;
		break;
	case 2:
		arg = random_value();
		/* fallthrough */
	default:
		call_int(below(8) ? fd : other, cmd, arg);
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* What waits is interrupted.  A child that is forked has no timer of its own yet. */
static void interrupt_waits(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval tick = { { 0, 100000 }, { 0, 100000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

static int do_child(uint32_t seed, uint32_t count)
{
	int fd, other;

	interrupt_waits();
	r = seed * 2654435761u | 1;
	arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open_node(0);
	other = call_int(fd, VT_FILE_RET, 50);
	fcntl(other, F_SETFL, O_NONBLOCK);
	scatter();
	while (count--) {
		if (!below(20))
			change_mappings();
		if (!below(50) && !fork()) {
			interrupt_waits();
			one_call(fd, other);
			_exit(0);
		}
		one_call(fd, other);
	}
	_exit(0);
}

/* How it ended; a child that does not is the one thing that is wrong. */
static int await_child(pid_t pid, uint32_t seed)
{
	double limit = now() + CHILD_LIMIT;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now() > limit) {
			say("bad: the child with seed %u hangs", seed);
			kill(pid, SIGKILL);
			for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
				if (i > 1000)
					fail("and can't be killed");
				usleep(10000);
			}
			return -1;
		}
		usleep(5000);
	}
	return status;
}

/* The children's children, which are this process's when those have ended. */
static bool await_others(void)
{
	double limit = now() + CHILD_LIMIT;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (pid)
			continue;
		if (now() > limit) {
			say("bad: a child of a child hangs");
			return false;
		}
		usleep(5000);
	}
	return true;
}

void fuzz(uint32_t seed, double seconds)
{
	uint32_t children = 0, crashed = 0, hung = 0;
	double end = now() + seconds;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (now() < end) {
		pid_t pid;
		int status;

		fflush(stdout);
		pid = fork();
		if (pid < 0)
			fail("fork: %s", strerror(errno));
		if (!pid)
			do_child(seed, 300);
		status = await_child(pid, seed);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;	/* children of a child, which have ended */
		children++;
		crashed += status > 0;
		hung += status < 0;
		seed++;
	}
	hung += !await_others();
	say("fuzz: %u children, %u of them crashed, %u hung", children, crashed, hung);
	if (hung)
		exit(1);
}
