#!/usr/bin/env bats
# guest-pinning install and uninstall on a scratch emulator: what they do, and
# that at no moment, wherever they are killed and whatever fails, is there less
# than a working emulator, which the next run does not bring in order.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # stderr is set by run

load lib

setup() {
	work_make
	mkdir "$WORK/libexec"
	TARGET=$WORK/libexec/qemu-kvm
	cp "$STANDIN" "$TARGET"
	DIVERTED= # set where TARGET is missing before the step that is interrupted
	LACKS= # the record of what the emulator is too old for, if there is one
}

# The emulator at TARGET is a QEMU that has none of what is looked for in it.
make_old() {
	printf 'QEMU emulator version 1.2' >>"$TARGET"
	LACKS=$'qemu-kvm-shim.alias/qemu-kvm.lacks \n'
}

# lacks_are_of FILE - the record is whole, and of that very file.
lacks_are_of() {
	local record=$WORK/libexec/qemu-kvm-shim.alias/qemu-kvm.lacks
	equal "$(sed 1d "$record")" 'mem-merge
memory-backend-memfd
x-use-canonical-path-for-ramblock-id' &&
		has "$(head -n 1 "$record")" "inode $(stat -c %i "$1"), $(stat -c %s "$1") bytes"
}

# A newer emulator, as a package manager puts it: another file, renamed.
upgrade() {
	cp "$STANDIN" "$TARGET.upgrade"
	echo "newer" >>"$TARGET.upgrade"
	mv "$TARGET.upgrade" "$TARGET"
}

IDENTITY='%i %Y %a %u %g' # the file itself, when it was written, mode, owner

# The file at TARGET is the emulator that must survive all that follows.
remember() {
	EMULATOR_ID=$(stat -c "$IDENTITY" "$TARGET")
	cp -p "$TARGET" "$WORK/emulator"
}

files() {
	find "$WORK/libexec" -mindepth 1 -printf '%P %l\n' | sort
}

runs() {
	"$TARGET" -D "$WORK/seen" && grep -q '^argv 1: -D$' "$WORK/seen"
}

# The shim at TARGET, the remembered emulator behind it, and nothing else.
is_installed() {
	equal "$(files)" "qemu-kvm 
qemu-kvm-shim.alias 
qemu-kvm-shim.alias/qemu-kvm ../qemu-kvm.real
${LACKS}qemu-kvm.real " &&
		{ [[ -z $LACKS ]] || lacks_are_of "$TARGET.real"; } &&
		cmp "$TARGET" "$SHIM" &&
		cmp "$TARGET.real" "$WORK/emulator" &&
		equal "$(stat -c "$IDENTITY" "$TARGET.real")" "$EMULATOR_ID" &&
		equal "$(stat -c '%a %u %g' "$TARGET")" "$(stat -c '%a %u %g' "$WORK/emulator")" &&
		runs &&
		equal "$(seen exe "$WORK/seen")" "$TARGET.real" &&
		equal "$(seen comm "$WORK/seen")" qemu-kvm
}

# The remembered emulator, the very file, and nothing else.
is_uninstalled() {
	equal "$(files)" "qemu-kvm " &&
		cmp "$TARGET" "$WORK/emulator" &&
		equal "$(stat -c "$IDENTITY" "$TARGET")" "$EMULATOR_ID" &&
		runs
}

# refused STATUS WORD COMMAND... - it fails, says so in one line, and changes nothing.
refused() {
	local before
	before=$(files)
	fails "$1" "${@:3}"
	one_line "$stderr"
	has "$stderr" "$2"
	equal "$(files)" "$before"
}

@test "install: shim in place, emulator kept as .real, alias made" {
	remember
	works "$TOOL" install "$TARGET"
	equal "${output%%$'\n'*}" "$TARGET: the shim is in place"
	is_installed
}

