#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What asm-pp-verify finds in machine code that tries to hide it, and what it
# does not take for port instructions.

. tests/tools/tap.sh

verify=$PWD/$B/asm-pp/asm-pp-verify
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# finds PATTERN WHAT [AS-OPTION]: of the text on standard input
finds()
{
	as "${@:3}" -o x.o - && "$verify" --no-note x.o >out 2>err
	is $? 1 "$2"
	like "$(cat err)" "$1" "... and where"
}

# clean WHAT [OPTION...]
clean()
{
	as -o x.o - && "$verify" --no-note --quiet "${@:2}" x.o >out 2>&1
	ok $? "$1" || diag "$(cat out)"
}

finds '\.text\+0x1 \(f\+0x1\): out %al, \$0x80$' "an immediate port" <<'END'
	.type f, @function
f:	nop; outb %al, $0x80
END
for insn in "in %dx, %al" "in %dx, %ax" "in %dx, %eax" "in \$1, %al" "insb" "insw" "insl" "rep insb" \
	"out %al, %dx" "out %ax, %dx" "out %eax, %dx" "outsb" "outsw" "outsl" "rep outsl" \
	"addr32 insb" "fs outsb" "repne insw" "data16 insb"; do
	finds 'x.o: \.text\+0x0: ' "$insn" <<<"	$insn"
done
finds 'these bytes are no instruction$' "bytes that are no instruction" <<<'	.byte 0x06'
finds '\.text\+0x1: in %dx, %al$' "an instruction within another, where a branch leads" <<'END'
	.byte 0xb8			# movl $..., %eax
1:	in %dx, %al
	ret; nop; nop
	jmp 1b
END
finds 'in %dx, %al$' "... where a symbol is" <<'END'
	.byte 0xb8
x:	in %dx, %al
	ret; nop; nop
END
finds 'in %dx, %al$' "... where a table of addresses leads" <<'END'
	.byte 0xb8
.Lx:	in %dx, %al
	ret; nop; nop
	.section .rodata
	.quad .Lx
END
finds '\.text\.other\+0x1.*: in %dx, %al$' "... where a call from another section leads" <<'END'
	call .Lx
	.section .text.other, "ax"
	.byte 0xb8
.Lx:	in %dx, %al
	ret; nop; nop
END
finds '\.altinstr_replacement\+0x0: outs' "every executable section counts" <<'END'
	nop
	.section .altinstr_replacement, "ax"
	outsb
END
finds '\.text\+0x1.*: in %dx, %eax$' "32-bit code" --32 <<'END'
	push %eax
	in %dx, %eax
END
finds 'iowrite8 is called and may reach a port$' "a call of iowrite8" <<<'	call iowrite8'

clean "data is no code" <<'END'
	.data
	.byte 0xec, 0xee, 0x6c, 0x6f
	.section .rodata
	.byte 0xec, 0xee
END
clean "bytes of an immediate are no instruction" <<<'	movl $0xeeeeecec, %eax'
clean "calls to be linked lead nowhere yet" <<'END'
f:	call g; jmp h; jne f
g:	ret
END
clean "iomap, where it may be" --no-iomap <<<'	call ioread8'
clean "hlt, cli and sti, if nobody asks" <<<'	hlt; cli; sti'
clean "a function that may" --allow=f <<'END'
	.type f, @function
f:	inb %dx, %al; ret
	.size f, . - f
END
as -o x.o - <<'END'
	.type f, @function
f:	ret
	.size f, . - f
	inb %dx, %al
END
"$verify" --no-note --allow=f x.o 2>err
is $? 1 "... has an end"
as -o x.o - <<<'	hlt; cli; sti'
for word in hlt cli sti; do
	"$verify" --no-note --also=$word x.o 2>err
	is $? 1 "--also=$word"
	like "$(cat err)" ": $word\$" "... and where"
done
"$verify" --also=pushf x.o 2>err
is $? 2 "an unknown word: status"
is "$(cat err)" "asm-pp-verify: 'pushf' is none of hlt, cli, sti" "... and a sentence"

# The note of another version, and one that is broken.
note() { printf '\t.section .note.asm-pp,"a",@note\n\t.long 7, %s, 1\n\t.asciz "asm-pp"\n\t.balign 4\n\t.long 3\n\t.asciz "%s"\n\t.balign 4\n' "$1" "$2"; }
note 10 0.0.1 | as -o x.o - && "$verify" x.o 2>err
is $? 1 "rewritten by another version: status"
like "$(cat err)" 'x.o: it was rewritten by asm-pp 0\.0\.1, not by [0-9.]+$' "... and a sentence"
version=$("$verify" --version | sed 's/.* //')
note $((5 + ${#version})) "$version" >x.s
as -o x.o x.s && "$verify" --quiet x.o
is $? 0 "rewritten by this version"
cat x.s x.s | as -o x.o - && "$verify" x.o >out
like "$(cat out)" ' 6 sites rewritten$' "the notes of several objects add up"
{ cat x.s; note 10 0.0.1; } | as -o x.o - && "$verify" x.o 2>err
is $? 1 "one of several by another version: status"
note 200 "$version" | as -o x.o - && "$verify" x.o 2>err
is $? 1 "a broken note: status"
is "$(cat err)" "asm-pp-verify: x.o: its section .note.asm-pp cannot be read" "... and a sentence"
as -o x.o - <<<'	nop'
printf '\0\0\0\0\0\0\0\0' | dd of=x.o bs=1 seek=40 conv=notrunc 2>dd.log
printf '\0\0' | dd of=x.o bs=1 seek=60 conv=notrunc 2>dd.log
"$verify" --no-note x.o 2>err
is $? 1 "no section headers: status"
is "$(cat err)" "asm-pp-verify: x.o: it has no section headers, so its code cannot be found" \
	"... and a sentence"
tap_done
