# SPDX-License-Identifier: GPL-2.0-or-later
#
# Unit tests: no Xen, no root, in seconds.  All speak TAP; prove runs them.
#
#   tests/unit/test-NAME.c   a program that uses cmocka, built with ASan and
#                            UBSan, together with the sources of the project that
#                            it tests
#   tests/unit/test-NAME.sh  a shell script; finds $CC, $CPPFLAGS and $B (where
#                            things are made) in the environment, and starts in
#                            the top folder
#
# What a program consists of besides its own file is said in tests/unit/test-NAME.mk
# (or any other *.mk here):
#
#   UNIT_SRC_test-NAME      := xen-backend/kv.c ...
#   UNIT_LIBS_test-NAME     := -lxenstore ...
#   UNIT_CPPFLAGS_test-NAME := -D...      (for its own file only)
#
# Includes are found from the top folder: #include "xen-backend/kv.h".
# A test that needs a file of this folder finds it there: it starts in the top
# folder too.

UNIT     := $(B)/unit
UNIT_C   := $(basename $(notdir $(wildcard tests/unit/test-*.c)))
UNIT_SH  := $(wildcard tests/unit/test-*.sh)
UNIT_BIN := $(addprefix $(UNIT)/,$(UNIT_C))
PROVE    ?= prove

include $(filter-out tests/unit/build.mk,$(wildcard tests/unit/*.mk))

UNIT_CFLAGS = $(CPPFLAGS) -I. $(WARN) $(SAN) -MMD -MP

$(UNIT_BIN): $(UNIT)/%: $(UNIT)/%.o $$(addprefix $(UNIT)/,$$(addsuffix .o,$$(basename $$(UNIT_SRC_$$*))))
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN) -o $@ $^ $(UNIT_LIBS_$*) -lcmocka

$(UNIT)/test-%.o: tests/unit/test-%.c | $(SCHEMA_H) $(SCHEMA_TABLE)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) $(UNIT_CPPFLAGS_test-$*) -c -o $@ $<

# The project's sources, with sanitizers.
$(UNIT)/%.o: %.c | $(SCHEMA_H) $(SCHEMA_TABLE)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT)/%.o: %.S
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# A leak, on purpose: where ptrace is not allowed, LeakSanitizer cannot work and
# makes every program fail.  Then the tests run without it, and
# test-sanitizers.sh says so.
$(UNIT)/leak: tests/unit/leak.c
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(WARN) $(SAN) -o $@ $<

.PHONY: unit unit-programs
unit-programs: $(UNIT_BIN) $(UNIT)/leak

## unit         build and run the unit tests; one of them: make unit T=NAME
unit: unit-programs schema $(B)/xen-vsys $(B)/xen-vsysd $(PORTS)
	$(Q)CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' B='$(B)' VSYS_TOP='$(CURDIR)' \
	    $(PROVE) $(if $(V),-v) -j8 --failures --comments --exec tests/unit/run \
	    $(if $(T),$(filter %/test-$(T) %/test-$(T).sh,$(UNIT_BIN) $(UNIT_SH)),$(UNIT_BIN) $(UNIT_SH))

# One folder deeper than the Makefile looks.
-include $(wildcard $(UNIT)/*/*/*.d)
