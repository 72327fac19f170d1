#!/usr/bin/env bats
# guest-pinning match and check, and how the tool is used.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # output, status and stderr are set by lib.bash

load lib

setup() {
	work_make
	# Nor the host's guests.
	libvirt_is_down
	CPU=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	NODE=$(numactl --show | sed -n 's/^nodebind: \([0-9]*\).*/\1/p')
	NODE=${NODE:-0}
}

# plain - the output without what stands below a problem: the line, the mark, a suggestion.
plain() {
	grep -v '^    ' <<<"$output"
}

# json FILTER - what jq makes of the output, on one line.
json() {
	jq -c "$1" <<<"$output"
}

## match

@test "match: a placed guest" {
	policy '# comment' "web* $NODE cpus=$CPU mem=interleave env=A=b best-effort"
	works "$TOOL" match web1
	equal "$output" "guest: web1
rule: $WORK/policy:2: web*
cpus: $CPU
memory: interleave $NODE
option: env=A=b
option: best-effort"
	equal "$stderr" ""
}

@test "match: several names, one without a rule, one refused" {
	policy "web* $NODE cpus=$CPU" 'db 1023' 'rt - nonsense'
	works "$TOOL" match web1 other
	equal "$output" "guest: web1
rule: $WORK/policy:1: web*
cpus: $CPU
memory: bind $NODE

guest: other
rule: none"
	fails 1 "$TOOL" match other db
	has "$output" "error: $WORK/policy:2: node 1023"
	fails 1 "$TOOL" match rt
	has "$output" "error: $WORK/policy:3: unknown option 'nonsense'"
}

@test "match: the very words of the shim's dry run" {
	local name
	policy "web* $NODE cpus=$CPU" "db $NODE mem=local env=A=b" 'rt 1023' 'be 1023 best-effort' \
		'bad 0 x' 'env - env=X=y' '- -' '"a b" all'
	for name in web1 db rt be bad env other - 'a b' $'\e[31m\n'; do
		capture "$TOOL" match -- "$name"
		local match=$output
		QEMU_KVM_SHIM_REAL=$STANDIN capture "$SHIM" --shim-dry-run -name "guest=$name"
		equal "$match" "$(sed '/^exec: /,$d' <<<"$output")"
	done
}

@test "match: no policy, and one that must not be trusted" {
	works "$TOOL" match web1
	equal "$output" "guest: web1
rule: none"
	policy '* -'
	chmod 666 "$WORK/policy"
	fails 1 "$TOOL" match web1
	has "$output" "rule: none
warning: $WORK/policy: ignored: "
}

@test "match --json: each key, with its type" {
	policy "web* $NODE cpus=$CPU mem=interleave env=A=b best-effort" 'local - mem=local' 'db 1023' \
		'be 1023 best-effort' 'free -'
	fails 1 "$TOOL" match --json web1 local db be free other
	valid match
	equal "$(json 'type, length')" $'"array"\n6'
	equal "$(json 'map(keys) | unique')" \
		'[["cpus","error","guest","huge_pages","interrupts","memory","options","rule","warnings"]]'
	equal "$(json '.[0]')" "$(jq -cn --arg file "$WORK/policy" --arg cpu "$CPU" --arg node "$NODE" \
		'{guest: "web1", rule: {file: $file, line: 1, glob: "web*"}, cpus: $cpu,
		memory: {mode: "interleave", nodes: $node}, huge_pages: null, interrupts: null,
		options: ["env=A=b", "best-effort"], warnings: [], error: null}')"
	equal "$(json '.[1] | [.cpus, .memory]')" '[null,{"mode":"local","nodes":null}]'
	equal "$(json '.[2] | [.guest, .rule.line, .cpus, .memory, .warnings]')" '["db",3,null,null,[]]'
	has "$(json '.[2].error')" 'node 1023'
	equal "$(json '.[3] | [.error, (.warnings | length)]')" '[null,1]'
	equal "$(json '.[4] | [.cpus, .memory, .rule.glob]')" '[null,null,"free"]'
	equal "$(json '.[5] | [.guest, .rule, .options, .error]')" '["other",null,[],null]'
}

