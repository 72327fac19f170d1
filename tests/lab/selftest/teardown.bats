teardown_file() {
	false
}

@test "passes" {
	[[ -d /sys/devices/system/node/node0 ]]
}
