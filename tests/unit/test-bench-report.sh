#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The benches' reports, on figures that were made up: medians, what is taken off, which
# goals are reached, and what becomes of measurements that are missing.

. tests/tools/tap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

report()
{
	awk -v json="$dir/$1.json" -f tests/bench/lib.awk -f "tests/bench/$2.awk" "$dir/$1" >"$dir/$1.out" 2>&1
}

# fio IOPS LATENCY: a terse line of reads; all percentiles are there, half of them 0
fio_result()
{
	awk -v i="$1" -v l="$2" 'BEGIN {
		f[1] = 3; f[2] = "fio-x"; f[3] = "j"
		f[7] = i * 4; f[8] = i; f[18] = "1.000000%=5"; f[19] = "50.000000%=" l; f[20] = "0%=0"; f[40] = l
		for (k = 1; k <= 130; k++)
			printf "%s;", f[k] == "" ? 0 : f[k]
		print ""
	}'
}

# counters CPU REQUESTS
counters()
{
	printf 'dom0 cpu_ns_0 %d\ndom0 cpu_ns_3 0\ndom0 task_worker_ns %d\ndom0 task_blkback_ns 0\n' "$1" "$1"
	printf 'dom0 irq_blkif %d\ndom0 back_events_out %d\nguest irq_blk %d\nguest ios_vsys %d\nguest ios_blk %d\n' "$2" 0 "$2" "$2" "$2"
	printf 'guest front_notifications 0\nguest front_copied_pages %d\ndom0 back_copies 0\ndom0 back_grant_maps 7\n' "$2"
	# Its pool becomes smaller meanwhile.
	printf 'guest front_pool_pages %d\ndom0 back_grant_unmaps %d\n' $(($2 < 1000 ? 512 : 256)) $(($2 < 1000 ? 0 : 256))
}

# run TARGET RUN IOPS CPU
run()
{
	echo "begin type pv work randread-4k-16 target $1 run $2 rw randread size 4k depth 16 jobs 1"
	counters 1000 100
	fio_result "$3" 160
	counters $((1000 + $4)) 1100
	echo end
}

{
	echo "note made up"
	echo "begin type pv work nothing target none run 1"
	counters 0 0
	fio_result 10 1
	counters 5000000 0
	echo end
	run vsys 1 300 25000000
	run blkfront 1 100 55000000
	run native 1 900 0
	run vsys 2 200 25000000
	run blkfront 2 100 55000000
	run native 2 900 0
	run vsys 3 900 25000000
	run blkfront 3 100 55000000
	run native 3 900 0
	run null 3 450 0
} >"$dir/good"
report good report
ok $? "all goals are reached" || diag "$(cat "$dir/good.out")"
line=$(grep '"work": "randread-4k-16", "rw"' "$dir/good.json")
like "$line" '"vsys": \{"median": 300, "min": 200, "max": 900, "runs": \[300, 200, 900\]\}' "the median of three, and all of them"
like "$line" '"ratio_blkfront": 3,' "against blkfront"
like "$line" '"dom0_cpu_us_per_request": \{"vsys": \{"median": 20, ' "what fio costs without I/O is taken off"
like "$line" '"latency_us": \{"vsys": \{"mean": 160, "p1": 5, "p50": 160\}' "percentiles that fio did not say are none"
like "$line" '"notifications_out_per_request": \{"vsys": 0, "blkfront": 1\}' "notifications of both"
like "$line" '"null_blk_iops": \{"median": 450, ' "a disk that does nothing"
like "$(cat "$dir/good.out")" 'randread-4k-16 +450 +4.50 +0.67$' "... against blkfront, and this pair against it"
like "$(cat "$dir/good.out")" '^6 of 6 goals are reached' "goals are counted"

# refused NAME CHANGE WHAT PATTERN: the good figures, changed by sed: a failure, that says this
refused()
{
	sed "$2" "$dir/good" >"$dir/$1"
	! report "$1" report
	ok $? "$3"
	like "$(cat "$dir/$1.out")" "$4" "... and it says so"
}

# Twice as much time of dom0, and half as many requests.
refused slow 's/dom0 cpu_ns_0 25001000/dom0 cpu_ns_0 105001000/' "a goal that is missed is a failure" \
	"CPU time for a request against blkback's is 2.00, to be at most 0.8"

refused granted 's/back_grant_unmaps 256/back_grant_unmaps 1256/' "grant operations that do not change the pool are counted" \
	"grant operations for a request is 1.00, to be at most 0"

# Nothing may look good because it was not measured.
refused blind '/cpu_ns_0/d; /front_notifications/d' "counters that are missing are a failure" \
	"CPU time for a request against blkback's was not measured"
