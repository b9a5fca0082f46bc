// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * template.c - the child that becomes the template, until it jumps into the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../log.h"
#include "limits.h"
#include "template.h"

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
	    dup3(e->bell.fd, EXECUTOR_EVENT, O_CLOEXEC) < 0 ||
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
			     "D" (slot_address(0, 0, LANE_AGENT)));
	__builtin_unreachable();
}

/* Sanitizers would look around here, where that is no longer allowed. */
__attribute__((no_sanitize("address", "undefined")))
void template_run(const struct executors *e, pid_t parent, int (*confine)(void))
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
