# Completion of guest-pinning and guest-pinningd for bash, with bash-completion or without.
# tests/cli/docs.bats compares what is offered here with --help.
# shellcheck shell=bash

# _guest_pinning_offer WORD... - those that begin as what has been typed, $cur.
_guest_pinning_offer() {
	local word
	for word; do
		[[ $word != "$cur"* ]] || COMPREPLY+=("$word")
	done
}

# The same of files, which bash itself quotes.
_guest_pinning_files() {
	local file typed=$cur
	compopt -o filenames 2>/dev/null
	case $typed in
	\"* | \'*) typed=${typed:1} ;;
	esac
	while IFS= read -r file; do
		COMPREPLY+=("$file")
	done < <(compgen -f -- "$typed" 2>/dev/null)
}

# _guest_pinning_guests [--all] - the same of the guests that run, or that libvirt knows. What
# is no file bash does not quote: that is done here, but where a quote is open already; then
# only a name is offered in which nothing is special, or the line would run what a name says.
_guest_pinning_guests() {
	local before='' guest quote='' typed=$cur
	type -P virsh >/dev/null || return 0
	case $typed in
	\"* | \'*) quote=${typed:0:1} typed=${typed:1} ;;
	*)
		# A name may hold what parts words for bash, such as a colon: of the whole word
		# only what is behind that is replaced.
		[[ ${COMP_LINE:0:COMP_POINT} =~ ([^[:blank:]\\]|\\.)*$ ]]
		before=${BASH_REMATCH[0]%"$cur"}
		typed=$before$typed
		typed=${typed//\\/}
		;;
	esac
	# Read-only: nobody is asked for a password. Libvirt's default is another for a user: one
	# of his own, which would be started.
	while IFS= read -r guest; do
		[[ -n $guest && $guest == "$typed"* ]] || continue
		if [[ -z $quote ]]; then
			printf -v guest %q "$guest"
		elif [[ $guest == *[\"\'\$\`\\!]* ]]; then
			continue
		fi
		COMPREPLY+=("${guest#"$before"}")
	done < <(timeout 2 virsh --quiet --readonly \
		--connect "${LIBVIRT_DEFAULT_URI:-qemu:///system}" list --name "$@" \
		2>/dev/null </dev/null)
}

# _guest_pinning_verb VERB - its options, or its arguments.
_guest_pinning_verb() {
	local options=() takes=''
	case $1 in
	check) options=(--json --topology) takes=files ;;
	match) options=(--json --all) takes='guests --all' ;;
	status) options=(--json --watch) takes=guests ;;
	apply) options=(--json --all) takes=guests ;;
	map) options=(--json --output) ;;
	doctor) options=(--json --guests) ;;
	install | uninstall) takes=files ;;
	esac
	if [[ $ended == no && ($cur == -* || -z $takes) ]]; then
		_guest_pinning_offer "${options[@]}"
	elif [[ -n $takes ]]; then
		# shellcheck disable=SC2086 # a function and its argument
		_guest_pinning_$takes
	fi
}

_guest_pinning() {
	local cur=${COMP_WORDS[COMP_CWORD]} ended=no i prev=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	# --output=FILE is three words here.
	[[ $prev != = ]] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	[[ ! $cur =~ ^[:=]+$ ]] || cur=
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -- ]] || ended=yes
	done
	if [[ $ended == no && $prev =~ ^--(topology|output|socket|policy)$ ]]; then
		_guest_pinning_files
	elif [[ ${COMP_WORDS[0]##*/} == guest-pinningd ]]; then
		_guest_pinning_offer --foreground --socket --policy --help --version
	elif ((COMP_CWORD == 1)); then
		_guest_pinning_offer check match status apply map doctor install uninstall \
			--help --version
	else
		_guest_pinning_verb "${COMP_WORDS[1]}"
	fi
}

complete -F _guest_pinning guest-pinning guest-pinningd
