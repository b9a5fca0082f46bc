// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * device.c - the states of a device; see device.h.
 *
 * What is to be done follows from two things only: what the worker holds (enum
 * device_state) and what the front-end says (enum device_front).  The table
 * below has an entry for each pair; settle() carries it out until nothing more
 * is to be done.  So it does not matter in which order things happened, how many
 * changes of a front-end were seen as one, or who is faster.
 *
 * Teardown happens once: only do_stop() starts it, only the worker's DOWN or its
 * death ends it, and only do_remove() frees a device that has a place in
 * XenStore.  A device that was failed goes the same way.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "frontend.h"
#include "irq.h"
#include "jail.h"
#include "limits.h"
#include "log.h"
#include "nodes.h"
#include "ports-proc.h"
#include "record.h"
#include "share.h"
#include "supervisor.h"

enum action {
	NOTHING = 0,
	CONNECT,	/* read the front-end's nodes, tell the worker */
	STOP,		/* tell the worker to disconnect */
	CLOSE,		/* nothing was connected: say Closed */
	REVIVE,		/* the front-end starts over: say InitWait */
	FAIL,		/* the front-end may not be in this state */
	REMOVE,		/* detached, and nothing is held */
};

static const enum action actions[DEV_NR_STATES][FRONT_NR] = {
	[DEV_WAIT] = {
		[FRONT_READY]     = CONNECT,
		[FRONT_CONNECTED] = FAIL,
		[FRONT_CLOSING]   = CLOSE,
		[FRONT_CLOSED]    = CLOSE,
		[FRONT_GONE]      = CLOSE,
		[FRONT_BAD]       = FAIL,
	},
	[DEV_CONNECTING] = {
		[FRONT_INIT]      = STOP,
		[FRONT_CONNECTED] = FAIL,
		[FRONT_CLOSING]   = STOP,
		[FRONT_CLOSED]    = STOP,
		[FRONT_GONE]      = STOP,
		[FRONT_BAD]       = FAIL,
	},
	[DEV_CONNECTED] = {
		[FRONT_INIT]      = STOP,
		[FRONT_CLOSING]   = STOP,
		[FRONT_CLOSED]    = STOP,
		[FRONT_GONE]      = STOP,
		[FRONT_BAD]       = FAIL,
	},
	/* DEV_DISCONNECTING: nothing, until the worker says that it is done. */
	[DEV_CLOSED] = {
		[FRONT_INIT]      = REVIVE,
		[FRONT_READY]     = REVIVE,
	},
};

/* The table, with what has been decided about the device. */
static enum action next_action(const struct device *d)
{
	bool idle = d->state == DEV_WAIT || d->state == DEV_CLOSED;
	enum action a = actions[d->state][d->front];

	if (!d->online && idle) {
		/* At INIT nothing is connected: no reason to wait for a driver. */
		if (d->forced || d->front == FRONT_GONE || d->front == FRONT_INIT ||
		    d->front == FRONT_CLOSED)
			return REMOVE;
		return d->state == DEV_WAIT ? CLOSE : NOTHING;
	}
	if (d->failed || d->forced) {
		if (d->state == DEV_CONNECTING || d->state == DEV_CONNECTED)
			return STOP;
		return d->state == DEV_WAIT ? CLOSE : NOTHING;
	}
	return a;
}

const char *device_state_name(const struct device *d)
{
	if (d->failed && d->published == XenbusStateClosed)
		return "failed";
	switch (d->published) {
	case XenbusStateInitWait:
		return "waiting";
	case XenbusStateConnected:
		return "connected";
	case XenbusStateClosing:
		return "closing";
	default:
		return "closed";
	}
}

bool device_is_active(const struct device *d)
{
	return d->state == DEV_CONNECTING || d->state == DEV_CONNECTED ||
	       d->state == DEV_DISCONNECTING;
}

static struct xst *store(const struct device *d)
{
	return d->domain->sup->xs;
}

static struct loop *loop(const struct device *d)
{
	return d->domain->sup->loop;
}

static void publish(struct device *d, enum xenbus_state state)
{
	int err;

	if (d->published == state)
		return;
	d->published = state;
	err = nodes_set_state(store(d), d, state);
	if (err)
		log_warn("%s: %s: state cannot be written: %s", domain_label(d->domain),
			 d->stanza.name, strerror(-err));
}

static void set_failed(struct device *d, const char *reason)
{
	if (d->failed)
		return;
	d->failed = true;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	log_printable(d->reason);
	log_limited(&d->domain->limit, LOG_ERR, "%s: %s (device %u) is closed: %s",
		    domain_label(d->domain), d->stanza.name, d->devid, d->reason);
	nodes_set_error(store(d), d, d->reason);
	publish(d, XenbusStateClosing);
}

