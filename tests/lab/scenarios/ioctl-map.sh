#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a dom0 that is not PV what drivers pin, and what is large, is the guest's own
# memory: docs/mirror.md, "A page's life in the mirror".
#
# check: only by name: a PVH dom0 takes ten minutes under the emulator
# lab: --dom0 pvh --timeout 1500 --file $here/scenarios/ioctl.sh
[ "$(cat /sys/hypervisor/guest_type)" = PVH ] || { echo "1..0 # SKIP dom0 is not PVH"; exit; }
# Under the emulator this kind of dom0 takes half a minute to build a guest.
echo 60 >/proc/sys/kernel/watchdog_thresh
exec /root/ioctl.sh map
