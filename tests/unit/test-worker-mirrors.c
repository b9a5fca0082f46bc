// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-mirrors.c - calls at the same time, and all ends of calls, executors
 * and address spaces but the ordinary one.
 *
 * The teardown of each test checks that no process is left, and no descriptor.
 */
#include <errno.h>
#include <linux/fs.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

/* --- several at once ----------------------------------------------------- */

static void read_and_write(void **state)
{
	struct fixture *f = *state;
	struct conv *r, *w;
	char back[8];
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	memcpy(mem_new(ADDR, 1), "hello", 5);
	r = conv_new(VSYS_OP_MIRROR_READ, p.handle, 100, ADDR + 50);
	conv_page(f, r, ADDR);
	conv_send(f, r);
	TALK(f, conv_runs(f, r));
	w = conv_new(VSYS_OP_MIRROR_WRITE, p.handle, 5, ADDR);
	conv_page(f, w, ADDR);
	conv_send(f, w);
	assert_int_equal(conv_end(f, w), 5);
	assert_int_equal(read(p.master, back, sizeof(back)), 5);
	assert_memory_equal(back, "hello", 5);
	assert_true(conv_runs(f, r));
	assert_ptr_not_equal(the_mm(f, MM)->mirror[0], NULL);
	assert_ptr_not_equal(the_mm(f, MM)->mirror[1], NULL);
	/* Its neighbour has been changed meanwhile. */
	memcpy(mem(ADDR), "HELLO", 5);
	pty_put(&p, "answer");
	assert_int_equal(conv_end(f, r), 6);
	assert_memory_equal(mem(ADDR + 50), "answer", 6);
	assert_memory_equal(mem(ADDR), "HELLO", 5);
	pty_close(&p);
}

static void eight_at_once(void **state)
{
	struct fixture *f = *state;
	struct conv *c[8];
	struct pty p;
	int i, k;

	connect_calls(f);
	p = pty_new(f);
	pty_size(&p, 24, 80);
	mem_new(ADDR, 1);
	for (k = 0; k < 4; k++) {
		memset(mem(ADDR), 0xee, 4096);
		c[0] = conv_new(VSYS_OP_MIRROR_READ, p.handle, 8, ADDR);
		conv_send(f, c[0]);
		for (i = 1; i < 8; i++) {
			c[i] = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR + 8 * i);
			if (k % 2)
				conv_page(f, c[i], ADDR);
			conv_send(f, c[i]);
		}
		for (i = 1; i < 8; i++)
			assert_int_equal(conv_end(f, c[i]), 0);
		assert_false(c[0]->ended);
		pty_put(&p, "all");
		assert_int_equal(conv_end(f, c[0]), 3);
		assert_memory_equal(mem(ADDR), "all\xee\xee\xee\xee\xee", 8);
		for (i = 1; i < 8; i++)
			assert_memory_equal(mem(ADDR + 8 * i), "\x18\0\x50\0\0\0\0\0", 8);
		assert_int_equal(*mem(ADDR + 64), 0xee);
	}
	pty_close(&p);
}

/* Each in a lane of its own, which all are used again. */
static void eight_wait(void **state)
{
	struct fixture *f = *state;
	struct conv *c[8];
	unsigned int lanes = 0;
	struct pty p[8];
	char text[2] = "";
	int i, k, n;

	connect_calls(f);
	mem_new(ADDR, 1);
	for (i = 0; i < 8; i++)
		p[i] = pty_new(f);
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 8; i++) {
			c[i] = conv_new(VSYS_OP_MIRROR_READ, p[i].handle, 1, ADDR + i);
			conv_send(f, c[i]);
		}
		for (i = 0; i < 8; i++) {
			TALK(f, conv_runs(f, c[i]));
			for (n = 0; n < i; n++)
				assert_ptr_not_equal(the_call(f, c[i])->m, the_call(f, c[n])->m);
		}
		for (i = 8; i-- > 0;) {
			text[0] = '0' + i;
			pty_put(&p[i], text);
			assert_int_equal(conv_end(f, c[i]), 1);
		}
		assert_memory_equal(mem(ADDR), "01234567", 8);
		assert_true(k == 0 || lanes == f->w.executors.nr_lanes);
		lanes = f->w.executors.nr_lanes;
		memset(mem(ADDR), 0, 8);
	}
	for (i = 0; i < 8; i++)
		pty_close(&p[i]);
}

