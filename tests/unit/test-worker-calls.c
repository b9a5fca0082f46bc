// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-calls.c - native calls at a guest's addresses: what they find in its
 * memory, what is told of what they changed, and the files that they name or make.
 *
 * The drivers are those that every kernel has: terminals, pipes, files.  Many calls,
 * and how they end that do not end well: test-worker-mirrors.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

#define TERMIOS		36	/* bytes of the kernel's struct */

/* --- arguments ------------------------------------------------------------- */

static void no_pointer(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;
	int n = -1;

	connect_calls(f);
	p = pty_new(f);
	pty_feed(&p, "abc");
	c = conv_new(VSYS_OP_IOCTL, p.handle, TCFLSH, TCIFLUSH);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->round_trips, 1);
	assert_int_equal(ioctl(p.slave, FIONREAD, &n), 0);
	assert_int_equal(n, 0);
	/* A value that is none, and a command that is none. */
	assert_int_equal(do_ioctl(f, p.handle, TCFLSH, 77), -VSYS_EINVAL);
	assert_int_equal(do_ioctl(f, p.handle, 0x12345678, 0), -VSYS_ENOTTY);
	ask_counters(f);
	assert_int_equal(f->counters.calls, 3);
	assert_int_equal(f->counters.faults, 0);
	pty_close(&p);
}

static void sent_along(void **state)
{
	struct winsize size = { 0 };
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	pty_size(&p, 24, 80);
	mem_new(ADDR, 1);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR + 96);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->round_trips, 1);
	memcpy(&size, mem(ADDR + 96), sizeof(size));
	assert_int_equal(size.ws_row, 24);
	assert_int_equal(size.ws_col, 80);

	size.ws_col = 132;
	memcpy(mem(ADDR + 4000), &size, sizeof(size));
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR + 4000);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->round_trips, 1);
	assert_int_equal(c->dirty_items, 0);
	assert_int_equal(ioctl(p.slave, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 132);
	pty_close(&p);
}

static void needed(void **state)
{
	struct winsize size = { .ws_row = 7 };
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	memcpy(mem_new(ADDR, 1) + 40, &size, sizeof(size));
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR + 40);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->round_trips, 2);
	assert_int_equal(c->needs, 1);
	assert_int_equal(c->dirty_items, 0);

	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR + 80);
	c->hold = true;
	conv_send(f, c);
	TALK(f, c->parked);
	/* The very byte. */
	assert_in_range(c->need[0].addr, ADDR + 80, ADDR + 87);
	assert_int_equal(c->need[0].flags, VSYS_ITEM_WRITE);
	assert_int_equal(c->need[0].value, 1);
	c->hold = false;
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(*mem(ADDR + 80), 7);
	pty_close(&p);
}

static void crosses_pages(void **state)
{
	static const unsigned int along[] = { 0, 1, 2, 3 };
	struct fixture *f = *state;
	unsigned char native[64];
	unsigned int i;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	assert_int_equal(ioctl(p.slave, TCGETS, native), 0);
	mem_new(ADDR, 2);
	for (i = 0; i < 4; i++) {
		const uint64_t arg = ADDR + 4096 - 10;
		struct conv *c = conv_new(VSYS_OP_IOCTL, p.handle, TCGETS, arg);

		memset(mem(arg), 0x5a, TERMIOS + 4);
		if (along[i] & 1)
			conv_page(f, c, ADDR);
		if (along[i] & 2)
			conv_page(f, c, ADDR + 4096);
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), 0);
		assert_int_equal(c->needs, 2 - __builtin_popcount(along[i]));
		assert_memory_equal(mem(arg), native, TERMIOS);
		assert_int_equal(*mem(arg + TERMIOS), 0x5a);
	}
	assert_int_equal(do_ioctl(f, p.handle, TCSETS, ADDR + 4096 - 10), 0);
	pty_close(&p);
}

