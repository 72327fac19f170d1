#!/usr/bin/env bats
# guest-pinning doctor, on the machine that the tests run on, whatever that is like.

# shellcheck disable=SC2154 # output, status and stderr are set by lib.bash

# bats file_tags=host
load lib

setup() {
	work_make
	SCHEMA=$BATS_TEST_DIRNAME/../schema/check
}

json() {
	jq -c "$1" <<<"$output"
}

# examined ARGUMENT... - the verb must end as its own findings say.
examined() {
	capture "$TOOL" doctor --json "$@"
	"$SCHEMA" doctor <<<"$output"
	equal "$status" "$(json 'if .bad > 0 then 1 else 0 end')"
	equal "$stderr" ""
}

@test "doctor --json: holds to its schema, counts what it lists, exits by what is bad" {
	examined
	equal "$(json '[.bad, .notices, .unknown]')" \
		"$(json '.findings | [(map(select(.severity == "bad")), map(select(.severity == "notice")),
			map(select(.severity == "unknown"))) | length]')"
	equal "$(json '.findings | map([.topic, .name]) | length')" \
		"$(json '.findings | map([.topic, .name]) | unique | length')"
	equal "$(json '.findings[] | select(.name == "policy") | .severity')" '"notice"'
}

@test "doctor: what is on the screen is what is in the JSON" {
	local name severity
	examined
	local found=$output
	capture "$TOOL" doctor
	while IFS=$'\t' read -r severity name; do
		case $severity in
		skipped) continue ;;
		bad) severity=BAD ;;
		esac
		grep -qE "^  $severity +" <<<"$output"
		grep -qF " $name" <<<"$output"
	done < <(jq -r '.findings[] | [.severity, .name] | @tsv' <<<"$found")
	equal "$(grep -cE '^  (good|notice|BAD|unknown)  ' <<<"$output")" \
		"$(jq '.findings | map(select(.severity != "skipped")) | length' <<<"$found")"
	has "$(tail -n 1 <<<"$output")" "bad: $(jq .bad <<<"$found"), notices: $(jq .notices <<<"$found"), "
}

@test "doctor: 80 columns, but for commands, which stay whole" {
	capture "$TOOL" doctor --guests 100000
	equal "$(grep -v '^           \(fix: \|     \)' <<<"$output" | awk 'length > 80')" ""
	has "$output" "limits for 100000 guests ("
	COLUMNS=60 capture "$TOOL" doctor --guests 100000
	equal "$(grep '^ *why: \|^                [^ ]' <<<"$output" | awk 'length > 60')" ""
}

@test "doctor: a policy with an error is bad, and check the command for it" {
	policy "web* - nonsense"
	examined
	equal "$status" 1
	equal "$(json '.findings[] | select(.name == "policy") | [.severity, .commands]')" \
		'["bad",["guest-pinning check"]]'
	capture "$TOOL" doctor
	equal "$status" 1
	has "$output" $'  BAD      policy '
	has "$output" $'\n           fix: guest-pinning check\n'
}

@test "doctor: finds as many errors in the policy as check, of rules that this host cannot honour, too" {
	local errors rules
	for rules in 'bad* 1023' 'bad* 1023 best-effort' 'bad* all irq=none0' 'bad* all hugepages=2M' \
		'bad* - cpus=65535' 'bad* 1023 nonsense' 'good* all'; do
		policy "$rules" 'web* - nice=5'
		capture "$TOOL" check --json
		errors=$(json .errors)
		examined
		[[ $(json '.findings[] | select(.name == "policy") | .present') == "\"2 rules, $errors error"* ]]
		equal "$(json '.findings[] | select(.name == "policy") | .severity')" \
			"$( ((errors > 0)) && echo '"bad"' || echo '"good"')"
	done
}

