#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make bench-exits`: how often an HVM guest exits for each frame of an NE2000.
# Linux's driver, unchanged, on the card of the guest's own device model; then the
# same driver, rewritten, on dom0's card: with several thresholds, with what is known of
# the card and without, and without and with looking (docs/performance.md) on either side.
# Counted by xentrace; what an idle guest exits for in the same time is subtracted.
# Arguments: the guest's kind (hvm; iommu: see ports.sh), frames of a phase (27),
# thresholds.
# Where the interrupt is a timer's (hvm), each of its calls makes batches of an idle guest,
# too.  A frame, or a burst, needs one call, as it would have one interrupt: batches of
# as many calls as there were more are subtracted.
# The lines "json {...}" are for the program that draws the plot.
# check: only by name: it measures, and judges nothing
# lab: --timeout 1200
# lab: --qemu '-netdev hubport,id=h0,hubid=7 -device ne2k_isa,iobase=0x300,irq=3,netdev=h0,mac=52:54:00:4e:45:00 -netdev hubport,id=h1,hubid=7 -device e1000e,netdev=h1,mac=52:54:00:4e:45:01 -device amd-iommu,intremap=on'

type=${1:-hvm} frames=${2:-27}
shift $(($# < 2 ? $# : 2))
thresholds=${*:-1 8 64}
drivers=/usr/lib/xen-vsys/tests/drivers

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/spin.sh
. /usr/lib/xen-vsys/tests/spin.sh
# shellcheck source=tests/tools/exits.sh
. /usr/lib/xen-vsys/tests/exits.sh

# Raw frames of 60 bytes that nobody answers, one every 40 ms (BURST: so many at once, every
# second, until it is the same number); or nothing, as long.  The driver's handler takes
# nine frames and then acknowledges all: what comes while it still fetches the burst before
# stays in the card.  The slowest way to fetch nine (threshold 1) takes a third of a second.
cat >/tmp/frames.pl <<'END'
use strict;
use Time::HiRes qw(sleep);
my ($nr, $burst, $name, $to) = @ARGV;
my ($s, $address, $frame);
if ($name) {
	open(my $f, "<", "/sys/class/net/$name/ifindex") or die "$name: $!";
	socket($s, 17, 3, 0) or die "socket: $!";
	$address = pack("S n i S C C a8", 17, 0x88b5, <$f>, 0, 0, 6, pack("H*", $to));
	$frame = pack("H* H* n x46", $to, "020000000001", 0x88b5);
}
for (1 .. $nr / $burst) {
	if ($name) {
		send($s, $frame, 0, $address) or die "send: $!" for 1 .. $burst;
	}
	sleep($burst > 1 ? 1 : 0.04);
}
# Until what was sent last has come.
sleep 0.2;
END

in_guest() { guest run g "perl /tmp/frames.pl $*"; }

columns="ports batch_hypercalls calls all waits"

# came tx|rx: what the guest's driver has sent or received
came() { guest run g "cat /sys/class/net/$eth/statistics/${1}_packets" </dev/null; }

# one_way WAY LABEL GUEST-INTERFACE DOM0-INTERFACE MAC: what happens, in /tmp/busy; without
# frames, in /tmp/idle; how many interrupts it takes, in $interrupts
one_way()
{
	interrupts=$frames
	case $1 in
	sent)
		phase /tmp/idle in_guest "$frames" 1
		phase /tmp/busy in_guest "$frames" 1 "$3" 020000000002
		;;
	received)
		phase /tmp/idle perl /tmp/frames.pl "$frames" 1
		phase /tmp/busy perl /tmp/frames.pl "$frames" 1 "$4" "$5"
		;;
	bursts)
		phase /tmp/idle perl /tmp/frames.pl "$frames" 9
		phase /tmp/busy perl /tmp/frames.pl "$frames" 9 "$4" "$5"
		interrupts=$((frames / 9))
		;;
	esac
}

# measure LABEL GUEST-INTERFACE DOM0-INTERFACE MAC
measure()
{
	local way interrupts direction had try
	for way in sent received bursts; do
		direction=rx
		[ $way != sent ] || direction=tx
		# A frame that comes just when the handler acknowledges stays in the card until the
		# next one comes: so some more come, and all is measured again.
		for try in 1 2 3; do
			had=$(came $direction)
			one_way $way "$@"
			had=$(($(came $direction) - had))
			[ "$had" != "$frames" ] || break
			if [ "$try" = 3 ] || [ $way = sent ]; then
				fail "$1, $way: $had frames of $frames"
			fi
			perl /tmp/frames.pl 3 1 "$3" "$4"
		done
		awk -v label="$1" -v way=$way -v n="$frames" -v columns="$columns" -v irqs="$interrupts" '
			NR == FNR { idle[$1] = $2; next }
			{ busy[$1] = $2 }
			END {
				idle_calls = idle["irq_events"]; more = busy["irq_events"] - irqs
				share = idle_calls <= 0 ? 1 : more > 0 ? more / idle_calls : 0
				lost = busy["lost"] + idle["lost"]
				for (key in busy) {
					v[key] = (busy[key] - idle[key] * (key ~ /^(batch|waits|by_)/ ? share : 1)) / n
					keys[++k] = key
				}
				# Xen may begin a multicall anew, after it has let others run.
				v["stand_in"] = v["ports"] + v["batch_hypercalls"]
				if (v["multi"] > v["batch_both"])
					v["stand_in"] += v["multi"] - v["batch_both"]
				keys[++k] = "stand_in"
				printf "%-34s %-9s %8.2f", label, way, v["stand_in"]
				m = split(columns, c, " ")
				for (i = 1; i <= m; i++) printf " %8.2f", v[c[i]]
				printf " %8d\n", lost
				printf "json {\"case\": \"%s\", \"way\": \"%s\", \"lost\": %d", label, way, lost
				for (i = 1; i <= k; i++) printf ", \"%s\": %.3f", keys[i], v[keys[i]]
				print "}"
			}' /tmp/idle /tmp/busy
	done
}

