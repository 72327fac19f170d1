#!/usr/bin/env bats
# guest-pinning match --all: libvirt's guests beside the rules. (tests/e2e/35-match-all.bats has
# the real libvirt.)

# shellcheck disable=SC2154 # output, status and stderr are set by lib.bash

# bats file_tags=host
load lib

setup() {
	work_make
	CPU=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
}

# json FILTER - what jq makes of the output, on one line.
json() {
	jq -c "$1" <<<"$output"
}

@test "all guests with their rules, those without, and the rules without a guest" {
	mkdir "$WORK/policy.d"
	policy "web* - cpus=$CPU" 'db -' 'web1 -' '"un used" -'
	echo 'late-* -' >"$WORK/policy.d/1.conf"
	libvirt_has web2 web1 late-1 'a b' zz
	works "$TOOL" match --all
	equal "$(sed 's/ *$//; s/  */ /g' <<<"$output")" "GUEST RULE GLOB CPUS MEMORY PROBLEM
a b - - - -
late-1 $WORK/policy.d/1.conf:1 late-* - -
web1 $WORK/policy:1 web* $CPU -
web2 $WORK/policy:1 web* $CPU -
zz - - - -

guests that no rule matches:
 a b
 zz

rules that no guest matches:
 $WORK/policy:2: db
 $WORK/policy:3: web1
 $WORK/policy:4: un used"
	equal "$stderr" ""
	equal "$(<"$WORK/virsh.asked")" '--quiet --readonly --connect qemu:///system list --all --name'
}

@test "a guest that cannot have its rule is a problem, exit status 1" {
	policy 'db 1023' 'be 1023 best-effort' 'bad - nonsense' 'web -' 'open" -'
	libvirt_has db be bad web
	fails 1 "$TOOL" match --all
	equal "$(grep -c ' node 1023 of ' <<<"$output")" 2
	has "$output" "unknown option 'nonsense'"
	has_not "$output" 'that no '
	libvirt_has web
	works "$TOOL" match --all
}

@test "--json: the objects of match, the names without a rule, the unused rules" {
	policy "web* - cpus=$CPU" 'db 1023' 'web1 -'
	libvirt_has web1 db other
	fails 1 "$TOOL" match --all --json
	valid match-all
	local all=$output
	equal "$(json '[.without_rule, .unused_rules]')" \
		"[[\"other\"],[{\"file\":\"$WORK/policy\",\"line\":3,\"glob\":\"web1\"}]]"
	fails 1 "$TOOL" match --json db other web1
	valid match
	equal "$(jq .guests <<<"$all")" "$(jq . <<<"$output")"
}

@test "no guests, no policy, names that are hostile" {
	libvirt_has
	policy 'a -'
	works "$TOOL" match --all
	equal "$output" "libvirt knows no guests

rules that no guest matches:
  $WORK/policy:1: a"
	works "$TOOL" match --all --json
	valid match-all
	rm "$WORK/policy"
	libvirt_has $'\e[31m\xff' --json
	works "$TOOL" match --all
	has_not "$output" $'\e'
	has "$output" $'\n\\x1b[31m\\xff '
	has "$output" $'\n--json '
	works "$TOOL" match --all --json
	valid match-all
	equal "$(json .without_rule)" '["\\x1b[31m\\xff","--json"]'
}

@test "marks that turn the direction of text do not reach a screen, whoever wrote them" {
	local mark=$'\xe2\x80\xae' safe='\xe2\x80\xae'
	policy "${mark}e* 1023 env=$mark"
	libvirt_has "${mark}evil"
	for LC_ALL in C C.UTF-8; do
		fails 1 "$TOOL" match --all
		has "$output" $'\n'"${safe}evil "
		has "$output" " ${safe}e* "
		has_not "$output" "$mark"
	done
}

@test "without virsh, or without an answer: a message, exit status 1" {
	policy 'a -'
	libvirt_is_down
	fails 1 "$TOOL" match --all
	equal "$output" ""
	one_line "$stderr"
	has "$stderr" "virsh has failed: does libvirt's daemon run?"
	rm "$WORK/bin/virsh"
	fails 1 env PATH="$WORK/bin" "$TOOL" match --all --json
	equal "$output" ""
	has "$stderr" "there is no virsh in PATH"
	fails 2 "$TOOL" match --all web1
	has "$stderr" "usage: guest-pinning match [--json] NAME... | --all"
	fails 2 "$TOOL" match
}

@test "match --all, check: while virsh takes its time the seconds are drawn, on a terminal alone" {
	local arguments
	policy "a* all"
	libvirt_has a1=1024
	sed -i '2i sleep 2.5' "$WORK/bin/virsh"
	for arguments in 'match --all --json' check; do
		capture script -qec "TERM=xterm '$TOOL' $arguments" /dev/null
		equal "$arguments: $status" "$arguments: 0"
		has "$output" $'\rasking libvirt for its guests: 1 s\e[K'
		has "$output" $'\rasking libvirt for its guests: 2 s\e[K'
	done
	works "$TOOL" check
	equal "$stderr" ""
}

@test "4096 guests and 4096 rules: in bounded time" {
	seq -f 'guest-%04.0f' 4096 >"$WORK/names"
	sed "s/\$/ - cpus=$CPU/; 1~2s/^guest-/*est-@(/; 1~2s/ /)* /" "$WORK/names" >"$WORK/policy"
	libvirt_has
	cp "$WORK/names" "$WORK/virsh.names"
	local start=$SECONDS
	works "$TOOL" match --all --json
	((SECONDS - start <= 15))
	equal "$(json '[(.guests | length), .without_rule, .unused_rules]')" '[4096,[],[]]'
}
