#!/usr/bin/env bats
# As many guests as a large host has: what the tool says of each is right, and comes at once.
# Stand-ins (tests/lab/standin.c) started through a shim, for of real ones there is room for ten.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"

MANY=/lab/many
STANDIN=$MANY/qemu-kvm
# Each has two virtual CPUs, one thread more than these and the first, and so much memory.
THREADS=4
MIB=2
COUNT=256
NODE=$((LAB_NODES - 1))
# The nodes of a guest on two.
PAIR=$((NODE - 1)),$NODE

setup_file() {
	export BATS_TEST_TIMEOUT=$((LAB_TEST_SECONDS + 300))
	policy_clear
	mkdir -p "$MANY"
	cp /lab/build/lab-standin "$STANDIN"
	tool install "$STANDIN"
}

teardown_file() {
	standins_end
	policy_clear
	tool uninstall "$STANDIN"
	rm -rf "$MANY"
}

# They live from one test to the next.
setup() { :; }
teardown() { :; }

standins_end() {
	sed -n 's/^ready //p' "$MANY/ready" 2>/dev/null | xargs -r kill
	eventually 30 no_standin
}

no_standin() {
	! pgrep -f "^$STANDIN" >/dev/null
}

# kinds - "NAME VERDICT" of each guest, as they are when all is prepared.
kinds() {
	local i
	for ((i = 0; i < COUNT - 56; i++)); do
		echo "many-node$((i % LAB_NODES))-$i placed"
	done
	for ((i = 0; i < 16; i++)); do
		echo "many-pair-$i placed"
		echo "many-late-$i unplaced"
	done
	for ((i = 0; i < 8; i++)); do
		echo "many-strays-$i drifted"
		echo "many-moved-$i drifted"
		echo "many-free-$i no rule"
	done
}

# policy [LATE] - what they are started with; and more.
policy() {
	local node
	for node in $(nodes); do
		echo "many-node$node-* $node"
	done
	echo "many-pair-* $PAIR mem=interleave"
	echo "many-strays-* 1"
	echo "many-moved-* 1"
	[[ ! ${1-} ]] || echo "many-late-* $NODE"
}

all_ready() {
	(($(grep -c '^ready ' "$MANY/ready") == COUNT))
}

# standins_find - "NAME PID" of each, by their command lines.
standins_find() {
	pgrep -af "^$STANDIN " | sed 's/^\([0-9]*\) .* guest=\([^,]*\),.*/\2 \1/' | sort >"$MANY/pids"
}

# standin_pid NAME
standin_pid() {
	awk -v name="$1" '$1 == name { print $2 }' "$MANY/pids"
}

# as_they_are FILTER - of what status says of each in JSON, in the order of kinds.
as_they_are() {
	jq -r "sort_by(.guest)[] | $1" "$MANY/status.json"
}

# seconds COMMAND... - how long it takes, the shortest of five; its exit status is not asked.
seconds() {
	local i begin end best=999999999
	for i in {1..5}; do
		begin=${EPOCHREALTIME/./}
		"$@" >"$MANY/output" 2>&1 || true
		end=${EPOCHREALTIME/./}
		((end - begin >= best)) || best=$((end - begin))
	done
	awk -v us="$best" 'BEGIN { printf "%.2f\n", us / 1e6 }'
}

# in_time SECONDS COMMAND... - and tells how long.
in_time() {
	local limit=$1 took
	shift
	took=$(seconds "$@")
	echo "# $*: $took s" >&3
	awk -v took="$took" -v limit="$limit" 'BEGIN { exit !(took < limit) }'
}

@test "$COUNT guests are started by a policy of some lines" {
	local name
	policy | policy_write "$POLICY"
	: >"$MANY/ready"
	begin=$SECONDS
	while read -r name _; do
		"$STANDIN" -name "guest=$name,debug-threads=on" -smp 2 -m "$MIB" </dev/null \
			>>"$MANY/ready" 2>>"$MANY/errors" 3>&- &
	done < <(kinds)
	eventually 300 all_ready || {
		wc -l "$MANY/ready"
		sort "$MANY/errors" | uniq -c | head
		return 1
	}
	echo "# started in $((SECONDS - begin)) s, $(awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo) MiB are left" >&3
	# The shim tells of each that it has placed.
	same "$(grep -v "^qemu-kvm-shim: guest 'many-[a-z0-9-]*': rule $POLICY:" "$MANY/errors")" ""
	standins_find
	same "$(cut -d ' ' -f 1 "$MANY/pids")" "$(kinds | cut -d ' ' -f 1 | sort)"
}

