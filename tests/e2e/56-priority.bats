#!/usr/bin/env bats
# nice= and sched= hold for every thread of a guest, those that come later too. What a
# process may give itself the shim gives it; for the rest the agent must be there.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

USER=(setpriv --reuid 65534 --regid 65534 --clear-groups)
# What a guest has that no rule speaks of.
NORMAL="nice 0 other"

setup() {
	hand_pid=
	test_begin
}

teardown() {
	[[ -z $hand_pid ]] || kill -KILL "$hand_pid"
	guests_remove
	policy_clear
	qemu_conf_restore
}

# threads_priority PID [vcpus] - what the threads have, of the virtual CPUs or all, a
# line for all that agree: "nice -5 other". After the name, which ends in the last ")",
# nice is field 19 of stat, rt_priority 40 and policy 41 (proc(5)).
threads_priority() {
	# One may end meanwhile.
	cat "/proc/$1/task"/*/stat 2>/dev/null | awk -v which="${2-}" '
		BEGIN { split("other fifo rr batch", policy) }
		which == "" || /^[0-9]+ \(CPU / {
			sub(/.*\) /, "")
			print "nice", $17, policy[$39 + 1] ($38 != 0 ? ":" $38 : "")
		}' | sort -u
}

# process_has PID WHAT - every thread, and among them those of the virtual CPUs.
process_has() {
	same "$(threads_priority "$1")" "$2" && same "$(threads_priority "$1" vcpus)" "$2"
}

guest_has() {
	process_has "$(guest_pid "$1")" "$2" || {
		echo "$1${3+, $3}"
		return 1
	}
}

# threads_named PID PREFIX - how many there are.
threads_named() {
	cat "/proc/$1/task"/*/comm 2>/dev/null | grep -c "^$2"
}

threads_named_are() {
	(($(threads_named "$1" "$2") == $3))
}

# still WHEN - e2e-life has what it had.
still() {
	guest_has e2e-life "nice -5 other" "$1"
}

# hand_start - the guest e2e-hand, in the background, until it has threads for two virtual
# CPUs.
hand_start() {
	by_hand e2e-hand -machine q35 -smp 2 >"$BATS_TEST_TMPDIR/hand" 2>&1 &
	hand_pid=$!
	eventually 10 threads_named_are "$hand_pid" "CPU " 2 || {
		cat "$BATS_TEST_TMPDIR/hand"
		return 1
	}
}

hand_end() {
	kill "$hand_pid"
	wait "$hand_pid" || true # by the signal, where it came very early
	hand_pid=
}

# real_time_for_guests - libvirt's guests may have fifo and rr, by being in no cgroup that
# would have to be given real-time.
real_time_for_guests() {
	! real_time_by_cgroup ||
		qemu_conf_add <<<'cgroup_controllers = [ "cpuset", "devices", "memory", "blkio" ]'
}

@test "nice=-5: every thread has it for the guest's whole life, those that come later too" {
	policy_write "$POLICY" <<<"e2e-life - nice=-5"
	GUEST_VCPU="<vcpu current='1'>2</vcpu>"
	guest_start e2e-life
	pid=$(guest_pid e2e-life)
	still "started"
	guest_log_has e2e-life "guest 'e2e-life': rule $POLICY:1, nice=-5"
	agent_log_has "placed guest 'e2e-life' (pid $pid): rule $POLICY:1, nice=-5"
	unplaced e2e-life # its CPUs and memory are nobody's affair

	vsh setvcpus e2e-life 2 --live
	eventually 10 threads_named_are "$pid" "CPU " 2
	still "with a virtual CPU that was plugged in"
	vsh iothreadadd e2e-life 1 --live
	eventually 10 threads_named_are "$pid" "IO iothread" 1
	still "with a thread for input and output"
	vsh reset e2e-life
	vsh suspend e2e-life
	vsh resume e2e-life
	still "reset, suspended and resumed"
	libvirt_restart
	still "after a restart of libvirt"
	same "$(guest_pid e2e-life)" "$pid"
}

@test "each has what its rule says, and who has no such rule what it ever had" {
	policy_write "$POLICY" <<-EOF
		e2e-slow  - nice=10
		e2e-batch - sched=batch
		e2e-both  - sched=batch nice=-20
		e2e-other - sched=other nice=19
		e2e-cpus  $E2E_NODE cpus=$E2E_CPU nice=-5
		e2e-node  $E2E_NODE sched=batch nice=7
		e2e-one   $E2E_NODE cpus=$E2E_CPU
	EOF
	guest_start e2e-slow
	guest_start e2e-batch
	guest_start e2e-both
	guest_start e2e-other
	guest_start e2e-cpus
	guest_start e2e-node
	guest_start e2e-one
	guest_has e2e-slow "nice 10 other"
	guest_has e2e-batch "nice 0 batch"
	guest_has e2e-both "nice -20 batch"
	guest_has e2e-other "nice 19 other"
	guest_has e2e-cpus "nice -5 other"
	placed e2e-cpus "$E2E_CPU"
	guest_has e2e-node "nice 7 batch"
	guest_has e2e-one "$NORMAL"
	placed e2e-one "$E2E_CPU"
	guest_log_has e2e-both ", nice=-20, sched=batch"
	agent_log_has "rule $POLICY:5, cpus $E2E_CPU, nice=-5"

	fingerprint_of e2e-plain "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare" "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare.log" "$BATS_TEST_TMPDIR/plain.log"
}

