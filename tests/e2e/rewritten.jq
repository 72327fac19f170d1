# What a rule should make of a command line. Each is the words, each ended by NUL:
#
#	jq -n -r --rawfile before FILE --rawfile after FILE --argjson huge BYTES \
#		--argjson prealloc BOOLEAN --arg ksm "on|off|" -f rewritten.jq
#
# It prints nothing if $after is what the rule makes of $before, else the words that
# differ.  Objects that the rule changes count by their properties, whose order is
# free; all else by the very words.

def words: split("\u0000")[:-1];

# The value of a property that is not written in JSON.
def value: if . == "on" then true elif . == "off" then false
	elif test("^[0-9]+$") then tonumber else . end;

# The properties of a memory object, in JSON or KEY=VALUE; none where it is another.
def properties:
	if startswith("{") then fromjson
	else "qom-type=" + . | split(",") |
		map(split("=") | {key: .[0], value: (.[1:] | join("=") | value)}) | from_entries
	end | select(."qom-type" | startswith("memory-backend-"));

def set($key; $value): .[$key] = $value;
def default($key; $value): if has($key) then . else .[$key] = $value end;

def huge:
	set("qom-type"; "memory-backend-memfd") | set("hugetlb"; true)
	| set("hugetlbsize"; $huge) | set("prealloc"; true) | default("share"; false)
	| default("x-use-canonical-path-for-ramblock-id"; false);

def changed:
	."qom-type" as $type | (.reserve == false) as $sparse
	| if $type == "memory-backend-ram" and $sparse == false and $huge > 0 then huge
	  elif $prealloc and $sparse == false and ($type | test("-(ram|memfd)$")) then
		set("prealloc"; true)
	  else . end
	| if has("merge") and $ksm != "" then set("merge"; $ksm == "on") else . end;

# The words, with the properties in place of those objects that the rule changes: in
# $before as they should be, in $after, which has the same places, as they are.
def wanted:
	. as $words | [range(length) as $i
		| if $i > 0 and ($words[$i - 1] | test("^--?object$")) then
			[$words[$i] | properties | select(changed != .) | changed] as $new
			| if $new == [] then $words[$i] else $new[0] end
		  else $words[$i] end];
def got($wanted):
	. as $words | [range(length) as $i
		| if $wanted[$i] | type == "object" then [$words[$i] | properties][0] // $words[$i]
		  else $words[$i] end];

# Without the words that the rule adds, which must stand there once, behind the last
# -machine of $before.
def added: if $ksm == "" then [] else ["-machine", "mem-merge=" + $ksm] end;
def place: ([indices("-machine"), indices("-M")] | add | max // -1) + if . == [] then 1 else 2 end;
def without_added($at):
	if $ksm == "" then .
	elif .[$at:$at + 2] == added then .[:$at] + .[$at + 2:]
	else error("no " + (added | join(" ")) + " behind the last -machine") end;

($before | words) as $words
| ($words | wanted) as $wanted
| ($after | words | without_added($words | place) | got($wanted)) as $got
| if $wanted == $got then empty
  elif ($wanted | length) != ($got | length) then
	"\($wanted | length) words should have become \($got | length)"
  else range($wanted | length) as $i | select($wanted[$i] != $got[$i])
	| "wanted: \($wanted[$i])\ngot:    \($got[$i])" end
