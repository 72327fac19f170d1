#!/usr/bin/env bats
# The agent believes nothing that it is told: who asks it is what the kernel says,
# and must be an installed shim in the cgroup of the guest that it starts.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

LIES=$E2E_STATE/lies # directory of the false shims
CLIENT=$E2E_STATE/agent_client

setup() {
	test_begin
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	mkdir -m 755 "$LIES"
	cgroup_make "$(cpuset_root)/e2e-lies"
	# As libvirt starts an emulator, in a group that may speak to the agent.
	EMULATOR_UID=$(emulator_uid)
	AS_EMULATOR=(setpriv --reuid "$EMULATOR_UID" --regid kvm --clear-groups)
	CGROUP=$(cpuset_root)/e2e-lies/qemu-1-e2e-x.libvirt-qemu
	cgroup_make "$CGROUP"
	cgroup_make "$CGROUP/emulator"
}

teardown() {
	agent_signal CONT
	guests_remove
	lies_remove
	rm -rf "$LIES"
	policy_clear
}

# shim_copy FILE - an executable like the installed one.
shim_copy() {
	install -m 755 "$E2E_STATE/programs/qemu-kvm-shim" "$1"
}

# in_cgroup CGROUP COMMAND... - COMMAND, by the emulator's user, where libvirt or a
# test has made that cgroup.
in_cgroup() {
	(
		echo "$BASHPID" >"$1/cgroup.procs" || exit 1
		shift
		exec "${AS_EMULATOR[@]}" "$@"
	)
}

# shim_start SHIM CGROUP GUEST - in the background; "-" stays in our own cgroup.
# The emulator that it becomes has no machine, and waits for nobody.
shim_start() {
	(
		[[ $2 == - ]] || echo "$BASHPID" >"$2/cgroup.procs"
		export QEMU_KVM_SHIM_REAL=$E2E_EMULATOR.real # beside a copy there is none
		exec "${AS_EMULATOR[@]}" "$1" -name "guest=$3" \
			-S -display none -nodefaults -machine none -accel tcg
	) </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	shim=$!
}

shim_ended() {
	! kill -0 "$shim" 2>/dev/null
}

shim_is_emulator() {
	[[ $(readlink "/proc/$shim/exe") == "$E2E_EMULATOR.real" ]]
}

# shim_refused REASON - the shim that was started ends for this reason, which the
# agent's log has too.
shim_refused() {
	local status=0
	eventually 20 shim_ended || {
		echo "it was not refused"
		return 1
	}
	wait "$shim" || status=$?
	same "$status" 1 || return 1
	grep -F "the agent refuses: " "$BATS_TEST_TMPDIR/said" | grep -qF -- "$1" || {
		echo "the shim does not say '$1':"
		cat "$BATS_TEST_TMPDIR/said"
		return 1
	}
	agent_log_has "$1" || return 1
	agent_log | grep -F -- "$1" | grep -qE "refused .*pid $shim\W.*uid $EMULATOR_UID\)"
}

# lie SHIM CGROUP GUEST REASON - refused, and nothing is written.
lie() {
	local before
	before=$(cpusets)
	shim_start "$1" "$2" "$3"
	shim_refused "$4" || return 1
	same "$(cpusets)" "$before"
}

@test "an installed shim in a cgroup like a guest's is served: nothing else is wrong below" {
	shim_start "$E2E_EMULATOR" "$CGROUP/emulator" e2e-x
	eventually 10 shim_is_emulator
	same "$(threads_cpus "$shim")" "$E2E_CPU"
	same "$(<"$CGROUP/cpuset.cpus")" "$E2E_CPU"
	agent_log_has "placed guest 'e2e-x' (pid $shim): rule $POLICY:1, cpus $E2E_CPU"

	# So is a copy, where root has put it and nobody else may write.
	shim_copy "$LIES/shim"
	shim_start "$LIES/shim" "$CGROUP/emulator" e2e-x
	eventually 10 shim_is_emulator
	agent_log_has "placed guest 'e2e-x' (pid $shim)"
}

