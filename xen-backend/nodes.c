// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nodes.c - the supervisor's nodes in XenStore; see nodes.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "limits.h"
#include "nodes.h"
#include "supervisor.h"

#define NODES_TRIES	64	/* of a transaction that others disturb */

#define BACK_ROOT	"/local/domain/%u/backend/vsys"
#define ERROR_ROOT	"/local/domain/%u/error"
#define FRONT_ROOT	"/local/domain/%u/device/vsys"

/* Goes on only while nothing has failed; the first error stays. */
struct writer {
	struct xst *x;
	const char *dir;
	int err;
};

#define PUT(w, key, ...) do { \
	if (!(w)->err) \
		(w)->err = xst_write((w)->x, (w)->dir, key, __VA_ARGS__); \
} while (0)

static void put_number(struct writer *w, const char *key, uint64_t value)
{
	PUT(w, key, "%llu", (unsigned long long)value);
}

static void put_limits(struct writer *w, const struct device *d)
{
	const struct native_limits *l = &d->native.limits;
	bool writes = stanza_writes(&d->stanza);

	put_number(w, VSYS_KEY_SECTORS, l->sectors);
	put_number(w, VSYS_KEY_SECTOR_SIZE, l->sector_size);
	put_number(w, VSYS_KEY_PHYSICAL_SECTOR_SIZE, l->physical_sector_size);
	put_number(w, VSYS_KEY_MINIMUM_IO_SIZE, l->minimum_io_size);
	put_number(w, VSYS_KEY_OPTIMAL_IO_SIZE, l->optimal_io_size);
	put_number(w, VSYS_KEY_ROTATIONAL, l->rotational);
	put_number(w, VSYS_KEY_REMOVABLE, l->removable);
	put_number(w, VSYS_KEY_FEATURE_FLUSH, l->flush);
	put_number(w, VSYS_KEY_FEATURE_DISCARD, writes && l->discard_max_bytes);
	put_number(w, VSYS_KEY_DISCARD_GRANULARITY, l->discard_granularity);
	put_number(w, VSYS_KEY_DISCARD_MAX_BYTES, l->discard_max_bytes);
	put_number(w, VSYS_KEY_FEATURE_WRITE_ZEROES, writes && l->write_zeroes_max_bytes);
	put_number(w, VSYS_KEY_WRITE_ZEROES_MAX_BYTES, l->write_zeroes_max_bytes);
}

static void put_ports(struct writer *w, const struct device *d)
{
	const struct stanza *s = &d->stanza;

	put_number(w, VSYS_KEY_PORT_FIRST, s->ports.first);
	put_number(w, VSYS_KEY_PORT_LAST, s->ports.last);
	if (s->irq != STANZA_NO_IRQ)
		put_number(w, VSYS_KEY_IRQ, s->irq);
	if (d->pirq >= 0)
		put_number(w, VSYS_KEY_PIRQ, d->pirq);
	put_number(w, VSYS_KEY_FEATURE_PORT_BATCH, 1);
}

uint32_t nodes_max_queues(const struct device *d)
{
	return d->native.class == VSYS_CLASS_PORTS ? 1 : VSYS_IPC_MAX_QUEUES;
}

