/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "base/cleanup.h"
#include "oci/memory_source.h"
#include "oci/source.h"

#define CONFIG "{\"config\": \"of an image\"}"
#define MANIFEST "{\"manifest\": \"of the same\"}"

static struct oci_source *source_make(void)
{
	struct buf config = {0}, manifest = {0};
	struct oci_source *source = NULL;
	struct diag why = {0};

	assert_int_equal(0, buf_append_string(&config, CONFIG));
	assert_int_equal(0, buf_append_string(&manifest, MANIFEST));
	assert_ok(oci_memory_source_new(&config, &manifest, &source, &why), &why);
	assert_null(config.data);
	assert_null(manifest.data);
	return source;
}

static void the_manifest_is_there_and_no_other(void **state)
{
	struct oci_descriptor other = made_descriptor(SPAN_LITERAL(MANIFEST));
	struct oci_source *source = source_make();
	CLEAN(buf_release) struct buf bytes = {0};
	char media_type[MEDIA_TYPE_SIZE_MAX];
	struct diag why = {0};

	(void)state;
	assert_ok(oci_source_manifest(source, NULL, &bytes, media_type, &why), &why);
	assert_string_equal(MANIFEST, buf_string(&bytes));
	assert_string_equal("application/vnd.oci.image.manifest.v1+json", media_type);
	assert_int_equal(-ENOENT, oci_source_manifest(source, &other, &bytes, media_type, &why));
	oci_source_close(source);
}

static void the_config_is_read_from_any_offset(void **state)
{
	struct oci_descriptor config = made_descriptor(SPAN_LITERAL(CONFIG));
	struct oci_source *source = source_make();
	CLEAN(buf_release) struct buf bytes = {0};
	struct reader reader;
	struct diag why = {0};

	(void)state;
	for (size_t offset = 0; offset <= strlen(CONFIG) + 1; offset++) {
		assert_ok(oci_source_blob(source, &config, offset, &reader, &why), &why);
		assert_ok(made_read(&reader, &bytes, &why), &why);
		assert_string_equal(offset <= strlen(CONFIG) ? &CONFIG[offset] : "",
				    buf_string(&bytes));
	}
	oci_source_close(source);
}

static void a_layer_is_not_here(void **state)
{
	struct oci_descriptor layer = made_descriptor(SPAN_LITERAL("layer"));
	struct oci_source *source = source_make();
	struct reader reader;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ENOENT, oci_source_blob(source, &layer, 0, &reader, &why));
	assert_non_null(strstr(why.text, "not in the repository"));
	oci_source_close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manifest_is_there_and_no_other),
		cmocka_unit_test(the_config_is_read_from_any_offset),
		cmocka_unit_test(a_layer_is_not_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
