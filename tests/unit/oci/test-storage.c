/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * storage.c with storage_root.c, storage_image.c and storage_layer.c, on stores that are made by
 * hand; tests/e2e/storage.bats has those that podman makes.
 */
#include "made.h"

#include "base/base64.h"
#include "oci/fetch.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/source.h"
#include "oci/storage.h"

#define OCI "application/vnd.oci.image."
#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID2 "1112222222222222222222222222222222222222222222222222222222222222"

/* A store with an image of two layers, whose archives say what they are. */
struct made {
	char folder[FOLDER_SIZE];
	char config[1024], manifest[2048];
	struct oci_descriptor layers[2]; /* as the manifest calls them */
};

static const char base_archive[] = "base: header, 0123456789, end";
static const char top_archive[] = "top: header, abc, 0123456789, end";

static const char *const base_lines =
	"{\"type\":2,\"payload\":\"YmFzZTogaGVhZGVyLCA=\",\"position\":0}\n" /* base: header, */
	"{\"type\":1,\"name\":\"usr/file\",\"size\":10,\"payload\":\"\",\"position\":1}\n"
	"{\"type\":2,\"payload\":\"LCBlbmQ=\",\"position\":2}\n"; /* , end */
static const char *const top_lines =
	"{\"type\":2,\"payload\":\"dG9wOiBoZWFkZXIsIA==\"}\n" /* top: header, */
	"{\"type\":1,\"name\":\"/link/../usr/new\",\"size\":3,\"payload\":\"\"}\n"
	"{\"type\":2,\"payload\":\"LCA=\"}\n"
	"{\"type\":1,\"name\":\"./usr/file\",\"size\":10,\"payload\":\"\"}\n"
	"{\"type\":2,\"payload\":\"LCBlbmQ=\"}\n";

static void put_packed(const char *folder, const char *name, const char *text)
{
	struct buf packed = {0};

	made_gzip(span_of_string(text), &packed);
	made_file(folder, name, buf_span(&packed));
	buf_release(&packed);
}

static void put_data(const char *folder, const char *driver, const char *key, const char *text)
{
	struct buf path = {0};

	assert_int_equal(0, buf_printf(&path, "%s-images/" ID1 "/", driver));
	if (strchr(key, ':')) {
		assert_int_equal(0, buf_append_byte(&path, '='));
		assert_int_equal(0, base64_encode(span_of_string(key), &path));
	} else {
		assert_int_equal(0, buf_append_string(&path, key));
	}
	made_file(folder, buf_string(&path), span_of_string(text));
	buf_release(&path);
}

static void put_list(const char *folder, const char *driver, const char *what, const char *text)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s-%s/%s.json", driver, what, what);
	made_file(folder, name, span_of_string(text));
}

static void put_images(const struct made *made, const char *driver, const char *more)
{
	const char *digest = made_digest(span_of_string(made->manifest));
	struct buf text = {0};

	assert_int_equal(0,
			 buf_printf(&text,
				    "[{\"id\":\"" ID1 "\",\"digest\":\"%s\","
				    "\"names\":[\"localhost/it:1\",\"quay.io/some/where:2\"],"
				    "\"layer\":\"top\",\"big-data-digests\":{\"manifest\":\"%s\"}}"
				    "%s]",
				    digest, digest, more));
	put_list(made->folder, driver, "images", buf_string(&text));
	buf_release(&text);
}

static void put_layers(const struct made *made, const char *driver)
{
	struct buf text = {0};

	assert_int_equal(0,
			 buf_printf(&text,
				    "[{\"id\":\"base\",\"diff-digest\":\"%s\",\"diff-size\":29},"
				    "{\"id\":\"top\",\"parent\":\"base\",\"diff-digest\":\"%s\"}]",
				    made_digest(span_of_string(base_archive)),
				    made_digest(span_of_string(top_archive))));
	put_list(made->folder, driver, "layers", buf_string(&text));
	buf_release(&text);
}

