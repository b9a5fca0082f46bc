// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * executor.c - birth, lanes, jobs and death of executors.
 *
 * Shared with all executors of the domain is one memory file: the slots, which
 * they map read-only, and the results, which they write.  Each unmaps what
 * belongs to others as its first deed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log.h"
#include "container.h"
#include "executor.h"
#include "limits.h"
#include "template.h"

#define THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
			 CLONE_SYSVSEM)
/* As USERFAULTFD_IOC_NEW. */
#ifndef UFFD_FEATURE_EXACT_ADDRESS
#define UFFD_FEATURE_EXACT_ADDRESS	(1 << 11)
#endif

/* --- jobs --------------------------------------------------------------- */

static void wake(uint32_t *futex)
{
	syscall(SYS_futex, futex, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The results are a guest's words: only compared. */
static bool is_done(const struct lane *l, unsigned int thread)
{
	return __atomic_load_n(&l->result[thread].seq, __ATOMIC_ACQUIRE) == l->job[thread]->seq;
}

/*
 * A thread on our own processor may have done all of it when wake() comes back: then it
 * rang no bell, and need not.
 */
static void post(struct lane *l, enum lane_thread thread, struct xjob *job)
{
	struct machine_slot *slot = l->slot[thread];

	/* The agent's goes on into the slots behind it. */
	memcpy((char *)slot + SLOT_OPS, job->op, (job->nr + job->data) * sizeof(job->op[0]));
	slot->nr = job->nr;
	job->seq = slot->seq + 1 ? slot->seq + 1 : 1;
	job->running = true;
	l->job[thread] = job;
	job->posted = l->x->all->posted_since;
	l->x->all->nr_posted++;
	__atomic_store_n(&slot->bell, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->seq, job->seq, __ATOMIC_RELEASE);
	wake(&slot->seq);
	/* Who is done later rings, or we see it here. */
	__atomic_store_n(&slot->bell, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_done(l, thread))
		l->x->all->answered = true;
}

static void prepare_slot(struct lane *l, enum lane_thread thread)
{
	unsigned int nth = l->index * MACHINE_THREADS + thread;
	struct machine_slot *slot = l->slot[thread];

	memset(slot, 0, sizeof(*slot));
	memset(&l->result[thread], 0, sizeof(l->result[0]));
	slot->result = result_address(l->x->index, nth);
	slot->stack = MACHINE_STACKS + (uint64_t)(thread + 1) * MACHINE_STACK_SIZE;
	slot->event_fd = EXECUTOR_EVENT;
	slot->signal = thread == LANE_CALL;
}

static void dispatch(struct lane *l)
{
	struct xjob *job = TAILQ_FIRST(&l->agent_jobs);

	if (!job || l->x->dying || l->job[LANE_AGENT])
		return;
	TAILQ_REMOVE(&l->agent_jobs, job, link);
	post(l, LANE_AGENT, job);
}

struct machine_op *xjob_op(struct xjob *job, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
			   uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct machine_op *op = &job->op[job->nr++];

	*op = (struct machine_op){ .nr = nr, .arg = { a0, a1, a2, a3, a4, a5 } };
	return op;
}

void lane_agent(struct lane *l, struct xjob *job)
{
	job->lane = l;
	job->running = false;
	TAILQ_INSERT_TAIL(&l->agent_jobs, job, link);
	dispatch(l);
}

/* The name is where the agent looks for its second operation. */
void lane_open(struct lane *l, struct xjob *job, const char *name, int flags)
{
	uint64_t where = slot_address(l->x->index, l->index, LANE_AGENT) + SLOT_OPS + OP_SIZE;

	job->nr = 0;
	xjob_op(job, SYS_openat, EXECUTOR_PATH, where, flags, 0, 0, 0);
	job->data = 1;
	memset(&job->op[1], 0, sizeof(job->op[1]));
	memcpy(&job->op[1], name, strnlen(name, LANE_NAME));
	lane_agent(l, job);
}

void lane_run(struct lane *l, struct xjob *job)
{
	job->lane = l;
	near_begin(l);
	post(l, LANE_CALL, job);
}

void lane_kick(struct xjob *job)
{
	if (job->running)
		syscall(SYS_tgkill, job->lane->pid, job->lane->caller, KICK_SIGNAL);
}

/* It is the lane's no more. */
static void take_back(struct lane *l, unsigned int thread)
{
	struct xjob *job = l->job[thread];

	l->job[thread] = NULL;
	job->running = false;
	if (job->posted == l->x->all->posted_since)
		l->x->all->nr_posted--;
}

/* What has been done meanwhile. */
static void collect(struct lane *l)
{
	struct machine_result *r;
	struct xjob *job;
	unsigned int i, made;
	int64_t value;

	for (i = 0; i < MACHINE_THREADS; i++) {
		job = l->job[i];
		if (!job || !is_done(l, i))
			continue;
		r = &l->result[i];
		value = *(volatile int64_t *)&r->value;
		made = *(volatile uint32_t *)&r->nr + 1;
		take_back(l, i);
		job->data = 0;
		if (i == LANE_AGENT)
			dispatch(l);
		else
			near_end(l);
		job->done(job, value, made > job->nr ? job->nr : made);
	}
}

static void collect_all(struct executors *e)
{
	struct executor *x;
	unsigned int i, n;

	e->answered = false;
	for (i = 0; i < MACHINE_MAX; i++) {
		/* What is done may free the lane, and its executor with it. */
		for (n = 0; (x = e->x[i]) && n < x->nr_lanes; n++)
			if (x->lane[n])
				collect(x->lane[n]);
	}
}

static void some_done(struct bell *b)
{
	collect_all(container_of(b, struct executors, bell));
}

void executors_round(struct executors *e)
{
	if (e->answered)
		collect_all(e);
}

/* --- death ---------------------------------------------------------------- */

static void fail_jobs(struct lane *l)
{
	struct xjob *job;
	unsigned int i;

	for (i = 0; i < MACHINE_THREADS; i++) {
		job = l->job[i];
		if (!job)
			continue;
		take_back(l, i);
		if (i == LANE_CALL)
			near_end(l);
		job->done(job, -EIO, 0);
	}
	while ((job = TAILQ_FIRST(&l->agent_jobs))) {
		TAILQ_REMOVE(&l->agent_jobs, job, link);
		job->done(job, -EIO, 0);
	}
}

static void lane_free(struct lane *l)
{
	near_forget(l);
	if (l->uffd >= 0)
		close(l->uffd);
	if (l->pidfd >= 0)
		close(l->pidfd);
	l->x->lane[l->index] = NULL;
	l->x->all->nr_lanes--;
	free(l);
}

/*
 * Its parent died while it made it, maybe: where the kernel has stored its id, before
 * it ran.  A guest may have stored another one, but then it is none of our children,
 * or one of its own.
 */
static void end_unborn(struct lane *l)
{
	/* A little-endian half of it. */
	pid_t pid = (uint32_t)*(volatile uint64_t *)&l->result[LANE_AGENT].value;
	siginfo_t info;

	if (l->pid > 0 || pid <= 0 || waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return;
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &info, WEXITED);
}

/* All of it, when nothing of it runs any more. */
static void bury(struct executor *x)
{
	struct executors *e = x->all;
	unsigned int i;

	if (x->burying)
		return;
	for (i = 0; i < x->nr_lanes; i++)
		if (x->lane[i] && (x->lane[i]->watching_faults || x->lane[i]->watching_death))
			return;
	x->burying = true;
	for (i = 0; i < x->nr_lanes; i++) {
		if (!x->lane[i])
			continue;
		fail_jobs(x->lane[i]);
		end_unborn(x->lane[i]);
	}
	e->x[x->index] = NULL;
	if (x->dying)
		e->nr_dying--;
	if (x->ops)
		x->ops->dead(x);
	for (i = 0; i < x->nr_lanes; i++)
		if (x->lane[i])
			lane_free(x->lane[i]);
	free(x);
}

static void death_done(struct uring_call *call, int res)
{
	struct lane *l = container_of(call, struct lane, death);
	struct executor *x = l->x;
	siginfo_t info;

	l->watching_death = false;
	if (res == -ECANCELED)
		return;
	if (!x->dying && x->index == 0)
		log_err("the template of the executors has died");
	executor_kill(x);
	memset(&info, 0, sizeof(info));
	waitid(P_PID, l->pid, &info, WEXITED | WNOHANG);
	if (l->watching_faults)
		uring_cancel(x->all->uring, &l->faults);
	bury(x);
}

static int watch_death(struct lane *l)
{
	struct io_uring_sqe *sqe = uring_get(l->x->all->uring);

	if (!sqe)
		return -ENOMEM;
	io_uring_prep_poll_add(sqe, l->pidfd, POLLIN);
	l->death.done = death_done;
	uring_own(sqe, &l->death);
	l->watching_death = true;
	return 0;
}

/* Without a process there is no event that would bring us back: a job's end is. */
void executor_kill(struct executor *x)
{
	unsigned int i;

	if (x->dying)
		return;
	x->dying = true;
	x->all->nr_dying++;
	for (i = 0; i < x->nr_lanes; i++)
		if (x->lane[i] && x->lane[i]->watching_death)
			kill(x->lane[i]->pid, SIGKILL);
}

/* --- faults --------------------------------------------------------------- */

static void faults_read(struct lane *l);

static void faults_done(struct uring_call *call, int res)
{
	struct lane *l = container_of(call, struct lane, faults);
	struct executor *x = l->x;
	unsigned int i;

	l->watching_faults = false;
	if (x->dying && !l->watching_death) {
		bury(x);
		return;
	}
	for (i = 0; res > 0 && !x->dying && i < res / sizeof(l->msg[0]); i++) {
		const struct uffd_msg msg = l->msg[i];

		if (msg.event == UFFD_EVENT_PAGEFAULT)
			x->ops->fault(l, &msg,
				      (uint32_t)l->caller == msg.arg.pagefault.feat.ptid);
	}
	if (res < 0 && res != -EAGAIN && res != -EINTR) {
		if (res != -ECANCELED && !x->dying) {
			log_err("faults of an executor: %s", strerror(-res));
			executor_kill(x);
		}
		return;
	}
	if (!x->dying)
		faults_read(l);
}

static void faults_read(struct lane *l)
{
	struct io_uring_sqe *sqe = uring_get(l->x->all->uring);

	if (!sqe) {
		executor_kill(l->x);
		return;
	}
	io_uring_prep_read(sqe, l->uffd, l->msg, sizeof(l->msg), 0);
	l->faults.done = faults_done;
	uring_own(sqe, &l->faults);
	l->watching_faults = true;
}

/* --- birth ---------------------------------------------------------------- */

/* Of a lane that is not the first, the executor goes on without; if it can. */
static void birth_failed(struct lane *l, const char *what, int err)
{
	struct executor *x = l->x;

	log_err("an executor cannot %s: %s", what, strerror(-err));
	x->births--;
	if (x->ops->ready)
		x->ops->ready(l, err);
	if (l->index && !l->watching_death) {
		lane_free(l);
		return;
	}
	executor_kill(x);
	bury(x);
}

/* The step after which it lives. */
static void born(struct xjob *job, int64_t value, unsigned int made)
{
	struct lane *l = container_of(job, struct lane, birth);

	(void)made;
	if (l->x->dying)
		return;
	if (value <= 0) {
		birth_failed(l, "have a thread", value);
		return;
	}
	l->caller = value;
	l->ready = true;
	l->x->births--;
	faults_read(l);
	l->x->ops->ready(l, 0);
}

static int watch_memory(const struct lane *l)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS,
	};
	struct uffdio_register reg = {
		.range = { MIRROR_START, MIRROR_END - MIRROR_START },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(l->uffd, UFFDIO_API, &api) < 0 || ioctl(l->uffd, UFFDIO_REGISTER, &reg) < 0)
		return -errno;
	return 0;
}

