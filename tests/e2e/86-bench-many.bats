#!/usr/bin/env bats
# The benchmark of very many guests, with a few: that it works, and that what it must find
# without a clock is so. It needs no libvirt, and leaves nothing behind.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

MANY=$BATS_TEST_DIRNAME/../bench/many

setup() { :; }
teardown() { :; }

# cgroups_left - those of its guests, and of its agent.
cgroups_left() {
	find /sys/fs/cgroup \( -path '*many.*' -o -name many-agent \) -type d
}

@test "64 guests by the benchmark: every goal is met that takes no clock, in JSON, too" {
	GUESTS=64 IDLE_SECONDS=2 TIMES=no run "$MANY" --json
	echo "$output"
	same "$status" 0
	same "$(jq -r '"\(.guests) \(.met) \(.goals | length > 7) \([.goals[] | .met] | all)"' <<<"$output")" \
		"64 true true true"
	same "$(cgroups_left)" ""
}

@test "the benchmark says which goal is not met, and ends with 1" {
	# No agent comes along with a KiB.
	GUESTS=8 IDLE_SECONDS=0 TIMES=no MEMORY_KIB=1 run "$MANY"
	echo "$output"
	same "$status" 1
	[[ $output == *$'\n'"NOT  the agent's memory"* ]]
}

@test "a benchmark that is interrupted leaves nothing behind" {
	local pid
	GUESTS=500 IDLE_SECONDS=60 "$MANY" >/dev/null 2>&1 3>&- &
	pid=$!
	eventually 30 some_cgroup
	kill -TERM "$pid"
	wait "$pid" || same "$?" 143
	same "$(cgroups_left)" ""
}

some_cgroup() {
	[[ $(cgroups_left | head -n 3 | wc -l) == 3 ]]
}
