# SPDX-License-Identifier: GPL-2.0-or-later
#
# After lib.awk, with -v json=FILE: from what scenarios/bench-scale.sh prints, a table
# on standard output and the same as JSON.

function remember(list, key, value) { list[key] = list[key] " " value }

function handle(    key, seconds, n, k, clock)
{
	key = tag["kind"] SUBSEP tag["what"] SUBSEP tag["n"]
	if (!(key in seen)) { seen[key] = 1; line[++lines] = key }
	seconds = delta("dom0 clock_ns") / 1e9
	n = delta(tag["what"] == "blkfront" ? "dom0 ios_blk" : "dom0 back_requests")
	clock = tag["what"] == "blkfront" ? "dom0 disk_us" : "dom0 vsys_us"
	remember(rate, key, per(n, has(clock) ? delta(clock) / 1e6 : seconds))
	remember(dom0, key, delta("dom0 cpu_ns_0") / 1e7 / seconds)
	remember(worker, key, delta(tag["what"] == "blkfront" ? "dom0 task_blkback_ns" : "dom0 task_worker_ns") / 1e7 / seconds)
	for (k in after)
		if (k ~ /^dom0 cpu_ns_/ && k != "dom0 cpu_ns_0")
			guests_ns += delta(k)
	remember(guests, key, guests_ns / 1e7 / seconds)
	guests_ns = 0
	remember(out, key, per(delta(tag["what"] == "blkfront" ? "dom0 irq_blkif" : "dom0 back_events_in"), n))
	remember(in_, key, tag["what"] == "blkfront" ? 0 : per(delta("dom0 back_events_out"), n))
}

$1 == "memory" {
	clear(now)
	for (i = 2; i < NF; i += 2)
		now[$i] = $(i + 1)
	if (!memories++) {
		for (k in now)
			base[k] = now[k]
		next
	}
	extra = now["devices"] - base["devices"]
	memory[memories - 1] = sprintf("    {\"devices\": %d, \"pool_kib\": %s, \"guest_kib\": %s, \"dom0_kib\": %s, \"worker_kib\": %s}", extra, number((now["pool_pages"] - base["pool_pages"]) * 4), number(now["guest_kib"] - base["guest_kib"]), number(now["dom0_kib"] - base["dom0_kib"]), number(now["worker_kib"] - base["worker_kib"]))
	memory_text[memories - 1] = sprintf("%-8d %9.0f %11.0f %10.0f %10.0f", extra, (now["pool_pages"] - base["pool_pages"]) * 4 / extra, (now["guest_kib"] - base["guest_kib"]) / extra, (now["dom0_kib"] - base["dom0_kib"]) / extra, (now["worker_kib"] - base["worker_kib"]) / extra)
	next
}

# What attaching or detaching so many devices took, of guests that are new or all there are.
$1 == "growth" {
	clear(now)
	for (i = 2; i < NF; i += 2)
		now[$i] = $(i + 1)
	grown++
	n = now["devices"]
	for (k in now)
		if (k != "devices" && k != "what" && k != "n")
			each_of[now["what"], now["n"], k] = now[k] / n
	# Workers of guests that have no device any more have ended, and their time with them.
	ended = now["what"] == "detach"
	growth[grown] = sprintf("    {\"what\": \"%s\", \"guests\": %d, \"devices\": %d, \"clock_us\": %s, \"daemon_cpu_us\": %s, \"workers_cpu_us\": %s, \"dom0_kib\": %s, \"workers_kib\": %s}", now["what"], now["n"], n, number(now["clock_us"] / n), number(now["daemon_us"] / n), ended ? "null" : number(now["workers_us"] / n), number(now["dom0_kib"] / n), number(now["workers_kib"] / n))
	growth_text[grown] = sprintf("%-7s %6d %8d %9.1f %9.2f %8s %8.0f %8.0f", now["what"], now["n"], n, now["clock_us"] / n / 1000, now["daemon_us"] / n / 1000, ended ? "-" : sprintf("%.2f", now["workers_us"] / n / 1000), now["dom0_kib"] / n, now["workers_kib"] / n)
	next
}

# With 16 guests a device may take so many times what it takes with fewer, and something
# that is the noise of measuring it, and not more.  The first guest's are the first of all.
function linear(what, most, noise,    few, all)
{
	few = median(each_of["attach", 2, what] " " each_of["attach", 4, what] " " each_of["attach", 8, what])
	all = each_of["attach", 16, what]
	if (all > 0 && all <= most * few + noise)
		return
	printf "bench-scale: %s of a device is %.1f with 16 guests, and %.1f with 2 to 8; at most %s times as much and %s\n", what, all, few, most, noise
	crooked++
}

END {
	if (!lines) {
		print "bench-scale: no measurement arrived" >"/dev/stderr"
		exit 1
	}
	json_begin()
	printf "%-8s %-9s %4s %9s %4s | %21s %8s | %9s | %5s %5s\n", "", "", "n", "requests", "+-", "% of a CPU: dom0", "back-end", "guests", "out", "in"
	for (i = 1; i <= lines; i++) {
		key = line[i]
		split(key, word, SUBSEP)
		printf "%-8s %-9s %4d %9.0f %3.0f%% | %21.2f %8.2f | %9.2f | %5.2f %5.2f\n", word[1], word[2], word[3], median(rate[key]), spread(rate[key]), median(dom0[key]), median(worker[key]), median(guests[key]), median(out[key]), median(in_[key])
		json_line[i] = "    {\"over\": " quoted(word[1]) ", \"what\": " quoted(word[2]) ", \"n\": " word[3] ", \"requests_per_second\": " statistics(rate[key]) \
			", \"dom0_cpu_percent\": " statistics(dom0[key]) ", \"back_end_cpu_percent\": " statistics(worker[key]) ", \"guests_cpu_percent\": " statistics(guests[key]) \
			", \"notifications_out\": " number(median(out[key])) (word[2] == "blkfront" ? "" : ", \"notifications_in\": " number(median(in_[key]))) "}"
		# Idle devices of one guest, against none of them.
		if (word[1] == "devices" && word[2] == "idle") {
			if (word[3] == 0)
				none = key
			else
				busiest = key
		}
	}
	if (memories > 1) {
		printf "\n%-8s %9s %11s %10s %10s\n", "devices", "pool, KiB", "guest, all", "dom0, all", "worker: each"
		for (i = 1; i < memories; i++)
			print memory_text[i]
	}
	if (grown) {
		printf "\n%-7s %6s %8s %9s %9s %8s %8s %8s\n", "", "guests", "devices", "each, ms", "daemon's", "workers'", "dom0 KiB", "workers'"
		for (i = 1; i <= grown; i++)
			print growth_text[i]
		linear("clock_us", 2, 0)
		linear("daemon_us", 1.5, 1000)
		linear("workers_us", 1.5, 1000)
		linear("dom0_kib", 1.5, 100)
		linear("workers_kib", 1.5, 0)
	}
	json_list("lines", json_line, lines)
	json_list("growth", growth, grown)
	json_list("memory", memory, memories > 1 ? memories - 1 : 0, 1)
	if (lost) {
		printf "bench-scale: %d windows without a result\n", lost
		exit 1
	}
	if (crooked)
		exit 1
	if (busiest) {
		split(busiest, word, SUBSEP)
		printf "\n%d idle devices: the back-end takes %.3f%% of a CPU, dom0 %.2f%% and the guest %.2f%% more than without.\n", word[3], median(worker[busiest]), median(dom0[busiest]) - median(dom0[none]), median(guests[busiest]) - median(guests[none])
	}
}
