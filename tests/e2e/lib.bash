# What tests/e2e/run and its bats files share: guests, policy, and what a
# started guest looks like in /proc.  Everything here expects the environment
# that tests/e2e/run exports (E2E_*), and a throw-away host.
# shellcheck shell=bash

# shellcheck source=tests/claims.bash
source "${BASH_SOURCE[0]%/*}/../claims.bash"

export LC_ALL=C
# Never a user's own connection, whatever the caller's environment says.
export LIBVIRT_DEFAULT_URI=qemu:///system

POLICY=/etc/libvirt/guest-pinning.conf
POLICY_DIR=$POLICY.d
AGENT_DIRECTORY=/run/guest-pinning
AGENT_SOCKET=$AGENT_DIRECTORY/agent.sock
QEMU_CONF=/etc/libvirt/qemu.conf
SESSION=$E2E_STATE/session
CAPS_CACHE=/var/cache/libvirt/qemu/capabilities
# The names of this suite's guests, all of which a run may destroy.  A glob, for
# names and, unquoted, for paths.
shopt -s extglob
GUESTS='@(e2e|tile[0-9][0-9])-*'
GUEST_RAM_KIB=65536
# What a test may say otherwise before it defines a guest.
GUEST_MACHINE=q35
GUEST_VCPU='<vcpu>2</vcpu>'
GUEST_XML= # more elements of the domain
GUEST_OS=  # ... of its <os>
# ... of its <devices>, in which @NAME@ is the guest's name.
GUEST_DEVICES=
# ... before it starts an emulator by hand: a command that starts it as somebody else.
BY=()

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

## Daemons

# /run/systemd/system can be in a container's image without a systemd.
systemd_runs() {
	[[ $(</proc/1/comm) == systemd ]]
}

# socket_listens PATH - the socket's file outlives a daemon that was killed,
# /proc/net/unix does not lie.  Flags 00010000: it listens (__SO_ACCEPTCON).  Some
# daemons name it by way of /var/run.
socket_listens() {
	awk -v path="$1" '$4 == "00010000" && ($NF == path || $NF == "/var" path) { found = 1 }
		END { exit !found }' /proc/net/unix
}

# libvirt_daemon - the daemon for QEMU: the one of all drivers, or QEMU's own.
libvirt_daemon() {
	local name
	for name in libvirtd virtqemud; do
		command -v "$name" >/dev/null || continue
		echo "$name"
		return 0
	done
	return 1
}

libvirt_answers() {
	E2E_VIRSH_TIMEOUT=10 vsh uri >/dev/null 2>&1
}

# process_birth PID - a PID may be given to another process: when it started.
process_birth() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $20 }'
}

process_gone() {
	[[ $(process_birth "$1") != "$2" ]]
}

# process_end PID BIRTH - by force if need be.
process_end() {
	kill "$1"
	eventually 20 process_gone "$1" "$2" && return 0
	kill -KILL "$1"
	eventually 5 process_gone "$1" "$2"
}

# daemon_launch NAME - it is up, with its PID in /run/NAME.pid.  Its descriptors
# are none of ours: it would hold the lock of the run, and keep a reader of our
# output waiting (3, and in a teardown 4, are of bats).  Nor is its environment, which
# its guests inherit in part.
daemon_launch() {
	rm -f "/run/$1.pid"
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		setsid "$E2E_STATE/reaper" "$1" -d \
		</dev/null >>"$E2E_STATE/daemons.log" 2>&1 3>&- 4>&- 9>&- &
	eventually 60 test -s "/run/$1.pid"
}

# daemon_remember NAME PID - it was started here, and is stopped at the end.
daemon_remember() {
	echo "$1 $2 $(process_birth "$2")" >>"$E2E_STATE/daemons"
}

# libvirt_restart - as an upgrade of libvirt does, while guests run.
libvirt_restart() {
	local name pid
	name=$(libvirt_daemon)
	if systemd_runs; then
		systemctl restart "$name" || return 1
	else
		pid=$(<"/run/$name.pid")
		process_end "$pid" "$(process_birth "$pid")" && daemon_launch "$name" || return 1
		# One that ran before this suite goes on running after it.
		if grep -q "^$name $pid " "$E2E_STATE/daemons" 2>/dev/null; then
			daemon_remember "$name" "$(<"/run/$name.pid")"
		fi
	fi
	eventually 60 libvirt_answers
}

