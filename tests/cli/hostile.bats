#!/usr/bin/env bats
# Attacks that SECURITY.md tells of, on the programs as they are: the agent in namespaces of its
# own, with clients that lie about who they are; and policies that somebody else has laid out.

# shellcheck disable=SC2016 # what is in '…' is run in the world
# shellcheck disable=SC2153,SC2154 # TOOL, output, status and stderr are set by lib.bash

load lib

setup() {
	work_make
	emulator_make
	chmod 755 "$WORK"
	export WORK EMULATOR CGROUP
	export AGENT=$BUILD/guest-pinningd HOSTILE=$BUILD/tests/hostile STANDIN SHIM
	CPU=$(taskset -cp $$ | sed "s/.*: //; s/[-,].*//")
	export CPU
	# Nothing of this is for the agent alone to give but the priority.
	policy 'web1 - nice=3'
	CGROUP=
}

teardown() {
	[[ ! $CGROUP ]] || cgroups_remove "$CGROUP"
}

# in_world SCRIPT - a shell with processes, /run and mounts of its own, as root there, in which
# the agent listens at /run/agent.sock and writes to $WORK/log. "outsider COMMAND" is the shell's
# for an ordinary user; "$AGENT_PID" is the agent.
in_world() {
	local root=()
	((EUID == 0)) || root=(--user --map-root-user)
	works unshare "${root[@]}" --mount --pid --fork --kill-child --mount-proc bash -euc '
		mount -t tmpfs none /run
		cp "$HOSTILE" /run/hostile
		outsider() {
			[[ $(</proc/self/uid_map) != *" 1" ]] || { "$@"; return; } # there is no other
			setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
		}
		"$HOSTILE" listen /run/agent.sock "$AGENT" --foreground --policy "$WORK/policy" 2>"$WORK/log" &
		AGENT_PID=$!
		until [[ -S /run/agent.sock ]]; do sleep 0.01; done
		'"$1"
	# What the agent says is a line each, and nothing that a terminal would take for more.
	equal "$(LC_ALL=C grep -a '[^ -~]' "$WORK/log")" ''
}

# answer N - the Nth line of what was printed.
answer() {
	sed -n "$1p" <<<"$output"
}

# log_has TEXT
log_has() {
	has "$(<"$WORK/log")" "$1"
}

# known NAME PID LINE - the agent took that process for a shim of that guest, and found its rule;
# which asks it for nothing, since whoever it is, it is not in a cgroup of libvirt's.
known() {
	log_has "refused guest '$1' (pid $2, uid 0): rule $WORK/policy:$3: its cgroup /"
}

## Who asks the agent

@test "agent: a shim that is held before it begins is known, by what it is called" {
	in_world '"$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1
		"$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1 -name guest=db1,,
		"$HOSTILE" as /run/agent.sock "$EMULATOR" -name db1 -name guest=web1'
	known web1 "$(answer 1)" 1
	log_has "refused guest 'db1,' (pid $(answer 3), uid 0): its cgroup /"
	known web1 "$(answer 5)" 1
}

@test "agent: names with anything in them are one line of the log, and no pattern or command" {
	policy 'web1 - nice=3' '\* - nice=4'
	in_world '
		for name in "*" "web?" "\$(touch \$WORK/made)" "\`id\`; id" $'"'"'web1\n\e[31mguest-pinningd: placed'"'"' \
			$'"'"'\xff\xc2\x9b'"'"' $'"'"'\xe2\x80\xaebew'"'"' "%s%n" "../../etc/passwd" "web1,,x" "$(printf %100000s x)"; do
			"$HOSTILE" as /run/agent.sock "$EMULATOR" -name "guest=$name"
		done'
	known '*' "$(answer 1)" 2
	equal "$(grep -c ': rule ' "$WORK/log")" 1
	equal "$(grep -c '^guest-pinningd: refused guest ' "$WORK/log")" 11
	equal "$(wc -l <"$WORK/log")" 11
	log_has "refused guest 'web1\\x0a\\x1b[31mguest-pinningd: placed'"
	log_has "refused guest '\\xff\\xc2\\x9b'"
	log_has "refused guest '\\xe2\\x80\\xaebew'"
	[[ ! -e $WORK/made ]]
}

