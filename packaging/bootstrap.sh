#!/bin/sh
# Takes a machine that has nothing but this checkout to a running program:
#
#	packaging/bootstrap.sh demo            build, then start one placed guest
#	packaging/bootstrap.sh test            build, then run the tests
#	packaging/bootstrap.sh deps [PURPOSE…] only install what the purposes need:
#	                                       build test demo lint analyse e2e lab packages
#	                                       fuzz faults bench
#	                                       (all of them)
#
# What is missing comes from the distribution's own packages (Debian, Fedora and
# what is derived from them). Nothing is installed, and neither root nor a
# network is needed, where nothing is missing.
#
# Plain sh and coreutils: a bare Debian or Fedora has no more than that.

set -eu

PURPOSES='build test demo lint analyse e2e lab packages fuzz faults bench'

# One line per thing needed: the purposes that need it, how to see that it is
# there, and the package that brings it, on Debian and on Fedora. What is looked
# for is the thing, not the package: another package, or /usr/local, may have
# brought it, and on a distribution not known here the list still says what is
# missing. (qemu-kvm-core is the name that Fedora and its relatives share.)
NEEDS='
build,test,demo,lint,e2e,packages  cmd:gcc                   gcc                    gcc
build,test,demo,lint,lab,packages  cmd:make                  make                   make
build,test,demo,lint,packages      cmd:pkg-config            pkg-config             pkgconf-pkg-config
build,test,demo,lint,e2e,packages  header:stdlib.h           libc6-dev              glibc-devel
build,test,demo,lint,e2e,packages  lib:libc.a                libc6-dev              glibc-static
build,test,demo,lint,packages      header:numa.h             libnuma-dev            numactl-devel
build,test,demo,lint,packages      header:jansson.h          libjansson-dev         jansson-devel
build,test,demo,lint,packages      header:cap-ng.h           libcap-ng-dev          libcap-ng-devel
build,test,demo,lint,packages      header:expat.h            libexpat1-dev          expat-devel
build,test,demo,lint,packages      header:attr/libattr.h     libattr1-dev           libattr-devel
build,test,demo,lint,packages      header:hwloc.h            libhwloc-dev           hwloc-devel
build,test,demo,lint,packages      header:libsmartcols/libsmartcols.h  libsmartcols-dev  libsmartcols-devel
build,test,demo,e2e,packages       cmd:grep                  grep                   grep
build,test,demo,e2e,lab,packages   cmd:sed                   sed                    sed
test,e2e,lab,packages,bench        cmd:awk                   mawk                   gawk
test,e2e,packages                  cmd:find                  findutils              findutils
test,e2e,packages                  cmd:cmp                   diffutils              diffutils
test                               header:cmocka.h           libcmocka-dev          libcmocka-devel
test                               lib:libasan.so            gcc                    libasan
test                               lib:libubsan.so           gcc                    libubsan
test,demo,e2e,lab,packages,faults  cmd:bash                  bash                   bash
test,e2e,lab,packages              cmd:bats                  bats                   bats
test                               cmd:parallel              parallel               parallel
analyse                            cmd:gcovr                 gcovr                  gcovr
analyse                            cmd:scan-build            clang-tools            clang-analyzer
analyse                            cmd:clang                 clang                  clang
analyse,bench                      cmd:valgrind              valgrind               valgrind
test,e2e,faults,bench              cmd:strace                strace                 strace
test,packages,faults               cmd:python3               python3                python3
test,e2e,bench                     cmd:numactl               numactl                numactl
test,e2e,packages                  cmd:jq                    jq                     jq
test,e2e                           python:jsonschema         python3-jsonschema     python3-jsonschema
test,e2e,packages                  cmd:lstopo-no-graphics    hwloc-nox              hwloc
test                               cmd:script                bsdutils               util-linux-script
test,e2e                           cmd:getfattr              attr                   attr
test,e2e,lab,packages              cmd:setpriv               util-linux             util-linux
test,e2e                           cmd:ps                    procps                 procps-ng
demo,e2e,packages                  emulator                  qemu-system-x86        qemu-kvm-core
test                               cmd:mandoc                mandoc                 mandoc
test                               cmd:groff                 groff-base             groff-base
test                               cmd:zsh                   zsh                    zsh
lint                               cmd:clang-format          clang-format           clang-tools-extra
lint                               cmd:clang-tidy            clang-tidy             clang-tools-extra
lint                               cmd:cppcheck              cppcheck               cppcheck
lint                               cmd:shellcheck            shellcheck             ShellCheck
e2e                                cmd:dbus-daemon           dbus                   dbus-daemon
e2e                                cmd:libvirtd              libvirt-daemon-system  libvirt-daemon
e2e                                cmd:virtlogd              libvirt-daemon-system  libvirt-daemon-log
e2e                                file:/etc/libvirt/qemu.conf  libvirt-daemon-system  libvirt-daemon-driver-qemu
test,e2e                           cmd:virsh                 libvirt-clients        libvirt-client
faults                             cmd:nm                    binutils               binutils
faults                             cmd:unshare               util-linux             util-linux
packages                           cmd:ansible-playbook      ansible-core           ansible-core
packages                           cmd:yamllint              yamllint               yamllint
lab                                cmd:qemu-system-x86_64    qemu-system-x86        qemu-system-x86
packages                           cmd:git                   git                    git
packages                           cmd:lintian               lintian                lintian
lab,packages                       cmd:mmdebstrap            mmdebstrap             mmdebstrap
lab,packages                       cmd:newuidmap             uidmap                 shadow-utils
lab,packages                       cmd:fakeroot              fakeroot               fakeroot
lab,packages                       cmd:mke2fs                e2fsprogs              e2fsprogs
packages                           cmd:rpm                   rpm                    rpm
packages                           cmd:rpmbuild              rpm                    rpm-build
packages                           cmd:rpmlint               rpmlint                rpmlint
packages                           file:/usr/share/selinux/devel/Makefile  selinux-policy-dev  selinux-policy-devel
packages                           file:/usr/share/selinux/default/base.pp.bz2  selinux-policy-default  selinux-policy-targeted
packages                           cmd:semodule              policycoreutils        policycoreutils
packages                           cmd:matchpathcon          selinux-utils          libselinux-utils
packages                           cmd:sesearch              setools                setools-console
lab,packages                       cmd:bwrap                 bubblewrap             bubblewrap
lab,packages                       file:/usr/share/keyrings/debian-archive-keyring.gpg  debian-archive-keyring  debian-keyring
fuzz                               cmd:clang                 clang                  clang
fuzz                               clang-rt:fuzzer           libclang-rt-dev        compiler-rt
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
	python:*) python3 -c "import ${1#python:}" 2>/dev/null ;;
	lib:*)
		any_file /usr/lib*/"${1#lib:}"* /usr/lib/*-linux-*/"${1#lib:}"*
		;;
	clang-rt:*)
		any_file "$(clang -print-resource-dir 2>/dev/null)"/lib/*/libclang_rt."${1#clang-rt:}"*.a
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
	python:*) printf 'the Python module %s' "${1#python:}" ;;
	lib:*) printf 'the library %s' "${1#lib:}" ;;
	clang-rt:*) printf "clang's library %s" "${1#clang-rt:}" ;;
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

# Some tests take a terminal. A bare chroot may have none: then it has them as long as the tests
# run.
test_with_terminals() {
	if [ "$(id -u)" = 0 ] && [ ! -e /dev/pts/ptmx ]; then
		mkdir -p /dev/pts
		mount -t devpts devpts /dev/pts
		trap 'umount /dev/pts' EXIT
	fi
	make test
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
	test) test_with_terminals ;;
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
