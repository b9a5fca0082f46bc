// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - xen-vsysfront: device nodes of another domain, by Xen's xenbus.
 *
 * The control plane: it follows the back-end's state, negotiates, publishes
 * rings and pool, makes the node and takes it away.  It touches no request.
 *
 *   back-end        front-end
 *   InitWait   ->   rings, pool; Initialised
 *   Connected  ->   the node; Connected
 *   Closing    ->   no node, calls in flight end with ENODEV; Closing
 *   Closed     ->   no grants; Closed
 *
 * The node is made by a work item, because a disk is read for partitions when
 * it appears, and a back-end that does not answer may not stop xenwatch.
 */
#define pr_fmt(fmt) "xen-vsysfront: " fmt

#include <linux/blkdev.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "mirror.h"
#include "ports.h"

static unsigned int ring_page_order = 2;
module_param(ring_page_order, uint, 0444);
MODULE_PARM_DESC(ring_page_order, "pages of a ring, as a power of two (default 2)");

static unsigned int pool_pages = 256;
module_param(pool_pages, uint, 0444);
MODULE_PARM_DESC(pool_pages, "pages for data, per queue, under load (default 256)");

static unsigned int max_queues = 4;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues, "queues of a device, at most one per CPU (default 4)");

/* How long a removal waits for the back-end to let go of the grants. */
#define VSYS_CLOSE_WAIT_MS	5000

struct workqueue_struct *vsys_wq;
static struct dentry *vsys_debugfs;
static atomic_t vsys_nr_devices = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(vsys_all_free);

static void vsys_device_free_work(struct work_struct *work)
{
	struct vsys_device *vdev = container_of(work, struct vsys_device,
						free_work);
	unsigned int i;

	for (i = 0; i < vdev->nr_queues; i++)
		vsys_queue_free(&vdev->queue[i]);
	kfree(vdev->queue);
	vsys_mms_exit(vdev);
	vsys_shapes_exit(vdev);
	kfree(vdev);
	if (atomic_dec_and_test(&vsys_nr_devices))
		wake_up(&vsys_all_free);
}

static void vsys_device_release(struct kref *kref)
{
	struct vsys_device *vdev = container_of(kref, struct vsys_device, kref);

	/* The last one may be the interrupt handler. */
	queue_work(vsys_wq, &vdev->free_work);
}

void vsys_device_get(struct vsys_device *vdev)
{
	kref_get(&vdev->kref);
}

/* Any context. */
void vsys_device_put(struct vsys_device *vdev)
{
	kref_put(&vdev->kref, vsys_device_release);
}

char *vsys_backend_key(struct vsys_device *vdev, const char *key)
{
	char *text = xenbus_read(XBT_NIL, vdev->xdev->otherend, key, NULL);

	return IS_ERR(text) ? NULL : text;
}

/*
 * Reads a number of the back-end's directory, with its parser of the schema.
 * fallback: what the absent key means.
 */
static int vsys_read_u32(struct vsys_device *vdev, const char *key,
			 int (*parse)(const char *, u32 *), u32 fallback,
			 u32 *value)
{
	char *text = vsys_backend_key(vdev, key);
	int err = 0;

	*value = fallback;
	if (text)
		err = parse(text, value);
	if (err)
		xenbus_dev_fatal(vdev->xdev, err, "the back-end's %s is '%.20s'",
				 key, text);
	kfree(text);
	return err;
}

/* The back-end's description of the node. */
static int vsys_read_node(struct vsys_device *vdev)
{
	char *versions = vsys_backend_key(vdev, VSYS_KEY_VERSIONS);
	char *name = vsys_backend_key(vdev, VSYS_KEY_NAME);
	char *class_text = vsys_backend_key(vdev, VSYS_KEY_CLASS);
	char *mode_text = vsys_backend_key(vdev, VSYS_KEY_MODE);
	enum vsys_class class;
	enum vsys_mode mode;
	int err = -EINVAL;

	if (!versions || vsys_parse_versions(versions, VSYS_PROTOCOL_VERSION))
		xenbus_dev_fatal(vdev->xdev, err,
				 "the back-end does not speak version %u",
				 VSYS_PROTOCOL_VERSION);
	else if (!name || vsys_parse_name(name, vdev->name, sizeof(vdev->name)))
		xenbus_dev_fatal(vdev->xdev, err, "the back-end gives no good name");
	else if (!class_text || vsys_parse_class(class_text, &class))
		xenbus_dev_fatal(vdev->xdev, err, "the back-end gives no good class");
	else if (!mode_text || vsys_parse_mode(mode_text, &mode))
		xenbus_dev_fatal(vdev->xdev, err, "the back-end gives no good mode");
	else
		err = 0;
	if (!err) {
		vdev->ops = class == VSYS_CLASS_BLOCK ? &vsys_blk_ops :
			    class == VSYS_CLASS_PORTS ? &vsys_ports_ops :
							&vsys_chr_ops;
		vdev->readable = mode != VSYS_MODE_WO;
		vdev->writable = mode != VSYS_MODE_RO;
	}
	kfree(versions);
	kfree(name);
	kfree(class_text);
	kfree(mode_text);
	return err;
}

