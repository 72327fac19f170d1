#!/usr/bin/env bats
# What the tool says of libvirt's guests that run, and how it brings them to the policy, by the
# agent as systemd runs it. Where their memory is the kernel says (numa_maps), not the tool.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
# shellcheck source=tests/lab/full/apparmor.bash
source "$BATS_TEST_DIRNAME/apparmor.bash"

# Neither is the first, where memory is that nobody has placed.
NODE=$((LAB_NODES - 1))
OTHER=$((LAB_NODES > 2 ? 2 : 0))

# Each starts a guest, and looks at it often.
setup_file() {
	export BATS_TEST_TIMEOUT=$((LAB_TEST_SECONDS * 2))
}

teardown() {
	guests_remove
	policy_clear
	nodes_empty
}

# status_of NAME - what status says of the guest, in JSON; with the exit status that fits.
status_of() {
	local said status=0 wanted=0
	said=$(tool status --json "$1") || status=$?
	same "$(jq -r 'map(.guest) | join(" ")' <<<"$said")" "$1" || return 1
	jq -e '.[0].verdict == ("placed", "no rule")' <<<"$said" | grep -q true || wanted=1
	same "$status" "$wanted" || return 1
	jq '.[0]' <<<"$said"
}

# verdict_is NAME VERDICT [REASON] - a glob for the reason; without one there is none.
verdict_is() {
	local said reason
	said=$(status_of "$1") || return 1
	reason=$(jq -r '.reason // ""' <<<"$said")
	# shellcheck disable=SC2053 # a glob
	if [[ $(jq -r .verdict <<<"$said") != "$2" || $reason != ${3-} ]]; then
		echo "wanted: $2, ${3-}"
		jq '{verdict, reason, note}' <<<"$said"
		return 1
	fi
}

# memory_is NAME NODE... - the kernel and the tool agree that all of its memory is there: the
# RAM, by numa_maps; and of all else that it has next to nothing is elsewhere.
memory_is() {
	local said pid name=$1
	pid=$(guest_pid "$name")
	ram_on "$name" "$pid" "${@:2}" || return 1
	said=$(status_of "$name") || return 1
	jq -e --argjson ram "$(ram_pages "$pid" | awk '{ sum += $2 } END { print sum * 4096 }')" \
		--args '($ARGS.positional | map(tonumber)) as $nodes | .memory |
			(.sampled | not) and .bytes >= $ram and .bytes < $ram + 128 * 1048576 and
			([.nodes[] | select(.node | IN($nodes[])) | .pages] | add) * .page >= .bytes * 0.99
		' "${@:2}" <<<"$said" >/dev/null || {
		echo "wanted: all on nodes ${*:2}"
		jq .memory <<<"$said"
		return 1
	}
}

# apply NAME TEXT... - it succeeds, and says every TEXT.
apply() {
	local text name=$1
	shift
	run -0 tool apply "$name"
	echo "$output"
	for text; do
		[[ $output == *"$text"* ]] || {
			echo "wanted: $text"
			return 1
		}
	done
}

# agent_moved NAME CPUS - the last thing that the agent has done is to bring this guest there.
agent_moved() {
	same "$(agent_said | tail -n 1)" "guest-pinningd: placed running guest '$1' \
(pid $(guest_pid "$1")): rule $POLICY:1, cpus $2"
}

# stays NAME NODE - with all threads, its memory, in the cgroup that libvirt has made for it.
stays() {
	local cpus
	cpus=$(node_cpus "$2")
	pinned "$1" "$cpus" || return 1
	same "$(<"$(guest_cpuset "$1")/cpuset.cpus")" "$cpus" || return 1
	memory_is "$1" "$2" || return 1
	verdict_is "$1" placed || return 1
	is_confined "$1"
}

@test "a guest that the agent has placed: all of it is told as it is" {
	policy_write "$POLICY" <<<"lab-status $NODE"
	guest_start_touching lab-status
	stays lab-status "$NODE"
	pid=$(guest_pid lab-status)
	said=$(status_of lab-status)
	same "$(jq -c 'keys' <<<"$said")" '["cpus","emulator","guest","irqs","isolated","memory","note","pid","reason","rule","threads","verdict","wanted"]'
	jq -e --arg file "$POLICY" --argjson pid "$pid" --arg policy "bind:$NODE" \
		--arg emulator "$E2E_EMULATOR.real" '.pid == $pid and .emulator == $emulator and
			.rule == {file: $file, line: 1, glob: "lab-status"} and .note == null and
			.memory.policy == $policy and .memory.on_wanted_nodes == 1 and
			.irqs == []' <<<"$said"
	same "$(jq -r '.threads[].id' <<<"$said" | sort -n)" "$(cd "/proc/$pid/task" && printf "%s\n" * | sort -n)"
	same "$(jq -r '.threads[] | select(.vcpu != null) | .name' <<<"$said")" "$(cat "/proc/$pid/task"/*/comm | grep '^CPU ')"
	jq -e 'all(.threads[]; .placed)' <<<"$said"
	# To a person.
	run -0 tool status
	echo "$output"
	[[ ${lines[0]} == GUEST* && ${lines[1]} == "lab-status"*" $pid placed "*"100.0 %"* ]]
	same "${lines[2]}" "1 guest: 1 placed"
	run -0 tool status lab-status
	echo "$output"
	[[ $output == *"rule: $POLICY:1: lab-status"* && $output == *"100.0 % of it on its nodes"* ]]
}