/* Two address spaces have the same address, and nothing else in common. */
static void address_spaces(void **state)
{
	struct fixture *f = *state;
	struct conv *a, *b;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	pty_feed(&p, "abc");
	mem_new(ADDR, 1);
	a = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_page(f, a, ADDR);
	conv_send(f, a);
	b = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	b->mm = VSYS_MAX_MMS - 1;
	b->hold = true;
	conv_send(f, b);
	assert_int_equal(conv_end(f, a), 0);
	assert_int_equal(*mem(ADDR), 3);
	TALK(f, b->parked);
	b->hold = false;
	assert_int_equal(conv_end(f, b), 0);
	assert_int_equal(b->needs, 1);
	pty_close(&p);
}

/* The numbers of their files are the lowest ones, which new lanes use for a moment. */
static void files_of_many(void **state)
{
	struct fixture *f = *state;
	struct conv *wait, *c[6];
	unsigned int i, k, n;
	uint32_t h, file;
	int end;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	file = do_open_fd(f, temp_file(4096), VSYS_O_RDWR);
	for (k = 0; k < 10; k++) {
		wait = blocked_read(f, h, k);
		for (i = 0; i < 6; i++) {
			c[i] = conv_new(VSYS_OP_IOCTL, file, FICLONE, 4 + i);
			c[i]->mm = k;
			for (n = 0; n < 4; n++)
				conv_file(f, c[i], 4 + i + n, n % 2 ? h : file);
			conv_send(f, c[i]);
		}
		/* As the file system is; but there is a file. */
		for (i = 0; i < 6; i++) {
			const int64_t got = conv_end(f, c[i]);

			assert_true(got != -VSYS_EBADF && got != -VSYS_EIO);
		}
		assert_int_equal(write(end, "x", 1), 1);
		assert_int_equal(conv_end(f, wait), 1);
	}
	close(end);
}

/* --- cancelled and given up ------------------------------------------------ */

static struct conv *send_read(struct fixture *f, uint32_t handle, uint32_t mm)
{
	struct conv *c = conv_new(VSYS_OP_MIRROR_READ, handle, 1, ADDR);

	c->mm = mm;
	conv_send(f, c);
	return c;
}

/* The mirror is as good as before. */
static void still_works(struct fixture *f, uint32_t handle, uint32_t mm)
{
	struct conv *c = conv_new(VSYS_OP_IOCTL, handle, FIONREAD, ADDR);

	c->mm = mm;
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
}

static void cancelled(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	uint32_t h;
	int end, i;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	for (i = 0; i < 20; i++) {
		c = blocked_read(f, h, MM);
		assert_int_equal(do_cancel(f, c->id)->value, 1);
		assert_int_equal(conv_end(f, c), -VSYS_EINTR);
		/* Not even begun. */
		c = send_read(f, h, MM + 1 + i % 2);
		assert_int_equal(do_cancel(f, c->id)->value, 1);
		assert_int_equal(conv_end(f, c), -VSYS_EINTR);
		/* No data was lost, and a late signal hits nobody. */
		c = blocked_read(f, h, MM);
		assert_int_equal(write(end, "x", 1), 1);
		assert_int_equal(conv_end(f, c), 1);
	}
	close(end);
}

/* At any moment: it is made or not, and what comes after it works. */
static void cancelled_anywhere(void **state)
{
	unsigned int i, k, made = 0;
	struct fixture *f = *state;
	struct winsize size;
	struct conv *c;
	int64_t got;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	for (i = 1; i < 300; i++) {
		*mem(ADDR) = i;
		*mem(ADDR + 1) = i >> 8;
		c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCSWINSZ, ADDR);
		if (i % 2)
			conv_page(f, c, ADDR);
		conv_send(f, c);
		for (k = 0; k < i % 9; k++) {
			step_ms(f, 0);
			converse(f);
		}
		if (c->under_way)
			do_cancel(f, c->id);
		got = conv_end(f, c);
		assert_int_equal(ioctl(p.master, TIOCGWINSZ, &size), 0);
		if (got == 0)
			assert_int_equal(size.ws_row, i);
		else
			assert_int_equal(got, -VSYS_EINTR);
		made += got == 0;
	}
	print_message("# %u of %u were made\n", made, i);
	still_works(f, p.handle, MM);
	pty_close(&p);
}

