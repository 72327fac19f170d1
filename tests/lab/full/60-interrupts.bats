#!/usr/bin/env bats
# Interrupts and priority of libvirt's guests, done by the agent in its unit's sandbox, on a
# host with irqbalance.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
# shellcheck source=tests/lab/full/apparmor.bash
source "$BATS_TEST_DIRNAME/apparmor.bash"

SERVICE=guest-pinningd.service
NODE=$((LAB_NODES - 1))
# The NIC and the disks are there; the guests are to have their interrupts elsewhere.
CPU=1
STATE=/run/guest-pinning/interrupts.json

setup() {
	policy_clear
	systemctl start "$SERVICE"
	affinities >"$BATS_TEST_TMPDIR/before"
}

# Whatever a test did, each interrupt is where it was.
teardown() {
	systemctl stop irqbalance.service
	guests_remove
	policy_clear
	eventually 5 affinities_are "$BATS_TEST_TMPDIR/before"
	eventually 5 state_is_gone
}

state_is_gone() {
	[[ ! -e $STATE ]]
}

# affinities - "IRQ CPUS" of all interrupts.
affinities() {
	local file
	for file in /proc/irq/[0-9]*/smp_affinity_list; do
		echo "$(cut -d / -f 4 <<<"$file") $(<"$file")"
	done | sort -n
}

affinities_are() {
	affinities | diff "$1" -
}

affinity() {
	cat "/proc/irq/$1/smp_affinity_list"
}

# irqs DEVICE - the numbers of the vectors of the function that it is on.
irqs() {
	local path
	path=$(realpath /sys/class/{net,block}/"$1" 2>/dev/null | grep /pci)
	while [[ ! -e $path/msi_irqs ]]; do
		path=${path%/*}
	done
	ls "$path/msi_irqs"
}

# irqs_on CPUS IRQ...
irqs_on() {
	local cpus=$1 irq
	shift
	for irq; do
		same "$(affinity "$irq")" "$cpus" || return 1
	done
}

# irqs_off NODE - no interrupt that anybody may move is on its CPUs.
irqs_off() {
	local file
	for file in /proc/irq/[0-9]*/smp_affinity_list; do
		! cpus_meet "$(<"$file")" "$(node_cpus "$1")" || echo "$file: $(<"$file")"
	done | while IFS=: read -r file was; do
		# Written back as it is: what nobody may move gives an error.
		! echo "${was# }" >"$file" || echo "$file is on $was"
	done 2>/dev/null | grep . && return 1
	return 0
}

# cpus_meet LIST LIST
cpus_meet() {
	comm -12 <(cpus_of "$1" | sort) <(cpus_of "$2" | sort) | grep -q .
}

cpus_of() {
	local range
	for range in ${1//,/ }; do
		seq "${range%-*}" "${range#*-}"
	done
}

service_pid() {
	systemctl show --property MainPID --value "$SERVICE"
}

agent_said() {
	journalctl --sync && journalctl --boot --no-pager --output=cat _SYSTEMD_UNIT="$SERVICE"
}

service_is_new() {
	[[ $(systemctl is-active "$SERVICE") == active && $(service_pid) != "$1" ]]
}

# scheduling PID - "NICE RT_PRIORITY POLICY" of its threads, a line for each kind, and of the
# threads of virtual CPUs (proc(5)).
scheduling() {
	local task
	for task in "/proc/$1/task"/*; do
		sed 's/.*) //' "$task/stat" | awk '{ print $17, $38, $39 }'
	done | sort -u
}

@test "the vectors of NIC and disk follow irq=, and nice= is of all threads" {
	local nic disk
	policy_write "$POLICY" <<<"lab-irq $NODE irq=eth0@$CPU irq=vdb@$CPU irq=vda@$CPU nice=-10"
	mapfile -t nic < <(irqs eth0)
	mapfile -t disk < <(irqs vdb)
	((${#nic[@]} > 1 && ${#disk[@]} > 1))
	guest_start lab-irq
	echo "# eth0: ${nic[*]}, vdb: ${disk[*]}" >&3
	irqs_on "$CPU" "${nic[@]}" "${disk[@]}"
	pinned lab-irq "$(node_cpus "$NODE")"
	is_confined lab-irq
	same "$(scheduling "$(guest_pid lab-irq)")" "-10 0 0"
	# Each queue of the other disk has a vector that the kernel manages.
	guest_log_has lab-irq "cannot be moved: the kernel manages it itself"
	same "$(agent_said | grep -c "guest 'lab-irq': .*manages it itself")" 1
	vsh destroy lab-irq
	eventually 2 affinities_are "$BATS_TEST_TMPDIR/before"
	state_is_gone
}

@test "isolate keeps all others off, whatever becomes of the agent, until the emulator is killed" {
	local pid
	policy_write "$POLICY" <<<"lab-alone $NODE irq=eth0@$CPU isolate sched=fifo:3"
	guest_start lab-alone
	irqs_off "$NODE"
	same "$(scheduling "$(guest_pid lab-alone)")" "0 3 1"
	grep -q '^CPU 0/' "/proc/$(guest_pid lab-alone)/task"/*/comm
	affinities >"$BATS_TEST_TMPDIR/during"

	pid=$(service_pid)
	kill -KILL "$pid"
	eventually 30 service_is_new "$pid"
	eventually 5 affinities_are "$BATS_TEST_TMPDIR/during"

	systemctl stop "$SERVICE"
	affinities_are "$BATS_TEST_TMPDIR/before"
	systemctl start "$SERVICE"
	eventually 5 affinities_are "$BATS_TEST_TMPDIR/during"

	kill -KILL "$(guest_pid lab-alone)"
	eventually 2 affinities_are "$BATS_TEST_TMPDIR/before"
}

# irqbalance_says - its list of interrupts that it leaves alone.
irqbalance_says() {
	local socket
	socket=$(echo /run/irqbalance/irqbalance*.sock)
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
		syswrite $s, "setup\0"; local $/; print <$s>, "\n"' "$socket"
}

irqbalance_leaves() {
	local irq said
	said=$(irqbalance_says) || return 1
	for irq; do
		[[ $said == *" IRQ $irq LOAD "* ]] || return 1
	done
}

irqbalance_leaves_none() {
	[[ $(irqbalance_says) != *" IRQ "* ]]
}

@test "irqbalance is told to leave them alone, and told again when it is another one" {
	local nic
	systemctl unmask irqbalance.service
	systemctl start irqbalance.service
	eventually 20 irqbalance_says
	policy_write "$POLICY" <<<"lab-balanced $NODE irq=eth0@$CPU"
	mapfile -t nic < <(irqs eth0)
	guest_start lab-balanced
	guest_log_has lab-balanced "irqbalance runs, and is told to leave what is moved alone"
	eventually 40 irqbalance_leaves "${nic[@]}"
	irqs_on "$CPU" "${nic[@]}"
	systemctl restart irqbalance.service
	eventually 40 irqbalance_leaves "${nic[@]}"
	eventually 5 irqs_on "$CPU" "${nic[@]}"
	vsh destroy lab-balanced
	eventually 40 irqbalance_leaves_none
	# It went on with what was theirs.
	systemctl stop irqbalance.service
	affinities >"$BATS_TEST_TMPDIR/before"
}

@test "AppArmor has denied nothing since this machine was booted" {
	no_denials
}
