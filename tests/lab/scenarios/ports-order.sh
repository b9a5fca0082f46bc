#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The ordering rules of docs/asm-pp.md on the real way to dom0's ports: a module in an
# HVM guest makes accesses by order, rewritten by asm-pp, to an NE2000 that dom0 has and
# doesn't use. Then NMIs, refused ports, the card that comes again, a guest that suspends,
# a back-end that lies or says nothing, and a guest that panics.
# lab: --timeout 500
# lab: --qemu '-netdev hubport,id=h0,hubid=7 -device ne2k_isa,iobase=0x300,irq=3,netdev=h0,mac=52:54:00:4e:45:00'

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

type=${1:-hvm}
# The guest's own port 0x307 is a register that keeps what was written: who reaches it in
# the place of dom0's is found out.
own=()
[ "$type" != hvm ] || own=(--xl 'device_model_args_hvm=["-chardev","null,id=s0","-device","isa-serial,iobase=0x300,irq=7,chardev=s0"]')
guest start g --type "$type" --mem 320 --vcpus 2 --append 'io_delay=none 8250.nr_uarts=0' "${own[@]}" \
	--vsys 'ioport=0x300-0x31f,name=ne0'
wait_for 20 sh -c "xen-vsys list g | grep ne0 | grep connected"
ok $? "the ports of dom0's card are lent and connected" || diag "$(tail -n 20 /var/log/xen/xen-vsysd.log)"

# io ACTIONS: what the inputs said (tests/lab/vpiotest)
io() { guest run g "echo '$*' >/sys/kernel/debug/vpiotest && cat /sys/kernel/debug/vpiotest" </dev/null; }
count() { guest run g "cat /sys/kernel/debug/xen-vpio" </dev/null | sed -n "s/^$1: //p"; }
front() { guest run g "cat /sys/kernel/debug/xen-vsysfront/*" </dev/null | sed -n "s/^$1: //p"; }
claim() { guest run g "rmmod xen-vpio-vsys 2>/dev/null; modprobe xen-vpio-vsys name=ne0 more=16 threshold=64 profile=$1" </dev/null; }

# What dom0's card has there, without the guest: an access of dom0's own.
card()
{
	perl -e 'open(my $f, "+<", "/dev/port") or die "/dev/port: $!"; sysseek($f, hex(shift), 0);
		sysread($f, my $v, 1); printf "%x\n", ord($v)' "$1"
}
card_is() { [ "$(card "$1")" = "$2" ]; }

# counts WORD...: now, for changed
counts() { for word in "$@"; do echo "$word $(count "$word")"; done >/tmp/counts; }
# changed WORD: by how much, since counts
changed() { echo $(($(count "$1") - $(sed -n "s/^$1 //p" /tmp/counts))); }

guest run g 'modprobe xen-vpio && modprobe vpiotest'
ok $? "the guest's runtime and the test module are there"
if [ "$type" = hvm ]; then
	is "$(io 'o 307 a5 i 307')" a5 "ports that nobody claimed are the guest's own"
fi
claim none
ok $? "dom0's are claimed"

# --- order, nothing known of the card ---------------------------------------

# Page 0, remote DMA off; byte by byte.
io 'o 300 21 o 30e 48' >/dev/null
is "$(io 'o 303 4c i 303 o 303 4d i 303 o 303 4e o 303 4f i 303')" "4c 4d 4f" "write, then read, of one register"
is "$(io 'o 300 61 o 301 11 o 302 22 o 300 21 o 303 4c o 300 61 i 302 i 301 o 300 21 i 303')" "22 11 4c" "index and data: a bank's registers"
# Address, length and command are ports of their own; the card's memory is behind one.
write_at() { echo "o 308 $2 o 309 $1 o 30a $3 o 30b 0 o 300 12"; }
read_at() { echo "o 308 $2 o 309 $1 o 30a $3 o 30b 0 o 300 a"; }
is "$(io "irqoff $(write_at 41 0 4) s 310 1 2 3 4 . $(write_at 42 0 4) s 310 5 6 7 8 . $(read_at 41 0 4) r 310 4 $(read_at 42 2 2) r 310 2 $(read_at 41 1 2) r 310 2 o 300 21")" \
	"1 2 3 4 7 8 2 3" "index and data: blocks of the card's memory, with interrupts off"