static int put_back(struct xst *x, const struct device *d)
{
	struct writer w = { .x = x, .dir = d->back };

	w.err = xst_mkdir(x, d->back, BACKEND_DOMID, d->domain->domid);
	PUT(&w, VSYS_KEY_FRONTEND, "%s", d->front_path);
	PUT(&w, VSYS_KEY_FRONTEND_ID, "%u", d->domain->domid);
	PUT(&w, VSYS_KEY_ONLINE, "1");
	PUT(&w, VSYS_KEY_STATE, "%d", XenbusStateInitWait);
	PUT(&w, VSYS_KEY_HOTPLUG_STATUS, "connected");
	PUT(&w, VSYS_KEY_VERSIONS, "%d", VSYS_PROTOCOL_VERSION);
	put_number(&w, VSYS_KEY_MAX_RING_PAGE_ORDER, VSYS_MAX_RING_PAGE_ORDER);
	put_number(&w, VSYS_KEY_MULTI_QUEUE_MAX_QUEUES, nodes_max_queues(d));
	put_number(&w, VSYS_KEY_MAX_POOL_PAGES, LIMIT_POOL_PAGES);
	PUT(&w, VSYS_KEY_NAME, "%s", d->stanza.name);
	PUT(&w, VSYS_KEY_CLASS, "%s", vsys_class_name(d->native.class));
	PUT(&w, VSYS_KEY_MODE, "%s", vsys_mode_name(d->stanza.mode));
	if (d->stanza.native_numbers) {
		put_number(&w, VSYS_KEY_NATIVE_MAJOR, major(d->native.rdev));
		put_number(&w, VSYS_KEY_NATIVE_MINOR, minor(d->native.rdev));
	}
	PUT(&w, VSYS_KEY_PAYLOAD, "%s", vsys_payload_name(d->stanza.payload));
	if (d->stanza.exclusive != VSYS_EXCLUSIVE_NONE)
		PUT(&w, VSYS_KEY_EXCLUSIVE, "%s", vsys_exclusive_name(d->stanza.exclusive));
	put_number(&w, VSYS_KEY_FEATURE_IOCTL, stanza_calls(&d->stanza));
	put_number(&w, VSYS_KEY_FEATURE_POLL, d->native.class == VSYS_CLASS_CHAR);
	put_number(&w, VSYS_KEY_FEATURE_POOL_GROW, d->native.class != VSYS_CLASS_PORTS);
	if (d->native.class == VSYS_CLASS_BLOCK)
		put_limits(&w, d);
	if (d->native.class == VSYS_CLASS_PORTS)
		put_ports(&w, d);
	return w.err;
}

/*
 * The guest owns its directory, but not the two nodes that lead to the back-end.
 * That is for the guest's own sake: this side never reads them.
 */
static int put_front(struct xst *x, const struct device *d)
{
	struct writer w = { .x = x, .dir = d->front_path };
	uint32_t domid = d->domain->domid;

	w.err = xst_mkdir(x, d->front_path, domid, BACKEND_DOMID);
	PUT(&w, VSYS_KEY_BACKEND, "%s", d->back);
	PUT(&w, VSYS_KEY_BACKEND_ID, "%d", BACKEND_DOMID);
	PUT(&w, VSYS_KEY_STATE, "%d", XenbusStateInitialising);
	if (!w.err)
		w.err = xst_set_owner(x, w.dir, VSYS_KEY_BACKEND, BACKEND_DOMID, domid);
	if (!w.err)
		w.err = xst_set_owner(x, w.dir, VSYS_KEY_BACKEND_ID, BACKEND_DOMID, domid);
	return w.err;
}

/* Without this, writing would create a tree for a domain that has just gone. */
static int domain_exists(struct xst *x, uint32_t domid)
{
	char path[XST_PATH], *name;

	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	name = xst_read(x, path, "vm");
	if (!name)
		return errno == ENOENT ? -ENOENT : -errno;
	free(name);
	return 0;
}

int nodes_publish(struct xst *x, const struct device *d)
{
	int tries, err = 0;

	for (tries = 0; tries < NODES_TRIES; tries++) {
		err = xst_begin(x);
		if (err)
			return err;
		err = domain_exists(x, d->domain->domid);
		if (!err)
			err = put_back(x, d);
		if (!err)
			err = put_front(x, d);
		if (err) {
			xst_abort(x);
			return err;
		}
		err = xst_commit(x);
		if (err != -EAGAIN)
			return err;
	}
	return err;
}

int nodes_show(struct xst *x, const struct device *d)
{
	int err = xst_begin(x);

	if (err)
		return err;
	err = domain_exists(x, d->domain->domid);
	if (!err)
		err = xst_write(x, d->front_path, VSYS_KEY_BACKEND, "%s", d->back);
	if (!err)
		return xst_commit(x);
	xst_abort(x);
	return err;
}

int nodes_refresh(struct xst *x, const struct device *d)
{
	struct writer w = { .x = x, .dir = d->back };

	if (d->native.class == VSYS_CLASS_BLOCK)
		put_limits(&w, d);
	return w.err;
}

