/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include "store/entries.h"
#include "store/streams.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	store = repo_open(folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	folder_remove(folder);
	return 0;
}

static struct digest publish_stream(const char *content, const char *name, const char *ref)
{
	struct transaction *transaction = begin(store);
	struct digest id = add_text(transaction, content);
	struct diag why = {0};

	stream_commit(store, transaction, name, &id);
	assert_ok(stream_ref_set(store, ref, name, &why), &why);
	return id;
}

static int note(void *context, const char *name, const char *target, struct diag *why)
{
	(void)why;
	return buf_printf(context, "%s>%s\n", name, target ? target : "(no link)");
}

static const char *listed(enum entry_place place)
{
	static char kept[4096];
	struct buf text = {0};
	struct diag why = {0};

	assert_ok(entries_each(store, place, note, &text, &why), &why);
	(void)snprintf(kept, sizeof(kept), "%s", buf_string(&text));
	buf_release(&text);
	return kept;
}

static void lists_whatever_is_there(void **state)
{
	struct digest id = publish_stream("x", "s", "a/b");
	char place[DIGEST_PATH_SIZE_MAX], expected[256];

	(void)state;
	assert_string_equal("", listed(ENTRY_IMAGE));
	assert_string_equal("", listed(ENTRY_IMAGE_REF));
	file_write(below(folder, "streams/file"), SPAN_LITERAL("x"));
	assert_int_equal(0, mkdir(below(folder, "streams/dir"), 0755));
	assert_int_equal(0, symlink("nowhere", below(folder, "streams/refs/odd")));
	(void)snprintf(expected, sizeof(expected),
		       "dir>(no link)\nfile>(no link)\ns>../objects/%s\n", digest_path(&id, place));
	assert_string_equal(expected, listed(ENTRY_STREAM));
	assert_string_equal("a/b>../../s\nodd>nowhere\n", listed(ENTRY_STREAM_REF));
}

static void finds_the_object_of_a_link(void **state)
{
	struct digest id = publish_stream("x", "s", "a"), found;
	char place[DIGEST_PATH_SIZE_MAX], target[256], hex[DIGEST_HEX_SIZE_MAX];
	struct transaction *transaction = begin(store);
	struct digest image = add_text(transaction, "image");
	struct diag why = {0};

	(void)state;
	assert_ok(image_publish(store, transaction, &image, "n", &why), &why);
	(void)snprintf(target, sizeof(target), "../objects/%s", digest_path(&id, place));
	assert_ok(entry_object(store, ENTRY_STREAM, target, &found, &why), &why);
	assert_true(digest_equal(&id, &found));
	assert_ok(entry_object(store, ENTRY_STREAM_REF, "../../s", &found, &why), &why);
	assert_true(digest_equal(&id, &found));
	/* also without the link beside it: image_resolve() needs none */
	(void)snprintf(target, sizeof(target), "images/%s", digest_hex(&image, hex));
	assert_int_equal(0, unlink(below(folder, target)));
	(void)snprintf(target, sizeof(target), "elsewhere/%s", digest_hex(&image, hex));
	assert_ok(entry_object(store, ENTRY_IMAGE_REF, target, &found, &why), &why);
	assert_true(digest_equal(&image, &found));
	assert_int_equal(-ENOENT, entry_object(store, ENTRY_STREAM_REF, "../t", &found, &why));
	assert_int_equal(-ENOENT, entry_object(store, ENTRY_IMAGE_REF, "../s", &found, &why));
	assert_int_equal(-EINVAL, entry_object(store, ENTRY_STREAM_REF, "../..", &found, &why));
	assert_int_equal(-EINVAL, entry_object(store, ENTRY_STREAM_REF, "", &found, &why));
	assert_int_equal(-EINVAL, entry_object(store, ENTRY_STREAM, "/etc/passwd", &found, &why));
}

static void removes_links_and_nothing_else(void **state)
{
	struct diag why = {0};

	(void)state;
	(void)publish_stream("x", "s", "a/b");
	file_write(below(folder, "streams/file"), SPAN_LITERAL("x"));
	assert_int_equal(-EINVAL, entry_remove(store, ENTRY_STREAM, "file", &why));
	assert_int_equal(-EINVAL, entry_remove(store, ENTRY_STREAM, "refs", &why));
	assert_int_equal(-ENOENT, entry_remove(store, ENTRY_STREAM, "t", &why));
	assert_int_equal(-ENOENT, entry_remove(store, ENTRY_IMAGE, "t", &why));
	assert_int_equal(-ENOENT, entry_remove(store, ENTRY_STREAM_REF, "a/b/c", &why));
	assert_ok(entry_remove(store, ENTRY_STREAM_REF, "a/b", &why), &why);
	assert_ok(entry_remove(store, ENTRY_STREAM, "s", &why), &why);
	assert_ok(entries_sync(store, &why), &why);
	assert_string_equal("", listed(ENTRY_STREAM_REF));
	assert_string_equal("file>(no link)\n", listed(ENTRY_STREAM));
}

static void removes_nothing_through_a_link(void **state)
{
	struct diag why = {0};

	(void)state;
	(void)publish_stream("x", "s", "a/b");
	assert_int_equal(0, mkdir(below(folder, "outside"), 0755));
	assert_int_equal(0, symlink("x", below(folder, "outside/victim")));
	assert_int_equal(0, symlink("../../outside", below(folder, "streams/refs/way")));
	assert_true(entry_remove(store, ENTRY_STREAM_REF, "way/victim", &why) < 0);
	assert_int_equal(0777, mode_of(below(folder, "outside/victim")));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(lists_whatever_is_there),
		CASE(finds_the_object_of_a_link),
		CASE(removes_links_and_nothing_else),
		CASE(removes_nothing_through_a_link),
	};

	return cmocka_run_group_tests_name("store/entries", tests, NULL, NULL);
}
