/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The sources behind oci_layout_open(): image_layout.c, dir_layout.c, docker_archive.c.
 */
#include "made.h"

#include "oci/fetch.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/source.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static char *own_name; /* of the last image that was opened */

/* Open what "TRANSPORT:folder/rest" names. */
static int open_at(const char *transport, const char *folder, const char *rest,
		   struct oci_source **ret, struct diag *why)
{
	struct oci_reference reference;
	char text[512];
	int r;

	(void)snprintf(text, sizeof(text), "%s:%s%s", transport, folder, rest);
	assert_ok(oci_reference_parse(text, &reference, why), why);
	free(own_name);
	own_name = NULL;
	r = oci_layout_open(&reference, ret, &own_name, why);
	oci_reference_release(&reference);
	return r;
}

static struct oci_source *source(const char *transport, const char *folder, const char *rest)
{
	struct oci_source *source = NULL;
	struct diag why = {0};

	assert_ok(open_at(transport, folder, rest, &source, &why), &why);
	return source;
}

static int refusal(const char *transport, const char *folder, const char *rest, const char *says)
{
	struct oci_source *source = NULL;
	struct diag why = {0};
	int r = open_at(transport, folder, rest, &source, &why);

	assert_true(r < 0);
	assert_null(source);
	if (!strstr(why.text, says))
		fail_msg("'%s' does not say '%s'", why.text, says);
	return r;
}

static int manifest_of(struct oci_source *source, const struct oci_descriptor *which,
		       struct buf *ret, char *media_type)
{
	struct diag why = {0};
	int r;

	ret->size = 0;
	r = oci_source_manifest(source, which, ret, media_type, &why);
	if (r < 0)
		assert_true(why.text[0]);
	return r;
}

static int blob_of(struct oci_source *source, const char *text, uint64_t offset, struct buf *ret)
{
	struct oci_descriptor blob = made_descriptor(span_of_string(text));
	struct reader reader = READER_NONE;
	struct diag why = {0};
	int r = oci_source_blob(source, &blob, offset, &reader, &why);

	if (r < 0) {
		assert_true(why.text[0]);
		return r;
	}
	return made_read(&reader, ret, &why);
}

/* An OCI layout */

static void put_version(const char *folder)
{
	made_file(folder, "oci-layout", span_of_string("{\"imageLayoutVersion\":\"1.0.0\"}"));
}

/* A descriptor of a blob that says text, with more members. */
static void put_entry(struct buf *list, const char *text, const char *more)
{
	assert_int_equal(0, buf_printf(list,
				       "%s{\"mediaType\":\"" OCI
				       "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu%s}",
				       list->size ? "," : "", made_digest(span_of_string(text)),
				       strlen(text), more));
}

static void put_index(const char *folder, struct buf *list)
{
	struct buf text = {0};

	assert_int_equal(0, buf_printf(&text, "{\"schemaVersion\":2,\"manifests\":[%s]}",
				       list->size ? buf_string(list) : ""));
	made_file(folder, "index.json", buf_span(&text));
	buf_release(&text);
	buf_release(list);
}

#define NAMED(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"

static void images_of_a_layout_are_found_by_name_or_place(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX];
	struct buf list = {0}, text = {0};
	struct oci_source *found;

	(void)state;
	made_folder(folder);
	put_version(folder);
	(void)made_blob(folder, "first");
	(void)made_blob(folder, "second");
	put_entry(&list, "first", NAMED("one"));
	put_entry(&list, "second",
		  ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"two\","
		  "\"io.containerd.image.name\":\"docker.io/library/x:two\"}");
	put_index(folder, &list);

	found = source("oci", folder, ":one");
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal("first", buf_string(&text));
	assert_string_equal(OCI "manifest.v1+json", media_type);
	oci_source_close(found);
	assert_string_equal("one", own_name);
	found = source("oci", folder, ":docker.io/library/x:two");
	assert_string_equal("docker.io/library/x:two", own_name);
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal("second", buf_string(&text));
	oci_source_close(found);
	found = source("oci", folder, ":@1");
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal("second", buf_string(&text));
	oci_source_close(found);
	assert_int_equal(-ENOENT, refusal("oci", folder, ":three", "but: one, two"));
	assert_int_equal(-ENOENT, refusal("oci", folder, "", "There are: one, two"));
	assert_int_equal(-ENOENT, refusal("oci", folder, ":@2", "there are 2"));
	buf_release(&text);
	made_remove(folder);
}

