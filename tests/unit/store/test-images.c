/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

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
	struct digest image = add_text(transaction, content);
	struct diag why = {0};

	assert_ok(image_publish(store, transaction, &image, name, &why), &why);
	return image;
}

static void assert_link(const char *path, const char *format, const char *text)
{
	char expected[512], target[512];
	ssize_t size = readlink(below(folder, path), target, sizeof(target) - 1);

	assert_true(size > 0);
	target[size] = '\0';
	(void)snprintf(expected, sizeof(expected), format, text);
	assert_string_equal(expected, target);
}

static void assert_resolves(const char *text, const struct digest *image)
{
	struct diag why = {0};
	struct digest digest;
	int fd = image_resolve(store, text, &digest, &why);

	assert_ok(fd, &why);
	(void)close(fd);
	assert_true(digest_equal(image, &digest));
}

static void links_are_those_of_the_format(void **state)
{
	struct digest image = publish("image", "a");
	char hex[DIGEST_HEX_SIZE_MAX], place[DIGEST_PATH_SIZE_MAX], path[256];

	(void)state;
	(void)publish("image", "b/c/d");
	digest_hex(&image, hex);
	(void)snprintf(path, sizeof(path), "images/%s", hex);
	assert_link(path, "../objects/%s", digest_path(&image, place));
	assert_link("images/refs/a", "../%s", hex);
	assert_link("images/refs/b/c/d", "../../../%s", hex);
	/* The kernel, too, must find the object through the links. */
	assert_int_equal(0, access(below(folder, "images/refs/a"), R_OK));
	assert_int_equal(0, access(below(folder, "images/refs/b/c/d"), R_OK));
	assert_int_equal(0755, mode_of(below(folder, "images/refs/b")));
}

static void resolves_digests_names_and_paths(void **state)
{
	struct digest image = publish("image", "a"), other = publish("other", "x/y");
	char text[256], hex[DIGEST_HEX_SIZE_MAX];

	(void)state;
	digest_hex(&image, hex);
	assert_resolves(hex, &image);
	(void)snprintf(text, sizeof(text), "sha256:%s", hex);
	assert_resolves(text, &image);
	assert_resolves("a", &image);
	assert_resolves("refs/a", &image);
	assert_resolves("x/y", &other);
	assert_resolves("refs/x/y", &other);
}

static void unknown_images_are_not_found(void **state)
{
	struct transaction *transaction = begin(store);
	struct digest object = add_text(transaction, "no image"), digest;
	char hex[DIGEST_HEX_SIZE_MAX];
	struct diag why = {0};

	(void)state;
	assert_ok(transaction_commit(transaction, &why), &why);
	assert_int_equal(-ENOENT, image_resolve(store, "none", &digest, &why));
	assert_int_equal(-ENOENT, image_resolve(store, "a/none", &digest, &why));
	assert_int_equal(-ENOENT, image_resolve(store, "refs", &digest, &why));
	assert_int_equal(-ENOENT, image_resolve(store, digest_hex(&object, hex), &digest, &why));
	assert_non_null(strstr(why.text, "no image"));
	assert_int_equal(-EINVAL, image_resolve(store, "../objects", &digest, &why));
	assert_int_equal(-EINVAL, image_resolve(store, "/etc/passwd", &digest, &why));
	assert_int_equal(-EINVAL, image_resolve(store, "", &digest, &why));
}

static void a_name_moves_to_the_new_image(void **state)
{
	struct digest first = publish("first", "a/b"), second = publish("second", "a/b");
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)state;
	assert_resolves("a/b", &second);
	assert_resolves(digest_hex(&first, hex), &first);
	assert_nothing_temporary(folder);
	assert_nothing_temporary(below(folder, "images/refs/a"));
}

static void refuses_names_that_lead_elsewhere(void **state)
{
	static const char *const names[] = {
		"",
		"/",
		"/a",
		"a/",
		"a//b",
		".",
		"..",
		"a/../b",
		"./a",
		"sha256:1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64",
		"1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64",
	};
	char huge[300];

	(void)state;
	memset(huge, 'n', 256);
	huge[256] = '\0';
	for (size_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		const char *name = i < sizeof(names) / sizeof(names[0]) ? names[i] : huge;
		struct transaction *transaction = begin(store);
		struct digest image = add_text(transaction, "image");
		struct diag why = {0};

		assert_int_equal(-EINVAL, image_publish(store, transaction, &image, name, &why));
	}
	assert_int_equal(-1, access(below(folder, "images"), F_OK));
	huge[255] = '\0';
	(void)publish("image", huge);
}

static void a_name_is_no_directory_and_the_reverse(void **state)
{
	struct digest image = publish("image", "a");
	struct diag why = {0};

	(void)state;
	(void)publish("image", "d/e");
	assert_int_equal(-EEXIST, image_publish(store, begin(store), &image, "a/b", &why));
	assert_non_null(strstr(why.text, "not a directory"));
	assert_int_equal(-EEXIST, image_publish(store, begin(store), &image, "d", &why));
	assert_resolves("a", &image);
}

static void an_image_must_be_there(void **state)
{
	struct digest image = digest_of_bytes(SPAN_LITERAL("never added"));
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ENOENT, image_publish(store, begin(store), &image, "a", &why));
}

static int note(void *context, const char *name, const struct digest *image, struct diag *why)
{
	struct buf *text = context;

	(void)why;
	assert_int_equal(DIGEST_SHA256, image->algorithm);
	return buf_printf(text, "%s\n", name);
}

static void lists_names_in_byte_order(void **state)
{
	static const char *const names[] = {"b", "a/z", "a-b", "B", "a/b/c", "\xc3\xa9", "a.x"};
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(image_list(store, note, &text, &why), &why);
	assert_int_equal(0, text.size);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)publish("image", names[i]);
	assert_ok(image_list(store, note, &text, &why), &why);
	assert_string_equal("B\na-b\na.x\na/b/c\na/z\nb\n\xc3\xa9\n", buf_string(&text));
	buf_release(&text);
}

static int stop(void *context, const char *name, const struct digest *image, struct diag *why)
{
	(void)context;
	(void)name;
	(void)image;
	(void)why;
	return 7;
}

static void a_visitor_can_end_the_listing(void **state)
{
	struct diag why = {0};

	(void)state;
	(void)publish("image", "a");
	assert_int_equal(7, image_list(store, stop, NULL, &why));
}

static void names_the_reference_that_is_no_link(void **state)
{
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	(void)publish("image", "a");
	file_write(below(folder, "images/refs/file"), SPAN_LITERAL("x"));
	assert_int_equal(-EUCLEAN, image_list(store, note, &text, &why));
	assert_non_null(strstr(why.text, "images/refs/file"));
	assert_int_equal(0, unlink(below(folder, "images/refs/file")));
	assert_int_equal(0, symlink("../../elsewhere", below(folder, "images/refs/astray")));
	assert_int_equal(-EUCLEAN, image_list(store, note, &text, &why));
	buf_release(&text);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(links_are_those_of_the_format),
		CASE(resolves_digests_names_and_paths),
		CASE(unknown_images_are_not_found),
		CASE(a_name_moves_to_the_new_image),
		CASE(refuses_names_that_lead_elsewhere),
		CASE(a_name_is_no_directory_and_the_reverse),
		CASE(an_image_must_be_there),
		CASE(lists_names_in_byte_order),
		CASE(a_visitor_can_end_the_listing),
		CASE(names_the_reference_that_is_no_link),
	};

	return cmocka_run_group_tests_name("store/images", tests, NULL, NULL);
}
