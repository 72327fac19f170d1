#!/usr/bin/env bats
# The package for Debian, where systemd, libvirt and AppArmor are: guests are placed through
# upgrades of the emulator and of the package, and when it has gone all is as it was. It takes
# the place of what was installed by hand: so this is the last file. What dpkg itself does with
# it, killed at each step, is in tests/packages.

# shellcheck source=tests/lab/full/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
# shellcheck source=tests/lab/full/apparmor.bash
source "$BATS_TEST_DIRNAME/apparmor.bash"
# shellcheck source=tests/packages/deb.bash
source "$BATS_TEST_DIRNAME/../../packages/deb.bash"

NODE=2
# What the guests and libvirt write is not in these.
SNAPSHOT_OF=(etc usr)
STATE=/run/lab/packages

in_host() {
	timeout -k 5 100 "$@" </dev/null 3>&-
}

# hand_installed_remove - as the README says.
hand_installed_remove() {
	guest-pinning uninstall "$TARGET" &&
		systemctl disable --now guest-pinningd.socket guest-pinningd.service &&
		make --no-print-directory -C /lab/src BUILD=/lab/build uninstall &&
		systemctl daemon-reload
}

# sums - of every file that the package touches or could: the emulators, what libvirt and AppArmor
# are told. The profiles of guests that there were are libvirt's.
sums() {
	(
		cd / || return
		find usr/bin usr/libexec -maxdepth 1 -name 'qemu*' -type f -printf '%p\0'
		find etc/libvirt etc/apparmor.d -type f ! -path 'etc/apparmor.d/libvirt/libvirt-*' -printf '%p\0'
	) | sort -z | (cd / && xargs -0 sha256sum)
}

setup_file() {
	guests_remove
	policy_clear
	rm -f "$POLICY"
	mkdir -p "$STATE"
	hand_installed_remove >"$STATE/log" 2>&1 || {
		cat "$STATE/log"
		return 1
	}
	cp /lab/build/deb/qemu-kvm-shim_*_*.deb "$STATE/shim.deb"
	/lab/src/tests/packages/repack qemu-system-x86 1:7.2+newer "$TARGET" \
		"Debian 1:7.2" "Debian 1:7.9" "$STATE/qemu-newer.deb"
	snapshot quick >"$STATE/before"
	sums >"$STATE/sums"
	# Something of libvirt's is known of the emulator that is there.
	vsh domcapabilities --emulatorbin "$TARGET" --virttype qemu >/dev/null
}

teardown_file() {
	guests_remove
}

setup() {
	:
}

teardown() {
	:
}

# is_on NAME - it runs there, all of its threads, and its memory is there.
is_on() {
	local pid
	pid=$(guest_pid "$1")
	same "$(threads_cpus "$pid")" "$(node_cpus "$NODE")" &&
		same "$(threads_cpus "$pid" vcpus)" "$(node_cpus "$NODE")" &&
		same "$(ram_pages "$pid" | cut -d ' ' -f 1)" "$NODE"
}

# probed - what libvirt has learned of the emulator by asking it.
probed() {
	vsh domcapabilities --emulatorbin "$TARGET" --virttype qemu >/dev/null || return 1
	sed -n 's,.*<package>\(.*\)</package>.*,\1,p' "$(caps_cache_file)"
}

@test "dpkg is killed as the shim stands there and nobody knows; guests start, and dpkg --configure -a does the rest" {
	mkdir "$STATE/bin"
	# dpkg, and what it has started.
	cat >"$STATE/bin/dpkg-divert" <<-END
		#!/bin/sh
		case "\$*" in
		*--add*) kill -KILL 0 ;;
		esac
		exec /usr/bin/dpkg-divert "\$@"
	END
	chmod +x "$STATE/bin/dpkg-divert"
	PATH=$STATE/bin:$PATH run in_host dpkg -i "$STATE/shim.deb"
	same "$status" 137
	is_shim "$TARGET"
	same "$(diverted)" ""
	guest_start lab-early
	guest_running lab-early
	guests_remove
	dpkg_in --configure -a
	is_placed
	same "$(dpkg --audit)" ""
}

