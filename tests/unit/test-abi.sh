#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-abi.sh - does docs/protocol.md say what include/xen/io/vsysif.h says?
#
# Both ways: the document's tables become static assertions about the header, and
# all that the header defines must be in a table.  The last tests spoil copies of
# the document, to see that this notices.
set -u
. tests/tools/tap.sh

here=$(dirname "$0")
header=include/xen/io/vsysif.h
document=docs/protocol.md
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# result STATUS NAME: complaints, if any, are in $tmp/out.
result()
{
	ok "$1" "$2" || sed 's/^/# /' "$tmp/out"
}

# compiles COMPILER DOCUMENT: all that the document claims is so.
compiles()
{
	awk -f "$here/abi-doc.awk" "$2" >"$tmp/abi.c" &&
		grep -q offsetof "$tmp/abi.c" &&
		$1 -std=gnu11 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$tmp/abi.c" >"$tmp/out" 2>&1
}

# lacks_nothing DOCUMENT: all that the header defines is in one of its tables.
lacks_nothing()
{
	awk -f "$here/abi-header.awk" "$header" >"$tmp/names"
	: >"$tmp/out"
	while read -r kind name field; do
		case "$kind" in
		struct)
			grep -q "^### struct $name\$" "$1"
			;;
		field)
			# "bytes" is the union's own raw view.
			[ "$field" = u.bytes ] ||
				sed -n "/^### struct $name\$/,/^##* /p" "$1" |
				grep -q "^| *[0-9][0-9]* *| *[0-9][0-9]* *| *$field *|"
			;;
		constant)
			grep -q "^| *$name *| *[0-9]" "$1"
			;;
		esac || echo "the document lacks: $kind $name $field" >>"$tmp/out"
	done <"$tmp/names"
	! [ -s "$tmp/out" ]
}

# spoil NAME SED-SCRIPT: the changed document must be found wrong.
spoil()
{
	sed "$2" "$document" >"$tmp/spoilt.md"
	status=0
	if cmp -s "$document" "$tmp/spoilt.md"; then
		echo 'the change changes nothing' >"$tmp/out"
		status=1
	elif compiles "${CC:-cc}" "$tmp/spoilt.md" && lacks_nothing "$tmp/spoilt.md"; then
		echo 'nobody noticed' >"$tmp/out"
		status=1
	fi
	result $status "is noticed: $1"
}

for compiler in gcc clang 'gcc -m32'; do
	if echo '#include <stdint.h>' | $compiler -x c -fsyntax-only - 2>/dev/null; then
		compiles "$compiler" "$document"
		result $? "layout and constants, $compiler"
	else
		skip "not here" "layout and constants, $compiler"
	fi
done

lacks_nothing "$document"
result $? 'all of the header is in the document'

# An empty list would pass everything.
{
	grep -q '^struct vsys_request' "$tmp/names" &&
		grep -q '^field vsys_request u.call.cmd' "$tmp/names" &&
		grep -q '^field vsys_pool_dir gref' "$tmp/names" &&
		grep -q '^constant VSYS_OP_PORT_BATCH' "$tmp/names" &&
		grep -q '^constant VSYS_ERFKILL' "$tmp/names" &&
		grep -q '^constant VSYS_EPERM' "$tmp/names"
} >"$tmp/out"
result $? 'the header was understood'

spoil 'another offset' 's/^| 16 | 4 | length |/| 20 | 4 | length |/'
spoil 'another size' 's/^| 0 | 2 | id | of the request |/| 0 | 4 | id | of the request |/'
spoil 'a structure is missing' '/^### struct vsys_segment/,/^## /d'
spoil 'a nested field is missing' '/^| 28 | 4 | u.call.mm |/d'
spoil 'another constant' 's/^| VSYS_OP_READ | 3 |/| VSYS_OP_READ | 4 |/'
spoil 'an error is missing' '/^| VSYS_ENOTBLK |/d'
tap_done
