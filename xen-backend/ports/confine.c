// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * confine.c - what a port executor gives up; see confine.h.
 *
 * The ports stay with the process whatever its user is; that is what makes this
 * possible.  A system call that the filter does not know ends the process: it then
 * is not what it was.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>
#include <sys/io.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../ipc.h"
#include "../log.h"
#include "confine.h"

static int fail(const char *what, int err)
{
	log_err("cannot %s: %s", what, strerror(-err));
	return err;
}

int confine_take_ports(uint16_t first, uint16_t last)
{
	return ioperm(first, last - first + 1u, 1) ? fail("get the ports", -errno) : 0;
}

static int limit(int resource, rlim_t value)
{
	struct rlimit r = { value, value };

	return setrlimit(resource, &r);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return syscall(SYS_capset, &header, none);
}

int confine_drop(const char *dir, uint32_t domid)
{
	uid_t id = VSYS_PORTS_UID + domid;

	if (chroot(dir) || chdir("/"))
		return fail("enter its directory", -errno);
	if (limit(RLIMIT_CORE, 0) || limit(RLIMIT_NPROC, 0) || limit(RLIMIT_MEMLOCK, 0))
		return fail("limit resources", -errno);
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		return fail("change to the user of the domain's ports", -errno);
	if (drop_capabilities())
		return fail("drop capabilities", -errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail("forbid new privileges", -errno);
	/* Nobody looks into it, another executor of the domain neither. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fail("keep others out", -errno);
	return 0;
}

static int add_rules(scmp_filter_ctx ctx, int fd)
{
	const struct scmp_arg_cmp its = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = fd };
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, its);

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, its);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
	/* Where the machine's clock cannot be read without. */
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clock_gettime), 0);
	return err;
}

int confine_close(int fd)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = ctx ? add_rules(ctx, fd) : -ENOMEM;

	if (err) {
		fail("filter system calls", err);
	} else {
		/* From here on nothing can be said. */
		close_range(0, fd - 1, 0);
		close_range(fd + 1, ~0u, 0);
		err = seccomp_load(ctx);
	}
	if (ctx)
		seccomp_release(ctx);
	return err;
}
