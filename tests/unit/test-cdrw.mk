# SPDX-License-Identifier: GPL-2.0-or-later
UNIT_SRC_test-cdrw := $(CDRW_ENGINE) $(addprefix tests/tools/cdrw/,ring.c control.c)

# Deeper than others look.
-include $(wildcard $(UNIT)/tests/tools/cdrw/*.d)
