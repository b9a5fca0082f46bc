// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cdrw - a CD-RW drive for dom0: a SCSI device of its kernel, whose commands are done
 * here (mmc.c), so that programs that burn can be tried where there is no drive.
 *
 *   cdrw [OPTION]... DIR          in the foreground, until SIGTERM; DIR has the discs
 *       --vendor V --product P --revision R --serial S      what it says it is
 *       --blocks N                size of new discs
 *       --name NAME               of several drives
 *       --verbose                 each command and its result, on standard error
 *   cdrw --to DIR COMMAND...      to the drive that uses DIR:
 *       insert NAME [cd-rw|cd-r]  closes the tray with that disc in; new ones are blank
 *       eject, close, remove      the tray, as by its button; takes the disc out
 *       reset                     power off and on
 *       state, node               what is in; the names of its device nodes
 *       quit
 *
 * It needs the modules target_core_user, tcm_loop, sr_mod and sg.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "mmc.h"
#include "ring.h"
#include "tcmu.h"

static struct {
	struct tcmu tcmu;
	struct ring ring;
	struct mmc *m;
	bool verbose;
	bool leaving;		/* as soon as the link is gone */
	/* What waits for the drive's answers is another thread's. */
	pthread_t thread;
	bool busy;
	int (*work)(struct tcmu *t);
	int result;
	int done[2];		/* a pipe: it has ended */
} self;

