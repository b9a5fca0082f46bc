/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker-fixture.h - a worker with a pretended guest and a pretended supervisor.
 *
 * All in one thread: wait_for() and its kin let the worker do rounds until what
 * is expected has happened; after PATIENCE_MS the test fails.  The supervisor
 * answers IPC_OPEN by what open_with was set to.
 */
#ifndef WORKER_FIXTURE_H
#define WORKER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "xen-backend/worker/transport-loop.h"
#include "xen-backend/worker/worker.h"

#define PATIENCE_MS	10000
#define DOMID		7u
#define DEVID		51u

/* Where the guest's things lie in its memory. */
#define RING_REF(q)	(16u + 64u * (q))
#define DIR_REF(q)	(RING_REF(q) + 32u)
#define POOL_REF(q)	(1024u + 800u * (q))
#define REMOTE_PORT(q)	(40u + (q))

struct setup {
	unsigned int ring_order, pool_pages, queues;
	bool block, write_only, read_only, discard;
	bool pointers;
	const struct policy_table *policy;	/* NULL: without ioctl */
	bool ports;			/* these, and who has them is at ports_fd */
	uint16_t port_first, port_last;
	int ports_fd;			/* passed on, stays open */
};

struct fixture {
	struct worker w;
	struct transport_loop *t;
	int supervisor;			/* our end of the socket */
	bool elsewhere;			/* another thread does the rounds */
	int fds_before;
	struct setup setup;

	struct vsys_front_ring ring[VSYS_IPC_MAX_QUEUES];
	uint16_t next_id;
	struct vsys_response rsp[VSYS_IPC_MAX_QUEUES][512];
	bool answered[VSYS_IPC_MAX_QUEUES][512];
	unsigned int nr_responses;
	bool by_event;			/* responses are looked for when there is one */
	unsigned int notified;

	/* Supervisor: what an IPC_OPEN gets. */
	int (*open_with)(struct fixture *f, const struct vsys_ipc *msg);
	const char *path;
	bool open_hold;			/* not answered; see last_open */
	struct vsys_ipc last_open;
	unsigned int opens, open_cancels;
	int64_t pinned;			/* answer to IPC_PINS */
	void (*counting)(struct fixture *f);	/* ... just before it is counted */

	/* ... and what it was told. */
	unsigned int ups, downs, faileds, counters_seen, closeds;
	char reason[VSYS_IPC_REASON];
	struct vsys_counters counters;
};

/* False, having said so in TAP: this machine does not allow io_uring. */
bool can_run(void);

/* cmocka's setup and teardown: teardown checks that nothing is left. */
int fixture_setup(void **state);
/* The same without worker_init(), whose descriptor is given. */
struct fixture *fixture_new(int *ipc_fd);
int fixture_teardown(void **state);

/* Makes the guest's ring and pool; does not tell the worker. */
void guest_prepare(struct fixture *f, const struct setup *s);
void connect_message(struct fixture *f, struct vsys_ipc *msg);
/* Both, and expects UP. */
void connect_device(struct fixture *f, const struct setup *s);
void connect_chr(struct fixture *f);
void connect_blk(struct fixture *f);

void tell(struct fixture *f, uint32_t type);
void tell_msg(struct fixture *f, const struct vsys_ipc *msg, int fd);
void answer_open(struct fixture *f, const struct vsys_ipc *open, int fd_or_error);
void ask_counters(struct fixture *f);
/* Disconnects and checks that all went. */
void disconnect_device(struct fixture *f);

/* A round, and what supervisor and guest do about it. */
void step(struct fixture *f);
void step_ms(struct fixture *f, int timeout_ms);
/* The worker had time for what there was to do; for what must not happen. */
void settle(struct fixture *f);
/* For what must happen. */
#define UNTIL(f, condition)			\
	do {					\
		patience();			\
		while (!(condition)) {		\
			step(f);		\
			check_patience(#condition); \
		}				\
	} while (0)
void patience(void);
void check_patience(const char *what);
void wait_failed(struct fixture *f, const char *words);

/* The pool as the guest sees it. */
void pool_put(struct fixture *f, unsigned int q, uint32_t offset, const void *data, size_t len);
void pool_get(struct fixture *f, unsigned int q, uint32_t offset, void *data, size_t len);
void pool_fill(struct fixture *f, unsigned int q, uint32_t offset, int byte, size_t len);

/* Requests.  rq() makes one; submit() gives it an id and sends it. */
struct vsys_request rq(uint8_t op, uint32_t handle);
struct vsys_request rq_rw(uint8_t op, uint32_t handle, uint64_t pos, uint32_t pool, uint32_t len,
			  uint32_t flags);
uint16_t submit(struct fixture *f, struct vsys_request r);
uint16_t submit_on(struct fixture *f, unsigned int q, struct vsys_request r);
/* Puts it in the ring as it is, without notifying. */
void push_raw(struct fixture *f, unsigned int q, const struct vsys_request *r);
void kick(struct fixture *f, unsigned int q);
bool answered(struct fixture *f, uint16_t id);
struct vsys_response *wait_for(struct fixture *f, uint16_t id);
struct vsys_response *wait_for_on(struct fixture *f, unsigned int q, uint16_t id);
struct vsys_response *call(struct fixture *f, struct vsys_request r);

/* Whole calls. */
uint32_t do_open(struct fixture *f, const char *path, uint32_t oflags);
uint32_t do_open_fd(struct fixture *f, int fd, uint32_t oflags);
int32_t do_release(struct fixture *f, uint32_t handle);
int64_t do_read(struct fixture *f, uint32_t handle, uint64_t pos, void *buf, uint32_t len,
		uint32_t flags);
int64_t do_write(struct fixture *f, uint32_t handle, uint64_t pos, const void *buf, uint32_t len,
		 uint32_t flags);
struct vsys_response *do_cancel(struct fixture *f, uint16_t id);

int count_fds(void);
/* A temporary file of that many bytes of a pattern; unlinked. */
int temp_file(size_t size);
/* A pseudo-terminal in raw mode. */
void open_pty(int *master, int *slave);

#endif /* WORKER_FIXTURE_H */
