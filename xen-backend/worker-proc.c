// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker-proc.c - starts, hears and ends workers; see worker-proc.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "limits.h"
#include "log.h"
#include "open.h"
#include "pins.h"
#include "share.h"
#include "supervisor.h"
#include "worker-exec.h"

/* Room for all that may be on its way to a worker that is slow. */
#define WORKER_SOCKET_BUFFER (1 << 20)

static void close_socket(struct worker *w)
{
	if (w->socket.fd < 0)
		return;
	loop_fd_remove(w->sup->loop, &w->socket);
	close(w->socket.fd);
	w->socket.fd = -1;
}

static void force_exit(void *arg)
{
	struct worker *w = arg;

	log_warn("worker of domain %u: ended by force", w->domid);
	kill(w->pid, SIGKILL);
}

void worker_release(struct worker *w)
{
	w->domain = NULL;
	close_socket(w);
	if (!w->kill_timer.set)
		loop_timer_set(w->sup->loop, &w->kill_timer, LIMIT_EXIT_MS, force_exit, w);
}

void worker_kill(struct worker *w, const char *fmt, ...)
{
	char text[FAULT_SIZE];
	va_list ap;

	if (w->killed)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("worker of domain %u is ended: %s", w->domid, text);
	w->killed = true;
	kill(w->pid, SIGKILL);
	/* What follows from it happens when the process is seen to end. */
}

/* --- what it says ----------------------------------------------------- */

static bool reason_is_terminated(const struct vsys_ipc *msg)
{
	return memchr(msg->u.failed.reason, '\0', sizeof(msg->u.failed.reason));
}

static void take_counters(struct device *d, const struct vsys_ipc *msg)
{
	if (d && d->stats_asked)
		d->counters = msg->u.counters;
	if (d)
		d->stats_asked = false;
}

static void take_closed(struct device *d, const struct vsys_ipc *msg)
{
	if (d && msg->u.open.era == d->era)
		share_closed(d, 1);
}

/* false: this message cannot be. */
static bool handle(struct device *d, const struct vsys_ipc *msg)
{
	switch (msg->type) {
	case IPC_UP:
		return device_up(d);
	case IPC_DOWN:
		return device_down(d);
	case IPC_FAILED:
		return reason_is_terminated(msg) &&
		       device_worker_failed(d, msg->u.failed.reason);
	case IPC_OPEN:
		open_start(d, msg->u.open.cookie, msg->u.open.oflags);
		return true;
	case IPC_OPEN_CANCEL:
		open_cancel(d, msg->u.open.cookie);
		return true;
	}
	return false;
}

/* Each count disturbs all CPUs: who asks too often gets the last one again. */
static void count_pins(struct worker *w, const struct vsys_ipc *question)
{
	struct vsys_ipc msg = { .type = IPC_PINS };
	int64_t now = loop_now_ms();

	if (now >= w->pins_since + LIMIT_PINS_MS) {
		w->pins_since = now;
		w->nr_pins = 0;
	}
	if (w->nr_pins < LIMIT_PINS) {
		w->nr_pins++;
		w->pins = pins_count();
	}
	msg.u.pins.cookie = question->u.pins.cookie;
	msg.u.pins.count = w->pins;
	worker_send(w, &msg, -1);
}

/* 1: took a message; 0: there is none; -1: there will be none. */
static int take_message(struct worker *w)
{
	struct vsys_ipc msg;
	struct device *d;
	ssize_t len;

	/* Without a control buffer the kernel drops descriptors that come along. */
	len = recv(w->socket.fd, &msg, sizeof(msg), MSG_DONTWAIT | MSG_TRUNC);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (len == 0)
		return -1;
	if (len != sizeof(msg)) {
		worker_kill(w, "it sent a message of %zd bytes", len);
		return -1;
	}
	d = domain_device(w->domain, msg.devid);
	if (msg.type == IPC_PINS) {
		count_pins(w, &msg);
		return 1;
	}
	/* The question and the end of a device may have crossed. */
	if (msg.type == IPC_COUNTERS)
		take_counters(d, &msg);
	else if (msg.type == IPC_CLOSED)
		take_closed(d, &msg);
	else if (!d || !device_is_active(d))
		worker_kill(w, "it spoke of device %u, which it does not have", msg.devid);
	else if (!handle(d, &msg))
		worker_kill(w, "it sent a message of type %u in the wrong place", msg.type);
	return 1;
}

