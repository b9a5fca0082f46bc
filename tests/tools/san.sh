# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the lab's dom0, after tap.sh: daemon and workers built with AddressSanitizer and
# UBSan, which end them at a fault.  What they say is in the daemon's log.

# shellcheck source=tests/tools/daemon.sh
. /usr/lib/xen-vsys/tests/daemon.sh

# As long as it is in the foreground, its standard error is that of the workers too.
san_start()
{
	daemon_end || return 1
	mount --bind "$tests/xen-vsysd-san" "$(type -P xen-vsysd)" &&
		mount --bind "$tests/xen-vsys-worker-san" \
			"$(find /usr/lib /usr/libexec -name xen-vsys-worker | head -n 1)" || return 1
	xen-vsysd -f >>/var/log/xen/xen-vsysd.log 2>&1 </dev/null &
	san_daemon=$!
	wait_for 20 xen-vsys list
}

# Before any guest is there.
san_begin()
{
	san_start
	ok $? "daemon and workers with sanitizers"
}

# While the guests are there: it's these programs that run.
san_is()
{
	local pid workers

	workers=$(pgrep -f 'xen-vsys-worker [0-9]+$')
	for pid in $san_daemon $workers; do
		grep -q __asan_init "/proc/$pid/exe" || workers=
	done
	is "$(pidof xen-vsysd) ${workers:+and workers}" "$san_daemon and workers" \
		"daemon and workers are those with sanitizers"
}

# When the guests are gone.  At its end the daemon looks for leaks; a worker can't (its
# filter knows no ptrace), see san/worker-options.c.
san_end()
{
	daemon_end || kill -9 "$san_daemon"
	wait "$san_daemon"
	is $? 0 "the daemon ends, and has lost no memory"
	is "$(grep -E 'Sanitizer|runtime error' /var/log/xen/xen-vsysd.log)" "" "the sanitizers are silent" ||
		diag "$(tail -n 60 /var/log/xen/xen-vsysd.log)"
	diag "the log has $(wc -l </var/log/xen/xen-vsysd.log) lines"
}
