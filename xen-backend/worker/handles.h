/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handles.h - the open files of one device.
 *
 * The guest names an open file by a small number, which is looked up here and
 * nowhere else.  A number is used again after its file was closed: a guest that
 * keeps a stale one reaches another file of its own, never that of a stranger.
 */
#ifndef VSYS_HANDLES_H
#define VSYS_HANDLES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "threads.h"

struct mirror;
struct request;
LIST_HEAD(request_list, request);

struct handle {
	struct handles *table;
	uint32_t number;
	int fd;

	/* What the native file is, found out when it was opened. */
	bool block;		/* a block node */
	bool lseek, pread, pwrite;
	bool polls;		/* the driver has poll(): no reading by io_uring */
	bool opened;		/* by the node, not made by a call */
	uint32_t era;		/* ... as the supervisor counts */
	/*
	 * Whether readv() and writev() are one call for the driver, or as many
	 * as there are pieces; found out by the first that has several.
	 */
	enum { VECTOR_UNKNOWN = 0, VECTOR_WHOLE, VECTOR_PIECES } readv, writev;
	uint32_t oflags;	/* VSYS_O_* of the native file now */

	/* The native position, as far as we know it. */
	bool pos_known;
	int64_t pos;

	struct request_list requests;		/* in flight */
	unsigned int nr_curpos;			/* ... that use the position */

	unsigned int holds;			/* calls that go on */
	unsigned int copies;			/* closes of executors' descriptors, under way */

	/* own.c */
	struct mirror *opener;			/* whose lane has opened it; NULL: none */
	LIST_ENTRY(handle) of_opener;
	bool own_tried;

	/* No request finds the handle any more once this is set. */
	bool closing;
	struct request *release;		/* who asked; NULL: the device stops */
	struct thread_job close_job;
};

struct handles {
	struct handle **slot;	/* [number - 1] */
	uint32_t nr_slots;
	uint32_t nr;		/* open, reserved and closing */
	uint32_t hint;		/* no free slot below */
};

/* A number for a file that is being opened.  NULL and errno: EMFILE, ENOMEM. */
struct handle *handle_reserve(struct handles *t);
/* The file came: learn what it can do.  probe_fd is an epoll descriptor. */
void handle_open(struct handle *h, int fd, uint32_t oflags, bool block, int probe_fd);
/* The number is free again; the file has been closed or never came. */
void handle_free(struct handle *h);

/* NULL if the number names no open file. */
struct handle *handle_get(struct handles *t, uint32_t number);
/* The open and closing ones, one after another; start with *i == 0. */
struct handle *handle_next(struct handles *t, uint32_t *i);
void handles_exit(struct handles *t);

/* Make the native position pos: 0 or negative errno. */
int handle_seek_to(struct handle *h, int64_t pos);
/* Ask the native file for its position; negative errno if it has none. */
int64_t handle_learn_pos(struct handle *h);
/* Give the native file the status flags of the guest's file. */
int handle_set_flags(struct handle *h, uint32_t oflags);

#endif /* VSYS_HANDLES_H */
