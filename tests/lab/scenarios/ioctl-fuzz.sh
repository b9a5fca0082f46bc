#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Any command with any argument and any memory, through the mirror.  Another
# guest, the daemon, both workers and dom0's kernel live on, and the guest that
# did it can go on too.
#
# ioctl-fuzz.sh [SECONDS [SEED]]
#
# lab: --timeout 1200

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/san.sh
. /usr/lib/xen-vsys/tests/san.sh

seconds=${1:-45}
seed=${2:-$(date +%s)}
diag "seed $seed"
san_begin
modprobe vsystest
modprobe brd rd_nr=1 rd_size=16384
wait_for 10 test -c /dev/vsystest1
guest start evil --type pv --mem 320 --vcpus 2 \
	--vsys 'dev=/dev/vsystest0,name=vt0,ioctl=any,payload=pointers' &
guest start victim --type pv --mem 320 --vsys 'dev=/dev/vsystest1,name=vt1,ioctl=any' \
	--vsys 'dev=/dev/ram0'
wait $!
wait_node evil vt0 && wait_node victim vt1 && wait_node victim ram0
ok $? "two guests" || { tap_done; exit; }

processes()
{
	echo "daemon $(pidof xen-vsysd)," \
		"evil's worker $(pgrep -f "xen-vsys-worker $(xl domid evil)\$")," \
		"victim's worker $(pgrep -f "xen-vsys-worker $(xl domid victim)\$")"
}

nothing_left()
{
	[ "$("$tests"/ioctl-client /dev/vsystest0 left | tail -n 1)" = "0 pins, 0 files, 0 waiters" ]
}

before=$(processes)
like "$before" "^daemon [0-9]+, evil's worker [0-9]+, victim's worker [0-9]+$" "one daemon, two workers"
want=$("$tests"/ioctl-client /dev/vsystest1 random 7 300)
head -c 4194304 /dev/urandom >/dev/ram0
sum=$(head -c 4194304 /dev/ram0 | md5sum)

# What goes on all the time.
# shellcheck disable=SC2016 # the guest expands it
guest run victim sh -c '
	rounds=0
	while [ ! -e /tmp/stop ]; do
		[ "$($3/ioctl-client /dev/vt1 random 7 300)" = "$1" ] || echo "bad: calls"
		[ "$(dd if=/dev/ram0 bs=64k count=64 iflag=direct 2>/dev/null | md5sum)" = "$2" ] || echo "bad: read"
		rounds=$((rounds + 1))
	done
	echo "rounds $rounds"' victim "$want" "$sum" "$tests" >/tmp/victim 2>&1 &
victim=$!

# fuzz CLIENT SEED SECONDS
fuzz()
{
	timeout $(($3 + 300)) guest run evil "$tests/$1" /dev/vt0 fuzz "$2" "$3" >/tmp/fuzz 2>&1
	ok $? "$1: $(tail -n 1 /tmp/fuzz)" || diag "$(tail -n 10 /tmp/fuzz)"
}

if [ -x "$tests/ioctl-client32" ]; then
	fuzz ioctl-client "$seed" $((seconds * 2 / 3))
	fuzz ioctl-client32 "$seed" $((seconds / 3))
else
	fuzz ioctl-client "$seed" "$seconds"
fi

guest run victim touch /tmp/stop
wait $victim
like "$(cat /tmp/victim)" '^rounds [1-9][0-9]*$' "the other guest's calls went on: $(tail -n 1 /tmp/victim)" ||
	diag "$(tail -n 10 /tmp/victim)"
is "$(processes)" "$before" "all processes are the same as before"
wait_for 60 nothing_left
ok $? "the driver has nothing that is left" || diag "$("$tests"/ioctl-client /dev/vsystest0 left)"
"$tests"/ioctl-client /dev/vsystest0 random 9 300 >/tmp/native 2>&1
guest run evil "$tests/ioctl-client" /dev/vt0 random 9 300 >/tmp/guest 2>&1
is "$(diff /tmp/native /tmp/guest)" "" "the device that was fuzzed works as before"
is "$(guest run evil 'grep -h pool_pages_in_use /sys/kernel/debug/xen-vsysfront/* | sort -u')" \
	"pool_pages_in_use: 0" "nothing is left in any pool"
san_is
for kernel in evil victim; do
	is "$(guest_complaints $kernel)" "" "the kernel of $kernel has nothing to complain about"
done
guest stop evil
guest stop victim
san_end
wait_for 30 rmmod vsystest
ok $? "the test driver can be unloaded"
is "$(dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace')" "" "dom0's kernel has nothing to complain about"
tap_done
