/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "fuse/ledger.h"

static struct fuse_ledger *ledger_new(void)
{
	struct fuse_ledger *ledger;

	assert_int_equal(0, fuse_ledger_new(&ledger));
	return ledger;
}

static void negotiate(struct fuse_ledger *ledger, uint64_t flags)
{
	ledger->flags = flags;
	atomic_store(&ledger->is_negotiated, true);
}

static void only_what_the_kernel_sends_again_can_be_resumed(void **state)
{
	struct fuse_ledger *ledger = ledger_new();

	(void)state;
	assert_false(fuse_ledger_can_resume(ledger));
	negotiate(ledger, INIT_HAS_RESEND | INIT_EXPORT_SUPPORT);
	assert_true(fuse_ledger_can_resume(ledger));
	negotiate(ledger, INIT_EXPORT_SUPPORT);
	assert_false(fuse_ledger_can_resume(ledger));
	negotiate(ledger, INIT_HAS_RESEND | INIT_OVER_IO_URING);
	assert_false(fuse_ledger_can_resume(ledger));
	negotiate(ledger, INIT_HAS_RESEND | INIT_PASSTHROUGH);
	assert_false(fuse_ledger_can_resume(ledger));
	fuse_ledger_free(ledger);
	fuse_ledger_free(NULL);
}

static void what_a_child_counts_is_seen(void **state)
{
	struct fuse_ledger *ledger = ledger_new();
	pid_t pid;

	(void)state;
	assert_int_equal(0, fuse_ledger_done(ledger));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 5; i++) {
			ledger_count(&ledger->slots[0].done);
			ledger_count(&ledger->slots[LEDGER_SLOT_COUNT - 1].done);
		}
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	assert_int_equal(10, fuse_ledger_done(ledger));
	fuse_ledger_free(ledger);
}

static void who_has_the_same_request_at_two_looks_is_stuck(void **state)
{
	struct fuse_ledger *ledger = ledger_new();
	struct ledger_slot *slot = &ledger->slots[3];
	struct ledger_watch watch = {0};

	(void)state;
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false)); /* idle */
	ledger_count(&slot->taken);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false)); /* busy, since now */
	ledger_count(&slot->done);
	ledger_count(&slot->taken);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false)); /* with another one */
	assert_true(fuse_ledger_is_stuck(ledger, &watch, false));
	ledger_count(&slot->done);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false));

	/* What a dead server had in hand is not held against the next one. */
	ledger_count(&slot->taken);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false));
	fuse_ledger_forget(ledger, &watch);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false));
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false));
	assert_int_equal(2, fuse_ledger_done(ledger));
	fuse_ledger_free(ledger);
}

static void who_leaves_requests_waiting_at_two_looks_is_stuck(void **state)
{
	struct fuse_ledger *ledger = ledger_new();
	struct ledger_slot *slot = &ledger->slots[3];
	struct ledger_watch watch = {0};

	(void)state;
	assert_false(fuse_ledger_is_stuck(ledger, &watch, true)); /* since now */
	ledger_count(&slot->taken);
	ledger_count(&slot->done);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, true)); /* others than before */
	assert_false(fuse_ledger_is_stuck(ledger, &watch, false));
	assert_false(fuse_ledger_is_stuck(ledger, &watch, true));
	assert_true(fuse_ledger_is_stuck(ledger, &watch, true));
	/* The next server has as much time as the first. */
	fuse_ledger_forget(ledger, &watch);
	assert_false(fuse_ledger_is_stuck(ledger, &watch, true));
	fuse_ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_the_kernel_sends_again_can_be_resumed),
		cmocka_unit_test(what_a_child_counts_is_seen),
		cmocka_unit_test(who_has_the_same_request_at_two_looks_is_stuck),
		cmocka_unit_test(who_leaves_requests_waiting_at_two_looks_is_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