@test "some of them are led astray" {
	policy late | policy_write "$POLICY"
	for ((i = 0; i < 8; i++)); do
		pid=$(standin_pid "many-strays-$i")
		vcpu=$(grep -l '^CPU 1/KVM$' "/proc/$pid/task"/*/comm | cut -d / -f 5)
		taskset -p -c 0 "$vcpu"
		migratepages "$(standin_pid "many-moved-$i")" 1 0
	done
}

@test "status has the verdict on each, and why" {
	run -1 tool status --json
	printf '%s\n' "$output" >"$MANY/status.json"
	cp "$MANY/status.json" "$OUT/status-256.json"
	same "$(as_they_are '"\(.guest) \(.verdict)"')" "$(kinds | sort)"
	same "$(as_they_are 'select(.verdict == ("placed", "no rule")) | .reason // empty')" ""
	same "$(as_they_are '"\(.guest) \(.pid)"')" "$(<"$MANY/pids")"
	same "$(as_they_are '.threads | length' | sort -u)" "$THREADS"
	for node in $(nodes); do
		same "$(as_they_are "select(.guest | startswith(\"many-node$node-\")) |
			\"\(.threads | map(.cpus) | unique[]) \(.memory.policy) \(.memory.nodes | map(.node))\"" |
			sort -u)" "$(node_cpus "$node") bind:$node [$node]"
	done
	same "$(as_they_are 'select(.guest | startswith("many-pair-")) | .memory |
		"\(.policy) \(.nodes | map(.node))"' | sort -u)" "interleave:${PAIR/,/-} [$PAIR]"
	[[ $(as_they_are 'select(.guest == "many-strays-3") | .reason') == \
		"1 of 4 threads may run elsewhere: 'CPU 1/KVM' ("*") on 0" ]]
	[[ $(as_they_are 'select(.guest == "many-moved-3") | .reason') == \
		"of its memory "*" % is on node 1" ]]
	as_they_are 'select(.guest | startswith("many-moved-")) | .memory.on_wanted_nodes'
	same "$(as_they_are 'select(.memory.bytes < '$((MIB * 1048576))' or .memory.sampled) | .guest')" ""
}

@test "status of all of them takes less than two seconds" {
	in_time 2 tool status
	cp "$MANY/output" "$OUT/status-256.txt"
	same "$(tail -n 1 "$MANY/output")" \
		"$COUNT guests: $((COUNT - 40)) placed, 16 drifted, 16 unplaced, 8 no rule"
	in_time 2 tool status --json
	in_time 2 tool status many-pair-3
}

@test "map has each of them at its node, or in between" {
	run -0 tool map --json
	printf '%s\n' "$output" >"$MANY/map.json"
	cp "$MANY/map.json" "$OUT/map-256.json"
	same "$(jq -r '.nodes[] | "\(.node) \(.memory.total)"' "$MANY/map.json")" \
		"$(awk '$3 == "MemTotal:" { printf "%d %.0f\n", $2, $4 * 1024 }' /sys/devices/system/node/node*/meminfo | sort -n)"
	same "$(jq -r '.nodes[] | .node as $node | .guests[] | "\($node) \(.guest) \(.verdict)"' \
		"$MANY/map.json" | sort)" \
		"$(kinds | sed -n 's/^many-node\([0-9]*\)-.*/\1 &/p; s/^many-moved-.*/1 &/p' | sort)"
	same "$(jq -r '.spanning[] | .guests[] | "\(.guest) \(.verdict)"' "$MANY/map.json" | sort)" \
		"$(kinds | grep -E '^many-(pair|late|strays|free)-' | sort)"
	same "$(jq -r '.spanning[].nodes' "$MANY/map.json" | sort)" \
		"$(printf '%s\n' 0-1 "0-$NODE" "${PAIR/,/-}" | sort -u)"
}

@test "map of all of them takes less than two seconds, on the screen and as a picture" {
	in_time 2 tool map
	cp "$MANY/output" "$OUT/map-256.txt"
	in_time 2 tool map --json
	in_time 2 tool map --output "$OUT/map-256.svg"
	for name in many-node0-0 many-pair-3 many-free-0; do
		grep -q "$name" "$OUT/map-256.svg"
	done
}

@test "apply brings all that have a rule to it" {
	begin=${EPOCHREALTIME/./}
	run -0 tool apply --all
	echo "# guest-pinning apply --all: $(((${EPOCHREALTIME/./} - begin) / 1000)) ms" >&3
	run -0 tool status --json
	same "$(jq -r '.[] | .verdict' <<<"$output" | sort | uniq -c | xargs)" "8 no rule $((COUNT - 8)) placed"
	for ((i = 0; i < 8; i++)); do
		same "$(threads_cpus "$(standin_pid "many-strays-$i")")" "$(node_cpus 1)"
		same "$(threads_cpus "$(standin_pid "many-late-$i")")" "$(node_cpus "$NODE")"
	done
}
