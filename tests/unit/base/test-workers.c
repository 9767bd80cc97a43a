/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/workers.h"

struct tally {
	atomic_int ran;
	atomic_int fail_at; /* the job with this value fails; 0: none does */
};

static atomic_int dropped;

static int count_job(void *context, void *job, struct diag *why)
{
	struct tally *tally = context;

	atomic_fetch_add(&tally->ran, 1);
	if ((int)(intptr_t)job == tally->fail_at)
		return diag_set(why, -EIO, "job %d failed", tally->fail_at);
	return 0;
}

static void drop_job(void *job)
{
	(void)job;
	atomic_fetch_add(&dropped, 1);
}

static void runs_every_job_once(void **state)
{
	struct tally tally = {0};
	struct workers *workers;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, workers_new(4, count_job, NULL, &tally, &workers));
	for (intptr_t i = 1; i <= 10000; i++)
		assert_int_equal(0, workers_add(workers, (void *)i));
	assert_int_equal(0, workers_finish(workers, &why));
	assert_int_equal(10000, tally.ran);
	assert_string_equal("", why.text);
}

static void stops_at_the_first_failure_and_drops_the_rest(void **state)
{
	struct tally tally = {.fail_at = 100};
	struct workers *workers;
	struct diag why = {0};
	int added = 0;

	(void)state;
	dropped = 0;
	assert_int_equal(0, workers_new(2, count_job, drop_job, &tally, &workers));
	for (intptr_t i = 1; i <= 5000; i++) {
		added++;
		if (workers_add(workers, (void *)i) < 0)
			break;
	}
	assert_int_equal(-EIO, workers_finish(workers, &why));
	assert_string_equal("job 100 failed", why.text);
	assert_int_equal(added, tally.ran + dropped);
}

static void takes_no_jobs_at_all(void **state)
{
	struct tally tally = {0};
	struct workers *workers;

	(void)state;
	assert_int_equal(0, workers_new(0, count_job, NULL, &tally, &workers));
	assert_int_equal(0, workers_finish(workers, NULL));
	assert_int_equal(0, workers_finish(NULL, NULL));
	assert_true(cpu_count() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_every_job_once),
		cmocka_unit_test(stops_at_the_first_failure_and_drops_the_rest),
		cmocka_unit_test(takes_no_jobs_at_all),
	};

	return cmocka_run_group_tests_name("base/workers", tests, NULL, NULL);
}
