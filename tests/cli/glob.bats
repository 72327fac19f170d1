#!/usr/bin/env bats
# shellcheck disable=SC1003 # quotes and backslashes are what this is about
#
# Globs are what bash does with [[ $guest == GLOB ]]: compares glob_match() with
# bash itself over generated pairs of pattern and name, the same ones each time.
#
# Where the two differ on purpose, bash 5.2 (lib/glob/sm_loop.c) gives a pattern
# another meaning than its manual does. Each difference must be of one of these
# kinds, and bash must agree with us once the pattern is spelled so that the kind
# does not come up (see respell), or else glibc's fnmatch(3) must:
#   equivalence  [=x=] last in a bracket, and not matching: bash takes the ']'
#                behind it for a member and looks for a later one (BRACKMATCH
#                goes on without having looked at the character).
#   star-group   '*' or a row of '*' and '?', directly before a group. Before *(…)
#                and ?(…) bash skips the group, matching too much; before others
#                it does not try the end of the name, where a group may be empty,
#                and within !(…) that turns into a match too many.
#   symbol       [.name.] with a name of several letters: bash has a table of
#                those of the POSIX locale; in our language such a symbol stands
#                for no character, as glibc's fnmatch(3) has it in C.UTF-8.
#   class-start  What begins as a class in a bracket but does not end as one:
#                [==] names no character, [:alpha] has no ':]'. bash looks for
#                that beyond the bracket's and the group's end, and to it the
#                bracket ends elsewhere once an earlier member has matched.
#   open-range   '[a-' at the pattern's end: bash takes the '[' of a bracket that
#                never ends for itself, but not where a range is cut off.

setup() {
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_TMPDIR" || return
	pairs=$BUILD/tests/glob_pairs
	cat >by_bash <<-'BASH'
		# Lines are split in the C locale: in another one `read` takes a newline
		# after half a character for the rest of it.
		shopt -s extglob
		LC_ALL=C
		mapfile -t lines
		patterns=("${lines[@]%%$'\t'*}")
		names=("${lines[@]#*$'\t'}")
		LC_ALL=C.UTF-8
		for i in "${!lines[@]}"; do
			# shellcheck disable=SC2053 # a pattern is wanted
			[[ ${names[i]} == ${patterns[i]} ]]
			echo $((!$?))
		done
	BASH
}