/* --- the actions ------------------------------------------------------ */

static void down_late(void *arg)
{
	struct device *d = arg;

	if (d->domain->worker)
		worker_kill(d->domain->worker, "it does not disconnect device %u", d->devid);
}

static void tell_worker(struct device *d, enum vsys_ipc_type type)
{
	struct vsys_ipc msg = { .type = type, .devid = d->devid };

	worker_send(d->domain->worker, &msg, -1);
}

static void do_stop(struct device *d)
{
	open_cancel_all(d);
	d->state = DEV_DISCONNECTING;
	publish(d, XenbusStateClosing);
	loop_timer_set(loop(d), &d->down_timer, LIMIT_DOWN_MS, down_late, d);
	tell_worker(d, IPC_DISCONNECT);
}

static void do_close(struct device *d)
{
	d->state = DEV_CLOSED;
	publish(d, XenbusStateClosed);
}

static void settle(struct device *d);

static void revive_late(void *arg)
{
	settle(arg);
}

/*
 * Each connection costs this process some hundred reads and the worker as many
 * mappings, and a guest may ask for it endlessly.  Every way to it but the first
 * leads through here.
 */
static bool may_revive(struct device *d)
{
	int64_t now = loop_now_ms(), earned = (now - d->revivals_since) / LIMIT_REVIVAL_MS;

	if (earned > 0) {
		d->revivals = d->revivals > earned ? d->revivals - earned : 0;
		d->revivals_since = now;
	}
	if (d->revivals >= LIMIT_REVIVALS) {
		loop_timer_set(loop(d), &d->revival_timer, LIMIT_REVIVAL_MS, revive_late, d);
		return false;
	}
	d->revivals++;
	return true;
}

/* false: not now. */
static bool do_revive(struct device *d)
{
	if (!may_revive(d))
		return false;
	/* There may be another medium. */
	if (native_refresh(&d->native))
		nodes_refresh(store(d), d);
	d->state = DEV_WAIT;
	publish(d, XenbusStateInitWait);
	return true;
}

static void do_connect(struct device *d)
{
	struct vsys_ipc msg;
	struct fault f;
	int ports = -1;

	if (frontend_read(store(d), d, &msg, &f) || !domain_worker(d->domain, &f) ||
	    (msg.u.connect.ports && (ports = ports_start(d, &f)) < 0)) {
		set_failed(d, f.text);
		return;
	}
	msg.u.connect.spin_us = d->domain->sup->spin_us;
	d->state = DEV_CONNECTING;
	memset(&d->counters, 0, sizeof(d->counters));
	if (ports >= 0) {
		worker_send(d->domain->worker, &msg, ports);
		close(ports);
	} else {
		worker_send(d->domain->worker, &msg, msg.u.connect.ioctl ? d->policy : -1);
	}
}

static void do_fail(struct device *d)
{
	set_failed(d, d->front == FRONT_CONNECTED ?
		   "the front-end said Connected without a connection" :
		   "the front-end's state is none that it may have");
}

/* Frees the device. */
static void do_remove(struct device *d)
{
	struct domain *dom = d->domain;
	struct supervisor *sup = dom->sup;
	bool reattach = d->reattach && !d->keep_nodes;
	enum device_origin origin = d->origin;
	struct stanza stanza = d->stanza;
	char text[STANZA_TEXT];
	struct fault f;

	log_info("%s: %s (device %u) is detached", domain_label(dom), stanza.name, d->devid);
	xst_unwatch(sup->xs, d->front_watch, d->token);
	if (!d->keep_nodes)
		nodes_remove(sup->xs, dom->domid, d->devid);
	device_free(d);
	if (reattach) {
		stanza_format(&stanza, text, sizeof(text));
		if (!domain_attach(dom, text, origin, "attaching it again", &f))
			log_err("%s: %s", domain_label(dom), f.text);
	}
	domain_device_gone(dom);
	record_save(dom);
}

/* Until nothing is to be done; the device may be freed then. */
static void settle(struct device *d)
{
	for (;;) {
		switch (next_action(d)) {
		case NOTHING:
			return;
		case CONNECT:
			do_connect(d);
			break;
		case STOP:
			do_stop(d);
			return;
		case CLOSE:
			do_close(d);
			break;
		case REVIVE:
			if (!do_revive(d))
				return;
			break;
		case FAIL:
			do_fail(d);
			break;
		case REMOVE:
			do_remove(d);
			return;
		}
		if (d->state == DEV_CONNECTING)
			return;
	}
}