/* Writes one queue's keys, below its own folder. */
static int vsys_publish_queue(struct vsys_queue *q, struct xenbus_transaction t)
{
	struct vsys_device *vdev = q->vdev;
	char *dir, key[16];
	unsigned int i;
	int err;

	snprintf(key, sizeof(key), VSYS_KEYF_QUEUE, q->index);
	dir = kasprintf(GFP_KERNEL, "%s/%s", vdev->xdev->nodename, key);
	if (!dir)
		return -ENOMEM;
	err = xenbus_printf(t, dir, VSYS_KEY_EVENT_CHANNEL, "%u", q->evtchn);
	if (!err)
		err = xenbus_printf(t, dir, VSYS_KEY_POOL_REF, "%u",
				    q->pool.dir_gref[0]);
	for (i = 0; !err && i < 1u << vdev->ring_order; i++) {
		snprintf(key, sizeof(key), VSYS_KEYF_RING_REF, i);
		err = xenbus_printf(t, dir, key, "%u", q->ring_ref[i]);
	}
	kfree(dir);
	return err;
}

/*
 * What is the default is not written, as a guest has a quota of nodes; what
 * another life of this side has left is removed.
 */
static int vsys_publish_u32(struct xenbus_transaction t, const char *dir,
			    const char *key, u32 value, u32 def)
{
	int err;

	if (value != def)
		return xenbus_printf(t, dir, key, "%u", value);
	err = xenbus_rm(t, dir, key);
	return err == -ENOENT ? 0 : err;
}

static int vsys_publish(struct vsys_device *vdev)
{
	const char *dir = vdev->xdev->nodename;
	struct xenbus_transaction t;
	unsigned int i;
	int err;

again:
	err = xenbus_transaction_start(&t);
	if (err)
		return err;
	err = xenbus_printf(t, dir, VSYS_KEY_VERSION, "%u",
			    VSYS_PROTOCOL_VERSION);
	if (!err)
		err = vsys_publish_u32(t, dir, VSYS_KEY_RING_PAGE_ORDER,
				       vdev->ring_order, 0);
	if (!err)
		err = xenbus_printf(t, dir, VSYS_KEY_POOL_PAGES, "%u",
				    vdev->queue[0].pool.nr_pages);
	if (!err)
		err = vsys_publish_u32(t, dir, VSYS_KEY_MULTI_QUEUE_NUM_QUEUES,
				       vdev->nr_queues, 1);
	if (!err)
		err = vsys_publish_u32(t, dir, VSYS_KEY_FEATURE_IOCTL,
				       vdev->feature_ioctl, 0);
	if (!err)
		err = vsys_publish_u32(t, dir, VSYS_KEY_FEATURE_POLL,
				       vdev->feature_poll, 0);
	if (!err)
		err = vsys_publish_u32(t, dir, VSYS_KEY_FEATURE_PORT_BATCH,
				       vdev->ops == &vsys_ports_ops, 0);
	for (i = 0; !err && i < vdev->nr_queues; i++)
		err = vsys_publish_queue(&vdev->queue[i], t);
	if (err) {
		xenbus_transaction_end(t, 1);
		return err;
	}
	err = xenbus_transaction_end(t, 0);
	if (err == -EAGAIN)
		goto again;
	return err;
}

static void vsys_disconnect(struct vsys_device *vdev)
{
	unsigned int i;

	for (i = 0; i < vdev->nr_queues; i++)
		vsys_queue_disconnect(&vdev->queue[i]);
}

