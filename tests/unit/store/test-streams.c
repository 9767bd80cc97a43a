/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include "store/streams.h"
#include "store/tags.h"

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

static struct digest publish(const char *content, const char *name)
{
	struct transaction *transaction = begin(store);
	struct digest id = add_text(transaction, content);

	stream_commit(store, transaction, name, &id);
	return id;
}

static void assert_link(const char *path, const char *expected)
{
	char target[512];
	ssize_t size = readlink(below(folder, path), target, sizeof(target) - 1);

	assert_true(size > 0);
	target[size] = '\0';
	assert_string_equal(expected, target);
	/* The kernel, too, must find the object through the links. */
	assert_int_equal(0, access(below(folder, path), R_OK));
}

static void links_are_those_of_the_format(void **state)
{
	struct digest id = publish("stream", "oci-config-sha256:ab"), found;
	char place[DIGEST_PATH_SIZE_MAX], target[256];
	struct diag why = {0};

	(void)state;
	(void)snprintf(target, sizeof(target), "../objects/%s", digest_path(&id, place));
	assert_link("streams/oci-config-sha256:ab", target);
	assert_int_equal(0755, mode_of(below(folder, "streams")));
	assert_ok(stream_resolve(store, "oci-config-sha256:ab", &found, &why), &why);
	assert_true(digest_equal(&id, &found));
	assert_ok(stream_ref_set(store, "a/b/c", "oci-config-sha256:ab", &why), &why);
	assert_link("streams/refs/a/b/c", "../../../oci-config-sha256:ab");
	assert_ok(tag_set(store, "docker.io/library/x:1%", "oci-config-sha256:ab", &why), &why);
	assert_link("streams/refs/oci/docker.io%2Flibrary%2Fx:1%25", "../../oci-config-sha256:ab");
}

static void a_name_moves_to_the_new_stream(void **state)
{
	struct digest first = publish("first", "oci-config-x"), found;
	struct digest second = publish("second", "oci-config-x");
	struct diag why = {0};

	(void)state;
	assert_ok(stream_resolve(store, "oci-config-x", &found, &why), &why);
	assert_true(digest_equal(&second, &found));
	assert_false(digest_equal(&first, &found));
	assert_nothing_temporary(folder);
}

static void what_is_synced_can_be_linked_before_the_end(void **state)
{
	struct transaction *transaction = begin(store);
	struct digest first = add_text(transaction, "first"), second, found;
	struct diag why = {0};

	(void)state;
	assert_ok(transaction_sync(transaction, &why), &why);
	assert_ok(stream_link(store, "one", &first, &why), &why);
	second = add_text(transaction, "second");
	assert_int_equal(2, transaction_stats(transaction).added_count);
	stream_commit(store, transaction, "two", &second);
	assert_ok(stream_resolve(store, "one", &found, &why), &why);
	assert_ok(stream_resolve(store, "two", &found, &why), &why);
	assert_true(digest_equal(&second, &found));
}

static void what_is_missing_is_not_found(void **state)
{
	struct digest absent = digest_of_bytes(SPAN_LITERAL("never added")), found;
	struct digest id = publish("stream", "here");
	char name[STREAM_NAME_SIZE_MAX], place[DIGEST_PATH_SIZE_MAX], path[256];
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ENOENT, stream_link(store, "x", &absent, &why));
	assert_int_equal(-ENOENT, stream_resolve(store, "x", &found, &why));
	assert_int_equal(-ENOENT, stream_ref_set(store, "r", "x", &why));
	assert_int_equal(-ENOENT, stream_ref_resolve(store, "r", name, &why));
	assert_int_equal(-ENOENT, stream_ref_remove(store, "r", &why));
	assert_int_equal(-ENOENT, tag_resolve(store, "t", name, &found, &why));
	assert_string_equal("no image 't'", why.text);
	assert_int_equal(-ENOENT, tag_remove(store, "t", &why));
	(void)snprintf(path, sizeof(path), "objects/%s", digest_path(&id, place));
	assert_int_equal(0, unlink(below(folder, path)));
	assert_int_equal(-ENOENT, stream_resolve(store, "here", &found, &why));
}

