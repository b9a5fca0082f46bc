# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the lab's dom0: the end of the daemon, before it is started in another way.

daemon_end()
{
	local pid

	pid=$(pidof xen-vsysd) && kill "$pid" &&
		timeout 30 tail --pid="$pid" -f /dev/null
}