/* What the kernel may say of a fault that is over. */
static void say_fault(struct fixture *f, uint64_t addr)
{
	struct lane *l = the_mm(f, MM)->mirror[0]->lane;
	struct uffd_msg msg = { .event = UFFD_EVENT_PAGEFAULT };

	msg.arg.pagefault.address = addr;
	l->x->ops->fault(l, &msg, true);
}

/* It waits for data, and then for a page that it did not need before. */
static struct conv *read_and_fault(struct fixture *f, uint32_t handle, uint64_t addr)
{
	struct conv *c = blocked_read(f, handle, MM);

	c->hold = true;
	say_fault(f, addr);
	TALK(f, c->parked);
	assert_int_equal(c->need[0].addr, addr);
	return c;
}

static void late_news_of_faults(void **state)
{
	const uint64_t other = ADDR + 0x10000, nowhere = ADDR + 0x20000;
	struct fixture *f = *state;
	struct pty p;
	struct conv *c;
	int i;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	mem_new(other, 1);
	/* While it waits for data: what it needs then is another page. */
	for (i = 0; i < 2; i++) {
		c = read_and_fault(f, p.handle, i ? nowhere : other);
		pty_put(&p, "x");
		TALK(f, the_call(f, c)->next_need == ADDR);
		conv_continue(f, c);
		TALK(f, c->parked);
		assert_int_equal(c->need[0].addr, ADDR);
		c->hold = false;
		assert_int_equal(conv_end(f, c), 1);
		assert_int_equal(*mem(ADDR), 'x');
	}
	/* The driver was done before the page that nobody needs came. */
	c = conv_new(VSYS_OP_MIRROR_READ, p.handle, 1, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	TALK(f, conv_runs(f, c));
	c->hold = true;
	say_fault(f, other + 1);
	TALK(f, c->parked);
	pty_put(&p, "y");
	TALK(f, the_call(f, c)->phase == CALL_ENDING);
	c->hold = false;
	assert_int_equal(conv_end(f, c), 1);
	assert_int_equal(*mem(ADDR), 'y');
	/* No call, and one that has not begun. */
	say_fault(f, other);
	assert_null(page_find(the_mm(f, MM)->mirror[0], other));
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, other), 0);
	pty_close(&p);
}

/* A read is interrupted to make room, while the agent works for it. */
static void makes_room_at_work(void **state)
{
	const uint64_t other = ADDR + 0x10000, nowhere = ADDR + 0x100000;
	struct fixture *f = *state;
	struct mcall *call;
	struct conv *c;
	struct pty p;
	int i, k, made = 0;
	int64_t result;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	mem_new(other, 1);
	for (k = 0; k < 20; k++) {
		c = read_and_fault(f, p.handle, other);
		/* There is nothing of it: each is a step of the agent's. */
		for (i = 0; i < 100; i++)
			c->need[c->nr_need++] = (struct vsys_item){
				.addr = nowhere + i * VSYS_PAGE_SIZE, .value = 1,
				.op = VSYS_ITEM_NEED,
			};
		conv_continue(f, c);
		c->hold = false;
		TALK(f, (call = the_call(f, c)) && (call->steps_run || k % 2));
		call->yields = true;
		the_mm(f, MM)->nr_closing++;	/* as if it had to wait then */
		lane_kick(&call->job);
		i = 0;
		TALK(f, ++i > 20 || c->ended);
		the_mm(f, MM)->nr_closing--;
		mm_start_waiting(the_mm(f, MM));
		if (!c->ended) {
			made++;
			pty_put(&p, "z");
		}
		result = conv_end(f, c);
		assert_true(result == 1 || result == -VSYS_EINTR);
		assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	}
	print_message("# %d of %d were made\n", made, k);
	pty_close(&p);
}

static void aborted(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *d;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	c = parked_call(f, p.handle, ADDR);
	conv_abort(f, c);
	assert_true(conv_end(f, c) < 0);
	assert_int_equal(c->round_trips, 2);
	still_works(f, p.handle, MM);
	/* Another call of the same process is not concerned. */
	d = parked_call(f, p.handle, ADDR);
	c = parked_call(f, p.handle, ADDR);
	conv_abort(f, c);
	assert_true(conv_end(f, c) < 0);
	d->hold = false;
	assert_int_equal(conv_end(f, d), 0);
	pty_close(&p);
}

