/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipc-send.c - a message between supervisor and worker; see ipc-send.h.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/ipc-send.h"

bool ipc_send(int socket, const struct vsys_ipc *msg, int fd, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)msg, sizeof(*msg) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &m, flags) == (ssize_t)sizeof(*msg);
}
