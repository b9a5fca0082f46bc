/* SPDX-License-Identifier: GPL-2.0-or-later */
/* container.h - from an embedded member to the structure that has it. */
#ifndef VSYS_CONTAINER_H
#define VSYS_CONTAINER_H

#include <stddef.h>

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#endif /* VSYS_CONTAINER_H */
