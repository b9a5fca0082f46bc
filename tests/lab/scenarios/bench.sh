#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: fio on this pair, on xen-blkfront/xen-blkback, and on the
# native RAM disk, in one boot, interleaved.  Prints raw lines for
# tests/bench/report; tests/bench/bench runs it.
# usage: bench.sh TYPE RUNS SECONDS [JOBS]

set -eu
type=$1 runs=$2 seconds=$3 wanted=${4:-.}
modprobe brd rd_nr=3 rd_size=131072
modprobe xen-blkback
modprobe vsystest
# All pages exist before anything is measured.
for i in 0 1 2; do
	dd if=/dev/zero of=/dev/ram$i bs=1M count=128 status=none
done
# What sleeping and being woken costs is thirty times as much here as on a machine.
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh
spin_daemon 3000
guest start g --type "$type" --mem 384 --vcpus 2 --vsys 'dev=/dev/ram0,name=vsys0' \
	--vsys 'dev=/dev/vsystest0,name=vt0,ioctl=any' \
	--disk 'format=raw,backendtype=phy,vdev=xvde,access=w,target=/dev/ram1'
left=100
until guest run g 'test -b /dev/vsys0 && test -b /dev/xvde && test -c /dev/vt0'; do
	left=$((left - 1))
	[ $left -gt 0 ] || { echo "bench: the guest has not its disks" >&2; exit 1; }
	sleep 0.2
done

spin_guest g 1000

# name, fio's rw, block size, depth
jobs='randread-4k-1 randread 4k 1
randread-4k-16 randread 4k 16
read-128k-1 read 128k 1
read-128k-8 read 128k 8
write-128k-4 write 128k 4'

fio_line()
{
	echo "fio --name=j --filename=$1 --rw=$2 --bs=$3 --iodepth=$4 --ioengine=libaio --direct=1 --size=120m --runtime=$seconds --ramp_time=1 --time_based --norandommap --randrepeat=1 --output-format=terse --terse-version=3"
}

# Events of the guest's and dom0's side, as the kernels and the worker count.
events()
{
	guest run g "awk '/vsys-/ { for (i = 2; i <= 3; i++) v += \$i } /blkif/ { for (i = 2; i <= 3; i++) b += \$i } END { print \"guest_irq_vsys\", v + 0, \"guest_irq_blkif\", b + 0 }' /proc/interrupts; awk -F': ' '/^(requests|notifications|copied_pages)/ { printf \"front_%s %s \", \$1, \$2 }' \$(grep -l '^name: vsys0\$' /sys/kernel/debug/xen-vsysfront/*); cat /sys/block/vsys0/stat | awk '{ print \"vsys_ios\", \$1 + \$5 }'; cat /sys/block/xvde/stat | awk '{ print \"blk_ios\", \$1 + \$5 }'"
	xen-vsys stat g vsys0 | awk -F': *' 'NF == 2 { sub(/^ */, "", $1); gsub(/ /, "_", $1); printf "back_%s %s ", $1, $2 }'
	awk '/blkif-backend|blkif/ { for (i = 2; i <= 3; i++) b += $i } END { print "dom0_irq_blkif", b + 0 }' /proc/interrupts
}

counted()
{
	events </dev/null | tr ' ' '\n' | paste -d= - - | tr '\n' ' '
}

echo "# xen $(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor) linux $(uname -r) guest $type runs $runs seconds $seconds"
for run in $(seq "$runs"); do
	{ grep -E -- "$wanted" <<<"$jobs" || true; } | while read -r name rw bs depth; do
		for target in vsys blk native; do
			case $target in
			vsys) line=$(fio_line /dev/vsys0 "$rw" "$bs" "$depth") ;;
			blk) line=$(fio_line /dev/xvde "$rw" "$bs" "$depth") ;;
			native) line=$(fio_line /dev/ram2 "$rw" "$bs" "$depth") ;;
			esac
			before=$(counted)
			if [ $target = native ]; then
				result=$($line </dev/null)
			else
				result=$(guest run g "$line" </dev/null)
			fi
			after=$(counted)
			# Terse 3: read KB/s, IOPS, then write KB/s, IOPS; CPU at the end.
			echo "$result" | awk -F';' -v t=$target -v n="$name" -v r="$run" \
				'$1 == 3 { print "run", t, n, r, "iops", $8 + $49, "kbps", $7 + $48, "lat_us", $40 + $81 }'
			[ $target = native ] || echo "count $target $name $run before $before after $after"
		done
	done
done
# What calls cost, by what their argument leads to.
client=/usr/lib/xen-vsys/tests/ioctl-client
# shellcheck disable=SC2016 # the guest expands it
guest run g sh -c 'exec "$1" /dev/vt0 trips "$(grep -l "^name: vt0\$" /sys/kernel/debug/xen-vsysfront/*)"' - $client |
	sed 's/^/trips /'
for run in $(seq "$runs"); do
	guest run g $client /dev/vt0 time "$seconds" | sed 's/^/calls guest /'
	$client /dev/vsystest0 time 1 | sed 's/^/calls native /'
done
xen-vsys stat g vsys0 | sed 's/^/# back-end: /'
