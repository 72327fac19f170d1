#!/usr/bin/env bats
# The package for Fedora and RHEL, by the real rpm, which knows of this package and of the
# emulators' here alone. Of an emulator it has two versions, made of Debian's own.

setup_file() {
	load lib
	packages=$BATS_FILE_TMPDIR/packages
	export packages
	make_rpm "$REPO" "$packages/build"
	ours=$(echo "$packages"/build/rpm/RPMS/*/*.rpm)
	newer_make
	newer=$(echo "$packages"/newer/*/build/rpm/RPMS/*/*.rpm)
	export ours newer
	emulator_make qemu-kvm-core 1.0 /usr/libexec/qemu-kvm
	emulator_make qemu-kvm-core 2.0 /usr/libexec/qemu-kvm
	emulator_make qemu-system-x86-core 1.0 /usr/bin/qemu-system-x86_64
}

setup() {
	load lib
	host_make "$BATS_TEST_NUMBER"
	# shellcheck disable=SC2154 # host_make sets it
	target=$host/usr/libexec/qemu-kvm
	other=$host/usr/bin/qemu-system-x86_64
	# What Fedora's package filesystem has, and this Debian not.
	mkdir -p "$host"/etc/sysconfig "$host"/usr/libexec "$host"/usr/share/licenses \
		"$host"/usr/share/man/man{5,8} "$host"/usr/share/zsh/site-functions
}

teardown() {
	rm -f "$host/run/hold"
	hosts_end
}

# make_rpm SOURCES BUILD - with nothing of the make that runs this suite.
make_rpm() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$1" BUILD="$2" rpm
}

# The next release, from the archive of this one.
newer_make() {
	mkdir "$packages/newer"
	tar -xf "$packages"/build/*.tar.gz -C "$packages/newer"
	sed -i '0,/^## /s//## 9.0 (2030-01-02)\n\n- 100% newer.\n\n&/' \
		"$packages"/newer/*/CHANGELOG.md
	make_rpm "$packages"/newer/* build
}

# emulator_make NAME VERSION PATH [LINK] - $packages/NAME-VERSION.rpm, in which PATH is Debian's
# emulator with the version after its end, and LINK leads to it.
emulator_make() {
	local top=$packages/$1-$2 link_make=
	mkdir -p "$top"
	[[ ! ${4-} ]] || link_make="mkdir -p %{buildroot}${4%/*} && ln -s $3 %{buildroot}$4"
	cp "$BUILD/lab/image/root/usr/bin/qemu-system-x86_64" "$top/emulator"
	echo "$2" >>"$top/emulator"
	cat >"$top/spec" <<-END
		Name: $1
		Version: $2
		Release: 1
		Summary: An emulator
		License: GPLv2
		AutoReqProv: no
		%global __os_install_post %{nil}
		%global _binary_payload w1.gzdio
		%global _build_id_links none
		%description
		An emulator.
		%install
		install -D -m 755 $top/emulator %{buildroot}$3
		$link_make
		%files
		$3
		${4-}
	END
	HOME=$top rpmbuild -bb --quiet --define "_topdir $top" "$top/spec"
	mv "$top"/RPMS/*/*.rpm "$packages/$1-$2.rpm"
}

# root_rpm ARGUMENT... - rpm as the host's root.
root_rpm() {
	timeout -k 5 300 rpm --root "$host" --dbpath /var/lib/rpm --nodeps "$@" </dev/null 3>&-
}

# of_file ARGUMENT... PACKAGE - what a package's file says of itself. Debian's rpm has its own database
# in HOME.
of_file() {
	HOME=$BATS_TEST_TMPDIR rpm -qp "$@"
}

installed() {
	rpm --root "$host" --dbpath /var/lib/rpm -q "$@"
}

# All that is below /usr and /etc: what it is, whose, how large, and of which moment.
files() {
	(cd "$host" && find usr etc -xdev \
		\( -type d -printf '%p %M %u %g\n' -o -printf '%p %M %u %g %s %T@ %l\n' \) | sort)
}

sum() {
	sha256sum <"$1"
}

# version_of FILE - of what emulator_make made.
version_of() {
	tail -c 4 "$1"
}

is_shim() {
	cmp -s "$1" "$host/usr/libexec/qemu-kvm-shim/qemu-kvm-shim"
}

# placed VERSION - the shim is in the emulator's place, has that version of it behind it, and works.
placed() {
	is_shim "$target"
	same "$(version_of "$target.real")" "$1"
	same "$(sum "$target.real")" "$(sum "$packages/qemu-kvm-core-$1/emulator")"
	[[ $(in_host /usr/libexec/qemu-kvm --version) == 'QEMU emulator version '* ]]
}

# unplaced VERSION - that version itself is in its place, and nothing else of us.
unplaced() {
	same "$(sum "$target")" "$(sum "$packages/qemu-kvm-core-$1/emulator")"
	same "$(cd "$host/usr/libexec" && echo qemu-kvm*)" qemu-kvm
	root_rpm -V qemu-kvm-core
}

gone() {
	same "$(cd "$host/usr/libexec" && compgen -G 'qemu-kvm*')" "${1-}"
}

# The transactions that follow stop as the first scriptlet of ours reads its settings.
hold() {
	# shellcheck disable=SC2016 # it is for the host's shell
	echo 'echo $$ >/run/held; while [ -e /run/hold ]; do sleep 0.05; done' \
		>"$host/etc/sysconfig/qemu-kvm-shim"
	: >"$host/run/hold"
}

# killed RPM-ARGUMENT... - at that point.
killed() {
	local pid
	rm -f "$host/run/held"
	timeout 300 rpm --root "$host" --dbpath /var/lib/rpm --nodeps "$@" \
		</dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	until [[ -s $host/run/held ]]; do
		kill -0 "$pid"
		sleep 0.05
	done
	# timeout(1) has a process group of its own.
	kill -KILL -- "-$pid"
	wait "$pid" || true
}

@test "rpmlint finds nothing, and each program has its page" {
	run env HOME="$BATS_TEST_TMPDIR" rpmlint -c "$REPO/packaging/rpm/rpmlint.toml" "$packages/build/rpm"
	[[ $status == 0 && $output == *' 0 errors, 0 warnings'* ]]
	of_file -l "$ours" >"$BATS_TEST_TMPDIR/list"
	local program
	for program in guest-pinning guest-pinningd; do
		grep -qx "/usr/sbin/$program" "$BATS_TEST_TMPDIR/list"
		grep -qx "/usr/share/man/man8/$program.8.gz" "$BATS_TEST_TMPDIR/list"
	done
}

@test "its list of changes is the project's" {
	local changes
	changes=$(of_file --changelog "$newer")
	[[ $changes == *'9.0-1'*$'\n- 100% newer.\n'*"- $(cd "$REPO" && sed -n 's,^## \([0-9.]*\) (.*,\1,p' CHANGELOG.md | head -n 1)-1"* ]]
	same "$(of_file --qf '%{VERSION}-%{RELEASE}' "$newer")" 9.0-1
}

@test "a list of changes that cannot be read is told by its line" {
	export MAINTAINER='A <a@b>'
	local list
	for list in $'## 1.0 (2026-13-01)\n\n- one' $'## 1.0 (2026-11-01)\n\none' $'# Changes'; do
		run -1 "$REPO/packaging/changelog" rpm <<<"$list"
		[[ $output == *'changelog: line 1: 2026-13-01 is no'* ||
			$output == *'changelog: line 3: neither '* || $output == *'there is no release'* ]]
	done
	run -2 env -u MAINTAINER "$REPO/packaging/changelog" rpm <<<''
}

@test "the same bytes another time, elsewhere and with another umask" {
	(
		umask 077
		export TZ=Asia/Tokyo LANG=de_DE.UTF-8
		make_rpm "$REPO" "$BATS_TEST_TMPDIR/else/where"
	)
	local file
	for file in "$packages"/build/rpm/{SRPMS,RPMS/*}/*.rpm; do
		cmp "$file" "$BATS_TEST_TMPDIR/else/where/${file#"$packages/build/"}"
	done
}

@test "it requires the libraries, also those that are opened when a rule needs them" {
	of_file --requires "$ours" >"$BATS_TEST_TMPDIR/requires"
	local library opened
	opened=$(sed -n 's/.*library_open("\([^"]*\)".*/\1/p' "$REPO"/shim/*.c)
	same "$(sort <<<"$opened")" libnuma.so.1
	for library in $opened libjansson.so.4 libhwloc.so.15 libsmartcols.so.1 libcap-ng.so.0 libexpat.so.1; do
		grep -q "^$library(.*(64bit)$" "$BATS_TEST_TMPDIR/requires"
	done
}

@test "installed: the shim in place, the agent's socket enabled, nothing for AppArmor" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	cp "$other" "$BATS_TEST_TMPDIR/other"
	root_rpm -i "$ours"
	placed 1.0
	# One that no package has brought.
	is_shim "$other"
	cmp "$other.real" "$BATS_TEST_TMPDIR/other"
	root_rpm -V qemu-kvm-shim
	[[ -L $host/etc/systemd/system/sockets.target.wants/guest-pinningd.socket ]]
	[[ ! -e $host/etc/systemd/system/guest-pinningd.service ]]
	[[ ! -e $host/etc/apparmor.d/abstractions/guest-pinning ]]
	same "$(installed -c qemu-kvm-shim | sort)" \
		$'/etc/libvirt/guest-pinning.conf\n/etc/sysconfig/qemu-kvm-shim'
	in_host guest-pinning check
}

@test "the directory of libvirt's settings stays as it was" {
	chmod 700 "$host/etc/libvirt"
	root_rpm -i "$ours"
	same "$(stat -c %a "$host/etc/libvirt")" 700
	root_rpm -e qemu-kvm-shim
	same "$(stat -c %a "$host/etc/libvirt")" 700
}

@test "an emulator that comes later gets the shim, also one of the same transaction" {
	root_rpm -i "$ours"
	gone qemu-kvm-shim
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	placed 1.0
	root_rpm -e qemu-kvm-core qemu-kvm-shim
	root_rpm -i "$packages/qemu-kvm-core-2.0.rpm" "$ours"
	placed 2.0
}

@test "the emulator upgraded, reinstalled, downgraded: the shim is back, with a new ctime" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	local before version
	for version in 2.0 2.0 1.0; do
		before=$(stat -c %z "$target")
		root_rpm -U --oldpackage --replacepkgs "$packages/qemu-kvm-core-$version.rpm"
		placed "$version"
		[[ $(stat -c %z "$target") > $before ]]
		same "$(installed qemu-kvm-core)" "qemu-kvm-core-$version-1.x86_64"
	done
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
}

