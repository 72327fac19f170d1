#!/usr/bin/env bats
# guest-pinning map: this host, with guests that are no more than their command lines.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # output, status and stderr are set by lib.bash

# bats file_tags=host
load lib

setup() {
	work_make
	GUESTS=()
	# Others may run guests on this machine meanwhile.
	WEB=web$$-$BATS_TEST_NUMBER
	NODES=$(find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' 2>/dev/null | wc -l)
	((NODES > 0)) || NODES=1
}

teardown() {
	((${#GUESTS[@]} == 0)) || kill "${GUESTS[@]}"
}

# guest NAME - a process that is taken for an emulator, by its file's name, and runs on.
guest() {
	local path=$WORK/qemu-system-map
	[[ -e $path ]] || cp "$(type -P bash)" "$path"
	[[ -e $WORK/wait ]] || mkfifo "$WORK/wait"
	# shellcheck disable=SC2016 # for that bash
	"$path" -c 'echo >"$2.there"; read -r <>"$1"' map "$WORK/wait" "$WORK/guest${#GUESTS[@]}" \
		-name "guest=$1" 3>&- &
	until [[ -e $WORK/guest${#GUESTS[@]}.there ]]; do
		kill -0 $! || return 1
		sleep 0.01
	done
	GUESTS+=($!)
}

# json FILTER - what jq makes of the output, on one line.
json() {
	jq -c "$1" <<<"$output"
}

## The terminal

@test "map: wrong usage" {
	local arguments
	for arguments in 'web1' '--output' '--nonsense' '--output map.svg web1' '--output map.svg --json'; do
		# shellcheck disable=SC2086 # several arguments
		fails 2 "$TOOL" map $arguments
		has "$stderr" 'usage: guest-pinning map [--json] [--output FILE]'
		equal "$output" ''
		[[ ! -e map.svg ]]
	done
}

@test "map: the nodes of this host, each in a box, and the guests" {
	guest "$WEB"
	COLUMNS=80 works "$TOOL" map
	equal "$stderr" ''
	equal "$(grep -c -o '+ node [0-9]* -' <<<"$(grep -o '+ node [0-9]* -' <<<"$output")")" "$NODES"
	equal "$(grep -o -- "- $WEB " <<<"$output")" "- $WEB "
	has "$(tail -n 1 <<<"$output")" ' no rule'
	equal "$(sed '$d' <<<"$output" | awk 'length > 80')" ''
	LC_ALL=C.UTF-8 works "$TOOL" map
	has "$output" '┌ node '
}

@test "map: no colours but on a terminal" {
	guest "$WEB"
	works "$TOOL" map
	has_not "$output" $'\e'
	capture script -qec "stty cols 100; LC_ALL=C.UTF-8 TERM=xterm '$TOOL' map" /dev/null
	has "$output" $'\e[2m- '"$WEB"$'\e[0m'
	capture script -qec "NO_COLOR=1 TERM=xterm '$TOOL' map" /dev/null
	has_not "$output" $'\e['
}

@test "map: hostile names move nothing" {
	guest $'a\e[2J\nb'
	works "$TOOL" map
	has "$output" '- a\x1b[2J\x0ab '
	has_not "$output" $'\e'
}

@test "map: the environment makes no other host of this" {
	works env HWLOC_SYNTHETIC='package:3 numa:2 core:2 pu:1' HWLOC_XMLFILE=/nowhere.xml "$TOOL" map --json
	equal "$(json '.nodes | length')" "$NODES"
}

## JSON

@test "map --json: as its schema has it" {
	local name=$'\e[31m<"&\n\xff'
	guest "$WEB"
	guest "$name"
	works "$TOOL" map --json
	"$BATS_TEST_DIRNAME/../schema/check" map <<<"$output"
	equal "$(json '.nodes | length')" "$NODES"
	equal "$(json "[.. | objects | select(.guest? == \"$WEB\")] | map([.pid, .verdict])")" \
		"[[${GUESTS[0]},\"no rule\"]]"
	equal "$(jq -r '.. | objects | select(.guest? and (.guest | endswith("xff"))) | .guest' <<<"$output")" \
		'\x1b[31m<"&\x0a\xff'
	equal "$(json '[.nodes[].memory.total] | add > 0')" true
	# The schema takes nothing else.
	fails 1 "$BATS_TEST_DIRNAME/../schema/check" map < <(jq '.nodes[0].more = 1' <<<"$output")
}

@test "map --json: a guest with a rule" {
	local cpu
	cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	policy "web* - cpus=$cpu"
	guest "$WEB"
	taskset -acp "$cpu" "${GUESTS[0]}" >/dev/null
	works "$TOOL" map --json
	equal "$(json "[.nodes[].guests[] | select(.guest == \"$WEB\") | [.verdict, .cpus]]")" \
		"[[\"placed\",\"$cpu\"]]"
}

## Pictures

@test "map --output: a picture in SVG, well-formed whatever guests are called" {
	guest "$WEB"
	guest '<script>alert("&")</script>'
	guest $'\e]0;x\a\xff\xc3\xa9\xe4\xb8\xad'
	guest "$(printf 'long%.0s' {1..200})"
	works "$TOOL" map --output map.svg
	equal "$output$stderr" ''
	python3 -c 'import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])' map.svg
	has "$(<map.svg)" '<svg'
	has_not "$(<map.svg)" '<script'
	equal "$(stat -c %a map.svg)" 644
	equal "$(ls -A)" "$(printf '%s\n' guest{0..3}.there map.svg qemu-system-map wait | LC_ALL=C sort)"
}

@test "map --output: the guests are in it" {
	local index
	guest "$WEB"
	works "$TOOL" map --output map.xml
	has "$(<map.xml)" 'type="Misc"'
	has "$(<map.xml)" "name=\"- $WEB"
	has "$(lstopo-no-graphics -i map.xml --of console -)" "- $WEB"
	# SVG by lstopo itself has text as text; by Cairo it is drawn.
	mkdir bin
	ln -s "$(type -P lstopo-no-graphics)" bin/lstopo-no-graphics
	works env PATH="$WORK/bin" "$TOOL" map --output map.svg
	has "$(<map.svg)" ">- $WEB<"
	# A viewBox is four numbers, or viewers show nothing.
	[[ $(<map.svg) =~ viewBox=.0\ 0\ [0-9]+\ +[0-9]+\ *[\'\"] ]]
	has "$(<map.svg)" "$(uname -n | cut -c -64)"
	[[ $(<map.svg) =~ :\ ([0-9]+)\ node(s?),\ ([0-9]+)\ CPU(s?),\ ([0-9]+)\ guest(s?)\; ]]
	for index in 1 3 5; do
		equal "${BASH_REMATCH[index + 1]}" "$( ((BASH_REMATCH[index] == 1)) || echo s)"
	done
}

@test "map --output: PNG, or what is missing for it" {
	if lstopo --help 2>/dev/null | grep -q 'output file formats.* png'; then
		works "$TOOL" map --output map.png
		equal "$(head -c 8 map.png | od -An -tx1)" ' 89 50 4e 47 0d 0a 1a 0a'
	fi
	# The one that brings no libraries of X11.
	mkdir bin
	ln -s "$(type -P lstopo-no-graphics)" bin/lstopo
	rm -f map.png
	fails 1 env PATH="$WORK/bin" "$TOOL" map --output map.png
	one_line "$stderr"
	has "$stderr" 'the lstopo of this host draws no .png'
	has "$stderr" 'install the package hwloc'
	[[ ! -e map.png ]]
}

@test "map --output: no lstopo in PATH" {
	fails 1 env PATH=/nowhere "$TOOL" map --output map.svg
	one_line "$stderr"
	has "$stderr" 'there is no lstopo in PATH'
	has "$stderr" 'hwloc-nox'
	[[ ! -e map.svg ]]
	# It takes none to write what it would draw.
	works env PATH=/nowhere "$TOOL" map --output map.xml
}

@test "map --output: a format that is none" {
	local file
	for file in map map.txt map.svg.gz .svg directory.svg/map map.SVG ''; do
		fails 2 "$TOOL" map --output "$file"
		has "$stderr" 'its name must say which format'
	done
}

@test "map --output: a file that cannot be written" {
	mkdir there.svg
	ln -s target.svg link.svg
	fails 1 "$TOOL" map --output "$WORK/missing/map.svg"
	one_line "$stderr"
	has "$stderr" "$WORK/missing/map.svg cannot be written: No such file"
	fails 1 "$TOOL" map --output there.svg
	has "$stderr" 'there.svg is there and no regular file'
	fails 1 "$TOOL" map --output link.svg
	has "$stderr" 'link.svg is there and no regular file'
	fails 1 "$TOOL" map --output "$(printf 'x%.0s' {1..300}).svg"
	has "$stderr" 'File name too long'
	equal "$(ls -A)" "$(printf '%s\n' link.svg there.svg)"
}

@test "map --output: a picture that is there is replaced, or stays" {
	mkdir bin
	echo old >map.svg
	printf '#!/bin/sh\necho half a picture\necho "<boom>" >&2\nexit 3\n' >bin/lstopo
	chmod +x bin/lstopo
	fails 1 env PATH="$WORK/bin:$PATH" "$TOOL" map --output map.svg
	has "$stderr" 'lstopo has failed (exit status 3): <boom>'
	equal "$(<map.svg)" old
	printf '#!/bin/sh\nkill -9 $$\n' >bin/lstopo
	fails 1 env PATH="$WORK/bin:$PATH" "$TOOL" map --output map.svg
	has "$stderr" 'lstopo was ended by signal 9'
	printf '#!/bin/sh\nexit 0\n' >bin/lstopo
	fails 1 env PATH="$WORK/bin:$PATH" "$TOOL" map --output map.svg
	has "$stderr" 'lstopo has failed (exit status 0)'
	equal "$(<map.svg)" old
	works "$TOOL" map --output map.svg
	has "$(<map.svg)" '<svg'
	equal "$(ls -A)" $'bin\nmap.svg'
}

@test "map --output: an lstopo that is too old for some options" {
	mkdir bin
	cat >bin/lstopo <<-'EOF'
		#!/bin/bash
		for argument; do
			case $argument in
			--os-index-prefix | misc:*) echo "Unrecognized option: $argument" >&2; exit 1 ;;
			esac
		done
		exec lstopo-no-graphics "$@"
	EOF
	chmod +x bin/lstopo
	guest "$WEB"
	works env PATH="$WORK/bin:$PATH" "$TOOL" map --output map.svg
	has "$(<map.svg)" ">- $WEB<"
}

@test "map --output: what the environment tells lstopo is not asked" {
	local one other
	works env HWLOC_XMLFILE=/nowhere.xml LSTOPO_TEXT_XSCALE=50 "$TOOL" map --output one.svg
	works "$TOOL" map --output other.svg
	one=$(grep -o 'width=.[0-9]*' one.svg | head -n 1) other=$(grep -o 'width=.[0-9]*' other.svg | head -n 1)
	# The memory that is free has more digits at times.
	((${one##*[!0-9]} < 2 * ${other##*[!0-9]} && ${other##*[!0-9]} < 2 * ${one##*[!0-9]}))
}
