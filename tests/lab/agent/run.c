// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Client: runs one command at the other end as if it ran here.
 *
 * Never blocks on the connection while the server may be waiting for it to
 * read: standard input is taken only when the last of it is on its way, so
 * the two ends cannot wait for each other.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"

#define ATTEMPT_MS	250	/* a lost SYN is tried again by us, not by TCP's second */

static struct termios terminal;
static int terminal_raw;
static volatile sig_atomic_t resized;

static void terminal_restore(void)
{
	if (terminal_raw)
		tcsetattr(0, TCSADRAIN, &terminal);
}

static void on_signal(int sig)
{
	terminal_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

static void terminal_set_raw(void)
{
	struct termios raw;

	if (tcgetattr(0, &terminal) != 0)
		die("standard input is not a terminal");
	raw = terminal;
	cfmakeraw(&raw);
	terminal_raw = 1;
	atexit(terminal_restore);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	signal(SIGWINCH, on_resize);
	tcsetattr(0, TCSADRAIN, &raw);
}

static int try_connect(const struct sockaddr *addr, socklen_t len)
{
	int error = 0, s = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
				  SOCK_CLOEXEC, 0);
	struct pollfd pfd = { .fd = s, .events = POLLOUT };
	socklen_t size = sizeof(error);

	if (s < 0)
		return -errno;
	if (connect(s, addr, len) == 0)
		return s;
	error = errno;
	if (error == EINPROGRESS) {
		error = ETIMEDOUT;
		if (poll(&pfd, 1, ATTEMPT_MS) == 1)
			getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error == 0)
			return s;
	}
	close(s);
	return -error;
}

static int connect_to(const char *where, double seconds)
{
	long long limit = now_ms() + (long long)(seconds * 1000);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const struct sockaddr *addr;
	socklen_t len;
	int s;

	if (!strncmp(where, "unix:", 5) &&
	    strlen(where + 5) < sizeof(un.sun_path)) {
		strcpy(un.sun_path, where + 5);
		addr = (struct sockaddr *)&un;
		len = sizeof(un);
	} else if (!strncmp(where, "tcp:", 4) && strrchr(where + 4, ':')) {
		char *host = strdup(where + 4), *port = strrchr(host, ':');

		*port++ = '\0';
		in.sin_port = htons(atoi(port));
		if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
			die("%s is not an IPv4 address", host);
		free(host);
		addr = (struct sockaddr *)&in;
		len = sizeof(in);
	} else {
		die("%s is neither tcp:ADDRESS:PORT nor unix:PATH", where);
	}
	while ((s = try_connect(addr, len)) < 0) {
		if (now_ms() > limit)
			die("%s does not answer: %s", where, strerror(-s));
		if (s != -ETIMEDOUT)
			usleep(50000);
	}
	if (addr == (struct sockaddr *)&in)
		tune_tcp(s);
	return s;
}

static void argv_send(int conn, int tty, char **argv)
{
	char buf[FRAME_MAX];
	struct argv_head head = { .tty = tty };
	struct winsize ws;
	size_t len = sizeof(head);

	if (tty && ioctl(0, TIOCGWINSZ, &ws) == 0) {
		head.rows = ws.ws_row;
		head.cols = ws.ws_col;
	}
	memcpy(buf, &head, sizeof(head));
	for (; *argv; argv++) {
		size_t n = strlen(*argv) + 1;

		if (n > sizeof(buf) - len)
			die("the command is longer than %d bytes", FRAME_MAX);
		memcpy(buf + len, *argv, n);
		len += n;
	}
	if (frame_send(conn, FRAME_ARGV, buf, len) != 0)
		die("the connection broke");
}

static void winsize_send(int conn)
{
	struct winsize ws;
	uint16_t size[2];

	resized = 0;
	if (ioctl(0, TIOCGWINSZ, &ws) != 0)
		return;
	size[0] = ws.ws_row;
	size[1] = ws.ws_col;
	frame_send(conn, FRAME_WINSIZE, size, sizeof(size));
}