@test "this package upgraded and downgraded: there is a shim at every instant" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	cp "$target" "$BATS_TEST_TMPDIR/old"
	touch "$BATS_TEST_TMPDIR/go"
	(
		looks=0
		while [[ -e $BATS_TEST_TMPDIR/go ]]; do
			if [[ ! -e $target || ! -e $target.real || $target -ef $target.real ]]; then
				echo 'no shim' >>"$BATS_TEST_TMPDIR/gap"
			fi
			((++looks))
		done
		echo "$looks" >"$BATS_TEST_TMPDIR/looks"
	) 3>&- &
	root_rpm -U "$newer"
	root_rpm -U --replacepkgs "$newer"
	rm "$BATS_TEST_TMPDIR/go"
	wait
	[[ ! -e $BATS_TEST_TMPDIR/gap ]]
	echo "looked $(<"$BATS_TEST_TMPDIR/looks") times"
	(($(<"$BATS_TEST_TMPDIR/looks") >= 100))
	placed 1.0
	run ! cmp -s "$target" "$BATS_TEST_TMPDIR/old"
	root_rpm -U --oldpackage "$ours"
	placed 1.0
	cmp "$target" "$BATS_TEST_TMPDIR/old"
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
}

@test "an administrator's settings and policy are kept over an upgrade" {
	root_rpm -i "$ours"
	echo 'web* 0' >>"$host/etc/libvirt/guest-pinning.conf"
	echo 'EMULATORS=' >>"$host/etc/sysconfig/qemu-kvm-shim"
	in_host systemctl disable guest-pinningd.socket
	root_rpm -U "$newer"
	same "$(tail -n 1 "$host/etc/libvirt/guest-pinning.conf")" 'web* 0'
	same "$(tail -n 1 "$host/etc/sysconfig/qemu-kvm-shim")" 'EMULATORS='
	[[ ! -e $host/etc/systemd/system/sockets.target.wants/guest-pinningd.socket ]]
}