static void put_image(struct made *made, const char *driver)
{
	char key[128];

	for (int i = 0; i < 2; i++)
		made->layers[i] = made_descriptor(span_of_string(i ? "packed 2" : "packed 1"));
	(void)snprintf(
		made->config, sizeof(made->config),
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":[\"%s\",\"%s\"]}}",
		made_digest(span_of_string(base_archive)),
		made_digest(span_of_string(top_archive)));
	(void)snprintf(
		made->manifest, sizeof(made->manifest),
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI "config.v1+json\","
		"\"digest\":\"%s\",\"size\":%zu},\"layers\":["
		"{\"mediaType\":\"" OCI "layer.v1.tar+gzip\",\"digest\":\"%s\",\"size\":8},"
		"{\"mediaType\":\"" OCI "layer.v1.tar+gzip\",\"digest\":\"%s\",\"size\":8}]}",
		made_digest(span_of_string(made->config)), strlen(made->config),
		made_digest(SPAN_LITERAL("packed 1")), made_digest(SPAN_LITERAL("packed 2")));
	put_data(made->folder, driver, "manifest", made->manifest);
	(void)snprintf(key, sizeof(key), "manifest-%s",
		       made_digest(span_of_string(made->manifest)));
	put_data(made->folder, driver, key, made->manifest);
	put_data(made->folder, driver, made_digest(span_of_string(made->config)), made->config);
	put_images(made, driver, "");
}

static void make_store(struct made *made, const char *driver)
{
	bool is_overlay = strcmp(driver, "overlay") == 0;
	char name[128];

	made_folder(made->folder);
	put_image(made, driver);
	put_layers(made, driver);
	(void)snprintf(name, sizeof(name), "%s-layers/base.tar-split.gz", driver);
	put_packed(made->folder, name, base_lines);
	(void)snprintf(name, sizeof(name), "%s-layers/top.tar-split.gz", driver);
	put_packed(made->folder, name, top_lines);
	made_file(made->folder, is_overlay ? "overlay/base/diff/usr/file" : "vfs/dir/base/usr/file",
		  SPAN_LITERAL("0123456789"));
	made_file(made->folder, is_overlay ? "overlay/top/diff/usr/new" : "vfs/dir/top/usr/new",
		  SPAN_LITERAL("abc"));
	if (!is_overlay)
		made_file(made->folder, "vfs/dir/top/usr/file", SPAN_LITERAL("0123456789"));
	/* an absolute link: within the layer */
	assert_int_equal(
		0, symlink("/usr", made_path(made->folder, is_overlay ? "overlay/top/diff/link"
								      : "vfs/dir/top/link")));
}

static char *own_name; /* of the last image that was opened */

static int open_at(const struct made *made, const char *driver, const char *name,
		   struct oci_source **ret, struct diag *why)
{
	struct oci_reference reference;
	char text[512];
	int r;

	(void)snprintf(text, sizeof(text), "containers-storage:[%s@%s]%s", driver, made->folder,
		       name);
	assert_ok(oci_reference_parse(text, &reference, why), why);
	free(own_name);
	own_name = NULL;
	r = storage_open(&reference, ret, &own_name, why);
	oci_reference_release(&reference);
	return r;
}

static struct oci_source *source_of(const struct made *made, const char *driver, const char *name)
{
	struct oci_source *source = NULL;
	struct diag why = {0};

	assert_ok(open_at(made, driver, name, &source, &why), &why);
	return source;
}

static int refusal(const struct made *made, const char *name, const char *says)
{
	struct oci_source *source = NULL;
	struct diag why = {0};
	int r = open_at(made, "overlay", name, &source, &why);

	assert_true(r < 0);
	assert_null(source);
	if (!strstr(why.text, says))
		fail_msg("'%s' does not say '%s'", why.text, says);
	return r;
}

static int blob_of(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		   struct buf *ret, struct diag *why)
{
	struct reader reader = READER_NONE;
	int r = oci_source_blob(source, blob, offset, &reader, why);

	return r < 0 ? r : made_read(&reader, ret, why);
}

