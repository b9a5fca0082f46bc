# SPDX-License-Identifier: GPL-2.0-or-later
# The supervisor (xen-vsysd) and the tool (xen-vsys); workers have their own file.

VSYSD := $(B)/xen-vsysd
VSYS  := $(B)/xen-vsys

# What also runs without Xen: tests have their own irq.c, worker-exec.c and xs.c.
VSYSD_LIB := $(addprefix xen-backend/,caps.c config.c config-index.c ctl.c ctl-request.c device.c domain.c \
		fault.c frontend.c ioport.c jail.c kv.c log.c loop.c media.c native.c nodes.c open.c pins.c policy.c \
		ports-proc.c record.c registry.c share.c stanza.c supervisor.c worker-proc.c)
VSYSD_SRC := $(VSYSD_LIB) $(addprefix xen-backend/,irq.c madt.c worker-exec.c xen-vsysd.c xs.c)
VSYS_SRC  := $(addprefix xen-backend/,ctl-client.c fault.c kv.c log.c show.c xen-vsys.c) \
	     $(SCHEMA_CHECK_SRC)

VSYSD_OBJ := $(VSYSD_SRC:%.c=$(B)/dom0/%.o)
VSYS_OBJ  := $(VSYS_SRC:%.c=$(B)/dom0/%.o)
PROGRAMS  += $(VSYSD) $(VSYS)

BACKEND_CFLAGS := $(shell pkg-config --cflags xencontrol xenstore xlutil liburing libsystemd libudev)
VSYSD_LIBS     := $(shell pkg-config --libs xencontrol xenstore xlutil liburing libsystemd libudev)
VSYS_LIBS      := $(shell pkg-config --libs xenstore)

$(VSYSD): $(VSYSD_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(VSYSD_LIBS)

$(VSYS): $(VSYS_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(VSYS_LIBS)

$(sort $(VSYSD_OBJ) $(VSYS_OBJ)): $(B)/dom0/%.o: %.c $(FLAGS_STAMP) | $(SCHEMA_H) $(SCHEMA_TABLE)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(BACKEND_CFLAGS) -I. $(WARN) $(HARDEN) -MMD -MP -c -o $@ $<

.PHONY: install-backend
install-backend: $(VSYSD) $(VSYS) $(WORKER) $(PORTS)
	$(Q)install -D $(VSYSD) $(DESTDIR)$(sbindir)/xen-vsysd
	$(Q)install -D $(VSYS) $(DESTDIR)$(sbindir)/xen-vsys
	$(Q)install -D $(WORKER) $(DESTDIR)$(libexecdir)/xen-vsys-worker
	$(Q)install -D $(PORTS) $(DESTDIR)$(libexecdir)/xen-vsys-ports
	$(Q)install -D -m 644 -t $(DESTDIR)$(mandir)/man8 docs/man/xen-vsysd.8 docs/man/xen-vsys.8
	$(Q)install -D -m 644 -t $(DESTDIR)$(datadir)/policy xen-backend/policy/*.policy
	$(Q)install -d $(DESTDIR)$(unitdir)
	$(Q)sed 's,@sbindir@,$(sbindir),' xen-backend/xen-vsysd.service \
	    >$(DESTDIR)$(unitdir)/xen-vsysd.service
	$(Q)install -d $(DESTDIR)/var/lib/xen-vsys

include xen-backend/worker/build.mk
include xen-backend/ports/build.mk
