/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/buf.h"
#include "base/diag.h"
#include "oci/manifest.h"
#include "oci/manifest_write.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DOCKER "application/vnd.docker."
#define OCI "application/vnd.oci.image."

static const char docker_text[] =
	"{\"schemaVersion\":2,\"mediaType\":\"" DOCKER "distribution.manifest.v2+json\","
	"\"config\":{\"mediaType\":\"" DOCKER "container.image.v1+json\",\"size\":7,"
	"\"digest\":\"sha256:" HEX "\"},\"layers\":["
	"{\"mediaType\":\"" DOCKER "image.rootfs.diff.tar.gzip\",\"size\":8,"
	"\"digest\":\"sha256:" HEX "\"},"
	"{\"mediaType\":\"" DOCKER "image.rootfs.diff.tar\",\"size\":9,"
	"\"digest\":\"sha256:" HEX "\"}]}";

static void manifest_of(struct span text, struct oci_manifest **ret)
{
	struct diag why = {0};

	assert_ok(oci_manifest_parse(text, "", ret, &why), &why);
}

static void docker_types_become_those_of_oci(void **state)
{
	struct oci_manifest *old, *new;
	struct buf bytes = {0};

	(void)state;
	manifest_of(span_of_string(docker_text), &old);
	assert_int_equal(0, oci_manifest_rewrite(old, old->items, &bytes));
	manifest_of(buf_span(&bytes), &new);
	assert_int_equal(OCI_MANIFEST, new->type);
	assert_string_equal(OCI "config.v1+json", new->config.descriptor.media_type);
	assert_int_equal(7, new->config.descriptor.size);
	assert_int_equal(2, new->count);
	assert_string_equal(OCI "layer.v1.tar+gzip", new->items[0].descriptor.media_type);
	assert_string_equal(OCI "layer.v1.tar", new->items[1].descriptor.media_type);
	assert_int_equal(9, new->items[1].descriptor.size);
	assert_true(
		digest_equal(&old->items[0].descriptor.digest, &new->items[0].descriptor.digest));
	oci_manifest_free(old);
	oci_manifest_free(new);
	buf_release(&bytes);
}

static void annotations_stay_and_layers_are_those_given(void **state)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI "manifest.v1+json\","
		"\"config\":{\"mediaType\":\"" OCI "config.v1+json\",\"size\":7,"
		"\"digest\":\"sha256:" HEX "\"},\"annotations\":{\"a\":\"b\"},\"layers\":["
		"{\"mediaType\":\"" OCI "layer.v1.tar+zstd\",\"size\":8,"
		"\"digest\":\"sha256:" HEX "\",\"annotations\":{\"c\":\"d\"}}]}";
	struct oci_manifest *old, *new;
	struct oci_item layer;
	struct buf bytes = {0}, again = {0};

	(void)state;
	manifest_of(SPAN_LITERAL(text), &old);
	layer = old->items[0];
	layer.descriptor.digest.bytes[0] ^= 1;
	layer.descriptor.size = 1000;
	assert_int_equal(0, oci_manifest_rewrite(old, &layer, &bytes));
	assert_int_equal(0, oci_manifest_rewrite(old, &layer, &again));
	assert_true(span_equal(buf_span(&bytes), buf_span(&again)));
	manifest_of(buf_span(&bytes), &new);
	assert_string_equal("b", oci_annotation(new->annotations, "a"));
	assert_string_equal("d", oci_annotation(new->items[0].annotations, "c"));
	assert_string_equal(OCI "layer.v1.tar+zstd", new->items[0].descriptor.media_type);
	assert_int_equal(1000, new->items[0].descriptor.size);
	assert_true(digest_equal(&layer.descriptor.digest, &new->items[0].descriptor.digest));
	oci_manifest_free(old);
	oci_manifest_free(new);
	buf_release(&bytes);
	buf_release(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_types_become_those_of_oci),
		cmocka_unit_test(annotations_stay_and_layers_are_those_given),
	};

	return cmocka_run_group_tests_name("oci/manifest_write", tests, NULL, NULL);
}
