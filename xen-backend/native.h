/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * native.h - what this machine says about a device node: class and limits.
 *
 * Nothing is opened: an open may block, has effects on some devices, and would
 * disturb whoever has the device for himself.  Limits come from sysfs.
 */
#ifndef VSYS_NATIVE_H
#define VSYS_NATIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"
#include "stanza.h"

/* Of a block node; names and units are those of the XenStore keys. */
struct native_limits {
	uint64_t sectors;
	uint64_t sector_size;
	uint64_t physical_sector_size;
	uint64_t minimum_io_size;
	uint64_t optimal_io_size;
	uint64_t discard_granularity;
	uint64_t discard_max_bytes;
	uint64_t write_zeroes_max_bytes;
	/* 0 or 1; of a size that leaves no padding, as they are compared as bytes. */
	uint32_t rotational;
	uint32_t removable;
	uint32_t read_only;
	uint32_t flush;
};

struct native {
	char path[STANZA_DEV];	/* after symbolic links; of ports: as the stanza's dev */
	enum vsys_class class;
	dev_t rdev;
	struct native_limits limits;
};

/* Fails if the node is not there, is no device, or does not allow the mode. */
int native_probe(struct native *n, const struct stanza *s, struct fault *f);

/* Reads the limits again; whether they changed, as with another medium. */
bool native_refresh(struct native *n);

/* Where sysfs is, for tests. */
extern const char *native_sysfs;

#endif /* VSYS_NATIVE_H */
