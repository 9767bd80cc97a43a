/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image.c and image_name.c: images as a repository has them.
 */
#include "../store/repo.h"

#include "oci/config.h"
#include "oci/image.h"
#include "oci/image_name.h"
#include "oci/manifest.h"
#include "store/splitstream.h"
#include "store/streams.h"
#include "store/tags.h"
#include "verity/sha.h"

#define OCI "application/vnd.oci.image."
#define DIFF_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIFF_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NAME "docker.io/library/debian:12"

static const char config_text[] =
	"{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_A "\",\"" DIFF_B
	"\",\"" DIFF_A "\"]}}";

struct world {
	char path[REPO_PATH_SIZE];
	struct store *store;
	struct transaction *transaction;
	char digest[OCI_DIGEST_SIZE_MAX]; /* of the manifest */
	struct digest layer_a, layer_b, image;
};

static struct digest sha256(const char *text)
{
	struct digest digest;
	struct diag why = {0};

	assert_ok(sha_of(DIGEST_SHA256, span_of_string(text), &digest, &why), &why);
	return digest;
}

static void put(struct oci_links *links, const char *name, const struct digest *id)
{
	assert_int_equal(0, oci_links_put(links, name, id));
}

/* Write a stream and name it by its part and digest. Returns its id. */
static struct digest publish(struct world *world, enum oci_part part, uint64_t type,
			     const char *text, const char *says, struct oci_links *links)
{
	struct digest id, digest = sha256(says);
	char name[STREAM_NAME_SIZE_MAX];
	struct diag why = {0};

	assert_ok(
		oci_stream_write(world->transaction, type, span_of_string(text), links, &id, &why),
		&why);
	assert_ok(transaction_sync(world->transaction, &why), &why);
	assert_ok(stream_link(world->store, oci_stream_name(part, &digest, name), &id, &why), &why);
	oci_links_release(links);
	return id;
}

static void manifest_make(char *text, size_t size, const char *layers)
{
	struct digest digest = sha256(config_text);
	char config[OCI_DIGEST_SIZE_MAX];

	(void)snprintf(text, size,
		       "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI
		       "config.v1+json\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[%s]}",
		       oci_digest_text(&digest, config), strlen(config_text), layers);
}

#define LAYER "{\"mediaType\":\"" OCI "layer.v1.tar\",\"digest\":\"" DIFF_A "\",\"size\":1}"

/* A repository with one image of three layers, tagged NAME. */
static void world_make(struct world *world)
{
	struct oci_links links = {0};
	struct digest config, digest;
	char text[2000], name[STREAM_NAME_SIZE_MAX];
	struct diag why = {0};

	folder_make(NULL, world->path);
	world->store = repo_open(world->path);
	world->transaction = begin(world->store);
	world->layer_a = add_text(world->transaction, "stands for a stream");
	world->layer_b = add_text(world->transaction, "stands for another");
	world->image = add_text(world->transaction, "stands for an EROFS image");
	put(&links, DIFF_A, &world->layer_a);
	put(&links, DIFF_B, &world->layer_b);
	put(&links, "composefs.image.v1", &world->image);
	config = publish(world, OCI_PART_CONFIG, STREAM_TYPE_OCI_CONFIG, config_text, config_text,
			 &links);
	manifest_make(text, sizeof(text), LAYER "," LAYER "," LAYER);
	digest = sha256(config_text);
	(void)snprintf(name, sizeof(name), "config:%s", oci_digest_text(&digest, world->digest));
	put(&links, name, &config);
	(void)publish(world, OCI_PART_MANIFEST, STREAM_TYPE_OCI_MANIFEST, text, text, &links);
	digest = sha256(text);
	(void)oci_digest_text(&digest, world->digest);
	oci_stream_name(OCI_PART_MANIFEST, &digest, name);
	assert_ok(tag_set(world->store, NAME, name, &why), &why);
}

static void world_end(struct world *world)
{
	transaction_abort(world->transaction);
	store_close(world->store);
	folder_remove(world->path);
}

static void an_image_leads_to_its_parts(void **state)
{
	struct oci_image *image;
	struct digest found;
	struct diag why = {0};
	struct world world;

	(void)state;
	world_make(&world);
	assert_ok(oci_image_open(world.store, NAME, &image, &why), &why);
	assert_int_equal(3, image->manifest->count);
	assert_int_equal(3, image->config->diff_id_count);
	assert_true(digest_equal(&world.layer_a, &image->layers[0]));
	assert_true(digest_equal(&world.layer_b, &image->layers[1]));
	assert_true(digest_equal(&world.layer_a, &image->layers[2]));
	assert_string_equal(config_text, buf_string(&image->config_bytes));
	assert_ok(oci_image_erofs(image, 1, &found, &why), &why);
	assert_true(digest_equal(&world.image, &found));
	assert_ok(oci_image_erofs(image, 2, &found, &why), &why);
	assert_true(digest_equal(&world.image, &found));
	oci_image_free(image);
	world_end(&world);
}