@test "install: owner, mode and attributes are the emulator's" {
	local name names=()
	# A file system without attributes, such as an older tmpfs, keeps none.
	if ! setfattr -n user.test -v x "$TARGET" 2>/dev/null && [[ -w $BUILD ]]; then
		mkdir -p "$BUILD/attributes.$$"
		TARGET=$BUILD/attributes.$$/qemu-kvm
		cp "$STANDIN" "$TARGET"
	fi
	((EUID != 0)) || chown 65534:12 "$TARGET"
	chmod 0750 "$TARGET"
	attribute() { ! setfattr -n "$1" -v "$2" "$TARGET" 2>/dev/null || names+=("$1"); }
	attribute user.test 'some value'
	# An access list: u:1000:r-x.
	attribute system.posix_acl_access \
		0x0200000001000700ffffffff02000500e803000004000500ffffffff10000500ffffffff20000000ffffffff
	# For root: a label as SELinux has it, and a capability (net_raw).
	attribute security.selinux system_u:object_r:qemu_exec_t:s0
	attribute security.capability 0x0100000200200000000000000000000000000000
	stat -c '%a %u %g' "$TARGET" >"$WORK/before"
	works "$TOOL" install "$TARGET"
	stat -c '%a %u %g' "$TARGET" >"$WORK/after"
	# Only when all is read may a failing test leave a directory of $BUILD.
	local before=() after=()
	for name in "${names[@]}"; do
		before+=("$name=$(getfattr --only-values --absolute-names -n "$name" "$TARGET.real" | base64)")
		after+=("$name=$(getfattr --only-values --absolute-names -n "$name" "$TARGET" 2>&1 | base64)")
	done
	rm -rf "$BUILD/attributes.$$"
	cmp "$WORK/before" "$WORK/after"
	equal "${after[*]}" "${before[*]}"
	echo "# compared: ${names[*]-no attribute}"
}

@test "install: signatures of the emulator's bytes are not copied" {
	# Only root can make one, and not on every kernel.
	if setfattr -n security.ima -v 0x0401 "$TARGET" 2>/dev/null; then
		works "$TOOL" install "$TARGET"
		run ! getfattr --absolute-names -n security.ima "$TARGET"
	else
		works "$TOOL" install "$TARGET"
		run getfattr --absolute-names -d -m - "$TARGET"
		has_not "$output" security.ima
	fi
}

@test "install: set-user-ID and the like are kept" {
	chmod 6755 "$TARGET"
	works "$TOOL" install "$TARGET"
	equal "$(stat -c %a "$TARGET")" 6755
}

@test "install: repeated, nothing changes but TARGET's ctime" {
	works "$TOOL" install "$TARGET"
	# But for the time of their directory, where the lock was.
	look() { find "$WORK/libexec" -mindepth 1 -printf '%p %i %n %M %U %G %s %T@ %l'"$1"'\n' | sort; }
	look '' >"$WORK/before"
	find "$WORK/libexec" -mindepth 1 ! -path "$TARGET" -printf '%p %C@\n' | sort >"$WORK/ctimes"
	local ctime
	ctime=$(find "$TARGET" -printf %C@)
	sleep 0.05
	works "$TOOL" install "$TARGET"
	has "$output" "new ctime"
	look '' >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
	find "$WORK/libexec" -mindepth 1 ! -path "$TARGET" -printf '%p %C@\n' | sort |
		diff "$WORK/ctimes" -
	[[ $(find "$TARGET" -printf %C@) > $ctime ]]
}

@test "install: after an upgrade the new emulator is the .real one" {
	works "$TOOL" install "$TARGET"
	upgrade
	remember
	works "$TOOL" install "$TARGET"
	is_installed
}

@test "install: an older shim is replaced, and a changed mode put right" {
	remember
	works "$TOOL" install "$TARGET"
	echo "older" >>"$TARGET"
	chmod 700 "$TARGET"
	works "$TOOL" install "$TARGET"
	equal "${output%%$'\n'*}" "$TARGET: the shim is in place"
	is_installed
}

