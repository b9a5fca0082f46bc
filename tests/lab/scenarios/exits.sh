#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make bench-exits`: how often an HVM guest exits for each frame of an NE2000.
# Linux's driver, unchanged, on the card of the guest's own device model; then the
# same driver, rewritten, on dom0's card, with several thresholds.  Counted by
# xentrace; what an idle guest exits for in the same time is subtracted.
# Arguments: the guest's kind (hvm, or iommu: see ports.sh), frames of a phase,
# thresholds.
# Where the interrupt is a timer's (hvm), each of its calls is a batch of an idle guest,
# too; it is made slow here, so that they don't hide the frames.
# check: only by name: it measures, and judges nothing
# lab: --timeout 580
# lab: --qemu '-netdev hubport,id=h0,hubid=7 -device ne2k_isa,iobase=0x300,irq=3,netdev=h0,mac=52:54:00:4e:45:00 -netdev hubport,id=h1,hubid=7 -device e1000,netdev=h1,mac=52:54:00:4e:45:01 -device amd-iommu,intremap=on'

type=${1:-iommu} frames=${2:-50}
shift $(($# < 2 ? $# : 2))
thresholds=${*:-1 4 16 64}
drivers=/usr/lib/xen-vsys/tests/drivers

# wait_for SECONDS COMMAND...
wait_for()
{
	local i=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		i=$((i - 1))
		[ $i -gt 0 ] || return 1
		sleep 0.2
	done
}

# Raw frames of 60 bytes that nobody answers, one every 40 ms; or nothing, as long.
cat >/tmp/frames.pl <<'END'
use strict;
use Time::HiRes qw(sleep);
my ($nr, $name, $to) = @ARGV;
my ($s, $address, $frame);
if ($name) {
	open(my $f, "<", "/sys/class/net/$name/ifindex") or die "$name: $!";
	socket($s, 17, 3, 0) or die "socket: $!";
	$address = pack("S n i S C C a8", 17, 0x88b5, <$f>, 0, 0, 6, pack("H*", $to));
	$frame = pack("H* H* n x46", $to, "020000000001", 0x88b5);
}
for (1 .. $nr) {
	send($s, $frame, 0, $address) or die "send: $!" if $name;
	sleep 0.04;
}
sleep 0.2;
END

# Exits in a trace: all, port instructions, hypercalls, lost records.
cat >/tmp/count.pl <<'END'
use strict;
binmode STDIN;
my ($all, $ports, $calls, $lost) = (0, 0, 0, 0);
local $/;
my $t = <STDIN>;
my $at = 0;
while ($at + 4 <= length $t) {
	my $head = unpack("V", substr($t, $at, 4));
	my ($event, $words, $time) = ($head & 0xfffffff, $head >> 28 & 7, $head >> 31);
	$at += 4 + 8 * $time;
	if ($event == 0x81102) {
		my $code = unpack("V", substr($t, $at, 4));
		$all++;
		$ports++ if $code == 0x7b;
		$calls++ if $code == 0x81;
	}
	$lost++ if $event == 0x1f001;
	$at += 4 * $words;
}
print "$all $ports $calls $lost\n";
END

# phase COMMAND...: what count.pl says of the time that it takes
phase()
{
	xentrace -D -S 1024 -e 0x0008f000 /tmp/trace >/dev/null 2>&1 &
	trace=$!
	sleep 0.5
	"$@" >&2 </dev/null
	kill $trace
	wait $trace
	perl /tmp/count.pl </tmp/trace
}

in_guest() { guest run g "perl /tmp/frames.pl $*"; }

# measure LABEL GUEST-INTERFACE DOM0-INTERFACE MAC
measure()
{
	local way idle busy
	for way in sent received; do
		case $way in
		sent)
			read -r -a idle <<<"$(phase in_guest "$frames")"
			read -r -a busy <<<"$(phase in_guest "$frames" "$2" 020000000002)"
			;;
		received)
			read -r -a idle <<<"$(phase perl /tmp/frames.pl "$frames")"
			read -r -a busy <<<"$(phase perl /tmp/frames.pl "$frames" "$3" "$4")"
			;;
		esac
		awk -v l="$1" -v w=$way -v n="$frames" -v i="${idle[*]}" -v b="${busy[*]}" 'BEGIN {
			split(i, x, " "); split(b, y, " ")
			printf "%-28s %-9s %8.1f %8.1f %10.1f %6d\n", l, w, (y[2] - x[2]) / n, (y[3] - x[3]) / n, (y[1] - x[1]) / n, x[4] + y[4] }'
	done
}

guest_nic()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest run g 'for i in /sys/class/net/*; do [ "$(cat $i/address)" != '"$1"' ] || basename $i; done'
}

modprobe -a e1000 tun
wait_for 20 sh -c 'ls /sys/bus/pci/drivers/e1000/*/net/*'
nic=$(basename "$(ls -d /sys/bus/pci/drivers/e1000/*/net/*)")
echo 1 >"/proc/sys/net/ipv6/conf/$nic/disable_ipv6"
ip link set "$nic" up arp off
ip tuntap add tap0 mode tap
echo 1 >/proc/sys/net/ipv6/conf/tap0/disable_ipv6
ip link set tap0 up arp off

args=(--type hvm --mem 320 --vcpus 1 --append 'io_delay=none ipv6.disable=1 xen_vsysfront.ports_irq_us=20000' --vsys 'ioport=0x300-0x31f,name=ne0,irq=3')
args+=(--xl 'device_model_args_hvm=["-netdev","tap,id=n0,ifname=tap0,script=no,downscript=no","-device","ne2k_isa,iobase=0x340,irq=10,netdev=n0,mac=52:54:00:4e:45:02"]')
[ "$type" != iommu ] || args+=(--xl 'passthrough="enabled"')
guest start g "${args[@]}" || exit 1
guest put g /tmp/frames.pl /tmp/frames.pl

echo "exits for a frame of 60 bytes, $frames frames, less those of an idle guest"
printf '%-28s %-9s %8s %8s %10s %6s\n' "" "" ports calls all lost
guest run g "insmod $drivers/plain/8390p.ko && insmod $drivers/plain/ne.ko io=0x340 irq=10"
eth=$(guest_nic 52:54:00:4e:45:02)
guest run g "ip link set $eth up arp off"
measure "device model" "$eth" tap0 5254004e4502
guest run g "ip link set $eth down; rmmod ne 8390p"

wait_for 20 guest run g 'grep -q ^irq: /sys/kernel/debug/xen-vsysfront/*'
irq=$(guest run g 'cat /sys/kernel/debug/xen-vsysfront/*' | sed -n 's/^irq: //p')
for threshold in $thresholds; do
	guest run g "modprobe xen-vpio-vsys profile=ne2000 threshold=$threshold && insmod $drivers/8390p.ko && insmod $drivers/ne.ko io=0x300 irq=$irq"
	eth=$(guest_nic 52:54:00:4e:45:00)
	guest run g "ip link set $eth up arp off"
	measure "rewritten, threshold $threshold" "$eth" "$nic" 5254004e4500
	guest run g "ip link set $eth down; rmmod ne 8390p xen-vpio-vsys"
done
guest run g 'cat /sys/kernel/debug/xen-vsysfront/*' | grep irq_source
