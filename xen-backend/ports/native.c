// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * native.c - the port instructions; see native.h.  They reach what ioperm(2) was
 * called for; others end the process.
 */
#include <sys/io.h>
#include <time.h>

#include "native.h"

static uint32_t native_in(uint16_t port, unsigned int width)
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

static void native_out(uint16_t port, unsigned int width, uint32_t value)
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

/* The C library's insb() and its kin do not tell the compiler that memory changes. */
#define STRING(where, instruction, port, address, count) do { \
	uint64_t left_ = (count); \
	__asm__ __volatile__("cld; rep " instruction \
			     : "+" where (address), "+c" (left_) : "d" (port) : "memory"); \
} while (0)

static void native_ins(uint16_t port, unsigned int width, uint8_t *to, uint32_t count)
{
	switch (width) {
	case 0:
		STRING("D", "insb", port, to, count);
		break;
	case 1:
		STRING("D", "insw", port, to, count);
		break;
	default:
		STRING("D", "insl", port, to, count);
		break;
	}
}

static void native_outs(uint16_t port, unsigned int width, const uint8_t *from, uint32_t count)
{
	switch (width) {
	case 0:
		STRING("S", "outsb", port, from, count);
		break;
	case 1:
		STRING("S", "outsw", port, from, count);
		break;
	default:
		STRING("S", "outsl", port, from, count);
		break;
	}
}

static uint64_t native_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

const struct port_device native_ports = {
	.in = native_in,
	.out = native_out,
	.ins = native_ins,
	.outs = native_outs,
	.now = native_now,
};
