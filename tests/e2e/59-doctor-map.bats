#!/usr/bin/env bats
# guest-pinning doctor and map on a host with real guests, the shim in place and the agent.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

teardown() {
	agent_start
	guests_remove
	policy_clear
}

# valid VERB - the JSON in $output is what the schema says.
valid() {
	"$BATS_TEST_DIRNAME/../schema/check" "$1" <<<"$output"
}

# doctor STATUS - what it says, in $output, by its schema; it must end so.
doctor() {
	run "-$1" --separate-stderr tool doctor --json
	valid doctor
}

# finding NAME - its severity.
finding() {
	jq -r --arg name "$1" '.findings[] | select(.name == $name) | .severity' <<<"$output"
}

# finding_has NAME KEY WORD - what is said there.
finding_has() {
	jq -e --arg name "$1" --arg key "$2" --arg word "$3" \
		'.findings[] | select(.name == $name) | .[$key] | tostring | contains($word)' \
		<<<"$output" >/dev/null || {
		jq -c --arg name "$1" '.findings[] | select(.name == $name)' <<<"$output"
		return 1
	}
}

@test "doctor: the shim in place, the agent there, guests counted" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-a
	guest_define e2e-b
	doctor 0
	same "$(finding policy)" good
	same "$(finding agent)" good
	same "$(finding "$E2E_EMULATOR")" good
	jq -e '.guests | .defined == 2 and .running >= 1 and .expected >= 2' <<<"$output"
	run -0 tool doctor
	[[ $output == *" good "*"$E2E_EMULATOR"* ]]
}

@test "doctor: no agent, though rules need it: bad, with the command; good when it is back" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	agent_stop
	doctor 1
	same "$(finding agent)" bad
	finding_has agent commands guest-pinningd
	agent_start
	doctor 0
	same "$(finding agent)" good
}

@test "doctor: an emulator that is newer than the shim before it, until install is run again" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	sleep 1.1 # so that the time is another
	chmod 755 "$E2E_EMULATOR.real" # as it was, but for its ctime
	doctor 1
	same "$(finding "$E2E_EMULATOR")" bad
	finding_has "$E2E_EMULATOR" commands "guest-pinning install $E2E_EMULATOR"
	tool install "$E2E_EMULATOR"
	doctor 0
	same "$(finding "$E2E_EMULATOR")" good
}

@test "map: a guest that runs is in the box of its node, also in the picture" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-map
	run -0 --separate-stderr tool map --json
	valid map
	same "$(jq -c '.nodes[].guests[] | select(.guest == "e2e-map") | [.pid, .verdict, .cpus]' \
		<<<"$output")" "[$(guest_pid e2e-map),\"placed\",\"$E2E_CPU\"]"
	run -0 tool map
	[[ $output == *"+ e2e-map "* ]]
	run -0 tool map --output "$BATS_TEST_TMPDIR/map.svg"
	grep -q "<svg" "$BATS_TEST_TMPDIR/map.svg"
	# What it is drawn from has the name, however lstopo draws letters.
	run -0 tool map --output "$BATS_TEST_TMPDIR/map.xml"
	grep -q "+ e2e-map" "$BATS_TEST_TMPDIR/map.xml"
}
