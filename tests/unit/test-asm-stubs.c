// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-asm-stubs.c - rewritten code does what the instructions do: to every
 * register and flag, to memory, and to the ports, in the same order.
 *
 * The same random functions are there twice.  Those that are as they were trap
 * at each port instruction, and a signal handler does what the architecture's
 * manual says.  The rewritten ones call the stubs.  Below both is the same
 * pretended port space.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "asm-pp/runtime/vpio.h"

#define FUNCTIONS	400
#define ROUNDS		8
#define MEMORY		4096
#define LOG		512
#define FLAGS_DF	0x400u
#define FLAGS_USER	0xcd5u		/* CF PF AF ZF SF DF OF */

/* As asm-random.awk stores them. */
enum { FLAGS, RAX, RBX, RCX, RDX, RSI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, RDI, REGISTERS };

typedef void random_function(uint64_t *state);
extern random_function *const native_table[FUNCTIONS];
extern random_function *const rewritten_table[FUNCTIONS];

struct access {
	bool out;
	uint16_t port;
	unsigned int width;
	uint32_t value;
};

struct ports {
	unsigned int nr;
	struct access log[LOG];
	unsigned int points[3];
};

struct run {
	uint64_t state[REGISTERS];
	uint8_t rsi_memory[MEMORY], rdi_memory[MEMORY];
	struct ports ports;
};

static struct ports *ports;		/* of the run that goes on */
static unsigned int traps;

static struct access *log_access(bool out, uint16_t port, unsigned int width)
{
	struct access *a = &ports->log[ports->nr++ % LOG];

	*a = (struct access){ .out = out, .port = port, .width = width };
	return a;
}

/* What a port says depends on all that came before. */
u32 vpio_in(u16 port, unsigned int width)
{
	struct access *a = log_access(false, port, width);

	a->value = ((uint32_t)port + ports->nr) * 2654435761u;
	if (width < 2)
		a->value &= (1u << (8 << width)) - 1;
	return a->value;
}

void vpio_out(u16 port, unsigned int width, u32 value)
{
	log_access(true, port, width)->value = value;
}

void vpio_ins(u16 port, unsigned int width, void *buffer, u64 count, int step)
{
	for (uint8_t *p = buffer; count--; p += step * (1 << width)) {
		uint32_t value = vpio_in(port, width);

		memcpy(p, &value, 1u << width);
	}
}

void vpio_outs(u16 port, unsigned int width, const void *buffer, u64 count, int step)
{
	for (const uint8_t *p = buffer; count--; p += step * (1 << width)) {
		uint32_t value = 0;

		memcpy(&value, p, 1u << width);
		vpio_out(port, width, value);
	}
}

void vpio_point(unsigned int point)
{
	ports->points[point]++;
}

/* One port instruction, by the manual; returns its length, or 0. */
static unsigned int emulate(greg_t *r, const uint8_t *code)
{
	unsigned int len = 0, width = 2;
	bool rep = false;
	uint8_t op;

	for (;; len++) {
		if (code[len] == 0x66)
			width = 1;
		else if (code[len] == 0xf3)
			rep = true;
		else
			break;
	}
	op = code[len++];
	if (!(op & 1))
		width = 0;
	switch (op & ~1) {
	case 0xe4:
	case 0xec: {
		uint16_t port = op < 0xe8 ? code[len++] : (uint16_t)r[REG_RDX];
		uint32_t value = vpio_in(port, width);

		if (width == 0)
			r[REG_RAX] = (r[REG_RAX] & ~0xffll) | (value & 0xff);
		else if (width == 1)
			r[REG_RAX] = (r[REG_RAX] & ~0xffffll) | (value & 0xffff);
		else
			r[REG_RAX] = value;
		return len;
	}
	case 0xe6:
	case 0xee: {
		uint16_t port = op < 0xe8 ? code[len++] : (uint16_t)r[REG_RDX];
		uint32_t all = (uint32_t)r[REG_RAX];

		vpio_out(port, width, width == 0 ? all & 0xff : width == 1 ? all & 0xffff : all);
		return len;
	}
	case 0x6c:
	case 0x6e: {
		int index = op < 0x6e ? REG_RDI : REG_RSI;

		while (!rep || r[REG_RCX]) {
			uint32_t value = 0;
			void *at = (void *)r[index];

			if (op < 0x6e) {
				value = vpio_in((uint16_t)r[REG_RDX], width);
				memcpy(at, &value, 1u << width);
			} else {
				memcpy(&value, at, 1u << width);
				vpio_out((uint16_t)r[REG_RDX], width, value);
			}
			r[index] += r[REG_EFL] & FLAGS_DF ? -(1 << width) : 1 << width;
			if (!rep)
				break;
			r[REG_RCX]--;
		}
		return len;
	}
	default:
		return 0;
	}
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned int len = emulate(r, (const uint8_t *)r[REG_RIP]);

	(void)info;
	if (!len) {
		/* Something else: it happens again, and ends the test. */
		struct sigaction plain = { .sa_handler = SIG_DFL };

		sigaction(signal, &plain, NULL);
		return;
	}
	r[REG_RIP] += len;
	traps++;
}

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void prepare(struct run *run)
{
	memset(run, 0, sizeof(*run));
	for (unsigned int i = 0; i < REGISTERS; i++)
		run->state[i] = random64();
	for (unsigned int i = 0; i < MEMORY; i++) {
		run->rsi_memory[i] = (uint8_t)random64();
		run->rdi_memory[i] = (uint8_t)random64();
	}
	run->state[FLAGS] = (run->state[FLAGS] & FLAGS_USER) | 2;
}

