#!/usr/bin/env bats
# The package for Debian, by dpkg itself: what it takes over, that it stays in place whatever is
# upgraded, and that all is as before when it has gone. What systemd and libvirt do with it is in
# tests/lab/full/90-packages.bats.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2016 # dpkg-query has variables of its own
# shellcheck disable=SC2154 # host_make sets host

setup_file() {
	load lib
	load deb
	host_make maker
	deb_make /src
	mkdir "$BATS_FILE_TMPDIR/made"
	cp "$host"/src/build/deb/* "$BATS_FILE_TMPDIR/made/"
	cp "$host/src/tests/packages/repack" "$BATS_FILE_TMPDIR/"
	# What the upgrades of the tests bring.
	in_host dpkg -i /src/build/deb/"$(cd "$host/src/build/deb" && echo qemu-kvm-shim_*.deb)"
	in_host /src/tests/packages/repack qemu-kvm-shim "$NEWER_PACKAGE" \
		/usr/libexec/qemu-kvm-shim/qemu-kvm-shim "$VERSION" "$NEWER" /tmp/shim-newer.deb
	in_host dpkg --purge qemu-kvm-shim
	in_host /src/tests/packages/repack qemu-system-x86 1:7.2+newer "$TARGET" \
		"Debian 1:7.2" "Debian 1:7.9" /tmp/qemu-newer.deb
	in_host /src/tests/packages/repack qemu-system-x86 1:7.2+same "$TARGET" \
		"Debian 1:7.2" "Debian 1:7.2" /tmp/qemu-same.deb
	mv "$host"/tmp/*.deb "$BATS_FILE_TMPDIR/made/"
	cp "$BATS_FILE_TMPDIR"/made/qemu-kvm-shim_*_*.deb "$BATS_FILE_TMPDIR/made/shim.deb"
	hosts_end
}

teardown_file() {
	hosts_end
}

# host_fill - a Debian with the packages, and with an administrator's own lines for AppArmor.
host_fill() {
	host_make host
	cp "$debs"/{shim,shim-newer,qemu-newer,qemu-same}.deb "$host/tmp/"
	printf '# mine\n  /srv/guests/** r,' >"$host$LOCAL"
}

# policy_make [link] - an administrator's own, from before there was a package.
policy_make() {
	local policy=$host/etc/libvirt/guest-pinning.conf
	printf 'web* 0\n' >"$policy"
	chmod 640 "$policy"
	touch -d '2020-01-02 03:04:05.678' "$policy"
	if [[ ${1-} == link ]]; then
		mkdir -p "$host/etc/libvirt/site"
		mv "$policy" "$host/etc/libvirt/site/policy"
		ln -s site/policy "$policy"
	fi
}

setup() {
	load lib
	load deb
	debs=$BATS_FILE_TMPDIR/made
	host_fill
}

teardown() {
	if [[ ${lock_holder-} ]]; then
		kill "$lock_holder" || true
		wait "$lock_holder" || true
	fi
	hosts_end
}

@test "lintian has nothing to say" {
	run -0 lintian --fail-on error,warning --allow-root "$debs"/*.changes
	same "$output" ""
}

@test "made again elsewhere, with another umask, time zone, language and environment: the same bytes" {
	local file
	umask 077
	deb_make /elsewhere/deeper TZ=Asia/Tokyo LANG=C LC_ALL=C SBINDIR=/opt/sbin SYSCONFDIR=/opt/etc \
		RUNSTATEDIR=/var/run APPARMORDIR=/opt/a MANDIR=/opt/man BASHCOMPDIR=/opt/b CFLAGS=-O1 \
		CPPFLAGS=-DX LDFLAGS=-Wl,-O1 SANITIZE=undefined TAR_OPTIONS=--exclude=CHANGELOG.md
	umask 022
	for file in "$debs"/qemu-kvm-shim*_*.{deb,dsc,xz,gz}; do
		cmp "$file" "$host/elsewhere/deeper/build/deb/${file##*/}"
	done
}

@test "installed: the shim stands there, the emulator behind it; dpkg, systemd and AppArmor know" {
	local was
	was=$(version_of "$TARGET")
	dpkg_in -i /tmp/shim.deb
	is_placed
	same "$(version_of "$TARGET")" "$was"
	[[ -L $host/etc/systemd/system/sockets.target.wants/guest-pinningd.socket ]]
	same "$(in_host dpkg-query --show --showformat='${Conffiles}' qemu-kvm-shim |
		awk 'NF { print $1 }' | sort)" "/etc/apparmor.d/abstractions/guest-pinning
