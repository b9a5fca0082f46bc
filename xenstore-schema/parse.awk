# SPDX-License-Identifier: GPL-2.0-or-later
#
# parse.awk - read a schema and complain about everything that is wrong in it.
#
# One of header.awk, table.awk and doc.awk follows on the command line; its
# END block runs only if the schema is good, and uses
#
#   dirs, dir_name[d], dir_path[d], dir_access[d]         d = 1..dirs
#   nodes, key[n], in_dir[n], text[n], attr[n, NAME]      n = 1..nodes
#   first[n]       the first node with this key (n itself, if it is the first)
#
# where attr[n, "min"] and attr[n, "max"] exist for all numbers, and index_min,
# index_max, count_key, count_shift for the indexed nodes.  Numbers stay strings
# from end to end, as awk computes in floating point.

BEGIN {
	split("by access type range values chars max index count required default " \
	      "absent changes for limit listed since pow2 relative", list, " ")
	for (i in list)
		known[list[i]] = 1
	implied["domid"] = "0..32751"
	implied["gref"] = "1..4294967295"
	implied["port"] = "1..131071"
	implied["state"] = "0..8"
	word_set("by", "toolstack backend frontend")
	word_set("access", "backend frontend either own")
	word_set("type", "uint domid gref port flag enum string versions path state dir")
}

function word_set(name, words,	list, i)
{
	split(words, list, " ")
	for (i in list)
		allowed[name, list[i]] = 1
}

function wrong(line, sentence)
{
	printf "%s:%d: %s\n", FILENAME, line, sentence > "/dev/stderr"
	errors++
}

# Not "in", as a mere look creates the element.
function has(n, name)
{
	return attr[n, name] != ""
}

function check_word(n, name)
{
	if (!has(n, name))
		wrong(at[n], key[n] ": " name "= is missing")
	else if (!((name, attr[n, name]) in allowed))
		wrong(at[n], key[n] ": unknown " name "=" attr[n, name])
}

# "A..B" to attr[n, prefix "min"] and attr[n, prefix "max"].
function set_range(n, value, prefix,	part)
{
	if (value !~ /^[0-9]+\.\.[0-9]+$/) {
		wrong(at[n], key[n] ": not a range: " value)
		return
	}
	split(value, part, /\.\./)
	attr[n, prefix "min"] = part[1]
	attr[n, prefix "max"] = part[2]
	if (part[1] + 0 > part[2] + 0)
		wrong(at[n], key[n] ": empty range " value)
}

function check_states(n, name,	list, i, count)
{
	if (!has(n, name) || attr[n, name] == "any")
		return
	count = split(attr[n, name], list, ",")
	for (i = 1; i <= count; i++)
		if (list[i] !~ /^[0-8]$/)
			wrong(at[n], key[n] ": not a state in " name "=: " list[i])
}

# What must be equal in all nodes of one key, as they share one parser.
function signature(n)
{
	return attr[n, "type"] "|" attr[n, "min"] "|" attr[n, "max"] "|" attr[n, "values"] "|" \
	       attr[n, "chars"] "|" attr[n, "default"] "|" has(n, "pow2") "|" has(n, "relative")
}

{
	sub(/[ \t]+$/, "")
}

/^#/ || /^$/ {
	next
}

/^\t/ {
	sub(/^\t/, "")
	if (!nodes || text_dir)
		wrong(NR, "a sentence without a node")
	text[nodes] = text[nodes] (text[nodes] == "" ? "" : " ") $0
	next
}