@test "match: what becomes of interrupts, and a device that is not there" {
	policy "web* - cpus=$CPU isolate nice=-5 sched=fifo:2" "db - irq=no-such-device@$CPU" \
		"lo - irq=lo@$CPU best-effort" 'cpus - irq=eth0'
	works "$TOOL" match web1
	has "$output" "other interrupts kept off CPUs: $CPU"
	has "$output" $'option: isolate\noption: nice=-5\noption: sched=fifo:2'
	works "$TOOL" match --json web1
	equal "$(json '.[0].interrupts')" "{\"devices\":[],\"isolated\":\"$CPU\"}"
	fails 1 "$TOOL" match db
	has "$output" "$WORK/policy:2: irq=no-such-device@$CPU: this host has no network interface, block device or PCI device 'no-such-device'"
	fails 1 "$TOOL" match lo
	has "$output" "warning: $WORK/policy:3: irq=lo@$CPU: 'lo' has no interrupts"
	fails 1 "$TOOL" check
	has "$output" "$WORK/policy:2: irq=no-such-device@$CPU: this host has no "
	has "$output" "$WORK/policy:3: irq=lo@$CPU: 'lo' has no interrupts"
	fails 1 "$TOOL" match cpus
	has "$output" "$WORK/policy:4: irq=eth0 needs CPUs"
}

@test "match --json: options anywhere, a name that looks like one, hostile names" {
	local name=$'\e[31m\n\xff"\\\xc3\xa9'
	policy '* -'
	works "$TOOL" match web1 --json
	equal "$(json '.[].guest')" '"web1"'
	works "$TOOL" match --json -- --json
	equal "$(json '.[].guest')" '"--json"'
	works "$TOOL" match --json "$name"
	equal "$(jq -r '.[].guest' <<<"$output")" '\x1b[31m\x0a\xff"\é'
	works "$TOOL" match "$name"
	equal "$(head -n 1 <<<"$output")" 'guest: \x1b[31m\x0a\xff"\é'
}

## check

@test "check: a policy in order" {
	policy "web* $NODE" '' '# comment' 'db - env=A=b'
	works "$TOOL" check
	equal "$output" "rules: 2, errors: 0, warnings: 0"
	works "$TOOL" check "$WORK/policy"
	equal "$output" "rules: 2, errors: 0, warnings: 0"
	equal "$stderr" ""
}

@test "check: the sample, as it is and with its examples uncommented" {
	local sample=$BATS_TEST_DIRNAME/../../policy/guest-pinning.conf count
	cp "$sample" "$WORK/policy"
	chmod 600 "$WORK/policy"
	works "$TOOL" check
	equal "$output" "rules: 0, errors: 0, warnings: 0"
	sed -i '/^# GLOB  *NODES  *OPTIONS$/,$ s/^#\([^ ]\)/\1/' "$WORK/policy"
	count=$(grep -c '^[^#]' "$WORK/policy")
	((count >= 5))
	# A host may lack their nodes and CPUs, but nothing else may be wrong with them.
	capture "$TOOL" check
	equal "$(plain | grep -vE "^$WORK/policy:[0-9]*: (irq=[a-z0-9]*@7: )?((node|CPU) [0-9]* of '.*' does not exist: |this host has no )" |
		sed 's/errors: [0-9]*/errors: some/')" "rules: $count, errors: some, warnings: 0"
	# And on a host with all of them, nothing at all.
	sed -i 's/ [0-9][0-9-]*\( \|$\)/ all\1/; s/cpus=[^ ]*/cpus=all/; s/irq=eth4@7 //; s/@7/@all/; /mem=preferred/s/+0/-/; s/mem=preferred //' \
		"$WORK/policy"
	works "$TOOL" check
	equal "$output" "rules: $count, errors: 0, warnings: 0"
}

@test "check: every problem, as FILE:LINE: what, in order, exit status 1" {
	mkdir "$WORK/policy.d"
	policy 'a 1023' "b $NODE nonsense" 'c' "d $NODE" '"e 0' $'f\x80 0 cpus=1-0' "g auto" \
		"h $NODE mem=x" '- env=A=b'
	echo 'i 010' >"$WORK/policy.d/1.conf"
	fails 1 "$TOOL" check
	equal "$(plain | cut -d ' ' -f 1)" "$WORK/policy:1:
$WORK/policy:2:
$WORK/policy:3:
$WORK/policy:5:
$WORK/policy:6:
$WORK/policy:7:
$WORK/policy:8:
$WORK/policy:9:
$WORK/policy.d/1.conf:1:
rules:"
	has "$output" "rules: 10, errors: 9, warnings: 0"
	equal "$stderr" ""
}

