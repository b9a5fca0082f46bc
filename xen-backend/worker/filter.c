// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * filter.c - the system calls of an executor.
 *
 * An executor makes the calls that its worker writes down, and no memory that a
 * guest can reach decides which.  The filter is for the day on which that turns
 * out to be wrong: no file is opened but those of its root directory (privileges.h),
 * no program or code comes in, no network; and the machine's own descriptors, gntdev
 * among them, are none that a guest's call could be made on.
 * ioctl() is what it is for, so all commands pass here; which of them a guest may
 * use is the policy's matter, in the worker.
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "executor.h"

static const int allowed[] = {
	/* the machine */
	SCMP_SYS(futex), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall),
	/* the mirror */
	SCMP_SYS(munmap), SCMP_SYS(madvise),
};

/* Arguments are compared as 64 bits, of which the kernel may take fewer: no more pass. */
#define EQUAL(n, value)		{ .arg = (n), .op = SCMP_CMP_EQ, .datum_a = (value) }
#define NOT_OWN(n)		{ .arg = (n), .op = SCMP_CMP_LT, .datum_a = EXECUTOR_OWN_FDS }
#define MASKED(n, mask, value)	{ .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), \
				  .datum_b = (value) }

/* With these arguments only.  The machine's own descriptors are for one thing each. */
static const struct {
	int call;
	unsigned int nr;
	struct scmp_arg_cmp arg[2];
} limited[] = {
	{ SCMP_SYS(ioctl), 1, { NOT_OWN(0) } },
	{ SCMP_SYS(read), 1, { NOT_OWN(0) } },
	{ SCMP_SYS(write), 1, { NOT_OWN(0) } },
	{ SCMP_SYS(close), 1, { NOT_OWN(0) } },
	{ SCMP_SYS(dup3), 2, { NOT_OWN(0), NOT_OWN(1) } },
	{ SCMP_SYS(write), 1, { EQUAL(0, EXECUTOR_EVENT) } },
	{ SCMP_SYS(ioctl), 2, { EQUAL(0, EXECUTOR_UFFD_DEV), EQUAL(1, USERFAULTFD_IOC_NEW) } },
	{ SCMP_SYS(pidfd_getfd), 1, { EQUAL(0, EXECUTOR_WORKER) } },
	{ SCMP_SYS(dup3), 2, { EQUAL(0, EXECUTOR_PATH), NOT_OWN(1) } },
	{ SCMP_SYS(openat), 1, { EQUAL(0, EXECUTOR_PATH) } },
	{ SCMP_SYS(mmap), 1, { MASKED(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), 1, { MASKED(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(clone), 1, { MASKED(0, CLONE_THREAD, CLONE_THREAD) } },
	{ SCMP_SYS(clone), 1, { EQUAL(0, LANE_FLAGS) } },
	{ SCMP_SYS(clone), 1, { EQUAL(0, LANE_FLAGS | CLONE_FILES) } },
	{ SCMP_SYS(prctl), 1, { EQUAL(0, PR_SET_PDEATHSIG) } },
};

static int add_rules(scmp_filter_ctx ctx)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (i = 0; !err && i < sizeof(limited) / sizeof(limited[0]); i++)
		err = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, limited[i].call, limited[i].nr,
					     limited[i].arg);
	return err;
}

/* What 32-bit programs of the guest need: native calls only, by int 0x80. */
static int add_compat(scmp_filter_ctx ctx)
{
	static const int calls[] = { SCMP_SYS(ioctl), SCMP_SYS(read), SCMP_SYS(write) };
	const struct scmp_arg_cmp file = NOT_OWN(0);
	scmp_filter_ctx compat = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = compat ? 0 : -ENOMEM;
	size_t i;

	if (!err)
		err = seccomp_arch_remove(compat, SCMP_ARCH_NATIVE);
	if (!err)
		err = seccomp_arch_add(compat, SCMP_ARCH_X86);
	for (i = 0; !err && i < sizeof(calls) / sizeof(calls[0]); i++)
		err = seccomp_rule_add(compat, SCMP_ACT_ALLOW, calls[i], 1, file);
	if (!err)
		err = seccomp_merge(ctx, compat);
	if (err && compat)
		seccomp_release(compat);
	return err;
}

int executor_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? add_rules(ctx) : -ENOMEM;

	if (!err)
		err = add_compat(ctx);
	if (!err)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}
