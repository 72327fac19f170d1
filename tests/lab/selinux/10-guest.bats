#!/usr/bin/env bats
# A guest of libvirt's where SELinux enforces: confined in svirt_t, and placed.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/../full/lib.bash"

# Its firmware is all that it runs: Debian's policy lets no guest map another kernel.
GUEST_OS=
GUEST_DEVICES=
NODE=1

# label FILE - its type, as the kernel has it.
label() {
	stat -c %C "$1" | cut -d : -f 3
}

# domain PID - without its categories.
domain() {
	tr -d '\0' <"/proc/$1/attr/current" | cut -d : -f 3-4
}

# denials PATTERN - what SELinux has denied since the machine was booted, where it matters.
denials() {
	journalctl --sync || return 1
	journalctl --boot --no-pager --output=cat _TRANSPORT=audit | grep -a 'avc:  denied' |
		grep -aE "$1" || true
}

# no_denials - to guests and the agent. QEMU and the C library do without what Debian lets no
# guest have: rings of io_uring, whether the host overcommits memory, and whose signal it is that
# ends it.
no_denials() {
	same "$(denials 'scontext=[^ ]*:(svirt_t|guest_pinningd_t):' |
		grep -avE 'anonclass=\[io_uring\]|:sysctl_vm_t:|name="[0-9]+" dev="proc" .*:virtd_t:')" ''
}

# policy_labelled - from stdin: as an administrator writes it, for whom the module's labels
# hold from `restorecon` on.
policy_labelled() {
	policy_write "$POLICY" && restorecon "$POLICY"
}

@test "SELinux enforces, with the module loaded, and libvirt's guests are confined by it" {
	same "$(getenforce)" Enforcing
	semodule -l | grep -x guest_pinning
	vsh capabilities | grep -F '<model>selinux</model>'
}

@test "the files are labelled: emulator and shim, agent and socket" {
	local file
	for file in "$E2E_EMULATOR" "$E2E_EMULATOR.real"; do
		same "$(label "$file")" qemu_exec_t
	done
	same "$(label /usr/local/sbin/guest-pinningd)" guest_pinningd_exec_t
	same "$(label "$AGENT_DIRECTORY")" guest_pinning_runtime_t
	same "$(label "$AGENT_SOCKET")" guest_pinning_runtime_t
}

@test "a guest is placed by the agent, in svirt_t" {
	policy_labelled <<<"lab-confined $NODE"
	same "$(label "$POLICY")" guest_pinning_conf_t
	guest_start lab-confined
	same "$(domain "$(guest_pid lab-confined)")" svirt_t:s0
	E2E_NODE=$NODE placed lab-confined "$(node_cpus "$NODE")"
	same "$(domain "$(systemctl show -P MainPID guest-pinningd)")" guest_pinningd_t:s0
	no_denials
}

@test "doctor says whether the rules are there, and the policy has its label" {
	policy_labelled <<<"lab-confined $NODE"
	selinux() {
		tool doctor --json | jq -r '.findings[] | select(.name == "SELinux") | .severity, .present'
	}
	same "$(selinux)" "good
enforcing, with our rules"
	chcon -t virt_etc_t "$POLICY"
	same "$(selinux)" "bad
enforcing"
	restorecon "$POLICY"
}

@test "so is one on huge pages, and with a priority" {
	pool "$NODE" 64
	policy_labelled <<<"lab-huge $NODE hugepages=2M nice=-5"
	guest_start lab-huge
	same "$(domain "$(guest_pid lab-huge)")" svirt_t:s0
	same "$(taken)" "$NODE 32"
	same "$(ps -o nice= -p "$(guest_pid lab-huge)" | tr -d ' ')" -5
	no_denials
	vsh destroy lab-huge
	nodes_empty
}

@test "without the module a guest starts unplaced: it may not read the policy" {
	policy_labelled <<<"lab-alone $NODE"
	cp /root/policy.without "$(echo /etc/selinux/default/policy/policy.*)"
	load_policy
	same "$(getenforce)" Enforcing
	guest_start lab-alone
	same "$(domain "$(guest_pid lab-alone)")" svirt_t:s0
	guest_log_has lab-alone "$POLICY: ignored"
	same "$(threads_cpus "$(guest_pid lab-alone)")" "$(</sys/devices/system/cpu/online)"
}
