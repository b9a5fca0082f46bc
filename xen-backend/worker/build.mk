# SPDX-License-Identifier: GPL-2.0-or-later
# The worker: one process per guest domain, which does its I/O.

WORKER     := $(B)/xen-vsys-worker
# What also runs without Xen, for tests and fuzzers.
WORKER_LIB := $(addprefix xen-backend/worker/,bell.c bring.c calls.c clock.c coalesce.c device.c executor.c handles.c \
		files.c hold.c items.c judge.c link.c machine.S mirror.c nap.c near.c ops.c own.c pages.c pins.c policy.c pool.c ports.c request.c \
		ring.c rw.c spin.c steps.c tell.c template.c threads.c uring.c watch.c wire-errno.c worker.c) xen-backend/ports/batch.c xen-backend/log.c
WORKER_SRC := $(WORKER_LIB) xen-backend/caps.c \
	      $(addprefix xen-backend/worker/,filter.c main.c privileges.c transport-xen.c)
WORKER_OBJ := $(addprefix $(B)/worker/,$(addsuffix .o,$(basename $(WORKER_SRC))))
PROGRAMS   += $(WORKER)

$(WORKER): $(WORKER_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ \
	    -luring -lxengnttab -lxenevtchn -lseccomp -lpthread

$(B)/worker/%.o: %.S $(FLAGS_STAMP)
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(B)/worker/%.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(WARN) $(HARDEN) -MMD -MP -c -o $@ $<
