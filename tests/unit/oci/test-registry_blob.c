/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <pthread.h>

#include "base/limits.h"
#include "registry_fixture.h"

static struct fixture server, other;
static struct oci_descriptor layer;

static int start(void **state)
{
	(void)state;
	server = fixture_start_web();
	other = fixture_start_web();
	layer = fixture_layer(FIXTURE_LAYER_SIZE);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&server);
	fixture_stop(&other);
	return 0;
}

/* Read a blob of the repository name from offset on; *log says what it took. */
static int64_t fetch_at(const char *name, const struct oci_descriptor *blob, uint64_t offset,
			struct buf *log, struct diag *why)
{
	const struct registry_options options = {.stall_timeout_ms = 800};
	struct oci_source *source = fixture_source(&server, name, &options);
	int64_t r;

	(void)fixture_log(&server, log);
	*why = (struct diag){0};
	r = fixture_read(source, blob, offset, why);
	(void)fixture_log(&server, log);
	oci_source_close(source);
	if (r < 0 && !why->text[0])
		fail_msg("%s: no word about %lld", name, (long long)r);
	return r;
}

static int64_t fetch(const char *name, struct buf *log, struct diag *why)
{
	return fetch_at(name, &layer, 0, log, why);
}

static void a_blob_is_read_from_anywhere(void **state)
{
	static const uint64_t offsets[] = {
		0, 1, 123456, FIXTURE_LAYER_SIZE - 1, FIXTURE_LAYER_SIZE, FIXTURE_LAYER_SIZE + 1};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		int64_t left = FIXTURE_LAYER_SIZE - (int64_t)offsets[i];

		assert_int_equal(left < 0 ? 0 : left,
				 fetch_at("good", &layer, offsets[i], &log, &why));
		assert_int_equal(left < 0 ? 0 : left, bytes_of(buf_string(&log)));
	}
	buf_release(&log);
}

static void a_blob_goes_on_where_it_broke(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(FIXTURE_LAYER_SIZE, fetch("x/cut-100000", &log, &why));
	assert_int_equal(3, count_of(buf_string(&log), "/blobs/"));
	assert_non_null(strstr(buf_string(&log), "\"bytes=100000-\""));
	assert_non_null(strstr(buf_string(&log), "\"bytes=200000-\""));
	assert_int_equal(FIXTURE_LAYER_SIZE, bytes_of(buf_string(&log)));
	buf_release(&log);
}

/* What makes it through is as it was; what does not is given up after a number of tries. */
static void a_blob_that_breaks_anywhere_comes_whole_and_once(void **state)
{
	const struct oci_descriptor large = fixture_layer(5000000);
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	for (int i = 0; i < 10; i++) {
		int64_t r = fetch_at("x/cut-random/size-5000000", &large, 0, &log, &why);

		if (r < 0)
			fail_msg("%s", why.text);
		assert_int_equal(5000000, r);
		assert_int_equal(5000000, bytes_of(buf_string(&log)));
	}
	buf_release(&log);
}

static void a_blob_without_an_end_in_sight_is_given_up(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ECONNRESET, fetch("x/cut-10", &log, &why));
	assert_int_equal(RETRY_MAX + 1, count_of(buf_string(&log), "/blobs/"));
	assert_int_equal(-ECONNRESET, fetch("x/cut-0", &log, &why));
	buf_release(&log);
}

static void progress_earns_new_tries(void **state)
{
	const struct oci_descriptor large = fixture_layer(20000000);
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(20000000, fetch_at("x/cut-1100000/size-20000000", &large, 0, &log, &why));
	assert_int_equal(19, count_of(buf_string(&log), "/blobs/"));
	buf_release(&log);
}

static void a_server_without_ranges_begins_again_a_few_times(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(FIXTURE_LAYER_SIZE,
			 fetch("x/cut-200000/times-2/range-ignore", &log, &why));
	assert_int_equal(2 * 200000 + FIXTURE_LAYER_SIZE, bytes_of(buf_string(&log)));
	assert_int_equal(-EIO, fetch("x/cut-200001/range-ignore", &log, &why));
	assert_non_null(strstr(why.text, "cannot go on"));
	assert_int_equal(RANGE_IGNORED_MAX + 2, count_of(buf_string(&log), "/blobs/"));
	/* And from the middle on, in one go. */
	assert_int_equal(FIXTURE_LAYER_SIZE - 1000,
			 fetch_at("x/range-ignore", &layer, 1000, &log, &why));
	/* A part that begins before what was asked for is as good. */
	assert_int_equal(FIXTURE_LAYER_SIZE - 1000,
			 fetch_at("x/range-wrong", &layer, 1000, &log, &why));
	buf_release(&log);
}

