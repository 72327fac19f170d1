#!/usr/bin/env bats
# The module of SELinux's policy, together with all of Debian's: what it adds for guests, to the
# last rule, and how the files are labelled. Nothing is loaded, and no kernel with SELinux is
# needed: what such a kernel says is in tests/lab/selinux.

# The base policy's modules, as selinux-policy-default brings them.
MODULES=/usr/share/selinux/default

setup_file() {
	load lib
	export SELINUX=$BATS_FILE_TMPDIR
	# make's own output would be bats's.
	make -C "$REPO" --no-print-directory BUILD="$SELINUX" selinux >"$SELINUX/make.log" 2>&1 3>&- || {
		cat "$SELINUX/make.log"
		return 1
	}
	store_make without "$MODULES" && store_make with "$MODULES" "$SELINUX/selinux/guest_pinning.pp"
}

setup() {
	load lib
}

# store_make NAME DIR [MODULE] - all modules of DIR, and MODULE, compiled to one policy; from
# the second store on, on top of the first.
store_make() {
	local store=$SELINUX/$1 modules
	mkdir -p "$store/etc/selinux" "$store/var/lib/selinux/default"
	if [[ ${3-} ]]; then
		cp -a "$SELINUX/without/." "$store/"
		modules=(-X 200 -i "$3")
	else
		cp -a /etc/selinux/semanage.conf /etc/selinux/default "$store/etc/selinux/"
		mapfile -t modules <"$2/.modules"
		modules=("${modules[@]/#/-i$2/}")
		modules=(-X 100 "${modules[@]/%/.pp.bz2}")
	fi
	timeout 300 semodule -N -p "$store" -s default "${modules[@]}" 3>&-
}

# policy NAME - the compiled one.
policy() {
	echo "$SELINUX/$1/etc/selinux/default/policy"/policy.*
}

# access NAME DOMAIN
access() {
	"$REPO/tests/packages/svirt-access" "$(policy "$1")" "$2" | LC_ALL=C sort -u
}

# added DOMAIN - what the module adds for it, "TYPE CLASS: PERMISSION...".
added() {
	LC_ALL=C comm -13 <(access without "$1") <(access with "$1") |
		awk '{ what = $1 " " $2 ":" } what != last { printf "%s%s", (NR > 1 ? "\n" : ""), what }
			{ $1 = $2 = ""; sub(/^ +/, " "); printf "%s", $0; last = what }
			END { print "" }'
}

# lost DOMAIN
lost() {
	LC_ALL=C comm -23 <(access without "$1") <(access with "$1")
}

# guest_gains DOMAIN IMAGES - that, and nothing else. Of each block the first lines are the
# module's own rules; `filesystem`, the directories of the agent's program and labelled networks
# (association, peer, tcp_socket) are what a guest may do with all files and all daemons that
# are not confined.
guest_gains() {
	same "$(lost "$1")" ''
	same "$(added "$1")" "$(LC_ALL=C sort <<-END
		guest_pinning_conf_t dir: getattr ioctl lock open read search
		guest_pinning_conf_t file: getattr ioctl lock open read
		guest_pinning_runtime_t dir: getattr open search
		guest_pinning_runtime_t sock_file: append getattr open write
		guest_pinningd_t unix_stream_socket: connectto
		$1 process: setsched
		$2 file: map
		sysfs_t file: getattr ioctl lock open read
		sysfs_t lnk_file: getattr read
		guest_pinning_conf_t filesystem: getattr
		guest_pinning_runtime_t filesystem: getattr
		guest_pinningd_exec_t dir: getattr open search
		guest_pinningd_exec_t filesystem: getattr
		guest_pinningd_t association: recvfrom
		guest_pinningd_t peer: recv
		guest_pinningd_t tcp_socket: recvfrom
	END
	)"
}

# label FILE KIND - its type by the file contexts of the policy with the module.
label() {
	matchpathcon -n -m "$2" -f "$SELINUX/with/etc/selinux/default/contexts/files/file_contexts" \
		"$1" | cut -d : -f 3
}

@test "the module is built by the tools that selinux-policy-dev brings, without a warning" {
	[[ -s $SELINUX/selinux/guest_pinning.pp ]]
	run ! grep -i warning "$SELINUX/make.log"
}

@test "a guest in svirt_t gains the policy file, the agent's socket, and what the shim needs there" {
	guest_gains svirt_t svirt_image_t
}

@test "so does one in svirt_prot_exec_t" {
	guest_gains svirt_prot_exec_t svirt_prot_exec_image_t
}

@test "an emulator in qemu_t, in which Xen's tools start it, gains nothing of this" {
	added qemu_t | tee "$BATS_TEST_TMPDIR/added"
	run ! grep -E '^guest_pinning_(conf_t file|runtime_t sock_file):|connectto|setsched|^sysfs_t' \
		"$BATS_TEST_TMPDIR/added"
	same "$(lost qemu_t)" ''
}