static void released(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *d;
	struct pty p;
	uint32_t h;
	uint16_t id;
	int end;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	c = blocked_read(f, h, MM);
	assert_int_equal(do_release(f, h), 0);
	assert_int_equal(conv_end(f, c), -VSYS_EINTR);
	/* Nobody has the other end any more, also no executor. */
	assert_int_equal(write(end, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(end);

	p = pty_new(f);
	d = parked_call(f, p.handle, ADDR);
	id = submit(f, rq(VSYS_OP_RELEASE, p.handle));
	settle(f);
	assert_false(answered(f, id));
	d->hold = false;
	conv_end(f, d);
	assert_int_equal(wait_for(f, id)->status, 0);
	c = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EBADF);
	pty_close(&p);
}

/* Time passes. */
static void guest_never_continues(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	c = parked_call(f, p.handle, ADDR);
	calls_tick(the_device(f));
	assert_false(the_call(f, c)->late);
	the_call(f, c)->parked_since -= VSYS_CALL_LIMIT_MS;
	calls_tick(the_device(f));
	assert_true(the_call(f, c)->late);
	/* The driver has let go, and nobody else waits. */
	UNTIL(f, the_call(f, c)->phase == CALL_ENDING);
	still_works(f, p.handle, MM);
	/* Too late. */
	c->hold = false;
	assert_int_equal(conv_end(f, c), -VSYS_ETIMEDOUT);
	assert_int_equal(c->round_trips, 2);
	pty_close(&p);
}

/* --- what is not allowed ---------------------------------------------------- */

static void denied(void **state)
{
	struct policy_command *deny = &policy.command[0];
	struct fixture *f = *state;
	struct pty p;

	deny->number = TIOCSTI;
	deny->mask = ~0u;
	policy.nr_commands = 1;
	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	assert_int_equal(do_ioctl(f, p.handle, TIOCSTI, ADDR), -VSYS_EPERM);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	assert_int_equal(*mem(ADDR), 0);
	disconnect_device(f);

	policy.any = 0;
	deny->allow = 1;
	deny->number = FIONREAD;
	connect_calls(f);
	p.handle = do_open_fd(f, dup(p.slave), VSYS_O_RDWR);
	assert_int_equal(do_ioctl(f, p.handle, TIOCSTI, ADDR), -VSYS_EPERM);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	ask_counters(f);
	assert_int_equal(f->counters.denied, 1);
	assert_int_equal(f->counters.calls, 1);
	pty_close(&p);
}

static void not_negotiated(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	calls_device.pointers = false;
	connect_calls(f);
	p = pty_new(f);
	mem_new(ADDR, 1);
	c = send_read(f, p.handle, MM);
	assert_int_equal(conv_end(f, c), -VSYS_ENOSYS);
	still_works(f, p.handle, MM);
	disconnect_device(f);

	calls_device.policy = NULL;
	connect_calls(f);
	p.handle = do_open_fd(f, dup(p.slave), VSYS_O_RDWR);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), -VSYS_ENOSYS);
	assert_int_equal(do_exit(f, MM), -VSYS_ENOSYS);
	/* However wrong it is. */
	assert_int_equal(do_exit(f, 1 << 20), -VSYS_ENOSYS);
	pty_close(&p);
}

/* --- executors and address spaces ---------------------------------------- */

static void exits(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	uint16_t id;
	uint32_t h;
	int end;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	assert_int_equal(do_exit(f, MM), 0);	/* there was none */
	still_works(f, h, MM);
	assert_int_equal(f->w.executors.nr_lanes, 2);	/* one is the template */
	assert_int_equal(do_exit(f, MM), 0);
	assert_int_equal(f->w.executors.nr_lanes, 1);
	/* The number is another process's. */
	still_works(f, h, MM);

	c = blocked_read(f, h, MM);
	id = submit(f, rq_exit(MM));
	settle(f);
	assert_false(answered(f, id));
	assert_int_equal(do_exit(f, MM), -VSYS_EBUSY);
	assert_int_equal(do_ioctl(f, h, FIONREAD, ADDR), -VSYS_ESRCH);
	assert_int_equal(write(end, "x", 1), 1);
	assert_int_equal(conv_end(f, c), 1);
	assert_int_equal(wait_for(f, id)->status, 0);
	assert_int_equal(f->w.executors.nr_lanes, 1);
	still_works(f, h, MM);
	close(end);
}