/etc/default/qemu-kvm-shim
/etc/libvirt/guest-pinning.conf"
	in_host guest-pinning check
	same "$(changed_of qemu-kvm-shim)" ""
}

@test "removed: the emulators are back; purged: all is as before" {
	snapshot >"$BATS_TEST_TMPDIR/before"
	dpkg_in -i /tmp/shim.deb
	dpkg_in --remove qemu-kvm-shim
	same "$(diverted)" ""
	same "$(changed_of qemu-system-x86)" ""
	# Its configuration stays, and does nothing.
	[[ -e $host/etc/libvirt/guest-pinning.conf ]]
	same "$(<"$host$LOCAL")" "$(printf '# mine\n  /srv/guests/** r,')"
	dpkg_in --purge qemu-kvm-shim
	as_before "$BATS_TEST_TMPDIR/before"
}

@test "the emulator is upgraded: the shim stays, with a new ctime, before the new one" {
	local inode ctime
	dpkg_in -i /tmp/shim.deb
	inode=$(stat -c %i "$host$TARGET")
	ctime=$(stat -c %z "$host$TARGET")
	dpkg_in -i /tmp/qemu-newer.deb
	is_placed
	[[ $(version_of "$TARGET") == *"(Debian 1:7.9"* ]]
	same "$(stat -c %i "$host$TARGET")" "$inode"
	[[ $(stat -c %z "$host$TARGET") != "$ctime" ]]
	# And back to the older one.
	ctime=$(stat -c %z "$host$TARGET")
	dpkg_in -i /tmp/qemu-same.deb
	is_placed
	[[ $(version_of "$TARGET") == *"(Debian 1:7.2"* ]]
	[[ $(stat -c %z "$host$TARGET") != "$ctime" ]]
	dpkg_in --purge qemu-kvm-shim
	same "$(diverted)" ""
	same "$(changed_of qemu-system-x86)" ""
}

@test "it is upgraded itself: the new shim is there, and what the administrator has changed stays" {
	snapshot >"$BATS_TEST_TMPDIR/before"
	dpkg_in -i /tmp/shim.deb
	echo 'web* -' >>"$host/etc/libvirt/guest-pinning.conf"
	dpkg_in -i /tmp/shim-newer.deb
	is_placed
	same "$(in_host "$TARGET" --shim-version)" "qemu-kvm-shim $NEWER"
	same "$(tail -n 1 "$host/etc/libvirt/guest-pinning.conf")" 'web* -'
	dpkg_in --purge qemu-kvm-shim
	as_before "$BATS_TEST_TMPDIR/before"
}

@test "a policy that was there before: used as it is, unattended; after purge it is there as it was" {
	local policy=$host/etc/libvirt/guest-pinning.conf kind
	for kind in file link; do
		policy_make "$kind"
		snapshot >"$BATS_TEST_TMPDIR/before"
		dpkg_in -i /tmp/shim.deb
		is_placed
		same "$(<"$policy")" 'web* 0'
		[[ $kind == file || -L $policy ]]
		[[ ! -e $policy.before && ! -e $policy.dpkg-dist ]]
		[[ $(in_host "$TARGET" --shim-dry-run -name web1 2>&1) == *"$(basename "$policy"):1"* ]]
		# From then on it is one that he has changed.
		same "$(changed_of qemu-kvm-shim)" /etc/libvirt/guest-pinning.conf
		echo 'db* -' >>"$policy"
		dpkg_in -i /tmp/shim-newer.deb
		same "$(tail -n 1 "$policy")" 'db* -'
		dpkg_in --remove qemu-kvm-shim
		same "$(tail -n 1 "$policy")" 'db* -'
		dpkg_in -i /tmp/shim.deb
		same "$(tail -n 1 "$policy")" 'db* -'
		dpkg_in --purge qemu-kvm-shim
		as_before "$BATS_TEST_TMPDIR/before"
		rm "$policy"
	done
}