@test "who is in no cgroup of libvirt's is refused, whoever it is" {
	before=$(cpusets)
	run -0 "$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 place"
	# Root may have started it by hand; but what it runs is no shim.
	[[ $output == "guest-pinning 1 refused its executable /"*" is no qemu-kvm-shim" ]]
	run -0 "${AS_EMULATOR[@]}" "$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 place" -name guest=e2e-x
	[[ $output == "guest-pinning 1 refused its cgroup /"*" is no emulator's of libvirt" ]]
	same "$(agent_log | grep -c "refused pid [0-9]* (uid $EMULATOR_UID): its cgroup /")" 1
	same "$(agent_log | grep -c refused)" 2
	same "$(cpusets)" "$before"
}

@test "a program that is no shim: refused, in a guest's cgroup with its command line too" {
	before=$(cpusets)
	run -0 in_cgroup "$CGROUP/emulator" \
		"$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 place" -name guest=e2e-x
	same "$output" "guest-pinning 1 refused its executable $CLIENT is no qemu-kvm-shim"
	agent_log_has "(uid $EMULATOR_UID): its executable $CLIENT is no qemu-kvm-shim"

	# Root's are no better.
	# shellcheck disable=SC2016 # for the inner shell
	run -0 bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$CGROUP/emulator" \
		"$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 place" -name guest=e2e-x
	same "$output" "guest-pinning 1 refused its executable $CLIENT is no qemu-kvm-shim"
	same "$(agent_log | grep -c refused)" 2
	same "$(cpusets)" "$before"
}

@test "who is not in the group kvm does not even reach the agent" {
	run -1 setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$CLIENT" "$AGENT_SOCKET" say "guest-pinning 1 place"
	[[ $output == *"Permission denied"* ]]
	same "$(agent_log)" ""
}

# The client is where a shim's request would go further than that.
@test "what is no request is refused" {
	for message in "hello" "guest-pinning 2 place" "guest-pinning 1 place e2e-x" "guest-pinning 1"; do
		run -0 in_cgroup "$CGROUP/emulator" "$CLIENT" "$AGENT_SOCKET" say "$message"
		same "$output" "guest-pinning 1 refused a message of ${#message} bytes is no request that this agent knows"
	done
	same "$(agent_log | grep -c refused)" 4
}

@test "a shim outside libvirt places itself, and asks nobody" {
	agent_stop
	agent_log_clear
	shim_start "$E2E_EMULATOR" - e2e-x
	eventually 10 shim_is_emulator
	same "$(threads_cpus "$shim")" "$E2E_CPU"
	kill "$shim"
	agent_start
	shim_start "$E2E_EMULATOR" - e2e-x
	eventually 10 shim_is_emulator
	same "$(threads_cpus "$shim")" "$E2E_CPU"
	kill "$shim"
	same "$(agent_log)" ""
}

@test "a cgroup that is no libvirt guest's: refused" {
	cgroup_make "${CGROUP%/*}/emulator"
	lie "$E2E_EMULATOR" "${CGROUP%/*}/emulator" e2e-x \
		"its cgroup /e2e-lies/emulator is no libvirt guest's"
	# The right name, but not the whole of it.
	cgroup_make "${CGROUP%/*}/qemu-1-e2e-x"
	cgroup_make "${CGROUP%/*}/qemu-1-e2e-x/emulator"
	lie "$E2E_EMULATOR" "${CGROUP%/*}/qemu-1-e2e-x/emulator" e2e-x "is no libvirt guest's"
}

@test "another guest's cgroup: refused" {
	guest_start e2e-a
	placed e2e-a "$E2E_CPU"
	policy_write "$POLICY" <<-EOF
		e2e-a $E2E_NODE cpus=$E2E_CPU
		e2e-* $E2E_NODE cpus=$E2E_OTHER_CPU
	EOF
	lie "$E2E_EMULATOR" "$(guest_cpuset e2e-a)/emulator" e2e-b \
		"another guest's: its command line says 'e2e-b'"
	lie "$E2E_EMULATOR" "$CGROUP/emulator" e2e-b "another guest's: its command line says 'e2e-b'"
	lie "$E2E_EMULATOR" "$CGROUP/emulator" e2e-xx "another guest's: its command line says 'e2e-xx'"
	pinned e2e-a "$E2E_CPU"
}

