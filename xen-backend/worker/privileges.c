// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * privileges.c - what a worker gives up before it touches a guest's memory.
 *
 * A worker parses what a guest writes, so a guest may take it over.  Then it
 * has: the guest's own pages and event channels, the device files that the
 * supervisor passed in, and the system calls below.  No other file can be
 * opened (it would find none, either: its root is an empty directory), no program started, no network reached, no process touched but the
 * executors of the same domain.
 *
 * Capabilities that a stanza gives are for the native calls, which executors
 * make.  The worker itself keeps them permitted, since the kernel lets it read
 * only memory of processes that may do no more than itself, but not effective,
 * and the filter does not let it change that.
 *
 * Two things seccomp cannot see are limited elsewhere: operations of io_uring
 * (uring.c), and which ports the event channel device reaches (transport-xen.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

#include "../ipc.h"
#include "../log.h"
#include "limits.h"
#include "privileges.h"

/* gcc says it by a macro, clang by a feature. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif

/* System calls without a look at their arguments. */
static const int allowed[] = {
	/* the main loop and its threads */
	SCMP_SYS(io_uring_enter), SCMP_SYS(futex), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(tgkill), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday),
	/* memory */
	SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(getrandom),
	/* native calls of the guest on descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
	SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(preadv), SCMP_SYS(pwritev),
	SCMP_SYS(preadv2), SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(fallocate),
	SCMP_SYS(close), SCMP_SYS(dup3), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
	/* executors: processes of this worker's own user, which is that of the domain */
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(waitid),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity),
	/* the log: syslog() sends on its socket, stderr is asked about itself */
	SCMP_SYS(sendto), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
#ifdef __SANITIZE_ADDRESS__
	/* tests: what AddressSanitizer does at the start of a thread */
	SCMP_SYS(sigaltstack), SCMP_SYS(prlimit64),
#endif
};

static const uint32_t allowed_ioctls[] = {
	IOCTL_GNTDEV_MAP_GRANT_REF, IOCTL_GNTDEV_UNMAP_GRANT_REF,
	IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, IOCTL_GNTDEV_SET_UNMAP_NOTIFY,
	IOCTL_EVTCHN_BIND_INTERDOMAIN, IOCTL_EVTCHN_UNBIND, IOCTL_EVTCHN_NOTIFY,
	BLKDISCARD,
	UFFDIO_API, UFFDIO_REGISTER, UFFDIO_COPY, UFFDIO_WAKE,
};

/* The kernel looks at 32 bits of these arguments; so do we. */
static struct scmp_arg_cmp bits_are(unsigned int arg, uint32_t mask, uint32_t bits)
{
	return (struct scmp_arg_cmp){ .arg = arg, .op = SCMP_CMP_MASKED_EQ,
				      .datum_a = mask, .datum_b = bits };
}

static int add_rules(scmp_filter_ctx ctx)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (i = 0; !err && i < sizeof(allowed_ioctls) / sizeof(allowed_ioctls[0]); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       bits_are(1, UINT32_MAX, allowed_ioctls[i]));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				       bits_are(1, UINT32_MAX, F_SETFL));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				       bits_are(1, UINT32_MAX, F_GETFL));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1,
				       bits_are(1, UINT32_MAX, SIGKILL));
	/*
	 * Threads, not processes.  The arguments of clone3() are out of sight:
	 * without it the C library uses clone().
	 */
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				       bits_are(0, CLONE_THREAD, CLONE_THREAD));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return err;
}

static int filter_syscalls(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!ctx)
		return -ENOMEM;
	err = add_rules(ctx);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

static int limit(int resource, rlim_t value)
{
	struct rlimit r = { value, value };

	return setrlimit(resource, &r) < 0 ? -errno : 0;
}

static int set_capabilities(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ .permitted = permitted, .effective = effective },
		{ .permitted = permitted >> 32, .effective = effective >> 32 },
	};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* What a program that is started would have; none is, but it is easily closed. */
static int empty_bounding_set(void)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
			return -errno;
	return 0;
}

/*
 * A user for each domain: processes of one user may read and change each other,
 * which a worker must with its executors, and none must with another domain's.
 */
static int change_user(uint32_t domid)
{
	uid_t id = VSYS_BASE_UID + domid;
	int err;

	if (geteuid() != 0)
		return 0;
	/* Root was not bound by it; the usual one may be too small on a small dom0. */
	err = limit(RLIMIT_NPROC, VSYS_MAX_THREADS);
	if (err)
		return err;
	/* Permitted capabilities stay for now; effective ones go. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int fail(const char *what, int err)
{
	log_err("cannot %s: %s", what, strerror(-err));
	return err;
}

int privileges_enter(const char *dir)
{
	if (geteuid() == 0 && (chroot(dir) < 0 || chdir("/") < 0))
		return fail("enter its directory", -errno);
	return 0;
}

int privileges_change(uint32_t domid, uint64_t caps)
{
	int err = limit(RLIMIT_CORE, 0);

	if (!err)
		err = limit(RLIMIT_NOFILE, VSYS_MAX_FILES);
	if (err)
		return fail("limit resources", err);
	err = empty_bounding_set();
	if (err)
		return fail("empty the bounding set of capabilities", err);
	err = change_user(domid);
	if (err)
		return fail("change to the user of the domain", err);
	err = set_capabilities(caps, 0);
	if (err)
		return fail(caps ? "keep the capabilities that the devices were given" :
			    "drop capabilities", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail("forbid new privileges", -errno);
	/* A change of user cleared this; without it executors are out of reach. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return fail("stay accessible to executors", -errno);
	/* Where Yama is there, it would let a parent look at its children only. */
	if (prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0) < 0 && errno != EINVAL)
		return fail("stay accessible to executors", -errno);
	return 0;
}

int privileges_use(uint64_t caps)
{
	int err = set_capabilities(caps, caps);

	return err ? fail("use the capabilities that the devices were given", err) : 0;
}

int privileges_confine(void)
{
	int err = filter_syscalls();

	return err ? fail("filter system calls", err) : 0;
}
