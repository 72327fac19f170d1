#!/usr/bin/env bats
# --help, man pages and completions say the same, and what they say is so.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2153,SC2154 # TOOL, output, status and stderr are set by lib.bash

# bats file_tags=host
load lib

PAGES='man5/guest-pinning.conf.5 man8/guest-pinning.8 man8/guest-pinningd.8 man8/qemu-kvm-shim.8'

setup() {
	work_make
	SOURCE=$BATS_TEST_DIRNAME/../..
	PACKAGING=$SOURCE/packaging
	PAGE=$PACKAGING/man/guest-pinning.8.in
	AGENT_PAGE=$PACKAGING/man/guest-pinningd.8.in
	CONF_PAGE=$PACKAGING/man/guest-pinning.conf.5.in
}

# Words or lines from stdin, one a line, in order, each once.
sorted() {
	tr -s ' ' '\n' | grep . | LC_ALL=C sort -u
}

# help_rows - "VERB ARGUMENTS" of each row of --help, "NAME ..." being "NAME...".
help_rows() {
	"$TOOL" --help | awk '/^$/ { part++ } part == 1' | sed -n 's/^  \([^ ].*\)/\1/p' | sed 's/  .*//; s/ *$//'
}

help_verbs() {
	help_rows | cut -d ' ' -f 1
}

# help_options VERB - the options in its row.
help_options() {
	help_rows | grep "^$1 " | grep -o -- '--[a-z-]*' | sorted
}

# told_options PROGRAM - those that are told of, each on a line of its own, in --help.
told_options() {
	"$1" --help | sed -n 's/^  \(--.*\)/\1/p' | sed 's/   *.*//' | tr -d , | grep -o -- '--[a-z-]*' | sorted
}

# section PAGE NAME - what a page says there, as it is shown.
section() {
	mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g' | awk -v name="$2" '/^[^ ]/ { on = $0 == name; next } on'
}

# rows - of lines as a page shows them, made as those of --help.
rows() {
	sed -n 's/^     \([^ ].*\)/\1/p' | sed 's/ \.\.\./.../g'
}

## --help

@test "help: one screen, each verb on a line" {
	local verb
	works "$TOOL" --help
	(($(wc -l <<<"$output") <= 24))
	equal "$(awk 'length > 80' <<<"$output")" ''
	equal "$(help_verbs | wc -l)" "$(help_verbs | sort -u | wc -l)"
	(($(help_verbs | wc -l) >= 8))
	# That is what the tool knows: each has its usage.
	for verb in $(help_verbs); do
		capture "$TOOL" "$verb" --no-such-option
		equal "$status $verb" "2 $verb"
		has "$stderr" "usage: guest-pinning $(help_rows | grep "^$verb ")"
	done
	works "$BUILD/guest-pinningd" --help
	(($(wc -l <<<"$output") <= 24))
	equal "$(awk 'length > 80' <<<"$output")" ''
}

@test "help: the options that it tells of are those of the verbs" {
	equal "$(told_options "$TOOL")" "$({
		help_rows | grep -o -- '--[a-z-]*'
		echo --help --version
	} | sorted)"
}

## Man pages

@test "guest-pinning(8): verbs and options are those of --help" {
	local verb
	# "guest-pinning check [--json] …", and the same as head of what is said of the verb.
	equal "$(section "$PAGE" SYNOPSIS | rows | sed 's/^guest-pinning //')" \
		"$(help_rows)"$'\n--help | --version'
	equal "$(section "$PAGE" VERBS | rows | sed -E 's/^([a-z]+ )([^[A-Z]|$)/\1\2/' |
		grep -E "^($(help_verbs | paste -sd '|')) ")" "$(help_rows)"
	for verb in $(help_verbs); do
		# What it takes besides --json is told there, --json of all of them below.
		equal "$verb: $(section "$PAGE" VERBS |
			awk -v verb="$verb" '/^     [^ ]/ { on = $1 == verb } on' |
			sed -n 's/^ \{13\}\(--[a-z-]*\).*/\1/p' | sorted)" \
			"$verb: $(help_options "$verb" | grep -v -x -e --json)"
	done
	equal "$(section "$PAGE" OPTIONS | sed -n 's/^     Of \(.*\):$/\1/p' | sed 's/ and /, /' |
		tr -d , | sorted)" \
		"$(help_rows | grep -- --json | cut -d ' ' -f 1 | sorted)"
	equal "$(section "$PAGE" OPTIONS | rows | grep -o -- '^--[a-z-]*' | sorted)" \
		"$(echo --help --json --version | sorted)"
}

