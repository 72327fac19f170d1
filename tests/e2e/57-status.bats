#!/usr/bin/env bats
# guest-pinning status: where the guests are that run, and whether that is where their rules
# want them.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # stderr is set by run
# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"
# shellcheck source=tests/e2e/status.bash
source "$BATS_TEST_DIRNAME/status.bash"

TOOL=$E2E_STATE/programs/guest-pinning
ESCAPE=$'\e'

teardown() {
	hands_end
	guests_remove
	policy_clear
	huge_pages_restore
	[[ -e $E2E_EMULATOR.real ]] || tool install "$E2E_EMULATOR"
}

# seen_guests - the names of all that were seen, on one line.
seen_guests() {
	seen '[.[] | .guest // "-"] | join(" ")'
}

# threads_of PID - their numbers.
threads_of() {
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 -printf '%f\n'
}

# cells GUEST - of its line of the table, separated by one blank: pages and what the virtual
# CPUs ran on are of the moment.
cells() {
	awk -v guest="$1" '$1 == guest && NF > 2 { $1 = $1; print; exit }' <<<"$output"
}

# as_user COMMAND... - as one who is not root, and in no group of the agent's.
as_user() {
	timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# on_terminal COMMAND... - with stdin typed into it; the exit status of a signal is that of a
# shell.
on_terminal() {
	timeout 60 python3 -c '
import os, pty, sys
code = os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:]))
sys.exit(code if code >= 0 else 128 - code)' "$@"
}

## Through libvirt

@test "libvirt's guests: placed, each thread and page of them; and who has no rule" {
	policy_write "$POLICY" <<-EOF
		# The rules are in the lines after this one.
		e2e-a $E2E_NODE cpus=$E2E_CPU
		e2e-b $E2E_NODE cpus=$E2E_OTHER_CPU nice=5
	EOF
	status_of
	same "$seen" "[]"
	same "$ended" 0
	guest_start e2e-b
	guest_start e2e-plain
	guest_start e2e-a
	placed e2e-a "$E2E_CPU"
	status_of
	same "$ended" 0
	same "$(seen_guests)" "e2e-a e2e-b e2e-plain"
	same "$(seen '[.[] | .verdict] | join(",")')" "placed,placed,no rule"
	same "$(seen '.[0] | [.pid, .emulator, .reason, .note] | map(tostring) | join(" ")')" \
		"$(guest_pid e2e-a) $E2E_EMULATOR.real null null"
	same "$(seen '.[0].rule | "\(.file):\(.line): \(.glob)"')" "$POLICY:2: e2e-a"
	same "$(seen '.[0].wanted | "\(.cpus) \(.memory.mode) \(.memory.nodes) \(.huge_page)"')" \
		"$E2E_CPU bind $E2E_NODE 0"
	same "$(seen '.[0].cpus')" "$E2E_CPU"
	same "$(seen '[.[0].threads[] | .vcpu // empty] | sort | join(" ")')" "0 1"
	same "$(seen '[.[0].threads[] | .cpus, .placed] | unique | map(tostring) | join(" ")')" "true $E2E_CPU"
	# libvirt starts none, and QEMU none of a guest that does nothing.
	same "$(seen '.[0].threads[].id' | sort)" "$(threads_of "$(guest_pid e2e-a)" | sort)"
	same "$(seen '.[0].memory | "\(.policy) \(.on_wanted_nodes) \(.sampled) \(.huge_page)"')" \
		"bind:$E2E_NODE 1 false 0"
	same "$(seen '[.[0].memory.nodes[].node] | join(" ")')" "$E2E_NODE"
	same "$(seen '.[1].threads | map(.nice) | unique | join(" ")')" 5
	same "$(seen '.[2] | [.rule, .wanted, .reason, .memory.on_wanted_nodes, .threads[0].placed] | unique')" \
		"$(jq . <<<"[null]")"

	run -0 tool status
	same "$(head -n 1 <<<"$output" | xargs)" \
		"GUEST PID VERDICT RULE WANTED ACTUAL VCPUS ON MEMORY ON NODES PAGES"
	has "$(cells e2e-a)" "e2e-a $(guest_pid e2e-a) placed guest-pinning.conf:2 $E2E_CPU bind $E2E_NODE $E2E_CPU bind $E2E_NODE $E2E_CPU " " 100.0 % $E2E_NODE:"
	has "$(cells e2e-plain)" "e2e-plain $(guest_pid e2e-plain) no rule - - "
	[[ $(tail -n 1 <<<"$output") =~ ^[0-9]+\ guests:\ 2\ placed,\ [0-9]+\ no\ rule$ ]]
	[[ $output != *"$ESCAPE"* ]]
}

