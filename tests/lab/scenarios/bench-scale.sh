#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: 1 to 8 guests with a disk of each pair, then one guest with 1 to
# 64 devices; busy and idle.  For tests/bench/bench-scale.
# usage: bench-scale.sh TYPE RUNS SECONDS [guests|devices]
#
# check: only by name: it measures; make bench-scale
#
# All is counted in dom0, between two moments while all fios run: guests that begin
# one after another don't matter then.  What an idle window costs is compared with
# that of the same guests before they had devices.

set -eu -o pipefail
type=$1 runs=$2 seconds=$3 part=${4:-.}
# shellcheck source=tests/tools/bench.sh
. /usr/lib/xen-vsys/tests/bench.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh

# What both back-ends have done for these guests, and when: reading it takes time.
disk_counters()
{
	local g

	echo "dom0 disk_us ${EPOCHREALTIME/./}"
	for g in "$@"; do
		cat /sys/bus/xen-backend/devices/vbd-"$(guest domid "$g")"-51776/statistics/rd_req 2>/dev/null || true
	done | awk '{ sum += $1 } END { print "dom0 ios_blk", sum + 0 }'
}

vsys_counters()
{
	local g

	echo "dom0 vsys_us ${EPOCHREALTIME/./}"
	for g in "$@"; do
		xen-vsys stat "$g"
	done | awk -F': *' '
		{ sub(/^ */, "", $1) }
		$2 ~ /^[0-9]+$/ { sum[$1] += $2 }
		END { for (k in sum) print "dom0 back_" k, sum[k] }'
}

# Until dom0 has done what the guests' beginning, or fio's end, left to do: its CPU time
# of a second hardly falls any more. It is measured for just a second: no event ends that.
settle()
{
	local last=0 now used before

	before=$($tests/cost | awk '$1 == "cpu_ns_0" { print int($2 / 1000000) }')
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		sleep 1
		now=$($tests/cost | awk '$1 == "cpu_ns_0" { print int($2 / 1000000) }')
		used=$((now - before))
		[ $last -eq 0 ] || [ $used -lt $((last * 8 / 10)) ] || return 0
		last=$used before=$now
	done
}

# window "TAGS" GUEST...: so many seconds, in which whoever runs, runs
window()
{
	echo "begin $1"
	shift
	disk_counters "$@"
	vsys_counters "$@"
	$tests/cost --window "$seconds" worker=xen-vsys-worker blkback=.xvde blkif=blkif | sed 's/^/dom0 /'
	vsys_counters "$@"
	disk_counters "$@"
	echo "window"
	echo "end"
}

requests_of()
{
	local name=back_requests

	[ "$1" = vsys ] || name=ios_blk
	{
		vsys_counters "${@:2}"
		disk_counters "${@:2}"
	} | awk -v n=$name '$2 == n { print $3 }'
}

# requests_above PAIR GUEST NUMBER
requests_above() { [ "$(requests_of "$1" "$2")" -gt "$3" ]; }

# busy PAIR FILES "TAGS" GUEST...: fio in all of them, the window, and their end
busy()
{
	local pair=$1 files=$2 tags=$3 g fios=()
	local -A before=()
	shift 3

	for g in "$@"; do
		before[$g]=$(requests_of "$pair" "$g")
	done
	# All at once: where others work already, a program takes long to begin.
	fio_line "$files" randread 4k 16 600
	for g in "$@"; do
		# shellcheck disable=SC2154,SC2086 # from fio_line; a list of words
		guest run "$g" $fio >/dev/null 2>&1 </dev/null &
		fios+=($!)
	done
	for g in "$@"; do
		wait_for 90 requests_above "$pair" "$g" $((before[$g] + 50)) || {
			echo "bench-scale: fio does not run in guest $g" >&2
			exit 1
		}
	done
	for _ in $(seq "$runs"); do
		window "$tags" "$@"
	done
	kill "${fios[@]}"
	wait "${fios[@]}" || true
	# Their clients have gone before them.
	for g in "$@"; do
		bench_wait "$g" '! pgrep -x fio >/dev/null'
	done
}

idle()
{
	local tags=$1
	shift

	settle
	for _ in $(seq "$runs"); do
		window "$tags" "$@"
	done
}

guests()
{
	local n i names=()

	for n in 1 2 4 8; do
		for i in $(seq $((${#names[@]} + 1)) $n); do
			guest start g"$i" --type "$type" --mem 192 --vcpus 1 \
				--vsys "dev=/dev/ram$i,name=vsys0" \
				--disk "format=raw,backendtype=phy,vdev=xvde,access=w,target=/dev/ram$i" &
			names+=("g$i")
		done
		wait
		for i in "${names[@]}"; do
			bench_wait "$i" 'test -b /dev/vsys0 && test -b /dev/xvde'
			spin_guest "$i" 1500
		done
		idle "kind guests what idle n $n" "${names[@]}"
		busy vsys /dev/vsys0 "kind guests what vsys n $n" "${names[@]}"
		busy blk /dev/xvde "kind guests what blkfront n $n" "${names[@]}"
	done
	for i in "${names[@]}"; do
		guest stop "$i" &
	done
	wait
}

# Devices of their own, since no two of one guest may be the same.
attach()
{
	local i

	for i in $(seq "$1" "$2"); do
		xen-vsys attach --wait d "dev=/dev/ram$i,name=v$i" &
		[ $((i % 8)) != 0 ] || wait
	done
	wait
	bench_wait d "set -- /sys/block/v[0-9]*; test \$# = $2"
}

devices()
{
	local n last=0 files=

	guest start d --type "$type" --mem 384 --vcpus 1 --vsys 'dev=/dev/zero,name=first'
	bench_wait d 'test -c /dev/first'
	spin_guest d 1500
	idle "kind devices what idle n 0" d
	bench_memory d kind devices n 0
	for n in 1 4 16 64; do
		attach $((last + 1)) $n
		for i in $(seq $((last + 1)) $n); do
			files=$files${files:+:}/dev/v$i
		done
		last=$n
		bench_memory d kind devices n $n
		idle "kind devices what idle n $n" d
		busy vsys "$files" "kind devices what vsys n $n" d
	done
	guest stop d
}

modprobe brd rd_nr=65 rd_size=32768
for i in $(seq 8); do
	dd if=/dev/zero of=/dev/ram"$i" bs=1M count=32 status=none
done
bench_size=16m
spin_daemon 6000
# Eight busy guests leave dom0 two tenths of the processors, and back-ends want all of that:
# what begins and ends a window comes first.  Not so the daemon.
renice -n -20 $$ >/dev/null
fio_line FILE randread 4k 16 600
echo "note guests $type with 1 CPU; windows of $seconds s, $runs of each; xen-vsysd --spin=6000, spin_us=1500"
echo "note $fio"
for over in guests devices; do
	[[ ! $over =~ $part ]] || $over
done