@test "a policy that was there before: it stays where an installation is given up" {
	local other=$host/tmp/other
	policy_make
	snapshot >"$BATS_TEST_TMPDIR/before"
	# It cannot be unpacked: another package has one of its files.
	mkdir -p "$other/DEBIAN" "$other/usr/sbin"
	printf '%s\n' 'Package: other' 'Version: 1' 'Architecture: all' 'Maintainer: me <me@example.org>' \
		'Description: other' >"$other/DEBIAN/control"
	: >"$other/usr/sbin/guest-pinning"
	dpkg-deb --build "$other" "$other.deb" >/dev/null
	dpkg_in -i /tmp/other.deb
	run in_host dpkg -i /tmp/shim.deb
	[[ $status != 0 && $output == *"trying to overwrite '/usr/sbin/guest-pinning'"* ]]
	dpkg_in --purge other
	same "$(in_host dpkg --audit)" ""
	as_before "$BATS_TEST_TMPDIR/before"
	# Unpacked, and no more.
	dpkg_in --unpack /tmp/shim.deb
	dpkg_in --remove qemu-kvm-shim
	same "$(<"$host/etc/libvirt/guest-pinning.conf")" 'web* 0'
	dpkg_in -i /tmp/shim.deb
	is_placed
	same "$(<"$host/etc/libvirt/guest-pinning.conf")" 'web* 0'
	dpkg_in --purge qemu-kvm-shim
	as_before "$BATS_TEST_TMPDIR/before"
	dpkg_in --unpack /tmp/shim.deb
	dpkg_in --purge qemu-kvm-shim
	as_before "$BATS_TEST_TMPDIR/before"
}

