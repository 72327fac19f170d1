@test "hangs" {
	sleep 1000
}

@test "comes after it" {
	true
}
