# SPDX-License-Identifier: GPL-2.0-or-later
#
# After lib.awk, with -v json=FILE: from what scenarios/bench.sh prints, tables on
# standard output and the same as JSON.  Exits 1 if a goal is missed or nothing was
# measured.

function remember(list, key, value) { list[key] = list[key] " " value }

function handle(    key, n, p, cpu)
{
	key = tag["type"] SUBSEP tag["work"]
	cpu = delta("dom0 cpu_ns_0") / 1000
	if (tag["target"] == "none") {
		remember(nothing, key, cpu)
		return
	}
	if (!(key in seen)) {
		seen[key] = 1
		line[++lines] = key
		words[key] = "\"rw\": " quoted(tag["rw"]) ", \"size\": " quoted(tag["size"]) \
			", \"depth\": " tag["depth"] ", \"jobs\": " tag["jobs"]
		depth[key] = tag["depth"]
		base[key] = tag["type"] SUBSEP (tag["jobs"] > 1 ? "nothing4" : "nothing")
		pages[key] = tag["size"] / 4
	}
	key = key SUBSEP tag["target"]
	remember(rate, key, iops)
	remember(mean, key, latency)
	for (p in percentile) {
		remember(parts, key SUBSEP p, percentile[p])
		if (!(p in known)) { known[p] = 1; known_parts = known_parts " " p }
	}
	if (tag["target"] == "native" || tag["target"] == "null")
		return
	n = delta(tag["target"] == "vsys" ? "guest ios_vsys" : "guest ios_blk")
	if (n <= 0)
		return
	remember(dom0_cpu, key, cpu)
	remember(requests, key, n)
	remember(task, key, delta(tag["target"] == "vsys" ? "dom0 task_worker_ns" : "dom0 task_blkback_ns") / 1000 / n)
	remember(guest_cpu, key, guest_time() / 1000 / n)
	if (tag["target"] == "vsys") {
		each(out, key, n, "guest front_notifications")
		each(in_, key, n, "dom0 back_events_out")
		each(copied, key, n, "guest front_copied_pages", "dom0 back_copies")
		steady_grants(key, n)
	} else {
		each(out, key, n, "dom0 irq_blkif")
		each(in_, key, n, "guest irq_blk")
	}
}

# What these counters have counted for each of N requests; nothing, if one is missing.
function each(list, key, n, counter, second)
{
	if (has(counter) && (second == "" || has(second)))
		remember(list, key, (delta(counter) + (second == "" ? 0 : delta(second))) / n)
}

# Without what a pool that has another size after the run was mapped or unmapped for that.
# One that has grown and shrunk again counts.
function steady_grants(key, n,    ops, pool)
{
	if (!has("dom0 back_grant_maps") || !has("dom0 back_grant_unmaps") || !has("guest front_pool_pages"))
		return
	ops = delta("dom0 back_grant_maps") + delta("dom0 back_grant_unmaps")
	pool = delta("guest front_pool_pages")
	pool = pool < 0 ? -pool : pool
	remember(grants, key, (ops > pool ? ops - pool : 0) / n)
}

# The one guest's CPU time.
function guest_time(    k)
{
	for (k in after)
		if (k ~ /^dom0 cpu_ns_/ && k != "dom0 cpu_ns_0")
			return delta(k)
	return 0
}

# dom0's CPU time for one request, without what it spends while fio does nothing.
function cpu_list(key, pair,    n, i, a, r, b, s)
{
	n = split(dom0_cpu[key, pair], a, " ")
	split(requests[key, pair], r, " ")
	b = median(nothing[base[key]])
	for (i = 1; i <= n; i++)
		s = s " " (a[i] - b) / r[i]
	return s
}

$1 == "call" {
	if (!(($2, $4) in called)) { called[$2, $4] = 1; call_line[++calls] = $2 SUBSEP $3 SUBSEP $4 }
	remember(call_p50, $2 SUBSEP $4, $13 / 1000)
	remember(call_mean, $2 SUBSEP $4, $9 / 1000)
	remember(call_p99, $2 SUBSEP $4, $17 / 1000)
	next
}
$1 == "trips" {
	if (!(($2, $3) in shaped)) { shaped[$2, $3] = 1; shape_line[++shapes] = $2 SUBSEP $3 }
	for (i = 5; i < NF; i += 2)
		trip[$2, $3, $4, $i] = $(i + 1)
	next
}
$1 == "shape" { remember(shape_rate, $2 SUBSEP $3 SUBSEP $6, $7); next }