/* Negotiates, makes the queues and publishes them. */
static int vsys_connect(struct vsys_device *vdev)
{
	u32 max_order, queues, pages, begin;
	unsigned int i;
	int err;

	err = vsys_read_node(vdev);
	if (!err)
		err = vsys_read_u32(vdev, VSYS_KEY_MAX_RING_PAGE_ORDER,
				    vsys_parse_max_ring_page_order, 0, &max_order);
	if (!err)
		err = vsys_read_u32(vdev, VSYS_KEY_MULTI_QUEUE_MAX_QUEUES,
				    vsys_parse_multi_queue_max_queues, 1, &queues);
	if (!err)
		err = vsys_read_u32(vdev, VSYS_KEY_MAX_POOL_PAGES,
				    vsys_parse_max_pool_pages, 1, &pages);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, feature_ioctl,
				    VSYS_KEY_FEATURE_IOCTL);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, feature_poll,
				    VSYS_KEY_FEATURE_POLL);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, feature_pool_grow,
				    VSYS_KEY_FEATURE_POOL_GROW);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, payload, VSYS_KEY_PAYLOAD);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, exclusive, VSYS_KEY_EXCLUSIVE);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, native_major,
				    VSYS_KEY_NATIVE_MAJOR);
	if (!err)
		err = VSYS_READ_KEY(vdev, vdev, native_minor,
				    VSYS_KEY_NATIVE_MINOR);
	if (err)
		return err;

	queues = min3(queues, max(max_queues, 1u), num_online_cpus());
	pages = min(pages, clamp(pool_pages, 1u, VSYS_MAX_POOL_PAGES));
	vdev->ring_order = min3(max_order, ring_page_order,
				VSYS_MAX_RING_PAGE_ORDER);
	if (vdev->ops == &vsys_ports_ops) {
		queues = 1;
		vdev->ring_order = 0;
		pages = min(pages, VSYS_PORTS_POOL_PAGES);
	}
	begin = pages;
	if (vdev->feature_pool_grow)
		begin = min(pages, max(VSYS_POOL_BEGIN / queues, VSYS_POOL_LEAST));
	vdev->max_length = min(VSYS_MAX_LENGTH,
			       max(pages / 4, 1u) * VSYS_PAGE_SIZE);
	vdev->blk_max_length = min(vdev->max_length,
				   max(begin / 2, 1u) * VSYS_PAGE_SIZE);
	/* A call needs two pages, and leaves some to others. */
	vdev->call_pages = clamp(pages / 4, 2u, VSYS_CALL_DATA_PAGES + 1);
	vdev->keep_pages = vdev->ops == &vsys_blk_ops ?
			   vsys_buf_pages(vdev->blk_max_length) + 1 : 0;
	if (begin < 2 + max(VSYS_KEEP_FREE(begin), vdev->keep_pages))
		vdev->feature_ioctl = false;
	vdev->queue = kcalloc(queues, sizeof(*vdev->queue), GFP_KERNEL);
	if (!vdev->queue)
		return -ENOMEM;
	for (i = 0; i < queues; i++) {
		struct vsys_queue *q = &vdev->queue[i];

		q->vdev = vdev;
		q->index = i;
		spin_lock_init(&q->lock);
		mutex_init(&q->alloc_lock);
		init_waitqueue_head(&q->room);
		mutex_init(&q->resize_lock);
		INIT_DELAYED_WORK(&q->grow_work, vsys_pool_grow_work);
		INIT_DELAYED_WORK(&q->shrink_work, vsys_pool_shrink_work);
		INIT_LIST_HEAD(&q->cancels);
	}
	vdev->nr_queues = queues;
	for (i = 0; i < queues; i++) {
		err = vsys_queue_connect(&vdev->queue[i], vdev->ring_order,
					 begin, pages);
		if (err) {
			xenbus_dev_fatal(vdev->xdev, err, "making queue %u", i);
			goto fail;
		}
	}
	err = vsys_publish(vdev);
	if (err) {
		xenbus_dev_fatal(vdev->xdev, err, "writing the queues' keys");
		goto fail;
	}
	return 0;
fail:
	vsys_disconnect(vdev);
	return err;
}

/* Somebody else wants the device, or may: we are still here. */
static void vsys_answer_ping(struct vsys_device *vdev)
{
	if (!VSYS_READ_KEY(vdev, vdev, ping, VSYS_KEY_PING))
		xenbus_printf(XBT_NIL, vdev->xdev->nodename, VSYS_KEY_PONG,
			      "%u", vdev->ping);
}