@test "guest-pinningd(8): the options are those of --help" {
	local agent=$BUILD/guest-pinningd
	equal "$(section "$AGENT_PAGE" OPTIONS | rows | grep -o -- '^--[a-z-]*' | sorted)" \
		"$(told_options "$agent")"
	equal "$(section "$AGENT_PAGE" SYNOPSIS | grep -o -- '--[a-z-]*' | sorted)" \
		"$(told_options "$agent")"
	(($(told_options "$agent" | wc -l) >= 5))
	# With their values.
	equal "$(section "$AGENT_PAGE" OPTIONS | rows | grep -E -o -- '^--[a-z]+ [A-Z]+' | sorted)" \
		"$("$agent" --help | grep -E -o -- '^  --[a-z]+ [A-Z]+' | sorted)"
}

@test "guest-pinning.conf(5): every option, mode and kind, and no other" {
	local rule_option=$SOURCE/policy/rule_option.c options
	options=$(sed -n 's/^    {"\([a-z-]*=\{0,1\}\)", [a-z_]*_option, .*/\1/p' "$rule_option" | sorted)
	(($(wc -l <<<"$options") >= 12))
	# The source's table is what the language takes.
	policy 'x - nonsense'
	fails 1 "$TOOL" match x
	has "$output" "unknown option 'nonsense'"
	equal "$(sed -n 's/^\.It Cm \([a-z-]*=\{0,1\}\).*/\1/p' "$CONF_PAGE" | sorted)" "$options"
	equal "$(sed -n '/^# OPTIONS/,/^#$/s/^# \(OPTIONS\|       \) \([a-z-]*=\{0,1\}\).*/\2/p' \
		"$SOURCE/policy/guest-pinning.conf" | sorted)" "$options"
	equal "$(sed -n '/^\.Sh OPTIONS/,/^\.Sh WHAT/s/^\.It Ic \([a-z-]*\).*/\1/p' "$CONF_PAGE" | sorted)" \
		"$(sed -n 's/^    \[\(MEMORY\|SCHEDULER\)_[A-Z_]*\] = "\(.*\)",/\2/p' "$rule_option" | sorted)"
}

# limit NAME - an enumerator of the policy's.
limit() {
	sed -n "s/^\t$1 = \([0-9]*\),.*/\1/p" "$SOURCE"/policy/{rule,glob,policy,spec}.h
}

@test "guest-pinning.conf(5): the limits are those of the source" {
	equal "$(section "$CONF_PAGE" DESCRIPTION >/dev/null &&
		sed -n '/^\.Ss Limits/,/^\.Sh/s/^\.It //p' "$CONF_PAGE" | tr -d ,)" \
		"$(limit RULE_LINE_MAX)
$(limit RULE_WORDS_MAX)
$(limit GLOB_LENGTH_MAX)
$(limit GLOB_NESTING_MAX)
$(limit RULE_ENV_MAX)
$(limit RULE_IRQ_MAX)
$(limit RULE_DEVICE_MAX)
0-$(limit SPEC_NODE_MAX)
0-$(limit SPEC_CPU_MAX)
256 MiB
$(limit POLICY_RULES_MAX)"
	equal "$(limit GLOB_NAME_MAX)" "$(limit GLOB_LENGTH_MAX)"
	grep -q 'POLICY_FILE_MAX = 256 \* 1024 \* 1024,' "$SOURCE/policy/policy.h"
}