# What one more idle device takes: the second line of a guest against its first.
$1 == "memory" {
	for (i = 2; i < NF; i += 2)
		now[$i] = $(i + 1)
	if (now["devices"] > had[now["type"], now["cpus"], "devices"] && (now["type"], now["cpus"]) in first) {
		memory[++memories] = now["type"] SUBSEP now["cpus"]
		for (k in now)
			more[memories, k] = now[k] - had[now["type"], now["cpus"], k]
	}
	first[now["type"], now["cpus"]] = 1
	for (k in now)
		had[now["type"], now["cpus"], k] = now[k]
	next
}

function report_memory(    i, k, n, pool)
{
	printf "\n%-4s %-21s %9s %11s %10s %10s\n", "", "an idle device, KiB", "its pool", "guest, all", "dom0, all", "worker"
	for (i = 1; i <= memories; i++) {
		split(memory[i], k, SUBSEP)
		n = more[i, "devices"]
		pool = more[i, "pool_pages"] * 4 / n
		printf "%-4s %-21s %9.0f %11.0f %10.0f %10.0f\n", k[1], k[2] " CPUs", pool, more[i, "guest_kib"] / n, more[i, "dom0_kib"] / n, more[i, "worker_kib"] / n
		json_memory[i] = sprintf("    {\"type\": \"%s\", \"cpus\": %d, \"devices\": %d, \"pool_kib\": %s, \"guest_kib\": %s, \"dom0_kib\": %s, \"worker_kib\": %s}", k[1], k[2], n, number(pool), number(more[i, "guest_kib"] / n), number(more[i, "dom0_kib"] / n), number(more[i, "worker_kib"] / n))
		goal(k[1], k[2] " CPUs", "KiB of pool of an idle device", pool, 1, 1024)
	}
}

# What was never counted is no zero.
function counted(list) { return list == "" ? "" : median(list) }

# Of two positive figures; else there is no ratio, and no goal is reached by it.
function ratio(x, y) { return x > 0 && y > 0 ? x / y : "" }

# goal TYPE WORK WHAT VALUE MOST LIMIT: at least, or at most, LIMIT; with two decimals,
# as it is printed: a disk is also read by others than fio.
function goal(type, work, what, value, most, limit,    ok)
{
	if (value != "")
		value = sprintf("%.2f", value) + 0
	ok = value != "" && (most ? value <= limit : value >= limit)
	reached += ok
	goal_line[++goals] = "    {\"type\": " quoted(type) ", \"work\": " quoted(work) ", \"what\": " quoted(what) \
		", \"value\": " (value == "" ? "null" : number(value)) ", \"" (most ? "at_most" : "at_least") "\": " number(limit) \
		", \"reached\": " (ok ? "true" : "false") "}"
	if (!ok && value == "")
		missed[++misses] = sprintf("%s, %s: %s was not measured", type, work, what)
	else if (!ok)
		missed[++misses] = sprintf("%s, %s: %s is %.2f, to be at %s %s", type, work, what, value, most ? "most" : "least", number(limit))
	return ok
}

function wanted_ratio(work)
{
	if (work ~ /x4$/)
		return 1.5
	if (work ~ /-128k-/)
		return 1.3
	return work ~ /-1$/ ? 1.5 : 2
}

function latencies(key, target,    p, i, n, s)
{
	n = sorted(known_parts, order)
	for (i = 1; i <= n; i++) {
		p = order[i] + 0
		if ((key, target, p) in parts)
			s = s ", \"p" p "\": " number(median(parts[key, target, p]))
	}
	return "{\"mean\": " number(median(mean[key, target])) s "}"
}

function of_both(list, key,    s)
{
	s = "{\"vsys\": " number(median(list[key, "vsys"])) ", \"blkfront\": " number(median(list[key, "blkfront"])) "}"
	return s
}

