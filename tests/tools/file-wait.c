// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * file-wait - calls on a device node that wait: signals, O_NONBLOCK, many at
 * once, asynchronous ones, and nodes that go away.  Prints one line for each
 * thing found; "bad: ..." and exit status 1 if it is not what a native node
 * would have done.
 *
 *   file-wait eintr PATH         a signal ends a blocked read: EINTR
 *   file-wait restart PATH BYTE  ... with SA_RESTART the read goes on, and gets BYTE
 *   file-wait nonblock PATH      a read without data: EAGAIN, by open and by fcntl
 *   file-wait many PATH N        N threads wait; a write and a close get through
 *   file-wait kill PATH          SIGKILL ends a process in a blocked read
 *   file-wait aio PATH SIZE      AIO and io_uring: writes and reads, compared
 *   file-wait aio-exit PATH      a process ends with AIO reads that wait
 *   file-wait hold PATH          opens, prints "open", reads until there is no more, prints why
 *   file-wait pty LINK           (dom0) makes a raw pty at LINK; what comes is
 *                                sent back when a newline has come
 *   file-wait threads PATH N SECONDS SIZE   N threads and N processes at once
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int bad;

#define expect(cond, ...) do {						\
	if (!(cond)) {							\
		printf("bad: line %d: %s: ", __LINE__, #cond);		\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		bad = 1;						\
	}								\
} while (0)

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0) {
		printf("bad: open %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* How many threads of a process wait in read(2) now. */
static int readers(pid_t pid)
{
	char path[64], line[16];
	struct dirent *e;
	int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/syscall", pid, e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		/* The number of the call; read is 0.  "running" if it does not wait. */
		nr += fgets(line, sizeof(line), f) && !strncmp(line, "0 ", 2);
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* Until n of them do, for a while: it may have to wait for its turn first. */
static void await_readers(pid_t pid, int n)
{
	for (int i = 0; i < 20; i++) {
		for (int tries = 0; readers(pid) < n; tries++) {
			if (tries >= 6000) {
				printf("bad: %d of %d wait in read\n", readers(pid), n);
				exit(1);
			}
			usleep(10000);
			i = 0;
		}
		usleep(10000);
	}
}

/*
 * A child that sends this process SIGALRM as soon as it waits in a read, and
 * then, when it waits again, writes to fd what it should get.
 */
static void arm(int flags, int fd, const char *line)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	pid_t parent = getpid();

	sigaction(SIGALRM, &sa, NULL);
	signals = 0;
	fflush(stdout);
	if (fork())
		return;
	await_readers(parent, 1);
	kill(parent, SIGALRM);
	if (line) {
		await_readers(parent, 1);
		if (write(fd, line, strlen(line)) != (long)strlen(line))
			printf("bad: write: %s\n", strerror(errno));
	}
	_exit(0);
}

static void eintr(const char *path)
{
	int fd = open_or_die(path, O_RDWR);
	char c;
	long ret;

	arm(0, -1, NULL);
	ret = read(fd, &c, 1);
	expect(ret == -1 && errno == EINTR && signals == 1, "%ld %s", ret,
	       strerror(errno));
	wait(NULL);
	close(fd);
	printf("eintr: done\n");
}

static void restart(const char *path, const char *byte)
{
	int fd = open_or_die(path, O_RDWR);
	char c = 0, line[3] = { byte[0], '\n' };
	long ret;

	/* The peer answers after the signal: the reply needs our newline. */
	arm(SA_RESTART, fd, line);
	ret = read(fd, &c, 1);
	expect(ret == 1 && c == byte[0] && signals == 1, "%ld '%c' %d", ret, c,
	       (int)signals);
	read(fd, &c, 1);
	wait(NULL);
	close(fd);
	printf("restart: done\n");
}

static void nonblock(const char *path)
{
	int fd = open_or_die(path, O_RDWR | O_NONBLOCK);
	char c;
	long ret;

	ret = read(fd, &c, 1);
	expect(ret == -1 && errno == EAGAIN, "%ld %s", ret, strerror(errno));
	close(fd);
	fd = open_or_die(path, O_RDWR);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ret = read(fd, &c, 1);
	expect(ret == -1 && errno == EAGAIN, "%ld %s", ret, strerror(errno));
	fcntl(fd, F_SETFL, 0);
	arm(0, -1, NULL);
	ret = read(fd, &c, 1);
	expect(ret == -1 && errno == EINTR, "%ld %s", ret, strerror(errno));
	wait(NULL);
	close(fd);
	printf("nonblock: done\n");
}

static const char *thread_path;
static int thread_fd;

static void *read_one(void *arg)
{
	char c = 0;

	(void)arg;
	return read(thread_fd, &c, 1) == 1 ? (void *)(intptr_t)c : NULL;
}

static void many(const char *path, int n)
{
	pthread_t *t = calloc(n, sizeof(*t));
	char *line = malloc(n + 1);
	int got = 0, fd;

	thread_fd = open_or_die(path, O_RDWR);
	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, read_one, NULL);
	await_readers(getpid(), n);
	/* All wait.  Another open, a write and a close must not. */
	fd = open_or_die(path, O_RDWR);
	memset(line, 'm', n);
	line[n] = '\n';
	expect(write(fd, line, n + 1) == n + 1, "%s", strerror(errno));
	expect(close(fd) == 0, "%s", strerror(errno));
	for (int i = 0; i < n; i++) {
		void *c;

		pthread_join(t[i], &c);
		got += c == (void *)(intptr_t)'m';
	}
	expect(got == n, "%d of %d", got, n);
	read(thread_fd, line, 1);
	close(thread_fd);
	printf("many: %d waited\n", got);
}

static void killed(const char *path)
{
	struct timespec t0, t1;
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		char c;
		int fd = open_or_die(path, O_RDWR);

		_exit(read(fd, &c, 1) == 1);
	}
	await_readers(pid, 1);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%x", status);
	expect(t1.tv_sec - t0.tv_sec < 60, "took %lds", (long)(t1.tv_sec - t0.tv_sec));
	printf("kill: done\n");
}