static void no_memory_there(void **state)
{
	static const uint64_t nowhere[] = {
		ADDR, ADDR + 4093, 0, 0x10000, 0x3ffff8, MIRROR_END, ~0ull - 4, 1ull << 63,
	};
	struct fixture *f = *state;
	struct conv *c;
	unsigned int i;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	for (i = 0; i < 8; i++) {
		c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, nowhere[i]);
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
		assert_int_equal(c->needs, i < 2);
	}
	/* Said beforehand; and not for longer than that call. */
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
	conv_none(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
	assert_int_equal(c->round_trips, 1);
	mem_new(ADDR, 1);
	assert_int_equal(do_ioctl(f, p.handle, TIOCGWINSZ, ADDR), 0);
	/* Half of it is there. */
	assert_int_equal(do_ioctl(f, p.handle, TCSETS, ADDR + 4090), -VSYS_EFAULT);
	assert_int_equal(do_ioctl(f, p.handle, TCGETS, ADDR + 4090), -VSYS_EFAULT);
	pty_close(&p);
}

static void read_only(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 2);
	mem_readonly(ADDR, true);
	/* Brought along or asked for, it can be read, but not written. */
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(do_ioctl(f, p.handle, TIOCSWINSZ, ADDR), 0);
	pty_size(&p, 24, 80);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
	assert_int_equal(do_ioctl(f, p.handle, TIOCGWINSZ, ADDR), -VSYS_EFAULT);
	/* It was for that call only. */
	mem_readonly(ADDR, false);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(*mem(ADDR), 24);
	pty_close(&p);
}

/* Without gntdev, as without right to map, a grant is no memory. */
static void grants(void **state)
{
	struct vsys_item item = { .addr = ADDR, .value = 8, .op = VSYS_ITEM_GRANT,
				  .flags = VSYS_ITEM_WRITABLE };
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
	conv_item(f, c, &item);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
	pty_close(&p);
}

/* --- what is told ----------------------------------------------------------- */

static void only_changes(void **state)
{
	struct winsize size = { .ws_row = 24, .ws_col = 0xff00 };
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	pty_size(&p, 24, 80);
	memcpy(mem_new(ADDR, 1) + 16, &size, sizeof(size));
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR + 16);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	/* The program goes on in another thread. */
	*mem(ADDR + 15) = 1;
	*mem(ADDR + 24) = 2;
	*mem(ADDR + 4095) = 3;
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->dirty_bytes, 2);
	assert_int_equal(*mem(ADDR + 15), 1);
	assert_int_equal(*mem(ADDR + 24), 2);
	assert_int_equal(*mem(ADDR + 4095), 3);
	assert_int_equal(*mem(ADDR + 18), 80);
	assert_int_equal(*mem(ADDR + 19), 0);
	pty_close(&p);
}

/* No call sees what was there before it began. */
static void pages_are_fresh(void **state)
{
	struct fixture *f = *state;
	struct winsize size;
	struct conv *c;
	unsigned int i;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	for (i = 1; i < 10; i++) {
		*mem(ADDR) = i;
		c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR);
		if (i % 3)
			conv_page(f, c, ADDR);
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), 0);
		assert_int_equal(c->needs, i % 3 == 0);
		assert_int_equal(ioctl(p.master, TIOCGWINSZ, &size), 0);
		assert_int_equal(size.ws_row, i);
	}
	pty_close(&p);
}

/* Much memory, few pages of the pool. */
static void small_pool(void **state)
{
	struct fixture *f = *state;
	char want[20 * 4096];
	unsigned char *m;
	struct conv *c;
	uint32_t h;
	int fd;

	connect_calls(f);
	fd = temp_file(sizeof(want));
	assert_int_equal(pread(fd, want, sizeof(want), 0), sizeof(want));
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	m = mem_new(ADDR, 21);
	c = conv_new(VSYS_OP_MIRROR_READ, h, sizeof(want), ADDR + 100);
	c->nr_pages = 4;
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), sizeof(want));
	assert_memory_equal(m + 100, want, sizeof(want));
	assert_int_equal(m[99], 0);
	assert_int_equal(m[100 + sizeof(want)], 0);
	close(fd);
}

