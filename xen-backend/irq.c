// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * irq.c - a machine's interrupt, given to a guest by Xen; see irq.h.
 *
 * A PV guest binds the interrupt itself once it is mapped for it.  For an HVM guest
 * Xen does that only as part of passing a PCI device through, and only if the guest
 * has an IOMMU; so it is told of a device that is not there, whose place on the
 * guest's bus is none of the device model's.  With its event channel bound, the
 * guest gets the event, and nobody sees the emulated line.
 *
 * Nothing of it is kept open: it is done once in a device's life.
 */
#include <errno.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <xenctrl.h>

#include "irq.h"
#include "madt.h"

/* Of the device that is not there. */
#define BUS	0
#define SLOT	31
#define INTX	3

#define MADT	"/sys/firmware/acpi/tables/APIC"

/*
 * A level-triggered interrupt stays where it is until the guest says that it has seen
 * to it, and meanwhile keeps others of the CPU away.
 */
static bool is_level(int irq)
{
	uint8_t table[16384];
	FILE *file = fopen(MADT, "re");
	size_t len;

	/* Who does not know must not take the risk. */
	if (!file)
		return true;
	len = fread(table, 1, sizeof(table), file);
	fclose(file);
	return len == sizeof(table) || madt_is_level(table, len, irq);
}

static xc_interface *open_xen(struct fault *f, int *err)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);

	*err = xc ? 0 : fault(f, -errno, "Xen's control interface: %s", strerror(errno));
	return xc;
}

static int domain_type(xc_interface *xc, uint32_t domid, bool *hvm, bool *pirqs)
{
	xc_domaininfo_t info;
	int nr = xc_domain_getinfolist(xc, domid, 1, &info);

	if (nr < 0)
		return -errno;
	if (nr != 1 || info.domain != domid)
		return -ESRCH;
	*hvm = info.flags & XEN_DOMINF_hvm_guest;
	*pirqs = !*hvm || info.arch_config.emulation_flags & XEN_X86_EMU_USE_PIRQ;
	return 0;
}

static int lend(xc_interface *xc, uint32_t domid, int irq, struct fault *f)
{
	bool hvm, pirqs;
	int pirq = irq, err;

	err = domain_type(xc, domid, &hvm, &pirqs);
	if (err)
		return fault(f, err, "%s", strerror(-err));
	if (!pirqs)
		return fault(f, -EOPNOTSUPP, "a PVH guest cannot have it");
	if (xc_physdev_map_pirq(xc, domid, irq, &pirq))
		return fault(f, -errno, "Xen does not map it: %s", strerror(errno));
	if (xc_domain_irq_permission(xc, domid, pirq, true)) {
		err = fault(f, -errno, "Xen does not permit it: %s", strerror(errno));
		goto unmap;
	}
	if (hvm && xc_domain_bind_pt_pci_irq(xc, domid, pirq, BUS, SLOT, INTX)) {
		err = -errno;
		fault(f, err, err == -ESRCH ?
		      "Xen gives it to an HVM guest only with an IOMMU (passthrough=1)" :
		      "Xen does not bind it: %s", strerror(-err));
		goto forbid;
	}
	return pirq;

forbid:
	xc_domain_irq_permission(xc, domid, pirq, false);
unmap:
	xc_physdev_unmap_pirq(xc, domid, pirq);
	return err;
}

int irq_lend(uint32_t domid, int irq, struct fault *f)
{
	xc_interface *xc;
	int err;

	if (irq == 0 || irq == 2 || irq == 8)
		return fault(f, -EPERM, "it is this machine's own (timer, cascade, clock)");
	if (is_level(irq))
		return fault(f, -EOPNOTSUPP, "it is level-triggered");
	xc = open_xen(f, &err);
	if (!xc)
		return err;
	err = lend(xc, domid, irq, f);
	xc_interface_close(xc);
	return err;
}

void irq_take_back(uint32_t domid, int pirq)
{
	bool hvm, pirqs;
	struct fault f;
	int err;
	xc_interface *xc = open_xen(&f, &err);

	if (!xc)
		return;
	if (!domain_type(xc, domid, &hvm, &pirqs)) {
		if (hvm)
			xc_domain_unbind_pt_irq(xc, domid, pirq, PT_IRQ_TYPE_PCI, BUS, SLOT, INTX, 0);
		xc_domain_irq_permission(xc, domid, pirq, false);
		xc_physdev_unmap_pirq(xc, domid, pirq);
	}
	xc_interface_close(xc);
}
