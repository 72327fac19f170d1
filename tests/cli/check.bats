#!/usr/bin/env bats
# guest-pinning check: the word that is meant, another host's topology, guests that libvirt knows.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # output, status and stderr are set by lib.bash

load lib

setup() {
	work_make
	libvirt_is_down
	unset COLUMNS
}

# json FILTER - what jq makes of the output, on one line.
json() {
	jq -c "$1" <<<"$output"
}

# topology FILE SYNTHETIC - as an administrator makes one on another host.
topology() {
	lstopo-no-graphics --of xml --input "$2" "$1"
}

## The word that is meant

@test "the line stands below a problem, and a mark under the word" {
	policy 'web* 1023' $'\trt-*\t0\thugepage=2M\t# comment' '"ümlaut ☃" 0 nonsense' '"open 0'
	fails 1 "$TOOL" check
	equal "$output" "$WORK/policy:1: node 1023 of '1023' does not exist: this host has node $(</sys/devices/system/node/online)
    web* 1023
         ^~~~
$WORK/policy:2: unknown option 'hugepage=2M' (there are cpus= mem= hugepages= ksm= thp= prealloc= irq= isolate nice= sched= env= best-effort)
            rt-*    0       hugepage=2M     # comment
                            ^~~~~~~~~~~
    did you mean 'hugepages='?
$WORK/policy:3: unknown option 'nonsense' (there are cpus= mem= hugepages= ksm= thp= prealloc= irq= isolate nice= sched= env= best-effort)
    \"ümlaut ☃\" 0 nonsense
                 ^~~~~~~~
$WORK/policy:4: a double quote is not closed
    \"open 0
    ^~~~~~~
rules: 4, errors: 4, warnings: 0"
}

@test "a rule that is covered is shown, too, as it is in the file" {
	policy 'web* -' $'  "web 1"\t- env=A="x y"'
	works "$TOOL" check
	has "$output" "$WORK/policy:2: warning: 'web 1' can never match: 'web*' of $WORK/policy:1 covers it
      \"web 1\"       - env=A=\"x y\"
      ^~~~~~~"
}

@test "each irq= that is not there is told, with a mark of its own" {
	policy 'web* - cpus=0 irq=no-such1 irq=vfio irq=no-such2@0'
	fails 1 "$TOOL" check
	equal "$(grep -c 'this host has no ' <<<"$output")" 2
	equal "$(grep '\^' <<<"$output")" \
		$'                  ^~~~~~~~~~~~\n                                        ^~~~~~~~~~~~~~'
}

@test "each word of a line that is not there is told, not the first alone" {
	policy 'web* 1023 cpus=1022 irq=no-such1@1021'
	fails 1 "$TOOL" check
	equal "$(grep -c '^    *^~' <<<"$output")" 3
	has "$output" "node 1023 of '1023' does not exist"
	has "$output" "CPU 1022 of '1022' does not exist"
	has "$output" "irq=no-such1@1021: "
}

# What keeps an administrator's shell to some CPUs (isolcpus=, CPUAffinity=) does not keep guests.
@test "check and match --all: CPUs that this shell may not use are there all the same" {
	local cpus
	cpus=$(</sys/devices/system/cpu/online)
	policy "web* - cpus=${cpus%%[-,]*}"
	works taskset -c "${cpus##*[-,]}" "$TOOL" check
	libvirt_has web1
	works taskset -c "${cpus##*[-,]}" "$TOOL" match --all
}

@test "a long line is cut to the width of the screen" {
	local width
	policy "web* 0 env=A=$(printf '%2000s' '' | tr ' ' x) nonsense env=B=$(printf '%2000s' '' | tr ' ' x)"
	for width in 40 80 200; do
		COLUMNS=$width fails 1 "$TOOL" check
		(($(grep '^    ' <<<"$output" | wc -L) <= width))
		equal "$(grep -c '^    \.\.\.x* nonsense .*\.\.\.$' <<<"$output")" 1
		equal "$(grep -o '\^.*' <<<"$output")" '^~~~~~~~'
	done
}

@test "--json: column and length in characters, a suggestion or null" {
	policy $'\t"ümlaut ☃" 0 cpu=1' 'web* 1023' 'web1 -' "long - env=A=$(printf '%4096s' '' | tr ' ' x)"
	fails 1 "$TOOL" check --json
	valid check
	equal "$(json '.problems[] | [.line, .column, .length, .suggestion]')" '[1,15,5,"cpus="]
[2,6,4,null]
[4,null,null,null]
[3,1,4,null]'
}

@test "the schema refuses what it does not know" {
	policy 'web* 1023'
	fails 1 "$TOOL" check --json
	valid check
	local good=$output change
	for change in '.more = 1' 'del(.guests)' '.problems[0].more = 1' '.problems[0].column = 0' \
		'.problems[0].column = null' '.problems[0].severity = "note"' 'del(.problems[0].text)'; do
		output=$(jq "$change" <<<"$good")
		run ! valid check
	done
}

