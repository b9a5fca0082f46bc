# SPDX-License-Identifier: GPL-2.0-or-later
# The client of the test driver: for this machine, and static for i386 where the
# compiler can.

IOCTL_CLIENT_SRC := $(wildcard tests/tools/ioctl-client/*.c)
IOCTL_CLIENT_DEP := $(wildcard tests/tools/ioctl-client/*.h) tests/lab/vsystest/abi.h
IOCTL_CLIENT_CC   = $(CC) $(CPPFLAGS) -Itests/lab/vsystest $(CFLAGS) $(WARN)

TEST_TOOLS += $(B)/tools/ioctl-client
$(B)/tools/ioctl-client: $(IOCTL_CLIENT_SRC) $(IOCTL_CLIENT_DEP)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(IOCTL_CLIENT_CC) -o $@ $(IOCTL_CLIENT_SRC) -lpthread

ifeq ($(shell echo 'int main(void) { return 0; }' | $(CC) -m32 -static -x c - -o /dev/null 2>/dev/null && echo yes),yes)
TEST_TOOLS += $(B)/tools/ioctl-client32
$(B)/tools/ioctl-client32: $(IOCTL_CLIENT_SRC) $(IOCTL_CLIENT_DEP)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(IOCTL_CLIENT_CC) -m32 -static -o $@ $(IOCTL_CLIENT_SRC) -lpthread
endif