@test "its memory is moved to another node: that is told, and apply moves it back" {
	policy_write "$POLICY" <<<"lab-moved $NODE"
	guest_start_touching lab-moved
	pid=$(guest_pid lab-moved)
	migratepages "$pid" "$NODE" "$OTHER"
	memory_is lab-moved "$OTHER"
	verdict_is lab-moved drifted "of its memory ?.? % is on node $NODE"
	agent_said >"$BATS_TEST_TMPDIR/before"
	apply lab-moved "lab-moved: was drifted, is placed, " " of memory moved"
	stays lab-moved "$NODE"
	same "$(guest_pid lab-moved)" "$pid"
	# The CPUs were right: the agent had nothing to do.
	agent_said | diff "$BATS_TEST_TMPDIR/before" -
	run -0 tool apply --json lab-moved
	same "$(jq -c '.[0] | [.before, .after, .memory_moved, .error, .note]' <<<"$output")" \
		'["placed","placed",0,null,null]'
}

@test "it was started before its rule was written: apply places it, and it stays placed" {
	GUEST_VCPU="<vcpu current='1'>3</vcpu>" guest_define lab-late
	rm -f "$E2E_STATE/lab-late.serial"
	vsh start lab-late
	guest_touches lab-late
	verdict_is lab-late "no rule"
	policy_write "$POLICY" <<<"lab-late $NODE"
	verdict_is lab-late unplaced "* threads may run elsewhere: *; of its memory *.? % is on node $NODE"
	apply lab-late "lab-late: was unplaced, is placed" \
		"its memory policy is 'default', and 'bind:$NODE' from its next start on"
	stays lab-late "$NODE"
	agent_moved lab-late "$(node_cpus "$NODE")"

	systemctl daemon-reload
	stays lab-late "$NODE"
	libvirt_restart
	stays lab-late "$NODE"
	vcpu_plug lab-late 2
	stays lab-late "$NODE"
	systemctl restart guest-pinningd.service
	vcpu_plug lab-late 3
	stays lab-late "$NODE"
	no_denials
}

@test "its rule names another node while it runs: apply moves its CPUs and its memory" {
	policy_write "$POLICY" <<<"lab-changes $NODE"
	guest_start_touching lab-changes
	stays lab-changes "$NODE"
	policy_write "$POLICY" <<<"lab-changes $OTHER nice=5 sched=batch"
	verdict_is lab-changes unplaced "* threads may run elsewhere: *; of its memory 0.0 % is on node $OTHER; thread * has nice 0, *"
	apply lab-changes "is placed" "its memory policy is 'bind:$NODE'"
	stays lab-changes "$OTHER"
	# In the agent's sandbox these two calls are let through, too.
	ps -L -o ni=,cls= -p "$(guest_pid lab-changes)" | sort -u
	same "$(ps -L -o ni=,cls= -p "$(guest_pid lab-changes)" | awk '{ print $1, $2 }' | sort -u)" "5 B"
	[[ $(agent_said | tail -n 1) == *"placed running guest 'lab-changes'"*", nice=5, sched=batch" ]]
	vsh destroy lab-changes
	guest_start_touching lab-changes
	verdict_is lab-changes placed
	same "$(status_of lab-changes | jq -r .note)" null
}

@test "a rule of two nodes: what is on either is right, what is on a third is moved" {
	policy_write "$POLICY" <<<"lab-two $((NODE - 1)),$NODE"
	guest_start_touching lab-two
	pid=$(guest_pid lab-two)
	memory_is lab-two "$((NODE - 1))" "$NODE"
	verdict_is lab-two placed
	migratepages "$pid" "$((NODE - 1)),$NODE" 0
	if ((NODE == 1)); then
		verdict_is lab-two placed
		return
	fi
	verdict_is lab-two drifted "of its memory ?.? % is on node $((NODE - 1))-$NODE"
	apply lab-two "lab-two: was drifted, is placed"
	memory_is lab-two "$((NODE - 1))" "$NODE"
	pinned lab-two "$(node_cpus "$((NODE - 1))" | cut -d - -f 1)-$(node_cpus "$NODE" | sed 's/.*-//')"
}

