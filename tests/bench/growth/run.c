// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run.c - one measurement: a daemon is started, gets guests, works, and ends.
 *
 * With one device for each guest the devices come from configuration files, as with
 * "xen-vsys create"; with several they are attached by commands, as with "xen-vsys
 * attach".  They always go by "xen-vsys detach".
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "growth.h"
#include "xen-backend/ctl-client.h"

#define PATIENCE_S	60
#define NR_CLIENTS	8		/* commands at a time */
#define BATCHES		10
#define IDLE_TRIES	5

/* As toolstacks do it: some guests are created at the same time, one after another dies. */
#define AT_ONCE		8
#define RELEASE_S	0.002

static pid_t supervisor;

/* --- waiting -------------------------------------------------------------- */

static void check_supervisor(void)
{
	int status;

	if (waitpid(supervisor, &status, WNOHANG) != supervisor)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == GROWTH_SKIP)
		exit(GROWTH_SKIP);
	die("the daemon ended early, with status %#x; see %s/log", status, growth_dir);
}

#define UNTIL(cond)	do { \
	int64_t end__ = now_ns() + PATIENCE_S * 1000000000ll; \
	while (!(cond)) { \
		if (loop_turn(growth_loop, 5) < 0 || now_ns() > end__) \
			die("nothing happened: %s", #cond); \
	} \
} while (0)

static double seconds_since(int64_t start)
{
	return (now_ns() - start) / 1e9;
}

static void pass(double seconds)
{
	int64_t end = now_ns() + seconds * 1e9;

	while (now_ns() < end)
		loop_turn(growth_loop, seconds < 0.01 ? 1 : 10);
}

/* --- processes ------------------------------------------------------------ */

static bool exists(const char *name)
{
	return !access(growth_path(name), F_OK);
}

static bool supervisor_is_ready(void)
{
	check_supervisor();
	return exists(GROWTH_CONTROL);
}

static void start_supervisor(void)
{
	const char *program = growth_path("supervisor");
	pid_t parent = getpid();

	supervisor = fork();
	if (supervisor < 0)
		die("fork: %s", strerror(errno));
	if (supervisor == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || !freopen(growth_path("log"), "a", stderr))
			_exit(1);
		setenv("XENSTORED_PATH", growth_path(GROWTH_STORE), 1);
		execl(program, program, growth_dir, NULL);
		_exit(127);
	}
	UNTIL(supervisor_is_ready());
	pass(0.05);
}

static int stop_supervisor(void)
{
	int status = -1;

	kill(supervisor, SIGTERM);
	UNTIL(waitpid(supervisor, &status, WNOHANG) == supervisor);
	unlink(growth_path(GROWTH_CONTROL));
	return status;
}

static void add_whole(pid_t pid, void *arg)
{
	measure_add(arg, pid);
	measure_children(pid, add_whole, arg);
}

static void add_time(pid_t pid, void *arg)
{
	measure_add_time(arg, pid);
	measure_children(pid, add_time, arg);
}

static struct measure supervisor_now(void)
{
	struct measure m = { 0 };

	measure_add(&m, supervisor);
	return m;
}

static struct measure supervisor_time(void)
{
	struct measure m = { 0 };

	measure_add_time(&m, supervisor);
	return m;
}

/* Workers, and what they have started. */
static struct measure workers_now(void)
{
	struct measure m = { 0 };

	measure_children(supervisor, add_whole, &m);
	return m;
}

static struct measure workers_time(void)
{
	struct measure m = { 0 };

	measure_children(supervisor, add_time, &m);
	return m;
}

static bool has_workers(void)
{
	return workers_time().cpu > 0;
}

/* --- commands --------------------------------------------------------------- */

static bool clients_done;

static void client_ended(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	clients_done = true;
}

/* One of the clients: each NR_CLIENTSth of all devices. */
static int client(unsigned int which, const struct result *r, bool attach)
{
	char guest[16], text[64];
	const char *words[] = { attach ? "attach" : "detach", guest, text, NULL };
	unsigned int i;
	struct fault f;

	for (i = which; i < r->guests * r->devices; i += NR_CLIENTS) {
		snprintf(guest, sizeof(guest), "%u", 1 + i / r->devices);
		if (attach)
			snprintf(text, sizeof(text), "dev=/dev/zero,name=d%u", i % r->devices);
		else
			snprintf(text, sizeof(text), "%u", i % r->devices);
		if (ctl_ask(growth_path(GROWTH_CONTROL), words, NULL, NULL, &f)) {
			fprintf(stderr, "growth: %s: %s\n", words[0], f.text);
			return 1;
		}
	}
	return 0;
}

