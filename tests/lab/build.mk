# SPDX-License-Identifier: GPL-2.0-or-later
# The test driver for the lab's dom0, built like the front-end's module in a copy
# of its sources; in the lab: modprobe vsystest.

VSYSTEST     := $(B)/vsystest/vsystest.ko
VSYSTEST_SRC := $(wildcard tests/lab/vsystest/*.c tests/lab/vsystest/*.h) tests/lab/vsystest/Kbuild
TEST_MODULES += $(VSYSTEST)

$(VSYSTEST): $(VSYSTEST_SRC)
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D) && cp -pu $(VSYSTEST_SRC) $(@D)/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) KCFLAGS=-Werror W=1 modules

# Sparse on it, as module-check does it for the front-end.
.PHONY: vsystest-check
module-check: vsystest-check
vsystest-check:
	$(Q)rm -rf $(B)/vsystest-check && mkdir -p $(B)/vsystest-check && cp -p $(VSYSTEST_SRC) $(B)/vsystest-check/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(B)/vsystest-check) C=2 CF='-Wsparse-error' modules

# The test module for the guest, that makes port accesses by order; rewritten.
VPIOTEST     := $(B)/vpiotest/vpiotest.ko
VPIOTEST_SRC := $(wildcard tests/lab/vpiotest/*.c tests/lab/vpiotest/*.h) tests/lab/vpiotest/Kbuild
TEST_MODULES += $(VPIOTEST)
VPIOTEST_FLAGS := ASM_PP_KBUILD=$(abspath asm-pp/asm-pp.kbuild) \
		  ASM_PP_SYMVERS=$(abspath $(B)/vpio-module/Module.symvers)

$(VPIOTEST): $(VPIOTEST_SRC) asm-pp/asm-pp.kbuild $(B)/vpio-module/xen-vpio.ko $(ASM_PP) $(ASM_PP_AS)
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D) && cp -pu $(VPIOTEST_SRC) $(@D)/
	$(Q)ASM_PP_BUILD=$(abspath $(B)) $(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) $(VPIOTEST_FLAGS) KCFLAGS=-Werror W=1 modules

.PHONY: vpiotest-check
module-check: vpiotest-check
vpiotest-check: $(B)/vpio-module/xen-vpio.ko $(ASM_PP) $(ASM_PP_AS)
	$(Q)rm -rf $(B)/vpiotest-check && mkdir -p $(B)/vpiotest-check && cp -p $(VPIOTEST_SRC) $(B)/vpiotest-check/
	$(Q)ASM_PP_BUILD=$(abspath $(B)) $(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(B)/vpiotest-check) $(VPIOTEST_FLAGS) C=2 CF='-Wsparse-error' modules

# The runtime of rewritten drivers for the guest, and Linux's ISA NE2000 driver
# through asm-pp, where its source is (package linux-source-6.1).
TEST_MODULES += $(VPIO_MODULE) $(VPIO_VSYS)
NE2000_LINUX := $(lastword $(sort $(wildcard /usr/src/linux-source-*.tar.xz)))
ifneq ($(NE2000_LINUX),)
TEST_DRIVERS += $(B)/ne2000/8390p.ko $(B)/ne2000/ne.ko
PLAIN_DRIVERS := $(B)/ne2000-plain/8390p.ko $(B)/ne2000-plain/ne.ko
endif

$(B)/ne2000/ne.ko: $(B)/ne2000/8390p.ko
$(B)/ne2000/8390p.ko: tests/lab/build.mk asm-pp/example/prepare asm-pp/asm-pp.kbuild $(VPIO_MODULE) $(ASM_PP) $(ASM_PP_AS)
	$(call say,KBUILD,$(@D))
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && cp asm-pp/example/prepare $(@D)/
	$(Q)$(@D)/prepare asm-pp $(NE2000_LINUX)
	$(Q)printf 'obj-m := 8390p.o ne.o\nCFLAGS_ne.o := -DCONFIG_NE2000_MODULE\nASM_PP_SYMVERS := %s\ninclude %s\n' \
	    $(abspath $(dir $(VPIO_MODULE)))/Module.symvers $(abspath asm-pp/asm-pp.kbuild) >$(@D)/Kbuild
	$(Q)ASM_PP_BUILD=$(abspath $(B)) $(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) modules

# The same, unchanged, to compare with.
$(B)/ne2000-plain/ne.ko: $(B)/ne2000-plain/8390p.ko
$(B)/ne2000-plain/8390p.ko: $(B)/ne2000/8390p.ko
	$(call say,KBUILD,$(@D))
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && cp $(B)/ne2000/*.[ch] $(@D)/ && rm -f $(@D)/*.mod.c
	$(Q)printf 'obj-m := 8390p.o ne.o\nCFLAGS_ne.o := -DCONFIG_NE2000_MODULE\n' >$(@D)/Kbuild
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) modules

# Linux's PIO driver for ATA disks.  libata is one module; of its files the one with the
# port accesses is rewritten.  It wants a header of the SCSI folder beside its own.
ifneq ($(NE2000_LINUX),)
TEST_DRIVERS += $(B)/ata/ata/libata.ko $(B)/ata/ata/pata_platform.ko
PLAIN_DRIVERS += $(B)/ata-plain/pata_platform.ko
endif
LIBATA := core scsi eh transport trace sata sff pmp acpi zpodd pata-timings

$(B)/ata/ata/pata_platform.ko: $(B)/ata/ata/libata.ko
$(B)/ata/ata/libata.ko: tests/lab/build.mk asm-pp/asm-pp.kbuild $(VPIO_MODULE) $(ASM_PP) $(ASM_PP_AS)
	$(call say,KBUILD,$(@D))
	$(Q)rm -rf $(B)/ata && mkdir -p $(B)/ata
	$(Q)tar -C $(B)/ata -xf $(NE2000_LINUX) --strip-components=2 --wildcards \
	    '*/drivers/ata/libata*.[ch]' '*/drivers/ata/pata_platform.c' '*/drivers/scsi/scsi_transport_api.h'
	$(Q)printf 'obj-m := libata.o pata_platform.o\nlibata-y := %s\nASM_PP_OBJECTS := libata-sff.o pata_platform.o\nASM_PP_SYMVERS := %s\ninclude %s\n' \
	    '$(LIBATA:%=libata-%.o)' $(abspath $(dir $(VPIO_MODULE)))/Module.symvers $(abspath asm-pp/asm-pp.kbuild) >$(@D)/Kbuild
	$(Q)ASM_PP_BUILD=$(abspath $(B)) $(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) modules

# Unchanged, for the kernel's own libata.
$(B)/ata-plain/pata_platform.ko: $(B)/ata/ata/libata.ko
	$(call say,KBUILD,$(@D))
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && cp $(B)/ata/ata/pata_platform.c $(@D)/
	$(Q)printf 'obj-m := pata_platform.o\n' >$(@D)/Kbuild
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) modules

# Where the controller is, which is what a board's code would say.
ATADEV     := $(B)/atadev/atadev.ko
ATADEV_SRC := tests/lab/atadev/atadev.c tests/lab/atadev/Kbuild
TEST_MODULES += $(ATADEV)

$(ATADEV): $(ATADEV_SRC)
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D) && cp -pu $(ATADEV_SRC) $(@D)/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) KCFLAGS=-Werror W=1 modules

.PHONY: atadev-check
module-check: atadev-check
atadev-check:
	$(Q)rm -rf $(B)/atadev-check && mkdir -p $(B)/atadev-check && cp -p $(ATADEV_SRC) $(B)/atadev-check/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(B)/atadev-check) C=2 CF='-Wsparse-error' modules

## bench-exits  VM exits of an NE2000 and of an ATA disk, emulated and rewritten: tables, plot
.PHONY: bench-exits
bench-exits: deps
	$(Q)tests/bench/exits
