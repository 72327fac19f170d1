#!/usr/bin/env bats
# CPUs that are offline, and the node that has memory and no CPUs.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # what by_numactl and by_shim set

load lib

setup() {
	work_make
	FIRST=$(cpu_of 1) # the node's CPUs
	FINAL=$(cpu_of 1 $((LAB_CPUS_PER_NODE - 1)))
}

teardown() {
	local file
	for file in /sys/devices/system/cpu/cpu[0-9]*/online; do
		[[ $(<"$file") == 1 ]] || echo 1 >"$file"
	done
}

# offline FROM TO - these CPUs.
offline() {
	local cpu
	for ((cpu = $1; cpu <= $2; cpu++)); do
		echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"
	done
}

# as_numactl RULE OPTION... - with that rule the shim does as numactl does with the
# options.
as_numactl() {
	local expected
	by_numactl "${@:2}"
	expected=$seen
	policy "guest $1"
	by_shim guest
	same "$seen" "$expected"
}

# node_as_numactl NODES
node_as_numactl() {
	as_numactl "$1" --cpunodebind="$1" --membind="$1"
}

# starts RULE PLACE - the probe runs there.
starts() {
	policy "guest $1"
	by_shim guest
	same "$seen" "$2"
}

# refuses RULE WORD... - with the line of the policy and every WORD.
refuses() {
	policy "guest $1"
	by_shim guest
	same "$seen" refused
	says "$POLICY:1: " "guest 'guest' is not started" "${@:2}"
}

@test "offline: of a node's CPUs the rest" {
	if ((LAB_CPUS_PER_NODE > 1)); then
		offline "$FINAL" "$FINAL"
	else
		# Node 0's CPU cannot be offline; the two together have one left.
		offline "$FIRST" "$FIRST"
	fi
	node_as_numactl 0-1
	[[ $seen == *" bind:0-1" ]]
	node_as_numactl all
	same "${seen% *}" "$(<"/sys/devices/system/cpu/online")"
	node_as_numactl '!0'
	if ((LAB_CPUS_PER_NODE > 1)); then
		node_as_numactl 1
		same "$seen" "$(node_cpus 1) bind:1"
		says "guest 'guest': rule $POLICY:1, cpus $(node_cpus 1), memory bind 1"
	fi
}

@test "offline: a node without one that is online is refused, and beside another no loss" {
	offline "$FIRST" "$FINAL"
	same "$(node_cpus 1)" ""
	node_as_numactl 1
	same "$seen" refused
	refuses 1 "node 1 has no CPUs"
	refuses +1 "node 1 has no CPUs"
	node_as_numactl 0-1
	same "$seen" "$(node_cpus 0) bind:0-1"
	starts '1 cpus=0' "0 bind:1"
	starts '1 best-effort' "$("$PROBE")"
	says "$POLICY:1: " "node 1 has no CPUs" "guest 'guest' starts unplaced"
}

@test "offline: of cpus= the rest, with a warning" {
	offline "$FINAL" "$FINAL"
	as_numactl "- cpus=0,$FINAL" --physcpubind="0,$FINAL"
	same "$seen" "0 default"
	[[ $reason == "qemu-kvm-shim: $POLICY:1: "*"guest 'guest': rule $POLICY:1, cpus 0" ]]
	[[ ${reason%%$'\n'*} == *offline* ]]
}

@test "offline: cpus= that counts what there is means no others, and warns of none" {
	local spec
	offline "$FINAL" "$FINAL"
	for spec in all '!0'; do
		as_numactl "- cpus=$spec" --physcpubind="$spec"
		says "guest 'guest': rule $POLICY:1, cpus ${seen% *}"
	done
}

@test "offline: only such in cpus= is refused" {
	offline "$FIRST" "$FINAL"
	as_numactl "- cpus=$FIRST-$FINAL" --physcpubind="$FIRST-$FINAL"
	same "$seen" refused
	refuses "- cpus=$FIRST-$FINAL" "$(cpus_from "$FIRST" "$FINAL")" offline
	refuses "0 cpus=$FIRST" "$FIRST" offline
	starts "- cpus=$FIRST best-effort" "$("$PROBE")"
	says "$POLICY:1: " "$FIRST" offline "guest 'guest' starts unplaced"
}

@test "offline: guest-pinning match says what is then so" {
	local rule
	offline "$FINAL" "$FINAL"
	for rule in 0-1 "- cpus=0,$FINAL" '- cpus=all'; do
		policy "guest $rule"
		by_shim guest
		same "$(guest-pinning match guest | sed -n 's/^cpus: //p')" "${seen% *}"
	done
}

@test "a node without CPUs: alone it is refused, and beside another it gives memory" {
	node_as_numactl "$MEMORY"
	same "$seen" refused
	refuses "$MEMORY" "node $MEMORY has no CPUs that are online: name some by cpus="
	refuses "$MEMORY mem=local" "node $MEMORY has no CPUs"
	starts "$MEMORY best-effort" "$("$PROBE")"
	says "$POLICY:1: " "node $MEMORY has no CPUs" "guest 'guest' starts unplaced"
	node_as_numactl "$LAST-$MEMORY"
	same "$seen" "$(node_cpus "$LAST") bind:$LAST-$MEMORY"
	as_numactl "$LAST-$MEMORY mem=interleave" \
		--cpunodebind="$LAST-$MEMORY" --interleave="$LAST-$MEMORY"
	as_numactl "$LAST-$MEMORY mem=preferred-many" \
		--cpunodebind="$LAST-$MEMORY" --preferred-many="$LAST-$MEMORY"
}

@test "a node without CPUs: with cpus= every mode of memory is numactl's" {
	local mode option
	while read -r mode option; do
		as_numactl "$MEMORY cpus=0 mem=$mode" --physcpubind=0 "$option$MEMORY"
		[[ $seen == "0 "*":$MEMORY" ]]
	done <<-EOF
		bind --membind=
		preferred --preferred=
		preferred-many --preferred-many=
		interleave --interleave=
	EOF
	as_numactl "$MEMORY cpus=0 mem=local" --physcpubind=0 --localalloc
	refuses "$MEMORY cpus=4095" "CPU 4095"
	refuses "$LAST-$MEMORY mem=preferred" "$LAST-$MEMORY" "mem=preferred-many"
	refuses "- mem=preferred" "mem=preferred needs nodes"
}
