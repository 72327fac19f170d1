#!/usr/bin/env bats
# guest-pinning apply: guests that run are brought to the policy, without a word to libvirt.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # stderr is set by run
# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"
# shellcheck source=tests/e2e/status.bash
source "$BATS_TEST_DIRNAME/status.bash"
# shellcheck source=tests/e2e/interrupts.bash
source "$BATS_TEST_DIRNAME/interrupts.bash"

TOOL=$E2E_STATE/programs/guest-pinning
CLIENT=$E2E_STATE/agent_client

setup() {
	hand_pids=()
	affinities >"$BATS_TEST_TMPDIR/affinities"
	test_begin
	devices_find
}

teardown() {
	hands_end
	guests_remove
	lies_remove
	policy_clear
	interrupts_given_back
}

# rule GUEST REST... - the only one.
rule() {
	policy_write "$POLICY" <<<"$*"
}

# cgroups_have NAME CPUS - the guest's cgroup and all in it; on v2 what they get from it.
cgroups_have() {
	local cgroup file=cpuset.cpus
	cgroup=$(guest_cpuset "$1") || return 1
	! cgroup_v2 || file=cpuset.cpus.effective
	same "$(find "$cgroup" -name "$file" -exec cat {} + | sort -u)" "$2"
}

vcpu_threads_are() {
	threads_named_are "$1" "CPU " "$2"
}

## CPUs

@test "by hand: a thread that was moved away is brought back, and then there is nothing to do" {
	rule "e2e-hand $E2E_NODE cpus=$E2E_CPU"
	hand_start e2e-hand
	thread=$(thread_of "$hand_pid" "CPU 1/TCG")
	taskset -cp "$E2E_OTHER_CPU" "$thread"
	status_is e2e-hand drifted "'CPU 1/TCG' ($thread)"
	run -0 tool apply e2e-hand
	same "$output" "e2e-hand: was drifted, is placed"
	agent_log_has "placed running guest 'e2e-hand' (pid $hand_pid): rule $POLICY:1, cpus $E2E_CPU"
	same "$(threads_cpus "$hand_pid")" "$E2E_CPU"
	status_is e2e-hand placed

	agent_log_clear
	run -0 tool apply e2e-hand
	same "$output" "e2e-hand: placed as before"
	same "$(agent_log)" "" # who has all is not the agent's affair
	applied e2e-hand placed placed
}

@test "by hand, before there was a rule: all threads, and those that come later" {
	hand_start e2e-hand -S
	rule "e2e-hand $E2E_NODE cpus=$E2E_CPU"
	status_is e2e-hand unplaced
	applied e2e-hand unplaced placed
	same "$(threads_cpus "$hand_pid")" "$E2E_CPU"
	status_is e2e-hand placed
}

@test "a rule that has become wider: told as a note, and all of its CPUs are had" {
	rule "e2e-* $E2E_NODE cpus=$E2E_CPU"
	hand_start e2e-hand
	guest_start e2e-wide
	rule "e2e-* $E2E_NODE cpus=$E2E_CPU,$E2E_OTHER_CPU"
	for guest in e2e-hand e2e-wide; do
		status_is "$guest" placed
		has "$(seen '.[0].note')" "its threads may use only CPUs $E2E_CPU of these"
		applied "$guest" placed placed
		status_is "$guest" placed
		same "$(seen '.[0].note')" null
	done
	all=$(seen '.[0].wanted.cpus')
	same "$(threads_cpus "$hand_pid")" "$all"
	same "$(threads_cpus "$(guest_pid e2e-wide)")" "$all"
}