/* --- what happens to it ----------------------------------------------- */

void device_front_changed(struct device *d)
{
	enum device_front front = frontend_state(store(d), d);

	if (front == d->front)
		return;
	d->front = front;
	/* A front-end that became ready once more starts over. */
	if (front == FRONT_READY && d->state == DEV_CONNECTED)
		do_stop(d);
	else
		settle(d);
}

bool device_up(struct device *d)
{
	/* It may have crossed the order to disconnect. */
	if (d->state == DEV_DISCONNECTING)
		return true;
	if (d->state != DEV_CONNECTING)
		return false;
	d->state = DEV_CONNECTED;
	log_limited(&d->domain->news, LOG_INFO, "%s: %s (device %u) is connected",
		    domain_label(d->domain), d->stanza.name, d->devid);
	publish(d, XenbusStateConnected);
	settle(d);
	return true;
}

/* The worker holds nothing of the device any more. */
static void released(struct device *d)
{
	loop_timer_clear(loop(d), &d->down_timer);
	ports_stop(d);
	open_abandon(d);
	share_released(d);
	d->stats_asked = false;
	d->state = DEV_CLOSED;
	/* A front-end that has started over must not take this for an end. */
	if (next_action(d) != REVIVE)
		publish(d, XenbusStateClosed);
	settle(d);
}

bool device_down(struct device *d)
{
	if (d->state != DEV_DISCONNECTING)
		return false;
	released(d);
	return true;
}

bool device_worker_failed(struct device *d, const char *reason)
{
	set_failed(d, reason);
	/* In DISCONNECTING the two crossed: DOWN is still to come. */
	if (d->state != DEV_DISCONNECTING)
		released(d);
	return true;
}

void device_fail(struct device *d, const char *reason)
{
	set_failed(d, reason);
	settle(d);
}

void device_worker_died(struct device *d, const char *how)
{
	if (!device_is_active(d))
		return;
	if (d->online) {
		char reason[FAULT_SIZE];

		snprintf(reason, sizeof(reason), "the worker process %s", how);
		set_failed(d, reason);
	}
	released(d);
}

static void detach_late(void *arg)
{
	struct device *d = arg;

	log_limited(&d->domain->limit, LOG_WARNING,
		    "%s: %s (device %u) is detached by force: the front-end does not close",
		    domain_label(d->domain), d->stanza.name, d->devid);
	d->forced = true;
	settle(d);
}

static void go_offline(struct device *d, int patience_ms)
{
	bool idle = d->state == DEV_CLOSED;

	d->online = false;
	nodes_set_offline(store(d), d);
	/* A state that the front-end knows already would not wake it up. */
	if (!idle || d->published != XenbusStateClosed)
		publish(d, XenbusStateClosing);
	loop_timer_set(loop(d), &d->detach_timer, patience_ms, detach_late, d);
	settle(d);
}

void device_detach(struct device *d)
{
	d->reattach = false;
	if (d->online)
		go_offline(d, LIMIT_DETACH_MS);
}

void device_reattach(struct device *d)
{
	if (!d->online)
		return;
	d->reattach = true;
	go_offline(d, LIMIT_DETACH_MS);
}

void device_shut(struct device *d)
{
	d->keep_nodes = true;
	d->reattach = false;
	go_offline(d, LIMIT_EXIT_MS);
}

void device_ask_stats(struct device *d)
{
	if (d->state != DEV_CONNECTED || d->stats_asked || !d->domain->worker)
		return;
	d->stats_asked = true;
	tell_worker(d, IPC_STATS);
}

/* --- its beginning and end -------------------------------------------- */

/*
 * Linux lists its devices when it starts, and watches for more after that
 * (xenbus_probe_frontend.c): one that is attached in between is not found until something
 * below its directory is written.
 */
static void show_again(void *arg)
{
	struct device *d = arg;

	if (!d->online || d->state != DEV_WAIT || d->front != FRONT_INIT)
		return;
	/* One that fails counts, too: there are more, and it is not tried for ever. */
	nodes_show(store(d), d);
	if (++d->shows < LIMIT_SHOWS)
		loop_timer_set(loop(d), &d->show_timer, LIMIT_SHOW_MS << d->shows,
			       show_again, d);
}

static void close_policy(struct device *d)
{
	if (d->policy >= 0)
		close(d->policy);
}

