#!/usr/bin/env bats
# A guest's memory is what its rule says: huge pages, taken as it starts and given back
# as it ends; merged by KSM or not. The guest itself sees none of it.

# shellcheck source=tests/e2e/test.bash
source "$BATS_TEST_DIRNAME/test.bash"

KIB=131072 # 64 huge pages
GUEST_RAM_KIB=$KIB
SAVED=/var/lib/libvirt/qemu/e2e-saved

setup() {
	hand_pid=
	test_begin
	huge_pages_give 100
}

teardown() {
	[[ -z $hand_pid ]] || kill -KILL "$hand_pid"
	guests_remove
	policy_clear
	qemu_conf_restore
	rm -f "$SAVED".*
	eventually 10 huge_pages_restore
}

# rule OPTION... - of all guests.
rule() {
	policy_write "$POLICY" <<<"e2e-* $E2E_NODE $*"
}

on_huge_pages() {
	same "$(memory_maps "$(guest_pid "$1")" $KIB KernelPageSize Private_Hugetlb)" \
		"2048 $KIB" && same "$(huge_pages_free)" 36
}

on_normal_pages() {
	same "$(memory_maps "$(guest_pid "$1")" $KIB KernelPageSize Private_Hugetlb)" \
		"4 0" && same "$(huge_pages_free)" "${2-100}"
}

# destroyed NAME - and all huge pages are free again.
destroyed() {
	vsh destroy "$1" && eventually 10 huge_pages_are 100
}

## Huge pages

@test "hugepages=2M: the guest takes as many as its memory is, and gives them back" {
	rule hugepages=2M
	guest_start e2e-huge
	guest_running e2e-huge
	on_huge_pages e2e-huge
	same "$(guest_memdev e2e-huge '"\(.id) \(.size) \(.prealloc) \(.share)"')" \
		"pc.ram 134217728 true false"
	# All of them from the node, where the CPUs are.
	same "$(grep -o ' huge .*' "/proc/$(guest_pid e2e-huge)/numa_maps")" \
		" huge anon=64 dirty=64 N$E2E_NODE=64 kernelpagesize_kB=2048"
	guest_log_has e2e-huge ", huge pages 64 of 2M"
	destroyed e2e-huge
}

@test "hugepages=off: normal pages, as without the option" {
	rule hugepages=off
	guest_start e2e-huge
	on_normal_pages e2e-huge
}

@test "two NUMA cells: the memory of both is on huge pages" {
	rule hugepages=2M
	GUEST_XML="<cpu><numa>
		<cell id='0' cpus='0' memory='64' unit='MiB'/>
		<cell id='1' cpus='1' memory='64' unit='MiB'/>
	</numa></cpu>"
	guest_start e2e-cells
	same "$(memory_maps "$(guest_pid e2e-cells)" 65536 Private_Hugetlb | grep -vx 0 | xargs)" \
		"65536 65536"
	same "$(guest_memdev e2e-cells '"\(.id) \(.prealloc) \(.share)"' | sort)" \
		$'ram-node0 true false\nram-node1 true false'
	same "$(huge_pages_free)" 36
	guest_log_has e2e-cells ", huge pages 64 of 2M"
	destroyed e2e-cells
}

@test "too few are free: refused, and virsh shows how many are needed and there" {
	huge_pages_give 10
	rule hugepages=2M
	refused e2e-huge "$POLICY:1: too few huge pages of 2M: " \
		"node $E2E_NODE must have 64 free and has 10"
	same "$(guest_processes e2e-huge)" ""
	same "$(huge_pages_free)" 10
	# One that lacks a single page is refused as well, and with it starts.
	huge_pages_give 63
	refused e2e-huge "must have 64 free and has 63"
	huge_pages_give 64
	guest_start e2e-huge
	same "$(huge_pages_free)" 0
}

@test "a second guest gets what the first has left" {
	rule hugepages=2M
	guest_start e2e-first
	refused e2e-second "must have 64 free and has 36"
	on_huge_pages e2e-first
	destroyed e2e-first
	guest_start e2e-second
	on_huge_pages e2e-second
}

@test "hugepages=prefer:2M where too few are free: normal pages, and a warning" {
	huge_pages_give 10
	rule hugepages=prefer:2M
	guest_start e2e-prefer
	on_normal_pages e2e-prefer 10
	guest_log_has e2e-prefer "$POLICY:1: too few huge pages of 2M: "
	guest_log_has e2e-prefer "; the guest gets normal pages"
	vsh destroy e2e-prefer

	huge_pages_give 100
	guest_start e2e-prefer
	on_huge_pages e2e-prefer
	run ! grep -F "normal pages" <(guest_log e2e-prefer)
}

