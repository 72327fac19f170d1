#!/usr/bin/env bats
# The last file, because the shim is gone after it.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

@test "installed: the emulator has kept all but its name, the shim is dressed like it" {
	# The links are one more while the shim's installation may need them.
	same "$(emulator_record "$E2E_EMULATOR.real" | sed 's/ links [0-9]*//')" \
		"$(sed 's/ links [0-9]*//' "$E2E_STATE/emulator.record")"
	same "$(stat -c '%a %u:%g' "$E2E_EMULATOR")" "$(stat -c '%a %u:%g' "$E2E_EMULATOR.real")"
	same "$(getfattr --absolute-names -d -m - -e hex "$E2E_EMULATOR" | sed 1d)" \
		"$(getfattr --absolute-names -d -m - -e hex "$E2E_EMULATOR.real" | sed 1d)"
	cmp "$E2E_EMULATOR" "$E2E_STATE/programs/qemu-kvm-shim"
}

@test "uninstalled: the emulator is what it was, and so is a guest" {
	policy_write "$POLICY" <<<"e2e-plain $E2E_NODE cpus=$E2E_CPU"
	tool uninstall "$E2E_EMULATOR"
	emulator_record "$E2E_EMULATOR" | diff "$E2E_STATE/emulator.record" -
	emulator_neighbours | diff "$E2E_STATE/emulator.neighbours" -

	guest_start e2e-plain
	same "$(readlink "/proc/$(guest_pid e2e-plain)/exe")" "$E2E_EMULATOR"
	vsh destroy e2e-plain
	fingerprint_of e2e-plain "$BATS_TEST_TMPDIR/plain"
	diff "$E2E_STATE/plain.bare" "$BATS_TEST_TMPDIR/plain"
}
