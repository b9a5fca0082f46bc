#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-schema-gen.sh - the generator: is what is in the tree up to date, does it
# refuse a bad schema, and does what it makes please the compilers?
set -u
. tests/tools/tap.sh

gen=xenstore-schema/gen
schema=xenstore-schema/vsys.schema
document=docs/xenstore.md
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# result STATUS NAME: complaints, if any, are in $tmp/out.
result()
{
	ok "$1" "$2" || sed 's/^/# /' "$tmp/out"
}

# compiles COMPILER: the header before and after vsysif.h, nothing of it used.
compiles()
{
	"$gen" header "$schema" >"$tmp/vsys-xenstore.h" &&
		printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' \
			vsys-xenstore.h xen/io/vsysif.h >"$tmp/a.c" &&
		printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' \
			xen/io/vsysif.h vsys-xenstore.h >"$tmp/b.c" &&
		"$1" -std=gnu11 -Wall -Wextra -Wunused -Wconversion -Werror -Iinclude -I"$tmp" \
			-fsyntax-only "$tmp/a.c" "$tmp/b.c" >"$tmp/out" 2>&1
}

# refuses NAME MESSAGE SED-SCRIPT: the changed schema gives that message.
refuses()
{
	sed "$3" "$schema" >"$tmp/bad.schema"
	if cmp -s "$schema" "$tmp/bad.schema"; then
		echo 'the change changes nothing' >"$tmp/out"
		result 1 "$1"
	elif "$gen" table "$tmp/bad.schema" >/dev/null 2>"$tmp/out"; then
		echo 'nobody noticed' >"$tmp/out"
		result 1 "$1"
	else
		grep -q "bad\.schema:[0-9]*: .*$2" "$tmp/out"
		result $? "is refused: $1"
	fi
}

"$gen" doc "$schema" "$document" >"$tmp/new.md" 2>"$tmp/out" &&
	diff -u "$document" "$tmp/new.md" >"$tmp/out"
result $? "$document is up to date (else: make schema-doc)"

sed 's/| Kind of device node\. |/| Mood of device node. |/' "$document" >"$tmp/stale.md"
"$gen" doc "$schema" "$tmp/stale.md" | cmp -s - "$document" >"$tmp/out" &&
	! cmp -s "$tmp/stale.md" "$document"
result $? 'a table that is not is made anew'

echo 'no markers' >"$tmp/bare.md"
! "$gen" doc "$schema" "$tmp/bare.md" >/dev/null 2>"$tmp/out" && grep -q needs "$tmp/out"
result $? 'a document without markers is refused'

for compiler in gcc clang; do
	if command -v $compiler >"$tmp/out"; then
		compiles $compiler
		result $? "the header pleases $compiler"
	else
		skip "not here" "the header pleases $compiler"
	fi
done

# Distributions differ in what awk is.
for awk in mawk gawk 'busybox awk'; do
	if ! $awk 'BEGIN { exit 0 }' >"$tmp/out" 2>&1; then
		skip "not here" "$awk makes the same"
		continue
	fi
	printf '#!/bin/sh\nexec %s "$@"\n' "$awk" >"$tmp/awk"
	chmod +x "$tmp/awk"
	for what in header table "doc $document"; do
		# shellcheck disable=SC2086 # two words
		set -- $what
		"$gen" "$1" "$schema" ${2+"$2"} >"$tmp/usual"
		PATH="$tmp:$PATH" "$gen" "$1" "$schema" ${2+"$2"} >"$tmp/other"
		cmp "$tmp/usual" "$tmp/other"
	done >"$tmp/out" 2>&1
	! [ -s "$tmp/out" ]
	result $? "$awk makes the same"
done

refuses 'an unknown attribute' 'unknown attribute' '/^node online/s/since=/sinse=/'
refuses 'no type' 'type= is missing' '/^node online/s/type=flag//'
refuses 'an unknown type' 'unknown type' '/^node online/s/type=flag/type=flog/'
refuses 'an unknown writer' 'unknown by' '/^node online/s/by=toolstack/by=me/'
refuses 'a range that is none' 'not a range' 's/range=0\.\.4 /range=0-4 /'
refuses 'an empty range' 'empty range' 's/range=1\.\.16 /range=16..1 /'
refuses 'a state that is none' 'not a state' '/^node versions/s/changes=1,2/changes=1,9/'
refuses 'no change' 'changes= is missing' '/^node versions/s/changes=1,2//'
refuses 'required and default' 'exclude each other' '/^node versions/s/required/default=1 required/'
refuses 'a limit that is not there' 'limit= ' 's/limit=max-pool-pages/limit=pool-max/'
refuses 'a list that is no list' 'listed= names no list' 's/listed=versions/listed=online/'
refuses 'a limit on the wrong side' 'for the directory frontend' '/^node online/s/since/limit=state since/'
refuses 'an index beyond the count' 'index= does not fit' 's/index=0\.\.15 count=multi/index=0..31 count=multi/'
refuses 'a node twice' 'is here twice' 's/^node class /node mode /'
refuses 'two types of one key' 'differs from the node' '/^node feature-poll by=frontend/s/flag/domid/'
refuses 'a node without a sentence' 'no sentence' '/^	Kind of device node\./d'
refuses 'a line that is nothing' 'neither dir nor node' 's/^node class /nude class /'
tap_done
