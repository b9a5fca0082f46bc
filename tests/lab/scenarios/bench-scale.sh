#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: 1 to 8 guests with a disk of each pair, then one guest with 1 to
# 64 devices, busy and idle; then 1 to 16 guests with 16 idle devices each, which are
# attached and detached.  For tests/bench/bench-scale.
# usage: bench-scale.sh TYPE RUNS SECONDS [guests|devices|growth]
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

# Microseconds: the clock's, and the CPU time of the daemon and of all workers.
growth_time()
{
	echo "${EPOCHREALTIME/./}" "$($tests/cost daemon=xen-vsysd worker=xen-vsys-worker | awk '
		$1 == "task_daemon_ns" { daemon = $2 / 1000 }
		$1 == "task_worker_ns" { worker = $2 / 1000 }
		END { print int(daemon), int(worker) }')"
}

# KiB: of dom0, all of it; of all workers with their templates.
growth_memory()
{
	echo "$(awk "$bench_used_awk" /proc/meminfo)" \
		"$(pgrep xen-vsys-worker | sed 's,.*,/proc/&/smaps_rollup,' | xargs -r awk '$1 == "Pss:" { sum += $2 } END { print sum + 0 }')"
}

# growth_change "TAGS" GUESTS COMMAND...: runs that, which is to change so many guests
growth_change()
{
	local tags=$1 nr=$2 time0 time1 memory0 memory1
	shift 2

	settle
	read -ra memory0 < <(growth_memory)
	read -ra time0 < <(growth_time)
	"$@"
	read -ra time1 < <(growth_time)
	settle
	read -ra memory1 < <(growth_memory)
	echo "growth $tags devices $((nr * 16)) clock_us $((time1[0] - time0[0])) daemon_us $((time1[1] - time0[1]))" \
		"workers_us $((time1[2] - time0[2])) dom0_kib $((memory1[0] - memory0[0])) workers_kib $((memory1[1] - memory0[1]))"
}

# growth_each attach|detach GUEST...: one after another, of each eight devices at a time
growth_each()
{
	local what=$1 g i pid pids
	shift

	for g in "$@"; do
		pids=()
		for i in $(seq 16); do
			case $what in
			attach) xen-vsys attach --wait "$g" "dev=/dev/null,name=n$i" & ;;
			detach) xen-vsys detach "$g" "n$i" & ;;
			esac
			pids+=($!)
			[ $((i % 8)) = 0 ] || continue
			# Each: the status of all together is the last one's.
			for pid in "${pids[@]}"; do
				wait "$pid"
			done
			pids=()
		done
	done
}

growth()
{
	local n i new names=() pids

	for n in 1 2 4 8 16; do
		new=() pids=()
		for i in $(seq $((${#names[@]} + 1)) $n); do
			guest start w"$i" --type "$type" --mem 128 --vcpus 1 &
			pids+=($!)
			new+=("w$i")
		done
		wait "${pids[@]}"
		names+=("${new[@]}")
		growth_change "what attach n $n" ${#new[@]} growth_each attach "${new[@]}"
		for i in "${new[@]}"; do
			bench_wait "$i" 'set -- /dev/n[0-9]*; test $# = 16'
		done
		idle "kind growth what idle n $n" "${names[@]}"
	done
	growth_change "what detach n 16" 16 growth_each detach "${names[@]}"
	for i in "${names[@]}"; do
		guest stop "$i" &
	done
	wait
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
for over in guests devices growth; do
	[[ ! $over =~ $part ]] || $over
done
