# SPDX-License-Identifier: GPL-2.0-or-later
# A CD-RW drive for dom0.

CDRW_ENGINE := $(addprefix tests/tools/cdrw/,mmc.c mode.c feature.c info.c read.c burn.c disc.c \
		 sector.c)
CDRW_SRC    := $(wildcard tests/tools/cdrw/*.c)

TEST_TOOLS += $(B)/tools/cdrw
$(B)/tools/cdrw: $(CDRW_SRC) $(wildcard tests/tools/cdrw/*.h)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -o $@ $(CDRW_SRC) -lpthread
