/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor.h - what the parts of xen-vsysd share.
 *
 * supervisor.c turns XenStore's events into calls: domains come, go and get
 * names (domain.c), front-ends change their state (device.c).
 */
#ifndef VSYS_SUPERVISOR_H
#define VSYS_SUPERVISOR_H

#include <stdint.h>
#include <sys/queue.h>

#include "config.h"
#include "device.h"
#include "domain.h"
#include "loop.h"
#include "policy.h"
#include "worker-proc.h"
#include "xs.h"

/* The domain in which this runs. */
#define BACKEND_DOMID 0

/* Each event looks for its domain. */
#define DOMAIN_BUCKETS 1024

struct supervisor {
	struct loop *loop;
	struct xst *xs;
	struct loop_fd xs_event;

	struct config_paths config;
	struct policy_paths policy;
	const char *worker_path;	/* program of the workers */
	uint32_t spin_us;		/* how long they look for requests, at most */
	const char *ports_path;		/* ... and of port executors */
	const char *record_path;	/* see record.h */
	const char *jail_path;		/* see jail.h; NULL: workers have none */

	struct domain_list domains;
	struct domain_bucket by_domid[DOMAIN_BUCKETS], by_serial[DOMAIN_BUCKETS];
	unsigned int nr_domains, nr_devices;
	struct worker_list workers;
	uint64_t serial;		/* of the next domain */

	/* Devices with exclusive=: most opens have to look at these only. */
	struct device_queue exclusives;

	/* Which domains have died is not asked for before this. */
	int64_t next_look;
	struct loop_timer look_timer;

	/* Devices whose front-end changed its state: one is served per turn. */
	struct device_queue changed;
	struct loop_timer changed_work;

	/* Opens that wait for those of others, first come first served. */
	struct open_queue waiting;
	struct loop_timer waiting_timer;
	bool serving, serve_again;

	bool started;
	bool stopping;
	bool lost;			/* XenStore is gone */
};

/*
 * Removes what an earlier instance left in XenStore, then attaches to every
 * domain there is what its configuration and the record say.
 */
int supervisor_start(struct supervisor *sup);

/* Disconnects all devices; their nodes stay, for the next start. */
void supervisor_stop(struct supervisor *sup);
void supervisor_free(struct supervisor *sup);

/* The guest wrote the state node of this device; costs nothing if known already. */
void supervisor_device_changed(struct supervisor *sup, struct device *d);

/* Looks which domains there are now. */
void supervisor_scan(struct supervisor *sup);

struct domain *supervisor_domain(struct supervisor *sup, uint32_t domid);
struct domain *supervisor_domain_by_serial(struct supervisor *sup, uint64_t serial);

#endif /* VSYS_SUPERVISOR_H */
