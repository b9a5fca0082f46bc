// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-worker-pool.c - a pool that grows and shrinks, and a guest that lies about it.
 */
#include <string.h>
#include <unistd.h>

#include "tests/unit/worker-fixture.h"
#include "xen-backend/limits.h"

#define FIRST	(64 * VSYS_PAGE_SIZE)	/* of connect_chr() */
#define DIR	4000u			/* where the guest has directories and pages */
#define PAGES	4100u

/* Pages in descending order of their references, n of them, from PAGES + skip on. */
static struct vsys_request rq_grow(struct fixture *f, unsigned int n, unsigned int skip)
{
	struct vsys_request r = rq(VSYS_OP_POOL_GROW, 0);
	unsigned int i;

	for (i = 0; i < n; i++) {
		unsigned int nth = i / VSYS_POOL_DIR_GREFS;
		struct vsys_pool_dir *dir = loop_page(f->t, DIR + nth);

		dir->gref[i % VSYS_POOL_DIR_GREFS] = PAGES + skip + n - 1 - i;
		dir->next = n > (nth + 1) * VSYS_POOL_DIR_GREFS ? DIR + nth + 1 : 0;
	}
	r.length = n * VSYS_PAGE_SIZE;
	r.u.pool.ref = DIR;
	return r;
}

static int32_t grow(struct fixture *f, unsigned int n, unsigned int skip)
{
	return call(f, rq_grow(f, n, skip))->status;
}

static int32_t shrink(struct fixture *f)
{
	return call(f, rq(VSYS_OP_POOL_SHRINK, 0))->status;
}

/* A connected device, whose guest then says this. */
static void breaks(struct fixture *f, struct vsys_request r, const char *words)
{
	submit(f, r);
	wait_failed(f, words);
	connect_chr(f);
}

static void grows(void **state)
{
	struct fixture *f = *state;
	char data[VSYS_PAGE_SIZE + 8];
	struct vsys_request r;
	unsigned int before;
	uint32_t h;

	connect_chr(f);
	before = f->t->pages_mapped;
	h = do_open(f, "/dev/zero", VSYS_O_RDWR);
	/* What is not there yet is beyond the pool; see lies(). */
	assert_int_equal(grow(f, 8, 0), 0);
	assert_int_equal(f->t->pages_mapped, before + 8);
	/* Two pages that are neighbours in the piece, not in the guest's memory. */
	memset(loop_page(f->t, PAGES + 7), 0xa5, VSYS_PAGE_SIZE);
	memset(loop_page(f->t, PAGES + 6), 0xa5, VSYS_PAGE_SIZE);
	r = rq_rw(VSYS_OP_READ, h, 0, FIRST + 100, VSYS_PAGE_SIZE, 0);
	assert_int_equal(call(f, r)->value, VSYS_PAGE_SIZE);
	memset(data, 0xa5, sizeof(data));
	assert_memory_equal(loop_page(f->t, PAGES + 7), data, 100);
	assert_memory_equal((char *)loop_page(f->t, PAGES + 6) + 100, data, VSYS_PAGE_SIZE - 100);
	memset(data, 0, sizeof(data));
	assert_memory_equal((char *)loop_page(f->t, PAGES + 7) + 100, data, VSYS_PAGE_SIZE - 100);
	assert_memory_equal(loop_page(f->t, PAGES + 6), data, 100);
	/* A third piece, and a request with something of each. */
	assert_int_equal(grow(f, 2, 20), 0);
	memset(loop_page(f->t, PAGES + 20), 0xa5, VSYS_PAGE_SIZE);
	r = rq_rw(VSYS_OP_READ, h, 0, FIRST - 8, 8, 0);
	r.nr_segments = 3;
	r.length = 24;
	r.u.segment[1] = (struct vsys_segment){ FIRST + 8 * VSYS_PAGE_SIZE - 8, 8 };
	r.u.segment[2] = (struct vsys_segment){ FIRST + 10 * VSYS_PAGE_SIZE - 8, 8 };
	assert_int_equal(call(f, r)->value, 24);
	assert_memory_equal((char *)loop_page(f->t, PAGES + 20) + VSYS_PAGE_SIZE - 8, data, 8);
	assert_int_equal(((uint8_t *)loop_page(f->t, PAGES + 20))[VSYS_PAGE_SIZE - 9], 0xa5);
	/* An empty segment may be at the very end. */
	r = rq_rw(VSYS_OP_READ, h, 0, FIRST + 10 * VSYS_PAGE_SIZE, 0, 0);
	assert_int_equal(call(f, r)->status, 0);
	do_release(f, h);
	disconnect_device(f);
}

