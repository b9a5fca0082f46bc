# SPDX-License-Identifier: GPL-2.0-or-later
# The port executor: one process per range of I/O ports that is lent.

PORTS      := $(B)/xen-vsys-ports
PORTS_SRC  := $(addprefix xen-backend/ports/,batch.c confine.c main.c native.c) \
	      $(addprefix xen-backend/,fault.c ioport.c log.c)
PORTS_OBJ  := $(PORTS_SRC:%.c=$(B)/ports/%.o)
PROGRAMS   += $(PORTS)

$(PORTS): $(PORTS_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ -lseccomp

$(PORTS_OBJ): $(B)/ports/%.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) $(HARDEN) -MMD -MP -c -o $@ $<
