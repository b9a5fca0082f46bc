# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the supervisor and the tool: with a store in memory, and workers that
# the tests play themselves.

BACKEND_TEXT := $(addprefix xen-backend/,fault.c kv.c log.c)
SUPERVISOR_TEST_SRC := $(VSYSD_LIB) tests/unit/fake-xs.c tests/unit/supervisor-fixture.c
SUPERVISOR_TESTS := test-device test-domain test-worker-proc test-open test-share test-claim test-ctl \
		    test-ports-proc

UNIT_SRC_test-kv      := $(BACKEND_TEXT)
UNIT_SRC_test-stanza  := $(BACKEND_TEXT) $(addprefix xen-backend/,caps.c ioport.c stanza.c)
UNIT_SRC_test-native  := $(BACKEND_TEXT) $(addprefix xen-backend/,caps.c ioport.c stanza.c native.c)
UNIT_SRC_test-config  := $(BACKEND_TEXT) $(addprefix xen-backend/,config.c config-index.c registry.c)
UNIT_LIBS_test-config := -lxlutil
UNIT_SRC_test-madt    := xen-backend/madt.c
UNIT_SRC_test-jail    := xen-backend/jail.c
UNIT_SRC_test-loop    := $(BACKEND_TEXT) xen-backend/loop.c
UNIT_LIBS_test-loop   := -luring
UNIT_SRC_test-policy  := $(BACKEND_TEXT) xen-backend/policy.c xen-backend/worker/policy.c
UNIT_SRC_test-worker-exec := $(BACKEND_TEXT) $(addprefix xen-backend/,caps.c worker-exec.c)

$(foreach t,$(SUPERVISOR_TESTS),\
	$(eval UNIT_SRC_$(t) := $(SUPERVISOR_TEST_SRC))\
	$(eval UNIT_LIBS_$(t) := -lxlutil -luring -ludev))
UNIT_SRC_test-worker-proc += tests/unit/ipc-send.c
UNIT_SRC_test-ctl += xen-backend/ctl-client.c
UNIT_LIBS_test-claim += -Wl,--wrap=loop_open_start,--wrap=loop_open_cancel
UNIT_SRC_test-show := $(BACKEND_TEXT) xen-backend/show.c

FUZZ_SRC_control  := $(VSYSD_LIB) tests/unit/fake-xs.c
FUZZ_LIBS_control := -lxlutil -luring -ludev
