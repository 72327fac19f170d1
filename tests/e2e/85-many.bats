#!/usr/bin/env bats
# Very many guests at once: the mix of the benchmark that the 2009 script was
# written for, tiles of eight guests each, which two globs spread over the host.
# They are started paused, as many at a time as libvirt has workers.
#
#	E2E_TILES	how many tiles, if not 32 (at most 99)
#	E2E_COMPARE=yes	the same starts without the shim are timed beside it

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

TILES=${E2E_TILES:-32}
KINDS=(web mail db java file app dns idle)
WORKERS=20 # max_workers of libvirtd, as it comes
GUEST_RAM_KIB=16384
GUEST_VCPU="<vcpu>1</vcpu>"

setup() {
	local name
	test_begin
	mkdir "$BATS_TEST_TMPDIR/xml"
	tiles | while read -r name; do
		guest_xml "$name" >"$BATS_TEST_TMPDIR/xml/$name"
	done
}

teardown() {
	guests_remove
	policy_clear
	tool install "$E2E_EMULATOR" # a test that has failed may have left it without
}

# tiles - the names of all guests, one a line.
tiles() {
	local tile kind
	for ((tile = 1; tile <= TILES; tile++)); do
		for kind in "${KINDS[@]}"; do
			printf 'tile%02d-%s\n' "$tile" "$kind"
		done
	done
}

# names_start - start the guests on stdin.  Not by vsh, which is no program.
names_start() {
	xargs -P "$WORKERS" -I {} timeout 300 virsh --quiet create --paused \
		"$BATS_TEST_TMPDIR/xml/{}" >"$BATS_TEST_TMPDIR/said" 2>&1 || {
		grep -v 'Failed to create domain' "$BATS_TEST_TMPDIR/said" | sort | uniq -c | sort -rn | head
		return 1
	}
}

# tiles_start - start them all, and leave in "seconds" how long it took.  One tile
# beforehand, so that the emulator has been probed and everything is in the cache.
tiles_start() {
	local begin tenths
	tiles | head -n "${#KINDS[@]}" | names_start || return 1
	guests_destroy || return 1
	begin=$(date +%s%N)
	tiles | names_start || return 1
	tenths=$((($(date +%s%N) - begin) / 100000000))
	seconds=$((tenths / 10)).$((tenths % 10))
}

# rule_cpu NAME - the CPU that the guest's rule gives it.
rule_cpu() {
	# shellcheck disable=SC2254 # globs, as in the policy
	case $1 in
	$ODD) echo "$E2E_CPU" ;;
	$EVEN) echo "$E2E_OTHER_CPU" ;;
	esac
}

# tiles_cpus - of each thread of each guest a line: GUEST CPU-OF-ITS-RULE CPUS.
tiles_cpus() {
	local name
	for name in $(tiles); do
		cat "/proc/$(guest_pid "$name")/task"/*/status 2>/dev/null |
			awk -v front="$name $(rule_cpu "$name")" \
				'$1 == "Cpus_allowed_list:" { print front, $2 }'
	done
}

@test "256 guests at once: every thread is where its rule says, and none is refused" {
	ODD='tile?[13579]-*' EVEN='tile?[02468]-*'
	policy_write "$POLICY" <<-EOF
		$ODD  $E2E_NODE cpus=$E2E_CPU
		$EVEN $E2E_NODE cpus=$E2E_OTHER_CPU
	EOF
	guests=$((TILES * ${#KINDS[@]}))
	tiles_start
	shim_seconds=$seconds
	tiles_cpus >"$BATS_TEST_TMPDIR/cpus"
	same "$(awk '$2 != $3' "$BATS_TEST_TMPDIR/cpus")" ""
	same "$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/cpus" | uniq)" "$(tiles)"
	threads=$(wc -l <"$BATS_TEST_TMPDIR/cpus")
	((threads >= guests * 3)) # main loop, RCU, a virtual CPU
	# Those of the tile that was started beforehand are there twice.
	same "$(agent_log | grep -c ": placed guest 'tile")" $((guests + ${#KINDS[@]}))
	same "$(agent_log | grep -c refused)" 0
	guests_destroy

	without=
	if [[ ${E2E_COMPARE-} ]]; then
		tool uninstall "$E2E_EMULATOR"
		tiles_start
		without=", without the shim in $seconds s"
	fi
	echo "# $guests guests, $threads threads: started in $shim_seconds s$without" >&3
}
