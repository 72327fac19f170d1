# A lab in which something goes wrong must say so, and end. Runs on the host, with
# the quick lab and the tests in selftest/, which misbehave.

bats_require_minimum_version 1.5.0

# lab_ends STATUS FILE [VARIABLE=VALUE...] - boots the quick lab with selftest/FILE.
lab_ends() {
	local status=$1 file=$2
	shift 2
	run "-$status" env LAB_TESTS="selftest/$file" "$@" timeout 240 \
		"$BATS_TEST_DIRNAME/run" quick
	printf '%s\n' "$output"
}

# lab FILE [VARIABLE=VALUE...] - the same, in which something goes wrong.
lab() {
	lab_ends 1 "$@"
}

# The disk is made outside the tests' times; and a machine in which nothing goes wrong
# says just that.
setup_file() {
	local output
	output=$(LAB_TESTS=selftest/good.bats "$BATS_TEST_DIRNAME/run" quick)
	[[ ${output##*$'\n'} == "1 passed, 0 failed" ]] || {
		printf '%s\n' "$output"
		return 1
	}
}

last_line() {
	[[ ${lines[-1]} == "$1" ]]
}

said() {
	grep -qF -- "$1" <<<"$output"
}

@test "a test that fails, one that is skipped and one that passes" {
	lab mixed.bats
	last_line "1 passed, 2 failed"
	said "not ok 1 fails"
}

@test "a test that hangs is ended after its time, and the others run" {
	lab hang.bats LAB_TEST_SECONDS=3
	last_line "1 passed, 1 failed"
	said "timeout after 3s"
}

@test "a machine that takes too long is ended" {
	lab hang.bats LAB_SECONDS=60 LAB_STILL_SECONDS=10
	last_line "0 passed, 3 failed"
	said "not ok - the tests have not ended within 60 s"
	said "the end of the machine's console"
}

# emulator_signal SIGNAL - to the emulator of the quick lab, in its first second.
emulator_signal() {
	local pid
	for _ in {1..1200}; do
		pid=$(pgrep -n -f -- "-initrd initramfs .*file:quick.console") && break
		sleep 0.1
	done
	kill -"$1" "$pid"
}

# boots_again SIGNAL WHY - where its first emulator gets the signal, the lab's tests pass.
boots_again() {
	local sender
	emulator_signal "$1" &
	sender=$!
	lab_ends 0 good.bats LAB_STILL_SECONDS=10
	wait "$sender"
	said "# $2, and has not come as far as init: it is booted once more"
	last_line "1 passed, 0 failed"
}

@test "an emulator that crashes before the kernel has started init is started once more" {
	boots_again SEGV "the machine has ended before its tests"
}

@test "a kernel that stands still before it has started init is booted once more" {
	boots_again STOP "the machine's kernel stands still"
}

@test "a kernel that never starts init is a failure" {
	lab good.bats LAB_BOOT_SECONDS=1
	said "not ok - the machine has not begun its tests within 1 s"
	last_line "0 passed, 1 failed"
}

@test "a kernel panic is a failure, with the console's last lines" {
	lab panic.bats
	last_line "1 passed, 2 failed"
	said "not ok - the machine has ended before its tests"
	said "Kernel panic - not syncing: sysrq triggered crash"
}

@test "a machine that does not boot is a failure, with the console's last lines" {
	lab mixed.bats LAB_APPEND=rdinit=/nosuch
	last_line "0 passed, 1 failed"
	said "not ok - the machine has ended before its tests"
	said "Kernel panic - not syncing"
}

@test "a machine that hangs while it boots is ended" {
	lab mixed.bats LAB_BOOT_SECONDS=12 LAB_APPEND='rdinit=/bin/sleep -- 1000'
	last_line "0 passed, 1 failed"
	said "not ok - the machine has not begun its tests within 12 s"
}

@test "what fails after the last test is a failure" {
	lab teardown.bats
	last_line "1 passed, 1 failed"
	said "not ok - bats has ended with exit status 1"
}

@test "no tests at all are a failure" {
	lab none.bats
	last_line "0 passed, 1 failed"
}

@test "what is no number of nodes is refused, with the range" {
	run -1 env LAB_NODES=99 "$BATS_TEST_DIRNAME/run" quick
	[[ $output == "lab: LAB_NODES=99: expected is a number from 2 to 16" ]]
}
