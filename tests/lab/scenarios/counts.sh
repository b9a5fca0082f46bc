#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a request costs, counted: notifications, copies, grant operations.  Counts do
# not depend on the machine's speed, so this guards what `make bench` measures.
#
# lab: --timeout 300

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh

modprobe brd rd_nr=1 rd_size=65536
dd if=/dev/zero of=/dev/ram0 bs=1M count=64 status=none

# counters NODE: those of both sides, a line each.
counters()
{
	guest run g "cat \$(grep -lx 'name: $1' /sys/kernel/debug/xen-vsysfront/*)" </dev/null |
		sed 's/^/front_/'
	xen-vsys stat g "$1" | sed 's/^ */back_/'
}

# cost NAME COMMAND [NODE]: what COMMAND in the guest adds to the counters, in /tmp/NAME.
cost()
{
	local node=${3:-vsys0}

	counters "$node" >/tmp/before
	guest run g "$2" </dev/null >/tmp/out 2>&1
	ok $? "$1: $2" || diag "$(cat /tmp/out)"
	counters "$node" >/tmp/after
	awk -F': *' 'NR == FNR { v[$1] = $2; next } $2 ~ /^[0-9]+$/ { print $1, $2 - v[$1] }' \
		/tmp/before /tmp/after >"/tmp/$1"
	diag "$1: $(of "$1" front_requests) requests, $(of "$1" front_notifications) notifications out," \
		"$(of "$1" back_events_out) in, $(of "$1" front_copied_pages) pages copied"
}

of()
{
	awk -v k="$2" '$1 == k { print $2 }' "/tmp/$1"
}

# most NAME COUNTER SHARE TEXT [MORE]: not more than SHARE for each request, and MORE.
most()
{
	awk -v n="$(of "$1" "$2")" -v r="$(of "$1" front_requests)" -v s="$3" -v m="${5:-0}" \
		'BEGIN { exit !(n != "" && r >= (m ? 50 : 200) && n <= r * s + m) }'
	ok $? "$1: $4" || diag "$2: $(of "$1" "$2")"
}

least()
{
	awk -v n="$(of "$1" "$2")" -v r="$(of "$1" front_requests)" -v s="$3" 'BEGIN { exit !(n >= r * s) }'
	ok $? "$1: $4" || diag "$2: $(of "$1" "$2")"
}

common()
{
	most "$1" front_copied_pages "$2" "one copy of the data, in the guest"
	is "$(of "$1" back_copies)" 0 "$1: none in dom0"
	is "$(($(of "$1" back_grant_maps) + $(of "$1" back_grant_unmaps)))" 0 "$1: no grant operation"
	is "$(of "$1" back_requests)" "$(of "$1" front_requests)" "$1: both sides count the same"
}

fio_reads()
{
	echo "fio --name=j --filename=/dev/vsys0 --rw=$1 --bs=$2 --iodepth=$3 --ioengine=libaio --direct=1 --size=32m --io_size=$4 --norandommap"
}

begin()
{
	guest start g --mem 256 --vcpus 1 --vsys 'dev=/dev/ram0,name=vsys0'
	wait_node g vsys0
	ok $? "the guest has its disk"
	# Once, so that all is learned and mapped that is.
	guest run g "$(fio_reads randread 4k 1 400k)" </dev/null >/dev/null
}

# As long as both sleep at once, each request has its notification, and not more.
spin_daemon 0
begin
spin_guest g 0
ok $? "its requests are not looked for"
cost asleep-1 "$(fio_reads randread 4k 1 2m)"
most asleep-1 front_notifications 1.02 "at most one notification out"
least asleep-1 front_notifications 0.95 "and hardly fewer"
most asleep-1 back_events_out 1.02 "at most one notification in"
least asleep-1 back_events_out 0.95 "and hardly fewer"
common asleep-1 1.02
cost asleep-16 "$(fio_reads randread 4k 16 8m)"
most asleep-16 front_notifications 1.02 "at most one notification out"
most asleep-16 back_events_out 1.02 "at most one notification in"
common asleep-16 1.02
guest stop g

# While requests follow each other, both look for them.
spin_daemon 20000
begin
spin_guest g 20000
ok $? "its requests are looked for"
cost awake-1 "$(fio_reads randread 4k 1 4m)"
most awake-1 front_notifications 0.2 "hardly a notification out"
most awake-1 back_events_out 0.2 "hardly a notification in"
common awake-1 1.02
cost awake-16 "$(fio_reads randwrite 4k 16 32m)"
most awake-16 front_notifications 0.1 "at most a tenth of a notification out"
most awake-16 back_events_out 0.34 "at most a third of a notification in"
common awake-16 1.02
cost awake-128k "$(fio_reads read 128k 8 32m)"
most awake-128k front_notifications 0.2 "hardly a notification out"
common awake-128k 32.6
guest stop g

# A pool begins small, has what the load needs, and gives it back.
pool_is()
{
	# shellcheck disable=SC2016 # awk expands it
	pool=$(guest run g 'awk "/^pool_pages:/ { print \$2 }" $(grep -l "^name: vsys0\$" /sys/kernel/debug/xen-vsysfront/*)' </dev/null)
	test "$pool" "$1" "$2"
}

mapped()
{
	counters vsys0 >/tmp/now
	echo $(($(sed -n 's/^back_grant_maps: *//p' /tmp/now) - $(sed -n 's/^back_grant_unmaps: *//p' /tmp/now)))
}

as_before()
{
	[ "$(mapped)" = "$before" ]
}

modprobe vsystest
guest start g --mem 256 --vcpus 4 --vsys 'dev=/dev/ram0,name=vsys0' \
	--vsys 'dev=/dev/vsystest0,name=vt0,ioctl=any'
wait_node g vsys0
ok $? "a guest with four processors has its disk"
pool_is -eq 256
ok $? "its four pools have 1 MiB" || diag "$pool pages"
before=$(mapped)
guest run g 'fio --name=j --filename=/dev/vsys0 --rw=write --bs=128k --iodepth=16 --ioengine=libaio --direct=1 --size=12m --offset_increment=12m --numjobs=4 --verify=crc32c --verify_fatal=1' </dev/null >/tmp/out 2>&1
ok $? "under load all that was written is read back" || diag "$(tail -n 20 /tmp/out)"
pool_is -gt 256
ok $? "... through pools that have grown" || diag "$pool pages"
diag "$pool pages"
wait_for 120 pool_is -eq 256
ok $? "... and give it back" || diag "$pool pages"
wait_for 20 as_before
ok $? "nothing else stays mapped in dom0" || diag "$before, $(mapped)"

# A process that makes one call after another: about 0.005 out and 0.05 in.  It once
# happened to half of such processes that 60 to 400 of their calls needed a notification
# out, each of them; so there are several.  The front-end does not look for the response
# to one of 32, and not for the next 256 if it happens that two are in flight (spin.c).
wait_node g vt0
ok $? "the guest has the test driver's device"
spin_guest g 1500
for i in $(seq 8); do
	cost ioctl-$i "$tests/call-time 1 300 ioctl:/dev/vt0" vt0
	if [ "$(of ioctl-$i front_calls)" -lt 50 ]; then
		skip "the machine is too busy" "ioctl-$i: fewer than 50 calls"
		continue
	fi
	most ioctl-$i front_notifications 0.03 "hardly a notification out" 10
	most ioctl-$i back_events_out 0.1 "hardly a notification in" 256
	[ $(($(of ioctl-$i front_requests) - $(of ioctl-$i front_calls))) -le 8 ]
	ok $? "ioctl-$i: one request for each call, and few others"
done
guest stop g
tap_done
