# What the bats files of the full lab share.  The host is the lab's own: libvirt runs,
# the shim is installed, the agent is systemd's affair.  Each test begins without a
# policy and leaves no guest; a file whose guest lives through its tests says its own
# setup and teardown.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
: "${LAB_NODES:?start this suite with tests/lab/run}"

export E2E_STATE=/run/lab
export E2E_EMULATOR=/usr/bin/qemu-system-x86_64
mkdir -p "$E2E_STATE"
# shellcheck source=tests/e2e/lib.bash
source "$BATS_TEST_DIRNAME/../../e2e/lib.bash"

# tests/lab/guest.c
LAB_GUEST=/lab/build/lab-guest
# What comes out of the lab with LAB_OUT (tests/lab/run).
OUT=/lab/out
mkdir -p "$OUT"
GUESTS='lab-*'
GUEST_OS="<kernel>$LAB_GUEST</kernel>"
GUEST_DEVICES="<serial type='file'><source path='$E2E_STATE/@NAME@.serial'/></serial>"

setup() {
	policy_clear
}

teardown() {
	guests_remove
	policy_clear
}

# agent_said - its lines in the journal since the machine was booted.
agent_said() {
	journalctl --sync || return 1
	journalctl --boot --no-pager --output=cat _SYSTEMD_UNIT=guest-pinningd.service
}

# tool VERB ARG... - guest-pinning as it is installed.
tool() {
	timeout -k 5 60 guest-pinning "$@"
}

## Nodes

# nodes - the nodes that have CPUs, a line each.
nodes() {
	seq 0 "$((LAB_NODES - 1))"
}

# node_cpus NODE - as in Cpus_allowed_list.
node_cpus() {
	cat "/sys/devices/system/node/node$1/cpulist"
}

# node_free NODE - its free memory in KiB.
node_free() {
	awk '$3 == "MemFree:" { print $4 }' "/sys/devices/system/node/node$1/meminfo"
}

# nodes_empty - no node has huge pages any more that nobody uses.
nodes_empty() {
	echo 0 >/proc/sys/vm/nr_hugepages
}

# pool NODE COUNT - it has only so many huge pages of 2 MiB.
pool() {
	local file
	file=$(huge_pages_file nr_hugepages "$1")
	echo "$2" >"$file"
	same "$(<"$file")" "$2"
}

# taken - "NODE PAGES", for each node of whose pool some are taken.
taken() {
	local node taken
	for node in $(nodes); do
		taken=$(($(<"$(huge_pages_file nr_hugepages "$node")") - \
			$(<"$(huge_pages_file free_hugepages "$node")")))
		((taken == 0)) || echo "$node $taken"
	done
}

## Guests that have their memory

# guest_serial NAME - what the guest has said since its last start.
guest_serial() {
	cat "$E2E_STATE/$1.serial"
}

# guest_touched NAME [TIMES] - it has touched its memory, or has TIMES times: once
# more after each reset.
guest_touched() {
	(($(guest_serial "$1" 2>/dev/null | grep -c '^touched [0-9]* KiB$') >= ${2-1}))
}

# guest_touches NAME [TIMES] - waits until it has, and else shows why it may have not.
guest_touches() {
	eventually 60 guest_touched "$@" || {
		echo "$1 has not touched its memory; it said:"
		guest_serial "$1"
		return 1
	}
}

# guest_start_touching NAME - define, start, and wait until its memory is there.
guest_start_touching() {
	rm -f "$E2E_STATE/$1.serial"
	guest_start "$1" && guest_touches "$1"
}

# vcpu_threads_are PID COUNT
vcpu_threads_are() {
	(($(cat "/proc/$1/task"/*/comm | grep -c '^CPU ') == $2))
}

# vcpu_plug NAME COUNT - the guest has one virtual CPU more: COUNT.
vcpu_plug() {
	local pid
	pid=$(guest_pid "$1")
	vcpu_threads_are "$pid" $(($2 - 1)) || return 1
	vsh setvcpus "$1" "$2" --live || return 1
	eventually 10 vcpu_threads_are "$pid" "$2"
}

# ram_pages PID - the pages of the guest's memory, a line "NODE PAGES" for each node
# that has some, in the order of the nodes.
ram_pages() {
	guest_ram_maps "$1" | grep -oE '\bN[0-9]+=[0-9]+' | sed 's/N\(.*\)=/\1 /' | sort -n
}

# ram_on NAME PID NODE... - the guest has touched its memory, and it is all there: no
# page of it is on another node than these.  What it has touched, firmware and all, is
# the whole RAM but for what the firmware keeps for itself.
ram_on() {
	local name=$1 pages touched
	pages=$(ram_pages "$2")
	shift 2
	touched=$(guest_serial "$name" | sed -n 's/^touched \([0-9]*\) KiB$/\1/p' | tail -n 1)
	awk -v nodes="$*" -v touched="$touched" -v ram="$GUEST_RAM_KIB" '
		BEGIN { split(nodes, list, " "); for (i in list) wanted[list[i]] = 1 }
		!($1 in wanted) { bad = 1 }
		{ sum += $2 * 4 }
		END { exit bad || touched < ram * 0.95 || sum < touched || sum > ram }
	' <<<"$pages" || {
		echo "$name touched $touched KiB of $GUEST_RAM_KIB; wanted: all on nodes $*;" \
			"there are (node, pages):"
		echo "$pages"
		return 1
	}
}
