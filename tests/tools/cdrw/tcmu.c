// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcmu.c - the kernel's side, in configfs:
 *
 *   target/core/user_N/NAME                    the backstore; N only keeps drives apart
 *   target/loopback/naa.W/tpgt_1/lun/lun_0/NAME -> the backstore
 *
 * A drive that was killed leaves them behind; the next of the name cleans up first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "tcmu.h"

#define CONFIGFS	"/sys/kernel/config"
#define TARGET		CONFIGFS "/target"
#define HBAS		64

#ifndef CONFIGFS_MAGIC
#define CONFIGFS_MAGIC	0x62656570
#endif

/* Small, for a dom0 that has little: one request is at most 1 MiB. */
#define AREA_MB		32
#define RING_MB		1

__attribute__((format(printf, 2, 3)))
static int failed(struct tcmu *t, const char *fmt, ...)
{
	int ret = -errno;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(t->text, sizeof(t->text), fmt, ap);
	va_end(ap);
	n = strlen(t->text);
	snprintf(t->text + n, sizeof(t->text) - n, ": %s", strerror(-ret));
	return ret;
}

static int write_file(struct tcmu *t, const char *dir, const char *file, const char *text)
{
	char path[600];
	ssize_t put;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(t, "cannot open %s", path);
	put = write(fd, text, strlen(text));
	if (put < 0)
		ret = failed(t, "cannot write '%s' to %s", text, path);
	close(fd);
	return ret;
}

/* The first line; "" if there is none. */
static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static int make_dir(struct tcmu *t, const char *path)
{
	return mkdir(path, 0755) ? failed(t, "cannot make %s", path) : 0;
}

static int configfs_find(struct tcmu *t)
{
	struct statfs fs;

	if (statfs(CONFIGFS, &fs))
		return failed(t, "no %s: is configfs loaded?", CONFIGFS);
	if (fs.f_type != CONFIGFS_MAGIC && mount("none", CONFIGFS, "configfs", 0, NULL))
		return failed(t, "cannot mount configfs");
	if (access(TARGET "/core", F_OK))
		return failed(t, "no %s: modprobe -a target_core_user tcm_loop", TARGET);
	return 0;
}

/* A world-wide name of the drive's own, the same each time. */
static uint64_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 0x100000001b3;
	return h & 0x00ffffffffffffff;
}

static void paths_make(struct tcmu *t)
{
	snprintf(t->wwn, sizeof(t->wwn), TARGET "/loopback/naa.50%014llx",
		 (unsigned long long)hash(t->name));
	snprintf(t->tpg, sizeof(t->tpg), "%s/tpgt_1", t->wwn);
	snprintf(t->lun, sizeof(t->lun), "%s/lun/lun_0", t->tpg);
	snprintf(t->link, sizeof(t->link), "%s/%s", t->lun, t->name);
}

static void store_path(struct tcmu *t, int nr)
{
	snprintf(t->hba, sizeof(t->hba), TARGET "/core/user_%d", nr);
	snprintf(t->store, sizeof(t->store), "%s/%s", t->hba, t->name);
}

/* The uio device whose name is the backstore's: its number, or -1. */
static int uio_find(const struct tcmu *t)
{
	char want[200], path[400], name[400];
	DIR *d = opendir("/sys/class/uio");
	struct dirent *e;
	int nr = -1;

	if (!d)
		return -1;
	snprintf(want, sizeof(want), "tcm-user/%s/%s", strrchr(t->hba, '_') + 1, t->name);
	while (nr < 0 && (e = readdir(d))) {
		if (strncmp(e->d_name, "uio", 3))
			continue;
		snprintf(path, sizeof(path), "/sys/class/uio/%s/name", e->d_name);
		read_file(path, name, sizeof(name));
		if (!strcmp(name, want))
			nr = atoi(e->d_name + 3);
	}
	closedir(d);
	return nr;
}

/* A ring has one user: it tells a drive that runs from what one left behind. */
static bool running(struct tcmu *t)
{
	bool busy = false;

	for (int i = 0; i < HBAS && !busy; i++) {
		char path[100];
		int nr, fd;

		store_path(t, i);
		nr = uio_find(t);
		if (nr < 0)
			continue;
		snprintf(path, sizeof(path), "/dev/uio%d", nr);
		fd = open(path, O_RDWR | O_CLOEXEC);
		busy = fd < 0 && errno == EBUSY;
		if (fd >= 0)
			close(fd);
	}
	return busy;
}

/* All of it, whatever is there.  Commands that nobody answers end by their time-out. */
static void leftovers_remove(struct tcmu *t)
{
	unlink(t->link);
	rmdir(t->lun);
	rmdir(t->tpg);
	rmdir(t->wwn);
	for (int i = 0; i < HBAS; i++) {
		store_path(t, i);
		if (!rmdir(t->store))
			rmdir(t->hba);
	}
}

static int store_make(struct tcmu *t, uint64_t bytes)
{
	char text[200];
	int ret;

	for (int i = 0; i < HBAS; i++) {
		store_path(t, i);
		if (!mkdir(t->hba, 0755))
			break;
		if (errno != EEXIST || i == HBAS - 1) {
			ret = failed(t, "cannot make %s (target_core_user?)", t->hba);
			t->hba[0] = '\0';
			return ret;
		}
	}
	ret = make_dir(t, t->store);
	if (ret) {
		rmdir(t->hba);
		return ret;
	}
	/* No daemon is asked by netlink whether that is well. */
	snprintf(text, sizeof(text), "dev_size=%llu,hw_block_size=2048,max_data_area_mb=%d,"
		 "cmd_ring_size_mb=%d,nl_reply_supported=-1", (unsigned long long)bytes,
		 AREA_MB, RING_MB);
	ret = write_file(t, t->store, "control", text);
	return ret ?: write_file(t, t->store, "enable", "1");
}

