#!/usr/bin/env bats
# One guest of libvirt's, from its start to its end, under systemd, cgroup v2 and
# AppArmor: it lives through all tests, and is where its rule wants it after each.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
# shellcheck source=tests/lab/full/apparmor.bash
source "$BATS_TEST_DIRNAME/apparmor.bash"

NAME=lab-whole
SAVED=/var/lib/libvirt/qemu/$NAME.saved
# Neither is the first one, where everything is by itself. The second is that of the
# network device.
FIRST_NODE=1
LATER_NODE=$((LAB_NODES - 1))
# shellcheck disable=SC2034 # guest_xml takes it
GUEST_VCPU="<vcpu current='1'>3</vcpu>"

setup_file() {
	policy_clear
	# The first rule that matches may be in any file.
	policy_write "$POLICY" <<<"lab-nobody 0"
	policy_write "$POLICY_DIR/50-whole.conf" <<<"$NAME $FIRST_NODE"
}

teardown_file() {
	guests_remove
	policy_clear
	rm -f "$SAVED"
}

setup() {
	:
}

teardown() {
	:
}

# whole_stays - every thread of the guest is still on the CPUs of the first node, its
# memory is there, it is confined, and nothing else on this host has been given CPUs.
whole_stays() {
	local pid cpus
	pid=$(guest_pid "$NAME")
	cpus=$(node_cpus "$FIRST_NODE")
	same "$(threads_cpus "$pid")" "$cpus" || return 1
	same "$(threads_cpus "$pid" vcpus)" "$cpus" || return 1
	same "$(ram_pages "$pid" | cut -d ' ' -f 1)" "$FIRST_NODE" || return 1
	alone "$cpus"
}

