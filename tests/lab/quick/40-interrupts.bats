#!/usr/bin/env bats
# Interrupts: of a PCI device that a guest has, by vfio; of a network device; and of disks.
# A program stands in for the emulator that opens the device as QEMU does (vfio.c).

# shellcheck disable=SC2030,SC2031 # each test is a process of its own

bats_require_minimum_version 1.5.0
load lib

VFIO=/lab/build/lab-vfio
DEVICES=/sys/bus/pci/devices

# What emulator_start has started, by name: process, and descriptors to and from it.
# bats reads this file in a function.
declare -gA emulator to from
# The agent's process, if it runs.
agent=

setup() {
	work_make
	NIC=$(pci_find 0x8086:0x10d3)
	grep -H '' /proc/irq/*/smp_affinity_list >"$WORK/affinities"
}

teardown() {
	local pid device file was
	for pid in "${emulator[@]}" $agent; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
	done
	rm -rf /run/guest-pinning
	for device in "$DEVICES"/*; do
		[[ $(<"$device/driver_override") != vfio-pci ]] || device_return "${device##*/}"
	done
	while IFS=: read -r file was; do
		[[ ! -e $file || $(<"$file") == "$was" ]] || echo "$was" >"$file"
	done <"$WORK/affinities"
}

# pci_find VENDOR:DEVICE - the address of the first of that kind.
pci_find() {
	local device
	for device in "$DEVICES"/*; do
		if [[ $(<"$device/vendor"):$(<"$device/device") == "$1" ]]; then
			echo "${device##*/}"
			return
		fi
	done
	return 1
}

# device_driver ADDRESS DRIVER - it has that driver next, with "" the one it is made for.
device_driver() {
	local device=$DEVICES/$1
	echo "$2" >"$device/driver_override"
	[[ ! -e $device/driver ]] || echo "$1" >"$device/driver/unbind"
	echo "$1" >/sys/bus/pci/drivers_probe
}

# device_assign ADDRESS - it can be a guest's, as libvirt does it.
device_assign() {
	device_driver "$1" vfio-pci
}

device_return() {
	device_driver "$1" ""
}

# emulator_start NAME COMMAND... - and wait until it has its devices.
emulator_start() {
	local name=$1 fd
	shift
	mkfifo "$WORK/$name.to" "$WORK/$name.from"
	"$@" <"$WORK/$name.to" >"$WORK/$name.from" 3>&- &
	emulator[$name]=$!
	exec {fd}>"$WORK/$name.to"
	to[$name]=$fd
	exec {fd}<"$WORK/$name.from"
	from[$name]=$fd
	answers "$name" ready
}

# answers NAME ANSWER - that is its next line.
answers() {
	local answer=nothing
	read -r -t 20 answer <&"${from[$1]}" || true
	same "$answer" "$2"
}

# ask NAME COMMAND - it has done that when this returns.
ask() {
	echo "$2" >&"${to[$1]}"
	answers "$1" ok
}

# emulator_end NAME - its devices are free.
emulator_end() {
	local fd
	ask "$1" quit
	wait "${emulator[$1]}"
	for fd in "${to[$1]}" "${from[$1]}"; do
		exec {fd}>&-
	done
	rm "$WORK/$1.to" "$WORK/$1.from"
	unset "emulator[$1]"
}

# vectors ADDRESS - the numbers of the device's interrupts, those by MSI.
vectors() {
	find "$DEVICES/$1/msi_irqs/" -type f 2>/dev/null | sed 's,.*/,,' | sort -n | xargs
}

# actions IRQ... - who handles them, a line for each.
actions() {
	local irq
	for irq; do
		cat "/sys/kernel/irq/$irq/actions"
	done
}

# irq_inode IRQ - of its directory, which is another one when the number is given anew.
irq_inode() {
	stat -c %i "/sys/kernel/irq/$1"
}

