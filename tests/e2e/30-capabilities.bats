#!/usr/bin/env bats
# libvirt learns the same of the emulator through the shim, and learns it anew
# after each installation.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

setup() {
	policy_clear
	# While it probes, libvirt starts the emulator as it starts a guest, so
	# the policy must not come into it, whatever it says.
	policy_write "$POLICY" <<<"* $E2E_NO_NODE"
}

@test "domcapabilities and capabilities are the same as without the shim" {
	caps_collect "$BATS_TEST_TMPDIR/caps"
	# The answers come from this shim, and not from before it was there.
	same "$(caps_cache_ctime)" "$(stat -c %Z "$E2E_EMULATOR")"
	[[ -s $E2E_STATE/caps.bare/capabilities && -s $E2E_STATE/caps.bare/domcapabilities ]]
	diff -r "$E2E_STATE/caps.bare" "$BATS_TEST_TMPDIR/caps"
}

@test "installed again: only the change time is new, and libvirt probes again" {
	caps_collect "$BATS_TEST_TMPDIR/before"
	before=$(caps_cache_ctime)
	record=$(emulator_record "$E2E_EMULATOR")
	neighbours=$(emulator_neighbours)
	real=$(emulator_record "$E2E_EMULATOR.real")
	emulator_second_over
	tool install "$E2E_EMULATOR"

	same "$(emulator_record "$E2E_EMULATOR" | without_time)" "$(without_time <<<"$record")"
	same "$(emulator_record "$E2E_EMULATOR.real")" "$real"
	same "$(emulator_neighbours)" "$neighbours"
	[ "$(stat -c %Z "$E2E_EMULATOR")" -gt "$before" ]

	vsh domcapabilities --emulatorbin "$E2E_EMULATOR" --virttype qemu >"$BATS_TEST_TMPDIR/after"
	same "$(caps_cache_ctime)" "$(stat -c %Z "$E2E_EMULATOR")"
	diff "$BATS_TEST_TMPDIR/before/domcapabilities" "$BATS_TEST_TMPDIR/after"
}
