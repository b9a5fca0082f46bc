// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-hostile.c - calls that no correct front-end makes, and devices that go
 * in the middle of calls.
 *
 * Each time there are calls that wait, for data and for the guest.  Nothing may be left:
 * wait_failed() and disconnect_device() look for pages, the teardown for descriptors
 * and processes.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

/* A device with a call that waits for data, and one that waits for a page. */
struct busy {
	struct fixture *f;
	int end;		/* of the pipe that they are made on */
	uint32_t h;
	struct conv *blocked, *parked;
};

static void busy_connect(struct busy *b)
{
	connect_calls(b->f);
	b->end = pipe_new(b->f, &b->h);
	b->blocked = blocked_read(b->f, b->h, MM);
	b->parked = parked_call(b->f, b->h, ADDR);
}

static void busy_new(struct fixture *f, struct busy *b)
{
	b->f = f;
	mem_new(ADDR, 1);
	busy_connect(b);
}

static void busy_failed(struct busy *b, const char *words)
{
	wait_failed(b->f, words);
	close(b->end);
	assert_int_equal(b->f->w.executors.nr_lanes, 1);
	assert_int_equal(b->f->w.nr_mirror_pages, 0);
}

/* --- requests ------------------------------------------------------------- */

static void call_out_of_range(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->u.call.call = VSYS_MAX_CALLS;
}

static void call_in_use(struct vsys_request *r, const struct busy *b)
{
	r->u.call.call = b->blocked->index;
}

static void call_parked(struct vsys_request *r, const struct busy *b)
{
	r->u.call.call = b->parked->index;
}

static void mm_out_of_range(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->u.call.mm = VSYS_MAX_MMS;
}

static void exit_out_of_range(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	*r = rq_exit(~0u);
}

static void exit_with_segments(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->op = VSYS_OP_MM_EXIT;
}

static void too_many_items(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->u.call.nr_items = VSYS_PAGE_ITEMS + 1;
}

static void no_segments(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->nr_segments = r->length = 0;
}

static void four_segments(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->nr_segments = VSYS_CALL_SEGMENTS + 1;
}

static void less_than_a_page(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->length = r->u.call.segment[0].length = VSYS_PAGE_SIZE - 1;
}

static void not_at_a_page(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->u.call.segment[0].offset += 16;
}

static void half_a_page(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->length -= 16;
	r->u.call.segment[0].length -= 16;
}

static void beyond_the_pool(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->u.call.segment[0].offset = CONVS * CONV_PAGES * VSYS_PAGE_SIZE;
}

static void continue_nothing(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->op = VSYS_OP_CONTINUE;
}

static void continue_running(struct vsys_request *r, const struct busy *b)
{
	r->op = VSYS_OP_CONTINUE;
	r->u.call.call = b->blocked->index;
}

static void continue_elsewhere(struct vsys_request *r, const struct busy *b)
{
	r->op = VSYS_OP_CONTINUE;
	r->u.call.call = b->parked->index;
	r->u.call.mm = MM + 1;
}

static void abort_nothing(struct vsys_request *r, const struct busy *b)
{
	(void)b;
	r->op = VSYS_OP_CONTINUE;
	r->flags = VSYS_CALL_ABORT;
}

static void requests(void **state)
{
	static const struct {
		void (*spoil)(struct vsys_request *r, const struct busy *b);
		const char *words;
	} wrong[] = {
		{ call_out_of_range, "a call out of range" },
		{ call_in_use, "a call that is in use" },
		{ call_parked, "a call that is in use" },
		{ mm_out_of_range, "an address space out of range" },
		{ exit_out_of_range, "an address space out of range" },
		{ exit_with_segments, "takes none" },
		{ too_many_items, "too many items" },
		{ no_segments, "no page for items" },
		{ four_segments, "has 4 segments" },
		{ less_than_a_page, "no page for items" },
		{ not_at_a_page, "segments that are not whole pages" },
		{ half_a_page, "segments that are not whole pages" },
		{ beyond_the_pool, "beyond the pool" },
		{ continue_nothing, "a call to continue that is not there" },
		{ continue_running, "a call to continue that is not there" },
		{ continue_elsewhere, "a call to continue that is not there" },
		{ abort_nothing, "a call to continue that is not there" },
	};
	struct vsys_request r;
	struct conv *c;
	struct busy b;
	size_t i;

	busy_new(*state, &b);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c = conv_new(VSYS_OP_IOCTL, b.h, FIONREAD, ADDR);
		c->nr_pages = 2;
		r = conv_request(c);
		wrong[i].spoil(&r, &b);
		submit(b.f, r);
		busy_failed(&b, wrong[i].words);
		busy_connect(&b);
	}
	close(b.end);
}

