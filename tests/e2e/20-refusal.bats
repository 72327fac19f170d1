#!/usr/bin/env bats
# What cannot be done stops the guests that asked for it, with a reason that
# the user sees; it stops nobody else.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

@test "a node that does not exist: virsh start shows file, line and reason" {
	policy_write "$POLICY" <<-EOF
		# the line below is the second
		e2e-nowhere $E2E_NO_NODE
	EOF
	refused e2e-nowhere "$POLICY:2" "node $E2E_NO_NODE" "does not exist"
	guest_start e2e-plain
	unplaced e2e-plain

	# The same guest starts as soon as its rule can be honoured.
	policy_write "$POLICY" <<<"e2e-nowhere $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-nowhere
	placed e2e-nowhere "$E2E_CPU"
}

@test "the same with best-effort starts, with a warning in the guest's log" {
	policy_write "$POLICY" <<<"e2e-lenient $E2E_NO_NODE best-effort"
	guest_start e2e-lenient
	unplaced e2e-lenient
	guest_log_has e2e-lenient "$POLICY:1"
	guest_log_has e2e-lenient "node $E2E_NO_NODE"
	guest_log_has e2e-lenient unplaced
}

@test "a malformed line stops only the guests that its glob matches" {
	policy_write "$POLICY" <<-EOF
		e2e-broken* $E2E_NODE cpus=$E2E_CPU,none
		e2e-*       $E2E_NODE cpus=$E2E_CPU
	EOF
	refused e2e-broken "$POLICY:1"
	guest_start e2e-sound
	placed e2e-sound "$E2E_CPU"
	guest_log_has e2e-sound "$POLICY:2"
	run ! grep -F "$POLICY:1" <(guest_log e2e-sound)
}

@test "an unknown option is an error of that line" {
	policy_write "$POLICY" <<<"e2e-unknown $E2E_NODE frobnicate=1"
	refused e2e-unknown "$POLICY:1" frobnicate
}

@test "a policy that others may write places nobody, with a warning in the log" {
	policy_write "$POLICY" <<<"e2e-insecure $E2E_NODE cpus=$E2E_CPU"
	chmod 664 "$POLICY"
	guest_start e2e-insecure
	unplaced e2e-insecure
	guest_log_has e2e-insecure "$POLICY: ignored: "

	# Nor does a drop-in that is not root's.
	policy_clear
	policy_write "$POLICY_DIR/10-e2e.conf" <<<"e2e-insecure* $E2E_NODE cpus=$E2E_CPU"
	chown nobody "$POLICY_DIR/10-e2e.conf"
	guest_start e2e-insecure2
	unplaced e2e-insecure2
	guest_log_has e2e-insecure2 "$POLICY_DIR/10-e2e.conf: ignored: "
}

@test "a policy that cannot be read places nobody, with a warning in the log" {
	policy_write "$POLICY" <<<"e2e-unreadable $E2E_NODE cpus=$E2E_CPU"
	# The emulator's user is not root: libvirt has changed to it by then.
	chmod 600 "$POLICY"
	guest_start e2e-unreadable
	unplaced e2e-unreadable
	guest_log_has e2e-unreadable "$POLICY: ignored: "
}

@test "check tells of a policy that the emulator's user cannot read" {
	policy_write "$POLICY" <<<"e2e-check $E2E_NODE"
	policy_write "$POLICY_DIR/10-e2e.conf" <<<"e2e-other $E2E_NODE"
	run -0 tool check
	chmod 600 "$POLICY_DIR/10-e2e.conf"
	run -1 tool check
	same "$(grep -c 'cannot read it' <<<"$output")" 1
	[[ $output == *"$POLICY_DIR/10-e2e.conf: the user who runs the emulators cannot read it"* ]]
	chmod 600 "$POLICY"
	run -1 tool check
	same "$(grep -c 'cannot read it' <<<"$output")" 2
	[[ $output == *"$POLICY: the user who runs the emulators cannot read it"* ]]
}
