// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * calls-fixture.c - a worker with executors, and a guest that makes calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/calls-fixture.h"

#define MEM_PAGES	128

struct policy_table policy;
struct setup calls_device;
const char *calls_root = "/";

static struct {
	uint64_t addr;
	bool readonly;
} guest[MEM_PAGES];
static unsigned char guest_byte[MEM_PAGES][VSYS_PAGE_SIZE];
static unsigned int guest_pages;

static struct conv conv[CONVS];
static unsigned int next_conv;

/* --- the device --------------------------------------------------------- */

bool calls_can_run(void)
{
	if (access("/dev/userfaultfd", R_OK | W_OK) < 0) {
		printf("1..0 # SKIP /dev/userfaultfd is not here: %s\n", strerror(errno));
		return false;
	}
	return can_run();
}

int calls_setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	assert_int_equal(executors_prepare(&f->w.executors, -1), 0);
	f->w.executors.root = calls_root;
	assert_int_equal(executors_start(&f->w.executors, &f->w.uring, executor_filter), 0);
	memset(&policy, 0, sizeof(policy));
	policy.magic = POLICY_MAGIC;
	policy.any = 1;
	strcpy(policy.class, "test");
	calls_device = (struct setup){
		.ring_order = 3, .pool_pages = CONVS * CONV_PAGES, .queues = 1,
		.pointers = true, .policy = &policy,
	};
	memset(conv, 0, sizeof(conv));
	next_conv = guest_pages = 0;
	return 0;
}

int calls_teardown(void **state)
{
	fixture_teardown(state);
	/* No process is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

void connect_calls(struct fixture *f)
{
	memset(conv, 0, sizeof(conv));
	connect_device(f, &calls_device);
}

/* --- memory --------------------------------------------------------------- */

static int mem_find(uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < guest_pages; i++)
		if (addr - guest[i].addr < VSYS_PAGE_SIZE)
			return i;
	return -1;
}

unsigned char *mem_new(uint64_t addr, unsigned int pages)
{
	unsigned char *first = guest_byte[guest_pages];

	assert_true(guest_pages + pages <= MEM_PAGES);
	memset(first, 0, pages * VSYS_PAGE_SIZE);
	for (; pages--; addr += VSYS_PAGE_SIZE) {
		assert_int_equal(mem_find(addr), -1);
		guest[guest_pages].addr = addr;
		guest[guest_pages++].readonly = false;
	}
	return first;
}

void mem_readonly(uint64_t addr, bool readonly)
{
	int i = mem_find(addr);

	assert_true(i >= 0);
	guest[i].readonly = readonly;
}

void mem_gone(uint64_t addr)
{
	int i = mem_find(addr);

	assert_true(i >= 0);
	guest[i].addr = ~0ull;
}

unsigned char *mem(uint64_t addr)
{
	int i = mem_find(addr);

	assert_true(i >= 0);
	return guest_byte[i] + addr % VSYS_PAGE_SIZE;
}

/* --- requests ------------------------------------------------------------- */

static uint32_t conv_pool(const struct conv *c, unsigned int page)
{
	return (c->index * CONV_PAGES + page) * VSYS_PAGE_SIZE;
}

struct conv *conv_new(uint8_t op, uint32_t handle, uint32_t cmd, uint64_t arg)
{
	struct conv *c;

	do {
		c = &conv[next_conv % CONVS];
		c->index = next_conv++ % CONVS;
	} while (c->begun && !c->ended);
	*c = (struct conv){ .index = c->index, .mm = MM, .nr_pages = CONV_PAGES };
	c->rq = rq(op, handle);
	c->rq.offset = arg;
	c->rq.u.call.cmd = cmd;
	c->rq.flags = VSYS_O_RDWR;
	return c;
}

void conv_item(struct fixture *f, struct conv *c, const struct vsys_item *item)
{
	assert_true(c->nr_items < VSYS_PAGE_ITEMS);
	pool_put(f, 0, conv_pool(c, 0) + c->nr_items++ * sizeof(*item), item, sizeof(*item));
}

void conv_page(struct fixture *f, struct conv *c, uint64_t addr)
{
	struct vsys_item item = { .addr = addr & ~4095ull, .op = VSYS_ITEM_PAGE };
	int i = mem_find(addr);

	assert_true(i >= 0);
	item.page = ++c->used;
	assert_true(item.page < c->nr_pages);
	item.flags = guest[i].readonly ? 0 : VSYS_ITEM_WRITABLE;
	pool_put(f, 0, conv_pool(c, item.page), guest_byte[i], VSYS_PAGE_SIZE);
	conv_item(f, c, &item);
}

void conv_none(struct fixture *f, struct conv *c, uint64_t addr)
{
	struct vsys_item item = { .addr = addr & ~4095ull, .op = VSYS_ITEM_NONE };

	conv_item(f, c, &item);
}