/* Addresses become offsets, which both runs must agree on. */
static void carry_out(struct run *run, random_function *function)
{
	ports = &run->ports;
	run->state[RSI] = (uint64_t)(uintptr_t)run->rsi_memory + MEMORY / 2;
	run->state[RDI] = (uint64_t)(uintptr_t)run->rdi_memory + MEMORY / 2;
	function(run->state);
	run->state[RSI] -= (uint64_t)(uintptr_t)run->rsi_memory;
	run->state[RDI] -= (uint64_t)(uintptr_t)run->rdi_memory;
}

static void test_random(void **state)
{
	static const char *const names[] = { "flags", "rax", "rbx", "rcx", "rdx", "rsi", "rbp", "r8",
		"r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi" };
	static struct run native, rewritten;
	struct sigaction trap = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO }, old;
	unsigned int accesses = 0;

	(void)state;
	/* cmocka has a handler for each test. */
	assert_int_equal(sigaction(SIGSEGV, &trap, &old), 0);
	for (unsigned int f = 0; f < FUNCTIONS * ROUNDS; f++) {
		prepare(&native);
		rewritten = native;
		carry_out(&native, native_table[f % FUNCTIONS]);
		carry_out(&rewritten, rewritten_table[f % FUNCTIONS]);
		for (unsigned int i = 0; i < REGISTERS; i++)
			if (native.state[i] != rewritten.state[i])
				fail_msg("function %u: %s is %#llx, must be %#llx", f % FUNCTIONS, names[i],
					 (unsigned long long)rewritten.state[i],
					 (unsigned long long)native.state[i]);
		assert_int_equal(rewritten.ports.nr, native.ports.nr);
		assert_memory_equal(&rewritten.ports.log, &native.ports.log, sizeof(native.ports.log));
		assert_memory_equal(rewritten.rsi_memory, native.rsi_memory, MEMORY);
		assert_memory_equal(rewritten.rdi_memory, native.rdi_memory, MEMORY);
		accesses += native.ports.nr;
	}
	sigaction(SIGSEGV, &old, NULL);
	/* They did reach ports, and no rewritten one by an instruction. */
	assert_true(traps > FUNCTIONS && accesses > FUNCTIONS);
}

static void test_rewritten_never_traps(void **state)
{
	static struct run run;
	unsigned int before = traps;

	(void)state;
	for (unsigned int f = 0; f < FUNCTIONS; f++) {
		prepare(&run);
		carry_out(&run, rewritten_table[f]);
	}
	assert_int_equal(traps, before);
}

/* Each stub by itself, with registers full of bits. */
#define CALL_STUB(name, rax, rdx)								\
	({											\
		uint64_t a_ = (rax), d_ = (rdx), flags_;					\
		__asm__ volatile("stc; std; call __vpio_" #name "; pushfq; popq %2; cld"	\
				 : "+a"(a_), "+d"(d_), "=&r"(flags_) : : "cc", "memory");	\
		assert_int_equal(flags_ & (FLAGS_DF | 1), FLAGS_DF | 1);			\
		assert_int_equal(d_, (rdx));							\
		a_;										\
	})

static void test_widths(void **state)
{
	static struct ports p;
	const uint64_t all = 0xfedcba9876543210ull, rdx = 0xffffffff12340378ull;
	uint64_t rax;

	(void)state;
	ports = &p;
	rax = CALL_STUB(inb, all, rdx);
	assert_int_equal(rax >> 8, all >> 8);
	assert_int_equal(rax & 0xff, p.log[0].value);
	rax = CALL_STUB(inw, all, rdx);
	assert_int_equal(rax >> 16, all >> 16);
	assert_int_equal(rax & 0xffff, p.log[1].value);
	rax = CALL_STUB(inl, all, rdx);
	assert_int_equal(rax, p.log[2].value);
	assert_int_equal(CALL_STUB(outb, all, rdx), all);
	assert_int_equal(CALL_STUB(outw, all, rdx), all);
	assert_int_equal(CALL_STUB(outl, all, rdx), all);
	assert_int_equal(p.log[3].value, 0x10);
	assert_int_equal(p.log[4].value, 0x3210);
	assert_int_equal(p.log[5].value, 0x76543210);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(p.log[i].port, 0x378);
		assert_int_equal(p.log[i].width, i % 3);
		assert_int_equal(p.log[i].out, i > 2);
	}
	assert_int_equal(p.nr, 6);
}

static void test_points(void **state)
{
	static struct ports p;

	(void)state;
	ports = &p;
	assert_int_equal(CALL_STUB(pushf, 1ull, 2ull), 1);
	assert_int_equal(p.points[VPIO_POINT_OFF], 1);
	assert_int_equal(CALL_STUB(popf, 1ull, 2ull), 1);
	assert_int_equal(p.points[VPIO_POINT_ON], 1);
	assert_int_equal(p.points[VPIO_POINT_IDLE], 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_rewritten_never_traps),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
