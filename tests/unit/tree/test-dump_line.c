/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "tree/dump_private.h"

#define HEX_8 "0123abCD"
#define HEX_64 HEX_8 HEX_8 HEX_8 HEX_8 HEX_8 HEX_8 HEX_8 HEX_8

static int parse(const char *text, struct buf *scratch, struct dump_line *ret, struct diag *why)
{
	return dump_line_parse(span_of_string(text), scratch, ret, why);
}

static void assert_span(const char *expected, struct span actual)
{
	assert_int_equal(strlen(expected), actual.size);
	assert_memory_equal(expected, actual.data, actual.size);
}

static void reads_every_field(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0};
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_ok(parse("/a 5 100644 2 1000 70000 9 12.34 xy hello " HEX_64 " user.a=b", &scratch,
			&line, &why),
		  &why);
	assert_span("/a", line.path);
	assert_int_equal(0100644, line.mode);
	assert_false(line.is_hard_link);
	assert_int_equal(5, line.size);
	assert_int_equal(2, line.nlink);
	assert_int_equal(1000, line.uid);
	assert_int_equal(70000, line.gid);
	assert_int_equal(9, line.rdev);
	assert_int_equal(12, line.mtime_sec);
	assert_int_equal(34, line.mtime_nsec);
	assert_true(line.has_payload && line.has_content);
	assert_span("xy", line.payload);
	assert_span("hello", line.content);
	assert_int_equal(DIGEST_SHA256, line.digest.algorithm);
	assert_int_equal(0xcd, line.digest.bytes[3]);
	assert_span("user.a=b", line.raw_xattrs);
}

static void decodes_escapes_and_keeps_other_bytes(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0};
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_ok(parse("/\\\\\\n\\r\\t\\x20\\xFf\\x0a\xc3\x01 4 100644 1 0 0 0 0.0 - "
			"\\x00\\x00a\\x00 -",
			&scratch, &line, &why),
		  &why);
	assert_span("/\\\n\r\t \xff\n\xc3\x01", line.path);
	assert_int_equal(4, line.content.size);
	assert_memory_equal("\0\0a\0", line.content.data, 4);
}

static void takes_a_dash_for_unset_and_an_escaped_one_for_itself(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0};
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_ok(parse("/a 1 100644 1 0 0 0 0.0 - - -", &scratch, &line, &why), &why);
	assert_false(line.has_payload || line.has_content);
	assert_int_equal(DIGEST_NONE, line.digest.algorithm);
	assert_ok(parse("/a 1 100644 1 0 0 0 0.0 \\x2d \\x2d -", &scratch, &line, &why), &why);
	assert_span("-", line.payload);
	assert_span("-", line.content);
}

/* What is missing at the end is the empty string; of a digest that means none. */
static void takes_missing_fields_at_the_end_for_empty(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0};
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_ok(parse("/a 0 100644 1 0 0 0 0.0", &scratch, &line, &why), &why);
	assert_false(line.has_payload);
	assert_int_equal(0, line.content.size);
	assert_int_equal(DIGEST_NONE, line.digest.algorithm);
	assert_int_equal(-EUCLEAN, parse("/a 5 100644 1 0 0 0 0.0", &scratch, &line, &why));
	assert_int_equal(-EUCLEAN, parse("/a 5 100644 1 0 0 0", &scratch, &line, &why));
}

static void reads_numbers_as_strtoull_does(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
		uint32_t nlink;
	} cases[] = {
		{"007", 7, 7},
		{"+7", 7, 7},
		{"\t\v\f\r7", 7, 7},
		{"-1", UINT64_MAX, UINT32_MAX},
		{"4294967298", 4294967298, 2},
		{"18446744073709551615", UINT64_MAX, UINT32_MAX},
		{"18446744073709551616", UINT64_MAX, UINT32_MAX},
		{"-18446744073709551616", UINT64_MAX, UINT32_MAX},
		{"99999999999999999999999999", UINT64_MAX, UINT32_MAX},
	};
	CLEAN(buf_release) struct buf scratch = {0};
	struct diag why = {0};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dump_line line;

		(void)snprintf(text, sizeof(text), "/a %s 40755 %s 0 0 0 %s.%s - - -",
			       cases[i].text, cases[i].text, cases[i].text, cases[i].text);
		assert_ok(parse(text, &scratch, &line, &why), &why);
		assert_true(cases[i].size == line.size);
		assert_int_equal(cases[i].nlink, line.nlink);
		assert_true((int64_t)cases[i].size == line.mtime_sec);
		assert_int_equal(cases[i].nlink, line.mtime_nsec);
	}
}

