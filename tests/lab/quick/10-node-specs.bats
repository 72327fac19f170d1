#!/usr/bin/env bats
# NODES of a rule means what numactl makes of it: both are run for a long list of
# specs, and where the program behind them then is, is the kernel's word.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2054 # the commas are the specs'
# shellcheck disable=SC2153,SC2154 # SHIM, and what lib.bash sets

load lib

# The list, and what is expected of each: that the shim and numactl agree, or that
# the shim is stricter where numactl makes something of nonsense.
specs=()
stricter=()

setup() {
	work_make
	ip addr add 192.0.2.2/24 dev eth0 2>/dev/null || true # a test before has done it
	ip link set dev eth0 up
}

teardown() {
	cpuset_remove
}

# pci_address CLASS - the device of that class which is the last node's: the far
# device itself, as sysfs names it.
pci_address() {
	local device
	for device in /sys/bus/pci/devices/*; do
		if [[ $(<"$device/class") == "$1"* && $(<"$device/numa_node") == "$LAST" ]]; then
			echo "${device##*/}"
			return
		fi
	done
	return 1
}

# pci_homeless - a device whose node the kernel does not know.
pci_homeless() {
	local device
	for device in /sys/bus/pci/devices/*; do
		if [[ $(<"$device/numa_node") == -1 ]]; then
			echo "${device##*/}"
			return
		fi
	done
	return 1
}

# numbers - specs of numbers, what can be said with one node and two, and more.
numbers() {
	local none=$((MEMORY + 1))
	specs+=(
		0 1 7 8 9 "$LAST" "$MEMORY" "$none"
		0-2 0,1 1,3 3,1 0-0 0,0 0-2,1-3 "0-$LAST" "0-$MEMORY" "$LAST-$MEMORY" "0,$LAST"
		"0,$MEMORY" "0-$none" "$LAST-$none" "$MEMORY-$none" "0,$none" 6-12
		all 0,all 1,all
		'!0' '!1' '!0-1' "!$LAST" "!$MEMORY" "!$none" "!0-$LAST" "!0-$MEMORY" '!all'
		+0 +1 +0-1 +1,3 "+$LAST" "+$MEMORY" "+$none" "+0,$MEMORY" "+$LAST-$MEMORY"
		"+0-$none" +all '!+0' '!+2-3' "!+0-$LAST" '!+all'
		127 128 1023 1024 4095 99999999999999999999 18446744073709551615
	)
}

# malformed - specs that are none, for both.
malformed() {
	specs+=(
		'' ' ' -1 --1 -1-0 0- 0--1 , 0, ,0 0,,1 0-0-0 0-1-2 08 0a a a0 1e0 1.0 '0 1' '1 '
		'0 ,1' '0 - 1' '1;2' 0:1 + ! '!!1' '+!0' '+-1' ALL allx allall all,0 all-0 0,+all
		'0,!1' $'0\t' 18446744073709551616 same
		netdev netdev: block: pci: ip: file: nosuch:eth0 NETDEV:eth0 ' netdev:eth0'
		0-netdev:eth0
	)
}

# devices - specs of devices; those that are there are on the last node.
devices() {
	local port disk homeless
	port=$(pci_address 0x0604)
	disk=$(pci_address 0x0100)
	homeless=$(pci_homeless)
	specs+=(
		netdev:eth0 netdev:lo netdev:nosuch netdev:../eth0 netdev:eth0/.. netdev:.
		netdev:eth0,0 'netdev:eth0 ' 0,netdev:eth0 "$LAST,netdev:eth0" '!netdev:eth0'
		+netdev:eth0
		"pci:$port" "pci:${port#0000:}" "pci:${port%.*}" "0,pci:$port" "!pci:$port"
		"pci:${port%.*}.7" "pci:$disk" "pci:${disk#0000:}" "pci:$homeless"
		"pci:${homeless#0000:}" "0,pci:$homeless" pci:0000:ff:1f.7 pci:ff:1f.7 pci:ff pci:zz
		block:vda block:nosuch block:/dev/vda block:../vda block:vda,0 0,block:vda
		'!block:vda'
		file:/dev/vda file:/ file:/proc file:/nosuch file:relative 0,file:/
		ip:192.0.2.1 ip:192.0.2.2 ip:198.51.100.1 0,ip:192.0.2.1
	)
}

# lenient - what numactl makes something of; we say what is wrong with it.
lenient() {
	local octal hexadecimal port
	port=$(pci_address 0x0604)
	printf -v octal '0%o' "$LAST"
	printf -v hexadecimal '0x%x' "$LAST"
	stricter+=(
		1-0 1-0,0 '!1-0' +1-0 # backwards: numactl takes the first
		00 01 00-01 "$octal" "!$octal" "+$octal"
		0x1 0X1 "0,$hexadecimal" "!$hexadecimal"
		' 1' '! 1' '+ 1' '0, 1' '0- 1' $'\t1'
		-0 0,-0 '!-0' -0-1
		++1 0,+1 0-+1
		4294967296 4294967297 9223372036854775808 -4294967295 # 32 bits are kept
	)
	stricter+=("pci:$port,0" "pci:${port}junk" "pci: $port" "pci:$port.0" "pci:$port:0") # what follows is forgotten
	# In octal this is 8.
	if ((LAST >= 8)); then
		stricter+=(010)
	else
		specs+=(010)
	fi
}