/* --- items ------------------------------------------------------------------ */

#define ITEM(o, a, p, fl)	{ .op = VSYS_ITEM_##o, .addr = (a), .page = (p), .flags = (fl) }

static const struct {
	struct vsys_item item;
	const char *words;
} wrong_item[] = {
	{ ITEM(PAGE, ADDR, 0, 0), "a page that is none" },
	{ ITEM(PAGE, ADDR, 2, 0), "a page that is none" },
	{ ITEM(PAGE, ADDR, 0xffff, 0), "a page that is none" },
	{ ITEM(PAGE, ADDR + 1, 1, 0), "a page that is none" },
	{ ITEM(PAGE, 0, 1, 0), "a page that is none" },
	{ ITEM(PAGE, MACHINE_RESULTS, 1, 0), "a page that is none" },
	{ ITEM(PAGE, MIRROR_START - 4096, 1, 0), "a page that is none" },
	{ ITEM(PAGE, MIRROR_END, 1, 0), "a page that is none" },
	{ ITEM(PAGE, ~4095ull, 1, 0), "a page that is none" },
	{ ITEM(PAGE, ADDR, 1, VSYS_ITEM_MAP), "unknown flags" },
	{ ITEM(NONE, ADDR + 8, 0, 0), "a page that is none" },
	{ ITEM(NONE, ADDR, 0, VSYS_ITEM_WRITABLE), "unknown flags" },
	{ ITEM(GRANT, ADDR + 8, 0, 0), "a page that is none" },
	{ ITEM(GRANT, MACHINE_SLOTS, 0, 0), "a page that is none" },
	{ ITEM(GRANT, ADDR, 0, 0x80), "unknown flags" },
	{ ITEM(FILE, MIRRORED_FDS, DEVID, 0), "a descriptor out of range" },
	{ ITEM(FILE, ~0ull, DEVID, 0), "a descriptor out of range" },
	{ ITEM(FILE, 3, DEVID, VSYS_ITEM_RETURN), "unknown flags" },
	{ ITEM(NEED, ADDR, 0, 0), "an unknown operation" },
	{ ITEM(DIRTY, ADDR, 1, 0), "an unknown operation" },
	{ { .op = 0, .addr = ADDR }, "an unknown operation" },
	{ { .op = 255, .addr = ADDR }, "an unknown operation" },
};

static void items(void **state)
{
	struct conv *c;
	struct busy b;
	size_t i;

	busy_new(*state, &b);
	for (i = 0; i < sizeof(wrong_item) / sizeof(wrong_item[0]); i++) {
		/* In the first request of a call, or in the middle of one. */
		if (i % 2) {
			c = conv_new(VSYS_OP_IOCTL, b.h, FIONREAD, ADDR);
		} else {
			c = b.parked;
			c->rq.op = VSYS_OP_CONTINUE;
		}
		c->nr_pages = 2;
		conv_none(b.f, c, ADDR + 4096);
		conv_item(b.f, c, &wrong_item[i].item);
		submit(b.f, conv_request(c));
		busy_failed(&b, "has item 1 with");
		assert_non_null(strstr(b.f->reason, wrong_item[i].words));
		busy_connect(&b);
	}
	close(b.end);
}

