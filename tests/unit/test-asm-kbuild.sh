#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# asm-pp in the kernel's own build: by the fragment, by KCFLAGS, for one object
# of several; the module links against the runtime; what must fail does.

. tests/tools/tap.sh

if [ -z "${VPIO_KDIR:-}" ]; then
	echo "1..0 # SKIP no kernel headers here"
	exit 0
fi
top=$PWD
verify=$top/$B/asm-pp/asm-pp-verify
symvers=$top/$B/vpio-module/Module.symvers
export ASM_PP_BUILD=$top/$B ASM_PP_VERIFY=$verify
unset MAKEFLAGS MAKELEVEL MFLAGS
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

cat >a.c <<'END'
#include <linux/io.h>
#include <linux/module.h>

static unsigned short base = 0x300;
module_param(base, ushort, 0444);

static noinline int card_probe(unsigned short *block)
{
	int patience = 1000;

	outb_p(0x21, base);
	while (inb(base + 7) & 0x80 && --patience)
		outb(0, 0x80);
	insw(base + 16, block, 16);
	outsl(base + 16, block, 8);
	outl(inl(0x70), base + 4);
	return patience;
}

static int __init card_init(void)
{
	unsigned short block[16];
	void __iomem *map = ioport_map(base, 8);

	iowrite16(ioread8(map), map + 2);
	ioport_unmap(map);
	return card_probe(block) ? 0 : -ENODEV;
}
module_init(card_init);
MODULE_LICENSE("GPL");
END
cat >b.c <<'END'
#include <linux/io.h>
#include <linux/module.h>

static int __init other_init(void)
{
	outw(1, 0x302);
	return 0;
}
module_init(other_init);
MODULE_LICENSE("GPL");
END

build() { nice make -s -C "$VPIO_KDIR" M="$dir" "$@" modules >out 2>&1; }
messages() { grep -v 'Skipping BTF' out; }
fragment=$top/asm-pp/asm-pp.kbuild

cat >Kbuild <<END
obj-m := a.o b.o
ASM_PP_OPTIONS := --asm-pp-report
ASM_PP_SYMVERS := $symvers
include $fragment
END
build
ok $? "a folder of drivers builds" || diag "$(cat out)"
is "$(messages)" "" "... and neither objtool nor modpost has anything to say"
"$verify" --quiet a.o b.o a.ko b.ko
ok $? "... no port instruction is left in objects and modules"
[ -s a.asm-pp ] && [ -s b.asm-pp ]
ok $? "... and the build itself has looked"
is "$(modinfo -F depends a.ko)" "xen-vpio" "... they depend on the runtime"
like "$(cat a.o.asm-pp.json)" "\"file\": \"$dir/a.c\"|asm/shared/io.h" "... the report names the source"

make -s -C "$VPIO_KDIR" M="$dir" clean >out 2>&1
sed -i 's/^ASM_PP_OPTIONS.*/ASM_PP_OBJECTS := a.o/' Kbuild
build && "$verify" --quiet a.o && ! "$verify" --quiet b.o 2>err
ok $? "one object of two"
[ -s a.asm-pp ] && [ ! -e b.asm-pp ]
ok $? "... and only that is looked at"

make -s -C "$VPIO_KDIR" M="$dir" clean >out 2>&1
echo 'obj-m := a.o' >Kbuild
build KCFLAGS="-B$top/asm-pp/ -Wa,--asm-pp" KBUILD_EXTRA_SYMBOLS="$symvers" &&
	"$verify" --quiet a.ko
ok $? "by KCFLAGS" || diag "$(cat out)"

# A port instruction that no text shows: only the verifier can see it.
make -s -C "$VPIO_KDIR" M="$dir" clean >out 2>&1
cat >Kbuild <<END
obj-m := b.o
ASM_PP_SYMVERS := $symvers
include $fragment
END
sed -i 's/outw(1, 0x302)/asm volatile(".byte 0xee")/' b.c
build
[ $? -ne 0 ] && [ ! -e b.ko ]
ok $? "an instruction written as bytes: no module"
like "$(cat out)" 'asm-pp-verify: .*/b.o: .init.text\+0x[0-9a-f]+ \(other_init\+0x[0-9a-f]+\): out %al, %dx' "... and the place"

sed -i 's/asm volatile(".byte 0xee")/asm volatile("1: outb %al, %dx\\n" _ASM_EXTABLE(1b, 1b))/' b.c
build
[ $? -ne 0 ] && [ ! -e b.o ]
ok $? "an exception entry on a port instruction: no object"
like "$(cat out)" 'b.c:[0-9]+: an entry of the exception table names a port instruction \(in other_init\)$' "... and the place"

sed -i 's/asm volatile.*/asm volatile(ALTERNATIVE("nop", "outb %al, %dx", X86_FEATURE_FPU));/' b.c
build
[ $? -ne 0 ] && [ ! -e b.o ]
ok $? "a port instruction as an alternative: no object"
like "$(cat out)" 'outb cannot be rewritten: code in .altinstr_replacement is copied elsewhere' "... and the reason"
tap_done
