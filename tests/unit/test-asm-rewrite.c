// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-asm-rewrite.c - assembler text in, text out: what is rewritten and how,
 * what is left as it is, what is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/report.h"
#include "asm-pp/rewrite.h"

#define ALL (ASM_PP_HLT | ASM_PP_CLI | ASM_PP_STI | ASM_PP_PUSHF | ASM_PP_POPF)

static struct rewrite_options options;

static int setup(void **state)
{
	(void)state;
	options = (struct rewrite_options){ .name = "x.s", .bits = 64 };
	return 0;
}

/* The text without the note that every output ends in. */
static char *body(const struct rewritten *r)
{
	const char *note = strstr(r->text.bytes, "\t.pushsection .note.asm-pp");

	assert_non_null(note);
	return copy_text(r->text.bytes, (size_t)(note - r->text.bytes));
}

/* Lines in, lines out; and what came out stays as it is. */
static void becomes(const char *in, const char *out)
{
	struct rewritten once, twice;
	char *text;

	if (!rewrite(&once, in, strlen(in), &options))
		fail_msg("'%s': %s", in, once.problem[0].text);
	text = body(&once);
	assert_string_equal(text, out);
	free(text);
	if (!rewrite(&twice, once.text.bytes, once.text.len, &options))
		fail_msg("'%s' again: %s", in, twice.problem[0].text);
	assert_string_equal(twice.text.bytes, once.text.bytes);
	assert_int_equal(twice.sites, 0);
	rewritten_free(&once);
	rewritten_free(&twice);
}

static void stays(const char *in)
{
	becomes(in, in);
}

/* Refused, and the first problem is this one. */
static void refused(const char *in, const char *problem)
{
	struct rewritten r;

	if (rewrite(&r, in, strlen(in), &options))
		fail_msg("'%s' was rewritten to '%s'", in, r.text.bytes);
	assert_string_equal(r.problem[0].text, problem);
	rewritten_free(&r);
}

static void test_dx(void **state)
{
	static const char *const in[] = {
		"inb %dx, %al", "inb %dx,%al", "inb (%dx), %al", "inb\t( %dx ) , %al", "in %dx, %al",
		"INB %DX, %AL", "inb %dx", "inb dx, al",
	};
	static const char *const out[] = {
		"outb %al, %dx", "out %al, (%dx)", "outb %dx", "OUT %AL,%DX", "outb /* v */ %al , %dx",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s\n", in[i]);
		becomes(text, "call __vpio_inb\n");
	}
	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++) {
		char text[64];

		snprintf(text, sizeof(text), "\t%s # c\n", out[i]);
		becomes(text, "\tcall __vpio_outb # c\n");
	}
}

static void test_widths(void **state)
{
	(void)state;
	becomes("inw %dx, %ax\ninl %dx, %eax\n", "call __vpio_inw\ncall __vpio_inl\n");
	becomes("in %dx, %ax\nin %dx, %eax\n", "call __vpio_inw\ncall __vpio_inl\n");
	becomes("outw %ax, %dx\noutl %eax, %dx\n", "call __vpio_outw\ncall __vpio_outl\n");
	becomes("out %ax, %dx\nout %eax, %dx\n", "call __vpio_outw\ncall __vpio_outl\n");
}

static void test_immediate(void **state)
{
	(void)state;
	becomes("outb %al, $0x80\n", "pushq %rdx; movl $0,%edx; movb $0x80,%dl; "
		"call __vpio_outb; popq %rdx\n");
	becomes("in $PORT + (2*3), %eax\n", "pushq %rdx; movl $0,%edx; movb $PORT + (2*3),%dl; "
		"call __vpio_inl; popq %rdx\n");
	becomes("outw $96\n", "pushq %rdx; movl $0,%edx; movb $96,%dl; call __vpio_outw; popq %rdx\n");
	options.bits = 32;
	becomes("inb $0x60, %al\n", "pushl %edx; movl $0,%edx; movb $0x60,%dl; "
		"call __vpio_inb; popl %edx\n");
}