static void large_write(void **state)
{
	struct fixture *f = *state;
	const size_t len = 13 * 4096 + 5;
	unsigned char *m, *back;
	struct conv *c;
	unsigned int i;
	uint32_t h;
	int fd;

	connect_calls(f);
	fd = temp_file(4096);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	m = mem_new(ADDR, 16);
	for (i = 0; i < 16 * 4096; i++)
		m[i] = i * 7 ^ i >> 8;
	c = conv_new(VSYS_OP_MIRROR_WRITE, h, len, ADDR + 4000);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), len);
	/* Who goes through memory gets more each time: 1, 2, 4, 8. */
	assert_in_range(c->needs, 1, 5);
	back = malloc(len);
	assert_int_equal(pread(fd, back, len, 0), len);
	assert_memory_equal(back, m + 4000, len);
	free(back);
	close(fd);
}

/* As many places as there can be: told by bits, or (no page for them) by many items. */
static void many_changes(void **state)
{
	struct fixture *f = *state;
	unsigned char *m, want[4096];
	struct conv *c;
	unsigned int i, k;
	uint32_t h;
	int fd;

	connect_calls(f);
	fd = temp_file(4096);
	assert_int_equal(pread(fd, want, 4096, 0), 4096);
	h = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	m = mem_new(ADDR, 1);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 4096; i++)
			m[i] = i % 2 ? want[i] : ~want[i];
		lseek(fd, 0, SEEK_SET);
		c = conv_new(VSYS_OP_MIRROR_READ, h, 4096, ADDR);
		c->nr_pages = k ? 2 : 3;
		conv_page(f, c, ADDR);
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), 4096);
		assert_int_equal(c->dirty_bytes, 2048);
		if (k)
			assert_true(c->round_trips >= 2048 / VSYS_PAGE_ITEMS);
		else
			assert_int_equal(c->round_trips, 1);
		assert_memory_equal(m, want, 4096);
	}
	close(fd);
}

/* There is no page in which it could be told. */
static void no_data_pages(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
	c->nr_pages = 1;
	conv_send(f, c);
	assert_true(conv_end(f, c) < 0);
	c = conv_new(VSYS_OP_IOCTL, p.handle, TCFLSH, TCIFLUSH);
	c->nr_pages = 1;
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	pty_close(&p);
}

static void of_32_bit_programs(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	int64_t got;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	pty_size(&p, 24, 80);
	mem_new(0x8000000, 1);
	c = conv_new(VSYS_OP_COMPAT_IOCTL, p.handle, TIOCGWINSZ, 0x8000010);
	conv_send(f, c);
	got = conv_end(f, c);
	if (got == -VSYS_ENOSYS)
		print_message("# this kernel runs no 32-bit programs\n");
	if (got != -VSYS_ENOSYS) {
		assert_int_equal(got, 0);
		assert_int_equal(*mem(0x8000010), 24);
		pty_feed(&p, "hello");
		c = conv_new(VSYS_OP_MIRROR_READ, p.handle, 10, 0x8000100);
		c->rq.flags |= VSYS_CALL_COMPAT;
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), 5);
		assert_memory_equal(mem(0x8000100), "hello", 5);
	}
	pty_close(&p);
}

/* --- files ------------------------------------------------------------------ */

