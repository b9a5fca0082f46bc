// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * filter.c - the system calls of an executor.
 *
 * An executor makes the calls that its worker writes down, and no memory that a
 * guest can reach decides which.  The filter is for the day on which that turns
 * out to be wrong: no file is opened but those of its root directory (privileges.h),
 * no program or code comes in, no network.
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
	/* descriptors */
	SCMP_SYS(close), SCMP_SYS(dup3), SCMP_SYS(pidfd_getfd),
	/* native calls; write() is also the machine's */
	SCMP_SYS(ioctl), SCMP_SYS(read), SCMP_SYS(write),
};

static int add_rules(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp no_exec = { .arg = 2, .op = SCMP_CMP_MASKED_EQ,
					      .datum_a = PROT_EXEC, .datum_b = 0 };
	const struct scmp_arg_cmp thread = { .arg = 0, .op = SCMP_CMP_MASKED_EQ,
					     .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD };
	const struct scmp_arg_cmp process = { .arg = 0, .op = SCMP_CMP_EQ,
					      .datum_a = LANE_FLAGS };
	const struct scmp_arg_cmp nodes = { .arg = 0, .op = SCMP_CMP_EQ,
					    .datum_a = EXECUTOR_PATH };
	const struct scmp_arg_cmp pdeathsig = { .arg = 0, .op = SCMP_CMP_EQ,
						.datum_a = PR_SET_PDEATHSIG };
	const struct scmp_arg_cmp lane = { .arg = 0, .op = SCMP_CMP_EQ,
					   .datum_a = LANE_FLAGS | CLONE_FILES };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, process);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, lane);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, pdeathsig);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, nodes);
	return err;
}

/* What 32-bit programs of the guest need: native calls only, by int 0x80. */
static int add_compat(scmp_filter_ctx ctx)
{
	scmp_filter_ctx compat = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = compat ? 0 : -ENOMEM;

	if (!err)
		err = seccomp_arch_remove(compat, SCMP_ARCH_NATIVE);
	if (!err)
		err = seccomp_arch_add(compat, SCMP_ARCH_X86);
	if (!err)
		err = seccomp_rule_add(compat, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 0);
	if (!err)
		err = seccomp_rule_add(compat, SCMP_ACT_ALLOW, SCMP_SYS(read), 0);
	if (!err)
		err = seccomp_rule_add(compat, SCMP_ACT_ALLOW, SCMP_SYS(write), 0);
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
