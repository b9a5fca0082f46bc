// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * executor.c - template, birth, threads, jobs and death of executors.
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
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log.h"
#include "container.h"
#include "executor.h"

#define KICK_SIGNAL	SIGUSR1
#define SLOTS_SIZE	((size_t)MACHINE_MAX * MACHINE_SLOT_AREA)
#define RESULTS_SIZE	((size_t)MACHINE_MAX * MACHINE_RESULT_AREA)
#define THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
			 CLONE_SYSVSEM)
/* Of <linux/userfaultfd.h> of 6.1, which C libraries may be older than. */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW	_IO(0xAA, 0x00)
#endif
#ifndef UFFD_FEATURE_EXACT_ADDRESS
#define UFFD_FEATURE_EXACT_ADDRESS	(1 << 11)
#endif

/* --- the template: in the child, until it jumps into the machine ---------- */

static unsigned int slot_index(unsigned int thread)
{
	return thread ? MACHINE_AGENT_SLOTS - 1 + thread : 0;
}

static uint64_t slot_address(unsigned int executor, unsigned int thread)
{
	return MACHINE_SLOTS + (uint64_t)executor * MACHINE_SLOT_AREA +
	       (uint64_t)slot_index(thread) * MACHINE_SLOT_SIZE;
}

static int map_at(uint64_t addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *want = (void *)(uintptr_t)addr;

	return mmap(want, len, prot, flags | MAP_FIXED_NOREPLACE, fd, offset) == want ? 0 : -1;
}