# qemu_conf_add - lines on stdin become the last of libvirt's qemu.conf.
qemu_conf_add() {
	cat >>"$QEMU_CONF" && libvirt_restart
}

# qemu_conf_restore - as tests/e2e/run has found it, for a libvirt that runs, too.
qemu_conf_restore() {
	local saved=$E2E_STATE/qemu.conf
	if [[ -e $saved ]]; then
		cmp -s "$saved" "$QEMU_CONF" && return 0
		cp -a "$saved" "$QEMU_CONF" || return 1
	elif [[ -e $saved.absent && -e $QEMU_CONF ]]; then
		rm -f "$QEMU_CONF" || return 1
	else
		return 0
	fi
	! libvirt_answers || libvirt_restart
}

## A user's own libvirt: qemu:///session

# session_run COMMAND... - as a user who is neither root nor libvirt's, with a home
# of their own below $SESSION.
session_run() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME="$SESSION" \
		XDG_RUNTIME_DIR="$SESSION/run" timeout -k 5 90 \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@" 3>&- 9>&-
}

session_virsh() {
	session_run virsh --quiet --connect qemu:///session "$@"
}

session_make() {
	install -d -m 700 -o 65534 -g 65534 "$SESSION" "$SESSION/run"
}

# session_pids - the daemons that virsh has started there, and their guests: the
# directory is in their environment.
session_pids() {
	local directory
	for directory in /proc/[0-9]*; do
		! tr '\0' '\n' <"$directory/environ" | grep -qxF "HOME=$SESSION" ||
			echo "${directory#/proc/}"
	done 2>/dev/null
}

session_gone() {
	[[ -z $(session_pids) ]]
}

# session_remove - with all that runs in it.
session_remove() {
	session_pids | xargs -r kill
	eventually 10 session_gone || session_pids | xargs -r kill -KILL
	eventually 10 session_gone && rm -rf "$SESSION"
}

## Agent

# agent_pids - the agent of this suite, which runs the program that was saved, and
# the processes that it has for requests.
agent_pids() {
	find /proc/[0-9]*/exe -maxdepth 0 -lname "$E2E_STATE/programs/guest-pinningd" \
		-printf '%h\n' 2>/dev/null | sed 's,^/proc/,,'
}

# agent_pid - the agent alone: it leads its session (field 6 of stat, proc(5)).
agent_pid() {
	local pid
	for pid in $(agent_pids); do
		[[ $(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 4) != "$pid" ]] || echo "$pid"
	done 2>/dev/null
}

agent_gone() {
	[[ -z $(agent_pids) ]]
}

# agent_start - unless it runs.  In a session of its own, so that it outlives
# the test that has started it; of whose descriptors it has none (see daemon_launch).
agent_start() {
	agent_gone || return 0
	setsid "$E2E_STATE/programs/guest-pinningd" --foreground \
		</dev/null >>"$E2E_STATE/agent.log" 2>&1 3>&- 4>&- 9>&- &
	eventually 10 socket_listens "$AGENT_SOCKET" || {
		echo "the agent does not start:"
		agent_log
		return 1
	}
}

# agent_signal SIGNAL - also where there is none, which is no failure then.
agent_signal() {
	local pid
	for pid in $(agent_pid); do
		kill -s "$1" "$pid"
	done
}

# agent_stop - as an administrator stops it; also one that a test has halted.
agent_stop() {
	agent_signal CONT
	agent_signal TERM
	eventually 10 agent_gone || agent_kill
}

# agent_kill - it has no time to tidy up.
agent_kill() {
	agent_signal KILL
	eventually 10 agent_gone
}

# agent_has_client - somebody has connected: the agent's end of it bears the name
# of the socket, even before it is accepted.
agent_has_client() {
	(($(grep -c " $AGENT_SOCKET\$" /proc/net/unix) > 1))
}

# agent_has_none - those who had connected are gone, so the next one is new.
agent_has_none() {
	! agent_has_client
}