void conv_file(struct fixture *f, struct conv *c, unsigned int number, uint32_t handle)
{
	struct vsys_item item = { .addr = number, .value = handle, .page = DEVID,
				  .op = VSYS_ITEM_FILE };

	conv_item(f, c, &item);
}

struct vsys_request conv_request(const struct conv *c)
{
	struct vsys_request r = c->rq;

	r.length = c->nr_pages * VSYS_PAGE_SIZE;
	r.nr_segments = 1;
	r.u.call.segment[0] = (struct vsys_segment){ conv_pool(c, 0), r.length };
	r.u.call.mm = c->mm;
	r.u.call.call = c->index;
	r.u.call.nr_items = c->nr_items;
	return r;
}

void conv_send(struct fixture *f, struct conv *c)
{
	c->begun = c->under_way = true;
	c->round_trips++;
	c->id = submit(f, conv_request(c));
}

static void conv_next(struct conv *c, uint32_t flags)
{
	assert_true(c->parked);
	c->parked = false;
	c->rq.op = VSYS_OP_CONTINUE;
	c->rq.flags = flags;
	c->used = c->nr_items = 0;
}

/* The page itself in any case, and what there is behind it as far as there is room. */
static void conv_bring(struct fixture *f, struct conv *c, const struct vsys_item *need)
{
	uint64_t addr = need->addr & ~4095ull;
	unsigned int i;

	for (i = 0; i < need->value && c->used + 1 < c->nr_pages; i++, addr += VSYS_PAGE_SIZE) {
		if (mem_find(addr) >= 0) {
			conv_page(f, c, addr);
			continue;
		}
		if (i == 0)
			conv_none(f, c, addr);
		break;
	}
}

void conv_continue(struct fixture *f, struct conv *c)
{
	unsigned int i;

	conv_next(c, 0);
	for (i = 0; i < c->nr_need; i++)
		conv_bring(f, c, &c->need[i]);
	conv_send(f, c);
}

void conv_abort(struct fixture *f, struct conv *c)
{
	conv_next(c, VSYS_CALL_ABORT);
	conv_send(f, c);
}

/* --- answers -------------------------------------------------------------- */

static void take_dirty(struct fixture *f, struct conv *c, const struct vsys_item *item)
{
	unsigned int at = item->addr % VSYS_PAGE_SIZE;
	int i = mem_find(item->addr);

	assert_int_equal(item->flags & ~VSYS_ITEM_KEPT, 0);
	assert_in_range(item->page, 1, c->nr_pages - 1);
	assert_in_range(item->value, 1, VSYS_PAGE_SIZE - at);
	assert_true(i >= 0 && !guest[i].readonly);
	pool_get(f, 0, conv_pool(c, item->page) + at, guest_byte[i] + at, item->value);
	c->dirty_items++;
	c->dirty_bytes += item->value;
}

static void take_scattered(struct fixture *f, struct conv *c, const struct vsys_item *item)
{
	unsigned char bits[VSYS_SCATTERED_BITS];
	unsigned int i, where = conv_pool(c, item->value / 8) + item->value % 8 * sizeof(bits);
	int page = mem_find(item->addr);

	assert_int_equal(item->flags & ~VSYS_ITEM_KEPT, 0);
	assert_int_equal(item->addr % VSYS_PAGE_SIZE, 0);
	assert_in_range(item->page, 1, c->nr_pages - 1);
	assert_in_range(item->value / 8, 1, c->nr_pages - 1);
	assert_true(page >= 0 && !guest[page].readonly);
	pool_get(f, 0, where, bits, sizeof(bits));
	for (i = 0; i < VSYS_PAGE_SIZE; i++) {
		if (!(bits[i / 8] & 1u << i % 8))
			continue;
		pool_get(f, 0, conv_pool(c, item->page) + i, guest_byte[page] + i, 1);
		c->dirty_bytes++;
	}
	c->dirty_items++;
}

static void take_file(struct conv *c, const struct vsys_item *item)
{
	uint32_t number = 100 + item->value;

	assert_int_equal(item->flags & ~VSYS_ITEM_RETURN, 0);
	assert_true(item->value);
	assert_true(c->nr_files < CONV_FILES);
	c->file[c->nr_files++] = *item;
	if (!(item->flags & VSYS_ITEM_RETURN))
		memcpy(mem(item->addr), &number, sizeof(number));
}

static void take_item(struct fixture *f, struct conv *c, const struct vsys_item *item)
{
	switch (item->op) {
	case VSYS_ITEM_NEED:
		assert_true(item->value && item->addr >= VSYS_MIRROR_START);
		c->need[c->nr_need++] = *item;
		c->needs++;
		break;
	case VSYS_ITEM_DIRTY:
		take_dirty(f, c, item);
		break;
	case VSYS_ITEM_SCATTERED:
		take_scattered(f, c, item);
		break;
	case VSYS_ITEM_NEW_FILE:
		take_file(c, item);
		break;
	default:
		fail_msg("item %u", item->op);
	}
}