/* Without its interrupt the device still works: its handler is called by a timer. */
static const struct device *has_irq(const struct supervisor *sup, int irq)
{
	const struct domain *dom;
	const struct device *d;

	TAILQ_FOREACH(dom, &sup->domains, link)
		TAILQ_FOREACH(d, &dom->devices, link)
			if (d->pirq >= 0 && d->stanza.irq == irq)
				return d;
	return NULL;
}

static void lend_irq(struct device *d)
{
	uint32_t domid = d->domain->domid;
	const struct device *other;
	struct fault f;

	d->pirq = -1;
	if (d->stanza.irq == STANZA_NO_IRQ)
		return;
	other = has_irq(d->domain->sup, d->stanza.irq);
	if (other)
		fault(&f, -EBUSY, "it is lent with '%s' of %s", other->stanza.name,
		      domain_label(other->domain));
	else
		d->pirq = irq_lend(domid, d->stanza.irq, &f);
	if (d->pirq >= 0)
		return;
	log_warn("%s: %s: the guest does not get interrupt %d: %s; its driver's handler is called by a timer instead",
		 domain_label(d->domain), d->stanza.name, d->stanza.irq, f.text);
	d->pirq = -1;
}

static void take_irq_back(struct device *d)
{
	if (d->pirq >= 0)
		irq_take_back(d->domain->domid, d->pirq);
	d->pirq = -1;
}

struct device *device_attach(struct domain *dom, uint32_t devid, const struct stanza *s,
			     const struct native *n, enum device_origin origin,
			     struct fault *f)
{
	struct device *d = calloc(1, sizeof(*d));
	int err;

	if (!d) {
		fault(f, -ENOMEM, "out of memory");
		return NULL;
	}
	d->domain = dom;
	d->devid = devid;
	d->origin = origin;
	d->stanza = *s;
	d->native = *n;
	d->online = true;
	d->state = DEV_WAIT;
	d->front = FRONT_INIT;
	d->published = XenbusStateInitWait;
	d->claim = -1;
	snprintf(d->back, sizeof(d->back), VSYS_PATHF_BACKEND, BACKEND_DOMID, dom->domid, devid);
	snprintf(d->front_path, sizeof(d->front_path), VSYS_PATHF_FRONTEND, dom->domid, devid);
	snprintf(d->front_watch, sizeof(d->front_watch), VSYS_PATHF_FRONTEND "/"
		 VSYS_KEY_STATE, dom->domid, devid);
	snprintf(d->token, sizeof(d->token), "device %llu %u",
		 (unsigned long long)dom->serial, devid);

	d->policy = stanza_calls(s) ? policy_open(&dom->sup->policy, s->ioctl, f) : -1;
	if (stanza_calls(s) && d->policy < 0) {
		free(d);
		return NULL;
	}
	lend_irq(d);
	err = nodes_publish(dom->sup->xs, d);
	if (!err) {
		err = xst_watch(dom->sup->xs, d->front_watch, d->token);
		if (err)
			nodes_remove(dom->sup->xs, dom->domid, devid);
	}
	if (err) {
		if (err == -ENOENT)
			fault(f, err, "the domain does not exist any more");
		else
			fault(f, err, "XenStore: %s", strerror(-err));
		take_irq_back(d);
		close_policy(d);
		free(d);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&dom->devices, d, link);
	dom->nr_devices++;
	dom->sup->nr_devices++;
	share_attached(d);
	loop_timer_set(loop(d), &d->show_timer, LIMIT_SHOW_MS, show_again, d);
	log_info("%s: %s (device %u) is attached: %s, %s%s%s", domain_label(dom), s->name, devid,
		 n->path, vsys_mode_name(s->mode), stanza_calls(s) ? ", ioctl=" : "",
		 stanza_calls(s) ? s->ioctl : "");
	open_claim_attached(d);
	return d;
}

void device_free(struct device *d)
{
	struct domain *dom = d->domain;

	ports_stop(d);
	take_irq_back(d);
	open_give_up_claim(d);
	open_abandon(d);
	share_detached(d);
	loop_timer_clear(loop(d), &d->show_timer);
	loop_timer_clear(loop(d), &d->detach_timer);
	loop_timer_clear(loop(d), &d->down_timer);
	loop_timer_clear(loop(d), &d->revival_timer);
	if (d->changed)
		TAILQ_REMOVE(&dom->sup->changed, d, changed_link);
	TAILQ_REMOVE(&dom->devices, d, link);
	dom->nr_devices--;
	dom->sup->nr_devices--;
	jail_remove_node(dom->sup->jail_path, dom->domid, d->devid);
	close_policy(d);
	free(d);
}
