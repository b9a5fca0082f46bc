// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * atadev - tells Linux's driver pata_platform where an ATA controller is: the task file at
 * eight ports from "io" on and the control at io + 14, as a CompactFlash card in its
 * contiguous mapping has them; "irq", or 0: the driver polls.
 */
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static ushort io;
module_param(io, ushort, 0444);
MODULE_PARM_DESC(io, "the first port");
static int irq;
module_param(irq, int, 0444);
MODULE_PARM_DESC(irq, "the interrupt; 0: none");

static struct platform_device *device;

static int __init atadev_init(void)
{
	struct resource resources[] = {
		DEFINE_RES_IO(io, 8),
		DEFINE_RES_IO(io + 14, 1),
		DEFINE_RES_IRQ(irq),
	};

	device = platform_device_register_simple("pata_platform", PLATFORM_DEVID_NONE, resources,
						 ARRAY_SIZE(resources) - !irq);
	return PTR_ERR_OR_ZERO(device);
}
module_init(atadev_init);

static void __exit atadev_exit(void)
{
	platform_device_unregister(device);
}
module_exit(atadev_exit);

MODULE_DESCRIPTION("Where an ATA controller is, for pata_platform");
MODULE_LICENSE("GPL");
