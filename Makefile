# SPDX-License-Identifier: GPL-2.0-or-later
# Builds, tests, shows and installs xen-vsys.  `make help` lists the targets.
#
# One make for the whole tree: each folder has a build.mk that says what is
# made there.  Everything made goes to build/.

.DELETE_ON_ERROR:
.SECONDEXPANSION:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all

VERSION  := 0.1.0
B        ?= build
GEN      := $(B)/gen
STAGE    := $(B)/stage

prefix      ?= /usr
sbindir     ?= $(prefix)/sbin
libexecdir  ?= $(prefix)/libexec/xen-vsys
mandir      ?= $(prefix)/share/man
datadir     ?= $(prefix)/share/xen-vsys
sysconfdir  ?= /etc
unitdir     ?= /lib/systemd/system
srcdir_dkms ?= /usr/src/xen-vsysfront-$(VERSION)

ifeq ($(origin CC),default)
CC       := gcc
endif
CFLAGS   ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -Iinclude -I$(GEN) -DVSYS_VERSION='"$(VERSION)"' \
	    -DVSYS_LIBEXECDIR='"$(libexecdir)"' -DVSYS_DATADIR='"$(datadir)"'
WARN     := -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wwrite-strings
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
SAN      := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

PROGRAMS :=

# Options that end up in programs: a change of one rebuilds them.
FLAGS_STAMP := $(B)/flags
FLAGS_TEXT  := $(subst ",,$(subst ',,$(strip $(CC) $(CFLAGS) $(CPPFLAGS) $(VERSION))))
ifneq ($(shell cat $(FLAGS_STAMP) 2>/dev/null),$(FLAGS_TEXT))
.PHONY: $(FLAGS_STAMP)
endif
$(FLAGS_STAMP):
	$(Q)mkdir -p $(@D) && echo '$(FLAGS_TEXT)' >$@

include xenstore-schema/build.mk
include xen-backend/build.mk
include xen-frontend/build.mk
include asm-pp/build.mk
include tests/tools/build.mk
include tests/unit/build.mk
-include tests/fuzz/build.mk
-include tests/lab/build.mk
-include tests/bench/build.mk

.PHONY: all help deps install install-module install-dkms stage demo table1 check lint clean
## all          daemon, tool, worker
all: $(PROGRAMS)

help:
	@sed -n 's/^## //p' Makefile */build.mk */*/build.mk

## deps         the Debian packages that build, tests and lab need (as root)
deps:
	$(Q)tests/lab/deps

## demo         boots Xen, lends dom0's RAM disk to a guest, compares the data
demo: deps
	$(Q)tests/demo

## table1       the table of the source paper, with a column for what was run here
table1: deps
	$(Q)tests/lab/scenario table1

## check        lint, unit tests, then the scenarios on the lab's Xen
check: deps
	$(Q)tests/check

## lint         shellcheck, sparse
lint: module-check
	$(Q)git ls-files -z | xargs -0 grep -lZE '^#!/bin/(ba|da)?sh' -- | xargs -0 shellcheck -x -S warning

## install      dom0: daemon, tool, man pages, unit   (DESTDIR, prefix)
install: all install-backend

## install-module  guest: the module, for kernel KVERSION   (DESTDIR)
install-module: module
	$(Q)install -D -m 644 $(MODULE) $(DESTDIR)/lib/modules/$(KVERSION)/extra/xen-vsysfront.ko
	$(if $(DESTDIR),,depmod $(KVERSION))

## install-dkms guest: the module's source for DKMS   (DESTDIR)
install-dkms: $(SCHEMA_H)
	$(Q)install -d $(DESTDIR)$(srcdir_dkms)/include/xen/io
	$(Q)install -m 644 $(MODULE_SRC) $(DESTDIR)$(srcdir_dkms)/
	$(Q)install -m 644 include/xen/io/vsysif.h $(DESTDIR)$(srcdir_dkms)/include/xen/io/
	$(Q)install -m 644 $(SCHEMA_H) $(DESTDIR)$(srcdir_dkms)/include/
	$(Q)sed 's/@VERSION@/$(VERSION)/' xen-frontend/dkms.conf.in >$(DESTDIR)$(srcdir_dkms)/dkms.conf

## stage        everything for the lab, below build/stage
stage: all module $(TEST_TOOLS) $(TEST_MODULES) $$(TEST_DRIVERS) $$(PLAIN_DRIVERS)
	$(Q)rm -rf $(STAGE)
	$(Q)$(MAKE) -s install install-module DESTDIR=$(abspath $(STAGE))
	$(Q)install -d $(STAGE)/usr/lib/xen-vsys/tests
	$(Q)install $(TEST_TOOLS) $(STAGE)/usr/lib/xen-vsys/tests/
	$(Q)install -m 644 tests/tools/*.sh $(STAGE)/usr/lib/xen-vsys/tests/
	$(if $(TEST_MODULES),$(Q)install -m 644 $(TEST_MODULES) $(STAGE)/lib/modules/$(KVERSION)/extra/)
	$(Q)strip -g $(STAGE)/lib/modules/*/extra/*.ko
	$(if $(TEST_DRIVERS),$(Q)install -m 644 -D -t $(STAGE)/usr/lib/xen-vsys/tests/drivers $(TEST_DRIVERS))
	$(if $(PLAIN_DRIVERS),$(Q)install -m 644 -D -t $(STAGE)/usr/lib/xen-vsys/tests/drivers/plain $(PLAIN_DRIVERS))

clean:
	$(Q)rm -rf $(B)

-include $(wildcard $(B)/*.d $(B)/*/*.d $(B)/*/*/*.d $(B)/*/*/*/*.d)
