@test "fails" {
	false
}

@test "is skipped" {
	skip
}

@test "passes" {
	true
}
