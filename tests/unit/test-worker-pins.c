// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-pins.c - pages that a driver keeps when its call has returned.
 *
 * No driver that every machine has does so; but the policy says which commands do,
 * and what a device writes meanwhile the test writes itself.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

#define KEPT	(ADDR + 0x10000)

static void pinning(struct fixture *f, uint32_t cmd)
{
	policy.command[0] = (struct policy_command){
		.number = cmd, .mask = ~0u, .allow = 1, .pins = 1,
	};
	policy.nr_commands = 1;
	connect_calls(f);
}

/* Whose TIOCGWINSZ pins; and memory for its argument, and to be kept. */
static struct pty pinning_pty(struct fixture *f)
{
	pinning(f, TIOCGWINSZ);
	mem_new(ADDR, 1);
	mem_new(KEPT, 1);
	return pty_new(f);
}

/* A call that keeps the page KEPT in the first mirror. */
static void keep(struct fixture *f, const struct pty *p)
{
	struct conv *c = conv_new(VSYS_OP_IOCTL, p->handle, TIOCGWINSZ, ADDR);

	conv_page(f, c, ADDR);
	conv_page(f, c, KEPT);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(the_mm(f, MM)->nr_kept, 1);
	f->pinned = 101;
}

static void device_writes(struct fixture *f, unsigned int at, const char *text)
{
	struct iovec here = { (void *)(uintptr_t)text, strlen(text) };
	struct iovec there = { (void *)(uintptr_t)(KEPT + at), strlen(text) };
	int pid = the_mm(f, MM)->mirror[0]->lane->pid;

	assert_int_equal(process_vm_writev(pid, &here, 1, &there, 1, 0), strlen(text));
}

static void device_sees(struct fixture *f, unsigned int at, const char *text)
{
	char back[16];
	struct iovec here = { back, strlen(text) };
	struct iovec there = { (void *)(uintptr_t)(KEPT + at), strlen(text) };
	int pid = the_mm(f, MM)->mirror[0]->lane->pid;

	assert_int_equal(process_vm_readv(pid, &here, 1, &there, 1, 0), strlen(text));
	assert_memory_equal(back, text, strlen(text));
}

/* Whenever a call is made, both sides agree. */
static void kept_pages(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	unsigned int i;
	struct pty p;

	p = pinning_pty(f);
	memcpy(mem(KEPT), "zero", 4);
	keep(f, &p);
	device_sees(f, 0, "zero");
	for (i = 0; i < 3; i++) {
		device_writes(f, 100, i % 2 ? "odd" : "even");
		memcpy(mem(KEPT), i % 2 ? "two" : "one", 3);
		c = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
		c->hold = true;
		conv_page(f, c, ADDR);
		conv_send(f, c);
		TALK(f, c->parked);
		assert_int_equal(c->nr_need, 1);
		assert_int_equal(c->need[0].addr, KEPT);
		c->hold = false;
		assert_int_equal(conv_end(f, c), 0);
		assert_int_equal(c->needs, 1);
		device_sees(f, 0, i % 2 ? "two" : "one");
		assert_memory_equal(mem(KEPT + 100), i % 2 ? "odd" : "even", 3);
		assert_memory_equal(mem(KEPT), i % 2 ? "two" : "one", 3);
	}
	pty_close(&p);
}

static void let_go(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	p = pinning_pty(f);
	f->pinned = 100;
	keep(f, &p);
	assert_int_equal(the_mm(f, MM)->pins_before, 100);
	/* Still pinned; then a device has kept more while the answer was on its way. */
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	UNTIL(f, !the_mm(f, MM)->unpinned.asked);
	assert_false(the_mm(f, MM)->let_go);
	the_mm(f, MM)->unpinned_asked = 0;
	f->pinned = 100;
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	UNTIL(f, !the_mm(f, MM)->unpinned.asked);
	assert_false(the_mm(f, MM)->let_go);
	/* The count is what it was: the next call knows it, and the one after. */
	the_mm(f, MM)->unpinned_asked = 0;
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	UNTIL(f, the_mm(f, MM)->let_go);
	c = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->round_trips, 1);
	assert_int_equal(the_mm(f, MM)->nr_kept, 0);
	assert_int_equal(f->w.nr_mirror_pages, 1);
	pty_close(&p);
}

static struct conv *watch(struct fixture *f)
{
	struct conv *c = conv_new(VSYS_OP_WATCH, 0, 0, 0);

	c->hold = true;
	conv_send(f, c);
	return c;
}