static void another_size_than_promised_is_an_error(void **state)
{
	struct oci_descriptor smaller = layer, larger = layer;
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	smaller.size--;
	larger.size++;
	assert_int_equal(-EBADMSG, fetch_at("good", &smaller, 0, &log, &why));
	assert_non_null(strstr(why.text, "300000 bytes, and not 299999"));
	assert_int_equal(-EBADMSG, fetch_at("good", &larger, 0, &log, &why));
	assert_int_equal(-EBADMSG, fetch_at("good", &larger, 5, &log, &why));
	assert_int_equal(-EBADMSG, fetch_at("good", &larger, FIXTURE_LAYER_SIZE, &log, &why));
	assert_non_null(strstr(why.text, "ends before"));
	assert_int_equal(-EBADMSG, fetch("x/length-299000", &log, &why));
	assert_int_equal(-EBADMSG, fetch("x/length-301000", &log, &why));
	/* Without a length the end is where the connection ends, too early or not. */
	assert_int_equal(FIXTURE_LAYER_SIZE, fetch("x/length-none", &log, &why));
	assert_int_equal(-EBADMSG, fetch_at("x/length-none", &larger, 0, &log, &why));
	buf_release(&log);
}

static void a_body_without_end_is_cut_at_its_size(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(FIXTURE_LAYER_SIZE, fetch("x/endless-yes", &log, &why));
	buf_release(&log);
}

static void a_slow_body_is_given_up(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ETIMEDOUT, fetch("x/rate-20", &log, &why));
	assert_non_null(strstr(why.text, "given up"));
	buf_release(&log);
}

static void what_may_pass_is_tried_again(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(FIXTURE_LAYER_SIZE, fetch("x/status-503/times-3", &log, &why));
	assert_int_equal(FIXTURE_LAYER_SIZE, fetch("x/status-429/wait-1/times-1", &log, &why));
	assert_int_equal(-EBUSY, fetch("x/status-429/wait-600", &log, &why));
	assert_int_equal(1, count_of(buf_string(&log), "/blobs/"));
	assert_int_equal(-EIO, fetch("x/status-503", &log, &why));
	assert_int_equal(-ENOENT, fetch("x/have-no", &log, &why));
	assert_non_null(strstr(why.text, "BLOB_UNKNOWN: none such"));
	assert_int_equal(1, count_of(buf_string(&log), "/blobs/"));
	buf_release(&log);
}

static void redirects_are_followed_each_time_and_to_http_only(void **state)
{
	const struct registry_options options = {0};
	struct oci_source *source;
	struct buf log = {0};
	struct diag why = {0};
	char name[64];

	(void)state;
	/* To where it breaks: the registry is asked again, not the place that it led to. */
	assert_int_equal(FIXTURE_LAYER_SIZE, fetch("x/to-blob", &log, &why));
	assert_int_equal(2, count_of(buf_string(&log), "/blobs/"));
	assert_int_equal(FIXTURE_LAYER_SIZE, bytes_of(buf_string(&log)));
	assert_int_equal(-EPERM, fetch("x/to-file", &log, &why));
	assert_non_null(strstr(why.text, "redirect refused"));
	assert_int_equal(-E2BIG, fetch("x/to-loop", &log, &why));

	(void)snprintf(name, sizeof(name), "x/auth-bearer/to-other.%d", other.port);
	source = fixture_source(&server, name, &options);
	(void)fixture_log(&other, &log);
	assert_int_equal(FIXTURE_LAYER_SIZE, fixture_read(source, &layer, 0, &why));
	assert_null(strstr(fixture_log(&other, &log), "authorization"));
	assert_non_null(strstr(buf_string(&log), "/bytes/300000"));
	assert_non_null(strstr(fixture_log(&server, &log), "Bearer good"));
	oci_source_close(source);
	buf_release(&log);
}

static void *read_one(void *context)
{
	struct diag why = {0};

	for (int i = 0; i < 5; i++)
		assert_int_equal(FIXTURE_LAYER_SIZE, fixture_read(context, &layer, 0, &why));
	return NULL;
}

static void several_threads_share_a_source(void **state)
{
	struct oci_source *source = fixture_source(&server, "t/auth-bearer/cut-100000", NULL);
	struct buf log = {0};
	pthread_t threads[4];

	(void)state;
	(void)fixture_log(&server, &log);
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, read_one, source));
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_join(threads[i], NULL));
	assert_int_equal(1, count_of(fixture_log(&server, &log), "/token?"));
	assert_int_equal(20 * FIXTURE_LAYER_SIZE, bytes_of(buf_string(&log)) - 0);
	oci_source_close(source);
	buf_release(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blob_is_read_from_anywhere),
		cmocka_unit_test(a_blob_goes_on_where_it_broke),
		cmocka_unit_test(a_blob_that_breaks_anywhere_comes_whole_and_once),
		cmocka_unit_test(a_blob_without_an_end_in_sight_is_given_up),
		cmocka_unit_test(progress_earns_new_tries),
		cmocka_unit_test(a_server_without_ranges_begins_again_a_few_times),
		cmocka_unit_test(another_size_than_promised_is_an_error),
		cmocka_unit_test(a_body_without_end_is_cut_at_its_size),
		cmocka_unit_test(a_slow_body_is_given_up),
		cmocka_unit_test(what_may_pass_is_tried_again),
		cmocka_unit_test(redirects_are_followed_each_time_and_to_http_only),
		cmocka_unit_test(several_threads_share_a_source),
	};

	return cmocka_run_group_tests_name("oci/registry_blob", tests, start, stop);
}