@test "through libvirt, before there was a rule: the cgroups hold, for virtual CPUs plugged in, too" {
	GUEST_VCPU="<vcpu current='1'>3</vcpu>"
	guest_start e2e-late
	guest_start e2e-plain
	pid=$(guest_pid e2e-late)
	cgroup=$(guest_cpuset e2e-late)
	cpusets | grep -vF "$cgroup/" >"$BATS_TEST_TMPDIR/before"
	rule "e2e-late $E2E_NODE cpus=$E2E_CPU"
	status_is e2e-late unplaced
	run -0 tool apply e2e-late
	has "$output" "e2e-late: was unplaced, is placed" \
		"e2e-late: note: its memory policy is 'default', and 'bind:$E2E_NODE' from its next start on"
	pinned e2e-late "$E2E_CPU"
	cgroups_have e2e-late "$E2E_CPU"
	status_is e2e-late placed
	agent_log_has "placed running guest 'e2e-late' (pid $pid): rule $POLICY:1, cpus $E2E_CPU"

	vsh setvcpus e2e-late 2 --live
	eventually 10 vcpu_threads_are "$pid" 2
	pinned e2e-late "$E2E_CPU"
	libvirt_restart
	vsh setvcpus e2e-late 3 --live
	eventually 10 vcpu_threads_are "$pid" 3
	vsh suspend e2e-late
	vsh resume e2e-late
	pinned e2e-late "$E2E_CPU"
	cgroups_have e2e-late "$E2E_CPU"
	status_is e2e-late placed
	# Nobody else's has changed.
	cpusets | grep -vF "$cgroup/" | diff "$BATS_TEST_TMPDIR/before" -
	same "$(guest_pid e2e-late)" "$pid"

	vsh destroy e2e-late
	guest_start e2e-late
	placed e2e-late "$E2E_CPU"
	same "$(tool status --json e2e-late | jq '.[0].note')" null
}

@test "the rule says another CPU: there, and back again" {
	rule "e2e-* $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-life
	hand_start e2e-hand
	for cpu in "$E2E_OTHER_CPU" "$E2E_CPU" "$E2E_OTHER_CPU"; do
		rule "e2e-* $E2E_NODE cpus=$cpu"
		status_is e2e-life drifted "threads may run elsewhere"
		status_is e2e-hand drifted "threads may run elsewhere"
		run tool apply e2e-life e2e-hand
		same "$output" "e2e-hand: was drifted, is placed
e2e-life: was drifted, is placed"
		same "$status" 0
		pinned e2e-life "$cpu"
		cgroups_have e2e-life "$cpu"
		same "$(threads_cpus "$hand_pid")" "$cpu"
		status_is e2e-life placed
	done
}

@test "a pin within the rule survives; one beyond it is refused, and nothing changes" {
	guest_start e2e-pin
	vsh vcpupin e2e-pin 0 "$E2E_OTHER_CPU" --live
	rule "e2e-pin $E2E_NODE cpus=$E2E_CPU,$E2E_OTHER_CPU nice=5"
	applied e2e-pin drifted placed
	pid=$(guest_pid e2e-pin)
	same "$(status_field "/proc/$pid/task/$(thread_of "$pid" "CPU 0/TCG")" Cpus_allowed_list)" "$E2E_OTHER_CPU"
	same "$(vsh vcpuinfo --pretty e2e-pin | sed -n 's/^CPU Affinity: *\([0-9,-]*\) .*/\1/p' | head -n 1)" \
		"$E2E_OTHER_CPU"
	status_is e2e-pin placed

	before=$(cpusets)
	threads=$(threads_cpus "$pid" vcpus)
	rule "e2e-pin $E2E_NODE cpus=$E2E_CPU nice=6"
	applied e2e-pin unplaced unplaced "the guest's XML pins to CPUs $E2E_OTHER_CPU"
	agent_log_has "the guest's XML pins to CPUs $E2E_OTHER_CPU"
	same "$(cpusets)" "$before"
	same "$(threads_cpus "$pid" vcpus)" "$threads"
}

## Priority

@test "priority: one thread that has lost it, and a rule that is another" {
	rule "e2e-* - nice=5"
	guest_start e2e-nice
	hand_start e2e-hand
	for guest in e2e-nice e2e-hand; do
		[[ $guest == e2e-hand ]] || hand_pid=$(guest_pid e2e-nice)
		thread=$(thread_of "$hand_pid" "CPU 1/TCG")
		renice -n 9 -p "$thread"
		status_is "$guest" drifted "thread 'CPU 1/TCG' ($thread) has nice 9"
		applied "$guest" drifted placed
		chrt --batch -p 0 "$thread" # of which the rule says nothing
		status_is "$guest" placed
		chrt --other -p 0 "$thread"
		hand_pid=${hand_pids[0]}
	done
	rule "e2e-* - nice=-3 sched=batch"
	status_is e2e-nice unplaced
	run -0 tool apply e2e-nice e2e-hand
	status_is e2e-nice placed
	same "$(seen '.[0].threads[] | "\(.nice) \(.scheduler)"' | sort -u)" "-3 batch"
	status_is e2e-hand placed
	same "$(seen '.[0].threads[] | "\(.nice) \(.scheduler)"' | sort -u)" "-3 batch"
}

