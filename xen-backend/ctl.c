// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl.c - the control socket: clients, lines, answers; see ctl.h.
 *
 * What the requests mean is in ctl-request.c.  A request that has to wait is
 * looked at again after each turn of the loop, so it holds no pointer to
 * anything that may go meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl-request.h"
#include "limits.h"
#include "log.h"
#include "supervisor.h"

struct client {
	LIST_ENTRY(client) link;
	struct ctl *ctl;
	struct loop_fd socket;
	char in[LIMIT_LINE];
	size_t in_len;
	char *out;
	size_t out_len, out_done;
	bool eof;		/* it will send no more */
	bool waiting;		/* for what the request needs */
	struct ctl_request request;
	struct loop_timer timer;
};

struct ctl {
	struct supervisor *sup;
	struct loop_fd socket;
	char path[108];
	LIST_HEAD(, client) clients;
	unsigned int nr_clients;
};

static void client_free(struct client *c)
{
	struct ctl *ctl = c->ctl;

	loop_timer_clear(ctl->sup->loop, &c->timer);
	loop_fd_remove(ctl->sup->loop, &c->socket);
	close(c->socket.fd);
	LIST_REMOVE(c, link);
	ctl->nr_clients--;
	free(c->out);
	free(c);
}

/* false: the client is gone. */
static bool client_flush(struct client *c)
{
	while (c->out_done < c->out_len) {
		ssize_t n = send(c->socket.fd, c->out + c->out_done,
				 c->out_len - c->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			client_free(c);
			return false;
		}
		c->out_done += n;
	}
	if (c->out_done == c->out_len) {
		free(c->out);
		c->out = NULL;
		c->out_len = c->out_done = 0;
	}
	return true;
}

/* Carries out what can be now.  false: it has to wait. */
static bool client_try(struct client *c)
{
	FILE *out = open_memstream(&c->out, &c->out_len);
	bool done = true;

	if (!out)
		return true;
	done = ctl_request_run(&c->request, c->ctl->sup, out);
	fclose(out);
	if (done)
		return true;
	free(c->out);
	c->out = NULL;
	c->out_len = 0;
	return false;
}

static bool client_take_line(struct client *c)
{
	char *end = memchr(c->in, '\n', c->in_len);
	size_t len;

	if (!end)
		return false;
	*end = '\0';
	len = end + 1 - c->in;
	ctl_request_init(&c->request, c->in);
	c->in_len -= len;
	memmove(c->in, end + 1, c->in_len);
	return true;
}

static void time_out(void *arg)
{
	struct client *c = arg;

	/* The end of the turn looks at it again. */
	c->request.late = true;
}

/* Goes on as far as possible.  false: the client is gone. */
static bool client_work(struct client *c)
{
	for (;;) {
		if (!client_flush(c))
			return false;
		if (c->out)
			break;
		if (!c->waiting && !client_take_line(c))
			break;
		if (!client_try(c)) {
			if (!c->waiting)
				loop_timer_set(c->ctl->sup->loop, &c->timer,
					       c->request.wait_ms, time_out, c);
			c->waiting = true;
			return true;
		}
		c->waiting = false;
		loop_timer_clear(c->ctl->sup->loop, &c->timer);
	}
	if (c->in_len == sizeof(c->in) || (c->eof && !c->out)) {
		client_free(c);
		return false;
	}
	loop_fd_change(c->ctl->sup->loop, &c->socket,
		       (c->eof ? 0 : EPOLLIN) | (c->out ? EPOLLOUT : 0));
	return true;
}

static void client_ready(void *arg, uint32_t events)
{
	struct client *c = arg;
	ssize_t n;

	if (events & (EPOLLERR | EPOLLHUP)) {
		client_free(c);
		return;
	}
	if ((events & EPOLLIN) && c->in_len < sizeof(c->in)) {
		n = recv(c->socket.fd, c->in + c->in_len, sizeof(c->in) - c->in_len,
			 MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN) {
			client_free(c);
			return;
		}
		if (n == 0)
			c->eof = true;
		else if (n > 0)
			c->in_len += n;
	}
	if (!c->waiting)
		client_work(c);
	else if (c->eof || c->in_len == sizeof(c->in))
		loop_fd_change(c->ctl->sup->loop, &c->socket, 0);
}

static void accept_ready(void *arg, uint32_t events)
{
	struct ctl *ctl = arg;
	int fd = accept4(ctl->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	(void)events;
	if (fd < 0)
		return;
	c = ctl->nr_clients < LIMIT_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->ctl = ctl;
	c->socket.fd = fd;
	c->socket.ready = client_ready;
	c->socket.arg = c;
	LIST_INSERT_HEAD(&ctl->clients, c, link);
	ctl->nr_clients++;
	loop_fd_add(ctl->sup->loop, &c->socket, EPOLLIN);
}

static void turn_end(void *arg)
{
	struct ctl *ctl = arg;
	struct client *c, *next;

	for (c = LIST_FIRST(&ctl->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->waiting)
			client_work(c);
	}
}

static int listen_at(struct ctl *ctl, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t old;
	int err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	strcpy(ctl->path, path);
	ctl->socket.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->socket.fd < 0)
		return -errno;
	/* The lock says that nobody uses a socket that is there. */
	unlink(path);
	old = umask(0177);
	err = bind(ctl->socket.fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	umask(old);
	if (!err && listen(ctl->socket.fd, LIMIT_CLIENTS))
		err = -errno;
	if (!err)
		err = loop_fd_add(ctl->sup->loop, &ctl->socket, EPOLLIN);
	if (err)
		close(ctl->socket.fd);
	return err;
}

struct ctl *ctl_new(struct supervisor *sup, const char *path)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	int err = -ENOMEM;

	if (ctl) {
		ctl->sup = sup;
		ctl->socket.ready = accept_ready;
		ctl->socket.arg = ctl;
		LIST_INIT(&ctl->clients);
		err = listen_at(ctl, path);
	}
	if (err) {
		log_err("%s: %s", path, strerror(-err));
		free(ctl);
		return NULL;
	}
	loop_set_turn_end(sup->loop, turn_end, ctl);
	return ctl;
}

void ctl_free(struct ctl *ctl)
{
	struct client *c;

	loop_set_turn_end(ctl->sup->loop, NULL, NULL);
	while ((c = LIST_FIRST(&ctl->clients)))
		client_free(c);
	loop_fd_remove(ctl->sup->loop, &ctl->socket);
	close(ctl->socket.fd);
	unlink(ctl->path);
	free(ctl);
}
