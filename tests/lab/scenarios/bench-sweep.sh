#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: throughput, latency and notifications over depth and over size,
# for tests/bench/bench-sweep.
# usage: bench-sweep.sh TYPE RUNS SECONDS
#
# check: only by name: it measures; make bench-sweep

set -eu -o pipefail
type=$1 runs=$2 seconds=$3
# shellcheck source=tests/tools/bench.sh
. /usr/lib/xen-vsys/tests/bench.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh

# point SWEEP X RW SIZE DEPTH RUN: all three, one after another
point()
{
	local file guest target

	for target in vsys blkfront native; do
		guest=g
		case $target in
		vsys) file=/dev/vsys0 ;;
		blkfront) file=/dev/xvde ;;
		native) file=/dev/ram2 guest=- ;;
		esac
		fio_line $file "$3" "$4" "$5" "$seconds"
		echo "begin type $type sweep $1 x $2 rw $3 size $4 depth $5 target $target run $6"
		# shellcheck disable=SC2154,SC2086 # from fio_line; a list of words
		bench_one $guest $fio
		echo end
	done
}

bench_disks 3 128
spin_daemon 6000
guest start g --type "$type" --mem 384 --vcpus 2 --vsys 'dev=/dev/ram0,name=vsys0' \
	--disk 'format=raw,backendtype=phy,vdev=xvde,access=w,target=/dev/ram1'
bench_wait g 'test -b /dev/vsys0 && test -b /dev/xvde'
spin_guest g 1500
bench_warm g /dev/vsys0 /dev/xvde
fio_line FILE RW SIZE DEPTH "$seconds"
echo "note guest $type, 2 CPUs; runs $runs, seconds $seconds, interleaved; xen-vsysd --spin=6000, spin_us=1500"
echo "note $fio"
for run in $(seq "$runs"); do
	for depth in 1 2 4 8 16 32 64; do
		point depth $depth randread 4k $depth "$run"
	done
	for size in 4 16 64 128 256 1024; do
		point size $size read ${size}k 4 "$run"
	done
done