@test "agent: a process that has overwritten its command line is still no shim" {
	in_world '"$HOSTILE" overwrite /run/agent.sock "$EMULATOR" -name web1
		"$HOSTILE" as /run/agent.sock "$STANDIN" -name web1'
	equal "$(answer 1)" "guest-pinning 1 refused its executable $HOSTILE is no qemu-kvm-shim"
	equal "$(answer 3)" "guest-pinning 1 refused its executable $STANDIN is no qemu-kvm-shim"
}

# By all that /proc says it is the shim that it names, as if held before it begins.
@test "agent: a process that says it executes a shim, by a user namespace of its own: refused" {
	in_world '"$HOSTILE" forge /run/agent.sock "$EMULATOR" -name web1
		"$HOSTILE" forge /run/agent.sock "$STANDIN" -name web1'
	equal "$(answer 1)" 'guest-pinning 1 refused it is in a user namespace of its own'
	equal "$(answer 2)" 'guest-pinning 1 refused it is in a user namespace of its own'
}

# It bears the mark, and the path is the installed one's; but not in the agent's world.
@test "agent: another shim in the installed one's place, by a mount of one's own: refused" {
	cp "$SHIM" "$WORK/patched"
	echo patched >>"$WORK/patched"
	in_world 'unshare --mount bash -c "mount --bind \"\$WORK/patched\" \"\$EMULATOR\" &&
			exec \"\$HOSTILE\" as /run/agent.sock \"\$EMULATOR\" -name web1"
		"$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1'
	equal "$(answer 2)" "guest-pinning 1 refused its executable is no longer $EMULATOR"
	known web1 "$(answer 3)" 1
}

@test "agent: from within a chroot it is seen by its whole path" {
	mkdir "$WORK/jail"
	in_world 'cd /run && "$HOSTILE" rooted agent.sock "$WORK/jail"'
	equal "$output" "guest-pinning 1 refused its executable $HOSTILE is no qemu-kvm-shim"
}

@test "agent: who is root in a user namespace of his own is who he is outside" {
	in_world 'outsider unshare --user --map-root-user --mount --pid --fork \
			/run/hostile send /run/agent.sock nothing
		outsider unshare --user --map-root-user --mount --pid --fork \
			/run/hostile as /run/agent.sock /bin/true -name web1'
	equal "$(answer 1)" nothing
	if ((EUID == 0)); then
		has "$(answer 3)" 'guest-pinning 1 refused its cgroup /'
		log_has '(uid 65534): its cgroup /'
	else # who is all that there is, and root there
		has "$(answer 3)" 'is no qemu-kvm-shim'
	fi
}

# Its own number there is another.
@test "agent: a process that it cannot see is refused" {
	in_world '"$HOSTILE" listen /run/other.sock "$(command -v unshare)" --mount --pid --fork --kill-child --mount-proc \
			bash -c "LISTEN_PID=\$\$ exec \"\$AGENT\" --foreground --policy \"\$WORK/policy\"" 2>>"$WORK/log" &
		until [[ -S /run/other.sock ]]; do sleep 0.01; done
		"$HOSTILE" as /run/other.sock "$EMULATOR" -name web1'
	equal "$(answer 2)" 'guest-pinning 1 refused the peer is in no process that is seen from here'
}

# Before Linux 6.5 the other one is judged, by all that it is itself.
@test "agent: a number that was another's as it connected gets nothing by that" {
	in_world '"$HOSTILE" reused /run/agent.sock "$EMULATOR" -name web1
		"$HOSTILE" reused /run/agent.sock "$STANDIN" -name web1
		grep -qE "^[1-5]\.|^6\.[0-4]\." /proc/sys/kernel/osrelease && echo older || echo newer'
	has "$(answer 4)" 'guest-pinning 1 refused '
	if [[ $(answer 5) == newer ]]; then
		has "$(answer 2)" 'guest-pinning 1 refused the process '
		has_not "$(<"$WORK/log")" web1
	else
		known web1 "$(answer 1)" 1
	fi
}

@test "agent: files sent along, too much, half of it, nothing: refused, and the next is served" {
	in_world '
		"$HOSTILE" send /run/agent.sock nothing # it has begun then
		before=$(ls /proc/$AGENT_PID/fd | wc -l)
		for i in 1 2 3 4 5 6 7 8 9 10; do
			for how in descriptors huge half nothing; do
				"$HOSTILE" send /run/agent.sock $how
			done
		done
		"$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1
		for i in {1..100}; do
			(($(ls /proc/$AGENT_PID/fd | wc -l) > before)) || break
			sleep 0.02
		done
		echo "$before $(ls /proc/$AGENT_PID/fd | wc -l)"'
	equal "$(answer 2)" "guest-pinning 1 refused its executable $HOSTILE is no qemu-kvm-shim"
	equal "$(answer 3)" 'guest-pinning 1 refused a message of 100000 bytes is no request that this agent knows'
	equal "$(answer 4)" 'guest-pinning 1 refused a message of 11 bytes is no request that this agent knows'
	equal "$(answer 5)" nothing
	has "$(answer 43)" 'guest-pinning 1 refused its cgroup /' # whom it found to be a shim
	equal "$(answer 44)" "${output##* } ${output##* }"
}

