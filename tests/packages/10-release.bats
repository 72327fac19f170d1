#!/usr/bin/env bats
# The release: one version, and the same bytes whoever makes it, from git or from itself, wherever
# and whenever.

setup() {
	load lib
}

# dist SOURCES BUILD - the archive's path.
dist() {
	make --silent --no-print-directory -C "$1" BUILD="$2" dist >/dev/null &&
		echo "$2"/qemu-kvm-shim-*.tar.gz
}

@test "the archive has all that git has, and nothing else" {
	local archive
	archive=$(dist "$REPO" "$BATS_TEST_TMPDIR/one")
	same "$(tar -tf "$archive" | sed 's,^[^/]*/,,' | sort)" "$(git -C "$REPO" ls-files | sort)"
	same "$(tar -tvf "$archive" | awk '{ print $1, $2 }' | sort -u)" "-rw-r--r-- 0/0
-rwxr-xr-x 0/0"
}

@test "made again, and of itself, with another umask, time zone and language: the same bytes" {
	local one
	one=$(dist "$REPO" "$BATS_TEST_TMPDIR/one")
	umask 077
	tar -C "$BATS_TEST_TMPDIR" -xf "$one"
	find "$BATS_TEST_TMPDIR"/qemu-kvm-shim-* -exec touch -d 2001-02-03 {} +
	cmp "$one" "$(TZ=Asia/Tokyo LC_ALL=C TAR_OPTIONS=--exclude=LICENSE GZIP=--fast dist "$BATS_TEST_TMPDIR"/qemu-kvm-shim-* \
		"$BATS_TEST_TMPDIR/two")"
	# What is built in it is not in it.
	make --silent --no-print-directory -C "$BATS_TEST_TMPDIR"/qemu-kvm-shim-* BUILD=build dist >/dev/null
	cmp "$one" "$BATS_TEST_TMPDIR"/qemu-kvm-shim-*/build/qemu-kvm-shim-*.tar.gz
}

@test "the version stands in the list of changes alone" {
	local version program
	version=$(sed -n 's/^## \([0-9][0-9.]*\) (20[0-9][0-9]-[0-9][0-9]-[0-9][0-9])$/\1/p' \
		"$REPO/CHANGELOG.md" | head -n 1)
	[[ $version ]]
	for program in qemu-kvm-shim guest-pinningd guest-pinning; do
		[[ $program != qemu-kvm-shim ]] || {
			same "$("$BUILD/$program" --shim-version)" "$program $version"
			continue
		}
		same "$("$BUILD/$program" --version)" "$program $version"
	done
	run git -C "$REPO" grep -lF "$version" -- ':!CHANGELOG.md' ':!tests' ':!packaging/man'
	same "$output" ""
}
