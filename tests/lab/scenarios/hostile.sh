#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that breaks the protocol in every way that hostile-front knows.  Only
# the device that it attacks is lost, with a reason that names the fault; its
# other device, another guest, the workers, the daemon and dom0's kernel go on.
#
# hostile.sh [CASE]...: these only
#
# lab: --timeout 1800
# shellcheck disable=SC2016,SC2086 # guests expand their scripts; names are words

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

log=/var/log/xen/xen-vsysd.log
at_once=34	# devices attacked between attach and detach; a guest may have 64

modprobe brd rd_nr=3 rd_size=16384
$tests/file-wait pty /run/tty0 >/run/pty.name &
wait_for 10 test -s /run/pty.name
head -c 4194304 /dev/urandom >/dev/ram1
guest start victim --type pv --vsys 'dev=/dev/ram1' --vsys 'dev=/dev/zero,name=vzero' &
guest start evil --type pv --vcpus 2 --no-module --vsys 'dev=/dev/ram2,name=other'
guest run evil modprobe -a xen-gntalloc xen-evtchn
ok $? "a guest without the module"
wait $!
if ! wait_node victim ram1 || ! wait_node victim vzero; then
	tap_done
fi
evil=$(xl domid evil)
worker_of()
{
	pgrep -f "xen-vsys-worker $1\$"
}
processes()
{
	echo "daemon $(pidof xen-vsysd), victim's worker $(worker_of "$(xl domid victim)")," \
		"evil's worker $(worker_of $evil)"
}
before=$(processes)
like "$before" "^daemon [0-9]+, victim's worker [0-9]+, evil's worker [0-9]+$" "one daemon, one worker for each guest"

# What goes on all the time: the victim's calls, and the administrator's.
guest run victim sh -c '
	slowest=0 rounds=0
	while [ ! -e /tmp/stop ]; do
		read -r begin _ </proc/uptime
		sum=$(dd if=/dev/ram1 bs=64k count=64 iflag=direct 2>/dev/null | md5sum)
		[ "$sum" = "$1" ] || echo "bad: read $sum"
		head -c 100000 /dev/vzero | tr -d "\0" | grep -q . && echo "bad: zero is not zero"
		dd if=/dev/zero of=/dev/ram1 seek=8 bs=1M count=1 oflag=direct 2>/dev/null || echo "bad: write"
		read -r end _ </proc/uptime
		time=$((${end%.*}${end#*.} - ${begin%.*}${begin#*.}))
		[ $time -le $slowest ] || slowest=$time
		rounds=$((rounds + 1))
		sleep 1.5
	done
	echo "rounds $rounds slowest $slowest"' victim "$(head -c 4194304 /dev/ram1 | md5sum)" >/tmp/victim 2>&1 &
victim=$!
while [ ! -e /tmp/stop ]; do
	timeout 15 xen-vsys list >/dev/null || echo "xen-vsys list: status $?"
	sleep 3
done >/tmp/list 2>&1 &
list=$!

declare -A want device says devid
names=()
while IFS=$'\t' read -r name w d s; do
	[ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
	names+=("$name")
	want[$name]=$w device[$name]=$d says[$name]=$s
done < <($tests/hostile-front list)

# for_all VERB NAME...: attach or detach, all at once
for_all()
{
	local verb=$1 name failed=0 pids=() what
	shift
	for name; do
		case $verb${device[$name]} in
		attachdisk) what=dev=/dev/ram0,name=$name ;;
		attachread-only) what=dev=/dev/ram0,mode=ro,name=$name ;;
		attachstream) what=dev=/run/tty0,name=$name ;;
		detach*) what=$name ;;
		esac
		timeout 40 xen-vsys $verb evil $what >>/tmp/verb 2>&1 &
		pids+=($!)
	done
	for name in "${pids[@]}"; do
		wait $name || failed=$((failed + 1))
	done
	[ $failed = 0 ] || diag "$verb: $failed failed: $(tail -n 5 /tmp/verb)"
	[ $failed = 0 ]
}

# in_evil CASE DEVICE...: a line for each: device, status and output, the same
# of an ordinary front-end of the other device, unless this is one, too (CASE good).
# CASE -: that of the device's name
in_evil()
{
	guest run evil sh -c '
		case=$1 tool=$2/hostile-front
		shift 2
		for name; do
			[ $case = - ] && do=$name || do=$case
			result=$(timeout 60 $tool $name $do 2>&1)
			status=$?
			good=
			[ $case = good ] || good=$(timeout 60 $tool other good 2>&1)
			echo "$name|$status|$result|$good" | tr "\n" " "
			echo
		done' in_evil $1 $tests "${@:2}"
}

