#!/usr/bin/env bats
# A guest that libvirt starts lands where the policy says; any other guest is
# what it was without us.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

@test "a matched guest runs on the named CPU and is bound to the node" {
	policy_write "$POLICY" <<-EOF
		# a comment
		e2e-other $E2E_NODE
		e2e-mat*  $E2E_NODE cpus=$E2E_CPU
	EOF
	guest_start e2e-matched
	placed e2e-matched "$E2E_CPU"
	guest_log_has e2e-matched guest-pinning.conf:3

	# One record, and nothing else of ours.
	record=$(guest_log e2e-matched | grep -F guest-pinning.conf)
	same "$(wc -l <<<"$record")" 1
	[[ $record == *e2e-matched* ]]
}

@test "a matched guest's process carries the emulator's own name" {
	policy_write "$POLICY" <<<"e2e-named $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-named
	pid=$(guest_pid e2e-named)
	name=${E2E_EMULATOR##*/}
	# The kernel keeps 15 characters (TASK_COMM_LEN).
	same "$(<"/proc/$pid/comm")" "${name:0:15}"
	same "$(readlink "/proc/$pid/exe")" "$E2E_EMULATOR.real"
	same "$(tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1)" "$E2E_EMULATOR"
}

@test "but for its placement a matched guest is what it was without the shim" {
	policy_write "$POLICY" <<<"e2e-plain $E2E_NODE cpus=$E2E_CPU"
	fingerprint_of e2e-plain "$BATS_TEST_TMPDIR/placed"
	diff <(grep -v '^thread:' "$E2E_STATE/plain.bare") \
		<(grep -v '^thread:' "$BATS_TEST_TMPDIR/placed")
}

@test "an unmatched guest is what it was without the shim" {
	policy_write "$POLICY" <<<"e2e-other $E2E_NODE cpus=$E2E_CPU"
	fingerprint_of e2e-plain "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare" "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare.log" "$BATS_TEST_TMPDIR/plain.log"
	same "$(agent_log)" "" # it was not even asked
}

@test "without a policy file a guest is what it was without the shim" {
	fingerprint_of e2e-plain "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare" "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare.log" "$BATS_TEST_TMPDIR/plain.log"
}

@test "a rule without options gives the guest all CPUs of the node" {
	policy_write "$POLICY" <<<"e2e-node $E2E_NODE"
	guest_start e2e-node
	pid=$(guest_pid e2e-node)
	want=$(numactl --cpunodebind="$E2E_NODE" cat /proc/self/status |
		awk '$1 == "Cpus_allowed_list:" { print $2 }')
	pinned e2e-node "$want"
	same "$(policies "/proc/$pid")" "bind:$E2E_NODE"
	agent_log_has "cpus $want"
}

@test "a rule in a drop-in file matches, after those of the main file" {
	policy_write "$POLICY" <<<"e2e-dropin1 $E2E_NODE cpus=$E2E_CPU"
	policy_write "$POLICY_DIR/10-e2e.conf" <<-EOF
		e2e-dropin* $E2E_NODE cpus=$E2E_OTHER_CPU
	EOF
	policy_write "$POLICY_DIR/20-e2e.conf" <<<"e2e-dropin* $E2E_NO_NODE"
	guest_start e2e-dropin1
	placed e2e-dropin1 "$E2E_CPU"
	guest_log_has e2e-dropin1 guest-pinning.conf:1
	guest_start e2e-dropin2
	placed e2e-dropin2 "$E2E_OTHER_CPU"
	guest_log_has e2e-dropin2 guest-pinning.conf.d/10-e2e.conf:1
}

@test "env= reaches the emulator's environment" {
	policy_write "$POLICY" <<<"e2e-env $E2E_NODE env=MALLOC_ARENA_MAX=4 env=E2E_EMPTY="
	guest_start e2e-env
	environ=$(tr '\0' '\n' <"/proc/$(guest_pid e2e-env)/environ")
	grep -qx 'MALLOC_ARENA_MAX=4' <<<"$environ"
	grep -qx 'E2E_EMPTY=' <<<"$environ"
	# What libvirt had set is there too.
	grep -qx 'LC_ALL=C' <<<"$environ"
}

@test "the dry run says what then happens" {
	policy_write "$POLICY" <<<"e2e-dry $E2E_NODE cpus=$E2E_CPU"
	run -0 "$E2E_EMULATOR" --shim-dry-run -name guest=e2e-dry,debug-threads=on -S
	echo "$output"
	grep -qx "guest: e2e-dry" <<<"$output"
	grep -qx "rule: $POLICY:1: e2e-dry" <<<"$output"
	grep -qx "cpus: $E2E_CPU" <<<"$output"
	grep -qx "memory: bind $E2E_NODE" <<<"$output"
	grep -qx "exec: $E2E_EMULATOR.real" <<<"$output"
	guest_start e2e-dry
	placed e2e-dry "$E2E_CPU"
}

@test "a guest is placed again after save and restore, by the rule of that day" {
	policy_write "$POLICY" <<<"e2e-saved $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-saved
	placed e2e-saved "$E2E_CPU"
	vsh save e2e-saved /var/lib/libvirt/qemu/e2e-saved.img
	policy_write "$POLICY" <<<"e2e-saved $E2E_NODE cpus=$E2E_OTHER_CPU"
	vsh restore /var/lib/libvirt/qemu/e2e-saved.img
	guest_running e2e-saved
	placed e2e-saved "$E2E_OTHER_CPU"
}
