#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Calls with pointers on the test driver (tests/lab/vsystest), of which nobody
# knows anything: the same program in dom0 and in a guest gets the same; what it
# costs; and nothing is left behind.
#
# ioctl.sh [TYPE]...: all of it, in these types of guest; without, it in a PV guest
# with fewer random calls, and in PVH and HVM guests what does not take long
# ioctl.sh map: in a PV guest what a dom0 can map that is not PV itself (ioctl-map.sh)
#
# lab: --timeout 2400
# shellcheck disable=SC2016,SC2086,SC2317 # the guest expands it; arguments of the client are words; wait_for calls

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

log=/var/log/xen/xen-vsysd.log
quick=
modprobe vsystest
wait_for 10 test -c /dev/vsystest3
mkdir -p /tmp/native /tmp/guest /etc/xen/vsys-policy
cat >/etc/xen/vsys-policy/vt.policy <<END
allow VT_FLAT 0xc040b902
allow VT_COUNT_RESET 0xb931
deny VT_INT 0xb901	# a name for the log
END
cat >/etc/xen/vsys-policy/vtany.policy <<END
any
allow VT_PIN 0xc018b910 pins
allow VT_PIN32 0xc014b910 pins
END

worker()
{
	pgrep -f "xen-vsys-worker $(xl domid $guest)\$"
}

# Processes of a worker: its template, and executors.
children()
{
	pgrep -c -P "$(worker)"
}

no_executors()
{
	[ "$(children)" -le "$idle" ]
}