@test "by name: only these, in full; one that does not run is told of" {
	policy_write "$POLICY" <<<"e2e-a $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-a
	guest_start e2e-plain
	run -0 tool status e2e-a
	has "$output" "e2e-a: placed" "rule: $POLICY:1: e2e-a" "process: $(guest_pid e2e-a) $E2E_EMULATOR.real" \
		"wanted: $E2E_CPU bind $E2E_NODE" "actual: $E2E_CPU bind $E2E_NODE" "vCPUs: 0 on CPU $E2E_CPU, 1 on CPU $E2E_CPU" \
		"100.0 % of it on its nodes" "'CPU 1/TCG' may run on CPUs $E2E_CPU"
	[[ $output != *e2e-plain* && $output != *"not as the rule says"* ]]
	run -1 --separate-stderr tool status e2e-a no-such
	has "$output" "e2e-a: placed"
	same "$stderr" "guest-pinning: no guest 'no-such' runs on this host"
	run -1 --separate-stderr tool status --json no-such
	same "$output" "[]"
	same "$stderr" "guest-pinning: no guest 'no-such' runs on this host"
	run -1 --separate-stderr tool status $'\e[31m'
	same "$stderr" "guest-pinning: no guest '\\x1b[31m' runs on this host"
}

@test "started before there was a rule for it: unplaced, through libvirt and by hand" {
	guest_start e2e-before
	hand_start e2e-hand
	status_is e2e-before "no rule"
	status_is e2e-hand "no rule"
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	status_is e2e-before unplaced "threads may run elsewhere: '" " and others"
	same "$(seen '.[0].threads | map(.placed) | unique | join(" ")')" false
	has "$(seen '.[0].note')" "its memory policy is 'default', and 'bind:$E2E_NODE' from its next start on"
	status_is e2e-hand unplaced "threads may run elsewhere: '"
	run -1 tool status
	has "$(cells e2e-before)" " unplaced guest-pinning.conf:1 $E2E_CPU bind $E2E_NODE " " default "
	has "$output" $'\ne2e-before: unplaced: ' $'\ne2e-hand: unplaced: '
	[[ $(tail -n 1 <<<"$output") =~ ^[0-9]+\ guests:\ 2\ unplaced ]]
}

@test "the rule is malformed, or cannot be honoured: unplaced, and why" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-a
	hand_start e2e-hand
	policy_write "$POLICY" <<-EOF
		e2e-a    $E2E_NODE nonsense
		e2e-hand $E2E_NO_NODE
	EOF
	status_is e2e-a unplaced "unknown option 'nonsense'"
	same "$(seen '.[0] | .wanted, .rule.line' | xargs)" "null 1"
	status_is e2e-hand unplaced "node $E2E_NO_NODE"
	chmod 666 "$POLICY" # others may have written it
	run -1 --separate-stderr tool status e2e-a
	has "$output" "e2e-a: unknown" "because: $POLICY: ignored: "
	same "$stderr" "guest-pinning: $POLICY: ignored: it may be written by others (mode 0666): chmod go-w it"
	policy_clear
	status_is e2e-a "no rule"
}

## One thread of many

@test "one thread is moved away: drifted, and that thread is named" {
	policy_write "$POLICY" <<<"e2e-hand $E2E_NODE cpus=$E2E_CPU"
	hand_start e2e-hand
	status_is e2e-hand placed
	thread=$(thread_of "$hand_pid" "CPU 1/TCG")
	taskset -cp "$E2E_OTHER_CPU" "$thread"
	count=$(threads_of "$hand_pid" | wc -l)
	status_is e2e-hand drifted "1 of $count threads may run elsewhere: 'CPU 1/TCG' ($thread) on $E2E_OTHER_CPU"
	same "$(seen '.[0].threads[] | select(.placed == false) | "\(.id) \(.vcpu) \(.cpus)"')" \
		"$thread 1 $E2E_OTHER_CPU"
	run -1 tool status e2e-hand
	has "$output" "e2e-hand: drifted" "because: 1 of $count threads" \
		"thread: $thread 'CPU 1/TCG' may run on CPUs $E2E_OTHER_CPU, ran on "
	same "$(grep -c "(not as the rule says)" <<<"$output")" 1

	# A CPU more is too much, too; but where the rule gives both, one is not.
	taskset -cp "$E2E_CPU,$E2E_OTHER_CPU" "$thread"
	status_is e2e-hand drifted "'CPU 1/TCG' ($thread) on "
	policy_write "$POLICY" <<<"e2e-hand $E2E_NODE cpus=$E2E_CPU,$E2E_OTHER_CPU"
	status_is e2e-hand placed
}