static void an_image_is_found_by_all_that_people_call_it(void **state)
{
	struct digest digest, id, image;
	char text[OCI_DIGEST_SIZE_MAX + 1];
	struct diag why = {0};
	struct world world;
	const char *const names[] = {
		NAME, "debian:12", "docker.io/debian:12", "docker://debian:12", "library/debian:12",
		text, text + 1};

	(void)state;
	world_make(&world);
	(void)snprintf(text, sizeof(text), "@%s", world.digest);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_ok(oci_image_find(world.store, names[i], &digest, &id, &why), &why);
		assert_string_equal(world.digest,
				    oci_digest_text(&digest, (char[OCI_DIGEST_SIZE_MAX]){0}));
		assert_ok(oci_image_erofs_find(world.store, names[i], 1, &image, &digest, &why),
			  &why);
		assert_true(digest_equal(&world.image, &image));
	}
	assert_int_equal(-ENOENT, oci_image_find(world.store, "debian", &digest, &id, &why));
	assert_int_equal(-ENOENT, oci_image_find(world.store, "ubuntu:12", &digest, &id, &why));
	assert_int_equal(-ENOENT, oci_image_find(world.store, "", &digest, &id, &why));
	assert_int_equal(-ENOENT, oci_image_find(world.store, DIFF_A, &digest, &id, &why));
	assert_string_equal("no image '" DIFF_A "'", why.text);
	world_end(&world);
}

static void what_others_put_there_is_held_to_its_digest(void **state)
{
	struct digest layer, config;
	struct oci_links links = {0};
	struct oci_image *image;
	char text[2000], name[STREAM_NAME_SIZE_MAX];
	struct diag why = {0};
	struct world world;

	(void)state;
	world_make(&world);
	/* a manifest under the name of another */
	manifest_make(text, sizeof(text), LAYER);
	(void)publish(&world, OCI_PART_MANIFEST, STREAM_TYPE_OCI_MANIFEST, text, "another", &links);
	layer = sha256("another");
	assert_int_equal(-EBADMSG,
			 oci_image_open(world.store, oci_digest_text(&layer, name), &image, &why));
	/* one that names no config */
	(void)publish(&world, OCI_PART_MANIFEST, STREAM_TYPE_OCI_MANIFEST, text, text, &links);
	layer = sha256(text);
	assert_int_equal(-EUCLEAN,
			 oci_image_open(world.store, oci_digest_text(&layer, name), &image, &why));
	/* one with fewer layers than its config */
	config = publish(&world, OCI_PART_CONFIG, STREAM_TYPE_OCI_CONFIG, config_text, config_text,
			 &links);
	layer = sha256(config_text);
	(void)snprintf(name, sizeof(name), "config:%s",
		       oci_digest_text(&layer, (char[OCI_DIGEST_SIZE_MAX]){0}));
	put(&links, name, &config);
	(void)publish(&world, OCI_PART_MANIFEST, STREAM_TYPE_OCI_MANIFEST, text, text, &links);
	layer = sha256(text);
	assert_int_equal(-EUCLEAN,
			 oci_image_open(world.store, oci_digest_text(&layer, name), &image, &why));
	/* and one whose config names no layers any more: the first image has that config now */
	assert_ok(oci_image_open(world.store, NAME, &image, &why), &why);
	oci_image_free(image);
	world_end(&world);
}

static void an_image_without_a_file_tree_says_so(void **state)
{
	struct oci_links links = {0};
	struct digest config, digest, image;
	char name[STREAM_NAME_SIZE_MAX], text[2000];
	struct diag why = {0};
	struct world world;

	(void)state;
	world_make(&world);
	put(&links, DIFF_A, &world.layer_a);
	put(&links, DIFF_B, &world.layer_b);
	config = publish(&world, OCI_PART_CONFIG, STREAM_TYPE_OCI_CONFIG, config_text, config_text,
			 &links);
	digest = sha256(config_text);
	(void)snprintf(name, sizeof(name), "config:%s",
		       oci_digest_text(&digest, (char[OCI_DIGEST_SIZE_MAX]){0}));
	put(&links, name, &config);
	manifest_make(text, sizeof(text), LAYER "," LAYER "," LAYER);
	(void)publish(&world, OCI_PART_MANIFEST, STREAM_TYPE_OCI_MANIFEST, text, text, &links);
	assert_int_equal(-ENOENT,
			 oci_image_erofs_find(world.store, NAME, 1, &image, &digest, &why));
	assert_non_null(strstr(why.text, "no file tree"));
	world_end(&world);
}

