#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest burns discs: dom0's CD-RW drive (tests/tools/cdrw) as the guests' /dev/sr0,
# with the programs that people use; two guests take turns; the drive is replaced.
#
# lab: --pkg 'wodim genisoimage cdrskin xorriso cdparanoia eject sg3-utils udev' --timeout 580
# shellcheck disable=SC2016,SC2317 # the guest expands it; wait_for calls it

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/cdrw.sh
. /usr/lib/xen-vsys/tests/cdrw.sh

discs=/tmp/discs
log=/var/log/xen/xen-vsysd.log

# in_guest GUEST WHAT COMMAND: WHAT is said, and what it printed if it failed
in_guest()
{
	timeout 120 guest run "$1" "$3" >/tmp/out 2>&1 </dev/null
	ok $? "$2" || diag "$(tail -n 15 /tmp/out)"
}

# The first bytes of what is read are the image.
same_as_image()
{
	in_guest "$1" "$2" 'cmp -n $(stat -c %s /tmp/image.iso) /tmp/image.iso /tmp/back'
}

state()
{
	cdrw_do $discs state
}

node()
{
	echo "dev=$cdrw_sr,name=sr0,ioctl=cdrom-burn,exclusive=queue,caps=sys_rawio"
}

cdrw_start $discs --verbose --vendor PAPER --product 'CD-RW 2008' || { ok 1 "the drive"; exit 1; }
diag "the drive is $cdrw_sr in dom0"
cdrw_do $discs insert a cd-rw >/dev/null
ok $? "a blank CD-RW is in it"

# What wodim says, without its numbers; each line once.  Natively first.
said()
{
	tr '\r' '\n' <"$1" | tr '\b' '\n' | tr -d '\000' | sed 's/Speed set/\n&/' |
		sed -e 's/[0-9][0-9.]*/N/g' -e 's/[[:space:]]\+/ /g' -e 's/ $//' -e '/^$/d' | sort -u
}

mkdir -p /tmp/tree
head -c 3000000 /dev/urandom >/tmp/tree/data
genisoimage -quiet -R -V DISC -o /tmp/image.iso /tmp/tree
wodim -v dev="$cdrw_sr" blank=fast >/tmp/native.blank 2>&1 &&
	wodim -v dev="$cdrw_sr" /tmp/image.iso >/tmp/native.burn 2>&1
ok $? "wodim in dom0" || diag "$(tail -n 15 /tmp/native.burn)"

for g in a b; do
	guest start $g --mem 384 --vsys "$(node)" || exit 1
	wait_for 30 guest_has $g sr0
	ok $? "guest $g has /dev/sr0"
	guest run $g 'mkdir -p /tmp/tree && head -c 3000000 /dev/urandom >/tmp/tree/data &&
		genisoimage -quiet -R -V DISC -o /tmp/image.iso /tmp/tree'
done

# --- the paper's own test
in_guest a "wodim -inq" 'wodim dev=/dev/sr0 -inq'
like "$(cat /tmp/out)" 'CD-RW 2008' "... it is the drive"
in_guest a "wodim -v blank=fast" 'wodim -v dev=/dev/sr0 blank=fast'
cp /tmp/out /tmp/guest.blank
is "$(diff <(said /tmp/native.blank) <(said /tmp/guest.blank))" "" "... says what it says in dom0"
in_guest a "wodim -v image.iso" 'wodim -v dev=/dev/sr0 /tmp/image.iso'
like "$(cat /tmp/out)" 'Track 01: *[0-9]+ of' "... with its progress"
is "$(diff <(said /tmp/native.burn) <(said /tmp/out))" "" "... and says what it says in dom0"
in_guest a "wodim -toc" 'wodim dev=/dev/sr0 -toc'
in_guest a "readom" 'readom dev=/dev/sr0 f=/tmp/back'
same_as_image a "... the image is back"
# Natively, too, the kernel has the old size until the tray was open.
in_guest a "eject, eject -t" 'eject /dev/sr0 && eject -t /dev/sr0'
in_guest a "mount" 'mount -o ro /dev/sr0 /mnt && cmp /mnt/data /tmp/tree/data; s=$?; umount /mnt; exit $s'
in_guest a "the size of the disc, by the block device" \
	'test $(blockdev --getsize64 /dev/sr0) -ge $(stat -c %s /tmp/image.iso) && cmp -n $(stat -c %s /tmp/image.iso) /tmp/image.iso /dev/sr0'