## Cgroups

# cgroup_make NAME - $CGROUP, in which root's may be, as libvirt's are.
cgroup_make() {
	local top
	top=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpuset(,|$)/ { v1 = $2 }
		$3 == "cgroup2" { v2 = $2 }
		END { print v1 != "" ? v1 : v2 }' /proc/mounts)
	CGROUP=$top/guest-pinning-test-$$
	local directory
	for directory in "$CGROUP" "$CGROUP/$1" "$CGROUP/$1/emulator"; do
		mkdir "$directory"
		if [[ -e $top/cgroup.controllers ]]; then
			echo +cpuset >"${directory%/*}/cgroup.subtree_control"
		else
			cat "${directory%/*}/cpuset.mems" >"$directory/cpuset.mems"
			cat "${directory%/*}/cpuset.cpus" >"$directory/cpuset.cpus"
		fi
	done
}

cgroups_remove() {
	local _
	for _ in {1..100}; do
		find "$1" -depth -type d -exec rmdir {} + 2>"$WORK/rmdir" || true
		[[ -d $1 ]] || return 0
		sleep 0.05
	done
	cat "$WORK/rmdir"
	return 1
}

# To be in one takes root, who alone makes them; another user's is in that user's own.
@test "agent: a cgroup namespace of one's own changes nothing of what cgroup that is" {
	policy 'web1 - nice=3' 'db1 - nice=4'
	if ((EUID != 0)); then
		in_world 'unshare --cgroup "$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1'
		known web1 "$(answer 1)" 1
		return
	fi
	cgroup_make qemu-1-web1.libvirt-qemu
	in_world 'echo $$ >"$CGROUP/qemu-1-web1.libvirt-qemu/emulator/cgroup.procs"
		unshare --cgroup bash -c "cat /proc/self/cgroup >\"\$WORK/seen\"
			\"\$HOSTILE\" as /run/agent.sock \"\$EMULATOR\" -name web1
			exec \"\$HOSTILE\" as /run/agent.sock \"\$EMULATOR\" -name db1"'
	has_not "$(<"$WORK/seen")" libvirt-qemu # so it looks from inside
	equal "$(answer 2)" 'guest-pinning 1 placed -'
	has "$(answer 4)" "/qemu-1-web1.libvirt-qemu/emulator is another guest's: its command line says 'db1'"
}

@test "agent: a cgroup that is made anew while a request waits gets nothing of it" {
	local guest
	policy "web1 - cpus=$CPU"
	if ((EUID != 0)); then # who can make none, and finds none
		in_world '"$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1'
		has "$(answer 2)" 'guest-pinning 1 refused '
		return
	fi
	cgroup_make qemu-1-web1.libvirt-qemu
	guest=$CGROUP/qemu-1-web1.libvirt-qemu
	export guest
	in_world '
		kill -STOP $AGENT_PID
		(echo $BASHPID >"$guest/emulator/cgroup.procs"
			exec "$HOSTILE" as /run/agent.sock "$EMULATOR" -name web1) >"$WORK/first" &
		first=$!
		until [[ -s $WORK/first ]]; do sleep 0.01; done
		sleep 0.1
		kill -KILL $(<"$WORK/first") $first
		wait $first || true
		until rmdir "$guest/emulator" "$guest" 2>/dev/null; do sleep 0.01; done
		mkdir "$guest" "$guest/emulator"
		cat "$guest/cpuset.cpus" >"$WORK/before"
		kill -CONT $AGENT_PID
		for i in {1..200}; do
			[[ ! -s $WORK/log ]] || break
			sleep 0.02
		done
		cat "$guest/cpuset.cpus" >"$WORK/after"'
	log_has "refused pid $(<"$WORK/first") (uid 0): the process "
	cmp "$WORK/before" "$WORK/after"
}

## Policies