@test "a guest executes the real emulator, and begins in it, without leaving its domain" {
	local permission
	access with svirt_t >"$BATS_TEST_TMPDIR/access"
	for permission in execute execute_no_trans entrypoint map read; do
		grep -x "qemu_exec_t file $permission" "$BATS_TEST_TMPDIR/access"
	done
	same "$(sesearch -T -s svirt_t -t qemu_exec_t "$(policy with)")" ''
}

@test "the emulator, whatever it is called, is labelled as such before and behind the shim" {
	local target
	for target in /usr/bin/{qemu-system-x86_64,qemu-system-aarch64,qemu-kvm,kvm} \
		/usr/libexec/qemu-kvm; do
		same "$target $(label "$target" file)" "$target qemu_exec_t"
		same "$target $(label "$target.real" file)" "$target qemu_exec_t"
	done
}

@test "what stands beside it is no emulator" {
	local directory
	for directory in /usr/bin /usr/libexec; do
		same "$(label "$directory/qemu-kvm-shim.alias" dir)" bin_t
		same "$(label "$directory/qemu-kvm-shim.alias/qemu-kvm" lnk_file)" bin_t
		same "$(label "$directory/qemu-kvm-shim.alias/qemu-kvm.lacks" file)" bin_t
	done
	same "$(label /usr/libexec/qemu-kvm-shim/qemu-kvm-shim file)" bin_t
	same "$(label /usr/local/libexec/qemu-kvm-shim/qemu-kvm-shim file)" bin_t
	same "$(label /usr/libexec/qemu-kvm-shim/qemu-kvm-shim-full file)" bin_t
	same "$(label /usr/local/libexec/qemu-kvm-shim/qemu-kvm-shim-full file)" bin_t
	# Which a guest may read and execute all the same, without leaving its domain.
	access with svirt_t | grep -x 'bin_t file read'
	access with svirt_t | grep -x 'bin_t file execute'
	access with svirt_t | grep -x 'bin_t file execute_no_trans'
	access with svirt_t | grep -x 'bin_t lnk_file read'
}

@test "the policy, the agent and its socket have labels of their own, the rest of libvirt's its own" {
	local directory
	same "$(label /etc/libvirt/guest-pinning.conf file)" guest_pinning_conf_t
	same "$(label /etc/libvirt/guest-pinning.conf.d dir)" guest_pinning_conf_t
	same "$(label /etc/libvirt/guest-pinning.conf.d/50-web.conf file)" guest_pinning_conf_t
	same "$(label /etc/libvirt/qemu.conf file)" virt_etc_t
	for directory in /usr/sbin /usr/local/sbin /usr/bin /usr/local/bin; do
		same "$(label $directory/guest-pinningd file)" guest_pinningd_exec_t
		same "$(label $directory/guest-pinning file)" bin_t
	done
	same "$(label /run/guest-pinning dir)" guest_pinning_runtime_t
	same "$(label /run/guest-pinning/agent.sock sock_file)" guest_pinning_runtime_t
	same "$(label /run/guest-pinning/interrupts.json file)" guest_pinning_runtime_t
}

@test "systemd starts the agent in its own domain, at a level that every guest may connect to" {
	local with
	with=$(policy with)
	same "$(sesearch -T -s init_t -t guest_pinningd_exec_t -c process "$with")" \
		'type_transition init_t guest_pinningd_exec_t:process guest_pinningd_t;'
	same "$(sesearch --range_trans -s init_t -t guest_pinningd_exec_t "$with")" \
		'range_transition init_t guest_pinningd_exec_t:process s0;'
	# NoNewPrivileges=
	sesearch -A -s init_t -t guest_pinningd_t -c process2 -p nnp_transition "$with" | grep .
	# The socket, and the file that it is bound to.
	sesearch -A -s init_t -t guest_pinningd_t -c unix_stream_socket -p create "$with" | grep .
	sesearch -A -s init_t -t guest_pinning_runtime_t -c sock_file -p create "$with" | grep .
}

@test "who may connect to the agent: guests, libvirt, and who is not confined" {
	same "$(sesearch -A -t guest_pinningd_t -c unix_stream_socket -p connectto "$(policy with)" |
		awk '{ print $2 }' | LC_ALL=C sort -u | tr '\n' ' ')" \
		'guest_pinning_guest unconfined_domain_type virtd_t '
	same "$(seinfo -x -a guest_pinning_guest "$(policy with)" |
		awk 'NF == 1 && /_t$/ { print $1 }' | LC_ALL=C sort)" $'svirt_prot_exec_t\nsvirt_t'
}

@test "libvirt's own domain may use policy and agent, for a guest that it does not confine" {
	access with virtd_t >"$BATS_TEST_TMPDIR/access"
	grep -x 'guest_pinning_conf_t file read' "$BATS_TEST_TMPDIR/access"
	grep -x 'guest_pinningd_t unix_stream_socket connectto' "$BATS_TEST_TMPDIR/access"
	grep -x 'qemu_exec_t file execute_no_trans' "$BATS_TEST_TMPDIR/access"
}
