# What the tests of the programs share: a scratch directory with an emulator in
# it, which is the stand-in (standin.c) behind the shim, and a policy of its own.
# BUILD is the directory with the programs.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # used by the tests; set by run

bats_require_minimum_version 1.5.0

export LC_ALL=C
SHIM=$BUILD/qemu-kvm-shim
# What it becomes where a rule needs a library: the one that was built, not one installed here.
export QEMU_KVM_SHIM_FULL=$BUILD/qemu-kvm-shim-full
TOOL=$BUILD/guest-pinning
STANDIN=$BUILD/tests/standin

# work_make - $WORK, empty, where a policy is trusted: nobody else may write there.
work_make() {
	umask 022
	WORK=$BATS_TEST_TMPDIR/work
	mkdir -m 700 "$WORK" && cd "$WORK" || return 1
	# Only the policy that the test names, never the host's.
	export GUEST_PINNING_CONF=$WORK/policy
	unset QEMU_KVM_SHIM_REAL
}

# emulator_make - an installed shim, made by hand: $EMULATOR and what belongs to it.
emulator_make() {
	EMULATOR=$WORK/libexec/qemu-kvm
	REAL=$EMULATOR.real
	ALIAS=$WORK/libexec/qemu-kvm-shim.alias/qemu-kvm
	mkdir -p "${ALIAS%/*}"
	cp "$SHIM" "$EMULATOR"
	cp "$STANDIN" "$REAL"
	ln -s ../qemu-kvm.real "$ALIAS"
}

# policy LINE... - the policy that counts.
policy() {
	printf '%s\n' "$@" >"$GUEST_PINNING_CONF"
}

# libvirt_has GUEST[=KIB]... - what a libvirt that is asked by virsh knows: a stand-in for it,
# first in PATH, that writes its arguments to $WORK/virsh.asked.
libvirt_has() {
	local guest
	mkdir -p "$WORK/bin"
	: >"$WORK/virsh.names" && : >"$WORK/virsh.memory"
	for guest; do
		printf '%s\n' "${guest%=*}" >>"$WORK/virsh.names"
		printf "Domain: '%s'\n  balloon.current=1\n  balloon.maximum=%s\n\n" \
			"${guest%=*}" "${guest##*=}" >>"$WORK/virsh.memory"
	done
	cat >"$WORK/bin/virsh" <<-EOF
		#!/bin/sh
		echo "\$*" >>'$WORK/virsh.asked'
		case "\$*" in
		*' list --all --name') cat '$WORK/virsh.names' ;;
		*' domstats --balloon --raw --nowait') cat '$WORK/virsh.memory' ;;
		*) exit 1 ;;
		esac
	EOF
	chmod +x "$WORK/bin/virsh"
	[[ $PATH == "$WORK/bin:"* ]] || PATH=$WORK/bin:$PATH
}

# libvirt_is_down - as above, and there is no daemon.
libvirt_is_down() {
	libvirt_has
	printf '%s\n' '#!/bin/sh' 'echo "error: failed to connect to the hypervisor" >&2' 'exit 1' \
		>"$WORK/bin/virsh"
}

# valid VERB - the output is what the schema says.
valid() {
	"$BATS_TEST_DIRNAME/../schema/check" "$1" <<<"$output"
}

# seen KEY [FILE] - what the stand-in printed after "KEY: ", from stdin or a file.
seen() {
	sed -n "s/^$1: //p" "${@:2}"
}

# capture COMMAND... - as bats' run --separate-stderr, within a time that only an
# endless loop takes. (run itself warns of the exit status 127, which is ours, too.)
capture() {
	status=0
	output=$(timeout 20 "$@" 2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	stderr=$(<"$BATS_TEST_TMPDIR/stderr")
}

# fails STATUS COMMAND... - it must end so.
fails() {
	capture "${@:2}"
	[[ $status == "$1" ]] || {
		echo "exit status $status, not $1, of: ${*:2}"
		echo "stdout: $output"
		echo "stderr: $stderr"
		return 1
	}
}

works() {
	fails 0 "$@"
}

# has TEXT WORD - shows what is there instead.
has() {
	[[ $1 == *"$2"* ]] || {
		echo "no '$2' in: $1"
		return 1
	}
}

has_not() {
	[[ $1 != *"$2"* ]] || {
		echo "'$2' in: $1"
		return 1
	}
}

equal() {
	[[ $1 == "$2" ]] || {
		printf 'is:        %q\nshould be: %q\n' "$1" "$2"
		return 1
	}
}

# one_line TEXT - exactly one line, not empty.
one_line() {
	[[ -n $1 && $1 != *$'\n'* ]] || {
		printf 'should be one line: %q\n' "$1"
		return 1
	}
}