@test "a cgroup that is not root's: refused" {
	chown "$EMULATOR_UID" "$CGROUP"
	lie "$E2E_EMULATOR" "$CGROUP/emulator" e2e-x "belongs to uid $EMULATOR_UID, so it is not libvirt's"
	chown 0 "$CGROUP"
	chown "$EMULATOR_UID" "$CGROUP/emulator"
	lie "$E2E_EMULATOR" "$CGROUP/emulator" e2e-x "belongs to uid $EMULATOR_UID, so it is not libvirt's"
}

@test "a shim that others may write, or that is another's: refused" {
	shim_copy "$LIES/group"
	chgrp kvm "$LIES/group"
	chmod g+w "$LIES/group"
	lie "$LIES/group" "$CGROUP/emulator" e2e-x "$LIES/group: ignored: it may be written by others"
	shim_copy "$LIES/owned"
	chown "$EMULATOR_UID" "$LIES/owned"
	lie "$LIES/owned" "$CGROUP/emulator" e2e-x "$LIES/owned: ignored: it belongs to uid"
}

@test "a shim where others may put it: refused, whichever way leads there" {
	mkdir -m 777 "$LIES/open"
	shim_copy "$LIES/open/copy"
	lie "$LIES/open/copy" "$CGROUP/emulator" e2e-x "its directory may be written by others"
	shim_copy "$LIES/shim"
	ln "$LIES/shim" "$LIES/open/link"
	lie "$LIES/open/link" "$CGROUP/emulator" e2e-x "its directory may be written by others"
	mkdir -m 1777 "$LIES/sticky"
	shim_copy "$LIES/sticky/copy"
	lie "$LIES/sticky/copy" "$CGROUP/emulator" e2e-x "its directory may be written by others"

	ln -s "$LIES/open/copy" "$LIES/symlink"
	lie "$LIES/symlink" "$CGROUP/emulator" e2e-x "its directory may be written by others"
	chmod o+w "$LIES/shim"
	ln -s "$LIES/shim" "$LIES/open/symlink"
	lie "$LIES/open/symlink" "$CGROUP/emulator" e2e-x "$LIES/shim: ignored: it may be written by others"
}

@test "a shim whose file was replaced meanwhile: refused" {
	before=$(cpusets)
	shim_copy "$LIES/shim"
	agent_signal STOP
	shim_start "$LIES/shim" "$CGROUP/emulator" e2e-x
	eventually 4 agent_has_client
	shim_copy "$LIES/new"
	mv "$LIES/new" "$LIES/shim"
	agent_signal CONT
	shim_refused "its executable $LIES/shim (deleted) is not there (any more)"

	# Nor does a file help that bears the name which the kernel makes then.
	agent_signal STOP
	shim_start "$LIES/shim" "$CGROUP/emulator" e2e-x
	eventually 4 agent_has_client
	rm "$LIES/shim"
	shim_copy "$LIES/shim (deleted)"
	agent_signal CONT
	shim_refused "its executable is no longer $LIES/shim (deleted)"

	# One that was moved to where others may write is judged there.
	mkdir -m 777 "$LIES/open"
	shim_copy "$LIES/shim"
	agent_signal STOP
	shim_start "$LIES/shim" "$CGROUP/emulator" e2e-x
	eventually 4 agent_has_client
	mv "$LIES/shim" "$LIES/open/shim"
	agent_signal CONT
	shim_refused "its directory may be written by others"
	same "$(cpusets)" "$before"
}

@test "who dies over his request, or becomes another program, is refused; the next is served" {
	before=$(cpusets)
	agent=$(agent_pid)
	agent_signal STOP
	shim_start "$E2E_EMULATOR" "$CGROUP/emulator" e2e-x
	eventually 4 agent_has_client
	kill -KILL "$shim"
	eventually 4 shim_ended
	agent_signal CONT
	agent_log_has "refused pid $shim (uid $EMULATOR_UID): "

	agent_signal STOP
	(
		echo "$BASHPID" >"$CGROUP/emulator/cgroup.procs"
		exec "${AS_EMULATOR[@]}" "$CLIENT" "$AGENT_SOCKET" become "$E2E_EMULATOR.real" \
			-name guest=e2e-x -S -display none -nodefaults -machine none -accel tcg
	) 3>&- &
	shim=$!
	eventually 4 agent_has_client
	eventually 4 shim_is_emulator
	agent_signal CONT
	agent_log_has "refused pid $shim (uid $EMULATOR_UID): its executable $E2E_EMULATOR.real is no qemu-kvm-shim"
	kill "$shim"
	same "$(cpusets)" "$before"

	guest_start e2e-next
	placed e2e-next "$E2E_CPU"
	same "$(agent_pid)" "$agent"
}