static void a_tag_goes_by_what_it_is_short_for(void **state)
{
	struct digest digest, id;
	struct diag why = {0};
	struct world world;
	char *full;

	(void)state;
	world_make(&world);
	full = oci_tag_full("debian:12");
	assert_string_equal(NAME, full);
	free(full);
	assert_null(oci_tag_full("No Name"));
	assert_int_equal(-ENOENT, oci_tag_remove(world.store, "debian", &why));
	assert_ok(oci_tag_remove(world.store, "debian:12", &why), &why);
	assert_int_equal(-ENOENT, oci_tag_remove(world.store, NAME, &why));
	assert_int_equal(-ENOENT, oci_image_find(world.store, NAME, &digest, &id, &why));
	assert_ok(oci_image_find(world.store, world.digest, &digest, &id, &why), &why);
	assert_int_equal(-EINVAL, oci_tag_check(DIFF_A, &why));
	assert_int_equal(-EINVAL, oci_tag_check("", &why));
	assert_ok(oci_tag_check("any text / even this", &why), &why);
	world_end(&world);
}

static void file_load(const char *name, struct buf *ret)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "tests/golden/splitstream/%s", name);
	fd = open(source_path(path), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(0, fd_read_all(fd, 1 << 20, ret));
	(void)close(fd);
}

static struct digest id_of(const char *hex)
{
	struct digest digest;

	assert_int_equal(0, digest_parse(span_of_string(hex), &digest));
	return digest;
}

#define ALPHA "sha256:757d6903198804b6ed96421a93a9973f5facc0e445a2a6c61cb0129eb67026e2"
#define BETA "sha256:77dd145166ef191089dabd4d2c52d32143850a3c81a074fedf48dca360e2dcb9"
#define GAMMA "sha256:9b57f0e91c403b650e9391fd5e4154cac5dc1469acc0f3312e6149aa34f160ef"

/* tests/golden/splitstream: what two writers made of the same facts, in the order of a pull. */
static void streams_have_the_ids_of_composefs_rs(void **state)
{
	const struct digest alpha =
		id_of("61c07629b8a41273f190744a8545c132e6b784dcb2235bb31ade307a83e092ff");
	const struct digest beta =
		id_of("ce472620ab69da46e385b0936865ef22f940e6bf55a083d3be37b1003795e221");
	const struct digest gamma =
		id_of("99ce11df4bb808a1e80ce69425dae527b64aa7a270bf99c4a6e24d66be270f3f");
	const struct digest config_wanted =
		id_of("20b12c8ce76e50109a625bc2d8cecbf54f35a2c487fee3a5d6017b141dd5cfd9");
	const struct digest manifest_wanted =
		id_of("6f0ca02e06d10dbaf9fb56de554a23c84de5fd4e53418b41f7947bd06c036ca8");
	struct digest v1 = digest_of_bytes(SPAN_LITERAL("image v1"));
	struct digest v2 = digest_of_bytes(SPAN_LITERAL("image v2"));
	struct oci_links links = {0};
	struct buf config = {0}, manifest = {0};
	struct digest id;
	struct diag why = {0};
	struct world world;

	(void)state;
	world_make(&world);
	file_load("config-unsorted.json", &config);
	file_load("manifest.json", &manifest);
	put(&links, GAMMA, &gamma);
	put(&links, ALPHA, &alpha);
	put(&links, GAMMA, &gamma);
	put(&links, BETA, &beta);
	put(&links, oci_image_erofs_name(2), &v2);
	put(&links, oci_image_erofs_name(1), &v1);
	assert_ok(oci_stream_write(world.transaction, STREAM_TYPE_OCI_CONFIG, buf_span(&config),
				   &links, &id, &why),
		  &why);
	assert_true(digest_equal(&config_wanted, &id));
	oci_links_release(&links);
	put(&links,
	    "config:sha256:6c51cb174c98017de882bd65cb8830634baca19f2fb48a6bf5b7f2ffb959fc4a", &id);
	put(&links, GAMMA, &gamma);
	put(&links, ALPHA, &alpha);
	put(&links, BETA, &beta);
	assert_ok(oci_stream_write(world.transaction, STREAM_TYPE_OCI_MANIFEST, buf_span(&manifest),
				   &links, &id, &why),
		  &why);
	assert_true(digest_equal(&manifest_wanted, &id));
	oci_links_release(&links);
	buf_release(&config);
	buf_release(&manifest);
	world_end(&world);
}

static void links_replace_their_namesakes(void **state)
{
	struct oci_links links = {0};
	struct digest one = sha256("1"), two = sha256("2");

	(void)state;
	put(&links, "a", &one);
	put(&links, "b", &one);
	put(&links, "a", &two);
	assert_int_equal(2, links.count);
	assert_string_equal("a", links.items[0].name);
	assert_true(digest_equal(&two, oci_links_find(&links, "a")));
	assert_null(oci_links_find(&links, "c"));
	oci_links_release(&links);
	assert_int_equal(0, links.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_leads_to_its_parts),
		cmocka_unit_test(an_image_is_found_by_all_that_people_call_it),
		cmocka_unit_test(what_others_put_there_is_held_to_its_digest),
		cmocka_unit_test(an_image_without_a_file_tree_says_so),
		cmocka_unit_test(a_tag_goes_by_what_it_is_short_for),
		cmocka_unit_test(streams_have_the_ids_of_composefs_rs),
		cmocka_unit_test(links_replace_their_namesakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
