#!/usr/bin/env bats
# Whoever is started through the shim without a rule must find the world as if
# the shim were not there: the stand-in prints all that it finds, once started
# directly and once through the shim, in the same world, and both are compared.

load lib

setup() {
	work_make
	emulator_make
	mkdir "$WORK/world"
	cd "$WORK/world" || return 1
	CPU=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//') # the first that we may use
	unknown=-                                         # what standin --exec makes
}

# observe PROGRAM WORLD... - starts PROGRAM with $arguments in the world that the
# command WORLD makes before it executes what follows, and prints what was seen.
# What must differ is left out: the pid, the numbers of new sockets, how much was
# printed on stderr, and comm, which started directly is that of the .real file.
observe() {
	rm -f "$WORK/seen"
	("${@:2}" "$STANDIN" --exec "$unknown" "$1" "${argv0-qemu-kvm}" "${arguments[@]}" \
		-D "$WORK/seen") >"$WORK/stdout" 2>"$WORK/stderr" || {
		echo "exit status $? of $1: $(<"$WORK/stderr")" >&2
		return 1
	}
	sed -E '/^(pid|comm): /d; s/^(fd 4[01],.* socket:).*/\1/; s/^(fd 2,.* offset )[0-9]+/\1/' \
		"$WORK/seen"
}

# same WORLD... - without a rule nothing differs, and nothing is printed.
same() {
	local case arguments
	for case in ${cases-nameless no-policy no-match drop-in}; do
		arguments=(-machine q35 -name "guest=web1,debug-threads=on" -smp 2)
		rm -rf "$GUEST_PINNING_CONF" "$GUEST_PINNING_CONF.d"
		case $case in
		nameless)
			policy '* 1023'
			arguments=(-machine q35 -append -name -smp 2)
			;;
		no-match) policy 'web?? 1023 nonsense' '"web1 " 1023' '!(web1) 1023' 'Web1 1023' ;;
		drop-in)
			policy '# none'
			mkdir "$GUEST_PINNING_CONF.d"
			echo 'db* 1023' >"$GUEST_PINNING_CONF.d/10.conf"
			;;
		esac
		observe "$REAL" "$@" >"$WORK/direct"
		[[ ! -s $WORK/stdout && ! -s $WORK/stderr ]]
		observe "$EMULATOR" "$@" >"$WORK/through"
		[[ ! -s $WORK/stdout && ! -s $WORK/stderr ]] || {
			echo "printed in case $case:" && cat "$WORK/stdout" "$WORK/stderr"
			return 1
		}
		diff -u "$WORK/direct" "$WORK/through" || {
			echo "differs in case $case"
			return 1
		}
	done
}

# differs SED WORLD... - with the rule that $policy holds, all that differs from a
# direct start is what the sed script makes of it, and one line is on stderr.
differs() {
	local arguments=(-name web1 -smp 2)
	observe "$REAL" "${@:2}" >"$WORK/direct"
	sed -E -i "$1" "$WORK/direct"
	observe "$EMULATOR" "${@:2}" >"$WORK/through"
	diff -u "$WORK/direct" "$WORK/through"
	[[ ! -s $WORK/stdout ]]
}

@test "transparent: a plain start" {
	same exec
	grep -q '^argv 0: qemu-kvm$' "$WORK/through"
	grep -qx "exe: $REAL" "$WORK/through"
}

@test "transparent: comm and the process itself are the emulator's own" {
	"$EMULATOR" -D "$WORK/seen" &
	local started=$!
	wait $started
	equal "$(seen pid "$WORK/seen")" $started
	equal "$(seen comm "$WORK/seen")" qemu-kvm
	equal "$(seen exe "$WORK/seen")" "$REAL"
}

@test "transparent: argv[0] of any kind" {
	local argv0
	for argv0 in /usr/bin/qemu-system-x86_64 "" "a b" $'\xff\n'; do
		same exec
	done
}

@test "transparent: sockets, locked files, offsets, flags, close-on-exec" {
	unknown=descriptors same exec
	grep -q '^fd 40,.* socket:$' "$WORK/through"
	grep -q '^fd 43: lock: .*POSIX ADVISORY WRITE self' "$WORK/through"
	grep -q '^fd 44,.* offset 17: ' "$WORK/through"
	run ! grep -q '^fd 50,' "$WORK/through"
}

@test "transparent: blocked, ignored and pending signals" {
	unknown=signals same exec
	grep -q '^status: SigPnd: 0*200$' "$WORK/through"
	# Whoever started us may ignore some, too.
	(((0x$(seen 'status: SigIgn' "$WORK/through") & 0x8000000000211001) == 0x8000000000211001))
}

@test "transparent: limits, score, personality, timer slack, signal at the parent's death" {
	unknown=process same exec
	grep -qx "signal at the parent's death: 12" "$WORK/through"
	grep -qx 'personality: 0x40000' "$WORK/through"
}

@test "transparent: umask, and resource limits" {
	# shellcheck disable=SC2317 # called through observe
	world() {
		umask 077
		ulimit -n 64
		ulimit -s 1024
		ulimit -c 0
		exec "$@"
	}
	same world
	grep -qx 'status: Umask: 0077' "$WORK/through"
	grep -qx 'limit 7: 64 64' "$WORK/through"
}

@test "transparent: the working directory, also one that is gone" {
	# shellcheck disable=SC2317 # called through observe
	world() {
		mkdir gone
		cd gone || exit
		rmdir ../gone
		exec "$@"
	}
	same world
	grep -q '^cwd: .*gone (deleted)$' "$WORK/through"
}

