# The interrupts of the host, for the files that move them: with devices_find first, and
# affinities >"$BATS_TEST_TMPDIR/affinities".
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the tests

STATE=$AGENT_DIRECTORY/interrupts.json

# affinities - of all interrupts, a line for each: IRQ CPUS.
affinities() {
	local file
	for file in /proc/irq/[0-9]*/smp_affinity_list; do
		file=${file#/proc/irq/}
		echo "${file%/*} $(<"/proc/irq/$file")"
	done | sort -n
}

affinities_restore() {
	local irq cpus
	while read -r irq cpus; do
		[[ $(affinity "$irq") == "$cpus" ]] || affinity_set "$irq" "$cpus"
	done <"$BATS_TEST_TMPDIR/affinities"
}

affinities_are_as_before() {
	affinities | diff "$BATS_TEST_TMPDIR/affinities" -
}

host_is_as_before() {
	affinities_are_as_before && [[ ! -e $STATE ]]
}

# affinity IRQ... - the different ones, one per line.
affinity() {
	(cd /proc/irq && cat "${@/%//smp_affinity_list}") | sort -u
}

affinity_set() {
	echo "$2" >"/proc/irq/$1/smp_affinity_list"
}

# can_be_moved IRQ - the kernel lets root write its affinity.
can_be_moved() {
	affinity_set "$1" "$(affinity "$1")" 2>/dev/null
}

# function_of CLASS NAME - the directory of the PCI function that the device is on.
function_of() {
	local path
	path=$(readlink -f "/sys/class/$1/$2")
	until [[ -d $path/msi_irqs ]]; do
		path=${path%/*}
		[[ $path == /sys/devices/* ]] || return 1
	done
	echo "$path"
}

# device_of_class CLASS - the first that has interrupts of its own.
device_of_class() {
	local name
	for name in "/sys/class/$1"/*; do
		! function_of "$1" "${name##*/}" >/dev/null || break
	done
	echo "${name##*/}"
}

# vectors CLASS NAME - the interrupts of the device.
vectors() {
	find "$(function_of "$1" "$2")/msi_irqs" -type f -printf '%f\n' | sort -n
}

# devices_find - the network interface and the disk whose interrupts the tests move, those of
# the interface being on more than one CPU, as they come.
devices_find() {
	NIC=$(device_of_class net)
	DISK=$(device_of_class block)
	FUNCTION=$(function_of net "$NIC")
	mapfile -t IRQS < <(vectors net "$NIC")
	mapfile -t DISK_IRQS < <(vectors block "$DISK")
	BEFORE=$(affinity "${IRQS[0]}")
	same "$(affinity "${IRQS[@]}")" "$BEFORE" &&
		[[ $BEFORE != "$E2E_CPU" && $BEFORE != "$E2E_OTHER_CPU" ]]
}

# interrupts_given_back - the end of every test: that all is as it was is part of it.
interrupts_given_back() {
	agent_start
	as_before_within 5 || {
		agent_log
		agent_stop
		affinities_restore
		rm -f "$STATE"
		return 1
	}
}

## What is claimed

# are_on CPUS [IRQ...] - if not of these, of all of the network interface.
are_on() {
	local cpus=$1
	shift
	(($# > 0)) || set -- "${IRQS[@]}"
	[[ $(affinity "$@") == "$cpus" ]]
}

# only_moved CPUS - those of the network interface are there, and no others have moved.
only_moved() {
	local irq
	diff <(affinities) <(while read -r irq cpus; do
		[[ " ${IRQS[*]} " != *" $irq "* ]] || cpus=$1
		echo "$irq $cpus"
	done <"$BATS_TEST_TMPDIR/affinities")
}

as_before_within() {
	eventually "$1" host_is_as_before >/dev/null || host_is_as_before
}
