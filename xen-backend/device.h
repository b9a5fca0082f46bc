/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.h - one device of a guest: the states it goes through.
 *
 * This is the control plane only.  What a state means to rings, pool and open
 * files is the worker's business; all that passes between them is in ipc.h.
 */
#ifndef VSYS_DEVICE_H
#define VSYS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <xen/io/xenbus.h>

#include "fault.h"
#include "ipc.h"
#include "loop.h"
#include "native.h"
#include "stanza.h"
#include "xs.h"

struct domain;

TAILQ_HEAD(device_list, device);
TAILQ_HEAD(device_queue, device);

enum device_origin {
	ORIGIN_CONFIG,
	ORIGIN_COMMAND,		/* xen-vsys attach */
};

/* What the worker holds of the device, and so what may be done next. */
enum device_state {
	DEV_WAIT,		/* nothing; the front-end may connect */
	DEV_CONNECTING,		/* told to connect */
	DEV_CONNECTED,
	DEV_DISCONNECTING,	/* told to disconnect */
	DEV_CLOSED,		/* nothing; the front-end has to start over */
	DEV_NR_STATES,
};

/* The front-end's state node, as far as it matters here. */
enum device_front {
	FRONT_GONE,		/* no node */
	FRONT_INIT,		/* Initialising, InitWait */
	FRONT_READY,		/* Initialised: its nodes are written */
	FRONT_CONNECTED,
	FRONT_CLOSING,
	FRONT_CLOSED,		/* also Unknown */
	FRONT_BAD,		/* anything else */
	FRONT_NR,
};

struct device {
	TAILQ_ENTRY(device) link;
	TAILQ_ENTRY(device) changed_link;
	TAILQ_ENTRY(device) exclusive_link;
	struct domain *domain;
	uint32_t devid;
	enum device_origin origin;
	struct stanza stanza;
	struct native native;
	int policy;			/* what a worker gets of it; -1: no ioctl */

	/* XenStore */
	char back[XST_PATH];
	char front_path[XST_PATH];
	char front_watch[XST_PATH];
	char token[XST_TOKEN];
	enum xenbus_state published;	/* in our state node */
	bool changed;			/* in the supervisor's queue */

	/* States */
	enum device_state state;
	enum device_front front;
	bool online;			/* false: on its way out */
	bool forced;			/* the front-end had its time */
	bool failed;			/* stays closed until it is detached */
	bool reattach;			/* attach it afresh when it is out */
	bool keep_nodes;		/* the daemon ends: the next one removes them */
	char reason[FAULT_SIZE];	/* of failed */
	unsigned int shows;		/* how often the guest was shown it again */
	struct loop_timer show_timer;
	struct loop_timer detach_timer;
	struct loop_timer down_timer;

	/* ports-proc.c: of class ports, while a worker holds it */
	pid_t ports_pid;		/* 0: none */
	struct loop_fd ports_exit;	/* pidfd */
	int pirq;			/* irq.c: the guest's number; -1: none */

	/* share.c: who has it open */
	unsigned int opens;		/* native ones, also those under way */
	dev_t open_rdev;		/* of what */
	uint32_t era;			/* opens of earlier connections don't count */
	int claim;			/* O_EXCL, or -1 */
	dev_t claim_rdev;		/* of which */
	bool claiming;			/* that is being opened */
	uint32_t ping;
	bool pinged;			/* an answer is due */
	struct loop_timer ping_timer;

	uint32_t media_changes, eject_requests;	/* media.c: as in XenStore */

	/* How often the front-end started over, less what time has earned it. */
	unsigned int revivals;
	int64_t revivals_since;
	struct loop_timer revival_timer;

	/* The worker's counters; asked: the answer is not here yet. */
	bool stats_asked;
	struct vsys_counters counters;
};

/* Writes both sides' nodes and waits for the front-end. */
struct device *device_attach(struct domain *dom, uint32_t devid, const struct stanza *s,
			     const struct native *n, enum device_origin origin,
			     struct fault *f);

/*
 * Removes the device, in order if the front-end takes part within
 * LIMIT_DETACH_MS.  It frees itself when that is done.
 */
void device_detach(struct device *d);
/* The same, and then attaches it again as a new device. */
void device_reattach(struct device *d);
/* The daemon ends: the same, but the nodes stay. */
void device_shut(struct device *d);

/* Frees the device at once; XenStore is not touched. */
void device_free(struct device *d);

/* The front-end's state node was written. */
void device_front_changed(struct device *d);

/* The worker said so.  false: it cannot be; the worker is broken. */
bool device_up(struct device *d);
bool device_down(struct device *d);
/* What it needs in this domain cannot be had. */
void device_fail(struct device *d, const char *reason);
bool device_worker_failed(struct device *d, const char *reason);

/* The worker is gone, and all that it held. */
void device_worker_died(struct device *d, const char *how);

/* Whether the worker holds it or is told to: then it may speak of it. */
bool device_is_active(const struct device *d);

void device_ask_stats(struct device *d);

const char *device_state_name(const struct device *d);

#endif /* VSYS_DEVICE_H */
