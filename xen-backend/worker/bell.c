// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bell.c - watching an eventfd; see bell.h.
 *
 * A poll that goes on (IORING_POLL_ADD_MULTI) tells of each time that it is rung, not of
 * the count being above zero.  The count only grows: by ones, so that with a job each
 * microsecond it would be full after half a million years.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../log.h"
#include "bell.h"
#include "container.h"

static void bell_done(struct uring_call *call, int res)
{
	struct bell *b = container_of(call, struct bell, call);

	b->watched = b->uring->more;
	if (res == -ECANCELED)
		return;
	if (res < 0)
		log_err("watching an eventfd: %s", strerror(-res));
	/* The kernel ends it where it has no room for a completion. */
	if (!b->watched && !b->ends)
		bell_watch(b, b->uring);
	b->rung(b);
}

int bell_make(struct bell *b, void (*rung)(struct bell *b))
{
	memset(b, 0, sizeof(*b));
	b->rung = rung;
	b->call.done = bell_done;
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return b->fd < 0 ? -errno : 0;
}

void bell_watch(struct bell *b, struct uring *u)
{
	struct io_uring_sqe *sqe = uring_get(u);

	b->uring = u;
	if (!sqe) {
		log_err("out of memory for io_uring");
		return;
	}
	io_uring_prep_poll_multishot(sqe, b->fd, POLLIN);
	uring_own(sqe, &b->call);
	b->watched = true;
}

void bell_exit(struct bell *b)
{
	b->ends = true;
	if (b->watched)
		uring_cancel(b->uring, &b->call);
	while (b->watched && uring_run(b->uring, true, 1000) == 0)
		;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}