is "$(io "hardirq $(write_at 43 0 2) s 310 9 a . $(read_at 43 0 2) r 310 2 o 300 21")" "9 a" "... and in an interrupt handler"
counts batches waits outs
is "$(io 'irqoff n 40 o 303 50 o 303 51 i 303')" "$(printf '51%.0s ' {1..40} | sed 's/ $//')" "80 outputs and 40 inputs"
is "$(changed waits) $(changed batches)" "40 40" "... are a batch for each input, when nothing is known"
is "$(io 'pairs 300 300')" "0 0" "two CPUs under a lock: index and data stay together"

# --- when a batch leaves -------------------------------------------------------

claim ne2000
io 'o 300 21 o 303 4c i 300' >/dev/null
counts batches waits by_doorbell by_tick by_flush outs
is "$(io 'irqoff o 303 55 o 30f 1')" "" "a doorbell"
is "$(changed by_doorbell) $(changed batches) $(changed waits)" "1 1 0" "... takes along what was before it, and nobody waits"
wait_for 5 card_is 303 55
ok $? "... and all of it has come to the card"
counts batches by_doorbell by_tick by_flush
io 'o 303 56' >/dev/null
wait_for 5 card_is 303 56
ok $? "an output that nothing follows comes to the card"
is "$(changed by_tick) $(changed batches)" "1 1" "... with the next tick"
counts batches by_tick by_flush
io 'hardirq o 303 57' >/dev/null
wait_for 5 card_is 303 57
ok $? "the output of an interrupt handler comes to the card"
is "$(changed by_flush) $(changed by_tick) $(changed batches)" "1 0 1" "... when it returns, without a tick"
counts batches by_threshold
io 'irqoff n 70 o 303 58' >/dev/null
wait_for 5 card_is 303 58
is "$(changed by_threshold)" 1 "more than the threshold: a batch"
counts batches outs ins
io 'irqoff n 500 o 80 0' >/dev/null
is "$(changed outs) $(changed batches)" "0 0" "an outb to 0x80 costs nothing"
counts waits known
is "$(io 'irqoff o 303 60 i 303 o 303 61 i 303')" "60 61" "what a plain register keeps"
is "$(changed waits) $(changed known)" "0 2" "... is known without dom0"
# Read ahead only as long as nothing was written: ISR after its acknowledge is asked for.
io 'o 300 22 o 307 ff' >/dev/null
counts waits
is "$(io 'irqoff o 300 22 o 30a 0 o 30b 0 o 300 a i 307 o 307 40 i 307 o 300 21')" "40 0" "the interrupt's status after its acknowledge"
is "$(changed waits)" 2 "... is dom0's, each time"

# --- NMI ---------------------------------------------------------------------------

# nmis COUNT: so many accesses that NMIs interrupt, each of which makes four to 0x303; and
# some to the guest's own 0x3ff, which keeps what was written, too.
nmis() { read -r nmis within nmi_bad bad < <(io "nmi 303 3ff $1"); }
no_nmis="NMIs of this kind are the machine's own, a PV guest has none"

claim none
io 'o 300 21' >/dev/null
if [ "$type" = pv ]; then
	skip "$no_nmis" "accesses in NMIs"
