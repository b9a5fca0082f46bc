// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - messages between this worker and its supervisor, through the ring.
 *
 * The number of messages that wait is bounded by what causes them: one for each
 * OPEN in flight, a few for each message of the supervisor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log.h"
#include "container.h"
#include "link.h"

struct link_message {
	STAILQ_ENTRY(link_message) next;
	struct vsys_ipc msg;
};

static void link_receive(struct link *l)
{
	struct io_uring_sqe *sqe = uring_get(l->uring);

	if (!sqe) {
		l->broken(l);
		return;
	}
	l->iov.iov_base = &l->in;
	l->iov.iov_len = sizeof(l->in);
	memset(&l->header, 0, sizeof(l->header));
	l->header.msg_iov = &l->iov;
	l->header.msg_iovlen = 1;
	l->header.msg_control = l->control;
	l->header.msg_controllen = sizeof(l->control);
	io_uring_prep_recvmsg(sqe, l->fd, &l->header, MSG_CMSG_CLOEXEC);
	uring_own(sqe, &l->recv_call);
	l->receiving = true;
}

static int passed_fd(struct msghdr *header)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void recv_done(struct uring_call *call, int res)
{
	struct link *l = container_of(call, struct link, recv_call);
	int fd;

	l->receiving = false;
	if (res == -ECANCELED)
		return;
	if (res == -EINTR || res == -EAGAIN) {
		link_receive(l);
		return;
	}
	fd = res > 0 ? passed_fd(&l->header) : -1;
	if (res != (int)sizeof(l->in)) {
		if (res > 0)
			log_err("a message of %d bytes from the supervisor", res);
		if (fd >= 0)
			close(fd);
		l->broken(l);
		return;
	}
	l->received(l, &l->in, fd);
	link_receive(l);
}

static void link_send_next(struct link *l)
{
	struct link_message *m = STAILQ_FIRST(&l->out);
	struct io_uring_sqe *sqe;

	if (!m || l->sending || l->ends)
		return;
	sqe = uring_get(l->uring);
	if (!sqe) {
		l->broken(l);
		return;
	}
	io_uring_prep_write(sqe, l->fd, &m->msg, sizeof(m->msg), 0);
	uring_own(sqe, &l->send_call);
	l->sending = true;
}

static void send_done(struct uring_call *call, int res)
{
	struct link *l = container_of(call, struct link, send_call);
	struct link_message *m = STAILQ_FIRST(&l->out);

	l->sending = false;
	if (res == -ECANCELED)
		return;
	if (res != -EINTR && res != -EAGAIN) {
		STAILQ_REMOVE_HEAD(&l->out, next);
		free(m);
		if (res < 0) {
			l->broken(l);
			return;
		}
	}
	link_send_next(l);
}

void link_send(struct link *l, const struct vsys_ipc *msg)
{
	struct link_message *m = malloc(sizeof(*m));

	if (!m) {
		log_err("out of memory for a message to the supervisor");
		l->broken(l);
		return;
	}
	m->msg = *msg;
	STAILQ_INSERT_TAIL(&l->out, m, next);
	link_send_next(l);
}

void link_init(struct link *l, struct uring *u, int fd,
	       void (*received)(struct link *, const struct vsys_ipc *, int),
	       void (*broken)(struct link *))
{
	memset(l, 0, sizeof(*l));
	l->uring = u;
	l->fd = fd;
	l->received = received;
	l->broken = broken;
	l->recv_call.done = recv_done;
	l->send_call.done = send_done;
	STAILQ_INIT(&l->out);
	link_receive(l);
}

void link_exit(struct link *l)
{
	struct link_message *m;

	l->ends = true;
	if (l->receiving)
		uring_cancel(l->uring, &l->recv_call);
	if (l->sending)
		uring_cancel(l->uring, &l->send_call);
	while ((l->receiving || l->sending) && uring_run(l->uring, true, 1000) == 0)
		;
	while ((m = STAILQ_FIRST(&l->out))) {
		STAILQ_REMOVE_HEAD(&l->out, next);
		free(m);
	}
}
