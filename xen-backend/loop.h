/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - the supervisor's one event loop: descriptors, timers, opens.
 *
 * Everything runs in one thread; a callback runs to its end before the next.
 * A callback may end the watch, timer or operation of anybody, itself included,
 * and free what it belonged to: nothing that was ended is called any more.
 */
#ifndef VSYS_LOOP_H
#define VSYS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Until loop_stop(), or a negative errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/*
 * One turn: waits for at most that long (-1: no limit), serves one descriptor
 * and the timers that are due.  1: it did something, 0: it did not.
 */
int loop_turn(struct loop *loop, int timeout_ms);

/* Called after each turn. */
void loop_set_turn_end(struct loop *loop, void (*fn)(void *arg), void *arg);

/* A descriptor, level triggered. */
struct loop_fd {
	int fd;
	void (*ready)(void *arg, uint32_t events);	/* EPOLLIN, ... */
	void *arg;
};

int loop_fd_add(struct loop *loop, struct loop_fd *f, uint32_t events);
void loop_fd_change(struct loop *loop, struct loop_fd *f, uint32_t events);
void loop_fd_remove(struct loop *loop, struct loop_fd *f);

/* A timer, one shot; setting it again moves it.  Zeroed memory is "not set". */
struct loop_timer {
	TAILQ_ENTRY(loop_timer) link;
	int64_t deadline;
	bool set;
	void (*fire)(void *arg);
	void *arg;
};

void loop_timer_set(struct loop *loop, struct loop_timer *t, int ms,
		    void (*fire)(void *arg), void *arg);
void loop_timer_clear(struct loop *loop, struct loop_timer *t);

int64_t loop_now_ms(void);
/* For tests: lets so much time pass at once. */
void loop_skip_ms(int ms);

/*
 * open(2) that never blocks the loop.  The operation stays in the loop's hands
 * until done() has been called with a descriptor or a negative errno; it is
 * called once, also after loop_open_cancel().
 */
struct loop_open {
	void (*done)(struct loop_open *op, int result);
};

int loop_open_start(struct loop *loop, struct loop_open *op, const char *path, int flags);
void loop_open_cancel(struct loop *loop, struct loop_open *op);
/* How many opens may block at the same time. */
void loop_open_limit(struct loop *loop, unsigned int nr);

/* close(2) elsewhere: that of a device may wait until a line is drained. */
void loop_close(struct loop *loop, int fd);

#endif /* VSYS_LOOP_H */
