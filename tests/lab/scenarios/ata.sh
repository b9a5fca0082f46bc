#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disk of dom0 in an HVM guest: Linux's own libata and pata_platform, rewritten, send
# their port accesses in batches to dom0, which carries them out.  What is written is read
# again, by the guest and then by dom0's own, unchanged driver.
# Argument: iommu, so that Xen gives the guest the disk's interrupt; or hvm, without.
# lab: --timeout 400
# lab: --qemu '-drive if=none,id=d9,driver=null-co,size=67108864,read-zeroes=on,snapshot=on -device isa-ide,id=ide9,iobase=0x180,iobase2=0x18e,irq=15 -device ide-hd,bus=ide9.0,drive=d9,serial=ata9 -device amd-iommu,intremap=on'

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

drivers=$tests/drivers
if [ ! -e $drivers/libata.ko ]; then
	echo "1..0 # SKIP needs the package linux-source where it is built"
	exit 0
fi
type=${1:-iommu}
guest=(--type hvm --mem 320 --vcpus 1 --append io_delay=none)
source=timer
if [ "$type" = iommu ]; then
	guest+=(--xl 'passthrough="enabled"')
	source=xen
fi

# A line of xen-vpio's counters, or of the front-end's.
count() { guest run g "cat /sys/kernel/debug/xen-vpio" | sed -n "s/^$1: //p"; }
front() { guest run g "cat /sys/kernel/debug/xen-vsysfront/*" | sed -n "s/^$1: //p"; }

# The disk's name, where commands run by $@.
disk()
{
	# shellcheck disable=SC2016 # the other shell expands it
	"$@" 'for i in /sys/block/sd*; do readlink -f $i | grep -q pata_platform && basename $i; done'
}

# load IRQ: the driver, in the guest
load()
{
	guest run g "modprobe xen-vpio-vsys name=ide0 profile=ata threshold=64 && modprobe sd_mod &&
		insmod $drivers/libata.ko && modprobe atadev io=0x180 irq=$1 && insmod $drivers/pata_platform.ko"
}

unload()
{
	guest run g "rmmod pata_platform atadev libata xen-vpio-vsys"
}

# moves WHAT: 4 MiB there and back, and what that took
moves()
{
	local before accesses

	dd if=/dev/urandom of=/tmp/data bs=1M count=4 2>/dev/null
	guest put g /tmp/data /tmp/data
	before=$(count batches) accesses=$(($(count outs) + $(count ins)))
	guest run g "dd if=/tmp/data of=/dev/$sd bs=64k oflag=direct 2>/dev/null"
	ok $? "$1: 4 MiB are written"
	diag "written: $(($(count outs) + $(count ins) - accesses)) port accesses in $(($(count batches) - before)) batches"
	before=$(count batches) accesses=$(($(count outs) + $(count ins)))
	is "$(guest run g "dd if=/dev/$sd bs=64k count=64 iflag=direct 2>/dev/null | sha256sum")" \
		"$(sha256sum </tmp/data)" "$1: ... and read"
	before=$(($(count batches) - before)) accesses=$(($(count outs) + $(count ins) - accesses))
	diag "read: $accesses port accesses in $before batches"
	# 1024 times 4 KiB.
	[ "$before" -lt 2048 ]
	ok $? "$1: ... with less than two batches for 4 KiB"
}

guest start g "${guest[@]}" --vsys 'ioport=0x180-0x18f,name=ide0,irq=15'
wait_for 20 sh -c "xen-vsys list g | grep ide0 | grep connected"
ok $? "the ports of dom0's controller are lent and connected" || diag "$(tail -n 20 /var/log/xen/xen-vsysd.log)"
irq=$(front irq)
is "$(front irq_source)" $source "the interrupt comes from where it should"

load "$irq" >/tmp/out 2>&1
ok $? "the rewritten driver is loaded" || diag "$(cat /tmp/out; guest run g dmesg | tail -n 20)"
wait_for 20 sh -c "guest run g 'cat /sys/block/sd*/device/model' </dev/null"
sd=$(disk guest run g)
like "$sd" '^sd' "... and finds the disk" || diag "$(guest run g dmesg | tail -n 30)"
moves "by interrupts"
diag "$(guest run g 'cat /sys/kernel/debug/xen-vpio' | tr '\n' ' ')"
unload
ok $? "the driver goes"

load 0
ok $? "it comes without interrupt"
wait_for 20 sh -c "guest run g 'cat /sys/block/sd*/device/model' </dev/null"
sd=$(disk guest run g)
moves "polled"
diag "$(guest run g 'cat /sys/kernel/debug/xen-vpio' | tr '\n' ' ')"

guest run g "mkfs.ext4 -q /dev/$sd && mkdir -p /mnt/a && mount /dev/$sd /mnt/a && cp /tmp/data /mnt/a/data && umount /mnt/a"
ok $? "a file system on it"
unload
ok $? "the driver goes again"
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
guest stop g

modprobe -a sd_mod libata && modprobe atadev io=0x180 && insmod $drivers/plain/pata_platform.ko
wait_for 20 sh -c "ls -d /sys/block/sd*"
sd=$(disk sh -c)
like "$sd" '^sd' "dom0's own driver finds the disk"
mkdir -p /mnt/a && mount -o ro "/dev/$sd" /mnt/a
is "$(sha256sum </mnt/a/data)" "$(sha256sum </tmp/data)" "... and the file on it"
like "$(dmesg | grep -cE 'BUG:|WARNING:|Oops|Call Trace')" '^0$' "dom0's kernel has nothing to complain about" || diag "$(dmesg | tail -40)"
tap_done
