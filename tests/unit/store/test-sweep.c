/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include <sys/file.h>
#include <time.h>

#include "base/digest_set.h"
#include "store/quarantine.h"
#include "store/streams.h"
#include "store/sweep.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;
static struct digest_set kept;
static struct buf told;

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	store = repo_open(folder);
	kept = DIGEST_SET_OF(DIGEST_SHA256);
	told = (struct buf){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	digest_set_release(&kept);
	buf_release(&told);
	store_close(store);
	folder_remove(folder);
	return 0;
}

static void note(void *context, const struct swept *swept)
{
	static const char *const kinds[] = {"image-ref", "stream-ref", "image",      "stream",
					    "object",    "temporary",  "quarantined"};

	(void)context;
	assert_int_equal(0, buf_printf(&told, "%s %s %llu\n", kinds[swept->kind], swept->name,
				       (unsigned long long)swept->size_bytes));
}

static void run(int64_t before, bool is_dry)
{
	struct sweep sweep = {.kept = &kept, .before = before, .is_dry = is_dry, .tell = note};
	struct diag why = {0};

	told.size = 0;
	assert_ok(sweep_store(store, &sweep, &why), &why);
}

static struct digest publish(const char *content, const char *stream, const char *ref)
{
	struct transaction *transaction = begin(store);
	struct digest id = add_text(transaction, content);
	struct diag why = {0};

	stream_commit(store, transaction, stream, &id);
	assert_ok(stream_ref_set(store, ref, stream, &why), &why);
	return id;
}

static void takes_away_what_is_not_kept(void **state)
{
	struct digest a = publish("a", "stream-a", "oci/a"), b = publish("bb", "stream-b", "oci/b");
	struct transaction *transaction = begin(store);
	struct digest image = add_text(transaction, "image");
	char expected[1024], hex[DIGEST_HEX_SIZE_MAX], b_place[DIGEST_PATH_SIZE_MAX],
		place[DIGEST_PATH_SIZE_MAX];
	struct diag why = {0};

	(void)state;
	assert_ok(image_publish(store, transaction, &image, "name", &why), &why);
	assert_int_equal(1, digest_set_put(&kept, &a, SIZE_MAX, NULL));
	(void)snprintf(expected, sizeof(expected),
		       "image-ref name 0\nstream-ref oci/b 0\nimage %s 0\nstream stream-b 0\n",
		       digest_hex(&image, hex));
	digest_path(&b, b_place);
	digest_path(&image, place);
	for (int i = 0; i < 2; i++) {
		char objects[2][160];

		run(time(NULL) + 10, i == 0);
		(void)snprintf(objects[0], sizeof(objects[0]), "object objects/%s 2\n", b_place);
		(void)snprintf(objects[1], sizeof(objects[1]), "object objects/%s 5\n", place);
		assert_memory_equal(expected, told.data, strlen(expected));
		assert_non_null(strstr(buf_string(&told), objects[0]));
		assert_non_null(strstr(buf_string(&told), objects[1]));
		assert_int_equal(strlen(expected) + strlen(objects[0]) + strlen(objects[1]),
				 told.size);
		assert_int_equal(i == 0, object_exists(store, &b));
	}
	assert_true(object_exists(store, &a));
	assert_ok(stream_resolve(store, "stream-a", &b, &why), &why);
	assert_int_equal(-1, access(below(folder, "streams/refs/oci/b"), F_OK));
	run(time(NULL) + 10, false);
	assert_int_equal(0, told.size);
}

static void the_young_stay(void **state)
{
	struct transaction *transaction = begin(store);
	struct digest a = add_text(transaction, "a");
	struct diag why = {0};
	int64_t when = 0;

	(void)state;
	assert_ok(transaction_commit(transaction, &why), &why);
	file_write(below(folder, "objects/.tmp-object-abcdefghijkl"), SPAN_LITERAL("xyz"));
	assert_ok(object_time(store, &a, &when, &why), &why);
	assert_true(when > 1000000000 && when <= time(NULL));
	run(when - 1, false);
	assert_int_equal(0, told.size);
	assert_true(object_exists(store, &a));
	run(time(NULL), false);
	assert_false(object_exists(store, &a));
	assert_int_equal(-ENOENT, object_time(store, &a, &when, &why));
}