static unsigned char byte_at(size_t i, int round)
{
	return (i * 7 + i / 4096 + round * 31) & 0xff;
}

#define CHUNK 16384u

static void aio_kernel(int fd, size_t size)
{
	aio_context_t ctx = 0;
	size_t n = size / CHUNK;
	struct iocb *cb = calloc(n, sizeof(*cb)), **cbs = calloc(n, sizeof(*cbs));
	struct io_event *ev = calloc(n, sizeof(*ev));
	unsigned char *data = malloc(size);

	expect(syscall(SYS_io_setup, (unsigned)n, &ctx) == 0, "%s", strerror(errno));
	for (int write = 1; write >= 0; write--) {
		for (size_t i = 0; i < size; i++)
			data[i] = write ? byte_at(i, 1) : 0;
		for (size_t i = 0; i < n; i++) {
			cbs[i] = &cb[i];
			cb[i].aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
			cb[i].aio_fildes = fd;
			cb[i].aio_buf = (uintptr_t)(data + i * CHUNK);
			cb[i].aio_nbytes = CHUNK;
			cb[i].aio_offset = i * CHUNK;
		}
		expect(syscall(SYS_io_submit, ctx, (long)n, cbs) == (long)n, "%s",
		       strerror(errno));
		expect(syscall(SYS_io_getevents, ctx, (long)n, (long)n, ev, NULL) ==
		       (long)n, "%s", strerror(errno));
		for (size_t i = 0; i < n; i++)
			expect(ev[i].res == CHUNK, "aio %zu: %lld", i,
			       (long long)ev[i].res);
	}
	for (size_t i = 0; i < size; i++)
		if (data[i] != byte_at(i, 1)) {
			expect(0, "byte %zu", i);
			break;
		}
	syscall(SYS_io_destroy, ctx);
	printf("aio: %zu requests\n", 2 * n);
}