@test "guest-pinning.conf(5): its examples are rules, of which only a host's parts may be missing" {
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$CONF_PAGE" | grep -v '^\.' >"$WORK/examples"
	(($(grep -c '^[^#]' "$WORK/examples") >= 7))
	capture "$TOOL" check --json "$WORK/examples"
	equal "$(jq .rules <<<"$output")" "$(grep -c '^[^#]' "$WORK/examples")"
	equal "$(jq -r '.problems[].text' <<<"$output" |
		grep -vE "^(irq=[a-z0-9]*@7: )?((node|CPU) [0-9]* of '.*' does not exist: |this host has no )")" ''
}

## The pages as they are installed

# installed [VARIABLE=VALUE...] - make install, of these very programs, below $WORK/root. The
# build directory is a copy, for its paths are other ones.
installed() {
	mkdir -p "$WORK/build"
	cp "$BUILD"/{guest-pinning,guest-pinningd,qemu-kvm-shim,qemu-kvm-shim-full} "$WORK/build"
	installing install "$@"
}

# installing TARGET [VARIABLE=VALUE...]
installing() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES make -s -C "$SOURCE" -o all \
		BUILD="$WORK/build" DESTDIR="$WORK/root" "$@" >"$WORK/make" 2>&1 || {
		cat "$WORK/make"
		return 1
	}
}

there() {
	(cd "$WORK/root" && find . ! -type d | sort)
}

@test "make install: pages and completions where they are looked for, and make uninstall" {
	installed
	local root=$WORK/root/usr/local/share page
	for page in $PAGES; do
		[[ -f $root/man/$page ]]
		equal "$(stat -c %a "$root/man/$page")" 644
	done
	cmp "$root/bash-completion/completions/guest-pinning" "$PACKAGING/completions/guest-pinning.bash"
	cmp "$root/bash-completion/completions/guest-pinningd" "$PACKAGING/completions/guest-pinning.bash"
	cmp "$root/zsh/site-functions/_guest-pinning" "$PACKAGING/completions/_guest-pinning"
	equal "$(find "$root" ! -type d | wc -l)" 7
	installing uninstall
	equal "$(there)" ./etc/libvirt/guest-pinning.conf
}

@test "make install: other paths, which the pages name" {
	installed PREFIX=/opt/x SYSCONFDIR=/opt/etc RUNSTATEDIR=/opt/run MANDIR=/opt/man \
		BASHCOMPDIR=/opt/bash ZSHCOMPDIR=/opt/zsh
	local root=$WORK/root/opt page
	for page in $PAGES; do
		run ! grep -nE '@[A-Z_]+@' "$root/man/$page"
		grep -q '/opt/etc/libvirt/guest-pinning\.conf' "$root/man/$page"
		run ! grep -nE '(^|[^t])(/etc/libvirt|/run/guest-pinning|/usr/local)' "$root/man/$page"
	done
	grep -qx '\.Pa /opt/run/guest-pinning/agent\.sock ,' "$root/man/man8/guest-pinningd.8"
	grep -qx '\.It Pa /opt/x/libexec/qemu-kvm-shim/qemu-kvm-shim' "$root/man/man8/guest-pinning.8"
	[[ -f $root/bash/guest-pinning && -f $root/bash/guest-pinningd && -f $root/zsh/_guest-pinning ]]
	installing uninstall PREFIX=/opt/x SYSCONFDIR=/opt/etc RUNSTATEDIR=/opt/run MANDIR=/opt/man \
		BASHCOMPDIR=/opt/bash ZSHCOMPDIR=/opt/zsh
	equal "$(there)" ./opt/etc/libvirt/guest-pinning.conf
}

