/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "ops/gc.h"
#include "ops/import.h"
#include "store/images.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/store.h"
#include "store/streams.h"
#include "store/tags.h"

static char folder[64];
static struct store *store;

static int setup(void **state)
{
	const struct store_config config = {.algorithm = DIGEST_SHA256, .erofs_version = 1};

	(void)state;
	(void)setenv("LAMINA_RUNTIME_DIR", "/nowhere", 1); /* the machine's has records of others */
	(void)snprintf(folder, sizeof(folder), "/tmp/gc-test-XXXXXX");
	return !mkdtemp(folder) || store_init(folder, &config, NULL) < 0 ||
			       store_open(folder, &store, NULL) < 0
		       ? -1
		       : 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	store_close(store);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct transaction *begin(void)
{
	struct transaction *transaction = NULL;
	struct diag why = {0};

	assert_ok(transaction_begin(store, &transaction, &why), &why);
	return transaction;
}

static struct digest add_object(const char *text)
{
	struct transaction *transaction = begin();
	struct object_writer *writer = NULL;
	struct diag why = {0};
	struct digest digest;

	assert_ok(object_writer_new(transaction, &writer, &why), &why);
	assert_ok(object_writer_write(writer, span_of_string(text), &why), &why);
	assert_ok(object_writer_finish(writer, &digest, &why), &why);
	transaction_abort(transaction);
	return digest;
}

struct reference {
	const char *name;
	const struct digest *id;
};

/* A stream of one object, with references up to one without a name; with a name of its own unless
 * that is NULL. */
static struct digest add_stream(const char *name, const char *text,
				const struct reference *references)
{
	struct transaction *transaction = begin();
	struct splitstream_writer *writer = NULL;
	struct digest id, object = add_object(text);
	struct diag why = {0};

	assert_ok(splitstream_writer_new(transaction, STREAM_TYPE_OCI_BLOB, &writer, &why), &why);
	assert_ok(splitstream_write_external(writer, &object, strlen(text), &why), &why);
	for (; references && references->name; references++)
		assert_ok(splitstream_name_reference(writer, span_of_string(references->name),
						     references->id, &why),
			  &why);
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	if (name) {
		assert_ok(transaction_commit(transaction, &why), &why);
		assert_ok(stream_link(store, name, &id, &why), &why);
	} else {
		transaction_abort(transaction);
	}
	return id;
}

/* An image of one file of size bytes, without a name; its object, too. */
static struct digest add_image(size_t size, struct digest *ret_object)
{
	struct import_request request = {.name = "unnamed", .version = -1};
	struct import_result result;
	struct diag why = {0};
	char directory[128], path[192], *text = calloc(1, size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	(void)snprintf(directory, sizeof(directory), "%s-tree", folder);
	(void)snprintf(path, sizeof(path), "%s/file", directory);
	assert_int_equal(0, mkdir(directory, 0755));
	{
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		assert_int_equal(0, fd_write(fd, text, size));
		fd_close(fd);
	}
	request.input = directory;
	assert_ok(import_image(store, &request, &result, &why), &why);
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, rmdir(directory));
	*ret_object = add_object(text);
	free(text);
	(void)snprintf(path, sizeof(path), "%s/images/refs/unnamed", folder);
	assert_int_equal(0, unlink(path));
	return result.image;
}

static struct gc_result collect(uint64_t older_seconds, bool is_dry)
{
	struct gc_request request = {.is_dry = is_dry, .older_seconds = older_seconds};
	struct gc_result result;
	struct diag why = {0};

	assert_ok(gc_run(store, &request, &result, &why), &why);
	return result;
}

static void a_tag_keeps_all_that_it_leads_to(void **state)
{
	struct digest object, content = add_object("layer"), garbage = add_object("garbage");
	struct digest image = add_image(1000, &object);
	struct digest layer = add_stream("oci-layer-sha256:1", "layer", NULL);
	/* without a link of its own in streams/ */
	struct digest config = add_stream(NULL, "config",
					  (struct reference[]){{"sha256:1", &layer},
							       {"composefs.image.v1", &image},
							       {NULL, NULL}});
	struct digest manifest =
		add_stream("oci-manifest-sha256:2", "manifest",
			   (struct reference[]){{"config:sha256:3", &config}, {NULL, NULL}});
	struct gc_result result;
	struct diag why = {0};

	(void)state;
	assert_ok(tag_set(store, "x", "oci-manifest-sha256:2", &why), &why);
	result = collect(0, true);
	assert_int_equal(1, result.counts[GC_OBJECT]);
	assert_true(object_exists(store, &garbage));
	result = collect(0, false);
	assert_int_equal(1, result.counts[GC_OBJECT]);
	assert_int_equal(7, result.bytes);
	assert_int_equal(0, result.counts[GC_STREAM] + result.counts[GC_IMAGE]);
	assert_false(object_exists(store, &garbage));
	assert_true(object_exists(store, &content));
	assert_true(object_exists(store, &image));
	assert_true(object_exists(store, &object));
	assert_true(object_exists(store, &config));

	assert_ok(tag_remove(store, "x", &why), &why);
	result = collect(0, false);
	assert_int_equal(2, result.counts[GC_STREAM]);
	assert_int_equal(1, result.counts[GC_IMAGE]);
	assert_int_equal(0, result.kept_count);
	assert_false(object_exists(store, &manifest));
	assert_false(object_exists(store, &object));
}

static void a_name_of_an_image_keeps_its_contents(void **state)
{
	struct digest object, image = add_image(1000, &object);
	struct diag why = {0};

	(void)state;
	assert_ok(image_publish(store, begin(), &image, "a/b", &why), &why);
	assert_int_equal(0, collect(0, false).counts[GC_OBJECT]);
	assert_true(object_exists(store, &object));
}

static void referrers_go_with_their_subject(void **state)
{
	struct digest subject = add_stream("oci-manifest-sha256:1", "subject", NULL);
	struct digest first = add_stream("oci-manifest-sha256:2", "signature", NULL);
	struct digest second = add_stream("oci-manifest-sha256:3", "of the signature", NULL);
	struct gc_result result;
	struct diag why = {0};

	(void)state;
	assert_ok(tag_set(store, "x", "oci-manifest-sha256:1", &why), &why);
	assert_ok(stream_ref_set(store, "oci-referrers/sha256:1/sha256:2", "oci-manifest-sha256:2",
				 &why),
		  &why);
	assert_ok(stream_ref_set(store, "oci-referrers/sha256:2/sha256:3", "oci-manifest-sha256:3",
				 &why),
		  &why);
	assert_int_equal(0, collect(0, false).counts[GC_REFERENCE]);
	assert_true(object_exists(store, &subject));
	assert_true(object_exists(store, &first));
	assert_true(object_exists(store, &second));

	/* The second artifact stays for its own tag, and is no referrer any more. */
	assert_ok(tag_set(store, "y", "oci-manifest-sha256:3", &why), &why);
	assert_ok(tag_remove(store, "x", &why), &why);
	assert_int_equal(2, collect(0, true).counts[GC_REFERENCE]);
	result = collect(0, false);
	assert_int_equal(2, result.counts[GC_REFERENCE]);
	assert_int_equal(2, result.counts[GC_STREAM]);
	assert_false(object_exists(store, &subject));
	assert_false(object_exists(store, &first));
	assert_true(object_exists(store, &second));
}

/* The age of a file cannot be made up: its inode says when its links changed. */
static void the_young_keep_what_they_consist_of(void **state)
{
	struct digest content = add_object("content"), garbage = add_object("garbage");

	(void)state;
	(void)sleep(3);
	(void)add_stream("oci-layer-sha256:1", "content", NULL);
	assert_int_equal(1, collect(2, false).counts[GC_OBJECT]);
	assert_false(object_exists(store, &garbage));
	assert_true(object_exists(store, &content));
	assert_int_equal(2, collect(0, false).counts[GC_OBJECT]);
}

/* Overwrite an object. */
static void damage(const struct digest *object)
{
	char path[256], place[DIGEST_PATH_SIZE_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/objects/%s", folder, digest_path(object, place));
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	fd_close(fd);
}

static void nothing_goes_while_it_is_not_known_what_is_needed(void **state)
{
	struct digest garbage = add_object("garbage");
	struct digest layer = add_stream("oci-layer-sha256:1", "content", NULL);
	struct digest config = add_stream("oci-config-sha256:2", "config",
					  (struct reference[]){{"sha256:1", &layer}, {NULL, NULL}});
	struct gc_request request = {0};
	struct gc_result result;
	struct diag why = {0};

	(void)state;
	assert_ok(stream_ref_set(store, "any", "oci-config-sha256:2", &why), &why);
	damage(&layer);
	assert_int_equal(-EUCLEAN, gc_run(store, &request, &result, &why));
	assert_non_null(strstr(why.text, "streams/refs/any"));
	assert_true(object_exists(store, &garbage));
	/* One that is gone keeps nothing, and hinders nothing. */
	{
		char path[256], place[DIGEST_PATH_SIZE_MAX];

		(void)snprintf(path, sizeof(path), "%s/objects/%s", folder,
			       digest_path(&layer, place));
		assert_int_equal(0, unlink(path));
	}
	result = collect(0, false);
	assert_int_equal(1, result.missing_count);
	assert_int_equal(1, result.counts[GC_STREAM]); /* the link to nothing */
	assert_true(object_exists(store, &config));
	assert_false(object_exists(store, &garbage));
}

/* A folder of objects that cannot be looked into for now: as a disk that fails. */
static void nothing_goes_that_may_be_there(void **state)
{
	struct digest subject = add_stream("oci-manifest-sha256:1", "subject", NULL);
	struct digest artifact = add_stream("oci-manifest-sha256:2", "artifact", NULL);
	char from[256], aside[260], place[DIGEST_PATH_SIZE_MAX];
	struct gc_request request = {0};
	struct gc_result result;
	struct diag why = {0};

	(void)state;
	assert_ok(stream_ref_set(store, "oci/tag", "oci-manifest-sha256:1", &why), &why);
	assert_ok(stream_ref_set(store, "oci-referrers/sha256:1/sha256:2", "oci-manifest-sha256:2",
				 &why),
		  &why);
	(void)snprintf(from, sizeof(from), "%s/objects/%s", folder, digest_path(&subject, place));
	*strrchr(from, '/') = 0;
	(void)snprintf(aside, sizeof(aside), "%s-", from);
	assert_int_equal(0, rename(from, aside));
	assert_int_equal(0, symlink(strrchr(from, '/') + 1, from));
	assert_int_equal(-ELOOP, gc_run(store, &request, &result, &why));
	assert_int_equal(0, unlink(from));
	assert_int_equal(0, rename(aside, from));
	result = collect(0, false);
	assert_int_equal(0, result.counts[GC_REFERENCE]);
	assert_true(object_exists(store, &artifact));
}

static void the_lock_is_given_back(void **state)
{
	struct store *other = NULL;
	struct diag why = {0};

	(void)state;
	(void)collect(0, false);
	assert_ok(store_open(folder, &other, &why), &why);
	store_close(other);
}

/* Whoever made the layer chose what is in it: it looks like a stream, and is none. */
static void a_sparse_file_of_a_layer_is_kept_and_not_walked(void **state)
{
	struct digest file =
		add_object("SplitStream, it says, and then there is nothing of the kind");
	struct diag why = {0};

	(void)state;
	(void)add_stream("oci-layer-sha256:1", "the body",
			 (struct reference[]){{"sparse:0", &file}, {NULL, NULL}});
	assert_ok(stream_ref_set(store, "any", "oci-layer-sha256:1", &why), &why);
	assert_int_equal(0, collect(0, false).counts[GC_OBJECT]);
	assert_true(object_exists(store, &file));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_tag_keeps_all_that_it_leads_to),
		CASE(a_name_of_an_image_keeps_its_contents),
		CASE(referrers_go_with_their_subject),
		CASE(the_young_keep_what_they_consist_of),
		CASE(nothing_goes_while_it_is_not_known_what_is_needed),
		CASE(nothing_goes_that_may_be_there),
		CASE(the_lock_is_given_back),
		CASE(a_sparse_file_of_a_layer_is_kept_and_not_walked),
	};

	return cmocka_run_group_tests_name("ops/gc", tests, NULL, NULL);
}