@test "real-time that the guest's cgroup has not is refused, and told; its CPUs it has" {
	real_time_by_cgroup || {
		rule "e2e-rt - sched=fifo:2"
		guest_start e2e-rt
		status_is e2e-rt placed
		return
	}
	guest_start e2e-rt
	rule "e2e-rt $E2E_NODE cpus=$E2E_CPU sched=fifo:2"
	applied e2e-rt unplaced drifted "sched= is refused"
}

## Interrupts

@test "irq=: the rule gets it, has it elsewhere, and loses it, while the guest runs" {
	for kind in libvirt hand; do
		rule "e2e-irq $E2E_NODE cpus=$E2E_CPU"
		if [[ $kind == hand ]]; then
			hand_start e2e-irq
		else
			guest_start e2e-irq
		fi
		status_is e2e-irq placed
		rule "e2e-irq $E2E_NODE cpus=$E2E_CPU irq=$NIC"
		status_is e2e-irq drifted "the agent does not watch over its interrupts"
		applied e2e-irq drifted placed
		only_moved "$E2E_CPU"
		status_is e2e-irq placed
		same "$(seen '.[0].irqs[] | "\(.irq) \(.device) \(.wanted) \(.cpus) \(.moved)"')" \
			"$(printf "%s $NIC $E2E_CPU $E2E_CPU true\n" "${IRQS[@]}")"
		run -0 tool status e2e-irq
		has "$output" "IRQ: ${IRQS[0]} ($NIC) to CPUs $E2E_CPU, wanted $E2E_CPU"
		run -0 tool status
		has "$output" "IRQS" "${#IRQS[@]} of ${#IRQS[@]}"

		rule "e2e-irq $E2E_NODE cpus=$E2E_CPU irq=$NIC@$E2E_OTHER_CPU"
		status_is e2e-irq drifted "the agent watches over its interrupts as an earlier rule has said"
		applied e2e-irq drifted placed
		only_moved "$E2E_OTHER_CPU"

		rule "e2e-irq $E2E_NODE cpus=$E2E_CPU"
		status_is e2e-irq drifted "the agent watches over its interrupts as an earlier rule has said"
		applied e2e-irq drifted placed
		eventually 2 affinities_are_as_before
		status_is e2e-irq placed

		# With a rule that is for nothing but interrupts, too.
		rule "e2e-irq - irq=$NIC@$E2E_CPU"
		status_is e2e-irq drifted "the agent watches over its interrupts as an earlier rule has said"
		applied e2e-irq drifted placed
		only_moved "$E2E_CPU"
		rule "e2e-irq -"
		applied e2e-irq drifted placed
		eventually 2 affinities_are_as_before
		[[ $kind == hand ]] || vsh destroy e2e-irq
		hands_end
		as_before_within 2
	done
}

@test "irq=: one that somebody else has set is named, and brought back" {
	rule "e2e-irq - irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	status_is e2e-irq placed
	affinity_set "${IRQS[0]}" "$E2E_OTHER_CPU"
	status_is e2e-irq drifted "IRQ ${IRQS[0]} of $NIC may go to CPUs $E2E_OTHER_CPU"
	applied e2e-irq drifted placed
	only_moved "$E2E_CPU"

	# Also where the agent has seen it already, and has left it there.
	affinity_set "${IRQS[0]}" "$BEFORE"
	agent_kill
	agent_start
	agent_log_has "IRQ ${IRQS[0]} has been set to CPUs $BEFORE by somebody else"
	status_is e2e-irq drifted "IRQ ${IRQS[0]} of $NIC may go to CPUs $BEFORE"
	applied e2e-irq drifted placed
	only_moved "$E2E_CPU"
}

