/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wire-errno.h - errors of this system and errors of the wire. */
#ifndef VSYS_WIRE_ERRNO_H
#define VSYS_WIRE_ERRNO_H

#include <stdint.h>

/* Both take and give 0 or a negative number. */
int32_t vsys_status_of(long native);
int vsys_native_of(int32_t status);

#endif /* VSYS_WIRE_ERRNO_H */