else
	counts lost
	nmis 300
	is "$bad" 0 "accesses that NMIs interrupt do what they did"
	is "$nmi_bad" 0 "in the NMI claimed ports read as all ones, others work"
	[ $((16#$nmis)) -gt 100 ]
	ok $? "... in each of many" || diag "$((16#$nmis)) NMIs"
	is "$(changed lost)" $((16#$nmis * 4)) "... what the NMI wrote is lost and counted, and so are its inputs"
fi

# --- ports that are not lent ---------------------------------------------------

claim none
before=$(grep -c 'is denied' /var/log/xen/xen-vsysd.log)
denied=$(front batches_denied)
is "$(io 'irqoff o 303 11 o 320 99 i 321 o 303 12 i 303 i 320')" "ff 12 ff" "of a batch the refused ports are left out: all ones; the rest is done in order"
[ "$(($(front batches_denied) - denied))" = 2 ]
ok $? "... the batches are counted"
io 'n 5 i 322' >/dev/null
is "$(($(grep -c 'is denied' /var/log/xen/xen-vsysd.log) - before))" 1 "... and dom0 has said so once"
is "$(io 'o 303 13 i 303')" 13 "... and the guest goes on"

# --- suspend --------------------------------------------------------------------------

answers() { [ "$(io 'o 300 21 o 303 33 i 303')" = 33 ]; }

# Since "watch 307 a5": WHAT came, and no access was to the guest's own ports meanwhile.
unseen()
{
	local same others

	io 'stop' >/tmp/watched
	read -r same others </tmp/watched
	diag "$((16#${same:-0})) reads of the guest's own port, $((16#${others:-0})) others"
	if [ "$type" = pv ]; then
		skip "a PV guest has no ports of its own that would say so" "$1: no access was to the guest's own ports"
	else
		[ "$same" = 0 ] && [ $((16#${others:-0})) -gt 100 ]
		ok $? "$1: no access was to the guest's own ports"
	fi
}

# The accesses are made when all devices are suspended, in the last moment before
# xen-vpio is: interrupts are off, so no tick comes.
io 'o 300 21' >/dev/null
counts batches by_input by_flush by_tick
io 'suspend o 303 64 i 303 o 303 65' >/dev/null
xl save -c g /dev/null >/tmp/out 2>&1
ok $? "the guest suspends and goes on" || diag "$(cat /tmp/out)"
wait_for 60 guest run g true
is "$(guest run g 'cat /sys/kernel/debug/vpiotest' </dev/null)" 64 "an input in the last moment is dom0's"
is "$(changed by_input) $(changed by_flush) $(changed by_tick)" "1 1 0" "... an output leaves by the suspend, not by the tick after it"
is "$(card 303)" 65 "... and has come to the card"
is "$(io 'o 303 35 i 303')" 35 "... and then the guest goes on as before"

if [ "$type" = pv ]; then
	skip "a PV guest has no ACPI" "ACPI's S3"
else
	counts by_flush by_tick
	io 'suspend o 303 67' >/dev/null
	# All of it but the machine's own part, in the place of which are 5 s.
	guest run g 'echo core >/sys/power/pm_test; echo mem >/sys/power/state' </dev/null
	ok $? "the guest suspends by ACPI"
	is "$(changed by_flush) $(changed by_tick) $(card 303)" "1 0 67" "... what waited has left by that"
	wait_for 60 answers
	ok $? "... and then the guest goes on"
fi

io 'watch 307 a5' >/dev/null
io 'suspend o 303 66' >/dev/null
xl save g /tmp/g.save >/tmp/out 2>&1
! xl domid g >/dev/null 2>&1
ok $? "a guest is saved" || diag "$(cat /tmp/out)"
is "$(card 303)" 66 "... what waited has come to the card, though the guest runs no more"
xl restore /tmp/g.save >/tmp/out 2>&1
ok $? "... and restored" || diag "$(cat /tmp/out)"
rm /tmp/g.save
wait_for 60 answers
ok $? "... as another domain it has the ports again" || diag "$(tail -n 20 /var/log/xen/xen-vsysd.log)"
unseen "... and meanwhile"

# --- the card goes and comes again ----------------------------------------------

again()
{
	xen-vsys attach --wait g ioport=0x300-0x31f,name=ne0 >/tmp/out 2>&1 || diag "$(cat /tmp/out)"
	wait_for 20 sh -c "xen-vsys list g | grep ne0 | grep connected"
}
io 'watch 307 a5' >/dev/null
for _ in 1 2 3; do
	xen-vsys detach g ne0
	again
	wait_for 20 answers || diag "no answer"
done
unseen "a card that goes and comes again"
wait_for 20 answers
ok $? "... and it works again"

# --- a back-end that is not one -------------------------------------------------

guest run g 'echo 2000 >/sys/module/xen_vsysfront/parameters/ports_limit_ms'
domid=$(guest domid g)
# worker SIGNAL
worker() { pgrep -f "xen-vsys-worker $domid( |\$)" | xargs kill "$1"; }
complaints() { guest run g dmesg </dev/null | grep 'the back-end sent'; }
# The one after those that were there before.
complaint() { complaints | tail -n "+$((before + 1))" | tail -n 1; }

# An honest back-end again.
revive()
{
	worker -CONT
	xen-vsys detach g ne0
	again
	wait_for 20 answers
	ok $? "... and a card that comes again works"
}

# lies CASE PATTERN
lies()
{
	before=$(complaints | wc -l)
	worker -STOP
	$tests/hostile-back "$domid" "$1" >/tmp/hostile 2>&1 &
	wait_for 10 grep -q ready /tmp/hostile
	is "$(io 'i 307')" ff "a back-end that answers with $1: the driver reads all ones"
	wait $! || diag "$(cat /tmp/hostile)"
	wait_for 10 eval "complaint | grep -q '$2'"
	ok $? "... and the guest says: $2" || diag "$(complaint)"
	revive
}

lies id 'a response to no request'
lies idle 'a response to no request'
lies op 'a response of another operation'
lies positive 'a status above zero'
lies value 'another number of port accesses'
lies failed 'an error for a batch'
lies beyond 'a response index beyond the requests'

worker -STOP
begin=$(guest run g 'cut -d. -f1 /proc/uptime' </dev/null)
is "$(io 'i 307')" ff "a back-end that never answers: the driver reads all ones"
took=$(($(guest run g 'cut -d. -f1 /proc/uptime' </dev/null) - begin))
[ "$took" -ge 1 ] && [ "$took" -le 10 ]
ok $? "... after the limit of 2 s" || diag "$took s"
is "$(io 'irqoff n 50 i 307 o 303 1')" "$(printf 'ff%.0s ' {1..50} | sed 's/ $//')" "... and at once from then on"
wait_for 10 eval "complaint | grep -q 'no answer to port accesses in time'"
ok $? "... and the guest says so" || diag "$(complaint)"
revive

# It waits in vain for 2 s, with the queue's lock, and interrupts off.
worker -STOP
if [ "$type" = pv ]; then
	skip "$no_nmis" "NMIs while the CPU has the queue's lock"
else
	nmis 1
	[ $((16#$within)) -gt 20 ]
	ok $? "many NMIs while the CPU has the queue's lock: nothing is stuck" || diag "$((16#$within)) of $((16#$nmis)) NMIs"
	is "$nmi_bad $bad" "0 1" "... each has what an NMI has, and the access its end"
fi
revive
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"

# --- panic -------------------------------------------------------------------------

# The last output is still in the queue when the kernel panics.
guest run g "sync; echo 'irqoff o 303 6b panic' >/sys/kernel/debug/vpiotest" </dev/null >/tmp/out 2>&1 &
wait_for 20 card_is 303 6b
ok $? "what waits when the guest panics comes to the card"
wait_for 30 eval '! xl domid g'
like "$(dmesg | grep -cE 'BUG:|WARNING:|Oops|Call Trace')" '^0$' "dom0's kernel has nothing to complain about" || diag "$(dmesg | tail -40)"
tap_done