static void test_strings(void **state)
{
	(void)state;
	becomes("insb\ninsw\ninsl\n", "call __vpio_insb\ncall __vpio_insw\ncall __vpio_insl\n");
	becomes("outsb\noutsw\noutsl\n",
		"call __vpio_outsb\ncall __vpio_outsw\ncall __vpio_outsl\n");
	becomes("insb (%dx), %es:(%rdi)\n", "call __vpio_insb\n");
	becomes("insw %dx, (%rdi)\n", "call __vpio_insw\n");
	becomes("outsl %ds:(%rsi), (%dx)\noutsb (%rsi),%dx\n",
		"call __vpio_outsl\ncall __vpio_outsb\n");
	becomes("rep insw\nrepz outsb\nREPE insl\n",
		"call __vpio_rep_insw\ncall __vpio_rep_outsb\ncall __vpio_rep_insl\n");
	options.bits = 32;
	becomes("rep insb %dx, %es:(%edi)\n", "call __vpio_rep_insb\n");
	becomes("outsb %ds:(%esi), %dx\n", "call __vpio_outsb\n");
}

static void test_prefix_alone(void **state)
{
	(void)state;
	becomes("rep; insw\n", "; call __vpio_rep_insw\n");
	becomes("\trep ; insw ; nop\n", "\t ; call __vpio_rep_insw ; nop\n");
	becomes("rep\n# here\n\n outsl\n", "\n# here\n\n call __vpio_rep_outsl\n");
	becomes("1: rep; insb; loop 1b\n", "1: ; call __vpio_rep_insb; loop 1b\n");
	/* It belongs to one instruction only. */
	becomes("rep; stosb\n insb\n", "rep; stosb\n call __vpio_insb\n");
	stays("rep; nop\n rep\n movsb\n");
}

static void test_places(void **state)
{
	(void)state;
	becomes("a: b: outb %al,%dx; outb %al,%dx;; inb %dx,%al\n",
		"a: b: call __vpio_outb; call __vpio_outb;; call __vpio_inb\n");
	becomes("f :outb %al,%dx", "f :call __vpio_outb\n");
	becomes("\"a b\": outb %al,%dx\n", "\"a b\": call __vpio_outb\n");
	becomes("/* c\n */ outb %al, %dx\r\n", "/* c\n */ call __vpio_outb\r\n");
	becomes(".if X\n outb %al, %dx\n.endif\n", ".if X\n call __vpio_outb\n.endif\n");
}

static void test_untouched(void **state)
{
	(void)state;
	stays("");
	stays("\tmovl $1, %eax\n\tret\n\t.string \"outb %al,%dx\"\n\t.ascii \"\\\"; inb\\\\\"\n");
	stays("# outb %al, %dx\n/ outb %al, %dx\n nop; / inb %dx, %al\n nop # ; insb\n");
	stays("/* outb %al, %dx\n inb %dx, %al */\n");
	stays("out: in: jmp out\n out = 3\n .set in, 4\n .long out, in, 'b, ';', '\\'', '\"'\n");
	stays("incl %eax; insertps $1, %xmm0, %xmm1; int3; invd; leave; iret; outer\n");
	stays(".byte ';'\n foo$bar: .long 1, foo$bar - .\n");
	stays("\t.section .text.outb,\"ax\",@progbits\n.macro x a\n mov \\a, %eax\n.endm\n");
	stays("cli; sti; hlt; pushfq; popfq\n");
	stays("insd\n");	/* not in this syntax: the assembler will say so */
}

static void test_note(void **state)
{
	static const char in[] = "nop\n.end\nanything \"at all\n";
	struct rewritten r;

	(void)state;
	assert_true(rewrite(&r, in, strlen(in), &options));
	assert_ptr_equal(strstr(r.text.bytes, "nop\n\t.pushsection .note.asm-pp,\"a\",@note\n"),
			 r.text.bytes);
	assert_non_null(strstr(r.text.bytes, "\t.popsection\n.end\nanything \"at all\n"));
	rewritten_free(&r);
}

