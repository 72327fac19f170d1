#!/usr/bin/env bats
# A guest's memory really comes from where its rule says: the pages that it has touched
# are counted on each node.  The guests are started by hand here, as a script does it,
# not by libvirt; so nobody but the shim places them.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"

# Pages of 2 MiB are shared out, too: enough that one more or less makes no difference.
GUEST_RAM_KIB=131072

teardown() {
	qemu_end
	nodes_empty
	policy_clear
}

# qemu_start NAME [COMMAND...] - starts the emulator where the shim stands, by way of
# COMMAND, and sets `pid`.
qemu_start() {
	local name=$1
	shift
	rm -f "$E2E_STATE/$name.serial"
	"$@" "$E2E_EMULATOR" -name "$name" -accel tcg -m "${GUEST_RAM_KIB}k" -nodefaults \
		-display none -kernel "$LAB_GUEST" -serial "file:$E2E_STATE/$name.serial" \
		</dev/null >"$E2E_STATE/$name.log" 2>&1 3>&- &
	pid=$!
	birth=$(process_birth "$pid")
}

# qemu_end - if it runs; its memory is given back.
qemu_end() {
	[[ ${pid-} ]] || return 0
	process_gone "$pid" "$birth" || process_end "$pid" "$birth"
}

# qemu_touches NAME - qemu_start, and waits until the memory is there.
qemu_touches() {
	qemu_start "$1"
	guest_touches "$1" || {
		cat "$E2E_STATE/$1.log"
		return 1
	}
}

# as_numactl ARG... - every thread of the emulator is where numactl, so called, puts a
# process.
as_numactl() {
	local got other wanted
	numactl "$@" sleep infinity 3>&- &
	other=$!
	# shellcheck disable=SC2317 # called through eventually
	is_sleep() { [[ $(<"/proc/$other/comm") == sleep ]]; }
	eventually 10 is_sleep
	wanted=$(threads "$other")
	got=$(threads "$pid")
	kill "$other"
	same "$got" "$wanted"
}

# pages_on NODE... - how many pages of the guest's memory there are on these, together.
pages_on() {
	ram_pages "$pid" | awk -v nodes="$*" '
		BEGIN { split(nodes, list, " "); for (i in list) wanted[list[i]] = 1 }
		$1 in wanted { sum += $2 }
		END { print sum + 0 }'
}

# node_full NODE [KIB] - all of the node's memory that can be had is taken, but for KIB.
# Huge pages of the kernel's pool are never swapped or moved to another node; for them
# it frees what it can there, and takes what is left without killing anybody.
node_full() {
	local pool taken
	pool=$(huge_pages_file nr_hugepages "$1")
	echo "$(($(node_free "$1") / 2048 + 64))" >"$pool"
	taken=$(<"$pool")
	((taken * 2048 > ${2-0})) || return 1
	echo "$((taken - ${2-0} / 2048))" >"$pool"
	echo "# node $1: $(<"$pool") huge pages taken, $(node_free "$1") KiB free"
}

# Nodes that are not the first: there a guest would be that is nowhere placed.
node=$((LAB_NODES - 1))
other=$((LAB_NODES - 2))

@test "bind: all of a guest's memory is on its node" {
	policy_write "$POLICY" <<<"lab-bind $node"
	qemu_touches lab-bind
	ram_on lab-bind "$pid" "$node"
	as_numactl --cpunodebind="$node" --membind="$node"
	same "$(threads_cpus "$pid")" "$(node_cpus "$node")"
}

@test "interleave: every node has its share" {
	policy_write "$POLICY" <<<'lab-interleave all mem=interleave'
	qemu_touches lab-interleave
	mapfile -t all < <(nodes)
	ram_on lab-interleave "$pid" "${all[@]}"
	as_numactl --cpunodebind=all --interleave=all
	ram_pages "$pid" | awk -v pages="$((GUEST_RAM_KIB / 4 / LAB_NODES))" '
		{ print "node " $1 ": " $2 " pages of " pages }
		$2 < pages * 0.8 || $2 > pages * 1.2 { bad = 1 }
		END { exit bad || NR != '"$LAB_NODES"' }'
}

@test "preferred: all on the node as long as it has room" {
	policy_write "$POLICY" <<<"lab-preferred $node mem=preferred"
	qemu_touches lab-preferred
	ram_on lab-preferred "$pid" "$node"
	as_numactl --cpunodebind="$node" --preferred="$node"
}

@test "preferred: what a full node cannot hold is elsewhere, and the guest runs" {
	node_full "$node"
	policy_write "$POLICY" <<<"lab-preferred $node mem=preferred"
	qemu_touches lab-preferred
	mapfile -t all < <(nodes)
	ram_on lab-preferred "$pid" "${all[@]}"
	ram_pages "$pid"
	(($(pages_on "$node") < GUEST_RAM_KIB / 4 / 2))
	as_numactl --cpunodebind="$node" --preferred="$node"
}

@test "bind to two nodes: what the near one cannot hold is on the other one alone" {
	node_full "$node"
	policy_write "$POLICY" <<<"lab-two $other-$node cpus=$(node_cpus "$node")"
	qemu_touches lab-two
	ram_on lab-two "$pid" "$node" "$other"
	ram_pages "$pid"
	(($(pages_on "$node") < GUEST_RAM_KIB / 4 / 2))
	as_numactl --physcpubind="$(node_cpus "$node")" --membind="$other-$node"
}

@test "bind: a full node does not let a guest's memory be elsewhere" {
	# The kernel will kill somebody: by the score, this guest.  systemd then stops the
	# unit that it was in, which is to be none but its own.
	# shellcheck disable=SC2016 # for the shell that is started
	expendable=(systemd-run --quiet --scope --
		bash -c 'echo 1000 >/proc/self/oom_score_adj && exec "$@"' --)
	node_full "$node" 49152
	policy_write "$POLICY" <<<"lab-strict $node"
	qemu_start lab-strict "${expendable[@]}"
	eventually 60 process_gone "$pid" "$birth"
	status=0
	wait "$pid" || status=$?
	same "$status" "$((128 + $(kill -l KILL)))"
	run ! guest_touched lab-strict
	said=$(dmesg | grep 'oom-kill:' | tail -n 1)
	echo "$said"
	[[ $said == *constraint=CONSTRAINT_MEMORY_POLICY,nodemask=$node,*,pid=$pid,* ]]
}