@test "installed: the agent's socket listens, and a guest is placed" {
	same "$(systemctl is-active guest-pinningd.socket)" active
	same "$(systemctl is-enabled guest-pinningd.socket)" enabled
	policy_write "$POLICY" <<<"lab-* $NODE"
	guest_start_touching lab-one
	is_on lab-one
	no_denials
}

@test "the emulator is upgraded: libvirt sees the new one, and what it starts is placed" {
	local ctime
	[[ $(probed) == "Debian 1:7.2"* ]]
	ctime=$(stat -c %Z "$TARGET")
	dpkg_in -i "$STATE/qemu-newer.deb"
	is_placed
	(($(stat -c %Z "$TARGET") > ctime))
	[[ $(probed) == "Debian 1:7.9"* ]]
	same "$(caps_cache_ctime)" "$(stat -c %Z "$TARGET")"
	guest_start_touching lab-two
	is_on lab-two
	[[ $(vsh qemu-monitor-command lab-two --hmp 'info version') == *"Debian 1:7.9"* ]]
	# The older guest is still the older emulator, and where it was.
	is_on lab-one
	[[ $(vsh qemu-monitor-command lab-one --hmp 'info version') == *"Debian 1:7.2"* ]]
}

@test "the package is upgraded while guests run: they stay where they are, and the new agent places the next" {
	local agent
	/lab/src/tests/packages/repack qemu-kvm-shim "$NEWER_PACKAGE" \
		/usr/libexec/qemu-kvm-shim/qemu-kvm-shim "$VERSION" "$NEWER" "$STATE/shim-newer.deb"
	agent=$(systemctl show --property=MainPID --value guest-pinningd.service)
	dpkg_in -i "$STATE/shim-newer.deb"
	is_placed
	same "$("$TARGET" --shim-version)" "qemu-kvm-shim $NEWER"
	[[ $(systemctl show --property=MainPID --value guest-pinningd.service) != "$agent" ]]
	same "$(systemctl is-active guest-pinningd.socket)" active
	same "$(<"$POLICY")" "lab-* $NODE"
	is_on lab-one
	is_on lab-two
	guest_start_touching lab-three
	is_on lab-three
	run -0 guest-pinning status
	[[ $output == *"3 guests: 3 placed"* ]]
	no_denials
}

@test "it is removed while guests run: they stay; purged, all is as before, but for the newer emulator" {
	rm -r "${STATE:?}/bin"
	dpkg_in --purge qemu-kvm-shim
	is_on lab-one
	is_on lab-three
	same "$(systemctl list-units --all --no-legend 'guest-pinning*')" ""
	same "$(changed_of qemu-system-x86)" ""
	[[ $(probed) == "Debian 1:7.9"* ]]
	guests_remove
	rm -f "$POLICY"
	snapshot quick >"$STATE/after"
	# The profiles of guests that there were are libvirt's.
	same "$(diff "$STATE/before" "$STATE/after" | grep '^[<>]' | awk '{ print $NF }' | sort -u |
		grep -v '^etc/apparmor.d/libvirt/libvirt-')" "installed
${TARGET#/}"
	same "$(diff "$STATE/before" "$STATE/after" | grep 'installed$' | cut -d ' ' -f 2)" \
		"qemu-system-x86
qemu-system-x86"
	# In all of these is what was in them. (Of the newer emulator, dpkg has said so above.)
	grep -q " ${LOCAL#/}$" "$STATE/sums"
	sums >"$STATE/sums-after"
	same "$(diff "$STATE/sums" "$STATE/sums-after" | awk '/^[<>]/ { print $1, $3 }')" "< ${TARGET#/}
> ${TARGET#/}"
	guest_start lab-late
	guest_running lab-late
	guests_remove
	no_denials
}
