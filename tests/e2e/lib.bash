# What tests/e2e/run and its bats files share: guests, policy, and what a
# started guest looks like in /proc.  Everything here expects the environment
# that tests/e2e/run exports (E2E_*), and a throw-away host.
# shellcheck shell=bash

export LC_ALL=C
# Never a user's own connection, whatever the caller's environment says.
export LIBVIRT_DEFAULT_URI=qemu:///system

POLICY=/etc/libvirt/guest-pinning.conf
POLICY_DIR=$POLICY.d
CAPS_CACHE=/var/cache/libvirt/qemu/capabilities
GUEST_RAM_KIB=65536

# vsh ARG... - virsh, never waiting for ever.  A first answer may take long:
# libvirtd probes every emulator of the host before it.
vsh() {
	timeout -k 5 "${E2E_VIRSH_TIMEOUT:-90}" virsh --quiet "$@"
}

# tool VERB ARG... - guest-pinning, as it was when the run began.
tool() {
	timeout -k 5 60 "$E2E_STATE/programs/guest-pinning" "$@"
}

# eventually SECONDS COMMAND... - repeat COMMAND until it succeeds.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

## Policy

# policy_write FILE - a policy as the administrator would have it, from stdin.
policy_write() {
	mkdir -p "${1%/*}" && chmod 755 "${1%/*}" || return 1
	cat >"$1" && chown root:root "$1" && chmod 644 "$1"
}

policy_clear() {
	rm -rf "$POLICY" "$POLICY_DIR"
}

## Guests

# guest_define NAME - no disk, no network, no kernel: it sits in its firmware.
# The UUID follows from the name, so that two definitions are the same guest.
guest_define() {
	local sum
	sum=$(printf %s "$1" | sha256sum)
	cat >"$E2E_STATE/guest.xml" <<-EOF
		<domain type='qemu'>
		  <name>$1</name>
		  <uuid>${sum:0:8}-${sum:8:4}-4${sum:13:3}-8${sum:17:3}-${sum:20:12}</uuid>
		  <memory unit='KiB'>$GUEST_RAM_KIB</memory>
		  <vcpu>2</vcpu>
		  <os><type arch='x86_64' machine='q35'>hvm</type></os>
		  <devices>
		    <emulator>$E2E_EMULATOR</emulator>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	EOF
	vsh define "$E2E_STATE/guest.xml"
}

# guest_start NAME - define and start; fails as virsh start fails.
guest_start() {
	guest_define "$1" && vsh start "$1"
}

# guest_pid NAME - the emulator's main process, from libvirt's pid file.
guest_pid() {
	cat "/run/libvirt/qemu/$1.pid"
}

guest_running() {
	[[ $(vsh domstate "$1") == running ]]
}

# guests_remove - every guest of ours, in whatever state a test left it.
guests_remove() {
	local name status=0
	for name in $(vsh list --all --name); do
		[[ $name == e2e-* ]] || continue
		if [[ $(vsh domstate "$name") != "shut off" ]]; then
			vsh destroy "$name" || status=1
		fi
		vsh undefine "$name" --managed-save || status=1
	done
	return "$status"
}

# guest_log NAME - what the guest's log says since its last start.
guest_log() {
	awk '/: starting up libvirt version/ { text = "" }
		{ text = text $0 "\n" }
		END { printf "%s", text }' "/var/log/libvirt/qemu/$1.log"
}

# The emulator's stderr reaches the log through a pipe and virtlogd, so a line
# may come a moment after virsh start has returned.
guest_log_has() {
	# shellcheck disable=SC2317 # called through eventually
	log_has() { guest_log "$1" | grep -qF -- "$2"; }
	eventually 10 log_has "$1" "$2" || {
		echo "no '$2' in the log of $1:"
		guest_log "$1"
		return 1
	}
}

# guest_log_closed NAME - the guest has ended and all it said is in its log.
guest_log_closed() {
	guest_log "$1" | grep -q ': shutting down, reason='
}

## What a process looks like

# status_field DIR FIELD - one value of DIR/status.
status_field() {
	awk -v field="$2:" '$1 == field { $1 = ""; print substr($0, 2) }' "$1/status"
}

# policies DIR - the different memory policies in DIR/numa_maps, one per line.
# A mapping without a policy of its own shows that of its thread.
policies() {
	awk '{ print $2 }' "$1/numa_maps" | sort -u
}