# Prints 1 or 0 for each line of the file, and "-" where bash does not come to an end.
by_bash() {
	local file=$1 chunk line
	[[ -s $file ]] || return 0
	rm -rf chunks
	mkdir chunks
	split -l 100 -a 4 "$file" chunks/
	for chunk in chunks/*; do
		if timeout 10 bash by_bash <"$chunk" >answers; then
			cat answers
			continue
		fi
		while IFS= LC_ALL=C read -r line; do
			timeout 1 bash by_bash <<<"$line" || echo -
		done <"$chunk"
	done
}

# The kinds of a pattern, as above.
kinds() {
	local LC_ALL=C kind
	local -A regex=(
		[equivalence]='\[=[^]=]+=\]\]'
		[star-group]='[*][*?]*[?*+@!][(]'
		[symbol]='\[\.[a-z]{2,}\.\]'
		[class-start]='\[==\]|\[:[a-z]+([^a-z:]|:[^]])|\[\.([^.]|\.[^]])*$|\[\.\]\.\]'
		[open-range]='\[[^][]+-$'
	)
	for kind in "${!regex[@]}"; do
		[[ ! $1 =~ ${regex[$kind]} ]] || echo "$kind"
	done
}

# Spells patterns so that they mean the same but are of none of the kinds.
respell() {
	LC_ALL=C sed -E \
		-e 's/\[=([^]=]+)=\]\]/[=\1=]\1]/g' \
		-e 's/([*?]*\*[*?]*)([?*+@!]\()/@(\1)\2/g' \
		-e 's/\[\.[a-z]{2,}\.\]/[.~.]/g' \
		-e 's/\[==\]/\\[==]/g' \
		-e 's/\[(:[a-z]+([^a-z:]|:[^]]))/\1/g' \
		-e 's/\[([^][]+-)$/\\[\1/'
}

# Compares COUNT pairs of a generator; prints what cannot be explained.
compare() {
	local mode=$1 seed=$2 count=$3 unfinished matching explained fnmatch
	local pattern name ours respelled glibc line kind found
	local -A tally=()

	"$pairs" "$mode" "$seed" "$count" >lines
	"$pairs" match <lines >by_us
	by_bash lines >by_bash_itself
	[[ $(wc -l <lines) -eq $count && $(wc -l <by_us) -eq $count ]]
	[[ $(wc -l <by_bash_itself) -eq $count ]]
	unfinished=$(grep -c '^-' by_bash_itself) || true
	matching=$(grep -c 1 by_us)
	((unfinished * 100 < count))
	run -1 grep -n -v '^[01]$' by_us
	((matching * 4 > count && matching * 2 < count + count / 10))

	LC_ALL=C paste lines by_us by_bash_itself |
		LC_ALL=C awk -F '\t' '$4 != "-" && $3 != $4' >different
	cut -f 1 different | respell >respelled_patterns
	cut -f 2 different | paste respelled_patterns - >respelled
	by_bash respelled >bash_respelled
	cut -f 1,2 different | timeout 60 "$pairs" fnmatch >by_glibc
	explained=0
	fnmatch=0
	: >unexplained
	while IFS= LC_ALL=C read -r -u 3 line && read -r -u 4 respelled && read -r -u 5 glibc; do
		pattern=${line%%$'\t'*}
		ours=${line%$'\t'*}
		ours=${ours##*$'\t'}
		mapfile -t found < <(kinds "$pattern")
		if ((${#found[@]} == 0)) || [[ $respelled$glibc != *"$ours"* ]]; then
			echo "$line" | LC_ALL=C cat -v >>unexplained
			continue
		fi
		explained=$((explained + 1))
		[[ $glibc != "$ours" ]] || fnmatch=$((fnmatch + 1))
		kind=${found[*]}
		tally[$kind]=$((${tally[$kind]:-0} + 1))
	done 3<different 4<bash_respelled 5<by_glibc

	echo "# $mode: $count pairs compared, $matching match; bash did not finish" \
		"$unfinished of $count; $explained explained differences, in $fnmatch of" \
		"them fnmatch(3) agrees with us" >&3
	for name in "${!tally[@]}"; do
		echo "#   ${tally[$name]} $name" >&3
	done
	if [[ -s unexplained ]]; then
		echo "not explained (pattern, name, ours, bash's):"
		cat unexplained
		return 1
	fi
}

@test "globs match as bash does, in UTF-8" {
	compare generate 1 20000
}

@test "globs match as bash does, with bytes that are not UTF-8" {
	compare generate-bytes 2 10000
}

@test "quotes and backslashes of a policy line mean what they mean in bash" {
	local words names name word line policy=$PWD/policy.conf
	words=('"my vm"' 'my\ other\ vm' '"two "*" parts"' 'star\*' 'mark\?' '"hash#"*'
		'blank\#' 'in#side' '"#"first' '\#second' '\"quoted\"' '"in\"side"' 'back\\slash'
		'"back\\in quotes"' 'em""pty' '@("a b"|c\ d)' '!(*)x' 'bracket[\]x]' '"é 日"' 'a\b\c')
	names=('my vm' 'my' 'my other vm' 'my\ other\ vm' 'two  parts' 'two small parts' 'star*'
		'starry' 'mark?' 'marks' 'hash#1' 'hash' 'blank#' 'in#side' 'in' '#first' '#second'
		'"quoted"' 'quoted' 'in"side' 'inside' 'back\slash' 'back\\slash' 'back\in quotes'
		'empty' 'em""pty' 'a b' 'c d' 'c\ d' 'x' 'bracket]' 'bracketx' 'bracket\' 'é 日'
		'abc' 'a\b\c' 'nothing of these')
	printf '%s - # a comment\n' "${words[@]}" >"$policy"
	chmod 755 . && chmod 644 "$policy"
	shopt -s extglob
	for name in "${names[@]}"; do
		line=none
		for word in "${!words[@]}"; do
			if LC_ALL=C.UTF-8 eval "[[ \$name == ${words[word]} ]]"; then
				line=$policy:$((word + 1))
				break
			fi
		done
		echo "$name: bash finds $line"
		GUEST_PINNING_CONF=$policy run -0 "$BUILD/guest-pinning" match "$name"
		if [[ $line == none ]]; then
			[[ $output == *$'\nrule: none'* ]]
		else
			[[ $output == *$'\n'"rule: $line: "* ]]
		fi
	done
}
