#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab tests itself, from inside dom0: guests of each type, and that what
# `guest run` carries arrives exact. The host's side is tests/lab/lab-check.sh.
# lab: --no-vsysd --guest-mem 2048
# check: only by name: it tests the lab, not the product, with an HVM guest that takes minutes

# shellcheck source=tests/tools/tap.sh
. /usr/lib/xen-vsys/tests/tap.sh

sum()
{
	sha256sum | cut -d' ' -f1
}

# every byte value, no line end at the end, and more than a pipe holds
bytes()
{
	for _ in 1 2 3; do
		for high in 0 1 2 3; do
			for low in 0 1 2 3 4 5 6 7; do
				for i in 0 1 2 3 4 5 6 7; do
					# shellcheck disable=SC2059 # that is the point
					printf "\\$high$low$i"
				done
			done
		done
	done
	head -c 300000 /dev/urandom
}

is "$(xenstore-read domid 2>/dev/null || xenstore-read /tool/xenstored/domid 2>/dev/null || xl domid Domain-0)" 0 "this is dom0"
pgrep -x systemd-udevd >/dev/null
ok $? "udevd runs in dom0"
bytes >/tmp/bytes
head -c 5000000 /dev/urandom >/tmp/big

for type in pv pvh hvm; do
	guest start "$type" --type "$type" --vsys "dev=/dev/null" --append "lab.test=1"
	ok $? "$type guest starts and answers"
	is "$(guest run "$type" cat /sys/hypervisor/guest_type)" "${type^^}" "$type: that is its type"
	like "$(guest run "$type" cat /proc/cmdline)" 'lab.test=1' "$type: kernel arguments arrive"
	guest run "$type" 'pgrep -x systemd-udevd && ! ls -d /dev/sd* /dev/hd*' >/dev/null 2>&1
	ok $? "$type: udevd runs, disks are paravirtual"

	# exact streams
	guest run "$type" cat </tmp/bytes >/tmp/out 2>/tmp/err
	is "$? $(sum </tmp/out)" "0 $(sum </tmp/bytes)" "$type: standard input and output are exact"
	is "$(stat -c %s /tmp/err)" 0 "$type: and nothing on standard error"
	guest run "$type" 'cat >&2; exit 42' </tmp/bytes >/tmp/out 2>/tmp/err
	is "$? $(sum </tmp/err)" "42 $(sum </tmp/bytes)" "$type: standard error is exact, exit status too"
	is "$(stat -c %s /tmp/out)" 0 "$type: and nothing on standard output"
	# shellcheck disable=SC2016 # not to be expanded by any shell
	is "$(guest run "$type" printf '%s|' 'a  b' '' "c'd" '$x' '*' | tr '\n' '^')" \
		"a  b||c'd|\$x|*|" "$type: arguments arrive as they are"
	# shellcheck disable=SC2016 # the guest's shell
	guest run "$type" 'kill -9 $$'
	is $? 137 "$type: death by a signal is reported as a shell does"
	guest run "$type" /no/such/command a 2>/dev/null
	is $? 127 "$type: so is a missing command"

	guest put "$type" /tmp/big /root/big && guest get "$type" /root/big /tmp/back
	is "$? $(sum </tmp/back)" "0 $(sum </tmp/big)" "$type: 5 MB there and back"
done
rm /tmp/back

is "$(xl list | grep -cE '^(pv|pvh|hvm) ')" 3 "all three run at once"

# many commands at once
for i in 1 2 3 4 5 6 7 8; do
	guest run pv "head -c 500000 /dev/zero | tr '\\0' $i | sha256sum" >"/tmp/par$i" </dev/null &
done
wait
for i in 1 2 3 4 5 6 7 8; do
	head -c 500000 /dev/zero | tr '\0' $i | sha256sum
done >/tmp/wanted
cat /tmp/par? | cmp -s - /tmp/wanted
ok $? "eight commands of one guest at once keep their outputs apart"

# a client that is killed takes its command along
guest run pv 'sleep 4711; true' &
client=$!
wait_for 10 guest run pv 'pgrep -f "sleep 471[1]"'
ok $? "a command is running in the guest"
kill "$client"
gone()
{
	# shellcheck disable=SC2317 # wait_for calls it
	! guest run pv 'pgrep -f "sleep 471[1]"'
}
wait_for 10 gone
ok $? "and is gone after its client was killed"
guest run pv 'sleep 4712 & echo started'
ok $? "a background process of a command does not hold the client"

# the config is a plain one for xl
like "$(cat /etc/xen/pv.cfg)" "^vsys=\['dev=/dev/null'\]" "the vsys stanza is in the config"
like "$(guest log pv)" 'lab: .* ready' "the console was logged"

# reboot: a new domain, the same address
old=$(guest domid pv)
guest run pv touch /root/mark
guest reboot pv
ok $? "the guest comes back after a reboot"
[ "$(guest domid pv)" -gt "$old" ]
ok $? "as a new domain"
guest run pv test -e /root/mark
is $? 1 "that has forgotten everything"
old=$(guest domid pv)
xl reboot pv >/dev/null 2>&1
guest wait pv
ok $? "guest wait after a plain xl reboot"
[ "$(guest domid pv)" -gt "$old" ]
ok $? "waits for the new domain"

for type in pv pvh hvm; do
	guest stop "$type"
	ok $? "$type: stops"
done
xl list | grep -qE '^(pv|pvh|hvm) '
is $? 1 "no guest is left"
guest run pv true 2>/tmp/err
is $? 255 "a command for a stopped guest fails"

like "$(guest start bad --xl 'kernel="/no/such/kernel"' 2>&1)" 'guest: xl create bad failed' \
	"a guest that cannot be created is reported"
echo "lab seconds: $(cut -d' ' -f1 /proc/uptime)" | sed 's/^/# /'
tap_done
