// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * media.c - media changes of native drives; see media.h.
 *
 * libudev's monitor of the kernel's own messages: it takes none that another process
 * has sent, and needs no udevd.
 */
#include <errno.h>
#include <libudev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "log.h"
#include "loop.h"
#include "media.h"
#include "nodes.h"
#include "supervisor.h"

struct media {
	struct supervisor *sup;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct loop_fd event;
};

static void tell(struct device *d, const char *key, uint32_t *count)
{
	nodes_tell(d->domain->sup->xs, d, key, ++*count);
}

void media_event(struct supervisor *sup, dev_t rdev, bool changed, bool eject)
{
	struct domain *dom;
	struct device *d;

	TAILQ_FOREACH(dom, &sup->domains, link) {
		TAILQ_FOREACH(d, &dom->devices, link) {
			if (d->native.class != VSYS_CLASS_BLOCK || !d->online ||
			    (d->opens ? d->open_rdev : d->native.rdev) != rdev)
				continue;
			if (changed)
				tell(d, VSYS_KEY_MEDIA_CHANGES, &d->media_changes);
			if (eject)
				tell(d, VSYS_KEY_EJECT_REQUESTS, &d->eject_requests);
		}
	}
}

static bool says(struct udev_device *dev, const char *what)
{
	const char *value = udev_device_get_property_value(dev, what);

	return value && !strcmp(value, "1");
}

static void media_ready(void *arg, uint32_t events)
{
	struct media *m = arg;
	struct udev_device *dev;
	const char *action;

	(void)events;
	/* One a turn: it is level triggered, and others wait, too. */
	dev = udev_monitor_receive_device(m->monitor);
	if (!dev)
		return;
	action = udev_device_get_action(dev);
	if (action && !strcmp(action, "change"))
		media_event(m->sup, udev_device_get_devnum(dev), says(dev, "DISK_MEDIA_CHANGE"),
			    says(dev, "DISK_EJECT_REQUEST"));
	udev_device_unref(dev);
}

static int monitor(struct media *m)
{
	int err;

	m->udev = udev_new();
	m->monitor = m->udev ? udev_monitor_new_from_netlink(m->udev, "kernel") : NULL;
	if (!m->monitor)
		return -errno;
	err = udev_monitor_filter_add_match_subsystem_devtype(m->monitor, "block", "disk");
	if (!err)
		err = udev_monitor_enable_receiving(m->monitor);
	if (err)
		return err;
	m->event.fd = udev_monitor_get_fd(m->monitor);
	m->event.ready = media_ready;
	m->event.arg = m;
	return loop_fd_add(m->sup->loop, &m->event, EPOLLIN);
}

static void media_free(struct media *m)
{
	udev_monitor_unref(m->monitor);
	udev_unref(m->udev);
	free(m);
}

struct media *media_start(struct supervisor *sup)
{
	struct media *m = calloc(1, sizeof(*m));
	int err = -ENOMEM;

	if (m) {
		m->sup = sup;
		err = monitor(m);
	}
	if (!err)
		return m;
	log_warn("guests are not told when a medium changes: the kernel's events: %s",
		 strerror(-err));
	if (m)
		media_free(m);
	return NULL;
}

void media_stop(struct media *m)
{
	if (!m)
		return;
	loop_fd_remove(m->sup->loop, &m->event);
	media_free(m);
}