/* Standard input on its way: one frame that the socket has not all taken. */
struct pending {
	char	data[sizeof(struct frame_head) + FRAME_MAX / 2];
	size_t	len;
	size_t	sent;
};

static void pending_fill(struct pending *p, int *in)
{
	struct frame_head head = { .type = FRAME_STDIN };
	ssize_t n = *in < 0 ? 0 : read(*in, p->data + sizeof(head),
				       sizeof(p->data) - sizeof(head));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		n = 0;
		*in = -1;
	}
	head.len = n;
	memcpy(p->data, &head, sizeof(head));
	p->len = sizeof(head) + n;
	p->sent = 0;
}

static void pending_flush(struct pending *p, int conn)
{
	ssize_t n = write(conn, p->data + p->sent, p->len - p->sent);

	if (n > 0)
		p->sent += n;
	/* An error shows on the reading side too, after the last output. */
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->sent = p->len;
}

/* Everything the server has sent; returns the exit status or -1. */
static int output_take(int conn, struct frame_in *in)
{
	for (;;) {
		int got = frame_receive(conn, in);
		uint32_t status;

		if (got < 0)
			die("the connection broke: %s", strerror(-got));
		if (got == 0)
			return -1;
		switch (in->head.type) {
		case FRAME_STDOUT:
		case FRAME_STDERR:
			/* Output that nobody wants any more ends the command. */
			if (write_all(in->head.type == FRAME_STDOUT ? 1 : 2,
				      in->data, in->head.len) != 0)
				exit(128 + SIGPIPE);
			break;
		case FRAME_EXIT:
			memcpy(&status, in->data, sizeof(status));
			return status & 0xff;
		default:
			die("unknown frame");
		}
		in->have = 0;
	}
}

static int command_carry(int conn, int in, int tty)
{
	static struct frame_in frame;
	static struct pending pending;
	int status;

	/* No input at all is still an end of file to be told. */
	if (in < 0)
		pending_fill(&pending, &in);
	for (;;) {
		int full = pending.sent < pending.len;
		struct pollfd p[] = {
			{ conn, full ? POLLIN | POLLOUT : POLLIN, 0 },
			{ full ? -1 : in, POLLIN, 0 },
		};

		if (poll(p, 2, -1) < 0) {
			if (errno != EINTR)
				die("poll: %s", strerror(errno));
			if (resized && !full)
				winsize_send(conn);
			continue;
		}
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			/* Not before the command runs: until then ^C is ours. */
			if (tty && !terminal_raw)
				terminal_set_raw();
			status = output_take(conn, &frame);
			if (status >= 0)
				return status;
		}
		if (p[0].revents & POLLOUT)
			pending_flush(&pending, conn);
		if (p[1].revents)
			pending_fill(&pending, &in);
	}
}

static void status_write(const char *path, int status)
{
	FILE *f = fopen(path, "we");

	if (!f || fprintf(f, "%d\n", status) < 0 || fclose(f) != 0)
		die("%s: %s", path, strerror(errno));
}

int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "wait", required_argument, NULL, 'w' },
		{ "status", required_argument, NULL, 's' },
		{ "tty", no_argument, NULL, 't' },
		{ "no-stdin", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	const char *status_file = NULL;
	int opt, tty = 0, in = 0, conn, status;
	double seconds = 10;

	while ((opt = getopt_long(argc, argv, "+w:s:tn", options, NULL)) != -1) {
		switch (opt) {
		case 'w':
			seconds = atof(optarg);
			break;
		case 's':
			status_file = optarg;
			break;
		case 't':
			tty = 1;
			break;
		case 'n':
			in = -1;
			break;
		default:
			return 255;
		}
	}
	if (argc - optind < 2)
		die("usage: run [--wait S] [--status FILE] [--tty] [--no-stdin] WHERE COMMAND [ARGS]");
	if (!tty && isatty(0))
		in = -1;
	conn = connect_to(argv[optind], seconds);
	argv_send(conn, tty, argv + optind + 1);
	status = command_carry(conn, in, tty);
	if (status_file)
		status_write(status_file, status);
	return status;
}