static void takes_away_what_killed_writers_left(void **state)
{
	static const char *const left[] = {".tmp-object-abcdefghijkl", ".symlink-abcdefghijkl",
					   "objects/.tmp-object-abcdefghijkl",
					   "objects/00/.tmp-object-abcdefghijkl"};

	(void)state;
	(void)mkdir(below(folder, "objects/00"), 0755);
	for (size_t i = 0; i < 4; i++) {
		if (i == 1)
			assert_int_equal(0, symlink("x", below(folder, left[i])));
		else
			file_write(below(folder, left[i]), SPAN_LITERAL("xyz"));
	}
	file_write(below(folder, "objects/00/readme"), SPAN_LITERAL("not ours"));
	run(time(NULL) + 10, false);
	for (size_t i = 0; i < 4; i++) {
		struct stat status;

		assert_non_null(strstr(buf_string(&told), left[i]));
		assert_int_equal(-1, lstat(below(folder, left[i]), &status));
	}
	assert_int_equal(0, access(below(folder, "objects/00/readme"), F_OK));
	assert_int_equal(0, access(below(folder, "meta.json"), F_OK));
}

static void what_was_put_aside_goes_with_the_next_sweep(void **state)
{
	struct transaction *transaction = begin(store);
	struct digest a = add_text(transaction, "abc");
	char place[DIGEST_PATH_SIZE_MAX];
	struct diag why = {0};

	(void)state;
	digest_path(&a, place);
	assert_ok(quarantine_object(store, place, &why), &why);
	assert_false(object_exists(store, &a));
	assert_int_equal(-ENOENT, quarantine_object(store, place, &why));
	/* It can be stored again, and put aside again. */
	(void)add_text(transaction, "abc");
	assert_true(object_exists(store, &a));
	assert_ok(quarantine_object(store, place, &why), &why);
	transaction_abort(transaction);
	run(time(NULL) + 10, false);
	assert_memory_equal("quarantined lamina/quarantine/", told.data, 30);
	assert_non_null(strstr(buf_string(&told) + 30, "quarantined"));
	run(time(NULL) + 10, false);
	assert_int_equal(0, told.size);
}

static void what_leads_out_of_the_repository_is_left_alone(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(0, mkdir(below(folder, "outside"), 0755));
	file_write(below(folder, "outside/.tmp-object-abcdefghijkl"), SPAN_LITERAL("x"));
	file_write(below(folder, "outside/file"), SPAN_LITERAL("x"));
	assert_int_equal(0, symlink("../outside", below(folder, "objects/00")));
	assert_int_equal(0, mkdir(below(folder, "lamina"), 0755));
	assert_int_equal(0, symlink("../outside", below(folder, "lamina/quarantine")));
	{
		struct sweep sweep = {.kept = &kept, .before = time(NULL) + 10, .tell = note};
		struct diag why = {0};

		assert_true(sweep_store(store, &sweep, &why) < 0);
	}
	assert_int_equal(0, lstat(below(folder, "outside/.tmp-object-abcdefghijkl"), &status));
	assert_int_equal(0, lstat(below(folder, "outside/file"), &status));
}

static void the_lock_is_held_alone(void **state)
{
	struct store *other = NULL;
	struct diag why = {0};

	(void)state;
	assert_ok(store_open(folder, &other, &why), &why);
	assert_int_equal(-EBUSY, store_lock_alone(store, false, &why));
	/* and the shared one was not lost over it */
	assert_int_equal(-EBUSY, store_lock_alone(other, false, &why));
	store_close(other);
	assert_ok(store_lock_alone(store, false, &why), &why);
	{
		int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_int_equal(-1, flock(fd, LOCK_SH | LOCK_NB));
		store_share(store);
		assert_int_equal(0, flock(fd, LOCK_SH | LOCK_NB));
		(void)close(fd);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(takes_away_what_is_not_kept),
		CASE(the_young_stay),
		CASE(takes_away_what_killed_writers_left),
		CASE(what_was_put_aside_goes_with_the_next_sweep),
		CASE(what_leads_out_of_the_repository_is_left_alone),
		CASE(the_lock_is_held_alone),
	};

	return cmocka_run_group_tests_name("store/sweep", tests, NULL, NULL);
}
