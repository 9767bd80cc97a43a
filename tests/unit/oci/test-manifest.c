/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/manifest.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONFIG "{\"mediaType\":\"" OCI "config.v1+json\",\"digest\":\"" A "\",\"size\":12}"
#define LAYER(type) "{\"mediaType\":\"" type "\",\"digest\":\"" B "\",\"size\":34}"
#define GZIP LAYER(OCI "layer.v1.tar+gzip")
#define MANIFEST(config, layers) \
	"{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"
#define VARIANT(platform) \
	"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" A "\",\"size\":1" platform "}"
#define PLATFORM(os, arch, more) \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"" more "}"
#define INDEX(list) "{\"schemaVersion\":2,\"manifests\":[" list "]}"

static int parse(const char *text, const char *media_type, struct oci_manifest **ret)
{
	struct diag why = {0};
	int r = oci_manifest_parse(span_of_string(text), media_type, ret, &why);

	if (r < 0 && r != -ENOMEM)
		assert_true(why.text[0]);
	return r;
}

static int type_of(const char *text, const char *media_type)
{
	struct oci_manifest *manifest;
	int r = parse(text, media_type, &manifest);

	if (r < 0)
		return r;
	r = (int)manifest->type;
	oci_manifest_free(manifest);
	return r;
}

static void an_oci_manifest_tells_config_and_layers(void **state)
{
	struct oci_manifest *manifest;
	char text[OCI_DIGEST_SIZE_MAX];

	(void)state;
	assert_int_equal(0, parse("{\"schemaVersion\":2,\"mediaType\":\"" OCI
				  "manifest.v1+json\",\"config\":" CONFIG ",\"layers\":[" GZIP
				  ",{\"mediaType\":\"" OCI "layer.v1.tar+zstd\",\"digest\":\"" A
				  "\",\"size\":56,\"annotations\":{\"k\":\"v\"}}],"
				  "\"annotations\":{\"a\":\"b\"},\"vendor\":[1,{}]}",
				  "", &manifest));
	assert_int_equal(OCI_MANIFEST, manifest->type);
	assert_false(oci_manifest_is_index(manifest));
	assert_false(oci_manifest_is_artifact(manifest));
	assert_int_equal(12, manifest->config.descriptor.size);
	assert_string_equal(A, oci_digest_text(&manifest->config.descriptor.digest, text));
	assert_int_equal(2, manifest->count);
	assert_int_equal(34, manifest->items[0].descriptor.size);
	assert_string_equal(OCI "layer.v1.tar+zstd", manifest->items[1].descriptor.media_type);
	assert_null(manifest->items[0].annotations);
	assert_string_equal("v", oci_annotation(manifest->items[1].annotations, "k"));
	assert_string_equal("b", oci_annotation(manifest->annotations, "a"));
	assert_null(oci_annotation(manifest->annotations, "c"));
	assert_null(oci_annotation(NULL, "c"));
	assert_int_equal(0, oci_manifest_check_layers(manifest, NULL));
	oci_manifest_free(manifest);
}

static void the_type_is_what_all_agree_on(void **state)
{
	static const char plain[] = MANIFEST(CONFIG, GZIP), plain_index[] = INDEX(VARIANT(""));

	(void)state;
	assert_int_equal(OCI_MANIFEST, type_of(plain, ""));
	assert_int_equal(OCI_INDEX, type_of(plain_index, ""));
	assert_int_equal(OCI_MANIFEST, type_of(plain, "application/octet-stream"));
	assert_int_equal(DOCKER_MANIFEST, type_of(plain, DOCKER "distribution.manifest.v2+json"));
	assert_int_equal(DOCKER_LIST,
			 type_of(plain_index, DOCKER "distribution.manifest.list.v2+json"));
	assert_int_equal(-EUCLEAN, type_of(plain, OCI "index.v1+json"));
	assert_int_equal(-EUCLEAN, type_of(plain_index, OCI "manifest.v1+json"));
	assert_int_equal(DOCKER_MANIFEST,
			 type_of("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
				 "distribution.manifest.v2+json\",\"config\":" CONFIG
				 ",\"layers\":[]}",
				 ""));
	assert_int_equal(-EUCLEAN, type_of("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
					   "distribution.manifest.v2+json\",\"config\":" CONFIG
					   ",\"layers\":[]}",
					   OCI "manifest.v1+json"));
	assert_int_equal(-EUCLEAN, type_of("{\"schemaVersion\":2,\"mediaType\":\"text/plain\","
					   "\"config\":" CONFIG ",\"layers\":[]}",
					   ""));
}

