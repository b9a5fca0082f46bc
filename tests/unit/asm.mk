# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of asm-pp: the rewriting itself, the tools in a build, the stubs.

UNIT_SRC_test-asm-rewrite  := $(ASM_PP_LIB)
UNIT_SRC_test-asm-verify   := $(ASM_PP_VERIFY_LIB)
UNIT_LIBS_test-asm-verify  := -lelf -lZydis

unit: $(ASM_PP) $(ASM_PP_AS) $(ASM_PP_VERIFY)

FUZZ_SRC_asm := $(ASM_PP_LIB)
