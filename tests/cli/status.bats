#!/usr/bin/env bats
# guest-pinning status and apply, as far as that takes neither libvirt nor root.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # output, status and stderr are set by lib.bash

# bats file_tags=host
load lib

setup() {
	work_make
	emulator_make
	CPU=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	NODE=$(numactl --show | sed -n 's/^nodebind: \([0-9]*\).*/\1/p')
	NODE=${NODE:-0}
	SCHEMA=$BATS_TEST_DIRNAME/../schema/check
	mkfifo "$WORK/hold"
	guests=()
}

teardown() {
	((${#guests[@]} > 0)) || return 0
	kill -KILL "${guests[@]}"
	wait "${guests[@]}" 2>/dev/null || true
}

# guest ARG... - an emulator that runs: the stand-in, which waits for a reader of what it
# would print.
guest() {
	"$EMULATOR" "$@" -D "$WORK/hold" >/dev/null 2>&1 3>&- &
	guests+=($!)
	until [[ $(readlink "/proc/$!/exe") == "$REAL" ]]; do
		kill -0 $! && sleep 0.01
	done
}

# json FILTER - what jq makes of the output, on one line.
json() {
	jq -c "$1" <<<"$output"
}

@test "status: a guest that is placed, in full and in JSON" {
	policy '# comment' "cli-web* $NODE cpus=$CPU nice=3"
	guest -name guest=cli-web1
	works "$TOOL" status --json cli-web1
	equal "$stderr" ""
	"$SCHEMA" status <<<"$output"
	equal "$(json '.[] | [.guest, .pid, .emulator, .verdict, .reason]')" \
		"[\"cli-web1\",${guests[0]},\"$REAL\",\"placed\",null]"
	equal "$(json '.[] | [.rule.file, .rule.line, .rule.glob, .wanted.cpus, .wanted.memory.mode, .cpus]')" \
		"[\"$WORK/policy\",2,\"cli-web*\",\"$CPU\",\"bind\",\"$CPU\"]"
	equal "$(json '.[].threads[] | [.id, .vcpu, .cpus, .nice, .placed]' | sort -u | head -n 1)" \
		"[${guests[0]},null,\"$CPU\",3,true]"
	works "$TOOL" status cli-web1
	has "$output" "cli-web1: placed"
	has "$output" "rule: $WORK/policy:2: cli-web*"
	has "$output" "process: ${guests[0]} $REAL"
	has_not "$output" because
}

@test "status: what is not as the rule says, and exit status 1" {
	policy "cli-web* - nice=3"
	guest -name guest=cli-web1
	guest -name guest=cli-db1
	works "$TOOL" status cli-web1 cli-db1
	renice -n 7 -p "${guests[0]}"
	fails 1 "$TOOL" status cli-web1 cli-db1
	has "$output" "cli-db1: no rule"
	has "$output" "because: thread 'qemu-kvm' (${guests[0]}) has nice 7"
	has "$output" ", wanted nice 3"
	has "$output" "wanted: nice 3"
	fails 1 "$TOOL" status --json cli-web1
	"$SCHEMA" status <<<"$output"
	equal "$(json '.[] | [.verdict, .wanted.cpus, .wanted.memory, .threads[0].placed]')" \
		'["unplaced",null,null,false]'
	equal "$(json '.[].wanted | [.nice, .scheduler, .realtime]')" '[3,null,null]'
	policy "cli-web1 $NODE nonsense"
	fails 1 "$TOOL" status cli-web1
	has "$output" "cli-web1: unplaced"
	has "$output" "because: unknown option 'nonsense'"
}

@test "status: without a policy there is no rule; of one that must not be trusted it tells" {
	guest -name guest=cli-web1
	works "$TOOL" status --json cli-web1
	"$SCHEMA" status <<<"$output"
	equal "$(json '.[] | [.verdict, .rule, .wanted]')" '["no rule",null,null]'
	policy "* $NODE nice=3"
	chmod 666 "$WORK/policy"
	fails 1 "$TOOL" status cli-web1
	has "$output" "cli-web1: unknown"
	has "$output" "because: $WORK/policy: ignored: "
}

@test "status: who bears no name, or one that would do something to the screen" {
	local safe name=$'\e[31m\n\xff"\\\xc3\xa9'
	policy 'nobody -'
	guest -m 1
	guest -name "guest=$name"
	works "$TOOL" status --json
	"$SCHEMA" status <<<"$output"
	equal "$(json ".[] | select(.pid == ${guests[0]}) | .guest")" null
	equal "$(jq -r ".[] | select(.pid == ${guests[1]}) | .guest" <<<"$output")" '\x1b[31m\x0a\xff"\é'
	for LC_ALL in C C.UTF-8; do
		safe='\x1b[31m\x0a\xff"\é'
		[[ $LC_ALL != C ]] || safe='\x1b[31m\x0a\xff"\\xc3\xa9'
		works "$TOOL" status
		equal "$(awk -v pid="${guests[1]}" '$2 == pid { print $1 }' <<<"$output")" "$safe"
		equal "$(awk -v pid="${guests[0]}" '$2 == pid { print $1 }' <<<"$output")" -
	done
	works "$TOOL" status "$name"
	has "$output" '\x1b[31m\x0a\xff"\é: no rule'
}

@test "status: marks that turn the direction of text do not reach a screen" {
	local name=$'\xe2\x80\xaeevil\xe2\x81\xa6 \xd8\x9c' safe='\xe2\x80\xaeevil\xe2\x81\xa6 \xd8\x9c'
	policy 'nobody -'
	guest -name "guest=$name"
	for LC_ALL in C C.UTF-8; do
		works "$TOOL" status
		has "$output" "$safe "
		works "$TOOL" status "$name"
		has "$output" "$safe: no rule"
	done
}

@test "status: who only asks an emulator what it can do is none, nor is any other program" {
	guest -S -machine none,accel=tcg -nodefaults
	cp "$STANDIN" "$WORK/program"
	"$WORK/program" -name guest=none -D "$WORK/hold" 3>&- &
	guests+=($!)
	works "$TOOL" status --json
	equal "$(json ".[] | select(.pid == ${guests[0]} or .pid == ${guests[1]})")" ""
	# With a name it is somebody's.
	guest -name cli-web1 -machine none
	works "$TOOL" status cli-web1
}

@test "status: a file that was replaced since is still the guest's" {
	guest -name guest=cli-web1
	cp "$REAL" "$REAL.new"
	mv "$REAL.new" "$REAL"
	works "$TOOL" status --json cli-web1
	equal "$(json '.[].emulator')" "\"$REAL (deleted)\""
}

@test "status, apply: names that nobody has, and wrong use" {
	policy 'nobody -'
	fails 1 "$TOOL" status nobody
	equal "$stderr" "guest-pinning: no guest 'nobody' runs on this host"
	fails 1 "$TOOL" status --json nobody
	equal "$output" "[]"
	fails 2 "$TOOL" status --json --watch
	has "$stderr" "--watch is for a screen: not with --json"
	fails 2 "$TOOL" status --nonsense
	fails 2 "$TOOL" apply
	has "$stderr" "usage: guest-pinning apply [--json] GUEST... | --all"
	fails 2 "$TOOL" apply --all cli-web1
	equal "$output" ""
}

@test "status, apply, map: a file of the policy that is ignored is a problem, whatever others say" {
	local verb
	policy "cli-web1 $NODE cpus=$CPU"
	guest -name guest=cli-web1
	works "$TOOL" status cli-web1
	mkdir "$WORK/policy.d"
	echo "* -" >"$WORK/policy.d/all.conf"
	chmod 666 "$WORK/policy"
	for verb in "status cli-web1" "status --json" status "apply --all" map; do
		((EUID == 0)) || [[ $verb != apply* ]] || continue
		# shellcheck disable=SC2086 # a verb and its argument
		fails 1 "$TOOL" $verb
		has "$stderr" "guest-pinning: $WORK/policy: ignored: it may be written by others"
	done
}

@test "status: on a narrow terminal columns are left out, and no number is cut" {
	policy "cli-web1 $NODE cpus=$CPU"
	guest -name guest=cli-web1
	local columns line
	for columns in 40 60 200; do
		capture script -qec "stty cols $columns; NO_COLOR=1 TERM=xterm '$TOOL' status" /dev/null
		line=$(grep '^cli-web1 ' <<<"$output")
		has "$line" " ${guests[0]} placed "
		has "$line" "100.0 %"
		if ((columns < 200)); then
			has "$output" "no room here for: "
			has_not "$(head -n 1 <<<"$output")" PAGES
		else
			has_not "$output" "no room here for: "
			has "$line" " policy:1 "
			has "$line" "$("$TOOL" status --json cli-web1 | jq -r '.[].memory.nodes[] | "\(.node):\(.pages)"')"
		fi
	done
}

@test "status, map: that it cannot be printed is a problem, and why is told" {
	local status number names=() arguments
	for number in {1..16}; do
		guest -name guest="cli-web$number"
		names+=("cli-web$number")
	done
	for arguments in "status cli-web1" status "status --json" "status ${names[*]}" map "map --json"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$TOOL" $arguments >/dev/full 2>"$WORK/stderr" || status=$?
		equal "$arguments: $status" "$arguments: 1"
		equal "$arguments: $(<"$WORK/stderr")" \
			"$arguments: guest-pinning: the output cannot be written: No space left on device"
	done
}

@test "apply: an ordinary user may not" {
	local user=()
	policy "cli-web1 $NODE cpus=$CPU"
	((EUID != 0)) || user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	fails 1 "${user[@]}" "$TOOL" apply cli-web1
	equal "$stderr" "guest-pinning: only root may move guests: do this as root"
	equal "$output" ""
}

## apply, by an agent of its own

# namespace - whether this host lets who is not root have one.
namespace() {
	local user=()
	((EUID == 0)) || user=(--user --map-root-user)
	unshare "${user[@]}" --mount -- true || ((EUID == 0))
}

# only_root - what there is to be seen without.
only_root() {
	fails 1 "$TOOL" apply --all
	equal "$stderr" "guest-pinning: only root may move guests: do this as root"
}

# with_agent COMMAND... - beside an agent; what that says is in $WORK/agent.log.
with_agent() {
	capture "$BATS_TEST_DIRNAME/agent_host" "$BUILD/guest-pinningd" "$WORK/policy" \
		"$WORK/agent.log" "$@"
}

@test "apply: what runs is brought to the policy, in words and in JSON" {
	namespace || {
		only_root
		return
	}
	policy 'nobody -'
	guest -name guest=cli-move1
	guest -name guest=cli-move2
	policy "cli-move* - cpus=$CPU nice=3"
	fails 1 "$TOOL" status cli-move1
	with_agent "$TOOL" apply cli-move1
	equal "$output" "cli-move1: was unplaced, is placed"
	equal "$status" 0
	equal "$stderr" ""
	works "$TOOL" status cli-move1
	equal "$(ps -o ni= -p "${guests[0]}" | tr -d ' ')" 3
	equal "$(taskset -cp "${guests[0]}")" "pid ${guests[0]}'s current affinity list: $CPU"
	with_agent "$TOOL" apply --json cli-move2
	equal "$status" 0
	"$SCHEMA" apply <<<"$output"
	equal "$(json '.[] | [.guest, .pid, .before, .after, .memory_moved, .error, .note]')" \
		"[\"cli-move2\",${guests[1]},\"unplaced\",\"placed\",0,null,null]"
	with_agent "$TOOL" apply cli-move2
	equal "$output" "cli-move2: placed as before"
	[[ ! -e $WORK/agent.log || $(<"$WORK/agent.log") != *socket* ]]
}

@test "apply: what a running guest cannot be given is told, and what the agent refuses" {
	namespace || {
		only_root
		return
	}
	policy 'nobody -'
	guest -name guest=cli-move1
	guest -name guest=cli-move2
	guest -name guest=cli-move3
	policy "cli-move1 - nice=3 thp=never" "cli-move2 1023" 'cli-no-such -'
	with_agent "$TOOL" apply cli-move1 cli-move2 cli-move3
	equal "$status" 1
	has "$output" "cli-move1: was "
	has "$output" "cli-move1: note: "
	has "$output" "cli-move2: unplaced as before"
	has "$output" "cli-move2: error: $WORK/policy:2: node 1023 of '1023' does not exist"
	has "$output" "cli-move3: no rule as before"
	with_agent "$TOOL" apply --json cli-move2
	"$SCHEMA" apply <<<"$output"
	has "$(json '.[].error')" "\"$WORK/policy:2: node 1023 of '1023' does not exist"
	with_agent "$TOOL" apply cli-nobody
	equal "$status" 1
	has "$stderr" "cli-nobody"
}

@test "apply: without an agent it is told what to do" {
	policy 'nobody -'
	guest -name guest=cli-move1
	policy "cli-move1 - nice=3"
	namespace || {
		only_root
		return
	}
	local user=()
	((EUID == 0)) || user=(--user --map-root-user)
	capture unshare "${user[@]}" --mount sh -c 'mount -t tmpfs tmpfs /run && exec "$@"' - \
		"$TOOL" apply cli-move1
	equal "$status" 1
	has "$output" "cli-move1: error: "
	has "$output" agent
}

@test "status --watch: draws again until nobody reads it" {
	policy 'nobody -'
	guest -name guest=cli-watch1
	# shellcheck disable=SC2016 # for that shell
	fails 1 bash -c '"$0" status --watch cli-watch1 >/dev/full' "$TOOL"
	has "$stderr" "No space left on device"
	# shellcheck disable=SC2016
	capture bash -c '"$0" status --watch cli-watch1 | grep -m 2 no.rule' "$TOOL"
	equal "$(wc -l <<<"$output")" 2
	[[ ${output%%$'\n'*} == "cli-watch1: no rule" ]]
}

@test "status --watch: what a terminal has no rows for is counted, what is not fine comes first" {
	local nice other first i
	nice=$(nice)
	other=$((nice == 19 ? 18 : nice + 1))
	policy 'nobody -'
	for ((i = 0; i < 30; i++)); do
		guest -name "guest=cli-$i"
	done
	guest -name guest=cli-late
	policy "cli-late - nice=$other" "cli-* - nice=$nice"
	capture script -qec "stty rows 24 cols 100; NO_COLOR=1 TERM=xterm timeout 5 '$TOOL' status --watch" /dev/null
	# What was drawn first.
	first=${output#*$'\e[H\e[J'}
	first=${first%%$'\e[H\e[J'*}
	first=${first//$'\r'/}
	first=${first%$'\n'}
	(($(wc -l <<<"$first") <= 23))
	[[ $first == GUEST*$'\n'"cli-late "*$'\n'cli-0\ *$'\n'"cli-late: "*$'\n... and '*' more placed'*' guests: '* ]]
	capture script -qec "stty rows 24 cols 100; NO_COLOR=1 TERM=xterm '$TOOL' status" /dev/null
	has "$output" "cli-29 "
	has_not "$output" " more placed"
}
