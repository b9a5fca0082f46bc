# SPDX-License-Identifier: GPL-2.0-or-later
#
# asm-random.awk - functions of random instructions, port instructions among
# them, for test-asm-stubs.  -v seed=N -v functions=N -v prefix=NAME
#
# NAME_N(state): loads all registers and flags from state, runs, stores them.
# %rsi and %rdi stay within the test's buffer: only string instructions change
# them, %rcx is set before those with rep, and they are few.

function pick(n) { return int(rand() * n) }
function reg() { return regs[pick(nregs)] }
function port_insn(   k, w, name)
{
	k = pick(5)
	if (k == 0)
		print "\tin" sfx[pick(3)] "\t%dx"
	else if (k == 1)
		print "\tout" sfx[pick(3)] "\t%dx"
	else if (k == 2) {
		w = pick(3)
		print "\tin\t$" pick(256) ", " acc[w]
	} else if (k == 3) {
		w = pick(3)
		print "\tout" sfx[w] "\t" acc[w] ", $" pick(256)
	} else {
		name = (pick(2) ? "ins" : "outs") sfx[pick(3)]
		if (pick(2))
			print "\t" name
		else {
			print "\tmovl\t$" pick(6) ", %ecx"
			print pick(2) ? "\trep; " name : "\trep " name
		}
	}
}
function other_insn(   k)
{
	k = pick(12)
	if (k < 4)
		print "\t" two[pick(ntwo)] "\t" reg() ", " reg()
	else if (k < 6)
		print "\t" one[pick(none)]
	else if (k == 6)
		printf "\tmovabsq\t$0x%08x%08x, %%rdx\n", pick(4294967296), pick(4294967296)
	else if (k == 7)
		printf "\tmovabsq\t$0x%08x%08x, %%rax\n", pick(4294967296), pick(4294967296)
	else if (k == 8)
		print "\tpushq\t" reg() "; popq\t" reg()
	else if (k == 9)
		print "\trolq\t$" pick(64) ", " reg()
	else if (k == 10)
		print "\tjnc\t1f\n\tincq\t" reg() "\n1:"
	else
		print "\tpushfq; popq\t" reg()
}
BEGIN {
	srand(seed)
	split("b w l", t); for (i = 0; i < 3; i++) sfx[i] = t[i + 1]
	split("%al %ax %eax", t); for (i = 0; i < 3; i++) acc[i] = t[i + 1]
	nregs = split("%rax %rbx %rcx %rdx %rbp %r8 %r9 %r10 %r11 %r12 %r13 %r14 %r15", t)
	for (i = 0; i < nregs; i++) regs[i] = t[i + 1]
	ntwo = split("addq subq xorq adcq sbbq cmpq testq andq orq", t)
	for (i = 0; i < ntwo; i++) two[i] = t[i + 1]
	none = split("stc clc cmc std cld cltq cqto", t)
	for (i = 0; i < none; i++) one[i] = t[i + 1]
	nall = split("rax rbx rcx rdx rsi rbp r8 r9 r10 r11 r12 r13 r14 r15", all)
	ncallee = split("rbx rbp r12 r13 r14 r15", callee)

	print "\t.text"
	for (f = 0; f < functions; f++) {
		name = prefix "_" f
		print "\t.globl\t" name "\n\t.type\t" name ", @function\n" name ":"
		for (i = 1; i <= ncallee; i++) print "\tpushq\t%" callee[i]
		print "\tpushq\t%rdi\n\tpushq\t0(%rdi)\n\tpopfq"
		for (i = 1; i <= nall; i++) print "\tmovq\t" 8 * i "(%rdi), %" all[i]
		print "\tmovq\t" 8 * (nall + 1) "(%rdi), %rdi"
		for (i = 0; i < 12; i++)
			if (pick(2)) port_insn(); else other_insn()
		print "\tpushfq\n\tpushq\t%rdi\n\tmovq\t16(%rsp), %rdi"
		for (i = 1; i <= nall; i++) print "\tmovq\t%" all[i] ", " 8 * i "(%rdi)"
		print "\tpopq\t" 8 * (nall + 1) "(%rdi)\n\tpopq\t0(%rdi)\n\tcld\n\tpopq\t%rdi"
		for (i = ncallee; i >= 1; i--) print "\tpopq\t%" callee[i]
		print "\tret\n\t.size\t" name ", . - " name
	}
	print "\t.section .data.rel.ro,\"aw\"\n\t.globl\t" prefix "_table\n" prefix "_table:"
	for (f = 0; f < functions; f++) print "\t.quad\t" prefix "_" f
	print "\t.section .note.GNU-stack,\"\",@progbits"
}
