/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - messages between this worker and its supervisor (../ipc.h).
 *
 * Sending never blocks and keeps the order; receiving calls back.
 */
#ifndef VSYS_LINK_H
#define VSYS_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "../ipc.h"
#include "uring.h"

struct link_message;
STAILQ_HEAD(link_messages, link_message);

struct link {
	struct uring *uring;
	int fd;
	/* fd is -1 unless a descriptor came along; it then is the callee's. */
	void (*received)(struct link *l, const struct vsys_ipc *msg, int fd);
	void (*broken)(struct link *l);		/* the supervisor is gone */

	struct uring_call recv_call, send_call;
	bool receiving, sending, ends;
	struct vsys_ipc in;
	struct msghdr header;
	struct iovec iov;
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct link_messages out;
};

void link_init(struct link *l, struct uring *u, int fd,
	       void (*received)(struct link *, const struct vsys_ipc *, int),
	       void (*broken)(struct link *));
void link_exit(struct link *l);

/* A cleared message with type and device, to be filled and sent. */
void link_send(struct link *l, const struct vsys_ipc *msg);

#endif /* VSYS_LINK_H */
