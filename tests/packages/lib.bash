# What the tests of the packages share.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
: "${BUILD:?start this suite with tests/packages/run}"

REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8

# shellcheck source=tests/claims.bash
source "$REPO/tests/claims.bash"

# host_make NAME - a Debian with libvirt and QEMU of one's own, a copy of the lab's that costs
# nothing; sets `host` to its root. hosts_end takes all of them away.
host_make() {
	local below=$BATS_FILE_TMPDIR/$1
	host=$below/root
	mkdir -p "$below"
	# What an overlay's layers are on may not be an overlay itself.
	mount -t tmpfs -o mode=755 tmpfs "$below"
	mkdir "$below"/{root,upper,work}
	mount -t overlay -o "lowerdir=$BUILD/lab/image/root,upperdir=$below/upper,workdir=$below/work" \
		overlay "$host"
	mount --rbind /dev "$host/dev"
	mount -t proc proc "$host/proc"
	mount --rbind /sys "$host/sys"
	mount -t tmpfs -o mode=755 tmpfs "$host/run"
	mount -t tmpfs tmpfs "$host/tmp"
}

# hosts_end - for teardown_file.
hosts_end() {
	local below
	for below in "$BATS_FILE_TMPDIR"/*/upper; do
		[[ ! -d $below ]] || umount -R "${below%/upper}"
	done
}

# in_host COMMAND... - within 5 minutes, as its root.
in_host() {
	timeout -k 5 300 chroot "$host" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive "$@" </dev/null 3>&-
}
