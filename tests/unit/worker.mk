# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the worker: its parts that need no Xen, with a pretended guest.

WORKER_TESTS := test-worker-connect test-worker-ring test-worker-files test-worker-blocking \
		test-worker-block test-worker-threads test-worker-unmask test-worker-spin test-worker-pool
WORKER_TEST_SRC := $(WORKER_LIB) xen-backend/worker/transport-loop.c \
		   tests/unit/worker-fixture.c tests/unit/ipc-send.c

$(foreach t,$(WORKER_TESTS),\
	$(eval UNIT_SRC_$(t) := $(WORKER_TEST_SRC))\
	$(eval UNIT_LIBS_$(t) := -luring -lutil -lpthread))

UNIT_SRC_test-ports      := xen-backend/ports/batch.c
UNIT_SRC_test-ports-exec := $(addprefix xen-backend/ports/,batch.c confine.c native.c) xen-backend/log.c
UNIT_LIBS_test-ports-exec := -lseccomp

PORTS_TESTS := test-worker-ports test-asm-sink
$(foreach t,$(PORTS_TESTS),\
	$(eval UNIT_SRC_$(t) := $(WORKER_TEST_SRC) tests/unit/ports-fixture.c)\
	$(eval UNIT_LIBS_$(t) := -luring -lutil -lpthread))
UNIT_SRC_test-asm-sink += $(addprefix asm-pp/runtime/,hand.c queue.c)

EXECUTOR_TESTS := test-executor test-machine
EXECUTOR_TEST_SRC := $(addprefix xen-backend/worker/,bell.c clock.c executor.c filter.c machine.S near.c template.c \
		     uring.c) xen-backend/log.c tests/unit/executor-fixture.c
$(foreach t,$(EXECUTOR_TESTS),\
	$(eval UNIT_SRC_$(t) := $(EXECUTOR_TEST_SRC))\
	$(eval UNIT_LIBS_$(t) := -luring -lseccomp))

UNIT_SRC_test-worker-privileges  := $(WORKER_TEST_SRC) xen-backend/worker/privileges.c \
				    tests/unit/ports-fixture.c
UNIT_LIBS_test-worker-privileges := -luring -lutil -lpthread -lseccomp

CALLS_TESTS := test-worker-calls test-worker-mirrors test-worker-hostile test-worker-pins test-worker-judge \
	       test-worker-own test-worker-near
$(foreach t,$(CALLS_TESTS),\
	$(eval UNIT_SRC_$(t) := $(WORKER_TEST_SRC) xen-backend/worker/filter.c tests/unit/calls-fixture.c)\
	$(eval UNIT_LIBS_$(t) := -luring -lutil -lpthread -lseccomp))

UNIT_SRC_test-worker-bell  := $(addprefix xen-backend/worker/,bell.c uring.c) xen-backend/log.c
UNIT_LIBS_test-worker-bell := -luring

UNIT_SRC_test-worker-coalesce := xen-backend/worker/coalesce.c