@test "huge pages: they are told by node, and are moved where the node has some" {
	pages=$((GUEST_RAM_KIB / 2048))
	pool "$NODE" 40
	pool "$OTHER" 40
	policy_write "$POLICY" <<<"lab-huge $NODE hugepages=2M"
	guest_start_touching lab-huge
	pid=$(guest_pid lab-huge)
	verdict_is lab-huge placed
	same "$(status_of lab-huge | jq -c '.memory | [.huge_page, (.nodes | map(select(.huge_pages > 0)) | map([.node, .huge_pages]))]')" \
		"[2097152,[[$NODE,$pages]]]"
	run -0 tool status
	[[ ${lines[0]} == *" HUGE" && ${lines[1]} == *"+$pages "*"$pages of 2.0M" ]]

	migratepages "$pid" "$NODE" "$OTHER"
	same "$(taken)" "$OTHER $pages"
	verdict_is lab-huge drifted "of its memory ?.? % is on node $NODE"
	apply lab-huge "lab-huge: was drifted, is placed, "
	same "$(taken)" "$NODE $pages"
	memory_maps "$pid" "$GUEST_RAM_KIB" KernelPageSize
	same "$(memory_maps "$pid" "$GUEST_RAM_KIB" KernelPageSize)" 2048
}

# fragment NODE - it has no huge page, and no memory of which more than a few could be made;
# but enough in single pages for all that is bound to it. `holder` is to be ended.
fragment() {
	pool "$1" 0
	sysctl -q vm.compact_unevictable_allowed=0
	# What files have cached could be given up in whole huge pages.
	sync
	echo 3 >/proc/sys/vm/drop_caches
	numactl --membind="$1" /lab/build/lab-fragments $(($(node_free "$1") / 1024 - 24)) \
		>"$BATS_TEST_TMPDIR/fragments" 2>&1 3>&- &
	holder=$!
	eventually 60 grep -q ready "$BATS_TEST_TMPDIR/fragments"
}

@test "huge pages: where the node has none left they stay where they are, and apply says so" {
	pages=$((GUEST_RAM_KIB / 2048))
	pool "$NODE" 40
	pool "$OTHER" 40
	policy_write "$POLICY" <<<"lab-huge $NODE hugepages=2M"
	guest_start_touching lab-huge
	migratepages "$(guest_pid lab-huge)" "$NODE" "$OTHER"
	same "$(taken)" "$OTHER $pages"
	fragment "$NODE"
	run tool apply lab-huge
	kill "$holder"
	wait "$holder" || true
	sysctl -q vm.compact_unevictable_allowed=1
	echo "$output"
	same "$status" 1
	[[ $output == *"lab-huge: error: not all of its memory can be moved: node $NODE has too little that is free, perhaps of huge pages"* ]]
	taken
	verdict_is lab-huge drifted "of its memory * % is on node $NODE"
	guest_running lab-huge
	# Where there is room again that is all that it takes.
	pool "$NODE" 40
	apply lab-huge "lab-huge: was drifted, is placed, "
	same "$(taken)" "$NODE $pages"
}

@test "a guest that has much memory: a bar shows how far it is" {
	GUEST_RAM_KIB=$((256 * 1024))
	policy_write "$POLICY" <<<"lab-big $NODE"
	guest_start_touching lab-big
	migratepages "$(guest_pid lab-big)" "$NODE" "$OTHER"
	memory_is lab-big "$OTHER"
	# On a terminal, and not elsewhere. With a tenth of a CPU it takes long enough on any machine.
	TERM=xterm timeout -k 5 120 script --quiet --return --command "systemd-run --quiet --scope \
		--property=CPUQuota=10% guest-pinning apply lab-big" \
		"$BATS_TEST_TMPDIR/terminal" </dev/null 3>&-
	tr '\r' '\n' <"$BATS_TEST_TMPDIR/terminal" | cat -v
	mapfile -t bars < <(tr '\r' '\n' <"$BATS_TEST_TMPDIR/terminal" |
		sed -n 's/^moving the memory of lab-big \[#*\.*\] *\([0-9]*\) %.*/\1/p')
	echo "${bars[@]}"
	((${#bars[@]} >= 2))
	same "$(printf '%s\n' "${bars[@]}" | sort -n)" "$(printf '%s\n' "${bars[@]}")"
	((bars[-1] > bars[0]))
	memory_is lab-big "$NODE"
	verdict_is lab-big placed

	migratepages "$(guest_pid lab-big)" "$NODE" "$OTHER"
	run -0 --separate-stderr tool apply lab-big
	# shellcheck disable=SC2154 # run sets it
	same "$stderr" ""
}

@test "the agent has said nothing else, and AppArmor has denied nothing" {
	same "$(agent_said | grep -vE "^guest-pinningd: placed (running )?guest '(lab|many)-")" ""
	no_denials
}