/* The other end of the pipe is the clients', and closes with the last of them. */
static void command_all(const struct result *r, bool attach)
{
	struct loop_fd ended = { .ready = client_ended };
	pid_t pid[NR_CLIENTS];
	int pair[2], status;
	unsigned int i;

	if (pipe(pair))
		die("pipe: %s", strerror(errno));
	for (i = 0; i < NR_CLIENTS; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			die("fork: %s", strerror(errno));
		if (pid[i] == 0)
			_exit(client(i, r, attach));
	}
	close(pair[1]);
	ended.fd = pair[0];
	clients_done = false;
	loop_fd_add(growth_loop, &ended, EPOLLIN);
	UNTIL(clients_done);
	loop_fd_remove(growth_loop, &ended);
	close(pair[0]);
	for (i = 0; i < NR_CLIENTS; i++)
		if (waitpid(pid[i], &status, 0) != pid[i] || status)
			die("a command failed");
}

/* --- configuration ------------------------------------------------------------ */

static void configure(unsigned int guests, bool with_device)
{
	char file[128], name[128];
	unsigned int i;
	FILE *out;

	for (i = 1; i <= guests; i++) {
		snprintf(file, sizeof(file), "%s/etc/g%u.cfg", growth_dir, i);
		snprintf(name, sizeof(name), "%s/registry/g%u.cfg", growth_dir, i);
		out = fopen(file, "w");
		if (!out)
			die("%s: %s", file, strerror(errno));
		fprintf(out, "name = 'g%u'\nvsys = [%s]\n", i,
			with_device ? "'dev=/dev/zero,name=d0'" : "");
		fclose(out);
		/* Every other one is registered; the rest is found by its name. */
		if (i % 2 && symlink(file, name))
			die("%s: %s", name, strerror(errno));
	}
}

static void unconfigure(unsigned int guests)
{
	char file[128];
	unsigned int i;

	for (i = 1; i <= guests; i++) {
		snprintf(file, sizeof(file), "%s/etc/g%u.cfg", growth_dir, i);
		unlink(file);
		snprintf(file, sizeof(file), "%s/registry/g%u.cfg", growth_dir, i);
		unlink(file);
	}
}

/* --- the parts ------------------------------------------------------------------ */

static void attach(struct result *r)
{
	unsigned long requests = store_requests;
	double cpu = supervisor_time().cpu;
	int64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < r->guests; i++) {
		UNTIL(i < guests_count.connected + AT_ONCE);
		guest_introduce(i);
	}
	if (r->devices > 1) {
		/* A command for a domain that is not known yet would fail. */
		UNTIL(fake_nr_watches(store_xs) > 2);
		command_all(r, true);
	}
	UNTIL(guests_count.connected == r->guests * r->devices);
	r->attach_s = seconds_since(start);
	r->attach_sup_cpu = supervisor_time().cpu - cpu;
	r->attach_requests = store_requests - requests;
	/* A worker may still be about to wait for the first time. */
	pass(0.1);
	r->attach_worker_cpu = workers_time().cpu;
}

static void open_nodes(struct result *r)
{
	double cpu = supervisor_time().cpu;
	int64_t start = now_ns();

	guests_call_open();
	UNTIL(guests_count.opened == r->guests * r->devices);
	r->open_s = seconds_since(start);
	r->open_sup_cpu = supervisor_time().cpu - cpu;
}

static void lower(double *value, double other)
{
	if (other < *value)
		*value = other;
}

static void idle_once(struct result *r, double seconds)
{
	unsigned long sup, workers;
	int64_t start;

	sup = supervisor_time().switches;
	workers = workers_time().switches;
	start = now_ns();
	pass(seconds);
	seconds = seconds_since(start);
	r->idle_sup = (supervisor_time().switches - sup) / seconds;
	r->idle_workers = (workers_time().switches - workers) / seconds;
}

