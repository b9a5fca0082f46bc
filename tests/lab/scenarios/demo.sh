#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the lab's dom0: the main job, told as it happens.  tests/demo runs it.
# A guest made by plain `xl create` uses dom0's RAM disk; the digests of what
# it wrote, what it read, and what dom0 reads natively must be equal.

set -eu

say()
{
	printf '\n\033[1m%s\033[0m\n' "$*"
}

fail()
{
	echo "demo: $*" >&2
	exit 1
}

mib=16

say "dom0: $(uname -r) on Xen $(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)$(cat /sys/hypervisor/version/extra)"
modprobe brd rd_nr=1 rd_size=65536
echo "RAM disk:  /dev/ram0, $(($(blockdev --getsize64 /dev/ram0) >> 20)) MiB, driver 'brd', unmodified"
echo "service:   $(xen-vsysd --version), process $(pidof xen-vsysd)"

say "A guest whose xl configuration lends it that device"
guest start demo --type pv --vsys 'dev=/dev/ram0,mode=rw'
grep -E '^(name|type|memory|vsys)' /etc/xen/demo.cfg | sed 's/^/    /'
limit=100
until guest run demo test -b /dev/ram0; do
	limit=$((limit - 1))
	[ $limit -gt 0 ] || fail "the guest did not get /dev/ram0: $(xen-vsys list)"
	sleep 0.2
done
xen-vsys list | sed 's/^/    /'

say "In the guest: write $mib MiB of random data, read it back, seek, close, reopen"
cat >/tmp/job.sh <<'JOB'
set -e
head -c $(($1 << 20)) /dev/urandom >/tmp/data
wrote=$(sha256sum </tmp/data | cut -d' ' -f1)
dd if=/tmp/data of=/dev/ram0 bs=1M conv=fsync 2>&1 | tail -n 1
echo "guest wrote:        $wrote"
echo 3 >/proc/sys/vm/drop_caches
read=$(head -c $(($1 << 20)) /dev/ram0 | sha256sum | cut -d' ' -f1)
echo "guest read:         $read"
# One open file: seek, read, seek back, read the same.
exec 3</dev/ram0
dd bs=4k skip=100 count=8 <&3 2>/dev/null | sha256sum >/tmp/a
exec 3<&-
exec 3</dev/ram0
dd bs=4k skip=100 count=8 iflag=direct <&3 2>/dev/null | sha256sum >/tmp/b
exec 3<&-
dd if=/tmp/data bs=4k skip=100 count=8 2>/dev/null | sha256sum >/tmp/c
cmp -s /tmp/a /tmp/b && cmp -s /tmp/b /tmp/c
echo "guest seek, reopen: same data at 400 KiB, cached and O_DIRECT"
[ "$wrote" = "$read" ]
JOB
guest put demo /tmp/job.sh /tmp/job.sh
guest run demo "sh /tmp/job.sh $mib" | tee /tmp/job.log | sed 's/^/    /'
wrote=$(sed -n 's/^guest wrote: *//p' /tmp/job.log)
read=$(sed -n 's/^guest read: *//p' /tmp/job.log)

say "In dom0: the same bytes, natively"
native=$(head -c $((mib << 20)) /dev/ram0 | sha256sum | cut -d' ' -f1)
echo "    dom0 read:          $native"
guest run demo 'cat /sys/kernel/debug/xen-vsysfront/*' 2>/dev/null |
	grep -E '^(requests|notifications|copied)' | sed 's/^/    front-end /' || true

if [ -n "$native" ] && [ "$wrote" = "$native" ] && [ "$read" = "$native" ] &&
	grep -q 'seek, reopen: same' /tmp/job.log; then
	say "The three digests are equal: the guest used dom0's device."
else
	fail "the digests differ"
fi
