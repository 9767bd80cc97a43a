/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "store/meta.h"

/* composefs-repository.md, 2.2: as bootc makes it. */
static const char two_formats[] = "{\n"
				  "  \"version\": 1,\n"
				  "  \"algorithm\": \"fsverity-sha512-12\",\n"
				  "  \"features\": {\n"
				  "    \"compatible\": [],\n"
				  "    \"read-only-compatible\": [\n"
				  "      \"v1_erofs\"\n"
				  "    ],\n"
				  "    \"incompatible\": []\n"
				  "  },\n"
				  "  \"erofs_formats\": {\n"
				  "    \"default\": 1,\n"
				  "    \"extra\": [\n"
				  "      2\n"
				  "    ]\n"
				  "  }\n"
				  "}\n";

static const char format_two[] = "{\n"
				 "  \"version\": 1,\n"
				 "  \"algorithm\": \"fsverity-sha256-12\",\n"
				 "  \"features\": {\n"
				 "    \"compatible\": [],\n"
				 "    \"read-only-compatible\": [],\n"
				 "    \"incompatible\": []\n"
				 "  },\n"
				 "  \"erofs_formats\": {\n"
				 "    \"default\": 2\n"
				 "  }\n"
				 "}\n";

static void assert_text(const char *expected, const struct store_config *config)
{
	struct buf text = {0};

	assert_int_equal(0, meta_format(config, &text));
	assert_string_equal(expected, buf_string(&text));
	buf_release(&text);
}

static void writes_the_text_of_composefs_rs(void **state)
{
	const struct store_config two = {DIGEST_SHA512, false, 1, 1u << 2};
	const struct store_config one = {DIGEST_SHA256, false, 2, 0};

	(void)state;
	assert_text(two_formats, &two);
	assert_text(format_two, &one);
}

static void lists_extra_formats_in_order_without_the_default(void **state)
{
	const struct store_config config = {DIGEST_SHA512, false, 1, 7};
	struct buf text = {0};

	(void)state;
	assert_int_equal(0, meta_format(&config, &text));
	assert_non_null(strstr(buf_string(&text), "\"default\": 1,\n    \"extra\": [\n      0,\n"
						  "      2\n    ]\n  }\n}\n"));
	buf_release(&text);
}

static void reads_what_it_writes(void **state)
{
	struct diag why = {0};

	(void)state;
	for (int version = 0; version < META_EROFS_VERSION_COUNT; version++) {
		for (unsigned int extra = 0; extra < 8; extra++) {
			struct store_config config = {DIGEST_SHA256, false, version,
						      extra & ~(1u << version)};
			struct buf text = {0};
			struct meta meta;

			assert_int_equal(0, meta_format(&config, &text));
			assert_ok(meta_parse(buf_span(&text), &meta, &why), &why);
			assert_int_equal(config.algorithm, meta.config.algorithm);
			assert_int_equal(version, meta.config.erofs_version);
			assert_int_equal(config.extra_versions, meta.config.extra_versions);
			assert_true(meta.is_writable);
			buf_release(&text);
		}
	}
}

#define HEAD "{\"version\":1,\"algorithm\":\"fsverity-sha256-12\""

static void formats_follow_the_feature_when_they_say_nothing(void **state)
{
	static const struct {
		const char *text;
		int version;
	} cases[] = {
		{HEAD "}", 2},
		{HEAD ",\"features\":{\"read-only-compatible\":[\"v1_erofs\"]}}", 1},
		{HEAD ",\"features\":{\"read-only-compatible\":[\"v1_erofs\"]},"
		      "\"erofs_formats\":{\"default\":2}}",
		 1},
		{HEAD ",\"features\":{\"read-only-compatible\":[\"v1_erofs\"]},"
		      "\"erofs_formats\":{\"default\":2,\"extra\":[0]}}",
		 2},
		{HEAD ",\"erofs_formats\":{\"default\":0}}", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag why = {0};
		struct meta meta;

		assert_ok(meta_parse(span_of_string(cases[i].text), &meta, &why), &why);
		assert_int_equal(cases[i].version, meta.config.erofs_version);
	}
}

static void refuses_what_it_does_not_know(void **state)
{
	static const struct {
		int err;
		const char *text;
	} cases[] = {
		{-EOPNOTSUPP, "{\"version\":2,\"algorithm\":\"fsverity-sha256-12\"}"},
		{-EOPNOTSUPP, "{\"version\":1,\"algorithm\":\"fsverity-sha256-16\"}"},
		{-EOPNOTSUPP, "{\"version\":1,\"algorithm\":\"md5\"}"},
		{-EOPNOTSUPP, HEAD ",\"features\":{\"incompatible\":[\"new\"]}}"},
		{-EOPNOTSUPP, HEAD ",\"erofs_formats\":{\"default\":3}}"},
		{-EOPNOTSUPP, HEAD ",\"erofs_formats\":{\"default\":1,\"extra\":[-1]}}"},
		{-EUCLEAN, ""},
		{-EUCLEAN, "[]"},
		{-EUCLEAN, "{}"},
		{-EUCLEAN, HEAD},
		{-EUCLEAN, HEAD "} x"},
		{-EUCLEAN, HEAD ",\"version\":1}"},
		{-EUCLEAN, "{\"version\":0,\"algorithm\":\"fsverity-sha256-12\"}"},
		{-EUCLEAN, "{\"version\":\"1\",\"algorithm\":\"fsverity-sha256-12\"}"},
		{-EUCLEAN, "{\"version\":1,\"algorithm\":7}"},
		{-EUCLEAN, HEAD ",\"features\":[]}"},
		{-EUCLEAN, HEAD ",\"features\":{\"incompatible\":{}}}"},
		{-EUCLEAN, HEAD ",\"features\":{\"incompatible\":[1]}}"},
		{-EUCLEAN, HEAD ",\"erofs_formats\":1}"},
		{-EUCLEAN, HEAD ",\"erofs_formats\":{}}"},
		{-EUCLEAN, HEAD ",\"erofs_formats\":{\"default\":1,\"extra\":2}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag why = {0};
		struct meta meta;

		assert_int_equal(cases[i].err,
				 meta_parse(span_of_string(cases[i].text), &meta, &why));
		assert_non_null(strstr(why.text, "meta.json"));
	}
}

static void unknown_features_forbid_as_much_as_they_say(void **state)
{
	struct diag why = {0};
	struct meta meta;

	(void)state;
	assert_ok(meta_parse(SPAN_LITERAL(HEAD ",\"features\":{\"compatible\":[\"new\"]}}"), &meta,
			     &why),
		  &why);
	assert_true(meta.is_writable);
	assert_ok(meta_parse(SPAN_LITERAL(HEAD ",\"features\":{\"read-only-compatible\":"
					       "[\"v1_erofs\",\"new\"]}}"),
			     &meta, &why),
		  &why);
	assert_false(meta.is_writable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_text_of_composefs_rs),
		cmocka_unit_test(lists_extra_formats_in_order_without_the_default),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(formats_follow_the_feature_when_they_say_nothing),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(unknown_features_forbid_as_much_as_they_say),
	};

	return cmocka_run_group_tests_name("store/meta", tests, NULL, NULL);
}
