# SPDX-License-Identifier: GPL-2.0-or-later
#
# doc.awk - after parse.awk: the document with new tables between its markers.

BEGIN {
	split("Initialising InitWait Initialised Connected Closing Closed " \
	      "Reconfiguring Reconfigured", state_name, " ")
	access_text["backend"] = "the back-end's domain owns it, the guest may read it"
	access_text["frontend"] = "the guest owns it, the back-end's domain may read it"
	access_text["either"] = "either side may own it, the other one may read it"
	access_text["own"] = "the side that writes it owns it"
}

function state_names(states,	list, count, i, names)
{
	if (states == "any" || states == "once")
		return states == "any" ? "any" : "never"
	count = split(states, list, ",")
	for (i = 1; i <= count; i++)
		names = names (i > 1 ? ", " : "") (list[i] + 0 ? state_name[list[i]] : "Unknown")
	return names
}

function type_text(n,	type, values)
{
	type = attr[n, "type"]
	if (type == "uint")
		return (has(n, "pow2") ? "power of two" : "number") ", " attr[n, "min"] " to " attr[n, "max"]
	if (type == "domid" || type == "gref" || type == "port")
		return (type == "domid" ? "domain id" : type == "gref" ? "grant reference" : "event channel port") \
		       ", " attr[n, "min"] " to " attr[n, "max"]
	if (type == "flag")
		return "0 or 1"
	if (type == "enum") {
		values = attr[n, "values"]
		gsub(/,/, "`, `", values)
		return "`" values "`"
	}
	if (type == "string")
		return (attr[n, "chars"] == "print" ? "text" : "`[" attr[n, "chars"] "]`") ", 1 to " attr[n, "max"] \
		       " characters" (has(n, "relative") ? ", a path below a directory" : "")
	if (type == "versions")
		return "numbers with commas between"
	if (type == "dir")
		return "directory"
	return type == "state" ? "number of a state, 0 to 8" : type
}

function presence_text(n,	text)
{
	if (attr[n, "required"] == "any")
		text = "must be there"
	else if (has(n, "required"))
		text = "must be there in " state_names(attr[n, "required"])
	else if (has(n, "default"))
		text = "default " attr[n, "default"]
	else
		text = "may be absent"
	if (has(n, "absent"))
		text = text "; means nothing in " state_names(attr[n, "absent"])
	return text
}

function key_text(n,	name)
{
	name = key[n]
	sub(/%u/, "*N*", name)
	return name == key[n] ? "`" name "`" : "`" substr(name, 1, length(name) - 3) "`*N*"
}

function meaning(n,	sentence)
{
	sentence = text[n]
	gsub(/</, "\\&lt;", sentence)
	if (has(n, "index"))
		sentence = sentence " *N* is less than " \
			   (attr[n, "count_shift"] ? "`1 << " : "`") attr[n, "count_key"] "`."
	if (has(n, "limit"))
		sentence = sentence " At most the back-end's `" attr[n, "limit"] "`."
	if (has(n, "listed"))
		sentence = sentence " One of the back-end's `" attr[n, "listed"] "`."
	if (attr[n, "access"] != dir_access[in_dir[n]])
		sentence = sentence " Permissions: " access_text[attr[n, "access"]] "."
	return sentence
}

function emit_tables(	d, n)
{
	for (d = 1; d <= dirs; d++) {
		printf "\n### `%s`\n\nPermissions: %s.\n\n", dir_path[d], access_text[dir_access[d]]
		print "| node | value | written by | presence | may change in | for | since | meaning |"
		print "|---|---|---|---|---|---|---|---|"
		for (n = 1; n <= nodes; n++)
			if (in_dir[n] == d)
				printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", key_text(n), type_text(n), \
				       attr[n, "by"], presence_text(n), state_names(attr[n, "changes"]), \
				       has(n, "for") ? attr[n, "for"] : "all", attr[n, "since"], meaning(n)
	}
	print ""
}

END {
	if (errors)
		exit 1
	while ((getline line < document) > 0) {
		if (line == "<!-- schema:end -->")
			inside = 0
		if (!inside)
			print line
		if (line == "<!-- schema:begin -->") {
			markers++
			inside = 1
			emit_tables()
		}
	}
	if (markers != 1 || inside) {
		print document ": needs <!-- schema:begin --> and <!-- schema:end -->, once" > "/dev/stderr"
		exit 1
	}
}
