#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Workers that die, daemons that end, crash and start again: the guest's devices
# go and come, those attached by hand, too, and nothing is left behind.

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

modprobe brd rd_nr=2 rd_size=16384
guest start g --mem 288 --vsys 'dev=/dev/ram0' --vsys 'dev=/dev/zero,name=vzero'
xen-vsys attach --wait g dev=/dev/null,name=hand
ok $? "attach by hand"

numbers()
{
	xen-vsys list g | awk 'NR > 1 { print $3 }' | sort -n | tr '\n' ' '
}

# shellcheck disable=SC2317 # wait_for calls it
all_connected()
{
	[ "$(xen-vsys list g 2>/dev/null | grep -c ' connected ')" = 3 ]
}

# all_work WHAT: the guest has the three, each once, and they work
all_work()
{
	wait_for 30 all_connected
	ok $? "$1: all three are connected again" || diag "$(xen-vsys list; xen-vsys stat g)"
	wait_node g ram0 && wait_node g vzero && wait_node g hand
	is "$(guest run g 'head -c 5 /dev/vzero | od -An -tx1; echo x >/dev/hand && dd if=/dev/ram0 of=/dev/null bs=4k count=4 iflag=direct 2>/dev/null && echo good')" \
		"$(printf ' 00 00 00 00 00\ngood')" "... and work"
	is "$(guest run g 'ls /sys/bus/xen/devices | sed -n s/^vsys-//p | sort -n | tr "\n" " "')" "$(numbers)" "... and the guest has no other"
	is "$(xen-vsys check g 2>&1)" "" "... and the nodes are as the schema says"
}

# What reads does not hang when the back-end goes, and ends when the device does.
reader()
{
	guest run g 'cat /dev/vzero >/dev/null' >/dev/null 2>&1 &
	reader=$!
	wait_for 20 guest run g 'ls -l "/proc/$(pgrep -x cat)/fd" | grep vzero'
}
reader_ends()
{
	wait_for 30 sh -c "! kill -0 $reader"
	ok $? "... what was reading has ended"
}

all_work "at first"
before=$(numbers)
reader
pkill -9 -x xen-vsys-worker
reader_ends
all_work "the worker is killed"
[ "$(numbers)" != "$before" ]
ok $? "... with new numbers, so that no guest takes a new device for the old one"

reader
pid=$(pidof xen-vsysd)
kill "$pid"
wait_for 20 sh -c "! kill -0 $pid"
ok $? "the daemon ends when it is told to"
reader_ends
is "$(pgrep -c xen-vsys-worker)" 0 "... and its workers with it"
[ ! -e /run/xen-vsysd.sock ]
ok $? "... and its socket"
xen-vsys list >/tmp/out 2>&1
is "$?$(cat /tmp/out)" "1xen-vsys: xen-vsysd is not running" "the tool says so"
xen-vsysd >/tmp/out 2>&1
ok $? "it starts as a daemon, and is ready then" || diag "$(cat /tmp/out)"
all_work "ended and started"

reader
kill -9 "$(pidof xen-vsysd)"
wait_for 10 sh -c '! pgrep xen-vsys-worker'
ok $? "the daemon is killed: its workers end"
xen-vsysd
reader_ends
all_work "killed and started"

# A domain that goes while no daemon is there.
guest start h --mem 256 --vsys 'dev=/dev/ram1'
wait_node h ram1
id=$(xl domid h)
kill -9 "$(pidof xen-vsysd)"
xl destroy h
xenstore-exists "/local/domain/0/backend/vsys/$id"
ok $? "a domain is destroyed while no daemon is there"
xen-vsysd
is "$(xenstore-ls "/local/domain/0/backend/vsys/$id" 2>/dev/null)" "" "... its nodes go when one starts"
is "$(xenstore-exists "/local/domain/$id"; echo $?)" 1 "... and none of a dead domain come"
all_work "the other guest"

# Too much for a worker: three new ones in a minute, not more.
for _ in 1 2 3 4 5 6; do
	wait_for 30 all_connected
	pkill -9 -x xen-vsys-worker
	wait_for 8 pgrep -x xen-vsys-worker || break
done
is "$(pgrep -c xen-vsys-worker)" 0 "a worker that dies too often stays down"
like "$(xen-vsys stat g vzero)" "^reason: the worker process was ended by signal 9" "... which is said"
for name in ram0 vzero hand; do
	xen-vsys detach g $name
done
xen-vsys attach g dev=/dev/ram0 && xen-vsys attach g dev=/dev/zero,name=vzero && xen-vsys attach --wait g dev=/dev/null,name=hand
ok $? "... until somebody looks after it"
all_work "detached and attached"

guest stop g
wait_for 10 sh -c '! pgrep xen-vsys-worker'
ok $? "without guests there is no worker"
is "$(xenstore-ls -f /local/domain/0 | grep vsys)" "" "... and no node"
like "$(dmesg | grep -cE 'BUG:|WARNING:|Oops|Call Trace')" '^0$' "dom0's kernel has nothing to complain about" || diag "$(dmesg | tail -40)"
tap_done