@test "this package removed: the very file is back, all files and sums as before" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	local inode
	inode=$(stat -c %i "$target")
	files >"$BATS_TEST_TMPDIR/before"
	sha256sum "$target" "$other" >"$BATS_TEST_TMPDIR/sums"
	root_rpm -i "$ours"
	run ! cmp -s "$BATS_TEST_TMPDIR/before" <(files)
	run ! root_rpm -V qemu-kvm-core
	root_rpm -e qemu-kvm-shim
	same "$(stat -c %i "$target")" "$inode"
	sha256sum --quiet -c "$BATS_TEST_TMPDIR/sums"
	diff "$BATS_TEST_TMPDIR/before" <(files)
	unplaced 1.0
	root_rpm -e qemu-kvm-core
	gone
}

@test "the emulator removed: nothing is left of it, and another keeps its shim" {
	root_rpm -i "$ours"
	files >"$BATS_TEST_TMPDIR/before"
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	placed 1.0
	root_rpm -e qemu-kvm-core
	gone qemu-kvm-shim
	is_shim "$other"
	diff "$BATS_TEST_TMPDIR/before" <(files)
	root_rpm -V qemu-kvm-shim
	root_rpm -e qemu-kvm-shim
	gone
}

@test "an emulator that its package no longer has goes with what the shim kept" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	placed 1.0
	emulator_make qemu-kvm-core 3.0 /usr/libexec/elsewhere
	root_rpm -U "$packages/qemu-kvm-core-3.0.rpm"
	gone qemu-kvm-shim
}

