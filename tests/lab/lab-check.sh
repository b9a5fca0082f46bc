#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab's promises to the machine that runs it, in TAP: exact output, exit
# status, limits, and one clear sentence when something is missing. What goes
# on inside dom0 is the scenario lab-selftest. About ten boots.

# shellcheck source=tests/tools/tap.sh
. "$(dirname "$0")/../tools/tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
lab=$here/lab
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
unset LAB_KEEP LAB_PROGRESS

# attempt ARGS...: runs the lab, keeps $work/out, $work/err and $status
attempt()
{
	"$lab" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# No machine and no directory of a run may be left.
nothing_left()
{
	! pgrep -f "$work/xen-vsys-lab" >/dev/null && ! compgen -G "$work/xen-vsys-lab.*" >/dev/null
}

script()
{
	cat >"$work/$1"
	chmod +x "$work/$1"
}

# --- what is said before anything boots
attempt run /no/such/script
is "$status $(cat "$work/err")" "1 lab: there is no script /no/such/script" "a missing script: one sentence"
attempt run --mem lots "$0"
is "$status $(cat "$work/err")" "1 lab: --mem needs a number" "a wrong number: one sentence"
attempt run --nonsense "$0"
is "$status $(wc -l <"$work/err")" "1 1" "an unknown option: one sentence"
attempt images --pkg no-such-package-in-debian
is "$status" 1 "a package that does not exist fails"
like "$(cat "$work/err")" '^lab: apt knows no package no-such-package-in-debian [^.]*$' "and is named"
LAB_CACHE=/proc/nowhere attempt images
is "$status $(wc -l <"$work/err")" "1 1" "a cache that cannot be made: one sentence"
mkdir "$work/small"
if mount -t tmpfs -o size=20m tmpfs "$work/small" 2>/dev/null; then
	LAB_CACHE=$work/small attempt images
	like "$status $(tail -n1 "$work/err")" "^1 lab: building needs [0-9]+ MiB of disk, .* has [0-9]+ MiB free" \
		"too little disk: says what is needed and what is there"
	umount "$work/small"
else
	skip "mount needs root" "too little disk"
fi

# --- exact streams, arguments and exit status
{
	for i in 0 1 2 3; do
		# shellcheck disable=SC2059 # that is the point
		for j in 0 1 2 3 4 5 6 7; do for k in 0 1 2 3 4 5 6 7; do printf "\\$i$j$k"; done; done
	done
	head -c 3000000 /dev/urandom
	printf 'no line end'
} >"$work/bytes"
head -c 100000 "$work/bytes" | tac >"$work/other"
script both.sh <<'END'
#!/bin/bash
cat /root/other >&2 &
cat /root/bytes
wait
exit "$1"
END
attempt run --no-vsysd --file "$work/bytes" --file "$work/other" "$work/both.sh" 7
is "$status" 7 "the exit status is the script's"
cmp "$work/out" "$work/bytes"
ok $? "standard output is exact, every byte"
cmp "$work/err" "$work/other"
ok $? "standard error is exact, apart"

script args.sh <<'END'
#!/bin/sh
printf '%s|' "$@"
. "$(dirname "$0")/neighbour.sh"
echo dev >/dev/stderr
END
echo 'echo neighbour' >"$work/neighbour.sh"
# shellcheck disable=SC2016 # not to be expanded by any shell
attempt run --no-vsysd "$work/args.sh" 'a  b' '' "it's" '--mem' '$HOME'
is "$status $(cat "$work/out")" "0 a  b||it's|--mem|\$HOME|neighbour" "arguments arrive as they are, neighbours can be sourced"
is "$(cat "$work/err")" dev "/dev/stderr works"
nothing_left
ok $? "nothing is left behind"

# --- streaming
script slow.sh <<'END'
#!/bin/sh
echo first
sleep 1000
END
"$lab" run --no-vsysd "$work/slow.sh" >"$work/out" 2>"$work/err" </dev/null &
pid=$!
wait_for 120 grep -q first "$work/out"
ok $? "output comes while the script runs"
kill "$pid"
wait "$pid"
is $? 143 "SIGTERM ends it"
wait_for 10 nothing_left
ok $? "and the machine with it"

# --- limits
script hang.sh <<'END'
#!/bin/sh
echo some output
guest start hung
guest run hung 'echo a word from the guest >/dev/hvc0'
echo lab-hang-mark >/dev/kmsg
sleep 1000
END
attempt run --no-vsysd --timeout 150 "$work/hang.sh"
is "$status $(cat "$work/out")" "124 some output" "a time-out: exit status 124, the output so far"
like "$(cat "$work/err")" 'lab: stopped after 150 s' "says so"
like "$(cat "$work/err")" 'console of Xen and dom0' "shows the console of Xen and dom0"
like "$(cat "$work/err")" '/hang.sh' "shows what runs in dom0"
like "$(cat "$work/err")" 'a word from the guest' "shows the guest's console"
nothing_left
ok $? "leaves nothing behind"
attempt run --qemu '-device no-such-device' "$work/args.sh"
is "$status" 124 "an emulator that does not start: 124"
like "$(cat "$work/err")" "no-such-device" "with its own words"
script crash.sh <<'END'
#!/bin/sh
echo c >/proc/sysrq-trigger
sleep 1000
END
attempt run --no-vsysd "$work/crash.sh"
is "$status" 124 "a dom0 that crashes: 124"
like "$(cat "$work/err")" 'sysrq triggered crash|Hardware Dom0 crashed' "with the crash on the console"

# --- two at once, and the shell
for i in 1 2; do
	LAB_SLOTS=2 "$lab" run --no-vsysd "$work/args.sh" "$i" >"$work/out$i" 2>/dev/null </dev/null &
done
wait
is "$(cat "$work/out1" "$work/out2")" "1|neighbour
2|neighbour" "two labs at once"
echo 'xl domid Domain-0; exit 5' | "$lab" shell --no-vsysd >"$work/out" 2>/dev/null
is "$? $(cat "$work/out")" "5 0" "a shell takes commands from a pipe"
if command -v script >/dev/null; then
	mkfifo "$work/typed"
	timeout 300 script -qec "stty rows 33 cols 99; $lab shell --no-vsysd" /dev/null \
		<"$work/typed" >"$work/out" 2>&1 &
	exec 5>"$work/typed"
	wait_for 200 grep -q 'root@dom0' "$work/out"
	ok $? "and prompts on a terminal"
	echo 'tty; stty size; exit 6' >&5
	wait $!
	like "$? $(tr -d '\r' <"$work/out" | tr '\n' ' ')" '^6 .*/dev/pts/0 33 99' "which has its size"
	exec 5>&-
fi
tap_done
