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

prefix      ?= /usr/local
sbindir     ?= $(prefix)/sbin
libexecdir  ?= $(prefix)/libexec/xen-vsys
mandir      ?= $(prefix)/share/man
datadir     ?= $(prefix)/share/xen-vsys
sysconfdir  ?= /etc
unitdir     ?= /lib/systemd/system
srcdir_dkms ?= /usr/src/xen-vsysfront-$(VERSION)

CC       ?= gcc
CFLAGS   ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -Iinclude -I$(GEN) -DVSYS_VERSION='"$(VERSION)"' \
	    -DVSYS_LIBEXECDIR='"$(libexecdir)"'
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
UNITS    :=
CLEAN    :=

include xenstore-schema/build.mk
include xen-backend/build.mk
include xen-frontend/build.mk
include tests/unit/build.mk
-include tests/lab/build.mk

.PHONY: all help clean
all: $(PROGRAMS)

help:
	@sed -n 's/^## //p' Makefile */build.mk */*/build.mk

clean:
	$(Q)rm -rf $(B)

-include $(wildcard $(B)/*.d $(B)/*/*.d $(B)/*/*/*.d)