static void stripped(struct xjob *job, int64_t value, unsigned int made)
{
	struct lane *l = container_of(job, struct lane, birth);
	int err;

	if (l->x->dying)
		return;
	if (value >= 0 && !executor_is_file(value))
		value = -EBADF;
	if (value < 0) {
		birth_failed(l, made < job->nr ? "lay out its memory" : "watch its memory", value);
		return;
	}
	l->uffd = syscall(SYS_pidfd_getfd, l->pidfd, (int)value, 0);
	err = l->uffd < 0 ? -errno : watch_memory(l);
	if (err) {
		birth_failed(l, "have its memory watched", err);
		return;
	}
	job->nr = 0;
	job->done = born;
	xjob_op(job, SYS_close, value, 0, 0, 0, 0, 0);
	xjob_op(job, SYS_clone, THREAD_FLAGS, l->slot[LANE_CALL]->stack, 0, 0, 0,
		slot_address(l->x->index, l->index, LANE_CALL))->flags = OP_CLONE;
	lane_agent(l, job);
}

/* Unmaps the parts of others: of an array of areas all but one. */
static void strip_areas(struct xjob *job, uint64_t base, uint64_t area, unsigned int index)
{
	if (index)
		xjob_op(job, SYS_munmap, base, index * area, 0, 0, 0, 0);
	if (index + 1 < MACHINE_MAX)
		xjob_op(job, SYS_munmap, base + (index + 1) * area,
			(MACHINE_MAX - index - 1) * area, 0, 0, 0, 0);
}

