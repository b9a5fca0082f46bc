/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor-fixture.h - the whole supervisor, without Xen and without workers.
 *
 * XenStore is fake-xs.c.  Where a worker would be started, the test gets the
 * other end of its socket and plays it; a child process that only waits stands
 * for it, so that it can die.
 */
#ifndef TESTS_SUPERVISOR_FIXTURE_H
#define TESTS_SUPERVISOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake-xs.h"
#include "xen-backend/limits.h"
#include "xen-backend/supervisor.h"

extern struct supervisor sup;
extern char fx_dir[64];		/* files of this test */

int fx_setup(void **state);
int fx_teardown(void **state);
/* The daemon ends, by order or (crash) without a word, and starts again. */
void fx_restart(bool crash);
void fx_stop(bool crash);
void fx_start(void);

/* Turns of the loop until cond holds; fails if it does not within seconds. */
#define fx_until(cond) do { \
	int64_t end__ = loop_now_ms() + 5000; \
	while (!(cond)) { \
		if (loop_now_ms() >= end__) \
			fail_msg("within 5 s: %s", #cond); \
		assert_true(loop_turn(sup.loop, 10) >= 0); \
	} \
} while (0)
/* As many turns as there is something to do. */
void fx_settle(void);
/* Time passes. */
void fx_skip(int ms);

/* The toolstack. */
void fx_config(const char *name, const char *vsys);	/* /etc/xen/NAME.cfg */
void fx_domain(uint32_t domid, const char *name);	/* as libxl makes it */
void fx_domain_gone(uint32_t domid);
struct domain *fx_dom(uint32_t domid);			/* as the supervisor has it */
struct device *fx_dev(uint32_t domid, uint32_t devid);

/* The front-end. */
void fx_front(uint32_t domid, uint32_t devid, const char *key, const char *value);
void fx_front_state(uint32_t domid, uint32_t devid, enum xenbus_state state);
/* Writes all that is needed, and Initialised. */
void fx_front_ready(uint32_t domid, uint32_t devid);
/* What it sees: -1 if there is no node. */
int fx_back_state(uint32_t domid, uint32_t devid);
const char *fx_back(uint32_t domid, uint32_t devid, const char *key);
const char *fx_error(uint32_t domid, uint32_t devid);

/* The worker. */
unsigned int fx_nr_spawned(void);
/* The next message; fails if there is none within seconds. */
struct vsys_ipc fx_worker_take(uint32_t domid, uint32_t type, int *fd);
/* What it was started with. */
uint64_t fx_worker_caps(uint32_t domid);
bool fx_worker_has_message(uint32_t domid);
void fx_worker_say(uint32_t domid, uint32_t type, uint32_t devid);
void fx_worker_send(uint32_t domid, const void *bytes, size_t len);
int fx_worker_socket(uint32_t domid);
void fx_worker_die(uint32_t domid);
pid_t fx_worker_pid(uint32_t domid);
/* Whether the process of that number is there and no zombie. */
bool fx_process_lives(pid_t pid);

/* The port executor that was started last, and its end of the worker's socket. */
unsigned int fx_nr_executors(void);
pid_t fx_executor_pid(void);
int fx_executor_socket(void);
const struct ioport_range *fx_executor_ports(void);

/* Interrupts: whether Xen gives none, and how many are lent. */
void fx_refuse_irqs(bool refuse);
unsigned int fx_irqs_lent(void);

/* All of it: attach, connect, until both sides are Connected. */
uint32_t fx_connected(uint32_t domid, const char *stanza);

#endif /* TESTS_SUPERVISOR_FIXTURE_H */
