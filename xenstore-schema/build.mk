# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is made from the schema.  Whoever includes a generated header names it as
# an order-only prerequisite of its objects ("| $(SCHEMA_H)"): the compiler's
# dependency files do the rest, once there is one.

SCHEMA       := xenstore-schema/vsys.schema
SCHEMA_GEN   := xenstore-schema/gen
SCHEMA_H     := $(GEN)/vsys-xenstore.h
SCHEMA_TABLE := $(GEN)/vsys-schema-table.h

# For `xen-vsys check`; needs $(SCHEMA_H) $(SCHEMA_TABLE) and -lxenstore.
SCHEMA_CHECK_SRC := $(addprefix xenstore-schema/,check.c check-dir.c check-node.c check-pair.c store-xs.c)

$(SCHEMA_H): $(SCHEMA) $(SCHEMA_GEN) xenstore-schema/parse.awk xenstore-schema/header.awk \
	     xenstore-schema/parsers.h
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(SCHEMA_GEN) header $< >$@.tmp && mv $@.tmp $@

$(SCHEMA_TABLE): $(SCHEMA) $(SCHEMA_GEN) xenstore-schema/parse.awk xenstore-schema/table.awk
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(SCHEMA_GEN) table $< >$@.tmp && mv $@.tmp $@

.PHONY: schema schema-doc
## schema       make the C headers of the XenStore schema
schema: $(SCHEMA_H) $(SCHEMA_TABLE)

## schema-doc   bring the tables of docs/xenstore.md up to date
schema-doc: docs/xenstore.md
	$(Q)mkdir -p $(GEN)
	$(Q)$(SCHEMA_GEN) doc $(SCHEMA) $< >$(GEN)/xenstore.md
	$(Q)cmp -s $(GEN)/xenstore.md $< || cp $(GEN)/xenstore.md $<