int nodes_set_state(struct xst *x, const struct device *d, enum xenbus_state state)
{
	return xst_write(x, d->back, VSYS_KEY_STATE, "%d", state);
}

int nodes_tell(struct xst *x, const struct device *d, const char *key, uint32_t value)
{
	int err = xst_write(x, d->back, key, "%u", value);

	return err || d->published != XenbusStateConnected ?
		       err :
		       nodes_set_state(x, d, XenbusStateConnected);
}

int nodes_set_offline(struct xst *x, const struct device *d)
{
	return xst_write(x, d->back, VSYS_KEY_ONLINE, "0");
}

int nodes_set_error(struct xst *x, const struct device *d, const char *text)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND_ERROR, BACKEND_DOMID,
		 d->domain->domid, d->devid);
	return xst_write(x, path, VSYS_KEY_ERROR, "%s", text);
}

/* Removes a directory that has nothing in it, and then those above, up to root. */
static void remove_empty(struct xst *x, const char *path, const char *root)
{
	char dir[XST_PATH];

	snprintf(dir, sizeof(dir), "%s", path);
	while (strlen(dir) >= strlen(root)) {
		unsigned int nr;
		char **names = xst_list(x, dir, &nr);

		free(names);
		if (!names || nr || xst_remove(x, dir))
			return;
		*strrchr(dir, '/') = '\0';
	}
}

static void remove_tree(struct xst *x, const char *path, const char *root)
{
	char parent[XST_PATH];

	xst_remove(x, path);
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	remove_empty(x, parent, root);
}

static void remove_device(struct xst *x, uint32_t domid, uint32_t devid)
{
	char path[XST_PATH], root[XST_PATH];

	snprintf(path, sizeof(path), VSYS_PATHF_FRONTEND, domid, devid);
	snprintf(root, sizeof(root), FRONT_ROOT, domid);
	remove_tree(x, path, root);
	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND, BACKEND_DOMID, domid, devid);
	snprintf(root, sizeof(root), BACK_ROOT, BACKEND_DOMID);
	remove_tree(x, path, root);
	snprintf(path, sizeof(path), VSYS_PATHF_BACKEND_ERROR, BACKEND_DOMID, domid, devid);
	snprintf(root, sizeof(root), ERROR_ROOT, BACKEND_DOMID);
	remove_tree(x, path, root);
}

int nodes_remove(struct xst *x, uint32_t domid, uint32_t devid)
{
	int tries, err = 0;

	for (tries = 0; tries < NODES_TRIES; tries++) {
		err = xst_begin(x);
		if (err)
			return err;
		remove_device(x, domid, devid);
		err = xst_commit(x);
		if (err != -EAGAIN)
			return err;
	}
	return err;
}

/*
 * One by one: of a removed tree a guest is told the top only, and Linux does not
 * look below a path as short as device/vsys.
 */
static void remove_fronts(struct xst *x, uint32_t domid)
{
	char dir[XST_PATH], path[XST_PATH];
	unsigned int nr, i;
	char **names;

	snprintf(dir, sizeof(dir), FRONT_ROOT, domid);
	names = xst_list(x, dir, &nr);
	for (i = 0; names && i < nr; i++)
		if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]) < (int)sizeof(path))
			xst_remove(x, path);
	free(names);
	xst_remove(x, dir);
}

void nodes_remove_domain(struct xst *x, uint32_t domid, bool lives)
{
	char path[XST_PATH], root[XST_PATH];

	snprintf(path, sizeof(path), BACK_ROOT "/%u", BACKEND_DOMID, domid);
	snprintf(root, sizeof(root), BACK_ROOT, BACKEND_DOMID);
	remove_tree(x, path, root);
	snprintf(path, sizeof(path), ERROR_ROOT "/backend/vsys/%u", BACKEND_DOMID, domid);
	snprintf(root, sizeof(root), ERROR_ROOT, BACKEND_DOMID);
	remove_tree(x, path, root);
	/* Where a domain is gone, its own tree is its toolstack's to remove. */
	if (lives)
		remove_fronts(x, domid);
}