@test "an upgrade brings a link in the emulator's place: the shim is where it leads, and nothing is left" {
	rm "$other"
	emulator_make qemu-kvm-core 4.0 /usr/bin/qemu-system-x86_64 /usr/libexec/qemu-kvm
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	placed 1.0
	root_rpm -U "$packages/qemu-kvm-core-4.0.rpm"
	is_shim "$other"
	same "$(version_of "$other.real")" 4.0
	[[ -L $target && ! -L $target.real && ! -e $target.real ]]
	[[ ! -e $host/usr/libexec/qemu-kvm-shim.alias ]]
	root_rpm -e qemu-kvm-shim
	gone qemu-kvm
	same "$(cd "$host/usr/bin" && compgen -G '*qemu-kvm*')" ''
	root_rpm -V qemu-kvm-core
	# Nor where it has come while no trigger ran.
	root_rpm -U --oldpackage "$packages/qemu-kvm-core-1.0.rpm"
	root_rpm -i "$ours"
	root_rpm -U --notriggers "$packages/qemu-kvm-core-4.0.rpm"
	root_rpm -e qemu-kvm-shim
	gone qemu-kvm
	root_rpm -V qemu-kvm-core
}

@test "an emulator of a package of any other name keeps its shim, and goes with it" {
	local mine=$host/usr/bin/qemu-system-mine version
	echo 'EMULATORS=/usr/bin/qemu-system-mine' >"$host/etc/sysconfig/qemu-kvm-shim"
	root_rpm -i "$ours"
	for version in 1.0 2.0; do
		emulator_make qemu-mine "$version" /usr/bin/qemu-system-mine
		root_rpm -U "$packages/qemu-mine-$version.rpm"
		is_shim "$mine"
		same "$(version_of "$mine.real")" "$version"
	done
	run -0 root_rpm -e qemu-mine qemu-kvm-shim
	same "$(cd "$host/usr/bin" && compgen -G 'qemu-*mine*')" ''
	root_rpm -i "$ours" "$packages/qemu-mine-1.0.rpm"
	root_rpm -e qemu-mine
	same "$(cd "$host/usr/bin" && compgen -G 'qemu-*mine*')" ''
}