static void two_kinds_at_once_are_refused(void **state)
{
	(void)state;
	assert_int_equal(-EUCLEAN, type_of("{\"schemaVersion\":2,\"config\":" CONFIG
					   ",\"layers\":[],\"manifests\":[]}",
					   OCI "manifest.v1+json"));
	assert_int_equal(-EUCLEAN,
			 type_of("{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", ""));
	assert_int_equal(
		-EUCLEAN,
		type_of("{\"schemaVersion\":2,\"manifests\":[],\"config\":" CONFIG "}", ""));
}

static void malformed_documents_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"schemaVersion\":2}",
		"{\"schemaVersion\":3,\"manifests\":[]}",
		"{\"schemaVersion\":\"2\",\"manifests\":[]}",
		"{\"manifests\":[]}",
		"{\"schemaVersion\":2,\"layers\":[]}",
		"{\"schemaVersion\":2,\"config\":" CONFIG "}",
		"{\"schemaVersion\":2,\"config\":[],\"layers\":[]}",
		"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":{}}",
		"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"mediaType\":7}",
		"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"annotations\":[]}",
		"{\"schemaVersion\":2,\"config\":" CONFIG
		",\"layers\":[],\"annotations\":{\"a\":1}}",
		MANIFEST(CONFIG, "7"),
		MANIFEST(CONFIG, "{}"),
		MANIFEST(CONFIG, "{\"digest\":\"" A "\"}"),
		MANIFEST(CONFIG, "{\"size\":1}"),
		MANIFEST(CONFIG, "{\"digest\":\"" A "\",\"size\":-1}"),
		MANIFEST(CONFIG, "{\"digest\":\"" A "\",\"size\":\"1\"}"),
		MANIFEST(CONFIG, "{\"digest\":\"sha256:../../etc/passwd\",\"size\":1}"),
		MANIFEST(CONFIG, "{\"digest\":\"sha256:ab\",\"size\":1}"),
		MANIFEST(CONFIG, "{\"digest\":\"" A "\",\"size\":1,\"annotations\":{\"a\":{}}}"),
		INDEX(VARIANT(",\"platform\":[]")),
		INDEX(VARIANT(PLATFORM("linux", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""))),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EUCLEAN, type_of(bad[i], ""));
}

static void schema_1_is_named(void **state)
{
	struct oci_manifest *manifest;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EOPNOTSUPP,
			 oci_manifest_parse(SPAN_LITERAL("{\"schemaVersion\":1,\"fsLayers\":[]}"),
					    "", &manifest, &why));
	assert_non_null(strstr(why.text, "schema 1"));
	assert_int_equal(-EOPNOTSUPP, type_of(MANIFEST(CONFIG, GZIP),
					      DOCKER "distribution.manifest.v1+prettyjws"));
}

static void layers_have_a_limit(void **state)
{
	struct buf text = {0};
	struct oci_manifest *manifest;

	(void)state;
	for (size_t count = LAYER_COUNT_MAX; count <= LAYER_COUNT_MAX + 1; count++) {
		text.size = 0;
		(void)buf_append_string(&text, "{\"schemaVersion\":2,\"config\":" CONFIG
					       ",\"layers\":[" GZIP);
		for (size_t i = 1; i < count; i++)
			(void)buf_append_string(&text, "," GZIP);
		(void)buf_append_string(&text, "]}");
		if (count > LAYER_COUNT_MAX) {
			assert_int_equal(-E2BIG, parse(buf_string(&text), "", &manifest));
		} else {
			assert_int_equal(0, parse(buf_string(&text), "", &manifest));
			assert_int_equal(count, manifest->count);
			oci_manifest_free(manifest);
		}
	}
	buf_release(&text);
}

static bool is_artifact(const char *text, const char *media_type)
{
	struct oci_manifest *manifest;
	bool result;

	assert_int_equal(0, parse(text, media_type, &manifest));
	result = oci_manifest_is_artifact(manifest);
	oci_manifest_free(manifest);
	return result;
}

static void an_artifact_is_told_by_its_config(void **state)
{
	static const char octets[] = MANIFEST(LAYER("application/octet-stream"), "");

	(void)state;
	assert_false(is_artifact(MANIFEST(LAYER(DOCKER "container.image.v1+json"), ""), ""));
	assert_true(is_artifact(MANIFEST(LAYER("application/vnd.oci.empty.v1+json"), ""), ""));
	assert_true(is_artifact(MANIFEST(LAYER(""), ""), ""));
	assert_true(is_artifact(octets, ""));
	assert_false(is_artifact(octets, DOCKER "distribution.manifest.v2+json"));
}

