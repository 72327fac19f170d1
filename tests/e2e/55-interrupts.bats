#!/usr/bin/env bats
# irq= and isolate: interrupts of the host are where a rule wants them for as long as its
# guest lives, and then where they were, however the guest, or the agent, has ended.
#
# The host must have a network interface and a disk with interrupts of their own (PCI, MSI),
# and those of the interface on more than one CPU, as they come.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"
# shellcheck source=tests/e2e/interrupts.bash
source "$BATS_TEST_DIRNAME/interrupts.bash"

GUEST_VCPU="<vcpu>1</vcpu>"
# Of one CPU, that the watch over so many guests may take.
MANY=256
SHARE_PERCENT=0.1

setup() {
	hand_pids=()
	affinities >"$BATS_TEST_TMPDIR/affinities"
	test_begin
	devices_find
}

# That all is as it was is part of every test.
teardown() {
	((${#hand_pids[@]} == 0)) || kill -KILL "${hand_pids[@]}"
	guests_remove
	policy_clear
	interrupts_given_back
}

# ranges NUMBER... - as the agent words them: "37-39,41".
ranges() {
	printf '%s\n' "$@" | awk '
		function out() { if (NR > 1) text = text (text != "" ? "," : "") first (last != first ? "-" last : "") }
		NR > 1 && $1 == last + 1 { last = $1; next }
		{ out(); first = last = $1 }
		END { NR++; out(); print text }'
}

## What is claimed

# back - all is as before, at once.
back() {
	as_before_within 2
}

rule() {
	policy_write "$POLICY" <<<"e2e-* $*"
}

# hand_begin GUEST - by hand, in the background.
hand_begin() {
	by_hand "$1" -machine none >"$BATS_TEST_TMPDIR/$1" 2>&1 &
	hand_pids+=($!)
}

# hand_start GUEST - until it is past the shim.
hand_start() {
	hand_begin "$1"
	eventually 10 is_emulator "${hand_pids[-1]}" || {
		cat "$BATS_TEST_TMPDIR/$1"
		return 1
	}
}

# hand_end - all that were started by hand.
hand_end() {
	kill "${hand_pids[@]}"
	wait "${hand_pids[@]}" || true # by the signal, where it came very early
	hand_pids=()
}

# watcher_pid - the agent's process that watches over interrupts: it alone waits by epoll.
watcher_pid() {
	local pid
	for pid in $(agent_pids); do
		! find "/proc/$pid/fd" -lname 'anon_inode:\[eventpoll\]' 2>/dev/null | grep -q . || echo "$pid"
	done
}

watcher_is_another() {
	local pid
	pid=$(watcher_pid)
	[[ $pid && $pid != "$1" ]]
}

## One guest

@test "irq=: all interrupts of the device are there while the guest lives" {
	rule "- irq=$NIC@$E2E_CPU"
	affinities_are_as_before
	[[ ! -e $STATE ]]
	guest_start e2e-irq
	only_moved "$E2E_CPU"
	unplaced e2e-irq # the guest's own CPUs are nobody's affair
	[[ -s $STATE ]]
	guest_log_has e2e-irq "guest 'e2e-irq': rule $POLICY:1, irq=$NIC@$E2E_CPU"
	agent_log_has "placed guest 'e2e-irq' (pid $(guest_pid e2e-irq)): rule $POLICY:1, irq=$NIC@$E2E_CPU"
	same "$(agent_log | wc -l)" 1
	run ! grep -F IRQ <(guest_log e2e-irq)
	vsh suspend e2e-irq
	vsh resume e2e-irq
	vsh reset e2e-irq
	libvirt_restart
	only_moved "$E2E_CPU"
	vsh destroy e2e-irq
	back
}

@test "irq= without CPUs: those of the rule" {
	rule "$E2E_NODE cpus=$E2E_CPU irq=$NIC"
	guest_start e2e-irq
	placed e2e-irq "$E2E_CPU"
	only_moved "$E2E_CPU"
}

@test "they are back after kill -9 of QEMU, after its own end, and where it fails to start" {
	rule "- irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	only_moved "$E2E_CPU"
	kill -KILL "$(guest_pid e2e-irq)"
	back

	guest_start e2e-irq
	only_moved "$E2E_CPU"
	vsh qemu-monitor-command e2e-irq '{"execute":"quit"}' || true # no answer may come
	back

	agent_log_clear
	run -1 by_hand e2e-irq -no-such-option
	agent_log_has "placed guest 'e2e-irq'"
	back
}

@test "somebody who has no rule, or none for interrupts, moves none" {
	policy_write "$POLICY" <<<"e2e-one $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-one
	placed e2e-one "$E2E_CPU"
	guest_start e2e-plain
	unplaced e2e-plain
	host_is_as_before
}

## The agent

@test "the agent ends: they are back at once, and there again with the next one" {
	rule "- irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	pid=$(guest_pid e2e-irq)
	only_moved "$E2E_CPU"
	agent_stop
	affinities_are_as_before
	same "$(guest_pid e2e-irq)" "$pid"
	agent_start
	eventually 2 only_moved "$E2E_CPU"
	vsh destroy e2e-irq
	back

	# One that ends meanwhile is not looked for.
	guest_start e2e-irq
	agent_stop
	vsh destroy e2e-irq
	affinities_are_as_before
	agent_start
	back
}

@test "the agent is killed: they stay, and the next one puts them back" {
	rule "- irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	agent_kill
	only_moved "$E2E_CPU"
	agent_start
	watcher_is_another 0
	only_moved "$E2E_CPU"
	vsh destroy e2e-irq
	back

	guest_start e2e-irq
	agent_kill
	vsh destroy e2e-irq
	only_moved "$E2E_CPU"
	agent_start
	back
}

@test "its watcher is killed: another one goes on, and serves" {
	rule "- irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	agent=$(agent_pid)
	watcher=$(watcher_pid)
	# systemd, as it stops the agent, sends this to all of its processes.
	kill -TERM "$watcher"
	kill -KILL "$watcher"
	agent_log_has "the watch over interrupts has ended (status 0x9), and is started again"
	only_moved "$E2E_CPU"
	hand_start e2e-at-once
	eventually 3 watcher_is_another "$watcher"
	same "$(agent_pid)" "$agent"
	hand_end
	only_moved "$E2E_CPU"
	vsh destroy e2e-irq
	back
}

## Who wants it, too

@test "what somebody else has set meanwhile is not undone, and the next guest has it again" {
	rule "- irq=$NIC@$E2E_CPU"
	guest_start e2e-irq
	affinity_set "${IRQS[0]}" "$E2E_OTHER_CPU"
	sleep 1 # some turns of the watch
	are_on "$E2E_OTHER_CPU" "${IRQS[0]}"
	are_on "$E2E_CPU" "${IRQS[@]:1}"
	vsh destroy e2e-irq
	eventually 2 are_on "$BEFORE" "${IRQS[@]:1}"
	are_on "$E2E_OTHER_CPU" "${IRQS[0]}"
	agent_log_has "IRQ ${IRQS[0]} has been set to CPUs $E2E_OTHER_CPU by somebody else"
	[[ ! -e $STATE ]]

	guest_start e2e-irq
	only_moved "$E2E_CPU"
	vsh destroy e2e-irq
	eventually 2 are_on "$BEFORE" "${IRQS[@]:1}"
	are_on "$E2E_OTHER_CPU" "${IRQS[0]}"
	affinity_set "${IRQS[0]}" "$BEFORE"
}

@test "what somebody else has set meanwhile is taken, too, by a guest that starts then" {
	policy_write "$POLICY" <<-EOF
		e2e-first  - irq=$NIC@$E2E_CPU
		e2e-second - irq=${FUNCTION##*/}@$E2E_CPU
	EOF
	guest_start e2e-first
	affinity_set "${IRQS[0]}" "$E2E_OTHER_CPU"
	hand_start e2e-second
	only_moved "$E2E_CPU"
	hand_end
	vsh destroy e2e-first
	eventually 2 are_on "$BEFORE" "${IRQS[@]:1}"
	are_on "$E2E_OTHER_CPU" "${IRQS[0]}"
	affinity_set "${IRQS[0]}" "$BEFORE"
}

@test "what somebody else has set while there was no agent is his, too" {
	rule "- irq=$NIC@$E2E_CPU"
	hand_start e2e-hand
	agent_kill
	affinity_set "${IRQS[0]}" "$E2E_OTHER_CPU"
	agent_start
	agent_log_has "IRQ ${IRQS[0]} has been set to CPUs $E2E_OTHER_CPU by somebody else"
	are_on "$E2E_CPU" "${IRQS[@]:1}"
	hand_end
	eventually 2 are_on "$BEFORE" "${IRQS[@]:1}"
	are_on "$E2E_OTHER_CPU" "${IRQS[0]}"
	affinity_set "${IRQS[0]}" "$BEFORE"
}

@test "two guests want it on other CPUs: the first has it, then the second" {
	policy_write "$POLICY" <<-EOF
		e2e-first  - irq=$NIC@$E2E_CPU
		e2e-second - irq=$NIC@$E2E_OTHER_CPU
	EOF
	guest_start e2e-first
	guest_start e2e-second
	only_moved "$E2E_CPU"
	guest_log_has e2e-second \
		"$POLICY:2: guest 'e2e-first' was first: IRQ $(ranges "${IRQS[@]}") stays as that has it"
	agent_log_has "guest 'e2e-second': rule $POLICY:2: guest 'e2e-first' was first"
	vsh destroy e2e-first
	eventually 2 only_moved "$E2E_OTHER_CPU" >/dev/null
	vsh destroy e2e-second
	back
}

@test "two guests want it on the same CPUs: both have it, and nothing is said" {
	rule "- irq=$NIC@$E2E_CPU"
	guest_start e2e-first
	guest_start e2e-second
	vsh destroy e2e-first
	sleep 1 # some turns of the watch
	only_moved "$E2E_CPU"
	same "$(guest_log e2e-second | grep qemu-kvm-shim:)" \
		"qemu-kvm-shim: guest 'e2e-second': rule $POLICY:1, irq=$NIC@$E2E_CPU"
	vsh destroy e2e-second
	back
}

## Which device

@test "a device goes by its PCI address, with and without the domain, too" {
	local name
	for name in "$NIC" "${FUNCTION##*/}" "${FUNCTION##*/*([0-9a-f]):}"; do
		rule "- irq=$name@$E2E_CPU"
		hand_start e2e-hand
			only_moved "$E2E_CPU"
		same "$(<"$BATS_TEST_TMPDIR/e2e-hand")" \
			"qemu-kvm-shim: guest 'e2e-hand': rule $POLICY:1, irq=$name@$E2E_CPU"
		hand_end
		back
	done
}

@test "a disk's interrupts that the kernel manages stay, and the guest's log tells" {
	local irq moved=() kept=()
	for irq in "${DISK_IRQS[@]}"; do
		if can_be_moved "$irq"; then moved+=("$irq"); else kept+=("$irq"); fi
	done
	((${#moved[@]} > 0))
	rule "- irq=$DISK@$E2E_CPU"
	guest_start e2e-disk
	are_on "$E2E_CPU" "${moved[@]}"
	if ((${#kept[@]} > 0)); then
		diff <(grep -wE "^($(tr ' ' '|' <<<"${kept[*]}"))" "$BATS_TEST_TMPDIR/affinities") \
			<(affinities | grep -wE "^($(tr ' ' '|' <<<"${kept[*]}"))")
		guest_log_has e2e-disk \
			"IRQ $(ranges "${kept[@]}") cannot be moved: the kernel manages it itself"
	fi
	vsh destroy e2e-disk
	back
}

## isolate

# isolated_from CPU [IRQ...] - no interrupt that can be moved, but for these, may be delivered
# to it, and nothing else has changed.
isolated_from() {
	local cpu=$1 irq before now
	shift
	while read -r irq before; do
		[[ " $* " != *" $irq "* ]] || continue
		now=$(affinity "$irq")
		if can_be_moved "$irq"; then
			before=$(without "$cpu" "$before")
		fi
		same "$irq $now" "$irq $before" || return 1
	done <"$BATS_TEST_TMPDIR/affinities"
}

# without CPU CPUS - as the kernel writes the list.
without() {
	local cpus
	mapfile -t cpus < <(awk -v RS=, -F - '{ for (cpu = $1; cpu <= $NF; cpu++) print cpu }' \
		<<<"$2" | grep -vx "$1")
	ranges "${cpus[@]}"
}

# disturbers CPU - the interrupts that come to it and cannot be moved.
disturbers() {
	local irq
	while read -r irq _; do
		if [[ $(</proc/irq/"$irq"/effective_affinity_list) == "$1" ]] && ! can_be_moved "$irq"; then
			echo "$irq"
		fi
	done <"$BATS_TEST_TMPDIR/affinities"
}

@test "isolate: all interrupts that can be moved keep off the rule's CPUs" {
	mapfile -t disturbers < <(disturbers "$E2E_CPU")
	rule "$E2E_NODE cpus=$E2E_CPU isolate"
	guest_start e2e-alone
	placed e2e-alone "$E2E_CPU"
	isolated_from "$E2E_CPU"
	guest_log_has e2e-alone ", cpus $E2E_CPU, memory bind $E2E_NODE, isolate"
	if ((${#disturbers[@]} > 0)); then
		guest_log_has e2e-alone \
			"IRQ $(ranges "${disturbers[@]}") cannot be moved: the kernel manages it itself"
	else
		run ! grep -F IRQ <(guest_log e2e-alone)
	fi
	vsh destroy e2e-alone
	back
}

@test "isolate and irq=: the guest's are on its CPUs, and no others; nobody brings more" {
	policy_write "$POLICY" <<-EOF
		e2e-alone  $E2E_NODE cpus=$E2E_CPU isolate irq=$NIC
		e2e-second - irq=$DISK@$E2E_CPU
	EOF
	guest_start e2e-alone
	are_on "$E2E_CPU"
	isolated_from "$E2E_CPU" "${IRQS[@]}"
	guest_start e2e-second
	are_on "$E2E_CPU"
	isolated_from "$E2E_CPU" "${IRQS[@]}"
	guest_log_has e2e-second "$POLICY:2: guest 'e2e-alone' was first: IRQ "
	vsh destroy e2e-alone
	eventually 2 are_on "$BEFORE"
	eventually 2 are_on "$E2E_CPU" "${DISK_IRQS[0]}"
	vsh destroy e2e-second
	back
}

@test "isolate of two guests, with which no CPU would be left: the first has its own" {
	policy_write "$POLICY" <<-EOF
		e2e-first  $E2E_NODE cpus=$E2E_CPU isolate
		e2e-second $E2E_NODE cpus=$E2E_OTHER_CPU isolate
	EOF
	hand_start e2e-first
	isolated_from "$E2E_CPU"
	hand_start e2e-second
	grep -F "stays where it is: no CPU that is online would be left for it" \
		"$BATS_TEST_TMPDIR/e2e-second"
	isolated_from "$E2E_CPU"
	hand_end
	back
}

@test "isolate on all CPUs: no interrupt moves, and the guest's log tells" {
	agent_stop # one that knows already which cannot be moved tells of these apart
	agent_start
	rule "$E2E_NODE cpus=$(</sys/devices/system/cpu/online) isolate"
	guest_start e2e-alone
	affinities_are_as_before
	mapfile -t irqs < <(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/affinities")
	guest_log_has e2e-alone \
		"IRQ $(ranges "${irqs[@]}") stays where it is: no CPU that is online would be left for it"
	vsh destroy e2e-alone
	back
}

## What cannot be had

@test "what is no device with interrupts, or no CPU: refused, and virsh shows it" {
	policy_write "$POLICY" <<-EOF
		e2e-nosuch  - irq=nosuch@$E2E_CPU
		e2e-pci     - irq=ff:1f.7@$E2E_CPU
		e2e-lo      - irq=lo@$E2E_CPU
		e2e-cpu     - irq=$NIC@4095
		e2e-none    - irq=$NIC
		e2e-alone   - isolate
		e2e-lenient - irq=nosuch@$E2E_CPU best-effort
	EOF
	refused e2e-nosuch "$POLICY:1" \
		"irq=nosuch@$E2E_CPU: this host has no network interface, block device or PCI device 'nosuch'"
	refused e2e-pci "$POLICY:2" "this host has no network interface, block device or PCI device 'ff:1f.7'"
	refused e2e-lo "$POLICY:3" "'lo' has no interrupts, for it is made of software"
	refused e2e-cpu "$POLICY:4" "irq=$NIC@4095: CPU 4095"
	refused e2e-none "$POLICY:5" "irq=$NIC needs CPUs, and '-' names none: irq=$NIC@CPUS"
	refused e2e-alone "$POLICY:6" "isolate needs CPUs, and '-' names none: add cpus="
	guest_start e2e-lenient
	unplaced e2e-lenient
	guest_log_has e2e-lenient "$POLICY:7: "
	guest_log_has e2e-lenient "or PCI device 'nosuch'; guest 'e2e-lenient' starts unplaced"
	host_is_as_before
}

@test "refused for something else: no interrupt stays moved" {
	rule "$E2E_NODE cpus=$E2E_CPU irq=$NIC"
	GUEST_XML="<cputune><vcpupin vcpu='0' cpuset='$E2E_OTHER_CPU'/></cputune>"
	refused e2e-irq "the guest's XML pins to CPUs $E2E_OTHER_CPU"
	back
	if real_time_by_cgroup; then
		GUEST_XML=
		rule "- irq=$NIC@$E2E_CPU sched=fifo:2"
		refused e2e-irq "sched= is refused"
		back
		rule "- irq=$NIC@$E2E_CPU sched=fifo:2 best-effort"
		guest_start e2e-irq
		back
	fi
}

@test "no agent: refused, or with best-effort a start with all interrupts where they are" {
	agent_stop
	policy_write "$POLICY" <<-EOF
		e2e-strict  - irq=$NIC@$E2E_CPU
		e2e-lenient - irq=$NIC@$E2E_CPU best-effort
	EOF
	refused e2e-strict "$POLICY:1" "$AGENT_SOCKET" "start guest-pinningd"
	guest_start e2e-lenient
	guest_log_has e2e-lenient "guest 'e2e-lenient' starts unplaced"
	affinities_are_as_before
	agent_start
	affinities_are_as_before
}

@test "by hand: root's guest gets what libvirt's does, an ordinary user's is refused" {
	rule "$E2E_NODE cpus=$E2E_CPU irq=$NIC"
	hand_start e2e-hand
	only_moved "$E2E_CPU"
	same "$(threads_cpus "${hand_pids[0]}")" "$E2E_CPU"
	hand_end
	back

	BY=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	refused_by_hand e2e-hand "$POLICY:1: uid 65534 may not speak to the agent"
	BY=(setpriv --reuid "$(emulator_uid)" --regid kvm --clear-groups)
	refused_by_hand e2e-hand "$POLICY:1: the agent refuses: its cgroup " " is no emulator's of libvirt"
	host_is_as_before
}

@test "the dry run shows what the rule says, and moves nothing" {
	rule "$E2E_NODE cpus=$E2E_CPU irq=$NIC irq=$DISK@$E2E_OTHER_CPU isolate"
	run -0 "$E2E_EMULATOR" --shim-dry-run -name e2e-dry
	grep -qx "option: irq=$NIC" <<<"$output"
	grep -qx "option: irq=$DISK@$E2E_OTHER_CPU" <<<"$output"
	grep -qx "option: isolate" <<<"$output"
	[[ $output != *error* ]]
	host_is_as_before
	same "$(agent_log)" ""
}

## What it costs

# watch_takes SECONDS - nanoseconds of CPU time, in so long.
watch_takes() {
	local pid before after
	pid=$(watcher_pid)
	read -r before _ <"/proc/$pid/schedstat"
	sleep "$1"
	read -r after _ <"/proc/$pid/schedstat"
	echo $((after - before))
}

# At a time no more than the agent holds requests of one cgroup (SERVER_HELD_SHARE).
many_start() {
	local guest
	for ((guest = 1; guest <= MANY; guest++)); do
		hand_begin "e2e-many-$guest"
		((guest % 8 != 0)) || eventually 10 is_emulator "${hand_pids[@]: -8}" || return 1
	done
}

@test "to watch over $MANY guests takes less than $SHARE_PERCENT % of one CPU, over none nothing" {
	agent_stop
	agent_start
	sleep 1
	none=$(watch_takes 3)
	rule "- irq=$NIC@$E2E_CPU"
	many_start
	only_moved "$E2E_CPU"
	sleep 2 # until what the last start has brought about is done
	many=$(watch_takes 20)
	is_emulator "${hand_pids[@]}"
	same "$(jq '.guests | length' "$STATE")" "$MANY"
	percent=$(awk -v taken="$many" 'BEGIN { printf "%.4f", taken / 20e9 * 100 }')
	echo "# the watch over interrupts, CPU time: with $MANY guests (real QEMU, by hand)" \
		"$((many / 1000)) us in 20 s, $percent % of one CPU; with none $none ns in 3 s" >&3
	awk -v percent="$percent" -v most="$SHARE_PERCENT" 'BEGIN { exit !(percent < most) }'
	same "$none" 0
	hand_end
	back
}