@test "install: a wrong or missing alias is put right" {
	remember
	works "$TOOL" install "$TARGET"
	ln -sfn ../other "$WORK/libexec/qemu-kvm-shim.alias/qemu-kvm"
	works "$TOOL" install "$TARGET"
	is_installed
	rm -r "$WORK/libexec/qemu-kvm-shim.alias"
	works "$TOOL" install "$TARGET"
	is_installed
}

@test "install: with a narrow umask the alias can be used by all" {
	(
		umask 077
		"$TOOL" install "$TARGET"
	)
	equal "$(stat -c %a "$TARGET" "$WORK/libexec/qemu-kvm-shim.alias" | paste -sd ' ')" "755 755"
}

@test "install: a relative TARGET, one without a directory, one with a blank" {
	remember
	works "$TOOL" install libexec/../libexec//qemu-kvm
	is_installed
	cd libexec
	works "$TOOL" uninstall qemu-kvm
	is_uninstalled
	works "$TOOL" install -- qemu-kvm
	is_installed
	cp "$STANDIN" ./$'-a b\n\xff'
	works "$TOOL" install -- $'-a b\n\xff'
	works ./$'-a b\n\xff' -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$WORK/libexec/-a b\\x0a\\xff.real"
}

@test "install: TARGET a symbolic link: the file behind it" {
	remember
	mkdir bin
	ln -s ../libexec/qemu-kvm bin/kvm
	works "$TOOL" install bin/kvm
	is_installed
	equal "$(readlink bin/kvm)" ../libexec/qemu-kvm
	works bin/kvm -D "$WORK/seen"
	equal "$(seen exe "$WORK/seen")" "$TARGET.real"
	works "$TOOL" uninstall bin/kvm
	is_uninstalled
}

# As the demonstration does it: .real names an emulator elsewhere.
@test "install: TARGET.real a symbolic link: the shim has the mode of what it names" {
	mv "$TARGET" "$WORK/elsewhere"
	chmod 750 "$WORK/elsewhere"
	ln -s "$WORK/elsewhere" "$TARGET.real"
	cp "$SHIM" "$TARGET"
	works "$TOOL" install "$TARGET"
	equal "$(stat -c %a "$TARGET")" 750
	works "$TARGET" -D "$WORK/seen"
	works "$TOOL" install "$TARGET"
	has "$output" "new ctime"
}

@test "install: two emulators of one directory" {
	cp "$STANDIN" "$WORK/libexec/other"
	remember
	works "$TOOL" install "$TARGET"
	works "$TOOL" install "$WORK/libexec/other"
	works "$TOOL" uninstall "$TARGET"
	equal "$(readlink "$WORK/libexec/qemu-kvm-shim.alias/other")" ../other.real
	works "$WORK/libexec/other" -D "$WORK/seen"
	equal "$(seen comm "$WORK/seen")" other
	works "$TOOL" uninstall "$WORK/libexec/other"
	rm "$WORK/libexec/other"
	is_uninstalled
}

@test "install: ten at once" {
	remember
	for _ in {1..10}; do
		"$TOOL" install "$TARGET" >>"$WORK/log" 2>&1 &
	done
	wait
	equal "$(grep -c 'the shim \(is\|was\) in place' "$WORK/log")" 10
	is_installed
}

@test "install refused: no such file, no directory, a directory, not executable" {
	refused 1 'there is no emulator' "$TOOL" install "$WORK/libexec/none"
	refused 1 'No such file' "$TOOL" install "$WORK/none/qemu-kvm"
	refused 1 'Not a directory' "$TOOL" install "$TARGET/x"
	refused 1 'it is no file' "$TOOL" install "$WORK/libexec"
	refused 1 'it is no file' "$TOOL" install /dev/null
	chmod -x "$TARGET"
	refused 1 'not executable' "$TOOL" install "$TARGET"
	refused 1 '' "$TOOL" install ''
}