@test "make install over an installation: guests that start meanwhile are placed" {
	installed
	emulator_make
	policy "web - cpus=!$(taskset -cp $$ | sed 's/.*: //; s/.*[-,]//')" # it takes the full program
	local starts=0 refused=0 end=$((SECONDS + 4)) full=$WORK/root/usr/local/libexec/qemu-kvm-shim
	export QEMU_KVM_SHIM_FULL=$full/qemu-kvm-shim-full
	works "$EMULATOR" -name web
	has "$stderr" "rule $WORK/policy:1"
	while ((SECONDS < end)); do
		installing install && echo turn
	done >"$WORK/turns" 2>&1 3>&- &
	while kill -0 $! 2>/dev/null; do
		starts=$((starts + 1))
		"$EMULATOR" -name web >/dev/null 2>>"$WORK/refusals" || refused=$((refused + 1))
		for _ in {1..50}; do
			[[ -x $QEMU_KVM_SHIM_FULL ]] || refused=$((refused + 1))
		done
	done
	wait
	grep -v ": rule " "$WORK/refusals" | sort | uniq -c | head -n 5
	equal "$refused times" "0 times"
	echo "$starts starts, $(grep -c turn "$WORK/turns") installations"
	((starts > 1 && $(grep -c turn "$WORK/turns") > 1))
	equal "$(ls "$full")" $'qemu-kvm-shim\nqemu-kvm-shim-full'
}

@test "man pages: no complaints of mandoc and groff, and man shows them" {
	installed
	local root=$WORK/root/usr/local/share/man page
	for page in $PAGES; do
		works mandoc -T lint -W warning "$root/$page"
		equal "$output$stderr" ''
		works groff -T utf8 -mdoc -ww -z "$root/$page"
		equal "$output$stderr" ''
		# As man(1) calls it.
		works groff -T utf8 -mandoc -ww -z "$root/$page"
		equal "$output$stderr" ''
		equal "$(mandoc -T ascii "$root/$page" | col -b | awk 'length > 80')" ''
	done
}

