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

VPIO_MODULE := $(B)/vpio-module/xen-vpio.ko
VPIO_SRC    := $(wildcard asm-pp/runtime/*.[chS]) asm-pp/runtime/Kbuild
VPIO_NATIVE := vpio_native_in vpio_native_out vpio_native_ins vpio_native_outs

VPIO_VSYS   := $(B)/vpio-module/xen-vpio-vsys.ko
VPIO_VSYS_FLAGS := VSYS_INCLUDE=$(abspath include) VSYS_FRONTEND=$(abspath xen-frontend) \
		   KBUILD_EXTRA_SYMBOLS=$(abspath $(dir $(MODULE)))/Module.symvers

## vpio-module  the runtime of rewritten drivers, and its way to dom0, for kernel KVERSION
.PHONY: vpio-module
vpio-module: $(VPIO_MODULE) $(VPIO_VSYS)

$(VPIO_VSYS): $(VPIO_MODULE)
$(VPIO_MODULE): $(VPIO_SRC) $(ASM_PP_VERIFY) $(MODULE)
	$(call say,KBUILD,$@)
	@test -d '$(KDIR)' || { echo "make: no kernel headers in '$(KDIR)'; install linux-headers-amd64 or set KDIR" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && cp -pu $(VPIO_SRC) $(@D)/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) $(VPIO_VSYS_FLAGS) $(MODULE_FLAGS) modules
	$(Q)$(ASM_PP_VERIFY) --quiet --no-note --no-iomap $(VPIO_VSYS)
	$(Q)$(ASM_PP_VERIFY) --quiet --no-note --no-iomap $(VPIO_NATIVE:%=--allow=%) $@
	$(Q)touch $@

## install-vpio-module  guest: those modules, for kernel KVERSION   (DESTDIR)
.PHONY: install-vpio-module
install-vpio-module: vpio-module
	$(Q)install -D -m 644 -t $(DESTDIR)/lib/modules/$(KVERSION)/extra $(VPIO_MODULE) $(VPIO_VSYS)
	$(if $(DESTDIR),,depmod $(KVERSION))

## vpio-check   sparse on the runtime's module
.PHONY: vpio-check
vpio-check: $(MODULE)
	$(Q)rm -rf $(B)/vpio-check && mkdir -p $(B)/vpio-check && cp -p $(VPIO_SRC) $(B)/vpio-check/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(B)/vpio-check) $(VPIO_VSYS_FLAGS) C=2 CF='-Wsparse-error' modules
lint: vpio-check

# What gcc's -B names: an "as", the Kbuild fragment, the runtime's source.
ASM_PP_DIR := $(libexecdir)/asm-pp

## install-asm-pp  preprocessor, verifier, runtime's source   (DESTDIR, prefix)
.PHONY: install-asm-pp
install-asm-pp: asm-pp
	$(Q)install -D -t $(DESTDIR)$(prefix)/bin $(ASM_PP) $(ASM_PP_VERIFY)
	$(Q)install -d $(DESTDIR)$(ASM_PP_DIR)/runtime
	$(Q)ln -sf $(prefix)/bin/asm-pp $(DESTDIR)$(ASM_PP_DIR)/as
	$(Q)install -m 644 asm-pp/asm-pp.kbuild $(DESTDIR)$(ASM_PP_DIR)/
	$(Q)install -m 644 -t $(DESTDIR)$(ASM_PP_DIR)/runtime $(VPIO_SRC)
	$(Q)install -D -t $(DESTDIR)$(ASM_PP_DIR)/example asm-pp/example/prepare
	$(Q)install -m 644 -t $(DESTDIR)$(ASM_PP_DIR)/example asm-pp/example/Kbuild asm-pp/example/dkms.conf
	$(Q)install -D -m 644 -t $(DESTDIR)$(mandir)/man1 docs/man/asm-pp.1 docs/man/asm-pp-verify.1

## asm-corpus   drivers of Debian's linux-source through asm-pp
.PHONY: asm-corpus
asm-corpus: asm-pp
	$(Q)B='$(B)' VPIO_KDIR='$(wildcard $(KDIR))' $(PROVE) --failures tests/asm-corpus
