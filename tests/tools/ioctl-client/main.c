// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ioctl-client - makes the calls of the test driver (tests/lab/vsystest) and
 * prints what each gives.  It runs natively in dom0 and in a guest, and the two
 * outputs must be the same.  So it prints results, never judges them, and
 * nothing that differs from run to run: no addresses, times or descriptors.
 *
 *   ioctl-client PATH TEST...        basic sizes shapes kinds bad wait changes
 *                                    pin files count; or all of these
 *   ioctl-client PATH async          needs the stanza's payload=pointers
 *   ioctl-client PATH low            pointers below 4 MiB; prints only the end
 *   ioctl-client PATH park           a call that waits for somebody outside
 *   ioctl-client PATH left           what the driver still has, of anybody
 *   ioctl-client PATH random SEED COUNT     random-each: a line for each call
 *   ioctl-client PATH threads N ROUNDS      N threads, then N processes
 *   ioctl-client PATH fuzz SEED SECONDS     any call with any argument
 *   ioctl-client PATH time SECONDS          calls per second
 *   ioctl-client PATH trips FILE     what a call adds to the counters in FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

const char *node;

int open_node(int flags)
{
	int fd = open(node, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		fail("open %s: %s", node, strerror(errno));
	return fd;
}

long call_int(int fd, unsigned long cmd, unsigned long arg)
{
	long ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

long call(int fd, unsigned long cmd, const void *arg)
{
	return call_int(fd, cmd, word(arg));
}

long show(long ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (ret < 0)
		printf(": %s\n", strerrorname_np(-ret) ?: "unknown error");
	else
		printf(": %ld\n", ret);
	return ret;
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "ioctl-client: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* FNV-1a by words: enough to compare two runs, and quick. */
uint32_t digest(const void *data, size_t size)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325u, w;

	for (; size >= 8; size -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0x100000001b3u;
		h ^= h >> 32;
	}
	while (size--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h ^ h >> 32;
}

uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

void fill(void *data, size_t size, uint32_t seed)
{
	unsigned char *p = data;
	uint32_t r = seed * 2 + 1, w;

	for (; size >= 4; size -= 4, p += 4) {
		w = next_random(&r);
		memcpy(p, &w, 4);
	}
	while (size--)
		*p++ = next_random(&r);
}

void *pages(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	return p;
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void await(int fd, unsigned long cmd, unsigned long arg, long n)
{
	double limit = now() + 100;
	long got;

	while ((got = call_int(fd, cmd, arg)) != n) {
		if (now() > limit)
			fail("command %#lx gives %ld, not %ld", cmd, got, n);
		usleep(2000);
	}
}

void await_waiters(int fd, unsigned int token, long n)
{
	await(fd, VT_WAITERS, token, n);
}

void await_count(int fd, unsigned long cmd, long n)
{
	await(fd, cmd, 0, n);
}

/* How often each command was really made; last, after whatever came before. */
void test_count(void)
{
	int fd = open_node(0);
	struct vt_count count;

	show(call(fd, VT_COUNT, &count), "count");
	/* VT_WAITERS and their kin are repeated until something is the case. */
	for (size_t i = 0; i < sizeof(count.nr) / sizeof(count.nr[0]); i++)
		if (i != 26 && i != 21 && i != 36 && count.nr[i])
			say("count %zu: %u", i, count.nr[i]);
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool in_all;
} tests[] = {
	{ "basic", test_basic, true },
	{ "sizes", test_sizes, true },
	{ "shapes", test_shapes, true },
	{ "kinds", test_kinds, true },
	{ "bad", test_bad, true },
	{ "wait", test_wait, true },
	{ "changes", test_changes, true },
	{ "pin", test_pin, true },
	{ "files", test_files, true },
	{ "count", test_count, true },
	{ "async", test_async, false },
	{ "opener", test_opener, false },
	{ "low", test_low, false },
	{ "park", test_park, false },
	{ "left", test_left, false },
};

#define NR_TESTS (sizeof(tests) / sizeof(tests[0]))

static void reset_counters(void)
{
	int fd = open_node(0);

	call_int(fd, VT_COUNT_RESET, 0);
	close(fd);
}

static void run_test(const char *name)
{
	bool found = false;

	for (size_t i = 0; i < NR_TESTS; i++) {
		if (strcmp(name, tests[i].name) &&
		    (strcmp(name, "all") || !tests[i].in_all))
			continue;
		found = true;
		say("= %s", tests[i].name);
		tests[i].run();
	}
	if (!found)
		fail("there is no test '%s'", name);
}

static long number(const char *s)
{
	char *end;
	long n = strtol(s, &end, 0);

	if (!*s || *end || n < 0)
		fail("'%s' is no number", s);
	return n;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "use-file"))
		return use_file(number(argv[2]));
	if (argc < 3) {
		fprintf(stderr, "usage: ioctl-client PATH TEST...\n");
		return 2;
	}
	node = argv[1];
	if (argc == 5 && !strcmp(argv[2], "random")) {
		random_calls(number(argv[3]), number(argv[4]), false);
	} else if (argc == 5 && !strcmp(argv[2], "random-each")) {
		random_calls(number(argv[3]), number(argv[4]), true);
	} else if (argc == 5 && !strcmp(argv[2], "threads")) {
		threads(number(argv[3]), number(argv[4]));
	} else if (argc == 5 && !strcmp(argv[2], "fuzz")) {
		fuzz(number(argv[3]), number(argv[4]));
	} else if (argc == 4 && !strcmp(argv[2], "time")) {
		measure(number(argv[3]));
	} else if (argc == 4 && !strcmp(argv[2], "trips")) {
		trips(argv[3]);
	} else {
		if (strcmp(argv[2], "left"))
			reset_counters();
		for (int i = 2; i < argc; i++)
			run_test(argv[i]);
	}
	return 0;
}
