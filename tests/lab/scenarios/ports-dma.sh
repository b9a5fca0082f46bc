#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory that a card reads and writes (DMA), and the order of that with accesses to its
# ports (docs/asm-pp.md, rule 4): a PV guest has an RTL8139 of dom0's, whose ports it
# reaches through the queue, and the card sends frames from the guest's memory to the
# guest's memory (tests/lab/vpiotest/dma.c). The card has 32 bits for a page's place,
# so the machine has less than 2 GiB.
# lab: --timeout 300 --mem 1100 --guest-mem 600
# lab: --qemu '-netdev hubport,id=h0,hubid=7 -device rtl8139,netdev=h0,mac=52:54:00:81:39:00,romfile='

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh

card=$(dirname "$(grep -l 0x8139 /sys/bus/pci/devices/*/device)")
# Its first resource is its ports. A driver goes, and what that turned off comes on:
# ports, memory, bus mastering.
read -r first last _ <"$card/resource"
[ ! -e "$card/driver" ] || echo "${card##*/}" >"$card/driver/unbind"
printf '\7' | dd of="$card/config" bs=1 seek=4 conv=notrunc status=none

spin_daemon 20000
guest start g --type pv --mem 256 --vsys "$(printf 'ioport=%#x-%#x,name=nic' "$first" "$last")"
wait_for 20 sh -c "xen-vsys list g | grep nic | grep connected"
ok $? "the ports of dom0's card are lent and connected" || diag "$(tail -n 20 /var/log/xen/xen-vsysd.log)"
guest run g 'modprobe xen-vpio && modprobe vpiotest'
ok $? "the guest's runtime and the test module are there"

rounds=100
dma() { guest run g "echo 'dma ${first#0x} $rounds' >/sys/kernel/debug/vpiotest && cat /sys/kernel/debug/vpiotest" </dev/null; }
count() { guest run g "cat /sys/kernel/debug/xen-vpio" </dev/null | sed -n "s/^$1: //p"; }
# guest_looks US: for an answer, before it waits for it in Xen
guest_looks() { guest run g "echo $1 >/sys/module/xen_vsysfront/parameters/ports_spin_us"; }
looked() { guest run g "cat /sys/kernel/debug/xen-vsysfront/*" </dev/null | sed -n 's/^batches_looked: //p'; }

# frames WHERE: of each of the four ways
frames()
{
	read -r one together before after < <(dma)
	is "$one $together" "0 0" "$1: the card has read what was in memory before the output, and its own is there after the input"
	is "$((16#$after))" $((4 * rounds)) "... frames that come to memory after the batch has left come too late"
}
claim() { guest run g "rmmod xen-vpio-vsys 2>/dev/null; modprobe xen-vpio-vsys threshold=$1"; }

guest_looks 0
claim 1
frames "each output by itself"
claim 64
frames "in batches"
is "$before" 0 "... frames that come to memory after the outputs, but before the batch leaves, do not"
[ "$(count outs)" -gt $((3 * $(count batches))) ]
ok $? "... many outputs were in each" || diag "$(count outs) outputs, $(count batches) batches"

# Then there is no hypercall between the two.
guest_looks 20000
before_looking=$(looked)
frames "both sides look"
[ $(($(looked) - before_looking)) -gt $rounds ]
ok $? "... and find most answers so" || diag "$(($(looked) - before_looking))"
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
tap_done
