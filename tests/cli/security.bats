#!/usr/bin/env bats
# SECURITY.md names the tests and the files that there are, and the limits as they are.

# shellcheck disable=SC2016 # backquotes are what the page writes

load lib

setup() {
	work_make
	SOURCE=$BATS_TEST_DIRNAME/../..
	PAGE=$SOURCE/SECURITY.md
}

# quoted_tests - "FILE<TAB>NAME" of each test that the page names: `FILE`: `NAME`, `NAME`…
quoted_tests() {
	grep -oE '`tests/[^`]+`: `[^`]+`(, `[^`]+`)*' "$PAGE" |
		awk -F '`' '{ for (i = 4; i < NF; i += 2) print $2 "\t" $i }'
}

@test "SECURITY.md: each test that it names is in the file that it names" {
	local file name missing=
	quoted_tests >"$WORK/tests"
	(($(wc -l <"$WORK/tests") > 100))
	while IFS=$'\t' read -r file name; do
		case $file in
		*.bats) grep -qxF "@test \"$name\" {" "$SOURCE/$file" ;;
		*.c) grep -qxF "static void $name(void **state)" "$SOURCE/$file" ;;
		*) false ;;
		esac || missing+="$file: $name"$'\n'
	done <"$WORK/tests"
	equal "$missing" ''
	# What is quoted in another form would not be looked for.
	equal "$(grep -oE '`tests/[^`]+`:' "$PAGE" | wc -l)" "$(grep -oE '`tests/[^`]+`: `' "$PAGE" | wc -l)"
}

@test "SECURITY.md: no attack is without a test" {
	local line
	awk '/^## / { on = $0 == "## Attacks" } on && /^\|/ && !/^\| (Tried|---)/' "$PAGE" >"$WORK/attacks"
	(($(wc -l <"$WORK/attacks") > 40))
	while IFS= read -r line; do
		[[ $line =~ \|\ \`tests/[^|]+\ \|$ ]] || {
			echo "no test: $line"
			return 1
		}
	done <"$WORK/attacks"
}

@test "SECURITY.md: the files that it names are there, and functions in them" {
	local file function
	while read -r file; do
		[[ -e $SOURCE/$file ]] || {
			echo "no $file"
			return 1
		}
	done < <(grep -oE '`(shim|policy|packaging|tests)/[^` ]+`' "$PAGE" | tr -d '`')
	while read -r function file; do
		grep -qE "\b$function\(" "$SOURCE/$file"
	done < <(grep -oE '`[a-z_]+\(\)` in `[^`]+`' "$PAGE" | sed -E 's/`([a-z_]+)\(\)` in `([^`]+)`/\1 \2/')
}

@test "SECURITY.md: the limits are those of the source" {
	local name is
	while IFS='|' read -r _ name is _; do
		grep -qE "^	${name//[\` ]/} = ${is// /}," "$SOURCE/shim/server.h" || {
			echo "not so: $name is $is"
			return 1
		}
	done < <(grep '^| `SERVER_' "$PAGE")
	equal "$(grep -c '^| `SERVER_[A-Z_]*` |' "$PAGE")" "$(($(grep -c '^	SERVER_[A-Z_]* =' "$SOURCE/shim/server.h") - 1))" # not what the kernel holds
	has "$(tr '\n' ' ' <"$PAGE")" "$(sed -n 's/^MemoryMax=\([0-9]*\)M$/\1 MiB/p' "$SOURCE/packaging/systemd/guest-pinningd.service.in")"
	grep -q "no rule matches more than $(($(sed -n 's/.*GLOB_NAME_MAX = \([0-9]*\).*/\1/p' "$SOURCE/policy/glob.h")))" "$PAGE"
}
