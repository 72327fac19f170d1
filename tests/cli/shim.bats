#!/usr/bin/env bats
# What the shim does with a guest that has a rule, with a policy it must not
# trust, and with an emulator that it cannot find; and what the dry run says.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # stderr is set by run

load lib

setup() {
	work_make
	emulator_make
	# The first CPU that we may use, and the first node whose CPUs we may use.
	CPU=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	NODE=$(numactl --show | sed -n 's/^nodebind: \([0-9]*\).*/\1/p')
	NODE=${NODE:-0}
}

# start ARG... - through the shim, in a bounded time; the stand-in's output is then
# in $WORK/seen, which is missing if it was not executed.
start() {
	rm -f "$WORK/seen"
	capture "$EMULATOR" "$@" -D "$WORK/seen"
}

# starts STATUS-LINES ARG... - the emulator runs, with so many lines on stderr.
starts() {
	start "${@:2}"
	equal "$status" 0
	[[ -s $WORK/seen && -z $output ]]
	equal "$(printf %s "${stderr:+$stderr$'\n'}" | wc -l)" "$1"
}

# refuses STATUS WORD ARG... - nothing is executed, and one line says why.
refuses() {
	start "${@:3}"
	equal "$status" "$1"
	[[ ! -e $WORK/seen && -z $output ]]
	one_line "$stderr"
	has "$stderr" "$2"
}

dry_run() {
	fails "$1" "$EMULATOR" --shim-dry-run "${@:2}"
	equal "$stderr" ""
}

# keys - those of the dry run's lines.
keys() {
	cut -d: -f1 <<<"$output" | paste -sd ' '
}

placement() {
	sed -n 's/^status: Cpus_allowed_list: /cpus /p; s/^memory policy: //p' "$1"
}

# untouched - the emulator runs as if there were no shim.
untouched() {
	"$REAL" -D "$WORK/direct"
	equal "$(placement "$WORK/seen")" "$(placement "$WORK/direct")"
}

## Dry run

@test "dry run: a placed guest, each key in its place" {
	policy '# comment' "web* $NODE mem=interleave cpus=$CPU env=A=b env=\"C=d e\" best-effort"
	dry_run 0 -name guest=web1,debug-threads=on -append 'a b'
	equal "$output" "guest: web1
rule: $WORK/policy:2: web*
cpus: $CPU
memory: interleave $NODE
option: env=A=b
option: env=C=d e
option: best-effort
exec: $REAL
argv: $EMULATOR -name guest=web1,debug-threads=on -append 'a b'"
}

@test "dry run: no name, no rule, no policy" {
	policy 'web1 1023'
	dry_run 0 -smp 2
	equal "$output" "guest: none
rule: none
exec: $REAL
argv: $EMULATOR -smp 2"
	dry_run 0 -name db1
	equal "$output" "guest: db1
rule: none
exec: $REAL
argv: $EMULATOR -name db1"
	rm "$WORK/policy"
	dry_run 0 -name web1
	has "$output" 'rule: none'
	dry_run 0
	equal "$output" "guest: none
rule: none
exec: $REAL
argv: $EMULATOR"
}

@test "dry run: a refused guest, and what is printed of it" {
	policy 'web1 1023 env=A=b'
	dry_run 1 -name web1
	equal "$(keys)" "guest rule option error"
	has "$output" "error: $WORK/policy:1: node 1023"
	policy 'web1 1023 best-effort'
	dry_run 0 -name web1
	equal "$(keys)" "guest rule option warning exec argv"
	has "$output" "warning: $WORK/policy:1: node 1023"
}

@test "dry run: an insecure policy is a warning, a missing emulator an error" {
	policy 'web1 1023'
	chmod 666 "$WORK/policy"
	dry_run 0 -name web1
	equal "$(keys)" "guest rule warning exec argv"
	rm "$REAL"
	dry_run 1 -name web1
	equal "$(keys)" "guest rule warning error"
}

@test "dry run: only as the first argument; all else is QEMU's" {
	policy
	starts 0 -smp 2 --shim-dry-run --shim-version
	equal "$(seen 'argv 3' "$WORK/seen")" --shim-dry-run
	dry_run 0 --shim-dry-run
	has "$output" "argv: $EMULATOR --shim-dry-run"
	starts 0 -shim-dry-run
	starts 0 --version
}

@test "dry run: nothing is executed, and nothing printed is lost" {
	dry_run 0 -name web1 -D "$WORK/seen"
	[[ ! -e $WORK/seen ]]
	# shellcheck disable=SC2317 # run calls it
	full() { "$EMULATOR" --shim-dry-run -name web1 >/dev/full; }
	run full
	equal "$status" 1
	has "$output" "cannot be written"
}

