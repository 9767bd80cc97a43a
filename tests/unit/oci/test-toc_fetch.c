/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "oci/manifest.h"
#include "oci/toc_fetch.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CHUNKED "io.github.containers.zstd-chunked.manifest-"

/* Whether a layer of 1000 bytes with these annotations has a table. */
static bool find(const char *annotations, struct toc_place *ret)
{
	static const char form[] =
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"" A "\",\"size\":2},"
		"\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
		"\"digest\":\"" A "\",\"size\":1000,\"annotations\":{%s}}]}";
	struct oci_manifest *manifest;
	struct diag why = {0};
	char text[2000];
	bool found;

	(void)snprintf(text, sizeof(text), form, annotations);
	assert_ok(oci_manifest_parse(span_of_string(text), "", &manifest, &why), &why);
	found = toc_find(&manifest->items[0], ret);
	oci_manifest_free(manifest);
	return found;
}

static void annotations_tell_of_a_table(void **state)
{
	struct toc_place place;

	(void)state;
	assert_true(find("\"" CHUNKED "checksum\":\"" A "\",\"" CHUNKED
			 "position\":\"100:200:3000:1\"",
			 &place));
	assert_int_equal(TOC_ZSTD_CHUNKED, place.format);
	assert_int_equal(100, place.offset);
	assert_int_equal(200, place.size);
	assert_int_equal(3000, place.plain_size);
	assert_true(find("\"io.containers.zstd-chunked.manifest-checksum\":\"" A
			 "\",\"io.containers.zstd-chunked.manifest-position\":\"1:2:3:1\"",
			 &place));
	assert_true(find("\"containerd.io/snapshot/stargz/toc.digest\":\"" A "\"", &place));
	assert_int_equal(TOC_ESTARGZ, place.format);
}

static void annotations_that_make_no_sense_tell_of_none(void **state)
{
	static const char *const positions[] = {
		"",
		"1",
		"1:2:3",
		"1:2:3:2",
		"1:2:3:1:",
		"1:2:3:1 ",
		" 1:2:3:1",
		"-1:2:3:1",
		"1::3:1",
		"1:0:3:1",
		"999:2:3:1",
		"1001:1:3:1",
		"1:2:3:",
		"1:1000:3:1",
		"1:2:99999999999:1",
		"18446744073709551617:2:3:1",
	};
	struct toc_place place;
	char text[400];

	(void)state;
	assert_false(find("", &place));
	assert_false(find("\"" CHUNKED "checksum\":\"" A "\"", &place));
	assert_false(find("\"" CHUNKED "checksum\":\"sha256:a\",\"" CHUNKED
			  "position\":\"1:2:3:1\"",
			  &place));
	assert_false(find("\"containerd.io/snapshot/stargz/toc.digest\":\"md5:1\"", &place));
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "\"" CHUNKED "checksum\":\"" A "\",\"" CHUNKED "position\":\"%s\"",
			       positions[i]);
		if (find(text, &place))
			fail_msg("'%s' is taken", positions[i]);
	}
}

static const uint8_t footer[TOC_FOOTER_SIZE] = "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0"
					       "00000000000012abSTARGZ\1\0\0\xff\xff\0\0\0\0\0\0\0";

static void a_footer_says_where_the_table_is(void **state)
{
	uint64_t offset = 0;
	struct diag why = {0};

	(void)state;
	assert_ok(toc_footer_parse(span_of(footer, sizeof(footer)), &offset, &why), &why);
	assert_int_equal(0x12ab, offset);
}

static void what_is_no_footer_is_refused(void **state)
{
	uint8_t damaged[TOC_FOOTER_SIZE];
	uint64_t offset = 77;

	(void)state;
	for (size_t size = 0; size < sizeof(footer); size++)
		assert_int_equal(-EUCLEAN, toc_footer_parse(span_of(footer, size), &offset, NULL));
	for (size_t i = 0; i < sizeof(footer); i++) {
		memcpy(damaged, footer, sizeof(footer));
		damaged[i] = 0x80;
		/* time, system and checksum of an empty member say nothing */
		if ((i >= 4 && i < 10) || i >= 43)
			continue;
		if (toc_footer_parse(span_of(damaged, sizeof(damaged)), &offset, NULL) != -EUCLEAN)
			fail_msg("byte %zu does not count", i);
	}
	assert_int_equal(77, offset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(annotations_tell_of_a_table),
		cmocka_unit_test(annotations_that_make_no_sense_tell_of_none),
		cmocka_unit_test(a_footer_says_where_the_table_is),
		cmocka_unit_test(what_is_no_footer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
