#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every kind of guest: PV, PVH and HVM, two at once on one device, sixteen and
# 64 devices in one guest, plain `xl create`, `xl reboot`, `xen-vsys create`.
# lab: --guest-mem 2600 --timeout 1800

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

modprobe brd rd_nr=16 rd_size=16384
devices=()
for i in $(seq 0 13); do
	devices+=(--vsys "dev=/dev/ram$i")
done

job='head -c 4194304 /dev/urandom >/tmp/d; dd if=/tmp/d of=/dev/$1 bs=64k conv=fsync 2>/dev/null; sha256sum </tmp/d'

for type in pv pvh hvm; do
	guest start $type --type $type --mem 320 --vcpus 2 --vsys 'dev=/dev/ram15' --vsys 'dev=/dev/zero,name=vzero'
	ok $? "$type: starts" || continue
	wait_node $type ram15 && wait_node $type vzero
	ok $? "$type: has its devices"
	is "$(guest run $type sh -c "$job" job ram15)" "$(head -c 4194304 /dev/ram15 | sha256sum)" "$type: dom0 reads what it wrote"
	is "$(guest run $type 'head -c 100000 /dev/vzero | tr -d "\0" | wc -c')" 0 "$type: the character device works"
	is "$(xen-vsys check $type 2>&1)" "" "$type: the nodes are as the schema says"
	[ $type = pv ] || guest stop $type
done

# Two guests at once, sixteen devices in one.
guest start many --type pvh --mem 320 --vcpus 2 "${devices[@]}" --vsys 'dev=/dev/ram15,name=shared' --vsys 'dev=/dev/null,name=vnull'
for i in $(seq 0 13); do
	wait_node many ram$i || break
done
wait_node many shared && wait_node many vnull
ok $? "sixteen devices in one guest"
is "$(xen-vsys list many | grep -c connected -i)" 16 "xen-vsys list shows sixteen, connected"
is "$(guest run many 'for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo "$i" | dd of=/dev/ram$i bs=512 conv=sync,fsync 2>/dev/null & done; wait; for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13; do head -n 1 /dev/ram$i | tr -d "\0"; done' | tr '\n' ' ')" \
	"0 1 2 3 4 5 6 7 8 9 10 11 12 13 " "each is the right one"
is "$(for i in $(seq 0 13); do head -n 1 /dev/ram$i | tr -d '\0'; done | tr '\n' ' ')" "0 1 2 3 4 5 6 7 8 9 10 11 12 13 " "... in dom0, too"
guest run many "$tests/file-wait threads /dev/shared 2 6 2000000" >/tmp/a 2>&1 &
first=$!
guest run pv 'for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/dev/ram15 seek=8 bs=1M count=4 oflag=direct 2>/dev/null || exit 1; done' >/tmp/b 2>&1
second=$?
wait $first
is "$?$second" 00 "two guests use one device at once" || diag "$(cat /tmp/a /tmp/b)"

# Plain xl, and reboot.
old=$(xl domid pv)
guest reboot pv
ok $? "xl reboot"
[ "$(xl domid pv)" != "$old" ]
ok $? "... makes a new domain"
wait_node pv ram15
ok $? "... which has its devices again"
is "$(guest run pv sh -c "$job" job ram15)" "$(head -c 4194304 /dev/ram15 | sha256sum)" "... and they work"
is "$(xenstore-ls /local/domain/0/backend/vsys/$old 2>/dev/null)" "" "nothing of the old domain is left in the back-end's store"
is "$(pgrep -fc "xen-vsys-worker $old\$")" 0 "... nor its worker"

# A file elsewhere: registered.
guest stop pv
mkdir -p /root/guests
sed 's/ram15/ram14/' /etc/xen/pv.cfg >/root/guests/pv.cfg
rm /etc/xen/pv.cfg
xen-vsys create /root/guests/pv.cfg >/tmp/out 2>&1
ok $? "xen-vsys create FILE" || diag "$(cat /tmp/out)"
guest wait pv
wait_node pv ram14
ok $? "... gives the guest what the file says"
guest reboot pv && wait_node pv ram14
ok $? "... again after a reboot"

# Adding and removing by hand.
xen-vsys attach pv dev=/dev/ram3,name=extra >/tmp/out 2>&1
ok $? "attach to a running guest" || diag "$(cat /tmp/out)"
wait_node pv extra
ok $? "... which sees it"
xen-vsys detach pv extra >/tmp/out 2>&1
ok $? "detach" || diag "$(cat /tmp/out)"
wait_for 10 guest_lacks pv extra
ok $? "... and it is gone"
guest run pv test -b /dev/ram14
ok $? "the others stay"

# As many as fit into xenstored's quotas for a guest: 1,000 nodes, 128 watches.
is "$(guest_complaints many)" "" "many: the kernel has nothing to complain about"
guest stop many
crowd=()
for i in $(seq 64); do
	crowd+=(--vsys "dev=/dev/zero,name=crowd$i")
done
all_connected()
{
	[ "$(xen-vsys list crowd | grep -c connected)" = 64 ]
}

guest start crowd --mem 320 "${crowd[@]}" && wait_for 60 all_connected
ok $? "64 devices in one guest"
missing=
for i in $(seq 64); do
	wait_node crowd "crowd$i" || { missing=crowd$i; break; }
done
is "$missing" "" "... which has all nodes" || diag "$(guest run crowd 'dmesg | grep -i "vsys\|xenbus"; ls /dev')"
is "$(guest run crowd 'for i in $(seq 64); do head -c 1000 /dev/crowd$i; done | wc -c')" 64000 "... and working"
is "$(xenstore-ls -f /local/domain/"$(xl domid crowd)"/device/vsys | grep -c '/pong = ')" 64 "... and said that they answer if others want them"
is "$(xen-vsys check crowd 2>&1)" "" "... with nodes as the schema says"
for name in pv crowd; do
	is "$(guest_complaints $name)" "" "$name: the kernel has nothing to complain about"
done
tap_done
