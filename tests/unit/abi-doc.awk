# SPDX-License-Identifier: GPL-2.0-or-later
#
# abi-doc.awk - docs/protocol.md as a C program of static assertions.
#
# Reads the tables below "### struct NAME" (offset, size, field, meaning) and
# "### constants ..." (name, value, meaning).  The fields without a dot must
# follow each other without a gap and fill the structure.

BEGIN {
	FS = "[ \t]*[|][ \t]*"
	print "#include <stddef.h>"
	print "#include <stdint.h>"
	print "#include <xen/io/vsysif.h>"
}

function assert(condition, what)
{
	printf "_Static_assert(%s, \"protocol.md:%d: %s\");\n", condition, FNR, what
}

function close_struct()
{
	if (name != "")
		assert("sizeof(struct " name ") == " end, name " ends at " end)
	name = ""
}

/^#/ {
	close_struct()
	constants = /^### constants /
}

/^### struct / {
	name = $0
	sub(/^### struct /, "", name)
	end = 0
}

name != "" && /^\|[ \t]*[0-9]+[ \t]*\|/ {
	assert("offsetof(struct " name ", " $4 ") == " $2, name "." $4 " is at " $2)
	assert("sizeof(((struct " name " *)0)->" $4 ") == " $3, name "." $4 " has the size " $3)
	if (index($4, ".") == 0) {
		if ($2 != end)
			assert("0", name "." $4 " does not follow the field before")
		end = $2 + $3
	}
}

constants && /^\|[ \t]*VSYS_/ {
	assert("(uint64_t)(" $2 ") == " $3 "ull", $2 " is " $3)
}

END {
	close_struct()
	print "int main(void) { return 0; }"
}