# ignored REASON - the guest starts unplaced, with one warning, and soon.
ignored() {
	SECONDS=0
	fails 0 "$EMULATOR" -name web1
	one_line "$stderr"
	has "$stderr" ": ignored: "
	has "$stderr" "$1"
	((SECONDS < 10))
}

@test "policy: a device, or one of 10 GB, is ignored at once" {
	ln -s /dev/zero "$WORK/policy.zero"
	GUEST_PINNING_CONF=$WORK/policy.zero ignored ""
	ln -s /dev/tty "$WORK/policy.tty"
	GUEST_PINNING_CONF=$WORK/policy.tty ignored ""
	# One that nobody else may write, where this may make one.
	if mknod -m 644 "$WORK/policy.device" c 1 5 2>"$WORK/said"; then
		GUEST_PINNING_CONF=$WORK/policy.device ignored "no regular file"
	fi
	truncate -s 10G "$WORK/policy"
	ignored "larger than"
	fails 1 "$TOOL" check
	has "$output$stderr" "larger than"
}

@test "policy: a hard link in somebody else's directory is no policy, and spoils none" {
	policy '* - env=GUEST_PINNING_TEST=1'
	mkdir "$WORK/open"
	ln "$WORK/policy" "$WORK/open/policy"
	chmod 777 "$WORK/open"
	GUEST_PINNING_CONF=$WORK/open/policy ignored "its directory may be written by others"
	works "$EMULATOR" -name web1
	has "$output" GUEST_PINNING_TEST=1
}

@test "policy: one that is replaced all the time is the old one or the new one" {
	local i
	for i in {1..2000}; do printf '# %s\n' "$i"; done >"$WORK/padding"
	{ echo 'web1 - env=FROM=one' && cat "$WORK/padding"; } >"$WORK/one"
	{ cat "$WORK/padding" && echo 'web1 - env=FROM=other'; } >"$WORK/other"
	cp "$WORK/one" "$WORK/policy"
	(
		while [[ ! -e $WORK/enough ]]; do
			cp "$WORK/other" "$WORK/new" && mv "$WORK/new" "$WORK/policy"
			cp "$WORK/one" "$WORK/new" && mv "$WORK/new" "$WORK/policy"
		done
	) 3>&- &
	for i in {1..100}; do
		works "$EMULATOR" -name web1
		sed -n 's/^env [0-9]*: FROM=//p' <<<"$output"
	done >"$WORK/from"
	touch "$WORK/enough"
	wait
	equal "$(sort -u "$WORK/from")" $'one\nother'
	equal "$(wc -l <"$WORK/from")" 100
}

@test "tool: a file of another user's is checked without waiting, and shown without escapes" {
	mkfifo "$WORK/fifo"
	fails 1 "$TOOL" check "$WORK/fifo"
	has "$output" "no regular file"
	printf 'web\e[2J\xe2\x80\xae - nonsense\e]0;title\a\n' >"$WORK/policy"
	((EUID != 0)) || chown 65534 "$WORK/policy"
	fails 1 "$TOOL" check "$WORK/policy"
	has "$output" 'nonsense\x1b]0;title\x07'
	has_not "$output" $'\e'
	has_not "$output" $'\xe2\x80\xae'
	fails 1 "$TOOL" check --json "$WORK/policy"
	has_not "$output" $'\e'
	has_not "$output" $'\xe2\x80\xae'
}

## The environment

# secure_shim - makes the shim one with more rights than its caller, where the test can: as root,
# or with a second group, on a file system with set-ID programs.
secure_shim() {
	local group
	group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1) || true
	((EUID != 0)) || group=12
	cp "$STANDIN" "$WORK/secure"
	[[ $group ]] && chgrp "$group" "$WORK/secure" "$EMULATOR" &&
		chmod 2755 "$WORK/secure" "$EMULATOR" && [[ $("$WORK/secure" | seen secure) == 1 ]]
}

@test "environment: a shim with more rights than its caller loads nobody's library" {
	capture env LD_PRELOAD="$WORK/none.so" "$EMULATOR" --shim-dry-run -name web1
	if readelf -l "$SHIM" | grep -q INTERP; then # under the sanitizers
		has "$stderr" "$WORK/none.so"        # it would have
	else
		has_not "$stderr" none.so
	fi
	if secure_shim 2>"$WORK/made"; then
		capture env LD_PRELOAD="$WORK/none.so" "$EMULATOR" --shim-dry-run -name web1
		has_not "$stderr" none.so
	else # then at least it is the C library alone that reads it
		has_not "$(strings -a "$SHIM")" LD_PRELOAD
	fi
}
