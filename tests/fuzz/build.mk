# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fuzzers: no Xen, no root.  With clang they are libFuzzer targets that look at
# coverage; with another compiler standalone.c drives them by chance.
#
#   tests/fuzz/fuzz-NAME.c      the target
#   tests/fuzz/corpus/NAME/     inputs that reach much of the code

FUZZ         := $(B)/fuzz
FUZZ_SECONDS ?= 30
FUZZ_CC      ?= $(if $(shell command -v clang 2>/dev/null),clang,$(CC))
FUZZ_IS_LIB  := $(findstring clang,$(FUZZ_CC))

FUZZ_SRC_ring  := $(WORKER_LIB) xen-backend/worker/transport-loop.c tests/unit/ipc-send.c
FUZZ_LIBS_ring := -luring -lpthread

FUZZ_NAMES := $(patsubst tests/fuzz/fuzz-%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_BIN   := $(FUZZ_NAMES:%=$(FUZZ)/fuzz-%)
FUZZ_DRIVE := tests/fuzz/fuzz.c $(if $(FUZZ_IS_LIB),,tests/fuzz/standalone.c)
$(foreach n,$(FUZZ_NAMES),$(eval FUZZ_OBJ_$(n) := \
	$(addprefix $(FUZZ)/,$(addsuffix .o,$(basename tests/fuzz/fuzz-$(n).c $(FUZZ_DRIVE) \
		$(FUZZ_SRC_$(n)))))))

$(FUZZ_BIN): $(FUZZ)/fuzz-%: $$(FUZZ_OBJ_$$*)
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CC) $(SAN) $(if $(FUZZ_IS_LIB),-fsanitize=fuzzer) -o $@ $^ $(FUZZ_LIBS_$*)

$(FUZZ)/%.o: %.c | $(SCHEMA_H)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) -I. $(WARN) $(SAN) \
	    $(if $(FUZZ_IS_LIB),-fsanitize=fuzzer-no-link) -MMD -MP -c -o $@ $<

$(FUZZ)/%.o: %.S
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# What is found new goes to build/; the corpus in the tree is added to by hand.
.PHONY: fuzz
## fuzz         run each fuzzer for FUZZ_SECONDS (30)
fuzz: $(FUZZ_BIN)
	$(Q)for n in $(FUZZ_NAMES); do \
	    mkdir -p $(FUZZ)/found-$$n || exit 1; \
	    if [ -n '$(FUZZ_IS_LIB)' ]; then \
		set -- -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -timeout=20 \
		    -artifact_prefix=$(FUZZ)/ -verbosity=0 -print_final_stats=1 \
		    $(FUZZ)/found-$$n tests/fuzz/corpus/$$n; \
	    else \
		set -- -s $(FUZZ_SECONDS) tests/fuzz/corpus/$$n/*; \
	    fi; \
	    echo "  FUZZ    $$n, $(FUZZ_SECONDS) s"; \
	    $(FUZZ)/fuzz-$$n "$$@" || { [ $$? = 77 ] || exit 1; }; \
	done

-include $(wildcard $(FUZZ)/*/*.d $(FUZZ)/*/*/*.d)