@test "install refused: a link that leads nowhere" {
	ln -s nowhere "$WORK/libexec/link"
	refused 1 '' "$TOOL" install "$WORK/libexec/link"
	equal "$(readlink "$WORK/libexec/link")" nowhere
}

@test "install refused: the .real file itself" {
	refused 1 .real "$TOOL" uninstall "$TARGET.real"
	works "$TOOL" install "$TARGET"
	refused 1 .real "$TOOL" install "$TARGET.real"
	refused 1 .real "$TOOL" uninstall "$TARGET.real"
}

@test "install: TARGET is missing: put back where a shim was installed, else refused" {
	remember
	works "$TOOL" install "$TARGET"
	rm "$TARGET"
	works "$TOOL" install "$TARGET"
	equal "${output%%$'\n'*}" "$TARGET: the shim is in place"
	is_installed
	rm "$TARGET"
	works "$TOOL" uninstall "$TARGET"
	is_uninstalled
	mv "$TARGET" "$TARGET.real"
	refused 1 uninstall "$TOOL" install "$TARGET"
	works "$TOOL" uninstall "$TARGET"
	is_uninstalled
}

@test "uninstall: behind the shim is a link that leads to another shim: the link is back" {
	works "$TOOL" install "$TARGET"
	cp "$STANDIN" "$WORK/libexec/other"
	works "$TOOL" install "$WORK/libexec/other"
	ln -sf other "$TARGET.real"
	works "$TOOL" uninstall "$TARGET"
	equal "$(readlink "$TARGET")" other
	runs
	[[ ! -e $TARGET.real && ! -L $TARGET.real ]]
	# But for a file that is a shim, which would call itself.
	rm "$TARGET"
	cp "$STANDIN" "$TARGET"
	works "$TOOL" install "$TARGET"
	cp "$SHIM" "$TARGET.real"
	refused 1 reinstall "$TOOL" uninstall "$TARGET"
}

@test "a shim without an emulator: install refused, uninstall takes it away" {
	remember
	works "$TOOL" install "$TARGET"
	rm "$TARGET.real"
	refused 1 reinstall "$TOOL" install "$TARGET"
	cmp "$TARGET" "$SHIM"
	works "$TOOL" uninstall "$TARGET"
	has "$output" "$TARGET: the shim is removed, and there is no emulator"
	equal "$(files)" ""
	refused 1 "there is no emulator" "$TOOL" uninstall "$TARGET"
}

# Who may write there could have the shim get the owner and mode of any file, by a link at
# TARGET.real, or have the mode of any directory changed, by one in the alias's place.
@test "install refused: where others may put files, or another directory" {
	local mode
	mkdir -m 700 "$WORK/secret"
	ln -s ../secret "$WORK/libexec/qemu-kvm-shim.alias"
	for mode in 775 757 777 1777; do
		chmod "$mode" "$WORK/libexec"
		refused 1 "$WORK/libexec: may be written by others (mode $(printf '%04o' "0$mode"))" \
			"$TOOL" install "$TARGET"
	done
	equal "$(stat -c %a "$WORK/secret")" 700
	rm "$WORK/libexec/qemu-kvm-shim.alias"
	chmod 755 "$WORK/libexec"
	chmod 777 "$WORK"
	refused 1 "$WORK: may be written by others" "$TOOL" install "$TARGET"
	chmod 1777 "$WORK" # as /tmp, where each keeps his own
	remember
	works "$TOOL" install "$TARGET"
	is_installed
	chmod 777 "$WORK/libexec"
	works "$TOOL" uninstall "$TARGET" # or it could not be got rid of
	is_uninstalled
	if ((EUID == 0)); then
		chmod 755 "$WORK/libexec"
		chown 65534 "$WORK/libexec"
		refused 1 "$WORK/libexec: belongs to uid 65534" "$TOOL" install "$TARGET"
		chown 0 "$WORK/libexec"
		chown 65534 "$WORK"
		refused 1 "$WORK: belongs to uid 65534" "$TOOL" install "$TARGET"
	fi
}

