#!/usr/bin/env bats
# guest-pinningd as far as it needs no libvirt and no root: its command line. What it
# does for guests is in tests/unit and, with real ones, in tests/e2e.

# shellcheck disable=SC2154 # stderr is set by capture

load lib

setup() {
	work_make
	AGENT=$BUILD/guest-pinningd
}

@test "--version and --help" {
	works "$AGENT" --version
	has "$output" "guest-pinningd "
	one_line "$output"
	works "$AGENT" --help
	for word in --foreground --socket --policy --version /agent.sock /guest-pinning.conf; do
		has "$output" "$word"
	done
	equal "$stderr" ""
}

@test "a command line that is wrong: status 2, and it says what" {
	fails 2 "$AGENT" --no-such-option
	has "$stderr" --no-such-option
	fails 2 "$AGENT" --socket
	fails 2 "$AGENT" here
	has "$stderr" "'here'"
	fails 2 "$AGENT" --foreground --socket agent.sock
	one_line "$stderr"
	has "$stderr" "--socket and --policy take a path from / on"
	fails 2 "$AGENT" --foreground --policy policy
	has "$stderr" "--socket and --policy take a path from / on"
}

@test "not root: refused, and nothing is left" {
	local user=()
	((EUID != 0)) || user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	# By a descriptor, for the other user may not look into this directory.
	fails 1 "${user[@]}" bash -c 'exec /proc/self/fd/7 "$@"' - --foreground \
		--socket "$WORK/x/agent.sock" 7<"$AGENT"
	equal "$stderr" "guest-pinningd: the agent must be started as root"
	[[ ! -e $WORK/x ]]
}

## As it is started

# namespace - sets INSIDE to what runs a command as root in a namespace of mounts where there is a
# group kvm. Fails where this host lets nobody but root have one.
namespace() {
	local user=()
	((EUID == 0)) || user=(--user --map-root-user)
	printf '%s:x:0:\n' root kvm >"$WORK/group"
	# shellcheck disable=SC2016 # for that shell
	INSIDE=(unshare "${user[@]}" --mount -- sh -c 'mount --bind "$0" /etc/group && exec "$@"'
		"$WORK/group")
	"${INSIDE[@]}" true || ((EUID == 0))
}

# only_root - what there is to be seen without one.
only_root() {
	fails 1 "$AGENT" --foreground --socket "$WORK/run/agent.sock"
	has "$stderr" "must be started as root"
}

@test "it tells systemd when it is ready; in the foreground and in the background" {
	namespace || {
		only_root
		return
	}
	# Starts a program as systemd does a service of the type "notify", prints who has said that
	# it is ready, and ends that by a signal.
	cat >notified <<-'END'
		import os, signal, socket, struct, subprocess, sys, time

		ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		ear.bind("ear")
		ear.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
		ear.settimeout(15)
		environment = dict(os.environ, NOTIFY_SOCKET=os.path.abspath("ear"))
		child = subprocess.Popen(sys.argv[1:], env=environment)
		message, ancillary, _, _ = ear.recvmsg(100, 100)
		pid = struct.unpack("iII", ancillary[0][2])[0]
		who = "foreground" if pid == child.pid else "background"
		print(message.decode(), who, os.readlink(f"/proc/{pid}/cwd"))
		os.kill(pid, signal.SIGTERM)
		print(child.wait())
		while os.path.exists("run/agent.sock"):
		    time.sleep(0.01)
	END
	policy 'a -'
	works "${INSIDE[@]}" python3 notified "$AGENT" --foreground --socket "$WORK/run/agent.sock" \
		--policy "$WORK/policy"
	equal "$output" "READY=1 foreground $WORK"$'\n0'
	equal "$stderr" ""
	[[ -d $WORK/run && ! -e $WORK/run/agent.sock ]]
	rm ear
	works "${INSIDE[@]}" python3 notified "$AGENT" --socket "$WORK/run/agent.sock" \
		--policy "$WORK/policy"
	equal "$output" $'READY=1 background /\n0'
	[[ ! -e $WORK/run/agent.sock ]]
}

@test "whom it cannot tell is no reason not to serve; a second agent is refused" {
	namespace || {
		only_root
		return
	}
	policy 'a -'
	cat >second <<-'END'
		NOTIFY_SOCKET=$PWD/nobody "$1" --foreground --socket "$PWD/run/agent.sock" --policy "$PWD/policy" 2>log 3>&- &
		until grep -qs systemd log; do
			kill -0 $! || exit 125
			sleep 0.01
		done
		status=0
		"$1" --foreground --socket "$PWD/run/agent.sock" --policy "$PWD/policy" || status=$?
		kill $!
		wait $!
		exit "$status"
	END
	fails 1 "${INSIDE[@]}" bash second "$AGENT"
	equal "$stderr" "guest-pinningd: $WORK/run/agent.sock: another agent is running"
	equal "$(<log)" "guest-pinningd: systemd cannot be told that the agent is ready: No such file or directory"
}

@test "a socket of systemd's, and --socket: one of them is too much" {
	namespace || {
		only_root
		return
	}
	cat >handed <<-'END'
		import os, socket, sys
		ear = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		ear.bind("ear")
		ear.listen()
		os.dup2(ear.fileno(), 3)
		os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=sys.argv[1])
		os.execv(sys.argv[2], sys.argv[2:])
	END
	fails 1 "${INSIDE[@]}" python3 handed 1 "$AGENT" --foreground --socket "$WORK/run/agent.sock"
	equal "$stderr" "guest-pinningd: systemd hands over a socket: no --socket then"
	rm ear
	fails 1 "${INSIDE[@]}" python3 handed 2 "$AGENT" --foreground
	equal "$stderr" "guest-pinningd: systemd must hand over one socket: ListenSequentialPacket= in guest-pinningd.socket"
}