@test "what the administrator appends to an unfinished last line for AppArmor is his alone" {
	dpkg_in -i /tmp/shim.deb
	echo '  /srv/more/** r,' >>"$host$LOCAL"
	dpkg_in -i /tmp/shim-newer.deb
	same "$(<"$host$LOCAL")" "$LINE
# mine
  /srv/guests/** r,  /srv/more/** r,"
	dpkg_in --purge qemu-kvm-shim
	same "$(<"$host$LOCAL")" "# mine
  /srv/guests/** r,  /srv/more/** r,"
}

@test "an owner and mode of dpkg-statoverride's: the emulator has them, before, behind and after the shim" {
	local step
	# modes [FILE]
	modes() {
		in_host stat -c '%n %a %U %G' "$TARGET" "$@"
	}
	dpkg_in -i /tmp/shim.deb
	in_host dpkg-statoverride --update --add root kvm 0750 "$TARGET"
	for step in shim-newer qemu-newer shim; do
		dpkg_in -i "/tmp/$step.deb"
		same "$(modes "$TARGET.real")" "$TARGET 750 root kvm
$TARGET.real 750 root kvm"
	done
	dpkg_in --purge qemu-kvm-shim
	same "$(modes)" "$TARGET 750 root kvm"
}

@test "a lock that any user may hold on the directory of the emulators keeps dpkg from nothing" {
	dpkg_in -i /tmp/shim.deb
	chroot "$host" setpriv --reuid 65534 --regid 65534 --clear-groups \
		bash -c 'exec 7</usr/bin; flock 7; echo locked; exec sleep 50' >"$BATS_TEST_TMPDIR/lock" 3>&- &
	lock_holder=$!
	until [[ -s $BATS_TEST_TMPDIR/lock ]]; do sleep 0.05; done
	dpkg_in -i /tmp/qemu-newer.deb
	is_placed
	dpkg_in --purge qemu-kvm-shim
	same "$(changed_of qemu-system-x86)" ""
}

@test "the emulator is removed and comes again: the shim goes and comes with it" {
	dpkg_in -i /tmp/shim.deb
	dpkg_in --remove --force-depends qemu-system-x86
	run find "$host/usr/bin" -name 'qemu-system-*' -o -name 'qemu-kvm-shim*'
	same "$output" ""
	same "$(diverted)" ""
	dpkg_in -i /tmp/qemu-newer.deb
	is_placed
	dpkg_in --remove --force-depends qemu-system-x86 qemu-kvm-shim
	run find "$host/usr/bin" -name 'qemu-system-*' -o -name 'qemu-kvm-shim*'
	same "$output" ""
}

@test "it is there before the emulator, and before libvirt" {
	dpkg_in --remove --force-depends qemu-system-x86
	mv "$host/etc/apparmor.d" "$host/etc/apparmor.d.libvirt"
	dpkg_in -i /tmp/shim.deb
	[[ ! -e $host$TARGET && ! -e $host$LOCAL ]]
	same "$(diverted)" ""
	mv "$host"/etc/apparmor.d.libvirt/{local,abstractions/libvirt-qemu} "$host/etc/apparmor.d/"
	# The emulator is there under its name before any trigger has run.
	dpkg_in --no-triggers -i /tmp/qemu-newer.deb
	emulator_works
	dpkg_in --configure -a
	is_placed
}

@test "a link or a script: left alone, also where an upgrade brings it in an emulator's place" {
	# As it is elsewhere.
	cp --remove-destination "$host$TARGET" "$host/usr/bin/qemu-system-i386"
	dpkg_in -i /tmp/shim.deb
	same "$(diverted)" "/usr/bin/qemu-system-i386
$TARGET"
	is_shim /usr/bin/qemu-system-i386
	# The package that comes has a script again.
	dpkg_in -i /tmp/qemu-newer.deb
	is_placed
	same "$(changed_of qemu-system-x86)" ""
	grep -q '^#!' "$host/usr/bin/qemu-system-i386"
	# And one with a link.
	cp --remove-destination "$host$TARGET.real" "$host/usr/bin/qemu-system-i386"
	in_host dpkg-reconfigure qemu-kvm-shim
	is_shim /usr/bin/qemu-system-i386
	ln -sf qemu-system-x86_64 "$host/usr/bin/qemu-system-i386.real"
	in_host dpkg-reconfigure qemu-kvm-shim
	is_placed
	same "$(readlink "$host/usr/bin/qemu-system-i386")" qemu-system-x86_64
	dpkg_in --purge qemu-kvm-shim
	same "$(readlink "$host/usr/bin/qemu-system-i386")" qemu-system-x86_64
	emulator_works
	run find "$host/usr/bin" -name '*.real' -o -name 'qemu-kvm-shim*'
	same "$output" ""
}

@test "somebody else's diversion: it is left alone, and the package can be removed" {
	in_host dpkg-divert --local --rename --divert "$TARGET.distrib" --add "$TARGET"
	printf '#!/bin/sh\nexec %s.distrib "$@"\n' "$TARGET" >"$host$TARGET"
	chmod +x "$host$TARGET"
	snapshot quick >"$BATS_TEST_TMPDIR/before"
	run in_host dpkg -i /tmp/shim.deb
	((status != 0))
	[[ $output == *"$TARGET is diverted already"* ]]
	emulator_works
	in_host dpkg --purge qemu-kvm-shim
	as_before "$BATS_TEST_TMPDIR/before" quick
}

@test "one that was installed by hand, into /usr/local, is to be removed before" {
	mkdir -p "$host/usr/local/libexec/qemu-kvm-shim"
	cp "$host/bin/true" "$host/usr/local/libexec/qemu-kvm-shim/qemu-kvm-shim"
	run in_host dpkg -i /tmp/shim.deb
	((status != 0))
	[[ $output == *"it was installed by hand: first"*"make uninstall"* ]]
	rm -r "$host/usr/local/libexec/qemu-kvm-shim"
	dpkg_in -i /tmp/shim.deb
	is_placed
}

@test "a removal that dpkg gives up: all is in place again" {
	dpkg_in -i /tmp/shim.deb
	in_host /var/lib/dpkg/info/qemu-kvm-shim.prerm remove
	[[ ! -e $host$TARGET.real ]]
	in_host /var/lib/dpkg/info/qemu-kvm-shim.postinst abort-remove
	is_placed
}

@test "the configuration: an emulator more, one less, by dpkg-reconfigure" {
	snapshot >"$BATS_TEST_TMPDIR/before"
	dpkg_in -i /tmp/shim.deb
	cp "$host$TARGET.real" "$host/usr/bin/qemu-system-mine"
	cp "$host$TARGET.real" "$BATS_TEST_TMPDIR/mine"
	sed -i "s,^EMULATORS=.*,EMULATORS='$TARGET /usr/bin/qemu-system-mine'," \
		"$host/etc/default/qemu-kvm-shim"
	in_host dpkg-reconfigure qemu-kvm-shim
	same "$(diverted)" "/usr/bin/qemu-system-mine
$TARGET"
	is_shim /usr/bin/qemu-system-mine
	same "$(changed_of qemu-system-x86)" ""
	# One by hand, too.
	cp "$BATS_TEST_TMPDIR/mine" "$host/usr/bin/qemu-system-other"
	in_host guest-pinning install /usr/bin/qemu-system-other
	cp "$BATS_TEST_TMPDIR/mine" "$host/usr/local/bin/qemu-system-x86_64"
	in_host guest-pinning install /usr/local/bin/qemu-system-x86_64
	dpkg_in --purge qemu-kvm-shim
	cmp "$host/usr/bin/qemu-system-other" "$BATS_TEST_TMPDIR/mine"
	rm "$host/usr/bin/qemu-system-other"
	cmp "$host/usr/local/bin/qemu-system-x86_64" "$BATS_TEST_TMPDIR/mine"
	rm "$host/usr/local/bin/qemu-system-x86_64"
	cmp "$host/usr/bin/qemu-system-mine" "$BATS_TEST_TMPDIR/mine"
	rm "$host/usr/bin/qemu-system-mine"
	as_before "$BATS_TEST_TMPDIR/before"
}

@test "a configuration that is wrong is told, and keeps nothing from being removed" {
	local what
	snapshot quick >"$BATS_TEST_TMPDIR/before"
	dpkg_in -i /tmp/shim.deb
	for what in 'EMULATORS=(' 'EMULATORS="/usr/bin' 'EMULATORS=$ARCH' 'EMULATORS="qemu"' \
		"EMULATORS=/bin/${TARGET##*/}" 'EMULATORS=/usr/bin/'; do
		echo "$what" >"$host/etc/default/qemu-kvm-shim"
		run in_host dpkg-reconfigure qemu-kvm-shim
		((status != 0))
		echo "$output"
		[[ $output == *"/etc/default/qemu-kvm-shim: "* ]]
		emulator_works
	done
	# Not there, nothing in it, and words on several lines.
	dpkg_in --configure -a || true
	printf 'EMULATORS="\n\t%s\n\t%s\n"\n' "$TARGET" /usr/bin/qemu-system-i386 \
		>"$host/etc/default/qemu-kvm-shim"
	in_host dpkg-reconfigure qemu-kvm-shim
	is_placed
	rm "$host/etc/default/qemu-kvm-shim"
	in_host dpkg-reconfigure qemu-kvm-shim
	is_placed
	echo 'EMULATORS=(' >"$host/etc/default/qemu-kvm-shim"
	dpkg_in --purge qemu-kvm-shim
	as_before "$BATS_TEST_TMPDIR/before" quick
}