static void aio_uring(int fd, size_t size)
{
	struct io_uring ring;
	unsigned char *data = malloc(size);
	size_t n = size / CHUNK;
	int err = io_uring_queue_init(n, &ring, 0);

	expect(!err, "%s", strerror(-err));
	for (int write = 1; write >= 0; write--) {
		for (size_t i = 0; i < size; i++)
			data[i] = write ? byte_at(i, 2) : 0;
		for (size_t i = 0; i < n; i++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			if (write)
				io_uring_prep_write(sqe, fd, data + i * CHUNK, CHUNK,
						    i * CHUNK);
			else
				io_uring_prep_read(sqe, fd, data + i * CHUNK, CHUNK,
						   i * CHUNK);
		}
		io_uring_submit_and_wait(&ring, n);
		for (size_t i = 0; i < n; i++) {
			struct io_uring_cqe *cqe;

			io_uring_wait_cqe(&ring, &cqe);
			expect(cqe->res == (int)CHUNK, "uring: %d", cqe->res);
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	for (size_t i = 0; i < size; i++)
		if (data[i] != byte_at(i, 2)) {
			expect(0, "byte %zu", i);
			break;
		}
	io_uring_queue_exit(&ring);
	printf("io_uring: %zu requests\n", 2 * n);
}

static void aio_exit(const char *path)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		static char data[8];
		int fd = open_or_die(path, O_RDWR);
		aio_context_t ctx = 0;
		struct iocb cb[8] = {}, *cbs[8];

		syscall(SYS_io_setup, 8, &ctx);
		for (int i = 0; i < 8; i++) {
			cbs[i] = &cb[i];
			cb[i].aio_lio_opcode = IOCB_CMD_PREAD;
			cb[i].aio_fildes = fd;
			cb[i].aio_buf = (uintptr_t)&data[i];
			cb[i].aio_nbytes = 1;
		}
		if (syscall(SYS_io_submit, ctx, 8L, cbs) != 8) {
			printf("bad: io_submit: %s\n", strerror(errno));
			_exit(1);
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "%x", status);
	printf("aio-exit: done\n");
}

static void hold(const char *path)
{
	static char data[4096];
	int fd = open_or_die(path, O_RDWR);
	long ret;

	printf("open\n");
	fflush(stdout);
	do {
		ret = pread(fd, data, sizeof(data), 0);
		if (ret < 0 && errno == ESPIPE)
			ret = read(fd, data, 1);
		usleep(10000);
	} while (ret > 0);
	printf("read: %s\n", ret ? strerrorname_np(errno) : "EOF");
	ret = pwrite(fd, data, 512, 0);
	if (ret < 0 && errno == ESPIPE)
		ret = write(fd, data, 1);
	printf("write: %s\n", ret < 0 ? strerrorname_np(errno) : "ok");
	printf("close: %s\n", close(fd) ? strerrorname_np(errno) : "ok");
	fd = open(path, O_RDWR);
	printf("open: %s\n", fd < 0 ? strerrorname_np(errno) : "ok");
}

static void pty(const char *link)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	static char line[65536];
	size_t have = 0;
	struct termios t;

	grantpt(master);
	unlockpt(master);
	unlink(link);
	if (symlink(ptsname(master), link))
		exit(1);
	/* An open slave keeps the settings and the master from hanging up. */
	slave = open_or_die(ptsname(master), O_RDWR | O_NOCTTY);
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	printf("%s\n", ptsname(master));
	fflush(stdout);
	for (;;) {
		long n = read(master, line + have, sizeof(line) - have);

		if (n <= 0)
			exit(1);
		have += n;
		if (line[have - 1] != '\n')
			continue;
		for (size_t done = 0; done < have;) {
			long w = write(master, line + done, have - done);

			if (w <= 0)
				exit(1);
			done += w;
		}
		have = 0;
	}
}

static size_t share;
static int seconds;

static int hammer(int me)
{
	int fd = open_or_die(thread_path, O_RDWR);
	unsigned char *w = malloc(share), *r = malloc(share);
	time_t end = time(NULL) + seconds;
	int round = 0, ret = 0;

	do {
		size_t n = 1 + (size_t)(round * 7919) % share;

		for (size_t i = 0; i < n; i++)
			w[i] = byte_at(i, round + me);
		if (pwrite(fd, w, n, me * share) != (long)n ||
		    pread(fd, r, n, me * share) != (long)n || memcmp(w, r, n))
			ret = 1;
		round++;
	} while (!ret && time(NULL) < end);
	close(fd);
	return ret;
}

static void *hammer_thread(void *arg)
{
	return (void *)(intptr_t)hammer((intptr_t)arg);
}

static void threads(const char *path, int n, int secs, size_t size)
{
	pthread_t *t = calloc(n, sizeof(*t));
	int status, failed = 0;

	thread_path = path;
	seconds = secs;
	share = size / (2 * n);
	for (int i = 0; i < n; i++)
		if (!fork())
			_exit(hammer(n + i));
	for (intptr_t i = 0; i < n; i++)
		pthread_create(&t[i], NULL, hammer_thread, (void *)i);
	for (int i = 0; i < n; i++) {
		void *ret;

		pthread_join(t[i], &ret);
		failed += ret != NULL;
	}
	while (wait(&status) > 0)
		failed += status != 0;
	expect(!failed, "%d", failed);
	printf("threads: %d threads and %d processes\n", n, n);
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 2 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";

	if (!strcmp(cmd, "eintr"))
		eintr(path);
	else if (!strcmp(cmd, "restart") && argc == 4)
		restart(path, argv[3]);
	else if (!strcmp(cmd, "nonblock"))
		nonblock(path);
	else if (!strcmp(cmd, "many") && argc == 4)
		many(path, atoi(argv[3]));
	else if (!strcmp(cmd, "kill"))
		killed(path);
	else if (!strcmp(cmd, "aio") && argc == 4) {
		aio_kernel(open_or_die(path, O_RDWR), strtoul(argv[3], NULL, 0));
		aio_uring(open_or_die(path, O_RDWR), strtoul(argv[3], NULL, 0));
	} else if (!strcmp(cmd, "aio-exit"))
		aio_exit(path);
	else if (!strcmp(cmd, "hold"))
		hold(path);
	else if (!strcmp(cmd, "pty"))
		pty(path);
	else if (!strcmp(cmd, "threads") && argc == 6)
		threads(path, atoi(argv[3]), atoi(argv[4]), strtoul(argv[5], NULL, 0));
	else {
		fprintf(stderr, "file-wait: see the head of file-wait.c\n");
		return 2;
	}
	return bad;
}