static void strip(struct lane *l)
{
	struct xjob *job = &l->birth;

	job->nr = 0;
	job->done = stripped;
	xjob_op(job, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	if (l->index == 0) {
		strip_areas(job, MACHINE_SLOTS, MACHINE_SLOT_AREA, l->x->index);
		strip_areas(job, MACHINE_RESULTS, MACHINE_RESULT_AREA, l->x->index);
	} else {
		/* What the first lane had there. */
		xjob_op(job, SYS_munmap, MIRROR_START, MIRROR_END - MIRROR_START, 0, 0, 0, 0);
	}
	xjob_op(job, SYS_mmap, MIRROR_START, MIRROR_END - MIRROR_START, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	xjob_op(job, SYS_ioctl, EXECUTOR_UFFD_DEV, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK,
		0, 0, 0);
	lane_agent(l, job);
}

/* The process has been made. */
static void cloned(struct xjob *job, int64_t value, unsigned int made)
{
	struct lane *l = container_of(job, struct lane, birth);
	struct executor *x = l->x;
	int err = value;

	(void)made;
	if (value > 0) {
		l->pid = value;
		l->pidfd = syscall(SYS_pidfd_open, l->pid, 0);
		err = l->pidfd < 0 ? -errno : watch_death(l);
	}
	if (err >= 0 && !x->dying) {
		strip(l);
		return;
	}
	if (l->pid > 0)
		kill(l->pid, SIGKILL);
	if (x->dying)
		bury(x);
	else
		birth_failed(l, "be made", err);
}

static struct lane *lane_alloc(struct executor *x, unsigned int index)
{
	struct executors *e = x->all;
	struct lane *l = calloc(1, sizeof(*l));
	char *slot;

	if (!l)
		return NULL;
	l->x = x;
	l->index = index;
	l->pidfd = l->uffd = -1;
	slot = (char *)e->slots + (size_t)x->index * MACHINE_SLOT_AREA +
	       (size_t)index * MACHINE_LANE_SIZE;
	l->slot[LANE_AGENT] = (struct machine_slot *)slot;
	l->slot[LANE_CALL] =
		(struct machine_slot *)(slot + MACHINE_AGENT_SLOTS * MACHINE_SLOT_SIZE);
	l->result = (struct machine_result *)(e->results + (size_t)x->index * MACHINE_RESULT_AREA) +
		    (size_t)index * MACHINE_THREADS;
	TAILQ_INIT(&l->agent_jobs);
	prepare_slot(l, LANE_AGENT);
	prepare_slot(l, LANE_CALL);
	x->lane[index] = l;
	if (index >= x->nr_lanes)
		x->nr_lanes = index + 1;
	e->nr_lanes++;
	return l;
}

static struct executor *executor_alloc(struct executors *e, unsigned int index)
{
	struct executor *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->all = e;
	x->index = index;
	if (!lane_alloc(x, 0)) {
		free(x);
		return NULL;
	}
	e->x[index] = x;
	return x;
}

/* flags: CLONE_FILES, or nothing. */
static void clone_lane(struct lane *parent, struct lane *l, uint64_t flags)
{
	/* Not the parent's child but ours, for PR_SET_PDEATHSIG and waitid(). */
	l->x->births++;
	l->birth.nr = 0;
	l->birth.done = cloned;
	xjob_op(&l->birth, SYS_clone, LANE_FLAGS | flags, 0,
		result_address(l->x->index, l->index * MACHINE_THREADS + LANE_AGENT), 0, 0,
		slot_address(l->x->index, l->index, LANE_AGENT))->flags = OP_CLONE;
	lane_agent(parent, &l->birth);
}

bool executors_alive(const struct executors *e)
{
	return e->usable && e->x[0] && !e->x[0]->dying;
}

struct executor *executor_new(struct executors *e, const struct executor_ops *ops, void *owner)
{
	struct executor *x;
	unsigned int i;

	if (!executors_alive(e) || e->nr_lanes >= VSYS_MAX_LANES)
		return NULL;
	for (i = 1; i < MACHINE_MAX && e->x[i]; i++)
		;
	x = i < MACHINE_MAX ? executor_alloc(e, i) : NULL;
	if (!x)
		return NULL;
	x->ops = ops;
	x->owner = owner;
	clone_lane(e->x[0]->lane[0], x->lane[0], 0);
	return x;
}

struct lane *executor_add_lane(struct executor *x)
{
	struct lane *l;
	unsigned int i;

	/* Some are left, so that each executor can have its first. */
	if (x->dying || !x->lane[0]->ready ||
	    x->all->nr_lanes >= VSYS_MAX_LANES - MACHINE_MAX)
		return NULL;
	for (i = 1; i < MACHINE_LANES && x->lane[i]; i++)
		;
	l = i < MACHINE_LANES ? lane_alloc(x, i) : NULL;
	if (l)
		clone_lane(x->lane[0], l, CLONE_FILES);
	return l;
}

/* --- all of them ------------------------------------------------------------ */

static void template_ready(struct xjob *job, int64_t value, unsigned int made)
{
	(void)job;
	(void)made;
	if (value < 0)
		log_err("the template cannot give up its memory: %s", strerror(-(int)value));
}

bool executors_seen(struct executors *e)
{
	bool any = e->nr_posted;

	e->nr_posted = 0;
	e->posted_since++;
	return any;
}

int executors_prepare(struct executors *e, int gntdev)
{
	const char *what = "open /dev/userfaultfd";
	int err;

	memset(e, 0, sizeof(*e));
	e->memory_fd = e->bell.fd = e->uffd_dev = -1;
	e->gntdev = gntdev;
	e->path_fd = -1;
	e->root = "/";
	e->uffd_dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	if (e->uffd_dev < 0)
		goto failed;
	what = "make the executors' memory";
	e->memory_fd = memfd_create("executors", MFD_CLOEXEC);
	if (e->memory_fd < 0 || ftruncate(e->memory_fd, SLOTS_SIZE + RESULTS_SIZE) < 0)
		goto failed;
	e->slots = mmap(NULL, SLOTS_SIZE + RESULTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			e->memory_fd, 0);
	if (e->slots == MAP_FAILED) {
		e->slots = NULL;
		goto failed;
	}
	e->results = (char *)e->slots + SLOTS_SIZE;
	what = "make the executors' eventfd";
	err = bell_make(&e->bell, some_done);
	if (!err)
		return 0;
	errno = -err;
failed:
	err = -errno;
	log_err("cannot %s: %s", what, strerror(-err));
	executors_exit(e);
	return err;
}

static int raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return -errno;
	if (r.rlim_cur > EXECUTOR_OWN_FDS + 64)
		return 0;
	r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &r) < 0 ? -errno : 0;
}

