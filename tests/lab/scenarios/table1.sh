#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Table 1 of the source paper, on Xen: what was tried there, and what the same gives
# here, with the programs of a Debian guest. `make table1` prints it.
#
# lab: --pkg 'wodim genisoimage cdrskin xorriso cdparanoia eject sg3-utils' --timeout 580
# check: only by name: the scenarios ram-disk, burn and sharing are all of it, and more
# shellcheck disable=SC2016,SC2317 # the guest expands it; wait_for calls it

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/cdrw.sh
. /usr/lib/xen-vsys/tests/cdrw.sh

discs=/tmp/discs
all=0

# row ITEM PAPER RESULT COMMAND: a line of the table; RESULT is 0 for success
row()
{
	local result=works

	[ "$3" = 0 ] || { result=FAILS all=1; }
	printf '%-26s | %-34s | %-5s | %s\n%-26s | %-34s | %-5s |   -> %s\n' \
		"$1" "$2" works "$4" '' '' '' "$result"
}

# try GUEST COMMAND: its output only if it fails
try()
{
	timeout 200 guest run "$1" "$2" >/tmp/out 2>&1 </dev/null && return
	diag "$1: $2: $(tail -n 12 /tmp/out)"
	return 1
}

{
	cdrw_start $discs && cdrw_do $discs insert a cd-rw
	for g in a b c; do
		guest start $g --mem 320 --vsys 'dev=/dev/ram0' \
			--vsys "dev=$cdrw_sr,name=sr0,ioctl=cdrom-burn,exclusive=queue,caps=sys_rawio"
		wait_for 30 guest_has $g sr0
		guest run $g 'head -c 2000000 /dev/urandom >/tmp/data && genisoimage -quiet -o /tmp/image.iso /tmp/data'
	done
} >/tmp/prepared 2>&1
if [ -z "$cdrw_sr" ] || ! guest_has c sr0; then
	diag "$(tail -n 20 /tmp/prepared)"
	exit 1
fi

printf '%-26s | %-34s | %-5s | %s\n' 'test' "the paper's way" 'paper' 'the command that was run here, in a guest'
printf -- '---------------------------+------------------------------------+-------+------------------------------------------\n'

try a 'dd if=/tmp/data of=/dev/ram0 bs=4096 conv=fsync && dd if=/dev/ram0 bs=4096 count=400 | cmp -n 1638400 - /tmp/data'
row 'T1 ordinary driver calls' '/dev/ram0: open, close, read, write' $? 'dd of=/dev/ram0, dd if=/dev/ram0 | cmp'

try a 'wodim -v dev=/dev/sr0 blank=fast && wodim -v dev=/dev/sr0 /tmp/image.iso && readom dev=/dev/sr0 f=/tmp/back &&
	cmp -n $(stat -c %s /tmp/image.iso) /tmp/image.iso /tmp/back'
row 'T2 ioctl' 'cdrecord to a CD-RW in /dev/sr0' $? 'wodim blank=fast, wodim image.iso, readom | cmp'

# All at once; each has the drive for itself until it closes it, the others wait.
burn='exec 9</dev/sr0 && wodim dev=/dev/sr0 blank=fast && wodim dev=/dev/sr0 /tmp/image.iso &&
	readom dev=/dev/sr0 f=/tmp/back && cmp -n $(stat -c %s /tmp/image.iso) /tmp/image.iso /tmp/back'
for g in a b c; do
	try $g "$burn" >/tmp/said.$g &
	burning[${#burning[@]}]=$!
done
failed=0
for p in "${burning[@]}"; do
	wait "$p" || failed=1
done
cat /tmp/said.*
row 'T3 sharing a device' 'guests use one CD-RW drive in turn' $failed 'three guests at once: the same, exclusive=queue'
cdrw_stop $discs
exit $all
