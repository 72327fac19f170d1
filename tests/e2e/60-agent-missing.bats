#!/usr/bin/env bats
# Without an agent: a guest whose rule gives it CPUs does not start, or does so
# unplaced where the rule says "best-effort"; nobody else misses it.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

# The agent may be halted or a remnant.
teardown() {
	guests_remove
	policy_clear
	agent_stop
}

# The shim waits for 5 s (AGENT_PATIENCE_MS); the rest is libvirt's, of which a
# start takes some 2 s, and a busy machine's.
PATIENCE=5
START_SECONDS=20

# unplaced_with NAME TEXT - NAME starts, unplaced, and its log says TEXT.
unplaced_with() {
	guest_start "$1" || return 1
	unplaced "$1" || return 1
	guest_log_has "$1" "$2" || return 1
	guest_log_has "$1" "guest '$1' starts unplaced"
}

# start_begin NAME - its virsh start goes on in the background, until start_end.
start_begin() {
	guest_define "$1" || return 1
	vsh start "$1" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	starting=$!
}

# start_end - returns what virsh has returned.
start_end() {
	local status=0
	wait "$starting" || status=$?
	cat "$BATS_TEST_TMPDIR/said"
	return "$status"
}

@test "no agent: virsh start shows which socket nobody listens at, and what to do" {
	agent_stop
	policy_write "$POLICY" <<-EOF
		e2e-strict  $E2E_NODE cpus=$E2E_CPU
		e2e-lenient $E2E_NODE cpus=$E2E_CPU best-effort
	EOF
	SECONDS=0
	refused e2e-strict "$POLICY:1" "$AGENT_SOCKET" "start guest-pinningd"
	((SECONDS < START_SECONDS))
	unplaced_with e2e-lenient "$AGENT_SOCKET"

	agent_start
	guest_start e2e-strict
	placed e2e-strict "$E2E_CPU"
	vsh destroy e2e-lenient
	guest_start e2e-lenient
	placed e2e-lenient "$E2E_CPU"
}

@test "no agent: an installation reminds of it; with one it does not" {
	run -0 tool install "$E2E_EMULATOR"
	[[ $output != *agent* ]]
	agent_stop
	run -0 tool install "$E2E_EMULATOR"
	[[ $output == *"The agent is not running"*"guest-pinningd"* ]]
	run -0 tool uninstall "$E2E_EMULATOR"
	[[ $output != *agent* ]]
	run -0 tool install "$E2E_EMULATOR"
	[[ $output == *"The agent is not running"* ]]
}

@test "no agent: who needs none starts as ever" {
	agent_stop
	policy_write "$POLICY" <<-EOF
		e2e-env   - env=E2E_ENV=1
		e2e-other $E2E_NODE cpus=$E2E_CPU
	EOF
	guest_start e2e-env
	unplaced e2e-env
	tr '\0' '\n' <"/proc/$(guest_pid e2e-env)/environ" | grep -qx 'E2E_ENV=1'
	vsh destroy e2e-env

	fingerprint_of e2e-plain "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare" "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare.log" "$BATS_TEST_TMPDIR/plain.log"
}

@test "an agent that hangs is waited for 5 seconds, and serves when it goes on" {
	policy_write "$POLICY" <<-EOF
		e2e-strict  $E2E_NODE cpus=$E2E_CPU
		e2e-lenient $E2E_NODE cpus=$E2E_CPU best-effort
	EOF
	agent_signal STOP
	SECONDS=0
	refused e2e-strict "$POLICY:1" "$AGENT_SOCKET has not answered within $PATIENCE seconds"
	((SECONDS >= PATIENCE - 1 && SECONDS < PATIENCE + START_SECONDS))
	unplaced_with e2e-lenient "has not answered"

	# The two who have asked are dead or no shims by now.
	agent_signal CONT
	guest_start e2e-strict
	placed e2e-strict "$E2E_CPU"
	unplaced e2e-lenient
	same "$(agent_log | grep -c refused)" 2
}

@test "an agent that dies over a request: refused, or unplaced with best-effort" {
	policy_write "$POLICY" <<-EOF
		e2e-strict  $E2E_NODE cpus=$E2E_CPU
		e2e-lenient $E2E_NODE cpus=$E2E_CPU best-effort
	EOF
	eventually 10 agent_has_none
	agent_signal STOP
	start_begin e2e-strict
	eventually 20 agent_has_client
	agent_kill
	if start_end >"$BATS_TEST_TMPDIR/refusal"; then
		echo "it was started"
		return 1
	fi
	cat "$BATS_TEST_TMPDIR/refusal"
	guest_log_has e2e-strict "$POLICY:1: the agent at $AGENT_SOCKET has ended without an answer"

	# The socket that it has left is no obstacle to the next agent.
	[[ -S $AGENT_SOCKET ]]
	agent_start
	eventually 10 agent_has_none
	agent_signal STOP
	start_begin e2e-lenient
	eventually 20 agent_has_client
	agent_kill
	start_end
	unplaced e2e-lenient
	guest_log_has e2e-lenient "guest 'e2e-lenient' starts unplaced"

	agent_start
	guest_start e2e-strict
	placed e2e-strict "$E2E_CPU"
}