@test "a size that this host has not: refused, and virsh shows those that it has" {
	local sizes
	sizes=$(printf '%s\n' /sys/kernel/mm/hugepages/* | sed 's/.*-//; s/kB//' | sort -n |
		awk '{ $1 /= 1024; print $1 < 1024 ? $1 "M" : $1 / 1024 "G" }' | paste -sd ,)
	rule hugepages=3M
	refused e2e-size "$POLICY:1: this host has no huge pages of 3M; the sizes that it has: ${sizes//,/, };"
	[[ ,$sizes, == *,2M,* ]]
	rule hugepages=3M best-effort
	guest_start e2e-size
	unplaced e2e-size
	guest_log_has e2e-size "no huge pages of 3M"
}

@test "memory that is no multiple of the page: refused, and virsh names it" {
	GUEST_RAM_KIB=$((129 * 1024))
	rule hugepages=2M
	refused e2e-odd "$POLICY:1: the memory object 'pc.ram' is of 129M, no multiple of 2M"
}

# left_alone - a guest of $GUEST_XML is, by the rule, what it is without.
left_alone() {
	local without
	policy_clear
	guest_start e2e-xml || return 1
	without=$(tr '\0' '\n' <"/proc/$(guest_pid e2e-xml)/cmdline" | normal)
	same "$(huge_pages_free)" 36 || return 1
	destroyed e2e-xml || return 1
	rule hugepages=2M
	guest_start e2e-xml || return 1
	same "$(tr '\0' '\n' <"/proc/$(guest_pid e2e-xml)/cmdline" | normal)" "$without" ||
		return 1
	same "$(huge_pages_free)" 36
}

@test "a guest whose XML asks for huge pages is left as it is" {
	huge_pages_mount
	GUEST_XML="<memoryBacking><hugepages/></memoryBacking>"
	left_alone
	guest_log_has e2e-xml "left as it is: pc.ram (memory-backend-file)"
	destroyed e2e-xml
	GUEST_XML="<memoryBacking><hugepages/><source type='memfd'/></memoryBacking>"
	left_alone
	guest_log_has e2e-xml "left as it is: pc.ram (memory-backend-memfd)"
	guest_log e2e-xml | grep -F "$POLICY"
}

## Save and restore: the memory is moved, whatever its pages are

# moved RULE RULE - the guest is saved under the first and restored under the second,
# with the memory and the CPUs that it had.
moved() {
	rule "$1"
	guest_start e2e-moved || return 1
	sleep 1 # its firmware is at work
	vsh suspend e2e-moved || return 1
	vsh dump --memory-only e2e-moved "$SAVED.before" || return 1
	grep -qa SeaBIOS "$SAVED.before" || return 1
	vsh save e2e-moved "$SAVED.img" || return 1
	eventually 10 huge_pages_are 100 || return 1
	rule "$2"
	vsh restore --paused "$SAVED.img" || return 1
	vsh dump --memory-only e2e-moved "$SAVED.after" || return 1
	cmp "$SAVED.before" "$SAVED.after" || return 1
	vsh resume e2e-moved && guest_running e2e-moved
}

@test "a guest on huge pages is saved, and restored on huge pages" {
	moved hugepages=2M hugepages=2M
	on_huge_pages e2e-moved
	destroyed e2e-moved
}

# Up to QEMU 3.1's machine types the memory of the two kinds of object had names of
# two kinds in what is saved.
@test "a guest comes onto huge pages as it is restored, and off them" {
	local oldest
	oldest=$("$E2E_EMULATOR" -machine help | sed -n 's/^\(pc-q35-[^ ]*\) .*/\1/p' |
		sort -V | head -n 1)
	echo "# machine types $GUEST_MACHINE and $oldest" >&3
	for GUEST_MACHINE in "$GUEST_MACHINE" "$oldest"; do
		moved "" hugepages=2M
		on_huge_pages e2e-moved
		destroyed e2e-moved
		moved hugepages=2M ""
		on_normal_pages e2e-moved
		destroyed e2e-moved
	done
}

## KSM

