#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: fio on this pair, on xen-blkfront/xen-blkback, and on the
# native RAM disk, in one boot, interleaved; where many requests are in flight also on a
# disk of the guest's that does nothing; then what single calls cost.  Prints
# what tests/bench/report.awk reads; tests/bench/bench runs it.
# usage: bench.sh 'TYPE...' RUNS SECONDS [JOBS]
#
# check: only by name: it measures; make bench

set -eu -o pipefail
types=$1 runs=$2 seconds=$3 wanted=${4:-.}
# shellcheck source=tests/tools/bench.sh
. /usr/lib/xen-vsys/tests/bench.sh
# What sleeping and being woken costs is thirty times as much here as on a machine.
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh

# name, fio's rw, block size, depth, jobs
works='randread-4k-1 randread 4k 1 1
randread-4k-16 randread 4k 16 1
randread-4k-64 randread 4k 64 1
randwrite-4k-16 randwrite 4k 16 1
read-128k-1 read 128k 1 1
read-128k-8 read 128k 8 1
write-128k-1 write 128k 1 1
write-128k-8 write 128k 8 1'
# With a guest of as many CPUs.
works4='randread-4k-16x4 randread 4k 16 4'

# measure TYPE RUN NAME RW SIZE DEPTH JOBS: all of them, one after another
measure()
{
	local type=$1 run=$2 name=$3 target guest file options

	for target in vsys blkfront native null; do
		options='' guest=g
		[ "$target" != null ] || [ "$6" -ge 16 ] || continue
		[ "$7" = 1 ] || options="--numjobs=$7 --cpus_allowed=0-$(($7 - 1)) --cpus_allowed_policy=split"
		case $target in
		vsys) file=/dev/vsys0 ;;
		blkfront) file=/dev/xvde ;;
		null) file=/dev/nullb0 ;;
		native)
			file=/dev/ram2 guest=-
			[ "$7" = 1 ] || options="--numjobs=$7"
			;;
		esac
		fio_line $file "$4" "$5" "$6" "$seconds" "$options"
		# A pool grows under load, and shrinks without: it is to have grown before.
		# shellcheck disable=SC2154,SC2086 # from fio_line; a list of words
		[ "$target $5" != 'vsys 128k' ] || guest run g $fio </dev/null >/dev/null
		echo "begin type $type work $name target $target run $run rw $4 size $5 depth $6 jobs $7"
		# shellcheck disable=SC2154,SC2086 # from fio_line; a list of words
		bench_one $guest $fio
		echo end
	done
}

# What dom0 spends while fio starts, does nothing for so long, and ends.
nothing()
{
	fio_line none randread 4k 1 "$seconds" --ioengine=null --rate_iops=10
	echo "begin type $1 work $2 target none run $3"
	# shellcheck disable=SC2086 # a list of words
	bench_one g $fio
	echo end
}

# start TYPE CPUS [OPTION...]
start()
{
	guest start g --type "$1" --mem 384 --vcpus "$2" --vsys 'dev=/dev/ram0,name=vsys0' \
		--disk 'format=raw,backendtype=phy,vdev=xvde,access=w,target=/dev/ram1' "${@:3}"
	bench_wait g 'test -b /dev/vsys0 && test -b /dev/xvde'
	spin_guest g 1500
	# Its requests end where they are submitted: no driver can have more.
	guest run g "modprobe null_blk queue_mode=2 irqmode=0 completion_nsec=0 submit_queues=$2 && udevadm settle || test -b /dev/nullb0" </dev/null
	bench_warm g /dev/vsys0 /dev/xvde
}

# The pages of the pools of vsys0.
# shellcheck disable=SC2016 # the guest expands it
pool_pages()
{
	guest run g 'sed -n "s/^pool_pages: //p" $(grep -l "^name: vsys0$" /sys/kernel/debug/xen-vsysfront/*)' </dev/null
}

pool_is_small() { [ "$(pool_pages)" -le "$small" ]; }

# rounds TYPE NOTHING WORKS
rounds()
{
	local run chosen small

	chosen=$(grep -E -- "$wanted" <<<"$3") || return 0
	small=$(pool_pages)
	for run in $(seq "$runs"); do
		# What the round before made large is not to be given back in this one.
		wait_for 60 pool_is_small || echo "note the pool stays at $(pool_pages) pages"
		nothing "$1" "$2" "$run"
		while read -r name rw bs depth jobs; do
			measure "$1" "$run" "$name" "$rw" "$bs" "$depth" "$jobs"
		done <<<"$chosen"
	done
}

# What calls cost: one that does nothing, and by what an argument leads to.
calls()
{
	bench_wait g 'test -c /dev/vt0 && test -c /dev/vzero'
	guest run g $tests/call-time "$runs" 400 ioctl:/dev/vt0 byte:/dev/vzero page:/dev/vsys0 page:/dev/xvde \
		</dev/null | sed "s/^/call $1 guest /"
	$tests/call-time "$runs" 200 ioctl:/dev/vsystest0 byte:/dev/zero page:/dev/ram2 | sed "s/^/call $1 native /"
	# shellcheck disable=SC2016 # the guest expands it
	guest run g sh -c 'exec "$1" /dev/vt0 trips "$(grep -l "^name: vt0\$" /sys/kernel/debug/xen-vsysfront/*)"' \
		- $tests/ioctl-client </dev/null | sed "s/^/trips $1 /"
	guest run g $tests/ioctl-client /dev/vt0 time "$seconds" </dev/null | sed "s/^/shape $1 guest /"
	$tests/ioctl-client /dev/vsystest0 time 1 | sed "s/^/shape $1 native /"
}

# What eight more devices take that nobody uses: /dev/null's, then their memory.
idle_memory()
{
	local i pids=()

	bench_memory g type "$1" cpus "$2"
	for i in 1 2 3 4 5 6 7 8; do
		xen-vsys attach --wait g "dev=/dev/null,name=idle$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	# (The lab's processor has no AVX2 in a PVH guest, though it says so, and wc uses it.)
	bench_wait g 'set -- /dev/idle[1-8]; test $# = 8'
	bench_memory g type "$1" cpus "$2"
}

modprobe vsystest
bench_disks 3 128
spin_daemon 6000
fio_line FILE RW SIZE DEPTH "$seconds"
cat <<END
note xen $(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)$(cat /sys/hypervisor/version/extra), linux $(uname -r), dom0 $(cat /sys/hypervisor/guest_type) with $(nproc) CPUs, $(fio --version)
note guests: $types; 384 MiB, 2 CPUs, 4 for work on 4; $(xl info nr_cpus) CPUs in all
note runs $runs, seconds $seconds, interleaved; each after 0.5 s that do not count
note looked before sleeping: xen-vsysd --spin=6000, spin_us=1500
note $fio
END
for type in $types; do
	start "$type" 2 --vsys 'dev=/dev/vsystest0,name=vt0,ioctl=any' --vsys 'dev=/dev/zero,name=vzero'
	rounds "$type" nothing "$works"
	calls "$type"
	idle_memory "$type" 2
	guest stop g
	if grep -qE -- "$wanted" <<<"$works4"; then
		start "$type" 4
		rounds "$type" nothing4 "$works4"
		idle_memory "$type" 4
		guest stop g
	fi
done