@test "a configuration that is wrong: the emulator's upgrade is seen all the same, and all stays configured" {
	local what build=newer ctime
	dpkg_in -i /tmp/shim.deb
	for what in 'EMULATORS=(' "EMULATORS='$TARGET /bin/qemu-system-i386'"; do
		echo "$what" >"$host/etc/default/qemu-kvm-shim"
		ctime=$(stat -c %z "$host$TARGET")
		run -0 in_host dpkg -i "/tmp/qemu-$build.deb"
		[[ $output == *"/etc/default/qemu-kvm-shim: "*": dpkg-reconfigure qemu-kvm-shim"* ]]
		installed qemu-kvm-shim "$VERSION-1"
		is_placed
		[[ $(stat -c %z "$host$TARGET") != "$ctime" ]]
		build=same
	done
}

@test "a shim that was installed by hand is taken over" {
	dpkg_in -i /tmp/shim.deb
	# As by hand: no diversion.
	in_host dpkg-divert --package qemu-kvm-shim --no-rename --remove "$TARGET"
	dpkg_in -i /tmp/qemu-newer.deb
	is_placed
	[[ $(version_of "$TARGET") == *"(Debian 1:7.9"* ]]
}

@test "somebody else's TARGET.real: it says so, takes the others, and is configured when that has gone" {
	cp --remove-destination "$host$TARGET" "$host/usr/bin/qemu-system-i386"
	cp "$host/bin/true" "$host$TARGET.real"
	run in_host dpkg -i /tmp/shim.deb
	((status != 0))
	[[ $output == *"$TARGET.real: it exists, but no shim was installed here"* ]]
	is_shim /usr/bin/qemu-system-i386
	cmp "$host$TARGET.real" "$host/bin/true"
	[[ $(version_of "$TARGET") == "QEMU emulator version"* ]]
	rm "$host$TARGET.real"
	dpkg_in --configure -a
	is_shim "$TARGET"
	same "$(diverted)" "/usr/bin/qemu-system-i386
$TARGET"
}

## Killed on the way

