#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three guests and dom0 want the same devices: exclusive=open, queue and attach; and a
# holder that is destroyed, crashes or hangs.
#
# lab: --timeout 580
# shellcheck disable=SC2016,SC2317 # the guest expands it; wait_for calls it

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

log=/var/log/xen/xen-vsysd.log
modprobe vsystest
[ -b /dev/ram1 ] || modprobe brd rd_nr=2 rd_size=16384
wait_for 10 test -c /dev/vsystest3

# hold GUEST NODE: opens it, says so in /tmp/held.GUEST, and keeps it until let_go GUEST
hold()
{
	guest run "$1" "exec 3<>/dev/$2 && echo has && sleep 1000" >"/tmp/held.$1" 2>&1 </dev/null &
	holder[$1]=$!
}

let_go()
{
	kill "${holder[$1]}" 2>/dev/null
	wait "${holder[$1]}" 2>/dev/null
}

# has GUEST: it got it
has()
{
	grep -q '^has$' "/tmp/held.$1"
}

# busy GUEST NODE: its open says EBUSY
busy()
{
	guest run "$1" "exec 3<>/dev/$2" 2>&1 </dev/null | grep -q 'busy'
}

# use GUEST NODE: the last column of xen-vsys list
use()
{
	xen-vsys list "$1" | awk -v n="$2" '$4 == n { print $11 ($12 == "" ? "" : " " $12) }'
}

uses()
{
	[ "$(use "$1" "$2")" = "$3" ]
}

# answers GUEST DEVID: it was asked if it lives, and has said so
answers()
{
	local domid ping

	domid=$(xl domid "$1")
	ping=$(xenstore-read "/local/domain/0/backend/vsys/$domid/$2/ping")
	[ "$ping" -ge 1 ] && [ "$(xenstore-read "/local/domain/$domid/device/vsys/$2/pong")" = "$ping" ]
}

# closed GUEST NODE: the worker has no file of it
closed()
{
	[ "$(xen-vsys list "$1" | awk -v n="$2" '$4 == n { print $10 }')" = 0 ]
}

declare -A holder
for g in a b c; do
	guest start $g --mem 192 --vsys 'dev=/dev/vsystest0,name=once,exclusive=open' \
		--vsys 'dev=/dev/vsystest1,name=turns,exclusive=queue' \
		--vsys 'dev=/dev/ram1,name=disk,exclusive=open' \
		--vsys 'dev=/dev/vsystest2,name=all' --xl 'on_crash="preserve"'
	wait_for 20 guest_has $g all || ok 1 "guest $g has its nodes"
done

# --- plain sharing, and exclusive=open
hold a all
hold b all
wait_for 20 has a && wait_for 20 has b
ok $? "plain: two guests have it at once"
let_go a
let_go b
hold a once
wait_for 20 has a
ok $? "open: the first one has it"
is "$(use a once)" holds "... which the list says"
busy b once
ok $? "... another guest gets EBUSY"
guest run a 'exec 4<>/dev/once'
ok $? "... the same guest opens it once more"
let_go a
wait_for 20 uses a once -
ok $? "... it is closed"
hold c once
wait_for 20 has c
ok $? "... and a third guest has it"
let_go c

# --- exclusive=queue
hold a turns
wait_for 20 has a
hold b turns
wait_for 20 uses b turns 'waits 0'
ok $? "queue: the second guest waits"
wait_for 20 answers a 1
ok $? "... and the first one is asked if it lives, and answers"
hold c turns
wait_for 20 uses c turns 'waits 1'
ok $? "... the third one behind it"
! has b && ! has c
ok $? "... and neither has it"
let_go b
wait_for 20 uses c turns 'waits 0'
ok $? "... a signal ends the wait of one"
hold b turns
wait_for 20 uses b turns 'waits 1'
let_go a
wait_for 20 has c
ok $? "... who came first has it next"
! has b
ok $? "... not who came later"
hold a turns
wait_for 20 uses a turns 'waits 1'
let_go c
wait_for 20 has b
ok $? "... then the next"