# whole_begins NODE - the guest, a new process, is placed there in all respects, and has
# nearly all of its memory, or what it is on would say nothing.
whole_begins() {
	local pages
	E2E_NODE=$1 placed "$NAME" "$(node_cpus "$1")" || return 1
	pages=$(ram_pages "$(guest_pid "$NAME")")
	echo "$pages"
	((${pages#* } * 4 > GUEST_RAM_KIB * 9 / 10)) || return 1
	alone "$(node_cpus "$1")"
}

# alone CPUS - the guest is confined, and CPUS are set for its cgroup and no other one.
alone() {
	is_confined "$NAME" || return 1
	same "$(cpusets | grep -v ':$')" "$(guest_cpuset "$NAME")/cpuset.cpus:$1"
}

# as_emulator COMMAND... - as the user of the guest.
as_emulator() {
	local uid gid
	read -r uid gid < <(stat -c '%u %g' "/proc/$(guest_pid "$NAME")")
	setpriv --reuid "$uid" --regid "$gid" --init-groups timeout -k 5 60 "$@"
}

# confined COMMAND... - the same, and in the profile of the guest, which runs.
confined() {
	as_emulator aa-exec -p "$(guest_profile "$NAME")" -- "$@"
}

# dry_runs COUNT - a program for sh(1), which a profile of libvirt's allows: what becomes
# of the guests lab-kind-0 and so on.
dry_runs() {
	echo "i=0; while [ \$i -lt $1 ]; do
		$E2E_EMULATOR --shim-dry-run -name lab-kind-\$i 2>&1; i=\$((i + 1)); done"
}

@test "it starts on its rule's node, and so do all its threads and its memory" {
	guest_start_touching "$NAME"
	guest_pid "$NAME" >"$BATS_FILE_TMPDIR/pid"
	whole_begins "$FIRST_NODE"
	guest_log_has "$NAME" "rule $POLICY_DIR/50-whole.conf:1, cpus $(node_cpus "$FIRST_NODE"), memory bind $FIRST_NODE"
}

@test "a virtual CPU is plugged in" {
	vcpu_plug "$NAME" 2
	whole_stays
}

@test "systemctl daemon-reload" {
	systemctl daemon-reload
	whole_stays
}

@test "systemctl restart libvirtd, and another virtual CPU is plugged in" {
	libvirt_restart
	whole_stays
	vcpu_plug "$NAME" 3
	pinned "$NAME" "$(node_cpus "$FIRST_NODE")"
}

@test "it resets itself" {
	vsh send-key "$NAME" KEY_ENTER
	guest_touches "$NAME" 2
	whole_stays
	ram_on "$NAME" "$(guest_pid "$NAME")" "$FIRST_NODE"
	# It was one process all the time.
	same "$(guest_pid "$NAME")" "$(<"$BATS_FILE_TMPDIR/pid")"
}

@test "saved and restored it is another process, placed by the rule as it is now" {
	policy_write "$POLICY_DIR/50-whole.conf" <<<"$NAME netdev:eth0"
	vsh save "$NAME" "$SAVED"
	vsh restore "$SAVED"
	[[ $(guest_pid "$NAME") != "$(<"$BATS_FILE_TMPDIR/pid")" ]]
	whole_begins "$LATER_NODE"
}

@test "confined or not, the shim comes to the same for every kind of rule" {
	local rules rule port wanted got i=0
	# libnuma knows a device by where its path leaves the first bus.
	port=$(readlink /sys/class/block/vda | grep -oE '[0-9a-f]+(:[0-9a-f]+){2}\.[0-9]' | head -n 1)
	rules=(
		"netdev:eth0" "block:vda" "pci:$port" "file:/dev/vda"
		"0" "all" "+0" "!0" "0-1 mem=interleave" "0-1 mem=preferred-many"
		"1 mem=preferred" "- mem=local" "0 cpus=0" "- cpus=all" "- cpus=!0" "0 cpus=4095" "4095"
		"4095 best-effort" "netdev:lo" "netdev:nosuch" "block:nosuch"
		"pci:ffff:00:00.0" "file:/" "file:/nosuch"
		"0 hugepages=2M ksm=off" "- hugepages=prefer:2M" "0 hugepages=3M" "0 thp=never prealloc=on"
	)
	for rule in "${rules[@]}"; do
		echo "lab-kind-$((i++)) $rule"
	done >"$BATS_TEST_TMPDIR/policy"
	policy_write "$POLICY" <"$BATS_TEST_TMPDIR/policy"
	# The last one has no rule.
	wanted=$(as_emulator sh -c "$(dry_runs "$((i + 1))")") || true
	got=$(confined sh -c "$(dry_runs "$((i + 1))")") || true
	same "$got" "$wanted"
	same "$(grep -c '^guest: ' <<<"$got")" "$((i + 1))"
	# The first four are that device's.
	got=$(sed '/^guest: lab-kind-4$/,$d' <<<"$got")
	same "$(grep -xc "cpus: $(node_cpus "$LATER_NODE")" <<<"$got")" 4
	no_denials
}

@test "confined the real emulator is executed, with a rule, without one, and in spite of one" {
	policy_write "$POLICY" <<-EOF
		lab-with 0
		lab-spite 4095 best-effort
	EOF
	for name in with without spite; do
		run -0 confined "$E2E_EMULATOR" -name "lab-$name" -version
		echo "$output"
		[[ $output == *"QEMU emulator version "* ]]
	done
	no_denials
}

@test "a guest whose rule names a node that is not there: virsh shows file, line and reason" {
	policy_write "$POLICY" <<<"lab-nowhere $LAB_NODES"
	refused lab-nowhere "$POLICY:1: node $LAB_NODES of '$LAB_NODES' does not exist" \
		"this host has node 0-$((LAB_NODES - 1))" "guest 'lab-nowhere' is not started"
}

@test "until now AppArmor has denied nothing" {
	no_denials
}

@test "without the rules for AppArmor a confined guest does not start" {
	local file=/etc/apparmor.d/local/abstractions/libvirt-qemu
	grep -xF "include if exists <abstractions/guest-pinning>" "$file"
	cp -a "$file" "$BATS_TEST_TMPDIR/local"
	sed -i '\,<abstractions/guest-pinning>,d' "$file"
	guest_define lab-norules
	denials_expect lab-norules
	refused lab-norules "the real emulator cannot be executed: Permission denied" ||
		failed=1
	cp -a "$BATS_TEST_TMPDIR/local" "$file"
	[[ ! ${failed-} ]]
	# This is how it would be seen if something else were denied.
	denials_all | grep -F "profile=\"$(guest_profile lab-norules)\"" |
		grep -F "name=\"$E2E_EMULATOR.real\""
	no_denials
}