$1 == "dir" {
	dirs++
	dir_name[dirs] = $2
	text_dir = 1
	for (i = 3; i <= NF; i++) {
		if ($i ~ /^path=/)
			dir_path[dirs] = substr($i, 6)
		else if ($i ~ /^access=/)
			dir_access[dirs] = substr($i, 8)
		else
			wrong(NR, "unknown attribute of a directory: " $i)
	}
	if (dir_path[dirs] !~ /^\/local\/domain\// || !(("access", dir_access[dirs]) in allowed))
		wrong(NR, "dir needs NAME, path= and access=")
	next
}

$1 == "node" {
	nodes++
	text_dir = 0
	key[nodes] = $2
	in_dir[nodes] = dirs
	at[nodes] = NR
	if (!dirs)
		wrong(NR, "a node outside of a directory")
	if ((dirs, $2) in seen)
		wrong(NR, $2 ": is here twice")
	seen[dirs, $2] = 1
	if (!($2 in first_of))
		first_of[$2] = nodes
	first[nodes] = first_of[$2]
	for (i = 3; i <= NF; i++) {
		equal = index($i, "=")
		name = equal ? substr($i, 1, equal - 1) : $i
		if (!(name in known))
			wrong(NR, $2 ": unknown attribute " name)
		attr[nodes, name] = equal ? substr($i, equal + 1) : 1
	}
	next
}

{
	wrong(NR, "neither dir nor node nor sentence: " $0)
}

function check_index(n,	target)
{
	if (!has(n, "index") || !has(n, "count")) {
		wrong(at[n], key[n] ": needs index= and count=")
		return
	}
	set_range(n, attr[n, "index"], "index_")
	attr[n, "count_key"] = attr[n, "count"]
	attr[n, "count_shift"] = sub(/^1<</, "", attr[n, "count_key"])
	target = first_of[attr[n, "count_key"]]
	if (!target || attr[target, "type"] != "uint")
		wrong(at[n], key[n] ": count= names no number")
	else if (attr[n, "index_max"] + 1 != \
		 (attr[n, "count_shift"] ? power(attr[target, "max"]) : attr[target, "max"]))
		wrong(at[n], key[n] ": index= does not fit the range of " attr[n, "count_key"])
}

function check_node(n,	type)
{
	check_word(n, "by")
	check_word(n, "type")
	if (!has(n, "access"))
		attr[n, "access"] = dir_access[in_dir[n]]
	check_word(n, "access")
	type = attr[n, "type"]

	if (type in implied)
		attr[n, "range"] = implied[type]
	if (type == "uint" || type in implied)
		set_range(n, attr[n, "range"], "")
	if (type == "enum" && attr[n, "values"] !~ /^[a-z]+(,[a-z]+)*$/)
		wrong(at[n], key[n] ": an enum needs values=A,B,...")
	if (type == "string" && (attr[n, "max"] !~ /^[1-9][0-9]*$/ || attr[n, "chars"] == ""))
		wrong(at[n], key[n] ": a string needs chars= and max=")
	if ((key[n] ~ /%u$/) != has(n, "index"))
		wrong(at[n], key[n] ": %u and index= belong together")
	if (key[n] ~ /%u$/)
		check_index(n)
	check_states(n, "required")
	check_states(n, "absent")
	if (attr[n, "changes"] != "once")
		check_states(n, "changes")
	if (!has(n, "changes"))
		wrong(at[n], key[n] ": changes= is missing")
	if (attr[n, "since"] !~ /^[1-9][0-9]*$/)
		wrong(at[n], key[n] ": since= is missing")
	if (has(n, "required") && has(n, "default"))
		wrong(at[n], key[n] ": required= and default= exclude each other")
	if ((has(n, "limit") || has(n, "listed")) && dir_name[in_dir[n]] != "frontend")
		wrong(at[n], key[n] ": limit= and listed= are for the directory frontend")
	if (has(n, "limit") && !(attr[n, "limit"] in first_of))
		wrong(at[n], key[n] ": limit= names no node")
	if (has(n, "listed") && attr[first_of[attr[n, "listed"]], "type"] != "versions")
		wrong(at[n], key[n] ": listed= names no list")
	if (text[n] !~ /^[A-Z0-9].*\.$/)
		wrong(at[n], key[n] ": no sentence says what it means")
	if (signature(n) != signature(first[n]))
		wrong(at[n], key[n] ": differs from the node of the same key in line " at[first[n]])
}

END {
	for (n = 1; n <= nodes; n++)
		check_node(n)
	if (!nodes)
		wrong(NR, "describes nothing")
	if (errors)
		exit 1
}

# Helpers of the emitters.

# 2 ^ n; busybox may lack the operator.
function power(n,	value)
{
	for (value = 1; n > 0; n--)
		value *= 2
	return value
}

function c_name(n,	name)
{
	name = key[n]
	sub(/-?%u$/, "", name)
	gsub(/-/, "_", name)
	return name
}

function c_set(chars)
{
	return chars == "print" ? " -~\\t\\r\\n" : chars
}

function is_wide(n)
{
	return attr[n, "max"] + 0 > 4294967295
}

function state_mask(states,	list, i, count, mask)
{
	if (states == "any")
		return 511
	count = split(states, list, ",")
	for (i = 1; i <= count; i++)
		mask += power(list[i])
	return mask + 0
}