# killers_make - every program that dpkg and its scripts call is counted, and at number $host/kill
# all of them are killed.
killers_make() {
	local program
	mkdir -p "$host/usr/local/bin"
	for program in dpkg-divert dpkg-deb dpkg-split dpkg-trigger deb-systemd-helper \
		deb-systemd-invoke cp mv rm sed awk grep tail readlink; do
		cat >"$host/usr/local/bin/$program" <<-END
			#!/bin/bash
			# Two of one pipe run at the same time.
			exec 9>>/lock
			flock 9
			read -r n </calls
			echo \$((n + 1)) >/calls
			exec 9>&-
			read -r last </kill
			if ((n + 1 == last)); then
			    echo "\$0 \$*" >/killed
			    kill -KILL 0
			fi
			for path in /usr/sbin/$program /usr/bin/$program; do
			    [[ ! -x \$path ]] || exec "\$path" "\$@"
			done
			exit 127
		END
		chmod +x "$host/usr/local/bin/$program"
	done
	echo 0 >"$host/calls"
	echo 0 >"$host/kill"
}

# killed_at N COMMAND...
killed_at() {
	echo 0 >"$host/calls"
	echo "$1" >"$host/kill"
	run in_host "${@:2}"
	echo 0 >"$host/kill"
	same "$status" 137
}

# killed_anywhere LEAST PREPARE STEP DONE - in a copy of the host for each call of STEP: killed
# there, and set right by `dpkg --configure -a`. Where dpkg has not got so far that it knows of
# anything to be done, STEP is done again. Then DONE holds; and when the package is purged all is
# as it was before.
killed_anywhere() {
	local calls call again=0
	snapshot quick >"$BATS_TEST_TMPDIR/before"
	killers_make
	$2
	echo 0 >"$host/calls"
	in_host bash -c "$3" >/dev/null 2>&1
	calls=$(<"$host/calls")
	((calls >= $1))
	for ((call = 1; call <= calls; call++)); do
		hosts_end
		host_fill
		killers_make
		$2
		killed_at "$call" bash -c "$3"
		echo "at $call of $calls: $(<"$host/killed")"
		emulator_works
		in_host dpkg --configure -a >/dev/null
		emulator_works
		if ! $4; then
			again=$((again + 1))
			in_host bash -c "$3" >/dev/null
			$4
		fi
		same "$(in_host dpkg --audit)" ""
		in_host dpkg --purge qemu-kvm-shim >/dev/null 2>&1
		rm -r "$host"/{usr/local/bin/*,calls,kill,killed,lock}
		[[ $3 == *qemu-newer* ]] || as_before "$BATS_TEST_TMPDIR/before" quick
	done
	echo "# killed at $calls calls; after $again of them it took the step itself once more" >&3
	# What dpkg calls configuring finishes no removal.
	[[ $3 == *--purge* ]] || ((again < calls / 2))
}

older() {
	in_host dpkg -i /tmp/shim.deb >/dev/null 2>&1
}

is_older() {
	installed qemu-kvm-shim "$VERSION-1" && is_placed
}

is_newer() {
	installed qemu-kvm-shim "$NEWER_PACKAGE" && is_placed
}

is_newer_emulator() {
	installed qemu-system-x86 1:7.2+newer && is_placed && [[ $(version_of "$TARGET") == *"(Debian 1:7.9"* ]]
}

is_gone() {
	! is_shim "$TARGET" && same "$(diverted)" "" && [[ -z $(in_host dpkg --audit) ]]
}

is_older_with_policy() {
	is_older && same "$(<"$host/etc/libvirt/guest-pinning.conf")" 'web* 0'
}

@test "killed anywhere while it is installed" {
	killed_anywhere 20 true 'dpkg -i /tmp/shim.deb' is_older
}

# with_policy - as host_fill makes each host from now on.
with_policy() {
	eval "bare_$(declare -f host_fill)"
	host_fill() {
		bare_host_fill && policy_make
	}
	policy_make
}

@test "killed anywhere while it is installed where there is a policy already" {
	with_policy
	killed_anywhere 25 true 'dpkg -i /tmp/shim.deb' is_older_with_policy
}

@test "killed anywhere while it is upgraded" {
	killed_anywhere 15 older 'dpkg -i /tmp/shim-newer.deb' is_newer
}

@test "killed anywhere while the emulator is upgraded" {
	killed_anywhere 8 older 'dpkg -i /tmp/qemu-newer.deb' is_newer_emulator
}

@test "killed anywhere while it is removed" {
	killed_anywhere 10 older 'dpkg --purge qemu-kvm-shim' is_gone
}

@test "killed anywhere while it is removed where there was a policy before" {
	with_policy
	killed_anywhere 15 older 'dpkg --purge qemu-kvm-shim' is_gone
}