static void one_image_needs_no_name(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX];
	struct buf list = {0}, text = {0};
	struct oci_descriptor which;
	struct oci_source *found;

	(void)state;
	made_folder(folder);
	put_version(folder);
	(void)made_blob(folder, "only");
	(void)made_blob(folder, "a blob of some length");
	put_entry(&list, "only", "");
	put_index(folder, &list);
	found = source("oci", folder, "");
	assert_null(own_name);
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal("only", buf_string(&text));
	assert_int_equal(0, blob_of(found, "a blob of some length", 0, &text));
	assert_string_equal("a blob of some length", buf_string(&text));
	assert_int_equal(0, blob_of(found, "a blob of some length", 7, &text));
	assert_string_equal("of some length", buf_string(&text));
	assert_int_equal(-ENOENT, blob_of(found, "not there", 0, &text));
	which = made_descriptor(span_of_string("a blob of some length"));
	assert_int_equal(0, manifest_of(found, &which, &text, media_type));
	assert_string_equal("a blob of some length", buf_string(&text));
	assert_string_equal("", media_type);
	oci_source_close(found);
	buf_release(&text);
	made_remove(folder);
}

/* Each of many has a platform of its own, so each would be compared with all before it. */
static void an_index_of_too_many_platforms_is_no_image(void **state)
{
	char folder[FOLDER_SIZE], more[80];
	struct buf list = {0};

	(void)state;
	made_folder(folder);
	put_version(folder);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(more, sizeof(more),
			       ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%d\"}", i);
		put_entry(&list, "any", more);
	}
	put_index(folder, &list);
	assert_int_equal(-ENOENT, refusal("oci", folder, "", "which image of it is meant?"));
	made_remove(folder);
}

/* Nobody but the source knows what index.json says of it. */
static void a_manifest_is_held_to_the_index(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX], name[256];
	struct buf list = {0}, text = {0};
	struct oci_source *found;

	(void)state;
	made_folder(folder);
	put_version(folder);
	put_entry(&list, "right", "");
	put_index(folder, &list);
	(void)snprintf(name, sizeof(name), "blobs/sha256/%s",
		       made_digest(span_of_string("right")) + strlen("sha256:"));
	found = source("oci", folder, "");
	assert_int_equal(-ENOENT, manifest_of(found, NULL, &text, media_type));
	made_file(folder, name, span_of_string("wrong"));
	assert_int_equal(-EBADMSG, manifest_of(found, NULL, &text, media_type));
	made_file(folder, name, span_of_string("right, and more"));
	assert_int_equal(-EBADMSG, manifest_of(found, NULL, &text, media_type));
	made_file(folder, name, span_of_string("right"));
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	oci_source_close(found);
	buf_release(&text);
	made_remove(folder);
}

#define FOR(arch) ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\"}"

static void an_index_of_platforms_is_an_image(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX];
	struct buf list = {0}, text = {0};
	struct oci_source *found;

	(void)state;
	made_folder(folder);
	put_version(folder);
	put_entry(&list, "first", FOR("amd64"));
	put_entry(&list, "second", FOR("arm64"));
	put_index(folder, &list);
	found = source("oci", folder, "");
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal(OCI "index.v1+json", media_type);
	assert_non_null(strstr(buf_string(&text), "arm64"));
	oci_source_close(found);
	/* the same platform twice: two images */
	put_entry(&list, "first", FOR("amd64"));
	put_entry(&list, "second", FOR("amd64"));
	put_index(folder, &list);
	assert_int_equal(-ENOENT, refusal("oci", folder, "", "which image"));
	buf_release(&text);
	made_remove(folder);
}

static void what_is_no_layout_is_refused(void **state)
{
	char folder[FOLDER_SIZE];
	struct buf list = {0};

	(void)state;
	made_folder(folder);
	assert_int_equal(-ENOENT, refusal("oci", folder, "", "oci-layout"));
	made_file(folder, "oci-layout", span_of_string("{\"imageLayoutVersion\":\"2.0.0\"}"));
	assert_int_equal(-EOPNOTSUPP, refusal("oci", folder, "", "version 2.0.0"));
	put_version(folder);
	assert_int_equal(-ENOENT, refusal("oci", folder, "", "index.json"));
	made_file(folder, "index.json", span_of_string("{\"schemaVersion\":2}"));
	assert_int_equal(-EUCLEAN, refusal("oci", folder, "", "index.json"));
	put_index(folder, &list);
	assert_int_equal(-ENOENT, refusal("oci", folder, "", "no image"));
	put_entry(&list, "first", NAMED("x"));
	put_entry(&list, "second", NAMED("x"));
	put_index(folder, &list);
	assert_int_equal(-EUCLEAN, refusal("oci", folder, ":x", "two images"));
	made_remove(folder);
}

