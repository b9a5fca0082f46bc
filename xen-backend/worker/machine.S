/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.S - the program of an executor; see machine.h and docs/mirror.md.
 *
 * Nothing here reads memory that a driver could have written, but two words
 * that don't matter: the value of a result, by which a list of operations ends
 * early, and what a signal frame says of an interrupted system call.  (A third one is
 * read by an xchg, and dropped.)
 *
 *   r12   the slot (read-only)
 *   r13   4 * index of the operation + phase
 *   r14   the result
 *   r15d  sequence number that was seen last
 *
 * These survive system calls, and a signal handler finds them as they were. The
 * phase is changed by single instructions, so that a handler knows at any moment
 * what has been done:
 *
 *   0  waits, or is about to
 *   1  the operation is about to be made, or is, or its value is on the way
 *   2  its value is stored
 *   3  all is made; this is said, or is about to be
 */
#include <asm/unistd_64.h>
#include "machine.h"

#define EINTR		4
#define SIG_SETMASK	2
/* In a struct ucontext: the registers of the interrupted code. */
#define UC_RAX		144
#define UC_RIP		168

	.section .rodata.machine, "a", @progbits
	.balign 64
	.globl machine_begin, machine_end, machine_enter, machine_signal, machine_restorer
	.hidden machine_begin, machine_end, machine_enter, machine_signal, machine_restorer
machine_begin:

/* rdi: the slot. */
machine_enter:
	mov	%rdi, %r12
.Lnew:
	mov	SLOT_RESULT(%r12), %r14
	xor	%r15d, %r15d
	xor	%r13d, %r13d
	/* The signal is blocked in agents, so that none hits a child before it is here. */
	cmpl	$0, SLOT_SIGNAL(%r12)
	jne	.Lunblock
.Lwait:
	xor	%r13d, %r13d
	mov	SLOT_STACK(%r12), %rsp
.Llook:
	mov	SLOT_SEQ(%r12), %eax
	cmp	%eax, %r15d
	jne	.Lgo
	/* futex(&slot->seq, FUTEX_WAIT, r15d, NULL) */
	lea	SLOT_SEQ(%r12), %rdi
	xor	%esi, %esi
	mov	%r15d, %edx
	xor	%r10d, %r10d
	mov	$__NR_futex, %eax
	syscall
	jmp	.Llook

	/* In this order: with a signal between them this one is begun anew, and not lost. */
.Lgo:
	mov	$1, %r13d
	mov	%eax, %r15d
.Lop:
	/* rbx: the operation */
	mov	%r13d, %ebx
	shr	$2, %ebx
	shl	$6, %ebx
	lea	SLOT_OPS(%r12, %rbx), %rbx
	mov	OP_FLAGS(%rbx), %ebp
	test	$OP_COMPAT, %ebp
	jnz	.Lcompat
	mov	OP_NR(%rbx), %rax
	mov	OP_ARG(0)(%rbx), %rdi
	mov	OP_ARG(1)(%rbx), %rsi
	mov	OP_ARG(2)(%rbx), %rdx
	mov	OP_ARG(3)(%rbx), %r10
	mov	OP_ARG(4)(%rbx), %r8
	mov	OP_ARG(5)(%rbx), %r9
	syscall
.Lmade:
	test	%rax, %rax
	jnz	.Lstore
	test	$OP_CLONE, %ebp
	jnz	.Lchild
.Lstore:
	mov	%rax, RESULT_VALUE(%r14)
	inc	%r13d
.Lstored:
	mov	%r13d, %ebx
	shr	$2, %ebx
	mov	%ebx, RESULT_NR(%r14)
	cmp	$-4095, %rax
	jae	.Ldone
	inc	%ebx
	cmp	SLOT_NR(%r12), %ebx
	jae	.Ldone
	add	$3, %r13d
	jmp	.Lop

/*
 * A new thread or process.  The result is its parent's, so it stores none; the
 * parent's slot may hold the next operation by now, so that flags and args[5] of
 * this one are in ebp and r9 only.
 */
.Lchild:
	mov	%r9, %r12
	jmp	.Lnew

.Ldone:
	or	$3, %r13d
.Lsay:
	/* A barrier: either we see that the worker wants the bell, or it sees this. */
	mov	%r15d, %eax
	xchg	%eax, RESULT_SEQ(%r14)
	cmpl	$0, SLOT_BELL(%r12)
	je	.Lwait
	mov	SLOT_EVENT(%r12), %edi
	lea	.Lone(%rip), %rsi
	mov	$8, %edx
	mov	$__NR_write, %eax
	syscall
	jmp	.Lwait

.Lcompat:
	mov	OP_NR(%rbx), %eax
	mov	OP_ARG(1)(%rbx), %ecx
	mov	OP_ARG(2)(%rbx), %edx
	mov	OP_ARG(3)(%rbx), %esi
	mov	OP_ARG(4)(%rbx), %edi
	mov	OP_ARG(0)(%rbx), %ebx
	xor	%ebp, %ebp
	int	$0x80
.Lmade_compat:
	cltq
	jmp	.Lstore

/*
 * rdx: ucontext.  The signal is blocked now, and stays so until what is known of
 * the interrupted operation is stored: this never returns to the frame.
 */
machine_signal:
	mov	%r13d, %ecx
	and	$3, %ecx
	cmp	$1, %ecx
	jne	.Lunblock
	mov	UC_RIP(%rdx), %rcx
	mov	UC_RAX(%rdx), %rax
	/* From here to there rax has the value. */
	lea	.Lmade(%rip), %rdi
	lea	.Lstored(%rip), %rsi
	cmp	%rdi, %rcx
	jb	1f
	cmp	%rsi, %rcx
	jb	3f
1:	lea	.Lmade_compat(%rip), %rdi
	lea	machine_signal(%rip), %rsi
	cmp	%rdi, %rcx
	jb	2f
	cmp	%rsi, %rcx
	jae	2f
	cltq
	jmp	3f
2:	mov	$-EINTR, %rax		/* it was not begun */
3:	mov	%rax, RESULT_VALUE(%r14)
	inc	%r13d

.Lunblock:
	mov	SLOT_STACK(%r12), %rsp
	mov	$SIG_SETMASK, %edi
	lea	.Lnone(%rip), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$__NR_rt_sigprocmask, %eax
	syscall
	/* What is said may be said twice, though the next one stands there by now. */
	mov	%r13d, %ecx
	and	$3, %ecx
	jz	.Lwait
	cmp	$3, %ecx
	je	.Lsay
	mov	RESULT_VALUE(%r14), %rax
	jmp	.Lstored

machine_restorer:
	ud2

	.balign 8
.Lone:	.quad	1
.Lnone:	.quad	0
machine_end:

	.section .note.GNU-stack, "", @progbits
