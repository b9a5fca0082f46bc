#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# asm-pp in a build: gcc and clang at all levels, in both widths; pipes, ccache,
# many at once; and a build that must fail does.

. tests/tools/tap.sh

top=$PWD
verify=$top/$B/asm-pp/asm-pp-verify
source=$top/tests/unit/asm-ports.c
export ASM_PP_BUILD=$top/$B
unset COLLECT_GCC_OPTIONS
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# sites FILE: what the verifier counts there
ports() { "$verify" --list "$1" | sed -n 's/.* code, \([0-9]*\) port instructions.*/\1/p'; }
rewritten() { "$verify" --list "$1" | sed -n 's/.*, \([0-9]*\) sites rewritten$/\1/p'; }

have_clang=$(command -v clang || true)
cd "$dir" || exit 1
ln -s "$top/asm-pp" asm-pp

for cc in gcc clang; do
	if [ $cc = clang ] && [ -z "$have_clang" ]; then
		skip "no clang here" "clang"
		continue
	fi
	external=
	[ $cc = gcc ] || external=-fno-integrated-as
	for how in -O0 -O1 -O2 -O3 -Os "-O2 -m32" "-O2 -g" "-O2 -pipe" "-Os -fPIC -ffunction-sections"; do
		# The same without rewriting says how many there must be.
		# shellcheck disable=SC2086
		$cc $how -mno-red-zone $external -c "$source" -o plain.o &&
			$cc $how -mno-red-zone $external -Basm-pp/ -Wa,--asm-pp -c "$source" -o new.o &&
			"$verify" new.o >out 2>&1
		ok $? "$cc $how: no port instruction is left" || diag "$(cat out)"
		# Two calls of ioread8() and its kin are sites, and no instructions.
		is "$(rewritten new.o)" "$(($(ports plain.o) + 2))" "... every one was rewritten"
	done
	$cc $external -Basm-pp/ -Wa,--asm-pp -O2 -c "$source" -o red.o 2>err
	is $? 1 "$cc, with a red zone: refused"
	like "$(cat err)" '^asm-pp: .*; compile with -mno-red-zone$' "... and says so"
	[ ! -e red.o ]
	ok $? "... and leaves no object"
done

touch stale.o
gcc -mno-red-zone -Basm-pp/ -c -x assembler - -o stale.o 2>err <<'END'
	.text
f:	.rept 2
	outb %al, %dx
	.endr
END
is $? 1 "a target that cannot be rewritten stops the build"
like "$(cat err)" '^asm-pp: .*:3: outb cannot be rewritten: it is in the body of a macro' "... by line"
[ ! -e stale.o ]
ok $? "... and an object of before is gone"

gcc -O2 -Wa,--asm-pp -c "$source" -o x.o 2>err
is $? 1 "a compiler that asks for asm-pp and does not find it: fails"
if [ -n "$have_clang" ]; then
	clang -O2 -Basm-pp/ -Wa,--asm-pp -mno-red-zone -c "$source" -o x.o 2>err
	is $? 1 "... and clang's own assembler"
else
	skip "no clang here" "... and clang's own assembler"
fi
gcc -O2 -mno-red-zone -c "$source" -o x.o
"$verify" x.o >out 2>err
is $? 1 "the verifier does not accept an object that was not rewritten"
like "$(cat err)" 'x.o: .*\(ports_command\+0x[0-9a-f]*\): out %al, %dx$' "... says where an instruction is"
like "$(cat err)" 'x.o: ioread8 is called and may reach a port$' "... and a call"
like "$(cat err)" 'x.o: it was not rewritten by asm-pp \(no section \.note\.asm-pp\)$' "... and why"
echo 'int x;' >none.c
gcc -c none.c -o none.o && "$verify" none.o 2>err
is $? 1 "an object without port instructions must have been rewritten as well"
"$verify" --no-note --quiet none.o
is $? 0 "... but need not with --no-note"

ASM_PP_BUILD=/none gcc -Basm-pp/ -mno-red-zone -c none.c -o x.o 2>err
is $? 1 "without asm-pp built: fails"
like "$(cat err)" "^asm-pp: /none/asm-pp/as is not there; build it by 'make asm-pp'$" "... and says what to do"

for name in a b c d e f; do cp "$source" $name.c; done
cat >Makefile <<'END'
all: a.o b.o c.o d.o e.o f.o
%.o: %.c
	gcc -O2 -pipe -mno-red-zone -Basm-pp/ -Wa,--asm-pp,--asm-pp-report -c $< -o $@