/* On a busy machine what was begun before goes on for a while: who polls does so in each try. */
static void idle(struct result *r, double seconds)
{
	struct result again;
	unsigned int i;

	idle_once(r, seconds);
	for (i = 1; i < IDLE_TRIES && (r->idle_sup > 0 || r->idle_workers > 0); i++) {
		idle_once(&again, seconds);
		lower(&r->idle_sup, again.idle_sup);
		lower(&r->idle_workers, again.idle_workers);
	}
}

static void one_alone(struct result *r, unsigned long calls)
{
	unsigned long before;
	int64_t start, median;
	unsigned int i;

	/* The best of some: a machine that does something else for a moment is no matter. */
	for (i = 0; i < BATCHES; i++) {
		guests_work(false, 1, calls / BATCHES, 0);
		UNTIL(guests_idle());
		median = guests_median_ns();
		if (!i || median < r->one_ns)
			r->one_ns = median;
	}
	before = guests_count.answers;
	start = now_ns();
	guests_work(false, 16, 4 * calls, 0);
	UNTIL(guests_idle());
	r->one_rate = (guests_count.answers - before) / seconds_since(start);
}

static void all_busy(struct result *r, double seconds)
{
	unsigned long before = guests_count.answers;
	double cpu = workers_time().cpu;
	int64_t start = now_ns();

	guests_work(true, 4, 0, seconds * 1e9);
	UNTIL(guests_idle());
	seconds = seconds_since(start);
	before = guests_count.answers - before;
	r->all_rate = before / seconds;
	r->all_cpu_us = (workers_time().cpu - cpu) * 1e6 / before;
}

static void detach(struct result *r)
{
	unsigned long requests = store_requests;
	double cpu = supervisor_time().cpu;
	int64_t start = now_ns();

	command_all(r, false);
	UNTIL(!has_workers());
	r->detach_s = seconds_since(start);
	r->detach_sup_cpu = supervisor_time().cpu - cpu;
	r->detach_requests = store_requests - requests;
}

static void release(struct result *r, unsigned int nodes, unsigned int watches)
{
	unsigned long requests = store_requests;
	double cpu = supervisor_time().cpu;
	int64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < r->guests; i++) {
		guest_release(i);
		pass(RELEASE_S);
	}
	UNTIL(fake_nr_watches(store_xs) == watches);
	r->release_s = seconds_since(start);
	pass(0.1);
	r->release_sup_cpu = supervisor_time().cpu - cpu;
	r->release_requests = store_requests - requests;
	r->left_nodes = fake_count(store_xs) - nodes;
	r->left_watches = fake_nr_watches(store_xs) - watches;
}

/* Of the two times: what else the machine did makes things slower, never faster. */
static void take_better(struct result *r, const struct result *again)
{
	lower(&r->attach_s, again->attach_s);
	lower(&r->attach_sup_cpu, again->attach_sup_cpu);
	lower(&r->attach_worker_cpu, again->attach_worker_cpu);
	lower(&r->open_s, again->open_s);
	lower(&r->open_sup_cpu, again->open_sup_cpu);
	lower(&r->detach_s, again->detach_s);
	lower(&r->detach_sup_cpu, again->detach_sup_cpu);
}

void run_one(struct result *r, unsigned int guests, unsigned int devices,
	     const struct effort *effort)
{
	struct result again = { .guests = guests, .devices = devices };
	unsigned int nodes, watches;

	*r = again;
	store_open(guests_state_written);
	guests_open(guests, devices);
	configure(guests, devices == 1);
	start_supervisor();
	r->start = supervisor_now();
	nodes = fake_count(store_xs);
	watches = fake_nr_watches(store_xs);

	attach(r);
	open_nodes(r);
	pass(0.1);
	r->sup = supervisor_now();
	r->workers = workers_now();
	idle(r, effort->idle_s);
	one_alone(r, effort->calls);
	all_busy(r, effort->busy_s);
	detach(r);
	release(r, nodes, watches);

	r->end = supervisor_now();
	/* All of it once more: what grows again is lost, and not only kept for later. */
	guests_reset();
	attach(&again);
	open_nodes(&again);
	detach(&again);
	release(&again, nodes, watches);
	r->again = supervisor_now();
	take_better(r, &again);
	r->left_processes = workers_now().processes;
	r->left_jails = measure_entries(supervisor, "root/dev/xen-vsys");
	r->bad_answers = guests_count.bad_answers;
	r->status = stop_supervisor();
	unconfigure(guests);
	guests_close();
	store_close();
}
