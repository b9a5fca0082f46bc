#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of xen-vsys, as far as it goes without a daemon: usage,
# exit status, one sentence for each error.

. tests/tools/tap.sh

export XEN_VSYS_SOCKET=/does/not/exist
vsys=$B/xen-vsys

# run STATUS STREAM PATTERN ARGUMENTS...
run()
{
	wanted=$1 stream=$2 pattern=$3
	shift 3
	"$vsys" "$@" >"$dir/out" 2>"$dir/err"
	is $? "$wanted" "xen-vsys $*: status"
	like "$(cat "$dir/$stream")" "$pattern" "... on $stream"
	other=out
	[ "$stream" = out ] && other=err
	is "$(cat "$dir/$other")" "" "... and nothing else"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

run 0 out '^usage: xen-vsys' --help
run 0 out '^xen-vsys [0-9.]+$' --version
run 2 err '^usage: xen-vsys'
run 2 err "^xen-vsys: unknown command 'frob'$" frob
run 2 err '^usage: xen-vsys attach' attach
run 2 err '^usage: xen-vsys attach' attach g
run 2 err '^usage: xen-vsys attach' attach g a b
run 2 err '^usage: xen-vsys list' list a b
run 2 err '^usage: xen-vsys detach' detach --json g a
run 2 err '^usage: xen-vsys list' list --wait g
run 2 err 'unrecognized option' list --frob
for command in "list" "list --json" "stat g" "attach g dev=/dev/null" "detach g null"; do
	# shellcheck disable=SC2086
	run 1 err '^xen-vsys: xen-vsysd is not running$' $command
done
run 1 err '^xen-vsys: xen-vsysd is not running$' create /dev/null
run 1 err '^xen-vsys: /no/file: No such file or directory$' create /no/file
run 1 err '^xen-vsys: XenStore cannot be reached: ' check g

"$B/xen-vsysd" --help >"$dir/out"
is $? 0 "xen-vsysd --help"
"$B/xen-vsysd" --frob 2>"$dir/err"
is $? 2 "xen-vsysd --frob"
"$B/xen-vsysd" argument 2>"$dir/err"
is $? 2 "xen-vsysd argument"

for page in docs/man/*.8; do
	if command -v man >/dev/null; then
		is "$(LC_ALL=C MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)" "" "$page"
	else
		skip "no man here" "$page"
	fi
done
tap_done
