# SPDX-License-Identifier: GPL-2.0-or-later
#
# After lib.awk, with -v json=FILE: from what scenarios/bench-ways.sh prints, a table on
# standard output and the same as JSON.  What belongs together is on lines that follow
# each other, the way to compare with first.

function remember(list, key, value) { list[key] = list[key] " " value }

# Requests that dom0's time is divided by.  A RAM disk and null_blk do not count, so what
# fio measured counts for its warming up, too.
function requests()
{
	if (tag["of"] == "io_uring" || tag["of"] == "null")
		return iops * (tag["seconds"] + 0.5)
	return delta(tag["of"] == "blkfront" ? "guest ios_blk" : "guest ios_vsys")
}

function handle(    group, key, n)
{
	n = requests()
	if (!n || !has("dom0 cpu_ns_0")) {
		lost++
		return
	}
	group = tag["of"] SUBSEP tag["rw"] SUBSEP tag["size"] SUBSEP tag["depth"]
	key = group SUBSEP tag["way"]
	if (!(group in members))
		order[++groups] = group
	if (!(key in rate)) {
		member[group, ++members[group]] = key
		words[key] = "\"type\": " quoted(tag["type"]) ", \"of\": " quoted(tag["of"]) ", \"way\": " quoted(tag["way"]) \
			", \"rw\": " quoted(tag["rw"]) ", \"size\": " quoted(tag["size"]) ", \"depth\": " tag["depth"]
	}
	remember(rate, key, iops)
	remember(cost, key, delta("dom0 cpu_ns_0") / 1000 / n)
}

END {
	if (!groups) {
		print "bench-ways: no measurement arrived" >"/dev/stderr"
		exit 1
	}
	json_begin()
	printf "%-9s %-8s %5s %5s %-14s %8s %4s %8s\n", "", "", "", "depth", "way", "IOPS", "+-", "dom0 us"
	for (i = 1; i <= groups; i++) {
		for (j = 1; j <= members[order[i]]; j++) {
			key = member[order[i], j]
			split(key, k, SUBSEP)
			printf "%-9s %-8s %5s %5d %-14s %8.0f %3.0f%% %8.0f\n", k[1], k[2], k[3], k[4], k[5], median(rate[key]), spread(rate[key]), median(cost[key])
			line[++lines] = "    {" words[key] ", \"iops\": " statistics(rate[key]) ", \"dom0_cpu_us_per_request\": " statistics(cost[key]) "}"
		}
	}
	json_list("ways", line, lines, 1)
	if (lost) {
		printf "bench-ways: %d runs without a result\n", lost
		exit 1
	}
}