like "$(cat "$dir/blind.out")" "notifications out for a request was not measured" "... of each of them"
refused lost '/^3;fio/d' "without a result of fio there is no report" "no measurement arrived"

# The other reports.
sed 's/work randread-4k-16/sweep depth x 16/; /work nothing/,/^end/d' "$dir/good" >"$dir/sweep"
report sweep sweep
ok $? "over depth" || diag "$(cat "$dir/sweep.out")"
like "$(cat "$dir/sweep.json")" '"x": 16, .*"target": "vsys", "iops": \{"median": 300,.*"p50_us": 160' "... by target"
sed 's/target vsys/of ring way 4/; s/target blkfront/of ring way 1/; s/target native/of io_uring way plain seconds 2/
	s/target null/of io_uring way none/; /work nothing/,/^end/d' "$dir/good" >"$dir/ways"
report ways ways
ok $? "ways" || diag "$(cat "$dir/ways.out")"
like "$(cat "$dir/ways.json")" '"of": "ring", "way": "4", .*"iops": \{"median": 300, .*"dom0_cpu_us_per_request": \{"median": 25, ' "... dom0's time for what the guest's disk counted"
like "$(cat "$dir/ways.out")" '^ring +randread +4k +16 +1 +100 +0% +55$' "... in a table"
sed '/guest ios_vsys/d' "$dir/ways" >"$dir/uncounted"
! report uncounted ways
ok $? "a way whose requests were not counted is a failure"
like "$(cat "$dir/uncounted.out")" '^bench-ways: 6 runs without a result' "... and it says so"
{
	echo "begin kind devices what idle n 0"
	printf 'dom0 vsys_us 0\ndom0 clock_ns 0\ndom0 cpu_ns_0 0\ndom0 cpu_ns_3 0\ndom0 back_requests 0\ndom0 task_worker_ns 0\n'
	printf 'dom0 vsys_us 2000000\ndom0 clock_ns 2000000000\ndom0 cpu_ns_0 20000000\ndom0 cpu_ns_3 0\ndom0 back_requests 10\ndom0 task_worker_ns 0\n'
	printf 'window\nend\n'
	echo "memory kind devices n 0 devices 1 pool_pages 256 guest_kib 1000 dom0_kib 1000 dom0_total_kib 9 worker_kib 10"
	echo "memory kind devices n 2 devices 3 pool_pages 768 guest_kib 3400 dom0_kib 1010 dom0_total_kib 9 worker_kib 40"
	for n in 2 4 8; do
		echo "growth what attach n $n devices 16 clock_us 160000 daemon_us 16000 workers_us 32000 dom0_kib $((n * 400)) workers_kib 1600"
	done
	echo "growth what attach n 16 devices 128 clock_us 2560000 daemon_us 320000 workers_us 512000 dom0_kib 32000 workers_kib 12800"
	echo "growth what detach n 16 devices 256 clock_us 2560000 daemon_us 256000 workers_us 0 dom0_kib -25600 workers_kib -2560"
} >"$dir/scale"
report scale scale
ok $? "over devices" || diag "$(cat "$dir/scale.out")"
like "$(cat "$dir/scale.json")" '"n": 0, "requests_per_second": \{"median": 5,.*"dom0_cpu_percent": \{"median": 1,' "per second"
like "$(cat "$dir/scale.json")" '"devices": 2, "pool_kib": 2048, "guest_kib": 2400, "dom0_kib": 10, "worker_kib": 30' "memory of two more devices"
like "$(cat "$dir/scale.json")" '"what": "attach", "guests": 16, "devices": 128, "clock_us": 20000, "daemon_cpu_us": 2500, "workers_cpu_us": 4000, "dom0_kib": 250, "workers_kib": 100' \
	"what each of the devices takes that many guests get"
# crooked NAME CHANGE WHAT: with 16 guests it is more than so many times what it is with fewer
crooked()
{
	sed "$2" "$dir/scale" >"$dir/$1"
	! report "$1" scale
	ok $? "what does not stay linear is a failure: $1"
	like "$(cat "$dir/$1.out")" "$3" "... and it says so"
}
crooked clock 's/clock_us 2560000/clock_us 2570000/' 'clock_us of a device is 20078.1 with 16 guests, and 10000.0 with 2 to 8; at most 2 times'
crooked daemon 's/daemon_us 320000/daemon_us 321000/' 'daemon_us of a device is 2507.8 with 16'
crooked memory 's/dom0_kib 32000/dom0_kib 32100/' 'dom0_kib of a device is 250.8 with 16'
crooked missing '/attach n 16/d' 'clock_us of a device is 0.0 with 16'
tap_done