# irqs_of GLOB - those of which one who handles them is so called.
irqs_of() {
	local file
	for file in /sys/kernel/irq/*/actions; do
		# shellcheck disable=SC2053 # a glob
		[[ ,$(<"$file"), != *,$1,* ]] || basename "${file%/actions}"
	done | sort -n | xargs
}

# affinity IRQ [CPUS] - what it is, or is to be.
affinity() {
	if (($# > 1)); then
		echo "$2" >"/proc/irq/$1/smp_affinity_list"
	else
		cat "/proc/irq/$1/smp_affinity_list"
	fi
}

# fd_write FD WORD
fd_write() {
	echo "$2" >&"$1"
}

# movable IRQ - can be written, and the kernel does so.
movable() {
	local cpu
	for cpu in "$(cpu_of 1)" "$(cpu_of 0)"; do
		affinity "$1" "$cpu"
		same "$(affinity "$1") $(<"/proc/irq/$1/effective_affinity_list")" "$cpu $cpu"
	done
}

# disk_name NAME - as its driver calls it in its interrupts: virtio1.
disk_name() {
	basename "$(readlink -f "/sys/block/$1/device")"
}

@test "interrupts: an assigned device has as many as its guest wants, and none before" {
	device_assign "$NIC"
	same "$(basename "$(readlink "$DEVICES/$NIC/driver")")" vfio-pci
	emulator_start guest "$VFIO" -name guest -S -device "vfio-pci,host=$NIC,id=hostdev0"
	same "$(vectors "$NIC")" ""
	ask guest "enable 3"
	# shellcheck disable=SC2046 # several
	same "$(actions $(vectors "$NIC"))" "$(printf 'vfio-msix[%s]('"$NIC"')\n' 0 1 2)"
	same "$(irqs_of "vfio-msix\[*\]($NIC)")" "$(vectors "$NIC")"
	grep -F "vfio-msix[0]($NIC)" /proc/interrupts
	ask guest disable
	same "$(vectors "$NIC")" ""
	run ! grep -F vfio-msix /proc/interrupts
	ask guest "enable 2"
	same "$(vectors "$NIC" | wc -w)" 2
	# What is given back while it is enabled is disabled.
	emulator_end guest
	same "$(vectors "$NIC")" ""
}

@test "interrupts: an assigned device's can be written, until it has new ones" {
	local irq inode all fd
	device_assign "$NIC"
	emulator_start guest "$VFIO" -device "vfio-pci,host=${NIC#0000:}"
	ask guest "enable 1"
	irq=$(vectors "$NIC")
	all=$(affinity "$irq")
	same "$all" "0-$((LAB_NODES * LAB_CPUS_PER_NODE - 1))"
	movable "$irq"
	inode=$(irq_inode "$irq")
	echo "# interrupt $irq of inode $inode is handled by CPU $(affinity "$irq")" >&3
	exec {fd}>"/proc/irq/$irq/smp_affinity_list"
	ask guest disable
	[[ ! -e /proc/irq/$irq ]]
	ask guest "enable 1"
	irq=$(vectors "$NIC")
	echo "# enabled again it is $irq of inode $(irq_inode "$irq"), by CPUs $(affinity "$irq")" >&3
	[[ $(irq_inode "$irq") != "$inode" ]]
	# What was opened before is not the new one's.
	run ! fd_write "$fd" 0
	[[ $output == *"Input/output error"* ]]
	same "$(affinity "$irq")" "$all"
	movable "$irq"
}

@test "interrupts: a guest may have several devices" {
	local other
	other=$(pci_find 0x1af4:0x1005)
	device_assign "$NIC"
	device_assign "$other"
	emulator_start guest "$VFIO" -device "vfio-pci,id=hostdev0,host=$NIC" \
		-device '{"driver":"vfio-pci","host":"'"$other"'","id":"hostdev1"}'
	ask guest "enable 2"
	same "$(vectors "$NIC" | wc -w) $(vectors "$other" | wc -w)" "2 2"
	emulator_end guest
}

@test "interrupts: what was one guest's may be another's next, under the same number" {
	local other irqs
	other=$(pci_find 0x1af4:0x1005)
	device_assign "$NIC"
	device_assign "$other"
	emulator_start first "$VFIO" -device "vfio-pci,host=$NIC"
	emulator_start second "$VFIO" -device "vfio-pci,host=$other"
	ask first "enable 2"
	irqs=$(vectors "$NIC")
	ask first disable
	ask second "enable 2"
	same "$(vectors "$other")" "$irqs"
	ask first "enable 2"
	same "$(vectors "$NIC" | wc -w)" 2
	[[ $(vectors "$NIC") != "$irqs" ]]
	# shellcheck disable=SC2086 # several
	echo "# interrupts $irqs, of $NIC before, are now $(actions $irqs | xargs)" >&3
}

@test "interrupts: a network device's can be written" {
	local irq irqs
	irqs=$(irqs_of "$(basename "$(readlink -f /sys/class/net/eth0/device)")-?*put.*")
	same "$(wc -w <<<"$irqs")" 2
	for irq in $irqs; do
		movable "$irq"
	done
}

@test "interrupts: one that all of a disk's queues share can be written, one of each cannot" {
	local irq irqs
	irq=$(irqs_of "$(disk_name vdb)-virtqueues")
	movable "$irq"
	irqs=$(irqs_of "$(disk_name vda)-req.*")
	same "$(wc -w <<<"$irqs")" "$((LAB_NODES * LAB_CPUS_PER_NODE))"
	for irq in $irqs; do
		run ! affinity "$irq" 0
		[[ $output == *"Input/output error"* ]]
	done
}

## What the agent makes of them

# watch_start - the agent runs, and sees what guests there are.
watch_start() {
	guest-pinningd --foreground --policy "$POLICY" 2>>"$WORK/agent.log" 3>&- &
	agent=$!
	eventually 10 socket_listens /run/guest-pinning/agent.sock || {
		echo "the agent does not start:"
		cat "$WORK/agent.log"
		return 1
	}
}

socket_listens() {
	grep -q " $1\$" /proc/net/unix
}

# watch_end SIGNAL
watch_end() {
	kill -s "$1" "$agent"
	wait "$agent" || true
	agent=
}

# guest_start NAME ARGUMENT... - root starts it by hand, through the shim.
guest_start() {
	local name=$1
	shift
	QEMU_KVM_SHIM_REAL=$VFIO emulator_start "$name" "$SHIM" -name "$name" "$@" 2>"$WORK/$name.log"
}

# are_on CPUS IRQ...
are_on() {
	local cpus=$1 irq
	shift
	for irq; do
		[[ $(affinity "$irq" 2>/dev/null) == "$cpus" ]] || return 1
	done
}

# are_all_on CPUS ADDRESS - the device's interrupts, of which there are some.
are_all_on() {
	local irqs
	irqs=$(vectors "$2")
	# shellcheck disable=SC2086 # several
	[[ $irqs ]] && are_on "$1" $irqs
}

# within_a_second COMMAND... - it comes true in that time; tells how long it took.
within_a_second() {
	local start=${EPOCHREALTIME/./}
	until "$@"; do
		((${EPOCHREALTIME/./} - start < 3000000)) || break
		sleep 0.02
	done
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	echo "# after $took ms: $*" >&3
	"$@" && ((took < 1000))
}

# unmoved - all that there are still are where they were.
unmoved() {
	local file was
	while IFS=: read -r file was; do
		[[ ! -e $file || $(<"$file") == "$was" ]] || return 1
	done <"$WORK/affinities"
}

@test "interrupts: an assigned device's follow its guest's rule, whenever there are new ones" {
	local cpu all
	cpu=$(cpu_of 1)
	all=0-$((LAB_NODES * LAB_CPUS_PER_NODE - 1))
	device_assign "$NIC"
	policy "rt-* 1 irq=vfio@$cpu"
	watch_start
	guest_start rt-1 -device "vfio-pci,host=$NIC,id=hostdev0"
	ask rt-1 "enable 3"
	within_a_second are_all_on "$cpu" "$NIC"
	ask rt-1 disable
	ask rt-1 "enable 2"
	within_a_second are_all_on "$cpu" "$NIC"
	# New ones, and no moment without any in between that anybody could see.
	ask rt-1 "enable 4"
	within_a_second are_all_on "$cpu" "$NIC"
	# The next agent takes up the watch, and takes it back as it ends.
	watch_end KILL
	watch_start
	are_all_on "$cpu" "$NIC"
	ask rt-1 "enable 3"
	within_a_second are_all_on "$cpu" "$NIC"
	watch_end TERM
	are_all_on "$all" "$NIC"
	watch_start
	within_a_second are_all_on "$cpu" "$NIC"
	kill -KILL "${emulator[rt-1]}"
	within_a_second unmoved
	eventually 5 test ! -e /run/guest-pinning/interrupts.json
	same "$(grep -v "placed guest 'rt-1'" "$WORK/agent.log")" ""
}

@test "interrupts: those that come later keep off the CPUs of an isolated guest, its own do not" {
	local other mine rest
	other=$(pci_find 0x1af4:0x1005)
	device_assign "$NIC"
	device_assign "$other"
	mine=$(node_cpus 0)
	rest=$((${mine#*-} + 1))-$((LAB_NODES * LAB_CPUS_PER_NODE - 1))
	policy "rt-* 0 isolate"
	watch_start
	guest_start rt-1 -device "vfio-pci,host=$NIC"
	emulator_start other "$VFIO" -device "vfio-pci,host=$other"
	ask other "enable 2"
	within_a_second are_all_on "$rest" "$other"
	ask rt-1 "enable 2"
	ask other "enable 1"
	within_a_second are_all_on "$rest" "$other"
	are_all_on "0-${rest#*-}" "$NIC"
	emulator_end rt-1
	within_a_second are_all_on "0-${rest#*-}" "$other"
	within_a_second unmoved
}

@test "interrupts: a network device's that is switched on later follow, too" {
	local cpu interface
	cpu=$(cpu_of 1)
	interface=$(basename "$DEVICES/$NIC/net"/*)
	policy "rt-1 - irq=$interface@$cpu"
	watch_start
	guest_start rt-1
	ip link set "$interface" up
	within_a_second are_all_on "$cpu" "$NIC"
	ip link set "$interface" down
	emulator_end rt-1
	within_a_second unmoved
}

@test "interrupts: of two guests the first has them, and then the other" {
	local irqs
	irqs=$(irqs_of "$(basename "$(readlink -f /sys/class/net/eth0/device)")-?*put.*")
	policy "first - irq=eth0@$(cpu_of 1)" "second - irq=eth0@$(cpu_of 0)"
	watch_start
	guest_start first
	guest_start second
	# shellcheck disable=SC2086 # several
	are_on "$(cpu_of 1)" $irqs
	grep "guest 'first' was first: IRQ .* stays as that has it" "$WORK/second.log"
	emulator_end first
	# shellcheck disable=SC2086 # several
	within_a_second are_on "$(cpu_of 0)" $irqs
	emulator_end second
	within_a_second unmoved
}
