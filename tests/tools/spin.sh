# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the lab's dom0: how long both sides look for what comes next before they sleep,
# in microseconds; xen-vsysd(8), --spin.

# shellcheck source=tests/tools/daemon.sh
. /usr/lib/xen-vsys/tests/daemon.sh

# Before any guest is there.
spin_daemon()
{
	daemon_end || return 1
	xen-vsysd --spin="$1" >>/var/log/xen/xen-vsysd.log 2>&1
}

spin_guest()
{
	guest run "$1" "echo $2 >/sys/module/xen_vsysfront/parameters/spin_us"
}
