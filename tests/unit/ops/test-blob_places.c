/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "../store/repo.h"

#include "oci/image.h"
#include "oci/image_name.h"
#include "oci/reference.h"
#include "ops/blob_places.h"
#include "store/splitstream.h"
#include "store/streams.h"
#include "store/tags.h"
#include "verity/sha.h"

#define OCI "application/vnd.oci.image."
#define LAYER "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char config_text[] =
	"{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" LAYER "\"]}}";

struct world {
	char path[REPO_PATH_SIZE];
	struct store *store;
	char stream[STREAM_NAME_SIZE_MAX]; /* of the manifest */
	struct digest layer, config;
};

static struct digest publish(struct world *world, struct transaction *transaction,
			     enum oci_part part, uint64_t type, const char *text, const char *link,
			     const struct digest *target, struct digest *ret_id)
{
	struct oci_links links = {0};
	struct diag why = {0};
	struct digest digest;

	assert_ok(sha_of(DIGEST_SHA256, span_of_string(text), &digest, &why), &why);
	assert_int_equal(0, oci_links_put(&links, link, target));
	if (part == OCI_PART_MANIFEST)
		assert_int_equal(0, oci_links_put(&links, LAYER, target));
	assert_ok(oci_stream_write(transaction, type, span_of_string(text), &links, ret_id, &why),
		  &why);
	assert_ok(transaction_sync(transaction, &why), &why);
	oci_stream_name(part, &digest, world->stream);
	assert_ok(stream_link(world->store, world->stream, ret_id, &why), &why);
	oci_links_release(&links);
	return digest;
}

/* A repository with one image of one layer, which has no tag yet. */
static void world_make(struct world *world)
{
	struct transaction *transaction;
	struct digest layer, id;
	char text[2000], name[OCI_DIGEST_SIZE_MAX], link[OCI_DIGEST_SIZE_MAX + 8];

	folder_make(NULL, world->path);
	world->store = repo_open(world->path);
	transaction = begin(world->store);
	layer = add_text(transaction, "stands for a stream");
	world->config = publish(world, transaction, OCI_PART_CONFIG, STREAM_TYPE_OCI_CONFIG,
				config_text, LAYER, &layer, &id);
	(void)snprintf(text, sizeof(text),
		       "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI
		       "config.v1+json\",\"digest\":\"%s\",\"size\":%zu},\"layers\":["
		       "{\"mediaType\":\"" OCI "layer.v1.tar\",\"digest\":\"" LAYER
		       "\",\"size\":1}]}",
		       oci_digest_text(&world->config, name), strlen(config_text));
	(void)snprintf(link, sizeof(link), "config:%s", name);
	(void)publish(world, transaction, OCI_PART_MANIFEST, STREAM_TYPE_OCI_MANIFEST, text, link,
		      &id, &id);
	assert_int_equal(0, oci_digest_parse(SPAN_LITERAL(LAYER), &world->layer));
	transaction_abort(transaction);
}

static void world_end(struct world *world)
{
	store_close(world->store);
	folder_remove(world->path);
}

static void tag(struct world *world, const char *name)
{
	struct diag why = {0};

	assert_ok(tag_set(world->store, name, world->stream, &why), &why);
}

static void load(struct world *world, const char *target, struct blob_places *places)
{
	struct oci_reference reference;
	struct diag why = {0};

	assert_ok(oci_reference_parse(target, &reference, &why), &why);
	assert_ok(blob_places_load(world->store, &reference, places, &why), &why);
	oci_reference_release(&reference);
}

static void blobs_are_where_images_of_the_same_registry_are(void **state)
{
	const char *found[BLOB_PLACES_TRIED + 1];
	struct blob_places places;
	struct world world;
	struct digest other = {.algorithm = DIGEST_SHA256};

	(void)state;
	world_make(&world);
	tag(&world, "quay.io/one/it:1");
	tag(&world, "quay.io/one/it:2");
	tag(&world, "quay.io/target/it:1"); /* where it is going needs no mounting */
	tag(&world, "quay.io:5000/two/it:1");
	tag(&world, "docker.io/library/it:1");
	tag(&world, "no name of a registry");
	load(&world, "quay.io/target/it:9", &places);
	blob_places_find(&places, &world.layer, found);
	assert_string_equal("one/it", found[0]);
	assert_null(found[1]);
	blob_places_find(&places, &world.config, found);
	assert_string_equal("one/it", found[0]);
	blob_places_find(&places, &other, found);
	assert_null(found[0]);
	blob_places_release(&places);
	world_end(&world);
}

static void no_more_places_are_tried_than_make_sense(void **state)
{
	const char *found[BLOB_PLACES_TRIED + 1];
	struct blob_places places;
	struct world world;
	char name[64];

	(void)state;
	world_make(&world);
	for (int i = 0; i < BLOB_PLACES_TRIED + 2; i++) {
		(void)snprintf(name, sizeof(name), "quay.io/place-%d/it:1", i);
		tag(&world, name);
	}
	load(&world, "quay.io/target/it:9", &places);
	blob_places_find(&places, &world.layer, found);
	for (int i = 0; i < BLOB_PLACES_TRIED; i++)
		assert_non_null(found[i]);
	assert_null(found[BLOB_PLACES_TRIED]);
	blob_places_release(&places);
	world_end(&world);
}

static void a_damaged_image_is_passed_over(void **state)
{
	const char *found[BLOB_PLACES_TRIED + 1];
	struct blob_places places;
	struct diag why = {0};
	struct world world;
	char name[STREAM_NAME_SIZE_MAX];
	struct transaction *transaction;
	struct digest id;

	(void)state;
	world_make(&world);
	tag(&world, "quay.io/intact/it:1");
	transaction = begin(world.store);
	id = add_text(transaction, "no stream");
	assert_ok(transaction_sync(transaction, &why), &why);
	transaction_abort(transaction);
	oci_stream_name(OCI_PART_MANIFEST, &world.config, name);
	assert_ok(stream_link(world.store, name, &id, &why), &why);
	assert_ok(tag_set(world.store, "quay.io/damaged/it:1", name, &why), &why);
	load(&world, "quay.io/target/it:9", &places);
	blob_places_find(&places, &world.layer, found);
	assert_string_equal("intact/it", found[0]);
	assert_null(found[1]);
	blob_places_release(&places);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_are_where_images_of_the_same_registry_are),
		cmocka_unit_test(no_more_places_are_tried_than_make_sense),
		cmocka_unit_test(a_damaged_image_is_passed_over),
	};

	return cmocka_run_group_tests_name("ops/blob_places", tests, NULL, NULL);
}