@test "a policy that was there before is used, and is there again when the package is removed" {
	local policy=$host/etc/libvirt/guest-pinning.conf
	printf 'web* 0\n' >"$policy"
	chmod 640 "$policy"
	files >"$BATS_TEST_TMPDIR/before"
	sha256sum "$policy" >"$BATS_TEST_TMPDIR/sums"
	root_rpm -i "$ours"
	same "$(<"$policy")" 'web* 0'
	root_rpm -U "$newer"
	same "$(<"$policy")" 'web* 0'
	root_rpm -e qemu-kvm-shim
	diff "$BATS_TEST_TMPDIR/before" <(files)
	sha256sum --quiet -c "$BATS_TEST_TMPDIR/sums"
	[[ ! -e $host/var/lib/qemu-kvm-shim ]]
	# What has been changed since stays, too.
	root_rpm -i "$ours"
	echo 'db* -' >>"$policy"
	root_rpm -e qemu-kvm-shim
	diff "$BATS_TEST_TMPDIR/before" <(files | grep -v rpmsave)
	sha256sum --quiet -c "$BATS_TEST_TMPDIR/sums"
	same "$(tail -n 1 "$policy.rpmsave")" 'db* -'
}

@test "both removed in one transaction, whichever goes first" {
	files >"$BATS_TEST_TMPDIR/before"
	cp "$other" "$BATS_TEST_TMPDIR/other"
	local first
	for first in 'qemu-kvm-core qemu-kvm-shim' 'qemu-kvm-shim qemu-kvm-core'; do
		root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
		placed 1.0
		# shellcheck disable=SC2086
		root_rpm -e $first
		gone
		cmp "$other" "$BATS_TEST_TMPDIR/other"
		diff "$BATS_TEST_TMPDIR/before" <(files)
	done
}

@test "two packages with emulators: each has its own" {
	root_rpm -i "$ours" "$packages/qemu-system-x86-core-1.0.rpm" "$packages/qemu-kvm-core-1.0.rpm"
	placed 1.0
	is_shim "$other"
	same "$(version_of "$other.real")" 1.0
	root_rpm -e qemu-system-x86-core
	[[ ! -e $other && ! -e $other.real && ! -e $host/usr/bin/qemu-kvm-shim.alias ]]
	placed 1.0
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
}

@test "EMULATORS: none, another, and a mistake in it, which is said" {
	local settings=$host/etc/sysconfig/qemu-kvm-shim
	mkdir "$host/opt/q"
	cp "$packages/qemu-kvm-core-1.0/emulator" "$host/opt/q/qemu-kvm"
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	echo 'EMULATORS=' >"$settings"
	root_rpm -i "$ours"
	unplaced_beside 1.0
	echo 'EMULATORS="/opt/q/qemu-kvm qemu-kvm"' >"$settings"
	run -1 in_host /usr/libexec/qemu-kvm-shim/emulators install
	[[ $output == *"EMULATORS: 'qemu-kvm' is no path from / on"* ]]
	is_shim "$host/opt/q/qemu-kvm"
	unplaced_beside 1.0
	echo 'EMULATORS="' >"$settings"
	run root_rpm -U --replacepkgs "$packages/qemu-kvm-core-1.0.rpm"
	[[ $status == 0 && $output == */etc/sysconfig/qemu-kvm-shim:*'EMULATORS is as if not set'* ]]
	placed 1.0
	# A mistake keeps nothing from being removed; and what was taken over under other settings
	# is back, too.
	echo 'EMULATORS="/opt/q/qemu-kvm qemu-kvm"' >"$settings"
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
	same "$(echo "$host"/opt/q/*)" "$host/opt/q/qemu-kvm"
	cmp "$host/opt/q/qemu-kvm" "$packages/qemu-kvm-core-1.0/emulator"
}

# unplaced_beside VERSION - the same as unplaced, while this package is there.
unplaced_beside() {
	same "$(sum "$target")" "$(sum "$packages/qemu-kvm-core-$1/emulator")"
	gone $'qemu-kvm\nqemu-kvm-shim'
}