/* Strange, but allowed. */
static void strange_items(void **state)
{
	struct vsys_item file = { .op = VSYS_ITEM_FILE, .addr = MIRRORED_FDS - 1, .value = ~0u,
				  .page = 0xffff };
	struct conv *c;
	struct busy b;
	unsigned int i;

	busy_new(*state, &b);
	c = conv_new(VSYS_OP_IOCTL, b.h, FIONREAD, ADDR);
	for (i = 0; i < 100; i++)
		conv_item(b.f, c, &file);
	/* A page twice, and then none; the first word counts. */
	conv_page(b.f, c, ADDR);
	conv_page(b.f, c, ADDR);
	conv_none(b.f, c, ADDR);
	conv_none(b.f, c, 0);
	conv_none(b.f, c, MACHINE_RESULTS);
	conv_none(b.f, c, ~4095ull);
	conv_send(b.f, c);
	assert_int_equal(conv_end(b.f, c), 0);
	/* It needs nothing of that. */
	conv_none(b.f, b.parked, ADDR + 4096);
	b.parked->rq.op = VSYS_OP_CONTINUE;
	b.parked->hold = b.parked->parked = false;
	conv_send(b.f, b.parked);
	assert_int_equal(conv_end(b.f, b.parked), -VSYS_EFAULT);
	assert_int_equal(write(b.end, "x", 1), 1);
	assert_int_equal(conv_end(b.f, b.blocked), 1);
	close(b.end);
}

/* Some go on with a call by another file. */
static void other_handles(void **state)
{
	struct conv *c;
	struct busy b;

	busy_new(*state, &b);
	b.parked->rq.handle = 4000;
	b.parked->hold = false;
	assert_int_equal(conv_end(b.f, b.parked), 0);
	c = conv_new(VSYS_OP_IOCTL, 4000, FIONREAD, ADDR);
	conv_send(b.f, c);
	assert_int_equal(conv_end(b.f, c), -VSYS_EBADF);
	close(b.end);
}

/* --- disconnected ------------------------------------------------------------- */

static void disconnected(void **state)
{
	struct conv *c;
	struct busy b;
	unsigned int i;

	busy_new(*state, &b);
	disconnect_device(b.f);
	close(b.end);
	assert_int_equal(b.f->w.executors.nr_lanes, 1);
	assert_int_equal(b.f->w.nr_mirror_pages, 0);
	/* ... while changes are told, an address space goes, and others come. */
	busy_connect(&b);
	for (i = 0; i < 3; i++) {
		c = conv_new(VSYS_OP_IOCTL, b.h, FIONREAD, ADDR + 4096 - 2);
		c->hold = true;
		conv_page(b.f, c, ADDR);
		conv_send(b.f, c);
	}
	TALK(b.f, c->parked);
	submit(b.f, rq_exit(MM));
	for (i = 0; i < 40; i++) {
		c = conv_new(VSYS_OP_IOCTL, b.h, FIONREAD, ADDR);
		c->mm = MM + 1 + i;
		conv_send(b.f, c);
	}
	disconnect_device(b.f);
	assert_int_equal(b.f->w.executors.nr_lanes, 1);
	close(b.end);
}

static void disconnected_telling(void **state)
{
	struct fixture *f = *state;

	connect_calls(f);
	long_end(f, ADDR);
	disconnect_device(f);
}

/* At any moment of the life of a call and its executor. */
static void disconnected_anywhere(void **state)
{
	struct fixture *f = *state;
	unsigned int i, k;
	struct conv *c;
	uint32_t h;
	int end;

	mem_new(ADDR, 1);
	for (i = 0; i < 36; i++) {
		connect_calls(f);
		end = pipe_new(f, &h);
		for (k = 0; k < 3; k++) {
			c = conv_new(k % 2 ? VSYS_OP_MIRROR_READ : VSYS_OP_IOCTL, h,
				     k % 2 ? 1 : FIONREAD, ADDR + 16 * k);
			conv_file(f, c, 10 + k, h);
			conv_send(f, c);
		}
		for (k = 0; k < i; k++) {
			step_ms(f, 1);
			converse(f);
		}
		if (i % 2) {
			disconnect_device(f);
		} else {
			submit(f, rq_exit(~0u));
			wait_failed(f, "an address space out of range");
		}
		assert_int_equal(f->w.executors.nr_lanes, 1);
		close(end);
	}
}

/* The worker ends with all that in the air. */
static void worker_ends(void **state)
{
	struct busy b;

	busy_new(*state, &b);
	/* The writing end is a handle, too, so that nobody closes it before. */
	do_open_fd(b.f, b.end, VSYS_O_WRONLY);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)
	const struct CMUnitTest tests[] = {
		T(requests), T(items), T(strange_items), T(other_handles), T(disconnected),
		T(disconnected_telling), T(disconnected_anywhere), T(worker_ends),
	};

	if (!calls_can_run())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