static void refuses_names_that_lead_elsewhere(void **state)
{
	static const char *const names[] = {"", ".", "..", "refs", "a/b", "/a", "a/"};
	static const char *const refs[] = {"", "..", "a/../b", "/a", "a/", "a//b"};
	static const char *const tags[] = {"", ".", ".."};
	struct digest id = publish("stream", "here"), found;
	struct diag why = {0};
	char huge[300];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(-EINVAL, stream_link(store, names[i], &id, &why));
		assert_int_equal(-EINVAL, stream_resolve(store, names[i], &found, &why));
	}
	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		assert_int_equal(-EINVAL, stream_ref_set(store, refs[i], "here", &why));
		assert_int_equal(-EINVAL, stream_ref_remove(store, refs[i], &why));
	}
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		assert_int_equal(-EINVAL, tag_set(store, tags[i], "here", &why));
	memset(huge, '/', sizeof(huge));
	huge[86] = '\0'; /* 258 bytes once encoded */
	assert_int_equal(-EINVAL, tag_check(huge, &why));
	huge[85] = '\0';
	assert_ok(tag_check(huge, &why), &why);
	/* A link that somebody else put there. */
	assert_int_equal(0, symlink("../objects/nothing", below(folder, "streams/odd")));
	assert_int_equal(-EUCLEAN, stream_resolve(store, "odd", &found, &why));
}

static int note_stream(void *context, const char *name, const struct digest *id, struct diag *why)
{
	(void)why;
	assert_int_equal(DIGEST_SHA256, id->algorithm);
	return buf_printf(context, "%s\n", name);
}

static int note_pair(void *context, const char *a, const char *b, struct diag *why)
{
	(void)why;
	return buf_printf(context, "%s %s\n", a, b);
}

static void lists_names_refs_and_tags(void **state)
{
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(stream_list(store, note_stream, &text, &why), &why);
	assert_ok(tag_list(store, note_pair, &text, &why), &why);
	assert_int_equal(0, text.size);
	(void)publish("one", "b");
	(void)publish("two", "a");
	assert_ok(tag_set(store, "z/1", "a", &why), &why);
	assert_ok(tag_set(store, "%2F", "b", &why), &why);
	assert_ok(stream_ref_set(store, "oci/no%encoder", "b", &why), &why);
	assert_ok(stream_ref_set(store, "oci/too/deep", "b", &why), &why);
	assert_ok(stream_ref_set(store, "ostree/x", "b", &why), &why);
	file_write(below(folder, "streams/file"), SPAN_LITERAL("no link"));
	assert_ok(stream_list(store, note_stream, &text, &why), &why);
	assert_string_equal("a\nb\n", buf_string(&text));
	text.size = 0;
	assert_ok(tag_list(store, note_pair, &text, &why), &why);
	assert_string_equal("%2F b\nz/1 a\n", buf_string(&text));
	text.size = 0;
	assert_ok(stream_ref_list(store, "os", note_pair, &text, &why), &why);
	assert_string_equal("ostree/x b\n", buf_string(&text));
	assert_ok(tag_remove(store, "z/1", &why), &why);
	text.size = 0;
	assert_ok(tag_list(store, note_pair, &text, &why), &why);
	assert_string_equal("%2F b\n", buf_string(&text));
	buf_release(&text);
}

static void encodes_two_bytes_and_no_others(void **state)
{
	static const char *const wrong[] = {"%", "%2", "%2f", "%41", "a%25%"};
	struct buf text = {0}, again = {0};

	(void)state;
	assert_int_equal(0, stream_name_encode(SPAN_LITERAL("a/b%c:\xff %2F"), &text));
	assert_string_equal("a%2Fb%25c:\xff %252F", buf_string(&text));
	assert_int_equal(0, stream_name_decode(buf_span(&text), &again));
	assert_string_equal("a/b%c:\xff %2F", buf_string(&again));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(-EINVAL, stream_name_decode(span_of_string(wrong[i]), &again));
	buf_release(&text);
	buf_release(&again);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(links_are_those_of_the_format),
		CASE(a_name_moves_to_the_new_stream),
		CASE(what_is_synced_can_be_linked_before_the_end),
		CASE(what_is_missing_is_not_found),
		CASE(refuses_names_that_lead_elsewhere),
		CASE(lists_names_refs_and_tags),
		CASE(encodes_two_bytes_and_no_others),
	};

	return cmocka_run_group_tests_name("store/streams", tests, NULL, NULL);
}