static int layers_of(const char *text)
{
	struct oci_manifest *manifest;
	int r;

	assert_int_equal(0, parse(text, "", &manifest));
	r = oci_manifest_check_layers(manifest, NULL);
	oci_manifest_free(manifest);
	return r;
}

static void only_archives_of_files_are_layers(void **state)
{
	(void)state;
	assert_int_equal(
		0,
		layers_of(MANIFEST(
			CONFIG, GZIP "," LAYER(DOCKER "image.rootfs.diff.tar.gzip") "," LAYER(
					OCI "layer."
					    "nondistributa"
					    "ble.v1.tar+"
					    "zstd") "," LAYER(DOCKER "image.rootfs.foreign.diff."
								     "tar.gzip") "," LAYER(""))));
	assert_int_equal(-EOPNOTSUPP,
			 layers_of(MANIFEST(CONFIG, LAYER(OCI "layer.v1.tar+gzip+encrypted"))));
	assert_int_equal(-EOPNOTSUPP,
			 layers_of(MANIFEST(CONFIG, LAYER("application/vnd.in-toto+json"))));
	assert_int_equal(-EOPNOTSUPP, layers_of(MANIFEST(CONFIG, LAYER(OCI "layer.v1.tar+xz"))));
}

/* Which of the list is chosen; -errno. */
static int chosen(const char *list, const char *platform)
{
	struct oci_platform wanted;
	const struct oci_item *item;
	struct oci_manifest *index;
	struct diag why = {0};
	int r;

	assert_ok(oci_platform_parse(platform, &wanted, &why), &why);
	assert_int_equal(0, parse(list, "", &index));
	r = oci_index_choose(index, &wanted, &item, &why);
	if (r == 0)
		r = (int)(item - index->items);
	oci_manifest_free(index);
	return r;
}

static void an_index_gives_the_best_variant(void **state)
{
	static const char list[] = INDEX(
		VARIANT(PLATFORM("unknown", "unknown", "")) "," VARIANT(PLATFORM("linux", "arm", ",\"variant\":\"v5\"")) "," VARIANT(
			PLATFORM("linux", "arm",
				 ",\"variant\":\"v7\",\"os.version\":"
				 "\"x\"")) "," VARIANT(PLATFORM("linux", "amd64",
								"")) "," VARIANT(PLATFORM("linux",
											  "amd64",
											  "")));

	(void)state;
	assert_int_equal(3, chosen(list, "linux/amd64"));
	assert_int_equal(2, chosen(list, "linux/arm/v7"));
	assert_int_equal(1, chosen(list, "linux/arm/v6"));
	assert_int_equal(2, chosen(list, "linux/arm/v8"));
	assert_int_equal(-ENOENT, chosen(list, "linux/s390x"));
	assert_int_equal(-ENOENT, chosen(INDEX(""), "linux/amd64"));
}

static void one_without_a_platform_is_the_last_resort(void **state)
{
	static const char list[] = INDEX(VARIANT("") "," VARIANT(PLATFORM("linux", "amd64", "")));

	(void)state;
	assert_int_equal(1, chosen(list, "linux/amd64"));
	assert_int_equal(0, chosen(list, "linux/arm64"));
}

static void a_platform_that_is_not_there_is_answered_with_those_that_are(void **state)
{
	struct oci_platform wanted = {.os = "linux", .architecture = "s390x"};
	const struct oci_item *item;
	struct oci_manifest *index;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, parse(INDEX(VARIANT(PLATFORM("linux", "amd64", "")) "," VARIANT(
					  PLATFORM("linux", "arm", ",\"variant\":\"v6\""))),
				  "", &index));
	assert_int_equal(-ENOENT, oci_index_choose(index, &wanted, &item, &why));
	assert_string_equal("the image is not there for linux/s390x, but for: linux/amd64, "
			    "linux/arm/v6",
			    why.text);
	oci_manifest_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_oci_manifest_tells_config_and_layers),
		cmocka_unit_test(the_type_is_what_all_agree_on),
		cmocka_unit_test(two_kinds_at_once_are_refused),
		cmocka_unit_test(malformed_documents_are_refused),
		cmocka_unit_test(schema_1_is_named),
		cmocka_unit_test(layers_have_a_limit),
		cmocka_unit_test(an_artifact_is_told_by_its_config),
		cmocka_unit_test(only_archives_of_files_are_layers),
		cmocka_unit_test(an_index_gives_the_best_variant),
		cmocka_unit_test(one_without_a_platform_is_the_last_resort),
		cmocka_unit_test(a_platform_that_is_not_there_is_answered_with_those_that_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
