#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The character node: memory devices, a seekable one (MTD), a terminal.  Each
# call gives what it gives natively; calls that wait can be interrupted, and
# hold up nobody.
# lab: --timeout 1800

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

modprobe mtdram total_size=4096 erase_size=64
modprobe mtdchar 2>/dev/null
wait_for 10 test -c /dev/mtd0
$tests/file-wait pty /run/tty0 >/run/pty.name &
wait_for 10 test -s /run/pty.name
guest start g --type pv --mem 320 --vcpus 2 \
	--vsys 'dev=/dev/zero,name=vzero' --vsys 'dev=/dev/null,name=vnull' \
	--vsys 'dev=/dev/full,name=vfull' --vsys 'dev=/dev/mtd0,name=mtd/zero' \
	--vsys 'dev=/dev/urandom,name=vrandom' --vsys 'dev=/run/tty0,name=vtty' \
	--vsys 'dev=/dev/kmsg,name=vkmsg,mode=wo'
for node in vzero vnull vfull mtd/zero vrandom vtty vkmsg; do
	wait_node g $node || { tap_done; exit; }
done
is "$(guest run g stat -c %F /dev/mtd/zero)" "character special file" "a character device is a character node"

# One difference is known (docs/architecture.md): these drivers never look at
# the data of a write, and so do not see that it is nowhere.
for pair in zero:vzero null:vnull full:vfull; do
	$tests/file-calls "/dev/${pair%:*}" write | grep -v 'write from nowhere' >/tmp/native
	guest run g "$tests/file-calls /dev/${pair#*:} write" | grep -v 'write from nowhere' >/tmp/guest
	is "$(diff /tmp/native /tmp/guest)" "" "every file call on /dev/${pair%:*} gives what it gives natively"
done

# MTD: seekable, with content.  The same start for both.
head -c 4194304 /dev/urandom >/tmp/flash
cat /tmp/flash >/dev/mtd0
$tests/file-calls /dev/mtd0 write >/tmp/native
native_digest=$(sha256sum </dev/mtd0)
cat /tmp/flash >/dev/mtd0
guest run g "$tests/file-calls /dev/mtd/zero write" >/tmp/guest
is "$(diff /tmp/native /tmp/guest)" "" "every file call on an MTD gives what it gives natively"
is "$(sha256sum </dev/mtd0)" "$native_digest" "... and leaves the same content"
for seed in 1 2; do
	cat /tmp/flash >/dev/mtd0
	want=$($tests/file-calls /dev/mtd0 random $seed 400 4194304)
	cat /tmp/flash >/dev/mtd0
	is "$(guest run g "$tests/file-calls /dev/mtd/zero random $seed 400 4194304")" "$want" "400 random calls, seed $seed"
done
cat /tmp/flash >/dev/mtd0
is "$(guest run g 'sha256sum </dev/mtd/zero')" "$(sha256sum </tmp/flash)" "reading to the end"
is "$(guest run g 'dd if=/dev/vzero bs=16M count=1 2>/dev/null | wc -c')" 16777216 "one read of 16 MiB"
is "$(guest run g 'dd if=/dev/vrandom bs=1M count=2 iflag=fullblock 2>/dev/null | wc -c')" 2097152 "random bytes"
[ "$(guest run g 'head -c 65536 /dev/vrandom | sort -u | sha256sum; head -c 65536 /dev/vrandom | sort -u | sha256sum' | uniq | wc -l)" = 2 ]
ok $? "... which differ"
guest run g 'echo xen-vsys-was-here >/dev/vkmsg' && dmesg | grep -q xen-vsys-was-here
ok $? "a write-only device (mode=wo)"
like "$(guest run g 'cat /dev/vkmsg 2>&1 >/dev/null')" "Permission denied|Operation not permitted" "... cannot be opened for reading"

# Asynchronous.
guest run g "$tests/file-wait aio /dev/mtd/zero 1048576" >/tmp/out 2>&1
ok $? "AIO and io_uring" || diag "$(cat /tmp/out)"
guest run g "$tests/file-wait threads /dev/mtd/zero 4 4 2000000" >/tmp/out 2>&1
ok $? "threads and processes at once" || diag "$(cat /tmp/out)"

# Calls that wait.
for test in eintr "restart@x" nonblock "many@8" kill aio-exit; do
	name=${test%@*} arg=
	[ "$name" = "$test" ] || arg=${test#*@}
	timeout 120 guest run g "$tests/file-wait $name /dev/vtty $arg" >/tmp/out 2>&1
	ok $? "$name on a terminal" || diag "$(cat /tmp/out)"
done
is "$(guest run g 'exec 3<>/dev/vtty; echo hello >&3; head -n 1 <&3')" hello "a line there and back"
timeout 120 guest run g "$tests/file-wait many /dev/vtty 40" >/tmp/out 2>&1
ok $? "40 waiting reads hold up nobody" || diag "$(cat /tmp/out)"
is "$(guest run g 'grep -h pool_pages_in_use /sys/kernel/debug/xen-vsysfront/* | sort -u')" "pool_pages_in_use: 0" "nothing is left in any pool"

is "$(xen-vsys check g 2>&1)" "" "the XenStore nodes are as the schema says"
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
tap_done