function report_line(i,    key, k, type, work, v, b, n, cpu_v, cpu_b)
{
	key = line[i]
	split(key, k, SUBSEP)
	type = k[1]; work = k[2]
	v = median(rate[key, "vsys"]); b = median(rate[key, "blkfront"]); n = median(rate[key, "native"])
	cpu_v = cpu_list(key, "vsys"); cpu_b = cpu_list(key, "blkfront")
	printf "%-4s %-16s %7.0f %3.0f%% %7.0f %3.0f%% %7.0f %3.0f%% %6.2f %6.2f | %6.0f %6.0f %5.2f | %5.2f %5.2f %5.2f %5.2f | %5.2f %5.2f\n", type, work, v, spread(rate[key, "vsys"]), b, spread(rate[key, "blkfront"]), n, spread(rate[key, "native"]), per(v, b), per(v, n), median(cpu_v), median(cpu_b), ratio(median(cpu_v), median(cpu_b)), median(out[key, "vsys"]), median(in_[key, "vsys"]), median(copied[key, "vsys"]), median(grants[key, "vsys"]), median(out[key, "blkfront"]), median(in_[key, "blkfront"])
	json_line[i] = "    {\"type\": " quoted(type) ", \"work\": " quoted(work) ", " words[key] \
		", \"iops\": {\"vsys\": " statistics(rate[key, "vsys"]) ", \"blkfront\": " statistics(rate[key, "blkfront"]) ", \"native\": " statistics(rate[key, "native"]) "}" \
		((key, "null") in rate ? ", \"null_blk_iops\": " statistics(rate[key, "null"]) : "") ", \"ratio_blkfront\": " number(per(v, b)) ", \"ratio_native\": " number(per(v, n)) \
		", \"latency_us\": {\"vsys\": " latencies(key, "vsys") ", \"blkfront\": " latencies(key, "blkfront") ", \"native\": " latencies(key, "native") "}" \
		", \"dom0_cpu_us_per_request\": {\"vsys\": " statistics(cpu_v) ", \"blkfront\": " statistics(cpu_b) "}" \
		", \"back_end_cpu_us_per_request\": " of_both(task, key) \
		", \"guest_cpu_us_per_request\": " of_both(guest_cpu, key) \
		", \"notifications_out_per_request\": " of_both(out, key) \
		", \"notifications_in_per_request\": " of_both(in_, key) \
		", \"pages_copied_per_request\": " number(median(copied[key, "vsys"])) \
		", \"grant_operations_per_request\": " number(median(grants[key, "vsys"])) "}"
	if ((key, "null") in rate)
		ceiling[++ceilings] = sprintf("%-4s %-16s %7.0f %6.2f %6.2f", type, work, median(rate[key, "null"]), per(median(rate[key, "null"]), b), per(v, median(rate[key, "null"])))
	goal(type, work, "IOPS against blkfront", ratio(v, b), 0, wanted_ratio(work))
	goal(type, work, "dom0's CPU time for a request against blkback's", ratio(median(cpu_v), median(cpu_b)), 1, 0.8)
	goal(type, work, "notifications out for a request", counted(out[key, "vsys"]), 1, depth[key] >= 16 ? 0.1 : 1)
	goal(type, work, "notifications in for a request", counted(in_[key, "vsys"]), 1, depth[key] >= 16 ? 0.1 : 1)
	# The first use of a page or queue is not the steady state.
	goal(type, work, "grant operations for a request", counted(grants[key, "vsys"]), 1, 0)
	goal(type, work, "copies of each page", copied[key, "vsys"] == "" ? "" : median(copied[key, "vsys"]) / pages[key], 1, 1)
}

function report_calls(    i, k, ref, v)
{
	printf "\n%-4s %-8s %-22s %9s %9s %9s %6s\n", "", "call, us", "", "p50", "mean", "p99", "/blk"
	for (i = 1; i <= calls; i++) {
		split(call_line[i], k, SUBSEP)
		ref = median(call_p50[k[1], "page:/dev/xvde"])
		v = median(call_p50[k[1], k[3]])
		printf "%-4s %-8s %-22s %9.1f %9.1f %9.1f %6s\n", k[1], k[2], k[3], v, median(call_mean[k[1], k[3]]), median(call_p99[k[1], k[3]]), k[2] == "guest" ? sprintf("%.2f", per(v, ref)) : "-"
		json_call[i] = "    {\"type\": " quoted(k[1]) ", \"where\": " quoted(k[2]) ", \"call\": " quoted(k[3]) ", \"p50_us\": " statistics(call_p50[k[1], k[3]]) ", \"mean_us\": " number(median(call_mean[k[1], k[3]])) ", \"p99_us\": " number(median(call_p99[k[1], k[3]])) "}"
		if (k[2] == "guest" && k[3] !~ /^page/)
			goal(k[1], k[3], "latency of a call against blkfront's 4 KiB read", ratio(v, ref), 1, 0.5)
	}
}