@test "one thread has another priority: drifted, and that thread is named" {
	policy_write "$POLICY" <<-EOF
		e2e-node $E2E_NODE nice=5
		e2e-only - nice=5 sched=batch
	EOF
	hand_start e2e-node
	status_is e2e-node placed
	thread=$(thread_of "$hand_pid" "CPU 0/TCG")
	renice -n 7 -p "$thread"
	status_is e2e-node drifted "thread 'CPU 0/TCG' ($thread) has nice 7, scheduler other"
	same "$(seen '.[0].threads[] | select(.placed == false) | "\(.id) \(.nice)"')" "$thread 7"

	hand_start e2e-only
	status_is e2e-only placed
	thread=$(thread_of "$hand_pid" "CPU 1/TCG")
	chrt --other -p 0 "$thread"
	status_is e2e-only drifted "thread 'CPU 1/TCG' ($thread) has nice 5, scheduler other"
	chrt --rr -p 3 "$thread"
	status_is e2e-only drifted "has nice 5, scheduler rr, real-time priority 3"
	chrt --batch -p 0 "$thread"
	status_is e2e-only placed
	policy_write "$POLICY" <<<"e2e-only - nice=-3"
	status_is e2e-only unplaced "has nice 5"
}

## Memory

@test "huge pages are counted apart; a rule that asks for them later is no drift" {
	huge_pages_give 40
	policy_write "$POLICY" <<<"e2e-huge $E2E_NODE hugepages=2M"
	guest_start e2e-huge
	status_is e2e-huge placed
	same "$(seen '.[0] | "\(.wanted.huge_page) \(.memory.huge_page) \(.memory.on_wanted_nodes) \(.note)"')" \
		"2097152 2097152 1 null"
	same "$(seen '.[0].memory.nodes[] | "\(.node):\(.huge_pages)"')" "$E2E_NODE:$((GUEST_RAM_KIB / 2048))"
	(($(seen '.[0].memory.bytes') >= GUEST_RAM_KIB * 1024))
	run -0 tool status
	same "$(head -n 1 <<<"$output" | xargs -n 1 | tail -n 1)" HUGE
	has "$(cells e2e-huge)" "+$((GUEST_RAM_KIB / 2048)) $((GUEST_RAM_KIB / 2048)) of 2.0M"
	run -0 tool status e2e-huge
	has "$output" "huge pages: $((GUEST_RAM_KIB / 2048)) of 2.0M"

	policy_write "$POLICY" <<<"e2e-later $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-later
	policy_write "$POLICY" <<<"e2e-later $E2E_NODE cpus=$E2E_CPU hugepages=2M thp=never"
	status_is e2e-later placed
	has "$(seen '.[0].note')" "hugepages= counts from its next start on" "thp=never counts from its next start on"
	run -0 tool status e2e-later
	has "$output" "note: hugepages= counts from its next start on"
}

## Who is a guest

@test "hostile names are shown safely, and found; one without a name is a guest, too" {
	name=$'e2e-\e[31mred\nline\x7f'
	policy_write "$POLICY" <<<'"e2e-*" -'
	hand_start "$name"
	"$E2E_EMULATOR" -S -display none -nodefaults -accel tcg -machine q35 -m 64 </dev/null >/dev/null 2>&1 3>&- 9>&- &
	hand_pids+=($!)
	eventually 10 is_emulator "${hand_pids[-1]}"
	safe='e2e-\x1b[31mred\x0aline\x7f'
	status_of
	same "$(seen_guests)" "$safe -"
	same "$(seen '.[1] | "\(.pid) \(.guest) \(.verdict)"')" "${hand_pids[-1]} null no rule"
	for arguments in "" "$name"; do
		run -0 tool status ${arguments:+"$arguments"}
		has "$output" "$safe"
		[[ $(tr -d '\n' <<<"$output") != *[[:cntrl:]]* ]]
		[[ $output != *$'\nline'* ]]
	done
	status_is "$name" placed
}

