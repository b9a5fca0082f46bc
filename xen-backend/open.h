/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open.h - opens native nodes for workers.
 *
 * A worker names a device, never a path; the path is the administrator's.  Each
 * open is carried out without blocking the supervisor, may be cancelled, and
 * ends with exactly one IPC_OPENED.  The descriptor goes to the worker and is
 * closed here before the next event is looked at.
 */
#ifndef VSYS_OPEN_H
#define VSYS_OPEN_H

#include <stdint.h>
#include <sys/queue.h>

struct device;
struct domain;
struct open_request;

struct supervisor;

LIST_HEAD(open_list, open_request);
TAILQ_HEAD(open_queue, open_request);

/* Answers at once if it cannot be tried. */
void open_start(struct device *d, uint32_t cookie, uint32_t oflags);
/* An unknown cookie is no error: the open may just have ended. */
void open_cancel(struct device *d, uint32_t cookie);
/* The device is disconnecting: all its opens end early. */
void open_cancel_all(struct device *d);
/* Ends all of a device without answers: nobody waits for them any more. */
void open_abandon(struct device *d);
/*
 * exclusive=attach, of a block node: this domain's own users are kept out from now on,
 * until the device is freed; if they have it, the device fails.
 */
void open_claim_attached(struct device *d);
/* The device is about to be freed. */
void open_give_up_claim(struct device *d);
/* Those that wait for others (share.h) are looked at. */
void opens_serve(struct supervisor *sup);
/* How many opens of others are before the first one of d that waits; -1: none does. */
int opens_before(const struct device *d);
/* The domain is about to be freed; its devices are already. */
void open_forget(struct domain *dom);

#endif /* VSYS_OPEN_H */