static void refuses_malformed_lines(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"/a",
		"/a 0",
		" 0 100644 1 0 0 0 0.0 - - -",
		"\\x00 0 100644 1 0 0 0 0.0 - - -",
		"/\\ 0 100644 1 0 0 0 0.0 - - -",
		"/\\q 0 100644 1 0 0 0 0.0 - - -",
		"/\\X41 0 100644 1 0 0 0 0.0 - - -",
		"/\\x 0 100644 1 0 0 0 0.0 - - -",
		"/\\x4 0 100644 1 0 0 0 0.0 - - -",
		"/\\x4g 0 100644 1 0 0 0 0.0 - - -",
		"/a x 100644 1 0 0 0 0.0 - - -",
		"/a 0x1 100644 1 0 0 0 0.0 - - -",
		"/a + 100644 1 0 0 0 0.0 - - -",
		"/a \t 100644 1 0 0 0 0.0 - - -",
		"/a -+1 100644 1 0 0 0 0.0 - - -",
		"/a 1\r 100644 1 0 0 0 0.0 - - -",
		"/a  100644 1 0 0 0 0.0 - - -",
		"/a 0 1008 1 0 0 0 0.0 - - -",
		"/a 0 644 1 0 0 0 0.0 - - -",
		"/a 0 170644 1 0 0 0 0.0 - - -",
		"/a 0  1 0 0 0 0.0 - - -",
		"/a 0 100644 z 0 0 0 0.0 - - -",
		"/a 0 100644 1 z 0 0 0.0 - - -",
		"/a 0 100644 1 0 z 0 0.0 - - -",
		"/a 0 100644 1 5 z 0 0.0 - - -", /* the reference takes it for 0 */
		"/a 0 100644 1 5 0 z 0.0 - - -", /* the same */
		"/a 0 100644 1 0 0 0 0 - - -",
		"/a 0 100644 1 0 0 0 0. - - -",
		"/a 0 100644 1 0 0 0 .0 - - -",
		"/a 0 100644 1 0 0 0 0.0.0 - - -",
		"/a 0 100644 1 0 0 0 \\x30.0 - - -",
		"/a 0 100644 1 0 0 0 0.0 \\q - -",
		"/a 0 100644 1 0 0 0 0.0 \\x00a - -",
		"/a 2 100644 1 0 0 0 0.0 - a -",
		"/a 0 40755 1 0 0 0 0.0 - a -",
		"/a 1 100644 1 0 0 0 0.0 - \\ -",
		"/a 1 100644 1 0 0 0 0.0 - - ab",
		"/a 1 100644 1 0 0 0 0.0 - - a" HEX_64,
		"/a 1 100644 1 0 0 0 0.0 - - " HEX_64 "00",
		"/a 1 10644 1 0 0 0 0.0 - - zz",
		"/a 0 @40755 1 0 0 0 0.0 /b - -",
		"/a 0 @0 1 0 0 0 0.0 /b - -",
		"/a 0 @ 1 0 0 0 0.0 /b - -",
		"/a 0 @@100644 1 0 0 0 0.0 /b - -",
		"/a 0 @100644 1 0 0 0 0.0 - - -",
		"/a 0 @100644 1 0 0 0 0.0",
	};
	CLEAN(buf_release) struct buf scratch = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct dump_line line;
		struct diag why = {0};

		if (parse(texts[i], &scratch, &line, &why) != -EUCLEAN)
			fail_msg("'%s' is not refused", texts[i]);
		assert_true(why.text[0] != '\0');
	}
}

static void refuses_a_nul_byte_anywhere(void **state)
{
	static const char text[] = "/a 0 100644 1 0 0 0 0.0 - - - user.a=b\0c";
	CLEAN(buf_release) struct buf scratch = {0};
	struct dump_line line;

	(void)state;
	assert_int_equal(-EUCLEAN,
			 dump_line_parse(span_of(text, sizeof(text) - 1), &scratch, &line, NULL));
}

