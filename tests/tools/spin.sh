# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the lab's dom0: how long both sides look for what comes next before they sleep,
# in microseconds; xen-vsysd(8), --spin.

# Before any guest is there.
spin_daemon()
{
	pkill -x xen-vsysd
	while pgrep -x xen-vsysd >/dev/null; do
		sleep 0.1
	done
	xen-vsysd --spin="$1" >>/var/log/xen/xen-vsysd.log 2>&1
}

spin_guest()
{
	guest run "$1" "echo $2 >/sys/module/xen_vsysfront/parameters/spin_us"
}
