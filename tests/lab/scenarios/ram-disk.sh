#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The block node: dom0's RAM disks in a guest.  Data, limits, partitions, file
# systems, O_EXCL, read-only, discard and write zeroes, many requests at once.  With
# sanitizers; the scenario counts has a fio that verifies with the programs as they are.
#
# lab: --timeout 1800

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh
# shellcheck source=tests/tools/san.sh
. /usr/lib/xen-vsys/tests/san.sh

san_begin
modprobe brd rd_nr=3 rd_size=65536
modprobe scsi_debug dev_size_mb=32 lbpu=1 lbpws=1 lbprz=1 sector_size=4096
wait_for 20 test -e "$(echo /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*:*/block/sd*)"
sd=$(basename "$(echo /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*:*/block/sd*)")
guest start g --type pv --mem 384 --vcpus 2 \
	--vsys 'dev=/dev/ram0' \
	--vsys 'dev=/dev/ram1,mode=ro' \
	--vsys 'dev=/dev/ram2,name=disk/two' \
	--vsys "dev=/dev/$sd,name=vsd"
wait_node g ram0 || { tap_done; exit; }
wait_node g ram1
wait_node g disk/two
wait_node g vsd
is "$(guest run g stat -c %F /dev/ram0)" "block special file" "a block device is a block node"

# Data, both ways.
guest run g 'head -c 33554432 /dev/urandom >/tmp/d; dd if=/tmp/d of=/dev/ram0 bs=1M conv=fsync 2>/dev/null'
is "$(head -c 33554432 /dev/ram0 | sha256sum)" "$(guest run g 'sha256sum </tmp/d')" "dom0 reads what the guest wrote"
head -c 8388608 /dev/urandom >/tmp/e
dd if=/tmp/e of=/dev/ram0 bs=1M seek=32 conv=fsync 2>/dev/null
is "$(guest run g 'dd if=/dev/ram0 bs=1M skip=32 count=8 iflag=direct 2>/dev/null | sha256sum')" "$(sha256sum </tmp/e)" "the guest reads what dom0 wrote, O_DIRECT"
for bs in 512 4096 3145728; do
	is "$(guest run g "dd if=/tmp/d of=/dev/ram0 bs=$bs count=4 oflag=direct conv=fsync 2>/dev/null; dd if=/dev/ram0 bs=$bs count=4 iflag=direct 2>/dev/null | sha256sum")" \
		"$(guest run g "head -c $((bs * 4)) /tmp/d | sha256sum")" "O_DIRECT, blocks of $bs bytes"
done
like "$(guest run g 'dd if=/dev/zero of=/dev/ram0 bs=100 count=1 oflag=direct 2>&1')" "Invalid argument" "O_DIRECT of 100 bytes: EINVAL, as natively"
like "$(guest run g 'dd if=/dev/zero of=/dev/ram0 bs=1M count=65 2>&1')" "No space left" "writing beyond the end: ENOSPC, as natively"

# Limits.
limits() {
	blockdev --getsize64 --getss --getpbsz --getiomin --getioopt --getalignoff --getro "$1"
}
is "$(guest run g "$(declare -f limits); limits /dev/ram0")" "$(limits /dev/ram0)" "sizes of the RAM disk as natively"
is "$(guest run g "$(declare -f limits); limits /dev/vsd")" "$(limits /dev/$sd)" "sizes of a 4 KiB sector disk as natively"
for key in rotational discard_granularity; do
	is "$(guest run g cat /sys/block/vsd/queue/$key)" "$(cat /sys/block/$sd/queue/$key)" "$key as natively"
done

# Read-only.
is "$(guest run g blockdev --getro /dev/ram1)" 1 "mode=ro gives a read-only disk"
before=$(sha256sum </dev/ram1)
guest run g 'dd if=/dev/zero of=/dev/ram1 bs=4096 count=1' >/tmp/out 2>&1
[ $? -ne 0 ]; ok $? "a write to it fails"
like "$(cat /tmp/out)" "not permitted|Read-only" "... with the error of a read-only disk"
is "$(sha256sum </dev/ram1)" "$before" "... and changes nothing"

