# AppArmor: in which profile a guest is, and what the kernel has denied.
# shellcheck shell=bash

# guest_profile NAME - the profile that libvirt makes for the guest: it has its UUID.
guest_profile() {
	guest_xml "$1" | sed -n 's,.*<uuid>\(.*\)</uuid>.*,libvirt-\1,p'
}

# is_confined NAME - the running guest NAME is in its own profile, which is enforced.
is_confined() {
	same "$(<"/proc/$(guest_pid "$1")/attr/current")" "$(guest_profile "$1") (enforce)"
}

# denials_all - all that AppArmor has denied since the machine was booted. The journal
# has it from the kernel's log and once more from the audit subsystem, for the kernel
# does not log more than some lines at a time.
denials_all() {
	local said
	journalctl --sync || return 1
	said=$(journalctl --boot --no-pager --output=cat _TRANSPORT=kernel + _TRANSPORT=audit) ||
		return 1
	sed -n '/apparmor="DENIED"/p' <<<"$said"
}

# denials_expect NAME - what is denied to the guest NAME from now on is as it should be.
denials_expect() {
	guest_profile "$1" >>"$E2E_STATE/denials.expected"
}

# no_denials - nothing was denied but what was expected, exactly that guest's.
no_denials() {
	local said profile
	said=$(denials_all) || return 1
	while read -r profile; do
		said=$(sed "/profile=\"$profile\"/d" <<<"$said")
	done < <(cat "$E2E_STATE/denials.expected" 2>/dev/null)
	[[ -z $said ]] || {
		echo "AppArmor has denied:"
		echo "$said"
		return 1
	}
}
