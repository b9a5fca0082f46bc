# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the lab's dom0: what the guest g exits for, and what batches it makes, in the time that
# a command takes; for scenarios that measure, with tap.sh.

fail()
{
	echo "exits: $*" >&2
	exit 1
}

# Exits in a trace, as "name count" lines: all, port instructions, hypercalls (and which),
# lost records.
cat >/tmp/count.pl <<'END'
use strict;
binmode STDIN;
my %n = map { $_ => 0 } qw(all ports calls hlt timer event sched multi other lost);
my %call = (13 => "multi", 15 => "timer", 24 => "timer", 29 => "sched", 32 => "event");
local $/;
my $t = <STDIN>;
my $at = 0;
while ($at + 4 <= length $t) {
	my $head = unpack("V", substr($t, $at, 4));
	my ($event, $words, $time) = ($head & 0xfffffff, $head >> 28 & 7, $head >> 31);
	$at += 4 + 8 * $time;
	my $first = $words ? unpack("V", substr($t, $at, 4)) : 0;
	if ($event == 0x81102) {
		$n{all}++;
		$n{ports}++ if $first == 0x7b;
		$n{calls}++ if $first == 0x81;
		$n{hlt}++ if $first == 0x78;
	}
	$n{$call{$first} // "other"}++ if $event == 0x82012;
	$n{lost}++ if $event == 0x1f001;
	$at += 4 * $words;
}
print "$_ $n{$_}\n" for sort keys %n;
END

# The counters of the batches, as the front-end and the runtime have them; the unchanged
# driver has none.
batch_counts()
{
	guest run g 'cat /sys/kernel/debug/xen-vsysfront/* /sys/kernel/debug/xen-vpio 2>/dev/null' </dev/null |
		awk -F': *' '/^batch|^irq_events|^waits|^by_/ { n[$1] = $2 }
			     END { for (k in n) print k, n[k] }'
}

# phase FILE COMMAND...: what happened in the time that it takes
phase()
{
	local out=$1
	shift
	batch_counts >/tmp/before
	rm -f /tmp/trace
	xentrace -D -S 1024 -e 0x0008f000 /tmp/trace >/dev/null 2>&1 &
	trace=$!
	# Even an idle guest exits sometimes.
	wait_for 10 test -s /tmp/trace || fail "xentrace says nothing"
	"$@" >&2 </dev/null || fail "$* failed"
	kill $trace
	wait $trace
	batch_counts >/tmp/after
	{
		perl /tmp/count.pl </tmp/trace
		awk 'NR == FNR { v[$1] = $2; next } { print $1, $2 - v[$1] }' /tmp/before /tmp/after
	} >"$out"
}
