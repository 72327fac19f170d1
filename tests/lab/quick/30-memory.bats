#!/usr/bin/env bats
# Memory that is touched comes from the nodes that the rule says, for each of the
# modes; counted are pages of the kernel's numa_maps.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own

bats_require_minimum_version 1.5.0
load lib

setup() {
	work_make
	export PROBE_MIB=8
	PAGES=$((PROBE_MIB * 1024 * 1024 / $(getconf_pagesize)))
}

# getconf_pagesize - as the kernel tells it of any mapping.
getconf_pagesize() {
	echo $(($(awk '$1 == "KernelPageSize:" { print $2; exit }' /proc/self/smaps) * 1024))
}

# touch_by RULE - sets `place` and `pages`, which the probe has told first, and
# `output`, all of it; prints a row of the table.
touch_by() {
	policy "guest $1"
	output=$("$SHIM" -name guest 2>"$WORK/shim.err")
	place=${output%%$'\n'*}
	pages=$(sed -n 's/^pages: //p' <<<"$output" | sed -n 1p)
	printf '# %-26s %3s MiB  %-22s %s\n' "$1" "$PROBE_MIB" "$place" "$pages" >&3
}

# pages_on NODE - of those that were touched.
pages_on() {
	local count
	count=$(grep -oE "\bN$1=[0-9]+" <<<"$pages")
	echo "${count#*=}" | grep . || echo 0
}

# mostly_on NODE - three in five are there.
mostly_on() {
	local pages_all=$((PAGES * PROBE_MIB / 8))
	(($(pages_on "$1") * 5 > pages_all * 3))
}

# to_be_killed_first COMMAND... - by the kernel, where it wants memory.
to_be_killed_first() (
	echo 1000 >/proc/self/oom_score_adj
	exec "$@"
)

# free_mib NODE
free_mib() {
	awk '$3 == "MemFree:" { print int($4 / 1024) }' "$NODES/node$1/meminfo"
}

@test "memory: bind takes it from the nodes" {
	touch_by 1
	same "$place $pages" "$(node_cpus 1) bind:1 N1=$PAGES"
	touch_by "$LAST"
	same "$pages" "N$LAST=$PAGES"
	touch_by "0 cpus=$(cpu_of "$LAST")"
	same "$pages" "N0=$PAGES"
	touch_by "$MEMORY cpus=0"
	same "$pages" "N$MEMORY=$PAGES"
}

@test "memory: bind gives none of another node when its own is full" {
	PROBE_MIB=$(($(free_mib 1) + 16))
	policy 'guest 1'
	# The kernel ends what has no node left to take from.
	run -137 to_be_killed_first "$SHIM" -name guest
	[[ $output != *pages:* ]]
}

@test "memory: preferred takes it from the node, and from others when that is full" {
	touch_by '1 mem=preferred'
	same "$place $pages" "$(node_cpus 1) prefer:1 N1=$PAGES"
	PROBE_MIB=$(($(free_mib 1) + 16))
	touch_by '1 mem=preferred'
	mostly_on 1
	[[ $pages == *" "* ]]
}

@test "memory: preferred-many takes it from the nodes, and from others when they are full" {
	touch_by '0-1 mem=preferred-many'
	same "$place" "$(cpus_from 0 "$((2 * LAB_CPUS_PER_NODE - 1))") prefer (many):0-1"
	same "$(($(pages_on 0) + $(pages_on 1)))" "$PAGES"
	PROBE_MIB=$(($(free_mib 1) + 16))
	touch_by '1 mem=preferred-many'
	mostly_on 1
	[[ $pages == *" "* ]]
}

@test "memory: interleave takes it page by page from each" {
	local node count
	touch_by "0-$MEMORY mem=interleave"
	for ((node = 0; node <= MEMORY; node++)); do
		count=$(pages_on "$node")
		# A few others of the process are in turn, too.
		((count >= PAGES / (MEMORY + 1) - 16 && count <= PAGES / (MEMORY + 1) + 16))
	done
}

@test "memory: local takes it from the node of the CPU" {
	touch_by '1 mem=local'
	same "$place $pages" "$(node_cpus 1) local N1=$PAGES"
	touch_by "0 mem=local cpus=$(cpu_of "$LAST")"
	same "$place $pages" "$(cpu_of "$LAST") local N$LAST=$PAGES"
}

@test "memory: threads have what the process has" {
	local rule
	export PROBE_THREADS=3
	for rule in "$LAST" "0 cpus=$(cpu_of 1) mem=preferred"; do
		touch_by "$rule"
		same "$(wc -l <<<"$output")" 8
		same "$(sort -u <<<"$output" | wc -l)" 2
	done
}