# locked_by COMMAND... - it holds a lock on what is descriptor 7, until locked_end.
locked_by() {
	"$@" bash -c 'flock 7 && echo locked && exec sleep 60' >"$WORK/held" 3>&- &
	until [[ -s $WORK/held ]]; do sleep 0.02; done
}

locked_end() {
	kill -- $!
	wait || true
}

# Whoever may read a directory may lock it: a descriptor is enough.
@test "install: a directory that somebody else has locked holds nothing up" {
	local other=(env)
	((EUID != 0)) || other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	remember
	locked_by "${other[@]}" 7<"$WORK/libexec"
	SECONDS=0
	works "$TOOL" install "$TARGET"
	is_installed
	works "$TOOL" uninstall "$TARGET"
	is_uninstalled
	locked_end
	((SECONDS < 8))
}

@test "install: another installation is waited for, but not without end; nobody else can pass for one" {
	local lock=$WORK/libexec/qemu-kvm-shim.lock
	# As one that was killed has left it.
	works "$TOOL" install "$TARGET"
	(umask 0 && strace -o "$WORK/trace" -e inject=flock:signal=KILL:when=1 \
		"$TOOL" uninstall "$TARGET" >/dev/null 2>&1) || true
	equal "$(stat -c '%a %u' "$lock")" "600 $EUID"
	locked_by env 7<"$lock"
	SECONDS=0
	fails 1 "$TOOL" uninstall "$TARGET"
	locked_end
	one_line "$stderr"
	has "$stderr" "$lock: somebody has locked it for 10 seconds: end who it is"
	((SECONDS < 15))
	works "$TOOL" uninstall "$TARGET"
	equal "$(files)" "qemu-kvm "
}

@test "install: wrong usage is 2" {
	fails 2 "$TOOL" install
	has "$stderr" usage
	fails 2 "$TOOL" install "$TARGET" "$TARGET"
	fails 2 "$TOOL" install --json "$TARGET"
	fails 2 "$TOOL" uninstall
	equal "$(files)" "qemu-kvm "
}

@test "install: an output that cannot be written is 1" {
	full() { "$TOOL" "$@" >/dev/full; }
	run full install "$TARGET"
	equal "$status" 1
	has "$output" "cannot be written"
	run full uninstall "$TARGET"
	equal "$status" 1
}

@test "install: with stdin, stdout and stderr closed nothing is written into a file" {
	remember
	closed() { "$TOOL" "$1" "$TARGET" <&- >&- 2>&-; }
	run closed install
	is_installed
	run closed uninstall
	is_uninstalled
	run closed install
	chmod -x "$TARGET"
	run closed install
	is_installed
	works "$TOOL" uninstall "$TARGET"
}

# The script that came before us: at TARGET, and the emulator at TARGET.real.
@test "install refused: another wrapper before an emulator, which stays as it is" {
	mv "$TARGET" "$TARGET.real"
	# shellcheck disable=SC2016 # for that shell
	printf '#!/bin/sh\nexec "$0.real" "$@"\n' >"$TARGET"
	chmod 755 "$TARGET"
	refused 1 'no shim was installed' "$TOOL" install "$TARGET"
	works "$TOOL" uninstall "$TARGET"
	equal "$output" "$TARGET: no shim was in its place"
	cmp "$TARGET.real" "$STANDIN"
	runs
}

@test "uninstall: the emulator is back, byte for byte, the very file" {
	remember
	works "$TOOL" install "$TARGET"
	works "$TOOL" uninstall "$TARGET"
	equal "$output" "$TARGET: the emulator is back"
	is_uninstalled
	equal "$(stat -c %h "$TARGET")" 1
	works "$TOOL" uninstall "$TARGET"
	equal "$output" "$TARGET: no shim was in its place"
	is_uninstalled
}