/* Media that can change: what comes after this is told. */
static void vsys_media_begin(struct vsys_device *vdev)
{
	struct {
		bool removable;
	} disk = { };

	vdev->tells_media =
		vdev->ops->event &&
		!VSYS_READ_KEY(vdev, &disk, removable, VSYS_KEY_REMOVABLE) &&
		disk.removable &&
		!VSYS_READ_KEY(vdev, vdev, media_changes,
			       VSYS_KEY_MEDIA_CHANGES) &&
		!VSYS_READ_KEY(vdev, vdev, eject_requests,
			       VSYS_KEY_EJECT_REQUESTS);
}

static void vsys_media_look(struct vsys_device *vdev)
{
	u32 changes = vdev->media_changes, requests = vdev->eject_requests;
	unsigned int events = 0;

	if (!vdev->tells_media)
		return;
	if (!VSYS_READ_KEY(vdev, vdev, media_changes, VSYS_KEY_MEDIA_CHANGES) &&
	    vdev->media_changes != changes)
		events |= DISK_EVENT_MEDIA_CHANGE;
	if (!VSYS_READ_KEY(vdev, vdev, eject_requests, VSYS_KEY_EJECT_REQUESTS) &&
	    vdev->eject_requests != requests)
		events |= DISK_EVENT_EJECT_REQUEST;
	if (events)
		vdev->ops->event(vdev, events);
}

/* The back-end is there: the node appears. */
static void vsys_add_work(struct work_struct *work)
{
	struct vsys_device *vdev = container_of(work, struct vsys_device,
						add_work);
	int err;

	err = vdev->ops->add(vdev);
	if (err) {
		vdev->node = NULL;
		xenbus_dev_fatal(vdev->xdev, err, "making the node '%s'",
				 vdev->name);
		return;
	}
	xenbus_switch_state(vdev->xdev, XenbusStateConnected);
}

/* Of each device: unplugging, and that broken is set once. */
static DEFINE_SPINLOCK(vsys_broken_lock);

/* The node disappears, and what is in flight ends with error. */
static void vsys_unplug(struct vsys_device *vdev, int error)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < vdev->nr_queues; i++)
		vsys_queue_stop(&vdev->queue[i], error);
	for (i = 0; i < vdev->nr_queues; i++)
		vsys_pool_settle(&vdev->queue[i]);
	cancel_work_sync(&vdev->add_work);
	/* From here on nobody starts it any more. */
	spin_lock_irqsave(&vsys_broken_lock, flags);
	vdev->unplugging = true;
	spin_unlock_irqrestore(&vsys_broken_lock, flags);
	cancel_work_sync(&vdev->broken_work);
	vsys_mms_close(vdev);
	if (vdev->node)
		vdev->ops->remove(vdev);
	vdev->node = NULL;
	vdev->phase = VSYS_UNPLUGGED;
}

static void vsys_broken_work(struct work_struct *work)
{
	struct vsys_device *vdev = container_of(work, struct vsys_device,
						broken_work);
	unsigned int i;

	for (i = 0; i < vdev->nr_queues; i++)
		vsys_queue_stop(&vdev->queue[i], -EIO);
	xenbus_dev_fatal(vdev->xdev, -EPROTO, "the back-end sent %s",
			 vdev->broken);
}

/*
 * The back-end sent what, which makes no sense.  Any context.
 * The node stays, in an error state, until the back-end's domain takes it away.
 */
void vsys_device_broken(struct vsys_queue *q, const char *what)
{
	struct vsys_device *vdev = q->vdev;
	unsigned long flags;

	spin_lock_irqsave(&vsys_broken_lock, flags);
	if (!vdev->unplugging && !vdev->broken) {
		WRITE_ONCE(vdev->broken, what);
		queue_work(vsys_wq, &vdev->broken_work);
	}
	spin_unlock_irqrestore(&vsys_broken_lock, flags);
}

