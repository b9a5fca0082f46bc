/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.h - a guest: its name, its configuration, its devices, its worker.
 *
 * Everything that belongs to a guest hangs on its struct domain and ends with
 * it, because the number (domid) is used again.
 */
#ifndef VSYS_DOMAIN_H
#define VSYS_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "device.h"
#include "fault.h"
#include "limits.h"
#include "log.h"
#include "open.h"

struct supervisor;
struct worker;

TAILQ_HEAD(domain_list, domain);
LIST_HEAD(domain_bucket, domain);

struct domain {
	TAILQ_ENTRY(domain) link;
	LIST_ENTRY(domain) by_domid, by_serial;
	struct supervisor *sup;
	uint32_t domid;
	uint64_t serial;	/* never used again, unlike domid */
	char *vm;		/* path of the virtual machine, with its UUID */
	char *name;		/* NULL until it is known */
	/* For what the guest can cause: news must not keep errors out of the log. */
	struct log_limit limit, news;

	/* What the configuration file said. */
	bool configured;
	unsigned int nr_faults;
	char *faults[LIMIT_FAULTS];

	struct device_list devices;
	unsigned int nr_devices;
	uint32_t next_devid;

	struct worker *worker;
	int64_t deaths[LIMIT_RESPAWNS];	/* of workers: times in ms, the latest */
	bool down;			/* died too often */
	bool dead;			/* seen by a look, which then frees it */

	struct open_list opens;		/* in flight, abandoned ones too */
	unsigned int nr_opens;
};

/* Starts to follow a domain that xenstored knows. */
struct domain *domain_new(struct supervisor *sup, uint32_t domid);

/* The domain is gone: everything of it is removed and freed. */
void domain_gone(struct domain *dom);
/* Frees it without a touch of XenStore: the daemon ends. */
void domain_free(struct domain *dom);

/* Its name node was written. */
void domain_name_changed(struct domain *dom);

/* Whether domid still means this domain. */
bool domain_is_current(const struct domain *dom);

/* "where" is the origin of the stanza, for the sentence of a fault. */
struct device *domain_attach(struct domain *dom, const char *stanza, enum device_origin origin,
			     const char *where, struct fault *f);

struct device *domain_device(struct domain *dom, uint32_t devid);
/* By devid, name in the guest, or path on the host. */
struct device *domain_find_device(struct domain *dom, const char *text);
struct device *domain_device_by_name(struct domain *dom, const char *name);

/* A device went, or did not come: without devices there is no worker. */
void domain_device_gone(struct domain *dom);

/* Its worker, started if there is none; NULL if that fails. */
struct worker *domain_worker(struct domain *dom, struct fault *f);
/* The process ended; its devices are lost to their guests. */
void domain_worker_died(struct domain *dom, const char *how);

/* For messages: "domain 3 (name)". */
const char *domain_label(const struct domain *dom);

#endif /* VSYS_DOMAIN_H */
