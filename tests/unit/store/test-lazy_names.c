/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "lazy_fixture.h"

#include "store/lazy_names.h"

static int note_tag(void *context, const char *tag, const struct digest *manifest, struct diag *why)
{
	(void)why;
	assert_int_equal(DIGEST_SHA512, manifest->algorithm);
	(void)snprintf(context, 64, "%s", tag);
	return 7;
}

static void tags_lead_to_manifests(void **state)
{
	static const char tag[] = "localhost:5000/a/b%:c";
	const struct fixture *fixture = *state;
	struct digest found;
	struct diag why = {0};
	char seen[64];

	assert_int_equal(-ENOENT, lazy_name_get(fixture->store, tag, &found));
	assert_int_equal(-ENOENT, lazy_name_remove(fixture->store, tag, &why));
	assert_ok(lazy_name_set(fixture->store, tag, &fixture->first, &why), &why);
	assert_ok(lazy_name_set(fixture->store, tag, &fixture->second, &why), &why);
	assert_ok(lazy_name_get(fixture->store, tag, &found), &why);
	assert_true(digest_equal(&fixture->second, &found));
	assert_int_equal(7, lazy_names_each(fixture->store, note_tag, seen, &why));
	assert_string_equal(tag, seen);
	assert_ok(lazy_name_remove(fixture->store, tag, &why), &why);
	assert_int_equal(-ENOENT, lazy_name_get(fixture->store, tag, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tags_lead_to_manifests, make, unmake),
	};

	return cmocka_run_group_tests_name("store/lazy_names", tests, NULL, NULL);
}
