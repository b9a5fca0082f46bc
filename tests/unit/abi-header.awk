# SPDX-License-Identifier: GPL-2.0-or-later
#
# abi-header.awk - what vsysif.h defines, one per line: "struct NAME", "field
# STRUCT PATH" for each field that is no container, "constant NAME".
#
# It reads no C in general, but the style of that header: one member a line,
# comments on lines of their own or after a member.

{
	gsub(/\/\*.*\*\//, "")
}

/^[ \t]*\/\*/ {
	comment = 1
}

comment {
	if (/\*\//)
		comment = 0
	next
}

/^#define[ \t]+VSYS_[A-Z0-9_]+[ \t]+[(0-9]/ {
	print "constant", $2
}

/X\(E[A-Z0-9]+, [0-9]+\)/ {
	line = $0
	while (match(line, /X\(E[A-Z0-9]+,/)) {
		print "constant", "VSYS_" substr(line, RSTART + 2, RLENGTH - 3)
		line = substr(line, RSTART + RLENGTH)
	}
}

/^struct vsys_[a-z_]+ \{/ {
	name = $2
	print "struct", name
	depth = 1
	count = 0
	next
}

!depth {
	next
}

/^[ \t]*(struct|union) \{/ {
	start[++depth] = count
	next
}

# The end of a container: its name goes before all that it holds.
/^[ \t]*\}/ {
	member = $0
	gsub(/[ \t};]/, "", member)
	if (depth > 1)
		for (i = start[depth] + 1; i <= count; i++)
			path[i] = member "." path[i]
	depth--
	if (!depth)
		for (i = 1; i <= count; i++)
			print "field", name, path[i]
	next
}

/;/ {
	member = $0
	sub(/(\[[^\]]*\])?;.*/, "", member)
	sub(/.*[ \t*]/, "", member)
	path[++count] = member
}