# guest_ram_maps PID - the numa_maps lines of the guest's memory: the private
# anonymous mapping that is exactly as large as the guest's memory.
guest_ram_maps() {
	local range rest start
	while read -r range rest; do
		((0x${range#*-} - 0x${range%-*} == GUEST_RAM_KIB * 1024)) || continue
		[[ $rest == "rw-p 00000000 00:00 0"* ]] || continue
		start=${range%-*}
		grep "^$start " "/proc/$1/numa_maps"
	done <"/proc/$1/maps"
}

# threads PID - where the threads of a process may run and allocate: one line
# for all that agree, since their number changes by itself.
threads() {
	local task
	for task in "/proc/$1/task"/*; do
		echo "thread: cpus $(status_field "$task" Cpus_allowed_list)" \
			"mems $(status_field "$task" Mems_allowed_list)" \
			"memory $(policies "$task" | xargs)"
	done | sort -u
}

# normal - without what differs from one start of the same guest to the next:
# libvirt's numbering of guests, descriptor numbers, times, process ids.
normal() {
	sed -E -e 's/(domain|qemu)-[0-9]+-/\1-N-/g' \
		-e 's/\b(fd|fds|vhostfd)=[0-9:]+/\1=N/g' \
		-e 's/^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|\+0000):? ?//' \
		-e 's/from pid [0-9]+/from pid N/'
}

# fingerprint PID - everything that the shim could have changed in a guest
# that no rule matches.  The descriptors come without their numbers.
fingerprint() {
	local proc=/proc/$1
	echo "comm: $(<"$proc/comm")"
	tr '\0' '\n' <"$proc/cmdline" | sed 's/^/argv: /' | normal
	tr '\0' '\n' <"$proc/environ" | sort | sed 's/^/environ: /' | normal
	grep -E '^(Umask|Uid|Gid|Groups|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)|Cap[A-Z][a-z]+):' "$proc/status"
	sed 's/^/limits: /' "$proc/limits"
	echo "cwd: $(readlink "$proc/cwd")"
	echo "root: $(readlink "$proc/root")"
	echo "oom_score_adj: $(<"$proc/oom_score_adj")"
	# After the name, which ends in the last ")": priority and nice are
	# fields 18 and 19, rt_priority and policy 40 and 41 (proc(5)).
	sed 's/.*) //' "$proc/stat" | awk '{ print "scheduling:", $16, $17, $38, $39 }'
	sed 's/^/cgroup: /' "$proc/cgroup" | normal
	threads "$1"
	find "$proc/fd" -mindepth 1 -printf 'descriptor: %l\n' | sed -E 's/:\[[0-9]+\]//' | sort
}

# fingerprint_of NAME FILE - start NAME, write its fingerprint to FILE and its
# log to FILE.log, destroy it.
fingerprint_of() {
	guest_start "$1" || return 1
	fingerprint "$(guest_pid "$1")" >"$2"
	vsh destroy "$1" || return 1
	eventually 10 guest_log_closed "$1" || return 1
	# libvirt and the dying emulator write the last lines independently.
	guest_log "$1" | normal | sort >"$2.log"
}

## Emulator

# emulator_record FILE - all that must be the same after an uninstall.
# (The inode's change time cannot be put back, the access time is nobody's.)
emulator_record() {
	sha256sum <"$1" || return 1
	stat -c 'mode %f owner %u:%g size %s links %h modified %y' "$1" || return 1
	getfattr --absolute-names -d -m - -e hex "$1" | sed 1d
}

# without_time - an emulator_record on stdin, to compare but for its time.
without_time() {
	sed 's/ modified .*//'
}

# emulator_neighbours - the names beside the emulator that an installation
# could have left behind.
emulator_neighbours() {
	find "${E2E_EMULATOR%/*}" -mindepth 1 -maxdepth 1 \
		\( -name "${E2E_EMULATOR##*/}*" -o -name '.*' -o -name '*guest-pinning*' \
		-o -name '*qemu-kvm-shim*' \) -printf '%f\n' | sort
}

## Capabilities

# caps_cache_file - where libvirt keeps what it learned of the emulator: the
# name is the SHA-256 of its path (virFileCacheGetFileName).
caps_cache_file() {
	local sum
	sum=$(printf %s "$E2E_EMULATOR" | sha256sum)
	echo "$CAPS_CACHE/${sum%% *}.xml"
}

# caps_cache_ctime - the change time of the emulator that libvirt probed.
caps_cache_ctime() {
	sed -n 's,.*<qemuctime>\([0-9]*\)</qemuctime>.*,\1,p' "$(caps_cache_file)"
}

second_over() {
	(($(date +%s) > $1))
}

# emulator_second_over - until now is another second than the emulator's change
# time: libvirt compares whole seconds.
emulator_second_over() {
	eventually 5 second_over "$(stat -c %Z "$E2E_EMULATOR")"
}

# caps_forget - what libvirt knows of the emulator, on disk and in memory: that
# it drops as soon as the emulator's change time is another one
# (virQEMUCapsIsValid), which chmod to the same mode sees to.  A libvirtd
# started anew would do too, but give the host another UUID in "capabilities"
# on a machine that has none in its firmware.
caps_forget() {
	rm -f "$(caps_cache_file)" || return 1
	emulator_second_over || return 1
	chmod "$(stat -c %a "$E2E_EMULATOR")" "$E2E_EMULATOR"
}

# caps_collect DIR - what libvirt learns of the emulator, into files in DIR.
caps_collect() {
	mkdir -p "$1" || return 1
	caps_forget || return 1
	vsh domcapabilities --emulatorbin "$E2E_EMULATOR" --virttype qemu >"$1/domcapabilities" || return 1
	vsh domcapabilities --emulatorbin "$E2E_EMULATOR" --virttype qemu --machine q35 \
		>"$1/domcapabilities-q35" || return 1
	# Where there is no KVM the refusal must be the same one.
	vsh domcapabilities --emulatorbin "$E2E_EMULATOR" --virttype kvm \
		>"$1/domcapabilities-kvm" 2>&1 || true
	# The host's memory is no answer of the emulator's, and a host that is
	# itself a guest may be given more of it between two calls.
	vsh capabilities |
		sed -E "s,(<memory unit='KiB'|<pages unit='KiB' size='[0-9]+')>[0-9]+<,\\1><," \
			>"$1/capabilities" || return 1
	# The whole answer to libvirt's probing, except for the change time.
	sed 's,<qemuctime>[0-9]*<,<qemuctime><,' "$(caps_cache_file)" >"$1/probed" || return 1
}

## What the tests claim

# same GOT WANTED
same() {
	[[ $1 == "$2" ]] || {
		printf 'wanted: %s\ngot:    %s\n' "$2" "$1"
		return 1
	}
}

# refused NAME TEXT... - virsh start fails, and shows every TEXT to the user.
refused() {
	local said text name=$1
	shift
	guest_define "$name" || return 1
	if said=$(vsh start "$name" 2>&1); then
		echo "$name was started"
		return 1
	fi
	for text; do
		[[ $said == *"$text"* ]] || {
			printf "virsh start of %s does not say '%s':\n%s\n" "$name" "$text" "$said"
			echo "while the guest's log ends with:"
			guest_log "$name" | tail -n 3
			return 1
		}
	done
	same "$(vsh domstate "$name")" "shut off"
}

# placed NAME CPUS - the running guest NAME is where numactl would have put it
# for CPUS and the node of the tests.  The virtual CPUs' threads are not asked
# for their CPUs: libvirt sets their affinity itself once the emulator is up.
placed() {
	local pid want maps
	pid=$(guest_pid "$1") || return 1
	want=$(numactl --physcpubind="$2" --membind="$E2E_NODE" cat /proc/self/status |
		awk '$1 == "Cpus_allowed_list:" { print $2 }')
	same "$(status_field "/proc/$pid" Cpus_allowed_list)" "$want" || return 1

	want=$(numactl --physcpubind="$2" --membind="$E2E_NODE" cat /proc/self/numa_maps |
		awk '{ print $2 }' | sort -u)
	same "$want" "bind:$E2E_NODE" || return 1
	same "$(threads "$pid" | sed 's/.* memory //' | sort -u)" "$want" || return 1

	maps=$(guest_ram_maps "$pid")
	[[ $maps ]] || {
		echo "no mapping of the size of the guest's memory"
		return 1
	}
	# N0=12 says that 12 of the mapping's pages are on node 0.
	same "$(grep -oE '\bN[0-9]+=' <<<"$maps" | sort -u)" "N$E2E_NODE="
}

# unplaced NAME - the running guest NAME is where it is without a shim.
unplaced() {
	local pid
	pid=$(guest_pid "$1") || return 1
	same "$(threads "$pid")" "$(grep '^thread:' "$E2E_STATE/plain.bare")"
}
