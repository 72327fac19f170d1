#!/usr/bin/env bats
# What a rule does to the guest's memory: the command line that the emulator then gets.
# Huge pages that there are, and real emulators, are for tests/e2e and tests/lab.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
# shellcheck disable=SC2154 # stderr is set by run

load lib

setup() {
	work_make
	emulator_make
	NODE=$(numactl --show | sed -n 's/^nodebind: \([0-9]*\).*/\1/p')
	NODE=${NODE:-0}
}

# becomes WORD... -- WORD... - started with the words before, the emulator gets those
# after; what the rule says is in `stderr`.
becomes() {
	local given=() wanted=("$EMULATOR")
	while [[ $1 != -- ]]; do
		given+=("$1")
		shift
	done
	wanted+=("${@:2}")
	works "$EMULATOR" "${given[@]}" -D "$WORK/seen"
	equal "$(seen 'argv [0-9]*' "$WORK/seen")" "$(printf '%s\n' "${wanted[@]}" -D "$WORK/seen")"
	works "$EMULATOR" --shim-dry-run "${given[@]}"
	eval "shown=($(seen argv <<<"$output"))"
	equal "${shown[*]}" "${wanted[*]}"
}

@test "ksm: one more -machine, behind the last" {
	policy 'off - ksm=off' 'on - ksm=on'
	becomes -name off -- -machine mem-merge=off -name off
	becomes -name on -m 64 -- -machine mem-merge=on -name on -m 64
	becomes -M pc -machine accel=tcg,mem-merge=on -name off -machine dump-guest-core=off -m 64 -- \
		-M pc -machine accel=tcg,mem-merge=on -name off -machine dump-guest-core=off \
		-machine mem-merge=off -m 64
	# A last option that lacks its argument gets none of ours.
	works "$EMULATOR" --shim-dry-run -name off -device
	equal "$(seen argv <<<"$output")" "$EMULATOR -machine mem-merge=off -name off -device"
}

@test "ksm: an object that says the contrary itself" {
	policy 'off - ksm=off'
	becomes -object memory-backend-ram,id=a,merge=on,size=1M -object memory-backend-ram,id=b,size=1M \
		-object '{"qom-type":"memory-backend-file","merge":true,"id":"c","size":4096}' -name off -- \
		-machine mem-merge=off \
		-object memory-backend-ram,id=a,merge=off,size=1M -object memory-backend-ram,id=b,size=1M \
		-object '{"qom-type":"memory-backend-file","merge":false,"id":"c","size":4096}' -name off
}

@test "prealloc: objects, and RAM that is none" {
	policy 'web - prealloc=on'
	becomes -name web -m 64 -- -mem-prealloc -name web -m 64
	becomes -name web -machine memory-backend=a -object memory-backend-ram,id=a,size=1M \
		-object '{"qom-type":"memory-backend-memfd","id":"b","prealloc":false,"size":4096}' -- \
		-name web -machine memory-backend=a -object memory-backend-ram,id=a,size=1M,prealloc=on \
		-object '{"qom-type":"memory-backend-memfd","id":"b","prealloc":true,"size":4096}'
	# What may never be used, or is a file, is left alone, and the record says so.
	start=(-name web -machine memory-backend=f
		-object '{"qom-type":"memory-backend-ram","id":"v","reserve":false,"size":4096}'
		-object 'memory-backend-file,id=f,size=4096,mem-path=/x')
	becomes "${start[@]}" -- "${start[@]}"
	works "$EMULATOR" "${start[@]}" -D "$WORK/seen"
	has "$stderr" ', prealloc=on, left as it is: v (reserve=off), f (memory-backend-file)'
}

@test "what is no JSON, and what is no memory, goes through byte for byte" {
	local odd=(-name web -machine memory-backend=a -object '{"qom-type":"memory-backend-ram",}'
		-object '{"qom-type":"memory-backend-ram","id":"a","size":"4096"}' -object '{' -object ''
		-object '{ "qom-type" : "secret" , "id" : "s" }' -object 'secret,id=t,data=memory-backend-ram'
		-object "{'qom-type':'iothread','id':'i'}" -object 'memory-backend-ram,id=b'
		-object '{"qom-type":"memory-backend-ram","id":"a","id":"b","size":4096}')
	policy 'web - prealloc=on'
	becomes "${odd[@]}" -- "${odd[@]}"
	policy 'web -'
	becomes "${odd[@]}" -- "${odd[@]}"
}

