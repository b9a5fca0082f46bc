// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * device.c - connect, disconnect and failure of a device.
 *
 * Taking a device down has an order (rule 10): no more requests are taken;
 * those in flight are cancelled and waited for; then files are closed; then
 * nothing uses the guest's memory any more, and it is unmapped.  Only
 * devices_reap() goes through these steps, whatever began them and how often
 * (rules 11, 16, 19).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log.h"
#include "container.h"
#include "device.h"
#include "ops.h"
#include "ports.h"
#include "worker.h"

struct device *device_find(struct worker *w, uint32_t devid)
{
	struct device *dev;

	LIST_FOREACH(dev, &w->devices, of_worker)
		if (dev->devid == devid)
			return dev;
	return NULL;
}

static void report(struct worker *w, uint32_t devid, uint32_t type, const char *reason)
{
	struct vsys_ipc msg = { .type = type, .devid = devid };

	if (reason)
		snprintf(msg.u.failed.reason, sizeof(msg.u.failed.reason), "%s", reason);
	link_send(&w->link, &msg);
}

/* The supervisor has checked this; here it keeps us from overrunning arrays. */
static const char *check_connect(const struct worker *w, const struct vsys_ipc *msg)
{
	if (msg->u.connect.domid != w->transport->domid)
		return "this worker serves another domain";
	if (msg->u.connect.nr_queues < 1 || msg->u.connect.nr_queues > VSYS_IPC_MAX_QUEUES)
		return "the number of queues is out of range";
	if (msg->u.connect.ring_page_order > VSYS_MAX_RING_PAGE_ORDER)
		return "the order of the ring's pages is out of range";
	if (msg->u.connect.pool_pages < 1 || msg->u.connect.pool_pages > VSYS_MAX_POOL_PAGES)
		return "the number of the pool's pages is out of range";
	if (msg->u.connect.ports &&
	    (msg->u.connect.nr_queues != 1 || msg->u.connect.ioctl ||
	     msg->u.connect.port_first > msg->u.connect.port_last ||
	     msg->u.connect.port_last > UINT16_MAX))
		return "the ports are none that can be";
	return NULL;
}

static void device_free(struct device *dev)
{
	policy_free(dev->policy);
	ports_free(dev->ports);
	free(dev);
}

static void disconnect_queues(struct device *dev)
{
	while (dev->nr_queues)
		queue_disconnect(&dev->queue[--dev->nr_queues]);
}

/* *fd is -1 afterwards if it was taken. */
static void connect_it(struct worker *w, const struct vsys_ipc *msg, int *fd)
{
	char reason[VSYS_IPC_REASON] = "out of memory";
	struct device *dev = device_find(w, msg->devid);
	const char *wrong = check_connect(w, msg);
	unsigned int i;

	if (dev) {
		device_fail(dev, "it was to be connected twice");
		return;
	}
	if (wrong) {
		report(w, msg->devid, IPC_FAILED, wrong);
		return;
	}
	dev = calloc(1, sizeof(*dev));
	if (!dev) {
		report(w, msg->devid, IPC_FAILED, reason);
		return;
	}
	dev->worker = w;
	dev->devid = msg->devid;
	dev->block = msg->u.connect.block;
	dev->readable = msg->u.connect.readable;
	dev->writable = msg->u.connect.writable;
	dev->discard = msg->u.connect.discard;
	dev->ioctl = msg->u.connect.ioctl;
	dev->poll = msg->u.connect.poll;
	dev->pointers = msg->u.connect.pointers;
	LIST_INIT(&dev->opening);
	LIST_INIT(&dev->mms);
	/* Without it nothing would be allowed, which is safe, but not what was meant. */
	if (dev->ioctl && !(dev->policy = policy_load(*fd))) {
		report(w, msg->devid, IPC_FAILED, "the policy did not arrive whole");
		device_free(dev);
		return;
	}

	for (i = 0; i < msg->u.connect.nr_queues; i++) {
		if (queue_connect(&dev->queue[i], dev, i, msg, reason) < 0) {
			disconnect_queues(dev);
			device_free(dev);
			report(w, msg->devid, IPC_FAILED, reason);
			return;
		}
		dev->nr_queues++;
	}
	/* Last, since its end would have to be waited for. */
	if (msg->u.connect.ports) {
		dev->ports = *fd < 0 ? NULL : ports_new(dev, *fd, msg->u.connect.port_first,
							msg->u.connect.port_last);
		if (!dev->ports) {
			disconnect_queues(dev);
			device_free(dev);
			report(w, msg->devid, IPC_FAILED, "the port executor cannot be reached");
			return;
		}
		*fd = -1;
	}
	LIST_INSERT_HEAD(&w->devices, dev, of_worker);
	report(w, dev->devid, IPC_UP, NULL);
}

void device_connect(struct worker *w, const struct vsys_ipc *msg, int fd)
{
	connect_it(w, msg, &fd);
	if (fd >= 0)
		close(fd);
}

