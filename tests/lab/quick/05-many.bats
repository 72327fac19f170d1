#!/usr/bin/env bats
# Very many guests (tests/bench/many), on a host with nodes and with cgroup v2: some dozens,
# and what takes no clock, for the machine is emulated. The first of all, for others have the
# cpusets in a hierarchy of cgroup v1, from which the kernel may not let go of them.

load lib

CGROUPS=/sys/fs/cgroup

setup() {
	work_make
	unset GUEST_PINNING_CONF QEMU_KVM_SHIM_REAL
	# The guests are nobody's, and the root of this machine is for its owner only.
	chmod 755 /
	mount -t cgroup2 none "$CGROUPS"
	mkdir build
	cp "$SHIM" build/qemu-kvm-shim
	ln -s /usr/local/sbin/guest-pinning /usr/local/sbin/guest-pinningd build/
	ln -s /lab/build/bench build/bench
}

teardown() {
	umount "$CGROUPS"
}

@test "many guests under cgroup v2: each thread, cgroup and memory policy is as its rule says" {
	BUILD=$PWD/build GUESTS=$((LAB_NODES * 8)) IDLE_SECONDS=2 TIMES=no \
		run "$HERE/../../bench/many"
	echo "$output"
	same "$status" 0
	[[ $output == *"met  misplaced: 0 things"* && $output == *"met  misplaced then: 0 things"* ]]
	same "$(find "$CGROUPS" -mindepth 1 -type d)" ""
	same "$(<"$CGROUPS/cgroup.subtree_control")" ""
}
