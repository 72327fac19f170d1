# What the bats files share: each test begins without a policy and with an agent
# that has said nothing yet, and leaves no guest.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
# shellcheck source=tests/e2e/lib.bash
source "$BATS_TEST_DIRNAME/lib.bash"
: "${E2E_STATE:?start this suite with tests/e2e/run}"

test_begin() {
	policy_clear
	agent_start
	agent_log_clear
}

setup() {
	test_begin
}

teardown() {
	guests_remove
	policy_clear
}