## Another host's topology

@test "--topology: nodes and CPUs are those of that host" {
	topology "$WORK/host.xml" 'node:8 core:2 pu:1'
	policy 'a 7' 'b 8' 'c +7' 'd +8' 'e all' 'f !1' 'g 0 cpus=15' 'h 0 cpus=14-16' \
		'i ip:10.0.0.1' 'j netdev:no-such' 'k 0 hugepages=2M' 'l 0 mem=preferred'
	fails 1 "$TOOL" check --topology host.xml
	equal "$(grep -v '^    ' <<<"$output")" "$WORK/policy:2: node 8 of '8' does not exist: host.xml has node 0-7
$WORK/policy:4: '+8': only +0 to +7 exist, for host.xml has node 0-7
$WORK/policy:8: CPU 16 of '14-16' does not exist: host.xml has CPU 0-15
$WORK/policy:9: warning: 'ip:10.0.0.1': which node that is no topology tells
$WORK/policy:10: warning: host.xml does not tell whether there is a network interface 'no-such': see lstopo --whole-io
$WORK/policy:11: host.xml: there are no pages of 2M on node 0
rules: 12, errors: 4, warnings: 2"
	equal "$(grep '\^' <<<"$output")" '      ^
      ^~
        ^~~~~~~~~~
      ^~~~~~~~~~~
      ^~~~~~~~~~~~~~
        ^~~~~~~~~~~~'
	fails 1 "$TOOL" check --json --topology host.xml
	valid check
	equal "$(json '[.topology, .errors, .warnings]')" '["host.xml",4,2]'
}

@test "--topology: files are read whoever may write them here, and the host's own without one" {
	topology "$WORK/host.xml" 'node:4 core:1 pu:1'
	policy 'a 3'
	echo 'b 3' >"$WORK/other"
	chmod 666 "$WORK/other" "$WORK/policy"
	works "$TOOL" check --topology host.xml
	equal "$output" "rules: 1, errors: 0, warnings: 0"
	works "$TOOL" check --topology host.xml other policy
	equal "$output" "rules: 2, errors: 0, warnings: 0"
	fails 1 "$TOOL" check --topology host.xml none
	has "$output" "none: there is no such file"
}

# What is told of a policy for another host comes from its topology alone.
@test "--topology: this host is not asked" {
	topology "$WORK/host.xml" 'node:8 core:2 pu:1'
	policy 'a 7 cpus=15 irq=eth0 irq=vfio@15 isolate hugepages=2M' 'b all' 'c +0 cpus=+0'
	# LeakSanitizer does not work under ptrace.
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 capture strace -f -e trace=file,get_mempolicy,set_mempolicy,sched_getaffinity -o "$WORK/trace" \
		"$TOOL" check --topology host.xml
	equal "$status" 1
	has "$output" "rules: 3, errors: 1, warnings: 1"
	run ! grep -E 'libnuma|/sys/|get_mempolicy\(|set_mempolicy\(|sched_getaffinity\(|/etc/libvirt' "$WORK/trace"
}

@test "--topology: what is no topology is told by one line, before anything is checked" {
	policy 'a 0 nonsense'
	mkfifo "$WORK/fifo"
	echo '<?xml version="1.0"?><topology version="2.0"><object type="Machine"' >"$WORK/bad.xml"
	# hwloc 2.9 crashes by this one.
	echo '<!DOCTYPE a [<!ENTITY b "c">]><topology version="2.0">&b;</topology>' >"$WORK/worse.xml"
	# Without a CPU there is none.
	echo '<topology version="2.0"><object type="Machine" os_index="0" cpuset="0x1"/></topology>' \
		>"$WORK/empty.xml"
	local file
	for file in none.xml policy . fifo bad.xml worse.xml empty.xml; do
		fails 1 "$TOOL" check --topology "$file"
		equal "$output" ""
		one_line "$stderr"
		has "$stderr" "guest-pinning: $file: "
	done
	fails 2 "$TOOL" check --topology
	has "$stderr" "usage: guest-pinning check [--json] [--topology XML] [FILE...]"
}

@test "--topology of this host's own export: what check says of this host" {
	lstopo-no-graphics --whole-io --disallowed --of xml "$WORK/here.xml"
	policy 'a +0' 'b all' 'c 1023' 'd +0 cpus=8191' 'e +0 irq=no-such-device' 'f +0 mem=local'
	fails 1 "$TOOL" check
	local here
	here=$(grep -o '^.*policy:[0-9]*: ' <<<"$output")
	fails 1 "$TOOL" check --topology here.xml
	equal "$(grep -o '^.*policy:[0-9]*: ' <<<"$output" | sed 's/warning: //')" "$here"
}

## Guests that libvirt knows

