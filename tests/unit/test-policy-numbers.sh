#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-policy-numbers.sh - the numbers in the shipped policies are those of the
# headers that each file names, as the compiler sees them.
#
# Names below a line "header none # why" are in no header of user space; of these
# it is checked that there is a reason, and that the same name has one number.
. tests/tools/tap.sh

dir=${TMPDIR:-/tmp}/policy-numbers.$$
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir" || exit 1

# Makes a program of static assertions; prints the headers to "headers".
program() {
	awk -v file="$1" -v headers="$dir/headers" '
	function check(expr, number, mask) {
		checks = checks sprintf("_Static_assert(((unsigned int)(%s) & %su) == %su, \"%s:%d: %s\");\n",
					expr, mask, number, file, NR, expr)
		nr++
	}
	{ sub(/#.*/, "") }
	$1 == "header" { none = $2 == "none"; if (!none) { print $2 >headers; includes = includes "#include <" $2 ">\n" } }
	none { next }
	$1 == "allow" || $1 == "deny" { check($2, $3, $4 == "mask" ? $5 : "0xffffffff") }
	$1 == "scsi" { check($3, $4, "0xffffffff") }
	END {
		print "#include <stdint.h>\n#include <sys/types.h>\n#include <asm/ioctl.h>\n#include <linux/types.h>"
		print includes checks "int main(void) { return 0; }"
		print nr + 0 >headers ".nr"
	}' "$1"
}

# The headers that are not installed here.
missing() {
	while read -r header; do
		echo "#include <sys/types.h>
#include <$header>" | $CC -E - >/dev/null 2>&1 || echo "$header"
	done
}

for file in xen-backend/policy/*.policy; do
	: >"$dir/headers"
	program "$file" >"$dir/numbers.c"
	absent=$(sort -u "$dir/headers" | missing | tr '\n' ' ')
	if [ -n "$absent" ]; then
		skip "not installed: $absent" "$file"
		continue
	fi
	$CC -w -c -o "$dir/numbers.o" "$dir/numbers.c" 2>"$dir/errors"
	ok $? "$file: $(cat "$dir/headers.nr") numbers are those of the headers" ||
		diag "$(grep error "$dir/errors" | head -20)"
done

# The check can fail.
program xen-backend/policy/cdrom-read.policy | sed 's/0x5309u/0x5308u/' >"$dir/numbers.c"
! $CC -w -c -o "$dir/numbers.o" "$dir/numbers.c" 2>"$dir/errors" &&
	grep -q 'CDROMEJECT' "$dir/errors"
ok $? "a wrong number is found"

! grep -nE '^header none' xen-backend/policy/*.policy | grep -vqE 'none[[:space:]]+#.{10}'
ok $? "whatever is in no header has a reason"

awk '
	{ text = $0; sub(/#.*/, "") }
	FNR == 1 { none = 0 }
	$1 == "header" { none = $2 == "none" }
	{ name = ""; if ($1 == "scsi") { name = $3; number = $4 } }
	$1 == "allow" || $1 == "deny" { name = $2; number = $3 }
	name == "" { next }
	name in seen && seen[name] != number { print "# " FILENAME ":" FNR ": " name; bad = 1 }
	{ seen[name] = number }
	END { exit bad }' xen-backend/policy/*.policy
ok $? "a name has the same number everywhere"

tap_done
