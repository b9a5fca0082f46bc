# SPDX-License-Identifier: GPL-2.0-or-later
#
# header.awk - after parse.awk: vsys-xenstore.h, the names and parsers.
#
# The macros VSYS_MAX_* that vsysif.h defines too have the same tokens here, so
# that a compiler that sees both headers complains if the limits differ.

function define(name, value)
{
	printf "#define %s%s%s\n", name, substr("                                        ", 1, \
	       length(name) < 40 ? 40 - length(name) : 1), value
}

function number(n, value)
{
	return value (is_wide(n) ? "ull" : "u")
}

function emit_prologue()
{
	print "/* SPDX-License-Identifier: MIT OR GPL-2.0-or-later */"
	print "/*"
	print " * vsys-xenstore.h - names, ranges and parsers of the XenStore nodes of vsys."
	print " *"
	print " * Made by xenstore-schema/gen from vsys.schema; do not edit.  For the kernel and"
	print " * for user space: it calls nothing.  All parsers take a terminated string and"
	print " * return 0, -EINVAL if it is not of the form that is asked for, or -ERANGE if the"
	print " * value is outside the range; the result is written only if they return 0."
	print " */"
	print "#ifndef VSYS_XENSTORE_H"
	print "#define VSYS_XENSTORE_H"
	print ""
	print "#ifdef __KERNEL__"
	print "#include <linux/errno.h>"
	print "#include <linux/types.h>"
	print "#else"
	print "#include <errno.h>"
	print "#include <stdbool.h>"
	print "#include <stddef.h>"
	print "#include <stdint.h>"
	print "#endif"
	print ""
	print "#define VSYS_SCHEMA_INLINE static inline __attribute__((__unused__))"
	print ""
}

function emit_paths(	d, format)
{
	print "/* Directories; the numbers are those of the comment, in order.  ALL: the parent. */"
	for (d = 1; d <= dirs; d++) {
		format = toupper(dir_name[d])
		gsub(/-/, "_", format)
		printf "/* %s */\n", dir_path[d]
		path = dir_path[d]
		gsub(/<[a-z-]+>/, "%u", path)
		define("VSYS_PATHF_" format, "\"" path "\"")
		if (sub(/\/%u$/, "", path) && dir_path[d] ~ /<devid>$/)
			define("VSYS_PATHF_" format "_ALL", "\"" path "\"")
	}
	print ""
}

function emit_constants(	n, name)
{
	print "/* Keys (KEYF: with an index), ranges, and what their absence means. */"
	for (n = 1; n <= nodes; n++) {
		if (first[n] != n)
			continue
		name = toupper(c_name(n))
		define((key[n] ~ /%u$/ ? "VSYS_KEYF_" : "VSYS_KEY_") name, "\"" key[n] "\"")
		if (attr[n, "type"] == "string") {
			define("VSYS_MAX_" name, attr[n, "max"] "u")
			define("VSYS_SIZE_" name, "(VSYS_MAX_" name " + 1)")
		} else if (has(n, "max")) {
			define("VSYS_MIN_" name, number(n, attr[n, "min"]))
			define("VSYS_MAX_" name, number(n, attr[n, "max"]))
		}
		if (has(n, "default"))
			define("VSYS_DEFAULT_" name, attr[n, "type"] == "enum" ? \
			       "VSYS_" name "_" toupper(attr[n, "default"]) : number(n, attr[n, "default"]))
	}
	print ""
}

function emit_enum(n,	name, list, i, count)
{
	name = c_name(n)
	count = split(attr[n, "values"], list, ",")
	printf "enum vsys_%s {\n", name
	for (i = 1; i <= count; i++)
		printf "\tVSYS_%s_%s,\n", toupper(name), toupper(list[i])
	print "};\n"
	printf "VSYS_SCHEMA_INLINE int vsys_parse_%s(const char *text, enum vsys_%s *value)\n{\n", name, name
	for (i = 1; i <= count; i++) {
		printf "\t%sif (vsys_schema_equal(text, \"%s\"))\n", (i > 1 ? "else " : ""), list[i]
		printf "\t\t*value = VSYS_%s_%s;\n", toupper(name), toupper(list[i])
	}
	print "\telse\n\t\treturn -EINVAL;\n\treturn 0;\n}\n"
	printf "VSYS_SCHEMA_INLINE const char *vsys_%s_name(enum vsys_%s value)\n{\n", name, name
	print "\tswitch (value) {"
	for (i = 1; i <= count; i++)
		printf "\tcase VSYS_%s_%s:\n\t\treturn \"%s\";\n", toupper(name), toupper(list[i]), list[i]
	print "\t}\n\treturn \"?\";\n}\n"
}

function emit_comment(sentence,	word, count, i, width)
{
	if (length(sentence) < 90) {
		print "/* " sentence " */"
		return
	}
	count = split(sentence, word, " ")
	printf "/*\n *"
	for (i = 1; i <= count; i++) {
		width += length(word[i]) + 1
		if (width > 75) {
			printf "\n *"
			width = length(word[i]) + 1
		}
		printf " %s", word[i]
	}
	print "\n */"
}

function emit_parser(n,	name, type, bits)
{
	name = c_name(n)
	type = attr[n, "type"]
	if (type == "path" || type == "dir")
		return
	emit_comment(key[n] ": " text[n])
	if (type == "enum") {
		emit_enum(n)
	} else if (type == "flag") {
		printf "VSYS_SCHEMA_INLINE int vsys_parse_%s(const char *text, bool *value)\n{\n", name
		print "\treturn vsys_schema_flag(text, value);\n}\n"
	} else if (type == "string") {
		printf "VSYS_SCHEMA_INLINE int vsys_parse_%s(const char *text, char *buf, size_t size)\n{\n", name
		printf "\treturn vsys_schema_string(text, \"%s\", VSYS_MAX_%s, %s, buf, size);\n}\n\n", \
		       c_set(attr[n, "chars"]), toupper(name), (has(n, "relative") ? "true" : "false")
	} else if (type == "versions") {
		printf "VSYS_SCHEMA_INLINE int vsys_parse_%s(const char *text, uint32_t wanted)\n{\n", name
		print "\treturn vsys_schema_listed(text, wanted);\n}\n"
	} else {
		bits = is_wide(n) ? 64 : 32
		printf "VSYS_SCHEMA_INLINE int vsys_parse_%s(const char *text, uint%d_t *value)\n{\n", name, bits
		printf "\treturn vsys_schema_u%d(text, VSYS_MIN_%s, VSYS_MAX_%s,\n\t\t\t       %s, value);\n}\n\n", bits, \
		       toupper(name), toupper(name), (has(n, "pow2") ? "true" : "false")
	}
}

END {
	if (errors)
		exit 1
	emit_prologue()
	emit_paths()
	emit_constants()
	while ((getline line < helpers) > 0)
		if (line ~ /^\/\* begin/)
			copy = 1
		else if (copy)
			print line
	print ""
	for (n = 1; n <= nodes; n++)
		if (first[n] == n)
			emit_parser(n)
	print "#endif /* VSYS_XENSTORE_H */"
}
