#!/usr/bin/env bats
# The CPUs of a rule hold for the guest's whole life, whatever libvirt does with
# the affinity of its threads: the agent sets the cpuset of the guest's cgroup.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

# still_pinned WHEN - the guest e2e-life has all its threads where they were.
still_pinned() {
	pinned e2e-life "$E2E_CPU" || {
		echo "$1"
		return 1
	}
}

vcpu_threads_are() {
	(($(cat "/proc/$1/task"/*/comm | grep -c '^CPU ') == $2))
}

# vcpu_plug COUNT - e2e-life has one virtual CPU more: COUNT.
vcpu_plug() {
	local pid cgroup
	pid=$(guest_pid e2e-life)
	cgroup=$(guest_cpuset e2e-life)/vcpu$(($1 - 1))
	vcpu_threads_are "$pid" $(($1 - 1)) || return 1
	vsh setvcpus e2e-life "$1" --live || return 1
	eventually 10 vcpu_threads_are "$pid" "$1" || return 1
	still_pinned "with a virtual CPU that was plugged in" || return 1
	[[ -d $cgroup ]] || return 1
	# On v2 a cgroup in which nothing was set has what its parent has.
	cgroup_v2 || same "$(<"$cgroup/cpuset.cpus")" "$E2E_CPU"
}

@test "every thread keeps to the rule's CPU for the guest's whole life" {
	policy_write "$POLICY" <<<"e2e-life $E2E_NODE cpus=$E2E_CPU"
	GUEST_VCPU="<vcpu current='1'>3</vcpu>"
	guest_start e2e-life
	placed e2e-life "$E2E_CPU"
	vsh suspend e2e-life
	still_pinned "suspended"
	vsh resume e2e-life
	still_pinned "resumed"
	vsh reset e2e-life
	still_pinned "reset"

	vcpu_plug 2
	pid=$(guest_pid e2e-life)
	libvirt_restart
	same "$(guest_pid e2e-life)" "$pid"
	still_pinned "after a restart of libvirt"
	vcpu_plug 3
	vsh suspend e2e-life
	vsh resume e2e-life
	still_pinned "resumed after a restart of libvirt"

	vsh save e2e-life /var/lib/libvirt/qemu/e2e-life.img
	vsh restore /var/lib/libvirt/qemu/e2e-life.img
	guest_running e2e-life
	placed e2e-life "$E2E_CPU"
	cgroup=$(guest_cpuset e2e-life)
	[[ -d $cgroup ]]

	vsh destroy e2e-life
	[[ ! -e $cgroup ]]
	agent_log
	same "$(agent_log | grep -c "placed guest 'e2e-life'")" 2
}

@test "only the guest's own cgroups have changed, and both logs say what was done" {
	policy_write "$POLICY" <<-EOF
		# The rule is in the second line.
		e2e-record $E2E_NODE cpus=$E2E_CPU
	EOF
	guest_start e2e-plain
	cpusets >"$BATS_TEST_TMPDIR/before"
	guest_start e2e-record
	placed e2e-record "$E2E_CPU"
	unplaced e2e-plain
	cgroup=$(guest_cpuset e2e-record)
	same "$(<"$cgroup/cpuset.cpus")" "$E2E_CPU"
	if ! cgroup_v2; then
		same "$(<"$cgroup/emulator/cpuset.cpus")" "$E2E_CPU"
		same "$(<"$cgroup/vcpu0/cpuset.cpus")" "$E2E_CPU"
	fi
	cpusets | grep -vF "$cgroup/" | diff "$BATS_TEST_TMPDIR/before" -

	guest_log_has e2e-record \
		"guest 'e2e-record': rule $POLICY:2, cpus $E2E_CPU, memory bind $E2E_NODE"
	agent_log_has "placed guest 'e2e-record' (pid $(guest_pid e2e-record)): rule $POLICY:2, cpus $E2E_CPU"
	same "$(agent_log | wc -l)" 1

	vsh destroy e2e-record
	cpusets | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a changed policy holds from the next start on, without a word to the agent" {
	policy_write "$POLICY" <<<"e2e-change $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-change
	placed e2e-change "$E2E_CPU"
	agent=$(agent_pid)

	policy_write "$POLICY" <<<"e2e-change $E2E_NODE cpus=$E2E_OTHER_CPU"
	pinned e2e-change "$E2E_CPU" # one that runs stays where it is
	vsh destroy e2e-change
	guest_start e2e-change
	placed e2e-change "$E2E_OTHER_CPU"
	vsh destroy e2e-change

	policy_write "$POLICY" <<<"e2e-other $E2E_NODE"
	guest_start e2e-change
	unplaced e2e-change
	same "$(agent_pid)" "$agent"
}

@test "a guest started while another runs on the same CPU disturbs it not" {
	policy_write "$POLICY" <<-EOF
		e2e-first  $E2E_NODE cpus=$E2E_CPU
		e2e-second $E2E_NODE cpus=$E2E_OTHER_CPU
	EOF
	guest_start e2e-first
	guest_start e2e-second
	pinned e2e-first "$E2E_CPU"
	pinned e2e-second "$E2E_OTHER_CPU"
	vsh destroy e2e-first
	pinned e2e-second "$E2E_OTHER_CPU"
}

@test "a CPU that does not exist: the agent refuses, and virsh shows why" {
	policy_write "$POLICY" <<<"e2e-nocpu $E2E_NODE cpus=4095"
	refused e2e-nocpu "$POLICY:1" "CPU 4095 of '4095' does not exist"
	agent_log_has "refused guest 'e2e-nocpu'"

	policy_write "$POLICY" <<<"e2e-nocpu $E2E_NODE cpus=4095 best-effort"
	guest_start e2e-nocpu
	unplaced e2e-nocpu
	guest_log_has e2e-nocpu "CPU 4095 of '4095' does not exist"
}

@test "a name that libvirt cannot have in its cgroup's name is placed all the same" {
	# Of what follows only letters, digits, one '-' or '.' in a row, and the first
	# characters get there (virDomainMachineNameAppendValid).
	name="e2e-ä b--c_._d.-$(printf 'x%.0s' {1..60})-end"
	policy_write "$POLICY" <<<"e2e-*-end $E2E_NODE cpus=$E2E_CPU"
	guest_start "$name"
	placed "$name" "$E2E_CPU"
}

@test "as a daemon of its own the agent serves as well, and tidies up behind it" {
	agent_stop
	[[ ! -e $AGENT_SOCKET ]]
	timeout 20 "$E2E_STATE/programs/guest-pinningd" 3>&- 9>&-
	# When it has returned it listens.
	socket_listens "$AGENT_SOCKET"
	run -1 timeout 20 "$E2E_STATE/programs/guest-pinningd" 3>&- 9>&-
	[[ $output == *"$AGENT_SOCKET: another agent is running"* ]]
	rm "$AGENT_SOCKET" # nor beside one whose socket somebody has taken away
	run -1 timeout 20 "$E2E_STATE/programs/guest-pinningd" 3>&- 9>&-
	[[ $output == *"$AGENT_SOCKET: another agent is running"* ]]
	[[ ! -e $AGENT_SOCKET ]]
	agent_stop
	timeout 20 "$E2E_STATE/programs/guest-pinningd" 3>&- 9>&-
	policy_write "$POLICY" <<<"e2e-daemon $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-daemon
	placed e2e-daemon "$E2E_CPU"
	agent_stop
	[[ ! -e $AGENT_SOCKET ]]
	pinned e2e-daemon "$E2E_CPU" # without an agent too
}

@test "an agent does not start where it would not be found later: with a relative path" {
	agent_stop
	run -2 timeout 20 "$E2E_STATE/programs/guest-pinningd" --socket e2e.sock 3>&- 9>&-
	[[ $output == *"take a path from / on"* ]]
	run -2 timeout 20 "$E2E_STATE/programs/guest-pinningd" --policy guest-pinning.conf 3>&- 9>&-
	[[ $output == *"take a path from / on"* ]]
	agent_gone
}
