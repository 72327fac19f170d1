#!/usr/bin/env bats
# guest-pinning match --all, and what check says of guests, with a real libvirt.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

# valid VERB - the JSON in $output is what the schema says.
valid() {
	"$BATS_TEST_DIRNAME/../schema/check" "$1" <<<"$output"
}

# json FILTER - what jq makes of $output, on one line.
json() {
	jq -c "$1" <<<"$output"
}

@test "match --all: guests that run and that do not, without a rule, rules without a guest" {
	policy_write "$POLICY" <<-EOF
		e2e-run* $E2E_NODE cpus=$E2E_CPU
		e2e-idle $E2E_NO_NODE
		e2e-none $E2E_NODE
	EOF
	guest_start e2e-running
	guest_define e2e-idle
	guest_define "e2e-it's other"
	run -1 tool match --all --json
	valid match-all
	same "$(json '[.guests[] | [.guest, .rule.line, .cpus]]')" \
		"[[\"e2e-idle\",2,null],[\"e2e-it's other\",null,null],[\"e2e-running\",1,\"$E2E_CPU\"]]"
	same "$(json .without_rule)" "[\"e2e-it's other\"]"
	same "$(json '[.unused_rules[] | [.file, .line, .glob]]')" "[[\"$POLICY\",3,\"e2e-none\"]]"
	# What it says of a guest is where that is.
	placed e2e-running "$E2E_CPU"

	run -1 tool match --all
	grep -q "^e2e-idle .*node $E2E_NO_NODE of '$E2E_NO_NODE' does not exist" <<<"$output"
	grep -q "^e2e-running  *$POLICY:1  *e2e-run\\*  *$E2E_CPU  *bind $E2E_NODE" <<<"$output"
	grep -qx "  e2e-it's other" <<<"$output"
	grep -qx "  $POLICY:3: e2e-none" <<<"$output"
}

@test "check: the memory of guests, running or not, is compared with the rule's nodes" {
	local total
	total=$(awk '$3 == "MemTotal:" { print $4 }' "/sys/devices/system/node/node$E2E_NODE/meminfo")
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE"
	guest_start e2e-small
	GUEST_RAM_KIB=$((total + 1048576)) guest_define e2e-large
	run -0 tool check
	echo "$output"
	same "$(grep -c "^$POLICY:1: warning: guest 'e2e-large', as libvirt has it here, is of " <<<"$output")" 1
	same "$(tail -n 1 <<<"$output")" "rules: 1, errors: 0, warnings: 1"
	run -0 tool check --json
	valid check
	same "$(json '[.guests, .problems[0].column, .problems[0].length]')" '[2,7,1]'
}