@test "memory that QEMU would read and we cannot: refused, for it would be silently left out" {
	local words odd
	policy 'pre - prealloc=on' 'ksm - ksm=off' 'huge - hugepages=2M' 'prefer - hugepages=prefer:2M' \
		'be - prealloc=on best-effort' 'off - hugepages=off'
	for words in "-object {'qom-type':'memory-backend-ram','id':'a','size':4096}" \
		'-object memory-backend-ram,id=a,size=+1G' \
		'-object memory-backend-ram,id=a,size=1M,host-nodes=0x0,policy=bind' \
		'-readconfig /dev/null' '-set object.a.size=1G' '-set memory..size=1G' \
		"-device {'driver':'virtio-mem-pci','memdev':'a'}" \
		'-set device.d.memdev=a' '-global virtio-mem-pci.memdev=a'; do
		odd=(-machine memory-backend=a "${words%% *}" "${words#* }")
		for guest in pre ksm huge; do
			fails 1 "$EMULATOR" -name "$guest" "${odd[@]}"
			has "$stderr" "there may be memory in ${words%% *} '${words#* }', which cannot be read here"
		done
		for guest in prefer be off; do
			becomes -name "$guest" "${odd[@]}" -- -name "$guest" "${odd[@]}"
		done
	done
	becomes -name ksm -set device.a.b=c -- -machine mem-merge=off -name ksm -set device.a.b=c
}

@test "RAM that is no object: what is allocated beforehand is that alone" {
	local file='memory-backend-file,id=f,size=1M,mem-path=/x'
	policy 'web - prealloc=on'
	becomes -name web -object "$file" -object '{"qom-type":"memory-backend-memfd","id":"v","size":4096}' \
		-device virtio-mem-pci,memdev=v -object "$file,prealloc=on" -- \
		-mem-prealloc -name web -object "$file,prealloc=off" \
		-object '{"qom-type":"memory-backend-memfd","id":"v","size":4096,"prealloc":false}' \
		-device virtio-mem-pci,memdev=v -object "$file,prealloc=on"
	# What is to be allocated anyhow stays so.
	becomes -name web -mem-prealloc -object "$file" -- -name web -mem-prealloc -object "$file"
	fails 1 "$EMULATOR" -name web -object memory-backend-ram,id=v,size=1M,reserve=off
	has "$stderr" "beside the object 'v' with reserve=off"
}

@test "memory of devices that would not be the same to the guest is left alone" {
	local device
	policy 'web - prealloc=on'
	for device in virtio-mem-pci,memdev=v '{"driver":"virtio-mem-pci","memdev":"v"}' \
		nvdimm,id=x,memdev=v ivshmem-plain,memdev=/objects/v; do
		becomes -device "$device" -name web -machine memory-backend=a \
			-object memory-backend-ram,id=v,size=1M -- \
			-device "$device" -name web -machine memory-backend=a \
			-object memory-backend-ram,id=v,size=1M
		[[ $output =~ "left as it is: v ("(virtio-mem-pci|nvdimm|ivshmem-plain)")" ]]
	done
	becomes -device pc-dimm,memdev=v -name web -machine memory-backend=a \
		-object memory-backend-ram,id=v,size=1M -- \
		-device pc-dimm,memdev=v -name web -machine memory-backend=a \
		-object memory-backend-ram,id=v,size=1M,prealloc=on
}

@test "options that change nothing" {
	local line=(-name web -m 64 -object '{ "qom-type" : "memory-backend-ram","id":"a","size":4096 }')
	policy 'web - hugepages=off thp=default'
	becomes "${line[@]}" -- "${line[@]}"
	works "$EMULATOR" "${line[@]}" -D "$WORK/seen"
	equal "$stderr" "qemu-kvm-shim: guest 'web': rule $WORK/policy:1, hugepages=off, thp=default"
}

@test "huge pages of a size that no host has" {
	policy 'web - hugepages=3M' 'prefer - hugepages=prefer:3M ksm=off' 'be - hugepages=3M ksm=off best-effort'
	fails 1 "$EMULATOR" -name web -D "$WORK/seen"
	one_line "$stderr"
	has "$stderr" "$WORK/policy:1: this host has no huge pages of 3M; the sizes that it has: "
	[[ ! -e $WORK/seen ]]
	fails 1 "$TOOL" match web
	has "$output" "error: $WORK/policy:1: this host has no huge pages of 3M"
	fails 1 "$TOOL" check
	has "$output" "$WORK/policy:1: this host has no huge pages of 3M"
	has "$output" "$WORK/policy:2: warning: this host has no huge pages of 3M"

	# Only the huge pages are left out, or all that the rule asks for.
	becomes -name prefer -- -machine mem-merge=off -name prefer
	fails 1 "$TOOL" match prefer
	has "$output" 'the guest gets normal pages'
	becomes -name be -- -name be
	works "$EMULATOR" -name be -D "$WORK/seen"
	has "$stderr" "guest 'be' starts unplaced"
}

