// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vsysd - gives device nodes of this machine to guests.
 *
 * The control plane: it sees domains come and go, reads which devices the
 * administrator lists for them, keeps both sides' XenStore nodes and states,
 * opens native nodes, and runs one worker process for each domain.  It touches
 * no ring and no memory of a guest: that is the workers' (worker/).
 *
 * This file: arguments, one instance only, daemon, signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "media.h"
#include "supervisor.h"

#define LOCK_FILE	"/run/xen-vsysd.lock"
#define RECORD_DIR	"/run/xen-vsysd.attached"
#define REGISTRY_DIR	"/var/lib/xen-vsys"
#define XL_DIR		"/etc/xen"
#define POLICY_DIR	"/etc/xen/vsys-policy"

/*
 * Where sleeping and being woken costs some ten microseconds on each side: about as
 * long as a guest takes from an answer to its next request.
 */
#define SPIN_US		200u
#define SPIN_MAX_US	100000u

static void usage(FILE *out)
{
	fputs("usage: xen-vsysd [-f] [-s US] [-v]\n"
	      "  -f, --foreground  stay in the foreground and log to standard error\n"
	      "  -s, --spin=US     how long a worker looks for its guest's next request before\n"
	      "                    it sleeps, at most, in microseconds (200; 0: never)\n"
	      "  -v, --verbose     say more\n"
	      "  -V, --version     print the version\n"
	      "  -h, --help        print this\n", out);
}

/* The lock lives as long as the process; the file stays. */
static bool take_lock(void)
{
	int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		log_err("%s: %s", LOCK_FILE, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		log_err("another xen-vsysd is running");
		return false;
	}
	return true;
}

/*
 * The parent ends when the child is ready, with its exit status if it is not:
 * whoever starts the daemon by hand may use it at once.
 */
static int daemonize(void)
{
	char byte = 1;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) || (pid = fork()) < 0) {
		log_err("fork: %s", strerror(errno));
		exit(1);
	}
	if (pid) {
		close(pair[1]);
		_exit(read(pair[0], &byte, 1) == 1 ? byte : 1);
	}
	close(pair[0]);
	setsid();
	return pair[1];
}

static void detach_from_terminal(int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 0;

	log_init("xen-vsysd", false);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
	if (write(ready, &byte, 1) != 1)
		log_warn("the process that started this one is gone");
	close(ready);
}

static void signal_ready(void *arg, uint32_t events)
{
	struct supervisor *sup = arg;

	(void)events;
	loop_stop(sup->loop);
}

/* Descriptors and threads for many guests; a limit of ours would hit all alike. */
static void raise_limits(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void own_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	close(fd);
}

static int run(struct supervisor *sup, int ready)
{
	struct loop_fd signals = { .ready = signal_ready, .arg = sup };
	struct media *media;
	struct ctl *ctl = NULL;
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Before any thread is started, so that all have it. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may have ignored it; then workers could not be waited for. */
	signal(SIGCHLD, SIG_DFL);
	signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	sup->loop = loop_new();
	if (!sup->loop)
		return 1;
	sup->xs = xst_open();
	if (!sup->xs) {
		log_err("XenStore cannot be reached: %s", strerror(errno));
		return 1;
	}
	if (loop_fd_add(sup->loop, &signals, EPOLLIN) || supervisor_start(sup))
		return 1;
	ctl = ctl_new(sup, CTL_SOCKET);
	if (!ctl)
		return 1;
	media = media_start(sup);
	log_info("version %s is ready", VSYS_VERSION);
	if (ready >= 0)
		detach_from_terminal(ready);
	sd_notify(1, "READY=1");

	err = loop_run(sup->loop);
	if (err)
		log_err("event loop: %s", strerror(-err));
	sd_notify(1, "STOPPING=1");
	supervisor_stop(sup);
	media_stop(media);
	ctl_free(ctl);
	supervisor_free(sup);
	xst_close(sup->xs);
	loop_free(sup->loop);
	log_info("ended");
	return err || sup->lost ? 1 : 0;
}

static bool parse_spin(const char *s, uint32_t *us)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || n > SPIN_MAX_US)
		return false;
	*us = n;
	return true;
}

static bool under_systemd(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "spin", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct supervisor sup = {
		.config = { .registry = REGISTRY_DIR, .etc = XL_DIR },
		.policy = { .own = POLICY_DIR, .shipped = VSYS_DATADIR "/policy" },
		.worker_path = VSYS_LIBEXECDIR "/xen-vsys-worker",
		.ports_path = VSYS_LIBEXECDIR "/xen-vsys-ports",
		.record_path = RECORD_DIR,
		.jail_path = VSYS_JAIL_DIR,
		.spin_us = SPIN_US,
	};
	const char *worker = getenv("XEN_VSYS_WORKER");
	bool foreground = under_systemd(), verbose = false;
	int c, ready = -1;

	while ((c = getopt_long(argc, argv, "fs:vVh", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			foreground = true;
			break;
		case 's':
			if (!parse_spin(optarg, &sup.spin_us)) {
				fprintf(stderr, "xen-vsysd: --spin '%s' is not a number from 0 to %u\n",
					optarg, SPIN_MAX_US);
				return 2;
			}
			break;
		case 'v':
			verbose = true;
			break;
		case 'V':
			puts("xen-vsysd " VSYS_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	own_standard_descriptors();
	log_init("xen-vsysd", true);
	log_set_verbose(verbose);
	if (geteuid() != 0) {
		log_err("this needs root");
		return 1;
	}
	if (worker)
		sup.worker_path = worker;
	if (!take_lock())
		return 1;
	raise_limits();
	if (!foreground)
		ready = daemonize();
	return run(&sup, ready);
}