static void device_stop(struct device *dev)
{
	struct worker *w = dev->worker;
	struct request *r;
	unsigned int i, k;

	if (dev->stopping)
		return;
	dev->stopping = true;
	dev->stop_since = worker_now();
	w->nr_stopping++;
	for (i = 0; i < dev->nr_queues; i++) {
		struct queue *q = &dev->queue[i];

		for (k = 0; k < q->entries; k++) {
			r = &q->request[k];
			if (r->where != REQ_IDLE)
				request_cancel(r);
		}
	}
	mms_stop(dev);
	worker_tick(w);
}

void device_fail(struct device *dev, const char *reason)
{
	if (!dev->report_failed) {
		dev->report_failed = true;
		snprintf(dev->reason, sizeof(dev->reason), "%s", reason);
	}
	device_stop(dev);
}

void device_disconnect(struct worker *w, uint32_t devid)
{
	struct device *dev = device_find(w, devid);

	if (!dev) {
		report(w, devid, IPC_DOWN, NULL);	/* nothing is held */
		return;
	}
	dev->report_down = true;
	device_stop(dev);
}

void device_counters(struct worker *w, uint32_t devid)
{
	struct vsys_ipc msg = { .type = IPC_COUNTERS, .devid = devid };
	struct device *dev = device_find(w, devid);

	/* It was torn down meanwhile: the supervisor has heard, or is about to. */
	if (!dev)
		return;
	msg.u.counters = dev->counters;
	link_send(&w->link, &msg);
}

/* A file that came too late: closing it may take long, and nobody waits. */
struct late_file {
	struct thread_job job;
	struct worker *w;
	uint32_t devid, era;
	int fd;
};

static long late_run(struct thread_job *job)
{
	close(container_of(job, struct late_file, job)->fd);
	return 0;
}

static void late_done(struct thread_job *job, long res)
{
	struct late_file *late = container_of(job, struct late_file, job);

	if (res == -ENOMEM)
		late_run(job);
	device_file_closed(late->w, late->devid, late->era);
	free(late);
}

void device_file_closed(struct worker *w, uint32_t devid, uint32_t era)
{
	struct vsys_ipc msg = { .type = IPC_CLOSED, .devid = devid };

	msg.u.open.era = era;
	link_send(&w->link, &msg);
}

static void close_late(struct worker *w, const struct vsys_ipc *msg, int fd)
{
	struct late_file *late = calloc(1, sizeof(*late));

	if (!late) {
		close(fd);
		device_file_closed(w, msg->devid, msg->u.open.era);
		return;
	}
	late->w = w;
	late->devid = msg->devid;
	late->era = msg->u.open.era;
	late->fd = fd;
	late->job.run = late_run;
	late->job.done = late_done;
	threads_start(&w->closes, &late->job);
}

void device_opened(struct worker *w, const struct vsys_ipc *msg, int fd)
{
	struct device *dev = device_find(w, msg->devid);
	int error = msg->u.open.error;
	struct request *r = NULL;

	if (dev)
		LIST_FOREACH(r, &dev->opening, link)
			if (r->cookie == msg->u.open.cookie)
				break;
	if (!r) {
		if (fd >= 0)
			close_late(w, msg, fd);
		return;
	}
	/* No room in our table of descriptors: the kernel drops it silently. */
	if (!error && fd < 0) {
		error = -EMFILE;
		device_file_closed(w, msg->devid, msg->u.open.era);
	}
	if (error && fd >= 0)
		close_late(w, msg, fd);
	op_open_done(r, fd, msg, error);
}

/* One step of taking down; the last one frees the device. */
static void device_reap(struct device *dev)
{
	struct worker *w = dev->worker;
	struct handle *h;
	uint32_t n = 0;
	unsigned int i;

	if (dev->in_flight == 0 && mms_gone(dev))
		while ((h = handle_next(&dev->handles, &n)))
			request_close_handle(h, NULL);
	if (dev->in_flight || dev->handles.nr || !mms_gone(dev) || !ports_gone(dev->ports)) {
		if (!dev->stop_warned && worker_now() - dev->stop_since >= VSYS_STOP_WARN_MS) {
			dev->stop_warned = true;
			log_warn("domain %u device %u: still waiting for %u native calls and "
				 "%u files to end", w->transport->domid, dev->devid,
				 dev->in_flight, dev->handles.nr);
		}
		return;
	}

	for (i = 0; i < dev->nr_queues; i++)
		queue_disconnect(&dev->queue[i]);
	handles_exit(&dev->handles);
	LIST_REMOVE(dev, of_worker);
	w->nr_stopping--;
	if (dev->report_failed)
		report(w, dev->devid, IPC_FAILED, dev->reason);
	if (dev->report_down)
		report(w, dev->devid, IPC_DOWN, NULL);
	device_free(dev);
}

void devices_reap(struct worker *w)
{
	struct device *dev, *next;

	for (dev = LIST_FIRST(&w->devices); dev && w->nr_stopping; dev = next) {
		next = LIST_NEXT(dev, of_worker);
		if (dev->stopping)
			device_reap(dev);
	}
}