@test "more huge pages than any host has" {
	policy "web $NODE hugepages=2M" "prefer $NODE hugepages=prefer:2M"
	fails 1 "$EMULATOR" -name web -m 1024T -D "$WORK/seen"
	has "$stderr" "$WORK/policy:1: too few huge pages of 2M: node $NODE must have 536870912 free and has "
	fails 1 "$EMULATOR" -name web -machine memory-backend=a -D "$WORK/seen" \
		-object '{"qom-type":"memory-backend-ram","id":"a","size":1125899906842624}'
	has "$stderr" "node $NODE must have 536870912 free"
	becomes -name prefer -m 1024T -- -name prefer -m 1024T
	works "$EMULATOR" -name prefer -m 1024T -D "$WORK/seen"
	has "$stderr" "node $NODE must have 536870912 free and has "
	has "$stderr" 'the guest gets normal pages'
}

@test "huge pages: memory that cannot be told, or is no multiple of them" {
	policy 'web - hugepages=2M'
	fails 1 "$EMULATOR" -name web -m 1GG -D "$WORK/seen"
	has "$stderr" "$WORK/policy:1: the size of -m cannot be read"
	fails 1 "$EMULATOR" -name web -m 1 -D "$WORK/seen"
	has "$stderr" "$WORK/policy:1: the guest's memory is 1M, less than a page of 2M"
	fails 1 "$EMULATOR" -name web -machine memory-backend=a -object memory-backend-ram,id=a,size=3M
	has "$stderr" "the memory object 'a' is of 3M, no multiple of 2M"
	# Nobody uses that one, and it is left.
	becomes -name web -machine memory-backend=b -object memory-backend-ram,id=a,size=3M -- \
		-name web -machine memory-backend=b -object memory-backend-ram,id=a,size=3M
}

@test "thp: the emulator has none, and nobody else loses them" {
	policy 'never - thp=never' 'default - thp=default' "placed $NODE thp=never" \
		"refused 1023 thp=never best-effort"
	works "$EMULATOR" -name never -D "$WORK/seen"
	grep -qx 'no huge pages: 1' "$WORK/seen"
	has "$stderr" 'thp=never'
	works "$EMULATOR" -name placed -D "$WORK/seen"
	grep -qx 'no huge pages: 1' "$WORK/seen"
	for guest in default refused; do
		works "$EMULATOR" -name "$guest" -D "$WORK/seen"
		grep -qx 'no huge pages: 0' "$WORK/seen"
	done
	works "$EMULATOR" --shim-dry-run -name never
	has "$output" $'\noption: thp=never\n'
}

# old_emulator WORD... - puts an emulator at $EMULATOR that holds these words of QEMU's,
# and installs the shim.
old_emulator() {
	rm -rf "$WORK/libexec"
	mkdir "$WORK/libexec"
	{
		cat "$STANDIN"
		printf '%s\0' 'QEMU emulator version 1.2.0' "$@"
	} >"$EMULATOR"
	chmod 755 "$EMULATOR"
	works "$TOOL" install "$EMULATOR"
}

@test "an emulator that is too old is told as it is installed, and refused by name" {
	policy 'ksm - ksm=off' 'other -'
	old_emulator
	equal "$(sed 1d "$ALIAS.lacks")" 'mem-merge
memory-backend-memfd
x-use-canonical-path-for-ramblock-id'
	equal "$(stat -c %a "$ALIAS.lacks")" 644
	fails 1 "$EMULATOR" -name ksm -D "$WORK/seen"
	has "$stderr" "ksm= needs QEMU 1.3 or later, and $REAL has no 'mem-merge'"
	works "$EMULATOR" -name other -D "$WORK/seen"

	# One that has it all leaves no record, in the place of one that has not, too.
	rm "$EMULATOR.real"
	{
		cat "$STANDIN"
		printf '%s\0' 'QEMU emulator version 7.2' mem-merge memory-backend-memfd \
			x-use-canonical-path-for-ramblock-id
	} >"$WORK/new"
	chmod 755 "$WORK/new"
	mv "$WORK/new" "$EMULATOR"
	works "$TOOL" install "$EMULATOR"
	[[ ! -e $ALIAS.lacks ]]
	works "$EMULATOR" -name ksm -D "$WORK/seen"

	old_emulator mem-merge
	works "$EMULATOR" -name ksm -D "$WORK/seen"
	# A record of another emulator than the one that is there is not asked.
	old_emulator
	cp "$REAL" "$WORK/new"
	mv "$WORK/new" "$REAL"
	works "$EMULATOR" -name ksm -D "$WORK/seen"

	works "$TOOL" uninstall "$EMULATOR"
	equal "$(find "$WORK/libexec" -mindepth 1)" "$EMULATOR"
}
