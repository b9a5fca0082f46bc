# SPDX-License-Identifier: GPL-2.0-or-later
# The worker with AddressSanitizer and UBSan, which a scenario puts in the place of
# the real one.  Their libraries are linked in: the lab has none.

WORKER_SAN     := $(B)/tools/xen-vsys-worker-san
WORKER_SAN_OBJ  = $(addprefix $(UNIT)/,$(addsuffix .o,$(basename $(WORKER_SRC)) \
		    tests/tools/worker-san/options))

TEST_TOOLS += $(WORKER_SAN)
$(WORKER_SAN): $$(WORKER_SAN_OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN) $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan) -o $@ $^ \
	    -luring -lxengnttab -lxenevtchn -lseccomp -lpthread
