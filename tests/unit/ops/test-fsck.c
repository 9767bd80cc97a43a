/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Each kind of damage is found, by its name, and by no other; and what --repair leaves is whole, or
 * only lacks what has to be brought again.
 */
#include "unit/store/golden.h"

#include "oci/descriptor.h"
#include "ops/fsck.h"
#include "ops/import.h"
#include "store/streams.h"
#include "store/tags.h"
#include "verity/sha.h"

static char folder[REPO_PATH_SIZE];
static char repo[REPO_PATH_SIZE];
static struct store *store; /* open while a repository is made */
static struct buf found;    /* "kind subject" or "kind subject repair", a line each */

static int setup(void **state)
{
	(void)state;
	(void)setenv("LAMINA_RUNTIME_DIR", "/nowhere", 1);
	folder_make(NULL, folder);
	(void)snprintf(repo, sizeof(repo), "%.200s/repo", folder);
	store = repo_open(repo);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	buf_release(&found);
	folder_remove(folder);
	return 0;
}

static void note(void *context, const struct fsck_problem *problem)
{
	(void)context;
	assert_true(problem->text[0]);
	assert_int_equal(0, buf_printf(&found, "%s %s%s%s\n", problem->kind, problem->subject,
				       problem->repair ? " " : "",
				       problem->repair ? problem->repair : ""));
}

static struct fsck_result check_with(struct fsck_request request)
{
	struct fsck_result result;
	struct diag why = {0};

	request.repo = repo;
	request.tell = note;
	found.size = 0;
	store_close(store);
	store = NULL;
	assert_ok(fsck_run(&request, &result, &why), &why);
	if (result.meta != FSCK_META_ERROR)
		assert_ok(store_open(repo, &store, &why), &why);
	return result;
}

static struct fsck_result check(void)
{
	return check_with((struct fsck_request){0});
}

/* The problems are exactly these, "kind subject\n" each; "..." at the end of a subject stands for
 * any rest. */
static void assert_found(const char *expected)
{
	const char *text;

	(void)check();
	text = buf_string(&found);
	while (*expected || *text) {
		size_t size = strcspn(expected, "\n"), got = strcspn(text, "\n");
		bool is_open = size > 3 && memcmp(expected + size - 3, "...", 3) == 0;
		size_t same = is_open ? size - 3 : size;

		if ((!is_open && size != got) || got < same || memcmp(expected, text, same) != 0)
			fail_msg("expected %s\nfound %s", expected, buf_string(&found));
		expected += size + (expected[size] == '\n');
		text += got + (text[got] == '\n');
	}
}

static struct digest publish(const char *text, const char *name)
{
	struct transaction *transaction = begin(store);
	struct digest id = add_text(transaction, text);

	stream_commit(store, transaction, name, &id);
	return id;
}

static const char *object_path(const struct digest *object)
{
	char place[DIGEST_PATH_SIZE_MAX], path[DIGEST_PATH_SIZE_MAX + 8];

	(void)snprintf(path, sizeof(path), "objects/%s", digest_path(object, place));
	return below(repo, path);
}

/* An image of one external file, called "name". */
static struct digest import_one(struct digest *ret_object)
{
	struct import_request request = {.name = "name", .version = -1};
	struct import_result result;
	uint8_t *bytes = bytes_of(1000, 3);
	struct diag why = {0};

	request.input = below(folder, "tree");
	assert_int_equal(0, mkdir(request.input, 0755));
	file_write(below(folder, "tree/file"), span_of(bytes, 1000));
	assert_ok(import_image(store, &request, &result, &why), &why);
	*ret_object = digest_of_bytes(span_of(bytes, 1000));
	free(bytes);
	return result.image;
}

/* "sha256:..." of a text. */
static const char *plain_digest(const char *text, char ret[OCI_DIGEST_SIZE_MAX])
{
	struct diag why = {0};
	struct digest digest;

	assert_ok(sha_of(DIGEST_SHA256, span_of_string(text), &digest, &why), &why);
	return oci_digest_text(&digest, ret);
}

struct reference {
	const char *name;
	const struct digest *id;
};

