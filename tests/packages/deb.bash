# A Debian in which the project's package is made, and installed with dpkg: $host, and what runs
# in_host; in the lab that is the machine itself.
# shellcheck shell=bash
# shellcheck disable=SC2016 # dpkg-query has variables of its own
# shellcheck disable=SC2034 # the tests' own

TARGET=/usr/bin/qemu-system-x86_64
LOCAL=/etc/apparmor.d/local/abstractions/libvirt-qemu
LINE='include if exists <abstractions/guest-pinning>'
VERSION=$(sed -n 's/^## \([0-9][0-9.]*\) (.*/\1/p' "${BASH_SOURCE[0]%/*}/../../CHANGELOG.md" |
	head -n 1)
# What the programs of its upgrade say of themselves, and its own version.
NEWER=${VERSION%?}x
NEWER_PACKAGE=$VERSION-9
# What a package may touch.
SNAPSHOT_OF=(etc usr var/lib)
: "${host=}"

# deb_make DIRECTORY [VARIABLE=VALUE...] - in the host, from this checkout, with what its Debian
# has.
deb_make() {
	make --silent --no-print-directory -C "$REPO" BUILD="$BATS_FILE_TMPDIR/dist" dist || return
	mkdir -p "$host$1"
	tar -C "$host$1" --strip-components=1 -xf "$BATS_FILE_TMPDIR"/dist/qemu-kvm-shim-*.tar.gz
	# All of it is there but the C++ compiler, which Debian counts as essential.
	in_host env "${@:2}" make -C "$1" deb DPKG_BUILDPACKAGE='dpkg-buildpackage --no-check-builddeps' \
		>"$BATS_FILE_TMPDIR/deb.log" 2>&1 || {
		tail -n 20 "$BATS_FILE_TMPDIR/deb.log"
		return 1
	}
}

# dpkg_in ARG... - dpkg in the host, which must succeed.
dpkg_in() {
	in_host dpkg "$@" >"$BATS_TEST_TMPDIR/dpkg" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/dpkg"
		return 1
	}
}

# snapshot [quick] - every file of SNAPSHOT_OF: its type, mode, owner, when it was
# written (but for $LOCAL), and, if it need not be quick, what is in it; and dpkg's packages and diversions.
snapshot() {
	(
		cd "$host/" || return
		find "${SNAPSHOT_OF[@]}" -xdev \( -path var/lib/dpkg -o -path usr/share/mime \) -prune -o \
			-type d -printf '%y %m %U:%G %p\n' -o \
			-type l -printf '%y %p -> %l\n' -o \
			-path "${LOCAL#/}" -printf '%y %m %U:%G %p\n' -o \
			-printf '%y %m %U:%G %T@ %p\n' | sort
		[[ ${1-} == quick ]] || find etc usr -xdev -type f -printf '%p\0' | sort -z | xargs -0 sha256sum
		find var/lib/dpkg/info | sort
	)
	in_host dpkg-query --show --showformat='${Package} ${Version} ${Status}\n' | sort
	in_host dpkg-divert --list | sort
}

# as_before FILE [quick] - of what an earlier snapshot has.
as_before() {
	snapshot "${@:2}" | diff "$1" -
}

# installed PACKAGE VERSION - dpkg has it, whole and configured.
installed() {
	[[ $(in_host dpkg-query --show --showformat='${Version} ${Status}' "$1" 2>&1) == \
		"$2 install ok installed" ]]
}

# changed_of PACKAGE - its files that are not as it brought them; but what the lab's Debian leaves
# out.
changed_of() {
	in_host dpkg --verify "$1" | awk '{ print $NF }' | grep -v ^/usr/share/man/
}

diverted() {
	in_host dpkg-divert --list | sed -n 's,^diversion of \(.*\) to \1\.real by qemu-kvm-shim$,\1,p' | sort
}

version_of() {
	in_host "$1" --version | head -n 1
}

is_shim() {
	cmp -s "$host$1" "$host/usr/libexec/qemu-kvm-shim/qemu-kvm-shim"
}

# emulator_works - the emulator that libvirt starts is there and runs, whoever it is.
emulator_works() {
	[[ $(version_of "$TARGET") == "QEMU emulator version"* ]] || {
		echo "no emulator is left"
		ls -l "$host$TARGET"*
		return 1
	}
}

# is_placed - the shim is in place and does its work, and dpkg knows of it. (qemu-system-i386 is a
# script that starts it.)
is_placed() {
	is_shim "$TARGET" || {
		echo "$TARGET is no shim"
		return 1
	}
	same "$(diverted)" "$TARGET" &&
		same "$(readlink "$host/usr/bin/qemu-kvm-shim.alias/qemu-system-x86_64")" \
			../qemu-system-x86_64.real &&
		same "$(grep -cxF "$LINE" "$host$LOCAL")" 1 &&
		[[ $(version_of "$TARGET") == "QEMU emulator version"* ]] &&
		[[ $(in_host "$TARGET" --shim-dry-run -name other 2>&1) == *"rule: none"* ]]
}
