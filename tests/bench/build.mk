# SPDX-License-Identifier: GPL-2.0-or-later
#
# What it costs: against xen-blkfront/xen-blkback on the lab's Xen, and, without Xen,
# what the daemon costs with 1 to 1000 guests (growth).

.PHONY: bench bench-sweep bench-scale bench-all bench-plots bench-ways
## bench        this pair, xen-blkfront and the native RAM disk, in one boot
bench: deps
	$(Q)tests/bench/bench

## bench-sweep  the same over depth and size
bench-sweep: deps
	$(Q)tests/bench/bench sweep

## bench-scale  1 to 8 guests, 1 to 64 devices, busy and idle
bench-scale: deps
	$(Q)tests/bench/bench scale

## bench-plots  docs/perf/*.svg of what these three left in build/
bench-plots: deps
	$(Q)tests/bench/plots

## bench-all    all four, also if a goal is missed
bench-all: deps
	$(Q)tests/bench/bench; status=$$?; \
	tests/bench/bench sweep && tests/bench/bench scale && tests/bench/plots && exit $$status

## bench-ways   ways that were tried, each beside the one that is used
bench-ways: deps
	$(Q)tests/bench/bench ways

GROWTH := $(B)/bench

GROWTH_SRC            := $(addprefix tests/bench/growth/,guest.c main.c measure.c report.c run.c store.c) \
			 tests/unit/fake-xs.c xen-backend/worker/transport-loop.c \
			 $(addprefix xen-backend/,ctl-client.c fault.c kv.c log.c loop.c)
GROWTH_SUPERVISOR_SRC := tests/bench/growth/supervisor.c $(VSYSD_LIB) \
			 $(addprefix xen-backend/,irq.c madt.c worker-exec.c xs.c)
GROWTH_WORKER_SRC     := tests/bench/growth/transport.c xen-backend/worker/transport-loop.c \
			 $(filter-out %/transport-xen.c,$(WORKER_SRC))

GROWTH_OBJ            := $(addprefix $(GROWTH)/,$(GROWTH_SRC:.c=.o))
GROWTH_SUPERVISOR_OBJ := $(addprefix $(GROWTH)/,$(GROWTH_SUPERVISOR_SRC:.c=.o))
GROWTH_WORKER_OBJ     := $(addprefix $(GROWTH)/,$(addsuffix .o,$(basename $(GROWTH_WORKER_SRC))))
GROWTH_BIN            := $(addprefix $(GROWTH)/growth,-supervisor -worker) $(GROWTH)/growth

$(GROWTH)/growth: $(GROWTH_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -luring

$(GROWTH)/growth-supervisor: $(GROWTH_SUPERVISOR_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(VSYSD_LIBS)

$(GROWTH)/growth-worker: $(GROWTH_WORKER_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ \
	    -luring -lseccomp -lpthread

$(GROWTH)/%.o: %.c $(FLAGS_STAMP) | $(SCHEMA_H) $(SCHEMA_TABLE)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(BACKEND_CFLAGS) -I. $(WARN) $(HARDEN) -MMD -MP -c -o $@ $<

$(GROWTH)/%.o: %.S $(FLAGS_STAMP)
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<

.PHONY: bench-growth
## bench-growth the daemon with 1 to 1000 guests and 1 to 256 devices, without Xen
bench-growth: $(GROWTH_BIN)
	$(Q)$(GROWTH)/growth $(B)/growth.json

# test-growth.sh
unit: $(GROWTH_BIN)

-include $(wildcard $(GROWTH)/*/*.d $(GROWTH)/*/*/*.d $(GROWTH)/*/*/*/*.d)