static void test_iomap(void **state)
{
	(void)state;
	becomes("call ioread8\ncallq\tiowrite32be@PLT\njmp ioread16_rep\njne iowrite8\n",
		"call __vpio_ioread8\ncallq\t__vpio_iowrite32be@PLT\njmp __vpio_ioread16_rep\n"
		"jne __vpio_iowrite8\n");
	becomes(".quad ioread8, iowrite16\n movq $ioread32, %rax\n call *ioread32be@GOTPCREL(%rip)\n",
		".quad __vpio_ioread8, __vpio_iowrite16\n movq $__vpio_ioread32, %rax\n"
		" call *__vpio_ioread32be@GOTPCREL(%rip)\n");
	becomes("x = ioread8\n .set y, ioread16 + 0\n", "x = __vpio_ioread8\n .set y, __vpio_ioread16 + 0\n");
	stays("call ioread8x; call xioread8; call ioread; .string \"ioread8\" # ioread8\n");
	refused("f: nop\nioread8: ret\n",
		"x.s:2: ioread8 is defined here; its calls cannot be redirected (in f)");
	options.no_iomap = true;
	stays("call ioread8\nioread8: ret\n");
}

static void test_also(void **state)
{
	(void)state;
	options.also = ALL;
	becomes("cli\nsti\nnop\nhlt\n", "call __vpio_cli\ncall __vpio_sti\nnop\ncall __vpio_hlt\n");
	becomes("pushfq\n popfq\n pushf; popf\n",
		"pushfq; call __vpio_pushf\n call __vpio_popf; popfq\n"
		" pushf; call __vpio_pushf; call __vpio_popf; popf\n");
	becomes("sti; hlt\n sti\n # c\n hlt\n",
		"; call __vpio_sti_hlt\n \n # c\n call __vpio_sti_hlt\n");
	refused("sti\n1: hlt\n",
		"x.s:2: hlt cannot be rewritten: a label stands between it and the sti before it");
	becomes("PUSHFQ\nPopFQ\n", "PUSHFQ; call __vpio_pushf\ncall __vpio_popf; PopFQ\n");
	refused("pushfw\n", "x.s:1: pushfw cannot be rewritten: of its width");
	options.also = ASM_PP_HLT;
	becomes("sti; hlt\nsti; nop; hlt; cli\n",
		"; call __vpio_sti_hlt\nsti; nop; call __vpio_hlt; cli\n");
}

static void test_operands_refused(void **state)
{
	static const char *const in[] = {
		"inb %dx, %ax", "inb %cx, %al", "inb %dx, %bl", "outb %al, %dx, %dx", "outb $", "inb",
		"inb $(1, %al", "inb $%eax, %al", "outb %dx, %al", "inb 0x60, %al",
	};
	static const char *const strings[] = {
		"insb %dx, %fs:(%rdi)", "insb %dx, (%edi)", "insb %dx, (%rsi)", "outsb %es:(%rsi), %dx",
		"outsb %dx", "insb (%rdi)", "insb %dx, %es(%rdi)",
	};
	char text[64], problem[160];

	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		snprintf(text, sizeof(text), "%s\n", in[i]);
		snprintf(problem, sizeof(problem),
			 "x.s:1: %.*s cannot be rewritten: its operands are not understood",
			 (int)strcspn(in[i], " "), in[i]);
		refused(text, problem);
	}
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		snprintf(text, sizeof(text), "%s\n", strings[i]);
		snprintf(problem, sizeof(problem), "x.s:1: %.*s cannot be rewritten: its operands are "
			 "not the plain ones (no other segment, no other address size)",
			 (int)strcspn(strings[i], " "), strings[i]);
		refused(text, problem);
	}
	refused("in %dx\n", "x.s:1: in cannot be rewritten: "
		"neither suffix nor register says how wide it is");
	refused("outs\n", "x.s:1: outs cannot be rewritten: "
		"neither suffix nor register says how wide it is");
	refused("outb /*\n*/ %al, %dx\n",
		"x.s:1: outb cannot be rewritten: it is spread over several lines");
}

