// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * transport.c - in the place of transport-xen.c: the guest is another process.
 *
 * Where /dev/xen would be opened, the bench is asked for the guest's memory and event
 * channels, on a socket beside the name under which this program was started.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/growth/growth.h"
#include "xen-backend/log.h"
#include "xen-backend/worker/transport-loop.h"

enum { MEMORY, EVENTS, UPCALL, NR_FDS };

static int ask(int socket, uint32_t domid, int fd[NR_FDS])
{
	char control[CMSG_SPACE(NR_FDS * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { &domid, sizeof(domid) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	if (send(socket, &domid, sizeof(domid), 0) < 0 ||
	    recvmsg(socket, &h, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&h);
	if (!c || c->cmsg_len != CMSG_LEN(NR_FDS * sizeof(int)))
		return -ENXIO;
	memcpy(fd, CMSG_DATA(c), NR_FDS * sizeof(int));
	return 0;
}

struct transport *transport_xen_open(uint32_t domid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd[NR_FDS], err = 0;
	const char *name = program_invocation_name, *end = strrchr(name, '/');
	struct transport_loop *t;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.*s/" GROWTH_MACHINE,
		 end ? (int)(end - name) : 1, end ? name : ".");
	if (s < 0 || connect(s, (void *)&addr, sizeof(addr)))
		err = -errno;
	if (!err)
		err = ask(s, domid, fd);
	if (s >= 0)
		close(s);
	t = err ? NULL : transport_loop_attach(domid, fd[MEMORY], fd[EVENTS], fd[UPCALL]);
	if (t)
		return &t->base;
	log_err("no memory of domain %u: %s", domid, strerror(err ? -err : errno));
	return NULL;
}