static int ring_map(struct tcmu *t)
{
	char path[100], text[100];
	int nr = uio_find(t);

	if (nr < 0) {
		errno = ENODEV;
		return failed(t, "no uio device for %s", t->store);
	}
	snprintf(path, sizeof(path), "/sys/class/uio/uio%d/maps/map0/size", nr);
	read_file(path, text, sizeof(text));
	t->size = strtoull(text, NULL, 0);
	snprintf(path, sizeof(path), "/dev/uio%d", nr);
	t->uio = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->uio < 0)
		return failed(t, "cannot open %s", path);
	/* The kernel takes no other size. */
	t->map = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->uio, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return failed(t, "cannot map %s", path);
	}
	return 0;
}

int tcmu_open(struct tcmu *t, const char *name, uint64_t bytes)
{
	int ret;

	memset(t, 0, sizeof(*t));
	t->uio = -1;
	if (!*name || strlen(name) >= sizeof(t->name) || strpbrk(name, "/, \n") || *name == '.') {
		errno = EINVAL;
		return failed(t, "'%s' is no name for a drive", name);
	}
	strcpy(t->name, name);
	ret = configfs_find(t);
	if (ret)
		return ret;
	paths_make(t);
	if (running(t)) {
		t->hba[0] = '\0';
		errno = EBUSY;
		return failed(t, "there is a drive of the name '%s'", t->name);
	}
	leftovers_remove(t);
	ret = store_make(t, bytes);
	if (!ret)
		ret = ring_map(t);
	if (ret)
		tcmu_close(t);
	return ret;
}

int tcmu_close(struct tcmu *t)
{
	if (t->map)
		munmap(t->map, t->size);
	if (t->uio >= 0)
		close(t->uio);
	t->map = NULL;
	t->uio = -1;
	if (!t->hba[0])
		return 0;
	/* The first error of several is the one to tell. */
	if (rmdir(t->store) && !t->text[0])
		return failed(t, "cannot remove %s", t->store);
	if (rmdir(t->hba) && !t->text[0])
		return failed(t, "cannot remove %s", t->hba);
	return 0;
}

static int host_make(struct tcmu *t)
{
	char text[100];
	int ret;

	/* There if another drive is; made here, it stays. */
	if (mkdir(TARGET "/loopback", 0755) && errno != EEXIST)
		return failed(t, "cannot make %s/loopback: modprobe tcm_loop", TARGET);
	ret = make_dir(t, t->wwn) ?: make_dir(t, t->tpg);
	if (ret)
		return ret;
	/* The initiator's name; any of the kind will do. */
	snprintf(text, sizeof(text), "naa.51%014llx", (unsigned long long)hash(t->name));
	return write_file(t, t->tpg, "nexus", text) ?: make_dir(t, t->lun);
}

int tcmu_link(struct tcmu *t)
{
	int ret = host_make(t);

	if (!ret && symlink(t->store, t->link))
		ret = failed(t, "cannot link %s to %s", t->link, t->store);
	if (ret) {
		rmdir(t->lun);
		rmdir(t->tpg);
		rmdir(t->wwn);
	}
	return ret;
}

int tcmu_unlink(struct tcmu *t)
{
	t->text[0] = '\0';
	if (unlink(t->link))
		return failed(t, "cannot remove %s", t->link);
	if (rmdir(t->lun))
		return failed(t, "cannot remove %s", t->lun);
	if (rmdir(t->tpg))
		return failed(t, "cannot remove %s", t->tpg);
	if (rmdir(t->wwn))
		return failed(t, "cannot remove %s", t->wwn);
	return 0;
}

int tcmu_hear(struct tcmu *t)
{
	int32_t nr;

	/* The number of calls so far, of which nothing follows. */
	if (read(t->uio, &nr, sizeof(nr)) < 0 && errno != EAGAIN && errno != EINTR)
		return failed(t, "the kernel has closed the ring");
	return 0;
}

int tcmu_tell(struct tcmu *t)
{
	int32_t on = 1;

	if (write(t->uio, &on, sizeof(on)) < 0)
		return failed(t, "cannot tell the kernel of answers");
	return 0;
}

static void nodes_add(const char *device, const char *class, char *text, size_t size)
{
	char path[400];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/bus/scsi/devices/%s/%s", device, class);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		size_t n = strlen(text);

		if (e->d_name[0] != '.')
			snprintf(text + n, size - n, "%s%s", n ? " " : "", e->d_name);
	}
	if (d)
		closedir(d);
}

void tcmu_nodes(const struct tcmu *t, char *text, size_t size)
{
	char path[400], address[60];

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/address", t->tpg);
	read_file(path, address, sizeof(address) - 2);
	if (!*address)
		return;
	strcat(address, ":0");	/* host:channel:target, and the LUN */
	nodes_add(address, "block", text, size);
	nodes_add(address, "scsi_generic", text, size);
}
