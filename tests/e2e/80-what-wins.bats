#!/usr/bin/env bats
# What a guest's XML says of CPUs beside what the host's rule says.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

setup() {
	test_begin
	policy_write "$POLICY" <<<"e2e-one* $E2E_NODE cpus=$E2E_CPU"
	BOTH=$E2E_OTHER_CPU,$E2E_CPU
	OTHER=$E2E_OTHER_CPU
}

# as_listed CPUS - as the kernel writes the list.
as_listed() {
	numactl --physcpubind="$1" cat /proc/self/status |
		awk '$1 == "Cpus_allowed_list:" { print $2 }'
}

@test "the XML pins to what the rule gives: both hold" {
	GUEST_VCPU="<vcpu cpuset='$E2E_CPU'>2</vcpu>"
	GUEST_XML="<iothreads>1</iothreads>
		<cputune>
		  <vcpupin vcpu='1' cpuset='$E2E_CPU'/>
		  <emulatorpin cpuset='$E2E_CPU'/>
		  <iothreadpin iothread='1' cpuset='$E2E_CPU'/>
		</cputune>
		<numatune><memory mode='strict' nodeset='$E2E_NODE'/></numatune>"
	guest_start e2e-one
	placed e2e-one "$E2E_CPU"
}

@test "the XML pins to CPUs that the rule does not give: refused, and virsh names the pin" {
	GUEST_XML="<cputune><vcpupin vcpu='1' cpuset='$OTHER'/></cputune>"
	refused e2e-one "the guest's XML pins to CPUs $OTHER (vcpupin 1)" "the rule gives it $E2E_CPU"
	GUEST_XML="<iothreads>1</iothreads>
		<cputune><iothreadpin iothread='1' cpuset='$OTHER'/></cputune>"
	refused e2e-one "the guest's XML pins to CPUs $OTHER (iothreadpin 1)"
	GUEST_XML=
	GUEST_VCPU="<vcpu cpuset='$OTHER'>2</vcpu>"
	refused e2e-one "the guest's XML pins to CPUs $OTHER (vcpu)"
	GUEST_VCPU="<vcpu>2</vcpu>"
	GUEST_XML="<cputune><emulatorpin cpuset='$OTHER'/></cputune>"
	refused e2e-one "the guest's XML keeps its emulator to CPUs $OTHER" "the rule to $E2E_CPU"
	same "$(agent_log | grep -c "refused guest 'e2e-one'")" 4

	policy_write "$POLICY" <<<"e2e-one $E2E_NODE cpus=$E2E_CPU best-effort"
	guest_start e2e-one
	guest_log_has e2e-one "guest 'e2e-one' starts unplaced"
	same "$(threads_cpus "$(guest_pid e2e-one)" others)" "$OTHER" # as the XML says
}

# Under cgroup v1 libvirt fails to give a thread's cgroup what its parent has not;
# under v2 what they have in common counts.
@test "the XML pins to more than the rule gives: refused, or what both allow" {
	GUEST_XML="<cputune><vcpupin vcpu='0' cpuset='$BOTH'/></cputune>"
	if cgroup_v2; then
		guest_start e2e-one
		placed e2e-one "$E2E_CPU"
		return
	fi
	refused e2e-one "the guest's XML pins to CPUs $(as_listed "$BOTH") (vcpupin 0)" \
		"no pin may go beyond that"
	GUEST_XML=
	GUEST_VCPU="<vcpu cpuset='$BOTH'>2</vcpu>"
	refused e2e-one "the guest's XML pins to CPUs $(as_listed "$BOTH") (vcpu)"
}

@test "the XML gives the emulator more than the rule: it keeps to what both allow" {
	GUEST_XML="<cputune><emulatorpin cpuset='$BOTH'/></cputune>"
	guest_start e2e-one
	placed e2e-one "$E2E_CPU"
}

@test "the XML gives the emulator less than the rule: it alone keeps to that" {
	policy_write "$POLICY" <<<"e2e-both $E2E_NODE cpus=$BOTH"
	GUEST_XML="<cputune><emulatorpin cpuset='$OTHER'/></cputune>"
	guest_start e2e-both
	pid=$(guest_pid e2e-both)
	same "$(threads_cpus "$pid" others)" "$OTHER"
	same "$(threads_cpus "$pid" vcpus)" "$(as_listed "$BOTH")"
	same "$(policies "/proc/$pid")" "bind:$E2E_NODE"
}

@test "virsh cannot pin a running guest beyond its rule" {
	guest_start e2e-one
	before=$(cpusets)
	run ! vsh vcpupin --live e2e-one 0 "$OTHER"
	pinned e2e-one "$E2E_CPU"
	run ! vsh emulatorpin --live e2e-one "$OTHER"
	pinned e2e-one "$E2E_CPU"
	# v2 takes into a cgroup what its parent has not; it comes to nothing there.
	cgroup_v2 || same "$(cpusets)" "$before"
	vsh vcpupin --live e2e-one 0 "$E2E_CPU"
	pinned e2e-one "$E2E_CPU"
}
