/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registry.h - which file "xen-vsys create" created a guest from.
 *
 * A directory of symbolic links, one for each guest's name.  The file itself is
 * read again whenever the guest starts.
 */
#ifndef VSYS_REGISTRY_H
#define VSYS_REGISTRY_H

#include <stddef.h>

#include "fault.h"

/* file is an absolute path; an older entry of that name is replaced. */
int registry_add(const char *dir, const char *name, const char *file, struct fault *f);

/* 0, or -ENOENT if there is no entry, or what it names does not exist. */
int registry_lookup(const char *dir, const char *name, char *file, size_t size);

#endif /* VSYS_REGISTRY_H */