function report_shapes(    i, k, t, s)
{
	printf "\n%-4s %-8s %9s %9s | %s\n", "", "calls/s", "guest", "native", "round trips of call 1, 2, 10 | of the 10th: faults, pages sent, bytes told, grants mapped; notifications out, in"
	for (i = 1; i <= shapes; i++) {
		split(shape_line[i], k, SUBSEP)
		t = k[1]; s = k[2]
		printf "%-4s %-8s %9.0f %9.0f | %d %d %d | %d %d %d %d; %d %d\n", t, s, median(shape_rate[t, "guest", s]), median(shape_rate[t, "native", s]), trip[t, s, 1, "round_trips"], trip[t, s, 2, "round_trips"], trip[t, s, 10, "round_trips"], trip[t, s, 10, "needs"], trip[t, s, 10, "pages_sent"], trip[t, s, 10, "dirty_bytes"], trip[t, s, 10, "grants_mapped"], trip[t, s, 10, "notifications"], trip[t, s, 10, "interrupts"]
		json_shape[i] = sprintf("    {\"type\": \"%s\", \"shape\": \"%s\", \"calls_per_second\": {\"guest\": %s, \"native\": %s}, \"round_trips\": [%d, %d, %d], \"faults\": %d, \"pages_sent\": %d, \"bytes_told\": %d, \"grants_mapped\": %d, \"notifications_out\": %d, \"notifications_in\": %d}", t, s, statistics(shape_rate[t, "guest", s]), statistics(shape_rate[t, "native", s]), trip[t, s, 1, "round_trips"], trip[t, s, 2, "round_trips"], trip[t, s, 10, "round_trips"], trip[t, s, 10, "needs"], trip[t, s, 10, "pages_sent"], trip[t, s, 10, "dirty_bytes"], trip[t, s, 10, "grants_mapped"], trip[t, s, 10, "notifications"], trip[t, s, 10, "interrupts"])
		goal(t, "ioctl " s, "round trips", trip[t, s, 10, "round_trips"] "" == "" ? "" : trip[t, s, 10, "round_trips"] + 0, 1, 1)
	}
}

END {
	if (!lines && !calls) {
		print "bench: no measurement arrived" >"/dev/stderr"
		exit 1
	}
	json_begin()
	printf "# IOPS: medians, and half of what lies between the extremes\n"
	if (lines)
		printf "%-21s %12s %12s %12s %6s %6s | %20s | %23s | %11s\n%-21s %7s %4s %7s %4s %7s %4s %6s %6s | %6s %6s %5s | %5s %5s %5s %5s | %5s %5s\n", "", "vsys", "blkfront", "native", "", "", "dom0 CPU, us/request", "vsys, per request", "blkfront", "", "IOPS", "+-", "IOPS", "+-", "IOPS", "+-", "/blk", "/nat", "vsys", "blk", "/blk", "out", "in", "pages", "grant", "out", "in"
	for (i = 1; i <= lines; i++)
		report_line(i)
	if (ceilings)
		printf "\n%-21s %7s %6s %6s\n", "in the guest: null_blk", "IOPS", "/blk", "vsys/"
	for (i = 1; i <= ceilings; i++)
		print ceiling[i]
	if (calls)
		report_calls()
	if (shapes)
		report_shapes()
	if (memories)
		report_memory()
	json_list("lines", json_line, lines)
	json_list("calls", json_call, calls)
	json_list("shapes", json_shape, shapes)
	json_list("memory", json_memory, memories)
	json_list("goals", goal_line, goals, 1)
	if (lost)
		printf "bench: %d runs without a result\n", lost
	printf "\n%d of %d goals are reached.\n", reached, goals
	for (i = 1; i <= misses; i++)
		print "missed: " missed[i]
	exit misses || lost ? 1 : 0
}