@test "what only asks an emulator what it can do is no guest, nor what is none" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE"
	# As libvirt asks (qemuProcessQMPInit in its source), which leaves out the shim's rules, too.
	for machine in none none,accel=tcg type=none,accel=kvm:tcg; do
		"$E2E_EMULATOR" -S -no-user-config -nodefaults -nographic -machine "$machine" \
			-monitor none -serial none </dev/null >/dev/null 2>&1 3>&- 9>&- &
		hand_pids+=($!)
		eventually 10 is_emulator "${hand_pids[-1]}"
	done
	bash -c "exec -a '$E2E_EMULATOR' sleep 60 3>&- 9>&-" -name guest=e2e-sleep &
	hand_pids+=($!)
	status_of
	same "$seen" "[]"
	caps_forget
	vsh domcapabilities --emulatorbin "$E2E_EMULATOR" --virttype qemu >"$BATS_TEST_TMPDIR/capabilities" &
	asking=$!
	while kill -0 "$asking" 2>/dev/null; do
		status_of
		same "$seen" "[]"
	done
	wait "$asking"
	[[ -s $BATS_TEST_TMPDIR/capabilities ]]
}

@test "an emulator that was replaced since, and one whose shim is gone, is still a guest" {
	local keep=${E2E_EMULATOR%/*}/.e2e-keep
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU"
	guest_start e2e-old
	hand_start e2e-hand
	# As a package does it: under another name first.
	ln "$E2E_EMULATOR.real" "$keep"
	cp -a "$keep" "$keep.new"
	mv -fT "$keep.new" "$E2E_EMULATOR.real"
	run tool status --json
	ended_old=$status seen=$output
	seen_keep
	mv -fT "$keep" "$E2E_EMULATOR.real"
	same "$(seen '.[] | "\(.guest) \(.verdict) \(.emulator)"')" \
		"e2e-hand placed $E2E_EMULATOR.real (deleted)
e2e-old placed $E2E_EMULATOR.real (deleted)"
	same "$ended_old" 0

	hand_start e2e-more
	tool uninstall "$E2E_EMULATOR"
	status_of
	same "$(seen_guests)" "e2e-hand e2e-more e2e-old"
	same "$(seen 'map(.verdict) | unique | join(",")')" placed
	same "$(seen '.[1].emulator')" "$E2E_EMULATOR"
	# Nor does a shim make a guest.
	guest_start e2e-without
	status_is e2e-without unplaced "threads may run elsewhere"
	tool install "$E2E_EMULATOR"
	status_is e2e-without unplaced "threads may run elsewhere"
	status_is e2e-more placed
}

## Who asks

@test "an ordinary user sees what they may, without noise" {
	policy_write "$POLICY" <<-EOF
		e2e-a    $E2E_NODE cpus=$E2E_CPU
		e2e-nice - nice=5
		e2e-own  $E2E_NODE cpus=$E2E_CPU
	EOF
	guest_start e2e-a
	hand_start e2e-nice
	BY=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	hand_start e2e-own
	run -1 --separate-stderr as_user "$TOOL" status --json
	same "$stderr" ""
	schema_holds status <<<"$output"
	seen=$output
	seen_keep
	same "$(seen '.[] | "\(.guest) \(.verdict) \(.reason) \(.cpus)"')" \
		"e2e-a unknown its memory cannot be seen: do this as root $E2E_CPU
e2e-nice placed null $(status_field /proc/$$ Cpus_allowed_list)
e2e-own placed null $E2E_CPU"
	same "$(seen '.[0] | [.emulator, .memory] | unique | join(" ")')" ""
	same "$(seen '.[2] | "\(.emulator) \(.memory.on_wanted_nodes)"')" "$E2E_EMULATOR.real 1"
	run -1 --separate-stderr as_user "$TOOL" status
	same "$stderr" ""
	has "$(cells e2e-a)" " unknown guest-pinning.conf:1 $E2E_CPU bind $E2E_NODE $E2E_CPU $E2E_CPU - - -"
	run -0 --separate-stderr as_user "$TOOL" status e2e-nice e2e-own
	same "$stderr" ""
	# What is wrong with CPUs they see as well.
	policy_write "$POLICY" <<<"e2e-a $E2E_NODE cpus=$E2E_OTHER_CPU"
	run -1 --separate-stderr as_user "$TOOL" status e2e-a
	same "$stderr" ""
	has "$output" "threads may run elsewhere: '"
}

@test "to look changes nothing: no file is written, no process is touched, nobody is asked" {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_CPU nice=5"
	guest_start e2e-a
	hand_start e2e-hand
	taskset -cp "$E2E_OTHER_CPU" "$(thread_of "$hand_pid" "CPU 1/TCG")"
	agent_log_clear
	for arguments in "" --json e2e-hand; do
		# shellcheck disable=SC2086 # none, or one
		run -1 timeout 60 strace -f -o "$BATS_TEST_TMPDIR/trace" "$TOOL" status $arguments
		grep -q "/numa_maps\"\|\"numa_maps\"" "$BATS_TEST_TMPDIR/trace"
		grep -q "sched_getaffinity($hand_pid," "$BATS_TEST_TMPDIR/trace"
		run ! grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^[0-9]+ +(sched_set|setpriority|ioprio_set|migrate_pages|mbind|kill|tkill|tgkill|pidfd_send|ptrace|connect|sendto|sendmsg|unlink|rename|mkdir|rmdir|chmod|fchmod|chown|link|symlink|mknod|truncate|ftruncate|fork|vfork|clone)' \
			"$BATS_TEST_TMPDIR/trace"
		# To stdout and stderr alone.
		run ! grep -E '^[0-9]+ +p?write(v|64)?\(([^12]|[0-9]{2,}),' "$BATS_TEST_TMPDIR/trace"
	done
	same "$(agent_log)" ""
	status_is e2e-hand drifted "'CPU 1/TCG'"
}

## The screen

@test "colours on a terminal alone, and not with NO_COLOR" {
	policy_write "$POLICY" <<<"e2e-a $E2E_NODE cpus=$E2E_CPU"
	hand_start e2e-a
	hand_start e2e-plain
	export TERM=xterm COLUMNS=200
	run -0 on_terminal "$TOOL" status </dev/null
	has "$output" "${ESCAPE}[32mplaced" "${ESCAPE}[2mno rule"
	run -0 on_terminal "$TOOL" status e2e-a </dev/null
	has "$output" "e2e-a: ${ESCAPE}[32mplaced${ESCAPE}[0m"
	NO_COLOR=1 run -0 on_terminal "$TOOL" status </dev/null
	[[ $output != *"$ESCAPE"* && $output == *placed* ]]
	TERM=dumb run -0 on_terminal "$TOOL" status </dev/null
	[[ $output != *"$ESCAPE"* && $output == *placed* ]]
	run -0 "$TOOL" status
	[[ $output != *"$ESCAPE"* && $output == *placed* ]]
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE cpus=$E2E_OTHER_CPU"
	run -1 on_terminal "$TOOL" status </dev/null
	has "$output" "${ESCAPE}[33mdrifted" "${ESCAPE}[31munplaced" "e2e-a: ${ESCAPE}[33mdrifted${ESCAPE}[0m: "
}

# frames_are COUNT - so many, or more, have been drawn by now.
frames_are() {
	(($(grep -c "${ESCAPE}\[H${ESCAPE}\[J" "$BATS_TEST_TMPDIR/screen") >= $1))
}

# frame - the last one that was drawn to its end, which is a line with the sum of guests.
frame() {
	tac "$BATS_TEST_TMPDIR/screen" | sed -n '/^[0-9]* guests\?: /,/\x1b\[H\x1b\[J/p; /\x1b\[H\x1b\[J/q' | tac
}

frame_has() {
	has "$(frame)" "$@" >/dev/null
}

@test "--watch draws again and again in the same place, and ends with the interrupt key" {
	local thread watch
	policy_write "$POLICY" <<<"e2e-a $E2E_NODE cpus=$E2E_CPU"
	hand_start e2e-a
	thread=$(thread_of "$hand_pid" "CPU 1/TCG")
	export TERM=xterm COLUMNS=200
	mkfifo "$BATS_TEST_TMPDIR/keys"
	on_terminal "$TOOL" status --watch <"$BATS_TEST_TMPDIR/keys" >"$BATS_TEST_TMPDIR/screen" 3>&- &
	watch=$!
	exec 5>"$BATS_TEST_TMPDIR/keys"
	eventually 10 frame_has "1 placed"
	taskset -cp "$E2E_OTHER_CPU" "$thread"
	eventually 5 frame_has "1 drifted" "'CPU 1/TCG' ($thread) on $E2E_OTHER_CPU"
	frames_are 2
	taskset -cp "$E2E_CPU" "$thread"
	eventually 5 frame_has "1 placed"
	kill -0 "$watch"
	printf '\003' >&5
	exec 5>&-
	wait "$watch" || same "$?" 130
}

@test "--watch of one guest, and where there is no screen" {
	hand_start e2e-a
	run -124 timeout 5 "$TOOL" status --watch e2e-a
	same "$(grep -c '^e2e-a: no rule$' <<<"$output")" "$(grep -c '^ *process: ' <<<"$output")"
	(($(grep -c '^e2e-a: no rule$' <<<"$output") >= 2))
	[[ $output != *"$ESCAPE"* ]]
	run -2 tool status --watch --json
	has "$output" "--watch is for a screen: not with --json"
}
