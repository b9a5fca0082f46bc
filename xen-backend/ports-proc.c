// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ports-proc.c - starts and ends port executors; see ports-proc.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "ports-proc.h"
#include "supervisor.h"
#include "worker-exec.h"

static void forget(struct device *d)
{
	loop_fd_remove(d->domain->sup->loop, &d->ports_exit);
	close(d->ports_exit.fd);
	d->ports_pid = 0;
}

static void ended(void *arg, uint32_t events)
{
	struct device *d = arg;
	siginfo_t info = { 0 };
	char reason[FAULT_SIZE];

	(void)events;
	if (!waitid(P_PIDFD, d->ports_exit.fd, &info, WEXITED | WNOHANG) && !info.si_pid)
		return;
	if (info.si_code == CLD_EXITED && !info.si_status) {
		/* The worker closed its end.  Why, it says, or its own end does. */
		forget(d);
		return;
	}
	if (info.si_code == CLD_EXITED)
		snprintf(reason, sizeof(reason), "the port executor exited with status %d",
			 info.si_status);
	else
		snprintf(reason, sizeof(reason), "the port executor was ended by signal %d (%s)",
			 info.si_status, strsignal(info.si_status));
	forget(d);
	device_fail(d, reason);
}

static int watch_exit(struct device *d)
{
	int err;

	d->ports_exit.fd = syscall(SYS_pidfd_open, d->ports_pid, 0);
	if (d->ports_exit.fd < 0)
		return -errno;
	d->ports_exit.ready = ended;
	d->ports_exit.arg = d;
	err = fcntl(d->ports_exit.fd, F_SETFD, FD_CLOEXEC) ? -errno :
	      loop_fd_add(d->domain->sup->loop, &d->ports_exit, EPOLLIN);
	if (err)
		close(d->ports_exit.fd);
	return err;
}

int ports_start(struct device *d, struct fault *f)
{
	const struct supervisor *sup = d->domain->sup;
	int pair[2], err;

	/* The worker's directory is all of the file system to it, too. */
	err = jail_make(sup->jail_path, d->domain->domid);
	if (err)
		return fault(f, err, "port executor: a directory for it cannot be made in %s: %s",
			     sup->jail_path, strerror(-err));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fault(f, -errno, "port executor: %s", strerror(errno));
	err = ports_exec(sup->ports_path, d->domain->domid, &d->stanza.ports, pair[1],
			 &d->ports_pid);
	close(pair[1]);
	if (err) {
		d->ports_pid = 0;
		close(pair[0]);
		return fault(f, err, "port executor '%s' cannot be started: %s", sup->ports_path,
			     strerror(-err));
	}
	err = watch_exit(d);
	if (err) {
		kill(d->ports_pid, SIGKILL);
		waitpid(d->ports_pid, NULL, 0);
		d->ports_pid = 0;
		close(pair[0]);
		return fault(f, err, "port executor: %s", strerror(-err));
	}
	return pair[0];
}

void ports_stop(struct device *d)
{
	if (!d->ports_pid)
		return;
	/* It makes no call that it could be caught in, so this takes no time. */
	kill(d->ports_pid, SIGKILL);
	waitpid(d->ports_pid, NULL, 0);
	forget(d);
}
