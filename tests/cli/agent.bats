#!/usr/bin/env bats
# guest-pinningd as far as it needs no libvirt and no root: its command line. What it
# does for guests is in tests/unit and, with real ones, in tests/e2e.

# shellcheck disable=SC2154 # stderr is set by capture

load lib

setup() {
	work_make
	AGENT=$BUILD/guest-pinningd
}

@test "--version and --help" {
	works "$AGENT" --version
	has "$output" "guest-pinningd "
	one_line "$output"
	works "$AGENT" --help
	for word in --foreground --socket --policy --version /agent.sock /guest-pinning.conf; do
		has "$output" "$word"
	done
	equal "$stderr" ""
}

@test "a command line that is wrong: status 2, and it says what" {
	fails 2 "$AGENT" --no-such-option
	has "$stderr" --no-such-option
	fails 2 "$AGENT" --socket
	fails 2 "$AGENT" here
	has "$stderr" "'here'"
	fails 2 "$AGENT" --foreground --socket agent.sock
	one_line "$stderr"
	has "$stderr" "--socket and --policy take a path from / on"
	fails 2 "$AGENT" --foreground --policy policy
	has "$stderr" "--socket and --policy take a path from / on"
}

@test "not root: refused, and nothing is left" {
	local user=()
	((EUID != 0)) || user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	# By a descriptor, for the other user may not look into this directory.
	fails 1 "${user[@]}" bash -c 'exec /proc/self/fd/7 "$@"' - --foreground \
		--socket "$WORK/x/agent.sock" 7<"$AGENT"
	equal "$stderr" "guest-pinningd: the agent must be started as root"
	[[ ! -e $WORK/x ]]
}