@test "irq=: what a guest has of it stays where the rest of its new rule is refused" {
	rule "e2e-irq - irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	vsh vcpupin e2e-irq 0 "$E2E_OTHER_CPU" --live
	rule "e2e-irq - irq=$NIC@$E2E_OTHER_CPU sched=fifo:2"
	if real_time_by_cgroup; then
		applied e2e-irq drifted drifted "sched= is refused"
	else
		rule "e2e-irq $E2E_NODE irq=$NIC@$E2E_OTHER_CPU cpus=$E2E_CPU"
		applied e2e-irq drifted drifted "the guest's XML pins to CPUs"
	fi
	sleep 1 # some turns of the watch
	only_moved "$E2E_CPU"
	rule "e2e-irq - irq=$NIC@$E2E_CPU"
	status_is e2e-irq placed
}

@test "isolate: the rule gets it, one that comes back is named, and it loses it" {
	rule "e2e-alone $E2E_NODE cpus=$E2E_CPU irq=$NIC"
	guest_start e2e-alone
	rule "e2e-alone $E2E_NODE cpus=$E2E_CPU irq=$NIC isolate"
	status_is e2e-alone drifted "the agent watches over its interrupts as an earlier rule has said"
	applied e2e-alone drifted placed
	local irq
	irq=${DISK_IRQS[0]}
	are_on "$E2E_OTHER_CPU" "$irq"
	are_on "$E2E_CPU"
	affinity_set "$irq" "$E2E_CPU"
	status_is e2e-alone drifted "IRQ $irq may go to CPUs $E2E_CPU"
	applied e2e-alone drifted placed
	are_on "$E2E_OTHER_CPU" "$irq"
	run -0 tool status e2e-alone
	has "$output" "isolated: $E2E_CPU"
	vsh destroy e2e-alone
	eventually 2 are_on "$BEFORE"
	affinity_set "$irq" "$(awk -v irq="$irq" '$1 == irq { print $2 }' "$BATS_TEST_TMPDIR/affinities")"
}

## Which guests

@test "--all: those that have a rule, and only those; by name also one that has none" {
	guest_start e2e-plain
	hand_start e2e-hand
	guest_start e2e-late
	rule "e2e-[hl]* $E2E_NODE cpus=$E2E_CPU"
	run -0 tool apply --all
	has "$output" "e2e-hand: was unplaced, is placed" "e2e-late: was unplaced, is placed"
	[[ $output != *e2e-plain* ]]
	unplaced e2e-plain
	pinned e2e-late "$E2E_CPU"
	same "$(threads_cpus "$hand_pid")" "$E2E_CPU"
	applied e2e-plain "no rule" "no rule"
	unplaced e2e-plain
	run -0 tool apply --json --all
	schema_holds apply <<<"$output"
	same "$(jq -r '.[] | "\(.guest) \(.before) \(.after) \(.error)"' <<<"$output")" \
		"e2e-hand placed placed null
e2e-late placed placed null"
}

@test "a name that nobody has, a rule that is malformed: told, and the others are brought there" {
	hand_start e2e-hand
	hand_start e2e-bad
	policy_write "$POLICY" <<-EOF
		e2e-hand $E2E_NODE cpus=$E2E_CPU
		e2e-bad  $E2E_NODE nonsense
	EOF
	run -1 --separate-stderr tool apply e2e-hand no-such
	same "$stderr" "guest-pinning: no guest 'no-such' runs on this host"
	same "${lines[0]}" "e2e-hand: was unplaced, is placed"
	run -1 tool apply --all
	has "$output" "e2e-hand: placed as before" "e2e-bad: unplaced as before" "e2e-bad: error: $POLICY:2: unknown option 'nonsense'"
	applied e2e-bad unplaced unplaced "$POLICY:2: unknown option 'nonsense'"
	same "$(agent_log | grep -c refused)" 0
}

@test "one of several guests of the same name: all of them" {
	hand_start e2e-twin
	hand_start e2e-twin
	rule "e2e-twin $E2E_NODE cpus=$E2E_CPU"
	run -0 tool apply e2e-twin
	same "$(grep -cx "e2e-twin: was unplaced, is placed" <<<"$output")" 2
	for pid in "${hand_pids[@]}"; do
		same "$(threads_cpus "$pid")" "$E2E_CPU"
	done
}