# --- others
in_guest a "cdrskin blank=fast" 'cdrskin -v dev=/dev/sr0 blank=fast'
in_guest a "cdrskin -sao image.iso" 'cdrskin -v dev=/dev/sr0 -sao /tmp/image.iso'
in_guest a "... readom" 'rm -f /tmp/back; readom dev=/dev/sr0 f=/tmp/back'
same_as_image a "... the image is back"
in_guest a "xorriso -blank fast" 'xorriso -outdev /dev/sr0 -blank fast'
in_guest a "xorriso -as cdrecord" 'xorriso -as cdrecord -v dev=/dev/sr0 /tmp/image.iso'
in_guest a "... xorriso reads the file" 'xorriso -osirrox on -indev /dev/sr0 -extract /data /tmp/extracted && cmp /tmp/extracted /tmp/tree/data'
in_guest a "wodim: an audio disc" 'wodim dev=/dev/sr0 blank=fast && head -c 4000000 /dev/urandom >/tmp/track.raw &&
	wodim -v dev=/dev/sr0 -audio -pad /tmp/track.raw'
in_guest a "cdparanoia -Q" 'cdparanoia -d /dev/sr0 -Q'
like "$(cat /tmp/out)" 'TOTAL' "... lists its track"

# --- tray, and another disc
in_guest a "eject" 'eject /dev/sr0'
like "$(state)" 'open' "... the tray is open"
in_guest a "eject -t" 'eject -t /dev/sr0'
tray_is()
{
	state | grep -q "tray $1"
}

# udev locks the tray, and opens it when the button is pressed: here that of one guest.
# Another one beside it would have the drive open at times, and then the driver lets nobody
# unlock the tray who is not the administrator (docs/sharing.md).
udevadm control --exit
guest run a "udevadm control --exit" </dev/null
echo 500 >"/sys/block/${cdrw_sr#/dev/}/events_poll_msecs"
guest run b 'exec udevadm monitor --kernel --property --subsystem-match=block' >/tmp/events 2>&1 </dev/null &
events=$!
wait_for 20 grep -q 'KERNEL - ' /tmp/events
wait_for 20 tray_is 'closed and locked'
ok $? "a guest's udev locks the tray"
cdrw_do $discs eject >/dev/null 2>&1
wait_for 20 tray_is open
ok $? "... and opens it when the drive's button is pressed" || diag "$(state; cat /tmp/events)"
like "$(tr -d '\000' </tmp/events)" 'DISK_EJECT_REQUEST=1' "... of which the kernel tells"
: >/tmp/events
cdrw_do $discs insert b cd-rw >/dev/null
wait_for 20 grep -q '^DISK_MEDIA_CHANGE=1' /tmp/events
ok $? "another disc: a guest's kernel tells its programs" || diag "$(cat /tmp/events)"
like "$(tr -d '\000' </tmp/events)" 'DEVNAME=/dev/sr0' "... of /dev/sr0"
kill $events
/usr/lib/systemd/systemd-udevd --daemon
guest run a "/usr/lib/systemd/systemd-udevd --daemon" </dev/null
echo 0 >"/sys/block/${cdrw_sr#/dev/}/events_poll_msecs"
in_guest a "another disc: wodim -atip" 'wodim dev=/dev/sr0 -atip'
in_guest a "... which is blank" 'cdrskin dev=/dev/sr0 -minfo'
like "$(cat /tmp/out)" 'disk status: *empty' "... it says"

# --- in turn
guest run a 'wodim -v dev=/dev/sr0 /tmp/image.iso' >/tmp/burn.a 2>&1 </dev/null &
first=$!
wait_for 60 grep -q 'Starting to write' /tmp/burn.a
in_guest b "another guest waits, and blanks the disc then" 'wodim -v dev=/dev/sr0 blank=fast'
wait $first
ok $? "... that the first one has burnt" || diag "$(tail -n 8 /tmp/burn.a)"
in_guest b "... and burns it" 'wodim -v dev=/dev/sr0 /tmp/image.iso && readom dev=/dev/sr0 f=/tmp/back'
same_as_image b "... with its own image"

# --- policy
in_guest a "a firmware download is denied" '! sg_raw -s 4 -i /bin/true /dev/sr0 3b 02 00 00 00 00 00 00 04 00'
like "$(cat $log)" 'SCSI command 0x3b \(GPCMD_WRITE_BUFFER\) is denied by policy .cdrom-burn' "... the log says so"
like "$(xen-vsys stat a sr0)" 'denied: *[1-9]' "... and the counter"
like "$(state)" 'firmware writes 0' "... the drive has not seen it"

# --- another model behind the same node
cdrw_stop $discs
ok $? "the drive is taken away"
old=$cdrw_sr
cdrw_start $discs --verbose --vendor OTHER --product 'DISCWRITER 9' && [ "$cdrw_sr" = "$old" ]
ok $? "... another model takes its place"
cdrw_do $discs insert b cd-rw >/dev/null
in_guest b "the same node in the guest" 'wodim dev=/dev/sr0 -inq'
like "$(cat /tmp/out)" 'DISCWRITER 9' "... is the new drive"
in_guest b "... which it uses" 'rm -f /tmp/back; readom dev=/dev/sr0 f=/tmp/back'
same_as_image b "... the image is still on the disc"

is "$(guest_complaints a)" "" "the guest's kernel has nothing to complain about"
is "$(dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace|segfault')" "" "dom0's kernel has nothing to complain about"
cdrw_stop $discs
tap_done