@test "sched=fifo and rr: refused where the guest's cgroup has no real-time, else had" {
	policy_write "$POLICY" <<-EOF
		e2e-fifo    - sched=fifo:2
		e2e-rr      $E2E_NODE sched=rr:3 nice=-5
		e2e-lenient $E2E_NODE cpus=$E2E_CPU sched=fifo:2 nice=10 best-effort
	EOF
	if real_time_by_cgroup; then
		refused e2e-fifo "$POLICY:1" "sched= is refused" "real-time for the cgroup"
		guest_start e2e-lenient
		guest_log_has e2e-lenient "guest 'e2e-lenient' starts unplaced"
		guest_has e2e-lenient "$NORMAL"
		unplaced e2e-lenient
		vsh destroy e2e-lenient
	fi
	real_time_for_guests
	GUEST_VCPU="<vcpu>1</vcpu>"
	guest_start e2e-fifo
	guest_has e2e-fifo "nice 0 fifo:2"
	vsh reset e2e-fifo
	guest_has e2e-fifo "nice 0 fifo:2"
	vsh destroy e2e-fifo
	guest_start e2e-rr
	guest_has e2e-rr "nice -5 rr:3"
	guest_start e2e-plain
	guest_has e2e-plain "$NORMAL"
}

@test "no agent: what takes none is had, the rest is refused, or not had with best-effort" {
	agent_stop
	policy_write "$POLICY" <<-EOF
		e2e-slow    - nice=10
		e2e-fast    - nice=-5
		e2e-fifo    - sched=fifo:2
		e2e-lenient - sched=batch nice=-5 best-effort
		e2e-placed  $E2E_NODE cpus=$E2E_CPU nice=10 best-effort
	EOF
	guest_start e2e-slow
	guest_has e2e-slow "nice 10 other"
	refused e2e-fast "$POLICY:2" "$AGENT_SOCKET" "start guest-pinningd"
	refused e2e-fifo "$POLICY:3" "$AGENT_SOCKET"
	guest_start e2e-lenient
	guest_has e2e-lenient "$NORMAL"
	guest_log_has e2e-lenient "$POLICY:4: the agent cannot be reached"
	guest_log_has e2e-lenient "guest 'e2e-lenient' starts unplaced"
	guest_start e2e-placed
	guest_has e2e-placed "$NORMAL"
	unplaced e2e-placed

	agent_start
	agent_log_clear
	vsh destroy e2e-slow
	guest_start e2e-slow
	guest_has e2e-slow "nice 10 other"
	same "$(agent_log)" "" # nor is it asked where it is there
	guest_start e2e-fast
	guest_has e2e-fast "nice -5 other"
}

## Without libvirt

@test "by hand: root's shim gives it itself" {
	agent_stop
	while read -r options want; do
		policy_write "$POLICY" <<<"e2e-hand $E2E_NODE cpus=$E2E_CPU ${options//,/ }"
		hand_start
		process_has "$hand_pid" "$want"
		same "$(threads_cpus "$hand_pid")" "$E2E_CPU"
		hand_end
	done <<-EOF
		nice=-5              nice -5 other
		nice=10,sched=batch  nice 10 batch
		sched=fifo:2         nice 0 fifo:2
		sched=rr:3,nice=5    nice 5 rr:3
	EOF
}

@test "by hand: an ordinary user gets what they may take, and is refused the rest" {
	BY=("${USER[@]}")
	policy_write "$POLICY" <<<"e2e-hand - nice=5"
	hand_start
	process_has "$hand_pid" "nice 5 other"
	hand_end
	policy_write "$POLICY" <<<"e2e-hand - nice=-5"
	refused_by_hand e2e-hand "$POLICY:1: nice= is refused: it takes CAP_SYS_NICE" "is not started"
	policy_write "$POLICY" <<<"e2e-hand - sched=fifo:2"
	refused_by_hand e2e-hand "$POLICY:1: sched= is refused: it takes CAP_SYS_NICE"

	# Nothing of the rule is left where not all can be had.
	policy_write "$POLICY" <<<"e2e-hand $E2E_NODE sched=batch cpus=$E2E_CPU nice=-5 best-effort"
	hand_start
	process_has "$hand_pid" "$NORMAL"
	same "$(threads "$hand_pid")" "$(grep '^thread:' "$E2E_STATE/plain.bare")"
	grep -F "nice= is refused" "$BATS_TEST_TMPDIR/hand"
	hand_end
	same "$(agent_log)" ""

	# With the capability that the message speaks of they get it.
	policy_write "$POLICY" <<<"e2e-hand - nice=-5"
	BY=("${USER[@]}" --inh-caps +sys_nice --ambient-caps +sys_nice)
	hand_start
	process_has "$hand_pid" "nice -5 other"
}

@test "the dry run shows what the rule says, and what the caller may not have" {
	policy_write "$POLICY" <<<"e2e-dry - nice=-5 sched=rr:3"
	run -0 "$E2E_EMULATOR" --shim-dry-run -name e2e-dry
	grep -qx "option: nice=-5" <<<"$output"
	grep -qx "option: sched=rr:3" <<<"$output"
	[[ $output != *error* ]]
	run -1 "${USER[@]}" "$E2E_EMULATOR" --shim-dry-run -name e2e-dry
	grep -qx "option: nice=-5" <<<"$output"
	grep -q "^error: $POLICY:1: sched= is refused" <<<"$output"
}
