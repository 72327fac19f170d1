# What the tests of the quick lab share: the shim with a program behind it that
# tells where it runs, and what the machine has. Expects the environment of
# tests/lab/inside/tests (LAB_*).
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # used by the tests; set by by_numactl and by_shim

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib.bash
source "$HERE/../../e2e/lib.bash"

NODES=/sys/devices/system/node
SHIM=/usr/local/libexec/qemu-kvm-shim/qemu-kvm-shim
PROBE=/lab/build/lab-probe
# The nodes are 0 to LAST, each with CPUs, and MEMORY, which has none.
LAST=$((LAB_NODES - 1))
MEMORY=$LAB_NODES

# work_make - an empty directory for the test, $WORK, in which $POLICY is the policy
# that counts and the probe the emulator.
work_make() {
	umask 022
	WORK=$BATS_TEST_TMPDIR/work
	mkdir -m 700 "$WORK" && cd "$WORK" || return 1
	POLICY=$WORK/policy
	export GUEST_PINNING_CONF=$POLICY QEMU_KVM_SHIM_REAL=$PROBE
}

# policy LINE... - the policy of the test.
policy() {
	printf '%s\n' "$@" >"$POLICY"
}

# node_cpus NODE - those that are online, as the kernel lists them.
node_cpus() {
	cat "$NODES/node$1/cpulist"
}

# cpu_of NODE [INDEX] - one of the node's CPUs, the first without INDEX. With all
# CPUs online they are numbered node by node.
cpu_of() {
	echo $(($1 * LAB_CPUS_PER_NODE + ${2-0}))
}

# cpus_from FIRST LAST - as the kernel lists them.
cpus_from() {
	if (($1 == $2)); then
		echo "$1"
	else
		echo "$1-$2"
	fi
}

# by_numactl OPTION... - what the probe says behind numactl, or "refused"; in
# `reason` why.
by_numactl() {
	reason=
	seen=$(numactl "$@" "$PROBE" 2>"$WORK/numactl.err") || {
		seen=refused
		reason=$(<"$WORK/numactl.err")
	}
}

# by_shim GUEST - what the probe says behind the shim, or "refused"; in `reason` what
# the shim says.
by_shim() {
	seen=$("$SHIM" -name "$1" 2>"$WORK/shim.err") || seen=refused
	reason=$(<"$WORK/shim.err")
}

# says WORD... - the shim has said one line, with all of these.
says() {
	local word
	[[ $reason == "qemu-kvm-shim: "* && $reason != *$'\n'* ]] || {
		printf 'no line of the shim: %q\n' "$reason"
		return 1
	}
	for word; do
		[[ $reason == *"$word"* ]] || {
			printf "no '%s' in: %s\n" "$word" "$reason"
			return 1
		}
	done
}
