// SPDX-License-Identifier: GPL-2.0
/*
 * vsys.c - the module xen-vpio-vsys: a sink that sends batches to the ports that
 * another domain lends.
 *
 * Between xen-vpio, which knows no device, and xen-vsysfront, which knows no
 * driver; each works without the other.  A range is claimed when it appears.
 * When it goes it stays claimed, and the queue says that the device is gone:
 * else the driver, which is still there, would reach this machine's own ports.  A
 * device that comes again takes its place; one that has other ports then needs a
 * claim of its own.
 */
#define pr_fmt(fmt) "xen-vpio-vsys: " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vsys-ports.h"
#include "wire.h"
#include "xen-vpio.h"

#define CLAIMS	8

static char *name[CLAIMS];
static int names;
module_param_array(name, charp, &names, 0444);
MODULE_PARM_DESC(name, "devices whose ports are claimed (default: all)");
static char *profile[CLAIMS] = { "none" };
static int profiles;
module_param_array(profile, charp, &profiles, 0444);
MODULE_PARM_DESC(profile, "what they are, in the order of the names; the last is that of all others: none, ne2000, 16550, ata, parport");
static unsigned int threshold = 64;
module_param(threshold, uint, 0444);
MODULE_PARM_DESC(threshold, "outputs of a batch");
static unsigned int more;
module_param(more, uint, 0444);
MODULE_PARM_DESC(more, "ports after a range that are claimed with it, though the other domain will refuse them");

struct claim {
	struct vsys_ports *ports;	/* held; NULL: none */
	struct vpio_space *space;
};

/* Only the notifier changes them, and the module's end. */
static struct claim claims[CLAIMS];

/* The records are the operations: wire.h. */
static int carry_out(void *data, struct vpio_rec *rec, unsigned int nr, u8 *bytes, unsigned int len,
		     bool wait)
{
	return vsys_ports_carry_out(data, (struct vsys_port_op *)rec, nr, bytes, len, wait);
}

static const struct vpio_sink sink = { .carry_out = carry_out };

/* NULL: this device is not wanted. */
static const struct vpio_profile *profile_of(const char *device)
{
	int i, last = max(profiles, 1) - 1;

	for (i = 0; i < names && strcmp(name[i], device); i++)
		;
	if (names && i == names)
		return NULL;
	return vpio_profile_find(profile[names ? min(i, last) : last]);
}

static void let_go(struct claim *c)
{
	vpio_release(c->space);
	vsys_ports_put(c->ports);
	c->ports = NULL;
}

/* That of the same device, with the same ports; or a free one; or NULL. */
static struct claim *place_of(const struct vsys_ports_info *info)
{
	struct claim *place = NULL;
	struct vsys_ports_info old;
	int i;

	for (i = 0; i < CLAIMS; i++) {
		if (!claims[i].ports) {
			place = place ?: &claims[i];
			continue;
		}
		vsys_ports_info(claims[i].ports, &old);
		if (!strcmp(old.name, info->name) && old.first == info->first &&
		    old.last == info->last)
			return &claims[i];
	}
	return place;
}

static void appeared(struct vsys_ports *ports)
{
	const struct vpio_profile *known;
	struct vsys_ports_info info;
	struct vpio_space *space;
	struct claim *place;

	vsys_ports_info(ports, &info);
	known = profile_of(info.name);
	if (!known)
		return;
	place = place_of(&info);
	if (!place) {
		pr_err("%s: there are %d others already\n", info.name, CLAIMS);
		return;
	}
	vsys_ports_get(ports);
	if (place->ports)
		space = vpio_replace(place->space, &sink, ports, known, threshold);
	else
		space = vpio_claim(info.first, info.last + more, &sink, ports, known, threshold);
	if (IS_ERR(space)) {
		if (PTR_ERR(space) == -EBUSY)
			pr_err("%s: ports %#x-%#x: some are claimed already, perhaps by a device that is gone: load xen-vpio-vsys again\n",
			       info.name, info.first, info.last + more);
		else
			pr_err("%s: ports %#x-%#x with threshold %u: error %ld\n",
			       info.name, info.first, info.last + more, threshold,
			       PTR_ERR(space));
		vsys_ports_put(ports);
		return;
	}
	if (place->ports)
		vsys_ports_put(place->ports);
	place->ports = ports;
	place->space = space;
	pr_info("%s: ports %#x-%#x, profile %s, interrupt %d\n", info.name, info.first,
		info.last + more, known->name, info.irq);
}

static int on_change(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == VSYS_PORTS_ADD)
		appeared(data);
	return NOTIFY_OK;
}

static struct notifier_block watch = { .notifier_call = on_change };

static int __init vpio_vsys_init(void)
{
	int i;

	for (i = 0; i < max(profiles, 1); i++) {
		if (!vpio_profile_find(profile[i])) {
			pr_err("there is no profile '%s'\n", profile[i]);
			return -EINVAL;
		}
	}
	return vsys_ports_watch(&watch);
}
module_init(vpio_vsys_init);

static void __exit vpio_vsys_exit(void)
{
	int i;

	vsys_ports_unwatch(&watch);
	for (i = 0; i < CLAIMS; i++)
		if (claims[i].ports)
			let_go(&claims[i]);
}
module_exit(vpio_vsys_exit);

MODULE_DESCRIPTION("Port I/O in batches, to the ports of another domain");
MODULE_LICENSE("GPL");