/* Length is what counts after decoding. */
static void holds_payload_and_content_to_their_limits(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0}, text = {0};
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_printf(&text, "/a 5000 100644 1 0 0 0 0.0 "));
	for (size_t i = 0; i < PAYLOAD_SIZE_MAX; i++)
		assert_int_equal(0, buf_append_string(&text, "\\x41"));
	assert_int_equal(0, buf_append_byte(&text, ' '));
	for (size_t i = 0; i < INLINE_SIZE_MAX; i++)
		assert_int_equal(0, buf_append_string(&text, "\\x00"));
	assert_ok(dump_line_parse(buf_span(&text), &scratch, &line, &why), &why);
	assert_int_equal(PAYLOAD_SIZE_MAX, line.payload.size);
	assert_int_equal(INLINE_SIZE_MAX, line.content.size);
	assert_int_equal(0, buf_append_string(&text, "b"));
	assert_int_equal(-E2BIG, dump_line_parse(buf_span(&text), &scratch, &line, &why));
	text.size = 0;
	assert_int_equal(0, buf_printf(&text, "/a 1 100644 1 0 0 0 0.0 %4096d", 1));
	for (size_t i = text.size - 4096; i < text.size; i++)
		text.data[i] = 'p';
	assert_int_equal(-E2BIG, dump_line_parse(buf_span(&text), &scratch, &line, &why));
}

static void splits_xattrs_at_the_first_equals_sign(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0};
	struct span key, value;
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_ok(parse("/a 0 100644 1 0 0 0 0.0 - - - user.a=b=c u\\x3dx=\\x00\\x01 k\\x00z= ",
			&scratch, &line, &why),
		  &why);
	assert_int_equal(1, dump_line_xattr(&line, &scratch, &key, &value, &why));
	assert_span("user.a", key);
	assert_span("b=c", value);
	assert_int_equal(1, dump_line_xattr(&line, &scratch, &key, &value, &why));
	assert_span("u=x", key);
	assert_int_equal(2, value.size);
	assert_memory_equal("\0\1", value.data, 2);
	assert_int_equal(1, dump_line_xattr(&line, &scratch, &key, &value, &why));
	assert_span("k", key);
	assert_int_equal(0, value.size);
	assert_int_equal(0, dump_line_xattr(&line, &scratch, &key, &value, &why));
}

static void refuses_malformed_xattrs(void **state)
{
	static const char *const texts[] = {" ",       "a",       "a=b  ", " a=b",
					    "a\\x3db", "\\x00=a", "a=\\"};
	CLEAN(buf_release) struct buf scratch = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct span key, value;
		struct dump_line line;
		struct diag why = {0};
		char text[128];
		int r;

		(void)snprintf(text, sizeof(text), "/a 0 100644 1 0 0 0 0.0 - - - %s", texts[i]);
		assert_ok(parse(text, &scratch, &line, &why), &why);
		do
			r = dump_line_xattr(&line, &scratch, &key, &value, &why);
		while (r > 0);
		assert_int_equal(-EUCLEAN, r);
	}
}

static void reads_only_three_fields_of_a_hard_link(void **state)
{
	CLEAN(buf_release) struct buf scratch = {0};
	struct dump_line line;
	struct diag why = {0};

	(void)state;
	assert_ok(parse("/a x @120000 y z - . nothing /b\\x00c \\q zz bad", &scratch, &line, &why),
		  &why);
	assert_true(line.is_hard_link);
	assert_span("/b", line.payload);
	assert_int_equal(0, line.raw_xattrs.size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(decodes_escapes_and_keeps_other_bytes),
		cmocka_unit_test(takes_a_dash_for_unset_and_an_escaped_one_for_itself),
		cmocka_unit_test(takes_missing_fields_at_the_end_for_empty),
		cmocka_unit_test(reads_numbers_as_strtoull_does),
		cmocka_unit_test(refuses_malformed_lines),
		cmocka_unit_test(refuses_a_nul_byte_anywhere),
		cmocka_unit_test(holds_payload_and_content_to_their_limits),
		cmocka_unit_test(splits_xattrs_at_the_first_equals_sign),
		cmocka_unit_test(refuses_malformed_xattrs),
		cmocka_unit_test(reads_only_three_fields_of_a_hard_link),
	};

	return cmocka_run_group_tests_name("tree/dump_line", tests, NULL, NULL);
}