# agent_log - what the agent has said since the test began.
agent_log() {
	cat "$E2E_STATE/agent.log"
}

# agent_log_clear - the agent appends, so its next line is the first.
agent_log_clear() {
	: >"$E2E_STATE/agent.log"
}

agent_log_has() {
	eventually 10 grep -qF -- "$1" "$E2E_STATE/agent.log" || {
		echo "no '$1' in the agent's log:"
		agent_log | tail -n 5
		return 1
	}
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

# guest_xml NAME - no disk, no network, and unless the test says otherwise no kernel:
# it sits in its firmware.
# The UUID follows from the name, so that two definitions are the same guest.
guest_xml() {
	local sum
	sum=$(printf %s "$1" | sha256sum)
	cat <<-EOF
		<domain type='qemu'>
		  <name>$1</name>
		  <uuid>${sum:0:8}-${sum:8:4}-4${sum:13:3}-8${sum:17:3}-${sum:20:12}</uuid>
		  <memory unit='KiB'>$GUEST_RAM_KIB</memory>
		  $GUEST_VCPU
		  $GUEST_XML
		  <os><type arch='x86_64' machine='$GUEST_MACHINE'>hvm</type>$GUEST_OS</os>
		  <devices>
		    <emulator>$E2E_EMULATOR</emulator>
		    <memballoon model='none'/>
		    ${GUEST_DEVICES//@NAME@/$1}
		  </devices>
		</domain>
	EOF
}

guest_define() {
	guest_xml "$1" >"$E2E_STATE/guest.xml" && vsh define "$E2E_STATE/guest.xml"
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

# guests_listed [OPTION] - the names of this suite's guests that run; with --all of
# all of them.
guests_listed() {
	local name
	vsh list --name "$@" | while read -r name; do
		# shellcheck disable=SC2053 # a glob
		[[ $name != $GUESTS ]] || echo "$name"
	done
}

# guests_destroy - those that run, many at a time: there may be hundreds.
guests_destroy() {
	guests_listed | xargs -r -d '\n' -P 20 -n 1 timeout -k 5 90 virsh --quiet destroy
}

# guests_remove - every guest of ours, in whatever state a test left it.
guests_remove() {
	local name names status=0
	guests_destroy || status=1
	mapfile -t names < <(guests_listed --all)
	for name in "${names[@]}"; do
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

# guest_processes NAME - the command lines, in /proc, of the processes that there are
# for the guest, also those that libvirt knows nothing of.
guest_processes() {
	grep -lzs "^guest=$1," /proc/[0-9]*/cmdline
}

# guest_memdev NAME FILTER - by jq's FILTER, of each memory backend of the running
# guest what QEMU says in "info memdev".
guest_memdev() {
	vsh qemu-monitor-command "$1" '{"execute":"query-memdev"}' | jq -r ".return[] | $2"
}

# emulator_uid - as whom libvirt starts emulators.
emulator_uid() {
	awk '$1 == "Uid:" { print $2 }' "$E2E_STATE/plain.bare"
}

## Guests without libvirt

# by_hand GUEST OPTION... - become the emulator as somebody starts it by hand, through the
# command in BY if there is one: it waits, and its threads have the names that libvirt's have.
by_hand() {
	exec "${BY[@]}" "$E2E_EMULATOR" -name "guest=$1,debug-threads=on" -S -display none \
		-nodefaults -accel tcg "${@:2}" </dev/null 3>&- 9>&-
}

# is_emulator PID... - all of them are past the shim.
is_emulator() {
	local pid
	for pid; do
		[[ $(readlink "/proc/$pid/exe") == "$E2E_EMULATOR.real" ]] || return 1
	done
}

# refused_by_hand GUEST TEXT... - its emulator does not start, and says every TEXT.
refused_by_hand() {
	local said text name=$1 as=("${BY[@]}") status=0
	shift
	local BY=(timeout 20 "${as[@]}")
	said=$(by_hand "$name" -machine none 2>&1) || status=$?
	for text; do
		[[ $said == *"$text"* ]] || {
			printf "%s does not say '%s':\n%s\n" "$name" "$text" "$said"
			return 1
		}
	done
	same "$status" 1
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
	local range start
	while read -r range _; do
		((0x${range#*-} - 0x${range%-*} == GUEST_RAM_KIB * 1024)) || continue
		start=${range%-*}
		grep "^$start " "/proc/$1/numa_maps"
	done < <(grep ' rw-p 00000000 00:00 0' "/proc/$1/maps")
}

# memory_maps PID KIB FIELD... - a line for each mapping of that size: these fields of
# it in smaps, sizes in KiB.
memory_maps() {
	local pid=$1 size=$2
	shift 2
	awk -v size="$size" -v names="$*" '
		function finish(count, i, line) {
			count = split(names, name, " ")
			for (i = 1; i <= count; i++)
				line = line (i > 1 ? " " : "") value[name[i]]
			if (value["Size"] == size)
				print line
		}
		/^[0-9a-f]+-/ { finish(); next }
		{ key = $1; sub(/:$/, "", key); sub(/^[^ ]* */, ""); sub(/ kB$/, ""); value[key] = $0 }
		END { finish() }' "/proc/$pid/smaps"
}

# threads PID - where the threads of a process may run and allocate: one line
# for all that agree, since their number changes by itself.
threads() {
	local task cpus mems memory
	for task in "/proc/$1/task"/*; do
		cpus=$(status_field "$task" Cpus_allowed_list)
		mems=$(status_field "$task" Mems_allowed_list)
		memory=$(policies "$task" | xargs)
		# It may have ended since the list was made.
		[[ -z $memory ]] || echo "thread: cpus $cpus mems $mems memory $memory"
	done 2>/dev/null | sort -u
}

# threads_cpus PID [vcpus|others] - the CPUs of the threads, a line for each list
# of them; of the virtual CPUs' threads or of the others only.  libvirt has QEMU
# name its threads: "CPU 0/TCG".
threads_cpus() {
	# One may end meanwhile.
	cat "/proc/$1/task"/*/status 2>/dev/null | awk -v which="${2-}" '
		$1 == "Name:" { kind = /^Name:\tCPU / ? "vcpus" : "others" }
		$1 == "Cpus_allowed_list:" && (which == "" || which == kind) { print $2 }
	' | sort -u
}

# normal - without what differs from one start of the same guest to the next:
# libvirt's numbering of guests, descriptor numbers, times, process ids.
normal() {
	sed -E -e 's,(domain-|qemu-|/qemu/)[0-9]+-,\1N-,g' \
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

# vcpus_affinity NAME - the CPUs of its virtual CPUs as virsh shows them, a line
# for each list of them.
vcpus_affinity() {
	vsh vcpuinfo --pretty "$1" | sed -n 's/^CPU Affinity: *\([0-9,-]*\) .*/\1/p' | sort -u
}

## Cgroups

# cpuset_root - where the hierarchy is mounted that has the cpuset controller.
cpuset_root() {
	awk '$3 == "cgroup" && $4 ~ /(^|,)cpuset(,|$)/ { v1 = $2 }
		$3 == "cgroup2" { v2 = $2 }
		END { print v1 != "" ? v1 : v2 }' /proc/mounts
}

cgroup_v2() {
	[[ -e $(cpuset_root)/cgroup.controllers ]]
}

# process_cpuset PID - the directory of its cgroup there.
process_cpuset() {
	echo "$(cpuset_root)$(awk -F : '$2 ~ /(^|,)cpuset(,|$)/ { v1 = $3 }
		$1 == "0" { v2 = $3 }
		END { print v1 != "" ? v1 : v2 }' "/proc/$1/cgroup")"
}

# guest_cpuset NAME - the directory that the guest's "emulator" and "vcpu0" are in.
guest_cpuset() {
	local directory
	directory=$(process_cpuset "$(guest_pid "$1")")
	[[ $directory == */emulator ]] && echo "${directory%/emulator}"
}

# cpusets - what is set in every cgroup of the host.
cpusets() {
	find "$(cpuset_root)" -name cpuset.cpus -exec grep -H '' {} + | sort
}

# real_time_by_cgroup - the kernel shares out real-time (fifo, rr) by cgroup, and gives those
# that libvirt makes none (CONFIG_RT_GROUP_SCHED; it takes the controller cpu of v1).
real_time_by_cgroup() {
	[[ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]]
}

# cgroup_make DIRECTORY - made by hand, as libvirt's are.
cgroup_make() {
	mkdir "$1" || return 1
	if cgroup_v2; then
		echo +cpuset >"${1%/*}/cgroup.subtree_control"
	else
		cat "${1%/*}/cpuset.mems" >"$1/cpuset.mems" &&
			cat "${1%/*}/cpuset.cpus" >"$1/cpuset.cpus"
	fi
}

# lies_remove - the cgroups that a test has made, with whoever is in them.
lies_remove() {
	local top
	top=$(cpuset_root)/e2e-lies
	eventually 10 lies_gone "$top"
}

lies_gone() {
	[[ -d $1 ]] || return 0
	find "$1" -name cgroup.procs -print0 | xargs -0 cat | xargs -r kill -KILL
	find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
	[[ ! -d $1 ]]
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
	# itself a guest may be given more of it between two calls.  A host that has
	# no UUID gets another one with each start of the daemon.
	vsh capabilities |
		sed -E "s,<uuid>[^<]*<,<uuid><,; s,(<memory unit='KiB'|<pages unit='KiB' size='[0-9]+')>[0-9]+<,\\1><," \
			>"$1/capabilities" || return 1
	# The whole answer to libvirt's probing, except for the change time.
	sed 's,<qemuctime>[0-9]*<,<qemuctime><,' "$(caps_cache_file)" >"$1/probed" || return 1
}

## Huge pages

# huge_pages_file FILE [NODE] - what the kernel counts of those of 2 MiB on a node, that
# of the tests.
huge_pages_file() {
	echo "/sys/devices/system/node/node${2-$E2E_NODE}/hugepages/hugepages-2048kB/$1"
}

huge_pages_free() {
	cat "$(huge_pages_file free_hugepages)"
}

# huge_pages_are COUNT - so many are free.
huge_pages_are() {
	(($(huge_pages_free) == $1))
}

# huge_pages_give COUNT - so many are free, until huge_pages_restore.
huge_pages_give() {
	local file used
	file=$(huge_pages_file nr_hugepages)
	[[ -e $E2E_STATE/huge_pages ]] || echo "$(<"$file") $file" >"$E2E_STATE/huge_pages"
	used=$(($(<"$file") - $(huge_pages_free)))
	echo $((used + $1)) >"$file" || return 1
	same "$(huge_pages_free)" "$1"
}

# huge_pages_mount - libvirt has a place for the files of guests whose XML asks for them.
huge_pages_mount() {
	mkdir -p "$E2E_STATE/hugetlbfs" &&
		mount -t hugetlbfs -o pagesize=2M none "$E2E_STATE/hugetlbfs" &&
		qemu_conf_add <<<"hugetlbfs_mount = \"$E2E_STATE/hugetlbfs\""
}

huge_pages_unmount() {
	! mountpoint -q "$E2E_STATE/hugetlbfs" || umount "$E2E_STATE/hugetlbfs"
}

huge_pages_restore() {
	local count file
	huge_pages_unmount || return 1
	[[ -s $E2E_STATE/huge_pages ]] || return 0
	read -r count file <"$E2E_STATE/huge_pages"
	echo "$count" >"$file" && same "$(<"$file")" "$count" && rm "$E2E_STATE/huge_pages"
}

## What the tests claim

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

# pinned NAME CPUS - every thread of the running guest NAME has exactly these
# CPUs, and libvirt says so of the virtual ones.
pinned() {
	local pid
	pid=$(guest_pid "$1") || return 1
	same "$(threads_cpus "$pid")" "$2" || return 1
	same "$(threads_cpus "$pid" vcpus)" "$2" || return 1
	same "$(vcpus_affinity "$1")" "$2"
}

# placed NAME CPUS - the running guest NAME is where numactl would have put it
# for CPUS and the node of the tests, with every thread.
placed() {
	local pid want maps
	pid=$(guest_pid "$1") || return 1
	want=$(numactl --physcpubind="$2" --membind="$E2E_NODE" cat /proc/self/status |
		awk '$1 == "Cpus_allowed_list:" { print $2 }')
	pinned "$1" "$want" || return 1

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
