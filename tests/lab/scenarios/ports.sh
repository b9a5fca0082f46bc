#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An ISA card of dom0 in an HVM guest: Linux's own NE2000 driver, rewritten, sends
# its port accesses in batches to dom0, which carries them out.  Ping, a file both
# ways, a port that is not lent, and the card goes while the driver is there.
# dom0's end of the cable is an e1000e, for its MSI: with the IOMMU of this machine an e1000's
# level-triggered interrupt stopped for ever in one of ten runs.
# lab: --timeout 600
# lab: --qemu '-netdev hubport,id=h0,hubid=7 -device ne2k_isa,iobase=0x300,irq=3,netdev=h0,mac=52:54:00:4e:45:00 -netdev hubport,id=h1,hubid=7 -device e1000e,netdev=h1,mac=52:54:00:4e:45:01 -device amd-iommu,intremap=on'

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

drivers=$tests/drivers
if [ ! -e $drivers/ne.ko ]; then
	echo "1..0 # SKIP needs the package linux-source where it is built"
	exit 0
fi
# iommu: hvm with one, so that Xen gives it the interrupt; hvm; pv.
type=${1:-iommu}
guest=(--type "$type" --mem 320 --vcpus 1 --append io_delay=none)
source=timer
case $type in
iommu)
	guest+=(--type hvm --xl 'passthrough="enabled"')
	source=xen
	;;
pv)
	source=xen
	;;
esac

# dom0 is at the other end of the wire, with a card that it drives itself.
modprobe e1000e
wait_for 20 sh -c 'ls /sys/bus/pci/drivers/e1000e/*/net/*'
nic=$(basename "$(ls -d /sys/bus/pci/drivers/e1000e/*/net/*)")
ip addr add 10.77.0.1/24 dev "$nic"
ip link set "$nic" up

# echo N: pings; ADDRESS PORT: serve FILE, or fetch one to standard output.
cat >/tmp/net.pl <<'END'
use strict;
use Socket;
use Time::HiRes qw(time);
my ($what, $address, $arg, $file) = @ARGV;
$| = 1;
if ($what eq "ping") {
	socket(my $s, PF_INET, SOCK_RAW, 1) or die "socket: $!";
	my $to = pack_sockaddr_in(0, inet_aton($address));
	my ($came, $sum) = (0, 0);
	for my $n (1 .. $arg) {
		my $data = pack("C2 n3 a56", 8, 0, 0, $$ & 0xffff, $n, "x" x 56);
		my $check = 0;
		$check += $_ for unpack("n*", $data);
		$check = ($check & 0xffff) + ($check >> 16) for 1 .. 2;
		substr($data, 2, 2) = pack("n", ~$check & 0xffff);
		my $begin = time;
		send($s, $data, 0, $to) or die "send: $!";
		my $until = $begin + 2;
		while (time < $until) {
			my $in = "";
			vec($in, fileno($s), 1) = 1;
			select($in, undef, undef, $until - time) or last;
			recv($s, my $got, 2048, 0);
			my ($type, $id, $seq) = unpack("x20 C x3 n2", $got);
			next unless $type == 0 && $id == ($$ & 0xffff) && $seq == $n;
			$came++;
			$sum += time - $begin;
			last;
		}
	}
	printf "%d of %d came, %.1f ms\n", $came, $arg, $came ? 1000 * $sum / $came : 0;
} elsif ($what eq "serve") {
	socket(my $l, PF_INET, SOCK_STREAM, 6) or die "socket: $!";
	setsockopt($l, SOL_SOCKET, SO_REUSEADDR, pack("i", 1));
	bind($l, pack_sockaddr_in($arg, inet_aton($address))) or die "bind: $!";
	listen($l, 1);
	accept(my $s, $l);
	open(my $f, "<", $file) or die "$file: $!";
	while (sysread($f, my $piece, 65536)) {
		print $s $piece;
	}
} else {
	socket(my $s, PF_INET, SOCK_STREAM, 6) or die "socket: $!";
	connect($s, pack_sockaddr_in($arg, inet_aton($address))) or die "connect: $!";
	while (sysread($s, my $piece, 65536)) {
		print $piece;
	}
}
END

guest start g "${guest[@]}" \
	--vsys 'ioport=0x300-0x31f,name=ne0,irq=3'
wait_for 20 sh -c "xen-vsys list g | grep ne0 | grep connected"
ok $? "the ports of dom0's card are lent and connected" || {
	diag "$(xen-vsys list g)"
	diag "$(tail -n 20 /var/log/xen/xen-vsysd.log)"
	diag "$(guest run g dmesg | tail -n 20)"
}
guest put g /tmp/net.pl /tmp/net.pl

