#!/usr/bin/env bats
# The agent as systemd runs it: started by its socket, shut in by its unit, started
# again whatever ends it.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
# shellcheck source=tests/lab/full/apparmor.bash
source "$BATS_TEST_DIRNAME/apparmor.bash"

SERVICE=guest-pinningd.service
SOCKET=guest-pinningd.socket
NODE=$((LAB_NODES - 1))
# What systemd-analyze security says of the unit, of 10.0 at worst. (Better than that
# would be: no root, no /sys/fs/cgroup, no CAP_SYS_PTRACE, no network of the host's.)
EXPOSURE=2.2

setup_file() {
	systemctl start "$SERVICE"
}

teardown_file() {
	systemctl start "$SOCKET"
	guests_remove
	policy_clear
}

# Guests stay until the end, for they must outlive the agent.
setup() {
	policy_write "$POLICY" <<<"lab-* $NODE"
}

teardown() {
	:
}

service_pid() {
	systemctl show --property MainPID --value "$SERVICE"
}

# service_is STATE
service_is() {
	[[ $(systemctl is-active "$SERVICE") == "$1" ]]
}

# service_is_new PID - it runs, and is not the process it was.
service_is_new() {
	service_is active && [[ $(service_pid) != "$1" ]]
}

# agent_placed NAME - the last thing that the agent has done is this guest.
agent_placed() {
	same "$(agent_said | tail -n 1)" "guest-pinningd: placed guest '$1' (pid $(guest_pid "$1")): \
rule $POLICY:1, cpus $(node_cpus "$NODE")"
}

# start_meets_no_agent NAME - starts the guest while the agent is halted, with its
# request in the socket's queue: `starter` is the pid of virsh.
start_meets_no_agent() {
	guest_define "$1" || return 1
	kill -STOP "$(service_pid)"
	vsh start "$1" 3>&- &
	starter=$!
	eventually 60 agent_has_client
}

@test "its unit leaves it two capabilities, and no way to more" {
	local status
	status=/proc/$(service_pid)/status
	same "$(grep -E '^(Cap|NoNewPrivs|Seccomp:)' "$status" | tr -d '\t')" \
		"CapInh:0000000000000000
CapPrm:0000000000880000
CapEff:0000000000880000
CapBnd:0000000000880000
CapAmb:0000000000000000
NoNewPrivs:1
Seccomp:2"
}

@test "it can write to cgroups and interrupts, and to what is its own alone" {
	local mounts
	mounts=/proc/$(service_pid)/mountinfo
	# Fields 4 to 6 (proc(5)): what of the file system, where, how.
	same "$(awk '$6 ~ /(^|,)rw(,|$)/ { print $5 }' "$mounts" | sort)" \
		"/proc/irq
/run/guest-pinning
/sys/fs/cgroup
/tmp
/var/tmp"
	same "$(awk '$5 ~ /^(\/var)?\/tmp$/ && $4 !~ /\/systemd-private-.*guest-pinningd/' "$mounts")" ""
}

@test "systemd finds its unit no more exposed than it was" {
	local exposure
	exposure=$(systemd-analyze security --no-pager "$SERVICE" |
		sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\) .*/\1/p')
	echo "# systemd-analyze security $SERVICE: $exposure" >&3
	awk -v is="$exposure" -v was="$EXPOSURE" 'BEGIN { exit !(is != "" && is <= was + 0) }'
}

@test "stopped it is started by the next guest, through its socket" {
	systemctl stop "$SERVICE"
	service_is inactive
	guest_start lab-activates
	pinned lab-activates "$(node_cpus "$NODE")"
	service_is active
	agent_placed lab-activates
}

@test "killed while a guest starts it is started again, and that guest is placed" {
	local starter pid
	pid=$(service_pid)
	start_meets_no_agent lab-killed
	kill -KILL "$pid"
	wait "$starter"
	pinned lab-killed "$(node_cpus "$NODE")"
	pinned lab-activates "$(node_cpus "$NODE")"
	service_is_new "$pid"
	agent_placed lab-killed
}

@test "restarted while a guest starts it places that guest" {
	local starter pid
	pid=$(service_pid)
	start_meets_no_agent lab-restarted
	systemctl restart "$SERVICE"
	wait "$starter"
	pinned lab-restarted "$(node_cpus "$NODE")"
	service_is_new "$pid"
	agent_placed lab-restarted
}

@test "stopped with its socket: a guest that has a rule does not start, and says why" {
	systemctl stop "$SOCKET" "$SERVICE"
	refused lab-alone "$POLICY:1: the agent cannot be reached at $AGENT_SOCKET" \
		"start guest-pinningd; guest 'lab-alone' is not started"
	systemctl start "$SOCKET"
}

@test "all that the agent has said are the guests that it has placed" {
	local said
	said=$(agent_said)
	[[ $said ]]
	same "$(grep -v "^guest-pinningd: placed guest 'lab-" <<<"$said")" ""
}

# It has seen what all files before this one did.
@test "AppArmor has denied nothing since this machine was booted" {
	no_denials
}