static void returns_a_file(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *d;
	uint32_t master;
	char back[8];
	int unlock = 0, fd;

	connect_calls(f);
	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, TIOCSPTLCK, &unlock), 0);
	master = do_open_fd(f, fd, VSYS_O_RDWR);
	c = conv_new(VSYS_OP_IOCTL, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	conv_send(f, c);
	assert_true(conv_end(f, c) > 0);
	assert_int_equal(c->nr_files, 1);
	assert_int_equal(c->file[0].flags, VSYS_ITEM_RETURN);
	assert_int_not_equal(c->file[0].value, master);
	/* A second one is another file. */
	d = conv_new(VSYS_OP_IOCTL, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	conv_send(f, d);
	assert_true(conv_end(f, d) > 0);
	assert_int_equal(d->nr_files, 1);
	assert_int_not_equal(d->file[0].value, c->file[0].value);
	assert_int_equal(do_write(f, c->file[0].value, 0, "abc\n", 4, VSYS_RW_CURPOS), 4);
	assert_int_equal(do_read(f, master, 0, back, 8, VSYS_RW_CURPOS), 5);
	assert_memory_equal(back, "abc\r\n", 5);
	ask_counters(f);
	assert_int_equal(f->counters.handles, 3);
	/* Released, it is closed everywhere: the terminal hangs up. */
	assert_int_equal(do_release(f, c->file[0].value), 0);
	assert_int_equal(do_release(f, d->file[0].value), 0);
	assert_int_equal(do_read(f, master, 0, back, 8, VSYS_RW_CURPOS), -VSYS_EIO);
	assert_int_equal(do_release(f, master), 0);
}

/* A driver that writes the number of a new file to memory. */
static void writes_a_file(void **state)
{
	const struct fanotify_event_metadata *event;
	char name[] = "/tmp/vsys-calls-XXXXXX", back[8];
	struct fixture *f = *state;
	struct conv *c;
	uint32_t h;
	int fd, file;

	connect_calls(f);
	fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
	if (fd < 0) {
		print_message("# fanotify is not allowed here: %s\n", strerror(errno));
		skip();
	}
	file = mkstemp(name);
	assert_true(file >= 0);
	assert_int_equal(write(file, "content", 7), 7);
	assert_int_equal(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, name), 0);
	h = do_open_fd(f, fd, VSYS_O_RDWR);
	close(open(name, O_RDONLY | O_CLOEXEC));
	event = (const void *)mem_new(ADDR, 1);
	c = conv_new(VSYS_OP_MIRROR_READ, h, 512, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), sizeof(*event));
	assert_int_equal(c->nr_files, 1);
	assert_int_equal(c->file[0].flags, 0);
	assert_int_equal(c->file[0].addr, ADDR + offsetof(struct fanotify_event_metadata, fd));
	assert_true(c->file[0].page & VSYS_FILE_PREAD);
	assert_int_equal(event->fd, 100 + c->file[0].value);	/* the guest's own number */
	assert_int_equal(event->event_len, sizeof(*event));
	assert_int_equal(do_read(f, c->file[0].value, 0, back, 8, 0), 7);
	assert_memory_equal(back, "content", 7);
	unlink(name);
	close(file);
}

/* Numbers in arguments are those that the guest has told. */
static void names_a_file(void **state)
{
	struct fixture *f = *state;
	uint32_t a, b, pipe;
	struct conv *c;
	int i, end, fd;

	connect_calls(f);
	fd = temp_file(4096);
	a = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	b = do_open_fd(f, dup(fd), VSYS_O_RDWR);
	end = pipe_new(f, &pipe);
	/* Cloning works or not, as the file system is; from a pipe never. */
	assert_int_equal(do_ioctl(f, a, FICLONE, 60), -VSYS_EBADF);
	for (i = 0; i < 3; i++) {
		c = conv_new(VSYS_OP_IOCTL, a, FICLONE, 60);
		conv_file(f, c, 60, b);
		conv_file(f, c, 3, pipe);	/* where the executor may have a */
		conv_send(f, c);
		assert_int_not_equal(conv_end(f, c), -VSYS_EBADF);
		assert_int_not_equal(do_ioctl(f, a, FICLONE, 60), -VSYS_EBADF);
		assert_int_not_equal(do_ioctl(f, a, FICLONE, 3), -VSYS_EBADF);
		/* Closed there: number by number. */
		c = conv_new(VSYS_OP_IOCTL, a, FICLONE, 60);
		conv_file(f, c, 60, 0);
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), -VSYS_EBADF);
		assert_int_not_equal(do_ioctl(f, a, FICLONE, 3), -VSYS_EBADF);
		/* Standard input is a number like any other. */
		c = conv_new(VSYS_OP_IOCTL, a, FICLONE, 0);
		conv_file(f, c, 3, 0);
		conv_file(f, c, 0, i % 2 ? b : 0);
		conv_send(f, c);
		if (i % 2)
			assert_int_not_equal(conv_end(f, c), -VSYS_EBADF);
		else
			assert_int_equal(conv_end(f, c), -VSYS_EBADF);
	}
	/* One that is not there is nothing. */
	c = conv_new(VSYS_OP_IOCTL, a, FICLONE, 61);
	conv_file(f, c, 61, 4000);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EBADF);
	/* A released handle takes its numbers along. */
	c = conv_new(VSYS_OP_IOCTL, a, FICLONE, 62);
	conv_file(f, c, 62, b);
	conv_send(f, c);
	assert_int_not_equal(conv_end(f, c), -VSYS_EBADF);
	assert_int_equal(do_release(f, b), 0);
	assert_int_equal(do_ioctl(f, a, FICLONE, 62), -VSYS_EBADF);
	close(end);
	close(fd);
}