@test "doctor: a rule with CPUs takes the agent, and one with huge pages a pool" {
	policy 'web* - env=A=b'
	examined
	[[ $(json '.findings[] | select(.name == "agent") | .severity') =~ good|skipped|unknown ]]
	policy 'web* all hugepages=2M'
	examined
	equal "$(json '.findings[] | select(.name == "huge pages of 2M") | .severity' | wc -l)" 1
	[[ $(json '.findings[] | select(.name == "agent") | .severity') =~ good|bad|unknown ]]
}

@test "doctor --guests: the limits are for so many" {
	examined --guests 1000000
	equal "$(json .guests.expected)" 1000000
	# No kernel counts terminals that far by default.
	equal "$(json '.findings[] | select(.name == "kernel.pty.max") | .severity')" '"bad"'
	has "$(json '.findings[] | select(.name == "kernel.pty.max") | .commands')" \
		'sysctl -w kernel.pty.max='
}

@test "doctor: changes nothing, opens nothing for writing" {
	policy "web* all hugepages=2M isolate"
	# The sanitizers cannot look for leaks in what is traced.
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 capture strace -f -qq -o "$WORK/trace" "$TOOL" doctor
	[[ $status == 0 || $status == 1 ]]
	# What is beyond is gcc's: what coverage counted.
	sed -i '/\.gcda"/,$d' "$WORK/trace"
	grep -q openat "$WORK/trace"
	run ! grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND' "$WORK/trace"
	run ! grep -E '^[0-9]+ +p?write(v|64|v2)?\(([03-9]|[12][0-9])' "$WORK/trace"
	run ! grep -E '^[0-9]+ +(creat|mkdir|unlink|rename|link|symlink|chmod|fchmod|chown|fchown|lchown|mknod|truncate|ftruncate|setxattr|mount|umount2|kill|tgkill|bpf|init_module|ioctl\([^,]*, [A-Z]*SET)[a-z0-9]*\(' \
		"$WORK/trace"
	run ! grep -E '(execve|sendto|sendmsg)\(.*' <(tail -n +2 "$WORK/trace")
}

@test "doctor: as nobody, what may not be read is unknown, not good" {
	local user=()
	((EUID != 0)) || user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	unset GUEST_PINNING_CONF
	# By a descriptor, for nobody may not be let into the directory.
	capture "${user[@]}" /proc/self/fd/9 doctor --json 9<"$TOOL"
	"$SCHEMA" doctor <<<"$output"
	equal "$(json '.findings[] | select(.name == "fs.inotify.max_user_instances") | .severity')" \
		'"unknown"'
}

@test "doctor: colours on a terminal alone, and not with NO_COLOR; the words are the same" {
	terminal() {
		TERM=xterm python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$TOOL" doctor --guests 256 \
			</dev/null | tr -d '\r'
	}
	unset NO_COLOR
	capture "$TOOL" doctor
	has_not "$output" $'\e'
	local plain coloured
	plain=$(NO_COLOR=1 terminal)
	has_not "$plain" $'\e'
	has "$plain" "limits for "
	coloured=$(terminal)
	has "$coloured" $'\e['
	# Numbers of what is in use change meanwhile.
	equal "$(sed $'s/\e\\[[0-9]*m//g; s/[0-9]//g' <<<"$coloured")" "${plain//[0-9]/}"
}

@test "doctor: wrong usage is 2" {
	local guests
	fails 2 "$TOOL" doctor web1
	has "$stderr" "usage: guest-pinning doctor [--json] [--guests N]"
	fails 2 "$TOOL" doctor --nonsense
	fails 2 "$TOOL" doctor --guests
	for guests in 0 -1 x 1x 01 1000001 ''; do
		fails 2 "$TOOL" doctor --guests "$guests"
		has "$stderr" "--guests takes a number from 1 to 1000000"
	done
	equal "$output" ""
}

@test "doctor: output that cannot be written is 1, with a message" {
	full() { "$TOOL" doctor "$@" >/dev/full; }
	run full
	equal "$status" 1
	has "$output" "cannot be written"
	run full --json
	equal "$status" 1
}