# File systems and partitions.
out=$(guest run g 'set -e; mkfs.ext4 -q /dev/disk/two; mkdir -p /mnt/a; mount /dev/disk/two /mnt/a; head -c 5000000 /dev/urandom >/mnt/a/f; sha256sum </mnt/a/f; umount /mnt/a' 2>&1)
ok $? "mkfs and mount in the guest" || diag "$out"
mkdir -p /mnt/b
mount /dev/ram2 /mnt/b
is "$(sha256sum </mnt/b/f)" "$out" "dom0 mounts the file system, and the file is the same"
guest run g 'mount /dev/disk/two /mnt/a' >/tmp/out 2>&1
[ $? -ne 0 ]; ok $? "while dom0 has it mounted, the guest cannot (O_EXCL reaches dom0)"
umount /mnt/b
guest run g 'mount /dev/disk/two /mnt/a'
ok $? "then the guest can"
mount /dev/ram2 /mnt/b 2>/tmp/out
[ $? -ne 0 ]; ok $? "... and dom0 cannot"
guest run g 'umount /mnt/a'
mount -o ro /dev/ram2 /mnt/b && umount /mnt/b
ok $? "until the guest unmounts"
guest run g 'printf ",10M\n,\n" | sfdisk -q /dev/ram0; for i in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/ram0p2 ] && break; sleep 0.3; done; mkfs.ext4 -q /dev/ram0p2 && mount /dev/ram0p2 /mnt/a && umount /mnt/a' >/tmp/out 2>&1
ok $? "partitions" || diag "$(cat /tmp/out)"

# Discard, write zeroes.
guest run g 'dd if=/dev/urandom of=/dev/vsd bs=1M count=4 conv=fsync 2>/dev/null; blkdiscard -o 1048576 -l 1048576 /dev/vsd'
ok $? "discard"
is "$(dd if=/dev/$sd bs=1M skip=1 count=1 iflag=direct 2>/dev/null | tr -d '\0' | wc -c)" 0 "... reached the native disk"
[ "$(dd if=/dev/$sd bs=1M count=1 iflag=direct 2>/dev/null | tr -d '\0' | wc -c)" -gt 0 ]
ok $? "... and nothing before it"
guest run g 'blkdiscard -z -o 2097152 -l 1048576 /dev/vsd'
ok $? "write zeroes"
is "$(dd if=/dev/$sd bs=1M skip=2 count=1 iflag=direct 2>/dev/null | tr -d '\0' | wc -c)" 0 "... reached the native disk"
like "$(guest run g 'blkdiscard /dev/ram0 2>&1')" "not supported" "a disk without discard has none, as natively"

# Many at once, verified.
for engine in libaio io_uring; do
	guest run g "fio --name=v --filename=/dev/ram0 --direct=1 --ioengine=$engine --iodepth=32 --rw=randrw --bsrange=512-262144 --blockalign=512 --size=24m --io_size=24m --verify=crc32c --do_verify=1 --verify_fatal=1 --numjobs=1" >/tmp/out 2>&1
	ok $? "fio verifies 24 MiB, $engine, depth 32" || diag "$(tail -n 20 /tmp/out)"
done
guest run g "$tests/file-wait threads /dev/ram0 4 5 4000000" >/tmp/out 2>&1
ok $? "threads and processes at once" || diag "$(cat /tmp/out)"

# Every call, natively and in the guest, on the same content.
dd if=/tmp/e of=/dev/ram0 bs=1M count=8 2>/dev/null
dd if=/tmp/e of=/dev/ram1 bs=1M count=8 2>/dev/null
sync
guest run g 'blockdev --flushbufs /dev/ram0'
$tests/file-calls /dev/ram1 write >/tmp/native
guest run g "$tests/file-calls /dev/ram0 write" >/tmp/guest
is "$(diff /tmp/native /tmp/guest)" "" "every file call gives what it gives natively"
is "$(guest run g "$tests/file-calls /dev/ram0 random 3 500 8000000")" "$($tests/file-calls /dev/ram1 random 3 500 8000000)" "500 random calls give the same natively and in the guest"
guest run g 'sync; blockdev --flushbufs /dev/ram0'
is "$(head -c 8388608 /dev/ram0 | sha256sum)" "$(head -c 8388608 /dev/ram1 | sha256sum)" "... and leave the same content"

is "$(xen-vsys check g 2>&1)" "" "the XenStore nodes are as the schema says"
is "$(guest_complaints g)" "" "the guest's kernel has nothing to complain about"
san_is
guest stop g
san_end
tap_done
