// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames over a non-blocking descriptor, and the few helpers both ends use.
 *
 * Invariant: frame_receive() never blocks and never loses a partial frame;
 * write_all() waits until the peer takes the data and fails if the peer is
 * gone, which on a virtio-serial port shows as POLLHUP only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("lab-agent: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(255);
}

long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/*
 * A destroyed guest sends no FIN. Keepalive finds that out; the limit is far
 * above what a busy emulated guest takes to answer.
 */
void tune_tcp(int fd)
{
	int on = 1, idle = 10, interval = 5, count = 8, unacked_ms = 60000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms,
		   sizeof(unacked_ms));
}

int write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		ssize_t n = write(fd, p, len);

		if (n > 0) {
			p += n;
			len -= n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		poll(&pfd, 1, -1);
		if (pfd.revents & (POLLHUP | POLLERR | POLLNVAL))
			return -EPIPE;
	}
	return 0;
}

int frame_send(int fd, enum frame_type type, const void *data, size_t len)
{
	struct frame_head head = { .type = type, .len = len };
	char whole[sizeof(head) + FRAME_MAX];

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	/* One write, so that a small frame is one packet. */
	__builtin_memcpy(whole, &head, sizeof(head));
	if (len)
		__builtin_memcpy(whole + sizeof(head), data, len);
	return write_all(fd, whole, sizeof(head) + len);
}

/*
 * Returns 1 with a whole frame, 0 when more must arrive first, a negative
 * errno when the peer is gone or talks nonsense. The caller takes the frame
 * and resets in->have.
 */
int frame_receive(int fd, struct frame_in *in)
{
	for (;;) {
		size_t want = sizeof(in->head);
		char *to = (char *)&in->head + in->have;
		ssize_t n;

		if (in->have >= sizeof(in->head)) {
			if (in->head.len > FRAME_MAX)
				return -EPROTO;
			want += in->head.len;
			if (in->have == want)
				return 1;
			to = in->data + (in->have - sizeof(in->head));
		}
		n = read(fd, to, want - in->have);
		if (n > 0)
			in->have += n;
		else if (n == 0)
			return -EPIPE;
		else if (errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
}