# merged NAME - whether QEMU says that KSM may merge the guest's memory, and whether it
# has told the kernel so.
merged() {
	local says flags
	says=$(guest_memdev "$1" .merge) || return 1
	same "$(vsh qemu-monitor-command "$1" \
		'{"execute":"qom-get","arguments":{"path":"/objects/pc.ram","property":"merge"}}' |
		jq .return)" "$says" || return 1
	flags=$(memory_maps "$(guest_pid "$1")" $KIB VmFlags)
	if [[ " $flags " == *" mg "* ]]; then
		same "$says" true
	else
		same "$says" false
	fi || return 1
	echo "$says"
}

@test "ksm=off keeps the guest's memory from being merged" {
	rule ""
	guest_start e2e-ksm
	same "$(merged e2e-ksm)" true # QEMU's default
	vsh destroy e2e-ksm
	rule ksm=off
	guest_start e2e-ksm
	same "$(merged e2e-ksm)" false
}

@test "ksm=on has it merged, also where the XML says nosharepages" {
	rule ksm=on
	guest_start e2e-ksm
	same "$(merged e2e-ksm)" true
	vsh destroy e2e-ksm

	GUEST_XML="<memoryBacking><nosharepages/></memoryBacking>"
	rule ""
	guest_start e2e-ksm
	same "$(merged e2e-ksm)" false
	vsh destroy e2e-ksm
	rule ksm=on
	guest_start e2e-ksm
	same "$(merged e2e-ksm)" true
}

## Transparent huge pages, allocation beforehand

@test "thp=never keeps QEMU from transparent huge pages, thp=default does not" {
	rule thp=never prealloc=on
	guest_start e2e-thp
	pid=$(guest_pid e2e-thp)
	same "$(status_field "/proc/$pid" THP_enabled)" 0
	same "$(memory_maps "$pid" $KIB AnonHugePages)" 0
	vsh destroy e2e-thp

	rule thp=default prealloc=on
	guest_start e2e-thp
	pid=$(guest_pid e2e-thp)
	same "$(status_field "/proc/$pid" THP_enabled)" 1
	if [[ $(</sys/kernel/mm/transparent_hugepage/enabled) != *"[never]"* ]]; then
		(($(memory_maps "$pid" $KIB AnonHugePages) > 0))
	fi
}

@test "prealloc=on: all of the guest's memory is there from the beginning" {
	rule ""
	guest_start e2e-prealloc
	same "$(guest_memdev e2e-prealloc .prealloc)" false
	(($(status_field "/proc/$(guest_pid e2e-prealloc)" VmRSS | sed 's/ kB//') < KIB))
	vsh destroy e2e-prealloc

	rule prealloc=on
	guest_start e2e-prealloc
	pid=$(guest_pid e2e-prealloc)
	same "$(guest_memdev e2e-prealloc '"\(.id) \(.prealloc)"')" "pc.ram true"
	same "$(memory_maps "$pid" $KIB Rss KernelPageSize)" "$KIB 4"
	(($(status_field "/proc/$pid" VmRSS | sed 's/ kB//') >= KIB))
	same "$(huge_pages_free)" 100
}

## Without libvirt

# by_hand COMMANDS ARGUMENT... - what is to be executed for an emulator that somebody
# starts where no hugetlbfs is mounted, after COMMANDS; the host sees nothing of these.
by_hand() {
	local before="umount -a -t hugetlbfs; $1; exec \"\$@\""
	shift
	hand=(unshare --mount bash -e -c "$before" bash "$E2E_EMULATOR" -name e2e-hand
		-S -display none -nodefaults -accel tcg "$@")
}

# hand_start - in the background.
hand_start() {
	"${hand[@]}" </dev/null >"$BATS_TEST_TMPDIR/hand" 2>&1 3>&- 9>&- &
	hand_pid=$!
}

# hand_end - by SIGTERM, which ends an emulator that does not handle signals yet, too.
hand_end() {
	kill "$hand_pid"
	wait "$hand_pid" || same "$?" 143
	hand_pid=
}

