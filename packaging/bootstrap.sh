#!/bin/sh
# Takes a machine that has nothing but this checkout to a running program:
#
#	packaging/bootstrap.sh demo            build, then start one placed guest
#	packaging/bootstrap.sh test            build, then run the tests
#	packaging/bootstrap.sh deps [PURPOSE…] only install what the purposes need:
#	                                       build test demo lint e2e lab (all of them)
#
# What is missing comes from the distribution's own packages (Debian, Fedora and
# what is derived from them). Nothing is installed, and neither root nor a
# network is needed, where nothing is missing.
#
# Plain sh and coreutils: a bare Debian or Fedora has no more than that.

set -eu

PURPOSES='build test demo lint e2e lab'

# One line per thing needed: the purposes that need it, how to see that it is
# there, and the package that brings it, on Debian and on Fedora. What is looked
# for is the thing, not the package: another package, or /usr/local, may have
# brought it, and on a distribution not known here the list still says what is
# missing. (qemu-kvm-core is the name that Fedora and its relatives share.)
NEEDS='
build,test,demo,lint,e2e  cmd:gcc                   gcc                    gcc
build,test,demo,lint,lab  cmd:make                  make                   make
build,test,demo,lint      cmd:pkg-config            pkg-config             pkgconf-pkg-config
build,test,demo,lint,e2e  header:stdlib.h           libc6-dev              glibc-devel
build,test,demo,lint      header:numa.h             libnuma-dev            numactl-devel
build,test,demo,lint      header:jansson.h          libjansson-dev         jansson-devel
build,test,demo,lint      header:cap-ng.h           libcap-ng-dev          libcap-ng-devel
build,test,demo,lint      header:expat.h            libexpat1-dev          expat-devel
build,test,demo,lint      header:attr/libattr.h     libattr1-dev           libattr-devel
build,test,demo,e2e       cmd:grep                  grep                   grep
build,test,demo,e2e,lab   cmd:sed                   sed                    sed
test,e2e,lab              cmd:awk                   mawk                   gawk
test,e2e                  cmd:find                  findutils              findutils
test,e2e                  cmd:cmp                   diffutils              diffutils
test                      header:cmocka.h           libcmocka-dev          libcmocka-devel
test                      lib:libasan.so            gcc                    libasan
test                      lib:libubsan.so           gcc                    libubsan
test,demo,e2e,lab         cmd:bash                  bash                   bash
test,e2e,lab              cmd:bats                  bats                   bats
test,e2e                  cmd:strace                strace                 strace
test,e2e                  cmd:numactl               numactl                numactl
test,e2e                  cmd:jq                    jq                     jq
test,e2e                  cmd:getfattr              attr                   attr
test,e2e,lab              cmd:setpriv               util-linux             util-linux
test,e2e                  cmd:ps                    procps                 procps-ng
demo,e2e                  emulator                  qemu-system-x86        qemu-kvm-core
lint                      cmd:clang-format          clang-format           clang-tools-extra
lint                      cmd:clang-tidy            clang-tidy             clang-tools-extra
lint                      cmd:cppcheck              cppcheck               cppcheck
lint                      cmd:shellcheck            shellcheck             ShellCheck
e2e                       cmd:dbus-daemon           dbus                   dbus-daemon
e2e                       cmd:libvirtd              libvirt-daemon-system  libvirt-daemon
e2e                       cmd:virtlogd              libvirt-daemon-system  libvirt-daemon-log
e2e                       file:/etc/libvirt/qemu.conf  libvirt-daemon-system  libvirt-daemon-driver-qemu
e2e                       cmd:virsh                 libvirt-clients        libvirt-client
lab                       cmd:qemu-system-x86_64    qemu-system-x86        qemu-system-x86
lab                       cmd:mmdebstrap            mmdebstrap             mmdebstrap
lab                       cmd:newuidmap             uidmap                 shadow-utils
lab                       cmd:fakeroot              fakeroot               fakeroot
lab                       cmd:mke2fs                e2fsprogs              e2fsprogs
lab                       cmd:bwrap                 bubblewrap             bubblewrap
lab                       file:/usr/share/keyrings/debian-archive-keyring.gpg  debian-archive-keyring  debian-keyring
'

say() {
	printf 'bootstrap: %s\n' "$*" >&2
}

usage() {
	say "usage: packaging/bootstrap.sh demo | test | deps [PURPOSE...]"
	say "purposes: $PURPOSES"
	exit 2
}

# Does one of these files exist? A pattern that matches nothing stays as it is.
any_file() {
	for file do
		if [ -e "$file" ]; then
			return 0
		fi
	done
	return 1
}