__attribute__((format(printf, 1, 2), noreturn))
static void fail(const char *fmt, ...)
{
	va_list ap;

	fputs("cdrw: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void log_command(const uint8_t *cdb, size_t len, int status, size_t done,
			const uint8_t *sense)
{
	static const uint8_t sizes[8] = { 6, 10, 10, 12, 16, 12, 10, 10 };
	char text[200];
	size_t n = 0;

	for (int i = 0; i < sizes[cdb[0] >> 5]; i++)
		n += snprintf(text + n, sizeof(text) - n, " %02x", cdb[i]);
	if (status)
		snprintf(text + n, sizeof(text) - n, ", %zu bytes: sense %x/%02x/%02x", len,
			 sense[2], sense[12], sense[13]);
	else
		snprintf(text + n, sizeof(text) - n, ", %zu bytes: good, %zu", len, done);
	fprintf(stderr, "cdrw: %s:%s\n", mmc_name(cdb[0]), text);
}

static int command(void *arg, const uint8_t cdb[RING_CDB], uint8_t *data, size_t len, size_t *done,
		   uint8_t sense[RING_SENSE])
{
	int status;

	(void)arg;
	status = mmc_command(self.m, cdb, data, len, done, sense);
	/* Firmware that came this far is always worth a line. */
	if (self.verbose || cdb[0] == 0x3b)
		log_command(cdb, len, status, *done, sense);
	return status;
}

static const struct ring_ops ops = { .takes_data = mmc_takes_data, .command = command };

static void *work(void *arg)
{
	self.result = self.work(&self.tcmu);
	if (write(self.done[1], "", 1) < 0)
		abort();
	return arg;
}

static void work_begin(int (*what)(struct tcmu *t))
{
	self.work = what;
	self.busy = true;
	if (pthread_create(&self.thread, NULL, work, NULL))
		fail("cannot make a thread");
}

static void leave(void)
{
	if (self.leaving)
		return;
	self.leaving = true;
	/* A link that is being made is waited for. */
	if (!self.busy)
		work_begin(tcmu_unlink);
}

/* False: nothing is linked any more. */
static bool work_end(void)
{
	char nodes[100], c;

	if (read(self.done[0], &c, 1) != 1)
		return true;
	pthread_join(self.thread, NULL);
	self.busy = false;
	if (self.result || self.work == tcmu_unlink)
		return false;
	if (self.leaving) {
		work_begin(tcmu_unlink);
		return true;
	}
	tcmu_nodes(&self.tcmu, nodes, sizeof(nodes));
	/* Who started it may wait for this line. */
	printf("ready %s\n", *nodes ? nodes : "without nodes: modprobe -a sr_mod sg");
	fflush(stdout);
	return true;
}

static bool other(void *arg, const char *word, char *answer, size_t size)
{
	(void)arg;
	answer[0] = '+';
	if (!strcmp(word, "quit")) {
		leave();
		snprintf(answer, size, "+leaving");
		return true;
	}
	if (strcmp(word, "node"))
		return false;
	/* Nothing is looked up below what is being linked. */
	if (!self.busy)
		tcmu_nodes(&self.tcmu, answer + 1, size - 1);
	else
		answer[1] = '\0';
	if (!answer[1])
		snprintf(answer, size, "-it has no nodes");
	return true;
}

static void serve_ring(void)
{
	int nr;

	if (tcmu_hear(&self.tcmu))
		fail("%s", self.tcmu.text);
	nr = ring_run(&self.ring, &ops, NULL);
	if (nr < 0)
		fail("the ring is broken: %s", strerror(-nr));
	if (nr && tcmu_tell(&self.tcmu))
		fail("%s", self.tcmu.text);
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Also for the thread: signals come here only. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(const struct control *c, int listener, int sig)
{
	struct pollfd fds[] = {
		{ .fd = self.tcmu.uio, .events = POLLIN }, { .fd = listener, .events = POLLIN },
		{ .fd = sig, .events = POLLIN }, { .fd = self.done[0], .events = POLLIN },
	};
	struct signalfd_siginfo info;

	/* Commands that came before it was opened make no call. */
	serve_ring();
	for (;;) {
		if (poll(fds, 4, -1) < 0 && errno != EINTR)
			fail("poll: %s", strerror(errno));
		if (fds[0].revents)
			serve_ring();
		if (fds[1].revents)
			control_serve(c, listener);
		if (fds[2].revents && read(sig, &info, sizeof(info)) > 0)
			leave();
		if (fds[3].revents && !work_end())
			return;
	}
}

static int run(const char *dir, const char *name, const struct mmc_model *model, int32_t blocks)
{
	struct control c = { .dir = dir, .blocks = blocks, .other = other };
	int listener, sig = signals(), ret;
	char path[300];

	if (mkdir(dir, 0755) && errno != EEXIST)
		fail("cannot make %s: %s", dir, strerror(errno));
	listener = control_listen(dir);
	if (listener < 0)
		fail("cannot listen in %s: %s", dir, strerror(-listener));
	if (sig < 0 || pipe(self.done))
		fail("cannot start: %s", strerror(errno));
	self.m = c.m = mmc_new(model);
	if (!self.m)
		fail("no memory");
	if (tcmu_open(&self.tcmu, name, (uint64_t)blocks * 2048))
		fail("%s", self.tcmu.text);
	ret = ring_open(&self.ring, self.tcmu.map, self.tcmu.size);
	if (ret) {
		tcmu_close(&self.tcmu);
		fail("the ring is of another kind than this program knows");
	}
	work_begin(tcmu_link);
	serve(&c, listener, sig);

	ret = self.result;
	if (ret)
		fprintf(stderr, "cdrw: %s\n", self.tcmu.text);
	ring_close(&self.ring);
	/* With a link left it can't go, and trying hides what went wrong. */
	if ((!ret || self.work == tcmu_link) && tcmu_close(&self.tcmu)) {
		ret = -1;
		fprintf(stderr, "cdrw: %s\n", self.tcmu.text);
	}
	mmc_free(self.m);
	snprintf(path, sizeof(path), "%s/control", dir);
	unlink(path);
	return ret ? 1 : 0;
}

static int send_words(const char *dir, char **words)
{
	char line[300] = "";
	size_t n = 0;

	for (; *words; words++) {
		int put = snprintf(line + n, sizeof(line) - n, "%s%s", n ? " " : "", *words);

		if (put < 0 || (size_t)put >= sizeof(line) - n)
			fail("the command is too long");
		n += put;
	}
	return control_send(dir, line);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "vendor", required_argument, NULL, 'v' },
		{ "product", required_argument, NULL, 'p' },
		{ "revision", required_argument, NULL, 'r' },
		{ "serial", required_argument, NULL, 's' },
		{ "blocks", required_argument, NULL, 'b' },
		{ "name", required_argument, NULL, 'n' },
		{ "to", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *to = NULL, *name = "cdrw";
	struct mmc_model model = { 0 };
	int32_t blocks = DISC_BLOCKS;
	int c;

	/* What follows the folder is for the drive, also if it looks like an option. */
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'v':
			model.vendor = optarg;
			break;
		case 'p':
			model.product = optarg;
			break;
		case 'r':
			model.revision = optarg;
			break;
		case 's':
			model.serial = optarg;
			break;
		case 'b':
			blocks = atoi(optarg);
			if (blocks < DISC_BLOCKS_MIN || blocks > DISC_BLOCKS_MAX)
				fail("a disc has from %d to %d blocks", DISC_BLOCKS_MIN,
				     DISC_BLOCKS_MAX);
			break;
		case 'n':
			name = optarg;
			break;
		case 't':
			to = optarg;
			break;
		case 'V':
			self.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (to) {
		if (optind == argc)
			fail("what shall the drive do?");
		return send_words(to, argv + optind);
	}
	if (optind != argc - 1)
		fail("one folder for the discs is needed (the head of main.c has the options)");
	return run(argv[optind], name, &model, blocks);
}
