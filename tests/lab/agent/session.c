// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Server side of one command: start it, carry its three streams, report its
 * exit status. Runs in a process of its own, one per connection.
 *
 * When the client goes away first, the command's process group is killed:
 * a test that gives up leaves nothing behind in the guest.
 *
 * The command's output ends with the command, not with end of file: a daemon
 * that it left behind and that still holds the pipe does not keep the client
 * waiting. What was written before the exit is always delivered.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define ARGS_MAX	4096
#define LINGER_MS	300	/* for a pipe reader such as tee that ends a bit later */
#define KILL_GRACE_MS	2000	/* between SIGTERM and SIGKILL */

struct session {
	int		conn;
	pid_t		pid;
	int		pidfd;
	int		in;	/* write end of the command's stdin, or -1 */
	int		out;	/* read ends, or -1 after end of file */
	int		err;
	int		tty;
	int		exited;
	int		eof;	/* the client's stdin has ended */
	struct frame_in	frame;
	size_t		taken;	/* bytes of a stdin frame the command has taken */
	int		holding;	/* 'frame' is a stdin frame not yet all taken */
};

static void command_exec(char **argv)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/root") != 0 && chdir("/") != 0)
		_exit(126);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void command_start_pty(struct session *s, const struct argv_head *head,
			      char **argv)
{
	struct winsize ws = { .ws_row = head->rows, .ws_col = head->cols };
	int master;

	s->pid = forkpty(&master, NULL, NULL, &ws);
	if (s->pid < 0)
		die("forkpty: %s", strerror(errno));
	if (s->pid == 0)
		command_exec(argv);
	s->in = s->out = master;
	s->err = -1;
}

static void command_start_pipes(struct session *s, char **argv)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	s->pid = fork();
	if (s->pid < 0)
		die("fork: %s", strerror(errno));
	if (s->pid == 0) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		command_exec(argv);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	s->in = in[1];
	s->out = out[0];
	s->err = err[0];
	set_nonblocking(s->err);
}

static void command_start(struct session *s)
{
	char *argv[ARGS_MAX + 1], *p, *end;
	struct argv_head head;
	int n = 0;

	if (s->frame.head.type != FRAME_ARGV ||
	    s->frame.head.len <= sizeof(head))
		die("the first frame is not a command");
	end = s->frame.data + s->frame.head.len;
	if (end[-1] != '\0')
		die("unterminated argument");
	memcpy(&head, s->frame.data, sizeof(head));
	for (p = s->frame.data + sizeof(head); p < end && n < ARGS_MAX;
	     p += strlen(p) + 1)
		argv[n++] = p;
	argv[n] = NULL;

	s->tty = head.tty;
	if (s->tty)
		command_start_pty(s, &head, argv);
	else
		command_start_pipes(s, argv);
	set_nonblocking(s->in);
	set_nonblocking(s->out);
	s->pidfd = syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd < 0)
		die("pidfd_open: %s", strerror(errno));
}

static void command_kill(struct session *s)
{
	struct pollfd pfd = { .fd = s->pidfd, .events = POLLIN };

	if (s->exited)
		return;
	kill(-s->pid, SIGTERM);
	if (poll(&pfd, 1, KILL_GRACE_MS) == 0)
		kill(-s->pid, SIGKILL);
}

/* Pass on what there is; closes *fd at end of file. Returns bytes moved. */
static int pump(struct session *s, int *fd, enum frame_type type)
{
	char buf[FRAME_MAX];
	ssize_t n;

	if (*fd < 0)
		return 0;
	n = read(*fd, buf, sizeof(buf));
	if (n > 0) {
		if (frame_send(s->conn, type, buf, n) != 0) {
			command_kill(s);
			exit(0);
		}
		return n;
	}
	/* A pseudo terminal whose last user is gone says EIO. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (!s->tty)
			close(*fd);
		*fd = -1;
	}
	return 0;
}

static void stdin_close(struct session *s)
{
	if (s->in >= 0 && !s->tty)
		close(s->in);
	s->in = -1;
}

static void stdin_feed(struct session *s)
{
	while (s->holding) {
		ssize_t n;

		if (s->in < 0 || s->taken == s->frame.head.len) {
			s->holding = 0;
			s->frame.have = 0;
			return;
		}
		n = write(s->in, s->frame.data + s->taken,
			  s->frame.head.len - s->taken);
		if (n > 0)
			s->taken += n;
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n < 0 && errno != EINTR)
			stdin_close(s);
	}
}

/* Frames of the client; false when it is gone. */
static int client_serve(struct session *s)
{
	while (!s->holding) {
		int got = frame_receive(s->conn, &s->frame);

		if (got < 0)
			return 0;
		if (got == 0)
			return 1;
		if (s->frame.head.type == FRAME_WINSIZE && s->tty && s->in >= 0) {
			uint16_t size[2];
			struct winsize ws = { 0 };

			memcpy(size, s->frame.data, sizeof(size));
			ws.ws_row = size[0];
			ws.ws_col = size[1];
			ioctl(s->in, TIOCSWINSZ, &ws);
		}
		if (s->frame.head.type == FRAME_STDIN) {
			if (s->frame.head.len) {
				s->holding = 1;
				s->taken = 0;
				stdin_feed(s);
				continue;
			}
			stdin_close(s);
		}
		s->frame.have = 0;
	}
	return 1;
}

static uint32_t command_status(struct session *s)
{
	int status;

	if (waitpid(s->pid, &status, 0) < 0)
		return 255;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static void streams_carry(struct session *s)
{
	for (;;) {
		struct pollfd p[] = {
			{ s->conn, s->holding ? POLLRDHUP : POLLIN | POLLRDHUP, 0 },
			{ s->out, POLLIN, 0 },
			{ s->err, POLLIN, 0 },
			{ s->exited ? -1 : s->pidfd, POLLIN, 0 },
			{ s->holding ? s->in : -1, POLLOUT, 0 },
		};
		int n = poll(p, 5, s->exited ? LINGER_MS : -1);

		if (n < 0 && errno == EINTR)
			continue;
		if (p[1].revents)
			pump(s, &s->out, FRAME_STDOUT);
		if (p[2].revents)
			pump(s, &s->err, FRAME_STDERR);
		if (p[3].revents)
			s->exited = 1;
		if (s->exited && (n == 0 || (s->out < 0 && s->err < 0)))
			return;
		if (p[4].revents)
			stdin_feed(s);
		if (p[0].revents & (POLLHUP | POLLERR | POLLRDHUP) ||
		    (p[0].revents & POLLIN && !client_serve(s))) {
			command_kill(s);
			exit(0);
		}
	}
}

void session_run(int conn)
{
	static struct session s;
	uint32_t status;
	int got;

	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	fcntl(conn, F_SETFD, FD_CLOEXEC);
	set_nonblocking(conn);
	s.conn = conn;
	while ((got = frame_receive(conn, &s.frame)) == 0) {
		struct pollfd pfd = { .fd = conn, .events = POLLIN };

		poll(&pfd, 1, -1);
		if (pfd.revents & POLLERR)
			exit(0);
	}
	if (got < 0)
		exit(0);	/* a mere probe */
	command_start(&s);
	s.frame.have = 0;
	streams_carry(&s);
	status = command_status(&s);
	frame_send(conn, FRAME_EXIT, &status, sizeof(status));
	exit(0);
}