static int make_room(const struct executors *e)
{
	size_t code = machine_end - machine_begin;

	if (map_at(MACHINE_CODE, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
		return -1;
	memcpy((void *)MACHINE_CODE, machine_begin, code);
	if (mprotect((void *)MACHINE_CODE, 4096, PROT_READ | PROT_EXEC) < 0)
		return -1;
	if (map_at(MACHINE_SLOTS, SLOTS_SIZE, PROT_READ, MAP_SHARED, e->memory_fd, 0) ||
	    map_at(MACHINE_RESULTS, RESULTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   e->memory_fd, SLOTS_SIZE))
		return -1;
	return map_at(MACHINE_STACKS, MACHINE_THREADS * MACHINE_STACK_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int keep_fds(const struct executors *e, pid_t parent)
{
	int worker = syscall(SYS_pidfd_open, parent, 0);
	int i;

	if (worker < 0 || dup3(worker, EXECUTOR_WORKER, O_CLOEXEC) < 0 ||
	    dup3(e->event_fd, EXECUTOR_EVENT, O_CLOEXEC) < 0 ||
	    dup3(e->uffd_dev, EXECUTOR_UFFD_DEV, O_CLOEXEC) < 0)
		return -1;
	if (e->gntdev >= 0 && dup3(e->gntdev, EXECUTOR_GNTDEV, O_CLOEXEC) < 0)
		return -1;
	/*
	 * Numbers below 3 are taken, so that a driver makes no file of number 0,
	 * which nobody could tell from success; to a driver they are EBADF.
	 */
	for (i = 0; i < EXECUTOR_FIRST_FD; i++)
		if (i != STDERR_FILENO && dup3(e->path_fd, i, O_CLOEXEC) < 0)
			return -1;
	if (dup3(e->path_fd, EXECUTOR_PATH, O_CLOEXEC) < 0 ||
	    syscall(SYS_close_range, EXECUTOR_FIRST_FD, EXECUTOR_OWN_FDS - 1, 0) < 0)
		return -1;
	return syscall(SYS_close_range, EXECUTOR_PATH + 1, ~0u, 0);
}

/* As the kernel has it; the C library's would have its own restorer. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

static int catch_kicks(void)
{
	const struct kernel_sigaction sa = {
		.handler = MACHINE_CODE + (machine_signal - machine_begin),
		.flags = SA_SIGINFO | 0x04000000 /* SA_RESTORER */,
		.restorer = MACHINE_CODE + (machine_restorer - machine_begin),
	};
	sigset_t set;

	/* Threads that may be interrupted unblock it themselves. */
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return syscall(SYS_rt_sigaction, KICK_SIGNAL, &sa, NULL, 8);
}

/* Nothing may be left that the kernel would write to memory on its own. */
static int forget_libc(void)
{
#ifdef RSEQ_SIG
	if (__rseq_size && syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset,
				   32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) < 0)
		return -1;
#endif
	if (syscall(SYS_set_robust_list, NULL, 3 * sizeof(long)) < 0)
		return -1;
	syscall(SYS_set_tid_address, NULL);
	return 0;
}

__attribute__((noreturn, no_sanitize("address", "undefined")))
static void enter_machine(void)
{
	__asm__ __volatile__("jmp *%0" : : "a" (MACHINE_CODE + (machine_enter - machine_begin)),
			     "D" (slot_address(0, 0)));
	__builtin_unreachable();
}

/* Sanitizers would look around here, where that is no longer allowed. */
__attribute__((noreturn, no_sanitize("address", "undefined")))
static void be_template(const struct executors *e, pid_t parent, int (*confine)(void))
{
	const char *what = "die with its worker";

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		goto failed;
	what = "lay out its memory";
	if (make_room(e) < 0)
		goto failed;
	what = "keep its descriptors";
	if (keep_fds(e, parent) < 0)
		goto failed;
	what = "catch its signal";
	if (catch_kicks() < 0)
		goto failed;
	what = "part from the C library";
	if (forget_libc() < 0)
		goto failed;
	what = "filter system calls";
	errno = -confine();
	if (errno)
		goto failed;
	/* Until here something could go wrong. */
	syscall(SYS_dup3, EXECUTOR_PATH, STDERR_FILENO, O_CLOEXEC);
	enter_machine();
failed:
	log_err("the template of the executors cannot %s: %m", what);
	_exit(1);
}

/* --- jobs --------------------------------------------------------------- */

static void wake(uint32_t *futex)
{
	syscall(SYS_futex, futex, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void post(struct executor *x, unsigned int thread, struct xjob *job)
{
	struct machine_slot *slot = &x->slot[slot_index(thread)];

	/* The agent's goes on into the slots behind it. */
	memcpy((char *)slot + SLOT_OPS, job->op, job->nr * sizeof(job->op[0]));
	slot->nr = job->nr;
	job->seq = slot->seq + 1 ? slot->seq + 1 : 1;
	job->thread = thread;
	job->running = true;
	x->job[thread] = job;
	__atomic_store_n(&slot->seq, job->seq, __ATOMIC_RELEASE);
	wake(&slot->seq);
}

static void prepare_slot(struct executor *x, unsigned int thread)
{
	struct machine_slot *slot = &x->slot[slot_index(thread)];

	memset(slot, 0, sizeof(*slot));
	memset(&x->result[thread], 0, sizeof(x->result[0]));
	slot->result = MACHINE_RESULTS + (uint64_t)x->index * MACHINE_RESULT_AREA +
		       (uint64_t)thread * MACHINE_RESULT_SIZE;
	slot->stack = MACHINE_STACKS + (uint64_t)(thread + 1) * MACHINE_STACK_SIZE;
	slot->event_fd = EXECUTOR_EVENT;
	slot->signal = thread > 0;
}

static void thread_added(struct xjob *job, int64_t value, unsigned int made);

static void add_thread(struct executor *x)
{
	unsigned int n = x->nr_threads;
	struct machine_op *op;

	if (x->adding_thread || n == MACHINE_THREADS)
		return;
	x->adding_thread = true;
	prepare_slot(x, n);
	x->new_thread.nr = 0;
	x->new_thread.done = thread_added;
	op = xjob_op(&x->new_thread, SYS_clone, THREAD_FLAGS, x->slot[slot_index(n)].stack, 0, 0, 0,
		     slot_address(x->index, n));
	op->flags = OP_CLONE;
	executor_agent(x, &x->new_thread);
}

/* Gives waiting jobs to idle threads. */
static void dispatch(struct executor *x)
{
	struct xjob *job;
	unsigned int i;

	if (x->dying)
		return;
	job = TAILQ_FIRST(&x->agent_jobs);
	if (job && !x->job[0]) {
		TAILQ_REMOVE(&x->agent_jobs, job, link);
		post(x, 0, job);
	}
	for (i = 1; i < x->nr_threads && (job = TAILQ_FIRST(&x->call_jobs)); i++) {
		if (x->job[i])
			continue;
		TAILQ_REMOVE(&x->call_jobs, job, link);
		post(x, i, job);
	}
	if (!TAILQ_EMPTY(&x->call_jobs))
		add_thread(x);
}

static void thread_added(struct xjob *job, int64_t value, unsigned int made)
{
	struct executor *x = container_of(job, struct executor, new_thread);

	(void)made;
	x->adding_thread = false;
	if (value <= 0) {
		/* Those that wait have the threads there are; without any, never. */
		if (!x->dying && x->nr_threads <= 1) {
			log_err("an executor cannot have a thread: %s", strerror(-(int)value));
			executor_kill(x);
		}
		return;
	}
	x->tid[x->nr_threads++] = value;
}

struct machine_op *xjob_op(struct xjob *job, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
			   uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct machine_op *op = &job->op[job->nr++];

	*op = (struct machine_op){ .nr = nr, .arg = { a0, a1, a2, a3, a4, a5 } };
	return op;
}

void executor_agent(struct executor *x, struct xjob *job)
{
	job->x = x;
	job->running = false;
	TAILQ_INSERT_TAIL(&x->agent_jobs, job, link);
	dispatch(x);
}

void executor_run(struct executor *x, struct xjob *job)
{
	job->x = x;
	job->running = false;
	TAILQ_INSERT_TAIL(&x->call_jobs, job, link);
	dispatch(x);
}

void executor_kick(struct xjob *job)
{
	struct executor *x = job->x;

	if (job->running && x->tid[job->thread])
		syscall(SYS_tgkill, x->pid, x->tid[job->thread], KICK_SIGNAL);
}

bool executor_unqueue(struct xjob *job)
{
	if (job->running)
		return false;
	TAILQ_REMOVE(&job->x->call_jobs, job, link);
	return true;
}

/* What has been done meanwhile.  The results are a guest's words: only compared. */
static void collect(struct executor *x)
{
	struct machine_result *r;
	struct xjob *job;
	unsigned int i, made;
	int64_t value;

	for (i = 0; i < x->nr_threads; i++) {
		job = x->job[i];
		r = &x->result[i];
		if (!job || __atomic_load_n(&r->seq, __ATOMIC_ACQUIRE) != job->seq)
			continue;
		value = *(volatile int64_t *)&r->value;
		made = *(volatile uint32_t *)&r->nr + 1;
		x->job[i] = NULL;
		job->running = false;
		job->done(job, value, made > job->nr ? job->nr : made);
	}
	dispatch(x);
}

static void event_read(struct executors *e)
{
	struct io_uring_sqe *sqe = uring_get(e->uring);

	if (!sqe) {
		log_err("out of memory for io_uring");
		return;
	}
	io_uring_prep_read(sqe, e->event_fd, &e->event_value, sizeof(e->event_value), 0);
	uring_own(sqe, &e->event);
	e->watching = true;
}

static void event_done(struct uring_call *call, int res)
{
	struct executors *e = container_of(call, struct executors, event);
	unsigned int i;

	e->watching = false;
	if (res == -ECANCELED)
		return;
	event_read(e);
	for (i = 0; i < MACHINE_MAX; i++)
		if (e->x[i])
			collect(e->x[i]);
}

/* --- death ---------------------------------------------------------------- */

static void fail_jobs(struct executor *x)
{
	struct xjob *job;
	unsigned int i;

	for (i = 0; i < MACHINE_THREADS; i++) {
		job = x->job[i];
		if (!job)
			continue;
		x->job[i] = NULL;
		job->running = false;
		job->done(job, -EIO, 0);
	}
	while ((job = TAILQ_FIRST(&x->agent_jobs)) || (job = TAILQ_FIRST(&x->call_jobs))) {
		TAILQ_REMOVE(job == TAILQ_FIRST(&x->agent_jobs) ? &x->agent_jobs : &x->call_jobs,
			     job, link);
		job->done(job, -EIO, 0);
	}
}

static void bury(struct executor *x)
{
	struct executors *e = x->all;

	if (x->watching_faults || x->watching_death)
		return;
	fail_jobs(x);
	if (x->uffd >= 0)
		close(x->uffd);
	if (x->pidfd >= 0)
		close(x->pidfd);
	e->x[x->index] = NULL;
	if (x->dying)
		e->nr_dying--;
	if (x->ops)
		x->ops->dead(x);
	free(x);
}

static void death_done(struct uring_call *call, int res)
{
	struct executor *x = container_of(call, struct executor, death);
	siginfo_t info;

	x->watching_death = false;
	if (res == -ECANCELED)
		return;
	if (!x->dying) {
		x->dying = true;
		x->all->nr_dying++;
		if (x->index == 0)
			log_err("the template of the executors has died");
	}
	memset(&info, 0, sizeof(info));
	waitid(P_PID, x->pid, &info, WEXITED | WNOHANG);
	if (x->watching_faults)
		uring_cancel(x->all->uring, &x->faults);
	bury(x);
}

static int watch_death(struct executor *x)
{
	struct io_uring_sqe *sqe = uring_get(x->all->uring);

	if (!sqe)
		return -ENOMEM;
	io_uring_prep_poll_add(sqe, x->pidfd, POLLIN);
	x->death.done = death_done;
	uring_own(sqe, &x->death);
	x->watching_death = true;
	return 0;
}

/* Without a process there is no event that would bring us back: a job's end is. */
void executor_kill(struct executor *x)
{
	if (x->dying)
		return;
	x->dying = true;
	x->all->nr_dying++;
	if (x->pid > 0)
		kill(x->pid, SIGKILL);
}

/* --- faults --------------------------------------------------------------- */

static void faults_read(struct executor *x);

static void faults_done(struct uring_call *call, int res)
{
	struct executor *x = container_of(call, struct executor, faults);
	unsigned int i, t;

	x->watching_faults = false;
	if (x->dying && !x->watching_death) {
		bury(x);
		return;
	}
	for (i = 0; res > 0 && !x->dying && i < res / sizeof(x->msg[0]); i++) {
		const struct uffd_msg msg = x->msg[i];

		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		for (t = x->nr_threads - 1; t > 0; t--)
			if ((uint32_t)x->tid[t] == msg.arg.pagefault.feat.ptid)
				break;
		x->ops->fault(x, &msg, t);
	}
	if (res < 0 && res != -EAGAIN && res != -EINTR) {
		if (res != -ECANCELED && !x->dying) {
			log_err("faults of an executor: %s", strerror(-res));
			executor_kill(x);
		}
		return;
	}
	if (!x->dying)
		faults_read(x);
}

static void faults_read(struct executor *x)
{
	struct io_uring_sqe *sqe = uring_get(x->all->uring);

	if (!sqe) {
		executor_kill(x);
		return;
	}
	io_uring_prep_read(sqe, x->uffd, x->msg, sizeof(x->msg), 0);
	x->faults.done = faults_done;
	uring_own(sqe, &x->faults);
	x->watching_faults = true;
}

/* --- birth ---------------------------------------------------------------- */

static void birth_failed(struct executor *x, const char *what, int err)
{
	log_err("an executor cannot %s: %s", what, strerror(-err));
	if (x->ops->ready)
		x->ops->ready(x, err);
	executor_kill(x);
}

/* The step after which it lives. */
static void born(struct xjob *job, int64_t value, unsigned int made)
{
	struct executor *x = container_of(job, struct executor, birth);

	(void)made;
	if (x->dying || value < 0)
		return;
	x->ready = true;
	faults_read(x);
	x->ops->ready(x, 0);
}

static int watch_memory(struct executor *x)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS,
	};
	struct uffdio_register reg = {
		.range = { MIRROR_START, MIRROR_END - MIRROR_START },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(x->uffd, UFFDIO_API, &api) < 0 || ioctl(x->uffd, UFFDIO_REGISTER, &reg) < 0)
		return -errno;
	return 0;
}

static void stripped(struct xjob *job, int64_t value, unsigned int made)
{
	struct executor *x = container_of(job, struct executor, birth);
	int err;

	if (x->dying)
		return;
	if (value < 0) {
		birth_failed(x, made < job->nr ? "lay out its memory" : "watch its memory", value);
		return;
	}
	x->uffd = syscall(SYS_pidfd_getfd, x->pidfd, (int)value, 0);
	err = x->uffd < 0 ? -errno : watch_memory(x);
	if (err) {
		birth_failed(x, "have its memory watched", err);
		return;
	}
	job->nr = 0;
	job->done = born;
	xjob_op(job, SYS_close, value, 0, 0, 0, 0, 0);
	executor_agent(x, job);
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

static void strip(struct executor *x)
{
	struct xjob *job = &x->birth;

	job->nr = 0;
	job->done = stripped;
	xjob_op(job, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	strip_areas(job, MACHINE_SLOTS, MACHINE_SLOT_AREA, x->index);
	strip_areas(job, MACHINE_RESULTS, MACHINE_RESULT_AREA, x->index);
	xjob_op(job, SYS_mmap, MIRROR_START, MIRROR_END - MIRROR_START, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	xjob_op(job, SYS_ioctl, EXECUTOR_UFFD_DEV, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK,
		0, 0, 0);
	executor_agent(x, job);
}

/* The template has made the process. */
static void cloned(struct xjob *job, int64_t value, unsigned int made)
{
	struct executor *x = container_of(job, struct executor, birth);
	int err = value;

	(void)made;
	if (value > 0) {
		x->pid = x->tid[0] = value;
		x->pidfd = syscall(SYS_pidfd_open, x->pid, 0);
		err = x->pidfd < 0 ? -errno : watch_death(x);
	}
	if (err < 0 || x->dying) {
		if (!x->dying)
			birth_failed(x, "be made", err);
		else if (x->pid > 0)
			kill(x->pid, SIGKILL);
		if (!x->watching_death)
			bury(x);
		return;
	}
	x->nr_threads = 1;
	strip(x);
}

static struct executor *executor_alloc(struct executors *e, unsigned int index)
{
	struct executor *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->all = e;
	x->index = index;
	x->pidfd = x->uffd = -1;
	x->slot = &e->slots[index * (MACHINE_SLOT_AREA / MACHINE_SLOT_SIZE)];
	x->result = (struct machine_result *)(e->results + (size_t)index * MACHINE_RESULT_AREA);
	TAILQ_INIT(&x->agent_jobs);
	TAILQ_INIT(&x->call_jobs);
	prepare_slot(x, 0);
	e->x[index] = x;
	return x;
}

bool executors_alive(const struct executors *e)
{
	return e->usable && e->x[0] && !e->x[0]->dying;
}

struct executor *executor_new(struct executors *e, const struct executor_ops *ops, void *owner)
{
	struct machine_op *op;
	struct executor *x;
	unsigned int i;

	if (!executors_alive(e))
		return NULL;
	for (i = 1; i < MACHINE_MAX && e->x[i]; i++)
		;
	x = i < MACHINE_MAX ? executor_alloc(e, i) : NULL;
	if (!x)
		return NULL;
	x->ops = ops;
	x->owner = owner;
	x->birth.done = cloned;
	/* Not the template's child but ours, for PR_SET_PDEATHSIG and waitid(). */
	op = xjob_op(&x->birth, SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0,
		     slot_address(i, 0));
	op->flags = OP_CLONE;
	executor_agent(e->x[0], &x->birth);
	return x;
}

/* --- all of them ------------------------------------------------------------ */

static void template_ready(struct xjob *job, int64_t value, unsigned int made)
{
	(void)job;
	(void)made;
	if (value < 0)
		log_err("the template cannot give up its memory: %s", strerror(-(int)value));
}

int executors_prepare(struct executors *e, int gntdev)
{
	const char *what = "open /";
	int err;

	memset(e, 0, sizeof(*e));
	e->memory_fd = e->event_fd = e->uffd_dev = -1;
	e->gntdev = gntdev;
	e->path_fd = open("/", O_PATH | O_CLOEXEC);
	if (e->path_fd < 0)
		goto failed;
	what = "open /dev/userfaultfd";
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
	e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->event_fd < 0)
		goto failed;
	return 0;
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
	int err;

	e->uring = u;
	e->event.done = event_done;
	err = raise_file_limit();
	x = err ? NULL : executor_alloc(e, 0);
	if (!x)
		return err ? err : -ENOMEM;
	x->pid = fork();
	if (x->pid == 0)
		be_template(e, parent, confine);
	if (x->pid > 0)
		x->pidfd = syscall(SYS_pidfd_open, x->pid, 0);
	if (x->pid < 0 || x->pidfd < 0) {
		err = -errno;
		log_err("cannot make the template of the executors: %s", strerror(-err));
		e->x[0] = NULL;
		free(x);
		return err;
	}
	err = watch_death(x);
	if (err)
		return err;
	x->tid[0] = x->pid;
	x->nr_threads = 1;
	event_read(e);
	give_up.nr = 0;
	xjob_op(&give_up, SYS_munmap, MIRROR_START, MIRROR_END - MIRROR_START, 0, 0, 0, 0);
	executor_agent(x, &give_up);
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
	if (e->usable) {
		e->usable = false;
		if (e->x[0])
			executor_kill(e->x[0]);
		while (any_left(e) && uring_run(e->uring, true, 1000) == 0)
			;
		if (e->watching)
			uring_cancel(e->uring, &e->event);
		while (e->watching && uring_run(e->uring, true, 1000) == 0)
			;
	}
	if (e->slots)
		munmap(e->slots, SLOTS_SIZE + RESULTS_SIZE);
	if (e->memory_fd >= 0)
		close(e->memory_fd);
	if (e->event_fd >= 0)
		close(e->event_fd);
	if (e->uffd_dev >= 0)
		close(e->uffd_dev);
	if (e->gntdev >= 0)
		close(e->gntdev);
	if (e->path_fd >= 0)
		close(e->path_fd);
	e->path_fd = -1;
	e->slots = NULL;
	e->memory_fd = e->event_fd = e->uffd_dev = e->gntdev = -1;
}
