# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the reports share: medians, JSON, and the reading of what tests/tools/bench.sh
# prints.  For each block from "begin" to "end" that has a result, handle() of the
# report is called, with
#
#   tag[KEY]                    the words of "begin"
#   iops, kbps, latency         of fio; latency is the mean in microseconds
#   percentile[P]               completion latency in microseconds
#   delta("dom0 NAME")          what the run added to a counter; has(...): there is one
#
# A list of numbers is a string with blanks between them.

function sorted(list, out,    n, i, j, t)
{
	n = split(list, out, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && out[j - 1] + 0 > out[j] + 0; j--) {
			t = out[j]; out[j] = out[j - 1]; out[j - 1] = t
		}
	return n
}

function median(list,    o, n)
{
	n = sorted(list, o)
	if (n == 0)
		return 0
	return n % 2 ? o[(n + 1) / 2] + 0 : (o[n / 2] + o[n / 2 + 1]) / 2
}

function least(list,    o) { return sorted(list, o) ? o[1] + 0 : 0 }
function greatest(list,    o, n) { n = sorted(list, o); return n ? o[n] + 0 : 0 }

# Half of what lies between the extremes, in percent of the median.
function spread(list,    m)
{
	m = median(list)
	return m ? (greatest(list) - least(list)) * 50 / m : 0
}

function per(x, n) { return n > 0 ? x / n : 0 }

# Short, and the same on each machine: no exponent, no trailing zeroes.
function number(x,    s)
{
	s = sprintf("%.4f", x)
	sub(/0+$/, "", s)
	sub(/\.$/, "", s)
	return s == "-0" ? "0" : s
}

function quoted(s)
{
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\""
}

function array(list,    n, i, a, s)
{
	n = split(list, a, " ")
	for (i = 1; i <= n; i++)
		s = s (i > 1 ? ", " : "") number(a[i])
	return "[" s "]"
}

# The median, the extremes, and all of it.
function statistics(list)
{
	return "{\"median\": " number(median(list)) ", \"min\": " number(least(list)) \
		", \"max\": " number(greatest(list)) ", \"runs\": " array(list) "}"
}

function delta(name) { return after[name] - before[name] }
function has(name) { return name in after }

function clear(a,    k)
{
	for (k in a)
		delete a[k]
}

# fio's terse line, version 3; writes have the same fields as reads, 41 later.
function take_fio(    i, first, a)
{
	split($0, terse, ";")
	kbps = terse[7] + terse[48]
	iops = terse[8] + terse[49]
	first = terse[8] + 0 > 0 ? 18 : 59
	latency = terse[first + 22] + 0
	for (i = first; i < first + 20; i++)
		if (split(terse[i], a, /%=/) == 2 && a[1] > 0)
			percentile[a[1] + 0] = a[2] + 0
	result = iops > 0
}

$1 == "note" { note[++notes] = substr($0, 6); next }
$1 == "begin" {
	clear(tag); clear(before); clear(after); clear(percentile)
	for (i = 2; i < NF; i += 2)
		tag[$i] = $(i + 1)
	result = 0
	next
}
$1 == "dom0" || $1 == "guest" {
	name = $1 " " $2
	if (name in before)
		after[name] = $3
	else
		before[name] = $3
	next
}
/^3;fio/ { take_fio(); next }
$1 == "end" {
	if (result)
		handle()
	else
		lost++
	next
}
$1 == "window" { result = 1; next }

# A line of the JSON and of the table, both from the same words.
function json_begin(    i)
{
	printf "{\n  \"notes\": [" >json
	for (i = 1; i <= notes; i++) {
		printf "%s%s", (i > 1 ? ", " : ""), quoted(note[i]) >json
		print "# " note[i]
	}
	printf "],\n" >json
}

function json_list(name, list, n, last,    i)
{
	printf "  \"%s\": [\n", name >json
	for (i = 1; i <= n; i++)
		printf "%s%s\n", list[i], (i < n ? "," : "") >json
	printf "  ]%s\n", (last ? "\n}" : ",") >json
}