static void conv_take(struct fixture *f, struct conv *c)
{
	const struct vsys_response *rsp = &f->rsp[0][c->id];
	unsigned int i, nr = rsp->pos & VSYS_CALL_ITEMS;
	struct vsys_item item;

	assert_int_equal(rsp->pos & ~(uint64_t)(VSYS_CALL_ITEMS | VSYS_CALL_MORE | VSYS_CALL_KEPT), 0);
	assert_true(nr <= VSYS_PAGE_ITEMS);
	c->under_way = false;
	c->nr_need = 0;
	for (i = 0; i < nr; i++) {
		pool_get(f, 0, conv_pool(c, 0) + i * sizeof(item), &item, sizeof(item));
		take_item(f, c, &item);
	}
	if (rsp->pos & VSYS_CALL_MORE) {
		assert_int_equal(rsp->status, 0);
		c->parked = true;
		return;
	}
	c->status = rsp->status;
	c->value = rsp->value;
	c->ended = true;
}

void converse(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < CONVS; i++) {
		struct conv *c = &conv[i];

		if (c->under_way && answered(f, c->id))
			conv_take(f, c);
		if (c->parked && !c->hold)
			conv_continue(f, c);
	}
}

int64_t conv_end(struct fixture *f, struct conv *c)
{
	TALK(f, c->ended);
	return c->status ? c->status : (int64_t)c->value;
}

int64_t do_ioctl(struct fixture *f, uint32_t handle, uint32_t cmd, uint64_t arg)
{
	struct conv *c = conv_new(VSYS_OP_IOCTL, handle, cmd, arg);

	conv_send(f, c);
	return conv_end(f, c);
}

struct vsys_request rq_exit(uint32_t mm)
{
	struct vsys_request r = rq(VSYS_OP_MM_EXIT, 0);

	r.u.call.mm = mm;
	return r;
}

int64_t do_exit(struct fixture *f, uint32_t mm)
{
	return call(f, rq_exit(mm))->status;
}

/* --- what the worker has -------------------------------------------------- */

struct device *the_device(struct fixture *f)
{
	return device_find(&f->w, DEVID);
}

struct mcall *the_call(struct fixture *f, const struct conv *c)
{
	struct queue *q = &the_device(f)->queue[0];

	return q->calls ? q->calls[c->index] : NULL;
}

struct mm *the_mm(struct fixture *f, uint32_t number)
{
	struct mm *mm;

	LIST_FOREACH(mm, &the_device(f)->mms, of_device)
		if (mm->number == number)
			break;
	return mm;
}

bool conv_runs(struct fixture *f, const struct conv *c)
{
	struct mcall *call = the_call(f, c);

	return call && call->phase == CALL_RUNNING && call->r && !call->need_addr;
}

struct conv *parked_call(struct fixture *f, uint32_t handle, uint64_t arg)
{
	struct conv *c = conv_new(VSYS_OP_IOCTL, handle, FIONREAD, arg);

	c->hold = true;
	conv_send(f, c);
	TALK(f, c->parked);
	return c;
}

struct conv *blocked_read(struct fixture *f, uint32_t handle, uint32_t mm)
{
	struct conv *c = conv_new(VSYS_OP_MIRROR_READ, handle, 1, ADDR);

	c->mm = mm;
	conv_send(f, c);
	TALK(f, conv_runs(f, c));
	return c;
}

struct conv *long_end(struct fixture *f, uint64_t addr)
{
	uint32_t handle = do_open_fd(f, temp_file(3 * 4096), VSYS_O_RDWR);
	struct conv *c;

	mem_new(addr, 3);
	c = conv_new(VSYS_OP_MIRROR_READ, handle, 3 * 4096, addr);
	c->nr_pages = 2;
	c->hold = true;
	conv_send(f, c);
	TALK(f, c->parked);
	while (the_call(f, c)->phase != CALL_ENDING) {
		conv_continue(f, c);
		TALK(f, c->parked);
	}
	return c;
}

/* --- files ------------------------------------------------------------------ */

struct pty pty_new(struct fixture *f)
{
	struct pty p;

	open_pty(&p.master, &p.slave);
	p.handle = do_open_fd(f, dup(p.slave), VSYS_O_RDWR);
	return p;
}

void pty_size(const struct pty *p, unsigned short rows, unsigned short cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	assert_int_equal(ioctl(p->master, TIOCSWINSZ, &size), 0);
}

void pty_put(struct pty *p, const char *text)
{
	assert_int_equal(write(p->master, text, strlen(text)), strlen(text));
}

void pty_feed(struct pty *p, const char *text)
{
	struct pollfd wait = { .fd = p->slave, .events = POLLIN };

	pty_put(p, text);
	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
}

void pty_close(struct pty *p)
{
	close(p->master);
	close(p->slave);
}

int pipe_new(struct fixture *f, uint32_t *handle)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	*handle = do_open_fd(f, p[0], VSYS_O_RDONLY);
	return p[1];
}