/* It has one page of many, and does not get the others as pinned ones. */
static void released_while_fetching(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *w;
	struct pty p;
	unsigned int i;

	pinning(f, TIOCGWINSZ);
	mem_new(ADDR, 1);
	mem_new(KEPT, 20);
	p = pty_new(f);
	for (i = 0; i < 20; i += 10) {
		c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, ADDR);
		c->nr_pages = 16;
		for (unsigned int n = i; n < i + 10; n++)
			conv_page(f, c, KEPT + n * 4096);
		conv_send(f, c);
		assert_int_equal(conv_end(f, c), 0);
	}
	assert_int_equal(the_mm(f, MM)->nr_kept, 20);
	f->pinned = 101;
	w = watch(f);
	w->hold = false;
	c = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_page(f, c, ADDR);
	c->hold = true;
	conv_send(f, c);
	TALK(f, c->parked);
	assert_int_equal(the_call(f, c)->phase, CALL_FETCHING);
	assert_in_range(c->nr_need, 1, 19);
	f->pinned = 0;
	assert_int_equal(conv_end(f, w), 0);
	assert_int_equal(the_mm(f, MM)->nr_kept, 0);
	c->hold = false;
	assert_int_equal(conv_end(f, c), 0);
	/* What one request brings, and its argument are there; the rest would be old. */
	assert_int_equal(f->w.nr_mirror_pages, CONV_PAGES - 1 + 1);
	pty_close(&p);
}

static void writes_at_last(struct fixture *f)
{
	f->counting = NULL;
	f->pinned = 0;
	device_writes(f, 7, "last");
}