guest_nic()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest run g 'for i in /sys/class/net/*; do [ "$(cat $i/address)" != '"$1"' ] || basename $i; done'
}

# start SPIN: a guest, whose worker looks so long
start()
{
	spin_daemon "$1"
	GUEST_LIMIT=450 guest start g "${args[@]}" || {
		diag "$(xl list; xl vcpu-list; top -b -n1 -H | head -n 20; tail -n 30 /var/log/xen/console/serial-g.log /var/log/xen/qemu-dm-g.log; tail -n 20 /var/log/xen/xen-vsysd.log)"
		exit 1
	}
	guest put g /tmp/frames.pl /tmp/frames.pl
	wait_for 20 guest run g 'grep -q ^irq: /sys/kernel/debug/xen-vsysfront/*'
	irq=$(guest run g 'cat /sys/kernel/debug/xen-vsysfront/*' | sed -n 's/^irq: //p')
}

# rewritten LABEL PROFILE THRESHOLD SPIN
rewritten()
{
	guest run g "echo $4 >/sys/module/xen_vsysfront/parameters/ports_spin_us;
		modprobe xen-vpio-vsys profile=$2 threshold=$3 && insmod $drivers/8390p.ko && insmod $drivers/ne.ko io=0x300 irq=$irq" ||
		fail "$1: no driver"
	eth=$(guest_nic 52:54:00:4e:45:00)
	guest run g "ip link set $eth up arp off" || fail "$1: no interface"
	measure "$1" "$eth" "$nic" 5254004e4500
	guest run g "ip link set $eth down; rmmod ne 8390p xen-vpio-vsys"
}

modprobe -a e1000e tun
wait_for 20 sh -c 'ls /sys/bus/pci/drivers/e1000e/*/net/*'
nic=$(basename "$(ls -d /sys/bus/pci/drivers/e1000e/*/net/*)")
echo 1 >"/proc/sys/net/ipv6/conf/$nic/disable_ipv6"
ip link set "$nic" up arp off
ip tuntap add tap0 mode tap
echo 1 >/proc/sys/net/ipv6/conf/tap0/disable_ipv6
ip link set tap0 up arp off

args=(--type hvm --mem 320 --vcpus 1 --append 'io_delay=none ipv6.disable=1 xen_vsysfront.ports_irq_us=20000' --vsys 'ioport=0x300-0x31f,name=ne0,irq=3')
args+=(--xl 'device_model_args_hvm=["-netdev","tap,id=n0,ifname=tap0,script=no,downscript=no","-device","ne2k_isa,iobase=0x340,irq=10,netdev=n0,mac=52:54:00:4e:45:02"]')
[ "$type" != iommu ] || args+=(--xl 'passthrough="enabled"')

echo "exits for a frame of 60 bytes, $frames frames, less those of an idle guest"
echo "stand-in: port exits and the hypercalls of batches; bursts: received, 9 at once"
printf '%-34s %-9s %8s' "" "" stand-in
for column in $columns lost; do
	printf ' %8s' "${column#batch_hyper}"
done
echo

start 0
guest run g "insmod $drivers/plain/8390p.ko && insmod $drivers/plain/ne.ko io=0x340 irq=10" ||
	fail "no driver for the device model's card"
eth=$(guest_nic 52:54:00:4e:45:02)
guest run g "ip link set $eth up arp off" || fail "the device model's card: no interface"
measure "device model" "$eth" tap0 5254004e4502
guest run g "ip link set $eth down; rmmod ne 8390p"
rewritten "nothing known, threshold 64" none 64 0
for threshold in $thresholds; do
	rewritten "threshold $threshold" ne2000 "$threshold" 0
done
rewritten "threshold 64, guest looks" ne2000 64 20000
guest stop g

start 20000
rewritten "threshold 64, dom0 looks" ne2000 64 0
for threshold in $thresholds; do
	rewritten "threshold $threshold, both look" ne2000 "$threshold" 20000
done
guest run g 'cat /sys/kernel/debug/xen-vsysfront/*' | grep irq_source
