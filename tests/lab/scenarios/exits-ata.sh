#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make bench-exits`, its second part: how often an HVM guest exits for each 4 KiB that it
# reads from or writes to an ATA disk in PIO mode.  Linux's drivers, libata and
# pata_platform, unchanged, on a disk of the guest's own device model; then the same ones,
# rewritten, on dom0's disk: with interrupts and polling, with what is known of the disk and
# without, and without and with looking (docs/performance.md) on both sides.
# Counted by xentrace, in requests of 4 KiB and of 64 KiB, which are direct and one after
# the other.
# The interrupt of the rewritten ones is a timer's: calls of the handler that find the disk
# still busy are a batch each, and are counted.
# Arguments: requests of 4 KiB (256; of 64 KiB an eighth).
# The lines "json {...}" are for programs.
# check: only by name: it measures, and judges nothing
# lab: --timeout 900
# lab: --qemu '-drive if=none,id=d9,driver=null-co,size=67108864,read-zeroes=on,snapshot=on -device isa-ide,id=ide9,iobase=0x180,iobase2=0x18e,irq=15 -device ide-hd,bus=ide9.0,drive=d9'

requests=${1:-256}
drivers=/usr/lib/xen-vsys/tests/drivers

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh
# shellcheck source=tests/tools/exits.sh
. /usr/lib/xen-vsys/tests/exits.sh

columns="ports batch_hypercalls all waits"

# move read|write KIB REQUESTS
move()
{
	local way="if=/dev/$sd of=/dev/null iflag=direct"
	[ "$1" = read ] || way="if=/tmp/data of=/dev/$sd oflag=direct conv=notrunc"
	guest run g "dd $way bs=${2}k count=$3 2>/dev/null"
}

# measure LABEL
measure()
{
	local way kib nr
	dd if=/dev/urandom of=/tmp/data bs=64k count=$((requests / 8)) 2>/dev/null
	guest put g /tmp/data /tmp/data
	# How long blocks are is learned.
	if ! move write 64 2 || ! move read 64 2; then
		fail "$1: nothing moves"
	fi
	for kib in 4 64; do
		nr=$requests
		[ $kib = 4 ] || nr=$((requests / 8))
		for way in write read; do
			phase /tmp/busy move $way $kib "$nr"
			awk -v label="$1" -v way=$way -v kib=$kib -v n=$((nr * kib / 4)) -v columns="$columns" '
				{ v[$1] = $2 / n; keys[++k] = $1 }
				END {
					v["stand_in"] = v["ports"] + v["batch_hypercalls"]
					# Xen may begin a multicall anew, after it has let others run.
					if (v["multi"] > v["batch_both"])
						v["stand_in"] += v["multi"] - v["batch_both"]
					keys[++k] = "stand_in"
					printf "%-34s %-5s %2d KiB %8.2f", label, way, kib, v["stand_in"]
					m = split(columns, c, " ")
					for (i = 1; i <= m; i++) printf " %8.2f", v[c[i]]
					printf " %8d\n", v["lost"] * n
					printf "json {\"case\": \"ATA: %s\", \"way\": \"%s%d\"", label, way, kib
					for (i = 1; i <= k; i++) printf ", \"%s\": %.3f", keys[i], v[keys[i]]
					print "}"
				}' /tmp/busy
		done
	done
	# What was counted was the right thing.
	[ "$(guest run g "dd if=/dev/$sd bs=64k count=$((requests / 8)) iflag=direct 2>/dev/null | sha256sum")" = \
		"$(sha256sum </tmp/data)" ] || fail "$1: what was read is not what was written"
}

# driver DIR IO IRQ: loads it, and finds the disk
driver()
{
	guest run g "modprobe atadev io=$2 irq=$3 && insmod $1/pata_platform.ko" || fail "no driver in $1"
	# shellcheck disable=SC2016 # the guest's shell expands it
	wait_for 20 guest run g 'cat /sys/block/sd*/size' || fail "no disk"
	# shellcheck disable=SC2016
	sd=$(guest run g 'basename $(ls -d /sys/block/sd*)' </dev/null)
}

# start SPIN: a guest, whose worker looks so long
start()
{
	spin_daemon "$1"
	GUEST_LIMIT=450 guest start g "${args[@]}" || fail "no guest"
	wait_for 20 guest run g 'grep -q ^irq: /sys/kernel/debug/xen-vsysfront/*'
	irq=$(guest run g 'cat /sys/kernel/debug/xen-vsysfront/*' | sed -n 's/^irq: //p')
	guest run g 'modprobe sd_mod'
}

# rewritten LABEL PROFILE THRESHOLD SPIN IRQ
rewritten()
{
	guest run g "echo $4 >/sys/module/xen_vsysfront/parameters/ports_spin_us;
		modprobe xen-vpio-vsys profile=$2 threshold=$3 && insmod $drivers/libata.ko" || fail "$1: no runtime"
	driver $drivers 0x180 "$5"
	measure "$1"
	guest run g "rmmod pata_platform atadev libata xen-vpio-vsys"
}

modprobe brd rd_nr=1 rd_size=65536
args=(--type hvm --mem 320 --vcpus 1 --append 'io_delay=none' --vsys 'ioport=0x180-0x18f,name=ide0,irq=15')
args+=(--xl 'device_model_args_hvm=["-drive","if=none,id=d8,file=/dev/ram0,format=raw","-device","isa-ide,id=ide8,iobase=0x1a0,iobase2=0x1ae,irq=10","-device","ide-hd,bus=ide8.0,drive=d8"]')

echo "exits for 4 KiB, $requests requests of 4 KiB and $((requests / 8)) of 64 KiB"
echo "stand-in: port exits and the hypercalls of batches"
printf '%-34s %-12s %8s' "" "" stand-in
for column in $columns lost; do
	printf ' %8s' "${column#batch_hyper}"
done
echo

start 0
guest run g "modprobe libata"
driver $drivers/plain 0x1a0 10
measure "device model"
guest run g "rmmod pata_platform atadev"
driver $drivers/plain 0x1a0 0
measure "device model, polled"
guest run g "rmmod pata_platform atadev libata"
rewritten "nothing known, threshold 64" none 64 0 "$irq"
rewritten "threshold 64" ata 64 0 "$irq"
rewritten "threshold 64, polled" ata 64 0 0
guest stop g

start 20000
rewritten "threshold 64, both look" ata 64 20000 "$irq"
rewritten "threshold 64, both look, polled" ata 64 20000 0
