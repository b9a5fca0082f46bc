// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * asm-ports.c - port I/O as drivers write it, for asm-pp and asm-pp-verify.
 *
 * Not run: compiled with many options, rewritten, and looked at.  PORT_SITES
 * says how many asm statements there are with a port instruction, if nothing is
 * inlined or copied.
 */
#define DEFINE_IO(bwl, bw, type)							\
static inline void out##bwl(type value, unsigned short port)				\
{											\
	__asm__ __volatile__("out" #bwl " %" #bw "0, %w1" : : "a"(value), "Nd"(port));	\
}											\
static inline type in##bwl(unsigned short port)						\
{											\
	type value;									\
	__asm__ __volatile__("in" #bwl " %w1, %" #bw "0" : "=a"(value) : "Nd"(port));	\
	return value;									\
}											\
static inline void outs##bwl(unsigned short port, const void *from, unsigned long n)	\
{											\
	__asm__ __volatile__("rep; outs" #bwl : "+S"(from), "+c"(n) : "d"(port) : "memory"); \
}											\
static inline void ins##bwl(unsigned short port, void *to, unsigned long n)		\
{											\
	__asm__ __volatile__("rep; ins" #bwl : "+D"(to), "+c"(n) : "d"(port) : "memory"); \
}

DEFINE_IO(b, b, unsigned char)
DEFINE_IO(w, w, unsigned short)
DEFINE_IO(l, , unsigned int)

/* As FreeBSD writes it. */
static inline unsigned char freebsd_inb(unsigned int port)
{
	unsigned char data;

	__asm__ __volatile__("inb %w1, %0" : "=a"(data) : "Nd"(port));
	return data;
}

static inline void freebsd_insl(unsigned int port, void *addr, unsigned long count)
{
	__asm__ __volatile__("cld; rep; insl" : "+D"(addr), "+c"(count) : "d"(port) : "memory");
}

int ports_command(unsigned short base, int command);
int ports_block(unsigned short base, void *buffer, unsigned long words);
int ports_index(int index);
unsigned int ioread8(void *port);
void iowrite32_rep(void *port, const void *from, unsigned long n);
void ports_iomap(void *port, unsigned int *table);

int ports_command(unsigned short base, int command)
{
	int patience = 1000;

	outb((unsigned char)command, base + 7);
	while ((inb(base + 7) & 0x80) && --patience)
		outb(0, 0x80);
	if (freebsd_inb(base + 1))
		return -1;
	outl(inl(base) | 1, base);
	return patience;
}

int ports_block(unsigned short base, void *buffer, unsigned long words)
{
	volatile char small[16];	/* in a red zone, if there is one */

	for (unsigned int i = 0; i < sizeof(small); i++)
		small[i] = (char)i;
	insw(base, buffer, words);
	outsw(base, buffer, words);
	insb(base, buffer, 3);
	outsb(base, buffer, 3);
	insl(base, buffer, words / 2);
	outsl(base, buffer, words / 2);
	freebsd_insl(base, buffer, words / 2);
	return small[words & 15];
}

int ports_index(int index)
{
	outb((unsigned char)index, 0x70);
	outw((unsigned short)index, 0x300);
	return inb(0x71) + inw(0x302);
}

void ports_iomap(void *port, unsigned int *table)
{
	table[0] = ioread8(port);
	iowrite32_rep(port, table, 4);
}