int executors_start(struct executors *e, struct uring *u, int (*confine)(void))
{
	static struct xjob give_up = { .done = template_ready };
	pid_t parent = getpid();
	struct executor *x;
	struct lane *l;
	int err;

	e->uring = u;
	e->path_fd = open(e->root, O_PATH | O_CLOEXEC);
	if (e->path_fd < 0) {
		err = -errno;
		log_err("cannot open %s: %s", e->root, strerror(-err));
		return err;
	}
	err = raise_file_limit();
	x = err ? NULL : executor_alloc(e, 0);
	if (!x)
		return err ? err : -ENOMEM;
	l = x->lane[0];
	l->pid = fork();
	if (l->pid == 0)
		template_run(e, parent, confine);
	if (l->pid > 0)
		l->pidfd = syscall(SYS_pidfd_open, l->pid, 0);
	if (l->pid < 0 || l->pidfd < 0) {
		err = -errno;
		log_err("cannot make the template of the executors: %s", strerror(-err));
		e->x[0] = NULL;
		lane_free(l);
		free(x);
		return err;
	}
	err = watch_death(l);
	if (err)
		return err;
	bell_watch(&e->bell, u);
	give_up.nr = 0;
	xjob_op(&give_up, SYS_munmap, MIRROR_START, MIRROR_END - MIRROR_START, 0, 0, 0, 0);
	lane_agent(l, &give_up);
	e->usable = true;
	return 0;
}

static bool any_left(const struct executors *e)
{
	unsigned int i;

	for (i = 0; i < MACHINE_MAX; i++)
		if (e->x[i])
			return true;
	return false;
}

void executors_exit(struct executors *e)
{
	unsigned int i;

	if (e->usable) {
		e->usable = false;
		for (i = 0; i < MACHINE_MAX; i++)
			if (e->x[i])
				executor_kill(e->x[i]);
		while (any_left(e)) {
			if (e->answered)
				executors_round(e);
			else if (uring_run(e->uring, true, 1000) < 0)
				break;
		}
	}
	bell_exit(&e->bell);
	if (e->slots)
		munmap(e->slots, SLOTS_SIZE + RESULTS_SIZE);
	if (e->memory_fd >= 0)
		close(e->memory_fd);
	if (e->uffd_dev >= 0)
		close(e->uffd_dev);
	if (e->gntdev >= 0)
		close(e->gntdev);
	if (e->path_fd >= 0)
		close(e->path_fd);
	e->path_fd = -1;
	e->slots = NULL;
	e->memory_fd = e->uffd_dev = e->gntdev = -1;
}