@test "by hand, -m alone: no hugetlbfs is mounted, and the message says how to" {
	rule hugepages=2M
	by_hand : -machine q35 -m 128
	run -1 timeout 20 "${hand[@]}"
	same "$(wc -l <<<"$output")" 1
	[[ $output == *"$POLICY:1: no hugetlbfs with pages of 2M is mounted"* ]]
	[[ $output == *"mount -t hugetlbfs -o pagesize=2M"* ]]
	same "$(huge_pages_free)" 100

	# What it says to do is enough.
	advice=$(sed -n 's/.*: \(mkdir .*\); guest .*/\1/p' <<<"$output")
	by_hand "${advice//'/dev/'/$BATS_TEST_TMPDIR/}" -machine q35 -m 128
	hand_start
	eventually 20 huge_pages_are 36
	grep -F ", huge pages 64 of 2M" "$BATS_TEST_TMPDIR/hand"
	tr '\0' '\n' <"/proc/$hand_pid/cmdline" | grep -x -A 1 -e -mem-path
	hand_end
	eventually 10 huge_pages_are 100
}

@test "by hand, a memory object: it needs no hugetlbfs" {
	rule hugepages=2M ksm=off
	by_hand : -object memory-backend-ram,id=mine,size=128M -machine q35,memory-backend=mine -m 128
	hand_start
	eventually 20 huge_pages_are 36
	same "$(memory_maps "$hand_pid" $KIB KernelPageSize Private_Hugetlb)" \
		"2048 $KIB"
	hand_end
	eventually 10 huge_pages_are 100
}

@test "by hand: what is on huge pages already counts beside what the rule brings there" {
	local own
	mkdir "$BATS_TEST_TMPDIR/huge"
	rule hugepages=2M
	for own in memory-backend-memfd,hugetlb=on,hugetlbsize=2M \
		"memory-backend-file,mem-path=$BATS_TEST_TMPDIR/huge"; do
		by_hand "mount -t hugetlbfs -o pagesize=2M none '$BATS_TEST_TMPDIR/huge'" -machine q35 \
			-m 128 -object "$own,id=own,size=64M,prealloc=on" -numa node,memdev=own \
			-object memory-backend-ram,id=mine,size=64M -numa node,memdev=mine
		huge_pages_give 63
		run -1 timeout 20 "${hand[@]}"
		[[ $output == *" must have 64 free and has 63"* ]]
		huge_pages_give 64
		hand_start
		eventually 20 huge_pages_are 0
		grep -F ", huge pages 32 of 2M, hugepages=2M, left as it is: own (" "$BATS_TEST_TMPDIR/hand"
		hand_end
		eventually 10 huge_pages_are 64
	done
}

@test "by hand: a file that has its pages already takes none, one that is to be made does" {
	local huge=$BATS_TEST_TMPDIR/huge
	mkdir "$huge"
	rule hugepages=2M
	object() {
		by_hand "mount -t hugetlbfs -o pagesize=2M none '$huge'; $1" -machine q35,memory-backend=mine \
			-m 64 -object memory-backend-ram,id=mine,size=64M \
			-object "memory-backend-file,mem-path=$huge/shared,id=shared,size=32M,share=on,prealloc=on" \
			-device ivshmem-plain,memdev=shared
	}
	huge_pages_give 47
	object :
	run -1 timeout 20 "${hand[@]}"
	[[ $output == *" must have 48 free and has 47"* ]]
	object "fallocate -l 32M '$huge/shared'"
	run -1 timeout 20 "${hand[@]}"
	[[ $output == *" must have 32 free and has 31"* ]]
	huge_pages_give 48
	object "fallocate -l 32M '$huge/shared'"
	hand_start
	eventually 20 huge_pages_are 0
	hand_end
}

@test "by hand: a -mem-path of one's own counts, and a mount needs room for the RAM alone" {
	local huge=$BATS_TEST_TMPDIR/huge object=memory-backend-ram,id=more,size=64M
	mkdir "$huge"
	rule hugepages=2M
	huge_pages_give 63
	by_hand "mount -t hugetlbfs -o pagesize=2M none '$huge'" -machine q35 -m 64 \
		-mem-path "$huge" -object "$object"
	run -1 timeout 20 "${hand[@]}"
	[[ $output == *" must have 64 free and has 63"* ]]

	huge_pages_give 64
	by_hand "mount -t hugetlbfs -o pagesize=2M,size=64M none '$huge'" -machine q35 -m 64 \
		-object "$object"
	hand_start
	eventually 20 huge_pages_are 0
	hand_end
	by_hand "mount -t hugetlbfs -o pagesize=2M,size=62M none '$huge'" -machine q35 -m 64
	run -1 timeout 20 "${hand[@]}"
	[[ $output == *"is mounted that user 0 may write and that has room"* ]]
}