static void an_image_comes_with_the_manifest_of_the_store(void **state)
{
	static const char *const drivers[] = {"overlay", "vfs"};
	struct made made;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char media_type[MEDIA_TYPE_SIZE_MAX];
		struct oci_descriptor config;
		struct oci_source *source;
		struct buf bytes = {0};
		struct diag why = {0};

		make_store(&made, drivers[i]);
		source = source_of(&made, drivers[i], "localhost/it:1");
		assert_ok(oci_source_manifest(source, NULL, &bytes, media_type, &why), &why);
		assert_string_equal(made.manifest, buf_string(&bytes));
		config = made_descriptor(span_of_string(made.config));
		assert_ok(blob_of(source, &config, 0, &bytes, &why), &why);
		assert_string_equal(made.config, buf_string(&bytes));
		assert_ok(blob_of(source, &config, 5, &bytes, &why), &why);
		assert_string_equal(made.config + 5, buf_string(&bytes));
		buf_release(&bytes);
		oci_source_close(source);
		made_remove(made.folder);
	}
}

static void layers_come_as_plain_archives(void **state)
{
	static const char *const drivers[] = {"overlay", "vfs"};
	struct made made;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct oci_source *source;
		struct oci_descriptor other = made_descriptor(SPAN_LITERAL("other"));
		struct buf bytes = {0};
		struct diag why = {0};

		make_store(&made, drivers[i]);
		source = source_of(&made, drivers[i], "localhost/it:1");
		assert_true(oci_source_is_plain(source));
		assert_ok(blob_of(source, &made.layers[0], 0, &bytes, &why), &why);
		assert_string_equal(base_archive, buf_string(&bytes));
		assert_ok(blob_of(source, &made.layers[1], 0, &bytes, &why), &why);
		assert_string_equal(top_archive, buf_string(&bytes));
		assert_ok(blob_of(source, &made.layers[1], 7, &bytes, &why), &why);
		assert_string_equal(top_archive + 7, buf_string(&bytes));
		assert_int_equal(29, oci_source_plain_size(source, &made.layers[0]));
		assert_int_equal(0, oci_source_plain_size(source, &made.layers[1]));
		assert_int_equal(-ENOENT, blob_of(source, &other, 0, &bytes, &why));
		buf_release(&bytes);
		oci_source_close(source);
		made_remove(made.folder);
	}
}

static void an_image_is_found_by_name_id_or_digest(void **state)
{
	char by_digest[512];
	struct made made;

	(void)state;
	make_store(&made, "overlay");
	put_images(&made, "overlay",
		   ",{\"id\":\"" ID2 "\",\"names\":null,\"layer\":\"base\"},{\"id\":\"abc\"}");
	oci_source_close(source_of(&made, "overlay", "localhost/it:1"));
	assert_string_equal("localhost/it:1", own_name);
	oci_source_close(source_of(&made, "overlay", "quay.io/some/where:2"));
	assert_string_equal("quay.io/some/where:2", own_name);
	oci_source_close(source_of(&made, "overlay", ID1));
	assert_string_equal("localhost/it:1", own_name);
	oci_source_close(source_of(&made, "overlay", "1111"));
	assert_string_equal("localhost/it:1", own_name);
	(void)snprintf(by_digest, sizeof(by_digest), "quay.io/some/where@%s",
		       made_digest(span_of_string(made.manifest)));
	oci_source_close(source_of(&made, "overlay", by_digest));
	assert_null(own_name);

	assert_int_equal(-ENOENT, refusal(&made, "localhost/it:2", "there is no 'localhost/it:2'"));
	assert_int_equal(-ENOENT, refusal(&made, "it:1", "but there is 'localhost/it:1'"));
	assert_int_equal(-ENOENT, refusal(&made, "fff", "'docker.io/library/fff:latest'"));
	(void)snprintf(by_digest, sizeof(by_digest), "quay.io/some/wher@%s",
		       made_digest(span_of_string(made.manifest)));
	assert_int_equal(-ENOENT, refusal(&made, by_digest, "there is no"));
	assert_int_equal(-EINVAL, refusal(&made, "111", "several images begin with '111'"));
	made_remove(made.folder);
}