/* What the device wrote before it was counted is told before anything is let go. */
static void written_and_released(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	p = pinning_pty(f);
	keep(f, &p);
	f->counting = writes_at_last;
	c = watch(f);
	TALK(f, c->parked);
	assert_memory_equal(mem(KEPT + 7), "last", 4);
	assert_int_equal(the_mm(f, MM)->nr_kept, 1);
	c->hold = false;
	conv_continue(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(the_mm(f, MM)->nr_kept, 0);
	pty_close(&p);
}

/* The program has unmapped it. */
static void kept_without_memory(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	p = pinning_pty(f);
	keep(f, &p);
	mem_gone(KEPT);
	c = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_page(f, c, ADDR);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(c->round_trips, 2);
	pty_close(&p);
}

/* Who cancels, aborts or is late while the kept page is fetched. */
static void fetching_ends(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;
	int i;

	p = pinning_pty(f);
	keep(f, &p);
	for (i = 0; i < 2; i++) {
		c = parked_call(f, p.handle, ADDR);
		assert_int_equal(the_call(f, c)->phase, CALL_FETCHING);
		if (i == 0) {
			conv_abort(f, c);
			assert_int_equal(conv_end(f, c), -VSYS_EINTR);
		} else {
			the_call(f, c)->parked_since -= VSYS_CALL_LIMIT_MS;
			calls_tick(the_device(f));
			c->hold = false;
			assert_int_equal(conv_end(f, c), -VSYS_ETIMEDOUT);
		}
		device_writes(f, 0, i ? "x" : "y");
		assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
		assert_int_equal(*mem(KEPT), i ? 'x' : 'y');
	}
	pty_close(&p);
}

/* What one call tells of it is in the guest's memory before another one ends. */
static void ends_in_order(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *d;
	struct pty p;

	p = pinning_pty(f);
	keep(f, &p);
	c = long_end(f, ADDR + 0x20000);
	d = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_page(f, d, ADDR);
	d->hold = true;
	conv_send(f, d);
	TALK(f, d->parked);
	device_writes(f, 200, "news");
	conv_continue(f, d);
	TALK(f, d->parked);
	assert_int_equal(the_call(f, d)->phase, CALL_ENDING);
	assert_memory_equal(mem(KEPT + 200), "news", 4);
	/* Nobody knows yet that the guest has it. */
	while (!the_call(f, c)->waits) {
		if (c->parked)
			conv_continue(f, c);
		step(f);
		converse(f);
	}
	settle(f);
	converse(f);
	assert_true(c->under_way && !c->ended);
	d->hold = false;
	assert_int_equal(conv_end(f, d), 0);
	c->hold = false;
	assert_int_equal(conv_end(f, c), 3 * 4096);
	pty_close(&p);
}

static void killed_with_kept(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	p = pinning_pty(f);
	keep(f, &p);
	c = long_end(f, ADDR + 0x20000);
	mirror_kill(the_mm(f, MM)->mirror[0]);
	UNTIL(f, !the_mm(f, MM)->x);
	assert_int_equal(the_mm(f, MM)->nr_kept, 0);
	c->hold = false;
	conv_end(f, c);
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	/* And with the device. */
	keep(f, &p);
	parked_call(f, p.handle, ADDR);
	disconnect_device(f);
	assert_int_equal(f->w.nr_mirror_pages, 0);
	pty_close(&p);
}

/* Without any call: what a device writes is told, and waited for again. */
static void watched(void **state)
{
	struct fixture *f = *state;
	struct conv *c, *d;
	struct pty p;

	p = pinning_pty(f);
	/* There is nothing to be watched. */
	assert_int_equal(conv_end(f, watch(f)), 0);
	keep(f, &p);
	c = watch(f);
	settle(f);
	assert_false(c->parked || c->ended);
	assert_int_equal(conv_end(f, watch(f)), -VSYS_EBUSY);
	device_writes(f, 40, "news");
	TALK(f, c->parked);
	assert_memory_equal(mem(KEPT + 40), "news", 4);
	assert_int_equal(c->dirty_items, 1);
	/* Not known to have been taken: whoever may know of it waits. */
	d = conv_new(VSYS_OP_IOCTL, p.handle, FIONREAD, ADDR);
	conv_page(f, d, ADDR);
	conv_send(f, d);
	TALK(f, the_call(f, d) && the_call(f, d)->waits);
	conv_continue(f, c);
	assert_int_equal(conv_end(f, d), 0);
	device_writes(f, 50, "more");
	TALK(f, c->parked);
	assert_memory_equal(mem(KEPT + 50), "more", 4);
	conv_continue(f, c);
	/* Released: it is over. */
	f->pinned = 0;
	assert_int_equal(conv_end(f, c), 0);
	assert_int_equal(the_mm(f, MM)->nr_kept, 0);
	pty_close(&p);
}

static void watch_ends(void **state)
{
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	p = pinning_pty(f);
	keep(f, &p);
	/* Cancelled while it waits; aborted when it has told. */
	c = watch(f);
	settle(f);
	do_cancel(f, c->id);
	assert_int_equal(conv_end(f, c), -VSYS_EINTR);
	c = watch(f);
	device_writes(f, 0, "x");
	TALK(f, c->parked);
	conv_abort(f, c);
	assert_int_equal(conv_end(f, c), 0);
	assert_null(the_mm(f, MM)->watch);
	/* The executor goes, and with it what was kept. */
	c = watch(f);
	settle(f);
	mirror_kill(the_mm(f, MM)->mirror[0]);
	assert_int_equal(conv_end(f, c), 0);
	/* The device goes: while it waits, and when it has told. */
	assert_int_equal(do_ioctl(f, p.handle, FIONREAD, ADDR), 0);
	keep(f, &p);
	watch(f);
	settle(f);
	disconnect_device(f);
	assert_int_equal(f->w.nr_mirror_pages, 0);
	pty_close(&p);
}

/* EFAULT, and nothing was refused: again, with what the argument may point to. */
static void guesses(void **state)
{
	const uint64_t arg = MIRROR_END - 32;	/* TCSETS takes 36 bytes */
	const uint64_t pointer = ADDR + 10;
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	pinning(f, TCSETS);
	p = pty_new(f);
	mem_new(ADDR, 3);
	mem_new(MIRROR_END - 4096, 1);
	memcpy(mem(arg), &pointer, sizeof(pointer));
	c = conv_new(VSYS_OP_IOCTL, p.handle, TCSETS, arg);
	c->hold = true;
	conv_page(f, c, arg);
	conv_send(f, c);
	TALK(f, c->parked);
	assert_int_equal(the_call(f, c)->phase, CALL_GUESSING);
	assert_int_equal(c->nr_need, 1);
	assert_int_equal(c->need[0].addr, pointer);
	assert_true(c->need[0].value > 3);
	conv_continue(f, c);
	TALK(f, c->parked);
	/* It has three of these pages now. */
	assert_int_equal(c->need[0].addr, ADDR + 3 * 4096);
	c->hold = false;
	assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
	assert_int_equal(c->round_trips, 3);

	/* No other command is ever made twice. */
	c = conv_new(VSYS_OP_IOCTL, p.handle, TCSETSW, arg);
	conv_page(f, c, arg);
	conv_send(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
	assert_int_equal(c->round_trips, 1);
	pty_close(&p);
}

/* The same of an argument that crosses a page, with its pointer behind that. */
static void guesses_across(void **state)
{
	const uint64_t arg = ADDR + 4096 - 4;
	const uint64_t pointer = KEPT + 10;
	struct fixture *f = *state;
	struct conv *c;
	struct pty p;

	p = pinning_pty(f);
	mem_new(ADDR + 4096, 1);
	memcpy(mem(arg + 8), &pointer, sizeof(pointer));
	mem_readonly(ADDR + 4096, true);	/* EFAULT: half of its 8 bytes */
	c = conv_new(VSYS_OP_IOCTL, p.handle, TIOCGWINSZ, arg);
	c->hold = true;
	conv_page(f, c, ADDR);
	conv_page(f, c, ADDR + 4096);
	conv_send(f, c);
	TALK(f, c->parked);
	assert_int_equal(the_call(f, c)->phase, CALL_GUESSING);
	assert_int_equal(c->nr_need, 1);
	assert_int_equal(c->need[0].addr, pointer);
	c->hold = false;
	conv_continue(f, c);
	assert_int_equal(conv_end(f, c), -VSYS_EFAULT);
	pty_close(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(kept_pages), T(let_go), T(released_while_fetching),
		T(written_and_released), T(kept_without_memory), T(fetching_ends),
		T(ends_in_order), T(killed_with_kept), T(watched),
		T(watch_ends), T(guesses), T(guesses_across),
	};

	if (!calls_can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
