#!/usr/bin/env bats
# The host is what it is said to be: whatever the other tests show, they show it for a
# host with several nodes, systemd, cgroup v2, AppArmor, and the project installed.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"

# As it is found: with the policy that was installed.
setup() {
	:
}

teardown() {
	:
}

# cpu_count LIST - how many CPUs a kernel's list has.
cpu_count() {
	tr , '\n' <<<"$1" | awk -F - '{ sum += $NF - $1 + 1 } END { print sum }'
}

@test "as many nodes as were asked for, each with its CPUs and with memory" {
	local node directories=(/sys/devices/system/node/node[0-9]*)
	same "${#directories[@]}" "$LAB_NODES"
	while read -r node; do
		echo "node $node"
		same "$(cpu_count "$(node_cpus "$node")")" "$LAB_CPUS_PER_NODE"
		(($(node_free "$node") > 0))
	done < <(nodes)
	same "$(cpu_count "$(</sys/devices/system/cpu/online)")" "$((LAB_NODES * LAB_CPUS_PER_NODE))"
}

@test "systemd has booted it, and no unit has failed" {
	systemd_runs
	timeout 60 systemctl is-system-running --wait || systemctl --failed --no-legend
	same "$(systemctl is-system-running)" running
	same "$(systemctl --failed --no-legend)" ""
}

@test "there is cgroup v2 and no other, with cpusets" {
	same "$(awk '$3 ~ /^cgroup/ { print $2, $3 }' /proc/mounts)" "/sys/fs/cgroup cgroup2"
	cgroup_v2
	grep -qw cpuset /sys/fs/cgroup/cgroup.controllers
}

@test "AppArmor enforces its profiles, and libvirt confines guests by it" {
	same "$(</sys/module/apparmor/parameters/enabled)" Y
	same "$(</sys/module/apparmor/parameters/mode)" enforce
	vsh capabilities | grep -F '<model>apparmor</model>'
}

@test "libvirt's emulator is the shim, the real one is beside it" {
	same "$(vsh domcapabilities --virttype qemu | sed -n 's,.*<path>\(.*\)</path>.*,\1,p')" \
		"$E2E_EMULATOR"
	[[ $("$E2E_EMULATOR" --shim-version) == "qemu-kvm-shim "* ]]
	[[ $("$E2E_EMULATOR.real" -version) == "QEMU emulator "* ]]
	[[ $("$E2E_EMULATOR" -version) == "$("$E2E_EMULATOR.real" -version)" ]]
}

@test "the agent's socket listens, and will after the next boot" {
	same "$(systemctl is-active guest-pinningd.socket)" active
	same "$(systemctl is-enabled guest-pinningd.socket)" enabled
	socket_listens "$AGENT_SOCKET"
}

@test "the policy that comes with the project is in order, and has no rule yet" {
	run -0 tool check
	same "$output" "rules: 0, errors: 0, warnings: 0"
}