static void a_manifest_is_held_to_the_digest_asked_for(void **state)
{
	const struct oci_descriptor other = made_descriptor(SPAN_LITERAL("other"));
	char by_digest[512], text[OCI_DIGEST_SIZE_MAX], key[OCI_DIGEST_SIZE_MAX + 16];
	struct made made;

	(void)state;
	make_store(&made, "overlay");
	(void)snprintf(by_digest, sizeof(by_digest), "localhost/it@%s",
		       made_digest(span_of_string(made.manifest)));
	(void)snprintf(key, sizeof(key), "manifest-%s", made_digest(span_of_string(made.manifest)));
	put_data(made.folder, "overlay", key, "something else");
	assert_int_equal(-EBADMSG,
			 refusal(&made, by_digest,
				 "not the manifest that was asked for: the digest is sha256:"));
	(void)snprintf(by_digest, sizeof(by_digest), "localhost/it@%s",
		       oci_digest_text(&other.digest, text));
	assert_int_equal(-ENOENT, refusal(&made, by_digest, "there is no"));
	made_remove(made.folder);
}

/* As podman has it after pulling one of several platforms by the digest of the index. */
static void an_index_that_was_pulled_comes_first(void **state)
{
	struct oci_manifest *manifest = NULL;
	char media_type[MEDIA_TYPE_SIZE_MAX], name[512], key[OCI_DIGEST_SIZE_MAX + 16], index[1024];
	struct oci_source *source;
	struct buf bytes = {0}, more = {0};
	struct diag why = {0};
	struct made made;

	(void)state;
	make_store(&made, "overlay");
	(void)snprintf(index, sizeof(index),
		       "{\"schemaVersion\":2,\"mediaType\":\"" OCI "index.v1+json\",\"manifests\":["
		       "{\"mediaType\":\"" OCI
		       "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
		       made_digest(span_of_string(made.manifest)), strlen(made.manifest));
	(void)snprintf(key, sizeof(key), "manifest-%s", made_digest(span_of_string(index)));
	put_data(made.folder, "overlay", key, index);
	/* the list of digests of the image has the index, too */
	assert_int_equal(0, buf_printf(&more,
				       "[{\"id\":\"" ID1 "\",\"names\":[\"localhost/it:1\"],"
				       "\"layer\":\"top\",\"big-data-digests\":{\"%s\":\"%s\"}}]",
				       key, made_digest(span_of_string(index))));
	put_list(made.folder, "overlay", "images", buf_string(&more));
	(void)snprintf(name, sizeof(name), "localhost/it@%s", made_digest(span_of_string(index)));
	source = source_of(&made, "overlay", name);
	assert_ok(oci_source_manifest(source, NULL, &bytes, media_type, &why), &why);
	assert_string_equal(index, buf_string(&bytes));
	assert_ok(oci_manifest_parse(buf_span(&bytes), "", &manifest, &why), &why);
	bytes.size = 0;
	assert_ok(oci_source_manifest(source, &manifest->items[0].descriptor, &bytes, media_type,
				      &why),
		  &why);
	assert_string_equal(made.manifest, buf_string(&bytes));
	assert_ok(blob_of(source, &made.layers[0], 0, &bytes, &why), &why);
	assert_string_equal(base_archive, buf_string(&bytes));
	oci_manifest_free(manifest);
	buf_release(&more);
	buf_release(&bytes);
	oci_source_close(source);
	made_remove(made.folder);
}