@test "dry run: the words of argv, read by a shell, are the same again" {
	# shellcheck disable=SC2016,SC1003 # no expansion, no escape
	local words=('' ' ' "it's" '$HOME' '`x`' 'a"b' '\' $'\n' $'a\'\\b\t\e' '*' '~' '#' '!' '-a=b,c:d' '{a,b}' $'\xc3\xa4')
	local i character line
	for ((i = 1; i < 256; i++)); do
		printf -v character '\\x%02x' "$i"
		printf -v character '%b.' "$character"
		words+=("$character")
	done
	dry_run 0 "${words[@]}"
	line=$(sed -n 's/^argv: //p' <<<"$output")
	equal "$(wc -l <<<"$output")" 4
	eval "set -- $line"
	equal "$#" $((${#words[@]} + 1))
	shift
	for i in "${!words[@]}"; do
		equal "$1" "${words[i]}"
		shift
	done
}

@test "version, and one that cannot be written" {
	works "$EMULATOR" --shim-version
	[[ $output =~ ^qemu-kvm-shim\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	# shellcheck disable=SC2317 # run calls it
	full() { "$EMULATOR" --shim-version >/dev/full; }
	run full
	equal "$status" 1
}

## Names

@test "names: as QEMU reads them" {
	local name line
	while IFS='|' read -r name line; do
		eval "dry_run 0 $line"
		equal "$(sed -n 's/^guest: //p' <<<"$output")" "$name"
	done <<-'EOF'
		web1|-name web1
		web1|--name web1
		web1|-name guest=web1,debug-threads=on
		web1|-name debug-threads=on,guest=web1
		a,b|-name a,,b
		a,b|-name guest=a,,b,process=x
		web2|-name web1 -smp 2 -name web2
		web2|-name web1 -name guest=web2
		web1|-name web1 -name debug-threads=on
		none|-append -name
		web1|-append -name -name web1
		web1|-enable-kvm -name web1
		web1|-no-such-option -name web1
		none|-namex web1
		none|name web1
		none|-smp 2 -name
		none|
		a b|-name "a b"
	EOF
}

## The emulator

@test "emulator: missing is 127" {
	rm "$REAL"
	refuses 127 "$REAL: the real emulator is missing"
	ln -s nowhere "$REAL"
	refuses 127 "$REAL"
}

@test "emulator: not executable, a directory, no program is 126" {
	chmod 644 "$REAL"
	refuses 126 "$REAL: the real emulator is not executable"
	rm "$REAL"
	mkdir "$REAL"
	refuses 126 "$REAL"
	rmdir "$REAL"
	: >"$REAL"
	chmod 755 "$REAL"
	refuses 126 'Exec format error'
	rm "$REAL"
	ln -s qemu-kvm.real "$REAL"
	refuses 126 "$REAL"
}

@test "emulator: a shim in its place is 126, never a loop" {
	local make
	for make in "ln -s qemu-kvm" "cp $SHIM" "ln $EMULATOR" "ln -s $SHIM"; do
		rm "$REAL"
		$make "$REAL"
		refuses 126 "$REAL: this is the shim again"
	done
	# One of another version.
	rm "$REAL"
	cp "$SHIM" "$REAL"
	echo newer >>"$REAL"
	refuses 126 'shim again'
	QEMU_KVM_SHIM_REAL=$EMULATOR refuses 126 'shim again'
	# Not even when a rule refuses or places the guest.
	policy "* $NODE"
	refuses 126 'shim again' -name web1
}

@test "emulator: its own exit status and signal are the guest's" {
	printf '#!/bin/sh\nexit 42\n' >"$REAL"
	start
	equal "$status" 42
	# shellcheck disable=SC2016 # for that shell
	printf '#!/bin/sh\nkill -USR1 $$\n' >"$REAL"
	run "$EMULATOR"
	equal "$status" $((128 + $(kill -l USR1)))
}

@test "emulator: comm and exe by the alias; without it, or with a wrong one, by .real" {
	starts 0
	equal "$(seen comm "$WORK/seen")" qemu-kvm
	equal "$(seen exe "$WORK/seen")" "$REAL"
	rm "$ALIAS"
	starts 0
	equal "$(seen comm "$WORK/seen")" qemu-kvm.real
	equal "$(seen exe "$WORK/seen")" "$REAL"
	local wrong
	for wrong in nowhere ../qemu-kvm /bin/false qemu-kvm ..; do
		ln -sfn "$wrong" "$ALIAS"
		starts 0
		equal "$(seen comm "$WORK/seen")" qemu-kvm.real
	done
	rm -r "${ALIAS%/*}"
	: >"${ALIAS%/*}"
	starts 0
	equal "$(seen exe "$WORK/seen")" "$REAL"
}

@test "emulator: a placed guest has the emulator's own comm and argv[0], too" {
	policy "* $NODE"
	(exec -a kvm "$EMULATOR" -name web1 -D "$WORK/seen" 2>/dev/null)
	equal "$(seen comm "$WORK/seen")" qemu-kvm
	equal "$(seen 'argv 0' "$WORK/seen")" kvm
	equal "$(seen exe "$WORK/seen")" "$REAL"
}

@test "emulator: started by a symbolic link and by PATH" {
	mkdir bin
	ln -s ../libexec/qemu-kvm bin/kvm
	PATH=$WORK/bin:$PATH works kvm -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$REAL"
	equal "$(seen 'argv 0' "$WORK/seen")" kvm
	cd libexec
	works ./qemu-kvm -D "$WORK/seen"
	equal "$(seen 'argv 0' "$WORK/seen")" ./qemu-kvm
}

@test "emulator: QEMU_KVM_SHIM_REAL names another; empty it counts for nothing" {
	cp "$STANDIN" "$WORK/other"
	rm "$REAL"
	export QEMU_KVM_SHIM_REAL=$WORK/other
	starts 0
	equal "$(seen exe "$WORK/seen")" "$WORK/other"
	dry_run 0
	has "$output" "exec: $WORK/other"
	QEMU_KVM_SHIM_REAL=$WORK/none refuses 127 "$WORK/none"
	QEMU_KVM_SHIM_REAL=$WORK refuses 126 "$WORK"
	QEMU_KVM_SHIM_REAL='' refuses 127 "$REAL"
}

# A program that runs with more rights than its caller (AT_SECURE) must not listen
# to its environment. Such is a set-group-ID one, where the test can make it: as
# root, or with a second group, on a file system with set-ID programs.
@test "environment: not asked by a shim with more rights than its caller" {
	local group
	group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1) || true
	((EUID != 0)) || group=12
	policy '* - env=GUEST_PINNING_TEST=1'
	cp "$STANDIN" "$WORK/other"
	cp "$STANDIN" "$WORK/secure"
	if [[ $group ]] && chgrp "$group" "$WORK/secure" && chmod 2755 "$WORK/secure" &&
		[[ $("$WORK/secure" | seen secure) == 1 ]]; then
		chgrp "$group" "$EMULATOR"
		chmod 2755 "$EMULATOR"
		QEMU_KVM_SHIM_REAL=$WORK/other start -name guest-pinning-test
		equal "$status" 0
		equal "$(seen exe "$WORK/seen")" "$REAL"
		run ! grep GUEST_PINNING_TEST=1 "$WORK/seen"
		has_not "$stderr" "$WORK/policy"
		# The same without: so it was that which made the difference.
		chmod 755 "$EMULATOR"
	else
		# It cannot be made here: then by what name the C library is asked.
		run nm -D --undefined-only "$QEMU_KVM_SHIM_FULL"
		has "$output" ' secure_getenv'
		run ! grep -E ' getenv(@|$)' <<<"$output"
	fi
	QEMU_KVM_SHIM_REAL=$WORK/other starts 1 -name guest-pinning-test
	equal "$(seen exe "$WORK/seen")" "$WORK/other"
	grep -q GUEST_PINNING_TEST=1 "$WORK/seen"
}

## What a start costs

# (The sanitizers are a library.)
@test "linked with no library, at no fixed address; the start of a guest opens none" {
	run -0 readelf --file-header --program-headers --dynamic "$SHIM"
	has "$output" 'Type:                              DYN'
	if [[ $output == *'Shared library: [libasan'* ]]; then
		has "$output" 'program interpreter'
		return
	fi
	has_not "$output" 'program interpreter'
	has_not "$output" 'Shared library:'
	policy "web* $NODE cpus=$CPU ksm=off"
	works strace -o "$WORK/trace" "$EMULATOR" -name web1 \
		-object '{"qom-type":"memory-backend-ram","id":"a","size":4096}' -D "$WORK/seen"
	# Up to the second execve; the first one is strace's.
	awk '/^execve\(/ && ++count == 2 { exit } { print }' "$WORK/trace" >"$WORK/calls"
	run ! grep -E '\.so[."]' "$WORK/calls"
	# Counts of coverage are written before an execve.
	grep -q '\.gcda"' "$WORK/calls" || (($(wc -l <"$WORK/calls") < 80))
}

## Where a rule needs libnuma, another program goes on (shim/handover.h)

# rule_with_libnuma OPTION... - on all CPUs but the last that we may use; $REST is what numactl
# makes of that.
rule_with_libnuma() {
	local last
	last=$(taskset -cp $$ | sed 's/.*: //; s/.*[-,]//')
	policy "web1 - cpus=!$last $*" 'web2 - env=A=b'
	REST=$(numactl --physcpubind="!$last" sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
}

@test "libnuma: opened by the full program, in the shim's place" {
	rule_with_libnuma
	starts 1 -name web1
	has "$stderr" "guest 'web1': rule $WORK/policy:1, cpus $REST"
	equal "$(seen exe "$WORK/seen")" "$REAL"
	equal "$(seen comm "$WORK/seen")" qemu-kvm
	equal "$(seen 'status: Cpus_allowed_list' "$WORK/seen")" "$REST"
	dry_run 0 -name web1 -smp 2
	has "$output" "argv: $EMULATOR -name web1 -smp 2"
	has "$output" "exec: $REAL"
	# It finds the emulator that the caller names, too.
	cp "$STANDIN" "$WORK/other"
	QEMU_KVM_SHIM_REAL=$WORK/other starts 1 -name web1
	equal "$(seen exe "$WORK/seen")" "$WORK/other"
}

@test "libnuma: without the full program the guests that need it are refused, and no others" {
	export QEMU_KVM_SHIM_FULL=$WORK/none
	rule_with_libnuma
	refuses 1 "$WORK/policy:1: libnuma.so.1 is needed, and $WORK/none, which opens it, cannot be executed (No such file or directory)" -name web1
	starts 1 -name web2
	starts 0 -name other
	policy "web1 $NODE" 'web2 1023' 'web3 +1023'
	starts 1 -name web1
	refuses 1 "$WORK/policy:2: node 1023 of '1023' does not exist" -name web2
	refuses 1 "$WORK/policy:3: '+1023': only +0 to " -name web3
	rule_with_libnuma best-effort
	starts 1 -name web1
	has "$stderr" "guest 'web1' starts unplaced"
}

@test "libnuma: the full program believes of the environment only what the shim puts in front" {
	local full=$QEMU_KVM_SHIM_FULL
	policy '* - env=GUEST_PINNING_TEST=1'
	works env -i "QEMU_KVM_SHIM_STANDS_FOR=0$EMULATOR" "GUEST_PINNING_CONF=$WORK/policy" \
		"$full" -name guest-pinning-test -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$REAL"
	equal "$(sed -n 's/^env [0-9]*: //p' "$WORK/seen")" \
		"GUEST_PINNING_CONF=$WORK/policy"$'\n'GUEST_PINNING_TEST=1
	# Of a shim with more rights than its caller: that one's policy and emulator do not count.
	works env -i "QEMU_KVM_SHIM_STANDS_FOR=1$EMULATOR" "GUEST_PINNING_CONF=$WORK/policy" \
		"QEMU_KVM_SHIM_REAL=$WORK/none" "$full" -name guest-pinning-test -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$REAL"
	run ! grep GUEST_PINNING_TEST=1 "$WORK/seen"
	# Further back, or of another form, it is nothing to us: this program has no emulator.
	fails 127 env -i A=b "QEMU_KVM_SHIM_STANDS_FOR=0$EMULATOR" "$full" -D "$WORK/seen"
	has "$stderr" "$full.real: the real emulator is missing"
	fails 127 env -i "QEMU_KVM_SHIM_STANDS_FOR=$EMULATOR" "$full" -D "$WORK/seen"
	has "$stderr" "$full.real: the real emulator is missing"
}

## Replaced while it starts

# The shim's own file is no longer where it was when it looks for the emulator.
@test "replaced while starting: by another shim, by the emulator, by nothing" {
	local fd
	exec {fd}<"$EMULATOR"
	cp "$SHIM" "$WORK/new"
	mv "$WORK/new" "$EMULATOR"
	works "/proc/self/fd/$fd" -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$REAL"
	mv "$REAL" "$EMULATOR"
	works "/proc/self/fd/$fd" -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$EMULATOR"
	rm "$EMULATOR"
	fails 127 "/proc/self/fd/$fd" -D "$WORK/seen"
	one_line "$stderr"
	has "$stderr" "$REAL"
	exec {fd}<&-
}

@test "replaced while starting: a name that ends as if it were" {
	local odd="$WORK/libexec/kvm (deleted)"
	cp "$SHIM" "$odd"
	cp "$STANDIN" "$odd.real"
	works "$odd" -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$odd.real"
}

@test "replaced while starting: the full program is gone with the shim, and the emulator is back" {
	local fd
	export QEMU_KVM_SHIM_FULL=$WORK/none
	rule_with_libnuma
	exec {fd}<"$EMULATOR"
	fails 1 "/proc/self/fd/$fd" -name web1 # the shim is there, so that is no way to remove it
	mv "$REAL" "$EMULATOR"
	works "/proc/self/fd/$fd" -name web1 -D "$WORK/seen"
	equal "$stderr" "qemu-kvm-shim: $WORK/policy:1: qemu-kvm-shim has been uninstalled meanwhile; guest 'web1' starts unplaced"
	equal "$(seen exe "$WORK/seen")" "$EMULATOR"
	"$EMULATOR" -D "$WORK/direct"
	equal "$(placement "$WORK/seen")" "$(placement "$WORK/direct")"
	works "/proc/self/fd/$fd" -name web2 -D "$WORK/seen"
	has "$stderr" "guest 'web2': rule $WORK/policy:2"
	rule_with_libnuma best-effort
	works "/proc/self/fd/$fd" -name web1 -D "$WORK/seen"
	one_line "$stderr"
	has "$stderr" "guest 'web1' starts unplaced"
	rm "$EMULATOR"
	fails 127 "/proc/self/fd/$fd" -name web1
	exec {fd}<&-
}

# uninstalled_during FROM EXECVE ARG... - uninstalled, with the full program, before each system call
# of a start in turn: from the first that matches FROM on, up to that execve, the first of which is
# strace's. The emulator runs, with as many lines on stderr as are right for an ordinary start.
uninstalled_during() {
	local name count lines complaints='' full=$QEMU_KVM_SHIM_FULL
	export QEMU_KVM_SHIM_FULL=$WORK/full
	cp "$full" "$WORK/full"
	strace -o "$WORK/trace" "$EMULATOR" "${@:3}" -D "$WORK/seen" 2>"$WORK/stderr" || {
		echo "strace does not work here; it is needed for this test (ptrace is forbidden?)"
		return 1
	}
	lines=$(wc -l <"$WORK/stderr")
	# Before an execve gcc writes what coverage counted.
	awk -F'(' -v from="$1" -v end="$2" '{ count[$1]++; line[NR] = $1 " " count[$1] }
		/\.gcda"/ { counts = 1 }
		counts && $1 != "execve" { line[NR] = "close of counts" }
		$1 == "execve" { counts = 0 }
		$0 ~ from { first = NR }
		$1 == "execve" && count[$1] == end { last = NR; exit }
		END { for (i = first; i <= last; i++) if (line[i] !~ /^(mmap|munmap|brk|close) /) print line[i] }' \
		"$WORK/trace" >"$WORK/calls"
	(($(wc -l <"$WORK/calls") >= 6))
	while read -r name count; do
		cp "$full" "$WORK/full"
		"$TOOL" install "$EMULATOR" >/dev/null
		rm -f "$WORK/seen"
		strace -o /dev/null -e inject="$name:delay_enter=200000:when=$count" \
			"$EMULATOR" "${@:3}" -D "$WORK/seen" 2>"$WORK/stderr" &
		sleep 0.1
		"$TOOL" uninstall "$EMULATOR" >/dev/null
		rm "$WORK/full"
		wait $! && [[ -s $WORK/seen && $(wc -l <"$WORK/stderr") == "$lines" ]] ||
			complaints+="uninstalled before $name $count: $(<"$WORK/stderr")"$'\n'
	done <"$WORK/calls"
	export QEMU_KVM_SHIM_FULL=$full
	equal "$complaints" ""
}

@test "uninstalled at any moment of a start: the emulator runs all the same" {
	# LeakSanitizer cannot work under a tracer.
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	uninstalled_during '^readlink."/proc/self/exe"' 2
	"$TOOL" install "$EMULATOR" >/dev/null
	rule_with_libnuma
	uninstalled_during '"policy"' 2 -name web1
}

@test "200 starts while install and uninstall alternate: each runs the emulator" {
	local i failed=0 full=$QEMU_KVM_SHIM_FULL
	rm -r "$WORK/libexec"
	mkdir "$WORK/libexec"
	cp "$STANDIN" "$EMULATOR"
	export QEMU_KVM_SHIM_FULL=$WORK/full
	rule_with_libnuma
	: >"$WORK/go"
	while [[ -e $WORK/go ]]; do
		cp "$full" "$WORK/full.new"
		mv "$WORK/full.new" "$WORK/full"
		"$TOOL" install "$EMULATOR"
		"$TOOL" uninstall "$EMULATOR"
		rm "$WORK/full"
		echo turn
	done >"$WORK/turns" 2>&1 3>&- &
	for ((i = 0; i < 200; i++)); do
		"$EMULATOR" -name "web1" -D "$WORK/seen.$i" 2>>"$WORK/stderr" && [[ -s $WORK/seen.$i ]] ||
			failed=$((failed + 1))
	done
	rm "$WORK/go"
	wait
	run ! grep -v "guest 'web1': rule \|has been uninstalled meanwhile; guest 'web1' starts unplaced$" "$WORK/stderr"
	equal "$failed of 200 failed: $output" "0 of 200 failed: "
	run ! grep guest-pinning: "$WORK/turns"
	(($(grep -c turn "$WORK/turns") > 1))
	cmp "$STANDIN" "$EMULATOR"
}

## Trust

# distrusted REASON [FILE] - the guest starts unplaced, and one line says which file
# and why.
distrusted() {
	starts 1 -name web1
	has "$stderr" "${2-$GUEST_PINNING_CONF}: ignored: "
	has "$stderr" "$1"
	untouched
	run ! grep -q GUEST_PINNING_TEST "$WORK/seen"
}

@test "policy: one that others may write is ignored, with one warning" {
	policy "* $NODE cpus=$CPU env=GUEST_PINNING_TEST=1"
	starts 1 -name web1
	grep -q GUEST_PINNING_TEST=1 "$WORK/seen"
	local mode
	for mode in 620 602 666 664 777; do
		chmod "$mode" "$WORK/policy"
		distrusted "$(printf '(mode %04o)' "0$mode")"
	done
	chmod 600 "$WORK/policy"
	starts 1 -name web1
	grep -q GUEST_PINNING_TEST=1 "$WORK/seen"
}

@test "policy: one whose directory others may write is ignored" {
	local mode
	mkdir "$WORK/etc"
	export GUEST_PINNING_CONF=$WORK/etc/policy
	policy "* $NODE env=GUEST_PINNING_TEST=1"
	for mode in 770 707 777 1777; do
		chmod "$mode" "$WORK/etc"
		distrusted "its directory"
	done
	# By a link from a directory that is in order, too.
	ln -s etc/policy "$WORK/link"
	GUEST_PINNING_CONF=$WORK/link distrusted "its directory" "$WORK/etc/policy"
	chmod 700 "$WORK/etc"
	GUEST_PINNING_CONF=$WORK/link starts 1 -name web1
	grep -q GUEST_PINNING_TEST=1 "$WORK/seen"
	# And in order only behind the link.
	mkdir -m 777 "$WORK/open"
	chmod 777 "$WORK/open"
	ln -s ../etc/policy "$WORK/open/link"
	GUEST_PINNING_CONF=$WORK/open/link distrusted "its directory"
}

@test "policy: one of another user's is ignored; root's is not" {
	if ((EUID == 0)); then
		policy "* $NODE env=GUEST_PINNING_TEST=1"
		chown 65534 "$WORK/policy"
		distrusted "uid 65534"
		chown 0 "$WORK/policy"
		chown 65534 "$WORK"
		distrusted "its directory belongs to uid 65534"
		chown 0 "$WORK"
		starts 1 -name web1
	else
		# Root's, not ours: no rule of it is in order, but it is read.
		GUEST_PINNING_CONF=/etc/passwd refuses 1 /etc/passwd: -name root:x:0:0:root:/root:/bin/bash
		GUEST_PINNING_CONF=/etc/passwd starts 0 -name web1
	fi
}

@test "policy: a directory, a FIFO, an unreadable file: one warning, no waiting" {
	mkdir "$WORK/policy"
	distrusted "no regular file"
	rmdir "$WORK/policy"
	mkfifo "$WORK/policy"
	distrusted "no regular file"
	rm "$WORK/policy"
	ln -s policy "$WORK/policy"
	distrusted ""
	rm "$WORK/policy"
	policy "* $NODE env=GUEST_PINNING_TEST=1"
	chmod 000 "$WORK/policy"
	if ((EUID == 0)); then # who may read it all the same
		starts 1 -name web1
		grep -q GUEST_PINNING_TEST=1 "$WORK/seen"
	else
		distrusted "may not read it"
	fi
}

@test "policy: a missing one, or a missing directory, is no warning" {
	starts 0 -name web1
	GUEST_PINNING_CONF=$WORK/none/policy starts 0 -name web1
	ln -s nowhere "$WORK/policy"
	starts 0 -name web1
}

@test "policy: drop-ins after the main file, in byte order, *.conf only" {
	mkdir "$WORK/policy.d"
	rule() { echo "$2 - env=FROM=$1" >"$WORK/policy.d/$1"; }
	from() {
		starts 1 -name "$1"
		equal "$(sed -n 's/^env [0-9]*: FROM=//p' "$WORK/seen")" "$2"
	}
	rule b.conf 'web*'
	rule 9.conf 'web9*'
	rule B.conf 'web[19]*'
	rule 10.conf 'web10'
	rule .hidden.conf '*'
	rule a.conf~ '*'
	rule a.confx '*'
	rule conf '*'
	rule .conf '*'
	mkdir "$WORK/policy.d/a.conf.d"
	echo '* - env=FROM=x' >"$WORK/policy.d/a.conf.d/x.conf"
	from web10 10.conf
	from web9 9.conf
	from web1 B.conf
	from web2 b.conf
	starts 0 -name db1
	policy 'web* - env=FROM=main'
	from web10 main
}

@test "policy: an insecure drop-in is ignored, the others count" {
	mkdir "$WORK/policy.d"
	echo '* - env=FROM=10' >"$WORK/policy.d/10.conf"
	echo '* - env=FROM=20' >"$WORK/policy.d/20.conf"
	chmod 666 "$WORK/policy.d/10.conf"
	policy '# none'
	starts 2 -name web1
	has "$stderr" "$WORK/policy.d/10.conf: ignored"
	grep -q FROM=20 "$WORK/seen"
}

## Refusal

@test "refused: no such node" {
	policy '# none' 'web* 1023'
	refuses 1 "$WORK/policy:2: " -name web1
	has "$stderr" 'node 1023'
	has "$stderr" "'web1'"
	starts 0 -name db1
}

@test "refused: no such CPU, no such device, no node left" {
	local rule
	for rule in "$NODE cpus=8191" 'netdev:no-such-device' 'file:/no/such/file' '!all' '+1023' \
		'- cpus=!all'; do
		policy "web1 $rule"
		refuses 1 "$WORK/policy:1: " -name web1
	done
}

@test "best-effort: the guest starts unplaced, with one warning" {
	policy 'web1 1023 best-effort' "web2 $NODE cpus=8191 best-effort"
	for guest in web1 web2; do
		starts 1 -name "$guest"
		has "$stderr" "$WORK/policy:${guest#web}: "
		has "$stderr" 'starts unplaced'
		untouched
	done
}

@test "malformed: a line stops only whom its glob matches" {
	policy "web* $NODE nonsense" "web2 $NODE" '*( 0' 'only-glob' "rt 0 \\" '"open 0' "db* $NODE"
	refuses 1 "$WORK/policy:1: " -name web1
	has "$stderr" nonsense
	refuses 1 "$WORK/policy:1: " -name web2
	starts 2 -name db1
	has "$stderr" "$WORK/policy:6: the glob cannot be read"
	has "$stderr" "rule $WORK/policy:7"
	refuses 1 "$WORK/policy:4: " -name only-glob
	refuses 1 "$WORK/policy:5: " -name rt
	starts 0 -name other
	policy "web* $NODE nonsense best-effort"
	starts 1 -name web1
	has "$stderr" nonsense
	untouched
}

@test "malformed: specs that libnuma would take for something" {
	local spec
	for spec in 1-0 010 0x1 00 0- -0 '0,' ',0' '0,,0' 0--0 + ! '!!0' '++0' '+!0' 0-all all-0 all,0 ' ' '""' \
		0.0 1e1 0: netdev: 4294967296 18446744073709551616 auto auto:0 $'\xff' 0-0-0; do
		policy "web1 $spec"
		refuses 1 "$WORK/policy:1: " -name web1
		[[ $spec == *[:\ \"]* || $spec == -0 || $spec == auto ]] && continue
		policy "web1 - cpus=$spec"
		refuses 1 "$WORK/policy:1: " -name web1
	done
}

## Record

@test "record: one line for a placed guest" {
	policy "web* $NODE cpus=$CPU mem=preferred env=A=b"
	starts 1 -name web1
	equal "$stderr" "qemu-kvm-shim: guest 'web1': rule $WORK/policy:1, cpus $CPU, memory preferred $NODE, env=A=b"
	policy "web* $NODE"
	starts 1 -name web1
	has "$stderr" ", memory bind $NODE"
	policy 'web* -'
	starts 1 -name web1
	equal "$stderr" "qemu-kvm-shim: guest 'web1': rule $WORK/policy:1"
}

@test "record: the longest of rules, one line all the same" {
	local long
	long=$(printf '%4000s' '' | tr ' ' x)
	policy "web1 - env=A=$long"
	starts 1 -name web1
	equal "$(seen 'env [0-9]*' "$WORK/seen" | grep -c "^A=$long$")" 1
}

@test "hostile names: printed without their control characters, on one line" {
	local name=$'evil\n\e[31mqemu-kvm-shim: \xff\x7f\r\t%s%n\xc2\x9b' shown
	shown='evil\x0a\x1b[31mqemu-kvm-shim: \xff\x7f\x0d\x09%s%n\xc2\x9b'
	policy "* $NODE"
	starts 1 -name "$name"
	has "$stderr" "'$shown'"
	policy '* 1023'
	refuses 1 "'$shown'" -name "$name"
	dry_run 1 -name "$name"
	has "$output" "guest: $shown"$'\n'
	equal "$(wc -l <<<"$output")" 3
	# The emulator gets it as it is.
	rm "$WORK/policy"
	starts 0 -name "$name"
	has "$(seen 'argv 2' "$WORK/seen")" 'evil\x0a\x1b[31m'
}

@test "hostile names: too long for any glob, and of 100,000 bytes" {
	local name
	policy '* 1023'
	for name in "$(printf '%1023s' x)" "$(printf '%1024s' x)" "$(printf '%100000s' x)"; do
		start -name "$name"
		one_line "$stderr"
		((${#stderr} < 5000))
		equal "$status" $((${#name} <= 1023))
	done
}

@test "hostile paths: the dry run keeps to one line each" {
	local odd=$WORK/$'odd\n\e[31m'
	mkdir "$odd"
	cp "$SHIM" "$odd/qemu"
	cp "$STANDIN" "$odd/qemu.real"
	works "$odd/qemu" --shim-dry-run
	equal "$(wc -l <<<"$output")" 4
	has_not "$output" $'\e'
	rm "$odd/qemu.real"
	fails 1 "$odd/qemu" --shim-dry-run
	equal "$(wc -l <<<"$output")" 3
	has_not "$output" $'\e'
}

## Placement, compared with numactl

# as_numactl RULE OPTION... - both place alike, or both refuse.
as_numactl() {
	policy "web1 $1"
	if numactl "${@:2}" "$STANDIN" -D "$WORK/numactl" 2>"$WORK/stderr"; then
		starts 1 -name web1
		equal "$1: $(placement "$WORK/seen")" "$1: $(placement "$WORK/numactl")"
		dry_run 0 -name web1
		equal "$(sed -n 's/^cpus: /cpus /p' <<<"$output")" "$(placement "$WORK/numactl" | grep cpus)"
	else
		refuses 1 "$WORK/policy:1: " -name web1
		dry_run 1 -name web1
	fi
}

@test "placement: NODES as numactl --cpunodebind and --membind" {
	local spec
	for spec in 0 1 "$NODE" 0-0 0,0 0-1 0,1 1-2 all '!0' '!1' '!0-7' +0 +1 +0-0 +0,0 +0-1 \
		'!+0' 7 63 1023 0,1023 netdev:lo "file:$WORK" ip:127.0.0.1 block:none pci:0000:00:00.0; do
		as_numactl "$spec" --cpunodebind="$spec" --membind="$spec"
	done
}

@test "placement: the same under an affinity of the caller's" {
	local spec
	for spec in "$NODE" all +0; do
		policy "web1 $spec"
		taskset -c "$CPU" numactl --cpunodebind="$spec" --membind="$spec" "$STANDIN" \
			-D "$WORK/numactl"
		taskset -c "$CPU" "$EMULATOR" -name web1 -D "$WORK/seen"
		equal "$(placement "$WORK/seen")" "$(placement "$WORK/numactl")"
	done
}

@test "placement: the same under a memory policy of the caller's" {
	local world
	for world in --membind="$NODE" --interleave="$NODE" --preferred="$NODE" --localalloc; do
		policy "web1 $NODE" 'web2 - mem=local' "web3 $NODE mem=interleave"
		numactl "$world" "$EMULATOR" -name web1 -D "$WORK/seen"
		grep -qx "memory policy: mode 0x2, nodes $NODE" "$WORK/seen"
		numactl "$world" "$EMULATOR" -name web2 -D "$WORK/seen"
		grep -Eqx 'memory policy: mode 0x[14], nodes ' "$WORK/seen"
		numactl "$world" "$EMULATOR" -name web3 -D "$WORK/seen"
		grep -qx "memory policy: mode 0x3, nodes $NODE" "$WORK/seen"
	done
}

@test "placement: cpus= as numactl -C" {
	local spec
	for spec in "$CPU" 0 1 0-1 0,1 1,0 0-0 all '!0' '!1' +0 +1 +0-1 '!+0' 0-8191 8191 1023; do
		as_numactl "$NODE cpus=$spec" --physcpubind="$spec" --membind="$NODE"
	done
}

@test "placement: mem= as numactl's options" {
	as_numactl "$NODE mem=bind" --cpunodebind="$NODE" --membind="$NODE"
	as_numactl "$NODE mem=preferred" --cpunodebind="$NODE" --preferred="$NODE"
	as_numactl "$NODE mem=interleave" --cpunodebind="$NODE" --interleave="$NODE"
	as_numactl "$NODE mem=local" --cpunodebind="$NODE" --localalloc
	as_numactl '1023 mem=preferred' --cpunodebind=1023 --preferred=1023
	# An older numactl or kernel knows no such thing; then both refuse.
	as_numactl "$NODE mem=preferred-many" --cpunodebind="$NODE" --preferred-many="$NODE"
	as_numactl 'all mem=interleave' --cpunodebind=all --interleave=all
	# Here the affinity stays, and the dry run names none.
	policy 'web1 - mem=local'
	numactl --localalloc "$STANDIN" -D "$WORK/numactl"
	starts 1 -name web1
	equal "$(placement "$WORK/seen")" "$(placement "$WORK/numactl")"
	dry_run 0 -name web1
	equal "$(keys)" "guest rule memory exec argv"
}

@test "environment: env= replaces in its place, adds at the end, the last one counts" {
	policy 'web1 - env=A=new env=B=1 env=B=2 env=EMPTY= env="C=a b" env=D=x=y env=E=\"q\" env=_F1=#'
	rm -f "$WORK/seen"
	env -i A=old GUEST_PINNING_CONF="$WORK/policy" Z=z "$EMULATOR" -name web1 -D "$WORK/seen"
	equal "$(grep '^env ' "$WORK/seen")" "env 0: A=new
env 1: GUEST_PINNING_CONF=$WORK/policy
env 2: Z=z
env 3: B=2
env 4: EMPTY=
env 5: C=a b
env 6: D=x=y
env 7: E=\"q\"
env 8: _F1=#"
}

@test "environment: a malformed env= refuses" {
	local word
	for word in env= env=A env==x env=1A=x 'env=A B=x' env=A-B=x; do
		policy "web1 - $word"
		refuses 1 "$WORK/policy:1: " -name web1
	done
}

@test "started by libvirt, but in no cpuset cgroup of a guest: CPUs cannot be kept" {
	local monitor=(-chardev 'socket,id=charmonitor,fd=9,server=on,wait=off')
	policy "web1 - cpus=$CPU" "be - cpus=$CPU best-effort" 'mem - mem=local' 'env - env=A=1'
	refuses 1 "libvirt has this guest in no cpuset cgroup of its own" -name web1 "${monitor[@]}"
	has "$stderr" "$GUEST_PINNING_CONF:1: "
	dry_run 1 -name web1 "${monitor[@]}"
	has "$output" "error: $GUEST_PINNING_CONF:1: libvirt has this guest in no cpuset cgroup"
	starts 1 -name be "${monitor[@]}"
	has "$stderr" "guest 'be' starts unplaced"
	untouched
	starts 1 -name mem "${monitor[@]}"
	starts 1 -name env "${monitor[@]}"
	# The same words elsewhere mean nothing.
	starts 1 -name web1 -chardev socket,id=mon,path=/x -device id=charmonitor
}