# --- the holder is no more
start=$SECONDS
xl destroy b
wait_for 20 has a
ok $? "the holder is destroyed: the next has it ($((SECONDS - start)) s)"
let_go b
wait_for 20 sh -c '[ "$(/usr/lib/xen-vsys/tests/ioctl-client /dev/vsystest1 left | tail -n 1)" = "0 pins, 0 files, 0 waiters" ]'
ok $? "... after the native close"
hold c turns
wait_for 20 uses c turns 'waits 0'
start=$SECONDS
xl pause a
wait_for 60 has c
ok $? "the holder hangs: the next has it ($((SECONDS - start)) s)"
like "$(cat $log)" 'turns .* is taken away: others want /dev/vsystest1, and the guest does not answer' \
	"... which the log says"
let_go a
xl unpause a
wait_for 60 guest_has a turns
ok $? "... when it goes on it has a new device"
hold a turns
wait_for 20 uses a turns 'waits 0'
ok $? "... and waits for its turn"
start=$SECONDS
guest run c 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1 </dev/null &
crash=$!
wait_for 60 has a
ok $? "the holder crashes: the next has it ($((SECONDS - start)) s)"
kill $crash 2>/dev/null
let_go c
let_go a
xl destroy c

# --- dom0's own users
mkfs.ext2 -q /dev/ram1 && mkdir -p /tmp/mnt
guest run a 'exec 3<>/dev/disk'
ok $? "disk: the guest opens it"
mount /dev/ram1 /tmp/mnt
busy a disk
ok $? "... not while dom0 has it mounted: EBUSY"
umount /tmp/mnt
hold a disk
wait_for 20 has a
ok $? "... but afterwards"
! mount /dev/ram1 /tmp/mnt 2>/dev/null
ok $? "... and then dom0 can't mount it"
let_go a
wait_for 20 mount /dev/ram1 /tmp/mnt
ok $? "... until it is closed"
umount /tmp/mnt
guest run a 'mount /dev/disk /mnt && touch /mnt/here && umount /mnt'
ok $? "... the guest mounts it"

# --- exclusive=attach
xen-vsys attach a 'dev=/dev/vsystest3,name=mine,exclusive=attach'
ok $? "attach: one guest has it"
guest start b --mem 192
like "$(xen-vsys attach b 'dev=/dev/vsystest3,name=mine' 2>&1)" "is lent to domain [0-9]* \(a\) alone" \
	"... another one can't, and is told why"
xen-vsys detach a mine
xen-vsys attach b 'dev=/dev/vsystest3,name=mine,exclusive=attach'
ok $? "... until it is detached"

mkfs.ext2 -q /dev/ram0
xen-vsys attach a 'dev=/dev/ram0,name=own,exclusive=attach'
wait_for 20 guest_has a own
! mount /dev/ram0 /tmp/mnt 2>/dev/null
ok $? "... of a disk: dom0 can't mount it before the guest has opened it"
guest run a 'mount /dev/own /mnt && touch /mnt/here && umount /mnt'
ok $? "... the guest mounts it"
wait_for 20 closed a own
ok $? "... and closes it"
! mount /dev/ram0 /tmp/mnt 2>/dev/null
ok $? "... and dom0 can't, after that"
xen-vsys detach a own
wait_for 20 mount /dev/ram0 /tmp/mnt
ok $? "... but when it is detached"
like "$(xen-vsys attach a 'dev=/dev/ram0,name=own,exclusive=attach' 2>&1)" \
	"dev '/dev/ram0' is in use in this domain \(exclusive=attach\)" "... and then it can't be attached"
umount /tmp/mnt

is "$(guest_complaints a)" "" "the guest's kernel has nothing to complain about"
is "$(dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace|segfault')" "" "dom0's kernel has nothing to complain about"
is "$(xen-vsys check a 2>&1)" "" "the nodes are as the schema says"
tap_done