@test "uninstall: after an upgrade the newer emulator stays, the older goes" {
	works "$TOOL" install "$TARGET"
	upgrade
	remember
	works "$TOOL" uninstall "$TARGET"
	is_uninstalled
}

## Killed, and failing, at every system call

# What calls change a file; the others only read.
CHANGING='^(link|linkat|rename|renameat|renameat2|symlink|symlinkat|mkdir|mkdirat|unlink|unlinkat|rmdir|chmod|fchmod|fchmodat|fchmodat2|chown|fchown|lchown|fchownat|setxattr|lsetxattr|fsetxattr|write|pwrite64|writev|sendfile|copy_file_range|ftruncate|fsync|fdatasync|open|openat)$'

# LeakSanitizer cannot work under a tracer.
traced() {
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -o "$WORK/trace" "$@"
}

# prepare STATE - the files before the step that is interrupted: made once, then
# copied, which spares the syncing of disks.
prepare() {
	if [[ ! -d $WORK/$1 ]]; then
		remember
		[[ $1 == fresh ]] || "$TOOL" install "$TARGET" >/dev/null
		case $1 in
		upgraded) upgrade && remember ;;
		old-shim) echo older >>"$TARGET" ;;
		diverted) rm "$TARGET" ;;
		esac
		mv "$WORK/libexec" "$WORK/$1"
	fi
	rm -rf "$WORK/libexec"
	cp -a "$WORK/$1" "$WORK/libexec"
	case $1 in
	fresh | upgraded) EMULATOR_ID=$(stat -c "$IDENTITY" "$TARGET") ;;
	*) EMULATOR_ID=$(stat -c "$IDENTITY" "$TARGET.real") ;;
	esac
}

# calls VERB - the step's system calls from the lock on, one a
# line: name and how many of that name there were since the program's start. Of the
# many reads by which it compares TARGET with the shim only the first are listed.
calls() {
	traced "$TOOL" "$1" "$TARGET" >"$WORK/stdout" || {
		echo "strace does not work here; it is needed for this test (ptrace is forbidden?)"
		return 1
	}
	awk -F'(' '/\.gcda"/ { exit } # it has ended, and writes what coverage counted
		/^[a-z]/ { count[$1]++ }
		/^flock/ { on = 1 }
		on && /^pread64/ && ++reads > 10 { next }
		on && /^[a-z]/ && !/^(exit_group|flock|mmap|munmap|brk|getrandom|madvise)/ { print $1, count[$1] }' \
		"$WORK/trace"
}

# kill_points - of these calls: those that change a file, for a kill there comes
# before the change (a signal at the call's entry is fatal before it is done), and
# those that follow one, for a kill after the change.
kill_points() {
	awk -v changing="$CHANGING" '{ now = $1 ~ changing }
		now || before { print }
		{ before = now }'
}

# after VERB - what an interrupted step has left works, and VERB sets it right.
after() {
	if [[ ! $DIVERTED ]] && ! runs; then
		echo "no working emulator is left"
	elif ! "$TOOL" "$1" "$TARGET" >"$WORK/stdout" 2>&1; then
		echo "$1 fails then: $(<"$WORK/stdout")"
	elif "is_${1}ed"; then
		return 0
	else
		echo "not ${1}ed in order"
	fi
	files
	return 1
}

# bats follows every command by a trap, which in these loops would take most of the time.
untraced() {
	set +T
	trap - DEBUG
}

# verdict POINTS - of the loops below: at least so many points, and no complaint.
verdict() {
	echo "# at $(wc -l <"$WORK/points") system calls" >&3
	(($(wc -l <"$WORK/points") >= $1))
	[[ ! -s $WORK/complaints ]] || {
		cat "$WORK/complaints"
		return 1
	}
}