static void test_prefixes_refused(void **state)
{
	static const char *const prefix[] = {
		"repne", "lock", "data16", "addr32", "REX.W", "FS", "lock; rep",
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(*prefix); i++) {
		snprintf(text, sizeof(text), "%s; insb\n", prefix[i]);
		refused(text, "x.s:1: insb cannot be rewritten: of its prefixes");
		if (strchr(prefix[i], ';'))
			continue;
		snprintf(text, sizeof(text), "%s insb\n", prefix[i]);
		refused(text, "x.s:1: insb cannot be rewritten: of its prefixes");
	}
	refused("rep; rep; insb\n", "x.s:1: insb cannot be rewritten: of its prefixes");
	refused("rep inb %dx, %al\n",
		"x.s:1: inb cannot be rewritten: rep does not belong to it");
	refused("rep; 1: insb\n", "x.s:1: insb cannot be rewritten: "
		"a label or directive stands between it and its prefix");
	refused("rep\n .byte 1\n insb\n", "x.s:3: insb cannot be rewritten: "
		"a label or directive stands between it and its prefix");
}

static void test_places_refused(void **state)
{
	(void)state;
	refused(".intel_syntax noprefix\nf: out dx, al\n",
		"x.s:2: out cannot be rewritten: it is in Intel syntax (in f)");
	refused(".intel_syntax noprefix\n rep insd\n",
		"x.s:2: insd cannot be rewritten: it is in Intel syntax");
	becomes(".intel_syntax noprefix\n mov eax, 1\n.att_syntax\n inb %dx, %al\n",
		".intel_syntax noprefix\n mov eax, 1\n.att_syntax\n call __vpio_inb\n");
	refused(".macro m\n outb %al, %dx\n.endm\n", "x.s:2: outb cannot be rewritten: "
		"it is in the body of a macro or of a repetition");
	refused(".irp x, 1, 2\n.rept 2\n.endr\n insb\n.endr\n", "x.s:4: insb cannot be rewritten: "
		"it is in the body of a macro or of a repetition");
	becomes(".macro m\n nop\n.endm\n insb\n", ".macro m\n nop\n.endm\n call __vpio_insb\n");
	refused(".macro outb a\n.endm\n", "x.s:1: a macro has the name of the instruction outb");
	refused(".code16\n insb\n", "x.s:2: insb cannot be rewritten: "
		"it is in code of another width than the object's");
	refused(".code32\n insb\n", "x.s:2: insb cannot be rewritten: "
		"it is in code of another width than the object's");
	refused("nop\n.macro m\nnop\n", "x.s:4: a macro or repetition does not end");
	refused(".include \"other.s\"\n",
		"x.s:1: .include is not followed; let the C preprocessor do it");
	refused(".section .gnu.lto_x,\"e\",@progbits\n",
		"x.s:1: this is no machine code yet; compile without -flto");
}

static void test_sections_refused(void **state)
{
	static const char noinstr[] = "x.s:2: outb cannot be rewritten: "
		"code in .noinstr.text may not call what can be traced";

	(void)state;
	refused(".section .noinstr.text, \"ax\"\n outb %al, %dx\n", noinstr);
	refused(".section \".noinstr.text\"\n outb %al, %dx\n", noinstr);
	refused(".pushsection .altinstr_replacement, \"ax\"\n outb %al, %dx\n.popsection\n",
		"x.s:2: outb cannot be rewritten: code in .altinstr_replacement is copied elsewhere, "
		"where a call would miss");
	becomes(".pushsection .noinstr.text\n.popsection\n insb\n",
		".pushsection .noinstr.text\n.popsection\n call __vpio_insb\n");
	becomes(".section .noinstr.text\n.section .a-b.c,\"ax\"\n insb\n",
		".section .noinstr.text\n.section .a-b.c,\"ax\"\n call __vpio_insb\n");
	refused(".section .noinstr.text\n.text\n.previous\n insb\n", "x.s:4: insb cannot be "
		"rewritten: code in .noinstr.text may not call what can be traced");
	refused(".section .entry.text.x\n insb\n", "x.s:2: insb cannot be rewritten: "
		"code in .entry.text may run without a kernel stack");
	refused(".popsection\n", "x.s:1: .popsection without .pushsection");
}