# counted - the specs that depend on what the caller may use; few enough for dry runs.
counted() {
	local port
	export DRY_RUN=yes NARROWED=yes
	port=$(pci_address 0x0604)
	specs+=(
		0 1 "$LAST" "$MEMORY" 0-1 0,1 "0-$LAST" "0-$MEMORY" "1,$MEMORY" "$LAST-$MEMORY" 2-3
		all '!0' '!1' '!0-1' "!$LAST" "!$MEMORY" '!all' 0,all
		+0 +1 +2 +0-1 "+$LAST" "+$MEMORY" +all '!+0' '!+1' '!+0-1' '!+all'
		netdev:eth0 block:vda "pci:$port" '!netdev:eth0' "1,netdev:eth0" ''
	)
}

# table TITLE [COMMAND...] - of `specs` and `stricter`; started by COMMAND.
table() {
	local title=$1
	shift
	{
		((${#specs[@]} == 0)) || printf 'same %s\n' "${specs[@]}"
		((${#stricter[@]} == 0)) || printf 'stricter %s\n' "${stricter[@]}"
	} | "$@" "$HERE/side-by-side" "$title" >&3
}

# cpuset_make v1|v2 CPUS MEMS - a cpuset at $WORK/cgroup/lab. The controller may be
# busy with the other version's hierarchy for a moment.
cpuset_make() {
	mkdir "$WORK/cgroup"
	if [[ $1 == v1 ]]; then
		eventually 10 mount -t cgroup -o cpuset none "$WORK/cgroup"
	else
		mount -t cgroup2 none "$WORK/cgroup"
		echo +cpuset >"$WORK/cgroup/cgroup.subtree_control"
	fi
	mkdir "$WORK/cgroup/lab"
	echo "$2" >"$WORK/cgroup/lab/cpuset.cpus"
	echo "$3" >"$WORK/cgroup/lab/cpuset.mems"
}

cpuset_remove() {
	[[ -d $WORK/cgroup/lab ]] || return 0
	eventually 5 rmdir "$WORK/cgroup/lab"
	[[ ! -e $WORK/cgroup/cgroup.subtree_control ]] ||
		echo -cpuset >"$WORK/cgroup/cgroup.subtree_control"
	umount "$WORK/cgroup"
}

# narrow - the CPUs of the first two nodes, if these have several but for the very
# first, and MEMS for a cpuset: another set of nodes, with the one that has no CPUs.
narrow() {
	FIRST=$((LAB_CPUS_PER_NODE > 1))
	CPUS=$(cpus_from "$FIRST" "$((2 * LAB_CPUS_PER_NODE - 1))")
	MEMS=1,$MEMORY
	((MEMORY > 2)) || MEMS=1-2
}

# table_in_cpuset v1|v2
table_in_cpuset() {
	narrow
	cpuset_make "$1" "$CPUS" "$MEMS"
	counted
	(
		echo "$BASHPID" >"$WORK/cgroup/lab/cgroup.procs"
		same "$(status_field "/proc/$BASHPID" Cpus_allowed_list)" "$CPUS"
		same "$(status_field "/proc/$BASHPID" Mems_allowed_list)" "$MEMS"
		policy 'guest !1'
		by_shim guest
		echo "$reason"
		cpus=$(cpus_from "$FIRST" "$((LAB_CPUS_PER_NODE - 1))")
		[[ $reason == "qemu-kvm-shim: $POLICY:1: of node 0,$(cpus_from 2 "$MEMORY") memory can \
be had of $MEMORY only: "*"; of CPUs "*" only $cpus can be had: "*"cpus $cpus, memory \
bind $MEMORY" ]]
		table "in a cpuset ($1) with CPUs $CPUS and memory of node $MEMS:"
	)
}

@test "specs: the lab's nodes are as they should be, and its devices on the last one" {
	local guest
	same "$(<"$NODES/has_cpu")" "0-$LAST"
	same "$(<"$NODES/has_memory")" "0-$MEMORY"
	policy 'first 0' "last $LAST" 'net netdev:eth0' 'disk block:vda' \
		"port pci:$(pci_address 0x0604)" 'none -'
	by_shim first
	same "$seen" "$(node_cpus 0) bind:0"
	for guest in last net disk port; do
		by_shim "$guest"
		same "$seen" "$(node_cpus "$LAST") bind:$LAST"
	done
	by_shim none
	same "$seen" "$("$PROBE")"
	says "guest 'none': rule $POLICY:6"
}

@test "specs: CPUs, memory policy and success are numactl's" {
	numbers
	malformed
	devices
	lenient
	table "by a caller who may use all:"
}

@test "specs: and so for a caller with few CPUs and a memory policy" {
	narrow
	counted
	table "by a caller with CPUs $CPUS and memory interleaved over nodes 0-1:" \
		numactl --interleave=0-1 taskset -c "$CPUS"
}

@test "specs: and so in a cpuset of cgroup v2" {
	table_in_cpuset v2
}

# The last one, for afterwards it takes time until v2 has the controller again.
@test "specs: and so in a cpuset of cgroup v1" {
	table_in_cpuset v1
}