@test "transparent: nice, batch scheduling, one CPU" {
	same exec nice -n 5
	same exec chrt -b 0
	grep -qx 'scheduler: policy 0x3, priority 0' "$WORK/through"
	same exec taskset -c "$CPU"
	grep -qx "status: Cpus_allowed_list: $CPU" "$WORK/through"
}

@test "transparent: a memory policy of the caller's" {
	# Where numactl itself is refused, there is no such world.
	if numactl --membind=0 true; then
		same exec numactl --membind=0
		grep -qx 'memory policy: mode 0x2, nodes 0' "$WORK/through"
		same exec numactl --interleave=0
		grep -qx 'memory policy: mode 0x3, nodes 0' "$WORK/through"
	else
		run ! numactl --interleave=0 true
	fi
}

@test "transparent: no new privileges" {
	same exec setpriv --no-new-privs
	grep -qx 'status: NoNewPrivs: 1' "$WORK/through"
}

@test "transparent: an empty environment, and an odd one" {
	cases=nameless same exec env -i
	run ! grep -q '^env ' "$WORK/through"
	same exec env -i "GUEST_PINNING_CONF=$GUEST_PINNING_CONF" $'A=\xff\n' B= A=2 =x
	equal "$(grep -c '^env ' "$WORK/through")" 4
}

@test "transparent: stdin, stdout, stderr closed, one by one and all" {
	# shellcheck disable=SC2317 # called through observe
	closed() {
		case $1 in
		*0*) exec <&- ;;&
		*1*) exec >&- ;;&
		*2*) exec 2>&- ;;
		esac
		exec "${@:2}"
	}
	local which
	for which in 0 1 2 12 012; do
		same closed $which
		run ! grep -q "^fd ${which:0:1}," "$WORK/through"
	done
}

@test "transparent: 100,000 arguments" {
	local arguments
	mapfile -t arguments < <(seq 1 99994)
	arguments+=(-name web1)
	policy 'db 1023'
	observe "$REAL" exec >"$WORK/direct"
	observe "$EMULATOR" exec >"$WORK/through"
	cmp "$WORK/direct" "$WORK/through"
	equal "$(grep -c '^argv ' "$WORK/through")" 99999
	[[ ! -s $WORK/stderr ]]
}

@test "transparent: arguments with newlines, escapes, and bytes that are no UTF-8" {
	# shellcheck disable=SC2016 # no expansion
	local arguments=($'-name\n' $'guest=\xff\xfe' '' ' ' $'\e[31m' -name $'w\n\xff' $'\\' "'" '$(x)' --)
	policy 'db 1023'
	observe "$REAL" exec >"$WORK/direct"
	observe "$EMULATOR" exec >"$WORK/through"
	diff "$WORK/direct" "$WORK/through"
	[[ ! -s $WORK/stderr ]]
}

@test "env= alone: only that variable differs" {
	policy 'web1 - env=GUEST_PINNING_TEST=a=b'
	local last unknown
	for unknown in - descriptors,signals,process; do
		last=$(("$(env -u _ "$STANDIN" | grep -c '^env ')" + 1))
		differs "/^env $((last - 1)): /a env $last: GUEST_PINNING_TEST=a=b" exec
	done
}

@test "cpus= alone: only the affinity differs" {
	local unknown
	policy "web1 - cpus=$CPU"
	for unknown in - descriptors,signals,process; do
		differs "s/^(status: Cpus_allowed_list: ).*/\\1$CPU/" exec
		one_line "$(<"$WORK/stderr")"
	done
}

# libnuma, when opened, tries memory policies: the caller's must be there after it.
@test "cpus= alone: a memory policy of the caller's stays" {
	local policy
	policy "web1 - cpus=$CPU"
	for policy in --membind=0 --interleave=0 --preferred=0 --localalloc; do
		# Where numactl itself is refused, there is no such world.
		numactl "$policy" true || continue
		differs "s/^(status: Cpus_allowed_list: ).*/\\1$CPU/" exec numactl "$policy"
	done
}

# Then another program goes on, which stands for the shim.
@test "cpus= by libnuma alone: only the affinity differs" {
	local unknown last left
	last=$(taskset -cp $$ | sed 's/.*: //; s/.*[-,]//')
	policy "web1 - cpus=!$last"
	left=$(numactl --physcpubind="!$last" sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
	for unknown in - descriptors,signals,process; do
		differs "s/^(status: Cpus_allowed_list: ).*/\\1$left/" exec
		one_line "$(<"$WORK/stderr")"
	done
	unknown=-
	differs "s/^(status: Cpus_allowed_list: ).*/\\1$left/" exec env -i \
		"QEMU_KVM_SHIM_STANDS_FOR=0/nowhere" "GUEST_PINNING_CONF=$GUEST_PINNING_CONF" \
		"QEMU_KVM_SHIM_FULL=$QEMU_KVM_SHIM_FULL" $'A=\xff\n' B= A=2 =x
	equal "$(grep -c '^env ' "$WORK/through")" 6
	local argv0
	for argv0 in "" "a b" $'\xff\n'; do
		differs "s/^(status: Cpus_allowed_list: ).*/\\1$left/" exec
	done
}

@test "cpus= alone: with stdin, stdout and stderr closed nothing of ours is open" {
	# shellcheck disable=SC2317 # called through observe
	closed() {
		exec <&- >&- 2>&-
		exec "$@"
	}
	policy "web1 - cpus=$CPU"
	differs "s/^(status: Cpus_allowed_list: ).*/\\1$CPU/" closed
	run ! grep -q '^fd [012],' "$WORK/through"
}