static struct digest add_document(const char *json, uint64_t type,
				  const struct reference *references)
{
	struct transaction *transaction = begin(store);
	struct digest id, object = add_text(transaction, json);
	struct splitstream_writer *writer = NULL;
	struct diag why = {0};

	assert_ok(splitstream_writer_new(transaction, type, &writer, &why), &why);
	assert_ok(splitstream_write_external(writer, &object, strlen(json), &why), &why);
	for (; references && references->name; references++)
		assert_ok(splitstream_name_reference(writer, span_of_string(references->name),
						     references->id, &why),
			  &why);
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	transaction_abort(transaction);
	return id;
}

/* What can be wrong with an image of OCI. */
struct variant {
	const char *config_json;   /* NULL: the golden config with its layers */
	const char *config_stored; /* instead of it; NULL: the same */
	bool has_no_config_reference;
	bool has_no_layer_reference;
	bool has_other_layer; /* in place of the first */
	bool has_other_diff_id;
	bool has_absent_layer;
	bool has_absent_config;
};

static const char golden_config[] = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{"
				    "\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}";

static char subject[OCI_DIGEST_SIZE_MAX + 64]; /* of the manifest, "streams/oci-manifest-..." */

/* Tagged "tag", and the layer "oci-layer-<diff_id>". */
static void add_oci_image(const struct variant *variant)
{
	struct transaction *transaction = begin(store);
	struct digest layer = golden_layer_write(transaction, "layer-alpha");
	struct digest other = golden_layer_write(transaction, "layer-beta");
	struct digest absent = digest_of_bytes(SPAN_LITERAL("absent")), config, manifest;
	char word[200], name[256], text[1024], json[2048], digest[OCI_DIGEST_SIZE_MAX];
	const struct digest *used = variant->has_other_layer    ? &other
				    : variant->has_absent_layer ? &absent
								: &layer;
	const char *config_json = variant->config_json;
	struct diag why = {0};

	(void)golden_diff_id(variant->has_other_diff_id ? "layer-beta" : "layer-alpha", word);
	(void)snprintf(name, sizeof(name), "oci-layer-%s", word);
	stream_commit(store, transaction, name, &layer);
	if (!config_json) {
		(void)snprintf(text, sizeof(text), golden_config, word);
		config_json = text;
	}
	config = add_document(
		variant->config_stored ? variant->config_stored : config_json,
		STREAM_TYPE_OCI_CONFIG,
		(struct reference[]){{variant->has_no_layer_reference ? NULL : word, used},
				     {NULL, NULL}});
	(void)snprintf(json, sizeof(json),
		       "{\"schemaVersion\":2,\"mediaType\":\"application/"
		       "vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":\"application/"
		       "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
		       "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
		       "\"digest\":\"%s\",\"size\":2560}]}",
		       plain_digest(config_json, digest), strlen(config_json), word);
	(void)snprintf(name, sizeof(name), "config:%s", digest);
	manifest =
		add_document(json, STREAM_TYPE_OCI_MANIFEST,
			     (struct reference[]){{variant->has_no_config_reference ? NULL : name,
						   variant->has_absent_config ? &absent : &config},
						  {NULL, NULL}});
	(void)snprintf(subject, sizeof(subject), "streams/oci-manifest-%s",
		       plain_digest(json, digest));
	assert_ok(stream_link(store, subject + strlen("streams/"), &manifest, &why), &why);
	assert_ok(tag_set(store, "tag", subject + strlen("streams/"), &why), &why);
}

static void a_good_repository_has_no_problems(void **state)
{
	struct fsck_result result;
	struct digest object;

	(void)state;
	(void)import_one(&object);
	add_oci_image(&(struct variant){0});
	file_write(below(repo, "objects/.tmp-object-abcdefghijkl"), SPAN_LITERAL("left"));
	result = check();
	assert_string_equal("", buf_string(&found));
	assert_int_equal(FSCK_META_OK, result.meta);
	assert_int_equal(0, result.error_count);
	assert_int_equal(2, result.streams.checked);
	assert_int_equal(1, result.images.checked);
	assert_int_equal(1, result.oci_images.checked);
	/* image, its file; three files in two layers, both layers, two streams, two documents */
	assert_true(result.objects.checked >= 8);
}

static void finds_damaged_objects(void **state)
{
	struct digest object, image = import_one(&object);
	char expected[512], place[DIGEST_PATH_SIZE_MAX];

	(void)state;
	(void)image;
	file_write(object_path(&object), SPAN_LITERAL("another content"));
	(void)snprintf(expected, sizeof(expected), "object-digest-mismatch objects/%s\n",
		       digest_path(&object, place));
	assert_found(expected);
	(void)check_with((struct fsck_request){.metadata_only = true});
	assert_string_equal("", buf_string(&found));
	assert_int_equal(0, unlink(object_path(&object)));
	assert_int_equal(0, symlink("/etc/passwd", object_path(&object)));
	(void)snprintf(expected, sizeof(expected),
		       "unexpected-file-type objects/%s\nimage-missing-object images/...\n", place);
	assert_found(expected);
	assert_int_equal(0, unlink(object_path(&object)));
	assert_int_equal(0, mkfifo(object_path(&object), 0644));
	assert_found(expected);
}

static void finds_strange_names_of_objects(void **state)
{
	(void)state;
	(void)mkdir(below(repo, "objects/00"), 0755);
	file_write(below(repo, "objects/00/readme"), SPAN_LITERAL("x"));
	file_write(below(repo, "objects/readme"), SPAN_LITERAL("x"));
	assert_found("object-invalid-name objects/00/readme\nobject-invalid-name objects/readme\n");
}

static void finds_links_that_are_none(void **state)
{
	struct diag why = {0};

	(void)state;
	(void)publish("x", "s");
	assert_ok(stream_ref_set(store, "a/b", "s", &why), &why);
	assert_int_equal(0, unlink(below(repo, "streams/s")));
	file_write(below(repo, "streams/file"), SPAN_LITERAL("x"));
	file_write(below(repo, "streams/refs/a/file"), SPAN_LITERAL("x"));
	assert_int_equal(0, mkdir(below(repo, "images"), 0755));
	assert_int_equal(0, mkdir(below(repo, "images/folder"), 0755));
	assert_int_equal(0, mkdir(below(repo, "images/refs"), 0755));
	assert_int_equal(0, symlink("../objects/nowhere", below(repo, "images/odd")));
	assert_int_equal(0, symlink("../odd", below(repo, "images/refs/odd")));
	assert_found("entry-not-symlink streams/file\n"
		     "entry-not-symlink images/folder\n"
		     "broken-symlink images/odd\n"
		     "broken-symlink images/refs/odd\n"
		     "broken-symlink streams/refs/a/b\n"
		     "unexpected-file-type streams/refs/a/file\n");
	assert_int_equal(3, check().broken_links);
}

/* A copy of a stream with one byte changed, under the name of s. */
static void publish_changed(const struct digest *stream, size_t offset)
{
	struct transaction *transaction = begin(store);
	struct buf bytes = {0};
	struct diag why = {0};
	struct digest id;
	int fd = object_open(store, stream, &why);

	assert_int_equal(0, fd_read_all(fd, 1 << 20, &bytes));
	(void)close(fd);
	bytes.data[offset < bytes.size ? offset : bytes.size - 1] ^= 0x40;
	assert_ok(add_bytes(transaction, buf_span(&bytes), &id, &why), &why);
	stream_commit(store, transaction, "s", &id);
	buf_release(&bytes);
}

static void finds_damaged_streams(void **state)
{
	struct transaction *transaction = begin(store);
	struct digest layer = golden_layer_write(transaction, "layer-alpha");
	struct digest absent = digest_of_bytes(SPAN_LITERAL("absent")), id;
	struct splitstream *stream = NULL;
	struct diag why = {0};

	(void)state;
	transaction_abort(transaction);
	(void)publish("no stream", "s");
	assert_found("stream-open-failed streams/s\n");
	publish_changed(&layer, 32 + 72); /* the size */
	assert_found("stream-read-failed streams/s\n");
	publish_changed(&layer, SIZE_MAX); /* in the frame */
	assert_found("stream-read-failed streams/s\n");
	assert_ok(stream_link(store, "s", &layer, &why), &why);
	assert_found("");
	assert_ok(splitstream_open(store, &layer, STREAM_TYPE_ANY, &stream, &why), &why);
	id = splitstream_object(stream, 0);
	splitstream_close(stream);
	assert_int_equal(0, unlink(object_path(&id)));
	assert_found("missing-object-ref streams/s\n");
	id = add_document("x", STREAM_TYPE_OCI_BLOB,
			  (struct reference[]){{"name", &absent}, {NULL, NULL}});
	assert_ok(stream_link(store, "s", &id, &why), &why);
	assert_found("missing-named-ref streams/s\n");
}

/* The version stands after the magic (composefs-repository.md, 2.6). */
static void repair_removes_only_what_is_damaged(void **state)
{
	struct transaction *transaction = begin(store);
	struct digest layer = golden_layer_write(transaction, "layer-alpha");

	(void)state;
	transaction_abort(transaction);
	/* Somebody else's stream, of a later version. */
	publish_changed(&layer, 11);
	assert_int_equal(0, check_with((struct fsck_request){.is_repair = true}).repair_count);
	assert_string_equal("stream-open-failed streams/s\n", buf_string(&found));
	/* But one that is none. */
	(void)publish("no stream", "s");
	(void)check_with((struct fsck_request){.is_repair = true});
	assert_string_equal("stream-open-failed streams/s removed\n", buf_string(&found));
}

static void finds_damaged_images(void **state)
{
	struct digest object, image = import_one(&object), text = publish("no image", "t");
	char hex[DIGEST_HEX_SIZE_MAX], path[200], target[256], place[DIGEST_PATH_SIZE_MAX];

	(void)state;
	assert_int_equal(0, unlink(below(repo, "streams/t")));
	assert_int_equal(0, unlink(object_path(&object)));
	(void)snprintf(path, sizeof(path), "image-missing-object images/%s\n",
		       digest_hex(&image, hex));
	assert_found(path);
	assert_int_equal(1, check().missing_objects);
	assert_int_equal(0, unlink(below(repo, "images/refs/name")));
	(void)snprintf(path, sizeof(path), "images/%s", hex);
	assert_int_equal(0, unlink(below(repo, path)));
	(void)snprintf(target, sizeof(target), "../objects/%s", digest_path(&text, place));
	assert_int_equal(0, symlink(target, below(repo, path)));
	assert_found("image-invalid images/...\n"); /* the name is another's */
	assert_int_equal(0, unlink(below(repo, path)));
	(void)snprintf(path, sizeof(path), "images/%s", digest_hex(&text, hex));
	assert_int_equal(0, symlink(target, below(repo, path)));
	assert_found("image-invalid images/...\n"); /* no EROFS */
}

static void finds_a_damaged_meta_json(void **state)
{
	struct fsck_result result;

	(void)state;
	(void)publish("x", "s");
	assert_int_equal(0, unlink(below(repo, "streams/s")));
	file_write(below(repo, "meta.json"), SPAN_LITERAL("{"));
	result = check();
	assert_string_equal("metadata-parse-failed meta.json\n", buf_string(&found));
	assert_int_equal(FSCK_META_ERROR, result.meta);
	assert_int_equal(1, result.objects.checked);
	assert_int_equal(0, unlink(below(repo, "meta.json")));
	result = check();
	assert_string_equal("", buf_string(&found));
	assert_int_equal(FSCK_META_ABSENT, result.meta);
}

static void finds_a_meta_json_of_another_algorithm(void **state)
{
	struct store_config config = config_of(DIGEST_SHA512);
	struct diag why = {0};

	(void)state;
	(void)publish("x", "s");
	assert_int_equal(0, unlink(below(repo, "streams/s")));
	assert_ok(store_init(below(folder, "other"), &config, &why), &why);
	assert_int_equal(0, rename(below(folder, "other/meta.json"), below(repo, "meta.json")));
	assert_int_equal(FSCK_META_ERROR, check().meta);
	assert_memory_equal("object-invalid-name objects/", found.data, 28);
	assert_non_null(strstr(buf_string(&found), "\nmetadata-algorithm-mismatch meta.json\n"));
	/* A repair must not put the whole repository aside over it. */
	(void)check_with((struct fsck_request){.is_repair = true});
	assert_null(strstr(buf_string(&found), "put aside"));
}

static void finds_what_is_wrong_with_images_of_oci(void **state)
{
	static const char sealed[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Labels\":{\"containers."
		"composefs.fsverity\":\"%s\"}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
		"\"sha256:"
		"757d6903198804b6ed96421a93a9973f5facc0e445a2a6c61cb0129eb67026e2\"]}}";
	char seal[1024];
	const struct {
		struct variant variant;
		const char *kinds;
	} cases[] = {
		{{.has_no_config_reference = true}, "config-ref-missing"},
		{{.has_absent_config = true}, "config-read-failed"},
		{{.config_stored = "{}"}, "config-digest-mismatch"},
		{{.config_json = "[]"}, "config-parse-failed"},
		{{.config_json = "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"},
		 "config-parse-failed"},
		{{.has_no_layer_reference = true}, "layer-ref-missing"},
		{{.has_absent_layer = true}, "layer-stream-missing"},
		{{.has_other_layer = true}, "layer-check-failed"},
		{{.config_json = seal}, "seal-image-missing"},
	};

	(void)state;
	(void)snprintf(seal, sizeof(seal), sealed,
		       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[512];

		add_oci_image(&cases[i].variant);
		(void)check();
		(void)snprintf(expected, sizeof(expected), "%s %s\n", cases[i].kinds, subject);
		if (!strstr(buf_string(&found), expected))
			fail_msg("case %zu, %s: found %s", i, cases[i].kinds, buf_string(&found));
		/* The generic check sees no more than what is not there. */
		(void)snprintf(expected, sizeof(expected), "missing-named-ref %s\n%s %s\n", subject,
			       cases[i].kinds, subject);
		if (strcmp(buf_string(&found), strstr(expected, cases[i].kinds)) != 0 &&
		    strcmp(buf_string(&found), expected) != 0)
			fail_msg("case %zu, %s: found %s", i, cases[i].kinds, buf_string(&found));
		assert_int_equal(0, unlink(below(repo, subject)));
		assert_int_equal(0, unlink(below(repo, "streams/refs/oci/tag")));
	}
}

/* Images that have the layer of the first in place of their own; in the order of their digests,
 * some come before the first and some after it. */
static void a_good_layer_is_good_for_its_own_hash_only(void **state)
{
	enum { COUNT = 8 };
	size_t failed_count = 0;

	(void)state;
	add_oci_image(&(struct variant){0});
	assert_found("");
	for (int i = 0; i < COUNT; i++) {
		char word[200], config[1024];

		(void)golden_diff_id("layer-beta", word);
		(void)snprintf(config, sizeof(config),
			       "{\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"%d\","
			       "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
			       i, word);
		add_oci_image(&(struct variant){.config_json = config, .has_other_diff_id = true});
	}
	(void)check();
	for (const char *at = buf_string(&found); (at = strstr(at, "layer-check-failed")); at++)
		failed_count++;
	assert_int_equal(COUNT, failed_count);
}

static void finds_manifests_that_are_none(void **state)
{
	char name[OCI_DIGEST_SIZE_MAX + 32], digest[OCI_DIGEST_SIZE_MAX];
	struct digest id = add_document("{}", STREAM_TYPE_OCI_MANIFEST, NULL);
	struct digest config = add_document("{}", STREAM_TYPE_OCI_CONFIG, NULL);
	struct diag why = {0};

	(void)state;
	assert_ok(stream_link(store, "oci-manifest-sha256:12", &id, &why), &why);
	assert_found("manifest-digest-mismatch streams/oci-manifest-sha256:12\n");
	assert_ok(stream_link(store, "oci-manifest-sha256:12", &config, &why), &why);
	assert_found("manifest-read-failed streams/oci-manifest-sha256:12\n");
	assert_int_equal(0, unlink(below(repo, "streams/oci-manifest-sha256:12")));
	(void)snprintf(name, sizeof(name), "oci-manifest-%s", plain_digest("{}", digest));
	assert_ok(stream_link(store, name, &id, &why), &why);
	assert_found("manifest-parse-failed streams/oci-manifest-sha256:...\n");
}

static void finds_tags_that_lead_nowhere(void **state)
{
	struct digest config = add_document("{}", STREAM_TYPE_OCI_CONFIG, NULL);
	struct diag why = {0};

	(void)state;
	assert_ok(stream_link(store, "oci-config-x", &config, &why), &why);
	assert_ok(tag_set(store, "a", "oci-config-x", &why), &why);
	assert_ok(stream_ref_set(store, "oci/%zz", "oci-config-x", &why), &why);
	assert_found("invalid-ref-name streams/refs/oci/%zz\n"
		     "ref-resolve-failed streams/refs/oci/%zz\n"
		     "ref-resolve-failed streams/refs/oci/a\n");
}

static void finds_what_artifacts_lack(void **state)
{
	static const char json[] =
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"artifactType\":\"text/plain\",\"config\":{\"mediaType\":\"application/"
		"vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":"
		"\"text/plain\",\"digest\":\"%s\",\"size\":4}]}";
	char text[1024], of_config[OCI_DIGEST_SIZE_MAX], of_blob[OCI_DIGEST_SIZE_MAX],
		config_name[OCI_DIGEST_SIZE_MAX + 8], name[OCI_DIGEST_SIZE_MAX + 32],
		digest[OCI_DIGEST_SIZE_MAX];
	struct digest config = add_document("{}", STREAM_TYPE_OCI_CONFIG, NULL);
	struct digest blob = add_document("blob", STREAM_TYPE_OCI_BLOB, NULL), id, object;
	struct diag why = {0};

	(void)state;
	(void)snprintf(text, sizeof(text), json, plain_digest("{}", of_config),
		       plain_digest("blob", of_blob));
	(void)snprintf(name, sizeof(name), "oci-manifest-%s", plain_digest(text, digest));
	(void)snprintf(config_name, sizeof(config_name), "config:%s", of_config);
	id = add_document(text, STREAM_TYPE_OCI_MANIFEST,
			  (struct reference[]){{config_name, &config}, {NULL, NULL}});
	assert_ok(stream_link(store, name, &id, &why), &why);
	assert_found("artifact-layer-ref-missing streams/oci-manifest-...\n");
	id = add_document(
		text, STREAM_TYPE_OCI_MANIFEST,
		(struct reference[]){{config_name, &config}, {of_blob, &blob}, {NULL, NULL}});
	assert_ok(stream_link(store, name, &id, &why), &why);
	assert_found("");
	object = digest_of_bytes(SPAN_LITERAL("blob"));
	assert_int_equal(0, unlink(object_path(&object)));
	assert_found("artifact-layer-object-missing streams/oci-manifest-...\n");
}

static void repair_leaves_what_a_pull_completes(void **state)
{
	struct digest object, image = import_one(&object), layer_object;
	char expected[2048], place[2][DIGEST_PATH_SIZE_MAX], word[200];
	struct splitstream *stream = NULL;
	struct fsck_result result;
	struct diag why = {0};
	struct digest id;

	(void)state;
	add_oci_image(&(struct variant){0});
	id = golden_id("layer-alpha", "sha256");
	assert_ok(splitstream_open(store, &id, STREAM_TYPE_ANY, &stream, &why), &why);
	layer_object = splitstream_object(stream, 0);
	splitstream_close(stream);
	file_write(object_path(&layer_object), SPAN_LITERAL("damage"));
	file_write(object_path(&image), SPAN_LITERAL("damage"));
	result = check_with((struct fsck_request){.is_repair = true});
	digest_path(&layer_object, place[0]);
	digest_path(&image, place[1]);
	(void)golden_diff_id("layer-alpha", word);
	(void)snprintf(expected, sizeof(expected),
		       "missing-object-ref streams/oci-layer-%s removed\n"
		       "broken-symlink images/%.2s%s removed\n"
		       "broken-symlink images/refs/name removed\n"
		       "layer-object-missing %s\n",
		       word, place[1], place[1] + 3, subject);
	assert_string_equal(expected, strstr(buf_string(&found), "missing-object-ref"));
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(expected, sizeof(expected),
			       "object-digest-mismatch objects/%s put aside\n", place[i]);
		assert_non_null(strstr(buf_string(&found), expected));
	}
	assert_int_equal(6, result.error_count);
	assert_int_equal(5, result.repair_count);
	/* What is left is known, and the pull that comes makes it whole. */
	(void)snprintf(expected, sizeof(expected), "layer-object-missing %s\n", subject);
	assert_found(expected);
	add_oci_image(&(struct variant){0});
	assert_found("");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_good_repository_has_no_problems),
		CASE(finds_damaged_objects),
		CASE(finds_strange_names_of_objects),
		CASE(finds_links_that_are_none),
		CASE(finds_damaged_streams),
		CASE(repair_removes_only_what_is_damaged),
		CASE(finds_damaged_images),
		CASE(finds_a_damaged_meta_json),
		CASE(finds_a_meta_json_of_another_algorithm),
		CASE(finds_what_is_wrong_with_images_of_oci),
		CASE(a_good_layer_is_good_for_its_own_hash_only),
		CASE(finds_manifests_that_are_none),
		CASE(finds_tags_that_lead_nowhere),
		CASE(finds_what_artifacts_lack),
		CASE(repair_leaves_what_a_pull_completes),
	};

	return cmocka_run_group_tests_name("ops/fsck", tests, NULL, NULL);
}
