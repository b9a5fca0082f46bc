# SPDX-License-Identifier: GPL-2.0-or-later
# The assembler preprocessor and its verifier.  `make asm-pp` puts into
# build/asm-pp the tools and an "as", which the script asm-pp/as starts.

ASM_PP        := $(B)/asm-pp/asm-pp
ASM_PP_AS     := $(B)/asm-pp/as
ASM_PP_VERIFY := $(B)/asm-pp/asm-pp-verify
ASM_PP_LEX    := $(GEN)/asm-pp/lex.c

# Without a program around it: for tests and fuzzer, too.
ASM_PP_LIB := $(ASM_PP_LEX) $(addprefix asm-pp/,buf.c frame.c labels.c operand.c place.c \
		report.c rewrite.c section.c target.c)
ASM_PP_SRC := $(ASM_PP_LIB) $(addprefix asm-pp/,as.c asm-pp.c tool.c)
ASM_PP_VERIFY_LIB := $(ASM_PP_LEX) $(addprefix asm-pp/,buf.c decode.c object.c verify.c)
ASM_PP_VERIFY_SRC := $(ASM_PP_VERIFY_LIB) asm-pp/asm-pp-verify.c

ASM_PP_OBJ        := $(ASM_PP_SRC:%.c=$(B)/asm-pp/obj/%.o)
ASM_PP_VERIFY_OBJ := $(ASM_PP_VERIFY_SRC:%.c=$(B)/asm-pp/obj/%.o)

## asm-pp       the assembler preprocessor; then: gcc -Basm-pp/ -mno-red-zone
.PHONY: asm-pp
asm-pp: $(ASM_PP) $(ASM_PP_AS) $(ASM_PP_VERIFY)

$(ASM_PP_LEX): asm-pp/lex.re
	$(call say,RE2C,$@)
	$(Q)mkdir -p $(@D)
	$(Q)re2c -W -Werror --no-debug-info -o $@ $<

$(ASM_PP): $(ASM_PP_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^

$(ASM_PP_AS): $(ASM_PP)
	$(Q)ln -sf asm-pp $@

$(ASM_PP_VERIFY): $(ASM_PP_VERIFY_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ -lelf -lZydis

$(sort $(ASM_PP_OBJ) $(ASM_PP_VERIFY_OBJ)): $(B)/asm-pp/obj/%.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) -I. $(WARN) $(HARDEN) -MMD -MP -c -o $@ $<

-include $(ASM_PP_OBJ:.o=.d) $(ASM_PP_VERIFY_OBJ:.o=.d)
