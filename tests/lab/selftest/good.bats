@test "passes" {
	[[ -d /sys/devices/system/node/node0 ]]
}