static void a_store_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *what, *text;
		int err;
		const char *says;
	} cases[] = {
		{"images", "{}", -EUCLEAN, "overlay-images/images.json: the JSON is no list"},
		{"images", "[", -EUCLEAN, "malformed JSON"},
		{"images", "[7,null,{},{\"names\":7},{\"names\":[7]}]", -ENOENT, "there is no"},
		{"images", "[{\"names\":[\"localhost/it:1\"]}]", -EUCLEAN, "without an id"},
		{"images", "[{\"id\":\"../..\",\"names\":[\"localhost/it:1\"]}]", -EUCLEAN,
		 "no path within"},
		{"images", "[{\"id\":\"" ID2 "\",\"names\":[\"localhost/it:1\"]}]", -ENOENT,
		 "no 'manifest'"},
		{"images", "[{\"id\":\"" ID1 "\",\"names\":[\"localhost/it:1\"]}]", -EUCLEAN,
		 "has no layers"},
		{"images", "[{\"id\":\"" ID1 "\",\"layer\":7,\"names\":[\"localhost/it:1\"]}]",
		 -EUCLEAN, "'layer' is not a string"},
		{"layers", "{}", -EUCLEAN, "overlay-layers/layers.json: the JSON is no list"},
		{"layers", "[{}]", -EUCLEAN, "a layer without an id"},
		{"layers", "[7]", -EUCLEAN, "a layer without an id"},
		{"layers", "[]", -EUCLEAN, "layer top is missing"},
		{"layers", "[{\"id\":\"top\"}]", -EUCLEAN, "1 layers of 2 are missing"},
		{"layers", "[{\"id\":\"top\",\"parent\":\"base\"}]", -EUCLEAN, "base is missing"},
		{"layers", "[{\"id\":\"top\",\"parent\":\"top\"}]", -EUCLEAN, "more than the 2"},
		{"layers",
		 "[{\"id\":\"top\",\"parent\":\"base\"},{\"id\":\"base\","
		 "\"diff-digest\":\"x\"}]",
		 -EUCLEAN, "not a digest"},
		{"layers",
		 "[{\"id\":\"top\",\"parent\":\"base\"},{\"id\":\"base\",\"diff-digest\":\"sha256:"
		 "0000000000000000000000000000000000000000000000000000000000000000\"}]",
		 -EUCLEAN, "layer 1 is sha256:0"},
		{"layers", "[{\"id\":\"top\",\"diff-size\":-1}]", -EUCLEAN, "negative"},
	};
	struct made made;

	(void)state;
	make_store(&made, "overlay");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_images(&made, "overlay", "");
		put_layers(&made, "overlay");
		put_list(made.folder, "overlay", cases[i].what, cases[i].text);
		assert_int_equal(cases[i].err, refusal(&made, "localhost/it:1", cases[i].says));
	}
	made_remove(made.folder);
	assert_int_equal(-ENOENT, refusal(&made, "localhost/it:1", "there is no store at"));
}

static void a_driver_that_is_asked_for_has_to_be_there(void **state)
{
	struct oci_source *source = NULL;
	struct diag why = {0};
	struct made made;

	(void)state;
	make_store(&made, "vfs");
	assert_int_equal(-ENOENT,
			 refusal(&made, "localhost/it:1", "no images of driver 'overlay'"));
	assert_int_equal(-EOPNOTSUPP, open_at(&made, "zfs", "localhost/it:1", &source, &why));
	oci_source_close(source_of(&made, "", "localhost/it:1"));
	made_remove(made.folder);
}

static int layer_refusal(const struct made *made, size_t index, const char *says)
{
	struct oci_source *source = source_of(made, "overlay", "localhost/it:1");
	struct buf bytes = {0};
	struct diag why = {0};
	int r = blob_of(source, &made->layers[index], 0, &bytes, &why);

	assert_true(r < 0);
	if (!strstr(why.text, says))
		fail_msg("'%s' does not say '%s'", why.text, says);
	buf_release(&bytes);
	oci_source_close(source);
	return r;
}

static void contents_are_only_those_of_the_layer(void **state)
{
	const char *file;
	struct made made;

	(void)state;
	make_store(&made, "overlay");
	made_file(made.folder, "secret", SPAN_LITERAL("0123456789"));
	file = made_path(made.folder, "overlay/base/diff/usr/file");

	assert_int_equal(0, unlink(file));
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "there is no 'usr/file'"));
	assert_int_equal(0, symlink("../../../../secret", file));
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "there is no 'usr/file'"));
	assert_int_equal(0, unlink(file));
	assert_int_equal(0, mkfifo(file, 0600));
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "there is no 'usr/file'"));
	assert_int_equal(0, unlink(file));
	made_file(made.folder, "overlay/base/diff/usr/file", SPAN_LITERAL("012345678"));
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "shorter"));

	/* names and links that lead upwards end at the top of the layer */
	made_file(made.folder, "overlay/base/diff/usr/file", SPAN_LITERAL("0123456789"));
	put_packed(made.folder, "overlay-layers/base.tar-split.gz",
		   "{\"type\":1,\"name\":\"../../../secret\",\"size\":10}\n");
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "there is no '../../../secret'"));
	assert_int_equal(0, symlink("../../..", made_path(made.folder, "overlay/base/diff/up")));
	put_packed(made.folder, "overlay-layers/base.tar-split.gz",
		   "{\"type\":1,\"name\":\"up/secret\",\"size\":10}\n");
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "there is no 'up/secret'"));

	made_file(made.folder, "overlay-layers/base.tar-split.gz",
		  SPAN_LITERAL("\x1f\x8b\x08\x00x"));
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, ""));
	assert_int_equal(0, unlink(made_path(made.folder, "overlay-layers/base.tar-split.gz")));
	assert_int_equal(-EUCLEAN, layer_refusal(&made, 0, "has not kept"));
	assert_int_equal(0, rename(made_path(made.folder, "overlay/base/diff"),
				   made_path(made.folder, "overlay/base/other")));
	assert_int_equal(0, symlink("other", made_path(made.folder, "overlay/base/diff")));
	put_packed(made.folder, "overlay-layers/base.tar-split.gz", base_lines);
	assert_int_equal(-ELOOP, layer_refusal(&made, 0, "cannot open 'overlay/base/diff'"));
	made_remove(made.folder);
}

