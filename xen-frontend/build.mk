# SPDX-License-Identifier: GPL-2.0-or-later
# The module is built in a copy of its sources below build/, for the kernel of
# Debian's metapackage, whose version KVERSION is.

KVERSION ?= $(shell dpkg-query -W -f '$${Depends}\n' linux-headers-amd64 2>/dev/null | sed -n 's/^linux-headers-\([0-9][^ ,]*\).*/\1/p')
KDIR     ?= /lib/modules/$(KVERSION)/build
ifeq ($(wildcard $(KDIR)),)
KDIR     := /usr/src/linux-headers-$(KVERSION)
endif
# CC is for programs.  The kernel's make knows its own compiler, but would be told
# of a CC in the command line: then KCC takes that one's place.
KCC      ?= gcc
KDIR_CC  := $(if $(findstring command,$(origin CC)),CC='$(KCC)')

MODULE     := $(B)/module/xen-vsysfront.ko
MODULE_SRC := $(wildcard xen-frontend/*.c xen-frontend/*.h) xen-frontend/Kbuild

## module       the guest's kernel module, for kernel KVERSION
.PHONY: module
module: $(MODULE)

$(MODULE): $(MODULE_SRC) include/xen/io/vsysif.h $(GEN)/vsys-xenstore.h
	$(call say,KBUILD,$@)
	@test -d '$(KDIR)' || { echo "make: no kernel headers in '$(KDIR)'; install linux-headers-amd64 or set KDIR" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && cp -pu $(MODULE_SRC) $(@D)/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(@D)) VSYS_INCLUDE=$(abspath include) VSYS_GEN=$(abspath $(GEN)) $(MODULE_FLAGS) modules

## module-check sparse on the module
.PHONY: module-check
module-check: $(GEN)/vsys-xenstore.h
	$(Q)rm -rf $(B)/module-check && mkdir -p $(B)/module-check && cp -p $(MODULE_SRC) $(B)/module-check/
	$(Q)$(MAKE) -s -C $(KDIR) $(KDIR_CC) M=$(abspath $(B)/module-check) VSYS_INCLUDE=$(abspath include) VSYS_GEN=$(abspath $(GEN)) C=2 CF='-Wsparse-error' modules
