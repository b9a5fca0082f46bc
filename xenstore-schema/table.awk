# SPDX-License-Identifier: GPL-2.0-or-later
#
# table.awk - after parse.awk: vsys-schema-table.h, what the checker goes by.
#
# References between nodes become indexes into the table, so that the checker
# searches for no name.

function id(d, name)
{
	name = toupper(dir_name[d] "-" name)
	sub(/-?%U$/, "", name)
	gsub(/-/, "_", name)
	return "VSYS_NODE_" name
}

# The node that "name" in an attribute of node n means; -1: none.  other: on the
# other side; else in its own directory or, from a queue, in the front-end's.
function reference(n, name, other,	d, side)
{
	if (!has(n, name))
		return "-1"
	side = dir_name[in_dir[n]] == "backend" ? "backend" : "frontend"
	if (other)
		side = side == "backend" ? "frontend" : "backend"
	for (d = 1; d <= dirs; d++)
		if (dir_name[d] == side && (d, attr[n, name]) in seen)
			return id(d, attr[n, name])
	printf "%s:%d: %s: %s= is not in the directory %s\n", FILENAME, at[n], key[n], name, side > "/dev/stderr"
	errors = 1
	exit 1
}

function text_or_null(n, name)
{
	return has(n, name) ? "\"" attr[n, name] "\"" : "NULL"
}

function row(n,	indexed, stem)
{
	indexed = has(n, "index")
	stem = key[n]
	sub(/%u$/, "", stem)
	printf "\t[%s] = {\n", id(in_dir[n], key[n])
	printf "\t\t.key = \"%s\", .dir = VSYS_DIR_%s,\n", stem, c_upper(dir_name[in_dir[n]])
	printf "\t\t.type = VSYS_TYPE_%s, .access = VSYS_ACCESS_%s, .by_frontend = %d,\n", \
	       toupper(attr[n, "type"]), toupper(attr[n, "access"]), attr[n, "by"] == "frontend"
	printf "\t\t.min = %sull, .max = %sull, .pow2 = %d, .relative = %d,\n", \
	       attr[n, "min"] + 0 ? attr[n, "min"] : "0", has(n, "max") ? attr[n, "max"] : "0", \
	       has(n, "pow2"), has(n, "relative")
	printf "\t\t.values = %s, .chars = %s,\n", text_or_null(n, "values"), \
	       has(n, "chars") ? "\"" c_set(attr[n, "chars"]) "\"" : "NULL"
	printf "\t\t.required = 0x%03x, .absent = 0x%03x, .fallback = %s, .only_class = %s,\n", \
	       state_mask(attr[n, "required"]), state_mask(attr[n, "absent"]), \
	       text_or_null(n, "default"), text_or_null(n, "for")
	printf "\t\t.limit = %s, .listed = %s,\n", reference(n, "limit", 1), reference(n, "listed", 1)
	printf "\t\t.indexed = %d, .index_max = %d, .count = %s, .count_shift = %d,\n\t},\n", \
	       indexed, indexed ? attr[n, "index_max"] : 0, \
	       indexed ? reference(n, "count_key", 0) : "-1", attr[n, "count_shift"] + 0
}

function c_upper(name)
{
	name = toupper(name)
	gsub(/-/, "_", name)
	return name
}

END {
	if (errors)
		exit 1
	print "/* SPDX-License-Identifier: MIT OR GPL-2.0-or-later */"
	print "/*"
	print " * vsys-schema-table.h - the nodes of vsys as the checker sees them."
	print " *"
	print " * Made by xenstore-schema/gen from vsys.schema; do not edit.  The types are in"
	print " * xenstore-schema/check-internal.h, which includes this."
	print " */"
	print "enum vsys_schema_dir {"
	for (d = 1; d <= dirs; d++)
		printf "\tVSYS_DIR_%s,\n", c_upper(dir_name[d])
	print "};\n"
	print "enum vsys_schema_id {"
	for (n = 1; n <= nodes; n++)
		printf "\t%s,\n", id(in_dir[n], key[n])
	print "\tVSYS_NODES"
	print "};\n"
	print "#ifdef VSYS_SCHEMA_DEFINE_TABLE"
	print "const struct vsys_schema_node vsys_schema_nodes[VSYS_NODES] = {"
	for (n = 1; n <= nodes; n++)
		row(n)
	print "};"
	print "#endif"
}