/*
 * A message may end with the worker released or killed, so the state is looked
 * at after each one.
 */
static void take_messages(struct worker *w, unsigned int most)
{
	while (most-- && w->domain && !w->killed && w->socket.fd >= 0) {
		int taken = take_message(w);

		if (taken == 0)
			return;
		if (taken < 0 && w->socket.fd >= 0) {
			/* Closed: its end is near, and will be reported. */
			close_socket(w);
			if (!w->kill_timer.set)
				loop_timer_set(w->sup->loop, &w->kill_timer, LIMIT_EXIT_MS,
					       force_exit, w);
		}
	}
	if (w->killed)
		close_socket(w);
}

static void socket_ready(void *arg, uint32_t events)
{
	(void)events;
	take_messages(arg, LIMIT_WORKER_BURST);
}

void worker_send(struct worker *w, const struct vsys_ipc *msg, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = sizeof(*msg) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (w->killed || w->socket.fd < 0)
		return;
	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	if (sendmsg(w->socket.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return;
	if (errno == EAGAIN)
		worker_kill(w, "it does not read its messages");
	else if (errno != EPIPE && errno != ECONNRESET)
		worker_kill(w, "it cannot be told anything: %s", strerror(errno));
}

/* --- its beginning and end -------------------------------------------- */

static void describe_end(const siginfo_t *info, char *text, size_t size)
{
	if (info->si_code == CLD_EXITED)
		snprintf(text, size, "exited with status %d", info->si_status);
	else
		snprintf(text, size, "was ended by signal %d (%s)", info->si_status,
			 strsignal(info->si_status));
}

static void worker_ended(void *arg, uint32_t events)
{
	struct worker *w = arg;
	siginfo_t info = { 0 };
	struct domain *dom;
	char how[128];

	(void)events;
	/* The last words may say why. */
	take_messages(w, LIMIT_OPENS + LIMIT_DEVICES);
	if (waitid(P_PIDFD, w->exit.fd, &info, WEXITED | WNOHANG))
		snprintf(how, sizeof(how), "ended");
	else if (info.si_pid)
		describe_end(&info, how, sizeof(how));
	else
		return;
	dom = w->domain;
	loop_timer_clear(w->sup->loop, &w->kill_timer);
	close_socket(w);
	loop_fd_remove(w->sup->loop, &w->exit);
	close(w->exit.fd);
	LIST_REMOVE(w, link);
	free(w);
	if (dom) {
		dom->worker = NULL;
		domain_worker_died(dom, how);
	}
}

static int start(struct worker *w, struct fault *f)
{
	int pair[2], size = WORKER_SOCKET_BUFFER, err;

	err = jail_make(w->sup->jail_path, w->domid);
	if (err)
		return fault(f, err, "worker: a directory for it cannot be made in %s: %s",
			     w->sup->jail_path, strerror(-err));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fault(f, -errno, "worker: %s", strerror(errno));
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	err = worker_exec(w->sup->worker_path, w->domid, w->caps, pair[1], &w->pid);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return fault(f, err, "worker '%s' cannot be started: %s", w->sup->worker_path,
			     strerror(-err));
	}
	w->exit.fd = syscall(SYS_pidfd_open, w->pid, 0);
	if (w->exit.fd < 0 || fcntl(w->exit.fd, F_SETFD, FD_CLOEXEC)) {
		err = fault(f, -errno, "worker: %s", strerror(errno));
		close(pair[0]);
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		return err;
	}
	w->socket.fd = pair[0];
	return 0;
}

struct worker *worker_spawn(struct supervisor *sup, struct domain *dom, uint64_t caps,
			    struct fault *f)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w) {
		fault(f, -ENOMEM, "out of memory");
		return NULL;
	}
	w->sup = sup;
	w->domain = dom;
	w->domid = dom->domid;
	w->caps = caps;
	if (start(w, f)) {
		free(w);
		return NULL;
	}
	w->socket.ready = socket_ready;
	w->socket.arg = w;
	w->exit.ready = worker_ended;
	w->exit.arg = w;
	loop_fd_add(sup->loop, &w->socket, EPOLLIN);
	loop_fd_add(sup->loop, &w->exit, EPOLLIN);
	LIST_INSERT_HEAD(&sup->workers, w, link);
	log_debug("domain %u: worker has process id %d", w->domid, w->pid);
	return w;
}