# A line of xen-vpio's counters, or of the front-end's.
count() { guest run g "cat /sys/kernel/debug/xen-vpio" | sed -n "s/^$1: //p"; }
front() { guest run g "cat /sys/kernel/debug/xen-vsysfront/*" | sed -n "s/^$1: //p"; }

# Sixteen ports more are claimed than are lent, to see them refused.
guest run g 'modprobe xen-vpio-vsys name=ne0 profile=ne2000 threshold=64 more=16'
ok $? "the guest's runtime claims them"
irq=$(front irq)
like "$irq" '^[1-9][0-9]*$' "... and there is an interrupt"
is "$(front irq_source)" $source "... which is called by whom it should be"

guest run g "insmod $drivers/8390p.ko; insmod $drivers/ne.ko io=0x320 irq=$irq" >/tmp/out 2>&1
[ $? -ne 0 ]
ok $? "a port beyond the range: no card is found there"
like "$(tail -n 50 /var/log/xen/xen-vsysd.log)" 'port 0x320 is denied: 0x300-0x31f are lent' "... dom0 says why"
like "$(front batches_denied)" '^[1-9]' "... and the guest goes on"

guest run g "insmod $drivers/ne.ko io=0x300 irq=$irq" >/tmp/out 2>&1
ok $? "the rewritten driver finds the card" || diag "$(cat /tmp/out; guest run g dmesg | tail -n 20)"
# shellcheck disable=SC2016 # the guest's shell expands it
eth=$(guest run g 'for i in /sys/class/net/*; do [ "$(cat $i/address)" = 52:54:00:4e:45:00 ] && basename $i; done')
like "$eth" . "... it has read the card's address"
guest run g "ip addr add 10.77.0.2/24 dev $eth && ip link set $eth up"
ok $? "the card is up" || diag "$(guest run g dmesg | tail -n 20)"

before=$(count batches) posted=$(count posted) accesses=$(($(count outs) + $(count ins)))
like "$(guest run g 'timeout 60 perl /tmp/net.pl ping 10.77.0.1 20' | tee /tmp/out)" '^20 of 20 came' "ping"
after=$(count batches) accesses=$(($(count outs) + $(count ins) - accesses))
diag "$(cat /tmp/out): $accesses port accesses in $((after - before)) batches"
# The timer's calls of the handler are two accesses and a batch, and however many.
few=$([ $source = timer ] && echo 3/2 || echo 3)
[ $((after - before)) -gt 0 ] && [ $(((after - before) * $few)) -lt $accesses ]
ok $? "... 1 batch for $few accesses, or fewer batches"
[ $(($(count posted) - posted)) -ge 20 ]
ok $? "... and for the end of each frame's way into the card dom0 waits"

head -c 400000 /dev/urandom >/tmp/file
perl /tmp/net.pl serve 10.77.0.1 7000 /tmp/file &
wait_for 10 grep -q :1B58 /proc/net/tcp
begin=$(date +%s.%N)
is "$(guest run g 'timeout 60 perl /tmp/net.pl fetch 10.77.0.1 7000 | sha256sum')" "$(sha256sum </tmp/file)" "400,000 bytes into the guest"
middle=$(date +%s.%N)
guest run g 'head -c 400000 /dev/urandom >/tmp/file; timeout 60 perl /tmp/net.pl serve 10.77.0.2 7001 /tmp/file' &
wait_for 10 guest run g 'grep -q :1B59 /proc/net/tcp'
is "$(timeout 60 perl /tmp/net.pl fetch 10.77.0.2 7001 | sha256sum)" "$(guest run g 'sha256sum </tmp/file')" "400,000 bytes out of it"
diag "into the guest: $(awk "BEGIN { print $middle - $begin }") s"
diag "$(guest run g "cat /sys/kernel/debug/xen-vpio /sys/kernel/debug/xen-vsysfront/*; ip -s link show $eth" | tr '\n' ' ')"

# The card goes.
xen-vsys detach g ne0
ok $? "the card is detached while the driver uses it"
like "$(guest run g 'timeout 20 perl /tmp/net.pl ping 10.77.0.1 1')" '^0 of 1' "... nothing answers any more"
guest run g "timeout 60 ip link set $eth down; timeout 60 rmmod ne 8390p && rmmod xen-vpio-vsys xen-vpio"
ok $? "... the driver and the runtime can be unloaded"
guest run g 'rmmod xen_vsysfront'
ok $? "... and the front-end"
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
like "$(dmesg | grep -cE 'BUG:|WARNING:|Oops|Call Trace')" '^0$' "nor has dom0's" || diag "$(dmesg | tail -40)"
tap_done