END
make -s -j6 && "$verify" --quiet [a-f].o
ok $? "a parallel make"
is "$(echo [a-f].o.asm-pp.json | wc -w)" 6 "... with a report each"
if command -v perl >/dev/null && perl -MJSON::PP -e1 2>/dev/null; then
	perl -MJSON::PP -0e 'my $r = decode_json(<>); print scalar(@{$r->{sites}}), " $r->{sites}[0]{file}"' \
		<a.o.asm-pp.json >out
	is "$(cat out)" "$(rewritten a.o) a.c" "... that is JSON and names the source"
else
	skip "no JSON::PP here" "... that is JSON and names the source"
fi

if command -v ccache >/dev/null; then
	export CCACHE_DIR=$dir/ccache
	for i in 1 2; do
		ccache gcc -O2 -mno-red-zone -Basm-pp/ -Wa,--asm-pp -c a.c -o cached$i.o
	done
	cmp -s cached1.o cached2.o && "$verify" --quiet cached2.o
	ok $? "through ccache"
	like "$(ccache --print-stats)" '^(direct|preprocessed)_cache_hit.1$' "... which has it the second time"
else
	skip "no ccache here" "through ccache"
fi

# As a filter: what comes out, assembled, is the same.
gcc -O2 -mno-red-zone -S a.c -o a.s
"$top/$B/asm-pp/asm-pp" a.s -o a2.s && "$top/$B/asm-pp/asm-pp" <a2.s | cmp - a2.s
ok $? "twice is the same as once"
as a2.s -o a2.o && "$verify" --quiet a2.o
ok $? "the filter's output assembles"
diff a.s <(sed '/pushsection .note.asm-pp/,$d' a2.s) | sed -n 's/^< *//p' | tr '\t' ' ' |
	grep -vE '^ *((cld; )?(rep; )?(in|out)s?[bwl]\b|.*\bio(read|write)[0-9_rep]+)' >out
is "$(cat out)" "" "... and differs in those lines only"
is "$(wc -l <a.s)" "$(sed '/pushsection .note.asm-pp/,$d' a2.s | wc -l)" "... and has the same lines"

for define in "--defsym X=5" "-defsym X=5" "--defsym=X=5"; do
	# shellcheck disable=SC2086
	"$top/$B/asm-pp/as" $define -I . -o x.o - <<<'	outb %al, $X' &&
		objdump -d x.o | grep -q 'mov  *\$0x5,%dl'
	ok $? "the assembler's own options go to it: $define"
done

# A million lines.
awk 'BEGIN { for (i = 0; i < 100000; i++)
	print "# c\n\tmovl $1, %eax\n.L" i ":\n\taddl -4(%rbx), %eax # c\n\toutb %al, $" i % 256 "\n" \
	      "\tcall f\n\t.loc 1 " i "\n\tje .L" i "\n\t.string \"outb\"\n\trep; insw" }' >long.s
timeout 30 "$top/$B/asm-pp/asm-pp" long.s -o long2.s
ok $? "a million lines take no minute"
is "$(grep -c 'call __vpio_' long2.s)" 200000 "... and all sites are found"

# Wrong calls get a sentence and a status.
"$top/$B/asm-pp/asm-pp" /no/file 2>err
is $? 1 "no such file: status"
is "$(cat err)" "asm-pp: /no/file: No such file or directory" "... and a sentence"
"$top/$B/asm-pp/asm-pp" --also=frob a.s 2>err
is $? 2 "an unknown word: status"
is "$(cat err)" "asm-pp: 'frob' is none of hlt, cli, sti, pushf, popf, all" "... and a sentence"
"$top/$B/asm-pp/as" --asm-pp-frob a.s 2>err
is $? 2 "an unknown option: status"
is "$(cat err)" "asm-pp: unknown option '--asm-pp-frob'" "... and a sentence"
"$top/$B/asm-pp/as" --asm-pp-as="$top/asm-pp/as" a2.s -o x.o 2>err
is $? 1 "an assembler that is asm-pp again: status"
like "$(cat err)" "^asm-pp: .* calls asm-pp again; name the real assembler by --asm-pp-as=FILE$" "... and a sentence"
"$verify" "$source" 2>err
is $? 1 "no object: status"
is "$(cat err)" "asm-pp-verify: $source: it is no ELF file" "... and a sentence"
head -c $(($(stat -c %s plain.o) / 2)) plain.o >cut.o
"$verify" cut.o 2>err
is $? 1 "half an object: status"
is "$(wc -l <err)" 1 "... and a sentence"
for option in --help --version; do
	"$top/$B/asm-pp/asm-pp" $option >out && "$verify" $option >>out
	ok $? "$option"
done

for page in "$top"/docs/man/asm-pp*.1; do
	if command -v man >/dev/null; then
		is "$(LC_ALL=C MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)" "" "${page##*/}"
	else
		skip "no man here" "${page##*/}"
	fi
done
tap_done
