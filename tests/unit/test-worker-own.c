// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-own.c - files that a lane opens by itself: whose they are, reads that
 * wait while others write, and their ends.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

static char root[] = "/tmp/vsys-own-XXXXXX", node[64];

static int own_setup(void **state)
{
	if (!mkdtemp(root))
		return -1;
	snprintf(node, sizeof(node), "%s/%u", root, DEVID);
	calls_root = root;
	return calls_setup(state);
}

static int own_teardown(void **state)
{
	unlink(node);
	rmdir(root);
	memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
	return calls_teardown(state);
}

/* A terminal whose slave the executors find, too. */
static struct pty own_pty(struct fixture *f, uint32_t oflags)
{
	char path[64];
	struct pty p;

	connect_calls(f);
	open_pty(&p.master, &p.slave);
	assert_int_equal(ttyname_r(p.slave, path, sizeof(path)), 0);
	assert_int_equal(symlink(path, node), 0);
	p.handle = do_open_fd(f, dup(p.slave), oflags);
	mem_new(ADDR, 1);
	return p;
}

static struct handle *the_handle(struct fixture *f, const struct pty *p)
{
	return handle_get(&the_device(f)->handles, p->handle);
}

static void a_file_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR);
	struct handle *h = the_handle(f, &p);
	struct conv *c;

	assert_null(h->opener);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	assert_ptr_equal(h->opener, the_mm(f, MM)->mirror[0]);
	/* Flags are those of an open file, and are the guest's. */
	c = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	c->rq.flags |= VSYS_O_APPEND;
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(fcntl(h->fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE),
			 O_APPEND | O_RDWR);
	assert_int_equal(fcntl(p.slave, F_GETFL) & O_APPEND, 0);
	/* Another address space uses the same file. */
	c = conv_new(VSYS_OP_MIRROR_WRITE, p.handle, 3, ADDR);
	c->mm = MM + 1;
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 3);
	assert_ptr_equal(h->opener->mm, the_mm(f, MM));
	/* ... also when the first one has gone; its settings are not lost. */
	assert_int_equal(do_exit(f, MM), 0);
	assert_null(h->opener);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	assert_null(h->opener);
	assert_int_equal(fcntl(h->fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(do_release(f, p.handle), 0);
	pty_close(&p);
}

/* Another call has told of the descriptor, and the executor has the first file. */
static void known_before(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR), other = pty_new(f);
	struct conv *c = conv_new(VSYS_OP_IOCTL, other.handle, FIONREAD, ADDR);
	int mine, first;

	conv_file(f, c, 30, p.handle);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_null(the_handle(f, &p)->opener);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	assert_non_null(the_handle(f, &p)->opener);
	/* Each has flags of its own. */
	assert_int_equal(fcntl(p.slave, F_SETFL, O_APPEND), 0);
	mine = syscall(SYS_pidfd_getfd, the_mm(f, MM)->mirror[0]->lane->pidfd, 30, 0);
	assert_true(mine >= 0);
	first = fcntl(mine, F_GETFL) & O_APPEND;
	close(mine);
	assert_int_equal(first, 0);
	pty_close(&p);
	pty_close(&other);
}

static void exclusive(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR | VSYS_O_EXCL);

	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	assert_non_null(the_handle(f, &p)->opener);
	assert_int_equal(do_release(f, p.handle), 0);
	/* Without a node the first one has been closed for nothing. */
	unlink(node);
	p.handle = do_open_fd(f, dup(p.slave), VSYS_O_RDWR | VSYS_O_EXCL);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), -VSYS_ENOENT);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), -VSYS_EBADF);
	assert_int_equal(do_release(f, p.handle), 0);
	pty_close(&p);
}

static void without_a_node(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR);

	unlink(node);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	assert_null(the_handle(f, &p)->opener);
	pty_put(&p, "as before");
	assert_int_equal(conv_end(f, blocked_read(f, p.handle, MM)), 1);
	pty_close(&p);
}

static struct conv *send_write(struct fixture *f, const struct pty *p)
{
	struct conv *c = conv_new(VSYS_OP_MIRROR_WRITE, p->handle, 5, ADDR);

	conv_send(f, c);
	return c;
}

/* Each write finds the only lane that may do it busy with the read. */
static void reads_make_room(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR);
	char back[16];
	struct conv *r;
	int i;

	memcpy(mem(ADDR), "hello", 5);
	r = conv_new(VSYS_OP_MIRROR_READ, p.handle, 100, ADDR + 50);
	conv_send(f, r);
	TALK(f, conv_runs(f, r));
	for (i = 0; i < 10; i++) {
		assert_int_equal(conv_end(f, send_write(f, &p)), 5);
		assert_int_equal(read(p.master, back, sizeof(back)), 5);
		assert_memory_equal(back, "hello", 5);
		assert_false(r->ended);
		if (i % 2)
			TALK(f, conv_runs(f, r));
	}
	pty_put(&p, "answer");
	assert_int_equal(conv_end(f, r), 6);
	assert_memory_equal(mem(ADDR + 50), "answer", 6);
	/* Of one executor with one lane. */
	assert_null(the_mm(f, MM)->mirror[1]);
	pty_close(&p);
}

static void many_reads(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR);
	struct conv *r[8], *w[4];
	char back[32];
	int i, n = 0;

	for (i = 0; i < 8; i++) {
		r[i] = conv_new(VSYS_OP_MIRROR_READ, p.handle, 1, ADDR + i);
		conv_send(f, r[i]);
	}
	TALK(f, conv_runs(f, r[0]));
	for (i = 0; i < 4; i++)
		w[i] = send_write(f, &p);
	for (i = 0; i < 4; i++)
		assert_int_equal(conv_end(f, w[i]), 5);
	while (n < 20)
		n += read(p.master, back, sizeof(back));
	/* One is cancelled while it waits for the lane, or in it. */
	for (i = 0; i < 8; i += 2) {
		assert_int_equal(do_cancel(f, r[i]->id)->value, 1);
		assert_int_equal(conv_end(f, r[i]), -VSYS_EINTR);
	}
	pty_put(&p, "abcd");
	for (i = 1; i < 8; i += 2)
		assert_int_equal(conv_end(f, r[i]), 1);
	pty_close(&p);
}

static void killed_while_it_yields(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR);
	struct conv *r, *w;

	r = conv_new(VSYS_OP_MIRROR_READ, p.handle, 1, ADDR);
	conv_send(f, r);
	TALK(f, conv_runs(f, r));
	w = send_write(f, &p);
	kill(the_mm(f, MM)->x->lane[0]->pid, SIGKILL);
	/* What runs fails, what waits is made by another one. */
	assert_int_equal(conv_end(f, r), -VSYS_EIO);
	assert_int_not_equal(conv_end(f, w), 0);
	assert_null(the_handle(f, &p)->opener);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	pty_close(&p);
}

static void disconnected_while_it_yields(void **state)
{
	struct fixture *f = *state;
	struct pty p = own_pty(f, VSYS_O_RDWR);
	struct conv *r;

	r = conv_new(VSYS_OP_MIRROR_READ, p.handle, 1, ADDR);
	conv_send(f, r);
	TALK(f, conv_runs(f, r));
	send_write(f, &p);
	disconnect_device(f);
	pty_close(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, own_setup, own_teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_of_its_own), T(known_before), T(exclusive), T(without_a_node), T(reads_make_room),
		T(many_reads), T(killed_while_it_yields), T(disconnected_while_it_yields),
	};

	if (!calls_can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
