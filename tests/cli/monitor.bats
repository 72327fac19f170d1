#!/usr/bin/env bats
# A refused start stays until libvirt has connected to the monitor's socket:
# only then does virsh show the reason (shim/monitor.h).
# shellcheck disable=SC2154 # bats sets output and stderr

bats_require_minimum_version 1.5.0

setup() {
	WORK=$BATS_TEST_TMPDIR/work
	mkdir -m 700 "$WORK"
	cp "$BUILD/qemu-kvm-shim" "$WORK/qemu-kvm"
	cp /bin/true "$WORK/qemu-kvm.real"
	(
		umask 077
		printf '%s\n' 'refused 1023' 'free - env=A=b' >"$WORK/policy"
	)
	export GUEST_PINNING_CONF=$WORK/policy QEMU_KVM_SHIM_FULL=$BUILD/qemu-kvm-shim-full
}

listener() {
	timeout 20 "$BUILD/tests/listener" "$@"
}

@test "a refused start ends once somebody has connected" {
	run -1 --separate-stderr listener 700 "$WORK/qemu-kvm" -name refused
	[[ $stderr == *"policy:1: node 1023 "* ]]
	((output >= 700 && output < 1900))
}

@test "a refused start ends after two seconds when nobody connects" {
	run -1 --separate-stderr listener -1 "$WORK/qemu-kvm" -name refused
	[[ $stderr == *"policy:1: node 1023 "* ]]
	((output >= 1900 && output < 10000))
}

@test "a missing emulator is told in the same way" {
	rm "$WORK/qemu-kvm.real"
	run -127 --separate-stderr listener 700 "$WORK/qemu-kvm" -name free
	[[ $stderr == *"qemu-kvm.real: the real emulator is missing"* ]]
	((output >= 700 && output < 1900))
}

@test "a start that is not refused waits for nobody" {
	run -0 --separate-stderr listener -1 "$WORK/qemu-kvm" -name free
	((output < 1900))
}