static int vsys_stats_show(struct seq_file *m, void *v)
{
	struct vsys_device *vdev = m->private;
	struct vsys_stats sum = {};
	unsigned int i;
	u32 used = 0, pool = 0;

	for (i = 0; i < vdev->nr_queues; i++) {
		struct vsys_queue *q = &vdev->queue[i];

		spin_lock_irq(&q->lock);
		sum.requests += q->stats.requests;
		sum.responses += q->stats.responses;
		sum.notifications += q->stats.notifications;
		sum.interrupts += q->stats.interrupts;
		sum.copied_pages += q->stats.copied_pages;
		sum.waits += q->stats.waits;
		sum.calls += q->stats.calls;
		sum.round_trips += q->stats.round_trips;
		sum.needs += q->stats.needs;
		sum.pages_sent += q->stats.pages_sent;
		sum.dirty_bytes += q->stats.dirty_bytes;
		sum.grants_mapped += q->stats.grants_mapped;
		used += q->pool.nr_pages - q->pool.nr_free;
		pool += q->pool.nr_granted;
		spin_unlock_irq(&q->lock);
	}
	seq_printf(m, "name: %s\nqueues: %u\nring_page_order: %u\n", vdev->name,
		   vdev->nr_queues, vdev->ring_order);
	seq_printf(m, "requests: %llu\nresponses: %llu\n", sum.requests,
		   sum.responses);
	seq_printf(m, "notifications: %llu\ninterrupts: %llu\n",
		   sum.notifications, sum.interrupts);
	seq_printf(m, "copied_pages: %llu\nwaits: %llu\n", sum.copied_pages,
		   sum.waits);
	seq_printf(m, "pool_pages: %u\npool_pages_in_use: %u\n", pool, used);
	seq_printf(m, "calls: %llu\nround_trips: %llu\nneeds: %llu\n",
		   sum.calls, sum.round_trips, sum.needs);
	seq_printf(m, "pages_sent: %llu\ndirty_bytes: %llu\n",
		   sum.pages_sent, sum.dirty_bytes);
	seq_printf(m, "grants_mapped: %llu\nshapes: %u\n", sum.grants_mapped,
		   READ_ONCE(vdev->shapes.nr));
	if (vdev->ops->show)
		vdev->ops->show(vdev, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vsys_stats);

/* The last part of the directory's name; what is none is told to nobody. */
static u32 vsys_devid(const struct xenbus_device *xdev)
{
	const char *slash = strrchr(xdev->nodename, '/');
	u32 devid;

	return slash && !kstrtou32(slash + 1, 10, &devid) ? devid : U32_MAX;
}

static int vsys_probe(struct xenbus_device *xdev,
		      const struct xenbus_device_id *id)
{
	struct vsys_device *vdev = kzalloc(sizeof(*vdev), GFP_KERNEL);
	int err;

	if (!vdev)
		return -ENOMEM;
	kref_init(&vdev->kref);
	INIT_WORK(&vdev->add_work, vsys_add_work);
	INIT_WORK(&vdev->broken_work, vsys_broken_work);
	INIT_WORK(&vdev->free_work, vsys_device_free_work);
	vsys_mms_init(vdev);
	vsys_shapes_init(vdev);
	vdev->backend_id = xdev->otherend_id;
	vdev->devid = vsys_devid(xdev);
	strscpy(vdev->label, dev_name(&xdev->dev), sizeof(vdev->label));
	vdev->xdev = xdev;
	atomic_inc(&vsys_nr_devices);
	dev_set_drvdata(&xdev->dev, vdev);
	/* After a module was unloaded: tells the back-end to begin again. */
	err = xenbus_switch_state(xdev, XenbusStateInitialising);
	if (err) {
		dev_set_drvdata(&xdev->dev, NULL);
		vsys_device_put(vdev);
	}
	return err;
}

static void vsys_backend_changed(struct xenbus_device *xdev,
				 enum xenbus_state state)
{
	struct vsys_device *vdev = dev_get_drvdata(&xdev->dev);
	unsigned int i;

	switch (state) {
	case XenbusStateInitWait:
		if (vdev->phase != VSYS_NEW)
			break;
		if (vsys_connect(vdev)) {
			vdev->phase = VSYS_UNPLUGGED;
			break;
		}
		vdev->phase = VSYS_PUBLISHED;
		xenbus_switch_state(xdev, XenbusStateInitialised);
		break;
	case XenbusStateConnected:
		/* Again: one of the keys has changed that we have to hear of. */
		if (vdev->phase == VSYS_PLUGGED) {
			vsys_answer_ping(vdev);
			vsys_media_look(vdev);
		}
		if (vdev->phase != VSYS_PUBLISHED)
			break;
		vdev->phase = VSYS_PLUGGED;
		vdev->debugfs = debugfs_create_file(vdev->label, 0400,
						    vsys_debugfs, vdev,
						    &vsys_stats_fops);
		for (i = 0; !vdev->ops->own_ring && i < vdev->nr_queues; i++)
			vsys_queue_start(&vdev->queue[i]);
		vsys_answer_ping(vdev);
		vsys_media_begin(vdev);
		queue_work(vsys_wq, &vdev->add_work);
		break;
	case XenbusStateClosing:
		/* At first it may be the end of a life before this one. */
		if (vdev->phase == VSYS_NEW || xdev->state == XenbusStateClosed)
			break;
		vsys_unplug(vdev, -ENODEV);
		xenbus_switch_state(xdev, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		/* At first, a back-end that has not begun is Closed, too. */
		if (vdev->phase == VSYS_NEW || xdev->state == XenbusStateClosed)
			break;
		vsys_unplug(vdev, -ENODEV);
		vsys_disconnect(vdev);
		xenbus_frontend_closed(xdev);
		break;
	default:
		break;
	}
}

/* The device's last moment: nothing of it touches xdev after this. */
static void vsys_forget(struct vsys_device *vdev)
{
	vsys_unplug(vdev, -ENODEV);
	debugfs_remove(vdev->debugfs);
	vdev->debugfs = NULL;
}

static void vsys_remove(struct xenbus_device *xdev)
{
	struct vsys_device *vdev = dev_get_drvdata(&xdev->dev);
	unsigned int waited = 0;

	vsys_forget(vdev);
	/*
	 * The back-end unmaps before the grants end, if it can be had to:
	 * otherwise each would be kept until it does.
	 */
	if (xdev->state != XenbusStateClosed)
		xenbus_switch_state(xdev, XenbusStateClosing);
	while (vdev->nr_queues && waited < VSYS_CLOSE_WAIT_MS) {
		enum xenbus_state state = xenbus_read_driver_state(xdev->otherend);

		if (state == XenbusStateClosed || state == XenbusStateUnknown)
			break;
		msleep(20);
		waited += 20;
	}
	vsys_disconnect(vdev);
	dev_set_drvdata(&xdev->dev, NULL);
	vsys_device_put(vdev);
}

/*
 * In another place, or after a while: the grants and the event channel are
 * gone with the old domain, and so are the native open files.  What is open
 * here gives ENODEV; the node comes again when the back-end has connected.
 */
static int vsys_resume(struct xenbus_device *xdev)
{
	struct vsys_device *vdev = dev_get_drvdata(&xdev->dev);

	vsys_forget(vdev);
	vsys_disconnect(vdev);
	dev_set_drvdata(&xdev->dev, NULL);
	vsys_device_put(vdev);
	/*
	 * Who used the device before it came here has waited in vain, and the new
	 * back-end may have been told that it is broken.
	 */
	xdev->state = xenbus_read_driver_state(xdev->nodename);
	return vsys_probe(xdev, NULL);
}

static const struct xenbus_device_id vsys_ids[] = {
	{ "vsys" },
	{ "" }
};
MODULE_DEVICE_TABLE(xenbus, vsys_ids);

static struct xenbus_driver vsys_driver = {
	.ids			= vsys_ids,
	.probe			= vsys_probe,
	.remove			= vsys_remove,
	.resume			= vsys_resume,
	.otherend_changed	= vsys_backend_changed,
	.not_essential		= true,
};

static int __init vsys_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	vsys_wq = alloc_workqueue("xen-vsysfront", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!vsys_wq)
		return -ENOMEM;
	err = vsys_chr_init();
	if (err)
		goto out_wq;
	err = vsys_blk_init();
	if (err)
		goto out_chr;
	vsys_debugfs = debugfs_create_dir("xen-vsysfront", NULL);
	/*
	 * Without an owner: xenbus would hold the module for each device that
	 * is there, so that it could never be unloaded.  It may be, with its
	 * devices: unregistering takes them away first.  What may not outlive
	 * the module are open nodes, and those hold it by themselves.
	 */
	err = __xenbus_register_frontend(&vsys_driver, NULL, KBUILD_MODNAME);
	if (err)
		goto out_blk;
	return 0;
out_blk:
	debugfs_remove(vsys_debugfs);
	vsys_blk_exit();
out_chr:
	vsys_chr_exit();
out_wq:
	destroy_workqueue(vsys_wq);
	return err;
}
module_init(vsys_init);

static void __exit vsys_exit(void)
{
	xenbus_unregister_driver(&vsys_driver);
	/* Orphaned calls and completions hold a device a little longer. */
	wait_event(vsys_all_free, !atomic_read(&vsys_nr_devices));
	vsys_grants_exit();
	vsys_ports_irq_exit();
	debugfs_remove(vsys_debugfs);
	vsys_blk_exit();
	vsys_chr_exit();
	destroy_workqueue(vsys_wq);
}
module_exit(vsys_exit);

MODULE_DESCRIPTION("Xen front-end for device nodes of another domain");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen:vsys");