# What the back-end shows of the device after its attack.
judge()
{
	local name=$1 status=$2 result=$3 good=$4 state reason node=vsys/$evil/${devid[$1]}
	local bad=""

	state=$(xenstore-read /local/domain/0/backend/$node/state)
	reason=$(xenstore-read /local/domain/0/error/backend/$node/error 2>/dev/null)
	[ "$status" = 0 ] || bad="status $status"
	[ "$good" = "alive " ] || bad="$bad, the other device: $good"
	case ${want[$name]} in
	fails)
		[ "$state" = 6 ] || bad="$bad, not closed"
		[ -n "$reason" ] || bad="$bad, no reason"
		grep -Eq -- "${says[$name]}" <<<"$reason" || bad="$bad, not '${says[$name]}'"
		;;
	either) [ "$state" = 6 ] || bad="$bad, not closed" ;;
	left) [ "$state" = 4 ] || bad="$bad, not connected" ;;
	*)
		[ "$state" = 6 ] || bad="$bad, not closed"
		[ -z "$reason" ] || bad="$bad, a reason"
		;;
	esac
	[ -z "$bad" ]
	ok $? "$name: $result${reason:+($reason)}" || diag "${bad#, }; state $state"
}

wave()
{
	local name status result good lost=()
	for_all attach "$@"
	ok $? "attach $# devices"
	while read -r _ _ number name _; do
		devid[$name]=$number
	done < <(xen-vsys list evil)
	while IFS='|' read -r name status result good; do
		judge "$name" "$status" "$result" "$good"
	done < <(in_evil - "$@")
	is "$(processes)" "$before" "all processes are the same as before"
	for_all detach "$@"
	ok $? "detach all"
	is "$(xen-vsys list evil | wc -l)" 2 "... and the other device remains"
	for name; do
		[ ${want[$name]} != fails ] || [ ${device[$name]} != disk ] || lost+=("$name")
	done
	[ ${#lost[@]} -gt 0 ] || return
	for_all attach "${lost[@]}"
	ok $? "attach again those that failed"
	is "$(in_evil good "${lost[@]}" | grep -vF '|0|alive| ')" "" "... and they work"
	for_all detach "${lost[@]}"
	is "$(xen-vsys list evil | wc -l)" 2 "... and can be taken away"
}

for ((i = 0; i < ${#names[@]}; i += at_once)); do
	wave "${names[@]:i:at_once}"
done

# What went on.
touch /tmp/stop
guest run victim touch /tmp/stop
wait $list
is "$(cat /tmp/list)" "" "xen-vsys list worked all the time"
wait $victim
like "$(cat /tmp/victim)" "^rounds [1-9][0-9]* slowest ([0-9]{1,3}|[12][0-9]{3})$" "the victim's devices did, within 30 s" || diag "$(tail -n 5 /tmp/victim)"
is "$(xen-vsys check victim 2>&1)" "" "the victim's nodes are as the schema says"

# The log: a reason for each of the first ones, then a limit; nothing that a
# guest could have sent to a terminal.
if [ $# = 0 ]; then
	like "$(grep -c "is closed: " $log)" "^[1-9]" "the log has reasons"
	like "$(cat $log)" "similar messages were left out" "... not all of them: it is limited"
fi
is "$(grep -c '[^[:print:]]' $log)" 0 "... and no control characters"
diag "the log has $(wc -l <$log) lines; $(cat /tmp/victim)"

xl destroy evil
wait_for 20 sh -c "! pgrep -f 'xen-vsys-worker $evil\$'"
ok $? "the evil guest's worker ends with it"
wait_for 10 sh -c "! xenstore-ls /local/domain/0/backend/vsys/$evil && ! xenstore-ls /local/domain/0/error/backend/vsys/$evil"
ok $? "... and its nodes go"
for kernel in "dom0 dmesg" "victim guest run victim dmesg"; do
	out=$(${kernel#* } | grep -E 'BUG:|WARNING:|Oops|Call Trace|segfault|general protection')
	is "$out" "" "the kernel of ${kernel%% *} has nothing to complain about"
done
tap_done