static void test_exceptions(void **state)
{
	static const char entry[] = ".pushsection __ex_table, \"a\"\n .long (1b) - .\n .long 2f - .\n"
		".popsection\n";
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "1: outb %%al, %%dx\n%s2:\n", entry);
	refused(text, "x.s:3: an entry of the exception table names a port instruction");
	snprintf(text, sizeof(text), "1: nop\n outb %%al, %%dx\n%s2: nop\n", entry);
	snprintf(text + 128, 128, "1: nop\n call __vpio_outb\n%s2: nop\n", entry);
	becomes(text, text + 128);
	/* The handler, too: "2f" is at a target. */
	snprintf(text, sizeof(text), "1: nop\n%s2: outb %%al, %%dx\n", entry);
	refused(text, "x.s:6: an entry of the exception table names this instruction");
	/* A number that is used again is another label. */
	snprintf(text, sizeof(text), "1: outb %%al, %%dx\n1: nop\n%s2: nop\n", entry);
	snprintf(text + 128, 128, "1: call __vpio_outb\n1: nop\n%s2: nop\n", entry);
	becomes(text, text + 128);
	refused(".section __ex_table\n.quad .Lx\n.text\n.Lx: .Ly: insb\n",
		"x.s:4: an entry of the exception table names this instruction");
	refused(".Lx: insb\n.section __ex_table\n.quad .Lx\n",
		"x.s:3: an entry of the exception table names a port instruction");
}

static void test_red_zone(void **state)
{
	static const char *const used[] = {
		"f: movl %edi, -4(%rsp)\n outb %al, %dx\n",
		"f: outb %al, %dx\n ret\ng:\n movl -8(%rsp), %eax\n ret\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n movl %edi, -4(%rbp)\n outb %al, %dx\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n subq $16, %rsp\n incl -20(%rbp)\n insb\n",
		"f: pushq %rbp\n mov %rsp, %rbp\n push %rbx\n leaq -12(%rbp), %rdi\n rep insb\n",
		"f: movl %eax, -40(%rsp,%rcx,4)\n insb\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n.text 1\nf.cold:\n incl -20(%rbp)\n insb\n",
	};
	static const char *const unused[] = {
		"f: movl %edi, 4(%rsp)\n leaq -8(%rsp), %rsp\n insb\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n subq $16, %rsp\n incl -16(%rbp)\n insb\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n pushq %rbx\n incl -8(%rbp)\n leaq -8(%rbp), %rsp\n insb\n",
		"f: movl -4(%rbp), %eax\n insb\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n subq %rax, %rsp\n incl -200(%rbp)\n insb\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n andq $-64, %rsp\n incl -40(%rbp)\n insb\n",
		"f: pushq %rbp\n movq %rsp, %rbp\n ret\ng: incl -20(%rbp)\n insb\n",
		"f: movl -4(%rax), %eax\n insb\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++) {
		struct rewritten r;

		if (rewrite(&r, used[i], strlen(used[i]), &options))
			fail_msg("not seen: %s", used[i]);
		assert_non_null(strstr(r.problem[0].text, "compile with -mno-red-zone"));
		rewritten_free(&r);
		/* There is none in 32-bit code. */
		options.bits = 32;
		assert_true(rewrite(&r, used[i], strlen(used[i]), &options));
		rewritten_free(&r);
		options.bits = 64;
	}
	for (size_t i = 0; i < sizeof(unused) / sizeof(*unused); i++) {
		struct rewritten r;

		if (!rewrite(&r, unused[i], strlen(unused[i]), &options))
			fail_msg("seen where it is not: %s", unused[i]);
		rewritten_free(&r);
	}
	stays("f: movl %edi, -4(%rsp)\n");	/* nobody calls here */
}