# What the second column of NEEDS means.
is_there() {
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null ;;
	file:*) [ -e "${1#file:}" ] ;;
	header:*)
		any_file "/usr/include/${1#header:}" /usr/include/*/"${1#header:}" \
			"/usr/local/include/${1#header:}"
		;;
	lib:*)
		any_file /usr/lib*/"${1#lib:}"* /usr/lib/*-linux-*/"${1#lib:}"*
		;;
	emulator)
		command -v qemu-system-x86_64 >/dev/null || [ -x /usr/libexec/qemu-kvm ]
		;;
	*)
		say "internal error: cannot look for '$1'"
		exit 2
		;;
	esac
}

# The same column in words.
in_words() {
	case $1 in
	cmd:*) printf 'the command %s' "${1#cmd:}" ;;
	file:*) printf 'the file %s' "${1#file:}" ;;
	header:*) printf 'the C header <%s>' "${1#header:}" ;;
	lib:*) printf 'the library %s' "${1#lib:}" ;;
	emulator) printf 'the emulator qemu-system-x86_64' ;;
	esac
}

# debian, fedora or unknown. ID comes before what it is derived from.
distribution() {
	for file in /etc/os-release /usr/lib/os-release; do
		if [ -r "$file" ]; then
			# In a subshell, since the file sets NAME, VERSION and more.
			(
				ID='' ID_LIKE=''
				# shellcheck disable=SC1090
				. "$file"
				for id in $ID $ID_LIKE; do
					case $id in
					debian | fedora)
						echo "$id"
						exit
						;;
					esac
				done
				echo unknown
			)
			return
		fi
	done
	echo unknown
}

# Sets `things` and `packages` to what the purposes need and is not there.
look() {
	things='' packages=''
	while read -r purposes probe debian fedora; do
		if [ -z "$purposes" ]; then
			continue
		fi
		wanted=no
		for purpose do
			case ",$purposes," in
			*",$purpose,"*) wanted=yes ;;
			esac
		done
		if [ "$wanted" = no ] || is_there "$probe"; then
			continue
		fi
		things="$things $probe"
		case $family in
		fedora) package=$fedora ;;
		*) package=$debian ;;
		esac
		case " $packages " in
		*" $package "*) ;;
		*) packages="$packages${packages:+ }$package" ;;
		esac
	done <<-END
		$NEEDS
	END
}

say_missing() {
	for thing in $things; do
		say "  $(in_words "$thing")"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

install_packages() {
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		say "not root, and there is no sudo; as root, install: $packages"
		return 1
	fi
	say "installing: $packages"
	# Unquoted on purpose: one word per package.
	# shellcheck disable=SC2086
	case $family in
	debian)
		# Inside as_root, since sudo does not hand the environment on.
		as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
			as_root env DEBIAN_FRONTEND=noninteractive \
				apt-get install -y --no-install-recommends $packages
		;;
	fedora)
		as_root dnf install -y --setopt=install_weak_deps=False $packages
		;;
	esac
}

# deps PURPOSE…: returns when everything that the purposes need is there.
deps() {
	family=$(distribution)
	look "$@"
	if [ -z "$things" ]; then
		return
	fi
	if [ "$family" = unknown ]; then
		say "this is neither Debian nor Fedora nor derived from them;" \
			"please install what is missing:"
		say_missing
		say "(Debian's packages for that: $packages)"
		exit 1
	fi
	if ! install_packages; then
		say "not installed; missing are:"
		say_missing
		exit 1
	fi
	look "$@"
	if [ -n "$things" ]; then
		say "the packages are installed, but still missing are:"
		say_missing
		exit 1
	fi
}

build() {
	make -j"$(nproc)"
}

if [ $# = 0 ]; then
	usage
fi
command=$1
shift

# The daemons and the administrator's commands are not in every user's PATH.
PATH=$PATH:/usr/sbin:/sbin
export PATH

case $command in
demo | test)
	if [ $# != 0 ]; then
		usage
	fi
	cd "$(dirname "$0")/.."
	deps build "$command"
	case $command in
	demo)
		build
		exec tests/demo
		;;
	test) exec make test ;;
	esac
	;;
deps)
	for purpose do
		case " $PURPOSES " in
		*" $purpose "*) ;;
		*) usage ;;
		esac
	done
	if [ $# = 0 ]; then
		# shellcheck disable=SC2086
		set -- $PURPOSES
	fi
	deps "$@"
	;;
*)
	usage
	;;
esac
