#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: ways that were tried, each beside the one that is used, for
# tests/bench/bench: fio's options of io_uring in dom0 itself, blkfront without
# persistent grants, rings of other sizes; and a disk that does nothing.
# usage: bench-ways.sh TYPE RUNS SECONDS
#
# check: only by name: it measures; make bench-ways

set -eu -o pipefail
type=$1 runs=$2 seconds=$3
# shellcheck source=tests/tools/bench.sh
. /usr/lib/xen-vsys/tests/bench.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh

# one OF WAY RUN GUEST FILE RW SIZE DEPTH [OPTION...]; GUEST "-" is dom0
one()
{
	fio_line "$5" "$6" "$7" "$8" "$seconds" "${@:9}"
	echo "begin type $type of $1 way $2 run $3 rw $6 size $7 depth $8 seconds $seconds"
	[ "$4" != - ] || dom0_counters
	# shellcheck disable=SC2154,SC2086 # from fio_line; a list of words
	bench_one "$4" $fio
	[ "$4" != - ] || dom0_counters
	echo end
}

# native WAY RUN SIZE DEPTH [OPTION...]
native()
{
	one io_uring "$1" "$2" - /dev/ram2 randread "$3" "$4" --ioengine=io_uring "${@:5}"
}

# dom0's time is fio's here, with its start.
io_uring()
{
	local run size depth

	for run in $(seq "$runs"); do
		for size in 4k 128k; do
			for depth in 1 16; do
				native plain "$run" $size $depth
				native files "$run" $size $depth --registerfiles=1
				native buffers "$run" $size $depth --fixedbufs=1
				native files+buffers "$run" $size $depth --registerfiles=1 --fixedbufs=1
				native files+sqpoll "$run" $size $depth --registerfiles=1 --sqthread_poll=1
			done
		done
	done
}

# check WHAT GUEST COMMAND...: it's measured what shall be
check()
{
	guest run "$2" "${*:3}" </dev/null >/dev/null || {
		echo "bench: the guest has not $1" >&2
		exit 1
	}
}

# blkfront WAY 1|0: with or without persistent grants
blkfront()
{
	local run

	echo "$2" >/sys/module/xen_blkback/parameters/feature_persistent
	guest start g --type "$type" --mem 384 --vcpus 2 \
		--disk 'format=raw,backendtype=phy,vdev=xvde,access=w,target=/dev/ram1'
	bench_wait g 'test -b /dev/xvde'
	check "$1 grants" g "dmesg | grep -q 'xvde: .*persistent grants: $([ "$2" = 1 ] && echo enabled || echo disabled)'"
	bench_warm g /dev/xvde
	for run in $(seq "$runs"); do
		one blkfront "$1" "$run" g /dev/xvde randread 4k 16
		one blkfront "$1" "$run" g /dev/xvde read 128k 1
		one blkfront "$1" "$run" g /dev/xvde read 128k 8
	done
	guest stop g
}

# ring ORDER: of 2^ORDER pages
ring()
{
	local run

	guest start g --type "$type" --mem 384 --vcpus 2 --append "xen_vsysfront.ring_page_order=$1" \
		--vsys 'dev=/dev/ram0,name=vsys0'
	bench_wait g 'test -b /dev/vsys0'
	check "such a ring" g "grep -qx 'ring_page_order: $1' /sys/kernel/debug/xen-vsysfront/*"
	spin_guest g 1500
	bench_warm g /dev/vsys0
	for run in $(seq "$runs"); do
		one ring $((1 << $1)) "$run" g /dev/vsys0 randread 4k 16
		one ring $((1 << $1)) "$run" g /dev/vsys0 randread 4k 64
	done
	guest stop g
}

# What no driver can exceed: a disk that does nothing, of blk-mq and of bios.
null()
{
	local run rw mode

	guest start g --type "$type" --mem 384 --vcpus 2 \
		--disk 'format=raw,backendtype=phy,vdev=xvde,access=w,target=/dev/ram1'
	bench_wait g 'test -b /dev/xvde'
	bench_warm g /dev/xvde
	for run in $(seq "$runs"); do
		for rw in randread randwrite; do
			one null blkfront "$run" g /dev/xvde $rw 4k 16
			for mode in 2 0; do
				check null_blk g "{ rmmod null_blk 2>/dev/null; modprobe null_blk queue_mode=$mode irqmode=0 completion_nsec=0 submit_queues=2; } && udevadm settle && test -b /dev/nullb0"
				one null "queue_mode=$mode" "$run" g /dev/nullb0 $rw 4k 16
			done
		done
	done
	guest stop g
}

bench_disks 3 128
spin_daemon 6000
fio_line FILE RW SIZE DEPTH "$seconds"
echo "note guest $type, 2 CPUs; runs $runs, seconds $seconds; xen-vsysd --spin=6000, spin_us=1500"
echo "note $fio; in dom0 --ioengine=io_uring"
io_uring
blkfront persistent 1
blkfront mapped 0
for order in 0 1 2 4; do
	ring $order
done
null
