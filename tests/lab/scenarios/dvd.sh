#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest burns a DVD with growisofs, on a drive that nobody here wrote: that of Debian's
# tgt, which open-iscsi makes dom0's /dev/srN.  What the programs print is compared with
# what they print in dom0.
#
# lab: --pkg 'tgt open-iscsi growisofs dvd+rw-tools genisoimage eject wodim' --timeout 580
# shellcheck disable=SC2016,SC2317 # the guest expands it; wait_for calls it

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

discs=/var/img
tgt=iqn.2024-01.lab:cd

admin()
{
	tgtadm --lld iscsi "$@"
}

# Other than the digits, what is said; each line once.
said()
{
	tr '\r' '\n' | sed -e 's/[0-9][0-9.]*/N/g' -e 's/[[:space:]]*$//' -e '/^$/d' | sort -u
}

# The nodes of the drives, once they are there.
find_drives()
{
	local found

	found=$(grep -l VIRTUAL-CDROM /sys/block/sr*/device/model 2>/dev/null | cut -d/ -f4)
	[ "$(wc -w <<<"$found")" = 2 ] && drive=$(head -n 1 <<<"$found") sr=/dev/$(tail -n 1 <<<"$found")
}

modprobe -a sg sr_mod iscsi_tcp
ip link set lo up
mkdir -p /run/lock/iscsi /etc/iscsi $discs /tmp/tree /tmp/mnt
echo InitiatorName=iqn.2024-01.lab:init >/etc/iscsi/initiatorname.iscsi
tgtd -f >/tmp/tgtd.log 2>&1 &
wait_for 20 admin --op show --mode target
admin --op new --mode target --tid 1 -T $tgt
for n in 1 2; do
	tgtimg --op new --device-type cd --type dvd+r --file $discs/d$n.img >/dev/null &&
		admin --op new --mode logicalunit --tid 1 --lun $n --device-type cd -b $discs/d$n.img
done
admin --op bind --mode target --tid 1 -I ALL
ok $? "tgt has two drives, each with a blank DVD+R"
iscsid
wait_for 20 iscsiadm -m discovery -t st -p 127.0.0.1
iscsiadm -m node -l >/tmp/login 2>&1
wait_for 30 find_drives
ok $? "they are drives in dom0: /dev/${drive:-none} and ${sr:-none}" || { diag "$(cat /tmp/login /tmp/tgtd.log; ls /sys/block; dmesg | tail -n 20)"; tap_done; exit 1; }

# --- natively
head -c 3000000 /dev/urandom >/tmp/tree/data
genisoimage -quiet -R -V DISC -o /tmp/image.iso /tmp/tree
dvd+rw-mediainfo "/dev/$drive" 2>&1 | said >/tmp/blank.native
growisofs -dvd-compat -Z "/dev/$drive=/tmp/image.iso" >/tmp/native 2>&1
ok $? "growisofs in dom0" || diag "$(tail -n 15 /tmp/native)"
dvd+rw-mediainfo "/dev/$drive" 2>&1 | said >/tmp/full.native

size=$(stat -c %s /tmp/image.iso)
cmp -n "$size" /tmp/image.iso "/dev/$drive"
ok $? "the image is on the disc" || diag "$(blockdev --getsize64 "/dev/$drive")"

# --- in a guest
guest start g --mem 384 --vsys "dev=$sr,name=sr0,ioctl=cdrom-burn,exclusive=open,caps=sys_rawio" || exit 1
wait_for 30 guest_has g sr0
ok $? "a guest has the other one" || diag "$(tail -n 5 /var/log/xen/xen-vsysd.log)"
guest put g /tmp/image.iso /tmp/image.iso
guest run g 'dvd+rw-mediainfo /dev/sr0' 2>&1 </dev/null | said >/tmp/blank.guest
is "$(diff /tmp/blank.native /tmp/blank.guest)" "" "dvd+rw-mediainfo says of the blank disc what it says in dom0"
timeout 200 guest run g 'growisofs -dvd-compat -Z /dev/sr0=/tmp/image.iso' >/tmp/guest.out 2>&1 </dev/null
ok $? "growisofs in the guest" || diag "$(tail -n 15 /tmp/guest.out)"
# How far it is, it says now and then: on a fast day never.
is "$(diff <(said </tmp/native | grep -v remaining) <(said </tmp/guest.out | grep -v remaining))" "" \
	"... with the output of dom0"
is "$(tr '\r' '\n' </tmp/guest.out | grep remaining | grep -vE '^ *[0-9]+/[0-9]+ \( *[0-9.]+%\) @[0-9.]+x, remaining [0-9]+:[0-9]+ RBU +[0-9.]+% UBU +[0-9.]+%$')" "" \
	"... and how far it is, if it says so"
guest run g 'dvd+rw-mediainfo /dev/sr0' 2>&1 </dev/null | said >/tmp/full.guest
is "$(diff /tmp/full.native /tmp/full.guest)" "" "dvd+rw-mediainfo of the burnt disc, too"
# growisofs has opened and closed the tray, by which the kernels know of another medium.
guest run g 'cmp -n $(stat -c %s /tmp/image.iso) /tmp/image.iso /dev/sr0' </dev/null
ok $? "the guest reads the image back"
guest run g 'mount -o ro /dev/sr0 /mnt && sha256sum </mnt/data; umount /mnt' </dev/null >/tmp/sum
is "$(cat /tmp/sum)" "$(sha256sum </tmp/tree/data)" "... and mounts it"
cmp -n "$(stat -c %s /tmp/image.iso)" /tmp/image.iso $discs/d2.img
ok $? "it is in tgt's file of the disc"
timeout 60 guest run g 'growisofs -dvd-compat -Z /dev/sr0=/tmp/image.iso' >/tmp/again 2>&1 </dev/null
like "$? $(tail -n 1 /tmp/again)" '^[1-9][0-9]* :-(\(|\[)' "a disc that is full is not burnt again"
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
is "$(dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace|segfault')" "" "dom0's kernel has nothing to complain about"
iscsiadm -m node -u >/dev/null 2>&1
tap_done