## Who may

@test "no agent: told, and nothing has changed; who is placed needs none" {
	hand_start e2e-hand
	agent_stop
	rule "e2e-hand $E2E_NODE cpus=$E2E_CPU"
	before=$(threads "$hand_pid")
	run -1 tool apply e2e-hand
	has "$output" "e2e-hand: unplaced as before" "e2e-hand: error: the agent cannot be reached at $AGENT_SOCKET" "guest-pinningd"
	same "$(threads "$hand_pid")" "$before"
	applied e2e-hand unplaced unplaced "the agent cannot be reached"
	rule "e2e-hand -"
	applied e2e-hand placed placed
}

# asks COMMAND... - for e2e-hand, which is root's; with what there is before the client.
asks() {
	"$@" "$CLIENT" "$AGENT_SOCKET" say \
		"guest-pinning 1 apply $hand_pid $(process_birth "$hand_pid")"
}

@test "only root may: an ordinary user, a guest, and a guest of root's are refused" {
	hand_start e2e-hand
	rule "e2e-* $E2E_NODE cpus=$E2E_CPU"
	before=$(threads "$hand_pid")
	run -1 setpriv --reuid 65534 --regid 65534 --clear-groups "$TOOL" apply e2e-hand
	same "$output" "guest-pinning: only root may move guests: do this as root"
	run -1 asks setpriv --reuid 65534 --regid 65534 --clear-groups
	has "$output" "Permission denied"
	EMULATOR=(setpriv --reuid "$(emulator_uid)" --regid kvm --clear-groups)
	run -0 asks "${EMULATOR[@]}"
	same "$output" "guest-pinning 1 refused only root may name a guest"

	# From the cgroup of a guest, root's too.
	cgroup_make "$(cpuset_root)/e2e-lies"
	cgroup=$(cpuset_root)/e2e-lies/qemu-1-e2e-x.libvirt-qemu
	cgroup_make "$cgroup"
	cgroup_make "$cgroup/emulator"
	# shellcheck disable=SC2016 # for the inner shell
	run -0 asks bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$cgroup/emulator" "${EMULATOR[@]}"
	same "$output" "guest-pinning 1 refused only root may name a guest"
	# shellcheck disable=SC2016
	run -0 asks bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$cgroup/emulator"
	same "$output" "guest-pinning 1 refused a guest may not name another"
	same "$(threads "$hand_pid")" "$before"
	same "$(agent_log | grep -c "refused pid ")" 3

	run -0 asks
	same "$output" "guest-pinning 1 placed $E2E_CPU"
	same "$(threads_cpus "$hand_pid")" "$E2E_CPU"
}

@test "a process of an ordinary user gets nothing of the rule for the guest it is named like" {
	BY=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	hand_start e2e-other
	rule "e2e-other $E2E_NODE cpus=$E2E_CPU nice=-5"
	before=$(threads "$hand_pid")
	run -1 tool apply e2e-other
	has "$output" "e2e-other: error: the agent refuses: " "it is uid 65534's"
	same "$(threads "$hand_pid")" "$before"
}

@test "a process that is no longer that guest, or is none: refused" {
	hand_start e2e-hand
	rule "e2e-* $E2E_NODE cpus=$E2E_CPU"
	before=$(threads "$hand_pid")
	run -0 "$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 apply $hand_pid 1"
	same "$output" "guest-pinning 1 refused process $hand_pid is no longer that guest"
	run -0 "$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 apply $$ $(process_birth $$)"
	has "$output" "guest-pinning 1 refused "
	run -0 "$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 apply 4194303 1"
	has "$output" "guest-pinning 1 refused "
	for message in "" " " "0 1" "-1 1" "+1 1" "1" "1 " "1  1" "1 1 1" "1 1x" "99999999999 1" "01x 1"; do
		message="guest-pinning 1 apply $message"
		run -0 "$CLIENT" "$AGENT_SOCKET" say "$message"
		same "$output" "guest-pinning 1 refused a message of ${#message} bytes is no request that this agent knows"
	done
	same "$(threads "$hand_pid")" "$before"
	status_is e2e-hand unplaced
}