static void killed(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *d;
	uint32_t h;
	int end, i;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	for (i = 0; i < 2; i++) {
		/* One of its processes: all of it. */
		c = blocked_read(f, h, MM);
		d = blocked_read(f, h, MM);
		kill(the_mm(f, MM)->x->lane[i]->pid, SIGKILL);
		assert_int_equal(conv_end(f, c), -VSYS_EIO);
		assert_int_equal(conv_end(f, d), -VSYS_EIO);
		still_works(f, h, MM);
	}
	/* Idle: nobody notices. */
	kill(the_mm(f, MM)->x->lane[0]->pid, SIGKILL);
	UNTIL(f, !the_mm(f, MM)->x);
	still_works(f, h, MM);
	/* While the guest looks for a page. */
	c = parked_call(f, h, ADDR);
	kill(the_mm(f, MM)->x->lane[0]->pid, SIGKILL);
	UNTIL(f, !the_mm(f, MM)->x);
	d = parked_call(f, h, ADDR);
	c->hold = false;
	assert_int_equal(conv_end(f, c), -VSYS_EIO);
	d->hold = false;
	assert_int_equal(conv_end(f, d), 0);
	close(end);
}

/* No more executors; those that there are go on. */
static void template_killed(void **state)
{
	struct fixture *f = *state;
	uint32_t h;
	int end;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	still_works(f, h, MM);
	kill(f->w.executors.x[0]->lane[0]->pid, SIGKILL);
	UNTIL(f, !executors_alive(&f->w.executors));
	still_works(f, h, MM);
	assert_int_equal(conv_end(f, send_read(f, h, MM + 1)), -VSYS_EOPNOTSUPP);
	assert_int_equal(do_exit(f, MM), 0);
	assert_int_equal(do_ioctl(f, h, FIONREAD, ADDR), -VSYS_EOPNOTSUPP);
	close(end);
}

/* Idle executors make room. */
static void many_processes(void **state)
{
	struct fixture *f = *state;
	struct conv *c[CONVS];
	unsigned int i, mm;
	uint32_t h;
	int end;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	for (mm = 0; mm < MACHINE_MAX + 8; mm++) {
		still_works(f, h, mm);
		assert_true(f->w.executors.nr_lanes <= MACHINE_MAX);
	}
	/* All at once. */
	for (i = 0; i < MACHINE_MAX + 8; i++) {
		c[i] = conv_new(VSYS_OP_IOCTL, h, FIONREAD, ADDR);
		c[i]->mm = mm + i;
		conv_send(f, c[i]);
	}
	for (i = 0; i < MACHINE_MAX + 8; i++)
		assert_int_equal(conv_end(f, c[i]), 0);
	close(end);
}

/* None is idle: who comes waits until one is. */
static void too_many_processes(void **state)
{
	struct conv *c[MACHINE_MAX + 1];
	struct fixture *f = *state;
	unsigned int i;
	uint32_t h;
	int end;

	connect_calls(f);
	mem_new(ADDR, 1);
	end = pipe_new(f, &h);
	for (i = 0; i < MACHINE_MAX - 1; i++)
		c[i] = blocked_read(f, h, i);
	for (; i < MACHINE_MAX + 1; i++)
		c[i] = send_read(f, h, i);
	settle(f);
	assert_null(the_mm(f, MACHINE_MAX)->x);
	/* Cancelled while it waits; and the other one has its turn. */
	assert_int_equal(do_cancel(f, c[MACHINE_MAX - 1]->id)->value, 1);
	assert_int_equal(conv_end(f, c[MACHINE_MAX - 1]), -VSYS_EINTR);
	assert_int_equal(do_cancel(f, c[7]->id)->value, 1);
	assert_int_equal(conv_end(f, c[7]), -VSYS_EINTR);
	TALK(f, conv_runs(f, c[MACHINE_MAX]));
	assert_null(the_mm(f, 7)->x);
	disconnect_device(f);
	close(end);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(read_and_write), T(eight_at_once), T(eight_wait), T(address_spaces), T(files_of_many),
		T(cancelled), T(cancelled_anywhere), T(late_news_of_faults), T(makes_room_at_work),
		T(aborted), T(released),
		T(guest_never_continues), T(denied), T(not_negotiated), T(exits), T(killed),
		T(template_killed), T(many_processes), T(too_many_processes),
	};

	if (!calls_can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