static void a_layout_in_an_archive_is_read_alike(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX], name[256];
	struct buf list = {0}, text = {0}, tar = {0};
	struct oci_source *found;

	(void)state;
	made_folder(folder);
	put_entry(&list, "only", "");
	assert_int_equal(0, buf_printf(&text, "{\"schemaVersion\":2,\"manifests\":[%s]}",
				       buf_string(&list)));
	(void)snprintf(name, sizeof(name), "./blobs/sha256/%s",
		       made_digest(span_of_string("only")) + strlen("sha256:"));
	made_member_text(&tar, name, "only");
	made_member(&tar, '0', "./index.json", "", buf_span(&text));
	made_member_text(&tar, "./oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	made_end(&tar);
	made_file(folder, "x.tar", buf_span(&tar));
	found = source("oci-archive", folder, "/x.tar");
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal("only", buf_string(&text));
	oci_source_close(found);
	buf_release(&list);
	buf_release(&text);
	buf_release(&tar);
	made_remove(folder);
}

/* dir: */

static void a_dir_has_manifest_and_blobs_side_by_side(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX], name[256];
	struct oci_descriptor which = made_descriptor(span_of_string("variant"));
	struct oci_source *found;
	struct buf text = {0};

	(void)state;
	made_folder(folder);
	found = source("dir", folder, "");
	assert_int_equal(-ENOENT, manifest_of(found, NULL, &text, media_type));
	made_file(folder, "manifest.json", span_of_string("manifest"));
	made_file(folder, made_digest(span_of_string("blob")) + 7, span_of_string("blob"));
	(void)snprintf(name, sizeof(name), "%s.manifest.json",
		       made_digest(span_of_string("variant")) + 7);
	made_file(folder, name, span_of_string("variant"));
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal("manifest", buf_string(&text));
	assert_string_equal("", media_type);
	assert_int_equal(0, manifest_of(found, &which, &text, media_type));
	assert_string_equal("variant", buf_string(&text));
	assert_int_equal(0, blob_of(found, "blob", 1, &text));
	assert_string_equal("lob", buf_string(&text));
	assert_int_equal(-ENOENT, blob_of(found, "none", 0, &text));
	oci_source_close(found);
	buf_release(&text);
	made_remove(folder);
}

/* docker-archive: */

#define LAYER_A "first layer, plain"
#define LAYER_B "second layer"

static void docker_config(struct buf *config)
{
	assert_int_equal(0, buf_printf(config,
				       "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
				       "\"diff_ids\":[\"%s\",\"%s\",\"%s\"]}}",
				       made_digest(span_of_string(LAYER_A)),
				       made_digest(span_of_string(LAYER_B)),
				       made_digest(span_of_string(LAYER_A))));
}

static void docker_archive(const char *folder, const char *list)
{
	struct buf tar = {0}, config = {0}, gzip = {0};

	docker_config(&config);
	made_gzip(span_of_string(LAYER_B), &gzip);
	made_member_text(&tar, "manifest.json", list);
	made_member(&tar, '0', "config.json", "", buf_span(&config));
	made_member_text(&tar, "a/layer.tar", LAYER_A);
	made_member(&tar, '0', "b/layer.tar", "", buf_span(&gzip));
	made_member(&tar, '2', "c/layer.tar", "../a/layer.tar", SPAN_EMPTY);
	made_end(&tar);
	made_file(folder, "x.tar", buf_span(&tar));
	buf_release(&tar);
	buf_release(&config);
	buf_release(&gzip);
}

#define LAYERS "\"Layers\":[\"a/layer.tar\",\"b/layer.tar\",\"c/layer.tar\"]"
#define ENTRY(tags) "{\"Config\":\"config.json\",\"RepoTags\":[" tags "]," LAYERS "}"