@test "check: rules that an earlier one covers are warnings, exit status 0" {
	mkdir "$WORK/policy.d"
	policy 'web1 -' 'web* -' 'web2 -' 'w?b -' 'web1 -' 'db -' '@(a|b) -'
	echo 'b -' >"$WORK/policy.d/1.conf"
	echo '* -' >"$WORK/policy.d/2.conf"
	works "$TOOL" check
	has "$output" "$WORK/policy:3: warning: 'web2' can never match: 'web*' of $WORK/policy:2 covers it"
	has "$output" "$WORK/policy:5: warning: 'web1' can never match: 'web1' of $WORK/policy:1 covers it"
	equal "$(tail -n 1 <<<"$output" | sed 's/warnings: .*//')" "rules: 9, errors: 0, "
	run ! grep -E 'policy:[12467]: |2.conf' <<<"$(plain)"
}

@test "check: files named, several, missing, and with blanks in their names" {
	policy "web $NODE"
	echo 'x nonsense' >"$WORK/a b"
	fails 1 "$TOOL" check "$WORK/policy" "$WORK/a b"
	has "$output" "$WORK/a b:1: "
	has "$output" "rules: 2, errors: 1, warnings: 0"
	fails 1 "$TOOL" check "$WORK/none"
	has "$output" "$WORK/none: there is no such file"
	cd "$WORK"
	fails 1 "$TOOL" check -- -none
	fails 1 "$TOOL" check 'a b'
	has "$output" "a b:1: "
	works "$TOOL" check policy
}

@test "check: no policy is a warning; one that is ignored an error, named a warning" {
	works "$TOOL" check
	has "$output" "warning: $WORK/policy: there is no such file"
	policy "web $NODE"
	chmod 666 "$WORK/policy"
	fails 1 "$TOOL" check
	has "$output" "$WORK/policy: ignored: "
	works "$TOOL" check "$WORK/policy"
	has "$output" "warning: $WORK/policy: "
	has "$output" "rules: 1, errors: 0, warnings: 1"
	rm "$WORK/policy"
	mkdir "$WORK/policy"
	fails 1 "$TOOL" check
	mkfifo "$WORK/fifo"
	fails 1 "$TOOL" check "$WORK/fifo"
	has "$output" "$WORK/fifo: ignored: it is no regular file"
}

@test "check --json: each key, with its type" {
	policy 'a -' 'a -' 'b 1023' '"c'
	chmod 666 "$WORK/policy"
	fails 1 "$TOOL" check --json "$WORK/policy"
	valid check
	equal "$(json '.rules, .errors, .warnings')" $'4\n1\n2'
	equal "$(json '.problems | map([.severity, .line])')" \
		'[["warning",null],["error",4],["warning",2]]'
	equal "$(json '.problems[1].file')" "\"$WORK/policy\""
	policy 'a -'
	chmod 600 "$WORK/policy"
	works "$TOOL" check --json
	equal "$(json .)" \
		'{"rules":1,"errors":0,"warnings":0,"topology":null,"guests":null,"problems":[]}'
}

@test "check: a line too long, a NUL byte, no newline at the end, DOS line ends" {
	policy "long - env=A=$(printf '%4096s' '' | tr ' ' x)" 'ok -'
	printf 'nul\0 -\ndos -\r\n\r\nlast -' >>"$WORK/policy"
	fails 1 "$TOOL" check
	has "$output" "$WORK/policy:1: "
	has "$output" "$WORK/policy:3: "
	has "$output" "rules: 5, errors: 2, warnings: 0"
	works "$TOOL" match last dos
	equal "$(grep -c '^rule: /' <<<"$output")" 2
}

@test "100,000 rules: checked, matched and started in bounded time" {
	seq -f "guest-%06.0f-* $NODE env=A=b" 100000 >"$WORK/policy"
	echo 'last -' >>"$WORK/policy"
	local start=$SECONDS
	works "$TOOL" check
	equal "$output" "rules: 100001, errors: 0, warnings: 0"
	((SECONDS - start <= 15))
	start=$SECONDS
	works "$TOOL" match last
	has "$output" "policy:100001: last"
	QEMU_KVM_SHIM_REAL=$STANDIN works "$SHIM" -name last
	((SECONDS - start <= 5))
}

@test "20,000 rules that a long name gets far in: started in bounded time" {
	seq -f 'web-*.%06.0f.*.example.*' 20000 | sed "s/$/ $NODE env=A=b/" >"$WORK/policy"
	local start=$SECONDS name
	name=web-$(printf %1000s '' | tr ' ' .)
	QEMU_KVM_SHIM_REAL=$STANDIN works "$SHIM" -name "$name"
	equal "$stderr" ''
	QEMU_KVM_SHIM_REAL=$STANDIN works "$SHIM" -name "$name.020000.x.example."
	has "$stderr" "rule $WORK/policy:20000, "
	((SECONDS - start <= 15))
}