/* What the agent says of a new descriptor, as a driver of another lane can overwrite it. */
static unsigned int forge(struct fixture *f, int64_t number)
{
	const struct executors *e = &f->w.executors;
	const struct xjob *job;
	unsigned int i, n = 0;
	struct lane *l;

	for (i = 1; i < MACHINE_MAX; i++) {
		l = e->x[i] ? e->x[i]->lane[0] : NULL;
		job = l ? l->job[LANE_AGENT] : NULL;
		if (!job || job->op[0].nr != SYS_pidfd_getfd)
			continue;
		for (patience(); __atomic_load_n(&l->result[LANE_AGENT].seq, __ATOMIC_ACQUIRE) != job->seq;
		     check_patience("the agent's answer"))
			usleep(10);
		l->result[LANE_AGENT].value = number;
		n++;
	}
	return n;
}

static void forged_numbers(void **state)
{
	static const int64_t wrong[] = { EXECUTOR_GNTDEV, EXECUTOR_EVENT, 0, 2, INT64_MAX };
	struct fixture *f = *state;
	unsigned int i, forged = 0;
	int p[2];

	connect_calls(f);
	assert_int_equal(pipe(p), 0);
	mem_new(ADDR, 1);
	for (i = 0; i < 200 && forged < 5; i++) {
		uint32_t h = do_open_fd(f, dup(p[0]), VSYS_O_RDONLY);
		struct conv *c = conv_new(VSYS_OP_IOCTL, h, FIONREAD, ADDR);
		int64_t end = worker_now() + 10000;
		unsigned int before = forged;
		const struct mfile *file;
		const struct mm *mm;

		c->mm = MM + i % 8;
		conv_send(f, c);
		while (!c->ended && worker_now() < end) {
			converse(f);
			forged += forge(f, wrong[forged % 5]);
			step_ms(f, 5);
			TAILQ_FOREACH(mm, &f->w.mms, of_worker)
				LIST_FOREACH(file, &mm->files, of_mm)
					assert_true(file->number < EXECUTOR_OWN_FDS);
		}
		assert_true(c->ended);
		/* Such an executor is not used any more. */
		assert_int_equal(c->status, forged > before ? -VSYS_EIO : 0);
		assert_int_equal(do_release(f, h), 0);
	}
	assert_true(forged >= 5);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(no_pointer), T(sent_along), T(needed), T(crosses_pages), T(no_memory_there),
		T(read_only), T(grants), T(only_changes), T(pages_are_fresh), T(small_pool),
		T(large_write), T(many_changes), T(no_data_pages), T(of_32_bit_programs),
		T(returns_a_file), T(writes_a_file), T(names_a_file), T(forged_numbers),
	};

	if (!calls_can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
