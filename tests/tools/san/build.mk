# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon and the worker with AddressSanitizer and UBSan, which scenarios put in the
# place of the real ones (tests/tools/san.sh).  Their libraries are linked in: the lab
# has none.

SAN_TOOLS := $(addprefix $(B)/tools/,xen-vsysd-san xen-vsys-worker-san)

SAN_SRC_xen-vsysd-san        := $(VSYSD_SRC)
SAN_LIBS_xen-vsysd-san       := $(VSYSD_LIBS)
SAN_SRC_xen-vsys-worker-san  := $(WORKER_SRC) tests/tools/san/worker-options.c
SAN_LIBS_xen-vsys-worker-san := -luring -lxengnttab -lxenevtchn -lseccomp -lpthread

TEST_TOOLS += $(SAN_TOOLS)
$(SAN_TOOLS): $(B)/tools/%: $$(addprefix $$(UNIT)/,$$(addsuffix .o,$$(basename $$(SAN_SRC_$$*))))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN) $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan) -o $@ $^ \
	    $(SAN_LIBS_$*)
