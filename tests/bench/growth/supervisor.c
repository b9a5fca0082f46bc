// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * supervisor.c - xen-vsysd as the growth bench runs it: growth-supervisor DIR
 *
 * All of xen-vsysd but its main(): files are in DIR, XenStore is at $XENSTORED_PATH.
 * As root it gets a /dev of its own, in which workers find the directories that they
 * go into (jail.h); nothing of this machine's is touched.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "growth.h"
#include "xen-backend/ctl.h"
#include "xen-backend/ipc.h"
#include "xen-backend/log.h"
#include "xen-backend/supervisor.h"

static struct {
	const char *path;
	struct stat st;
	bool there;
} nodes[] = {
	{ .path = "/dev/null" }, { .path = "/dev/zero" }, { .path = "/dev/userfaultfd" },
};

static bool own_dev(void)
{
	bool ok;
	size_t i;

	for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		nodes[i].there = !stat(nodes[i].path, &nodes[i].st);
	umask(0);
	ok = !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	     !mount("dev", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755");
	for (i = 0; ok && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		ok = !nodes[i].there || !mknod(nodes[i].path, nodes[i].st.st_mode,
					       nodes[i].st.st_rdev);
	umask(022);
	return ok;
}

static void signal_ready(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg);
}

static const char *in(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

int main(int argc, char **argv)
{
	static struct supervisor sup;
	struct loop_fd signals = { .ready = signal_ready };
	struct ctl *ctl;
	sigset_t set;
	int err;

	if (argc != 2)
		return 2;
	log_init("xen-vsysd", true);
	if (geteuid() == 0 && !own_dev()) {
		log_err("no /dev of its own: %s", strerror(errno));
		return GROWTH_SKIP;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	sup.config.etc = in(argv[1], "etc");
	sup.config.registry = in(argv[1], "registry");
	sup.policy.own = in(argv[1], "policy");
	sup.policy.shipped = sup.policy.own;
	sup.record_path = in(argv[1], "record");
	sup.worker_path = in(argv[1], GROWTH_WORKER);
	sup.jail_path = geteuid() == 0 ? VSYS_JAIL_DIR : NULL;
	sup.loop = loop_new();
	if (!sup.loop)
		return GROWTH_SKIP;	/* no io_uring here; it was logged */
	signals.arg = sup.loop;
	sup.xs = xst_open();
	if (!sup.xs || loop_fd_add(sup.loop, &signals, EPOLLIN) || supervisor_start(&sup))
		return 1;
	ctl = ctl_new(&sup, in(argv[1], GROWTH_CONTROL));
	if (!ctl)
		return 1;
	err = loop_run(sup.loop);
	supervisor_stop(&sup);
	ctl_free(ctl);
	supervisor_free(&sup);
	xst_close(sup.xs);
	loop_free(sup.loop);
	return err || sup.lost ? 1 : 0;
}
