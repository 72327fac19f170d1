# What the tests of several kinds claim by.
# shellcheck shell=bash

# same GOT WANTED
same() {
	[[ $1 == "$2" ]] || {
		printf 'wanted: %s\ngot:    %s\n' "$2" "$1"
		return 1
	}
}
