/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker-exec.h - what the processes of workers and port executors start with.
 *
 * Tests put something else in its place and play both themselves.
 */
#ifndef VSYS_WORKER_EXEC_H
#define VSYS_WORKER_EXEC_H

#include <stdint.h>
#include <sys/types.h>

#include "ioport.h"

/*
 * socket becomes descriptor VSYS_IPC_FD.  Of its capabilities the worker gives up
 * all but caps, by itself.  0 or a negative errno.
 */
int worker_exec(const char *program, uint32_t domid, uint64_t caps, int socket, pid_t *pid);

/* The same, with the ports that it is to get. */
int ports_exec(const char *program, uint32_t domid, const struct ioport_range *ports, int socket,
	       pid_t *pid);

#endif /* VSYS_WORKER_EXEC_H */
