/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "erofs/image.h"
#include "serve/xattr_names.h"

struct row {
	const char *prefix, *suffix;             /* stored */
	const char *user, *trusted, *standalone; /* shown; NULL: hidden */
};

#define SAME(name) (name), (name), (name)

static const struct row rows[] = {
	{"trusted.", "overlay.metacopy", "user.overlay.metacopy", "trusted.overlay.metacopy", NULL},
	{"trusted.", "overlay.", "user.overlay.", "trusted.overlay.", NULL},
	{"trusted.", "overlay.overlay.opaque", "trusted.overlay.opaque",
	 "trusted.overlay.overlay.opaque", "trusted.overlay.opaque"},
	{"trusted.", "overlay.overlay.overlay.x", "trusted.overlay.overlay.x",
	 "trusted.overlay.overlay.overlay.x", "trusted.overlay.overlay.x"},
	{"user.", "overlay.whiteout", "user.overlay.overlay.whiteout", "user.overlay.whiteout",
	 "user.overlay.whiteout"},
	{"user.", "overlay.overlay.x", "user.overlay.overlay.overlay.x", "user.overlay.overlay.x",
	 "user.overlay.overlay.x"},
	{"user.", "overlayx", SAME("user.overlayx")},
	{"user.", "a", SAME("user.a")},
	{"user.", "", SAME("user.")},
	{"trusted.", "overlay", SAME("trusted.overlay")},
	{"security.", "capability", SAME("security.capability")},
	{"system.posix_acl_access", "", SAME("system.posix_acl_access")},
	{"system.posix_acl_access", "x", SAME(NULL)},
	{"lustre.", "x", SAME(NULL)},
	{"", "lustre.x", SAME(NULL)},
	{"", "odd", SAME(NULL)},
};

static void check(enum view_kind kind, const struct row *row, const char *expected)
{
	struct image_xattr stored = {.prefix = span_of_string(row->prefix),
				     .suffix = span_of_string(row->suffix)};
	struct xattr_name_space space, back_space;
	char full[512], text[512];
	struct span shown, back;
	bool visible = xattr_shown_name(kind, &stored, &space, &shown);

	(void)snprintf(full, sizeof(full), "%s%s", row->prefix, row->suffix);
	assert_int_equal(expected != NULL, visible);
	if (!expected)
		return;
	(void)snprintf(text, sizeof(text), "%.*s", (int)shown.size, (const char *)shown.data);
	assert_string_equal(expected, text);
	/* What is shown can be asked for by that name. */
	back = xattr_stored_name(kind, shown, &back_space);
	(void)snprintf(text, sizeof(text), "%.*s", (int)back.size, (const char *)back.data);
	assert_string_equal(full, text);
}

static void names_are_translated_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(VIEW_METADATA_USER, &rows[i], rows[i].user);
		check(VIEW_METADATA_TRUSTED, &rows[i], rows[i].trusted);
		check(VIEW_STANDALONE, &rows[i], rows[i].standalone);
	}
}

/* Instructions for overlayfs must not come out of a view that hides them, whatever is asked. */
static void a_hidden_name_cannot_be_asked_for(void **state)
{
	struct xattr_name_space space;
	struct span stored = xattr_stored_name(VIEW_STANDALONE,
					       SPAN_LITERAL("trusted.overlay.redirect"), &space);

	(void)state;
	assert_true(span_equal(stored, SPAN_LITERAL("trusted.overlay.overlay.redirect")));
	stored = xattr_stored_name(VIEW_METADATA_USER, SPAN_LITERAL("trusted.overlay.redirect"),
				   &space);
	assert_true(span_equal(stored, SPAN_LITERAL("trusted.overlay.overlay.redirect")));
}

static void the_longest_names_fit(void **state)
{
	struct image_xattr stored = {.prefix = SPAN_LITERAL("user.")};
	struct xattr_name_space space;
	struct span shown;
	char suffix[255], name[255];

	(void)state;
	memset(suffix, 'x', sizeof(suffix));
	memcpy(suffix, "overlay.", 8);
	stored.suffix = span_of(suffix, sizeof(suffix));
	assert_true(xattr_shown_name(VIEW_METADATA_USER, &stored, &space, &shown));
	assert_int_equal(5 + 255 + 8, shown.size);
	memset(name, 'x', sizeof(name));
	memcpy(name, "trusted.overlay.", 16);
	shown = xattr_stored_name(VIEW_STANDALONE, span_of(name, sizeof(name)), &space);
	assert_int_equal(255 + 8, shown.size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_translated_there_and_back),
		cmocka_unit_test(a_hidden_name_cannot_be_asked_for),
		cmocka_unit_test(the_longest_names_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