@test "100,000 rules: each of which is wrong, and each covered" {
	seq -f 'guest-%06.0f 1023' 100000 >"$WORK/policy"
	fails 1 "$TOOL" check
	equal "$(tail -n 1 <<<"$output")" "rules: 100000, errors: 100000, warnings: 0"
	{
		echo "* $NODE"
		seq -f "guest-%06.0f $NODE" 99999
	} >"$WORK/policy"
	works "$TOOL" check
	equal "$(tail -n 1 <<<"$output")" "rules: 100000, errors: 0, warnings: 99999"
}

## Usage

@test "usage: help and version on stdout, 0" {
	works "$TOOL" --help
	local verb
	for verb in match check install uninstall; do
		has "$output" $'\n'"  $verb "
	done
	equal "$stderr" ""
	works "$TOOL" --version
	[[ $output =~ ^guest-pinning\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "usage: wrong verbs and options are 2, named on stderr, nothing on stdout" {
	fails 2 "$TOOL"
	has "$stderr" $'\n'"  match "
	equal "$output" ""
	fails 2 "$TOOL" nonsense
	has "$stderr" "'nonsense'"
	fails 2 "$TOOL" --nonsense
	fails 2 "$TOOL" ''
	fails 2 "$TOOL" $'\e[31m'
	has_not "$stderr" $'\e'
	fails 2 "$TOOL" match
	has "$stderr" 'usage: guest-pinning match'
	fails 2 "$TOOL" match --json
	fails 2 "$TOOL" match --nonsense web1
	has "$stderr" "'--nonsense'"
	equal "$output" ""
	fails 2 "$TOOL" match -j web1
	fails 2 "$TOOL" match --json=x web1
	fails 2 "$TOOL" check --nonsense
	fails 2 "$TOOL" check -x
	fails 2 "$TOOL" install --json x
}

@test "usage: a wrong option is told by its own name" {
	local arguments
	while IFS='|' read -r arguments told; do
		# shellcheck disable=SC2086 # words
		fails 2 "$TOOL" $arguments
		equal "$arguments: $(head -n 1 <<<"$stderr")" "$arguments: guest-pinning: $told"
	done <<-'EOF'
		status -x|unknown option '-x'
		status -xy|unknown option '-x'
		status foo -xy|unknown option '-x'
		status foo -xy bar|unknown option '-x'
		match -j web1|unknown option '-j'
		match web1 --nonsense|unknown option '--nonsense'
		match web1 --nonsense=-x --json|unknown option '--nonsense=-x'
		match --json=x web1|option '--json' takes no argument
		check --topology|option '--topology' lacks its argument
		map -x --output|unknown option '-x'
	EOF
}

@test "usage: --help wherever an option may be" {
	local arguments help
	help=$("$TOOL" --help)
	for arguments in help 'status --help' 'status --json --help' 'match web1 --help' \
		'match web1 --nonsense --help' 'install --help' 'check --topology --help'; do
		# shellcheck disable=SC2086 # words
		works "$TOOL" $arguments
		equal "$arguments: $output" "$arguments: $help"
	done
	works "$TOOL" match -- --help
	has "$output" "guest: --help"
}

@test "output that cannot be written is 1, with a message" {
	policy "web* $NODE"
	closed() { "$TOOL" "$@" >&-; }
	full() { "$TOOL" "$@" >/dev/full; }
	local how names
	local -A told=([closed]='Bad file descriptor' [full]='No space left on device')
	names=$(seq -s ' ' -f 'guest-%g' 200)
	# shellcheck disable=SC2086 # words
	libvirt_has $names
	unwritten() {
		# shellcheck disable=SC2086 # words
		run $how $1
		equal "$how $1: $status" "$how $1: 1"
		has "$output" "guest-pinning: the output cannot be written: ${told[$how]}"
	}
	for how in closed full; do
		for arguments in 'match web1' 'match --json web1' check 'check --json' --help --version \
			"match $names" "match --json $names" 'match --all' 'match --all --json'; do
			unwritten "$arguments"
		done
	done
	# So much that it fails long before the end, when other calls have failed, too.
	seq -f 'guest-%06.0f 1023' 1000 >"$WORK/policy"
	for how in closed full; do
		unwritten check
		unwritten 'check --json'
	done
}

@test "environment: GUEST_PINNING_CONF, and without it the host's policy" {
	policy 'guest-pinning-test -'
	works "$TOOL" match guest-pinning-test
	has "$output" "rule: $WORK/policy:1"
	unset GUEST_PINNING_CONF
	capture "$TOOL" match guest-pinning-test
	has_not "$output" "$WORK"
	GUEST_PINNING_CONF='' capture "$TOOL" match guest-pinning-test
	has_not "$output" "$WORK"
}
