// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wire-errno.c - errors of this system and errors of the wire.
 *
 * On Linux the two have the same numbers, which the compiler checks here.  What
 * the protocol does not know becomes EIO.  The kernel's own numbers from 512 up
 * (a restarted system call, a driver that returns ENOTSUPP) do not leave it.
 */
#include <errno.h>
#include <xen/io/vsysif.h>

#include "wire-errno.h"

#define SAME_NUMBER(name, number) \
	_Static_assert(name == (number), #name " differs on this system");
VSYS_ERRNO_TABLE(SAME_NUMBER)

/* linux/errno.h: not for user space, but io_uring passes a few on. */
enum {
	KERNEL_ERESTARTSYS = 512,
	KERNEL_ERESTARTNOINTR = 513,
	KERNEL_ERESTARTNOHAND = 514,
	KERNEL_ERESTART_RESTARTBLOCK = 516,
	KERNEL_ENOTSUPP = 524,
};

int32_t vsys_status_of(long native)
{
	switch (-native) {
	case 0:
		return 0;
#define NATIVE_TO_WIRE(name, number) case name: return -VSYS_##name;
	VSYS_ERRNO_TABLE(NATIVE_TO_WIRE)
	case KERNEL_ERESTARTSYS:
	case KERNEL_ERESTARTNOINTR:
	case KERNEL_ERESTARTNOHAND:
	case KERNEL_ERESTART_RESTARTBLOCK:
		return -VSYS_EINTR;
	case KERNEL_ENOTSUPP:
		return -VSYS_EOPNOTSUPP;
	default:
		return -VSYS_EIO;
	}
}

int vsys_native_of(int32_t status)
{
	switch (-status) {
	case 0:
		return 0;
#define WIRE_TO_NATIVE(name, number) case VSYS_##name: return -name;
	VSYS_ERRNO_TABLE(WIRE_TO_NATIVE)
	default:
		return -EIO;
	}
}
