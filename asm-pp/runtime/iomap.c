// SPDX-License-Identifier: GPL-2.0
/*
 * iomap.c - ioread8() and its kin for rewritten drivers.
 *
 * With GENERIC_IOMAP a cookie is a port or memory, and lib/iomap.c has the port
 * instructions.  Cookies of ports come here; memory is left to the kernel's own.
 */
#include <linux/export.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-hi-lo.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/swab.h>

#include "vpio.h"

/* What lib/iomap.c makes cookies of ports from; no header has it. */
#define COOKIE_PORTS	0x10000ul
#define COOKIE_MEMORY	0x40000ul

static bool is_port(const void __iomem *cookie)
{
	unsigned long value = (unsigned long __force)cookie;

	return value > COOKIE_PORTS && value < COOKIE_MEMORY;
}

static u16 port_of(const void __iomem *cookie)
{
	return (u16)(unsigned long __force)cookie;
}

static u64 in_lo_hi(u16 port)
{
	u64 low = vpio_in(port, 2);

	return low | (u64)vpio_in(port + 4, 2) << 32;
}

static u64 in_hi_lo(u16 port)
{
	u64 high = vpio_in(port + 4, 2);

	return high << 32 | vpio_in(port, 2);
}

static u64 in_be_lo_hi(u16 port)
{
	u64 low = swab32(vpio_in(port + 4, 2));

	return low | (u64)swab32(vpio_in(port, 2)) << 32;
}

static u64 in_be_hi_lo(u16 port)
{
	u64 high = swab32(vpio_in(port, 2));

	return high << 32 | swab32(vpio_in(port + 4, 2));
}

static void out_pair(u16 first, u32 value, u16 second, u32 other)
{
	vpio_out(first, 2, value);
	vpio_out(second, 2, other);
}

#define VPIO_READ(name, type, access)							\
type __vpio_##name(const void __iomem *cookie);						\
type __vpio_##name(const void __iomem *cookie)						\
{											\
	u16 port = port_of(cookie);							\
											\
	return is_port(cookie) ? (type)(access) : name(cookie);				\
}											\
EXPORT_SYMBOL_GPL(__vpio_##name)

#define VPIO_WRITE(name, type, access)							\
void __vpio_##name(type value, void __iomem *cookie);					\
void __vpio_##name(type value, void __iomem *cookie)					\
{											\
	u16 port = port_of(cookie);							\
											\
	if (is_port(cookie))								\
		access;									\
	else										\
		name(value, cookie);							\
}											\
EXPORT_SYMBOL_GPL(__vpio_##name)

#define VPIO_READ_REP(name, width)								\
void __vpio_##name(const void __iomem *cookie, void *to, unsigned long count);		\
void __vpio_##name(const void __iomem *cookie, void *to, unsigned long count)		\
{											\
	if (is_port(cookie))								\
		vpio_ins(port_of(cookie), width, to, count, 1);				\
	else										\
		name(cookie, to, count);						\
}											\
EXPORT_SYMBOL_GPL(__vpio_##name)

#define VPIO_WRITE_REP(name, width)								\
void __vpio_##name(void __iomem *cookie, const void *from, unsigned long count);	\
void __vpio_##name(void __iomem *cookie, const void *from, unsigned long count)		\
{											\
	if (is_port(cookie))								\
		vpio_outs(port_of(cookie), width, from, count, 1);			\
	else										\
		name(cookie, from, count);						\
}											\
EXPORT_SYMBOL_GPL(__vpio_##name)

VPIO_READ(ioread8, unsigned int, vpio_in(port, 0));
VPIO_READ(ioread16, unsigned int, vpio_in(port, 1));
VPIO_READ(ioread16be, unsigned int, swab16(vpio_in(port, 1)));
VPIO_READ(ioread32, unsigned int, vpio_in(port, 2));
VPIO_READ(ioread32be, unsigned int, swab32(vpio_in(port, 2)));
VPIO_READ(ioread64_lo_hi, u64, in_lo_hi(port));
VPIO_READ(ioread64_hi_lo, u64, in_hi_lo(port));
VPIO_READ(ioread64be_lo_hi, u64, in_be_lo_hi(port));
VPIO_READ(ioread64be_hi_lo, u64, in_be_hi_lo(port));

VPIO_WRITE(iowrite8, u8, vpio_out(port, 0, value));
VPIO_WRITE(iowrite16, u16, vpio_out(port, 1, value));
VPIO_WRITE(iowrite16be, u16, vpio_out(port, 1, swab16(value)));
VPIO_WRITE(iowrite32, u32, vpio_out(port, 2, value));
VPIO_WRITE(iowrite32be, u32, vpio_out(port, 2, swab32(value)));
VPIO_WRITE(iowrite64_lo_hi, u64, out_pair(port, value, port + 4, value >> 32));
VPIO_WRITE(iowrite64_hi_lo, u64, out_pair(port + 4, value >> 32, port, value));
VPIO_WRITE(iowrite64be_lo_hi, u64, out_pair(port + 4, swab32(value), port, swab32(value >> 32)));
VPIO_WRITE(iowrite64be_hi_lo, u64, out_pair(port, swab32(value >> 32), port + 4, swab32(value)));

VPIO_READ_REP(ioread8_rep, 0);
VPIO_READ_REP(ioread16_rep, 1);
VPIO_READ_REP(ioread32_rep, 2);
VPIO_WRITE_REP(iowrite8_rep, 0);
VPIO_WRITE_REP(iowrite16_rep, 1);
VPIO_WRITE_REP(iowrite32_rep, 2);
