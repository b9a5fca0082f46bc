#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an administrator may get wrong: each gives one sentence that names the
# place and the thing, a non-zero exit status, and the guest's other devices
# work.
# lab: --timeout 1800

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

modprobe brd rd_nr=3 rd_size=8192
blockdev --setro /dev/ram2
touch /run/plain
log=/var/log/xen/xen-vsysd.log

# In a configuration file: the good ones work, each bad one is in the log.
guest start g --type pv --mem 288 --vsys 'dev=/dev/ram0' \
	--vsys 'dev=/dev/ram1,colour=red' --vsys 'mode=rw' \
	--vsys 'dev=/dev/nothing' --vsys 'dev=/run/plain' \
	--vsys 'dev=/dev/ram2,mode=rw' --vsys 'dev=/dev/ram1,name=ram0' \
	--vsys 'dev=/dev/zero,name=vzero'
ok $? "a guest with bad stanzas starts"
wait_node g ram0 && wait_node g vzero
ok $? "... and has its good devices"
is "$(xen-vsys list g | grep -c connected -i)" 2 "... and no other"
line=$(grep -n '^vsys' /etc/xen/g.cfg | cut -d: -f1)
for want in "colour" "dev" "/dev/nothing" "/run/plain" "/dev/ram2" "ram0"; do
	like "$(grep '/etc/xen/g.cfg:' $log)" "/etc/xen/g.cfg:$line: .*$want" "the log names file, line and '$want'"
done

# On the command line.
refuses()
{
	wanted=$1
	shift
	"$@" >/tmp/out 2>/tmp/err
	status=$?
	[ $status -ne 0 ] && [ "$(wc -l </tmp/err)" = 1 ] && [ ! -s /tmp/out ] && grep -Eq "$wanted" /tmp/err
	ok $? "$*: one sentence, status $status" || diag "$(cat /tmp/out /tmp/err)"
}
refuses "unknown key 'colour'" xen-vsys attach g 'dev=/dev/ram1,colour=red'
refuses "dev" xen-vsys attach g 'mode=rw'
refuses "/dev/nothing" xen-vsys attach g 'dev=/dev/nothing'
refuses "/run/plain.*device" xen-vsys attach g 'dev=/run/plain'
refuses "mode" xen-vsys attach g 'dev=/dev/ram1,mode=rwx'
refuses "/dev/ram2" xen-vsys attach g 'dev=/dev/ram2,mode=rw'
refuses "ram0" xen-vsys attach g 'dev=/dev/ram1,name=ram0'
refuses "nobody" xen-vsys attach nobody 'dev=/dev/ram1'
refuses "99" xen-vsys attach 99 'dev=/dev/ram1'
refuses "name" xen-vsys attach g 'dev=/dev/ram1,name=../etc'
refuses "dev" xen-vsys attach g ''
refuses "nosuch" xen-vsys detach g nosuch
refuses "nobody" xen-vsys list nobody
refuses "nobody" xen-vsys check nobody
refuses "/root/none.cfg" xen-vsys create /root/none.cfg
printf 'name = "x"\nvsys = [ "dev=/dev/ram1"\nmemory = = 3\n' >/root/bad.cfg
refuses "/root/bad.cfg" xen-vsys create /root/bad.cfg
xen-vsys frobnicate >/tmp/out 2>&1
is $? 2 "an unknown command: usage, status 2"
xen-vsys attach g 'dev=/dev/ram2,mode=ro' >/tmp/out 2>&1
ok $? "the read-only device, lent read-only" || diag "$(cat /tmp/out)"
wait_node g ram2
is "$(guest run g blockdev --getro /dev/ram2)" 1 "... is read-only in the guest"

# A file with a syntax error beside the good one.
printf 'name = "other"\nvsys = [ "dev=/dev/ram1"\nmemory = = 3\n' >/etc/xen/a-other.cfg
guest reboot g && wait_node g ram0
ok $? "a broken file of another guest does no harm"
like "$(cat $log)" "/etc/xen/a-other.cfg:[0-9]+:" "... and the log names it"
xen-vsysd -f >/tmp/out 2>&1
status=$?
[ $status -ne 0 ] && [ "$(wc -l </tmp/out)" = 1 ]
ok $? "a second daemon refuses, in one sentence" || diag "$(cat /tmp/out)"

# Nonsense from a guest, in its nodes and its rings: hostile.sh.
tap_done
