/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/limits.h"
#include "registry_fixture.h"

static struct fixture server;
static struct oci_descriptor layer;

static int start(void **state)
{
	(void)state;
	server = fixture_start_web();
	layer = fixture_layer(FIXTURE_LAYER_SIZE);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&server);
	return 0;
}

/* Read a part; the bytes have to be the pattern's. Returns how many, or -errno. */
static int64_t part_of(const char *name, const struct oci_descriptor *blob, uint64_t offset,
		       uint64_t size, struct buf *log, struct diag *why)
{
	const struct registry_options options = {.stall_timeout_ms = 800};
	struct oci_source *source = fixture_source(&server, name, &options);
	struct reader reader;
	uint8_t data[5000];
	int64_t count = 0;
	ssize_t got;
	int r;

	(void)fixture_log(&server, log);
	*why = (struct diag){0};
	assert_true(oci_source_has_ranges(source));
	r = oci_source_range(source, blob, offset, size, &reader, why);
	if (r == 0) {
		while ((got = reader_read(&reader, data, sizeof(data), why)) > 0) {
			for (ssize_t i = 0; i < got; i++, count++)
				assert_int_equal(fixture_byte(offset + (uint64_t)count), data[i]);
		}
		reader_close(&reader);
		r = (int)got;
	}
	(void)fixture_log(&server, log);
	oci_source_close(source);
	return r < 0 ? r : count;
}

static void a_part_is_read_and_no_more_is_asked_for(void **state)
{
	static const uint64_t parts[][2] = {{0, 1},
					    {1, 20000},
					    {123456, 7},
					    {0, FIXTURE_LAYER_SIZE},
					    {FIXTURE_LAYER_SIZE - 1, 1}};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_int_equal(parts[i][1],
				 part_of("good", &layer, parts[i][0], parts[i][1], &log, &why));
		assert_int_equal(parts[i][1], bytes_of(buf_string(&log)));
		assert_int_equal(1, count_of(buf_string(&log), "/blobs/"));
	}
	buf_release(&log);
}

static void a_part_that_is_not_in_the_blob_is_not_asked_for(void **state)
{
	static const uint64_t parts[][2] = {{0, 0},
					    {0, FIXTURE_LAYER_SIZE + 1},
					    {1, FIXTURE_LAYER_SIZE},
					    {UINT64_MAX, 2},
					    {2, UINT64_MAX}};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_int_equal(-EINVAL,
				 part_of("good", &layer, parts[i][0], parts[i][1], &log, &why));
		assert_int_equal(0, count_of(buf_string(&log), "/blobs/"));
	}
	buf_release(&log);
}

static void an_answer_that_is_something_else_is_refused(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {
		{"x/range-ignore", -EOPNOTSUPP}, {"x/range-wrong", -EUCLEAN},
		{"x/size-299999", -EBADMSG},     {"x/size-100", -EBADMSG},
		{"x/have-no", -ENOENT},          {"x/cut-50", -ECONNRESET},
	};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cases[i].error,
				 part_of(cases[i].name, &layer, 1000, 200, &log, &why));
		assert_true(why.text[0]);
	}
	buf_release(&log);
}

static void a_server_that_is_busy_is_asked_again(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(300, part_of("x/status-503/times-2", &layer, 1000, 300, &log, &why));
	assert_int_equal(3, count_of(buf_string(&log), "/blobs/"));
	buf_release(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_read_and_no_more_is_asked_for),
		cmocka_unit_test(a_part_that_is_not_in_the_blob_is_not_asked_for),
		cmocka_unit_test(an_answer_that_is_something_else_is_refused),
		cmocka_unit_test(a_server_that_is_busy_is_asked_again),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
