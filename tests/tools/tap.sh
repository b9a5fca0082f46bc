# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# TAP for shell scenarios: source it, use ok/is/like/skip, end with tap_done.
# A scenario that ends early has no plan and so fails in prove.

tap_nr=0
tap_failed=0
# shellcheck disable=SC2034 # for those who source this
tests=/usr/lib/xen-vsys/tests

# ok STATUS DESCRIPTION: STATUS is 0 for success
ok()
{
	tap_nr=$((tap_nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_nr - $2"
	else
		echo "not ok $tap_nr - $2"
		tap_failed=$((tap_failed + 1))
		return 1
	fi
}

# is GOT WANTED DESCRIPTION
is()
{
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		echo "got:    $1" | sed 's/^/# /'
		echo "wanted: $2" | sed 's/^/# /'
		return 1
	fi
}

# like GOT PATTERN DESCRIPTION: PATTERN is an extended regular expression
like()
{
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		ok 0 "$3"
	else
		ok 1 "$3"
		echo "got:     $1" | sed 's/^/# /'
		echo "pattern: $2" | sed 's/^/# /'
		return 1
	fi
}

# skip WHY DESCRIPTION
skip()
{
	tap_nr=$((tap_nr + 1))
	echo "ok $tap_nr - $2 # SKIP $1"
}

# diag TEXT: for the reader of a failure
diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; 1 when the limit strikes
wait_for()
{
	wait_left=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$wait_left" -gt 0 ] || return 1
		wait_left=$((wait_left - 1))
		sleep 0.2
	done
}

# guest_complaints GUEST: what its kernel complains of since its first program runs.
# Before that a kernel may complain of the emulated machine, and knows nothing of us.
guest_complaints()
{
	{ guest run "$1" dmesg </dev/null || echo "BUG: the guest does not answer"; } |
		awk '/Run .*init as init process/ { n = 0; next }
		     { line[++n] = $0 }
		     END { for (i = 1; i <= n; i++) print line[i] }' |
		grep -E -A12 'BUG:|WARNING:|Oops|Call Trace|grant still in use'
}

# guest_has GUEST NODE: the node is there
guest_has()
{
	guest run "$1" test -e "/dev/$2"
}

guest_lacks()
{
	! guest run "$1" test -e "/dev/$2"
}

# wait_node GUEST NODE: waits until the guest has the node, or says why not
wait_node()
{
	if ! wait_for 60 guest_has "$1" "$2"; then
		diag "guest $1 has no /dev/$2 after 60 s"
		xen-vsys list 2>&1 | sed 's/^/# /'
		guest run "$1" dmesg 2>&1 | tail -n 15 | sed 's/^/# guest: /'
		tail -n 20 /var/log/xen/xen-vsysd.log | sed 's/^/# vsysd: /'
		return 1
	fi
}

tap_done()
{
	echo "1..$tap_nr"
	[ "$tap_failed" = 0 ]
	exit
}
