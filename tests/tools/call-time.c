// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call-time - how long single calls take, each made alone, one after another:
 *
 *   call-time ROUNDS MILLISECONDS KIND:PATH...
 *
 *   ioctl  the test driver's call without argument (tests/lab/vsystest)
 *   byte   read() of one byte
 *   page   pread() of 4 KiB at random places of a block device, past the page cache
 *
 * All of them take turns, ROUNDS times, for so long each.  The first turn of each
 * is for warming up and not printed.  A line for each other turn, in nanoseconds:
 *
 *   KIND:PATH ROUND calls N mean NS min NS p50 NS p90 NS p99 NS
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../lab/vsystest/abi.h"

#define MAX_CALLS 100000
#define MAX_TARGETS 8
#define PAGE 4096

struct target {
	const char *name;
	int (*call)(struct target *t);
	int fd;
	uint64_t pages;		/* of the block device */
};

static uint32_t duration[MAX_CALLS];
static uint64_t seed = 88172645463325252ull;
static char page[PAGE] __attribute__((aligned(PAGE)));

static uint64_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int call_ioctl(struct target *t)
{
	return ioctl(t->fd, VT_NONE, 0) < 0 ? -errno : 0;
}

static int call_byte(struct target *t)
{
	ssize_t ret = read(t->fd, page, 1);

	return ret < 0 ? -errno : ret == 1 ? 0 : -EIO;
}

static int call_page(struct target *t)
{
	ssize_t ret = pread(t->fd, page, PAGE, random_number() % t->pages * PAGE);

	return ret < 0 ? -errno : ret == PAGE ? 0 : -EIO;
}

static const struct kind {
	const char *name;
	int (*call)(struct target *t);
	int flags;
} kinds[] = {
	{ "ioctl", call_ioctl, O_RDWR },
	{ "byte", call_byte, O_RDONLY },
	{ "page", call_page, O_RDONLY | O_DIRECT },
};

static void fail(const char *name, const char *what, int err)
{
	fprintf(stderr, "call-time: %s: %s: %s\n", name, what, strerror(err));
	exit(1);
}

static void open_target(struct target *t, const char *name)
{
	const char *path = strchr(name, ':');
	uint64_t bytes;

	for (size_t i = 0; path && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].name);

		if (n != (size_t)(path - name) || memcmp(name, kinds[i].name, n))
			continue;
		*t = (struct target){ .name = name, .call = kinds[i].call };
		t->fd = open(path + 1, kinds[i].flags | O_CLOEXEC);
		if (t->fd < 0)
			fail(name, "open", errno);
		if (t->call == call_page) {
			if (ioctl(t->fd, BLKGETSIZE64, &bytes) < 0)
				fail(name, "its size", errno);
			t->pages = bytes / PAGE;
			if (!t->pages)
				fail(name, "its size", EINVAL);
		}
		return;
	}
	fprintf(stderr, "call-time: '%s' is not ioctl:PATH, byte:PATH or page:PATH\n", name);
	exit(2);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* One turn; round 0 is not printed. */
static void turn(struct target *t, int round, uint64_t length)
{
	uint64_t begin = now(), before = begin, after, sum = 0;
	int err;
	size_t n = 0;

	while (n < MAX_CALLS && before - begin < length) {
		err = t->call(t);
		if (err)
			fail(t->name, "the call", -err);
		after = now();
		duration[n] = after - before < UINT32_MAX ? after - before : UINT32_MAX;
		sum += duration[n++];
		before = after;
	}
	if (!round)
		return;
	qsort(duration, n, sizeof(duration[0]), compare);
	printf("%s %d calls %zu mean %.0f min %u p50 %u p90 %u p99 %u\n", t->name, round, n,
	       (double)sum / n, duration[0], duration[n / 2], duration[n * 9 / 10],
	       duration[n * 99 / 100]);
}

int main(int argc, char **argv)
{
	struct target targets[MAX_TARGETS];
	int rounds = argc > 3 ? atoi(argv[1]) : 0, nr = argc - 3;
	long ms = argc > 3 ? atol(argv[2]) : 0;

	if (rounds < 1 || ms < 1 || nr > MAX_TARGETS) {
		fprintf(stderr, "usage: call-time ROUNDS MILLISECONDS KIND:PATH... (at most %d)\n",
			MAX_TARGETS);
		return 2;
	}
	for (int i = 0; i < nr; i++)
		open_target(&targets[i], argv[i + 3]);
	for (int round = 0; round <= rounds; round++)
		for (int i = 0; i < nr; i++)
			turn(&targets[i], round, ms * 1000000ull);
	return 0;
}
