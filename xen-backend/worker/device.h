/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.h - one connected device of the guest.
 *
 * A device exists from IPC_CONNECT until the answer that it is gone.  However
 * many reasons there are to stop it (protocol violation, IPC_DISCONNECT, both,
 * twice), it is taken down once.
 */
#ifndef VSYS_DEVICE_H
#define VSYS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../ipc.h"
#include "handles.h"
#include "limits.h"
#include "mirror.h"
#include "policy.h"
#include "ring.h"

struct worker;

struct device {
	struct worker *worker;
	LIST_ENTRY(device) of_worker;
	uint32_t devid;

	bool block;
	bool readable, writable;
	bool discard;
	bool ioctl, poll;		/* features in use */
	bool pointers;			/* MIRROR_READ and MIRROR_WRITE */
	struct policy *policy;		/* NULL unless ioctl */
	struct ports *ports;		/* NULL unless it is a range of ports */

	unsigned int nr_queues;
	struct queue queue[VSYS_IPC_MAX_QUEUES];
	struct coalesce_shared coalesce;

	struct mm_list mms;
	bool late_warned;		/* calls.c: once is enough */
	bool pool_warned;		/* pool.c: the same */

	struct handles handles;
	struct request_list opening;	/* OPENs that the supervisor has */
	unsigned int in_flight;		/* requests of all queues */
	struct vsys_counters counters;

	bool stopping;
	bool report_failed, report_down;	/* what to say when it has stopped */
	char reason[VSYS_IPC_REASON];
	int64_t stop_since;		/* ms */
	bool stop_warned;
};

LIST_HEAD(device_list, device);

struct device *device_find(struct worker *w, uint32_t devid);

/* The supervisor's requests.  They answer by messages.  fd came along, and is taken. */
void device_connect(struct worker *w, const struct vsys_ipc *msg, int fd);
void device_disconnect(struct worker *w, uint32_t devid);
void device_counters(struct worker *w, uint32_t devid);
/* What the supervisor opened is closed. */
void device_file_closed(struct worker *w, uint32_t devid, uint32_t era);
void device_opened(struct worker *w, const struct vsys_ipc *msg, int fd);

/* The peer broke the protocol. */
void device_fail(struct device *dev, const char *reason);

/* Go on taking down what stops; in the main loop, outside of callbacks. */
void devices_reap(struct worker *w);

#endif /* VSYS_DEVICE_H */
