# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that scenarios run in dom0 and in guests: tests/tools/NAME.c each,
# installed in the lab as /usr/lib/xen-vsys/tests/NAME.

TEST_TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
TOOL_LIBS_hostile-front := -lxengnttab -lxenevtchn -lxenstore -lpthread
TOOL_LIBS_hostile-back  := -lxengnttab -lxenstore
TOOL_LIBS_file-wait     := -luring -lpthread
TOOL_LIBS_cost          := -lxenctrl

include tests/tools/ioctl-client/build.mk
include tests/tools/cdrw/build.mk
include tests/tools/san/build.mk

$(B)/tools/%: tests/tools/%.c | $(SCHEMA_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -MMD -MP -o $@ $< $(TOOL_LIBS_$*)