/* A writer is not waited for; that is what a lock of another process looks like. */
static void a_store_that_is_written_to_is_read_without_a_lock(void **state)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct oci_source *source;
	struct made made;
	int fd;

	(void)state;
	make_store(&made, "overlay");
	made_file(made.folder, "overlay-layers/layers.lock", SPAN_EMPTY);
	fd = open(made_path(made.folder, "overlay-layers/layers.lock"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &lock));
	oci_source_close(source_of(&made, "overlay", "localhost/it:1"));

	/* and the other way round: whoever wants to write sees that somebody reads */
	lock.l_type = F_UNLCK;
	assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &lock));
	source = source_of(&made, "overlay", "localhost/it:1");
	lock.l_type = F_WRLCK;
	assert_int_equal(-1, fcntl(fd, F_OFD_SETLK, &lock));
	oci_source_close(source);
	assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &lock));
	(void)close(fd);
	made_remove(made.folder);
}

/* Layers in one, the image in the other, as with "imagestore" and additional stores. */
static void an_image_may_lie_across_several_stores(void **state)
{
	struct oci_reference reference;
	struct oci_source *source = NULL;
	struct made first, second;
	struct buf text = {0}, bytes = {0};
	char *name = NULL;
	struct diag why = {0};

	(void)state;
	make_store(&first, "overlay");
	make_store(&second, "overlay");
	put_list(first.folder, "overlay", "layers", "[]");
	put_list(second.folder, "overlay", "images", "[]");
	assert_int_equal(0, buf_printf(&text,
				       "containers-storage:[overlay@%s+/run:overlay.imagestore="
				       "/not/there,overlay.imagestore=%s]localhost/it:1",
				       first.folder, second.folder));
	assert_ok(oci_reference_parse(buf_string(&text), &reference, &why), &why);
	assert_ok(storage_open(&reference, &source, &name, &why), &why);
	assert_ok(blob_of(source, &first.layers[1], 0, &bytes, &why), &why);
	assert_string_equal(top_archive, buf_string(&bytes));
	oci_source_close(source);
	oci_reference_release(&reference);
	free(name);
	buf_release(&bytes);
	buf_release(&text);
	made_remove(first.folder);
	made_remove(second.folder);
}

static int forget_name(void **state)
{
	(void)state;
	free(own_name);
	own_name = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_comes_with_the_manifest_of_the_store),
		cmocka_unit_test(layers_come_as_plain_archives),
		cmocka_unit_test(an_image_is_found_by_name_id_or_digest),
		cmocka_unit_test(a_manifest_is_held_to_the_digest_asked_for),
		cmocka_unit_test(an_index_that_was_pulled_comes_first),
		cmocka_unit_test(a_store_that_makes_no_sense_is_refused),
		cmocka_unit_test(a_driver_that_is_asked_for_has_to_be_there),
		cmocka_unit_test(contents_are_only_those_of_the_layer),
		cmocka_unit_test(a_store_that_is_written_to_is_read_without_a_lock),
		cmocka_unit_test(an_image_may_lie_across_several_stores),
	};

	return cmocka_run_group_tests(tests, NULL, forget_name);
}
