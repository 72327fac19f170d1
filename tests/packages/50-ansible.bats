#!/usr/bin/env bats
# The Ansible role: Debian's ansible-core on this machine as the control machine, and hosts that
# are this machine with an /etc/libvirt of their own.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # output, status and stderr are set by run

setup_file() {
	load lib
	make -s -C "$REPO" BUILD="$BUILD" all >&2
	# Whatever goes wrong, this machine's own policy and agent are out of reach.
	mkdir "$BATS_FILE_TMPDIR"/{nobody,run}
	mount --bind "$BATS_FILE_TMPDIR/nobody" /etc/libvirt
	mkdir -p /run/guest-pinning
	mount --bind "$BATS_FILE_TMPDIR/run" /run/guest-pinning
}

teardown_file() {
	umount /etc/libvirt /run/guest-pinning
}

setup() {
	load lib
	umask 022
	PATH=$BUILD:$PATH
	FLEET=$BATS_TEST_TMPDIR/fleet
	# Root becomes root here, and is then on the host.
	export ANSIBLE_BECOME_ALLOW_SAME_USER=1 ANSIBLE_PIPELINING=1
	# Where the hosts keep former files.
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	cp -r "$REPO/packaging/ansible" "$FLEET"
	mkdir "$FLEET"/{policies,topologies,hosts}
	cat >"$FLEET/enter" <<-'END'
		#!/bin/bash
		# In sudo's place: what it runs has the /etc/libvirt of the host in its first argument.
		export HOST_ETC=$1
		shift 3 # and -u root
		exec unshare --mount bash -c 'mount --bind "$HOST_ETC" /etc/libvirt && exec "$@"' - "$@"
	END
	chmod +x "$FLEET/enter"
	echo '[hosts]' >"$FLEET/inventory"
	host two 2
	host eight 8
	host last 1
	cat >>"$FLEET/inventory" <<-END
		[hosts:vars]
		ansible_connection=local
		ansible_python_interpreter=/usr/bin/python3
		ansible_become_flags=
		ansible_become_exe="$FLEET/enter $FLEET/hosts/{{ inventory_hostname }}"
	END
	processes=()
}

