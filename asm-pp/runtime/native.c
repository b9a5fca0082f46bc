// SPDX-License-Identifier: GPL-2.0
/*
 * native.c - the machine's own ports: for those that nobody claimed, and as a
 * sink that shows whether batching alone changes what a driver sees.
 *
 * The only functions of the module with port instructions; asm-pp-verify is
 * told their names.
 */
#include <linux/io.h>

#include "xen-vpio.h"

noinline u32 vpio_native_in(u16 port, unsigned int width)
{
	switch (width) {
	case 0:
		return inb(port);
	case 1:
		return inw(port);
	default:
		return inl(port);
	}
}

noinline void vpio_native_out(u16 port, unsigned int width, u32 value)
{
	switch (width) {
	case 0:
		outb(value, port);
		break;
	case 1:
		outw(value, port);
		break;
	default:
		outl(value, port);
		break;
	}
}

noinline void vpio_native_ins(u16 port, unsigned int width, void *buffer, u64 count, int step)
{
	u8 *to = buffer;

	if (step > 0 && width == 0) {
		insb(port, buffer, count);
	} else if (step > 0 && width == 1) {
		insw(port, buffer, count);
	} else if (step > 0) {
		insl(port, buffer, count);
	} else {
		for (; count--; to -= 1 << width) {
			u32 value = vpio_native_in(port, width);

			memcpy(to, &value, 1 << width);
		}
	}
}

noinline void vpio_native_outs(u16 port, unsigned int width, const void *buffer, u64 count,
			       int step)
{
	const u8 *from = buffer;

	if (step > 0 && width == 0) {
		outsb(port, buffer, count);
	} else if (step > 0 && width == 1) {
		outsw(port, buffer, count);
	} else if (step > 0) {
		outsl(port, buffer, count);
	} else {
		for (; count--; from -= 1 << width) {
			u32 value = 0;

			memcpy(&value, from, 1 << width);
			vpio_native_out(port, width, value);
		}
	}
}

static u32 native_change(const struct vpio_rec *r)
{
	u32 value = r->value;
	unsigned int n;

	for (n = 0; n < r->count && !((value ^ r->value) & r->mask); n++)
		value = vpio_native_in(r->port, r->width);
	return value;
}

static bool native_until(const struct vpio_rec *r)
{
	unsigned int n;

	for (n = 0; n < r->count; n++)
		if ((vpio_native_in(r->port, r->width) & r->mask) == r->value)
			return true;
	return false;
}

/* So many records are left out. */
static unsigned int native_when(struct vpio_rec *r)
{
	u32 value = vpio_native_in(r->port, r->width);
	bool comes = (value & r->mask) == r->value;

	r->value = value;
	return comes ? 0 : r->count;
}

static int native_carry_out(void *data, struct vpio_rec *rec, unsigned int nr, u8 *bytes,
			    unsigned int len, bool wait)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct vpio_rec *r = &rec[i];

		switch (r->op) {
		case VPIO_REC_OUT:
			vpio_native_out(r->port, r->width, r->value);
			break;
		case VPIO_REC_IN:
			r->value = vpio_native_in(r->port, r->width);
			break;
		case VPIO_REC_OUTS:
			vpio_native_outs(r->port, r->width, bytes + r->value, r->count, 1);
			break;
		case VPIO_REC_INS:
			vpio_native_ins(r->port, r->width, bytes + r->value, r->count, 1);
			break;
		case VPIO_REC_CHANGE:
			r->value = native_change(r);
			break;
		case VPIO_REC_UNTIL:
			if (!native_until(r))
				return -EIO;
			break;
		case VPIO_REC_WHEN:
			i += native_when(r);
			break;
		}
	}
	return 0;
}

const struct vpio_sink vpio_native_sink = { .carry_out = native_carry_out };