static void shrinks(void **state)
{
	struct fixture *f = *state;
	struct vsys_request r;
	unsigned int before;
	uint32_t h;

	connect_chr(f);
	before = f->t->pages_mapped;
	assert_int_equal(grow(f, 8, 0), 0);
	assert_int_equal(grow(f, 8, 8), 0);
	assert_int_equal(shrink(f), 0);
	assert_int_equal(f->t->pages_mapped, before + 8);
	h = do_open(f, "/dev/zero", VSYS_O_RDWR);
	r = rq_rw(VSYS_OP_READ, h, 0, FIRST, 8 * VSYS_PAGE_SIZE, 0);
	assert_int_equal(call(f, r)->value, 8 * VSYS_PAGE_SIZE);
	assert_int_equal(shrink(f), 0);
	assert_int_equal(f->t->pages_mapped, before);
	assert_int_equal(grow(f, 8, 0), 0);
	assert_int_equal(call(f, r)->value, 8 * VSYS_PAGE_SIZE);
	assert_int_equal(shrink(f), 0);
	breaks(f, r, "beyond the pool");
	breaks(f, rq(VSYS_OP_POOL_SHRINK, 0), "the pool's first piece is to go");
}

/* One that waits for data has its pages until it ends. */
static void in_use(void **state)
{
	struct fixture *f = *state;
	struct vsys_request r;
	int ends[2];
	uint32_t h;
	uint16_t id;

	connect_chr(f);
	assert_int_equal(grow(f, 8, 0), 0);
	assert_int_equal(pipe(ends), 0);
	h = do_open_fd(f, ends[0], VSYS_O_RDONLY);
	r = rq_rw(VSYS_OP_READ, h, 0, FIRST + 7 * VSYS_PAGE_SIZE, 8, 0);
	id = submit(f, r);
	settle(f);
	assert_int_equal(write(ends[1], "12345678", 8), 8);
	assert_int_equal(wait_for(f, id)->value, 8);
	assert_int_equal(shrink(f), 0);
	assert_int_equal(grow(f, 8, 0), 0);
	submit(f, r);
	settle(f);
	submit(f, rq(VSYS_OP_POOL_SHRINK, 0));
	wait_failed(f, "a piece of the pool is to go that request");
	close(ends[1]);
}

/* A resizing is a whole turn. */
static void takes_turns(void **state)
{
	static const struct setup s = { .ring_order = 0, .pool_pages = 64, .queues = 2 };
	struct fixture *f = *state;
	struct vsys_request r;
	unsigned int i;

	connect_device(f, &s);
	r = rq_grow(f, 1, 0);
	for (i = 0; i < 8; i++) {
		r.id = i;
		r.op = i % 2 ? VSYS_OP_POOL_SHRINK : VSYS_OP_POOL_GROW;
		push_raw(f, 0, &r);
	}
	r = rq(VSYS_OP_NOP, 0);
	push_raw(f, 1, &r);
	kick(f, 0);
	kick(f, 1);
	UNTIL(f, f->answered[1][0]);
	assert_in_range(f->nr_responses, 1, 4);
	UNTIL(f, f->nr_responses == 9);
	disconnect_device(f);
}

static void limits(void **state)
{
	struct fixture *f = *state;
	unsigned int i, room = LIMIT_POOL_PAGES - 64;

	connect_chr(f);
	assert_int_equal(grow(f, room + 1, 0), -VSYS_ENOMEM);
	assert_int_equal(grow(f, room, 0), 0);
	assert_int_equal(grow(f, 1, 3000), -VSYS_ENOMEM);
	assert_int_equal(shrink(f), 0);
	for (i = 1; i < VSYS_MAX_POOL_PIECES; i++)
		assert_int_equal(grow(f, 1, i), 0);
	assert_int_equal(grow(f, 1, i), -VSYS_ENOMEM);
	disconnect_device(f);
}

static void lies(void **state)
{
	struct fixture *f = *state;
	struct vsys_pool_dir *dir = loop_page(f->t, DIR);
	struct vsys_request r;
	unsigned int before;
	uint32_t h;

	connect_chr(f);
	r = rq_grow(f, 8, 0);
	r.length = 0;
	breaks(f, r, "the pool is to grow by 0 bytes");
	r.length = VSYS_PAGE_SIZE + 1;
	breaks(f, r, "the pool is to grow by 4097 bytes");
	r = rq_grow(f, 8, 0);
	r.nr_segments = 1;
	breaks(f, r, "takes none");
	/* That may be our own fault; the pool is as before. */
	before = f->t->pages_mapped;
	r = rq_grow(f, 8, 0);
	r.u.pool.ref = LOOP_PAGES;
	assert_int_equal(call(f, r)->status, -VSYS_ENOMEM);
	r = rq_grow(f, 8, 0);
	f->t->bad_ref = PAGES + 3;
	assert_int_equal(call(f, r)->status, -VSYS_ENOMEM);
	f->t->bad_ref = 0;
	assert_int_equal(f->t->pages_mapped, before);
	r = rq_grow(f, VSYS_POOL_DIR_GREFS + 1, 0);
	dir->next = 0;
	breaks(f, r, "the pool's directory ends after 1022 of 1023 pages");
	/* From one piece into the next. */
	assert_int_equal(grow(f, 8, 0), 0);
	h = do_open(f, "/dev/zero", VSYS_O_RDWR);
	breaks(f, rq_rw(VSYS_OP_READ, h, 0, FIRST - 8, 16, 0), "names segment 0 beyond the pool or a piece of it");
	disconnect_device(f);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(grows), T(shrinks), T(in_use), T(takes_turns), T(limits), T(lies) };

	return can_run() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
