/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls-fixture.h - worker-fixture.h with executors, and a guest that makes calls.
 *
 * The guest has memory, at addresses of the test's choice, and carries out the
 * conversation about a call as the front-end does (xen-frontend/mirror.c).  Nothing
 * is sent along but what the test says; what is needed is sent.
 */
#ifndef CALLS_FIXTURE_H
#define CALLS_FIXTURE_H

#include "tests/unit/worker-fixture.h"
#include "xen-backend/worker/calls.h"

#define ADDR		0x7f1234567000ull
#define CONVS		48
#define CONV_PAGES	16
#define CONV_FILES	4
#define MM		5u	/* of a call, if it is not told */

/* A call, from the guest's side. */
struct conv {
	unsigned int index;
	bool begun, ended;
	bool hold;			/* stays parked: see conv_continue() */
	bool parked;
	uint32_t mm;
	struct vsys_request rq;		/* the last one */
	uint16_t id;			/* ... and its id, if it is under way */
	bool under_way;
	unsigned int nr_pages;		/* of the pool, with that of the items */
	unsigned int used, nr_items;	/* of the request that is made */

	struct vsys_item need[VSYS_PAGE_ITEMS];	/* of the last answer */
	unsigned int nr_need;

	int32_t status;
	uint64_t value;
	unsigned int round_trips, needs, dirty_items, dirty_bytes;
	struct vsys_item file[CONV_FILES];	/* new ones */
	unsigned int nr_files;
};

/* The device that calls_setup() is followed by; all that is not denied is allowed. */
extern struct policy_table policy;
extern struct setup calls_device;
void connect_calls(struct fixture *f);
/* Where executors find nodes; "/" has none. */
extern const char *calls_root;

/* cmocka's setup and teardown. */
int calls_setup(void **state);
int calls_teardown(void **state);
/* False, having said so in TAP. */
bool calls_can_run(void);

/* Memory: zeroes, neighbours in one piece. */
unsigned char *mem_new(uint64_t addr, unsigned int pages);
void mem_readonly(uint64_t addr, bool readonly);
void mem_gone(uint64_t addr);
unsigned char *mem(uint64_t addr);

/* A call that is to be made, with handle; then what comes along; then it is sent. */
struct conv *conv_new(uint8_t op, uint32_t handle, uint32_t cmd, uint64_t arg);
void conv_item(struct fixture *f, struct conv *c, const struct vsys_item *item);
void conv_page(struct fixture *f, struct conv *c, uint64_t addr);
void conv_none(struct fixture *f, struct conv *c, uint64_t addr);
void conv_file(struct fixture *f, struct conv *c, unsigned int number, uint32_t handle);
void conv_send(struct fixture *f, struct conv *c);
/* ... or that is for the test to do. */
struct vsys_request conv_request(const struct conv *c);
/* A parked one: with what it needs, or with nothing. */
void conv_continue(struct fixture *f, struct conv *c);
void conv_abort(struct fixture *f, struct conv *c);
/* All of them go on with what has arrived. */
void converse(struct fixture *f);
#define TALK(f, condition)	UNTIL(f, (converse(f), (condition)))
/* Until it has ended: what it returned, or a negative VSYS_E. */
int64_t conv_end(struct fixture *f, struct conv *c);
int64_t do_ioctl(struct fixture *f, uint32_t handle, uint32_t cmd, uint64_t arg);
int64_t do_exit(struct fixture *f, uint32_t mm);
struct vsys_request rq_exit(uint32_t mm);

/* What the worker has of it. */
struct device *the_device(struct fixture *f);
struct mcall *the_call(struct fixture *f, const struct conv *c);
struct mm *the_mm(struct fixture *f, uint32_t number);
/* Its native call is being made, and waits for no page. */
bool conv_runs(struct fixture *f, const struct conv *c);

/* A call that waits for a page, and one that waits for data. */
struct conv *parked_call(struct fixture *f, uint32_t handle, uint64_t arg);
struct conv *blocked_read(struct fixture *f, uint32_t handle, uint32_t mm);
/* One of a file whose end takes several answers; it stays after the first one. */
struct conv *long_end(struct fixture *f, uint64_t addr);

/* Pseudo-terminals: the handle is the slave's, which stays open here, too. */
struct pty {
	int master, slave;
	uint32_t handle;
};
struct pty pty_new(struct fixture *f);
void pty_size(const struct pty *p, unsigned short rows, unsigned short cols);
void pty_put(struct pty *p, const char *text);
/* The same, if nobody reads there yet; it has arrived. */
void pty_feed(struct pty *p, const char *text);
void pty_close(struct pty *p);
/* A pipe's reading end is the handle; the other one is returned. */
int pipe_new(struct fixture *f, uint32_t *handle);

#endif /* CALLS_FIXTURE_H */
