# SPDX-License-Identifier: GPL-2.0-or-later
UNIT_SRC_test-check        := $(filter-out %/store-xs.c,$(SCHEMA_CHECK_SRC)) \
			      tests/unit/fake-store.c tests/unit/check-fixture.c
UNIT_SRC_test-check-limits := $(UNIT_SRC_test-check)
UNIT_SRC_test-store-xs     := xenstore-schema/store-xs.c
