# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of asm-pp: the rewriting itself, the tools in a build, the stubs.

UNIT_SRC_test-asm-rewrite  := $(ASM_PP_LIB)

unit: $(ASM_PP) $(ASM_PP_AS) $(ASM_PP_VERIFY)
ifneq ($(wildcard $(KDIR)),)
unit: $(VPIO_MODULE)
unit: export VPIO_KDIR := $(KDIR)
endif

UNIT_SRC_test-asm-queue := $(addprefix asm-pp/runtime/,hand.c profile.c queue.c)
UNIT_SRC_test-asm-ne2000 := $(UNIT_SRC_test-asm-queue)
UNIT_SRC_test-asm-ata := $(UNIT_SRC_test-asm-queue) tests/unit/ata-disk.c

# The same random functions twice: as they are, and rewritten.
UNIT_SRC_test-asm-stubs := asm-pp/runtime/access.c
ASM_SEED      ?= 1
ASM_FUNCTIONS := 400

$(UNIT)/test-asm-stubs: $(addprefix $(UNIT)/asm/,native.o rewritten.o stubs.o)

$(UNIT)/asm/stubs.o: asm-pp/runtime/stubs.S asm-pp/runtime/op.h
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Wa,--fatal-warnings -c -o $@ $<

$(UNIT)/asm/random-%.s: tests/unit/asm-random.awk tests/unit/asm.mk
	$(Q)mkdir -p $(@D)
	$(Q)awk -v seed=$(ASM_SEED) -v functions=$(ASM_FUNCTIONS) -v prefix=$* -f $< >$@

$(UNIT)/asm/native.o: $(UNIT)/asm/random-native.s
	$(Q)$(CC) -c -o $@ $<

$(UNIT)/asm/rewritten.o: $(UNIT)/asm/random-rewritten.s $(ASM_PP_AS)
	$(Q)ASM_PP_BUILD=$(abspath $(B)) $(CC) $(if $(findstring clang,$(CC)),-fno-integrated-as) \
	    -B$(abspath asm-pp)/ -mno-red-zone -Wa,--asm-pp -c -o $@ $<

FUZZ_SRC_asm := $(ASM_PP_LIB)
FUZZ_SRC_asm-object  := $(ASM_PP_VERIFY_LIB)
FUZZ_LIBS_asm-object := -lelf -lZydis