# agent_is_small - what it holds of memory (in KiB) and descriptors.
agent_is_small() {
	local proc hwm fds
	proc=/proc/$(agent_pid)
	hwm=$(status_field "$proc" VmHWM)
	fds=$(find "$proc/fd" -mindepth 1 | wc -l)
	echo "VmHWM $hwm, $fds descriptors"
	((${hwm% kB} < 16384 && fds < 100))
}

# flood_begin HOW COUNT - as a guest that was taken over: the emulator's user, in a
# cgroup of its own, which it cannot leave.
flood_begin() {
	local cgroup=${CGROUP%/*}/flood
	cgroup_make "$cgroup" || return 1
	in_cgroup "$cgroup" timeout 300 "$CLIENT" "$AGENT_SOCKET" "$@" \
		>"$BATS_TEST_TMPDIR/flood" 2>&1 3>&- &
	flood=$!
}

# flood_silent - 1000 connections that say nothing, always new ones.
flood_silent() {
	flood_begin silent 1000 && eventually 20 grep -q ready "$BATS_TEST_TMPDIR/flood"
}

flood_goes_on() {
	kill -0 "$flood"
}

# guest_starts_in_time - as if there were no flood.
guest_starts_in_time() {
	SECONDS=0
	guest_start e2e-flooded || return 1
	echo "# started in about $SECONDS s" >&3
	((SECONDS < 15)) || return 1
	placed e2e-flooded "$E2E_CPU"
}

@test "a flood of connections that say nothing delays no guest" {
	flood_silent
	guest_starts_in_time
	flood_goes_on
	agent_is_small
}

@test "a flood pushes out nobody who needs a moment to speak" {
	flood_silent
	for _ in {1..20}; do
		run -0 "$CLIENT" "$AGENT_SOCKET" hesitate hello
		same "$output" "guest-pinning 1 refused a message of 5 bytes is no request that this agent knows"
	done
	flood_goes_on
}

@test "a flood of requests delays no guest" {
	flood_begin garbage 1000000
	eventually 10 grep -q refused "$E2E_STATE/agent.log"
	guest_starts_in_time
	flood_goes_on
	agent_is_small
}

# refusals_counted - those that the agent has logged, and those of which it has said
# how many there were.
refusals_counted() {
	agent_log | awk '/: refused / { sum++ }
		/more refusals were not logged/ { sum += $2 }
		END { print sum }'
}

refusals_are() {
	(($(refusals_counted) == $1))
}

@test "20000 messages of garbage are refused one by one, and cost nothing for good" {
	agent_stop # it may still have to say how many of another test's there were
	agent_start
	agent_log_clear
	agent=$(agent_pid)
	flood_begin garbage 20000
	wait "$flood"
	same "$(<"$BATS_TEST_TMPDIR/flood")" 20000

	# The log does not grow with them, and yet none is forgotten in it.
	eventually 5 refusals_are 20000 || {
		echo "the log counts $(refusals_counted):"
		agent_log | grep -v ": refused " | tail -n 5
		return 1
	}
	agent_log | grep -qE '^guest-pinningd: [0-9]+ more refusals were not logged$'
	(($(stat -c %s "$E2E_STATE/agent.log") < 1000000))
	agent_is_small
	same "$(agent_pid)" "$agent"
	guest_start e2e-after
	placed e2e-after "$E2E_CPU"
}

@test "the agent has two capabilities, gets no other, and speaks to the group kvm" {
	proc=/proc/$(agent_pid)
	for set in CapPrm CapEff CapBnd; do
		same "$set $(status_field "$proc" "$set")" "$set 0000000000880000" # cap_sys_ptrace, cap_sys_nice
	done
	for set in CapInh CapAmb; do
		same "$set $(status_field "$proc" "$set")" "$set 0000000000000000"
	done
	same "$(status_field "$proc" NoNewPrivs)" 1
	same "$(stat -c '%F %a %U:%G' "$AGENT_SOCKET")" "socket 660 root:kvm"
	same "$(stat -c '%F %a %U:%G' "$AGENT_DIRECTORY")" "directory 755 root:root"
}