teardown() {
	((${#processes[@]} > 0)) || return 0
	kill "${processes[@]}"
	wait "${processes[@]}" || true
}

# host NAME NODES - a host, and what is known of it: it has as many nodes.
host() {
	echo "$1" >>"$FLEET/inventory"
	mkdir "$FLEET/hosts/$1"
	lstopo-no-graphics --of xml --input "node:$2 core:2 pu:1" "$FLEET/topologies/$1.xml"
	echo 'former* 0' >"$FLEET/hosts/$1/guest-pinning.conf"
	policy "$1" "web* 0" "db* 0"
}

# policy NAME LINE... - as it shall be on the host, or a fragment: NAME.conf.d/NAME.
policy() {
	local file=$FLEET/policies/$1.conf
	mkdir -p "${file%/*}"
	printf '%s\n' "${@:2}" >"$file"
}

# play ARG... - the roll-out, in another directory than its own.
play() {
	cd / && run timeout 300 ansible-playbook -i "$FLEET/inventory" "$FLEET/rollout.yml" "$@" 3>&-
}

# works ARG... - the roll-out goes well. fails ARG...: it does not.
works() {
	play "$@"
	((status == 0)) || {
		echo "$output"
		return 1
	}
}

fails() {
	play "$@"
	((status != 0)) || {
		echo "$output"
		return 1
	}
}

# says LINE... - each is part of the output, as JSON writes it.
says() {
	local line
	for line; do
		[[ $output == *"$line"* ]] || {
			echo "$output"
			echo "no '$line' in all that"
			return 1
		}
	done
}

# is_on HOST LINE... - the policy there.
is_on() {
	same "$(<"$FLEET/hosts/$1/guest-pinning.conf")" "$(printf '%s\n' "${@:2}")"
}

# everything [HOST...] - all files there, with what is in them, their owners, modes and times.
everything() {
	local where=("${@/#/$FLEET/hosts/}")
	((${#where[@]} > 0)) || where=("$FLEET/hosts")
	find "${where[@]}" -printf '%p %y %i %u:%g %m %T@ %l\n' | sort
	find "${where[@]}" -type f -exec sha256sum {} + | sort
}

# contents HOST - the same without what copying changes.
contents() {
	(cd "$FLEET/hosts/$1" && find . ! -name . -printf '%p %y %u:%g %m %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort)
}

@test "the playbook and the role are in order, also to yamllint" {
	cd "$FLEET"
	run -0 ansible-playbook -i inventory --syntax-check rollout.yml
	yamllint -s -d '{extends: default, rules: {line-length: {max: 100}}}' rollout.yml roles
}

@test "the modules are those of ansible-core" {
	local module
	grep -rhoE '^ +[a-z_]+\.[a-z_.]+:' "$FLEET/roles" "$FLEET/rollout.yml" | sort -u >"$FLEET/modules"
	(($(wc -l <"$FLEET/modules") > 8))
	while read -r module; do
		[[ $module == ansible.builtin.* ]]
	done <"$FLEET/modules"
}

@test "the variables in the defaults, in what Ansible checks and in the README are the same" {
	/usr/bin/python3 - "$FLEET/roles/guest_pinning" <<-'END'
		import re, sys, yaml
		role = sys.argv[1]
		read = lambda name: open(f"{role}/{name}").read()
		defaults = yaml.safe_load(read("defaults/main.yml"))
		specs = yaml.safe_load(read("meta/argument_specs.yml"))["argument_specs"]
		assert len(defaults) >= 10
		for entry in "main", "check":
		    options = specs[entry]["options"]
		    assert {name: option["default"] for name, option in options.items()} == defaults, entry
		rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", read("README.md"), re.M))
		shown = {name: str(value).lower() if isinstance(value, bool) else value
		         for name, value in defaults.items()}
		shown = {name: value.replace("{{ inventory_hostname }}", "HOST")
		         for name, value in shown.items()}
		assert rows == shown, (rows, shown)
		used = set(re.findall(r"\bguest_pinning_(?!_|checked)\w+", "".join(
		    read(f"tasks/{name}.yml") for name in ("main", "check", "topology", "copy", "status"))
		    + read("vars/main.yml")))
		assert used == set(defaults), used ^ set(defaults)
	END
}

@test "a variable of the wrong kind is refused" {
	before=$(everything)
	fails -e guest_pinning_apply=perhaps
	says "guest_pinning_apply"
	same "$(everything)" "$before"
}

@test "a policy that is wrong for one host: no host is changed, also the first" {
	policy eight 'web* 5'
	policy last 'web* 5' '"open* 0'
	before=$(everything)
	fails
	says 'policies/last.conf:1: node 5 of '"'5'"' does not exist: topologies/last.xml has node 0' \
		'"    web* 5"' '"         ^"' 'policies/last.conf:2: a double quote is not closed' \
		'policies/last.conf is not in order for last, see above; no host has been changed'
	[[ $output != *policies/eight.conf* ]]
	same "$(everything)" "$before"
	fails --check
	says 'policies/last.conf:1: node 5'
	same "$(everything)" "$before"
}

@test "a warning is shown, and stops nothing" {
	policy two 'web* 0' 'web1 0'
	works --limit two
	says "policies/two.conf:2: warning: 'web1' can never match" \
		"/etc/libvirt/guest-pinning.conf:2: warning: 'web1' can never match"
	is_on two 'web* 0' 'web1 0'
}

@test "a good one reaches all hosts; the second time nothing changes" {
	printf 'env* - env=A="{{ 7 * 7 }} \303\274"\n' >"$FLEET/policies/two.conf"
	rm "$FLEET/hosts/two/guest-pinning.conf"
	works
	for host in eight last; do
		is_on "$host" 'web* 0' 'db* 0'
	done
	cmp "$FLEET/policies/two.conf" "$FLEET/hosts/two/guest-pinning.conf"
	same "$(stat -c '%U:%G %a' "$FLEET"/hosts/*/guest-pinning.conf | sort -u)" 'root:root 644'
	same "$(grep -c 'changed=1 .*failed=0' <<<"$output")" 3
	before=$(everything)
	works
	same "$(grep -c 'changed=0 .*failed=0' <<<"$output")" 3
	same "$(everything)" "$before"
	same "$(grep -c WARNING <<<"$output")" 0
}

@test "--check --diff: shows what would be, and writes nothing" {
	policy two 'web* 0'
	policy two.conf.d/10-db 'db* 0'
	echo 'old* 0' >"$FLEET/hosts/two/other"
	mkdir "$FLEET/hosts/eight/guest-pinning.conf.d"
	echo 'old* 0' >"$FLEET/hosts/eight/guest-pinning.conf.d/90-old.conf"
	before=$(everything)
	works --limit two,eight --check --diff -e guest_pinning_remove_fragments=true -e guest_pinning_apply=true \
		-e guest_pinning_backup=true
	says '-former* 0' '+web* 0' '+db* 0' '90-old.conf'
	same "$(everything)" "$before"
	same "$(grep -c 'changed=[1-9] .*failed=0' <<<"$output")" 2
}

@test "a host refuses what its topology allowed: it keeps its policy, and later ones theirs" {
	policy eight 'web* 0' 'db* 5'
	# One that only the emulator's group may read.
	chgrp 12 "$FLEET/hosts/eight/guest-pinning.conf"
	chmod 640 "$FLEET/hosts/eight/guest-pinning.conf"
	before=$(everything eight last; stat -c '%a %u:%g' "$FLEET/hosts/eight/guest-pinning.conf")
	fails
	says "policies/eight.conf:2: node 5 of '5' does not exist: this host has node" '"    db* 5"' \
		'policies/eight.conf is not in place on eight, see above: the policy there is as it was'
	same "$(everything eight last; stat -c '%a %u:%g' "$FLEET/hosts/eight/guest-pinning.conf")" \
		"$before"
	is_on two 'web* 0' 'db* 0'
}

@test "fragments: they come, those that are no more stay until told otherwise" {
	local there=$FLEET/hosts/eight/guest-pinning.conf.d
	policy eight.conf.d/10-db 'db* 0'
	policy eight.conf.d/20-web 'web2 0'
	echo 'no fragment' >"$FLEET/policies/eight.conf.d/README"
	mkdir -m 755 "$there"
	echo 'old* 0' >"$there/90-old.conf"
	echo 'mine' >"$there/notes"
	ln -s 90-old.conf "$there/95-link.conf"
	works --limit eight
	same "$(cd "$there" && echo *)" '10-db.conf 20-web.conf 90-old.conf 95-link.conf notes'
	ln -sf ../guest-pinning.conf "$there/95-link.conf"
	works --limit eight -e guest_pinning_remove_fragments=true
	same "$(cd "$there" && echo *)" '10-db.conf 20-web.conf 95-link.conf notes'
	works --limit eight -e guest_pinning_remove_fragments=true
	says 'changed=0 '
}

@test "fragments: one that is refused, and all is as it was" {
	local there=$FLEET/hosts/eight/guest-pinning.conf.d
	mkdir -m 755 "$there"
	echo 'old10* 0' >"$there/10-db.conf"
	echo 'old* 0' >"$there/90-old.conf"
	policy eight.conf.d/10-db 'db* 0'
	policy eight.conf.d/15-new 'new* 0'
	policy eight.conf.d/20-web '# comment' 'web* 5'
	before=$(contents eight)
	fails --limit eight -e guest_pinning_remove_fragments=true
	says "policies/eight.conf.d/20-web.conf:2: node 5 of '5' does not exist"
	same "$(contents eight)" "$before"
	# Also when it is the whole that is refused, after all has been replaced and removed.
	policy eight.conf.d/20-web 'web* 0'
	chmod 700 "$FLEET/hosts/eight"
	before=$(contents eight)
	fails --limit eight -e guest_pinning_remove_fragments=true
	says '/etc/libvirt: the user who runs the emulators cannot read it' 'chmod o+rX'
	same "$(contents eight)" "$before"
	same "$(ls -A "$TMPDIR")" ''
}

@test "a link in the policy's place stays one, also where the policy is refused" {
	local place=$FLEET/hosts/eight
	mkdir "$place/site"
	mv "$place/guest-pinning.conf" "$place/site/policy"
	ln -s site/policy "$place/guest-pinning.conf"
	policy eight 'web* 5'
	before=$(everything eight)
	fails --limit eight
	same "$(everything eight)" "$before"
	policy eight 'web* 0'
	works --limit eight -e guest_pinning_backup=true
	same "$(readlink "$place/guest-pinning.conf")" site/policy
	is_on eight 'web* 0'
	same "$(cat "$place"/site/policy.*~)" 'former* 0'
}

@test "one host's refusal does not stop another half-way, whatever the play says" {
	cat >"$FLEET/rollout.yml" <<-'END'
		- hosts: all
		  gather_facts: false
		  become: true
		  any_errors_fatal: true
		  roles: [guest_pinning]
	END
	policy two.conf.d/10-web 'web* 5'
	cp "$FLEET/topologies"/{eight,two}.xml
	policy eight.conf.d/10-web 'web* 0'
	before=$(everything two)
	fails
	says "policies/two.conf.d/10-web.conf:1: node 5 of '5' does not exist"
	is_on eight 'web* 0' 'db* 0'
	[[ -e $FLEET/hosts/eight/guest-pinning.conf.d/10-web.conf ]]
	is_on last 'web* 0' 'db* 0'
	is_on two 'former* 0'
	same "$(ls -A "$FLEET/hosts/two/guest-pinning.conf.d")" ''
}

@test "a host that goes away half-way takes no other with it, whatever the play says" {
	local gone=$FLEET/hosts/two/guest-pinning.conf.d/10-web.conf
	cat >"$FLEET/rollout.yml" <<-'END'
		- hosts: two,eight
		  gather_facts: false
		  become: true
		  any_errors_fatal: true
		  roles: [guest_pinning]
	END
	# In ssh's place: a line that is cut as soon as the first file is there.
	cat >"$FLEET/ssh" <<-END
		#!/bin/bash
		[[ ! -e $gone ]] || exit 255
		exec bash -c "\${!#}"
	END
	chmod +x "$FLEET/ssh"
	sed -i "s,^two$,two ansible_connection=ssh ansible_ssh_executable=$FLEET/ssh," "$FLEET/inventory"
	sed -i '/^ansible_connection/d' "$FLEET/inventory"
	sed -i 's/^eight$/eight ansible_connection=local/' "$FLEET/inventory"
	policy two.conf.d/10-web 'web1 0'
	policy eight.conf.d/10-web 'web1 0'
	ANSIBLE_SSH_RETRIES=0 ANSIBLE_SSH_TRANSFER_METHOD=piped fails
	same "$(grep -c 'unreachable=1' <<<"$output")" 1
	grep -q '^eight .*changed=2 .*unreachable=0 *failed=0' <<<"$output"
	says 'guests: '
	is_on eight 'web* 0' 'db* 0'
	is_on two 'former* 0'
	# What the other has kept of its former files is still there.
	same "$(cat "$TMPDIR"/guest-pinning.*/etc/libvirt/guest-pinning.conf)" 'former* 0'
}

@test "serial or strategy: free without a check of all hosts before: refused, nothing is changed" {
	before=$(everything)
	for how in 'serial: 1' 'strategy: free'; do
		cat >"$FLEET/rollout.yml" <<-END
			- hosts: all
			  gather_facts: false
			  become: true
			  $how
			  roles: [guest_pinning]
		END
		policy last 'web* 5'
		fails
		says 'not checked yet: ' 'tasks_from: check'
		same "$(everything)" "$before"
	done
}

@test "a topology: it is told that there is none; one is fetched when that is wanted" {
	rm -r "$FLEET/topologies"
	before=$(everything)
	fails
	says 'topologies/two.xml: ' 'a topology is fetched by --tags topology'
	same "$(everything)" "$before"
	works --limit two,eight --tags topology
	same "$(cd "$FLEET/topologies" && echo *)" 'eight.xml two.xml'
	same "$(everything)" "$before"
	guest-pinning check --topology "$FLEET/topologies/two.xml" "$FLEET/policies/two.conf"
	policy two 'web* 1023'
	fails --limit two
	says 'topologies/two.xml has node'
	policy two 'web* 0'
	works --limit last -e guest_pinning_fetch_topology=true
	same "$(cd "$FLEET/topologies" && echo *)" 'eight.xml last.xml two.xml'
	same "$(stat -c %a "$FLEET/topologies/last.xml")" 644
}

# guest NAME - one that runs, started by root.
guest() {
	qemu-system-x86_64 -name "guest=$1" -S -m 16 -accel tcg -nodefaults -display none \
		>/dev/null 2>&1 3>&- &
	processes+=($!)
	until [[ $(readlink "/proc/$!/exe") == */qemu-system-x86_64* ]]; do
		kill -0 $! || return 1
		sleep 0.05
	done
}

# allowed PID - the CPUs on which it may run.
allowed() {
	awk '$1 == "Cpus_allowed_list:" { print $2 }' "/proc/$1/status"
}

@test "where the guests are is shown, and they are brought to the policy when that is wanted" {
	local cpu
	cpu=$(allowed $$)
	cpu=${cpu%%[-,]*}
	guest 'fleet-{{ 7 * 7 }}'
	guest 'fleet-two'
	policy two "fleet-* 0 cpus=$cpu"
	# Without the agent: told, and no failure but where that is wanted.
	works --limit two -e guest_pinning_apply=true
	says 'fleet-{{ 7 * 7 }} (pid '"${processes[0]}): unplaced by /etc/libvirt/guest-pinning.conf:1: " \
		'guests: ' ', unplaced: 2' "fleet-two (pid ${processes[1]}): was unplaced, is unplaced" \
		'error: the agent cannot be reached' 'changed=1 '
	fails --limit two --tags status -e guest_pinning_require_placed=true
	says 'two: not every guest with a rule is placed, see above'

	HOST_ETC=$FLEET/hosts/two
	"$FLEET/enter" "$HOST_ETC" -u root guest-pinningd --foreground 2>"$FLEET/agent.log" 3>&- &
	processes+=($!)
	until [[ -S /run/guest-pinning/agent.sock ]]; do
		kill -0 $! || return 1
		sleep 0.05
	done
	works --limit two -e guest_pinning_apply=true -e guest_pinning_require_placed=true
	says 'guests with a rule: 2' 'fleet-{{ 7 * 7 }} (pid '"${processes[0]}): was unplaced, is placed" \
		"fleet-two (pid ${processes[1]}): placed by /etc/libvirt/guest-pinning.conf:1" ', placed: 2' \
		'changed=1'
	same "$(allowed "${processes[1]}")" "$cpu"
	works --limit two -e guest_pinning_apply=true -e guest_pinning_require_placed=true
	says 'changed=0'
}