# killed STATE VERB POINTS - at each point, of which there must be so many at least,
# and then followed by each of the two verbs.
killed() {
	local name count next
	untraced
	prepare "$1"
	calls "$2" | kill_points >"$WORK/points"
	: >"$WORK/complaints"
	while read -r name count; do
		for next in install uninstall; do
			prepare "$1"
			run traced -e inject="$name:signal=KILL:when=$count" \
				"$TOOL" "$2" "$TARGET"
			{ equal "$status" 137 && after $next; } >"$WORK/why" 2>&1 || {
				echo "$2 killed at $name $count, then $next:"
				cat "$WORK/why"
			} >>"$WORK/complaints"
		done
	done <"$WORK/points"
	verdict "$3"
}

# failed_well VERB - a step with a failing system call has done all or says why not.
failed_well() {
	if ((status == 0)); then
		"is_${1}ed"
	else
		equal "$status" 1 && one_line "$stderr"
	fi
}

# failing STATE VERB POINTS - each call, of which there must be so many at least,
# fails in turn. Either verb repairs; which is tried changes with each call.
failing() {
	local name count error next
	untraced
	prepare "$1"
	calls "$2" >"$WORK/points"
	: >"$WORK/complaints"
	while read -r name count; do
		error=EIO
		[[ ! $name =~ $CHANGING ]] || error=ENOSPC
		next=$([[ $next == install ]] && echo uninstall || echo install)
		prepare "$1"
		run --separate-stderr traced -e inject="$name:error=$error:when=$count" \
			"$TOOL" "$2" "$TARGET"
		{ failed_well "$2" && after "$next"; } >"$WORK/why" 2>&1 || {
			echo "$2 with $error at $name $count ($(grep INJECTED "$WORK/trace")), then $next:"
			cat "$WORK/why"
		} >>"$WORK/complaints"
	done <"$WORK/points"
	verdict "$3"
}

@test "killed anywhere: install" {
	killed fresh install 15
}

@test "killed anywhere: install after an upgrade" {
	killed upgraded install 10
}

@test "killed anywhere: install over an older shim" {
	killed old-shim install 10
}

@test "killed anywhere: install repeated" {
	killed installed install 5
}

@test "killed anywhere: install behind a diversion" {
	DIVERTED=1
	killed diverted install 5
}

@test "killed anywhere: uninstall" {
	killed installed uninstall 7
}

@test "killed anywhere: uninstall after an upgrade" {
	killed upgraded uninstall 7
}

@test "killed anywhere: install of an emulator that is too old" {
	make_old
	killed fresh install 20
}

@test "killed anywhere: uninstall of an emulator that is too old" {
	make_old
	killed installed uninstall 8
}

@test "killed while the shim is being written" {
	local next
	for next in install uninstall; do
		prepare fresh
		# SIGXFSZ, after so many KiB have been written.
		run bash -c 'ulimit -f 16; exec "$@"' - "$TOOL" install "$TARGET"
		equal "$status" 153
		after $next
	done
}

@test "an error while the shim is being written" {
	prepare fresh
	run bash -c 'trap "" XFSZ; ulimit -f 16; exec "$@"' - "$TOOL" install "$TARGET"
	equal "$status" 1
	has "$output" "File too large"
	after install
}

@test "an error anywhere: install" {
	failing fresh install 20
}

@test "an error anywhere: install of an emulator that is too old" {
	make_old
	failing fresh install 25
}

@test "an error anywhere: install after an upgrade" {
	failing upgraded install 20
}

@test "an error anywhere: install over an older shim" {
	failing old-shim install 15
}

@test "an error anywhere: install repeated" {
	failing installed install 10
}

@test "an error anywhere: uninstall" {
	failing installed uninstall 10
}

@test "an error anywhere: uninstall after an upgrade" {
	failing upgraded uninstall 10
}
