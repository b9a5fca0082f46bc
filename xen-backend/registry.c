// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * registry.c - links from guests' names to their files; see registry.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry.h"

/*
 * A name may hold any byte: all but letters, digits, '-' and '_' are written as
 * %XX, so that no name leaves the directory or is hidden in it.
 */
static int link_path(char *path, size_t size, const char *dir, const char *name,
		     const char *suffix)
{
	size_t len = snprintf(path, size, "%s/", dir);

	for (; *name && len < size; name++) {
		unsigned char c = *name;
		int plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || c == '-' || c == '_';

		len += snprintf(path + len, size - len, plain ? "%c" : "%%%02x", c);
	}
	if (len < size)
		len += snprintf(path + len, size - len, "%s", suffix);
	return len < size ? 0 : -ENAMETOOLONG;
}

int registry_add(const char *dir, const char *name, const char *file, struct fault *f)
{
	char path[PATH_MAX], new[PATH_MAX];

	if (link_path(path, sizeof(path), dir, name, ".cfg") ||
	    link_path(new, sizeof(new), dir, name, ".new"))
		return fault(f, -ENAMETOOLONG, "%s: the name '%s' is too long", file, name);
	if (mkdir(dir, 0755) && errno != EEXIST)
		return fault(f, -errno, "%s: %s", dir, strerror(errno));
	unlink(new);
	if (symlink(file, new) || rename(new, path))
		return fault(f, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int registry_lookup(const char *dir, const char *name, char *file, size_t size)
{
	char path[PATH_MAX];
	ssize_t len;

	if (link_path(path, sizeof(path), dir, name, ".cfg"))
		return -ENOENT;
	len = readlink(path, file, size - 1);
	if (len <= 0)
		return -ENOENT;
	file[len] = '\0';
	return access(file, F_OK) ? -ENOENT : 0;
}