@test "a guest with more memory than the nodes of its rule is a warning" {
	local node
	node=$(numactl --show | sed -n 's/^nodebind: \([0-9]*\).*/\1/p')
	libvirt_has db1=4294967296 web1=1024 other=4294967296 soft=4294967296 free=4294967296
	policy "web* $node" "soft $node mem=local" 'free -' "db* $node"
	works "$TOOL" check
	has "$output" "$WORK/policy:4: warning: guest 'db1', as libvirt has it here, is of 4.0T, and the rule's nodes have "
	equal "$(grep -A 1 'db\* ' <<<"$output")" "    db* $node
        ^"
	equal "$(tail -n 1 <<<"$output")" "rules: 4, errors: 0, warnings: 1"
	equal "$(<"$WORK/virsh.asked")" '--quiet --readonly --connect qemu:///system domstats --balloon --raw --nowait'
	works "$TOOL" check --json
	valid check
	equal "$(json '[.guests, .problems[0].line, .problems[0].column]')" '[5,4,5]'
}

@test "memory is compared with another host's nodes, and with its huge pages" {
	topology "$WORK/host.xml" 'node:2(memory=1073741824) core:1 pu:1'
	libvirt_has db1=1048576 db2=1048577 "it's"=3145728 huge=8
	policy 'db* 0' "it's 0-1" 'huge 0 hugepages=4k'
	works "$TOOL" check --topology host.xml
	equal "$(grep -v '^    ' <<<"$output")" "$WORK/policy:1: warning: guest 'db2', as libvirt has it here, is of 1.0G, and the rule's nodes have 1.0G in host.xml
$WORK/policy:2: warning: guest 'it's', as libvirt has it here, is of 3.0G, and the rule's nodes have 2.0G in host.xml
rules: 3, errors: 0, warnings: 2"
}

@test "libvirt is asked once, for many files, and not where no rule binds memory" {
	libvirt_has db1=4294967296
	policy 'db* -' 'web* all mem=interleave'
	works "$TOOL" check
	[[ ! -e $WORK/virsh.asked ]]
	topology "$WORK/host.xml" 'node:2(memory=1073741824) core:1 pu:1'
	echo 'db1 0' >"$WORK/one"
	cp "$WORK/one" "$WORK/two"
	works "$TOOL" check --topology host.xml one two policy
	equal "$(wc -l <"$WORK/virsh.asked")" 1
	has "$output" 'warnings: 2'
}

@test "a libvirt that does not answer is no problem, and is not waited for long" {
	topology "$WORK/host.xml" 'node:2 core:1 pu:1'
	policy 'db* 0'
	works "$TOOL" check --topology host.xml --json
	valid check
	equal "$(json .guests)" null
	printf '%s\n' '#!/bin/sh' 'exec sleep 300' >"$WORK/bin/virsh"
	local start=$SECONDS
	works "$TOOL" check --topology host.xml
	((SECONDS - start < 15))
	rm "$WORK/bin/virsh"
	works env PATH="$WORK/bin" "$TOOL" check --topology host.xml
}

## Who must be able to read the policy

@test "a policy that the emulator's user cannot read is told, with the file and what to do" {
	local user=() sysconf
	((EUID == 0)) || user=(--user --map-root-user)
	sysconf=$("$BUILD/guest-pinningd" --help | sed -n 's/.*instead of \(.*\)\/libvirt\/guest-pinning\.conf$/\1/p')
	cat >etc <<-'END'
		mount -t tmpfs tmpfs "$1" && mkdir -m 700 "$1/libvirt" && mkdir -m 711 "$1/libvirt/guest-pinning.conf.d" &&
			umask 022 && echo 'a -' >"$1/libvirt/guest-pinning.conf" && chmod "$2" "$1/libvirt/guest-pinning.conf" || exit 125
		[ -z "$3" ] || chgrp "$3" "$1/libvirt/guest-pinning.conf" || exit 125
		unset GUEST_PINNING_CONF
		exec "$4" check
	END
	capture unshare "${user[@]}" --mount sh etc "$sysconf" 644 '' "$TOOL"
	# Where only root may have a namespace there is nothing to be seen of it.
	((status != 1 || EUID == 0)) || [[ $stderr != unshare* ]] || return 0
	equal "$status" 1
	has "$output" "$sysconf/libvirt: the user who runs the emulators cannot read it (group 0, no others): chmod o+rX it"
	has "$output" "$sysconf/libvirt/guest-pinning.conf.d: the user who runs the emulators cannot read it"
	has_not "$output" "guest-pinning.conf: the user"
	capture unshare "${user[@]}" --mount sh etc "$sysconf" 640 '' "$TOOL"
	equal "$status" 1
	has "$output" "$sysconf/libvirt/guest-pinning.conf: the user who runs the emulators cannot read it (group 0, no others): chmod o+rX it"
	((EUID == 0)) || return 0 # another group is not to be had
	capture unshare --mount sh etc "$sysconf" 640 7 "$TOOL"
	has "$output" "$sysconf/libvirt/guest-pinning.conf: only group 7 can read it: see to it that the user who runs the emulators is in that group"
}