# both CLIENT NODE WHAT...: natively, then in the guest; says where they differ
both()
{
	local client=$1 node=$2 name
	shift 2
	name=$client-${*// /-}
	[ -s "/tmp/native/$name" ] ||
		timeout 200 $tests/$client /dev/vsystest$node "$@" >"/tmp/native/$name" 2>&1
	# What the native run has unpinned is counted now: docs/mirror.md, "Pinned for long".
	echo 1 >/proc/sys/vm/stat_refresh
	timeout 400 guest run $guest $tests/$client /dev/vt$node "$@" >"/tmp/guest/$name" 2>&1 ||
		echo "status $?" >>"/tmp/guest/$name"
	diff "/tmp/native/$name" "/tmp/guest/$name" >"/tmp/diff"
	ok $? "$type, $client $*: as natively ($(grep -c "" "/tmp/native/$name") lines)" ||
		diag "$(head -n 30 /tmp/diff)"
}

# The front-end's file of counters for a node.
stats()
{
	guest run $guest "grep -l '^name: $1\$' /sys/kernel/debug/xen-vsysfront/*"
}

# What each shape costs at the first, second and tenth call.
trips()
{
	local shape

	# On a node that has not learned anything else.
	guest run $guest $tests/ioctl-client /dev/vt1 trips "$(stats vt1)" >/tmp/trips 2>&1
	ok $? "the counters of calls" || diag "$(tail -n 5 /tmp/trips)"
	for shape in none flat nested deep list vecs out large; do
		diag "$(awk -v s=$shape '$1 == s && ($2 == 1 || $2 == 2 || $2 == 10) { printf "%s call %d: %d round trips, %d needs, %d pages; ", s, $2, $6, $8, $10 }' /tmp/trips)"
		is "$(awk -v s=$shape '$1 == s && $2 > 1 { print $4, $6 }' /tmp/trips | sort -u)" "1 1" \
			"$shape: one round trip from the second call on"
	done
	is "$(awk '$1 == "none" && $2 == 1 { print $6 }' /tmp/trips)" 1 "none: at the first call too"
}

# median WHERE SHAPE
median()
{
	awk -v s="$2" '$3 == s { print $4 }' "/tmp/time.$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The goal is 1.3, on a machine that does nothing else: make bench.
near_enough()
{
	awk -v none="$(median guest none)" -v nested="$(median guest nested)" \
		'BEGIN { printf "# none/nested %.2f\n", none / nested; exit !(nested * 1.6 >= none) }'
}

timed()
{
	local t tries

	# Something else may have had the machine's CPUs meanwhile; not three times.
	for tries in 1 2 3; do
		$tests/ioctl-client /dev/vsystest0 time 1 >/tmp/time.native
		guest run $guest $tests/ioctl-client /dev/vt1 time 4 >/tmp/time.guest
		for t in none flat nested deep; do
			diag "$t, calls per second (median): natively $(median native $t), in the guest $(median guest $t)"
		done
		near_enough && break
	done
	near_enough
	ok $? "a learned call with a nested pointer takes at most 1.6 times one without ($tries)"
}

# Calls that wait: one whose executor dies, and one whose program does.
violence()
{
	local parked executor

	guest run $guest $tests/ioctl-client /dev/vt0 park >/tmp/parked 2>&1 &
	parked=$!
	wait_for 30 parked
	ok $? "a call waits"
	executor=$(pgrep -n -P "$(worker)")
	[ -n "$executor" ] && kill -9 $executor
	ok $? "it has an executor, which is killed"
	wait $parked
	is "$(tail -n 2 /tmp/parked | paste -sd' ')" "the call that waited: EIO the next one: 0" \
		"... EIO, and the next call has another"
	guest run $guest "$tests/ioctl-client /dev/vt0 park & echo \$! >/tmp/pid; wait" >/dev/null 2>&1 &
	parked=$!
	wait_for 30 parked
	ok $? "another call waits"
	guest run $guest 'kill -9 $(cat /tmp/pid)'
	wait $parked
	wait_for 30 nobody_left
	ok $? "its program is killed: the native call ends" || diag "$($tests/ioctl-client /dev/vsystest0 left)"
}

parked()
{
	$tests/ioctl-client /dev/vsystest0 left | grep -q ' 1 waiters'
}

nobody_left()
{
	[ "$($tests/ioctl-client /dev/vsystest0 left | tail -n 1)" = "0 pins, 0 files, 0 waiters" ]
}

# Under the policy that was written below.
policy()
{
	local before said

	before=$(wc -l <$log)
	guest run $guest $tests/ioctl-client /dev/vt2 basic >/tmp/denied 2>&1
	guest run $guest $tests/ioctl-client /dev/vt2 basic >>/tmp/denied 2>&1
	like "$(cat /tmp/denied)" '^flat: 0$' "a command that the policy allows"
	is "$(grep -c '^none: EPERM$' /tmp/denied)" 6 "one that it does not name: EPERM, each time"
	like "$(cat /tmp/denied)" '^int 0x1: EPERM$' "one that it denies: EPERM"
	said=$(tail -n +$((before + 1)) $log | grep 'ioctl 0xb901')
	like "$said" 'VT_INT.* is denied by policy .vt' "... in the log with number and name"
	is "$(wc -l <<<"$said")" 1 "... once, not for each call"
	like "$(xen-vsys stat $guest vt2)" 'denied: *[1-9]' "... and counted"
}

round()
{
	local t seed before

	type=$1 guest=$1
	guest start $guest --type $type --mem 384 --vcpus 2 \
		--vsys 'dev=/dev/vsystest0,name=vt0,ioctl=vtany' \
		--vsys 'dev=/dev/vsystest1,name=vt1,ioctl=any,payload=pointers' \
		--vsys 'dev=/dev/vsystest2,name=vt2,ioctl=vt' \
		--vsys 'dev=/dev/vsystest3,name=vt3,ioctl=any,payload=pointers'
	for t in vt0 vt1 vt2 vt3; do
		wait_node $guest $t || { ok 1 "$type: nodes"; return; }
	done
	idle=$(children)
	before="$(pidof xen-vsysd) $(worker)"
	for t in basic shapes bad low wait changes files; do
		both ioctl-client 0 $t count
	done
	both ioctl-client 0 threads 16 50
	if [ $type = pv ] || [ -z "$quick" ]; then
		# Without count: the policy says that VT_PIN pins, so it may be made twice.
		both ioctl-client 0 pin
		both ioctl-client 0 random 1 1000
	fi
	both ioctl-client 1 async count
	both ioctl-client 3 opener
	if [ $type = pv ]; then
		trips
		timed
		both ioctl-client 0 sizes count
		both ioctl-client 0 kinds count
		# In make check there is ioctl-fuzz for more of them.
		[ -n "$quick" ] || for seed in 2 3; do
			both ioctl-client 0 random $seed 2000
		done
		violence
		policy
	fi
	if [ -x $tests/ioctl-client32 ]; then
		for t in basic shapes bad wait files; do
			both ioctl-client32 0 $t count
		done
		if [ $type = pv ] || [ -z "$quick" ]; then
			both ioctl-client32 0 pin
			both ioctl-client32 0 random 1 1000
		fi
		both ioctl-client32 1 async count
		both ioctl-client32 3 opener
	else
		skip "the compiler makes no 32-bit programs" "$type: 32-bit client"
	fi
	wait_for 30 no_executors
	ok $? "$type: no executor is left" || diag "$(pgrep -a -P "$(worker)")"
	wait_for 30 nobody_left
	ok $? "$type: the driver has nothing that is left" || diag "$($tests/ioctl-client /dev/vsystest0 left)"
	is "$(guest run $guest 'grep -h pool_pages_in_use /sys/kernel/debug/xen-vsysfront/* | sort -u')" \
		"pool_pages_in_use: 0" "$type: nothing is left in any pool"
	is "$(pidof xen-vsysd) $(worker)" "$before" "$type: daemon and worker are the same as before"
	is "$(xen-vsys check $guest 2>&1)" "" "$type: the nodes are as the schema says"
	is "$(guest_complaints $guest)" "" \
		"$type: its kernel has nothing to complain about"
	guest stop $guest
}

mapped()
{
	local n sum=0

	# No awk or wc: the emulator lacks an instruction of theirs in such a dom0.
	for n in $(guest run $guest 'grep -h grants_mapped: /sys/kernel/debug/xen-vsysfront/*' </dev/null); do
		[ $n = grants_mapped: ] || sum=$((sum + n))
	done
	echo $sum
}

# The guest's own pages, in place of copies: what is large, and what is pinned.
map_round()
{
	local t before nr

	type=map guest=map
	guest start $guest --mem 384 --vcpus 2 --vsys 'dev=/dev/vsystest0,name=vt0,ioctl=vtany' \
		--vsys 'dev=/dev/vsystest1,name=vt1,ioctl=any,payload=pointers'
	wait_node $guest vt1 || { ok 1 "$type: nodes"; return; }
	for t in basic shapes bad sizes kinds pin; do
		before=$(mapped)
		both ioctl-client 0 $t
		nr=$(($(mapped) - before))
		diag "$nr grants mapped"
		case $t in
		sizes | pin) [ $nr -gt 0 ]; ok $? "... by the guest's own pages" ;;
		esac
	done
	both ioctl-client 0 random 1 1000
	both ioctl-client 1 async
	[ ! -x $tests/ioctl-client32 ] || both ioctl-client32 0 pin
	wait_for 30 nobody_left
	ok $? "$type: the driver has nothing that is left" || diag "$($tests/ioctl-client /dev/vsystest0 left)"
	is "$(guest_complaints $guest)" "" \
		"$type: its kernel has nothing to complain about"
	guest stop $guest
}

if [ "${1:-}" = map ]; then
	shift
	map_round
else
	[ $# -gt 0 ] || { set -- pv pvh hvm; quick=1; }
fi
for t; do
	round "$t"
done
wait_for 30 rmmod vsystest
ok $? "the test driver can be unloaded: no file of it is open"
is "$(dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace|segfault')" "" "dom0's kernel has nothing to complain about"
tap_done
