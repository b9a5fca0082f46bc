// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * jail.c - the directories that are all of the file system to workers; see jail.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ipc.h"
#include "jail.h"

#define JAIL_PATH	256

static int jail_path(char *path, const char *base, uint32_t domid)
{
	int n = snprintf(path, JAIL_PATH, "%s/%u", base, domid);

	return n < 0 || n >= JAIL_PATH ? -ENAMETOOLONG : 0;
}

static int make_directory(const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	/* Nobody but root writes here or lists it, whatever the umask. */
	return chmod(path, 0711) ? -errno : 0;
}

int jail_make(const char *base, uint32_t domid)
{
	char path[JAIL_PATH];
	int err;

	if (!base)
		return 0;
	err = jail_path(path, base, domid);
	if (!err)
		err = make_directory(base);
	return err ? err : make_directory(path);
}

static int open_jail(const char *base, uint32_t domid)
{
	char path[JAIL_PATH];
	int err = jail_path(path, base, domid), fd;

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_node(int dir, const char *name, dev_t rdev, mode_t mode)
{
	struct stat st;

	return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == rdev && (st.st_mode & 0777) == mode;
}

static int make_node(int dir, const char *name, dev_t rdev, mode_t mode, uid_t uid)
{
	if (is_node(dir, name, rdev, mode))
		return 0;
	unlinkat(dir, name, 0);
	/* Not with the final rights: the umask is in the way. */
	if (mknodat(dir, name, S_IFCHR, rdev) || fchmodat(dir, name, mode, 0) ||
	    fchownat(dir, name, uid, uid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

int jail_add_node(const char *base, uint32_t domid, uint32_t devid, dev_t rdev, bool reads,
		  bool writes)
{
	mode_t mode = (reads ? 0400 : 0) | (writes ? 0200 : 0);
	char name[16];
	int dir, err;

	if (!base)
		return 0;
	dir = open_jail(base, domid);
	if (dir < 0)
		return dir;
	snprintf(name, sizeof(name), "%u", devid);
	err = make_node(dir, name, rdev, mode, VSYS_BASE_UID + domid);
	if (err)
		unlinkat(dir, name, 0);
	close(dir);
	return err;
}

void jail_remove_node(const char *base, uint32_t domid, uint32_t devid)
{
	char name[16];
	int dir;

	if (!base)
		return;
	dir = open_jail(base, domid);
	if (dir < 0)
		return;
	snprintf(name, sizeof(name), "%u", devid);
	unlinkat(dir, name, 0);
	close(dir);
}

static void empty(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;

	if (!dir) {
		close(fd);
		return;
	}
	while ((e = readdir(dir)))
		unlinkat(fd, e->d_name, 0);	/* not "." and "..", which are directories */
	closedir(dir);
}

void jail_remove(const char *base, uint32_t domid)
{
	char path[JAIL_PATH];
	int fd;

	if (!base || jail_path(path, base, domid))
		return;
	fd = open_jail(base, domid);
	if (fd < 0)
		return;
	empty(fd);
	rmdir(path);
}

void jail_clear(const char *base)
{
	DIR *dir = base ? opendir(base) : NULL;
	const struct dirent *e;
	unsigned int domid;
	char rest;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (sscanf(e->d_name, "%u%c", &domid, &rest) == 1)
			jail_remove(base, domid);
	closedir(dir);
	rmdir(base);
}
