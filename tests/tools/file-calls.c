// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * file-calls - makes the file calls there are on one device node and prints
 * what each gives.  It runs natively in dom0 and in a guest, and the two
 * outputs must be the same.  So it prints results, never judges them, and
 * nothing that differs from run to run.
 *
 *   file-calls PATH [WRITE]     WRITE: also the calls that write
 *   file-calls PATH random SEED COUNT SIZE
 *                               COUNT random pread, pwrite, read, write and
 *                               lseek calls below SIZE, and a digest of it all
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char buf[1 << 20] __attribute__((aligned(4096)));

/* An address without memory, unknown to the compiler. */
static void *volatile nowhere = (void *)8;

/* FNV-1a: enough to compare two runs. */
static uint64_t digest(const void *data, size_t size, uint64_t h)
{
	const unsigned char *p = data;

	while (size--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

static const char *error_name(int err)
{
	return err ? strerrorname_np(err) : "ok";
}

static long show(const char *what, long ret)
{
	if (ret < 0)
		printf("%-28s %s\n", what, error_name(errno));
	else
		printf("%-28s %ld\n", what, ret);
	return ret;
}

static void show_read(const char *what, long ret)
{
	if (show(what, ret) > 0)
		printf("%-28s %016llx\n", "  data",
		       (unsigned long long)digest(buf, ret, 0xcbf29ce484222325u));
}

static void show_open(const char *what, const char *path, int flags)
{
	int fd = open(path, flags);

	printf("%-28s %s\n", what, fd < 0 ? error_name(errno) : "ok");
	if (fd >= 0) {
		int got = fcntl(fd, F_GETFL);

		printf("%-28s %#x\n", "  F_GETFL", got & ~O_LARGEFILE);
		show("  close", close(fd));
	}
}

static void opens(const char *path)
{
	static const struct { const char *name; int flags; } all[] = {
		{ "open O_RDONLY", O_RDONLY },
		{ "open O_WRONLY", O_WRONLY },
		{ "open O_RDWR", O_RDWR },
		{ "open O_NONBLOCK", O_RDONLY | O_NONBLOCK },
		{ "open O_EXCL", O_RDWR | O_EXCL },
		{ "open O_SYNC", O_RDWR | O_SYNC },
		{ "open O_DSYNC", O_RDWR | O_DSYNC },
		{ "open O_APPEND", O_RDWR | O_APPEND },
		{ "open O_DIRECT", O_RDWR | O_DIRECT },
		{ "open O_TRUNC", O_RDWR | O_TRUNC },
		{ "open O_CREAT", O_RDWR | O_CREAT },
		{ "open O_DIRECTORY", O_RDONLY | O_DIRECTORY },
		{ "open O_PATH", O_PATH },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		show_open(all[i].name, path, all[i].flags);
}

static void reads(const char *path)
{
	struct iovec iov[3] = {
		{ buf, 5 }, { buf + 100, 4096 }, { buf + 8192, 100 },
	};
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		printf("reads: %s\n", error_name(errno));
		return;
	}
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show_read("read 100", read(fd, buf, 100));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show_read("read 0", read(fd, buf, 0));
	show_read("read 4096", read(fd, buf, 4096));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show("lseek SET 8192", lseek(fd, 8192, SEEK_SET));
	show_read("read 1", read(fd, buf, 1));
	show("lseek CUR +10", lseek(fd, 10, SEEK_CUR));
	show("lseek CUR -4", lseek(fd, -4, SEEK_CUR));
	show("lseek SET -1", lseek(fd, -1, SEEK_SET));
	show("lseek END", lseek(fd, 0, SEEK_END));
	show("lseek DATA", lseek(fd, 0, SEEK_DATA));
	show("lseek HOLE", lseek(fd, 0, SEEK_HOLE));
	show("lseek bad whence", lseek(fd, 0, 77));
	show("lseek SET 512", lseek(fd, 512, SEEK_SET));
	show_read("pread 512 at 1024", pread(fd, buf, 512, 1024));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show_read("pread at -1", pread(fd, buf, 10, -1));
	memset(buf, 0, 10000);
	show_read("readv", readv(fd, iov, 3));
	memset(buf, 0, 10000);
	show_read("preadv at 3", preadv(fd, iov, 3, 3));
	show_read("read 1 MiB", read(fd, buf, sizeof(buf)));
	show("read to nowhere", read(fd, nowhere, 100));
	show("pread to nowhere", pread(fd, nowhere, 100, 0));
	show("write (read-only file)", write(fd, buf, 1));
	show("ftruncate", ftruncate(fd, 10));
	show("close", close(fd));
	show("read (closed)", read(fd, buf, 1));
}

static void fill(unsigned int seed, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buf[i] = (seed = seed * 1103515245 + 12345) >> 16;
}

static void writes(const char *path)
{
	struct iovec iov[3] = {
		{ buf, 5 }, { buf + 100, 4096 }, { buf + 8192, 100 },
	};
	int fd = open(path, O_RDWR), status;
	pid_t pid;

	if (fd < 0) {
		printf("writes: %s\n", error_name(errno));
		return;
	}
	fill(1, sizeof(buf));
	show("write 100", write(fd, buf, 100));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show("write 0", write(fd, buf, 0));
	show("pwrite 4096 at 4096", pwrite(fd, buf, 4096, 4096));
	show("pwrite 1 at 4097", pwrite(fd, "x", 1, 4097));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show("writev", writev(fd, iov, 3));
	show("pwritev at 20000", pwritev(fd, iov, 3, 20000));
	show("pwritev2 DSYNC", pwritev2(fd, iov, 3, 30000, RWF_DSYNC));
	show("pwritev2 NOWAIT", pwritev2(fd, iov, 3, 30000, RWF_NOWAIT));
	show("write from nowhere", write(fd, nowhere, 100));
	show("fsync", fsync(fd));
	show("fdatasync", fdatasync(fd));
	show("set O_APPEND", fcntl(fd, F_SETFL, O_APPEND));
	show("write O_APPEND", write(fd, buf, 10));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show("set O_DIRECT", fcntl(fd, F_SETFL, O_DIRECT));
	show("clear all", fcntl(fd, F_SETFL, 0));

	/* A child shares the open file, and so its position. */
	show("lseek SET 40000", lseek(fd, 40000, SEEK_SET));
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(write(fd, buf, 64) == 64 ? 0 : 1);
	waitpid(pid, &status, 0);
	printf("%-28s %d\n", "child's write", WEXITSTATUS(status));
	show("lseek CUR", lseek(fd, 0, SEEK_CUR));
	show("write after it", write(fd, buf + 64, 64));
	show_read("pread 128 at 40000", pread(fd, buf, 128, 40000));
	fill(2, sizeof(buf));
	show("pwrite 1 MiB at 65536", pwrite(fd, buf, sizeof(buf), 65536));
	memset(buf, 0, sizeof(buf));
	show_read("pread 1 MiB at 65536", pread(fd, buf, sizeof(buf), 65536));
	show("close", close(fd));
	show_open("open again", path, O_RDWR);
	fd = open(path, O_RDONLY);
	show_read("pread all", pread(fd, buf, 131072, 0));
	show("close", close(fd));
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void random_calls(const char *path, uint32_t seed, long count, off_t size)
{
	uint64_t h = 0xcbf29ce484222325u;
	int fd = open(path, O_RDWR);
	uint32_t r = seed;

	if (fd < 0) {
		printf("open: %s\n", error_name(errno));
		return;
	}
	for (long i = 0; i < count; i++) {
		off_t at = next_random(&r) % size;
		size_t n = next_random(&r) % ((next_random(&r) & 7) ? 5000 : 300000);
		unsigned int op = next_random(&r) % 5;
		long ret = 0;

		if (at + (off_t)n > size)
			n = size - at;
		if (op == 0 || op == 2)
			memset(buf, 0, n);
		else
			fill(r, n);
		switch (op) {
		case 0: ret = pread(fd, buf, n, at); break;
		case 1: ret = pwrite(fd, buf, n, at); break;
		case 2: ret = read(fd, buf, n); break;
		case 3:
			/* write() only after a seek: it must not run off the end. */
			lseek(fd, at, SEEK_SET);
			ret = write(fd, buf, n);
			break;
		case 4: ret = lseek(fd, at, SEEK_SET); break;
		}
		if (ret < 0)
			ret = -errno;
		h = digest(&ret, sizeof(ret), h);
		if (ret > 0 && (op == 0 || op == 2))
			h = digest(buf, ret, h);
		ret = lseek(fd, 0, SEEK_CUR);
		h = digest(&ret, sizeof(ret), h);
	}
	close(fd);
	printf("random calls %ld, digest %016llx\n", count, (unsigned long long)h);
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[2], "random")) {
		random_calls(argv[1], strtoul(argv[3], NULL, 0),
			     strtol(argv[4], NULL, 0), strtoll(argv[5], NULL, 0));
		return 0;
	}
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: file-calls PATH [write]\n"
			"       file-calls PATH random SEED COUNT SIZE\n");
		return 2;
	}
	opens(argv[1]);
	if (argc == 3)
		writes(argv[1]);
	reads(argv[1]);
	return 0;
}
