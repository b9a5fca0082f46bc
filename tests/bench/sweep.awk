# SPDX-License-Identifier: GPL-2.0-or-later
#
# After lib.awk, with -v json=FILE: from what scenarios/bench-sweep.sh prints, a table
# on standard output and the same as JSON.

function remember(list, key, value) { list[key] = list[key] " " value }

function handle(    key, n)
{
	key = tag["sweep"] SUBSEP tag["x"] SUBSEP tag["target"]
	if (!(key in seen)) {
		seen[key] = 1
		point[++points] = key
		words[key] = "\"type\": " quoted(tag["type"]) ", \"sweep\": " quoted(tag["sweep"]) ", \"x\": " tag["x"] \
			", \"rw\": " quoted(tag["rw"]) ", \"size\": " quoted(tag["size"]) ", \"depth\": " tag["depth"] \
			", \"target\": " quoted(tag["target"])
	}
	remember(rate, key, iops)
	remember(speed, key, kbps)
	remember(mean, key, latency)
	remember(p50, key, percentile[50])
	remember(p99, key, percentile[99])
	if (tag["target"] == "native")
		return
	n = delta(tag["target"] == "vsys" ? "guest ios_vsys" : "guest ios_blk")
	remember(out, key, per(delta(tag["target"] == "vsys" ? "guest front_notifications" : "dom0 irq_blkif"), n))
	remember(in_, key, per(delta(tag["target"] == "vsys" ? "dom0 back_events_out" : "guest irq_blk"), n))
}

END {
	if (!points) {
		print "bench-sweep: no measurement arrived" >"/dev/stderr"
		exit 1
	}
	json_begin()
	printf "%-6s %5s %-9s %8s %4s %9s %9s %9s %9s | %5s %5s\n", "over", "", "", "IOPS", "+-", "MB/s", "mean us", "p50 us", "p99 us", "out", "in"
	for (i = 1; i <= points; i++) {
		split(point[i], k, SUBSEP)
		printf "%-6s %5d %-9s %8.0f %3.0f%% %9.1f %9.0f %9.0f %9.0f | %5.2f %5.2f\n", k[1], k[2], k[3], median(rate[point[i]]), spread(rate[point[i]]), median(speed[point[i]]) * 1.024 / 1000, median(mean[point[i]]), median(p50[point[i]]), median(p99[point[i]]), median(out[point[i]]), median(in_[point[i]])
		line[i] = "    {" words[point[i]] ", \"iops\": " statistics(rate[point[i]]) ", \"mb_per_second\": " number(median(speed[point[i]]) * 1.024 / 1000) \
			", \"mean_us\": " number(median(mean[point[i]])) ", \"p50_us\": " number(median(p50[point[i]])) ", \"p99_us\": " number(median(p99[point[i]])) \
			", \"notifications_out\": " number(median(out[point[i]])) ", \"notifications_in\": " number(median(in_[point[i]])) "}"
	}
	json_list("points", line, points, 1)
	if (lost) {
		printf "bench-sweep: %d runs without a result\n", lost
		exit 1
	}
}
