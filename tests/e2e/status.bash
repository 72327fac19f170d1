# What the tool says of guests that run, and guests by hand to say it of: for 57-status.bats
# and 58-apply.bats.
# shellcheck shell=bash

HAND_VCPUS=2

setup() {
	hand_pids=()
	test_begin
}

teardown() {
	hands_end
	guests_remove
	policy_clear
}

## Guests by hand

# hand_start GUEST [OPTION...] - with a machine, in the background, until it has threads for
# its virtual CPUs; its process is $hand_pid then.
hand_start() {
	by_hand "$1" -machine q35 -m 64 -smp "$HAND_VCPUS" "${@:2}" >"$BATS_TEST_TMPDIR/hand" 2>&1 &
	hand_pid=$!
	hand_pids+=("$hand_pid")
	eventually 10 threads_named_are "$hand_pid" "CPU " "$HAND_VCPUS" || {
		cat "$BATS_TEST_TMPDIR/hand"
		return 1
	}
}

hands_end() {
	((${#hand_pids[@]} > 0)) || return 0
	kill "${hand_pids[@]}"
	wait "${hand_pids[@]}" || true # by the signal, where it came very early
	hand_pids=()
}

# threads_named_are PID PREFIX COUNT - so many have names that begin so.
threads_named_are() {
	(($(cat "/proc/$1/task"/*/comm 2>/dev/null | grep -c "^$2") == $3))
}

# thread_of PID NAME - the one of that name.
thread_of() {
	local task
	for task in "/proc/$1/task"/*; do
		[[ $(<"$task/comm") != "$2" ]] || echo "${task##*/}"
	done
}

## What is said

# schema_holds VERB - for the JSON on stdin.
schema_holds() {
	"$BATS_TEST_DIRNAME/../schema/check" "$1"
}

# status_of [GUEST...] - what is said of this suite's guests is in $seen, and the exit status
# in $ended; nothing is said besides.
status_of() {
	ended=0
	seen=$(tool status --json "$@" 2>"$BATS_TEST_TMPDIR/stderr") || ended=$?
	same "$(<"$BATS_TEST_TMPDIR/stderr")" "" && schema_holds status <<<"$seen" && seen_keep
}

# seen_keep - of $seen only what this suite has started: other emulators may be at work here,
# such as one in which this project is tried.
seen_keep() {
	seen=$(jq --arg hands "${hand_pids[*]}" '[.[] | select((.guest // "" | startswith("e2e-")) or
		(.pid as $pid | $hands | split(" ") | map(tonumber) | index($pid)))]' <<<"$seen")
}

# seen FILTER - by jq, of what was said.
seen() {
	jq -r "$1" <<<"$seen"
}

# has TEXT WORD...
has() {
	local text=$1 word
	shift
	for word; do
		[[ $text == *"$word"* ]] || {
			printf "no '%s' in:\n%s\n" "$word" "$text"
			return 1
		}
	done
}

# verdict_status VERDICT - the exit status that goes with it.
verdict_status() {
	case $1 in
	placed | "no rule") echo 0 ;;
	*) echo 1 ;;
	esac
}

# status_is GUEST VERDICT [TEXT...] - of the only guest of that name, with every TEXT in the
# reason; who is well has none.
status_is() {
	status_of "$1" || return 1
	same "$(seen '.[] | .verdict')" "$2" || {
		seen '.[] | .reason'
		return 1
	}
	same "exit status $ended" "exit status $(verdict_status "$2")" || return 1
	same "reason: $(seen '.[] | .reason != null')" "reason: $([[ $ended == 0 ]] && echo false || echo true)" &&
		has "$(seen '.[] | .reason')" "${@:3}"
}

# applied GUEST BEFORE AFTER [TEXT...] - apply finds and leaves the guest so, with every TEXT
# in the error.
applied() {
	local ended=0 said
	said=$(tool apply --json "$1") || ended=$?
	schema_holds apply <<<"$said" || return 1
	same "$(jq -r '.[] | .before + ", " + .after' <<<"$said")" "$2, $3" || {
		echo "$said"
		return 1
	}
	same "exit status $ended" "exit status $(verdict_status "$3")" || return 1
	has "$(jq -r '.[] | .error' <<<"$said")" "${@:4}"
}