@test "a trigger that fails: the emulator is installed all the same, and it is said" {
	root_rpm -i "$ours"
	echo mine >"$target.real"
	run root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	[[ $status == 0 ]]
	[[ $output == *'guest-pinning: /usr/libexec/qemu-kvm.real: it exists, but no shim was'* ]]
	[[ $output == *'when that is mended: guest-pinning install /usr/libexec/qemu-kvm'* ]]
	same "$(sum "$target")" "$(sum "$packages/qemu-kvm-core-1.0/emulator")"
	same "$(<"$target.real")" mine
	root_rpm -e qemu-kvm-core
	same "$(<"$target.real")" mine
}

@test "a shim that cannot be removed keeps its package, which can be removed later" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	mount --bind "$host/usr/libexec" "$host/usr/libexec"
	mount -o remount,bind,ro "$host/usr/libexec"
	run ! root_rpm -e qemu-kvm-shim
	[[ $output == *'guest-pinning uninstall /usr/libexec/qemu-kvm'* ]]
	umount "$host/usr/libexec"
	placed 1.0
	root_rpm -V qemu-kvm-shim
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
}

@test "a mistake in the settings keeps the package from nothing" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	echo 'EMULATORS="' >"$host/etc/sysconfig/qemu-kvm-shim"
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
}

@test "the emulator is removed and no trigger runs: it does not come back" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	root_rpm -e --notriggers qemu-kvm-core
	[[ ! -e $target && -e $target.real ]]
	root_rpm -U --replacepkgs "$ours"
	[[ ! -e $target && ! -e $target.real ]]
	root_rpm -e qemu-kvm-shim
	[[ ! -e $target ]]
}

@test "killed while it is installed: installed once more, it is well" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm"
	hold
	killed -i "$ours"
	same "$(sum "$target")" "$(sum "$packages/qemu-kvm-core-1.0/emulator")"
	rm "$host/run/hold"
	root_rpm -U --replacepkgs "$ours"
	placed 1.0
	root_rpm -e qemu-kvm-shim
	unplaced 1.0
}

@test "killed as the emulator is upgraded: a working one at once, the shim by a reinstall" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	hold
	killed -U "$packages/qemu-kvm-core-2.0.rpm"
	[[ $(in_host /usr/libexec/qemu-kvm --version) == 'QEMU emulator version '* ]]
	rm "$host/run/hold"
	root_rpm -U --replacepkgs "$packages/qemu-kvm-core-2.0.rpm"
	placed 2.0
	same "$(installed qemu-kvm-core)" qemu-kvm-core-2.0-1.x86_64
	root_rpm -e qemu-kvm-shim
	unplaced 2.0
}

@test "killed while either is removed: removed once more, nothing is left" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	hold
	killed -e qemu-kvm-shim
	placed 1.0
	killed -e qemu-kvm-core
	rm "$host/run/hold"
	root_rpm -e qemu-kvm-core
	gone qemu-kvm-shim
	root_rpm -e qemu-kvm-shim
	gone
}

@test "killed at any moment of the emulator's upgrade: a reinstall puts all right" {
	root_rpm -i "$packages/qemu-kvm-core-1.0.rpm" "$ours"
	local moment pid second
	for moment in 0.02 0.06 0.1 0.14; do
		timeout 300 rpm --root "$host" --dbpath /var/lib/rpm --nodeps -U --replacepkgs --oldpackage \
			"$packages/qemu-kvm-core-2.0.rpm" </dev/null >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "$moment"
		kill -KILL -- "-$pid" || true
		wait "$pid" || true
		# rpm names its unfinished files after the second, and refuses those that are there.
		printf -v second '%(%s)T' -1
		while ((second == $(printf '%(%s)T' -1))); do
			sleep 0.1
		done
		[[ $(in_host /usr/libexec/qemu-kvm --version) == 'QEMU emulator version '* ]]
		root_rpm -U --replacepkgs --oldpackage "$packages/qemu-kvm-core-1.0.rpm"
		placed 1.0
	done
	root_rpm -e qemu-kvm-shim
	same "$(sum "$target")" "$(sum "$packages/qemu-kvm-core-1.0/emulator")"
	same "$(installed qemu-kvm-core)" qemu-kvm-core-1.0-1.x86_64
}
