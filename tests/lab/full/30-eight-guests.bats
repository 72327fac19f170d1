#!/usr/bin/env bats
# A policy of as many globs as there are nodes, and as many guests, which libvirt starts
# several at a time: each is on the node that its name says, with its memory.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"

# The limit of one test is not for so many guests.
setup_file() {
	export BATS_TEST_TIMEOUT=$((LAB_TEST_SECONDS + LAB_NODES * 30))
	policy_clear
}

teardown_file() {
	guests_remove
	policy_clear
}

# They live from one test to the next.
setup() { :; }
teardown() { :; }

# guest_of NODE - the name of the guest for it.
guest_of() {
	echo "lab-node$1-guest"
}

@test "a guest for each node is started by a policy of a glob for each node" {
	for node in $(nodes); do
		echo "lab-node$node-* $node"
	done | policy_write "$POLICY"
	for node in $(nodes); do
		guest_define "$(guest_of "$node")"
		rm -f "$E2E_STATE/$(guest_of "$node").serial"
	done
	for node in $(nodes); do
		guest_of "$node"
	done | xargs -P 4 -n 1 timeout -k 5 180 virsh --quiet start
	for node in $(nodes); do
		guest_touches "$(guest_of "$node")"
	done
}

@test "each is on its node: every thread, all memory, and virsh says so" {
	{
		printf '# %-20s %-5s %-10s %s\n' guest node CPUs 'pages on node'
		for node in $(nodes); do
			name=$(guest_of "$node")
			pid=$(guest_pid "$name")
			printf '# %-20s %-5s %-10s %s\n' "$name" "$node" \
				"$(threads_cpus "$pid" | paste -s -d ' ')" \
				"$(ram_pages "$pid" | sed 's/\(.*\) /\1: /' | paste -s -d ' ')"
		done
	} >&3
	for node in $(nodes); do
		name=$(guest_of "$node")
		pinned "$name" "$(node_cpus "$node")"
		pid=$(guest_pid "$name")
		ram_on "$name" "$pid" "$node"
		same "$(head -qn 1 /proc/"$pid"/task/*/numa_maps | cut -d " " -f 2 | sort -u)" "bind:$node"
	done
}

@test "status and map show each on its node" {
	run -0 tool status --json
	same "$(jq -r 'sort_by(.guest)[] | "\(.guest) \(.verdict) \(.cpus) \(.memory.policy)"' <<<"$output")" \
		"$(for node in $(nodes); do
			echo "$(guest_of "$node") placed $(node_cpus "$node") bind:$node"
		done | sort)"
	run -0 tool map --json
	same "$(jq -r '.nodes[] | "\(.node) \(.guests | map(.guest) | join(" "))"' <<<"$output")" \
		"$(for node in $(nodes); do
			echo "$node $(guest_of "$node")"
		done)"
	same "$(jq -c .spanning <<<"$output")" "[]"
	tool status | tee "$OUT/status-8.txt"
	tool map | tee "$OUT/map-8.txt"
	tool map --output "$OUT/map-8.svg"
	for node in $(nodes); do
		grep -q "$(guest_of "$node")" "$OUT/map-8.svg"
	done
}
