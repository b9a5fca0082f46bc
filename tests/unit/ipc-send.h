/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipc-send.h - a message between supervisor and worker, with a descriptor or none,
 * as the other side of what a test looks at.
 */
#ifndef TESTS_IPC_SEND_H
#define TESTS_IPC_SEND_H

#include <stdbool.h>

#include "xen-backend/ipc.h"

/* fd may be -1; it stays open here.  flags are those of sendmsg(2).  False: see errno. */
bool ipc_send(int socket, const struct vsys_ipc *msg, int fd, int flags);

#endif /* TESTS_IPC_SEND_H */