# Without --whole-io only some PCI devices are in it, and irq= of the others cannot be checked.
@test "README, man pages, messages: a topology is exported in one way" {
	local told
	told=$(cd "$PACKAGING/.." && grep -h -E -o 'lstopo( [^ ]+)* [a-z]+\.xml' README.md packaging/man/* shim/*)
	(($(wc -l <<<"$told") >= 4))
	equal "$(grep -v '^lstopo --whole-io [a-z]*\.xml$' <<<"$told")" ""
}

@test "README: every picture is there, and each that is there is shown" {
	equal "$(grep -o 'packaging/pictures/[a-z0-9-]*\.svg' "$PACKAGING/../README.md" | sort -u)" \
		"$(cd "$PACKAGING/.." && printf '%s\n' packaging/pictures/*)"
}

@test "man pages: every page that is referred to is there, and refers back" {
	local page name other
	for page in $PAGES; do
		page=${page#*/}
		name="${page%.*} ${page##*.}"
		while read -r other; do
			[[ -f $PACKAGING/man/${other/ /.}.in ]] || {
				echo "$page refers to $other"
				return 1
			}
		done < <(sed -n 's/^\.Xr \(guest-pinning[a-z.]*\|qemu-kvm-shim\) \([0-9]\).*/\1 \2/p' \
			"$PACKAGING/man/$page.in")
		for other in $PAGES; do
			other=${other#*/}
			[[ $other == "$page" ]] ||
				sed '1,/^\.Sh SEE ALSO/d' "$PACKAGING/man/$other.in" | grep -q "^\.Xr $name" || {
				echo "$other does not refer to $name"
				return 1
			}
		done
	done
	# And what --help refers to.
	for page in $("$TOOL" --help | grep -E -o '[a-z.-]+\([0-9]\)'); do
		page=${page%)}
		[[ -f $PACKAGING/man/${page/(/.}.in ]]
	done
}

## Completions

# guests - a libvirt with guests of difficult names: its own test driver.
guests() {
	local name
	{
		echo "<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
		# shellcheck disable=SC2016 # as it is
		for name in web1 'my vm' my:web "o'hara" 'v$(id)' off; do
			echo "<domain type='test'><name>$name</name><memory>1024</memory>" \
				'<os><type>hvm</type></os>'
			[[ $name != off ]] || echo '<test:runstate>5</test:runstate>'
			echo '</domain>'
		done
		echo '</node>'
	} >"$WORK/libvirt.xml"
	export LIBVIRT_DEFAULT_URI=test://$WORK/libvirt.xml
}

# in_bash WORD... - what bash offers for the last of these words, one a line.
in_bash() {
	# shellcheck disable=SC2016 # for that shell
	capture bash --norc -c '
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
		# Not where it is completed, but there is nothing else that it says.
		compopt() { :; }
		function=$(complete -p "$1" | sed "s/.*-F \([^ ]*\).*/\1/")
		"$function" "$1" "${!#}" "${*: -2:1}"
		((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
	' - "$PACKAGING/completions/guest-pinning.bash" "$@"
	equal "$status$stderr" 0
}

# in_zsh LINE - what zsh offers behind it; $line is what becomes of it.
in_zsh() {
	capture "$BATS_TEST_DIRNAME/zsh_complete" "$PACKAGING/completions" "$1"
	equal "$status$stderr" 0
	line=${output##*line: }
	output=${output%line: *}
	output=${output%$'\n'}
}

@test "bash: verbs and options are those of --help" {
	local verb
	in_bash guest-pinning ''
	equal "$(sorted <<<"$output")" "$({
		help_verbs
		echo --help --version
	} | sorted)"
	for verb in $(help_verbs); do
		in_bash guest-pinning "$verb" --
		equal "$verb: $(sorted <<<"$output")" "$verb: $(help_options "$verb")"
		in_bash guest-pinning "$verb" -- --
		equal "$verb: $output" "$verb: "
	done
	in_bash guest-pinningd ''
	equal "$(sorted <<<"$output")" "$(told_options "$BUILD/guest-pinningd")"
}

@test "zsh: verbs and options are those of --help" {
	local verb
	in_zsh 'guest-pinning '
	equal "$output" "$(help_verbs | sorted)"
	in_zsh 'guest-pinning -'
	equal "$output" $'--help\n--version'
	for verb in $(help_verbs); do
		in_zsh "guest-pinning $verb -"
		equal "$verb: $output" "$verb: $(help_options "$verb")"
	done
	in_zsh 'guest-pinningd -'
	equal "$output" "$(told_options "$BUILD/guest-pinningd")"
}

@test "zsh: what is said of the verbs is what --help says" {
	equal "$(sed -n "s/^\t\t['\"]\([a-z]*\):\(.*\)['\"]$/\1 \2/p" "$PACKAGING/completions/_guest-pinning")" \
		"$("$TOOL" --help | awk '/^$/ { part++ } part == 1' | grep . |
			sed 's/^  \([a-z]*\) .*   *\([^ ].*\)/\1 \2/')"
}

@test "bash: files, also with blanks in their names" {
	touch 'a b.conf' aa.xml
	mkdir adir
	in_bash guest-pinning check a
	equal "$(LC_ALL=C sort <<<"$output")" $'a b.conf\naa.xml\nadir'
	in_bash guest-pinning check --json --topology aa
	equal "$output" aa.xml
	in_bash guest-pinning map --output = aa
	equal "$output" aa.xml
	in_bash guest-pinning map --output =
	equal "$(wc -l <<<"$output")" 3
	in_bash guest-pinning install ad
	equal "$output" adir
	in_bash guest-pinning uninstall "$WORK/ad"
	equal "$output" "$WORK/adir"
	in_bash guest-pinningd --policy 'a '
	equal "$output" 'a b.conf'
	in_bash guest-pinning check '"a '
	equal "$output" 'a b.conf'
	in_bash guest-pinningd --socket aa
	equal "$output" aa.xml
	in_bash guest-pinning doctor aa
	equal "$output" ''
}

@test "zsh: files, also with blanks in their names" {
	touch 'a b.conf' aa.xml
	in_zsh 'guest-pinning check a\ '
	equal "$line" 'guest-pinning check a\ b.conf '
	in_zsh 'guest-pinning check --topology a'
	equal "$line" 'guest-pinning check --topology aa.xml '
	in_zsh 'guest-pinning map --output=aa'
	equal "$line" 'guest-pinning map --output=aa.xml '
	in_zsh 'guest-pinning install aa'
	equal "$line" 'guest-pinning install aa.xml '
	in_zsh 'guest-pinningd --foreground --policy=aa'
	equal "$line" 'guest-pinningd --foreground --policy=aa.xml '
}

@test "bash: guests, those that run and all, whatever their names" {
	guests
	in_bash guest-pinning status ''
	equal "$(LC_ALL=C sort <<<"$output")" "my:web"$'\n'"my\\ vm"$'\n'"o\\'hara"$'\n''v\$\(id\)'$'\n'web1
	in_bash guest-pinning apply v
	equal "$output" 'v\$\(id\)'
	in_bash guest-pinning apply '"v'
	equal "$output" ''
	in_bash guest-pinning apply o
	equal "$output" "o\\'hara"
	in_bash guest-pinning match --json o
	equal "$(LC_ALL=C sort <<<"$output")" "o\\'hara"$'\n'off
	in_bash guest-pinning match 'my\ '
	equal "$output" 'my\ vm'
	in_bash guest-pinning status '"my '
	equal "$output" 'my vm'
	in_bash guest-pinning status -- web
	equal "$output" web1
	in_bash guest-pinning status web1 no-such
	equal "$output" ''
}

@test "bash: a name with a colon, which parts words there" {
	guests
	# shellcheck disable=SC2016 # for that shell
	capture bash --norc -c '
		source "$1"
		for COMP_LINE in "guest-pinning status my:" "guest-pinning status my:w"; do
			COMP_WORDS=(guest-pinning status my : ${COMP_LINE##*:})
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE}
			_guest_pinning
			printf "%s\n" "${COMPREPLY[@]}"
		done
	' - "$PACKAGING/completions/guest-pinning.bash"
	equal "$output$stderr" $'web\nweb'
}

@test "zsh: guests, those that run and all, whatever their names" {
	guests
	in_zsh 'guest-pinning status '
	equal "$output" 'my:web'$'\n'"my\\ vm"$'\n'"o\\'hara"$'\n''v\$\(id\)'$'\n'web1
	in_zsh 'guest-pinning apply my\ '
	equal "$line" 'guest-pinning apply my\ vm '
	in_zsh 'guest-pinning match --json of'
	equal "$line" 'guest-pinning match --json off '
	in_zsh 'guest-pinning status of'
	equal "$output" ''
	in_zsh 'guest-pinning match web1 my:'
	equal "$line" 'guest-pinning match web1 my:web '
}

@test "completions: no libvirt, no virsh, and one that hangs: nothing is said, and soon" {
	local start
	export LIBVIRT_DEFAULT_URI=test:///no/such/file
	in_bash guest-pinning status ''
	equal "$output" ''
	in_zsh 'guest-pinning status '
	equal "$output" ''
	mkdir "$WORK/bin"
	printf '#!/bin/sh\nexec sleep 60\n' >"$WORK/bin/virsh"
	chmod +x "$WORK/bin/virsh"
	start=$SECONDS
	PATH=$WORK/bin:$PATH in_bash guest-pinning match ''
	equal "$output" ''
	((SECONDS - start <= 10))
	rm "$WORK/bin/virsh"
	for tool in bash sed timeout; do
		ln -s "$(type -P $tool)" "$WORK/bin/$tool"
	done
	PATH=$WORK/bin in_bash guest-pinning match ''
	equal "$output" ''
}
