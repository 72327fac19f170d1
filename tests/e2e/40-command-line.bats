#!/usr/bin/env bats
# The command line as the real emulator reads it: what the shim knows of QEMU's
# options is a table of ours, and the emulator on this host is asked about it.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

setup_file() {
	REAL=$E2E_EMULATOR.real
	HEADER=$BATS_TEST_DIRNAME/../../shim/qemu_options.h
	export REAL HEADER
}

table() {
	sed -n 's/^ *"\(.*\)",$/\1/p' "$HEADER"
}

# asks OPTION - what the emulator says when nothing follows the option: it looks
# at the whole command line before it obeys -version.
asks() {
	timeout 20 "$REAL" -version "-$1" </dev/null 2>&1 || true
}

# emulator_name ARGUMENT... - the guest's name as the emulator has it, by QMP;
# "none" where it has none, nothing where it refuses the command line.
emulator_name() {
	printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-name"}' \
		'{"execute":"quit"}' |
		timeout 20 "$REAL" -S -display none -nodefaults -machine none -qmp stdio "$@" \
			2>/dev/null | jq -r 'select(.id == null and (.return | type) == "object")
				| .return | if . == {} then empty else .name end' | tail -n 1
}

shim_name() {
	timeout 20 "$E2E_EMULATOR" --shim-dry-run "$@" | sed -n 's/^guest: //p'
}

# same_name ARGUMENT... - both find the same name.
same_name() {
	local want got
	want=$(emulator_name "$@")
	got=$(shim_name "$@")
	same "$got" "${want:-none}" || {
		echo "command line: $*"
		return 1
	}
}

@test "each option of the table takes an argument, or the emulator has it not" {
	local name said known=0
	while read -r name; do
		said=$(asks "$name")
		case $said in
		*"requires an argument"*) known=$((known + 1)) ;;
		*"invalid option"*) ;;
		*)
			echo "-$name: $said"
			return 1
			;;
		esac
	done < <(table)
	echo "# $known of $(table | wc -l) options are known to this emulator" >&3
	((known > 80))
}

@test "no other option of the emulator takes an argument" {
	local name others=0
	for name in $("$REAL" -help | sed -n 's/^-\([A-Za-z0-9_-]*\).*/\1/p' | sort -u); do
		table | grep -qx -- "$name" && continue
		others=$((others + 1))
		[[ $(asks "$name") != *"requires an argument"* ]] || {
			echo "-$name is not in the table"
			return 1
		}
	done
	echo "# $others options without an argument" >&3
	((others > 15))
}

@test "the guest's name is the one that the emulator finds" {
	same_name
	same_name -name web1
	same_name --name web1
	same_name -name guest=web1,debug-threads=on
	same_name -name debug-threads=on,guest=web1
	same_name -name web1,debug-threads=on
	same_name -name 'a,,b'
	same_name -name 'guest=a,,b,,'
	same_name -name 'guest=a,,,debug-threads=on'
	same_name -name ',,a'
	same_name -name guest=a,guest=b
	same_name -name a,guest=b
	same_name -name a -name b
	same_name -name a -name debug-threads=on
	same_name -name a -name guest=b -name process=c
	same_name -name ''
	same_name -name a -name ''
	same_name -name 'my vm'
	same_name -name 'guest=x=y'
	same_name -name 'guest='
	same_name -name debug-threads=on,guest
	same_name -name guest
	same_name -name debug-threads=on,noguest
	same_name -L -name -name web2
	same_name -L --name
	same_name -msg timestamp=on -L -name -uuid 00000000-0000-0000-0000-000000000000
	same_name -no-reboot -name web3
	same_name -name web4 -L -name
}
