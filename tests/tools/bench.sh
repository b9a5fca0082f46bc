# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the lab's dom0, for the bench scenarios: runs fio on a pair's disk or on the
# native one, and prints what tests/bench/*.awk read:
#
#   begin KEY VALUE...      what follows was measured on
#   dom0 NAME VALUE         counters of dom0; the first of a name is before the run
#   guest NAME VALUE        the same of a guest
#   3;fio-...               fio's terse line, version 3
#   end

# tests, wait_for
# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

# bench_disks NUMBER MIB: /dev/ram0 and on.  All their pages exist before anything is
# measured.
bench_disks()
{
	local i

	modprobe brd rd_nr="$1" rd_size=$(($2 * 1024))
	for i in $(seq 0 $(($1 - 1))); do
		dd if=/dev/zero of=/dev/ram"$i" bs=1M count="$2" status=none
	done
	# As many queues as the guest has CPUs, for both pairs.
	echo 4 >/sys/module/xen_blkback/parameters/max_queues
}

# bench_wait GUEST TEST...: until the guest has what it shall have
bench_wait()
{
	local guest=$1
	shift

	wait_for 60 guest run "$guest" "$*" </dev/null || {
		echo "bench: guest $guest has not its devices: $*" >&2
		exit 1
	}
}

# fio_line FILE RW SIZE DEPTH SECONDS [OPTION...], in $fio
fio_line()
{
	fio="fio --name=j --filename=$1 --rw=$2 --bs=$3 --iodepth=$4 --ioengine=libaio --direct=1"
	fio="$fio --size=${bench_size:-120m} --runtime=$5 --ramp_time=500ms --time_based --norandommap --randrepeat=1"
	fio="$fio --thread --disk_util=0 --eta=never --group_reporting --output-format=terse --terse-version=3 ${*:6}"
}

# shellcheck disable=SC2016 # awk's
guest_counters='
FILENAME == "/proc/interrupts" {
	if (/vsys-|blkif/)
		for (i = 2; $i ~ /^[0-9]+$/; i++)
			irq[/vsys-/ ? "vsys" : "blk"] += $i
	next
}
FILENAME ~ /\/stat$/ { ios[FILENAME ~ /xvd/ ? "blk" : "vsys"] += $1 + $5; next }
$1 == "name:" { counted = $2 ~ /^vsys/; next }
counted && $2 ~ /^[0-9]+$/ { sub(/:$/, "", $1); front[$1] += $2 }
END {
	for (k in irq) print "guest irq_" k, irq[k]
	for (k in ios) print "guest ios_" k, ios[k]
	for (k in front) print "guest front_" k, front[k]
}'

# Counters, the command, counters: so that fio and they are one command of the guest.
# shellcheck disable=SC2016 # the guest's shell expands it
guest_script='
counters() {
	awk "$0" /proc/interrupts $(ls -d /sys/block/vsys*/stat /sys/block/xvd[e-h]/stat /sys/kernel/debug/xen-vsysfront/* 2>/dev/null)
}
counters
"$@"
status=$?
counters
exit $status'

# bench_warm GUEST FILE...: so that fio is in memory, and all is learned and mapped
# that is
bench_warm()
{
	local file

	for file in "${@:2}"; do
		fio_line "$file" randread 4k 16 1
		# shellcheck disable=SC2086 # a list of words
		guest run "$1" $fio </dev/null >/dev/null
	done
}

# What the back-ends of these guests and Xen have counted.
dom0_counters()
{
	local g

	$tests/cost worker=xen-vsys-worker blkback=.xvde blkif=blkif | sed 's/^/dom0 /'
	for g in "$@"; do
		xen-vsys stat "$g"
	done | awk -F': *' '
		{ sub(/^ */, "", $1) }
		$1 == "class" { counted = $2 == "block" }
		counted && $2 ~ /^[0-9]+$/ { sum[$1] += $2 }
		END { for (k in sum) print "dom0 back_" k, sum[k] }'
}

# bench_one GUEST COMMAND...: one run in the guest, or with GUEST "-" in dom0
bench_one()
{
	local guest=$1
	shift

	if [ "$guest" = - ]; then
		"$@" </dev/null
	else
		dom0_counters "$guest"
		guest run "$guest" sh -c "$guest_script" "$guest_counters" "$@" </dev/null
		dom0_counters "$guest"
	fi
}

# KiB that are in use for good: what is read from files can be read again.
# shellcheck disable=SC2016 # awk's
bench_used_awk='
{ v[$1] = $2 }
END { print v["MemTotal:"] - v["MemFree:"] - v["Buffers:"] - v["Cached:"] - v["SReclaimable:"] }'

# bench_memory KEY VALUE...: what GUEST's devices take, as a line "memory": pages that
# the guest has granted for data, as it tells the back-end, and memory of both sides.
bench_memory()
{
	local guest=$1 id pages nr total guest_kib dom0_kib worker_kib
	shift

	id=$(guest domid "$guest")
	read -r nr pages < <(guest run "$guest" 'cat /sys/kernel/debug/xen-vsysfront/* 2>/dev/null' </dev/null |
		awk '$1 == "pool_pages:" { n++; sum += $2 } END { print n + 0, sum + 0 }')
	total=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	guest_kib=$(guest run "$guest" awk "$bench_used_awk" /proc/meminfo </dev/null)
	dom0_kib=$(awk "$bench_used_awk" /proc/meminfo)
	worker_kib=$(awk '$1 == "Pss:" { print $2 }' /proc/"$(pgrep -of "xen-vsys-worker $id\$")"/smaps_rollup)
	: "${guest_kib:?} ${dom0_kib:?} ${worker_kib:?} ${total:?}"
	echo "memory $* devices $nr pool_pages $pages guest_kib $guest_kib" \
		"dom0_kib $dom0_kib dom0_total_kib $total worker_kib $worker_kib"
}