static void test_broken_text(void **state)
{
	struct rewritten r;

	(void)state;
	refused(".string \"a\n", "x.s:1: the string does not end on its line");
	refused("nop\n/* a\n", "x.s:2: the comment does not end");
	assert_false(rewrite(&r, "/ c \0\n", 6, &options));
	rewritten_free(&r);
	assert_false(rewrite(&r, "nop\n\0outb", 9, &options));
	assert_string_equal(r.problem[0].text, "x.s:2: a NUL byte is not assembler text");
	rewritten_free(&r);
}

/* Messages and report name the source, as far as the text tells. */
static void test_source(void **state)
{
	static const char gcc[] = "\t.file \"a.c\"\nf:\n#APP\n# 7 \"a.h\" 1\n\toutb %al, $1\n"
		"\tinsb\n# 0 \"\" 2\n#NO_APP\n\tinb %dx, %al\n";
	static const char loc[] = "\t.file \"a.c\"\n\t.file 1 \"/d\" \"b.h\"\ng:\n\t.loc 1 12 3\n"
		"\toutb %al,%dx\nh:\n\tinsb\n";
	struct rewritten r;
	struct buf text = { 0 }, json = { 0 };

	(void)state;
	assert_true(rewrite(&r, gcc, strlen(gcc), &options));
	assert_int_equal(r.sites, 3);
	report_text(&text, &r, "a.s");
	assert_string_equal(text.bytes,
			    "a.h:7: f: outb %al, $1 -> __vpio_outb\n"
			    "a.h:8: f: insb -> __vpio_insb\n"
			    "x.s:9: f: inb %dx, %al -> __vpio_inb\n"
			    "       1  __vpio_inb\n       1  __vpio_insb\n       1  __vpio_outb\n"
			    "       3  in a.s\n");
	rewritten_free(&r);
	assert_true(rewrite(&r, loc, strlen(loc), &options));
	report_json(&json, &r, "a\"\\\t.s", 64);
	assert_string_equal(json.bytes,
		"{\n  \"version\": \"" VSYS_VERSION "\",\n  \"input\": \"a\\\"\\\\\\u0009.s\",\n"
		"  \"bits\": 64,\n  \"sites\": [\n"
		"    {\"file\": \"b.h\", \"line\": 12, \"asm_line\": 5, \"function\": \"g\", "
		"\"section\": \".text\", \"instruction\": \"outb %al,%dx\", "
		"\"call\": \"__vpio_outb\"},\n"
		"    {\"file\": \"x.s\", \"line\": 7, \"asm_line\": 7, \"function\": \"h\", "
		"\"section\": \".text\", \"instruction\": \"insb\", \"call\": \"__vpio_insb\"}\n"
		"  ],\n  \"counts\": {\"__vpio_insb\": 1, \"__vpio_outb\": 1}\n}\n");
	rewritten_free(&r);
	buf_free(&text);
	buf_free(&json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_dx, setup),
		cmocka_unit_test_setup(test_widths, setup),
		cmocka_unit_test_setup(test_immediate, setup),
		cmocka_unit_test_setup(test_strings, setup),
		cmocka_unit_test_setup(test_prefix_alone, setup),
		cmocka_unit_test_setup(test_places, setup),
		cmocka_unit_test_setup(test_untouched, setup),
		cmocka_unit_test_setup(test_note, setup),
		cmocka_unit_test_setup(test_iomap, setup),
		cmocka_unit_test_setup(test_also, setup),
		cmocka_unit_test_setup(test_operands_refused, setup),
		cmocka_unit_test_setup(test_prefixes_refused, setup),
		cmocka_unit_test_setup(test_places_refused, setup),
		cmocka_unit_test_setup(test_sections_refused, setup),
		cmocka_unit_test_setup(test_exceptions, setup),
		cmocka_unit_test_setup(test_red_zone, setup),
		cmocka_unit_test_setup(test_broken_text, setup),
		cmocka_unit_test_setup(test_source, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
