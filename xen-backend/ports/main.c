// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vsys-ports - the port executor: I/O ports that are lent to a guest.
 *
 * Started by xen-vsysd, never by hand, for a device of class "ports" while its guest
 * is connected: xen-vsys-ports DOMID FIRST LAST, with descriptor 3 connected to the
 * domain's worker.  It gets these ports from the kernel, gives up all else, and
 * carries out what arrives (batch.h), until the worker closes its end.
 *
 * It deliberately does not: open, map or share anything, wait for interrupts, or
 * know what device it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../ioport.h"
#include "../ipc.h"
#include "../log.h"
#include "batch.h"
#include "confine.h"
#include "native.h"

static int parse(const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	return *text < '0' || *text > '9' || *end || errno || *value > most ? -1 : 0;
}

int main(int argc, char **argv)
{
	unsigned long domid, first, last;
	struct ioport_range range;
	struct fault f;
	char jail[64];

	if (argc != 4 || parse(argv[1], 0x7fef, &domid) || parse(argv[2], 0xffff, &first) ||
	    parse(argv[3], 0xffff, &last) || fcntl(VSYS_IPC_FD, F_GETFD) < 0) {
		fprintf(stderr, "usage: xen-vsys-ports DOMID FIRST LAST (started by xen-vsysd)\n");
		return 2;
	}
	log_init_from_environment("xen-vsys-ports");
	range.first = first;
	range.last = last;
	if (ioport_check(&range, &f)) {
		log_err("%s", f.text);
		return 2;
	}
	/* A worker that ends is told by its descriptor. */
	signal(SIGPIPE, SIG_IGN);
	snprintf(jail, sizeof(jail), "%s/%lu", VSYS_JAIL_DIR, domid);
	if (confine_take_ports(first, last) || confine_drop(jail, domid) ||
	    confine_close(VSYS_IPC_FD))
		return 1;
	/* Nothing of the C library's is left to be done, or could be. */
	_exit(ports_serve(VSYS_IPC_FD, first, last, &native_ports) ? 3 : 0);
}
