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
