#!/usr/bin/env bats
# Where libvirt gives a guest no cpuset cgroup of its own nobody can hold its CPUs,
# and libvirt itself would undo them: what a rule asks for cannot be had there.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

UNDONE="libvirt has this guest in no cpuset cgroup of its own, and would undo its CPUs"

setup() {
	test_begin
	policy_write "$POLICY" <<-EOF
		e2e-strict  $E2E_NODE cpus=$E2E_CPU
		e2e-nodes   $E2E_NODE
		e2e-lenient $E2E_NODE cpus=$E2E_CPU best-effort
		e2e-env     - env=E2E_ENV=1
	EOF
}

teardown() {
	session_remove
	guests_remove
	policy_clear
	qemu_conf_restore
}

# env_is_set PID
env_is_set() {
	tr '\0' '\n' <"/proc/$1/environ" | grep -qx 'E2E_ENV=1'
}

@test "libvirt's qemu.conf takes the guests' cgroups away: refused, or unplaced" {
	qemu_conf_add <<<"cgroup_controllers = []"
	guest_start e2e-plain
	[[ $(process_cpuset "$(guest_pid e2e-plain)") != */emulator ]]
	vsh destroy e2e-plain

	refused e2e-strict "$POLICY:1" "$UNDONE"
	refused e2e-nodes "$POLICY:2" "$UNDONE"
	guest_start e2e-lenient
	unplaced e2e-lenient
	guest_log_has e2e-lenient "$POLICY:3"
	guest_log_has e2e-lenient "$UNDONE"
	guest_log_has e2e-lenient "guest 'e2e-lenient' starts unplaced"

	# Who gets no CPUs misses nothing, nor does who has no rule.
	guest_start e2e-env
	unplaced e2e-env
	env_is_set "$(guest_pid e2e-env)"
	guest_start e2e-plain
	unplaced e2e-plain
	same "$(agent_log)" ""

	vsh destroy e2e-plain
	qemu_conf_restore
	guest_start e2e-strict
	placed e2e-strict "$E2E_CPU"
}

# session_start NAME - as guest_start, in the session.
session_start() {
	guest_xml "$1" >"$SESSION/$1.xml" || return 1
	chmod 644 "$SESSION/$1.xml"
	session_virsh create "$SESSION/$1.xml"
}

session_pid() {
	cat "$SESSION/run/libvirt/qemu/run/$1.pid"
}

# session_unplaced NAME - it runs, and where every guest does without a shim.
session_unplaced() {
	local pid
	pid=$(session_pid "$1") || return 1
	same "$(threads "$pid")" "$(grep '^thread:' "$E2E_STATE/plain.bare")"
}

session_log_has() {
	eventually 10 grep -qF -- "$2" "$SESSION/.cache/libvirt/qemu/log/$1.log"
}

@test "a guest of qemu:///session: refused, or unplaced" {
	session_make
	run session_start e2e-strict
	((status != 0))
	[[ $output == *"$POLICY:1"* && $output == *"$UNDONE"* ]]
	session_start e2e-lenient
	session_unplaced e2e-lenient
	session_log_has e2e-lenient "$UNDONE"
	session_log_has e2e-lenient "guest 'e2e-lenient' starts unplaced"
	session_start e2e-env
	session_unplaced e2e-env
	env_is_set "$(session_pid e2e-env)"
	session_start e2e-plain
	session_unplaced e2e-plain
	same "$(agent_log)" ""

	# The same command line without libvirt's monitor: nobody would undo it.
	run -0 session_run "$E2E_EMULATOR" --shim-dry-run -name e2e-strict
	grep -qx "cpus: $E2E_CPU" <<<"$output"
}
