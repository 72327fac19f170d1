# Makes the table of tests/bench/run, or with json its twin. A line: name, every, policy,
# arguments, program, goal, the script's name; median, added, its quartiles; instructions, calls.

function ratio(part, whole) {
	return whole > 0 ? part / whole : 0
}

function verdict(i,    text) {
	text = ""
	if (goal[i] != "") {
		text = sprintf("%.1f x floor: %s", goal[i], ratio(added[i], floor) <= goal[i] ? "met" : "MISSED")
		missed += ratio(added[i], floor) > goal[i]
	}
	if (script[i] != "") {
		text = text (text == "" ? "" : ", ") sprintf("%.1f x script: %s", HALF,
			ratio(added[i], of[script[i]]) <= HALF ? "met" : "MISSED")
		missed += ratio(added[i], of[script[i]]) > HALF
	}
	return text
}

function word(text) {
	gsub(/["\\]/, "\\\\&", text)
	return "\"" text "\""
}

function number(text) {
	return text == "-" ? "null" : text
}

BEGIN {
	HALF = 0.5
}

{
	name[NR] = $1
	goal[NR] = $6
	script[NR] = $7
	took[NR] = $8 / 1000
	added[NR] = of[$1] = $9 / 1000
	low[NR] = $10 / 1000
	high[NR] = $11 / 1000
	instructions[NR] = $12
	calls[NR] = $13
	if ($1 == "floor")
		floor = added[NR]
}

function table(    i, says) {
	printf "%s; %d rounds\n", machine, rounds
	printf "huge pages: %s\n\n", huge
	printf "%-28s %8s %9s  %-16s %9s %6s  %8s %8s\n", "", "x floor", "x script", "(quartiles)", \
		"instr.", "calls", "added us", "took us"
	for (i = 1; i <= NR; i++)
		printf "%-28s %8.2f %9s  %-16s %9s %6s  %8.0f %8.0f\n", name[i], ratio(added[i], floor), \
			script[i] == "" ? "" : sprintf("%.2f", ratio(added[i], of[script[i]])), \
			sprintf("%.2f - %.2f", ratio(low[i], floor), ratio(high[i], floor)), \
			instructions[i], calls[i], added[i], took[i]
	print ""
	for (i = 1; i <= NR; i++) {
		says = verdict(i)
		if (says != "")
			printf "%-28s %s\n", name[i], says
	}
}

function twin(    i) {
	printf "{\"machine\":%s,\"rounds\":%d,\"huge_pages\":%s,\"cases\":[", word(machine), rounds, word(huge)
	for (i = 1; i <= NR; i++) {
		verdict(i)
		printf "%s{\"name\":%s,\"floor_ratio\":%.3f,\"floor_ratio_quartiles\":[%.3f,%.3f],\"script_ratio\":%s,", \
			(i > 1 ? "," : ""), word(name[i]), ratio(added[i], floor), ratio(low[i], floor), \
			ratio(high[i], floor), \
			script[i] == "" ? "null" : sprintf("%.3f", ratio(added[i], of[script[i]]))
		printf "\"floor_goal\":%s,\"script_goal\":%s,\"added_us\":%.1f,\"took_us\":%.1f,\"instructions\":%s,\"calls\":%s}", \
			goal[i] == "" ? "null" : goal[i], script[i] == "" ? "null" : HALF, added[i], took[i], \
			number(instructions[i]), number(calls[i])
	}
	printf "],\"missed\":%d}\n", missed
}

END {
	if (json)
		twin()
	else
		table()
	if (!json)
		print missed ? "\n" missed " goals are missed" : "\nall goals are met"
	exit missed > 0
}
