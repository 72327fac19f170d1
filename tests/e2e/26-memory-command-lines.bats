#!/usr/bin/env bats
# What a rule makes of command lines as libvirt writes them, for guests of many kinds:
# exactly what it asks for, and not a byte more.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"
# shellcheck source=tests/e2e/domains.bash
source "$BATS_TEST_DIRNAME/domains.bash"

# The command line of each domain, its words ended by NUL: NAME.argv.
setup_file() {
	local file
	export DOMAINS=$BATS_FILE_TMPDIR/domains
	mkdir "$DOMAINS"
	huge_pages_mount
	domains_write
	for file in "$DOMAINS"/*.xml; do
		libvirt_argv "$file" >"${file%.xml}.argv" || {
			echo "$file"
			return 1
		}
	done
}

teardown_file() {
	qemu_conf_restore
	huge_pages_restore
}

setup() {
	test_begin
	huge_pages_give 600
}

teardown() {
	guests_remove
	policy_clear
}

# words SHELL_WORDS - each as a shell reads it, ended by NUL.
words() {
	local list
	eval "list=($1)"
	printf '%s\0' "${list[@]}"
}

# libvirt_argv FILE - without the environment, which stands in front.
libvirt_argv() {
	local line
	line=$(vsh domxml-to-native qemu-argv --xml "$1") || return 1
	words "$E2E_EMULATOR${line#* "$E2E_EMULATOR"}"
}

# dry_run NAME - what the shim says of the command line of the domain.
dry_run() {
	local argv
	mapfile -t -d '' argv <"$DOMAINS/$1.argv"
	timeout 20 "${argv[0]}" --shim-dry-run "${argv[@]:1}"
}

# dry_argv NAME - the command line that the shim makes of it.
dry_argv() {
	local said
	said=$(dry_run "$1") || {
		echo "$said" >&2
		return 1
	}
	words "$(sed -n 's/^argv: //p' <<<"$said")"
}

# names - of all domains.
names() {
	local file
	for file in "$DOMAINS"/*.argv; do
		file=${file##*/}
		echo "${file%.argv}"
	done
}

rule() {
	policy_write "$POLICY" <<<"e2e-* - $*"
}

# all_become HUGE PREALLOC KSM - by the rule of the policy, see rewritten.jq.
all_become() {
	local name said count=0
	for name in $(names); do
		dry_argv "$name" >"$DOMAINS/$name.new" || return 1
		said=$(jq -n -r --rawfile before "$DOMAINS/$name.argv" \
			--rawfile after "$DOMAINS/$name.new" --argjson huge "$1" \
			--argjson prealloc "$2" --arg ksm "$3" \
			-f "$BATS_TEST_DIRNAME/rewritten.jq" 2>&1) || return 1
		[[ -z $said ]] || {
			printf '%s:\n%s\n' "$name" "$said"
			return 1
		}
		cmp -s "$DOMAINS/$name".{argv,new} || count=$((count + 1))
	done
	echo "# $count of $(names | wc -l) command lines are others" >&3
}

# objects - of all command lines, the memory objects in JSON, a line each.
objects() {
	cat "$DOMAINS"/*.argv | tr '\0' '\n' | grep -a '^{"qom-type":"memory-backend-'
}

@test "libvirt's command lines: all kinds of memory objects are there" {
	local type
	objects | jq -r '."qom-type" + if .reserve == false then " reserve=off" else "" end' |
		sort | uniq -c >"$BATS_TEST_TMPDIR/kinds"
	echo "# $(names | wc -l) command lines, objects: $(xargs <"$BATS_TEST_TMPDIR/kinds")" >&3
	(($(names | wc -l) >= 25))
	for type in ram file memfd; do
		grep -q "memory-backend-$type\$" "$BATS_TEST_TMPDIR/kinds"
	done
	grep -q "memory-backend-ram reserve=off" "$BATS_TEST_TMPDIR/kinds"
	objects | grep -q '"policy":"interleave"'
	objects | grep -q '"host-nodes":\['
	objects | grep -q '"share":true'
	objects | grep -q '"prealloc-threads":2'
	objects | grep -q '"id":"memdimm1"'
}

@test "without a memory option all stay as they are, byte for byte" {
	local name
	rule env=E2E=1
	for name in $(names); do
		dry_argv "$name" >"$DOMAINS/$name.new"
		cmp "$DOMAINS/$name".{argv,new}
	done
	rule hugepages=off thp=never
	for name in $(names); do
		dry_argv "$name" >"$DOMAINS/$name.new"
		cmp "$DOMAINS/$name".{argv,new}
	done
}

@test "hugepages=2M ksm=off: the objects of normal memory, -machine, and nothing else" {
	rule hugepages=2M ksm=off
	all_become 2097152 false off
	# Once more, of what has come out: each has the words once, and none normal memory.
	for name in $(names); do
		same "$name $(tr '\0' '\n' <"$DOMAINS/$name.new" | grep -c -x mem-merge=off)" "$name 1"
	done
	same "$(cat "$DOMAINS"/*.new | tr '\0' '\n' | grep -a '^{"qom-type":"memory-backend-ram"' |
		grep -v '"reserve":false')" ""
}

@test "hugepages=2M alone adds no words" {
	rule hugepages=2M
	all_become 2097152 false ""
}

@test "ksm=on alone: -machine, and objects that say otherwise" {
	rule ksm=on
	all_become 0 false on
}

@test "prealloc=on: the objects of normal memory and of memfd" {
	rule prealloc=on
	all_become 0 true ""
}

@test "what the check itself would find" {
	rule hugepages=2M ksm=on
	run ! all_become 2097152 false off
	run ! all_become 1073741824 false on
	rule hugepages=2M
	run ! all_become 2097152 false off
	rule prealloc=on
	run ! all_become 2097152 false ""
	rule ""
	run ! all_become 0 true ""
}

# The emulator itself reads what has become of the words: the guests that need no more
# than memory.
@test "guests of many kinds start on as many huge pages as the dry run says" {
	local name count=0 pages
	rule hugepages=2M ksm=off
	for name in q35 old-pc cells many-cells memnode dimms virtio-mem anonymous threads \
		odd-name own-object; do
		pages=$(dry_run "$name" | sed -n 's/^huge pages: \([0-9]*\) of 2M$/\1/p')
		vsh create --paused "$DOMAINS/$name.xml"
		# None where all of it is left as it is.
		same "$name $((600 - $(huge_pages_free)))" "$name ${pages:-0}"
		guests_destroy
		eventually 10 huge_pages_are 600
		count=$((count + 1))
	done
	echo "# $count guests" >&3
}