/* Members in the order of containers/image; skopeo computes the same digest. */
static void a_docker_archive_gets_the_manifest_of_containers_image(void **state)
{
	char folder[FOLDER_SIZE], media_type[MEDIA_TYPE_SIZE_MAX];
	struct buf text = {0}, config = {0}, expected = {0};
	struct oci_source *found;

	(void)state;
	made_folder(folder);
	docker_archive(folder, "[" ENTRY("") "]");
	docker_config(&config);
	found = source("docker-archive", folder, "/x.tar");
	assert_int_equal(0, manifest_of(found, NULL, &text, media_type));
	assert_string_equal(DOCKER "distribution.manifest.v2+json", media_type);
	assert_int_equal(
		0,
		buf_printf(&expected,
			   "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
			   "distribution.manifest.v2+json\",\"config\":{\"mediaType\":\"" DOCKER
			   "container.image.v1+json\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":["
			   "{\"mediaType\":\"" DOCKER
			   "image.rootfs.diff.tar.gzip\",\"size\":18,\"digest\":\"%s\"},"
			   "{\"mediaType\":\"" DOCKER
			   "image.rootfs.diff.tar.gzip\",\"size\":12,\"digest\":\"%s\"},"
			   "{\"mediaType\":\"" DOCKER
			   "image.rootfs.diff.tar.gzip\",\"size\":18,\"digest\":\"%s\"}]}",
			   config.size, made_digest(buf_span(&config)),
			   made_digest(span_of_string(LAYER_A)),
			   made_digest(span_of_string(LAYER_B)),
			   made_digest(span_of_string(LAYER_A))));
	assert_string_equal(buf_string(&expected), buf_string(&text));
	/* plain, whatever it is in the archive */
	assert_int_equal(0, blob_of(found, LAYER_A, 0, &text));
	assert_string_equal(LAYER_A, buf_string(&text));
	assert_int_equal(0, blob_of(found, LAYER_B, 0, &text));
	assert_string_equal(LAYER_B, buf_string(&text));
	assert_int_equal(0, blob_of(found, LAYER_B, 7, &text));
	assert_string_equal("layer", buf_string(&text));
	assert_int_equal(0, blob_of(found, buf_string(&config), 0, &text));
	assert_string_equal(buf_string(&config), buf_string(&text));
	assert_int_equal(-ENOENT, blob_of(found, "none", 0, &text));
	oci_source_close(found);
	buf_release(&text);
	buf_release(&config);
	buf_release(&expected);
	made_remove(folder);
}

static void images_of_a_docker_archive_are_found_by_name_or_place(void **state)
{
	char folder[FOLDER_SIZE];

	(void)state;
	made_folder(folder);
	docker_archive(folder, "[" ENTRY("\"busybox:1\",\"quay.io/a/b:c\"") "," ENTRY(
				       "\"other:latest\"") "]");
	oci_source_close(source("docker-archive", folder, "/x.tar:busybox:1"));
	oci_source_close(source("docker-archive", folder, "/x.tar:docker.io/library/other:latest"));
	oci_source_close(source("docker-archive", folder, "/x.tar:quay.io/a/b:c"));
	oci_source_close(source("docker-archive", folder, "/x.tar:@1"));
	assert_string_equal("docker.io/library/other:latest", own_name);
	assert_int_equal(-ENOENT, refusal("docker-archive", folder, "/x.tar", "which image of 2"));
	assert_int_equal(-ENOENT, refusal("docker-archive", folder, "/x.tar:@2", "there are 2"));
	assert_int_equal(-ENOENT,
			 refusal("docker-archive", folder, "/x.tar:busybox:2", "no image"));
	made_remove(folder);
}

static void malformed_docker_archives_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"[7]",
		"[{}]",
		"[{\"Config\":\"none\"," LAYERS "}]",
		"[{\"Config\":\"../config.json\"," LAYERS "}]",
		"[{\"Config\":\"a/layer.tar\"," LAYERS "}]",
		"[{\"Config\":\"config.json\"}]",
		"[{\"Config\":\"config.json\",\"Layers\":[\"a/layer.tar\"]}]",
		"[{\"Config\":\"config.json\",\"Layers\":[\"a/layer.tar\",\"none\",\"none\"]}]",
		"[{\"Config\":\"config.json\",\"Layers\":[1,2,3]}]",
	};
	char folder[FOLDER_SIZE];

	(void)state;
	made_folder(folder);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		docker_archive(folder, bad[i]);
		assert_int_equal(-EUCLEAN, refusal("docker-archive", folder, "/x.tar", "x.tar"));
	}
	docker_archive(folder, "[]");
	assert_int_equal(-ENOENT, refusal("docker-archive", folder, "/x.tar", "0 images"));
	made_remove(folder);
}

static int forget(void **state)
{
	(void)state;
	free(own_name);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_of_a_layout_are_found_by_name_or_place),
		cmocka_unit_test(one_image_needs_no_name),
		cmocka_unit_test(an_index_of_too_many_platforms_is_no_image),
		cmocka_unit_test(a_manifest_is_held_to_the_index),
		cmocka_unit_test(an_index_of_platforms_is_an_image),
		cmocka_unit_test(what_is_no_layout_is_refused),
		cmocka_unit_test(a_layout_in_an_archive_is_read_alike),
		cmocka_unit_test(a_dir_has_manifest_and_blobs_side_by_side),
		cmocka_unit_test(a_docker_archive_gets_the_manifest_of_containers_image),
		cmocka_unit_test(images_of_a_docker_archive_are_found_by_name_or_place),
		cmocka_unit_test(malformed_docker_archives_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
