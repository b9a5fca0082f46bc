#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices that go: while files are open, while calls wait, with a file system
# mounted; module unload and load, attach and detach, a hundred times each,
# and nothing is left: no grant, event channel, descriptor, thread or node.
# lab: --timeout 1800

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

rounds=${1:-100}
# Grants that the block back-end keeps for the guest's root come and go.
modprobe xen-blkback && echo 0 >/sys/module/xen_blkback/parameters/feature_persistent
modprobe brd rd_nr=4 rd_size=16384
$tests/file-wait pty /run/tty0 >/run/pty.name &
wait_for 10 test -s /run/pty.name
# Small pools: what leaks does so at any size, and connecting is faster.
guest start g --type pv --mem 320 --vcpus 2 --append xen_vsysfront.pool_pages=32 --vsys 'dev=/dev/ram0' --vsys 'dev=/run/tty0,name=vtty'
wait_node g ram0 && wait_node g vtty || { tap_done; exit; }

# Unplug while open.
guest run g "$tests/file-wait hold /dev/vtty" >/tmp/hold.tty 2>&1 &
tty=$!
guest run g "$tests/file-wait hold /dev/ram0" >/tmp/hold.ram 2>&1 &
ram=$!
wait_for 20 grep -q open /tmp/hold.tty
wait_for 20 grep -q open /tmp/hold.ram
xen-vsys detach g vtty
ok $? "detach a character device while a read waits"
wait_for 20 sh -c "! kill -0 $tty"
ok $? "... the read ends"
is "$(tr '\n' ' ' </tmp/hold.tty)" "open read: ENODEV write: ENODEV close: ok open: ENOENT " "... with ENODEV, and so does all after it"
xen-vsys detach g ram0
ok $? "detach a block device while it is in use"
wait_for 20 sh -c "! kill -0 $ram"
ok $? "... its user ends"
# The kernel makes the size of a disk that is gone 0, which each call meets first.
like "$(tr '\n' ' ' </tmp/hold.ram)" "^open read: (EOF|EIO|ENODEV|ENXIO) write: (ENOSPC|EIO|ENODEV|ENXIO) close: ok open: (ENOENT|ENXIO) $" "... as when a native disk is pulled"

# With a file system on it.
xen-vsys attach g dev=/dev/ram1
wait_node g ram1
guest run g 'mkfs.ext4 -q /dev/ram1; mkdir -p /mnt/a; mount /dev/ram1 /mnt/a; echo x >/mnt/a/f; sync'
ok $? "a mounted file system"
xen-vsys detach g ram1
ok $? "... whose disk goes"
guest run g 'umount /mnt/a; true'
wait_for 10 guest_lacks g ram1
ok $? "... and can be unmounted"

# What must not grow.  A warm-up first: caches of handles and slabs.
counts()
{
	domid=$(xl domid g)
	xl dmesg -c >/dev/null
	xl debug-keys g
	xl dmesg >/tmp/keys
	echo "store nodes: $(xenstore-ls -f / | grep -c vsys)"
	echo "event channels of dom0: $(lsevtchn 0 | wc -l)"
	echo "event channels of the guest: $(lsevtchn "$domid" | wc -l)"
	echo "grants of the guest in use: $(awk -v d="d$domid" '/grant-table for remote/ { on = index($0, d " ") || index($0, d ")") || $0 ~ d "$" } on && /^ *\(XEN\) *\[/ { n++ } END { print n + 0 }' /tmp/keys)"
	echo "descriptors of xen-vsysd: $(ls /proc/"$(pidof xen-vsysd)"/fd | wc -l)"
	echo "threads of xen-vsysd: $(ls /proc/"$(pidof xen-vsysd)"/task | wc -l)"
	echo "workers: $(pgrep -c xen-vsys-worker)"
	for pid in $(pgrep xen-vsys-worker); do
		echo "descriptors of the worker: $(ls /proc/$pid/fd | wc -l)"
		echo "mappings of the worker: $(grep -c gntdev /proc/$pid/maps)"
	done
	echo "memory of the guest's slabs (vsys): $(guest run g 'ls /sys/kernel/debug/xen-vsysfront | wc -l')"
}

xen-vsys attach g dev=/dev/ram0
xen-vsys attach g dev=/run/tty0,name=vtty
wait_node g ram0 && wait_node g vtty

cycle_attach()
{
	xen-vsys attach --wait g dev=/dev/ram2,name=cycle >/dev/null || return 1
	if [ $(($1 % 10)) = 0 ]; then
		wait_node g cycle || return 1
		guest run g 'dd if=/dev/cycle of=/dev/null bs=64k count=4 2>/dev/null' || return 1
	fi
	xen-vsys detach g cycle >/dev/null || return 1
}

# The module's life, in the guest, without a round trip of dom0's for each.
cycle_modules='
for i in $(seq $1); do
	# udev looks into a disk that appears, and uses the module meanwhile.
	n=0
	until rmmod xen_vsysfront 2>/dev/null; do
		n=$((n + 1))
		[ $n -lt 100 ] || exit 1
		sleep 0.1
	done
	modprobe xen-vsysfront || exit 2
	n=0
	until [ -b /dev/ram0 ] && [ -c /dev/vtty ]; do
		n=$((n + 1))
		[ $n -lt 300 ] || exit 3
		sleep 0.1
	done
	[ $((i % 10)) != 0 ] || dd if=/dev/ram0 of=/dev/null bs=64k count=4 2>/dev/null || exit 4
done'

for i in 1 2 3; do
	cycle_attach $i
done
guest run g sh -c "$cycle_modules" cycle 2
counts >/tmp/before
failed=0
for i in $(seq "$rounds"); do
	cycle_attach "$i" || { failed=$i; break; }
done
is $failed 0 "attach and detach, $rounds times"
guest run g sh -c "$cycle_modules" cycle "$rounds" >/tmp/out 2>&1
is "$?$(cat /tmp/out)" 0 "unload and load the module, $rounds times"
counts >/tmp/after
is "$(cat /tmp/after)" "$(cat /tmp/before)" "nothing is left behind"
like "$(cat /tmp/after)" "grants of the guest in use: [1-9]" "... (what is in use was seen)"
diag "$(cat /tmp/after)"
wait_for 20 guest run g 'rmmod xen_vsysfront'
ok $? "the module can be unloaded"
is "$(guest run g 'ls /dev/ram0 /dev/vtty 2>/dev/null')" "" "... and its nodes are gone"
like "$(guest run g dmesg | grep -cE 'BUG:|WARNING:|Oops|Call Trace|still in use')" '^0$' "the guest's kernel has nothing to complain about" || diag "$(guest run g dmesg | tail -40)"

# A guest that just vanishes.
guest run g 'modprobe xen-vsysfront'
wait_node g ram0
guest run g 'dd if=/dev/zero of=/dev/ram0 bs=1M count=16 oflag=direct' >/dev/null 2>&1 &
domid=$(xl domid g)
xl destroy g
wait_for 20 sh -c "! pgrep -f 'xen-vsys-worker $domid\$'"
ok $? "a destroyed guest: its worker ends"
wait_for 10 sh -c "! xenstore-ls /local/domain/0/backend/vsys/$domid"
ok $? "... and its nodes go"
like "$(dmesg | grep -cE 'BUG:|WARNING:|Oops|Call Trace')" '^0$' "dom0's kernel has nothing to complain about" || diag "$(dmesg | tail -40)"
tap_done
