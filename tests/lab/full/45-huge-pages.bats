#!/usr/bin/env bats
# Huge pages are taken from the nodes of a guest's rule, as the kernel counts them on each.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
# shellcheck source=tests/lab/full/apparmor.bash
source "$BATS_TEST_DIRNAME/apparmor.bash"

# Neither is the first, where memory is that nobody has placed.
node=$((LAB_NODES - 1))
other=$((LAB_NODES - 2))
# Of 2 MiB, on each node, and what a guest takes.
POOL=40
PAGES=$((GUEST_RAM_KIB / 2048))

setup() {
	local node
	policy_clear
	for node in $(nodes); do
		pool "$node" "$POOL"
	done
}

teardown() {
	guests_remove
	[[ ! -e $E2E_STATE/pid ]] || qemu_end
	policy_clear
	nodes_empty
}

# qemu NAME ARG... - starts the emulator by hand; returns when it has its memory.
qemu() {
	timeout -k 5 60 "$E2E_EMULATOR" -name "$1" -accel tcg -display none -nodefaults -S \
		-daemonize -pidfile "$E2E_STATE/pid" "${@:2}" 3>&-
}

qemu_end() {
	local pid
	pid=$(<"$E2E_STATE/pid")
	process_end "$pid" "$(process_birth "$pid")"
	rm -f "$E2E_STATE/pid"
}

# cells - two memory objects for a guest of two NUMA cells; $1 is more for each, in JSON.
cells=(-m 64M -smp 2
	-object '{"qom-type":"memory-backend-ram","id":"cell0","size":33554432@0@}'
	-object '{"qom-type":"memory-backend-ram","id":"cell1","size":33554432@1@}'
	-numa 'node,nodeid=0,cpus=0,memdev=cell0' -numa 'node,nodeid=1,cpus=1,memdev=cell1')

# cells_on [NODE NODE] - the words for it, each bound to a node of its own.
cells_on() {
	printf '%s\n' "${cells[@]}" |
		sed "s/@0@/${1+,\"host-nodes\":[$1],\"policy\":\"bind\"}/
			s/@1@/${2+,\"host-nodes\":[$2],\"policy\":\"bind\"}/"
}

@test "libvirt's guest has all of its memory in the pool of its rule's node, confined" {
	policy_write "$POLICY" <<<"lab-huge $node hugepages=2M ksm=off"
	guest_start_touching lab-huge
	same "$(taken)" "$node $PAGES"
	pid=$(guest_pid lab-huge)
	# As the kernel counts the mapping's own pages.
	grep -E ' kernelpagesize_kB=2048' "/proc/$pid/numa_maps"
	grep -E "^[0-9a-f]+ bind:$node .* N$node=$PAGES kernelpagesize_kB=2048" "/proc/$pid/numa_maps"
	guest_log_has lab-huge "memory bind $node, huge pages $PAGES of 2M, hugepages=2M, ksm=off"
	pinned lab-huge "$(node_cpus "$node")"
	is_confined lab-huge
	vsh destroy lab-huge
	same "$(taken)" ''
	no_denials
}

@test "the node's own pool counts: too few there, enough on all others" {
	pool "$node" 10
	policy_write "$POLICY" <<<"lab-few $node hugepages=2M"
	run ! qemu lab-few -m 64M -machine memory-backend=ram \
		-object '{"qom-type":"memory-backend-ram","id":"ram","size":67108864}'
	echo "$output"
	[[ $output == *"$POLICY:1: too few huge pages of 2M: node $node must have $PAGES free and has 10"* ]]
}

@test "two cells: each from the node that it is bound to, or both as the rule has it" {
	policy_write "$POLICY" <<<"lab-cells $other,$node hugepages=2M"
	mapfile -t words < <(cells_on "$other" "$node")
	qemu lab-cells "${words[@]}"
	same "$(taken)" "$other 16"$'\n'"$node 16"
	qemu_end

	policy_write "$POLICY" <<<"lab-cells $node hugepages=2M"
	mapfile -t words < <(cells_on)
	qemu lab-cells "${words[@]}"
	same "$(taken)" "$node 32"
}

@test "two cells: what each node lacks is told" {
	for short in "$other" "$node"; do
		pool "$short" 5
	done
	policy_write "$POLICY" <<-EOF
		lab-own $other,$node hugepages=2M
		lab-rule $other,$node hugepages=2M
	EOF
	mapfile -t words < <(cells_on "$other" "$node")
	run ! qemu lab-own "${words[@]}"
	echo "$output"
	[[ $output == *"node $other must have 16 free and has 5; node $node must have 16 free and has 5"* ]]
	mapfile -t words < <(cells_on)
	run ! qemu lab-rule "${words[@]}"
	echo "$output"
	[[ $output == *" must have 32 free and has 10 (node $other: 5, node $node: 5)"* ]]
	same "$(taken)" ''
}

@test "interleave: page by page from each, and each must have its share" {
	policy_write "$POLICY" <<<"lab-interleave all mem=interleave hugepages=2M"
	ram=(-m "$((LAB_NODES * 8))M" -machine memory-backend=ram -object
		"memory-backend-ram,id=ram,size=$((LAB_NODES * 8))M")
	qemu lab-interleave "${ram[@]}"
	same "$(taken)" "$(nodes | sed 's/$/ 4/')"
	qemu_end
	pool "$node" 3
	run ! qemu lab-interleave "${ram[@]}"
	echo "$output"
	[[ $output == *"node $node must have 4 free and has 3:"* ]]
}

@test "preferred: others help out when the node's pool is empty, and then none is short" {
	pool "$node" 10
	policy_write "$POLICY" <<<"lab-preferred $node mem=preferred hugepages=2M"
	qemu lab-preferred -m 64M -machine memory-backend=ram -object memory-backend-ram,id=ram,size=64M
	taken
	same "$(taken | grep "^$node ")" "$node 10"
	same "$(taken | awk '{ sum += $2 } END { print sum }')" 32
}
