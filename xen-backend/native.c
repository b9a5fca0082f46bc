// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * native.c - class and limits of a device node; see native.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "native.h"

const char *native_sysfs = "/sys";

static bool read_attr(const char *dir, const char *attr, char *buf, size_t size)
{
	char path[PATH_MAX];
	bool ok;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, attr);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(buf, size, file);
	fclose(file);
	return ok;
}

static uint64_t read_number(const char *dir, const char *attr, uint64_t otherwise)
{
	char text[64], *end;
	uint64_t value;

	if (!read_attr(dir, attr, text, sizeof(text)))
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || end == text ? otherwise : value;
}

/* A partition has no queue of its own; that of its disk is one level up. */
static void find_disk(const char *dir, char *disk, size_t size)
{
	char queue[PATH_MAX];

	snprintf(queue, sizeof(queue), "%s/queue", dir);
	snprintf(disk, size, access(queue, F_OK) ? "%s/.." : "%s", dir);
}

static void read_limits(struct native_limits *l, dev_t rdev)
{
	char dir[128], disk[160], queue[192], text[64];

	snprintf(dir, sizeof(dir), "%s/dev/block/%u:%u", native_sysfs,
		 major(rdev), minor(rdev));
	find_disk(dir, disk, sizeof(disk));
	snprintf(queue, sizeof(queue), "%s/queue", disk);

	l->sectors = read_number(dir, "size", 0);
	l->sector_size = read_number(queue, "logical_block_size", 512);
	l->physical_sector_size = read_number(queue, "physical_block_size", l->sector_size);
	l->minimum_io_size = read_number(queue, "minimum_io_size", l->physical_sector_size);
	l->optimal_io_size = read_number(queue, "optimal_io_size", 0);
	l->discard_granularity = read_number(queue, "discard_granularity", 0);
	l->discard_max_bytes = read_number(queue, "discard_max_bytes", 0);
	l->write_zeroes_max_bytes = read_number(queue, "write_zeroes_max_bytes", 0);
	l->rotational = read_number(queue, "rotational", 0) != 0;
	l->removable = read_number(disk, "removable", 0) != 0;
	l->read_only = read_number(dir, "ro", 0) != 0;
	l->flush = read_attr(queue, "write_cache", text, sizeof(text)) &&
		   !strncmp(text, "write back", strlen("write back"));
}

bool native_refresh(struct native *n)
{
	struct native_limits old = n->limits;

	_Static_assert(sizeof(old) == 8 * sizeof(uint64_t) + 4 * sizeof(uint32_t), "padding");
	memset(&n->limits, 0, sizeof(n->limits));
	if (n->class == VSYS_CLASS_BLOCK)
		read_limits(&n->limits, n->rdev);
	return memcmp(&old, &n->limits, sizeof(old));
}

static int resolve(struct native *n, const char *dev, struct fault *f)
{
	char path[PATH_MAX];

	if (!realpath(dev, path)) {
		if (errno == ENOENT || errno == ENOTDIR)
			return fault(f, -ENOENT, "dev '%s' does not exist", dev);
		return fault(f, -errno, "dev '%s' cannot be looked up: %s", dev,
			     strerror(errno));
	}
	if (strlen(path) >= sizeof(n->path))
		return fault(f, -ENAMETOOLONG, "dev '%s' leads to a path that is too long", dev);
	strcpy(n->path, path);
	return 0;
}

/* Limits that the protocol cannot express.  Linux has none such today. */
static int check_limits(const struct native *n, const struct stanza *s, struct fault *f)
{
	const struct native_limits *l = &n->limits;

	if (n->class != VSYS_CLASS_BLOCK)
		return 0;
	if (l->sector_size < VSYS_MIN_SECTOR_SIZE || l->sector_size > VSYS_MAX_SECTOR_SIZE ||
	    (l->sector_size & (l->sector_size - 1)))
		return fault(f, -EOPNOTSUPP, "dev '%s' has sectors of %llu bytes", s->dev,
			     (unsigned long long)l->sector_size);
	return 0;
}

/* The supervisor is root, so access() only finds what nobody may do. */
static int check_mode(const struct native *n, const struct stanza *s, struct fault *f)
{
	int wanted = (stanza_reads(s) ? R_OK : 0) | (stanza_writes(s) ? W_OK : 0);

	if (n->class == VSYS_CLASS_BLOCK && s->native_numbers)
		return fault(f, -EINVAL, "numbers=native is for character devices, '%s' is a block device",
			     s->dev);
	if (n->class == VSYS_CLASS_BLOCK && s->mode == VSYS_MODE_WO)
		return fault(f, -EINVAL, "mode wo: dev '%s' is a block device", s->dev);
	/* Of a removable medium its next open says so: there may be another one by then. */
	if (stanza_writes(s) && n->limits.read_only && !n->limits.removable)
		return fault(f, -EROFS, "mode %s: dev '%s' is read-only",
			     vsys_mode_name(s->mode), s->dev);
	if (access(n->path, wanted))
		return fault(f, -errno, "mode %s: dev '%s': %s", vsys_mode_name(s->mode),
			     s->dev, strerror(errno));
	return 0;
}

int native_probe(struct native *n, const struct stanza *s, struct fault *f)
{
	struct stat st;
	int err;

	memset(n, 0, sizeof(*n));
	if (s->is_ports) {
		n->class = VSYS_CLASS_PORTS;
		strcpy(n->path, s->dev);
		return 0;
	}
	err = resolve(n, s->dev, f);
	if (err)
		return err;
	if (stat(n->path, &st))
		return fault(f, -errno, "dev '%s': %s", s->dev, strerror(errno));
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return fault(f, -ENOTTY, "dev '%s' is not a device node", s->dev);
	n->class = S_ISBLK(st.st_mode) ? VSYS_CLASS_BLOCK : VSYS_CLASS_CHAR;
	n->rdev = st.st_rdev;
	native_refresh(n);
	err = check_limits(n, s, f);
	return err ? err : check_mode(n, s, f);
}
